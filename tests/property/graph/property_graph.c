/* property_graph.c - the layered graph against plain arrays: snapshots never change, a look-up, an
 * impact, a path and a difference are those of a full scan, forks and versions do not disturb one
 * another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/str.h"
#include "twin/graph/graph.h"

#define VERSIONS 12
#define IDS 200

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* Everything that a snapshot says. */
static uint64_t digest(const struct graph_snapshot *snapshot)
{
    uint64_t hash = graph_entity_count(snapshot);
    for (uint32_t i = 0; i < graph_entity_count(snapshot); i++) {
        const struct graph_entity *entity = graph_entity(snapshot, i);
        for (const char *at = entity->id; *at; at++)
            hash = mix(hash, (unsigned char)*at);
        hash = mix(mix(hash, entity->fact.state), (uint64_t)entity->fact.valid_to_ms);
        hash = mix(mix(hash, entity->first_out), entity->first_in);
    }
    for (uint32_t i = 0; i < graph_edge_count(snapshot); i++) {
        const struct graph_edge *edge = graph_edge(snapshot, i);
        hash = mix(mix(mix(hash, edge->from), edge->to), edge->relation);
        hash = mix(mix(mix(hash, edge->next_in), edge->next_out), edge->fact.state);
    }
    return hash;
}

static struct graph_fact random_fact(struct rand *rand)
{
    struct graph_fact fact = {.confidence = 0.5F,
                              .origin = (uint8_t)(1 + rand_below(rand, 3)),
                              .state = (uint8_t)(1 + rand_below(rand, 5))};
    fact.valid_from_ms = (int64_t)rand_below(rand, 30);
    if (rand_below(rand, 4) == 0)
        fact.expires_ms = (int64_t)rand_below(rand, 100);
    if (rand_below(rand, 3) == 0)
        fact.valid_to_ms = fact.valid_from_ms + 1 + (int64_t)rand_below(rand, 100);
    return fact;
}

static void scribble(struct graph_change *change, struct rand *rand, size_t count)
{
    struct err err = ERR_INIT;
    uint32_t known = 0;
    for (size_t i = 0; i < count; i++) {
        char id[32];
        str_format(id, sizeof id, "e%d", (int)rand_below(rand, IDS));
        struct graph_entity entity = {.id = id,
                                      .kind = rand_below(rand, 2) ? "host" : "task",
                                      .fact = random_fact(rand),
                                      .layer = (uint8_t)(1 + rand_below(rand, 4))};
        uint32_t number;
        assert_int_equal(graph_put_entity(change, &entity, &number, &err), ERR_OK);
        known = number > known ? number : known;
        struct graph_edge edge = {.from = (uint32_t)rand_below(rand, known + 1),
                                  .to = (uint32_t)rand_below(rand, known + 1),
                                  .fact = random_fact(rand),
                                  .relation = (uint8_t)(1 + rand_below(rand, GRAPH_RELATIONS - 1))};
        assert_int_equal(graph_put_edge(change, &edge, NULL, &err), ERR_OK);
    }
}

static bool follows(const struct graph_edge *edge, enum graph_direction direction, bool out)
{
    if (direction == GRAPH_EITHER || edge->relation == GRAPH_CONNECTS)
        return true;
    bool user_is_to = edge->relation == GRAPH_HOSTS || edge->relation == GRAPH_SERVES ||
                      edge->relation == GRAPH_PART_OF;
    return (direction == GRAPH_UP_TO_USERS) == (user_is_to == out);
}

/* Depths by going over all edges again and again. */
static void depths_by_force(const struct graph_snapshot *snapshot, uint32_t start,
                            enum graph_direction direction, uint32_t relations, int64_t at_ms,
                            uint32_t *depth)
{
    for (uint32_t i = 0; i < graph_entity_count(snapshot); i++)
        depth[i] = GRAPH_NONE;
    if (!graph_holds(&graph_entity(snapshot, start)->fact, at_ms))
        return;
    depth[start] = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < 2 * graph_edge_count(snapshot); i++) {
            const struct graph_edge *edge = graph_edge(snapshot, i / 2);
            bool out = i % 2 == 0;
            uint32_t from = out ? edge->from : edge->to, to = out ? edge->to : edge->from;
            if (depth[from] == GRAPH_NONE || !(relations & GRAPH_BIT(edge->relation)) ||
                !graph_holds(&edge->fact, at_ms) || !follows(edge, direction, out) ||
                !graph_holds(&graph_entity(snapshot, to)->fact, at_ms) ||
                depth[to] <= depth[from] + 1)
                continue;
            depth[to] = depth[from] + 1;
            moved = true;
        }
    }
}

