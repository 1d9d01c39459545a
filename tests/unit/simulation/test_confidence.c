/* test_confidence.c - ten runs a case, and the interval that their means give: it must hold what
 * theory says, and be narrow enough to say something.  Seeds are fixed. */
#include <math.h>
#include <stdio.h>

#include "simulation_test.h"

#define RUNS 10
#define STUDENT 4.781 /* 99.9 %, two-sided, 9 degrees of freedom */

/* Analysis equals `wanted_ms`; the interval of ten runs holds it and is within `narrow` of it. */
static void check(const char *scenario, double wanted_ms, double narrow)
{
    double sum = 0, square = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct test_case c;
        case_read(&c, case_one_site, scenario);
        if (seed == 1)
            assert_near(case_theory_ms(&c), wanted_ms, 1e-9);
        case_run(&c, seed);
        double mean = case_outcome(&c, "f", "before")->with.mean_ms.value;
        sum += mean;
        square += mean * mean;
        case_done(&c);
    }
    double mean = sum / RUNS;
    double half = STUDENT * sqrt((square / RUNS - mean * mean) / (RUNS - 1));
    if (fabs(mean - wanted_ms) > half)
        fail_msg("%g ± %g does not hold %g", mean, half, wanted_ms);
    if (half > narrow * wanted_ms)
        fail_msg("%g ± %g says too little", mean, half);
}

#define ONE(rate, more)                                            \
    "duration_s: 150\n"                                            \
    "warmup_s: 10\n"                                               \
    "services: [{name: a, sites: [s1], service_ms: 10" more "}]\n" \
    "flows: [{name: f, from: user, to: a, rate_per_s: " rate "}]\n"

static void test_m_m_1_at_three_loads(void **state)
{
    (void)state; /* 1 / (μ − λ) */
    check(ONE("30", ", slots: 1"), 1000.0 / 70, 0.08);
    check(ONE("60", ", slots: 1"), 1000.0 / 40, 0.1);
    check(ONE("80", ", slots: 1"), 1000.0 / 20, 0.2);
}

static void test_m_m_c_waits_as_erlang_says(void **state)
{
    (void)state;
    /* 1/μ + C / (cμ − λ); C(2, 1.2) = 0.45, C(4, 3) = 27/53, by hand from Erlang B */
    check(ONE("120", ", slots: 2"), 10 + 0.45 * 1000 / 80, 0.08);
    check(ONE("300", ", slots: 4"), 10 + 27.0 / 53 * 1000 / 100, 0.08);
}

static void test_m_g_1_waits_as_pollaczek_and_khinchine_say(void **state)
{
    (void)state; /* λ E[S²] / (2 (1 − ρ)); E[S²] = (1 + cv²) 100 ms² */
    check(ONE("60", ", slots: 1, service_cv: 0"), 10 + 0.6 * 10 / (2 * 0.4), 0.08);
    check(ONE("60", ", slots: 1, service_cv: 0.5"), 10 + 0.6 * 10 * 1.25 / (2 * 0.4), 0.08);
    check(ONE("50", ", slots: 1, service_cv: 2"), 10 + 0.5 * 10 * 5 / (2 * 0.5), 0.2);
}

static void test_three_queues_one_after_the_other_are_three_m_m_1(void **state)
{
    (void)state; /* Burke 1956: what leaves is a Poisson stream again */
    check("duration_s: 150\n"
          "warmup_s: 10\n"
          "services:\n"
          "  - {name: a, sites: [s1], slots: 1, service_ms: 10, calls: [{to: b}]}\n"
          "  - {name: b, sites: [s1], slots: 1, service_ms: 12, calls: [{to: c}]}\n"
          "  - {name: c, sites: [s1], slots: 1, service_ms: 5}\n"
          "flows: [{name: f, from: user, to: a, rate_per_s: 50}]\n",
          1000 / (100.0 - 50) + 1000 / (1000 / 12.0 - 50) + 1000 / (200.0 - 50), 0.09);
}

