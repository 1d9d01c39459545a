/* bench_risks.h - swan bench risks. */
#ifndef SWAN_CLI_BENCH_RISKS_H
#define SWAN_CLI_BENCH_RISKS_H

#include "cli/cli_priv.h"

enum err_code cli_run_bench_risks(struct cli_call *call, struct err *err);

#endif
