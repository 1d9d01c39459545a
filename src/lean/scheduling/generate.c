/* generate.c - schedule generation: a list of tasks in, start times out.
 *
 * Contract: free quantities of all resources at one time are packed into words, each with a guard
 * bit on top, so that one subtraction tells whether a task fits (no guard is borrowed from).  Short
 * horizons use one word per time step, long ones a sorted list of events; both give the same
 * starts.  A task is placed at the earliest time at which it fits for its whole duration: the
 * window is looked through from its end, so that a step that is full moves the window behind it at
 * once. */
#include "lean/scheduling/scheduling_priv.h"

#include <assert.h>
#include <string.h>

#define DENSE_BYTES ((size_t)8 << 20)

void scheduling_generator_init(struct scheduling_generator *generator,
                               const struct scheduling_model *model, int32_t horizon,
                               struct arena *arena)
{
    size_t words = (size_t)model->words, steps = (size_t)horizon + 2;
    memset(generator, 0, sizeof *generator);
    generator->model = model;
    if (steps * words * sizeof(uint64_t) <= DENSE_BYTES) {
        generator->dense = arena_array(arena, steps * words, sizeof *generator->dense);
        generator->dense_size = (int32_t)steps;
        generator->dirty = (int32_t)steps;
        return;
    }
    generator->event_cap = model->base_count + 2 * model->n + 2;
    generator->event_time =
        arena_array(arena, (size_t)generator->event_cap, sizeof *generator->event_time);
    generator->event_free =
        arena_array(arena, (size_t)generator->event_cap * words, sizeof *generator->event_free);
}

/* ---- dense ---- */

static void fill(uint64_t *to, int32_t from, int32_t until, const uint64_t *value, int32_t words)
{
    if (words == 1) {
        for (int32_t t = from; t < until; t++)
            to[t] = value[0];
        return;
    }
    for (int32_t t = from; t < until; t++)
        memcpy(to + (size_t)t * (size_t)words, value, (size_t)words * sizeof *value);
}

static void dense_reset(struct scheduling_generator *generator, int direction)
{
    const struct scheduling_model *model = generator->model;
    int32_t limit = generator->dirty, last = model->base[model->base_count - 1].time + 1;
    limit = last > limit ? last : limit;
    limit = limit < generator->dense_size ? limit : generator->dense_size;
    generator->filled = model->base_count > 1 ? limit : 0; /* the directions begin differently */
    if (direction) {
        fill(generator->dense, 0, limit, model->packed_full, model->words);
        return;
    }
    for (int32_t s = 0; s < model->base_count; s++) {
        int32_t from = model->base[s].time;
        int32_t until = s + 1 < model->base_count ? model->base[s + 1].time : limit;
        fill(generator->dense, from < limit ? from : limit, until < limit ? until : limit,
             model->packed_base + (size_t)s * (size_t)model->words, model->words);
    }
}

static inline bool fits(const uint64_t *free, const uint64_t *need, int32_t words, uint64_t guard)
{
    uint64_t all = guard;
    for (int32_t w = 0; w < words; w++)
        all &= free[w] - need[w];
    return all == guard;
}

static int32_t dense_place_one(uint64_t *free, uint64_t need, uint64_t guard, int32_t time,
                               int32_t duration)
{
    int32_t checked = time;
    for (;;) {
        int32_t u = time + duration - 1;
        while (u >= checked && ((free[u] - need) & guard) == guard)
            u--;
        if (u < checked)
            break;
        checked = time + duration;
        time = u + 1;
    }
    for (int32_t u = time; u < time + duration; u++)
        free[u] -= need;
    return time;
}

static int32_t dense_place(uint64_t *free, const uint64_t *need, int32_t words, uint64_t guard,
                           int32_t time, int32_t duration)
{
    int32_t checked = time;
    for (;;) {
        int32_t u = time + duration - 1;
        while (u >= checked && fits(free + (size_t)u * (size_t)words, need, words, guard))
            u--;
        if (u < checked)
            break;
        checked = time + duration;
        time = u + 1;
    }
    for (int32_t u = time; u < time + duration; u++)
        for (int32_t w = 0; w < words; w++)
            free[(size_t)u * (size_t)words + (size_t)w] -= need[w];
    return time;
}

/* ---- events ---- */

static void event_reset(struct scheduling_generator *generator, int direction)
{
    const struct scheduling_model *model = generator->model;
    size_t words = (size_t)model->words;
    generator->event_count = direction ? 1 : model->base_count;
    generator->event_time[0] = 0;
    if (direction) {
        memcpy(generator->event_free, model->packed_full, words * sizeof(uint64_t));
        return;
    }
    for (int32_t s = 0; s < model->base_count; s++)
        generator->event_time[s] = model->base[s].time;
    memcpy(generator->event_free, model->packed_base,
           (size_t)model->base_count * words * sizeof(uint64_t));
}

