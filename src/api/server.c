/* server.c - one request from the wire to a handler and back.
 *
 * Contract: every answer is JSON, text, problem+json or a stream; a handler that fails has changed
 * nothing and leaves no half-written body or header.  Who asks is known before anything but the
 * route table speaks.  Every write that was tried gets an audit record with its outcome, also a
 * refused one (of strangers only so many a minute); the audit is written after the answer is known
 * and never changes it. */
#include <stdatomic.h>
#include <string.h>

#include "api/api_priv.h"
#include "api/operations.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"

#define RESERVE_MS 600000 /* time to look at a design and to order it */
#define AUDIT_TEXT 256    /* bytes of a path or object in an audit record: the journal takes 512 */

enum err_code api_new(const struct api_options *options, struct api **out, struct err *err)
{
    struct api *api = mem_zalloc(sizeof *api);
    enum err_code rc = evaluation_standards_shipped(&api->standards, &api->standards_arena, err);
    if (rc) {
        arena_done(&api->standards_arena);
        mem_free(api);
        return rc;
    }
    api->options = *options;
    if (api->options.design_time_limit_s <= 0)
        api->options.design_time_limit_s = 10;
    if (api->options.answer_within_ms <= 0)
        api->options.answer_within_ms = API_ANSWER_WITHIN_MS;
    if (api->options.reserve_ms == 0)
        api->options.reserve_ms = RESERVE_MS;
    /* Who waits for his turn alone is not overtaken by newcomers. */
    pthread_rwlockattr_t turns;
    pthread_rwlockattr_init(&turns);
    pthread_rwlockattr_setkind_np(&turns, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&api->designing, &turns);
    pthread_rwlockattr_destroy(&turns);
    api->started_ms = clock_now_ms();
    if ((rc = api_operations_new(api, &api->operations, err))) {
        api_free(api);
        return rc;
    }
    api->watch = api_watch_new(options->store, options->access);
    *out = api;
    return ERR_OK;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_operations_free(api->operations);
    api_watch_free(api->watch);
    arena_done(&api->standards_arena);
    pthread_rwlock_destroy(&api->designing);
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

static void add_allowed(struct api_call *call, const char *method)
{
    char *allow = call->allow;
    if (!strstr(allow, method))
        str_format(allow + strlen(allow), sizeof call->allow - strlen(allow), "%s%s",
                   *allow ? ", " : "", method);
}

/* The route of the request; NULL with call->allow filled when only the method is wrong. */
static const struct api_route *find_route(struct api_call *call)
{
    const char *method = call->request->method;
    if (str_eq(method, "HEAD"))
        method = "GET";
    for (size_t p = 0; p < api_route_part_count; p++) {
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            const struct api_route *route = &api_route_parts[p]->items[i];
            if (!matches(route->path, call->request->path, call))
                continue;
            if (strstr(route->path, "{collection}") && !api_collection_find(call->params[0]))
                continue;
            if (str_eq(route->method, method))
                return route;
            add_allowed(call, route->method);
            if (str_eq(route->method, "GET"))
                add_allowed(call, "HEAD");
        }
    }
    if (*call->allow)
        add_allowed(call, "OPTIONS");
    return NULL;
}

static void begin_answer(struct api_call *call)
{
    const char *given = http_header(call->request, "X-Request-Id");
    if (given && !str_check_name(given, sizeof call->request_id - 1, "request id", NULL))
        str_format(call->request_id, sizeof call->request_id, "%s", given);
    else
        id_new("req", call->request_id);
    http_add_header(call->response, "X-Request-Id", arena_strdup(call->arena, call->request_id));
    http_add_header(call->response, "X-Content-Type-Options", "nosniff");
    call->headers = call->response->header_count;
}

static bool is_write(const struct api_call *call)
{
    const char *method = call->request->method;
    return !str_eq(method, "GET") && !str_eq(method, "HEAD") && !str_eq(method, "OPTIONS");
}

/* Operators and admins belong to no tenant (access sees to it): what they do here reaches all
 * tenants.  Whoever stands as one of a tenant in the store all the same counts as its customer. */
