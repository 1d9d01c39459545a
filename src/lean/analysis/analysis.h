/* analysis.h - engine: from timed task records to what the flow costs and where (精益分析).  Pure.
 * Definitions, sources, complexity, limits: README.md beside this file.
 *
 * Times are milliseconds since 1970; ANALYSIS_UNKNOWN where a record does not say. */
#ifndef SWAN_LEAN_ANALYSIS_ANALYSIS_H
#define SWAN_LEAN_ANALYSIS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define ANALYSIS_UNKNOWN INT64_MIN
#define ANALYSIS_NONE UINT32_MAX
#define ANALYSIS_MAX_RECORDS 20000000
#define ANALYSIS_LINE_MOST ((size_t)1 << 20) /* bytes of one line */

/* ---- records ---- */

enum analysis_outcome {
    ANALYSIS_SUCCEEDED, /* also when a record does not say */
    ANALYSIS_FAILED,
    ANALYSIS_UNDONE,
    ANALYSIS_SKIPPED,
};
enum analysis_value { /* to the customer */
                      ANALYSIS_VALUE_UNSAID,
                      ANALYSIS_VALUE_ADDED,
                      ANALYSIS_VALUE_NECESSARY,
                      ANALYSIS_VALUE_WASTE,
};

struct analysis_record { /* texts are numbers into analysis_log.texts; ANALYSIS_NONE = not said */
    uint32_t run, task, kind, site, actor, reason, error, key;
    uint32_t after, after_count; /* into analysis_log.after: records of the same run */
    uint32_t attempts;
    unsigned char outcome, value;
    float bytes_gib, cost_hour; /* 0 = not said */
    float asked, used;          /* amount of anything, such as vCPUs; used −1 = not said */
    int64_t queued, eligible, started, ended;
};

struct analysis_log {
    struct analysis_record *records; /* by run, in the order of the source within a run */
    size_t count;
    uint32_t *after;
    size_t after_count;
    const char **texts;
    size_t text_count;
    const uint32_t *run_begin; /* runs + 1: first record of each */
    uint32_t *run_name;        /* of each run, into texts */
    size_t runs;
    bool derived;         /* the source has no start times: the earliest possible are taken */
    size_t after_unknown; /* names of predecessors that no record of the run has: left out */
    uint32_t *bare;       /* Run records that came without their tasks, as in a list: their ids */
    size_t bare_count;
    struct analysis_memory *memory;
};

/* JSON lines (one task record each), or any number of JSON documents one after the other: Run
 * records as the API gives them, lists of them ([…] or {"items": […]}), WfCommons instances
 * (schema 1.3 to 1.6).  Which it is shows in the text.  Errors name the line.  May have no record,
 * but then has `bare` ones.  analysis_log_done frees it. */
enum err_code analysis_read(const char *text, size_t len, struct analysis_log *out,
                            struct err *err);
void analysis_log_done(struct analysis_log *log);

/* ---- measures ---- */

struct analysis_spread { /* seconds */
    int64_t count;
    double sum, mean, p50, p90, p99, most;
};

struct analysis_kind {
    uint32_t kind;
    struct analysis_spread duration, wait;
    int64_t first_pass;        /* tasks that succeeded at the first attempt */
    double complete_accurate;  /* %C&A as a share: first_pass / count */
    double critical_s;         /* of its time on critical paths (one longest chain of each run) */
    double retried_s;          /* of failed attempts, estimated: (attempts − 1) / attempts */
    enum analysis_value value; /* what its records say, or what the kind is known for */
};

enum analysis_cause {                /* of a wait */
                      ANALYSIS_SAID, /* by the record */
                      ANALYSIS_BUSY, /* whoever did it was at other work for at least half of the
                                        wait */
                      ANALYSIS_NOT_TAKEN,   /* he was not: nobody took the task up */
                      ANALYSIS_UNEXPLAINED, /* the record says neither a reason nor who did it */
                      ANALYSIS_CAUSES
};
extern const char *const analysis_cause_names[ANALYSIS_CAUSES];

