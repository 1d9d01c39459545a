/* compute.c - the writes of 算力管理: import, sites, links, access points, connections, prices.
 *
 * Contract: one call, one transaction; what is equal to what is stored is left alone (no new
 * version); after the commit the snapshot is refreshed, so a caller reads what he wrote. */
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "compute/compute_priv.h"

static const struct store_migration migrations[] = {
    {1, "compute: allocations of deployments",
     "CREATE TABLE compute_allocations ("
     " deployment TEXT NOT NULL, component TEXT NOT NULL, instance BIGINT NOT NULL,"
     " site TEXT NOT NULL, vcpus DOUBLE PRECISION NOT NULL, memory_gib DOUBLE PRECISION NOT NULL,"
     " disk_gib DOUBLE PRECISION NOT NULL, model TEXT NOT NULL, cards DOUBLE PRECISION NOT NULL,"
     " PRIMARY KEY (deployment, component, instance));"
     "CREATE INDEX compute_allocations_site ON compute_allocations (site)"},
    {2, "compute: reservations, which are allocations that end by themselves",
     "ALTER TABLE compute_allocations ADD COLUMN expires_ms BIGINT NOT NULL DEFAULT 0;"
     "CREATE INDEX compute_allocations_expires ON compute_allocations (expires_ms)"},
};
const struct store_module compute_store_module = {"compute", migrations, ARRAY_LEN(migrations)};

struct item { /* one record as it is to be */
    const char *collection, *id;
    const struct json_table *table;
    const void *spec;
    int64_t expected; /* version; 0 = any, -1 = must not exist */
};

struct write {
    struct compute *compute;
    const struct store_actor *actor;
    const struct network *network;
    const struct price_notes *notes;
    const struct price_book *book;
    struct item item; /* single record */
    bool dry_run;
    struct compute_import_counts counts;
    int64_t changed;
    struct { /* what was written last: a snapshot that shows it shows all */
        enum compute_kind kind;
        char *id;        /* NULL = nothing that snapshots show */
        int64_t version; /* 0 = gone */
    } last;
};

static void note_written(struct write *write, const char *collection, const char *id,
                         int64_t version)
{
    for (int kind = 0; kind < COMPUTE_KINDS; kind++)
        if (str_eq(collection, compute_collections[kind].name)) {
            mem_free(write->last.id);
            write->last.kind = (enum compute_kind)kind;
            write->last.id = mem_strdup(id);
            write->last.version = version;
        }
}

