/* show_risks.h - hidden dangers for people. */
#ifndef SWAN_CLI_SHOW_RISKS_H
#define SWAN_CLI_SHOW_RISKS_H

#include "cli/cli_priv.h"
#include "twin/risks/risks.h"

/* kind 0: the greatest dangers and how many findings of each kind; else the findings of it. */
void cli_show_risks(struct cli_call *call, const struct risks_answer *answer, int kind,
                    const struct risks_page *page, double seconds);

#endif
