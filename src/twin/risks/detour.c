/* detour.c - the least way from a forest's roots to one node when some elements fail.
 *
 * A* from the node back to the roots (Hart, Nilsson, Raphael 1968).  What is still to go is told by
 * the way in the whole network: failures only make ways longer, so it is never too much; and at the
 * first node that is not below a failed element it is exact, so the search ends there.
 *
 * Contract: the way is that of a Dijkstra from scratch on the network without the elements.  Nodes
 * looked at: those below the elements that are no farther than the answer. */
#include <stdlib.h>

#include "twin/risks/risks_priv.h"

void risks_detour_init(struct risks_detour *detour, const struct risks_graph *graph,
                       struct arena *arena)
{
    size_t n = graph->nodes + 1;
    *detour =
        (struct risks_detour){.graph = graph,
                              .stamp = arena_array(arena, n, sizeof *detour->stamp),
                              .way = arena_array(arena, n, sizeof *detour->way),
                              .came = arena_array(arena, n, sizeof *detour->came),
                              .steps = arena_array(arena, n, sizeof *detour->steps),
                              .spans = arena_array(arena, n + graph->links, sizeof *detour->spans)};
    detour->heap.items = arena_array(arena, n, sizeof *detour->heap.items);
    detour->heap.place = arena_array(arena, n, sizeof *detour->heap.place);
}

static int by_in(const void *a, const void *b)
{
    const struct risks_span *x = a, *y = b;
    if (x->in != y->in)
        return x->in < y->in ? -1 : 1;
    return (x->out < y->out) - (x->out > y->out); /* the wider first */
}

/* Spans of a tree lie in each other or apart: only those that lie in no other are kept. */
static void keep_outer(struct risks_detour *d)
{
    size_t kept = 0;
    if (d->span_count > 1)
        qsort(d->spans, d->span_count, sizeof *d->spans, by_in);
    for (size_t i = 0; i < d->span_count; i++)
        if (!kept || d->spans[i].in >= d->spans[kept - 1].out)
            d->spans[kept++] = d->spans[i];
    d->span_count = kept;
}

static void set_spans(struct risks_detour *d, const struct risks_forest *f,
                      const struct risks_gone *gone)
{
    const struct risks_graph *g = d->graph;
    if (d->forest == f && d->gone_epoch == gone->epoch)
        return;
    d->forest = f;
    d->gone_epoch = gone->epoch;
    d->span_count = 0;
    for (size_t i = 0; i < gone->count; i++) {
        uint32_t below = gone->items[i];
        if (below >= g->nodes) {
            uint32_t link = below - (uint32_t)g->nodes;
            below = f->parent_link[g->link_a[link]] == link   ? g->link_a[link]
                    : f->parent_link[g->link_b[link]] == link ? g->link_b[link]
                                                              : RISKS_NONE;
        }
        if (below != RISKS_NONE && f->out[below] > f->in[below])
            d->spans[d->span_count++] = (struct risks_span){f->in[below], f->out[below]};
    }
    keep_outer(d);
}

static bool is_below(const struct risks_detour *d, uint32_t at)
{
    size_t low = 0, high = d->span_count; /* the first span that begins after `at` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->spans[middle].in <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low && at < d->spans[low - 1].out;
}

static struct risks_way sum(const struct risks_way *a, const struct risks_way *b)
{
    return (struct risks_way){a->unknown + b->unknown, a->links + b->links, a->latency + b->latency,
                              a->price + b->price};
}

static void expand(struct risks_detour *d, const struct risks_forest *f, uint32_t v,
                   const struct risks_gone *gone)
{
    const struct risks_graph *g = d->graph;
    for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
        struct risks_half half = g->halves[i];
        if (f->way[half.to].unknown == UINT32_MAX || risks_is_gone(gone, half.to) ||
            risks_is_gone(gone, (uint32_t)g->nodes + half.link))
            continue;
        struct risks_way way = risks_way_on(g, &d->way[v], half.link);
        if (d->stamp[half.to] == d->epoch && !risks_way_less(&way, &d->way[half.to]))
            continue;
        d->stamp[half.to] = d->epoch;
        d->way[half.to] = way;
        d->came[half.to] = (struct risks_step){v, half.link};
        risks_heap_push(&d->heap, sum(&way, &f->way[half.to]), half.to);
    }
}

/* The steps from `target` to `end` as the search found them, then up the tree. */
static size_t trace(struct risks_detour *d, const struct risks_forest *f, uint32_t target,
                    uint32_t end)
{
    size_t count = 0;
    for (uint32_t v = end; v != target; v = d->came[v].node)
        d->steps[count++] = (struct risks_step){v, d->came[v].link};
    for (size_t i = 0; i < count / 2; i++) {
        struct risks_step step = d->steps[i];
        d->steps[i] = d->steps[count - 1 - i];
        d->steps[count - 1 - i] = step;
    }
    for (uint32_t v = end; f->parent[v] != RISKS_NONE; v = f->parent[v])
        d->steps[count++] = (struct risks_step){f->parent[v], f->parent_link[v]};
    return count;
}

size_t risks_detour_find(struct risks_detour *d, const struct risks_forest *f,
                         const struct risks_gone *gone, uint32_t target, struct risks_way *ret_way)
{
    size_t steps = 0;
    *ret_way = RISKS_UNREACHED;
    if (f->way[target].unknown == UINT32_MAX || risks_is_gone(gone, target))
        return 0;
    set_spans(d, f, gone);
    d->epoch++;
    d->stamp[target] = d->epoch;
    d->way[target] = (struct risks_way){0};
    risks_heap_push(&d->heap, f->way[target], target);
    while (d->heap.count) {
        struct risks_way whole = d->heap.items[0].way;
        uint32_t v = risks_heap_pop(&d->heap);
        if (!is_below(d, f->in[v])) {
            *ret_way = whole;
            steps = trace(d, f, target, v);
            break;
        }
        expand(d, f, v, gone);
    }
    risks_heap_clear(&d->heap);
    return steps;
}
