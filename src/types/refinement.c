/* refinement.c - field tables of refinements and of the status of solution sets. */
#include "types/refinement.h"

const char *const solution_hold_names[] = {NULL,      "held", "lapsed", "released",
                                           "ordered", "used", "none",   NULL};
const char *const solution_state_names[] = {NULL,        "designed", "chosen",
                                            "confirmed", "ordered",  NULL};

static const struct json_field change_fields[] = {
    JSON_FIELD("path", JSON_STRING, struct solution_change, path, JSON_REQUIRED | JSON_NON_EMPTY,
               "field of the requirement"),
    JSON_FIELD("value", JSON_STRING, struct solution_change, value, 0, "absent = left out"),
    JSON_FIELD("was", JSON_STRING, struct solution_change, was, 0, "absent = was not said"),
};
static const struct json_table change_table =
    JSON_TABLE("RequirementChange", struct solution_change, change_fields,
               "a field of the requirement that was changed", NULL);

static const struct json_field pin_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct solution_pin, component,
               JSON_REQUIRED | JSON_NON_EMPTY, "component"),
    JSON_FIELD_RANGE("instance", JSON_OPT_INT, struct solution_pin, instance, 0, 0, 1e9,
                     "number of the instance, from 0; absent = all"),
    JSON_FIELD("site", JSON_STRING, struct solution_pin, site, 0,
               "where it runs; absent = the pin is taken out"),
};
const struct json_table solution_pin_table =
    JSON_TABLE("SolutionPin", struct solution_pin, pin_fields, "where a component must run", NULL);

static const struct json_field exclusion_fields[] = {
    JSON_FIELD("component", JSON_STRING, struct solution_exclusion, component, JSON_NON_EMPTY,
               "component; absent = all"),
    JSON_FIELD("site", JSON_STRING, struct solution_exclusion, site, JSON_REQUIRED | JSON_NON_EMPTY,
               "where it does not run"),
};
const struct json_table solution_exclusion_table =
    JSON_TABLE("SolutionExclusion", struct solution_exclusion, exclusion_fields,
               "where a component must not run", NULL);

static const struct json_field refinement_fields[] = {
    JSON_FIELD("from", JSON_INT, struct solution_refinement, from, 0, "version it was made from"),
    JSON_FIELD("choice", JSON_INT, struct solution_refinement, choice, 0,
               "candidate that was looked at"),
    JSON_FIELD("by", JSON_STRING, struct solution_refinement, by, 0, "user"),
    JSON_FIELD("at", JSON_TIME, struct solution_refinement, at_ms, 0, "when"),
    JSON_FIELD("note", JSON_STRING, struct solution_refinement, note, 0, "why"),
    JSON_FIELD_TABLE("set", JSON_ARRAY, struct solution_refinement, set, 0, &change_table,
                     "fields that were changed"),
    JSON_FIELD_TABLE("pins", JSON_ARRAY, struct solution_refinement, pins, 0, &solution_pin_table,
                     "pins that were set or taken out"),
    JSON_FIELD_TABLE("exclusions", JSON_ARRAY, struct solution_refinement, exclusions, 0,
                     &solution_exclusion_table, "exclusions that were added"),
    JSON_FIELD_TABLE("allowed", JSON_ARRAY, struct solution_refinement, allowed, 0,
                     &solution_exclusion_table, "exclusions that were taken back"),
};
const struct json_table solution_refinement_table =
    JSON_TABLE("SolutionRefinement", struct solution_refinement, refinement_fields,
               "how a version came from another", NULL);

static const struct json_field mark_fields[] = {
    JSON_FIELD("version", JSON_INT, struct solution_mark, version, 0, "version of the set"),
    JSON_FIELD("choice", JSON_INT, struct solution_mark, choice, 0, "index of the candidate"),
    JSON_FIELD("digest", JSON_STRING, struct solution_mark, digest, 0, "sha256 of the candidate"),
    JSON_FIELD("by", JSON_STRING, struct solution_mark, by, 0, "user"),
    JSON_FIELD("at", JSON_TIME, struct solution_mark, at_ms, 0, "when"),
};
static const struct json_table mark_table = JSON_TABLE(
    "SolutionMark", struct solution_mark, mark_fields, "a candidate that was marked", NULL);

static const struct json_field hold_fields[] = {
    JSON_FIELD_ENUM("state", struct solution_hold, state, 0, solution_hold_names,
                    "is room held, and if not, why not"),
    JSON_FIELD("choice", JSON_INT, struct solution_hold, choice, 0, "candidate it is for"),
    JSON_FIELD("expires_at", JSON_TIME, struct solution_hold, expires_ms, 0, "until when"),
    JSON_FIELD("seconds", JSON_INT, struct solution_hold, seconds, 0, "for how long each time"),
};
const struct json_table solution_hold_table =
    JSON_TABLE("Reservation", struct solution_hold, hold_fields, "room that is held", NULL);

static const struct json_field version_fields[] = {
    JSON_FIELD("number", JSON_INT, struct solution_version, number, 0, "number, from 1"),
    JSON_FIELD("by", JSON_STRING, struct solution_version, by, 0, "user"),
    JSON_FIELD("at", JSON_TIME, struct solution_version, at_ms, 0, "when"),
    JSON_FIELD("note", JSON_STRING, struct solution_version, note, 0, "why"),
    JSON_FIELD("candidates", JSON_INT, struct solution_version, candidates, 0, "how many"),
    JSON_FIELD("cost", JSON_DOUBLE, struct solution_version, cost, 0,
               "of the first candidate, per month"),
    JSON_FIELD("currency", JSON_STRING, struct solution_version, currency, 0, "ISO 4217"),
};
static const struct json_table version_table = JSON_TABLE(
    "SolutionVersion", struct solution_version, version_fields, "one version of a set", NULL);

static const struct json_field status_fields[] = {
    JSON_FIELD_ENUM("state", struct solution_status, state, JSON_REQUIRED, solution_state_names,
                    "designed, chosen, confirmed or ordered"),
    JSON_FIELD_TABLE("chosen", JSON_OBJECT_PTR, struct solution_status, chosen, 0, &mark_table,
                     "candidate that is wanted"),
    JSON_FIELD_TABLE("confirmed", JSON_OBJECT_PTR, struct solution_status, confirmed, 0,
                     &mark_table, "candidate that may be ordered"),
    JSON_FIELD_TABLE("reservation", JSON_OBJECT, struct solution_status, hold, 0,
                     &solution_hold_table, "room that is held for it"),
    JSON_FIELD_TABLE("versions", JSON_ARRAY, struct solution_status, versions, 0, &version_table,
                     "versions, oldest first"),
};
const struct json_table solution_status_table =
    JSON_TABLE("SolutionStatus", struct solution_status, status_fields,
               "what was decided about a solution set", NULL);
