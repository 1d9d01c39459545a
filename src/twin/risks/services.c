/* services.c - what is placed on a network, and how each service fares when elements fail.
 *
 * A service is a flow of the solution (its routes grouped by from and to), or a component that no
 * flow reaches.  A flow holds while one of its routes does: its site stands, a way leads there from
 * where the users are or from the nearest site of `from` that stands, within the bound, over links
 * with room for all that is on them then.
 *
 * Contract: the same as laying all routes anew on the network without the elements;
 * O(routes · (changed part of their trees + length)). */
#include <stdlib.h>

#include "base/str.h"
#include "twin/risks/services_priv.h"

#define FORESTS_MOST 256 /* ends where traffic starts: each has a tree over the network */
#define LATENCY_TOL 1e-6 /* contract/network.md */
#define AMOUNT_TOL 1e-6

/* ---- reading the solution ---- */

static int64_t component_find(const struct risks_services *s, const char *name)
{
    for (size_t i = 0; i < s->components.count; i++)
        if (str_eq(s->components.items[i].name, name))
            return (int64_t)i;
    return -1;
}

static enum err_code read_placements(struct risks_services *s, const struct solution *solution,
                                     struct err *err)
{
    struct arena *arena = s->work->arena;
    for (size_t i = 0; i < solution->placements.count; i++) {
        const struct solution_placement *placement = &solution->placements.items[i];
        uint32_t site = risks_graph_find(s->graph, placement->site);
        if (site == RISKS_NONE || site >= s->graph->sites) {
            err_set(err, ERR_INVALID, "the network has no site '%s'",
                    placement->site ? placement->site : "");
            return err_field(err, "placements[%zu].site", i);
        }
        int64_t found = component_find(s, placement->component);
        if (found < 0) {
            found = (int64_t)s->components.count;
            LIST_ADD(arena, &s->components)->name = placement->component;
        }
        *LIST_ADD(arena, &s->components.items[found].sites) = site;
    }
    return ERR_OK;
}

static enum err_code origin_of(struct risks_services *s, const struct solution_route *route,
                               size_t i, size_t *out, struct err *err)
{
    int64_t component = component_find(s, route->from);
    uint32_t node = risks_graph_find(s->graph, route->from_node);
    if (component < 0 && node == RISKS_NONE) {
        err_set(err, ERR_INVALID, "the network has no node '%s'",
                route->from_node ? route->from_node : "");
        return err_field(err, "routes[%zu].from_node", i);
    }
    for (*out = 0; *out < s->origins.count; ++*out) {
        const struct risks_origin *origin = &s->origins.items[*out];
        if (component < 0 ? origin->component < 0 && origin->node == node
                          : origin->component == component)
            return ERR_OK;
    }
    if (s->origins.count == FORESTS_MOST)
        return err_set(err, ERR_TOO_LARGE, "traffic starts at more than %d places", FORESTS_MOST);
    struct risks_origin *origin = LIST_ADD(s->work->arena, &s->origins);
    origin->component = component;
    origin->node = node;
    return ERR_OK;
}

static struct risks_service *service_of(struct risks_services *s,
                                        const struct solution_route *route)
{
    const char *name = arena_printf(s->work->arena, "%s→%s", route->from ? route->from : "user",
                                    route->to ? route->to : "");
    for (size_t i = 0; i < s->services.count; i++)
        if (str_eq(s->services.items[i].name, name))
            return &s->services.items[i];
    struct risks_service *service = LIST_ADD(s->work->arena, &s->services);
    service->name = name;
    return service;
}

static enum err_code read_route(struct risks_services *s, const struct solution_route *route,
                                size_t i, struct err *err)
{
    size_t origin;
    int64_t to = component_find(s, route->to);
    uint32_t node = risks_graph_find(s->graph, route->to_node);
    if (to < 0 || node == RISKS_NONE || node >= s->graph->sites) {
        err_set(err, ERR_INVALID, "the route leads to nothing that is placed");
        return err_field(err, "routes[%zu]", i);
    }
    enum err_code rc = origin_of(s, route, i, &origin, err);
    if (rc)
        return rc;
    struct risks_service *service = service_of(s, route);
    service->to = &s->components.items[to];
    service->to->reached = true;
    if (route->bound_ms.set &&
        (!service->bound_ms.set || route->bound_ms.value < service->bound_ms.value))
        service->bound_ms = route->bound_ms;
    *LIST_ADD(s->work->arena, &s->routes) = (struct risks_route){
        .service = (size_t)(service - s->services.items),
        .origin = origin,
        .to = node,
        .bandwidth = route->bandwidth_mbps.set ? route->bandwidth_mbps.value : 0};
    return ERR_OK;
}

