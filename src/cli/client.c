/* client.c - one call of the API, with problems turned into errors.
 *
 * Contract: an RFC 9457 problem gives an error of its code, so the exit code is the server's
 * verdict.  What may be repeated without harm (GET, and POST with an idempotency key) is tried
 * three times when a connection breaks to a server that has answered before; nothing else is. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define ATTEMPTS 3
#define ATTEMPT_PAUSE_MS 300

struct http_header_pair cli_authorization(struct cli_call *call)
{
    return (struct http_header_pair){"Authorization",
                                     arena_printf(call->arena, "Bearer %s", call->token)};
}

const char *cli_path(struct arena *arena, const char *prefix, const char *id, const char *suffix)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_add_str(&path, prefix);
    for (const unsigned char *c = (const unsigned char *)id; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("-._~@:", *c))
            buf_add_char(&path, (char)*c);
        else
            buf_printf(&path, "%%%02X", *c);
    }
    buf_add_str(&path, suffix ? suffix : "");
    return arena_strdup(arena, buf_str(&path));
}

void cli_query_add(struct buf *path, const char *name, const char *value)
{
    struct arena arena = ARENA_INIT;
    buf_add_char(path, strchr(buf_str(path), '?') ? '&' : '?');
    buf_printf(path, "%s=%s", name, cli_path(&arena, "", value, NULL));
    arena_done(&arena);
}

static enum err_code not_there(struct cli_call *call, struct err *err)
{
    err_set(err, ERR_TRANSIENT, _("no server answers at %s"), call->server);
    return err_hint(err, _("start one with ./run (or: swan serve), or name another with --server"));
}

/* A word for the error of a status when the body is no problem of ours. */
static enum err_code code_of_status(int status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 412:
        return ERR_PRECONDITION;
    case 413:
        return ERR_TOO_LARGE;
    case 429:
        return ERR_RATE;
    case 502:
    case 503:
        return ERR_TRANSIENT;
    case 504:
        return ERR_TIMEOUT;
    default:
        return status < 500 ? ERR_INVALID : ERR_IO;
    }
}

static enum err_code read_problem(struct cli_call *call, const struct http_reply *reply,
                                  struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *code = NULL;
    if (!json_parse(reply->body, reply->body_len, &json_limits_large, &doc, NULL))
        code = json_text(json_get(json_root(doc), "code"), NULL);
    if (!code) {
        err_set(err, code_of_status(reply->status), _("the server answers %d"), reply->status);
        return err_hint(err, _("is %s really a server of Swan?"), call->server);
    }
    const struct json_value *root = json_root(doc);
    err_set(err, err_code_by_name(code), "%s",
            json_text(json_get(root, "detail"), json_text(json_get(root, "title"), code)));
    const char *field = json_text(json_get(root, "field"), "");
    const char *hint = json_text(json_get(root, "hint"), "");
    if (field[0])
        err_field(err, "%s", field);
    if (hint[0])
        err_hint(err, "%s", hint);
    if (err->code == ERR_UNAUTHENTICATED)
        err_hint(err, "%s",
                 call->token ? _("this token is not (or no longer) valid here: swan login")
                             : _("say who you are: swan login, --token or SWAN_TOKEN"));
    return err->code;
}

enum err_code cli_send(struct cli_call *call, const struct cli_request *request,
                       struct http_reply *out, struct err *err)
{
    struct http_header_pair headers[2];
    size_t count = 0;
    enum err_code rc = call->server ? ERR_OK : cli_context_apply(call, err);
    if (rc)
        return rc;
    if (call->token)
        headers[count++] = cli_authorization(call);
    if (request->idempotency_key)
        headers[count++] = (struct http_header_pair){"Idempotency-Key", request->idempotency_key};
    struct http_call http = {
        .method = request->method,
        .url = arena_printf(call->arena, "%s%s", call->server, request->path),
        .headers = headers,
        .header_count = count,
        .body = request->body,
        .body_len = request->body_len ? request->body_len
                    : request->body   ? strlen(request->body)
                                      : 0,
        .body_file = request->body_file,
        .content_type = request->content_type,
        .timeout_ms = request->timeout_ms ? request->timeout_ms : call->timeout_ms,
        .max_reply_bytes = (size_t)256 << 20,
        .on_progress = request->on_progress,
        .ctx = request->ctx,
    };
    bool repeatable =
        request->idempotency_key || !request->method || str_eq(request->method, "GET");
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
        rc = http_call(&http, out, call->arena, err);
        call->reached = call->reached || rc == ERR_OK;
        if (rc != ERR_TRANSIENT || !repeatable || !call->reached)
            break;
        if (attempt < ATTEMPTS)
            clock_sleep_ms(ATTEMPT_PAUSE_MS);
    }
    if (rc == ERR_TRANSIENT)
        return not_there(call, err);
    if (rc)
        return rc;
    if (cli_is_operation(request, out) && (rc = cli_await_operation(call, out, err)))
        return rc;
    return out->status >= 400 ? read_problem(call, out, err) : ERR_OK;
}

enum err_code cli_send_json(struct cli_call *call, const struct cli_request *request,
                            struct json_doc **out, struct err *err)
{
    struct http_reply reply;
    enum err_code rc = cli_send(call, request, &reply, err);
    if (rc)
        return rc;
    if (reply.body_len == 0)
        return json_parse("null", 4, NULL, out, err);
    if (json_parse(reply.body, reply.body_len, &json_limits_large, out, NULL)) {
        err_set(err, ERR_INVALID, _("the server's answer is no JSON"));
        return err_hint(err, _("is %s really a server of Swan?"), call->server);
    }
    return ERR_OK;
}

enum err_code cli_get(struct cli_call *call, const char *path, struct json_doc **out,
                      struct err *err)
{
    return cli_send_json(call, &(struct cli_request){.method = "GET", .path = path}, out, err);
}

enum err_code cli_post(struct cli_call *call, const char *path, const char *body,
                       struct json_doc **out, struct err *err)
{
    char key[ID_SIZE];
    id_new("cli", key);
    return cli_send_json(
        call,
        &(struct cli_request){.method = "POST", .path = path, .body = body, .idempotency_key = key},
        out, err);
}

enum err_code cli_decode(const struct json_value *value, const struct json_table *table, void *out,
                         struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (!value)
        return err_set(err, ERR_INVALID, _("the server's answer lacks what is needed"));
    json_write(value, JSON_COMPACT, &text);
    if (json_decode_stored(buf_str(&text), table, out, arena, err)) {
        err_context(err, "%s", _("the server's answer is not understood"));
        return err_hint(err, _("are server and command line of the same version? (swan version)"));
    }
    return ERR_OK;
}
