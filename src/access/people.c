/* people.c - tenants, users, tokens, passwords: the writes.
 *
 * Contract: a password is hashed (argon2id) before any transaction begins and never logged; a
 * user's tokens go with the user; the last enabled admin cannot be removed, disabled or lowered. */
#include <sodium.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/clock.h"
#include "base/str.h"

#define LOGIN_LIFE_MS ((int64_t)12 * 3600 * 1000)
#define MAX_LOGINS 2
#define MAX_WRONG 10
#define WRONG_WINDOW_MS 60000
#define MAX_WRONG_USERS 10000
#define MIN_PASSWORD 8

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

static enum err_code write_and_refresh(struct write *write, store_body_fn body, struct err *err)
{
    enum err_code rc = store_write(write->access->store, body, write, err);
    return rc ? rc : access_refresh(write->access, err);
}

static enum err_code hash_password(struct access *access, const char *password, char *out,
                                   struct err *err)
{
    if (strlen(password) < MIN_PASSWORD) {
        err_set(err, ERR_INVALID, "a password has at least %d characters", MIN_PASSWORD);
        return err_field(err, "password");
    }
    pthread_mutex_lock(&access->login_lock);
    while (access->logins >= MAX_LOGINS)
        pthread_cond_wait(&access->login_free, &access->login_lock);
    access->logins++;
    pthread_mutex_unlock(&access->login_lock);
    int failed =
        crypto_pwhash_str(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE);
    pthread_mutex_lock(&access->login_lock);
    access->logins--;
    pthread_cond_signal(&access->login_free);
    pthread_mutex_unlock(&access->login_lock);
    return failed ? err_set(err, ERR_TRANSIENT, "no memory to hash a password") : ERR_OK;
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
    return write_and_refresh(&write, tenant_body, err);
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

enum err_code access_user_create(struct access *access, const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .user = spec};
    enum err_code rc = ERR_OK;
    if (strlen(spec->name) >= sizeof((struct access_person *)0)->name) {
        err_set(err, ERR_INVALID, "a login has at most 63 bytes");
        return err_field(err, "name");
    }
    if (spec->password && (rc = hash_password(access, spec->password, write.password_hash, err)))
        return rc;
    return write_and_refresh(&write, create_body, err);
}

static enum err_code update_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    int64_t others = 1;
    bool stays = write->user->role == ACCESS_ADMIN &&
                 !(write->user->disabled.set && write->user->disabled.value);
    enum err_code rc;
    if ((rc = tenant_must_exist(tx, write->user->tenant, err)))
        return rc;
    if (!stays && (rc = other_admins(tx, write->user->name, &others, err)))
        return rc;
    if (others == 0)
        return err_set(err, ERR_CONFLICT, "'%s' is the last admin and stays one",
                       write->user->name);
    json_encode(&access_user_table, write->user, JSON_COMPACT, &text);
    if ((rc = store_update(tx, "users", write->user->name, write->expected, buf_str(&text), NULL,
                           "updated", write->actor, NULL, err)))
        return rc;
    return keep_password(tx, write, err);
}

enum err_code access_user_update(struct access *access, const char *name, int64_t expected,
                                 const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err)
{
    (void)name;
    struct write write = {.access = access, .actor = actor, .user = spec, .expected = expected};
    enum err_code rc = ERR_OK;
    if (spec->password && (rc = hash_password(access, spec->password, write.password_hash, err)))
        return rc;
    return write_and_refresh(&write, update_body, err);
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
    int64_t others;
    enum err_code rc = other_admins(tx, write->name, &others, err);
    if (rc)
        return rc;
    if (others == 0)
        return err_set(err, ERR_CONFLICT, "'%s' is the last admin and stays", write->name);
    if ((rc = store_delete(tx, "users", write->name, 0, write->actor, err)))
        return rc;
    return revoke_all(tx, write, err);
}

enum err_code access_user_delete(struct access *access, const char *name,
                                 const struct store_actor *actor, struct err *err)
{
    struct write write = {.access = access, .actor = actor, .name = name};
    return write_and_refresh(&write, delete_body, err);
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
    if (spec->expires_at && spec->expires_at <= clock_now_ms()) {
        err_set(err, ERR_INVALID, "the time is past");
        return err_field(err, "expires_at");
    }
    enum err_code rc = write_and_refresh(&write, token_body, err);
    if (rc)
        return rc;
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
    return write_and_refresh(&write, revoke_body, err);
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
    enum err_code rc = write_and_refresh(&write, bootstrap_body, err);
    if (!rc && write.first)
        memcpy(out_token, write.row.token, 64);
    return rc;
}

