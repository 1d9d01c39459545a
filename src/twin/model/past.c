/* past.c - what differs between two moments, and what happened to one entity.
 *
 * Contract: a difference is of what was seen: an entity that holds at one moment and not at the
 * other, or whose state at that moment, kind, layer, origin, confidence or times differ; whether an
 * event or time alone did it.  Numbers of entities are the same in all moments of one journal, so a
 * comparison is one walk over both, O(entities + edges).  A history is read from the rows. */
#include "base/str.h"
#include "twin/model/ask.h"

struct comparison {
    struct twin_moment before, after;
    size_t skip, limit, total;
    struct twin_diff *out;
    struct arena *arena;
};

static void comparison_done(struct comparison *c)
{
    twin_moment_done(&c->before);
    twin_moment_done(&c->after);
}

static bool same_fact(const struct graph_fact *a, int64_t at_a, const struct graph_fact *b,
                      int64_t at_b)
{
    return graph_state_at(a, at_a) == graph_state_at(b, at_b) && a->origin == b->origin &&
           a->valid_from_ms == b->valid_from_ms && a->valid_to_ms == b->valid_to_ms &&
           !(a->confidence < b->confidence || a->confidence > b->confidence);
}

/* The next difference if it is on the page, else NULL; either way it is counted. */
static struct twin_difference *add(struct comparison *c, bool before, bool after)
{
    size_t number = c->total++;
    if (number < c->skip || c->out->items.count >= c->limit)
        return NULL;
    struct twin_difference *d = LIST_ADD(c->arena, &c->out->items);
    d->change = before && after ? 3 : after ? 1 : 2;
    return d;
}

static struct twin_item *item(struct comparison *c, const struct twin_moment *moment,
                              const struct graph_entity *entity)
{
    struct twin_item *out = arena_alloc(c->arena, sizeof *out);
    twin_item_of(entity, moment->at, out, c->arena);
    return out;
}

static const struct graph_entity *entity_at(const struct twin_moment *m, uint32_t i)
{
    if (i >= graph_entity_count(m->graph))
        return NULL;
    const struct graph_entity *entity = graph_entity(m->graph, i);
    return graph_holds(&entity->fact, m->at) ? entity : NULL;
}

static const struct graph_edge *edge_at(const struct twin_moment *m, uint32_t i)
{
    if (i >= graph_edge_count(m->graph))
        return NULL;
    const struct graph_edge *edge = graph_edge(m->graph, i);
    return graph_holds(&edge->fact, m->at) ? edge : NULL;
}

static void compare_entity(struct comparison *c, uint32_t i)
{
    const struct graph_entity *a = entity_at(&c->before, i), *b = entity_at(&c->after, i);
    if ((!a && !b) || (a && b && a->layer == b->layer && str_eq(a->kind, b->kind) &&
                       same_fact(&a->fact, c->before.at, &b->fact, c->after.at)))
        return;
    struct twin_difference *d = add(c, a, b);
    if (!d)
        return;
    d->entity = arena_strdup(c->arena, (a ? a : b)->id);
    d->before = a ? item(c, &c->before, a) : NULL;
    d->after = b ? item(c, &c->after, b) : NULL;
    d->state_before = a ? d->before->state : 0;
    d->state_after = b ? d->after->state : 0;
}

static void compare_edge(struct comparison *c, uint32_t i)
{
    const struct graph_edge *a = edge_at(&c->before, i), *b = edge_at(&c->after, i);
    if ((!a && !b) || (a && b && same_fact(&a->fact, c->before.at, &b->fact, c->after.at)))
        return;
    struct twin_difference *d = add(c, a, b);
    if (!d)
        return;
    const struct graph_snapshot *graph = a ? c->before.graph : c->after.graph;
    d->from = arena_strdup(c->arena, graph_entity(graph, (a ? a : b)->from)->id);
    d->to = arena_strdup(c->arena, graph_entity(graph, (a ? a : b)->to)->id);
    d->relation = (a ? a : b)->relation;
    d->state_before = a ? (int)graph_state_at(&a->fact, c->before.at) : 0;
    d->state_after = b ? (int)graph_state_at(&b->fact, c->after.at) : 0;
}

