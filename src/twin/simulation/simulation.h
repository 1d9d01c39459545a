/* simulation.h - what services do while sites and links fail, slow down or are asked for more.
 *
 * A scenario says which services run at which sites of a network, who asks them how often, and
 * what happens when.  simulation_run plays it event by event from a seed; simulation_analyse gives
 * the steady state of every stretch of time in which nothing changes, by queueing theory, in
 * milliseconds.  Method, literature and limits: README.md beside this file. */
#ifndef SWAN_TWIN_SIMULATION_SIMULATION_H
#define SWAN_TWIN_SIMULATION_SIMULATION_H

#include "types/solution.h"

enum simulation_mode { SIMULATION_MODE_ABSENT, SIMULATION_ACTIVE, SIMULATION_STANDBY };
extern const char *const simulation_mode_names[];
enum simulation_kind { SIMULATION_KIND_ABSENT, SIMULATION_FAIL, SIMULATION_SLOW, SIMULATION_GROW };
extern const char *const simulation_kind_names[];

struct simulation_call { /* what a service asks another one for, after its own work */
    const char *to;
    struct opt_double probability; /* 1 if absent */
    double request_kb, reply_kb;
};

struct simulation_service {
    const char *name;
    LIST(const char *) sites;     /* one instance each; a site may stand twice */
    struct opt_int slots;         /* requests that one instance works on at a time */
    struct opt_double service_ms; /* mean work of one request */
    struct opt_double service_cv; /* coefficient of variation; 1 (exponential) if absent */
    int mode;                     /* enum simulation_mode; absent = active */
    LIST(struct simulation_call) calls;
};

struct simulation_task { /* one recorded request, as it was */
    double at_s;
    const char *site;            /* that served it; any, or when it cannot be reached: as usual */
    struct opt_double work_ms;   /* of the service that is asked; drawn if absent */
    double request_kb, reply_kb; /* exactly */
};

struct simulation_flow {
    const char *name;
    const char *from;                   /* access point or site */
    const char *to;                     /* service */
    double rate_per_s;                  /* a Poisson stream … */
    LIST(struct simulation_task) tasks; /* … or these */
    double request_kb, reply_kb;        /* of the stream: means */
    struct opt_double timeout_ms;       /* absent: a loss is noticed at once */
    int64_t retries;
    double backoff_ms; /* before the first retry; doubles */
};

struct simulation_fault {
    int kind; /* enum simulation_kind */
    double at_s;
    struct opt_double until_s; /* absent: to the end */
    const char *site;          /* fail, slow; access points can fail too */
    const char *a, *b;         /* fail, slow: the link between */
    const char *flow;          /* grow */
    struct opt_double factor;  /* slow, grow */
};

struct simulation_scenario {
    double duration_s, warmup_s; /* what is asked for in the warm-up is not counted */
    double failover_s;           /* until a dead or a returned site is noticed */
    double reroute_s;            /* the same of a link */
    LIST(struct simulation_service) services;
    LIST(struct simulation_flow) flows;
    LIST(struct simulation_fault) faults;
};
extern const struct json_table simulation_scenario_table;

/* Fills what the scenario leaves open: sites and slots (a vCPU each) of services named like
 * components, calls from the flows between components, and, when it has no flows, those of the
 * users, who share service_level.throughput_per_s.  Service times are nowhere in a solution and
 * stay the scenario's. */
enum err_code simulation_fill(struct simulation_scenario *scenario, const struct solution *solution,
                              const struct requirement *requirement, struct arena *arena,
                              struct err *err);

enum simulation_phase { /* of the request's arrival: before the first fault begins, until the last
                           one ends, and then */
                        SIMULATION_BEFORE,
                        SIMULATION_DURING,
                        SIMULATION_AFTER,
                        SIMULATION_PHASES
};

struct simulation_figures {
    struct opt_double mean_ms, p50_ms, p99_ms; /* of answered requests, retries included */
    int64_t offered, answered, lost;           /* requests; offered = answered + lost */
    int64_t retries;
    double throughput_per_s; /* answered, by length of the phase */
    double loss;             /* share of offered */
    double availability;     /* share of the phase's time in which the flow could be served */
};

struct simulation_outcome { /* one flow in one phase, or in one stretch of it */
    const char *flow;
    const char *phase; /* before, during, after */
    const char *state; /* down (not available or half is lost), lossy (0.1 % more is lost), slower
                          (mean 10 % longer, and clearly), busier (10 % more requests), same */
    double from_s, to_s;
    struct simulation_figures with, base; /* base: the same seed without the faults */
    struct opt_double mean_change_ms, p99_change_ms;
    double throughput_change_per_s, loss_change, availability_change;
};

