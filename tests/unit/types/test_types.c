/* test_types.c - requirements changed field by field, and solutions side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "types/solution_diff.h"

struct bench {
    struct arena arena;
    struct requirement *need;
    struct err err;
};

static void *decode(struct bench *b, const struct json_table *table, const char *json)
{
    char *text = arena_strdup(&b->arena, json);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    void *out = arena_zalloc(&b->arena, table->size);
    if (json_decode(text, strlen(text), table, NULL, out, &b->arena, &b->err))
        fail_msg("%s: %s", b->err.field, b->err.text);
    return out;
}

static int open_bench(void **state)
{
    struct bench *b = mem_zalloc(sizeof *b);
    b->need = decode(b, &requirement_table,
                     "{'components':[{'name':'web','vcpus':2},{'name':'推理','instances':2},"
                     "{'name':'web.api'},{'name':'network','tier':'edge'}],"
                     "'flows':[{'from':'user','to':'web','max_latency_ms':9}],"
                     "'budget':{'amount':9,'currency':'CNY','period':'month'}}");
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;
    arena_done(&b->arena);
    mem_free(b);
    return 0;
}
#define BENCH(fn) cmocka_unit_test_setup_teardown(fn, open_bench, close_bench)

static void set(struct bench *b, const char *path, const char *text)
{
    if (requirement_set(b->need, path, text, &b->arena, &b->err))
        fail_msg("%s: %s (%s)", b->err.field, b->err.text, b->err.hint);
}

static void refuse(struct bench *b, const char *path, const char *text, const char *hint)
{
    b->err = (struct err)ERR_INIT;
    assert_int_equal(requirement_set(b->need, path, text, &b->arena, &b->err), ERR_INVALID);
    assert_string_equal(b->err.field, path);
    if (!strstr(b->err.hint, hint))
        fail_msg("%s=%s: hint '%s' lacks '%s'", path, text, b->err.hint, hint);
}

static void test_fields_are_set_by_path_and_components_by_name(void **state)
{
    struct bench *b = *state;
    set(b, "推理.location", "苏州");
    assert_string_equal(b->need->components.items[1].location, "苏州");
    set(b, "推理.instances", "3");
    assert_int_equal(b->need->components.items[1].instances.value, 3);
    set(b, "components[0].vcpus", "0.5");
    assert_true(b->need->components.items[0].vcpus.value == 0.5);
    set(b, "network.max_latency_ms", "8");
    assert_true(b->need->network.max_latency_ms.value == 8);
    set(b, "network.tier", "device"); /* no field of the network: the component is meant */
    assert_int_equal(b->need->components.items[3].tier, TIER_DEVICE);
    set(b, "web.api.vcpus", "7"); /* the longest name */
    assert_true(b->need->components.items[2].vcpus.value == 7);
    set(b, "web.accelerator.kind", "gpu");
    set(b, "web.accelerator.count", "2");
    assert_int_equal(b->need->components.items[0].accelerator->kind, ACCELERATOR_GPU);
    set(b, "reliability.backup", "true");
    assert_true(b->need->reliability.backup.value);
    set(b, "flows[0].bandwidth_mbps", "5");
    assert_true(b->need->flows.items[0].bandwidth_mbps.value == 5);
    set(b, "objective", "latency");
    assert_int_equal(b->need->objective, OBJECTIVE_LATENCY);
    assert_int_equal(requirement_check(b->need, &b->err), ERR_OK);
    assert_string_equal(requirement_text(b->need, "推理.location", &b->arena), "苏州");
    assert_string_equal(requirement_text(b->need, "web.vcpus", &b->arena), "0.5");
    assert_null(requirement_text(b->need, "web.location", &b->arena));
}

static void test_an_empty_value_leaves_a_field_out(void **state)
{
    struct bench *b = *state;
    set(b, "web.vcpus", "");
    assert_false(b->need->components.items[0].vcpus.set);
    set(b, "budget", NULL);
    assert_null(b->need->budget);
    set(b, "flows", "");
    assert_int_equal(b->need->flows.count, 0);
    set(b, "network.tier", "");
    assert_int_equal(b->need->components.items[3].tier, TIER_ABSENT);
    assert_int_equal(requirement_check(b->need, &b->err), ERR_OK);
    set(b, "web.name", "");
    refuse(b, "wbe.vcpus", "2", ""); /* a component without a name is none to be meant */
    assert_int_equal(requirement_check(b->need, &b->err), ERR_INVALID);
    assert_non_null(strstr(b->err.field, "components[0]"));
}

static void test_what_cannot_be_is_refused_with_its_path_and_the_nearest_name(void **state)
{
    struct bench *b = *state;
    refuse(b, "web.vcpu", "2", "vcpus");
    refuse(b, "wbe.vcpus", "2", "web.vcpus");
    refuse(b, "netwrok.max_latency_ms", "2", "network.max_latency_ms");
    refuse(b, "web.tier", "egde", "edge");
    refuse(b, "web.vcpus", "two", "");
    refuse(b, "web.vcpus", "-1", "");
    refuse(b, "web.vcpus", "nan", "");
    refuse(b, "web.instances", "1.5", "");
    refuse(b, "web.instances", "0", "");
    refuse(b, "reliability.backup", "yes", "");
    refuse(b, "network", "5", "fields");
    refuse(b, "flows[1].max_latency_ms", "5", "");
    refuse(b, "flows[x].max_latency_ms", "5", "");
    refuse(b, "flows[0", "5", "");
    refuse(b, "web.vcpus.more", "5", "");
    refuse(b, "web.", "5", "");
    refuse(b, "", "5", "");
    refuse(b, "web.location", "\xff", "");
}

