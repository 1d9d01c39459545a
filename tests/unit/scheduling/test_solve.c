/* test_solve.c - plans, reasons, bounds and errors on problems small enough to see through. */
#include <string.h>

#include "tests.h"

struct small { /* a problem of a few tasks that share one resource */
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct arena arena;
    struct err err;
};

static void small_init(struct small *small, int64_t capacity)
{
    memset(small, 0, sizeof *small);
    LIST_ADD(&small->arena, &small->problem.resources)->capacity = capacity;
}

static struct scheduling_task *add(struct small *small, int64_t duration, int64_t demand)
{
    struct scheduling_task *task = LIST_ADD(&small->arena, &small->problem.tasks);
    int64_t *demands = arena_array(&small->arena, 1, sizeof *demands);
    demands[0] = demand;
    task->duration = duration;
    task->demands = demands;
    return task;
}

static void after(struct small *small, size_t task, size_t before)
{
    *LIST_ADD(&small->arena, &small->problem.tasks.items[task].after) = before;
}

static enum err_code solve(struct small *small, struct scheduling_input input)
{
    input.problem = &small->problem;
    return scheduling_solve(&input, &small->plan, &small->arena, &small->err);
}

static void solve_well(struct small *small, struct scheduling_input input)
{
    assert_int_equal(solve(small, input), ERR_OK);
    assert_null(broken_rule(&small->problem, small->plan.starts));
}

static void test_every_wait_has_its_reason(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 2);
    add(&s, 4, 2);
    add(&s, 3, 2);
    add(&s, 1, 0);
    after(&s, 2, 0);
    add(&s, 1, 0)->release = 9;
    solve_well(&s, (struct scheduling_input){.schedules = 50});
    size_t first = s.plan.starts[0] == 0 ? 0 : 1, second = 1 - first;
    assert_int_equal(s.plan.waits[first].reason, SCHEDULING_AT_ONCE);
    assert_int_equal(s.plan.waits[second].reason, SCHEDULING_FOR_RESOURCE);
    assert_int_equal(s.plan.waits[second].task, first);
    assert_int_equal(s.plan.waits[second].resource, 0);
    assert_int_equal(s.plan.waits[second].waited, s.plan.starts[second]);
    assert_int_equal(s.plan.waits[2].reason, SCHEDULING_FOR_TASK);
    assert_int_equal(s.plan.waits[2].task, 0);
    assert_int_equal(s.plan.waits[3].reason, SCHEDULING_FOR_RELEASE);
    assert_int_equal(s.plan.waits[3].slack, 0);
    assert_int_equal(s.plan.makespan, 10);
    assert_int_equal(s.plan.lower_bound, 10);
    arena_done(&s.arena);
}

static void test_a_calendar_and_what_runs_are_waited_for(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 2);
    struct scheduling_interval *closed = LIST_ADD(&s.arena, &s.problem.resources.items[0].calendar);
    *closed = (struct scheduling_interval){.from = 6, .to = 10, .capacity = 0};
    struct scheduling_task *running = add(&s, 5, 2);
    running->state = SCHEDULING_RUNNING;
    running->start = 1;
    s.problem.now = 3;
    add(&s, 2, 1);
    solve_well(&s, (struct scheduling_input){.schedules = 50});
    assert_int_equal(s.plan.starts[0], 1);
    assert_int_equal(s.plan.starts[1], 10);
    assert_int_equal(s.plan.waits[0].reason, SCHEDULING_FIXED);
    assert_int_equal(s.plan.waits[1].reason, SCHEDULING_FOR_CALENDAR);
    assert_int_equal(s.plan.waits[1].ready, 3);
    assert_int_equal(s.plan.lower_bound, 12);
    arena_done(&s.arena);
}

static void test_lateness_decides_among_shortest_plans(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 1);
    for (int i = 0; i < 5; i++)
        add(&s, 3, 1);
    s.problem.tasks.items[4].deadline = 3;
    s.problem.tasks.items[4].weight = 2;
    solve_well(&s, (struct scheduling_input){.schedules = 400});
    assert_int_equal(s.plan.makespan, 15);
    assert_int_equal(s.plan.lateness, 0);
    assert_int_equal(s.plan.starts[4], 0);
    arena_done(&s.arena);
}

