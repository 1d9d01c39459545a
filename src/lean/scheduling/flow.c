/* flow.c - who hands what to whom: the order that a plan sets beyond precedence, and what follows.
 *
 * Contract: units of a resource go from the tasks that end to those that start at that time or
 * later (Artigues and Roubellat 2000), so precedence plus these arcs admits any durations without
 * breaking a capacity: the earliest-start policy.  A task prefers units of tasks that it waits for
 * anyway; that keeps arcs few and slack large.  Calendars are not part of the policy.  O(tasks ×
 * holders × resources). */
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

struct holder {
    int32_t task; /* -1 = nobody has used them */
    int32_t units;
    int32_t end;
};

struct builder {
    struct scheduling_flow *flow;
    const struct scheduling_model *model;
    const int32_t *starts;
    struct holder *holders;
    int32_t count;
    int32_t *mark; /* [n] task that a task is known to come before */
    struct arena *arena;
};

static int by_start(const void *a, const void *b, void *starts)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int32_t s = ((const int32_t *)starts)[x], t = ((const int32_t *)starts)[y];
    return s != t ? (s > t) - (s < t) : (x > y) - (x < y);
}

static void add_arc(struct builder *builder, int32_t from, int32_t to)
{
    if (from < 0 || builder->mark[from] == to)
        return;
    builder->mark[from] = to;
    *LIST_ADD(builder->arena, &builder->flow->arcs) = (struct scheduling_arc){from, to};
}

static void take_from(struct builder *builder, struct holder *holder, int32_t task, int32_t *left)
{
    int32_t units = holder->units < *left ? holder->units : *left;
    add_arc(builder, holder->task, task);
    holder->units -= units;
    *left -= units;
}

static void serve(struct builder *builder, int32_t task, int32_t units)
{
    int32_t start = builder->starts[task], left = units, kept = 0;
    for (int32_t k = 0; k < builder->count && left; k++) { /* of those that come before anyway */
        struct holder *holder = &builder->holders[k];
        if (holder->end <= start && (holder->task < 0 || builder->mark[holder->task] == task))
            take_from(builder, holder, task, &left);
    }
    for (int32_t k = builder->count - 1; k >= 0 && left; k--)
        if (builder->holders[k].end <= start)
            take_from(builder, &builder->holders[k], task, &left);
    for (int32_t k = 0; k < builder->count; k++)
        if (builder->holders[k].units)
            builder->holders[kept++] = builder->holders[k];
    builder->holders[kept++] =
        (struct holder){task, units - left, start + builder->model->duration[task]};
    builder->count = kept;
}

void scheduling_flow_build(const struct scheduling_model *model, const int32_t *starts,
                           struct scheduling_flow *out, struct arena *arena)
{
    size_t n = (size_t)model->n;
    struct builder builder = {.flow = out, .model = model, .starts = starts, .arena = arena};
    memset(out, 0, sizeof *out);
    out->order = arena_array(arena, n + 1, sizeof *out->order);
    builder.mark = arena_array(arena, n + 1, sizeof *builder.mark);
    builder.holders = arena_array(arena, n + 2, sizeof *builder.holders);
    for (size_t i = 0; i < n; i++)
        out->order[i] = (int32_t)i;
    qsort_r(out->order, n, sizeof *out->order, by_start, (void *)(uintptr_t)starts);
    for (int32_t r = 0; r < model->resources; r++) {
        builder.holders[0] = (struct holder){-1, model->capacity[r], INT32_MIN};
        builder.count = 1;
        memset(builder.mark, 0xff, n * sizeof *builder.mark);
        for (size_t k = 0; k < n; k++) {
            int32_t task = out->order[k];
            if (!model->demand[task * model->resources + r])
                continue;
            for (int32_t a = model->arc_at[0][task]; a < model->arc_at[0][task + 1]; a++)
                builder.mark[model->arc[0][a]] = task;
            serve(&builder, task, model->demand[task * model->resources + r]);
        }
    }
    /* Arcs by what they lead to. */
    out->arc_at = arena_array(arena, n + 2, sizeof *out->arc_at);
    out->arc = arena_array(arena, out->arcs.count + 1, sizeof *out->arc);
    for (size_t k = 0; k < out->arcs.count; k++)
        out->arc_at[out->arcs.items[k].to + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        out->arc_at[i] += out->arc_at[i - 1];
    for (size_t k = 0; k < out->arcs.count; k++)
        out->arc[out->arc_at[out->arcs.items[k].to + 1]++] = out->arcs.items[k].from;
}

int64_t scheduling_flow_length(const struct scheduling_model *model,
                               const struct scheduling_flow *flow, const int64_t *durations,
                               int64_t *ends)
{
    int64_t makespan = 0;
    for (int32_t k = 0; k < model->n; k++) {
        int32_t i = flow->order[k];
        int64_t start = model->release[i];
        for (int32_t a = model->arc_at[0][i]; a < model->arc_at[0][i + 1]; a++)
            start = ends[model->arc[0][a]] > start ? ends[model->arc[0][a]] : start;
        for (int32_t a = flow->arc_at[i]; a < flow->arc_at[i + 1]; a++)
            start = ends[flow->arc[a]] > start ? ends[flow->arc[a]] : start;
        if (model->fixed[i] >= 0)
            start = model->fixed[i];
        ends[i] = start + durations[i];
        makespan = ends[i] > makespan ? ends[i] : makespan;
    }
    return makespan;
}

void scheduling_flow_tails(const struct scheduling_model *model, const struct scheduling_flow *flow,
                           int64_t *tails)
{
    memset(tails, 0, (size_t)model->n * sizeof *tails);
    for (int32_t k = model->n - 1; k >= 0; k--) {
        int32_t i = flow->order[k];
        tails[i] += model->duration[i];
        for (int32_t a = model->arc_at[0][i]; a < model->arc_at[0][i + 1]; a++)
            if (tails[i] > tails[model->arc[0][a]])
                tails[model->arc[0][a]] = tails[i];
        for (int32_t a = flow->arc_at[i]; a < flow->arc_at[i + 1]; a++)
            if (tails[i] > tails[flow->arc[a]])
                tails[flow->arc[a]] = tails[i];
    }
}
