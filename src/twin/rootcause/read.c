/* read.c - topology.json, changes.json, question.json from outside.
 *
 * Contract: members that nobody here knows are ignored; a wrong type, an id twice, an unknown
 * relation and a breach of a limit are refused with the path of the member. */
#include <math.h>

#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "twin/rootcause/rootcause.h"

#define TIME_MOST 1e11

const char *const rootcause_relation_names[] = {NULL,       "calls",      "runs-on", "hosts",
                                                "connects", "depends-on", NULL};
const char *const rootcause_status_names[] = {NULL, "confirmed", "likely", "inconclusive", NULL};

/* Text of a member that must be there; "" is refused. */
static enum err_code text_of(const struct json_value *object, const char *list, size_t index,
                             const char *key, const char **out, struct arena *arena,
                             struct err *err)
{
    const char *text = json_text(json_get(object, key), NULL);
    if (!text || !text[0]) {
        err_set(err, ERR_INVALID, "%s[%zu].%s is not a text", list, index, key);
        return err_field(err, "%s[%zu].%s", list, index, key);
    }
    *out = arena_strdup(arena, text);
    return arena_check(arena, err);
}

static enum err_code read_entity(const struct json_value *item, size_t index, struct map *ids,
                                 struct rootcause_case *out, struct arena *arena, struct err *err)
{
    const char *id = NULL;
    enum err_code rc = text_of(item, "entities", index, "id", &id, arena, err);
    if (rc)
        return rc;
    if (map_has(ids, id)) {
        err_set(err, ERR_INVALID, "entities[%zu].id: '%s' is there twice", index, id);
        return err_field(err, "entities[%zu].id", index);
    }
    struct rootcause_entity *entity = LIST_ADD(arena, &out->entities);
    entity->id = id;
    entity->kind = arena_strdup(arena, json_text(json_get(item, "kind"), NULL));
    map_put(ids, id, (void *)out->entities.count); /* place + 1 */
    return ERR_OK;
}

/* An end that no entity declares becomes an entity without a kind. */
static enum err_code read_end(const struct json_value *item, size_t index, const char *key,
                              struct map *ids, struct rootcause_case *out, size_t *ret_place,
                              struct arena *arena, struct err *err)
{
    const char *id = NULL;
    enum err_code rc = text_of(item, "edges", index, key, &id, arena, err);
    if (rc)
        return rc;
    size_t place = (size_t)map_find(ids, id);
    if (!place) {
        if (out->entities.count == ROOTCAUSE_MAX_ENTITIES)
            return err_set(err, ERR_TOO_LARGE, "more than %d entities", ROOTCAUSE_MAX_ENTITIES);
        LIST_ADD(arena, &out->entities)->id = id;
        place = out->entities.count;
        map_put(ids, id, (void *)place);
    }
    *ret_place = place - 1;
    return ERR_OK;
}

static enum err_code read_edge(const struct json_value *item, size_t index, struct map *ids,
                               struct rootcause_case *out, struct arena *arena, struct err *err)
{
    const char *name = json_text(json_get(item, "relation"), NULL);
    int relation = name ? json_enum_find(rootcause_relation_names, name) : 0;
    size_t from = 0, to = 0;
    enum err_code rc = read_end(item, index, "from", ids, out, &from, arena, err);
    if (rc || (rc = read_end(item, index, "to", ids, out, &to, arena, err)))
        return rc;
    if (!relation) {
        err_set(err, ERR_INVALID, "edges[%zu].relation is '%s'", index, name ? name : "");
        err_field(err, "edges[%zu].relation", index);
        return err_hint(err, "it is calls, runs-on, hosts, connects or depends-on");
    }
    if (from == to)
        return ERR_OK; /* says nothing */
    *LIST_ADD(arena, &out->edges) =
        (struct rootcause_edge){from, to, (enum rootcause_relation)relation};
    return arena_check(arena, err);
}