/* The event whose step holds at time. */
static int32_t event_at(const struct scheduling_generator *generator, int32_t time)
{
    int32_t low = 0, high = generator->event_count - 1;
    while (low < high) {
        int32_t middle = (low + high + 1) / 2;
        if (generator->event_time[middle] <= time)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Makes an event begin at time, which lies in the step of event at; returns its index. */
static int32_t event_split(struct scheduling_generator *generator, int32_t at, int32_t time)
{
    size_t words = (size_t)generator->model->words;
    if (generator->event_time[at] == time)
        return at;
    assert(generator->event_count < generator->event_cap);
    size_t rest = (size_t)(generator->event_count - at - 1);
    memmove(generator->event_time + at + 2, generator->event_time + at + 1, rest * sizeof(int32_t));
    memmove(generator->event_free + (size_t)(at + 1) * words,
            generator->event_free + (size_t)at * words, (rest + 1) * words * sizeof(uint64_t));
    generator->event_time[at + 1] = time;
    generator->event_count++;
    return at + 1;
}

static int32_t event_find(const struct scheduling_generator *generator, const uint64_t *need,
                          int32_t time, int32_t duration, int32_t *ret_first)
{
    const struct scheduling_model *model = generator->model;
    int32_t first = event_at(generator, time);
    for (int32_t e = first; e < generator->event_count; e++) {
        if (e > first && generator->event_time[e] >= time + duration)
            break;
        if (!fits(generator->event_free + (size_t)e * (size_t)model->words, need, model->words,
                  model->guard)) {
            assert(e + 1 < generator->event_count); /* in the end everything fits */
            time = generator->event_time[e + 1];
            first = e + 1;
        }
    }
    *ret_first = first;
    return time;
}

static int32_t event_place(struct scheduling_generator *generator, const uint64_t *need,
                           int32_t time, int32_t duration)
{
    size_t words = (size_t)generator->model->words;
    int32_t first;
    time = event_find(generator, need, time, duration, &first);
    first = event_split(generator, first, time);
    int32_t last = event_split(generator, event_at(generator, time + duration), time + duration);
    for (size_t at = (size_t)first * words; at < (size_t)last * words; at += words)
        for (size_t w = 0; w < words; w++)
            generator->event_free[at + w] -= need[w];
    return time;
}

/* ---- both ---- */

static void reset(struct scheduling_generator *generator, int direction)
{
    if (generator->dense)
        dense_reset(generator, direction);
    else
        event_reset(generator, direction);
    generator->made++;
}

static inline int32_t place(struct scheduling_generator *generator, int32_t task, int32_t time)
{
    const struct scheduling_model *model = generator->model;
    int32_t duration = model->duration[task];
    const uint64_t *need = model->need + (size_t)task * (size_t)model->words;
    if (duration == 0)
        return time;
    if (!generator->dense)
        return event_place(generator, need, time, duration);
    if (model->words == 1)
        return dense_place_one(generator->dense, need[0], model->guard, time, duration);
    return dense_place(generator->dense, need, model->words, model->guard, time, duration);
}

int32_t scheduling_generate(struct scheduling_generator *generator, int direction,
                            const int32_t *list, int32_t *ret_starts)
{
    const struct scheduling_model *model = generator->model;
    const int32_t *arc_at = model->arc_at[direction], *arc = model->arc[direction];
    const int32_t *duration = model->duration;
    int32_t makespan = 0;
    reset(generator, direction);
    for (int32_t k = 0; k < model->n; k++) {
        int32_t task = list[k], time = direction ? 0 : model->release[task], end;
        for (int32_t a = arc_at[task]; a < arc_at[task + 1]; a++) {
            end = ret_starts[arc[a]] + duration[arc[a]];
            time = end > time ? end : time;
        }
        if (!direction && generator->not_before && generator->not_before[task] > time)
            time = generator->not_before[task];
        if (!direction && model->fixed[task] >= 0)
            time = model->fixed[task];
        else
            time = place(generator, task, time);
        ret_starts[task] = time;
        end = time + duration[task];
        makespan = end > makespan ? end : makespan;
    }
    generator->dirty = makespan > generator->filled ? makespan : generator->filled;
    return makespan;
}

/* ---- the parallel scheme ---- */

struct parallel {
    struct scheduling_generator *generator;
    int direction;
    const int32_t *rank;
    int32_t *starts;
    int32_t *open; /* predecessors that have not been placed */
    int32_t *heap; /* ends of what was placed, smallest first */
    int32_t heap_count;
    int32_t *ready; /* may be placed, by rank */
    int32_t ready_count;
    int32_t *ready_at; /* when the predecessors end */
};

static void heap_add(struct parallel *parallel, int32_t value)
{
    int32_t at = parallel->heap_count++, *heap = parallel->heap;
    for (; at && heap[(at - 1) / 2] > value; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
}

static int32_t heap_take(struct parallel *parallel)
{
    int32_t *heap = parallel->heap, count = --parallel->heap_count, at = 0;
    int32_t top = heap[0], value = heap[count];
    for (int32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
    return top;
}

static void make_ready(struct parallel *parallel, int32_t task)
{
    int32_t at = parallel->ready_count++;
    for (; at && parallel->rank[parallel->ready[at - 1]] > parallel->rank[task]; at--)
        parallel->ready[at] = parallel->ready[at - 1];
    parallel->ready[at] = task;
    heap_add(parallel, parallel->ready_at[task]);
}

static void started(struct parallel *parallel, int32_t task, int32_t time)
{
    const struct scheduling_model *model = parallel->generator->model;
    int32_t end = time + model->duration[task];
    parallel->starts[task] = time;
    heap_add(parallel, end);
    int back = 1 - parallel->direction;
    for (int32_t a = model->arc_at[back][task]; a < model->arc_at[back][task + 1]; a++) {
        int32_t next = model->arc[back][a];
        if (end > parallel->ready_at[next])
            parallel->ready_at[next] = end;
        if (--parallel->open[next] == 0)
            make_ready(parallel, next);
    }
}

static bool fits_at(struct scheduling_generator *generator, int32_t task, int32_t time)
{
    const struct scheduling_model *model = generator->model;
    size_t words = (size_t)model->words;
    const uint64_t *need = model->need + (size_t)task * words;
    int32_t duration = model->duration[task], first;
    if (!generator->dense)
        return duration == 0 || event_find(generator, need, time, duration, &first) == time;
    for (int32_t u = time; u < time + duration; u++)
        if (!fits(generator->dense + (size_t)u * words, need, model->words, model->guard))
            return false;
    return true;
}

int32_t scheduling_generate_parallel(struct scheduling_generator *generator, int direction,
                                     const int32_t *rank, int32_t *ret_starts, int32_t *scratch)
{
    const struct scheduling_model *model = generator->model;
    int32_t n = model->n, makespan = 0, left = n;
    struct parallel parallel = {.generator = generator,
                                .direction = direction,
                                .rank = rank,
                                .starts = ret_starts,
                                .open = scratch,
                                .ready = scratch + n,
                                .ready_at = scratch + 2 * n,
                                .heap = scratch + 3 * n};
    reset(generator, direction);
    for (int32_t i = 0; i < n; i++) {
        parallel.open[i] = model->arc_at[direction][i + 1] - model->arc_at[direction][i];
        parallel.ready_at[i] = direction ? 0 : model->release[i];
    }
    for (int32_t s = 0; s < (direction ? 1 : model->base_count); s++)
        heap_add(&parallel, model->base[s].time);
    for (int32_t i = 0; i < n; i++)
        if (parallel.open[i] == 0)
            make_ready(&parallel, i);
    while (left) {
        int32_t time = heap_take(&parallel);
        while (parallel.heap_count && parallel.heap[0] == time)
            heap_take(&parallel);
        for (int32_t k = 0; k < parallel.ready_count; k++) {
            int32_t task = parallel.ready[k], start = time;
            bool fixed = !direction && model->fixed[task] >= 0;
            if (!fixed && (parallel.ready_at[task] > time || !fits_at(generator, task, time)))
                continue;
            memmove(parallel.ready + k, parallel.ready + k + 1,
                    (size_t)(--parallel.ready_count - k) * sizeof(int32_t));
            start = fixed ? model->fixed[task] : place(generator, task, time);
            int32_t others = parallel.ready_count;
            started(&parallel, task, start);
            left--;
            if (start + model->duration[task] > makespan)
                makespan = start + model->duration[task];
            k = parallel.ready_count > others ? -1 : k - 1; /* new ones may stand before */
        }
    }
    generator->dirty = makespan > generator->filled ? makespan : generator->filled;
    return makespan;
}

/* ---- what a schedule is worth ---- */

int64_t scheduling_lateness(const struct scheduling_model *model, const int32_t *starts)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < model->n; i++) {
        int64_t late = (int64_t)starts[i] + model->duration[i] - model->due[i];
        if (late > 0)
            sum += late * model->weight[i];
    }
    return sum;
}

bool scheduling_holds(const struct scheduling_model *model, const int32_t *starts)
{
    int32_t n = model->n, m = model->resources;
    for (int32_t i = 0; i < n; i++) {
        if (model->fixed[i] >= 0 ? starts[i] != model->fixed[i] : starts[i] < model->release[i])
            return false;
        for (int32_t a = model->arc_at[0][i]; a < model->arc_at[0][i + 1]; a++)
            if (starts[model->arc[0][a]] + model->duration[model->arc[0][a]] > starts[i])
                return false;
    }
    /* Use is largest where a task or a step of the base begins. */
    for (int32_t k = 0; k < n + model->base_count; k++) {
        int32_t time = k < n ? starts[k] : model->base[k - n].time, segment = 0;
        while (segment + 1 < model->base_count && model->base[segment + 1].time <= time)
            segment++;
        for (int32_t r = 0; r < m; r++) {
            int64_t use = 0;
            for (int32_t i = 0; i < n; i++)
                if (starts[i] <= time && time < starts[i] + model->duration[i])
                    use += model->demand[i * m + r];
            if (use > model->base[segment].free[r])
                return false;
        }
    }
    return true;
}
