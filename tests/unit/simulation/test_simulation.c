/* test_simulation.c - faults, failover, retries; what holds in every run; what is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "simulation_test.h"

#define TWO_SITES                                                          \
    "services: [{name: a, sites: [s1, s2], slots: 4, service_ms: 10%s}]\n" \
    "flows: [{name: f, from: user, to: a, rate_per_s: 50%s}]\n"

static void read_ring(struct test_case *c, const char *head, const char *service, const char *flow,
                      const char *faults)
{
    char text[2000];
    int n = snprintf(text, sizeof text, "%s", head);
    n += snprintf(text + n, sizeof text - (size_t)n, TWO_SITES, service, flow);
    snprintf(text + n, sizeof text - (size_t)n, "faults: [%s]\n", faults);
    case_read(c, case_ring, text);
}

static void test_without_faults_nothing_differs_from_the_base(void **state)
{
    (void)state;
    struct test_case c;
    read_ring(&c, "duration_s: 60\n", "", "", "");
    case_run(&c, 1);
    assert_int_equal(c.result.outcomes.count, 1);
    const struct simulation_outcome *one = case_outcome(&c, "f", "before");
    assert_memory_equal(&one->with, &one->base, sizeof one->with);
    assert_true(one->mean_change_ms.value == 0 && one->loss_change == 0);
    assert_int_equal(one->with.lost, 0);
    assert_true(one->with.availability == 1);
    case_done(&c);
}

static void test_a_dead_site_loses_its_share_until_it_is_noticed(void **state)
{
    (void)state;
    struct test_case c;
    read_ring(&c, "duration_s: 300\nfailover_s: 10\n", "", "",
              "{kind: fail, site: s2, at_s: 100, until_s: 200}");
    case_run(&c, 1);
    const struct simulation_outcome *during = case_outcome(&c, "f", "during");
    assert_int_equal(case_outcome(&c, "f", "before")->with.lost, 0);
    assert_int_equal(case_outcome(&c, "f", "after")->with.lost, 0);
    assert_near((double)during->with.lost, 50 * 10 / 2.0, 0.2); /* half of the requests of 10 s */
    assert_true(during->with.availability == 1);                /* s1 could always be reached */
    assert_int_equal(during->base.lost, 0);
    assert_true(during->loss_change > 0);
    case_done(&c);
}

static void test_retries_hide_a_dead_site(void **state)
{
    (void)state;
    struct test_case c;
    read_ring(&c, "duration_s: 300\nfailover_s: 10\n", "", ", retries: 20, backoff_ms: 1",
              "{kind: fail, site: s2, at_s: 100, until_s: 200}");
    case_run(&c, 1);
    const struct simulation_outcome *during = case_outcome(&c, "f", "during");
    assert_int_equal(during->with.lost, 0);
    assert_true(during->with.retries > 250);
    assert_int_equal(during->base.retries, 0);
    case_done(&c);
}

static void test_the_only_site_dead_is_not_available_for_just_that_time(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, case_one_site,
              "duration_s: 400\n"
              "failover_s: 5\n"
              "services: [{name: a, sites: [s1], slots: 2, service_ms: 10}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 20}]\n"
              "faults: [{kind: fail, site: s1, at_s: 100, until_s: 200}]\n");
    case_run(&c, 1);
    const struct simulation_outcome *during = case_outcome(&c, "f", "during");
    assert_true(during->with.availability == 0 && during->with.loss > 0.99);
    /* back, but thought dead for 5 of 200 s */
    assert_near(case_outcome(&c, "f", "after")->with.availability, 195.0 / 200, 1e-9);
    assert_true(case_outcome(&c, "f", "before")->with.availability == 1);
    case_done(&c);
}

static void test_standby_takes_over_after_the_delay(void **state)
{
    (void)state;
    struct test_case c;
    read_ring(&c, "duration_s: 300\nfailover_s: 10\n", ", mode: active-standby", "",
              "{kind: fail, site: s2, at_s: 100, until_s: 200}");
    c.scenario.faults.items[0].site = "s1";
    case_run(&c, 1);
    const struct simulation_outcome *during = case_outcome(&c, "f", "during");
    assert_near((double)during->with.lost, 50 * 10, 0.2);
    assert_near(during->with.availability, 0.9, 1e-9);
    assert_int_equal(case_outcome(&c, "f", "after")->with.lost, 0);
    case_done(&c);
}

