/* paths.c - who is near whom.
 *
 * Least-latency paths (Dijkstra).  A look for the nearest few takes an arc of a node only after the
 * one before it was used, so a hub with thousands of links costs no more than a small one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "lean/cache/place_priv.h"

static int by_latency(const void *a, const void *b)
{
    const struct cache_arc *x = a, *y = b;
    if (x->latency_ms != y->latency_ms)
        return x->latency_ms < y->latency_ms ? -1 : 1;
    if (x->mbps != y->mbps)
        return x->mbps > y->mbps ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static size_t place_of(const struct map *names, const char *name)
{
    return (size_t)(uintptr_t)map_find(names, name) - 1;
}

static float free_mbps(const struct network_link *link)
{
    double used = link->used_mbps.set ? link->used_mbps.value : 0;
    if (!link->latency_ms.set || !link->bandwidth_mbps.set)
        return 0;
    return (float)fmax(0, link->bandwidth_mbps.value - used);
}

void cache_graph_make(const struct network *network, double round_trips, struct cache_graph *out)
{
    size_t sites = network->sites.count, nodes = sites + network->access.count;
    CLEANUP(map_free_at) struct map *names = map_new();
    for (size_t i = 0; i < sites; i++)
        map_put(names, network->sites.items[i].id, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < network->access.count; i++)
        map_put(names, network->access.items[i].id, (void *)(uintptr_t)(sites + i + 1));
    out->sites = sites;
    out->nodes = nodes;
    out->round_trips = round_trips;
    out->links_left_out = 0;
    out->begin = mem_array(nodes + 2, sizeof *out->begin);
    out->arcs = mem_array(2 * network->links.count + 1, sizeof *out->arcs);
    for (size_t e = 0; e < network->links.count; e++) {
        const struct network_link *link = &network->links.items[e];
        if (!(free_mbps(link) > 0)) {
            out->links_left_out++;
            continue;
        }
        out->begin[place_of(names, link->a) + 2]++;
        out->begin[place_of(names, link->b) + 2]++;
    }
    for (size_t i = 2; i < nodes + 2; i++)
        out->begin[i] += out->begin[i - 1];
    for (size_t e = 0; e < network->links.count; e++) {
        const struct network_link *link = &network->links.items[e];
        float mbps = free_mbps(link);
        if (!(mbps > 0))
            continue;
        size_t a = place_of(names, link->a), b = place_of(names, link->b);
        float latency = (float)link->latency_ms.value;
        out->arcs[out->begin[a + 1]++] = (struct cache_arc){(uint32_t)b, latency, mbps};
        out->arcs[out->begin[b + 1]++] = (struct cache_arc){(uint32_t)a, latency, mbps};
    }
    for (size_t i = 0; i < nodes; i++)
        qsort(out->arcs + out->begin[i], out->begin[i + 1] - out->begin[i], sizeof *out->arcs,
              by_latency);
}

void cache_graph_done(struct cache_graph *graph)
{
    mem_free(graph->begin);
    mem_free(graph->arcs);
}

struct step { /* the next arc of a node that was reached */
    float latency_ms, mbps;
    uint32_t node, arc;
};

struct steps {
    struct step *items;
    size_t count, room;
};

static void push(struct steps *h, struct step step)
{
    if (h->count == h->room) {
        h->room = h->room ? 2 * h->room : 64;
        h->items = mem_resize(h->items, h->room, sizeof *h->items);
    }
    size_t i = h->count++;
    for (; i && h->items[(i - 1) / 2].latency_ms > step.latency_ms; i = (i - 1) / 2)
        h->items[i] = h->items[(i - 1) / 2];
    h->items[i] = step;
}

static struct step pop(struct steps *h)
{
    struct step top = h->items[0], last = h->items[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < h->count && h->items[child + 1].latency_ms < h->items[child].latency_ms)
            child++;
        if (child >= h->count || h->items[child].latency_ms >= last.latency_ms)
            break;
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = last;
    return top;
}

struct reach { /* of one look; `seen` is stamped, so that nothing must be cleared */
    uint32_t *seen, stamp;
    float *latency_ms, *mbps;
    struct steps heap;
};

