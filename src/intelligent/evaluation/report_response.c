/* report_response.c - the split of an end-to-end bound into network, computing and queueing, and
 * what is known of each.
 *
 * Network: a request passes each flow once and its answer returns, so it takes at most twice the
 * sum over flows of the largest path latency.  Computing and queueing share what that leaves, R:
 * with service time S and arrival rate λ at each of n equal instances a request stays S/(1-Sλ/n)
 * (M/M/1, one station), so S = R/(1+Rλ/n); where λ is not stated S = R(1-ρ) with the profile's
 * utilisation. Contract: fails only when what is known alone is more than the bound; passes only
 * when all three parts are known.  Times are means. */
#include "intelligent/evaluation/evaluation_priv.h"

#define NETWORK_CONFIDENCE 0.8 /* the flows may not all be passed one after the other */

struct response {
    struct evaluation_model *model;
    struct evaluation_checks *checks;
    const struct feasibility_split *split; /* NULL = none known */
    double bound;
    double one_way, network; /* network: there and back; NaN = no flow is stated */
    double rate;             /* a second, at one instance; NaN = not stated */
    int64_t instances;
    double service; /* measured, over all components that a request passes; NaN = not */
    double queue;   /* that follows from it; NaN = not known, INFINITY = without end */
    int tag;        /* the weakest of the measurements */
};

static const struct feasibility_split *split_of(const struct evaluation_model *model)
{
    const struct feasibility_standards *standards = model->input.standards;
    const struct feasibility_profile *profile =
        feasibility_profile_find(standards, model->requirement->scenario);
    return profile && profile->split ? profile->split
           : standards               ? standards->profiles.split
                                     : NULL;
}

/* Instances that share the requests: of the component with the fewest that users reach, else of
 * all. */
static int64_t serving_instances(const struct evaluation_model *model)
{
    int64_t least = INT64_MAX;
    for (size_t f = 0; f < model->flow_count; f++)
        if (model->flows[f].from < 0 && model->instances[model->flows[f].to] < least)
            least = model->instances[model->flows[f].to];
    for (size_t c = 0; least == INT64_MAX && c < model->requirement->components.count; c++)
        if (model->instances[c] < least || c == 0)
            least = model->instances[c];
    return least;
}

static bool is_passed(const struct evaluation_model *model, size_t component)
{
    for (size_t f = 0; f < model->flow_count; f++)
        if ((size_t)model->flows[f].to == component)
            return true;
    return false;
}

/* The sum over the components that requests pass; each must be measured. */
static void find_service(struct response *r)
{
    double sum = 0;
    bool any = false;
    for (size_t c = 0; c < r->model->requirement->components.count; c++) {
        if (!is_passed(r->model, c))
            continue;
        const struct feasibility_measurement *item =
            evaluation_measured(r->model, c, METRIC_SERVICE_MS);
        if (!item)
            return;
        sum += item->value;
        r->tag = item->tag > r->tag || !item->tag ? item->tag ? item->tag : TAG_D : r->tag;
        any = true;
    }
    if (!any)
        return;
    r->service = sum;
    double utilisation = !isnan(r->rate) ? sum * r->rate / 1000.0
                         : r->split      ? r->split->utilisation
                                         : NAN;
    r->queue = utilisation >= 1 ? INFINITY : sum * utilisation / (1.0 - utilisation);
}

static void say_measurements(struct response *r, struct feasibility_check *check)
{
    for (size_t c = 0; c < r->model->requirement->components.count && !isnan(r->service); c++) {
        const struct feasibility_measurement *item =
            is_passed(r->model, c) ? evaluation_measured(r->model, c, METRIC_SERVICE_MS) : NULL;
        if (item)
            evaluation_evidence_add(r->checks, check, "measurement",
                                    item->application ? item->application : item->component,
                                    item->source ? item->source : "measured of one instance",
                                    item->at_ms);
    }
}

/* A part of the bound: advice, with what is known of it. */
static void check_part(struct response *r, const char *code, double required, double observed,
                       const char *method)
{
    bool known = !isnan(observed) && !isinf(observed);
    bool met = known && observed <= required + EVALUATION_LATENCY_TOL;
    struct arena *arena = r->checks->arena;
    struct evaluation_claim item = {DIMENSION_NETWORK,
                                    code,
                                    "service",
                                    arena_printf(arena, "%.6g", required),
                                    known ? arena_printf(arena, "%.6g", observed) : NULL,
                                    "ms",
                                    evaluation_margin(known ? required - observed : NAN),
                                    met ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    met ? feasibility_tag_confidence(r->tag) : 0.0};
    struct feasibility_check *check = evaluation_check_add(r->checks, &item);
    evaluation_evidence_add(r->checks, check, "requirement", "service_level.max_response_ms",
                            method, 0);
    if (isnan(r->rate))
        evaluation_evidence_add(r->checks, check, "requirement", "split", r->split->source, 0);
    if (isinf(observed))
        evaluation_evidence_add(r->checks, check, "measurement", NULL,
                                "more requests arrive than are served", 0);
    say_measurements(r, check);
}