static void test_traffic_takes_the_longer_way_once_the_loss_of_a_link_is_noticed(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, case_ring,
              "duration_s: 300\n"
              "reroute_s: 10\n"
              "services: [{name: a, sites: [s1], slots: 50, service_ms: 1, service_cv: 0}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 50}]\n"
              "faults: [{kind: fail, a: s1, b: user, at_s: 100, until_s: 200}]\n");
    case_run(&c, 1);
    assert_near(case_outcome(&c, "f", "before")->with.p50_ms.value, 3, 1e-6);
    assert_near(case_outcome(&c, "f", "during")->with.p50_ms.value, 23, 1e-6);
    assert_near((double)case_outcome(&c, "f", "during")->with.lost, 500, 0.2);
    assert_near(case_outcome(&c, "f", "during")->with.availability, 0.9, 1e-9);
    assert_near(case_outcome(&c, "f", "after")->with.p50_ms.value, 3, 1e-6);
    case_done(&c);
}

static void test_work_goes_on_after_its_client_has_given_up(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, case_one_site,
              "duration_s: 100\n"
              "services: [{name: a, sites: [s1], slots: 1, service_ms: 100, service_cv: 0}]\n"
              "flows: [{name: f, from: user, to: a, rate_per_s: 5, timeout_ms: 50, retries: 2}]\n");
    case_run(&c, 1);
    const struct simulation_outcome *one = case_outcome(&c, "f", "before");
    assert_int_equal(one->with.answered, 0); /* none is done in time, and all are worked on */
    assert_int_equal(one->with.retries, 2 * one->with.offered);
    assert_int_equal(c.result.stations.items[0].visits, 3 * one->with.offered);
    case_done(&c);
}

static void test_a_fault_that_lasts_beyond_the_end_does_not_prolong_the_run(void **state)
{
    (void)state;
    struct test_case c;
    read_ring(&c, "duration_s: 100\n", "", "",
              "{kind: slow, site: s2, factor: 2, at_s: 50, until_s: 90000}");
    case_run(&c, 1);
    assert_true(c.result.ended_s < 101);
    assert_int_equal(c.result.outcomes.count, 2); /* there is no after */
    case_done(&c);
}

/* ---- what holds in every run ---- */

static const char *pick(struct rand *rand, const char *const *words, size_t count)
{
    return words[rand_below(rand, count)];
}

static void random_scenario(struct buf *out, uint64_t seed)
{
    static const char *const sites[] = {"s1", "s2"}, *const places[] = {"user", "s1", "s2"};
    static const char *const patience[] = {"", ", timeout_ms: 40", ", timeout_ms: 400"};
    struct rand rand;
    rand_init(&rand, seed);
    buf_printf(out, "duration_s: 60\nwarmup_s: 5\nfailover_s: %d\nreroute_s: %d\nservices:\n",
               (int)rand_below(&rand, 6), (int)rand_below(&rand, 6));
    for (int i = 0; i < 3; i++)
        buf_printf(out,
                   "  - {name: v%d, sites: [%s, %s], slots: %d, service_ms: %d, service_cv: %d, "
                   "mode: %s, calls: [{to: v%d, probability: 0.3, request_kb: 1, reply_kb: 2}]}\n",
                   i, pick(&rand, sites, 2), pick(&rand, sites, 2), 1 + (int)rand_below(&rand, 4),
                   1 + (int)rand_below(&rand, 30), (int)rand_below(&rand, 3),
                   rand_below(&rand, 2) ? "active-active" : "active-standby",
                   (int)rand_below(&rand, 3));
    buf_add_str(out, "flows:\n");
    for (int i = 0; i < 2; i++)
        buf_printf(out,
                   "  - {name: f%d, from: %s, to: v%d, rate_per_s: %d, request_kb: 2, reply_kb: 5, "
                   "retries: %d, backoff_ms: 20%s}\n",
                   i, pick(&rand, places, 3), (int)rand_below(&rand, 3),
                   1 + (int)rand_below(&rand, 60), (int)rand_below(&rand, 4),
                   pick(&rand, patience, 3));
    buf_add_str(out, "faults:\n");
    for (int i = 0; i < 5; i++) {
        int at = (int)rand_below(&rand, 50), until = at + 1 + (int)rand_below(&rand, 30);
        static const char *const what[] = {"kind: fail, site: s1",
                                           "kind: fail, site: s2",
                                           "kind: fail, a: user, b: s1",
                                           "kind: slow, a: s2, b: s1, factor: 7",
                                           "kind: slow, site: s2, factor: 5",
                                           "kind: grow, flow: f0, factor: 3",
                                           "kind: fail, site: user"};
        buf_printf(out, "  - {at_s: %d, until_s: %d, %s}\n", at, until, pick(&rand, what, 7));
    }
}

