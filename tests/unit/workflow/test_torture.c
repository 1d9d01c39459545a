/* test_torture.c - every call of the store fails in turn, once and for a while; the run ends all
 * the same. */
#include "fixture.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"

#define LOOPS_MOST 400

static void torture(struct fixture *f, const char *point, const char *action, int step)
{
    char run[32], faults[96];
    int n = 1;
    for (; n < LOOPS_MOST; n += step) {
        bool fails = n % 2;
        struct run_status status;
        snprintf(run, sizeof run, "run-%d", n);
        snprintf(faults, sizeof faults, "%s=%s@%d", point, action, n);
        f->plan = (struct plan){0};
        add_task(f, arena_printf(&f->arena, "a%d", n), NULL, "apply=transient*1");
        add_task(f, arena_printf(&f->arena, "b%d", n), f->plan.tasks.items[0].id,
                 fails ? "apply=capacity" : NULL);
        submit(f, run);
        assert_ok(f, fault_arm(faults, &f->err));
        /* Also the start may meet it; then nothing has begun. */
        struct workflow_options options = options_of(f->store, "one");
        for (int tries = 0; workflow_start(&options, &f->workflow, &f->err); tries++)
            assert_true(tries < 10);
        /* Only the workflow's own calls meet the fault as long as nobody else asks. */
        int64_t until = clock_mono_ms() + 20000;
        struct workflow_figures figures = {0};
        do {
            clock_sleep_ms(2);
            workflow_figures(f->workflow, &figures);
        } while (!fault_fired() && clock_mono_ms() < until &&
                 figures.tasks_succeeded + figures.tasks_undone < (fails ? 3 : 2));
        bool fired = fault_fired() > 0;
        fault_disarm();
        status = wait_end(f, run);
        stop(f);
        assert_int_equal(status.state, fails ? RUN_FAILED : RUN_SUCCEEDED);
        assert_invariants(f, run, 1);
        if (!fired)
            break;
    }
    if (n < 3)
        fail_msg("%s was passed %d times only", point, n);
}

static void test_a_begin_that_fails_loses_nothing(void **state)
{
    torture(*state, "store.begin", "fail", 2);
}

static void test_a_statement_that_fails_loses_nothing(void **state)
{
    torture(*state, "store.exec", "io", 3);
}

static void test_a_query_that_fails_loses_nothing(void **state)
{
    torture(*state, "store.query", "io", 9);
}

static void test_a_commit_that_fails_loses_nothing(void **state)
{
    torture(*state, "store.commit", "io", 1);
}

static void test_a_commit_whose_answer_is_lost_is_not_done_twice(void **state)
{
    torture(*state, "store.commit_done", "fail", 1);
}

static void test_a_follow_that_fails_delays_nothing_for_long(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    assert_ok(f, fault_arm("store.follow=fail@1+", &f->err));
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
}

static void test_a_store_that_fails_for_a_while_is_waited_for(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++)
        add_task(f, arena_printf(&f->arena, "t%d", i), i ? f->plan.tasks.items[i - 1].id : NULL,
                 "slow=10");
    start(f, "one");
    submit(f, "run-1");
    for (int i = 0; i < 3; i++) {
        clock_sleep_ms(20);
        assert_ok(f, fault_arm("store.begin=io@1+", &f->err));
        clock_sleep_ms(400);
        fault_disarm();
    }
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
    assert_invariants(f, "run-1", 1);
}

static void test_faults_at_the_workflows_own_points_are_met_as_errors(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "apply=capacity");
    assert_ok(f, fault_arm("workflow.before_do=fail@1;workflow.after_do=fail@1;"
                           "workflow.before_verify=fail@1;workflow.before_undo=fail@1;"
                           "workflow.during_undo=fail@1",
                           &f->err));
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(fault_fired(), 5);
    assert_int_equal(status.state, RUN_FAILED);
    assert_string_equal(status.error_code, "capacity");
    assert_invariants(f, "run-1", 1);
}

const struct CMUnitTest torture_tests[] = {
    WORKFLOW_TEST(test_a_begin_that_fails_loses_nothing),
    WORKFLOW_TEST(test_a_statement_that_fails_loses_nothing),
    WORKFLOW_TEST(test_a_query_that_fails_loses_nothing),
    WORKFLOW_TEST(test_a_commit_that_fails_loses_nothing),
    WORKFLOW_TEST(test_a_commit_whose_answer_is_lost_is_not_done_twice),
    WORKFLOW_TEST(test_a_follow_that_fails_delays_nothing_for_long),
    WORKFLOW_TEST(test_a_store_that_fails_for_a_while_is_waited_for),
    WORKFLOW_TEST(test_faults_at_the_workflows_own_points_are_met_as_errors),
};
const size_t torture_test_count = ARRAY_LEN(torture_tests);
