/* sqlite_priv.h - inside of the SQLite backend: connections, the writer and its groups. */
#ifndef SWAN_STORE_SQLITE_PRIV_H
#define SWAN_STORE_SQLITE_PRIV_H

#include <sqlite3.h>

#include "store/store_priv.h"

#define SQLITE_STORE_APPLICATION 0x5357414e /* "SWAN" */
#define SQLITE_STORE_BUSY_MS 5000           /* other processes: a backup tool, sqlite3 */
#define SQLITE_STORE_READERS 16             /* connections for reading; opened when needed */
#define SQLITE_STORE_STATEMENTS 64          /* prepared ones kept per connection */
#define SQLITE_STORE_GROUP 64               /* transactions of one commit */
#define SQLITE_STORE_GROUP_US 4000          /* after this a group takes in nobody */

struct sqlite_statement {
    char *sql;
    uint64_t hash, used;
    sqlite3_stmt *stmt;
};

struct sqlite_conn {
    sqlite3 *db;
    struct sqlite_statement statements[SQLITE_STORE_STATEMENTS];
    size_t statement_count;
    uint64_t clock;
    struct sqlite_conn *next; /* of the idle ones */
};

/* Transactions that become durable with one COMMIT. */
struct sqlite_group {
    unsigned refs;
    unsigned joined; /* transactions begun in it */
    bool wrote;      /* one of them was released */
    bool done;
    bool broken; /* SQLite rolled the outer transaction back by itself */
    bool retry;
    enum err_code rc;
    struct err err;
    int64_t opened_us;
    pthread_cond_t ended;
};

struct sqlite_waiter {
    pthread_cond_t turn;
    bool granted, grouped;
    struct sqlite_waiter *next;
};

struct sqlite_writer {
    pthread_mutex_t lock; /* guards everything here; never held across I/O */
    bool busy;
    struct sqlite_waiter *first, *last; /* in order of arrival */
    struct sqlite_group *group;         /* whose outer transaction is open, or NULL */
    struct sqlite_conn *conn;           /* used by him who has the turn */
};

struct sqlite_store {
    struct store base;
    char *path;
    bool read_only; /* a snapshot file */
    struct sqlite_writer writer;
    pthread_mutex_t reader_lock;
    pthread_cond_t reader_free;
    struct sqlite_conn *idle;
    unsigned reader_count;
};

struct sqlite_tx {
    struct store_tx base;
    struct sqlite_conn *conn;
    struct sqlite_group *group; /* of a write transaction */
    bool grouped;
};

/* sqlite_conn.c */
enum err_code store_sqlite_error(sqlite3 *db, int code, const char *what, bool *retry,
                                 struct err *err);
enum err_code store_sqlite_connect(const char *path, int flags, struct sqlite_conn **out,
                                   struct err *err);
void store_sqlite_disconnect(struct sqlite_conn *conn);
/* One statement without arguments and rows, kept prepared. */
enum err_code store_sqlite_do(struct sqlite_conn *conn, const char *sql, bool *retry,
                              struct err *err);
enum err_code store_sqlite_pragma(struct sqlite_conn *conn, const char *sql, int64_t *out,
                                  struct err *err);
enum err_code store_sqlite_run(struct store_tx *tx, const char *sql, const struct store_value *args,
                               size_t arg_count, store_row_fn row, void *ctx, int64_t *changed,
                               struct err *err);
enum err_code store_sqlite_script(struct store_tx *tx, const char *sql, struct err *err);

/* sqlite_writer.c */
enum err_code store_sqlite_writer_begin(struct sqlite_store *store, struct sqlite_tx *tx,
                                        bool *retry, struct err *err);
enum err_code store_sqlite_writer_end(struct sqlite_store *store, struct sqlite_tx *tx, bool commit,
                                      bool *retry, struct err *err);

#endif
