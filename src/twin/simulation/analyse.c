/* analyse.c - steady states by theory: an open network of M/M/c queues (Jackson 1957, Kelly 1979).
 *
 * Contract: exact where work is exponential and a station's work has one mean (BCMP); links are
 * M/G/1 (Pollaczek-Khinchine) under Kleinrock's independence; other variations of work go by Allen
 * and Cunneen.  Losses, timeouts and retries are no part of it, which the assumptions say.
 * O(stretches × flows × calls × instances × length of ways). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/simulation/simulation_priv.h"

#define FADED 1e-12 /* visits that are no longer followed */

struct portion {        /* what one request of a flow does, on average */
    double *visits;     /* by instance */
    double *messages;   /* by edge: those that have a size */
    double *send_s;     /* by edge: mean time on the line, of all its messages together */
    double *square;     /* by edge: second moment of the same */
    double latency_s;   /* of ways alone */
    double *now, *next; /* visits of this and the next depth of calls */
};

struct totals { /* by time, over all flows */
    double *visits, *send_s, *square;
};

static struct portion portion_new(const struct sim_world *world)
{
    size_t instances = (size_t)world->instances, edges = (size_t)world->edges;
    struct arena *arena = world->arena;
    return (struct portion){.visits = arena_array(arena, instances, sizeof(double)),
                            .messages = arena_array(arena, edges, sizeof(double)),
                            .send_s = arena_array(arena, edges, sizeof(double)),
                            .square = arena_array(arena, edges, sizeof(double)),
                            .now = arena_array(arena, instances, sizeof(double)),
                            .next = arena_array(arena, instances, sizeof(double))};
}

static void add_message(const struct sim_world *world, struct portion *portion, int32_t e,
                        double kb, double share)
{
    const struct sim_edge *edge = &world->edge[e];
    double slow = world->link_slow[e / 2];
    portion->latency_s += share * edge->latency_s * slow;
    if (kb > 0 && edge->kb_per_s > 0) {
        double mean = kb / edge->kb_per_s * slow;
        portion->messages[e] += share;
        portion->send_s[e] += share * mean;
        portion->square[e] += share * 2 * mean * mean;
    }
}

/* `share` requests of a source at a service: to which instances, over what. */
static void spread(struct sim_world *world, struct portion *portion, int32_t source,
                   const struct sim_call *call, double share, double *into)
{
    const struct sim_service *service = &world->services[call->service];
    int32_t last = service->first + service->count, usable = 0;
    int32_t only = service->standby ? simulation_first_usable(world, service, source) : -1;
    for (int32_t i = service->first; i < last; i++)
        usable += service->standby ? i == only : simulation_usable(world, source, i);
    for (int32_t i = service->first; i < last; i++) {
        if (service->standby ? i != only : !simulation_usable(world, source, i))
            continue;
        double part = share / usable;
        const struct sim_path *path = simulation_path(world, source, world->instance_node[i]);
        into[i] += part;
        for (int32_t k = 0; k < path->count; k++) {
            add_message(world, portion, path->edges[k], call->request_kb, part);
            add_message(world, portion, path->edges[k] ^ 1, call->reply_kb, part);
        }
    }
}

/* The traffic equations x = external + xP, by following calls until they fade. */
static void follow(struct sim_world *world, size_t flow, struct portion *portion)
{
    const struct simulation_flow *given = &world->scenario->flows.items[flow];
    struct sim_call entry = {world->flow_to[flow], 1, given->request_kb, given->reply_kb};
    size_t size = (size_t)world->instances * sizeof(double);
    double left = 1;
    memset(portion->visits, 0, size);
    memset(portion->now, 0, size);
    memset(portion->messages, 0, (size_t)world->edges * sizeof(double));
    memset(portion->send_s, 0, (size_t)world->edges * sizeof(double));
    memset(portion->square, 0, (size_t)world->edges * sizeof(double));
    portion->latency_s = 0;
    spread(world, portion, world->flow_from[flow], &entry, 1, portion->now);
    while (left > FADED) {
        left = 0;
        memset(portion->next, 0, size);
        for (int32_t i = 0; i < world->instances; i++) {
            if (portion->now[i] <= 0)
                continue;
            const struct sim_service *service = &world->services[world->instance_service[i]];
            portion->visits[i] += portion->now[i];
            for (int32_t c = 0; c < service->call_count; c++) {
                double share = portion->now[i] * service->calls[c].probability;
                if (share <= 0)
                    continue;
                spread(world, portion, world->instance_node[i], &service->calls[c], share,
                       portion->next);
                left += share;
            }
        }
        double *swap = portion->now;
        portion->now = portion->next;
        portion->next = swap;
    }
}

