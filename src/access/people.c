/* people.c - tenants, users, tokens: the writes.
 *
 * Contract: a password is hashed (password.c) before any transaction begins and never logged; a
 * user's tokens go with the user, those of logins with the password they were got by; the last
 * enabled admin cannot be removed, disabled or lowered.
 * What is committed is shown at once and cannot fail any more. */
#include <sodium.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/clock.h"
#include "base/str.h"

#define MAX_SWEPT 100 /* expired tokens that go when a new one comes */

static enum err_code encode_and_insert(struct store_tx *tx, const char *collection, const char *id,
                                       const char *tenant, const struct json_table *table,
                                       const void *spec, const struct store_actor *actor,
                                       struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(table, spec, JSON_COMPACT, &text);
    struct store_record record = {
        .collection = collection, .id = id, .tenant = tenant ? tenant : "", .spec = buf_str(&text)};
    return store_insert(tx, &record, actor, err);
}

struct write {
    struct access *access;
    const struct store_actor *actor;
    const struct access_user_spec *user;
    const struct access_tenant_spec *tenant;
    const struct access_token_spec *token;
    const char *name; /* of what is removed */
    int64_t expected;
    char password_hash[crypto_pwhash_STRBYTES]; /* "" = none given */
    struct access_token_row row;
    bool first; /* bootstrap only: nothing when users exist */
};

/* What is committed is done: showing it cannot fail any more (access_show). */
static enum err_code write_and_show(struct write *write, store_body_fn body, const char *user,
                                    const char *token, struct err *err)
{
    enum err_code rc = store_write(write->access->store, body, write, err);
    if (!rc)
        access_show(write->access, user, token);
    return rc;
}

static enum err_code keep_password(struct store_tx *tx, const struct write *write, struct err *err)
{
    if (!write->password_hash[0])
        return ERR_OK;
    struct store_value args[] = {STORE_V_TEXT(write->user->name),
                                 STORE_V_TEXT(write->password_hash)};
    return store_exec(tx,
                      "INSERT INTO access_passwords (user_name, hash) VALUES ($1, $2)"
                      " ON CONFLICT (user_name) DO UPDATE SET hash = $2",
                      args, 2, NULL, err);
}

static enum err_code tenant_must_exist(struct store_tx *tx, const char *tenant, struct err *err)
{
    if (!tenant || !tenant[0])
        return ERR_OK;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    enum err_code rc = store_get(tx, "tenants", tenant, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_set(err, ERR_INVALID, "no tenant is named '%s'", tenant);
        return err_field(err, "tenant");
    }
    return rc;
}

/* Counts enabled admins other than `name`. */
static enum err_code other_admins(struct store_tx *tx, const char *name, int64_t *out,
                                  struct err *err)
{
    struct store_condition conditions[] = {{"spec.role", STORE_EQ, "admin"},
                                           {"id", STORE_NE, name}};
    struct store_list_query query = {
        .collection = "users", .conditions = conditions, .condition_count = 2, .limit = 1000};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_page page;
    enum err_code rc = store_list(tx, &query, &page, &arena, err);
    *out = 0;
    for (size_t i = 0; !rc && i < page.count; i++) {
        struct access_user_spec spec;
        rc = json_decode_stored(page.records[i].spec, &access_user_table, &spec, &arena, err);
        *out += !rc && !(spec.disabled.set && spec.disabled.value);
    }
    return rc;
}

static enum err_code tenant_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    return encode_and_insert(tx, "tenants", write->tenant->name, NULL, &access_tenant_table,
                             write->tenant, write->actor, err);
}

enum err_code access_tenant_create(struct access *access, const struct access_tenant_spec *spec,
                                   const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .tenant = spec};
    if (strlen(spec->name) >= sizeof((struct access_person *)0)->tenant) {
        err_set(err, ERR_INVALID, "a tenant's name has at most 63 bytes");
        return err_field(err, "name");
    }
    return write_and_show(&write, tenant_body, NULL, NULL, err);
}

static enum err_code create_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc;
    if ((rc = tenant_must_exist(tx, write->user->tenant, err)) ||
        (rc = encode_and_insert(tx, "users", write->user->name, NULL, &access_user_table,
                                write->user, write->actor, err)))
        return rc;
    return keep_password(tx, write, err);
}

/* Who runs the network or manages users does so for all tenants: such a user belongs to none, or a
 * tenant's admin could make himself one of the operator's. */
static enum err_code check_user(const struct access_user_spec *spec, struct err *err)
{
    enum err_code rc = json_validate(&access_user_table, spec, err);
    if (rc)
        return rc;
    if (strlen(spec->name) >= ACCESS_LOGIN_MAX) {
        err_set(err, ERR_INVALID, "a login has at most %d bytes", ACCESS_LOGIN_MAX - 1);
        return err_field(err, "name");
    }
    if (spec->role >= ACCESS_OPERATOR && spec->tenant && spec->tenant[0]) {
        err_set(err, ERR_INVALID, "an %s belongs to no tenant", access_role_names[spec->role]);
        return err_field(err, "tenant");
    }
    return ERR_OK;
}

