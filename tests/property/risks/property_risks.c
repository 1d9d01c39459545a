/* property_risks.c - the risks engine against removal and recomputation by brute force, on small
 * random networks: with parallel links, links to oneself, unknown and equal latencies, parts that
 * hang together with nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/str.h"
#include "twin/risks/risks_priv.h"

#define NODES_MOST 14
#define LINKS_MOST 30
#define ELEMENTS_MOST (NODES_MOST + LINKS_MOST)
#define CASES_DEFAULT 3000

static size_t cases(void)
{
    const char *text = getenv("SWAN_PROPERTY_CASES");
    return text ? (size_t)strtoul(text, NULL, 10) : CASES_DEFAULT;
}

static struct opt_double known(double value)
{
    return (struct opt_double){true, value};
}

/* Some sites and links in up to three declared groups; places, owners and regions to guess from. */
static void share(struct rand *rand, struct network *out, struct arena *arena)
{
    size_t groups = rand_below(rand, 4);
    for (size_t i = 0; i < out->sites.count; i++) {
        struct site *site = &out->sites.items[i];
        for (size_t k = 0; k < groups; k++)
            if (rand_below(rand, 4) == 0)
                *LIST_ADD(arena, &site->shared_risk) = arena_printf(arena, "g%zu", k);
        if (rand_below(rand, 3))
            site->owner = arena_printf(arena, "o%llu", (unsigned long long)rand_below(rand, 3));
        *LIST_ADD(arena, &site->regions) =
            arena_printf(arena, "r%llu", (unsigned long long)rand_below(rand, 3));
        *LIST_ADD(arena, &site->regions) = "everywhere";
        if (rand_below(rand, 2)) {
            site->lat = known((double)rand_below(rand, 2));
            site->lon = known(0);
        }
    }
    for (size_t i = 0; i < out->links.count; i++)
        for (size_t k = 0; k < groups; k++)
            if (rand_below(rand, 5) == 0)
                *LIST_ADD(arena, &out->links.items[i].shared_risk) = arena_printf(arena, "g%zu", k);
}

static void make(struct rand *rand, struct network *out, struct arena *arena)
{
    size_t sites = 1 + rand_below(rand, 9), access = rand_below(rand, 5);
    size_t links = rand_below(rand, LINKS_MOST);
    *out = (struct network){.currency = "CNY"};
    for (size_t i = 0; i < sites; i++) {
        struct site *site = LIST_ADD(arena, &out->sites);
        site->id = arena_printf(arena, "s%zu", i);
        if (rand_below(rand, 8))
            site->capacity.vcpus = known((double)rand_below(rand, 100));
        site->capacity.memory_gib = known((double)rand_below(rand, 100));
    }
    for (size_t i = 0; i < access; i++)
        LIST_ADD(arena, &out->access)->id = arena_printf(arena, "a%zu", i);
    for (size_t i = 0; i < links; i++) {
        struct network_link *link = LIST_ADD(arena, &out->links);
        uint64_t a = rand_below(rand, sites + access), b = rand_below(rand, sites + access);
        link->a = a < sites ? out->sites.items[a].id : out->access.items[a - sites].id;
        link->b = b < sites ? out->sites.items[b].id : out->access.items[b - sites].id;
        if (rand_below(rand, 10))
            link->latency_ms = known((double)rand_below(rand, 6) / 2);
        link->price_mbps_month = known((double)rand_below(rand, 3));
        if (rand_below(rand, 6))
            link->bandwidth_mbps = known(10 + (double)rand_below(rand, 40));
        link->used_mbps = known((double)rand_below(rand, 10));
    }
    share(rand, out, arena);
}

/* Members of a group, for oracles that know elements only. */
static size_t spread(const struct risks_graph *g, const uint32_t *elements, size_t count,
                     uint32_t *out)
{
    size_t all = g->nodes + g->links, spread = 0;
    for (size_t i = 0; i < count; i++) {
        if (elements[i] < all) {
            out[spread++] = elements[i];
            continue;
        }
        const struct risks_group *group = &g->groups[elements[i] - all];
        for (size_t k = 0; k < group->count; k++)
            out[spread++] = group->members[k];
    }
    return spread;
}

static bool stands(const uint32_t *gone, size_t count, uint32_t element)
{
    for (size_t i = 0; i < count; i++)
        if (gone[i] == element)
            return false;
    return true;
}

/* ---- oracles: Bellman and Ford's ways, pieces by repeated marking ---- */

static void ways_by_force(const struct risks_graph *g, const uint32_t *roots, size_t root_count,
                          const uint32_t *gone, size_t count, struct risks_way *out)
{
    for (size_t i = 0; i < g->nodes; i++)
        out[i] = RISKS_UNREACHED;
    for (size_t i = 0; i < root_count; i++)
        if (stands(gone, count, roots[i]))
            out[roots[i]] = (struct risks_way){0};
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < 2 * g->links; i++) {
            uint32_t link = i / 2, from = i % 2 ? g->link_a[link] : g->link_b[link];
            uint32_t to = i % 2 ? g->link_b[link] : g->link_a[link];
            if (out[from].unknown == UINT32_MAX || !stands(gone, count, from) ||
                !stands(gone, count, to) || !stands(gone, count, (uint32_t)g->nodes + link))
                continue;
            struct risks_way way = risks_way_on(g, &out[from], link);
            if (!risks_way_less(&way, &out[to]))
                continue;
            out[to] = way;
            moved = true;
        }
    }
}

