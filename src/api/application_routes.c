/* application_routes.c - artefacts, application versions and their lifecycle (应用管理). */
#include <string.h>

#include "api/api_priv.h"
#include "base/str.h"

struct create {
    struct application_spec spec;
    const char *digest;
};
static const struct json_field create_fields[] = {
    JSON_FIELD_TABLE("spec", JSON_OBJECT, struct create, spec, JSON_REQUIRED,
                     &application_spec_table, "app.yaml"),
    JSON_FIELD("digest", JSON_STRING, struct create, digest, JSON_REQUIRED,
               "of the artefact, which was put before"),
};
static const struct json_table create_table =
    JSON_TABLE("NewApplication", struct create, create_fields, "an application version", NULL);

struct act {
    const char *note;
};
static const struct json_field act_fields[] = {
    JSON_FIELD("note", JSON_STRING, struct act, note, 0, "why"),
};
static const struct json_table act_table =
    JSON_TABLE("LifecycleStep", struct act, act_fields, "one step of the lifecycle", NULL);

static enum err_code artefact_put(struct api_call *call, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    enum err_code rc =
        application_artefact_put(call->api->options.application, call->params[0],
                                 call->request->body, call->request->body_len, digest, err);
    if (rc)
        return rc;
    struct json_writer w = JSON_WRITER(&call->response->body);
    json_begin(&w, '{');
    json_member_text(&w, "digest", digest);
    json_member_int(&w, "size_bytes", (int64_t)call->request->body_len);
    json_end(&w, '}');
    buf_add_char(&call->response->body, '\n');
    call->object = arena_printf(call->arena, "artefacts/%s", digest);
    return ERR_OK;
}

static enum err_code create(struct api_call *call, struct err *err)
{
    struct create body;
    enum err_code rc;
    if ((rc = api_decode(call, &create_table, &body, err)) ||
        (rc = application_create(call->api->options.application, &body.spec, body.digest,
                                 &call->actor, err)))
        return rc;
    const char *id = arena_printf(call->arena, "%s@%s", body.spec.name, body.spec.version);
    return api_answer_stored(call, "applications", id, err);
}

static enum err_code act(struct api_call *call, struct err *err)
{
    struct act body;
    int64_t expected;
    const char *action = strrchr(call->route->path, '/') + 1;
    enum err_code rc;
    if ((rc = api_decode(call, &act_table, &body, err)) ||
        (rc = api_if_match(call, &expected, err)) ||
        (rc = application_act(call->api->options.application, call->params[0], action, body.note,
                              expected > 0 ? expected : 0, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "applications", call->params[0], err);
}

static const struct api_route routes[] = {
    {"PUT", "/api/v1/artefacts/{digest}", ACCESS_CUSTOMER, API_BINARY, NULL, NULL,
     "store an artefact", artefact_put},
    {"POST", "/api/v1/applications", ACCESS_CUSTOMER, API_CREATED, &create_table,
     &application_spec_table, "add an application version as a draft", create},
    {"POST", "/api/v1/applications/{id}/submit", ACCESS_CUSTOMER, 0, &act_table,
     &application_spec_table, "draft to submitted", act},
    {"POST", "/api/v1/applications/{id}/reject", ACCESS_OPERATOR, 0, &act_table,
     &application_spec_table, "submitted back to draft", act},
    {"POST", "/api/v1/applications/{id}/approve", ACCESS_OPERATOR, 0, &act_table,
     &application_spec_table, "submitted to approved", act},
    {"POST", "/api/v1/applications/{id}/publish", ACCESS_OPERATOR, 0, &act_table,
     &application_spec_table, "approved to published", act},
    {"POST", "/api/v1/applications/{id}/retire", ACCESS_OPERATOR, 0, &act_table,
     &application_spec_table, "published to retired", act},
};
const struct api_routes api_routes_application = {routes, ARRAY_LEN(routes)};
