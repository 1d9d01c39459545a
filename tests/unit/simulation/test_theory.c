/* test_theory.c - where queueing theory gives the answer, analysis has it and the simulation comes
 * near.  Seeds are fixed, so nothing here depends on luck. */
#include <stdio.h>

#include "simulation_test.h"

/* Both modes against a closed form. */
static void check(const char *scenario, double wanted_ms, double share)
{
    struct test_case c;
    case_read(&c, case_one_site, scenario);
    assert_near(case_theory_ms(&c), wanted_ms, 1e-9);
    case_run(&c, 7);
    assert_near(case_outcome(&c, "f", "before")->with.mean_ms.value, wanted_ms, share);
    case_done(&c);
}

static void test_erlang_c_has_its_known_values(void **state)
{
    (void)state;
    assert_near(simulation_erlang_c(1, 0.7), 0.7, 1e-12);
    assert_near(simulation_erlang_c(2, 1), 1.0 / 3, 1e-12);
    assert_near(simulation_erlang_c(3, 2), 4.0 / 9, 1e-12);
}

static void test_one_server_is_m_m_1(void **state)
{
    (void)state; /* 1 / (μ − λ) = 1 / (100 − 70) */
    check("duration_s: 4000\n"
          "warmup_s: 100\n"
          "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 70}]\n",
          1000.0 / 30, 0.03);
}

static void test_three_slots_are_m_m_3(void **state)
{
    (void)state; /* 1/μ + C(3, 2) / (3μ − λ), C = 4/9 */
    check("duration_s: 2000\n"
          "warmup_s: 100\n"
          "services: [{name: a, sites: [s1], slots: 3, service_ms: 10}]\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 200}]\n",
          10 + 4.0 / 9 * 10, 0.03);
}

static void test_constant_work_waits_half_as_long(void **state)
{
    (void)state; /* M/D/1: 10 + ρ / (2 μ (1 − ρ)) */
    check("duration_s: 4000\n"
          "warmup_s: 100\n"
          "services: [{name: a, sites: [s1], slots: 1, service_ms: 10, service_cv: 0}]\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 70}]\n",
          10 + 0.7 * 10 / (2 * 0.3), 0.03);
}

static void test_uneven_work_waits_longer(void **state)
{
    (void)state; /* M/G/1 with cv 2: 10 + ρ/(1 − ρ) · 10 · (1 + 4)/2 */
    check("duration_s: 8000\n"
          "warmup_s: 100\n"
          "services: [{name: a, sites: [s1], slots: 1, service_ms: 10, service_cv: 2}]\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 50}]\n",
          10 + 10 * 2.5, 0.05);
}

static void test_a_link_is_a_queue(void **state)
{
    (void)state; /* 1 MB/s, 10 kB: 10 ms, M/M/1 at 60 %; the work is nearly nothing */
    check("duration_s: 4000\n"
          "warmup_s: 100\n"
          "services: [{name: a, sites: [s1], slots: 1000, service_ms: 0.001}]\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 60, request_kb: 10}]\n",
          25.001, 0.03);
}

static void test_a_jackson_network_with_feedback_has_product_form(void **state)
{
    (void)state;
    /* a asks itself again with 0.4 and b with 0.5: x_a = 30/0.6 = 50, x_b = 25;
     * (50/(100−50) + 25/(50−25)) / 30 = 2/30 s */
    check("duration_s: 8000\n"
          "warmup_s: 100\n"
          "services:\n"
          "  - name: a\n"
          "    sites: [s1]\n"
          "    service_ms: 10\n"
          "    slots: 1\n"
          "    calls: [{to: a, probability: 0.4}, {to: b, probability: 0.5}]\n"
          "  - {name: b, sites: [s1], slots: 1, service_ms: 20}\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 30}]\n",
          2000.0 / 30, 0.03);
}

