/* solution.c - field tables of solutions, feasibility reports and rejections. */
#include "types/solution.h"

const char *const feasibility_verdict_names[] = {NULL, "pass", "fail", "unknown", NULL};
const char *const feasibility_dimension_names[] = {NULL,   "compute",  "network", "application",
                                                   "cost", "business", NULL};

static const struct json_field evidence_fields[] = {
    JSON_FIELD("kind", JSON_STRING, struct feasibility_evidence, kind, JSON_REQUIRED,
               "site, link, path, price, application, measurement, case, requirement or network"),
    JSON_FIELD("ref", JSON_STRING, struct feasibility_evidence, ref, 0, "id of it"),
    JSON_FIELD("text", JSON_STRING, struct feasibility_evidence, text, 0, "what it says"),
    JSON_FIELD("at", JSON_TIME, struct feasibility_evidence, at_ms, 0,
               "when it was so; absent = unknown"),
};
static const struct json_table evidence_table = JSON_TABLE(
    "Evidence", struct feasibility_evidence, evidence_fields, "what a check rests on", NULL);

static const struct json_field check_fields[] = {
    JSON_FIELD("code", JSON_STRING, struct feasibility_check, code, JSON_REQUIRED,
               "stable name of the check"),
    JSON_FIELD("subject", JSON_STRING, struct feasibility_check, subject, 0,
               "component, flow or site that is checked"),
    JSON_FIELD("required", JSON_STRING, struct feasibility_check, required, 0, "asked"),
    JSON_FIELD("observed", JSON_STRING, struct feasibility_check, observed, 0,
               "found; absent = not known"),
    JSON_FIELD("unit", JSON_STRING, struct feasibility_check, unit, 0, "unit of both"),
    JSON_FIELD("margin", JSON_OPT_DOUBLE, struct feasibility_check, margin, 0,
               "room that is left, in the unit; negative = missed by"),
    JSON_FIELD_ENUM("verdict", struct feasibility_check, verdict, JSON_REQUIRED,
                    feasibility_verdict_names, "pass, fail or unknown"),
    JSON_FIELD_RANGE("confidence", JSON_DOUBLE, struct feasibility_check, confidence, 0, 0, 1,
                     "trust in the verdict"),
    JSON_FIELD_TABLE("evidence", JSON_ARRAY, struct feasibility_check, evidence, 0, &evidence_table,
                     "what it rests on"),
};
static const struct json_table check_table = JSON_TABLE(
    "FeasibilityCheck", struct feasibility_check, check_fields, "one check of a dimension", NULL);

static const struct json_field dimension_fields[] = {
    JSON_FIELD_ENUM("dimension", struct feasibility_dimension, kind, JSON_REQUIRED,
                    feasibility_dimension_names, "算力, 网络, 应用, 成本, 业务"),
    JSON_FIELD_ENUM("verdict", struct feasibility_dimension, verdict, JSON_REQUIRED,
                    feasibility_verdict_names,
                    "fail if a check fails, else unknown if one is unknown or none was made"),
    JSON_FIELD_TABLE("checks", JSON_ARRAY, struct feasibility_dimension, checks, JSON_KEEP,
                     &check_table, "the checks"),
};
static const struct json_table dimension_table =
    JSON_TABLE("FeasibilityDimension", struct feasibility_dimension, dimension_fields,
               "one dimension of feasibility", NULL);

static const struct json_field report_fields[] = {
    JSON_FIELD_ENUM("verdict", struct feasibility_report, verdict, JSON_REQUIRED,
                    feasibility_verdict_names, "over the dimensions by the same rule"),
    JSON_FIELD_RANGE("score", JSON_DOUBLE, struct feasibility_report, score, 0, 0, 100,
                     "by the documented rule"),
    JSON_FIELD_TABLE("dimensions", JSON_ARRAY, struct feasibility_report, dimensions, JSON_KEEP,
                     &dimension_table, "always the five, in order"),
};
const struct json_table feasibility_report_table =
    JSON_TABLE("FeasibilityReport", struct feasibility_report, report_fields,
               "five-dimension feasibility", NULL);

