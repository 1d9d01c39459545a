/* design.h - engine: Requirement + network → non-dominated solutions with proven gap (方案生成).
 * Pure: same input and seed, same answer.  Method, complexity, literature: README.md beside this
 * file. */
#ifndef SWAN_DESIGN_DESIGN_H
#define SWAN_DESIGN_DESIGN_H

#include "intelligent/evaluation/evaluation.h"

struct design_input {
    struct evaluation_input given;
    int objective;        /* enum requirement_objective; ABSENT = the requirement's, else cost */
    size_t max_solutions; /* 0 = 5 */
    uint64_t seed;
    bool only_objective; /* one solution, for that objective */
    /* Polled often; true = stop and return what is proven so far.  NULL = never.  (The clock is the
     * caller's.) */
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
};

/* ERR_INFEASIBLE when no solution exists: out then holds conflict, rejected (counts by reason,
 * nearest misses) and relaxations. ERR_CANCELLED when stopped before anything was found. */
enum err_code design_solve(const struct design_input *input, struct solution_answer *out,
                           struct arena *arena, struct err *err);

#endif
