/* workflow_settle.c - what follows from the state of a run: which tasks become eligible, when
 * everything is undone and in which order, when the run has ended.
 *
 * Contract: works on the rows of one locked run, draws every consequence, and is idempotent: a
 * second call changes nothing.  O(tasks + edges).  Undo respects the plan backwards: a thing goes
 * after all that stand on it are gone; where one of those could not be removed, the rest is removed
 * all the same and the run ends `partly`. */
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define LEFT_SHOWN                                                                 \
    5 /* names of things left behind in the run's error text; all are in its tasks \
       */

static const struct plan_task *plan_task_of(const struct workflow_change *change,
                                            const struct workflow_row *row)
{
    return &change->plan->plan.tasks.items[row->ordinal];
}

static bool is_leased(const struct workflow_change *change, const struct workflow_row *row)
{
    return row->lease_until > change->now;
}

/* Is every task before this one in the state? */
static bool all_before(const struct workflow_change *change, size_t task, int state)
{
    const struct workflow_links *before = &change->plan->before;
    for (size_t i = before->first[task]; i < before->first[task + 1]; i++)
        if (change->rows[before->next[i]].state != state)
            return false;
    return true;
}

/* Will a task before this one never come to its end? */
static bool one_before_has_failed(const struct workflow_change *change, size_t task)
{
    const struct workflow_links *before = &change->plan->before;
    for (size_t i = before->first[task]; i < before->first[task + 1]; i++) {
        int state = change->rows[before->next[i]].state;
        if (state == RUN_TASK_FAILED || state == RUN_TASK_SKIPPED)
            return true;
    }
    return false;
}

static enum err_code skip(struct workflow_change *change, struct workflow_row *row, struct err *err)
{
    enum err_code rc = workflow_change_move(change, row, EVENT_SKIP, err);
    return rc ? rc : workflow_change_end_task(change, row, LEASE_REVOKE, "task-skipped", err);
}

enum err_code workflow_settle_undo(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_lease lease, struct err *err)
{
    enum err_code rc = workflow_change_move(change, row, EVENT_UNDO, err);
    if (rc)
        return rc;
    row->ready = false;
    row->undo_attempts = 0;
    row->task->ended_at = 0;
    change->summary_changed = true;
    return workflow_change_save(change, row, lease, "task-undoing", err);
}

/* ---- a plan that opens ---- */

/* The first failure is the run's. */
static enum err_code take_error(struct workflow_change *change, struct err *err)
{
    if (change->status.error_code)
        return ERR_OK;
    for (size_t i = 0; i < change->count; i++) {
        if (!change->rows[i].failed)
            continue;
        struct run_task *task;
        enum err_code rc = workflow_change_task(change, &change->rows[i], &task, err);
        if (rc)
            return rc;
        change->status.error_code = task->error_code;
        change->status.error_text =
            arena_printf(change->arena, "%s: %s", task->id, task->error_text);
        change->status.error_hint = task->error_hint;
        return ERR_OK;
    }
    change->status.error_code = err_info(ERR_CANCELLED)->name;
    change->status.error_text = "cancelled on request";
    return ERR_OK;
}

static enum err_code begin_undo(struct workflow_change *change, struct err *err)
{
    enum err_code rc = workflow_change_move_run(change, EVENT_UNDO, "run-undoing", err);
    if (rc || (rc = take_error(change, err)))
        return rc;
    change->undoing = true;
    for (size_t i = 0; i < change->count; i++) {
        struct workflow_row *row = &change->rows[i];
        rc = ERR_OK;
        switch (row->state) {
        case RUN_TASK_WAITING:
        case RUN_TASK_ELIGIBLE:
            /* Never begun; between two attempts something may be there. */
            rc = row->made ? workflow_settle_undo(change, row, LEASE_REVOKE, err)
                           : skip(change, row, err);
            break;
        case RUN_TASK_DOING:
        case RUN_TASK_VERIFYING:
            /* Its worker is told, and hands it over when the provider's call has returned. */
            if (!is_leased(change, row))
                rc = workflow_settle_undo(change, row, LEASE_REVOKE, err);
            break;
        case RUN_TASK_SUCCEEDED:
            rc = workflow_settle_undo(change, row, LEASE_REVOKE, err);
            break;
        case RUN_TASK_FAILED:
            if (row->made)
                rc = workflow_settle_undo(change, row, LEASE_REVOKE, err);
            break;
        default:
            break;
        }
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static enum err_code settle_opening(struct workflow_change *change, struct err *err)
{
    bool failed = false, all_done = true;
    for (size_t i = 0; i < change->count; i++) {
        failed = failed || change->rows[i].failed;
        all_done = all_done && change->rows[i].state == RUN_TASK_SUCCEEDED;
    }
    if (all_done)
        return workflow_change_move_run(change, EVENT_SUCCEED, "run-succeeded", err);
    if (failed || change->cancel)
        return begin_undo(change, err);
    for (size_t i = 0; i < change->count; i++) {
        struct workflow_row *row = &change->rows[i];
        if (row->state != RUN_TASK_WAITING || row->ready ||
            !all_before(change, i, RUN_TASK_SUCCEEDED))
            continue;
        enum err_code rc = workflow_change_move(change, row, EVENT_READY, err);
        if (rc)
            return rc;
        row->ready = true;
        row->not_before = change->now;
        row->task->eligible_at = change->now;
        if ((rc = workflow_change_save(change, row, LEASE_KEEP, "task-eligible", err)))
            return rc;
    }
    return ERR_OK;
}

/* ---- undoing what was opened ---- */

static bool is_gone(int state)
{
    return state == RUN_TASK_SKIPPED || state == RUN_TASK_UNDONE || state == RUN_TASK_FAILED;
}

static bool all_after_are_gone(const struct workflow_change *change, size_t task)
{
    const struct workflow_links *after = &change->plan->after;
    for (size_t i = after->first[task]; i < after->first[task + 1]; i++)
        if (!is_gone(change->rows[after->next[i]].state))
            return false;
    return true;
}

static void tell_what_is_left(struct workflow_change *change)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    size_t left = 0;
    for (size_t i = 0; i < change->count; i++)
        if (change->rows[i].left && left++ < LEFT_SHOWN) {
            const struct plan_task *task = plan_task_of(change, &change->rows[i]);
            buf_printf(&text, "%s%s at %s", left == 1 ? "" : ", ", task->spec.name, task->site);
        }
    if (left > LEFT_SHOWN)
        buf_printf(&text, " and %zu more", left - LEFT_SHOWN);
    const char *why = change->status.error_text;
    change->status.error_text = arena_printf(change->arena, "%s%sleft behind: %s", why ? why : "",
                                             why ? "; " : "", buf_str(&text));
    if (!change->status.error_code)
        change->status.error_code = err_info(ERR_PARTIAL)->name;
    change->status.error_hint = "see the tasks that failed; delete the deployment to try again, or "
                                "remove the things at the provider";
}

/* All that stood on the task is gone: now a worker may undo it, or nobody has to. */
static enum err_code release_undo(struct workflow_change *change, struct workflow_row *row,
                                  struct err *err)
{
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc)
        return rc;
    if (!row->made) { /* a check; it kept what it checked until what came after it was gone */
        if ((rc = workflow_change_move(change, row, EVENT_UNDONE, err)))
            return rc;
        return workflow_change_end_task(change, row, LEASE_KEEP, "task-undone", err);
    }
    row->ready = true;
    row->not_before = change->now;
    task->wait_reason = NULL;
    return workflow_change_save(change, row, LEASE_KEEP, NULL, err);
}

