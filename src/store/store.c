/* store.c - opening, transactions and plain SQL: what is the same for both backends.
 *
 * Contract:
 * - A statement that fails dooms its transaction, on SQLite as on PostgreSQL: later statements and
 *   the commit fail with the first failure's code and the transaction can only be rolled back.
 *   Refusals found before a statement runs (a bad path, a bad id) doom nothing.
 * - A thread has at most one write transaction open on a store; a second is ERR_BUG, never a
 *   deadlock.
 * - store_write repeats only what surely did not happen: a commit of unknown outcome is returned.
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/str.h"

/* The write transaction of this thread, to find a nested one. */
static _Thread_local const struct store *writing_on;

static void count(_Atomic int64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void store_base_init(struct store *store, const struct store_backend *backend)
{
    store->backend = backend;
    pthread_mutex_init(&store->follow_lock, NULL);
    store_cond_init(&store->follow_cond);
}

void store_base_done(struct store *store)
{
    pthread_cond_destroy(&store->follow_cond);
    pthread_mutex_destroy(&store->follow_lock);
}

enum err_code store_open(const char *address, struct store **out, struct err *err)
{
    enum err_code rc = FAULT_POINT("store.open", err);
    if (rc) {
        return rc;
    }
    if (address && str_has_prefix(address, "sqlite:")) {
        return store_sqlite_open(address + strlen("sqlite:"), out, err);
    }
    if (address &&
        (str_has_prefix(address, "postgresql://") || str_has_prefix(address, "postgres://"))) {
        return store_postgres_open(address, out, err);
    }
    err_set(err, ERR_INVALID, "the address of a store begins with sqlite: or postgresql://");
    err_hint(err, "for example sqlite:/var/lib/swan/swan.db");
    return ERR_INVALID;
}

void store_close(struct store *store)
{
    if (store) {
        store->backend->close(store);
    }
}

const char *store_kind(const struct store *store)
{
    return store->backend->kind;
}

const char *store_skip_locked(const struct store *store)
{
    return store->backend->skip_locked;
}

struct store *store_of(struct store_tx *tx)
{
    return tx->store;
}

/* ---- transactions ---- */

static enum err_code begin(struct store *store, const struct store_wish *wish,
                           struct store_tx **out, bool *retry, struct err *err)
{
    *retry = false;
    if (wish->mode == STORE_WRITE && writing_on == store) {
        return err_set(err, ERR_BUG, "this thread has a write transaction open already");
    }
    enum err_code rc = FAULT_POINT("store.begin", err);
    if (rc) {
        *retry = rc == ERR_TRANSIENT;
        return rc;
    }
    rc = store->backend->begin(store, wish, out, retry, err);
    if (rc == ERR_OK && wish->mode == STORE_WRITE) {
        writing_on = store;
    }
    return rc;
}

static enum err_code end(struct store_tx *tx, bool commit, bool *retry, struct err *err)
{
    struct store *store = tx->store;
    enum err_code rc = ERR_OK;
    if (tx->mode == STORE_WRITE) {
        writing_on = NULL;
    }
    if (commit && tx->doomed) {
        *retry = tx->retry;
        rc = err_set(err, tx->doom_code, "a statement of this transaction has failed before");
    } else if (commit && tx->mode == STORE_WRITE && (rc = FAULT_POINT("store.commit", err))) {
        *retry = rc == ERR_TRANSIENT;
    }
    bool wrote = tx->mode == STORE_WRITE;
    int64_t position = tx->last_position;
    if (rc) {
        bool ignored = false;
        tx->store->backend->end(tx, false, &ignored, NULL);
        count(&store->rollbacks);
        return rc;
    }
    rc = store->backend->end(tx, commit, retry, err);
    if (!commit || rc) {
        count(&store->rollbacks);
        return rc;
    }
    if (wrote) {
        count(&store->commits);
        if (position > 0) {
            store_news(store, position);
            if (store->backend->announce) {
                store->backend->announce(store);
            }
        }
        if ((rc = FAULT_POINT("store.commit_done", err))) {
            err_hint(err, "the change was made; read before trying again");
        }
    }
    return rc;
}

enum err_code store_begin(struct store *store, enum store_mode mode, struct store_tx **out,
                          struct err *err)
{
    bool retry;
    return begin(store, &(struct store_wish){.mode = mode}, out, &retry, err);
}

enum err_code store_commit(struct store_tx *tx, struct err *err)
{
    bool retry = false;
    return end(tx, true, &retry, err);
}

void store_rollback(struct store_tx *tx)
{
    bool retry = false;
    if (tx) {
        end(tx, false, &retry, NULL);
    }
}

void store_rollback_at(struct store_tx **tx)
{
    store_rollback(*tx);
    *tx = NULL;
}

/* One try.  *retry: nothing happened and another try may succeed. */
static enum err_code write_once(struct store *store, const struct store_wish *wish,
                                store_body_fn body, void *ctx, bool *retry, struct err *err)
{
    struct store_tx *tx = NULL;
    struct err group_err = ERR_INIT;
    enum err_code rc = begin(store, wish, &tx, retry, err);
    if (rc) {
        return rc;
    }
    rc = body(tx, ctx, err);
    if (rc == ERR_OK) {
        return end(tx, true, retry, err);
    }
    bool body_retry = tx->retry;
    enum err_code group_rc = end(tx, false, retry, &group_err);
    if (group_rc) {
        /* What the body saw of its group never came to be: its verdict is void. */
        if (err) {
            *err = group_err;
        }
        return group_rc;
    }
    *retry = body_retry;
    return rc;
}

enum err_code store_write(struct store *store, store_body_fn body, void *ctx, struct err *err)
{
    for (int attempt = 0;; attempt++) {
        struct store_wish wish = {
            .mode = STORE_WRITE, .grouped = true, .exclusive = attempt >= STORE_ATTEMPTS_SHARED};
        bool retry = false;
        enum err_code rc = write_once(store, &wish, body, ctx, &retry, err);
        if (rc == ERR_OK || !retry || attempt + 1 >= STORE_ATTEMPTS) {
            return rc;
        }
        count(&store->retries);
        uint16_t jitter;
        id_random(&jitter, sizeof jitter);
        clock_sleep_ms(1 + jitter % (2 << attempt));
    }
}

/* ---- plain SQL ---- */

struct store_value store_text_value(const char *text)
{
    if (!text) {
        return (struct store_value){.type = STORE_NULL};
    }
    return (struct store_value){.type = STORE_TEXT, .text = text, .len = strlen(text)};
}

enum err_code store_doom(struct store_tx *tx, enum err_code code)
{
    if (!tx->doomed) {
        tx->doomed = true;
        tx->doom_code = code;
    }
    return code;
}

static enum err_code check_args(const struct store_value *args, size_t arg_count, struct err *err)
{
    if (arg_count > STORE_ARGS_MAX) {
        return err_set(err, ERR_BUG, "a statement has more than %d arguments", STORE_ARGS_MAX);
    }
    for (size_t i = 0; i < arg_count; i++) {
        if (args[i].type == STORE_TEXT && !str_is_utf8(args[i].text, args[i].len)) {
            return err_set(err, ERR_INVALID, "argument %zu is not UTF-8 text", i + 1);
        }
    }
    return ERR_OK;
}

static enum err_code run(struct store_tx *tx, const char *point, const char *sql,
                         const struct store_value *args, size_t arg_count, store_row_fn row,
                         void *ctx, int64_t *changed, struct err *err)
{
    if (tx->doomed) {
        return err_set(err, tx->doom_code, "a statement of this transaction has failed before");
    }
    enum err_code rc = check_args(args, arg_count, err);
    if (rc) {
        return rc;
    }
    count(&tx->store->queries);
    if ((rc = FAULT_POINT(point, err))) {
        tx->retry = rc == ERR_TRANSIENT;
        return store_doom(tx, rc);
    }
    rc = tx->store->backend->run(tx, sql, args, arg_count, row, ctx, changed, err);
    return rc ? store_doom(tx, rc) : ERR_OK;
}

enum err_code store_exec(struct store_tx *tx, const char *sql, const struct store_value *args,
                         size_t arg_count, int64_t *changed, struct err *err)
{
    return run(tx, "store.exec", sql, args, arg_count, NULL, NULL, changed, err);
}

enum err_code store_script(struct store_tx *tx, const char *sql, struct err *err)
{
    if (tx->doomed) {
        return err_set(err, tx->doom_code, "a statement of this transaction has failed before");
    }
    enum err_code rc = FAULT_POINT("store.exec", err);
    if (rc) {
        tx->retry = rc == ERR_TRANSIENT;
        return store_doom(tx, rc);
    }
    rc = tx->store->backend->script(tx, sql, err);
    return rc ? store_doom(tx, rc) : ERR_OK;
}

enum err_code store_each(struct store_tx *tx, const char *sql, const struct store_value *args,
                         size_t arg_count, store_row_fn row, void *ctx, struct err *err)
{
    return run(tx, "store.query", sql, args, arg_count, row, ctx, NULL, err);
}

struct gather {
    struct store_value *cells;
    size_t cell_count, cell_room, columns, rows, max_rows;
    struct arena *arena;
};

static enum err_code gather_row(void *ctx, const struct store_value *cells, size_t columns,
                                struct err *err)
{
    struct gather *g = ctx;
    if (g->rows == g->max_rows) {
        return err_set(err, ERR_TOO_LARGE, "more than %zu rows", g->max_rows);
    }
    enum err_code rc = arena_check(g->arena, err);
    if (rc) {
        return rc;
    }
    if (g->cell_count + columns > g->cell_room) {
        g->cell_room = g->cell_room * 2 + columns * 8;
        g->cells = mem_resize(g->cells, g->cell_room, sizeof *g->cells);
    }
    for (size_t i = 0; i < columns; i++) {
        struct store_value *cell = &g->cells[g->cell_count++];
        *cell = cells[i];
        if (cell->type == STORE_TEXT || cell->type == STORE_BLOB) {
            char *copy = arena_alloc(g->arena, cell->len + 1);
            if (cell->len) {
                memcpy(copy, cell->text, cell->len);
            }
            copy[cell->len] = '\0';
            cell->text = copy;
        }
    }
    g->columns = columns;
    g->rows++;
    return ERR_OK;
}

enum err_code store_query(struct store_tx *tx, const char *sql, const struct store_value *args,
                          size_t arg_count, size_t max_rows, struct store_rows *out,
                          struct arena *arena, struct err *err)
{
    struct gather g = {.max_rows = max_rows ? max_rows : 100000, .arena = arena};
    enum err_code rc = run(tx, "store.query", sql, args, arg_count, gather_row, &g, NULL, err);
    if (rc == ERR_OK) {
        *out = (struct store_rows){.columns = g.columns, .count = g.rows};
        out->cells = g.rows ? arena_memdup(arena, g.cells, g.cell_count * sizeof *g.cells) : NULL;
    }
    mem_free(g.cells);
    return rc;
}

const struct store_value *store_cell(const struct store_rows *rows, size_t row, size_t column)
{
    return &rows->cells[row * rows->columns + column];
}
