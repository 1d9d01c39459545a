/* workflow_step.c - the journal of one task: each step is one transaction on its run.
 *
 * Contract: a step happens only while the job's lease (owner and epoch) is on the task; otherwise
 * it is refused with ERR_PRECONDITION and nothing changes, so a worker that was taken for dead
 * cannot write over its successor.  A step that was committed although the answer was lost is
 * recognised when it is tried again.  While the store fails, a step is tried again until the lease
 * has lapsed: the effect has happened, and only the journal is behind. */
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define STORE_PAUSE_FIRST_MS 20
#define STORE_PAUSE_MOST_MS 1000
#define STORE_TRIES_MOST 30 /* with these pauses about 25 s: longer than a lease by default */

static double random_share(void)
{
    uint32_t bits;
    id_random(&bits, sizeof bits);
    return (double)bits / 4294967296.0;
}

static void take_cause(struct workflow_change *change, struct run_task *task,
                       const struct err *cause)
{
    const struct err_info *info = err_info(cause->code);
    task->error_code = info->name;
    task->error_class = info->class;
    task->error_text = arena_strdup(change->arena, cause->text);
    task->error_hint = cause->hint[0] ? arena_strdup(change->arena, cause->hint) : NULL;
}

static const char *retry_text(struct workflow_change *change, int64_t at, const struct err *cause)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at, text);
    return arena_printf(change->arena, "retry at %s: %s", text, cause->text);
}

/* ---- results ---- */

static void merge_result(struct run_task *task, const struct plan_task_result *result,
                         struct arena *arena)
{
    if (!result)
        return;
    if (!task->result)
        task->result = arena_zalloc(arena, sizeof *task->result);
    struct plan_task_result *to = task->result;
    to->ref = result->ref ? result->ref : to->ref;
    to->address = result->address ? result->address : to->address;
    to->url = result->url ? result->url : to->url;
    to->note = result->note ? result->note : to->note;
    if (result->ports.count)
        to->ports.items = result->ports.items, to->ports.count = result->ports.count;
    if (result->details.count)
        to->details.items = result->details.items, to->details.count = result->details.count;
    to->simulated = to->simulated || result->simulated || task->simulated;
}

/* ---- the steps ---- */

static enum err_code start_run(struct workflow_change *change, struct err *err)
{
    if (change->status.state != RUN_QUEUED)
        return ERR_OK;
    change->status.started_at = change->now;
    return workflow_change_move_run(change, EVENT_START, "run-started", err);
}

static void start_task(struct workflow_change *change, struct run_task *task)
{
    if (!task->started_at)
        task->started_at = change->now;
    task->attempt++;
}

static enum err_code begin_doing(struct workflow_step *step, struct workflow_change *change,
                                 struct workflow_row *row, struct err *err)
{
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc || (rc = start_run(change, err)))
        return rc;
    start_task(change, task);
    if (change->plan->remove) {
        if ((rc = workflow_change_move(change, row, EVENT_UNDO, err)))
            return rc;
        row->made = true;
        step->mode = MODE_UNDO;
        return workflow_change_save(change, row, LEASE_KEEP, "task-undoing", err);
    }
    if ((rc = workflow_change_move(change, row, EVENT_DO, err)))
        return rc;
    /* From here on something may exist.  A check makes nothing, and nor does a provider that is not
     * there. */
    row->made = row->made || (task->kind != TASK_CHECK &&
                              provider_find(change->options->providers, task->provider));
    step->mode = MODE_DO;
    return workflow_change_save(change, row, LEASE_KEEP, "task-doing", err);
}

