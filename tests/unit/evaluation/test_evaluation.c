/* test_evaluation.c - the shared model: paths, eligibility, cost, and measuring good and bad
 * solutions. */
#include "test_evaluation.h"

#include <math.h>

/* Two cities joined by two equal ways of different price, a third place joined to nothing. */
const char world_network[] =
    "{\"currency\":\"CNY\",\"access\":[{\"id\":\"home\"},{\"id\":\"far\"}],\"sites\":["
    "{\"id\":\"edge\",\"tier\":\"edge\",\"regions\":[\"north\",\"all\"],\"arch\":[\"x86_64\"],"
    "\"provider\":\"simulator\",\"capacity\":{\"vcpus\":8,\"memory_gib\":16,\"disk_gib\":100},"
    "\"allocated\":{\"vcpus\":2,\"memory_gib\":4,\"disk_gib\":0},"
    "\"accelerators\":[{\"kind\":\"gpu\",\"model\":\"T4\",\"count\":2,\"allocated\":0},"
    "{\"kind\":\"gpu\",\"model\":\"A10\",\"count\":1,\"allocated\":0}],"
    "\"price\":{\"vcpu_hour\":0.1,\"memory_gib_hour\":0.02,\"disk_gib_month\":0.5,"
    "\"bandwidth_mbps_month\":20,\"public_ip_month\":15,\"accelerator_hour\":{\"T4\":3,\"A10\":5}},"
    "\"availability_percent\":99,\"protection_level\":2,\"pue\":1.5,\"carbon_g_per_kwh\":500},"
    "{\"id\":\"cloud\",\"tier\":\"public-cloud\",\"regions\":[\"south\",\"all\"],\"arch\":[\"x86_"
    "64\","
    "\"arm64\"],\"provider\":\"none\",\"capacity\":{\"vcpus\":100,\"memory_gib\":400,"
    "\"disk_gib\":10000},\"price\":{\"vcpu_hour\":0.2,\"memory_gib_hour\":0.03,"
    "\"disk_gib_month\":0.4,\"bandwidth_mbps_month\":30,\"public_ip_month\":10},\"flavors\":["
    "{\"name\":\"small\",\"vcpus\":2,\"memory_gib\":4,\"price_hour\":0.5},"
    "{\"name\":\"large\",\"vcpus\":8,\"memory_gib\":16,\"price_hour\":1.5}],"
    "\"availability_percent\":99.9,\"protection_level\":3,\"pue\":1.2,\"carbon_g_per_kwh\":400},"
    "{\"id\":\"island\",\"tier\":\"device\",\"regions\":[\"sea\"],\"arch\":[\"arm64\"],"
    "\"capacity\":{\"vcpus\":4},\"price\":{\"vcpu_hour\":0.1}}],\"links\":["
    "{\"a\":\"home\",\"b\":\"edge\",\"type\":\"optical\",\"latency_ms\":1,\"bandwidth_mbps\":100,"
    "\"used_mbps\":40},"
    "{\"a\":\"edge\",\"b\":\"cloud\",\"type\":\"optical\",\"latency_ms\":0.3,\"bandwidth_mbps\":"
    "1000,"
    "\"price_mbps_month\":2},"
    "{\"a\":\"home\",\"b\":\"far\",\"type\":\"optical\",\"latency_ms\":0.1,\"bandwidth_mbps\":1000,"
    "\"price_mbps_month\":0.5},"
    "{\"a\":\"far\",\"b\":\"cloud\",\"type\":\"optical\",\"latency_ms\":1.2,\"bandwidth_mbps\":"
    "1000,"
    "\"price_mbps_month\":0.5}]}";

void world_init(struct world *world, const char *network, const char *requirement,
                const char *solution)
{
    struct err err = ERR_INIT;
    memset(world, 0, sizeof *world);
    arena_init(&world->arena, 0);
    if (network_read_text(network, strlen(network), &world->network, &world->arena, &err))
        fail_msg("network: %s: %s", err.field, err.text);
    if (json_decode(requirement, strlen(requirement), &requirement_table, NULL, &world->requirement,
                    &world->arena, &err))
        fail_msg("requirement: %s: %s", err.field, err.text);
    if (solution && json_decode(solution, strlen(solution), &solution_table, NULL, &world->solution,
                                &world->arena, &err))
        fail_msg("solution: %s: %s", err.field, err.text);
    world->input =
        (struct evaluation_input){.requirement = &world->requirement, .network = &world->network};
}

