/* tests.h - what the files of this program share. */
#ifndef SWAN_TESTS_SCHEDULING_TESTS_H
#define SWAN_TESTS_SCHEDULING_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random_problem.h"

extern const struct CMUnitTest parse_tests[], problem_tests[], solve_tests[];
extern const size_t parse_test_count, problem_test_count, solve_test_count;

#endif
