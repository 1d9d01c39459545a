/* test_rootcause.c - what is claimed, of whom, on which evidence; and what is not claimed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/str.h"
#include "test_case.h"
#include "test_infer.h"
#include "test_shared.h"

static const struct rootcause_cause *first(const struct test_case *c)
{
    assert_true(c->answer.causes.count > 0);
    return &c->answer.causes.items[0];
}

static bool says(const char *const *items, size_t count, const char *part)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(items[i], part))
            return true;
    return false;
}

static void test_a_slow_database_is_confirmed_along_its_path(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 1);
    case_slow_db(&c);
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_CONFIRMED);
    assert_string_equal(first(&c)->entity, "db");
    assert_string_equal(first(&c)->metric, "latency_avg");
    assert_true(first(&c)->onset == c.given.metrics.times[148]);
    assert_int_equal(first(&c)->path.count, 3);
    assert_string_equal(first(&c)->path.items[0], "shop");
    assert_string_equal(first(&c)->path.items[1], "cart");
    assert_int_equal(first(&c)->steps.count, 2);
    assert_true(first(&c)->steps.items[0].verified && first(&c)->steps.items[1].verified);
    assert_int_equal(first(&c)->unverified.count, 0);
    case_done(&c);
}

static void test_a_cause_smaller_than_its_symptom_is_still_first(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 2);
    case_add(&c, DB, LATENCY, 148, 0.05);
    case_add(&c, CART, LATENCY, 148, 0.15); /* retries */
    case_add(&c, SHOP, LATENCY, 148, 0.45);
    case_diagnose(&c);
    assert_string_equal(first(&c)->entity, "db");
    case_done(&c);
}

static void test_normal_windows_claim_nothing(void **state)
{
    int claims = 0;
    (void)state;
    for (uint64_t seed = 100; seed < 160; seed++) {
        struct test_case c;
        case_init(&c, seed);
        case_diagnose(&c);
        claims += c.answer.status != ROOTCAUSE_INCONCLUSIVE;
        case_done(&c);
    }
    assert_true(claims <= 1);
}

static void test_demand_is_no_fault(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 3);
    case_add(&c, SHOP, REQUESTS, 147, 100);
    case_add(&c, SHOP, CPU, 147, 30);
    case_add(&c, SHOP, LATENCY, 147, 0.2);
    case_add(&c, CART, REQUESTS, 147, 60);
    case_add(&c, CART, CPU, 147, 20);
    case_add(&c, NEWS, REQUESTS, 147, 50);
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_INCONCLUSIVE);
    assert_string_equal(first(&c)->entity, "shop");
    assert_string_equal(first(&c)->metric, "requests");
    assert_true(says(c.answer.reasons.items, c.answer.reasons.count, "demand rose"));
    case_done(&c);
}

static void test_what_does_not_move_with_the_symptom_is_not_blamed(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 4);
    for (size_t i = 143; i < ROWS; i++) /* a drift that goes up and down on its own */
        case_series(&c, NEWS, CPU)[i] += i % 4 < 2 ? 60 : 20;
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_INCONCLUSIVE);
    case_slow_db(&c);
    case_diagnose(&c);
    assert_string_equal(first(&c)->entity, "db");
    case_done(&c);
}

static void test_without_topology_a_claim_is_at_most_likely(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 5);
    case_add(&c, DB, CPU, 148, 50);
    case_add(&c, SHOP, LATENCY, 148, 0.2);
    c.given.entities.count = c.given.edges.count = 0;
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_LIKELY);
    assert_string_equal(first(&c)->entity, "db");
    assert_true(c.answer.topology_inferred);
    assert_string_equal(first(&c)->steps.items[0].by, "inferred");
    assert_true(first(&c)->unverified.count > 0);
    case_done(&c);
}

static void test_a_wrong_edge_leaves_the_path_unverified(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 6);
    case_slow_db(&c);
    c.given.edges.items[2].from = (size_t)NEWS; /* entities: shop, cart, news, db by edges */
    for (size_t i = 0; i < c.given.entities.count; i++)
        if (str_eq(c.given.entities.items[i].id, "news"))
            c.given.edges.items[2].from = i;
    case_diagnose(&c);
    assert_int_not_equal(c.answer.status, ROOTCAUSE_CONFIRMED);
    case_done(&c);
}

