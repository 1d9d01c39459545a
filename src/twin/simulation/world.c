/* world.c - network and scenario by numbers; every name is looked up once, here.
 *
 * Contract: what simulation_world_new lets pass can be simulated: names exist, no queue of calls
 * feeds itself without end, sizes are within the limits below.  Paths in errors are those of the
 * scenario.  O(n log n) of network and scenario, and the trees of ways when they are asked for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "twin/simulation/simulation_priv.h"

#define NODES_MOST 10000000
#define INSTANCES_MOST 1000000
#define TREES_MOST 50000000.0 /* sources × nodes: 20 bytes each */
#define REQUESTS_MOST 5e6
#define ROUNDS_MOST 100000 /* of the traffic equations: calls that fade more slowly are refused */

#define VISITS_MOST 1000 /* of services, for one request */

#define BITS_TO_KB 8.0 /* a Mbit/s carries 1000/8 thousand bytes a second */

/* Numbers of names, kept as number + 1 so that NULL is "not there". */
static void name_put(struct map *names, const char *name, int32_t number)
{
    map_put(names, name, (void *)((intptr_t)number + 1));
}

static int32_t name_find(const struct map *names, const char *name)
{
    return name ? (int32_t)((intptr_t)map_find(names, name) - 1) : -1;
}

enum err_code simulation_look_up(const struct map *names, const char *name, const char *what,
                                 const char *path, int32_t *out, struct err *err)
{
    *out = name_find(names, name);
    if (*out >= 0)
        return ERR_OK;
    err_set(err, ERR_INVALID, "there is no %s '%s'", what, name);
    return err_field(err, "%s", path);
}

static bool has_sizes(const struct simulation_scenario *scenario)
{
    bool found = false;
    for (size_t i = 0; i < scenario->flows.count; i++) {
        const struct simulation_flow *flow = &scenario->flows.items[i];
        found |= flow->request_kb > 0 || flow->reply_kb > 0;
        for (size_t k = 0; k < flow->tasks.count && !found; k++)
            found = flow->tasks.items[k].request_kb > 0 || flow->tasks.items[k].reply_kb > 0;
    }
    for (size_t i = 0; i < scenario->services.count; i++)
        for (size_t k = 0; k < scenario->services.items[i].calls.count; k++)
            found |= scenario->services.items[i].calls.items[k].request_kb > 0 ||
                     scenario->services.items[i].calls.items[k].reply_kb > 0;
    return found;
}

static enum err_code read_links(struct sim_world *world, const struct map *nodes, struct err *err)
{
    const struct network *network = world->network;
    bool sized = has_sizes(world->scenario), unknown = false, unlimited = false;
    for (size_t i = 0; i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        int32_t a = name_find(nodes, link->a), b = name_find(nodes, link->b);
        if (a < 0 || b < 0)
            return err_set(err, ERR_INVALID, "link %s—%s has an end that is not there", link->a,
                           link->b);
        double mbps = link->bandwidth_mbps.value - link->used_mbps.value;
        if (sized && link->bandwidth_mbps.set && mbps <= 0) {
            err_set(err, ERR_INVALID, "link %s—%s has no bandwidth left", link->a, link->b);
            return err_hint(err, "used_mbps is all of its bandwidth_mbps");
        }
        struct sim_edge edge = {.to = b,
                                .latency_s = link->latency_ms.value / 1000,
                                .kb_per_s = link->bandwidth_mbps.set ? mbps * 1000 / BITS_TO_KB : 0,
                                .loss = link->loss_percent.value / 100};
        unknown |= !link->latency_ms.set;
        unlimited |= sized && !link->bandwidth_mbps.set;
        world->edge[2 * i] = edge;
        edge.to = a;
        world->edge[2 * i + 1] = edge;
        world->first[a + 1]++;
        world->first[b + 1]++;
    }
    if (unknown)
        *LIST_ADD(world->arena, &world->assumptions) =
            "links without a latency in the network take no time";
    if (unlimited)
        *LIST_ADD(world->arena, &world->assumptions) =
            "links without a bandwidth in the network carry any amount";
    for (int32_t n = 0; n < world->nodes; n++)
        world->first[n + 1] += world->first[n];
    int32_t *next =
        arena_memdup(world->arena, world->first, ((size_t)world->nodes + 1) * sizeof *world->first);
    for (int32_t e = 0; e < world->edges; e++)
        world->out[next[world->edge[e ^ 1].to]++] = e;
    return ERR_OK;
}

