/* test_runs.c - single runs: order, retries, failure, undo, cancel, removal, what is told. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static void test_a_run_keeps_the_order_of_its_plan_and_ends_succeeded(void **state)
{
    struct fixture *f = *state;
    add_task(f, "deliver", NULL, NULL);
    add_task(f, "start-0", "deliver", "slow=20");
    add_task(f, "start-1", "deliver", NULL);
    add_task(f, "check-0", "start-0", NULL)->kind = TASK_CHECK;
    add_task(f, "address", "start-0 start-1", NULL);
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    assert_invariants(f, "run-1", 1);
    assert_int_equal(scripted_all_there(f->things), 4);
    assert_true(status.progress == 1 && status.eta_s == 0);
    assert_string_equal(status.owner, "one");
    const struct run_task *task = task_of(&status, "start-0");
    assert_int_equal(task->attempt, 1);
    assert_string_equal(task->result->ref, "swan-start-0.g1");
    assert_string_equal(task->result->url, "http://192.0.2.1/"); /* from verify */
    assert_string_equal(task->key, "swan-start-0");
    assert_true(task->queued_at && task->eligible_at && task->started_at && task->ended_at);
    assert_true(find_event(f, "run-1", "task-doing", "deliver", 0) <
                find_event(f, "run-1", "task-done", "deliver", 0));
    assert_true(find_event(f, "run-1", "task-done", "deliver", 0) <
                find_event(f, "run-1", "task-verified", "deliver", 0));
    assert_int_equal(count_events(f, "run-1", "run-started", NULL), 1);
    assert_int_equal(count_events(f, "run-1", "run-succeeded", NULL), 1);
}

static void test_the_record_of_a_run_is_small_and_the_view_has_its_tasks(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    start(f, "one");
    submit(f, "run-1");
    struct run_status whole = wait_end(f, "run-1"), record;
    struct store_tx *tx = NULL;
    struct store_record stored;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_get(tx, "runs", "run-1", &stored, &f->arena, &f->err));
    assert_ok(f, json_decode(stored.status, strlen(stored.status), &run_status_table, NULL, &record,
                             &f->arena, &f->err));
    assert_int_equal(workflow_view(tx, "none", &record, &f->arena, &f->err), ERR_NOT_FOUND);
    store_rollback(tx);
    assert_string_equal(stored.tenant, "t1");
    assert_int_equal(record.tasks.count, 0);
    assert_int_equal(whole.tasks.count, 1);
    assert_int_equal(record.state, whole.state);
    assert_int_equal(record.tasks_done, 1);
}

static void test_an_empty_plan_succeeds_at_once(void **state)
{
    struct fixture *f = *state;
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
}

static void test_what_may_pass_is_tried_again(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "apply=transient*2/half");
    add_task(f, "b", "a", "check=timeout*1");
    add_task(f, "c", "b", "verify=transient*3");
    add_task(f, "d", "c", "apply=rate*1");
    add_task(f, "e", "d", "apply=io*4");
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    assert_invariants(f, "run-1", 1);
    assert_int_equal(task_of(&status, "a")->attempt, 3);
    assert_int_equal(task_of(&status, "b")->attempt, 2);
    assert_int_equal(task_of(&status, "c")->attempt, 1);
    assert_int_equal(task_of(&status, "e")->attempt, 5);
    assert_null(task_of(&status, "a")->error_text);
    assert_int_equal(count_events(f, "run-1", "task-retry", "a"), 2);
    struct workflow_figures figures = {0};
    /* Counted after the commit that the view has seen. */
    for (int tries = 0; tries < 1000 && figures.tasks_succeeded < 5; tries++) {
        clock_sleep_ms(2);
        workflow_figures(f->workflow, &figures);
    }
    assert_int_equal(figures.tasks_succeeded, 5);
    assert_int_equal(figures.tasks_retried, 2 + 1 + 1 + 4);
}

