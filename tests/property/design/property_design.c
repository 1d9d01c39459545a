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
        struct design_input input = {
            .given = {.requirement = &need.requirement, .network = &need.network},
            .objective = OBJECTIVE_COST};
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
        cmocka_unit_test(test_random_placements_are_measured_as_by_the_naive_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
