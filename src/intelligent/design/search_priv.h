/* search_priv.h - the state of one search (search.c, search_lists.c). */
#ifndef SWAN_DESIGN_SEARCH_PRIV_H
#define SWAN_DESIGN_SEARCH_PRIV_H

#include "intelligent/design/design_priv.h"

#define SEARCH_LATENCY_TOL 1e-6
#define SEARCH_AMOUNT_TOL 1e-6

/* Components that hang below one of several instances (its kids) are served by one instance or
 * another; up to this many, every way to share them out is looked at. */
#define SEARCH_KIDS 3
#define SEARCH_GROUPS (1U << SEARCH_KIDS)

struct pick { /* an option as it stands under the choices made so far */
    uint32_t option;
    double key;           /* order of the list */
    double first, repeat; /* weighted value of the first and of a further instance on the site */
    double loss_price;    /* of a single instance's loss, for the bounds over flows */
    double in_cost, in_latency; /* of flows from components already placed */
};

struct picks { /* one version of a component's list, ascending by key */
    struct pick *items;
    size_t count;
    double again; /* least of an instance beyond the first */
    double least_first, least_down;
    double group[SEARCH_GROUPS];      /* [set of kids]: least of an instance that serves these */
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

struct kids {
    size_t count; /* 0: none, too many, or a single instance */
    size_t items[SEARCH_KIDS];
};

struct search {
    const struct design_task *task;
    const struct design_bounds *bounds;
    double reach; /* options that cannot be part of anything below it are left out */
    const struct design_problem *p;
    struct arena *arena;
    struct design_result *out;
    size_t *order;
    const bool *sends; /* by (sender, receiver), in a square */
    int *parent;       /* the one component whose flow places it, or -1: several, or none */
    int *parent_flow;
    struct picks **versions; /* [component][version] */
    size_t *version;
    double **tail; /* [component][option]: least value of what hangs below a single instance */
    double
        *tail_floor; /* [component]: sum over the flows to what hangs below of the least anywhere */
    int *below;      /* [component]: how many components hang below */
    struct kids *kids; /* [component]: for those of several instances */
    double **served;   /* [component][option of its parent]: its own part of the parent's tail */
    struct taken *taken;
    bool *placed;
    double *used_vcpus, *used_memory, *used_disk; /* by site */
    int64_t *used_cards;                          /* by accelerator, from card_base[site] */
    const uint32_t *card_base;
    double *load; /* by link */
    size_t *path;
    size_t path_max;
    double *cost_floor; /* by component */
    /* Bounds over flows put a price on loss: its weight, and a Lagrange multiplier of the limit on
     * it, for value + multiplier·(loss − limit) is no more than the value wherever loss is within.
     */
    double multiplier;        /* 0 until a search proves hard */
    double loss_price;        /* weight + multiplier */
    double *loss_floor;       /* [component]: least price of the loss of several instances */
    bool *ample;              /* [site]: holds all that this need could put there, anyhow */
    bool *ample_cards;        /* the same by accelerator */
    double flow_total;        /* Mbit/s, were all flows to run over one link */
    double value, cost, loss; /* of the placed ones */
    double best, limit;
    uint32_t **best_options;
    uint64_t next_poll;
    uint64_t soft_limit; /* of work, until another order is tried; 0 = none */
    uint64_t soft_step;
    uint64_t *failures; /* [component]: dead ends right after it was placed */
    bool loss_matters, stop, soft_stop;
};

static inline const struct design_option *design_search_option(const struct search *s,
                                                               size_t component, uint32_t option)
{
    return &s->p->components[component].options.items[option];
}
static inline uint32_t design_search_card(const struct search *s,
                                          const struct design_option *option)
{
    return s->card_base[option->site] + (uint32_t)option->accelerator;
}
static inline struct picks *design_search_list(const struct search *s, size_t component)
{
    return &s->versions[component][s->version[component]];
}

/* False: some component has nowhere to go. */
/* What others hold leaves room for one instance there, and for its flows from the user. */
bool design_search_fits_beside(const struct search *s, size_t component,
                               const struct design_option *option);
bool design_search_bounds(struct search *s, struct design_bounds *out, struct arena *arena);
/* The same with the multiplier that makes the least possible largest; sets it. */
void design_search_bounds_price(struct search *s, struct design_bounds *out);
static inline bool design_search_usable(const struct search *s, const struct design_option *option)
{
    return !(s->task->weights.green != 0 && isnan(option->green)) &&
           !(s->loss_matters && isnan(option->down));
}

/* Whether a second instance can stand where one does. */
static inline bool design_search_repeats(const struct search *s, size_t component, size_t option)
{
    const struct design_component *item = &s->p->components[component];
    const struct design_option *own = &item->options.items[option];
    return own->fit >= 2 || (option > 0 && own[-1].site == own->site) ||
           (option + 1 < item->options.count && own[1].site == own->site);
}
/* The least of `instances` that serve all kids of the set between them: some serve a group of them
 * each, the others come again. */
double design_search_share_out(const double group[SEARCH_GROUPS], double again, size_t instances,
                               unsigned set);

/* search_order.c */
void design_search_order(struct search *s);
void design_search_list_kids(struct search *s); /* once the order stands */
/* By the dead ends so far; parents stay as they are. */
void design_search_reorder(struct search *s);

/* search_lists.c */
bool design_search_lists_new(struct search *s); /* false: some component has nowhere to go */
/* The list of `to` under the sites now taken by `from`: the next version.  False: dead. */
bool design_search_lists_narrow(struct search *s, size_t from, size_t to);
/* Where a flow to that site comes from, given the sites of `from`; index into them. */
size_t design_search_nearest(const struct search *s, size_t from, uint32_t site,
                             double *ret_latency);

#endif
