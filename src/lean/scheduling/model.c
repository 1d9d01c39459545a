/* model.c - a problem from outside, checked, and numbered as the engine wants it.
 *
 * Contract: everything that a caller can get wrong ends here in an error with the path of the
 * field; behind it nothing is checked again.  Tasks are numbered in a topological order (Kahn,
 * smallest number outside first), times are divided by their greatest common divisor, resources
 * that all waiting tasks together cannot exhaust are left out.  O(tasks × resources + arcs). */
#include "lean/scheduling/scheduling_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX ((int64_t)1 << 60)

const char *const scheduling_proof_names[] = {NULL,    "path",        "capacity", "energy",
                                              "pairs", "destruction", "exact",    NULL};
const char *const scheduling_reason_names[] = {NULL,       "at-once",  "fixed",  "release", "task",
                                               "resource", "calendar", "choice", NULL};

static int64_t common(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static enum err_code bad(struct err *err, const char *list, size_t index, const char *member,
                         const char *text)
{
    err_set(err, ERR_INVALID, "%s", text);
    return err_field(err, "%s[%zu].%s", list, index, member);
}

static bool is_time(int64_t time)
{
    return time >= 0 && time <= TIME_MAX;
}

static enum err_code check_task(const struct scheduling_problem *problem, size_t index,
                                struct err *err)
{
    const struct scheduling_task *task = &problem->tasks.items[index];
    if (!is_time(task->duration))
        return bad(err, "tasks", index, "duration", "a duration is a time of 0 or more");
    if (!is_time(task->release))
        return bad(err, "tasks", index, "release", "a release is a time of 0 or more");
    if (task->deadline != SCHEDULING_FOREVER && !is_time(task->deadline))
        return bad(err, "tasks", index, "deadline", "a deadline is a time of 0 or more");
    if (task->weight < 0 || task->weight > 1000000)
        return bad(err, "tasks", index, "weight", "a weight lies between 0 and 1000000");
    if (task->state > SCHEDULING_DONE)
        return bad(err, "tasks", index, "state", "no such state");
    if (task->state != SCHEDULING_WAITING && !is_time(task->start))
        return bad(err, "tasks", index, "start", "a start is a time of 0 or more");
    for (size_t i = 0; i < task->quantiles.count; i++) {
        const struct scheduling_quantile *q = &task->quantiles.items[i];
        if (!(q->share > 0 && q->share < 1) || !is_time(q->duration) ||
            (i && (q[-1].share >= q->share || q[-1].duration > q->duration)))
            return bad(err, "tasks", index, "quantiles",
                       "quantiles have shares between 0 and 1, and both grow");
    }
    for (size_t i = 0; i < task->after.count; i++)
        if (task->after.items[i] >= problem->tasks.count || task->after.items[i] == index)
            return bad(err, "tasks", index, "after", "a predecessor is another task's number");
    for (size_t r = 0; task->demands && r < problem->resources.count; r++) {
        if (task->demands[r] < 0 || task->demands[r] > SCHEDULING_MAX_CAPACITY)
            return bad(err, "tasks", index, "demands", "a demand lies between 0 and 2^30");
        if (task->duration && task->state == SCHEDULING_WAITING &&
            task->demands[r] > problem->resources.items[r].capacity) {
            err_set(err, ERR_INFEASIBLE, "task %zu%s%s needs %lld of resource %zu, which has %lld",
                    index + 1, task->name ? " " : "", task->name ? task->name : "",
                    (long long)task->demands[r], r + 1,
                    (long long)problem->resources.items[r].capacity);
            return err_field(err, "tasks[%zu].demands[%zu]", index, r);
        }
    }
    return ERR_OK;
}

static enum err_code check_resource(const struct scheduling_problem *problem, size_t index,
                                    struct err *err)
{
    const struct scheduling_resource *resource = &problem->resources.items[index];
    if (resource->capacity < 0 || resource->capacity > SCHEDULING_MAX_CAPACITY)
        return bad(err, "resources", index, "capacity", "a capacity lies between 0 and 2^30");
    for (size_t i = 0; i < resource->calendar.count; i++) {
        const struct scheduling_interval *part = &resource->calendar.items[i];
        if (!is_time(part->from) || !is_time(part->to) || part->from >= part->to ||
            part->capacity < 0 || part->capacity > SCHEDULING_MAX_CAPACITY ||
            (i && part[-1].to > part->from))
            return bad(err, "resources", index, "calendar",
                       "intervals ascend, lie apart and have a capacity between 0 and 2^30");
    }
    return ERR_OK;
}

static enum err_code check(const struct scheduling_problem *problem, struct err *err)
{
    enum err_code rc;
    size_t arcs = 0;
    if (problem->tasks.count > SCHEDULING_MAX_TASKS)
        return err_set(err, ERR_TOO_LARGE, "%zu tasks; at most %d", problem->tasks.count,
                       SCHEDULING_MAX_TASKS);
    if (problem->resources.count > SCHEDULING_MAX_RESOURCES)
        return err_set(err, ERR_TOO_LARGE, "%zu resources; at most %d", problem->resources.count,
                       SCHEDULING_MAX_RESOURCES);
    if (!is_time(problem->now)) {
        err_set(err, ERR_INVALID, "now is a time of 0 or more");
        return err_field(err, "now");
    }
    for (size_t i = 0; i < problem->resources.count; i++)
        if ((rc = check_resource(problem, i, err)))
            return rc;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        if ((rc = check_task(problem, i, err)))
            return rc;
        arcs += problem->tasks.items[i].after.count;
    }
    if (arcs > SCHEDULING_MAX_ARCS)
        return err_set(err, ERR_TOO_LARGE, "%zu predecessors in all; at most %d", arcs,
                       SCHEDULING_MAX_ARCS);
    return ERR_OK;
}

