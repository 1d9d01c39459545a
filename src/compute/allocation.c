/* allocation.c - what deployments take from sites, and what solutions and orders have reserved
 * there, so that two orders do not get the same cores.
 *
 * Contract: a holder's rows are written and removed whole, in the caller's transaction, beside the
 * decision that causes them; the site's record is locked (PostgreSQL) or the writer is alone
 * (SQLite) while it is checked.  A reservation is a row with an end: from then on it counts no
 * more, whether or not somebody has removed it. */
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "compute/compute_priv.h"

struct demand { /* of one deployment on one site */
    double vcpus, memory_gib, disk_gib;
    LIST(struct json_number_pair) cards;
};

static const char *model_of(const struct site *site, const struct requirement_component *component,
                            const struct solution_placement *placement)
{
    if (!component->accelerator)
        return "";
    if (placement->accelerator_model)
        return placement->accelerator_model;
    if (component->accelerator->model)
        return component->accelerator->model;
    for (size_t i = 0; i < site->accelerators.count; i++)
        if (site->accelerators.items[i].kind == component->accelerator->kind)
            return site->accelerators.items[i].model;
    return "";
}

static enum err_code too_little(struct err *err, const char *site, const char *what, double wanted,
                                double left)
{
    err_set(err, ERR_CAPACITY, "site '%s' has %g %s left, %g are wanted", site, left, what, wanted);
    return err_hint(err, "another need took it meanwhile: design again");
}

static enum err_code check_amount(const char *site, const char *what, double wanted,
                                  struct opt_double capacity, struct opt_double allocated,
                                  double ours, struct err *err)
{
    double left = capacity.value - (allocated.set ? allocated.value : 0) - ours;
    if (wanted <= 0 || (capacity.set && wanted <= left + 1e-6))
        return ERR_OK;
    if (!capacity.set)
        return err_set(err, ERR_CAPACITY, "how much %s site '%s' has is unknown", what, site);
    return too_little(err, site, what, wanted, left);
}

/* Is there room for the demand beside what others of ours hold? */
static enum err_code check_site(struct store_tx *tx, const struct site *site,
                                const struct demand *demand, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(site->id), STORE_V_INT(clock_now_ms())};
    struct store_rows rows;
    double vcpus = 0, memory = 0, disk = 0;
    enum err_code rc = store_query(tx,
                                   "SELECT model, SUM(vcpus), SUM(memory_gib), SUM(disk_gib),"
                                   " SUM(cards) FROM compute_allocations WHERE site = $1"
                                   " AND (expires_ms = 0 OR expires_ms > $2) GROUP BY model",
                                   args, 2, 0, &rows, &arena, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < rows.count; i++) {
        vcpus += store_cell(&rows, i, 1)->real;
        memory += store_cell(&rows, i, 2)->real;
        disk += store_cell(&rows, i, 3)->real;
    }
    if ((rc = check_amount(site->id, "vCPU", demand->vcpus, site->capacity.vcpus,
                           site->allocated.vcpus, vcpus, err)) ||
        (rc = check_amount(site->id, "GiB of memory", demand->memory_gib, site->capacity.memory_gib,
                           site->allocated.memory_gib, memory, err)) ||
        (rc = check_amount(site->id, "GiB of disk", demand->disk_gib, site->capacity.disk_gib,
                           site->allocated.disk_gib, disk, err)))
        return rc;
    for (size_t k = 0; k < demand->cards.count; k++) {
        const struct json_number_pair *card = &demand->cards.items[k];
        double left = 0;
        for (size_t i = 0; i < site->accelerators.count; i++)
            if (str_eq(site->accelerators.items[i].model, card->name))
                left += (double)(site->accelerators.items[i].count -
                                 site->accelerators.items[i].allocated);
        for (size_t i = 0; i < rows.count; i++)
            if (str_eq(store_cell(&rows, i, 0)->text, card->name))
                left -= store_cell(&rows, i, 4)->real;
        if (card->value > left + 1e-6)
            return too_little(err, site->id,
                              card->name[0] ? card->name : "accelerators of the kind", card->value,
                              left);
    }
    return ERR_OK;
}

static enum err_code read_site(struct store_tx *tx, const char *id, struct site *out,
                               struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = store_get(tx, "sites", id, &record, arena, err);
    return rc ? rc : json_decode_stored(record.spec, &network_site_table, out, arena, err);
}

static void add_demand(struct demand *demand, const struct requirement_component *component,
                       const char *model, struct arena *arena)
{
    demand->vcpus += component->vcpus.value;
    demand->memory_gib += component->memory_gib.value;
    demand->disk_gib += component->disk_gib.value;
    if (!component->accelerator)
        return;
    double cards = (double)component->accelerator->count;
    for (size_t i = 0; i < demand->cards.count; i++)
        if (str_eq(demand->cards.items[i].name, model)) {
            demand->cards.items[i].value += cards;
            return;
        }
    *LIST_ADD(arena, &demand->cards) = (struct json_number_pair){model, cards};
}

