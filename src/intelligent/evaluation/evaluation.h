/* evaluation.h - engine: five-dimension feasibility of any solution, with evidence (方案评估), and
 * the exact meaning of constraints and objectives that design shares (contract/network.md).  Pure.
 */
#ifndef SWAN_EVALUATION_EVALUATION_H
#define SWAN_EVALUATION_EVALUATION_H

#include "base/arena.h"
#include "types/application.h"
#include "types/feasibility.h"
#include "types/network.h"
#include "types/requirement.h"
#include "types/solution.h"

struct evaluation_input {
    const struct requirement *requirement;
    const struct network *network;
    const struct price_notes *notes;                     /* NULL = none known */
    const struct site_connections *connections;          /* NULL = go by site.provider alone */
    const struct application_spec_refs *applications;    /* NULL = none known; those without a
                                                            component are there to be depended on */
    const struct feasibility_standards *standards;       /* NULL = none known */
    const struct feasibility_cases *cases;               /* NULL = none known */
    const struct feasibility_measurements *measurements; /* NULL = none known */
    int64_t now_ms;                                      /* for the age of prices; 0 = unknown */
    int64_t price_max_age_days; /* 0 = 365; older is said, confidence falls */
};

/* Five dimensions, always, in order.  The solution may be hand-made, stale or wrong: what names
 * things that do not exist is a failed check, not an error.  Errors only: a requirement that breaks
 * its own rules. */
enum err_code evaluation_report(const struct evaluation_input *input,
                                const struct solution *solution, struct feasibility_report *out,
                                struct arena *arena, struct err *err);

/* The scenario profiles and access technologies that ship with the program (content/scenarios,
 * content/standards).  Never fails but for our own mistakes. */
enum err_code evaluation_standards_shipped(struct feasibility_standards *out, struct arena *arena,
                                           struct err *err);

/* ---- the shared model ---- */
struct evaluation_model; /* index over network and requirement; lives in its arena; immutable once
                            built save for its cache of latency trees, so one model belongs to one
                            thread */

/* ERR_INVALID: user_location is no access point though a flow comes from the user, a flow names no
 * component, names are not unique; ERR_TOO_LARGE: more than 10 000 instances.  The network must
 * have passed network_check. */
enum err_code evaluation_model_new(const struct evaluation_input *input,
                                   struct evaluation_model **out, struct arena *arena,
                                   struct err *err);
/* The same over the same network with another requirement; shares index and trees with `model`. */
enum err_code evaluation_model_again(const struct evaluation_model *model,
                                     const struct requirement *requirement,
                                     struct evaluation_model **out, struct arena *arena,
                                     struct err *err);

struct evaluation_flow { /* effective flows, network.* bounds applied */
    int from;            /* component index, -1 = user */
    int to;
    struct opt_double max_latency_ms;
    double bandwidth_mbps; /* 0 = none */
};
/* What the model was built over. */
void evaluation_model_subject(const struct evaluation_model *model,
                              const struct requirement **ret_requirement,
                              const struct network **ret_network);

size_t evaluation_flows(const struct evaluation_model *model, const struct evaluation_flow **out);
/* The field of the requirement that states the latency bound of the flow
 * ("flows[1].max_latency_ms"). */
const char *evaluation_flow_bound_name(const struct evaluation_model *model, size_t flow);
/* The node from which users reach a site: user_location, or the farthest access point; SIZE_MAX
 * when there is no access point. */
size_t evaluation_user_node(struct evaluation_model *model, size_t site);
/* Months in which `cost` per month is paid once under the budget's period; NaN: no budget, another
 * currency, or `once` without a duration. */
double evaluation_budget_months(const struct evaluation_model *model);
/* The most that a solution may cost a month; INFINITY when there is no budget that can be compared.
 */
double evaluation_budget_limit(const struct evaluation_model *model);

/* Why a site may not take one instance of a component, capacity for one included; NULL reason =
 * eligible.  Reason codes are those of struct solution_rejection. */
struct evaluation_reason {
    const char *reason;
    const char *required, *observed, *unit;
    struct opt_double margin;
};
/* Texts of the reason come from the arena; with arena NULL they are left out (the margin is not).
 * Sites are counted, not named: a failing one costs no memory then. */
bool evaluation_eligible(struct evaluation_model *model, size_t component, size_t site,
                         struct evaluation_reason *ret_reason, struct arena *arena);

/* Monthly cost of one instance there (compute, accelerators, disk); NaN when a price is unknown.
 * Names the flavor and model it takes (NULL when none). */
double evaluation_instance_cost(struct evaluation_model *model, size_t component, size_t site,
                                const char **ret_flavor, const char **ret_accelerator_model);
/* The same for each accelerator model that the component may take there (one option with model -1
 * when it asks for none).  Options with an unknown price are left out.  Returns how many there are.
 */
struct evaluation_option {
    int accelerator; /* index into the site's accelerators, or -1 */
    double cost;     /* of one instance a month */
};
size_t evaluation_options(struct evaluation_model *model, size_t component, size_t site,
                          struct evaluation_option *out, size_t max);

/* Least-latency path between two nodes (sites or access points, by index: sites first, then
 * access), the cheaper of equals, then the one with fewer links; INFINITY when there is none.
 * Cached trees. */
double evaluation_latency(struct evaluation_model *model, size_t from_node, size_t to_node);
/* Monthly price of 1 Mbit/s along that path; appends link indices to ret_links (may be NULL). */
double evaluation_path(struct evaluation_model *model, size_t from_node, size_t to_node,
                       size_t *ret_links, size_t *ret_count, size_t max_links);

/* values[node]: what starts there, INFINITY = nothing.  On return the least, over all starts and
 * all paths, of what started + per_ms × latency + per_price × price of 1 Mbit/s.  Paths are any,
 * not the least-latency ones only, so with a price it is a lower bound; with per_price 0 and per_ms
 * 1 it is the latency to the nearest start.  Weights are not negative.  O(nodes + links of the core
 * · log). */
void evaluation_spread(const struct evaluation_model *model, double per_ms, double per_price,
                       double *values);

/* Recomputes cost, latency, reliability, green, cost lines, routes, catalogue_only of a solution
 * from its placements (flavors filled in where missing), and the violations as codes; used by
 * design and by `evaluate`. */
struct evaluation_figures {
    double cost;
    struct opt_double latency, reliability, green;
    bool feasible; /* every hard constraint holds and none is unknown */
    LIST(struct feasibility_check) violations;
};
enum err_code evaluation_measure(struct evaluation_model *model, struct solution *solution,
                                 struct evaluation_figures *out, struct arena *arena,
                                 struct err *err);

/* evaluation_report on a model that exists already. */
enum err_code evaluation_report_with(struct evaluation_model *model,
                                     const struct solution *solution,
                                     struct feasibility_report *out, struct arena *arena,
                                     struct err *err);

#endif
