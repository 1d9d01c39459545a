/* password.c - hashing and checking of passwords.
 *
 * Contract: argon2id takes a core and 64 MiB, so few are hashed at a time, few threads wait for
 * that, and a user's wrong ones are counted; who is slowed is asked again after each wait.  An
 * unknown user takes as long as a known one.  No lock is held while hashing. */
#include <sodium.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/clock.h"
#include "base/str.h"

#define LOGIN_LIFE_MS ((int64_t)12 * 3600 * 1000)
#define MAX_LOGINS 2   /* argon2id takes 64 MiB and a core for each */
#define MAX_WAITING 16 /* threads that wait for that: the rest of the server needs some, too */
#define MAX_WRONG 10
#define WRONG_WINDOW_MS 60000
#define MAX_WRONG_USERS 10000
#define MIN_PASSWORD 8
#define MAX_PASSWORD 512

/* Forgets wrong passwords that are out of the window, or all when that is not enough. */
static void make_room(struct access *access)
{
    struct map *kept = map_new();
    size_t at = 0;
    const char *user;
    void *value;
    int64_t now = clock_mono_ms();
    while (map_next(access->wrong, &at, &user, &value)) {
        struct access_wrong *wrong = value;
        if (now - wrong->since_ms <= WRONG_WINDOW_MS && map_count(kept) < MAX_WRONG_USERS / 2)
            map_put(kept, user, wrong);
        else
            mem_free(wrong);
    }
    map_free(access->wrong);
    access->wrong = kept;
}

static void count_wrong(struct access *access, const char *user)
{
    int64_t now = clock_mono_ms();
    struct access_wrong *wrong = map_find(access->wrong, user);
    if (!wrong) {
        if (map_count(access->wrong) >= MAX_WRONG_USERS)
            make_room(access);
        wrong = mem_zalloc(sizeof *wrong);
        wrong->since_ms = now;
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
    const struct access_wrong *wrong = user ? map_find(access->wrong, user) : NULL;
    return wrong && wrong->count >= MAX_WRONG &&
           clock_mono_ms() - wrong->since_ms <= WRONG_WINDOW_MS;
}

/* Waits for a turn to hash.  `user` (may be NULL) is asked again after each wait, so that many
 * threads at once get no more tries than one. */
static enum err_code begin_hashing(struct access *access, const char *user, struct err *err)
{
    bool slowed, full;
    pthread_mutex_lock(&access->login_lock);
    full = access->logins >= MAX_LOGINS && access->waiting >= MAX_WAITING;
    access->waiting += !full;
    while (!(slowed = is_slowed(access, user)) && !full && access->logins >= MAX_LOGINS)
        pthread_cond_wait(&access->login_free, &access->login_lock);
    access->waiting -= !full;
    access->logins += !slowed && !full;
    if (slowed)
        pthread_cond_signal(&access->login_free); /* the turn goes to the next */
    pthread_mutex_unlock(&access->login_lock);
    if (slowed)
        err_set(err, ERR_RATE, "too many wrong passwords for '%s'", user);
    else if (full)
        err_set(err, ERR_RATE, "too many passwords are being checked");
    return slowed || full ? err_hint(err, "wait a minute") : ERR_OK;
}

static void end_hashing(struct access *access)
{
    pthread_mutex_lock(&access->login_lock);
    access->logins--;
    pthread_cond_signal(&access->login_free);
    pthread_mutex_unlock(&access->login_lock);
}

enum err_code access_hash_password(struct access *access, const char *password, char *out,
                                   struct err *err)
{
    size_t len = strlen(password);
    if (len < MIN_PASSWORD || len > MAX_PASSWORD) {
        err_set(err, ERR_INVALID, "a password has %d to %d bytes", MIN_PASSWORD, MAX_PASSWORD);
        return err_field(err, "password");
    }
    enum err_code rc = begin_hashing(access, NULL, err);
    if (rc)
        return rc;
    int failed = crypto_pwhash_str(out, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_MEMLIMIT_INTERACTIVE);
    end_hashing(access);
    return failed ? err_set(err, ERR_TRANSIENT, "no memory to hash a password") : ERR_OK;
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

static enum err_code is_right(struct access *access, const char *user, const char *password,
                              bool *out, struct err *err)
{
    char hash[crypto_pwhash_STRBYTES];
    bool real = false;
    enum err_code rc = password_of(access, user, hash, &real, err);
    if (rc)
        return rc;
    bool right = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0 && real;
    sodium_memzero(hash, sizeof hash);
    pthread_rwlock_rdlock(&access->lock);
    const struct access_person *person = map_find(access->people, user);
    *out = right && person && !person->disabled;
    pthread_rwlock_unlock(&access->lock);
    return ERR_OK;
}

enum err_code access_login(struct access *access, const char *user, const char *password,
                           char out_token[64], int64_t *out_expires_at, struct err *err)
{
    bool right = false;
    /* Nobody has such a name or password; longer ones would only fill memory. */
    if (strlen(user) >= ACCESS_LOGIN_MAX || strlen(password) > MAX_PASSWORD)
        return err_set(err, ERR_UNAUTHENTICATED, "user or password is wrong");
    enum err_code rc = begin_hashing(access, user, err);
    if (rc)
        return rc;
    rc = is_right(access, user, password, &right, err);
    pthread_mutex_lock(&access->login_lock);
    if (right)
        mem_free(map_take(access->wrong, user));
    else if (!rc)
        count_wrong(access, user);
    pthread_mutex_unlock(&access->login_lock);
    end_hashing(access);
    if (rc)
        return rc;
    if (!right)
        return err_set(err, ERR_UNAUTHENTICATED, "user or password is wrong");

    int64_t expires_at = clock_now_ms() + LOGIN_LIFE_MS;
    struct access_token_spec token = {
        .user = user, .title = ACCESS_LOGIN_TITLE, .expires_at = expires_at};
    struct store_actor actor = {.user = user, .tenant = ""};
    char id[ID_SIZE];
    if ((rc = access_token_create(access, &token, &actor, id, out_token, err)))
        return rc;
    *out_expires_at = expires_at;
    return ERR_OK;
}
