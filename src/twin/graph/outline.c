/* outline.c - drawing from afar: groups of entities by kind, by layer or by what holds them, and
 * how many edges join which groups.
 *
 * Contract: reads only.  Entities and edges that hold at the asked time are counted once each.
 * O(entities + edges), and the hash of the pairs of groups that edges join. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "twin/graph/graph_priv.h"

struct drawing {
    const struct graph_snapshot *snapshot;
    const struct graph_outline_query *query;
    uint32_t *group; /* of each entity; GRAPH_NONE = it does not hold */
    struct graph_outline *out;
    struct arena *arena;
};

static uint32_t add_group(struct drawing *d, uint8_t layer, const char *kind, uint32_t holder)
{
    *LIST_ADD(d->arena, &d->out->groups) = (struct graph_group){
        .layer = layer, .kind = arena_strdup(d->arena, kind), .holder = holder};
    return (uint32_t)d->out->groups.count - 1;
}

static uint32_t group_of_kind(struct drawing *d, struct map *known, uint8_t layer, const char *kind)
{
    char key[GRAPH_MAX_ID + 8];
    str_format(key, sizeof key, "%d:%s", layer, kind ? kind : "");
    uintptr_t at = (uintptr_t)map_find(known, key);
    if (at)
        return (uint32_t)at - 1;
    uint32_t group = add_group(d, layer, kind, GRAPH_NONE);
    map_put(known, key, (void *)((uintptr_t)group + 1));
    return group;
}

/* The same texts come again and again: what their address was found to be, by its low bits. */
#define RECENT 256
struct recent {
    const char *kind;
    uint32_t group;
    uint8_t layer; /* 0 = empty */
};

static void group_by_kind(struct drawing *d)
{
    CLEANUP(map_free_at) struct map *known = map_new();
    struct recent recent[RECENT] = {{NULL, 0, 0}};
    bool kinds = d->query->by != GRAPH_BY_LAYER;
    for (uint32_t i = 0; i < graph_entity_count(d->snapshot); i++) {
        const struct graph_entity *entity = graph_entity(d->snapshot, i);
        const char *kind = kinds ? entity->kind : NULL;
        struct recent *last = &recent[((uintptr_t)kind * 4 + entity->layer) % RECENT];
        if (!graph_holds(&entity->fact, d->query->at_ms))
            continue;
        if (last->layer != entity->layer || last->kind != kind)
            *last =
                (struct recent){kind, group_of_kind(d, known, entity->layer, kind), entity->layer};
        d->group[i] = last->group;
    }
}

/* Breadth first from all holders at once, upward: the nearest one takes each thing. */
static void group_by_holder(struct drawing *d)
{
    const struct graph_snapshot *snapshot = d->snapshot;
    uint32_t count = graph_entity_count(snapshot);
    uint32_t *queue = arena_array(d->arena, (size_t)count + 1, sizeof *queue), tail = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_entity *entity = graph_entity(snapshot, i);
        if (graph_holds(&entity->fact, d->query->at_ms) && str_eq(entity->kind, d->query->holder)) {
            d->group[i] = add_group(d, 0, NULL, i);
            queue[tail++] = i;
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        const struct graph_entity *entity = graph_entity(snapshot, queue[head]);
        for (int out = 0; out < 2; out++)
            for (uint32_t i = out ? entity->first_out : entity->first_in; i != GRAPH_NONE;) {
                const struct graph_edge *edge = graph_edge(snapshot, i);
                uint32_t user = out ? edge->to : edge->from;
                i = out ? edge->next_out : edge->next_in;
                if (edge->relation == GRAPH_CONNECTS || d->group[user] != GRAPH_NONE ||
                    !graph_follows(GRAPH_UP_TO_USERS, edge->relation, out) ||
                    !graph_holds(&edge->fact, d->query->at_ms) ||
                    !graph_holds(&graph_entity(snapshot, user)->fact, d->query->at_ms))
                    continue;
                d->group[user] = d->group[queue[head]];
                queue[tail++] = user;
            }
    }
    uint32_t elsewhere = GRAPH_NONE;
    for (uint32_t i = 0; i < count; i++) {
        if (d->group[i] != GRAPH_NONE ||
            !graph_holds(&graph_entity(snapshot, i)->fact, d->query->at_ms))
            continue;
        if (elsewhere == GRAPH_NONE) {
            elsewhere = add_group(d, 0, NULL, GRAPH_NONE);
            d->out->groups.items[elsewhere].rest = true;
        }
        d->group[i] = elsewhere;
    }
}

static void count_states(struct drawing *d)
{
    for (uint32_t i = 0; i < graph_entity_count(d->snapshot); i++) {
        if (d->group[i] == GRAPH_NONE)
            continue;
        struct graph_group *group = &d->out->groups.items[d->group[i]];
        group->count++;
        group->states[graph_state_at(&graph_entity(d->snapshot, i)->fact, d->query->at_ms)]++;
    }
}

struct place {
    uint32_t group, count;
    bool rest;
};

static int by_size(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest ? 1 : -1;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->group < y->group ? -1 : 1;
}

