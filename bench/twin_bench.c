/* twin_bench.c - the twin at 1,000,000 entities and 3,000,000 edges: memory, start from the store,
 * publishing, impact, old moments, the outline.
 *
 *   twin-bench FOLDER [ENTITIES [postgresql://… | -]]
 *
 * Two processes: one makes the graph, packs it into the store and adds a tail of events to the
 * journal; the other, begun anew, opens it, so that memory and time are those of a start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "twin/model/twin.h"
#include "twin/model/twin_priv.h"

#define ROUNDS 30
#define TAIL_EVENTS 100 /* more than are kept one by one */
#define TAIL_THINGS 200
#define CHANGES 1000
#define QUESTIONS 1000

static const struct store_actor nobody = {.user = "bench", .tenant = ""};

static double ms_since(int64_t begin_us)
{
    return (double)(clock_mono_us() - begin_us) / 1e3;
}

static void must(enum err_code rc, const struct err *err)
{
    if (!rc)
        return;
    fprintf(stderr, "%s %s\n", err->text, err->hint);
    exit(1);
}

static const char *id_of(uint32_t i, char out[40])
{
    static const char *const kinds[] = {"site", "server", "instance", "service"};
    str_format(out, 40, "%s/name-%07u", kinds[i % 4], i);
    return out;
}

static const struct graph_fact fact = {.origin = GRAPH_OBSERVED,
                                       .state = GRAPH_UP,
                                       .confidence = 1,
                                       .valid_from_ms = 1,
                                       .expires_ms = INT64_C(4000000000000)};

static void join(struct graph_change *change, uint32_t from, uint32_t to, uint8_t relation)
{
    struct err err = ERR_INIT;
    struct graph_edge edge = {.from = from, .to = to, .relation = relation, .fact = fact};
    must(graph_put_edge(change, &edge, NULL, &err), &err);
}

/* Services of instances on servers at sites; calls between near ones, links between any. */
static struct graph_snapshot *make(uint32_t count)
{
    static const char *const kinds[] = {"site", "server", "instance", "service"};
    struct graph *graph = graph_new(1, 7);
    struct graph_snapshot *empty = graph_current(graph);
    struct graph_change *change = graph_begin(empty);
    struct rand rand;
    struct err err = ERR_INIT;
    rand_init(&rand, 7);
    for (uint32_t i = 0; i < count; i++) {
        char id[40];
        struct graph_entity entity = {
            .id = id_of(i, id), .kind = kinds[i % 4], .layer = (uint8_t)(1 + i % 4), .fact = fact};
        entity.fact.valid_from_ms += i / 7 % 900; /* as life writes them: rising, often the same */
        must(graph_put_entity(change, &entity, NULL, &err), &err);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t near = i - i % 256 + (uint32_t)rand_below(&rand, 256);
        if (i % 4)
            join(change, i, i - 1, GRAPH_RUNS_ON);
        else
            join(change, i, (uint32_t)rand_below(&rand, count), GRAPH_CONNECTS);
        join(change, i, near < count ? near : i, GRAPH_CALLS);
        join(change, i, (uint32_t)rand_below(&rand, count), GRAPH_CONNECTS);
    }
    struct graph_snapshot *out = graph_fork(change, 1000);
    graph_unref(empty);
    graph_free(graph);
    return out;
}

struct event {
    struct rand *rand;
    uint32_t count;
    int things;
};

static enum err_code event_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct event *event = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct twin_change change = {.entities = {NULL, 0}};
    static const char *const kinds[] = {"site", "server", "instance", "service"};
    for (int i = 0; i < event->things; i++) {
        uint32_t number = (uint32_t)rand_below(event->rand, event->count);
        char *id = arena_alloc(&arena, 40);
        *LIST_ADD(&arena, &change.entities) =
            (struct twin_change_entity){.id = id_of(number, id),
                                        .kind = kinds[number % 4],
                                        .layer = (int)(1 + number % 4),
                                        .state = TWIN_DEGRADED,
                                        .origin = TWIN_OBSERVED,
                                        .valid_from = 1};
    }
    return twin_append(tx, &change, &nobody, err);
}

static void add_event(struct store *store, struct rand *rand, uint32_t count, int things)
{
    struct event event = {rand, count, things};
    struct err err = ERR_INIT;
    must(store_write(store, event_body, &event, &err), &err);
}

static struct store *open_store(const char *address)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    must(store_open(address, &store, &err), &err);
    must(store_migrate(store, &twin_store_module, 1, &err), &err);
    return store;
}

static void fill(const char *address, uint32_t count)
{
    struct store *store = open_store(address);
    struct err err = ERR_INIT;
    struct rand rand;
    rand_init(&rand, 9);
    struct graph_snapshot *graph = make(count);
    int64_t begin = clock_mono_us();
    must(twin_pack_write(store, graph, &err), &err);
    printf("packed into the store in %.0f ms\n", ms_since(begin));
    for (int i = 0; i < TAIL_EVENTS; i++)
        add_event(store, &rand, count, TAIL_THINGS);
    graph_unref(graph);
    store_close(store);
}

