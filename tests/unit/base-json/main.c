/* main.c - all tests of base/json.h in one program. */
#include "tests.h"

int main(void)
{
    int failed = run_decode_tests();
    failed += run_encode_tests();
    failed += run_loose_tests();
    failed += run_hostile_tests();
    failed += run_property_tests();
    return failed;
}
