/* property_cache.c - placements against brute force on thousands of small random problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rand.h"
#include "lean/cache/cache.h"

#define FACILITIES 7
#define CUSTOMERS 8

static const struct cache_search no_limit = {.seed = 1};

struct problem {
    double serve[FACILITIES * CUSTOMERS], open[FACILITIES], capacity[FACILITIES];
    double demand[CUSTOMERS];
    struct cache_location location;
};

static void random_problem(struct rand *rand, bool median, bool capacities, struct problem *p)
{
    size_t m = 1 + rand_below(rand, FACILITIES), n = 1 + rand_below(rand, CUSTOMERS);
    bool whole = rand_below(rand, 2), holes = !capacities && rand_below(rand, 4) == 0;
    for (size_t k = 0; k < m * n; k++) {
        double cost = 100 * rand_unit(rand);
        p->serve[k] = holes && rand_below(rand, 4) == 0 ? INFINITY : whole ? floor(cost) : cost;
    }
    bool alike = rand_below(rand, 2);
    for (size_t i = 0; i < m; i++) {
        p->open[i] = (double)rand_below(rand, 150);
        p->capacity[i] = alike && i ? p->capacity[0] : (double)rand_below(rand, 30);
    }
    for (size_t j = 0; j < n; j++)
        p->demand[j] = (double)rand_below(rand, 10);
    p->location = (struct cache_location){.facilities = m,
                                          .customers = n,
                                          .serve = p->serve,
                                          .open = median ? NULL : p->open,
                                          .most = median ? 1 + rand_below(rand, m) : 0};
    if (capacities) {
        p->location.capacity = p->capacity;
        p->location.demand = p->demand;
    }
}

/* Cheapest way to serve units of demand one after the other over augmenting paths, by Bellman and
 * Ford: nothing is shared with the engine. */
static double transport_naively(const struct cache_location *l, unsigned set)
{
    size_t m = l->facilities, n = l->customers;
    double left[FACILITIES], got[CUSTOMERS][FACILITIES] = {{0}}, cost = 0;
    for (size_t i = 0; i < m; i++)
        left[i] = set >> i & 1 ? l->capacity[i] : 0;
    for (size_t j = 0; j < n; j++) {
        double demand = l->demand[j];
        if (demand <= 0) {
            double least = INFINITY;
            for (size_t i = 0; i < m; i++)
                if (set >> i & 1)
                    least = fmin(least, l->serve[j * m + i]);
            cost += least;
        }
        for (; demand > 0; demand -= 1) {
            double to[FACILITIES]; /* cheapest way for one more unit of j to end in i */
            size_t before[FACILITIES], by[FACILITIES];
            for (size_t i = 0; i < m; i++) {
                to[i] = set >> i & 1 ? l->serve[j * m + i] / l->demand[j] : INFINITY;
                before[i] = m;
                by[i] = j;
            }
            for (size_t round = 0; round < m; round++)
                for (size_t a = 0; a < m; a++)
                    for (size_t b = 0; isfinite(to[a]) && b < m; b++)
                        for (size_t c = 0; set >> b & 1 && c < n; c++) {
                            if (got[c][a] < 1)
                                continue;
                            double over =
                                to[a] + (l->serve[c * m + b] - l->serve[c * m + a]) / l->demand[c];
                            if (over < to[b] - 1e-12) {
                                to[b] = over;
                                before[b] = a;
                                by[b] = c;
                            }
                        }
            size_t end = m;
            for (size_t i = 0; i < m; i++)
                if (left[i] >= 1 && isfinite(to[i]) && (end == m || to[i] < to[end]))
                    end = i;
            if (end == m)
                return INFINITY;
            cost += to[end];
            left[end] -= 1;
            while (before[end] < m) {
                got[by[end]][end] += 1;
                got[by[end]][before[end]] -= 1;
                end = before[end];
            }
            got[j][end] += 1;
        }
    }
    return cost;
}

static double best_naively(const struct cache_location *l)
{
    double best = INFINITY;
    for (unsigned set = 1; set < 1u << l->facilities; set++) {
        double cost = 0;
        if (l->most && (size_t)__builtin_popcount(set) > l->most)
            continue;
        for (size_t i = 0; i < l->facilities && l->open; i++)
            cost += set >> i & 1 ? l->open[i] : 0;
        if (l->capacity) {
            cost += transport_naively(l, set);
        } else {
            for (size_t j = 0; j < l->customers; j++) {
                double least = INFINITY;
                for (size_t i = 0; i < l->facilities; i++)
                    if (set >> i & 1)
                        least = fmin(least, l->serve[j * l->facilities + i]);
                cost += least;
            }
        }
        best = fmin(best, cost);
    }
    return best;
}

