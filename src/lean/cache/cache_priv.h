/* cache_priv.h - what the files of cache share. */
#ifndef SWAN_LEAN_CACHE_CACHE_PRIV_H
#define SWAN_LEAN_CACHE_CACHE_PRIV_H

#include "lean/cache/cache.h"

enum cache_state { CACHE_FREE, CACHE_OPEN, CACHE_CLOSED };

/* Facilities in the order of cost for each customer, those that are closed for good left out. */
struct cache_lists {
    size_t *begin;  /* customers + 1: where its entries start */
    uint32_t *site; /* of each entry */
    double *cost;   /* of each entry, rising within a customer */
};
void cache_lists_make(const struct cache_location *problem, const unsigned char *state,
                      struct cache_lists *out);
void cache_lists_done(struct cache_lists *lists);

struct cache_frame {      /* one node of a search tree, on the way down */
    double *price;        /* of each customer */
    unsigned char *state; /* of each facility: enum cache_state */
    double *often;        /* of each facility: how often it was chosen lately, 0…1 */
};
/* A copy of `from`; NULL = all zero, every facility free. */
void cache_frame_init(struct cache_frame *frame, const struct cache_location *problem,
                      const struct cache_frame *from);
void cache_frame_done(struct cache_frame *frame);

/* Best solution known of an uncapacitated problem. */
struct cache_best {
    const struct cache_location *problem;
    double cost;         /* INFINITY = none yet */
    unsigned char *open; /* of each facility */
};
/* Takes `open` if it is cheaper; true when it was. */
bool cache_best_offer(struct cache_best *best, const unsigned char *open, double cost);
/* Cost of a set of open facilities; INFINITY when somebody cannot be served or too many are open.
 */
double cache_cost_of(const struct cache_location *problem, const struct cache_lists *lists,
                     const unsigned char *open);
/* Adds, drops and exchanges until nothing is gained (Whitaker's fast interchange); returns the cost
 * that `open` then has. */
double cache_improve(const struct cache_location *problem, unsigned char *open,
                     const struct cache_search *search);

/* Least cost with these facilities open (opening them included), INFINITY when they cannot serve
 * all. share[customer * facilities + facility] and load[facility] (units) may be NULL. */
double cache_transport(const struct cache_location *problem, const unsigned char *open,
                       double *share, double *load);

bool cache_stopped(const struct cache_search *search);
/* What a solution must cost at most to be better than one of `cost`. */
double cache_cutoff(double cost, bool whole);
/* All costs are whole numbers. */
bool cache_is_whole(const struct cache_location *problem);

enum err_code cache_locate_free(const struct cache_location *problem,
                                const struct cache_search *search, struct cache_located *out,
                                struct arena *arena, struct err *err);
enum err_code cache_locate_capacity(const struct cache_location *problem,
                                    const struct cache_search *search, struct cache_located *out,
                                    struct arena *arena, struct err *err);

#endif
