/* test_err.c - the table of codes, and filling a struct err. */
#include "base_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The agreed table, written a second time so that a slip in one of them is seen. */
static const struct {
    enum err_code code;
    const char *name;
    int http, exit;
} agreed[] = {
    {ERR_OK, "ok", 200, 0},
    {ERR_INVALID, "invalid", 400, 2},
    {ERR_USAGE, "usage", 400, 2},
    {ERR_UNAUTHENTICATED, "unauthenticated", 401, 2},
    {ERR_FORBIDDEN, "forbidden", 403, 3},
    {ERR_NOT_FOUND, "not-found", 404, 2},
    {ERR_METHOD, "method", 405, 2},
    {ERR_CONFLICT, "conflict", 409, 3},
    {ERR_PRECONDITION, "precondition", 412, 3},
    {ERR_TOO_LARGE, "too-large", 413, 2},
    {ERR_UNSUPPORTED, "unsupported", 415, 2},
    {ERR_INFEASIBLE, "infeasible", 422, 3},
    {ERR_POLICY, "policy", 403, 3},
    {ERR_QUOTA, "quota", 409, 3},
    {ERR_CAPACITY, "capacity", 409, 3},
    {ERR_CREDENTIAL, "credential", 502, 1},
    {ERR_BALANCE, "balance", 402, 3},
    {ERR_RATE, "rate", 429, 1},
    {ERR_TRANSIENT, "transient", 503, 1},
    {ERR_TIMEOUT, "timeout", 504, 1},
    {ERR_CANCELLED, "cancelled", 409, 3},
    {ERR_PARTIAL, "partial", 500, 4},
    {ERR_IO, "io", 500, 1},
    {ERR_CORRUPT, "corrupt", 500, 1},
    {ERR_BUG, "bug", 500, 1},
};

static void test_each_code_means_what_was_agreed(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(agreed), ERR_CODES);
    for (size_t i = 0; i < ARRAY_LEN(agreed); i++) {
        const struct err_info *info = err_info(agreed[i].code);
        assert_int_equal(info->code, agreed[i].code);
        assert_string_equal(info->name, agreed[i].name);
        assert_int_equal(info->http_status, agreed[i].http);
        assert_int_equal(info->exit_code, agreed[i].exit);
        assert_true(info->title[0] != '\0');
        assert_int_equal(err_code_by_name(agreed[i].name), agreed[i].code);
    }
}

static void test_each_class_is_one_of_the_known(void **state)
{
    (void)state;
    static const char *const classes[] = {"input",   "credential", "conflict",  "quota", "capacity",
                                          "balance", "policy",     "transient", "bug"};
    for (int code = ERR_OK + 1; code < ERR_CODES; code++) {
        size_t hits = 0;
        for (size_t i = 0; i < ARRAY_LEN(classes); i++)
            hits += str_eq(classes[i], err_info((enum err_code)code)->class);
        assert_int_equal(hits, 1);
    }
}

static void test_an_unknown_code_or_name_reads_as_a_bug(void **state)
{
    (void)state;
    assert_int_equal(err_info((enum err_code)999)->code, ERR_BUG);
    assert_int_equal(err_info((enum err_code) - 1)->code, ERR_BUG);
    assert_int_equal(err_info(ERR_CODES)->code, ERR_BUG);
    assert_int_equal(err_code_by_name("no-such"), ERR_BUG);
    assert_int_equal(err_code_by_name(NULL), ERR_BUG);
}

static void test_only_what_may_pass_by_itself_is_retryable(void **state)
{
    (void)state;
    for (int code = ERR_OK; code < ERR_CODES; code++) {
        bool wanted = code == ERR_RATE || code == ERR_TRANSIENT || code == ERR_TIMEOUT;
        assert_int_equal(err_is_retryable((enum err_code)code), wanted);
    }
}

static void test_setting_clears_field_and_hint(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err_set(&err, ERR_QUOTA, "limit is %d", 3), ERR_QUOTA);
    assert_int_equal(err_field(&err, "items[%d]", 1), ERR_QUOTA);
    assert_int_equal(err_hint(&err, "ask for more"), ERR_QUOTA);
    assert_string_equal(err.text, "limit is 3");
    assert_string_equal(err.field, "items[1]");
    assert_string_equal(err.hint, "ask for more");
    assert_int_equal(err_set(&err, ERR_IO, "disk"), ERR_IO);
    assert_string_equal(err.field, "");
    assert_string_equal(err.hint, "");
    err_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.text, "");
}

