/* requirement.c - the field tables of the Requirement contract. */
#include "types/requirement.h"

#include "base/str.h"

const char *const requirement_tier_names[] = {
    NULL,     "public-cloud",   "private-cloud",         "edge",
    "device", "supercomputing", "intelligent-computing", NULL};
const char *const requirement_form_names[] = {NULL,       "container", "package", "vm-image",
                                              "function", "server",    NULL};
const char *const requirement_arch_names[] = {NULL, "x86_64", "arm64", NULL};
const char *const requirement_accelerator_names[] = {NULL, "gpu", "npu", "fpga", "asic", NULL};
const char *const requirement_mode_names[] = {NULL, "active-standby", "active-active", "multi-site",
                                              NULL};
const char *const requirement_period_names[] = {NULL, "hour", "month", "year", "once", NULL};
const char *const requirement_objective_names[] = {NULL,          "cost",  "latency",
                                                   "reliability", "green", NULL};
const char *const requirement_scenario_names[] = {NULL,
                                                  "video-analytics",
                                                  "industrial-vision",
                                                  "iot-collection",
                                                  "web-application",
                                                  "database",
                                                  "big-data",
                                                  "ai-training",
                                                  "llm-inference",
                                                  "hpc-batch",
                                                  "cloud-rendering",
                                                  "cloud-gaming",
                                                  "v2x",
                                                  "telemedicine",
                                                  "cdn",
                                                  "sme-digitalisation",
                                                  "other",
                                                  NULL};
const char *const requirement_access_names[] = {
    NULL,       "5g",  "5g-private", "wifi",           "industrial-ethernet",
    "ethernet", "wan", "optical",    "dedicated-line", "sd-wan",
    NULL};
const char *const requirement_currency_names[] = {NULL, "CNY", "USD", "EUR", NULL};

#define MAX_AMOUNT 1e12

static const struct json_field accelerator_fields[] = {
    JSON_FIELD_ENUM("kind", struct requirement_accelerator, kind, JSON_REQUIRED,
                    requirement_accelerator_names, "kind of accelerator card"),
    JSON_FIELD("model", JSON_STRING, struct requirement_accelerator, model, JSON_NON_EMPTY,
               "as the field writes it: A100, H20, T4, 910B; absent = any of the kind"),
    JSON_FIELD_RANGE("count", JSON_INT, struct requirement_accelerator, count, JSON_REQUIRED, 1,
                     1000000, "cards per instance"),
};
const struct json_table requirement_accelerator_table =
    JSON_TABLE("RequirementAccelerator", struct requirement_accelerator, accelerator_fields,
               "accelerator cards of one instance", NULL);

static const struct json_field component_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct requirement_component, name,
               JSON_REQUIRED | JSON_NON_EMPTY, "a short noun in the customer's words"),
    JSON_FIELD_ENUM("form", struct requirement_component, form, 0, requirement_form_names,
                    "how it is delivered; server = bare servers"),
    JSON_FIELD_RANGE("instances", JSON_OPT_INT, struct requirement_component, instances, 0, 1,
                     1000000, "how many"),
    JSON_FIELD_RANGE("vcpus", JSON_OPT_DOUBLE, struct requirement_component, vcpus, 0, 0,
                     MAX_AMOUNT, "vCPUs per instance"),
    JSON_FIELD_RANGE("memory_gib", JSON_OPT_DOUBLE, struct requirement_component, memory_gib, 0, 0,
                     MAX_AMOUNT, "memory per instance"),
    JSON_FIELD_RANGE("disk_gib", JSON_OPT_DOUBLE, struct requirement_component, disk_gib, 0, 0,
                     MAX_AMOUNT, "disk per instance"),
    JSON_FIELD_ENUM("arch", struct requirement_component, arch, 0, requirement_arch_names,
                    "instruction set"),
    JSON_FIELD_TABLE("accelerator", JSON_OBJECT_PTR, struct requirement_component, accelerator, 0,
                     &requirement_accelerator_table, "accelerator cards per instance"),
    JSON_FIELD_ENUM("tier", struct requirement_component, tier, 0, requirement_tier_names,
                    "kind of site it must run on"),
    JSON_FIELD("location", JSON_STRING, struct requirement_component, location, JSON_NON_EMPTY,
               "place where it must run"),
};
static const struct json_table component_table =
    JSON_TABLE("RequirementComponent", struct requirement_component, component_fields,
               "one thing to run", NULL);

