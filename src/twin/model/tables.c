/* tables.c - field tables of the twin's view. */
#include "twin/model/twin.h"

const char *const twin_layer_names[] = {NULL,          "physical", "virtual",
                                        "application", "business", NULL};
const char *const twin_state_names[] = {NULL,   "up",      "degraded", "unreachable",
                                        "dead", "unknown", NULL};
const char *const twin_origin_names[] = {NULL, "declared", "observed", "inferred", NULL};
const char *const twin_relation_names[] = {NULL,         "hosts",  "runs-on", "connects", "calls",
                                           "depends-on", "serves", "part-of", NULL};

static const struct json_field entity_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct twin_entity, id, JSON_REQUIRED, "KIND/NAME"),
    JSON_FIELD_ENUM("layer", struct twin_entity, layer, JSON_REQUIRED, twin_layer_names, "layer"),
    JSON_FIELD("kind", JSON_STRING, struct twin_entity, kind, JSON_REQUIRED, "what it is"),
    JSON_FIELD("name", JSON_STRING, struct twin_entity, name, 0, "name for people"),
    JSON_FIELD("deployment", JSON_STRING, struct twin_entity, deployment, 0, "whose part it is"),
    JSON_FIELD_ENUM("state", struct twin_entity, state, JSON_REQUIRED, twin_state_names, "state"),
    JSON_FIELD_ENUM("origin", struct twin_entity, origin, JSON_REQUIRED, twin_origin_names,
                    "how it is known"),
    JSON_FIELD("simulated", JSON_BOOL, struct twin_entity, simulated, 0, "nothing is real"),
    JSON_FIELD("valid_from", JSON_TIME, struct twin_entity, valid_from, 0, "since"),
    JSON_FIELD("valid_to", JSON_TIME, struct twin_entity, valid_to, 0, "until; absent = still"),
    JSON_FIELD("seen_at", JSON_TIME, struct twin_entity, seen_at, 0,
               "last observation; absent = never"),
    JSON_FIELD("text", JSON_STRING, struct twin_entity, text, 0, "what was observed"),
    JSON_FIELD("attributes", JSON_STRING_MAP, struct twin_entity, attributes, 0, "particulars"),
};
static const struct json_table entity_table =
    JSON_TABLE("TwinEntity", struct twin_entity, entity_fields, "a thing of the twin", NULL);

static const struct json_field edge_fields[] = {
    JSON_FIELD("from", JSON_STRING, struct twin_edge, from, JSON_REQUIRED, "entity"),
    JSON_FIELD("to", JSON_STRING, struct twin_edge, to, JSON_REQUIRED, "entity"),
    JSON_FIELD_ENUM("relation", struct twin_edge, relation, JSON_REQUIRED, twin_relation_names,
                    "how they are related"),
    JSON_FIELD_ENUM("origin", struct twin_edge, origin, JSON_REQUIRED, twin_origin_names,
                    "how it is known"),
    JSON_FIELD("valid_from", JSON_TIME, struct twin_edge, valid_from, 0, "since"),
    JSON_FIELD("valid_to", JSON_TIME, struct twin_edge, valid_to, 0, "until; absent = still"),
};
static const struct json_table edge_table =
    JSON_TABLE("TwinEdge", struct twin_edge, edge_fields, "a relation of the twin", NULL);

static const struct json_field view_fields[] = {
    JSON_FIELD("deployment", JSON_STRING, struct twin_view, deployment, 0, "whose twin"),
    JSON_FIELD("at", JSON_TIME, struct twin_view, at, 0, "the moment that is shown"),
    JSON_FIELD("position", JSON_INT, struct twin_view, position, 0, "of the journal"),
    JSON_FIELD_TABLE("entities", JSON_ARRAY, struct twin_view, entities, JSON_KEEP, &entity_table,
                     "things"),
    JSON_FIELD_TABLE("edges", JSON_ARRAY, struct twin_view, edges, JSON_KEEP, &edge_table,
                     "relations"),
};
const struct json_table twin_view_table =
    JSON_TABLE("TwinView", struct twin_view, view_fields, "the twin at one moment", NULL);
