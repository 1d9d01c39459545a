/* test_design.c - what design_solve promises beyond the optimum, which the property tests hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "intelligent/design/design.h"

static const char network_text[] =
    "{\"currency\":\"CNY\",\"access\":[{\"id\":\"home\"}],\"sites\":["
    "{\"id\":\"cheap\",\"tier\":\"public-cloud\",\"regions\":[\"south\"],\"arch\":[\"x86_64\"],"
    "\"provider\":\"simulator\",\"capacity\":{\"vcpus\":8,\"memory_gib\":32,\"disk_gib\":1000},"
    "\"price\":{\"vcpu_hour\":0.1,\"memory_gib_hour\":0.01,\"disk_gib_month\":0.3,"
    "\"bandwidth_mbps_month\":20,\"public_ip_month\":30},\"availability_percent\":99,"
    "\"protection_level\":2,\"pue\":1.5,\"carbon_g_per_kwh\":600},"
    "{\"id\":\"near\",\"tier\":\"edge\",\"regions\":[\"north\"],\"arch\":[\"x86_64\"],"
    "\"provider\":\"simulator\",\"capacity\":{\"vcpus\":8,\"memory_gib\":32,\"disk_gib\":1000},"
    "\"price\":{\"vcpu_hour\":0.3,\"memory_gib_hour\":0.03,\"disk_gib_month\":0.5,"
    "\"bandwidth_mbps_month\":20,\"public_ip_month\":10},\"availability_percent\":99.5,"
    "\"protection_level\":2,\"pue\":1.4,\"carbon_g_per_kwh\":500},"
    "{\"id\":\"sound\",\"tier\":\"private-cloud\",\"regions\":[\"north\"],\"arch\":[\"arm64\"],"
    "\"provider\":\"none\",\"capacity\":{\"vcpus\":8,\"memory_gib\":32,\"disk_gib\":1000},"
    "\"price\":{\"vcpu_hour\":0.4,\"memory_gib_hour\":0.04,\"disk_gib_month\":0.5,"
    "\"bandwidth_mbps_month\":20,\"public_ip_month\":20},\"availability_percent\":99.99,"
    "\"protection_level\":3,\"pue\":1.1,\"carbon_g_per_kwh\":100},"
    "{\"id\":\"unpriced\",\"tier\":\"edge\",\"regions\":[\"north\"],\"arch\":[\"x86_64\"],"
    "\"capacity\":{\"vcpus\":8,\"memory_gib\":32,\"disk_gib\":1000},\"price\":{},"
    "\"availability_percent\":99.999}],\"links\":["
    "{\"a\":\"home\",\"b\":\"near\",\"type\":\"optical\",\"latency_ms\":1,\"bandwidth_mbps\":100},"
    "{\"a\":\"near\",\"b\":\"cheap\",\"type\":\"optical\",\"latency_ms\":9,\"bandwidth_mbps\":100},"
    "{\"a\":\"near\",\"b\":\"sound\",\"type\":\"optical\",\"latency_ms\":4,\"bandwidth_mbps\":100},"
    "{\"a\":\"near\",\"b\":\"unpriced\",\"type\":\"optical\",\"latency_ms\":1,\"bandwidth_mbps\":"
    "100}"
    "]}";

struct world {
    struct arena arena;
    struct network network;
    struct requirement requirement;
    struct design_input input;
    struct solution_answer answer;
    struct err err;
};

static enum err_code solve(struct world *world, const char *requirement)
{
    memset(world, 0, sizeof *world);
    arena_init(&world->arena, 0);
    if (network_read_text(network_text, strlen(network_text), &world->network, &world->arena,
                          &world->err) ||
        json_decode(requirement, strlen(requirement), &requirement_table, NULL, &world->requirement,
                    &world->arena, &world->err))
        fail_msg("%s: %s", world->err.field, world->err.text);
    world->input.given =
        (struct evaluation_input){.requirement = &world->requirement, .network = &world->network};
    return design_solve(&world->input, &world->answer, &world->arena, &world->err);
}

static void done(struct world *world)
{
    arena_done(&world->arena);
}

static bool wins(const struct solution *solution, const char *objective)
{
    for (size_t i = 0; i < solution->wins.count; i++)
        if (str_eq(solution->wins.items[i], objective))
            return true;
    return false;
}

static const struct solution *winner(const struct world *world, const char *objective)
{
    for (size_t i = 0; i < world->answer.solutions.count; i++)
        if (wins(&world->answer.solutions.items[i], objective))
            return &world->answer.solutions.items[i];
    return NULL;
}

static const char web[] = "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4}],"
                          "\"user_location\":\"home\",\"network\":{\"bandwidth_mbps\":5}}";

static void test_each_objective_has_its_solution_and_equal_ones_are_merged(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, web), ERR_OK);
    assert_string_equal(world.answer.solutions.items[0].objective, "cost");
    assert_string_equal(winner(&world, "cost")->placements.items[0].site, "cheap");
    assert_string_equal(winner(&world, "latency")->placements.items[0].site, "near");
    assert_string_equal(winner(&world, "reliability")->placements.items[0].site, "sound");
    assert_ptr_equal(winner(&world, "reliability"), winner(&world, "green"));
    assert_true(world.answer.solutions.count >= 3 && world.answer.solutions.count <= 4);
    for (size_t i = 0; i < world.answer.solutions.count; i++) {
        assert_true(world.answer.solutions.items[i].gap == 0);
        assert_non_null(world.answer.solutions.items[i].evaluation);
    }
    assert_true(winner(&world, "green")->catalogue_only);
    assert_false(winner(&world, "cost")->catalogue_only);
    done(&world);
}

static void test_the_asked_objective_comes_first(void **state)
{
    (void)state;
    struct world world;
    char text[400];
    str_format(text, sizeof text, "{\"objective\":\"latency\",%s", web + 1);
    assert_int_equal(solve(&world, text), ERR_OK);
    assert_string_equal(world.answer.solutions.items[0].objective, "latency");
    done(&world);
}

static void test_one_solution_when_only_the_objective_is_asked(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, web), ERR_OK);
    world.input.only_objective = true;
    world.input.objective = OBJECTIVE_GREEN;
    assert_int_equal(design_solve(&world.input, &world.answer, &world.arena, &world.err), ERR_OK);
    assert_int_equal(world.answer.solutions.count, 1);
    assert_string_equal(world.answer.solutions.items[0].placements.items[0].site, "sound");
    done(&world);
}

static void test_the_number_of_solutions_is_bounded_as_asked(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, web), ERR_OK);
    world.input.max_solutions = 2;
    assert_int_equal(design_solve(&world.input, &world.answer, &world.arena, &world.err), ERR_OK);
    assert_int_equal(world.answer.solutions.count, 2);
    done(&world);
}

static void test_rejections_count_every_site_that_is_no_option(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"arch\":"
                                   "\"x86_64\"}],\"user_location\":\"home\","
                                   "\"network\":{\"max_latency_ms\":8}}"),
                     ERR_OK);
    assert_int_equal(world.answer.sites_seen, 4);
    assert_int_equal(world.answer.rejected.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct solution_rejection *item = &world.answer.rejected.items[i];
        assert_int_equal(item->count, 1);
        assert_string_equal(item->component, "web");
        if (str_eq(item->reason, "latency")) {
            assert_string_equal(item->site, "cheap");
            assert_string_equal(item->observed, "10");
            assert_true(item->margin.value == -2);
        } else if (str_eq(item->reason, "arch")) {
            assert_string_equal(item->observed, "arm64");
        } else {
            assert_string_equal(item->reason, "unknown.price.vcpu_hour");
            assert_string_equal(item->site, "unpriced");
        }
    }
    done(&world);
}

static void test_addresses_go_where_they_are_cheapest(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world,
                           "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"arch\":\"x86_64\","
                           "\"instances\":2}],\"reliability\":{\"mode\":\"active-active\"},"
                           "\"network\":{\"public_ips\":3}}"),
                     ERR_OK);
    const struct solution *solution = &world.answer.solutions.items[0];
    assert_int_equal(solution->placements.items[0].instance, 0);
    assert_string_equal(solution->placements.items[0].site, "near");
    assert_string_equal(solution->placements.items[1].site, "cheap");
    done(&world);
}

static void test_an_infeasible_need_names_its_conflict_and_what_would_help(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world,
                           "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4,"
                           "\"location\":\"south\"}],\"user_location\":\"home\","
                           "\"network\":{\"max_latency_ms\":3},"
                           "\"budget\":{\"amount\":5000,\"currency\":\"CNY\","
                           "\"period\":\"month\"}}"),
                     ERR_INFEASIBLE);
    assert_int_equal(world.answer.solutions.count, 0);
    assert_int_equal(world.answer.conflict.count, 2);
    assert_string_equal(world.answer.conflict.items[0], "components[0].location");
    assert_string_equal(world.answer.conflict.items[1], "network.max_latency_ms");
    assert_int_equal(world.answer.relaxations.count, 2);
    /* cheap is 10 ms away at (0.2 + 0.04)·730; near costs (0.6 + 0.12)·730 */
    assert_string_equal(world.answer.relaxations.items[0].change,
                        "network.max_latency_ms 3 → 10 ms (+7 ms)");
    assert_true(world.answer.relaxations.items[0].cost > 175.19 &&
                world.answer.relaxations.items[0].cost < 175.21);
    assert_string_equal(world.answer.relaxations.items[1].change, "drop components[0].location");
    assert_true(world.answer.relaxations.items[1].cost > 525.59 &&
                world.answer.relaxations.items[1].cost < 525.61);
    assert_true(world.err.hint[0] != '\0');
    done(&world);
}

