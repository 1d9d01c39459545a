/* test_parse.c - instances of the libraries: what is good is read, what is bad is refused by line.
 */
#include <string.h>

#include "tests.h"

#define HEAD "*****\nfile with basedata            : none\n*****\n"
#define PRECEDENCE                                                                     \
    "PRECEDENCE RELATIONS:\njobnr.    #modes  #successors   successors\n"              \
    "   1        1          2           2   3\n   2        1          1           4\n" \
    "   3        1          1           4\n   4        1          0\n"
#define REQUESTS                                                                      \
    "*****\nREQUESTS/DURATIONS:\njobnr. mode duration  R 1  R 2\n-----------------\n" \
    "  1      1     0       0    0\n  2      1     3       2    1\n"                  \
    "  3      1     4       2    0\n  4      1     0       0    0\n"
#define CAPACITIES "*****\nRESOURCEAVAILABILITIES:\n  R 1  R 2\n   3    1\n*****\n"
#define GOOD HEAD PRECEDENCE REQUESTS CAPACITIES

static void expect_problem(const struct scheduling_problem *problem)
{
    assert_int_equal(problem->tasks.count, 4);
    assert_int_equal(problem->resources.count, 2);
    assert_int_equal(problem->resources.items[0].capacity, 3);
    assert_int_equal(problem->resources.items[1].capacity, 1);
    assert_int_equal(problem->tasks.items[1].duration, 3);
    assert_int_equal(problem->tasks.items[1].demands[0], 2);
    assert_int_equal(problem->tasks.items[1].demands[1], 1);
    assert_int_equal(problem->tasks.items[0].after.count, 0);
    assert_int_equal(problem->tasks.items[3].after.count, 2);
    assert_int_equal(problem->tasks.items[3].after.items[0], 1);
    assert_int_equal(problem->tasks.items[3].after.items[1], 2);
}

static void test_a_psplib_file_means_what_it_says(void **state)
{
    static const char text[] = GOOD,
                      windows[] = HEAD PRECEDENCE REQUESTS
                      "*****\r\nRESOURCEAVAILABILITIES:\r\n  R 1  R 2\r\n   3    1\r\n";
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct scheduling_problem problem;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(scheduling_parse_sm(text, strlen(text), &problem, &arena, &err), ERR_OK);
    expect_problem(&problem);
    assert_int_equal(scheduling_parse_sm(windows, strlen(windows), &problem, &arena, &err), ERR_OK);
    expect_problem(&problem);
}

static void test_a_patterson_file_means_what_it_says(void **state)
{
    static const char text[] = "4 2\n3 1\n\n0 0 0 2 2 3\n3 2 1 1 4\n4 2 0 1\n4\n0 0 0 0\n";
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct scheduling_problem problem;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(scheduling_parse_rcp(text, strlen(text), &problem, &arena, &err), ERR_OK);
    expect_problem(&problem);
}

struct refused {
    const char *text;
    const char *says;
};

static void expect_refused(const struct refused *cases, size_t count,
                           enum err_code (*parse)(const char *, size_t, struct scheduling_problem *,
                                                  struct arena *, struct err *))
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct scheduling_problem problem;
        struct err err = ERR_INIT;
        enum err_code rc = parse(cases[i].text, strlen(cases[i].text), &problem, &arena, &err);
        assert_int_equal(rc, err.code);
        assert_int_not_equal(rc, ERR_OK);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.text, cases[i].says);
    }
}

static void test_a_bad_psplib_file_is_refused_by_line(void **state)
{
    static const struct refused cases[] = {
        {"", "line 1: the file ends before \"PRECEDENCE"},
        {"PRECEDENCE RELATIONS:", "line 1: nothing under"},
        {"PRECEDENCE RELATIONS:\ntitles\n****\n", "line 3: no job"},
        {"PRECEDENCE RELATIONS:\ntitles\n 2 1 0\n", "line 3: jobs are numbered"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 2 0\n", "line 3: only jobs of one mode"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 1 1\n", "line 3: a successor is missing"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 1 1 x\n", "line 3: a successor must be"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 1 1 0\n", "line 3: successors are numbered from 1"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 1 0 7\n", "line 3: more on this line"},
        {HEAD PRECEDENCE REQUESTS, "line 18: the file ends before \"RESOURCE"},
        {HEAD PRECEDENCE "*\nREQUESTS/DURATIONS:\na\nb\n 1 1 0 0\n*\n"
                         "RESOURCEAVAILABILITIES:\nR 1\n 1\n",
         "line 15: fewer jobs"},
        {HEAD PRECEDENCE "*\nREQUESTS/DURATIONS:\na\nb\n 1 1 -3 0\n*\n"
                         "RESOURCEAVAILABILITIES:\nR 1\n 1\n",
         "line 14: the duration must be"},
        {HEAD PRECEDENCE "*\nREQUESTS/DURATIONS:\na\nb\n 1 1 3000000000 0\n*\n"
                         "RESOURCEAVAILABILITIES:\nR 1\n 1\n",
         "line 14: the duration is larger"},
        {"PRECEDENCE RELATIONS:\ntitles\n 1 1 1 9\n*\nREQUESTS/DURATIONS:\na\nb\n 1 1 1 1\n*\n"
         "RESOURCEAVAILABILITIES:\nR 1\n 1\n",
         "line 3: job 9 cannot follow job 1"},
    };
    (void)state;
    expect_refused(cases, ARRAY_LEN(cases), scheduling_parse_sm);
}

static void test_a_bad_patterson_file_is_refused_by_line(void **state)
{
    static const struct refused cases[] = {
        {"", "line 1: the file ends before the number of jobs"},
        {"0 1", "line 1: a number of jobs"},
        {"999999999 1", "line 1: a number of jobs"},
        {"2 1\n4\n1 1 1 2\n", "line 4: the file ends before a duration"},
        {"2 1\n4\n1 1 1 3\n1 1 0\n", "line 3: job 3 cannot follow job 1"},
        {"1 1\n4\n1 1 0\n5\n", "line 4: more follows"},
        {"1 1\n4\n1 1.5 0\n", "line 3: a demand must be"},
    };
    (void)state;
    expect_refused(cases, ARRAY_LEN(cases), scheduling_parse_rcp);
}

const struct CMUnitTest parse_tests[] = {
    cmocka_unit_test(test_a_psplib_file_means_what_it_says),
    cmocka_unit_test(test_a_patterson_file_means_what_it_says),
    cmocka_unit_test(test_a_bad_psplib_file_is_refused_by_line),
    cmocka_unit_test(test_a_bad_patterson_file_is_refused_by_line),
};
const size_t parse_test_count = ARRAY_LEN(parse_tests);
