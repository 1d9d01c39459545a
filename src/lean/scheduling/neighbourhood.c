/* neighbourhood.c - large neighbourhood search: a window of time of a plan, searched exactly.
 *
 * Contract: what ends before the window is pushed to the left, what starts behind it is pushed to
 * the right against the makespan that is asked for, and both keep these places; the tasks of the
 * window are free between them.  Whether they fit is a small problem of its own, which exact.c
 * answers within a few conflicts.  A plan that is found keeps every rule (it is checked again by
 * solve.c).  Effort is counted, never timed: same seed, same plans. */
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define WINDOW_CONFLICTS 400 /* for one question */
#define SIZE_FIRST 20
#define SIZE_LEAST 6
#define SIZE_STEP 0.5 /* more after a window without way out, fewer after one that is too hard */
#define SHORTER                                                                                  \
    0.5             /* share of questions for a shorter plan; the others: as long, but different \
                     */
#define SHUFFLE 0.6 /* share of the window by which tasks stand back in the latter */
#define WORK_OF_TASK 8

enum side { INSIDE, LEFT, RIGHT };

struct window {
    int32_t from, until;
};

struct scheduling_neighbourhood {
    const struct scheduling_model *model;
    const struct scheduling_input *input;
    struct arena *arena;
    struct arena window; /* of one question */
    struct rand rand;
    int32_t steps;     /* of the profile */
    uint64_t *base;    /* [steps × words] free of waiting tasks */
    uint64_t *profile; /* and of those that keep their place */
    int32_t *order;    /* [n] by start */
    int32_t *counts;   /* [steps + 2] */
    int32_t *key;      /* [n] */
    uint8_t *side;     /* [n] */
    int32_t *place;    /* [n] number in the window, of those inside */
    int32_t *task;     /* [n] and back */
    int32_t *plan;     /* [n] the plan in hand */
    int32_t makespan;  /* of it */
    int32_t *starts;   /* [n] the next, while it is made */
    int32_t count;     /* tasks of the window */
    double size;       /* how many tasks windows have at present */
    int64_t windows, conflicts, work;
};

struct scheduling_neighbourhood *scheduling_neighbourhood_new(const struct scheduling_model *model,
                                                              const struct scheduling_input *input,
                                                              int32_t makespan, struct arena *arena)
{
    struct scheduling_neighbourhood *near = arena_zalloc(arena, sizeof *near);
    size_t n = (size_t)model->n, words = (size_t)model->words;
    near->model = model;
    near->input = input;
    near->arena = arena;
    arena_init(&near->window, (size_t)1 << 30);
    rand_init(&near->rand, input->seed ^ 0x77696e646f77u);
    near->steps = makespan;
    near->base = arena_array(arena, (size_t)makespan * words + 1, sizeof *near->base);
    near->profile = arena_array(arena, (size_t)makespan * words + 1, sizeof *near->profile);
    near->order = arena_array(arena, n + 1, sizeof(int32_t));
    near->counts = arena_array(arena, (size_t)makespan + 2, sizeof(int32_t));
    near->key = arena_array(arena, n + 1, sizeof(int32_t));
    near->side = arena_array(arena, n + 1, sizeof *near->side);
    near->place = arena_array(arena, n + 1, sizeof(int32_t));
    near->task = arena_array(arena, n + 1, sizeof(int32_t));
    near->plan = arena_array(arena, n + 1, sizeof(int32_t));
    near->starts = arena_array(arena, n + 1, sizeof(int32_t));
    near->size = SIZE_FIRST;
    for (int32_t s = 0; s < model->base_count; s++) {
        int32_t until = s + 1 < model->base_count ? model->base[s + 1].time : makespan;
        for (int32_t t = model->base[s].time; t < until && t < makespan; t++)
            memcpy(near->base + (size_t)t * words, model->packed_base + (size_t)s * words,
                   words * sizeof(uint64_t));
    }
    return near;
}