static size_t pieces_by_force(const struct risks_graph *g, const uint32_t *gone, size_t count,
                              uint32_t *piece)
{
    size_t pieces = 0;
    memset(piece, 0xff, g->nodes * sizeof *piece);
    for (uint32_t v = 0; v < g->nodes; v++) {
        if (piece[v] != RISKS_NONE || !stands(gone, count, v))
            continue;
        piece[v] = (uint32_t)pieces++;
        for (bool moved = true; moved;) {
            moved = false;
            for (uint32_t i = 0; i < g->links; i++) {
                uint32_t a = g->link_a[i], b = g->link_b[i];
                if (!stands(gone, count, a) || !stands(gone, count, b) ||
                    !stands(gone, count, (uint32_t)g->nodes + i) ||
                    (piece[a] == piece[v]) == (piece[b] == piece[v]))
                    continue;
                piece[a] = piece[b] = piece[v];
                moved = true;
            }
        }
    }
    return pieces;
}

static bool same_way(const struct risks_way *a, const struct risks_way *b)
{
    return !risks_way_less(a, b) && !risks_way_less(b, a);
}

/* Sites that some access point reaches. */
static void lit_by_force(const struct risks_graph *g, const uint32_t *gone, size_t count, bool *lit)
{
    uint32_t piece[NODES_MOST];
    pieces_by_force(g, gone, count, piece);
    for (uint32_t v = 0; v < g->sites; v++) {
        lit[v] = false;
        for (uint32_t a = (uint32_t)g->sites; a < g->nodes; a++)
            lit[v] = lit[v] || (piece[a] != RISKS_NONE && piece[a] == piece[v]);
    }
}

static uint32_t dark_by_force(const struct risks_graph *g, const uint32_t *gone, size_t count,
                              const bool *before)
{
    bool lit[NODES_MOST];
    uint32_t dark = 0;
    lit_by_force(g, gone, count, lit);
    for (uint32_t v = 0; v < g->sites; v++)
        dark += before[v] && !lit[v] && stands(gone, count, v);
    return dark;
}

/* ---- the properties ---- */

struct world {
    struct arena arena;
    struct rand rand;
    struct network network;
    struct risks_graph graph;
    struct risks_gone gone;
};

static void open_world(struct world *w, uint64_t seed)
{
    struct err err = ERR_INIT;
    *w = (struct world){.arena = ARENA_INIT};
    rand_init(&w->rand, seed);
    make(&w->rand, &w->network, &w->arena);
    assert_int_equal(risks_graph_init(&w->graph, &w->network, &w->arena, &err), ERR_OK);
    risks_groups_init(&w->graph, true, &w->arena);
    risks_gone_init(&w->gone, &w->graph, &w->arena);
}

static void close_world(struct world *w)
{
    risks_graph_done(&w->graph);
    arena_done(&w->arena);
}

static void check_cut(const struct risks_graph *g, const struct risks_cut *cut, uint32_t element,
                      uint64_t seed)
{
    uint32_t before[NODES_MOST], after[NODES_MOST];
    struct risks_amount amount[NODES_MOST] = {{0}}, off = {0};
    bool lit[NODES_MOST];
    size_t was = pieces_by_force(g, NULL, 0, before);
    size_t is = pieces_by_force(g, &element, 1, after);
    uint32_t own = element < g->nodes ? element : g->link_a[element - g->nodes];
    /* the pieces of the element's own component, the largest of which stays */
    uint32_t largest = RISKS_NONE, pieces = 0;
    for (uint32_t v = 0; v < g->nodes; v++)
        if (after[v] != RISKS_NONE && before[v] == before[own])
            risks_amount_add(&amount[after[v]], &g->amount[v]);
    for (uint32_t i = 0; i < is; i++) {
        const struct risks_amount *a = &amount[i],
                                  *b = &amount[largest == RISKS_NONE ? 0 : largest];
        if (a->sites + a->access == 0)
            continue;
        pieces++;
        if (largest == RISKS_NONE || a->sites > b->sites ||
            (a->sites == b->sites && a->access > b->access) ||
            (a->sites == b->sites && a->access == b->access && a->vcpus > b->vcpus) ||
            (a->sites == b->sites && a->access == b->access && !(a->vcpus < b->vcpus) &&
             a->memory_gib > b->memory_gib))
            largest = i;
    }
    for (uint32_t i = 0; i < is; i++)
        if (i != largest)
            risks_amount_add(&off, &amount[i]);
    lit_by_force(g, NULL, 0, lit);
    bool wrong = (cut->pieces > 1) != (pieces > 1);
    wrong =
        wrong || (element < g->nodes && pieces != cut->pieces) || (element >= g->nodes && is < was);
    wrong = wrong || cut->dark != dark_by_force(g, &element, 1, lit);
    if (pieces > 1)
        wrong = wrong || off.sites != cut->off.sites || off.access != cut->off.access ||
                off.vcpus < cut->off.vcpus || off.vcpus > cut->off.vcpus ||
                off.memory_gib < cut->off.memory_gib || off.memory_gib > cut->off.memory_gib;
    if (wrong)
        fail_msg("seed %llu element %u: pieces %u/%u, off %u/%u sites %u/%u access, dark %u/%u",
                 (unsigned long long)seed, element, cut->pieces, pieces, cut->off.sites, off.sites,
                 cut->off.access, off.access, cut->dark, dark_by_force(g, &element, 1, lit));
}

