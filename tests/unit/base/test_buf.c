/* test_buf.c - the growing byte string and its JSON writers. */
#include "base_tests.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

static void test_additions_of_every_kind_stand_one_after_the_other(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    assert_string_equal(buf_str(&buf), "");
    assert_null(buf.data);
    buf_add(&buf, NULL, 0);
    buf_add_str(&buf, "ab");
    buf_add_str(&buf, NULL);
    buf_add_char(&buf, 'c');
    buf_printf(&buf, "%d", 42);
    buf_add(&buf, "x\0y", 3);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.data, "abc42x\0y", 9);
    buf_clear(&buf);
    assert_string_equal(buf_str(&buf), "");
}

static void test_random_additions_equal_a_naive_copy(void **state)
{
    (void)state;
    static char naive[1 << 20];
    struct rand rand;
    for (uint64_t seed = 0; seed < 50; seed++) {
        rand_init(&rand, seed);
        CLEANUP(buf_done) struct buf buf = BUF_INIT;
        size_t len = 0;
        for (int i = 0; i < 200; i++) {
            char piece[600];
            size_t n = rand_below(&rand, 500);
            for (size_t k = 0; k < n; k++)
                piece[k] = (char)('a' + rand_below(&rand, 26));
            piece[n] = '\0';
            if (rand_below(&rand, 2))
                buf_printf(&buf, "%s", piece);
            else
                buf_add(&buf, piece, n);
            memcpy(naive + len, piece, n);
            len += n;
            assert_int_equal(buf.len, len);
            assert_int_equal(buf_str(&buf)[len], '\0');
        }
        assert_memory_equal(buf.data, naive, len);
    }
}

static void test_a_breach_of_the_maximum_is_remembered_and_later_text_ignored(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (int with_printf = 0; with_printf < 2; with_printf++) {
        struct buf buf;
        buf_init(&buf, 10);
        buf_add_str(&buf, "12345678");
        assert_ok(buf_check(&buf, &err));
        if (with_printf)
            buf_printf(&buf, "%s", "abc");
        else
            buf_add_str(&buf, "abc");
        assert_string_equal(buf.data, "12345678");
        buf_add_char(&buf, 'x');
        buf_printf(&buf, "%d", 1);
        assert_string_equal(buf.data, "12345678");
        assert_int_equal(buf_check(&buf, &err), ERR_TOO_LARGE);
        buf_clear(&buf);
        buf_add_str(&buf, "1234567890");
        assert_ok(buf_check(&buf, &err));
        assert_int_equal(buf.len, 10);
        buf_done(&buf);
    }
}

static void test_taking_moves_the_text_out(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    CLEANUP(mem_free_at) char *empty = buf_take(&buf);
    assert_string_equal(empty, "");
    buf_add_str(&buf, "x");
    CLEANUP(mem_free_at) char *text = buf_take(&buf);
    assert_string_equal(text, "x");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void test_every_code_point_survives_as_a_json_string(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        if (c > 0x3000 && c % 7) /* a seventh of the far planes is enough */
            continue;
        char text[5];
        size_t len = str_put(text, c);
        buf_clear(&buf);
        buf_add_json_str(&buf, text, len);
        for (size_t i = 0; i < buf.len; i++)
            assert_true((unsigned char)buf.data[i] >= 0x20 && buf.data[i] != 0x7F);
        json_t *read = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        assert_int_equal(json_string_length(read), len);
        assert_memory_equal(json_string_value(read), text, len);
        json_decref(read);
    }
}

static void test_json_strings_escape_as_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *json;
    } cases[] = {
        {NULL, 0, "\"\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"\0\x1b\x7f", 3, "\"\\u0000\\u001b\\u007f\""},
        {"\xC2\x9B", 2, "\"\\u009b\""},
        {"\xE2\x80\xA8", 3, "\"\\u2028\""},
        {"x\xFFy", 3, "\"x\xEF\xBF\xBDy\""},
        {"\xE7\xAE", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xEF\xBF\xBD", 3, "\"\xEF\xBF\xBD\""},
        {"算力", 6, "\"算力\""},
    };
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&buf);
        buf_add_json_str(&buf, cases[i].text, cases[i].len);
        assert_string_equal(buf.data, cases[i].json);
    }
}

static void test_random_bytes_always_become_valid_json(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 7);
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t len = rand_below(&rand, sizeof bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)rand_below(&rand, 256);
        buf_clear(&buf);
        buf_add_json_str(&buf, bytes, len);
        json_t *read = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        json_decref(read);
    }
}

static const char *double_text(struct buf *buf, double value)
{
    buf_clear(buf);
    buf_add_json_double(buf, value);
    return buf->data;
}

static void test_doubles_print_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-17, "-17"},
        {100000, "100000"},
        {999999999999999, "999999999999999"},
        {1e15, "1e15"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.5e-7, "1.5e-7"},
        {1e300, "1e300"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {123456.789, "123456.789"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(double_text(&buf, cases[i].value), cases[i].text);
}

/* How many significant digits stand in a number's text. */
static int significant_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += digits > 0;
        } else if (*text >= '1' && *text <= '9') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

static void test_random_bit_patterns_read_back_as_the_same_double_and_are_shortest(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 11);
    CLEANUP(buf_done) struct buf buf = BUF_INIT;
    for (int round = 0; round < 200000; round++) {
        uint64_t bits = rand_u64(&rand);
        if (round % 10 == 0)
            bits &= ~(UINT64_C(0x7FF) << 52); /* subnormal */
        double value;
        memcpy(&value, &bits, sizeof value);
        if (round % 3 == 0)
            value = (double)(int64_t)rand_below(&rand, 2000000) / 1000.0; /* a price */
        if (!isfinite(value) || value == 0)
            continue;
        const char *text = double_text(&buf, value);
        json_t *read = json_loadb(buf.data, buf.len, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        assert_true(json_number_value(read) == value);
        json_decref(read);
        int digits = significant_digits(text);
        assert_true(digits >= 1 && digits <= 17);
        if (digits > 1 && round % 8 == 0) {
            char shorter[64];
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
            assert_true(strtod(shorter, NULL) != value);
        }
    }
}

int run_buf_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_additions_of_every_kind_stand_one_after_the_other),
        cmocka_unit_test(test_random_additions_equal_a_naive_copy),
        cmocka_unit_test(test_a_breach_of_the_maximum_is_remembered_and_later_text_ignored),
        cmocka_unit_test(test_taking_moves_the_text_out),
        cmocka_unit_test(test_every_code_point_survives_as_a_json_string),
        cmocka_unit_test(test_json_strings_escape_as_expected),
        cmocka_unit_test(test_random_bytes_always_become_valid_json),
        cmocka_unit_test(test_doubles_print_as_people_write_them),
        cmocka_unit_test(test_random_bit_patterns_read_back_as_the_same_double_and_are_shortest),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
