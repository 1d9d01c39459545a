/* store.h - one door to SQLite and PostgreSQL.
 *
 * A store is opened from an address: "sqlite:PATH" (WAL, one file, one writer at a time) or a
 * "postgresql://…" URL.  Above plain SQL in transactions stand three things that every service
 * uses: records    documents of a collection with spec, status and version, listed with filter,
 * sort, cursor journal    one event for each change, written in the same transaction; readers
 * follow it snapshots  a consistent copy of everything in one file, made while running
 *
 * SQL is the common subset of both: $1…$9 for parameters, BIGINT, DOUBLE PRECISION, TEXT, BYTEA,
 * ON CONFLICT, RETURNING.  A transaction belongs to one thread.  A commit returns only when the
 * change is durable (fsync).  Every call can be failed by a test: store.open, store.begin,
 * store.exec, store.query, store.commit, store.follow.
 *
 * No lock is held across I/O to the outside: do not call providers inside a transaction. */
#ifndef SWAN_STORE_STORE_H
#define SWAN_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct store;
struct store_tx;

struct store_migration {
    int number;       /* 1, 2, 3 … within one module */
    const char *name; /* "workflow: leases" */
    const char *sql;  /* statements separated by ';' */
};
struct store_module {
    const char *name; /* whose tables */
    const struct store_migration *migrations;
    size_t count;
};

/* Opens and creates what is missing in the store's own tables.  ERR_INVALID for a bad address,
 * ERR_TRANSIENT when PostgreSQL is not there, ERR_CORRUPT for a file that is none of ours or newer.
 */
enum err_code store_open(const char *address, struct store **out, struct err *err);
void store_close(struct store *store);
const char *store_kind(const struct store *store); /* "sqlite" or "postgresql" */

/* Applies what is not yet applied, each in a transaction, in order.  Refuses when an applied one
 * has other text than then (checked by digest). */
enum err_code store_migrate(struct store *store, const struct store_module *modules, size_t count,
                            struct err *err);

/* ---- transactions ---- */
enum store_mode { STORE_READ, STORE_WRITE };
enum err_code store_begin(struct store *store, enum store_mode mode, struct store_tx **out,
                          struct err *err);
/* Either ends the transaction whatever it returns.  After a failed commit nothing has changed, save
 * that over a broken PostgreSQL connection the outcome can be unknown: then ERR_TRANSIENT with a
 * hint. */
enum err_code store_commit(struct store_tx *tx, struct err *err);
void store_rollback(struct store_tx *tx);
/* For CLEANUP: rolls back what is still open. */
void store_rollback_at(struct store_tx **tx);

/* Runs `body` in a write transaction, again (up to 8 times, with jitter) when the database says
 * busy or serialization failure; commits when it returns ERR_OK. */
typedef enum err_code (*store_body_fn)(struct store_tx *tx, void *ctx, struct err *err);
enum err_code store_write(struct store *store, store_body_fn body, void *ctx, struct err *err);

/* ---- plain SQL, for a module's own tables ---- */
enum store_type { STORE_NULL, STORE_INT, STORE_REAL, STORE_TEXT, STORE_BLOB };
struct store_value {
    enum store_type type;
    int64_t integer;
    double real;
    const char *text; /* or bytes; NUL-ended too */
    size_t len;       /* of text or blob */
};
#define STORE_V_INT(v) ((struct store_value){.type = STORE_INT, .integer = (v)})
#define STORE_V_REAL(v) ((struct store_value){.type = STORE_REAL, .real = (v)})
#define STORE_V_TEXT(v) (store_text_value(v)) /* NULL pointer = NULL */
#define STORE_V_BLOB(v, n) ((struct store_value){.type = STORE_BLOB, .text = (v), .len = (n)})
struct store_value store_text_value(const char *text);

struct store_rows {
    size_t columns, count;
    struct store_value *cells; /* row-major: cells[row * columns + column] */
};
/* changed (may be NULL): rows inserted, updated or deleted.  A broken unique rule is ERR_CONFLICT.
 */
enum err_code store_exec(struct store_tx *tx, const char *sql, const struct store_value *args,
                         size_t arg_count, int64_t *changed, struct err *err);
/* At most max_rows (0 = 100 000; more is ERR_TOO_LARGE). */
enum err_code store_query(struct store_tx *tx, const char *sql, const struct store_value *args,
                          size_t arg_count, size_t max_rows, struct store_rows *out,
                          struct arena *arena, struct err *err);
const struct store_value *store_cell(const struct store_rows *rows, size_t row, size_t column);
/* Adds " FOR UPDATE SKIP LOCKED" on PostgreSQL and "" on SQLite, for leasing queries. */
const char *store_skip_locked(const struct store *store);
struct store *store_of(struct store_tx *tx);

/* ---- records ---- */
struct store_actor {  /* who changes; goes to the journal */
    const char *user; /* "system" for Swan itself */
    const char *tenant;
    const char *request; /* id of the request, or NULL */
};