/* What the answer costs by its own open facilities and shares; asserts that nothing is broken. */
static double recount(const struct cache_location *l, const struct cache_located *o)
{
    double cost = 0, load[FACILITIES] = {0}, got[CUSTOMERS] = {0};
    bool open[FACILITIES] = {false};
    for (size_t k = 0; k < o->open.count; k++) {
        assert_false(open[o->open.items[k]]);
        open[o->open.items[k]] = true;
        cost += l->open ? l->open[o->open.items[k]] : 0;
    }
    assert_true(!l->most || o->open.count <= l->most);
    for (size_t j = 0; j < l->customers; j++) {
        assert_true(open[o->assign[j]]);
        cost += l->capacity ? 0 : l->serve[j * l->facilities + o->assign[j]];
    }
    for (size_t k = 0; k < o->shares.count; k++) {
        const struct cache_share *s = &o->shares.items[k];
        assert_true(open[s->facility] && s->part > 0);
        cost += s->part * l->serve[s->customer * l->facilities + s->facility];
        load[s->facility] += s->part * l->demand[s->customer];
        got[s->customer] += s->part;
    }
    for (size_t i = 0; i < l->facilities && l->capacity; i++)
        assert_true(load[i] <= l->capacity[i] + 1e-6);
    for (size_t j = 0; j < l->customers && l->capacity; j++)
        assert_true(fabs(got[j] - 1) < 1e-6);
    return cost;
}

static void check_many(int count, bool median, bool capacities, uint64_t seed)
{
    struct rand rand;
    int feasible = 0;
    rand_init(&rand, seed);
    for (int k = 0; k < count; k++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct problem p;
        struct cache_located o;
        struct err err = ERR_INIT;
        random_problem(&rand, median, capacities, &p);
        double best = best_naively(&p.location);
        enum err_code rc = cache_locate(&p.location, &no_limit, &o, &arena, &err);
        if (!isfinite(best)) {
            assert_int_equal(rc, ERR_INFEASIBLE);
            continue;
        }
        feasible++;
        assert_int_equal(rc, ERR_OK);
        assert_true(o.proven);
        assert_true(fabs(o.cost - best) <= 1e-6 * fmax(1, best));
        assert_true(o.lower_bound <= best * (1 + 1e-9) + 1e-9);
        assert_true(fabs(recount(&p.location, &o) - best) <= 1e-5 * fmax(1, best));
    }
    assert_true(feasible > count / 3);
}

static void test_medians_are_those_of_brute_force(void **state)
{
    (void)state;
    check_many(3000, true, false, 1);
}

static void test_warehouses_are_those_of_brute_force(void **state)
{
    (void)state;
    check_many(3000, false, false, 2);
}

static void test_warehouses_with_capacities_are_those_of_brute_force(void **state)
{
    (void)state;
    check_many(2000, false, true, 3);
}

/* ---- many artefacts ---- */

#define SITES 5
#define ARTEFACTS 2

struct small {
    struct network network;
    struct cache_wish wish;
    double way[SITES][SITES]; /* ms and s/GiB over the least-latency path: see seconds() */
    double gib_s[SITES][SITES];
};

static const char *const names[] = {"s0", "s1", "s2", "s3", "s4"};
static const char *const things[] = {"a0", "a1"};

static void random_small(struct rand *rand, struct small *s, struct arena *arena)
{
    size_t n = 2 + rand_below(rand, SITES - 1);
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < n; i++)
        *LIST_ADD(arena, &s->network.sites) = (struct site){.id = names[i]};
    for (size_t i = 0; i < SITES; i++)
        for (size_t k = 0; k < SITES; k++)
            s->way[i][k] = i == k ? 0 : INFINITY;
    for (size_t i = 1; i < n; i++) { /* a tree: one path, so there is nothing to choose */
        size_t up = rand_below(rand, i);
        double ms = 1 + (double)rand_below(rand, 50), mbps = 50 + (double)rand_below(rand, 950);
        *LIST_ADD(arena, &s->network.links) = (struct network_link){.a = names[i],
                                                                    .b = names[up],
                                                                    .latency_ms = {true, ms},
                                                                    .bandwidth_mbps = {true, mbps},
                                                                    .used_mbps = {true, 10}};
        for (size_t k = 0; k < i; k++) {
            s->way[i][k] = s->way[k][i] = ms + s->way[up][k];
            s->gib_s[i][k] = s->gib_s[k][i] = fmax(8589.934592 / (mbps - 10), s->gib_s[up][k]);
        }
    }
    for (size_t a = 0; a < ARTEFACTS; a++) {
        struct cache_artefact *item = LIST_ADD(arena, &s->wish.artefacts);
        item->id = things[a];
        item->size_gib = 0.1 + rand_unit(rand);
        item->updates = (struct opt_double){true, (double)rand_below(rand, 4)};
        *LIST_ADD(arena, &item->origins) = names[rand_below(rand, n)];
    }
    for (size_t i = 0; i < n; i++) {
        *LIST_ADD(arena, &s->wish.storage) = (struct cache_storage){names[i], 2 * rand_unit(rand)};
        for (size_t a = 0; a < ARTEFACTS; a++)
            *LIST_ADD(arena, &s->wish.demand) =
                (struct cache_demand){names[i], things[a], (double)rand_below(rand, 9)};
    }
}

