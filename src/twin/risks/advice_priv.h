/* advice_priv.h - what advice.c and its parts share. */
#ifndef SWAN_TWIN_RISKS_ADVICE_PRIV_H
#define SWAN_TWIN_RISKS_ADVICE_PRIV_H

#include "intelligent/evaluation/evaluation.h"
#include "twin/risks/services_priv.h"

struct risks_advisor { /* the network as it is, and what is tried on it */
    const struct risks_input *input;
    struct risks_answer *answer;
    struct arena *arena; /* of the answer */
    struct risks_work work;
    struct risks_answer scratch; /* findings of tries go here */
    struct risks_services services;
    struct risks_outcome *outcome; /* with the danger's elements gone */
    size_t breaks;                 /* before anything is changed */
    double (*place)[3];            /* by node: on the unit sphere; NaN = unknown */
    uint32_t *label, *queue;       /* scratch by node */
    struct risks_rest rest, back;
    struct evaluation_model *model; /* NULL without a requirement */
    size_t base_violations;
    double base_cost;
    uint64_t budget;                      /* nodes and links that tries may still build */
    const struct risks_danger *danger;    /* in hand */
    const struct risks_component *target; /* that has to be reached again */
    uint32_t *gone;                       /* elements of the danger in hand, groups spread */
    size_t gone_count;
};

/* With this solution on this network: without the danger's elements the services of `target` hold
 * that the danger breaks, nothing is broken that was not, and no more breaks than before.  Sets
 * breaks and mended of the advice.  false: not so, or the try could not be made. */
bool risks_advice_try(struct risks_advisor *advisor, const struct network *network,
                      const struct solution *solution, struct risks_advice *advice);
/* Whether the danger in hand breaks the service of that number, of the solution as it is. */
bool risks_advice_breaks(const struct risks_advisor *advisor, size_t service);
/* Links that join what the danger parts. */
void risks_advise_links(struct risks_advisor *advisor, struct risks_danger *danger);
/* A link that gives a broken service another way. */
void risks_advise_way(struct risks_advisor *advisor, struct risks_danger *danger);
/* An instance elsewhere, or one more. */
void risks_advise_instances(struct risks_advisor *advisor, struct risks_danger *danger);
double risks_advice_km(const struct risks_advisor *advisor, uint32_t a, uint32_t b); /* NaN */
const char *risks_advice_name(const struct risks_advisor *advisor, uint32_t node);

#endif
