/* query.c - questions to one snapshot: what hangs on an entity, what stands next to it, ways
 * between two; and to two: what differs.
 *
 * Contract: reads only; memory comes from the caller's arena; breadth first, so depths are least
 * and the order is that of the edges, newest first. */
#include <string.h>

#include "base/str.h"
#include "twin/graph/graph_priv.h"

bool graph_holds(const struct graph_fact *fact, int64_t at_ms)
{
    return fact->valid_from_ms <= at_ms && (!fact->valid_to_ms || at_ms < fact->valid_to_ms);
}

enum graph_state graph_state_at(const struct graph_fact *fact, int64_t at_ms)
{
    return fact->expires_ms && at_ms >= fact->expires_ms ? GRAPH_UNKNOWN
                                                         : (enum graph_state)fact->state;
}

/* Edges along which what depends stands at `to`: what from hosts or serves needs it. */
static bool user_is_to(uint8_t relation)
{
    return relation == GRAPH_HOSTS || relation == GRAPH_SERVES || relation == GRAPH_PART_OF;
}

bool graph_follows(enum graph_direction direction, uint8_t relation, bool out)
{
    if (direction == GRAPH_EITHER || relation == GRAPH_CONNECTS)
        return true;
    return (direction == GRAPH_UP_TO_USERS) == (user_is_to(relation) == out);
}

struct walk {
    const struct graph_snapshot *snapshot;
    enum graph_direction direction;
    uint32_t relations;
    int64_t at_ms;
    uint64_t *seen; /* a bit for each entity */
    struct arena *arena;
    LIST(struct graph_reached) found;
};

static void reach(struct walk *w, uint32_t entity, uint32_t parent, uint32_t depth)
{
    uint64_t bit = UINT64_C(1) << (entity & 63);
    if (w->seen[entity >> 6] & bit)
        return;
    if (!graph_holds(&graph_entity(w->snapshot, entity)->fact, w->at_ms))
        return;
    w->seen[entity >> 6] |= bit;
    *LIST_ADD(w->arena, &w->found) = (struct graph_reached){entity, depth, parent};
}

bool graph_leads(enum graph_direction direction, const struct graph_query *query,
                 const struct graph_edge *edge, bool out)
{
    uint32_t relations = query->relations ? query->relations : GRAPH_ALL_RELATIONS;
    return (relations & GRAPH_BIT(edge->relation)) && graph_holds(&edge->fact, query->at_ms) &&
           graph_follows(direction, edge->relation, out);
}

static bool follows(const struct walk *w, const struct graph_edge *edge, bool out)
{
    return (w->relations & GRAPH_BIT(edge->relation)) && graph_holds(&edge->fact, w->at_ms) &&
           graph_follows(w->direction, edge->relation, out);
}

static void step(struct walk *w, const struct graph_reached *at)
{
    const struct graph_entity *entity = graph_entity(w->snapshot, at->entity);
    const struct graph_reached from = *at; /* the list may move */
    const struct graph_edge *edge;
    for (uint32_t i = entity->first_out; i != GRAPH_NONE; i = edge->next_out)
        if (follows(w, edge = graph_edge(w->snapshot, i), true))
            reach(w, edge->to, from.entity, from.depth + 1);
    for (uint32_t i = entity->first_in; i != GRAPH_NONE; i = edge->next_in)
        if (follows(w, edge = graph_edge(w->snapshot, i), false))
            reach(w, edge->from, from.entity, from.depth + 1);
}

/* The entities met, the start first; ends early at `target`, whose place it returns. */
static enum err_code walk(struct walk *w, uint32_t start, uint32_t target, uint32_t depth,
                          size_t *ret_place, struct err *err)
{
    *ret_place = SIZE_MAX;
    w->seen =
        arena_array(w->arena, (size_t)graph_entity_count(w->snapshot) / 64 + 1, sizeof *w->seen);
    reach(w, start, start, 0);
    for (size_t i = 0; i < w->found.count; i++) {
        if (w->found.items[i].entity == target) {
            *ret_place = i;
            break;
        }
        if (!depth || w->found.items[i].depth < depth)
            step(w, &w->found.items[i]);
        if (i % 1024 == 0 && arena_check(w->arena, err))
            return err->code;
    }
    return arena_check(w->arena, err);
}

static enum err_code check_number(const struct graph_snapshot *snapshot, uint32_t entity,
                                  struct err *err)
{
    if (entity < graph_entity_count(snapshot))
        return ERR_OK;
    return err_set(err, ERR_NOT_FOUND, "there is no entity of that number");
}

static struct walk walk_of(const struct graph_snapshot *snapshot, enum graph_direction direction,
                           const struct graph_query *query, struct arena *arena)
{
    return (struct walk){.snapshot = snapshot,
                         .direction = direction,
                         .relations = query->relations ? query->relations : GRAPH_ALL_RELATIONS,
                         .at_ms = query->at_ms,
                         .arena = arena};
}

