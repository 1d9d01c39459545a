/* solve.c - the way from a problem to a plan: bounds, search and exact search in turn.
 *
 * Contract: effort is counted in schedules and conflicts, never in time, so the same input and seed
 * give the same plan unless should_stop ends it.  Rounds alternate: genetic search, then a little
 * exact search from below (which raises the bound, and ends the search when it meets the best),
 * then windows of the best plan, and at the end exact search from above.  What exact search finds,
 * in windows or outside, never enters the population: `heuristic` is what schedule generation alone
 * has found. */
#include <assert.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define SCHEDULES_DEFAULT 20000
#define FIRST_ROUND 200
#define CHECKED_TASKS 2000    /* plans of so many are checked before they leave; quadratic */
#define SMALL_TASKS 45        /* closed if it can be */
#define SMALL_CONFLICTS 20000 /* less than a second */
#define MIDDLE_TASKS 75
#define MIDDLE_CONFLICTS 8000 /* less than half a second */
#define LARGE_SHARE 10        /* of larger ones: one conflict for so many schedules */
#define WINDOWS_MAX 4000000   /* starts that are open, all tasks together */
#define STEP_CONFLICTS 200    /* for one makespan from below */
#define DEAR_SCHEDULES 5000   /* each more buys a third of the windows */
#define SMALL_SCHEDULES 3000  /* more buy no windows for what exact search closes, or nearly */
#define MOST_SCHEDULES ((int64_t)1 << 40)
#define WINDOW_TASKS 120      /* more tasks buy no more windows */
#define WORK_OF_SCHEDULE 1000 /* steps of propagation in windows, for a schedule and a task */

struct solver {
    const struct scheduling_input *input;
    const struct scheduling_model *model;
    struct scheduling_search *search;
    struct scheduling_neighbourhood *near; /* NULL: not begun, or out of reach */
    struct scheduling_exact *exact;        /* NULL: not begun, or out of reach */
    struct scheduling_bound bound;
    int32_t *starts; /* best of both */
    int32_t makespan;
    int64_t lateness;
    int64_t budget;
    struct arena *arena;
};

static bool is_stopped(const struct solver *solver)
{
    return scheduling_search_stopped(solver->search) ||
           (solver->input->should_stop && solver->input->should_stop(solver->input->stop_ctx));
}

static bool is_closed(const struct solver *solver)
{
    return solver->makespan <= solver->bound.value && solver->lateness == 0;
}

static void take(struct solver *solver, const int32_t *starts, int32_t makespan, int64_t lateness)
{
    if (makespan > solver->makespan ||
        (makespan == solver->makespan && lateness >= solver->lateness))
        return;
    solver->makespan = makespan;
    solver->lateness = lateness;
    memcpy(solver->starts, starts, (size_t)solver->model->n * sizeof *starts);
}

static void search(struct solver *solver, int64_t until)
{
    scheduling_search_run(solver->search, until, solver->bound.value);
    const struct scheduling_best *best = scheduling_search_best(solver->search);
    take(solver, best->starts, best->makespan, best->lateness);
}

/* ---- exact search ---- */

static bool exact_is_within_reach(const struct solver *solver)
{
    int64_t windows = 0;
    if (solver->input->method == SCHEDULING_HEURISTIC || solver->model->n < 1)
        return false;
    for (int32_t i = 0; i < solver->model->n; i++)
        windows += solver->makespan - solver->model->head[i] - solver->model->tail[i] + 1;
    return windows <= WINDOWS_MAX && (int64_t)solver->makespan * solver->model->words <= 4000000;
}

static int64_t conflicts_left(const struct solver *solver)
{
    int64_t most = scheduling_search_made(solver->search) / LARGE_SHARE;
    int64_t least = solver->model->n <= SMALL_TASKS    ? SMALL_CONFLICTS
                    : solver->model->n <= MIDDLE_TASKS ? MIDDLE_CONFLICTS
                                                       : 0;
    most = most > least ? most : least;
    return most - (solver->exact ? scheduling_exact_conflicts(solver->exact) : 0);
}

