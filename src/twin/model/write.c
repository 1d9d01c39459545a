/* write.c - rows of the twin and, beside each, the fact that goes to the journal.
 *
 * Contract: a row is never deleted.  An entity or edge that ends gets valid_to; one that comes
 * again gets a new row.  Each change of an entity's state is journalled once for people (collection
 * "twin"), and kept in twin_states, from which the state at any moment is read.  What the graph
 * needs to know is gathered and journalled once a call, by twin_write_end (collection
 * "twin-graph"). All of it is in the caller's transaction. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "twin/model/twin_priv.h"

const struct store_actor twin_system_actor = {.user = "system", .tenant = ""};

static const struct json_field attributes_fields[] = {
    JSON_FIELD("items", JSON_STRING_MAP, struct twin_attributes, items, JSON_KEEP, "particulars"),
};
const struct json_table twin_attributes_table = JSON_TABLE(
    "TwinAttributes", struct twin_attributes, attributes_fields, "particulars of an entity", NULL);

static enum err_code journal_change(struct twin_write *w, const char *id, int before, int after,
                                    const char *text, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer json = JSON_WRITER(&body);
    json_begin(&json, '{');
    json_member_text(&json, "before", json_enum_name(twin_state_names, before));
    json_member_text(&json, "after", json_enum_name(twin_state_names, after));
    if (text)
        json_member_text(&json, "text", text);
    json_end(&json, '}');
    return store_append(w->tx, "twin", id, "state-changed", buf_str(&body), w->actor, NULL, err);
}

static enum err_code keep_state(struct store_tx *tx, const char *id, int64_t at, int state,
                                const char *text, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(id), STORE_V_INT(at), STORE_V_INT(state),
                                 STORE_V_TEXT(text)};
    return store_exec(tx,
                      "INSERT INTO twin_states (id, at_ms, state, note) VALUES ($1, $2, $3, $4)"
                      " ON CONFLICT (id, at_ms) DO UPDATE SET state = $3, note = $4",
                      args, ARRAY_LEN(args), NULL, err);
}

/* ---- facts ---- */

struct living { /* a row that has not ended */
    struct twin_entity entity;
    const char *attributes;
};

/* The living entity among `ids` (NULL fills up); its id is NULL when none lives. */
static enum err_code find_living(struct twin_write *w, const char *const ids[4], struct living *out,
                                 struct err *err)
{
    struct store_value args[4];
    struct store_rows rows;
    *out = (struct living){.attributes = NULL};
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        args[i] = STORE_V_TEXT(ids[i] ? ids[i] : ids[0]);
    enum err_code rc = store_query(w->tx,
                                   "SELECT id, state, attributes, layer, kind, origin, valid_from,"
                                   " expires_at, confidence FROM twin_entities"
                                   " WHERE id IN ($1, $2, $3, $4) AND valid_to = 0",
                                   args, ARRAY_LEN(args), 4, &rows, w->arena, err);
    if (rc || !rows.count)
        return rc;
    out->entity = (struct twin_entity){.id = store_cell(&rows, 0, 0)->text,
                                       .state = (int)store_cell(&rows, 0, 1)->integer,
                                       .layer = (int)store_cell(&rows, 0, 3)->integer,
                                       .kind = store_cell(&rows, 0, 4)->text,
                                       .origin = (int)store_cell(&rows, 0, 5)->integer,
                                       .valid_from = store_cell(&rows, 0, 6)->integer,
                                       .expires_at = store_cell(&rows, 0, 7)->integer,
                                       .confidence = {true, store_cell(&rows, 0, 8)->real}};
    out->attributes = store_cell(&rows, 0, 2)->text;
    return ERR_OK;
}

static enum err_code find_one(struct twin_write *w, const char *id, struct living *out,
                              struct err *err)
{
    const char *const ids[4] = {id};
    return find_living(w, ids, out, err);
}

static double confidence_of(struct opt_double confidence)
{
    return confidence.set ? confidence.value : 1;
}

/* The caller's texts live until the end of his call. */
static void note_entity(struct twin_write *w, const struct twin_entity *entity)
{
    struct twin_change_entity *fact = LIST_ADD(w->arena, &w->change.entities);
    *fact = (struct twin_change_entity){.id = entity->id,
                                        .kind = entity->kind,
                                        .layer = entity->layer,
                                        .state = entity->state,
                                        .origin = entity->origin,
                                        .valid_from = entity->valid_from,
                                        .valid_to = entity->valid_to,
                                        .expires_at = entity->expires_at};
    if (confidence_of(entity->confidence) < 1)
        fact->confidence = entity->confidence;
}

