/* run.c - one run, event by event; and the two runs, with and without the faults, compared.
 *
 * Contract: events go by time, then by order of making, so the same seed gives the same answer.
 * Every request that is offered is answered or lost once: offered = answered + lost.  A request
 * that its client has given up goes on using slots and links (that is what makes retry storms).
 * O(log n) an event, in the events that are waiting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/simulation/simulation_priv.h"

#define FRAMES_MOST 4096 /* calls within calls; deeper ones are lost */
#define LUCKY_DRAWS 16   /* before usable instances are counted */
#define NOBODY UINT32_MAX
#define NO_PHASE SIMULATION_PHASES
#define FLOW_SEED 0x9e3779b97f4a7c15u

enum event_kind {
    EVENT_ARRIVAL,
    EVENT_HOP,
    EVENT_SERVED,
    EVENT_TIMEOUT,
    EVENT_RETRY,
    EVENT_CHANGE
};

struct event {
    double at;
    uint64_t order;
    uint32_t who, ticket; /* flow, attempt, request or change, and which life of it */
    enum event_kind kind;
};

struct frame { /* one visit on the way */
    int32_t source, instance, next_call;
    double request_kb, reply_kb;
    const struct sim_path *path;
};

struct attempt { /* one try of a request, under way */
    struct frame *frames;
    uint32_t depth, room;
    uint32_t life; /* grows when it ends: older events mean nothing */
    uint32_t request, request_ticket;
    uint32_t before, behind; /* in a list of its station; `behind` also of free attempts */
    int32_t hop;             /* of the top frame's path */
    uint32_t link_life;
    bool back, working;
    double entered;
};

struct request {
    double arrived;
    uint32_t ticket; /* grows with each try and at the end */
    uint32_t flow, next_free;
    int phase;
    int64_t tries;
};

struct list {
    uint32_t head, tail;
};

struct station {
    struct list queue, work;
    int64_t busy, present, visits;
    double seen, busy_area, present_area, response_sum;
};

struct tally {
    struct simulation_figures figures;
    double sum, available_s;
    double *latencies;
    size_t count, room;
};

struct flow_state {
    struct rand rand;
    uint32_t life; /* of the next arrival */
    bool served;
    struct tally tally[SIMULATION_PHASES];
};

struct run {
    struct sim_world *world;
    const struct simulation_scenario *scenario;
    struct rand rand;
    double now, seen; /* seen: up to where availability was counted */
    struct event *events;
    size_t event_count, event_room;
    uint64_t made, handled;
    size_t open, under_way; /* requests and attempts that have not ended */
    struct attempt *attempts;
    uint32_t attempt_count, attempt_room, attempt_free;
    struct request *requests;
    uint32_t request_count, request_room, request_free;
    struct station *stations;
    struct flow_state *flows;
    double *edge_free;   /* by edge: when its queue is empty */
    uint32_t *link_life; /* by link: failures so far, of its ends too */
};

/* ---- events: a heap of four ---- */

