/* random_problem.c - problems from a seed, a checker and brute force, all by plain recomputation.
 */
#include "random_problem.h"

#include <string.h>

static int64_t between(struct rand *rand, int64_t low, int64_t high)
{
    return low + (int64_t)rand_below(rand, (uint64_t)(high - low + 1));
}

static void add_calendar(struct scheduling_resource *resource, struct rand *rand,
                         struct arena *arena)
{
    int64_t at = between(rand, 0, 6);
    for (int64_t parts = between(rand, 0, 2); parts > 0; parts--) {
        struct scheduling_interval *part = LIST_ADD(arena, &resource->calendar);
        part->from = at;
        part->to = at + between(rand, 1, 4);
        part->capacity = between(rand, 0, resource->capacity + 1);
        at = part->to + between(rand, 0, 3);
    }
}

/* The first tasks have run or run; their times need not make sense, they are facts. */
static void add_states(struct scheduling_problem *out, struct rand *rand)
{
    out->now = between(rand, 0, 5);
    size_t begun = rand_below(rand, out->tasks.count / 2 + 1);
    for (size_t i = 0; i < begun; i++) {
        struct scheduling_task *task = &out->tasks.items[i];
        task->start = between(rand, 0, out->now);
        task->state =
            task->start + task->duration <= out->now ? SCHEDULING_DONE : SCHEDULING_RUNNING;
    }
}

void random_problem(const struct random_shape *shape, struct rand *rand,
                    struct scheduling_problem *out, struct arena *arena)
{
    memset(out, 0, sizeof *out);
    for (size_t r = 0; r < shape->resources; r++) {
        struct scheduling_resource *resource = LIST_ADD(arena, &out->resources);
        resource->capacity = between(rand, 1, 6);
        if (!shape->plain)
            add_calendar(resource, rand, arena);
    }
    for (size_t i = 0; i < shape->tasks; i++) {
        struct scheduling_task *task = LIST_ADD(arena, &out->tasks);
        int64_t *demands = arena_array(arena, shape->resources + 1, sizeof *demands);
        task->duration = between(rand, 0, shape->longest);
        for (size_t r = 0; r < shape->resources; r++)
            demands[r] = between(rand, 0, out->resources.items[r].capacity);
        task->demands = demands;
        for (size_t k = 0; k < i; k++)
            if (rand_unit(rand) < shape->arcs)
                *LIST_ADD(arena, &task->after) = k;
        if (shape->plain)
            continue;
        task->release = rand_unit(rand) < 0.3 ? between(rand, 0, 8) : 0;
        task->deadline = rand_unit(rand) < 0.5 ? between(rand, 1, 12) : SCHEDULING_FOREVER;
        task->weight = between(rand, 0, 3);
    }
    if (!shape->plain && rand_unit(rand) < 0.5)
        add_states(out, rand);
}

static int64_t capacity_at(const struct scheduling_resource *resource, int64_t time)
{
    for (size_t i = 0; i < resource->calendar.count; i++) {
        const struct scheduling_interval *part = &resource->calendar.items[i];
        if (part->from <= time && time < part->to)
            return part->capacity;
    }
    return resource->capacity;
}

static bool is_waiting(const struct scheduling_task *task)
{
    return task->state == SCHEDULING_WAITING;
}

/* What all tasks, or only those that were not free to choose, use at a time. */
static int64_t use_at(const struct scheduling_problem *problem, const int64_t *starts,
                      size_t resource, int64_t time, bool fixed_only)
{
    int64_t use = 0;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        if (starts[i] < 0 || (fixed_only && is_waiting(task)))
            continue;
        if (starts[i] <= time && time < starts[i] + task->duration && task->demands)
            use += task->demands[resource];
    }
    return use;
}

