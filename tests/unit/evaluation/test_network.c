/* test_network.c - the network dimension beyond latency and bandwidth: jitter, loss, the split of
 * an end-to-end bound, the access technology.  Each with what is met, what is missed, what is
 * unknown. */
#include "test_evaluation.h"

/* home -[5g]- tower -[optical]- plant; far -[optical]- plant.  Jitter and loss as the test puts
 * them. */
static const char network_format[] =
    "{\"currency\":\"CNY\",\"access\":[{\"id\":\"home\"},{\"id\":\"far\"}],\"sites\":["
    "{\"id\":\"tower\",\"tier\":\"edge\",\"regions\":[],\"arch\":[]},"
    "{\"id\":\"plant\",\"tier\":\"edge\",\"regions\":[],\"arch\":[\"x86_64\"],"
    "\"capacity\":{\"vcpus\":8,\"memory_gib\":8},"
    "\"price\":{\"vcpu_hour\":1,\"memory_gib_hour\":1,\"bandwidth_mbps_month\":1}}],\"links\":["
    "{\"a\":\"home\",\"b\":\"tower\",\"type\":\"5g\",\"latency_ms\":4,\"bandwidth_mbps\":100%s},"
    "{\"a\":\"tower\",\"b\":\"plant\",\"type\":\"optical\",\"latency_ms\":1,\"bandwidth_mbps\":1000"
    "%s},"
    "{\"a\":\"home\",\"b\":\"plant\",\"type\":\"optical\",\"latency_ms\":9,\"bandwidth_mbps\":1000}"
    ","
    "{\"a\":\"far\",\"b\":\"plant\",\"type\":\"optical\",\"latency_ms\":2,\"bandwidth_mbps\":1000}]"
    "}";
static const char at_plant[] =
    "{\"placements\":[{\"component\":\"eye\",\"instance\":0,\"site\":\"plant\"}]}";

static struct feasibility_report judge(struct world *world, const char *first, const char *second,
                                       const char *need)
{
    char network[2048], requirement[1024];
    snprintf(network, sizeof network, network_format, first, second);
    snprintf(requirement, sizeof requirement,
             "{\"components\":[{\"name\":\"eye\",\"vcpus\":1,\"memory_gib\":1}],%s}", need);
    world_init(world, network, requirement, at_plant);
    world_standards(world);
    return world_report(world);
}

static const struct feasibility_check *network_check_of(const struct feasibility_report *report,
                                                        const char *code)
{
    return report_check(report, DIMENSION_NETWORK, code);
}

#define VISION "\"scenario\":\"industrial-vision\",\"user_location\":\"home\","
#define GAMING "\"scenario\":\"cloud-gaming\",\"user_location\":\"home\","
#define TEN_MBPS "\"network\":{\"bandwidth_mbps\":10}"

static void test_jitters_of_a_path_add_up(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, ",\"jitter_ms\":1.2", ",\"jitter_ms\":0.5", VISION TEN_MBPS);
    const struct feasibility_check *check = network_check_of(&report, "jitter");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_string_equal(check->observed, "1.7");
    assert_near(check->margin.value, 0.3, 1e-9);
    assert_near(check->confidence, 0.7, 1e-9);
    world_done(&world);
    report = judge(&world, ",\"jitter_ms\":1.2", ",\"jitter_ms\":0.9", VISION TEN_MBPS);
    check = network_check_of(&report, "jitter");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN); /* nobody stated a bound: advice */
    assert_near(check->margin.value, -0.1, 1e-9);
    assert_near(check->confidence, 0, 0);
    world_done(&world);
}

static void test_links_without_jitter_are_named(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = judge(&world, ",\"jitter_ms\":0.1", "", VISION TEN_MBPS);
    const struct feasibility_check *check = network_check_of(&report, "jitter");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_null(check->observed);
    const struct feasibility_evidence *last = &check->evidence.items[check->evidence.count - 1];
    assert_string_equal(last->kind, "link");
    assert_string_equal(last->ref, "tower—plant");
    world_done(&world);
}