static enum scheduling_verdict try_makespan(struct solver *solver, int32_t makespan,
                                            int64_t conflicts)
{
    int32_t *starts = arena_array(solver->arena, (size_t)solver->model->n + 1, sizeof *starts);
    int64_t before = scheduling_exact_conflicts(solver->exact);
    enum scheduling_verdict verdict =
        scheduling_exact_try(solver->exact, makespan, conflicts, solver->input, starts);
    if (verdict == SCHEDULING_REFUTED)
        scheduling_bound_raise(&solver->bound, makespan + 1,
                               scheduling_exact_conflicts(solver->exact) - before <= 1
                                   ? SCHEDULING_BY_DESTRUCTION
                                   : SCHEDULING_BY_EXACT);
    if (verdict == SCHEDULING_FOUND) {
        int32_t end = 0;
        assert(scheduling_holds(solver->model, starts));
        for (int32_t i = 0; i < solver->model->n; i++)
            if (starts[i] + solver->model->duration[i] > end)
                end = starts[i] + solver->model->duration[i];
        take(solver, starts, end, scheduling_lateness(solver->model, starts));
    }
    return verdict;
}

/* Makespan by makespan from the bound up, as long as each is soon refuted. */
static void raise_bound(struct solver *solver)
{
    while (solver->bound.value < solver->makespan && conflicts_left(solver) > 0) {
        int64_t left = conflicts_left(solver);
        if (try_makespan(solver, solver->bound.value,
                         left < STEP_CONFLICTS ? left : STEP_CONFLICTS) == SCHEDULING_UNKNOWN)
            return;
        if (is_stopped(solver))
            return;
    }
}

static void exact_round(struct solver *solver)
{
    if (solver->bound.value >= solver->makespan || !exact_is_within_reach(solver) ||
        conflicts_left(solver) <= 0 || is_stopped(solver))
        return;
    if (!solver->exact)
        solver->exact = scheduling_exact_new(solver->model, solver->makespan - 1,
                                             solver->input->seed, solver->arena);
    raise_bound(solver);
}

/* Better than the best, as long as there is one; else the best is proven. */
static void close_gap(struct solver *solver)
{
    while (solver->exact && solver->bound.value < solver->makespan && !is_stopped(solver) &&
           conflicts_left(solver) > 0) {
        int32_t goal = solver->makespan - 1;
        scheduling_exact_guide(solver->exact, solver->starts);
        if (try_makespan(solver, goal, conflicts_left(solver)) == SCHEDULING_UNKNOWN)
            return;
    }
}

/* ---- large neighbourhoods ---- */

/* Steps that so many schedules buy. */
static int64_t work_for(const struct solver *solver, int64_t schedules)
{
    int64_t tasks = solver->model->n < WINDOW_TASKS ? solver->model->n : WINDOW_TASKS;
    int64_t most = tasks <= SMALL_TASKS ? SMALL_SCHEDULES : MOST_SCHEDULES;
    schedules = schedules < most ? schedules : most;
    int64_t dear = schedules < DEAR_SCHEDULES ? schedules : DEAR_SCHEDULES;
    return (dear + (schedules - dear) / 3) * tasks * WORK_OF_SCHEDULE;
}

/* Windows of the best plan, until so much work is done in all. */
static void neighbourhood_round(struct solver *solver, int64_t work)
{
    if (solver->makespan <= solver->bound.value || !exact_is_within_reach(solver))
        return;
    if (!solver->near)
        solver->near = scheduling_neighbourhood_new(solver->model, solver->input, solver->makespan,
                                                    solver->arena);
    scheduling_neighbourhood_begin(solver->near, solver->starts);
    while (solver->makespan > solver->bound.value && !is_stopped(solver) &&
           scheduling_neighbourhood_effort(solver->near).work < work) {
        int32_t makespan;
        if (!scheduling_neighbourhood_step(solver->near))
            continue;
        const int32_t *starts = scheduling_neighbourhood_plan(solver->near, &makespan);
        assert(scheduling_holds(solver->model, starts));
        take(solver, starts, makespan, scheduling_lateness(solver->model, starts));
    }
}

/* ---- the spread of durations ---- */