static size_t number_of(const char *name)
{
    return (size_t)(name[1] - '0');
}

static double seconds(const struct small *s, size_t a, size_t from, size_t to)
{
    return 4 * 2e-3 * s->way[from][to] + s->wish.artefacts.items[a].size_gib * s->gib_s[from][to];
}

/* Waiting and filling of a set of copies (bit site × ARTEFACTS + artefact); INFINITY if it does not
 * fit. */
static double cost_of(const struct small *s, unsigned set)
{
    double cost = 0;
    for (size_t i = 0; i < s->network.sites.count; i++) {
        double used = 0;
        for (size_t a = 0; a < ARTEFACTS; a++) {
            const struct cache_artefact *item = &s->wish.artefacts.items[a];
            size_t origin = number_of(item->origins.items[0]);
            if (!(set >> (i * ARTEFACTS + a) & 1))
                continue;
            used += item->size_gib;
            cost += item->updates.value * seconds(s, a, origin, i);
        }
        if (used > s->wish.storage.items[i].gib)
            return INFINITY;
    }
    for (size_t d = 0; d < s->wish.demand.count; d++) {
        const struct cache_demand *demand = &s->wish.demand.items[d];
        size_t a = number_of(demand->artefact), to = number_of(demand->site);
        double least = seconds(s, a, number_of(s->wish.artefacts.items[a].origins.items[0]), to);
        for (size_t i = 0; i < s->network.sites.count; i++)
            if (set >> (i * ARTEFACTS + a) & 1)
                least = fmin(least, seconds(s, a, i, to));
        cost += demand->fetches * least;
    }
    return cost;
}

static void test_copies_fit_the_bound_holds_and_little_is_lost(void **state)
{
    struct rand rand;
    double sum = 0, bounds = 0;
    int count = 1500;
    (void)state;
    rand_init(&rand, 4);
    for (int k = 0; k < count; k++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct small s;
        struct cache_placement o;
        struct err err = ERR_INIT;
        random_small(&rand, &s, &arena);
        double best = INFINITY;
        for (unsigned set = 0; set < 1u << (s.network.sites.count * ARTEFACTS); set++)
            best = fmin(best, cost_of(&s, set));
        assert_int_equal(cache_place(&s.network, &s.wish, &no_limit, &o, &arena, &err), ERR_OK);
        unsigned set = 0;
        for (size_t c = 0; c < o.copies.count; c++)
            set |= 1u << (o.copies.items[c].site * ARTEFACTS + o.copies.items[c].artefact);
        assert_true(fabs(cost_of(&s, set) - o.seconds) <= 1e-4 * fmax(1, o.seconds));
        assert_true(fabs(cost_of(&s, 0) - o.seconds_before) <= 1e-4 * fmax(1, best));
        assert_true(o.lower_bound <= best * (1 + 1e-6) + 1e-6);
        assert_true(o.seconds >= best * (1 - 1e-5) - 1e-6);
        double waiting = o.filling_s;
        for (size_t f = 0; f < o.fetches.count; f++)
            waiting += o.fetches.items[f].seconds;
        assert_true(fabs(waiting - o.seconds) <= 1e-4 * fmax(1, o.seconds));
        sum += best > 0 ? o.seconds / best : 1;
        bounds += o.seconds > 0 ? o.lower_bound / o.seconds : 1;
    }
    assert_true(sum / count < 1.01);   /* one percent above the optimum on average */
    assert_true(bounds / count > 0.9); /* and the bound says something */
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void test_who_stops_it_gets_an_honest_answer(void **state)
{
    struct rand rand;
    const struct cache_search stopped = {.seed = 1, .should_stop = at_once};
    (void)state;
    rand_init(&rand, 5);
    for (int k = 0; k < 300; k++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct problem p;
        struct cache_located o;
        struct err err = ERR_INIT;
        random_problem(&rand, k % 3 == 0, k % 3 == 1, &p);
        double best = best_naively(&p.location);
        enum err_code rc = cache_locate(&p.location, &stopped, &o, &arena, &err);
        if (rc) {
            assert_true(rc == ERR_CANCELLED || rc == ERR_INFEASIBLE);
            continue;
        }
        assert_true(o.cost >= best - 1e-6 && o.lower_bound <= best + 1e-6);
        recount(&p.location, &o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medians_are_those_of_brute_force),
        cmocka_unit_test(test_warehouses_are_those_of_brute_force),
        cmocka_unit_test(test_warehouses_with_capacities_are_those_of_brute_force),
        cmocka_unit_test(test_copies_fit_the_bound_holds_and_little_is_lost),
        cmocka_unit_test(test_who_stops_it_gets_an_honest_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