static const struct json_field network_fields[] = {
    JSON_FIELD_RANGE("bandwidth_mbps", JSON_OPT_DOUBLE, struct requirement_network, bandwidth_mbps,
                     0, 0, MAX_AMOUNT, "bandwidth in and out"),
    JSON_FIELD_RANGE("public_ips", JSON_OPT_INT, struct requirement_network, public_ips, 0, 0,
                     1000000, "public addresses; 0 = none wanted"),
    JSON_FIELD_RANGE("max_latency_ms", JSON_OPT_DOUBLE, struct requirement_network, max_latency_ms,
                     0, 0, MAX_AMOUNT, "bound on network latency"),
    JSON_FIELD_ENUM("access", struct requirement_network, access, 0, requirement_access_names,
                    "access network"),
};
static const struct json_table network_table_ =
    JSON_TABLE("RequirementNetwork", struct requirement_network, network_fields,
               "the whole need's network", NULL);

static const struct json_field service_level_fields[] = {
    JSON_FIELD_RANGE("max_response_ms", JSON_OPT_DOUBLE, struct requirement_service_level,
                     max_response_ms, 0, 0, MAX_AMOUNT, "bound on end-to-end time"),
    JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct requirement_service_level,
                     availability_percent, 0, 0, 100, "availability of the service"),
    JSON_FIELD_RANGE("throughput_per_s", JSON_OPT_DOUBLE, struct requirement_service_level,
                     throughput_per_s, 0, 0, MAX_AMOUNT, "requests, frames or messages a second"),
    JSON_FIELD_RANGE("concurrent_users", JSON_OPT_INT, struct requirement_service_level,
                     concurrent_users, 0, 0, MAX_AMOUNT, "users at the same time"),
};
static const struct json_table service_level_table =
    JSON_TABLE("RequirementServiceLevel", struct requirement_service_level, service_level_fields,
               "what the service must reach", NULL);

static const struct json_field reliability_fields[] = {
    JSON_FIELD_RANGE("replicas", JSON_OPT_INT, struct requirement_reliability, replicas, 0, 1,
                     1000000, "copies asked for as such"),
    JSON_FIELD_ENUM("mode", struct requirement_reliability, mode, 0, requirement_mode_names,
                    "standby, active-active or several places"),
    JSON_FIELD("backup", JSON_OPT_BOOL, struct requirement_reliability, backup, 0, "with backup"),
};
static const struct json_table reliability_table =
    JSON_TABLE("RequirementReliability", struct requirement_reliability, reliability_fields,
               "how it survives faults", NULL);

static const struct json_field security_fields[] = {
    JSON_FIELD("data_residency", JSON_STRING, struct requirement_security, data_residency,
               JSON_NON_EMPTY, "place that data must not leave; on-premises for one's own site"),
    JSON_FIELD_RANGE("protection_level", JSON_OPT_INT, struct requirement_security,
                     protection_level, 0, 1, 5, "level of classified protection (等保)"),
    JSON_FIELD("encryption", JSON_OPT_BOOL, struct requirement_security, encryption, 0,
               "encryption asked for"),
};
static const struct json_table security_table = JSON_TABLE(
    "RequirementSecurity", struct requirement_security, security_fields, "security demands", NULL);

static const struct json_field budget_fields[] = {
    JSON_FIELD_RANGE("amount", JSON_DOUBLE, struct requirement_budget, amount, JSON_REQUIRED, 0,
                     1e15, "at most this much"),
    JSON_FIELD_ENUM("currency", struct requirement_budget, currency, JSON_REQUIRED,
                    requirement_currency_names, "ISO 4217"),
    JSON_FIELD_ENUM("period", struct requirement_budget, period, JSON_REQUIRED,
                    requirement_period_names, "in this period"),
};
static const struct json_table budget_table =
    JSON_TABLE("RequirementBudget", struct requirement_budget, budget_fields, "the budget", NULL);

