/* test_versions.c - versions and ranges, what goes together and why not, open interfaces. */
#include "test_evaluation.h"

#include "intelligent/evaluation/evaluation_priv.h"

static bool suits(const char *version, const char *range)
{
    bool known;
    bool holds = evaluation_version_suits(version, range, &known);
    assert_true(known);
    return holds;
}

static bool understood(const char *range)
{
    bool known;
    evaluation_version_suits("1.2.3", range, &known);
    return known;
}

static void test_ranges_are_read_as_people_write_them(void **state)
{
    (void)state;
    assert_true(suits("14.2", ">=14 <17"));
    assert_true(suits("14.2", ">= 14, < 17"));
    assert_true(suits("14.2", "≥14 ≤16"));
    assert_true(suits("16.9", "<=16"));
    assert_false(suits("17", ">=14 <17"));
    assert_true(suits("8.0.33", "8"));
    assert_true(suits("1.7", "1.x"));
    assert_false(suits("2.0", "1.x"));
    assert_true(suits("11.0.2", "8 || 11 || >=17"));
    assert_true(suits("21", "8 || 11 || >=17"));
    assert_false(suits("12", "8 || 11 || >=17"));
    assert_true(suits("1.5", "1.2 - 2.3"));
    assert_true(suits("2.3.9", "1.2 - 2.3"));
    assert_false(suits("2.4", "1.2 - 2.3"));
    assert_true(suits("1.9", "^1.2"));
    assert_false(suits("2.0", "^1.2"));
    assert_true(suits("0.2.9", "^0.2.3"));
    assert_false(suits("0.3.0", "^0.2.3"));
    assert_true(suits("1.2.9", "~1.2.3"));
    assert_false(suits("1.3.0", "~1.2.3"));
    assert_true(suits("9", "*"));
    assert_true(suits("9", ">=1 != 8"));
    assert_false(suits("8.1", ">=1 != 8"));
}

static void test_what_comes_before_a_release_is_below_it(void **state)
{
    (void)state;
    assert_false(suits("2.0-rc1", ">=2.0"));
    assert_true(suits("2.0-rc1", ">=2.0-beta2"));
    assert_true(suits("2.0-rc1", "<2.0"));
    assert_false(suits("2.0-rc1", "2.0"));
    assert_true(suits("17-alpine", "17"));
    assert_true(suits("17-alpine", ">=17"));
    assert_true(evaluation_version_compare("1.0-rc.2", "1.0-rc.10") < 0);
    assert_true(evaluation_version_compare("1.0", "1.0-rc.10") > 0);
    assert_true(evaluation_version_compare("1.10", "1.9") > 0);
    assert_int_equal(evaluation_version_compare("1.0", "1"), 0);
    assert_true(evaluation_version_compare("latest", "1") < 0);
}

static void test_a_range_that_says_nothing_is_not_understood(void **state)
{
    (void)state;
    assert_false(understood("newest"));
    assert_false(understood(">="));
    assert_false(understood("=>1"));
    assert_false(understood("1 || banana"));
    assert_true(understood(""));
    assert_true(understood(NULL));
}

/* ---- applications ---- */
static const char pair_need[] =
    "{\"components\":[{\"name\":\"a\",\"vcpus\":1,\"memory_gib\":1},{\"name\":\"c\",\"vcpus\":1,"
    "\"memory_gib\":1}]}";
static const char pair_placed[] =
    "{\"placements\":[{\"component\":\"a\",\"instance\":0,\"site\":\"edge\"},"
    "{\"component\":\"c\",\"instance\":0,\"site\":\"edge\"}]}";

static struct feasibility_report judge(struct world *world, const char *applications)
{
    static struct application_spec_refs refs;
    struct err err = ERR_INIT;
    world_init(world, world_network, pair_need, pair_placed);
    if (json_decode(applications, strlen(applications), &application_spec_refs_table, NULL, &refs,
                    &world->arena, &err))
        fail_msg("applications: %s: %s", err.field, err.text);
    world->input.applications = &refs;
    return world_report(world);
}

#define APP(component_, name_, version_, rest_)                                           \
    "{\"component\":\"" component_ "\",\"id\":\"" name_ "@" version_                      \
    "\",\"state\":\"published\",\"spec\":{\"name\":\"" name_ "\",\"version\":\"" version_ \
    "\",\"form\":\"container\",\"artefact\":\"x\"" rest_ "}}"
