/* test_report.c - the five-dimension report: what is passed, failed and honestly unknown. */
#include "test_evaluation.h"

const struct feasibility_check *report_check(const struct feasibility_report *report, int dimension,
                                             const char *code)
{
    const struct feasibility_dimension *item = &report->dimensions.items[dimension - 1];
    for (size_t i = 0; i < item->checks.count; i++)
        if (str_eq(item->checks.items[i].code, code))
            return &item->checks.items[i];
    return NULL;
}

struct feasibility_report world_report(struct world *world)
{
    struct feasibility_report report;
    struct err err = ERR_INIT;
    if (evaluation_report(&world->input, &world->solution, &report, &world->arena, &err))
        fail_msg("report: %s", err.text);
    assert_int_equal(report.dimensions.count, FEASIBILITY_DIMENSIONS);
    for (int i = 0; i < FEASIBILITY_DIMENSIONS; i++) {
        const struct feasibility_dimension *dimension = &report.dimensions.items[i];
        assert_int_equal(dimension->kind, i + 1);
        if (dimension->checks.count == 0)
            assert_int_equal(dimension->verdict, VERDICT_UNKNOWN);
    }
    return report;
}

static int verdict_of(const struct feasibility_report *report, int dimension)
{
    return report->dimensions.items[dimension - 1].verdict;
}

static const char web[] =
    "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4,\"disk_gib\":10,"
    "\"form\":\"container\",\"tier\":\"edge\"}],\"user_location\":\"home\","
    "\"network\":{\"max_latency_ms\":5,\"bandwidth_mbps\":5},"
    "\"service_level\":{\"availability_percent\":98},"
    "\"budget\":{\"amount\":5000,\"currency\":\"CNY\",\"period\":\"month\"}}";
static const char at_edge[] =
    "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"edge\"}]}";

static void test_what_no_data_settles_is_unknown_and_never_passed(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, web, at_edge);
    struct feasibility_report report = world_report(&world);
    assert_int_equal(verdict_of(&report, DIMENSION_COMPUTE), VERDICT_PASS);
    assert_int_equal(verdict_of(&report, DIMENSION_NETWORK), VERDICT_PASS);
    assert_int_equal(verdict_of(&report, DIMENSION_APPLICATION), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(&report, DIMENSION_COST), VERDICT_PASS);
    assert_int_equal(report_check(&report, DIMENSION_BUSINESS, "availability")->verdict,
                     VERDICT_PASS);
    assert_int_equal(report_check(&report, DIMENSION_BUSINESS, "cases")->verdict, VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(&report, DIMENSION_BUSINESS), VERDICT_UNKNOWN);
    assert_int_equal(report.verdict, VERDICT_UNKNOWN);
    const struct feasibility_check *latency = report_check(&report, DIMENSION_NETWORK, "latency");
    assert_near(latency->margin.value, 4, 1e-9);
    assert_int_equal(latency->evidence.count, 1);
    assert_null(report_check(&report, DIMENSION_COMPUTE, "accelerator"));
    world_done(&world);
}

static void test_no_stated_flow_leaves_the_network_unknown(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1}]}", at_edge);
    struct feasibility_report report = world_report(&world);
    assert_int_equal(verdict_of(&report, DIMENSION_NETWORK), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(&report, DIMENSION_BUSINESS), VERDICT_UNKNOWN);
    world_done(&world);
}

static void test_a_bare_server_needs_no_application(void **state)
{
    (void)state;
    struct world world;
    world_init(
        &world, world_network,
        "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1,\"form\":\"server\"}]}",
        at_edge);
    struct feasibility_report report = world_report(&world);
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "application")->verdict,
                     VERDICT_PASS);
    world_done(&world);
}

/* A published application in two versions of a dependency. */
static struct application_spec_refs applications(struct world *world, const char *range)
{
    struct application_spec_refs refs = {0};
    struct application_spec_ref *app = LIST_ADD(&world->arena, &refs.items);
    app->component = "web";
    app->id = "shop@1.2";
    app->state = "published";
    app->spec = (struct application_spec){.name = "shop", .version = "1.2", .form = FORM_CONTAINER};
    app->spec.needs.vcpus = (struct opt_double){true, 1};
    app->spec.needs.memory_gib = (struct opt_double){true, 8};
    *LIST_ADD(&world->arena, &app->spec.needs.arch) = ARCH_ARM64;
    *LIST_ADD(&world->arena, &app->spec.dependencies) =
        (struct application_spec_dependency){.name = "postgresql", .version = range};
    struct application_spec_ref *other = LIST_ADD(&world->arena, &refs.items);
    other->id = "postgresql@15.3";
    other->state = "published";
    other->spec = (struct application_spec){.name = "postgresql", .version = "15.3"};
    return refs;
}

