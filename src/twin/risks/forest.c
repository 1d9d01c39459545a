/* forest.c - least-latency trees from a set of roots, and what becomes of them when elements fail.
 *
 * A way changes only where an element that fails stands on it, so only the nodes below those
 * elements are worked out anew, from what borders on them (restricted Dijkstra).  Ways are compared
 * by (links without latency, latency, price, links), all in integers, so sums are exact.
 *
 * Contract: after risks_rest_without the way of each node is that of a Dijkstra from
 * scratch on the graph without the elements; the forest itself never changes. */
#include <math.h>
#include <string.h>

#include "twin/risks/risks_priv.h"

#define LINK_MOST 1e8 /* ms or money of one link: 60,000 of them still fit an int64_t */

bool risks_way_less(const struct risks_way *a, const struct risks_way *b)
{
    if (a->unknown != b->unknown)
        return a->unknown < b->unknown;
    if (a->latency != b->latency)
        return a->latency < b->latency;
    if (a->price != b->price)
        return a->price < b->price;
    return a->links < b->links;
}

static int64_t whole(double value)
{
    return value > 0 ? llround(fmin(value, LINK_MOST) * RISKS_UNIT) : 0;
}

struct risks_way risks_way_on(const struct risks_graph *graph, const struct risks_way *way,
                              uint32_t link)
{
    const struct network_link *item = &graph->network->links.items[link];
    struct risks_way on = *way;
    on.unknown += !item->latency_ms.set;
    on.latency += item->latency_ms.set ? whole(item->latency_ms.value) : 0;
    on.price += item->price_mbps_month.set ? whole(item->price_mbps_month.value) : 0;
    on.links++;
    return on;
}

/* ---- a binary heap with places ---- */

static void heap_put(struct risks_heap *heap, size_t at, struct risks_heap_item item)
{
    heap->items[at] = item;
    heap->place[item.node] = (uint32_t)at + 1;
}