static int by_service(const void *a, const void *b)
{
    const struct risks_route *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static enum err_code read_routes(struct risks_services *s, const struct solution *solution,
                                 struct err *err)
{
    if (solution->routes.count > RISKS_MAX_ROUTES)
        return err_set(err, ERR_TOO_LARGE, "more than %d routes", RISKS_MAX_ROUTES);
    for (size_t i = 0; i < solution->routes.count; i++) {
        enum err_code rc = read_route(s, &solution->routes.items[i], i, err);
        if (rc)
            return rc;
    }
    if (s->routes.count)
        qsort(s->routes.items, s->routes.count, sizeof *s->routes.items, by_service);
    for (size_t i = s->routes.count; i-- > 0;) {
        struct risks_service *service = &s->services.items[s->routes.items[i].service];
        service->first_route = i;
        service->routes++;
    }
    for (size_t i = 0; i < s->components.count; i++) {
        struct risks_component *component = &s->components.items[i];
        if (component->reached)
            continue;
        struct risks_service *service = LIST_ADD(s->work->arena, &s->services);
        service->name = component->name;
        service->to = component;
    }
    return ERR_OK;
}

static void plant(struct risks_services *s)
{
    struct arena *arena = s->work->arena;
    for (size_t i = 0; i < s->origins.count; i++) {
        struct risks_origin *origin = &s->origins.items[i];
        const struct risks_component *from =
            origin->component < 0 ? NULL : &s->components.items[origin->component];
        risks_forest_init(&origin->forest, s->graph, from ? from->sites.items : &origin->node,
                          from ? from->sites.count : 1, arena);
    }
    risks_detour_init(&s->detour, s->graph, arena);
}

/* ---- the services without some elements ---- */

int64_t risks_services_left(const struct risks_services *s, const struct risks_component *component)
{
    int64_t left = 0;
    for (size_t i = 0; i < component->sites.count; i++)
        left += !risks_is_gone(&s->work->gone, component->sites.items[i]);
    return left;
}

/* The route's way now, kept with its steps. */
static void find_way(struct risks_services *s, struct risks_route *route)
{
    const struct risks_forest *forest = &s->origins.items[route->origin].forest;
    route->step = s->steps.count;
    route->steps = risks_detour_find(&s->detour, forest, &s->work->gone, route->to, &route->way);
    while (s->steps.count + route->steps > s->steps.room) {
        s->steps.room = s->steps.room ? 2 * s->steps.room : 1024;
        s->steps.items = mem_resize(s->steps.items, s->steps.room, sizeof *s->steps.items);
    }
    for (size_t i = 0; i < route->steps; i++)
        s->steps.items[s->steps.count++] = s->detour.steps[i];
}

/* Adds the route's bandwidth to each link of its way. */
static void load_route(struct risks_services *s, const struct risks_route *route)
{
    for (size_t i = 0; route->bandwidth > 0 && i < route->steps; i++) {
        uint32_t link = s->steps.items[route->step + i].link;
        if (s->load[link] <= 0)
            s->dirty[s->dirty_count++] = link;
        s->load[link] += route->bandwidth;
    }
}

/* How far the fullest link of the way is overrun; the link, or RISKS_NONE.  Unknown bandwidth is
 * not judged, but told. */
static uint32_t overrun(const struct risks_services *s, const struct risks_route *route,
                        double *ret_room, uint32_t *ret_blind)
{
    uint32_t worst = RISKS_NONE;
    double least = -AMOUNT_TOL;
    for (size_t i = 0; route->bandwidth > 0 && i < route->steps; i++) {
        uint32_t link = s->steps.items[route->step + i].link;
        const struct network_link *item = &s->graph->network->links.items[link];
        double used = item->used_mbps.set ? item->used_mbps.value : 0;
        double room = item->bandwidth_mbps.value - used;
        if (!item->bandwidth_mbps.set)
            *ret_blind = link;
        if (!item->bandwidth_mbps.set || room - s->load[link] >= least)
            continue;
        least = room - s->load[link];
        *ret_room = room;
        worst = link;
    }
    return worst;
}

static uint32_t without_latency(const struct risks_services *s, const struct risks_route *route)
{
    for (size_t i = 0; i < route->steps; i++) {
        uint32_t link = s->steps.items[route->step + i].link;
        if (!s->graph->network->links.items[link].latency_ms.set)
            return link;
    }
    return RISKS_NONE;
}

static struct risks_outcome judge_route(const struct risks_services *s,
                                        const struct risks_service *service,
                                        const struct risks_route *route)
{
    const struct risks_way *way = &route->way;
    struct risks_outcome outcome = {
        .required = service->bound_ms, .unit = "ms", .link = RISKS_NONE, .blind = RISKS_NONE};
    double room = 0, latency = (double)way->latency / RISKS_UNIT;
    if (way->unknown == UINT32_MAX) {
        outcome.reason = RISKS_UNREACHABLE;
        return outcome;
    }
    if (service->bound_ms.set && way->unknown) {
        outcome.reason = RISKS_LATENCY_UNKNOWN;
        outcome.blind = without_latency(s, route);
        return outcome;
    }
    outcome.observed = (struct opt_double){!way->unknown, latency};
    if (service->bound_ms.set && latency > service->bound_ms.value + LATENCY_TOL) {
        outcome.reason = RISKS_LATE;
        return outcome;
    }
    outcome.link = overrun(s, route, &room, &outcome.blind);
    if (outcome.link == RISKS_NONE)
        return outcome;
    outcome.reason = RISKS_CONGESTED;
    outcome.unit = "Mbit/s"; /* room against what would be on the link */
    outcome.observed = (struct opt_double){true, room};
    outcome.required = (struct opt_double){true, s->load[outcome.link]};
    return outcome;
}

/* The route that comes nearest to holding: congested before late before unknown before none. */
static bool is_nearer(const struct risks_outcome *a, const struct risks_outcome *b)
{
    static const int rank[] = {[0] = 0,
                               [RISKS_CONGESTED] = 1,
                               [RISKS_LATE] = 2,
                               [RISKS_LATENCY_UNKNOWN] = 3,
                               [RISKS_UNREACHABLE] = 4,
                               [RISKS_GONE] = 5};
    if (rank[a->reason] != rank[b->reason])
        return rank[a->reason] < rank[b->reason];
    if (!a->reason && (a->blind == RISKS_NONE) != (b->blind == RISKS_NONE))
        return a->blind == RISKS_NONE;
    if (a->reason == RISKS_CONGESTED)
        return a->required.value - a->observed.value < b->required.value - b->observed.value;
    return a->observed.value < b->observed.value;
}

static struct risks_outcome judge(const struct risks_services *s,
                                  const struct risks_service *service)
{
    struct risks_outcome best = {.reason = RISKS_GONE, .link = RISKS_NONE, .blind = RISKS_NONE};
    if (!service->routes && risks_services_left(s, service->to))
        best.reason = 0;
    for (size_t i = 0; i < service->routes; i++) {
        const struct risks_route *route = &s->routes.items[service->first_route + i];
        if (risks_is_gone(&s->work->gone, route->to))
            continue;
        struct risks_outcome outcome = judge_route(s, service, route);
        if (is_nearer(&outcome, &best))
            best = outcome;
    }
    return best;
}

void risks_services_fail(struct risks_services *s, const uint32_t *elements, size_t count,
                         struct risks_outcome *out)
{
    risks_gone_set(&s->work->gone, elements, count);
    while (s->dirty_count)
        s->load[s->dirty[--s->dirty_count]] = 0;
    s->steps.count = 0;
    for (size_t i = 0; i < s->routes.count; i++) {
        find_way(s, &s->routes.items[i]);
        load_route(s, &s->routes.items[i]);
    }
    for (size_t i = 0; i < s->services.count; i++)
        out[i] = judge(s, &s->services.items[i]);
}

enum err_code risks_services_init(struct risks_services *s, struct risks_work *work,
                                  const struct solution *solution, struct err *err)
{
    const struct risks_graph *g = &work->graph;
    struct arena *arena = work->arena;
    enum err_code rc;
    *s = (struct risks_services){.work = work, .graph = g};
    if ((rc = read_placements(s, solution, err)) || (rc = read_routes(s, solution, err)) ||
        (rc = arena_check(arena, err)))
        return rc;
    plant(s);
    s->base = arena_array(arena, s->services.count + 1, sizeof *s->base);
    s->load = arena_array(arena, g->links + 1, sizeof *s->load);
    s->dirty = arena_array(arena, g->links + 1, sizeof *s->dirty);
    s->seen = arena_array(arena, g->nodes + g->links + g->group_count + 1, sizeof *s->seen);
    risks_services_fail(s, NULL, 0, s->base);
    return ERR_OK;
}

void risks_services_done(struct risks_services *s)
{
    mem_free(s->steps.items);
    s->steps.items = NULL;
}
