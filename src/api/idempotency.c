/* idempotency.c - a POST with Idempotency-Key takes effect once.
 *
 * The key is noted (state 0) before the handler runs and gets its answer (state 1) in the same
 * transaction as the change, where the handler has one.  A server that dies between the two leaves
 * a noted key without answer: whoever repeats it is told so (409) rather than served twice. */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

#define KEY_BYTES 128
#define KEPT_MS ((int64_t)24 * 3600 * 1000)

static const struct store_migration migrations[] = {
    {1, "api: answers kept for repeated requests",
     "CREATE TABLE api_idempotency ("
     " owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, instance TEXT NOT NULL,"
     " created_ms BIGINT NOT NULL, status BIGINT NOT NULL, location TEXT, etag TEXT, body TEXT,"
     " PRIMARY KEY (owner, key));"
     "CREATE INDEX api_idempotency_created ON api_idempotency (created_ms)"},
};
const struct store_module api_store_module = {"api", migrations, ARRAY_LEN(migrations)};

struct begin {
    struct api_call *call;
    struct store_rows rows;
};

static enum err_code begin_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct begin *begin = ctx;
    struct api_call *call = begin->call;
    int64_t now = clock_now_ms();
    struct store_value old[] = {STORE_V_INT(now - KEPT_MS)};
    struct store_value key[] = {STORE_V_TEXT(call->who.user), STORE_V_TEXT(call->idempotency_key)};
    struct store_value row[] = {STORE_V_TEXT(call->who.user), STORE_V_TEXT(call->idempotency_key),
                                STORE_V_TEXT(call->fingerprint),
                                STORE_V_TEXT(call->api->options.instance), STORE_V_INT(now)};
    int64_t inserted = 0;
    enum err_code rc;
    begin->rows = (struct store_rows){0};
    if ((rc = store_exec(tx, "DELETE FROM api_idempotency WHERE created_ms < $1", old, 1, NULL,
                         err)) ||
        (rc = store_exec(tx,
                         "INSERT INTO api_idempotency (owner, key, fingerprint, instance,"
                         " created_ms, status) VALUES ($1, $2, $3, $4, $5, 0)"
                         " ON CONFLICT (owner, key) DO NOTHING",
                         row, 5, &inserted, err)) ||
        inserted)
        return rc;
    return store_query(tx,
                       "SELECT fingerprint, status, location, etag, body FROM api_idempotency"
                       " WHERE owner = $1 AND key = $2",
                       key, 2, 1, &begin->rows, call->arena, err);
}

static void add_parameter(void *text, const char *name, const char *value)
{
    buf_printf(text, "%s=%s\n", name, value);
}

enum err_code api_idempotency_begin(struct api_call *call, bool *ret_answered, struct err *err)
{
    const char *key = http_header(call->request, "Idempotency-Key");
    if (!key || call->dry_run) /* a trial has no effect to repeat */
        return ERR_OK;
    size_t len = strlen(key);
    if (len == 0 || len > KEY_BYTES || !str_is_utf8(key, len)) {
        err_set(err, ERR_INVALID, "an idempotency key has 1 to %d bytes of UTF-8", KEY_BYTES);
        return err_field(err, "Idempotency-Key");
    }
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "%s %s\n", call->request->method, call->request->path);
    http_each_query(call->request, add_parameter, &text);
    buf_add_char(&text, '\n');
    buf_add(&text, call->request->body, call->request->body_len);
    id_digest(buf_str(&text), text.len, call->fingerprint);
    call->idempotency_key = arena_strdup(call->arena, key);

    struct begin begin = {.call = call};
    enum err_code rc = store_write(call->api->options.store, begin_body, &begin, err);
    if (!rc && begin.rows.count == 0)
        return ERR_OK;
    call->idempotency_key = NULL; /* somebody else's to end */
    if (rc)
        return rc;
    if (!str_eq(store_cell(&begin.rows, 0, 0)->text, call->fingerprint)) {
        err_set(err, ERR_CONFLICT, "this key was used for another request");
        return err_field(err, "Idempotency-Key");
    }
    int64_t status = store_cell(&begin.rows, 0, 1)->integer;
    if (status == 0) {
        err_set(err, ERR_CONFLICT, "the first request with this key has no answer yet");
        return err_hint(err, "it is under way, or its server died before it could answer: look "
                             "at what exists, then use a new key");
    }
    const char *location = store_cell(&begin.rows, 0, 2)->text;
    const char *etag = store_cell(&begin.rows, 0, 3)->text;
    const char *body = store_cell(&begin.rows, 0, 4)->text;
    call->response->status = (int)status;
    buf_add_str(&call->response->body, body ? body : "");
    if (location)
        http_add_header(call->response, "Location", location);
    if (etag)
        http_add_header(call->response, "ETag", etag);
    http_add_header(call->response, "Idempotency-Replayed", "true");
    *ret_answered = true;
    return ERR_OK;
}

static const char *header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq(response->headers[i].name, name))
            return response->headers[i].value;
    return NULL;
}

static enum err_code keep_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct api_call *call = ctx;
    int status = call->response->status              ? call->response->status
                 : call->route->flags & API_ACCEPTED ? 202
                 : call->route->flags & API_CREATED  ? 201
                                                     : 200;
    struct store_value args[] = {STORE_V_INT(status),
                                 STORE_V_TEXT(header_of(call->response, "Location")),
                                 STORE_V_TEXT(header_of(call->response, "ETag")),
                                 STORE_V_TEXT(buf_str(&call->response->body)),
                                 STORE_V_TEXT(call->who.user),
                                 STORE_V_TEXT(call->idempotency_key)};
    return store_exec(tx,
                      "UPDATE api_idempotency SET status = $1, location = $2, etag = $3,"
                      " body = $4 WHERE owner = $5 AND key = $6",
                      args, ARRAY_LEN(args), NULL, err);
}

enum err_code api_idempotency_keep(struct api_call *call, struct store_tx *tx, struct err *err)
{
    if (!call->idempotency_key)
        return ERR_OK;
    if (tx)
        return keep_body(tx, call, err);
    enum err_code rc = store_write(call->api->options.store, keep_body, call, err);
    if (!rc)
        call->idempotency_key = NULL;
    return rc;
}

static enum err_code forget_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct api_call *call = ctx;
    struct store_value args[] = {STORE_V_TEXT(call->who.user), STORE_V_TEXT(call->idempotency_key)};
    return store_exec(tx,
                      "DELETE FROM api_idempotency WHERE owner = $1 AND key = $2 AND status = 0",
                      args, 2, NULL, err);
}

/* A request that failed may be tried again with its key. */
void api_idempotency_forget(struct api_call *call)
{
    if (call->idempotency_key)
        store_write(call->api->options.store, forget_body, call, NULL);
    call->idempotency_key = NULL;
}
