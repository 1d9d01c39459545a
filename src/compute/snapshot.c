/* snapshot.c - the whole network in memory, as a chain of immutable snapshots that follows the
 * journal.
 *
 * Contract: entries (one record at one version) are shared between snapshots; a refresh reads only
 * what the journal says has changed, then copies the arrays (about 10 ms for 100 000 sites) and
 * swaps.  Readers take a reference and never wait for a refresh.  The version moves with everything
 * that a design depends on, not with observations. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "compute/compute_priv.h"

#define BATCH 1000

void compute_entry_unref(struct compute_entry *entry)
{
    if (!entry || atomic_fetch_sub(&entry->refs, 1) != 1)
        return;
    arena_done(&entry->arena);
    mem_free(entry->json);
    mem_free(entry);
}

static void put_entry(struct map *map, const char *id, struct compute_entry *entry)
{
    compute_entry_unref(map_put(map, id, entry));
}

/* The ready answer of a site: the same shape as every record has (docs/api.md). */
static void write_site_json(struct compute_entry *entry, const struct store_record *record)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    store_write_record(record, &out);
    buf_add_char(&out, '\n');
    entry->json_len = out.len;
    entry->json = buf_take(&out);
    str_format(entry->etag, sizeof entry->etag, "\"%lld\"", (long long)record->version);
}

static enum err_code make_entry(enum compute_kind kind, const struct store_record *record,
                                struct compute_entry **out, struct err *err)
{
    struct compute_entry *entry = mem_zalloc(sizeof *entry);
    entry->refs = 1;
    entry->version = record->version;
    enum err_code rc = json_decode_stored(record->spec, compute_collections[kind].table,
                                          &entry->value, &entry->arena, err);
    if (rc) {
        compute_entry_unref(entry);
        return rc;
    }
    if (kind == COMPUTE_SITES)
        write_site_json(entry, record);
    *out = entry;
    return ERR_OK;
}

static enum err_code load_all(struct compute *compute, struct store_tx *tx, enum compute_kind kind,
                              struct err *err)
{
    struct store_list_query query = {.collection = compute_collections[kind].name, .limit = BATCH};
    char *cursor = NULL;
    enum err_code rc = ERR_OK;
    do {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct store_page page;
        query.cursor = cursor;
        rc = store_list(tx, &query, &page, &arena, err);
        for (size_t i = 0; !rc && i < page.count; i++) {
            struct compute_entry *entry;
            if (!(rc = make_entry(kind, &page.records[i], &entry, err)))
                put_entry(compute->entries[kind], page.records[i].id, entry);
        }
        mem_free(cursor);
        cursor = rc ? NULL : mem_strdup(page.next);
    } while (cursor);
    return rc;
}

static void free_used(struct compute_used *used)
{
    if (!used)
        return;
    arena_done(&used->arena);
    mem_free(used);
}

static void free_all_used(struct compute *compute)
{
    size_t at = 0;
    const char *id;
    void *value;
    while (map_next(compute->used, &at, &id, &value))
        free_used(value);
    map_free(compute->used);
}

/* One row: sums of a site and model; of a holder too when it is reserved. */
static void add_row(struct compute_used *used, const char *site, const struct store_rows *rows,
                    size_t row)
{
    const char *model = store_cell(rows, row, 1)->text, *holder = store_cell(rows, row, 6)->text;
    struct compute_reserved sum = {.vcpus = store_cell(rows, row, 2)->real,
                                   .memory_gib = store_cell(rows, row, 3)->real,
                                   .disk_gib = store_cell(rows, row, 4)->real,
                                   .model = arena_strdup(&used->arena, model ? model : ""),
                                   .cards = store_cell(rows, row, 5)->real,
                                   .expires_ms = store_cell(rows, row, 7)->integer};
    used->vcpus += sum.vcpus;
    used->memory_gib += sum.memory_gib;
    used->disk_gib += sum.disk_gib;
    if (sum.model[0])
        *LIST_ADD(&used->arena, &used->cards) = (struct json_number_pair){sum.model, sum.cards};
    if (!sum.expires_ms)
        return;
    sum.holder = arena_strdup(&used->arena, holder);
    sum.site = arena_strdup(&used->arena, site);
    *LIST_ADD(&used->arena, &used->reserved) = sum;
}

