/* replan.c - a new plan for what has changed, near the one in force.
 *
 * Contract: a few dozen schedules, no population: the old order kept, at the old times where it can
 * be, a little sooner, or as soon as possible; then lists with some tasks moved, from the best so
 * far.  What is minimised is makespan × 1000 + price × disturbance (+ lateness).  Running and done
 * tasks are fixed by the model. */
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define SCHEDULES_DEFAULT 40
#define PRICE_DEFAULT 10

struct replan {
    const struct scheduling_model *model;
    struct scheduling_generator generator;
    struct rand rand;
    int64_t price;
    int32_t *old;  /* [n] start in the plan in force, -1 = none */
    int32_t *rank; /* [n] where it stands in the order */
    int32_t *list, *trial, *starts, *best, *floor;
    int64_t best_cost;
};

static int by_rank(const void *a, const void *b, void *rank)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int32_t s = ((const int32_t *)rank)[x], t = ((const int32_t *)rank)[y];
    return s != t ? (s > t) - (s < t) : (x > y) - (x < y);
}

static int64_t cost_of(const struct replan *replan, int32_t makespan)
{
    const struct scheduling_model *model = replan->model;
    int64_t moved = 0;
    for (int32_t i = 0; i < model->n; i++)
        if (replan->old[i] >= 0 && model->fixed[i] < 0)
            moved += abs(replan->starts[i] - replan->old[i]);
    return (int64_t)makespan * 1000 + moved * replan->price +
           scheduling_lateness(model, replan->starts);
}

/* Makes the schedule of a list; true when it is the best so far. */
static bool attempt(struct replan *replan, const int32_t *list, const int32_t *floor)
{
    replan->generator.not_before = floor;
    int32_t makespan = scheduling_generate(&replan->generator, 0, list, replan->starts);
    int64_t cost = cost_of(replan, makespan);
    if (cost >= replan->best_cost)
        return false;
    replan->best_cost = cost;
    memcpy(replan->best, replan->starts, (size_t)replan->model->n * sizeof *replan->best);
    return true;
}

/* A task never stands before one that it waits for. */
static void make_list(struct replan *replan)
{
    const struct scheduling_model *model = replan->model;
    for (int32_t i = 0; i < model->n; i++) {
        int32_t rank = replan->old[i] >= 0 ? replan->old[i] : model->head[i];
        for (int32_t a = model->arc_at[0][i]; a < model->arc_at[0][i + 1]; a++)
            if (replan->rank[model->arc[0][a]] > rank)
                rank = replan->rank[model->arc[0][a]];
        replan->rank[i] = rank;
        replan->list[i] = i;
    }
    qsort_r(replan->list, (size_t)model->n, sizeof(int32_t), by_rank, replan->rank);
}

static void set_floor(struct replan *replan, int32_t sooner)
{
    for (int32_t i = 0; i < replan->model->n; i++)
        replan->floor[i] = replan->old[i] > sooner ? replan->old[i] - sooner : 0;
}

static bool waits_for(const struct scheduling_model *model, int32_t task, int32_t other)
{
    for (int32_t a = model->arc_at[0][task]; a < model->arc_at[0][task + 1]; a++)
        if (model->arc[0][a] == other)
            return true;
    return false;
}

/* One task some places forward, as far as arcs let it. */
static void move_one(struct replan *replan, int32_t *list)
{
    int32_t at = (int32_t)rand_below(&replan->rand, (uint64_t)replan->model->n), task = list[at];
    int32_t steps = 1 + (int32_t)rand_below(&replan->rand, 20);
    for (; steps && at > 0 && !waits_for(replan->model, task, list[at - 1]); steps--, at--)
        list[at] = list[at - 1];
    list[at] = task;
}

