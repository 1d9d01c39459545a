/* workflow_work.c - what a worker does with a leased task: check → apply → verify, or undo.
 *
 * Contract: no lock and no transaction is held while a provider is called.  Every attempt begins
 * with check, so what an attempt before it made (here, or on a server that died) is adopted, not
 * made again. The fault points stand at every place where a death is different from the one before.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define PROGRESS_EVERY_MS 300
#define VERIFY_PAUSE_FIRST_MS 20
#define VERIFY_PAUSE_MOST_MS 400 /* while a worker stays with it */
#define VERIFY_STAY_MS 1000      /* then the task is parked and the worker free for others */
#define VERIFY_PARK_FIRST_MS 500
#define VERIFY_PARK_MOST_MS 5000

/* ---- what a provider may ask back ---- */

static bool is_over(struct workflow_job *job)
{
    return atomic_load(&job->lost) || atomic_load(&job->workflow->hard_stop) ||
           clock_mono_ms() > atomic_load(&job->deadline);
}

static bool cancelled(void *ctx)
{
    struct workflow_job *job = ctx;
    return is_over(job) || (atomic_load(&job->cancel) && !atomic_load(&job->undoing));
}

static void progressed(void *ctx, double share)
{
    struct workflow_job *job = ctx;
    int64_t now = clock_mono_ms();
    if (now - job->told_at < PROGRESS_EVERY_MS || !(share >= 0 && share <= 1))
        return;
    job->told_at = now;
    workflow_step_progress(job, share);
}

struct work {
    struct workflow_job *job;
    const struct plan_task *task;
    const struct provider_ops *ops;
    struct provider_call call;
    struct arena arena;
};

static bool is_stopping(struct work *work)
{
    struct workflow *workflow = work->job->workflow;
    pthread_mutex_lock(&workflow->lock);
    bool stopping = workflow->stopping;
    pthread_mutex_unlock(&workflow->lock);
    return stopping;
}

/* ---- journal ---- */

/* Journals and tells what comes next; MODE_NONE when the job is over, for whatever reason. */
static enum workflow_mode journal(struct work *work, struct workflow_step *step)
{
    struct err err = ERR_INIT;
    step->job = work->job;
    enum err_code rc = workflow_step_journal(step, &err);
    if (!rc)
        return step->mode;
    if (rc == ERR_PRECONDITION || rc == ERR_NOT_FOUND) {
        log_event(LOG_INFO, "workflow", "task is somebody else's now", "run", work->job->run_id,
                  "task", work->task->id, "why", err.text, NULL);
        return MODE_NONE;
    }
    workflow_step_release(work->job);
    return MODE_NONE;
}

static void fail(struct work *work, const struct err *cause, bool final)
{
    /* A call that was cut short because this server stops or lost the task says nothing about it.
     */
    if (is_over(work->job) || (cause->code == ERR_CANCELLED && is_stopping(work))) {
        workflow_step_release(work->job);
        return;
    }
    struct err err = *cause;
    if (err.code == ERR_CANCELLED && !atomic_load(&work->job->cancel))
        err.code = ERR_TRANSIENT; /* nobody asked for it: the provider's own trouble */
    struct workflow_step step = {.kind = STEP_FAIL, .cause = &err, .final = final};
    journal(work, &step);
}

/* ---- check, apply ---- */

/* ERR_OK with *ret_there: made before, and as it should be. */
static enum err_code look(struct work *work, bool *ret_there, struct plan_task_result *out,
                          struct err *err)
{
    enum provider_presence presence = PROVIDER_ABSENT_THING;
    enum err_code rc = work->ops->check(&work->call, &presence, out, &work->arena, err);
    if (rc)
        return rc;
    if (presence == PROVIDER_UNKNOWN)
        return err_set(err, ERR_TRANSIENT, "provider '%s' could not be asked about '%s'",
                       work->ops->name, work->task->spec.name);
    *ret_there = presence == PROVIDER_PRESENT;
    return ERR_OK;
}

static enum err_code check_and_apply(struct work *work, struct plan_task_result *out,
                                     struct err *err)
{
    bool there = false;
    enum err_code rc = FAULT_POINT("workflow.before_do", err);
    /* A check makes nothing: all of it is verify, which is asked again until it is true. */
    if (work->task->kind == TASK_CHECK)
        there = true;
    else if (!rc)
        rc = look(work, &there, out, err);
    if (rc)
        return rc;
    if (!there) {
        *out = (struct plan_task_result){0};
        if ((rc = work->ops->apply(&work->call, out, &work->arena, err)))
            return rc;
    }
    out->simulated = out->simulated || work->ops->simulated;
    return FAULT_POINT("workflow.after_do", err);
}

static enum err_code find_provider(struct work *work, struct err *err)
{
    const struct plan_task *task = work->task;
    const struct workflow_options *options = &work->job->workflow->options;
    work->ops = provider_find(options->providers, task->provider);
    if (!work->ops)
        return err_set(err, ERR_UNSUPPORTED, "no provider here is named '%s'", task->provider);
    if (!provider_does(work->ops, task->kind))
        return err_set(err, ERR_UNSUPPORTED, "provider '%s' does not do %s", task->provider,
                       json_enum_name(plan_task_kind_names, task->kind));
    return ERR_OK;
}