enum err_code access_user_create(struct access *access, const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .user = spec};
    enum err_code rc;
    if ((rc = check_user(spec, err)) ||
        (spec->password &&
         (rc = access_hash_password(access, spec->password, write.password_hash, err))))
        return rc;
    return write_and_show(&write, create_body, spec->name, NULL, err);
}

static bool is_admin(const struct access_user_spec *user)
{
    return user->role == ACCESS_ADMIN && !(user->disabled.set && user->disabled.value);
}

/* ERR_CONFLICT when `name` is the last enabled admin. */
static enum err_code must_not_be_last(struct store_tx *tx, const char *name, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct access_user_spec user;
    int64_t others = 0;
    enum err_code rc;
    if ((rc = store_get(tx, "users", name, &record, &arena, err)) ||
        (rc = json_decode_stored(record.spec, &access_user_table, &user, &arena, err)))
        return rc;
    if (!is_admin(&user) || (rc = other_admins(tx, name, &others, err)) || others)
        return rc;
    err_set(err, ERR_CONFLICT, "'%s' is the last admin and stays one", name);
    return err_hint(err, "make another admin first");
}

/* Ends what was logged in with the password before; tokens that were made for programs stay. */
static enum err_code end_logins(struct store_tx *tx, const struct write *write, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(write->user->name)};
    struct store_rows rows;
    enum err_code rc =
        store_query(tx, "SELECT id FROM access_tokens WHERE user_name = $1 AND expires_ms > 0",
                    args, 1, 0, &rows, &arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++) {
        struct store_value id[] = {*store_cell(&rows, i, 0)};
        struct store_record record;
        struct access_token_spec token;
        if ((rc = store_get(tx, "tokens", id[0].text, &record, &arena, err)) ||
            (rc = json_decode_stored(record.spec, &access_token_table, &token, &arena, err)))
            return rc;
        if (!str_eq(token.title, ACCESS_LOGIN_TITLE))
            continue;
        if (!(rc = store_delete(tx, "tokens", id[0].text, 0, write->actor, err)))
            rc = store_exec(tx, "DELETE FROM access_tokens WHERE id = $1", id, 1, NULL, err);
    }
    return rc;
}

static enum err_code update_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *name = write->user->name;
    enum err_code rc;
    if ((rc = tenant_must_exist(tx, write->user->tenant, err)) ||
        (!is_admin(write->user) && (rc = must_not_be_last(tx, name, err))))
        return rc;
    json_encode(&access_user_table, write->user, JSON_COMPACT, &text);
    if ((rc = store_update(tx, "users", name, write->expected, buf_str(&text), NULL, "updated",
                           write->actor, NULL, err)))
        return rc;
    if (write->password_hash[0] && (rc = end_logins(tx, write, err)))
        return rc;
    return keep_password(tx, write, err);
}

enum err_code access_user_update(struct access *access, const char *name, int64_t expected,
                                 const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .user = spec, .expected = expected};
    enum err_code rc = check_user(spec, err);
    if (rc)
        return rc;
    if (!str_eq(name, spec->name)) {
        err_set(err, ERR_INVALID, "a user keeps the name '%s'", name);
        return err_field(err, "name");
    }
    if (spec->password &&
        (rc = access_hash_password(access, spec->password, write.password_hash, err)))
        return rc;
    if ((rc = write_and_show(&write, update_body, name, NULL, err)) || !spec->password)
        return rc;
    struct err late =
        ERR_INIT; /* what is committed is done: the next refresh shows it, and tells the error */
    access_refresh(access, &late);
    return ERR_OK;
}

static enum err_code revoke_all(struct store_tx *tx, const struct write *write, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(write->name)};
    struct store_rows rows;
    enum err_code rc = store_query(tx, "SELECT id FROM access_tokens WHERE user_name = $1", args, 1,
                                   0, &rows, &arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++)
        rc = store_delete(tx, "tokens", store_cell(&rows, i, 0)->text, 0, write->actor, err);
    if (!rc)
        rc = store_exec(tx, "DELETE FROM access_tokens WHERE user_name = $1", args, 1, NULL, err);
    if (!rc)
        rc =
            store_exec(tx, "DELETE FROM access_passwords WHERE user_name = $1", args, 1, NULL, err);
    return rc;
}

static enum err_code delete_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc;
    if ((rc = must_not_be_last(tx, write->name, err)) ||
        (rc = store_delete(tx, "users", write->name, 0, write->actor, err)))
        return rc;
    return revoke_all(tx, write, err);
}

enum err_code access_user_delete(struct access *access, const char *name,
                                 const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .name = name};
    return write_and_show(&write, delete_body, name, NULL, err);
}