static uint32_t more(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

enum err_code twin_diff(struct twin *twin, int64_t from, int64_t to, int64_t limit,
                        const char *cursor, struct twin_diff *out, struct arena *arena,
                        struct err *err)
{
    CLEANUP(comparison_done)
    struct comparison c = {.limit = twin_page(limit), .out = out, .arena = arena};
    struct twin_cursor at = {.at = to};
    enum err_code rc;
    *out = (struct twin_diff){.from = from};
    if (cursor && (rc = twin_cursor_read(cursor, &at, err)))
        return rc;
    if ((rc = twin_moment(twin, from, &c.before, err)) ||
        (rc = cursor ? twin_moment_again(twin, at.at, at.position, &c.after, err)
                     : twin_moment(twin, to, &c.after, err)))
        return rc;
    c.skip = (size_t)at.skip;
    out->to = c.after.at;
    out->from = c.before.at;
    out->position_from = c.before.position;
    out->position_to = c.after.position;
    for (uint32_t i = 0,
                  n = more(graph_entity_count(c.before.graph), graph_entity_count(c.after.graph));
         i < n; i++)
        compare_entity(&c, i);
    for (uint32_t i = 0,
                  n = more(graph_edge_count(c.before.graph), graph_edge_count(c.after.graph));
         i < n; i++)
        compare_edge(&c, i);
    out->total = (int64_t)c.total;
    if (out->items.count && c.skip + out->items.count < c.total)
        out->next = twin_cursor_write(&(struct twin_cursor){c.after.position, c.after.at,
                                                            (int64_t)(c.skip + out->items.count)},
                                      arena);
    return arena_check(arena, err);
}

/* ---- history ---- */

static const char *const history_sql =
    "SELECT at_ms, what, state, note FROM ("
    " SELECT valid_from AS at_ms, 1 AS what, 0 AS state, '' AS note FROM twin_entities"
    " WHERE id = $1"
    " UNION ALL SELECT valid_to, 3, 0, '' FROM twin_entities WHERE id = $1 AND valid_to > 0"
    " UNION ALL SELECT at_ms, 2, state, COALESCE(note, '') FROM twin_states WHERE id = $1"
    ") AS happened";

enum err_code twin_history(struct store_tx *tx, const char *entity, int64_t limit,
                           const char *cursor, struct twin_history *out, struct arena *arena,
                           struct err *err)
{
    static const char *const words[] = {NULL, "began", "state", "ended"};
    struct store_value args[] = {STORE_V_TEXT(entity)};
    struct store_rows rows;
    struct twin_cursor at = {.skip = 0};
    size_t page = twin_page(limit);
    enum err_code rc;
    *out = (struct twin_history){.entity = entity};
    if (cursor && (rc = twin_cursor_read(cursor, &at, err)))
        return rc;
    if ((rc = store_query(tx, arena_printf(arena, "SELECT COUNT(*) FROM (%s) AS c", history_sql),
                          args, 1, 1, &rows, arena, err)))
        return rc;
    out->total = store_cell(&rows, 0, 0)->integer;
    if (!out->total)
        return err_set(err, ERR_NOT_FOUND, "no entity was ever named '%.200s'", entity);
    if ((rc = store_query(tx,
                          arena_printf(arena,
                                       "%s ORDER BY at_ms DESC, what DESC LIMIT %zu OFFSET %lld",
                                       history_sql, page, (long long)at.skip),
                          args, 1, page, &rows, arena, err)))
        return rc;
    for (size_t i = 0; i < rows.count; i++)
        *LIST_ADD(arena, &out->items) =
            (struct twin_event){.at = store_cell(&rows, i, 0)->integer,
                                .what = words[store_cell(&rows, i, 1)->integer],
                                .state = (int)store_cell(&rows, i, 2)->integer,
                                .text = store_cell(&rows, i, 3)->text};
    int64_t next = at.skip + (int64_t)rows.count;
    if (rows.count && next < out->total)
        out->next = twin_cursor_write(&(struct twin_cursor){.skip = next}, arena);
    return arena_check(arena, err);
}
