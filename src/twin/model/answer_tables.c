/* answer_tables.c - field tables of what the twin answers. */
#include "twin/model/twin.h"

#define TEXT_FIELD(name_, type_, member_, flags_, doc_)                                          \
    {                                                                                            \
        .name = name_, .kind = JSON_STRING, .offset = offsetof(type_, member_), .flags = flags_, \
        .max_len = GRAPH_MAX_ID, .doc = doc_                                                     \
    }

const char *const twin_direction_names[] = {NULL, "up", "down", "both", NULL};
const char *const twin_change_names[] = {NULL, "appeared", "ended", "changed", NULL};

static const struct json_field item_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct twin_item, id, JSON_REQUIRED, "entity"),
    JSON_FIELD("kind", JSON_STRING, struct twin_item, kind, JSON_REQUIRED, "what it is"),
    JSON_FIELD_ENUM("layer", struct twin_item, layer, JSON_REQUIRED, twin_layer_names, "layer"),
    JSON_FIELD_ENUM("state", struct twin_item, state, JSON_REQUIRED, twin_state_names,
                    "state at that moment; unknown when the observation has expired"),
    JSON_FIELD_ENUM("origin", struct twin_item, origin, JSON_REQUIRED, twin_origin_names,
                    "how it is known"),
    JSON_FIELD("confidence", JSON_DOUBLE, struct twin_item, confidence, 0,
               "how sure it is, 0 to 1"),
    JSON_FIELD("valid_from", JSON_TIME, struct twin_item, valid_from, 0, "since"),
    JSON_FIELD("valid_to", JSON_TIME, struct twin_item, valid_to, 0, "until; absent = open"),
    JSON_FIELD("expires_at", JSON_TIME, struct twin_item, expires_at, 0,
               "from then on its state is unknown; absent = never"),
    JSON_FIELD("depth", JSON_OPT_INT, struct twin_item, depth, 0, "steps from the one asked for"),
    JSON_FIELD("via", JSON_STRING, struct twin_item, via, 0, "the entity before it on the way"),
    JSON_FIELD_ENUM("relation", struct twin_item, relation, 0, twin_relation_names,
                    "of the edge between the two"),
    JSON_FIELD("outward", JSON_BOOL, struct twin_item, outward, 0,
               "the edge leads from the one before to this one"),
    JSON_FIELD_ENUM("edge_origin", struct twin_item, edge_origin, 0, twin_origin_names,
                    "how the edge is known"),
    JSON_FIELD_ENUM("edge_state", struct twin_item, edge_state, 0, twin_state_names,
                    "state of the edge"),
};
static const struct json_table item_table =
    JSON_TABLE("TwinItem", struct twin_item, item_fields, "an entity at a moment", NULL);
static const struct json_field answer_fields[] = {
    JSON_FIELD("at", JSON_TIME, struct twin_answer, at, 0, "the moment that is shown"),
    JSON_FIELD("position", JSON_INT, struct twin_answer, position, 0, "of the journal"),
    JSON_FIELD_TABLE("entity", JSON_OBJECT_PTR, struct twin_answer, subject, 0, &item_table,
                     "the one asked for"),
    JSON_FIELD("total", JSON_INT, struct twin_answer, total, 0, "of all pages"),
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct twin_answer, items, JSON_KEEP, &item_table,
                     "entities"),
    JSON_FIELD("next", JSON_STRING, struct twin_answer, next, 0, "cursor of the next page"),
};
const struct json_table twin_answer_table =
    JSON_TABLE("TwinAnswer", struct twin_answer, answer_fields, "entities of the twin", NULL);

static const struct json_field difference_fields[] = {
    JSON_FIELD("entity", JSON_STRING, struct twin_difference, entity, 0, "an entity"),
    JSON_FIELD("from", JSON_STRING, struct twin_difference, from, 0, "or an edge from this one"),
    JSON_FIELD("to", JSON_STRING, struct twin_difference, to, 0, "to that one"),
    JSON_FIELD_ENUM("relation", struct twin_difference, relation, 0, twin_relation_names,
                    "of the edge"),
    JSON_FIELD_ENUM("change", struct twin_difference, change, JSON_REQUIRED, twin_change_names,
                    "what happened between the two moments"),
    JSON_FIELD_ENUM("state_before", struct twin_difference, state_before, 0, twin_state_names,
                    "state at the first moment"),
    JSON_FIELD_ENUM("state_after", struct twin_difference, state_after, 0, twin_state_names,
                    "state at the second"),
    JSON_FIELD_TABLE("before", JSON_OBJECT_PTR, struct twin_difference, before, 0, &item_table,
                     "the entity at the first moment"),
    JSON_FIELD_TABLE("after", JSON_OBJECT_PTR, struct twin_difference, after, 0, &item_table,
                     "the entity at the second"),
};
static const struct json_table difference_table =
    JSON_TABLE("TwinDifference", struct twin_difference, difference_fields, "one difference", NULL);
