/* report.c - the five-dimension report (方案评估): what measuring checked, and what only a report
 * asks.
 *
 * The one rule of verdict and score (docs/modules/evaluation.md): a dimension fails if any of its
 * checks fails, else is unknown if any is unknown or none was made, else passes; the whole by the
 * same rule over dimensions.  A check scores its confidence when passed, 0 when failed, 0.5 when
 * unknown; a dimension the mean of its checks (0.5 with none); the whole 100 × the mean of
 * dimensions, and never more than 49 when something fails. */
#include "intelligent/evaluation/evaluation_priv.h"

#define DAY_MS INT64_C(86400000)
#define PRICE_MAX_AGE_DAYS 365
#define FAILED_SCORE_MAX 49.0

/* ---- cost ---- */
static double basis_confidence(int basis)
{
    switch (basis) {
    case BASIS_RECONCILED:
        return 0.95;
    case BASIS_CONTRACT:
    case BASIS_LIST:
        return 0.9;
    case BASIS_ESTIMATED:
        return 0.7;
    default:
        return 0.6; /* a price that the network states and nobody vouches for */
    }
}

struct price_sum {
    double confidence; /* weighted by amount */
    double amount, unnoted;
    int64_t oldest_ms; /* 0 = none known */
    const char *oldest;
};

static struct price_sum sum_prices(const struct solution *solution)
{
    struct price_sum sum = {0, 0, 0, 0, NULL};
    for (size_t i = 0; i < solution->cost_lines.count; i++) {
        const struct solution_cost_line *line = &solution->cost_lines.items[i];
        double weight = fabs(line->amount);
        sum.amount += weight;
        sum.confidence += weight * basis_confidence(line->basis);
        if (!line->basis)
            sum.unnoted += weight;
        if (line->as_of_ms && (!sum.oldest_ms || line->as_of_ms < sum.oldest_ms)) {
            sum.oldest_ms = line->as_of_ms;
            sum.oldest = line->source;
        }
    }
    sum.confidence = sum.amount > 0 ? sum.confidence / sum.amount : 1.0;
    return sum;
}

void evaluation_report_prices(struct evaluation_model *model, const struct solution *solution,
                              struct evaluation_checks *checks)
{
    struct arena *arena = checks->arena;
    struct price_sum sum = sum_prices(solution);
    int64_t limit =
        model->input.price_max_age_days > 0 ? model->input.price_max_age_days : PRICE_MAX_AGE_DAYS;
    bool aged = sum.oldest_ms && model->input.now_ms;
    int64_t age = aged ? (model->input.now_ms - sum.oldest_ms) / DAY_MS : 0;
    bool stale = aged && age > limit;
    double confidence = sum.confidence * (stale ? 0.5 : 1.0);
    bool known = true;
    for (size_t i = 0; i < checks->items.count; i++) {
        struct feasibility_check *check = &checks->items.items[i].check;
        if (str_has_prefix(check->code, "unknown.price."))
            known = false;
        if (checks->items.items[i].dimension == DIMENSION_COST && check->verdict == VERDICT_PASS)
            check->confidence = confidence;
    }
    bool placed = solution->placements.count > 0;
    struct evaluation_claim total = {
        DIMENSION_COST,
        "cost",
        "service",
        NULL,
        evaluation_number(arena, solution->cost),
        arena_printf(arena, "%s/month", solution->currency ? solution->currency : "?"),
        {false, 0},
        known && placed ? VERDICT_PASS : VERDICT_UNKNOWN,
        known && placed ? confidence : 0.0};
    struct feasibility_check *check = evaluation_check_add(checks, &total);
    evaluation_evidence_add(checks, check, "price", "cost_lines",
                            known ? "sum of the cost lines"
                                  : "what is known of it: some prices are unknown",
                            sum.oldest_ms);
    if (!model->input.notes)
        return;
    if (sum.unnoted > 0) {
        struct evaluation_claim basis = {
            DIMENSION_COST,
            "price.basis",
            "service",
            "a basis for each price",
            arena_printf(arena, "%.0f %% without", 100 * sum.unnoted / sum.amount),
            NULL,
            {false, 0},
            VERDICT_UNKNOWN,
            0.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &basis), "price", "notes",
                                "share of the cost whose prices have no source", 0);
    }
    if (!aged)
        return;
    struct evaluation_claim price_age = {DIMENSION_COST,
                                         "price.age",
                                         "service",
                                         evaluation_number(arena, (double)limit),
                                         evaluation_number(arena, (double)age),
                                         "day",
                                         evaluation_margin((double)(limit - age)),
                                         stale ? VERDICT_UNKNOWN : VERDICT_PASS,
                                         stale ? 0.0 : 1.0};
    evaluation_evidence_add(checks, evaluation_check_add(checks, &price_age), "price",
                            sum.oldest ? sum.oldest : "notes",
                            stale ? "older than the limit: confidence in the cost is halved"
                                  : "the oldest price used",
                            sum.oldest_ms);
}

