/* postgres.c - the PostgreSQL backend: a pool of connections, transactions, the store's own tables.
 *
 * Contract:
 * - Writing is SERIALIZABLE, so services written against SQLite's single writer hold here too;
 *   what PostgreSQL refuses (40001, 40P01) store_write repeats.  Reading is REPEATABLE READ READ
 * ONLY with the snapshot taken in begin.
 * - A third try of store_write runs alone among the writers of this process and, by a session
 * advisory lock taken before its snapshot, among the retries of all processes: it cannot starve.
 * - A connection that broke is thrown away; begin then connects again.  Before COMMIT was sent the
 *   transaction is surely gone and may be repeated; after that its outcome is unknown and said so.
 */
#include "store/postgres_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

/* Keys of pg_advisory_lock: "SWAN", and what for. */
#define LOCK_CREATE "1398227278, 1"
#define LOCK_RETRY "1398227278, 2"

static const char schema[] =
    "BEGIN; SELECT pg_advisory_xact_lock(" LOCK_CREATE ");"
    "CREATE TABLE IF NOT EXISTS store_meta ("
    " name TEXT COLLATE \"C\" PRIMARY KEY, number BIGINT NOT NULL);"
    "INSERT INTO store_meta VALUES ('format', 1), ('journal_base', 0) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS store_migration ("
    " seq BIGINT PRIMARY KEY, module TEXT COLLATE \"C\" NOT NULL, number BIGINT NOT NULL,"
    " name TEXT NOT NULL, digest TEXT NOT NULL, sql TEXT NOT NULL, at_ms BIGINT NOT NULL,"
    " UNIQUE (module, number));"
    "CREATE TABLE IF NOT EXISTS store_record ("
    " collection TEXT COLLATE \"C\" NOT NULL, id TEXT COLLATE \"C\" NOT NULL,"
    " tenant TEXT COLLATE \"C\" NOT NULL, version BIGINT NOT NULL, created_ms BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL, spec TEXT NOT NULL, status TEXT,"
    " PRIMARY KEY (collection, id));"
    "CREATE TABLE IF NOT EXISTS store_journal ("
    " position BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, collection TEXT COLLATE \"C\" NOT NULL,"
    " object TEXT COLLATE \"C\" NOT NULL, event TEXT COLLATE \"C\" NOT NULL,"
    " version BIGINT NOT NULL, tenant TEXT COLLATE \"C\" NOT NULL, user_name TEXT NOT NULL,"
    " request TEXT, body TEXT);"
    "CREATE INDEX IF NOT EXISTS store_journal_object ON store_journal (object, position);"
    "COMMIT;";

/* After a restore or a load of a dump into another cluster transaction ids may be lower than those
 * in the journal: the base lifts new positions over the old ones. */
#define LIFT_BASE                                                 \
    "UPDATE store_meta SET number = GREATEST(number,"             \
    " (SELECT COALESCE(MAX(position), 0) FROM store_journal) + 1" \
    " - (pg_current_xact_id()::text::bigint << 16)) WHERE name = 'journal_base'"

/* ---- JSON ---- */

/* (spec::jsonb -> 'a'::text -> 'b'::text): a text operand is a name, never an index. */
static void add_member(struct buf *sql, const char *column, const char *path)
{
    buf_printf(sql, "(%s::jsonb -> '", column);
    for (; *path; path++) {
        if (*path == '.') {
            buf_add_str(sql, "'::text -> '");
        } else {
            buf_add_char(sql, *path);
        }
    }
    buf_add_str(sql, "'::text)");
}

static void json_kind(struct buf *sql, const char *column, const char *path)
{
    buf_add_str(sql, "jsonb_typeof(");
    add_member(sql, column, path);
    buf_add_char(sql, ')');
}

static void json_value(struct buf *sql, const char *column, const char *path)
{
    buf_add_char(sql, '(');
    add_member(sql, column, path);
    buf_add_str(sql, " #>> '{}')");
}

