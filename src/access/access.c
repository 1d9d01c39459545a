/* access.c - opening, checking tokens against the snapshot, and following the journal.
 *
 * Contract: the hash of a token is what finds it, so a look-up tells nothing about near misses; the
 * maps are swapped whole under a lock held for microseconds.  The secret file is made once, by
 * rename, mode 0600; without it no token works, and nothing in the store helps to guess one. */
#include "access/access_priv.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

static const struct store_migration migrations[] = {
    {1, "access: hashes of tokens and passwords",
     "CREATE TABLE access_tokens ("
     " hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_name TEXT NOT NULL,"
     " role BIGINT NOT NULL, expires_ms BIGINT NOT NULL);"
     "CREATE TABLE access_passwords (user_name TEXT PRIMARY KEY, hash TEXT NOT NULL)"},
};
const struct store_module access_store_module = {"access", migrations, ARRAY_LEN(migrations)};

static enum err_code read_secret(const char *path, unsigned char secret[32], struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc;
    if (!file_exists(path)) {
        id_random(secret, 32);
        if ((rc = file_write_atomic(path, secret, 32, 0600, err)))
            return err_context(err, "the key of access");
    }
    if ((rc = file_read(path, 64, &text, err)))
        return err_context(err, "the key of access");
    if (text.len != 32) {
        err_set(err, ERR_CORRUPT, "%s is not a key of 32 bytes", path);
        return err_hint(err, "restore it from a backup; a new key makes all tokens useless");
    }
    memcpy(secret, text.data, 32);
    sodium_memzero(text.data, text.len);
    return ERR_OK;
}

enum err_code access_open(struct store *store, const char *key_file, struct access **out,
                          struct err *err)
{
    struct access *access = mem_zalloc(sizeof *access);
    enum err_code rc;
    access->store = store;
    access->position = -1;
    access->people = map_new();
    access->keys = map_new();
    access->wrong = map_new();
    pthread_rwlock_init(&access->lock, NULL);
    pthread_mutex_init(&access->login_lock, NULL);
    pthread_cond_init(&access->login_free, NULL);
    if (sodium_init() < 0)
        rc = err_set(err, ERR_IO, "libsodium cannot start");
    else if (!(rc = read_secret(key_file, access->secret, err)))
        rc = access_refresh(access, err);
    if (rc) {
        access_close(access);
        return rc;
    }
    *out = access;
    return ERR_OK;
}

static void free_values(struct map *map)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(map, &at, &key, &value))
        mem_free(value);
    map_free(map);
}

void access_close(struct access *access)
{
    if (!access)
        return;
    free_values(access->people);
    free_values(access->keys);
    free_values(access->wrong);
    pthread_rwlock_destroy(&access->lock);
    pthread_mutex_destroy(&access->login_lock);
    pthread_cond_destroy(&access->login_free);
    sodium_memzero(access->secret, sizeof access->secret);
    mem_free(access);
}

void access_hash_token(const struct access *access, const char *token, char out[65])
{
    id_keyed_hash(access->secret, token, strlen(token), out);
}

void access_new_token(char out[64])
{
    unsigned char bytes[32];
    char text[48];
    id_random(bytes, sizeof bytes);
    sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    str_format(out, 64, "swan_%s", text);
    sodium_memzero(bytes, sizeof bytes);
}

/* Reads all users; there are few beside what else the store holds. */
static enum err_code load_people(struct store_tx *tx, struct map *people, struct err *err)
{
    struct store_list_query query = {.collection = "users", .limit = 1000};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    do {
        struct store_page page;
        enum err_code rc = store_list(tx, &query, &page, &arena, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < page.count; i++) {
            struct access_user_spec spec;
            if ((rc = json_decode_stored(page.records[i].spec, &access_user_table, &spec, &arena,
                                         err)))
                return rc;
            struct access_person *person = mem_zalloc(sizeof *person);
            str_format(person->name, sizeof person->name, "%s", spec.name);
            str_format(person->tenant, sizeof person->tenant, "%s", spec.tenant ? spec.tenant : "");
            person->role = (enum access_role)spec.role;
            person->disabled = spec.disabled.set && spec.disabled.value;
            mem_free(map_put(people, spec.name, person));
        }
        query.cursor = page.next;
    } while (query.cursor);
    return ERR_OK;
}