static void test_a_budget_too_small_says_what_is_missing(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world,
                           "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4}],"
                           "\"budget\":{\"amount\":100,\"currency\":\"CNY\","
                           "\"period\":\"month\"}}"),
                     ERR_INFEASIBLE);
    assert_int_equal(world.answer.conflict.count, 1);
    assert_string_equal(world.answer.relaxations.items[0].change,
                        "budget 100 → 175.2 CNY/month (+75.2 CNY/month)");
    done(&world);
}

static void test_two_conflicts_are_relaxed_together(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world,
                           "{\"components\":[{\"name\":\"web\",\"vcpus\":1,\"location\":"
                           "\"nowhere\"},{\"name\":\"db\",\"vcpus\":1,\"tier\":\"device\"}]}"),
                     ERR_INFEASIBLE);
    assert_int_equal(world.answer.relaxations.count, 1);
    assert_non_null(strstr(world.answer.relaxations.items[0].change, "components[0].location"));
    assert_non_null(strstr(world.answer.relaxations.items[0].change, "components[1].tier"));
    done(&world);
}

static void test_amounts_are_named_when_nothing_else_explains_it(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, "{\"components\":[{\"name\":\"web\",\"vcpus\":64}]}"),
                     ERR_INFEASIBLE);
    assert_int_equal(world.answer.conflict.count, 1);
    assert_string_equal(world.answer.conflict.items[0], "components[0].vcpus");
    assert_string_equal(world.answer.relaxations.items[0].change,
                        "components[0].vcpus 64 → 8 (-56)");
    done(&world);
}