static void test_a_failure_for_good_undoes_everything_in_reverse_order(void **state)
{
    struct fixture *f = *state;
    static const char *const codes[] = {"capacity", "quota", "policy", "invalid", "credential"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        char script[64], run[32];
        snprintf(script, sizeof script, "apply=%s/half", codes[i]);
        snprintf(run, sizeof run, "run-%zu", i);
        f->plan = (struct plan){0};
        add_task(f, arena_printf(&f->arena, "a%zu", i), NULL, "undo=transient*2");
        add_task(f, arena_printf(&f->arena, "b%zu", i), f->plan.tasks.items[0].id, NULL);
        add_task(f, arena_printf(&f->arena, "c%zu", i), f->plan.tasks.items[1].id, NULL)->kind =
            TASK_CHECK;
        add_task(f, arena_printf(&f->arena, "d%zu", i), f->plan.tasks.items[2].id, script);
        add_task(f, arena_printf(&f->arena, "e%zu", i), f->plan.tasks.items[3].id, NULL);
        if (!f->workflow)
            start(f, "one");
        submit(f, run);
        struct run_status status = wait_end(f, run);
        assert_int_equal(status.state, RUN_FAILED);
        assert_invariants(f, run, 1);
        assert_int_equal(scripted_all_there(f->things), 0);
        assert_string_equal(status.error_code, codes[i]);
        assert_int_equal(status.tasks_failed, 1);
        assert_int_equal(status.tasks.items[0].state, RUN_TASK_UNDONE);
        assert_int_equal(status.tasks.items[2].state, RUN_TASK_UNDONE);
        assert_int_equal(status.tasks.items[3].state, RUN_TASK_UNDONE);
        assert_int_equal(status.tasks.items[4].state, RUN_TASK_SKIPPED);
        assert_int_equal(status.tasks.items[3].attempt, 1);
        assert_string_equal(status.tasks.items[3].error_code, codes[i]);
        assert_string_equal(status.tasks.items[3].error_class,
                            err_info(err_code_by_name(codes[i]))->class);
        assert_int_equal(count_events(f, run, "task-failed", NULL), 1);
    }
}

static void test_retries_end_and_a_transient_failure_becomes_final(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "apply=transient");
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_FAILED);
    assert_int_equal(task_of(&status, "b")->attempt, 5);
    assert_int_equal(scripted_all_there(f->things), 0);
    assert_invariants(f, "run-1", 1);
}

static void test_what_cannot_be_undone_is_named_and_the_rest_is_undone(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "undo=policy");
    add_task(f, "c", "b", "apply=capacity");
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_PARTLY);
    assert_non_null(strstr(status.error_text, "left behind: swan-b at site"));
    assert_string_equal(status.error_code, "capacity");
    assert_int_equal(task_of(&status, "a")->state, RUN_TASK_UNDONE);
    assert_int_equal(task_of(&status, "b")->state, RUN_TASK_FAILED);
    assert_non_null(strstr(task_of(&status, "b")->error_text, "could not be removed"));
    assert_int_equal(scripted_all_there(f->things), 1);
    assert_invariants(f, "run-1", 1);
}

static void test_what_never_answers_fails_after_the_verify_timeout(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "verify=transient");
    struct workflow_options options = options_of(f->store, "one");
    options.verify_timeout_ms = 200;
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_FAILED);
    assert_string_equal(status.error_code, "timeout");
    assert_non_null(strstr(status.error_text, "scripted verify"));
    assert_int_equal(task_of(&status, "a")->attempt, 1);
    assert_int_equal(scripted_all_there(f->things), 0);
}

static void test_a_check_is_asked_until_it_is_true_and_never_made(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "apply=policy verify=transient*12")->kind = TASK_CHECK;
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    assert_int_equal(task_of(&status, "b")->attempt, 1);
    assert_int_equal(scripted_calls(f->things, "swan-b", "apply"), 0);
    assert_int_equal(scripted_calls(f->things, "swan-b", "verify"), 13);
}

