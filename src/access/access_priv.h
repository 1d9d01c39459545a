/* access_priv.h - the snapshot of users and tokens, and what the files of access share. */
#ifndef SWAN_ACCESS_ACCESS_PRIV_H
#define SWAN_ACCESS_ACCESS_PRIV_H

#include <pthread.h>

#include "access/access.h"
#include "base/map.h"

#define ACCESS_LOGIN_MAX 64        /* bytes of a login with its NUL */
#define ACCESS_LOGIN_TITLE "login" /* of the tokens that a password gets */

struct access_person {
    char name[ACCESS_LOGIN_MAX], tenant[64];
    enum access_role role;
    bool disabled;
};
struct access_key {
    char id[ID_SIZE], hash[65];
    char user[64];
    enum access_role role; /* ACCESS_NOBODY = the user's */
    int64_t expires_at;
};

struct access {
    struct store *store;
    unsigned char secret[32];     /* key of the token hashes */
    pthread_mutex_t refresh_lock; /* one refresh at a time; guards position and stale */
    int64_t position;             /* of the journal that the maps show; -1 = nothing read yet */
    bool stale;                   /* a refresh after a write failed: read everything again */
    pthread_rwlock_t lock;        /* guards the three maps; held for look-ups and single changes */
    struct map *people;           /* name → struct access_person */
    struct map *keys;             /* hash → struct access_key */
    struct map *ids;              /* id of a token → the same struct access_key */
    pthread_mutex_t login_lock;   /* guards what follows */
    pthread_cond_t login_free;
    int logins, waiting; /* passwords being hashed now; threads that wait to do so */
    struct map *wrong;   /* user → struct access_wrong */
};

struct access_wrong {
    int64_t since_ms;
    int count;
};

/* Frees a map and its values. */
void access_free_values(struct map *map);
/* After a commit: shows the user and the token (either may be NULL) as they are now.  What fails
 * here is made good by the next access_refresh, which tells the error. */
void access_show(struct access *access, const char *user, const char *token_id);

void access_hash_token(const struct access *access, const char *token, char out[65]);
/* A hash for keeping; out has crypto_pwhash_STRBYTES.  Waits for its turn: ERR_RATE when many do.
 */
enum err_code access_hash_password(struct access *access, const char *password, char *out,
                                   struct err *err);
/* Random text "swan_…". */
void access_new_token(char out[64]);

struct access_token_row {
    char id[ID_SIZE], token[64];
};
/* Inserts a token in the caller's transaction. */
enum err_code access_insert_token(struct access *access, struct store_tx *tx,
                                  const struct access_token_spec *spec,
                                  const struct store_actor *actor, struct access_token_row *out,
                                  struct err *err);

#endif
