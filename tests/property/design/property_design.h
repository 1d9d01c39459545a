/* property_design.h - random small needs, and an independent reading of the rules over them. */
#ifndef SWAN_TESTS_PROPERTY_DESIGN_H
#define SWAN_TESTS_PROPERTY_DESIGN_H

#include "base/rand.h"
#include "intelligent/design/design.h"

#define NAIVE_NODES 12
#define NAIVE_LINKS 40
#define NAIVE_INSTANCES 9

#define NAIVE_WISHES 4

struct wish {
    bool exclude;
    int component; /* -1 = any */
    int instance;  /* -1 = every */
    int site;
    char name[48]; /* as the engine's conflict set says it */
};
struct need {
    struct requirement requirement;
    struct network network;
    struct wish wishes[NAIVE_WISHES]; /* pins and exclusions */
    int wish_count;
};
void random_need(struct rand *rand, struct need *out, struct arena *arena);

/* Straight from the words of the contract: all simple paths, all accelerator models, no tricks. */
struct naive_path {
    bool reached;
    double latency, price;
    int links[NAIVE_NODES];
    int count;
};
struct naive {
    const struct requirement *requirement;
    const struct network *network;
    const struct wish *wishes;
    int wish_count;
    struct naive_path paths[NAIVE_NODES][NAIVE_NODES];
};
struct naive_figures {
    bool feasible;
    double cost, latency, reliability, green;
};
/* What a placement takes of sites and links, where several needs share them.  Accelerators are only
 * asked for: which models they get, and their price, is decided for all needs of a site at once. */
struct naive_usage {
    double vcpus[NAIVE_NODES], memory[NAIVE_NODES], disk[NAIVE_NODES];
    double load[NAIVE_LINKS];
    const struct requirement_accelerator *asked[NAIVE_NODES][NAIVE_INSTANCES];
    int asked_count[NAIVE_NODES];
};
void naive_init(struct naive *naive, const struct need *need);
/* sites[] by component and instance, in order; NAN cost when a price is unknown. */
void naive_figures(const struct naive *naive, const int *sites, struct naive_figures *out);
/* With a usage, accelerators are no part of cost and feasibility. */
void naive_measure(const struct naive *naive, const int *sites, struct naive_figures *out,
                   struct naive_usage *usage);
/* The least price of giving each its accelerators; INFINITY when there are not enough. */
double naive_accelerators(const struct site *site,
                          const struct requirement_accelerator *const *asked, int count);
/* The cheapest feasible placement over all; false when there is none. */
bool naive_cheapest(const struct naive *naive, struct naive_figures *out);
/* The need as input of the engine. */
struct design_input design_input_of(const struct need *need, struct arena *arena);
int naive_instances(const struct requirement *requirement, size_t component);

#endif