static void test_edges_that_never_carried_load_are_called_doubtful(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 7);
    for (int s = 0; s < SERVICES; s++) /* a common load, but news has its own */
        for (size_t i = 0; i < ROWS; i++)
            case_series(&c, s, REQUESTS)[i] *=
                1 + (double)(i % (s == NEWS ? 17 : 40)) / (s == NEWS ? 17 : 40);
    struct rootcause_edge *edge = LIST_ADD(&c.arena, &c.given.edges);
    *edge = (struct rootcause_edge){1, 0, ROOTCAUSE_DEPENDS_ON};
    case_diagnose(&c);
    assert_true(says(c.answer.notes.items, c.answer.notes.count, "1 calls of the topology"));
    case_done(&c);
}

static void test_a_change_before_the_onset_is_a_suspect_and_a_later_one_is_not(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 8);
    case_slow_db(&c);
    double onset = c.given.metrics.times[148];
    *LIST_ADD(&c.arena, &c.given.changes) =
        (struct rootcause_change){onset - 120, "db", "release 7"};
    *LIST_ADD(&c.arena, &c.given.changes) =
        (struct rootcause_change){onset + 400, "db", "rollback"};
    case_diagnose(&c);
    assert_true(says(first(&c)->supporting.items, first(&c)->supporting.count, "release 7"));
    assert_true(says(first(&c)->contradicting.items, first(&c)->contradicting.count, "rollback"));
    case_done(&c);
}

/* Columns in another order, time moved, latency in another unit: the same answer. */
static void test_order_time_and_units_do_not_matter(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 30; seed++) {
        struct test_case a, b;
        struct rand rand;
        case_init(&a, seed);
        case_slow_db(&a);
        case_diagnose(&a);
        case_init(&b, seed);
        case_slow_db(&b);
        for (int s = 0; s < SERVICES; s++)
            for (size_t i = 0; i < ROWS; i++)
                case_series(&b, s, LATENCY)[i] *= 1000;
        for (size_t i = 0; i < ROWS; i++)
            b.given.metrics.times[i] -= 86400.0 * 365;
        b.given.alarm_time -= 86400.0 * 365;
        rand_init(&rand, seed);
        for (size_t i = b.given.metrics.count; i > 1; i--) {
            size_t k = rand_below(&rand, i);
            struct telemetry_series series = b.given.metrics.series[i - 1];
            b.given.metrics.series[i - 1] = b.given.metrics.series[k];
            b.given.metrics.series[k] = series;
            for (size_t r = 0; r < ROWS; r++) {
                double *x = &b.given.metrics.values[(i - 1) * ROWS + r];
                double *y = &b.given.metrics.values[k * ROWS + r], kept = *x;
                *x = *y;
                *y = kept;
            }
        }
        case_diagnose(&b);
        assert_int_equal(a.answer.status, b.answer.status);
        assert_int_equal(a.answer.causes.count, b.answer.causes.count);
        for (size_t i = 0; i < a.answer.causes.count; i++) {
            assert_string_equal(a.answer.causes.items[i].entity, b.answer.causes.items[i].entity);
            double gap = a.answer.causes.items[i].score - b.answer.causes.items[i].score;
            assert_true(gap < 1e-4 && gap > -1e-4);
        }
        case_done(&a);
        case_done(&b);
    }
}

static void test_a_callee_that_fell_silent_is_likely_when_its_callers_are_ill(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 10);
    case_add(&c, CART, LATENCY, 148, 0.3);
    case_add(&c, SHOP, LATENCY, 148, 0.2);
    for (int m = 0; m < METRICS; m++)
        for (size_t i = 147; i < ROWS; i++)
            case_series(&c, DB, m)[i] = (double)NAN;
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_LIKELY);
    assert_string_equal(first(&c)->entity, "db");
    assert_null(first(&c)->metric);
    assert_true(first(&c)->onset == c.given.metrics.times[147]);
    assert_true(says(first(&c)->supporting.items, first(&c)->supporting.count, "reported nothing"));
    case_done(&c);
}