static bool tells_more(const struct twin_entity *before, const struct twin_entity *now)
{
    return before->state != now->state || before->origin != now->origin ||
           before->expires_at != now->expires_at || before->layer != now->layer ||
           !str_eq(before->kind, now->kind) || now->valid_to ||
           confidence_of(before->confidence) < confidence_of(now->confidence) ||
           confidence_of(before->confidence) > confidence_of(now->confidence);
}

enum err_code twin_write_end(struct twin_write *w, struct err *err)
{
    if (!w->change.entities.count && !w->change.edges.count && !w->change.ended.count)
        return ERR_OK;
    return twin_append(w->tx, &w->change, w->actor, err);
}

/* ---- entities ---- */

static enum err_code insert_entity(struct twin_write *w, const struct twin_entity *entity,
                                   const char *attributes, struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(entity->id),
                                 STORE_V_INT(entity->valid_from),
                                 STORE_V_INT(entity->layer),
                                 STORE_V_TEXT(entity->kind),
                                 STORE_V_TEXT(entity->name ? entity->name : entity->id),
                                 STORE_V_TEXT(entity->deployment ? entity->deployment : ""),
                                 STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->origin),
                                 STORE_V_INT(entity->simulated),
                                 STORE_V_INT(entity->seen_at),
                                 STORE_V_TEXT(entity->text),
                                 STORE_V_TEXT(attributes),
                                 STORE_V_INT(entity->valid_to),
                                 STORE_V_INT(entity->expires_at),
                                 STORE_V_REAL(confidence_of(entity->confidence))};
    /* The same id in the same millisecond: it ended and began again before the clock moved. */
    enum err_code rc = store_exec(
        w->tx,
        "INSERT INTO twin_entities (id, valid_from, layer, kind, name, deployment, state, origin,"
        " simulated, seen_at, note, attributes, valid_to, expires_at, confidence)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " ON CONFLICT (id, valid_from) DO UPDATE SET valid_to = $13, state = $7, origin = $8,"
        " seen_at = $10, note = $11, attributes = $12, layer = $3, kind = $4, expires_at = $14,"
        " confidence = $15",
        args, ARRAY_LEN(args), NULL, err);
    if (rc ||
        (rc = keep_state(w->tx, entity->id, entity->valid_from, entity->state, entity->text, err)))
        return rc;
    note_entity(w, entity);
    return ERR_OK;
}

/* What is new of a living one; it keeps its beginning. */
static enum err_code update_entity(struct twin_write *w, const struct twin_entity *entity,
                                   const struct living *old, const char *attributes,
                                   struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(entity->id),
                                 STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->origin),
                                 STORE_V_INT(entity->seen_at),
                                 STORE_V_TEXT(entity->text),
                                 STORE_V_TEXT(attributes),
                                 STORE_V_TEXT(entity->name ? entity->name : entity->id),
                                 STORE_V_INT(entity->layer),
                                 STORE_V_TEXT(entity->kind),
                                 STORE_V_INT(entity->valid_to),
                                 STORE_V_INT(entity->expires_at),
                                 STORE_V_REAL(confidence_of(entity->confidence))};
    enum err_code rc = store_exec(w->tx,
                                  "UPDATE twin_entities SET state = $2, origin = $3, seen_at = $4,"
                                  " note = $5, attributes = $6, name = $7, layer = $8, kind = $9,"
                                  " valid_to = $10, expires_at = $11, confidence = $12"
                                  " WHERE id = $1 AND valid_to = 0",
                                  args, ARRAY_LEN(args), NULL, err);
    if (rc)
        return rc;
    struct twin_entity now = *entity;
    now.valid_from = old->entity.valid_from;
    if (tells_more(&old->entity, &now))
        note_entity(w, &now);
    if (old->entity.state == entity->state)
        return ERR_OK;
    if ((rc = keep_state(w->tx, entity->id, entity->valid_from, entity->state, entity->text, err)))
        return rc;
    return journal_change(w, entity->id, old->entity.state, entity->state, entity->text, err);
}

enum err_code twin_begin_entity(struct twin_write *w, const struct twin_entity *entity,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct twin_attributes attributes = {0};
    struct living old;
    attributes.items.items = entity->attributes.items;
    attributes.items.count = entity->attributes.count;
    json_encode(&twin_attributes_table, &attributes, JSON_COMPACT, &text);
    enum err_code rc = find_one(w, entity->id, &old, err);
    if (rc)
        return rc;
    if (!old.entity.id)
        return insert_entity(w, entity, buf_str(&text), err);
    const char *now = entity->attributes.count || !old.attributes ? buf_str(&text) : old.attributes;
    return update_entity(w, entity, &old, now, err);
}

