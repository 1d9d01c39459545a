/* scheduling.h - engine: when each task runs, under precedence, renewable resources and priorities
 * (the resource-constrained project scheduling problem).  Pure: same input and seed, same answer,
 * unless should_stop ends the search early.  Method, literature, complexity and limits: README.md
 * beside this file.
 *
 * Times are whole numbers of any one unit (milliseconds of the clock, or the periods of a library
 * file).  A task runs without interruption in [start, start + duration). */
#ifndef SWAN_LEAN_SCHEDULING_SCHEDULING_H
#define SWAN_LEAN_SCHEDULING_SCHEDULING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define SCHEDULING_MAX_TASKS 100000
#define SCHEDULING_MAX_RESOURCES 32
#define SCHEDULING_MAX_ARCS 4000000
/* All durations, releases and calendar ends together, in units of their greatest common divisor. */
#define SCHEDULING_MAX_HORIZON ((int64_t)1 << 29)
#define SCHEDULING_MAX_CAPACITY ((int64_t)1 << 30)
#define SCHEDULING_FOREVER INT64_MAX

enum scheduling_state {
    SCHEDULING_WAITING, /* may start at `now` or later */
    SCHEDULING_RUNNING, /* started at `start`, which is kept; duration is the newest estimate */
    SCHEDULING_DONE,    /* ran in [start, start + duration) */
};

/* With chance `share` the duration is at most `duration`: {0.5, …}, {0.9, …}. */
struct scheduling_quantile {
    double share; /* strictly between 0 and 1, ascending in the list */
    int64_t duration;
};

struct scheduling_task {
    const char *name; /* for errors; may be NULL */
    int64_t duration; /* what is planned with */
    LIST(struct scheduling_quantile) quantiles;
    int64_t release;  /* not before; 0 = none */
    int64_t deadline; /* lateness counts from here; SCHEDULING_FOREVER or 0 = none */
    int64_t weight;   /* of a unit of lateness, at least 0 */
    LIST(size_t) after;
    const int64_t *demands; /* one per resource; NULL = needs none */
    enum scheduling_state state;
    int64_t start; /* of a running or done task */
};

/* In [from, to) another capacity holds. */
struct scheduling_interval {
    int64_t from, to;
    int64_t capacity;
};

struct scheduling_resource {
    const char *name;
    int64_t capacity;
    LIST(struct scheduling_interval) calendar; /* apart from each other, ascending */
};

struct scheduling_problem {
    LIST(struct scheduling_task) tasks;
    LIST(struct scheduling_resource) resources;
    int64_t now; /* waiting tasks start at this time or later */
};

enum scheduling_method {
    SCHEDULING_BOTH,      /* search, and exact search where it may close the gap */
    SCHEDULING_HEURISTIC, /* schedule generation and the cheap bounds only */
};

/* What proved the lower bound. */
enum scheduling_proof {
    SCHEDULING_BY_PATH = 1,    /* longest chain of tasks, releases and fixed tasks */
    SCHEDULING_BY_CAPACITY,    /* work of one resource over its capacity */
    SCHEDULING_BY_ENERGY,      /* work that must lie inside a window */
    SCHEDULING_BY_PAIRS,       /* tasks that exclude one another, with heads and tails */
    SCHEDULING_BY_DESTRUCTION, /* a shorter makespan is refuted by propagation */
    SCHEDULING_BY_EXACT,       /* a shorter makespan is refuted by search */
};
extern const char *const scheduling_proof_names[]; /* [0] = NULL, then names, then NULL */

/* The answer to "why not earlier". */
enum scheduling_reason {
    SCHEDULING_AT_ONCE = 1, /* starts when it may: now, or at the beginning */
    SCHEDULING_FIXED,       /* runs or is done */
    SCHEDULING_FOR_RELEASE,
    SCHEDULING_FOR_TASK,     /* `task` must end first */
    SCHEDULING_FOR_RESOURCE, /* `task` holds what is needed of `resource` */
    SCHEDULING_FOR_CALENDAR, /* `resource` is not there in such quantity */
    SCHEDULING_BY_CHOICE,    /* could start earlier; the plan keeps its old time */
};
extern const char *const scheduling_reason_names[];

