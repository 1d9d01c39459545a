/* sqlite.c - the SQLite backend: one file in WAL mode, one writing connection, a few for reading.
 *
 * Contract:
 * - A file that is none of ours is refused before anything is written to it.  The file is 0600, a
 *   folder made for it 0700.
 * - synchronous=FULL in WAL mode: a COMMIT has been fsynced when it returns.
 * - A read transaction takes its snapshot in begin and never waits for the writer; when all reading
 *   connections are in use it waits for one of them. */
#include "store/sqlite_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

static const char schema[] =
    "CREATE TABLE store_meta (name TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL);"
    "INSERT INTO store_meta VALUES ('format', 1);"
    "CREATE TABLE store_migration ("
    " seq INTEGER PRIMARY KEY, module TEXT NOT NULL, number INTEGER NOT NULL,"
    " name TEXT NOT NULL, digest TEXT NOT NULL, sql TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " UNIQUE (module, number));"
    "CREATE TABLE store_record ("
    " collection TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, version INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, spec TEXT NOT NULL, status TEXT,"
    " PRIMARY KEY (collection, id));"
    "CREATE TABLE store_journal ("
    " position INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " collection TEXT NOT NULL, object TEXT NOT NULL, event TEXT NOT NULL,"
    " version INTEGER NOT NULL, tenant TEXT NOT NULL, user_name TEXT NOT NULL, request TEXT,"
    " body TEXT);"
    "CREATE INDEX store_journal_object ON store_journal (object, position);";

/* ---- JSON ---- */

/* $."a"."b": quoted, so that a digit is a name and not an index. */
static void add_path(struct buf *sql, const char *function, const char *column, const char *path)
{
    buf_printf(sql, "%s(%s,'$.\"", function, column);
    for (; *path; path++) {
        if (*path == '.') {
            buf_add_str(sql, "\".\"");
        } else {
            buf_add_char(sql, *path);
        }
    }
    buf_add_str(sql, "\"')");
}

static void json_kind(struct buf *sql, const char *column, const char *path)
{
    add_path(sql, "json_type", column, path);
}

static void json_value(struct buf *sql, const char *column, const char *path)
{
    add_path(sql, "json_extract", column, path);
}

static const struct store_dialect dialect = {.kind = json_kind,
                                             .value = json_value,
                                             .numbers = "'integer','real'",
                                             .booleans = "'true','false'",
                                             .string = "'text'",
                                             .bool_text_is_kind = true,
                                             .contains = "instr",
                                             .bytewise = ""};

/* ---- reading connections ---- */

static enum err_code reader_open(struct sqlite_store *store, struct sqlite_conn **out,
                                 struct err *err)
{
    int flags = store->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    enum err_code rc = store_sqlite_connect(store->path, flags, out, err);
    if (rc == ERR_OK && (rc = store_sqlite_do(*out, "PRAGMA query_only=ON", NULL, err))) {
        store_sqlite_disconnect(*out);
    }
    return rc;
}

static enum err_code reader_take(struct sqlite_store *store, struct sqlite_conn **out,
                                 struct err *err)
{
    pthread_mutex_lock(&store->reader_lock);
    while (!store->idle && store->reader_count >= SQLITE_STORE_READERS) {
        pthread_cond_wait(&store->reader_free, &store->reader_lock);
    }
    if (store->idle) {
        *out = store->idle;
        store->idle = store->idle->next;
        pthread_mutex_unlock(&store->reader_lock);
        return ERR_OK;
    }
    store->reader_count++;
    pthread_mutex_unlock(&store->reader_lock);
    enum err_code rc = reader_open(store, out, err);
    if (rc) {
        pthread_mutex_lock(&store->reader_lock);
        store->reader_count--;
        pthread_cond_signal(&store->reader_free);
        pthread_mutex_unlock(&store->reader_lock);
    }
    return rc;
}

static void reader_give(struct sqlite_store *store, struct sqlite_conn *conn)
{
    pthread_mutex_lock(&store->reader_lock);
    conn->next = store->idle;
    store->idle = conn;
    pthread_cond_signal(&store->reader_free);
    pthread_mutex_unlock(&store->reader_lock);
}

/* ---- transactions ---- */

