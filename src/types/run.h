/* run.h - what happened: a run of a plan, task by task (DESIGN section 5). */
#ifndef SWAN_TYPES_RUN_H
#define SWAN_TYPES_RUN_H

#include "base/json.h"
#include "types/plan.h"

enum run_state {
    RUN_ABSENT,
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_UNDOING, /* a task failed for good: what was made is being undone */
    RUN_SUCCEEDED,
    RUN_FAILED,
    /* undone completely */ RUN_PARTLY, /* undo itself failed: something is left */
    RUN_CANCELLED
};
extern const char *const run_state_names[];

enum run_task_state {
    RUN_TASK_ABSENT,
    RUN_TASK_WAITING,
    /* on others or on time */ RUN_TASK_ELIGIBLE,
    RUN_TASK_DOING,
    RUN_TASK_VERIFYING,
    RUN_TASK_SUCCEEDED,
    RUN_TASK_FAILED,
    RUN_TASK_UNDOING,
    RUN_TASK_UNDONE,
    RUN_TASK_SKIPPED
};
extern const char *const run_task_state_names[];

struct run_task {
    const char *id; /* as in the plan */
    int kind;       /* enum plan_task_kind */
    const char *site, *provider;
    bool simulated;
    int state;
    int64_t attempt;
    int64_t queued_at, eligible_at, started_at, ended_at; /* ms */
    const char *wait_reason; /* "after deliver-local", "retry at …", "no free worker" */
    const char *error_code, *error_class, *error_text, *error_hint;
    double progress; /* 0…1 */
    LIST(const char *) after;
    double estimate_s;
    const char *key; /* idempotency key: spec.name */
    struct plan_task_result *result;
};

extern const struct json_table run_task_table;

struct run_spec {
    const char *plan, *digest, *deployment, *purpose;
};
extern const struct json_table run_spec_table;

struct run_status {
    int state;
    int64_t queued_at, started_at, ended_at;
    int64_t tasks_total, tasks_done, tasks_failed;
    double progress; /* share of estimated seconds that is done */
    double eta_s;    /* left */
    bool simulated;
    const char *error_code, *error_text, *error_hint;
    const char *owner; /* server instance that drives it */
    LIST(struct run_task) tasks;
};
extern const struct json_table run_status_table;

#endif
