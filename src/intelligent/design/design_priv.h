/* design_priv.h - inside of the design engine: a problem is a requirement and a network reduced to
 * options; the search takes one option per instance. */
#ifndef SWAN_DESIGN_PRIV_H
#define SWAN_DESIGN_PRIV_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/design/design.h"

#define DESIGN_MAX_INSTANCES \
    4096 /* of all components; more is no design but a cluster's business */

#define DESIGN_MAX_COMPONENTS 256

struct design_option { /* one way to run one instance of a component */
    uint32_t site;
    int accelerator;      /* index into the site's, -1 none */
    int64_t fit;          /* how many instances the empty site holds */
    double cost;          /* of the instance, a month */
    double site_cost;     /* once for the site: bandwidth of user flows; addresses when there is one
                             instance */
    double user_latency;  /* ms, summed over the flows from the user */
    double address_price; /* NaN unknown; of component 0 */
    double green;         /* NaN unknown */
    double down;          /* 1 − availability; NaN unknown */
};

/* ---- pins and exclusions (wishes.c) ---- */
struct design_wish {
    const char *name; /* "pin web[1]@s1", as the conflict set says it */
    size_t component; /* SIZE_MAX = any */
    int64_t instance; /* of a pin; -1 = every */
    uint32_t site;
    bool exclude;
    bool dropped; /* in the trial at hand */
    bool gone;    /* in all that follow */
};
struct design_wishes {
    LIST(struct design_wish) items;
};
enum err_code design_wishes_read(const struct design_input *input, struct design_wishes *out,
                                 struct arena *arena, struct err *err);
/* A copy whose marks are its own. */
struct design_wishes *design_wishes_copy(const struct design_wishes *wishes, struct arena *arena);

struct design_pinned {
    int64_t instance;
    uint32_t site;
};

struct design_component {
    LIST(struct design_option) options;
    int64_t instances;
    /* Instances that must run somewhere, by number; empty when one site takes all of them, for then
     * only that site's options are there.  A result's chosen options begin with these. */
    LIST(struct design_pinned) pinned;
    double vcpus, memory_gib, disk_gib;
    int64_t cards; /* accelerators of one instance */
    LIST(struct solution_rejection) rejected;
};

struct design_problem {
    struct evaluation_model *model;
    const struct requirement *requirement;
    const struct network *network;
    struct design_component *components;
    size_t count;
    const struct evaluation_flow *flows;
    size_t flow_count;
    bool dead;       /* a pin is on a site that cannot take it */
    bool two_sites;  /* reliability.mode */
    double loss_max; /* −log of the availability asked; INFINITY when none is */
    double cost_max; /* a month; INFINITY without a comparable budget */
    double addresses;
    uint32_t *card_base; /* by site: number of its first accelerator; one more than sites */
};

/* wishes: NULL = none; a pin of an instance that there is not is passed over.  explain: also count
 * the rejected sites by reason. */
enum err_code design_problem_new(struct evaluation_model *model, const struct design_wishes *wishes,
                                 bool explain, struct design_problem **out, struct arena *arena,
                                 struct err *err);

/* Among which of the chosen options number 0 is: [begin, end).  The design chooses the numbers, but
 * those of pinned instances are given. */
static inline void design_numbered_first(const struct design_component *component,
                                         size_t *ret_begin, size_t *ret_end)
{
    bool pinned = component->pinned.count > 0 && component->pinned.items[0].instance == 0;
    *ret_begin = pinned ? 0 : component->pinned.count;
    *ret_end = pinned ? 1 : (size_t)component->instances;
}

/* ---- trade-off of value against loss (frontier.c) ----
 * loss = −log(availability), so that a service's loss is the sum over components. */