static int dependency_verdict(const char *range)
{
    struct world world;
    world_init(&world, world_network, web, at_edge);
    struct application_spec_refs refs = applications(&world, range);
    world.input.applications = &refs;
    struct feasibility_report report = world_report(&world);
    int verdict = report_check(&report, DIMENSION_APPLICATION, "dependency")->verdict;
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "application")->verdict,
                     VERDICT_PASS);
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "needs.vcpus")->verdict,
                     VERDICT_PASS);
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "needs.memory_gib")->verdict,
                     VERDICT_FAIL);
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "application.arch")->verdict,
                     VERDICT_FAIL);
    assert_int_equal(verdict_of(&report, DIMENSION_APPLICATION), VERDICT_FAIL);
    assert_true(report.score < 50);
    world_done(&world);
    return verdict;
}

static void test_dependencies_are_met_by_versions_in_range(void **state)
{
    (void)state;
    assert_int_equal(dependency_verdict(">=14 <17"), VERDICT_PASS);
    assert_int_equal(dependency_verdict("15"), VERDICT_PASS);
    assert_int_equal(dependency_verdict("^15.1"), VERDICT_PASS);
    assert_int_equal(dependency_verdict("*"), VERDICT_PASS);
    assert_int_equal(dependency_verdict(NULL), VERDICT_PASS);
    assert_int_equal(dependency_verdict("<15"), VERDICT_FAIL);
    assert_int_equal(dependency_verdict(">15"), VERDICT_FAIL);
    assert_int_equal(dependency_verdict("15.4"), VERDICT_FAIL);
    assert_int_equal(dependency_verdict("~15.4"), VERDICT_FAIL);
    assert_int_equal(dependency_verdict("newest"), VERDICT_UNKNOWN);
}

static void test_a_form_that_no_connection_opens_fails(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, web, at_edge);
    struct site_connections connections = {0};
    struct site_connection *host = LIST_ADD(&world.arena, &connections.items);
    *host = (struct site_connection){.site = "edge", .provider = "host", .endpoint = "local"};
    *LIST_ADD(&world.arena, &host->forms) = FORM_PACKAGE;
    world.input.connections = &connections;
    struct feasibility_report report = world_report(&world);
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "form")->verdict, VERDICT_FAIL);
    host->forms.items[0] = FORM_CONTAINER;
    report = world_report(&world);
    assert_null(report_check(&report, DIMENSION_APPLICATION, "form"));
    assert_int_equal(report_check(&report, DIMENSION_APPLICATION, "opening")->verdict,
                     VERDICT_PASS);
    world_done(&world);
}

static void test_an_old_price_is_said_and_lowers_confidence(void **state)
{
    (void)state;
    struct world world;
    const int64_t day = INT64_C(86400000);
    world_init(&world, world_network, web, at_edge);
    struct price_notes notes = {0};
    *LIST_ADD(&world.arena, &notes.items) = (struct price_note){
        .site = "edge", .basis = BASIS_LIST, .source = "price book", .as_of_ms = 100 * day};
    world.input.notes = &notes;
    world.input.now_ms = 200 * day;
    struct feasibility_report report = world_report(&world);
    assert_int_equal(report_check(&report, DIMENSION_COST, "price.age")->verdict, VERDICT_PASS);
    double fresh = report_check(&report, DIMENSION_COST, "budget")->confidence;
    world.input.now_ms = 900 * day;
    report = world_report(&world);
    assert_int_equal(report_check(&report, DIMENSION_COST, "price.age")->verdict, VERDICT_UNKNOWN);
    assert_near(report_check(&report, DIMENSION_COST, "budget")->confidence, fresh / 2, 1e-9);
    world_done(&world);
}

static void test_a_failed_constraint_fails_its_dimension_and_the_whole(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, web,
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"cloud\"}]}");
    struct feasibility_report report = world_report(&world);
    assert_int_equal(verdict_of(&report, DIMENSION_COMPUTE), VERDICT_FAIL);
    assert_int_equal(report.verdict, VERDICT_FAIL);
    assert_true(report.score <= 49);
    assert_int_equal(report_check(&report, DIMENSION_BUSINESS, "catalogue_only")->verdict,
                     VERDICT_UNKNOWN);
    world_done(&world);
}

int report_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_no_data_settles_is_unknown_and_never_passed),
        cmocka_unit_test(test_no_stated_flow_leaves_the_network_unknown),
        cmocka_unit_test(test_a_bare_server_needs_no_application),
        cmocka_unit_test(test_dependencies_are_met_by_versions_in_range),
        cmocka_unit_test(test_a_form_that_no_connection_opens_fails),
        cmocka_unit_test(test_an_old_price_is_said_and_lowers_confidence),
        cmocka_unit_test(test_a_failed_constraint_fails_its_dimension_and_the_whole),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
