/* bound.c - lower bounds of the makespan that cost no search.
 *
 * Contract: every value is true for every schedule; the largest is kept together with its reason.
 * Path: heads and tails.  Energy: the work of the tasks that can neither start before a time nor
 * end later than a tail before the end must be done between; with all tasks this is the capacity
 * bound. Pairs: the same for sets of tasks of which no two may overlap, as on one machine.
 * O(windows × tasks × resources), with the number of windows held below a fixed effort. */
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define EFFORT ((int64_t)4000000)
#define PAIRS_MAX 400 /* tasks, for sets of excluding tasks */

void scheduling_bound_raise(struct scheduling_bound *bound, int32_t value,
                            enum scheduling_proof proof)
{
    if (value > bound->value)
        *bound = (struct scheduling_bound){value, proof};
}

struct sorted { /* waiting tasks that use something, by head and by what follows them */
    int32_t *by_head, *by_rest;
    int32_t *rest; /* [n] least time between a task's end and the end of all */
    int32_t count;
};

static int by_key(const void *a, const void *b, void *key)
{
    int32_t x = ((const int32_t *)key)[*(const int32_t *)a];
    int32_t y = ((const int32_t *)key)[*(const int32_t *)b];
    return (x < y) - (x > y); /* largest first */
}

static struct sorted sort_tasks(const struct scheduling_model *model, struct arena *arena)
{
    size_t n = (size_t)model->n;
    struct sorted out = {.by_head = arena_array(arena, n + 1, sizeof(int32_t)),
                         .by_rest = arena_array(arena, n + 1, sizeof(int32_t)),
                         .rest = arena_array(arena, n + 1, sizeof(int32_t))};
    for (int32_t i = 0; i < model->n; i++) {
        out.rest[i] = model->tail[i] - model->duration[i];
        if (model->fixed[i] < 0 && model->duration[i] > 0 && model->load[i] > 0)
            out.by_head[out.count++] = i;
    }
    memcpy(out.by_rest, out.by_head, (size_t)out.count * sizeof(int32_t));
    qsort_r(out.by_head, (size_t)out.count, sizeof(int32_t), by_key, model->head);
    qsort_r(out.by_rest, (size_t)out.count, sizeof(int32_t), by_key, out.rest);
    return out;
}

/* The earliest time by which so much work can have been done from `from` on. */
static int64_t work_end(const struct scheduling_model *model, int32_t resource, int32_t from,
                        int64_t work)
{
    int64_t time = from;
    for (int32_t s = 0; s < model->base_count; s++) {
        bool last = s + 1 == model->base_count;
        int64_t until = last ? INT64_MAX : model->base[s + 1].time;
        int64_t free = model->base[s].free[resource];
        if (until <= time)
            continue;
        if (last || (free && work <= (until - time) * free))
            return free ? time + (work + free - 1) / free : time;
        work -= (until - time) * free;
        time = until;
    }
    return time;
}

/* For one earliest start: sets grow by what follows, largest first. */
static void energy_from(const struct scheduling_model *model, const struct sorted *sorted,
                        int32_t resource, int32_t from, struct scheduling_bound *bound)
{
    int64_t work = 0;
    int32_t m = model->resources, least = INT32_MAX;
    for (int32_t k = 0; k < sorted->count; k++) {
        int32_t i = sorted->by_rest[k], rest = sorted->rest[i];
        if (model->head[i] < from || !model->demand[i * m + resource])
            continue;
        work += (int64_t)model->demand[i * m + resource] * model->duration[i];
        least = rest < least ? rest : least;
        int64_t end = work_end(model, resource, from, work) + least;
        if (end > bound->value && end < INT32_MAX)
            scheduling_bound_raise(bound, (int32_t)end, SCHEDULING_BY_ENERGY);
    }
}

