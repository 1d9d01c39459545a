/* test_share.c - several servers on one store: work is shared, nothing is done twice, a dead one's
 * work goes on. */
#include "fixture.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "provision/workflow/workflow_priv.h"

static void test_two_instances_share_the_work_without_doubling(void **state)
{
    struct fixture *f = *state;
    struct workflow *second = NULL;
    struct store *store = NULL;
    for (int i = 0; i < 24; i++) {
        struct plan_task *task =
            add_task(f, arena_printf(&f->arena, "t%d", i), NULL, "slow=10 verify=transient*1");
        task->site = arena_printf(&f->arena, "site-%d", i % 5);
    }
    /* A process of its own has a store of its own. */
    assert_ok(f, store_open(f->address, &store, &f->err));
    struct workflow_options options = options_of(store, "two");
    start(f, "one");
    assert_ok(f, workflow_start(&options, &second, &f->err));
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    struct workflow_figures a = {0}, b = {0};
    /* Counted after the commit that the view has seen. */
    for (int tries = 0; tries < 1000 && a.tasks_succeeded + b.tasks_succeeded < 24; tries++) {
        clock_sleep_ms(2);
        workflow_figures(f->workflow, &a);
        workflow_figures(second, &b);
    }
    workflow_stop(second);
    store_close(store);
    assert_int_equal(a.tasks_succeeded + b.tasks_succeeded, 24);
    assert_invariants(f, "run-1", 1);
    for (int i = 0; i < 24; i++) {
        char name[32];
        snprintf(name, sizeof name, "swan-t%d", i);
        assert_int_equal(scripted_calls(f->things, name, "apply"), 1);
    }
    assert_int_equal(count_events(f, "run-1", "task-resumed", NULL), 0);
}

/* Puts a lease of a server that is not there on every task that can be taken. */
static enum err_code steal_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct store_value args[] = {STORE_V_INT(*(int64_t *)ctx)};
    return store_exec(tx,
                      "UPDATE workflow_tasks SET lease_owner = 'gone', lease_until = $1,"
                      " lease_epoch = lease_epoch + 1 WHERE ready = 1",
                      args, 1, NULL, err);
}

static void test_the_lease_of_a_dead_server_lapses_and_another_takes_over(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "hang=1");
    submit(f, "run-1");
    start(f, "one");
    wait_task(f, "run-1", "a", RUN_TASK_DOING);
    int64_t until = clock_now_ms() + 300;
    assert_ok(f, store_write(f->store, steal_body, &until, &f->err));
    /* Its own worker finds out, lets go, and the task comes back when "gone" does not renew. */
    int64_t begin = clock_mono_ms();
    struct workflow_figures figures = {0};
    while (figures.leases_taken_over == 0 && clock_mono_ms() - begin < 10000) {
        clock_sleep_ms(5);
        workflow_figures(f->workflow, &figures);
    }
    assert_int_equal(figures.leases_taken_over, 1);
    cancel(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_CANCELLED);
    assert_true(count_events(f, "run-1", "task-resumed", "a") >= 1);
    assert_invariants(f, "run-1", 1);
}

static void test_a_worker_that_lost_its_lease_writes_nothing(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "slow=150");
    submit(f, "run-1");
    start(f, "one");
    wait_task(f, "run-1", "a", RUN_TASK_DOING);
    int64_t until = clock_now_ms() + 600;
    assert_ok(f, store_write(f->store, steal_body, &until, &f->err));
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    assert_true(status.ended_at >= until);
    assert_int_equal(count_events(f, "run-1", "task-done", "a"), 1);
    assert_int_equal(count_events(f, "run-1", "task-verified", "a"), 1);
    assert_invariants(f, "run-1", 1);
}

static void test_a_step_under_an_older_lease_of_the_same_name_is_refused(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "hang=1");
    submit(f, "run-1");
    start(f, "one");
    wait_task(f, "run-1", "a", RUN_TASK_DOING);
    char run_id[] = "run-1";
    struct workflow_job job = {.workflow = f->workflow, .run_id = run_id, .epoch = 0};
    atomic_store(&job.deadline, INT64_MAX);
    assert_ok(f, workflow_plans_get(f->workflow->plans, f->store, run_id, &job.plan, &f->err));
    struct workflow_step step = {.job = &job, .kind = STEP_DONE};
    assert_int_equal(workflow_step_journal(&step, &f->err), ERR_PRECONDITION);
    workflow_step_release(&job);
    workflow_plans_put(f->workflow->plans, job.plan);
    struct run_status status;
    view(f, "run-1", &status);
    assert_int_equal(task_of(&status, "a")->state, RUN_TASK_DOING);
    assert_null(task_of(&status, "a")->wait_reason); /* its lease is on it still */
    cancel(f, "run-1");
    wait_end(f, "run-1");
}

static void test_cancel_on_one_server_reaches_the_other(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    struct workflow *other = NULL;
    add_task(f, "a", NULL, "hang=1");
    assert_ok(f, store_open(f->address, &store, &f->err));
    struct workflow_options options = options_of(store, "two");
    assert_ok(f, workflow_start(&options, &other, &f->err));
    submit(f, "run-1");
    wait_task(f, "run-1", "a", RUN_TASK_DOING);
    cancel(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_CANCELLED);
    workflow_stop(other);
    store_close(store);
}

const struct CMUnitTest share_tests[] = {
    WORKFLOW_TEST(test_two_instances_share_the_work_without_doubling),
    WORKFLOW_TEST(test_the_lease_of_a_dead_server_lapses_and_another_takes_over),
    WORKFLOW_TEST(test_a_worker_that_lost_its_lease_writes_nothing),
    WORKFLOW_TEST(test_a_step_under_an_older_lease_of_the_same_name_is_refused),
    WORKFLOW_TEST(test_cancel_on_one_server_reaches_the_other),
};
const size_t share_test_count = ARRAY_LEN(share_tests);
