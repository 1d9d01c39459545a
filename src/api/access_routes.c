/* access_routes.c - login, users, tenants, tokens, audit. */
#include <string.h>

#include "api/api_priv.h"
#include "base/str.h"

struct login {
    const char *user, *password;
};
static const struct json_field login_fields[] = {
    JSON_FIELD("user", JSON_STRING, struct login, user, JSON_REQUIRED, "name"),
    JSON_FIELD("password", JSON_STRING, struct login, password, JSON_REQUIRED | JSON_SECRET,
               "password"),
};
static const struct json_table login_table =
    JSON_TABLE("Login", struct login, login_fields, "a person's name and password", NULL);

struct token_answer {
    const char *id, *token;
    int64_t expires_at;
};
static const struct json_field token_answer_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct token_answer, id, 0, "name of the token, to revoke it"),
    JSON_FIELD("token", JSON_STRING, struct token_answer, token, 0, "the secret; shown this once"),
    JSON_FIELD("expires_at", JSON_TIME, struct token_answer, expires_at, 0, "absent = never"),
};
static const struct json_table token_answer_table =
    JSON_TABLE("NewToken", struct token_answer, token_answer_fields, "a token, shown once", NULL);

static enum err_code login(struct api_call *call, struct err *err)
{
    struct login body;
    struct token_answer answer = {0};
    char token[64];
    enum err_code rc = api_decode(call, &login_table, &body, err);
    if (rc)
        return rc;
    call->object = arena_printf(call->arena, "users/%.100s", body.user);
    if ((rc = access_login(call->api->options.access, body.user, body.password, token,
                           &answer.expires_at, err)))
        return rc;
    answer.token = token;
    api_answer_table(call, &token_answer_table, &answer);
    return ERR_OK;
}

struct identity {
    const char *user, *tenant;
    int role;
    bool all_tenants;
};
static const struct json_field identity_fields[] = {
    JSON_FIELD("user", JSON_STRING, struct identity, user, 0, "login"),
    JSON_FIELD("tenant", JSON_STRING, struct identity, tenant, 0, "empty = the operator's own"),
    JSON_FIELD_ENUM("role", struct identity, role, 0, access_role_names, "what counts here"),
    JSON_FIELD("all_tenants", JSON_BOOL, struct identity, all_tenants, JSON_KEEP,
               "sees what belongs to any tenant"),
};
static const struct json_table identity_table =
    JSON_TABLE("Identity", struct identity, identity_fields, "whose token it is", NULL);

static enum err_code whoami(struct api_call *call, struct err *err)
{
    (void)err;
    struct identity identity = {call->who.user, call->who.tenant, (int)call->who.role,
                                call->who.all_tenants};
    api_answer_table(call, &identity_table, &identity);
    return ERR_OK;
}

