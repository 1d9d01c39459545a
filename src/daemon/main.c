/* main.c - the program `swan`: hands the command line to cli; `swan serve` wires the house. */
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
    const struct cli_hooks hooks = {.commands = daemon_commands,
                                    .command_count = daemon_command_count,
                                    .nouns = daemon_nouns,
                                    .noun_count = daemon_noun_count,
                                    .version = DAEMON_VERSION};
    return cli_main(argc, argv, &hooks);
}