/* ---- order ---- */

struct counted { /* arcs outside: successors of each task */
    size_t *at;
    size_t *to;
};

static struct counted successors(const struct scheduling_problem *problem, struct arena *arena)
{
    size_t n = problem->tasks.count, total = 0;
    struct counted out = {.at = arena_array(arena, n + 2, sizeof *out.at)};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < problem->tasks.items[i].after.count; k++, total++)
            out.at[problem->tasks.items[i].after.items[k] + 2]++;
    out.to = arena_array(arena, total + 1, sizeof *out.to);
    for (size_t i = 2; i < n + 2; i++)
        out.at[i] += out.at[i - 1];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < problem->tasks.items[i].after.count; k++)
            out.to[out.at[problem->tasks.items[i].after.items[k] + 1]++] = i;
    return out;
}

static void heap_push(size_t *heap, size_t *count, size_t value)
{
    size_t at = (*count)++;
    for (; at && heap[(at - 1) / 2] > value; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
}

static size_t heap_pop(size_t *heap, size_t *count)
{
    size_t top = heap[0], value = heap[--*count], at = 0;
    for (size_t child; (child = 2 * at + 1) < *count; at = child) {
        if (child + 1 < *count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
    return top;
}

static enum err_code number_tasks(struct scheduling_model *model,
                                  const struct scheduling_problem *problem, struct arena *arena,
                                  struct err *err)
{
    size_t n = problem->tasks.count, waiting = 0;
    struct counted next = successors(problem, arena);
    size_t *left = arena_array(arena, n + 1, sizeof *left);
    size_t *heap = arena_array(arena, n + 1, sizeof *heap);
    for (size_t i = 0; i < n; i++)
        if ((left[i] = problem->tasks.items[i].after.count) == 0)
            heap_push(heap, &waiting, i);
    int32_t numbered = 0;
    while (waiting) {
        size_t i = heap_pop(heap, &waiting);
        model->inside[i] = numbered;
        model->outside[numbered++] = (int32_t)i;
        for (size_t k = next.at[i]; k < next.at[i + 1]; k++)
            if (--left[next.to[k]] == 0)
                heap_push(heap, &waiting, next.to[k]);
    }
    if ((size_t)numbered == n)
        return ERR_OK;
    size_t one = 0;
    while (!left[one])
        one++;
    err_set(err, ERR_INFEASIBLE, "the predecessors of task %zu lead round in a circle", one + 1);
    return err_field(err, "tasks[%zu].after", one);
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void add_arcs(struct scheduling_model *model, const struct scheduling_problem *problem,
                     struct arena *arena)
{
    size_t total = 0;
    int32_t n = model->n;
    for (int32_t i = 0; i < n; i++)
        total += problem->tasks.items[i].after.count;
    for (int d = 0; d < 2; d++) {
        model->arc_at[d] = arena_array(arena, (size_t)n + 2, sizeof *model->arc_at[d]);
        model->arc[d] = arena_array(arena, total + 1, sizeof *model->arc[d]);
    }
    int32_t *before = model->arc[0], at = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct scheduling_task *task = &problem->tasks.items[model->outside[i]];
        int32_t first = at, kept;
        model->arc_at[0][i] = at;
        /* What runs or is done waits for nothing any more. */
        for (size_t k = 0; k < task->after.count && task->state == SCHEDULING_WAITING; k++)
            before[at++] = model->inside[task->after.items[k]];
        qsort(before + first, (size_t)(at - first), sizeof *before, by_value);
        kept = first;
        for (int32_t k = first; k < at; k++)
            if (k == first || before[k] != before[k - 1])
                before[kept++] = before[k];
        at = kept;
    }
    model->arc_at[0][n] = at;
    int32_t *start = model->arc_at[1];
    for (int32_t k = 0; k < at; k++)
        start[before[k] + 2]++;
    for (int32_t i = 2; i < n + 2; i++)
        start[i] += start[i - 1];
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = model->arc_at[0][i]; k < model->arc_at[0][i + 1]; k++)
            model->arc[1][start[before[k] + 1]++] = i;
}

/* ---- times ---- */

static enum err_code scale_times(struct scheduling_model *model,
                                 const struct scheduling_problem *problem, struct err *err)
{
    int64_t unit = problem->now, sum = 0, latest = problem->now;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        int64_t deadline = task->deadline == SCHEDULING_FOREVER ? 0 : task->deadline;
        bool fixed = task->state != SCHEDULING_WAITING;
        int64_t end = fixed ? task->start + task->duration : task->release;
        unit = common(common(common(unit, task->duration), deadline), end);
        latest = end > latest ? end : latest;
        if (!fixed && (sum += task->duration) > TIME_MAX)
            return bad(err, "tasks", i, "duration", "all durations together exceed 2^60");
    }
    for (size_t r = 0; r < problem->resources.count; r++)
        for (size_t i = 0; i < problem->resources.items[r].calendar.count; i++) {
            const struct scheduling_interval *part = &problem->resources.items[r].calendar.items[i];
            unit = common(common(unit, part->from), part->to);
            latest = part->to > latest ? part->to : latest;
        }
    unit = unit ? unit : 1;
    if (sum / unit + latest / unit > SCHEDULING_MAX_HORIZON) {
        err_set(err, ERR_TOO_LARGE, "all durations one after the other end later than %lld units",
                (long long)SCHEDULING_MAX_HORIZON);
        return err_hint(err, "count in a coarser unit, and from the beginning of the plan");
    }
    model->unit = unit;
    model->horizon = (int32_t)(sum / unit + latest / unit);
    return ERR_OK;
}

static void copy_tasks(struct scheduling_model *model, const struct scheduling_problem *problem)
{
    int32_t now = (int32_t)(problem->now / model->unit);
    model->now = now;
    model->plain = now == 0;
    for (int32_t i = 0; i < model->n; i++) {
        const struct scheduling_task *task = &problem->tasks.items[model->outside[i]];
        bool fixed = task->state != SCHEDULING_WAITING;
        bool due = task->deadline > 0 && task->deadline != SCHEDULING_FOREVER && task->weight > 0;
        model->duration[i] = (int32_t)(task->duration / model->unit);
        model->fixed[i] = fixed ? (int32_t)(task->start / model->unit) : -1;
        model->release[i] = (int32_t)(fixed ? 0 : task->release / model->unit);
        if (!fixed && model->release[i] < now)
            model->release[i] = now;
        model->due[i] = due && task->deadline / model->unit < INT32_MAX
                            ? (int32_t)(task->deadline / model->unit)
                            : INT32_MAX;
        model->weight[i] = due ? task->weight : 0;
        model->plain = model->plain && !fixed && !due && model->release[i] == 0;
        if (fixed && model->fixed[i] + model->duration[i] > model->done_end)
            model->done_end = model->fixed[i] + model->duration[i];
    }
}

static void measure_paths(struct scheduling_model *model)
{
    model->longest = model->done_end;
    for (int32_t i = 0; i < model->n; i++) {
        int32_t head = model->release[i];
        for (int32_t k = model->arc_at[0][i]; k < model->arc_at[0][i + 1]; k++) {
            int32_t p = model->arc[0][k], end = model->head[p] + model->duration[p];
            head = end > head ? end : head;
        }
        model->head[i] = model->fixed[i] >= 0 ? model->fixed[i] : head;
    }
    for (int32_t i = model->n - 1; i >= 0; i--) {
        int32_t tail = 0;
        for (int32_t k = model->arc_at[1][i]; k < model->arc_at[1][i + 1]; k++) {
            int32_t s = model->arc[1][k];
            if (model->tail[s] > tail)
                tail = model->tail[s];
        }
        model->tail[i] = tail + model->duration[i];
        if (model->fixed[i] < 0 && model->head[i] + model->tail[i] > model->longest)
            model->longest = model->head[i] + model->tail[i];
    }
}

/* ---- resources ---- */

static int64_t demand_of(const struct scheduling_task *task, size_t resource)
{
    return task->demands && task->duration ? task->demands[resource] : 0;
}

/* What waiting tasks find free from `time` on, of one resource. */
struct step {
    int64_t time;
    int64_t change;
};

static int by_time(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time)
                              : (x->change > y->change) - (x->change < y->change);
}