static void test_a_long_verify_leaves_the_worker_to_others(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "verify=transient");
    add_task(f, "b", NULL, NULL);
    struct workflow_options options = options_of(f->store, "one");
    options.workers = 1;
    options.verify_timeout_ms = 4000;
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
    submit(f, "run-1");
    wait_task(f, "run-1", "b", RUN_TASK_SUCCEEDED);
    struct run_status status;
    view(f, "run-1", &status);
    assert_int_equal(task_of(&status, "a")->state, RUN_TASK_VERIFYING);
    assert_int_equal(wait_end(f, "run-1").state, RUN_FAILED);
}

static void test_cancel_ends_a_hanging_call_and_undoes_the_rest(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "hang=1");
    add_task(f, "c", "b", NULL);
    start(f, "one");
    submit(f, "run-1");
    wait_task(f, "run-1", "b", RUN_TASK_DOING);
    cancel(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_CANCELLED);
    assert_string_equal(status.error_code, "cancelled");
    assert_int_equal(scripted_all_there(f->things), 0);
    assert_invariants(f, "run-1", 1);
    assert_int_equal(count_events(f, "run-1", "run-cancel", NULL), 1);
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(workflow_cancel(tx, "run-1", &actor, &f->err), ERR_CONFLICT);
    assert_int_equal(workflow_cancel(tx, "run-2", &actor, &f->err), ERR_NOT_FOUND);
    store_rollback(tx);
}

static void test_a_run_cancelled_before_it_started_makes_nothing(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    submit(f, "run-1");
    cancel(f, "run-1");
    cancel(f, "run-1");
    start(f, "one");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_CANCELLED);
    assert_int_equal(scripted_made(f->things, "swan-a"), 0);
    assert_int_equal(task_of(&status, "a")->state, RUN_TASK_SKIPPED);
    assert_int_equal(count_events(f, "run-1", "run-cancel", NULL), 1);
}

static void test_a_failure_stops_what_is_under_way_beside_it(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "hang=1");
    add_task(f, "b", NULL, "slow=50 apply=transient*1");
    add_task(f, "c", "b", "apply=capacity");
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_FAILED);
    assert_invariants(f, "run-1", 1);
}

static void test_an_unknown_provider_fails_without_an_undo(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", NULL)->provider = "nobody";
    start(f, "one");
    submit(f, "run-1");
    struct run_status status = wait_end(f, "run-1");
    assert_int_equal(status.state, RUN_FAILED);
    assert_string_equal(status.error_code, "unsupported");
    assert_int_equal(task_of(&status, "b")->state, RUN_TASK_FAILED);
    assert_invariants(f, "run-1", 1);
}

static void test_a_plan_that_removes_takes_away_in_its_order(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", NULL);
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
    f->plan = (struct plan){.purpose = "remove"};
    add_task(f, "b", NULL, "undo=transient*3");
    add_task(f, "a", "b", NULL);
    add_task(f, "never-made", NULL, NULL);
    submit(f, "run-2");
    struct run_status status = wait_end(f, "run-2");
    assert_int_equal(status.state, RUN_SUCCEEDED);
    assert_int_equal(scripted_all_there(f->things), 0);
    assert_int_equal(status.tasks_done, 3);
    assert_int_equal(task_of(&status, "b")->state, RUN_TASK_UNDONE);
    assert_int_equal(task_of(&status, "b")->attempt, 4);
    assert_true(find_event(f, "run-2", "task-undone", "b", 0) <
                find_event(f, "run-2", "task-undoing", "a", 0));
}

