/* access.h - service: who may do what.  Tenants, users, roles, tokens, passwords, audit.
 *
 * A token is 32 random bytes in text ("swan_" + 43 characters of base64url); the store keeps only
 * its keyed BLAKE2b hash, so checking one costs microseconds.  The key lies in a file beside the
 * database, mode 0600.  People have passwords too (argon2id, interactive limits of libsodium); at
 * most two are checked at a time and wrong ones are slowed down.  Tokens and users are kept in
 * memory as an immutable snapshot that follows the journal: a revoked token stops working
 * everywhere within a second.
 *
 * Collections: "tenants", "users", "tokens" (hash and password never leave the module).  Fault
 * points: those of store. */
#ifndef SWAN_ACCESS_ACCESS_H
#define SWAN_ACCESS_ACCESS_H

#include "base/id.h"
#include "base/json.h"
#include "store/store.h"

extern const struct store_module access_store_module;

enum access_role { ACCESS_NOBODY, ACCESS_VIEWER, ACCESS_CUSTOMER, ACCESS_OPERATOR, ACCESS_ADMIN };
extern const char *const access_role_names[]; /* [0] NULL, viewer, customer, operator, admin */
/* Each role may all that the one before may.  viewer reads; customer has requirements, solutions,
 * orders and deployments of his tenant; operator runs the network for all tenants; admin manages
 * users and tokens. */

struct access_user_spec {
    const char *name; /* login */
    const char *title;
    const char *tenant; /* "" = the operator's own: sees all tenants when role ≥ operator */
    int role;
    struct opt_bool disabled;
    const char *password; /* JSON_SECRET: read, never written; absent = no login by password */
};
extern const struct json_table access_user_table;

struct access_tenant_spec {
    const char *name, *title;
};
extern const struct json_table access_tenant_table;

struct access_token_spec {
    const char *user; /* whose */
    const char *title;
    int role;           /* at most the user's; absent = the user's */
    int64_t expires_at; /* 0 = never */
};
extern const struct json_table access_token_table;

struct access_identity {
    char user[64], tenant[64], token[ID_SIZE];
    enum access_role role;
    bool all_tenants; /* operator or admin of the operator's own tenant */
};

struct access;
/* key_file is made when absent. */
enum err_code access_open(struct store *store, const char *key_file, struct access **out,
                          struct err *err);
void access_close(struct access *access);
/* Applies what the journal says since the last call; the daemon calls it when the journal grew. */
enum err_code access_refresh(struct access *access, struct err *err);

/* `authorization` is the header's value ("Bearer swan_…"); ERR_UNAUTHENTICATED with a hint.
 * Thread-safe, no I/O. */
enum err_code access_check(struct access *access, const char *authorization,
                           struct access_identity *out, struct err *err);

/* Makes the first admin user "admin" with a token when there is no user at all; else *out_token[0]
 * = 0. */
enum err_code access_bootstrap(struct access *access, char out_token[64], struct err *err);

enum err_code access_tenant_create(struct access *access, const struct access_tenant_spec *spec,
                                   const struct store_actor *actor, struct err *err);
enum err_code access_user_create(struct access *access, const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err);
enum err_code access_user_update(struct access *access, const char *name, int64_t expected,
                                 const struct access_user_spec *spec,
                                 const struct store_actor *actor, struct err *err);
enum err_code
access_user_delete(struct access *access, const char *name, const struct store_actor *actor,
                   struct err *err); /* with its tokens; the last admin stays: ERR_CONFLICT */
enum err_code access_token_create(struct access *access, const struct access_token_spec *spec,
                                  const struct store_actor *actor, char out_id[ID_SIZE],
                                  char out_token[64], struct err *err);
enum err_code access_token_revoke(struct access *access, const char *id,
                                  const struct store_actor *actor, struct err *err);
/* Password → token that lives 12 hours; ERR_UNAUTHENTICATED says not whether the user exists;
 * ERR_RATE after 10 wrong ones in a minute for a user. */
enum err_code access_login(struct access *access, const char *user, const char *password,
                           char out_token[64], int64_t *out_expires_at, struct err *err);

/* One audit record (journal, collection "audit"): every write that was tried, with its outcome. */
struct access_audit {
    const char *method, *path, *outcome; /* "201", "403 forbidden" */
    const char *object;                  /* collection/id that was touched, or NULL */
    const char *request, *peer;
};
extern const struct json_table access_audit_table;
enum err_code access_audit_write(struct access *access, const struct access_identity *who,
                                 const struct access_audit *audit, struct err *err);

#endif