static enum err_code read_network(struct sim_world *world, struct map *nodes, struct err *err)
{
    const struct network *network = world->network;
    struct arena *arena = world->arena;
    if (network->sites.count + network->access.count > NODES_MOST ||
        network->links.count > NODES_MOST)
        return err_set(err, ERR_TOO_LARGE, "the network has more than %d places or links",
                       NODES_MOST);
    for (size_t i = 0; i < network->sites.count; i++)
        name_put(nodes, network->sites.items[i].id, world->nodes++);
    for (size_t i = 0; i < network->access.count; i++)
        name_put(nodes, network->access.items[i].id, world->nodes++);
    world->edges = (int32_t)network->links.count * 2;
    size_t n = (size_t)world->nodes, e = (size_t)world->edges;
    world->edge = arena_array(arena, e + 1, sizeof *world->edge);
    world->out = arena_array(arena, e + 1, sizeof *world->out);
    world->first = arena_array(arena, n + 1, sizeof *world->first);
    world->node_down = arena_array(arena, n + 1, sizeof *world->node_down);
    world->node_known = arena_array(arena, n + 1, sizeof *world->node_known);
    world->node_slow = arena_array(arena, n + 1, sizeof *world->node_slow);
    world->link_down = arena_array(arena, e / 2 + 1, sizeof *world->link_down);
    world->link_known = arena_array(arena, e / 2 + 1, sizeof *world->link_known);
    world->link_slow = arena_array(arena, e / 2 + 1, sizeof *world->link_slow);
    world->trees = arena_array(arena, n + 1, sizeof(struct sim_tree *));
    world->heap_key = arena_array(arena, e + 1, sizeof *world->heap_key);
    world->heap_node = arena_array(arena, e + 1, sizeof *world->heap_node);
    return read_links(world, nodes, err);
}

static enum err_code read_calls(struct sim_world *world, size_t number, const struct map *services,
                                struct err *err)
{
    const struct simulation_service *given = &world->scenario->services.items[number];
    struct sim_call *calls = arena_array(world->arena, given->calls.count, sizeof *calls);
    for (size_t k = 0; k < given->calls.count; k++) {
        const struct simulation_call *call = &given->calls.items[k];
        const char *path = arena_printf(world->arena, "services[%zu].calls[%zu].to", number, k);
        enum err_code rc =
            simulation_look_up(services, call->to, "service", path, &calls[k].service, err);
        if (rc)
            return rc;
        calls[k].probability = call->probability.set ? call->probability.value : 1;
        calls[k].request_kb = call->request_kb;
        calls[k].reply_kb = call->reply_kb;
    }
    world->services[number].calls = calls;
    world->services[number].call_count = (int32_t)given->calls.count;
    return ERR_OK;
}

