/* main.c - all tests of base/json.h in one program. */
#include "tests.h"

int main(void)
{
    int failed = run_decode_tests();
    return failed;
}
