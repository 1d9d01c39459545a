/* ask.c - questions to the graph in words: neighbours, impact, paths, the outline, what would be.
 *
 * Contract: each answer is of one moment and says which; a cursor names the moment, so that all
 * pages of a list are of the same graph.  Answers come from the arena. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/model/ask.h"

#define PAGE 100
#define OUTLINE_MOST 500
#define MEMORY_MOST ((size_t)2 << 30)

size_t twin_page(int64_t limit)
{
    return limit <= 0 ? PAGE : limit > TWIN_PAGE_MAX ? TWIN_PAGE_MAX : (size_t)limit;
}

/* ---- cursors: POSITION.AT.SKIP ---- */

const char *twin_cursor_write(const struct twin_cursor *cursor, struct arena *arena)
{
    return arena_printf(arena, "%lld.%lld.%lld", (long long)cursor->position, (long long)cursor->at,
                        (long long)cursor->skip);
}

enum err_code twin_cursor_read(const char *text, struct twin_cursor *out, struct err *err)
{
    int64_t *const parts[] = {&out->position, &out->at, &out->skip};
    char part[24];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t len = strcspn(text, ".");
        if (len == 0 || len >= sizeof part || (i < 2) != (text[len] == '.'))
            break;
        str_format(part, len + 1, "%s", text);
        if (str_to_int64(part, parts[i], NULL) || *parts[i] < 0)
            break;
        text += len + (i < 2);
        if (i == 2)
            return ERR_OK;
    }
    err_set(err, ERR_INVALID, "this is not a cursor");
    err_hint(err, "begin again without a cursor");
    err_field(err, "cursor");
    return ERR_INVALID;
}

static enum err_code moment_of(struct twin *twin, const struct twin_query *query,
                               struct twin_moment *out, size_t *ret_skip, struct err *err)
{
    struct twin_cursor cursor = {.at = query->at};
    enum err_code rc;
    *out = (struct twin_moment){.graph = NULL};
    if (query->cursor && (rc = twin_cursor_read(query->cursor, &cursor, err)))
        return rc;
    *ret_skip = (size_t)cursor.skip;
    return query->cursor ? twin_moment_again(twin, cursor.at, cursor.position, out, err)
                         : twin_moment(twin, query->at, out, err);
}

/* ---- items ---- */

void twin_item_of(const struct graph_entity *entity, int64_t at, struct twin_item *out,
                  struct arena *arena)
{
    *out = (struct twin_item){.id = arena_strdup(arena, entity->id),
                              .kind = arena_strdup(arena, entity->kind),
                              .layer = entity->layer,
                              .state = (int)graph_state_at(&entity->fact, at),
                              .origin = entity->fact.origin,
                              .confidence = (double)entity->fact.confidence,
                              .valid_from = entity->fact.valid_from_ms,
                              .valid_to = entity->fact.valid_to_ms,
                              .expires_at = entity->fact.expires_ms};
}

static enum err_code find(const struct twin_moment *moment, const char *id, uint32_t *out,
                          struct err *err)
{
    *out = id ? graph_find(moment->graph, id) : GRAPH_NONE;
    if (*out != GRAPH_NONE && graph_holds(&graph_entity(moment->graph, *out)->fact, moment->at))
        return ERR_OK;
    if (!id)
        return err_set(err, ERR_INVALID, "which entity?");
    err_set(err, ERR_NOT_FOUND, "no entity named '%.200s' was there at that moment", id);
    return err_hint(err, "swan twin show lists what there is");
}

struct question {
    struct twin_moment moment;
    uint32_t subject;
    struct graph_query query;
    enum graph_direction direction;
};

static void question_done(struct question *q)
{
    twin_moment_done(&q->moment);
}

static enum err_code begin(struct twin *twin, const struct twin_query *asked, struct question *q,
                           struct twin_answer *out, struct arena *arena, struct err *err)
{
    size_t skip;
    enum err_code rc;
    *out = (struct twin_answer){.at = 0};
    if ((rc = moment_of(twin, asked, &q->moment, &skip, err)) ||
        (rc = find(&q->moment, asked->entity, &q->subject, err)))
        return rc;
    q->direction = asked->direction ? (enum graph_direction)asked->direction : GRAPH_UP_TO_USERS;
    q->query = (struct graph_query){.at_ms = q->moment.at,
                                    .relations = asked->relations,
                                    .layers = asked->layers,
                                    .depth = (uint32_t)asked->depth,
                                    .skip = skip,
                                    .limit = twin_page(asked->limit)};
    out->at = q->moment.at;
    out->position = q->moment.position;
    out->subject = arena_alloc(arena, sizeof *out->subject);
    twin_item_of(graph_entity(q->moment.graph, q->subject), q->moment.at, out->subject, arena);
    return ERR_OK;
}