static void check_figures(const struct simulation_figures *figures)
{
    assert_int_equal(figures->offered, figures->answered + figures->lost);
    assert_true(figures->loss >= 0 && figures->loss <= 1);
    assert_true(figures->availability >= 0 && figures->availability <= 1);
    assert_true(figures->p50_ms.value <= figures->p99_ms.value);
    assert_true(figures->mean_ms.set == (figures->answered > 0));
}

static void test_requests_are_conserved_and_littles_law_holds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        struct test_case c;
        random_scenario(&text, seed);
        case_read(&c, case_ring, buf_str(&text));
        case_run(&c, seed);
        for (size_t i = 0; i < c.result.outcomes.count; i++) {
            check_figures(&c.result.outcomes.items[i].with);
            check_figures(&c.result.outcomes.items[i].base);
        }
        for (size_t i = 0; i < c.result.stations.count; i++) {
            const struct simulation_station *one = &c.result.stations.items[i];
            double rate = (double)one->visits / c.result.ended_s;
            assert_true(fabs(one->mean_present - rate * one->mean_response_ms / 1000) < 1e-6);
            assert_true(one->utilisation <= 1 + 1e-9);
        }
        case_done(&c);
    }
}

static void test_the_same_seed_gives_the_same_answer(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf first = BUF_INIT;
    CLEANUP(buf_done) struct buf again = BUF_INIT;
    CLEANUP(buf_done) struct buf other = BUF_INIT;
    struct test_case c;
    random_scenario(&text, 5);
    case_read(&c, case_ring, buf_str(&text));
    case_run(&c, 9);
    json_encode(&simulation_result_table, &c.result, JSON_COMPACT, &first);
    case_run(&c, 9);
    json_encode(&simulation_result_table, &c.result, JSON_COMPACT, &again);
    case_run(&c, 10);
    json_encode(&simulation_result_table, &c.result, JSON_COMPACT, &other);
    assert_string_equal(buf_str(&first), buf_str(&again));
    assert_string_not_equal(buf_str(&first), buf_str(&other));
    case_done(&c);
}

/* ---- what is refused ---- */

static void test_scenarios_that_cannot_be_are_refused_with_the_path(void **state)
{
    (void)state;
    static const struct {
        const char *services, *flows, *faults, *path;
    } wrong[] = {
        {"{name: a, sites: [s9], service_ms: 1}", "to: a", "", "services[0].sites[0]"},
        {"{name: a, sites: [s1]}", "to: a", "", "services[0].service_ms"},
        {"{name: a, service_ms: 1}", "to: a", "", "services[0].sites"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: b", "", "flows[0].to"},
        {"{name: a, sites: [s1], service_ms: 1, calls: [{to: b}]}", "to: a", "",
         "services[0].calls[0].to"},
        {"{name: a, sites: [s1], service_ms: 1, calls: [{to: a}]}", "to: a", "", "services"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: a", "{kind: fail, site: s9, at_s: 1}",
         "faults[0].site"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: a", "{kind: fail, site: s1, at_s: 99}",
         "faults[0].at_s"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: a",
         "{kind: grow, flow: g, factor: 2, at_s: 1}", "faults[0].flow"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: a", "{kind: fail, a: s1, b: s1, at_s: 1}",
         "faults[0].b"},
        {"{name: a, sites: [s1], service_ms: 1}", "to: a",
         "{kind: grow, flow: f, factor: 1000000, at_s: 1}", "duration_s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct test_case c;
        char text[1000];
        snprintf(text, sizeof text,
                 "duration_s: 10\nservices: [%s]\nflows: [{name: f, from: user, rate_per_s: 9, "
                 "%s}]\nfaults: [%s]\n",
                 wrong[i].services, wrong[i].flows, wrong[i].faults);
        case_read(&c, case_one_site, text);
        assert_int_not_equal(
            simulation_run(&c.network, &c.scenario, 1, &c.result, &c.arena, &c.err), ERR_OK);
        assert_string_equal(c.err.field, wrong[i].path);
        case_done(&c);
    }
}

static void test_a_fault_that_says_too_little_or_too_much_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{kind: fail, at_s: 1}",
        "{kind: fail, at_s: 1, site: s1, a: s1, b: user}",
        "{kind: fail, at_s: 1, a: s1}",
        "{kind: fail, at_s: 1, site: s1, factor: 2}",
        "{kind: slow, at_s: 1, site: s1}",
        "{kind: grow, at_s: 1, site: s1, factor: 2}",
        "{kind: fail, at_s: 2, site: s1, until_s: 1}",
        "{kind: melt, at_s: 1, site: s1}",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct simulation_scenario scenario;
        struct err err = ERR_INIT;
        char text[400];
        snprintf(text, sizeof text, "duration_s: 10\nservices: [{name: a}]\nfaults: [%s]\n",
                 wrong[i]);
        assert_int_equal(json_decode_yaml(text, strlen(text), &simulation_scenario_table, NULL,
                                          &scenario, &arena, &err),
                         ERR_INVALID);
        assert_true(str_has_prefix(err.field, "faults[0]"));
    }
}

