/* report_business.c - the business dimension beyond what measuring checks (availability and mode):
 * what the scenario usually needs, where replicas lie, what was asked that no data settles, and
 * whether the sites can be opened at all.
 *
 * Scenario figures are typical needs, not the customer's words: where the customer states a bound,
 * his bound is checked and the profile is not.  A solution below the profile is unknown, never
 * failed. */
#include "intelligent/evaluation/evaluation_priv.h"

/* Typical needs by scenario: network latency and availability, with the confidence of their source
 * (0.9 a standard or the product's paper, 0.7 an industry report, 0.5 a working default).  Rows
 * that give a range hold its lenient end. */
static const struct profile {
    const char *scenario;
    double latency_ms, availability_percent; /* 0 = none given */
    double confidence;
    const char *source;
} profiles[] = {
    {"video-analytics", 10, 99.9, 0.9, "inference under 1 s leaves the network 10 ms"},
    {"industrial-vision", 10, 99.99, 0.7, "live quality inspection, industry tiers"},
    {"iot-collection", 100, 99.9, 0.7, "collection within seconds, plant gateways"},
    {"web-application", 50, 99.9, 0.7, "page within 1 to 2 s"},
    {"big-data", 20, 99.9, 0.5, "between the nodes of a cluster"},
    {"ai-training", 30, 99.5, 0.5, "bulk data over a wide network, resumable"},
    {"llm-inference", 50, 99.9, 0.7, "time to first token within 2 s"},
    {"hpc-batch", 50, 99.5, 0.5, "login; work is queued"},
    {"cloud-rendering", 15, 99.9, 0.7, "round trip within 30 ms"},
    {"cloud-gaming", 15, 99.9, 0.7, "round trip within 30 ms"},
    {"v2x", 5, 99.99, 0.9, "air and edge together"},
    {"telemedicine", 50, 99.9, 0.5, "consultation; surgery needs 20 ms and two paths"},
    {"cdn", 20, 99.9, 0.5, "first byte within 200 ms"},
    {"sme-digitalisation", 50, 99.9, 0.7, "ERP; a MES needs 30 ms"},
};

static const struct profile *profile_of(const struct requirement *requirement)
{
    const char *name = json_enum_name(requirement_scenario_names, requirement->scenario);
    for (size_t i = 0; name && i < ARRAY_LEN(profiles); i++)
        if (str_eq(profiles[i].scenario, name))
            return &profiles[i];
    return NULL;
}

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

static void check_profile(struct evaluation_checks *checks, const char *code,
                          const struct profile *profile, double required, double observed,
                          const char *unit, double margin)
{
    struct arena *arena = checks->arena;
    bool met = !isnan(observed) && margin >= -EVALUATION_LATENCY_TOL;
    struct evaluation_claim item = {DIMENSION_BUSINESS,
                                    code,
                                    profile->scenario,
                                    evaluation_number(arena, required),
                                    isnan(observed) ? NULL : evaluation_number(arena, observed),
                                    unit,
                                    evaluation_margin(margin),
                                    met ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    met ? profile->confidence : 0.0};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    evaluation_evidence_add(checks, check, "requirement", profile->scenario, profile->source, 0);
    if (!met && !isnan(observed))
        evaluation_evidence_add(
            checks, check, "requirement", profile->scenario,
            "below what this scenario usually needs; the customer states no bound", 0);
}

static void check_scenario(struct evaluation_model *model, const struct solution *solution,
                           const struct evaluation_figures *figures,
                           struct evaluation_checks *checks)
{
    const struct profile *profile = profile_of(model->requirement);
    if (!profile)
        return;
    double latency = user_latency(solution);
    if (!user_latency_stated(model) && !isnan(latency))
        check_profile(checks, "scenario.latency", profile, profile->latency_ms, latency, "ms",
                      profile->latency_ms - latency);
    if (!model->requirement->service_level.availability_percent.set) {
        double up = figures->reliability.set ? figures->reliability.value * 100 : NAN;
        check_profile(checks, "scenario.availability", profile, profile->availability_percent, up,
                      "%", up - profile->availability_percent);
    }
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
    struct arena *arena = checks->arena;
    check_replicas(model, solution, checks);
    check_scenario(model, solution, figures, checks);
    if (requirement->reliability.backup.set && requirement->reliability.backup.value)
        say_unknown(checks, "backup", "yes", "reliability.backup",
                    "no site says whether it keeps backups");
    if (requirement->security.encryption.set && requirement->security.encryption.value)
        say_unknown(checks, "encryption", "yes", "security.encryption",
                    "no site or link says whether it encrypts");
    if (requirement->service_level.throughput_per_s.set)
        say_unknown(checks, "throughput",
                    evaluation_number(arena, requirement->service_level.throughput_per_s.value),
                    "service_level.throughput_per_s",
                    "no measurement of the application at this size");
    if (requirement->service_level.concurrent_users.set)
        say_unknown(
            checks, "concurrent_users",
            evaluation_number(arena, (double)requirement->service_level.concurrent_users.value),
            "service_level.concurrent_users", "no measurement of the application at this size");
    if (solution->catalogue_only)
        say_unknown(checks, "catalogue_only", "a provider at each site", "provider",
                    "at least one site is catalogue only: it can be designed for, not opened");
}