static void end_page(const struct question *q, struct twin_answer *out, size_t total,
                     struct arena *arena)
{
    out->total = (int64_t)total;
    size_t next = q->query.skip + out->items.count;
    if (out->items.count && next < total)
        out->next = twin_cursor_write(
            &(struct twin_cursor){q->moment.position, q->moment.at, (int64_t)next}, arena);
}

/* How the entity is joined to the one it was reached from. */
static void tell_edge(const struct question *q, uint32_t from, uint32_t to, struct twin_item *item,
                      struct arena *arena)
{
    const struct graph_snapshot *graph = q->moment.graph;
    const struct graph_entity *entity = graph_entity(graph, to);
    item->via = arena_strdup(arena, graph_entity(graph, from)->id);
    for (int outward = 1; outward >= 0; outward--)
        for (uint32_t i = outward ? entity->first_in : entity->first_out; i != GRAPH_NONE;) {
            const struct graph_edge *edge = graph_edge(graph, i);
            i = outward ? edge->next_in : edge->next_out;
            if ((outward ? edge->from : edge->to) != from ||
                !graph_leads(q->direction, &q->query, edge, outward))
                continue;
            item->relation = edge->relation;
            item->outward = outward;
            item->edge_origin = edge->fact.origin;
            item->edge_state = (int)graph_state_at(&edge->fact, q->moment.at);
            return;
        }
}

enum err_code twin_neighbours(struct twin *twin, const struct twin_query *asked,
                              struct twin_answer *out, struct arena *arena, struct err *err)
{
    CLEANUP(question_done) struct question q = {.subject = 0};
    struct graph_neighbours found;
    struct twin_query both = *asked;
    both.direction = asked->direction ? asked->direction : GRAPH_EITHER;
    enum err_code rc = begin(twin, &both, &q, out, arena, err);
    if (rc || (rc = graph_neighbours(q.moment.graph, q.subject, q.direction, &q.query, &found,
                                     arena, err)))
        return rc;
    for (size_t i = 0; i < found.items.count; i++) {
        const struct graph_neighbour *n = &found.items.items[i];
        const struct graph_edge *edge = graph_edge(q.moment.graph, n->edge);
        struct twin_item *item = LIST_ADD(arena, &out->items);
        twin_item_of(graph_entity(q.moment.graph, n->entity), q.moment.at, item, arena);
        item->relation = edge->relation;
        item->outward = n->out;
        item->edge_origin = edge->fact.origin;
        item->edge_state = (int)graph_state_at(&edge->fact, q.moment.at);
    }
    end_page(&q, out, found.total, arena);
    return arena_check(arena, err);
}

enum err_code twin_impact(struct twin *twin, const struct twin_query *asked,
                          struct twin_answer *out, struct arena *arena, struct err *err)
{
    CLEANUP(question_done) struct question q = {.subject = 0};
    CLEANUP(arena_done) struct arena work;
    struct graph_reach reach;
    arena_init(&work, MEMORY_MOST);
    enum err_code rc = begin(twin, asked, &q, out, arena, err);
    if (rc)
        return rc;
    if (!q.query.relations)
        q.query.relations = GRAPH_DEPENDENCIES;
    if ((rc = graph_impact(q.moment.graph, q.subject, q.direction, &q.query, &reach, &work, err)))
        return rc;
    for (size_t i = 0; i < reach.items.count; i++) {
        const struct graph_reached *r = &reach.items.items[i];
        struct twin_item *item = LIST_ADD(arena, &out->items);
        twin_item_of(graph_entity(q.moment.graph, r->entity), q.moment.at, item, arena);
        item->depth = (struct opt_int){true, r->depth};
        tell_edge(&q, r->parent, r->entity, item, arena);
    }
    end_page(&q, out, reach.total, arena);
    return arena_check(arena, err);
}

