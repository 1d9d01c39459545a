/* run.c - one run, event by event; and the two runs, with and without the faults.
 *
 * Contract: events go by time, then by order of making, so the same seed gives the same answer.
 * Every request that is offered is answered or lost once: offered = answered + lost.  A request
 * that its client has given up goes on using slots and links (that is what makes retry storms). */
#include <math.h>

#include "twin/simulation/run_priv.h"

#define FLOW_SEED 0x9e3779b97f4a7c15u

/* ---- what happens ---- */

static int32_t stretch_at(const struct sim_world *world, double time)
{
    int32_t low = 0, high = world->stretch_count;
    if (time < world->stretches[0] || time >= world->stretches[high])
        return SIM_NO_STRETCH;
    while (high - low > 1) {
        int32_t middle = (low + high) / 2;
        *(time < world->stretches[middle] ? &high : &low) = middle;
    }
    return low;
}

static void plan_arrival(struct sim_run *run, uint32_t number)
{
    struct sim_flow_state *flow = &run->flows[number];
    const struct sim_task *tasks = run->world->flow_tasks[number];
    if (tasks) {
        if (flow->next_task < run->scenario->flows.items[number].tasks.count)
            simulation_schedule(run, tasks[flow->next_task].at, SIM_ARRIVAL, number, ++flow->life);
        return;
    }
    double rate = run->scenario->flows.items[number].rate_per_s * run->world->flow_grow[number];
    double at = run->now + rand_exponential(&flow->rand, 1 / rate);
    flow->life++;
    if (at < run->scenario->duration_s)
        simulation_schedule(run, at, SIM_ARRIVAL, number, flow->life);
}

static void on_arrival(struct sim_run *run, uint32_t flow)
{
    uint32_t id = simulation_request_new(run);
    struct sim_request *request = &run->requests[id];
    request->flow = flow;
    request->task = run->flows[flow].next_task++;
    request->arrived = run->now;
    request->tries = 0;
    request->stretch = stretch_at(run->world, run->now);
    if (request->stretch != SIM_NO_STRETCH)
        run->flows[flow].tally[request->stretch].figures.offered++;
    plan_arrival(run, flow);
    simulation_begin_try(run, id);
}

static void count_availability(struct sim_run *run, double until)
{
    const double *bounds = run->world->stretches;
    for (size_t f = 0; f < run->scenario->flows.count; f++)
        for (int32_t i = 0; i < run->world->stretch_count && run->flows[f].served; i++)
            run->flows[f].tally[i].available_s +=
                fmax(0, fmin(until, bounds[i + 1]) - fmax(run->seen, bounds[i]));
    run->seen = until;
}

static void look_at_flows(struct sim_run *run)
{
    for (size_t f = 0; f < run->scenario->flows.count; f++)
        run->flows[f].served = simulation_served(run->world, f);
}

/* Everything on it is lost, in both directions. */
static void kill_link(struct sim_run *run, int32_t link)
{
    run->link_life[link]++;
    run->edge_free[2 * link] = run->edge_free[2 * link + 1] = run->now;
}

static void kill_node(struct sim_run *run, int32_t node)
{
    const struct sim_world *world = run->world;
    for (int32_t i = world->first[node]; i < world->first[node + 1]; i++)
        kill_link(run, world->out[i] / 2);
    for (int32_t i = 0; i < world->instances; i++)
        if (world->instance_node[i] == node)
            simulation_station_kill(run, i);
}

static void on_change(struct sim_run *run, uint32_t number)
{
    const struct sim_change *change = &run->world->changes[number];
    count_availability(run, run->now);
    simulation_world_apply(run->world, change);
    if (change->flow >= 0)
        plan_arrival(run, (uint32_t)change->flow);
    if (change->fault->kind != SIMULATION_FAIL)
        return;
    if (change->begins && !change->notice && change->node >= 0)
        kill_node(run, change->node);
    else if (change->begins && !change->notice)
        kill_link(run, change->link);
    look_at_flows(run);
}

static void handle(struct sim_run *run, const struct sim_event *event)
{
    uint32_t who = event->who;
    switch (event->kind) {
    case SIM_ARRIVAL:
        if (run->flows[who].life == event->ticket)
            on_arrival(run, who);
        break;
    case SIM_HOP:
        if (run->attempts[who].life == event->ticket)
            simulation_hop(run, who);
        break;
    case SIM_SERVED:
        if (run->attempts[who].life == event->ticket)
            simulation_served_at(run, who);
        break;
    case SIM_TIMEOUT:
        if (run->requests[who].ticket == event->ticket)
            simulation_try_failed(run, who);
        break;
    case SIM_RETRY:
        if (run->requests[who].ticket == event->ticket)
            simulation_begin_try(run, who);
        break;
    case SIM_CHANGE:
        on_change(run, who);
        break;
    }
}

