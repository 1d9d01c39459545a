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

/* Two lines to two sites, both in one duct; the sites in one building. */
static const char shared[] =
    "currency: CNY\n"
    "access: [{id: u}]\n"
    "sites:\n"
    "  - {id: x, tier: edge, shared_risk: [building]}\n"
    "  - {id: y, tier: edge, shared_risk: [building]}\n"
    "  - {id: z, tier: edge, owner: o}\n"
    "links:\n"
    "  - {a: u, b: x, latency_ms: 1, shared_risk: [duct]}\n"
    "  - {a: u, b: y, latency_ms: 2, bandwidth_mbps: 100, shared_risk: [duct]}\n"
    "  - {a: y, b: z, latency_ms: 1}\n";

static const struct risks_finding *find_of(const struct risks_answer *answer, int kind,
                                           const char *id, const char *service)
{
    for (size_t i = 0; i < answer->findings.count; i++)
        if (answer->findings.items[i].kind == kind &&
            str_eq(answer->findings.items[i].element.id, id) &&
            str_eq(answer->findings.items[i].service, service))
            return &answer->findings.items[i];
    return NULL;
}

static void test_what_shares_a_duct_or_a_building_fails_together(void **state)
{
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct solution solution = place("y", 5, 1);
    (void)state;
    assert_int_equal(network_read_text(shared, strlen(shared), &network, &arena, &err), ERR_OK);
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    assert_int_equal(answer.groups, 2);
    assert_null(find(&answer, RISKS_SERVICE, "x"));
    assert_null(find(&answer, RISKS_SERVICE, "u—x"));
    const struct risks_finding *duct = find_of(&answer, RISKS_SERVICE, "duct", "user→web");
    assert_non_null(duct);
    assert_int_equal(duct->severity, RISKS_CRITICAL);
    assert_int_equal(duct->reason, RISKS_UNREACHABLE);
    assert_int_equal(duct->left, 2);
    assert_int_equal(find_of(&answer, RISKS_SERVICE, "building", "user→web")->reason, RISKS_GONE);
    const struct risks_finding *together = find(&answer, RISKS_ONE_GROUP, "building");
    assert_non_null(together);
    assert_string_equal(together->second.id, "web");
    assert_int_equal(together->left, 0);
    /* without the way to x, or with it gone, y's line decides: u—y has room, u—x is not known */
    assert_true(answer.unjudged > 0);
    const struct risks_finding *cut = find(&answer, RISKS_CUT, "building");
    assert_non_null(cut); /* z hangs on y */
    assert_int_equal(cut->dark, 1);
    assert_int_equal(cut->lost.sites, 2);
}

static void test_guessed_groups_are_marked_and_left_out_when_not_wanted(void **state)
{
    static const char text[] = "currency: CNY\n"
                               "access: [{id: u}]\n"
                               "sites:\n"
                               "  - {id: x, tier: edge, owner: o, regions: [r, all]}\n"
                               "  - {id: y, tier: edge, owner: o, regions: [r, all]}\n"
                               "  - {id: z, tier: edge, regions: [all]}\n"
                               "links:\n"
                               "  - {a: u, b: x, latency_ms: 1}\n"
                               "  - {a: u, b: x, latency_ms: 2}\n"
                               "  - {a: u, b: y, latency_ms: 2}\n"
                               "  - {a: u, b: z, latency_ms: 1}\n";
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct solution solution = place("y", 5, 1);
    (void)state;
    assert_int_equal(network_read_text(text, strlen(text), &network, &arena, &err), ERR_OK);
    struct risks_input input = {.network = &network, .solution = &solution};
    analyse(&input, &answer);
    assert_int_equal(answer.groups, 0);
    assert_int_equal(answer.inferred, 2); /* the lines u—x, the owner; the region has its members */
    const struct risks_finding *owner = find(&answer, RISKS_SERVICE, "o");
    assert_non_null(owner);
    assert_int_equal(owner->element.basis, RISKS_SAME_OWNER);
    assert_int_equal(owner->severity, RISKS_MEDIUM);
    input.declared_only = true;
    analyse(&input, &answer);
    assert_int_equal(answer.inferred, 0);
    assert_null(find(&answer, RISKS_SERVICE, "o"));
}

static void test_a_service_that_does_not_hold_is_told_first_and_blamed_on_nothing(void **state)
{
    struct risks_answer answer;
    struct solution solution = place("y", 1, 1);
    (void)state;
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    assert_int_equal(answer.findings.items[0].kind, RISKS_BROKEN);
    assert_int_equal(answer.findings.items[0].reason, RISKS_LATE);
    assert_int_equal(answer.counts[RISKS_SERVICE], 0);
}

