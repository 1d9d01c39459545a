/* observation.c - what was seen of a site.
 *
 * Contract: written only when something that people see has changed, or for the time of the last
 * look each five minutes; the sum of Swan's allocations in the status is never touched. */
#include "base/str.h"
#include "compute/compute_priv.h"

#define SEEN_RESOLUTION_MS 300000

struct observed {
    const char *id;
    const struct compute_site_status *status;
    bool written;
};

static bool differs(struct opt_double a, struct opt_double b)
{
    return a.set != b.set || a.value != b.value;
}

static bool says_more(const struct compute_site_status *old, const struct compute_site_status *now)
{
    return old->state != now->state || !str_eq(old->error, now->error) ||
           !str_eq(old->engine, now->engine) || !str_eq(old->system, now->system) ||
           differs(old->measured.vcpus, now->measured.vcpus) ||
           differs(old->measured.memory_gib, now->measured.memory_gib) ||
           differs(old->measured.disk_gib, now->measured.disk_gib) ||
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
    observed->written = false;
    enum err_code rc = store_get(tx, "sites", observed->id, &record, &arena, err);
    if (rc)
        return rc;
    if (record.status &&
        (rc = json_decode_stored(record.status, &compute_site_status_table, &old, &arena, err)))
        return rc;
    now.allocated_by_swan = old.allocated_by_swan; /* no observation knows it better */
    if (!now.seen_at)
        now.seen_at = old.seen_at;
    if (record.status && !says_more(&old, &now))
        return ERR_OK;
    observed->written = true;
    json_encode(&compute_site_status_table, &now, JSON_COMPACT, &text);
    return store_update(tx, "sites", observed->id, 0, NULL, buf_str(&text), "observed",
                        &system_actor, NULL, err);
}

enum err_code compute_site_observed(struct compute *compute, const char *id,
                                    const struct compute_site_status *status, struct err *err)
{
    struct observed observed = {.id = id, .status = status};
    enum err_code rc = store_write(compute->store, observed_body, &observed, err);
    if (!rc && observed.written)
        compute_refresh(compute, NULL); /* committed: what fails here the next refresh makes good */
    return rc;
}