enum err_code twin_share_entity(struct twin_write *w, const struct twin_entity *entity,
                                struct err *err)
{
    struct living old;
    enum err_code rc = find_one(w, entity->id, &old, err);
    if (rc)
        return rc;
    if (!old.entity.id)
        return insert_entity(w, entity, "{\"items\":{}}", err);
    if (old.entity.state == entity->state)
        return ERR_OK;
    struct store_value args[] = {STORE_V_TEXT(entity->id), STORE_V_INT(entity->state),
                                 STORE_V_INT(entity->seen_at), STORE_V_TEXT(entity->text)};
    if ((rc = store_exec(w->tx,
                         "UPDATE twin_entities SET state = $2, seen_at = $3, note = $4"
                         " WHERE id = $1 AND valid_to = 0",
                         args, ARRAY_LEN(args), NULL, err)) ||
        (rc = keep_state(w->tx, entity->id, entity->valid_from, entity->state, entity->text, err)))
        return rc;
    struct twin_entity now = old.entity;
    now.state = entity->state;
    note_entity(w, &now);
    return journal_change(w, entity->id, old.entity.state, entity->state, entity->text, err);
}

/* ---- edges ---- */

enum err_code twin_begin_edge(struct twin_write *w, const struct twin_change_edge *edge,
                              const char *deployment, struct err *err)
{
    struct store_value args[] = {
        STORE_V_TEXT(edge->from),      STORE_V_INT(edge->relation),
        STORE_V_TEXT(edge->to),        STORE_V_INT(edge->valid_from),
        STORE_V_INT(edge->origin),     STORE_V_TEXT(deployment),
        STORE_V_INT(edge->valid_to),   STORE_V_INT(edge->state),
        STORE_V_INT(edge->expires_at), STORE_V_REAL(confidence_of(edge->confidence))};
    struct store_rows rows;
    enum err_code rc = store_query(w->tx,
                                   "SELECT state, origin, expires_at, confidence, valid_from FROM"
                                   " twin_edges WHERE from_id = $1 AND relation = $2 AND to_id = $3"
                                   " AND valid_to = 0",
                                   args, 3, 1, &rows, w->arena, err);
    if (rc)
        return rc;
    if (!rows.count) {
        *LIST_ADD(w->arena, &w->change.edges) = *edge;
        return store_exec(
            w->tx,
            "INSERT INTO twin_edges (from_id, relation, to_id, valid_from, origin, deployment,"
            " valid_to, state, expires_at, confidence)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (from_id, relation, to_id, valid_from) DO UPDATE SET valid_to = $7,"
            " origin = $5, state = $8, expires_at = $9, confidence = $10",
            args, ARRAY_LEN(args), NULL, err);
    }
    double confidence = store_cell(&rows, 0, 3)->real, now = confidence_of(edge->confidence);
    if (store_cell(&rows, 0, 0)->integer == edge->state &&
        store_cell(&rows, 0, 1)->integer == edge->origin &&
        store_cell(&rows, 0, 2)->integer == edge->expires_at && !edge->valid_to &&
        !(confidence < now || confidence > now))
        return ERR_OK;
    struct twin_change_edge *fact = LIST_ADD(w->arena, &w->change.edges);
    *fact = *edge;
    fact->valid_from = store_cell(&rows, 0, 4)->integer;
    struct store_value update[] = {args[0], args[1], args[2], args[4],
                                   args[6], args[7], args[8], args[9]};
    return store_exec(w->tx,
                      "UPDATE twin_edges SET origin = $4, valid_to = $5, state = $6,"
                      " expires_at = $7, confidence = $8 WHERE from_id = $1 AND relation = $2 AND"
                      " to_id = $3 AND valid_to = 0",
                      update, ARRAY_LEN(update), NULL, err);
}

