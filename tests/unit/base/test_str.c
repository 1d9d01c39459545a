/* test_str.c - UTF-8, columns, numbers with units, names. */
#include "base_tests.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void test_null_equals_only_null_and_has_no_ends(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("", NULL));
    assert_true(str_eq("a", "a"));
    assert_false(str_eq("a", "b"));
    assert_true(str_has_prefix("abc", "ab"));
    assert_true(str_has_prefix("abc", ""));
    assert_false(str_has_prefix("a", "ab"));
    assert_false(str_has_prefix(NULL, "a"));
    assert_true(str_has_suffix("abc", "bc"));
    assert_true(str_has_suffix("abc", ""));
    assert_false(str_has_suffix("c", "bc"));
    assert_false(str_has_suffix(NULL, "c"));
}

static void test_every_code_point_is_put_and_read_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110010; c++) {
        char text[5];
        size_t len = str_put(text, c), at = 0;
        uint32_t wanted = (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF ? 0xFFFD : c;
        assert_int_equal(len, wanted < 0x80 ? 1 : wanted < 0x800 ? 2 : wanted < 0x10000 ? 3 : 4);
        assert_int_equal(text[len], '\0');
        assert_int_equal(str_next(text, len, &at), wanted);
        assert_int_equal(at, len);
        assert_int_equal(str_is_utf8(text, len), c != 0);
    }
}

/* Well-formed sequences by table 3-7 of the Unicode standard: length by lead byte, and the range of
 * the second byte.  An oracle of another form than the decoder. */
static size_t table_3_7(const unsigned char *p, size_t len)
{
    static const struct {
        unsigned char lead_first, lead_last, second_first, second_last;
        size_t length;
    } rows[] = {
        {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (p[0] < rows[i].lead_first || p[0] > rows[i].lead_last)
            continue;
        if (len < rows[i].length)
            return 0;
        if (rows[i].length > 1 && (p[1] < rows[i].second_first || p[1] > rows[i].second_last))
            return 0;
        for (size_t k = 2; k < rows[i].length; k++) {
            if (p[k] < 0x80 || p[k] > 0xBF)
                return 0;
        }
        return rows[i].length;
    }
    return 0;
}

static void check_first(const unsigned char *bytes, size_t len)
{
    size_t at = 0, wanted = table_3_7(bytes, len);
    uint32_t c = str_next((const char *)bytes, len, &at);
    if (wanted == 0) {
        if (c != 0xFFFD || at != 1)
            fail_msg("%02x %02x %02x %02x was taken", bytes[0], bytes[1], bytes[2], bytes[3]);
    } else if (at != wanted) {
        fail_msg("%02x %02x %02x %02x moved %zu", bytes[0], bytes[1], bytes[2], bytes[3], at);
    }
}

static void test_decoding_agrees_with_the_unicode_table_on_all_short_sequences(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xFF};
    unsigned char bytes[4] = {0};
    for (unsigned a = 0; a < 256; a++) {
        bytes[0] = (unsigned char)a;
        check_first(bytes, 1);
        for (unsigned b = 0; b < 256; b++) {
            bytes[1] = (unsigned char)b;
            check_first(bytes, 2);
            for (unsigned c = a < 0xE0 ? 256 : 0; c < 256; c++) {
                bytes[2] = (unsigned char)c;
                check_first(bytes, 3);
                if (a < 0xF0)
                    continue;
                for (size_t d = 0; d < ARRAY_LEN(edges); d++) {
                    bytes[3] = edges[d];
                    check_first(bytes, 4);
                }
            }
        }
    }
}

static void test_reading_at_the_end_gives_nothing_and_stays(void **state)
{
    (void)state;
    size_t at = 2;
    assert_int_equal(str_next("ab", 2, &at), 0);
    assert_int_equal(at, 2);
}

static void test_text_with_nul_is_not_utf8_text(void **state)
{
    (void)state;
    assert_true(str_is_utf8("", 0));
    assert_true(str_is_utf8("a算", 4));
    assert_false(str_is_utf8("a\0b", 3));
    assert_false(str_is_utf8("a\xE7\xAE", 3));
    assert_false(str_is_utf8("\xED\xA0\x80", 3)); /* a surrogate */
}

static void test_columns_are_counted_as_a_terminal_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"算力网", 6},
        {"a算b", 4},
        {"ＡＢ", 4},         /* full-width letters */
        {"ｱ", 1},            /* half-width kana */
        {"e\u0301", 1},      /* combining acute */
        {"한", 2},           /* Hangul syllable */
        {"\u1112\u1161", 2}, /* the same, of joined letters */
        {"é", 1},
        {"😀", 2},
        {"\u200B", 0},   /* zero width space */
        {"\t\n\x1b", 0}, /* controls */
        {"、。", 4},
        {"€", 1},
        {"\xFF", 1}, /* shown as the replacement character */
        {"\U00020000", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(str_width(cases[i].text), cases[i].width);
    assert_int_equal(str_width(NULL), 0);
}

static void test_whole_numbers_are_read_to_both_ends_of_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"-42", -42},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "-",
                                      "+",
                                      "--1",
                                      "0x10",
                                      "1.0",
                                      "1e3",
                                      "१",
                                      "９",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    struct err err = ERR_INIT;
    int64_t value;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(str_to_int64(good[i].text, &value, &err));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        value = 77;
        assert_int_equal(str_to_int64(bad[i], &value, &err), ERR_INVALID);
        assert_int_equal(value, 77);
    }
    assert_int_equal(str_to_int64(NULL, &value, NULL), ERR_INVALID);
}

