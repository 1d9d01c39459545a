/* run.c - field tables of runs. */
#include "types/run.h"

const char *const run_state_names[] = {NULL,     "queued", "running",   "undoing", "succeeded",
                                       "failed", "partly", "cancelled", NULL};
const char *const run_task_state_names[] = {NULL,        "waiting",   "eligible", "doing",
                                            "verifying", "succeeded", "failed",   "undoing",
                                            "undone",    "skipped",   NULL};

static const struct json_field task_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct run_task, id, JSON_REQUIRED, "as in the plan"),
    JSON_FIELD_ENUM("kind", struct run_task, kind, 0, plan_task_kind_names, "what is done"),
    JSON_FIELD("site", JSON_STRING, struct run_task, site, 0, "where"),
    JSON_FIELD("provider", JSON_STRING, struct run_task, provider, 0, "by whom"),
    JSON_FIELD("simulated", JSON_BOOL, struct run_task, simulated, 0, "nothing real happens"),
    JSON_FIELD_ENUM("state", struct run_task, state, JSON_REQUIRED, run_task_state_names, "state"),
    JSON_FIELD("attempt", JSON_INT, struct run_task, attempt, 0, "attempts so far"),
    JSON_FIELD("queued_at", JSON_TIME, struct run_task, queued_at, 0, "when the run came in"),
    JSON_FIELD("eligible_at", JSON_TIME, struct run_task, eligible_at, 0,
               "when nothing stood before it any more"),
    JSON_FIELD("started_at", JSON_TIME, struct run_task, started_at, 0, "first start"),
    JSON_FIELD("ended_at", JSON_TIME, struct run_task, ended_at, 0, "end"),
    JSON_FIELD("wait_reason", JSON_STRING, struct run_task, wait_reason, 0, "why it waits"),
    JSON_FIELD("error_code", JSON_STRING, struct run_task, error_code, 0, "last error"),
    JSON_FIELD("error_class", JSON_STRING, struct run_task, error_class, 0, "its class"),
    JSON_FIELD("error_text", JSON_STRING, struct run_task, error_text, 0, "in words"),
    JSON_FIELD("error_hint", JSON_STRING, struct run_task, error_hint, 0, "what to do"),
    JSON_FIELD("progress", JSON_DOUBLE, struct run_task, progress, 0, "0 to 1"),
    JSON_FIELD("after", JSON_STRINGS, struct run_task, after, 0, "tasks before it"),
    JSON_FIELD("estimate_s", JSON_DOUBLE, struct run_task, estimate_s, 0, "planned seconds"),
    JSON_FIELD("key", JSON_STRING, struct run_task, key, 0, "idempotency key"),
    JSON_FIELD_TABLE("result", JSON_OBJECT_PTR, struct run_task, result, 0, &plan_task_result_table,
                     "what the provider answered"),
};
const struct json_table run_task_table =
    JSON_TABLE("RunTask", struct run_task, task_fields, "one task of a run", NULL);

static const struct json_field spec_fields[] = {
    JSON_FIELD("plan", JSON_STRING, struct run_spec, plan, JSON_REQUIRED, "plan"),
    JSON_FIELD("digest", JSON_STRING, struct run_spec, digest, JSON_REQUIRED,
               "digest that was approved"),
    JSON_FIELD("deployment", JSON_STRING, struct run_spec, deployment, 0, "deployment"),
    JSON_FIELD("purpose", JSON_STRING, struct run_spec, purpose, 0, "open or remove"),
};
const struct json_table run_spec_table =
    JSON_TABLE("RunSpec", struct run_spec, spec_fields, "which plan is applied", NULL);

static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct run_status, state, JSON_REQUIRED, run_state_names, "state"),
    JSON_FIELD("queued_at", JSON_TIME, struct run_status, queued_at, 0, "came in"),
    JSON_FIELD("started_at", JSON_TIME, struct run_status, started_at, 0, "first task started"),
    JSON_FIELD("ended_at", JSON_TIME, struct run_status, ended_at, 0, "ended"),
    JSON_FIELD("tasks_total", JSON_INT, struct run_status, tasks_total, 0, "tasks"),
    JSON_FIELD("tasks_done", JSON_INT, struct run_status, tasks_done, 0, "succeeded"),
    JSON_FIELD("tasks_failed", JSON_INT, struct run_status, tasks_failed, 0, "failed for good"),
    JSON_FIELD("progress", JSON_DOUBLE, struct run_status, progress, 0, "0 to 1"),
    JSON_FIELD("eta_s", JSON_DOUBLE, struct run_status, eta_s, 0, "seconds left, estimated"),
    JSON_FIELD("simulated", JSON_BOOL, struct run_status, simulated, JSON_KEEP,
               "at least one task is simulated"),
    JSON_FIELD("error_code", JSON_STRING, struct run_status, error_code, 0, "why it failed"),
    JSON_FIELD("error_text", JSON_STRING, struct run_status, error_text, 0, "in words"),
    JSON_FIELD("error_hint", JSON_STRING, struct run_status, error_hint, 0, "what to do"),
    JSON_FIELD("owner", JSON_STRING, struct run_status, owner, 0, "server that drives it"),
    JSON_FIELD_TABLE("tasks", JSON_ARRAY, struct run_status, tasks, 0, &run_task_table, "tasks"),
};
const struct json_table run_status_table =
    JSON_TABLE("RunStatus", struct run_status, status_fields, "how far it is", NULL);