/* Logins leave tokens behind: what has expired goes when its user gets a new one. */
static enum err_code sweep_expired(struct store_tx *tx, const char *user,
                                   const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(user), STORE_V_INT(clock_now_ms())};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT id FROM access_tokens WHERE user_name = $1 AND"
                                   " expires_ms > 0 AND expires_ms <= $2 LIMIT 100",
                                   args, 2, MAX_SWEPT, &rows, &arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++) {
        struct store_value id[] = {*store_cell(&rows, i, 0)};
        if (!(rc = store_delete(tx, "tokens", id[0].text, 0, actor, err)))
            rc = store_exec(tx, "DELETE FROM access_tokens WHERE id = $1", id, 1, NULL, err);
    }
    return rc;
}

enum err_code access_insert_token(struct access *access, struct store_tx *tx,
                                  const struct access_token_spec *spec,
                                  const struct store_actor *actor, struct access_token_row *out,
                                  struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct access_user_spec user;
    enum err_code rc = store_get(tx, "users", spec->user, &record, &arena, err);
    if (rc || (rc = json_decode_stored(record.spec, &access_user_table, &user, &arena, err)))
        return rc;
    if (spec->role > user.role) {
        err_set(err, ERR_INVALID, "the user '%s' has the role %s", spec->user,
                access_role_names[user.role]);
        return err_field(err, "role");
    }
    if ((rc = sweep_expired(tx, spec->user, actor, err)))
        return rc;
    char hash[65];
    id_new("tok", out->id);
    access_new_token(out->token);
    access_hash_token(access, out->token, hash);
    struct store_value args[] = {STORE_V_TEXT(hash), STORE_V_TEXT(out->id),
                                 STORE_V_TEXT(spec->user), STORE_V_INT(spec->role),
                                 STORE_V_INT(spec->expires_at)};
    if ((rc = store_exec(tx,
                         "INSERT INTO access_tokens (hash, id, user_name, role, expires_ms)"
                         " VALUES ($1, $2, $3, $4, $5)",
                         args, ARRAY_LEN(args), NULL, err)))
        return rc;
    return encode_and_insert(tx, "tokens", out->id, NULL, &access_token_table, spec, actor, err);
}

static enum err_code token_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    return access_insert_token(write->access, tx, write->token, write->actor, &write->row, err);
}

enum err_code access_token_create(struct access *access, const struct access_token_spec *spec,
                                  const struct store_actor *actor, char out_id[ID_SIZE],
                                  char out_token[64], struct err *err)
{
    struct write write = {.access = access, .actor = actor, .token = spec};
    if (!spec->user) {
        err_set(err, ERR_INVALID, "whose token it is must be said");
        return err_field(err, "user");
    }
    if (spec->expires_at && spec->expires_at <= clock_now_ms()) {
        err_set(err, ERR_INVALID, "the time is past");
        return err_field(err, "expires_at");
    }
    enum err_code rc = store_write(access->store, token_body, &write, err);
    if (rc)
        return rc;
    access_show(access, spec->user, write.row.id);
    memcpy(out_id, write.row.id, ID_SIZE);
    memcpy(out_token, write.row.token, 64);
    sodium_memzero(&write.row, sizeof write.row);
    return ERR_OK;
}

static enum err_code revoke_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    struct store_value args[] = {STORE_V_TEXT(write->name)};
    enum err_code rc = store_delete(tx, "tokens", write->name, 0, write->actor, err);
    return rc ? rc : store_exec(tx, "DELETE FROM access_tokens WHERE id = $1", args, 1, NULL, err);
}

enum err_code access_token_revoke(struct access *access, const char *id,
                                  const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .name = id};
    return write_and_show(&write, revoke_body, NULL, id, err);
}

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

static enum err_code bootstrap_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    struct store_list_query query = {.collection = "users"};
    int64_t users;
    enum err_code rc = store_count(tx, &query, &users, err);
    write->first = false;
    if (rc || users)
        return rc;
    struct access_token_spec token = {.user = write->user->name, .title = "first token"};
    if ((rc = create_body(tx, write, err)) ||
        (rc = access_insert_token(write->access, tx, &token, write->actor, &write->row, err)))
        return rc;
    write->first = true;
    return ERR_OK;
}

enum err_code access_bootstrap(struct access *access, char out_token[64], struct err *err)
{
    struct access_user_spec admin = {
        .name = "admin", .title = "first administrator", .role = ACCESS_ADMIN};
    struct write write = {.access = access, .actor = &system_actor, .user = &admin};
    out_token[0] = '\0';
    enum err_code rc = store_write(access->store, bootstrap_body, &write, err);
    if (rc || !write.first)
        return rc;
    access_show(access, admin.name, write.row.id);
    memcpy(out_token, write.row.token, 64);
    sodium_memzero(&write.row, sizeof write.row);
    return ERR_OK;
}