void world_standards(struct world *world)
{
    struct feasibility_standards *standards = arena_zalloc(&world->arena, sizeof *standards);
    struct err err = ERR_INIT;
    if (evaluation_standards_shipped(standards, &world->arena, &err))
        fail_msg("standards: %s: %s", err.field, err.text);
    world->input.standards = standards;
}

void world_done(struct world *world)
{
    arena_done(&world->arena);
}

static struct evaluation_model *world_model(struct world *world)
{
    struct evaluation_model *model = NULL;
    struct err err = ERR_INIT;
    if (evaluation_model_new(&world->input, &model, &world->arena, &err))
        fail_msg("model: %s", err.text);
    return model;
}

struct evaluation_figures world_measure(struct world *world)
{
    struct evaluation_figures figures;
    assert_int_equal(
        evaluation_measure(world_model(world), &world->solution, &figures, &world->arena, NULL),
        ERR_OK);
    return figures;
}

const struct feasibility_check *violation(const struct evaluation_figures *figures,
                                          const char *code)
{
    for (size_t i = 0; i < figures->violations.count; i++)
        if (str_eq(figures->violations.items[i].code, code))
            return &figures->violations.items[i];
    return NULL;
}

static const char one_web[] = "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4,"
                              "\"disk_gib\":10}]}";

static void test_of_equal_paths_the_cheaper_is_taken_from_both_ends(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, one_web, NULL);
    struct evaluation_model *model = world_model(&world);
    size_t links[8], count; /* nodes: edge 0, cloud 1, island 2, home 3, far 4 */
    assert_near(evaluation_latency(model, 3, 1), 1.3, 0);
    assert_near(evaluation_path(model, 3, 1, links, &count, 8), 1.0, 1e-12);
    assert_int_equal(count, 2);
    assert_int_equal(links[0], 2);
    assert_int_equal(links[1], 3);
    assert_near(evaluation_path(model, 1, 3, links, &count, 8), 1.0, 1e-12);
    assert_int_equal(links[0], 3);
    assert_int_equal(links[1], 2);
    world_done(&world);
}

static void test_a_node_without_links_is_out_of_reach(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, one_web, NULL);
    struct evaluation_model *model = world_model(&world);
    assert_true(isinf(evaluation_latency(model, 3, 2)));
    assert_near(evaluation_latency(model, 2, 2), 0, 0);
    assert_true(isinf(evaluation_path(model, 2, 3, NULL, NULL, 0)));
    world_done(&world);
}

static void test_reasons_say_what_was_required_and_observed(void **state)
{
    (void)state;
    struct world world;
    struct evaluation_reason reason;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":7,\"tier\":\"edge\"}]}", NULL);
    struct evaluation_model *model = world_model(&world);
    assert_false(evaluation_eligible(model, 0, 0, &reason, &world.arena));
    assert_string_equal(reason.reason, "capacity.vcpus");
    assert_string_equal(reason.required, "7");
    assert_string_equal(reason.observed, "6");
    assert_near(reason.margin.value, -1, 1e-12);
    assert_false(evaluation_eligible(model, 0, 1, &reason, &world.arena));
    assert_string_equal(reason.reason, "tier");
    world_done(&world);
}

static void test_an_absent_field_makes_a_site_ineligible_as_unknown(void **state)
{
    (void)state;
    struct world world;
    struct evaluation_reason reason;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1}],"
               "\"security\":{\"protection_level\":1}}",
               NULL);
    assert_false(evaluation_eligible(world_model(&world), 0, 2, &reason, &world.arena));
    assert_string_equal(reason.reason, "unknown.protection_level");
    world.requirement.security.protection_level.set = false;
    assert_false(evaluation_eligible(world_model(&world), 0, 2, &reason, &world.arena));
    assert_string_equal(reason.reason, "unknown.capacity.memory_gib");
    world_done(&world);
}