static void add_up(const struct sim_world *world, const struct portion *portion, double rate,
                   struct totals *totals)
{
    for (int32_t i = 0; i < world->instances; i++)
        totals->visits[i] += rate * portion->visits[i];
    for (int32_t e = 0; e < world->edges; e++) {
        totals->send_s[e] += rate * portion->send_s[e];
        totals->square[e] += rate * portion->square[e];
    }
}

/* Wait and work of a visit; infinite when saturated. */
static double response_s(const struct sim_world *world, int32_t instance, double rate)
{
    const struct sim_service *service = &world->services[world->instance_service[instance]];
    double mean = service->mean_s * world->node_slow[world->instance_node[instance]];
    double wait = simulation_queue_unlimited(rate, mean, service->slots).wait_s;
    return mean + wait * (1 + service->cv * service->cv) / 2;
}

static double latency_s(const struct sim_world *world, const struct portion *portion,
                        const struct totals *totals)
{
    double sum = portion->latency_s;
    for (int32_t i = 0; i < world->instances; i++)
        if (portion->visits[i] > 0)
            sum += portion->visits[i] * response_s(world, i, totals->visits[i]);
    for (int32_t e = 0; e < world->edges; e++) {
        double use = totals->send_s[e];
        if (portion->messages[e] > 0)
            sum += use >= 1 ? INFINITY
                            : portion->send_s[e] +
                                  portion->messages[e] * totals->square[e] / (2 * (1 - use));
    }
    return sum;
}

static void clear_totals(const struct sim_world *world, struct totals *totals)
{
    memset(totals->visits, 0, (size_t)world->instances * sizeof(double));
    memset(totals->send_s, 0, (size_t)world->edges * sizeof(double));
    memset(totals->square, 0, (size_t)world->edges * sizeof(double));
}

/* A portion is worked out twice rather than kept for all flows at once. */
static void analyse_stretch(struct sim_world *world, double from, double to,
                            struct portion *portion, struct totals *totals,
                            struct simulation_analysis *out)
{
    const struct simulation_scenario *scenario = world->scenario;
    size_t begin = out->flows.count;
    clear_totals(world, totals);
    for (size_t f = 0; f < scenario->flows.count; f++) {
        struct simulation_steady *one = LIST_ADD(world->arena, &out->flows);
        *one = (struct simulation_steady){.flow = scenario->flows.items[f].name,
                                          .from_s = from,
                                          .to_s = to,
                                          .available = simulation_served(world, f)};
        follow(world, f, portion);
        add_up(world, portion, world->flow_rate[f] * world->flow_grow[f], totals);
    }
    for (size_t f = 0; f < scenario->flows.count; f++) {
        struct simulation_steady *one = &out->flows.items[begin + f];
        if (!one->available)
            continue;
        follow(world, f, portion);
        double latency = latency_s(world, portion, totals);
        one->saturated = isinf(latency);
        if (!one->saturated)
            one->mean_ms = (struct opt_double){true, latency * 1000};
    }
}

/* What is and what is known are the same in a steady state: a change is known when it is there. */
static void apply_known(struct sim_world *world, const struct sim_change *change)
{
    struct sim_change notice = *change;
    notice.notice = true;
    simulation_world_apply(world, change);
    if (change->fault->kind == SIMULATION_FAIL)
        simulation_world_apply(world, &notice);
}

enum err_code simulation_analyse(const struct network *network,
                                 const struct simulation_scenario *scenario,
                                 struct simulation_analysis *out, struct arena *arena,
                                 struct err *err)
{
    struct sim_world *world;
    struct simulation_analysis analysis = {0};
    enum err_code rc = simulation_world_new(network, scenario, &world, arena, err);
    if (rc)
        return rc;
    struct portion portion = portion_new(world);
    struct totals totals = {.visits = arena_array(arena, (size_t)world->instances, sizeof(double)),
                            .send_s = arena_array(arena, (size_t)world->edges, sizeof(double)),
                            .square = arena_array(arena, (size_t)world->edges, sizeof(double))};
    double from = 0;
    size_t next = 0;
    while (from < scenario->duration_s) {
        double to = scenario->duration_s;
        for (; next < world->change_count && world->changes[next].at <= from; next++)
            if (!world->changes[next].notice)
                apply_known(world, &world->changes[next]);
        for (size_t i = next; i < world->change_count; i++)
            if (!world->changes[i].notice) {
                to = fmin(to, world->changes[i].at);
                break;
            }
        analyse_stretch(world, from, to, &portion, &totals, &analysis);
        if ((rc = arena_check(arena, err)))
            return rc;
        from = to;
    }
    analysis.assumptions.items = world->assumptions.items;
    analysis.assumptions.count = world->assumptions.count;
    *LIST_ADD(arena, &analysis.assumptions) =
        "each stretch lasts long enough for a steady state; a fault is known at once; no losses, "
        "timeouts or retries";
    *out = analysis;
    return ERR_OK;
}
