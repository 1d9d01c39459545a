/* workflow_change.c - one run inside one transaction: load, move by the tables, save with a journal
 * event.
 *
 * Contract: load locks the run's record, so one transaction at a time decides about a run,
 * whichever server it is on.  A row and its event are written together; what is decided in memory
 * is void when the transaction is not committed, so the caller builds the change anew when it tries
 * again.  Loading reads the narrow columns of all tasks; the JSON body of a task is read when it is
 * needed. */
#include <string.h>

#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define FLAG_MADE 1
#define FLAG_FAILED 2
#define FLAG_LEFT 4

static const struct store_actor *actor_of(const struct workflow_change *change,
                                          struct store_actor *actor)
{
    *actor = (struct store_actor){.user = "system", .tenant = change->tenant};
    return actor;
}

static enum err_code load_record(struct workflow_change *change, struct err *err)
{
    struct store_record record;
    enum err_code rc =
        store_get(change->tx, WORKFLOW_COLLECTION, change->run_id, &record, change->arena, err);
    if (rc)
        return rc;
    change->tenant = record.tenant;
    if (!record.status)
        return err_set(err, ERR_CORRUPT, "run '%s' has no status", change->run_id);
    if ((rc = json_decode(record.spec, strlen(record.spec), &run_spec_table, &json_limits_large,
                          &change->spec, change->arena, err)))
        return rc;
    return json_decode(record.status, strlen(record.status), &run_status_table, &json_limits_large,
                       &change->status, change->arena, err);
}

enum err_code workflow_change_load(struct workflow_change *change, struct err *err)
{
    enum err_code rc = load_record(change, err);
    if (rc)
        return rc;
    const struct store_value args[] = {STORE_V_TEXT(change->run_id)};
    struct store_rows rows;
    rc = store_query(change->tx, "SELECT cancel FROM workflow_runs WHERE run_id = $1", args, 1, 1,
                     &rows, change->arena, err);
    if (rc)
        return rc;
    change->cancel = rows.count > 0 && store_cell(&rows, 0, 0)->integer != 0;
    rc = store_query(change->tx,
                     "SELECT ordinal, state, ready, not_before, flags, undo_attempts, verify_since,"
                     " lease_owner, lease_until, lease_epoch, progress FROM workflow_tasks"
                     " WHERE run_id = $1 ORDER BY ordinal",
                     args, 1, 0, &rows, change->arena, err);
    if (rc)
        return rc;
    if (rows.count != change->plan->plan.tasks.count)
        return err_set(err, ERR_CORRUPT, "run '%s' has %zu tasks, its plan %zu", change->run_id,
                       rows.count, change->plan->plan.tasks.count);
    change->count = rows.count;
    change->rows = arena_array(change->arena, rows.count, sizeof *change->rows);
    for (size_t i = 0; i < rows.count; i++) {
        struct workflow_row *row = &change->rows[i];
        int64_t flags = store_cell(&rows, i, 4)->integer;
        row->ordinal = (size_t)store_cell(&rows, i, 0)->integer;
        if (row->ordinal != i)
            return err_set(err, ERR_CORRUPT, "run '%s' lacks task %zu", change->run_id, i);
        row->state = (int)store_cell(&rows, i, 1)->integer;
        row->ready = store_cell(&rows, i, 2)->integer != 0;
        row->not_before = store_cell(&rows, i, 3)->integer;
        row->made = flags & FLAG_MADE;
        row->failed = flags & FLAG_FAILED;
        row->left = flags & FLAG_LEFT;
        row->undo_attempts = store_cell(&rows, i, 5)->integer;
        row->verify_since = store_cell(&rows, i, 6)->integer;
        row->lease_owner = store_cell(&rows, i, 7)->text;
        row->lease_until = store_cell(&rows, i, 8)->integer;
        row->lease_epoch = store_cell(&rows, i, 9)->integer;
        row->progress = store_cell(&rows, i, 10)->real;
    }
    return ERR_OK;
}

static enum err_code decode_task(struct workflow_change *change, struct workflow_row *row,
                                 const struct store_value *text, struct err *err)
{
    struct run_task *task = arena_zalloc(change->arena, sizeof *task);
    enum err_code rc = json_decode(text->text, text->len, &run_task_table, &json_limits_large, task,
                                   change->arena, err);
    if (rc) {
        err_context(err, "task %zu of run '%s'", row->ordinal, change->run_id);
        return rc;
    }
    row->task = task;
    return ERR_OK;
}

enum err_code workflow_change_task(struct workflow_change *change, struct workflow_row *row,
                                   struct run_task **out, struct err *err)
{
    if (!row->task) {
        const struct store_value args[] = {STORE_V_TEXT(change->run_id),
                                           STORE_V_INT((int64_t)row->ordinal)};
        struct store_rows rows;
        enum err_code rc = store_query(
            change->tx, "SELECT body FROM workflow_tasks WHERE run_id = $1 AND ordinal = $2", args,
            ARRAY_LEN(args), 1, &rows, change->arena, err);
        if (rc || (rc = decode_task(change, row, store_cell(&rows, 0, 0), err)))
            return rc;
    }
    *out = row->task;
    return ERR_OK;
}