enum err_code twin_end_entity(struct twin_write *w, const char *id, int64_t now, bool *ret_found,
                              struct err *err)
{
    struct store_value args[] = {STORE_V_TEXT(id), STORE_V_INT(now), STORE_V_INT(TWIN_DEPENDS_ON)};
    static const char *const statements[] = {
        "UPDATE twin_entities SET valid_to = $2 WHERE id = $1 AND valid_to = 0",
        "UPDATE twin_edges SET valid_to = $2 WHERE from_id = $1 AND valid_to = 0",
        "UPDATE twin_edges SET valid_to = $2 WHERE to_id = $1 AND valid_to = 0",
    };
    struct store_rows rows;
    enum err_code rc = ERR_OK;
    int64_t changed = 0, all = 0;
    for (size_t i = 0; !rc && i < ARRAY_LEN(statements); i++) {
        rc = store_exec(w->tx, statements[i], args, 2, &changed, err);
        all += rc ? 0 : changed;
    }
    if (rc)
        return rc;
    if (ret_found)
        *ret_found = all > 0;
    if (all)
        *LIST_ADD(w->arena, &w->change.ended) =
            (struct twin_change_end){arena_strdup(w->arena, id), now};
    if ((rc = store_query(w->tx,
                          "UPDATE twin_entities SET valid_to = $2 WHERE valid_to = 0 AND"
                          " kind = 'application' AND id IN (SELECT to_id FROM twin_edges WHERE"
                          " from_id = $1 AND relation = $3) AND NOT EXISTS (SELECT 1 FROM"
                          " twin_edges AS living WHERE living.to_id = twin_entities.id AND"
                          " living.valid_to = 0) RETURNING id",
                          args, 3, 0, &rows, w->arena, err)))
        return rc;
    for (size_t i = 0; i < rows.count; i++)
        *LIST_ADD(w->arena, &w->change.ended) =
            (struct twin_change_end){store_cell(&rows, i, 0)->text, now};
    return ERR_OK;
}

/* ---- observations ---- */

/* What the opening said, with what was measured beside it; NULL when nothing was measured. */
static enum err_code merge_measured(const char *known, const struct twin_observation *observation,
                                    char **ret_text, struct arena *arena, struct err *err)
{
    struct twin_attributes old = {0}, merged = {0};
    *ret_text = NULL;
    if (!observation->cpu_percent.set && !observation->memory_mib.set)
        return ERR_OK;
    enum err_code rc =
        known ? json_decode_stored(known, &twin_attributes_table, &old, arena, err) : ERR_OK;
    if (rc)
        return rc;
    for (size_t i = 0; i < old.items.count; i++)
        if (!str_eq(old.items.items[i].name, "cpu_percent") &&
            !str_eq(old.items.items[i].name, "memory_mib"))
            *LIST_ADD(arena, &merged.items) = old.items.items[i];
    if (observation->cpu_percent.set)
        *LIST_ADD(arena, &merged.items) = (struct json_string_pair){
            "cpu_percent", arena_printf(arena, "%.1f", observation->cpu_percent.value)};
    if (observation->memory_mib.set)
        *LIST_ADD(arena, &merged.items) = (struct json_string_pair){
            "memory_mib", arena_printf(arena, "%.1f", observation->memory_mib.value)};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&twin_attributes_table, &merged, JSON_COMPACT, &text);
    *ret_text = arena_strdup(arena, buf_str(&text));
    return ERR_OK;
}

/* Moving an end on costs an event of the journal: not before half of the time is over. */
static int64_t expiry(const struct twin_entity *old, const struct twin_observation *seen)
{
    if (!seen->expires_at || !old->expires_at || old->expires_at > seen->expires_at ||
        old->expires_at - seen->at < (seen->expires_at - seen->at) / 2)
        return seen->expires_at;
    return old->expires_at;
}

enum err_code twin_observe(struct twin_write *w, const char *const ids[4],
                           const struct twin_observation *seen, struct err *err)
{
    struct living old;
    char *attributes;
    enum err_code rc = find_living(w, ids, &old, err);
    if (rc || !old.entity.id)
        return rc;
    if ((rc = merge_measured(old.attributes, seen, &attributes, w->arena, err)))
        return rc;
    struct twin_entity now = old.entity;
    now.state = seen->state;
    now.origin = TWIN_OBSERVED;
    now.expires_at = expiry(&old.entity, seen);
    struct store_value args[] = {STORE_V_TEXT(now.id),       STORE_V_INT(now.state),
                                 STORE_V_INT(seen->at),      STORE_V_TEXT(seen->text),
                                 STORE_V_INT(now.origin),    STORE_V_TEXT(attributes),
                                 STORE_V_INT(now.expires_at)};
    if ((rc = store_exec(w->tx,
                         "UPDATE twin_entities SET state = $2, seen_at = $3, note = $4,"
                         " origin = $5, attributes = COALESCE(CAST($6 AS TEXT), attributes),"
                         " expires_at = $7 WHERE id = $1 AND valid_to = 0",
                         args, ARRAY_LEN(args), NULL, err)))
        return rc;
    if (tells_more(&old.entity, &now))
        note_entity(w, &now);
    if (old.entity.state == seen->state)
        return ERR_OK;
    if ((rc = keep_state(w->tx, now.id, seen->at, seen->state, seen->text, err)))
        return rc;
    return journal_change(w, now.id, old.entity.state, seen->state, seen->text, err);
}
