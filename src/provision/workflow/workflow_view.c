/* workflow_view.c - a run in words and figures: why each task waits, how far it is, how long it
 * still takes.
 *
 * Contract: reads, never writes.  Seconds left are the critical path over what each task has left:
 * its estimate, less the provider's own share of progress or the time that has passed.  While a run
 * is being undone nothing is estimated (nobody planned it): eta_s is 0. */
#include "base/clock.h"
#include "base/dag.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define NAMES_SHOWN 3
#define ESTIMATE_LEAST_S 0.01 /* a task without an estimate still weighs something in progress */
#define OVERDUE_SHARE 0.95    /* what a task is taken to have done when its estimate has passed */

/* ---- why it waits ---- */

/* The tasks of one side of `task` that keep it waiting, as "verb a, b and 2 more". */
static const char *name_those(const struct workflow_change *change, const char *verb,
                              const struct workflow_links *links, size_t task,
                              bool (*keeps)(const struct workflow_change *, size_t))
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    size_t count = 0;
    for (size_t i = links->first[task]; i < links->first[task + 1]; i++) {
        size_t other = links->next[i];
        if (!keeps(change, other))
            continue;
        if (count++ < NAMES_SHOWN)
            buf_printf(&text, "%s%s", count == 1 ? "" : ", ",
                       change->plan->plan.tasks.items[other].id);
    }
    if (count > NAMES_SHOWN)
        buf_printf(&text, " and %zu more", count - NAMES_SHOWN);
    return count ? arena_printf(change->arena, "%s %s", verb, buf_str(&text)) : NULL;
}

static bool has_not_done(const struct workflow_change *change, size_t task)
{
    int state = change->rows[task].state;
    return state != RUN_TASK_SUCCEEDED && state != RUN_TASK_UNDONE;
}

static bool is_not_gone(const struct workflow_change *change, size_t task)
{
    int state = change->rows[task].state;
    return state != RUN_TASK_SKIPPED && state != RUN_TASK_UNDONE && state != RUN_TASK_FAILED;
}

static const char *worker_reason(const struct workflow_change *change,
                                 const struct workflow_row *row, int64_t site_tasks)
{
    const char *site = change->plan->plan.tasks.items[row->ordinal].site;
    if (site_tasks >= WORKFLOW_SITE_TASKS)
        return arena_printf(change->arena, "site %s has %lld tasks under way, its most", site,
                            (long long)site_tasks);
    return "no free worker";
}

static const char *retry_reason(const struct workflow_change *change,
                                const struct workflow_row *row)
{
    char at[CLOCK_TEXT_SIZE];
    clock_format(row->not_before, at);
    return arena_printf(change->arena, "retry at %s", at);
}

const char *workflow_wait_reason(const struct workflow_change *change,
                                 const struct workflow_row *row, int64_t site_tasks)
{
    if (row->lease_until > change->now)
        return NULL; /* under way */
    const struct workflow_plan *plan = change->plan;
    bool later = row->not_before > change->now;
    switch (row->state) {
    case RUN_TASK_WAITING:
        if (row->ready)
            return later ? retry_reason(change, row) : worker_reason(change, row, site_tasks);
        return name_those(change, "after", &plan->before, row->ordinal, has_not_done);
    case RUN_TASK_ELIGIBLE:
        return worker_reason(change, row, site_tasks);
    case RUN_TASK_VERIFYING:
        return later ? "does not answer yet" : worker_reason(change, row, site_tasks);
    case RUN_TASK_DOING:
        return "its server is gone; another takes it over";
    case RUN_TASK_UNDOING:
        if (!row->ready)
            return name_those(change, "undone after", &plan->after, row->ordinal, is_not_gone);
        return later ? retry_reason(change, row) : worker_reason(change, row, site_tasks);
    default:
        return NULL;
    }
}

/* ---- how far ---- */

static bool has_ended(int state)
{
    return state == RUN_TASK_SUCCEEDED || state == RUN_TASK_FAILED || state == RUN_TASK_UNDONE ||
           state == RUN_TASK_SKIPPED;
}

