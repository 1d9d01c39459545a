/* main.c - the tests of cli. */
#include "cli_test.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[0], "as-swan") == 0)
        return run_as_swan(argc, argv);
    return arguments_tests() + screen_tests() + help_tests() + launch_tests() + command_tests() +
           knowledge_tests() + fault_tests();
}