static void test_a_removal_that_fails_says_what_is_left(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", NULL, NULL);
    add_task(f, "c", NULL, NULL);
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
    f->plan = (struct plan){.purpose = "remove"};
    add_task(f, "a", NULL, "undo=policy");
    add_task(f, "b", NULL, NULL);
    add_task(f, "c", "a", NULL);
    submit(f, "run-2");
    struct run_status status = wait_end(f, "run-2");
    assert_int_equal(status.state, RUN_PARTLY);
    assert_non_null(strstr(status.error_text, "left behind: swan-a at site"));
    assert_int_equal(task_of(&status, "b")->state, RUN_TASK_UNDONE);
    assert_int_equal(task_of(&status, "c")->state, RUN_TASK_SKIPPED);
    assert_int_equal(scripted_there(f->things, "swan-b"), 0);
    assert_int_equal(scripted_there(f->things, "swan-c"), 1);
}

static void test_a_cancelled_removal_stops_before_its_next_task(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", NULL, NULL);
    start(f, "one");
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
    f->plan = (struct plan){.purpose = "remove"};
    add_task(f, "a", NULL, "undo=transient*6");
    add_task(f, "b", "a", NULL);
    submit(f, "run-2");
    while (scripted_calls(f->things, "swan-a", "undo") < 1)
        store_follow(f->store, 0, 1, NULL);
    cancel(f, "run-2");
    struct run_status status = wait_end(f, "run-2");
    assert_int_equal(status.state, RUN_CANCELLED);
    assert_int_equal(task_of(&status, "a")->state, RUN_TASK_UNDONE);
    assert_int_equal(task_of(&status, "b")->state, RUN_TASK_SKIPPED);
    assert_int_equal(scripted_there(f->things, "swan-b"), 1);
}

static void test_every_wait_has_a_reason(void **state)
{
    struct fixture *f = *state;
    struct run_status status;
    add_task(f, "a", NULL, "hang=1");
    add_task(f, "b", "a", NULL);
    add_task(f, "c", "a b", NULL);
    submit(f, "run-1");
    view(f, "run-1", &status);
    assert_string_equal(task_of(&status, "b")->wait_reason, "after a");
    assert_string_equal(task_of(&status, "c")->wait_reason, "after a, b");
    assert_true(status.eta_s > 2.9);
    start(f, "one");
    wait_task(f, "run-1", "a", RUN_TASK_DOING);
    view(f, "run-1", &status);
    assert_null(task_of(&status, "a")->wait_reason);
    assert_true(status.eta_s < 3);
    cancel(f, "run-1");
    wait_end(f, "run-1");
}

static void test_a_retry_says_when_and_why(void **state)
{
    struct fixture *f = *state;
    struct run_status status;
    add_task(f, "a", NULL, "apply=transient*1");
    struct workflow_options options = options_of(f->store, "one");
    options.backoff_ms = 1000;
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
    submit(f, "run-1");
    while (scripted_calls(f->things, "swan-a", "apply") < 1)
        store_follow(f->store, 0, 10, NULL);
    wait_task(f, "run-1", "a", RUN_TASK_WAITING);
    view(f, "run-1", &status);
    assert_non_null(strstr(task_of(&status, "a")->wait_reason, "retry at 2"));
    assert_non_null(strstr(task_of(&status, "a")->wait_reason, "scripted apply"));
    assert_string_equal(task_of(&status, "a")->error_class, "transient");
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
}

static void test_a_site_is_given_eight_tasks_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct run_status status;
    for (int i = 0; i < 12; i++)
        add_task(f, arena_printf(&f->arena, "t%d", i), NULL, "hang=1");
    add_task(f, "elsewhere", NULL, NULL)->site = "other";
    struct workflow_options options = options_of(f->store, "one");
    options.workers = 20;
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
    submit(f, "run-1");
    wait_task(f, "run-1", "elsewhere", RUN_TASK_SUCCEEDED);
    int doing = 0;
    for (int tries = 0; tries < 1000 && doing < WORKFLOW_SITE_TASKS; tries++) {
        doing = 0;
        view(f, "run-1", &status);
        for (size_t i = 0; i < status.tasks.count; i++)
            doing += status.tasks.items[i].state == RUN_TASK_DOING;
        clock_sleep_ms(2);
    }
    assert_int_equal(doing, WORKFLOW_SITE_TASKS);
    const char *reason = NULL;
    for (size_t i = 0; i < status.tasks.count; i++)
        if (status.tasks.items[i].state == RUN_TASK_ELIGIBLE)
            reason = status.tasks.items[i].wait_reason;
    assert_string_equal(reason, "site site has 8 tasks under way, its most");
    struct workflow_figures figures;
    workflow_figures(f->workflow, &figures);
    assert_int_equal(figures.tasks_active, 8);
    assert_int_equal(figures.runs_active, 1);
    cancel(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_CANCELLED);
    assert_invariants(f, "run-1", 1);
}

