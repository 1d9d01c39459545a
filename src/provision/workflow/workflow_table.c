/* workflow_table.c - the tables of the workflow, and what callers do to them in their own
 * transactions: submit and cancel.
 *
 * Contract: a run is a record of collection "runs" (what people see), a row of workflow_runs (its
 * plan, and what is asked of it) and one row of workflow_tasks for each task.  Whoever changes a
 * run's rows holds the record's lock (store_get in a write transaction), save that taking and
 * renewing a lease touches the lease columns of one task alone.  `ready` = 1 exactly while a worker
 * may have something to do with the task; a lease is live while lease_until lies ahead. */
#include "base/clock.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

static const struct store_migration migrations[] = {
    {1, "workflow: runs, tasks and leases",
     "CREATE TABLE workflow_runs ("
     " run_id TEXT PRIMARY KEY,"
     " plan TEXT NOT NULL,"
     " state BIGINT NOT NULL,"              /* enum run_state, as in the record */
     " cancel BIGINT NOT NULL DEFAULT 0,"   /* asked */
     " attention BIGINT NOT NULL DEFAULT 1" /* somebody must settle it */
     ");"
     "CREATE INDEX workflow_runs_attention ON workflow_runs (attention) WHERE attention = 1;"
     "CREATE INDEX workflow_runs_state ON workflow_runs (state) WHERE state < 4;"
     "CREATE TABLE workflow_tasks ("
     " run_id TEXT NOT NULL,"
     " ordinal BIGINT NOT NULL," /* place in the plan */
     " site TEXT NOT NULL,"
     " state BIGINT NOT NULL," /* enum run_task_state */
     " ready BIGINT NOT NULL DEFAULT 0,"
     " not_before BIGINT NOT NULL DEFAULT 0,"
     " flags BIGINT NOT NULL DEFAULT 0,"
     " undo_attempts BIGINT NOT NULL DEFAULT 0,"
     " verify_since BIGINT NOT NULL DEFAULT 0,"
     " lease_owner TEXT NOT NULL DEFAULT '',"
     " lease_until BIGINT NOT NULL DEFAULT 0,"
     " lease_epoch BIGINT NOT NULL DEFAULT 0," /* grows with each lease: fences off the last owner
                                                */
     " progress DOUBLE PRECISION NOT NULL DEFAULT 0,"
     " body TEXT NOT NULL," /* run_task as JSON */
     " PRIMARY KEY (run_id, ordinal)"
     ");"
     "CREATE INDEX workflow_tasks_ready ON workflow_tasks (not_before) WHERE ready = 1;"
     "CREATE INDEX workflow_tasks_site ON workflow_tasks (site, lease_until);"
     "CREATE TABLE workflow_sites (" /* a row to lock while tasks at a site are counted */
     " site TEXT PRIMARY KEY,"
     " touched BIGINT NOT NULL DEFAULT 0"
     ")"},
};
const struct store_module workflow_store_module = {"workflow", migrations, ARRAY_LEN(migrations)};

