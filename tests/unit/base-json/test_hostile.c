/* test_hostile.c - input made to hurt: deep, huge, cut, full of wrong bytes. */
#include "tests.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static enum err_code decode(const char *text, size_t len, bool yaml, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct sample s;
    enum err_code code = yaml ? json_decode_yaml(text, len, &sample_table, NULL, &s, &arena, err)
                              : json_decode(text, len, &sample_table, NULL, &s, &arena, err);
    arena_done(&arena);
    return code;
}

static char *repeat(const char *part, size_t count, const char *before, const char *after,
                    size_t *len)
{
    struct buf out = BUF_INIT;
    buf_add_str(&out, before);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&out, part);
    buf_add_str(&out, after);
    *len = out.len;
    return buf_take(&out);
}

static void check_repeated(const char *part, size_t count, const char *before, const char *after,
                           bool yaml, const char *words)
{
    size_t len;
    char *text = repeat(part, count, before, after, &len);
    struct err err = ERR_INIT;
    int64_t begin = clock_mono_ms();
    enum err_code code = decode(text, len, yaml, &err);
    int64_t took = clock_mono_ms() - begin;
    if (code != ERR_TOO_LARGE || strstr(err.text, words) == NULL)
        fail_msg("%s × %zu: code %d, %s: %s", part, count, code, err.field, err.text);
    assert_true(took < 5000); /* linear work; generous for sanitizers */
    mem_free(text);
}

static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    check_repeated("[", 1000000, "", "", false, "nested too deeply");
    check_repeated("{\"a\":", 150000, "", "", false, "nested too deeply");
    check_repeated("[", 1000000, "id: ", "", true, "nested too deeply");
    check_repeated("- ", 500000, "", "x", true, "nested too deeply");
    check_repeated("[", 33, "{\"id\":\"a\",\"extra\":", "", false, "nested too deeply");
}

static void test_nesting_up_to_the_limit_is_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t len;
    char *open = repeat("[", 31, "{\"id\":\"a\",\"extra\":", "", &len);
    char *text = repeat("]", 31, open, "}", &len);
    if (decode(text, len, false, &err) != ERR_OK)
        fail_msg("%s", err.text);
    mem_free(open);
    mem_free(text);
}

static void test_too_much_of_anything_is_refused(void **state)
{
    (void)state;
    check_repeated("x", 70000, "{\"id\":\"", "\"}", false, "a text is too long");
    check_repeated("x", 70000, "id: ", "\n", true, "a text is too long");
    check_repeated("x", 70000, "? ", "\n: 1\n", true, "a key is too long");
    check_repeated("1,", 10000, "{\"weights\":[", "1]}", false, "too many items");
    check_repeated("- 1\n", 10001, "weights:\n", "", true, "too many items");
    check_repeated("[[1,1,1,1,1,1,1,1,1,1],[1,1,1,1,1,1,1,1,1,1]],", 9000, "[", "1]", false,
                   "too many values");
    check_repeated(" ", 1 << 20, "{\"id\":\"a\"}", "", false, "the text has");
    check_repeated("#", 1 << 20, "id: a\n", "", true, "the text has");
}

static void test_escapes_count_as_what_they_stand_for(void **state)
{
    (void)state;
    struct json_limits limits = json_limits_default;
    struct arena arena = ARENA_INIT;
    struct sample s;
    /* 12 bytes: A 1, é 2, 上 3, 😀 4, \n 1, \" 1 */
    static const char text[] =
        "{\"note\":\"\\u0041\\u00e9\\u4e0a\\ud83d\\ude00\\n\\\"\",\"id\":\"a\"}";
    limits.text_bytes = 12;
    assert_int_equal(json_decode(text, strlen(text), &sample_table, &limits, &s, &arena, NULL),
                     ERR_OK);
    assert_int_equal(strlen(s.note), 12);
    limits.text_bytes = 11;
    assert_int_equal(json_decode(text, strlen(text), &sample_table, &limits, &s, &arena, NULL),
                     ERR_TOO_LARGE);
    arena_done(&arena);
}

static void test_an_arena_that_is_full_ends_in_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct sample s;
    struct err err = ERR_INIT;
    size_t len;
    char *text = repeat("\"0123456789abcdef0123456789abcdef\",", 5000,
                        "{\"id\":\"a\",\"regions\":[", "\"\"]}", &len);
    arena_init(&arena, 65536);
    assert_int_equal(json_decode(text, len, &sample_table, NULL, &s, &arena, &err), ERR_TOO_LARGE);
    assert_memory_equal(err.field, "regions", 7);
    arena_done(&arena);
    mem_free(text);
}

static const char whole_json[] =
    "{\"id\":\"a\",\"note\":\"\\u00e9\xc3\xa9\\n\",\"count\":12,\"ratio\":1.5e3,\"parts\":[{"
    "\"name\":"
    "\"p\",\"labels\":[\"x\"]}],\"prices\":{\"T4\":6},\"extra\":[null,true,false]}";
