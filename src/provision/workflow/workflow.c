/* workflow.c - the threads: one keeper, one follower, the workers.
 *
 *   keeper    renews leases, settles runs that wait for a decision, takes tasks for idle workers.
 * Sleeps until it is signalled (a worker became idle, the journal grew, workflow_wake) or something
 * is due. follower  sleeps in store_follow and signals the keeper, so that what another server did
 * is seen here. workers   take a job from the queue and carry it as far as it goes.
 *
 * Contract: `lock` guards queue, list of active jobs and flags, and is never held while the store
 * or a provider is called.  With nothing to do the threads sleep: the keeper looks every
 * KEEPER_MOST_MS, the follower's wait ends every FOLLOW_MS. */
#include "provision/workflow/workflow.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define WORKERS_DEFAULT 8
#define WORKERS_MOST 256
#define LEASE_DEFAULT_MS 10000
#define LEASE_LEAST_MS 200
#define ATTEMPTS_DEFAULT 5
#define BACKOFF_DEFAULT_MS 500
#define VERIFY_DEFAULT_MS 60000
#define KEEPER_MOST_MS 5000
#define KEEPER_LEAST_MS 5     /* between two looks: many commits in a row are one piece of news */
#define BLOCKED_MS 1000       /* tasks are due, but their sites or our workers are full */
#define KEEPER_TROUBLE_MS 250 /* after the store failed */
#define FOLLOW_MS 2000
#define STOP_GRACE_MS 5000

/* ---- small services of the other parts ---- */

void workflow_signal_keeper(struct workflow *workflow)
{
    pthread_mutex_lock(&workflow->lock);
    workflow->signalled = true;
    pthread_cond_signal(&workflow->keeper_cond);
    pthread_mutex_unlock(&workflow->lock);
}

void workflow_tell_run(struct workflow *workflow, const char *run_id)
{
    pthread_mutex_lock(&workflow->lock);
    for (struct workflow_job *job = workflow->active; job; job = job->next_active)
        if (str_eq(job->run_id, run_id))
            atomic_store(&job->cancel, true);
    pthread_mutex_unlock(&workflow->lock);
}

void workflow_count(struct workflow *workflow, const struct workflow_tally *tally)
{
    atomic_fetch_add(&workflow->succeeded, tally->succeeded);
    atomic_fetch_add(&workflow->failed, tally->failed);
    atomic_fetch_add(&workflow->retried, tally->retried);
    atomic_fetch_add(&workflow->undone, tally->undone);
}

/* ---- workers ---- */

static void forget(struct workflow *workflow, struct workflow_job *job)
{
    for (struct workflow_job **at = &workflow->active; *at; at = &(*at)->next_active)
        if (*at == job) {
            *at = job->next_active;
            return;
        }
}

static void *worker_main(void *arg)
{
    struct workflow *workflow = arg;
    pthread_mutex_lock(&workflow->lock);
    for (;;) {
        while (!workflow->queue && !workflow->stopping)
            pthread_cond_wait(&workflow->worker_cond, &workflow->lock);
        struct workflow_job *job = workflow->queue;
        if (!job)
            break;
        workflow->queue = job->next;
        if (!workflow->queue)
            workflow->queue_end = &workflow->queue;
        bool stopping = workflow->stopping;
        pthread_mutex_unlock(&workflow->lock);
        if (stopping)
            workflow_step_release(job);
        else
            workflow_work(job);
        pthread_mutex_lock(&workflow->lock);
        forget(workflow, job);
        workflow_job_free(job);
        workflow->idle++;
        workflow->signalled = true;
        pthread_cond_signal(&workflow->keeper_cond);
    }
    pthread_mutex_unlock(&workflow->lock);
    return NULL;
}

/* ---- keeper ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void sleep_keeper(struct workflow *workflow, int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&workflow->lock);
    while (!workflow->signalled && !workflow->stopping &&
           pthread_cond_timedwait(&workflow->keeper_cond, &workflow->lock, &at) == 0)
        ;
    workflow->signalled = false;
    pthread_mutex_unlock(&workflow->lock);
}

/* Returns what could not be queued because the workers are going home. */
static struct workflow_job *enqueue(struct workflow *workflow, struct workflow_job *jobs)
{
    pthread_mutex_lock(&workflow->lock);
    while (jobs && !workflow->stopping) {
        struct workflow_job *job = jobs;
        jobs = job->next;
        job->next = NULL;
        *workflow->queue_end = job;
        workflow->queue_end = &job->next;
        job->next_active = workflow->active;
        workflow->active = job;
        workflow->idle--;
    }
    pthread_cond_broadcast(&workflow->worker_cond);
    pthread_mutex_unlock(&workflow->lock);
    return jobs;
}