static bool at_once(void *ctx)
{
    ++*(int *)ctx;
    return true;
}

static void test_a_search_stopped_before_anything_was_found_is_cancelled(void **state)
{
    (void)state;
    struct world world;
    int polls = 0;
    assert_int_equal(solve(&world, web), ERR_OK);
    world.input.should_stop = at_once;
    world.input.stop_ctx = &polls;
    world.answer = (struct solution_answer){0};
    assert_int_equal(design_solve(&world.input, &world.answer, &world.arena, &world.err),
                     ERR_CANCELLED);
    assert_true(polls > 0);
    assert_int_equal(world.answer.solutions.count, 0); /* on failure nothing has changed */
    done(&world);
}

static void test_the_same_input_gives_the_same_answer(void **state)
{
    (void)state;
    struct world world;
    struct buf one = BUF_INIT, two = BUF_INIT;
    assert_int_equal(solve(&world, web), ERR_OK);
    json_encode(&solution_answer_table, &world.answer, JSON_COMPACT, &one);
    assert_int_equal(design_solve(&world.input, &world.answer, &world.arena, &world.err), ERR_OK);
    json_encode(&solution_answer_table, &world.answer, JSON_COMPACT, &two);
    assert_string_equal(buf_str(&one), buf_str(&two));
    buf_done(&one);
    buf_done(&two);
    done(&world);
}

