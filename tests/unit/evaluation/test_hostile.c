/* test_hostile.c - solutions that were made by hand, long ago or by nobody sane: a report of five
 * dimensions, never a crash, never a pass for what cannot be known. */
#include "test_evaluation.h"

#include "base/rand.h"

static const char full_need[] =
    "{\"scenario\":\"industrial-vision\",\"components\":["
    "{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1,\"form\":\"container\",\"instances\":2},"
    "{\"name\":\"eye\",\"vcpus\":1,\"accelerator\":{\"kind\":\"gpu\",\"count\":1}}],"
    "\"user_location\":\"home\",\"network\":{\"max_latency_ms\":5,\"bandwidth_mbps\":5,"
    "\"access\":\"wifi\",\"public_ips\":1},\"flows\":[{\"from\":\"web\",\"to\":\"eye\"}],"
    "\"service_level\":{\"max_response_ms\":100,\"throughput_per_s\":3,\"availability_percent\":99}"
    ","
    "\"security\":{\"protection_level\":2},"
    "\"budget\":{\"amount\":5000,\"currency\":\"CNY\",\"period\":\"month\"}}";

static int whole_verdict(const char *solution)
{
    struct world world;
    world_init(&world, world_network, full_need, solution);
    world_standards(&world);
    struct application_spec_refs refs = {0};
    struct application_spec_ref *odd = LIST_ADD(&world.arena, &refs.items);
    odd->component = "web"; /* a version of which hardly anything is known */
    *LIST_ADD(&world.arena, &odd->spec.dependencies) = (struct application_spec_dependency){0};
    *LIST_ADD(&world.arena, &odd->spec.dependencies) =
        (struct application_spec_dependency){.name = "x", .version = ">"};
    *LIST_ADD(&world.arena, &odd->spec.consumes) = (struct application_spec_consumption){0};
    *LIST_ADD(&world.arena, &odd->spec.consumes) =
        (struct application_spec_consumption){.name = "", .version = "||"};
    struct feasibility_cases cases = {0};
    LIST_ADD(&world.arena, &cases.items);
    world.input.applications = &refs;
    world.input.cases = &cases;
    struct feasibility_report report = world_report(&world);
    assert_true(report.score >= 0 && report.score <= 100);
    for (size_t d = 0; d < report.dimensions.count; d++)
        for (size_t i = 0; i < report.dimensions.items[d].checks.count; i++) {
            const struct feasibility_check *check = &report.dimensions.items[d].checks.items[i];
            assert_non_null(check->code);
            assert_in_range(check->verdict, VERDICT_PASS, VERDICT_UNKNOWN);
            assert_true(check->confidence >= 0 && check->confidence <= 1);
            if (check->verdict == VERDICT_PASS)
                assert_non_null(check->observed);
        }
    int verdict = report.verdict;
    struct buf text = BUF_INIT;
    json_encode(&feasibility_report_table, &report, JSON_COMPACT, &text);
    assert_true(text.len > 0);
    buf_done(&text);
    world_done(&world);
    return verdict;
}

static void test_bad_solutions_fail_and_never_crash(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"placements\":[]}",
        "{\"placements\":[{\"component\":\"nobody\",\"instance\":0,\"site\":\"edge\"}]}",
        "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"atlantis\"}]}",
        "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"home\"}]}",
        "{\"placements\":[{\"component\":\"web\",\"instance\":99,\"site\":\"edge\"}]}",
        "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"edge\"},"
        "{\"component\":\"web\",\"instance\":0,\"site\":\"cloud\"}]}",
        "{\"placements\":[{\"component\":\"eye\",\"instance\":0,\"site\":\"island\","
        "\"flavor\":\"x\",\"accelerator_model\":\"y\"}],\"cost\":-5,\"currency\":\"XYZ\","
        "\"routes\":[{\"from\":\"user\",\"to\":\"eye\",\"path\":[]}],"
        "\"cost_lines\":[{\"item\":\"vcpu\",\"amount\":-1e300}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(whole_verdict(bad[i]), VERDICT_FAIL);
}

static void test_random_placements_are_judged_without_a_crash(void **state)
{
    (void)state;
    static const char *const components[] = {"web", "eye", "", "user"};
    static const char *const sites[] = {"edge", "cloud", "island", "home", "none", ""};
    struct rand rand;
    rand_init(&rand, 7);
    for (int round = 0; round < 300; round++) {
        char text[2048];
        size_t at = (size_t)snprintf(text, sizeof text, "{\"placements\":[");
        size_t count = rand_below(&rand, 6);
        for (size_t i = 0; i < count; i++)
            at += (size_t)snprintf(
                text + at, sizeof text - at,
                "%s{\"component\":\"%s\",\"instance\":%d,\"site\":\"%s\"}", i ? "," : "",
                components[rand_below(&rand, ARRAY_LEN(components))], (int)rand_below(&rand, 3),
                sites[rand_below(&rand, ARRAY_LEN(sites))]);
        snprintf(text + at, sizeof text - at, "]}");
        whole_verdict(text);
    }
}

int hostile_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_solutions_fail_and_never_crash),
        cmocka_unit_test(test_random_placements_are_judged_without_a_crash),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