static enum err_code reader_begin(struct sqlite_store *store, struct sqlite_tx *tx, bool *retry,
                                  struct err *err)
{
    enum err_code rc = reader_take(store, &tx->conn, err);
    if (rc) {
        return rc;
    }
    rc = store_sqlite_do(tx->conn, "BEGIN", retry, err);
    if (rc == ERR_OK) {
        /* The first read takes the snapshot. */
        rc = store_sqlite_do(tx->conn, "SELECT number FROM store_meta LIMIT 1", retry, err);
        if (rc) {
            store_sqlite_do(tx->conn, "ROLLBACK", NULL, NULL);
        }
    }
    if (rc) {
        reader_give(store, tx->conn);
    }
    return rc;
}

static enum err_code sqlite_begin(struct store *base, const struct store_wish *wish,
                                  struct store_tx **out, bool *retry, struct err *err)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    if (wish->mode == STORE_WRITE && store->read_only) {
        return err_set(err, ERR_BUG, "a snapshot file is open for reading only");
    }
    struct sqlite_tx *tx = mem_zalloc(sizeof *tx);
    tx->base.store = base;
    tx->base.mode = wish->mode;
    tx->grouped = wish->grouped;
    enum err_code rc = wish->mode == STORE_WRITE ? store_sqlite_writer_begin(store, tx, retry, err)
                                                 : reader_begin(store, tx, retry, err);
    if (rc) {
        mem_free(tx);
        return rc;
    }
    *out = &tx->base;
    return ERR_OK;
}

static enum err_code sqlite_end(struct store_tx *base, bool commit, bool *retry, struct err *err)
{
    struct sqlite_tx *tx = (struct sqlite_tx *)base;
    struct sqlite_store *store = (struct sqlite_store *)base->store;
    enum err_code rc = ERR_OK;
    if (base->mode == STORE_WRITE) {
        rc = store_sqlite_writer_end(store, tx, commit, retry, err);
    } else {
        if (!sqlite3_get_autocommit(tx->conn->db)) {
            store_sqlite_do(tx->conn, "ROLLBACK", NULL, NULL); /* it has nothing to lose */
        }
        reader_give(store, tx->conn);
    }
    mem_free(tx);
    return rc;
}

/* ---- following, snapshot ---- */