/* A list that may be missing; anything else in its place is refused. */
static enum err_code list_of(const struct json_value *root, const char *key, size_t most,
                             const struct json_value **out, struct err *err)
{
    *out = key ? json_get(root, key) : root;
    if (key && !*out)
        return ERR_OK;
    bool scalar = json_text(*out, NULL) || !isnan(json_number(*out, (double)NAN)) ||
                  json_boolean(*out, false) == json_boolean(*out, true);
    if (scalar || (json_size(*out) > 0 && !json_at(*out, 0))) {
        err_set(err, ERR_INVALID, "%s is not a list", key ? key : "the text");
        return err_field(err, "%s", key ? key : "");
    }
    return json_size(*out) > most
               ? err_set(err, ERR_TOO_LARGE, "more than %zu %s", most, key ? key : "items")
               : ERR_OK;
}

enum err_code rootcause_read_topology(const char *text, size_t len, struct rootcause_case *out,
                                      struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(map_free_at) struct map *ids = map_new();
    const struct json_value *entities, *edges;
    enum err_code rc = json_parse(text, len, &json_limits_large, &doc, err);
    if (rc || (rc = list_of(json_root(doc), "entities", ROOTCAUSE_MAX_ENTITIES, &entities, err)) ||
        (rc = list_of(json_root(doc), "edges", ROOTCAUSE_MAX_EDGES, &edges, err)))
        return rc;
    for (size_t i = 0; i < json_size(entities) && !rc; i++)
        rc = read_entity(json_at(entities, i), i, ids, out, arena, err);
    for (size_t i = 0; i < json_size(edges) && !rc; i++)
        rc = read_edge(json_at(edges, i), i, ids, out, arena, err);
    return rc;
}

static enum err_code time_of(const struct json_value *value, const char *path, double *out,
                             struct err *err)
{
    *out = json_number(value, (double)NAN);
    if (isfinite(*out) && fabs(*out) < TIME_MOST)
        return ERR_OK;
    err_set(err, ERR_INVALID, "%s is not a time in Unix seconds", path);
    return err_field(err, "%s", path);
}

enum err_code rootcause_read_changes(const char *text, size_t len, struct rootcause_case *out,
                                     struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const struct json_value *list;
    enum err_code rc = json_parse(text, len, &json_limits_large, &doc, err);
    if (rc || (rc = list_of(json_root(doc), NULL, ROOTCAUSE_MAX_CHANGES, &list, err)))
        return rc;
    for (size_t i = 0; i < json_size(list) && !rc; i++) {
        const struct json_value *item = json_at(list, i);
        struct rootcause_change change = {0};
        char path[64];
        str_format(path, sizeof path, "changes[%zu].time", i);
        if ((rc = time_of(json_get(item, "time"), path, &change.time, err)) ||
            (rc = text_of(item, "changes", i, "entity", &change.entity, arena, err)))
            return rc;
        change.what = arena_strdup(arena, json_text(json_get(item, "what"), "change"));
        *LIST_ADD(arena, &out->changes) = change;
        rc = arena_check(arena, err);
    }
    return rc;
}

enum err_code rootcause_read_question(const char *text, size_t len, struct rootcause_case *out,
                                      struct arena *arena, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = json_parse(text, len, NULL, &doc, err);
    if (rc ||
        (rc = time_of(json_get(json_root(doc), "alarm_time"), "alarm_time", &out->alarm_time, err)))
        return rc;
    const struct json_value *symptom = json_get(json_root(doc), "symptom");
    const char *entity = json_text(json_get(symptom, "entity"), NULL);
    const char *metric = json_text(json_get(symptom, "metric"), NULL);
    if (json_size(symptom) > 0 && !entity) {
        err_set(err, ERR_INVALID, "symptom.entity is not a text");
        return err_field(err, "symptom.entity");
    }
    out->has_alarm = true;
    out->symptom_entity = arena_strdup(arena, entity);
    out->symptom_metric = arena_strdup(arena, metric);
    return arena_check(arena, err);
}
