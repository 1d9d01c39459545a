/* bench_flow.c - the analytic model behind the fault cases of `swan bench diagnose`.
 *
 * Contract: rates, latencies and errors are finite; errors are 0…1.  Queues are M/M/c (Erlang C)
 * below saturation; above it what cannot be served fails, and the rest waits for a full queue. */
#include <math.h>

#include "cli/bench_faults.h"

#define FULL 0.97       /* load from where a queue is taken as full */
#define QUEUE 20.0      /* places in a full queue, in service times of one server */
#define EXACT_MOST 32.0 /* servers; above, Sakasegawa's approximation (1977) */
#define HOST_EASY 0.75  /* use of a host up to where nobody notices */
#define SLOWEST 8.0     /* a host at its end */
#define DAMPING 0.5     /* of one round */
#define MESSAGE_KB 10.0
#define BUFFER 100.0    /* messages that an uplink keeps */
#define HOP_S 0.0005    /* one call over an idle network */

/* Mean wait before service and share that is refused, in an M/M/c queue. */
static double wait_of(double rate, double hold_s, double servers, double *ret_refused)
{
    double load = rate * hold_s, use = load / servers;
    *ret_refused = 0;
    if (use >= FULL) {
        *ret_refused = 1 - FULL / use;
        return QUEUE * hold_s / servers;
    }
    if (servers > EXACT_MOST)
        return hold_s * pow(use, sqrt(2 * (servers + 1)) - 1) / (servers * (1 - use));
    double blocked = 1; /* Erlang B, then C */
    int count = (int)ceil(servers);
    for (int c = 1; c <= count; c++)
        blocked = load * blocked / (c + load * blocked);
    double waits = blocked / (1 - use * (1 - blocked));
    return fmin(waits * hold_s / (servers * (1 - use)), QUEUE * hold_s / servers);
}

/* Share of single calls that fail: errors, loss and time-outs of an exponential answer time. */
static double failing(const struct cli_flow *flow, const struct cli_flow_service *from,
                      const struct cli_flow_call *call)
{
    const struct cli_flow_service *to = &flow->services[call->to];
    double loss = from->host == to->host ? 0
                                         : 1 - (1 - flow->hosts[from->host].uplink_loss) *
                                                   (1 - flow->hosts[to->host].uplink_loss);
    double late = exp(-call->timeout_s / fmax(to->latency_s, 1e-9));
    return fmin(0.999, 1 - (1 - to->errors) * (1 - loss) * (1 - late));
}

static double tries(double fails, int retries)
{
    return (1 - pow(fails, retries + 1)) / (1 - fails);
}

static void settle_rates(struct cli_flow *flow)
{
    for (size_t i = 0; i < flow->service_count; i++)
        flow->services[i].rate = flow->services[i].outside;
    for (size_t h = 0; h < flow->host_count; h++)
        flow->hosts[h].uplink_kb = 0;
    for (size_t i = 0; i < flow->service_count; i++) {
        const struct cli_flow_service *from = &flow->services[i];
        for (size_t k = 0; k < from->call_count; k++) {
            const struct cli_flow_call *call = &from->calls[k];
            double rate = from->rate * from->admitted * call->per_request * call->luck *
                          tries(failing(flow, from, call), call->retries);
            struct cli_flow_service *to = &flow->services[call->to];
            to->rate += rate;
            if (to->host != from->host) {
                flow->hosts[from->host].uplink_kb += rate * call->kb;
                flow->hosts[to->host].uplink_kb += rate * call->kb;
            }
        }
    }
}

/* M/M/1/K: full it delays by its whole buffer and loses what does not fit. */
static void settle_links(struct cli_flow *flow)
{
    for (size_t h = 0; h < flow->host_count; h++) {
        struct cli_flow_host *host = &flow->hosts[h];
        double use = host->uplink_kb / host->uplink_kb_per_s + host->uplink_other;
        double send_s = MESSAGE_KB / host->uplink_kb_per_s;
        if (fabs(use - 1) < 1e-6)
            use += 2e-6;
        double power = pow(use, BUFFER + 1);
        double full = pow(use, BUFFER) * (1 - use) / (1 - power);
        double present = use / (1 - use) - (BUFFER + 1) * power / (1 - power);
        host->uplink_loss = full;
        host->uplink_delay_s = present * send_s / fmax(use * (1 - full), 1e-9);
        host->uplink_use = use * (1 - full);
    }
}

static void settle_hosts(struct cli_flow *flow)
{
    for (size_t h = 0; h < flow->host_count; h++)
        flow->hosts[h].cpu = 0;
    for (size_t i = 0; i < flow->service_count; i++) {
        struct cli_flow_service *s = &flow->services[i];
        double servers = fmax(0.5, s->servers - s->lost_servers);
        s->cpu = fmin(s->rate * s->work_s * s->luck * (1 + s->more_work), servers) + s->burn;
        flow->hosts[s->host].cpu += s->cpu;
    }
    for (size_t h = 0; h < flow->host_count; h++) {
        struct cli_flow_host *host = &flow->hosts[h];
        double use = host->cpu / host->cores;
        host->cpu = fmin(use, 1);
        host->slowdown = use <= HOST_EASY
                             ? 1
                             : fmin(SLOWEST, 1 + 6 * (use - HOST_EASY) * (use - HOST_EASY) /
                                                     ((1 - HOST_EASY) * (1 - HOST_EASY)));
    }
}

static void settle_service(struct cli_flow *flow, struct cli_flow_service *s)
{
    double work = s->work_s * s->luck * (1 + s->more_work) * flow->hosts[s->host].slowdown;
    double servers = fmax(0.5, s->servers - s->lost_servers), refused, turned_away;
    double own = wait_of(s->rate, work, servers, &refused) + work + s->delay_s;
    double below = 0, good = 1;
    for (size_t k = 0; k < s->call_count; k++) {
        const struct cli_flow_call *call = &s->calls[k];
        const struct cli_flow_service *to = &flow->services[call->to];
        double fails = failing(flow, s, call), hop = HOP_S;
        if (to->host != s->host)
            hop += flow->hosts[s->host].uplink_delay_s + flow->hosts[to->host].uplink_delay_s;
        /* mean of an exponential answer time that is cut at the time-out */
        double one = to->latency_s * (1 - exp(-call->timeout_s / fmax(to->latency_s, 1e-9))) + hop;
        below += call->per_request * call->luck * one * tries(fails, call->retries);
        if (call->critical)
            good *= 1 - fmin(1, call->per_request) * pow(fails, call->retries + 1);
    }
    /* a thread is held while callees are waited for: waiting spreads upward */
    double held = wait_of(s->rate, own + below, s->threads, &turned_away);
    double admitted = (1 - refused) * (1 - turned_away); /* who is turned away calls nobody */
    double latency = own + below + held;
    double errors = 1 - (1 - s->own_errors) * (1 - refused) * (1 - turned_away) * good;
    s->latency_s += DAMPING * (latency - s->latency_s);
    s->admitted += DAMPING * (admitted - s->admitted);
    s->errors += DAMPING * (errors - s->errors);
}

void cli_flow_settle(struct cli_flow *flow, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        settle_rates(flow);
        settle_hosts(flow);
        settle_links(flow);
        for (size_t i = flow->service_count; i > 0; i--)
            settle_service(flow, &flow->services[i - 1]);
    }
}