static void test_analysis_follows_what_slows_and_grows(void **state)
{
    (void)state;
    struct test_case c;
    struct simulation_analysis analysis;
    case_read(&c, case_one_site,
              "duration_s: 9000\n"
              "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 20}]\n"
              "faults:\n"
              "  - {kind: slow, site: s1, factor: 2, at_s: 1000, until_s: 8000}\n"
              "  - {kind: grow, flow: f, factor: 1.5, at_s: 1000, until_s: 8000}\n");
    assert_int_equal(simulation_analyse(&c.network, &c.scenario, &analysis, &c.arena, &c.err), 0);
    assert_int_equal(analysis.flows.count, 3);
    assert_near(analysis.flows.items[0].mean_ms.value, 1000.0 / 80, 1e-9);
    assert_near(analysis.flows.items[1].mean_ms.value, 1000.0 / 20, 1e-9);
    assert_near(analysis.flows.items[2].mean_ms.value, 1000.0 / 80, 1e-9);
    case_run(&c, 3);
    assert_near(case_outcome(&c, "f", "during")->with.mean_ms.value, 50, 0.05);
    assert_near(case_outcome(&c, "f", "during")->base.mean_ms.value, 12.5, 0.03);
    assert_near(case_outcome(&c, "f", "during")->with.throughput_per_s, 30, 0.02);
    assert_near(case_outcome(&c, "f", "after")->with.mean_ms.value, 12.5, 0.05);
    case_done(&c);
}

static void test_a_queue_that_grows_without_end_is_saturated(void **state)
{
    (void)state;
    struct test_case c;
    struct simulation_analysis analysis;
    case_read(&c, case_one_site,
              "duration_s: 10\n"
              "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 100}]\n");
    assert_int_equal(simulation_analyse(&c.network, &c.scenario, &analysis, &c.arena, &c.err), 0);
    assert_true(analysis.flows.items[0].saturated);
    assert_false(analysis.flows.items[0].mean_ms.set);
    case_done(&c);
}

/* s1 with 0.9 and s2 with 0.8; the way to s2 may lead around s1. */
static void check_availability(const char *sites, double wanted)
{
    struct test_case c;
    struct simulation_availabilities answer;
    char text[400];
    snprintf(text, sizeof text,
             "duration_s: 1\n"
             "services: [{name: a, sites: [%s], service_ms: 1, calls: [{to: b}]}, "
             "{name: b, sites: [s1, s2], service_ms: 1}]\n"
             "flows: [{name: f, from: user, to: a, rate_per_s: 1}]\n",
             sites);
    case_read(&c, case_ring, text);
    c.network.sites.items[0].availability_percent = (struct opt_double){true, 90};
    c.network.sites.items[1].availability_percent = (struct opt_double){true, 80};
    assert_int_equal(
        simulation_availability(&c.network, &c.scenario, 1, 20000, &answer, &c.arena, &c.err),
        ERR_OK);
    const struct simulation_availability *one = &answer.flows.items[0];
    assert_near(one->exact.value, wanted, 1e-12);
    assert_near(one->share, wanted, 0.02);
    assert_true(one->low <= wanted && wanted <= one->high);
    assert_true(one->high - one->low < 0.02);
    case_done(&c);
}

static void test_availability_by_samples_holds_the_closed_form(void **state)
{
    (void)state;
    check_availability("s1", 0.9);
    check_availability("s2", 0.8);
    check_availability("s1, s2", 1 - 0.1 * 0.2);
}

static void test_95_of_100_intervals_hold_the_closed_form(void **state)
{
    (void)state;
    struct test_case c;
    int held = 0;
    case_read(&c, case_one_site,
              "duration_s: 1\n"
              "services: [{name: a, sites: [s1], service_ms: 1}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 1}]\n");
    c.network.sites.items[0].availability_percent = (struct opt_double){true, 90};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct simulation_availabilities answer;
        assert_int_equal(
            simulation_availability(&c.network, &c.scenario, seed, 500, &answer, &c.arena, &c.err),
            ERR_OK);
        held += answer.flows.items[0].low <= 0.9 && answer.flows.items[0].high >= 0.9;
    }
    assert_in_range(held, 180, 199);
    case_done(&c);
}

int case_theory_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang_c_has_its_known_values),
        cmocka_unit_test(test_one_server_is_m_m_1),
        cmocka_unit_test(test_three_slots_are_m_m_3),
        cmocka_unit_test(test_constant_work_waits_half_as_long),
        cmocka_unit_test(test_uneven_work_waits_longer),
        cmocka_unit_test(test_a_link_is_a_queue),
        cmocka_unit_test(test_a_jackson_network_with_feedback_has_product_form),
        cmocka_unit_test(test_analysis_follows_what_slows_and_grows),
        cmocka_unit_test(test_availability_by_samples_holds_the_closed_form),
        cmocka_unit_test(test_95_of_100_intervals_hold_the_closed_form),
        cmocka_unit_test(test_a_queue_that_grows_without_end_is_saturated),
    };
    return cmocka_run_group_tests_name("theory", tests, NULL, NULL);
}
