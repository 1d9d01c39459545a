/* snapshot.c - a consistent copy of everything in one SQLite file, and the way back.
 *
 * Contract:
 * - A snapshot appears under its name only when it is complete and fsynced (written beside,
 * linked).
 * - SQLite copies itself (VACUUM INTO).  PostgreSQL is read in one REPEATABLE READ transaction: the
 *   migrations' texts, kept in store_migration, make the same tables in a new file, then rows
 * follow.
 * - A restore is one write transaction after the missing migrations: it is there as a whole or not
 *   at all.  Versions, times and journal positions are kept. */
#include "store/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define BATCH_ROWS 64          /* rows of one INSERT … */
#define BATCH_ARGS 512         /* … and parameters of it */
#define BATCH_BYTES (1u << 20) /* … and bytes */

/* ---- copying tables between two open transactions ---- */

struct copy {
    struct store_tx *to;
    const char *table;
    const char *columns; /* "a, b, c" */
    size_t column_count, rows, bytes;
    struct store_value args[BATCH_ARGS];
    struct arena arena; /* of the batch */
};

static enum err_code flush(struct copy *copy, struct err *err)
{
    if (copy->rows == 0) {
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf sql = BUF_INIT;
    buf_printf(&sql, "INSERT INTO %s (%s) VALUES ", copy->table, copy->columns);
    for (size_t i = 0; i < copy->rows; i++) {
        for (size_t j = 0; j < copy->column_count; j++) {
            buf_printf(&sql, "%s$%zu", j ? ", " : i ? "), (" : "(", i * copy->column_count + j + 1);
        }
    }
    buf_add_char(&sql, ')');
    enum err_code rc =
        store_exec(copy->to, sql.data, copy->args, copy->rows * copy->column_count, NULL, err);
    copy->rows = 0;
    copy->bytes = 0;
    arena_clear(&copy->arena);
    return rc;
}

static enum err_code copy_row(void *ctx, const struct store_value *cells, size_t columns,
                              struct err *err)
{
    struct copy *copy = ctx;
    for (size_t i = 0; i < columns; i++) {
        struct store_value *arg = &copy->args[copy->rows * columns + i];
        *arg = cells[i];
        if (arg->type == STORE_TEXT || arg->type == STORE_BLOB) {
            arg->text = arg->len ? arena_memdup(&copy->arena, cells[i].text, arg->len) : "";
            copy->bytes += arg->len;
        }
    }
    copy->rows++;
    bool full = copy->rows == BATCH_ROWS || (copy->rows + 1) * columns > BATCH_ARGS ||
                copy->bytes > BATCH_BYTES;
    return full ? flush(copy, err) : ERR_OK;
}

static void copy_done(struct copy *copy)
{
    arena_done(&copy->arena);
}

static enum err_code copy_table(struct store_tx *from, struct store_tx *to, const char *table,
                                const struct store_rows *columns, struct err *err)
{
    CLEANUP(buf_done) struct buf names = BUF_INIT;
    CLEANUP(buf_done) struct buf sql = BUF_INIT;
    if (columns->count > BATCH_ARGS) {
        return err_set(err, ERR_TOO_LARGE, "table %s has too many columns", table);
    }
    for (size_t i = 0; i < columns->count; i++) {
        buf_printf(&names, "%s%s", i ? ", " : "", store_cell(columns, i, 0)->text);
    }
    buf_printf(&sql, "SELECT %s FROM %s", names.data, table);
    CLEANUP(copy_done)
    struct copy copy = {.to = to,
                        .table = table,
                        .columns = names.data,
                        .column_count = columns->count,
                        .arena = {.max = STORE_JSON_MAX * 4ul}};
    enum err_code rc = store_each(from, sql.data, NULL, 0, copy_row, &copy, err);
    return rc ? rc : flush(&copy, err);
}

/* Tables of the SQLite side, in the order of their making, so that those referred to come first. */
static enum err_code list_tables(struct store_tx *sqlite, struct store_rows *out,
                                 struct arena *arena, struct err *err)
{
    return store_query(sqlite,
                       "SELECT name FROM sqlite_schema WHERE type = 'table'"
                       " AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
                       " AND name NOT IN ('store_meta', 'store_migration') ORDER BY rowid",
                       NULL, 0, 0, out, arena, err);
}

static enum err_code list_columns(struct store_tx *sqlite, const char *table,
                                  struct store_rows *out, struct arena *arena, struct err *err)
{
    const struct store_value args[] = {STORE_V_TEXT(table)};
    return store_query(sqlite, "SELECT name FROM pragma_table_info($1) ORDER BY cid", args,
                       ARRAY_LEN(args), 0, out, arena, err);
}

static enum err_code copy_all(struct store_tx *from, struct store_tx *to, struct store_tx *sqlite,
                              struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows tables, columns;
    enum err_code rc = list_tables(sqlite, &tables, &arena, err);
    for (size_t i = 0; rc == ERR_OK && i < tables.count; i++) {
        const char *table = store_cell(&tables, i, 0)->text;
        rc = list_columns(sqlite, table, &columns, &arena, err);
        if (rc == ERR_OK) {
            rc = copy_table(from, to, table, &columns, err);
        }
    }
    return rc;
}

/* ---- migrations of one store applied to another ---- */

static enum err_code read_migrations(struct store_tx *tx, struct store_rows *out,
                                     struct arena *arena, struct err *err)
{
    return store_query(tx,
                       "SELECT module, number, name, sql, digest FROM store_migration ORDER BY seq",
                       NULL, 0, 0, out, arena, err);
}

static enum err_code apply_migrations(struct store *to, const struct store_rows *list,
                                      struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < list->count; i++) {
        struct store_migration migration = {.number = (int)store_cell(list, i, 1)->integer,
                                            .name = store_cell(list, i, 2)->text,
                                            .sql = store_cell(list, i, 3)->text};
        rc = store_migrate_one(to, store_cell(list, i, 0)->text, &migration, err);
    }
    return rc;
}

