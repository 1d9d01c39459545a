/* workflow_priv.h - the parts of the workflow: state machines, the rows of a run in one
 * transaction, decisions about it, the steps of one task, the threads. */
#ifndef SWAN_WORKFLOW_PRIV_H
#define SWAN_WORKFLOW_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provision/workflow/workflow.h"

/* ---- state machines: workflow_states.c ---- */
enum workflow_event {
    EVENT_ABSENT,
    EVENT_READY,    /* nothing stands before the task any more */
    EVENT_DO,       /* a worker begins an attempt */
    EVENT_DONE,     /* the provider made it */
    EVENT_VERIFIED, /* it works */
    EVENT_RETRY,    /* the attempt failed in a way that may pass */
    EVENT_FAIL,     /* … for good; also an undo that failed for good */
    EVENT_SKIP,     /* never begun, and not needed any more */
    EVENT_UNDO,     /* what the task made, or may have made, must go */
    EVENT_UNDONE,   /* it is gone, or there was nothing */
    /* of runs */
    EVENT_START,
    EVENT_SUCCEED,
    EVENT_LEAVE, /* something is left that should not be */
    EVENT_CANCEL
};
struct workflow_rule {
    int state, event, next;
};
extern const struct workflow_rule workflow_task_rules[], workflow_run_rules[];
extern const size_t workflow_task_rule_count, workflow_run_rule_count;
int workflow_next_task_state(int state, int event); /* 0 when the table does not admit it */
int workflow_next_run_state(int state, int event);
bool workflow_run_has_ended(int state);

/* Does another attempt have a chance?  transient, timeout, rate, io. */
bool workflow_may_pass(enum err_code code);
/* Pause before the attempt after `attempt` failures: base × 2^(attempt-1), at most 60 × base, times
 * a random share between a half and one. */
int64_t workflow_backoff_ms(int64_t base_ms, int64_t attempt, double random);

/* ---- a plan, decoded once, shared and immutable: workflow_plan.c ---- */
struct workflow_links { /* those of task i: next[first[i]] … next[first[i+1]-1] */
    size_t *first, *next;
};
struct workflow_plan {
    struct plan plan;
    struct workflow_links before, after;
    bool remove;
};
/* ERR_INVALID: two tasks of one id, an unknown id in `after`, or tasks that are not in topological
 * order (so a circle too). */
enum err_code workflow_plan_link(struct workflow_plan *plan, struct arena *arena, struct err *err);
enum err_code workflow_plan_read(struct store_tx *tx, const char *run_id, struct workflow_plan *out,
                                 struct arena *arena, struct err *err);

/* Plans in use by this process. */
struct workflow_plans;
struct workflow_plans *workflow_plans_new(void);
void workflow_plans_free(struct workflow_plans *plans);
/* Reads it if it is not there; give back with put. */
enum err_code workflow_plans_get(struct workflow_plans *plans, struct store *store,
                                 const char *run_id, const struct workflow_plan **out,
                                 struct err *err);
void workflow_plans_put(struct workflow_plans *plans, const struct workflow_plan *plan);

/* ---- one run inside one transaction: workflow_change.c ---- */
struct workflow_row {
    size_t ordinal;
    int state;   /* enum run_task_state */
    bool ready;  /* a worker may take it when not_before has come and no lease is on it */
    bool made;   /* something of it may exist */
    bool failed; /* failed for good at least once: counts in tasks_failed */
    bool left;   /* its undo failed: it exists and should not */
    int64_t not_before;
    int64_t undo_attempts;
    int64_t verify_since;
    const char *lease_owner;
    int64_t lease_until, lease_epoch;
    double progress;       /* what the provider last said */
    struct run_task *task; /* decoded on first use */
};
enum workflow_lease { LEASE_KEEP, LEASE_RELEASE, LEASE_REVOKE };

struct workflow_tally {
    int64_t succeeded, failed, retried, undone;
};

struct workflow_change {
    /* filled by the caller */
    const struct workflow_options *options; /* NULL where only reading */
    struct store_tx *tx;
    const struct workflow_plan *plan;
    const char *run_id;
    struct arena *arena;
    int64_t now;
    /* filled by load */
    struct run_spec spec;
    struct run_status status;
    const char *tenant;
    bool cancel; /* asked */
    struct workflow_row *rows;
    size_t count;
    /* what has been decided */
    bool summary_changed;
    const char *run_event; /* the strongest */
    bool ended;
    bool undoing; /* began now: others of the run are to be told */
    struct workflow_tally tally;
};
/* Locks the run until the transaction ends. */
enum err_code workflow_change_load(struct workflow_change *change, struct err *err);
enum err_code workflow_change_task(struct workflow_change *change, struct workflow_row *row,
                                   struct run_task **out, struct err *err);
enum err_code workflow_change_move(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_event event, struct err *err);
enum err_code workflow_change_move_run(struct workflow_change *change, enum workflow_event event,
                                       const char *name, struct err *err);
