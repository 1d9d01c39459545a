/* operations.c - see operations.h.
 *
 * Each long request is handled on a thread of the pool here, with a copy of all that it needs; the
 * thread that brought it waits for the answer as long as the asker wants to (Prefer: respond-async,
 * wait=SECONDS; a second if not said).  When that is over, the request becomes an operation: its
 * record and the kept answer of its Idempotency-Key (202) are stored, and only then the asker is
 * told.  What is quick costs no record.
 *
 * Contract:
 * - An operation that was told of is never lost: it ends with the answer (stored in the same
 *   transaction as what it made), with a problem, or cancelled; one whose server died says so when
 *   that server starts again.  Nothing of it was stored then: the request may be sent again.
 * - While a result is being stored the request does not become an operation and is not cancelled.
 * - The one lock is never held across I/O. */
#include "api/operations.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"

/* ---- records ---- */

static const char *const state_names[] = {NULL,     "running",   "succeeded",
                                          "failed", "cancelled", NULL};

static const struct json_field spec_fields[] = {
    JSON_FIELD("method", JSON_STRING, struct api_operation_spec, method, 0, "of the request"),
    JSON_FIELD("path", JSON_STRING, struct api_operation_spec, path, 0, "of the request"),
    JSON_FIELD("summary", JSON_STRING, struct api_operation_spec, summary, 0, "what it does"),
    JSON_FIELD("request_id", JSON_STRING, struct api_operation_spec, request_id, 0,
               "X-Request-Id of the request"),
};
const struct json_table api_operation_spec_table =
    JSON_TABLE("Operation", struct api_operation_spec, spec_fields,
               "a request that took longer than its asker waited", NULL);

#define FIELD(kind_, member_, doc_) \
    JSON_FIELD(#member_, kind_, struct api_operation_status, member_, 0, doc_)
static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct api_operation_status, state, 0, state_names, "how it stands"),
    FIELD(JSON_STRING, instance, "the server that works on it"),
    FIELD(JSON_TIME, started_at, "when the request came in"),
    FIELD(JSON_TIME, ended_at, "when it ended"),
    FIELD(JSON_BOOL, cancelling, "it was asked to stop"),
    FIELD(JSON_OPT_DOUBLE, progress, "share of its time that has passed, while it runs"),
    FIELD(JSON_OPT_DOUBLE, elapsed_s, "seconds since it came in, while it runs"),
    FIELD(JSON_OPT_DOUBLE, time_limit_s, "most seconds of one search, while it runs"),
    FIELD(JSON_OPT_INT, http_status, "status of the answer"),
    FIELD(JSON_STRING, location, "what it made"),
    FIELD(JSON_RAW, answer, "the body of the answer"),
    FIELD(JSON_RAW, problem, "the problem that it was answered with"),
};
const struct json_table api_operation_status_table = JSON_TABLE(
    "OperationStatus", struct api_operation_status, status_fields, "how an operation stands", NULL);

/* ---- what is under way ---- */

enum phase { WAITING, WORKING, STORING, DONE };

struct api_operation {
    struct api_operations *all;
    enum phase phase;
    bool told;             /* it is an operation: nobody waits for it any more */
    bool telling;          /* its record is being stored */
    atomic_bool cancelled; /* by somebody */
    bool kept;             /* its outcome is in its record; only the worker looks at it */
    char id[ID_SIZE];
    int64_t started_ms, begun_mono_ms, limit_ms; /* limit 0 = not known yet */
    /* what the worker works with */
    struct arena arena;
    struct http_request request;
    struct http_response response;
    struct api_call call;
    enum err_code rc;
    struct err err;
    struct api_operation *next; /* in the list of all, oldest first */
};

struct api_operations {
    struct api *api;
    pthread_mutex_t lock;
    pthread_cond_t work, news; /* for workers; for those who wait */
    struct api_operation *first;
    size_t waiting;
    atomic_bool stop;
    pthread_t threads[API_OPERATION_THREADS];
    size_t thread_count;
};

static const struct store_actor server = {.user = "system", .tenant = "", .request = NULL};

static void operation_free(struct api_operation *operation)
{
    buf_done(&operation->response.body);
    arena_done(&operation->arena);
    mem_free(operation);
}

