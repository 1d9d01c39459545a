/* report_network.c - the network dimension beyond what measuring checks: jitter and loss of the
 * paths against what the scenario usually needs, and whether the access technology that is asked
 * can carry what is asked (the split of an end-to-end bound: report_response.c).
 *
 * Contract: work is in the links of the solution's routes and of the user's access point only.  The
 * requirement has no bound on jitter or loss, so both are advice.  A technology's figures fail a
 * stated bound only with a source (tag A or B) and when even its best is not enough. */
#include "intelligent/evaluation/evaluation_priv.h"

static const struct network_link *link_at(const struct evaluation_model *model, size_t link)
{
    return &model->network->links.items[link];
}

static const char *flow_name(const struct evaluation_model *model,
                             const struct evaluation_flow *flow, struct arena *arena)
{
    return arena_printf(arena, "%s→%s", evaluation_component_name(model, flow->from),
                        evaluation_component_name(model, flow->to));
}

/* ---- jitter and loss ---- */
enum quality { JITTER, LOSS };

struct path_quality {
    double known;        /* of the links that state it: Σ jitter, or loss in percent */
    size_t missing;      /* links that do not */
    const char *unnamed; /* the first few of those, by name */
};

#define NAMED_LINKS 4 /* of those without the field; more are counted */

/* Jitters of a chain add up at most; what is lost on one link does not come to the next. */
static struct path_quality quality_of(const struct evaluation_model *model,
                                      const struct evaluation_route *route, enum quality kind,
                                      struct arena *arena)
{
    struct path_quality quality = {0, 0, ""};
    double kept = 1.0;
    for (size_t i = 0; i < route->count; i++) {
        const struct network_link *link = link_at(model, route->links[i]);
        struct opt_double own = kind == JITTER ? link->jitter_ms : link->loss_percent;
        if (!own.set) {
            if (quality.missing < NAMED_LINKS)
                quality.unnamed = arena_printf(arena, "%s%s%s—%s", quality.unnamed,
                                               quality.missing ? ", " : "", link->a, link->b);
            quality.missing++;
            continue;
        }
        quality.known += kind == JITTER ? own.value : 0;
        kept *= 1.0 - own.value / 100.0;
    }
    if (kind == LOSS)
        quality.known = 100.0 * (1.0 - kept);
    if (quality.missing > NAMED_LINKS)
        quality.unnamed =
            arena_printf(arena, "%s, +%zu", quality.unnamed, quality.missing - NAMED_LINKS);
    return quality;
}

/* One check for each flow from the users: the worst of its paths. */
static void check_quality_of_flow(struct evaluation_model *model, struct evaluation_checks *checks,
                                  size_t flow, const struct feasibility_demand *demand,
                                  enum quality kind)
{
    struct arena *arena = checks->arena;
    struct path_quality worst = {-1, 0, ""};
    const struct evaluation_route *at = NULL;
    for (size_t i = 0; i < checks->routes.count; i++) {
        const struct evaluation_route *route = &checks->routes.items[i];
        if (route->flow != flow)
            continue;
        struct path_quality own = quality_of(model, route, kind, arena);
        /* what is too much already weighs more than what is not known, that more than the rest */
        bool broken = own.known > demand->value, was = worst.known > demand->value;
        bool worse = broken != was                              ? broken
                     : !broken && own.missing && !worst.missing ? true
                     : !broken && !own.missing && worst.missing ? false
                                                                : own.known > worst.known;
        if (!at || worse) {
            worst = own;
            at = route;
        }
    }
    if (!at)
        return;
    bool known = worst.missing == 0 || worst.known > demand->value;
    struct evaluation_advice advice = {
        .dimension = DIMENSION_NETWORK,
        .code = kind == JITTER ? "jitter" : "loss",
        .subject = flow_name(model, &model->flows[flow], arena),
        .unit = kind == JITTER ? "ms" : "%",
        .required = demand->value,
        .observed = known ? worst.known : NAN,
        .margin = demand->value - worst.known,
        .tag = demand->tag,
        .kind = "requirement",
        .ref = json_enum_name(requirement_scenario_names, model->requirement->scenario),
        .source = demand->source};
    struct feasibility_check *check = evaluation_advise(checks, &advice);
    const char *path = arena_printf(arena, "%s…%s", model->index->node_id[at->from],
                                    model->index->node_id[at->to]);
    evaluation_evidence_add(checks, check, "path", path,
                            kind == JITTER
                                ? "sum of the stated jitters of its links, the most that it can be"
                                : "what the stated losses of its links leave",
                            0);
    if (worst.missing)
        evaluation_evidence_add(
            checks, check, "link", worst.unnamed,
            kind == JITTER ? "these links state no jitter" : "these links state no loss", 0);
}

