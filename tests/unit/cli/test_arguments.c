/* test_arguments.c - from argv to one call; refusals with the nearest word. */
#include "base/str.h"
#include "cli_test.h"

#include <string.h>

static struct cli_call call;
static struct cli_wish wish;
static struct err err;

static enum err_code parse(int argc, char **argv)
{
    static const struct cli_hooks hooks = {.version = "1"};
    call = (struct cli_call){.hooks = &hooks};
    wish = (struct cli_wish){.help = false};
    err = (struct err)ERR_INIT;
    return cli_parse(argc, argv, &call, &wish, &err);
}

#define PARSE(...)                                                  \
    parse(sizeof((char *[]){"swan", __VA_ARGS__}) / sizeof(char *), \
          (char *[]){"swan", __VA_ARGS__, NULL})

static void test_options_may_stand_anywhere_and_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-o", "json", "solution", "--network=a.yaml", "evaluate", "s.json",
                           "--choice", "2", "--requirement", "words with blanks"),
                     ERR_OK);
    assert_string_equal(call.command->verb, "evaluate");
    assert_string_equal(cli_option(&call, "output"), "json");
    assert_string_equal(cli_option(&call, "network"), "a.yaml");
    assert_string_equal(cli_argument(&call, 0), "s.json");
    assert_int_equal(cli_integer(&call, "choice", 1), 2);
    assert_int_equal(PARSE("-ojson", "status"), ERR_OK);
    assert_string_equal(cli_option(&call, "output"), "json");
}

static void test_two_dashes_end_options_and_one_is_an_argument(void **state)
{
    (void)state;
    assert_int_equal(PARSE("intent", "read", "--", "--yes"), ERR_OK);
    assert_string_equal(cli_argument(&call, 0), "--yes");
    assert_int_equal(PARSE("intent", "read", "-"), ERR_OK);
    assert_string_equal(cli_argument(&call, 0), "-");
}

static void test_unknown_words_are_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(PARSE("lanuch", "x"), ERR_USAGE);
    assert_string_equal(err.hint, "did you mean 'launch'?");
    assert_int_equal(PARSE("deployment", "lst"), ERR_USAGE);
    assert_string_equal(err.hint, "did you mean 'swan deployment list'?");
    assert_int_equal(PARSE("launch", "x", "--chioce", "1"), ERR_USAGE);
    assert_string_equal(err.hint, "did you mean '--choice'?");
    assert_int_equal(PARSE("launch", "x", "--objective", "costs"), ERR_USAGE);
    assert_non_null(strstr(err.hint, "did you mean 'cost'?"));
    assert_int_equal(PARSE("zzzzzz"), ERR_USAGE);
    assert_null(strstr(err.hint, "did you mean"));
}

static void test_bad_values_are_refused_by_option(void **state)
{
    (void)state;
    assert_int_equal(PARSE("launch", "x", "--choice", "-1"), ERR_USAGE);
    assert_int_equal(PARSE("launch", "x", "--choice", "1.5"), ERR_USAGE);
    assert_int_equal(PARSE("launch", "x", "--time-limit", "nan"), ERR_USAGE);
    assert_int_equal(PARSE("status", "--timeout", "soon"), ERR_USAGE);
    assert_int_equal(PARSE("status", "--timeout"), ERR_USAGE);
    assert_int_equal(PARSE("status", "-o", "xml"), ERR_USAGE);
    assert_int_equal(PARSE("status", "-o", "json", "--output", "yaml"), ERR_USAGE);
    assert_int_equal(PARSE("launch", "x", "--yes=1"), ERR_USAGE);
    assert_int_equal(PARSE("launch", "\xff"), ERR_INVALID);
}

static void test_arguments_are_counted(void **state)
{
    (void)state;
    assert_int_equal(PARSE("launch"), ERR_USAGE);
    assert_int_equal(PARSE("launch", "two", "words"), ERR_USAGE);
    assert_non_null(strstr(err.hint, "quotes"));
    assert_int_equal(PARSE("intent", "read"), ERR_OK);
    assert_int_equal(PARSE("deployment"), ERR_USAGE);
    assert_non_null(strstr(err.hint, "list, show, delete"));
}

static void test_filters_may_be_repeated(void **state)
{
    (void)state;
    assert_int_equal(PARSE("site", "list", "--filter", "a==1", "--filter", "b==2"), ERR_OK);
    assert_int_equal(call.option_count, 2);
}

static void test_distances_count_insertion_change_and_swap(void **state)
{
    (void)state;
    assert_int_equal(str_distance("launch", "launch"), 0);
    assert_int_equal(str_distance("lanuch", "launch"), 1);
    assert_int_equal(str_distance("launc", "launch"), 1);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("算力", "算网"), 1);
}

int arguments_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_may_stand_anywhere_and_in_every_form),
        cmocka_unit_test(test_two_dashes_end_options_and_one_is_an_argument),
        cmocka_unit_test(test_unknown_words_are_refused_with_the_nearest),
        cmocka_unit_test(test_bad_values_are_refused_by_option),
        cmocka_unit_test(test_arguments_are_counted),
        cmocka_unit_test(test_filters_may_be_repeated),
        cmocka_unit_test(test_distances_count_insertion_change_and_swap),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
