/* outcomes.c - what flows and stations saw, and how it differs from the run without the faults.
 *
 * Contract: quantiles are exact (nearest rank). */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/simulation/run_priv.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static struct opt_double quantile_ms(const struct sim_tally *tally, double q)
{
    if (!tally->count)
        return (struct opt_double){0};
    size_t rank = (size_t)ceil(q * (double)tally->count);
    return (struct opt_double){true, tally->latencies[rank ? rank - 1 : 0] * 1000};
}

/* Variance of the mean, as if answers were independent. */
static double uncertainty(const struct sim_tally *tally)
{
    double mean = tally->sum / (double)tally->count, square = 0;
    for (size_t i = 0; i < tally->count; i++)
        square += (tally->latencies[i] - mean) * (tally->latencies[i] - mean);
    return square / ((double)tally->count * (double)tally->count);
}

static struct simulation_figures figures_of(const struct sim_tally *tally, double length_s)
{
    struct simulation_figures figures = tally->figures;
    if (tally->count)
        figures.mean_ms = (struct opt_double){true, tally->sum / (double)tally->count * 1000};
    figures.p50_ms = quantile_ms(tally, 0.5);
    figures.p99_ms = quantile_ms(tally, 0.99);
    figures.throughput_per_s = (double)figures.answered / length_s;
    figures.loss = figures.offered ? (double)figures.lost / (double)figures.offered : 0;
    figures.availability = fmin(1, tally->available_s / length_s);
    return figures;
}

/* What a flow saw in all stretches between two times; latencies sorted, to be freed. */
static struct sim_tally gather(const struct sim_run *run, size_t flow, double from, double to)
{
    const double *bounds = run->world->stretches;
    struct sim_tally all = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < run->world->stretch_count; i++) {
            const struct sim_tally *one = &run->flows[flow].tally[i];
            if (bounds[i] < from || bounds[i + 1] > to)
                continue;
            if (!pass) {
                all.room += one->count;
                all.sum += one->sum;
                all.available_s += one->available_s;
                all.figures.offered += one->figures.offered;
                all.figures.answered += one->figures.answered;
                all.figures.lost += one->figures.lost;
                all.figures.retries += one->figures.retries;
            } else if (one->count) {
                memcpy(all.latencies + all.count, one->latencies,
                       one->count * sizeof *all.latencies);
                all.count += one->count;
            }
        }
        if (!pass)
            all.latencies = all.room ? mem_array(all.room, sizeof *all.latencies) : NULL;
    }
    if (all.count)
        qsort(all.latencies, all.count, sizeof *all.latencies, by_value);
    return all;
}

static double ratio_of(double a, double b)
{
    return b > 0 ? a / b : 1;
}

static void tell_stations(const struct sim_run *with, const struct sim_run *base,
                          struct simulation_result *out)
{
    const struct sim_world *world = with->world;
    size_t count = (size_t)world->instances;
    out->stations.items = arena_array(world->arena, count, sizeof *out->stations.items);
    out->stations.count = count;
    for (size_t i = 0; i < count; i++) {
        const struct sim_station *a = &with->stations[i], *b = &base->stations[i];
        int32_t number = world->instance_service[i];
        const struct simulation_service *service = &with->scenario->services.items[number];
        double slots = (double)world->services[number].slots;
        double time = fmax(with->now, DBL_MIN), base_time = fmax(base->now, DBL_MIN);
        out->stations.items[i] = (struct simulation_station){
            .service = service->name,
            .site = service->sites.items[(int32_t)i - world->services[number].first],
            .visits = a->visits,
            .base_visits = b->visits,
            .utilisation = a->busy_area / time / slots,
            .base_utilisation = b->busy_area / base_time / slots,
            .mean_present = a->present_area / time,
            .base_mean_present = b->present_area / base_time,
            .mean_response_ms = a->visits ? a->response_sum / (double)a->visits * 1000 : 0,
            .base_mean_response_ms = b->visits ? b->response_sum / (double)b->visits * 1000 : 0};
    }
}

static void tell_tasks(const struct sim_run *run, struct simulation_result *out)
{
    const struct sim_world *world = run->world;
    for (size_t f = 0; f < run->scenario->flows.count; f++)
        for (size_t k = 0; world->flow_tasks[f] && k < run->scenario->flows.items[f].tasks.count;
             k++) {
            double response_s = run->flows[f].response_s[k];
            struct simulation_task_outcome *one = LIST_ADD(world->arena, &out->tasks);
            *one = (struct simulation_task_outcome){.flow = run->scenario->flows.items[f].name,
                                                    .at_s = world->flow_tasks[f][k].at};
            if (response_s >= 0)
                one->response_ms = (struct opt_double){true, response_s * 1000};
        }
}