struct analysis_reason { /* why tasks waited */
    uint32_t reason;     /* ANALYSIS_SAID: its words; BUSY: who (actor, else site); else NONE */
    enum analysis_cause cause;
    int64_t count;
    double seconds;
};

struct analysis_use { /* of an actor or a site */
    uint32_t name;
    int64_t tasks;
    double busy_s, utilisation; /* busy / period; above 1 where several ran at once */
};

enum analysis_waste_class { /* facts: seven wastes of software (Poppendieck), read for this platform
                             */
                            ANALYSIS_WAITING,
                            ANALYSIS_DEFECTS,
                            ANALYSIS_TRANSPORT,
                            ANALYSIS_INVENTORY,
                            ANALYSIS_REPEATED,
                            ANALYSIS_MOTION,
                            ANALYSIS_OVERPRODUCTION,
                            ANALYSIS_WASTES
};
extern const char *const analysis_waste_names[ANALYSIS_WASTES];

struct analysis_waste {
    bool known; /* false: the records do not hold what it is measured by */
    int64_t count;
    double seconds, money; /* money 0 without rates */
};

struct analysis_run { /* one flow */
    uint32_t name;
    int64_t begin, end; /* first queued or started; last ended */
    double lead_s, serial_s, critical_s;
    double value_s, waited_s; /* time in which at least one task added value; Σ of waits */
    int64_t tasks, failed;
    bool cyclic; /* its predecessors form a cycle: no critical path */
};

struct analysis_report {
    int64_t tasks, runs, incomplete, skewed; /* without start or end; ended before they started */
    int64_t begin, end;
    double period_s;
    struct analysis_spread lead, wait, duration;
    double serial_s, critical_s, lead_sum_s;
    double parallel_rate;    /* 1 − Σ lead / Σ serial, ≥ 0 */
    double speed_up;         /* Σ serial / Σ lead */
    double serial_rate;      /* Σ critical / Σ serial */
    double cycle_efficiency; /* PCE: Σ value-adding time / Σ lead */
    double activity;         /* Σ time with any task at work / Σ lead */
    double rolled_yield;     /* Π over kinds of %C&A */
    double clean_runs;       /* share of runs whose tasks all succeeded at the first attempt */
    double throughput_h, wip_mean, wip_law; /* runs an hour; measured; by Little's law */
    int64_t wip_most;
    double takt_s;                        /* available time / demand */
    LIST(struct analysis_kind) kinds;     /* by time, most first */
    LIST(struct analysis_reason) reasons; /* by seconds, most first */
    LIST(struct analysis_use) actors, sites;
    LIST(struct analysis_run) flows;
    struct analysis_waste wastes[ANALYSIS_WASTES];
    double cost; /* money of all work at the rates given */
    bool has_cost;
    unsigned char *cause; /* of each record: enum analysis_cause, where it waited */
};

struct analysis_parameters {
    double rate_hour;   /* money for an hour of work or waiting; 0 = only what records say */
    double available_s; /* working time of the period; 0 = the period */
    int64_t demand;     /* runs asked for in it; 0 = runs seen */
};

enum err_code analysis_measure(const struct analysis_log *log,
                               const struct analysis_parameters *parameters,
                               struct analysis_report *out, struct arena *arena, struct err *err);

/* Earliest and latest start of each task of a run by durations and predecessors; seconds from the
 * run's begin; slack = latest − earliest.  false when its predecessors form a cycle.  The three
 * arrays have one place per record of the run. */
bool analysis_slack(const struct analysis_log *log, size_t run, double *earliest, double *slack,
                    bool *critical);
/* One longest chain, the first where several are as long; `earliest` from analysis_slack.  Returns
 * its seconds. */
double analysis_chain(const struct analysis_log *log, size_t run, const double *earliest,
                      bool *chain);