/* Sums Swan's allocations and reservations: of one site, or of all when site is NULL. */
static enum err_code load_used(struct compute *compute, struct store_tx *tx, const char *site,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(site)};
    struct store_rows rows;
    const char *sql =
        arena_printf(&arena,
                     "SELECT site, model, SUM(vcpus), SUM(memory_gib), SUM(disk_gib), SUM(cards),"
                     " CASE WHEN expires_ms = 0 THEN '' ELSE deployment END AS holder, expires_ms"
                     " FROM compute_allocations%s GROUP BY site, model,"
                     " CASE WHEN expires_ms = 0 THEN '' ELSE deployment END, expires_ms",
                     site ? " WHERE site = $1" : "");
    enum err_code rc = store_query(tx, sql, args, site ? 1 : 0, 1000000, &rows, &arena, err);
    if (rc)
        return rc;
    if (site) {
        free_used(map_take(compute->used, site));
    } else {
        free_all_used(compute);
        compute->used = map_new();
    }
    for (size_t i = 0; i < rows.count; i++) {
        const char *id = store_cell(&rows, i, 0)->text;
        struct compute_used *used = map_find(compute->used, id);
        if (!used) {
            used = mem_zalloc(sizeof *used);
            map_put(compute->used, id, used);
        }
        add_row(used, id, &rows, i);
    }
    return ERR_OK;
}

static enum err_code load_currency(struct compute *compute, struct store_tx *tx, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct compute_settings settings;
    enum err_code rc = store_get(tx, COMPUTE_SETTINGS, COMPUTE_SETTINGS_ID, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (rc ||
        (rc = json_decode_stored(record.spec, &compute_settings_table, &settings, &arena, err)))
        return rc;
    mem_free(compute->currency);
    compute->currency = mem_strdup(settings.currency);
    return ERR_OK;
}

static void add_allocated(struct opt_double *have, double more)
{
    have->value = (have->set ? have->value : 0) + more;
    have->set = true;
}

/* The site as the snapshot shows it: others' use and Swan's own together. */
static void add_used(struct site *site, const struct compute_used *used, struct arena *arena)
{
    add_allocated(&site->allocated.vcpus, used->vcpus);
    add_allocated(&site->allocated.memory_gib, used->memory_gib);
    add_allocated(&site->allocated.disk_gib, used->disk_gib);
    if (used->cards.count == 0)
        return;
    site->accelerators.items =
        arena_memdup(arena, site->accelerators.items,
                     site->accelerators.count * sizeof(struct site_accelerator));
    for (size_t i = 0; i < used->cards.count; i++)
        for (size_t k = 0; k < site->accelerators.count; k++)
            if (str_eq(site->accelerators.items[k].model, used->cards.items[i].name))
                site->accelerators.items[k].allocated += (int64_t)used->cards.items[i].value;
}

static void add_reserved(struct compute_snapshot *snapshot, const struct compute_used *used,
                         struct arena *arena)
{
    for (size_t i = 0; i < used->reserved.count; i++) {
        struct compute_reserved *reserved = LIST_ADD(arena, &snapshot->reserved);
        *reserved = used->reserved.items[i];
        reserved->holder = arena_strdup(arena, reserved->holder);
        reserved->site = arena_strdup(arena, reserved->site);
        reserved->model = arena_strdup(arena, reserved->model);
    }
}

static void shared_free(struct compute_shared *shared)
{
    for (size_t i = 0; i < shared->entry_count; i++)
        compute_entry_unref(shared->entries[i]);
    mem_free(shared->entries);
    map_free(shared->sites);
    arena_done(&shared->arena);
    mem_free(shared);
}

/* Copies the values of one kind into an array of the snapshot and keeps their entries alive. */
static void *copy_kind(struct compute *compute, enum compute_kind kind,
                       struct compute_shared *shared, size_t *ret_count)
{
    struct map *map = compute->entries[kind];
    size_t size = compute_collections[kind].size, count = 0, at = 0;
    char *items = arena_array(&shared->arena, map_count(map), size);
    const char *id;
    void *value;
    while (map_next(map, &at, &id, &value)) {
        struct compute_entry *entry = value;
        memcpy(items + count++ * size, &entry->value, size);
        atomic_fetch_add(&entry->refs, 1);
        shared->entries[shared->entry_count++] = entry;
        if (kind == COMPUTE_SITES)
            map_put(shared->sites, id, entry);
    }
    *ret_count = count;
    return items;
}

static void publish(struct compute *compute)
{
    struct compute_shared *shared = mem_zalloc(sizeof *shared);
    struct compute_snapshot *snapshot = &shared->snapshot;
    size_t total = 0;
    arena_init(&shared->arena, (size_t)4 << 30);
    for (int kind = 0; kind < COMPUTE_KINDS; kind++)
        total += map_count(compute->entries[kind]);
    shared->refs = 1;
    shared->sites = map_new();
    shared->entries = mem_array(total, sizeof *shared->entries);
    struct network *network = &snapshot->network;
    network->currency = arena_strdup(&shared->arena, compute->currency ? compute->currency : "CNY");
    network->sites.items = copy_kind(compute, COMPUTE_SITES, shared, &network->sites.count);
    network->links.items = copy_kind(compute, COMPUTE_LINKS, shared, &network->links.count);
    network->access.items = copy_kind(compute, COMPUTE_ACCESS, shared, &network->access.count);
    snapshot->connections.items.items =
        copy_kind(compute, COMPUTE_CONNECTIONS, shared, &snapshot->connections.items.count);
    snapshot->notes.items.items =
        copy_kind(compute, COMPUTE_NOTES, shared, &snapshot->notes.items.count);
    for (size_t i = 0; i < network->sites.count && map_count(compute->used); i++) {
        const struct compute_used *used = map_find(compute->used, network->sites.items[i].id);
        if (!used)
            continue;
        add_used(&network->sites.items[i], used, &shared->arena);
        add_reserved(snapshot, used, &shared->arena);
    }
    snapshot->version = compute->version;
    pthread_mutex_lock(&compute->lock);
    struct compute_shared *old = compute->current;
    compute->current = shared;
    pthread_mutex_unlock(&compute->lock);
    if (old)
        compute_snapshot_unref(&old->snapshot);
}

static enum err_code load_everything(struct compute *compute, struct store_tx *tx, struct err *err)
{
    enum err_code rc = load_currency(compute, tx, err);
    for (int kind = 0; !rc && kind < COMPUTE_KINDS; kind++)
        rc = load_all(compute, tx, (enum compute_kind)kind, err);
    return rc ? rc : load_used(compute, tx, NULL, err);
}

static enum err_code apply_change(struct compute *compute, struct store_tx *tx,
                                  enum compute_kind kind, const char *id, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct compute_entry *entry;
    enum err_code rc = store_get(tx, compute_collections[kind].name, id, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        compute_entry_unref(map_take(compute->entries[kind], id));
        return ERR_OK;
    }
    if (rc || (rc = make_entry(kind, &record, &entry, err)))
        return rc;
    put_entry(compute->entries[kind], id, entry);
    return ERR_OK;
}

/* Applies one event. */
static enum err_code apply_event(struct compute *compute, struct store_tx *tx,
                                 const struct store_event *event, struct err *err)
{
    if (str_eq(event->collection, COMPUTE_SETTINGS)) {
        compute->dirty = true;
        return load_currency(compute, tx, err);
    }
    if (str_eq(event->collection, "allocations")) {
        compute->dirty = true;
        compute->version = event->position;
        return load_used(compute, tx, event->object, err);
    }
    for (int kind = 0; kind < COMPUTE_KINDS; kind++) {
        if (!str_eq(event->collection, compute_collections[kind].name))
            continue;
        compute->dirty = true;
        if (!str_eq(event->event, "observed"))
            compute->version = event->position;
        return apply_change(compute, tx, (enum compute_kind)kind, event->object, err);
    }
    return ERR_OK;
}

static enum err_code follow(struct compute *compute, struct store_tx *tx, struct err *err)
{
    size_t count = BATCH;
    enum err_code rc = ERR_OK;
    while (!rc && count == BATCH) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct store_event *events;
        rc = store_events(tx, compute->position, NULL, NULL, NULL, BATCH, &events, &count, &arena,
                          err);
        for (size_t i = 0; !rc && i < count; i++) {
            rc = apply_event(compute, tx, &events[i], err);
            if (!rc)
                compute->position = events[i].position;
        }
    }
    return rc;
}

