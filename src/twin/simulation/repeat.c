/* repeat.c - the same scenario over many seeds, and the intervals that its runs give.
 *
 * Contract: runs are independent (seed, seed + 1, …), so the intervals are Student's, 95 %.  Memory
 * of a run is given back before the next one. */
#include <math.h>

#include "twin/simulation/simulation_priv.h"

#define RUNS_MOST 1000

static const struct json_field repeated_fields[] = {
    JSON_FIELD("flow", JSON_STRING, struct simulation_repeated, flow, 0, "name"),
    JSON_FIELD("phase", JSON_STRING, struct simulation_repeated, phase, 0, "before, during, after"),
    JSON_FIELD("from_s", JSON_DOUBLE, struct simulation_repeated, from_s, JSON_KEEP, "its begin"),
    JSON_FIELD("to_s", JSON_DOUBLE, struct simulation_repeated, to_s, 0, "its end"),
    JSON_FIELD("mean_ms", JSON_OPT_DOUBLE, struct simulation_repeated, mean_ms, 0,
               "mean of the runs' mean latencies"),
    JSON_FIELD("mean_half_ms", JSON_OPT_DOUBLE, struct simulation_repeated, mean_half_ms, 0,
               "half of its 95 % interval"),
    JSON_FIELD("mean_change_ms", JSON_OPT_DOUBLE, struct simulation_repeated, mean_change_ms, 0,
               "against the same requests without the faults"),
    JSON_FIELD("mean_change_half_ms", JSON_OPT_DOUBLE, struct simulation_repeated,
               mean_change_half_ms, 0, "half of its 95 % interval"),
    JSON_FIELD("p99_ms", JSON_OPT_DOUBLE, struct simulation_repeated, p99_ms, 0,
               "mean of the runs' 99th percentiles"),
    JSON_FIELD("p99_half_ms", JSON_OPT_DOUBLE, struct simulation_repeated, p99_half_ms, 0,
               "half of its 95 % interval"),
    JSON_FIELD("loss", JSON_OPT_DOUBLE, struct simulation_repeated, loss, 0, "share of requests"),
    JSON_FIELD("loss_half", JSON_OPT_DOUBLE, struct simulation_repeated, loss_half, 0,
               "half of its 95 % interval"),
};
static const struct json_table repeated_table =
    JSON_TABLE("SimulationRepeated", struct simulation_repeated, repeated_fields,
               "one flow in one phase, over all runs", NULL);
static const struct json_field repetition_fields[] = {
    JSON_FIELD("seed", JSON_INT, struct simulation_repetition, seed, 0, "of the first run"),
    JSON_FIELD("runs", JSON_INT, struct simulation_repetition, runs, 0, "how many"),
    JSON_FIELD_TABLE("outcomes", JSON_ARRAY, struct simulation_repetition, outcomes, JSON_KEEP,
                     &repeated_table, "by flow and phase"),
    JSON_FIELD("assumptions", JSON_STRINGS, struct simulation_repetition, assumptions, JSON_KEEP,
               "what was assumed where nothing is said"),
};
const struct json_table simulation_repetition_table =
    JSON_TABLE("SimulationRepetition", struct simulation_repetition, repetition_fields,
               "the same over many seeds, with intervals", NULL);

struct sample {
    double sum, square, first; /* less the first, so that nothing is lost where all are near it */
    int64_t count;
};

enum { OF_MEAN, OF_CHANGE, OF_P99, OF_LOSS, SAMPLES };

static void add(struct sample *sample, struct opt_double value)
{
    if (!value.set)
        return;
    if (!sample->count++)
        sample->first = value.value;
    sample->sum += value.value - sample->first;
    sample->square += (value.value - sample->first) * (value.value - sample->first);
}

/* 97.5 % of Student's distribution: a table, then Cornish and Fisher's series. */
static double student(int64_t freedom)
{
    static const double exact[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                   2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
    if (freedom <= 10)
        return exact[freedom - 1];
    double z = 1.959963984540054, n = (double)freedom;
    return z + (z * z * z + z) / (4 * n) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

static void tell(const struct sample *sample, struct opt_double *mean, struct opt_double *half)
{
    double n = (double)sample->count;
    if (sample->count < 1)
        return;
    *mean = (struct opt_double){true, sample->first + sample->sum / n};
    if (sample->count < 2)
        return;
    double variance = fmax(0, sample->square - sample->sum * sample->sum / n) / (n - 1);
    *half = (struct opt_double){true, student(sample->count - 1) * sqrt(variance / n)};
}

/* The first run makes the list; bounds of phases are the same in all. */
static void take_names(const struct simulation_result *result, struct simulation_repetition *out,
                       struct arena *arena)
{
    for (size_t i = 0; i < result->outcomes.count; i++) {
        const struct simulation_outcome *one = &result->outcomes.items[i];
        *LIST_ADD(arena, &out->outcomes) = (struct simulation_repeated){
            .flow = one->flow, .phase = one->phase, .from_s = one->from_s, .to_s = one->to_s};
    }
    for (size_t i = 0; i < result->assumptions.count; i++)
        *LIST_ADD(arena, &out->assumptions) = arena_strdup(arena, result->assumptions.items[i]);
}

enum err_code simulation_repeat(const struct network *network,
                                const struct simulation_scenario *scenario, uint64_t seed,
                                int64_t runs, struct simulation_repetition *out,
                                struct arena *arena, struct err *err)
{
    struct simulation_repetition repetition = {.seed = (int64_t)seed, .runs = runs};
    struct sample *samples = NULL;
    if (runs < 2 || runs > RUNS_MOST)
        return err_set(err, ERR_INVALID, "runs are 2 to %d", RUNS_MOST);
    for (int64_t i = 0; i < runs; i++) {
        CLEANUP(arena_done) struct arena scratch = ARENA_INIT;
        struct simulation_result result;
        scratch.max = arena->max;
        enum err_code rc =
            simulation_run(network, scenario, seed + (uint64_t)i, &result, &scratch, err);
        if (rc)
            return rc;
        if (!i) {
            take_names(&result, &repetition, arena);
            samples = arena_array(arena, result.outcomes.count * SAMPLES, sizeof *samples);
        }
        for (size_t k = 0; k < result.outcomes.count; k++) {
            const struct simulation_outcome *one = &result.outcomes.items[k];
            struct sample *at = &samples[k * SAMPLES];
            add(&at[OF_MEAN], one->with.mean_ms);
            add(&at[OF_CHANGE], one->mean_change_ms);
            add(&at[OF_P99], one->with.p99_ms);
            add(&at[OF_LOSS], (struct opt_double){one->with.offered > 0, one->with.loss});
        }
    }
    for (size_t k = 0; k < repetition.outcomes.count; k++) {
        struct simulation_repeated *one = &repetition.outcomes.items[k];
        const struct sample *at = &samples[k * SAMPLES];
        tell(&at[OF_MEAN], &one->mean_ms, &one->mean_half_ms);
        tell(&at[OF_CHANGE], &one->mean_change_ms, &one->mean_change_half_ms);
        tell(&at[OF_P99], &one->p99_ms, &one->p99_half_ms);
        tell(&at[OF_LOSS], &one->loss, &one->loss_half);
    }
    enum err_code rc = arena_check(arena, err);
    if (!rc)
        *out = repetition;
    return rc;
}