/* One run, task by task. */
struct analysis_task {
    uint32_t record;
    double begin_s, duration_s; /* begin from the run's begin */
    double wait_s;              /* before the begin */
    enum analysis_cause cause;  /* when wait_s > 0 */
    uint32_t reason;            /* as in struct analysis_reason */
    double slack_s;
    bool critical; /* no slack */
    bool chain;    /* of the one longest chain that analysis_chain tells */
};
struct analysis_tasks {
    size_t run;
    int64_t begin;                    /* first queued or started */
    double seconds;                   /* to the last end */
    double chain_s;                   /* work on the longest chain */
    bool cyclic;                      /* slack is 0 everywhere, nothing is critical */
    size_t left_out;                  /* without start or end, or skewed */
    LIST(struct analysis_task) items; /* by begin */
};
void analysis_list(const struct analysis_log *log, const struct analysis_report *report, size_t run,
                   struct analysis_tasks *out, struct arena *arena);
/* The run of that name; the longest when NULL.  SIZE_MAX: there is none. */
size_t analysis_find_run(const struct analysis_log *log, const struct analysis_report *report,
                         const char *name);

/* ---- two periods ---- */

struct analysis_difference {
    const char *what; /* "lead time", or a kind */
    int64_t before_count, after_count;
    double before_p50, after_p50; /* seconds */
    double shift;                 /* Cliff's delta: −1 all shorter … 1 all longer */
    double p;                     /* two-sided Mann–Whitney, adjusted after Holm; NaN: too few */
    bool significant;             /* p < 0.05 */
};
struct analysis_comparison {
    LIST(struct analysis_difference) items;
};
/* Lead times of runs, and durations and waits of the kinds that both have. */
enum err_code analysis_compare(const struct analysis_log *before, const struct analysis_log *after,
                               struct analysis_comparison *out, struct arena *arena,
                               struct err *err);
/* Runs that began before the moment, and the others; both borrow from `log`. */
enum err_code analysis_split(const struct analysis_log *log, int64_t at,
                             struct analysis_log *before, struct analysis_log *after,
                             struct err *err);

/* ---- proposals ---- */

enum analysis_proposal_kind {
    ANALYSIS_UNNEEDED, /* drop a dependency that other runs did without */
    ANALYSIS_PACK,     /* like tasks at one site: set up once */
    ANALYSIS_EARLY,    /* begin moving things when the flow begins */
    ANALYSIS_PARALLEL, /* one more task at once */
    ANALYSIS_MEMOISE,  /* keep what a repeated task made */
    ANALYSIS_CACHE,    /* keep things near: moving them takes what the fastest tenth took */
    ANALYSIS_PROPOSALS
};
extern const char *const analysis_proposal_names[ANALYSIS_PROPOSALS];

struct analysis_proposal {
    enum analysis_proposal_kind kind;
    int64_t cases;     /* tasks or dependencies it would change, in the runs tried */
    int64_t runs;      /* of these, runs that would be shorter */
    double gain_s;     /* of a run's makespan, mean over the runs tried */
    double gain_share; /* of the makespan */
};
struct analysis_proposals {
    int64_t runs_tried;
    double base_s; /* mean makespan that the scheduler finds for them as they are */
    LIST(struct analysis_proposal) items; /* most gain first; those without gain are left out */
};
/* By scheduling up to 24 runs (of at most 500 tasks, spread over the log) as they are and as each
 * proposal would have them. */
enum err_code analysis_propose(const struct analysis_log *log, struct analysis_proposals *out,
                               struct arena *arena, struct err *err);

/* ---- faces ---- */
struct analysis_document { /* members after `report` may be NULL */
    const struct analysis_log *log;
    const struct analysis_report *report;
    const struct analysis_comparison *comparison;
    const struct analysis_proposals *proposals;
    const struct analysis_tasks *tasks;
};
void analysis_write(const struct analysis_document *document, struct buf *out);
/* SVG: a run's tasks over time, waits in front, critical path marked. */
void analysis_gantt(const struct analysis_log *log, const struct analysis_tasks *tasks,
                    bool chinese, struct buf *out);
/* SVG: the value stream, kinds in the order in which they begin, work and wait of each. */
void analysis_value_stream(const struct analysis_log *log, const struct analysis_report *report,
                           bool chinese, struct buf *out);

#endif
