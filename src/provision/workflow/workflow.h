/* workflow.h - durable DAG runner.  Journal before effect, check → apply → verify → undo.
 *
 * A run is stored with its plan; each task's every step is journalled before and after its effect,
 * in the order   doing(attempt n) | check, apply | done(result) | verify | verified.   A server
 * that dies at any instruction leaves leases that lapse; whoever resumes asks the provider (check)
 * before it does anything, so nothing is lost and nothing is made twice.  When a task fails for
 * good, what was made is undone, each thing after those that stood on it.  Retries by error class
 * with exponential back-off and jitter.  A task whose verify does not come true within
 * verify_timeout_ms fails for good. Journal: events of collection "runs", object = run id:
 * task-eligible, task-doing, task-resumed, task-progress, task-done, task-verified, task-retry,
 * task-failed, task-skipped, task-undoing, task-undone with a run_task (run_task_table) as body;
 * run-started, run-progress, run-undoing, run-succeeded, run-failed, run-partly, run-cancelled with
 * the record; run-cancel (asked). Named fault points: workflow.before_do (after journal before do),
 * workflow.after_do (after do before journal), workflow.after_done, workflow.before_verify,
 * workflow.before_undo, workflow.during_undo (after the undo call, before its journal),
 * workflow.after_undo. */
#ifndef SWAN_WORKFLOW_WORKFLOW_H
#define SWAN_WORKFLOW_WORKFLOW_H

#include "provision/providers/provider.h"
#include "store/store.h"
#include "types/plan.h"
#include "types/run.h"

extern const struct store_module workflow_store_module;
#define WORKFLOW_COLLECTION \
    "runs" /* records: spec run_spec_table, status run_status_table without tasks */
#define WORKFLOW_SITE_TASKS 8 /* tasks under way at one site, over all servers */

struct workflow;
struct workflow_options {
    struct store *store;
    const struct provider_set *providers;
    const struct provider_host *host;
    const char *instance; /* name of this server, for leases; unique among servers */
    int workers;          /* 0 = 8 threads */
    int64_t lease_ms;     /* 0 = 10 000; renewed at a third; a restarted server of the same instance
                             name takes its own back at once */
    int max_attempts;     /* 0 = 5 for retryable errors; an undo gets twice as many */
    int64_t
        backoff_ms; /* 0 = 500: pause before the second attempt; doubles, up to 60 times of it */
    int64_t verify_timeout_ms; /* 0 = 60 000 */
    /* Called in the transaction that ends a task (succeeded, failed, undone, skipped) or the run,
     * so that the owner of deployments changes state together with it.  An error rolls that
     * transaction back, and it is tried again; a transaction may be repeated, so a hook keeps
     * nothing outside of tx.  status holds the tasks.  May be NULL. */
    enum err_code (*on_task)(void *ctx, struct store_tx *tx, const char *run_id,
                             const struct run_spec *spec, const struct plan_task *task,
                             const struct run_task *state, struct err *err);
    enum err_code (*on_run)(void *ctx, struct store_tx *tx, const char *run_id,
                            const struct run_spec *spec, const struct run_status *status,
                            struct err *err);
    void *ctx;
};
enum err_code workflow_start(const struct workflow_options *options, struct workflow **out,
                             struct err *err);
/* Lets tasks under way reach their next journal entry (up to 5 s, then cancels their provider
 * calls), gives leases back. */
void workflow_stop(struct workflow *workflow);

/* Stores the run (state queued) in the caller's transaction; it starts when that commits.  The seal
 * of the plan is checked.  Tasks of a `remove` plan are executed as undo in the plan's order. */
enum err_code workflow_submit(struct store_tx *tx, const char *run_id, const char *plan_id,
                              const struct plan *plan, const struct store_actor *actor,
                              struct err *err);
/* Asks a run to stop: tasks under way are cancelled, what was made is undone, state cancelled.  A
 * run that removes stops before its next tasks; what it took away stays away.  ERR_CONFLICT when
 * the run has ended. */
enum err_code workflow_cancel(struct store_tx *tx, const char *run_id,
                              const struct store_actor *actor, struct err *err);

/* The run as it is now, with its tasks: wait reasons, progress and seconds left are of this moment.
 */
enum err_code workflow_view(struct store_tx *tx, const char *run_id, struct run_status *out,
                            struct arena *arena, struct err *err);

/* After submit/cancel has committed: workers look now, not when they hear of it. */
void workflow_wake(struct workflow *workflow);

struct workflow_figures { /* for /metrics */
    int64_t runs_active, tasks_active, tasks_succeeded, tasks_failed, tasks_retried, tasks_undone,
        leases_taken_over;
};
void workflow_figures(const struct workflow *workflow, struct workflow_figures *out);

#endif
