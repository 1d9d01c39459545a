/* migrate.c - each module's tables, brought up to date one numbered step at a time.
 *
 * Contract: a step and its entry in store_migration are one transaction: after a crash or an error
 * it is there as a whole or not at all, and earlier steps stay.  The text of each step is kept, so
 * that a snapshot can make the same tables elsewhere.  Several processes may come at once: the
 * entry is looked for again under a lock. */
#include "store/store_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

struct step {
    const char *module;
    const struct store_migration *migration;
};

static enum err_code check_step(const struct store_rows *applied, const struct step *step,
                                bool *done, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    id_digest(step->migration->sql, strlen(step->migration->sql), digest);
    *done = applied->count > 0;
    if (*done && !str_eq(store_cell(applied, 0, 0)->text, digest)) {
        err_set(err, ERR_CONFLICT, "migration %d of %s (%s) is not the one that was applied",
                step->migration->number, step->module, step->migration->name);
        err_hint(err, "an applied migration is never changed: add a new one");
        return ERR_CONFLICT;
    }
    return ERR_OK;
}

static enum err_code find_step(struct store_tx *tx, const struct step *step, bool *done,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(step->module),
                                       STORE_V_INT(step->migration->number)};
    enum err_code rc =
        store_query(tx, "SELECT digest FROM store_migration WHERE module = $1 AND number = $2",
                    args, ARRAY_LEN(args), 1, &rows, &arena, err);
    return rc ? rc : check_step(&rows, step, done, err);
}

static enum err_code apply_step(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct step *step = ctx;
    bool done;
    char digest[ID_DIGEST_SIZE];
    enum err_code rc = ERR_OK;
    if (tx->store->backend->lock_migrations) {
        rc = store_script(tx, tx->store->backend->lock_migrations, err);
    }
    if (rc || (rc = find_step(tx, step, &done, err)) || done) {
        return rc;
    }
    if ((rc = store_script(tx, step->migration->sql, err))) {
        err_context(err, "migration %d of %s (%s)", step->migration->number, step->module,
                    step->migration->name);
        return rc;
    }
    id_digest(step->migration->sql, strlen(step->migration->sql), digest);
    const struct store_value args[] = {
        STORE_V_TEXT(step->module),          STORE_V_INT(step->migration->number),
        STORE_V_TEXT(step->migration->name), STORE_V_TEXT(digest),
        STORE_V_TEXT(step->migration->sql),  STORE_V_INT(clock_now_ms())};
    return store_exec(tx,
                      "INSERT INTO store_migration (seq, module, number, name, digest, sql, at_ms)"
                      " VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM store_migration),"
                      " $1, $2, $3, $4, $5, $6)",
                      args, ARRAY_LEN(args), NULL, err);
}

enum err_code store_migrate_one(struct store *store, const char *module,
                                const struct store_migration *migration, struct err *err)
{
    struct step step = {module, migration};
    enum err_code rc = store_write(store, apply_step, &step, err);
    if (rc == ERR_OK && store->backend->schema_changed) {
        store->backend->schema_changed(store);
    }
    return rc;
}

/* Is what is applied a beginning of what the module brings?  *out = how many are. */
static enum err_code check_module(struct store *store, const struct store_module *module,
                                  size_t *out, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(module->name)};
    for (size_t i = 0; i < module->count; i++) {
        if (module->migrations[i].number != (int)i + 1) {
            return err_set(err, ERR_BUG, "the migrations of %s are not numbered 1, 2, 3 …",
                           module->name);
        }
    }
    enum err_code rc = store_begin(store, STORE_READ, &tx, err);
    if (rc == ERR_OK) {
        rc = store_query(tx, "SELECT number FROM store_migration WHERE module = $1 ORDER BY number",
                         args, ARRAY_LEN(args), 0, &rows, &arena, err);
    }
    if (rc) {
        return rc;
    }
    if (rows.count > module->count) {
        err_set(err, ERR_CORRUPT, "the store has migration %lld of %s, this program knows %zu",
                (long long)store_cell(&rows, rows.count - 1, 0)->integer, module->name,
                module->count);
        err_hint(err, "it was written by a newer Swan: start that one");
        return ERR_CORRUPT;
    }
    for (size_t i = 0; rc == ERR_OK && i < rows.count; i++) {
        bool done;
        struct step step = {module->name, &module->migrations[i]};
        rc = find_step(tx, &step, &done, err);
    }
    *out = rows.count;
    return rc;
}

enum err_code store_migrate(struct store *store, const struct store_module *modules, size_t count,
                            struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t m = 0; rc == ERR_OK && m < count; m++) {
        size_t applied = 0;
        rc = check_module(store, &modules[m], &applied, err);
        for (size_t i = applied; rc == ERR_OK && i < modules[m].count; i++) {
            rc = store_migrate_one(store, modules[m].name, &modules[m].migrations[i], err);
        }
    }
    return rc;
}