static void check_queries(const struct graph_snapshot *snapshot, struct rand *rand)
{
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct graph_reach reach;
    struct graph_path path;
    uint32_t count = graph_entity_count(snapshot), depth[IDS];
    uint32_t start = (uint32_t)rand_below(rand, count), end = (uint32_t)rand_below(rand, count);
    enum graph_direction direction = (enum graph_direction)(1 + rand_below(rand, 3));
    struct graph_query query = {.at_ms = (int64_t)rand_below(rand, 60),
                                .relations =
                                    rand_below(rand, 2) ? GRAPH_DEPENDENCIES : GRAPH_ALL_RELATIONS};
    depths_by_force(snapshot, start, direction, query.relations, query.at_ms, depth);
    assert_int_equal(graph_impact(snapshot, start, direction, &query, &reach, &arena, &err), 0);
    size_t expected = 0;
    for (uint32_t i = 0; i < count; i++)
        expected += i != start && depth[i] != GRAPH_NONE;
    assert_int_equal(reach.total, expected);
    assert_int_equal(reach.items.count, expected);
    for (size_t i = 0; i < reach.items.count; i++)
        assert_int_equal(reach.items.items[i].depth, depth[reach.items.items[i].entity]);
    assert_int_equal(graph_path(snapshot, start, end, direction, &query, &path, &arena, &err), 0);
    assert_int_equal(path.entities.count, depth[end] == GRAPH_NONE ? 0 : depth[end] + 1);
    for (size_t i = 0; i < path.entities.count; i++)
        assert_int_equal(depth[path.entities.items[i]], i);
    struct graph_reach page;
    query.skip = 3;
    query.limit = 2;
    assert_int_equal(graph_impact(snapshot, start, direction, &query, &page, &arena, &err), 0);
    assert_int_equal(page.total, expected);
    for (size_t i = 0; i < page.items.count; i++)
        assert_int_equal(page.items.items[i].entity, reach.items.items[i + 3].entity);
    arena_done(&arena);
}

static bool same_edge(const struct graph_snapshot *a, const struct graph_snapshot *b, uint32_t i)
{
    if (i >= graph_edge_count(a) || i >= graph_edge_count(b))
        return false;
    const struct graph_edge *x = graph_edge(a, i), *y = graph_edge(b, i);
    return x->from == y->from && x->to == y->to && x->relation == y->relation &&
           x->fact.state == y->fact.state && x->fact.origin == y->fact.origin &&
           x->fact.valid_from_ms == y->fact.valid_from_ms &&
           x->fact.valid_to_ms == y->fact.valid_to_ms && x->fact.expires_ms == y->fact.expires_ms;
}

static bool same_entity(const struct graph_snapshot *a, const struct graph_snapshot *b, uint32_t i)
{
    if (i >= graph_entity_count(a) || i >= graph_entity_count(b))
        return false;
    const struct graph_entity *x = graph_entity(a, i), *y = graph_entity(b, i);
    return str_eq(x->id, y->id) && str_eq(x->kind, y->kind) && x->layer == y->layer &&
           x->fact.state == y->fact.state && x->fact.origin == y->fact.origin &&
           x->fact.valid_from_ms == y->fact.valid_from_ms &&
           x->fact.valid_to_ms == y->fact.valid_to_ms && x->fact.expires_ms == y->fact.expires_ms;
}

