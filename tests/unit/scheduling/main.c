/* main.c - unit tests of lean/scheduling. */
#include "tests.h"

int main(void)
{
    int failed = _cmocka_run_group_tests("parse", parse_tests, parse_test_count, NULL, NULL);
    failed += _cmocka_run_group_tests("problem", problem_tests, problem_test_count, NULL, NULL);
    return failed + _cmocka_run_group_tests("solve", solve_tests, solve_test_count, NULL, NULL);
}