static bool fits_at(const struct scheduling_problem *problem, const int64_t *starts, int64_t time)
{
    for (size_t r = 0; r < problem->resources.count; r++) {
        int64_t all = use_at(problem, starts, r, time, false);
        int64_t fixed = use_at(problem, starts, r, time, true);
        /* Facts may exceed a capacity; then nothing may be added to them. */
        if (all > fixed && all > capacity_at(&problem->resources.items[r], time))
            return false;
    }
    return true;
}

/* The next time after `time` at which some use or capacity may change. */
static int64_t next_change(const struct scheduling_problem *problem, const int64_t *starts,
                           int64_t time)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < problem->tasks.count; i++)
        if (starts[i] > time && starts[i] < next)
            next = starts[i];
    for (size_t r = 0; r < problem->resources.count; r++)
        for (size_t i = 0; i < problem->resources.items[r].calendar.count; i++) {
            const struct scheduling_interval *part = &problem->resources.items[r].calendar.items[i];
            if (part->from > time && part->from < next)
                next = part->from;
            if (part->to > time && part->to < next)
                next = part->to;
        }
    return next;
}

const char *broken_rule(const struct scheduling_problem *problem, const int64_t *starts)
{
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        if (!is_waiting(task) && starts[i] != task->start)
            return "a running or done task has moved";
        if (!is_waiting(task))
            continue;
        if (starts[i] < problem->now || starts[i] < task->release)
            return "a task starts before now or before its release";
        for (size_t k = 0; k < task->after.count; k++) {
            size_t p = task->after.items[k];
            if (starts[p] + problem->tasks.items[p].duration > starts[i])
                return "a task starts before its predecessor ends";
        }
        for (int64_t t = starts[i]; t < starts[i] + task->duration;
             t = next_change(problem, starts, t))
            if (!fits_at(problem, starts, t))
                return "a capacity is exceeded";
    }
    return NULL;
}

int64_t makespan_of(const struct scheduling_problem *problem, const int64_t *starts)
{
    int64_t makespan = 0;
    for (size_t i = 0; i < problem->tasks.count; i++)
        if (starts[i] + problem->tasks.items[i].duration > makespan)
            makespan = starts[i] + problem->tasks.items[i].duration;
    return makespan;
}

int64_t lateness_of(const struct scheduling_problem *problem, const int64_t *starts)
{
    int64_t sum = 0;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        int64_t end = starts[i] + task->duration;
        if (task->deadline > 0 && end > task->deadline)
            sum += (end - task->deadline) * task->weight;
    }
    return sum;
}

static bool may_start(const struct scheduling_problem *problem, int64_t *starts, size_t i,
                      int64_t time)
{
    bool fits = true;
    starts[i] = time;
    for (int64_t t = time; t < time + problem->tasks.items[i].duration && fits; t++)
        fits = fits_at(problem, starts, t);
    starts[i] = -1;
    return fits;
}

static void try_orders(const struct scheduling_problem *problem, int64_t *starts, size_t left,
                       int64_t *best)
{
    if (left == 0) {
        int64_t makespan = makespan_of(problem, starts);
        *best = makespan < *best ? makespan : *best;
        return;
    }
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        int64_t time = task->release > problem->now ? task->release : problem->now;
        bool ready = starts[i] < 0;
        for (size_t k = 0; k < task->after.count && ready; k++) {
            size_t p = task->after.items[k];
            ready = starts[p] >= 0;
            if (ready && starts[p] + problem->tasks.items[p].duration > time)
                time = starts[p] + problem->tasks.items[p].duration;
        }
        if (!ready)
            continue;
        while (!may_start(problem, starts, i, time))
            time++;
        starts[i] = time;
        try_orders(problem, starts, left - 1, best);
        starts[i] = -1;
    }
}

int64_t shortest_by_force(const struct scheduling_problem *problem)
{
    int64_t starts[16], best = INT64_MAX;
    size_t left = 0;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        starts[i] = is_waiting(task) ? -1 : task->start;
        left += is_waiting(task);
    }
    try_orders(problem, starts, left, &best);
    return best;
}
