/* property_graph_threads.c - several readers, one writer: what a reader holds never changes, is
 * whole, and never waits for a change to be made.
 *
 * Each version v keeps the rule that all entities say "as of v" (their expiry) and that entity i
 * runs on entity i / 2; a reader that saw a mixture, a freed page or a page under the writer's
 * hands would break it, and the thread sanitizer would tell where. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/str.h"
#include "twin/graph/graph.h"

#define READERS 4
#define VERSIONS 300
#define ENTITIES 500
#define EACH 40 /* entities that a version changes beside the rule */

struct stage {
    struct graph *graph;
    atomic_bool over;
    atomic_int broken;
    atomic_long looks;
};

static struct graph_fact fact_of(int64_t version, uint8_t state)
{
    return (struct graph_fact){.valid_from_ms = version,
                               .expires_ms = 1000 + version,
                               .origin = GRAPH_OBSERVED,
                               .state = state,
                               .confidence = 1};
}

static void write_version(struct graph *graph, struct rand *rand, int64_t version)
{
    struct graph_snapshot *now = graph_current(graph);
    struct graph_change *change = graph_begin(now);
    struct err err = ERR_INIT;
    uint32_t count = version == 1 ? 2 : ENTITIES;
    for (uint32_t i = 0; i < count; i++) {
        char id[24];
        str_format(id, sizeof id, "e%u", i);
        struct graph_entity entity = {.id = id,
                                      .kind = "host",
                                      .layer = GRAPH_PHYSICAL,
                                      .fact = fact_of(version, (uint8_t)(1 + rand_below(rand, 5)))};
        assert_int_equal(graph_put_entity(change, &entity, NULL, &err), ERR_OK);
        struct graph_edge edge = {
            .from = i, .to = i / 2, .relation = GRAPH_RUNS_ON, .fact = fact_of(1, GRAPH_UP)};
        assert_int_equal(graph_put_edge(change, &edge, NULL, &err), ERR_OK);
    }
    for (int i = 0; i < EACH; i++) {
        struct graph_edge edge = {.from = (uint32_t)rand_below(rand, count),
                                  .to = (uint32_t)rand_below(rand, count),
                                  .relation = GRAPH_CALLS,
                                  .fact = fact_of(1, GRAPH_UP)};
        assert_int_equal(graph_put_edge(change, &edge, NULL, &err), ERR_OK);
    }
    graph_mark(change, version);
    if (rand_below(rand, 6) == 0) { /* a fork that nobody publishes, and one that is dropped */
        struct graph_change *other = graph_begin(now);
        graph_end_entity(other, 0, version);
        graph_unref(graph_fork(other, version));
        graph_drop(graph_begin(now));
    }
    assert_int_equal(graph_publish(graph, change, version, &err), ERR_OK);
    graph_unref(now);
}

static void check(struct stage *stage, bool right)
{
    if (!right)
        atomic_fetch_add(&stage->broken, 1);
}

static void look(struct stage *stage, struct rand *rand, int64_t *seen)
{
    struct graph_snapshot *now = rand_below(rand, 3)
                                     ? graph_current(stage->graph)
                                     : graph_at(stage->graph, (int64_t)rand_below(rand, VERSIONS));
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    if (!now)
        return;
    int64_t version = graph_marked(now);
    uint32_t count = graph_entity_count(now);
    check(stage, version == 0 ? count == 0 : version == 1 ? count == 2 : count == ENTITIES);
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_entity *entity = graph_entity(now, i);
        check(stage, entity->fact.expires_ms == 1000 + version);
        check(stage, graph_find(now, entity->id) == i);
    }
    if (count == ENTITIES) {
        struct graph_query query = {.at_ms = version, .relations = GRAPH_BIT(GRAPH_RUNS_ON)};
        struct graph_reach reach;
        check(stage, graph_impact(now, 0, GRAPH_UP_TO_USERS, &query, &reach, &arena, &err) == 0 &&
                         reach.total == ENTITIES - 1);
    }
    if (version > *seen)
        *seen = version;
    atomic_fetch_add(&stage->looks, 1);
    arena_done(&arena);
    graph_unref(now);
}

static void *read_on(void *ctx)
{
    struct stage *stage = ctx;
    struct rand rand;
    int64_t seen = 0;
    rand_init(&rand, (uint64_t)(uintptr_t)&rand);
    while (!atomic_load(&stage->over))
        look(stage, &rand, &seen);
    look(stage, &rand, &seen);
    return NULL;
}

static void test_readers_see_whole_versions_while_one_thread_writes(void **state)
{
    struct stage stage = {.graph = graph_new(8, 3)};
    pthread_t readers[READERS];
    struct rand rand;
    (void)state;
    rand_init(&rand, 11);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &stage), 0);
    for (int64_t v = 1; v <= VERSIONS; v++)
        write_version(stage.graph, &rand, v);
    while (atomic_load(&stage.looks) < READERS) /* each has looked, on however busy a machine */
        sched_yield();
    atomic_store(&stage.over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&stage.broken), 0);
    graph_free(stage.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_see_whole_versions_while_one_thread_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
