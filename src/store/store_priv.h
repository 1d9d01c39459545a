/* store_priv.h - what the files of the store share: the backend's table of functions, the parts of
 * a store and of a transaction that both backends have. */
#ifndef SWAN_STORE_PRIV_H
#define SWAN_STORE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "store/store.h"

#define STORE_FORMAT 1 /* of the store's own tables */

#define STORE_ID_MAX 512           /* a PostgreSQL index row holds 2700 bytes */
#define STORE_NAME_MAX 128         /* collection, tenant, event, user, request */
#define STORE_JSON_MAX (64u << 20) /* one spec, status or journal body */
#define STORE_JSON_DEPTH 64        /* twice what the decoders let in */
#define STORE_TX_EVENTS_MAX 65535  /* PostgreSQL positions keep 16 bits for the event in its tx */
#define STORE_POSITION_BITS 16
#define STORE_ATTEMPTS 8        /* of store_write */
#define STORE_ATTEMPTS_SHARED 2 /* after these a retry runs alone, so it cannot starve */
#define STORE_ARGS_MAX 1024     /* inside; callers use $1…$9 */

/* Called for each row; the cells live until it returns. */
typedef enum err_code (*store_row_fn)(void *ctx, const struct store_value *cells, size_t columns,
                                      struct err *err);

/* One way to write a question about a JSON member in the backend's SQL.  Each appends to sql. */
struct store_dialect {
    void (*kind)(struct buf *sql, const char *column, const char *path);  /* its JSON type's name */
    void (*value)(struct buf *sql, const char *column, const char *path); /* its text or number */
    const char *numbers;    /* "'integer','real'": the kinds that are numbers */
    const char *booleans;   /* the kinds whose text is "true" or "false" */
    const char *string;     /* the kind that is text */
    bool bool_text_is_kind; /* the text of a boolean is its kind, not its value */
    const char *contains;   /* function: position of needle in text, 0 if none */
    const char *bytewise;   /* appended to a text expression: compare bytes */
};

/* How a write transaction may wait: plain, in a group that commits together (store_write), or
 * alone in this process. */
struct store_wish {
    enum store_mode mode;
    bool grouped;   /* the body is a store_write body: it may share one fsync with others */
    bool exclusive; /* keep the other writers of this process out */
};

struct store_backend {
    const char *kind;
    const char *lock_row;    /* " FOR UPDATE" or "" */
    const char *skip_locked; /* " FOR UPDATE SKIP LOCKED" or "" */
    /* INSERT into the journal; $1…$9 are at, collection, object, event, version, tenant, user,
     * request, body, $10 the event's number in its transaction.  Returns the position. */
    const char *append;
    const char
        *events_until;    /* condition on position that hides what may still be overtaken, or "" */
    const char *position; /* SELECT of the position that a snapshot shows completely */
    const char *lock_migrations; /* keeps other processes from migrating, or NULL */
    const char *after_restore;   /* makes new positions follow restored ones, or NULL */
    const struct store_dialect *dialect;
    void (*close)(struct store *store);
    /* On success *out is a transaction; on failure *retry tells whether trying again may help. */
    enum err_code (*begin)(struct store *store, const struct store_wish *wish,
                           struct store_tx **out, bool *retry, struct err *err);
    /* Ends and frees.  Without `commit` ERR_OK, save that a group which failed fails its readers.
     */
    enum err_code (*end)(struct store_tx *tx, bool commit, bool *retry, struct err *err);
    /* One statement.  row may be NULL.  Sets tx->retry when the failure is of the database's
     * making. */
    enum err_code (*run)(struct store_tx *tx, const char *sql, const struct store_value *args,
                         size_t arg_count, store_row_fn row, void *ctx, int64_t *changed,
                         struct err *err);
    enum err_code (*script)(struct store_tx *tx, const char *sql, struct err *err);
    enum err_code (*follow)(struct store *store, int64_t after, int64_t deadline_ms,
                            struct err *err);
    /* After a commit with events: tells other processes.  May be NULL. */
    void (*announce)(struct store *store);
    /* After DDL: prepared statements of before are of no use.  May be NULL. */
    void (*schema_changed)(struct store *store);
    /* Writes into the empty file at path; NULL = row by row (snapshot.c). */
    enum err_code (*snapshot)(struct store *store, const char *path, struct err *err);
};

struct store {
    const struct store_backend *backend;
    _Atomic int64_t commits, rollbacks, retries, queries;
    /* followers */
    pthread_mutex_t follow_lock;
    pthread_cond_t follow_cond; /* CLOCK_MONOTONIC */
    uint64_t wake_count;        /* store_wake */
    uint64_t news_count;        /* something was committed, here or elsewhere */
    int64_t known_position;     /* highest committed position that this process knows of */
};

struct store_tx {
    struct store *store;
    enum store_mode mode;
    bool doomed; /* a statement failed: only a rollback can follow */
    bool retry;  /* … for a reason that another try may not meet */
    enum err_code doom_code;
    int64_t events;        /* appended so far */
    int64_t last_position; /* of the last one; 0 if none */
};

/* backends */
enum err_code store_sqlite_open(const char *path, struct store **out, struct err *err);
/* A snapshot file, for reading only; it must exist. */
enum err_code store_sqlite_open_file(const char *path, struct store **out, struct err *err);
/* Turns a closed SQLite file into one that needs no WAL beside it. */
enum err_code store_sqlite_plain_file(const char *path, struct err *err);
enum err_code store_postgres_open(const char *url, struct store **out, struct err *err);
void store_base_init(struct store *store, const struct store_backend *backend);
void store_base_done(struct store *store);

/* store.c */
enum err_code store_script(struct store_tx *tx, const char *sql, struct err *err);
/* Streams the rows of a statement; no limit. */
enum err_code store_each(struct store_tx *tx, const char *sql, const struct store_value *args,
                         size_t arg_count, store_row_fn row, void *ctx, struct err *err);
enum err_code store_doom(struct store_tx *tx, enum err_code code);

/* journal.c: tells the followers of this process; position 0 = unknown. */
void store_news(struct store *store, int64_t position);
enum err_code store_check_event(const char *collection, const char *object, const char *event,
                                const struct store_actor *actor, struct err *err);
enum err_code store_append_as(struct store_tx *tx, const char *tenant, int64_t version,
                              const char *collection, const char *object, const char *event,
                              const char *body, const struct store_actor *actor,
                              int64_t *ret_position, struct err *err);

/* migrate.c */
enum err_code store_migrate_one(struct store *store, const char *module,
                                const struct store_migration *migration, struct err *err);

/* check.c */
enum err_code store_check_text(const char *what, const char *text, size_t max, bool may_be_empty,
                               struct err *err);
/* Is it JSON that both databases read alike: well-formed UTF-8, no U+0000, no lone surrogate,
 * numbers that a double can hold, at most STORE_JSON_DEPTH deep. */
enum err_code store_check_json(const char *what, const char *text, struct err *err);
/* Singular of a collection's name: "sites" → "site", "policies" → "policy". */
void store_singular(const char *collection, char *out, size_t size);

/* A deadline for pthread_cond_timedwait on a CLOCK_MONOTONIC condition. */
struct timespec store_timespec(int64_t mono_ms);
void store_cond_init(pthread_cond_t *cond);

#endif