static const struct json_field diff_fields[] = {
    JSON_FIELD("from", JSON_TIME, struct twin_diff, from, 0, "the first moment"),
    JSON_FIELD("to", JSON_TIME, struct twin_diff, to, 0, "the second"),
    JSON_FIELD("position_from", JSON_INT, struct twin_diff, position_from, 0, "of the journal"),
    JSON_FIELD("position_to", JSON_INT, struct twin_diff, position_to, 0, "of the journal"),
    JSON_FIELD("total", JSON_INT, struct twin_diff, total, 0, "of all pages"),
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct twin_diff, items, JSON_KEEP, &difference_table,
                     "differences, entities before edges"),
    JSON_FIELD("next", JSON_STRING, struct twin_diff, next, 0, "cursor of the next page"),
};
const struct json_table twin_diff_table =
    JSON_TABLE("TwinDiff", struct twin_diff, diff_fields, "what differs between two moments", NULL);

static const struct json_field event_fields[] = {
    JSON_FIELD("at", JSON_TIME, struct twin_event, at, 0, "when"),
    JSON_FIELD("what", JSON_STRING, struct twin_event, what, JSON_REQUIRED,
               "began, ended or state"),
    JSON_FIELD_ENUM("state", struct twin_event, state, 0, twin_state_names, "state from then on"),
    JSON_FIELD("text", JSON_STRING, struct twin_event, text, 0, "what was observed"),
};
static const struct json_table event_table =
    JSON_TABLE("TwinEvent", struct twin_event, event_fields, "something that happened to it", NULL);
static const struct json_field history_fields[] = {
    JSON_FIELD("entity", JSON_STRING, struct twin_history, entity, JSON_REQUIRED, "whose"),
    JSON_FIELD("total", JSON_INT, struct twin_history, total, 0, "of all pages"),
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct twin_history, items, JSON_KEEP, &event_table,
                     "newest first"),
    JSON_FIELD("next", JSON_STRING, struct twin_history, next, 0, "cursor of the next page"),
};
const struct json_table twin_history_table = JSON_TABLE(
    "TwinHistory", struct twin_history, history_fields, "lives and states of an entity", NULL);

static const struct json_field group_fields[] = {
    JSON_FIELD("name", JSON_STRING, struct twin_group, name, JSON_REQUIRED, "for people"),
    JSON_FIELD_ENUM("layer", struct twin_group, layer, 0, twin_layer_names, "layer of all of it"),
    JSON_FIELD("kind", JSON_STRING, struct twin_group, kind, 0, "kind of all of it"),
    JSON_FIELD("count", JSON_INT, struct twin_group, count, 0, "entities"),
    JSON_FIELD("up", JSON_INT, struct twin_group, up, 0, "of them"),
    JSON_FIELD("degraded", JSON_INT, struct twin_group, degraded, 0, "of them"),
    JSON_FIELD("unreachable", JSON_INT, struct twin_group, unreachable, 0, "of them"),
    JSON_FIELD("dead", JSON_INT, struct twin_group, dead, 0, "of them"),
    JSON_FIELD("unknown", JSON_INT, struct twin_group, unknown, 0, "of them"),
};
static const struct json_table group_table =
    JSON_TABLE("TwinGroup", struct twin_group, group_fields, "entities drawn as one", NULL);
static const struct json_field bundle_fields[] = {
    JSON_FIELD("from", JSON_INT, struct twin_bundle, from, 0, "group, counted from 0"),
    JSON_FIELD("to", JSON_INT, struct twin_bundle, to, 0, "group"),
    JSON_FIELD_ENUM("relation", struct twin_bundle, relation, JSON_REQUIRED, twin_relation_names,
                    "of the edges"),
    JSON_FIELD("count", JSON_INT, struct twin_bundle, count, 0, "edges"),
};
static const struct json_table bundle_table =
    JSON_TABLE("TwinBundle", struct twin_bundle, bundle_fields, "edges drawn as one", NULL);