static enum err_code identify(struct api *api, const struct http_request *request,
                              struct access_identity *out, struct err *err)
{
    enum err_code rc =
        access_check(api->options.access, http_header(request, "Authorization"), out, err);
    if (!rc && !out->all_tenants && out->role > ACCESS_CUSTOMER)
        out->role = ACCESS_CUSTOMER;
    return rc;
}

static enum err_code authorise(struct api_call *call, struct err *err)
{
    if (call->route->flags & API_OPEN) {
        str_format(call->who.user, sizeof call->who.user, "%s", "anonymous");
        return ERR_OK;
    }
    enum err_code rc = identify(call->api, call->request, &call->who, err);
    if (rc)
        return rc;
    if (call->who.role >= call->route->role)
        return ERR_OK;
    err_set(err, ERR_FORBIDDEN, "%s %s needs the role %s; you have %s", call->request->method,
            call->route->path, access_role_names[call->route->role],
            call->who.role ? access_role_names[call->who.role] : "none");
    return err_hint(err, "ask an admin for a token with that role");
}

/* What the request brings that its route has no use for is refused, not ignored. */
static enum err_code check_extras(struct api_call *call, struct err *err)
{
    const struct api_route *route = call->route;
    const struct http_request *request = call->request;
    enum err_code rc = api_check_query(call, err);
    if (rc || (rc = api_query_flag(call, "dry_run", &call->dry_run, err)))
        return rc;
    if (!route->body && !(route->flags & API_BINARY) && request->body_len > 0 &&
        !str_eq(request->body, "{}")) {
        err_set(err, ERR_INVALID, "%s %s takes no body", route->method, route->path);
        return err_field(err, "body");
    }
    if (is_write(call) && !(route->flags & API_IF_MATCH) && http_header(request, "If-Match")) {
        err_set(err, ERR_UNSUPPORTED, "%s %s takes no If-Match", route->method, route->path);
        return err_field(err, "If-Match");
    }
    if (call->dry_run && !(route->flags & API_DRY_RUN)) {
        err_set(err, ERR_UNSUPPORTED, "%s %s cannot be tried without effect", route->method,
                route->path);
        return err_field(err, "dry_run");
    }
    return ERR_OK;
}

static bool is_once_only(const struct api_call *call)
{
    return str_eq(call->request->method, "POST") &&
           !(call->route->flags & (API_SECRET | API_OPEN | API_NO_EFFECT));
}

static enum err_code run(struct api_call *call, struct err *err)
{
    call->route = find_route(call);
    if (!call->route && *call->allow) {
        if (str_eq(call->request->method, "OPTIONS")) {
            call->response->status = 204;
            http_add_header(call->response, "Allow", call->allow);
            return ERR_OK;
        }
        return err_set(err, ERR_METHOD, "%s is not possible here; %s are", call->request->method,
                       call->allow);
    }
    if (!call->route) {
        err_set(err, ERR_NOT_FOUND, "nothing lies at this path");
        return err_hint(err, "GET /api/v1/openapi.json lists every path");
    }
    enum err_code rc;
    if ((rc = authorise(call, err)) || (rc = check_extras(call, err)))
        return rc;
    call->if_match = http_header(call->request, "If-Match");
    call->actor = (struct store_actor){
        .user = call->who.user, .tenant = call->who.tenant, .request = call->request_id};
    if (is_once_only(call)) {
        bool answered = false;
        if ((rc = api_idempotency_begin(call, &answered, err)) || answered)
            return rc;
    }
    rc = call->route->flags & API_LONG ? api_operations_run(call, err)
                                       : call->route->handler(call, err);
    if (rc) {
        api_idempotency_forget(call);
        return rc;
    }
    /* What was done stays done: an answer that cannot be kept is still the answer. */
    struct err trouble = ERR_INIT;
    if (api_idempotency_keep(call, NULL, &trouble))
        log_error("api", "an answer could not be kept for a repeated request", &trouble);
    return ERR_OK;
}

