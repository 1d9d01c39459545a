/* base_tests.h - what the files of this program share. */
#ifndef SWAN_TESTS_BASE_TESTS_H
#define SWAN_TESTS_BASE_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Each runs the group of one header and returns the number of failed tests. */
int run_err_tests(void);
int run_mem_tests(void);
int run_arena_tests(void);
int run_buf_tests(void);
int run_str_tests(void);
int run_map_tests(void);
int run_dag_tests(void);
int run_clock_tests(void);
int run_rand_tests(void);
int run_id_tests(void);
int run_log_tests(void);
int run_fault_tests(void);
int run_file_tests(void);
int run_process_tests(void);

#define assert_ok(call) assert_int_equal((call), ERR_OK)

/* cmocka setup and teardown: *state is the path of an empty folder of the test's own. */
int make_folder(void **state);
int remove_folder(void **state);

/* Runs fn in a child process; returns its wait status.  *ret_stderr (may be NULL) is what it wrote
 * there, to be freed with mem_free. */
int run_in_child(void (*fn)(void *ctx), void *ctx, char **ret_stderr);

#endif
