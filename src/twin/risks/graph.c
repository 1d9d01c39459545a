/* graph.c - the network as a graph: nodes, links, what stands at each node.
 *
 * Contract: every link stands twice in `halves`, but one from a node to itself not at all; nothing
 * here changes after risks_graph_init. */
#include "twin/risks/risks_priv.h"

#include "base/str.h"

#define ELEMENTS_MOST (UINT32_MAX / 4)

static struct risks_amount amount_of(const struct site *site)
{
    struct risks_amount amount = {.sites = 1};
    amount.vcpus = site->capacity.vcpus.set ? site->capacity.vcpus.value : 0;
    amount.memory_gib = site->capacity.memory_gib.set ? site->capacity.memory_gib.value : 0;
    amount.unknown = !site->capacity.vcpus.set || !site->capacity.memory_gib.set;
    for (size_t i = 0; i < site->accelerators.count; i++)
        amount.accelerators += (double)site->accelerators.items[i].count;
    return amount;
}

void risks_amount_add(struct risks_amount *sum, const struct risks_amount *item)
{
    sum->sites += item->sites;
    sum->access += item->access;
    sum->vcpus += item->vcpus;
    sum->memory_gib += item->memory_gib;
    sum->accelerators += item->accelerators;
    sum->unknown += item->unknown;
}

/* What sums of fractions leave over nothing is nothing. */
static double difference(double a, double b)
{
    return a - b > 1e-9 * a ? a - b : 0;
}

void risks_amount_take(struct risks_amount *sum, const struct risks_amount *item)
{
    sum->sites -= item->sites;
    sum->access -= item->access;
    sum->vcpus = difference(sum->vcpus, item->vcpus);
    sum->memory_gib = difference(sum->memory_gib, item->memory_gib);
    sum->accelerators = difference(sum->accelerators, item->accelerators);
    sum->unknown -= item->unknown;
}

bool risks_amount_is_larger(const struct risks_amount *a, const struct risks_amount *b)
{
    if (a->sites != b->sites)
        return a->sites > b->sites;
    if (a->access != b->access)
        return a->access > b->access;
    if (a->vcpus != b->vcpus)
        return a->vcpus > b->vcpus;
    if (a->memory_gib != b->memory_gib)
        return a->memory_gib > b->memory_gib;
    if (a->accelerators != b->accelerators)
        return a->accelerators > b->accelerators;
    return a->unknown > b->unknown;
}

uint32_t risks_graph_find(const struct risks_graph *graph, const char *id)
{
    const void *found = id ? map_find(graph->by_name, id) : NULL;
    return found ? (uint32_t)((uintptr_t)found - 1) : RISKS_NONE;
}

static const char *node_id(const struct risks_graph *graph, uint32_t node)
{
    return node < graph->sites ? graph->network->sites.items[node].id
                               : graph->network->access.items[node - graph->sites].id;
}

struct risks_element risks_graph_element(const struct risks_graph *graph, uint32_t element,
                                         struct arena *arena)
{
    if (element < graph->nodes)
        return (struct risks_element){.kind = element < graph->sites ? "site" : "access",
                                      .id = node_id(graph, element)};
    size_t at = element - graph->nodes;
    if (at < graph->links) {
        const struct network_link *link = &graph->network->links.items[at];
        return (struct risks_element){.kind = "link",
                                      .id = arena_printf(arena, "%s—%s", link->a, link->b),
                                      .position = (uint32_t)at + 1};
    }
    const struct risks_group *group = &graph->groups[at - graph->links];
    return (struct risks_element){
        .kind = "group", .id = group->id, .basis = group->basis, .members = (uint32_t)group->count};
}

static enum err_code name_nodes(struct risks_graph *graph, struct err *err)
{
    for (size_t i = 0; i < graph->nodes; i++)
        if (map_put(graph->by_name, node_id(graph, (uint32_t)i), (void *)(uintptr_t)(i + 1)))
            return err_set(err, ERR_INVALID, "the name '%s' is there twice",
                           node_id(graph, (uint32_t)i));
    for (size_t i = 0; i < graph->links; i++) {
        const struct network_link *link = &graph->network->links.items[i];
        graph->link_a[i] = risks_graph_find(graph, link->a);
        graph->link_b[i] = risks_graph_find(graph, link->b);
        if (graph->link_a[i] == RISKS_NONE || graph->link_b[i] == RISKS_NONE)
            return err_set(err, ERR_INVALID, "link %s—%s ends at nothing", link->a, link->b);
    }
    return ERR_OK;
}

static void join(struct risks_graph *graph, struct arena *arena)
{
    for (size_t i = 0; i < graph->links; i++) {
        if (graph->link_a[i] == graph->link_b[i])
            continue;
        graph->first[graph->link_a[i] + 1]++;
        graph->first[graph->link_b[i] + 1]++;
    }
    for (size_t i = 0; i < graph->nodes; i++)
        graph->first[i + 1] += graph->first[i];
    graph->halves = arena_array(arena, 2 * graph->links + 1, sizeof *graph->halves);
    uint32_t *at = mem_array(graph->nodes + 1, sizeof *at);
    for (size_t i = 0; i < graph->nodes; i++)
        at[i] = graph->first[i];
    for (uint32_t i = 0; i < graph->links; i++) {
        uint32_t a = graph->link_a[i], b = graph->link_b[i];
        if (a == b)
            continue;
        graph->halves[at[a]++] = (struct risks_half){b, i};
        graph->halves[at[b]++] = (struct risks_half){a, i};
    }
    mem_free(at);
}

enum err_code risks_graph_init(struct risks_graph *graph, const struct network *network,
                               struct arena *arena, struct err *err)
{
    *graph = (struct risks_graph){.network = network,
                                  .sites = network->sites.count,
                                  .nodes = network->sites.count + network->access.count,
                                  .links = network->links.count};
    if (graph->nodes + graph->links >= ELEMENTS_MOST)
        return err_set(err, ERR_TOO_LARGE, "a network of %zu nodes and %zu links is too large",
                       graph->nodes, graph->links);
    graph->by_name = map_new();
    graph->link_a = arena_array(arena, graph->links + 1, sizeof *graph->link_a);
    graph->link_b = arena_array(arena, graph->links + 1, sizeof *graph->link_b);
    graph->first = arena_array(arena, graph->nodes + 2, sizeof *graph->first);
    graph->amount = arena_array(arena, graph->nodes + 1, sizeof *graph->amount);
    enum err_code rc = name_nodes(graph, err);
    if (rc) {
        risks_graph_done(graph);
        return rc;
    }
    for (size_t i = 0; i < graph->nodes; i++)
        graph->amount[i] = i < graph->sites ? amount_of(&network->sites.items[i])
                                            : (struct risks_amount){.access = 1};
    join(graph, arena);
    return ERR_OK;
}

void risks_graph_done(struct risks_graph *graph)
{
    map_free(graph->by_name);
    graph->by_name = NULL;
}
