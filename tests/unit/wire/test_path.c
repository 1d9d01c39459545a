/* The target of a request line: decoding and what is refused. */
#include <string.h>

#include "wire/http_priv.h"
#include "wire_test.h"

static void check_good(const char *target, const char *path)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_target out = {0};
    struct err err = ERR_INIT;
    if (http_target_decode(target, &out, &arena, &err))
        fail_msg("'%s' is refused: %s", target, err.text);
    assert_string_equal(out.path, path);
}

static void check_bad(const char *target)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_target out = {0};
    struct err err = ERR_INIT;
    if (http_target_decode(target, &out, &arena, &err) != ERR_INVALID)
        fail_msg("'%s' is let through as '%s'", target, out.path);
    assert_true(err.text[0] != '\0');
    assert_null(out.path);
}

static void test_a_path_is_decoded_once(void **state)
{
    (void)state;
    check_good("/", "/");
    check_good("/a/b", "/a/b");
    check_good("/a%20b", "/a b");
    check_good("/%2525", "/%25");
    check_good("/a+b", "/a+b");
    check_good("/%E7%AE%97%E7%BD%91", "/算网");
    check_good("/算网", "/算网");
    check_good("/a?x=../..", "/a");
    check_good("/...", "/...");
    check_good("/.hidden/a..b", "/.hidden/a..b");
    check_good("http://host:80/a?b", "/a");
    check_good("HTTPS://host", "/");
}

static void test_a_path_that_climbs_or_lies_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        "*",
        "a",
        "?a=b",
        "/..",
        "/../etc",
        "/a/..%2fb",
        "/%2e%2e/b",
        "/a/%2E.",
        "/a/.",
        "/a/./b",
        "/..%2F..%2f",
        "/%00",
        "/a%00b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%c0%ae%c0%ae/",
        "/%ff",
        "/\xff",
        "/%ed%a0%80",
        "/a%0d%0ab",
        "/a%7f",
        "/a#b",
        "http://a/..",
        "ftp://a/b",
        "/%2e%2e%2f%2e%2e",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check_bad(bad[i]);
}

static void test_a_query_is_split_then_decoded(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_target out = {0};
    assert_int_equal(http_target_decode("/a?x=1&y=a%26b+c&&z&x=2&=v&w=a=b", &out, &arena, NULL),
                     ERR_OK);
    const char *expected[][2] = {{"x", "1"}, {"y", "a&b c"}, {"z", ""},
                                 {"x", "2"}, {"", "v"},      {"w", "a=b"}};
    assert_int_equal(out.parameters.count, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_string_equal(out.parameters.items[i].name, expected[i][0]);
        assert_string_equal(out.parameters.items[i].value, expected[i][1]);
    }
}

static void test_a_bad_query_is_refused(void **state)
{
    (void)state;
    check_bad("/a?x=%00");
    check_bad("/a?x=%ff");
    check_bad("/a?%zz=1");
    check_bad("/a?x=%4");
    check_bad("/a?x=1#y");
    CLEANUP(buf_done) struct buf many = BUF_INIT;
    buf_add_str(&many, "/a?");
    for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
        buf_add_str(&many, "x&");
    check_good(many.data, "/a");
    buf_add_str(&many, "x");
    check_bad(many.data);
}

int wire_path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_decoded_once),
        cmocka_unit_test(test_a_path_that_climbs_or_lies_is_refused),
        cmocka_unit_test(test_a_query_is_split_then_decoded),
        cmocka_unit_test(test_a_bad_query_is_refused),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
