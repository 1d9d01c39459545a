/* fixture.c - setting up, making plans, asking what happened. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fresh_schema.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

#define WAIT_MOST_MS 30000
#define EVENTS_MOST 1000

bool on_postgres;
const struct store_actor actor = {.user = "tester", .tenant = "t1", .request = "req-1"};
static const struct provider_ops *const providers[] = {&scripted_provider};
static const struct provider_set provider_set = {providers, 1};
static const struct provider_host provider_host;

void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line)
{
    if (rc != ERR_OK) {
        print_error("%s: %s: %s\n", what, err_info(rc)->name, err->text);
        _fail(file, line);
    }
}

int fixture_open(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    char calls[96];
    *state = f;
    f->retry_ms = 2;
    snprintf(f->folder, sizeof f->folder, "/tmp/swan-workflow.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->things, sizeof f->things, "%s/things", f->folder);
    snprintf(calls, sizeof calls, "%s/calls", f->things);
    assert_ok(f, file_make_dirs(calls, 0700, &f->err));
    if (on_postgres)
        assert_ok(f, fresh_schema(f->address, &f->err));
    else
        snprintf(f->address, sizeof f->address, "sqlite:%s/swan.db", f->folder);
    assert_ok(f, store_open(f->address, &f->store, &f->err));
    assert_ok(f, store_migrate(f->store, &workflow_store_module, 1, &f->err));
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    fault_disarm();
    stop(f);
    store_close(f->store);
    arena_done(&f->arena);
    assert_ok(f, file_remove_tree(f->folder, &f->err));
    mem_free(f);
    return 0;
}

struct workflow_options options_of(struct store *store, const char *instance)
{
    return (struct workflow_options){.store = store,
                                     .providers = &provider_set,
                                     .host = &provider_host,
                                     .instance = instance,
                                     .workers = 4,
                                     .lease_ms = 1500,
                                     .backoff_ms = 2,
                                     .verify_timeout_ms = 3000};
}

void start(struct fixture *f, const char *instance)
{
    struct workflow_options options = options_of(f->store, instance);
    assert_ok(f, workflow_start(&options, &f->workflow, &f->err));
}

void stop(struct fixture *f)
{
    workflow_stop(f->workflow);
    f->workflow = NULL;
}

/* ---- plans ---- */

static void add_words(struct fixture *f, struct plan_task *task, const char *after)
{
    char *text = arena_strdup(&f->arena, after), *save = NULL;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        *LIST_ADD(&f->arena, &task->after) = word;
}

struct plan_task *add_task(struct fixture *f, const char *id, const char *after, const char *text)
{
    struct plan_task *task = LIST_ADD(&f->arena, &f->plan.tasks);
    task->id = arena_strdup(&f->arena, id);
    task->kind = TASK_INSTANCE;
    task->site = "site";
    task->provider = "scripted";
    task->endpoint = f->things;
    task->estimate_s = 1;
    task->spec.name = arena_printf(&f->arena, "swan-%s", id);
    add_words(f, task, after ? after : "");
    char *copy = arena_strdup(&f->arena, text ? text : ""), *save = NULL;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *sign = strchr(word, '=');
        *sign = '\0';
        *LIST_ADD(&f->arena, &task->spec.environment) = (struct json_string_pair){word, sign + 1};
    }
    return task;
}

struct submission {
    struct fixture *f;
    const char *run_id;
};

static enum err_code submit_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct submission *s = ctx;
    return workflow_submit(tx, s->run_id, "pln-1", &s->f->plan, &actor, err);
}

void submit(struct fixture *f, const char *run_id)
{
    f->plan.deployment = "dep-1";
    if (!f->plan.purpose)
        f->plan.purpose = "open";
    plan_seal(&f->plan, &f->arena);
    assert_ok(f, store_write(f->store, submit_body, &(struct submission){f, run_id}, &f->err));
    if (f->workflow)
        workflow_wake(f->workflow);
}

static enum err_code cancel_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return workflow_cancel(tx, ctx, &actor, err);
}

void cancel(struct fixture *f, const char *run_id)
{
    assert_ok(f, store_write(f->store, cancel_body, (void *)(uintptr_t)run_id, &f->err));
    if (f->workflow)
        workflow_wake(f->workflow);
}

/* ---- what happened ---- */

void view(struct fixture *f, const char *run_id, struct run_status *out)
{
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, workflow_view(tx, run_id, out, &f->arena, &f->err));
    store_rollback(tx);
}

const struct run_task *task_of(const struct run_status *status, const char *id)
{
    for (size_t i = 0; i < status->tasks.count; i++)
        if (str_eq(status->tasks.items[i].id, id))
            return &status->tasks.items[i];
    fail_msg("no task '%s'", id);
    return NULL;
}

static bool has_ended(int state)
{
    return state >= RUN_SUCCEEDED;
}

static int64_t position(struct fixture *f)
{
    struct store_tx *tx = NULL;
    int64_t at = 0;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_position(tx, &at, &f->err));
    store_rollback(tx);
    return at;
}

struct run_status wait_end(struct fixture *f, const char *run_id)
{
    struct run_status status;
    int64_t until = clock_mono_ms() + WAIT_MOST_MS;
    for (;;) {
        int64_t at = position(f);
        view(f, run_id, &status);
        if (has_ended(status.state))
            return status;
        if (clock_mono_ms() > until) {
            for (size_t i = 0; i < status.tasks.count; i++)
                print_error("%s %s %s\n", status.tasks.items[i].id,
                            run_task_state_names[status.tasks.items[i].state],
                            status.tasks.items[i].wait_reason ? status.tasks.items[i].wait_reason
                                                              : "");
            fail_msg("run %s is still %s", run_id, run_state_names[status.state]);
        }
        store_follow(f->store, at, 200, NULL);
    }
}

