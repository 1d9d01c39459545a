/* test_infer.c - calls and hosts read from the history: requests add up from callers to callees, a
 * host's use from its tenants'. */
#include "test_infer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/str.h"
#include "twin/rootcause/rootcause.h"
#include "twin/rootcause/sparse.h"

#define ROWS 320
#define ALARM 310
#define ONSET 308

enum { SHOP, CART, NEWS, DB, ADS, SERVICES, HOST_A = SERVICES, HOST_B, ENTITIES };
enum { LATENCY, REQUESTS, CPU, METRICS };
static const char *const names[] = {"shop", "cart", "news", "db", "ads", "host-a", "host-b"};
static const char *const metrics[] = {"latency_avg", "requests", "cpu"};

struct world {
    struct arena arena;
    struct err err;
    struct rootcause_case given;
    struct rootcause_answer answer;
};

static double *series(struct world *w, int entity, int metric)
{
    size_t place = entity < SERVICES ? (size_t)(entity * METRICS + metric)
                                     : (size_t)(SERVICES * METRICS + entity - SERVICES);
    return w->given.metrics.values + place * ROWS;
}

static double count(struct rand *rand, double mean)
{
    return fmax(0, mean + sqrt(mean) * rand_normal(rand));
}

/* shop calls cart and news, cart calls db twice, ads calls db too; half of it on either host. */
static void play(struct world *w, uint64_t seed, double slow_db)
{
    struct rand rand;
    memset(w, 0, sizeof *w);
    rand_init(&rand, seed);
    struct telemetry_table *table = &w->given.metrics;
    *table = (struct telemetry_table){
        .rows = ROWS, .count = SERVICES * METRICS + ENTITIES - SERVICES, .step_s = 60};
    table->times = arena_array(&w->arena, ROWS, sizeof(double));
    table->values = arena_array(&w->arena, table->count * ROWS, sizeof(double));
    table->series = arena_array(&w->arena, table->count, sizeof *table->series);
    for (int e = 0; e < ENTITIES; e++)
        for (int m = e < SERVICES ? 0 : CPU; m < METRICS; m++) {
            struct telemetry_series *s =
                &table->series[(size_t)(series(w, e, m) - table->values) / ROWS];
            s->entity = names[e];
            s->metric = metrics[m];
            telemetry_semantics(s->metric, &s->class, &s->direction);
        }
    for (size_t r = 0; r < ROWS; r++) {
        double requests[SERVICES], latency[SERVICES], cpu[SERVICES], host[2] = {0};
        double slow = r >= ONSET ? slow_db : 0;
        requests[SHOP] = count(&rand, 1200 * (1 + 0.2 * sin((double)r / 40)));
        requests[ADS] = count(&rand, 500);
        requests[CART] = count(&rand, 0.6 * requests[SHOP]);
        requests[NEWS] = count(&rand, 0.5 * requests[SHOP]);
        requests[DB] =
            requests[CART] + count(&rand, 0.7 * requests[CART]) + count(&rand, 0.8 * requests[ADS]);
        latency[DB] = 0.02 * (1 + 0.05 * rand_normal(&rand)) + slow;
        latency[CART] = 0.03 * (1 + 0.05 * rand_normal(&rand)) + 1.7 * latency[DB];
        latency[NEWS] = 0.05 * (1 + 0.05 * rand_normal(&rand));
        latency[ADS] = 0.04 * (1 + 0.05 * rand_normal(&rand)) + 0.8 * latency[DB];
        latency[SHOP] =
            0.05 * (1 + 0.05 * rand_normal(&rand)) + 0.6 * latency[CART] + 0.5 * latency[NEWS];
        table->times[r] = 1.7e9 + 60 * (double)r;
        for (int e = 0; e < SERVICES; e++) {
            cpu[e] = requests[e] * 0.02 * (1 + 0.03 * rand_normal(&rand));
            host[e == SHOP || e == DB || e == ADS] += cpu[e];
            series(w, e, LATENCY)[r] = latency[e];
            series(w, e, REQUESTS)[r] = requests[e];
            series(w, e, CPU)[r] = cpu[e];
        }
        for (int h = 0; h < 2; h++)
            series(w, HOST_A + h, CPU)[r] = host[h] * (1 + 0.005 * rand_normal(&rand));
    }
    w->given.has_alarm = true;
    w->given.alarm_time = table->times[ALARM];
    w->given.symptom_entity = "shop";
    w->given.symptom_metric = "latency_avg";
}

