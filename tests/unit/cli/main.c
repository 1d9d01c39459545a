/* main.c - the tests of cli. */
#include "cli_test.h"

int main(void)
{
    return arguments_tests() + screen_tests() + help_tests() + launch_tests() + command_tests();
}