static size_t collect_steps(const struct scheduling_problem *problem, size_t resource,
                            struct step *steps)
{
    const struct scheduling_resource *r = &problem->resources.items[resource];
    size_t count = 0;
    for (size_t i = 0; i < r->calendar.count; i++) {
        const struct scheduling_interval *part = &r->calendar.items[i];
        steps[count++] = (struct step){part->from, part->capacity - r->capacity};
        steps[count++] = (struct step){part->to, r->capacity - part->capacity};
    }
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        int64_t use = demand_of(task, resource), end = task->start + task->duration;
        if (task->state == SCHEDULING_WAITING || !use || end <= problem->now)
            continue;
        steps[count++] = (struct step){task->start, -use};
        steps[count++] = (struct step){end, use};
    }
    qsort(steps, count, sizeof *steps, by_time);
    return count;
}

struct profile { /* of one resource */
    int64_t *time, *free;
    size_t count;
    int64_t least, most;
};

static struct profile profile_of(const struct scheduling_problem *problem, size_t resource,
                                 struct step *steps, struct arena *arena)
{
    size_t count = collect_steps(problem, resource, steps);
    int64_t level = problem->resources.items[resource].capacity;
    struct profile out = {.least = level, .most = level};
    out.time = arena_array(arena, count + 1, sizeof *out.time);
    out.free = arena_array(arena, count + 1, sizeof *out.free);
    out.free[0] = level;
    out.count = 1;
    for (size_t i = 0; i < count; i++) {
        level += steps[i].change;
        if (steps[i].time > out.time[out.count - 1])
            out.time[out.count++] = steps[i].time;
        out.free[out.count - 1] = level > 0 ? level : 0;
    }
    for (size_t i = 0; i < out.count; i++) {
        out.least = out.free[i] < out.least ? out.free[i] : out.least;
        out.most = out.free[i] > out.most ? out.free[i] : out.most;
    }
    return out;
}