/* Writes the row; journals `event` with it unless that is NULL. */
enum err_code workflow_change_save(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_lease lease, const char *event, struct err *err);
/* save, and the hook for a task that ended. */
enum err_code workflow_change_end_task(struct workflow_change *change, struct workflow_row *row,
                                       enum workflow_lease lease, const char *event,
                                       struct err *err);
/* Writes what has changed of the run itself; last in a transaction. */
enum err_code workflow_change_finish(struct workflow_change *change, struct err *err);
/* All tasks of the run decoded into status.tasks. */
enum err_code workflow_change_gather(struct workflow_change *change, struct err *err);

/* ---- decisions: workflow_settle.c ---- */
/* Looks at the whole run and draws what follows: tasks that become eligible, the undo of a failed
 * or cancelled run, the end.  Idempotent. */
enum err_code workflow_settle(struct workflow_change *change, struct err *err);
/* What the task made must go, when its turn comes. */
enum err_code workflow_settle_undo(struct workflow_change *change, struct workflow_row *row,
                                   enum workflow_lease lease, struct err *err);

/* ---- words and figures: workflow_view.c ---- */
const char *workflow_wait_reason(const struct workflow_change *change,
                                 const struct workflow_row *row, int64_t site_tasks);
/* progress, eta_s and counters of status. */
void workflow_summarise(struct workflow_change *change);

/* ---- the threads: workflow.c, workflow_lease.c ---- */
struct workflow_job { /* one leased task */
    struct workflow *workflow;
    struct workflow_job *next;        /* in the queue */
    struct workflow_job *next_active; /* among all */
    char *run_id;
    size_t ordinal;
    int64_t epoch;
    const struct workflow_plan *plan; /* by the worker */
    atomic_bool cancel;               /* the run is being undone */
    atomic_bool lost;                 /* the lease is somebody else's */
    atomic_bool undoing;              /* under undo, which no cancel stops */
    _Atomic int64_t deadline;         /* monotonic end of the lease */
    int64_t told_at;                  /* monotonic time of the last progress event */
};

struct workflow {
    struct workflow_options options; /* with defaults filled in */
    char *instance;
    struct workflow_plans *plans;
    pthread_mutex_t lock; /* of everything below; never held across I/O */
    pthread_cond_t keeper_cond, worker_cond;
    bool stopping, signalled;
    struct workflow_job *queue, **queue_end, *active;
    int idle; /* workers that wait, less queued jobs */
    atomic_bool hard_stop, follower_ended;
    pthread_t keeper, follower, *workers;
    int worker_count;
    _Atomic int64_t runs_active, tasks_active, succeeded, failed, retried, undone, taken_over;
};

void workflow_signal_keeper(struct workflow *workflow);
/* Tells the jobs of that run here that it is being undone. */
void workflow_tell_run(struct workflow *workflow, const char *run_id);
void workflow_count(struct workflow *workflow, const struct workflow_tally *tally);
/* Takes up to `wanted` tasks under lease. */
enum err_code workflow_lease_take(struct workflow *workflow, int wanted, struct workflow_job **out,
                                  struct err *err);
enum err_code workflow_lease_renew(struct workflow *workflow, struct err *err);
/* Settles runs that wait for a decision, hears what has been decided elsewhere.  *ret_due: wall
 * time at which a task that we do not hold is due; INT64_MAX = none. */
enum err_code workflow_lease_attend(struct workflow *workflow, int64_t *ret_due, struct err *err);
/* Gives back what this instance name holds, from before or now. */
enum err_code workflow_lease_release(struct workflow *workflow, struct err *err);
void workflow_job_free(struct workflow_job *job);

/* ---- one task: workflow_step.c (journal), workflow_work.c (provider) ---- */
enum workflow_mode { MODE_NONE, MODE_DO, MODE_VERIFY, MODE_UNDO };
enum workflow_step_kind {
    STEP_BEGIN,
    STEP_DONE,
    STEP_VERIFIED,
    STEP_PARK,
    STEP_FAIL,
    STEP_UNDONE,
    STEP_UNDO_FAIL
};
struct workflow_step {
    struct workflow_job *job;
    enum workflow_step_kind kind;
    const struct err *cause;               /* PARK, FAIL, UNDO_FAIL */
    const struct plan_task_result *result; /* DONE, VERIFIED */
    int64_t pause_ms;                      /* PARK */
    bool final;                            /* FAIL: no further attempt, whatever the cause */
    /* out */
    enum workflow_mode mode;
    int64_t verify_since;
};
/* Journals the step, trying again while the store fails and the lease holds.  An error = the job is
 * to be dropped: somebody else has it, or will. */
enum err_code workflow_step_journal(struct workflow_step *step, struct err *err);
/* Stores and journals how far the provider is; nothing depends on it, so a failure is let go. */
void workflow_step_progress(struct workflow_job *job, double share);
/* Gives the lease back without a change of state. */
void workflow_step_release(struct workflow_job *job);
/* Carries the job as far as it goes. */
void workflow_work(struct workflow_job *job);

#endif
