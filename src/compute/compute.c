/* compute.c - the writes of 算力管理: import, sites, links, access points, connections, prices.
 *
 * Contract: one call, one transaction; what is equal to what is stored is left alone (no new
 * version); after the commit the snapshot is refreshed, so a caller reads what he wrote. */
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
};
const struct store_module compute_store_module = {"compute", migrations, ARRAY_LEN(migrations)};

/* Inserts or replaces a record; *changed grows when it was not so already. */
static enum err_code put(struct store_tx *tx, const char *collection, const char *id,
                         const struct json_table *table, const void *spec, int64_t expected,
                         const struct store_actor *actor, int64_t *changed, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record old;
    json_encode(table, spec, JSON_COMPACT, &text);
    enum err_code rc = store_get(tx, collection, id, &old, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        if (expected > 0)
            return err_set(err, ERR_PRECONDITION, "'%s' does not exist", id);
        struct store_record record = {
            .collection = collection, .id = id, .tenant = "", .spec = buf_str(&text)};
        (*changed)++;
        return store_insert(tx, &record, actor, err);
    }
    if (rc)
        return rc;
    if (expected == -1)
        return err_set(err, ERR_PRECONDITION, "'%s' exists already", id);
    if (expected > 0 && old.version != expected)
        return err_set(err, ERR_PRECONDITION, "'%s' has version %lld, not %lld", id,
                       (long long)old.version, (long long)expected);
    if (str_eq(old.spec, buf_str(&text)))
        return ERR_OK;
    (*changed)++;
    return store_update(tx, collection, id, expected > 0 ? expected : 0, buf_str(&text), NULL,
                        "updated", actor, NULL, err);
}

struct write {
    struct compute *compute;
    const struct store_actor *actor;
    const struct network *network;
    const struct price_notes *notes;
    const struct price_book *book;
    const struct json_table *table; /* single record */
    const void *spec;
    const char *collection, *id;
    int64_t expected;
    bool dry_run;
    struct compute_import_counts counts;
    int64_t changed;
};

static enum err_code finish(struct write *write, store_body_fn body, struct err *err)
{
    enum err_code rc = store_write(write->compute->store, body, write, err);
    return rc ? rc : compute_refresh(write->compute, err);
}

static enum err_code set_currency(struct store_tx *tx, struct write *write, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record old;
    struct json_writer w = JSON_WRITER(&text);
    json_begin(&w, '{');
    json_member_text(&w, "currency", write->network->currency);
    json_end(&w, '}');
    enum err_code rc = store_get(tx, "network-settings", "network", &old, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        struct store_record record = {.collection = "network-settings",
                                      .id = "network",
                                      .tenant = "",
                                      .spec = buf_str(&text)};
        return store_insert(tx, &record, write->actor, err);
    }
    if (rc)
        return rc;
    if (str_eq(old.spec, buf_str(&text)))
        return ERR_OK;
    err_set(err, ERR_CONFLICT, "the network's prices are in another currency than %s: %s",
            write->network->currency, old.spec);
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

static enum err_code import_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    const struct network *network = write->network;
    struct compute_import_counts *counts = &write->counts;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    enum err_code rc = ERR_OK;
    *counts = (struct compute_import_counts){0};
    if (network->currency && (rc = set_currency(tx, write, err)))
        return rc;
    for (size_t i = 0; !rc && i < network->access.count; i++)
        rc = put(tx, "access-points", network->access.items[i].id, &network_access_table,
                 &network->access.items[i], 0, write->actor, &counts->access_points, err);
    for (size_t i = 0; !rc && i < network->sites.count; i++)
        rc = put(tx, "sites", network->sites.items[i].id, &network_site_table,
                 &network->sites.items[i], 0, write->actor, &counts->sites, err);
    for (size_t i = 0; !rc && i < network->links.count; i++)
        rc = put(tx, "links", link_id(&network->links.items[i], &arena), &network_link_table,
                 &network->links.items[i], 0, write->actor, &counts->links, err);
    for (size_t i = 0; !rc && write->notes && i < write->notes->items.count; i++)
        rc = put(tx, "price-notes", note_id(&write->notes->items.items[i], &arena),
                 &price_note_table, &write->notes->items.items[i], 0, write->actor,
                 &counts->price_notes, err);
    counts->unchanged =
        (int64_t)(network->access.count + network->sites.count + network->links.count +
                  (write->notes ? write->notes->items.count : 0)) -
        counts->access_points - counts->sites - counts->links - counts->price_notes;
    if (!rc && write->dry_run)
        return ERR_CANCELLED; /* rolls back; the caller knows */
    return rc;
}

