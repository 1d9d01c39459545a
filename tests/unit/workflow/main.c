/* main.c - runs every test of the workflow on one backend: test-workflow sqlite | postgresql
 * [PATTERN]. */
#include "fixture.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

int main(int argc, char **argv)
{
    if (argc > 1 && str_eq(argv[1], "child"))
        return child_main(argc, argv);
    on_postgres = argc > 1 && str_eq(argv[1], "postgresql");
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    /* What the store's faults make the workflow say is no news here. */
    log_open("/dev/null", LOG_TEXT, LOG_ERROR, NULL);
    const struct {
        const char *name;
        const struct CMUnitTest *tests;
        size_t count;
    } groups[] = {{"states", state_tests, state_test_count},
                  {"runs", run_tests, run_test_count},
                  {"share", share_tests, share_test_count},
                  {"crash", crash_tests, crash_test_count},
                  {"property", property_tests, property_test_count},
                  {"torture", torture_tests, torture_test_count}};
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        failed +=
            _cmocka_run_group_tests(groups[i].name, groups[i].tests, groups[i].count, NULL, NULL);
    return failed;
}