struct store_record {
    const char *collection; /* "sites" */
    const char *id;
    const char *tenant; /* "" = everybody's */
    int64_t version;    /* 1, 2, … grows by one with each change of spec or status */
    int64_t created_ms, updated_ms;
    const char *spec, *status; /* compact JSON; status may be NULL */
};

/* The record as every face shows it: {"id","collection","version",…,"spec","status"}. */
void store_write_record(const struct store_record *record, struct buf *out);

/* Inserts with version 1; ERR_CONFLICT when the id is taken.  Event "created". */
enum err_code store_insert(struct store_tx *tx, const struct store_record *record,
                           const struct store_actor *actor, struct err *err);
/* Changes spec and/or status (NULL = leave).  expected 0 = any version, else ERR_PRECONDITION when
 * it is another. `event` names the change in the journal ("updated", "approved", "task-done").
 * ret_version may be NULL. */
enum err_code store_update(struct store_tx *tx, const char *collection, const char *id,
                           int64_t expected, const char *spec, const char *status,
                           const char *event, const struct store_actor *actor, int64_t *ret_version,
                           struct err *err);
/* Event "deleted". */
enum err_code store_delete(struct store_tx *tx, const char *collection, const char *id,
                           int64_t expected, const struct store_actor *actor, struct err *err);
/* ERR_NOT_FOUND "no SINGULAR is named 'ID'"; in a write transaction on PostgreSQL the row is
 * locked. */
enum err_code store_get(struct store_tx *tx, const char *collection, const char *id,
                        struct store_record *out, struct arena *arena, struct err *err);

enum store_operator {
    STORE_EQ,
    STORE_NE,
    STORE_LT,
    STORE_LE,
    STORE_GT,
    STORE_GE,
    STORE_LIKE /* contains */
};
struct store_condition {
    const char *path; /* "id", "created_at", "updated_at", "version", "spec.tier", "status.state" */
    enum store_operator operator;
    const char *value; /* compared as a number when both sides are numbers, else as text */
};
struct store_list_query {
    const char *collection;
    const char *tenant; /* NULL = all tenants; else that tenant's and everybody's */
    const struct store_condition *conditions;
    size_t condition_count;
    const char *sort; /* path, "" or NULL = id; ties by id */
    bool descending;
    size_t limit; /* 1…1000; 0 = 100 */
    const char
        *cursor; /* from the page before; NULL = start.  A cursor of another query is ERR_INVALID */
};
struct store_page {
    struct store_record *records;
    size_t count;
    const char *next; /* cursor, NULL at the end */
    int64_t position; /* journal position that the page shows: where to begin a watch */
};
/* Paths are checked ([a-z0-9_.]+); a bad one is ERR_INVALID.  Stable under inserts: a cursor holds
 * the last sort value and id. */
enum err_code store_list(struct store_tx *tx, const struct store_list_query *query,
                         struct store_page *out, struct arena *arena, struct err *err);
enum err_code store_count(struct store_tx *tx, const struct store_list_query *query, int64_t *out,
                          struct err *err);

/* ---- journal ---- */
struct store_event {
    int64_t position; /* grows; gaps possible */
    int64_t at_ms;
    const char *collection, *object, *event;
    int64_t version; /* of the record after it; 0 if none */
    const char *tenant, *user, *request;
    const char *body; /* JSON: the record {"spec","status"} after it, or what store_append gave; may
                         be NULL */
};
/* An event that is no change of a record: decisions and effects of the workflow, audit of a refused
 * write. */
enum err_code store_append(struct store_tx *tx, const char *collection, const char *object,
                           const char *event, const char *body, const struct store_actor *actor,
                           int64_t *ret_position, struct err *err);
/* Events after `after`, oldest first, at most limit (1…1000); collection and object may be NULL.
 * Only events that no later-committing transaction can precede are returned: following never misses
 * one. */
enum err_code store_events(struct store_tx *tx, int64_t after, const char *collection,
                           const char *object, const char *tenant, size_t limit,
                           struct store_event **out, size_t *out_count, struct arena *arena,
                           struct err *err);
/* Sleeps until the journal may have grown beyond `after`, store_wake is called or timeout_ms has
 * passed.  PostgreSQL: LISTEN/NOTIFY; SQLite: commits of this process. */
enum err_code store_follow(struct store *store, int64_t after, int64_t timeout_ms, struct err *err);
void store_wake(struct store *store);
enum err_code store_position(struct store_tx *tx, int64_t *out, struct err *err);

/* ---- snapshots ---- */
/* A consistent copy into a new SQLite file at path (from either backend), while others write. */
enum err_code store_snapshot(struct store *store, const char *path, struct err *err);
/* Loads such a file into an empty store; ERR_CONFLICT when it is not empty. */
enum err_code store_restore(struct store *store, const char *path, struct err *err);

struct store_figures { /* for /metrics */
    int64_t commits, rollbacks, retries, queries;
};
void store_figures(const struct store *store, struct store_figures *out);

#endif
