/* graph_bench.c - 1,000,000 entities and 3,000,000 edges: memory, publishing 1,000 changes, impact.
 *   build-bench/bench/graph-bench [ENTITIES] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "twin/graph/graph.h"

#define ROUNDS 50
#define CHANGES 1000

static double seconds_since(int64_t begin_us)
{
    return (double)(clock_mono_us() - begin_us) / 1e6;
}

static void must(enum err_code rc, const struct err *err)
{
    if (!rc)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static const struct graph_fact fact = {
    .origin = GRAPH_DECLARED, .state = GRAPH_UP, .confidence = 1};

static void put(struct graph_change *change, uint32_t i, uint8_t state)
{
    static const char *const kinds[] = {"host", "instance", "task", "service"};
    struct err err = ERR_INIT;
    char id[32];
    str_format(id, sizeof id, "entity-%08u", i);
    struct graph_entity entity = {
        .id = id, .kind = kinds[i % 4], .layer = (uint8_t)(1 + i % 4), .fact = fact};
    entity.fact.state = state;
    must(graph_put_entity(change, &entity, NULL, &err), &err);
}

static void join(struct graph_change *change, uint32_t from, uint32_t to, uint8_t relation)
{
    struct err err = ERR_INIT;
    struct graph_edge edge = {.from = from, .to = to, .relation = relation, .fact = fact};
    must(graph_put_edge(change, &edge, NULL, &err), &err);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    struct graph *graph = graph_new(64, 7);
    struct graph_snapshot *now = graph_current(graph);
    struct graph_change *change = graph_begin(now);
    struct rand rand;
    struct err err = ERR_INIT;
    struct rusage usage;
    if (count < 1000)
        return 1;
    rand_init(&rand, 7);
    graph_unref(now);
    int64_t begin = clock_mono_us();
    for (uint32_t i = 0; i < count; i++)
        put(change, i, GRAPH_UP);
    /* hosts of instances of tasks of services; then calls to one of 64 neighbours, connects */
    for (uint32_t i = 0; i < count; i++) {
        if (i % 4)
            join(change, i, i - 1, GRAPH_RUNS_ON);
        else
            join(change, i, (uint32_t)rand_below(&rand, count), GRAPH_CONNECTS);
        uint32_t near = i - i % 256 + (uint32_t)rand_below(&rand, 256);
        join(change, i, near < count ? near : i, GRAPH_CALLS);
        join(change, i, (uint32_t)rand_below(&rand, count), GRAPH_CONNECTS);
    }
    must(graph_publish(graph, change, 0, &err), &err);
    now = graph_current(graph);
    printf("built in %.2f s: %u entities, %u edges\n", seconds_since(begin),
           graph_entity_count(now), graph_edge_count(now));
    getrusage(RUSAGE_SELF, &usage);
    printf("memory %ld MiB at most\n", usage.ru_maxrss / 1024);
    graph_unref(now);
    double worst = 0, sum = 0;
    for (int64_t r = 0; r < ROUNDS; r++) {
        begin = clock_mono_us();
        now = graph_current(graph);
        change = graph_begin(now);
        for (int i = 0; i < CHANGES; i++)
            put(change, (uint32_t)rand_below(&rand, count), GRAPH_DEGRADED);
        must(graph_publish(graph, change, r + 1, &err), &err);
        graph_unref(now);
        double took = seconds_since(begin);
        worst = took > worst ? took : worst;
        sum += took;
    }
    printf("%d changes published in %.2f ms, at most %.2f ms\n", CHANGES, 1e3 * sum / ROUNDS,
           1e3 * worst);
    now = graph_current(graph);
    size_t reached = 0, most = 0;
    worst = sum = 0;
    for (int r = 0; r < 1000; r++) {
        struct arena arena = ARENA_INIT;
        struct graph_reach reach;
        struct graph_query query = {.relations = GRAPH_DEPENDENCIES};
        begin = clock_mono_us();
        must(graph_impact(now, (uint32_t)rand_below(&rand, count), GRAPH_UP_TO_USERS, &query,
                          &reach, &arena, &err),
             &err);
        double took = seconds_since(begin);
        worst = took > worst ? took : worst;
        sum += took;
        reached += reach.total;
        most = reach.total > most ? reach.total : most;
        arena_done(&arena);
    }
    printf("impact in %.3f ms, at most %.3f ms; %zu entities reached, at most %zu\n", sum,
           1e3 * worst, reached / 1000, most);
    getrusage(RUSAGE_SELF, &usage);
    printf("memory with %d versions %ld MiB at most\n", ROUNDS + 1, usage.ru_maxrss / 1024);
    graph_unref(now);
    graph_free(graph);
    return 0;
}
