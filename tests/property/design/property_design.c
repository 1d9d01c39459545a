/* property_design.c - the engines against brute force over every placement of small random needs.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "property_design.h"

#define CASES_DEFAULT 1500 /* SWAN_PROPERTY_CASES asks for more */

static int cases(void)
{
    const char *asked = getenv("SWAN_PROPERTY_CASES");
    return asked ? atoi(asked) : CASES_DEFAULT;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(a));
}

static int site_index(const struct network *network, const char *id)
{
    for (size_t i = 0; i < network->sites.count; i++)
        if (str_eq(network->sites.items[i].id, id))
            return (int)i;
    return -1;
}

/* Placements of a solution as the oracle numbers them. */
static void sites_of(const struct need *need, const struct solution *solution, int *sites)
{
    for (size_t p = 0; p < solution->placements.count; p++) {
        const struct solution_placement *placement = &solution->placements.items[p];
        int at = 0;
        for (size_t c = 0; c < need->requirement.components.count; c++) {
            if (str_eq(need->requirement.components.items[c].name, placement->component))
                break;
            at += naive_instances(&need->requirement, c);
        }
        sites[at + placement->instance] = site_index(&need->network, placement->site);
    }
}

static void test_the_cheapest_design_is_the_cheapest_of_all_placements(void **state)
{
    (void)state;
    int feasible = 0, infeasible = 0;
    for (int seed = 0; seed < cases(); seed++) {
        struct arena arena;
        struct rand rand;
        struct need need;
        static struct naive naive;
        struct naive_figures best;
        struct err err = ERR_INIT;
        arena_init(&arena, 0);
        rand_init(&rand, (uint64_t)seed);
        random_need(&rand, &need, &arena);
        naive_init(&naive, &need);
        bool exists = naive_cheapest(&naive, &best);
        struct design_input input = design_input_of(&need, &arena);
        struct solution_answer answer = {0};
        enum err_code code = design_solve(&input, &answer, &arena, &err);
        if (code && code != ERR_INFEASIBLE)
            fail_msg("seed %d: %s", seed, err.text);
        if (exists != (code == ERR_OK))
            fail_msg("seed %d: %s, by brute force %s (%.4f)", seed, code ? err.text : "designed",
                     exists ? "feasible" : "infeasible", exists ? best.cost : 0);
        if (!exists) {
            infeasible++;
            arena_done(&arena);
            continue;
        }
        feasible++;
        if (!close_to(answer.solutions.items[0].cost, best.cost) ||
            answer.solutions.items[0].gap != 0)
            fail_msg("seed %d: cost %.6f gap %g, by brute force %.6f", seed,
                     answer.solutions.items[0].cost, answer.solutions.items[0].gap, best.cost);
        for (size_t i = 0; i < answer.solutions.count; i++) {
            const struct solution *solution = &answer.solutions.items[i];
            int sites[NAIVE_INSTANCES];
            struct naive_figures own;
            sites_of(&need, solution, sites);
            naive_figures(&naive, sites, &own);
            if (!own.feasible || !close_to(own.cost, solution->cost) ||
                !close_to(own.latency, solution->latency.value) ||
                !close_to(own.reliability, solution->reliability.value) ||
                !close_to(own.green, solution->green.value))
                fail_msg(
                    "seed %d, %s: cost %.6f against %.6f, latency %.4f against %.4f, feasible %d",
                    seed, solution->objective, solution->cost, own.cost, solution->latency.value,
                    own.latency, own.feasible);
        }
        arena_done(&arena);
    }
    print_message("%d feasible, %d infeasible\n", feasible, infeasible);
    assert_true(feasible > cases() / 5 && infeasible > cases() / 10);
}

