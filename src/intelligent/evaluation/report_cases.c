/* report_cases.c - how similar past cases went (典型案例).
 *
 * Similarity, 0 to 1, is 0.3 for the scenario, 0.4 for the components, 0.2 for what is demanded and
 * 0.1 for the kinds of sites:
 *   scenario    1 when the same, 0.5 when neither names one, else 0
 *   components  each of the need with the nearest free one of the case; of a pair 0.4 when the
 *               application (or else the name) is the same, 0.2 the form, 0.2 the accelerator, 0.2
 *               for vCPUs and memory (smaller over larger); the sum over the larger count
 *   demands     mean over latency, bandwidth, response, downtime and mode of smaller over larger,
 *               0.5 where one of the two says nothing; 1 where neither does
 *   sites       share of those pairs that stand on the same tier, half where one is not known
 * A case of 0.6 or more is similar.  Contract: the check passes when those that opened weigh (by
 * similarity) at least 0.8 of all similar ones; else, and when none is known, it is unknown: a case
 * that went badly is no proof that this one will. */
#include <stdlib.h>

#include "intelligent/evaluation/evaluation_priv.h"

#define SIMILAR 0.6
#define OPENED_SHARE 0.8
#define SHOWN 5           /* cases in the evidence */
#define COMPONENTS_MAX 64 /* of each side that are compared: O(n²) */

struct ranked {
    const struct feasibility_case *item;
    double similarity;
};

static double ratio(double a, double b)
{
    return a == b ? 1.0 : a <= 0 || b <= 0 ? 0.0 : fmin(a, b) / fmax(a, b);
}

static double closeness(struct opt_double a, struct opt_double b)
{
    return a.set != b.set ? 0.5 : !a.set ? 1.0 : ratio(a.value, b.value);
}

/* "shop@1.2" and "shop" */
static bool same_application(const char *id, const char *name)
{
    size_t len = strlen(name);
    return id && strncmp(id, name, len) == 0 && (id[len] == '@' || !id[len]);
}

struct own { /* one component of the need, as cases are compared with it */
    const struct requirement_component *component;
    const char *application; /* name, or NULL */
    int form, accelerator, tier;
};
struct owns {
    struct own items[COMPONENTS_MAX];
    size_t count, all; /* compared; of how many */
};

static double pair_similarity(const struct own *own, const struct feasibility_case_component *other)
{
    bool same = own->application && other->application
                    ? same_application(other->application, own->application)
                    : str_eq(own->component->name, other->name);
    return 0.4 * same + 0.2 * (own->form == other->form) +
           0.2 * (own->accelerator == other->accelerator) +
           0.1 * closeness(own->component->vcpus, other->vcpus) +
           0.1 * closeness(own->component->memory_gib, other->memory_gib);
}

static int tier_of(const struct evaluation_model *model, const struct solution *solution,
                   const char *component)
{
    for (size_t p = 0; p < solution->placements.count; p++) {
        const struct solution_placement *placement = &solution->placements.items[p];
        size_t node = str_eq(placement->component, component)
                          ? evaluation_index_find(model->index, placement->site)
                          : SIZE_MAX;
        if (node < model->index->sites)
            return model->network->sites.items[node].tier;
    }
    return TIER_ABSENT;
}

static void describe_need(const struct evaluation_model *model, const struct solution *solution,
                          struct owns *out)
{
    const struct requirement *requirement = model->requirement;
    out->all = requirement->components.count;
    out->count = out->all < COMPONENTS_MAX ? out->all : COMPONENTS_MAX;
    for (size_t c = 0; c < out->count; c++) {
        const struct requirement_component *own = &requirement->components.items[c];
        const struct application_spec_ref *ref = evaluation_application(model, c);
        out->items[c] = (struct own){.component = own,
                                     .application = ref ? ref->spec.name : NULL,
                                     .form = own->form ? own->form
                                             : ref     ? ref->spec.form
                                                       : FORM_ABSENT,
                                     .accelerator = own->accelerator ? own->accelerator->kind
                                                                     : ACCELERATOR_ABSENT,
                                     .tier = tier_of(model, solution, own->name)};
    }
}

static void compare_components(const struct owns *owns, const struct feasibility_case *item,
                               double *ret_components, double *ret_sites)
{
    bool taken[COMPONENTS_MAX] = {false};
    size_t others = item->components.count, pairs = 0;
    size_t most = owns->all > others ? owns->all : others;
    others = others < COMPONENTS_MAX ? others : COMPONENTS_MAX;
    double sum = 0, same_tier = 0;
    for (size_t c = 0; c < owns->count; c++) {
        size_t best = SIZE_MAX;
        double most_similar = -1;
        for (size_t k = 0; k < others; k++) {
            double similarity =
                taken[k] ? -1 : pair_similarity(&owns->items[c], &item->components.items[k]);
            if (similarity > most_similar) {
                most_similar = similarity;
                best = k;
            }
        }
        if (best == SIZE_MAX)
            break;
        taken[best] = true;
        sum += most_similar;
        pairs++;
        int tier = owns->items[c].tier, other = item->components.items[best].tier;
        same_tier += tier == TIER_ABSENT || other == TIER_ABSENT ? 0.5 : tier == other;
    }
    *ret_components = most ? sum / (double)most : 0;
    *ret_sites = pairs ? same_tier / (double)pairs : 0;
}

