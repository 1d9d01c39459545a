/* test_faults.c - the made-up fault cases: same seed, same case, roots that are there. */
#include <string.h>

#include "cli/bench_faults.h"
#include "cli_test.h"

static void test_the_same_seed_gives_the_same_case_and_its_roots_are_in_it(void **state)
{
    (void)state;
    for (int kind = 1; kind < FAULT_KINDS; kind++) {
        struct arena arena = ARENA_INIT;
        struct cli_fault_case a, b;
        struct err err = ERR_INIT;
        enum err_code rc =
            cli_fault_case_new(20, (enum cli_fault_kind)kind, FAULTS_GIVEN, 7, &a, &arena, &err);
        assert_int_equal(
            cli_fault_case_new(20, (enum cli_fault_kind)kind, FAULTS_GIVEN, 7, &b, &arena, &err),
            rc);
        if (rc == ERR_OK) {
            const struct telemetry_table *t = &a.given.metrics;
            assert_memory_equal(t->values, b.given.metrics.values,
                                t->count * t->rows * sizeof(double));
            size_t wanted = kind == FAULT_TWO ? 2 : kind >= FAULT_QUIET ? 0 : 1, found = 0;
            assert_int_equal(a.root_count, wanted);
            for (size_t r = 0; r < a.root_count; r++)
                for (size_t i = 0; i < a.truth.entities.count; i++)
                    found += strcmp(a.truth.entities.items[i].id, a.roots[r]) == 0;
            assert_int_equal(found, wanted);
        }
        arena_done(&arena);
    }
}

int fault_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_case_and_its_roots_are_in_it),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