static void choose_robust(struct solver *solver, struct scheduling_plan *out)
{
    struct scheduling_draws *draws =
        scheduling_draws_new(solver->model, solver->input, solver->arena);
    int32_t *starts = arena_array(solver->arena, (size_t)solver->model->n + 1, sizeof *starts);
    int32_t makespan;
    out->spread = scheduling_spread_of(draws, solver->starts, solver->arena);
    double best = scheduling_spread_value(draws);
    for (int32_t k = 0; scheduling_search_candidate(solver->search, k, starts, &makespan); k++) {
        struct scheduling_spread spread = scheduling_spread_of(draws, starts, solver->arena);
        double value = scheduling_spread_value(draws);
        if (value >= best)
            continue;
        best = value;
        out->spread = spread;
        memcpy(solver->starts, starts, (size_t)solver->model->n * sizeof *starts);
        solver->makespan = makespan;
        solver->lateness = scheduling_lateness(solver->model, starts);
    }
}

/* ---- all of it ---- */

void scheduling_fill_plan(const struct scheduling_model *model, const int32_t *starts,
                          struct scheduling_plan *out, struct arena *arena)
{
    size_t n = (size_t)model->n;
    assert(n > CHECKED_TASKS || scheduling_holds(model, starts));
    out->starts = arena_array(arena, n + 1, sizeof *out->starts);
    out->waits = arena_array(arena, n + 1, sizeof *out->waits);
    out->makespan = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t end = ((int64_t)starts[i] + model->duration[i]) * model->unit;
        out->starts[model->outside[i]] = starts[i] * model->unit;
        out->makespan = end > out->makespan ? end : out->makespan;
    }
    out->lateness = scheduling_lateness(model, starts) * model->unit;
    scheduling_explain(model, starts, out->waits, arena);
}

static void run(struct solver *solver)
{
    int64_t until = FIRST_ROUND;
    do {
        search(solver, until < solver->budget ? until : solver->budget);
        if (is_closed(solver))
            return;
        exact_round(solver);
        if (until < solver->budget)
            neighbourhood_round(solver, work_for(solver, until) / 4);
        until = until > INT64_MAX / 4 ? INT64_MAX : until * 4;
    } while (!is_closed(solver) && !is_stopped(solver) &&
             scheduling_search_made(solver->search) < solver->budget);
    neighbourhood_round(solver, work_for(solver, solver->budget));
    if (!is_closed(solver))
        close_gap(solver);
}

enum err_code scheduling_solve(const struct scheduling_input *input, struct scheduling_plan *out,
                               struct arena *arena, struct err *err)
{
    struct scheduling_model *model;
    enum err_code rc = scheduling_model_new(input->problem, &model, arena, err);
    if (rc)
        return rc;
    memset(out, 0, sizeof *out);
    struct solver solver = {.input = input,
                            .model = model,
                            .makespan = INT32_MAX,
                            .lateness = INT64_MAX,
                            .budget = input->schedules > 0 ? input->schedules : SCHEDULES_DEFAULT,
                            .arena = arena};
    solver.starts = arena_array(arena, (size_t)model->n + 1, sizeof *solver.starts);
    solver.bound = scheduling_bound_cheap(model, arena);
    struct scheduling_tuning tuning = scheduling_tuning_for(model->n, solver.budget);
    solver.search = scheduling_search_new(model, input, &tuning, arena);
    run(&solver);
    out->heuristic = scheduling_search_best(solver.search)->makespan * model->unit;
    if (input->draws > 0)
        choose_robust(&solver, out);
    scheduling_fill_plan(model, solver.starts, out, arena);
    out->lower_bound = solver.bound.value * model->unit;
    out->proof = solver.bound.proof;
    out->schedules = scheduling_search_made(solver.search);
    out->duplicates = scheduling_search_duplicates(solver.search);
    out->conflicts = solver.exact ? scheduling_exact_conflicts(solver.exact) : 0;
    if (solver.near) {
        struct scheduling_effort effort = scheduling_neighbourhood_effort(solver.near);
        out->conflicts += effort.conflicts;
        out->windows = effort.windows;
    }
    scheduling_neighbourhood_done(solver.near);
    out->stopped = is_stopped(&solver);
    return arena_check(arena, err);
}
