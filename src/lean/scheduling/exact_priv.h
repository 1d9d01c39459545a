/* exact_priv.h - what the files of the exact search share.
 *
 * Variables are the starts 0…n-1 and the makespan n.  Bound 2v is "start of v at least", bound 2v+1
 * is "minus start of v at least", so that every bound only grows.  A literal (bound, value) says
 * that the bound is at least value; its negation is (bound ^ 1, 1 - value). */
#ifndef SWAN_LEAN_SCHEDULING_EXACT_PRIV_H
#define SWAN_LEAN_SCHEDULING_EXACT_PRIV_H

#include "lean/scheduling/scheduling_priv.h"

enum exact_reason {                  /* of an entry of the trail */
                    EXACT_DECIDED,   /* or known without conditions */
                    EXACT_CLAUSE,    /* a: place in the pool */
                    EXACT_ARC,       /* a: the other variable */
                    EXACT_TIMETABLE, /* a: resource, b: time at which it is full */
                    EXACT_PAIR, /* a: the other task, b: the bound of it that shuts out the other
                                   order */
};

struct exact_literal {
    int32_t bound, value;
};

struct exact_why {
    enum exact_reason kind;
    int32_t a, b;
};

struct exact_entry {
    int32_t bound, value, old;
    int32_t before; /* the bound's entry below, or -1 */
    struct exact_why why;
};

struct exact_watch {
    int32_t clause;
    struct exact_literal other; /* while it is true, the clause need not be looked at */
};

struct exact_watches {
    struct exact_watch *items;
    int32_t count, room;
};

#define EXACT_HEAD 3 /* a clause in the pool: length, levels, activity, then its literals */

struct scheduling_exact {
    const struct scheduling_model *model;
    struct arena *arena;
    struct rand rand;
    int32_t n;      /* tasks; the makespan is variable n */
    int32_t *value; /* [2n + 2] of each bound */
    int32_t *last;  /* [2n + 2] newest entry of each bound, or -1 */
    struct exact_entry *trail;
    int32_t trail_count, trail_room, done; /* entries below done have been propagated */
    int32_t *level_at;                     /* first entry of each level */
    int32_t level, level_room;
    int32_t *sinks; /* tasks without successors: the makespan is after them */
    int32_t sink_count;
    /* pairs that may never overlap */
    int32_t *pair_at, *pair;
    /* profile of what must be in use */
    uint64_t *profile, *base;
    int32_t profile_size;
    bool touched; /* a bound of a task has moved since the profile was looked at */
    /* clauses */
    int32_t *pool;
    int32_t pool_count, pool_room, clause_count, clause_most;
    struct exact_watches *watches; /* by what becomes true: watch_at[bound] + value */
    int32_t *watch_at;             /* [2n + 2] */
    int32_t watch_count;
    bool dead; /* not even the longest makespan is possible */
    /* conflict */
    struct exact_literal *conflict; /* true literals that cannot stand together */
    int32_t conflict_count;
    struct exact_literal *reason;
    int32_t *need; /* [2n + 2] needed value in the analysis, INT32_MIN = not needed */
    int32_t *seen; /* bounds that are needed */
    int32_t seen_count;
    struct exact_literal *learned;
    int32_t learned_count;
    int32_t *level_mark, mark;
    /* choice */
    int32_t *choice_at;  /* [n + 1] first literal "start at most" of a variable */
    int32_t *choice_low; /* [n] its value */
    float *activity;
    float step;
    int32_t *heap, *heap_at, heap_count;
    int32_t *choice_task;
    int32_t *guide; /* [n] starts that are tried first */
    int32_t *delay; /* [n] by which tasks stand back in the choice by time; NULL: none */
    int64_t conflicts;
    int64_t work; /* steps of propagation, about as long as one another */
};

static inline bool exact_is_true(const struct scheduling_exact *exact, struct exact_literal l)
{
    return exact->value[l.bound] >= l.value;
}

static inline struct exact_literal exact_not(struct exact_literal l)
{
    return (struct exact_literal){l.bound ^ 1, 1 - l.value};
}

static inline int32_t exact_low(const struct scheduling_exact *exact, int32_t task)
{
    return exact->value[2 * task];
}

static inline int32_t exact_high(const struct scheduling_exact *exact, int32_t task)
{
    return -exact->value[2 * task + 1];
}

/* ---- exact_propagate.c ---- */
/* Makes the literal true.  False: it cannot be, and the conflict is set. */
bool scheduling_exact_enqueue(struct scheduling_exact *exact, struct exact_literal literal,
                              struct exact_why why);
/* What follows at the very beginning; false: nothing is possible. */
bool scheduling_exact_begin(struct scheduling_exact *exact);
/* To the fixed point; false with the conflict set. */
bool scheduling_exact_propagate(struct scheduling_exact *exact);
/* Literals that together made `literal` true, by the entry `at` of the trail (its count: all
 * entries, for a conflict).  Written to exact->reason; returns how many. */
int32_t scheduling_exact_explain(struct scheduling_exact *exact, struct exact_literal literal,
                                 struct exact_why why, int32_t at);
/* True when every task at its earliest start is a schedule. */
bool scheduling_exact_earliest_holds(struct scheduling_exact *exact);

/* ---- exact_learn.c ---- */
/* From the conflict to a clause in exact->learned, the literal to assert first; returns the level
 * to go back to, or -1 when there is no way out. */
int32_t scheduling_exact_analyse(struct scheduling_exact *exact);
/* Keeps the learned clause; returns its place in the pool. */
int32_t scheduling_exact_keep(struct scheduling_exact *exact);
/* Forgets about half of the clauses.  At level 0 only. */
void scheduling_exact_reduce(struct scheduling_exact *exact);
/* Takes back all entries above the level. */
void scheduling_exact_back(struct scheduling_exact *exact, int32_t level);
/* The clause is looked at when the literal becomes false, unless the other one is true. */
void scheduling_exact_watch(struct scheduling_exact *exact, struct exact_literal literal,
                            struct exact_literal other, int32_t clause);

/* ---- exact_choice.c ---- */
void scheduling_exact_choice_init(struct scheduling_exact *exact);
void scheduling_exact_bump(struct scheduling_exact *exact, struct exact_literal literal);
void scheduling_exact_decay(struct scheduling_exact *exact);
/* The bound of a variable went back from `value` to `old`: what is open again may be chosen. */
void scheduling_exact_reopen(struct scheduling_exact *exact, int32_t bound, int32_t value,
                             int32_t old);
/* False when every start is decided. */
bool scheduling_exact_choose(struct scheduling_exact *exact, bool by_time,
                             struct exact_literal *ret);

#endif