static void check_diff(const struct graph_snapshot *a, const struct graph_snapshot *b)
{
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct graph_delta delta;
    uint32_t entities = graph_entity_count(a) > graph_entity_count(b) ? graph_entity_count(a)
                                                                      : graph_entity_count(b);
    uint32_t edges =
        graph_edge_count(a) > graph_edge_count(b) ? graph_edge_count(a) : graph_edge_count(b);
    size_t at = 0;
    assert_int_equal(graph_diff(a, b, &delta, &arena, &err), ERR_OK);
    for (uint32_t i = 0; i < entities; i++)
        if (!same_entity(a, b, i)) {
            assert_true(at < delta.entities.count);
            assert_int_equal(delta.entities.items[at++], i);
        }
    assert_int_equal(at, delta.entities.count);
    at = 0;
    for (uint32_t i = 0; i < edges; i++)
        if (!same_edge(a, b, i)) {
            assert_true(at < delta.edges.count);
            assert_int_equal(delta.edges.items[at++], i);
        }
    assert_int_equal(at, delta.edges.count);
    arena_done(&arena);
}

static void test_snapshots_never_change_and_answer_as_a_full_scan_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rand rand;
        struct err err = ERR_INIT;
        struct graph *graph = graph_new(4, seed);
        struct graph_snapshot *held[2 * VERSIONS];
        uint64_t digests[2 * VERSIONS];
        size_t count = 0;
        rand_init(&rand, seed);
        for (int64_t v = 0; v < VERSIONS; v++) {
            struct graph_snapshot *now = graph_current(graph);
            struct graph_change *change = graph_begin(now);
            scribble(change, &rand, 1 + rand_below(&rand, 200));
            if (rand_below(&rand, 5) == 0)
                graph_drop(change);
            else
                assert_int_equal(graph_publish(graph, change, 10 * v, &err), ERR_OK);
            held[count] = graph_current(graph);
            digests[count] = digest(held[count]);
            count++;
            struct graph_change *other = graph_begin(now); /* of what is old by now */
            scribble(other, &rand, 20);
            held[count] = graph_fork(other, 0);
            digests[count] = digest(held[count]);
            count++;
            graph_unref(now);
        }
        graph_free(graph);
        for (size_t i = 0; i < count; i++) {
            assert_true(digest(held[i]) == digests[i]);
            for (int n = 0; n < 4 && graph_entity_count(held[i]); n++)
                check_queries(held[i], &rand);
            check_diff(held[i], held[rand_below(&rand, count)]);
            for (uint32_t k = 0; k < graph_entity_count(held[i]); k++)
                assert_int_equal(graph_find(held[i], graph_entity(held[i], k)->id), k);
            assert_int_equal(graph_find(held[i], "nothing"), GRAPH_NONE);
        }
        for (size_t i = 0; i < count; i++)
            graph_unref(held[i]);
    }
}

/* ---- packing ---- */

static struct graph_snapshot *through_bytes(const struct graph_snapshot *snapshot, size_t bytes,
                                            uint64_t seed)
{
    struct graph_packing at = {0, 0};
    struct buf part = BUF_INIT;
    struct err err = ERR_INIT;
    struct graph_snapshot *back;
    struct graph_unpacking *unpacking = graph_unpack_new(seed);
    while (graph_pack(snapshot, &at, bytes, &part)) {
        assert_int_equal(graph_unpack(unpacking, part.data, part.len, &err), ERR_OK);
        buf_clear(&part);
    }
    assert_int_equal(graph_unpack_end(unpacking, 42, 7, &back, &err), ERR_OK);
    buf_done(&part);
    assert_int_equal(graph_published_ms(back), 42);
    assert_int_equal(graph_marked(back), 7);
    return back;
}

static struct graph_snapshot *random_snapshot(struct rand *rand, size_t changes)
{
    struct graph *graph = graph_new(1, rand_u64(rand));
    struct graph_snapshot *empty = graph_current(graph);
    struct graph_change *change = graph_begin(empty);
    scribble(change, rand, changes);
    struct graph_snapshot *out = graph_fork(change, 0);
    graph_unref(empty);
    graph_free(graph);
    return out;
}