static enum err_code begin(struct workflow_step *step, struct workflow_change *change,
                           struct workflow_row *row, struct err *err)
{
    bool undoing = change->status.state == RUN_UNDOING;
    step->verify_since = row->verify_since;
    switch (row->state) {
    case RUN_TASK_WAITING:
    case RUN_TASK_ELIGIBLE:
        return begin_doing(step, change, row, err);
    case RUN_TASK_DOING:
        if (undoing)
            return workflow_settle_undo(change, row, LEASE_RELEASE, err);
        step->mode = MODE_DO;
        return workflow_change_save(change, row, LEASE_KEEP, "task-resumed", err);
    case RUN_TASK_VERIFYING:
        if (undoing)
            return workflow_settle_undo(change, row, LEASE_RELEASE, err);
        step->mode = MODE_VERIFY;
        return ERR_OK;
    case RUN_TASK_UNDOING:
        step->mode = MODE_UNDO;
        return ERR_OK;
    default:
        return err_set(err, ERR_PRECONDITION, "task has ended");
    }
}

static enum err_code done(struct workflow_step *step, struct workflow_change *change,
                          struct workflow_row *row, struct run_task *task, struct err *err)
{
    step->mode = MODE_VERIFY;
    step->verify_since = row->verify_since;
    if (row->state == RUN_TASK_VERIFYING)
        return ERR_OK; /* committed before, answer lost */
    merge_result(task, step->result, change->arena);
    if (change->status.state == RUN_UNDOING) {
        step->mode = MODE_NONE;
        return workflow_settle_undo(change, row, LEASE_RELEASE, err);
    }
    enum err_code rc = workflow_change_move(change, row, EVENT_DONE, err);
    if (rc)
        return rc;
    row->verify_since = step->verify_since = change->now;
    return workflow_change_save(change, row, LEASE_KEEP, "task-done", err);
}

static enum err_code verified(struct workflow_step *step, struct workflow_change *change,
                              struct workflow_row *row, struct run_task *task, struct err *err)
{
    merge_result(task, step->result, change->arena);
    if (change->status.state == RUN_UNDOING)
        return workflow_settle_undo(change, row, LEASE_RELEASE, err);
    enum err_code rc = workflow_change_move(change, row, EVENT_VERIFIED, err);
    if (rc)
        return rc;
    task->progress = 1;
    task->error_code = task->error_class = task->error_text = task->error_hint = NULL;
    change->tally.succeeded++;
    return workflow_change_end_task(change, row, LEASE_RELEASE, "task-verified", err);
}

static enum err_code park(struct workflow_step *step, struct workflow_change *change,
                          struct workflow_row *row, struct run_task *task, struct err *err)
{
    if (change->status.state == RUN_UNDOING)
        return workflow_settle_undo(change, row, LEASE_RELEASE, err);
    row->not_before = change->now + step->pause_ms;
    task->wait_reason = arena_printf(change->arena, "does not answer yet: %s", step->cause->text);
    return workflow_change_save(change, row, LEASE_RELEASE, NULL, err);
}

static enum err_code fail(struct workflow_step *step, struct workflow_change *change,
                          struct workflow_row *row, struct run_task *task, struct err *err)
{
    const struct workflow_options *options = change->options;
    if (change->status.state == RUN_UNDOING)
        return workflow_settle_undo(change, row, LEASE_RELEASE, err);
    take_cause(change, task, step->cause);
    enum err_code rc;
    if (workflow_may_pass(step->cause->code) && !step->final &&
        task->attempt < options->max_attempts) {
        if ((rc = workflow_change_move(change, row, EVENT_RETRY, err)))
            return rc;
        row->not_before =
            change->now + workflow_backoff_ms(options->backoff_ms, task->attempt, random_share());
        task->wait_reason = retry_text(change, row->not_before, step->cause);
        change->tally.retried++;
        return workflow_change_save(change, row, LEASE_RELEASE, "task-retry", err);
    }
    if ((rc = workflow_change_move(change, row, EVENT_FAIL, err)))
        return rc;
    row->failed = true;
    change->tally.failed++;
    return workflow_change_end_task(change, row, LEASE_RELEASE, "task-failed", err);
}

static enum err_code undone(struct workflow_change *change, struct workflow_row *row,
                            struct run_task *task, struct err *err)
{
    enum err_code rc = workflow_change_move(change, row, EVENT_UNDONE, err);
    if (rc)
        return rc;
    row->made = false;
    if (change->plan->remove) {
        task->progress = 1;
        task->error_code = task->error_class = task->error_text = task->error_hint = NULL;
    }
    change->tally.undone++;
    return workflow_change_end_task(change, row, LEASE_RELEASE, "task-undone", err);
}

