/* place_priv.h - what the files that place many artefacts share.
 *
 * Figures of a site and an artefact stand in matrices of one row a site, so that a loop over
 * artefacts runs over neighbouring floats. */
#ifndef SWAN_LEAN_CACHE_PLACE_PRIV_H
#define SWAN_LEAN_CACHE_PLACE_PRIV_H

#include "lean/cache/cache_priv.h"

#define CACHE_NEAR 24
#define CACHE_NOWHERE UINT32_MAX
#define CACHE_ENDLESS 1e30f /* seconds of what cannot be */

struct cache_way { /* from one site to another */
    uint32_t site;
    float latency_s; /* there and back, as often as a fetch goes before its first byte */
    float gib_s;     /* for each GiB, over the narrowest link */
};

struct cache_graph {
    size_t sites, nodes; /* sites first, then access points */
    size_t *begin;       /* nodes + 1 */
    struct cache_arc {
        uint32_t to;
        float latency_ms, mbps;
    } * arcs; /* of each node by latency */
    int64_t links_left_out;
    double round_trips;
};
void cache_graph_make(const struct network *network, double round_trips, struct cache_graph *out);
void cache_graph_done(struct cache_graph *graph);

float cache_gib_seconds(float mbps);

/* The nearest sites with room (the site itself not among them): at most CACHE_NEAR each, at
 * ways[site * CACHE_NEAR]; count[site] of them.  beyond_s[site]: no other one is nearer than this
 * (INFINITY: there is no other).  Visits O(CACHE_NEAR) arcs a site where sites have room. */
void cache_nearest(const struct cache_graph *graph, const bool *room, struct cache_way *ways,
                   unsigned char *count, float *beyond_s);
/* The nearest of `from` for each site (site CACHE_NOWHERE: none can be reached). */
void cache_from_origins(const struct cache_graph *graph, const size_t *from, size_t count,
                        struct cache_way *out);

struct cache_placing {
    const struct network *network;
    const struct cache_wish *wish;
    const struct cache_search *asked;
    size_t sites, artefacts;
    struct cache_graph graph;
    double *room_gib;       /* of each site */
    float *size_gib;        /* of each artefact */
    struct cache_way *ways; /* of each site, CACHE_NEAR each */
    unsigned char *way_count;
    float *beyond_s;
    float *least_gib_s;        /* of each site: over the widest link that ends there */
    size_t *reverse_begin;     /* sites + 1: who has the site among its nearest … */
    uint32_t *reverse;         /* … as indices into ways */
    struct cache_way **origin; /* of each artefact, for each site; shared by artefacts alike */
    /* matrices, [site * artefacts + artefact] */
    float *fetches; /* a month; 0 where no origin can be reached */
    float *far;     /* seconds of one fetch from the origin; 0 where none can be reached */
    float *fill; /* seconds a month that keeping a copy costs; CACHE_ENDLESS where it cannot be */
    float *has;  /* 1 where a copy is */
    float *wait; /* seconds of one fetch as it is: the nearest holder's … */
    float *next; /* … and the second's; CACHE_ENDLESS when there is no second */
    double *used_gib;
    bool *stale; /* of each site: what its copies are worth has changed since it was filled */
};

/* What is above 0: without a comparison, so that loops over artefacts become vectors. */
static inline float cache_above(float value)
{
    return 0.5f * (value + __builtin_fabsf(value));
}

/* Seconds of one fetch of a thing of that size over the way. */
static inline float cache_way_seconds(const struct cache_way *way, float size_gib)
{
    return way->latency_s + size_gib * way->gib_s;
}

/* Fills has, wait, next and used_gib, which are empty before. */
void cache_place_greedily(struct cache_placing *p);
/* Looks at each site again, everything else held fast; true when something got better. */
bool cache_place_again(struct cache_placing *p);
/* What each artefact at the site saves a month (or would), everything else held fast. */
void cache_copy_values(const struct cache_placing *p, size_t site, float *values);

/* Seconds a month, filling included, that no placement undercuts; at most `seconds`, those of the
 * placement as it is. */
double cache_place_bound(const struct cache_placing *p, double seconds);

#endif
