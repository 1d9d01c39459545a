/* access.c - opening, checking tokens against the snapshot, and following the journal.
 *
 * Contract: the hash of a token is what finds it, so a look-up tells nothing about near misses.  A
 * refresh costs what has changed, not what there is; the lock of the maps is held for single
 * changes.  Refreshes come one after the other, so an older view never replaces a newer one.  The
 * secret file is made once, by link, mode 0600; without it no token works, and nothing in the store
 * helps to guess one. */
#include "access/access_priv.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

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

/* Puts a new key at `path` unless somebody else was faster: a link does not replace. */
static enum err_code make_secret(const char *path, struct err *err)
{
    unsigned char secret[32];
    char suffix[ID_SIZE];
    id_new("new", suffix);
    CLEANUP(mem_free_at) char *temporary = mem_printf("%s.%s", path, suffix);
    id_random(secret, sizeof secret);
    enum err_code rc = file_write_atomic(temporary, secret, sizeof secret, 0600, err);
    sodium_memzero(secret, sizeof secret);
    if (!rc && link(temporary, path) && errno != EEXIST)
        rc = err_errno(err, errno, "cannot write '%s'", path);
    unlink(temporary);
    return rc;
}

static enum err_code read_secret(const char *path, unsigned char secret[32], struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc;
    if ((!file_exists(path) && (rc = make_secret(path, err))) ||
        (rc = file_read(path, 64, &text, err)))
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
    access->ids = map_new();
    access->wrong = map_new();
    /* Readers never cease under load: a change must not wait for a moment without any. */
    pthread_rwlockattr_t fair;
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&access->lock, &fair);
    pthread_rwlockattr_destroy(&fair);
    pthread_mutex_init(&access->refresh_lock, NULL);
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

void access_free_values(struct map *map)
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
    access_free_values(access->people);
    access_free_values(access->keys);
    map_free(access->ids);
    access_free_values(access->wrong);
    pthread_rwlock_destroy(&access->lock);
    pthread_mutex_destroy(&access->refresh_lock);
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

static enum err_code decode_person(const struct store_record *record, struct access_person **out,
                                   struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct access_user_spec spec;
    enum err_code rc = json_decode_stored(record->spec, &access_user_table, &spec, &arena, err);
    if (rc)
        return rc;
    struct access_person *person = mem_zalloc(sizeof *person);
    str_format(person->name, sizeof person->name, "%s", spec.name);
    str_format(person->tenant, sizeof person->tenant, "%s", spec.tenant ? spec.tenant : "");
    person->role = (enum access_role)spec.role;
    person->disabled = spec.disabled.set && spec.disabled.value;
    *out = person;
    return ERR_OK;
}

static enum err_code load_people(struct store_tx *tx, struct map *people, struct err *err)
{
    struct store_list_query query = {.collection = "users", .limit = 1000};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    do {
        struct store_page page;
        enum err_code rc = store_list(tx, &query, &page, &arena, err);
        for (size_t i = 0; !rc && i < page.count; i++) {
            struct access_person *person;
            if (!(rc = decode_person(&page.records[i], &person, err)))
                mem_free(map_put(people, page.records[i].id, person));
        }
        if (rc)
            return rc;
        query.cursor = page.next;
    } while (query.cursor);
    return ERR_OK;
}

#define KEY_SQL "SELECT hash, id, user_name, role, expires_ms FROM access_tokens"
#define MAX_KEYS 1000000 /* as many as fit beside the rest of a server: 200 MB */

static struct access_key *key_of(const struct store_rows *rows, size_t row)
{
    struct access_key *key = mem_zalloc(sizeof *key);
    str_format(key->hash, sizeof key->hash, "%s", store_cell(rows, row, 0)->text);
    str_format(key->id, sizeof key->id, "%s", store_cell(rows, row, 1)->text);
    str_format(key->user, sizeof key->user, "%s", store_cell(rows, row, 2)->text);
    key->role = (enum access_role)store_cell(rows, row, 3)->integer;
    key->expires_at = store_cell(rows, row, 4)->integer;
    return key;
}

static void put_key(struct map *keys, struct map *ids, struct access_key *key)
{
    mem_free(map_put(keys, key->hash, key));
    map_put(ids, key->id, key);
}

static enum err_code load_keys(struct store_tx *tx, struct map *keys, struct map *ids,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    struct store_value now = STORE_V_INT(clock_now_ms());
    enum err_code rc = store_query(tx, KEY_SQL " WHERE expires_ms = 0 OR expires_ms > $1", &now, 1,
                                   MAX_KEYS, &rows, &arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++)
        put_key(keys, ids, key_of(&rows, i));
    return rc;
}