static void test_network_bounds_become_flows_to_components_without_a_place(void **state)
{
    (void)state;
    struct world world;
    const struct evaluation_flow *flows;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"a\",\"location\":\"north\"},{\"name\":\"b\"}],"
               "\"flows\":[{\"from\":\"a\",\"to\":\"b\",\"max_latency_ms\":9}],"
               "\"network\":{\"max_latency_ms\":5,\"bandwidth_mbps\":10}}",
               NULL);
    assert_int_equal(evaluation_flows(world_model(&world), &flows), 2);
    assert_int_equal(flows[1].from, -1);
    assert_int_equal(flows[1].to, 1);
    assert_near(flows[1].max_latency_ms.value, 5, 0);
    assert_near(flows[1].bandwidth_mbps, 10, 0);
    world_done(&world);
}

static void test_network_bounds_fill_in_what_user_flows_leave_out(void **state)
{
    (void)state;
    struct world world;
    const struct evaluation_flow *flows;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"a\"}],\"flows\":[{\"from\":\"user\",\"to\":\"a\","
               "\"max_latency_ms\":9}],\"network\":{\"max_latency_ms\":5,\"bandwidth_mbps\":10}}",
               NULL);
    assert_int_equal(evaluation_flows(world_model(&world), &flows), 1);
    assert_near(flows[0].max_latency_ms.value, 9, 0);
    assert_near(flows[0].bandwidth_mbps, 10, 0);
    world_done(&world);
}

static void refused(struct world *world, const char *field)
{
    struct evaluation_model *model = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(evaluation_model_new(&world->input, &model, &world->arena, &err), ERR_INVALID);
    assert_string_equal(err.field, field);
    assert_int_equal(evaluation_model_new(&world->input, &model, &world->arena, NULL), ERR_INVALID);
}

static void test_a_requirement_that_breaks_its_own_rules_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"flows\":[{\"from\":\"user\","
               "\"to\":\"a\"},{\"from\":\"a\",\"to\":\"b\"}],\"user_location\":\"nowhere\"}",
               NULL);
    refused(&world, "user_location");
    world.requirement.user_location = "edge"; /* a site is no access point */
    refused(&world, "user_location");
    world.requirement.user_location = "home";
    world.requirement.flows.items[1].from = "x";
    refused(&world, "flows[1].from");
    world.requirement.flows.items[1].from = "a";
    world.requirement.components.items[1].name = "a";
    refused(&world, "components[1].name");
    world_done(&world);
}

static void test_cost_is_the_sum_of_its_lines(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4,\"disk_gib\":10,"
               "\"instances\":2}],\"user_location\":\"home\",\"network\":{\"bandwidth_mbps\":5,"
               "\"public_ips\":2}}",
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"edge\"},"
               "{\"component\":\"web\",\"instance\":1,\"site\":\"cloud\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_true(figures.feasible);
    /* edge: 2·0.1+4·0.02 an hour, cloud: flavor small; disks 5 + 4; bandwidth 5·(20+30);
     * links 5·1 to cloud; two addresses at edge */
    double expected = (0.28 + 0.5) * 730 + 9 + 250 + 5 + 30;
    assert_near(figures.cost, expected, 1e-9);
    double sum = 0;
    for (size_t i = 0; i < world.solution.cost_lines.count; i++)
        sum += world.solution.cost_lines.items[i].amount;
    assert_near(sum, figures.cost, 1e-9);
    assert_string_equal(world.solution.placements.items[1].flavor, "small");
    assert_near(figures.latency.value, 1.3, 1e-9);
    assert_near(figures.reliability.value, 1 - 0.01 * 0.001, 1e-12);
    assert_near(figures.green.value, 2 * 1.5 * 500 + 2 * 1.2 * 400, 1e-9);
    assert_true(world.solution.catalogue_only);
    world_done(&world);
}

static void test_accelerator_models_left_open_are_served_cheapest(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"ai\",\"vcpus\":1,\"memory_gib\":1,\"instances\":3,"
               "\"accelerator\":{\"kind\":\"gpu\",\"count\":1}}]}",
               "{\"placements\":[{\"component\":\"ai\",\"instance\":0,\"site\":\"edge\"},"
               "{\"component\":\"ai\",\"instance\":1,\"site\":\"edge\"},"
               "{\"component\":\"ai\",\"instance\":2,\"site\":\"edge\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_true(figures.feasible);
    assert_near(figures.cost, 3 * 0.12 * 730 + (2 * 3 + 5) * 730, 1e-9);
    world_done(&world);
}