static const struct store_dialect dialect = {.kind = json_kind,
                                             .value = json_value,
                                             .numbers = "'number'",
                                             .booleans = "'boolean'",
                                             .string = "'string'",
                                             .contains = "strpos",
                                             .bytewise = " COLLATE \"C\""};

/* ---- pool ---- */

static enum err_code conn_take(struct postgres_store *store, struct postgres_conn **out,
                               bool *retry, struct err *err)
{
    struct timespec until = store_timespec(clock_mono_ms() + POSTGRES_STORE_WAIT_MS);
    enum err_code rc = ERR_OK;
    pthread_mutex_lock(&store->lock);
    while (!store->idle && store->count >= POSTGRES_STORE_CONNECTIONS) {
        if (pthread_cond_timedwait(&store->free, &store->lock, &until) == ETIMEDOUT) {
            pthread_mutex_unlock(&store->lock);
            return err_set(err, ERR_TRANSIENT, "all %d connections to PostgreSQL are in use",
                           POSTGRES_STORE_CONNECTIONS);
        }
    }
    struct postgres_conn *conn = store->idle;
    if (conn) {
        store->idle = conn->next;
    } else {
        store->count++;
    }
    pthread_mutex_unlock(&store->lock);
    uint64_t generation = atomic_load(&store->schema);
    if (!conn) {
        rc = store_postgres_connect(store->url, &conn, err);
        if (rc) {
            *retry = rc == ERR_TRANSIENT;
            pthread_mutex_lock(&store->lock);
            store->count--;
            pthread_cond_signal(&store->free);
            pthread_mutex_unlock(&store->lock);
            return rc;
        }
        conn->schema = generation;
    }
    if (conn->schema != generation) {
        store_postgres_forget_statements(conn);
        conn->schema = generation;
    }
    *out = conn;
    return ERR_OK;
}

/* Gives back; a broken one takes its idle fellows with it: they were of the same server. */
static void conn_give(struct postgres_store *store, struct postgres_conn *conn)
{
    struct postgres_conn *drop = NULL;
    pthread_mutex_lock(&store->lock);
    if (store_postgres_broken(conn) || PQtransactionStatus(conn->pg) != PQTRANS_IDLE) {
        drop = store->idle;
        store->idle = NULL;
        conn->next = drop;
        drop = conn;
        for (struct postgres_conn *c = drop; c; c = c->next) {
            store->count--;
        }
        pthread_cond_broadcast(&store->free);
    } else {
        conn->next = store->idle;
        store->idle = conn;
        pthread_cond_signal(&store->free);
    }
    pthread_mutex_unlock(&store->lock);
    while (drop) {
        struct postgres_conn *next = drop->next;
        store_postgres_disconnect(drop);
        drop = next;
    }
}

/* ---- gate of the writers ---- */

static void gate_enter(struct postgres_store *store, bool exclusive)
{
    pthread_mutex_lock(&store->lock);
    if (exclusive) {
        store->exclusive_waiting++;
        while (store->exclusive || store->shared) {
            pthread_cond_wait(&store->gate, &store->lock);
        }
        store->exclusive_waiting--;
        store->exclusive = true;
    } else {
        while (store->exclusive || store->exclusive_waiting) {
            pthread_cond_wait(&store->gate, &store->lock);
        }
        store->shared++;
    }
    pthread_mutex_unlock(&store->lock);
}

static void gate_leave(struct postgres_store *store, bool exclusive)
{
    pthread_mutex_lock(&store->lock);
    if (exclusive) {
        store->exclusive = false;
    } else {
        store->shared--;
    }
    pthread_cond_broadcast(&store->gate);
    pthread_mutex_unlock(&store->lock);
}

/* ---- transactions ---- */

