/* test_faults.c - the made-up fault cases: queues as theory has them, same seed, same case, roots
 * that are there. */
#include <math.h>
#include <string.h>

#include "cli/bench_faults.h"
#include "cli_test.h"

static void test_one_server_waits_as_theory_says(void **state)
{
    (void)state;
    for (int load = 1; load < 10; load += 2) { /* M/M/1: T = s / (1 - rho) */
        struct cli_flow_service service = {
            .work_s = 0.01, .servers = 1, .threads = 1e6, .outside = 10.0 * load, .admitted = 1};
        struct cli_flow_host host = {.cores = 100};
        struct cli_flow flow = {&service, 1, &host, 1};
        cli_flow_settle(&flow, 200);
        assert_true(fabs(service.latency_s - 0.01 / (1 - load / 10.0)) < 1e-4);
        assert_true(service.errors < 1e-9);
    }
}

static void test_a_full_server_turns_away_what_it_cannot_serve(void **state)
{
    (void)state;
    struct cli_flow_service service = {
        .work_s = 0.01, .servers = 2, .threads = 1e6, .outside = 400, .admitted = 1};
    struct cli_flow_host host = {.cores = 100};
    struct cli_flow flow = {&service, 1, &host, 1};
    cli_flow_settle(&flow, 200);
    assert_true(fabs(service.errors - (1 - 0.97 / 2)) < 1e-3);
}

static void test_a_slow_callee_makes_its_caller_slower_than_itself(void **state)
{
    (void)state;
    struct cli_flow_service services[2] = {
        {.work_s = 0.001,
         .servers = 8,
         .threads = 12,
         .outside = 50,
         .admitted = 1,
         .call_count = 1},
        {.work_s = 0.001, .servers = 8, .threads = 1e6, .admitted = 1}};
    services[0].calls[0] =
        (struct cli_flow_call){.to = 1, .per_request = 2, .timeout_s = 5, .retries = 1};
    struct cli_flow_host host = {.cores = 100};
    struct cli_flow flow = {services, 2, &host, 1};
    cli_flow_settle(&flow, 200);
    double caller = services[0].latency_s, callee = services[1].latency_s;
    services[1].delay_s = 0.1;
    cli_flow_settle(&flow, 200);
    assert_true(services[0].latency_s - caller > 2 * (services[1].latency_s - callee));
}

static void test_the_same_seed_gives_the_same_case_and_its_roots_are_in_it(void **state)
{
    (void)state;
    for (int kind = 1; kind < FAULT_KINDS; kind++) {
        struct arena arena = ARENA_INIT;
        struct cli_fault_case a, b;
        struct err err = ERR_INIT;
        enum err_code rc =
            cli_fault_case_new(20, (enum cli_fault_kind)kind, FAULTS_GIVEN, 7, &a, &arena, &err);
        assert_int_equal(
            cli_fault_case_new(20, (enum cli_fault_kind)kind, FAULTS_GIVEN, 7, &b, &arena, &err),
            rc);
        if (rc == ERR_OK) {
            const struct telemetry_table *t = &a.given.metrics;
            assert_memory_equal(t->values, b.given.metrics.values,
                                t->count * t->rows * sizeof(double));
            size_t wanted = kind == FAULT_TWO ? 2 : kind >= FAULT_QUIET ? 0 : 1, found = 0;
            assert_int_equal(a.root_count, wanted);
            for (size_t r = 0; r < a.root_count; r++)
                for (size_t i = 0; i < a.truth.entities.count; i++)
                    found += strcmp(a.truth.entities.items[i].id, a.roots[r]) == 0;
            assert_int_equal(found, wanted);
        }
        arena_done(&arena);
    }
}

int fault_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_server_waits_as_theory_says),
        cmocka_unit_test(test_a_full_server_turns_away_what_it_cannot_serve),
        cmocka_unit_test(test_a_slow_callee_makes_its_caller_slower_than_itself),
        cmocka_unit_test(test_the_same_seed_gives_the_same_case_and_its_roots_are_in_it),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