static void test_progress_is_told_now_and_then(void **state)
{
    struct fixture *f = *state;
    add_task(f, "a", NULL, "slow=1000");
    start(f, "one");
    submit(f, "run-1");
    wait_end(f, "run-1");
    int told = count_events(f, "run-1", "task-progress", "a");
    if (told < 1 || told > 4)
        fail_msg("told %d times", told);
}

static void test_a_changed_plan_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    f->plan.deployment = "dep-1";
    f->plan.purpose = "open";
    struct plan_task *task = add_task(f, "a", NULL, NULL);
    plan_seal(&f->plan, &f->arena);
    task->spec.instance = 7;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(workflow_submit(tx, "run-1", "pln", &f->plan, &actor, &f->err),
                     ERR_PRECONDITION);
    *LIST_ADD(&f->arena, &task->after) = "nobody";
    plan_seal(&f->plan, &f->arena);
    assert_int_equal(workflow_submit(tx, "run-1", "pln", &f->plan, &actor, &f->err), ERR_INVALID);
    task->after.items[0] = "a";
    plan_seal(&f->plan, &f->arena);
    assert_int_equal(workflow_submit(tx, "run-1", "pln", &f->plan, &actor, &f->err), ERR_INVALID);
    f->plan.purpose = "admire";
    task->after.count = 0;
    plan_seal(&f->plan, &f->arena);
    assert_int_equal(workflow_submit(tx, "run-1", "pln", &f->plan, &actor, &f->err), ERR_INVALID);
    store_rollback(tx);
}

/* ---- hooks ---- */

struct hooks {
    int tasks, runs, refuse;
    int64_t run_tasks;
};

static enum err_code on_task(void *ctx, struct store_tx *tx, const char *run_id,
                             const struct run_spec *spec, const struct plan_task *task,
                             const struct run_task *state, struct err *err)
{
    struct hooks *hooks = ctx;
    assert_string_equal(spec->deployment, "dep-1");
    assert_string_equal(task->id, state->id);
    if (hooks->refuse-- > 0)
        return err_set(err, ERR_TRANSIENT, "the hook refuses");
    hooks->tasks++;
    return store_append(tx, "deployments", "dep-1", run_id, NULL, &actor, NULL, err);
}

static enum err_code on_run(void *ctx, struct store_tx *tx, const char *run_id,
                            const struct run_spec *spec, const struct run_status *status,
                            struct err *err)
{
    struct hooks *hooks = ctx;
    (void)tx;
    (void)run_id;
    (void)spec;
    (void)err;
    hooks->runs++;
    hooks->run_tasks = (int64_t)status->tasks.count;
    return ERR_OK;
}

static void test_hooks_share_the_transaction_and_may_refuse_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct hooks hooks = {.refuse = 3};
    add_task(f, "a", NULL, NULL);
    add_task(f, "b", "a", "apply=capacity");
    struct workflow_options options = options_of(f->store, "one");
    options.workers = 1;
    options.on_task = on_task;
    options.on_run = on_run;
    options.ctx = &hooks;
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
    submit(f, "run-1");
    assert_int_equal(wait_end(f, "run-1").state, RUN_FAILED);
    stop(f);
    assert_int_equal(hooks.tasks, 4); /* a succeeded, b failed, b undone, a undone */
    assert_int_equal(hooks.runs, 1);
    assert_int_equal(hooks.run_tasks, 2);
    assert_int_equal(count_events(f, "run-1", "task-verified", "a"), 1);
    assert_invariants(f, "run-1", 1);
}

