/* test_telemetry.c - scores, excursions, onsets and company of series. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "test_csv.h"
#include "twin/telemetry/robust.h"
#include "twin/telemetry/telemetry.h"

#define ROWS 120
#define BASE 100

/* A table with normal noise around 10 times (series + 1), one step a minute. */
static struct telemetry_table noise(size_t count, const char *metric, uint64_t seed,
                                    struct arena *arena)
{
    struct telemetry_table table = {.rows = ROWS, .count = count, .step_s = 60};
    struct rand rand;
    rand_init(&rand, seed);
    table.times = arena_array(arena, ROWS, sizeof(double));
    table.values = arena_array(arena, ROWS * count, sizeof(double));
    table.series = arena_array(arena, count, sizeof *table.series);
    for (size_t i = 0; i < ROWS; i++)
        table.times[i] = 1.7e9 + 60.0 * (double)i;
    for (size_t s = 0; s < count; s++) {
        table.series[s].entity = arena_printf(arena, "e%zu", s);
        table.series[s].metric = metric;
        telemetry_semantics(metric, &table.series[s].class, &table.series[s].direction);
        for (size_t i = 0; i < ROWS; i++)
            table.values[s * ROWS + i] = 10.0 * (double)(s + 1) + rand_normal(&rand);
    }
    return table;
}

