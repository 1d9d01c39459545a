/* change.c - changes of the graph: to the journal, and from it into the graph.
 *
 * Contract: a change holds whole facts, not differences, so what it makes of a graph depends on
 * nothing but the graph and the change; who reads the journal in order gets the same graph as
 * anybody.  An edge whose end is not known makes an inferred entity of unknown state. */
#include <string.h>

#include "base/str.h"
#include "twin/model/twin_priv.h"

#define SEED_PAGE 2000

_Static_assert((int)TWIN_BUSINESS == (int)GRAPH_BUSINESS &&
                   (int)TWIN_PHYSICAL == (int)GRAPH_PHYSICAL,
               "layers are those of the graph");
_Static_assert((int)TWIN_UNKNOWN == (int)GRAPH_UNKNOWN && (int)TWIN_UP == (int)GRAPH_UP,
               "states are those of the graph");
_Static_assert((int)TWIN_INFERRED == (int)GRAPH_INFERRED, "origins are those of the graph");
_Static_assert((int)TWIN_PART_OF == (int)GRAPH_PART_OF && (int)TWIN_HOSTS == (int)GRAPH_HOSTS &&
                   (int)TWIN_CALLS == (int)GRAPH_CALLS,
               "relations are those of the graph");

enum err_code twin_append(struct store_tx *tx, const struct twin_change *change,
                          const struct store_actor *actor, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    /* What nobody could read back must not get into the journal: it would stop every reader. */
    enum err_code rc = json_validate(&twin_change_table, change, err);
    if (rc)
        return rc;
    json_encode(&twin_change_table, change, JSON_COMPACT, &body);
    rc = buf_check(&body, err);
    return rc ? rc
              : store_append(tx, TWIN_GRAPH_COLLECTION, TWIN_GRAPH_OBJECT, "changed",
                             buf_str(&body), actor, NULL, err);
}

/* ---- into the graph ---- */

static struct graph_fact fact_of(int state, int origin, struct opt_double confidence)
{
    return (struct graph_fact){.state = (uint8_t)(state ? state : TWIN_UP),
                               .origin = (uint8_t)(origin ? origin : TWIN_DECLARED),
                               .confidence = confidence.set ? (float)confidence.value : 1};
}

static enum err_code put_entity(struct graph_change *graph, const struct twin_change_entity *told,
                                struct err *err)
{
    struct graph_entity entity = {.id = told->id,
                                  .kind = told->kind,
                                  .layer = (uint8_t)told->layer,
                                  .fact = fact_of(told->state, told->origin, told->confidence)};
    entity.fact.valid_from_ms = told->valid_from;
    entity.fact.valid_to_ms = told->valid_to;
    entity.fact.expires_ms = told->expires_at;
    return graph_put_entity(graph, &entity, NULL, err);
}

static const struct {
    const char *kind;
    uint8_t layer;
} known_kinds[] = {
    {"region", GRAPH_PHYSICAL},      {"site", GRAPH_PHYSICAL},
    {"host", GRAPH_PHYSICAL},        {"server", GRAPH_VIRTUAL},
    {"address", GRAPH_VIRTUAL},      {"bandwidth", GRAPH_VIRTUAL},
    {"instance", GRAPH_APPLICATION}, {"application", GRAPH_APPLICATION},
    {"deployment", GRAPH_BUSINESS},  {"service", GRAPH_BUSINESS},
};

/* The entity of that id; one that nobody told of is inferred from its name. */
static enum err_code find_or_infer(struct graph_change *graph, const char *id, int64_t from,
                                   uint32_t *out, struct err *err)
{
    char kind[GRAPH_MAX_ID + 1];
    *out = graph_change_find(graph, id);
    if (*out != GRAPH_NONE)
        return ERR_OK;
    size_t len = strcspn(id, "/");
    str_format(kind, sizeof kind, "%.*s", (int)(len < GRAPH_MAX_ID ? len : GRAPH_MAX_ID), id);
    struct graph_entity entity = {.id = id,
                                  .kind = kind,
                                  .layer = GRAPH_APPLICATION,
                                  .fact = {.valid_from_ms = from,
                                           .confidence = 0.5F,
                                           .origin = GRAPH_INFERRED,
                                           .state = GRAPH_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_LEN(known_kinds); i++)
        if (str_eq(kind, known_kinds[i].kind))
            entity.layer = known_kinds[i].layer;
    return graph_put_entity(graph, &entity, out, err);
}

static enum err_code put_edge(struct graph_change *graph, const struct twin_change_edge *told,
                              struct err *err)
{
    struct graph_edge edge = {.relation = (uint8_t)told->relation,
                              .fact = fact_of(told->state, told->origin, told->confidence)};
    enum err_code rc;
    if ((rc = find_or_infer(graph, told->from, told->valid_from, &edge.from, err)) ||
        (rc = find_or_infer(graph, told->to, told->valid_from, &edge.to, err)))
        return rc;
    edge.fact.valid_from_ms = told->valid_from;
    edge.fact.valid_to_ms = told->valid_to;
    edge.fact.expires_ms = told->expires_at;
    return graph_put_edge(graph, &edge, NULL, err);
}

enum err_code twin_apply(struct graph_change *graph, const struct twin_change *change,
                         struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < change->entities.count; i++)
        rc = put_entity(graph, &change->entities.items[i], err);
    for (size_t i = 0; !rc && i < change->edges.count; i++)
        rc = put_edge(graph, &change->edges.items[i], err);
    for (size_t i = 0; !rc && i < change->ended.count; i++) {
        uint32_t number = graph_change_find(graph, change->ended.items[i].id);
        if (number != GRAPH_NONE)
            graph_end_entity(graph, number, change->ended.items[i].at);
    }
    return rc;
}