static void test_times_of_milliseconds_are_not_counted_one_by_one(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 1);
    add(&s, 60000001, 1);
    add(&s, 30000000, 1);
    solve_well(&s, (struct scheduling_input){.schedules = 50});
    assert_int_equal(s.plan.makespan, 90000001);
    assert_int_equal(s.plan.lower_bound, 90000001);
    arena_done(&s.arena);
}

static void test_a_wide_spread_favours_the_plan_that_bears_it(void **state)
{
    static const struct scheduling_quantile quantiles[] = {{0.5, 10}, {0.9, 30}};
    struct small s;
    (void)state;
    small_init(&s, 2);
    for (int i = 0; i < 8; i++) {
        struct scheduling_task *task = add(&s, 10, 1);
        for (size_t k = 0; k < ARRAY_LEN(quantiles); k++)
            *LIST_ADD(&s.arena, &task->quantiles) = quantiles[k];
    }
    solve_well(&s, (struct scheduling_input){.schedules = 50, .draws = 500, .robust_share = 0.9});
    assert_int_equal(s.plan.makespan, 40);
    assert_int_equal(s.plan.spread.draws, 500);
    assert_true(s.plan.spread.mean > 40);
    assert_true(s.plan.spread.p50 <= s.plan.spread.p90);
    assert_true(s.plan.spread.p90 <= s.plan.spread.p99);
    arena_done(&s.arena);
}

static bool stop_at_once(void *ctx)
{
    ++*(int *)ctx;
    return true;
}

static void test_a_search_that_is_stopped_still_answers(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct random_shape shape = {
        .tasks = 60, .resources = 4, .longest = 10, .arcs = 0.05, .plain = true};
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct rand rand;
    int asked = 0;
    (void)state;
    rand_init(&rand, 5);
    random_problem(&shape, &rand, &problem, &arena);
    struct scheduling_input input = {.problem = &problem,
                                     .schedules = INT64_MAX,
                                     .should_stop = stop_at_once,
                                     .stop_ctx = &asked};
    assert_int_equal(scheduling_solve(&input, &plan, &arena, NULL), ERR_OK);
    assert_null(broken_rule(&problem, plan.starts));
    assert_true(plan.lower_bound <= plan.makespan);
    assert_true(plan.lower_bound == plan.makespan || (plan.stopped && asked > 0));
}

static void test_no_tasks_are_a_plan_too(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 1);
    solve_well(&s, (struct scheduling_input){.schedules = 5});
    assert_int_equal(s.plan.makespan, 0);
    arena_done(&s.arena);
}

static void expect_refused(struct small *small, enum err_code code, const char *field)
{
    assert_int_equal(solve(small, (struct scheduling_input){.schedules = 5}), code);
    assert_string_equal(small->err.field, field);
    arena_done(&small->arena);
}

static void test_what_cannot_be_is_refused_by_its_path(void **state)
{
    struct small s;
    (void)state;
    small_init(&s, 2);
    add(&s, 1, 3);
    expect_refused(&s, ERR_INFEASIBLE, "tasks[0].demands[0]");
    small_init(&s, 2);
    add(&s, 1, 1);
    add(&s, 1, 1);
    after(&s, 0, 1);
    after(&s, 1, 0);
    expect_refused(&s, ERR_INFEASIBLE, "tasks[0].after");
    small_init(&s, 2);
    add(&s, -1, 1);
    expect_refused(&s, ERR_INVALID, "tasks[0].duration");
    small_init(&s, 2);
    add(&s, 1, 1);
    after(&s, 0, 7);
    expect_refused(&s, ERR_INVALID, "tasks[0].after");
    small_init(&s, -2);
    expect_refused(&s, ERR_INVALID, "resources[0].capacity");
    small_init(&s, 2);
    add(&s, (int64_t)1 << 40, 1);
    add(&s, 1, 1);
    expect_refused(&s, ERR_TOO_LARGE, "");
}