enum err_code workflow_change_gather(struct workflow_change *change, struct err *err)
{
    const struct store_value args[] = {STORE_V_TEXT(change->run_id)};
    struct store_rows rows;
    enum err_code rc = store_query(
        change->tx, "SELECT body FROM workflow_tasks WHERE run_id = $1 ORDER BY ordinal", args, 1,
        0, &rows, change->arena, err);
    if (rc)
        return rc;
    change->status.tasks.items = arena_array(change->arena, change->count, sizeof(struct run_task));
    change->status.tasks.count = change->count;
    for (size_t i = 0; i < change->count && i < rows.count; i++) {
        if (!change->rows[i].task &&
            (rc = decode_task(change, &change->rows[i], store_cell(&rows, i, 0), err)))
            return rc;
        change->status.tasks.items[i] = *change->rows[i].task;
    }
    return ERR_OK;
}

enum err_code workflow_change_move(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_event event, struct err *err)
{
    int next = workflow_next_task_state(row->state, (int)event);
    if (!next)
        return err_set(err, ERR_BUG, "run '%s': task %zu in state '%s' met event %d",
                       change->run_id, row->ordinal,
                       json_enum_name(run_task_state_names, row->state), (int)event);
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc)
        return rc;
    row->state = next;
    task->state = next;
    task->wait_reason = NULL;
    return ERR_OK;
}

enum err_code workflow_change_move_run(struct workflow_change *change, enum workflow_event event,
                                       const char *name, struct err *err)
{
    int next = workflow_next_run_state(change->status.state, (int)event);
    if (!next)
        return err_set(err, ERR_BUG, "run '%s' in state '%s' met event %d", change->run_id,
                       json_enum_name(run_state_names, change->status.state), (int)event);
    change->status.state = next;
    change->run_event = name;
    change->summary_changed = true;
    if (workflow_run_has_ended(next)) {
        change->status.ended_at = change->now;
        change->ended = true;
    }
    return ERR_OK;
}

static const char *update_sql(enum workflow_lease lease)
{
#define UPDATE_TASK                                                                  \
    "UPDATE workflow_tasks SET state = $3, ready = $4, not_before = $5, flags = $6," \
    " undo_attempts = $7, verify_since = $8, body = $9, progress = 0"
#define THE_TASK " WHERE run_id = $1 AND ordinal = $2"
    switch (lease) {
    case LEASE_RELEASE:
        return UPDATE_TASK ", lease_owner = '', lease_until = 0" THE_TASK;
    case LEASE_REVOKE:
        return UPDATE_TASK
            ", lease_owner = '', lease_until = 0, lease_epoch = lease_epoch + 1" THE_TASK;
    case LEASE_KEEP:
    default:
        return UPDATE_TASK THE_TASK;
    }
#undef UPDATE_TASK
#undef THE_TASK
}

enum err_code workflow_change_save(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_lease lease, const char *event, struct err *err)
{
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc)
        return rc;
    row->progress = 0;
    if (lease != LEASE_KEEP) {
        row->lease_owner = "";
        row->lease_until = 0;
    }
    if (!task->wait_reason)
        task->wait_reason = workflow_wait_reason(change, row, 0);
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    json_encode(&run_task_table, task, JSON_COMPACT, &body);
    int64_t flags =
        (row->made ? FLAG_MADE : 0) | (row->failed ? FLAG_FAILED : 0) | (row->left ? FLAG_LEFT : 0);
    const struct store_value args[] = {
        STORE_V_TEXT(change->run_id),    STORE_V_INT((int64_t)row->ordinal),
        STORE_V_INT(row->state),         STORE_V_INT(row->ready),
        STORE_V_INT(row->not_before),    STORE_V_INT(flags),
        STORE_V_INT(row->undo_attempts), STORE_V_INT(row->verify_since),
        STORE_V_TEXT(buf_str(&body))};
    if ((rc = store_exec(change->tx, update_sql(lease), args, ARRAY_LEN(args), NULL, err)) ||
        !event)
        return rc;
    struct store_actor actor;
    return store_append(change->tx, WORKFLOW_COLLECTION, change->run_id, event, buf_str(&body),
                        actor_of(change, &actor), NULL, err);
}

enum err_code workflow_change_end_task(struct workflow_change *change, struct workflow_row *row,
                                       enum workflow_lease lease, const char *event,
                                       struct err *err)
{
    row->ready = false;
    struct run_task *task;
    enum err_code rc = workflow_change_task(change, row, &task, err);
    if (rc)
        return rc;
    task->ended_at = change->now;
    change->summary_changed = true;
    if ((rc = workflow_change_save(change, row, lease, event, err)))
        return rc;
    if (!change->options->on_task)
        return ERR_OK;
    return change->options->on_task(change->options->ctx, change->tx, change->run_id, &change->spec,
                                    &change->plan->plan.tasks.items[row->ordinal], task, err);
}

enum err_code workflow_change_finish(struct workflow_change *change, struct err *err)
{
    if (!change->summary_changed)
        return ERR_OK;
    workflow_summarise(change);
    change->status.owner = change->options->instance;
    change->status.tasks.count = 0;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&run_status_table, &change->status, JSON_COMPACT, &text);
    struct store_actor actor;
    enum err_code rc =
        store_update(change->tx, WORKFLOW_COLLECTION, change->run_id, 0, NULL, buf_str(&text),
                     change->run_event ? change->run_event : "run-progress",
                     actor_of(change, &actor), NULL, err);
    const struct store_value args[] = {STORE_V_TEXT(change->run_id),
                                       STORE_V_INT(change->status.state)};
    if (!rc)
        rc = store_exec(change->tx, "UPDATE workflow_runs SET state = $2 WHERE run_id = $1", args,
                        ARRAY_LEN(args), NULL, err);
    if (rc || !change->ended || !change->options->on_run)
        return rc;
    if ((rc = workflow_change_gather(change, err)))
        return rc;
    return change->options->on_run(change->options->ctx, change->tx, change->run_id, &change->spec,
                                   &change->status, err);
}
