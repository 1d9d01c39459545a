/* report_business.c - the business dimension beyond what measuring checks (availability, mode,
 * protection, residency): what the scenario usually needs, where replicas lie, what was asked that
 * no data settles, how similar cases went, and whether the sites can be opened at all.
 *
 * Scenario figures are usual needs, not the customer's words: where the customer states a bound,
 * his bound is checked and the profile is not; what misses a profile is unknown, never failed. */
#include "intelligent/evaluation/evaluation_priv.h"

static bool user_latency_stated(const struct evaluation_model *model)
{
    for (size_t f = 0; f < model->flow_count; f++)
        if (model->flows[f].from < 0 && model->flows[f].max_latency_ms.set)
            return true;
    return false;
}

/* The largest latency from the users; NaN when no flow comes from them. */
static double user_latency(const struct solution *solution)
{
    double most = NAN;
    for (size_t i = 0; i < solution->routes.count; i++) {
        const struct solution_route *route = &solution->routes.items[i];
        if (str_eq(route->from, "user") && route->latency_ms.set)
            most = isnan(most) ? route->latency_ms.value : fmax(most, route->latency_ms.value);
    }
    return most;
}

/* ---- what the scenario usually needs ---- */
struct scenario_check {
    struct evaluation_model *model;
    const struct solution *solution;
    const struct evaluation_figures *figures;
    struct evaluation_checks *checks;
    const char *scenario;
};

static const struct site *site_of(const struct evaluation_model *model,
                                  const struct solution_placement *placement)
{
    size_t node = evaluation_index_find(model->index, placement->site);
    return node < model->index->sites ? &model->network->sites.items[node] : NULL;
}

static void advise(struct scenario_check *s, const struct feasibility_demand *demand,
                   const char *code, const char *unit, double required, double observed,
                   double margin)
{
    struct evaluation_advice advice = {.dimension = DIMENSION_BUSINESS,
                                       .code = code,
                                       .subject = s->scenario,
                                       .unit = unit,
                                       .required = required,
                                       .observed = observed,
                                       .margin = margin,
                                       .tag = demand->tag,
                                       .kind = "requirement",
                                       .ref = s->scenario,
                                       .source = demand->source};
    evaluation_advise(s->checks, &advice);
}

/* Of one user, times the users that are stated. */
static void advise_bandwidth(struct scenario_check *s, const struct feasibility_demand *demand)
{
    const struct requirement *requirement = s->model->requirement;
    double users = requirement->service_level.concurrent_users.set
                       ? (double)requirement->service_level.concurrent_users.value
                       : 1.0;
    double asked = 0;
    for (size_t f = 0; f < s->model->flow_count; f++)
        if (s->model->flows[f].from < 0)
            asked = fmax(asked, s->model->flows[f].bandwidth_mbps);
    double needed = demand->value * fmax(1.0, users);
    advise(s, demand, "scenario.bandwidth", "Mbit/s", needed, asked > 0 ? asked : NAN,
           asked - needed);
}

static void advise_protection(struct scenario_check *s, const struct feasibility_demand *demand)
{
    double least = NAN;
    bool known = s->solution->placements.count > 0;
    for (size_t p = 0; p < s->solution->placements.count && known; p++) {
        const struct site *site = site_of(s->model, &s->solution->placements.items[p]);
        known = site && site->protection_level.set;
        if (known)
            least = fmin(isnan(least) ? INFINITY : least, (double)site->protection_level.value);
    }
    advise(s, demand, "scenario.protection_level", "level", demand->value, known ? least : NAN,
           least - demand->value);
}

static void advise_tier(struct scenario_check *s, const struct feasibility_demand *demand)
{
    struct arena *arena = s->checks->arena;
    const char *wanted = "", *found = NULL;
    bool met = false;
    for (size_t i = 0; i < demand->tiers.count; i++)
        wanted = arena_printf(arena, "%s%s%s", wanted, i ? ", " : "",
                              json_enum_name(requirement_tier_names, demand->tiers.items[i]));
    for (size_t p = 0; p < s->solution->placements.count && !met; p++) {
        const struct site *site = site_of(s->model, &s->solution->placements.items[p]);
        for (size_t i = 0; site && i < demand->tiers.count; i++)
            met = met || site->tier == demand->tiers.items[i];
        if (site && (met || !found))
            found = json_enum_name(requirement_tier_names, site->tier);
    }
    struct evaluation_claim item = {DIMENSION_BUSINESS,
                                    "scenario.tier",
                                    s->scenario,
                                    wanted,
                                    found,
                                    NULL,
                                    {false, 0},
                                    met ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    met ? feasibility_tag_confidence(demand->tag) : 0.0};
    struct feasibility_check *check = evaluation_check_add(s->checks, &item);
    evaluation_evidence_add(s->checks, check, "requirement", s->scenario, demand->source, 0);
    if (!met && found)
        evaluation_evidence_add(
            s->checks, check, "requirement", s->scenario,
            "below what is usual; the customer states no bound, so it is advice", 0);
}