/* Takes it out of the list; the lock is held. */
static void unlink_locked(struct api_operations *all, const struct api_operation *operation)
{
    struct api_operation **at = &all->first;
    while (*at != operation)
        at = &(*at)->next;
    *at = operation->next;
}

static const char *encode(const struct json_table *table, const void *object, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(table, object, JSON_COMPACT, &text);
    return arena_strdup(arena, buf_str(&text));
}

static struct api_operation_status status_of(const struct api_operation *operation)
{
    return (struct api_operation_status){
        .state = API_OPERATION_RUNNING,
        .instance = operation->all->api->options.instance,
        .started_at = operation->started_ms,
    };
}

/* ---- the outcome ---- */

static const char *location_of(const struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq(response->headers[i].name, "Location"))
            return response->headers[i].value;
    return NULL;
}

static enum err_code write_outcome(struct store_tx *tx, struct api_operation *operation,
                                   struct err *err)
{
    struct api_call *call = &operation->call;
    struct api_operation_status status = status_of(operation);
    const struct http_response *response = &operation->response;
    const char *body =
        arena_strndup(&operation->arena, buf_str(&response->body), response->body.len);
    status.ended_at = clock_now_ms();
    status.http_status = (struct opt_int){true, response->status ? response->status
                                                                 : api_default_status(call->route)};
    if (operation->rc) {
        bool cancelled = operation->rc == ERR_CANCELLED && operation->cancelled;
        status.state = cancelled ? API_OPERATION_CANCELLED : API_OPERATION_FAILED;
        status.problem = body;
    } else {
        status.state = API_OPERATION_SUCCEEDED;
        status.location = location_of(response);
        status.answer = body;
    }
    return store_update(tx, "operations", operation->id, 0, NULL,
                        encode(&api_operation_status_table, &status, &operation->arena),
                        state_names[status.state], &call->actor, NULL, err);
}

static enum err_code outcome_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return write_outcome(tx, ctx, err);
}

enum err_code api_operation_keep(struct api_call *call, struct store_tx *tx, struct err *err)
{
    struct api_operation *operation = call->operation;
    if (!operation || !operation->told)
        return ERR_OK;
    operation->rc = ERR_OK;
    enum err_code rc = write_outcome(tx, operation, err);
    operation->kept = !rc;
    return rc;
}

/* ---- workers ---- */

static void work_on(struct api_operation *operation)
{
    struct api_call *call = &operation->call;
    struct err *err = &operation->err;
    enum err_code rc = FAULT_POINT("api.operation", err);
    if (rc || (rc = api_operation_check(call, err)) || (rc = call->route->handler(call, err)))
        err->code = rc;
    operation->rc = rc;
    if (rc && operation->response.status == 0) {
        buf_clear(&operation->response.body);
        operation->response.header_count = 0;
        api_problem(&operation->response, err, call->request->path, call->request_id, NULL);
    }
}

/* An operation that was told of, and whose outcome did not go with what it stored. */
static void tell_outcome(struct api_operation *operation)
{
    struct err trouble = ERR_INIT;
    if (err_info(operation->rc)->http_status >= 500)
        log_error("api", operation->request.path, &operation->err);
    if (!operation->kept &&
        store_write(operation->all->api->options.store, outcome_body, operation, &trouble))
        log_error("api", "the outcome of an operation could not be stored", &trouble);
}

static struct api_operation *next_waiting(struct api_operations *all)
{
    struct api_operation *operation = all->first;
    while (operation && operation->phase != WAITING)
        operation = operation->next;
    return operation;
}