/* Counts a wrong password; the map is emptied when somebody tries too many names. */
static void count_wrong(struct access *access, const char *user)
{
    int64_t now = clock_mono_ms();
    struct access_wrong *wrong = map_find(access->wrong, user);
    if (!wrong) {
        if (map_count(access->wrong) >= MAX_WRONG_USERS)
            return;
        wrong = mem_zalloc(sizeof *wrong);
        map_put(access->wrong, user, wrong);
    }
    if (now - wrong->since_ms > WRONG_WINDOW_MS) {
        wrong->since_ms = now;
        wrong->count = 0;
    }
    wrong->count++;
}

static bool is_slowed(struct access *access, const char *user)
{
    const struct access_wrong *wrong = map_find(access->wrong, user);
    return wrong && wrong->count >= MAX_WRONG &&
           clock_mono_ms() - wrong->since_ms <= WRONG_WINDOW_MS;
}

/* The hash to check against; a fixed one for users without password, so that the time tells
 * nothing. */
static enum err_code password_of(struct access *access, const char *user,
                                 char out[crypto_pwhash_STRBYTES], bool *ret_real, struct err *err)
{
    static const char *const nobody =
        "$argon2id$v=19$m=65536,t=2,p=1$VaBT12TWD7zUqx"
        "rAIEsmGw$qIQAsxF5ZdhYXtOm+guEzbWOg+BsRic08uC+ACdj4lc"; /* of random bytes that nobody kept
                                                                 */
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_value args[] = {STORE_V_TEXT(user)};
    struct store_rows rows;
    enum err_code rc;
    if ((rc = store_begin(access->store, STORE_READ, &tx, err)) ||
        (rc = store_query(tx, "SELECT hash FROM access_passwords WHERE user_name = $1", args, 1, 1,
                          &rows, &arena, err)))
        return rc;
    *ret_real = rows.count == 1;
    memset(out, 0, crypto_pwhash_STRBYTES);
    str_format(out, crypto_pwhash_STRBYTES, "%s",
               *ret_real ? store_cell(&rows, 0, 0)->text : nobody);
    return ERR_OK;
}

enum err_code access_login(struct access *access, const char *user, const char *password,
                           char out_token[64], int64_t *out_expires_at, struct err *err)
{
    char hash[crypto_pwhash_STRBYTES];
    bool real = false;
    enum err_code rc;
    pthread_mutex_lock(&access->login_lock);
    bool slowed = is_slowed(access, user);
    while (!slowed && access->logins >= MAX_LOGINS)
        pthread_cond_wait(&access->login_free, &access->login_lock);
    access->logins += !slowed;
    pthread_mutex_unlock(&access->login_lock);
    if (slowed) {
        err_set(err, ERR_RATE, "too many wrong passwords for '%s'", user);
        return err_hint(err, "wait a minute");
    }
    rc = password_of(access, user, hash, &real, err);
    bool right = !rc && crypto_pwhash_str_verify(hash, password, strlen(password)) == 0 && real;
    pthread_rwlock_rdlock(&access->lock);
    const struct access_person *person = map_find(access->people, user);
    right = right && person && !person->disabled;
    pthread_rwlock_unlock(&access->lock);
    pthread_mutex_lock(&access->login_lock);
    access->logins--;
    if (!rc && !right)
        count_wrong(access, user);
    pthread_cond_signal(&access->login_free);
    pthread_mutex_unlock(&access->login_lock);
    if (rc)
        return rc;
    if (!right)
        return err_set(err, ERR_UNAUTHENTICATED, "user or password is wrong");

    *out_expires_at = clock_now_ms() + LOGIN_LIFE_MS;
    struct access_token_spec token = {
        .user = user, .title = "login", .expires_at = *out_expires_at};
    struct store_actor actor = {.user = user, .tenant = ""};
    char id[ID_SIZE];
    return access_token_create(access, &token, &actor, id, out_token, err);
}