#define FREE(name_, version_, rest_)                                                         \
    "{\"id\":\"" name_ "@" version_ "\",\"state\":\"published\",\"spec\":{\"name\":\"" name_ \
    "\",\"version\":\"" version_ "\",\"form\":\"container\",\"artefact\":\"x\"" rest_ "}}"
#define NEEDS(name_, range_) \
    ",\"dependencies\":[{\"name\":\"" name_ "\",\"version\":\"" range_ "\"}]"

static const struct feasibility_check *versions(const struct feasibility_report *report)
{
    return report_check(report, DIMENSION_APPLICATION, "dependency.versions");
}

static void test_two_needs_that_no_version_meets_are_explained(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "{\"items\":[" APP("a", "A", "2.1", NEEDS("B", ">=3")) "," APP(
                          "c", "C", "1.0",
                          NEEDS("B", "<3")) "," FREE("B", "2.5", "") "," FREE("B", "3.1", "") "]}");
    const struct feasibility_check *check = versions(&report);
    assert_int_equal(check->verdict, VERDICT_FAIL);
    assert_string_equal(check->observed, "A 2.1 needs B >=3; C 1.0 needs B <3");
    assert_int_equal(check->evidence.count, 3);
    assert_string_equal(check->evidence.items[0].ref, "A@2.1");
    assert_string_equal(check->evidence.items[2].text, "there is: 3.1, 2.5");
    /* each by itself could be met */
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "dependency")->verdict,
                     VERDICT_PASS);
    world_done(&world);
}

static void test_an_older_version_is_taken_when_the_newest_cannot_be(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = judge(
        &world,
        "{\"items\":[" APP("a", "A", "1", NEEDS("B", "*")) "," APP(
            "c", "C", "1",
            NEEDS("D",
                  "<2")) "," FREE("B", "2",
                                  NEEDS("D",
                                        ">=2")) "," FREE("B", "1",
                                                         NEEDS(
                                                             "D",
                                                             "*")) "," FREE("D", "1",
                                                                            "") "," FREE("D", "2",
                                                                                         "") "]}");
    const struct feasibility_check *check = versions(&report);
    assert_int_equal(check->verdict, VERDICT_PASS);
    assert_string_equal(check->observed, "B 1, D 1");
    world_done(&world);
}

static void test_a_conflict_far_down_names_the_whole_chain_and_nothing_else(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = judge(
        &world,
        "{\"items\":[" APP("a", "A", "1", NEEDS("B", "*")) "," APP(
            "c", "C", "1",
            NEEDS("D",
                  "<2")) "," FREE("B", "2",
                                  NEEDS(
                                      "D",
                                      ">=2")) "," FREE("B", "1",
                                                       NEEDS(
                                                           "D",
                                                           ">=2")) "," FREE("D", "1",
                                                                            "") "," FREE("D", "2",
                                                                                         "") "]}");
    const struct feasibility_check *check = versions(&report);
    assert_int_equal(check->verdict, VERDICT_FAIL);
    assert_string_equal(check->observed, "A 1 needs B *; C 1 needs D <2; B 2, 1 needs D >=2");
    world_done(&world);
}

static void test_what_nobody_knows_is_unknown(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "{\"items\":[" APP("a", "A", "1", NEEDS("B", ">=1")) "]}");
    const struct feasibility_check *check =
        report_check(&report, DIMENSION_APPLICATION, "dependency");
    assert_int_equal(check->verdict, VERDICT_UNKNOWN);
    assert_null(versions(&report)); /* nothing to choose from */
    world_done(&world);
    report = judge(&world, "{\"items\":[" APP("a", "A", "1", NEEDS("B", "*")) "," FREE(
                               "B", "1", NEEDS("E", "*")) "]}");
    assert_int_equal(versions(&report)->verdict, VERDICT_UNKNOWN); /* B needs what nobody knows */
    world_done(&world);
}

static void test_what_the_solution_holds_is_taken_before_what_else_is_published(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "{\"items\":[" APP("a", "A", "1", NEEDS("C", ">=2")) "," APP(
                          "c", "C", "1.0", "") "," FREE("C", "2.0", "") "]}");
    assert_int_equal(versions(&report)->verdict, VERDICT_FAIL);
    assert_string_equal(versions(&report)->observed, "A 1 needs C >=2");
    world_done(&world);
}

