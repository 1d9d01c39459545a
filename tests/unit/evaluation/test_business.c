/* test_business.c - cost sensitivity, scenario profiles, protection, past cases. */
#include "test_evaluation.h"

static const char at_edge[] =
    "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"edge\"}]}";

static const struct feasibility_check *business(const struct feasibility_report *report,
                                                const char *code)
{
    return report_check(report, DIMENSION_BUSINESS, code);
}

/* ---- cost ---- */

/* 2 vCPU at 0.1 and 4 GiB at 0.02: 146 + 58.4 = 204.4 a month */
static struct feasibility_report priced(struct world *world, double budget)
{
    char need[512];
    snprintf(need, sizeof need,
             "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4}],"
             "\"budget\":{\"amount\":%g,\"currency\":\"CNY\",\"period\":\"month\"}}",
             budget);
    world_init(world, world_network, need, at_edge);
    return world_report(world);
}

static void test_a_budget_that_holds_with_room_does_not_rest_on_one_price(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = priced(&world, 300);
    const struct feasibility_check *check =
        report_check(&report, DIMENSION_COST, "cost.sensitivity");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_string_equal(check->subject, "vcpu @ edge");
    assert_string_equal(check->observed, "219"); /* 204.4 + 14.6 */
    assert_near(check->margin.value, 81, 1e-9);
    /* 95.6 more for the vCPUs: 0.1 · (1 + 95.6/146) */
    assert_non_null(strstr(check->evidence.items[1].text, "0.16548"));
    const struct feasibility_check *cost = report_check(&report, DIMENSION_COST, "cost");
    assert_int_equal(cost->evidence.count, 3);
    assert_non_null(strstr(cost->evidence.items[1].text, "71.4 % of the cost"));
    world_done(&world);
}

static void test_a_budget_that_one_price_can_break_is_unknown(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = priced(&world, 212);
    const struct feasibility_check *check =
        report_check(&report, DIMENSION_COST, "cost.sensitivity");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_string_equal(check->evidence.items[0].text,
                        "the budget breaks when one of 1 prices rises by 10 %");
    assert_int_equal(report_check(&report, DIMENSION_COST, "budget")->verdict, VERDICT_PASS);
    world_done(&world);
}

static void test_a_missed_budget_says_which_price_would_have_to_fall(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = priced(&world, 195);
    assert_null(report_check(&report, DIMENSION_COST, "cost.sensitivity"));
    const struct feasibility_check *budget = report_check(&report, DIMENSION_COST, "budget");
    assert_int_equal(budget->verdict, VERDICT_FAIL);
    assert_string_equal(budget->evidence.items[1].text,
                        "the budget would hold when one of 1 prices fell by 10 %");
    world_done(&world);
    report = priced(&world, 10);
    budget = report_check(&report, DIMENSION_COST, "budget");
    assert_string_equal(budget->evidence.items[2].text,
                        "the budget would not hold if the largest price were nothing");
    world_done(&world);
}

static void test_what_a_passing_model_sorted_outlives_it(void **state)
{
    (void)state;
    struct world world;
    struct evaluation_model *model = NULL;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4}]}", at_edge);
    struct price_notes notes = {0};
    *LIST_ADD(&world.arena, &notes.items) =
        (struct price_note){.site = "edge", .basis = BASIS_LIST, .source = "all of it"};
    *LIST_ADD(&world.arena, &notes.items) = (struct price_note){
        .site = "edge", .item = "vcpu_hour", .basis = BASIS_CONTRACT, .source = "contract"};
    world.input.notes = &notes;
    assert_int_equal(evaluation_model_new(&world.input, &model, &world.arena, NULL), ERR_OK);
    for (int round = 0; round < 2; round++) {
        struct arena scratch = ARENA_INIT;
        struct evaluation_model *again = NULL;
        struct evaluation_figures figures;
        struct solution solution = world.solution;
        assert_int_equal(evaluation_model_again(model, &world.requirement, &again, &scratch, NULL),
                         ERR_OK);
        assert_int_equal(evaluation_measure(again, &solution, &figures, &scratch, NULL), ERR_OK);
        assert_int_equal(solution.cost_lines.items[0].basis, BASIS_CONTRACT);
        assert_int_equal(solution.cost_lines.items[1].basis, BASIS_LIST);
        arena_done(&scratch);
    }
    world_done(&world);
}

