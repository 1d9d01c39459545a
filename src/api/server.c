/* server.c - one request from the wire to a handler and back.
 *
 * Contract: every answer is JSON, text, problem+json or a stream; a handler that fails has changed
 * nothing and leaves no half-written body.  Every write that was tried gets an audit record with
 * its outcome, also a refused one; the audit is written after the answer is known and never changes
 * it. */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"

enum err_code api_new(const struct api_options *options, struct api **out, struct err *err)
{
    (void)err;
    struct api *api = mem_zalloc(sizeof *api);
    api->options = *options;
    if (api->options.design_time_limit_s <= 0)
        api->options.design_time_limit_s = 10;
    api->started_ms = clock_now_ms();
    api->watch = api_watch_new(options->store);
    *out = api;
    return ERR_OK;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_watch_free(api->watch);
    mem_free(api);
}

void api_set_ready(struct api *api, bool ready)
{
    api->ready = ready;
}

/* Matches one path against a pattern; captures point into the arena. */
static bool matches(const char *pattern, const char *path, struct api_call *call)
{
    size_t params = 0;
    while (*pattern) {
        if (*pattern == '{') {
            const char *end = strchr(path, '/');
            size_t len = end ? (size_t)(end - path) : strlen(path);
            if (len == 0 || params == API_MAX_PARAMS)
                return false;
            call->params[params++] = arena_strndup(call->arena, path, len);
            path += len;
            pattern = strchr(pattern, '}') + 1;
        } else if (*pattern == *path) {
            pattern++;
            path++;
        } else {
            return false;
        }
    }
    return *path == '\0';
}

static const struct api_route *find_route(struct api_call *call, char *allow, size_t allow_size)
{
    const char *method = call->request->method;
    bool head = str_eq(method, "HEAD");
    for (size_t p = 0; p < api_route_part_count; p++) {
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            const struct api_route *route = &api_route_parts[p]->items[i];
            if (!matches(route->path, call->request->path, call))
                continue;
            if (str_eq(route->method, head ? "GET" : method))
                return route;
            if (!strstr(allow, route->method))
                str_format(allow + strlen(allow), allow_size - strlen(allow), "%s%s",
                           *allow ? ", " : "", route->method);
        }
    }
    return NULL;
}

static void set_request_id(struct api_call *call)
{
    const char *given = http_header(call->request, "X-Request-Id");
    if (given && !str_check_name(given, sizeof call->request_id - 1, "request id", NULL))
        str_format(call->request_id, sizeof call->request_id, "%s", given);
    else
        id_new("req", call->request_id);
    http_add_header(call->response, "X-Request-Id", arena_strdup(call->arena, call->request_id));
}

static bool is_write(const struct api_call *call)
{
    const char *method = call->request->method;
    return !str_eq(method, "GET") && !str_eq(method, "HEAD") && !str_eq(method, "OPTIONS");
}

static enum err_code authorise(struct api_call *call, struct err *err)
{
    if (call->route->flags & API_OPEN) {
        str_format(call->who.user, sizeof call->who.user, "%s", "anonymous");
        return ERR_OK;
    }
    enum err_code rc = access_check(call->api->options.access,
                                    http_header(call->request, "Authorization"), &call->who, err);
    if (rc)
        return rc;
    if (call->who.role >= call->route->role)
        return ERR_OK;
    err_set(err, ERR_FORBIDDEN, "%s %s needs the role %s; you have %s", call->request->method,
            call->route->path, access_role_names[call->route->role],
            call->who.role ? access_role_names[call->who.role] : "none");
    return err_hint(err, "ask an admin for a token with that role");
}

static enum err_code run(struct api_call *call, struct err *err)
{
    char allow[64] = "";
    call->route = find_route(call, allow, sizeof allow);
    if (!call->route && *allow) {
        http_add_header(call->response, "Allow", arena_strdup(call->arena, allow));
        return err_set(err, ERR_METHOD, "%s is not possible here; %s is", call->request->method,
                       allow);
    }
    if (!call->route) {
        err_set(err, ERR_NOT_FOUND, "nothing lies at this path");
        return err_hint(err, "GET /api/v1/openapi.json lists every path");
    }
    enum err_code rc = authorise(call, err);
    if (rc)
        return rc;
    call->actor = (struct store_actor){
        .user = call->who.user, .tenant = call->who.tenant, .request = call->request_id};
    call->dry_run = api_query_is_true(call, "dry_run");
    if (call->dry_run && is_write(call) && !(call->route->flags & (API_DRY_RUN | API_NO_AUDIT))) {
        err_set(err, ERR_UNSUPPORTED, "this write cannot be tried without effect");
        return err_field(err, "dry_run");
    }
    if (str_eq(call->request->method, "POST") && !(call->route->flags & (API_SECRET | API_OPEN))) {
        bool answered = false;
        if ((rc = api_idempotency_begin(call, &answered, err)) || answered)
            return rc;
    }
    rc = call->route->handler(call, err);
    if (rc) {
        api_idempotency_forget(call);
        return rc;
    }
    return call->idempotency_key ? api_idempotency_keep(call, NULL, err) : ERR_OK;
}