static enum err_code load_everything(struct access *access, struct store_tx *tx, struct err *err)
{
    struct map *people = map_new(), *keys = map_new(), *ids = map_new();
    enum err_code rc = load_people(tx, people, err);
    if (!rc)
        rc = load_keys(tx, keys, ids, err);
    if (!rc) {
        struct map *old[] = {access->people, access->keys, access->ids};
        pthread_rwlock_wrlock(&access->lock);
        access->people = people;
        access->keys = keys;
        access->ids = ids;
        pthread_rwlock_unlock(&access->lock);
        people = old[0];
        keys = old[1];
        ids = old[2];
    }
    access_free_values(people);
    access_free_values(keys);
    map_free(ids);
    return rc;
}

static enum err_code show_user(struct access *access, struct store_tx *tx, const char *name,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct access_person *person = NULL;
    enum err_code rc = store_get(tx, "users", name, &record, &arena, err);
    if (rc != ERR_NOT_FOUND && (rc || (rc = decode_person(&record, &person, err))))
        return rc;
    err_clear(err);
    pthread_rwlock_wrlock(&access->lock);
    struct access_person *old =
        person ? map_put(access->people, name, person) : map_take(access->people, name);
    pthread_rwlock_unlock(&access->lock);
    mem_free(old);
    return ERR_OK;
}

static enum err_code show_token(struct access *access, struct store_tx *tx, const char *id,
                                struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(id)};
    struct store_rows rows;
    enum err_code rc = store_query(tx, KEY_SQL " WHERE id = $1", args, 1, 1, &rows, &arena, err);
    if (rc)
        return rc;
    struct access_key *key = rows.count ? key_of(&rows, 0) : NULL;
    pthread_rwlock_wrlock(&access->lock);
    struct access_key *old = map_take(access->ids, id);
    if (old)
        map_take(access->keys, old->hash);
    if (key)
        put_key(access->keys, access->ids, key);
    pthread_rwlock_unlock(&access->lock);
    mem_free(old);
    return ERR_OK;
}

#define BATCH 1000

/* Shows what the journal says about users or tokens since. */
static enum err_code follow(struct access *access, struct store_tx *tx, bool tokens,
                            struct err *err)
{
    int64_t after = access->position;
    size_t count = BATCH;
    enum err_code rc = ERR_OK;
    while (!rc && count == BATCH) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct store_event *events;
        rc = store_events(tx, after, tokens ? "tokens" : "users", NULL, NULL, BATCH, &events,
                          &count, &arena, err);
        for (size_t i = 0; !rc && i < count; i++) {
            rc = tokens ? show_token(access, tx, events[i].object, err)
                        : show_user(access, tx, events[i].object, err);
            after = events[i].position;
        }
    }
    return rc;
}

static enum err_code refresh(struct access *access, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    int64_t position;
    enum err_code rc;
    if ((rc = store_begin(access->store, STORE_READ, &tx, err)) ||
        (rc = store_position(tx, &position, err)))
        return rc;
    if (access->position < 0 || access->stale)
        rc = load_everything(access, tx, err);
    else if (!(rc = follow(access, tx, true, err)))
        rc = follow(access, tx, false, err);
    if (!rc) {
        access->position = position;
        access->stale = false;
    }
    return rc;
}

enum err_code access_refresh(struct access *access, struct err *err)
{
    pthread_mutex_lock(&access->refresh_lock);
    enum err_code rc = refresh(access, err);
    pthread_mutex_unlock(&access->refresh_lock);
    return rc;
}

void access_show(struct access *access, const char *user, const char *token_id)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    pthread_mutex_lock(&access->refresh_lock);
    if (store_begin(access->store, STORE_READ, &tx, NULL) ||
        (user && show_user(access, tx, user, NULL)) ||
        (token_id && show_token(access, tx, token_id, NULL)))
        access->stale = true;
    pthread_mutex_unlock(&access->refresh_lock);
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

struct audit_write {
    const struct access_audit *audit;
    const char *object, *body;
    struct store_actor actor;
};

static enum err_code audit_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct audit_write *write = ctx;
    return store_append(tx, "audit", write->object, write->audit->outcome, write->body,
                        &write->actor, NULL, err);
}

#define MAX_OBJECT 256 /* a path from outside may be longer than the journal's names */

enum err_code access_audit_write(struct access *access, const struct access_identity *who,
                                 const struct access_audit *audit, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    char object[MAX_OBJECT];
    json_encode(&access_audit_table, audit, JSON_COMPACT, &text);
    str_format(object, sizeof object, "%s", audit->object ? audit->object : audit->path);
    struct audit_write write = {.audit = audit, .object = object, .body = buf_str(&text)};
    write.actor = (struct store_actor){.user = who->user[0] ? who->user : "anonymous",
                                       .tenant = who->tenant,
                                       .request = audit->request};
    return store_write(access->store, audit_body, &write, err);
}