static enum err_code read_service(struct sim_world *world, size_t number, const struct map *nodes,
                                  struct err *err)
{
    const struct simulation_service *given = &world->scenario->services.items[number];
    struct sim_service *service = &world->services[number];
    const char *lack = !given->service_ms.set ? "service_ms" : !given->sites.count ? "sites" : NULL;
    if (lack) {
        err_set(err, ERR_INVALID, "service '%s' has no %s", given->name, lack);
        err_field(err, "services[%zu].%s", number, lack);
        return err_hint(err, given->service_ms.set
                                 ? "name its sites, or give a solution that places it"
                                 : "the mean work of one request must be known");
    }
    if (!given->slots.set)
        *LIST_ADD(world->arena, &world->assumptions) = arena_printf(
            world->arena, "an instance of %s works on one request at a time", given->name);
    *service = (struct sim_service){.first = world->instances,
                                    .count = (int32_t)given->sites.count,
                                    .slots = given->slots.set ? given->slots.value : 1,
                                    .mean_s = given->service_ms.value / 1000,
                                    .cv = given->service_cv.set ? given->service_cv.value : 1,
                                    .standby = given->mode == SIMULATION_STANDBY};
    for (size_t k = 0; k < given->sites.count; k++) {
        const char *path = arena_printf(world->arena, "services[%zu].sites[%zu]", number, k);
        enum err_code rc = simulation_look_up(nodes, given->sites.items[k], "site", path,
                                              &world->instance_node[world->instances], err);
        if (rc)
            return rc;
        world->instance_service[world->instances++] = (int32_t)number;
    }
    return ERR_OK;
}

/* Visits of services by one request for each: they must add up to something. */
static enum err_code check_calls(const struct sim_world *world, struct err *err)
{
    size_t n = world->scenario->services.count;
    double *now = arena_array(world->arena, n, sizeof *now);
    double *next = arena_array(world->arena, n, sizeof *next);
    double sum = (double)n, total = 0;
    for (size_t i = 0; i < n; i++)
        now[i] = 1;
    for (int round_ = 0; round_ < ROUNDS_MOST && sum > 1e-12 && total < VISITS_MOST * (double)n;
         round_++) {
        sum = 0;
        memset(next, 0, n * sizeof *next);
        for (size_t i = 0; i < n; i++)
            for (int32_t c = 0; c < world->services[i].call_count; c++) {
                const struct sim_call *call = &world->services[i].calls[c];
                next[call->service] += now[i] * call->probability;
                sum += now[i] * call->probability;
            }
        total += sum;
        double *swap = now;
        now = next;
        next = swap;
    }
    if (sum <= 1e-12)
        return ERR_OK;
    err_set(err, ERR_INVALID, "calls between services never end, or are more than %d a request",
            VISITS_MOST);
    err_field(err, "services");
    return err_hint(err, "calls in a circle need probabilities whose product is well below 1");
}

static enum err_code read_services(struct sim_world *world, const struct map *nodes,
                                   struct map *names, struct err *err)
{
    const struct simulation_scenario *scenario = world->scenario;
    size_t count = 0;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < scenario->services.count; i++) {
        if (map_has(names, scenario->services.items[i].name)) {
            err_set(err, ERR_INVALID, "two services are named '%s'",
                    scenario->services.items[i].name);
            return err_field(err, "services[%zu].name", i);
        }
        name_put(names, scenario->services.items[i].name, (int32_t)i);
        count += scenario->services.items[i].sites.count;
    }
    if (count > INSTANCES_MOST)
        return err_set(err, ERR_TOO_LARGE, "there are more than %d instances", INSTANCES_MOST);
    world->services = arena_array(world->arena, scenario->services.count, sizeof *world->services);
    world->instance_node = arena_array(world->arena, count, sizeof *world->instance_node);
    world->instance_service = arena_array(world->arena, count, sizeof *world->instance_service);
    world->instance_served = arena_array(world->arena, count, sizeof *world->instance_served);
    for (size_t i = 0; i < scenario->services.count && !rc; i++)
        if (!(rc = read_service(world, i, nodes, err)))
            rc = read_calls(world, i, names, err);
    return rc ? rc : check_calls(world, err);
}

static int by_at(const void *a, const void *b)
{
    const struct sim_task *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : x->number - y->number;
}

/* The first instance of the service at each node. */
static int32_t *places_of(const struct sim_world *world, const struct sim_service *service)
{
    int32_t *place = arena_array(world->arena, (size_t)world->nodes, sizeof *place);
    for (int32_t n = 0; n < world->nodes; n++)
        place[n] = -1;
    for (int32_t i = service->first + service->count; i-- > service->first;)
        place[world->instance_node[i]] = i;
    return place;
}

