/* test_risks.c - the risks engine on networks small enough to know the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "twin/risks/risks.h"

static const char chain[] = "currency: CNY\n"
                            "access:\n"
                            "  - {id: u}\n"
                            "sites:\n"
                            "  - {id: hub, tier: edge, capacity: {vcpus: 100, memory_gib: 10}, "
                            "allocated: {vcpus: 97, memory_gib: 1}}\n"
                            "  - {id: x, tier: edge, capacity: {vcpus: 10, memory_gib: 20}}\n"
                            "  - {id: y, tier: edge, capacity: {vcpus: 30, memory_gib: 40}}\n"
                            "links:\n"
                            "  - {a: u, b: hub, latency_ms: 1, bandwidth_mbps: 100}\n"
                            "  - {a: hub, b: x, latency_ms: 2, bandwidth_mbps: 100}\n"
                            "  - {a: hub, b: y, latency_ms: 2, bandwidth_mbps: 100}\n"
                            "  - {a: x, b: y, latency_ms: 5, bandwidth_mbps: 15}\n";

static struct network network;
static struct arena arena;

static int open_chain(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    arena_init(&arena, 0);
    return network_read_text(chain, strlen(chain), &network, &arena, &err) ? -1 : 0;
}

static int close_chain(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const struct risks_finding *find(const struct risks_answer *answer, int kind, const char *id)
{
    for (size_t i = 0; i < answer->findings.count; i++)
        if (answer->findings.items[i].kind == kind &&
            str_eq(answer->findings.items[i].element.id, id))
            return &answer->findings.items[i];
    return NULL;
}

static void analyse(const struct risks_input *input, struct risks_answer *out)
{
    struct err err = ERR_INIT;
    if (risks_analyse(input, out, &arena, &err))
        fail_msg("%s", err.text);
}

static void test_a_hub_cuts_off_what_hangs_on_it_with_its_capacity(void **state)
{
    struct risks_answer answer;
    (void)state;
    analyse(&(struct risks_input){.network = &network}, &answer);
    const struct risks_finding *hub = find(&answer, RISKS_CUT, "hub");
    assert_non_null(hub);
    assert_int_equal(hub->off.access, 1); /* the two sites are the larger piece */
    assert_int_equal(hub->off.sites, 0);
    assert_int_equal(hub->dark, 2);
    const struct risks_finding *link = find(&answer, RISKS_CUT, "u—hub");
    assert_non_null(link);
    assert_int_equal(link->dark, 3);
    assert_null(find(&answer, RISKS_CUT, "x"));
    assert_int_equal(answer.singles, 8);
}

static void test_a_longer_way_is_told_with_both_latencies(void **state)
{
    struct risks_answer answer;
    (void)state;
    analyse(&(struct risks_input){.network = &network}, &answer);
    const struct risks_finding *found = find(&answer, RISKS_SLOWER, "hub—x");
    assert_non_null(found);
    assert_string_equal(found->at, "x");
    assert_true(found->required.value > 2.999 && found->required.value < 3.001);
    assert_true(found->observed.value > 7.999 && found->observed.value < 8.001);
    assert_true(found->margin.value < -4.999 && found->margin.value > -5.001);
}

static struct solution place(const char *second, double bound, double bandwidth)
{
    struct solution solution = {.objective = NULL};
    const char *sites[] = {"x", second};
    for (size_t i = 0; i < 2 && sites[i]; i++) {
        *LIST_ADD(&arena, &solution.placements) =
            (struct solution_placement){"web", (int64_t)i, sites[i], NULL, NULL};
        struct solution_route *route = LIST_ADD(&arena, &solution.routes);
        route->from = "user";
        route->from_node = "u";
        route->to = "web";
        route->to_node = sites[i];
        route->bound_ms = (struct opt_double){true, bound};
        route->bandwidth_mbps = (struct opt_double){true, bandwidth};
    }
    return solution;
}

static void test_a_service_on_one_site_breaks_with_it(void **state)
{
    struct risks_answer answer;
    struct solution solution = place(NULL, 5, 1);
    (void)state;
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    assert_int_equal(find(&answer, RISKS_SERVICE, "x")->reason, RISKS_GONE);
    assert_int_equal(find(&answer, RISKS_SERVICE, "hub")->reason, RISKS_UNREACHABLE);
    const struct risks_finding *late = find(&answer, RISKS_SERVICE, "hub—x");
    assert_int_equal(late->reason, RISKS_LATE);
    assert_true(late->margin.value < -2.999 && late->margin.value > -3.001);
    assert_int_equal(find(&answer, RISKS_ONE_SITE, "web")->reason, RISKS_ONE_INSTANCE);
    assert_int_equal(answer.findings.items[0].severity, RISKS_CRITICAL);
}

