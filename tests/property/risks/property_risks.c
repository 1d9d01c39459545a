/* property_risks.c - the risks engine against removal and recomputation by brute force, on small
 * random networks: with parallel links, links to oneself, unknown and equal latencies, parts that
 * hang together with nothing. */
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
};

static void open_world(struct world *w, uint64_t seed)
{
    struct err err = ERR_INIT;
    *w = (struct world){.arena = ARENA_INIT};
    rand_init(&w->rand, seed);
    make(&w->rand, &w->network, &w->arena);
    assert_int_equal(risks_graph_init(&w->graph, &w->network, &w->arena, &err), ERR_OK);
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
    ways_by_force(&w->graph, roots, root_count, gone, count, force);
    risks_rest_without(rest, forest, gone, count);
    for (uint32_t v = 0; v < w->graph.nodes; v++) {
        struct risks_way found;
        const struct risks_way *way =
            risks_rest_is_changed(rest, v) ? &rest->way[v] : &forest->way[v];
        size_t steps = risks_detour_find(detour, forest, gone, count, v, &found);
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

static void test_ways_without_one_or_two_elements_are_those_worked_out_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= cases(); seed++) {
        struct world w;
        struct risks_forest forest;
        struct risks_rest rest;
        struct risks_detour detour;
        open_world(&w, seed);
        uint32_t roots[3], all = (uint32_t)(w.graph.nodes + w.graph.links);
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
    if (str_eq(element->kind, "link")) {
        uint32_t found = RISKS_NONE;
        for (uint32_t i = 0; i < w->graph.links; i++) {
            struct risks_element link = risks_graph_element(&w->graph, (uint32_t)w->graph.nodes + i,
                                                            (struct arena *)&w->arena);
            if (!str_eq(link.id, element->id))
                continue;
            if (found != RISKS_NONE)
                return RISKS_NONE; /* parallel: which is meant is not told */
            found = (uint32_t)w->graph.nodes + i;
        }
        return found;
    }
    return risks_graph_find(&w->graph, element->id);
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
            if (gone[0] == RISKS_NONE || gone[1] == RISKS_NONE)
                continue;
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

/* ---- services: one flow, judged by force with every element and pair taken away ---- */

static bool holds_by_force(struct world *w, const uint32_t *to, size_t to_count, uint32_t user,
                           double bound, const uint32_t *gone, size_t count)
{
    struct risks_way way[NODES_MOST];
    ways_by_force(&w->graph, &user, 1, gone, count, way);
    for (size_t i = 0; i < to_count; i++)
        if (stands(gone, count, to[i]) && way[to[i]].unknown == 0 &&
            (double)way[to[i]].latency / RISKS_UNIT <= bound)
            return true;
    return false;
}

static bool told(const struct risks_answer *answer, struct world *w, int kind, uint32_t a,
                 uint32_t b)
{
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if (finding->kind != kind)
            continue;
        uint32_t first = element_of(w, &finding->element);
        uint32_t second = finding->second.kind ? element_of(w, &finding->second) : RISKS_NONE;
        if ((first == a && second == b) || (first == b && second == a))
            return true;
    }
    return false;
}

static bool has_parallel(const struct world *w)
{
    for (uint32_t i = 0; i < w->graph.links; i++) {
        struct risks_element link =
            risks_graph_element(&w->graph, (uint32_t)w->graph.nodes + i, (struct arena *)&w->arena);
        if (element_of(w, &link) == RISKS_NONE)
            return true;
    }
    return false;
}

static void check_services(struct world *w, uint64_t seed)
{
    struct solution solution = {.objective = NULL};
    struct risks_answer answer;
    struct err err = ERR_INIT;
    uint32_t to[3], user = (uint32_t)rand_below(&w->rand, w->graph.nodes);
    uint32_t all = (uint32_t)(w->graph.nodes + w->graph.links);
    size_t count = 1 + rand_below(&w->rand, 3);
    double bound = 1 + (double)rand_below(&w->rand, 6);
    struct risks_element from = risks_graph_element(&w->graph, user, &w->arena);
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint32_t)rand_below(&w->rand, w->graph.sites);
        const char *site = w->network.sites.items[to[i]].id;
        *LIST_ADD(&w->arena, &solution.placements) =
            (struct solution_placement){"web", (int64_t)i, site, NULL, NULL};
        struct solution_route *route = LIST_ADD(&w->arena, &solution.routes);
        route->from = "user";
        route->from_node = from.id;
        route->to = "web";
        route->to_node = site;
        route->bound_ms = known(bound);
    }
    struct risks_input input = {.network = &w->network, .solution = &solution};
    assert_int_equal(risks_analyse(&input, &answer, &w->arena, &err), ERR_OK);
    bool base = holds_by_force(w, to, count, user, bound, NULL, 0);
    assert_int_equal(answer.broken_now, !base);
    for (uint32_t a = 0; a < all && base; a++) {
        bool one = holds_by_force(w, to, count, user, bound, &a, 1);
        if (told(&answer, w, RISKS_SERVICE, a, RISKS_NONE) == one)
            fail_msg("seed %llu: element %u, told is wrong", (unsigned long long)seed, a);
        for (uint32_t b = a + 1; b < all && one; b++) {
            uint32_t gone[] = {a, b};
            if (!holds_by_force(w, to, count, user, bound, &b, 1))
                continue;
            if (told(&answer, w, RISKS_PAIR, a, b) ==
                holds_by_force(w, to, count, user, bound, gone, 2))
                fail_msg("seed %llu: pair %u %u, told is wrong", (unsigned long long)seed, a, b);
        }
    }
}

static void test_services_break_where_removal_breaks_them(void **state)
{
    (void)state;
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= cases() / 4; seed++) {
        struct world w;
        open_world(&w, seed);
        if (!has_parallel(&w)) { /* findings name links by their ends */
            check_services(&w, seed);
            seen++;
        }
        close_world(&w);
    }
    assert_true(seen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_are_what_removal_parts),
        cmocka_unit_test(test_ways_without_one_or_two_elements_are_those_worked_out_anew),
        cmocka_unit_test(test_pairs_darken_what_neither_darkens_alone),
        cmocka_unit_test(test_services_break_where_removal_breaks_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
