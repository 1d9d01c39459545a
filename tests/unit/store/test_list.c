#include "fixture.h"
static void test_nothing(void **state)
{
    (void)state;
}
const struct CMUnitTest list_tests[] = {cmocka_unit_test(test_nothing)};
const size_t list_test_count = 1;
