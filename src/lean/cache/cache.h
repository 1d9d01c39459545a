/* cache.h - engine: where images, packages, data and configuration are kept over the network
 * (缓存布局).  Pure: same input and seed, same answer.  Problems, methods, complexity, literature
 * and limits: README.md beside this file. */
#ifndef SWAN_LEAN_CACHE_CACHE_H
#define SWAN_LEAN_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "types/network.h"

struct cache_search {
    uint64_t seed;
    /* Polled often; true = stop and return the best found and the bound proven so far.  NULL =
     * never.  (The clock is the caller's.) */
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
};

/* ---- one thing to place: facility location ---- */

#define CACHE_MAX_ENTRIES ((size_t)64 << 20) /* facilities × customers */

struct cache_location {
    size_t facilities, customers; /* both > 0 */
    /* serve[customer * facilities + facility]: cost of all of the customer's demand from there; not
     * negative; INFINITY = cannot. */
    const double *serve;
    const double *open;     /* cost of each facility that is open, not negative; NULL = nothing */
    const double *capacity; /* units that each facility can give; NULL = any amount */
    const double *demand;   /* units of each customer, > 0; with capacity only */
    size_t most;            /* facilities that may be open (p of the p-median); 0 = any number */
};

struct cache_share { /* part of a customer's demand */
    size_t customer, facility;
    double part; /* 0 < part ≤ 1 */
};

struct cache_located {
    double cost, lower_bound; /* equal when proven */
    bool proven;
    const char *proved_by; /* how the bound was got; NULL when nothing was proven */
    LIST(size_t) open;     /* in order */
    size_t *assign;        /* facility of each customer; of its largest part when it is shared */
    LIST(struct cache_share) shares; /* with capacity only: who gets how much from where */
    int64_t nodes, steps;            /* of the tree; of the dual */
};

/* The cheapest set of open facilities.  With capacity a customer may be served by several (the
 * multi-source problem of the OR-Library).  ERR_INFEASIBLE: a customer that nobody can serve, or
 * too little capacity; ERR_TOO_LARGE: more than CACHE_MAX_ENTRIES; ERR_INVALID: capacity together
 * with `most`. ERR_CANCELLED when stopped before anything was found. */
enum err_code cache_locate(const struct cache_location *problem, const struct cache_search *search,
                           struct cache_located *out, struct arena *arena, struct err *err);

/* ---- OR-Library files ---- */

struct cache_orlib {
    struct cache_location location; /* arrays live in the arena */
    bool median;                    /* a p-median file: each node is facility and customer */
};
/* pmed: "n m p" and edges; cap: "m n", capacity and fixed cost, demands and costs; which it is
 * shows in the first line.  An edge listed twice has the cost of its last listing.  The word
 * "capacity" (files capa, capb, capc) stands for `capacity`, which must be given then (else 0).
 * Errors name the line. */
enum err_code cache_read_orlib(const char *text, size_t len, double capacity,
                               struct cache_orlib *out, struct arena *arena, struct err *err);
/* {"cost","lower_bound","proven","open":[1-based],"assign":[1-based],…} */
void cache_write_located(const struct cache_orlib *problem, const struct cache_located *located,
                         struct buf *out);

/* ---- many artefacts over a network ---- */

extern const char *const cache_artefact_kind_names[]; /* image, package, data, config */

struct cache_artefact {
    const char *id;
    int kind; /* index into cache_artefact_kind_names; 0 = not said */
    double size_gib;
    LIST(const char *) origins; /* sites that hold it anyway; at least one */
    struct opt_double updates;  /* a month: each copy is fetched anew so often; 1 if not said */
};
struct cache_storage {
    const char *site;
    double gib; /* room for copies */
};
struct cache_demand { /* forecast */
    const char *site, *artefact;
    double fetches; /* a month */
};
struct cache_wish {
    LIST(struct cache_artefact) artefacts;
    LIST(struct cache_demand) demand;
    LIST(struct cache_storage) storage;
    /* Sites that `storage` does not name: so much of their free disk; not said = no room. */
    struct opt_double storage_percent;
    struct opt_double round_trips; /* before the first byte of a fetch; 4 if not said */
};
extern const struct json_table cache_wish_table;

/* CSV with the header site,artefact,fetches in any order; appends to wish->demand.  Errors name the
 * line. */
enum err_code cache_read_demand(const char *text, size_t len, struct cache_wish *wish,
                                struct arena *arena, struct err *err);

struct cache_copy { /* site and artefact by their places in network and wish */
    size_t site, artefact;
    double saved_s; /* of fetching a month, that would be lost if this copy alone went */
};
struct cache_fetch {
    size_t site, artefact, from; /* from a site: origin, or with a copy; its own included */
    double fetches, seconds;     /* a month */
};
struct cache_placement {
    LIST(struct cache_copy) copies;
    LIST(struct cache_fetch) fetches;     /* one for each demand that can be met, in its order */
    double seconds_before, seconds;       /* a month: without copies; with them, filling included */
    double filling_s;                     /* of that: fetching the copies themselves */
    double lower_bound;                   /* no placement waits less than this */
    double origin_gib_before, origin_gib; /* a month, given out by origins; filling included */
    double stored_gib;                    /* of all copies */
    int64_t unmet;          /* demands from sites that no origin can be reached from */
    int64_t links_left_out; /* latency or bandwidth unknown, or nothing free */
    int64_t sites_with_room;
    bool stopped;
};
/* Which site caches what, and who fetches from whom.  A fetch takes round_trips × 2 × latency +
 * size / free bandwidth of the narrowest link, over the least-latency path; within a site nothing.
 * The sum over all fetches is made small, under each site's storage.  ERR_INVALID names what the
 * wish says wrongly (field). */
enum err_code cache_place(const struct network *network, const struct cache_wish *wish,
                          const struct cache_search *search, struct cache_placement *out,
                          struct arena *arena, struct err *err);
/* With `fetches` also who fetches what from whom. */
void cache_write_placement(const struct network *network, const struct cache_wish *wish,
                           const struct cache_placement *placement, bool fetches, struct buf *out);

#endif