static void test_cuts_are_what_removal_parts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= cases(); seed++) {
        struct world w;
        struct risks_cutter cutter;
        open_world(&w, seed);
        risks_cutter_init(&cutter, &w.graph, &w.arena);
        risks_cutter_run(&cutter, RISKS_NONE);
        for (uint32_t e = 0; e < w.graph.nodes + w.graph.links; e++)
            check_cut(&w.graph, &cutter.cut[e], e, seed);
        close_world(&w);
    }
}

static void check_rest(struct world *w, const struct risks_forest *forest, struct risks_rest *rest,
                       struct risks_detour *detour, const uint32_t *roots, size_t root_count,
                       const uint32_t *gone, size_t count, uint64_t seed)
{
    struct risks_way force[NODES_MOST];
    uint32_t members[2 * ELEMENTS_MOST];
    risks_gone_set(&w->gone, gone, count);
    count = spread(&w->graph, gone, count, members);
    gone = members;
    ways_by_force(&w->graph, roots, root_count, gone, count, force);
    risks_rest_without(rest, forest, &w->gone);
    for (uint32_t v = 0; v < w->graph.nodes; v++) {
        struct risks_way found;
        const struct risks_way *way =
            risks_rest_is_changed(rest, v) ? &rest->way[v] : &forest->way[v];
        size_t steps = risks_detour_find(detour, forest, &w->gone, v, &found);
        if (!same_way(way, &force[v]) || !same_way(&found, &force[v]))
            fail_msg("seed %llu node %u: latency %lld, detour %lld, by force %lld",
                     (unsigned long long)seed, v, (long long)way->latency, (long long)found.latency,
                     (long long)force[v].latency);
        struct risks_way walked = {0};
        uint32_t at = v;
        for (size_t i = 0; i < steps; i++) {
            uint32_t link = detour->steps[i].link;
            assert_true(stands(gone, count, (uint32_t)w->graph.nodes + link));
            assert_true(stands(gone, count, detour->steps[i].node));
            assert_true(
                (w->graph.link_a[link] == at && w->graph.link_b[link] == detour->steps[i].node) ||
                (w->graph.link_b[link] == at && w->graph.link_a[link] == detour->steps[i].node));
            at = detour->steps[i].node;
            walked = risks_way_on(&w->graph, &walked, link);
        }
        if (found.unknown != UINT32_MAX)
            assert_true(same_way(&walked, &found));
    }
}

static void test_ways_without_one_or_two_elements_or_groups_are_those_worked_out_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= cases(); seed++) {
        struct world w;
        struct risks_forest forest;
        struct risks_rest rest;
        struct risks_detour detour;
        open_world(&w, seed);
        uint32_t roots[3];
        uint32_t all = (uint32_t)(w.graph.nodes + w.graph.links + w.graph.group_count);
        size_t count = 1 + rand_below(&w.rand, 3);
        for (size_t i = 0; i < count; i++)
            roots[i] = (uint32_t)rand_below(&w.rand, w.graph.nodes);
        risks_forest_init(&forest, &w.graph, roots, count, &w.arena);
        risks_rest_init(&rest, &w.graph, &w.arena);
        risks_detour_init(&detour, &w.graph, &w.arena);
        check_rest(&w, &forest, &rest, &detour, roots, count, NULL, 0, seed);
        for (uint32_t e = 0; e < all; e++) {
            uint32_t gone[] = {e, (uint32_t)rand_below(&w.rand, all)};
            check_rest(&w, &forest, &rest, &detour, roots, count, gone, 1, seed);
            check_rest(&w, &forest, &rest, &detour, roots, count, gone, 2, seed);
        }
        close_world(&w);
    }
}

static uint32_t element_of(const struct world *w, const struct risks_element *element)
{
    const struct risks_graph *g = &w->graph;
    if (element->position)
        return (uint32_t)g->nodes + element->position - 1;
    for (uint32_t i = 0; i < g->group_count; i++)
        if (str_eq(element->kind, "group") && element->basis == g->groups[i].basis &&
            str_eq(element->id, g->groups[i].id))
            return (uint32_t)(g->nodes + g->links) + i;
    return str_eq(element->kind, "group") ? RISKS_NONE : risks_graph_find(g, element->id);
}

