/* deployment.c - field tables of orders and deployments. */
#include "types/deployment.h"

const char *const order_state_names[] = {NULL,     "confirmed", "planned",   "opening", "open",
                                         "failed", "closed",    "cancelled", "lapsed",  NULL};
const char *const deployment_state_names[] = {NULL,       "opening", "up",     "degraded", "down",
                                              "removing", "removed", "failed", "unknown",  NULL};

static const struct json_field order_spec_fields[] = {
    JSON_FIELD("solution", JSON_STRING, struct order_spec, solution, JSON_REQUIRED,
               "stored solution set"),
    JSON_FIELD("version", JSON_INT, struct order_spec, version, 0, "version of the set, from 1"),
    JSON_FIELD_RANGE("choice", JSON_INT, struct order_spec, choice, 0, 0, 1000,
                     "index of the confirmed candidate"),
    JSON_FIELD("digest", JSON_STRING, struct order_spec, digest, 0, "sha256 of that candidate"),
};
const struct json_table order_spec_table =
    JSON_TABLE("OrderSpec", struct order_spec, order_spec_fields, "what is ordered", NULL);

static const struct json_field order_status_fields[] = {
    JSON_FIELD_ENUM("state", struct order_status, state, JSON_REQUIRED, order_state_names, "state"),
    JSON_FIELD("plan", JSON_STRING, struct order_status, plan, 0, "plan made from it"),
    JSON_FIELD("run", JSON_STRING, struct order_status, run, 0, "run that opens it"),
    JSON_FIELD("deployment", JSON_STRING, struct order_status, deployment, 0, "what was opened"),
    JSON_FIELD("currency", JSON_STRING, struct order_status, currency, 0, "ISO 4217"),
    JSON_FIELD("price_month", JSON_DECIMAL, struct order_status, price_month, 0, "price per month"),
    JSON_FIELD_TABLE("reservation", JSON_OBJECT, struct order_status, hold, 0, &solution_hold_table,
                     "room that is held for it"),
};
const struct json_table order_status_table =
    JSON_TABLE("OrderStatus", struct order_status, order_status_fields, "how far it is", NULL);

static const struct json_field instance_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct deployment_instance, name, JSON_REQUIRED,
               "name at the provider"),
    JSON_FIELD("component", JSON_STRING, struct deployment_instance, component, 0, "component"),
    JSON_FIELD("instance", JSON_INT, struct deployment_instance, instance, 0, "number, from 0"),
    JSON_FIELD("site", JSON_STRING, struct deployment_instance, site, 0, "where"),
    JSON_FIELD("provider", JSON_STRING, struct deployment_instance, provider, 0, "by whom"),
    JSON_FIELD("endpoint", JSON_STRING, struct deployment_instance, endpoint, 0,
               "where the provider finds the site"),
    JSON_FIELD_ENUM("kind", struct deployment_instance, kind, 0, plan_task_kind_names,
                    "task that made it"),
    JSON_FIELD("simulated", JSON_BOOL, struct deployment_instance, simulated, 0, "nothing is real"),
    JSON_FIELD_TABLE("result", JSON_OBJECT_PTR, struct deployment_instance, result, 0,
                     &plan_task_result_table, "what the provider answered"),
    JSON_FIELD_ENUM("state", struct deployment_instance, state, 0, deployment_state_names,
                    "state as last seen"),
    JSON_FIELD("seen_at", JSON_TIME, struct deployment_instance, seen_at, 0, "last observation"),
    JSON_FIELD("observed", JSON_STRING, struct deployment_instance, observed, 0,
               "what was observed"),
};
static const struct json_table instance_table = JSON_TABLE(
    "Instance", struct deployment_instance, instance_fields, "one thing that was opened", NULL);

static const struct json_field spec_fields[] = {
    JSON_FIELD("title", JSON_STRING, struct deployment_spec, title, 0, "the customer's words"),
    JSON_FIELD("order", JSON_STRING, struct deployment_spec, order, 0, "order"),
    JSON_FIELD("solution", JSON_STRING, struct deployment_spec, solution, 0, "solution"),
    JSON_FIELD("plan", JSON_STRING, struct deployment_spec, plan, 0, "plan that opened it"),
    JSON_FIELD_TABLE("placements", JSON_ARRAY, struct deployment_spec, placements, 0,
                     &solution_placement_table, "where each instance runs"),
};
const struct json_table deployment_spec_table = JSON_TABLE(
    "DeploymentSpec", struct deployment_spec, spec_fields, "what was to be opened", NULL);

static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct deployment_status, state, JSON_REQUIRED, deployment_state_names,
                    "state"),
    JSON_FIELD("run", JSON_STRING, struct deployment_status, run, 0, "last run"),
    JSON_FIELD("urls", JSON_STRINGS, struct deployment_status, urls, 0, "where it answers"),
    JSON_FIELD("simulated", JSON_BOOL, struct deployment_status, simulated, JSON_KEEP,
               "at least one part is simulated"),
    JSON_FIELD("currency", JSON_STRING, struct deployment_status, currency, 0, "ISO 4217"),
    JSON_FIELD("price_month", JSON_DECIMAL, struct deployment_status, price_month, 0,
               "price per month"),
    JSON_FIELD_TABLE("instances", JSON_ARRAY, struct deployment_status, instances, JSON_KEEP,
                     &instance_table, "what it consists of"),
};
const struct json_table deployment_status_table =
    JSON_TABLE("DeploymentStatus", struct deployment_status, status_fields, "how it is", NULL);