static enum err_code user_create(struct api_call *call, struct err *err)
{
    struct access_user_spec spec;
    enum err_code rc;
    if ((rc = api_decode(call, &access_user_table, &spec, err)) ||
        (rc = access_user_create(call->api->options.access, &spec, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "users", spec.name, err);
}

static enum err_code user_update(struct api_call *call, struct err *err)
{
    struct access_user_spec spec;
    int64_t expected;
    enum err_code rc;
    if ((rc = api_decode(call, &access_user_table, &spec, err)) ||
        (rc = api_if_match(call, "users", call->params[0], &expected, err)))
        return rc;
    if (!str_eq(spec.name, call->params[0])) {
        err_set(err, ERR_INVALID, "a user keeps the name '%s'", call->params[0]);
        return err_field(err, "name");
    }
    rc = access_user_update(call->api->options.access, spec.name, expected, &spec, &call->actor,
                            err);
    return rc ? rc : api_answer_stored(call, "users", spec.name, err);
}

static enum err_code user_delete(struct api_call *call, struct err *err)
{
    call->object = arena_printf(call->arena, "users/%s", call->params[0]);
    return access_user_delete(call->api->options.access, call->params[0], &call->actor, err);
}

static enum err_code tenant_create(struct api_call *call, struct err *err)
{
    struct access_tenant_spec spec;
    enum err_code rc;
    if ((rc = api_decode(call, &access_tenant_table, &spec, err)) ||
        (rc = access_tenant_create(call->api->options.access, &spec, &call->actor, err)))
        return rc;
    return api_answer_stored(call, "tenants", spec.name, err);
}

/* Anybody may make tokens of his own, with at most his own role; others' only an admin. */
static enum err_code token_create(struct api_call *call, struct err *err)
{
    struct access_token_spec spec;
    char id[ID_SIZE], token[64];
    enum err_code rc = api_decode(call, &access_token_table, &spec, err);
    if (rc)
        return rc;
    if (!spec.user)
        spec.user = call->who.user;
    if (call->who.role < ACCESS_ADMIN && !str_eq(spec.user, call->who.user))
        return err_set(err, ERR_FORBIDDEN, "only an admin makes tokens for others");
    if (call->who.role < ACCESS_ADMIN && spec.role > (int)call->who.role)
        return err_set(err, ERR_FORBIDDEN, "a token has at most your own role, %s",
                       access_role_names[call->who.role]);
    if (call->who.role < ACCESS_ADMIN && !spec.role)
        spec.role = (int)call->who.role;
    if ((rc = access_token_create(call->api->options.access, &spec, &call->actor, id, token, err)))
        return rc;
    struct token_answer answer = {id, token, spec.expires_at};
    api_answer_table(call, &token_answer_table, &answer);
    call->object = arena_printf(call->arena, "tokens/%s", id);
    return ERR_OK;
}

static enum err_code token_delete(struct api_call *call, struct err *err)
{
    call->object = arena_printf(call->arena, "tokens/%s", call->params[0]);
    if (call->who.role < ACCESS_ADMIN) {
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        struct store_record record;
        struct access_token_spec spec;
        enum err_code rc;
        if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
            (rc = store_get(tx, "tokens", call->params[0], &record, call->arena, err)) ||
            (rc = json_decode_stored(record.spec, &access_token_table, &spec, call->arena, err)))
            return rc;
        if (!str_eq(spec.user, call->who.user))
            return err_set(err, ERR_NOT_FOUND, "no token is named '%s'", call->params[0]);
    }
    return access_token_revoke(call->api->options.access, call->params[0], &call->actor, err);
}

#define AUDIT_PAGE 500

struct audit_entry {
    int64_t position, at;
    const char *user, *tenant, *audit;
};
static const struct json_field audit_entry_fields[] = {
    JSON_FIELD("position", JSON_INT, struct audit_entry, position, 0, "in the journal"),
    JSON_FIELD("at", JSON_TIME, struct audit_entry, at, 0, "when"),
    JSON_FIELD("user", JSON_STRING, struct audit_entry, user, 0, "who"),
    JSON_FIELD("tenant", JSON_STRING, struct audit_entry, tenant, 0, "of which tenant"),
    JSON_FIELD("audit", JSON_RAW, struct audit_entry, audit, 0,
               "method, path, outcome, object, request, peer"),
};
static const struct json_table audit_entry_table = JSON_TABLE(
    "AuditEntry", struct audit_entry, audit_entry_fields, "a write that was tried", NULL);
struct audit_page {
    LIST(struct audit_entry) items;
    struct opt_int next;
};
static const struct json_field audit_page_fields[] = {
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct audit_page, items, JSON_KEEP, &audit_entry_table,
                     "oldest first"),
    JSON_FIELD("next", JSON_OPT_INT, struct audit_page, next, 0, "`after` of the next page"),
};
static const struct json_table audit_page_table =
    JSON_TABLE("AuditPage", struct audit_page, audit_page_fields, "writes that were tried", NULL);

static enum err_code audit_list(struct api_call *call, struct err *err)
{
    const char *text = http_query(call->request, "after");
    int64_t after = 0;
    if (text && (str_to_int64(text, &after, NULL) || after < 0)) {
        err_set(err, ERR_INVALID, "a position is a number of the journal");
        return err_field(err, "after");
    }
    if (api_wants_watch(call))
        return api_watch_start(call, "audit", NULL, err);
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_event *events;
    struct audit_page page = {0};
    size_t count;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = store_events(tx, after, "audit", NULL, NULL, AUDIT_PAGE, &events, &count, call->arena,
                           err)))
        return rc;
    for (size_t i = 0; i < count; i++)
        *LIST_ADD(call->arena, &page.items) = (struct audit_entry){
            events[i].position, events[i].at_ms, events[i].user, events[i].tenant, events[i].body};
    if (count == AUDIT_PAGE)
        page.next = (struct opt_int){true, events[count - 1].position};
    api_answer_table(call, &audit_page_table, &page);
    return ERR_OK;
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/login", ACCESS_NOBODY, API_OPEN | API_SECRET, &login_table,
     &token_answer_table, NULL, NULL, "a token for a password", login},
    {"GET", "/api/v1/whoami", ACCESS_VIEWER, 0, NULL, &identity_table, NULL, NULL,
     "whose token this is", whoami},
    {"POST", "/api/v1/users", ACCESS_ADMIN, API_CREATED, &access_user_table, NULL, "users", NULL,
     "add a user", user_create},
    {"PUT", "/api/v1/users/{id}", ACCESS_ADMIN, API_IF_MATCH, &access_user_table, NULL, "users",
     NULL, "change a user", user_update},
    {"DELETE", "/api/v1/users/{id}", ACCESS_ADMIN, API_NO_CONTENT, NULL, NULL, NULL, NULL,
     "remove a user and its tokens", user_delete},
    {"POST", "/api/v1/tenants", ACCESS_ADMIN, API_CREATED, &access_tenant_table, NULL, "tenants",
     NULL, "add a tenant", tenant_create},
    {"POST", "/api/v1/tokens", ACCESS_VIEWER, API_CREATED | API_SECRET, &access_token_table,
     &token_answer_table, NULL, NULL, "make a token", token_create},
    {"DELETE", "/api/v1/tokens/{id}", ACCESS_VIEWER, API_NO_CONTENT, NULL, NULL, NULL, NULL,
     "revoke a token", token_delete},
    {"GET", "/api/v1/audit", ACCESS_ADMIN, API_WATCH, NULL, &audit_page_table, NULL, "after",
     "writes that were tried", audit_list},
};
const struct api_routes api_routes_access = {routes, ARRAY_LEN(routes)};
