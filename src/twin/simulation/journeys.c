/* journeys.c - a try on its way: which instance is asked, over which links, what it asks in turn.
 *
 * Contract: a try keeps a stack of visits, each with the path it took; it is under way until it
 * has replied or is lost.  A link is a queue of one server each way. */
#include <math.h>

#include "twin/simulation/run_priv.h"

#define FRAMES_MOST 4096 /* calls within calls; deeper ones are lost */
#define LUCKY_DRAWS 16   /* before usable instances are counted */

static int32_t choose(struct sim_run *run, const struct sim_service *service, int32_t source)
{
    struct sim_world *world = run->world;
    if (service->standby)
        return simulation_first_usable(world, service, source);
    for (int i = 0; i < LUCKY_DRAWS; i++) {
        int32_t one = service->first + (int32_t)rand_below(&run->rand, (uint64_t)service->count);
        if (simulation_usable(world, source, one))
            return one;
    }
    int32_t usable = 0, last = service->first + service->count;
    for (int32_t i = service->first; i < last; i++)
        usable += simulation_usable(world, source, i);
    if (!usable)
        return -1;
    int32_t skip = (int32_t)rand_below(&run->rand, (uint64_t)usable);
    for (int32_t i = service->first; i < last; i++)
        if (simulation_usable(world, source, i) && !skip--)
            return i;
    return -1;
}

/* False when there is nobody to ask. */
static bool push_frame(struct sim_run *run, uint32_t id, int32_t source,
                       const struct sim_call *call)
{
    struct sim_attempt *attempt = &run->attempts[id];
    const struct sim_task *task = attempt->depth ? NULL : attempt->task;
    int32_t instance = -1;
    if (task && task->instance >= 0 && simulation_usable(run->world, source, task->instance))
        instance = task->instance;
    else if (attempt->depth < FRAMES_MOST)
        instance = choose(run, &run->world->services[call->service], source);
    if (instance < 0)
        return false;
    if (attempt->depth == attempt->room) {
        attempt->room = attempt->room ? attempt->room * 2 : 4;
        attempt->frames = mem_resize(attempt->frames, attempt->room, sizeof *attempt->frames);
    }
    attempt->frames[attempt->depth++] = (struct sim_frame){
        .source = source,
        .instance = instance,
        .request_kb = call->request_kb,
        .reply_kb = call->reply_kb,
        .path = simulation_path(run->world, source, run->world->instance_node[instance])};
    attempt->hop = 0;
    attempt->back = false;
    return true;
}

/* Sends the message over its next link; a link is a queue of one server.  False when it is lost. */
static bool send(struct sim_run *run, uint32_t id)
{
    const struct sim_world *world = run->world;
    struct sim_attempt *attempt = &run->attempts[id];
    const struct sim_frame *frame = &attempt->frames[attempt->depth - 1];
    int32_t e = attempt->back ? frame->path->edges[frame->path->count - 1 - attempt->hop] ^ 1
                              : frame->path->edges[attempt->hop];
    const struct sim_edge *edge = &world->edge[e];
    double kb = attempt->back ? frame->reply_kb : frame->request_kb, sent = run->now;
    double slow = world->link_slow[e / 2];
    if (!simulation_edge_works(world, e) || (edge->loss > 0 && rand_unit(&run->rand) < edge->loss))
        return false;
    if (kb > 0 && edge->kb_per_s > 0) {
        double mean = kb / edge->kb_per_s;
        bool given = attempt->task && attempt->depth == 1;
        sent = fmax(sent, run->edge_free[e]) +
               (given ? mean : rand_exponential(&run->rand, mean)) * slow;
        run->edge_free[e] = sent;
    }
    attempt->link_life = run->link_life[e / 2];
    attempt->hop++;
    simulation_schedule(run, sent + edge->latency_s * slow, SIM_HOP, id, attempt->life);
    return true;
}

/* The work of the top frame is done: its next call, or its reply.  False when it is lost. */
static bool go_on(struct sim_run *run, uint32_t id)
{
    struct sim_attempt *attempt = &run->attempts[id];
    struct sim_frame *frame = &attempt->frames[attempt->depth - 1];
    int32_t node = run->world->instance_node[frame->instance];
    const struct sim_service *service =
        &run->world->services[run->world->instance_service[frame->instance]];
    while (frame->next_call < service->call_count) {
        const struct sim_call *call = &service->calls[frame->next_call++];
        if (call->probability >= 1 || rand_unit(&run->rand) < call->probability)
            return push_frame(run, id, node, call);
    }
    attempt->back = true;
    attempt->hop = 0;
    if (frame->path->epoch != run->world->epoch)
        frame->path = simulation_path(run->world, frame->source, node);
    return frame->path != NULL;
}

/* As far as it goes without time passing. */
static void walk(struct sim_run *run, uint32_t id)
{
    struct sim_attempt *attempt = &run->attempts[id];
    for (;;) {
        const struct sim_frame *frame = &attempt->frames[attempt->depth - 1];
        if (attempt->hop < frame->path->count) {
            if (!send(run, id))
                simulation_lose(run, id);
            return;
        }
        if (!attempt->back) {
            simulation_station_enter(run, id);
            return;
        }
        if (!--attempt->depth) {
            uint32_t request = attempt->request, ticket = attempt->request_ticket;
            simulation_attempt_end(run, id);
            if (run->requests[request].ticket == ticket)
                simulation_request_end(run, request, true);
            return;
        }
        if (run->world->node_down
                [run->world->instance_node[attempt->frames[attempt->depth - 1].instance]] ||
            !go_on(run, id)) {
            simulation_lose(run, id);
            return;
        }
    }
}

void simulation_begin_try(struct sim_run *run, uint32_t id)
{
    struct sim_request *request = &run->requests[id];
    const struct simulation_flow *flow = &run->scenario->flows.items[request->flow];
    struct sim_call call = {run->world->flow_to[request->flow], 1, flow->request_kb,
                            flow->reply_kb};
    const struct sim_task *task = run->world->flow_tasks[request->flow];
    if (task) {
        task += request->task;
        call.request_kb = task->request_kb;
        call.reply_kb = task->reply_kb;
    }
    request->tries++;
    uint32_t attempt = simulation_attempt_new(run);
    run->attempts[attempt].request = id;
    run->attempts[attempt].task = task;
    run->attempts[attempt].request_ticket = request->ticket;
    if (!push_frame(run, attempt, run->world->flow_from[request->flow], &call)) {
        simulation_attempt_end(run, attempt); /* no way is known: told at once, timeout or not */
        simulation_try_failed(run, id);
        return;
    }
    if (flow->timeout_ms.set)
        simulation_schedule(run, run->now + flow->timeout_ms.value / 1000, SIM_TIMEOUT, id,
                            request->ticket);
    walk(run, attempt);
}

void simulation_hop(struct sim_run *run, uint32_t id)
{
    const struct sim_attempt *attempt = &run->attempts[id];
    const struct sim_frame *frame = &attempt->frames[attempt->depth - 1];
    int32_t hop = attempt->back ? frame->path->count - attempt->hop : attempt->hop - 1;
    if (run->link_life[frame->path->edges[hop] / 2] != attempt->link_life)
        simulation_lose(run, id); /* the link failed while the message was on it */
    else
        walk(run, id);
}

void simulation_served_at(struct sim_run *run, uint32_t id)
{
    const struct sim_attempt *attempt = &run->attempts[id];
    int32_t instance = attempt->frames[attempt->depth - 1].instance;
    simulation_station_done(run, instance, id);
    if (go_on(run, id))
        walk(run, id);
    else
        simulation_lose(run, id);
}