static void test_sites_that_hang_on_one_node_are_one_danger(void **state)
{
    static const char text[] = "currency: CNY\n"
                               "access: [{id: u}]\n"
                               "sites:\n"
                               "  - {id: x, tier: edge}\n"
                               "  - {id: y, tier: edge}\n"
                               "  - {id: z, tier: edge}\n"
                               "links:\n"
                               "  - {a: u, b: x, latency_ms: 1}\n"
                               "  - {a: y, b: u, latency_ms: 2}\n"
                               "  - {a: u, b: z, latency_ms: 1}\n";
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct opt_double nobody = {false, 0};
    (void)state;
    assert_int_equal(network_read_text(text, strlen(text), &network, &arena, &err), ERR_OK);
    analyse(&(struct risks_input){.network = &network}, &answer);
    risks_rank(&answer, nobody, &arena);
    bool seen = false;
    size_t findings = 0;
    for (size_t i = 0; i < answer.dangers.count; i++) {
        findings += answer.dangers.items[i].findings;
        seen = seen || (answer.dangers.items[i].hanging == 3 &&
                        str_eq(answer.dangers.items[i].element.id, "u"));
    }
    assert_true(seen);
    assert_int_equal(findings, answer.findings.count);
    risks_filter(&answer, &(struct risks_filter){.layer = RISKS_APPLICATION});
    assert_int_equal(answer.findings.count, 0);
    assert_int_equal(answer.counts[RISKS_CUT], 0);
}

static void test_an_answer_is_written_with_pages_that_together_are_all(void **state)
{
    struct risks_answer answer;
    struct opt_double users = {true, 7};
    struct solution solution = place("y", 5, 1);
    (void)state;
    analyse(&(struct risks_input){.network = &network, .solution = &solution}, &answer);
    risks_rank(&answer, users, &arena);
    size_t seen = 0, most = 0;
    for (int kind = 1; kind < RISKS_KINDS; kind++)
        most = answer.counts[kind] > most ? answer.counts[kind] : most;
    for (size_t skip = 0; skip < most; skip++) {
        struct buf text = BUF_INIT;
        struct json_doc *doc;
        struct err err = ERR_INIT;
        risks_write(&answer, &(struct risks_page){.top = 3, .most = 1, .skip = skip}, &text);
        assert_int_equal(json_parse(buf_str(&text), text.len, &json_limits_large, &doc, &err),
                         ERR_OK);
        const struct json_value *root = json_root(doc), *list = json_get(root, "findings");
        seen += json_size(list);
        assert_int_equal(json_size(list) + (size_t)json_int(json_get(root, "findings_left_out"), 0),
                         answer.findings.count);
        assert_int_equal(json_size(json_get(root, "dangers")), 3);
        assert_string_equal(
            json_text(json_get(json_at(json_get(root, "dangers"), 0), "severity"), ""), "critical");
        for (size_t i = 0; i < json_size(list); i++) {
            assert_non_null(json_get(json_at(list, i), "kind"));
            assert_non_null(json_get(json_at(list, i), "reason"));
        }
        json_doc_free(doc);
        buf_done(&text);
    }
    assert_int_equal(seen, answer.findings.count);
    /* 7 users of one service, gone: the consequence of the hub */
    assert_true(answer.dangers.items[0].consequence > 6.999 &&
                answer.dangers.items[0].consequence < 7.001);
}

static void test_a_group_named_twice_or_not_at_all_is_refused_with_its_path(void **state)
{
    static const char *const bad[] = {"[d, d]", "['']"};
    static const char *const fields[] = {"links[0].shared_risk[1]", "links[0].shared_risk[0]"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        const char *text = arena_printf(&arena,
                                        "currency: CNY\naccess: [{id: u}, {id: v}]\n"
                                        "links: [{a: u, b: v, latency_ms: 1, shared_risk: %s}]\n",
                                        bad[i]);
        assert_int_equal(network_read_text(text, strlen(text), &network, &arena, &err),
                         ERR_INVALID);
        assert_string_equal(err.field, fields[i]);
    }
}

static void test_lines_that_differ_in_their_duct_alone_are_two(void **state)
{
    static const char text[] = "currency: CNY\naccess: [{id: u}, {id: v}]\nlinks:\n"
                               "  - {a: u, b: v, latency_ms: 1, shared_risk: [n]}\n"
                               "  - {a: u, b: v, latency_ms: 1, shared_risk: [s]}\n";
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(network_read_text(text, strlen(text), &network, &arena, &err), ERR_OK);
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
        TEST(test_what_shares_a_duct_or_a_building_fails_together),
        TEST(test_guessed_groups_are_marked_and_left_out_when_not_wanted),
        TEST(test_a_service_that_does_not_hold_is_told_first_and_blamed_on_nothing),
        TEST(test_sites_that_hang_on_one_node_are_one_danger),
        TEST(test_an_answer_is_written_with_pages_that_together_are_all),
        TEST(test_a_group_named_twice_or_not_at_all_is_refused_with_its_path),
        TEST(test_lines_that_differ_in_their_duct_alone_are_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