static bool is_audited(struct api_call *call, const struct err *err)
{
    if (!call->route || !is_write(call) || (call->route->flags & API_NO_EFFECT) || call->dry_run)
        return false;
    if (call->who.role || !err->code)
        return true;
    int64_t minute = clock_mono_ms() / 60000;
    if (atomic_exchange(&call->api->anonymous_minute, minute) != minute)
        call->api->anonymous_audits = 0;
    if (atomic_fetch_add(&call->api->anonymous_audits, 1) < API_ANONYMOUS_AUDITS)
        return true;
    call->api->unaudited++;
    return false;
}

static void audit(struct api_call *call, const struct err *err)
{
    if (!is_audited(call, err))
        return;
    const struct err_info *info = err_info(err->code);
    char outcome[64], path[AUDIT_TEXT], object[AUDIT_TEXT];
    if (err->code)
        str_format(outcome, sizeof outcome, "%d %s", info->http_status, info->name);
    else
        str_format(outcome, sizeof outcome, "%d", call->response->status);
    str_format(path, sizeof path, "%s", call->request->path);
    str_format(object, sizeof object, "%s", call->object ? call->object : "");
    struct access_audit record = {.method = call->request->method,
                                  .path = path,
                                  .outcome = outcome,
                                  .object = call->object ? object : NULL,
                                  .request = call->request_id,
                                  .peer = call->request->peer};
    struct err trouble = ERR_INIT;
    if (access_audit_write(call->api->options.access, &call->who, &record, &trouble))
        log_error("api", "an audit record could not be written", &trouble);
}

int api_default_status(const struct api_route *route)
{
    return route->flags & API_ACCEPTED     ? 202
           : route->flags & API_CREATED    ? 201
           : route->flags & API_NO_CONTENT ? 204
                                           : 200;
}

static void answer_error(struct api_call *call, const struct err *err)
{
    struct http_response *response = call->response;
    /* A handler may have put a problem with more members in place already. */
    if (response->status == 0) {
        buf_clear(&response->body);
        response->header_count = call->headers;
        api_problem(response, err, call->request->path, call->request_id, NULL);
    }
    if (err->code == ERR_UNAUTHENTICATED)
        http_add_header(response, "WWW-Authenticate", "Bearer realm=\"swan\"");
    if (err->code == ERR_METHOD)
        http_add_header(response, "Allow", arena_strdup(call->arena, call->allow));
    if (err_info(err->code)->http_status >= 500)
        log_error("api", call->request->path, err);
}

static void count_answer(struct api *api, int status)
{
    int class = status / 100;
    api->answered[class >= 1 && class <= 5 ? class : 0]++;
}

void api_handle(void *self, struct http_request *request, struct http_response *response)
{
    struct api *api = self;
    struct err err = ERR_INIT;
    struct api_call *call = arena_zalloc(request->arena, sizeof *call);
    *call = (struct api_call){
        .api = api, .request = request, .response = response, .arena = request->arena};
    begin_answer(call);
    enum err_code rc = run(call, &err);
    if (rc) {
        err.code = rc; /* a code that came without a text is an error all the same */
        answer_error(call, &err);
    } else if (response->status == 0) {
        response->status = api_default_status(call->route);
    }
    if (call->route && (call->route->flags & API_SECRET))
        http_add_header(response, "Cache-Control", "no-store");
    if (call->route && is_write(call))
        api->writes++;
    audit(call, &err);
    count_answer(api, response->status);
}

void api_refuse(void *self, const struct err *err, struct http_response *response)
{
    http_add_header(response, "X-Content-Type-Options", "nosniff");
    api_problem(response, err, NULL, NULL, NULL);
    count_answer(self, response->status);
}

size_t api_body_limit(void *self, const struct http_request *request)
{
    struct access_identity who;
    bool artefact =
        str_eq(request->method, "PUT") && str_has_prefix(request->path, "/api/v1/artefacts/");
    bool network = str_eq(request->method, "POST") && str_has_suffix(request->path, "/import");
    if ((!artefact && !network) || identify(self, request, &who, NULL) ||
        who.role < (artefact ? ACCESS_CUSTOMER : ACCESS_OPERATOR))
        return 0;
    return artefact ? API_BODY_ARTEFACT : API_BODY_NETWORK;
}
