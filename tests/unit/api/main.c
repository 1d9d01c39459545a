/* main.c - the tests of the API, against a whole server on a free port: test-api sqlite |
 * postgresql [PATTERN].  With --openapi it prints the document instead, for
 * tests/integration/openapi_check.py.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--openapi") == 0) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        api_openapi("test", &text);
        fputs(buf_str(&text), stdout);
        return 0;
    }
    on_postgres = argc > 1 && strcmp(argv[1], "postgresql") == 0;
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    house_sweep();
    int failed = run("access", access_tests, access_test_count);
    failed += run("hostile", hostile_tests, hostile_test_count);
    failed += run("records", records_tests, records_test_count);
    failed += run("once", once_tests, once_test_count);
    failed += run("operations", operations_tests, operations_test_count);
    failed += run("watch", watch_tests, watch_test_count);
    failed += run("loop", loop_tests, loop_test_count);
    failed += run("refine", refine_tests, refine_test_count);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
