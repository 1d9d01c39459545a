/* workflow_lease.c - who works on what: taking, renewing and giving back leases, and looking after
 * runs that wait for a decision.
 *
 * Contract: a lease is (owner, epoch, until) on one task; taking one raises the epoch.  Rows are
 * picked with SKIP LOCKED, so servers do not wait for each other; then the site's row is locked and
 * its tasks are counted again, so that the limit of a site holds over all servers.  Sites are
 * locked in order of name. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define ATTEND_MOST 64 /* runs looked after in one round */

/* ---- taking ---- */

/* How long we may count on a lease: less than the others do, for what the commit itself takes. */
static int64_t own_lease_ms(const struct workflow *workflow)
{
    return workflow->options.lease_ms - workflow->options.lease_ms / 10;
}

struct candidate {
    const char *run_id, *site;
    size_t ordinal;
};

struct take {
    struct workflow *workflow;
    int wanted;
    struct arena *arena;
    /* out */
    struct workflow_job *jobs;
    int64_t taken_over;
};

void workflow_job_free(struct workflow_job *job)
{
    mem_free(job->run_id);
    mem_free(job);
}

static void free_jobs(struct workflow_job **jobs)
{
    while (*jobs) {
        struct workflow_job *job = *jobs;
        *jobs = job->next;
        workflow_job_free(job);
    }
}

static int by_site(const void *a, const void *b)
{
    return strcmp(((const struct candidate *)a)->site, ((const struct candidate *)b)->site);
}

/* Tasks under way at the site, counted under the lock of its row. */
static enum err_code count_site(struct store_tx *tx, const char *site, int64_t now, int64_t *out,
                                struct arena *arena, struct err *err)
{
    const struct store_value args[] = {STORE_V_TEXT(site), STORE_V_INT(now)};
    struct store_rows rows;
    enum err_code rc = store_exec(
        tx, "UPDATE workflow_sites SET touched = touched + 1 WHERE site = $1", args, 1, NULL, err);
    if (rc || (rc = store_query(tx,
                                "SELECT COUNT(*) FROM workflow_tasks"
                                " WHERE site = $1 AND lease_until > $2",
                                args, ARRAY_LEN(args), 1, &rows, arena, err)))
        return rc;
    *out = store_cell(&rows, 0, 0)->integer;
    return ERR_OK;
}

/* Puts the lease on one candidate, unless somebody was faster. */
static enum err_code take_one(struct take *take, struct store_tx *tx, const struct candidate *c,
                              int64_t now, bool *ret_taken, struct err *err)
{
    struct workflow *workflow = take->workflow;
    const char *sql = arena_printf(
        take->arena,
        "SELECT lease_owner, lease_epoch FROM workflow_tasks WHERE run_id = $1 AND ordinal = $2"
        " AND ready = 1 AND not_before <= $3 AND lease_until <= $3%s",
        store_skip_locked(workflow->options.store));
    int64_t until = now + workflow->options.lease_ms;
    const struct store_value args[] = {STORE_V_TEXT(c->run_id), STORE_V_INT((int64_t)c->ordinal),
                                       STORE_V_INT(now), STORE_V_TEXT(workflow->instance),
                                       STORE_V_INT(until)};
    struct store_rows rows;
    enum err_code rc = store_query(tx, sql, args, 3, 1, &rows, take->arena, err);
    if (rc || rows.count == 0)
        return rc;
    const char *owner = store_cell(&rows, 0, 0)->text;
    const struct store_value update[] = {args[0], args[1], args[3], args[4]};
    if ((rc = store_exec(tx,
                         "UPDATE workflow_tasks SET lease_owner = $3, lease_until = $4,"
                         " lease_epoch = lease_epoch + 1 WHERE run_id = $1 AND ordinal = $2",
                         update, ARRAY_LEN(update), NULL, err)))
        return rc;
    struct workflow_job *job = mem_zalloc(sizeof *job);
    job->workflow = workflow;
    job->run_id = mem_strdup(c->run_id);
    job->ordinal = c->ordinal;
    job->epoch = store_cell(&rows, 0, 1)->integer + 1;
    atomic_store(&job->deadline, clock_mono_ms() + own_lease_ms(workflow));
    job->next = take->jobs;
    take->jobs = job;
    if (owner && owner[0])
        take->taken_over++;
    *ret_taken = true;
    return ERR_OK;
}

