/* bench_risks.c - swan bench risks: how long the hidden dangers of a seeded network take.
 *
 * Contract: same sizes and seed, same network and same solution.  Links that the network of
 * cli_bench_network lacks join two sites, or a site and an access point, at random. */
#include "cli/bench_risks.h"

#include <time.h>

#include "base/clock.h"
#include "base/rand.h"
#include "cli/bench.h"
#include "twin/risks/risks.h"

#define LINKS_MAX 1000000
#define COMPONENTS 6
#define INSTANCES 2
#define GROUP_MOST 8
#define GROUPS_MAX 1000000

static struct opt_double known(double value)
{
    return (struct opt_double){true, value};
}

static const char *any_node(const struct network *network, struct rand *rand)
{
    uint64_t i = rand_below(rand, network->sites.count + network->access.count);
    return i < network->sites.count ? network->sites.items[i].id
                                    : network->access.items[i - network->sites.count].id;
}

static void add_links(struct network *network, size_t links, struct rand *rand, struct arena *arena)
{
    while (network->links.count < links) {
        const char *a = network->sites.items[rand_below(rand, network->sites.count)].id;
        const char *b = any_node(network, rand);
        if (a == b)
            continue;
        struct network_link *link = LIST_ADD(arena, &network->links);
        link->a = a;
        link->b = b;
        link->latency_ms = known(0.5 + 20 * rand_unit(rand));
        link->bandwidth_mbps = known(1000);
        link->used_mbps = known((double)rand_below(rand, 900));
        link->price_mbps_month = known(1 + rand_unit(rand));
    }
}

/* Each group is a duct of up to GROUP_MOST links, some with a site. */
static void add_groups(struct network *network, size_t groups, struct rand *rand,
                       struct arena *arena)
{
    for (size_t i = 0; i < groups && network->links.count; i++) {
        const char *name = arena_printf(arena, "duct-%zu", i);
        for (uint64_t k = 2 + rand_below(rand, GROUP_MOST - 1); k; k--) {
            struct network_link *link =
                &network->links.items[rand_below(rand, network->links.count)];
            bool again = false;
            for (size_t n = 0; n < link->shared_risk.count; n++)
                again = again || link->shared_risk.items[n] == name;
            if (!again)
                *LIST_ADD(arena, &link->shared_risk) = name;
        }
        struct site *site = &network->sites.items[rand_below(rand, network->sites.count)];
        if (rand_below(rand, 4) == 0)
            *LIST_ADD(arena, &site->shared_risk) = name;
    }
}

/* A chain of components, each on two sites; the first is called from an access point. */
static void make_solution(const struct network *network, struct rand *rand, struct solution *out,
                          struct arena *arena)
{
    const char *sites[COMPONENTS][INSTANCES], *names[COMPONENTS];
    for (int64_t c = 0; c < COMPONENTS; c++) {
        names[c] = arena_printf(arena, "c%lld", (long long)c);
        for (int64_t i = 0; i < INSTANCES; i++) {
            sites[c][i] = network->sites.items[rand_below(rand, network->sites.count)].id;
            *LIST_ADD(arena, &out->placements) =
                (struct solution_placement){names[c], i, sites[c][i], NULL, NULL};
            struct solution_route *route = LIST_ADD(arena, &out->routes);
            route->from = c ? names[c - 1] : "user";
            route->from_node = c ? sites[c - 1][0] : network->access.items[0].id;
            route->to = names[c];
            route->to_node = sites[c][i];
            route->bound_ms = known(60);
            route->bandwidth_mbps = known(20);
        }
    }
}

struct timed {
    struct risks_answer answer;
    double seconds, processor; /* by the clock; of this process alone */
};

static enum err_code timed(const struct risks_input *input, struct timed *out, struct arena *arena,
                           struct err *err)
{
    int64_t begin = clock_mono_us();
    clock_t used = clock();
    enum err_code rc = risks_analyse(input, &out->answer, arena, err);
    out->seconds = (double)(clock_mono_us() - begin) / 1e6;
    out->processor = (double)(clock() - used) / CLOCKS_PER_SEC;
    return rc;
}