/* ---- network: what an end-to-end bound leaves for computing ---- */
void evaluation_report_response(struct evaluation_model *model, const struct solution *solution,
                                struct evaluation_checks *checks)
{
    struct arena *arena = checks->arena;
    struct opt_double bound = model->requirement->service_level.max_response_ms;
    if (bound.set) {
        /* A request passes each flow once and its answer returns: the network's part is at most
         * twice the sum over flows of the largest path latency. */
        double network = solution->latency.set ? 2 * solution->latency.value : NAN;
        bool too_much = network > bound.value + EVALUATION_LATENCY_TOL;
        bool any = solution->routes.count > 0 && !isnan(network);
        struct evaluation_claim item = {
            DIMENSION_NETWORK,
            "response_time",
            "service",
            evaluation_number(arena, bound.value),
            any ? arena_printf(arena, "network %.10g + compute unknown", network) : NULL,
            "ms",
            evaluation_margin(any ? bound.value - network : NAN),
            any && too_much ? VERDICT_FAIL : VERDICT_UNKNOWN,
            any && too_much ? 0.8 : 0.0};
        struct feasibility_check *check = evaluation_check_add(checks, &item);
        evaluation_evidence_add(
            checks, check, "path", "routes",
            any ? "there and back over all flows; the margin is what computing and "
                  "queueing may take, of which there is no measurement"
                : "no flow is stated, so the network's part is not known",
            0);
    }
    if (!model->requirement->network.access)
        return;
    const char *asked =
        json_enum_name(requirement_access_names, model->requirement->network.access);
    bool any = false;
    for (size_t i = 0; i < solution->routes.count; i++) {
        const struct solution_route *route = &solution->routes.items[i];
        if (!str_eq(route->from, "user") || route->path.count < 2)
            continue;
        const char *type = NULL;
        for (size_t k = 0; k < model->network->links.count && !type; k++) {
            const struct network_link *link = &model->network->links.items[k];
            if ((str_eq(link->a, route->path.items[0]) && str_eq(link->b, route->path.items[1])) ||
                (str_eq(link->b, route->path.items[0]) && str_eq(link->a, route->path.items[1])))
                type = json_enum_name(network_link_type_names, link->type);
        }
        any = true;
        /* users may join the access point by the asked technology where the network's model does
         * not reach; another first link is no proof against it */
        bool same = str_eq(type, asked);
        struct evaluation_claim item = {DIMENSION_NETWORK,
                                        "access",
                                        arena_printf(arena, "user→%s", route->to),
                                        asked,
                                        type,
                                        NULL,
                                        {false, 0},
                                        same ? VERDICT_PASS : VERDICT_UNKNOWN,
                                        same ? 0.8 : 0.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &item), "path", route->to_node,
                                "type of the first link of the path", 0);
    }
    if (!any) {
        struct evaluation_claim item = {
            DIMENSION_NETWORK, "access",        "service", asked, NULL, NULL,
            {false, 0},        VERDICT_UNKNOWN, 0.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &item), "requirement",
                                "network.access", "no flow comes from the user", 0);
    }
}

/* ---- verdict and score ---- */
static int verdict_of(size_t fails, size_t unknowns, size_t made)
{
    return fails ? VERDICT_FAIL : unknowns || made == 0 ? VERDICT_UNKNOWN : VERDICT_PASS;
}

static void gather(const struct evaluation_checks *checks, struct feasibility_report *out,
                   struct arena *arena)
{
    size_t failed = 0, unknown = 0;
    double score = 0;
    for (int kind = DIMENSION_COMPUTE; kind <= DIMENSION_BUSINESS; kind++) {
        struct feasibility_dimension *dimension = LIST_ADD(arena, &out->dimensions);
        dimension->kind = kind;
        size_t fails = 0, unknowns = 0;
        double sum = 0;
        for (size_t i = 0; i < checks->items.count; i++) {
            if (checks->items.items[i].dimension != kind)
                continue;
            const struct feasibility_check *check = &checks->items.items[i].check;
            *LIST_ADD(arena, &dimension->checks) = *check;
            fails += check->verdict == VERDICT_FAIL;
            unknowns += check->verdict == VERDICT_UNKNOWN;
            sum += check->verdict == VERDICT_PASS      ? check->confidence
                   : check->verdict == VERDICT_UNKNOWN ? 0.5
                                                       : 0.0;
        }
        dimension->verdict = verdict_of(fails, unknowns, dimension->checks.count);
        failed += dimension->verdict == VERDICT_FAIL;
        unknown += dimension->verdict == VERDICT_UNKNOWN;
        score += dimension->checks.count ? sum / (double)dimension->checks.count : 0.5;
    }
    out->verdict = verdict_of(failed, unknown, FEASIBILITY_DIMENSIONS);
    out->score = 100.0 * score / FEASIBILITY_DIMENSIONS;
    if (out->verdict == VERDICT_FAIL)
        out->score = fmin(out->score, FAILED_SCORE_MAX);
}

enum err_code evaluation_report_with(struct evaluation_model *model,
                                     const struct solution *solution,
                                     struct feasibility_report *out, struct arena *arena,
                                     struct err *err)
{
    struct evaluation_checks checks = {.passes_too = true, .arena = arena};
    struct evaluation_figures figures;
    struct solution measured = *solution;
    measured.placements.items =
        arena_memdup(arena, solution->placements.items,
                     solution->placements.count * sizeof *solution->placements.items);
    enum err_code code = evaluation_measure_into(model, &measured, &figures, &checks, arena, err);
    if (code)
        return code;
    evaluation_report_response(model, &measured, &checks);
    evaluation_report_application(model, &measured, &checks);
    evaluation_report_prices(model, &measured, &checks);
    evaluation_report_business(model, &measured, &figures, &checks);
    memset(out, 0, sizeof *out);
    gather(&checks, out, arena);
    return arena_check(arena, err);
}

enum err_code evaluation_report(const struct evaluation_input *input,
                                const struct solution *solution, struct feasibility_report *out,
                                struct arena *arena, struct err *err)
{
    struct evaluation_model *model = NULL;
    enum err_code code = evaluation_model_new(input, &model, arena, err);
    return code ? code : evaluation_report_with(model, solution, out, arena, err);
}