/* Sites and access points share one name space. */
static enum err_code name_must_be_free(struct store_tx *tx, const struct item *item,
                                       struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    const char *other = str_eq(item->collection, "sites")           ? "access-points"
                        : str_eq(item->collection, "access-points") ? "sites"
                                                                    : NULL;
    if (!other)
        return ERR_OK;
    enum err_code rc = store_get(tx, other, item->id, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (rc)
        return rc;
    err_set(err, ERR_CONFLICT, "'%s' is the name of one of the %s already", item->id, other);
    return err_field(err, "id");
}

static enum err_code insert(struct store_tx *tx, struct write *write, const struct item *item,
                            const char *spec, struct err *err)
{
    enum err_code rc;
    if (item->expected > 0)
        return err_set(err, ERR_PRECONDITION, "'%s' does not exist", item->id);
    if ((rc = name_must_be_free(tx, item, err)))
        return rc;
    struct store_record record = {
        .collection = item->collection, .id = item->id, .tenant = "", .spec = spec};
    if ((rc = store_insert(tx, &record, write->actor, err)))
        return rc;
    note_written(write, item->collection, item->id, 1);
    return ERR_OK;
}

/* Inserts or replaces a record; *changed grows when it was not so already. */
static enum err_code put(struct store_tx *tx, struct write *write, const struct item *item,
                         int64_t *changed, int64_t *ret_version, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record old;
    json_encode(item->table, item->spec, JSON_COMPACT, &text);
    enum err_code rc = buf_check(&text, err);
    if (rc)
        return rc;
    rc = store_get(tx, item->collection, item->id, &old, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        (*changed)++;
        *ret_version = 1;
        err_clear(err);
        return insert(tx, write, item, buf_str(&text), err);
    }
    if (rc)
        return rc;
    if (item->expected == -1)
        return err_set(err, ERR_PRECONDITION, "'%s' exists already", item->id);
    if (item->expected > 0 && old.version != item->expected)
        return err_set(err, ERR_PRECONDITION, "'%s' has version %lld, not %lld", item->id,
                       (long long)old.version, (long long)item->expected);
    *ret_version = old.version;
    if (str_eq(old.spec, buf_str(&text)))
        return ERR_OK;
    (*changed)++;
    if ((rc = store_update(tx, item->collection, item->id, old.version, buf_str(&text), NULL,
                           "updated", write->actor, ret_version, err)))
        return rc;
    note_written(write, item->collection, item->id, *ret_version);
    return ERR_OK;
}

#define SHOWN_PATIENCE_MS 1000

/* What is committed is done: showing it cannot fail any more, the next refresh makes it good.  On
 * PostgreSQL an event can be held back for the moment that older transactions take to end. */
static void show(const struct write *write)
{
    int64_t until = clock_mono_ms() + SHOWN_PATIENCE_MS;
    for (int64_t pause = 1; !compute_refresh(write->compute, NULL); pause *= 2) {
        if (!write->last.id ||
            compute_shows(write->compute, write->last.kind, write->last.id, write->last.version))
            return;
        if (clock_mono_ms() + pause > until)
            return;
        clock_sleep_ms(pause);
    }
}

static enum err_code finish(struct write *write, store_body_fn body, struct err *err)
{
    enum err_code rc = store_write(write->compute->store, body, write, err);
    if (!rc)
        show(write);
    mem_free(write->last.id);
    return rc;
}

/* The first import says what currency all prices are in. */
static enum err_code set_currency(struct store_tx *tx, struct write *write, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record old;
    struct compute_settings settings = {write->network->currency};
    enum err_code rc = store_get(tx, COMPUTE_SETTINGS, COMPUTE_SETTINGS_ID, &old, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        json_encode(&compute_settings_table, &settings, JSON_COMPACT, &text);
        struct store_record record = {.collection = COMPUTE_SETTINGS,
                                      .id = COMPUTE_SETTINGS_ID,
                                      .tenant = "",
                                      .spec = buf_str(&text)};
        return store_insert(tx, &record, write->actor, err);
    }
    if (rc || (rc = json_decode_stored(old.spec, &compute_settings_table, &settings, &arena, err)))
        return rc;
    if (str_eq(settings.currency, write->network->currency))
        return ERR_OK;
    err_set(err, ERR_CONFLICT, "the network's prices are in %s, not in %s", settings.currency,
            write->network->currency);
    return err_field(err, "currency");
}

static enum err_code end_must_exist(struct store_tx *tx, const char *end, const char *field,
                                    struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    enum err_code rc = store_get(tx, "sites", end, &record, &arena, err);
    if (rc == ERR_NOT_FOUND)
        rc = store_get(tx, "access-points", end, &record, &arena, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    err_set(err, ERR_INVALID, "'%s' is neither a site nor an access point", end);
    return err_field(err, "%s", field);
}

static const char *link_id(const struct network_link *link, struct arena *arena)
{
    return arena_printf(arena, "%s~%s", link->a, link->b);
}

static const char *note_id(const struct price_note *note, struct arena *arena)
{
    return arena_printf(arena, "%s~%s", note->site, note->item ? note->item : "all");
}

static enum err_code put_item(struct store_tx *tx, struct write *write, struct item item,
                              int64_t *changed, struct err *err)
{
    int64_t version;
    return put(tx, write, &item, changed, &version, err);
}

static enum err_code import_links(struct store_tx *tx, struct write *write, struct err *err)
{
    const struct network *network = write->network;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(map_free_at) struct map *met = map_new(); /* id → how many links have it so far */
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        const char *id = link_id(link, &arena);
        uintptr_t count = (uintptr_t)map_find(met, id) + 1;
        map_put(met, id, (void *)count);
        if (count > 1) /* a second line between the same ends */
            id = arena_printf(&arena, "%s~%zu", id, (size_t)count);
        rc = put_item(tx, write, (struct item){"links", id, &network_link_table, link, 0},
                      &write->counts.links, err);
    }
    return rc;
}

static enum err_code import_notes(struct store_tx *tx, struct write *write, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && write->notes && i < write->notes->items.count; i++) {
        const struct price_note *note = &write->notes->items.items[i];
        rc = put_item(
            tx, write,
            (struct item){"price-notes", note_id(note, &arena), &price_note_table, note, 0},
            &write->counts.price_notes, err);
    }
    return rc;
}