static enum err_code begin_once(struct postgres_store *store, const struct store_wish *wish,
                                struct postgres_tx *tx, bool *retry, struct err *err)
{
    enum err_code rc = conn_take(store, &tx->conn, retry, err);
    if (rc) {
        return rc;
    }
    if (wish->exclusive) {
        rc = store_postgres_do(tx->conn, "SELECT pg_advisory_lock(" LOCK_RETRY ")", NULL, retry,
                               err);
    }
    if (rc == ERR_OK) {
        rc = store_postgres_do(tx->conn,
                               wish->mode == STORE_WRITE
                                   ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                                   : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1",
                               NULL, retry, err);
        if (rc && wish->exclusive) {
            store_postgres_do(tx->conn, "SELECT pg_advisory_unlock(" LOCK_RETRY ")", NULL, NULL,
                              NULL);
        }
    }
    if (rc) {
        conn_give(store, tx->conn);
    }
    return rc;
}

static enum err_code postgres_begin(struct store *base, const struct store_wish *wish,
                                    struct store_tx **out, bool *retry, struct err *err)
{
    struct postgres_store *store = (struct postgres_store *)base;
    struct postgres_tx *tx = mem_zalloc(sizeof *tx);
    tx->base.store = base;
    tx->base.mode = wish->mode;
    tx->exclusive = wish->exclusive;
    if (wish->mode == STORE_WRITE) {
        gate_enter(store, wish->exclusive);
    }
    enum err_code rc = begin_once(store, wish, tx, retry, err);
    if (rc == ERR_TRANSIENT && *retry) {
        /* The idle connection was stale: the server was started again.  Nothing has begun. */
        *retry = false;
        rc = begin_once(store, wish, tx, retry, err);
    }
    if (rc) {
        if (wish->mode == STORE_WRITE) {
            gate_leave(store, wish->exclusive);
        }
        mem_free(tx);
        return rc;
    }
    *out = &tx->base;
    return ERR_OK;
}

static enum err_code commit(struct postgres_tx *tx, bool *retry, struct err *err)
{
    PGresult *result = PQexec(tx->conn->pg, "COMMIT");
    enum err_code rc = ERR_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        rc = store_postgres_error(tx->conn, result, retry, err);
        if (store_postgres_broken(tx->conn) && tx->base.mode == STORE_WRITE) {
            *retry = false;
            rc = err_set(err, ERR_TRANSIENT, "the connection to PostgreSQL broke during a commit");
            err_hint(err, "whether the change was made is unknown: read before trying again");
        }
    } else if (!str_eq(PQcmdStatus(result), "COMMIT")) {
        rc = err_set(err, ERR_TRANSIENT, "PostgreSQL has rolled the transaction back");
        *retry = true;
    }
    PQclear(result);
    return rc;
}

static enum err_code postgres_end(struct store_tx *base, bool do_commit, bool *retry,
                                  struct err *err)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    struct postgres_store *store = (struct postgres_store *)base->store;
    enum err_code rc = ERR_OK;
    if (do_commit) {
        rc = commit(tx, retry, err);
    }
    if (!store_postgres_broken(tx->conn) && PQtransactionStatus(tx->conn->pg) != PQTRANS_IDLE) {
        store_postgres_do(tx->conn, "ROLLBACK", NULL, NULL, NULL);
    }
    if (tx->exclusive && !store_postgres_broken(tx->conn)) {
        store_postgres_do(tx->conn, "SELECT pg_advisory_unlock(" LOCK_RETRY ")", NULL, NULL, NULL);
    }
    conn_give(store, tx->conn);
    if (base->mode == STORE_WRITE) {
        gate_leave(store, tx->exclusive);
    }
    mem_free(tx);
    return rc;
}

static void postgres_schema_changed(struct store *base)
{
    atomic_fetch_add(&((struct postgres_store *)base)->schema, 1);
}

/* ---- open, close ---- */

