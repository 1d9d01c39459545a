/* design.h - engine: Requirement + network → non-dominated solutions with proven gap (方案生成).
 * Pure: same input and seed, same answer.  Method, complexity, literature: README.md beside this
 * file. */
#ifndef SWAN_DESIGN_DESIGN_H
#define SWAN_DESIGN_DESIGN_H

#include "intelligent/evaluation/evaluation.h"
#include "types/solution_batch.h"

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

/* ---- several needs over one network, jointly ----
 * The least total cost such that all of them together stay within the capacity of every site and
 * the free bandwidth of every link. */
#define DESIGN_BATCH_MAX 256 /* needs */

struct design_batch_input {
    /* One input for each need: its requirement, pins and exclusions; all over the same network,
     * notes and connections (those of the first are taken).  Cost is minimised: their objective,
     * max_solutions, only_objective and should_stop are not read. */
    const struct design_input *needs;
    size_t count;
    bool (*should_stop)(void *ctx); /* NULL = never */
    void *stop_ctx;
};

struct design_move { /* why a component is not where it would be, were its need alone */
    size_t need;
    const char *component;
    const char *from, *to; /* sites; the same when it takes another accelerator model there */
    const char *resource;  /* what is short: "vcpus of s1", "A10 of s1", "bandwidth of s1—s2" */
    LIST(size_t) by;       /* the needs that take it */
};

struct design_batch_need {
    /* ERR_OK: answer has one solution.  ERR_INFEASIBLE: it cannot be met whatever the others do,
     * and answer says why.  ERR_CANCELLED: stopped before that was known. */
    enum err_code code;
    const char *text; /* of the error, or NULL */
    struct solution_answer answer;
    double alone; /* its least cost with the network to itself; NaN when there is none */
};

struct design_batch {
    struct design_batch_need *needs; /* as many, in the order given */
    size_t count;
    double total; /* a month, of all that have a solution */
    double bound; /* proven: no joint solution costs less */
    double gap;   /* (total − bound) / total; 0 = proven least */
    const char *proved_by;
    LIST(struct design_move) moves;
    /* Of ERR_INFEASIBLE: needs that are possible alone and not together, and without any one of
     * them are (or, where `together_minimal` is false, some of these were not decided). */
    LIST(size_t) together;
    bool together_minimal;
    LIST(const char *) short_of; /* the resources that they contend for, as in a move */
};

/* ERR_OK: every need that is possible alone has its solution (see the code of each for the others).
 * ERR_INFEASIBLE: those possible alone are not so together.  ERR_CANCELLED: stopped before a joint
 * solution was found; needs[].alone is then what is known.  ERR_INVALID: as design_solve, the
 * field begins with "needs[i]"; ERR_TOO_LARGE: more than DESIGN_BATCH_MAX. */
enum err_code design_solve_batch(const struct design_batch_input *input, struct design_batch *out,
                                 struct arena *arena, struct err *err);
/* The batch as it is shown; which requirement a need was and which solution it became is the
 * caller's to add. */
void design_batch_tell(const struct design_batch *found, const char *currency,
                       struct solution_batch *out, struct arena *arena);

#endif