/* ---- verify ---- */

/* Asks until it works, or for VERIFY_STAY_MS.  ERR_TRANSIENT and its kin: not yet. */
static enum err_code ask(struct work *work, struct plan_task_result *out, struct err *err)
{
    int64_t until = clock_mono_ms() + VERIFY_STAY_MS, pause = VERIFY_PAUSE_FIRST_MS;
    for (;;) {
        enum err_code rc = FAULT_POINT("workflow.before_verify", err);
        if (!rc)
            rc = work->ops->verify(&work->call, out, &work->arena, err);
        if (!workflow_may_pass(rc) || clock_mono_ms() + pause > until || cancelled(work->job) ||
            is_stopping(work))
            return rc;
        clock_sleep_ms(pause);
        pause = pause * 2 < VERIFY_PAUSE_MOST_MS ? pause * 2 : VERIFY_PAUSE_MOST_MS;
        *out = (struct plan_task_result){0};
    }
}

static void verify(struct work *work, int64_t since)
{
    struct err err = ERR_INIT;
    struct plan_task_result result = {0};
    enum err_code rc = ask(work, &result, &err);
    if (is_over(work->job)) {
        workflow_step_release(work->job);
        return;
    }
    if (!rc) {
        struct workflow_step step = {.kind = STEP_VERIFIED, .result = &result};
        journal(work, &step);
        return;
    }
    if (!workflow_may_pass(rc)) {
        fail(work, &err, true);
        return;
    }
    int64_t waited = clock_now_ms() - since;
    if (waited >= work->job->workflow->options.verify_timeout_ms) {
        struct err late = ERR_INIT;
        err_set(&late, ERR_TIMEOUT, "does not work after %lld s: %s", (long long)(waited / 1000),
                err.text);
        err_hint(&late, "%s", err.hint[0] ? err.hint : "see the log of the instance");
        fail(work, &late, true);
        return;
    }
    /* A quarter of the time waited so far: few questions, and little lost when it comes up. */
    int64_t pause = waited / 4;
    pause = pause < VERIFY_PARK_FIRST_MS  ? VERIFY_PARK_FIRST_MS
            : pause > VERIFY_PARK_MOST_MS ? VERIFY_PARK_MOST_MS
                                          : pause;
    struct workflow_step step = {.kind = STEP_PARK, .cause = &err, .pause_ms = pause};
    journal(work, &step);
}

/* ---- the three ways ---- */

static void make(struct work *work)
{
    struct err err = ERR_INIT;
    struct plan_task_result result = {0};
    if (find_provider(work, &err)) {
        fail(work, &err, true);
        return;
    }
    if (check_and_apply(work, &result, &err)) {
        fail(work, &err, false);
        return;
    }
    struct workflow_step step = {.kind = STEP_DONE, .result = &result};
    if (journal(work, &step) != MODE_VERIFY)
        return;
    if (FAULT_POINT("workflow.after_done", &err) || is_stopping(work)) {
        workflow_step_release(work->job);
        return;
    }
    verify(work, step.verify_since);
}

static void undo(struct work *work)
{
    struct err err = ERR_INIT;
    atomic_store(&work->job->undoing, true);
    enum err_code rc = find_provider(work, &err);
    if (!rc && !(rc = FAULT_POINT("workflow.before_undo", &err)) &&
        !(rc = work->ops->undo(&work->call, &work->arena, &err)))
        rc = FAULT_POINT("workflow.during_undo", &err);
    if (is_over(work->job) || (rc == ERR_CANCELLED && is_stopping(work))) {
        workflow_step_release(work->job);
        return;
    }
    if (rc == ERR_CANCELLED)
        err.code =
            ERR_TRANSIENT; /* an undo is not cancelled by anybody: the provider's own trouble */
    struct workflow_step step = {.kind = rc ? STEP_UNDO_FAIL : STEP_UNDONE, .cause = &err};
    journal(work, &step);
    FAULT_POINT("workflow.after_undo", &err);
}

void workflow_work(struct workflow_job *job)
{
    struct workflow *workflow = job->workflow;
    struct err err = ERR_INIT;
    if (workflow_plans_get(workflow->plans, workflow->options.store, job->run_id, &job->plan,
                           &err)) {
        log_error("workflow", "plan of a run", &err);
        workflow_step_release(job);
        return;
    }
    if (job->ordinal < job->plan->plan.tasks.count) {
        struct work work = {.job = job, .task = &job->plan->plan.tasks.items[job->ordinal]};
        work.call = (struct provider_call){.endpoint = work.task->endpoint,
                                           .spec = &work.task->spec,
                                           .kind = work.task->kind,
                                           .host = workflow->options.host,
                                           .cancel = cancelled,
                                           .progress = progressed,
                                           .ctx = job};
        struct workflow_step step = {.kind = STEP_BEGIN};
        switch (journal(&work, &step)) {
        case MODE_DO:
            make(&work);
            break;
        case MODE_VERIFY:
            if (find_provider(&work, &err))
                fail(&work, &err, true);
            else
                verify(&work, step.verify_since);
            break;
        case MODE_UNDO:
            undo(&work);
            break;
        case MODE_NONE:
            break;
        }
        arena_done(&work.arena);
    }
    workflow_plans_put(workflow->plans, job->plan);
}