static bool is_sooner(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void schedule(struct run *run, double at, enum event_kind kind, uint32_t who,
                     uint32_t ticket)
{
    struct event event = {at, run->made++, who, ticket, kind};
    if (run->event_count == run->event_room) {
        run->event_room = run->event_room ? run->event_room * 2 : 1024;
        run->events = mem_resize(run->events, run->event_room, sizeof *run->events);
    }
    size_t i = run->event_count++;
    for (; i && is_sooner(&event, &run->events[(i - 1) / 4]); i = (i - 1) / 4)
        run->events[i] = run->events[(i - 1) / 4];
    run->events[i] = event;
}

static struct event take_next(struct run *run)
{
    struct event top = run->events[0], last = run->events[--run->event_count];
    size_t i = 0;
    for (size_t child; (child = 4 * i + 1) < run->event_count;) {
        size_t best = child;
        for (size_t k = child + 1; k < child + 4 && k < run->event_count; k++)
            if (is_sooner(&run->events[k], &run->events[best]))
                best = k;
        if (!is_sooner(&run->events[best], &last))
            break;
        run->events[i] = run->events[best];
        i = best;
    }
    run->events[i] = last;
    return top;
}

/* ---- pools ---- */

static uint32_t attempt_new(struct run *run)
{
    uint32_t id = run->attempt_free;
    run->under_way++;
    if (id != NOBODY) {
        run->attempt_free = run->attempts[id].behind;
        return id;
    }
    if (run->attempt_count == run->attempt_room) {
        run->attempt_room = run->attempt_room ? run->attempt_room * 2 : 256;
        run->attempts = mem_resize(run->attempts, run->attempt_room, sizeof *run->attempts);
    }
    run->attempts[run->attempt_count] = (struct attempt){0};
    return run->attempt_count++;
}

static void attempt_end(struct run *run, uint32_t id)
{
    struct attempt *attempt = &run->attempts[id];
    run->under_way--;
    attempt->life++;
    attempt->depth = 0;
    attempt->behind = run->attempt_free;
    run->attempt_free = id;
}

static uint32_t request_new(struct run *run)
{
    uint32_t id = run->request_free;
    run->open++;
    if (id != NOBODY) {
        run->request_free = run->requests[id].next_free;
        return id;
    }
    if (run->request_count == run->request_room) {
        run->request_room = run->request_room ? run->request_room * 2 : 256;
        run->requests = mem_resize(run->requests, run->request_room, sizeof *run->requests);
    }
    run->requests[run->request_count] = (struct request){0};
    return run->request_count++;
}

/* ---- requests ---- */

static struct tally *tally_of(struct run *run, const struct request *request)
{
    return request->phase == NO_PHASE ? NULL : &run->flows[request->flow].tally[request->phase];
}

static void request_end(struct run *run, uint32_t id, bool answered)
{
    struct request *request = &run->requests[id];
    struct tally *tally = tally_of(run, request);
    if (tally && answered) {
        if (tally->count == tally->room) {
            tally->room = tally->room ? tally->room * 2 : 256;
            tally->latencies = mem_resize(tally->latencies, tally->room, sizeof *tally->latencies);
        }
        tally->latencies[tally->count++] = run->now - request->arrived;
        tally->sum += run->now - request->arrived;
        tally->figures.answered++;
    } else if (tally) {
        tally->figures.lost++;
    }
    run->open--;
    request->ticket++;
    request->next_free = run->request_free;
    run->request_free = id;
}

/* The client knows that its try is lost. */
static void try_failed(struct run *run, uint32_t id)
{
    struct request *request = &run->requests[id];
    const struct simulation_flow *flow = &run->scenario->flows.items[request->flow];
    struct tally *tally = tally_of(run, request);
    if (request->tries > flow->retries) {
        request_end(run, id, false);
        return;
    }
    if (tally)
        tally->figures.retries++;
    request->ticket++;
    double pause = flow->backoff_ms / 1000 * ldexp(1, (int)fmin((double)request->tries - 1, 30));
    schedule(run, run->now + pause, EVENT_RETRY, id, request->ticket);
}

/* A message or a place is gone.  With a timeout nobody tells the client. */
static void lose(struct run *run, uint32_t id)
{
    uint32_t request = run->attempts[id].request, ticket = run->attempts[id].request_ticket;
    attempt_end(run, id);
    if (run->requests[request].ticket == ticket &&
        !run->scenario->flows.items[run->requests[request].flow].timeout_ms.set)
        try_failed(run, request);
}

/* ---- stations ---- */

static void look_at(struct run *run, struct station *station)
{
    double passed = run->now - station->seen;
    station->busy_area += passed * (double)station->busy;
    station->present_area += passed * (double)station->present;
    station->seen = run->now;
}

static void list_add(struct run *run, struct list *list, uint32_t id)
{
    run->attempts[id].before = list->tail;
    run->attempts[id].behind = NOBODY;
    *(list->tail == NOBODY ? &list->head : &run->attempts[list->tail].behind) = id;
    list->tail = id;
}

static void list_remove(struct run *run, struct list *list, uint32_t id)
{
    const struct attempt *attempt = &run->attempts[id];
    *(attempt->before == NOBODY ? &list->head : &run->attempts[attempt->before].behind) =
        attempt->behind;
    *(attempt->behind == NOBODY ? &list->tail : &run->attempts[attempt->behind].before) =
        attempt->before;
}

/* Mean 1.  Up to 1 a constant and an exponential part; above, two exponentials of equal shares of
 * the mean (balanced means). */
static double draw(struct rand *rand, double cv)
{
    if (cv <= 1)
        return 1 - cv + (cv > 0 ? rand_exponential(rand, cv) : 0);
    double p = (1 + sqrt((cv * cv - 1) / (cv * cv + 1))) / 2;
    double share = rand_unit(rand) < p ? p : 1 - p;
    return rand_exponential(rand, 1 / (2 * share));
}

static void begin_work(struct run *run, int32_t instance, uint32_t id)
{
    const struct sim_world *world = run->world;
    const struct sim_service *service = &world->services[world->instance_service[instance]];
    struct station *station = &run->stations[instance];
    double time = service->mean_s * draw(&run->rand, service->cv) *
                  world->node_slow[world->instance_node[instance]];
    station->busy++;
    run->attempts[id].working = true;
    list_add(run, &station->work, id);
    schedule(run, run->now + time, EVENT_SERVED, id, run->attempts[id].life);
}

static void enter(struct run *run, uint32_t id)
{
    struct attempt *attempt = &run->attempts[id];
    int32_t instance = attempt->frames[attempt->depth - 1].instance;
    struct station *station = &run->stations[instance];
    if (run->world->node_down[run->world->instance_node[instance]]) {
        lose(run, id);
        return;
    }
    look_at(run, station);
    station->present++;
    station->visits++;
    attempt->entered = run->now;
    attempt->working = false;
    if (station->busy < run->world->services[run->world->instance_service[instance]].slots)
        begin_work(run, instance, id);
    else
        list_add(run, &station->queue, id);
}

static void leave(struct run *run, int32_t instance, uint32_t id)
{
    struct station *station = &run->stations[instance];
    bool worked = run->attempts[id].working;
    look_at(run, station);
    station->present--;
    station->busy -= worked;
    station->response_sum += run->now - run->attempts[id].entered;
    list_remove(run, worked ? &station->work : &station->queue, id);
}

/* ---- the way of an attempt ---- */

static int32_t choose(struct run *run, const struct sim_service *service, int32_t source)
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
static bool push_frame(struct run *run, uint32_t id, int32_t source, const struct sim_call *call)
{
    struct attempt *attempt = &run->attempts[id];
    int32_t instance = attempt->depth < FRAMES_MOST
                           ? choose(run, &run->world->services[call->service], source)
                           : -1;
    if (instance < 0)
        return false;
    if (attempt->depth == attempt->room) {
        attempt->room = attempt->room ? attempt->room * 2 : 4;
        attempt->frames = mem_resize(attempt->frames, attempt->room, sizeof *attempt->frames);
    }
    attempt->frames[attempt->depth++] = (struct frame){
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
static bool send(struct run *run, uint32_t id)
{
    const struct sim_world *world = run->world;
    struct attempt *attempt = &run->attempts[id];
    const struct frame *frame = &attempt->frames[attempt->depth - 1];
    int32_t e = attempt->back ? frame->path->edges[frame->path->count - 1 - attempt->hop] ^ 1
                              : frame->path->edges[attempt->hop];
    const struct sim_edge *edge = &world->edge[e];
    double kb = attempt->back ? frame->reply_kb : frame->request_kb, sent = run->now;
    double slow = world->link_slow[e / 2];
    if (!simulation_edge_works(world, e) || (edge->loss > 0 && rand_unit(&run->rand) < edge->loss))
        return false;
    if (kb > 0 && edge->kb_per_s > 0) {
        sent = fmax(sent, run->edge_free[e]) +
               rand_exponential(&run->rand, kb / edge->kb_per_s) * slow;
        run->edge_free[e] = sent;
    }
    attempt->link_life = run->link_life[e / 2];
    attempt->hop++;
    schedule(run, sent + edge->latency_s * slow, EVENT_HOP, id, attempt->life);
    return true;
}

/* The work of the top frame is done: its next call, or its reply.  False when it is lost. */
static bool go_on(struct run *run, uint32_t id)
{
    struct attempt *attempt = &run->attempts[id];
    struct frame *frame = &attempt->frames[attempt->depth - 1];
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
static void walk(struct run *run, uint32_t id)
{
    struct attempt *attempt = &run->attempts[id];
    for (;;) {
        const struct frame *frame = &attempt->frames[attempt->depth - 1];
        if (attempt->hop < frame->path->count) {
            if (!send(run, id))
                lose(run, id);
            return;
        }
        if (!attempt->back) {
            enter(run, id);
            return;
        }
        if (!--attempt->depth) {
            uint32_t request = attempt->request, ticket = attempt->request_ticket;
            attempt_end(run, id);
            if (run->requests[request].ticket == ticket)
                request_end(run, request, true);
            return;
        }
        if (run->world->node_down
                [run->world->instance_node[attempt->frames[attempt->depth - 1].instance]] ||
            !go_on(run, id)) {
            lose(run, id);
            return;
        }
    }
}

static void begin_try(struct run *run, uint32_t id)
{
    struct request *request = &run->requests[id];
    const struct simulation_flow *flow = &run->scenario->flows.items[request->flow];
    struct sim_call call = {run->world->flow_to[request->flow], 1, flow->request_kb,
                            flow->reply_kb};
    request->tries++;
    uint32_t attempt = attempt_new(run);
    run->attempts[attempt].request = id;
    run->attempts[attempt].request_ticket = request->ticket;
    if (!push_frame(run, attempt, run->world->flow_from[request->flow], &call)) {
        attempt_end(run, attempt); /* no way is known: told at once, timeout or not */
        try_failed(run, id);
        return;
    }
    if (flow->timeout_ms.set)
        schedule(run, run->now + flow->timeout_ms.value / 1000, EVENT_TIMEOUT, id, request->ticket);
    walk(run, attempt);
}

/* ---- what happens ---- */

static int phase_at(const struct sim_world *world, double time)
{
    int phase = NO_PHASE;
    for (int i = 0; i < SIMULATION_PHASES; i++)
        if (time >= world->bounds[i] && time < world->bounds[i + 1])
            phase = i;
    return phase;
}

static void plan_arrival(struct run *run, uint32_t number)
{
    struct flow_state *flow = &run->flows[number];
    double rate = run->scenario->flows.items[number].rate_per_s * run->world->flow_grow[number];
    double at = run->now + rand_exponential(&flow->rand, 1 / rate);
    flow->life++;
    if (at < run->scenario->duration_s)
        schedule(run, at, EVENT_ARRIVAL, number, flow->life);
}

static void on_arrival(struct run *run, uint32_t flow)
{
    uint32_t id = request_new(run);
    struct request *request = &run->requests[id];
    request->flow = flow;
    request->arrived = run->now;
    request->tries = 0;
    request->phase = phase_at(run->world, run->now);
    if (request->phase != NO_PHASE)
        run->flows[flow].tally[request->phase].figures.offered++;
    plan_arrival(run, flow);
    begin_try(run, id);
}

static void on_hop(struct run *run, uint32_t id)
{
    const struct attempt *attempt = &run->attempts[id];
    const struct frame *frame = &attempt->frames[attempt->depth - 1];
    int32_t hop = attempt->back ? frame->path->count - attempt->hop : attempt->hop - 1;
    if (run->link_life[frame->path->edges[hop] / 2] != attempt->link_life)
        lose(run, id); /* the link failed while the message was on it */
    else
        walk(run, id);
}

static void on_served(struct run *run, uint32_t id)
{
    const struct attempt *attempt = &run->attempts[id];
    int32_t instance = attempt->frames[attempt->depth - 1].instance;
    leave(run, instance, id);
    uint32_t next = run->stations[instance].queue.head;
    if (next != NOBODY) {
        list_remove(run, &run->stations[instance].queue, next);
        begin_work(run, instance, next);
    }
    if (go_on(run, id))
        walk(run, id);
    else
        lose(run, id);
}

static void kill_station(struct run *run, int32_t instance)
{
    struct station *station = &run->stations[instance];
    for (uint32_t id;
         (id = station->work.head) != NOBODY || (id = station->queue.head) != NOBODY;) {
        leave(run, instance, id);
        lose(run, id);
    }
}

static void count_availability(struct run *run, double until)
{
    const double *bounds = run->world->bounds;
    for (size_t f = 0; f < run->scenario->flows.count; f++)
        for (int i = 0; i < SIMULATION_PHASES && run->flows[f].served; i++)
            run->flows[f].tally[i].available_s +=
                fmax(0, fmin(until, bounds[i + 1]) - fmax(run->seen, bounds[i]));
    run->seen = until;
}

static void look_at_flows(struct run *run)
{
    for (size_t f = 0; f < run->scenario->flows.count; f++)
        run->flows[f].served = simulation_served(run->world, f);
}

/* Everything on it is lost, in both directions. */
static void kill_link(struct run *run, int32_t link)
{
    run->link_life[link]++;
    run->edge_free[2 * link] = run->edge_free[2 * link + 1] = run->now;
}

static void kill_node(struct run *run, int32_t node)
{
    const struct sim_world *world = run->world;
    for (int32_t i = world->first[node]; i < world->first[node + 1]; i++)
        kill_link(run, world->out[i] / 2);
    for (int32_t i = 0; i < world->instances; i++)
        if (world->instance_node[i] == node)
            kill_station(run, i);
}

static void on_change(struct run *run, uint32_t number)
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

static void handle(struct run *run, const struct event *event)
{
    uint32_t who = event->who;
    switch (event->kind) {
    case EVENT_ARRIVAL:
        if (run->flows[who].life == event->ticket)
            on_arrival(run, who);
        break;
    case EVENT_HOP:
        if (run->attempts[who].life == event->ticket)
            on_hop(run, who);
        break;
    case EVENT_SERVED:
        if (run->attempts[who].life == event->ticket)
            on_served(run, who);
        break;
    case EVENT_TIMEOUT:
        if (run->requests[who].ticket == event->ticket)
            try_failed(run, who);
        break;
    case EVENT_RETRY:
        if (run->requests[who].ticket == event->ticket)
            begin_try(run, who);
        break;
    case EVENT_CHANGE:
        on_change(run, who);
        break;
    }
}

/* ---- a whole run ---- */

static void run_done(struct run *run)
{
    for (uint32_t i = 0; i < run->attempt_count; i++)
        mem_free(run->attempts[i].frames);
    for (size_t f = 0; run->flows && f < run->scenario->flows.count; f++)
        for (int i = 0; i < SIMULATION_PHASES; i++)
            mem_free(run->flows[f].tally[i].latencies);
    mem_free(run->attempts);
    mem_free(run->requests);
    mem_free(run->events);
    mem_free(run->stations);
    mem_free(run->flows);
    mem_free(run->edge_free);
    mem_free(run->link_life);
}

static void run_init(struct run *run, struct sim_world *world, uint64_t seed)
{
    size_t flows = world->scenario->flows.count, instances = (size_t)world->instances;
    *run = (struct run){.world = world,
                        .scenario = world->scenario,
                        .attempt_free = NOBODY,
                        .request_free = NOBODY};
    run->stations = mem_array(instances, sizeof *run->stations);
    run->flows = mem_array(flows, sizeof *run->flows);
    run->edge_free = mem_array((size_t)world->edges, sizeof *run->edge_free);
    run->link_life = mem_array((size_t)world->edges / 2, sizeof *run->link_life);
    rand_init(&run->rand, seed);
    for (size_t i = 0; i < instances; i++)
        run->stations[i].queue = run->stations[i].work = (struct list){NOBODY, NOBODY};
    simulation_world_reset(world);
    for (size_t f = 0; f < flows; f++) {
        rand_init(&run->flows[f].rand, seed ^ (FLOW_SEED * (f + 1)));
        plan_arrival(run, (uint32_t)f);
    }
    look_at_flows(run);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static struct opt_double quantile_ms(const struct tally *tally, double q)
{
    if (!tally->count)
        return (struct opt_double){0};
    size_t rank = (size_t)ceil(q * (double)tally->count);
    return (struct opt_double){true, tally->latencies[rank ? rank - 1 : 0] * 1000};
}

static struct simulation_figures figures_of(struct tally *tally, double length_s)
{
    struct simulation_figures figures = tally->figures;
    if (tally->count) {
        qsort(tally->latencies, tally->count, sizeof *tally->latencies, by_value);
        figures.mean_ms = (struct opt_double){true, tally->sum / (double)tally->count * 1000};
    }
    figures.p50_ms = quantile_ms(tally, 0.5);
    figures.p99_ms = quantile_ms(tally, 0.99);
    figures.throughput_per_s = (double)figures.answered / length_s;
    figures.loss = figures.offered ? (double)figures.lost / (double)figures.offered : 0;
    figures.availability = fmin(1, tally->available_s / length_s);
    return figures;
}

static enum err_code play(struct run *run, bool faults, struct err *err)
{
    const struct sim_world *world = run->world;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; faults && i < world->change_count; i++)
        schedule(run, world->changes[i].at, EVENT_CHANGE, (uint32_t)i, 0);
    while (run->event_count && !rc) {
        struct event event = take_next(run);
        if (event.at >= run->scenario->duration_s && !run->open && !run->under_way)
            break; /* all is settled: what is left are changes that nobody feels */
        run->now = event.at;
        run->handled++;
        handle(run, &event);
        if (event.kind == EVENT_CHANGE)
            rc = arena_check(world->arena, err);
    }
    if (!rc && run->seen < run->scenario->duration_s)
        count_availability(run, run->scenario->duration_s);
    for (int32_t i = 0; i < world->instances; i++)
        look_at(run, &run->stations[i]);
    return rc;
}

static void tell_stations(const struct run *run, struct simulation_result *out)
{
    const struct sim_world *world = run->world;
    size_t count = (size_t)world->instances;
    out->stations.items = arena_array(world->arena, count, sizeof *out->stations.items);
    out->stations.count = count;
    for (size_t i = 0; i < count; i++) {
        const struct station *station = &run->stations[i];
        int32_t number = world->instance_service[i];
        const struct simulation_service *service = &run->scenario->services.items[number];
        double time = run->now > 0 ? run->now : 1;
        out->stations.items[i] = (struct simulation_station){
            .service = service->name,
            .site = service->sites.items[(int32_t)i - world->services[number].first],
            .visits = station->visits,
            .utilisation = station->busy_area / time / (double)world->services[number].slots,
            .mean_present = station->present_area / time,
            .mean_response_ms =
                station->visits ? station->response_sum / (double)station->visits * 1000 : 0};
    }
}

static struct opt_double change_of(struct opt_double with, struct opt_double base)
{
    return with.set && base.set ? (struct opt_double){true, with.value - base.value}
                                : (struct opt_double){0};
}

static void compare(struct run *with, struct run *base, struct simulation_result *out)
{
    static const char *const phases[] = {"before", "during", "after"};
    const double *bounds = with->world->bounds;
    for (size_t f = 0; f < with->scenario->flows.count; f++)
        for (int i = 0; i < SIMULATION_PHASES; i++) {
            double length = bounds[i + 1] - bounds[i];
            if (length <= 0)
                continue;
            struct simulation_outcome *one = LIST_ADD(with->world->arena, &out->outcomes);
            one->flow = with->scenario->flows.items[f].name;
            one->phase = phases[i];
            one->from_s = bounds[i];
            one->to_s = bounds[i + 1];
            one->with = figures_of(&with->flows[f].tally[i], length);
            one->base = figures_of(&base->flows[f].tally[i], length);
            one->mean_change_ms = change_of(one->with.mean_ms, one->base.mean_ms);
            one->p99_change_ms = change_of(one->with.p99_ms, one->base.p99_ms);
            one->throughput_change_per_s = one->with.throughput_per_s - one->base.throughput_per_s;
            one->loss_change = one->with.loss - one->base.loss;
            one->availability_change = one->with.availability - one->base.availability;
        }
    tell_stations(with, out);
    out->events = (int64_t)(with->handled + base->handled);
    out->ended_s = with->now;
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
    CLEANUP(run_done) struct run base;
    run_init(&base, world, seed);
    if ((rc = play(&base, false, err)))
        return rc;
    CLEANUP(run_done) struct run with;
    run_init(&with, world, seed);
    if ((rc = play(&with, true, err)))
        return rc;
    compare(&with, &base, &result);
    result.assumptions.items = world->assumptions.items;
    result.assumptions.count = world->assumptions.count;
    *out = result;
    return ERR_OK;
}