static void test_a_branching_network_is_jacksons(void **state)
{
    (void)state;
    /* a: two slots, 60/s; b gets 0.3 of them and a second visit with 0.2: 18/0.8 = 22.5 */
    check(
        "duration_s: 150\n"
        "warmup_s: 10\n"
        "services:\n"
        "  - name: a\n"
        "    sites: [s1]\n"
        "    slots: 2\n"
        "    service_ms: 20\n"
        "    calls: [{to: b, probability: 0.3}, {to: c, probability: 0.7}]\n"
        "  - {name: b, sites: [s1], slots: 1, service_ms: 25, calls: [{to: b, probability: 0.2}]}\n"
        "  - {name: c, sites: [s1], slots: 1, service_ms: 10}\n"
        "flows: [{name: f, from: user, to: a, rate_per_s: 60}]\n",
        20 + 0.45 * 1000 / 40 + 0.375 * 1000 / (40 - 22.5) + 0.7 * 1000 / (100.0 - 42), 0.09);
}

static void test_two_flows_wait_for_each_other(void **state)
{
    (void)state; /* the second one makes the load 0.7; the first sees it */
    check("duration_s: 150\n"
          "warmup_s: 10\n"
          "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
          "flows:\n"
          "  - {name: f, from: user, to: a, rate_per_s: 20}\n"
          "  - {name: g, from: user, to: a, rate_per_s: 50}\n",
          1000.0 / 30, 0.16);
}

static void test_intervals_of_repeated_runs_hold_the_closed_form(void **state)
{
    (void)state; /* of 95 % intervals for M/M/1 most hold 1000 / 40 ms, and not all */
    int held = 0;
    struct test_case c;
    struct simulation_repetition answer;
    case_read(&c, case_one_site,
              "duration_s: 40\n"
              "warmup_s: 5\n"
              "services: [{name: a, sites: [s1], slots: 1, service_ms: 10}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 60}]\n"
              "faults: [{kind: fail, site: s1, at_s: 30}]\n");
    for (uint64_t seed = 1; seed <= 20 * 8; seed += 8) {
        assert_int_equal(
            simulation_repeat(&c.network, &c.scenario, seed, 8, &answer, &c.arena, &c.err), 0);
        assert_int_equal(answer.outcomes.count, 2);
        const struct simulation_repeated *one = &answer.outcomes.items[0];
        held += fabs(one->mean_ms.value - 25) <= one->mean_half_ms.value;
        assert_true(one->mean_half_ms.value < 10);
        assert_true(answer.outcomes.items[1].loss.value > 0.99);
        assert_false(answer.outcomes.items[1].p99_ms.set); /* nothing was answered */
    }
    assert_in_range(held, 15, 20);
    assert_int_equal(simulation_repeat(&c.network, &c.scenario, 1, 1, &answer, &c.arena, &c.err),
                     ERR_INVALID);
    case_done(&c);
}

/* ---- availability ---- */

static const char five_sites[] =
    "currency: CNY\n"
    "access: [{id: user}]\n"
    "sites:\n"
    "  - {id: s1, tier: edge, availability_percent: 90, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "  - {id: s2, tier: edge, availability_percent: 80, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "  - {id: s3, tier: edge, availability_percent: 95, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "  - {id: s4, tier: edge, availability_percent: 70, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "  - {id: s5, tier: edge, availability_percent: 85, capacity: {vcpus: 8, memory_gib: 8, "
    "disk_gib: 8}}\n"
    "links:\n"
    "  - {a: user, b: s1, latency_ms: 1}\n"
    "  - {a: user, b: s2, latency_ms: 1}\n"
    "  - {a: user, b: s3, latency_ms: 1}\n"
    "  - {a: user, b: s4, latency_ms: 1}\n"
    "  - {a: user, b: s5, latency_ms: 1}\n";

static void check_share(const char *services, double wanted)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct test_case c;
        struct simulation_availabilities answer;
        char text[4000];
        snprintf(text, sizeof text,
                 "duration_s: 1\nservices: [%s]\n"
                 "flows: [{name: f, from: user, to: a, rate_per_s: 1}]\n",
                 services);
        case_read(&c, five_sites, text);
        assert_int_equal(
            simulation_availability(&c.network, &c.scenario, seed, 4000, &answer, &c.arena, &c.err),
            ERR_OK);
        const struct simulation_availability *one = &answer.flows.items[0];
        double share = one->share, half = 3.29 * sqrt(wanted * (1 - wanted) / 4000); /* 99.9 % */
        assert_near(one->exact.value, wanted, 1e-12);
        if (fabs(share - wanted) > half)
            fail_msg("%g is not %g ± %g", share, wanted, half);
        case_done(&c);
    }
}

