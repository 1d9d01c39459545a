/* test_csv.c - metrics.csv as it should be, and as it comes. */
#include "test_csv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "twin/telemetry/telemetry.h"

static enum err_code read_text(const char *text, struct telemetry_table *table, struct arena *arena,
                               struct err *err)
{
    *err = (struct err)ERR_INIT;
    return telemetry_read_csv(text, strlen(text), table, arena, err);
}

static double value(const struct telemetry_table *table, size_t series, size_t row)
{
    return table->values[series * table->rows + row];
}

static void test_names_are_split_at_the_last_colon(void **state)
{
    struct arena arena = ARENA_INIT;
    struct telemetry_table table;
    struct err err;
    (void)state;
    assert_int_equal(
        read_text("time,a:b:cpu,\"x, \"\"y\"\"\":latency_avg\n1,2,3\n", &table, &arena, &err),
        ERR_INVALID); /* text after a closing quote */
    assert_int_equal(
        read_text("time,a:b:cpu,\"x, \"\"y\"\":latency_avg\"\n1,2,3\n", &table, &arena, &err),
        ERR_OK);
    assert_string_equal(table.series[0].entity, "a:b");
    assert_string_equal(table.series[0].metric, "cpu");
    assert_int_equal(table.series[0].class, TELEMETRY_RESOURCE);
    assert_string_equal(table.series[1].entity, "x, \"y\"");
    assert_int_equal(table.series[1].class, TELEMETRY_LATENCY);
    assert_int_equal(table.series[1].direction, 1);
    arena_done(&arena);
}

static void test_rows_are_sorted_merged_and_what_was_done_is_counted(void **state)
{
    static const char text[] = "\xef\xbb\xbftime,a:cpu,b:cpu\r\n"
                               "30,3,\r\n10,1,NaN\r\n20,2,5\r\n30,,6\r\n\r\n40,inf,7\r\n90,1,-1e3";
    struct arena arena = ARENA_INIT;
    struct telemetry_table table;
    struct err err;
    (void)state;
    assert_int_equal(read_text(text, &table, &arena, &err), ERR_OK);
    assert_int_equal(table.rows, 5);
    assert_int_equal(table.count, 2);
    assert_true(table.times[0] == 10 && table.times[2] == 30 && table.times[4] == 90);
    assert_true(value(&table, 0, 2) == 3); /* the empty cell of its twin does not undo it */
    assert_true(value(&table, 1, 2) == 6);
    assert_true(isnan(value(&table, 1, 0)) && isnan(value(&table, 0, 3)));
    assert_true(value(&table, 1, 4) == -1000);
    assert_int_equal(table.notes.unsorted, 1);
    assert_int_equal(table.notes.duplicates, 1);
    assert_int_equal(table.notes.not_finite, 2);
    assert_int_equal(table.notes.gaps, 1);
    assert_true(table.step_s == 10);
    arena_done(&arena);
}

static void test_what_is_no_table_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "line 1: there is no header"},
        {"a:cpu,time\n1,2\n", "line 1: the first column"},
        {"time\n1\n", "line 1: there is no column besides time"},
        {"time,cpu\n1,2\n", "line 1: column 2 'cpu' is not ENTITY:METRIC"},
        {"time,:cpu\n1,2\n", "line 1: column 2"},
        {"time,a:\n1,2\n", "line 1: column 2"},
        {"time,a:cpu,a:cpu\n1,2,3\n", "line 1: column 'a:cpu' is there twice"},
        {"time,\"a:cpu\n1,2\n", "line 1: a quote is not closed"},
        {"time,\xff:cpu\n1,2\n", "line 1: a column name is not UTF-8"},
        {"time,a:cpu\n", "there is no row"},
        {"time,a:cpu\n\n1,2\nx,3\n", "line 4: time 'x' is not a number"},
        {"time,a:cpu\n1700000000000,3\n", "line 2: time 1700000000000 is not in Unix seconds"},
        {"time,a:cpu\nnan,3\n", "line 2: time 'nan'"},
        {"time,a:cpu\n1,2\n2,high\n", "line 3: column 'a:cpu': 'high' is no number"},
        {"time,a:cpu\n1,0x10\n", "line 2: column 'a:cpu'"},
        {"time,a:cpu,b:cpu\n1,2\n", "line 2: fewer cells"},
        {"time,a:cpu\n1,2,3\n", "line 2: more cells"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena arena = ARENA_INIT;
        struct telemetry_table table;
        struct err err;
        assert_int_equal(read_text(bad[i].text, &table, &arena, &err), ERR_INVALID);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
        arena_done(&arena);
    }
}

static void test_numbers_read_as_strtod_reads_them(void **state)
{
    static const char *const numbers[] = {
        "0",       "-0.5",  "123456789.123456",     "1e-7",
        "+3.25",   "1e300", "0.000000001",          ".5",
        "5.",      "-1E+2", "99999999999999999999", "0.1234567890123456789",
        "4.9e-324"};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct arena arena = ARENA_INIT;
        struct telemetry_table table;
        struct err err;
        char text[100] = "time,a:x\n1,";
        strcat(strcat(text, numbers[i]), "\n");
        assert_int_equal(read_text(text, &table, &arena, &err), ERR_OK);
        assert_true(value(&table, 0, 0) == strtod(numbers[i], NULL));
        arena_done(&arena);
    }
}

int test_csv_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_split_at_the_last_colon),
        cmocka_unit_test(test_rows_are_sorted_merged_and_what_was_done_is_counted),
        cmocka_unit_test(test_what_is_no_table_is_refused_with_its_line),
        cmocka_unit_test(test_numbers_read_as_strtod_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
