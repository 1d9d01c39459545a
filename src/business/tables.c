/* tables.c - field tables of the stored stages. */
#include "business/business_priv.h"

static const struct json_field requirement_fields[] = {
    JSON_FIELD("text", JSON_STRING, struct business_requirement, text, 0, "the customer's words"),
    JSON_FIELD_TABLE("requirement", JSON_OBJECT_PTR, struct business_requirement, requirement,
                     JSON_REQUIRED, &requirement_table, "what was read"),
    JSON_FIELD("spans", JSON_RAW, struct business_requirement, spans, 0,
               "which words each field came from"),
    JSON_FIELD("questions", JSON_RAW, struct business_requirement, questions, 0,
               "what is missing and needed, or contradictory"),
    JSON_FIELD("reader", JSON_STRING, struct business_requirement, reader, 0, "who read it"),
};
const struct json_table business_requirement_table =
    JSON_TABLE("StoredRequirement", struct business_requirement, requirement_fields,
               "a need as it was read", NULL);

static const struct json_field solution_fields[] = {
    JSON_FIELD("requirement_id", JSON_STRING, struct business_solution, requirement_id, 0,
               "id@version of the requirement"),
    JSON_FIELD_TABLE("requirement", JSON_OBJECT_PTR, struct business_solution, requirement,
                     JSON_REQUIRED, &requirement_table, "as designed for, with assumptions"),
    JSON_FIELD("network_version", JSON_INT, struct business_solution, network_version, 0,
               "journal position of the network it was designed on"),
    JSON_FIELD_TABLE("answer", JSON_OBJECT_PTR, struct business_solution, answer, JSON_REQUIRED,
                     &solution_answer_table, "the designs"),
    JSON_FIELD("applications", JSON_STRINGS, struct business_solution, applications, 0,
               "versions found for the components"),
    JSON_FIELD("number", JSON_INT, struct business_solution, number, 0, "version, from 1"),
    JSON_FIELD_ENUM("objective", struct business_solution, objective, 0,
                    requirement_objective_names, "what was to be preferred"),
    JSON_FIELD_TABLE("asked", JSON_OBJECT_PTR, struct business_solution, asked, 0,
                     &requirement_table, "as refined, without assumptions"),
    JSON_FIELD_TABLE("pins", JSON_ARRAY, struct business_solution, pins, 0, &solution_pin_table,
                     "where components must run"),
    JSON_FIELD_TABLE("exclusions", JSON_ARRAY, struct business_solution, exclusions, 0,
                     &solution_exclusion_table, "where they must not run"),
    JSON_FIELD_TABLE("refinement", JSON_OBJECT_PTR, struct business_solution, refinement, 0,
                     &solution_refinement_table, "how it came from an earlier version"),
    JSON_FIELD("redesigns", JSON_INT, struct business_solution, redesigns, 0,
               "times that it was designed again because others took the room"),
};
const struct json_table business_solution_table =
    JSON_TABLE("StoredSolution", struct business_solution, solution_fields,
               "a set of designs for a requirement", NULL);

static const char *const plan_state_names[] = {NULL, "ready", "applied", NULL};
static const struct json_field plan_status_fields[] = {
    JSON_FIELD_ENUM("state", struct business_plan_status, state, JSON_REQUIRED, plan_state_names,
                    "ready or applied"),
    JSON_FIELD("order", JSON_STRING, struct business_plan_status, order, 0, "order it is for"),
    JSON_FIELD("run", JSON_STRING, struct business_plan_status, run, 0, "run that applied it"),
};
const struct json_table business_plan_status_table = JSON_TABLE(
    "PlanStatus", struct business_plan_status, plan_status_fields, "what became of the plan", NULL);