static void test_what_needs_all_is_the_product(void **state)
{
    (void)state;
    check_share("{name: a, sites: [s1], service_ms: 1}", 0.9);
    check_share("{name: a, sites: [s1], service_ms: 1, calls: [{to: b}]}, "
                "{name: b, sites: [s2], service_ms: 1, calls: [{to: c}]}, "
                "{name: c, sites: [s3], service_ms: 1}",
                0.9 * 0.8 * 0.95);
}

static void test_what_needs_any_is_one_less_the_product(void **state)
{
    (void)state;
    check_share("{name: a, sites: [s1, s2, s4], service_ms: 1}", 1 - 0.1 * 0.2 * 0.3);
    check_share("{name: a, sites: [s2, s4], mode: active-standby, service_ms: 1}", 1 - 0.2 * 0.3);
}

static void test_two_of_three_and_three_of_five(void **state)
{
    (void)state;
    /* k of n are up when every n − k + 1 of them have one that is: as many services, called */
    double p = 0.9, q = 0.8, r = 0.95;
    check_share("{name: a, sites: [s1, s2], service_ms: 1, calls: [{to: b}]}, "
                "{name: b, sites: [s2, s3], service_ms: 1, calls: [{to: c}]}, "
                "{name: c, sites: [s1, s3], service_ms: 1}",
                p * q + p * r + q * r - 2 * p * q * r);
    const double up[] = {0.9, 0.8, 0.95, 0.7, 0.85};
    char text[3000];
    double wanted = 0;
    int length = 0, number = 0;
    for (int set = 0; set < 32; set++) {
        double chance = 1;
        int count = 0;
        for (int i = 0; i < 5; i++) {
            bool in = set >> i & 1;
            count += in;
            chance *= in ? up[i] : 1 - up[i];
        }
        wanted += count >= 3 ? chance : 0;
        if (count != 3)
            continue;
        const char *comma = "";
        length += snprintf(text + length, sizeof text - (size_t)length, "%s{name: %c, sites: [",
                           number ? ", " : "", 'a' + number);
        for (int i = 0; i < 5; i++)
            if (set >> i & 1) {
                length +=
                    snprintf(text + length, sizeof text - (size_t)length, "%ss%d", comma, i + 1);
                comma = ", ";
            }
        length += snprintf(text + length, sizeof text - (size_t)length, "], service_ms: 1");
        if (++number < 10)
            length += snprintf(text + length, sizeof text - (size_t)length, ", calls: [{to: %c}]",
                               'a' + number);
        length += snprintf(text + length, sizeof text - (size_t)length, "}");
    }
    check_share(text, wanted);
}

int case_confidence_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_m_m_1_at_three_loads),
        cmocka_unit_test(test_m_m_c_waits_as_erlang_says),
        cmocka_unit_test(test_m_g_1_waits_as_pollaczek_and_khinchine_say),
        cmocka_unit_test(test_three_queues_one_after_the_other_are_three_m_m_1),
        cmocka_unit_test(test_a_branching_network_is_jacksons),
        cmocka_unit_test(test_two_flows_wait_for_each_other),
        cmocka_unit_test(test_intervals_of_repeated_runs_hold_the_closed_form),
        cmocka_unit_test(test_what_needs_all_is_the_product),
        cmocka_unit_test(test_what_needs_any_is_one_less_the_product),
        cmocka_unit_test(test_two_of_three_and_three_of_five),
    };
    return cmocka_run_group_tests_name("confidence", tests, NULL, NULL);
}