enum err_code twin_path(struct twin *twin, const struct twin_query *asked, struct twin_answer *out,
                        struct arena *arena, struct err *err)
{
    CLEANUP(question_done) struct question q = {.subject = 0};
    CLEANUP(arena_done) struct arena work;
    struct graph_path path;
    struct twin_query both = *asked;
    uint32_t to;
    arena_init(&work, MEMORY_MOST);
    both.direction = asked->direction ? asked->direction : GRAPH_EITHER;
    enum err_code rc = begin(twin, &both, &q, out, arena, err);
    if (rc || (rc = find(&q.moment, asked->to, &to, err)) ||
        (rc = graph_path(q.moment.graph, q.subject, to, q.direction, &q.query, &path, &work, err)))
        return rc;
    for (size_t i = 0; i < path.entities.count; i++) {
        struct twin_item *item = LIST_ADD(arena, &out->items);
        uint32_t entity = path.entities.items[i];
        twin_item_of(graph_entity(q.moment.graph, entity), q.moment.at, item, arena);
        item->depth = (struct opt_int){true, (int64_t)i};
        if (i)
            tell_edge(&q, path.entities.items[i - 1], entity, item, arena);
    }
    out->total = (int64_t)path.entities.count;
    return arena_check(arena, err);
}

/* ---- from afar ---- */

static const char *group_name(const struct twin_moment *moment, const struct graph_group *group,
                              struct arena *arena)
{
    const char *layer = graph_layer_names[group->layer];
    if (group->rest)
        return "others";
    if (group->holder != GRAPH_NONE)
        return arena_strdup(arena, graph_entity(moment->graph, group->holder)->id);
    return group->kind ? arena_printf(arena, "%s/%s", layer, group->kind) : layer;
}

enum err_code twin_outline(struct twin *twin, int64_t at, const char *by, int64_t most,
                           struct twin_outline *out, struct arena *arena, struct err *err)
{
    CLEANUP(arena_done) struct arena work;
    CLEANUP(twin_moment_done) struct twin_moment moment = {.graph = NULL};
    struct graph_outline outline;
    struct graph_outline_query query = {.by = !by || str_eq(by, "kind") ? GRAPH_BY_KIND
                                              : str_eq(by, "layer")     ? GRAPH_BY_LAYER
                                                                        : GRAPH_BY_HOLDER,
                                        .holder = by,
                                        .most = most > 0 && most < OUTLINE_MOST ? (size_t)most
                                                                                : OUTLINE_MOST};
    arena_init(&work, MEMORY_MOST);
    enum err_code rc = twin_moment(twin, at, &moment, err);
    query.at_ms = moment.at;
    if (rc || (rc = graph_outline(moment.graph, &query, &outline, &work, err)))
        return rc;
    *out = (struct twin_outline){.at = moment.at, .position = moment.position};
    for (size_t i = 0; i < outline.groups.count; i++) {
        const struct graph_group *g = &outline.groups.items[i];
        *LIST_ADD(arena, &out->groups) =
            (struct twin_group){.name = group_name(&moment, g, arena),
                                .layer = g->layer,
                                .kind = arena_strdup(arena, g->kind),
                                .count = g->count,
                                .up = g->states[GRAPH_UP],
                                .degraded = g->states[GRAPH_DEGRADED],
                                .unreachable = g->states[GRAPH_UNREACHABLE],
                                .dead = g->states[GRAPH_DEAD],
                                .unknown = g->states[GRAPH_UNKNOWN]};
    }
    for (size_t i = 0; i < outline.bundles.count; i++) {
        const struct graph_bundle *b = &outline.bundles.items[i];
        *LIST_ADD(arena, &out->bundles) =
            (struct twin_bundle){b->from, b->to, b->relation, b->count};
    }
    return arena_check(arena, err);
}

/* ---- what would be ---- */

/* The states that follow: of each entity, 0 where it does not hold; and why. */
struct following {
    uint8_t *state;
    uint32_t *because;
    uint32_t count;
};

static enum err_code follow(const struct twin_moment *moment, struct following *out,
                            struct arena *arena, struct err *err)
{
    struct graph_consequences found;
    out->count = graph_entity_count(moment->graph);
    out->state = arena_array(arena, (size_t)out->count + 1, sizeof *out->state);
    out->because = arena_array(arena, (size_t)out->count + 1, sizeof *out->because);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct graph_fact *fact = &graph_entity(moment->graph, i)->fact;
        out->state[i] =
            graph_holds(fact, moment->at) ? (uint8_t)graph_state_at(fact, moment->at) : 0;
        out->because[i] = i;
    }
    enum err_code rc = graph_consequences(moment->graph, moment->at, &found, arena, err);
    for (size_t i = 0; !rc && i < found.items.count; i++) {
        out->state[found.items.items[i].entity] = found.items.items[i].follows;
        out->because[found.items.items[i].entity] = found.items.items[i].because;
    }
    return rc;
}

