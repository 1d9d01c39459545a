/* group_cuts.c - what groups that fail together part.
 *
 * A tree over each component tells what may hang on a group: only what is below its members is
 * looked at.  What the tree's root does not reach any more is walked piece by piece; the root's
 * own piece is what is left of the component's sum.  The largest piece stays, as in cuts.c.
 *
 * Contract: the same as removing all members and looking at what hangs together;
 * O(nodes below members · degree · log) a group. */
#include <string.h>

#include "twin/risks/risks_priv.h"

struct parted { /* what a group parts, of all components that it touches */
    struct risks_amount off, lost;
    uint32_t dark;
};

struct group_cutter {
    struct risks_work *work;
    struct risks_forest forest; /* a root in each component */
    struct risks_rest rest;
    uint32_t *component;         /* by node: its root's number */
    struct risks_amount *totals; /* by component */
    uint32_t *label, *stack;     /* scratch: pieces of what the root does not reach */
    uint32_t *hit, *state;       /* components touched by a group; state[c] = place in hit + 1 */
    struct risks_amount *rests;  /* by place in hit: the piece of the root */
    struct risks_amount *largest, *all;
    uint32_t *darkened;
};

/* A root in each component: the node with the most links, so that trees are flat. */
static void plant(struct group_cutter *c)
{
    const struct risks_graph *g = &c->work->graph;
    struct arena *arena = c->work->arena;
    size_t n = g->nodes + 1, roots = 0;
    uint32_t *root = arena_array(arena, n, sizeof *root);
    memset(c->component, 0xff, n * sizeof *c->component);
    for (uint32_t v = 0; v < g->nodes; v++) {
        if (c->component[v] != RISKS_NONE)
            continue;
        size_t depth = 0;
        root[roots] = v;
        c->component[v] = (uint32_t)roots;
        for (c->stack[depth++] = v; depth;) {
            uint32_t u = c->stack[--depth];
            if (g->first[u + 1] - g->first[u] > g->first[root[roots] + 1] - g->first[root[roots]])
                root[roots] = u;
            risks_amount_add(&c->totals[roots], &g->amount[u]);
            for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
                if (c->component[g->halves[i].to] == RISKS_NONE) {
                    c->component[g->halves[i].to] = (uint32_t)roots;
                    c->stack[depth++] = g->halves[i].to;
                }
        }
        roots++;
    }
    risks_forest_init(&c->forest, g, root, roots, arena);
}

static size_t touch(struct group_cutter *c, uint32_t node, size_t *count)
{
    uint32_t component = c->component[node];
    if (!c->state[component]) {
        c->hit[*count] = component;
        c->rests[*count] = c->totals[component];
        c->largest[*count] = c->all[*count] = (struct risks_amount){0};
        c->darkened[*count] = 0;
        c->state[component] = (uint32_t)++ * count;
    }
    return c->state[component] - 1;
}

static void piece_done(struct group_cutter *c, size_t place, const struct risks_amount *piece)
{
    risks_amount_add(&c->all[place], piece);
    if (risks_amount_is_larger(piece, &c->largest[place]))
        c->largest[place] = *piece;
    if (!piece->access && c->totals[c->hit[place]].access)
        c->darkened[place] += piece->sites;
}

static bool is_adrift(const struct group_cutter *c, uint32_t v)
{
    return risks_rest_is_changed(&c->rest, v) && c->rest.way[v].unknown == UINT32_MAX &&
           !risks_is_gone(&c->work->gone, v);
}

