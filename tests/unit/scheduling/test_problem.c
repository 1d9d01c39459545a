/* test_problem.c - problems by names: what is good is planned, what is bad is refused by field. */
#include <string.h>

#include "tests.h"

static const char whole[] =
    "now: 10\n"
    "resources:\n"
    "  - {name: workers, capacity: 2, calendar: [{from: 30, to: 40, capacity: 0}]}\n"
    "  - {name: link, capacity: 10}\n"
    "tasks:\n"
    "  - {name: fetch, duration: 12, needs: {link: 6}, state: running, start: 2, planned: 2}\n"
    "  - {name: build, after: [fetch], needs: {workers: 1}, planned: 14,\n"
    "     quantiles: [{share: 0.5, duration: 20}, {share: 0.9, duration: 35}]}\n"
    "  - {name: check, duration: 5, after: [build], needs: {workers: 2, link: 5}, deadline: 38}\n"
    "  - {name: other, duration: 9, needs: {workers: 1}, release: 20, weight: 4, planned: 50}\n";

static enum err_code read(const char *text, struct scheduling_problem *out, int64_t **planned,
                          struct arena *arena, struct err *err)
{
    struct scheduling_file file;
    enum err_code rc =
        json_decode_yaml(text, strlen(text), &scheduling_file_table, NULL, &file, arena, err);
    return rc ? rc : scheduling_from_file(&file, out, planned, arena, err);
}

static void test_a_problem_by_names_means_what_it_says(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct scheduling_problem problem;
    struct err err = ERR_INIT;
    int64_t *planned;
    (void)state;
    assert_int_equal(read(whole, &problem, &planned, &arena, &err), ERR_OK);
    assert_int_equal(problem.now, 10);
    assert_int_equal(problem.resources.items[0].calendar.items[0].to, 40);
    const struct scheduling_task *task = problem.tasks.items;
    assert_int_equal(task[0].state, SCHEDULING_RUNNING);
    assert_int_equal(task[0].start, 2);
    assert_int_equal(task[0].demands[0], 0);
    assert_int_equal(task[0].demands[1], 6);
    assert_int_equal(task[1].duration, 20); /* the quantile of half */
    assert_int_equal(task[1].quantiles.count, 2);
    assert_int_equal(task[1].after.items[0], 0);
    assert_int_equal(task[2].weight, 1);
    assert_int_equal(task[2].deadline, 38);
    assert_int_equal(task[3].weight, 4);
    assert_int_equal(task[3].release, 20);
    assert_int_equal(planned[1], 14);
    assert_int_equal(planned[2], -1);
}

static void test_a_problem_by_names_is_planned_with_its_spread_and_planned_anew(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct scheduling_moves moves;
    struct err err = ERR_INIT;
    int64_t *planned;
    (void)state;
    assert_int_equal(read(whole, &problem, &planned, &arena, &err), ERR_OK);
    struct scheduling_input input = {
        .problem = &problem, .schedules = 500, .seed = 1, .draws = 200, .robust_share = 0.9};
    assert_int_equal(scheduling_solve(&input, &plan, &arena, &err), ERR_OK);
    assert_null(broken_rule(&problem, plan.starts));
    assert_int_equal(plan.spread.draws, 200);
    assert_true(plan.spread.p50 <= plan.spread.p90 && plan.spread.p90 <= plan.spread.p99);
    assert_true(plan.spread.p90 > plan.spread.p50); /* build may take 35 and more */
    struct scheduling_change change = {.starts = planned, .seed = 1};
    assert_int_equal(scheduling_replan(&problem, &change, &plan, &moves, &arena, &err), ERR_OK);
    assert_null(broken_rule(&problem, plan.starts));
    assert_int_equal(plan.starts[3], 50); /* may stay, and stays */
}

static void test_what_is_wrong_is_refused_with_its_field(void **state)
{
    static const struct {
        const char *text, *field;
        enum err_code code;
    } cases[] = {
        {"{\"tasks\":[]}", "tasks", ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\"}]}", "tasks[0].duration", ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"after\":[\"b\"]}]}", "tasks[0].after[0]",
         ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"needs\":{\"r\":1}}]}", "tasks[0].needs.r",
         ERR_INVALID},
        {"{\"resources\":[{\"name\":\"r\",\"capacity\":1}],"
         "\"tasks\":[{\"name\":\"a\",\"duration\":1,\"needs\":{\"r\":0.5}}]}",
         "tasks[0].needs.r", ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1},{\"name\":\"a\",\"duration\":1}]}",
         "tasks[1].name", ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"start\":3}]}", "tasks[0].start",
         ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"state\":\"done\"}]}", "tasks[0].start",
         ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"planned\":-3}]}", "tasks[0].planned",
         ERR_INVALID},
        {"{\"tasks\":[{\"name\":\"a\",\"duration\":1,\"when\":3}]}", "tasks[0].when", ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct err err = ERR_INIT;
        int64_t *planned;
        assert_int_equal(read(cases[i].text, &problem, &planned, &arena, &err), cases[i].code);
        assert_string_equal(err.field, cases[i].field);
        err_clear(&err);
    }
}

const struct CMUnitTest problem_tests[] = {
    cmocka_unit_test(test_a_problem_by_names_means_what_it_says),
    cmocka_unit_test(test_a_problem_by_names_is_planned_with_its_spread_and_planned_anew),
    cmocka_unit_test(test_what_is_wrong_is_refused_with_its_field),
};
const size_t problem_test_count = ARRAY_LEN(problem_tests);
