/* explain.c - for each task of a plan: what it waited for, and how much slack it has.
 *
 * Contract: the reason is found in the plan itself, not in how it was made: the predecessor that
 * ends when the task starts, else a resource that does not hold it one step of time sooner.  Slack
 * is that of the earliest-start policy (flow.c).  O(tasks × (log tasks + resources) + arcs). */
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

struct explainer {
    const struct scheduling_model *model;
    const int32_t *starts;
    int32_t *by_start, *by_end, *ends;
    int64_t *use;         /* [resources] just before the time looked at */
    int32_t began, ended; /* how many of by_start and by_end lie before that time */
    int32_t segment;
};

static int by_time(const void *a, const void *b, void *times)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int32_t s = ((const int32_t *)times)[x], t = ((const int32_t *)times)[y];
    return s != t ? (s > t) - (s < t) : (x > y) - (x < y);
}

/* Counts what is in use at time - 1. */
static void go_to(struct explainer *explainer, int32_t time)
{
    const struct scheduling_model *model = explainer->model;
    int32_t m = model->resources, i;
    while (explainer->began < model->n &&
           explainer->starts[i = explainer->by_start[explainer->began]] < time) {
        for (int32_t r = 0; r < m; r++)
            explainer->use[r] += model->demand[i * m + r];
        explainer->began++;
    }
    while (explainer->ended < model->n &&
           explainer->ends[i = explainer->by_end[explainer->ended]] < time) {
        for (int32_t r = 0; r < m; r++)
            explainer->use[r] -= model->demand[i * m + r];
        explainer->ended++;
    }
    while (explainer->segment + 1 < model->base_count &&
           model->base[explainer->segment + 1].time < time)
        explainer->segment++;
}

static void reason_of_resource(struct explainer *explainer, int32_t task,
                               struct scheduling_wait *wait)
{
    const struct scheduling_model *model = explainer->model;
    int32_t m = model->resources, time = explainer->starts[task];
    wait->reason = SCHEDULING_BY_CHOICE;
    for (int32_t r = 0; r < m; r++) {
        int32_t need = model->demand[task * m + r], most = 0;
        if (!need || explainer->use[r] + need <= model->base[explainer->segment].free[r])
            continue;
        wait->resource = (size_t)model->resource_of[r];
        wait->reason = SCHEDULING_FOR_CALENDAR;
        for (int32_t k = explainer->ended; k < model->n; k++) {
            int32_t i = explainer->by_end[k];
            if (explainer->ends[i] > time)
                break;
            if (model->demand[i * m + r] > most && model->duration[i] > 0) {
                most = model->demand[i * m + r];
                wait->task = (size_t)model->outside[i];
                wait->reason = SCHEDULING_FOR_RESOURCE;
            }
        }
        if (wait->reason == SCHEDULING_FOR_RESOURCE)
            return;
    }
}

static void explain_one(struct explainer *explainer, int32_t task, struct scheduling_wait *wait)
{
    const struct scheduling_model *model = explainer->model;
    int32_t start = explainer->starts[task], ready = model->release[task], last = -1;
    go_to(explainer, start);
    for (int32_t a = model->arc_at[0][task]; a < model->arc_at[0][task + 1]; a++) {
        int32_t p = model->arc[0][a];
        if (explainer->ends[p] > ready || (explainer->ends[p] == ready && last < 0 && ready)) {
            ready = explainer->ends[p];
            last = p;
        }
    }
    wait->ready = ready * model->unit;
    wait->waited = (int64_t)(start - ready) * model->unit;
    if (model->fixed[task] >= 0) {
        wait->reason = SCHEDULING_FIXED;
        wait->ready = start * model->unit;
        wait->waited = 0;
    } else if (start > ready) {
        reason_of_resource(explainer, task, wait);
    } else if (last >= 0) {
        wait->reason = SCHEDULING_FOR_TASK;
        wait->task = (size_t)model->outside[last];
    } else {
        wait->reason =
            start > 0 && start > model->now ? SCHEDULING_FOR_RELEASE : SCHEDULING_AT_ONCE;
    }
}

void scheduling_explain(const struct scheduling_model *model, const int32_t *starts,
                        struct scheduling_wait *waits, struct arena *arena)
{
    size_t n = (size_t)model->n;
    struct explainer explainer = {
        .model = model,
        .starts = starts,
        .by_start = arena_array(arena, n + 1, sizeof(int32_t)),
        .by_end = arena_array(arena, n + 1, sizeof(int32_t)),
        .ends = arena_array(arena, n + 1, sizeof(int32_t)),
        .use = arena_array(arena, (size_t)model->resources + 1, sizeof(int64_t))};
    int64_t *tails = arena_array(arena, n + 1, sizeof *tails), makespan = 0;
    struct scheduling_flow flow;
    for (int32_t i = 0; i < model->n; i++) {
        explainer.by_start[i] = explainer.by_end[i] = i;
        explainer.ends[i] = starts[i] + model->duration[i];
        makespan = explainer.ends[i] > makespan ? explainer.ends[i] : makespan;
    }
    qsort_r(explainer.by_start, n, sizeof(int32_t), by_time, (void *)(uintptr_t)starts);
    qsort_r(explainer.by_end, n, sizeof(int32_t), by_time, explainer.ends);
    scheduling_flow_build(model, starts, &flow, arena);
    scheduling_flow_tails(model, &flow, tails);
    for (size_t k = 0; k < n; k++) {
        int32_t i = explainer.by_start[k];
        struct scheduling_wait *wait = &waits[model->outside[i]];
        explain_one(&explainer, i, wait);
        wait->slack = (makespan - starts[i] - tails[i]) * model->unit;
    }
}
