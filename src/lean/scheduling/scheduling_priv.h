/* scheduling_priv.h - what the files of lean/scheduling share.
 *
 * Inside, tasks are numbered so that predecessors come first, and times are int32 in units of the
 * greatest common divisor.  Two directions: 0 runs forward in time; 1 runs the mirrored problem,
 * where successors come first and time counts from the end.  A schedule of one direction, each task
 * keyed by makespan - finish, is an order of tasks for the other. */
#ifndef SWAN_LEAN_SCHEDULING_SCHEDULING_PRIV_H
#define SWAN_LEAN_SCHEDULING_SCHEDULING_PRIV_H

#include "base/rand.h"
#include "lean/scheduling/scheduling.h"

struct scheduling_segment { /* of a step function; holds up to the next one's time */
    int32_t time;
    int32_t *free; /* one per resource that matters */
};

struct scheduling_model {
    int32_t n;
    int32_t resources;    /* that can be short; the others are left out */
    int32_t *resource_of; /* number outside */
    int32_t *capacity;    /* the most that there ever is */
    int32_t *outside;     /* task → number in the problem */
    int32_t *inside;      /* and back */
    int64_t unit;         /* problem time = model time × unit */
    int32_t horizon;      /* no sensible schedule ends later */
    int32_t *duration;    /* [n] */
    int32_t *demand;      /* [n × resources] */
    int32_t *arc_at[2];   /* [n + 1] by direction: what must come before */
    int32_t *arc[2];
    int32_t *release;     /* [n]; now included */
    int32_t *fixed;       /* [n]; start of a running or done task, -1 = waiting */
    int32_t *due;         /* [n]; INT32_MAX = none */
    int64_t *weight;      /* [n] */
    int32_t *head, *tail; /* [n] earliest start, and the longest way from start to the very end */
    int32_t longest;      /* bound by paths */
    int32_t done_end;     /* end of the last fixed task */
    int32_t now;          /* waiting tasks start at or after it */
    bool plain;           /* no release, calendar, fixed task or due date */
    struct scheduling_segment *base; /* free of waiting tasks' use, over time; base[0].time = 0 */
    int32_t base_count;
    /* Free quantities packed: one guard bit and the rest for each resource. */
    int32_t lane_bits, lanes, words;
    uint64_t *need;        /* [n × words] */
    uint64_t guard;        /* guard bits of a word */
    uint64_t *packed_base; /* [base_count × words], guards set */
    uint64_t *packed_full; /* [words]: capacity, for direction 1 */
    int32_t *load;         /* [n] share of all resources */
};

/* ---- model.c ---- */
enum err_code scheduling_model_new(const struct scheduling_problem *problem,
                                   struct scheduling_model **out, struct arena *arena,
                                   struct err *err);

/* ---- generate.c: schedule generation ---- */
struct scheduling_generator {
    const struct scheduling_model *model;
    uint64_t *dense; /* [dense_size × words], or NULL: events are used */
    int32_t dense_size;
    int32_t dirty;       /* dense steps that may differ from what they begin with */
    int32_t filled;      /* and those that the last direction wrote its beginnings to */
    int32_t *event_time; /* sparse profile */
    uint64_t *event_free;
    int32_t event_count, event_cap;
    int64_t made;              /* schedules so far */
    const int32_t *not_before; /* [n] or NULL: forward starts are kept at or after these */
};
/* No schedule that is asked for may end later than horizon. */
void scheduling_generator_init(struct scheduling_generator *generator,
                               const struct scheduling_model *model, int32_t horizon,
                               struct arena *arena);
/* Serial scheme: each task of the list at its earliest fitting time.  Arcs of the direction must be
 * kept by the list.  Returns the makespan; writes starts of that direction. */
int32_t scheduling_generate(struct scheduling_generator *generator, int direction,
                            const int32_t *list, int32_t *ret_starts);
/* Parallel scheme: time goes on, and what fits starts, in the order of rank (smallest first).
 * scratch: 5 × n + base_count. */
int32_t scheduling_generate_parallel(struct scheduling_generator *generator, int direction,
                                     const int32_t *rank, int32_t *ret_starts, int32_t *scratch);
/* Weighted lateness of forward starts. */
int64_t scheduling_lateness(const struct scheduling_model *model, const int32_t *starts);
/* True when nothing is broken (an independent check, slow). */
bool scheduling_holds(const struct scheduling_model *model, const int32_t *starts);

/* ---- bound.c ---- */
struct scheduling_bound {
    int32_t value;
    enum scheduling_proof proof;
};
void scheduling_bound_raise(struct scheduling_bound *bound, int32_t value,
                            enum scheduling_proof proof);
struct scheduling_bound scheduling_bound_cheap(const struct scheduling_model *model,
                                               struct arena *arena);

/* ---- flow.c ---- */
struct scheduling_arc {
    int32_t from, to;
};
struct scheduling_flow { /* what a plan orders beyond precedence */
    int32_t *order;      /* [n] tasks by start */
    LIST(struct scheduling_arc) arcs;
    int32_t *arc_at, *arc; /* by the task that waits */
};
void scheduling_flow_build(const struct scheduling_model *model, const int32_t *starts,
                           struct scheduling_flow *out, struct arena *arena);
/* Makespan of the earliest-start policy with other durations, in any one unit; writes ends. */
int64_t scheduling_flow_length(const struct scheduling_model *model,
                               const struct scheduling_flow *flow, const int64_t *durations,
                               int64_t *ends);