/* Only a refresh that came to its end is shown: half of one is no state that ever was. */
static enum err_code refresh(struct compute *compute, bool again, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    pthread_mutex_lock(&compute->refresh_lock);
    enum err_code rc = store_begin(compute->store, STORE_READ, &tx, err);
    if (!rc && compute->position < 0) {
        int64_t position;
        if (!(rc = store_position(tx, &position, err)) &&
            !(rc = load_everything(compute, tx, err))) {
            compute->position = compute->version = position;
            compute->dirty = true;
        }
    } else if (!rc) {
        rc = follow(compute, tx, err);
        if (!rc && again && !(rc = load_used(compute, tx, NULL, err)))
            compute->dirty = true;
    }
    if (!rc && compute->dirty) {
        publish(compute);
        compute->dirty = false;
    }
    pthread_mutex_unlock(&compute->refresh_lock);
    return rc;
}

enum err_code compute_refresh(struct compute *compute, struct err *err)
{
    return refresh(compute, false, err);
}

enum err_code compute_reload(struct compute *compute, struct err *err)
{
    return refresh(compute, true, err);
}

static bool counts_for(const struct compute_reserved *reserved, const char *holder, int64_t now_ms)
{
    return reserved->expires_ms > now_ms && !(holder && str_eq(reserved->holder, holder));
}

static struct network *with_own_sites(const struct network *network, struct arena *arena)
{
    struct network *own = arena_memdup(arena, network, sizeof *network);
    own->sites.items = arena_memdup(arena, network->sites.items,
                                    network->sites.count * sizeof *network->sites.items);
    return own;
}