struct scheduling_wait {
    enum scheduling_reason reason;
    size_t task;     /* of FOR_TASK, FOR_RESOURCE */
    size_t resource; /* of FOR_RESOURCE, FOR_CALENDAR */
    int64_t ready;   /* when its predecessors, release and now let it start */
    int64_t waited;  /* start - ready */
    int64_t slack;   /* how much later it may end without moving the makespan, order kept */
};

struct scheduling_input {
    const struct scheduling_problem *problem;
    uint64_t seed;
    int64_t schedules; /* most passes of a schedule generation scheme; 0 = 20000 */
    enum scheduling_method method;
    /* Asked now and then; true ends the search with what is best so far.  NULL = never. */
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
    /* Durations drawn this often over the quantiles of the best few plans, the one whose makespan
     * is least at `robust_share` (0 = mean) is taken.  0 = no drawing.  Not counted as schedules.
     */
    int64_t draws;
    double robust_share;
};

struct scheduling_spread { /* of the makespan, over the drawn durations, order of the plan kept */
    int64_t draws;         /* 0: not drawn, the rest is 0 */
    double mean;
    int64_t p50, p90, p99;
};

struct scheduling_plan {
    int64_t *starts;  /* one per task */
    int64_t makespan; /* end of the last task, from time 0 */
    int64_t lower_bound;
    enum scheduling_proof proof;
    int64_t lateness;              /* weighted, over all tasks */
    int64_t schedules;             /* passes that were made */
    int64_t heuristic;             /* makespan before exact search */
    int64_t conflicts;             /* of exact search, in windows too */
    int64_t windows;               /* of a plan that exact search was asked to shorten */
    int64_t duplicates;            /* schedules that were met before in their population */
    bool stopped;                  /* by should_stop */
    struct scheduling_wait *waits; /* one per task */
    struct scheduling_spread spread;
};

/* Makespan first, weighted lateness second (and robustness, where asked for, among the best).
 * ERR_INVALID names the task or resource (field tasks[3].duration); ERR_INFEASIBLE: a task needs
 * more than its resource has, or a cycle of predecessors. */
enum err_code scheduling_solve(const struct scheduling_input *input, struct scheduling_plan *out,
                               struct arena *arena, struct err *err);

struct scheduling_change {
    const int64_t *starts; /* of the plan in force, one per task; -1 = a new task */
    int64_t disturbance;   /* price of one unit of time by which one start moves, in thousandths of
                            * a unit of makespan; 0 = 10 */
    int64_t schedules;     /* 0 = 40 */
    uint64_t seed;
};

struct scheduling_moves {
    int64_t moved;       /* waiting tasks whose start differs */
    int64_t disturbance; /* sum of |new start - old start| over waiting tasks that had one */
    int64_t largest;
};

/* A new plan after some tasks have run, run still, or have other durations.  Running and done tasks
 * keep their starts. */
enum err_code scheduling_replan(const struct scheduling_problem *problem,
                                const struct scheduling_change *change, struct scheduling_plan *out,
                                struct scheduling_moves *ret_moves, struct arena *arena,
                                struct err *err);

/* A problem by names, for json_decode_file and scheduling_file_table. */
struct scheduling_file_task {
    const char *name;
    struct opt_int duration;
    LIST(struct scheduling_quantile) quantiles;
    int64_t release, deadline;
    struct opt_int weight;
    LIST(const char *) after;
    LIST(struct json_number_pair) needs;
    int state; /* 0 = not said, else enum scheduling_state + 1 */
    struct opt_int start, planned;
};
struct scheduling_file {
    int64_t now;
    LIST(struct scheduling_resource) resources;
    LIST(struct scheduling_file_task) tasks;
};
extern const struct json_table scheduling_file_table;
/* ERR_INVALID names the field.  *ret_planned: starts of the plan in force, -1 where not said. */
enum err_code scheduling_from_file(const struct scheduling_file *file,
                                   struct scheduling_problem *out, int64_t **ret_planned,
                                   struct arena *arena, struct err *err);

/* PSPLIB's single-mode .sm and Patterson's .rcp; ERR_INVALID and ERR_TOO_LARGE name the line. Tasks
 * are in the order of the file, dummies included. */
enum err_code scheduling_parse_sm(const char *text, size_t len, struct scheduling_problem *out,
                                  struct arena *arena, struct err *err);
enum err_code scheduling_parse_rcp(const char *text, size_t len, struct scheduling_problem *out,
                                   struct arena *arena, struct err *err);

#endif