static void test_pairs_darken_what_neither_darkens_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= cases() / 4; seed++) {
        struct world w;
        struct risks_answer answer;
        struct err err = ERR_INIT;
        bool lit[NODES_MOST];
        open_world(&w, seed);
        struct risks_input input = {.network = &w.network, .firsts = 1000};
        assert_int_equal(risks_analyse(&input, &answer, &w.arena, &err), ERR_OK);
        assert_int_equal(answer.pairs_left, 0);
        lit_by_force(&w.graph, NULL, 0, lit);
        size_t expected = 0;
        uint32_t all = (uint32_t)(w.graph.nodes + w.graph.links);
        for (uint32_t a = 0; a < all; a++)
            for (uint32_t b = a + 1; b < all; b++) {
                uint32_t gone[] = {a, b};
                bool one[NODES_MOST], other[NODES_MOST], both[NODES_MOST], extra = false;
                lit_by_force(&w.graph, gone, 1, one);
                lit_by_force(&w.graph, gone + 1, 1, other);
                lit_by_force(&w.graph, gone, 2, both);
                for (uint32_t v = 0; v < w.graph.sites; v++)
                    extra = extra || (v != a && v != b && lit[v] && one[v] && other[v] && !both[v]);
                expected += extra;
            }
        if (expected != answer.counts[RISKS_PAIR])
            fail_msg("seed %llu: %zu pairs, by force %zu", (unsigned long long)seed,
                     answer.counts[RISKS_PAIR], expected);
        for (size_t i = 0; i < answer.findings.count; i++) {
            const struct risks_finding *finding = &answer.findings.items[i];
            if (finding->kind != RISKS_PAIR)
                continue;
            uint32_t gone[] = {element_of(&w, &finding->element), element_of(&w, &finding->second)};
            assert_true(gone[0] < all && gone[1] < all);
            bool one[NODES_MOST], other[NODES_MOST], both[NODES_MOST];
            uint32_t extra = 0;
            lit_by_force(&w.graph, gone, 1, one);
            lit_by_force(&w.graph, gone + 1, 1, other);
            lit_by_force(&w.graph, gone, 2, both);
            for (uint32_t v = 0; v < w.graph.sites; v++)
                extra += v != gone[0] && v != gone[1] && one[v] && other[v] && !both[v];
            assert_int_equal(extra, finding->dark);
        }
        close_world(&w);
    }
}

/* ---- what groups part ---- */

static bool larger_by_force(const struct risks_amount *a, const struct risks_amount *b)
{
    const double x[] = {a->sites, a->access, a->vcpus, a->memory_gib, a->accelerators, a->unknown};
    const double y[] = {b->sites, b->access, b->vcpus, b->memory_gib, b->accelerators, b->unknown};
    for (size_t i = 0; i < ARRAY_LEN(x); i++)
        if (x[i] < y[i] || x[i] > y[i])
            return x[i] > y[i];
    return false;
}

static void check_group_cut(struct world *w, const struct risks_answer *answer, uint32_t group,
                            uint64_t seed)
{
    const struct risks_graph *g = &w->graph;
    uint32_t before[NODES_MOST], after[NODES_MOST], members[ELEMENTS_MOST];
    struct risks_amount amount[NODES_MOST] = {{0}}, off = {0}, lost = {0};
    bool lit[NODES_MOST];
    size_t count = spread(g, &group, 1, members);
    size_t was = pieces_by_force(g, NULL, 0, before);
    size_t is = pieces_by_force(g, members, count, after);
    for (uint32_t v = 0; v < g->nodes; v++)
        risks_amount_add(after[v] == RISKS_NONE ? &lost : &amount[after[v]], &g->amount[v]);
    for (uint32_t c = 0; c < was; c++) {
        uint32_t largest = RISKS_NONE;
        for (uint32_t i = 0; i < is; i++)
            for (uint32_t v = 0; v < g->nodes; v++)
                if (after[v] == i && before[v] == c &&
                    (largest == RISKS_NONE || larger_by_force(&amount[i], &amount[largest])))
                    largest = i;
        for (uint32_t v = 0; v < g->nodes; v++)
            if (before[v] == c && after[v] != RISKS_NONE && after[v] != largest)
                risks_amount_add(&off, &g->amount[v]);
    }
    lit_by_force(g, NULL, 0, lit);
    uint32_t dark = dark_by_force(g, members, count, lit);
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if (finding->kind != RISKS_CUT || element_of(w, &finding->element) != group)
            continue;
        if (finding->off.sites != off.sites || finding->off.access != off.access ||
            finding->lost.sites != lost.sites || finding->lost.access != lost.access ||
            finding->dark != dark || finding->off.vcpus < off.vcpus - 1e-6 ||
            finding->off.vcpus > off.vcpus + 1e-6)
            fail_msg("seed %llu group %s: off %u/%u sites, lost %u/%u, dark %u/%u",
                     (unsigned long long)seed, finding->element.id, finding->off.sites, off.sites,
                     finding->lost.sites, lost.sites, finding->dark, dark);
        return;
    }
    if (off.sites + off.access)
        fail_msg("seed %llu group %u: cut not told", (unsigned long long)seed, group);
}