static void test_too_many_instances_are_refused(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, "{\"components\":[{\"name\":\"web\",\"instances\":5000}]}"),
                     ERR_TOO_LARGE);
    done(&world);
}

static void test_a_budget_in_another_currency_is_assumed_not_compared(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, "{\"components\":[{\"name\":\"web\",\"vcpus\":2}],"
                                   "\"budget\":{\"amount\":1,\"currency\":\"USD\","
                                   "\"period\":\"month\"}}"),
                     ERR_OK);
    assert_non_null(strstr(world.answer.solutions.items[0].assumptions.items[0], "budget"));
    done(&world);
}

static bool after_the_search(void *ctx)
{
    return ++*(int *)ctx > 1; /* the search asks once, then the trials begin */
}

static void test_trials_that_were_stopped_are_said(void **state)
{
    (void)state;
    struct world world;
    int polls = 0;
    assert_int_equal(solve(&world,
                           "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"tier\":\"edge\","
                           "\"location\":\"south\"}]}"),
                     ERR_INFEASIBLE);
    assert_int_equal(world.answer.undecided.count, 0);
    assert_int_equal(world.answer.conflict.count, 2);
    world.input.should_stop = after_the_search;
    world.input.stop_ctx = &polls;
    world.answer = (struct solution_answer){0};
    assert_int_equal(design_solve(&world.input, &world.answer, &world.arena, &world.err),
                     ERR_INFEASIBLE);
    assert_true(world.answer.undecided.count > 0);
    assert_int_equal(world.answer.relaxations.count, 0);
    assert_non_null(strstr(world.err.text, "not decided"));
    done(&world);
}

static bool is_assumed(const struct solution *solution, const char *words)
{
    for (size_t i = 0; i < solution->assumptions.count; i++)
        if (strstr(solution->assumptions.items[i], words))
            return true;
    return false;
}

static void test_what_was_left_open_is_said_and_the_opening_estimated(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve(&world, "{\"components\":[{\"name\":\"web\",\"form\":\"vm-image\","
                                   "\"vcpus\":2}],\"network\":{\"max_latency_ms\":20}}"),
                     ERR_OK);
    const struct solution *solution = &world.answer.solutions.items[0];
    assert_true(is_assumed(solution, "farthest access point"));
    assert_true(is_assumed(solution, "web: instances are not stated: 1 each"));
    assert_true(is_assumed(solution, "web: memory is not stated"));
    assert_true(is_assumed(solution, "from the user to web"));
    assert_true(is_assumed(solution, "web because price.vcpu_hour is not known there: 1"));
    assert_true(is_assumed(solution, "applications of unknown size"));
    assert_false(is_assumed(solution, "vcpus are not stated"));
    assert_true(solution->opening_s.set && solution->opening_s.value == 10); /* 1 + 7 + 2 */
    done(&world);
}

/* ---- pins and exclusions ---- */
static enum err_code solve_pinned(struct world *world, const char *requirement,
                                  struct design_pin pin, struct design_exclusion exclusion)
{
    enum err_code code = solve(world, requirement);
    if (code)
        return code;
    if (pin.site)
        *LIST_ADD(&world->arena, &world->input.pins) = pin;
    if (exclusion.site)
        *LIST_ADD(&world->arena, &world->input.exclusions) = exclusion;
    world->answer = (struct solution_answer){0};
    return design_solve(&world->input, &world->answer, &world->arena, &world->err);
}

static void test_a_pinned_component_runs_where_it_is_pinned(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve_pinned(&world, web, (struct design_pin){"web", -1, "near"},
                                  (struct design_exclusion){0}),
                     ERR_OK);
    for (size_t i = 0; i < world.answer.solutions.count; i++)
        assert_string_equal(world.answer.solutions.items[i].placements.items[0].site, "near");
    done(&world);
}