static struct telemetry_scores score(const struct telemetry_table *table, struct arena *arena)
{
    struct telemetry_scores scores;
    assert_int_equal(telemetry_score(table, BASE, 2, &scores, arena, NULL), ERR_OK);
    return scores;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_a_quantile_is_what_sorting_finds(void **state)
{
    struct rand rand;
    (void)state;
    rand_init(&rand, 5);
    for (int round = 0; round < 500; round++) {
        double values[64], sorted[64];
        size_t count = 1 + rand_below(&rand, 64), kinds = 1 + rand_below(&rand, 20);
        for (size_t i = 0; i < count; i++)
            values[i] = sorted[i] = (double)rand_below(&rand, kinds);
        qsort(sorted, count, sizeof *sorted, by_value);
        for (int share = 0; share <= 10; share++) {
            size_t rank = (size_t)(share / 10.0 * (double)(count - 1) + 0.5);
            assert_true(telemetry_quantile(values, count, share / 10.0) == sorted[rank]);
        }
    }
    assert_true(isnan(telemetry_quantile(NULL, 0, 0.5)));
}

static void test_a_step_is_found_at_its_row_and_noise_is_not(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(2, "latency_avg", 1, &arena);
    for (size_t i = 107; i < ROWS; i++)
        table.values[i] += 30;
    struct telemetry_scores scores = score(&table, &arena);
    struct telemetry_excursion x;
    telemetry_excursion_find(&scores, 0, BASE, ROWS, &x);
    assert_true(x.score > 15 && x.severity > 1);
    assert_int_equal(telemetry_onset(&scores, 0, 0, &x), 107);
    const char *words = telemetry_words(&scores, 0, &x, 107, &arena);
    assert_non_null(strstr(words, "e0:latency_avg rose from"));
    telemetry_excursion_find(&scores, 1, BASE, ROWS, &x);
    assert_true(x.severity == 0);
    arena_done(&arena);
}

static void test_one_spike_is_no_excursion(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(1, "latency_avg", 2, &arena);
    table.values[110] += 500;
    struct telemetry_scores scores = score(&table, &arena);
    struct telemetry_excursion x;
    telemetry_excursion_find(&scores, 0, BASE, ROWS, &x);
    assert_true(x.severity == 0);
    arena_done(&arena);
}

static void test_only_the_harmful_direction_counts(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    static const char *const metrics[] = {"latency_avg", "availability", "requests"};
    static const bool up[] = {true, false, true}, down[] = {false, true, true};
    for (size_t m = 0; m < 3; m++)
        for (int side = -1; side <= 1; side += 2) {
            struct telemetry_table table = noise(1, metrics[m], 3, &arena);
            for (size_t i = 105; i < ROWS; i++)
                table.values[i] += 9 * side;
            struct telemetry_scores scores = score(&table, &arena);
            struct telemetry_excursion x;
            telemetry_excursion_find(&scores, 0, BASE, ROWS, &x);
            assert_int_equal(x.severity > 0, side > 0 ? up[m] : down[m]);
        }
    arena_done(&arena);
}

static void test_scores_keep_under_a_change_of_unit_and_of_time(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(3, "memory", 4, &arena);
    for (size_t i = 110; i < ROWS; i++)
        table.values[ROWS + i] *= 2;
    struct telemetry_scores before = score(&table, &arena);
    struct telemetry_table other = noise(3, "memory", 4, &arena);
    for (size_t i = 0; i < 3 * ROWS; i++)
        other.values[i] = table.values[i] * 1048576;
    for (size_t i = 0; i < ROWS; i++)
        other.times[i] -= 1e9;
    struct telemetry_scores after = score(&other, &arena);
    for (size_t i = 0; i < 3 * ROWS; i++)
        assert_true(fabsf(before.signed_score[i] - after.signed_score[i]) < 1e-4F);
    arena_done(&arena);
}

static void test_constant_empty_and_huge_series_have_finite_scores(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(4, "cpu", 5, &arena);
    for (size_t i = 0; i < ROWS; i++) {
        table.values[i] = 0;
        table.values[ROWS + i] = (double)NAN;
        table.values[2 * ROWS + i] = i % 2 ? 1e308 : -1e308;
        table.values[3 * ROWS + i] = i < BASE ? (double)NAN : 5;
    }
    table.values[115] = 1;
    struct telemetry_scores scores = score(&table, &arena);
    for (size_t i = 0; i < 4 * ROWS; i++)
        assert_true(isnan(scores.signed_score[i]) || isfinite(scores.signed_score[i]));
    for (size_t s = 0; s < 4; s++) {
        struct telemetry_excursion x;
        telemetry_excursion_find(&scores, s, BASE, ROWS, &x);
        assert_true(isfinite(x.score) && isfinite(x.severity));
        assert_true(scores.normal[s].scale > 0);
    }
    assert_false(scores.normal[1].known);
    assert_false(scores.normal[3].known);
    arena_done(&arena);
}

static void test_the_time_of_day_is_normal_where_history_shows_it(void **state)
{
    struct arena arena = ARENA_INIT;
    enum { DAYS = 3, STEPS = 96 };
    struct telemetry_table table = {.rows = DAYS * STEPS, .count = 1, .step_s = 900};
    struct telemetry_series series = {"shop", "requests", TELEMETRY_TRAFFIC, 0};
    struct telemetry_scores scores;
    struct telemetry_excursion x;
    struct rand rand;
    (void)state;
    rand_init(&rand, 9);
    table.series = &series;
    table.times = arena_array(&arena, table.rows, sizeof(double));
    table.values = arena_array(&arena, table.rows, sizeof(double));
    for (size_t i = 0; i < table.rows; i++) {
        table.times[i] = 900.0 * (double)i;
        table.values[i] = 100 + 60 * sin(6.2831853 * (double)i / STEPS) + rand_normal(&rand);
    }
    /* at night, noon's load: within the day's range, not within the hour's */
    for (size_t i = table.rows - 24; i < table.rows - 18; i++)
        table.values[i] = 158;
    assert_int_equal(telemetry_score(&table, table.rows - 30, 2, &scores, &arena, NULL), ERR_OK);
    assert_true(scores.normal[0].seasonal);
    telemetry_excursion_find(&scores, 0, table.rows - 30, table.rows, &x);
    assert_true(x.score > 10);
    assert_int_equal(telemetry_onset(&scores, 0, 0, &x), table.rows - 24);
    arena_done(&arena);
}

static void test_company_is_seen_through_direction_and_lag(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(3, "latency_avg", 6, &arena);
    telemetry_semantics("availability", &table.series[1].class, &table.series[1].direction);
    for (size_t i = 104; i < 112; i++) {
        table.values[i] += 5.0 * (double)(i - 103);
        table.values[ROWS + i + 1] -= 5.0 * (double)(i - 103);
    }
    table.values[94] = table.values[ROWS + 117] = (double)NAN; /* a missing value is no value */
    struct telemetry_scores scores = score(&table, &arena);
    assert_true(telemetry_together(&scores, 0, 1, 90, ROWS, 1) > 0.9);
    assert_true(telemetry_together(&scores, 0, 1, 90, ROWS, 1) >
                telemetry_together(&scores, 0, 1, 90, ROWS, 0));
    assert_true(telemetry_together(&scores, 0, 2, 90, ROWS, 1) < 0.6);
    arena_done(&arena);
}

static void test_silence_is_longer_than_any_gap_before(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    struct telemetry_table table = noise(3, "cpu", 8, &arena);
    for (size_t i = 0; i < ROWS; i++) {
        if (i >= ROWS - 4)
            table.values[i] = (double)NAN;
        if (i >= ROWS - 4 || (i >= 50 && i < 52)) /* gaps of two happen there */
            table.values[ROWS + i] = (double)NAN;
        if (i % 3 == 0 || i >= ROWS - 4) /* comes and goes */
            table.values[2 * ROWS + i] = (double)NAN;
    }
    struct telemetry_scores scores = score(&table, &arena);
    assert_int_equal(telemetry_silence(&scores, 0, ROWS), ROWS - 4);
    assert_int_equal(telemetry_silence(&scores, 0, ROWS - 2), ROWS - 2); /* two rows: too short */
    assert_int_equal(telemetry_silence(&scores, 1, ROWS), ROWS);
    assert_int_equal(telemetry_silence(&scores, 2, ROWS), ROWS);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quantile_is_what_sorting_finds),
        cmocka_unit_test(test_a_step_is_found_at_its_row_and_noise_is_not),
        cmocka_unit_test(test_one_spike_is_no_excursion),
        cmocka_unit_test(test_only_the_harmful_direction_counts),
        cmocka_unit_test(test_scores_keep_under_a_change_of_unit_and_of_time),
        cmocka_unit_test(test_constant_empty_and_huge_series_have_finite_scores),
        cmocka_unit_test(test_the_time_of_day_is_normal_where_history_shows_it),
        cmocka_unit_test(test_silence_is_longer_than_any_gap_before),
        cmocka_unit_test(test_company_is_seen_through_direction_and_lag),
    };
    int failed = test_csv_run();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
