/* spread.c - how the makespan spreads when durations do.
 *
 * Contract: durations are drawn independently from their quantiles (straight lines between them and
 * on beyond the outer two, never below 0); tasks with fewer than two quantiles keep their duration,
 * as do done ones.  The plan is carried out by its earliest-start policy.  Every plan sees the same
 * draws, so plans differ by order alone (common random numbers). */
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/scheduling_priv.h"

#define DRAWN_MAX ((size_t)1 << 24) /* durations kept */

struct scheduling_draws {
    const struct scheduling_model *model;
    int64_t count;
    double share;
    int64_t *duration; /* [count × n], problem time */
    int64_t *length;   /* [count] makespans of the plan looked at last, sorted */
    int64_t *ends;
    double mean;
};

static int64_t draw(const struct scheduling_task *task, struct rand *rand)
{
    const struct scheduling_quantile *q = task->quantiles.items;
    size_t count = task->quantiles.count, k = 1;
    double share = rand_unit(rand);
    if (count < 2 || task->state == SCHEDULING_DONE)
        return task->duration;
    while (k + 1 < count && share > q[k].share)
        k++;
    double slope = (double)(q[k].duration - q[k - 1].duration) / (q[k].share - q[k - 1].share);
    double value = (double)q[k - 1].duration + (share - q[k - 1].share) * slope;
    return value > 0 ? (int64_t)(value + 0.5) : 0;
}

struct scheduling_draws *scheduling_draws_new(const struct scheduling_model *model,
                                              const struct scheduling_input *input,
                                              struct arena *arena)
{
    struct scheduling_draws *draws = arena_zalloc(arena, sizeof *draws);
    size_t n = (size_t)model->n;
    struct rand rand;
    rand_init(&rand, input->seed ^ 0x5ca1ab1e);
    draws->model = model;
    draws->share = input->robust_share;
    draws->count = input->draws;
    if (n && (size_t)draws->count > DRAWN_MAX / n)
        draws->count = (int64_t)(DRAWN_MAX / n);
    draws->duration = arena_array(arena, (size_t)draws->count * n + 1, sizeof(int64_t));
    draws->length = arena_array(arena, (size_t)draws->count + 1, sizeof(int64_t));
    draws->ends = arena_array(arena, n + 1, sizeof(int64_t));
    for (int64_t k = 0; k < draws->count; k++)
        for (size_t i = 0; i < n; i++)
            draws->duration[(size_t)k * n + i] =
                draw(&input->problem->tasks.items[model->outside[i]], &rand);
    return draws;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t quantile(const struct scheduling_draws *draws, double share)
{
    int64_t at = (int64_t)(share * (double)draws->count);
    return draws->length[at < draws->count ? at : draws->count - 1];
}

struct scheduling_spread scheduling_spread_of(struct scheduling_draws *draws, const int32_t *starts,
                                              struct arena *arena)
{
    struct scheduling_flow flow;
    struct scheduling_spread out = {.draws = draws->count};
    double sum = 0;
    if (draws->count < 1)
        return out;
    scheduling_flow_build(draws->model, starts, &flow, arena);
    for (int64_t k = 0; k < draws->count; k++) {
        draws->length[k] = scheduling_flow_length(
            draws->model, &flow, draws->duration + k * draws->model->n, draws->ends);
        sum += (double)draws->length[k];
    }
    qsort(draws->length, (size_t)draws->count, sizeof *draws->length, by_value);
    draws->mean = out.mean = sum / (double)draws->count;
    out.p50 = quantile(draws, 0.5);
    out.p90 = quantile(draws, 0.9);
    out.p99 = quantile(draws, 0.99);
    return out;
}

double scheduling_spread_value(struct scheduling_draws *draws)
{
    return draws->share > 0 ? (double)quantile(draws, draws->share) : draws->mean;
}
