/* availability.c - how often flows can be served when sites are up as often as the network says.
 *
 * Contract: sites are independent.  Samples are drawn from the seed, with Wilson's interval (1927);
 * with few sites that can be down, all their states are gone through instead of guessed, which is
 * the closed form.  O((samples + 2^sites) × ways). */
#include <math.h>
#include <string.h>

#include "twin/simulation/simulation_priv.h"

#define EXACT_SITES 12 /* 4096 states */
#define SAMPLES_MOST 10000000
#define Z95 1.959963984540054

static const struct json_field availability_fields[] = {
    JSON_FIELD("flow", JSON_STRING, struct simulation_availability, flow, 0, "name"),
    JSON_FIELD("samples", JSON_INT, struct simulation_availability, samples, 0, "states drawn"),
    JSON_FIELD("share", JSON_DOUBLE, struct simulation_availability, share, 0,
               "of the samples in which the flow can be served"),
    JSON_FIELD("low", JSON_DOUBLE, struct simulation_availability, low, 0,
               "lower end of the 95 % interval"),
    JSON_FIELD("high", JSON_DOUBLE, struct simulation_availability, high, 0, "its upper end"),
    JSON_FIELD("exact", JSON_OPT_DOUBLE, struct simulation_availability, exact, 0,
               "over all states, where they are few"),
};
static const struct json_table availability_table =
    JSON_TABLE("SimulationAvailability", struct simulation_availability, availability_fields,
               "how often a flow can be served", NULL);
static const struct json_field answer_fields[] = {
    JSON_FIELD_TABLE("flows", JSON_ARRAY, struct simulation_availabilities, flows, JSON_KEEP,
                     &availability_table, "by flow"),
    JSON_FIELD("assumptions", JSON_STRINGS, struct simulation_availabilities, assumptions,
               JSON_KEEP, "what was assumed where nothing is said"),
};
const struct json_table simulation_availabilities_table =
    JSON_TABLE("SimulationAvailabilities", struct simulation_availabilities, answer_fields,
               "how often flows can be served", NULL);

struct doubtful { /* sites that can be down */
    int32_t *nodes;
    double *up;
    size_t count;
};

static struct doubtful list_doubtful(struct sim_world *world)
{
    const struct network *network = world->network;
    struct doubtful sites = {.nodes =
                                 arena_array(world->arena, network->sites.count, sizeof(int32_t)),
                             .up = arena_array(world->arena, network->sites.count, sizeof(double))};
    bool unknown = false;
    for (size_t i = 0; i < network->sites.count; i++) {
        struct opt_double percent = network->sites.items[i].availability_percent;
        unknown |= !percent.set;
        if (!percent.set || percent.value >= 100)
            continue;
        sites.nodes[sites.count] = (int32_t)i; /* sites are the first nodes */
        sites.up[sites.count++] = percent.value / 100;
    }
    if (unknown)
        *LIST_ADD(world->arena, &world->assumptions) =
            "sites without an availability in the network never fail";
    *LIST_ADD(world->arena, &world->assumptions) =
        "sites fail independently; links never fail; what is down is known at once";
    return sites;
}

static void set_node(struct sim_world *world, int32_t node, bool up)
{
    world->node_down[node] = world->node_known[node] = !up;
}

static enum err_code sample(struct sim_world *world, const struct doubtful *sites, uint64_t seed,
                            int64_t samples, int64_t *served, struct err *err)
{
    struct rand rand;
    enum err_code rc = ERR_OK;
    rand_init(&rand, seed);
    for (int64_t i = 0; i < samples && !rc; i++) {
        for (size_t k = 0; k < sites->count; k++)
            set_node(world, sites->nodes[k], rand_unit(&rand) < sites->up[k]);
        world->epoch++;
        for (size_t f = 0; f < world->scenario->flows.count; f++)
            served[f] += simulation_served(world, f);
        rc = arena_check(world->arena, err);
    }
    return rc;
}

static void enumerate(struct sim_world *world, const struct doubtful *sites,
                      struct simulation_availabilities *out)
{
    for (size_t f = 0; f < out->flows.count; f++)
        out->flows.items[f].exact.set = true;
    for (size_t state = 0; state < (size_t)1 << sites->count; state++) {
        double chance = 1;
        for (size_t k = 0; k < sites->count; k++) {
            bool up = state >> k & 1;
            chance *= up ? sites->up[k] : 1 - sites->up[k];
            set_node(world, sites->nodes[k], up);
        }
        world->epoch++;
        for (size_t f = 0; f < out->flows.count; f++)
            if (simulation_served(world, f))
                out->flows.items[f].exact.value += chance;
    }
}

static struct simulation_availability estimate(const char *flow, int64_t served, int64_t samples)
{
    double n = (double)samples, share = (double)served / n, z2 = Z95 * Z95;
    double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    double half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n);
    return (struct simulation_availability){.flow = flow,
                                            .samples = samples,
                                            .share = share,
                                            .low = fmax(0, middle - half),
                                            .high = fmin(1, middle + half)};
}

enum err_code simulation_availability(const struct network *network,
                                      const struct simulation_scenario *scenario, uint64_t seed,
                                      int64_t samples, struct simulation_availabilities *out,
                                      struct arena *arena, struct err *err)
{
    struct sim_world *world;
    struct simulation_availabilities answer = {0};
    if (samples < 1 || samples > SAMPLES_MOST)
        return err_set(err, ERR_INVALID, "samples are 1 to %d", SAMPLES_MOST);
    enum err_code rc = simulation_world_new(network, scenario, &world, arena, err);
    if (rc)
        return rc;
    struct doubtful sites = list_doubtful(world);
    int64_t *served = arena_array(arena, scenario->flows.count, sizeof *served);
    if ((rc = sample(world, &sites, seed, samples, served, err)))
        return rc;
    for (size_t f = 0; f < scenario->flows.count; f++)
        *LIST_ADD(arena, &answer.flows) =
            estimate(scenario->flows.items[f].name, served[f], samples);
    if (sites.count <= EXACT_SITES)
        enumerate(world, &sites, &answer);
    answer.assumptions.items = world->assumptions.items;
    answer.assumptions.count = world->assumptions.count;
    *out = answer;
    return ERR_OK;
}