static void check_split(struct response *r)
{
    struct arena *arena = r->checks->arena;
    const struct feasibility_split *split = r->split;
    double share = split->network_share * r->bound;
    struct evaluation_advice advice = {.dimension = DIMENSION_NETWORK,
                                       .code = "response.network",
                                       .subject = "service",
                                       .unit = "ms",
                                       .required = share,
                                       .observed = r->one_way,
                                       .margin = share - r->one_way,
                                       .tag = split->tag,
                                       .kind = "requirement",
                                       .ref = "split",
                                       .source = split->source};
    struct feasibility_check *check = evaluation_advise(r->checks, &advice);
    evaluation_evidence_add(r->checks, check, "path", "routes",
                            arena_printf(arena, "the network's part, one way: %.4g %% of the bound",
                                         100.0 * split->network_share),
                            0);
    double together = r->bound - (isnan(r->network) ? 2 * share : r->network);
    if (together <= 0)
        return; /* response_time has failed */
    bool stated = !isnan(r->rate);
    double service = stated ? together / (1.0 + together * r->rate / 1000.0)
                            : together * (1.0 - split->utilisation);
    const char *method =
        stated ? arena_printf(arena,
                              "of the %.6g ms that the network leaves, at %.6g requests a second "
                              "for each of %lld instances (M/M/1)",
                              together, r->rate, (long long)r->instances)
               : arena_printf(arena,
                              "of the %.6g ms that the network leaves, at %.3g %% utilisation "
                              "(M/M/1)",
                              together, 100.0 * split->utilisation);
    check_part(r, "response.compute", service, r->service, method);
    check_part(r, "response.queueing", together - service, r->queue, method);
}

static const char *parts_text(const struct response *r, struct arena *arena)
{
    if (isnan(r->network))
        return NULL;
    if (isnan(r->service))
        return arena_printf(arena, "network %.10g + compute unknown", r->network);
    if (isnan(r->queue) || isinf(r->queue))
        return arena_printf(arena, "network %.10g + compute %.6g + queueing unknown", r->network,
                            r->service);
    return arena_printf(arena, "network %.10g + compute %.6g + queueing %.6g", r->network,
                        r->service, r->queue);
}

static void check_whole(struct response *r)
{
    struct arena *arena = r->checks->arena;
    bool any = !isnan(r->network), measured = any && !isnan(r->service);
    double known = r->network + (measured ? r->service : 0);
    bool queues = measured && !isnan(r->queue) && !isinf(r->queue);
    bool too_much = any && known > r->bound + EVALUATION_LATENCY_TOL;
    bool endless = measured && isinf(r->queue);
    bool met = queues && known + r->queue <= r->bound + EVALUATION_LATENCY_TOL;
    int verdict = too_much || endless ? VERDICT_FAIL : met ? VERDICT_PASS : VERDICT_UNKNOWN;
    bool by_network = any && r->network > r->bound + EVALUATION_LATENCY_TOL;
    struct evaluation_claim item = {
        DIMENSION_NETWORK,
        "response_time",
        "service",
        evaluation_number(arena, r->bound),
        parts_text(r, arena),
        "ms",
        evaluation_margin(any ? r->bound - known - (queues ? r->queue : 0) : NAN),
        verdict,
        verdict == VERDICT_UNKNOWN ? 0.0
        : by_network || !measured  ? NETWORK_CONFIDENCE
                                   : feasibility_tag_confidence(r->tag)};
    struct feasibility_check *check = evaluation_check_add(r->checks, &item);
    evaluation_evidence_add(
        r->checks, check, "path", "routes",
        !any       ? "no flow is stated, so the network's part is not known"
        : measured ? "the network there and back over all flows; computing as measured, queueing "
                     "as it follows from that (M/M/1)"
                   : "there and back over all flows; the margin is what computing and "
                     "queueing may take, of which there is no measurement",
        0);
    if (endless)
        evaluation_evidence_add(r->checks, check, "requirement", "service_level.throughput_per_s",
                                "more requests arrive than are served", 0);
    say_measurements(r, check);
}

void evaluation_report_response(struct evaluation_model *model, const struct solution *solution,
                                struct evaluation_checks *checks)
{
    const struct requirement_service_level *level = &model->requirement->service_level;
    if (!level->max_response_ms.set)
        return;
    bool any = solution->routes.count > 0 && solution->latency.set;
    struct response r = {.model = model,
                         .checks = checks,
                         .split = split_of(model),
                         .bound = level->max_response_ms.value,
                         .one_way = any ? solution->latency.value : NAN,
                         .network = any ? 2 * solution->latency.value : NAN,
                         .rate = NAN,
                         .instances = serving_instances(model),
                         .service = NAN,
                         .queue = NAN};
    if (level->throughput_per_s.set)
        r.rate = level->throughput_per_s.value / (double)r.instances;
    find_service(&r);
    check_whole(&r);
    if (r.split)
        check_split(&r);
}