/* Regression: the answers on problems from fixed seeds; the makespans are proven. */
static void test_known_problems_keep_their_optima(void **state)
{
    static const struct {
        uint64_t seed;
        int64_t makespan;
    } known[] = {{6, 112}, {16, 114}, {20, 108}, {25, 127},
                 {47, 78}, {48, 123}, {72, 91},  {83, 112}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct random_shape shape = {
            .tasks = 32, .resources = 4, .longest = 10, .arcs = 0.06, .plain = true};
        struct scheduling_problem problem;
        struct scheduling_plan plan;
        struct rand rand;
        rand_init(&rand, known[i].seed);
        random_problem(&shape, &rand, &problem, &arena);
        struct scheduling_input input = {.problem = &problem, .schedules = 2000, .seed = 1};
        assert_int_equal(scheduling_solve(&input, &plan, &arena, NULL), ERR_OK);
        assert_null(broken_rule(&problem, plan.starts));
        assert_int_equal(plan.makespan, known[i].makespan);
        assert_int_equal(plan.lower_bound, known[i].makespan);
    }
}

/* Large populations are not filled in the first round of the search. */
static void test_a_search_cut_while_it_begins_goes_on_soundly(void **state)
{
    int far = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct random_shape shape = {
            .tasks = 32, .resources = 4, .longest = 10, .arcs = 0.06, .plain = true};
        struct scheduling_problem problem;
        struct scheduling_plan plan;
        struct rand rand;
        rand_init(&rand, 40 + seed);
        random_problem(&shape, &rand, &problem, &arena);
        struct scheduling_input input = {
            .problem = &problem, .schedules = 50000, .seed = seed, .method = SCHEDULING_HEURISTIC};
        assert_int_equal(scheduling_solve(&input, &plan, &arena, NULL), ERR_OK);
        assert_null(broken_rule(&problem, plan.starts));
        far += plan.schedules > 1000;
    }
    assert_true(far >= 3); /* elsewhere the bound was met at once */
}

static void test_nothing_changed_is_nothing_moved(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct random_shape shape = {
        .tasks = 80, .resources = 3, .longest = 10, .arcs = 0.04, .plain = true};
    struct scheduling_problem problem;
    struct scheduling_plan plan, next;
    struct scheduling_moves moves;
    struct rand rand;
    (void)state;
    rand_init(&rand, 3);
    random_problem(&shape, &rand, &problem, &arena);
    struct scheduling_input input = {.problem = &problem, .schedules = 3000, .seed = 1};
    assert_int_equal(scheduling_solve(&input, &plan, &arena, NULL), ERR_OK);
    struct scheduling_change change = {.starts = plan.starts, .seed = 1};
    assert_int_equal(scheduling_replan(&problem, &change, &next, &moves, &arena, NULL), ERR_OK);
    assert_int_equal(moves.disturbance, 0);
    assert_int_equal(next.makespan, plan.makespan);
}

const struct CMUnitTest solve_tests[] = {
    cmocka_unit_test(test_every_wait_has_its_reason),
    cmocka_unit_test(test_a_calendar_and_what_runs_are_waited_for),
    cmocka_unit_test(test_lateness_decides_among_shortest_plans),
    cmocka_unit_test(test_times_of_milliseconds_are_not_counted_one_by_one),
    cmocka_unit_test(test_a_wide_spread_favours_the_plan_that_bears_it),
    cmocka_unit_test(test_a_search_that_is_stopped_still_answers),
    cmocka_unit_test(test_no_tasks_are_a_plan_too),
    cmocka_unit_test(test_what_cannot_be_is_refused_by_its_path),
    cmocka_unit_test(test_known_problems_keep_their_optima),
    cmocka_unit_test(test_a_search_cut_while_it_begins_goes_on_soundly),
    cmocka_unit_test(test_nothing_changed_is_nothing_moved),
};
const size_t solve_test_count = ARRAY_LEN(solve_tests);