static enum err_code undo_fail(struct workflow_step *step, struct workflow_change *change,
                               struct workflow_row *row, struct run_task *task, struct err *err)
{
    const struct workflow_options *options = change->options;
    row->undo_attempts++;
    if (workflow_may_pass(step->cause->code) &&
        row->undo_attempts < 2 * (int64_t)options->max_attempts) {
        row->not_before = change->now + workflow_backoff_ms(options->backoff_ms, row->undo_attempts,
                                                            random_share());
        task->wait_reason = retry_text(change, row->not_before, step->cause);
        if (change->plan->remove)
            task->attempt++;
        change->tally.retried++;
        return workflow_change_save(change, row, LEASE_RELEASE, "task-retry", err);
    }
    enum err_code rc = workflow_change_move(change, row, EVENT_FAIL, err);
    if (rc)
        return rc;
    row->failed = true;
    row->left = true;
    const char *first = task->error_text;
    take_cause(change, task, step->cause);
    task->error_text = arena_printf(change->arena, "could not be removed: %s%s%s", task->error_text,
                                    first ? "; before: " : "", first ? first : "");
    change->tally.failed++;
    return workflow_change_end_task(change, row, LEASE_RELEASE, "task-failed", err);
}

static enum err_code take_step(struct workflow_step *step, struct workflow_change *change,
                               struct workflow_row *row, struct err *err)
{
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc)
        return rc;
    switch (step->kind) {
    case STEP_BEGIN:
        return begin(step, change, row, err);
    case STEP_DONE:
        return done(step, change, row, task, err);
    case STEP_VERIFIED:
        return verified(step, change, row, task, err);
    case STEP_PARK:
        return park(step, change, row, task, err);
    case STEP_FAIL:
        return fail(step, change, row, task, err);
    case STEP_UNDONE:
        return undone(change, row, task, err);
    case STEP_UNDO_FAIL:
        return undo_fail(step, change, row, task, err);
    }
    return err_set(err, ERR_BUG, "unknown step");
}

/* ---- the transaction ---- */

struct attempt {
    struct workflow_step *step;
    struct arena *arena;
    struct workflow_tally tally;
    bool undoing, ended;
};

static enum err_code body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct attempt *attempt = ctx;
    struct workflow_step *step = attempt->step;
    const struct workflow_job *job = step->job;
    struct workflow *workflow = job->workflow;
    arena_clear(attempt->arena);
    step->mode = MODE_NONE;
    struct workflow_change change = {.options = &workflow->options,
                                     .tx = tx,
                                     .plan = job->plan,
                                     .run_id = job->run_id,
                                     .arena = attempt->arena,
                                     .now = clock_now_ms()};
    enum err_code rc = workflow_change_load(&change, err);
    if (rc)
        return rc;
    if (job->ordinal >= change.count)
        return err_set(err, ERR_CORRUPT, "run '%s' has no task %zu", job->run_id, job->ordinal);
    struct workflow_row *row = &change.rows[job->ordinal];
    if (!str_eq(row->lease_owner, workflow->instance) || row->lease_epoch != job->epoch)
        return err_set(err, ERR_PRECONDITION, "the lease on task %zu of run '%s' is not ours",
                       job->ordinal, job->run_id);
    if ((rc = take_step(step, &change, row, err)) || (rc = workflow_settle(&change, err)) ||
        (rc = workflow_change_finish(&change, err)))
        return rc;
    attempt->tally = change.tally;
    attempt->undoing = change.undoing;
    attempt->ended = change.ended;
    return ERR_OK;
}

