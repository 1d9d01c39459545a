/* bench_faults.h - seeded fault cases that spread: services that call each other on shared hosts
 * behind links (the mesh of twin/simulation), faults in it, and metrics as they are observed. */
#ifndef SWAN_CLI_BENCH_FAULTS_H
#define SWAN_CLI_BENCH_FAULTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/rand.h"
#include "twin/rootcause/rootcause.h"

#define CLI_FAULTS_SERVICES_MIN 20
#define CLI_FAULTS_SERVICES_MAX 2000

enum cli_fault_kind {
    FAULT_SLOW = 1,  /* waits longer for something of its own */
    FAULT_LINK,      /* a link carries more than it can: delay and loss */
    FAULT_LEAK,      /* memory grows until collecting it takes the time */
    FAULT_NEIGHBOUR, /* a tenant takes the host's processors */
    FAULT_RELEASE,   /* more work for each request, or errors, after a change */
    FAULT_RETRIES,   /* servers lost under load; callers try again and again */
    FAULT_PARTIAL,   /* some replicas fail every request */
    FAULT_TWO,       /* two of the above in two places */
    FAULT_QUIET,     /* nothing: a false alarm */
    FAULT_SURGE,     /* nothing broke: more customers */
    FAULT_KINDS
};
extern const char *const cli_fault_names[]; /* [0] = NULL, then names, then NULL */

enum cli_fault_topology { FAULTS_GIVEN = 1, FAULTS_NONE, FAULTS_WRONG };
extern const char *const cli_fault_topologies[];

struct cli_fault_case {
    struct rootcause_case given;
    struct rootcause_case truth; /* entities and edges as they are */
    const char *roots[2];
    size_t root_count; /* 0 of a normal window */
};

/* Same wish and seed, same case.  ERR_INFEASIBLE when in many tries no fault of the kind reached an
 * entry strongly enough to be seen. */
enum err_code cli_fault_case_new(size_t services, enum cli_fault_kind kind,
                                 enum cli_fault_topology topology, uint64_t seed,
                                 struct cli_fault_case *out, struct arena *arena, struct err *err);

#endif
