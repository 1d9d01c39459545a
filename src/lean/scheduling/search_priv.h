/* search_priv.h - what search.c and search_begin.c share. */
#ifndef SWAN_LEAN_SCHEDULING_SEARCH_PRIV_H
#define SWAN_LEAN_SCHEDULING_SEARCH_PRIV_H

#include "lean/scheduling/scheduling_priv.h"

struct scheduling_one { /* an individual: a schedule of one direction, as a list for the other */
    int32_t makespan;
    int64_t lateness;
    uint64_t hash;
    int32_t *key;   /* [n]: makespan - finish */
    int32_t *order; /* [n]: tasks by key */
};

struct scheduling_search {
    const struct scheduling_model *model;
    const struct scheduling_input *input;
    struct scheduling_tuning t;
    struct scheduling_generator generator;
    struct rand rand;
    struct scheduling_best best;
    int64_t until;
    int32_t bound;
    bool stopped;
    int64_t duplicates;
    int32_t size; /* of a population now */
    struct scheduling_one *population[2];
    struct scheduling_one spare;
    int32_t begun; /* places that have been filled */
    int64_t generation;
    int32_t at;      /* place whose turn it is in it */
    uint64_t *lists; /* hashes of lists that were made */
    uint64_t list_mask;
    int32_t *base[2]; /* [n] order among equal keys: what has most behind it first */
    int32_t *list, *starts, *other, *rank, *difference; /* [n + 1] */
    int32_t *scratch;
    int64_t *priority;
    double *chance;
};

/* A pass of a scheme; the schedule becomes an individual. */
void scheduling_search_serial(struct scheduling_search *search, int direction, const int32_t *list,
                              struct scheduling_one *out);
void scheduling_search_parallel(struct scheduling_search *search, int direction,
                                const int32_t *list, struct scheduling_one *out);
/* The first schedule of place index: a rule for the first few, random samples behind them. */
void scheduling_search_begin_one(struct scheduling_search *search, int32_t index,
                                 struct scheduling_one *out);

#endif
