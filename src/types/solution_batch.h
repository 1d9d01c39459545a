/* solution_batch.h - what the joint design of several needs answers. */
#ifndef SWAN_TYPES_SOLUTION_BATCH_H
#define SWAN_TYPES_SOLUTION_BATCH_H

#include "types/solution.h"

struct solution_batch_need {
    const char *requirement; /* id@version, or the file it came from */
    const char *solution;    /* id of the stored set, or NULL */
    const char *code, *text; /* of an error: "infeasible", "cancelled"; NULL = it has a solution */
    struct opt_double cost;  /* a month, in the joint design */
    struct opt_double alone; /* the least it would cost with the network to itself */
    struct solution_answer *answer; /* the one solution, or why there is none */
};
struct solution_batch_move { /* a component that is not where its need alone would have it */
    int64_t need;            /* index */
    const char *component, *from, *to;
    const char *resource; /* what is short */
    LIST(double) by;      /* indices of the needs that take it */
};
struct solution_batch {
    LIST(struct solution_batch_need) needs; /* in the order given */
    double total, bound, gap;               /* a month; bound: no joint design costs less */
    const char *currency, *proved_by;
    LIST(struct solution_batch_move) moves;
    LIST(double) together; /* needs that are possible alone and not together */
    struct opt_bool together_minimal;
    LIST(const char *) short_of; /* what they contend for */
    int64_t redesigns;           /* times that it was designed again because others took the room */
};
extern const struct json_table solution_batch_table;

#endif
