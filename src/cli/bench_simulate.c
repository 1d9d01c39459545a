/* bench_simulate.c - swan bench simulate: how long a simulation takes on a made-up fleet; with
 * --dump the very same tasks for another simulator (bench/simulate_simgrid.cpp). */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "cli/cli_priv.h"
#include "twin/simulation/simulation.h"

#define MEMORY_MOST ((size_t)2 << 30)
#define DUMP_MOST ((size_t)1 << 30)
#define HOSTS_MOST 1000000
#define TASKS_MOST 2000000

/* Hosts on switches of about √hosts each, switches on a core, tasks from a gateway at the core. */
static void make_fleet(size_t hosts, uint64_t seed, struct network *out, struct arena *arena)
{
    size_t switches = (size_t)ceil(sqrt((double)hosts));
    struct rand rand;
    rand_init(&rand, seed);
    *out = (struct network){.currency = "CNY"};
    *LIST_ADD(arena, &out->access) = (struct network_access){.id = "gateway"};
    for (size_t i = 0; i < switches; i++) {
        const char *id = arena_printf(arena, "switch-%zu", i);
        *LIST_ADD(arena, &out->access) = (struct network_access){.id = id};
        *LIST_ADD(arena, &out->links) =
            (struct network_link){.a = "gateway",
                                  .b = id,
                                  .latency_ms = {true, 1 + rand_unit(&rand)},
                                  .bandwidth_mbps = {true, 10000}};
    }
    for (size_t i = 0; i < hosts; i++) {
        const char *id = arena_printf(arena, "host-%zu", i);
        *LIST_ADD(arena, &out->sites) = (struct site){.id = id};
        *LIST_ADD(arena, &out->links) =
            (struct network_link){.a = out->access.items[1 + i % switches].id,
                                  .b = id,
                                  .latency_ms = {true, 0.1},
                                  .bandwidth_mbps = {true, 1000}};
    }
}

/* One task a second is the work of one host. */
static void make_scenario(const struct network *network, size_t tasks,
                          struct simulation_scenario *out, struct arena *arena)
{
    double hosts = (double)network->sites.count;
    struct simulation_service *service;
    *out = (struct simulation_scenario){
        .duration_s = (double)tasks / (hosts * 0.7), .failover_s = 0.1, .reroute_s = 0.1};
    service = LIST_ADD(arena, &out->services);
    *service =
        (struct simulation_service){.name = "task", .slots = {true, 1}, .service_ms = {true, 1000}};
    for (size_t i = 0; i < network->sites.count; i++)
        *LIST_ADD(arena, &service->sites) = network->sites.items[i].id;
    *LIST_ADD(arena, &out->flows) = (struct simulation_flow){.name = "tasks",
                                                             .from = "gateway",
                                                             .to = "task",
                                                             .rate_per_s = hosts * 0.7,
                                                             .request_kb = 100,
                                                             .reply_kb = 100,
                                                             .retries = 3,
                                                             .backoff_ms = 100};
}

/* A switch fails for a quarter of the time. */
static void add_fault(const struct network *network, struct simulation_scenario *out,
                      struct arena *arena)
{
    *LIST_ADD(arena, &out->faults) =
        (struct simulation_fault){.kind = SIMULATION_FAIL,
                                  .at_s = out->duration_s / 2,
                                  .until_s = {true, out->duration_s * 3 / 4},
                                  .site = network->access.items[1].id};
}

/* The stream, drawn beforehand: so that another program can play the very same. */
static void list_tasks(const struct network *network, uint64_t seed,
                       struct simulation_scenario *scenario, struct arena *arena)
{
    struct simulation_flow *flow = &scenario->flows.items[0];
    struct rand rand;
    double at = 0;
    rand_init(&rand, ~seed);
    while ((at += rand_exponential(&rand, 1 / flow->rate_per_s)) < scenario->duration_s) {
        size_t host = rand_below(&rand, network->sites.count);
        *LIST_ADD(arena, &flow->tasks) =
            (struct simulation_task){.at_s = at,
                                     .site = network->sites.items[host].id,
                                     .work_ms = {true, rand_exponential(&rand, 1000)},
                                     .request_kb = flow->request_kb,
                                     .reply_kb = flow->reply_kb};
    }
    flow->rate_per_s = 0;
}

/* Hosts, switches and tasks; latencies of the switches' lines; then a line a task, with Swan's
 * answer at its end.  A host hangs on the switch of its number's remainder. */