/* Puts the next arc of a node on the heap; arc counts from its first. */
static void push_arc(const struct cache_graph *g, struct reach *r, uint32_t node, uint32_t arc)
{
    size_t at = g->begin[node] + arc;
    if (at < g->begin[node + 1])
        push(&r->heap, (struct step){r->latency_ms[node] + g->arcs[at].latency_ms,
                                     fminf(r->mbps[node], g->arcs[at].mbps), node, arc});
}

static void start_at(const struct cache_graph *g, struct reach *r, uint32_t node)
{
    r->seen[node] = r->stamp;
    r->latency_ms[node] = 0;
    r->mbps[node] = INFINITY;
    push_arc(g, r, node, 0);
}

/* Settles one more node; false when there is none. */
static bool settle(const struct cache_graph *g, struct reach *r, uint32_t *ret_node,
                   uint32_t *ret_from)
{
    while (r->heap.count) {
        struct step step = pop(&r->heap);
        uint32_t to = g->arcs[g->begin[step.node] + step.arc].to;
        push_arc(g, r, step.node, step.arc + 1);
        if (r->seen[to] == r->stamp)
            continue;
        r->seen[to] = r->stamp;
        r->latency_ms[to] = step.latency_ms;
        r->mbps[to] = step.mbps;
        push_arc(g, r, to, 0);
        *ret_node = to;
        *ret_from = step.node;
        return true;
    }
    return false;
}

static void reach_init(struct reach *r, size_t nodes)
{
    r->seen = mem_array(nodes, sizeof *r->seen);
    r->latency_ms = mem_array(nodes, sizeof *r->latency_ms);
    r->mbps = mem_array(nodes, sizeof *r->mbps);
    r->heap = (struct steps){NULL, 0, 0};
    r->stamp = 0;
}

static void reach_done(struct reach *r)
{
    mem_free(r->seen);
    mem_free(r->latency_ms);
    mem_free(r->mbps);
    mem_free(r->heap.items);
}

#define GIB_MBIT 8589.934592f /* 2^30 bytes in 10^6 bits */

static struct cache_way way_to(const struct cache_graph *g, const struct reach *r, uint32_t node,
                               uint32_t site)
{
    return (struct cache_way){site, (float)(g->round_trips * 2e-3) * r->latency_ms[node],
                              GIB_MBIT / r->mbps[node]};
}

float cache_gib_seconds(float mbps)
{
    return GIB_MBIT / mbps;
}

void cache_nearest(const struct cache_graph *graph, const bool *room, struct cache_way *ways,
                   unsigned char *count, float *beyond_s)
{
    struct reach r;
    reach_init(&r, graph->nodes);
    for (size_t site = 0; site < graph->sites; site++) {
        uint32_t node, from;
        r.stamp++;
        r.heap.count = 0;
        start_at(graph, &r, (uint32_t)site);
        count[site] = 0;
        beyond_s[site] = INFINITY;
        while (settle(graph, &r, &node, &from)) {
            if (node >= graph->sites || !room[node])
                continue;
            if (count[site] == CACHE_NEAR) {
                beyond_s[site] = way_to(graph, &r, node, node).latency_s;
                break;
            }
            ways[site * CACHE_NEAR + count[site]++] = way_to(graph, &r, node, node);
        }
    }
    reach_done(&r);
}

void cache_from_origins(const struct cache_graph *graph, const size_t *from, size_t count,
                        struct cache_way *out)
{
    struct reach r;
    uint32_t node, before;
    CLEANUP(mem_free_at) uint32_t *origin = mem_array(graph->nodes, sizeof *origin);
    reach_init(&r, graph->nodes);
    r.stamp = 1;
    for (size_t i = 0; i < graph->sites; i++)
        out[i] = (struct cache_way){CACHE_NOWHERE, 0, 0};
    for (size_t k = 0; k < count; k++) {
        start_at(graph, &r, (uint32_t)from[k]);
        origin[from[k]] = (uint32_t)from[k];
        out[from[k]] = (struct cache_way){(uint32_t)from[k], 0, 0};
    }
    while (settle(graph, &r, &node, &before)) {
        origin[node] = origin[before];
        if (node < graph->sites)
            out[node] = way_to(graph, &r, node, origin[node]);
    }
    reach_done(&r);
}