static const struct json_field placement_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct solution_placement, component, JSON_REQUIRED,
               "component"),
    JSON_FIELD_RANGE("instance", JSON_INT, struct solution_placement, instance, JSON_REQUIRED, 0,
                     1e9, "number of the instance, from 0"),
    JSON_FIELD("site", JSON_STRING, struct solution_placement, site, JSON_REQUIRED, "site"),
    JSON_FIELD("flavor", JSON_STRING, struct solution_placement, flavor, 0,
               "flavor taken, on sites that have flavors"),
    JSON_FIELD("accelerator_model", JSON_STRING, struct solution_placement, accelerator_model, 0,
               "model taken, when an accelerator is asked"),
};
const struct json_table solution_placement_table = JSON_TABLE(
    "Placement", struct solution_placement, placement_fields, "where one instance runs", NULL);

static const struct json_field route_fields[] = {
    JSON_FIELD("from", JSON_STRING, struct solution_route, from, JSON_REQUIRED,
               "'user' or a component"),
    JSON_FIELD("from_node", JSON_STRING, struct solution_route, from_node, 0,
               "access point or site"),
    JSON_FIELD("to", JSON_STRING, struct solution_route, to, JSON_REQUIRED, "component"),
    JSON_FIELD("to_node", JSON_STRING, struct solution_route, to_node, 0, "site"),
    JSON_FIELD("path", JSON_STRINGS, struct solution_route, path, 0, "nodes, ends included"),
    JSON_FIELD("latency_ms", JSON_OPT_DOUBLE, struct solution_route, latency_ms, 0,
               "one-way latency of the path"),
    JSON_FIELD("bandwidth_mbps", JSON_OPT_DOUBLE, struct solution_route, bandwidth_mbps, 0,
               "bandwidth of the flow"),
    JSON_FIELD("bound_ms", JSON_OPT_DOUBLE, struct solution_route, bound_ms, 0,
               "latency that was asked"),
};
static const struct json_table route_table =
    JSON_TABLE("Route", struct solution_route, route_fields, "one flow to one site", NULL);

static const struct json_field cost_line_fields[] = {
    JSON_FIELD("item", JSON_STRING, struct solution_cost_line, item, JSON_REQUIRED,
               "vcpu, memory, flavor, accelerator, disk, bandwidth, link or public_ip"),
    JSON_FIELD("component", JSON_STRING, struct solution_cost_line, component, 0, "for whom"),
    JSON_FIELD("site", JSON_STRING, struct solution_cost_line, site, 0, "where, or the link"),
    JSON_FIELD("quantity", JSON_DOUBLE, struct solution_cost_line, quantity, 0, "how much a month"),
    JSON_FIELD("unit", JSON_STRING, struct solution_cost_line, unit, 0, "of what"),
    JSON_FIELD("unit_price", JSON_DOUBLE, struct solution_cost_line, unit_price, 0,
               "price of one unit"),
    JSON_FIELD("amount", JSON_DOUBLE, struct solution_cost_line, amount, JSON_REQUIRED,
               "per month"),
    JSON_FIELD_ENUM("basis", struct solution_cost_line, basis, 0, price_basis_names,
                    "kind of price; absent = unknown"),
    JSON_FIELD("source", JSON_STRING, struct solution_cost_line, source, 0,
               "where the price comes from"),
    JSON_FIELD("as_of", JSON_TIME, struct solution_cost_line, as_of_ms, 0, "day of the price"),
};
static const struct json_table cost_line_table = JSON_TABLE(
    "CostLine", struct solution_cost_line, cost_line_fields, "one line of the cost", NULL);