struct simulation_station { /* one instance, over the whole run with the faults; base_…: without */
    const char *service, *site;
    int64_t visits, base_visits;
    double utilisation, base_utilisation;           /* busy slots by time */
    double mean_present, base_mean_present;         /* requests there by time */
    double mean_response_ms, base_mean_response_ms; /* a visit: wait and work */
};

struct simulation_happening {
    double at_s;
    int kind;          /* enum simulation_kind */
    const char *stage; /* begins, noticed, ends, end noticed */
    const char *what;  /* site, access point, flow, or the ends of a link: a—b */
    struct opt_double factor;
};

struct simulation_task_outcome { /* with the faults; in the order of the flows and of time */
    const char *flow;
    double at_s;
    struct opt_double response_ms; /* absent: given up */
};

struct simulation_result {
    int64_t seed, events;                         /* events of both runs */
    double ended_s;                               /* when the last request was settled */
    LIST(struct simulation_task_outcome) tasks;   /* of flows that list them */
    LIST(struct simulation_happening) happenings; /* by time */
    LIST(struct simulation_outcome) outcomes;
    LIST(struct simulation_outcome)
    timeline; /* the same from one happening to the next; empty when
                 there are more than 256 */
    LIST(struct simulation_station) stations;
    LIST(const char *) assumptions;
};
extern const struct json_table simulation_result_table;

/* ERR_INVALID with the path of what is wrong in the scenario, ERR_TOO_LARGE where it asks for more
 * than 5 million requests, retries counted in. */
enum err_code simulation_run(const struct network *network,
                             const struct simulation_scenario *scenario, uint64_t seed,
                             struct simulation_result *out, struct arena *arena, struct err *err);

struct simulation_repeated { /* one flow in one phase, over all runs; half: of the 95 % interval */
    const char *flow, *phase;
    double from_s, to_s;
    struct opt_double mean_ms, mean_half_ms, mean_change_ms, mean_change_half_ms; /* absent: nothing
                                                                                     was answered */
    struct opt_double p99_ms, p99_half_ms, loss, loss_half;
};
struct simulation_repetition {
    int64_t seed, runs;
    LIST(struct simulation_repeated) outcomes;
    LIST(const char *) assumptions;
};
extern const struct json_table simulation_repetition_table;

/* The same with seed, seed + 1, …; 2 to 1000 runs.  Student's intervals of the runs' means. */
enum err_code simulation_repeat(const struct network *network,
                                const struct simulation_scenario *scenario, uint64_t seed,
                                int64_t runs, struct simulation_repetition *out,
                                struct arena *arena, struct err *err);

struct simulation_steady { /* one flow in one stretch of time */
    const char *flow;
    double from_s, to_s;
    bool available;            /* a path and an instance for everything that must be called */
    bool saturated;            /* some queue on the way grows without end */
    struct opt_double mean_ms; /* absent when not available or saturated */
};
struct simulation_analysis {
    LIST(struct simulation_steady) flows;
    LIST(const char *) assumptions;
};
extern const struct json_table simulation_analysis_table;

enum err_code simulation_analyse(const struct network *network,
                                 const struct simulation_scenario *scenario,
                                 struct simulation_analysis *out, struct arena *arena,
                                 struct err *err);

struct simulation_availability { /* one flow, over random states of the sites */
    const char *flow;
    int64_t samples;
    double share, low, high; /* with the 95 % interval */
    struct opt_double exact; /* where at most 12 sites can be down */
};
struct simulation_availabilities {
    LIST(struct simulation_availability) flows;
    LIST(const char *) assumptions;
};
extern const struct json_table simulation_availabilities_table;

/* How often flows can be served when each site is up with its availability_percent, whatever the
 * faults of the scenario.  samples: 1 to 10 million. */
enum err_code simulation_availability(const struct network *network,
                                      const struct simulation_scenario *scenario, uint64_t seed,
                                      int64_t samples, struct simulation_availabilities *out,
                                      struct arena *arena, struct err *err);

/* ---- analytic mode over a graph of calls: thousands of services, step by step ----
 *
 * For generators and drills: what each of many services does at one step of time, in the steady
 * state of the queues of queue.c.  The caller fills a mesh once, then at each step changes the
 * load (outside_per_s) and what faults do (the fields marked so; 0 = healthy), settles, and reads
 * the results.  State is kept from step to step, so a storm of retries stays when its cause is gone
 * (metastable failure).  Numbers are the caller's own: finite, not negative, `host` and `to` within
 * the mesh.  Method and limits: README.md, "Graph of calls". */