static void put(struct json_writer *w, const char *key, const struct timed *run)
{
    json_key(w, key);
    json_begin(w, '{');
    json_member_double(w, "seconds", run->seconds);
    json_member_double(w, "processor_seconds", run->processor);
    json_member_int(w, "single_failures", (int64_t)run->answer.singles);
    json_member_int(w, "single_failures_felt", (int64_t)run->answer.singles_felt);
    json_member_int(w, "groups", (int64_t)(run->answer.groups + run->answer.inferred));
    json_member_int(w, "pairs_worked_out", (int64_t)run->answer.pairs_tried);
    json_member_int(w, "pairs_left_out", (int64_t)run->answer.pairs_left);
    json_member_int(w, "findings", (int64_t)run->answer.findings.count);
    json_end(w, '}');
}

#define RUNS 4
static const char *const run_names[RUNS] = {"singles", "singles_and_pairs", "solution_singles",
                                            "solution"};

static void show(struct cli_call *call, const struct network *network, const struct timed *runs)
{
    const char *const titles[RUNS] = {
        _("all single failures, 1 first of pairs"), _("all single failures, 50 firsts of pairs"),
        _("with a solution, all single failures"), _("with a solution, singles and pairs")};
    cli_say(call, _("%zu sites, %zu access points, %zu links, %zu groups that fail together\n"),
            network->sites.count, network->access.count, network->links.count,
            runs[0].answer.groups + runs[0].answer.inferred);
    for (size_t i = 0; i < RUNS; i++)
        cli_say(call,
                _("%s: %s (processor %s), %zu failures, %llu pairs worked out, %zu findings\n"),
                titles[i], cli_seconds(call->arena, runs[i].seconds),
                cli_seconds(call->arena, runs[i].processor), runs[i].answer.singles,
                (unsigned long long)runs[i].answer.pairs_tried, runs[i].answer.findings.count);
}

enum err_code cli_run_bench_risks(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    int64_t sites = cli_integer(call, "sites", 10000), links = cli_integer(call, "links", 50000);
    int64_t groups = cli_integer(call, "groups", 0);
    uint64_t seed = (uint64_t)cli_integer(call, "seed", 1);
    struct timed runs[RUNS];
    struct network network = {.currency = NULL};
    struct solution solution = {.objective = NULL};
    struct rand rand;
    enum err_code rc;
    if (sites < CLI_BENCH_SITES_MIN || sites > CLI_BENCH_SITES_MAX || links < 0 ||
        links > LINKS_MAX || groups < 0 || groups > GROUPS_MAX)
        return err_set(err, ERR_USAGE, _("--sites is %d to %d, --links and --groups 0 to %d"),
                       CLI_BENCH_SITES_MIN, CLI_BENCH_SITES_MAX, LINKS_MAX);
    arena_init(&arena, (size_t)8 << 30);
    rand_init(&rand, seed);
    cli_bench_network((size_t)sites, seed, &network, &arena);
    add_links(&network, (size_t)links, &rand, &arena);
    add_groups(&network, (size_t)groups, &rand, &arena);
    make_solution(&network, &rand, &solution, &arena);
    const struct risks_input inputs[RUNS] = {
        {.network = &network, .firsts = 1},
        {.network = &network},
        {.network = &network, .solution = &solution, .pairs = 1},
        {.network = &network, .solution = &solution}};
    for (size_t i = 0; i < RUNS; i++)
        if ((rc = timed(&inputs[i], &runs[i], &arena, err)))
            return rc;
    if (call->format == CLI_TABLE) {
        show(call, &network, runs);
        return ERR_OK;
    }
    struct json_writer w = JSON_WRITER(&text);
    json_begin(&w, '{');
    json_member_int(&w, "sites", (int64_t)network.sites.count);
    json_member_int(&w, "links", (int64_t)network.links.count);
    for (size_t i = 0; i < RUNS; i++)
        put(&w, run_names[i], &runs[i]);
    json_end(&w, '}');
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}