static enum err_code dump(const struct network *network, const struct simulation_scenario *scenario,
                          const struct simulation_result *result, const char *path, struct err *err)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    out.max = DUMP_MOST;
    const struct simulation_flow *flow = &scenario->flows.items[0];
    size_t switches = network->access.count - 1;
    buf_printf(&out, "%zu %zu %zu\n", network->sites.count, switches, flow->tasks.count);
    for (size_t i = 0; i < switches; i++)
        buf_printf(&out, "%.17g\n", network->links.items[i].latency_ms.value / 1000);
    for (size_t i = 0; i < flow->tasks.count; i++) {
        const struct simulation_task *task = &flow->tasks.items[i];
        buf_printf(&out, "%.17g %s %.17g %g %g %.17g\n", task->at_s, task->site + strlen("host-"),
                   task->work_ms.value / 1000, task->request_kb, task->reply_kb,
                   result->tasks.items[i].response_ms.value / 1000);
    }
    enum err_code rc = buf_check(&out, err);
    return rc ? rc : file_write_atomic(path, buf_str(&out), out.len, 0644, err);
}

static enum err_code run_bench(struct cli_call *call, struct err *err)
{
    int64_t hosts = cli_integer(call, "hosts", 20000), tasks = cli_integer(call, "tasks", 50000);
    int64_t seed = cli_integer(call, "seed", 1), offered = 0;
    struct network network;
    struct simulation_scenario scenario;
    struct simulation_result result;
    if (hosts < 1 || hosts > HOSTS_MOST || tasks < 1 || tasks > TASKS_MOST)
        return err_set(err, ERR_USAGE, _("--hosts is 1 to %d, --tasks 1 to %d"), HOSTS_MOST,
                       TASKS_MOST);
    call->arena->max = MEMORY_MOST;
    make_fleet((size_t)hosts, (uint64_t)seed, &network, call->arena);
    make_scenario(&network, (size_t)tasks, &scenario, call->arena);
    const char *path = cli_option(call, "dump");
    if (path)
        list_tasks(&network, (uint64_t)seed, &scenario, call->arena);
    else
        add_fault(&network, &scenario, call->arena);
    int64_t begin = clock_mono_us();
    enum err_code rc =
        simulation_run(&network, &scenario, (uint64_t)seed, &result, call->arena, err);
    double seconds = (double)(clock_mono_us() - begin) / 1e6;
    if (!rc && path)
        rc = dump(&network, &scenario, &result, path, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < result.outcomes.count; i++)
        offered += result.outcomes.items[i].with.offered;
    if (call->format == CLI_TABLE) {
        cli_say(call, _("hosts   %lld\n"), (long long)hosts);
        cli_say(call,
                path ? _("tasks   %lld, listed, twice the same\n")
                     : _("tasks   %lld, once with a failing switch and once without\n"),
                (long long)offered);
        cli_say(call, _("events  %lld\n"), (long long)result.events);
        cli_say(call, _("took    %s, both runs, names and ways included\n"),
                cli_seconds(call->arena, seconds));
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct json_writer w = JSON_WRITER(&out);
    json_begin(&w, '{');
    json_member_int(&w, "hosts", hosts);
    json_member_int(&w, "tasks", offered);
    json_member_int(&w, "events", result.events);
    json_member_double(&w, "seconds", seconds);
    if (result.outcomes.items[0].with.mean_ms.set)
        json_member_double(&w, "mean_ms", result.outcomes.items[0].with.mean_ms.value);
    json_end(&w, '}');
    cli_answer_json(call, buf_str(&out), out.len);
    return ERR_OK;
}

static const struct cli_option options[] = {
    {"hosts", 0, CLI_INTEGER, "N", NULL, N_("hosts of the fleet; 20000 if not said")},
    {"tasks", 0, CLI_INTEGER, "N", NULL, N_("tasks, about; 50000 if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of fleet and tasks; 1 if not said")},
    {"dump", 0, CLI_FILE, "FILE", NULL,
     N_("play a list of tasks without a failure, and write it there with each answer")},
    {.name = NULL}};

static const struct cli_command commands[] = {
    {"bench", "simulate", NULL, options, N_("how long a simulation of a large fleet takes"),
     run_bench, NULL, NULL, false},
};
const struct cli_command_table cli_bench_simulate_table = {commands, ARRAY_LEN(commands)};
