/* lean_report.h - what the files of swan lean report share. */
#ifndef SWAN_CLI_LEAN_REPORT_H
#define SWAN_CLI_LEAN_REPORT_H

#include "cli/cli_priv.h"
#include "lean/analysis/analysis.h"

void cli_show_lean_report(struct cli_call *call, const struct analysis_document *document);

#endif