static const struct json_field fields[] = {
    JSON_FIELD("objective", JSON_STRING, struct solution, objective, 0,
               "the first objective that it is best in"),
    JSON_FIELD("wins", JSON_STRINGS, struct solution, wins, 0, "all objectives it is best in"),
    JSON_FIELD("cost", JSON_DOUBLE, struct solution, cost, 0, "per month"),
    JSON_FIELD("currency", JSON_STRING, struct solution, currency, 0, "of the network"),
    JSON_FIELD("gap", JSON_DOUBLE, struct solution, gap, 0,
               "(cost - proven lower bound) / cost of the objective; 0 = proven optimal"),
    JSON_FIELD("latency", JSON_OPT_DOUBLE, struct solution, latency, 0, "ms, sum over flows"),
    JSON_FIELD("reliability", JSON_OPT_DOUBLE, struct solution, reliability, 0,
               "availability of the service, 0 to 1"),
    JSON_FIELD("green", JSON_OPT_DOUBLE, struct solution, green, 0,
               "sum of vCPUs x PUE x carbon g/kWh"),
    JSON_FIELD("opening_s", JSON_OPT_DOUBLE, struct solution, opening_s, 0,
               "estimated opening time"),
    JSON_FIELD("proved_by", JSON_STRING, struct solution, proved_by, 0, "how the gap was proven"),
    JSON_FIELD("catalogue_only", JSON_BOOL, struct solution, catalogue_only, JSON_KEEP,
               "at least one site cannot be opened by any provider"),
    JSON_FIELD_TABLE("placements", JSON_ARRAY, struct solution, placements, JSON_KEEP,
                     &solution_placement_table, "where each instance runs"),
    JSON_FIELD_TABLE("routes", JSON_ARRAY, struct solution, routes, 0, &route_table,
                     "paths of the flows"),
    JSON_FIELD_TABLE("cost_lines", JSON_ARRAY, struct solution, cost_lines, 0, &cost_line_table,
                     "what the cost is made of"),
    JSON_FIELD("assumptions", JSON_STRINGS, struct solution, assumptions, 0,
               "what was taken for granted"),
    JSON_FIELD_TABLE("evaluation", JSON_OBJECT_PTR, struct solution, evaluation, 0,
                     &feasibility_report_table, "five-dimension feasibility"),
};
const struct json_table solution_table =
    JSON_TABLE("Solution", struct solution, fields, "one design that meets the requirement", NULL);

static const struct json_field rejection_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct solution_rejection, component, 0, "for whom"),
    JSON_FIELD("reason", JSON_STRING, struct solution_rejection, reason, JSON_REQUIRED,
               "code of the reason"),
    JSON_FIELD("count", JSON_INT, struct solution_rejection, count, 0, "sites with this reason"),
    JSON_FIELD("site", JSON_STRING, struct solution_rejection, site, 0, "the nearest miss"),
    JSON_FIELD("required", JSON_STRING, struct solution_rejection, required, 0, "asked"),
    JSON_FIELD("observed", JSON_STRING, struct solution_rejection, observed, 0, "offered"),
    JSON_FIELD("unit", JSON_STRING, struct solution_rejection, unit, 0, "unit of both"),
    JSON_FIELD("margin", JSON_OPT_DOUBLE, struct solution_rejection, margin, 0,
               "negative: missed by"),
};
static const struct json_table rejection_table = JSON_TABLE(
    "Rejection", struct solution_rejection, rejection_fields, "why sites were not taken", NULL);

static const struct json_field relaxation_fields[] = {
    JSON_FIELD("change", JSON_STRING, struct solution_relaxation, change, JSON_REQUIRED,
               "what would make it possible"),
    JSON_FIELD("cost", JSON_DOUBLE, struct solution_relaxation, cost, 0,
               "per month of the design that then exists"),
};
static const struct json_table relaxation_table =
    JSON_TABLE("Relaxation", struct solution_relaxation, relaxation_fields,
               "a change that makes the need feasible", NULL);

static const struct json_field answer_fields[] = {
    JSON_FIELD_TABLE("solutions", JSON_ARRAY, struct solution_answer, solutions, JSON_KEEP,
                     &solution_table, "non-dominated designs, the asked objective first"),
    JSON_FIELD_TABLE("rejected", JSON_ARRAY, struct solution_answer, rejected, JSON_KEEP,
                     &rejection_table, "reasons and nearest misses"),
    JSON_FIELD("conflict", JSON_STRINGS, struct solution_answer, conflict, 0,
               "a minimal set of constraints that cannot hold together"),
    JSON_FIELD_TABLE("relaxations", JSON_ARRAY, struct solution_answer, relaxations, 0,
                     &relaxation_table, "cheapest changes that make it feasible"),
    JSON_FIELD("undecided", JSON_STRINGS, struct solution_answer, undecided, 0,
               "what a trial that was stopped left open in conflict and relaxations"),
    JSON_FIELD("sites_seen", JSON_INT, struct solution_answer, sites_seen, 0,
               "sites in the network"),
};
const struct json_table solution_answer_table = JSON_TABLE(
    "SolutionAnswer", struct solution_answer, answer_fields, "the answer of design", NULL);