static void test_a_packed_snapshot_comes_back_and_can_be_written_on(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rand rand, again;
        rand_init(&rand, seed);
        struct graph_snapshot *snapshot = random_snapshot(&rand, rand_below(&rand, 400));
        struct graph_snapshot *back =
            through_bytes(snapshot, 1 + rand_below(&rand, 5000), rand_u64(&rand));
        assert_true(digest(snapshot) == digest(back));
        for (uint32_t i = 0; i < graph_entity_count(snapshot); i++) {
            const struct graph_entity *a = graph_entity(snapshot, i), *b = graph_entity(back, i);
            assert_string_equal(a->kind, b->kind);
            assert_int_equal(a->layer, b->layer);
            assert_int_equal(a->fact.origin, b->fact.origin);
            assert_int_equal(a->fact.valid_from_ms, b->fact.valid_from_ms);
            assert_int_equal(a->fact.expires_ms, b->fact.expires_ms);
            assert_memory_equal(&a->fact.confidence, &b->fact.confidence, sizeof(float));
            assert_int_equal(graph_find(back, a->id), i);
        }
        /* The same changes make the same of both. */
        struct graph_change *one = graph_begin(snapshot), *two = graph_begin(back);
        again = rand;
        scribble(one, &rand, 300);
        scribble(two, &again, 300);
        struct graph_snapshot *then = graph_fork(one, 0), *there = graph_fork(two, 0);
        assert_true(digest(then) == digest(there));
        graph_unref(then);
        graph_unref(there);
        graph_unref(snapshot);
        graph_unref(back);
    }
}

static void test_a_damaged_pack_is_refused(void **state)
{
    struct rand rand;
    struct buf part = BUF_INIT;
    struct graph_packing at = {0, 0};
    struct err err = ERR_INIT;
    (void)state;
    rand_init(&rand, 5);
    struct graph_snapshot *snapshot = random_snapshot(&rand, 100);
    assert_true(graph_pack(snapshot, &at, 1 << 20, &part));
    for (size_t i = 0; i < part.len; i++) {
        struct graph_unpacking *unpacking = graph_unpack_new(1);
        part.data[i] ^= 0x20;
        assert_int_equal(graph_unpack(unpacking, part.data, part.len, &err), ERR_CORRUPT);
        assert_int_equal(graph_unpack(unpacking, part.data, i, &err), ERR_CORRUPT);
        part.data[i] ^= 0x20;
        graph_unpack_free(unpacking);
    }
    struct graph_unpacking *twice = graph_unpack_new(1);
    struct graph_snapshot *none;
    assert_int_equal(graph_unpack(twice, part.data, part.len, &err), ERR_OK);
    assert_int_equal(graph_unpack(twice, part.data, part.len, &err), ERR_OK);
    assert_int_equal(graph_unpack_end(twice, 0, 0, &none, &err), ERR_CORRUPT);
    graph_unpack_free(twice);
    buf_done(&part);
    graph_unref(snapshot);
}

/* ---- a difference, put into the first, gives the second ---- */

static void test_a_difference_applied_to_the_first_gives_the_second(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rand rand;
        struct arena arena = ARENA_INIT;
        struct err err = ERR_INIT;
        struct graph_delta delta;
        rand_init(&rand, seed);
        struct graph_snapshot *a = random_snapshot(&rand, 1 + rand_below(&rand, 200));
        struct graph_change *change = graph_begin(a);
        scribble(change, &rand, 1 + rand_below(&rand, 200));
        graph_end_entity(change, (uint32_t)rand_below(&rand, graph_entity_count(a)),
                         (int64_t)rand_below(&rand, 100));
        struct graph_snapshot *b = graph_fork(change, 0);
        assert_int_equal(graph_diff(a, b, &delta, &arena, &err), ERR_OK);
        struct graph_change *replay = graph_begin(a);
        for (size_t i = 0; i < delta.entities.count; i++) {
            uint32_t number = delta.entities.items[i];
            assert_int_equal(graph_put_entity(replay, graph_entity(b, number), &number, &err), 0);
            assert_int_equal(number, delta.entities.items[i]);
        }
        for (size_t i = 0; i < delta.edges.count; i++) {
            uint32_t number = delta.edges.items[i];
            assert_int_equal(graph_put_edge(replay, graph_edge(b, number), &number, &err), 0);
            assert_int_equal(number, delta.edges.items[i]);
        }
        struct graph_snapshot *same = graph_fork(replay, 0);
        assert_true(digest(same) == digest(b));
        assert_int_equal(graph_diff(same, b, &delta, &arena, &err), ERR_OK);
        assert_int_equal(delta.entities.count + delta.edges.count, 0);
        graph_unref(same);
        graph_unref(a);
        graph_unref(b);
        arena_done(&arena);
    }
}

