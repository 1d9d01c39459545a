/* query.c - questions to one snapshot: what hangs on an entity, ways between two, the outline; and
 * to two: what differs.
 *
 * Contract: reads only; memory comes from the caller's arena; breadth first, so depths are least
 * and the order is that of the edges, newest first. */
#include <string.h>

#include "base/map.h"
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
    return relation == GRAPH_HOSTS || relation == GRAPH_SERVES;
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

static bool follows(const struct walk *w, const struct graph_edge *edge, bool out)
{
    if (!(w->relations & GRAPH_BIT(edge->relation)) || !graph_holds(&edge->fact, w->at_ms))
        return false;
    if (w->direction == GRAPH_EITHER || edge->relation == GRAPH_CONNECTS)
        return true;
    bool to_user = user_is_to(edge->relation) == out;
    return (w->direction == GRAPH_UP_TO_USERS) == to_user;
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

/* ---- the outline ---- */

static uint32_t group_of(struct map *known, struct graph_outline *outline, uint8_t layer,
                         const char *kind, struct arena *arena)
{
    char key[GRAPH_MAX_ID + 8];
    str_format(key, sizeof key, "%d:%s", layer, kind);
    uintptr_t at = (uintptr_t)map_find(known, key);
    if (at)
        return (uint32_t)at - 1;
    struct graph_group *group = LIST_ADD(arena, &outline->groups);
    group->layer = layer;
    group->kind = arena_strdup(arena, kind);
    map_put(known, key, (void *)(uintptr_t)outline->groups.count);
    return (uint32_t)outline->groups.count - 1;
}

static void bundle_add(struct map *known, struct graph_outline *outline, uint32_t from, uint32_t to,
                       uint8_t relation, struct arena *arena)
{
    char key[48];
    str_format(key, sizeof key, "%u %u %d", from, to, relation);
    uintptr_t at = (uintptr_t)map_find(known, key);
    if (!at) {
        *LIST_ADD(arena, &outline->bundles) = (struct graph_bundle){from, to, relation, 0};
        at = outline->bundles.count;
        map_put(known, key, (void *)at);
    }
    outline->bundles.items[at - 1].count++;
}

enum err_code graph_outline(const struct graph_snapshot *snapshot, int64_t at_ms,
                            struct graph_outline *out, struct arena *arena, struct err *err)
{
    CLEANUP(map_free_at) struct map *groups = map_new();
    CLEANUP(map_free_at) struct map *bundles = map_new();
    struct graph_outline outline = {{NULL, 0}, {NULL, 0}};
    uint32_t count = graph_entity_count(snapshot);
    uint32_t *group = arena_array(arena, (size_t)count + 1, sizeof *group);
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_entity *entity = graph_entity(snapshot, i);
        group[i] = GRAPH_NONE;
        if (!graph_holds(&entity->fact, at_ms))
            continue;
        group[i] = group_of(groups, &outline, entity->layer, entity->kind, arena);
        outline.groups.items[group[i]].count++;
        outline.groups.items[group[i]].states[graph_state_at(&entity->fact, at_ms)]++;
    }
    for (uint32_t i = 0; i < graph_edge_count(snapshot); i++) {
        const struct graph_edge *edge = graph_edge(snapshot, i);
        if (graph_holds(&edge->fact, at_ms) && group[edge->from] != GRAPH_NONE &&
            group[edge->to] != GRAPH_NONE)
            bundle_add(bundles, &outline, group[edge->from], group[edge->to], edge->relation,
                       arena);
    }
    if (arena_check(arena, err))
        return err->code;
    *out = outline;
    return ERR_OK;
}
