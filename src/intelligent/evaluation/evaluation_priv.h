/* evaluation_priv.h - inside of the evaluation engine: the index over a network, its least-latency
 * trees, and the checks from which both measuring and reporting are made. */
#ifndef SWAN_EVALUATION_PRIV_H
#define SWAN_EVALUATION_PRIV_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/evaluation/evaluation.h"

#define EVALUATION_HOURS 730.0      /* a month, contract/network.md */
#define EVALUATION_LATENCY_TOL 1e-6 /* ms */
#define EVALUATION_AMOUNT_TOL 1e-6  /* Mbit/s and units */
#define EVALUATION_AVAIL_TOL 1e-9   /* as a fraction */
#define EVALUATION_FLAVOR_TOL 1e-9  /* what a flavor holds */
#define EVALUATION_MAX_INSTANCES 10000

/* ---- least-latency paths (paths.c) ----
 * Latencies and prices are kept as integers of 1e-9 ms and 1e-9 currency units, so that sums are
 * exact, equal paths are equal, and a path is the same whichever end it is asked from. */
struct evaluation_paths;
struct evaluation_paths *evaluation_paths_new(const struct network *network, size_t nodes,
                                              const uint32_t *link_a, const uint32_t *link_b,
                                              struct arena *arena);
double evaluation_paths_latency(struct evaluation_paths *paths, size_t from, size_t to);
/* Appends at most max_links link indices in order from → to; the count is the true one. */
double evaluation_paths_walk(struct evaluation_paths *paths, size_t from, size_t to,
                             size_t *ret_links, size_t *ret_count, size_t max_links);

/* As evaluation_spread. */
void evaluation_paths_spread(const struct evaluation_paths *paths, double per_ms, double per_price,
                             double *values);

/* ---- the index of a network, shared by all models over it ---- */
struct evaluation_notes { /* price notes by a hash of their site */
    size_t mask;
    uint32_t *first; /* by bucket: number of a note + 1, 0 = none */
    uint32_t *next;  /* by note */
};

struct evaluation_network {
    const struct network *network;
    size_t sites, nodes;
    const char **node_id;
    uint32_t *by_id; /* nodes sorted by id */
    uint32_t *link_a, *link_b;
    struct evaluation_paths *paths;
    struct evaluation_notes *notes; /* NULL = not made yet */
    struct arena *arena;            /* of the first model: outlives those made again over it */
};

struct evaluation_links_at { /* links that end at a node */
    size_t node;
    LIST(uint32_t) links;
};

struct evaluation_model {
    const struct requirement *requirement;
    const struct network *network;
    struct evaluation_input input;
    struct evaluation_network *index;
    struct arena *arena;
    struct evaluation_flow *flows;
    const char **flow_latency_name; /* the field that states the bound: flows[1].max_latency_ms */
    size_t flow_count;
    int64_t *instances;
    size_t user_node; /* SIZE_MAX: the farthest access point */
    bool user_needed; /* a flow comes from the user */
    int32_t *user_of; /* per site, lazily: its user-side node + 1, or 0 = not yet, -1 = none */
    LIST(struct evaluation_links_at) links_at; /* of the few nodes that reports ask for */
};

/* SIZE_MAX if none. */
size_t evaluation_index_find(const struct evaluation_network *index, const char *id);
const char *evaluation_component_name(const struct evaluation_model *model, int component);

/* Links that end at that node; cached, O(links) the first time. */
const struct evaluation_links_at *evaluation_links_at(struct evaluation_model *model, size_t node);
/* As price_note_find; O(notes) the first time, then O(notes of the site). */
const struct price_note *evaluation_note(struct evaluation_model *model, const char *site,
                                         const char *item);

/* Eligibility; capacity for one instance is looked at when with_capacity. */
bool evaluation_site_suits(struct evaluation_model *model, size_t component, size_t site,
                           bool with_capacity, struct evaluation_reason *ret_reason,
                           struct arena *arena);
/* Cheapest flavor that holds the component; NULL when none does. */
const struct site_flavor *evaluation_cheapest_flavor(const struct site *site,
                                                     const struct requirement_component *component);
/* NaN when unknown. */
double evaluation_accelerator_price(const struct site *site, const char *model_name);
bool evaluation_accelerator_suits(const struct site_accelerator *offered,
                                  const struct requirement_accelerator *asked);
static inline double evaluation_amount(struct opt_double amount)
{
    return amount.set ? amount.value : 0.0;
}