/* ---- rows of the time before the journal told the graph ---- */

/* valid_to beside valid_from; a clock that was set back may have ended things before they began. */
static int64_t end_of(const struct store_rows *rows, size_t row, size_t from)
{
    int64_t begin = store_cell(rows, row, from)->integer;
    int64_t end = store_cell(rows, row, from + 1)->integer;
    return end && end < begin ? begin : end;
}

static enum err_code seed_entities(struct store_tx *tx, const char *after, size_t *ret_count,
                                   char **ret_last, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_TEXT(after)};
    struct twin_change change = {.entities = {NULL, 0}};
    struct store_rows rows;
    const char *sql = arena_printf(
        &arena,
        "SELECT id, layer, kind, state, origin, valid_from, valid_to FROM twin_entities AS e"
        " WHERE id COLLATE \"C\" > CAST($1 AS TEXT) AND valid_from = (SELECT MAX(valid_from) FROM"
        " twin_entities AS o WHERE o.id = e.id) ORDER BY id COLLATE \"C\" LIMIT %d",
        SEED_PAGE);
    enum err_code rc = store_query(tx, sql, args, 1, SEED_PAGE, &rows, &arena, err);
    *ret_count = rc ? 0 : rows.count;
    if (rc || !rows.count)
        return rc;
    for (size_t i = 0; i < rows.count; i++)
        *LIST_ADD(&arena, &change.entities) =
            (struct twin_change_entity){.id = store_cell(&rows, i, 0)->text,
                                        .layer = (int)store_cell(&rows, i, 1)->integer,
                                        .kind = store_cell(&rows, i, 2)->text,
                                        .state = (int)store_cell(&rows, i, 3)->integer,
                                        .origin = (int)store_cell(&rows, i, 4)->integer,
                                        .valid_from = store_cell(&rows, i, 5)->integer,
                                        .valid_to = end_of(&rows, i, 5)};
    mem_free(*ret_last);
    *ret_last = mem_strdup(store_cell(&rows, rows.count - 1, 0)->text);
    return twin_append(tx, &change, &twin_system_actor, err);
}

static enum err_code seed_edges(struct store_tx *tx, int64_t skip, size_t *ret_count,
                                struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_value args[] = {STORE_V_INT(skip)};
    struct twin_change change = {.entities = {NULL, 0}};
    struct store_rows rows;
    const char *sql = arena_printf(
        &arena,
        "SELECT from_id, relation, to_id, origin, valid_from, valid_to FROM twin_edges AS e"
        " WHERE valid_from = (SELECT MAX(valid_from) FROM twin_edges AS o WHERE"
        " o.from_id = e.from_id AND o.relation = e.relation AND o.to_id = e.to_id)"
        " ORDER BY valid_from, from_id COLLATE \"C\", relation, to_id COLLATE \"C\""
        " LIMIT %d OFFSET $1",
        SEED_PAGE);
    enum err_code rc = store_query(tx, sql, args, 1, SEED_PAGE, &rows, &arena, err);
    *ret_count = rc ? 0 : rows.count;
    if (rc || !rows.count)
        return rc;
    for (size_t i = 0; i < rows.count; i++)
        *LIST_ADD(&arena, &change.edges) =
            (struct twin_change_edge){.from = store_cell(&rows, i, 0)->text,
                                      .relation = (int)store_cell(&rows, i, 1)->integer,
                                      .to = store_cell(&rows, i, 2)->text,
                                      .origin = (int)store_cell(&rows, i, 3)->integer,
                                      .valid_from = store_cell(&rows, i, 4)->integer,
                                      .valid_to = end_of(&rows, i, 4)};
    return twin_append(tx, &change, &twin_system_actor, err);
}

enum err_code twin_seed(struct store_tx *tx, struct err *err)
{
    CLEANUP(mem_free_at) char *last = mem_strdup("");
    size_t count = SEED_PAGE;
    int64_t edges = 0;
    enum err_code rc = ERR_OK;
    while (!rc && count == SEED_PAGE)
        rc = seed_entities(tx, last, &count, &last, err);
    for (count = SEED_PAGE; !rc && count == SEED_PAGE; edges += SEED_PAGE)
        rc = seed_edges(tx, edges, &count, err);
    return rc;
}