static double compare_demands(const struct evaluation_model *model,
                              const struct feasibility_case *item)
{
    const struct requirement *requirement = model->requirement;
    const struct feasibility_case_demands *other = &item->demands;
    struct opt_double up = requirement->service_level.availability_percent;
    struct opt_double down = {up.set, 100.0 - up.value};
    struct opt_double other_down = {other->availability_percent.set,
                                    100.0 - other->availability_percent.value};
    struct opt_double mode = {requirement->reliability.mode != 0, requirement->reliability.mode};
    struct opt_double other_mode = {other->mode != 0, other->mode};
    const struct opt_double pairs[][2] = {
        {requirement->network.max_latency_ms, other->max_latency_ms},
        {requirement->network.bandwidth_mbps, other->bandwidth_mbps},
        {requirement->service_level.max_response_ms, other->max_response_ms},
        {down, other_down},
        {mode, other_mode},
    };
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (!pairs[i][0].set && !pairs[i][1].set)
            continue;
        sum += closeness(pairs[i][0], pairs[i][1]);
        count++;
    }
    return count ? sum / (double)count : 1.0;
}

static double similarity_of(const struct evaluation_model *model, const struct owns *owns,
                            const struct feasibility_case *item)
{
    double components, sites;
    int own = model->requirement->scenario;
    double scenario = own != item->scenario ? 0.0 : own ? 1.0 : 0.5;
    compare_components(owns, item, &components, &sites);
    return 0.3 * scenario + 0.4 * components + 0.2 * compare_demands(model, item) + 0.1 * sites;
}

static int by_similarity(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity < y->similarity ? 1 : -1;
    if (x->item->at_ms != y->item->at_ms)
        return x->item->at_ms < y->item->at_ms ? 1 : -1;
    return strcmp(x->item->id ? x->item->id : "", y->item->id ? y->item->id : "");
}

static const char *outcome_text(const struct ranked *ranked, struct arena *arena)
{
    const struct feasibility_case_outcome *outcome = &ranked->item->outcome;
    const char *text = arena_printf(arena, "similarity %.2f%s: %s", ranked->similarity,
                                    ranked->item->simulated ? ", simulated" : "",
                                    outcome->opened ? "opened" : "not opened");
    if (outcome->opening_s.set)
        text = arena_printf(arena, "%s; %.1f s", text, outcome->opening_s.value);
    if (outcome->cost_month.set)
        text = arena_printf(arena, "%s; %.2f %s/month", text, outcome->cost_month.value,
                            ranked->item->currency ? ranked->item->currency : "?");
    if (outcome->latency_ms.set)
        text = arena_printf(arena, "%s; %.6g ms", text, outcome->latency_ms.value);
    if (outcome->availability_percent.set)
        text = arena_printf(arena, "%s; %.6g %%", text, outcome->availability_percent.value);
    if (outcome->state)
        text = arena_printf(arena, "%s; %s", text, outcome->state);
    return text;
}

void evaluation_report_cases(struct evaluation_model *model, const struct solution *solution,
                             struct evaluation_checks *checks)
{
    struct arena *arena = checks->arena;
    const struct feasibility_cases *cases = model->input.cases;
    size_t known = cases ? cases->items.count : 0, similar = 0, opened = 0, real = 0;
    struct ranked *ranked = arena_array(arena, known + 1, sizeof *ranked);
    double weight = 0, good = 0;
    struct owns owns;
    if (known)
        describe_need(model, solution, &owns);
    for (size_t i = 0; i < known; i++) {
        const struct feasibility_case *item = &cases->items.items[i];
        double similarity = similarity_of(model, &owns, item);
        if (similarity < SIMILAR)
            continue;
        ranked[similar++] = (struct ranked){item, similarity};
        weight += similarity;
        good += item->outcome.opened ? similarity : 0;
        opened += item->outcome.opened;
        real += !item->simulated;
    }
    qsort(ranked, similar, sizeof *ranked, by_similarity);
    double share = similar ? good / weight : NAN;
    bool well = similar && share >= OPENED_SHARE;
    double confidence = well ? share * (weight / (double)similar) * (double)similar /
                                   ((double)similar + 1) * (real ? 1.0 : 0.5)
                             : 0;
    struct evaluation_claim item = {DIMENSION_BUSINESS,
                                    "cases",
                                    "service",
                                    "similar cases that opened",
                                    similar ? arena_printf(arena, "%zu/%zu", opened, similar)
                                            : NULL,
                                    NULL,
                                    {false, 0},
                                    well ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    confidence};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    if (!similar)
        evaluation_evidence_add(
            checks, check, "case", NULL,
            known ? arena_printf(arena, "none of %zu known cases is similar", known)
                  : "no past case is known",
            0);
    for (size_t i = 0; i < similar && i < SHOWN; i++)
        evaluation_evidence_add(checks, check, "case", ranked[i].item->id,
                                outcome_text(&ranked[i], arena), ranked[i].item->at_ms);
}