static void test_a_known_part_that_is_too_much_needs_no_rest(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = judge(&world, ",\"jitter_ms\":3", "", VISION TEN_MBPS);
    assert_near(network_check_of(&report, "jitter")->margin.value, -1, 1e-9);
    world_done(&world);
}

static void test_losses_of_a_path_compound(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, ",\"loss_percent\":0.2", ",\"loss_percent\":0.1", GAMING TEN_MBPS);
    const struct feasibility_check *check = network_check_of(&report, "loss");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_near(check->margin.value, 0.5 - 100 * (1 - 0.998 * 0.999), 1e-9);
    world_done(&world);
    report = judge(&world, ",\"loss_percent\":0.4", ",\"loss_percent\":0.2", GAMING TEN_MBPS);
    assert_int_equal(network_check_of(&report, "loss")->verdict, VERDICT_UNKNOWN);
    world_done(&world);
    report = judge(&world, "", ",\"loss_percent\":0.2", GAMING TEN_MBPS);
    check = network_check_of(&report, "loss");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_null(check->observed);
    world_done(&world);
}

static void test_without_a_profile_nothing_is_said_of_jitter_and_loss(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "", "\"user_location\":\"home\"," TEN_MBPS);
    assert_null(network_check_of(&report, "jitter"));
    assert_null(network_check_of(&report, "loss"));
    world_done(&world);
}

/* ---- the split ---- */

static void test_one_second_of_inference_leaves_the_network_ten_milliseconds(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "",
              "\"scenario\":\"video-analytics\",\"user_location\":\"home\"," TEN_MBPS
              ",\"service_level\":{\"max_response_ms\":1000}");
    const struct feasibility_check *part = network_check_of(&report, "response.network");
    assert_string_equal(part->required, "10");
    assert_string_equal(part->observed, "5");
    assert_int_equal(part->verdict, VERDICT_PASS);
    assert_near(part->confidence, 0.9, 1e-9);
    /* 990 ms are left there and back, half of it for computing at 50 % utilisation */
    assert_string_equal(network_check_of(&report, "response.compute")->required, "495");
    assert_string_equal(network_check_of(&report, "response.queueing")->required, "495");
    assert_int_equal(network_check_of(&report, "response.compute")->verdict, VERDICT_UNKNOWN);
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_UNKNOWN);
    assert_near(network_check_of(&report, "response_time")->margin.value, 990, 1e-9);
    world_done(&world);
}

static void test_a_stated_rate_decides_what_queueing_takes(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "",
              "\"user_location\":\"home\"," TEN_MBPS
              ",\"service_level\":{\"max_response_ms\":110,\"throughput_per_s\":90}");
    /* 100 ms are left; S = 100 / (1 + 100 * 0.09) = 10 ms */
    assert_string_equal(network_check_of(&report, "response.compute")->required, "10");
    assert_string_equal(network_check_of(&report, "response.queueing")->required, "90");
    world_done(&world);
}

static void test_a_network_above_its_share_is_advice_and_above_the_bound_a_failure(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "",
              "\"scenario\":\"video-analytics\",\"user_location\":\"home\"," TEN_MBPS
              ",\"service_level\":{\"max_response_ms\":100}");
    assert_int_equal(network_check_of(&report, "response.network")->verdict, VERDICT_UNKNOWN);
    assert_near(network_check_of(&report, "response.network")->margin.value, -4, 1e-9);
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_UNKNOWN);
    world.requirement.service_level.max_response_ms.value = 9;
    report = world_report(&world);
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_FAIL);
    assert_null(network_check_of(&report, "response.compute"));
    world_done(&world);
}

