/* advice_links.c - the shortest links that remove a danger.
 *
 * What a failure parts is joined by the set of links of least length (Borůvka 1926: each part takes
 * its nearest node outside, until one part is left).  A service that breaks takes the shortest link
 * between a node that its users still reach and one from which its site is reached, in time.
 * Lengths are great circles; what a link costs is not known.
 *
 * Contract: joined parts are one part by construction; a way for a service is tried. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/risks/advice_priv.h"

#define PAIRS_MOST 30000000 /* of nodes, looked at for one danger */
#define NEAR_LEAST 64       /* nodes next to a site that a link may end at; more, */
#define WISHES_MOST 4000000 /* while there are not more ends than this to choose from */
#define KM_A_MS 200

/* ---- parts ---- */

/* Numbers the parts of the components that the danger touches; nodes elsewhere keep RISKS_NONE. */
static size_t label_parts(struct risks_advisor *a, uint32_t *ret_largest)
{
    const struct risks_graph *g = &a->work.graph;
    const struct risks_gone *gone = &a->work.gone;
    size_t parts = 0;
    struct risks_amount best = {0};
    memset(a->label, 0xff, g->nodes * sizeof *a->label);
    *ret_largest = RISKS_NONE;
    for (size_t i = 0; i < gone->count; i++) {
        uint32_t element = gone->items[i], ends[2] = {element, element};
        if (element >= g->nodes) {
            ends[0] = g->link_a[element - g->nodes];
            ends[1] = g->link_b[element - g->nodes];
        }
        for (size_t e = 0; e < 2; e++)
            for (uint32_t k = g->first[ends[e]]; k <= g->first[ends[e] + 1]; k++) {
                /* the node itself last, in case it stands */
                uint32_t v = k < g->first[ends[e] + 1] ? g->halves[k].to : ends[e];
                struct risks_amount amount = {0};
                size_t head = 0, tail = 0;
                if (risks_is_gone(gone, v) || a->label[v] != RISKS_NONE)
                    continue;
                a->label[v] = (uint32_t)parts;
                for (a->queue[tail++] = v; head < tail; head++) {
                    uint32_t u = a->queue[head];
                    risks_amount_add(&amount, &g->amount[u]);
                    for (uint32_t h = g->first[u]; h < g->first[u + 1]; h++) {
                        struct risks_half half = g->halves[h];
                        if (a->label[half.to] != RISKS_NONE || risks_is_gone(gone, half.to) ||
                            risks_is_gone(gone, (uint32_t)g->nodes + half.link))
                            continue;
                        a->label[half.to] = (uint32_t)parts;
                        a->queue[tail++] = half.to;
                    }
                }
                if (*ret_largest == RISKS_NONE || risks_amount_is_larger(&amount, &best)) {
                    *ret_largest = (uint32_t)parts;
                    best = amount;
                }
                parts++;
            }
    }
    return parts;
}

struct bridge {
    uint32_t a, b;
    double chord; /* squared: as good as the length to compare */
};

static uint32_t head_of(uint32_t *heads, uint32_t part)
{
    while (heads[part] != part)
        part = heads[part] = heads[heads[part]];
    return part;
}

static double chord_of(const struct risks_advisor *a, uint32_t x, uint32_t y)
{
    double chord = 0;
    for (size_t i = 0; i < 3; i++)
        chord += (a->place[x][i] - a->place[y][i]) * (a->place[x][i] - a->place[y][i]);
    return chord;
}

/* For each joined part but the largest the shortest link out of it; false: too many pairs, or a
 * part without coordinates. */
