/* clients.c - requests and their tries, in pools; what a client does when a try is lost.
 *
 * Contract: a request that is offered is answered or lost once.  Numbers of ended ones are used
 * again; a ticket that has moved on tells old events that they mean nothing. */
#include <math.h>

#include "twin/simulation/run_priv.h"

uint32_t simulation_attempt_new(struct sim_run *run)
{
    uint32_t id = run->attempt_free;
    run->under_way++;
    if (id != SIM_NOBODY) {
        run->attempt_free = run->attempts[id].behind;
        return id;
    }
    if (run->attempt_count == run->attempt_room) {
        run->attempt_room = run->attempt_room ? run->attempt_room * 2 : 256;
        run->attempts = mem_resize(run->attempts, run->attempt_room, sizeof *run->attempts);
    }
    run->attempts[run->attempt_count] = (struct sim_attempt){0};
    return run->attempt_count++;
}

void simulation_attempt_end(struct sim_run *run, uint32_t id)
{
    struct sim_attempt *attempt = &run->attempts[id];
    run->under_way--;
    attempt->life++;
    attempt->depth = 0;
    attempt->behind = run->attempt_free;
    run->attempt_free = id;
}

uint32_t simulation_request_new(struct sim_run *run)
{
    uint32_t id = run->request_free;
    run->open++;
    if (id != SIM_NOBODY) {
        run->request_free = run->requests[id].next_free;
        return id;
    }
    if (run->request_count == run->request_room) {
        run->request_room = run->request_room ? run->request_room * 2 : 256;
        run->requests = mem_resize(run->requests, run->request_room, sizeof *run->requests);
    }
    run->requests[run->request_count] = (struct sim_request){0};
    return run->request_count++;
}

/* ---- what becomes of them ---- */

static struct sim_tally *tally_of(struct sim_run *run, const struct sim_request *request)
{
    return request->stretch == SIM_NO_STRETCH ? NULL
                                              : &run->flows[request->flow].tally[request->stretch];
}

void simulation_request_end(struct sim_run *run, uint32_t id, bool answered)
{
    struct sim_request *request = &run->requests[id];
    struct sim_tally *tally = tally_of(run, request);
    if (answered && run->flows[request->flow].response_s)
        run->flows[request->flow].response_s[request->task] = run->now - request->arrived;
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
void simulation_try_failed(struct sim_run *run, uint32_t id)
{
    struct sim_request *request = &run->requests[id];
    const struct simulation_flow *flow = &run->scenario->flows.items[request->flow];
    struct sim_tally *tally = tally_of(run, request);
    if (request->tries > flow->retries) {
        simulation_request_end(run, id, false);
        return;
    }
    if (tally)
        tally->figures.retries++;
    request->ticket++;
    double pause = flow->backoff_ms / 1000 * ldexp(1, (int)fmin((double)request->tries - 1, 30));
    simulation_schedule(run, run->now + pause, SIM_RETRY, id, request->ticket);
}

/* A message or a place is gone.  With a timeout nobody tells the client. */
void simulation_lose(struct sim_run *run, uint32_t id)
{
    uint32_t request = run->attempts[id].request, ticket = run->attempts[id].request_ticket;
    simulation_attempt_end(run, id);
    if (run->requests[request].ticket == ticket &&
        !run->scenario->flows.items[run->requests[request].flow].timeout_ms.set)
        simulation_try_failed(run, request);
}