/* ---- snapshot ---- */

/* Row by row from a read transaction into a new store at path. */
static enum err_code copy_out(struct store *store, const char *path, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows migrations;
    struct store *file = NULL;
    struct store_tx *from = NULL, *to = NULL;
    enum err_code rc = store_begin(store, STORE_READ, &from, err);
    if (rc == ERR_OK && (rc = read_migrations(from, &migrations, &arena, err)) == ERR_OK &&
        (rc = store_sqlite_open(path, &file, err)) == ERR_OK &&
        (rc = apply_migrations(file, &migrations, err)) == ERR_OK &&
        (rc = store_begin(file, STORE_WRITE, &to, err)) == ERR_OK &&
        (rc = copy_all(from, to, to, err)) == ERR_OK) {
        rc = store_commit(TAKE(to), err);
    }
    store_rollback(to);
    store_rollback(from);
    store_close(file);
    return rc;
}

static enum err_code sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    enum err_code rc = ERR_OK;
    if (fd < 0 || fsync(fd) != 0) {
        rc = err_errno(err, errno, "writing %s", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static enum err_code publish(const char *part, const char *path, struct err *err)
{
    enum err_code rc = sync_path(part, O_RDWR, err);
    if (rc) {
        return rc;
    }
    if (link(part, path) != 0) {
        return errno == EEXIST ? err_set(err, ERR_CONFLICT, "%s exists already", path)
                               : err_errno(err, errno, "creating %s", path);
    }
    const char *slash = strrchr(path, '/');
    CLEANUP(mem_free_at)
    char *folder =
        slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
    return sync_path(folder, O_RDONLY | O_DIRECTORY, err);
}

static void remove_part(const char *part)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        CLEANUP(mem_free_at) char *path = mem_printf("%s%s", part, suffixes[i]);
        unlink(path);
    }
}

enum err_code store_snapshot(struct store *store, const char *path, struct err *err)
{
    if (!path || path[0] == '\0' || path[0] == ':' || str_has_prefix(path, "file:")) {
        return err_set(err, ERR_INVALID, "a snapshot needs the path of a file");
    }
    if (file_exists(path)) {
        return err_set(err, ERR_CONFLICT, "%s exists already", path);
    }
    CLEANUP(mem_free_at) char *part = mem_printf("%s.part", path);
    remove_part(part);
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, errno, "creating %s", part);
    }
    close(fd);
    enum err_code rc = store->backend->snapshot ? store->backend->snapshot(store, part, err)
                                                : copy_out(store, part, err);
    if (rc == ERR_OK) {
        rc = store_sqlite_plain_file(part, err);
    }
    if (rc == ERR_OK) {
        rc = publish(part, path, err);
    }
    remove_part(part);
    return rc;
}

/* ---- restore ---- */