static enum err_code take_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct take *take = ctx;
    int64_t now = clock_now_ms();
    arena_clear(take->arena);
    free_jobs(&take->jobs);
    take->taken_over = 0;
    enum err_code rc;
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_INT(now), STORE_V_INT(WORKFLOW_SITE_TASKS),
                                       STORE_V_INT(2 * (int64_t)take->wanted)};
    if ((rc = store_query(tx,
                          "SELECT run_id, ordinal, site FROM workflow_tasks a WHERE ready = 1"
                          " AND not_before <= $1 AND lease_until <= $1"
                          " AND (SELECT COUNT(*) FROM workflow_tasks b WHERE b.site = a.site"
                          " AND b.lease_until > $1) < $2"
                          " ORDER BY not_before, run_id, ordinal LIMIT $3",
                          args, ARRAY_LEN(args), 0, &rows, take->arena, err)))
        return rc;
    struct candidate *candidates = arena_array(take->arena, rows.count, sizeof *candidates);
    for (size_t i = 0; i < rows.count; i++)
        candidates[i] =
            (struct candidate){store_cell(&rows, i, 0)->text, store_cell(&rows, i, 2)->text,
                               (size_t)store_cell(&rows, i, 1)->integer};
    /* The oldest `wanted` come first in time; among those twice as many, order of sites avoids a
     * deadlock. */
    qsort(candidates, rows.count, sizeof *candidates, by_site);
    const char *site = NULL;
    int64_t at_site = 0;
    int taken = 0;
    for (size_t i = 0; i < rows.count && taken < take->wanted; i++) {
        bool got = false;
        if (!str_eq(site, candidates[i].site)) {
            site = candidates[i].site;
            if ((rc = count_site(tx, site, now, &at_site, take->arena, err)))
                return rc;
        }
        if (at_site >= WORKFLOW_SITE_TASKS)
            continue;
        if ((rc = take_one(take, tx, &candidates[i], now, &got, err)))
            return rc;
        at_site += got;
        taken += got;
    }
    return ERR_OK;
}

enum err_code workflow_lease_take(struct workflow *workflow, int wanted, struct workflow_job **out,
                                  struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct take take = {.workflow = workflow, .wanted = wanted, .arena = &arena};
    enum err_code rc = store_write(workflow->options.store, take_body, &take, err);
    arena_done(&arena);
    if (rc) {
        /* Should the commit have happened and only its answer be lost, these leases are nobody's.
         */
        for (struct workflow_job *job = take.jobs; job; job = job->next)
            workflow_step_release(job);
        free_jobs(&take.jobs);
        return rc;
    }
    atomic_fetch_add(&workflow->taken_over, take.taken_over);
    *out = take.jobs;
    return ERR_OK;
}

/* ---- renewing ---- */

struct held {
    char *run_id;
    size_t ordinal;
    int64_t epoch;
    bool lost;
};

struct renewal {
    struct workflow *workflow;
    struct held *held;
};

static enum err_code renew_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct renewal *renewal = ctx;
    struct held *held = renewal->held;
    int64_t changed = 0;
    const struct store_value args[] = {
        STORE_V_TEXT(held->run_id), STORE_V_INT((int64_t)held->ordinal),
        STORE_V_TEXT(renewal->workflow->instance), STORE_V_INT(held->epoch),
        STORE_V_INT(clock_now_ms() + renewal->workflow->options.lease_ms)};
    enum err_code rc = store_exec(tx,
                                  "UPDATE workflow_tasks SET lease_until = $5 WHERE run_id = $1"
                                  " AND ordinal = $2 AND lease_owner = $3 AND lease_epoch = $4",
                                  args, ARRAY_LEN(args), &changed, err);
    held->lost = changed == 0;
    return rc;
}

/* A copy of what is held, so that no lock is held while the store is asked. */
static struct held *copy_held(struct workflow *workflow, size_t *ret_count, struct arena *arena)
{
    pthread_mutex_lock(&workflow->lock);
    size_t count = 0, at = 0;
    for (struct workflow_job *job = workflow->active; job; job = job->next_active)
        count++;
    struct held *held = arena_array(arena, count, sizeof *held);
    for (struct workflow_job *job = workflow->active; job; job = job->next_active)
        held[at++] =
            (struct held){arena_strdup(arena, job->run_id), job->ordinal, job->epoch, false};
    pthread_mutex_unlock(&workflow->lock);
    *ret_count = count;
    return held;
}

static void note_renewal(struct workflow *workflow, const struct held *held, int64_t deadline)
{
    pthread_mutex_lock(&workflow->lock);
    for (struct workflow_job *job = workflow->active; job; job = job->next_active)
        if (held->epoch == job->epoch && held->ordinal == job->ordinal &&
            str_eq(held->run_id, job->run_id)) {
            if (held->lost)
                atomic_store(&job->lost, true);
            else
                atomic_store(&job->deadline, deadline);
        }
    pthread_mutex_unlock(&workflow->lock);
}

/* Each in a transaction of its own: a transaction that holds several tasks' rows in an order of its
 * own could wait in a circle with a run's.  */
enum err_code workflow_lease_renew(struct workflow *workflow, struct err *err)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct held *held = copy_held(workflow, &count, &arena);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        struct renewal renewal = {workflow, &held[i]};
        int64_t deadline = clock_mono_ms() + own_lease_ms(workflow);
        if (!(rc = store_write(workflow->options.store, renew_body, &renewal, err)))
            note_renewal(workflow, &held[i], deadline);
    }
    arena_done(&arena);
    return rc;
}