static void search(struct replan *replan, int64_t schedules)
{
    size_t bytes = (size_t)replan->model->n * sizeof(int32_t);
    int32_t sooner[] = {0, 1, 2, 4, 8, 16, 32};
    attempt(replan, replan->list, NULL);
    int32_t chosen = INT32_MAX;
    for (size_t k = 0; k < ARRAY_LEN(sooner) && replan->generator.made < schedules; k++) {
        set_floor(replan, sooner[k]);
        if (attempt(replan, replan->list, replan->floor))
            chosen = sooner[k];
    }
    set_floor(replan, chosen);
    while (replan->generator.made < schedules && replan->model->n > 1) {
        memcpy(replan->trial, replan->list, bytes);
        for (int k = 0; k < 3; k++)
            move_one(replan, replan->trial);
        if (attempt(replan, replan->trial, chosen == INT32_MAX ? NULL : replan->floor))
            memcpy(replan->list, replan->trial, bytes);
    }
}

static int32_t take_old(struct replan *replan, const struct scheduling_change *change)
{
    const struct scheduling_model *model = replan->model;
    int32_t latest = 0;
    for (int32_t i = 0; i < model->n; i++) {
        int64_t start = change->starts[model->outside[i]];
        replan->old[i] = start < 0 ? -1 : (int32_t)(start / model->unit);
        latest = replan->old[i] > latest ? replan->old[i] : latest;
    }
    return latest;
}

static enum err_code check(const struct scheduling_problem *problem,
                           const struct scheduling_change *change, struct err *err)
{
    for (size_t i = 0; i < problem->tasks.count; i++)
        if (change->starts[i] > SCHEDULING_MAX_HORIZON * 1000) {
            err_set(err, ERR_INVALID, "the plan in force starts a task too late");
            return err_field(err, "starts[%zu]", i);
        }
    return ERR_OK;
}

static void count_moves(const struct scheduling_problem *problem, const int64_t *old,
                        const int64_t *starts, struct scheduling_moves *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < problem->tasks.count; i++) {
        int64_t by = llabs(starts[i] - old[i]);
        if (old[i] < 0 || problem->tasks.items[i].state != SCHEDULING_WAITING || by == 0)
            continue;
        ret->moved++;
        ret->disturbance += by;
        ret->largest = by > ret->largest ? by : ret->largest;
    }
}

enum err_code scheduling_replan(const struct scheduling_problem *problem,
                                const struct scheduling_change *change, struct scheduling_plan *out,
                                struct scheduling_moves *ret_moves, struct arena *arena,
                                struct err *err)
{
    struct replan replan = {.price = change->disturbance > 0 ? change->disturbance : PRICE_DEFAULT,
                            .best_cost = INT64_MAX};
    struct scheduling_model *model;
    enum err_code rc = check(problem, change, err);
    if (rc || (rc = scheduling_model_new(problem, &model, arena, err)))
        return rc;
    size_t n = (size_t)model->n;
    replan.model = model;
    rand_init(&replan.rand, change->seed);
    int32_t **columns[] = {&replan.old,    &replan.rank, &replan.list, &replan.trial,
                           &replan.starts, &replan.best, &replan.floor};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        *columns[i] = arena_array(arena, n + 1, sizeof **columns[i]);
    int32_t latest = take_old(&replan, change);
    if (latest > SCHEDULING_MAX_HORIZON)
        return err_set(err, ERR_TOO_LARGE, "the plan in force ends too late");
    scheduling_generator_init(&replan.generator, model, model->horizon + latest, arena);
    make_list(&replan);
    search(&replan, change->schedules > 0 ? change->schedules : SCHEDULES_DEFAULT);
    memset(out, 0, sizeof *out);
    scheduling_fill_plan(model, replan.best, out, arena);
    struct scheduling_bound bound = scheduling_bound_cheap(model, arena);
    out->lower_bound = bound.value * model->unit;
    out->proof = bound.proof;
    out->schedules = replan.generator.made;
    out->heuristic = out->makespan;
    count_moves(problem, change->starts, out->starts, ret_moves);
    return arena_check(arena, err);
}
