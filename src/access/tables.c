/* tables.c - field tables of access. */
#include "access/access.h"

const char *const access_role_names[] = {NULL, "viewer", "customer", "operator", "admin", NULL};

static const struct json_field user_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct access_user_spec, name, JSON_REQUIRED | JSON_NAME,
               "login"),
    JSON_FIELD("title", JSON_STRING, struct access_user_spec, title, 0, "name for people"),
    JSON_FIELD("tenant", JSON_STRING, struct access_user_spec, tenant, JSON_NAME,
               "whose user; absent = the operator's own"),
    JSON_FIELD_ENUM("role", struct access_user_spec, role, JSON_REQUIRED, access_role_names,
                    "what the user may do"),
    JSON_FIELD("disabled", JSON_OPT_BOOL, struct access_user_spec, disabled, 0,
               "tokens and password do not work"),
    {.name = "password",
     .kind = JSON_STRING,
     .offset = offsetof(struct access_user_spec, password),
     .flags = JSON_SECRET,
     .max_len = 512,
     .doc = "absent = no login by password, or keep the one there is"},
};
const struct json_table access_user_table =
    JSON_TABLE("User", struct access_user_spec, user_fields, "a user", NULL);

static const struct json_field tenant_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct access_tenant_spec, name, JSON_REQUIRED | JSON_NAME,
               "name"),
    JSON_FIELD("title", JSON_STRING, struct access_tenant_spec, title, 0, "name for people"),
};
const struct json_table access_tenant_table =
    JSON_TABLE("Tenant", struct access_tenant_spec, tenant_fields, "a customer's house", NULL);

static const struct json_field token_fields[] = {
    JSON_FIELD("user", JSON_STRING, struct access_token_spec, user, JSON_NAME,
               "whose; absent = one's own"),
    JSON_FIELD("title", JSON_STRING, struct access_token_spec, title, 0, "what it is for"),
    JSON_FIELD_ENUM("role", struct access_token_spec, role, 0, access_role_names,
                    "at most the user's; absent = the user's"),
    JSON_FIELD("expires_at", JSON_TIME, struct access_token_spec, expires_at, 0, "absent = never"),
};
const struct json_table access_token_table =
    JSON_TABLE("Token", struct access_token_spec, token_fields, "a bearer token", NULL);

static const struct json_field audit_fields[] = {
    JSON_FIELD("method", JSON_STRING, struct access_audit, method, 0, "HTTP method"),
    JSON_FIELD("path", JSON_STRING, struct access_audit, path, 0, "path"),
    JSON_FIELD("outcome", JSON_STRING, struct access_audit, outcome, 0, "status, and code"),
    JSON_FIELD("object", JSON_STRING, struct access_audit, object, 0, "what was touched"),
    JSON_FIELD("request", JSON_STRING, struct access_audit, request, 0, "id of the request"),
    JSON_FIELD("peer", JSON_STRING, struct access_audit, peer, 0, "address it came from"),
};
const struct json_table access_audit_table =
    JSON_TABLE("Audit", struct access_audit, audit_fields, "a write that was tried", NULL);
