/* search_priv.h - the state of one search (search.c, search_lists.c). */
#ifndef SWAN_DESIGN_SEARCH_PRIV_H
#define SWAN_DESIGN_SEARCH_PRIV_H

#include "intelligent/design/design_priv.h"

#define SEARCH_LATENCY_TOL 1e-6
#define SEARCH_AMOUNT_TOL 1e-6

struct pick { /* an option as it stands under the choices made so far */
    uint32_t option;
    double key;           /* order of the list */
    double first, repeat; /* weighted value of the first and of a further instance on the site */
    double in_cost, in_latency; /* of flows from components already placed */
};

struct picks { /* one version of a component's list, ascending by key */
    struct pick *items;
    size_t count;
    double least_repeat, least_down;
    double alone;                     /* least value of all instances, other constraints aside */
    double subtree;                   /* the same with the components that hang below */
    struct design_frontier *frontier; /* when loss matters */
};

struct taken {         /* a component that is placed */
    uint32_t *options; /* by instance */
    uint32_t *sites;   /* distinct */
    size_t site_count;
    double value, cost, loss;
};

struct design_bounds { /* search_bounds.c */
    double *
        *marginal; /* [component][option]: no solution with it is less; INFINITY = none exists */
    double *
        *message; /* [component][option of its parent]: least of its subtree served from there */
    double least; /* no solution is less */
};

struct search {
    const struct design_task *task;
    const struct design_bounds *bounds;
    double reach; /* options that cannot be part of anything below it are left out */
    const struct design_problem *p;
    struct arena *arena;
    struct design_result *out;
    size_t *order;
    int *parent; /* the one component whose flow places it, or -1: several, or none */
    int *parent_flow;
    struct picks **versions; /* [component][version] */
    size_t *version;
    double **tail; /* [component][option]: least value of what hangs below a single instance */
    double
        *tail_floor; /* [component]: sum over the flows to what hangs below of the least anywhere */
    int *below;      /* [component]: how many components hang below */
    struct taken *taken;
    bool *placed;
    double *used_vcpus, *used_memory, *used_disk; /* by site */
    int64_t *used_cards;                          /* by accelerator, from card_base[site] */
    const uint32_t *card_base;
    double *load; /* by link */
    size_t *path;
    size_t path_max;
    double *cost_floor;       /* by component */
    double value, cost, loss; /* of the placed ones */
    double best, limit;
    uint32_t **best_options;
    uint64_t next_poll;
    bool loss_matters, stop;
};

static inline const struct design_option *design_search_option(const struct search *s,
                                                               size_t component, uint32_t option)
{
    return &s->p->components[component].options.items[option];
}
static inline struct picks *design_search_list(const struct search *s, size_t component)
{
    return &s->versions[component][s->version[component]];
}

/* False: some component has nowhere to go. */
/* What others hold leaves room for one instance there, and for its flows from the user. */
bool design_search_fits_beside(const struct search *s, size_t component,
                               const struct design_option *option);
bool design_search_bounds(const struct search *s, struct design_bounds *out, struct arena *arena);
static inline bool design_search_usable(const struct search *s, const struct design_option *option)
{
    return !(s->task->weights.green != 0 && isnan(option->green)) &&
           !(s->loss_matters && isnan(option->down));
}

/* search_lists.c */
bool design_search_lists_new(struct search *s); /* false: some component has nowhere to go */
/* The list of `to` under the sites now taken by `from`: the next version.  False: dead. */
bool design_search_lists_narrow(struct search *s, size_t from, size_t to);
/* Where a flow to that site comes from, given the sites of `from`; index into them. */
size_t design_search_nearest(const struct search *s, size_t from, uint32_t site,
                             double *ret_latency);

#endif