static void test_an_optional_need_asks_for_nothing(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report =
        judge(&world, "{\"items\":[" APP("a", "A", "1",
                                         ",\"dependencies\":[{\"name\":\"B\",\"version\":\">=9\","
                                         "\"optional\":true}]") "," FREE("B", "1", "") "]}");
    assert_null(versions(&report));
    assert_null(report_check(&report, DIMENSION_APPLICATION, "dependency"));
    world_done(&world);
}

/* ---- interfaces ---- */
static int interface_verdict(const char *wanted, const char *offered)
{
    struct world world;
    char text[2048];
    snprintf(text, sizeof text,
             "{\"items\":[" APP("a", "A", "1", "%s") "," APP("c", "C", "1", "%s") "]}", wanted,
             offered);
    struct feasibility_report report = judge(&world, text);
    const struct feasibility_check *check =
        report_check(&report, DIMENSION_APPLICATION, "interface");
    int verdict = check ? check->verdict : VERDICT_ABSENT;
    world_done(&world);
    return verdict;
}

static void test_a_wanted_interface_is_offered_or_not_or_in_an_unknown_version(void **state)
{
    (void)state;
    const char *rest2 = ",\"consumes\":[{\"name\":\"REST\",\"version\":\">=2\"}]";
    assert_int_equal(
        interface_verdict(rest2, ",\"offers\":[{\"name\":\"rest\",\"version\":\"2.1\"}]"),
        VERDICT_PASS);
    assert_int_equal(
        interface_verdict(rest2, ",\"offers\":[{\"name\":\"REST\",\"version\":\"1.4\"}]"),
        VERDICT_FAIL);
    assert_int_equal(interface_verdict(rest2, ",\"interfaces\":[\"REST\"]"), VERDICT_UNKNOWN);
    assert_int_equal(interface_verdict(rest2, ""), VERDICT_FAIL);
    assert_int_equal(
        interface_verdict(",\"consumes\":[{\"name\":\"OPC UA\"}]", ",\"interfaces\":[\"opc-ua\"]"),
        VERDICT_PASS);
    assert_int_equal(interface_verdict(",\"consumes\":[{\"name\":\"MQTT\",\"from\":\"broker\"}]",
                                       ",\"interfaces\":[\"MQTT\"]"),
                     VERDICT_FAIL);
    assert_int_equal(interface_verdict(",\"consumes\":[{\"name\":\"MQTT\",\"optional\":true}]", ""),
                     VERDICT_ABSENT);
    assert_int_equal(interface_verdict("", ""), VERDICT_ABSENT);
}

static void test_an_interface_may_be_offered_by_what_nobody_knows(void **state)
{
    (void)state;
    struct world world;
    struct feasibility_report report = judge(
        &world, "{\"items\":[" APP("a", "A", "1", ",\"consumes\":[{\"name\":\"MQTT\"}]") "]}");
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "interface")->verdict,
                     VERDICT_UNKNOWN);
    world_done(&world);
}

static void test_old_app_yaml_reads_as_before(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct application_spec spec;
    static const char old[] = "{\"name\":\"shop\",\"version\":\"1\",\"form\":\"container\","
                              "\"artefact\":\"x\",\"interfaces\":[\"REST\"]}";
    assert_int_equal(json_decode_stored(old, &application_spec_table, &spec, &arena, NULL), ERR_OK);
    assert_int_equal(spec.interfaces.count, 1);
    assert_int_equal(spec.offers.count, 0);
    arena_done(&arena);
}

int version_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_read_as_people_write_them),
        cmocka_unit_test(test_what_comes_before_a_release_is_below_it),
        cmocka_unit_test(test_a_range_that_says_nothing_is_not_understood),
        cmocka_unit_test(test_two_needs_that_no_version_meets_are_explained),
        cmocka_unit_test(test_an_older_version_is_taken_when_the_newest_cannot_be),
        cmocka_unit_test(test_a_conflict_far_down_names_the_whole_chain_and_nothing_else),
        cmocka_unit_test(test_what_nobody_knows_is_unknown),
        cmocka_unit_test(test_what_the_solution_holds_is_taken_before_what_else_is_published),
        cmocka_unit_test(test_an_optional_need_asks_for_nothing),
        cmocka_unit_test(test_a_wanted_interface_is_offered_or_not_or_in_an_unknown_version),
        cmocka_unit_test(test_an_interface_may_be_offered_by_what_nobody_knows),
        cmocka_unit_test(test_old_app_yaml_reads_as_before),
    };
    return cmocka_run_group_tests_name("versions", tests, NULL, NULL);
}