static void test_groups_part_what_removing_their_members_parts(void **state)
{
    (void)state;
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= cases(); seed++) {
        struct world w;
        struct risks_answer answer;
        struct err err = ERR_INIT;
        open_world(&w, seed);
        struct risks_input input = {.network = &w.network, .firsts = 1};
        assert_int_equal(risks_analyse(&input, &answer, &w.arena, &err), ERR_OK);
        assert_int_equal(answer.groups + answer.inferred, w.graph.group_count);
        for (uint32_t i = 0; i < w.graph.group_count; i++, seen++)
            check_group_cut(&w, &answer, (uint32_t)(w.graph.nodes + w.graph.links) + i, seed);
        close_world(&w);
    }
    assert_true(seen > cases());
}

/* ---- services: flows with bounds and bandwidth, laid anew without what fails ---- */

#define FLOWS_MOST 3
#define INSTANCES_MOST 3

struct flow { /* -1 = the user */
    int from, to;
    double bound, bandwidth;
};
struct plan { /* what is placed */
    uint32_t user, sites[FLOWS_MOST][INSTANCES_MOST];
    size_t counts[FLOWS_MOST], flow_count;
    struct flow flows[FLOWS_MOST];
};
struct fate {
    enum risks_reason reason; /* 0 = holds */
    double margin;
};

/* No two ways are equal, so that it is certain which links carry what. */
static void make_unequal(struct world *w)
{
    for (size_t i = 0; i < w->network.links.count; i++) {
        struct network_link *link = &w->network.links.items[i];
        link->price_mbps_month = known((double)(1 + rand_below(&w->rand, 100000000)) / 1e6);
        if (link->latency_ms.set)
            link->latency_ms = known((double)(1 + rand_below(&w->rand, 4000000)) / 1e6);
    }
}

static void make_plan(struct world *w, struct plan *out)
{
    struct rand *rand = &w->rand;
    *out = (struct plan){.user = (uint32_t)rand_below(rand, w->graph.nodes),
                         .flow_count = 1 + rand_below(rand, FLOWS_MOST)};
    for (size_t c = 0; c < out->flow_count; c++) {
        out->counts[c] = 1 + rand_below(rand, INSTANCES_MOST);
        for (size_t i = 0; i < out->counts[c]; i++)
            out->sites[c][i] = (uint32_t)rand_below(rand, w->graph.sites);
        out->flows[c] =
            (struct flow){c ? (int)rand_below(rand, c + 1) - 1 : -1, (int)c,
                          1 + (double)rand_below(rand, 9), (double)rand_below(rand, 3) * 8};
    }
}

static void lay_plan(struct world *w, const struct plan *plan, struct solution *out)
{
    static const char *const names[] = {"c0", "c1", "c2"};
    *out = (struct solution){.objective = NULL};
    for (size_t c = 0; c < plan->flow_count; c++) {
        const struct flow *flow = &plan->flows[c];
        for (size_t i = 0; i < plan->counts[c]; i++) {
            const char *site = w->network.sites.items[plan->sites[c][i]].id;
            bool again = false;
            *LIST_ADD(&w->arena, &out->placements) =
                (struct solution_placement){names[c], (int64_t)i, site, NULL, NULL};
            for (size_t k = 0; k < i; k++)
                again = again || plan->sites[c][k] == plan->sites[c][i];
            if (again)
                continue; /* a route for each site */
            struct solution_route *route = LIST_ADD(&w->arena, &out->routes);
            route->from = flow->from < 0 ? "user" : names[flow->from];
            route->from_node =
                risks_graph_element(
                    &w->graph, flow->from < 0 ? plan->user : plan->sites[flow->from][0], &w->arena)
                    .id;
            route->to = names[c];
            route->to_node = site;
            route->bound_ms = known(flow->bound);
            if (flow->bandwidth > 0)
                route->bandwidth_mbps = known(flow->bandwidth);
        }
    }
}

/* The links from `to` back to where the ways begin; how many. */
static size_t walk_back(const struct risks_graph *g, const struct risks_way *ways, uint32_t to,
                        const uint32_t *gone, size_t count, uint32_t *out)
{
    size_t steps = 0;
    for (uint32_t at = to; ways[at].links;) {
        for (uint32_t i = 0; i < g->links; i++) {
            uint32_t other = g->link_a[i] == at   ? g->link_b[i]
                             : g->link_b[i] == at ? g->link_a[i]
                                                  : RISKS_NONE;
            if (other == RISKS_NONE || other == at || ways[other].unknown == UINT32_MAX ||
                !stands(gone, count, (uint32_t)g->nodes + i))
                continue;
            struct risks_way way = risks_way_on(g, &ways[other], i);
            if (!same_way(&way, &ways[at]))
                continue;
            out[steps++] = i;
            at = other;
            break;
        }
    }
    return steps;
}

struct laid { /* a route */
    struct risks_way way;
    uint32_t links[NODES_MOST];
    size_t steps;
    bool stands;
};