void wait_task(struct fixture *f, const char *run_id, const char *task, int state)
{
    struct run_status status;
    int64_t until = clock_mono_ms() + WAIT_MOST_MS;
    for (;;) {
        int64_t at = position(f);
        view(f, run_id, &status);
        if (task_of(&status, task)->state == state)
            return;
        if (clock_mono_ms() > until || has_ended(status.state))
            fail_msg("task %s is %s", task, run_task_state_names[task_of(&status, task)->state]);
        store_follow(f->store, at, 200, NULL);
    }
}

static size_t read_events(struct fixture *f, const char *run_id, struct store_event **out)
{
    struct store_tx *tx = NULL;
    size_t count = 0;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(
        f, store_events(tx, 0, "runs", run_id, NULL, EVENTS_MOST, out, &count, &f->arena, &f->err));
    store_rollback(tx);
    assert_true(count < EVENTS_MOST);
    return count;
}

static bool is_about(struct fixture *f, const struct store_event *event, const char *task)
{
    struct run_task body;
    if (!task)
        return true;
    return event->body && str_has_prefix(event->event, "task-") &&
           !json_decode(event->body, strlen(event->body), &run_task_table, NULL, &body, &f->arena,
                        &f->err) &&
           str_eq(body.id, task);
}

int64_t find_event(struct fixture *f, const char *run_id, const char *event, const char *task,
                   int n)
{
    struct store_event *events;
    size_t count = read_events(f, run_id, &events);
    for (size_t i = 0; i < count; i++)
        if (str_eq(events[i].event, event) && is_about(f, &events[i], task) && n-- == 0)
            return (int64_t)i;
    return -1;
}

int count_events(struct fixture *f, const char *run_id, const char *event, const char *task)
{
    int count = 0;
    while (find_event(f, run_id, event, task, count) >= 0)
        count++;
    return count;
}

/* One reading of the journal, told by task. */
struct history {
    int64_t doing, verified, undoing, undone;
    int makes;
};

static void read_history(struct fixture *f, const char *run_id, struct history *histories)
{
    struct store_event *events;
    size_t count = read_events(f, run_id, &events);
    for (size_t i = 0; i < count; i++) {
        struct run_task body;
        if (!events[i].body || !str_has_prefix(events[i].event, "task-"))
            continue;
        assert_ok(f, json_decode(events[i].body, strlen(events[i].body), &run_task_table, NULL,
                                 &body, &f->arena, &f->err));
        size_t t = 0;
        while (!str_eq(f->plan.tasks.items[t].id, body.id))
            t++;
        struct history *h = &histories[t];
        int64_t at = (int64_t)i + 1;
        if (str_eq(events[i].event, "task-doing") && !h->doing)
            h->doing = at;
        if (str_eq(events[i].event, "task-verified"))
            h->verified = at;
        if (str_eq(events[i].event, "task-undone"))
            h->undone = at;
        if (body.state == RUN_TASK_WAITING || body.state == RUN_TASK_UNDOING)
            assert_true(body.wait_reason || str_eq(events[i].event, "task-undoing"));
    }
}

void assert_invariants(struct fixture *f, const char *run_id, int most_made)
{
    struct run_status status;
    size_t count = f->plan.tasks.count;
    struct history *histories = arena_array(&f->arena, count, sizeof *histories);
    view(f, run_id, &status);
    read_history(f, run_id, histories);
    assert_true(has_ended(status.state));
    assert_int_equal(status.tasks_total, count);
    int left = 0, done = 0;
    for (size_t i = 0; i < count; i++) {
        const struct plan_task *task = &f->plan.tasks.items[i];
        const struct run_task *state = &status.tasks.items[i];
        const char *name = task->spec.name;
        int there = scripted_there(f->things, name);
        assert_true(there <= 1);
        if (scripted_made(f->things, name) > most_made)
            fail_msg("%s was made %d times", name, scripted_made(f->things, name));
        left += there;
        done += state->state == RUN_TASK_SUCCEEDED;
        assert_null(state->wait_reason);
        assert_true(state->state == RUN_TASK_SUCCEEDED || state->state == RUN_TASK_FAILED ||
                    state->state == RUN_TASK_UNDONE || state->state == RUN_TASK_SKIPPED);
        if (state->state == RUN_TASK_SUCCEEDED && task->kind != TASK_CHECK)
            assert_int_equal(there, 1);
        if (state->state == RUN_TASK_UNDONE || state->state == RUN_TASK_SKIPPED)
            assert_int_equal(there, 0);
        for (size_t j = 0; j < task->after.count; j++) {
            size_t b = 0;
            while (!str_eq(f->plan.tasks.items[b].id, task->after.items[j]))
                b++;
            if (histories[i].doing)
                assert_true(histories[b].verified && histories[b].verified < histories[i].doing);
            if (histories[b].undone && histories[i].undone)
                assert_true(histories[i].undone < histories[b].undone);
        }
    }
    if (status.state == RUN_SUCCEEDED)
        assert_int_equal(done, count);
    else if (status.state != RUN_PARTLY)
        assert_int_equal(left, 0);
    else
        assert_true(status.error_text && strstr(status.error_text, "left behind"));
    if (status.state == RUN_FAILED)
        assert_non_null(status.error_text);
    assert_int_equal(status.tasks_done, done);
    assert_true(status.ended_at >= status.queued_at);
}