static enum err_code import_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    const struct network *network = write->network;
    struct compute_import_counts *counts = &write->counts;
    enum err_code rc = ERR_OK;
    *counts = (struct compute_import_counts){0};
    if (network->currency && (rc = set_currency(tx, write, err)))
        return rc;
    for (size_t i = 0; !rc && i < network->access.count; i++)
        rc = put_item(tx, write,
                      (struct item){"access-points", network->access.items[i].id,
                                    &network_access_table, &network->access.items[i], 0},
                      &counts->access_points, err);
    for (size_t i = 0; !rc && i < network->sites.count; i++)
        rc = put_item(tx, write,
                      (struct item){"sites", network->sites.items[i].id, &network_site_table,
                                    &network->sites.items[i], 0},
                      &counts->sites, err);
    if (rc || (rc = import_links(tx, write, err)) || (rc = import_notes(tx, write, err)))
        return rc;
    counts->unchanged =
        (int64_t)(network->access.count + network->sites.count + network->links.count +
                  (write->notes ? write->notes->items.count : 0)) -
        counts->access_points - counts->sites - counts->links - counts->price_notes;
    return write->dry_run ? ERR_CANCELLED : ERR_OK; /* rolls back; the caller knows */
}

enum err_code compute_import(struct compute *compute, const struct network *network,
                             const struct price_notes *notes, bool dry_run,
                             const struct store_actor *actor, struct compute_import_counts *out,
                             struct err *err)
{
    struct write write = {
        .compute = compute, .actor = actor, .network = network, .notes = notes, .dry_run = dry_run};
    enum err_code rc = finish(&write, import_body, err);
    if (rc == ERR_CANCELLED && dry_run) {
        err_clear(err);
        rc = ERR_OK;
    }
    if (!rc)
        *out = write.counts;
    return rc;
}

static enum err_code book_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc = ERR_OK;
    write->changed = 0;
    for (size_t i = 0; !rc && i < write->book->items.count; i++)
        rc = put_item(tx, write,
                      (struct item){"prices", write->book->items.items[i].sku, &price_entry_table,
                                    &write->book->items.items[i], 0},
                      &write->changed, err);
    return rc;
}

enum err_code compute_price_book_import(struct compute *compute, const struct price_book *book,
                                        const struct store_actor *actor, int64_t *ret_changed,
                                        struct err *err)
{
    struct write write = {.compute = compute, .actor = actor, .book = book};
    enum err_code rc = finish(&write, book_body, err);
    if (!rc)
        *ret_changed = write.changed;
    return rc;
}

static enum err_code site_must_exist(struct store_tx *tx, const char *site, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    enum err_code rc = store_get(tx, "sites", site, &record, &arena, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    err_set(err, ERR_INVALID, "no site is named '%s'", site);
    return err_field(err, "site");
}

static enum err_code put_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    const struct item *item = &write->item;
    enum err_code rc = ERR_OK;
    int64_t changed = 0;
    if (str_eq(item->collection, "links")) {
        const struct network_link *link = item->spec;
        if ((rc = end_must_exist(tx, link->a, "a", err)) ||
            (rc = end_must_exist(tx, link->b, "b", err)))
            return rc;
    }
    if (str_eq(item->collection, "connections")) {
        const struct site_connection *connection = item->spec;
        if ((rc = site_must_exist(tx, connection->site, err)))
            return rc;
    }
    return put(tx, write, item, &changed, &write->changed, err);
}

static enum err_code put_one(struct compute *compute, struct item item,
                             const struct store_actor *actor, int64_t *ret_version, struct err *err)
{
    struct write write = {.compute = compute, .actor = actor, .item = item};
    enum err_code rc = finish(&write, put_body, err);
    if (!rc && ret_version)
        *ret_version = write.changed;
    return rc;
}

enum err_code compute_site_put(struct compute *compute, const struct site *site, int64_t expected,
                               const struct store_actor *actor, int64_t *ret_version,
                               struct err *err)
{
    struct item item = {"sites", site->id, &network_site_table, site, expected};
    return put_one(compute, item, actor, ret_version, err);
}

