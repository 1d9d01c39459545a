/* compute.h - service: 算力管理.  Sites, links, access points, connections, prices and allocations.
 *
 * Collections: "sites" (spec network_site_table, status compute_site_status_table), "links" (id
 * "A~B"), "access-points", "connections" (id "SITE~PROVIDER"), "price-notes" (id "SITE~ITEM"); own
 * table compute_allocations. Readers work on an immutable snapshot of the whole network that a
 * refresh swaps; writers go through the store.  `allocated` of a site in the snapshot = what its
 * spec says (others' use) + Swan's allocations + reservations that are alive. */
#ifndef SWAN_COMPUTE_COMPUTE_H
#define SWAN_COMPUTE_COMPUTE_H

#include "store/store.h"
#include "types/network.h"
#include "types/requirement.h"
#include "types/solution.h"

extern const struct store_module compute_store_module;

extern const char *const compute_site_state_names[]; /* up, unreachable, dead, unknown */
enum compute_site_state {
    COMPUTE_STATE_ABSENT,
    COMPUTE_UP,
    COMPUTE_UNREACHABLE,
    COMPUTE_DEAD,
    COMPUTE_UNKNOWN
};

struct compute_site_status {
    int state;
    int64_t seen_at;             /* last time it answered */
    int64_t checked_at;          /* last time it was asked */
    const char *system;          /* "Linux 6.1, podman 4.3.1" */
    const char *engine;          /* container engine, or NULL */
    struct site_amount measured; /* capacity as discovered */
    struct site_amount used;     /* by others, as measured */
    struct site_amount allocated_by_swan;
    const char *error; /* why it could not be asked */
};
extern const struct json_table compute_site_status_table;

struct compute_reserved { /* what one holder has reserved on one site, of one accelerator model */
    const char *holder, *site;
    double vcpus, memory_gib, disk_gib;
    const char *model; /* "" = no cards */
    double cards;
    int64_t expires_ms;
};

struct compute_snapshot { /* shared, immutable */
    struct network network;
    LIST(struct compute_reserved) reserved; /* counted in `allocated`, also when past its end */
    struct site_connections connections;
    struct price_notes notes;
    int64_t version; /* journal position of the last change of sites, links, access points,
                        connections, prices, allocations and reservations */
};
/* The network as it is for `holder` (NULL = for anybody) at that moment: what he has reserved
 * himself and what has lapsed is free.  Comes from the arena where it differs from the snapshot's.
 */
const struct network *compute_network_for(const struct compute_snapshot *snapshot,
                                          const char *holder, int64_t now_ms, struct arena *arena);
/* The network as it was declared: `allocated` is others' use only. */
const struct network *compute_network_declared(const struct compute_snapshot *snapshot,
                                               struct arena *arena);

struct compute;
enum err_code compute_open(struct store *store, struct compute **out, struct err *err);
void compute_close(struct compute *compute);
/* Reads what the journal says since the last call and swaps the snapshot when something moved. */
enum err_code compute_refresh(struct compute *compute, struct err *err);
/* The same, and reads again who holds what: also what the journal does not tell yet because older
 * transactions are still open (PostgreSQL).  For those who lost a race. */
enum err_code compute_reload(struct compute *compute, struct err *err);
const struct compute_snapshot *compute_snapshot_ref(struct compute *compute);
void compute_snapshot_unref(const struct compute_snapshot *snapshot);
/* The ready JSON answer of one site {id, version, …, spec, status} for the hot path; NULL if none.
 * Valid while the snapshot is referenced.  *ret_etag "\"3\"". */
const char *compute_snapshot_site_json(const struct compute_snapshot *snapshot, const char *id,
                                       size_t *ret_len, const char **ret_etag);

struct compute_import_counts {
    int64_t sites, links, access_points, price_notes, unchanged;
};
/* Adds or replaces everything in `network` (a checked network) in one transaction; what is not
 * named stays.  The currency must be the store's (the first import sets it): else ERR_CONFLICT.
 * dry_run counts only. */
enum err_code compute_import(struct compute *compute, const struct network *network,
                             const struct price_notes *notes, bool dry_run,
                             const struct store_actor *actor, struct compute_import_counts *out,
                             struct err *err);

/* Adds or replaces lines of the price book (collection "prices", id = sku). */
enum err_code compute_price_book_import(struct compute *compute, const struct price_book *book,
                                        const struct store_actor *actor, int64_t *ret_changed,
                                        struct err *err);

enum err_code
compute_site_put(struct compute *compute, const struct site *site, int64_t expected,
                 const struct store_actor *actor, int64_t *ret_version,
                 struct err *err); /* create or replace; expected -1 = must not exist */
enum err_code compute_site_delete(
    struct compute *compute, const char *id, int64_t expected, const struct store_actor *actor,
    struct err *err); /* ERR_CONFLICT while something of ours runs there or a link ends there */
enum err_code compute_link_put(struct compute *compute, const struct network_link *link,
                               int64_t expected, const struct store_actor *actor, struct err *err);
enum err_code compute_link_delete(struct compute *compute, const char *id, int64_t expected,
                                  const struct store_actor *actor, struct err *err);
enum err_code compute_access_put(struct compute *compute, const struct network_access *access,
                                 const struct store_actor *actor, struct err *err);
enum err_code compute_connection_put(struct compute *compute,
                                     const struct site_connection *connection,
                                     const struct store_actor *actor, struct err *err);
enum err_code compute_connection_delete(struct compute *compute, const char *site,
                                        const char *provider, const struct store_actor *actor,
                                        struct err *err);
/* What an observation of the site said; writes only when something that people see has changed (or
 * every 5 minutes). */
enum err_code compute_site_observed(struct compute *compute, const char *id,
                                    const struct compute_site_status *status, struct err *err);

/* Takes what the placements of a solution need, for a deployment, in the caller's transaction;
 * ERR_CAPACITY names site, resource, wanted and free when another took it meanwhile.  Idempotent
 * per deployment. */
enum err_code compute_allocate(struct store_tx *tx, const char *deployment,
                               const struct requirement *requirement,
                               const struct solution *solution, const struct store_actor *actor,
                               struct err *err);
/* Gives back what a deployment, an order or a solution set holds; nothing is fine too. */
enum err_code compute_release(struct store_tx *tx, const char *holder,
                              const struct store_actor *actor, struct err *err);

/* ---- reservations: room held for a solution set or an order, until a moment ---- */
struct compute_reservation {
    const char *holder; /* its id */
    const struct requirement *requirement;
    const struct solution *solution;
    int64_t expires_ms;
};
/* Replaces what the holder held before, whole; ERR_CAPACITY as compute_allocate.  On any error the
 * caller must roll back. */
enum err_code compute_reserve(struct store_tx *tx, const struct compute_reservation *wish,
                              const struct store_actor *actor, struct err *err);
/* Holders of reservations that are past their end, at most 1000: compute_release each. */
enum err_code compute_lapsed(struct store_tx *tx, int64_t now_ms, const char ***out,
                             size_t *out_count, struct arena *arena, struct err *err);
/* Does it hold anything that counts? */
enum err_code compute_holds(struct store_tx *tx, const char *holder, bool *out, struct err *err);

#endif