/* ---- what is said of infeasible needs ---- */
/* The member of the requirement that a name means, dropped (NaN) or set. */
static void apply(struct need *need, const char *name, double value)
{
    struct requirement *r = &need->requirement;
    for (int i = 0; i < need->wish_count; i++)
        if (str_eq(need->wishes[i].name, name)) {
            need->wishes[i] = need->wishes[--need->wish_count];
            return;
        }
    char field[64] = "";
    unsigned index = 0;
    struct opt_double number = {!isnan(value), isnan(value) ? 0 : value};
    struct opt_int whole = {!isnan(value), isnan(value) ? 0 : (int64_t)value};
    if (sscanf(name, "components[%u].%63s", &index, field) == 2) {
        struct requirement_component *component = &r->components.items[index];
        if (str_eq(field, "instances"))
            component->instances = whole;
        else if (str_eq(field, "arch"))
            component->arch = ARCH_ABSENT;
        else if (str_eq(field, "tier"))
            component->tier = TIER_ABSENT;
        else if (str_eq(field, "location"))
            component->location = NULL;
        else if (str_eq(field, "accelerator"))
            component->accelerator = NULL;
        else if (str_eq(field, "accelerator.model") && component->accelerator)
            component->accelerator->model = NULL;
        else if (str_eq(field, "vcpus"))
            component->vcpus = number;
        else if (str_eq(field, "memory_gib"))
            component->memory_gib = number;
        else if (str_eq(field, "disk_gib"))
            component->disk_gib = number;
        else
            assert_string_equal(field, "accelerator.model");
    } else if (sscanf(name, "flows[%u].%63s", &index, field) == 2) {
        if (str_eq(field, "max_latency_ms"))
            r->flows.items[index].max_latency_ms = number;
        else
            r->flows.items[index].bandwidth_mbps = (struct opt_double){true, number.value};
    } else if (sscanf(name, "flows[%u]", &index) == 1) {
        r->flows.items[index].from = r->flows.items[index].to;
        r->flows.items[index].max_latency_ms.set = r->flows.items[index].bandwidth_mbps.set = false;
    } else if (str_eq(name, "network.max_latency_ms")) {
        r->network.max_latency_ms = number;
    } else if (str_eq(name, "network.bandwidth_mbps")) {
        r->network.bandwidth_mbps = number;
    } else if (str_eq(name, "reliability.replicas")) {
        r->reliability.replicas = whole;
    } else if (str_eq(name, "reliability.mode")) {
        r->reliability.mode = MODE_ABSENT;
    } else if (str_eq(name, "service_level.availability_percent")) {
        r->service_level.availability_percent = number;
    } else if (str_eq(name, "security.data_residency")) {
        r->security.data_residency = NULL;
    } else if (str_eq(name, "security.protection_level")) {
        r->security.protection_level = whole;
    } else if (str_eq(name, "budget") && number.set) {
        r->budget->amount = value;
    } else {
        assert_string_equal(name, "budget");
        r->budget = NULL;
    }
}

/* The need anew from its seed, so that changes of a trial do not meet in shared parts. */
static bool cheapest_after(int seed, const char *const *names, const double *values, size_t count,
                           struct naive_figures *best)
{
    struct arena arena;
    struct rand rand;
    struct need need;
    static struct naive naive;
    arena_init(&arena, 0);
    rand_init(&rand, (uint64_t)seed);
    random_need(&rand, &need, &arena);
    for (size_t i = 0; i < count; i++)
        apply(&need, names[i], values[i]);
    naive_init(&naive, &need);
    bool exists = naive_cheapest(&naive, best);
    arena_done(&arena);
    return exists;
}

/* "drop a and b", or "a 3 → 10 ms (+7 ms)" */
static void check_relaxation(int seed, const struct solution_relaxation *relaxation)
{
    char text[400], arrow[8];
    const char *names[8];
    double values[8], stated, relaxed;
    size_t count = 0;
    str_format(text, sizeof text, "%s", relaxation->change);
    if (strncmp(text, "drop ", 5) == 0) {
        for (char *at = text + 5; at && count < 8;) {
            char *next = strstr(at, " and ");
            if (next) {
                *next = '\0';
                next += 5;
            }
            values[count] = NAN;
            names[count++] = at;
            at = next;
        }
    } else {
        char *blank = strchr(text, ' ');
        assert_non_null(blank);
        *blank = '\0';
        assert_int_equal(sscanf(blank + 1, "%lf %7s %lf", &stated, arrow, &relaxed), 3);
        names[0] = text;
        values[0] = relaxed;
        count = 1;
    }
    struct naive_figures best;
    if (!cheapest_after(seed, names, values, count, &best) ||
        !close_to(best.cost, relaxation->cost))
        fail_msg("seed %d: '%s' at %.6f, by brute force %.6f", seed, relaxation->change,
                 relaxation->cost, best.cost);
}

