/* access_priv.h - the snapshot of users and tokens, and what the files of access share. */
#ifndef SWAN_ACCESS_ACCESS_PRIV_H
#define SWAN_ACCESS_ACCESS_PRIV_H

#include <pthread.h>

#include "access/access.h"
#include "base/map.h"

struct access_person {
    char name[64], tenant[64];
    enum access_role role;
    bool disabled;
};
struct access_key {
    char id[ID_SIZE];
    char user[64];
    enum access_role role; /* ACCESS_NOBODY = the user's */
    int64_t expires_at;
};

struct access {
    struct store *store;
    unsigned char secret[32]; /* key of the token hashes */
    pthread_rwlock_t lock;    /* guards the two maps; held for look-ups and swaps only */
    struct map *people;       /* name → struct access_person */
    struct map *keys;         /* hash → struct access_key */
    int64_t position;         /* of the journal that the maps show */
    pthread_mutex_t login_lock;
    pthread_cond_t login_free;
    int logins;        /* passwords being checked now */
    struct map *wrong; /* user → struct access_wrong */
};

struct access_wrong {
    int64_t since_ms;
    int count;
};

void access_hash_token(const struct access *access, const char *token, char out[65]);
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
