/* simulation_priv.h - the scenario by numbers, and the ways through its network. */
#ifndef SWAN_TWIN_SIMULATION_SIMULATION_PRIV_H
#define SWAN_TWIN_SIMULATION_SIMULATION_PRIV_H

#include "base/rand.h"
#include "twin/simulation/simulation.h"

struct map;

struct sim_edge { /* one direction of a link; the other one is at index ^ 1 */
    int32_t to;
    double latency_s, kb_per_s; /* kb_per_s 0 = not limited */
    double loss;
};

struct sim_path {
    uint32_t epoch;
    int32_t count;
    int32_t edges[]; /* from the source on */
};

struct sim_tree { /* cheapest ways from one source */
    uint32_t epoch;
    double *distance;              /* by node; infinite = no way */
    int32_t *parent;               /* edge that leads there */
    const struct sim_path **paths; /* by node, made when asked for */
};

struct sim_call {
    int32_t service;
    double probability, request_kb, reply_kb;
};

struct sim_task {
    double at, work_s, request_kb, reply_kb; /* work_s < 0 = drawn */
    int32_t instance;                        /* -1 = any */
    int32_t number;                          /* in the scenario */
};

struct sim_service {
    int32_t first, count; /* instances */
    int64_t slots;
    double mean_s, cv;
    bool standby;
    const struct sim_call *calls;
    int32_t call_count;
};

struct sim_change { /* what becomes different at a time; `notice`: only what is known of it */
    double at;
    bool notice, begins;
    const struct simulation_fault *fault;
    int32_t node, link, flow; /* -1 = not that */
};

struct sim_world {
    const struct network *network;
    const struct simulation_scenario *scenario;
    int32_t nodes, edges; /* edges: two a link */
    struct sim_edge *edge;
    int32_t *first, *out;             /* edges that leave node n: out[first[n]…first[n+1]) */
    int32_t *node_down, *link_down;   /* faults that hold it down */
    int32_t *node_known, *link_known; /* and those that were noticed */
    double *node_slow, *link_slow, *flow_grow; /* factors */
    struct sim_service *services;
    int32_t *instance_node, *instance_service;
    uint8_t *instance_served; /* memory of simulation_served */
    int32_t instances;
    int32_t *flow_from, *flow_to;
    struct sim_task **flow_tasks; /* by time; NULL = a stream */
    double *flow_rate;            /* a second, on average */
    struct sim_change *changes;   /* by time */
    size_t change_count;
    struct sim_tree **trees; /* by source */
    uint32_t epoch;          /* of what is known */
    double *heap_key;        /* of the search for ways */
    int32_t *heap_node;
    double bounds[SIMULATION_PHASES + 1];
    double *stretches; /* bounds of times in which nothing changes; phases are whole ones */
    int32_t stretch_count;
    bool timeline; /* they are those; else they are the phases */
    struct arena *arena;
    LIST(const char *) assumptions;
};

enum err_code simulation_world_new(const struct network *network,
                                   const struct simulation_scenario *scenario,
                                   struct sim_world **out, struct arena *arena, struct err *err);
/* Numbers of names are kept as number + 1.  ERR_INVALID at `path` when there is none. */
enum err_code simulation_look_up(const struct map *names, const char *name, const char *what,
                                 const char *path, int32_t *out, struct err *err);
/* faults.c; nodes and flows by name. */
enum err_code simulation_read_faults(struct sim_world *world, const struct map *nodes,
                                     const struct map *flows, struct err *err);
/* Everything up, nothing known to be down. */
void simulation_world_reset(struct sim_world *world);
void simulation_world_apply(struct sim_world *world, const struct sim_change *change);
const struct sim_tree *simulation_tree(struct sim_world *world, int32_t source);
/* NULL if what is known leaves no way. */
const struct sim_path *simulation_path(struct sim_world *world, int32_t source, int32_t target);
bool simulation_edge_works(const struct sim_world *world, int32_t edge);
/* Whether the source knows a way to the instance. */
bool simulation_usable(struct sim_world *world, int32_t source, int32_t instance);
/* The first usable instance, which an active-standby service works with; -1 = none. */
int32_t simulation_first_usable(struct sim_world *world, const struct sim_service *service,
                                int32_t source);
/* Whether a flow's requests can be served now, called services included. */
bool simulation_served(struct sim_world *world, size_t flow);

#endif