void scheduling_neighbourhood_done(struct scheduling_neighbourhood *near)
{
    if (near)
        arena_done(&near->window);
}

/* ---- what keeps its place ---- */

static bool fits(const struct scheduling_neighbourhood *near, int32_t task, int32_t time)
{
    size_t words = (size_t)near->model->words;
    const uint64_t *free = near->profile + (size_t)time * words;
    const uint64_t *need = near->model->need + (size_t)task * words;
    uint64_t all = near->model->guard;
    for (size_t w = 0; w < words; w++)
        all &= free[w] - need[w];
    return all == near->model->guard;
}

static void occupy(struct scheduling_neighbourhood *near, int32_t task, int32_t start)
{
    size_t words = (size_t)near->model->words;
    const uint64_t *need = near->model->need + (size_t)task * words;
    for (int32_t t = start; t < start + near->model->duration[task]; t++)
        for (size_t w = 0; w < words; w++)
            near->profile[(size_t)t * words + w] -= need[w];
}

/* At `from` or later, before `until` in all; -1: nowhere. */
static int32_t earliest(const struct scheduling_neighbourhood *near, int32_t task, int32_t from,
                        int32_t until)
{
    int32_t duration = near->model->duration[task];
    while (from + duration <= until) {
        int32_t t = from + duration - 1;
        while (t >= from && fits(near, task, t))
            t--;
        if (t < from)
            return from;
        from = t + 1;
    }
    return -1;
}

/* The latest start that ends by `until`; -1: nowhere. */
static int32_t latest(const struct scheduling_neighbourhood *near, int32_t task, int32_t until)
{
    int32_t duration = near->model->duration[task];
    while (until >= duration) {
        int32_t t = until - duration;
        while (t < until && fits(near, task, t))
            t++;
        if (t >= until)
            return until - duration;
        until = t;
    }
    return -1;
}

/* Tasks by key, which is in [0, steps]; stable, so predecessors stay first. */
static void sort_by(struct scheduling_neighbourhood *near, const int32_t *key)
{
    int32_t n = near->model->n;
    memset(near->counts, 0, (size_t)(near->steps + 2) * sizeof *near->counts);
    for (int32_t i = 0; i < n; i++)
        near->counts[key[i] + 1]++;
    for (int32_t t = 1; t <= near->steps; t++)
        near->counts[t] += near->counts[t - 1];
    for (int32_t i = 0; i < n; i++)
        near->order[near->counts[key[i]]++] = i;
}

/* When what is on the left lets the task start. */
static int32_t head_of(const struct scheduling_neighbourhood *near, int32_t task)
{
    const struct scheduling_model *model = near->model;
    int32_t time = model->release[task];
    for (int32_t a = model->arc_at[0][task]; a < model->arc_at[0][task + 1]; a++) {
        int32_t p = model->arc[0][a], end = near->starts[p] + model->duration[p];
        if (near->side[p] == LEFT && end > time)
            time = end;
    }
    return time;
}

/* By when it must end for what is on the right. */
static int32_t end_of(const struct scheduling_neighbourhood *near, int32_t task, int32_t goal)
{
    const struct scheduling_model *model = near->model;
    int32_t time = goal;
    for (int32_t a = model->arc_at[1][task]; a < model->arc_at[1][task + 1]; a++) {
        int32_t s = model->arc[1][a];
        if (near->side[s] == RIGHT && near->starts[s] < time)
            time = near->starts[s];
    }
    return time;
}

static void take_sides(struct scheduling_neighbourhood *near, const struct window *window)
{
    const struct scheduling_model *model = near->model;
    near->count = 0;
    for (int32_t i = 0; i < model->n; i++) {
        if (model->fixed[i] >= 0 || near->plan[i] + model->duration[i] <= window->from) {
            near->side[i] = LEFT;
        } else if (near->plan[i] >= window->until) {
            near->side[i] = RIGHT;
        } else {
            near->side[i] = INSIDE;
            near->place[i] = near->count;
            near->task[near->count++] = i;
        }
    }
}