static const struct json_field flow_fields[] = {
    JSON_FIELD("from", JSON_STRING, struct requirement_flow, from, JSON_REQUIRED | JSON_NON_EMPTY,
               "'user' or a component's name"),
    JSON_FIELD("to", JSON_STRING, struct requirement_flow, to, JSON_REQUIRED | JSON_NON_EMPTY,
               "a component's name"),
    JSON_FIELD_RANGE("max_latency_ms", JSON_OPT_DOUBLE, struct requirement_flow, max_latency_ms, 0,
                     0, MAX_AMOUNT, "bound on network latency"),
    JSON_FIELD_RANGE("bandwidth_mbps", JSON_OPT_DOUBLE, struct requirement_flow, bandwidth_mbps, 0,
                     0, MAX_AMOUNT, "bandwidth"),
};
static const struct json_table flow_table = JSON_TABLE(
    "RequirementFlow", struct requirement_flow, flow_fields, "needs of one connection", NULL);

static enum err_code check(const void *object, struct err *err)
{
    const struct requirement *requirement = object;
    for (size_t i = 0; i < requirement->components.count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(requirement->components.items[i].name,
                       requirement->components.items[j].name)) {
                err_set(err, ERR_INVALID, "two components are named '%s'",
                        requirement->components.items[i].name);
                return err_field(err, "components[%zu].name", i);
            }
    for (size_t i = 0; i < requirement->flows.count; i++) {
        const struct requirement_flow *flow = &requirement->flows.items[i];
        if (!str_eq(flow->from, "user") && !requirement_find(requirement, flow->from)) {
            err_set(err, ERR_INVALID, "no component is named '%s'", flow->from);
            return err_field(err, "flows[%zu].from", i);
        }
        if (!requirement_find(requirement, flow->to)) {
            err_set(err, ERR_INVALID, "no component is named '%s'", flow->to);
            return err_field(err, "flows[%zu].to", i);
        }
    }
    return ERR_OK;
}

static const struct json_field fields[] = {
    JSON_FIELD_ENUM("scenario", struct requirement, scenario, 0, requirement_scenario_names,
                    "what it is used for"),
    {.name = "components",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct requirement, components),
     .flags = JSON_REQUIRED | JSON_NON_EMPTY,
     .table = &component_table,
     .max_len = 1000,
     .doc = "one entry per thing to run, in the order of the text"},
    JSON_FIELD_TABLE("network", JSON_OBJECT, struct requirement, network, 0, &network_table_,
                     "bounds for the whole need"),
    JSON_FIELD_TABLE("service_level", JSON_OBJECT, struct requirement, service_level, 0,
                     &service_level_table, "service level"),
    JSON_FIELD_TABLE("reliability", JSON_OBJECT, struct requirement, reliability, 0,
                     &reliability_table, "reliability"),
    JSON_FIELD_TABLE("security", JSON_OBJECT, struct requirement, security, 0, &security_table,
                     "security"),
    JSON_FIELD_TABLE("budget", JSON_OBJECT_PTR, struct requirement, budget, 0, &budget_table,
                     "budget"),
    JSON_FIELD_RANGE("duration_days", JSON_OPT_DOUBLE, struct requirement, duration_days, 0, 0, 1e6,
                     "how long it is needed"),
    JSON_FIELD("user_location", JSON_STRING, struct requirement, user_location, JSON_NON_EMPTY,
               "where users or data sources are"),
    JSON_FIELD_ENUM("objective", struct requirement, objective, 0, requirement_objective_names,
                    "what to prefer"),
    {.name = "flows",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct requirement, flows),
     .table = &flow_table,
     .max_len = 10000,
     .doc = "needs of single connections"},
};
const struct json_table requirement_table =
    JSON_TABLE("Requirement", struct requirement, fields,
               "What a customer asks for.  A field that was not stated is absent.", check);

int64_t requirement_instances(const struct requirement *requirement,
                              const struct requirement_component *component)
{
    int64_t count = component->instances.set ? component->instances.value : 1;
    const struct requirement_reliability *reliability = &requirement->reliability;
    if (reliability->replicas.set && reliability->replicas.value > count)
        count = reliability->replicas.value;
    if (reliability->mode != MODE_ABSENT && count < 2)
        count = 2;
    return count;
}

const struct requirement_component *requirement_find(const struct requirement *requirement,
                                                     const char *name)
{
    for (size_t i = 0; i < requirement->components.count; i++)
        if (str_eq(requirement->components.items[i].name, name))
            return &requirement->components.items[i];
    return NULL;
}