enum err_code compute_link_put(struct compute *compute, const struct network_link *link,
                               int64_t expected, const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct item item = {"links", link_id(link, &arena), &network_link_table, link, expected};
    return put_one(compute, item, actor, NULL, err);
}

enum err_code compute_access_put(struct compute *compute, const struct network_access *access,
                                 const struct store_actor *actor, struct err *err)
{
    struct item item = {"access-points", access->id, &network_access_table, access, 0};
    return put_one(compute, item, actor, NULL, err);
}

enum err_code compute_connection_put(struct compute *compute,
                                     const struct site_connection *connection,
                                     const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *id = arena_printf(&arena, "%s~%s", connection->site, connection->provider);
    struct item item = {"connections", id, &site_connection_table, connection, 0};
    return put_one(compute, item, actor, NULL, err);
}

static enum err_code nothing_hangs_on(struct store_tx *tx, const char *site, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(site), STORE_V_INT(clock_now_ms())};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT deployment, expires_ms FROM compute_allocations WHERE"
                                   " site = $1 AND (expires_ms = 0 OR expires_ms > $2)"
                                   " ORDER BY expires_ms LIMIT 1",
                                   args, 2, 1, &rows, &arena, err);
    if (rc)
        return rc;
    if (rows.count && store_cell(&rows, 0, 1)->integer)
        return err_set(err, ERR_CONFLICT, "room on site '%s' is held for '%s'", site,
                       store_cell(&rows, 0, 0)->text);
    if (rows.count)
        return err_set(err, ERR_CONFLICT, "deployment '%s' runs on site '%s'",
                       store_cell(&rows, 0, 0)->text, site);
    static const char *const ends[] = {"spec.a", "spec.b"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct store_condition condition = {ends[i], STORE_EQ, site};
        struct store_list_query query = {
            .collection = "links", .conditions = &condition, .condition_count = 1, .limit = 1};
        struct store_page page;
        if ((rc = store_list(tx, &query, &page, &arena, err)))
            return rc;
        if (page.count)
            return err_set(err, ERR_CONFLICT, "link '%s' ends at site '%s'", page.records[0].id,
                           site);
    }
    return ERR_OK;
}

/* Removes what belongs to a site: a new one of the same name must not inherit it. */
static enum err_code delete_all_of(struct store_tx *tx, const char *collection, const char *site,
                                   const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_condition condition = {"spec.site", STORE_EQ, site};
    struct store_list_query query = {
        .collection = collection, .conditions = &condition, .condition_count = 1, .limit = 1000};
    struct store_page page;
    enum err_code rc;
    do {
        rc = store_list(tx, &query, &page, &arena, err);
        for (size_t i = 0; !rc && i < page.count; i++)
            rc = store_delete(tx, collection, page.records[i].id, 0, actor, err);
    } while (!rc && page.next);
    return rc;
}

static enum err_code delete_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    const struct item *item = &write->item;
    bool site = str_eq(item->collection, "sites");
    enum err_code rc;
    if ((site && (rc = nothing_hangs_on(tx, item->id, err))) ||
        (rc = store_delete(tx, item->collection, item->id, item->expected, write->actor, err)) ||
        (site && ((rc = delete_all_of(tx, "connections", item->id, write->actor, err)) ||
                  (rc = delete_all_of(tx, "price-notes", item->id, write->actor, err)))))
        return rc;
    note_written(write, item->collection, item->id, 0);
    return ERR_OK;
}

static enum err_code delete_one(struct compute *compute, const char *collection, const char *id,
                                int64_t expected, const struct store_actor *actor, struct err *err)
{
    struct write write = {.compute = compute, .actor = actor};
    write.item = (struct item){.collection = collection, .id = id, .expected = expected};
    return finish(&write, delete_body, err);
}

enum err_code compute_site_delete(struct compute *compute, const char *id, int64_t expected,
                                  const struct store_actor *actor, struct err *err)
{
    return delete_one(compute, "sites", id, expected, actor, err);
}

enum err_code compute_link_delete(struct compute *compute, const char *id, int64_t expected,
                                  const struct store_actor *actor, struct err *err)
{
    return delete_one(compute, "links", id, expected, actor, err);
}

enum err_code compute_connection_delete(struct compute *compute, const char *site,
                                        const char *provider, const struct store_actor *actor,
                                        struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    return delete_one(compute, "connections", arena_printf(&arena, "%s~%s", site, provider), 0,
                      actor, err);
}