static bool push_left(struct scheduling_neighbourhood *near, int32_t goal)
{
    const struct scheduling_model *model = near->model;
    sort_by(near, near->plan);
    for (int32_t k = 0; k < model->n; k++) {
        int32_t i = near->order[k], start = model->fixed[i];
        if (near->side[i] != LEFT)
            continue;
        if (start < 0) {
            start = earliest(near, i, head_of(near, i), goal);
            if (start < 0)
                return false;
            occupy(near, i, start);
        }
        near->starts[i] = start;
    }
    return true;
}

static bool push_right(struct scheduling_neighbourhood *near, int32_t goal)
{
    const struct scheduling_model *model = near->model;
    int32_t n = model->n;
    for (int32_t i = 0; i < n; i++)
        near->key[i] = near->plan[i] + model->duration[i];
    sort_by(near, near->key);
    for (int32_t k = n - 1; k >= 0; k--) {
        int32_t i = near->order[k];
        if (near->side[i] != RIGHT)
            continue;
        int32_t start = latest(near, i, end_of(near, i, goal));
        if (start < head_of(near, i))
            return false;
        near->starts[i] = start;
        occupy(near, i, start);
    }
    return true;
}

/* ---- the small problem ---- */

static int32_t *ints(struct scheduling_neighbourhood *near, int32_t count)
{
    return arena_array(&near->window, (size_t)count + 2, sizeof(int32_t));
}

static void small_arcs(struct scheduling_neighbourhood *near, struct scheduling_model *small)
{
    const struct scheduling_model *model = near->model;
    for (int d = 0; d < 2; d++) {
        int32_t total = 0;
        for (int32_t k = 0; k < near->count; k++)
            total += model->arc_at[d][near->task[k] + 1] - model->arc_at[d][near->task[k]];
        small->arc_at[d] = ints(near, near->count);
        small->arc[d] = ints(near, total);
        total = 0;
        for (int32_t k = 0; k < near->count; k++) {
            int32_t i = near->task[k];
            small->arc_at[d][k] = total;
            for (int32_t a = model->arc_at[d][i]; a < model->arc_at[d][i + 1]; a++)
                if (near->side[model->arc[d][a]] == INSIDE)
                    small->arc[d][total++] = near->place[model->arc[d][a]];
        }
        small->arc_at[d][near->count] = total;
    }
}

/* Heads from `begin` on, tails before `end`; false: some task has no place. */
static bool small_times(struct scheduling_neighbourhood *near, struct scheduling_model *small,
                        int32_t goal, int32_t *ret_begin, int32_t *ret_end)
{
    const struct scheduling_model *model = near->model;
    int32_t n = near->count, begin = INT32_MAX, end = 0;
    for (int32_t k = 0; k < n; k++) {
        int32_t head = head_of(near, near->task[k]);
        for (int32_t a = small->arc_at[0][k]; a < small->arc_at[0][k + 1]; a++) {
            int32_t p = small->arc[0][a];
            if (small->head[p] + small->duration[p] > head)
                head = small->head[p] + small->duration[p];
        }
        small->duration[k] = model->duration[near->task[k]];
        small->head[k] = head;
        begin = head < begin ? head : begin;
    }
    for (int32_t k = n - 1; k >= 0; k--) { /* for now: the latest start */
        int32_t last = end_of(near, near->task[k], goal);
        for (int32_t a = small->arc_at[1][k]; a < small->arc_at[1][k + 1]; a++)
            if (small->tail[small->arc[1][a]] < last)
                last = small->tail[small->arc[1][a]];
        small->tail[k] = last - small->duration[k];
        if (small->tail[k] < small->head[k])
            return false;
        end = last > end ? last : end;
    }
    for (int32_t k = 0; k < n; k++) {
        small->head[k] -= begin;
        small->tail[k] = end - small->tail[k];
        if (small->head[k] + small->duration[k] > small->longest)
            small->longest = small->head[k] + small->duration[k];
    }
    *ret_begin = begin;
    *ret_end = end;
    return true;
}