static void check_quality(struct evaluation_model *model, struct evaluation_checks *checks)
{
    const struct feasibility_profile *profile =
        feasibility_profile_find(model->input.standards, model->requirement->scenario);
    const struct feasibility_demand *jitter = feasibility_demand_find(profile, FIGURE_JITTER_MS);
    const struct feasibility_demand *loss = feasibility_demand_find(profile, FIGURE_LOSS_PERCENT);
    for (size_t f = 0; f < model->flow_count; f++) {
        if (model->flows[f].from >= 0)
            continue;
        if (jitter)
            check_quality_of_flow(model, checks, f, jitter, JITTER);
        if (loss)
            check_quality_of_flow(model, checks, f, loss, LOSS);
    }
}

/* ---- access ---- */

/* Is a link of that type at the place where users join? */
static void check_access_type(struct evaluation_model *model, struct evaluation_checks *checks,
                              const struct evaluation_route *route, const char *asked)
{
    struct arena *arena = checks->arena;
    const struct evaluation_links_at *at = evaluation_links_at(model, route->from);
    const char *first = route->count ? json_enum_name(network_link_type_names,
                                                      link_at(model, route->links[0])->type)
                                     : NULL;
    bool there = false;
    for (size_t i = 0; i < at->links.count; i++)
        there = there || str_eq(json_enum_name(network_link_type_names,
                                               link_at(model, at->links.items[i])->type),
                                asked);
    bool same = str_eq(first, asked);
    /* users may join the access point by the asked technology where the network's model does not
     * reach; another first link is no proof against it */
    struct evaluation_claim item = {DIMENSION_NETWORK,
                                    "access",
                                    flow_name(model, &model->flows[route->flow], arena),
                                    asked,
                                    same || !there ? first : asked,
                                    NULL,
                                    {false, 0},
                                    same || there ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    same    ? 0.8
                                    : there ? 0.6
                                            : 0.0};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    evaluation_evidence_add(checks, check, same ? "path" : "network",
                            model->index->node_id[route->from],
                            same    ? "type of the first link of the path"
                            : there ? "another link of the access point has that type, the path's "
                                      "first has not"
                                    : "no link of the access point has that type",
                            0);
}

struct carried { /* a bound that is asked, and what the technology usually does */
    const char *code, *unit;
    double asked;
    bool at_most; /* asked is the most that may be; else the least that must be */
    bool stated;  /* by the customer; else by the scenario's profile */
    const struct feasibility_range *range;
};

static const char *range_text(struct arena *arena, const struct feasibility_range *range)
{
    if (!range->high.set)
        return arena_printf(arena, "≥ %.6g", range->low.value);
    if (!range->low.set)
        return arena_printf(arena, "≤ %.6g", range->high.value);
    return arena_printf(arena, "%.6g…%.6g", range->low.value, range->high.value);
}

