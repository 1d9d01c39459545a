/* sqlite_conn.c - one SQLite connection: settings, prepared statements, values in and out.
 *
 * Contract: a connection is used by one thread at a time.  A statement is reset before its function
 * returns, so none stays open over the end of its transaction. */
#include "store/sqlite_priv.h"

#include <limits.h>
#include <string.h>

enum err_code store_sqlite_error(sqlite3 *db, int code, const char *what, bool *retry,
                                 struct err *err)
{
    int extended = db ? sqlite3_extended_errcode(db) : code;
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    enum err_code rc = ERR_BUG;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (retry) {
            *retry = true;
        }
        rc = ERR_TRANSIENT;
        break;
    case SQLITE_CONSTRAINT:
        rc = extended == SQLITE_CONSTRAINT_NOTNULL || extended == SQLITE_CONSTRAINT_CHECK
                 ? ERR_INVALID
                 : ERR_CONFLICT;
        break;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
        rc = ERR_IO;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        rc = ERR_CORRUPT;
        break;
    case SQLITE_TOOBIG:
        rc = ERR_TOO_LARGE;
        break;
    case SQLITE_INTERRUPT:
        rc = ERR_CANCELLED;
        break;
    default:
        break;
    }
    err_set(err, rc, "%s: %s", what, text);
    if ((code & 0xff) == SQLITE_FULL) {
        err_hint(err, "free space on the disk of the store");
    }
    return rc;
}

/* "C" is the name of PostgreSQL's bytewise collation: COLLATE "C" reads on both. */
static int compare_bytes(void *ctx, int a_len, const void *a, int b_len, const void *b)
{
    (void)ctx;
    int order = memcmp(a, b, (size_t)(a_len < b_len ? a_len : b_len));
    return order ? order : a_len - b_len;
}

enum err_code store_sqlite_connect(const char *path, int flags, struct sqlite_conn **out,
                                   struct err *err)
{
    struct sqlite_conn *conn = mem_zalloc(sizeof *conn);
    int code =
        sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        enum err_code rc = store_sqlite_error(conn->db, code, "opening the store", NULL, err);
        store_sqlite_disconnect(conn);
        return rc;
    }
    sqlite3_busy_timeout(conn->db, SQLITE_STORE_BUSY_MS);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    sqlite3_create_collation_v2(conn->db, "C", SQLITE_UTF8, NULL, compare_bytes, NULL);
    *out = conn;
    return ERR_OK;
}

void store_sqlite_disconnect(struct sqlite_conn *conn)
{
    if (!conn) {
        return;
    }
    for (size_t i = 0; i < conn->statement_count; i++) {
        sqlite3_finalize(conn->statements[i].stmt);
        mem_free(conn->statements[i].sql);
    }
    sqlite3_close(conn->db);
    mem_free(conn);
}

/* FNV-1a: only this house writes SQL, nobody outside chooses collisions. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

static struct sqlite_statement *oldest(struct sqlite_conn *conn)
{
    struct sqlite_statement *found = &conn->statements[0];
    for (size_t i = 1; i < conn->statement_count; i++) {
        if (conn->statements[i].used < found->used) {
            found = &conn->statements[i];
        }
    }
    return found;
}

static enum err_code prepare(struct sqlite_conn *conn, const char *sql, sqlite3_stmt **out,
                             bool *retry, struct err *err)
{
    uint64_t hash = hash_text(sql);
    struct sqlite_statement *slot;
    for (size_t i = 0; i < conn->statement_count; i++) {
        slot = &conn->statements[i];
        if (slot->hash == hash && strcmp(slot->sql, sql) == 0) {
            slot->used = ++conn->clock;
            *out = slot->stmt;
            return ERR_OK;
        }
    }
    sqlite3_stmt *stmt = NULL;
    const char *rest = NULL;
    int code = sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &rest);
    if (code != SQLITE_OK) {
        return store_sqlite_error(conn->db, code, "preparing a statement", retry, err);
    }
    if (!stmt || rest[strspn(rest, " \t\n;")] != '\0') {
        sqlite3_finalize(stmt);
        return err_set(err, ERR_BUG, "not one statement: %.80s", sql);
    }
    if (conn->statement_count < SQLITE_STORE_STATEMENTS) {
        slot = &conn->statements[conn->statement_count++];
    } else {
        slot = oldest(conn);
        sqlite3_finalize(slot->stmt);
        mem_free(slot->sql);
    }
    *slot = (struct sqlite_statement){
        .sql = mem_strdup(sql), .hash = hash, .used = ++conn->clock, .stmt = stmt};
    *out = stmt;
    return ERR_OK;
}

static int bind_value(sqlite3_stmt *stmt, int at, const struct store_value *value)
{
    switch (value->type) {
    case STORE_INT:
        return sqlite3_bind_int64(stmt, at, value->integer);
    case STORE_REAL:
        return sqlite3_bind_double(stmt, at, value->real);
    case STORE_TEXT:
        return sqlite3_bind_text64(stmt, at, value->text, value->len, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BLOB:
        return sqlite3_bind_blob64(stmt, at, value->len ? value->text : "", value->len,
                                   SQLITE_STATIC);
    case STORE_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

/* "$3" is a name to SQLite: its index follows the order of appearance. */
static enum err_code bind_all(struct sqlite_conn *conn, sqlite3_stmt *stmt,
                              const struct store_value *args, size_t arg_count, struct err *err)
{
    int names = sqlite3_bind_parameter_count(stmt);
    for (int at = 1; at <= names; at++) {
        const char *name = sqlite3_bind_parameter_name(stmt, at);
        size_t number = 0;
        for (const char *c = name ? name + 1 : ""; *c >= '0' && *c <= '9' && number < 100000; c++) {
            number = number * 10 + (size_t)(*c - '0');
        }
        if (number < 1 || number > arg_count) {
            return err_set(err, ERR_BUG, "a statement names %s, but has %zu arguments",
                           name ? name : "?", arg_count);
        }
        int code = bind_value(stmt, at, &args[number - 1]);
        if (code != SQLITE_OK) {
            return store_sqlite_error(conn->db, code, "binding an argument", NULL, err);
        }
    }
    return ERR_OK;
}