enum err_code workflow_step_journal(struct workflow_step *step, struct err *err)
{
    struct workflow_job *job = step->job;
    struct workflow *workflow = job->workflow;
    struct arena arena = ARENA_INIT;
    struct attempt attempt = {.step = step, .arena = &arena};
    int64_t pause = STORE_PAUSE_FIRST_MS;
    enum err_code rc;
    for (int tries = 1;; tries++) {
        rc = store_write(workflow->options.store, body, &attempt, err);
        if (!rc || rc == ERR_PRECONDITION || rc == ERR_NOT_FOUND)
            break;
        if (tries == 1)
            log_error("workflow", "journal", err);
        if (tries >= STORE_TRIES_MOST || atomic_load(&job->lost) ||
            atomic_load(&workflow->hard_stop) || clock_mono_ms() > atomic_load(&job->deadline))
            break;
        clock_sleep_ms(pause);
        pause = pause * 2 < STORE_PAUSE_MOST_MS ? pause * 2 : STORE_PAUSE_MOST_MS;
    }
    arena_done(&arena);
    if (rc)
        return rc;
    workflow_count(workflow, &attempt.tally);
    if (attempt.undoing)
        workflow_tell_run(workflow, job->run_id);
    return ERR_OK;
}

/* ---- beside the steps ---- */

struct progress {
    struct workflow_job *job;
    double share;
    struct arena *arena;
};

static enum err_code progress_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct progress *progress = ctx;
    const struct workflow_job *job = progress->job;
    struct store_record record;
    struct store_rows rows;
    struct run_task task;
    arena_clear(progress->arena);
    enum err_code rc =
        store_get(tx, WORKFLOW_COLLECTION, job->run_id, &record, progress->arena, err);
    if (rc)
        return rc;
    const struct store_value args[] = {STORE_V_TEXT(job->run_id),
                                       STORE_V_INT((int64_t)job->ordinal),
                                       STORE_V_TEXT(job->workflow->instance),
                                       STORE_V_INT(job->epoch), STORE_V_REAL(progress->share)};
    if ((rc = store_query(tx,
                          "SELECT body FROM workflow_tasks WHERE run_id = $1 AND ordinal = $2"
                          " AND lease_owner = $3 AND lease_epoch = $4",
                          args, 4, 1, &rows, progress->arena, err)) ||
        rows.count == 0)
        return rc;
    const struct store_value *text = store_cell(&rows, 0, 0);
    if ((rc = json_decode(text->text, text->len, &run_task_table, &json_limits_large, &task,
                          progress->arena, err)) ||
        (rc = store_exec(tx,
                         "UPDATE workflow_tasks SET progress = $5 WHERE run_id = $1 AND"
                         " ordinal = $2 AND lease_owner = $3 AND lease_epoch = $4",
                         args, ARRAY_LEN(args), NULL, err)))
        return rc;
    task.progress = progress->share;
    CLEANUP(buf_done) struct buf body_text = BUF_INIT;
    json_encode(&run_task_table, &task, JSON_COMPACT, &body_text);
    return store_append(tx, WORKFLOW_COLLECTION, job->run_id, "task-progress", buf_str(&body_text),
                        &(struct store_actor){.user = "system", .tenant = record.tenant}, NULL,
                        err);
}

void workflow_step_progress(struct workflow_job *job, double share)
{
    struct arena arena = ARENA_INIT;
    struct progress progress = {job, share, &arena};
    store_write(job->workflow->options.store, progress_body, &progress, NULL);
    arena_done(&arena);
}

static enum err_code release_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct workflow_job *job = ctx;
    const struct store_value args[] = {
        STORE_V_TEXT(job->run_id), STORE_V_INT((int64_t)job->ordinal),
        STORE_V_TEXT(job->workflow->instance), STORE_V_INT(job->epoch)};
    return store_exec(tx,
                      "UPDATE workflow_tasks SET lease_owner = '', lease_until = 0"
                      " WHERE run_id = $1 AND ordinal = $2 AND lease_owner = $3"
                      " AND lease_epoch = $4",
                      args, ARRAY_LEN(args), NULL, err);
}

void workflow_step_release(struct workflow_job *job)
{
    struct err err = ERR_INIT;
    /* If this fails too, the lease lapses by itself. */
    if (store_write(job->workflow->options.store, release_body, job, &err))
        log_error("workflow", "release of a lease", &err);
}