static void test_a_bad_solution_gives_violations_not_errors(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"instances\":2},{\"name\":\"db\","
               "\"vcpus\":1}],\"reliability\":{\"mode\":\"active-active\"}}",
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"atlantis\"},"
               "{\"component\":\"ghost\",\"instance\":0,\"site\":\"edge\"},"
               "{\"component\":\"web\",\"instance\":7,\"site\":\"edge\"},"
               "{\"component\":\"web\",\"instance\":1,\"site\":\"edge\"},"
               "{\"component\":\"web\",\"instance\":1,\"site\":\"edge\"},"
               "{\"component\":\"db\",\"instance\":0,\"site\":\"edge\",\"flavor\":\"huge\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_false(figures.feasible);
    assert_non_null(violation(&figures, "site"));
    assert_non_null(violation(&figures, "component"));
    assert_non_null(violation(&figures, "instances"));
    assert_non_null(violation(&figures, "flavor"));
    assert_non_null(violation(&figures, "mode"));
    world_done(&world);
}

static void test_an_empty_solution_is_a_failed_one(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network, one_web, "{\"placements\":[]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_false(figures.feasible);
    assert_string_equal(violation(&figures, "instances")->observed, "0");
    world_done(&world);
}

static void test_a_full_link_forbids_the_placement(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1}],"
               "\"user_location\":\"home\",\"network\":{\"bandwidth_mbps\":61}}",
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"edge\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    const struct feasibility_check *check = violation(&figures, "bandwidth");
    assert_non_null(check);
    assert_int_equal(check->verdict, VERDICT_FAIL);
    assert_near(check->margin.value, -1, 1e-9);
    world.requirement.network.bandwidth_mbps.value = 60; /* equality passes */
    figures = world_measure(&world);
    assert_true(figures.feasible);
    world_done(&world);
}

static void test_a_site_out_of_reach_fails_connectivity(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":1}],\"user_location\":\"home\","
               "\"network\":{\"max_latency_ms\":5}}",
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"island\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_int_equal(violation(&figures, "connectivity")->verdict, VERDICT_FAIL);
    world_done(&world);
}

static void test_an_unknown_price_is_unknown_and_not_free(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, world_network,
               "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"disk_gib\":5}],"
               "\"budget\":{\"amount\":1000,\"currency\":\"CNY\",\"period\":\"month\"}}",
               "{\"placements\":[{\"component\":\"web\",\"instance\":0,\"site\":\"island\"}]}");
    struct evaluation_figures figures = world_measure(&world);
    assert_false(figures.feasible);
    assert_int_equal(violation(&figures, "unknown.price.disk_gib_month")->verdict, VERDICT_UNKNOWN);
    assert_int_equal(violation(&figures, "budget")->verdict, VERDICT_UNKNOWN);
    assert_int_equal(violation(&figures, "capacity.disk_gib")->verdict, VERDICT_UNKNOWN);
    world_done(&world);
}

static double budget_limit(const char *budget)
{
    struct world world;
    char text[300];
    str_format(text, sizeof text, "{\"components\":[{\"name\":\"web\",\"vcpus\":1}],%s}", budget);
    world_init(&world, world_network, text, NULL);
    double limit = evaluation_budget_limit(world_model(&world));
    world_done(&world);
    return limit;
}

static void test_a_budget_is_compared_in_its_period(void **state)
{
    (void)state;
    assert_near(budget_limit("\"budget\":{\"amount\":12,\"currency\":\"CNY\",\"period\":\"year\"}"),
                1, 0.01);
    assert_near(budget_limit("\"budget\":{\"amount\":1,\"currency\":\"CNY\",\"period\":\"hour\"}"),
                730, 0.01);
    assert_near(budget_limit("\"duration_days\":60,\"budget\":{\"amount\":10,"
                             "\"currency\":\"CNY\",\"period\":\"once\"}"),
                5, 0.01);
    assert_true(
        isinf(budget_limit("\"budget\":{\"amount\":1,\"currency\":\"CNY\",\"period\":\"once\"}")));
    assert_true(
        isinf(budget_limit("\"budget\":{\"amount\":1,\"currency\":\"USD\",\"period\":\"month\"}")));
}

