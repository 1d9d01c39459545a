/* fuzz_simulation.c - any bytes as a faults file over a small ring: no crash; what is refused names
 * why; what is accepted and small is played, and then every request is answered or lost once,
 * shares are shares and figures are finite, event by event, by theory and over random states. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/simulation/simulation.h"

#define REQUESTS_MOST 300.0
#define INSTANCES_MOST 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ring[] =
    "currency: CNY\n"
    "access: [{id: user}]\n"
    "sites:\n"
    "  - {id: s1, tier: edge, availability_percent: 90, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "  - {id: s2, tier: edge, capacity: {vcpus: 8, memory_gib: 8, disk_gib: 8}}\n"
    "links:\n"
    "  - {a: user, b: s1, latency_ms: 1, bandwidth_mbps: 8, loss_percent: 1}\n"
    "  - {a: s1, b: s2, latency_ms: 1}\n"
    "  - {a: user, b: s2, latency_ms: 9, bandwidth_mbps: 8, used_mbps: 4}\n";

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool is_small(const struct simulation_scenario *scenario)
{
    double requests = 0, grows = 1;
    size_t instances = 0;
    for (size_t i = 0; i < scenario->faults.count; i++)
        grows *= fmax(1, scenario->faults.items[i].factor.value);
    for (size_t i = 0; i < scenario->flows.count; i++)
        requests += (scenario->flows.items[i].rate_per_s * scenario->duration_s * grows +
                     (double)scenario->flows.items[i].tasks.count) *
                    (double)(1 + scenario->flows.items[i].retries);
    for (size_t i = 0; i < scenario->services.count; i++)
        instances += scenario->services.items[i].sites.count;
    return requests <= REQUESTS_MOST && instances <= INSTANCES_MOST;
}

static bool is_share(double value)
{
    return value >= 0 && value <= 1;
}

static void check_figures(const struct simulation_figures *one)
{
    expect(one->offered == one->answered + one->lost, "each request is answered or lost once");
    expect(is_share(one->loss) && is_share(one->availability), "shares are shares");
    expect(isfinite(one->mean_ms.value) && isfinite(one->p99_ms.value) && one->retries >= 0 &&
               isfinite(one->throughput_per_s),
           "figures are finite");
    expect(one->mean_ms.set == (one->answered > 0), "there is a mean of what was answered");
}

static void check_result(const struct simulation_result *result)
{
    for (size_t i = 0; i < result->outcomes.count; i++) {
        check_figures(&result->outcomes.items[i].with);
        check_figures(&result->outcomes.items[i].base);
        expect(result->outcomes.items[i].state != NULL, "there is a state");
    }
    for (size_t i = 0; i < result->timeline.count; i++)
        check_figures(&result->timeline.items[i].with);
    for (size_t i = 0; i < result->stations.count; i++)
        expect(result->stations.items[i].utilisation <= 1 + 1e-9, "no slot is busier than busy");
    for (size_t i = 0; i < result->tasks.count; i++)
        expect(result->tasks.items[i].response_ms.value >= 0, "no answer comes before its request");
}

static void play(const struct network *network, const struct simulation_scenario *scenario,
                 struct arena *arena)
{
    struct simulation_result result;
    struct simulation_analysis analysis;
    struct simulation_availabilities availabilities;
    struct err err = ERR_INIT;
    enum err_code rc = simulation_run(network, scenario, 1, &result, arena, &err);
    expect(rc == ERR_OK || err.text[0], "what is refused says why");
    if (rc != ERR_OK)
        return;
    check_result(&result);
    expect(!simulation_analyse(network, scenario, &analysis, arena, &err), "theory takes it too");
    for (size_t i = 0; i < analysis.flows.count; i++)
        expect(isfinite(analysis.flows.items[i].mean_ms.value), "its means are finite");
    expect(!simulation_availability(network, scenario, 1, 20, &availabilities, arena, &err),
           "and so do states");
    for (size_t i = 0; i < availabilities.flows.count; i++)
        expect(is_share(availabilities.flows.items[i].low) &&
                   is_share(availabilities.flows.items[i].high),
               "its interval is one of shares");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct network network;
    struct simulation_scenario scenario;
    struct err err = ERR_INIT;
    arena_init(&arena, (size_t)64 << 20);
    expect(!network_read_text(ring, strlen(ring), &network, &arena, &err), "the ring is a network");
    enum err_code rc = json_decode_yaml(size ? (const char *)data : "", size,
                                        &simulation_scenario_table, NULL, &scenario, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK && is_small(&scenario))
        play(&network, &scenario, &arena);
    arena_done(&arena);
    return 0;
}