void risks_heap_push(struct risks_heap *heap, struct risks_way way, uint32_t node)
{
    size_t at = heap->place[node] ? heap->place[node] - 1 : heap->count++;
    while (at && risks_way_less(&way, &heap->items[(at - 1) / 2].way)) {
        heap_put(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(heap, at, (struct risks_heap_item){way, node});
}

uint32_t risks_heap_pop(struct risks_heap *heap)
{
    uint32_t node = heap->items[0].node;
    heap->place[node] = 0;
    struct risks_heap_item last = heap->items[--heap->count];
    if (!heap->count)
        return node;
    size_t at = 0, child;
    while ((child = 2 * at + 1) < heap->count) {
        child += child + 1 < heap->count &&
                 risks_way_less(&heap->items[child + 1].way, &heap->items[child].way);
        if (!risks_way_less(&heap->items[child].way, &last.way))
            break;
        heap_put(heap, at, heap->items[child]);
        at = child;
    }
    heap_put(heap, at, last);
    return node;
}

void risks_heap_clear(struct risks_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->place[heap->items[i].node] = 0;
    heap->count = 0;
}

/* ---- the forest ---- */

/* Depth first, so that what is below a node stands together. */
static void number_nodes(struct risks_forest *f, const uint32_t *roots, size_t count)
{
    size_t n = f->graph->nodes;
    uint32_t *child = mem_array(n + 1, sizeof *child), *sibling = mem_array(n + 1, sizeof *sibling);
    uint32_t *stack = mem_array(n + 1, sizeof *stack), depth, written = 0;
    memset(child, 0xff, n * sizeof *child);
    for (uint32_t v = 0; v < n; v++) {
        if (f->parent[v] == RISKS_NONE)
            continue;
        sibling[v] = child[f->parent[v]];
        child[f->parent[v]] = v;
    }
    for (size_t i = 0; i < count; i++) {
        if (f->out[roots[i]])
            continue; /* a root that was named twice */
        stack[0] = roots[i];
        f->in[roots[i]] = written;
        f->order[written++] = roots[i];
        for (depth = 1; depth;) {
            uint32_t v = stack[depth - 1], c = child[v];
            if (c == RISKS_NONE) {
                f->out[v] = written;
                depth--;
                continue;
            }
            child[v] = sibling[c];
            f->in[c] = written;
            f->order[written++] = c;
            stack[depth++] = c;
        }
    }
    mem_free(child);
    mem_free(sibling);
    mem_free(stack);
}

void risks_forest_init(struct risks_forest *f, const struct risks_graph *graph,
                       const uint32_t *roots, size_t count, struct arena *arena)
{
    size_t n = graph->nodes + 1;
    *f = (struct risks_forest){.graph = graph,
                               .way = arena_array(arena, n, sizeof *f->way),
                               .parent = arena_array(arena, n, sizeof *f->parent),
                               .parent_link = arena_array(arena, n, sizeof *f->parent_link),
                               .order = arena_array(arena, n, sizeof *f->order),
                               .in = arena_array(arena, n, sizeof *f->in),
                               .out = arena_array(arena, n, sizeof *f->out)};
    struct risks_heap heap = {mem_array(n, sizeof *heap.items), 0,
                              mem_array(n, sizeof *heap.place)};
    for (size_t i = 0; i < n; i++)
        f->way[i] = RISKS_UNREACHED;
    memset(f->parent, 0xff, n * sizeof *f->parent);
    memset(f->parent_link, 0xff, n * sizeof *f->parent_link);
    for (size_t i = 0; i < count; i++) {
        f->way[roots[i]] = (struct risks_way){0};
        risks_heap_push(&heap, f->way[roots[i]], roots[i]);
    }
    while (heap.count) {
        uint32_t v = risks_heap_pop(&heap);
        for (uint32_t i = graph->first[v]; i < graph->first[v + 1]; i++) {
            struct risks_half half = graph->halves[i];
            struct risks_way way = risks_way_on(graph, &f->way[v], half.link);
            if (!risks_way_less(&way, &f->way[half.to]))
                continue;
            f->way[half.to] = way;
            f->parent[half.to] = v;
            f->parent_link[half.to] = half.link;
            risks_heap_push(&heap, way, half.to);
        }
    }
    mem_free(heap.items);
    mem_free(heap.place);
    number_nodes(f, roots, count);
}

/* ---- without some elements ---- */

void risks_rest_init(struct risks_rest *rest, const struct risks_graph *graph, struct arena *arena)
{
    size_t n = graph->nodes + 1;
    *rest = (struct risks_rest){.stamp = arena_array(arena, n, sizeof *rest->stamp),
                                .changed = arena_array(arena, n, sizeof *rest->changed),
                                .way = arena_array(arena, n, sizeof *rest->way),
                                .parent = arena_array(arena, n, sizeof *rest->parent),
                                .parent_link = arena_array(arena, n, sizeof *rest->parent_link)};
    rest->heap.items = arena_array(arena, n, sizeof *rest->heap.items);
    rest->heap.place = arena_array(arena, n, sizeof *rest->heap.place);
}

/* Marks what is below v. */
static void lose(struct risks_rest *rest, uint32_t v)
{
    const struct risks_forest *f = rest->forest;
    for (uint32_t i = f->in[v]; i < f->out[v]; i++) {
        uint32_t u = f->order[i];
        if (rest->stamp[u] == rest->epoch)
            continue;
        rest->stamp[u] = rest->epoch;
        rest->changed[rest->count++] = u;
        rest->way[u] = RISKS_UNREACHED;
        rest->parent[u] = rest->parent_link[u] = RISKS_NONE;
    }
}

static void offer(struct risks_rest *rest, const struct risks_way *from, uint32_t node,
                  uint32_t parent, uint32_t link)
{
    struct risks_way way = risks_way_on(rest->forest->graph, from, link);
    if (!risks_way_less(&way, &rest->way[node]))
        return;
    rest->way[node] = way;
    rest->parent[node] = parent;
    rest->parent_link[node] = link;
    risks_heap_push(&rest->heap, way, node);
}

/* The best way into the changed part from what did not change. */
static void border(struct risks_rest *rest, uint32_t v, const struct risks_gone *gone)
{
    const struct risks_graph *g = rest->forest->graph;
    for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
        struct risks_half half = g->halves[i];
        if (risks_rest_is_changed(rest, half.to) ||
            rest->forest->way[half.to].unknown == UINT32_MAX ||
            risks_is_gone(gone, (uint32_t)g->nodes + half.link) || risks_is_gone(gone, half.to))
            continue;
        offer(rest, &rest->forest->way[half.to], v, half.to, half.link);
    }
}

void risks_rest_without(struct risks_rest *rest, const struct risks_forest *forest,
                        const struct risks_gone *gone)
{
    const struct risks_graph *g = forest->graph;
    rest->forest = forest;
    rest->count = 0;
    rest->epoch++;
    for (size_t i = 0; i < gone->count; i++) {
        uint32_t element = gone->items[i];
        uint32_t link = element < g->nodes ? RISKS_NONE : element - (uint32_t)g->nodes;
        if (link == RISKS_NONE)
            lose(rest, element);
        else if (forest->parent_link[g->link_a[link]] == link)
            lose(rest, g->link_a[link]);
        else if (forest->parent_link[g->link_b[link]] == link)
            lose(rest, g->link_b[link]);
    }
    for (size_t i = 0; i < rest->count; i++)
        if (!risks_is_gone(gone, rest->changed[i]))
            border(rest, rest->changed[i], gone);
    while (rest->heap.count) {
        uint32_t v = risks_heap_pop(&rest->heap);
        for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
            struct risks_half half = g->halves[i];
            if (risks_rest_is_changed(rest, half.to) && !risks_is_gone(gone, half.to) &&
                !risks_is_gone(gone, (uint32_t)g->nodes + half.link))
                offer(rest, &rest->way[v], half.to, v, half.link);
        }
    }
    risks_heap_clear(&rest->heap);
}