/* ---- what follows ---- */

enum { FINE, HALF, AWAY, GONE };

static int rank_of(int state)
{
    return state == GRAPH_DEGRADED      ? HALF
           : state == GRAPH_UNREACHABLE ? AWAY
           : state == GRAPH_DEAD        ? GONE
                                        : FINE;
}

/* What the needs of one entity leave of it, by going over all edges. */
static int judge_by_force(const struct graph_snapshot *snapshot, uint32_t entity, int64_t at,
                          const int *rank)
{
    int worst = rank[entity];
    for (uint32_t i = 0; i < graph_edge_count(snapshot); i++) {
        const struct graph_edge *edge = graph_edge(snapshot, i);
        bool group = edge->relation == GRAPH_SERVES || edge->relation == GRAPH_PART_OF;
        bool to_user = group || edge->relation == GRAPH_HOSTS;
        uint32_t user = to_user ? edge->to : edge->from, need = to_user ? edge->from : edge->to;
        if (user != entity || edge->relation == GRAPH_CONNECTS || !graph_holds(&edge->fact, at) ||
            !graph_holds(&graph_entity(snapshot, need)->fact, at))
            continue;
        int told = rank[need];
        if (edge->relation == GRAPH_CALLS || edge->relation == GRAPH_DEPENDS_ON)
            told = told >= AWAY ? HALF : FINE;
        if (group) { /* the best of its like decides when none is left */
            int best = GONE, most = FINE;
            for (uint32_t k = 0; k < graph_edge_count(snapshot); k++) {
                const struct graph_edge *other = graph_edge(snapshot, k);
                const struct graph_entity *like = graph_entity(snapshot, other->from);
                if (other->to != entity || other->relation != edge->relation ||
                    !graph_holds(&other->fact, at) || !graph_holds(&like->fact, at) ||
                    !str_eq(like->kind, graph_entity(snapshot, need)->kind))
                    continue;
                best = rank[other->from] < best ? rank[other->from] : best;
                most = rank[other->from] > most ? rank[other->from] : most;
            }
            told = best >= AWAY ? best : most ? HALF : FINE;
        }
        worst = told > worst ? told : worst;
    }
    return worst;
}

static void test_consequences_are_the_least_fixed_point(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rand rand;
        struct arena arena = ARENA_INIT;
        struct err err = ERR_INIT;
        struct graph_consequences found;
        int rank[IDS];
        int64_t at = 15;
        rand_init(&rand, seed);
        struct graph_snapshot *snapshot = random_snapshot(&rand, 10 + rand_below(&rand, 60));
        uint32_t count = graph_entity_count(snapshot);
        for (uint32_t i = 0; i < count; i++)
            rank[i] = rank_of((int)graph_state_at(&graph_entity(snapshot, i)->fact, at));
        for (bool moved = true; moved;) {
            moved = false;
            for (uint32_t i = 0; i < count; i++) {
                int now = graph_holds(&graph_entity(snapshot, i)->fact, at)
                              ? judge_by_force(snapshot, i, at, rank)
                              : rank[i];
                moved = moved || now != rank[i];
                rank[i] = now;
            }
        }
        assert_int_equal(graph_consequences(snapshot, at, &found, &arena, &err), ERR_OK);
        size_t next = 0;
        for (uint32_t i = 0; i < count; i++) {
            const struct graph_fact *fact = &graph_entity(snapshot, i)->fact;
            if (!graph_holds(fact, at) || rank[i] == rank_of((int)graph_state_at(fact, at)))
                continue;
            assert_true(next < found.items.count);
            assert_int_equal(found.items.items[next].entity, i);
            assert_int_equal(rank_of(found.items.items[next].follows), rank[i]);
            assert_int_equal(found.items.items[next].declared, graph_state_at(fact, at));
            next++;
        }
        assert_int_equal(next, found.items.count);
        graph_unref(snapshot);
        arena_done(&arena);
    }
}

/* ---- neighbours, and the outline by holder ---- */

