/* feasibility.h - what a feasibility report is held against beside the requirement: what scenarios
 * usually need, what access technologies usually carry, and how similar cases went.  Plain values,
 * read by shells from content files and the store; each figure says its source and how far it is
 * to be trusted. */
#ifndef SWAN_TYPES_FEASIBILITY_H
#define SWAN_TYPES_FEASIBILITY_H

#include "base/json.h"
#include "types/network.h"
#include "types/requirement.h"

/* How far a figure is to be trusted. */
enum feasibility_tag {
    TAG_ABSENT,
    TAG_A, /* a standard, a government or vendor text, the product's paper */
    TAG_B, /* a secondary source: press, reports, tools */
    TAG_C, /* general knowledge, not looked up */
    TAG_D  /* a working default of this project */
};
extern const char *const feasibility_tag_names[];
/* 0.9, 0.7, 0.6, 0.5; absent counts as D. */
double feasibility_tag_confidence(int tag);

/* ---- scenario profiles ---- */
enum feasibility_figure {
    FIGURE_ABSENT,
    FIGURE_LATENCY_MS,     /* one way, users to service */
    FIGURE_JITTER_MS,      /* of that path */
    FIGURE_LOSS_PERCENT,   /* of that path */
    FIGURE_BANDWIDTH_MBPS, /* of one user, camera or terminal */
    FIGURE_RESPONSE_MS,    /* end to end */
    FIGURE_AVAILABILITY_PERCENT,
    FIGURE_PROTECTION_LEVEL, /* 等保 */
    FIGURE_TIER              /* `tiers`: where at least one part of it stands */
};
extern const char *const feasibility_figure_names[];

struct feasibility_demand {
    int figure;      /* enum feasibility_figure */
    double value;    /* a bound in the unit that the figure's name says */
    LIST(int) tiers; /* of FIGURE_TIER */
    int tag;
    const char *source;
};

/* How an end-to-end bound is divided. */
struct feasibility_split {
    double network_share; /* what the network may take one way, of the bound */
    double utilisation;   /* of the computing where no arrival rate is stated: queueing's share of
                             the time at an instance (M/M/1) */
    int tag;
    const char *source;
};

struct feasibility_profile {
    int scenario; /* index into requirement_scenario_names */
    const char *title;
    LIST(struct feasibility_demand) demands;
    struct feasibility_split *split; /* NULL = the general one */
};
struct feasibility_profiles {
    struct feasibility_split *split;
    LIST(struct feasibility_profile) profiles;
};
extern const struct json_table feasibility_profiles_table;

/* ---- access technologies ---- */
struct feasibility_range { /* what it usually is, best and worst; absent end = not known */
    struct opt_double low, high;
    int tag;
    const char *source;
};
struct feasibility_technology {
    int type; /* index into network_link_type_names */
    const char *code, *title;
    struct feasibility_range *latency_ms, *jitter_ms, *loss_percent, *bandwidth_mbps; /* or NULL */
};
struct feasibility_technologies {
    LIST(struct feasibility_technology) technologies;
};
extern const struct json_table feasibility_technologies_table;

struct feasibility_standards {
    struct feasibility_profiles profiles;
    struct feasibility_technologies technologies;
};
/* NULL when none is known. */
const struct feasibility_profile *
feasibility_profile_find(const struct feasibility_standards *standards, int scenario);
const struct feasibility_demand *feasibility_demand_find(const struct feasibility_profile *profile,
                                                         int figure);
const struct feasibility_technology *
feasibility_technology_find(const struct feasibility_standards *standards, int link_type);

/* ---- measurements ---- */
enum feasibility_metric {
    METRIC_ABSENT,
    METRIC_SERVICE_MS,       /* that one request takes at an instance, without waiting */
    METRIC_THROUGHPUT_PER_S, /* that one instance serves */
    METRIC_CONCURRENT_USERS  /* that one instance serves */
};
extern const char *const feasibility_metric_names[];

/* Of an application (name or name@version), or else of a component by its name. */
struct feasibility_measurement {
    const char *application, *component;
    int metric;
    double value;
    int64_t at_ms;
    const char *source; /* who measured, where */
    int tag;
};
struct feasibility_measurements {
    LIST(struct feasibility_measurement) items;
};
extern const struct json_table feasibility_measurements_table; /* {items: […]} */

/* ---- past cases ---- */
struct feasibility_case_component {
    const char *name, *application; /* name@version, or NULL */
    int form, tier;                 /* of the sites that it stood on; absent = not known */
    int64_t instances;
    struct opt_double vcpus, memory_gib; /* of one instance */
    int accelerator;                     /* enum requirement_accelerator_kind */
};
struct feasibility_case_demands {
    struct opt_double max_latency_ms, bandwidth_mbps, max_response_ms, availability_percent;
    int mode;
};
struct feasibility_case_outcome {
    bool opened;
    const char *state; /* of the deployment: up, degraded, down, failed, removed … */
    struct opt_double opening_s, cost_month, latency_ms, availability_percent; /* as realised */
};
struct feasibility_case {
    const char *id; /* of the deployment */
    int scenario;
    int64_t at_ms;
    bool simulated; /* nothing real was opened */
    const char *currency;
    LIST(struct feasibility_case_component) components;
    struct feasibility_case_demands demands;
    struct feasibility_case_outcome outcome;
};
struct feasibility_cases {
    LIST(struct feasibility_case) items;
};
extern const struct json_table feasibility_case_table;
extern const struct json_table feasibility_cases_table; /* {items: [case…]} */

#endif