static enum err_code read_tasks(struct sim_world *world, size_t number, const struct map *nodes,
                                struct err *err)
{
    const struct simulation_flow *flow = &world->scenario->flows.items[number];
    struct sim_task *tasks = arena_array(world->arena, flow->tasks.count, sizeof *tasks);
    const int32_t *place = places_of(world, &world->services[world->flow_to[number]]);
    for (size_t k = 0; k < flow->tasks.count; k++) {
        const struct simulation_task *task = &flow->tasks.items[k];
        int32_t node = task->site ? name_find(nodes, task->site) : -1;
        tasks[k] = (struct sim_task){.at = task->at_s,
                                     .work_s = task->work_ms.set ? task->work_ms.value / 1000 : -1,
                                     .request_kb = task->request_kb,
                                     .reply_kb = task->reply_kb,
                                     .instance = node < 0 ? -1 : place[node],
                                     .number = (int32_t)k};
        if (task->site && tasks[k].instance < 0) {
            err_set(err, ERR_INVALID, "no instance of '%s' is at '%s'", flow->to, task->site);
            return err_field(err, "flows[%zu].tasks[%zu].site", number, k);
        }
        if (task->at_s >= world->scenario->duration_s) {
            err_set(err, ERR_INVALID, "it is made after the end of the simulation");
            return err_field(err, "flows[%zu].tasks[%zu].at_s", number, k);
        }
    }
    qsort(tasks, flow->tasks.count, sizeof *tasks, by_at);
    world->flow_tasks[number] = tasks;
    world->flow_rate[number] = (double)flow->tasks.count / world->scenario->duration_s;
    return ERR_OK;
}

static enum err_code read_flows(struct sim_world *world, const struct map *nodes,
                                const struct map *services, struct map *names, struct err *err)
{
    const struct simulation_scenario *scenario = world->scenario;
    size_t count = scenario->flows.count;
    enum err_code rc = ERR_OK;
    if (!count) {
        err_set(err, ERR_INVALID, "nobody asks for anything");
        return err_field(err, "flows");
    }
    world->flow_from = arena_array(world->arena, count, sizeof *world->flow_from);
    world->flow_to = arena_array(world->arena, count, sizeof *world->flow_to);
    world->flow_tasks = arena_array(world->arena, count, sizeof *world->flow_tasks);
    world->flow_rate = arena_array(world->arena, count, sizeof *world->flow_rate);
    world->flow_grow = arena_array(world->arena, count, sizeof *world->flow_grow);
    for (size_t i = 0; i < count && !rc; i++) {
        const struct simulation_flow *flow = &scenario->flows.items[i];
        const char *path = arena_printf(world->arena, "flows[%zu]", i);
        if (map_has(names, flow->name)) {
            err_set(err, ERR_INVALID, "two flows are named '%s'", flow->name);
            return err_field(err, "%s.name", path);
        }
        name_put(names, flow->name, (int32_t)i);
        if (!(rc = simulation_look_up(nodes, flow->from, "place",
                                      arena_printf(world->arena, "%s.from", path),
                                      &world->flow_from[i], err)))
            rc = simulation_look_up(services, flow->to, "service",
                                    arena_printf(world->arena, "%s.to", path), &world->flow_to[i],
                                    err);
        world->flow_rate[i] = flow->rate_per_s;
        if (!rc && flow->tasks.count)
            rc = read_tasks(world, i, nodes, err);
    }
    return rc;
}