static struct fate judge_by_force(const struct world *w, const struct flow *flow,
                                  const struct laid *route, const double *load)
{
    struct fate fate = {0, 0};
    double latency = (double)route->way.latency / RISKS_UNIT, worst = -1e-6;
    if (!route->stands)
        return (struct fate){RISKS_GONE, -1};
    if (route->way.unknown == UINT32_MAX)
        return (struct fate){RISKS_UNREACHABLE, -1};
    if (route->way.unknown)
        return (struct fate){RISKS_LATENCY_UNKNOWN, 0};
    if (latency > flow->bound + 1e-6)
        return (struct fate){RISKS_LATE, flow->bound - latency};
    for (size_t i = 0; i < route->steps && flow->bandwidth > 0; i++) {
        const struct network_link *link = &w->network.links.items[route->links[i]];
        double room = link->bandwidth_mbps.value - link->used_mbps.value - load[route->links[i]];
        if (link->bandwidth_mbps.set && room < worst) {
            worst = room;
            fate = (struct fate){RISKS_CONGESTED, room};
        }
    }
    return fate;
}

/* Holding, then congested, late, unknown, unreachable, gone; of one reason the smaller miss. */
static bool is_better(const struct fate *a, const struct fate *b)
{
    static const int rank[] = {[RISKS_CONGESTED] = 1,
                               [RISKS_LATE] = 2,
                               [RISKS_LATENCY_UNKNOWN] = 3,
                               [RISKS_UNREACHABLE] = 4,
                               [RISKS_GONE] = 5};
    if (rank[a->reason] != rank[b->reason])
        return rank[a->reason] < rank[b->reason];
    return a->margin > b->margin;
}

static void fates_by_force(const struct world *w, const struct plan *plan, const uint32_t *elements,
                           size_t element_count, struct fate *out)
{
    const struct risks_graph *g = &w->graph;
    uint32_t gone[2 * ELEMENTS_MOST];
    size_t count = spread(g, elements, element_count, gone);
    struct laid laid[FLOWS_MOST][INSTANCES_MOST];
    double load[LINKS_MOST] = {0};
    for (size_t f = 0; f < plan->flow_count; f++) {
        const struct flow *flow = &plan->flows[f];
        struct risks_way ways[NODES_MOST];
        ways_by_force(g, flow->from < 0 ? &plan->user : plan->sites[flow->from],
                      flow->from < 0 ? 1 : plan->counts[flow->from], gone, count, ways);
        for (size_t i = 0; i < plan->counts[f]; i++) {
            uint32_t to = plan->sites[f][i];
            struct laid *route = &laid[f][i];
            bool again = false;
            *route = (struct laid){.stands = stands(gone, count, to), .way = ways[to]};
            for (size_t k = 0; k < i; k++)
                again = again || plan->sites[f][k] == to;
            if (route->way.unknown != UINT32_MAX)
                route->steps = walk_back(g, ways, to, gone, count, route->links);
            for (size_t k = 0; k < route->steps && !again; k++)
                load[route->links[k]] += flow->bandwidth;
        }
    }
    for (size_t f = 0; f < plan->flow_count; f++) {
        out[f] = (struct fate){RISKS_GONE, -1};
        for (size_t i = 0; i < plan->counts[f]; i++) {
            struct fate fate = judge_by_force(w, &plan->flows[f], &laid[f][i], load);
            if (is_better(&fate, &out[f]))
                out[f] = fate;
        }
    }
}

static const struct risks_finding *told(const struct risks_answer *answer, struct world *w,
                                        int kind, const char *service, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if (finding->kind != kind || !str_eq(finding->service, service))
            continue;
        uint32_t first = element_of(w, &finding->element);
        uint32_t second = finding->second.kind ? element_of(w, &finding->second) : RISKS_NONE;
        if ((first == a && second == b) || (first == b && second == a))
            return finding;
    }
    return NULL;
}

static void compare(const struct risks_finding *finding, const struct fate *fate, bool expected,
                    const char *what, uint64_t seed)
{
    if ((finding != NULL) != expected)
        fail_msg("seed %llu %s: told %d, by force %d", (unsigned long long)seed, what,
                 finding != NULL, expected);
    if (!finding)
        return;
    if (finding->reason != (int)fate->reason)
        fail_msg("seed %llu %s: reason %s, by force %s", (unsigned long long)seed, what,
                 risks_reason_names[finding->reason], risks_reason_names[fate->reason]);
    double off = finding->margin.value - fate->margin;
    if (finding->margin.set && (off > 1e-6 || off < -1e-6))
        fail_msg("seed %llu %s: margin %g, by force %g", (unsigned long long)seed, what,
                 finding->margin.value, fate->margin);
}