/* What was added and is taken off again leaves crumbs in the last bits; amounts are no finer than
 * millionths. */
static void round_off(struct opt_double *amount)
{
    amount->value = round(amount->value * 1e6) / 1e6;
}

const struct network *compute_network_for(const struct compute_snapshot *snapshot,
                                          const char *holder, int64_t now_ms, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *free = map_new(); /* site → what is to be taken off */
    for (size_t i = 0; i < snapshot->reserved.count; i++) {
        const struct compute_reserved *reserved = &snapshot->reserved.items[i];
        if (counts_for(reserved, holder, now_ms))
            continue;
        struct compute_used *less = map_find(free, reserved->site);
        if (!less) {
            less = arena_zalloc(arena, sizeof *less);
            map_put(free, reserved->site, less);
        }
        less->vcpus -= reserved->vcpus;
        less->memory_gib -= reserved->memory_gib;
        less->disk_gib -= reserved->disk_gib;
        if (reserved->model[0])
            *LIST_ADD(arena, &less->cards) =
                (struct json_number_pair){reserved->model, -reserved->cards};
    }
    if (!map_count(free))
        return &snapshot->network;
    struct network *own = with_own_sites(&snapshot->network, arena);
    for (size_t i = 0; i < own->sites.count; i++) {
        struct site *site = &own->sites.items[i];
        const struct compute_used *less = map_find(free, site->id);
        if (!less)
            continue;
        add_used(site, less, arena);
        round_off(&site->allocated.vcpus);
        round_off(&site->allocated.memory_gib);
        round_off(&site->allocated.disk_gib);
    }
    return own;
}

const struct network *compute_network_declared(const struct compute_snapshot *snapshot,
                                               struct arena *arena)
{
    const struct compute_shared *shared = (const struct compute_shared *)snapshot;
    struct network *own = with_own_sites(&snapshot->network, arena);
    for (size_t i = 0; i < own->sites.count; i++) {
        const struct compute_entry *entry = map_find(shared->sites, own->sites.items[i].id);
        own->sites.items[i] = entry->value.site;
    }
    return own;
}

bool compute_shows(struct compute *compute, enum compute_kind kind, const char *id, int64_t version)
{
    pthread_mutex_lock(&compute->refresh_lock);
    const struct compute_entry *entry = map_find(compute->entries[kind], id);
    bool shows = version ? entry && entry->version >= version : !entry;
    pthread_mutex_unlock(&compute->refresh_lock);
    return shows;
}

const struct compute_snapshot *compute_snapshot_ref(struct compute *compute)
{
    pthread_mutex_lock(&compute->lock);
    struct compute_shared *shared = compute->current;
    atomic_fetch_add(&shared->refs, 1);
    pthread_mutex_unlock(&compute->lock);
    return &shared->snapshot;
}

void compute_snapshot_unref(const struct compute_snapshot *snapshot)
{
    /* The snapshot is the first member of what is shared. */
    struct compute_shared *shared = (struct compute_shared *)(uintptr_t)snapshot;
    if (atomic_fetch_sub(&shared->refs, 1) == 1)
        shared_free(shared);
}

const char *compute_snapshot_site_json(const struct compute_snapshot *snapshot, const char *id,
                                       size_t *ret_len, const char **ret_etag)
{
    const struct compute_shared *shared = (const struct compute_shared *)snapshot;
    const struct compute_entry *entry = map_find(shared->sites, id);
    if (!entry)
        return NULL;
    *ret_len = entry->json_len;
    *ret_etag = entry->etag;
    return entry->json;
}

enum err_code compute_open(struct store *store, struct compute **out, struct err *err)
{
    struct compute *compute = mem_zalloc(sizeof *compute);
    compute->store = store;
    compute->position = -1;
    for (int kind = 0; kind < COMPUTE_KINDS; kind++)
        compute->entries[kind] = map_new();
    compute->used = map_new();
    pthread_mutex_init(&compute->lock, NULL);
    pthread_mutex_init(&compute->refresh_lock, NULL);
    enum err_code rc = compute_refresh(compute, err);
    if (rc) {
        compute_close(compute);
        return rc;
    }
    *out = compute;
    return ERR_OK;
}

void compute_close(struct compute *compute)
{
    if (!compute)
        return;
    if (compute->current)
        compute_snapshot_unref(&compute->current->snapshot);
    for (int kind = 0; kind < COMPUTE_KINDS; kind++) {
        size_t at = 0;
        const char *id;
        void *value;
        while (map_next(compute->entries[kind], &at, &id, &value))
            compute_entry_unref(value);
        map_free(compute->entries[kind]);
    }
    free_all_used(compute);
    mem_free(compute->currency);
    pthread_mutex_destroy(&compute->lock);
    pthread_mutex_destroy(&compute->refresh_lock);
    mem_free(compute);
}
