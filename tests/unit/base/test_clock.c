/* test_clock.c - RFC 3339 against libc's calendar. */
#include "base_tests.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

#define LAST_MS INT64_C(253402300799999)

static void test_known_moments_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T08:00:00+08:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2000-02-29T12:00:00.5+08:00", 951796800500},
        {"2026-11-23T12:00:00.000Z", 1795435200000},
        {"2026-11-23T12:00:00.123456789Z", 1795435200123},
        {"2026-11-23T12:00:00.9999999999999999999999Z", 1795435200999},
        {"2026-11-23T06:30:00-05:30", 1795435200000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2017-01-01T07:59:60+08:00", 1483228800000},
        {"9999-12-31T23:59:59.999Z", LAST_MS},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        assert_ok(clock_parse(cases[i].text, &ms, &err));
        assert_true(ms == cases[i].ms);
    }
}

static void test_everything_else_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-23",
        "2026-11-23T12:00Z",
        "2026-11-23T12:00:00",
        "2026-11-23 12:00:00Z",
        "2026-11-23T12:00:00.Z",
        "2026-11-23T12:00:00,5Z",
        "2026-11-23T12:00:00Z ",
        " 2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00+0800",
        "2026-11-23T12:00:00+08",
        "2026-11-23T12:00:00+24:00",
        "2026-11-23T12:00:00+08:60",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T12:00:60Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-01-01T00:00:00Z",
        "+2026-01-01T00:00:00Z",
        "2026-1-1T0:0:0Z",
        "2026-11-23T-2:00:00Z",
        "2026-11-23T12:00:00−08:00",
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = 77;
        if (clock_parse(bad[i], &ms, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(ms, 77);
        assert_true(err.hint[0] != '\0');
    }
    int64_t ms;
    assert_int_equal(clock_parse(NULL, &ms, NULL), ERR_INVALID);
}

static void check_against_libc(int64_t ms)
{
    char text[CLOCK_TEXT_SIZE], wanted[64], date[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(wanted, sizeof wanted, "%s.%03dZ", date, (int)(ms % 1000));
    clock_format(ms, text);
    assert_string_equal(text, wanted);
    int64_t back = -1;
    assert_ok(clock_parse(text, &back, NULL));
    assert_true(back == ms);
}

static void test_every_day_to_2500_and_random_moments_agree_with_libc(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 530 * 366; day++)
        check_against_libc(day * 86400000 + 86399999 * (day & 1));
    struct rand rand;
    rand_init(&rand, 5);
    for (int i = 0; i < 100000; i++)
        check_against_libc((int64_t)rand_below(&rand, (uint64_t)LAST_MS + 1));
    check_against_libc(LAST_MS);
}

static void test_moments_outside_four_digit_years_print_as_the_nearest(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    clock_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    clock_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void test_sleeping_takes_at_least_its_time_and_clocks_move_on(void **state)
{
    (void)state;
    int64_t before_us = clock_mono_us(), before_ms = clock_mono_ms();
    clock_sleep_ms(20);
    assert_true(clock_mono_us() - before_us >= 20000);
    assert_true(clock_mono_ms() - before_ms >= 19);
    clock_sleep_ms(0);
    clock_sleep_ms(-5);
    assert_true(clock_now_ms() > INT64_C(1600000000000));
}

int run_clock_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_moments_are_read),
        cmocka_unit_test(test_everything_else_is_refused_and_changes_nothing),
        cmocka_unit_test(test_every_day_to_2500_and_random_moments_agree_with_libc),
        cmocka_unit_test(test_moments_outside_four_digit_years_print_as_the_nearest),
        cmocka_unit_test(test_sleeping_takes_at_least_its_time_and_clocks_move_on),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