/* The share of the task that is done, 0…1. */
static double share_done(const struct workflow_change *change, const struct workflow_row *row,
                         double estimate_s)
{
    if (has_ended(row->state))
        return 1;
    bool under_way = row->state == RUN_TASK_DOING || row->state == RUN_TASK_VERIFYING ||
                     (change->plan->remove && row->state == RUN_TASK_UNDOING);
    if (!under_way)
        return 0;
    double passed = 0;
    if (row->task && row->task->started_at > 0 && estimate_s > 0)
        passed = (double)(change->now - row->task->started_at) / 1000.0 / estimate_s;
    double share = passed > row->progress ? passed : row->progress;
    return share < 0 ? 0 : share > OVERDUE_SHARE ? OVERDUE_SHARE : share;
}

void workflow_summarise(struct workflow_change *change)
{
    struct run_status *status = &change->status;
    const struct workflow_plan *plan = change->plan;
    size_t count = change->count, edge_count = plan->before.first[count];
    struct arena *arena = change->arena;
    double *left = arena_array(arena, count, sizeof *left);
    double *start = arena_array(arena, count, sizeof *start);
    size_t *order = arena_array(arena, count, sizeof *order);
    struct dag_edge *edges = arena_array(arena, edge_count, sizeof *edges);
    double all = 0, done = 0, length = 0;
    size_t edge = 0;
    status->tasks_done = 0;
    status->tasks_failed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct workflow_row *row = &change->rows[i];
        double estimate = plan->plan.tasks.items[i].estimate_s;
        double weight = estimate > ESTIMATE_LEAST_S ? estimate : ESTIMATE_LEAST_S;
        double share = share_done(change, row, estimate);
        all += weight;
        done += weight * share;
        left[i] = estimate * (1 - share);
        order[i] = i; /* a plan is in topological order */
        for (size_t e = plan->before.first[i]; e < plan->before.first[i + 1]; e++)
            edges[edge++] = (struct dag_edge){plan->before.next[e], i};
        int good = plan->remove ? RUN_TASK_UNDONE : RUN_TASK_SUCCEEDED;
        status->tasks_done += row->state == good;
        status->tasks_failed += row->failed;
    }
    dag_earliest(count, edges, edge_count, order, left, start, &length, arena);
    bool ended = workflow_run_has_ended(status->state);
    status->progress = ended ? 1 : all > 0 ? done / all : 0;
    status->eta_s = ended || status->state == RUN_UNDOING ? 0 : length;
}

/* ---- the view ---- */

static int64_t tasks_at_site(const struct store_rows *rows, const char *site)
{
    for (size_t i = 0; i < rows->count; i++)
        if (str_eq(store_cell(rows, i, 0)->text, site))
            return store_cell(rows, i, 1)->integer;
    return 0;
}

enum err_code workflow_view(struct store_tx *tx, const char *run_id, struct run_status *out,
                            struct arena *arena, struct err *err)
{
    struct workflow_plan plan;
    struct workflow_change change = {
        .tx = tx, .plan = &plan, .run_id = run_id, .arena = arena, .now = clock_now_ms()};
    struct store_rows sites;
    const struct store_value now[] = {STORE_V_INT(change.now)};
    enum err_code rc = workflow_plan_read(tx, run_id, &plan, arena, err);
    if (rc || (rc = workflow_change_load(&change, err)) ||
        (rc = workflow_change_gather(&change, err)) ||
        (rc = store_query(tx,
                          "SELECT site, COUNT(*) FROM workflow_tasks WHERE lease_until > $1"
                          " GROUP BY site",
                          now, 1, 0, &sites, arena, err)))
        return rc;
    workflow_summarise(&change);
    for (size_t i = 0; i < change.count; i++) {
        const struct workflow_row *row = &change.rows[i];
        struct run_task *task = &change.status.tasks.items[i];
        const char *why = workflow_wait_reason(&change, row, tasks_at_site(&sites, task->site));
        /* A stored reason that says more ("retry at …: connection refused") stays while it holds.
         */
        if (!why || !task->wait_reason || row->not_before <= change.now)
            task->wait_reason = why;
        task->progress = share_done(&change, row, task->estimate_s);
        if (has_ended(row->state))
            task->progress =
                row->state == RUN_TASK_SUCCEEDED || (plan.remove && row->state == RUN_TASK_UNDONE);
    }
    *out = change.status;
    return ERR_OK;
}