/* One instance of `eye` that was seen to take so long for a request, and to serve so many. */
static struct feasibility_report measured(struct world *world, double bound, double rate,
                                          double service_ms, double throughput)
{
    static struct feasibility_measurements all;
    char need[256];
    snprintf(need, sizeof need,
             "\"user_location\":\"home\"," TEN_MBPS
             ",\"service_level\":{\"max_response_ms\":%g,\"throughput_per_s\":%g}",
             bound, rate);
    judge(world, "", "", need);
    all = (struct feasibility_measurements){{NULL, 0}};
    if (service_ms > 0)
        *LIST_ADD(&world->arena, &all.items) = (struct feasibility_measurement){
            .component = "eye", .metric = METRIC_SERVICE_MS, .value = service_ms, .tag = TAG_A};
    if (throughput > 0)
        *LIST_ADD(&world->arena, &all.items) =
            (struct feasibility_measurement){.component = "eye",
                                             .metric = METRIC_THROUGHPUT_PER_S,
                                             .value = throughput,
                                             .at_ms = 77,
                                             .source = "load test",
                                             .tag = TAG_B};
    world->input.measurements = &all;
    return world_report(world);
}

static void test_a_measured_service_settles_the_response(void **state)
{
    (void)state;
    struct world world; /* 10 ms of network; 8 ms at 50 a second wait 8 · 0.4 / 0.6 = 5.33 ms */
    struct feasibility_report report = measured(&world, 110, 50, 8, 0);
    const struct feasibility_check *check = network_check_of(&report, "response_time");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_string_equal(check->observed, "network 10 + compute 8 + queueing 5.33333");
    assert_near(check->confidence, 0.9, 1e-9);
    assert_int_equal(network_check_of(&report, "response.compute")->verdict, VERDICT_PASS);
    assert_int_equal(network_check_of(&report, "response.queueing")->verdict, VERDICT_PASS);
    world_done(&world);
    report = measured(&world, 20, 50, 8, 0); /* only by what queueing is estimated to take */
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_UNKNOWN);
    assert_near(network_check_of(&report, "response_time")->margin.value, -10.0 / 3, 1e-6);
    world_done(&world);
    report = measured(&world, 15, 50, 8, 0); /* network and computing alone are too much */
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_FAIL);
    world_done(&world);
    report = measured(&world, 1000, 125, 8, 0); /* the queue grows without end */
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_FAIL);
    assert_null(network_check_of(&report, "response.queueing")->observed);
    world_done(&world);
}

static void test_throughput_is_held_against_what_was_measured(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = measured(&world, 110, 50, 0, 60);
    const struct feasibility_check *check = report_check(&report, DIMENSION_BUSINESS, "throughput");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_near(check->margin.value, 10, 1e-9);
    assert_near(check->confidence, 0.7, 1e-9);
    assert_int_equal(check->evidence.items[0].at_ms, 77);
    world_done(&world);
    report = measured(&world, 110, 50, 0, 40);
    assert_int_equal(report_check(&report, DIMENSION_BUSINESS, "throughput")->verdict,
                     VERDICT_FAIL);
    world_done(&world);
    report = measured(&world, 110, 50, 0, 0);
    assert_int_equal(report_check(&report, DIMENSION_BUSINESS, "throughput")->verdict,
                     VERDICT_UNKNOWN);
    world_done(&world);
}

static void test_without_flows_the_networks_part_is_unknown(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "", "\"service_level\":{\"max_response_ms\":1000}");
    assert_int_equal(network_check_of(&report, "response_time")->verdict, VERDICT_UNKNOWN);
    assert_int_equal(network_check_of(&report, "response.network")->verdict, VERDICT_UNKNOWN);
    assert_null(network_check_of(&report, "response.network")->observed);
    world_done(&world);
}

/* ---- access ---- */

static void test_the_type_of_the_links_at_the_access_point_is_looked_at(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "",
              "\"user_location\":\"home\",\"network\":{\"bandwidth_mbps\":10,\"access\":\"5g\"}");
    assert_int_equal(network_check_of(&report, "access")->verdict, VERDICT_PASS);
    assert_near(network_check_of(&report, "access")->confidence, 0.8, 1e-9);
    world.requirement.network.access =
        json_enum_find(requirement_access_names, "optical"); /* there, but not on the path */
    report = world_report(&world);
    assert_int_equal(network_check_of(&report, "access")->verdict, VERDICT_PASS);
    assert_near(network_check_of(&report, "access")->confidence, 0.6, 1e-9);
    world.requirement.network.access = json_enum_find(requirement_access_names, "wifi");
    report = world_report(&world);
    assert_int_equal(network_check_of(&report, "access")->verdict, VERDICT_UNKNOWN);
    assert_string_equal(network_check_of(&report, "access")->observed, "5g");
    world_done(&world);
}