/* ---- a whole run ---- */

static void run_done(struct sim_run *run)
{
    for (uint32_t i = 0; i < run->attempt_count; i++)
        mem_free(run->attempts[i].frames);
    for (size_t f = 0; run->flows && f < run->scenario->flows.count; f++) {
        for (int32_t i = 0; i < run->world->stretch_count; i++)
            mem_free(run->flows[f].tally[i].latencies);
        mem_free(run->flows[f].tally);
        mem_free(run->flows[f].response_s);
    }
    mem_free(run->attempts);
    mem_free(run->requests);
    mem_free(run->events);
    mem_free(run->stations);
    mem_free(run->flows);
    mem_free(run->edge_free);
    mem_free(run->link_life);
}

static void run_init(struct sim_run *run, struct sim_world *world, uint64_t seed)
{
    size_t flows = world->scenario->flows.count, instances = (size_t)world->instances;
    *run = (struct sim_run){.world = world,
                            .scenario = world->scenario,
                            .attempt_free = SIM_NOBODY,
                            .request_free = SIM_NOBODY};
    run->stations = mem_array(instances, sizeof *run->stations);
    run->flows = mem_array(flows, sizeof *run->flows);
    run->edge_free = mem_array((size_t)world->edges, sizeof *run->edge_free);
    run->link_life = mem_array((size_t)world->edges / 2, sizeof *run->link_life);
    rand_init(&run->rand, seed);
    for (size_t i = 0; i < instances; i++)
        run->stations[i].queue = run->stations[i].work = (struct sim_list){SIM_NOBODY, SIM_NOBODY};
    simulation_world_reset(world);
    for (size_t f = 0; f < flows; f++) {
        size_t tasks = world->flow_tasks[f] ? run->scenario->flows.items[f].tasks.count : 0;
        run->flows[f].tally = mem_array((size_t)world->stretch_count, sizeof *run->flows[f].tally);
        run->flows[f].response_s = tasks ? mem_array(tasks, sizeof(double)) : NULL;
        for (size_t k = 0; k < tasks; k++)
            run->flows[f].response_s[k] = -1;
        rand_init(&run->flows[f].rand, seed ^ (FLOW_SEED * (f + 1)));
        plan_arrival(run, (uint32_t)f);
    }
    look_at_flows(run);
}

static enum err_code play(struct sim_run *run, bool faults, struct err *err)
{
    const struct sim_world *world = run->world;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; faults && i < world->change_count; i++)
        simulation_schedule(run, world->changes[i].at, SIM_CHANGE, (uint32_t)i, 0);
    while (run->event_count && !rc) {
        struct sim_event event = simulation_take_next(run);
        if (event.at >= run->scenario->duration_s && !run->open && !run->under_way)
            break; /* all is settled: what is left are changes that nobody feels */
        run->now = event.at;
        run->handled++;
        handle(run, &event);
        if (event.kind == SIM_CHANGE)
            rc = arena_check(world->arena, err);
    }
    if (!rc && run->seen < run->scenario->duration_s)
        count_availability(run, run->scenario->duration_s);
    for (int32_t i = 0; i < world->instances; i++)
        simulation_station_count(run, &run->stations[i]);
    return rc;
}

enum err_code simulation_run(const struct network *network,
                             const struct simulation_scenario *scenario, uint64_t seed,
                             struct simulation_result *out, struct arena *arena, struct err *err)
{
    struct sim_world *world;
    struct simulation_result result = {.seed = (int64_t)seed};
    enum err_code rc = simulation_world_new(network, scenario, &world, arena, err);
    if (rc)
        return rc;
    CLEANUP(run_done) struct sim_run base;
    run_init(&base, world, seed);
    if ((rc = play(&base, false, err)))
        return rc;
    CLEANUP(run_done) struct sim_run with;
    run_init(&with, world, seed);
    if ((rc = play(&with, true, err)))
        return rc;
    simulation_compare(&with, &base, &result);
    result.assumptions.items = world->assumptions.items;
    result.assumptions.count = world->assumptions.count;
    *out = result;
    return ERR_OK;
}