static void test_a_copy_shares_nothing(void **state)
{
    struct bench *b = *state;
    struct requirement *copy = NULL;
    assert_int_equal(requirement_copy(b->need, &copy, &b->arena, &b->err), ERR_OK);
    set(b, "web.vcpus", "9");
    set(b, "budget.amount", "1");
    assert_true(copy->components.items[0].vcpus.value == 2);
    assert_true(copy->budget->amount == 9);
}

/* ---- side by side ---- */

#define SOLUTION(cost, latency, placements, lines, verdict)                                     \
    "{'objective':'cost','cost':" cost ",'currency':'CNY','latency':" latency                   \
    ",'placements':[" placements "],'cost_lines':[" lines "],'evaluation':{'verdict':'" verdict \
    "','score':1,'dimensions':[{'dimension':'cost','verdict':'" verdict                         \
    "','checks':[{'code':'budget','verdict':'" verdict "','observed':'" cost                    \
    "','confidence':1}]}]}}"

static void test_what_differs_is_listed_and_what_is_equal_is_not(void **state)
{
    struct bench *b = *state;
    const struct solution *from =
        decode(b, &solution_table,
               SOLUTION("10", "5",
                        "{'component':'web','instance':0,'site':'a'},"
                        "{'component':'web','instance':1,'site':'a','flavor':'s'},"
                        "{'component':'db','instance':0,'site':'a'}",
                        "{'item':'vcpu','component':'web','site':'a','amount':6},"
                        "{'item':'vcpu','component':'web','site':'a','amount':1},"
                        "{'item':'disk','component':'db','site':'a','amount':3}",
                        "pass"));
    const struct solution *to =
        decode(b, &solution_table,
               SOLUTION("12", "4",
                        "{'component':'web','instance':0,'site':'b'},"
                        "{'component':'web','instance':1,'site':'a','flavor':'l'},"
                        "{'component':'web','instance':2,'site':'b'}",
                        "{'item':'vcpu','component':'web','site':'a','amount':7},"
                        "{'item':'vcpu','component':'web','site':'b','amount':5}",
                        "fail"));
    struct solution_diff diff = {.currency = NULL};
    solution_compare(from, to, &diff, &b->arena);
    assert_int_equal(diff.figures.count, 5);
    assert_string_equal(diff.figures.items[0].figure, "cost");
    assert_true(diff.figures.items[0].change.value == 2);
    assert_true(diff.figures.items[0].percent.value == 20);
    assert_true(diff.figures.items[1].change.value == -1);
    assert_false(diff.figures.items[2].change.set);
    assert_int_equal(diff.placements.count, 4);
    static const char *const changes[] = {"moved", "resized", "added", "removed"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(diff.placements.items[i].change, changes[i]);
    assert_string_equal(diff.placements.items[3].component, "db");
    assert_int_equal(diff.costs.count, 2); /* web at a: 6 + 1 = 7 */
    double sum = 0;
    for (size_t i = 0; i < diff.costs.count; i++)
        sum += diff.costs.items[i].change;
    assert_true(fabs(sum - 2) < 1e-9);
    assert_int_equal(diff.verdicts.count, 3); /* the whole, the dimension, the check */
    assert_string_equal(diff.verdicts.items[2].observed_to, "12");
    struct solution_diff none = {.currency = NULL};
    solution_compare(to, to, &none, &b->arena);
    assert_int_equal(none.placements.count + none.costs.count + none.verdicts.count, 0);
    assert_true(none.figures.items[0].change.value == 0);
}

static void test_requirements_are_compared_field_by_field(void **state)
{
    struct bench *b = *state;
    struct requirement *before = NULL;
    struct solution_diff diff = {.currency = NULL};
    assert_int_equal(requirement_copy(b->need, &before, &b->arena, &b->err), ERR_OK);
    set(b, "web.vcpus", "4");
    set(b, "web.location", "苏州");
    set(b, "budget", "");
    assert_int_equal(solution_compare_needs(before, b->need, &diff, &b->arena, &b->err), ERR_OK);
    assert_int_equal(diff.requirement.count, 5);
    assert_string_equal(diff.requirement.items[0].path, "web.vcpus");
    assert_string_equal(diff.requirement.items[0].from, "2");
    assert_string_equal(diff.requirement.items[0].to, "4");
    assert_string_equal(diff.requirement.items[1].path, "web.location");
    assert_null(diff.requirement.items[1].from);
    assert_string_equal(diff.requirement.items[4].path, "budget.period");
    assert_null(diff.requirement.items[4].to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_fields_are_set_by_path_and_components_by_name),
        BENCH(test_an_empty_value_leaves_a_field_out),
        BENCH(test_what_cannot_be_is_refused_with_its_path_and_the_nearest_name),
        BENCH(test_a_copy_shares_nothing),
        BENCH(test_what_differs_is_listed_and_what_is_equal_is_not),
        BENCH(test_requirements_are_compared_field_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
