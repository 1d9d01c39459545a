/* tables.c - field tables of the twin's view and of its changes. */
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
    JSON_FIELD("expires_at", JSON_TIME, struct twin_entity, expires_at, 0,
               "from then on its state is unknown; absent = never"),
    JSON_FIELD_RANGE("confidence", JSON_OPT_DOUBLE, struct twin_entity, confidence, 0, 0, 1,
                     "how sure it is; absent = 1"),
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

/* ---- changes ---- */

#define TEXT_FIELD(name_, type_, member_, flags_, doc_)                                          \
    {                                                                                            \
        .name = name_, .kind = JSON_STRING, .offset = offsetof(type_, member_), .flags = flags_, \
        .max_len = GRAPH_MAX_ID, .doc = doc_                                                     \
    }
#define FACT_FIELDS(type_)                                                                \
    JSON_FIELD_ENUM("state", type_, state, 0, twin_state_names, "state; absent = up"),    \
        JSON_FIELD_ENUM("origin", type_, origin, 0, twin_origin_names,                    \
                        "how it is known; absent = declared"),                            \
        JSON_FIELD_RANGE("confidence", JSON_OPT_DOUBLE, type_, confidence, 0, 0, 1,       \
                         "how sure it is; absent = 1"),                                   \
        JSON_FIELD("valid_from", JSON_TIME, type_, valid_from, 0, "since; absent = now"), \
        JSON_FIELD("valid_to", JSON_TIME, type_, valid_to, 0, "until; absent = open"),    \
        JSON_FIELD("expires_at", JSON_TIME, type_, expires_at, 0,                         \
                   "from then on its state is unknown; absent = never")

static enum err_code check_times(int64_t from, int64_t to, struct err *err)
{
    if (!to || (from && to >= from))
        return ERR_OK;
    if (!from)
        return ERR_OK;
    err_set(err, ERR_INVALID, "it ends before it begins");
    return err_field(err, "valid_to");
}

static enum err_code check_entity(const void *object, struct err *err)
{
    const struct twin_change_entity *entity = object;
    return check_times(entity->valid_from, entity->valid_to, err);
}

static enum err_code check_edge(const void *object, struct err *err)
{
    const struct twin_change_edge *edge = object;
    return check_times(edge->valid_from, edge->valid_to, err);
}

static const struct json_field change_entity_fields[] = {
    TEXT_FIELD("id", struct twin_change_entity, id, JSON_REQUIRED | JSON_NON_EMPTY, "KIND/NAME"),
    TEXT_FIELD("kind", struct twin_change_entity, kind, JSON_REQUIRED | JSON_NON_EMPTY,
               "what it is"),
    TEXT_FIELD("name", struct twin_change_entity, name, 0, "name for people"),
    JSON_FIELD_ENUM("layer", struct twin_change_entity, layer, JSON_REQUIRED, twin_layer_names,
                    "layer"),
    FACT_FIELDS(struct twin_change_entity),
};
static const struct json_table change_entity_table =
    JSON_TABLE("TwinChangeEntity", struct twin_change_entity, change_entity_fields,
               "a thing that is there", check_entity);
static const struct json_field change_edge_fields[] = {
    TEXT_FIELD("from", struct twin_change_edge, from, JSON_REQUIRED | JSON_NON_EMPTY, "entity"),
    TEXT_FIELD("to", struct twin_change_edge, to, JSON_REQUIRED | JSON_NON_EMPTY, "entity"),
    JSON_FIELD_ENUM("relation", struct twin_change_edge, relation, JSON_REQUIRED,
                    twin_relation_names, "how they are related"),
    FACT_FIELDS(struct twin_change_edge),
};
static const struct json_table change_edge_table =
    JSON_TABLE("TwinChangeEdge", struct twin_change_edge, change_edge_fields,
               "a relation that is there", check_edge);
static const struct json_field change_end_fields[] = {
    TEXT_FIELD("id", struct twin_change_end, id, JSON_REQUIRED | JSON_NON_EMPTY, "entity"),
    JSON_FIELD("at", JSON_TIME, struct twin_change_end, at, 0, "when; absent = now"),
};
static const struct json_table change_end_table =
    JSON_TABLE("TwinChangeEnd", struct twin_change_end, change_end_fields,
               "a thing that is no longer there, with its relations", NULL);
#define CHANGE_LIST(name_, member_, table_, doc_)                                           \
    {                                                                                       \
        .name = name_, .kind = JSON_ARRAY, .offset = offsetof(struct twin_change, member_), \
        .table = table_, .max_len = TWIN_CHANGE_MAX, .doc = doc_                            \
    }
static const struct json_field change_fields[] = {
    CHANGE_LIST("entities", entities, &change_entity_table, "added or replaced"),
    CHANGE_LIST("edges", edges, &change_edge_table, "added or replaced"),
    CHANGE_LIST("ended", ended, &change_end_table, "ended"),
};
const struct json_table twin_change_table =
    JSON_TABLE("TwinChange", struct twin_change, change_fields, "what changes in the twin", NULL);
