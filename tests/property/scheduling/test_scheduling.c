/* test_scheduling.c - thousands of random problems against brute force and an independent checker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lean/scheduling/scheduling_priv.h"
#include "random_problem.h"

static void expect_sound(const struct scheduling_problem *problem,
                         const struct scheduling_plan *plan)
{
    const char *broken = broken_rule(problem, plan->starts);
    if (broken)
        fail_msg("%s", broken);
    assert_int_equal(plan->makespan, makespan_of(problem, plan->starts));
    assert_int_equal(plan->lateness, lateness_of(problem, plan->starts));
    assert_true(plan->lower_bound <= plan->makespan);
}

static void solve(const struct scheduling_problem *problem, const struct scheduling_input *how,
                  struct scheduling_plan *out, struct arena *arena)
{
    struct scheduling_input input = *how;
    struct err err = ERR_INIT;
    input.problem = problem;
    if (scheduling_solve(&input, out, arena, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_true(out->schedules <= input.schedules);
    expect_sound(problem, out);
}

static void test_brute_force_agrees_with_bound_search_and_proof(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct scheduling_plan plan, quick;
        struct rand rand;
        rand_init(&rand, seed);
        struct random_shape shape = {.tasks = 1 + rand_below(&rand, 6),
                                     .resources = rand_below(&rand, 4),
                                     .longest = 1 + (int64_t)rand_below(&rand, 5),
                                     .arcs = rand_unit(&rand) * 0.6,
                                     .plain = seed % 2 == 0};
        random_problem(&shape, &rand, &problem, &arena);
        int64_t shortest = shortest_by_force(&problem);
        solve(&problem, &(struct scheduling_input){.schedules = 300, .seed = seed}, &plan, &arena);
        assert_true(plan.lower_bound <= shortest);
        assert_int_equal(plan.makespan, shortest);
        assert_int_equal(plan.lower_bound, shortest); /* so few tasks are always proven */
        solve(&problem,
              &(struct scheduling_input){
                  .schedules = 1, .seed = seed, .method = SCHEDULING_HEURISTIC},
              &quick, &arena);
        assert_true(quick.lower_bound <= shortest);
        assert_true(quick.makespan >= shortest);
    }
}

static void test_exact_search_never_contradicts_a_longer_search(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct scheduling_plan exact, search;
        struct rand rand;
        rand_init(&rand, 7000 + seed);
        struct random_shape shape = {.tasks = 8 + rand_below(&rand, 8),
                                     .resources = 1 + rand_below(&rand, 5),
                                     .longest = 8,
                                     .arcs = 0.02 + rand_unit(&rand) * 0.1,
                                     .plain = seed % 3 != 0};
        random_problem(&shape, &rand, &problem, &arena);
        solve(&problem, &(struct scheduling_input){.schedules = 100, .seed = 1}, &exact, &arena);
        solve(&problem,
              &(struct scheduling_input){
                  .schedules = 3000, .seed = 2, .method = SCHEDULING_HEURISTIC},
              &search, &arena);
        assert_true(exact.lower_bound <= search.makespan);
        assert_true(search.lower_bound <= exact.makespan);
        if (exact.lower_bound == exact.makespan)
            assert_true(exact.makespan <= search.makespan);
    }
}

static void test_the_same_seed_gives_the_same_plan(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct scheduling_plan one, two;
        struct rand rand;
        rand_init(&rand, 500 + seed);
        struct random_shape shape = {.tasks = 10 + rand_below(&rand, 10),
                                     .resources = 4,
                                     .longest = 9,
                                     .arcs = 0.06,
                                     .plain = seed % 2 == 0};
        struct scheduling_input input = {.schedules = 500, .seed = seed, .draws = 20};
        random_problem(&shape, &rand, &problem, &arena);
        solve(&problem, &input, &one, &arena);
        solve(&problem, &input, &two, &arena);
        assert_memory_equal(one.starts, two.starts, problem.tasks.count * sizeof *one.starts);
        assert_int_equal(one.lower_bound, two.lower_bound);
        assert_int_equal(one.schedules, two.schedules);
    }
}

static void test_long_horizons_give_the_plan_of_short_ones(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 80; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct scheduling_plan plan, longer;
        struct rand rand;
        rand_init(&rand, 900 + seed);
        struct random_shape shape = {
            .tasks = 25, .resources = 3, .longest = 9, .arcs = 0.08, .plain = true};
        random_problem(&shape, &rand, &problem, &arena);
        struct scheduling_input input = {
            .schedules = 60, .seed = seed, .method = SCHEDULING_HEURISTIC};
        solve(&problem, &input, &plan, &arena);
        /* A task of one unit keeps the divisor at 1, so that the horizon needs events. */
        for (size_t i = 0; i < problem.tasks.count; i++)
            problem.tasks.items[i].duration *= 100000;
        struct scheduling_task *odd = LIST_ADD(&arena, &problem.tasks);
        odd->duration = 1;
        solve(&problem, &input, &longer, &arena);
        assert_true(longer.makespan >= plan.lower_bound * 100000);
    }
}

/* Some tasks run or are done, some take longer or shorter; the plan in force is `plan`. */
static void go_on(struct scheduling_problem *problem, const struct scheduling_plan *plan,
                  struct rand *rand)
{
    problem->now = plan->makespan / 3;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        struct scheduling_task *task = &problem->tasks.items[i];
        if (plan->starts[i] > problem->now)
            continue;
        task->start = plan->starts[i];
        bool over = task->start + task->duration <= problem->now;
        task->state = over ? SCHEDULING_DONE : SCHEDULING_RUNNING;
        if (!over)
            task->duration += (int64_t)rand_below(rand, 5);
    }
}

