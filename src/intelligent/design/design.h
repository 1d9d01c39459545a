/* design.h - engine: Requirement + network → non-dominated solutions with proven gap (方案生成).
 * Pure: same input and seed, same answer.  Method, complexity, literature: README.md beside this
 * file. */
#ifndef SWAN_DESIGN_DESIGN_H
#define SWAN_DESIGN_DESIGN_H

#include "intelligent/evaluation/evaluation.h"

/* An instance, or all of them, must run there.  With other instances pinned the numbers count: the
 * one of that number is there. */
struct design_pin {
    const char *component;
    int64_t instance; /* -1 = every instance */
    const char *site;
};
/* Nothing of the component may run there. */
struct design_exclusion {
    const char *component; /* NULL = any */
    const char *site;
};

struct design_input {
    struct evaluation_input given;
    /* What people decided.  They hold like constraints: named in the conflict set ("pin web@s1",
     * "pin web[2]@s1", "exclude web@s1", "exclude s1"), counted in rejections ("pin", "excluded"),
     * dropped by relaxations ("drop pin web@s1").  ERR_INVALID, with the nearest name: what names
     * no component, instance or site; two pins of one instance to two sites. */
    LIST(struct design_pin) pins;
    LIST(struct design_exclusion) exclusions;
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
