/* measure_priv.h - the state of one measuring (measure.c, measure_models.c). */
#ifndef SWAN_EVALUATION_MEASURE_PRIV_H
#define SWAN_EVALUATION_MEASURE_PRIV_H

#include "intelligent/evaluation/evaluation_priv.h"

struct seat {    /* one instance */
    size_t site; /* SIZE_MAX: not placed */
    size_t placement;
    int accelerator; /* index into the site's accelerators; -1 none */
};

struct where { /* one component */
    struct seat *seats;
    size_t count;
    size_t *sites; /* distinct */
    size_t site_count;
};

struct use { /* of one site */
    size_t site;
    double vcpus, memory_gib, disk_gib;
    int64_t *accelerators; /* by index into the site's, taken by this solution */
};

struct measure {
    struct evaluation_model *model;
    struct solution *solution;
    struct evaluation_checks *checks;
    struct arena *arena;
    struct where *where;
    LIST(struct use) uses;
    uint32_t *use_of; /* site → index + 1 */
    double *load;     /* link → Mbit/s of this solution */
    size_t *links;    /* room for one path */
    double latency;
    bool latency_known;
};

static inline const struct requirement_component *component_at(const struct measure *m, size_t c)
{
    return &m->model->requirement->components.items[c];
}

static inline const struct site *site_at(const struct measure *m, size_t s)
{
    return &m->model->network->sites.items[s];
}

/* As evaluation_check_add: NULL when it is a pass that nobody keeps.  A margin of NaN is none. */
struct feasibility_check *evaluation_measure_claim(struct measure *m, int dimension,
                                                   const char *code, const char *subject,
                                                   int verdict, const char *required,
                                                   const char *observed, const char *unit,
                                                   double margin);
/* Gives each instance on the site that asks for an accelerator its model. */
void evaluation_settle_models(struct measure *m, struct use *use);

#endif