static enum err_code sqlite_follow(struct store *store, int64_t after, int64_t deadline_ms,
                                   struct err *err)
{
    (void)err;
    struct timespec until = store_timespec(deadline_ms);
    pthread_mutex_lock(&store->follow_lock);
    uint64_t wakes = store->wake_count;
    while (store->known_position <= after && store->wake_count == wakes) {
        if (pthread_cond_timedwait(&store->follow_cond, &store->follow_lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    pthread_mutex_unlock(&store->follow_lock);
    return ERR_OK;
}

/* A connection of its own: VACUUM INTO reads one snapshot and writes the copy beside. */
static enum err_code sqlite_snapshot(struct store *base, const char *path, struct err *err)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    struct sqlite_conn *conn;
    sqlite3_stmt *stmt = NULL;
    enum err_code rc = store_sqlite_connect(store->path, SQLITE_OPEN_READWRITE, &conn, err);
    if (rc) {
        return rc;
    }
    int code = sqlite3_prepare_v2(conn->db, "VACUUM INTO ?1", -1, &stmt, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
        code = sqlite3_step(stmt);
    }
    if (code != SQLITE_DONE) {
        rc = store_sqlite_error(conn->db, code, "writing the snapshot", NULL, err);
    }
    sqlite3_finalize(stmt);
    store_sqlite_disconnect(conn);
    return rc;
}

/* ---- open, close ---- */

static void sqlite_close(struct store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    while (store->idle) {
        struct sqlite_conn *conn = store->idle;
        store->idle = conn->next;
        store_sqlite_disconnect(conn);
    }
    store_sqlite_disconnect(store->writer.conn); /* last: it checkpoints and removes the WAL */
    pthread_mutex_destroy(&store->writer.lock);
    pthread_cond_destroy(&store->reader_free);
    pthread_mutex_destroy(&store->reader_lock);
    store_base_done(base);
    mem_free(store->path);
    mem_free(store);
}

static const struct store_backend backend = {
    .kind = "sqlite",
    .lock_row = "",
    .skip_locked = "",
    .append = "INSERT INTO store_journal (at_ms, collection, object, event, version, tenant,"
              " user_name, request, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
              " RETURNING position",
    .events_until = "",
    .position = "SELECT COALESCE(MAX(position), 0) FROM store_journal",
    .dialect = &dialect,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .end = sqlite_end,
    .run = store_sqlite_run,
    .script = store_sqlite_script,
    .follow = sqlite_follow,
    .snapshot = sqlite_snapshot,
};

static struct sqlite_store *store_new(const char *path)
{
    struct sqlite_store *store = mem_zalloc(sizeof *store);
    store_base_init(&store->base, &backend);
    store->path = mem_strdup(path);
    pthread_mutex_init(&store->writer.lock, NULL);
    pthread_mutex_init(&store->reader_lock, NULL);
    store_cond_init(&store->reader_free);
    return store;
}

static enum err_code check_path(const char *path, struct err *err)
{
    if (path[0] == '\0' || path[0] == ':' || str_has_prefix(path, "file:")) {
        return err_set(err, ERR_INVALID, "sqlite: is followed by the path of a file");
    }
    return ERR_OK;
}

/* Makes the folder and an empty file with our modes; both may exist. */
static enum err_code make_file(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem_free_at)
    char *folder =
        slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
    enum err_code rc = file_make_dirs(folder, 0700, err);
    if (rc) {
        return rc;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? ERR_OK : err_errno(err, errno, "creating %s", path);
    }
    close(fd);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        rc = err_errno(err, errno, "writing the folder %s", folder);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

/* Inside a transaction: another process may be making the tables. */
static enum err_code check_ours(struct sqlite_conn *conn, const char *path, bool *empty,
                                struct err *err)
{
    int64_t application = 0, format = 0, tables = 0;
    enum err_code rc = store_sqlite_pragma(conn, "PRAGMA application_id", &application, err);
    if (rc == ERR_OK) {
        rc = store_sqlite_pragma(conn, "PRAGMA user_version", &format, err);
    }
    if (rc == ERR_OK) {
        rc = store_sqlite_pragma(conn, "SELECT COUNT(*) FROM sqlite_schema", &tables, err);
    }
    if (rc) {
        return rc == ERR_CORRUPT ? err_set(err, rc, "%s is no store of Swan", path) : rc;
    }
    *empty = application == 0 && format == 0 && tables == 0;
    if (*empty) {
        return ERR_OK;
    }
    if (application != SQLITE_STORE_APPLICATION) {
        return err_set(err, ERR_CORRUPT, "%s is a database of another program", path);
    }
    if (format != STORE_FORMAT) {
        err_set(err, ERR_CORRUPT, "%s has format %lld, this program reads %d", path,
                (long long)format, STORE_FORMAT);
        err_hint(err, "it was written by a newer Swan: start that one");
        return ERR_CORRUPT;
    }
    return ERR_OK;
}

/* Two processes may come at once: the second finds the tables made. */
static enum err_code make_tables(struct sqlite_conn *conn, const char *path, struct err *err)
{
    bool empty = false;
    char header[128];
    enum err_code rc = store_sqlite_do(conn, "BEGIN EXCLUSIVE", NULL, err);
    if (rc) {
        return rc;
    }
    snprintf(header, sizeof header, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;",
             SQLITE_STORE_APPLICATION, STORE_FORMAT);
    rc = check_ours(conn, path, &empty, err);
    if (rc == ERR_OK && empty) {
        int code = sqlite3_exec(conn->db, schema, NULL, NULL, NULL);
        if (code == SQLITE_OK) {
            code = sqlite3_exec(conn->db, header, NULL, NULL, NULL);
        }
        if (code != SQLITE_OK) {
            rc = store_sqlite_error(conn->db, code, "creating the store", NULL, err);
        }
    }
    if (!sqlite3_get_autocommit(conn->db)) {
        store_sqlite_do(conn, "ROLLBACK", NULL, NULL);
    }
    return rc;
}

static enum err_code take_mode(void *ctx, const struct store_value *cells, size_t columns,
                               struct err *err)
{
    (void)err;
    if (columns > 0 && cells[0].type == STORE_TEXT) {
        *(bool *)ctx = str_eq(cells[0].text, "wal");
    }
    return ERR_OK;
}

static enum err_code settings(struct sqlite_store *store, struct err *err)
{
    struct sqlite_conn *conn = store->writer.conn;
    bool empty = false, wal = false;
    enum err_code rc = store_sqlite_do(conn, "BEGIN", NULL, err);
    if (rc == ERR_OK) {
        rc = check_ours(conn, store->path, &empty, err);
        store_sqlite_do(conn, "ROLLBACK", NULL, NULL);
    }
    if (rc == ERR_OK && empty) {
        rc = make_tables(conn, store->path, err);
    }
    if (rc) {
        return rc;
    }
    struct sqlite_tx probe = {.base = {.store = &store->base, .mode = STORE_WRITE}, .conn = conn};
    rc = store_sqlite_run(&probe.base, "PRAGMA journal_mode=WAL", NULL, 0, take_mode, &wal, NULL,
                          err);
    if (rc == ERR_OK && !wal) {
        err_set(err, ERR_UNSUPPORTED, "%s cannot be written with a WAL", store->path);
        err_hint(err, "put the store on a local disk");
        return ERR_UNSUPPORTED;
    }
    static const char *const pragmas[] = {
        "PRAGMA synchronous=FULL", "PRAGMA secure_delete=FAST",
        "PRAGMA journal_size_limit=67108864", /* a WAL grown under a long reader is cut again */
    };
    for (size_t i = 0; rc == ERR_OK && i < ARRAY_LEN(pragmas); i++) {
        rc = store_sqlite_do(conn, pragmas[i], NULL, err);
    }
    return rc ? rc
              : store_sqlite_pragma(conn, "SELECT COALESCE(MAX(position), 0) FROM store_journal",
                                    &store->base.known_position, err);
}

enum err_code store_sqlite_open(const char *path, struct store **out, struct err *err)
{
    enum err_code rc = check_path(path, err);
    if (rc == ERR_OK) {
        rc = make_file(path, err);
    }
    if (rc) {
        return rc;
    }
    struct sqlite_store *store = store_new(path);
    int64_t deadline = clock_mono_ms() + SQLITE_STORE_BUSY_MS;
    rc = store_sqlite_connect(path, SQLITE_OPEN_READWRITE, &store->writer.conn, err);
    if (rc == ERR_OK) {
        /* The change to WAL meets SQLITE_BUSY without waiting when two programs open a new store.
         */
        while ((rc = settings(store, err)) == ERR_TRANSIENT && clock_mono_ms() < deadline) {
            clock_sleep_ms(5);
        }
    }
    if (rc) {
        sqlite_close(&store->base);
        return rc;
    }
    *out = &store->base;
    return ERR_OK;
}

enum err_code store_sqlite_open_file(const char *path, struct store **out, struct err *err)
{
    bool empty = false;
    struct sqlite_conn *conn = NULL;
    struct stat st;
    enum err_code rc = check_path(path, err);
    if (rc == ERR_OK && stat(path, &st) != 0) {
        rc = err_errno(err, errno, "reading %s", path);
    }
    if (rc == ERR_OK && !S_ISREG(st.st_mode)) {
        rc = err_set(err, ERR_INVALID, "%s is not a file", path);
    }
    if (rc) {
        return rc;
    }
    struct sqlite_store *store = store_new(path);
    store->read_only = true;
    rc = reader_open(store, &conn, err);
    if (rc == ERR_OK) {
        reader_give(store, conn);
        store->reader_count = 1;
        rc = check_ours(conn, path, &empty, err);
    }
    if (rc == ERR_OK && empty) {
        rc = err_set(err, ERR_CORRUPT, "%s is empty", path);
    }
    if (rc) {
        sqlite_close(&store->base);
        return rc;
    }
    *out = &store->base;
    return ERR_OK;
}

enum err_code store_sqlite_plain_file(const char *path, struct err *err)
{
    struct sqlite_conn *conn;
    enum err_code rc = store_sqlite_connect(path, SQLITE_OPEN_READWRITE, &conn, err);
    if (rc == ERR_OK) {
        rc = store_sqlite_do(conn, "PRAGMA journal_mode=DELETE", NULL, err);
        store_sqlite_disconnect(conn);
    }
    return rc;
}