static const struct json_field outline_fields[] = {
    JSON_FIELD("at", JSON_TIME, struct twin_outline, at, 0, "the moment that is shown"),
    JSON_FIELD("position", JSON_INT, struct twin_outline, position, 0, "of the journal"),
    JSON_FIELD_TABLE("groups", JSON_ARRAY, struct twin_outline, groups, JSON_KEEP, &group_table,
                     "largest first"),
    JSON_FIELD_TABLE("bundles", JSON_ARRAY, struct twin_outline, bundles, JSON_KEEP, &bundle_table,
                     "edges between groups"),
};
const struct json_table twin_outline_table =
    JSON_TABLE("TwinOutline", struct twin_outline, outline_fields, "the twin from afar", NULL);

static const struct json_field state_wish_fields[] = {
    TEXT_FIELD("id", struct twin_state_wish, id, JSON_REQUIRED | JSON_NON_EMPTY, "entity"),
    JSON_FIELD_ENUM("state", struct twin_state_wish, state, JSON_REQUIRED, twin_state_names,
                    "its state, if"),
};
static const struct json_table state_wish_table = JSON_TABLE(
    "TwinStateWish", struct twin_state_wish, state_wish_fields, "a state that would be", NULL);
static const struct json_field what_if_fields[] = {
    JSON_FIELD("at", JSON_TIME, struct twin_what_if, at, 0, "moment; absent = now"),
    JSON_FIELD_RANGE("limit", JSON_INT, struct twin_what_if, limit, 0, 0, TWIN_PAGE_MAX,
                     "most items; 0 = 100"),
    {.name = "states",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct twin_what_if, states),
     .table = &state_wish_table,
     .max_len = TWIN_CHANGE_MAX,
     .doc = "states that would be"},
    JSON_FIELD_TABLE("change", JSON_OBJECT, struct twin_what_if, change, 0, &twin_change_table,
                     "things that would be there, or no longer"),
};
const struct json_table twin_what_if_table =
    JSON_TABLE("TwinWhatIf", struct twin_what_if, what_if_fields, "what would be if", NULL);
static const struct json_field consequence_fields[] = {
    JSON_FIELD("id", JSON_STRING, struct twin_consequence, id, JSON_REQUIRED, "entity"),
    JSON_FIELD("kind", JSON_STRING, struct twin_consequence, kind, JSON_REQUIRED, "what it is"),
    JSON_FIELD_ENUM("layer", struct twin_consequence, layer, JSON_REQUIRED, twin_layer_names,
                    "layer"),
    JSON_FIELD_ENUM("before", struct twin_consequence, before, 0, twin_state_names,
                    "state that follows now; absent = it is not there"),
    JSON_FIELD_ENUM("after", struct twin_consequence, after, 0, twin_state_names,
                    "state that would follow; absent = it would not be there"),
    JSON_FIELD("because", JSON_STRING, struct twin_consequence, because, 0,
               "the entity whose state decides"),
};
static const struct json_table consequence_table = JSON_TABLE(
    "TwinConsequence", struct twin_consequence, consequence_fields, "what would change", NULL);
static const struct json_field consequences_fields[] = {
    JSON_FIELD("at", JSON_TIME, struct twin_consequences, at, 0, "the moment"),
    JSON_FIELD("position", JSON_INT, struct twin_consequences, position, 0, "of the journal"),
    JSON_FIELD("total", JSON_INT, struct twin_consequences, total, 0, "entities that would change"),
    JSON_FIELD("dead", JSON_INT, struct twin_consequences, dead, 0, "of them"),
    JSON_FIELD("unreachable", JSON_INT, struct twin_consequences, unreachable, 0, "of them"),
    JSON_FIELD("degraded", JSON_INT, struct twin_consequences, degraded, 0, "of them"),
    JSON_FIELD_TABLE("items", JSON_ARRAY, struct twin_consequences, items, JSON_KEEP,
                     &consequence_table, "the worst first"),
};
const struct json_table twin_consequences_table =
    JSON_TABLE("TwinConsequences", struct twin_consequences, consequences_fields,
               "what would change if", NULL);