/* ---- runs that wait for a decision ---- */

struct attention {
    struct workflow *workflow;
    const struct workflow_plan *plan;
    const char *run_id;
    struct arena *arena;
    struct workflow_tally tally;
    bool undoing;
};

static enum err_code attend_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct attention *attention = ctx;
    arena_clear(attention->arena);
    struct workflow_change change = {.options = &attention->workflow->options,
                                     .tx = tx,
                                     .plan = attention->plan,
                                     .run_id = attention->run_id,
                                     .arena = attention->arena,
                                     .now = clock_now_ms()};
    enum err_code rc = workflow_change_load(&change, err);
    if (rc || (rc = workflow_settle(&change, err)) || (rc = workflow_change_finish(&change, err)))
        return rc;
    attention->tally = change.tally;
    attention->undoing = change.undoing;
    const struct store_value args[] = {STORE_V_TEXT(attention->run_id)};
    return store_exec(tx, "UPDATE workflow_runs SET attention = 0 WHERE run_id = $1", args, 1, NULL,
                      err);
}

static enum err_code attend(struct workflow *workflow, const char *run_id, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct attention attention = {.workflow = workflow, .run_id = run_id, .arena = &arena};
    enum err_code rc =
        workflow_plans_get(workflow->plans, workflow->options.store, run_id, &attention.plan, err);
    if (!rc) {
        rc = store_write(workflow->options.store, attend_body, &attention, err);
        workflow_plans_put(workflow->plans, attention.plan);
    }
    if (!rc) {
        workflow_count(workflow, &attention.tally);
        if (attention.undoing)
            workflow_tell_run(workflow, run_id);
    }
    arena_done(&arena);
    return rc;
}

/* What the store holds for us, read without a lock. */
struct sight {
    struct store_rows waiting, undoing, counts, due;
};

static enum err_code see(struct workflow *workflow, struct sight *sight, struct arena *arena,
                         struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    const struct store_value most[] = {STORE_V_INT(ATTEND_MOST)};
    const struct store_value undoing[] = {STORE_V_INT(RUN_UNDOING)};
    const struct store_value due[] = {STORE_V_INT(clock_now_ms()),
                                      STORE_V_TEXT(workflow->instance)};
    enum err_code rc;
    if ((rc = store_begin(workflow->options.store, STORE_READ, &tx, err)) ||
        (rc = store_query(tx,
                          "SELECT run_id FROM workflow_runs WHERE attention = 1"
                          " ORDER BY run_id LIMIT $1",
                          most, 1, 0, &sight->waiting, arena, err)) ||
        (rc = store_query(tx, "SELECT run_id FROM workflow_runs WHERE state < 4 AND state = $1",
                          undoing, 1, 0, &sight->undoing, arena, err)) ||
        (rc = store_query(tx, "SELECT COUNT(*) FROM workflow_runs WHERE state < 4", NULL, 0, 1,
                          &sight->counts, arena, err)))
        return rc;
    return store_query(
        tx,
        "SELECT MIN(CASE WHEN lease_until > not_before THEN lease_until ELSE not_before END)"
        " FROM workflow_tasks WHERE ready = 1 AND (lease_owner <> $2 OR lease_until <= $1)",
        due, ARRAY_LEN(due), 1, &sight->due, arena, err);
}

enum err_code workflow_lease_attend(struct workflow *workflow, int64_t *ret_due, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct sight sight = {0};
    enum err_code rc = see(workflow, &sight, &arena, err);
    if (rc) {
        arena_done(&arena);
        return rc;
    }
    const struct store_value *due = store_cell(&sight.due, 0, 0);
    *ret_due = due->type == STORE_INT ? due->integer : INT64_MAX;
    for (size_t i = 0; i < sight.waiting.count; i++) {
        struct err one = ERR_INIT;
        const char *run_id = store_cell(&sight.waiting, i, 0)->text;
        /* One run that cannot be settled must not keep the others waiting. */
        if (attend(workflow, run_id, &one))
            log_error("workflow", run_id, &one);
        *ret_due = 0; /* what it made eligible is due now */
    }
    for (size_t i = 0; i < sight.undoing.count; i++)
        workflow_tell_run(workflow, store_cell(&sight.undoing, i, 0)->text);
    atomic_store(&workflow->runs_active, store_cell(&sight.counts, 0, 0)->integer);
    arena_done(&arena);
    return ERR_OK;
}

/* ---- giving back ---- */

static enum err_code release_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct workflow *workflow = ctx;
    const struct store_value args[] = {STORE_V_TEXT(workflow->instance)};
    return store_exec(
        tx, "UPDATE workflow_tasks SET lease_owner = '', lease_until = 0 WHERE lease_owner = $1",
        args, 1, NULL, err);
}

enum err_code workflow_lease_release(struct workflow *workflow, struct err *err)
{
    return store_write(workflow->options.store, release_body, workflow, err);
}