/* A network of two access points a and b and what is put in; the error's text and field. */
static void network_refused(const char *access, const char *links, const char *line,
                            const char *text, const char *field)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct network network;
    struct err err = {0};
    char *file =
        arena_printf(&arena, "currency: CNY\naccess:\n%ssites: []\nlinks:\n%s", access, links);
    assert_int_equal(network_read_text(file, strlen(file), &network, &arena, &err), ERR_INVALID);
    if (!strstr(err.text, line) || !strstr(err.text, text))
        fail_msg("'%s' and '%s' are not in: %s", line, text, err.text);
    assert_string_equal(err.field, field);
}

static void test_bad_networks_are_refused_with_their_line(void **state)
{
    (void)state;
    const char *two = "  - {id: a}\n  - {id: b}\n";
    network_refused(two, "  - {a: a, b: c, latency_ms: 1}\n", "line 7", "'c'", "links[0].b");
    network_refused("  - {id: a}\n  - {id: a}\n", "  []\n", "line 4", "twice", "access[1].id");
    network_refused(two, "  - {a: a, b: a, latency_ms: 1}\n", "line 7", "itself", "links[0].b");
    network_refused(two, "  - {a: a, b: b, latency_ms: 1, price_mbps_month: -3}\n", "line 7", "-3",
                    "links[0].price_mbps_month");
    network_refused(two, "  - {a: a, b: b, latency_ms: 1, colour: 3}\n", "line 7", "unknown key",
                    "links[0].colour");
    network_refused(two,
                    "  - {a: a, b: b, latency_ms: 1}\n  - {a: a, b: b, latency_ms: 2}\n"
                    "  - {a: b, b: a, latency_ms: 1}\n",
                    "line 9", "links[0] again", "links[2].a");
}

static void test_a_million_times_the_same_link_is_refused_with_the_line_of_the_second(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct network network;
    struct err err = {0};
    arena_init(&arena, (size_t)4 << 30);
    buf_printf(&text, "%s",
               "{\"currency\":\"CNY\",\"access\":[{\"id\":\"a\"},{\"id\":\"b\"}],\n"
               "\"sites\":[],\"links\":[\n");
    for (int i = 0; i < 1000000; i++)
        buf_printf(&text, "%s{\"a\":\"a\",\"b\":\"b\",\"latency_ms\":1}", i ? ",\n" : "");
    buf_printf(&text, "%s", "]}\n");
    assert_int_equal(network_read_text(buf_str(&text), text.len, &network, &arena, &err),
                     ERR_INVALID);
    assert_non_null(strstr(err.text, "line 4"));
    assert_string_equal(err.field, "links[1].a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_networks_are_refused_with_their_line),
        cmocka_unit_test(test_a_million_times_the_same_link_is_refused_with_the_line_of_the_second),
        cmocka_unit_test(test_of_equal_paths_the_cheaper_is_taken_from_both_ends),
        cmocka_unit_test(test_a_node_without_links_is_out_of_reach),
        cmocka_unit_test(test_reasons_say_what_was_required_and_observed),
        cmocka_unit_test(test_an_absent_field_makes_a_site_ineligible_as_unknown),
        cmocka_unit_test(test_network_bounds_become_flows_to_components_without_a_place),
        cmocka_unit_test(test_network_bounds_fill_in_what_user_flows_leave_out),
        cmocka_unit_test(test_a_requirement_that_breaks_its_own_rules_is_refused),
        cmocka_unit_test(test_cost_is_the_sum_of_its_lines),
        cmocka_unit_test(test_accelerator_models_left_open_are_served_cheapest),
        cmocka_unit_test(test_a_bad_solution_gives_violations_not_errors),
        cmocka_unit_test(test_an_empty_solution_is_a_failed_one),
        cmocka_unit_test(test_a_full_link_forbids_the_placement),
        cmocka_unit_test(test_a_site_out_of_reach_fails_connectivity),
        cmocka_unit_test(test_an_unknown_price_is_unknown_and_not_free),
        cmocka_unit_test(test_a_budget_is_compared_in_its_period),
    };
    return cmocka_run_group_tests_name("model and measure", tests, NULL, NULL) + report_tests() +
           network_tests() + version_tests() + business_tests() + hostile_tests();
}
