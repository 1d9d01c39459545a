/* answer.c - records, tables and problems as answers. */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/str.h"

void api_problem(struct http_response *response, const struct err *err, const char *instance,
                 const char *request_id, const char *extra_members)
{
    const struct err_info *info = err_info(err->code);
    struct json_writer w = JSON_WRITER(&response->body);
    char type[96];
    if (response->status == 0)
        response->status = info->http_status;
    str_format(type, sizeof type, "urn:swan:problem:%s", info->name);
    json_begin(&w, '{');
    json_member_text(&w, "type", type);
    json_member_text(&w, "title", info->title);
    json_member_int(&w, "status", response->status);
    json_member_text(&w, "detail", err->text);
    if (instance)
        json_member_text(&w, "instance", instance);
    json_member_text(&w, "code", info->name);
    json_member_text(&w, "class", info->class);
    json_member_bool(&w, "retryable", info->retryable);
    if (err->field[0])
        json_member_text(&w, "field", err->field);
    if (err->hint[0])
        json_member_text(&w, "hint", err->hint);
    if (request_id)
        json_member_text(&w, "request_id", request_id);
    if (extra_members) {
        buf_add_char(&response->body, ',');
        buf_add_str(&response->body, extra_members);
    }
    json_end(&w, '}');
    buf_add_char(&response->body, '\n');
    response->content_type = "application/problem+json";
    if (info->retryable)
        http_add_header(response, "Retry-After", "1");
}

bool api_is_known(const struct api_call *call, const char *etag)
{
    const char *given = http_header(call->request, "If-None-Match");
    return given && (str_eq(given, "*") || strstr(given, etag));
}

static const char *etag_of(const struct api_call *call, const struct store_record *record)
{
    return arena_printf(call->arena, "\"%lld\"", (long long)record->version);
}

void api_answer_record(struct api_call *call, const struct store_record *record)
{
    store_write_record(record, &call->response->body);
    buf_add_char(&call->response->body, '\n');
    call->object = arena_printf(call->arena, "%s/%s", record->collection, record->id);
    if (call->dry_run) {
        call->response->status = 200; /* nothing was made that could have a place or a version */
        return;
    }
    http_add_header(call->response, "ETag", etag_of(call, record));
    if (call->route->flags & (API_CREATED | API_ACCEPTED))
        http_add_header(call->response, "Location",
                        arena_printf(call->arena, "/api/v1/%s", call->object));
}

void api_answer_known_record(struct api_call *call, const struct store_record *record)
{
    const char *etag = etag_of(call, record);
    if (!api_is_known(call, etag)) {
        api_answer_record(call, record);
        return;
    }
    http_add_header(call->response, "ETag", etag);
    call->response->status = 304;
}

void api_answer_table(struct api_call *call, const struct json_table *table, const void *object)
{
    json_encode(table, object, JSON_COMPACT, &call->response->body);
    buf_add_char(&call->response->body, '\n');
}

void api_answer_text(struct api_call *call, int status, const char *content_type, const char *text)
{
    call->response->status = status;
    call->response->content_type = content_type;
    buf_add_str(&call->response->body, text);
}

enum err_code api_answer_stored(struct api_call *call, const char *collection, const char *id,
                                struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_record record;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_get(tx, collection, id, &record, call->arena, err)))
        return rc;
    api_answer_record(call, &record);
    return ERR_OK;
}
