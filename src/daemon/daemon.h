/* daemon.h - the only place that knows everybody: wires the house for `swan serve`. */
#ifndef SWAN_DAEMON_DAEMON_H
#define SWAN_DAEMON_DAEMON_H

#include "cli/cli.h"

/* The command `serve`, for cli_main. */
extern const struct cli_command daemon_commands[];
extern const size_t daemon_command_count;
extern const struct cli_noun daemon_nouns[];
extern const size_t daemon_noun_count;

#define DAEMON_VERSION "0.1.0"

#endif