static void diagnose(struct world *w)
{
    assert_int_equal(rootcause_diagnose(&w->given, &w->answer, &w->arena, &w->err), ERR_OK);
}

static bool says(const char *const *items, size_t items_count, const char *part)
{
    for (size_t i = 0; i < items_count; i++)
        if (strstr(items[i], part))
            return true;
    return false;
}

static void test_calls_are_read_from_requests_where_nobody_tells_them(void **state)
{
    static const char *const path[] = {"shop", "cart", "db"};
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world w;
        play(&w, seed, 0.2);
        diagnose(&w);
        assert_true(w.answer.topology_inferred);
        assert_int_equal(w.answer.status, ROOTCAUSE_LIKELY); /* never more than that */
        const struct rootcause_cause *cause = &w.answer.causes.items[0];
        assert_string_equal(cause->entity, "db");
        assert_int_equal(cause->path.count, 3);
        for (size_t i = 0; i < 3; i++)
            assert_string_equal(cause->path.items[i], path[i]);
        assert_true(says(w.answer.notes.items, w.answer.notes.count, "inferred"));
        assert_string_equal(cause->steps.items[1].inferred, "calls");
        assert_true(says(cause->unverified.items, cause->unverified.count, "not told"));
        arena_done(&w.arena);
    }
}

static void test_a_call_that_requests_leave_no_room_for_is_contradicted(void **state)
{
    static const char topology[] =
        "{\"edges\":[{\"from\":\"shop\",\"to\":\"cart\",\"relation\":\"calls\"},"
        "{\"from\":\"shop\",\"to\":\"news\",\"relation\":\"calls\"},"
        "{\"from\":\"ads\",\"to\":\"db\",\"relation\":\"calls\"},"
        "{\"from\":\"news\",\"to\":\"db\",\"relation\":\"calls\"}]}"; /* it is cart */
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world w;
        play(&w, seed, 0.2);
        assert_int_equal(
            rootcause_read_topology(topology, sizeof topology - 1, &w.given, &w.arena, &w.err),
            ERR_OK);
        diagnose(&w);
        assert_true(says(w.answer.notes.items, w.answer.notes.count, "news calls db"));
        const struct rootcause_cause *cause = &w.answer.causes.items[0];
        assert_string_equal(cause->entity, "db");
        assert_int_equal(cause->path.count, 3);
        assert_string_equal(cause->path.items[1], "cart");
        arena_done(&w.arena);
    }
}

static void test_a_right_topology_is_left_alone(void **state)
{
    static const char topology[] =
        "{\"edges\":[{\"from\":\"shop\",\"to\":\"cart\",\"relation\":\"calls\"},"
        "{\"from\":\"shop\",\"to\":\"news\",\"relation\":\"calls\"},"
        "{\"from\":\"ads\",\"to\":\"db\",\"relation\":\"calls\"},"
        "{\"from\":\"cart\",\"to\":\"db\",\"relation\":\"calls\"}]}";
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world w;
        play(&w, seed, 0.2);
        assert_int_equal(
            rootcause_read_topology(topology, sizeof topology - 1, &w.given, &w.arena, &w.err),
            ERR_OK);
        diagnose(&w);
        assert_false(says(w.answer.notes.items, w.answer.notes.count, "contradicted"));
        assert_int_equal(w.answer.status, ROOTCAUSE_CONFIRMED);
        assert_string_equal(w.answer.causes.items[0].entity, "db");
        arena_done(&w.arena);
    }
}

static void test_who_burns_a_host_is_found_among_its_tenants(void **state)
{
    (void)state;
    struct world w;
    play(&w, 3, 0);
    for (size_t r = ONSET; r < ROWS; r++) { /* news is on host a, with cart */
        series(&w, NEWS, CPU)[r] += 60;
        series(&w, HOST_A, CPU)[r] += 60;
        series(&w, CART, LATENCY)[r] += 0.1;
        series(&w, NEWS, LATENCY)[r] += 0.1;
        series(&w, SHOP, LATENCY)[r] += 0.11;
    }
    diagnose(&w);
    assert_string_equal(w.answer.causes.items[0].entity, "news");
    arena_done(&w.arena);
}