static bool shortest_out(struct risks_advisor *a, uint32_t *heads, size_t parts, uint32_t largest,
                         struct bridge *best)
{
    const struct risks_graph *g = &a->work.graph;
    uint64_t pairs = 0, labelled = 0;
    for (uint32_t v = 0; v < g->nodes; v++)
        labelled += a->label[v] != RISKS_NONE;
    for (size_t i = 0; i < parts; i++)
        best[i] = (struct bridge){RISKS_NONE, RISKS_NONE, INFINITY};
    for (uint32_t v = 0; v < g->nodes; v++) {
        if (a->label[v] == RISKS_NONE || head_of(heads, a->label[v]) == head_of(heads, largest))
            continue;
        uint32_t own = head_of(heads, a->label[v]);
        if ((pairs += labelled) > PAIRS_MOST)
            return false;
        for (uint32_t u = 0; u < g->nodes; u++) {
            if (a->label[u] == RISKS_NONE || head_of(heads, a->label[u]) == own)
                continue;
            double chord = chord_of(a, v, u);
            if (chord < best[own].chord)
                best[own] = (struct bridge){v, u, chord};
        }
    }
    return true;
}

/* Joins parts until one is left; what it took is in *out.  false: it cannot be told. */
static bool join(struct risks_advisor *a, size_t parts, uint32_t largest, struct risks_advice *out)
{
    uint32_t *heads = mem_array(parts + 1, sizeof *heads);
    struct bridge *best = mem_array(parts + 1, sizeof *best);
    double shortest = INFINITY, km = 0;
    size_t left = parts;
    bool known = true;
    for (uint32_t i = 0; i < parts; i++)
        heads[i] = i;
    while (left > 1 && known) {
        known = shortest_out(a, heads, parts, largest, best);
        for (uint32_t i = 0; i < parts && known; i++) {
            if (heads[i] != i || i == head_of(heads, largest))
                continue;
            if (best[i].a == RISKS_NONE) {
                known = false;
                break;
            }
            uint32_t other = head_of(heads, a->label[best[i].b]);
            if (other == i)
                continue; /* joined from the other side */
            double length = risks_advice_km(a, best[i].a, best[i].b);
            heads[i] = other;
            left--;
            out->links++;
            km += length;
            if (length < shortest) {
                shortest = length;
                out->a = risks_advice_name(a, best[i].a);
                out->b = risks_advice_name(a, best[i].b);
            }
        }
    }
    out->km = (struct opt_double){known, km};
    out->latency_ms = (struct opt_double){known, shortest / KM_A_MS};
    mem_free(heads);
    mem_free(best);
    return known;
}

/* Each site that hangs takes a second link to the nearest node but the one that it hangs on. */
static void advise_hanging(struct risks_advisor *a, struct risks_danger *danger)
{
    const struct risks_graph *g = &a->work.graph;
    struct risks_advice advice = {.action = RISKS_ADD_LINK};
    double km = 0, shortest = INFINITY;
    memset(a->label, 0xff, g->nodes * sizeof *a->label);
    if ((uint64_t)danger->hanging * g->nodes > PAIRS_MOST)
        return;
    for (size_t i = 0; i < a->answer->findings.count; i++) {
        const struct risks_finding *finding = &a->answer->findings.items[i];
        if (!str_eq(finding->hub, danger->element.id))
            continue;
        uint32_t site = risks_graph_find(g, finding->at), hub = risks_graph_find(g, finding->hub);
        uint32_t nearest = RISKS_NONE;
        double best = INFINITY;
        for (uint32_t v = 0; v < g->nodes; v++) {
            if (v == site || v == hub || !(chord_of(a, site, v) < best))
                continue;
            best = chord_of(a, site, v);
            nearest = v;
        }
        if (nearest == RISKS_NONE) {
            danger->no_advice = "which links are shortest is unknown: coordinates are missing, or "
                                "there are too many nodes";
            return;
        }
        a->label[site] = nearest;
        if (a->label[nearest] == site)
            continue; /* one link serves both */
        advice.links++;
        km += risks_advice_km(a, site, nearest);
        if (best < shortest) {
            shortest = best;
            advice.a = finding->at;
            advice.b = risks_advice_name(a, nearest);
            advice.latency_ms =
                (struct opt_double){true, risks_advice_km(a, site, nearest) / KM_A_MS};
        }
    }
    advice.km = (struct opt_double){true, km};
    *LIST_ADD(a->arena, &danger->advice) = advice;
}

