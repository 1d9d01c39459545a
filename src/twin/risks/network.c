/* network.c - what the failure of elements does to the network alone: parts of it cut off, sites
 * farther from the access points, pairs that darken sites together.
 *
 * A site is lit when an access point reaches it.  D(X) are the lit sites that X darkens.  With e2
 * in a lit part of the network without e1, either e1 is not in D(e2) and D(e1), D(e2) have nothing
 * in common, or all of D(e1, e2) is in D(e2) and e1; so what the pair darkens that neither does
 * alone is what e2 darkens without e1, less |D(e2)|, or nothing.
 *
 * Contract: every element is looked at; O((nodes + links) · firsts + nodes below · degree · log).
 */
#include <stdlib.h>

#include "twin/risks/risks_priv.h"

#define PAIRS_KEPT 100000 /* findings of pairs; the others are counted */

/* Of a link that cuts off one site alone: the site and the node that stays. */
static void name_hub(const struct risks_graph *g, uint32_t element, struct risks_finding *finding)
{
    if (element < g->nodes || finding->off.sites != 1 || finding->off.access)
        return;
    const struct network_link *link = &g->network->links.items[element - g->nodes];
    uint32_t a = g->link_a[element - g->nodes];
    bool ends_at_a = g->first[a + 1] - g->first[a] == 1 && a < g->sites;
    finding->at = ends_at_a ? link->a : link->b;
    finding->hub = ends_at_a ? link->b : link->a;
}

void risks_find_cuts(struct risks_work *work)
{
    const struct risks_graph *g = &work->graph;
    risks_cutter_run(&work->cutter, RISKS_NONE);
    for (uint32_t e = 0; e < g->nodes + g->links; e++) {
        const struct risks_cut *cut = &work->cutter.cut[e];
        if (cut->pieces < 2)
            continue;
        bool wide = cut->off.sites > 1 || cut->off.access > 0;
        struct risks_finding *finding =
            risks_add(work, RISKS_CUT, wide ? RISKS_HIGH : RISKS_LOW, RISKS_CUT_OFF);
        finding->element = risks_graph_element(g, e, work->arena);
        finding->off = cut->off;
        name_hub(g, e, finding);
        finding->dark = cut->dark;
        finding->observed = (struct opt_double){true, 1};
        finding->required = (struct opt_double){true, 2};
        finding->margin = (struct opt_double){true, -1};
        finding->unit = "ways";
    }
}

/* ---- farther ---- */

static double ms(const struct risks_way *way)
{
    return (double)way->latency / RISKS_UNIT;
}

struct farther {
    uint32_t count, worst; /* sites; RISKS_NONE where all have become unknown */
    int64_t most;
};

static struct farther compare(const struct risks_work *work, const struct risks_rest *rest)
{
    struct farther farther = {0, RISKS_NONE, 0};
    for (size_t i = 0; i < rest->count; i++) {
        uint32_t v = rest->changed[i];
        const struct risks_way *before = &rest->forest->way[v], *after = &rest->way[v];
        if (v >= work->graph.sites || after->unknown == UINT32_MAX)
            continue;
        bool unknown = after->unknown > before->unknown;
        int64_t more = after->latency - before->latency;
        if (!unknown && more <= 0)
            continue;
        farther.count++;
        if (unknown || more < farther.most ||
            (more == farther.most && farther.worst != RISKS_NONE && v > farther.worst))
            continue;
        farther.most = more;
        farther.worst = v;
    }
    return farther;
}

static void tell_farther(struct risks_work *work, uint32_t element, const struct risks_rest *rest)
{
    struct farther farther = compare(work, rest);
    if (element < work->graph.nodes + work->graph.links)
        work->answer->singles_felt += rest->count > (element < work->graph.nodes);
    if (!farther.count)
        return;
    bool known = farther.worst != RISKS_NONE;
    struct risks_finding *finding =
        risks_add(work, RISKS_SLOWER, RISKS_LOW, known ? RISKS_FARTHER : RISKS_LATENCY_UNKNOWN);
    finding->element = risks_graph_element(&work->graph, element, work->arena);
    finding->slower = farther.count;
    finding->unit = "ms";
    if (!known)
        return;
    finding->at = work->graph.network->sites.items[farther.worst].id;
    finding->required = (struct opt_double){true, ms(&rest->forest->way[farther.worst])};
    finding->observed = (struct opt_double){true, ms(&rest->way[farther.worst])};
    finding->margin = (struct opt_double){true, -(double)farther.most / RISKS_UNIT};
}

