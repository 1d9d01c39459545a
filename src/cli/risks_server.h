/* risks_server.h - what a server has open, for swan twin risks. */
#ifndef SWAN_CLI_RISKS_SERVER_H
#define SWAN_CLI_RISKS_SERVER_H

#include "cli/cli_priv.h"

struct cli_risks_open {
    const char *deployment;   /* in: only this one; NULL = all that are open */
    struct network network;   /* with several deployments: what they take counts as allocated */
    struct solution solution; /* of all of them; with several, components are ID/NAME */
    struct requirement requirement; /* of the last */
    struct opt_double users;        /* of a single one, when its requirement says so */
    size_t deployments;
};
enum err_code cli_risks_from_server(struct cli_call *call, struct cli_risks_open *open,
                                    struct arena *arena, struct err *err);

#endif
