/* run_priv.h - one run's state, and its parts: events, clients, stations, journeys, outcomes. */
#ifndef SWAN_TWIN_SIMULATION_RUN_PRIV_H
#define SWAN_TWIN_SIMULATION_RUN_PRIV_H

#include "twin/simulation/simulation_priv.h"

#define SIM_NOBODY UINT32_MAX
#define SIM_NO_STRETCH (-1)

enum sim_event_kind { SIM_ARRIVAL, SIM_HOP, SIM_SERVED, SIM_TIMEOUT, SIM_RETRY, SIM_CHANGE };

struct sim_event {
    double at;
    uint64_t order;
    uint32_t who, ticket; /* flow, attempt, request or change, and which life of it */
    enum sim_event_kind kind;
};

struct sim_frame { /* one visit on the way */
    int32_t source, instance, next_call;
    double request_kb, reply_kb;
    const struct sim_path *path;
};

struct sim_attempt { /* one try of a request, under way */
    struct sim_frame *frames;
    uint32_t depth, room;
    uint32_t life; /* grows when it ends: older events mean nothing */
    uint32_t request, request_ticket;
    const struct sim_task *task; /* what its first visit is; NULL = drawn */
    uint32_t before, behind;     /* in a list of its station; `behind` also of free attempts */
    int32_t hop;                 /* of the top frame's path */
    uint32_t link_life;
    bool back, working;
    double entered;
};

struct sim_request {
    double arrived;
    uint32_t ticket;                /* grows with each try and at the end */
    uint32_t flow, task, next_free; /* task: its number, if the flow lists them */
    int32_t stretch;
    int64_t tries;
};

struct sim_list {
    uint32_t head, tail;
};

struct sim_station {
    struct sim_list queue, work;
    int64_t busy, present, visits;
    double seen, busy_area, present_area, response_sum;
};

struct sim_tally {
    struct simulation_figures figures;
    double sum, available_s;
    double *latencies;
    size_t count, room;
};

struct sim_flow_state {
    struct rand rand;
    uint32_t life; /* of the next arrival */
    uint32_t next_task;
    double *response_s; /* by task; negative = none yet */
    bool served;
    struct sim_tally *tally; /* by stretch */
};

struct sim_run {
    struct sim_world *world;
    const struct simulation_scenario *scenario;
    struct rand rand;
    double now, seen; /* seen: up to where availability was counted */
    struct sim_event *events;
    size_t event_count, event_room;
    uint64_t made, handled;
    size_t open, under_way; /* requests and attempts that have not ended */
    struct sim_attempt *attempts;
    uint32_t attempt_count, attempt_room, attempt_free;
    struct sim_request *requests;
    uint32_t request_count, request_room, request_free;
    struct sim_station *stations;
    struct sim_flow_state *flows;
    double *edge_free;   /* by edge: when its queue is empty */
    uint32_t *link_life; /* by link: failures so far, of its ends too */
};

/* ---- events.c ---- */
void simulation_schedule(struct sim_run *run, double at, enum sim_event_kind kind, uint32_t who,
                         uint32_t ticket);
/* There is one: event_count is not 0. */
struct sim_event simulation_take_next(struct sim_run *run);

/* ---- clients.c ---- */
uint32_t simulation_attempt_new(struct sim_run *run);
void simulation_attempt_end(struct sim_run *run, uint32_t id);
uint32_t simulation_request_new(struct sim_run *run);
void simulation_request_end(struct sim_run *run, uint32_t id, bool answered);
/* The client knows that its try is lost. */
void simulation_try_failed(struct sim_run *run, uint32_t id);
/* A message or a place is gone.  With a timeout nobody tells the client. */
void simulation_lose(struct sim_run *run, uint32_t id);

/* ---- stations.c ---- */
/* What was there is added up to now. */
void simulation_station_count(struct sim_run *run, struct sim_station *station);
void simulation_station_enter(struct sim_run *run, uint32_t id);
/* Its work is done; the next one's begins. */
void simulation_station_done(struct sim_run *run, int32_t instance, uint32_t id);
/* All that waits or is worked on is lost. */
void simulation_station_kill(struct sim_run *run, int32_t instance);

/* ---- journeys.c ---- */
void simulation_begin_try(struct sim_run *run, uint32_t id);
/* The message came to the end of a link. */
void simulation_hop(struct sim_run *run, uint32_t id);
/* The work of a visit is done. */
void simulation_served_at(struct sim_run *run, uint32_t id);

/* ---- outcomes.c ---- */
void simulation_compare(const struct sim_run *with, const struct sim_run *base,
                        struct simulation_result *out);

#endif