static void test_a_caller_may_want_the_code_alone(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, "%s", "x"), ERR_IO);
    assert_int_equal(err_errno(NULL, ENOENT, "%s", "x"), ERR_NOT_FOUND);
    assert_int_equal(err_field(NULL, "%s", "x"), ERR_BUG);
    assert_int_equal(err_hint(NULL, "%s", "x"), ERR_BUG);
    assert_int_equal(err_context(NULL, "%s", "x"), ERR_BUG);
    err_clear(NULL);
}

static void test_context_stands_before_the_text_and_keeps_the_rest(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_set(&err, ERR_INVALID, "bad");
    err_field(&err, "a.b");
    assert_int_equal(err_context(&err, "file '%s'", "x.yaml"), ERR_INVALID);
    assert_string_equal(err.text, "file 'x.yaml': bad");
    assert_string_equal(err.field, "a.b");
}

static void test_arguments_may_be_parts_of_the_error_itself(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_set(&err, ERR_INVALID, "first");
    err_set(&err, ERR_IO, "<%s>", err.text);
    assert_string_equal(err.text, "<first>");
    err_context(&err, "[%s]", err.text);
    assert_string_equal(err.text, "[<first>]: <first>");
    err_hint(&err, "see %s", err.text);
    err_hint(&err, "%s twice", err.hint);
    assert_string_equal(err.hint, "see [<first>]: <first> twice");
}

static void test_a_long_text_is_cut_between_code_points(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char longer[2000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(longer, 'x', shift);
        size_t len = shift;
        while (len + 4 < sizeof longer)
            len += str_put(longer + len, 0x7B97);
        err_set(&err, ERR_INVALID, "%s", longer);
        assert_true(str_is_utf8(err.text, strlen(err.text)));
        assert_true(strlen(err.text) > sizeof err.text - 4);
        err_field(&err, "%s", longer);
        assert_true(str_is_utf8(err.field, strlen(err.field)));
        err_context(&err, "%s", longer);
        assert_true(str_is_utf8(err.text, strlen(err.text)));
        err_errno(&err, EIO, "%s", longer);
        assert_true(str_is_utf8(err.text, strlen(err.text)));
        assert_true(str_has_suffix(err.text, "Input/output error"));
    }
}

static void test_what_came_from_outside_is_made_printable(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_set(&err, ERR_INVALID, "%s",
            "a\x1b[31mb\nc\xC2\x9B\xFF"
            "d\x7F 算");
    assert_string_equal(err.text, "a?[31mb?c??d? 算");
}

static void test_an_errno_gets_its_code_and_its_reason(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum err_code code;
    } cases[] = {
        {ENOENT, ERR_NOT_FOUND},       {EACCES, ERR_FORBIDDEN},    {EEXIST, ERR_CONFLICT},
        {ENOTDIR, ERR_INVALID},        {EFBIG, ERR_TOO_LARGE},     {EDQUOT, ERR_QUOTA},
        {ETIMEDOUT, ERR_TIMEOUT},      {ECANCELED, ERR_CANCELLED}, {ECONNREFUSED, ERR_TRANSIENT},
        {EAGAIN, ERR_TRANSIENT},       {ENOSPC, ERR_IO},           {EIO, ERR_IO},
        {EOPNOTSUPP, ERR_UNSUPPORTED}, {123456, ERR_IO},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(err_errno(&err, cases[i].errnum, "x"), cases[i].code);
    err_errno(&err, ENOENT, "cannot open '%s'", "f");
    assert_string_equal(err.text, "cannot open 'f': No such file or directory");
    err_errno(&err, 123456, "odd");
    assert_string_equal(err.text, "odd: error 123456");
}

int run_err_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_code_means_what_was_agreed),
        cmocka_unit_test(test_each_class_is_one_of_the_known),
        cmocka_unit_test(test_an_unknown_code_or_name_reads_as_a_bug),
        cmocka_unit_test(test_only_what_may_pass_by_itself_is_retryable),
        cmocka_unit_test(test_setting_clears_field_and_hint),
        cmocka_unit_test(test_a_caller_may_want_the_code_alone),
        cmocka_unit_test(test_context_stands_before_the_text_and_keeps_the_rest),
        cmocka_unit_test(test_arguments_may_be_parts_of_the_error_itself),
        cmocka_unit_test(test_a_long_text_is_cut_between_code_points),
        cmocka_unit_test(test_what_came_from_outside_is_made_printable),
        cmocka_unit_test(test_an_errno_gets_its_code_and_its_reason),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