/* One look at the store.  *ret_due: milliseconds until the next is needed at the latest. */
static enum err_code keep(struct workflow *workflow, int64_t *ret_due, struct err *err)
{
    struct workflow_job *jobs = NULL;
    int64_t due;
    enum err_code rc = workflow_lease_attend(workflow, &due, err);
    if (rc)
        return rc;
    int64_t now = clock_now_ms();
    *ret_due = due == INT64_MAX ? KEEPER_MOST_MS : due - now;
    if (*ret_due > 0)
        return ERR_OK;
    /* Due now.  If nothing can be taken, a worker or a site must become free first: that is news.
     */
    *ret_due = BLOCKED_MS;
    pthread_mutex_lock(&workflow->lock);
    int idle = workflow->stopping ? 0 : workflow->idle;
    pthread_mutex_unlock(&workflow->lock);
    if (idle <= 0)
        return ERR_OK;
    if ((rc = workflow_lease_take(workflow, idle, &jobs, err)))
        return rc;
    if (jobs)
        *ret_due = 0; /* there may be more, at other sites */
    jobs = enqueue(workflow, jobs);
    while (jobs) {
        struct workflow_job *job = jobs;
        jobs = job->next;
        workflow_step_release(job);
        workflow_job_free(job);
    }
    return ERR_OK;
}

static bool is_stopping(struct workflow *workflow)
{
    pthread_mutex_lock(&workflow->lock);
    bool stopping = workflow->stopping && !workflow->active;
    pthread_mutex_unlock(&workflow->lock);
    return stopping;
}

static void *keeper_main(void *arg)
{
    struct workflow *workflow = arg;
    int64_t renew_every = workflow->options.lease_ms / 3;
    int64_t renew_at = clock_mono_ms() + renew_every;
    bool in_trouble = false;
    while (!is_stopping(workflow)) {
        struct err err = ERR_INIT;
        int64_t due = KEEPER_MOST_MS;
        enum err_code rc = ERR_OK;
        if (clock_mono_ms() >= renew_at && !(rc = workflow_lease_renew(workflow, &err)))
            renew_at = clock_mono_ms() + renew_every;
        if (!rc)
            rc = keep(workflow, &due, &err);
        if (rc && !in_trouble)
            log_error("workflow", "the store does not answer the keeper", &err);
        if (!rc && in_trouble)
            log_event(LOG_INFO, "workflow", "the store answers the keeper again", NULL);
        in_trouble = rc != ERR_OK;
        if (rc)
            due = KEEPER_TROUBLE_MS;
        int64_t renew_in = renew_at - clock_mono_ms();
        pthread_mutex_lock(&workflow->lock);
        bool busy = workflow->active != NULL;
        pthread_mutex_unlock(&workflow->lock);
        if (busy && !rc)
            due = least(due, renew_in > 0 ? renew_in : 0);
        sleep_keeper(workflow, due);
        clock_sleep_ms(rc ? KEEPER_TROUBLE_MS / 4 : KEEPER_LEAST_MS);
    }
    return NULL;
}

/* ---- follower ---- */

static void *follower_main(void *arg)
{
    struct workflow *workflow = arg;
    struct store *store = workflow->options.store;
    int64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&workflow->lock);
        bool stopping = workflow->stopping;
        pthread_mutex_unlock(&workflow->lock);
        if (stopping) {
            atomic_store(&workflow->follower_ended, true);
            return NULL;
        }
        struct store_tx *tx = NULL;
        int64_t position = seen;
        enum err_code rc = store_follow(store, seen, FOLLOW_MS, NULL);
        if (!rc && !(rc = store_begin(store, STORE_READ, &tx, NULL)))
            rc = store_position(tx, &position, NULL);
        store_rollback(tx);
        if (rc) {
            clock_sleep_ms(KEEPER_TROUBLE_MS); /* the keeper says so */
        } else if (position != seen) {
            seen = position;
            workflow_signal_keeper(workflow);
        }
        clock_sleep_ms(KEEPER_LEAST_MS);
    }
}

/* ---- start and stop ---- */

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void fill_defaults(struct workflow_options *options)
{
    if (options->workers <= 0)
        options->workers = WORKERS_DEFAULT;
    if (options->workers > WORKERS_MOST)
        options->workers = WORKERS_MOST;
    if (options->lease_ms <= 0)
        options->lease_ms = LEASE_DEFAULT_MS;
    if (options->lease_ms < LEASE_LEAST_MS)
        options->lease_ms = LEASE_LEAST_MS;
    if (options->max_attempts <= 0)
        options->max_attempts = ATTEMPTS_DEFAULT;
    if (options->backoff_ms <= 0)
        options->backoff_ms = BACKOFF_DEFAULT_MS;
    if (options->verify_timeout_ms <= 0)
        options->verify_timeout_ms = VERIFY_DEFAULT_MS;
}

