/* batch_priv.h - several needs at once: what the joint search and its answer share. */
#ifndef SWAN_DESIGN_BATCH_PRIV_H
#define SWAN_DESIGN_BATCH_PRIV_H

#include "intelligent/design/design_priv.h"

#define BATCH_TOL 1e-6 /* amounts and Mbit/s */

struct batch_use {
    uint32_t resource;
    double amount;
};

struct batch_choice { /* one way to meet one need; immutable */
    double value, bound;
    uint32_t **chosen;
    struct batch_use *uses; /* ascending by resource */
    size_t use_count;
};

struct batch_need {
    const struct design_problem *problem;
    struct design_wishes wishes;
    size_t kind; /* needs that ask the same have the same */
    const struct batch_choice *alone;
};

struct batch {
    const struct batch_need *needs;
    size_t count;
    double *free;  /* by resource */
    double *taken; /* by resource; all 0 between calls */
    size_t resource_count;
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
    struct arena *arena;
};

enum batch_outcome { BATCH_PROVEN, BATCH_FOUND, BATCH_NONE, BATCH_UNDECIDED };

struct batch_result {
    enum batch_outcome outcome;
    double total, bound;
    uint64_t nodes;
    const struct batch_choice **choices; /* by need; NULL for those left out */
    bool stopped;
};

/* The least way to meet a need with the holds; NULL when there is none below the limit (0 = none),
 * with *ret_stopped when that is not known. */
const struct batch_choice *design_batch_choose(struct batch *batch, size_t need,
                                               const struct design_hold *holds, size_t hold_count,
                                               double value_below, bool *ret_stopped);

/* left_out[need]: not part of it.  At most node_max nodes. */
void design_batch_search(struct batch *batch, const bool *left_out, uint64_t node_max,
                         struct batch_result *out);

/* Whether `taken` and what the choice uses exceed what is free; *ret_resource one of them. */
bool design_batch_exceeds(const struct batch *batch, const struct batch_choice *choice,
                          uint32_t *ret_resource);
void design_batch_take(struct batch *batch, const struct batch_choice *choice, double sign);

#endif
