/* outcomes.c - what flows and stations saw, and how it differs from the run without the faults.
 *
 * Contract: quantiles are exact (nearest rank). */
#include <math.h>
#include <stdlib.h>

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

static struct simulation_figures figures_of(struct sim_tally *tally, double length_s)
{
    struct simulation_figures figures = tally->figures;
    if (tally->count) {
        qsort(tally->latencies, tally->count, sizeof *tally->latencies, by_value);
        figures.mean_ms = (struct opt_double){true, tally->sum / (double)tally->count * 1000};
    }
    figures.p50_ms = quantile_ms(tally, 0.5);
    figures.p99_ms = quantile_ms(tally, 0.99);
    figures.throughput_per_s = (double)figures.answered / length_s;
    figures.loss = figures.offered ? (double)figures.lost / (double)figures.offered : 0;
    figures.availability = fmin(1, tally->available_s / length_s);
    return figures;
}

static void tell_stations(const struct sim_run *run, struct simulation_result *out)
{
    const struct sim_world *world = run->world;
    size_t count = (size_t)world->instances;
    out->stations.items = arena_array(world->arena, count, sizeof *out->stations.items);
    out->stations.count = count;
    for (size_t i = 0; i < count; i++) {
        const struct sim_station *station = &run->stations[i];
        int32_t number = world->instance_service[i];
        const struct simulation_service *service = &run->scenario->services.items[number];
        double time = run->now > 0 ? run->now : 1;
        out->stations.items[i] = (struct simulation_station){
            .service = service->name,
            .site = service->sites.items[(int32_t)i - world->services[number].first],
            .visits = station->visits,
            .utilisation = station->busy_area / time / (double)world->services[number].slots,
            .mean_present = station->present_area / time,
            .mean_response_ms =
                station->visits ? station->response_sum / (double)station->visits * 1000 : 0};
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

void simulation_compare(struct sim_run *with, struct sim_run *base, struct simulation_result *out)
{
    static const char *const phases[] = {"before", "during", "after"};
    const double *bounds = with->world->bounds;
    for (size_t f = 0; f < with->scenario->flows.count; f++)
        for (int i = 0; i < SIMULATION_PHASES; i++) {
            double length = bounds[i + 1] - bounds[i];
            if (length <= 0)
                continue;
            struct simulation_outcome *one = LIST_ADD(with->world->arena, &out->outcomes);
            one->flow = with->scenario->flows.items[f].name;
            one->phase = phases[i];
            one->from_s = bounds[i];
            one->to_s = bounds[i + 1];
            one->with = figures_of(&with->flows[f].tally[i], length);
            one->base = figures_of(&base->flows[f].tally[i], length);
            one->mean_change_ms = change_of(one->with.mean_ms, one->base.mean_ms);
            one->p99_change_ms = change_of(one->with.p99_ms, one->base.p99_ms);
            one->throughput_change_per_s = one->with.throughput_per_s - one->base.throughput_per_s;
            one->loss_change = one->with.loss - one->base.loss;
            one->availability_change = one->with.availability - one->base.availability;
        }
    tell_stations(with, out);
    tell_tasks(with, out);
    out->events = (int64_t)(with->handled + base->handled);
    out->ended_s = with->now;
}