static long resident_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* What this process has computed: what others do on the machine does not count. */
static double cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e3 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void start(struct store *store, struct twin **out)
{
    struct err err = ERR_INIT;
    struct twin_figures figures;
    int64_t begin = clock_mono_us();
    double cpu = cpu_ms();
    must(twin_open(store, out, &err), &err);
    double took = ms_since(begin);
    cpu = cpu_ms() - cpu;
    twin_figures(*out, &figures);
    printf("opened from %s in %.0f ms (%.0f ms of computing here): %lld entities, %lld edges, %lld "
           "things of the journal after "
           "the pack; memory %ld MiB at most\n",
           store_kind(store), took, cpu, (long long)figures.entities, (long long)figures.edges,
           (long long)figures.since_pack, resident_mib());
}

static void publish(struct store *store, struct twin *twin, uint32_t count)
{
    struct err err = ERR_INIT;
    struct rand rand;
    double written = 0, taken = 0, worst = 0, cpu = 0;
    rand_init(&rand, 13);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = clock_mono_us();
        add_event(store, &rand, count, CHANGES);
        written += ms_since(begin);
        begin = clock_mono_us();
        cpu -= cpu_ms();
        must(twin_refresh(twin, &err), &err);
        cpu += cpu_ms();
        double took = ms_since(begin);
        taken += took;
        worst = took > worst ? took : worst;
    }
    printf("%d changes journalled in %.1f ms, read back and published in %.1f ms (%.1f of "
           "computing), at most %.1f\n",
           CHANGES, written / ROUNDS, taken / ROUNDS, cpu / ROUNDS, worst);
}

static void ask(struct twin *twin, uint32_t count)
{
    struct err err = ERR_INIT;
    struct rand rand;
    double sum = 0, worst = 0;
    int64_t reached = 0;
    rand_init(&rand, 17);
    for (int i = 0; i < QUESTIONS; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        char id[40];
        struct twin_query query = {.entity = id_of((uint32_t)rand_below(&rand, count), id)};
        struct twin_answer answer;
        int64_t begin = clock_mono_us();
        must(twin_impact(twin, &query, &answer, &arena, &err), &err);
        double took = ms_since(begin);
        sum += took;
        worst = took > worst ? took : worst;
        reached += answer.total;
    }
    printf("impact of one in %.3f ms, at most %.3f; %lld reached\n", sum / QUESTIONS, worst,
           (long long)(reached / QUESTIONS));
}

static void look_back(struct twin *twin)
{
    struct err err = ERR_INIT;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(twin_moment_done) struct twin_moment moment = {.graph = NULL};
    struct twin_outline outline;
    struct twin_diff diff;
    int64_t begin = clock_mono_us();
    must(twin_moment(twin, 1000, &moment, &err), &err);
    printf("a moment that is not in memory in %.0f ms\n", ms_since(begin));
    begin = clock_mono_us();
    must(twin_diff(twin, 1000, 0, 100, NULL, &diff, &arena, &err), &err);
    printf("its difference from now in %.0f ms: %lld\n", ms_since(begin), (long long)diff.total);
    begin = clock_mono_us();
    must(twin_outline(twin, 0, "site", 200, &outline, &arena, &err), &err);
    printf("outline by site, 200 groups, in %.0f ms; ", ms_since(begin));
    begin = clock_mono_us();
    must(twin_outline(twin, 0, "layer", 0, &outline, &arena, &err), &err);
    printf("by layer in %.0f ms\n", ms_since(begin));
    struct twin_state_wish wish = {"site/name-0000000", TWIN_DEAD};
    struct twin_what_if what_if = {.states = {&wish, 1}};
    struct twin_consequences follows;
    begin = clock_mono_us();
    must(twin_what_if(twin, &what_if, &follows, &arena, &err), &err);
    printf("what if a site died in %.0f ms: %lld would change\n", ms_since(begin),
           (long long)follows.total);
}

static void measure(const char *address, uint32_t count)
{
    struct store *store = open_store(address);
    struct twin *twin;
    start(store, &twin);
    publish(store, twin, count);
    ask(twin, count);
    printf("memory with %d more versions %ld MiB at most\n", ROUNDS, resident_mib());
    look_back(twin);
    printf("memory with a moment of the past %ld MiB at most\n", resident_mib());
    twin_close(twin);
    store_close(store);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
    char address[4096];
    if (argc < 2 || count < 1000) {
        fprintf(stderr, "twin-bench FOLDER [ENTITIES [postgresql://…]]\n");
        return 2;
    }
    if (argc > 3) /* `-` is that of tests/testbed/postgres.sh run */
        str_format(address, sizeof address, "%s",
                   str_eq(argv[3], "-") ? getenv("SWAN_TEST_POSTGRES") : argv[3]);
    else
        str_format(address, sizeof address, "sqlite:%s/twin-bench.db", argv[1]);
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        fill(address, count);
        fflush(stdout);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        return 1;
    measure(address, count);
    return 0;
}