/* ---- checks ---- */
struct evaluation_check {
    int dimension;
    struct feasibility_check check;
};
struct evaluation_route { /* of the route of that number in the solution */
    size_t flow;          /* index into the model's flows */
    size_t from, to;      /* nodes */
    const size_t *links;
    size_t count;
};
struct evaluation_checks {
    LIST(struct evaluation_check) items;
    LIST(struct evaluation_route) routes; /* when passes are kept */
    bool passes_too;                      /* keep passed checks, with evidence */
    struct arena *arena;
};
/* Values are text of this arena or constants. */
struct evaluation_claim {
    int dimension;
    const char *code, *subject;
    const char *required, *observed, *unit;
    struct opt_double margin;
    int verdict;
    double confidence;
};
/* NULL when the check is a pass and passes are not kept. */
struct feasibility_check *evaluation_check_add(struct evaluation_checks *checks,
                                               const struct evaluation_claim *claim);
/* A check of the application dimension, of the whole or one subject. */
struct feasibility_check *evaluation_claim_application(struct evaluation_checks *checks,
                                                       const char *code, const char *subject,
                                                       int verdict, const char *required,
                                                       const char *observed, double confidence);
void evaluation_evidence_add(struct evaluation_checks *checks, struct feasibility_check *check,
                             const char *kind, const char *ref, const char *text, int64_t at_ms);
const char *evaluation_number(struct arena *arena, double value);
struct opt_double evaluation_margin(double value);

/* Everything evaluation_measure does, with the checks kept. */
enum err_code evaluation_measure_into(struct evaluation_model *model, struct solution *solution,
                                      struct evaluation_figures *out,
                                      struct evaluation_checks *checks, struct arena *arena,
                                      struct err *err);

/* ---- dimensions (report_*.c) that placements alone do not settle ---- */
/* What a response bound leaves for network, computing and queueing. */
void evaluation_report_response(struct evaluation_model *model, const struct solution *solution,
                                struct evaluation_checks *checks);
/* Jitter and loss of the paths, the response bound, the access technology. */
void evaluation_report_network(struct evaluation_model *model, const struct solution *solution,
                               struct evaluation_checks *checks);
void evaluation_report_application(struct evaluation_model *model, const struct solution *solution,
                                   struct evaluation_checks *checks);
/* Which versions of what is depended on, and why not. */
void evaluation_report_dependencies(struct evaluation_model *model,
                                    struct evaluation_checks *checks);
/* Interfaces wanted and offered. */
void evaluation_report_interfaces(struct evaluation_model *model, struct evaluation_checks *checks);
void evaluation_report_cost(struct evaluation_model *model, const struct solution *solution,
                            struct evaluation_checks *checks);
void evaluation_report_business(struct evaluation_model *model, const struct solution *solution,
                                const struct evaluation_figures *figures,
                                struct evaluation_checks *checks);
/* How similar cases went. */
void evaluation_report_cases(struct evaluation_model *model, const struct solution *solution,
                             struct evaluation_checks *checks);

/* What is measured of the component: of its version, else of its application, else by its own name;
 * NULL when nothing is. */
const struct feasibility_measurement *evaluation_measured(const struct evaluation_model *model,
                                                          size_t component, int metric);
/* What one instance was seen to serve, times the instances, against what is asked of the whole. */
void evaluation_report_load(struct evaluation_model *model, struct evaluation_checks *checks);
/* The application that answers the component; NULL when none is known. */
const struct application_spec_ref *evaluation_application(const struct evaluation_model *model,
                                                          size_t component);

/* ---- advice (report_advice.c): figures that nobody stated as a bound of his own ---- */
struct evaluation_advice {
    int dimension;
    const char *code, *subject, *unit;
    double required;
    double observed; /* NaN = not known */
    double margin;   /* negative = missed */
    int tag;
    const char *kind, *ref, *source; /* of its evidence */
};
/* Met: passed with the tag's confidence.  Missed or not known: unknown, never failed. */
struct feasibility_check *evaluation_advise(struct evaluation_checks *checks,
                                            const struct evaluation_advice *advice);

/* "1.2.3" against ">=1 <2"; false when the range cannot be understood and *ret_known is then false.
 */
bool evaluation_version_suits(const char *version, const char *range, bool *ret_known);
/* <0, 0, >0; texts that hold no numbers compare as text, and below those that do. */
int evaluation_version_compare(const char *a, const char *b);

#endif