static void check_services(struct world *w, uint64_t seed, size_t *ret_pairs)
{
    struct solution solution;
    struct risks_answer answer;
    struct plan plan;
    struct err err = ERR_INIT;
    struct fate base[FLOWS_MOST];
    const struct risks_graph *g = &w->graph;
    size_t singles = 0, broken = 0, pairs = 0;
    uint32_t alone = (uint32_t)(g->nodes + g->links), both = alone + (uint32_t)g->declared;
    uint32_t all = alone + (uint32_t)g->group_count;
    struct fate *one = arena_array(&w->arena, all * FLOWS_MOST + 1, sizeof *one);
    make_unequal(w);
    make_plan(w, &plan);
    lay_plan(w, &plan, &solution);
    struct risks_input input = {.network = &w->network, .solution = &solution};
    assert_int_equal(risks_analyse(&input, &answer, &w->arena, &err), ERR_OK);
    assert_int_equal(answer.pairs_left, 0);
    fates_by_force(w, &plan, NULL, 0, base);
    for (uint32_t a = 0; a < all; a++)
        fates_by_force(w, &plan, &a, 1, &one[a * FLOWS_MOST]);
    for (size_t f = 0; f < plan.flow_count; f++) {
        static const char *const froms[] = {"user", "c0", "c1"};
        const struct flow *flow = &plan.flows[f];
        char name[32];
        str_format(name, sizeof name, "%s→c%d", froms[flow->from + 1], flow->to);
        broken += base[f].reason != 0;
        for (uint32_t a = 0; a < all; a++) {
            const struct fate *fate = &one[a * FLOWS_MOST + f];
            bool expected = fate->reason && !base[f].reason;
            singles += expected;
            compare(told(&answer, w, RISKS_SERVICE, name, a, RISKS_NONE), fate, expected, name,
                    seed);
        }
        for (uint32_t a = 0; a < both && !base[f].reason; a++)
            for (uint32_t b = a + 1; b < both; b++) {
                struct fate two[FLOWS_MOST];
                if (one[a * FLOWS_MOST + f].reason || one[b * FLOWS_MOST + f].reason)
                    continue;
                fates_by_force(w, &plan, (uint32_t[]){a, b}, 2, two);
                pairs += two[f].reason != 0;
                compare(told(&answer, w, RISKS_PAIR, name, a, b), &two[f], two[f].reason != 0, name,
                        seed);
            }
    }
    assert_int_equal(answer.broken_now, broken);
    assert_int_equal(answer.counts[RISKS_SERVICE], singles);
    assert_int_equal(answer.counts[RISKS_PAIR], pairs);
    *ret_pairs += pairs;
}

static void test_services_break_where_removal_breaks_them_and_by_that_margin(void **state)
{
    (void)state;
    size_t pairs = 0;
    for (uint64_t seed = 1; seed <= cases() / 4; seed++) {
        struct world w;
        open_world(&w, seed);
        check_services(&w, seed, &pairs);
        close_world(&w);
    }
    assert_true(pairs > 0);
}
/* ---- advice ---- */

static void locate(struct world *w)
{
    for (size_t i = 0; i < w->network.sites.count; i++) {
        w->network.sites.items[i].lat = known(rand_unit(&w->rand) * 5);
        w->network.sites.items[i].lon = known(rand_unit(&w->rand) * 5);
    }
    for (size_t i = 0; i < w->network.access.count; i++) {
        w->network.access.items[i].lat = known(rand_unit(&w->rand) * 5);
        w->network.access.items[i].lon = known(rand_unit(&w->rand) * 5);
    }
}

static void place_of(const struct world *w, uint32_t v, double *lat, double *lon)
{
    const struct network *n = &w->network;
    bool site = v < n->sites.count;
    double unit = acos(-1) / 180;
    *lat = unit * (site ? n->sites.items[v].lat : n->access.items[v - n->sites.count].lat).value;
    *lon = unit * (site ? n->sites.items[v].lon : n->access.items[v - n->sites.count].lon).value;
}

/* By haversines, not by chords as the engine does. */
static double km_by_force(const struct world *w, uint32_t a, uint32_t b)
{
    double x, y, u, v;
    place_of(w, a, &x, &y);
    place_of(w, b, &u, &v);
    double h = pow(sin((x - u) / 2), 2) + cos(x) * cos(u) * pow(sin((y - v) / 2), 2);
    return 2 * 6371 * asin(sqrt(h));
}

/* What two parts are told to be joined by is the shortest that joins them. */
static void check_joined(struct world *w, const struct risks_danger *danger, uint32_t element,
                         uint64_t seed)
{
    const struct risks_graph *g = &w->graph;
    const struct risks_advice *advice = &danger->advice.items[0];
    uint32_t before[NODES_MOST], after[NODES_MOST], members[ELEMENTS_MOST];
    size_t count = spread(g, &element, 1, members);
    double best = INFINITY;
    pieces_by_force(g, NULL, 0, before);
    pieces_by_force(g, members, count, after);
    for (uint32_t a = 0; a < g->nodes; a++)
        for (uint32_t b = 0; b < a; b++)
            if (after[a] != RISKS_NONE && after[b] != RISKS_NONE && after[a] != after[b] &&
                before[a] == before[b])
                best = fmin(best, km_by_force(w, a, b));
    if (fabs(advice->km.value - best) > 1e-6)
        fail_msg("seed %llu %s: %g km, by force %g", (unsigned long long)seed, danger->element.id,
                 advice->km.value, best);
}