void risks_find_slower(struct risks_work *work)
{
    const struct risks_graph *g = &work->graph;
    struct risks_forest forest;
    struct risks_rest rest;
    size_t access = g->nodes - g->sites;
    uint32_t *roots = arena_array(work->arena, access + 1, sizeof *roots);
    for (size_t i = 0; i < access; i++)
        roots[i] = (uint32_t)(g->sites + i);
    risks_forest_init(&forest, g, roots, access, work->arena);
    risks_rest_init(&rest, g, work->arena);
    work->answer->singles = g->nodes + g->links;
    for (uint32_t v = 0; v < g->sites; v++)
        work->answer->unreached += forest.way[v].unknown == UINT32_MAX;
    if (work->input->solution)
        return; /* services say it better */
    for (uint32_t e = 0; e < g->nodes + g->links + g->declared; e++) {
        risks_gone_set(&work->gone, &e, 1);
        risks_rest_without(&rest, &forest, &work->gone);
        if (rest.count)
            tell_farther(work, e, &rest);
    }
    risks_find_dark_pairs(work, &forest);
}

/* ---- pairs ---- */

struct first {
    uint32_t element, sites; /* that stand below it: the most it can darken, in a pair too */
};

static int by_sites(const void *a, const void *b)
{
    const struct first *x = a, *y = b;
    if (x->sites != y->sites)
        return x->sites < y->sites ? 1 : -1;
    return (x->element > y->element) - (x->element < y->element);
}

static size_t list_firsts(const struct risks_graph *g, const struct risks_forest *forest,
                          struct first *out)
{
    size_t count = 0;
    uint32_t *sum = mem_array(g->nodes + 1, sizeof *sum); /* sites among the first i of the order */
    uint32_t reached = 0;
    for (uint32_t v = 0; v < g->nodes; v++)
        reached = forest->out[v] > reached ? forest->out[v] : reached;
    for (uint32_t i = 0; i < reached; i++)
        sum[i + 1] = sum[i] + (forest->order[i] < g->sites);
    for (uint32_t v = 0; v < g->nodes; v++) {
        uint32_t below = sum[forest->out[v]] - sum[forest->in[v]];
        if (forest->parent_link[v] != RISKS_NONE && below)
            out[count++] = (struct first){(uint32_t)g->nodes + forest->parent_link[v], below};
        if (below > (v < g->sites))
            out[count++] = (struct first){v, below - (v < g->sites)};
    }
    mem_free(sum);
    qsort(out, count, sizeof *out, by_sites);
    return count;
}

static void tell_pair(struct risks_work *work, uint32_t first, uint32_t second, uint32_t dark)
{
    size_t kept = work->answer->counts[RISKS_PAIR];
    if (kept >= PAIRS_KEPT) {
        work->answer->counts[RISKS_PAIR]++;
        return;
    }
    struct risks_finding *finding =
        risks_add(work, RISKS_PAIR, dark > 1 ? RISKS_MEDIUM : RISKS_LOW, RISKS_CUT_OFF);
    finding->element = risks_graph_element(&work->graph, first, work->arena);
    finding->second = risks_graph_element(&work->graph, second, work->arena);
    finding->dark = dark;
}

void risks_find_dark_pairs(struct risks_work *work, const struct risks_forest *forest)
{
    const struct risks_graph *g = &work->graph;
    size_t all = g->nodes + g->links, wanted = work->input->firsts ? work->input->firsts : 50;
    struct first *firsts = mem_array(2 * g->nodes + 1, sizeof *firsts);
    uint32_t *alone = mem_array(all + 1, sizeof *alone);
    bool *done = mem_array(all + 1, sizeof *done);
    size_t count = list_firsts(g, forest, firsts);
    for (uint32_t e = 0; e < all; e++)
        alone[e] = work->cutter.cut[e].dark;
    size_t tried = count < wanted ? count : wanted;
    for (size_t i = 0; i < tried; i++) {
        risks_cutter_run(&work->cutter, firsts[i].element);
        done[firsts[i].element] = true;
        for (uint32_t e = 0; e < all; e++)
            if (!done[e] && work->cutter.cut[e].dark > alone[e])
                tell_pair(work, firsts[i].element, e, work->cutter.cut[e].dark - alone[e]);
    }
    struct risks_answer *answer = work->answer;
    answer->pairs = (uint64_t)all * (all ? all - 1 : 0) / 2;
    for (size_t i = 0; i < tried; i++)
        answer->pairs_tried += all - 1 - i;
    answer->pairs_left = tried < count ? answer->pairs - answer->pairs_tried : 0;
    answer->pair_most = (struct opt_double){true, tried < count ? 2.0 * firsts[tried].sites : 0.0};
    mem_free(firsts);
    mem_free(alone);
    mem_free(done);
}