/* ---- profiles ---- */
static struct feasibility_report scenario(struct world *world, const char *name, const char *rest,
                                          const char *solution)
{
    char need[1024];
    snprintf(
        need, sizeof need,
        "{\"scenario\":\"%s\",\"components\":[{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1}],"
        "\"user_location\":\"home\"%s}",
        name, rest);
    world_init(world, world_network, need, solution);
    world_standards(world);
    return world_report(world);
}
#define FIVE ",\"network\":{\"bandwidth_mbps\":5}"

static void test_a_scenario_profile_never_fails_what_nobody_asked(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = scenario(&world, "video-analytics", FIVE, at_edge);
    const struct feasibility_check *latency = business(&report, "scenario.latency");
    assert_int_equal(latency->verdict, VERDICT_PASS);
    assert_near(latency->margin.value, 9, 1e-9);
    assert_near(latency->confidence, 0.9, 1e-9);
    assert_int_equal(business(&report, "scenario.availability")->verdict, VERDICT_UNKNOWN);
    assert_near(business(&report, "scenario.availability")->margin.value, -0.9, 1e-9);
    assert_int_equal(business(&report, "scenario.bandwidth")->verdict, VERDICT_PASS);
    assert_int_equal(business(&report, "scenario.tier")->verdict, VERDICT_PASS);
    for (size_t d = 0; d < report.dimensions.count; d++)
        assert_int_not_equal(report.dimensions.items[d].verdict, VERDICT_FAIL);
    world_done(&world);
}

static void test_a_profile_is_silent_where_the_customer_speaks(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = scenario(
        &world, "telemedicine",
        ",\"network\":{\"bandwidth_mbps\":5,\"max_latency_ms\":3},"
        "\"service_level\":{\"availability_percent\":98},\"security\":{\"protection_level\":2}",
        at_edge);
    assert_null(business(&report, "scenario.latency"));
    assert_null(business(&report, "scenario.availability"));
    assert_null(business(&report, "scenario.protection_level"));
    assert_int_equal(business(&report, "protection_level")->verdict, VERDICT_PASS);
    assert_int_equal(business(&report, "availability")->verdict, VERDICT_PASS);
    world_done(&world);
}

static void test_protection_that_is_usual_is_held_against_the_sites(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = scenario(&world, "telemedicine", FIVE, at_edge);
    const struct feasibility_check *check = business(&report, "scenario.protection_level");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_near(check->margin.value, -1, 1e-9);
    world_done(&world);
    report = scenario(&world, "telemedicine", FIVE,
                      "{\"placements\":[{\"component\":\"web\",\"instance\":0,"
                      "\"site\":\"cloud\"}]}");
    assert_int_equal(business(&report, "scenario.protection_level")->verdict, VERDICT_PASS);
    world_done(&world);
    report = scenario(&world, "telemedicine", FIVE,
                      "{\"placements\":[{\"component\":\"web\",\"instance\":0,"
                      "\"site\":\"island\"}]}");
    assert_null(business(&report, "scenario.protection_level")->observed);
    world_done(&world);
}

static void test_bandwidth_counts_the_users_that_are_stated(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = scenario(
        &world, "video-analytics", FIVE ",\"service_level\":{\"concurrent_users\":4}", at_edge);
    const struct feasibility_check *check = business(&report, "scenario.bandwidth");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_string_equal(check->required, "8");
    world_done(&world);
    report = scenario(&world, "video-analytics", "", at_edge);
    assert_null(business(&report, "scenario.bandwidth")->observed);
    world_done(&world);
}

static void test_protection_that_is_asked_and_missed_fails_the_business(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        scenario(&world, "other", ",\"security\":{\"protection_level\":3}", at_edge);
    assert_int_equal(business(&report, "protection_level")->verdict, VERDICT_FAIL);
    assert_int_equal(report.dimensions.items[DIMENSION_BUSINESS - 1].verdict, VERDICT_FAIL);
    assert_int_equal(report.dimensions.items[DIMENSION_COMPUTE - 1].verdict, VERDICT_PASS);
    world_done(&world);
}

