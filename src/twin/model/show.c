/* show.c - the twin at one moment.
 *
 * Contract: reads only.  What is shown of a moment in the past is what was so then: entities and
 * edges by their validity, states and notes by twin_states; attributes are the last ones. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "twin/model/twin_priv.h"

#define MAX_SHOWN 10000

_Static_assert(TWIN_UNKNOWN == 5, "written out in the statement below");
/* A row tells state and note of its last change; what was before that, twin_states knows. */
static const char *const entity_sql =
    "SELECT id, layer, kind, name, deployment,"
    " CASE WHEN expires_at > 0 AND expires_at <= $1 THEN 5 WHEN seen_at <= $1 THEN state ELSE "
    "COALESCE((SELECT s.state FROM twin_states AS s"
    " WHERE s.id = e.id AND s.at_ms >= e.valid_from AND s.at_ms <= $1"
    " ORDER BY s.at_ms DESC LIMIT 1), state) END,"
    " origin, simulated, valid_from, valid_to, CASE WHEN seen_at <= $1 THEN seen_at ELSE 0 END,"
    " CASE WHEN seen_at <= $1 THEN note ELSE (SELECT s.note FROM twin_states AS s"
    " WHERE s.id = e.id AND s.at_ms >= e.valid_from AND s.at_ms <= $1"
    " ORDER BY s.at_ms DESC LIMIT 1) END, attributes, expires_at, confidence"
    " FROM twin_entities AS e WHERE valid_from <= $1 AND (valid_to = 0 OR valid_to > $1)";

static enum err_code read_entities(struct store_tx *tx, const char *deployment, int64_t at,
                                   struct twin_view *out, struct arena *arena, struct err *err)
{
    struct store_value args[] = {STORE_V_INT(at), STORE_V_TEXT(deployment)};
    const char *sql = arena_printf(
        arena, "%s%s ORDER BY layer DESC, kind COLLATE \"C\", id COLLATE \"C\" LIMIT %d",
        entity_sql,
        deployment ? " AND (deployment = $2 OR id IN (SELECT to_id FROM twin_edges WHERE"
                     " deployment = $2 AND valid_from <= $1 AND (valid_to = 0 OR valid_to > $1)))"
                   : "",
        MAX_SHOWN);
    struct store_rows rows;
    enum err_code rc = store_query(tx, sql, args, deployment ? 2 : 1, MAX_SHOWN, &rows, arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++) {
        struct twin_entity *entity = LIST_ADD(arena, &out->entities);
        struct twin_attributes attributes = {0};
        const char *text = store_cell(&rows, i, 12)->text;
        *entity = (struct twin_entity){.id = store_cell(&rows, i, 0)->text,
                                       .layer = (int)store_cell(&rows, i, 1)->integer,
                                       .kind = store_cell(&rows, i, 2)->text,
                                       .name = store_cell(&rows, i, 3)->text,
                                       .deployment = store_cell(&rows, i, 4)->text,
                                       .state = (int)store_cell(&rows, i, 5)->integer,
                                       .origin = (int)store_cell(&rows, i, 6)->integer,
                                       .simulated = store_cell(&rows, i, 7)->integer != 0,
                                       .valid_from = store_cell(&rows, i, 8)->integer,
                                       .valid_to = store_cell(&rows, i, 9)->integer,
                                       .seen_at = store_cell(&rows, i, 10)->integer,
                                       .text = store_cell(&rows, i, 11)->text,
                                       .expires_at = store_cell(&rows, i, 13)->integer};
        double confidence = store_cell(&rows, i, 14)->real;
        if (confidence < 1)
            entity->confidence = (struct opt_double){true, confidence};
        if (entity->deployment && !entity->deployment[0])
            entity->deployment = NULL;
        if (text &&
            (rc = json_decode_stored(text, &twin_attributes_table, &attributes, arena, err)))
            return rc;
        entity->attributes.items = attributes.items.items;
        entity->attributes.count = attributes.items.count;
    }
    return rc;
}

static enum err_code read_edges(struct store_tx *tx, const char *deployment, int64_t at,
                                struct twin_view *out, struct arena *arena, struct err *err)
{
    struct store_value args[] = {STORE_V_INT(at), STORE_V_TEXT(deployment)};
    const char *sql =
        arena_printf(arena,
                     "SELECT from_id, relation, to_id, origin, valid_from, valid_to FROM twin_edges"
                     " WHERE valid_from <= $1 AND (valid_to = 0 OR valid_to > $1)%s"
                     " ORDER BY from_id COLLATE \"C\", relation,"
                     " to_id COLLATE \"C\" LIMIT %d",
                     deployment ? " AND deployment = $2" : "", MAX_SHOWN * 4);
    struct store_rows rows;
    enum err_code rc =
        store_query(tx, sql, args, deployment ? 2 : 1, MAX_SHOWN * 4, &rows, arena, err);
    for (size_t i = 0; !rc && i < rows.count; i++)
        *LIST_ADD(arena, &out->edges) =
            (struct twin_edge){.from = store_cell(&rows, i, 0)->text,
                               .relation = (int)store_cell(&rows, i, 1)->integer,
                               .to = store_cell(&rows, i, 2)->text,
                               .origin = (int)store_cell(&rows, i, 3)->integer,
                               .valid_from = store_cell(&rows, i, 4)->integer,
                               .valid_to = store_cell(&rows, i, 5)->integer};
    return rc;
}

enum err_code twin_show(struct store_tx *tx, const char *deployment, int64_t at,
                        struct twin_view *out, struct arena *arena, struct err *err)
{
    *out = (struct twin_view){.deployment = deployment, .at = at ? at : clock_now_ms()};
    enum err_code rc;
    if ((rc = store_position(tx, &out->position, err)) ||
        (rc = read_entities(tx, deployment, out->at, out, arena, err)))
        return rc;
    return read_edges(tx, deployment, out->at, out, arena, err);
}