struct simulation_mesh_call { /* one after the other, each with probability or count per_request */
    int32_t to;
    int32_t retries; /* tries after the first, at once */
    double per_request;
    double request_kb, reply_kb; /* mean sizes; 0 = not felt by links */
    double timeout_s;            /* 0 = never; a lost message is then known at once */
    bool critical;               /* its failure fails the request */
    /* result */
    double fails;          /* share of single tries */
    double tries;          /* mean, for each call */
    double mean_s, square; /* time of a call, all tries; and its second moment */
};

struct simulation_mesh_service {
    int32_t host;
    int32_t servers; /* requests whose work goes on at once (workers), at least 1 */
    int32_t threads; /* requests held at once, callees waited for too; 0 = as many as come */
    int32_t backlog; /* requests that may wait for a thread; more are refused */
    double work_s;   /* mean processor time of one request, exponential */
    double outside_per_s;
    double memory_mib, memory_per_request_mib;
    double memory_limit_mib; /* 0 = none: there every request fails, and before it collecting costs
                                collect × live / (limit − live) of the work (Appel 1987) */
    double collect;
    struct simulation_mesh_call *calls;
    int32_t call_count;
    /* faults */
    int32_t lost_servers; /* of `servers`; at least one stays */
    double more_work;     /* 1 = twice the work */
    double delay_s;       /* waits for something of its own, exponential; holds a thread only */
    double own_errors;    /* share of requests that fail here (partial failure: of the replicas) */
    double burn;          /* processors kept busy for nothing */
    double leaked_mib;
    /* results */
    double rate_per_s;        /* requests that come, retries too */
    double again_per_s;       /* of them, those of callers that stand behind it in the list */
    double refused;           /* share of them, at once */
    double errors;            /* share of them that fail, the refused ones too */
    double latency_s, square; /* mean of requests that were let in, and second moment */
    double cpu;               /* processors */
    double memory_used_mib;
    double present; /* requests held or waiting */
};

struct simulation_mesh_host {
    double cores;
    double latency_s;      /* of its uplink, one way */
    double link_kb_per_s;  /* each direction; 0 = not limited */
    int32_t link_messages; /* that wait at most, each way; more are lost */
    /* faults */
    double other_cores; /* processors that others keep busy (noisy neighbour) */
    double link_used;   /* share of the link that others ask for; they stand in the same queue */
    double more_latency_s, loss; /* of the link, each way */
    /* results */
    double cpu;                                            /* share of the cores, 0…1 */
    double slowdown;                                       /* of work, 1 = none */
    double out_per_s, in_per_s, out_kb_per_s, in_kb_per_s; /* messages and kB */
    double out_use, in_use; /* share of the link that is busy, others included */
    double out_wait_s, in_wait_s, out_lost, in_lost; /* in the queue of the link */
    double busy_most, others; /* workers on it; processors that are never free */
};

struct simulation_mesh {
    struct simulation_mesh_service *services; /* callers before callees settle soonest */
    struct simulation_mesh_host *hosts;
    int32_t service_count, host_count;
};

/* Rates from callers to callees, waiting and errors back, `rounds` times; 60 rounds from nothing
 * and 8 from the step before are enough for most.  Returns the largest relative change of a
 * latency or change of an error share in the last round.  O(rounds × (calls + servers)), and
 * + threads for services under pressure. */
double simulation_mesh_settle(struct simulation_mesh *mesh, int rounds);

/* ---- the queues themselves (queue.c) ---- */

struct simulation_queue {
    double wait_s, wait_square; /* before the work, of those let in: mean and second moment */
    double refused;
};
/* M/M/c; wait infinite when saturated. */
struct simulation_queue simulation_queue_unlimited(double rate, double work_s, int64_t slots);
/* M/M/c/(c + places): finite at any load.  O(places) at most. */
struct simulation_queue simulation_queue_limited(double rate, double work_s, int64_t slots,
                                                 int64_t places);
/* Mean wait in M/G/1 from the first two moments of the work (Pollaczek-Khinchine). */
double simulation_wait_general(double rate, double mean_s, double square_s2);
/* How many times longer work takes on shared processors: load in processors, at most `workers` at
 * work, beside `others` that never end; equal shares (processor sharing: any work, BCMP 1975). */
double simulation_sharing(double load, double cores, int64_t workers, double others);
/* Erlang's formulas (1917); load = rate × mean work; C for load less than slots. */
double simulation_erlang_b(int64_t slots, double load);
double simulation_erlang_c(int64_t slots, double load);

struct simulation_cut {
    double beyond;       /* share of times above the limit */
    double mean, square; /* of min(time, limit) */
};
/* Of a time with mean and second moment, taken as a gamma distribution: exact when exponential. */
struct simulation_cut simulation_cut_at(double mean, double square, double limit);
/* Quantile of the same; share 0.99 for p99. */
double simulation_quantile(double mean, double square, double share);

#endif
