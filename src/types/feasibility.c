/* feasibility.c - field tables of scenario profiles, access technologies and past cases. */
#include "types/feasibility.h"

const char *const feasibility_tag_names[] = {NULL, "A", "B", "C", "D", NULL};
const char *const feasibility_figure_names[] = {
    NULL,          "latency_ms",           "jitter_ms",        "loss_percent", "bandwidth_mbps",
    "response_ms", "availability_percent", "protection_level", "tier",         NULL};

double feasibility_tag_confidence(int tag)
{
    switch (tag) {
    case TAG_A:
        return 0.9;
    case TAG_B:
        return 0.7;
    case TAG_C:
        return 0.6;
    default:
        return 0.5;
    }
}

/* ---- scenario profiles ---- */
static const struct json_field demand_fields[] = {
    JSON_FIELD_ENUM("figure", struct feasibility_demand, figure, JSON_REQUIRED,
                    feasibility_figure_names, "what is bounded; its unit is in its name"),
    JSON_FIELD_RANGE("value", JSON_DOUBLE, struct feasibility_demand, value, 0, 0, 1e12, "bound"),
    {.name = "tiers",
     .kind = JSON_ENUMS,
     .offset = offsetof(struct feasibility_demand, tiers),
     .names = requirement_tier_names,
     .max_len = 8,
     .doc = "of the figure tier: where at least one part stands"},
    JSON_FIELD_ENUM("tag", struct feasibility_demand, tag, JSON_REQUIRED, feasibility_tag_names,
                    "trust: A standard or paper, B secondary, C general knowledge, D default"),
    JSON_FIELD("source", JSON_STRING, struct feasibility_demand, source,
               JSON_REQUIRED | JSON_NON_EMPTY, "where the figure comes from"),
};
static enum err_code check_demand(const void *object, struct err *err)
{
    const struct feasibility_demand *demand = object;
    if ((demand->figure == FIGURE_TIER) != (demand->tiers.count > 0)) {
        err_set(err, ERR_INVALID, "the figure tier, and no other, has tiers");
        return err_field(err, "tiers");
    }
    if (demand->figure != FIGURE_TIER && demand->value <= 0) {
        err_set(err, ERR_INVALID, "a bound is greater than 0");
        return err_field(err, "value");
    }
    return ERR_OK;
}
static const struct json_table demand_table =
    JSON_TABLE("ProfileDemand", struct feasibility_demand, demand_fields,
               "one figure that a scenario usually needs", check_demand);

static const struct json_field split_fields[] = {
    JSON_FIELD_RANGE("network_share", JSON_DOUBLE, struct feasibility_split, network_share,
                     JSON_REQUIRED, 0, 0.5, "what the network may take one way, of the bound"),
    JSON_FIELD_RANGE("utilisation", JSON_DOUBLE, struct feasibility_split, utilisation,
                     JSON_REQUIRED, 0, 0.99,
                     "of the computing, where no arrival rate is stated (M/M/1)"),
    JSON_FIELD_ENUM("tag", struct feasibility_split, tag, JSON_REQUIRED, feasibility_tag_names,
                    "trust"),
    JSON_FIELD("source", JSON_STRING, struct feasibility_split, source,
               JSON_REQUIRED | JSON_NON_EMPTY, "where the shares come from"),
};
static const struct json_table split_table =
    JSON_TABLE("ResponseSplit", struct feasibility_split, split_fields,
               "how an end-to-end bound is divided", NULL);

static const struct json_field profile_fields[] = {
    JSON_FIELD_ENUM("scenario", struct feasibility_profile, scenario, JSON_REQUIRED,
                    requirement_scenario_names, "whose profile it is"),
    JSON_FIELD("title", JSON_STRING, struct feasibility_profile, title, 0, "name for people"),
    JSON_FIELD_TABLE("demands", JSON_ARRAY, struct feasibility_profile, demands, 0, &demand_table,
                     "what it usually needs"),
    JSON_FIELD_TABLE("split", JSON_OBJECT_PTR, struct feasibility_profile, split, 0, &split_table,
                     "division of its end-to-end bound"),
};
static const struct json_table profile_table =
    JSON_TABLE("ScenarioProfile", struct feasibility_profile, profile_fields,
               "what a scenario usually needs", NULL);

