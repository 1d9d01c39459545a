/* cuts.c - articulation points and bridges with what each parts (Tarjan 1972), without recursion.
 *
 * Contract: O(nodes + links) a run, no memory asked for.  The largest piece is the one with the
 * most sites, then access points, vcpus, memory, accelerators; it stays, the others are off.
 * Parallel links are no bridges. */
#include <string.h>

#include "twin/risks/risks_priv.h"

void risks_cutter_init(struct risks_cutter *cutter, const struct risks_graph *graph,
                       struct arena *arena)
{
    size_t n = graph->nodes + 1;
    *cutter = (struct risks_cutter){
        .graph = graph,
        .order = arena_array(arena, n, sizeof *cutter->order),
        .low = arena_array(arena, n, sizeof *cutter->low),
        .next = arena_array(arena, n, sizeof *cutter->next),
        .parent_link = arena_array(arena, n, sizeof *cutter->parent_link),
        .visited = arena_array(arena, n, sizeof *cutter->visited),
        .stack = arena_array(arena, n, sizeof *cutter->stack),
        .below = arena_array(arena, n, sizeof *cutter->below),
        .largest = arena_array(arena, n, sizeof *cutter->largest),
        .parted = arena_array(arena, n, sizeof *cutter->parted),
        .parted_dark = arena_array(arena, n, sizeof *cutter->parted_dark),
        .cut = arena_array(arena, n + graph->links, sizeof *cutter->cut),
    };
}

static bool is_empty(const struct risks_amount *a)
{
    return a->sites + a->access == 0;
}

/* The subtree below child is done: what does v, or the link to it, part? */
static void child_done(struct risks_cutter *c, uint32_t v, uint32_t child)
{
    const struct risks_amount *piece = &c->below[child];
    risks_amount_add(&c->below[v], piece);
    if (c->low[child] < c->low[v])
        c->low[v] = c->low[child];
    if (c->low[child] < c->order[v])
        return;
    c->cut[v].pieces++;
    risks_amount_add(&c->parted[v], piece);
    c->parted_dark[v] += piece->access ? 0 : piece->sites;
    if (risks_amount_is_larger(piece, &c->largest[v]))
        c->largest[v] = *piece;
    if (c->low[child] > c->order[v])
        c->cut[c->graph->nodes + c->parent_link[child]].pieces = 1; /* completed by finish() */
}

/* The rest of a component is what is neither v nor parted by v. */
static void finish(struct risks_cutter *c, uint32_t v, const struct risks_amount *total)
{
    struct risks_cut *cut = &c->cut[v];
    struct risks_amount rest = *total;
    risks_amount_take(&rest, &c->graph->amount[v]);
    cut->off = rest;
    risks_amount_take(&rest, &c->parted[v]);
    cut->dark = c->parted_dark[v];
    if (!is_empty(&rest)) {
        cut->pieces++;
        cut->dark += rest.access ? 0 : rest.sites;
        if (risks_amount_is_larger(&rest, &c->largest[v]))
            c->largest[v] = rest;
    }
    risks_amount_take(&cut->off, &c->largest[v]);
    if (!total->access)
        cut->dark = 0;
    if (c->parent_link[v] == RISKS_NONE)
        return;
    struct risks_cut *link = &c->cut[c->graph->nodes + c->parent_link[v]];
    if (!link->pieces)
        return;
    struct risks_amount other = *total;
    risks_amount_take(&other, &c->below[v]);
    link->pieces = 2;
    link->off = risks_amount_is_larger(&c->below[v], &other) ? other : c->below[v];
    if (total->access)
        link->dark =
            (c->below[v].access ? 0 : c->below[v].sites) + (other.access ? 0 : other.sites);
}

static void enter(struct risks_cutter *c, uint32_t v, uint32_t link, uint32_t *count)
{
    c->visited[*count] = v;
    c->order[v] = c->low[v] = ++*count;
    c->next[v] = c->graph->first[v];
    c->parent_link[v] = link;
    c->below[v] = c->graph->amount[v];
    c->largest[v] = c->parted[v] = (struct risks_amount){0};
    c->parted_dark[v] = 0;
}

static void component(struct risks_cutter *c, uint32_t root, uint32_t gone, uint32_t *count)
{
    const struct risks_graph *g = c->graph;
    uint32_t begin = *count, depth = 0;
    enter(c, root, RISKS_NONE, count);
    c->stack[depth++] = root;
    while (depth) {
        uint32_t v = c->stack[depth - 1];
        if (c->next[v] == g->first[v + 1]) {
            if (--depth)
                child_done(c, c->stack[depth - 1], v);
            continue;
        }
        struct risks_half half = g->halves[c->next[v]++];
        if (half.to == gone || half.link + g->nodes == gone || half.link == c->parent_link[v])
            continue;
        if (!c->order[half.to]) {
            enter(c, half.to, half.link, count);
            c->stack[depth++] = half.to;
        } else if (c->order[half.to] < c->low[v]) {
            c->low[v] = c->order[half.to];
        }
    }
    for (uint32_t i = begin; i < *count; i++)
        finish(c, c->visited[i], &c->below[root]);
}

void risks_cutter_run(struct risks_cutter *c, uint32_t gone)
{
    const struct risks_graph *g = c->graph;
    uint32_t count = 0;
    memset(c->order, 0, g->nodes * sizeof *c->order);
    memset(c->cut, 0, (g->nodes + g->links) * sizeof *c->cut);
    for (uint32_t v = 0; v < g->nodes; v++)
        if (!c->order[v] && v != gone)
            component(c, v, gone, &count);
}