enum err_code compute_import(struct compute *compute, const struct network *network,
                             const struct price_notes *notes, bool dry_run,
                             const struct store_actor *actor, struct compute_import_counts *out,
                             struct err *err)
{
    struct write write = {
        .compute = compute, .actor = actor, .network = network, .notes = notes, .dry_run = dry_run};
    enum err_code rc = finish(&write, import_body, err);
    *out = write.counts;
    if (rc == ERR_CANCELLED && dry_run) {
        err_clear(err);
        return ERR_OK;
    }
    return rc;
}

static enum err_code book_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc = ERR_OK;
    write->changed = 0;
    for (size_t i = 0; !rc && i < write->book->items.count; i++)
        rc = put(tx, "prices", write->book->items.items[i].sku, &price_entry_table,
                 &write->book->items.items[i], 0, write->actor, &write->changed, err);
    return rc;
}

enum err_code compute_price_book_import(struct compute *compute, const struct price_book *book,
                                        const struct store_actor *actor, int64_t *ret_changed,
                                        struct err *err)
{
    struct write write = {.compute = compute, .actor = actor, .book = book};
    enum err_code rc = finish(&write, book_body, err);
    *ret_changed = write.changed;
    return rc;
}

static enum err_code put_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc = ERR_OK;
    if (str_eq(write->collection, "links")) {
        const struct network_link *link = write->spec;
        if ((rc = end_must_exist(tx, link->a, "a", err)) ||
            (rc = end_must_exist(tx, link->b, "b", err)))
            return rc;
    }
    if (str_eq(write->collection, "connections")) {
        const struct site_connection *connection = write->spec;
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct store_record record;
        rc = store_get(tx, "sites", connection->site, &record, &arena, err);
        if (rc == ERR_NOT_FOUND) {
            err_set(err, ERR_INVALID, "no site is named '%s'", connection->site);
            return err_field(err, "site");
        }
        if (rc)
            return rc;
    }
    write->changed = 0;
    return put(tx, write->collection, write->id, write->table, write->spec, write->expected,
               write->actor, &write->changed, err);
}

static enum err_code put_one(struct compute *compute, const char *collection, const char *id,
                             const struct json_table *table, const void *spec, int64_t expected,
                             const struct store_actor *actor, struct err *err)
{
    struct write write = {.compute = compute,
                          .actor = actor,
                          .table = table,
                          .spec = spec,
                          .collection = collection,
                          .id = id,
                          .expected = expected};
    return finish(&write, put_body, err);
}

/* Sites and access points share one name space. */
static enum err_code name_must_be_free(struct compute *compute, const char *collection,
                                       const char *id, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    enum err_code rc = store_begin(compute->store, STORE_READ, &tx, err);
    if (rc)
        return rc;
    rc = store_get(tx, collection, id, &record, &arena, NULL);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK;
    if (rc)
        return err_set(err, rc, "'%s' cannot be looked up", id);
    err_set(err, ERR_CONFLICT, "'%s' is the name of one of the %s already", id, collection);
    return err_field(err, "id");
}