/* States that were wished for, as whole facts of the change. */
static enum err_code add_states(const struct twin_moment *moment, const struct twin_what_if *wish,
                                struct twin_change *change, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < wish->states.count; i++) {
        uint32_t number;
        enum err_code rc = find(moment, wish->states.items[i].id, &number, err);
        if (rc) {
            err_field(err, "states[%zu].id", i);
            return rc;
        }
        const struct graph_entity *entity = graph_entity(moment->graph, number);
        *LIST_ADD(arena, &change->entities) =
            (struct twin_change_entity){.id = entity->id,
                                        .kind = entity->kind,
                                        .layer = entity->layer,
                                        .state = wish->states.items[i].state,
                                        .origin = entity->fact.origin,
                                        .valid_from = entity->fact.valid_from_ms,
                                        .valid_to = entity->fact.valid_to_ms};
    }
    return ERR_OK;
}

static void copy_change(const struct twin_change *from, struct twin_change *to, int64_t at,
                        struct arena *arena)
{
    for (size_t i = 0; i < from->entities.count; i++) {
        struct twin_change_entity *entity = LIST_ADD(arena, &to->entities);
        *entity = from->entities.items[i];
        entity->valid_from = entity->valid_from ? entity->valid_from : at;
    }
    for (size_t i = 0; i < from->edges.count; i++) {
        struct twin_change_edge *edge = LIST_ADD(arena, &to->edges);
        *edge = from->edges.items[i];
        edge->valid_from = edge->valid_from ? edge->valid_from : at;
    }
    for (size_t i = 0; i < from->ended.count; i++) {
        struct twin_change_end *end = LIST_ADD(arena, &to->ended);
        *end = from->ended.items[i];
        end->at = end->at ? end->at : at;
    }
}

static int severity(int state)
{
    static const int order[] = {5, 0, 2, 3, 4, 1}; /* gone, up, degraded, unreachable, dead, … */
    return order[state];
}

static int worst_first(const void *a, const void *b)
{
    const struct twin_consequence *x = a, *y = b;
    int by = severity(y->after) - severity(x->after);
    by = by ? by : y->layer - x->layer;
    return by ? by : strcmp(x->id, y->id);
}

static void compare(const struct twin_moment *fork, const struct following *now,
                    const struct following *then, struct twin_consequences *out,
                    struct arena *arena)
{
    for (uint32_t i = 0; i < then->count; i++) {
        int before = i < now->count ? now->state[i] : 0, after = then->state[i];
        if (before == after)
            continue;
        const struct graph_entity *entity = graph_entity(fork->graph, i);
        *LIST_ADD(arena, &out->items) = (struct twin_consequence){
            .id = arena_strdup(arena, entity->id),
            .kind = arena_strdup(arena, entity->kind),
            .layer = entity->layer,
            .before = before,
            .after = after,
            .because = then->because[i] == i
                           ? NULL
                           : arena_strdup(arena, graph_entity(fork->graph, then->because[i])->id)};
        out->total++;
        out->dead += after == TWIN_DEAD;
        out->unreachable += after == TWIN_UNREACHABLE;
        out->degraded += after == TWIN_DEGRADED;
    }
    if (out->items.count)
        qsort(out->items.items, out->items.count, sizeof *out->items.items, worst_first);
}

enum err_code twin_what_if(struct twin *twin, const struct twin_what_if *wish,
                           struct twin_consequences *out, struct arena *arena, struct err *err)
{
    CLEANUP(arena_done) struct arena work;
    CLEANUP(twin_moment_done) struct twin_moment moment = {.graph = NULL};
    CLEANUP(twin_moment_done) struct twin_moment fork = {.graph = NULL};
    struct twin_change change = {.entities = {NULL, 0}};
    struct following now, then;
    enum err_code rc;
    arena_init(&work, MEMORY_MOST);
    if ((rc = twin_moment(twin, wish->at, &moment, err)))
        return rc;
    copy_change(&wish->change, &change, moment.at, &work);
    if ((rc = add_states(&moment, wish, &change, &work, err)) ||
        (rc = twin_fork(&moment, &change, &fork, err)) ||
        (rc = follow(&moment, &now, &work, err)) || (rc = follow(&fork, &then, &work, err)))
        return rc;
    *out = (struct twin_consequences){.at = moment.at, .position = moment.position};
    compare(&fork, &now, &then, out, arena);
    size_t page = twin_page(wish->limit);
    out->items.count = out->items.count < page ? out->items.count : page;
    return arena_check(arena, err);
}