static enum err_code check_profiles(const void *object, struct err *err)
{
    const struct feasibility_profiles *all = object;
    for (size_t i = 0; i < all->profiles.count; i++)
        for (size_t k = 0; k < i; k++)
            if (all->profiles.items[i].scenario == all->profiles.items[k].scenario) {
                err_set(err, ERR_INVALID, "the scenario '%s' stands twice",
                        requirement_scenario_names[all->profiles.items[i].scenario]);
                return err_field(err, "profiles[%zu].scenario", i);
            }
    return ERR_OK;
}
static const struct json_field profiles_fields[] = {
    JSON_FIELD_TABLE("split", JSON_OBJECT_PTR, struct feasibility_profiles, split, 0, &split_table,
                     "division where a profile has none of its own"),
    JSON_FIELD_TABLE("profiles", JSON_ARRAY, struct feasibility_profiles, profiles, 0,
                     &profile_table, "one for each scenario"),
};
const struct json_table feasibility_profiles_table =
    JSON_TABLE("ScenarioProfiles", struct feasibility_profiles, profiles_fields,
               "what scenarios usually need", check_profiles);

/* ---- access technologies ---- */
static const struct json_field range_fields[] = {
    JSON_FIELD_RANGE("low", JSON_OPT_DOUBLE, struct feasibility_range, low, 0, 0, 1e12,
                     "least that it usually is"),
    JSON_FIELD_RANGE("high", JSON_OPT_DOUBLE, struct feasibility_range, high, 0, 0, 1e12,
                     "most that it usually is"),
    JSON_FIELD_ENUM("tag", struct feasibility_range, tag, JSON_REQUIRED, feasibility_tag_names,
                    "trust"),
    JSON_FIELD("source", JSON_STRING, struct feasibility_range, source,
               JSON_REQUIRED | JSON_NON_EMPTY, "where the figures come from"),
};
static enum err_code check_range(const void *object, struct err *err)
{
    const struct feasibility_range *range = object;
    if (!range->low.set && !range->high.set)
        return err_set(err, ERR_INVALID, "a range has at least one end");
    if (range->low.set && range->high.set && range->low.value > range->high.value) {
        err_set(err, ERR_INVALID, "low is above high");
        return err_field(err, "low");
    }
    return ERR_OK;
}
static const struct json_table range_table = JSON_TABLE(
    "UsualRange", struct feasibility_range, range_fields, "what a figure usually is", check_range);

static const struct json_field technology_fields[] = {
    JSON_FIELD_ENUM("type", struct feasibility_technology, type, JSON_REQUIRED,
                    network_link_type_names, "type of links that it makes"),
    JSON_FIELD("code", JSON_STRING, struct feasibility_technology, code, 0, "short name"),
    JSON_FIELD("title", JSON_STRING, struct feasibility_technology, title, 0, "name for people"),
    JSON_FIELD_TABLE("latency_ms", JSON_OBJECT_PTR, struct feasibility_technology, latency_ms, 0,
                     &range_table, "one way"),
    JSON_FIELD_TABLE("jitter_ms", JSON_OBJECT_PTR, struct feasibility_technology, jitter_ms, 0,
                     &range_table, "variation of the latency"),
    JSON_FIELD_TABLE("loss_percent", JSON_OBJECT_PTR, struct feasibility_technology, loss_percent,
                     0, &range_table, "packet loss"),
    JSON_FIELD_TABLE("bandwidth_mbps", JSON_OBJECT_PTR, struct feasibility_technology,
                     bandwidth_mbps, 0, &range_table, "of one line or terminal, the lesser way"),
};
static const struct json_table technology_table =
    JSON_TABLE("AccessTechnology", struct feasibility_technology, technology_fields,
               "what an access technology usually carries", NULL);

static const struct json_field technologies_fields[] = {
    JSON_FIELD_TABLE("technologies", JSON_ARRAY, struct feasibility_technologies, technologies, 0,
                     &technology_table, "one for each type"),
};
const struct json_table feasibility_technologies_table =
    JSON_TABLE("AccessTechnologies", struct feasibility_technologies, technologies_fields,
               "what access technologies usually carry", NULL);