static void test_nothing_is_inferred_from_what_follows_itself(void **state)
{
    (void)state;
    struct world w;
    play(&w, 4, 0.2);
    for (int e = 0; e < SERVICES; e++) { /* means of 45 rows are not 45 witnesses */
        double *at = series(&w, e, REQUESTS);
        for (size_t r = ROWS; r > 0; r--) {
            double sum = 0;
            size_t from = r > 45 ? r - 45 : 0;
            for (size_t k = from; k < r; k++)
                sum += at[k];
            at[r - 1] = sum / (double)(r - from);
        }
    }
    diagnose(&w);
    for (size_t i = 0; i < w.answer.causes.count; i++)
        for (size_t k = 0; k < w.answer.causes.items[i].steps.count; k++) {
            const char *by = w.answer.causes.items[i].steps.items[k].inferred;
            assert_true(!by || !str_eq(by, "calls"));
        }
    arena_done(&w.arena);
}

static void test_a_sum_of_few_is_taken_apart(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 9);
    for (int round = 0; round < 50; round++) {
        struct arena arena = ARENA_INIT;
        struct rootcause_parts parts;
        struct rootcause_fit fit;
        double target[200] = {0}, most[12], favour[12], weight[12] = {0}, mean;
        rootcause_parts_init(&parts, 12, 200, &arena);
        for (size_t i = 0; i < (size_t)12 * 200; i++)
            parts.values[i] = rand_normal(&rand);
        size_t wanted = 1 + rand_below(&rand, 4);
        for (size_t k = 0; k < wanted; k++)
            weight[3 * k] = 0.5 + 2 * rand_unit(&rand);
        for (size_t k = 0; k < 12; k++) {
            most[k] = INFINITY;
            favour[k] = 1;
            for (size_t r = 0; r < 200; r++)
                target[r] += weight[k] * parts.values[k * 200 + r];
        }
        for (size_t r = 0; r < 200; r++)
            target[r] += 0.01 * rand_normal(&rand);
        rootcause_parts_ready(&parts);
        memset(parts.means, 0, 12 * sizeof *parts.means);
        assert_true(rootcause_centre(target, 200, &mean));
        rootcause_fit_parts(&parts, target, 0, most, favour, &fit);
        assert_true(fit.count >= wanted);
        for (size_t m = 0; m < fit.count; m++)
            assert_true(fabs(fit.weight[m] - weight[fit.part[m]]) < 0.01);
        arena_done(&arena);
    }
}

static void test_what_may_not_be_large_enough_is_no_part(void **state)
{
    (void)state;
    struct rand rand;
    struct arena arena = ARENA_INIT;
    struct rootcause_parts parts;
    struct rootcause_fit fit;
    double target[100], most[2] = {0.4, 10}, favour[2] = {1, 1}, mean;
    rand_init(&rand, 2);
    rootcause_parts_init(&parts, 2, 100, &arena);
    for (size_t r = 0; r < 100; r++) {
        parts.values[r] = rand_normal(&rand);
        parts.values[100 + r] = parts.values[r] + 0.3 * rand_normal(&rand);
        target[r] = parts.values[r] + 0.01 * rand_normal(&rand);
    }
    rootcause_parts_ready(&parts);
    memset(parts.means, 0, 2 * sizeof *parts.means);
    assert_true(rootcause_centre(target, 100, &mean));
    rootcause_fit_parts(&parts, target, 0, most, favour, &fit);
    assert_int_equal(fit.count, 1); /* the first would need a weight of 1 */
    assert_int_equal(fit.part[0], 1);
    arena_done(&arena);
}

static void test_huge_and_missing_values_leave_the_answer_finite(void **state)
{
    (void)state;
    struct world w;
    play(&w, 6, 0.2);
    for (size_t r = 0; r < ROWS; r++) {
        series(&w, NEWS, REQUESTS)[r] *= 1e300;
        series(&w, ADS, REQUESTS)[r] = r % 3 ? (double)NAN : 0;
        series(&w, CART, REQUESTS)[r] = 0;
        series(&w, HOST_B, CPU)[r] = -1e200;
    }
    diagnose(&w);
    for (size_t i = 0; i < w.answer.causes.count; i++)
        assert_true(isfinite(w.answer.causes.items[i].score));
    arena_done(&w.arena);
}

int infer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_read_from_requests_where_nobody_tells_them),
        cmocka_unit_test(test_a_call_that_requests_leave_no_room_for_is_contradicted),
        cmocka_unit_test(test_a_right_topology_is_left_alone),
        cmocka_unit_test(test_who_burns_a_host_is_found_among_its_tenants),
        cmocka_unit_test(test_nothing_is_inferred_from_what_follows_itself),
        cmocka_unit_test(test_a_sum_of_few_is_taken_apart),
        cmocka_unit_test(test_what_may_not_be_large_enough_is_no_part),
        cmocka_unit_test(test_huge_and_missing_values_leave_the_answer_finite),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