static void small_base(struct scheduling_neighbourhood *near, struct scheduling_model *small,
                       int32_t begin, int32_t end)
{
    const struct scheduling_model *model = near->model;
    size_t words = (size_t)model->words;
    int32_t span = end - begin, m = model->resources, count = 0;
    const uint64_t *free = near->profile + (size_t)begin * words;
    uint64_t mask = ((uint64_t)1 << (model->lane_bits - 1)) - 1;
    small->base = arena_array(&near->window, (size_t)span + 1, sizeof *small->base);
    small->packed_base = arena_array(&near->window, (size_t)span * words + 1, sizeof *free);
    small->capacity = ints(near, m);
    for (int32_t t = 0; t < span; t++, free += words) {
        uint64_t *packed = small->packed_base + (size_t)count * words;
        if (count && memcmp(packed - words, free, words * sizeof *free) == 0)
            continue;
        memcpy(packed, free, words * sizeof *free);
        small->base[count].time = t;
        small->base[count].free = ints(near, m);
        for (int32_t r = 0; r < m; r++) {
            int shift = (r % model->lanes) * model->lane_bits;
            int32_t left = (int32_t)(free[r / model->lanes] >> shift & mask);
            small->base[count].free[r] = left;
            if (left > small->capacity[r])
                small->capacity[r] = left;
        }
        count++;
    }
    small->base_count = count;
}

static struct scheduling_model *small_problem(struct scheduling_neighbourhood *near, int32_t goal,
                                              int32_t *ret_begin, int32_t *ret_end)
{
    const struct scheduling_model *model = near->model;
    int32_t n = near->count, m = model->resources;
    size_t words = (size_t)model->words;
    struct scheduling_model *small = arena_zalloc(&near->window, sizeof *small);
    small->n = n;
    small->resources = m;
    small->lane_bits = model->lane_bits;
    small->lanes = model->lanes;
    small->words = model->words;
    small->guard = model->guard;
    small->duration = ints(near, n);
    small->head = ints(near, n);
    small->tail = ints(near, n);
    small->fixed = ints(near, n);
    small->load = ints(near, n);
    small->release = ints(near, n);
    small->demand = ints(near, n * m);
    small->need = arena_array(&near->window, (size_t)n * words + 1, sizeof *small->need);
    small_arcs(near, small);
    if (!small_times(near, small, goal, ret_begin, ret_end))
        return NULL;
    for (int32_t k = 0; k < n; k++) {
        int32_t i = near->task[k];
        small->fixed[k] = -1;
        small->load[k] = model->load[i];
        small->release[k] = small->head[k];
        memcpy(small->need + (size_t)k * words, model->need + (size_t)i * words,
               words * sizeof *small->need);
        memcpy(small->demand + k * m, model->demand + i * m, (size_t)m * sizeof *small->demand);
    }
    small_base(near, small, *ret_begin, *ret_end);
    return small;
}

/* ---- one question ---- */