static int technology_verdict(const char *network, const char *code)
{
    struct world world;
    char need[256];
    snprintf(need, sizeof need, "\"user_location\":\"home\",\"network\":{%s}", network);
    struct feasibility_report report = judge(&world, "", "", need);
    const struct feasibility_check *check = network_check_of(&report, code);
    int verdict = check ? check->verdict : VERDICT_ABSENT;
    world_done(&world);
    return verdict;
}

static void test_a_technology_carries_a_bound_always_sometimes_or_never(void **state)
{
    (void)state;
    assert_int_equal(
        technology_verdict("\"access\":\"5g\",\"max_latency_ms\":30", "access.latency"),
        VERDICT_PASS);
    assert_int_equal(
        technology_verdict("\"access\":\"5g\",\"max_latency_ms\":12", "access.latency"),
        VERDICT_UNKNOWN);
    assert_int_equal(technology_verdict("\"access\":\"5g\",\"max_latency_ms\":5", "access.latency"),
                     VERDICT_FAIL); /* with a source */
    assert_int_equal(
        technology_verdict("\"access\":\"sd-wan\",\"max_latency_ms\":5", "access.latency"),
        VERDICT_UNKNOWN); /* general knowledge proves nothing */
    assert_int_equal(
        technology_verdict("\"access\":\"wifi\",\"bandwidth_mbps\":100", "access.bandwidth"),
        VERDICT_PASS);
    assert_int_equal(
        technology_verdict("\"access\":\"wifi\",\"bandwidth_mbps\":5000", "access.bandwidth"),
        VERDICT_UNKNOWN);
    assert_int_equal(technology_verdict("\"access\":\"wifi\"", "access.latency"), VERDICT_ABSENT);
}

static void test_a_technology_is_held_against_the_profiles_loss_as_advice(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "", "",
              "\"scenario\":\"v2x\",\"user_location\":\"home\","
              "\"network\":{\"bandwidth_mbps\":10,\"access\":\"5g\"}");
    assert_int_equal(network_check_of(&report, "access.loss")->verdict, VERDICT_UNKNOWN);
    world_done(&world);
    report = judge(&world, "", "",
                   "\"scenario\":\"v2x\",\"user_location\":\"home\","
                   "\"network\":{\"bandwidth_mbps\":10,\"access\":\"optical\"}");
    assert_int_equal(network_check_of(&report, "access.loss")->verdict, VERDICT_PASS);
    world_done(&world);
}

int network_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitters_of_a_path_add_up),
        cmocka_unit_test(test_links_without_jitter_are_named),
        cmocka_unit_test(test_a_known_part_that_is_too_much_needs_no_rest),
        cmocka_unit_test(test_losses_of_a_path_compound),
        cmocka_unit_test(test_without_a_profile_nothing_is_said_of_jitter_and_loss),
        cmocka_unit_test(test_one_second_of_inference_leaves_the_network_ten_milliseconds),
        cmocka_unit_test(test_a_stated_rate_decides_what_queueing_takes),
        cmocka_unit_test(test_a_network_above_its_share_is_advice_and_above_the_bound_a_failure),
        cmocka_unit_test(test_a_measured_service_settles_the_response),
        cmocka_unit_test(test_throughput_is_held_against_what_was_measured),
        cmocka_unit_test(test_without_flows_the_networks_part_is_unknown),
        cmocka_unit_test(test_the_type_of_the_links_at_the_access_point_is_looked_at),
        cmocka_unit_test(test_a_technology_carries_a_bound_always_sometimes_or_never),
        cmocka_unit_test(test_a_technology_is_held_against_the_profiles_loss_as_advice),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