static enum err_code insert_tasks(struct store_tx *tx, const char *run_id, const struct plan *plan,
                                  int64_t now, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    for (size_t i = 0; i < plan->tasks.count; i++) {
        const struct plan_task *task = &plan->tasks.items[i];
        struct run_task state = {.id = task->id,
                                 .kind = task->kind,
                                 .site = task->site,
                                 .provider = task->provider,
                                 .simulated = task->simulated,
                                 .state = RUN_TASK_WAITING,
                                 .queued_at = now,
                                 .estimate_s = task->estimate_s,
                                 .key = task->spec.name};
        state.after.items = task->after.items;
        state.after.count = task->after.count;
        buf_clear(&body);
        json_encode(&run_task_table, &state, JSON_COMPACT, &body);
        const struct store_value row[] = {STORE_V_TEXT(run_id), STORE_V_INT((int64_t)i),
                                          STORE_V_TEXT(task->site), STORE_V_INT(RUN_TASK_WAITING),
                                          STORE_V_TEXT(buf_str(&body))};
        enum err_code rc = store_exec(tx,
                                      "INSERT INTO workflow_tasks (run_id, ordinal, site, state,"
                                      " body) VALUES ($1, $2, $3, $4, $5)",
                                      row, ARRAY_LEN(row), NULL, err);
        if (!rc)
            rc = store_exec(tx,
                            "INSERT INTO workflow_sites (site) VALUES ($1)"
                            " ON CONFLICT (site) DO NOTHING",
                            &row[2], 1, NULL, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

enum err_code workflow_submit(struct store_tx *tx, const char *run_id, const char *plan_id,
                              const struct plan *plan, const struct store_actor *actor,
                              struct err *err)
{
    enum err_code rc = plan_check_seal(plan, err);
    if (rc || (rc = json_validate(&plan_table, plan, err)))
        return rc;
    if (!str_eq(plan->purpose, "open") && !str_eq(plan->purpose, "remove"))
        return err_set(err, ERR_INVALID, "a plan's purpose is open or remove, not '%s'",
                       plan->purpose);
    struct arena arena = ARENA_INIT;
    struct workflow_plan linked = {.plan = *plan};
    rc = workflow_plan_link(&linked, &arena, err);
    arena_done(&arena);
    if (rc)
        return rc;

    int64_t now = clock_now_ms();
    struct run_spec spec = {plan_id, plan->digest, plan->deployment, plan->purpose};
    struct run_status status = {.state = RUN_QUEUED,
                                .queued_at = now,
                                .tasks_total = (int64_t)plan->tasks.count,
                                .eta_s = plan->eta_s,
                                .simulated = plan->simulated};
    CLEANUP(buf_done) struct buf spec_text = BUF_INIT, status_text = BUF_INIT, text = BUF_INIT;
    json_encode(&run_spec_table, &spec, JSON_COMPACT, &spec_text);
    json_encode(&run_status_table, &status, JSON_COMPACT, &status_text);
    json_encode(&plan_table, plan, JSON_COMPACT, &text);
    struct store_record record = {.collection = WORKFLOW_COLLECTION,
                                  .id = run_id,
                                  .tenant = actor->tenant ? actor->tenant : "",
                                  .spec = buf_str(&spec_text),
                                  .status = buf_str(&status_text)};
    if ((rc = store_insert(tx, &record, actor, err)))
        return rc;
    const struct store_value row[] = {STORE_V_TEXT(run_id), STORE_V_TEXT(buf_str(&text)),
                                      STORE_V_INT(RUN_QUEUED)};
    if ((rc = store_exec(tx, "INSERT INTO workflow_runs (run_id, plan, state) VALUES ($1, $2, $3)",
                         row, ARRAY_LEN(row), NULL, err)))
        return rc;
    return insert_tasks(tx, run_id, plan, now, err);
}

enum err_code workflow_cancel(struct store_tx *tx, const char *run_id,
                              const struct store_actor *actor, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct store_record record;
    struct store_rows rows = {0};
    const struct store_value args[] = {STORE_V_TEXT(run_id)};
    enum err_code rc = store_get(tx, WORKFLOW_COLLECTION, run_id, &record, &arena, err);
    if (!rc)
        rc = store_query(tx, "SELECT state, cancel FROM workflow_runs WHERE run_id = $1", args, 1,
                         1, &rows, &arena, err);
    int state = RUN_ABSENT;
    bool asked = false;
    if (!rc && rows.count == 0)
        rc = err_set(err, ERR_CORRUPT, "run '%s' has no plan", run_id);
    if (!rc) {
        state = (int)store_cell(&rows, 0, 0)->integer;
        asked = store_cell(&rows, 0, 1)->integer != 0;
    }
    arena_done(&arena);
    if (rc)
        return rc;
    if (workflow_run_has_ended(state)) {
        err_set(err, ERR_CONFLICT, "run '%s' has ended: %s", run_id,
                json_enum_name(run_state_names, state));
        return err_hint(err, "to take away what it opened, delete its deployment");
    }
    if (asked)
        return ERR_OK;
    if ((rc = store_exec(tx, "UPDATE workflow_runs SET cancel = 1, attention = 1 WHERE run_id = $1",
                         args, 1, NULL, err)))
        return rc;
    return store_append(tx, WORKFLOW_COLLECTION, run_id, "run-cancel", NULL, actor, NULL, err);
}