struct design_point {
    double loss, value;
};
#define DESIGN_FRONTIER_MAX 192
struct design_frontier { /* loss ascending, value descending */
    size_t count;
    struct design_point points[DESIGN_FRONTIER_MAX];
};
void design_frontier_add(struct design_frontier *frontier, struct design_point point);
/* All sums of a point of each; coarsened optimistically beyond the maximum. */
void design_frontier_join(struct design_frontier *into, const struct design_frontier *other);
/* The least value + loss_weight·loss with loss ≤ loss_max; INFINITY when there is none. */
double design_frontier_least(const struct design_frontier *frontier, double loss_max,
                             double loss_weight);

/* ---- resources: what sites and links have, in one numbering ----
 * vcpus, memory, disk of each site, then accelerators from card_base, then links. */
enum { DESIGN_VCPUS, DESIGN_MEMORY, DESIGN_DISK, DESIGN_AMOUNTS };

static inline uint32_t design_resource_of_site(uint32_t site, int amount)
{
    return site * DESIGN_AMOUNTS + (uint32_t)amount;
}
static inline uint32_t design_resource_of_cards(const struct design_problem *problem, uint32_t site,
                                                int accelerator)
{
    return (uint32_t)problem->network->sites.count * DESIGN_AMOUNTS + problem->card_base[site] +
           (uint32_t)accelerator;
}
static inline uint32_t design_resource_of_link(const struct design_problem *problem, size_t link)
{
    size_t sites = problem->network->sites.count;
    return (uint32_t)(sites * DESIGN_AMOUNTS + problem->card_base[sites] + link);
}

struct design_hold { /* what others have taken */
    uint32_t resource;
    double amount;
};

/* Which of the sites is nearest to `site`, of equals the one first by id; index into them. */
size_t design_nearest(const struct design_problem *problem, const uint32_t *sites, size_t count,
                      uint32_t site, double *ret_latency);

/* ---- search ---- */
struct design_weights { /* the objective is the weighted sum */
    double cost, latency, green, loss;
};

struct design_task {
    const struct design_problem *problem;
    struct design_weights weights;
    bool first_only;    /* any solution will do */
    double value_below; /* look for less than that only; 0 = no limit */
    const struct design_hold *holds;
    size_t hold_count;
    uint64_t work_max; /* picks tried; 0 = no limit */
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
};

enum design_outcome { DESIGN_OPTIMAL, DESIGN_FOUND, DESIGN_NONE, DESIGN_UNDECIDED };

struct design_result {
    enum design_outcome outcome; /* found: stopped with a solution; undecided: stopped without */
    bool stopped;                /* by should_stop */
    double value, bound;
    uint64_t work, nodes;
    uint32_t **chosen; /* by component and instance: index of the option */
};
void design_search(const struct design_task *task, struct design_result *out, struct arena *arena);

/* ---- from a result to a solution (design.c) ---- */
/* The placements of a result, numbered so that addresses are cheapest. */
void design_placements(const struct design_problem *problem, uint32_t *const *chosen,
                       struct solution *out, struct arena *arena);
/* These, measured; a violation is a bug of the search. */
enum err_code design_measured(const struct design_problem *problem, uint32_t *const *chosen,
                              struct solution *out, struct evaluation_figures *ret_figures,
                              struct arena *arena, struct err *err);
/* assume.c: the estimate of the opening time, and everything that was taken for granted. */
void design_assume(const struct design_problem *problem, const struct design_wishes *wishes,
                   const struct evaluation_input *given, struct solution *solution,
                   struct arena *arena);
void design_list_rejections(const struct design_problem *problem, struct solution_answer *out,
                            struct arena *arena);
/* The error of an infeasible need, from its conflict, relaxations and rejections; returns its code.
 */
enum err_code design_say_infeasible(const struct design_problem *problem,
                                    const struct solution_answer *answer, struct arena *arena,
                                    struct err *err);

/* ---- why not (explain.c) ---- */

struct design_limits {
    bool (*should_stop)(void *ctx);
    void *stop_ctx;
};
/* Fills conflict and relaxations of an infeasible need. */
enum err_code design_explain(const struct evaluation_model *model,
                             const struct design_wishes *wishes, const struct design_limits *limits,
                             struct solution_answer *out, struct arena *arena, struct err *err);

#endif