void risks_advise_links(struct risks_advisor *a, struct risks_danger *danger)
{
    uint32_t largest;
    struct risks_advice advice = {.action = RISKS_ADD_LINK};
    if (danger->hanging) { /* a site on a link of its own: the danger is each link, not the node */
        advise_hanging(a, danger);
        return;
    }
    risks_gone_set(&a->work.gone, a->gone, a->gone_count);
    size_t parts = label_parts(a, &largest);
    if (parts < 2)
        return;
    if (join(a, parts, largest, &advice))
        *LIST_ADD(a->arena, &danger->advice) = advice;
    else
        danger->no_advice =
            "which links are shortest is unknown: coordinates are missing, or there "
            "are too many nodes";
}

/* ---- a way for a service ---- */

struct wish { /* the shortest link that gives the service a way in time */
    uint32_t from, to;
    double chord;
};

static struct risks_way way_of(const struct risks_rest *rest, const struct risks_forest *forest,
                               uint32_t node)
{
    return risks_rest_is_changed(rest, node) ? rest->way[node] : forest->way[node];
}

struct near {
    double ms;
    uint32_t node;
};

static int by_ms(const void *x, const void *y)
{
    const struct near *a = x, *b = y;
    if (a->ms < b->ms || a->ms > b->ms)
        return a->ms < b->ms ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* Nodes from which the site is reached, the nearest first. */
static size_t list_near(struct risks_advisor *a, uint32_t site, struct near *out)
{
    const struct risks_graph *g = &a->work.graph;
    struct risks_forest forest;
    CLEANUP(arena_done) struct arena arena;
    size_t count = 0;
    arena_init(&arena, a->arena->max);
    risks_forest_init(&forest, g, &site, 1, &arena);
    risks_rest_without(&a->back, &forest, &a->work.gone);
    for (uint32_t v = 0; v < g->nodes; v++) {
        struct risks_way way = way_of(&a->back, &forest, v);
        if (!way.unknown && !risks_is_gone(&a->work.gone, v))
            out[count++] = (struct near){(double)way.latency / RISKS_UNIT, v};
    }
    qsort(out, count, sizeof *out, by_ms);
    return count;
}

static void wish_for(struct risks_advisor *a, const struct risks_service *service,
                     const struct risks_route *route, struct near *near, struct wish *best)
{
    const struct risks_graph *g = &a->work.graph;
    const struct risks_forest *forest = &a->services.origins.items[route->origin].forest;
    size_t count = list_near(a, route->to, near), reached = 0;
    risks_rest_without(&a->rest, forest, &a->work.gone);
    for (uint32_t w = 0; w < g->nodes; w++)
        reached += !way_of(&a->rest, forest, w).unknown && !risks_is_gone(&a->work.gone, w);
    size_t most = reached ? WISHES_MOST / reached : 0;
    most = most > NEAR_LEAST ? most : NEAR_LEAST;
    count = count < most ? count : most;
    for (uint32_t w = 0; w < g->nodes; w++) {
        struct risks_way way = way_of(&a->rest, forest, w);
        if (way.unknown || risks_is_gone(&a->work.gone, w))
            continue;
        for (size_t i = 0; i < count; i++) {
            double chord = w == near[i].node ? INFINITY : chord_of(a, w, near[i].node);
            if (!(chord < best->chord))
                continue;
            double ms = (double)way.latency / RISKS_UNIT + near[i].ms +
                        risks_advice_km(a, w, near[i].node) / KM_A_MS;
            if (!service->bound_ms.set || ms <= service->bound_ms.value)
                *best = (struct wish){w, near[i].node, chord};
        }
    }
}

static bool try_link(struct risks_advisor *a, const struct wish *wish, double bandwidth,
                     struct risks_advice *out)
{
    struct network network = *a->input->network;
    size_t count = network.links.count;
    struct network_link *links = mem_array(count + 1, sizeof *links);
    double km = risks_advice_km(a, wish->from, wish->to);
    if (count)
        memcpy(links, network.links.items, count * sizeof *links);
    *out = (struct risks_advice){.action = RISKS_ADD_LINK,
                                 .a = risks_advice_name(a, wish->from),
                                 .b = risks_advice_name(a, wish->to),
                                 .links = 1,
                                 .km = {true, km},
                                 .latency_ms = {true, km / KM_A_MS},
                                 .amount = {bandwidth > 0, bandwidth},
                                 .unit = bandwidth > 0 ? "Mbit/s" : NULL};
    links[count] = (struct network_link){.a = out->a,
                                         .b = out->b,
                                         .latency_ms = {true, km / KM_A_MS},
                                         .bandwidth_mbps = {true, bandwidth}};
    network.links.items = links;
    network.links.count = count + 1;
    bool good = risks_advice_try(a, &network, a->input->solution, out);
    mem_free(links);
    return good;
}

/* The shortest may lead over lines that are too narrow: a second line beside one that fails, then
 * one straight from the users to a site. */
static bool try_beside(struct risks_advisor *a, const struct risks_service *service,
                       double bandwidth, struct risks_advice *advice)
{
    const struct risks_graph *g = &a->work.graph;
    for (size_t i = 0; i < a->gone_count; i++) {
        if (a->gone[i] < g->nodes)
            continue;
        uint32_t link = a->gone[i] - (uint32_t)g->nodes;
        struct wish wish = {g->link_a[link], g->link_b[link], 0};
        if (isfinite(risks_advice_km(a, wish.from, wish.to)) &&
            try_link(a, &wish, bandwidth, advice))
            return true;
    }
    if (!service->routes)
        return false;
    const struct risks_route *route = &a->services.routes.items[service->first_route];
    const struct risks_origin *origin = &a->services.origins.items[route->origin];
    struct wish straight = {origin->node, route->to, 0};
    return origin->component < 0 && origin->node != route->to &&
           isfinite(risks_advice_km(a, straight.from, straight.to)) &&
           try_link(a, &straight, bandwidth, advice);
}

static void advise_way(struct risks_advisor *a, const struct risks_service *service,
                       struct risks_danger *danger)
{
    struct wish best = {RISKS_NONE, RISKS_NONE, INFINITY};
    struct risks_advice advice;
    double bandwidth = 0;
    struct near *near = mem_array(a->work.graph.nodes + 1, sizeof *near);
    risks_gone_set(&a->work.gone, a->gone, a->gone_count);
    a->target = service->to;
    for (size_t i = 0; i < service->routes; i++) {
        const struct risks_route *route = &a->services.routes.items[service->first_route + i];
        if (!risks_is_gone(&a->work.gone, route->to))
            wish_for(a, service, route, near, &best);
    }
    mem_free(near);
    for (size_t i = 0; i < a->services.routes.count; i++)
        bandwidth += a->services.routes.items[i].bandwidth; /* all that may come to run over it */
    if ((best.from == RISKS_NONE || !try_link(a, &best, bandwidth, &advice)) &&
        !try_beside(a, service, bandwidth, &advice))
        return;
    for (size_t i = 0; i < danger->advice.count; i++)
        if (danger->advice.items[i].action == RISKS_ADD_LINK &&
            str_eq(danger->advice.items[i].a, advice.a) &&
            str_eq(danger->advice.items[i].b, advice.b))
            return; /* it mends several */
    *LIST_ADD(a->arena, &danger->advice) = advice;
}

void risks_advise_way(struct risks_advisor *a, struct risks_danger *danger)
{
    size_t services = 0;
    for (size_t i = 0; i < a->services.services.count && services < RISKS_NAMES; i++) {
        if (!risks_advice_breaks(a, i))
            continue;
        advise_way(a, &a->services.services.items[i], danger);
        services++;
    }
}