#define NAMES 96

static bool in_conflict(const struct solution_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->conflict.count; i++)
        if (str_eq(answer->conflict.items[i], name))
            return true;
    return false;
}

/* Every constraint that could have been named and was not; amounts only when amounts were looked
 * at. */
static size_t names_outside(const struct need *need, const struct solution_answer *answer,
                            char names[NAMES][64])
{
    const struct requirement *r = &need->requirement;
    static const char *const of_component[] = {
        "instances", "arch", "tier", "location", "accelerator.model", "accelerator"};
    static const char *const of_flow[] = {"bandwidth_mbps", "max_latency_ms"};
    static const char *const of_all[] = {
        "reliability.replicas",    "reliability.mode",
        "network.bandwidth_mbps",  "service_level.availability_percent",
        "security.data_residency", "security.protection_level",
        "network.max_latency_ms",  "budget"};
    size_t count = 0;
    for (size_t c = 0; c < r->components.count; c++)
        for (size_t i = 0; i < ARRAY_LEN(of_component); i++)
            str_format(names[count++], 64, "components[%zu].%s", c, of_component[i]);
    for (size_t f = 0; f < r->flows.count; f++)
        for (size_t i = r->flows.items[f].bandwidth_mbps.set ? 0 : 1; i < ARRAY_LEN(of_flow); i++)
            str_format(names[count++], 64, "flows[%zu].%s", f, of_flow[i]);
    for (size_t i = 0; i < ARRAY_LEN(of_all); i++)
        str_format(names[count++], 64, "%s", of_all[i]);
    for (int i = 0; i < need->wish_count; i++)
        str_format(names[count++], 64, "%s", need->wishes[i].name);
    bool amounts = false;
    for (size_t i = 0; i < answer->conflict.count; i++) {
        const char *name = answer->conflict.items[i];
        amounts = amounts || strstr(name, "].vcpus") || strstr(name, "memory_gib") ||
                  strstr(name, "disk_gib") || str_has_suffix(name, "]");
    }
    static const char *const amount_names[] = {"vcpus", "memory_gib", "disk_gib"};
    for (size_t c = 0; amounts && c < r->components.count; c++)
        for (size_t i = 0; i < ARRAY_LEN(amount_names); i++)
            str_format(names[count++], 64, "components[%zu].%s", c, amount_names[i]);
    for (size_t f = 0; amounts && f < r->flows.count; f++)
        str_format(names[count++], 64, "flows[%zu]", f);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!in_conflict(answer, names[i]))
            memmove(names[kept++], names[i], 64);
    return kept;
}

/* Alone it cannot be met; with any one part of it dropped it can. */
static void check_conflict(int seed, const struct need *need, const struct solution_answer *answer)
{
    static char text[NAMES][64];
    const char *names[NAMES];
    double values[NAMES];
    struct naive_figures best;
    if (answer->conflict.count == 0) /* no stated constraint explains it: the network alone does */
        return;
    size_t count = names_outside(need, answer, text);
    assert_true(count + 1 < NAMES);
    for (size_t i = 0; i < count; i++) {
        names[i] = text[i];
        values[i] = NAN;
    }
    if (cheapest_after(seed, names, values, count, &best))
        fail_msg("seed %d: the conflict beginning with %s can be met", seed,
                 answer->conflict.items[0]);
    for (size_t i = 0; i < answer->conflict.count; i++) {
        names[count] = answer->conflict.items[i];
        values[count] = NAN;
        if (!cheapest_after(seed, names, values, count + 1, &best))
            fail_msg("seed %d: the conflict holds without %s", seed, answer->conflict.items[i]);
    }
}