static struct opt_double change_of(struct opt_double with, struct opt_double base)
{
    return with.set && base.set ? (struct opt_double){true, with.value - base.value}
                                : (struct opt_double){0};
}

#define LOSSY 0.001
#define CLEARLY 3.0 /* standard errors */
#define MORE 1.1

static const char *state_of(const struct simulation_outcome *one, const struct sim_tally *with,
                            const struct sim_tally *base)
{
    if (one->loss_change >= 0.5 || one->availability_change <= -0.5)
        return "down";
    if (one->loss_change > LOSSY || one->availability_change < -LOSSY)
        return "lossy";
    if (one->mean_change_ms.set && one->with.mean_ms.value > MORE * one->base.mean_ms.value &&
        one->mean_change_ms.value / 1000 > CLEARLY * sqrt(uncertainty(with) + uncertainty(base)))
        return "slower";
    if (ratio_of((double)one->with.offered, (double)one->base.offered) > MORE &&
        (double)(one->with.offered - one->base.offered) >
            CLEARLY * sqrt((double)(one->with.offered + one->base.offered)))
        return "busier";
    return "same";
}

static struct simulation_outcome outcome_of(const struct sim_run *with, const struct sim_run *base,
                                            size_t flow, double from, double to)
{
    static const char *const phases[] = {"before", "during", "after"};
    const double *bounds = with->world->bounds;
    struct sim_tally a = gather(with, flow, from, to), b = gather(base, flow, from, to);
    struct simulation_outcome one = {.flow = with->scenario->flows.items[flow].name,
                                     .phase = phases[(from >= bounds[1]) + (from >= bounds[2])],
                                     .from_s = from,
                                     .to_s = to,
                                     .with = figures_of(&a, to - from),
                                     .base = figures_of(&b, to - from)};
    one.mean_change_ms = change_of(one.with.mean_ms, one.base.mean_ms);
    one.p99_change_ms = change_of(one.with.p99_ms, one.base.p99_ms);
    one.throughput_change_per_s = one.with.throughput_per_s - one.base.throughput_per_s;
    one.loss_change = one.with.loss - one.base.loss;
    one.availability_change = one.with.availability - one.base.availability;
    /* before the first fault all is as it was, but for what was under way when it came */
    one.state = to <= bounds[1] ? "same" : state_of(&one, &a, &b);
    mem_free(a.latencies);
    mem_free(b.latencies);
    return one;
}

/* Parallel links are one happening. */
static void tell_happenings(const struct sim_world *world, struct simulation_result *out)
{
    static const char *const stages[] = {"begins", "noticed", "ends", "end noticed"};
    const struct sim_change *last = NULL;
    for (size_t i = 0; i < world->change_count; i++) {
        const struct sim_change *change = &world->changes[i];
        const struct simulation_fault *fault = change->fault;
        if (change->at >= world->scenario->duration_s ||
            (last && last->fault == fault && last->at == change->at &&
             last->notice == change->notice && last->begins == change->begins))
            continue;
        last = change;
        *LIST_ADD(world->arena, &out->happenings) = (struct simulation_happening){
            .at_s = change->at,
            .kind = fault->kind,
            .stage = stages[(change->begins ? 0 : 2) + change->notice],
            .what = fault->a      ? arena_printf(world->arena, "%s—%s", fault->a, fault->b)
                    : fault->site ? fault->site
                                  : fault->flow,
            .factor = fault->factor};
    }
}

void simulation_compare(const struct sim_run *with, const struct sim_run *base,
                        struct simulation_result *out)
{
    const struct sim_world *world = with->world;
    for (size_t f = 0; f < with->scenario->flows.count; f++) {
        for (int i = 0; i < SIMULATION_PHASES; i++)
            if (world->bounds[i + 1] > world->bounds[i])
                *LIST_ADD(world->arena, &out->outcomes) =
                    outcome_of(with, base, f, world->bounds[i], world->bounds[i + 1]);
        for (int32_t i = 0; world->timeline && i < world->stretch_count; i++)
            *LIST_ADD(world->arena, &out->timeline) =
                outcome_of(with, base, f, world->stretches[i], world->stretches[i + 1]);
    }
    tell_happenings(world, out);
    tell_stations(with, base, out);
    tell_tasks(with, out);
    out->events = (int64_t)(with->handled + base->handled);
    out->ended_s = with->now;
}