struct taking { /* what one holder takes */
    struct store_tx *tx;
    const char *holder;
    const struct requirement *requirement;
    const struct solution *solution;
    int64_t expires_ms;
    struct map *sites; /* id → struct site_demand */
    struct arena *arena;
};

struct site_demand {
    struct site site;
    struct demand demand;
};

static enum err_code insert_row(const struct taking *taking,
                                const struct solution_placement *placement,
                                const struct requirement_component *component, const char *model,
                                struct err *err)
{
    struct store_value args[] = {
        STORE_V_TEXT(taking->holder),
        STORE_V_TEXT(placement->component),
        STORE_V_INT(placement->instance),
        STORE_V_TEXT(placement->site),
        STORE_V_REAL(component->vcpus.value),
        STORE_V_REAL(component->memory_gib.value),
        STORE_V_REAL(component->disk_gib.value),
        STORE_V_TEXT(model),
        STORE_V_REAL(component->accelerator ? (double)component->accelerator->count : 0),
        STORE_V_INT(taking->expires_ms)};
    return store_exec(taking->tx,
                      "INSERT INTO compute_allocations (deployment, component, instance, site,"
                      " vcpus, memory_gib, disk_gib, model, cards, expires_ms)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                      args, ARRAY_LEN(args), NULL, err);
}

static enum err_code is_allocated(struct store_tx *tx, const char *deployment, bool *out,
                                  struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(deployment)};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT 1 FROM compute_allocations WHERE deployment = $1"
                                   " LIMIT 1",
                                   args, 1, 1, &rows, &arena, err);
    *out = !rc && rows.count > 0;
    return rc;
}

/* Swan's sum of one site, as compute_allocations has it. */
static enum err_code sum_of(struct store_tx *tx, const char *site, struct site_amount *out,
                            struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(site)};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT COALESCE(SUM(vcpus), 0.0), COALESCE(SUM(memory_gib),"
                                   " 0.0), COALESCE(SUM(disk_gib), 0.0) FROM compute_allocations"
                                   " WHERE site = $1 AND expires_ms = 0",
                                   args, 1, 1, &rows, &arena, err);
    if (rc)
        return rc;
    out->vcpus = (struct opt_double){true, store_cell(&rows, 0, 0)->real};
    out->memory_gib = (struct opt_double){true, store_cell(&rows, 0, 1)->real};
    out->disk_gib = (struct opt_double){true, store_cell(&rows, 0, 2)->real};
    return ERR_OK;
}

/* Writes the sum into the site's status, for people, and the event that snapshots follow.  Who
 * ordered is no business of those who may see the site: its change is Swan's own. */
static enum err_code tell(struct store_tx *tx, const char *site, const char *event,
                          const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static const struct store_actor system_actor = {.user = "system", .tenant = ""};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct compute_site_status status = {.state = COMPUTE_UNKNOWN};
    struct store_record record;
    enum err_code rc;
    if ((rc = store_append(tx, "allocations", site, event, NULL, actor, NULL, err)) ||
        (rc = store_get(tx, "sites", site, &record, &arena, err)) ||
        (record.status && (rc = json_decode_stored(record.status, &compute_site_status_table,
                                                   &status, &arena, err))) ||
        (rc = sum_of(tx, site, &status.allocated_by_swan, err)))
        return rc;
    json_encode(&compute_site_status_table, &status, JSON_COMPACT, &text);
    return store_update(tx, "sites", site, 0, NULL, buf_str(&text), event, &system_actor, NULL,
                        err);
}

static enum err_code add_up(const struct taking *taking, struct err *err)
{
    for (size_t i = 0; i < taking->solution->placements.count; i++) {
        const struct solution_placement *placement = &taking->solution->placements.items[i];
        const struct requirement_component *component =
            requirement_find(taking->requirement, placement->component);
        if (!component)
            return err_set(err, ERR_INVALID, "no component is named '%s'", placement->component);
        struct site_demand *entry = map_find(taking->sites, placement->site);
        if (!entry) {
            entry = arena_zalloc(taking->arena, sizeof *entry);
            enum err_code rc =
                read_site(taking->tx, placement->site, &entry->site, taking->arena, err);
            if (rc)
                return rc;
            map_put(taking->sites, placement->site, entry);
        }
        add_demand(&entry->demand, component, model_of(&entry->site, component, placement),
                   taking->arena);
    }
    return ERR_OK;
}