static void test_a_pin_of_one_instance_keeps_its_number(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(
        solve_pinned(&world,
                     "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"instances\":3}],"
                     "\"network\":{\"public_ips\":1}}",
                     (struct design_pin){"web", 1, "sound"}, (struct design_exclusion){0}),
        ERR_OK);
    const struct solution *solution = &world.answer.solutions.items[0];
    assert_string_equal(solution->placements.items[0].site, "cheap");
    assert_string_equal(solution->placements.items[1].site, "sound");
    assert_string_equal(solution->placements.items[2].site, "cheap");
    done(&world);
}

static void test_nothing_runs_on_an_excluded_site(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(
        solve_pinned(&world, web, (struct design_pin){0}, (struct design_exclusion){NULL, "cheap"}),
        ERR_OK);
    for (size_t i = 0; i < world.answer.solutions.count; i++)
        assert_string_not_equal(world.answer.solutions.items[i].placements.items[0].site, "cheap");
    bool counted = false;
    for (size_t i = 0; i < world.answer.rejected.count; i++)
        counted = counted || (str_eq(world.answer.rejected.items[i].reason, "excluded") &&
                              str_eq(world.answer.rejected.items[i].site, "cheap"));
    assert_true(counted);
    done(&world);
}

static void test_a_pin_on_a_site_that_cannot_is_in_the_conflict_and_may_be_dropped(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(
        solve_pinned(&world,
                     "{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"arch\":\"x86_64\"}]}",
                     (struct design_pin){"web", 0, "sound"}, (struct design_exclusion){0}),
        ERR_INFEASIBLE);
    assert_int_equal(world.answer.conflict.count, 2);
    assert_string_equal(world.answer.conflict.items[0], "components[0].arch");
    assert_string_equal(world.answer.conflict.items[1], "pin web[0]@sound");
    assert_string_equal(world.answer.relaxations.items[0].change, "drop pin web[0]@sound");
    bool counted = false;
    for (size_t i = 0; i < world.answer.rejected.count; i++)
        counted = counted || (str_eq(world.answer.rejected.items[i].reason, "pin") &&
                              str_eq(world.answer.rejected.items[i].site, "sound") &&
                              str_eq(world.answer.rejected.items[i].observed, "arch"));
    assert_true(counted);
    done(&world);
}

static void test_an_unknown_name_of_a_wish_is_refused_with_the_nearest(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(solve_pinned(&world, web, (struct design_pin){"web", -1, "naer"},
                                  (struct design_exclusion){0}),
                     ERR_INVALID);
    assert_string_equal(world.err.field, "pins[0]");
    assert_non_null(strstr(world.err.hint, "'near'"));
    done(&world);
    assert_int_equal(
        solve_pinned(&world, web, (struct design_pin){0}, (struct design_exclusion){"wep", "near"}),
        ERR_INVALID);
    assert_string_equal(world.err.field, "exclusions[0]");
    assert_non_null(strstr(world.err.hint, "'web'"));
    done(&world);
    assert_int_equal(solve_pinned(&world, web, (struct design_pin){"web", 1, "near"},
                                  (struct design_exclusion){0}),
                     ERR_INVALID); /* there is only number 0 */
    done(&world);
}

/* ---- several needs at once ---- */
static enum err_code solve_batch(struct world *world, const char *requirement, size_t count,
                                 struct design_batch *out)
{
    enum err_code code = solve(world, requirement);
    if (code)
        return code;
    struct design_input *inputs = arena_array(&world->arena, count, sizeof *inputs);
    for (size_t i = 0; i < count; i++)
        inputs[i] = world->input;
    struct design_batch_input input = {.needs = inputs, .count = count};
    return design_solve_batch(&input, out, &world->arena, &world->err);
}

static const char five[] = "{\"components\":[{\"name\":\"web\",\"vcpus\":5,\"memory_gib\":4,"
                           "\"arch\":\"x86_64\"}]}";

