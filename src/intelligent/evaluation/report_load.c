/* report_load.c - throughput and concurrent users: what one instance was seen to serve, times the
 * instances, against what is asked of the whole.
 *
 * The least component decides.  One that is measured and too weak fails, whatever the others are;
 * one that is not measured leaves it unknown. */
#include "intelligent/evaluation/evaluation_priv.h"

static bool is_of(const struct feasibility_measurement *item,
                  const struct application_spec_ref *ref, const char *component, int how)
{
    switch (how) {
    case 0:
        return ref && ref->id && str_eq(item->application, ref->id);
    case 1:
        return ref && ref->spec.name && str_eq(item->application, ref->spec.name);
    default:
        return str_eq(item->component, component);
    }
}

const struct feasibility_measurement *evaluation_measured(const struct evaluation_model *model,
                                                          size_t component, int metric)
{
    const struct feasibility_measurements *known = model->input.measurements;
    const struct application_spec_ref *ref = evaluation_application(model, component);
    const char *name = model->requirement->components.items[component].name;
    const struct feasibility_measurement *best = NULL;
    for (int how = 0; known && how < 3 && !best; how++)
        for (size_t i = 0; i < known->items.count; i++) {
            const struct feasibility_measurement *item = &known->items.items[i];
            if (item->metric == metric && is_of(item, ref, name, how) &&
                (!best || item->at_ms > best->at_ms)) /* the latest */
                best = item;
        }
    return best;
}

static void check_load(struct evaluation_model *model, struct evaluation_checks *checks,
                       const char *code, const char *field, const char *unit, int metric,
                       double asked)
{
    struct arena *arena = checks->arena;
    const struct feasibility_measurement *least_of = NULL;
    const char *component = NULL;
    double least = INFINITY;
    bool all = true;
    for (size_t c = 0; c < model->requirement->components.count; c++) {
        const struct feasibility_measurement *item = evaluation_measured(model, c, metric);
        all = all && item;
        if (!item || item->value * (double)model->instances[c] >= least)
            continue;
        least = item->value * (double)model->instances[c];
        least_of = item;
        component = model->requirement->components.items[c].name;
    }
    bool weak = least_of && least < asked - EVALUATION_AMOUNT_TOL;
    int verdict = weak ? VERDICT_FAIL : all && least_of ? VERDICT_PASS : VERDICT_UNKNOWN;
    struct evaluation_claim item = {
        DIMENSION_BUSINESS,
        code,
        component ? component : "service",
        evaluation_number(arena, asked),
        least_of ? evaluation_number(arena, least) : NULL,
        unit,
        evaluation_margin(least_of ? least - asked : NAN),
        verdict,
        verdict == VERDICT_UNKNOWN ? 0.0 : feasibility_tag_confidence(least_of->tag)};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    if (least_of)
        evaluation_evidence_add(checks, check, "measurement",
                                least_of->application ? least_of->application : least_of->component,
                                least_of->source ? least_of->source : "measured of one instance",
                                least_of->at_ms);
    if (!all)
        evaluation_evidence_add(checks, check, "requirement", field,
                                "no measurement of the application at this size", 0);
}

void evaluation_report_load(struct evaluation_model *model, struct evaluation_checks *checks)
{
    const struct requirement_service_level *level = &model->requirement->service_level;
    if (level->throughput_per_s.set)
        check_load(model, checks, "throughput", "service_level.throughput_per_s", "1/s",
                   METRIC_THROUGHPUT_PER_S, level->throughput_per_s.value);
    if (level->concurrent_users.set)
        check_load(model, checks, "concurrent_users", "service_level.concurrent_users", NULL,
                   METRIC_CONCURRENT_USERS, (double)level->concurrent_users.value);
}
