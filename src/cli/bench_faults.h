/* bench_faults.h - seeded fault cases that spread: services that call each other on shared hosts
 * behind links, a queueing model of what they do, faults in it, and metrics as they are observed.
 */
#ifndef SWAN_CLI_BENCH_FAULTS_H
#define SWAN_CLI_BENCH_FAULTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/rand.h"
#include "twin/rootcause/rootcause.h"

#define CLI_FAULTS_SERVICES_MIN 20
#define CLI_FAULTS_SERVICES_MAX 2000
#define CLI_FAULTS_CALLS 6 /* most callees of one service */

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

/* ---- bench_flow.c: what services do in one minute ---- */

struct cli_flow_call {
    size_t to;
    double per_request;
    double timeout_s;
    int retries;
    bool critical; /* its failure fails the request */
    double kb;     /* request and reply together */
    double luck;   /* of this minute: chance makes it more or fewer calls */
};

struct cli_flow_service {
    double work_s;  /* processor time of one request */
    double servers; /* requests at work at once */
    double threads; /* requests waited with at once */
    size_t host;
    double outside; /* requests a second from customers */
    struct cli_flow_call calls[CLI_FAULTS_CALLS];
    size_t call_count;
    /* as a fault has it now */
    double more_work, delay_s, own_errors, lost_servers, burn; /* burn: processors for nothing */
    double luck; /* of this minute: how heavy its requests are */
    /* what comes of it */
    double rate, admitted, latency_s, errors, cpu;
};

struct cli_flow_host {
    double cores;
    double uplink_kb_per_s, uplink_other; /* other: share of it that strangers use */
    /* what comes of it */
    double uplink_kb, uplink_use, uplink_delay_s, uplink_loss;
    double cpu; /* share of the cores */
    double slowdown;
};

struct cli_flow {
    struct cli_flow_service *services; /* callers before callees */
    size_t service_count;
    struct cli_flow_host *hosts;
    size_t host_count;
};

/* Rates from callers to callees, waiting and errors back up, until they agree: M/M/c queues at
 * servers and at threads, hosts that slow down, time-outs and retries. */
void cli_flow_settle(struct cli_flow *flow, int rounds);

#endif
