/* main.c - the program `swan`: hands the command line to cli; `swan serve` wires the house. */
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
    const struct cli_hooks hooks = {.version = DAEMON_VERSION};
    return cli_main(argc, argv, &hooks);
}