static const char whole_yaml[] =
    "id: a\nnote: |\n  one\n  two\ncount: 12\nparts:\n  - name: \"p\\n\"\n"
    "    labels: [x, 'y']\nprices: {T4: 6}\nextra: [null, true]\n";

static void test_json_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t len = strlen(whole_json);
    if (decode(whole_json, len, false, &err) != ERR_OK)
        fail_msg("%s: %s", err.field, err.text);
    for (size_t i = 0; i < len; i++) {
        char *part = mem_strndup(whole_json, i); /* exact, so that reading past it is seen */
        assert_int_not_equal(decode(part, i, false, NULL), ERR_OK);
        mem_free(part);
    }
}

static void test_yaml_cut_at_any_byte_is_an_answer(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t len = strlen(whole_yaml);
    if (decode(whole_yaml, len, true, &err) != ERR_OK)
        fail_msg("%s: %s", err.field, err.text);
    for (size_t i = 0; i < len; i++) {
        char *part = mem_alloc(i + 1);
        memcpy(part, whole_yaml, i);
        enum err_code code = decode(part, i, true, &err);
        assert_true(code == ERR_OK || (code == ERR_INVALID && err.text[0] != '\0'));
        mem_free(part);
    }
}

static void test_any_byte_in_any_place_is_an_answer(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0,   1,   9,    10,   ' ',  '"',  '\\', '{',  '}',
                                          '[', ']', ':',  ',',  '-',  '#',  '&',  '*',  '!',
                                          '|', '?', 0x7f, 0x80, 0xc3, 0xe2, 0xed, 0xf4, 0xff};
    for (int yaml = 0; yaml <= 1; yaml++) {
        const char *whole = yaml ? whole_yaml : whole_json;
        size_t len = strlen(whole);
        char *text = mem_strndup(whole, len);
        for (size_t i = 0; i < len; i++) {
            for (size_t b = 0; b < sizeof bytes; b++) {
                struct err err = ERR_INIT;
                text[i] = (char)bytes[b];
                enum err_code code = decode(text, len, yaml == 1, &err);
                assert_true(code == ERR_OK || err.code == code);
                assert_true(str_is_utf8(err.text, strlen(err.text)));
                assert_true(str_is_utf8(err.field, strlen(err.field)));
            }
            text[i] = whole[i];
        }
        mem_free(text);
    }
}

static void test_nul_is_refused_where_it_stands(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char text[] = "{\"id\":\n\"a\0b\"}";
    assert_int_equal(decode(text, sizeof text - 1, false, &err), ERR_INVALID);
    assert_string_equal(err.text, "line 2: byte 10 is NUL");
    assert_int_equal(decode("id: a\0", 6, true, &err), ERR_INVALID);
    assert_string_equal(err.text, "line 1: byte 6 is NUL");
}

static void test_a_replacement_character_is_text(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char good[] = "{\"id\":\"a\",\"note\":\"\xef\xbf\xbd\"}";
    static const char bad[] = "{\"id\":\"a\",\"note\":\"\xef\xbf\xbd\xff\"}";
    assert_int_equal(decode(good, strlen(good), false, &err), ERR_OK);
    assert_int_equal(decode(bad, strlen(bad), false, &err), ERR_INVALID);
    assert_string_equal(err.text, "byte 22 is not UTF-8");
}

static void test_long_paths_are_cut_to_fit(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t len;
    char *text = repeat("{\"id\":\"a\",\"next\":", 30, "", "{\"\xe4\xb8\x8a nope\":1", &len);
    char *whole = repeat("}", 31, text, "", &len);
    assert_int_equal(decode(whole, len, false, &err), ERR_INVALID);
    assert_memory_equal(err.field, "next.next.next.", 15);
    assert_true(strlen(err.field) < sizeof err.field);
    assert_true(str_is_utf8(err.field, strlen(err.field)));
    mem_free(text);
    mem_free(whole);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_deep_nesting_is_refused),
    cmocka_unit_test(test_nesting_up_to_the_limit_is_read),
    cmocka_unit_test(test_too_much_of_anything_is_refused),
    cmocka_unit_test(test_escapes_count_as_what_they_stand_for),
    cmocka_unit_test(test_an_arena_that_is_full_ends_in_an_error),
    cmocka_unit_test(test_json_cut_at_any_byte_is_refused),
    cmocka_unit_test(test_yaml_cut_at_any_byte_is_an_answer),
    cmocka_unit_test(test_any_byte_in_any_place_is_an_answer),
    cmocka_unit_test(test_nul_is_refused_where_it_stands),
    cmocka_unit_test(test_a_replacement_character_is_text),
    cmocka_unit_test(test_long_paths_are_cut_to_fit),
};

int run_hostile_tests(void)
{
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