static void free_workflow(struct workflow *workflow)
{
    workflow_plans_free(workflow->plans);
    pthread_cond_destroy(&workflow->keeper_cond);
    pthread_cond_destroy(&workflow->worker_cond);
    pthread_mutex_destroy(&workflow->lock);
    mem_free(workflow->workers);
    mem_free(workflow->instance);
    mem_free(workflow);
}

/* Ends the threads that were started. */
static void end_threads(struct workflow *workflow, bool keeper, bool follower)
{
    pthread_mutex_lock(&workflow->lock);
    workflow->stopping = true;
    pthread_cond_broadcast(&workflow->worker_cond);
    pthread_cond_broadcast(&workflow->keeper_cond);
    pthread_mutex_unlock(&workflow->lock);
    int64_t until = clock_mono_ms() + STOP_GRACE_MS;
    for (bool busy = true; busy;) {
        pthread_mutex_lock(&workflow->lock);
        busy = workflow->active != NULL;
        pthread_mutex_unlock(&workflow->lock);
        if (busy && clock_mono_ms() > until)
            atomic_store(&workflow->hard_stop, true);
        if (busy)
            clock_sleep_ms(KEEPER_LEAST_MS);
    }
    for (int i = 0; i < workflow->worker_count; i++)
        pthread_join(workflow->workers[i], NULL);
    if (keeper) {
        workflow_signal_keeper(workflow);
        pthread_join(workflow->keeper, NULL);
    }
    /* A wake that comes just before it goes to sleep is lost, so it is repeated. */
    while (follower && !atomic_load(&workflow->follower_ended)) {
        store_wake(workflow->options.store);
        clock_sleep_ms(1);
    }
    if (follower)
        pthread_join(workflow->follower, NULL);
}

enum err_code workflow_start(const struct workflow_options *options, struct workflow **out,
                             struct err *err)
{
    if (!options->store || !options->providers || !options->instance || !options->instance[0])
        return err_set(err, ERR_INVALID, "a workflow needs a store, providers and a name");
    struct workflow *workflow = mem_zalloc(sizeof *workflow);
    workflow->options = *options;
    fill_defaults(&workflow->options);
    workflow->instance = mem_strdup(options->instance);
    workflow->options.instance = workflow->instance;
    workflow->plans = workflow_plans_new();
    workflow->queue_end = &workflow->queue;
    pthread_mutex_init(&workflow->lock, NULL);
    init_cond(&workflow->keeper_cond);
    init_cond(&workflow->worker_cond);
    /* What this instance held when it died is its own again at once: it does not work on it any
     * more. */
    enum err_code rc = workflow_lease_release(workflow, err);
    if (rc) {
        free_workflow(workflow);
        return rc;
    }
    int wanted = workflow->options.workers;
    workflow->workers = mem_array((size_t)wanted, sizeof *workflow->workers);
    int failed = 0;
    while (!failed && workflow->worker_count < wanted) {
        failed =
            pthread_create(&workflow->workers[workflow->worker_count], NULL, worker_main, workflow);
        workflow->worker_count += !failed;
    }
    workflow->idle = workflow->worker_count;
    bool follower =
        !failed && !(failed = pthread_create(&workflow->follower, NULL, follower_main, workflow));
    bool keeper =
        !failed && !(failed = pthread_create(&workflow->keeper, NULL, keeper_main, workflow));
    if (failed) {
        end_threads(workflow, keeper, follower);
        free_workflow(workflow);
        return err_errno(err, failed, "threads of the workflow");
    }
    *out = workflow;
    return ERR_OK;
}

void workflow_stop(struct workflow *workflow)
{
    if (!workflow)
        return;
    end_threads(workflow, true, true);
    struct err err = ERR_INIT;
    if (workflow_lease_release(workflow, &err))
        log_error("workflow", "giving leases back", &err);
    free_workflow(workflow);
}

void workflow_wake(struct workflow *workflow)
{
    workflow_signal_keeper(workflow);
}

void workflow_figures(const struct workflow *workflow, struct workflow_figures *out)
{
    struct workflow *w = (struct workflow *)(uintptr_t)workflow;
    int64_t active = 0;
    pthread_mutex_lock(&w->lock);
    for (struct workflow_job *job = w->active; job; job = job->next_active)
        active++;
    pthread_mutex_unlock(&w->lock);
    *out = (struct workflow_figures){.runs_active = atomic_load(&w->runs_active),
                                     .tasks_active = active,
                                     .tasks_succeeded = atomic_load(&w->succeeded),
                                     .tasks_failed = atomic_load(&w->failed),
                                     .tasks_retried = atomic_load(&w->retried),
                                     .tasks_undone = atomic_load(&w->undone),
                                     .leases_taken_over = atomic_load(&w->taken_over)};
}
