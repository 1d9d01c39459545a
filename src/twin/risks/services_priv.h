/* services_priv.h - what is placed on a network, and how it fares when elements fail. */
#ifndef SWAN_TWIN_RISKS_SERVICES_PRIV_H
#define SWAN_TWIN_RISKS_SERVICES_PRIV_H

#include "twin/risks/risks_priv.h"

struct risks_component {
    const char *name;
    LIST(uint32_t) sites; /* an entry an instance */
    bool reached;         /* by a flow */
};

struct risks_origin { /* where traffic starts: one node of users, or the sites of a component */
    int64_t component;
    uint32_t node;
    struct risks_forest forest;
};

struct risks_route {
    size_t service, origin;
    uint32_t to;
    double bandwidth;
    struct risks_way way; /* after the last risks_services_fail, with its steps in services.steps */
    size_t step, steps;
};

struct risks_outcome {
    enum risks_reason reason; /* 0 = holds */
    struct opt_double observed, required;
    const char *unit;
    uint32_t link;  /* the congested one */
    uint32_t blind; /* a link whose unknown figure decides; RISKS_NONE = none does */
};

struct risks_service {
    const char *name;
    struct risks_component *to;
    struct opt_double bound_ms;
    size_t first_route, routes; /* 0 routes: a component alone */
};

struct risks_services {
    struct risks_work *work;
    const struct risks_graph *graph;
    LIST(struct risks_component) components;
    LIST(struct risks_origin) origins;
    LIST(struct risks_service) services;
    LIST(struct risks_route) routes;
    struct risks_outcome *base;
    struct risks_detour detour;
    struct {
        struct risks_step *items;
        size_t count, room;
    } steps;
    double *load;    /* by link */
    uint32_t *dirty; /* links with a load */
    size_t dirty_count;
    uint32_t *seen, epoch; /* by element: in use in this epoch */
};

/* ERR_INVALID: the solution names what the network or its placements do not hold. */
enum err_code risks_services_init(struct risks_services *s, struct risks_work *work,
                                  const struct solution *solution, struct err *err);
void risks_services_done(struct risks_services *s);
/* How each service fares without the elements, which are then in work->gone. */
void risks_services_fail(struct risks_services *s, const uint32_t *elements, size_t count,
                         struct risks_outcome *out);
/* Instances that stand after the last risks_services_fail. */
int64_t risks_services_left(const struct risks_services *s,
                            const struct risks_component *component);

/* failures.c: services that break, summed over the failures of all single elements and declared
 * groups. */
size_t risks_services_breaks(struct risks_services *s);

#endif