static void check_carried(struct evaluation_checks *checks, const struct carried *c,
                          const char *technology)
{
    struct arena *arena = checks->arena;
    if (!c->range)
        return;
    const struct feasibility_range *range = c->range;
    struct opt_double best = c->at_most ? range->low : range->high;
    struct opt_double worst = c->at_most ? range->high : range->low;
    double sign = c->at_most ? 1.0 : -1.0;
    bool never = best.set && sign * (best.value - c->asked) > EVALUATION_AMOUNT_TOL;
    bool always = worst.set && sign * (worst.value - c->asked) <= EVALUATION_AMOUNT_TOL;
    bool sourced = range->tag == TAG_A || range->tag == TAG_B;
    int verdict = always                          ? VERDICT_PASS
                  : never && sourced && c->stated ? VERDICT_FAIL
                                                  : VERDICT_UNKNOWN;
    struct opt_double end = always ? worst : best;
    struct evaluation_claim item = {
        DIMENSION_NETWORK,
        c->code,
        technology,
        evaluation_number(arena, c->asked),
        range_text(arena, range),
        c->unit,
        evaluation_margin((always || never) ? sign * (c->asked - end.value) : NAN),
        verdict,
        verdict == VERDICT_UNKNOWN ? 0.0 : feasibility_tag_confidence(range->tag)};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    evaluation_evidence_add(checks, check, "network", technology, range->source, 0);
    if (verdict == VERDICT_UNKNOWN)
        evaluation_evidence_add(checks, check, "network", technology,
                                never
                                    ? "even its best is usually not enough; ask for a measurement "
                                      "or another technology"
                                    : "within what is usual for it: the line decides",
                                0);
}

/* The tightest that is asked of any flow from the users. */
static void check_technology(struct evaluation_model *model, struct evaluation_checks *checks,
                             int access)
{
    const char *name = json_enum_name(requirement_access_names, access);
    const struct feasibility_technology *technology = feasibility_technology_find(
        model->input.standards, json_enum_find(network_link_type_names, name));
    if (!technology)
        return;
    struct opt_double latency = model->requirement->network.max_latency_ms;
    double bandwidth = evaluation_amount(model->requirement->network.bandwidth_mbps);
    for (size_t f = 0; f < model->flow_count; f++) {
        const struct evaluation_flow *flow = &model->flows[f];
        if (flow->from >= 0)
            continue;
        if (flow->max_latency_ms.set &&
            (!latency.set || flow->max_latency_ms.value < latency.value))
            latency = flow->max_latency_ms;
        bandwidth = fmax(bandwidth, flow->bandwidth_mbps);
    }
    const struct feasibility_profile *profile =
        feasibility_profile_find(model->input.standards, model->requirement->scenario);
    const struct feasibility_demand *jitter = feasibility_demand_find(profile, FIGURE_JITTER_MS);
    const struct feasibility_demand *loss = feasibility_demand_find(profile, FIGURE_LOSS_PERCENT);
    const struct carried all[] = {
        {"access.latency", "ms", latency.value, true, true,
         latency.set ? technology->latency_ms : NULL},
        {"access.bandwidth", "Mbit/s", bandwidth, false, true,
         bandwidth > 0 ? technology->bandwidth_mbps : NULL},
        {"access.jitter", "ms", jitter ? jitter->value : 0, true, false,
         jitter ? technology->jitter_ms : NULL},
        {"access.loss", "%", loss ? loss->value : 0, true, false,
         loss ? technology->loss_percent : NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        check_carried(checks, &all[i], name);
}

static void check_access(struct evaluation_model *model, struct evaluation_checks *checks)
{
    int access = model->requirement->network.access;
    if (!access)
        return;
    const char *asked = json_enum_name(requirement_access_names, access);
    bool any = false;
    for (size_t i = 0; i < checks->routes.count; i++) {
        const struct evaluation_route *route = &checks->routes.items[i];
        if (model->flows[route->flow].from >= 0 || route->count == 0)
            continue;
        check_access_type(model, checks, route, asked);
        any = true;
    }
    if (!any) {
        struct evaluation_claim item = {
            DIMENSION_NETWORK, "access",        "service", asked, NULL, NULL,
            {false, 0},        VERDICT_UNKNOWN, 0.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &item), "requirement",
                                "network.access", "no flow comes from the user", 0);
    }
    check_technology(model, checks, access);
}

void evaluation_report_network(struct evaluation_model *model, const struct solution *solution,
                               struct evaluation_checks *checks)
{
    check_quality(model, checks);
    evaluation_report_response(model, solution, checks);
    check_access(model, checks);
}