static void test_neighbours_and_outlines_count_every_edge_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rand rand;
        struct arena arena = ARENA_INIT;
        struct err err = ERR_INIT;
        rand_init(&rand, seed);
        struct graph_snapshot *snapshot = random_snapshot(&rand, 1 + rand_below(&rand, 300));
        int64_t at = (int64_t)rand_below(&rand, 60);
        struct graph_query query = {.at_ms = at};
        size_t ends = 0, living = 0, joined = 0;
        for (uint32_t i = 0; i < graph_entity_count(snapshot); i++) {
            struct graph_neighbours all, page;
            assert_int_equal(
                graph_neighbours(snapshot, i, GRAPH_EITHER, &query, &all, &arena, &err), ERR_OK);
            assert_int_equal(all.total, all.items.count);
            struct graph_query one = {.at_ms = at, .skip = 1, .limit = 1};
            assert_int_equal(graph_neighbours(snapshot, i, GRAPH_EITHER, &one, &page, &arena, &err),
                             ERR_OK);
            if (all.total > 1)
                assert_int_equal(page.items.items[0].edge, all.items.items[1].edge);
            living += graph_holds(&graph_entity(snapshot, i)->fact, at);
            ends += graph_holds(&graph_entity(snapshot, i)->fact, at) ? all.total : 0;
        }
        for (uint32_t i = 0; i < graph_edge_count(snapshot); i++) {
            const struct graph_edge *edge = graph_edge(snapshot, i);
            joined += graph_holds(&edge->fact, at) &&
                      graph_holds(&graph_entity(snapshot, edge->from)->fact, at) &&
                      graph_holds(&graph_entity(snapshot, edge->to)->fact, at);
        }
        assert_int_equal(ends, 2 * joined);
        for (int by = GRAPH_BY_KIND; by <= GRAPH_BY_HOLDER; by++) {
            struct graph_outline outline;
            struct graph_outline_query asked = {.at_ms = at,
                                                .by = (enum graph_outline_by)by,
                                                .holder = "host",
                                                .most = rand_below(&rand, 6)};
            size_t entities = 0, edges = 0;
            assert_int_equal(graph_outline(snapshot, &asked, &outline, &arena, &err), ERR_OK);
            assert_true(!asked.most || outline.groups.count <= asked.most);
            for (size_t g = 0; g < outline.groups.count; g++)
                entities += outline.groups.items[g].count;
            for (size_t b = 0; b < outline.bundles.count; b++)
                edges += outline.bundles.items[b].count;
            assert_int_equal(entities, living);
            assert_int_equal(edges, joined);
        }
        graph_unref(snapshot);
        arena_done(&arena);
    }
}

static void test_what_ends_ends_with_its_edges(void **state)
{
    struct graph *graph = graph_new(0, 1);
    struct graph_snapshot *now = graph_current(graph);
    struct graph_change *change = graph_begin(now);
    struct err err = ERR_INIT;
    struct graph_fact fact = {
        .origin = GRAPH_DECLARED, .state = GRAPH_UP, .confidence = 1, .valid_from_ms = 10};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct graph_entity entity = {.id = (const char *const[]){"a", "b", "c"}[i],
                                      .kind = "host",
                                      .layer = GRAPH_PHYSICAL,
                                      .fact = fact};
        assert_int_equal(graph_put_entity(change, &entity, NULL, &err), ERR_OK);
        struct graph_edge edge = {.from = 0, .to = i, .relation = GRAPH_CALLS, .fact = fact};
        assert_int_equal(graph_put_edge(change, &edge, NULL, &err), ERR_OK);
    }
    struct graph_edge other = {.from = 1, .to = 2, .relation = GRAPH_CALLS, .fact = fact};
    assert_int_equal(graph_put_edge(change, &other, NULL, &err), ERR_OK);
    assert_int_equal(graph_change_find(change, "a"), 0);
    graph_end_entity(change, 0, 50);
    graph_end_entity(change, 0, 60); /* it has ended before that */
    graph_end_entity(change, 99, 60);
    struct graph_snapshot *then = graph_fork(change, 0);
    assert_int_equal(graph_entity(then, 0)->fact.valid_to_ms, 50);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(graph_edge(then, i)->fact.valid_to_ms, 50);
    assert_int_equal(graph_edge(then, 3)->fact.valid_to_ms, 0);
    assert_int_equal(graph_entity(then, 1)->fact.valid_to_ms, 0);
    graph_unref(then);
    graph_unref(now);
    graph_free(graph);
}