static void test_what_is_parted_is_joined_by_the_shortest_link(void **state)
{
    (void)state;
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= cases(); seed++) {
        struct world w;
        struct risks_answer answer;
        struct err err = ERR_INIT;
        open_world(&w, seed);
        locate(&w);
        struct risks_input input = {.network = &w.network, .firsts = 1, .declared_only = true};
        assert_int_equal(risks_analyse(&input, &answer, &w.arena, &err), ERR_OK);
        risks_rank(&answer, (struct opt_double){false, 0}, &w.arena);
        assert_int_equal(risks_advise(&input, &answer, 1000, &w.arena, &err), ERR_OK);
        for (size_t i = 0; i < answer.dangers.count; i++) {
            const struct risks_danger *danger = &answer.dangers.items[i];
            if (danger->worst->kind != RISKS_CUT || danger->hanging || danger->element.basis)
                continue;
            assert_true(danger->advice.count == 1 && danger->advice.items[0].links > 0);
            if (danger->advice.items[0].links > 1)
                continue;
            check_joined(&w, danger, element_of(&w, &danger->element), seed);
            seen++;
        }
        close_world(&w);
    }
    assert_true(seen > cases() / 4);
}

/* The services that the danger breaks and that hold with the advised link, by force. */
static void check_way(struct world *w, const struct plan *plan, const struct risks_danger *danger,
                      const struct risks_advice *advice, uint64_t seed)
{
    struct fate base[FLOWS_MOST], before[FLOWS_MOST], after[FLOWS_MOST];
    uint32_t gone[2] = {element_of(w, &danger->element), RISKS_NONE};
    size_t count = 1, mended = 0;
    struct network network = w->network;
    struct world changed = {.arena = ARENA_INIT};
    struct err err = ERR_INIT;
    if (danger->second.kind)
        gone[count++] = element_of(w, &danger->second);
    if (danger->worst->kind == RISKS_BROKEN)
        count = 0;
    if (danger->worst->kind == RISKS_ONE_SITE)
        gone[0] = risks_graph_find(&w->graph, danger->worst->at);
    fates_by_force(w, plan, NULL, 0, base);
    fates_by_force(w, plan, gone, count, before);
    uint32_t members[2 * ELEMENTS_MOST];
    count = spread(&w->graph, gone, count, members); /* groups may be numbered anew */
    network.links.items = NULL;
    network.links.count = 0;
    for (size_t i = 0; i < w->network.links.count; i++)
        *LIST_ADD(&w->arena, &network.links) = w->network.links.items[i];
    *LIST_ADD(&w->arena, &network.links) = (struct network_link){.a = advice->a,
                                                                 .b = advice->b,
                                                                 .latency_ms = advice->latency_ms,
                                                                 .bandwidth_mbps = known(1e9)};
    changed.network = network;
    assert_int_equal(risks_graph_init(&changed.graph, &changed.network, &w->arena, &err), ERR_OK);
    fates_by_force(&changed, plan, members, count, after);
    for (size_t f = 0; f < plan->flow_count; f++) {
        bool broken = before[f].reason && (danger->worst->kind == RISKS_BROKEN || !base[f].reason);
        mended += broken && !after[f].reason;
    }
    risks_graph_done(&changed.graph);
    if (danger->worst->kind == RISKS_BROKEN ? !mended : mended != advice->mended)
        fail_msg("seed %llu %s: %zu services mended, by force %zu", (unsigned long long)seed,
                 danger->element.id, advice->mended, mended);
}

static void test_an_advised_link_mends_the_services_that_it_is_said_to(void **state)
{
    (void)state;
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= cases() / 4; seed++) {
        struct world w;
        struct plan plan;
        struct solution solution;
        struct risks_answer answer;
        struct err err = ERR_INIT;
        open_world(&w, seed);
        locate(&w);
        make_unequal(&w);
        make_plan(&w, &plan);
        lay_plan(&w, &plan, &solution);
        struct risks_input input = {
            .network = &w.network, .solution = &solution, .declared_only = true};
        assert_int_equal(risks_analyse(&input, &answer, &w.arena, &err), ERR_OK);
        risks_rank(&answer, (struct opt_double){false, 0}, &w.arena);
        assert_int_equal(risks_advise(&input, &answer, 20, &w.arena, &err), ERR_OK);
        for (size_t i = 0; i < answer.dangers.count; i++) {
            const struct risks_danger *danger = &answer.dangers.items[i];
            for (size_t k = 0; k < danger->advice.count; k++)
                if (danger->advice.items[k].action == RISKS_ADD_LINK &&
                    danger->advice.items[k].mended) {
                    check_way(&w, &plan, danger, &danger->advice.items[k], seed);
                    seen++;
                }
        }
        close_world(&w);
    }
    assert_true(seen > cases() / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_are_what_removal_parts),
        cmocka_unit_test(test_ways_without_one_or_two_elements_or_groups_are_those_worked_out_anew),
        cmocka_unit_test(test_pairs_darken_what_neither_darkens_alone),
        cmocka_unit_test(test_groups_part_what_removing_their_members_parts),
        cmocka_unit_test(test_services_break_where_removal_breaks_them_and_by_that_margin),
        cmocka_unit_test(test_what_is_parted_is_joined_by_the_shortest_link),
        cmocka_unit_test(test_an_advised_link_mends_the_services_that_it_is_said_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
