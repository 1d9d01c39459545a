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

struct simulation_flow {
    const char *name;
    const char *from; /* access point or site */
    const char *to;   /* service */
    double rate_per_s;
    double request_kb, reply_kb;
    struct opt_double timeout_ms; /* absent: a loss is noticed at once */
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

struct simulation_outcome { /* one flow in one phase */
    const char *flow;
    const char *phase; /* before, during, after */
    double from_s, to_s;
    struct simulation_figures with, base; /* base: the same seed without the faults */
    struct opt_double mean_change_ms, p99_change_ms;
    double throughput_change_per_s, loss_change, availability_change;
};

struct simulation_station { /* one instance, over the whole run with the faults */
    const char *service, *site;
    int64_t visits;
    double utilisation;      /* busy slots by time */
    double mean_present;     /* requests there by time */
    double mean_response_ms; /* a visit: wait and work */
};

struct simulation_result {
    int64_t seed, events; /* events of both runs */
    double ended_s;       /* when the last request was settled */
    LIST(struct simulation_outcome) outcomes;
    LIST(struct simulation_station) stations;
    LIST(const char *) assumptions;
};
extern const struct json_table simulation_result_table;

/* ERR_INVALID with the path of what is wrong in the scenario, ERR_TOO_LARGE where it asks for more
 * than 5 million requests, retries counted in. */
enum err_code simulation_run(const struct network *network,
                             const struct simulation_scenario *scenario, uint64_t seed,
                             struct simulation_result *out, struct arena *arena, struct err *err);

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

/* Probability of waiting in M/M/c (Erlang 1917); load = rate × mean work, less than slots. */
double simulation_erlang_c(int64_t slots, double load);

#endif
