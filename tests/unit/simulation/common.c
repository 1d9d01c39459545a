/* common.c - reading and running the cases of the simulation tests. */
#include <math.h>
#include <string.h>

#include "simulation_test.h"

const char case_one_site[] =
    "currency: CNY\n"
    "access: [{id: user}]\n"
    "sites: [{id: s1, tier: edge, capacity: {vcpus: 8, memory_gib: 8, disk_gib: 8}}]\n"
    "links: [{a: user, b: s1, latency_ms: 0, bandwidth_mbps: 8}]\n";
const char case_ring[] =
    "currency: CNY\n"
    "access: [{id: user}]\n"
    "sites:\n"
    "  - {id: s1, tier: edge, capacity: {vcpus: 8, memory_gib: 8, disk_gib: 8}}\n"
    "  - {id: s2, tier: edge, capacity: {vcpus: 8, memory_gib: 8, disk_gib: 8}}\n"
    "links:\n"
    "  - {a: user, b: s1, latency_ms: 1, bandwidth_mbps: 8}\n"
    "  - {a: s1, b: s2, latency_ms: 1, bandwidth_mbps: 8}\n"
    "  - {a: user, b: s2, latency_ms: 10, bandwidth_mbps: 8}\n";

void case_read(struct test_case *c, const char *network, const char *scenario)
{
    *c = (struct test_case){.err = ERR_INIT};
    arena_init(&c->arena, 0);
    if (network_read_text(network, strlen(network), &c->network, &c->arena, &c->err) ||
        json_decode_yaml(scenario, strlen(scenario), &simulation_scenario_table, NULL, &c->scenario,
                         &c->arena, &c->err))
        fail_msg("%s: %s", c->err.field, c->err.text);
}

void case_run(struct test_case *c, uint64_t seed)
{
    if (simulation_run(&c->network, &c->scenario, seed, &c->result, &c->arena, &c->err))
        fail_msg("%s: %s", c->err.field, c->err.text);
}

void case_done(struct test_case *c)
{
    arena_done(&c->arena);
}

const struct simulation_outcome *case_outcome(const struct test_case *c, const char *flow,
                                              const char *phase)
{
    for (size_t i = 0; i < c->result.outcomes.count; i++)
        if (str_eq(c->result.outcomes.items[i].flow, flow) &&
            str_eq(c->result.outcomes.items[i].phase, phase))
            return &c->result.outcomes.items[i];
    fail_msg("no outcome of %s %s", flow, phase);
    return NULL;
}

double case_theory_ms(struct test_case *c)
{
    struct simulation_analysis analysis;
    if (simulation_analyse(&c->network, &c->scenario, &analysis, &c->arena, &c->err))
        fail_msg("%s: %s", c->err.field, c->err.text);
    assert_true(analysis.flows.items[0].mean_ms.set);
    return analysis.flows.items[0].mean_ms.value;
}

void assert_near(double got, double wanted, double share)
{
    if (fabs(got - wanted) > share * fabs(wanted))
        fail_msg("%g is not %g", got, wanted);
}
