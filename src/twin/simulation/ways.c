/* ways.c - least-latency ways by what is known of the network (Dijkstra 1959, binary heap).
 *
 * Contract: among equal ways the first found stays, so ways depend on the order of the network file
 * alone.  A tree is made when a source is first asked for in an epoch: O(E log V); its memory is
 * used again in the next one.  Paths live as long as the world, so a message under way keeps its
 * own when what is known changes. */
#include <math.h>
#include <string.h>

#include "twin/simulation/simulation_priv.h"

static bool known_good(const struct sim_world *world, int32_t edge)
{
    return !world->link_known[edge / 2] && !world->node_known[world->edge[edge].to] &&
           !world->node_known[world->edge[edge ^ 1].to];
}

bool simulation_edge_works(const struct sim_world *world, int32_t edge)
{
    return !world->link_down[edge / 2] && !world->node_down[world->edge[edge].to] &&
           !world->node_down[world->edge[edge ^ 1].to];
}

static void heap_push(struct sim_world *world, size_t *count, double key, int32_t node)
{
    size_t at = (*count)++;
    for (; at && key < world->heap_key[(at - 1) / 2]; at = (at - 1) / 2) {
        world->heap_key[at] = world->heap_key[(at - 1) / 2];
        world->heap_node[at] = world->heap_node[(at - 1) / 2];
    }
    world->heap_key[at] = key;
    world->heap_node[at] = node;
}

static int32_t heap_pop(struct sim_world *world, size_t *count, double *ret_key)
{
    int32_t top = world->heap_node[0];
    *ret_key = world->heap_key[0];
    double key = world->heap_key[--*count];
    int32_t node = world->heap_node[*count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < *count; at = child) {
        child += child + 1 < *count && world->heap_key[child + 1] < world->heap_key[child];
        if (key <= world->heap_key[child])
            break;
        world->heap_key[at] = world->heap_key[child];
        world->heap_node[at] = world->heap_node[child];
    }
    world->heap_key[at] = key;
    world->heap_node[at] = node;
    return top;
}

/* The heap holds at most one entry for each edge and the source. */
static void search(struct sim_world *world, int32_t source, struct sim_tree *tree)
{
    size_t count = 0;
    for (int32_t n = 0; n < world->nodes; n++)
        tree->distance[n] = INFINITY;
    memset(tree->paths, 0, (size_t)world->nodes * sizeof *tree->paths);
    if (world->node_known[source])
        return;
    tree->distance[source] = 0;
    heap_push(world, &count, 0, source);
    while (count) {
        double key;
        int32_t node = heap_pop(world, &count, &key);
        if (key > tree->distance[node])
            continue;
        for (int32_t i = world->first[node]; i < world->first[node + 1]; i++) {
            int32_t edge = world->out[i], to = world->edge[edge].to;
            double distance = key + world->edge[edge].latency_s;
            if (distance < tree->distance[to] && known_good(world, edge)) {
                tree->distance[to] = distance;
                tree->parent[to] = edge;
                heap_push(world, &count, distance, to);
            }
        }
    }
}

const struct sim_tree *simulation_tree(struct sim_world *world, int32_t source)
{
    struct sim_tree *tree = world->trees[source];
    if (!tree) {
        size_t nodes = (size_t)world->nodes;
        tree = world->trees[source] = arena_zalloc(world->arena, sizeof *tree);
        tree->distance = arena_array(world->arena, nodes, sizeof *tree->distance);
        tree->parent = arena_array(world->arena, nodes, sizeof *tree->parent);
        tree->paths = arena_array(world->arena, nodes, sizeof *tree->paths);
    }
    if (tree->epoch != world->epoch) {
        tree->epoch = world->epoch;
        search(world, source, tree);
    }
    return tree;
}

const struct sim_path *simulation_path(struct sim_world *world, int32_t source, int32_t target)
{
    const struct sim_tree *tree = simulation_tree(world, source);
    if (isinf(tree->distance[target]))
        return NULL;
    if (tree->paths[target])
        return tree->paths[target];
    int32_t count = 0;
    for (int32_t n = target; n != source; n = world->edge[tree->parent[n] ^ 1].to)
        count++;
    struct sim_path *path =
        arena_alloc(world->arena, sizeof *path + (size_t)count * sizeof path->edges[0]);
    path->epoch = world->epoch;
    path->count = count;
    for (int32_t n = target; n != source; n = world->edge[tree->parent[n] ^ 1].to)
        path->edges[--count] = tree->parent[n];
    tree->paths[target] = path;
    return path;
}

bool simulation_usable(struct sim_world *world, int32_t source, int32_t instance)
{
    return !isinf(simulation_tree(world, source)->distance[world->instance_node[instance]]);
}

int32_t simulation_first_usable(struct sim_world *world, const struct sim_service *service,
                                int32_t source)
{
    for (int32_t i = service->first; i < service->first + service->count; i++)
        if (simulation_usable(world, source, i))
            return i;
    return -1;
}

/* ---- whether a flow can be served ---- */

enum { UNSEEN, SERVED, BROKEN };

static bool service_served(struct sim_world *world, int32_t number, int32_t source);

/* A service that asks itself again, over others, is served if all else is. */
static bool calls_served(struct sim_world *world, int32_t instance)
{
    const struct sim_service *service = &world->services[world->instance_service[instance]];
    if (world->instance_served[instance] != UNSEEN)
        return world->instance_served[instance] == SERVED;
    world->instance_served[instance] = SERVED;
    for (int32_t c = 0; c < service->call_count; c++)
        if (service->calls[c].probability > 0 &&
            !service_served(world, service->calls[c].service, world->instance_node[instance])) {
            world->instance_served[instance] = BROKEN;
            return false;
        }
    return true;
}

static bool service_served(struct sim_world *world, int32_t number, int32_t source)
{
    const struct sim_service *service = &world->services[number];
    int32_t last = service->first + service->count;
    int32_t only = service->standby ? simulation_first_usable(world, service, source) : -1;
    for (int32_t i = service->first; i < last; i++) {
        const struct sim_path *path = NULL;
        if (service->standby ? i == only : simulation_usable(world, source, i))
            path = simulation_path(world, source, world->instance_node[i]);
        bool works = path && !world->node_down[world->instance_node[i]];
        for (int32_t k = 0; works && k < path->count; k++)
            works = simulation_edge_works(world, path->edges[k]);
        if (works && calls_served(world, i))
            return true;
    }
    return false;
}

bool simulation_served(struct sim_world *world, size_t flow)
{
    memset(world->instance_served, UNSEEN, (size_t)world->instances);
    return service_served(world, world->flow_to[flow], world->flow_from[flow]);
}