const struct feasibility_profile *
feasibility_profile_find(const struct feasibility_standards *standards, int scenario)
{
    for (size_t i = 0; standards && scenario && i < standards->profiles.profiles.count; i++)
        if (standards->profiles.profiles.items[i].scenario == scenario)
            return &standards->profiles.profiles.items[i];
    return NULL;
}

const struct feasibility_demand *feasibility_demand_find(const struct feasibility_profile *profile,
                                                         int figure)
{
    for (size_t i = 0; profile && i < profile->demands.count; i++)
        if (profile->demands.items[i].figure == figure)
            return &profile->demands.items[i];
    return NULL;
}

const struct feasibility_technology *
feasibility_technology_find(const struct feasibility_standards *standards, int link_type)
{
    for (size_t i = 0; standards && link_type && i < standards->technologies.technologies.count;
         i++)
        if (standards->technologies.technologies.items[i].type == link_type)
            return &standards->technologies.technologies.items[i];
    return NULL;
}

/* ---- measurements ---- */
const char *const feasibility_metric_names[] = {NULL, "service_ms", "throughput_per_s",
                                                "concurrent_users", NULL};
static const struct json_field measurement_fields[] = {
    JSON_FIELD("application", JSON_STRING, struct feasibility_measurement, application,
               JSON_NON_EMPTY, "name or name@version"),
    JSON_FIELD("component", JSON_STRING, struct feasibility_measurement, component, JSON_NON_EMPTY,
               "or the component"),
    JSON_FIELD_ENUM("metric", struct feasibility_measurement, metric, JSON_REQUIRED,
                    feasibility_metric_names, "of one instance at the size that is asked"),
    JSON_FIELD_RANGE("value", JSON_DOUBLE, struct feasibility_measurement, value, JSON_REQUIRED, 0,
                     1e12, "in the unit of the metric"),
    JSON_FIELD("at", JSON_TIME, struct feasibility_measurement, at_ms, 0, "when it was measured"),
    JSON_FIELD("source", JSON_STRING, struct feasibility_measurement, source, 0,
               "who measured, and where"),
    JSON_FIELD_ENUM("tag", struct feasibility_measurement, tag, 0, feasibility_tag_names,
                    "trust; absent = D"),
};
static enum err_code check_measurement(const void *object, struct err *err)
{
    const struct feasibility_measurement *measurement = object;
    if (!measurement->application == !measurement->component)
        return err_set(err, ERR_INVALID, "give either application or component");
    return ERR_OK;
}
static const struct json_table measurement_table =
    JSON_TABLE("Measurement", struct feasibility_measurement, measurement_fields,
               "what one instance was seen to do", check_measurement);
static const struct json_field measurements_fields[] = {
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct feasibility_measurements, items, JSON_KEEP,
                     &measurement_table, "measurements"),
};
const struct json_table feasibility_measurements_table =
    JSON_TABLE("Measurements", struct feasibility_measurements, measurements_fields,
               "what applications were seen to do", NULL);

/* ---- past cases ---- */
static const struct json_field component_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct feasibility_case_component, name, JSON_REQUIRED,
               "component"),
    JSON_FIELD("application", JSON_STRING, struct feasibility_case_component, application, 0,
               "name@version that ran"),
    JSON_FIELD_ENUM("form", struct feasibility_case_component, form, 0, requirement_form_names,
                    "how it was delivered"),
    JSON_FIELD_ENUM("tier", struct feasibility_case_component, tier, 0, requirement_tier_names,
                    "kind of site that it stood on"),
    JSON_FIELD_RANGE("instances", JSON_INT, struct feasibility_case_component, instances, 0, 0, 1e6,
                     "how many"),
    JSON_FIELD_RANGE("vcpus", JSON_OPT_DOUBLE, struct feasibility_case_component, vcpus, 0, 0, 1e6,
                     "each"),
    JSON_FIELD_RANGE("memory_gib", JSON_OPT_DOUBLE, struct feasibility_case_component, memory_gib,
                     0, 0, 1e6, "each"),
    JSON_FIELD_ENUM("accelerator", struct feasibility_case_component, accelerator, 0,
                    requirement_accelerator_names, "kind of cards"),
};
static const struct json_table case_component_table =
    JSON_TABLE("CaseComponent", struct feasibility_case_component, component_fields,
               "what ran in a case", NULL);