/* The pieces of what the root does not reach any more, one after the other. */
static void walk_pieces(struct group_cutter *c, size_t *count)
{
    const struct risks_graph *g = &c->work->graph;
    for (size_t i = 0; i < c->rest.count; i++)
        c->label[c->rest.changed[i]] = RISKS_NONE;
    for (size_t i = 0; i < c->rest.count; i++) {
        uint32_t v = c->rest.changed[i];
        struct risks_amount piece = {0};
        size_t depth = 0;
        if (!is_adrift(c, v) || c->label[v] != RISKS_NONE)
            continue;
        c->label[v] = 0;
        for (c->stack[depth++] = v; depth;) {
            uint32_t u = c->stack[--depth];
            risks_amount_add(&piece, &g->amount[u]);
            for (uint32_t k = g->first[u]; k < g->first[u + 1]; k++) {
                struct risks_half half = g->halves[k];
                if (risks_is_gone(&c->work->gone, (uint32_t)g->nodes + half.link) ||
                    !is_adrift(c, half.to) || c->label[half.to] != RISKS_NONE)
                    continue;
                c->label[half.to] = 0;
                c->stack[depth++] = half.to;
            }
        }
        size_t place = touch(c, v, count);
        risks_amount_take(&c->rests[place], &piece);
        piece_done(c, place, &piece);
    }
}

static struct parted part(struct group_cutter *c, uint32_t group)
{
    const struct risks_graph *g = &c->work->graph;
    struct parted parted = {.dark = 0};
    size_t count = 0;
    risks_gone_set(&c->work->gone, &group, 1);
    risks_rest_without(&c->rest, &c->forest, &c->work->gone);
    for (size_t i = 0; i < c->work->gone.count; i++) {
        uint32_t element = c->work->gone.items[i];
        if (element >= g->nodes)
            continue;
        size_t place = touch(c, element, &count);
        risks_amount_take(&c->rests[place], &g->amount[element]);
        risks_amount_add(&parted.lost, &g->amount[element]);
    }
    walk_pieces(c, &count);
    for (size_t i = 0; i < count; i++) {
        if (c->rests[i].sites + c->rests[i].access)
            piece_done(c, i, &c->rests[i]);
        risks_amount_take(&c->all[i], &c->largest[i]);
        risks_amount_add(&parted.off, &c->all[i]);
        parted.dark += c->darkened[i];
        c->state[c->hit[i]] = 0;
    }
    return parted;
}

static void tell_group(struct risks_work *work, uint32_t group, const struct parted *parted)
{
    bool wide = parted->off.sites > 1 || parted->off.access > 0;
    bool guess =
        work->graph.groups[group - work->graph.nodes - work->graph.links].basis != RISKS_DECLARED;
    struct risks_finding *finding =
        risks_add(work, RISKS_CUT, wide && !guess ? RISKS_HIGH : RISKS_LOW, RISKS_CUT_OFF);
    finding->element = risks_graph_element(&work->graph, group, work->arena);
    finding->off = parted->off;
    finding->lost = parted->lost;
    finding->dark = parted->dark;
    finding->observed = (struct opt_double){true, 1};
    finding->required = (struct opt_double){true, 2};
    finding->margin = (struct opt_double){true, -1};
    finding->unit = "ways";
}

void risks_find_group_cuts(struct risks_work *work)
{
    const struct risks_graph *g = &work->graph;
    struct arena *arena = work->arena;
    size_t n = g->nodes + 1;
    if (!g->group_count)
        return;
    struct group_cutter c = {.work = work,
                             .component = arena_array(arena, n, sizeof *c.component),
                             .totals = arena_array(arena, n, sizeof *c.totals),
                             .label = arena_array(arena, n, sizeof *c.label),
                             .stack = arena_array(arena, n, sizeof *c.stack),
                             .hit = arena_array(arena, n, sizeof *c.hit),
                             .state = arena_array(arena, n, sizeof *c.state),
                             .rests = arena_array(arena, n, sizeof *c.rests),
                             .largest = arena_array(arena, n, sizeof *c.largest),
                             .all = arena_array(arena, n, sizeof *c.all),
                             .darkened = arena_array(arena, n, sizeof *c.darkened)};
    plant(&c);
    risks_rest_init(&c.rest, g, arena);
    for (uint32_t i = 0; i < g->group_count; i++) {
        uint32_t group = (uint32_t)(g->nodes + g->links) + i;
        struct parted parted = part(&c, group);
        if (parted.off.sites + parted.off.access)
            tell_group(work, group, &parted);
    }
}