static void test_time_travel_finds_the_newest_at_or_before(void **state)
{
    struct graph *graph = graph_new(3, 1);
    struct err err = ERR_INIT;
    (void)state;
    for (int64_t t = 10; t <= 50; t += 10) {
        struct graph_snapshot *now = graph_current(graph);
        struct graph_change *change = graph_begin(now);
        struct graph_entity entity = {
            .id = "a",
            .kind = "host",
            .layer = GRAPH_PHYSICAL,
            .fact = {.origin = GRAPH_DECLARED, .state = GRAPH_UP, .expires_ms = t}};
        assert_int_equal(graph_put_entity(change, &entity, NULL, &err), ERR_OK);
        assert_int_equal(graph_publish(graph, change, t, &err), ERR_OK);
        struct graph_change *late = graph_begin(now);
        assert_int_equal(graph_publish(graph, late, t, &err), ERR_CONFLICT);
        graph_drop(late);
        graph_unref(now);
    }
    struct graph_snapshot *then = graph_at(graph, 45);
    assert_int_equal(graph_published_ms(then), 40);
    assert_int_equal(graph_state_at(&graph_entity(then, 0)->fact, 39), GRAPH_UP);
    assert_int_equal(graph_state_at(&graph_entity(then, 0)->fact, 40), GRAPH_UNKNOWN);
    assert_null(graph_at(graph, 25)); /* no longer kept */
    graph_unref(then);
    graph_free(graph);
}

static void test_the_outline_counts_groups_and_what_joins_them(void **state)
{
    struct graph *graph = graph_new(0, 1);
    struct graph_snapshot *now = graph_current(graph);
    struct graph_change *change = graph_begin(now);
    struct err err = ERR_INIT;
    struct arena arena = ARENA_INIT;
    struct graph_outline outline;
    struct graph_fact fact = {.origin = GRAPH_OBSERVED, .state = GRAPH_DEGRADED, .confidence = 1};
    const char *const ids[] = {"h", "t1", "t2"};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct graph_entity entity = {.id = ids[i],
                                      .kind = i ? "task" : "host",
                                      .layer = i ? GRAPH_APPLICATION : GRAPH_PHYSICAL,
                                      .fact = fact};
        assert_int_equal(graph_put_entity(change, &entity, NULL, &err), ERR_OK);
    }
    for (uint32_t i = 1; i < 3; i++) {
        struct graph_edge edge = {.from = i, .to = 0, .relation = GRAPH_RUNS_ON, .fact = fact};
        assert_int_equal(graph_put_edge(change, &edge, NULL, &err), ERR_OK);
    }
    struct graph_edge wrong = {.from = 9, .to = 0, .relation = GRAPH_CALLS, .fact = fact};
    assert_int_equal(graph_put_edge(change, &wrong, NULL, &err), ERR_INVALID);
    struct graph_snapshot *fork = graph_fork(change, 0);
    assert_int_equal(graph_outline(fork, &(struct graph_outline_query){.by = GRAPH_BY_KIND},
                                   &outline, &arena, &err),
                     ERR_OK);
    assert_int_equal(outline.groups.count, 2);
    assert_int_equal(outline.groups.items[0].states[GRAPH_DEGRADED], 2);
    assert_int_equal(outline.bundles.count, 1);
    assert_int_equal(outline.bundles.items[0].count, 2);
    arena_done(&arena);
    graph_unref(fork);
    graph_unref(now);
    graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshots_never_change_and_answer_as_a_full_scan_does),
        cmocka_unit_test(test_a_packed_snapshot_comes_back_and_can_be_written_on),
        cmocka_unit_test(test_a_damaged_pack_is_refused),
        cmocka_unit_test(test_a_difference_applied_to_the_first_gives_the_second),
        cmocka_unit_test(test_consequences_are_the_least_fixed_point),
        cmocka_unit_test(test_neighbours_and_outlines_count_every_edge_once),
        cmocka_unit_test(test_what_ends_ends_with_its_edges),
        cmocka_unit_test(test_time_travel_finds_the_newest_at_or_before),
        cmocka_unit_test(test_the_outline_counts_groups_and_what_joins_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