/* Bounds that only the whole scenario shows: requests, and ways to be remembered. */
static enum err_code check_size(const struct sim_world *world, struct err *err)
{
    const struct simulation_scenario *scenario = world->scenario;
    double requests = 0, sources = 0;
    for (size_t i = 0; i < scenario->flows.count; i++) {
        double rate = world->flow_rate[i];
        for (size_t k = 0; k < scenario->faults.count; k++)
            if (str_eq(scenario->faults.items[k].flow, scenario->flows.items[i].name))
                rate *= fmax(1, scenario->faults.items[k].factor.value);
        requests += rate * scenario->duration_s * (double)(1 + scenario->flows.items[i].retries);
        sources++;
    }
    if (!(requests <= REQUESTS_MOST)) {
        err_set(err, ERR_TOO_LARGE, "these may be more than %.0f requests and retries",
                REQUESTS_MOST);
        err_field(err, "duration_s");
        return err_hint(err, "a shorter time, lower rates or fewer retries");
    }
    for (size_t i = 0; i < scenario->services.count; i++)
        sources += world->services[i].call_count ? world->services[i].count : 0;
    if (sources * world->nodes > TREES_MOST)
        return err_set(err, ERR_TOO_LARGE, "ways from %.0f places through %d are too many", sources,
                       (int)world->nodes);
    return ERR_OK;
}

static enum err_code read_all(struct sim_world *world, struct err *err)
{
    CLEANUP(map_free_at) struct map *nodes = map_new();
    CLEANUP(map_free_at) struct map *services = map_new();
    CLEANUP(map_free_at) struct map *flows = map_new();
    enum err_code rc;
    if ((rc = read_network(world, nodes, err)) ||
        (rc = read_services(world, nodes, services, err)) ||
        (rc = read_flows(world, nodes, services, flows, err)) ||
        (rc = simulation_read_faults(world, nodes, flows, err)))
        return rc;
    return check_size(world, err);
}

enum err_code simulation_world_new(const struct network *network,
                                   const struct simulation_scenario *scenario,
                                   struct sim_world **out, struct arena *arena, struct err *err)
{
    struct sim_world *world = arena_zalloc(arena, sizeof *world);
    world->network = network;
    world->scenario = scenario;
    world->arena = arena;
    if (scenario->warmup_s >= scenario->duration_s) {
        err_set(err, ERR_INVALID, "the warm-up is as long as all of the simulation");
        return err_field(err, "warmup_s");
    }
    enum err_code rc = read_all(world, err);
    if (rc)
        return rc;
    simulation_world_reset(world);
    *out = world;
    return ERR_OK;
}

void simulation_world_reset(struct sim_world *world)
{
    size_t nodes = (size_t)world->nodes, links = (size_t)world->edges / 2;
    memset(world->node_down, 0, nodes * sizeof *world->node_down);
    memset(world->node_known, 0, nodes * sizeof *world->node_known);
    memset(world->link_down, 0, links * sizeof *world->link_down);
    memset(world->link_known, 0, links * sizeof *world->link_known);
    for (size_t i = 0; i < nodes; i++)
        world->node_slow[i] = 1;
    for (size_t i = 0; i < links; i++)
        world->link_slow[i] = 1;
    for (size_t i = 0; i < world->scenario->flows.count; i++)
        world->flow_grow[i] = 1;
    world->epoch++;
}

void simulation_world_apply(struct sim_world *world, const struct sim_change *change)
{
    int32_t step = change->begins ? 1 : -1;
    if (change->fault->kind == SIMULATION_FAIL) {
        if (change->node >= 0)
            (change->notice ? world->node_known : world->node_down)[change->node] += step;
        else
            (change->notice ? world->link_known : world->link_down)[change->link] += step;
        world->epoch += change->notice;
        return;
    }
    double factor = change->begins ? change->fault->factor.value : 1 / change->fault->factor.value;
    double *at = change->flow >= 0   ? &world->flow_grow[change->flow]
                 : change->node >= 0 ? &world->node_slow[change->node]
                                     : &world->link_slow[change->link];
    *at *= factor;
    if (!change->begins && fabs(*at - 1) < 1e-9)
        *at = 1; /* what rounding left */
}