static void column_value(sqlite3_stmt *stmt, int at, struct store_value *out)
{
    *out = (struct store_value){.type = STORE_NULL};
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        out->type = STORE_INT;
        out->integer = sqlite3_column_int64(stmt, at);
        out->real = (double)out->integer;
        break;
    case SQLITE_FLOAT:
        out->type = STORE_REAL;
        out->real = sqlite3_column_double(stmt, at);
        break;
    case SQLITE_TEXT:
        out->type = STORE_TEXT;
        out->text = (const char *)sqlite3_column_text(stmt, at);
        out->len = (size_t)sqlite3_column_bytes(stmt, at);
        break;
    case SQLITE_BLOB:
        out->type = STORE_BLOB;
        out->text = sqlite3_column_blob(stmt, at);
        out->len = (size_t)sqlite3_column_bytes(stmt, at);
        break;
    default:
        break;
    }
}

static enum err_code step_all(struct sqlite_conn *conn, sqlite3_stmt *stmt, store_row_fn row,
                              void *ctx, bool *retry, struct err *err)
{
    int code;
    int columns = sqlite3_column_count(stmt);
    struct store_value *cells = mem_array((size_t)columns + 1, sizeof *cells);
    enum err_code rc = ERR_OK;
    while (rc == ERR_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            column_value(stmt, i, &cells[i]);
        }
        rc = row ? row(ctx, cells, (size_t)columns, err) : ERR_OK;
    }
    if (rc == ERR_OK && code != SQLITE_DONE) {
        rc = store_sqlite_error(conn->db, code, "the store", retry, err);
    }
    mem_free(cells);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum err_code store_sqlite_run(struct store_tx *base, const char *sql,
                               const struct store_value *args, size_t arg_count, store_row_fn row,
                               void *ctx, int64_t *changed, struct err *err)
{
    struct sqlite_tx *tx = (struct sqlite_tx *)base;
    sqlite3_stmt *stmt;
    enum err_code rc = prepare(tx->conn, sql, &stmt, &base->retry, err);
    if (rc == ERR_OK && base->mode == STORE_READ && !sqlite3_stmt_readonly(stmt)) {
        rc = err_set(err, ERR_BUG, "a read transaction cannot write: %.80s", sql);
    }
    if (rc == ERR_OK) {
        rc = bind_all(tx->conn, stmt, args, arg_count, err);
    }
    if (rc) {
        return rc;
    }
    sqlite3_int64 before = sqlite3_total_changes64(tx->conn->db);
    rc = step_all(tx->conn, stmt, row, ctx, &base->retry, err);
    if (rc == ERR_OK && changed) {
        *changed =
            sqlite3_total_changes64(tx->conn->db) > before ? sqlite3_changes64(tx->conn->db) : 0;
    }
    return rc;
}

enum err_code store_sqlite_do(struct sqlite_conn *conn, const char *sql, bool *retry,
                              struct err *err)
{
    sqlite3_stmt *stmt;
    enum err_code rc = prepare(conn, sql, &stmt, retry, err);
    return rc ? rc : step_all(conn, stmt, NULL, NULL, retry, err);
}

static enum err_code take_integer(void *ctx, const struct store_value *cells, size_t columns,
                                  struct err *err)
{
    (void)err;
    if (columns > 0) {
        *(int64_t *)ctx = cells[0].integer;
    }
    return ERR_OK;
}

enum err_code store_sqlite_pragma(struct sqlite_conn *conn, const char *sql, int64_t *out,
                                  struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK) {
        return store_sqlite_error(conn->db, code, "reading the store's header", NULL, err);
    }
    enum err_code rc = step_all(conn, stmt, take_integer, out, NULL, err);
    sqlite3_finalize(stmt);
    return rc;
}

enum err_code store_sqlite_script(struct store_tx *base, const char *sql, struct err *err)
{
    struct sqlite_tx *tx = (struct sqlite_tx *)base;
    int code = sqlite3_exec(tx->conn->db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return store_sqlite_error(tx->conn->db, code, "the store", &base->retry, err);
    }
    return ERR_OK;
}