/* ---- cases ---- */
static struct feasibility_report with_cases(struct world *world, const char *cases)
{
    static struct feasibility_cases all;
    struct err err = ERR_INIT;
    world_init(world, world_network,
               "{\"scenario\":\"web-application\",\"components\":[{\"name\":\"web\",\"vcpus\":2,"
               "\"memory_gib\":4,\"form\":\"container\"}],\"user_location\":\"home\","
               "\"network\":{\"max_latency_ms\":10}}",
               at_edge);
    if (json_decode(cases, strlen(cases), &feasibility_cases_table, NULL, &all, &world->arena,
                    &err))
        fail_msg("cases: %s: %s", err.field, err.text);
    world->input.cases = &all;
    return world_report(world);
}

#define CASE(id_, scenario_, opened_, rest_)                                                  \
    "{\"id\":\"" id_ "\",\"scenario\":\"" scenario_ "\",\"at\":\"2026-11-01T00:00:00Z\","     \
    "\"components\":[{\"name\":\"web\",\"form\":\"container\",\"tier\":\"edge\",\"vcpus\":2," \
    "\"memory_gib\":4}],\"demands\":{\"max_latency_ms\":10},\"outcome\":{\"opened\":" opened_ \
    ",\"opening_s\":32,\"cost_month\":200}" rest_ "}"

static void test_no_case_is_unknown_never_passed(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = with_cases(&world, "{\"items\":[]}");
    assert_int_equal(business(&report, "cases")->verdict, VERDICT_UNKNOWN);
    assert_null(business(&report, "cases")->observed);
    world_done(&world);
}

static void test_cases_that_opened_pass_with_their_outcome_as_evidence(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        with_cases(&world, "{\"items\":[" CASE("dep-1", "web-application", "true", "") "," CASE(
                               "dep-2", "web-application", "true", "") "]}");
    const struct feasibility_check *check = business(&report, "cases");
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_string_equal(check->observed, "2/2");
    assert_near(check->confidence, 2.0 / 3, 1e-9); /* alike in all, two of them */
    assert_string_equal(check->evidence.items[0].text,
                        "similarity 1.00: opened; 32.0 s; 200.00 ?/month");
    assert_true(check->evidence.items[0].at_ms > 0);
    world_done(&world);
}

static void test_cases_that_failed_leave_it_unknown(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        with_cases(&world, "{\"items\":[" CASE("dep-1", "web-application", "true", "") "," CASE(
                               "dep-2", "web-application", "false", "") "]}");
    const struct feasibility_check *check = business(&report, "cases");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_string_equal(check->observed, "1/2");
    world_done(&world);
}

static void test_simulated_cases_weigh_half_and_strangers_nothing(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        with_cases(&world, "{\"items\":[" CASE("dep-1", "web-application", "true",
                                               ",\"simulated\":true") "]}");
    assert_near(business(&report, "cases")->confidence, 0.25, 1e-9);
    world_done(&world);
    report = with_cases(
        &world, "{\"items\":[{\"id\":\"x\",\"scenario\":\"ai-training\",\"components\":[{\"name\":"
                "\"train\","
                "\"accelerator\":\"gpu\",\"vcpus\":64}],\"demands\":{\"bandwidth_mbps\":9000},"
                "\"outcome\":{\"opened\":true}}]}");
    assert_int_equal(business(&report, "cases")->verdict, VERDICT_UNKNOWN);
    assert_string_equal(business(&report, "cases")->evidence.items[0].text,
                        "none of 1 known cases is similar");
    world_done(&world);
}

int business_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_budget_that_holds_with_room_does_not_rest_on_one_price),
        cmocka_unit_test(test_a_budget_that_one_price_can_break_is_unknown),
        cmocka_unit_test(test_a_missed_budget_says_which_price_would_have_to_fall),
        cmocka_unit_test(test_what_a_passing_model_sorted_outlives_it),
        cmocka_unit_test(test_a_scenario_profile_never_fails_what_nobody_asked),
        cmocka_unit_test(test_a_profile_is_silent_where_the_customer_speaks),
        cmocka_unit_test(test_protection_that_is_usual_is_held_against_the_sites),
        cmocka_unit_test(test_bandwidth_counts_the_users_that_are_stated),
        cmocka_unit_test(test_protection_that_is_asked_and_missed_fails_the_business),
        cmocka_unit_test(test_no_case_is_unknown_never_passed),
        cmocka_unit_test(test_cases_that_opened_pass_with_their_outcome_as_evidence),
        cmocka_unit_test(test_cases_that_failed_leave_it_unknown),
        cmocka_unit_test(test_simulated_cases_weigh_half_and_strangers_nothing),
    };
    return cmocka_run_group_tests_name("business", tests, NULL, NULL);
}
