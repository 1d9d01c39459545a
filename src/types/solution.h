/* solution.h - what design returns and evaluation judges. */
#ifndef SWAN_TYPES_SOLUTION_H
#define SWAN_TYPES_SOLUTION_H

#include "base/json.h"
#include "types/network.h"
#include "types/requirement.h"

/* ---- the report of evaluation ---- */
enum feasibility_verdict { VERDICT_ABSENT, VERDICT_PASS, VERDICT_FAIL, VERDICT_UNKNOWN };
extern const char *const feasibility_verdict_names[];

enum feasibility_dimension_kind { /* 算力, 网络, 应用, 成本, 业务 */
                                  DIMENSION_ABSENT,
                                  DIMENSION_COMPUTE,
                                  DIMENSION_NETWORK,
                                  DIMENSION_APPLICATION,
                                  DIMENSION_COST,
                                  DIMENSION_BUSINESS
};
extern const char *const feasibility_dimension_names[];
#define FEASIBILITY_DIMENSIONS 5

struct feasibility_evidence {
    const char
        *kind; /* site, link, path, price, application, measurement, case, requirement, network */
    const char *ref;  /* id of it */
    const char *text; /* what it says */
    int64_t at_ms;    /* 0 = unknown */
};

struct feasibility_check {
    const char *code;    /* stable: "capacity.vcpus", "latency", "budget" … faces translate it */
    const char *subject; /* component, flow "user→web" or site */
    const char *required, *observed; /* values as text, without unit; NULL = none / not known */
    const char *unit;
    struct opt_double margin; /* in unit, positive = room */
    int verdict;
    double confidence; /* 0…1 */
    LIST(struct feasibility_evidence) evidence;
};

struct feasibility_dimension {
    int kind;
    int verdict; /* fail if any check fails, else unknown if any is unknown or none was made, else
                    pass */
    LIST(struct feasibility_check) checks;
};

struct feasibility_report {
    int verdict;                                   /* by the same rule over the dimensions */
    double score;                                  /* 0…100; rule in docs/modules/evaluation.md */
    LIST(struct feasibility_dimension) dimensions; /* always the five, in order */
};
extern const struct json_table feasibility_report_table;

/* ---- a solution ---- */
struct solution_placement {
    const char *component;
    int64_t instance; /* 0… */
    const char *site;
    const char *flavor;            /* on sites that have flavors */
    const char *accelerator_model; /* when one is asked */
};

struct solution_route {      /* one flow to one site */
    const char *from;        /* user or component */
    const char *from_node;   /* access point or site */
    const char *to;          /* component */
    const char *to_node;     /* site */
    LIST(const char *) path; /* nodes, ends included */
    struct opt_double latency_ms, bandwidth_mbps, bound_ms;
};

struct solution_cost_line {
    const char *item;      /* vcpu, memory, flavor, accelerator, disk, bandwidth, link, public_ip */
    const char *component; /* or NULL */
    const char *site;      /* or "a—b" of a link */
    double quantity;
    const char *unit; /* "vCPU·h/month" … */
    double unit_price;
    double amount; /* per month */
    int basis;     /* enum price_basis; absent = unknown */
    const char *source;
    int64_t as_of_ms;
};

struct solution {
    const char *objective;   /* the first of `wins`: cost, latency, reliability, green, balanced */
    LIST(const char *) wins; /* all objectives that this one is best in */
    double cost;             /* per month, network's currency */
    const char *currency;
    double gap;                    /* (cost − proven lower bound) / cost */
    struct opt_double latency;     /* ms, Σ over flows */
    struct opt_double reliability; /* 0…1 */
    struct opt_double green;       /* g/h-like measure of contract/network.md */
    struct opt_double opening_s;   /* estimate */
    const char *proved_by;         /* how the gap was proven */
    bool catalogue_only;           /* at least one site cannot be opened by any provider */
    LIST(struct solution_placement) placements;
    LIST(struct solution_route) routes;
    LIST(struct solution_cost_line) cost_lines;
    LIST(const char *) assumptions;
    struct feasibility_report *evaluation;
};
extern const struct json_table solution_table;
extern const struct json_table solution_placement_table;

/* ---- why not ---- */
struct solution_rejection { /* one reason for one component: how many sites, and the nearest misses
                             */
    const char *component;
    const char *reason; /* code: tier, location, arch, accelerator, protection_level, residency,
                           flavor, capacity.vcpus, …, latency, unknown.FIELD, form */
    int64_t count;
    const char *site; /* the nearest miss */
    const char *required, *observed, *unit;
    struct opt_double margin; /* negative: how far it misses */
};

struct solution_relaxation {
    const char *change; /* "latency +3 ms", "budget +120 CNY/month", "drop location of web" */
    double cost;        /* of the design that then exists */
};

struct solution_answer {
    LIST(struct solution) solutions; /* non-dominated, the asked objective first */
    LIST(struct solution_rejection) rejected;
    LIST(const char *) conflict;
    LIST(struct solution_relaxation) relaxations;
    /* What a stopped trial left open: a member of the conflict that may not be needed in it
     * ("budget"), a relaxation that may help ("drop budget") or need not go so far ("less than
     * …").  Empty: all of it is proven. */
    LIST(const char *) undecided;
    int64_t sites_seen;
};
extern const struct json_table solution_answer_table;

#endif