enum err_code graph_impact(const struct graph_snapshot *snapshot, uint32_t entity,
                           enum graph_direction direction, const struct graph_query *query,
                           struct graph_reach *out, struct arena *arena, struct err *err)
{
    struct walk w = walk_of(snapshot, direction, query, arena);
    struct graph_reach answer = {.total = 0};
    size_t place, kept = 0;
    if (check_number(snapshot, entity, err) ||
        walk(&w, entity, GRAPH_NONE, query->depth, &place, err))
        return err->code;
    answer.items.items = w.found.items;
    for (size_t i = 1; i < w.found.count; i++) {
        struct graph_reached item = w.found.items[i];
        uint8_t layer = graph_entity(snapshot, item.entity)->layer;
        if (query->layers && !(query->layers & GRAPH_BIT(layer)))
            continue;
        if (answer.total++ >= query->skip && (!query->limit || kept < query->limit))
            w.found.items[kept++] = item; /* kept < i: nothing unread is lost */
    }
    answer.items.count = kept;
    *out = answer;
    return ERR_OK;
}

enum err_code graph_path(const struct graph_snapshot *snapshot, uint32_t from, uint32_t to,
                         enum graph_direction direction, const struct graph_query *query,
                         struct graph_path *out, struct arena *arena, struct err *err)
{
    struct walk w = walk_of(snapshot, direction, query, arena);
    size_t place;
    if (check_number(snapshot, from, err) || check_number(snapshot, to, err) ||
        walk(&w, from, to, query->depth, &place, err))
        return err->code;
    *out = (struct graph_path){{NULL, 0}};
    if (place == SIZE_MAX)
        return ERR_OK;
    size_t count = (size_t)w.found.items[place].depth + 1;
    out->entities.items = arena_array(arena, count, sizeof *out->entities.items);
    out->entities.count = count;
    for (size_t k = count; k-- > 0;) {
        uint32_t parent = w.found.items[place].parent;
        out->entities.items[k] = w.found.items[place].entity;
        while (k && w.found.items[place].entity != parent)
            place--; /* who found it stands before it */
    }
    return ERR_OK;
}

/* ---- next to an entity ---- */

enum err_code graph_neighbours(const struct graph_snapshot *snapshot, uint32_t entity,
                               enum graph_direction direction, const struct graph_query *query,
                               struct graph_neighbours *out, struct arena *arena, struct err *err)
{
    struct walk w = walk_of(snapshot, direction, query, arena);
    struct graph_neighbours answer = {.total = 0};
    if (check_number(snapshot, entity, err))
        return err->code;
    const struct graph_entity *here = graph_entity(snapshot, entity);
    for (int turn = 0; turn < 2; turn++) {
        bool outward = turn == 0;
        for (uint32_t i = outward ? here->first_out : here->first_in; i != GRAPH_NONE;) {
            const struct graph_edge *edge = graph_edge(snapshot, i);
            uint32_t other = outward ? edge->to : edge->from;
            const struct graph_entity *there = graph_entity(snapshot, other);
            if (follows(&w, edge, outward) && graph_holds(&there->fact, w.at_ms) &&
                (!query->layers || (query->layers & GRAPH_BIT(there->layer))) &&
                answer.total++ >= query->skip &&
                (!query->limit || answer.items.count < query->limit))
                *LIST_ADD(arena, &answer.items) = (struct graph_neighbour){i, other, outward};
            i = outward ? edge->next_out : edge->next_in;
        }
    }
    if (arena_check(arena, err))
        return err->code;
    *out = answer;
    return ERR_OK;
}

/* ---- two snapshots ---- */

struct diff {
    const struct graph_roots *before, *after;
    struct graph_delta *out;
    struct arena *arena;
};

static bool same_fact(const struct graph_fact *a, const struct graph_fact *b)
{
    return a->valid_from_ms == b->valid_from_ms && a->valid_to_ms == b->valid_to_ms &&
           a->expires_ms == b->expires_ms && a->state == b->state && a->origin == b->origin &&
           !(a->confidence < b->confidence || a->confidence > b->confidence);
}

static void entity_differs(void *ctx, uint32_t i)
{
    struct diff *d = ctx;
    if (i < d->before->entities.count && i < d->after->entities.count) {
        const struct graph_entity *a = graph_array_at(&d->before->entities, i);
        const struct graph_entity *b = graph_array_at(&d->after->entities, i);
        if (a->layer == b->layer && str_eq(a->id, b->id) && str_eq(a->kind, b->kind) &&
            same_fact(&a->fact, &b->fact))
            return; /* its list of edges may have changed: the edges tell that */
    }
    *LIST_ADD(d->arena, &d->out->entities) = i;
}

static void edge_differs(void *ctx, uint32_t i)
{
    struct diff *d = ctx;
    if (i < d->before->edges.count && i < d->after->edges.count) {
        const struct graph_edge *a = graph_array_at(&d->before->edges, i);
        const struct graph_edge *b = graph_array_at(&d->after->edges, i);
        if (a->from == b->from && a->to == b->to && a->relation == b->relation &&
            same_fact(&a->fact, &b->fact))
            return;
    }
    *LIST_ADD(d->arena, &d->out->edges) = i;
}

enum err_code graph_diff(const struct graph_snapshot *before, const struct graph_snapshot *after,
                         struct graph_delta *out, struct arena *arena, struct err *err)
{
    struct graph_delta delta = {{NULL, 0}, {NULL, 0}};
    struct diff d = {&before->roots, &after->roots, &delta, arena};
    graph_array_differ(&before->roots.entities, &after->roots.entities, entity_differs, &d);
    graph_array_differ(&before->roots.edges, &after->roots.edges, edge_differs, &d);
    if (arena_check(arena, err))
        return err->code;
    *out = delta;
    return ERR_OK;
}