static void test_a_short_history_is_said_and_a_far_alarm_refused(void **state)
{
    struct test_case c;
    (void)state;
    case_init(&c, 9);
    c.given.alarm_time = c.given.metrics.times[3];
    case_diagnose(&c);
    assert_int_equal(c.answer.status, ROOTCAUSE_INCONCLUSIVE);
    assert_true(says(c.answer.reasons.items, c.answer.reasons.count, "too short"));
    c.given.alarm_time = c.given.metrics.times[ROWS - 1] + 1e6;
    assert_int_equal(rootcause_diagnose(&c.given, &c.answer, &c.arena, &c.err), ERR_INVALID);
    c.given.alarm_time = c.given.metrics.times[0] - 1;
    assert_int_equal(rootcause_diagnose(&c.given, &c.answer, &c.arena, &c.err), ERR_INVALID);
    case_done(&c);
}

typedef enum err_code (*read_fn)(const char *text, size_t len, struct rootcause_case *out,
                                 struct arena *arena, struct err *err);

static void test_json_that_is_not_a_case_is_refused_with_its_path(void **state)
{
    static const struct {
        read_fn read;
        const char *text, *says;
    } bad[] = {
        {rootcause_read_topology, "{\"entities\":5}", "entities is not a list"},
        {rootcause_read_topology, "{\"entities\":{\"a\":1}}", "entities is not a list"},
        {rootcause_read_topology, "{\"entities\":[{}]}", "entities[0].id is not a text"},
        {rootcause_read_topology, "{\"entities\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "twice"},
        {rootcause_read_topology, "{\"edges\":[{\"from\":\"a\"}]}", "edges[0].to"},
        {rootcause_read_topology,
         "{\"edges\":[{\"from\":\"a\",\"to\":\"b\",\"relation\":\"likes\"}]}",
         "edges[0].relation is 'likes'"},
        {rootcause_read_topology, "{", ""},
        {rootcause_read_changes, "[{\"time\":\"x\"}]", "changes[0].time"},
        {rootcause_read_changes, "[{\"time\":1}]", "changes[0].entity"},
        {rootcause_read_changes, "{\"time\":1}", "not a list"},
        {rootcause_read_question, "{}", "alarm_time"},
        {rootcause_read_question, "{\"alarm_time\":1e300}", "alarm_time"},
        {rootcause_read_question, "{\"alarm_time\":5,\"symptom\":{\"metric\":\"x\"}}",
         "symptom.entity"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct rootcause_case given = {0};
        struct err err = ERR_INIT;
        assert_int_equal(bad[i].read(bad[i].text, strlen(bad[i].text), &given, &arena, &err),
                         ERR_INVALID);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
        arena_done(&arena);
    }
}

static void test_the_answer_is_json_with_the_contract_s_members(void **state)
{
    static const char *const members[] = {"\"status\":\"confirmed\"",
                                          "\"causes\":[{\"entity\":",
                                          "\"metric\":",
                                          "\"score\":",
                                          "\"onset\":",
                                          "\"path\":",
                                          "\"supporting\":",
                                          "\"contradicting\":",
                                          "\"unverified\":"};
    struct test_case c;
    struct buf out = BUF_INIT;
    (void)state;
    case_init(&c, 1);
    case_slow_db(&c);
    case_diagnose(&c);
    rootcause_write(&c.answer, &out);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_non_null(strstr(buf_str(&out), members[i]));
    buf_done(&out);
    case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slow_database_is_confirmed_along_its_path),
        cmocka_unit_test(test_a_cause_smaller_than_its_symptom_is_still_first),
        cmocka_unit_test(test_normal_windows_claim_nothing),
        cmocka_unit_test(test_demand_is_no_fault),
        cmocka_unit_test(test_what_does_not_move_with_the_symptom_is_not_blamed),
        cmocka_unit_test(test_without_topology_a_claim_is_at_most_likely),
        cmocka_unit_test(test_a_wrong_edge_leaves_the_path_unverified),
        cmocka_unit_test(test_edges_that_never_carried_load_are_called_doubtful),
        cmocka_unit_test(test_a_change_before_the_onset_is_a_suspect_and_a_later_one_is_not),
        cmocka_unit_test(test_order_time_and_units_do_not_matter),
        cmocka_unit_test(test_a_callee_that_fell_silent_is_likely_when_its_callers_are_ill),
        cmocka_unit_test(test_a_short_history_is_said_and_a_far_alarm_refused),
        cmocka_unit_test(test_json_that_is_not_a_case_is_refused_with_its_path),
        cmocka_unit_test(test_the_answer_is_json_with_the_contract_s_members),
    };
    int failed = test_shared_run() + infer_tests();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