static enum err_code settle_undoing(struct workflow_change *change, struct err *err)
{
    bool all_gone = true, left = false;
    /* Backwards through a topological order, so what is gone here is seen by those before it. */
    for (size_t i = change->count; i-- > 0;) {
        struct workflow_row *row = &change->rows[i];
        if (row->state == RUN_TASK_UNDOING && !row->ready && all_after_are_gone(change, i)) {
            enum err_code rc = release_undo(change, row, err);
            if (rc)
                return rc;
        }
        all_gone = all_gone && is_gone(row->state);
        left = left || row->left;
    }
    if (!all_gone)
        return ERR_OK;
    if (left) {
        tell_what_is_left(change);
        return workflow_change_move_run(change, EVENT_LEAVE, "run-partly", err);
    }
    if (change->cancel)
        return workflow_change_move_run(change, EVENT_CANCEL, "run-cancelled", err);
    return workflow_change_move_run(change, EVENT_FAIL, "run-failed", err);
}

/* ---- a plan that removes ---- */

static enum err_code end_removing(struct workflow_change *change, struct err *err)
{
    bool left = false, skipped = false;
    for (size_t i = 0; i < change->count; i++) {
        left = left || change->rows[i].left;
        skipped = skipped || change->rows[i].state == RUN_TASK_SKIPPED;
    }
    if (left) {
        enum err_code rc = take_error(change, err);
        if (rc)
            return rc;
        tell_what_is_left(change);
        return workflow_change_move_run(change, EVENT_LEAVE, "run-partly", err);
    }
    if (skipped)
        return workflow_change_move_run(change, EVENT_CANCEL, "run-cancelled", err);
    return workflow_change_move_run(change, EVENT_SUCCEED, "run-succeeded", err);
}

static enum err_code settle_removing(struct workflow_change *change, struct err *err)
{
    bool all_ended = true;
    /* Tasks stand in topological order, so what is skipped here is seen by those behind it. */
    for (size_t i = 0; i < change->count; i++) {
        struct workflow_row *row = &change->rows[i];
        enum err_code rc = ERR_OK;
        bool unbegun = row->state == RUN_TASK_WAITING || row->state == RUN_TASK_ELIGIBLE;
        if (unbegun && (change->cancel || one_before_has_failed(change, i))) {
            rc = skip(change, row, err);
        } else if (row->state == RUN_TASK_WAITING && all_before(change, i, RUN_TASK_UNDONE)) {
            if ((rc = workflow_change_move(change, row, EVENT_READY, err)))
                return rc;
            row->ready = true;
            row->not_before = change->now;
            row->task->eligible_at = change->now;
            rc = workflow_change_save(change, row, LEASE_KEEP, "task-eligible", err);
        }
        if (rc)
            return rc;
        all_ended = all_ended && is_gone(row->state);
    }
    return all_ended ? end_removing(change, err) : ERR_OK;
}

enum err_code workflow_settle(struct workflow_change *change, struct err *err)
{
    if (workflow_run_has_ended(change->status.state))
        return ERR_OK;
    if (change->plan->remove)
        return settle_removing(change, err);
    if (change->status.state != RUN_UNDOING) {
        enum err_code rc = settle_opening(change, err);
        if (rc || change->status.state != RUN_UNDOING)
            return rc;
    }
    return settle_undoing(change, err);
}