static const struct json_field demands_fields[] = {
    JSON_FIELD_RANGE("max_latency_ms", JSON_OPT_DOUBLE, struct feasibility_case_demands,
                     max_latency_ms, 0, 0, 1e12, "bound on network latency"),
    JSON_FIELD_RANGE("bandwidth_mbps", JSON_OPT_DOUBLE, struct feasibility_case_demands,
                     bandwidth_mbps, 0, 0, 1e12, "bandwidth"),
    JSON_FIELD_RANGE("max_response_ms", JSON_OPT_DOUBLE, struct feasibility_case_demands,
                     max_response_ms, 0, 0, 1e12, "bound on end-to-end time"),
    JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct feasibility_case_demands,
                     availability_percent, 0, 0, 100, "availability"),
    JSON_FIELD_ENUM("mode", struct feasibility_case_demands, mode, 0, requirement_mode_names,
                    "reliability mode"),
};
static const struct json_table case_demands_table = JSON_TABLE(
    "CaseDemands", struct feasibility_case_demands, demands_fields, "what was asked", NULL);

static const struct json_field outcome_fields[] = {
    JSON_FIELD("opened", JSON_BOOL, struct feasibility_case_outcome, opened, JSON_KEEP,
               "all of it was opened"),
    JSON_FIELD("state", JSON_STRING, struct feasibility_case_outcome, state, 0,
               "state of the deployment"),
    JSON_FIELD_RANGE("opening_s", JSON_OPT_DOUBLE, struct feasibility_case_outcome, opening_s, 0, 0,
                     1e9, "from the start of its run to its end"),
    JSON_FIELD_RANGE("cost_month", JSON_OPT_DOUBLE, struct feasibility_case_outcome, cost_month, 0,
                     0, 1e15, "what it costs a month"),
    JSON_FIELD_RANGE("latency_ms", JSON_OPT_DOUBLE, struct feasibility_case_outcome, latency_ms, 0,
                     0, 1e12, "as measured"),
    JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct feasibility_case_outcome,
                     availability_percent, 0, 0, 100, "as measured"),
};
static const struct json_table case_outcome_table =
    JSON_TABLE("CaseOutcome", struct feasibility_case_outcome, outcome_fields, "how it went", NULL);

static const struct json_field case_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct feasibility_case, id, JSON_REQUIRED | JSON_NON_EMPTY,
               "deployment that it was"),
    JSON_FIELD_ENUM("scenario", struct feasibility_case, scenario, 0, requirement_scenario_names,
                    "what it was for"),
    JSON_FIELD("at", JSON_TIME, struct feasibility_case, at_ms, 0, "when its opening ended"),
    JSON_FIELD("simulated", JSON_BOOL, struct feasibility_case, simulated, JSON_KEEP,
               "nothing real was opened"),
    JSON_FIELD("currency", JSON_STRING, struct feasibility_case, currency, 0, "ISO 4217"),
    {.name = "components",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct feasibility_case, components),
     .table = &case_component_table,
     .max_len = 1000,
     .doc = "what ran"},
    JSON_FIELD_TABLE("demands", JSON_OBJECT, struct feasibility_case, demands, 0,
                     &case_demands_table, "what was asked"),
    JSON_FIELD_TABLE("outcome", JSON_OBJECT, struct feasibility_case, outcome, JSON_KEEP,
                     &case_outcome_table, "how it went"),
};
const struct json_table feasibility_case_table = JSON_TABLE(
    "Case", struct feasibility_case, case_fields, "a past deployment and its outcome", NULL);

static const struct json_field cases_fields[] = {
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct feasibility_cases, items, JSON_KEEP,
                     &feasibility_case_table, "cases"),
};
const struct json_table feasibility_cases_table =
    JSON_TABLE("Cases", struct feasibility_cases, cases_fields, "past cases", NULL);