/* What the customer states himself is checked instead of the profile. */
static void advise_demand(struct scenario_check *s, const struct feasibility_demand *demand)
{
    const struct requirement *requirement = s->model->requirement;
    bool tier_stated = false;
    switch (demand->figure) {
    case FIGURE_LATENCY_MS: {
        double latency = user_latency(s->solution);
        if (!user_latency_stated(s->model) && !isnan(latency))
            advise(s, demand, "scenario.latency", "ms", demand->value, latency,
                   demand->value - latency);
        break;
    }
    case FIGURE_AVAILABILITY_PERCENT: {
        struct opt_double up = s->figures->reliability;
        if (!requirement->service_level.availability_percent.set)
            advise(s, demand, "scenario.availability", "%", demand->value,
                   up.set ? up.value * 100 : NAN, up.value * 100 - demand->value);
        break;
    }
    case FIGURE_BANDWIDTH_MBPS:
        advise_bandwidth(s, demand);
        break;
    case FIGURE_PROTECTION_LEVEL:
        if (!requirement->security.protection_level.set)
            advise_protection(s, demand);
        break;
    case FIGURE_TIER:
        for (size_t c = 0; c < requirement->components.count; c++)
            tier_stated = tier_stated || requirement->components.items[c].tier;
        if (!tier_stated)
            advise_tier(s, demand);
        break;
    default:
        break; /* jitter and loss are the network's; response time is split where it is stated */
    }
}

static void check_scenario(struct evaluation_model *model, const struct solution *solution,
                           const struct evaluation_figures *figures,
                           struct evaluation_checks *checks)
{
    const struct feasibility_profile *profile =
        feasibility_profile_find(model->input.standards, model->requirement->scenario);
    struct scenario_check s = {
        model, solution, figures, checks,
        json_enum_name(requirement_scenario_names, model->requirement->scenario)};
    for (size_t i = 0; profile && i < profile->demands.count; i++)
        advise_demand(&s, &profile->demands.items[i]);
}

static void check_replicas(struct evaluation_model *model, const struct solution *solution,
                           struct evaluation_checks *checks)
{
    const struct requirement *requirement = model->requirement;
    if (!requirement->reliability.replicas.set)
        return;
    for (size_t c = 0; c < requirement->components.count; c++) {
        const char *name = requirement->components.items[c].name;
        int64_t placed = 0;
        for (size_t p = 0; p < solution->placements.count; p++)
            placed += str_eq(solution->placements.items[p].component, name);
        int64_t asked = requirement->reliability.replicas.value;
        struct evaluation_claim item = {DIMENSION_BUSINESS,
                                        "replicas",
                                        name,
                                        evaluation_number(checks->arena, (double)asked),
                                        evaluation_number(checks->arena, (double)placed),
                                        "instance",
                                        evaluation_margin((double)(placed - asked)),
                                        placed >= asked ? VERDICT_PASS : VERDICT_FAIL,
                                        1.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &item), "requirement",
                                "reliability.replicas", "instances placed", 0);
    }
}

static void say_unknown(struct evaluation_checks *checks, const char *code, const char *required,
                        const char *ref, const char *text)
{
    struct evaluation_claim item = {
        DIMENSION_BUSINESS, code, "service", required, NULL, NULL, {false, 0},
        VERDICT_UNKNOWN,    0.0};
    evaluation_evidence_add(checks, evaluation_check_add(checks, &item), "requirement", ref, text,
                            0);
}

void evaluation_report_business(struct evaluation_model *model, const struct solution *solution,
                                const struct evaluation_figures *figures,
                                struct evaluation_checks *checks)
{
    const struct requirement *requirement = model->requirement;
    check_replicas(model, solution, checks);
    check_scenario(model, solution, figures, checks);
    evaluation_report_cases(model, solution, checks);
    if (requirement->reliability.backup.set && requirement->reliability.backup.value)
        say_unknown(checks, "backup", "yes", "reliability.backup",
                    "no site says whether it keeps backups");
    if (requirement->security.encryption.set && requirement->security.encryption.value)
        say_unknown(checks, "encryption", "yes", "security.encryption",
                    "no site or link says whether it encrypts");
    evaluation_report_load(model, checks);
    if (solution->catalogue_only)
        say_unknown(checks, "catalogue_only", "a provider at each site", "provider",
                    "at least one site is catalogue only: it can be designed for, not opened");
}