static void test_of_two_equal_needs_one_is_moved_and_by_whom_is_said(void **state)
{
    (void)state;
    struct world world;
    struct design_batch batch = {0};
    assert_int_equal(solve_batch(&world, five, 2, &batch), ERR_OK);
    /* 5 of cheap's 8 vcpus are taken by the first: (0.5 + 0.04)·730 there, (1.5 + 0.12)·730 at near
     */
    assert_true(batch.total > 1576.79 && batch.total < 1576.81);
    assert_true(batch.gap == 0 && batch.needs[0].alone < 394.21);
    assert_int_equal(batch.moves.count, 1);
    const struct design_move *move = &batch.moves.items[0];
    assert_string_equal(move->from, "cheap");
    assert_string_equal(move->to, "near");
    assert_string_equal(move->resource, "vcpus of cheap");
    assert_int_equal(move->by.count, 1);
    assert_int_equal(move->by.items[0], 1 - move->need);
    for (size_t i = 0; i < 2; i++)
        assert_non_null(batch.needs[i].answer.solutions.items[0].evaluation);
    done(&world);
}

static void test_needs_that_cannot_hold_together_are_named_with_what_is_short(void **state)
{
    (void)state;
    struct world world;
    struct design_batch batch = {0};
    assert_int_equal(solve_batch(&world, five, 3, &batch), ERR_INFEASIBLE);
    assert_int_equal(batch.together.count, 3); /* two fit, three do not */
    assert_true(batch.together_minimal);
    assert_string_equal(batch.short_of.items[0], "vcpus of cheap");
    assert_int_equal(batch.needs[0].code, ERR_OK);
    done(&world);
}

static void test_a_need_of_a_batch_that_is_impossible_alone_says_why(void **state)
{
    (void)state;
    struct world world;
    struct design_batch batch = {0};
    struct requirement impossible;
    assert_int_equal(solve(&world, five), ERR_OK);
    struct design_input inputs[] = {world.input, world.input};
    impossible = world.requirement;
    impossible.security.data_residency = "nowhere";
    inputs[1].given.requirement = &impossible;
    struct design_batch_input input = {.needs = inputs, .count = 2};
    assert_int_equal(design_solve_batch(&input, &batch, &world.arena, &world.err), ERR_OK);
    assert_int_equal(batch.needs[0].answer.solutions.count, 1);
    assert_int_equal(batch.needs[1].code, ERR_INFEASIBLE);
    assert_string_equal(batch.needs[1].answer.conflict.items[0], "security.data_residency");
    done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_objective_has_its_solution_and_equal_ones_are_merged),
        cmocka_unit_test(test_the_asked_objective_comes_first),
        cmocka_unit_test(test_one_solution_when_only_the_objective_is_asked),
        cmocka_unit_test(test_the_number_of_solutions_is_bounded_as_asked),
        cmocka_unit_test(test_rejections_count_every_site_that_is_no_option),
        cmocka_unit_test(test_addresses_go_where_they_are_cheapest),
        cmocka_unit_test(test_an_infeasible_need_names_its_conflict_and_what_would_help),
        cmocka_unit_test(test_a_budget_too_small_says_what_is_missing),
        cmocka_unit_test(test_two_conflicts_are_relaxed_together),
        cmocka_unit_test(test_amounts_are_named_when_nothing_else_explains_it),
        cmocka_unit_test(test_a_search_stopped_before_anything_was_found_is_cancelled),
        cmocka_unit_test(test_the_same_input_gives_the_same_answer),
        cmocka_unit_test(test_too_many_instances_are_refused),
        cmocka_unit_test(test_a_budget_in_another_currency_is_assumed_not_compared),
        cmocka_unit_test(test_trials_that_were_stopped_are_said),
        cmocka_unit_test(test_what_was_left_open_is_said_and_the_opening_estimated),
        cmocka_unit_test(test_a_pinned_component_runs_where_it_is_pinned),
        cmocka_unit_test(test_a_pin_of_one_instance_keeps_its_number),
        cmocka_unit_test(test_nothing_runs_on_an_excluded_site),
        cmocka_unit_test(test_a_pin_on_a_site_that_cannot_is_in_the_conflict_and_may_be_dropped),
        cmocka_unit_test(test_an_unknown_name_of_a_wish_is_refused_with_the_nearest),
        cmocka_unit_test(test_of_two_equal_needs_one_is_moved_and_by_whom_is_said),
        cmocka_unit_test(test_needs_that_cannot_hold_together_are_named_with_what_is_short),
        cmocka_unit_test(test_a_need_of_a_batch_that_is_impossible_alone_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