static void *worker(void *ctx)
{
    struct api_operations *all = ctx;
    struct api_operation *operation;
    pthread_mutex_lock(&all->lock);
    for (;;) {
        while (!(operation = next_waiting(all)) && !all->stop)
            pthread_cond_wait(&all->work, &all->lock);
        if (!operation)
            break;
        operation->phase = WORKING;
        all->waiting--;
        pthread_mutex_unlock(&all->lock);
        work_on(operation);
        pthread_mutex_lock(&all->lock);
        while (operation->telling)
            pthread_cond_wait(&all->news, &all->lock);
        if (operation->told) {
            pthread_mutex_unlock(&all->lock);
            tell_outcome(operation);
            pthread_mutex_lock(&all->lock);
            unlink_locked(all, operation);
            operation_free(operation);
        } else {
            operation->phase = DONE; /* who waits for it frees it */
        }
        pthread_cond_broadcast(&all->news);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* ---- a request becomes one ---- */

static struct api_operation *operation_new(const struct api_call *call)
{
    struct api_operation *operation = mem_zalloc(sizeof *operation);
    struct arena *arena = &operation->arena;
    const struct http_request *request = call->request;
    operation->all = call->api->operations;
    operation->started_ms = clock_now_ms();
    operation->begun_mono_ms = clock_mono_ms();
    operation->request = (struct http_request){
        .method = arena_strdup(arena, request->method),
        .path = arena_strdup(arena, request->path),
        .peer = arena_strdup(arena, request->peer),
        .body = arena_memdup(arena, request->body, request->body_len + 1), /* NUL-ended */
        .body_len = request->body_len,
        .arena = arena,
    };
    struct api_call *copy = &operation->call;
    *copy = *call;
    copy->operation = operation;
    copy->request = &operation->request;
    copy->response = &operation->response;
    copy->arena = arena;
    copy->headers = 0;
    for (size_t i = 0; i < ARRAY_LEN(copy->params); i++)
        copy->params[i] = call->params[i] ? arena_strdup(arena, call->params[i]) : NULL;
    copy->if_match = call->if_match ? arena_strdup(arena, call->if_match) : NULL;
    copy->idempotency_key =
        call->idempotency_key ? arena_strdup(arena, call->idempotency_key) : NULL;
    copy->actor = (struct store_actor){
        .user = copy->who.user, .tenant = copy->who.tenant, .request = copy->request_id};
    return operation;
}

/* How long the asker waits, from RFC 7240's Prefer. */
static int64_t patience_ms(const struct api_call *call)
{
    const char *prefer = http_header(call->request, "Prefer");
    int64_t usual = call->api->options.answer_within_ms;
    const char *wait = prefer ? strstr(prefer, "wait=") : NULL;
    if (wait) {
        int64_t seconds = strtoll(wait + strlen("wait="), NULL, 10);
        return 1000 * (seconds < 0 ? 0 : seconds > API_WAIT_MAX_S ? API_WAIT_MAX_S : seconds);
    }
    return prefer && strstr(prefer, "respond-async") ? 0 : usual;
}

/* Operations that ended a day ago: some with each new one. */
static enum err_code drop_old(struct store_tx *tx, struct arena *arena, struct err *err)
{
    struct store_page page;
    char before[CLOCK_TEXT_SIZE];
    clock_format(clock_now_ms() - API_OPERATION_KEPT_MS, before);
    const struct store_condition conditions[] = {{"updated_at", STORE_LT, before},
                                                 {"status.state", STORE_NE, "running"}};
    struct store_list_query query = {.collection = "operations",
                                     .conditions = conditions,
                                     .condition_count = ARRAY_LEN(conditions),
                                     .limit = 10};
    enum err_code rc = store_list(tx, &query, &page, arena, err);
    for (size_t i = 0; !rc && i < page.count; i++)
        rc = store_delete(tx, "operations", page.records[i].id, 0, &server, err);
    return rc;
}

struct telling {
    struct api_call *call; /* of the thread that waits */
    struct api_operation *operation;
};

static enum err_code tell_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct telling *telling = ctx;
    struct api_call *call = telling->call;
    const struct api_operation *operation = telling->operation;
    struct api_operation_spec spec = {call->request->method, call->request->path,
                                      call->route->summary, call->request_id};
    struct api_operation_status status = status_of(operation);
    struct store_record record = {.collection = "operations",
                                  .id = operation->id,
                                  .tenant = call->who.tenant,
                                  .spec = encode(&api_operation_spec_table, &spec, call->arena),
                                  .status =
                                      encode(&api_operation_status_table, &status, call->arena)};
    enum err_code rc;
    buf_clear(&call->response->body);
    call->response->header_count = call->headers;
    if ((rc = drop_old(tx, call->arena, err)) ||
        (rc = store_insert(tx, &record, &call->actor, err)) ||
        (rc = store_get(tx, "operations", operation->id, &record, call->arena, err)))
        return rc;
    call->response->status = 202;
    store_write_record(&record, &call->response->body);
    buf_add_char(&call->response->body, '\n');
    call->object = arena_printf(call->arena, "operations/%s", operation->id);
    http_add_header(call->response, "Location",
                    arena_printf(call->arena, "/api/v1/operations/%s", operation->id));
    http_add_header(call->response, "Preference-Applied", "respond-async");
    return api_idempotency_keep(call, tx, err);
}

/* The lock is held, and again when it returns.  On failure the request goes on as one that is
 * waited for. */
static bool tell(struct api_call *call, struct api_operation *operation)
{
    struct api_operations *all = operation->all;
    struct telling telling = {call, operation};
    struct err trouble = ERR_INIT;
    id_new("op", operation->id);
    operation->telling = true;
    pthread_mutex_unlock(&all->lock);
    enum err_code rc = store_write(all->api->options.store, tell_body, &telling, &trouble);
    if (rc)
        log_error("api", "an operation could not be stored", &trouble);
    pthread_mutex_lock(&all->lock);
    operation->telling = false;
    operation->told = !rc;
    if (rc) {
        call->response->status = 0;
        call->response->header_count = call->headers;
        buf_clear(&call->response->body);
    } else {
        call->idempotency_key = operation->call.idempotency_key = NULL; /* kept with the record */
    }
    pthread_cond_broadcast(&all->news);
    return !rc;
}

/* What the worker answered becomes the answer of the thread that waited. */
static void take_answer(struct api_call *call, struct api_operation *operation, struct err *err)
{
    struct http_response *from = &operation->response, *to = call->response;
    to->status = from->status;
    buf_clear(&to->body);
    buf_add(&to->body, buf_str(&from->body), from->body.len);
    to->content_type = from->content_type; /* static */
    for (size_t i = 0; i < from->header_count; i++)
        http_add_header(to, arena_strdup(call->arena, from->headers[i].name),
                        arena_strdup(call->arena, from->headers[i].value));
    if (operation->call.object)
        call->object = arena_strdup(call->arena, operation->call.object);
    if (!operation->call.idempotency_key)
        call->idempotency_key = NULL;
    if (err)
        *err = operation->err;
}

static struct timespec after_ms(int64_t wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + wait_ms % 1000 * 1000000;
    at.tv_sec += wait_ms / 1000 + ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    return at;
}

enum err_code api_operations_run(struct api_call *call, struct err *err)
{
    struct api_operations *all = call->api->operations;
    pthread_mutex_lock(&all->lock);
    if (all->stop || all->waiting >= API_OPERATIONS_WAITING) {
        bool stop = all->stop;
        pthread_mutex_unlock(&all->lock);
        err_set(err, ERR_TRANSIENT, stop ? "the server is ending" : "%d requests wait already",
                API_OPERATIONS_WAITING);
        return err_hint(err, "try again later");
    }
    struct api_operation *operation = operation_new(call);
    int64_t patience = patience_ms(call);
    bool told = patience == 0 && tell(call, operation); /* before it could be quick */
    struct api_operation **end = &all->first;
    while (*end)
        end = &(*end)->next;
    *end = operation;
    all->waiting++;
    pthread_cond_signal(&all->work);
    struct timespec until = after_ms(patience);
    bool patient = patience > 0;
    while (operation->phase != DONE && !told) {
        if (!patient || operation->phase == STORING)
            pthread_cond_wait(&all->news, &all->lock);
        else if (pthread_cond_timedwait(&all->news, &all->lock, &until) == ETIMEDOUT &&
                 operation->phase < STORING) {
            told = tell(call, operation);
            patient = told;
        }
    }
    if (told) {
        pthread_mutex_unlock(&all->lock);
        return ERR_OK; /* it is the worker's now */
    }
    unlink_locked(all, operation);
    pthread_mutex_unlock(&all->lock);
    enum err_code rc = operation->rc;
    take_answer(call, operation, err);
    operation_free(operation);
    return rc;
}

/* ---- for what runs ---- */

bool api_operation_should_stop(const struct api_call *call)
{
    const struct api_operation *operation = call->operation;
    return operation && (operation->cancelled || operation->all->stop);
}

enum err_code api_operation_check(const struct api_call *call, struct err *err)
{
    struct api_operation *operation = call->operation;
    if (!api_operation_should_stop(call))
        return ERR_OK;
    if (operation->cancelled)
        return err_set(err, ERR_CANCELLED, "the operation was cancelled");
    err_set(err, ERR_TRANSIENT, "the server ended while it worked on this");
    return err_hint(err, "nothing was stored: send the request again");
}

void api_operation_limit(struct api_call *call, int64_t limit_ms)
{
    struct api_operation *operation = call->operation;
    if (!operation)
        return;
    pthread_mutex_lock(&operation->all->lock);
    operation->limit_ms = limit_ms;
    pthread_mutex_unlock(&operation->all->lock);
}

enum err_code api_operation_begin_store(struct api_call *call, struct err *err)
{
    struct api_operation *operation = call->operation;
    enum err_code rc = api_operation_check(call, err);
    if (!operation || rc)
        return rc;
    struct api_operations *all = operation->all;
    pthread_mutex_lock(&all->lock);
    while (operation->telling)
        pthread_cond_wait(&all->news, &all->lock);
    bool cancelled = operation->cancelled;
    if (!cancelled)
        operation->phase = STORING;
    pthread_mutex_unlock(&all->lock);
    return cancelled ? err_set(err, ERR_CANCELLED, "the operation was cancelled") : ERR_OK;
}

void api_operation_store_failed(struct api_call *call)
{
    struct api_operation *operation = call->operation;
    if (!operation)
        return;
    pthread_mutex_lock(&operation->all->lock);
    operation->phase = WORKING;
    pthread_cond_broadcast(&operation->all->news);
    pthread_mutex_unlock(&operation->all->lock);
}

/* ---- looking, cancelling ---- */

/* The one of that id which runs here; the lock is held. */
static struct api_operation *find_locked(struct api_operations *all, const char *id)
{
    struct api_operation *operation = all->first;
    while (operation && !(operation->told && str_eq(operation->id, id)))
        operation = operation->next;
    return operation;
}

enum err_code api_operation_view(struct api_call *call, struct store_record *record,
                                 struct err *err)
{
    struct api_operations *all = call->api->operations;
    struct api_operation_status status;
    enum err_code rc =
        json_decode_stored(record->status, &api_operation_status_table, &status, call->arena, err);
    if (rc || status.state != API_OPERATION_RUNNING)
        return rc;
    pthread_mutex_lock(&all->lock);
    const struct api_operation *operation = find_locked(all, record->id);
    if (operation) {
        double elapsed = (double)(clock_mono_ms() - operation->begun_mono_ms) / 1000;
        double limit = (double)operation->limit_ms / 1000;
        status.elapsed_s = (struct opt_double){true, elapsed};
        status.cancelling = operation->cancelled;
        if (limit > 0) {
            status.time_limit_s = (struct opt_double){true, limit};
            status.progress = (struct opt_double){true, elapsed < limit ? elapsed / limit : 1};
        }
    }
    pthread_mutex_unlock(&all->lock);
    record->status = encode(&api_operation_status_table, &status, call->arena);
    return ERR_OK;
}

static enum err_code load(struct api_call *call, struct store_record *record,
                          struct api_operation_status *status, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)))
        return rc;
    rc = store_get(tx, "operations", call->params[0], record, call->arena, err);
    if (rc == ERR_NOT_FOUND || rc == ERR_INVALID ||
        (!rc && !api_may_see(call, api_collection_find("operations"), record)))
        return err_set(err, ERR_NOT_FOUND, "no operation is named '%.100s'", call->params[0]);
    return rc ? rc
              : json_decode_stored(record->status, &api_operation_status_table, status, call->arena,
                                   err);
}