static void merge_profiles(struct scheduling_model *model, const struct profile *profiles,
                           struct arena *arena)
{
    size_t total = 1, at[SCHEDULING_MAX_RESOURCES] = {0};
    size_t count = (size_t)model->resources;
    for (size_t r = 0; r < count; r++)
        total += profiles[r].count;
    model->base = arena_array(arena, total, sizeof *model->base);
    for (int64_t time = 0;;) {
        struct scheduling_segment *segment = &model->base[model->base_count++];
        int64_t next = INT64_MAX;
        segment->time = (int32_t)(time / model->unit);
        segment->free = arena_array(arena, count + 1, sizeof *segment->free);
        for (size_t r = 0; r < count; r++) {
            while (at[r] + 1 < profiles[r].count && profiles[r].time[at[r] + 1] <= time)
                at[r]++;
            segment->free[r] = (int32_t)profiles[r].free[at[r]];
            if (at[r] + 1 < profiles[r].count && profiles[r].time[at[r] + 1] < next)
                next = profiles[r].time[at[r] + 1];
        }
        if (next == INT64_MAX)
            return;
        time = next;
    }
}

static void pack(struct scheduling_model *model, struct arena *arena)
{
    int32_t most = 0, m = model->resources;
    for (int32_t r = 0; r < m; r++)
        most = model->capacity[r] > most ? model->capacity[r] : most;
    model->lane_bits = most < 32768 ? 16 : 32;
    model->lanes = 64 / model->lane_bits;
    model->words = m ? (m + model->lanes - 1) / model->lanes : 1;
    for (int32_t lane = 0; lane < model->lanes; lane++)
        model->guard |= (uint64_t)1 << ((lane + 1) * model->lane_bits - 1);
    size_t words = (size_t)model->words;
    model->need = arena_array(arena, (size_t)model->n * words + 1, sizeof *model->need);
    model->packed_base =
        arena_array(arena, (size_t)model->base_count * words, sizeof *model->packed_base);
    model->packed_full = arena_array(arena, words, sizeof *model->packed_full);
    for (size_t w = 0; w < words; w++)
        model->packed_full[w] = model->guard;
    for (size_t s = 0; s < (size_t)model->base_count * words; s++)
        model->packed_base[s] = model->guard;
    for (int32_t r = 0; r < m; r++) {
        size_t w = (size_t)(r / model->lanes);
        int shift = (r % model->lanes) * model->lane_bits;
        model->packed_full[w] |= (uint64_t)model->capacity[r] << shift;
        for (int32_t i = 0; i < model->n; i++)
            model->need[(size_t)i * words + w] |= (uint64_t)model->demand[i * m + r] << shift;
        for (int32_t s = 0; s < model->base_count; s++)
            model->packed_base[(size_t)s * words + w] |= (uint64_t)model->base[s].free[r] << shift;
    }
}