static void audit(struct api_call *call, const struct err *err)
{
    if (!call->route || !is_write(call) || (call->route->flags & API_NO_AUDIT) || call->dry_run)
        return;
    const struct err_info *info = err_info(err->code);
    char outcome[64];
    if (err->code)
        str_format(outcome, sizeof outcome, "%d %s", info->http_status, info->name);
    else
        str_format(outcome, sizeof outcome, "%d", call->response->status);
    struct access_audit record = {.method = call->request->method,
                                  .path = call->request->path,
                                  .outcome = outcome,
                                  .object = call->object,
                                  .request = call->request_id,
                                  .peer = call->request->peer};
    struct err trouble = ERR_INIT;
    if (access_audit_write(call->api->options.access, &call->who, &record, &trouble))
        log_error("api", "an audit record could not be written", &trouble);
    call->api->writes++;
}

static int default_status(const struct api_route *route)
{
    return route->flags & API_ACCEPTED     ? 202
           : route->flags & API_CREATED    ? 201
           : route->flags & API_NO_CONTENT ? 204
                                           : 200;
}

void api_handle(void *self, struct http_request *request, struct http_response *response)
{
    struct api *api = self;
    struct err err = ERR_INIT;
    struct api_call call = {
        .api = api, .request = request, .response = response, .arena = request->arena};
    set_request_id(&call);
    enum err_code rc = run(&call, &err);
    if (rc) {
        /* A handler may have put a problem with more members in place already. */
        if (response->status == 0) {
            buf_clear(&response->body);
            api_problem(response, &err, request->path, call.request_id, NULL);
        }
        if (rc == ERR_UNAUTHENTICATED)
            http_add_header(response, "WWW-Authenticate", "Bearer realm=\"swan\"");
        if (err_info(rc)->http_status >= 500)
            log_error("api", request->path, &err);
    } else if (response->status == 0) {
        response->status = default_status(call.route);
    }
    audit(&call, &err);
    int class = response->status / 100;
    api->answered[class >= 1 && class <= 5 ? class : 0]++;
}

void api_refuse(void *self, const struct err *err, struct http_response *response)
{
    struct api *api = self;
    api_problem(response, err, NULL, NULL, NULL);
    api->answered[4]++;
}

size_t api_body_limit(void *self, const char *method, const char *path)
{
    (void)self;
    if (str_eq(method, "PUT") && str_has_prefix(path, "/api/v1/artefacts/"))
        return API_BODY_ARTEFACT;
    if (str_eq(method, "POST") && str_has_suffix(path, "/import"))
        return API_BODY_NETWORK;
    return 0;
}

enum err_code api_decode(struct api_call *call, const struct json_table *table, void *out,
                         struct err *err)
{
    const char *text = call->request->body_len ? call->request->body : "{}";
    size_t len = call->request->body_len ? call->request->body_len : 2;
    if (call->route->flags & API_YAML)
        return json_decode_yaml(text, len, table, &json_limits_large, out, call->arena, err);
    return json_decode(text, len, table, NULL, out, call->arena, err);
}

enum err_code api_if_match(struct api_call *call, int64_t *out, struct err *err)
{
    const char *text = http_header(call->request, "If-Match");
    *out = 0;
    if (!text)
        return ERR_OK;
    if (str_eq(text, "*")) {
        *out = -2;
        return ERR_OK;
    }
    size_t len = strlen(text);
    char digits[24];
    if (len >= 3 && len < sizeof digits && text[0] == '"' && text[len - 1] == '"') {
        str_format(digits, len - 1, "%s", text + 1);
        if (!str_to_int64(digits, out, NULL) && *out > 0)
            return ERR_OK;
    }
    err_set(err, ERR_INVALID, "If-Match takes one ETag of ours, such as \"3\"");
    return err_field(err, "If-Match");
}

const char *api_tenant(const struct api_call *call)
{
    return call->who.all_tenants ? NULL : call->who.tenant;
}

bool api_query_is_true(const struct api_call *call, const char *name)
{
    const char *value = http_query(call->request, name);
    return value && (str_eq(value, "true") || str_eq(value, "1") || str_eq(value, ""));
}