static void test_decimal_numbers_are_finite_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"-1.5", -1.5},
        {"+2", 2},
        {".5", .5},
        {"5.", 5},
        {"1e3", 1000},
        {"1E-3", .001},
        {"1e+2", 100},
        {"0.1", 0.1},
        {"1e-400", 0},
        {"1.7976931348623157e308", 1.7976931348623157e308},
    };
    static const char *const bad[] = {
        "",  " 1", "1 ", "nan", "inf",   "-inf",   "infinity", "0x1p3", "1,5", ".",
        "-", "e5", "1e", "1e+", "1e400", "-1e400", "1.2.3",    "1_000", "1e5x"};
    struct err err = ERR_INIT;
    double value;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(str_to_double(good[i].text, &value, &err));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        value = 77;
        assert_int_equal(str_to_double(bad[i], &value, &err), ERR_INVALID);
        assert_true(value == 77);
    }
    assert_int_equal(str_to_double(NULL, &value, NULL), ERR_INVALID);
}

static void test_durations_have_units_and_default_to_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"30", 30000},   {"30s", 30000},   {"500ms", 500}, {"5m", 300000},
        {"2h", 7200000}, {"1d", 86400000}, {"0", 0},       {"9223372036854775807ms", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "-1",
                                      "1.5s",
                                      "s",
                                      "5 m",
                                      "5M",
                                      "1w",
                                      "+5",
                                      "5mm",
                                      "9223372036854775807",
                                      "9223372036854775808ms",
                                      "99999999999999999999999d"};
    struct err err = ERR_INIT;
    int64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(str_to_duration_ms(good[i].text, &ms, &err));
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(str_to_duration_ms(bad[i], &ms, &err), ERR_INVALID);
        assert_non_null(strstr(err.hint, "500ms"));
    }
}

static void test_sizes_count_in_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"4096", 4096},        {"64K", 65536},
                {"64KiB", 65536},      {"10M", 10485760},
                {"2G", 2147483648},    {"2GiB", 2147483648},
                {"1T", 1099511627776}, {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      "-1",
                                      "1.5G",
                                      "K",
                                      "64 K",
                                      "64k",
                                      "64KB",
                                      "1X",
                                      "18446744073709551616",
                                      "16777216T",
                                      "99999999999999999999K"};
    struct err err = ERR_INIT;
    uint64_t bytes;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(str_to_bytes(good[i].text, &bytes, &err));
        assert_true(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(str_to_bytes(bad[i], &bytes, &err), ERR_INVALID);
}

static void test_names_of_any_script_are_taken_and_tricks_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"a",     "web-1", "A_b.c", "9",  "算力节点-北京", "Größe",
                                       "हिन्दी", "حوسبة", "узел",  "_x", "노드"};
    static const char *const bad[] = {"",      "-a",       ".a",       "..",       "a/b",
                                      "a b",   "a\tb",     "a\n",      "a:b",      "a\\b",
                                      "a\xFF", "a\u200Bb", "a\u00A0b", "a\u202Eb", "a\uFF0Fb",
                                      "a😀",    "a%2f",     "*",        "a\u3000b", "a'b"};
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_ok(str_check_name(good[i], 64, "name", &err));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(str_check_name(bad[i], 64, "site name", &err), ERR_INVALID);
        assert_true(str_has_prefix(err.text, "site name "));
    }
    assert_ok(str_check_name("abcd", 4, "name", &err));
    assert_int_equal(str_check_name("abcde", 4, "name", &err), ERR_INVALID);
    assert_int_equal(str_check_name(NULL, 4, "name", &err), ERR_INVALID);
}

static void test_fixed_arrays_are_never_overrun_and_no_code_point_is_split(void **state)
{
    (void)state;
    const char *whole = "aé算😀b力\xFFz\x80\x80";
    for (size_t size = 1; size <= strlen(whole) + 2; size++) {
        char out[64];
        memset(out, '#', sizeof out);
        str_format(out, size, "%s", whole);
        size_t len = strlen(out);
        assert_true(len < size);
        assert_true(size - len <= 4); /* at most three bytes are given up */
        assert_memory_equal(out, whole, len);
        assert_int_equal(out[size], '#');
        /* What was cut off does not begin inside a code point of the text. */
        size_t at = 0;
        while (at < len)
            str_next(whole, strlen(whole), &at);
        assert_int_equal(at, len);
    }
}

int run_str_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_equals_only_null_and_has_no_ends),
        cmocka_unit_test(test_every_code_point_is_put_and_read_back),
        cmocka_unit_test(test_decoding_agrees_with_the_unicode_table_on_all_short_sequences),
        cmocka_unit_test(test_reading_at_the_end_gives_nothing_and_stays),
        cmocka_unit_test(test_text_with_nul_is_not_utf8_text),
        cmocka_unit_test(test_columns_are_counted_as_a_terminal_does),
        cmocka_unit_test(test_whole_numbers_are_read_to_both_ends_of_their_range),
        cmocka_unit_test(test_decimal_numbers_are_finite_and_nothing_else),
        cmocka_unit_test(test_durations_have_units_and_default_to_seconds),
        cmocka_unit_test(test_sizes_count_in_powers_of_1024),
        cmocka_unit_test(test_names_of_any_script_are_taken_and_tricks_refused),
        cmocka_unit_test(test_fixed_arrays_are_never_overrun_and_no_code_point_is_split),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