static enum err_code cancel(struct api_call *call, struct err *err)
{
    struct api_operations *all = call->api->operations;
    struct store_record record;
    struct api_operation_status status;
    enum err_code rc = load(call, &record, &status, err);
    if (rc)
        return rc;
    call->object = arena_printf(call->arena, "operations/%s", record.id);
    pthread_mutex_lock(&all->lock);
    struct api_operation *operation = find_locked(all, record.id);
    bool possible = operation && operation->phase < STORING;
    if (possible)
        operation->cancelled = true;
    pthread_mutex_unlock(&all->lock);
    if (!possible && status.state == API_OPERATION_RUNNING &&
        !str_eq(status.instance, call->api->options.instance)) {
        err_set(err, ERR_CONFLICT, "operation '%s' is worked on by server %s", record.id,
                status.instance);
        return err_hint(err, "cancel it there");
    }
    if (!possible)
        return err_set(err, ERR_CONFLICT, "operation '%s' has ended", record.id);
    if ((rc = api_operation_view(call, &record, err)))
        return rc;
    api_answer_record(call, &record);
    return ERR_OK;
}

static const struct api_route routes[] = {
    {"DELETE", "/api/v1/operations/{id}", ACCESS_CUSTOMER, API_ACCEPTED, NULL, NULL, "operations",
     NULL, "stop an operation; nothing of it is stored", cancel},
};
const struct api_routes api_routes_operations = {routes, ARRAY_LEN(routes)};

