/* postgres_priv.h - inside of the PostgreSQL backend: connections, their pool, the listener. */
#ifndef SWAN_STORE_POSTGRES_PRIV_H
#define SWAN_STORE_POSTGRES_PRIV_H

#include <libpq-fe.h>

#include "store/store_priv.h"

#define POSTGRES_STORE_CONNECTIONS 16     /* of the pool; the listener has one more */
#define POSTGRES_STORE_WAIT_MS 10000      /* for a free one */
#define POSTGRES_STORE_STATEMENTS 128     /* prepared ones kept per connection */
#define POSTGRES_STORE_VERSION_MIN 130000 /* pg_current_xact_id */
#define POSTGRES_STORE_CHANNEL "swan_journal"
#define POSTGRES_STORE_POLL_MS 1000 /* finds events whose NOTIFY died with its process */

struct postgres_statement {
    char *key; /* SQL and the types of its arguments */
    uint64_t hash, used;
    char name[24];
};

struct postgres_conn {
    PGconn *pg;
    struct postgres_statement statements[POSTGRES_STORE_STATEMENTS];
    size_t statement_count;
    uint64_t clock, serial;
    uint64_t schema; /* generation of tables that the statements were prepared for */
    struct postgres_conn *next;
};

struct postgres_store {
    struct store base;
    char *url;
    _Atomic uint64_t schema;
    /* pool and gate */
    pthread_mutex_t lock;
    pthread_cond_t free;
    struct postgres_conn *idle;
    unsigned count;
    /* writers of this process: many shared or one exclusive (a retry that must not starve) */
    pthread_cond_t gate;
    unsigned shared, exclusive_waiting;
    bool exclusive;
    /* listener */
    pthread_t listener;
    bool listening;
    int signal; /* eventfd: something to announce, or stop */
    _Atomic bool stop, announce;
};

struct postgres_tx {
    struct store_tx base;
    struct postgres_conn *conn;
    bool exclusive;
};

/* postgres_conn.c */
enum err_code store_postgres_connect(const char *url, struct postgres_conn **out, struct err *err);
void store_postgres_disconnect(struct postgres_conn *conn);
bool store_postgres_broken(const struct postgres_conn *conn);
enum err_code store_postgres_error(const struct postgres_conn *conn, const PGresult *result,
                                   bool *retry, struct err *err);
/* Statements without arguments; the last one's first cell as an integer when out is not NULL. */
enum err_code store_postgres_do(struct postgres_conn *conn, const char *sql, int64_t *out,
                                bool *retry, struct err *err);
enum err_code store_postgres_run(struct store_tx *tx, const char *sql,
                                 const struct store_value *args, size_t arg_count, store_row_fn row,
                                 void *ctx, int64_t *changed, struct err *err);
enum err_code store_postgres_script(struct store_tx *tx, const char *sql, struct err *err);
void store_postgres_forget_statements(struct postgres_conn *conn);

/* postgres_listen.c */
enum err_code store_postgres_listen(struct postgres_store *store, struct err *err);
void store_postgres_unlisten(struct postgres_store *store);
void store_postgres_announce(struct store *store);
enum err_code store_postgres_follow(struct store *store, int64_t after, int64_t deadline_ms,
                                    struct err *err);

/* journal_base + xmin × 2^16: every position below belongs to a transaction that has ended. */
#define POSTGRES_STORE_HORIZON                                     \
    "((SELECT number FROM store_meta WHERE name = 'journal_base')" \
    " + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 16))"

#endif