static void energy(const struct scheduling_model *model, const struct sorted *sorted,
                   struct scheduling_bound *bound)
{
    int32_t heads = 0, skip;
    for (int32_t r = 0; r < model->resources; r++) { /* all tasks: the capacity bound by itself */
        int64_t work = 0, end;
        int32_t from = INT32_MAX, rest = INT32_MAX;
        for (int32_t k = 0; k < sorted->count; k++) {
            int32_t i = sorted->by_head[k];
            if (!model->demand[i * model->resources + r])
                continue;
            work += (int64_t)model->demand[i * model->resources + r] * model->duration[i];
            from = model->head[i] < from ? model->head[i] : from;
            rest = sorted->rest[i] < rest ? sorted->rest[i] : rest;
        }
        if (work && (end = work_end(model, r, from, work) + rest) < INT32_MAX)
            scheduling_bound_raise(bound, (int32_t)end, SCHEDULING_BY_CAPACITY);
    }
    for (int32_t k = 0; k < sorted->count; k++)
        heads += k == 0 || model->head[sorted->by_head[k]] != model->head[sorted->by_head[k - 1]];
    int64_t cost = (int64_t)heads * sorted->count * model->resources;
    skip = (int32_t)(cost / EFFORT) + 1;
    int32_t seen = 0;
    for (int32_t k = 0; k < sorted->count; k++) {
        int32_t from = model->head[sorted->by_head[k]];
        if (k && from == model->head[sorted->by_head[k - 1]])
            continue;
        if (seen++ % skip == 0)
            for (int32_t r = 0; r < model->resources; r++)
                energy_from(model, sorted, r, from, bound);
    }
}

/* ---- sets of tasks that exclude one another ---- */

static bool apart(const struct scheduling_model *model, int32_t a, int32_t b)
{
    for (int32_t r = 0; r < model->resources; r++)
        if (model->demand[a * model->resources + r] + model->demand[b * model->resources + r] >
            model->capacity[r])
            return true;
    return false;
}

/* Every subset: none starts before h, all together take their durations, at least q follows. */
static void one_machine(const struct scheduling_model *model, const struct sorted *sorted,
                        const int32_t *set, int32_t count, struct scheduling_bound *bound)
{
    for (int32_t a = 0; a < count; a++)
        for (int32_t b = 0; b < count; b++) {
            int32_t from = model->head[set[a]], rest = sorted->rest[set[b]];
            int64_t end = (int64_t)from + rest;
            for (int32_t k = 0; k < count; k++)
                if (model->head[set[k]] >= from && sorted->rest[set[k]] >= rest)
                    end += model->duration[set[k]];
            if (end > bound->value && end < INT32_MAX && model->head[set[b]] >= from &&
                sorted->rest[set[a]] >= rest)
                scheduling_bound_raise(bound, (int32_t)end, SCHEDULING_BY_PAIRS);
        }
}

static void pairs(const struct scheduling_model *model, const struct sorted *sorted,
                  struct scheduling_bound *bound, struct arena *arena)
{
    int32_t *order = arena_array(arena, (size_t)sorted->count + 1, sizeof *order);
    int32_t *set = arena_array(arena, (size_t)sorted->count + 1, sizeof *set);
    if (sorted->count > PAIRS_MAX)
        return;
    memcpy(order, sorted->by_head, (size_t)sorted->count * sizeof *order);
    qsort_r(order, (size_t)sorted->count, sizeof *order, by_key, model->duration);
    for (int32_t first = 0; first < sorted->count; first++) {
        int32_t count = 1;
        set[0] = order[first];
        for (int32_t k = 0; k < sorted->count && count < 40; k++) {
            bool fits = k != first;
            for (int32_t j = 0; j < count && fits; j++)
                fits = apart(model, order[k], set[j]);
            if (fits)
                set[count++] = order[k];
        }
        if (count > 1)
            one_machine(model, sorted, set, count, bound);
    }
}

struct scheduling_bound scheduling_bound_cheap(const struct scheduling_model *model,
                                               struct arena *arena)
{
    struct scheduling_bound bound = {model->longest, SCHEDULING_BY_PATH};
    struct sorted sorted = sort_tasks(model, arena);
    energy(model, &sorted, &bound);
    pairs(model, &sorted, &bound, arena);
    return bound;
}