/* [n] the longest way from a task's start to the very end, order kept. */
void scheduling_flow_tails(const struct scheduling_model *model, const struct scheduling_flow *flow,
                           int64_t *tails);

/* ---- explain.c ---- */
void scheduling_explain(const struct scheduling_model *model, const int32_t *starts,
                        struct scheduling_wait *waits, struct arena *arena);

/* ---- spread.c ---- */
/* Draws of all durations, the same for every plan that is compared. */
struct scheduling_draws;
struct scheduling_draws *scheduling_draws_new(const struct scheduling_model *model,
                                              const struct scheduling_input *input,
                                              struct arena *arena);
struct scheduling_spread scheduling_spread_of(struct scheduling_draws *draws, const int32_t *starts,
                                              struct arena *arena);
/* What plans are compared by. */
double scheduling_spread_value(struct scheduling_draws *draws);

/* ---- solve.c ---- */
/* Fills out from starts (inside numbers): all but schedules, bound and spread. */
void scheduling_fill_plan(const struct scheduling_model *model, const int32_t *starts,
                          struct scheduling_plan *out, struct arena *arena);

/* ---- search.c ---- */
struct scheduling_best {
    int32_t makespan;
    int64_t lateness;
    int32_t *starts;
};
struct scheduling_search;
struct scheduling_tuning {
    int64_t budget;                   /* schedules that the populations shrink over */
    double window_least, window_more; /* of the crossover, as shares of the tasks */
    int32_t candidates;               /* windows of which the most promising is crossed over */
    double difference;                /* what a task on the wrong side of a window costs, */
    double gain;                      /* and a unit of time that it saves is worth */
    double mutated;                   /* chance that a child of different parents is mutated */
    double mutation;                  /* tasks moved then, as a share of all */
    double shock;                     /* the same for a child of equal parents */
    int32_t steps;                    /* most places that a task is moved */
    double begun_parallel;            /* share of the beginnings made by the parallel scheme */
    double parallel;                  /* and of the children */
    int32_t size;                     /* of each population at first */
    double shrunk;                    /* what is left of it in the end, as a share */
    int32_t tournament;               /* how many a mother is the best of */
};
/* For a search of about so many schedules. */
struct scheduling_tuning scheduling_tuning_for(int32_t n, int64_t budget);
struct scheduling_search *scheduling_search_new(const struct scheduling_model *model,
                                                const struct scheduling_input *input,
                                                const struct scheduling_tuning *tuning,
                                                struct arena *arena);
/* Goes on until so many schedules are made in all, the bound is met, or it is told to stop. */
void scheduling_search_run(struct scheduling_search *search, int64_t until, int32_t bound);
const struct scheduling_best *scheduling_search_best(const struct scheduling_search *search);
int64_t scheduling_search_made(const struct scheduling_search *search);
int64_t scheduling_search_duplicates(const struct scheduling_search *search);
bool scheduling_search_stopped(const struct scheduling_search *search);
/* Good schedules besides the best, the best first; false behind the last. */
bool scheduling_search_candidate(struct scheduling_search *search, int32_t index,
                                 int32_t *ret_starts, int32_t *ret_makespan);

/* ---- exact.c ---- */
struct scheduling_exact;
struct scheduling_exact *scheduling_exact_new(const struct scheduling_model *model, int32_t most,
                                              uint64_t seed, struct arena *arena);
enum scheduling_verdict { SCHEDULING_UNKNOWN, SCHEDULING_REFUTED, SCHEDULING_FOUND };
/* Starts that are tried first. */
void scheduling_exact_guide(struct scheduling_exact *exact, const int32_t *starts);
/* Tasks stand back by up to `most`, each by chance, where the choice is by time. */
void scheduling_exact_shuffle(struct scheduling_exact *exact, int32_t most);
/* Is there a schedule that ends by `makespan` (less than `most`)?  At most so many conflicts. */
enum scheduling_verdict scheduling_exact_try(struct scheduling_exact *exact, int32_t makespan,
                                             int64_t conflicts, const struct scheduling_input *stop,
                                             int32_t *ret_starts);
int64_t scheduling_exact_conflicts(const struct scheduling_exact *exact);

int64_t scheduling_exact_work(const struct scheduling_exact *exact);

/* ---- neighbourhood.c ---- */
struct scheduling_effort {
    int64_t windows, conflicts, work;
};
struct scheduling_neighbourhood;
/* No plan is longer than makespan.  Memory of one window is kept until done. */
struct scheduling_neighbourhood *scheduling_neighbourhood_new(const struct scheduling_model *model,
                                                              const struct scheduling_input *input,
                                                              int32_t makespan,
                                                              struct arena *arena);
void scheduling_neighbourhood_done(struct scheduling_neighbourhood *near);
/* The plan to go on from. */
void scheduling_neighbourhood_begin(struct scheduling_neighbourhood *near, const int32_t *starts);
/* One window; true: there is another plan in hand, shorter or as long.  The plan in hand must be
 * longer than the longest path. */
bool scheduling_neighbourhood_step(struct scheduling_neighbourhood *near);
const int32_t *scheduling_neighbourhood_plan(const struct scheduling_neighbourhood *near,
                                             int32_t *ret_makespan);
struct scheduling_effort
scheduling_neighbourhood_effort(const struct scheduling_neighbourhood *near);

#endif
