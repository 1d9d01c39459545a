#include "fixture.h"
static void test_nothing(void **state)
{
    (void)state;
}
const struct CMUnitTest torture_tests[] = {cmocka_unit_test(test_nothing)};
const size_t torture_test_count = 1;