static void take_resources(struct scheduling_model *model, const struct scheduling_problem *problem,
                           struct arena *arena)
{
    struct profile profiles[SCHEDULING_MAX_RESOURCES];
    size_t parts = 0, m = 0;
    for (size_t r = 0; r < problem->resources.count; r++)
        parts += problem->resources.items[r].calendar.count;
    struct step *steps = arena_array(arena, 2 * (parts + problem->tasks.count) + 1, sizeof *steps);
    model->resource_of =
        arena_array(arena, problem->resources.count + 1, sizeof *model->resource_of);
    model->capacity = arena_array(arena, problem->resources.count + 1, sizeof *model->capacity);
    for (size_t r = 0; r < problem->resources.count; r++) {
        int64_t sum = 0;
        profiles[m] = profile_of(problem, r, steps, arena);
        for (size_t i = 0; i < problem->tasks.count; i++)
            if (problem->tasks.items[i].state == SCHEDULING_WAITING)
                sum += demand_of(&problem->tasks.items[i], r);
        if (sum <= profiles[m].least)
            continue;
        model->resource_of[m] = (int32_t)r;
        model->capacity[m] = (int32_t)profiles[m].most;
        m++;
    }
    model->resources = (int32_t)m;
    model->demand = arena_array(arena, (size_t)model->n * m + 1, sizeof *model->demand);
    for (int32_t i = 0; i < model->n; i++) {
        const struct scheduling_task *task = &problem->tasks.items[model->outside[i]];
        for (size_t r = 0; r < m && task->state == SCHEDULING_WAITING; r++) {
            int32_t need = (int32_t)demand_of(task, (size_t)model->resource_of[r]);
            model->demand[(size_t)i * m + r] = need;
            if (need)
                model->load[i] += 1 + (int32_t)((int64_t)need * 1024 / model->capacity[r]);
        }
    }
    merge_profiles(model, profiles, arena);
    model->plain = model->plain && model->base_count == 1;
    pack(model, arena);
}

enum err_code scheduling_model_new(const struct scheduling_problem *problem,
                                   struct scheduling_model **out, struct arena *arena,
                                   struct err *err)
{
    struct scheduling_model *model = arena_zalloc(arena, sizeof *model);
    size_t n = problem->tasks.count;
    enum err_code rc = check(problem, err);
    if (rc)
        return rc;
    model->n = (int32_t)n;
    int32_t **columns[] = {&model->outside, &model->inside, &model->duration,
                           &model->release, &model->fixed,  &model->due,
                           &model->head,    &model->tail,   &model->load};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        *columns[i] = arena_array(arena, n + 1, sizeof **columns[i]);
    model->weight = arena_array(arena, n + 1, sizeof *model->weight);
    if ((rc = number_tasks(model, problem, arena, err)) || (rc = scale_times(model, problem, err)))
        return rc;
    add_arcs(model, problem, arena);
    copy_tasks(model, problem);
    measure_paths(model);
    take_resources(model, problem, arena);
    *out = model;
    return ERR_OK;
}