static void test_replanning_keeps_what_runs_and_breaks_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct scheduling_plan plan, next;
        struct scheduling_moves moves;
        struct err err = ERR_INIT;
        struct rand rand;
        rand_init(&rand, 4000 + seed);
        struct random_shape shape = {.tasks = 5 + rand_below(&rand, 40),
                                     .resources = 3,
                                     .longest = 9,
                                     .arcs = 0.06,
                                     .plain = true};
        random_problem(&shape, &rand, &problem, &arena);
        struct scheduling_input input = {.schedules = 100, .method = SCHEDULING_HEURISTIC};
        solve(&problem, &input, &plan, &arena);
        go_on(&problem, &plan, &rand);
        struct scheduling_change change = {.starts = plan.starts, .seed = seed};
        assert_int_equal(scheduling_replan(&problem, &change, &next, &moves, &arena, &err), ERR_OK);
        expect_sound(&problem, &next);
        int64_t disturbance = 0, moved = 0;
        for (size_t i = 0; i < problem.tasks.count; i++)
            if (problem.tasks.items[i].state == SCHEDULING_WAITING) {
                disturbance += llabs(next.starts[i] - plan.starts[i]);
                moved += next.starts[i] != plan.starts[i];
            }
        assert_int_equal(moves.disturbance, disturbance);
        assert_int_equal(moves.moved, moved);
    }
}

/* The plan in hand, in the numbers of the problem. */
static int64_t *plan_in_hand(const struct scheduling_neighbourhood *near,
                             const struct scheduling_model *model, int32_t *ret_makespan,
                             struct arena *arena)
{
    const int32_t *inside = scheduling_neighbourhood_plan(near, ret_makespan);
    int64_t *starts = arena_array(arena, (size_t)model->n + 1, sizeof *starts);
    for (int32_t i = 0; i < model->n; i++)
        starts[model->outside[i]] = inside[i] * model->unit;
    return starts;
}

/* Steps from the plan of one list; returns the makespan of the last plan. */
static int64_t walk(const struct scheduling_problem *problem, uint64_t seed, int64_t shortest,
                    int steps, struct arena *arena)
{
    struct scheduling_input input = {.problem = problem, .seed = seed};
    struct scheduling_model *model;
    struct scheduling_generator generator;
    struct err err = ERR_INIT;
    int32_t list[64], starts[64], makespan, before;
    assert_int_equal(scheduling_model_new(problem, &model, arena, &err), ERR_OK);
    scheduling_generator_init(&generator, model, model->horizon, arena);
    for (int32_t i = 0; i < model->n; i++)
        list[i] = i;
    makespan = scheduling_generate(&generator, 0, list, starts);
    struct scheduling_neighbourhood *near =
        scheduling_neighbourhood_new(model, &input, makespan, arena);
    scheduling_neighbourhood_begin(near, starts);
    before = makespan;
    for (int step = 0;
         step < steps && makespan > model->longest && makespan * model->unit > shortest; step++) {
        bool moved = scheduling_neighbourhood_step(near);
        int64_t *next = plan_in_hand(near, model, &makespan, arena);
        const char *broken = broken_rule(problem, next);
        if (broken)
            fail_msg("step %d of seed %d: %s", step, (int)seed, broken);
        assert_int_equal(makespan * model->unit, makespan_of(problem, next));
        assert_true(makespan <= before);
        assert_true(moved || makespan == before);
        before = makespan;
    }
    scheduling_neighbourhood_done(near);
    return makespan * model->unit;
}

static void test_windows_break_no_rule_and_lead_to_what_brute_force_finds(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct rand rand;
        rand_init(&rand, 20000 + seed);
        struct random_shape shape = {.tasks = 2 + rand_below(&rand, 5),
                                     .resources = 1 + rand_below(&rand, 3),
                                     .longest = 1 + (int64_t)rand_below(&rand, 5),
                                     .arcs = rand_unit(&rand) * 0.5,
                                     .plain = seed % 2 == 0};
        random_problem(&shape, &rand, &problem, &arena);
        int64_t shortest = shortest_by_force(&problem);
        /* The widest window holds all that waits, so the way ends at the shortest plan. */
        assert_int_equal(walk(&problem, seed, shortest, 400, &arena), shortest);
    }
}

static void test_windows_of_larger_plans_break_no_rule(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct rand rand;
        rand_init(&rand, 30000 + seed);
        struct random_shape shape = {.tasks = 15 + rand_below(&rand, 40),
                                     .resources = 1 + rand_below(&rand, 6),
                                     .longest = 9,
                                     .arcs = 0.01 + rand_unit(&rand) * 0.08,
                                     .plain = seed % 2 == 0};
        random_problem(&shape, &rand, &problem, &arena);
        walk(&problem, seed, 0, 60, &arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brute_force_agrees_with_bound_search_and_proof),
        cmocka_unit_test(test_exact_search_never_contradicts_a_longer_search),
        cmocka_unit_test(test_the_same_seed_gives_the_same_plan),
        cmocka_unit_test(test_long_horizons_give_the_plan_of_short_ones),
        cmocka_unit_test(test_windows_break_no_rule_and_lead_to_what_brute_force_finds),
        cmocka_unit_test(test_windows_of_larger_plans_break_no_rule),
        cmocka_unit_test(test_replanning_keeps_what_runs_and_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
