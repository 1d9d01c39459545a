/* operations.h - requests that may take long: worked on by threads of their own, answered at once
 * when they are quick, else by a record to come back to; private to api. */
#ifndef SWAN_API_OPERATIONS_H
#define SWAN_API_OPERATIONS_H

#include "api/api_priv.h"

/* Threads that work, as many requests as wait for them at most, and how long a finished operation
 * can be read. */
#define API_OPERATION_THREADS 8
#define API_OPERATIONS_WAITING 256
#define API_OPERATION_KEPT_MS ((int64_t)24 * 3600 * 1000)
#define API_ANSWER_WITHIN_MS 1000 /* without a Prefer that says otherwise */
#define API_WAIT_MAX_S 30         /* of Prefer: wait=… */

enum api_operation_state {
    API_OPERATION_NONE,
    API_OPERATION_RUNNING,
    API_OPERATION_SUCCEEDED,
    API_OPERATION_FAILED,
    API_OPERATION_CANCELLED
};

struct api_operation_spec {
    const char *method, *path, *summary, *request_id;
};
struct api_operation_status {
    int state;
    const char *instance; /* of the server that works on it */
    int64_t started_at, ended_at;
    bool cancelling;
    /* while it runs, on the server that works on it */
    struct opt_double progress, elapsed_s, time_limit_s;
    /* what the request would have been answered: */
    struct opt_int http_status;
    const char *location;
    const char *answer, *problem; /* JSON; one of them */
};
extern const struct json_table api_operation_spec_table, api_operation_status_table;

/* Marks those of this instance that were running as failed: their server ended.  Called when the
 * server starts; nobody else works on them. */
enum err_code api_operations_new(struct api *api, struct api_operations **out, struct err *err);
/* What still runs is stopped, and said to be interrupted. */
void api_operations_free(struct api_operations *operations);

/* Runs call->route->handler on another thread.  Its answer or error is this call's; or, when it
 * takes longer than the asker wants to wait, 202 and the operation. */
enum err_code api_operations_run(struct api_call *call, struct err *err);

/* A record of an operation as it is now: progress, where it runs here. */
enum err_code api_operation_view(struct api_call *call, struct store_record *record,
                                 struct err *err);

/* ---- for what runs: all of these do nothing where call->operation is NULL ---- */
bool api_operation_should_stop(const struct api_call *call);
/* ERR_CANCELLED when it was cancelled, ERR_TRANSIENT when the server ends. */
enum err_code api_operation_check(const struct api_call *call, struct err *err);
void api_operation_limit(struct api_call *call, int64_t limit_ms);
/* Before the transaction that stores the result: from here on it can neither be cancelled nor
 * become an operation, unless that fails. */
enum err_code api_operation_begin_store(struct api_call *call, struct err *err);
void api_operation_store_failed(struct api_call *call);
/* The answer that stands in call->response becomes the operation's, in that transaction. */
enum err_code api_operation_keep(struct api_call *call, struct store_tx *tx, struct err *err);

#endif