/* ---- listed requests ---- */

static void test_listed_requests_are_played_as_they_are(void **state)
{
    (void)state; /* 1 MB/s: 10 kB there take 10 ms, 20 kB back 20 ms; one slot */
    static const double wanted_ms[] = {130, 130 + 60, 10 + 10 + 20};
    struct test_case c;
    case_read(&c, case_one_site,
              "duration_s: 2\n"
              "services: [{name: a, sites: [s1], slots: 1, service_ms: 1}]\n"
              "flows:\n"
              "  - name: f\n"
              "    from: user\n"
              "    to: a\n"
              "    tasks:\n"
              "      - {at_s: 1, work_ms: 10, site: s1, request_kb: 10, reply_kb: 20}\n"
              "      - {at_s: 0.04, work_ms: 100, site: s1, request_kb: 10, reply_kb: 20}\n"
              "      - {at_s: 0, work_ms: 100, site: s1, request_kb: 10, reply_kb: 20}\n");
    case_run(&c, 1);
    assert_int_equal(c.result.tasks.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_near(c.result.tasks.items[i].response_ms.value, wanted_ms[i], 1e-9);
    assert_near(c.result.tasks.items[1].at_s, 0.04, 1e-12);
    assert_int_equal(case_outcome(&c, "f", "before")->with.offered, 3);
    case_done(&c);
}

static void test_a_listed_request_goes_elsewhere_when_its_site_is_known_to_be_dead(void **state)
{
    (void)state; /* at 5.5 s nobody knows yet; s2 is 10 ms away, or 2 ms over s1 */
    struct test_case c;
    case_read(&c, case_ring,
              "duration_s: 20\n"
              "failover_s: 1\n"
              "services: [{name: a, sites: [s1, s2], slots: 1, service_ms: 1}]\n"
              "flows:\n"
              "  - name: f\n"
              "    from: user\n"
              "    to: a\n"
              "    tasks: [{at_s: 1, site: s1, work_ms: 5}, {at_s: 5.5, site: s1, work_ms: 5}, "
              "{at_s: 7, site: s1, work_ms: 5}]\n"
              "faults: [{kind: fail, site: s1, at_s: 5}]\n");
    case_run(&c, 1);
    assert_near(c.result.tasks.items[0].response_ms.value, 2 * 1 + 5, 1e-9);
    assert_false(c.result.tasks.items[1].response_ms.set);
    assert_near(c.result.tasks.items[2].response_ms.value, 2 * 10 + 5, 1e-9);
    case_done(&c);
}

static void test_a_list_that_cannot_be_is_refused_with_the_path(void **state)
{
    (void)state;
    static const struct {
        const char *flow, *faults, *path;
    } wrong[] = {
        {"tasks: [{at_s: 1, site: user}]", "", "flows[0].tasks[0].site"},
        {"tasks: [{at_s: 1}, {at_s: 11}]", "", "flows[0].tasks[1].at_s"},
        {"tasks: [{at_s: 1}]", "{kind: grow, flow: f, factor: 2, at_s: 1}", "faults[0].flow"},
        {"tasks: [{at_s: 1}], rate_per_s: 3", "", "flows[0].rate_per_s"},
        {"retries: 1", "", "flows[0].rate_per_s"},
        {"tasks: [{at_s: -1}]", "", "flows[0].tasks[0].at_s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct test_case c = {.err = ERR_INIT};
        char text[500];
        arena_init(&c.arena, 0);
        snprintf(text, sizeof text,
                 "duration_s: 10\nservices: [{name: a, sites: [s1], service_ms: 1}]\n"
                 "flows: [{name: f, from: user, to: a, %s}]\nfaults: [%s]\n",
                 wrong[i].flow, wrong[i].faults);
        assert_int_equal(
            network_read_text(case_ring, strlen(case_ring), &c.network, &c.arena, &c.err), ERR_OK);
        if (!json_decode_yaml(text, strlen(text), &simulation_scenario_table, NULL, &c.scenario,
                              &c.arena, &c.err))
            assert_int_not_equal(
                simulation_run(&c.network, &c.scenario, 1, &c.result, &c.arena, &c.err), ERR_OK);
        assert_string_equal(c.err.field, wrong[i].path);
        case_done(&c);
    }
}

/* ---- from a solution ---- */

static void test_a_solution_fills_what_the_scenario_leaves_open(void **state)
{
    (void)state;
    struct test_case c;
    struct solution_placement placements[] = {{.component = "web", .site = "s1"},
                                              {.component = "web", .instance = 1, .site = "s2"},
                                              {.component = "db", .site = "s2"}};
    struct solution_route routes[] = {
        {.from = "user", .from_node = "user", .to = "web", .to_node = "s1"},
        {.from = "user", .from_node = "user", .to = "web", .to_node = "s2"}};
    struct requirement_component components[] = {{.name = "web", .vcpus = {true, 3.5}},
                                                 {.name = "db"}};
    struct requirement_flow flows[] = {{.from = "user", .to = "web"}, {.from = "web", .to = "db"}};
    struct solution solution = {.placements = {placements, 3}, .routes = {routes, 2}};
    struct requirement requirement = {.components = {components, 2}, .flows = {flows, 2}};
    case_read(&c, case_ring,
              "duration_s: 10\n"
              "services: [{name: web, service_ms: 5}, {name: db, service_ms: 2, slots: 7}]\n");
    assert_int_equal(simulation_fill(&c.scenario, &solution, &requirement, &c.arena, &c.err),
                     ERR_INVALID); /* how many requests? */
    assert_string_equal(c.err.field, "flows");
    assert_int_equal(c.scenario.services.items[0].sites.count, 0);
    requirement.service_level.throughput_per_s = (struct opt_double){true, 40};
    assert_int_equal(simulation_fill(&c.scenario, &solution, &requirement, &c.arena, &c.err), 0);
    assert_int_equal(c.scenario.services.items[0].sites.count, 2);
    assert_int_equal(c.scenario.services.items[0].slots.value, 4);
    assert_int_equal(c.scenario.services.items[1].slots.value, 7);
    assert_string_equal(c.scenario.services.items[0].calls.items[0].to, "db");
    assert_int_equal(c.scenario.flows.count, 1);
    assert_true(c.scenario.flows.items[0].rate_per_s == 40);
    case_run(&c, 1);
    placements[2].component = "cache";
    assert_int_equal(simulation_fill(&c.scenario, &solution, &requirement, &c.arena, &c.err),
                     ERR_INVALID);
    case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_faults_nothing_differs_from_the_base),
        cmocka_unit_test(test_a_dead_site_loses_its_share_until_it_is_noticed),
        cmocka_unit_test(test_retries_hide_a_dead_site),
        cmocka_unit_test(test_the_only_site_dead_is_not_available_for_just_that_time),
        cmocka_unit_test(test_standby_takes_over_after_the_delay),
        cmocka_unit_test(test_traffic_takes_the_longer_way_once_the_loss_of_a_link_is_noticed),
        cmocka_unit_test(test_work_goes_on_after_its_client_has_given_up),
        cmocka_unit_test(test_a_fault_that_lasts_beyond_the_end_does_not_prolong_the_run),
        cmocka_unit_test(test_requests_are_conserved_and_littles_law_holds),
        cmocka_unit_test(test_the_same_seed_gives_the_same_answer),
        cmocka_unit_test(test_scenarios_that_cannot_be_are_refused_with_the_path),
        cmocka_unit_test(test_a_fault_that_says_too_little_or_too_much_is_refused),
        cmocka_unit_test(test_listed_requests_are_played_as_they_are),
        cmocka_unit_test(test_a_listed_request_goes_elsewhere_when_its_site_is_known_to_be_dead),
        cmocka_unit_test(test_a_list_that_cannot_be_is_refused_with_the_path),
        cmocka_unit_test(test_a_solution_fills_what_the_scenario_leaves_open),
    };
    int failed = cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
    return failed + case_theory_tests() + case_mesh_tests() + case_confidence_tests();
}