static void test_two_sites_take_two_failures(void **state)
{
    struct risks_answer answer;
    struct solution solution = place("y", 5, 1);
    (void)state;
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    assert_null(find(&answer, RISKS_SERVICE, "x"));
    assert_non_null(find(&answer, RISKS_SERVICE, "hub"));
    assert_null(find(&answer, RISKS_ONE_SITE, "web"));
    bool both = false;
    for (size_t i = 0; i < answer.findings.count; i++) {
        const struct risks_finding *finding = &answer.findings.items[i];
        both = both || (finding->kind == RISKS_PAIR && str_eq(finding->element.id, "x") &&
                        str_eq(finding->second.id, "y"));
    }
    assert_true(both);
    assert_int_equal(answer.pairs_left, 0);
}

static void test_a_way_that_is_too_narrow_breaks_by_the_missing_bandwidth(void **state)
{
    struct risks_answer answer;
    struct solution solution = place(NULL, 100, 20);
    (void)state;
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    const struct risks_finding *full = find(&answer, RISKS_SERVICE, "hub—x");
    assert_non_null(full);
    assert_int_equal(full->reason, RISKS_CONGESTED);
    assert_string_equal(full->at, "x—y");
    assert_true(full->margin.value < -4.999 && full->margin.value > -5.001);
}

static void test_a_solution_that_names_no_site_is_refused_with_its_path(void **state)
{
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct solution solution = place("nowhere", 5, 1);
    (void)state;
    struct risks_input input = {.network = &network, .solution = &solution};
    assert_int_equal(risks_analyse(&input, &answer, &arena, &err), ERR_INVALID);
    assert_string_equal(err.field, "placements[1].site");
}

static void read_usage(const char *text, struct risks_usage *out)
{
    struct err err = ERR_INIT;
    if (risks_read_usage(text, strlen(text), out, &arena, &err))
        fail_msg("%s", err.text);
}

static void test_little_room_is_told_without_a_history(void **state)
{
    struct risks_answer answer;
    (void)state;
    analyse(&(struct risks_input){.network = &network}, &answer);
    const struct risks_finding *found = find(&answer, RISKS_CAPACITY, "hub");
    assert_non_null(found);
    assert_string_equal(found->resource, "vcpus");
    assert_int_equal(found->reason, RISKS_HEADROOM);
    assert_int_equal(found->severity, RISKS_HIGH);
    assert_false(found->days.set);
}

static void test_a_steady_growth_ends_on_its_day_whatever_one_point_says(void **state)
{
    struct risks_usage usage = {{NULL, 0}};
    struct risks_answer answer;
    (void)state;
    read_usage("time,entity,resource,value\n"
               "432000,hub—u,bandwidth_mbps,60\n" /* from the other end, out of order */
               "0,hub—u,bandwidth_mbps,10\n"
               "86400,hub—u,bandwidth_mbps,20\n"
               "172800,hub—u,bandwidth_mbps,30\n"
               "1970-01-04T00:00:00Z,hub—u,bandwidth_mbps,99\n"
               "345600,hub—u,bandwidth_mbps,50\n"
               "518400,hub—u,bandwidth_mbps,70\n",
               &usage);
    struct risks_trend trend;
    risks_trend(&usage.series.items[0], &trend, &arena);
    assert_true(trend.known && trend.slope > 9.999 && trend.slope < 10.001);
    analyse(&(struct risks_input){.network = &network, .usage = &usage}, &answer);
    const struct risks_finding *found = find(&answer, RISKS_CAPACITY, "u—hub");
    assert_non_null(found);
    assert_int_equal(found->reason, RISKS_EXHAUSTION);
    assert_true(found->days.value > 2.999 && found->days.value < 3.001);
    assert_true(found->days_low.value <= found->days.value);
    assert_true(!found->days_high.set || found->days_high.value >= found->days.value);
}

static void test_a_bad_row_is_refused_with_its_line(void **state)
{
    static const char *const bad[] = {
        "time,entity,resource,value\n1,s,vcpus,nan\n", "time,entity,resource,value\n1,s,vcpus\n",
        "time,entity,resource,value\n1,s,vcpus,1,2\n", "time,entity,resource,value\n1,,vcpus,1\n",
        "time,entity,resource,value\nnow,s,vcpus,1\n", "time,entity,resource,value\n1,s,vcpus,-1\n",
        "time,entity,resource,value\n1,s,vcpus,\"1\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct risks_usage usage = {{NULL, 0}};
        struct err err = ERR_INIT;
        assert_int_equal(risks_read_usage(bad[i], strlen(bad[i]), &usage, &arena, &err),
                         ERR_INVALID);
        assert_non_null(strstr(err.text, "line 2"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_chain, close_chain)
    const struct CMUnitTest tests[] = {
        TEST(test_a_hub_cuts_off_what_hangs_on_it_with_its_capacity),
        TEST(test_a_longer_way_is_told_with_both_latencies),
        TEST(test_a_service_on_one_site_breaks_with_it),
        TEST(test_two_sites_take_two_failures),
        TEST(test_a_way_that_is_too_narrow_breaks_by_the_missing_bandwidth),
        TEST(test_a_solution_that_names_no_site_is_refused_with_its_path),
        TEST(test_little_room_is_told_without_a_history),
        TEST(test_a_steady_growth_ends_on_its_day_whatever_one_point_says),
        TEST(test_a_bad_row_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