/* Checks all, then writes all. */
static enum err_code take_all(const struct taking *taking, struct err *err)
{
    size_t at = 0;
    const char *id;
    void *value;
    enum err_code rc = add_up(taking, err);
    while (!rc && map_next(taking->sites, &at, &id, &value)) {
        struct site_demand *entry = value;
        rc = check_site(taking->tx, &entry->site, &entry->demand, err);
    }
    for (size_t i = 0; !rc && i < taking->solution->placements.count; i++) {
        const struct solution_placement *placement = &taking->solution->placements.items[i];
        const struct requirement_component *component =
            requirement_find(taking->requirement, placement->component);
        struct site_demand *entry = map_find(taking->sites, placement->site);
        rc = insert_row(taking, placement, component, model_of(&entry->site, component, placement),
                        err);
    }
    return rc;
}

enum err_code compute_allocate(struct store_tx *tx, const char *deployment,
                               const struct requirement *requirement,
                               const struct solution *solution, const struct store_actor *actor,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(map_free_at) struct map *sites = map_new();
    const struct taking taking = {tx, deployment, requirement, solution, 0, sites, &arena};
    bool done = false;
    enum err_code rc = is_allocated(tx, deployment, &done, err);
    if (rc || done || (rc = take_all(&taking, err)))
        return rc;
    size_t at = 0;
    const char *id;
    void *value;
    while (!rc && map_next(sites, &at, &id, &value))
        rc = tell(tx, id, "allocated", actor, err);
    return rc;
}

struct held_rows {
    struct store_rows sites; /* id, 1 when allocated, 0 when reserved */
};

/* Removes the holder's rows. */
static enum err_code remove_rows(struct store_tx *tx, const char *holder, struct held_rows *out,
                                 struct arena *arena, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(holder)};
    enum err_code rc = store_query(tx,
                                   "SELECT site, MAX(CASE WHEN expires_ms = 0 THEN 1 ELSE 0 END)"
                                   " FROM compute_allocations WHERE deployment = $1"
                                   " GROUP BY site ORDER BY site",
                                   args, 1, 0, &out->sites, arena, err);
    if (!rc && out->sites.count)
        rc = store_exec(tx, "DELETE FROM compute_allocations WHERE deployment = $1", args, 1, NULL,
                        err);
    return rc;
}

enum err_code compute_release(struct store_tx *tx, const char *holder,
                              const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct held_rows held;
    enum err_code rc = remove_rows(tx, holder, &held, &arena, err);
    for (size_t i = 0; !rc && i < held.sites.count; i++) {
        const char *site = store_cell(&held.sites, i, 0)->text;
        bool allocated = store_cell(&held.sites, i, 1)->integer != 0;
        rc = allocated ? tell(tx, site, "released", actor, err)
                       : store_append(tx, "allocations", site, "freed", NULL, actor, NULL, err);
    }
    return rc;
}

/* Sites are no different for being reserved: people see reservations at their holder, snapshots
 * follow the event. */
enum err_code compute_reserve(struct store_tx *tx, const struct compute_reservation *wish,
                              const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(map_free_at) struct map *sites = map_new();
    const struct taking taking = {
        tx, wish->holder, wish->requirement, wish->solution, wish->expires_ms, sites, &arena};
    struct held_rows before;
    enum err_code rc;
    if ((rc = remove_rows(tx, wish->holder, &before, &arena, err)) || (rc = take_all(&taking, err)))
        return rc;
    for (size_t i = 0; !rc && i < before.sites.count; i++) {
        const char *site = store_cell(&before.sites, i, 0)->text;
        if (!map_has(sites, site))
            rc = store_append(tx, "allocations", site, "freed", NULL, actor, NULL, err);
    }
    size_t at = 0;
    const char *id;
    void *value;
    while (!rc && map_next(sites, &at, &id, &value))
        rc = store_append(tx, "allocations", id, "reserved", NULL, actor, NULL, err);
    return rc;
}

enum err_code compute_lapsed(struct store_tx *tx, int64_t now_ms, const char ***out,
                             size_t *out_count, struct arena *arena, struct err *err)
{
    struct store_value args[] = {STORE_V_INT(now_ms)};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT DISTINCT deployment FROM compute_allocations WHERE"
                                   " expires_ms > 0 AND expires_ms <= $1 ORDER BY deployment"
                                   " LIMIT 1000",
                                   args, 1, 1000, &rows, arena, err);
    if (rc)
        return rc;
    *out = arena_array(arena, rows.count + 1, sizeof **out);
    *out_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*out)[i] = store_cell(&rows, i, 0)->text;
    return ERR_OK;
}

enum err_code compute_holds(struct store_tx *tx, const char *holder, bool *out, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(holder), STORE_V_INT(clock_now_ms())};
    struct store_rows rows;
    enum err_code rc = store_query(tx,
                                   "SELECT 1 FROM compute_allocations WHERE deployment = $1 AND"
                                   " (expires_ms = 0 OR expires_ms > $2) LIMIT 1",
                                   args, 2, 1, &rows, &arena, err);
    *out = !rc && rows.count > 0;
    return rc;
}