static enum err_code check_file(struct store_tx *file, const char *path, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    enum err_code rc = store_query(file, "SELECT integrity_check FROM pragma_integrity_check(1)",
                                   NULL, 0, 1, &rows, &arena, err);
    if (rc) {
        return rc;
    }
    if (rows.count != 1 || !str_eq(store_cell(&rows, 0, 0)->text, "ok")) {
        return err_set(err, ERR_CORRUPT, "%s is damaged", path);
    }
    return ERR_OK;
}

static bool has_migration(const struct store_rows *list, const struct store_rows *other, size_t row)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(store_cell(list, i, 0)->text, store_cell(other, row, 0)->text) &&
            store_cell(list, i, 1)->integer == store_cell(other, row, 1)->integer) {
            return str_eq(store_cell(list, i, 4)->text, store_cell(other, row, 4)->text);
        }
    }
    return false;
}

/* Everything applied to the store must be in the file, or rows of an old shape would meet new
 * tables. */
static enum err_code check_target(struct store *store, const struct store_rows *file,
                                  struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_rows own;
    enum err_code rc = store_begin(store, STORE_READ, &tx, err);
    if (rc || (rc = read_migrations(tx, &own, &arena, err))) {
        return rc;
    }
    for (size_t i = 0; i < own.count; i++) {
        if (!has_migration(file, &own, i)) {
            err_set(err, ERR_CONFLICT, "the store has migration %lld of %s, the file has not",
                    (long long)store_cell(&own, i, 1)->integer, store_cell(&own, i, 0)->text);
            err_hint(err, "restore into a new store, then start Swan on it");
            return ERR_CONFLICT;
        }
    }
    return ERR_OK;
}

struct restore {
    struct store_tx *file;
};

static enum err_code check_empty(struct store_tx *to, struct store_tx *file, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows tables, rows;
    enum err_code rc = list_tables(file, &tables, &arena, err);
    for (size_t i = 0; rc == ERR_OK && i < tables.count; i++) {
        const char *table = store_cell(&tables, i, 0)->text;
        rc = store_query(to, arena_printf(&arena, "SELECT 1 FROM %s LIMIT 1", table), NULL, 0, 1,
                         &rows, &arena, err);
        if (rc == ERR_OK && rows.count) {
            err_set(err, ERR_CONFLICT, "the store is not empty: %s has rows", table);
            err_hint(err, "restore into a new store");
            return ERR_CONFLICT;
        }
    }
    return rc;
}

static enum err_code copy_in(struct store_tx *to, void *ctx, struct err *err)
{
    const struct restore *restore = ctx;
    enum err_code rc = check_empty(to, restore->file, err);
    if (rc == ERR_OK) {
        rc = copy_all(restore->file, to, restore->file, err);
    }
    if (rc == ERR_OK && to->store->backend->after_restore) {
        rc = store_script(to, to->store->backend->after_restore, err);
    }
    /* Whoever follows looks again. */
    return rc ? rc : store_position(to, &to->last_position, err);
}

/* Before anything is made in the store: a refused restore leaves no tables behind. */
static enum err_code check_own_empty(struct store *store, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_rows rows;
    enum err_code rc = store_begin(store, STORE_READ, &tx, err);
    if (rc == ERR_OK) {
        rc = store_query(tx,
                         "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM store_record LIMIT 1) r) +"
                         " (SELECT COUNT(*) FROM (SELECT 1 FROM store_journal LIMIT 1) j)",
                         NULL, 0, 1, &rows, &arena, err);
    }
    if (rc) {
        return rc;
    }
    if (store_cell(&rows, 0, 0)->integer > 0) {
        err_set(err, ERR_CONFLICT, "the store is not empty");
        err_hint(err, "restore into a new store");
        return ERR_CONFLICT;
    }
    return ERR_OK;
}

enum err_code store_restore(struct store *store, const char *path, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows migrations;
    struct store *file = NULL;
    struct restore restore = {NULL};
    enum err_code rc = store_sqlite_open_file(path, &file, err);
    if (rc == ERR_OK && (rc = store_begin(file, STORE_READ, &restore.file, err)) == ERR_OK &&
        (rc = check_file(restore.file, path, err)) == ERR_OK &&
        (rc = read_migrations(restore.file, &migrations, &arena, err)) == ERR_OK &&
        (rc = check_target(store, &migrations, err)) == ERR_OK &&
        (rc = check_own_empty(store, err)) == ERR_OK &&
        (rc = apply_migrations(store, &migrations, err)) == ERR_OK) {
        rc = store_write(store, copy_in, &restore, err);
    }
    store_rollback(restore.file);
    store_close(file);
    return rc;
}