/* ---- start, end ---- */

struct recovery {
    struct api *api;
    struct arena arena;
};

static enum err_code recover_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct recovery *recovery = ctx;
    const struct store_condition conditions[] = {
        {"status.state", STORE_EQ, "running"},
        {"status.instance", STORE_EQ, recovery->api->options.instance}};
    struct store_list_query query = {.collection = "operations",
                                     .conditions = conditions,
                                     .condition_count = ARRAY_LEN(conditions),
                                     .limit = 1000};
    struct err lost = ERR_INIT;
    err_set(&lost, ERR_TRANSIENT, "the server ended while it worked on this");
    err_hint(&lost, "nothing was stored: send the request again");
    struct store_page page;
    enum err_code rc;
    do { /* what is marked is no longer in the next page */
        if ((rc = store_list(tx, &query, &page, &recovery->arena, err)))
            return rc;
        for (size_t i = 0; !rc && i < page.count; i++) {
            struct api_operation_status status;
            struct http_response response = {.status = 0};
            if ((rc = json_decode_stored(page.records[i].status, &api_operation_status_table,
                                         &status, &recovery->arena, err)))
                return rc;
            api_problem(&response, &lost, NULL, NULL, NULL);
            status.state = API_OPERATION_FAILED;
            status.ended_at = clock_now_ms();
            status.http_status = (struct opt_int){true, response.status};
            status.problem = arena_strdup(&recovery->arena, buf_str(&response.body));
            buf_done(&response.body);
            rc = store_update(tx, "operations", page.records[i].id, 0, NULL,
                              encode(&api_operation_status_table, &status, &recovery->arena),
                              "failed", &server, NULL, err);
        }
    } while (!rc && page.next);
    return rc;
}

enum err_code api_operations_new(struct api *api, struct api_operations **out, struct err *err)
{
    struct recovery recovery = {.api = api};
    enum err_code rc = store_write(api->options.store, recover_body, &recovery, err);
    arena_done(&recovery.arena);
    if (rc)
        return rc;
    struct api_operations *all = mem_zalloc(sizeof *all);
    pthread_condattr_t monotonic;
    all->api = api;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&all->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (!rc && all->thread_count < API_OPERATION_THREADS) {
        int code = pthread_create(&all->threads[all->thread_count], NULL, worker, all);
        if (code)
            rc = err_errno(err, code, "starting a thread");
        else
            all->thread_count++;
    }
    if (rc) {
        api_operations_free(all);
        return rc;
    }
    *out = all;
    return ERR_OK;
}

void api_operations_free(struct api_operations *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_broadcast(&all->work);
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < all->thread_count; i++)
        pthread_join(all->threads[i], NULL);
    pthread_cond_destroy(&all->work);
    pthread_cond_destroy(&all->news);
    pthread_mutex_destroy(&all->lock);
    mem_free(all);
}
