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

struct artefact {
    const char *digest;
    int64_t size_bytes;
};
static const struct json_field artefact_fields[] = {
    JSON_FIELD("digest", JSON_STRING, struct artefact, digest, 0, "sha256:…"),
    JSON_FIELD("size_bytes", JSON_INT, struct artefact, size_bytes, 0, "its length"),
};
static const struct json_table artefact_table =
    JSON_TABLE("Artefact", struct artefact, artefact_fields, "an artefact that is stored", NULL);

static enum err_code artefact_put(struct api_call *call, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    enum err_code rc =
        application_artefact_put(call->api->options.application, call->params[0],
                                 call->request->body, call->request->body_len, digest, err);
    if (rc)
        return rc;
    struct artefact artefact = {digest, (int64_t)call->request->body_len};
    api_answer_table(call, &artefact_table, &artefact);
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

/* Other tenants' versions: unknown until published, and then not theirs to submit. */
static enum err_code check_owner(struct api_call *call, const char *id, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_record record;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_get(tx, "applications", id, &record, call->arena, err)))
        return rc;
    if (!api_tenant(call) || str_eq(record.tenant, api_tenant(call)))
        return ERR_OK;
    if (!api_may_see(call, api_collection_find("applications"), &record))
        return err_set(err, ERR_NOT_FOUND, "no application is named '%s'", id);
    return err_set(err, ERR_FORBIDDEN, "'%s' belongs to another tenant", id);
}

static enum err_code act(struct api_call *call, struct err *err)
{
    struct act body;
    int64_t expected;
    const char *action = strrchr(call->route->path, '/') + 1, *id = call->params[0];
    enum err_code rc;
    call->object = arena_printf(call->arena, "applications/%s", id);
    if ((rc = api_decode(call, &act_table, &body, err)) || (rc = check_owner(call, id, err)) ||
        (rc = api_if_match(call, "applications", id, &expected, err)) ||
        (rc = application_act(call->api->options.application, id, action, body.note, expected,
                              &call->actor, err)))
        return rc;
    return api_answer_stored(call, "applications", id, err);
}

static const struct api_route routes[] = {
    {"PUT", "/api/v1/artefacts/{digest}", ACCESS_CUSTOMER, API_BINARY, NULL, &artefact_table, NULL,
     NULL, "store an artefact", artefact_put},
    {"POST", "/api/v1/applications", ACCESS_CUSTOMER, API_CREATED, &create_table, NULL,
     "applications", NULL, "add an application version as a draft", create},
    {"POST", "/api/v1/applications/{id}/submit", ACCESS_CUSTOMER, API_IF_MATCH, &act_table, NULL,
     "applications", NULL, "draft to submitted", act},
    {"POST", "/api/v1/applications/{id}/reject", ACCESS_OPERATOR, API_IF_MATCH, &act_table, NULL,
     "applications", NULL, "submitted back to draft", act},
    {"POST", "/api/v1/applications/{id}/approve", ACCESS_OPERATOR, API_IF_MATCH, &act_table, NULL,
     "applications", NULL, "submitted to approved", act},
    {"POST", "/api/v1/applications/{id}/publish", ACCESS_OPERATOR, API_IF_MATCH, &act_table, NULL,
     "applications", NULL, "approved to published", act},
    {"POST", "/api/v1/applications/{id}/retire", ACCESS_OPERATOR, API_IF_MATCH, &act_table, NULL,
     "applications", NULL, "published to retired", act},
};
const struct api_routes api_routes_application = {routes, ARRAY_LEN(routes)};