static enum err_code load_keys(struct store_tx *tx, struct map *keys, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT hash, id, user_name, role, expires_ms"
                                   " FROM access_tokens",
                                   NULL, 0, 0, &rows, &arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++) {
        struct access_key *key = mem_zalloc(sizeof *key);
        str_format(key->id, sizeof key->id, "%s", store_cell(&rows, i, 1)->text);
        str_format(key->user, sizeof key->user, "%s", store_cell(&rows, i, 2)->text);
        key->role = (enum access_role)store_cell(&rows, i, 3)->integer;
        key->expires_at = store_cell(&rows, i, 4)->integer;
        mem_free(map_put(keys, store_cell(&rows, i, 0)->text, key));
    }
    return rc;
}

/* Did the journal say anything about users or tokens since? */
static enum err_code has_moved(struct store_tx *tx, int64_t after, bool *out, struct err *err)
{
    static const char *const collections[] = {"users", "tokens"};
    *out = after < 0;
    for (size_t i = 0; i < ARRAY_LEN(collections) && !*out; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct store_event *events;
        size_t count;
        enum err_code rc =
            store_events(tx, after, collections[i], NULL, NULL, 1, &events, &count, &arena, err);
        if (rc)
            return rc;
        *out = count > 0;
    }
    return ERR_OK;
}

enum err_code access_refresh(struct access *access, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    int64_t position;
    bool moved;
    enum err_code rc;
    if ((rc = store_begin(access->store, STORE_READ, &tx, err)) ||
        (rc = store_position(tx, &position, err)) ||
        (rc = has_moved(tx, access->position, &moved, err)))
        return rc;
    if (!moved) {
        access->position = position;
        return ERR_OK;
    }
    struct map *people = map_new(), *keys = map_new();
    if ((rc = load_people(tx, people, err)) || (rc = load_keys(tx, keys, err))) {
        free_values(people);
        free_values(keys);
        return rc;
    }
    pthread_rwlock_wrlock(&access->lock);
    struct map *old_people = access->people, *old_keys = access->keys;
    access->people = people;
    access->keys = keys;
    access->position = position;
    pthread_rwlock_unlock(&access->lock);
    free_values(old_people);
    free_values(old_keys);
    return ERR_OK;
}

/* Fills `out` under the lock; false when the hash is unknown, the token is too old or its user
 * gone. */
static bool find_identity(struct access *access, const char *hash, struct access_identity *out)
{
    const struct access_key *key = map_find(access->keys, hash);
    const struct access_person *person = key ? map_find(access->people, key->user) : NULL;
    if (!person || person->disabled || (key->expires_at && key->expires_at <= clock_now_ms()))
        return false;
    memcpy(out->user, person->name, sizeof out->user);
    memcpy(out->tenant, person->tenant, sizeof out->tenant);
    memcpy(out->token, key->id, sizeof out->token);
    out->role = key->role && key->role < person->role ? key->role : person->role;
    out->all_tenants = out->role >= ACCESS_OPERATOR && !person->tenant[0];
    return true;
}

enum err_code access_check(struct access *access, const char *authorization,
                           struct access_identity *out, struct err *err)
{
    if (!authorization || !str_has_prefix(authorization, "Bearer ")) {
        err_set(err, ERR_UNAUTHENTICATED, "a token is needed");
        return err_hint(err, "send Authorization: Bearer swan_…; swan login keeps it for you");
    }
    const char *token = authorization + strlen("Bearer ");
    char hash[65];
    bool known = false;
    if (strlen(token) < 64) {
        access_hash_token(access, token, hash);
        pthread_rwlock_rdlock(&access->lock);
        known = find_identity(access, hash, out);
        pthread_rwlock_unlock(&access->lock);
    }
    if (known)
        return ERR_OK;
    err_set(err, ERR_UNAUTHENTICATED, "this token is not known, or no longer");
    return err_hint(err, "log in again, or ask an admin for a new token");
}

enum err_code access_audit_write(struct access *access, const struct access_identity *who,
                                 const struct access_audit *audit, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct store_actor actor = {.user = who->user[0] ? who->user : "anonymous",
                                .tenant = who->tenant,
                                .request = audit->request};
    json_encode(&access_audit_table, audit, JSON_COMPACT, &text);
    enum err_code rc;
    if ((rc = store_begin(access->store, STORE_WRITE, &tx, err)) ||
        (rc = store_append(tx, "audit", audit->object ? audit->object : audit->path, audit->outcome,
                           buf_str(&text), &actor, NULL, err)))
        return rc;
    return store_commit(TAKE(tx), err);
}
