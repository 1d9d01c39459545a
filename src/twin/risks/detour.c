/* detour.c - the least way from a forest's roots to one node when some elements fail.
 *
 * A* from the node back to the roots (Hart, Nilsson, Raphael 1968).  What is still to go is told by
 * the way in the whole network: failures only make ways longer, so it is never too much; and at the
 * first node that is not below a failed element it is exact, so the search ends there.
 *
 * Contract: the way is that of a Dijkstra from scratch on the network without the elements.  Nodes
 * looked at: those below the elements that are no farther than the answer. */
#include "twin/risks/risks_priv.h"

#define GONE_MOST 2

void risks_detour_init(struct risks_detour *detour, const struct risks_graph *graph,
                       struct arena *arena)
{
    size_t n = graph->nodes + 1;
    *detour = (struct risks_detour){.graph = graph,
                                    .stamp = arena_array(arena, n, sizeof *detour->stamp),
                                    .way = arena_array(arena, n, sizeof *detour->way),
                                    .came = arena_array(arena, n, sizeof *detour->came),
                                    .steps = arena_array(arena, n, sizeof *detour->steps)};
    detour->heap.items = arena_array(arena, n, sizeof *detour->heap.items);
    detour->heap.place = arena_array(arena, n, sizeof *detour->heap.place);
}

struct span { /* what is below a failed element */
    uint32_t in, out;
};

static size_t spans_of(const struct risks_forest *f, const uint32_t *gone, size_t count,
                       struct span *out)
{
    const struct risks_graph *g = f->graph;
    size_t spans = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t below = gone[i];
        if (gone[i] >= g->nodes) {
            uint32_t link = gone[i] - (uint32_t)g->nodes;
            below = f->parent_link[g->link_a[link]] == link   ? g->link_a[link]
                    : f->parent_link[g->link_b[link]] == link ? g->link_b[link]
                                                              : RISKS_NONE;
        }
        if (below != RISKS_NONE)
            out[spans++] = (struct span){f->in[below], f->out[below]};
    }
    return spans;
}

static bool is_below(const struct risks_forest *f, uint32_t node, const struct span *spans,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (f->in[node] >= spans[i].in && f->in[node] < spans[i].out)
            return true;
    return false;
}

static struct risks_way sum(const struct risks_way *a, const struct risks_way *b)
{
    return (struct risks_way){a->unknown + b->unknown, a->links + b->links, a->latency + b->latency,
                              a->price + b->price};
}

static bool is_gone(uint32_t element, const uint32_t *gone, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gone[i] == element)
            return true;
    return false;
}

static void expand(struct risks_detour *d, const struct risks_forest *f, uint32_t v,
                   const uint32_t *gone, size_t count)
{
    const struct risks_graph *g = d->graph;
    for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
        struct risks_half half = g->halves[i];
        if (f->way[half.to].unknown == UINT32_MAX || is_gone(half.to, gone, count) ||
            is_gone((uint32_t)g->nodes + half.link, gone, count))
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

size_t risks_detour_find(struct risks_detour *d, const struct risks_forest *f, const uint32_t *gone,
                         size_t count, uint32_t target, struct risks_way *ret_way)
{
    struct span spans[GONE_MOST];
    size_t below = spans_of(f, gone, count, spans), steps = 0;
    *ret_way = RISKS_UNREACHED;
    if (f->way[target].unknown == UINT32_MAX || is_gone(target, gone, count))
        return 0;
    d->epoch++;
    d->stamp[target] = d->epoch;
    d->way[target] = (struct risks_way){0};
    risks_heap_push(&d->heap, f->way[target], target);
    while (d->heap.count) {
        struct risks_way whole = d->heap.items[0].way;
        uint32_t v = risks_heap_pop(&d->heap);
        if (!is_below(f, v, spans, below)) {
            *ret_way = whole;
            steps = trace(d, f, target, v);
            break;
        }
        expand(d, f, v, gone, count);
    }
    risks_heap_clear(&d->heap);
    return steps;
}