static void test_conflicts_are_conflicts_and_relaxations_hold(void **state)
{
    (void)state;
    int conflicts = 0, relaxations = 0, numeric = 0;
    for (int seed = 0; seed < cases() / 2; seed++) {
        struct arena arena;
        struct rand rand;
        struct need need;
        struct err err = ERR_INIT;
        arena_init(&arena, 0);
        rand_init(&rand, (uint64_t)seed);
        random_need(&rand, &need, &arena);
        struct design_input input = design_input_of(&need, &arena);
        input.only_objective = true;
        struct solution_answer answer = {0};
        if (design_solve(&input, &answer, &arena, &err) == ERR_INFEASIBLE) {
            conflicts++;
            check_conflict(seed, &need, &answer);
            for (size_t i = 0; i < answer.relaxations.count; i++) {
                check_relaxation(seed, &answer.relaxations.items[i]);
                relaxations++;
                numeric += strncmp(answer.relaxations.items[i].change, "drop ", 5) != 0;
                if (i > 0)
                    assert_true(answer.relaxations.items[i].cost >=
                                answer.relaxations.items[i - 1].cost);
            }
        }
        arena_done(&arena);
    }
    print_message("%d infeasible, %d relaxations, %d of them by a bound\n", conflicts, relaxations,
                  numeric);
    assert_true(relaxations > conflicts / 2 && numeric > 0);
}

/* Any placement, good or bad, is measured as the oracle measures it. */
static void test_random_placements_are_measured_as_by_the_naive_reading(void **state)
{
    (void)state;
    int good = 0;
    for (int seed = 0; seed < cases(); seed++) {
        struct arena arena;
        struct rand rand;
        struct need need;
        static struct naive naive;
        arena_init(&arena, 0);
        rand_init(&rand, (uint64_t)seed + 1000000);
        random_need(&rand, &need, &arena);
        need.wish_count = 0; /* not evaluation's business */
        naive_init(&naive, &need);
        struct evaluation_input input = {.requirement = &need.requirement,
                                         .network = &need.network};
        struct evaluation_model *model;
        assert_int_equal(evaluation_model_new(&input, &model, &arena, NULL), ERR_OK);
        for (int trial = 0; trial < 20; trial++) {
            int sites[NAIVE_INSTANCES], at = 0;
            struct solution solution = {0};
            for (size_t c = 0; c < need.requirement.components.count; c++)
                for (int i = 0; i < naive_instances(&need.requirement, c); i++) {
                    sites[at] = (int)rand_below(&rand, need.network.sites.count);
                    struct solution_placement *placement = LIST_ADD(&arena, &solution.placements);
                    placement->component = need.requirement.components.items[c].name;
                    placement->instance = i;
                    placement->site = need.network.sites.items[sites[at++]].id;
                }
            struct naive_figures expected;
            struct evaluation_figures figures;
            naive_figures(&naive, sites, &expected);
            assert_int_equal(evaluation_measure(model, &solution, &figures, &arena, NULL), ERR_OK);
            bool holds = true;
            for (size_t i = 0; i < figures.violations.count; i++)
                holds = holds && figures.violations.items[i].verdict != VERDICT_FAIL &&
                        str_eq(figures.violations.items[i].code, "budget");
            if (holds != expected.feasible)
                fail_msg("seed %d trial %d: %s (%s), naive says %s", seed, trial,
                         holds ? "feasible" : "infeasible",
                         holds ? "" : figures.violations.items[0].code,
                         expected.feasible ? "feasible" : "infeasible");
            if (!expected.feasible)
                continue;
            good++;
            if (!close_to(figures.cost, expected.cost) ||
                !close_to(figures.latency.value, expected.latency) ||
                !close_to(figures.reliability.value, expected.reliability) ||
                !close_to(figures.green.value, expected.green))
                fail_msg("seed %d trial %d: cost %.6f, naive %.6f", seed, trial, figures.cost,
                         expected.cost);
        }
        arena_done(&arena);
    }
    print_message("%d feasible placements\n", good);
    assert_true(good > cases() / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cheapest_design_is_the_cheapest_of_all_placements),
        cmocka_unit_test(test_conflicts_are_conflicts_and_relaxations_hold),
        cmocka_unit_test(test_random_placements_are_measured_as_by_the_naive_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