/* Is there a plan that ends by `goal` and differs only in the window?  `shuffled`: whichever. */
static enum scheduling_verdict ask(struct scheduling_neighbourhood *near,
                                   const struct window *window, int32_t goal, bool shuffled)
{
    size_t words = (size_t)near->model->words;
    int32_t begin, end;
    arena_clear(&near->window);
    memcpy(near->profile, near->base, (size_t)goal * words * sizeof *near->profile);
    take_sides(near, window);
    near->windows++;
    near->work += near->model->n * WORK_OF_TASK + goal * near->model->words;
    if (!push_left(near, goal) || !push_right(near, goal))
        return SCHEDULING_UNKNOWN;
    struct scheduling_model *small = small_problem(near, goal, &begin, &end);
    if (!small)
        return SCHEDULING_REFUTED;
    int32_t *found = ints(near, near->count), *guide = ints(near, near->count);
    struct scheduling_exact *exact =
        scheduling_exact_new(small, end - begin, rand_u64(&near->rand), &near->window);
    for (int32_t k = 0; k < near->count; k++)
        guide[k] = near->plan[near->task[k]] - begin;
    scheduling_exact_guide(exact, guide);
    if (shuffled)
        scheduling_exact_shuffle(exact, (int32_t)((end - begin) * SHUFFLE));
    enum scheduling_verdict verdict =
        scheduling_exact_try(exact, end - begin, WINDOW_CONFLICTS, near->input, found);
    near->conflicts += scheduling_exact_conflicts(exact);
    near->work += scheduling_exact_work(exact);
    for (int32_t k = 0; verdict == SCHEDULING_FOUND && k < near->count; k++)
        near->starts[near->task[k]] = found[k] + begin;
    return verdict;
}

/* ---- which windows ---- */

static int32_t count_inside(const struct scheduling_neighbourhood *near, int32_t from,
                            int32_t until)
{
    const struct scheduling_model *model = near->model;
    int32_t count = 0;
    for (int32_t i = 0; i < model->n; i++)
        count += model->fixed[i] < 0 && near->plan[i] + model->duration[i] > from &&
                 near->plan[i] < until;
    return count;
}

/* About a task by chance, as wide as it takes to hold so many. */
static struct window choose_window(struct scheduling_neighbourhood *near)
{
    const struct scheduling_model *model = near->model;
    int32_t i = (int32_t)rand_below(&near->rand, (uint64_t)model->n);
    int32_t middle = near->plan[i] + model->duration[i] / 2, low = 1, high = near->makespan;
    while (low < high) {
        int32_t half = (low + high) / 2;
        if (count_inside(near, middle - half, middle + half) >= (int32_t)near->size)
            high = half;
        else
            low = half + 1;
    }
    near->work += model->n * WORK_OF_TASK;
    return (struct window){middle - low, middle + low};
}

static void resize(struct scheduling_neighbourhood *near, enum scheduling_verdict verdict)
{
    double most = near->model->n > SIZE_LEAST ? near->model->n : SIZE_LEAST;
    if (verdict == SCHEDULING_REFUTED)
        near->size += SIZE_STEP;
    if (verdict == SCHEDULING_UNKNOWN)
        near->size -= SIZE_STEP;
    near->size = near->size < SIZE_LEAST ? SIZE_LEAST : near->size > most ? most : near->size;
}

static int32_t makespan_of(const struct scheduling_model *model, const int32_t *starts)
{
    int32_t end = 0;
    for (int32_t i = 0; i < model->n; i++)
        if (starts[i] + model->duration[i] > end)
            end = starts[i] + model->duration[i];
    return end;
}

void scheduling_neighbourhood_begin(struct scheduling_neighbourhood *near, const int32_t *starts)
{
    memcpy(near->plan, starts, (size_t)near->model->n * sizeof *starts);
    near->makespan = makespan_of(near->model, starts);
}

bool scheduling_neighbourhood_step(struct scheduling_neighbourhood *near)
{
    bool shorter = rand_unit(&near->rand) < SHORTER;
    struct window window = choose_window(near);
    enum scheduling_verdict verdict = ask(near, &window, near->makespan - shorter, !shorter);
    if (shorter)
        resize(near, verdict);
    if (verdict != SCHEDULING_FOUND)
        return false;
    scheduling_neighbourhood_begin(near, near->starts);
    return true;
}

const int32_t *scheduling_neighbourhood_plan(const struct scheduling_neighbourhood *near,
                                             int32_t *ret_makespan)
{
    *ret_makespan = near->makespan;
    return near->plan;
}

struct scheduling_effort
scheduling_neighbourhood_effort(const struct scheduling_neighbourhood *near)
{
    return (struct scheduling_effort){near->windows, near->conflicts, near->work};
}