enum err_code compute_site_put(struct compute *compute, const struct site *site, int64_t expected,
                               const struct store_actor *actor, int64_t *ret_version,
                               struct err *err)
{
    enum err_code rc = name_must_be_free(compute, "access-points", site->id, err);
    if (!rc)
        rc = put_one(compute, "sites", site->id, &network_site_table, site, expected, actor, err);
    if (rc || !ret_version)
        return rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    if ((rc = store_begin(compute->store, STORE_READ, &tx, err)) ||
        (rc = store_get(tx, "sites", site->id, &record, &arena, err)))
        return rc;
    *ret_version = record.version;
    return ERR_OK;
}

enum err_code compute_link_put(struct compute *compute, const struct network_link *link,
                               int64_t expected, const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    return put_one(compute, "links", link_id(link, &arena), &network_link_table, link, expected,
                   actor, err);
}

enum err_code compute_access_put(struct compute *compute, const struct network_access *access,
                                 const struct store_actor *actor, struct err *err)
{
    enum err_code rc = name_must_be_free(compute, "sites", access->id, err);
    return rc ? rc
              : put_one(compute, "access-points", access->id, &network_access_table, access, 0,
                        actor, err);
}

enum err_code compute_connection_put(struct compute *compute,
                                     const struct site_connection *connection,
                                     const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *id = arena_printf(&arena, "%s~%s", connection->site, connection->provider);
    return put_one(compute, "connections", id, &site_connection_table, connection, 0, actor, err);
}

static enum err_code nothing_hangs_on(struct store_tx *tx, const char *site, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(site)};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT DISTINCT deployment FROM compute_allocations"
                                   " WHERE site = $1 LIMIT 1",
                                   args, 1, 1, &rows, &arena, err);
    if (rc)
        return rc;
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

static enum err_code delete_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct write *write = ctx;
    enum err_code rc = ERR_OK;
    if (str_eq(write->collection, "sites") && (rc = nothing_hangs_on(tx, write->id, err)))
        return rc;
    return store_delete(tx, write->collection, write->id, write->expected, write->actor, err);
}

static enum err_code delete_one(struct compute *compute, const char *collection, const char *id,
                                int64_t expected, const struct store_actor *actor, struct err *err)
{
    struct write write = {.compute = compute,
                          .actor = actor,
                          .collection = collection,
                          .id = id,
                          .expected = expected};
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

#define SEEN_RESOLUTION_MS 300000

struct observed {
    const char *id;
    const struct compute_site_status *status;
};

static bool says_more(const struct compute_site_status *old, const struct compute_site_status *now)
{
    return old->state != now->state || !str_eq(old->error, now->error) ||
           !str_eq(old->engine, now->engine) || !str_eq(old->system, now->system) ||
           old->measured.vcpus.value != now->measured.vcpus.value ||
           old->measured.memory_gib.value != now->measured.memory_gib.value ||
           now->checked_at - old->checked_at >= SEEN_RESOLUTION_MS;
}

static enum err_code observed_body(struct store_tx *tx, void *ctx, struct err *err)
{
    static const struct store_actor system_actor = {.user = "system", .tenant = ""};
    struct observed *observed = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct compute_site_status old = {0}, now = *observed->status;
    struct store_record record;
    enum err_code rc = store_get(tx, "sites", observed->id, &record, &arena, err);
    if (rc)
        return rc;
    if (record.status &&
        (rc = json_decode_stored(record.status, &compute_site_status_table, &old, &arena, err)))
        return rc;
    if (!now.seen_at)
        now.seen_at = old.seen_at;
    if (record.status && !says_more(&old, &now))
        return ERR_OK;
    json_encode(&compute_site_status_table, &now, JSON_COMPACT, &text);
    return store_update(tx, "sites", observed->id, 0, NULL, buf_str(&text), "observed",
                        &system_actor, NULL, err);
}

enum err_code compute_site_observed(struct compute *compute, const char *id,
                                    const struct compute_site_status *status, struct err *err)
{
    struct observed observed = {id, status};
    enum err_code rc = store_write(compute->store, observed_body, &observed, err);
    return rc ? rc : compute_refresh(compute, err);
}