/* ---- start and stop ---- */

static void test_stop_gives_leases_back_and_a_start_goes_on(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 12; i++)
        add_task(f, arena_printf(&f->arena, "t%d", i), i ? f->plan.tasks.items[i - 1].id : NULL,
                 "slow=15");
    submit(f, "run-1");
    for (int round = 0; round < 4; round++) {
        start(f, "one");
        clock_sleep_ms(20 * round);
        stop(f);
    }
    start(f, "two");
    int64_t begin = clock_mono_ms();
    assert_int_equal(wait_end(f, "run-1").state, RUN_SUCCEEDED);
    assert_true(clock_mono_ms() - begin < 1400); /* not by waiting for a lease to lapse */
    assert_invariants(f, "run-1", 1);
}

static void test_with_nothing_to_do_it_sleeps(void **state)
{
    struct fixture *f = *state;
    struct rusage before, after;
    start(f, "one");
    clock_sleep_ms(200);
    getrusage(RUSAGE_SELF, &before);
    clock_sleep_ms(1500);
    getrusage(RUSAGE_SELF, &after);
    int64_t used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                   (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
                   (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
                   (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    if (used > 30000)
        fail_msg("%lld µs in 1.5 s", (long long)used);
}

const struct CMUnitTest run_tests[] = {
    WORKFLOW_TEST(test_a_run_keeps_the_order_of_its_plan_and_ends_succeeded),
    WORKFLOW_TEST(test_the_record_of_a_run_is_small_and_the_view_has_its_tasks),
    WORKFLOW_TEST(test_an_empty_plan_succeeds_at_once),
    WORKFLOW_TEST(test_what_may_pass_is_tried_again),
    WORKFLOW_TEST(test_a_failure_for_good_undoes_everything_in_reverse_order),
    WORKFLOW_TEST(test_retries_end_and_a_transient_failure_becomes_final),
    WORKFLOW_TEST(test_what_cannot_be_undone_is_named_and_the_rest_is_undone),
    WORKFLOW_TEST(test_what_never_answers_fails_after_the_verify_timeout),
    WORKFLOW_TEST(test_a_check_is_asked_until_it_is_true_and_never_made),
    WORKFLOW_TEST(test_a_long_verify_leaves_the_worker_to_others),
    WORKFLOW_TEST(test_cancel_ends_a_hanging_call_and_undoes_the_rest),
    WORKFLOW_TEST(test_a_run_cancelled_before_it_started_makes_nothing),
    WORKFLOW_TEST(test_a_failure_stops_what_is_under_way_beside_it),
    WORKFLOW_TEST(test_an_unknown_provider_fails_without_an_undo),
    WORKFLOW_TEST(test_a_plan_that_removes_takes_away_in_its_order),
    WORKFLOW_TEST(test_a_removal_that_fails_says_what_is_left),
    WORKFLOW_TEST(test_a_cancelled_removal_stops_before_its_next_task),
    WORKFLOW_TEST(test_every_wait_has_a_reason),
    WORKFLOW_TEST(test_a_retry_says_when_and_why),
    WORKFLOW_TEST(test_a_site_is_given_eight_tasks_at_a_time),
    WORKFLOW_TEST(test_progress_is_told_now_and_then),
    WORKFLOW_TEST(test_a_changed_plan_is_not_taken),
    WORKFLOW_TEST(test_hooks_share_the_transaction_and_may_refuse_for_a_while),
    WORKFLOW_TEST(test_stop_gives_leases_back_and_a_start_goes_on),
    WORKFLOW_TEST(test_with_nothing_to_do_it_sleeps),
};
const size_t run_test_count = ARRAY_LEN(run_tests);