/* Largest first; what is beyond `most` goes into one group at the end. */
static void order_groups(struct drawing *d)
{
    size_t count = d->out->groups.count, most = d->query->most;
    struct place *places = arena_array(d->arena, count + 1, sizeof *places);
    struct graph_group *sorted = arena_array(d->arena, count + 1, sizeof *sorted);
    uint32_t *to = arena_array(d->arena, count + 1, sizeof *to);
    for (uint32_t i = 0; i < count; i++)
        places[i] = (struct place){i, d->out->groups.items[i].count, d->out->groups.items[i].rest};
    qsort(places, count, sizeof *places, by_size);
    size_t kept = !most || count <= most ? count : most - 1;
    for (size_t i = 0; i < count; i++) {
        const struct graph_group *group = &d->out->groups.items[places[i].group];
        to[places[i].group] = (uint32_t)(i < kept ? i : kept);
        if (i < kept) {
            sorted[i] = *group;
            continue;
        }
        sorted[kept].rest = true;
        sorted[kept].holder = GRAPH_NONE;
        sorted[kept].count += group->count;
        for (size_t s = 0; s < ARRAY_LEN(group->states); s++)
            sorted[kept].states[s] += group->states[s];
    }
    d->out->groups.items = sorted;
    d->out->groups.count = kept < count ? kept + 1 : count;
    for (uint32_t i = 0; i < graph_entity_count(d->snapshot); i++)
        if (d->group[i] != GRAPH_NONE)
            d->group[i] = to[d->group[i]];
}

/* Pairs of groups and relation → bundle + 1: open addressing, at most half full. */
struct pairs {
    uint32_t *slots;
    size_t room;
};

static uint64_t pair_hash(const struct graph_bundle *b)
{
    return graph_hash_edge(0, b->from, b->to, b->relation);
}

static void put_pair(struct pairs *pairs, const struct graph_outline *outline, uint32_t bundle)
{
    size_t at = (size_t)pair_hash(&outline->bundles.items[bundle]) & (pairs->room - 1);
    while (pairs->slots[at])
        at = (at + 1) & (pairs->room - 1);
    pairs->slots[at] = bundle + 1;
}

static struct graph_bundle *bundle_of(struct drawing *d, struct pairs *pairs,
                                      const struct graph_bundle *asked)
{
    struct graph_outline *out = d->out;
    if (out->bundles.count >= pairs->room / 2) {
        pairs->room = pairs->room ? 2 * pairs->room : 256;
        pairs->slots = arena_array(d->arena, pairs->room, sizeof *pairs->slots);
        for (uint32_t i = 0; i < out->bundles.count; i++)
            put_pair(pairs, out, i);
    }
    size_t at = (size_t)pair_hash(asked) & (pairs->room - 1);
    for (; pairs->slots[at]; at = (at + 1) & (pairs->room - 1)) {
        struct graph_bundle *known = &out->bundles.items[pairs->slots[at] - 1];
        if (known->from == asked->from && known->to == asked->to &&
            known->relation == asked->relation)
            return known;
    }
    *LIST_ADD(d->arena, &out->bundles) = *asked;
    pairs->slots[at] = (uint32_t)out->bundles.count;
    return &out->bundles.items[out->bundles.count - 1];
}

enum err_code graph_outline(const struct graph_snapshot *snapshot,
                            const struct graph_outline_query *query, struct graph_outline *out,
                            struct arena *arena, struct err *err)
{
    struct graph_outline outline = {{NULL, 0}, {NULL, 0}};
    struct drawing d = {.snapshot = snapshot, .query = query, .out = &outline, .arena = arena};
    struct pairs pairs = {NULL, 0};
    uint32_t count = graph_entity_count(snapshot);
    if (query->by < GRAPH_BY_KIND || query->by > GRAPH_BY_HOLDER)
        return err_set(err, ERR_INVALID, "an outline is by kind, by layer or by holder");
    if (query->by == GRAPH_BY_HOLDER && !query->holder)
        return err_set(err, ERR_INVALID, "a kind of holder is missing");
    d.group = arena_array(arena, (size_t)count + 1, sizeof *d.group);
    for (uint32_t i = 0; i < count; i++)
        d.group[i] = GRAPH_NONE;
    if (query->by == GRAPH_BY_HOLDER)
        group_by_holder(&d);
    else
        group_by_kind(&d);
    if (arena_check(arena, err))
        return err->code;
    count_states(&d);
    order_groups(&d);
    for (uint32_t i = 0; i < graph_edge_count(snapshot); i++) {
        const struct graph_edge *edge = graph_edge(snapshot, i);
        struct graph_bundle asked = {d.group[edge->from], d.group[edge->to], edge->relation, 0};
        if (graph_holds(&edge->fact, query->at_ms) && asked.from != GRAPH_NONE &&
            asked.to != GRAPH_NONE)
            bundle_of(&d, &pairs, &asked)->count++;
        if (i % 4096 == 0 && arena_check(arena, err))
            return err->code;
    }
    if (arena_check(arena, err))
        return err->code;
    *out = outline;
    return ERR_OK;
}