static void postgres_close(struct store *base)
{
    struct postgres_store *store = (struct postgres_store *)base;
    store_postgres_unlisten(store);
    while (store->idle) {
        struct postgres_conn *conn = store->idle;
        store->idle = conn->next;
        store_postgres_disconnect(conn);
    }
    pthread_cond_destroy(&store->gate);
    pthread_cond_destroy(&store->free);
    pthread_mutex_destroy(&store->lock);
    store_base_done(base);
    mem_free(store->url);
    mem_free(store);
}

static const struct store_backend backend = {
    .kind = "postgresql",
    .lock_row = " FOR UPDATE",
    .skip_locked = " FOR UPDATE SKIP LOCKED",
    .append = "INSERT INTO store_journal (position, at_ms, collection, object, event, version,"
              " tenant, user_name, request, body) VALUES ("
              "(SELECT number FROM store_meta WHERE name = 'journal_base')"
              " + (pg_current_xact_id()::text::bigint << 16) + $10,"
              " $1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING position",
    .events_until = " AND position < " POSTGRES_STORE_HORIZON,
    .position = "SELECT " POSTGRES_STORE_HORIZON " - 1",
    /* LOCK takes no snapshot: what the one before us applied is seen. */
    .lock_migrations = "LOCK TABLE store_migration IN EXCLUSIVE MODE",
    .after_restore = LIFT_BASE,
    .dialect = &dialect,
    .close = postgres_close,
    .begin = postgres_begin,
    .end = postgres_end,
    .run = store_postgres_run,
    .script = store_postgres_script,
    .follow = store_postgres_follow,
    .announce = store_postgres_announce,
    .schema_changed = postgres_schema_changed,
};

static enum err_code prepare_tables(struct postgres_conn *conn, struct err *err)
{
    int64_t there = 0, format = 0, behind = 0;
    enum err_code rc = store_postgres_do(
        conn, "SELECT (to_regclass('store_journal_object') IS NOT NULL)::int", &there, NULL, err);
    if (rc == ERR_OK && !there) {
        rc = store_postgres_do(conn, schema, NULL, NULL, err);
    }
    if (rc == ERR_OK) {
        rc = store_postgres_do(conn, "SELECT number FROM store_meta WHERE name = 'format'", &format,
                               NULL, err);
    }
    if (rc == ERR_OK && format != STORE_FORMAT) {
        err_set(err, ERR_CORRUPT, "the database has format %lld, this program reads %d",
                (long long)format, STORE_FORMAT);
        err_hint(err, "it was written by a newer Swan: start that one");
        return ERR_CORRUPT;
    }
    if (rc == ERR_OK) {
        rc = store_postgres_do(conn,
                               "SELECT (COALESCE(MAX(position), 0) >="
                               " (SELECT number FROM store_meta WHERE name = 'journal_base') +"
                               " (pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 16))"
                               "::int FROM store_journal",
                               &behind, NULL, err);
    }
    if (rc == ERR_OK && behind) {
        rc = store_postgres_do(conn, LIFT_BASE, NULL, NULL, err);
    }
    return rc;
}

enum err_code store_postgres_open(const char *url, struct store **out, struct err *err)
{
    struct postgres_store *store = mem_zalloc(sizeof *store);
    struct postgres_conn *conn = NULL;
    store_base_init(&store->base, &backend);
    store->url = mem_strdup(url);
    store->signal = -1;
    pthread_mutex_init(&store->lock, NULL);
    store_cond_init(&store->free);
    store_cond_init(&store->gate);
    bool retry = false;
    enum err_code rc = conn_take(store, &conn, &retry, err);
    if (rc == ERR_OK) {
        rc = prepare_tables(conn, err);
        conn_give(store, conn);
    }
    if (rc == ERR_OK) {
        rc = store_postgres_listen(store, err);
    }
    if (rc) {
        postgres_close(&store->base);
        return rc;
    }
    *out = &store->base;
    return ERR_OK;
}
