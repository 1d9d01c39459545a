/* services.c - which services break when one element fails, or two, and by which margin.
 *
 * A service is a flow of the solution (its routes grouped by from and to), or a component that no
 * flow reaches.  A flow holds while one of its routes does: its site stands, a way leads there from
 * where the users are or from the nearest site of `from` that stands, within the bound, over links
 * with room for all that is on them then.
 *
 * Pruning, exact: an element that no route uses and that hosts nothing changes nothing.  So single
 * failures are those of the elements in use; second failures those of the elements in use after the
 * first.  All other pairs do what the first of them does alone.
 *
 * Contract: O(elements in use · (changed part of the trees + routes · length)). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/risks/risks_priv.h"

#define PAIRS_DEFAULT 20000
#define FORESTS_MOST 256 /* ends where traffic starts: each has a tree over the network */
#define LATENCY_TOL 1e-6 /* contract/network.md */
#define AMOUNT_TOL 1e-6

struct component {
    const char *name;
    LIST(uint32_t) sites; /* an entry an instance */
    bool reached;         /* by a flow */
};

struct origin { /* where traffic starts: one node of users, or the sites of a component */
    int64_t component;
    uint32_t node;
    struct risks_forest forest;
};

struct route {
    size_t service, origin;
    uint32_t to;
    double bandwidth;
    struct risks_way way; /* after the last fail(), with its steps in services.steps */
    size_t step, steps;
};

struct outcome {
    enum risks_reason reason; /* 0 = holds */
    struct opt_double observed, required;
    const char *unit;
    uint32_t link; /* the congested one */
};

struct service {
    const char *name;
    struct component *to;
    struct opt_double bound_ms;
    size_t first_route, routes; /* 0 routes: a component alone */
};

struct services {
    struct risks_work *work;
    const struct risks_graph *graph;
    LIST(struct component) components;
    LIST(struct origin) origins;
    LIST(struct service) services;
    LIST(struct route) routes;
    struct outcome *base;
    struct risks_detour detour;
    struct {
        struct risks_step *items;
        size_t count, room;
    } steps;
    double *load;    /* by link */
    uint32_t *dirty; /* links with a load */
    size_t dirty_count;
    uint32_t *seen, epoch; /* by element: in use in this epoch */
};

/* ---- reading the solution ---- */

static int64_t component_find(const struct services *s, const char *name)
{
    for (size_t i = 0; i < s->components.count; i++)
        if (str_eq(s->components.items[i].name, name))
            return (int64_t)i;
    return -1;
}

static enum err_code read_placements(struct services *s, const struct solution *solution,
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

static enum err_code origin_of(struct services *s, const struct solution_route *route, size_t i,
                               size_t *out, struct err *err)
{
    int64_t component = component_find(s, route->from);
    uint32_t node = risks_graph_find(s->graph, route->from_node);
    if (component < 0 && node == RISKS_NONE) {
        err_set(err, ERR_INVALID, "the network has no node '%s'",
                route->from_node ? route->from_node : "");
        return err_field(err, "routes[%zu].from_node", i);
    }
    for (*out = 0; *out < s->origins.count; ++*out) {
        const struct origin *origin = &s->origins.items[*out];
        if (component < 0 ? origin->component < 0 && origin->node == node
                          : origin->component == component)
            return ERR_OK;
    }
    if (s->origins.count == FORESTS_MOST)
        return err_set(err, ERR_TOO_LARGE, "traffic starts at more than %d places", FORESTS_MOST);
    struct origin *origin = LIST_ADD(s->work->arena, &s->origins);
    origin->component = component;
    origin->node = node;
    return ERR_OK;
}

static struct service *service_of(struct services *s, const struct solution_route *route)
{
    const char *name = arena_printf(s->work->arena, "%s→%s", route->from ? route->from : "user",
                                    route->to ? route->to : "");
    for (size_t i = 0; i < s->services.count; i++)
        if (str_eq(s->services.items[i].name, name))
            return &s->services.items[i];
    struct service *service = LIST_ADD(s->work->arena, &s->services);
    service->name = name;
    return service;
}

static enum err_code read_route(struct services *s, const struct solution_route *route, size_t i,
                                struct err *err)
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
    struct service *service = service_of(s, route);
    service->to = &s->components.items[to];
    service->to->reached = true;
    if (route->bound_ms.set &&
        (!service->bound_ms.set || route->bound_ms.value < service->bound_ms.value))
        service->bound_ms = route->bound_ms;
    *LIST_ADD(s->work->arena, &s->routes) =
        (struct route){.service = (size_t)(service - s->services.items),
                       .origin = origin,
                       .to = node,
                       .bandwidth = route->bandwidth_mbps.set ? route->bandwidth_mbps.value : 0};
    return ERR_OK;
}

static int by_service(const void *a, const void *b)
{
    const struct route *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static enum err_code read_routes(struct services *s, const struct solution *solution,
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
        struct service *service = &s->services.items[s->routes.items[i].service];
        service->first_route = i;
        service->routes++;
    }
    for (size_t i = 0; i < s->components.count; i++) {
        struct component *component = &s->components.items[i];
        if (component->reached)
            continue;
        struct service *service = LIST_ADD(s->work->arena, &s->services);
        service->name = component->name;
        service->to = component;
    }
    return ERR_OK;
}

static void plant(struct services *s)
{
    struct arena *arena = s->work->arena;
    for (size_t i = 0; i < s->origins.count; i++) {
        struct origin *origin = &s->origins.items[i];
        const struct component *from =
            origin->component < 0 ? NULL : &s->components.items[origin->component];
        risks_forest_init(&origin->forest, s->graph, from ? from->sites.items : &origin->node,
                          from ? from->sites.count : 1, arena);
    }
    risks_detour_init(&s->detour, s->graph, arena);
}

/* ---- the services without some elements ---- */

static bool is_gone(uint32_t element, const uint32_t *gone, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gone[i] == element)
            return true;
    return false;
}

static int64_t left_of(const struct component *component, const uint32_t *gone, size_t count)
{
    int64_t left = 0;
    for (size_t i = 0; i < component->sites.count; i++)
        left += !is_gone(component->sites.items[i], gone, count);
    return left;
}

/* The route's way now, kept with its steps. */
static void find_way(struct services *s, struct route *route, const uint32_t *gone, size_t count)
{
    const struct risks_forest *forest = &s->origins.items[route->origin].forest;
    route->step = s->steps.count;
    route->steps = risks_detour_find(&s->detour, forest, gone, count, route->to, &route->way);
    while (s->steps.count + route->steps > s->steps.room) {
        s->steps.room = s->steps.room ? 2 * s->steps.room : 1024;
        s->steps.items = mem_resize(s->steps.items, s->steps.room, sizeof *s->steps.items);
    }
    for (size_t i = 0; i < route->steps; i++)
        s->steps.items[s->steps.count++] = s->detour.steps[i];
}

/* Adds the route's bandwidth to each link of its way. */
static void load_route(struct services *s, const struct route *route)
{
    for (size_t i = 0; route->bandwidth > 0 && i < route->steps; i++) {
        uint32_t link = s->steps.items[route->step + i].link;
        if (s->load[link] <= 0)
            s->dirty[s->dirty_count++] = link;
        s->load[link] += route->bandwidth;
    }
}

/* How far the fullest link of the way is overrun; the link, or RISKS_NONE.  Unknown bandwidth is
 * not judged. */
static uint32_t overrun(const struct services *s, const struct route *route, double *ret_room)
{
    uint32_t worst = RISKS_NONE;
    double least = -AMOUNT_TOL;
    for (size_t i = 0; route->bandwidth > 0 && i < route->steps; i++) {
        uint32_t link = s->steps.items[route->step + i].link;
        const struct network_link *item = &s->graph->network->links.items[link];
        double used = item->used_mbps.set ? item->used_mbps.value : 0;
        double room = item->bandwidth_mbps.value - used;
        if (!item->bandwidth_mbps.set || room - s->load[link] >= least)
            continue;
        least = room - s->load[link];
        *ret_room = room;
        worst = link;
    }
    return worst;
}

static struct outcome judge_route(const struct services *s, const struct service *service,
                                  const struct route *route)
{
    const struct risks_way *way = &route->way;
    struct outcome outcome = {.required = service->bound_ms, .unit = "ms", .link = RISKS_NONE};
    double room = 0, latency = (double)way->latency / RISKS_UNIT;
    if (way->unknown == UINT32_MAX) {
        outcome.reason = RISKS_UNREACHABLE;
        return outcome;
    }
    if (service->bound_ms.set && way->unknown) {
        outcome.reason = RISKS_LATENCY_UNKNOWN;
        return outcome;
    }
    outcome.observed = (struct opt_double){!way->unknown, latency};
    if (service->bound_ms.set && latency > service->bound_ms.value + LATENCY_TOL) {
        outcome.reason = RISKS_LATE;
        return outcome;
    }
    outcome.link = overrun(s, route, &room);
    if (outcome.link == RISKS_NONE)
        return outcome;
    outcome.reason = RISKS_CONGESTED;
    outcome.unit = "Mbit/s"; /* room against what would be on the link */
    outcome.observed = (struct opt_double){true, room};
    outcome.required = (struct opt_double){true, s->load[outcome.link]};
    return outcome;
}

/* The route that comes nearest to holding: congested before late before unknown before none. */
static bool is_nearer(const struct outcome *a, const struct outcome *b)
{
    static const int rank[] = {[0] = 0,
                               [RISKS_CONGESTED] = 1,
                               [RISKS_LATE] = 2,
                               [RISKS_LATENCY_UNKNOWN] = 3,
                               [RISKS_UNREACHABLE] = 4,
                               [RISKS_GONE] = 5};
    if (rank[a->reason] != rank[b->reason])
        return rank[a->reason] < rank[b->reason];
    if (a->reason == RISKS_CONGESTED)
        return a->required.value - a->observed.value < b->required.value - b->observed.value;
    return a->observed.value < b->observed.value;
}

static struct outcome judge(const struct services *s, const struct service *service,
                            const uint32_t *gone, size_t count)
{
    struct outcome best = {.reason = RISKS_GONE, .link = RISKS_NONE};
    if (!service->routes && left_of(service->to, gone, count))
        best.reason = 0;
    for (size_t i = 0; i < service->routes; i++) {
        const struct route *route = &s->routes.items[service->first_route + i];
        if (is_gone(route->to, gone, count))
            continue;
        struct outcome outcome = judge_route(s, service, route);
        if (is_nearer(&outcome, &best))
            best = outcome;
    }
    return best;
}

static void fail(struct services *s, const uint32_t *gone, size_t count, struct outcome *out)
{
    while (s->dirty_count)
        s->load[s->dirty[--s->dirty_count]] = 0;
    s->steps.count = 0;
    for (size_t i = 0; i < s->routes.count; i++) {
        find_way(s, &s->routes.items[i], gone, count);
        load_route(s, &s->routes.items[i]);
    }
    for (size_t i = 0; i < s->services.count; i++)
        out[i] = judge(s, &s->services.items[i], gone, count);
}

/* ---- elements in use ---- */

struct elements {
    uint32_t *items;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void use(struct services *s, uint32_t element, struct elements *out)
{
    if (s->seen[element] == s->epoch)
        return;
    s->seen[element] = s->epoch;
    out->items[out->count++] = element;
}

/* In use after the last fail(); rising. */
static void list_used(struct services *s, const uint32_t *gone, size_t count, struct elements *out)
{
    s->epoch++;
    out->count = 0;
    for (size_t i = 0; i < s->components.count; i++)
        for (size_t k = 0; k < s->components.items[i].sites.count; k++)
            if (!is_gone(s->components.items[i].sites.items[k], gone, count))
                use(s, s->components.items[i].sites.items[k], out);
    for (size_t i = 0; i < s->routes.count; i++) {
        const struct route *route = &s->routes.items[i];
        if (route->way.unknown == UINT32_MAX)
            continue;
        use(s, route->to, out);
        for (size_t k = 0; k < route->steps; k++) {
            use(s, s->steps.items[route->step + k].node, out);
            use(s, (uint32_t)s->graph->nodes + s->steps.items[route->step + k].link, out);
        }
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_number);
}

/* ---- findings ---- */

static void tell(struct services *s, size_t number, const uint32_t *gone, size_t count,
                 const struct outcome *outcome)
{
    struct risks_work *work = s->work;
    const struct service *service = &s->services.items[number];
    struct risks_finding *finding =
        risks_add(work, count > 1 ? RISKS_PAIR : RISKS_SERVICE,
                  count > 1 ? RISKS_MEDIUM : RISKS_CRITICAL, outcome->reason);
    finding->element = risks_graph_element(s->graph, gone[0], work->arena);
    if (count > 1)
        finding->second = risks_graph_element(s->graph, gone[1], work->arena);
    finding->service = service->name;
    finding->left = left_of(service->to, gone, count);
    finding->of = (int64_t)service->to->sites.count;
    if (outcome->reason == RISKS_GONE || outcome->reason == RISKS_UNREACHABLE) {
        finding->observed = (struct opt_double){true, 0};
        finding->required = (struct opt_double){true, 1};
        finding->unit = outcome->reason == RISKS_GONE ? "instances" : "ways";
    } else {
        finding->observed = outcome->observed;
        finding->required = outcome->required;
        finding->unit = outcome->unit;
    }
    if (outcome->link != RISKS_NONE && outcome->reason == RISKS_CONGESTED)
        finding->at =
            risks_graph_element(s->graph, (uint32_t)s->graph->nodes + outcome->link, work->arena)
                .id;
    if (finding->observed.set && finding->required.set)
        finding->margin =
            (struct opt_double){true, outcome->reason == RISKS_LATE
                                          ? finding->required.value - finding->observed.value
                                          : finding->observed.value - finding->required.value};
}

static void tell_one_site(struct services *s)
{
    for (size_t i = 0; i < s->components.count; i++) {
        const struct component *component = &s->components.items[i];
        bool same = true;
        for (size_t k = 1; k < component->sites.count; k++)
            same = same && component->sites.items[k] == component->sites.items[0];
        if (!same)
            continue;
        bool one = component->sites.count == 1;
        struct risks_finding *finding = risks_add(s->work, RISKS_ONE_SITE, RISKS_HIGH,
                                                  one ? RISKS_ONE_INSTANCE : RISKS_SAME_SITE);
        finding->element = (struct risks_element){"component", component->name};
        finding->at = s->graph->network->sites.items[component->sites.items[0]].id;
        finding->of = (int64_t)component->sites.count;
        finding->observed = (struct opt_double){true, 1};
        finding->required = (struct opt_double){true, 2};
        finding->margin = (struct opt_double){true, -1};
        finding->unit = "sites";
    }
}

struct singles {
    struct elements used;
    uint8_t *broken;   /* [element][service] */
    uint64_t *seconds; /* elements in use after each */
};

static void try_singles(struct services *s, struct singles *singles, struct elements *after)
{
    struct outcome *outcome = arena_array(s->work->arena, s->services.count + 1, sizeof *outcome);
    for (size_t i = 0; i < singles->used.count; i++) {
        fail(s, &singles->used.items[i], 1, outcome);
        for (size_t k = 0; k < s->services.count; k++) {
            bool broken = outcome[k].reason && !s->base[k].reason;
            singles->broken[i * s->services.count + k] = broken;
            if (broken)
                tell(s, k, &singles->used.items[i], 1, &outcome[k]);
        }
        list_used(s, &singles->used.items[i], 1, after);
        singles->seconds[i] = after->count;
    }
}

static size_t place_in(const struct elements *elements, uint32_t element)
{
    size_t low = 0, high = elements->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (elements->items[middle] < element)
            low = middle + 1;
        else
            high = middle;
    }
    return low < elements->count && elements->items[low] == element ? low : SIZE_MAX;
}

/* One pair; what one of the two breaks alone is not told again. */
static void try_pair(struct services *s, const struct singles *singles, size_t first,
                     uint32_t second, struct outcome *outcome)
{
    uint32_t gone[] = {singles->used.items[first], second};
    size_t other = place_in(&singles->used, second), n = s->services.count;
    fail(s, gone, 2, outcome);
    for (size_t k = 0; k < n; k++)
        if (outcome[k].reason && !s->base[k].reason && !singles->broken[first * n + k] &&
            (other == SIZE_MAX || !singles->broken[other * n + k]))
            tell(s, k, gone, 2, &outcome[k]);
}

static void try_pairs(struct services *s, const struct singles *singles, struct elements *after)
{
    struct risks_answer *answer = s->work->answer;
    uint64_t most = s->work->input->pairs ? s->work->input->pairs : PAIRS_DEFAULT;
    size_t all = s->graph->nodes + s->graph->links;
    struct outcome *outcome = arena_array(s->work->arena, s->services.count + 1, sizeof *outcome);
    answer->pairs = (uint64_t)all * (all ? all - 1 : 0) / 2;
    for (size_t i = 0; i < singles->used.count; i++) {
        uint32_t first = singles->used.items[i];
        if (answer->pairs_tried >= most) {
            answer->pairs_left += singles->seconds[i];
            continue;
        }
        fail(s, &first, 1, outcome);
        list_used(s, &first, 1, after);
        for (size_t k = 0; k < after->count; k++) {
            uint32_t second = after->items[k];
            if (second < first && place_in(&singles->used, second) != SIZE_MAX)
                continue; /* tried from the other side, or nothing but the other alone */
            if (answer->pairs_tried >= most) {
                answer->pairs_left++;
                continue;
            }
            answer->pairs_tried++;
            try_pair(s, singles, i, second, outcome);
        }
    }
}

enum err_code risks_find_services(struct risks_work *work, struct err *err)
{
    struct services s = {.work = work, .graph = &work->graph};
    const struct risks_graph *g = &work->graph;
    size_t all = g->nodes + g->links + 1;
    enum err_code rc;
    if ((rc = read_placements(&s, work->input->solution, err)) ||
        (rc = read_routes(&s, work->input->solution, err)) || (rc = arena_check(work->arena, err)))
        return rc;
    plant(&s);
    s.base = arena_array(work->arena, s.services.count + 1, sizeof *s.base);
    s.load = arena_array(work->arena, g->links + 1, sizeof *s.load);
    s.dirty = arena_array(work->arena, g->links + 1, sizeof *s.dirty);
    s.seen = arena_array(work->arena, all, sizeof *s.seen);
    fail(&s, NULL, 0, s.base);
    work->answer->services = s.services.count;
    for (size_t i = 0; i < s.services.count; i++)
        work->answer->broken_now += s.base[i].reason != 0;
    struct elements after = {arena_array(work->arena, all, sizeof *after.items), 0};
    struct singles singles = {.used = {arena_array(work->arena, all, sizeof *after.items), 0}};
    list_used(&s, NULL, 0, &singles.used);
    singles.broken = arena_zalloc(work->arena, singles.used.count * s.services.count + 1);
    singles.seconds = arena_array(work->arena, singles.used.count + 1, sizeof *singles.seconds);
    work->answer->singles_felt = singles.used.count;
    tell_one_site(&s);
    try_singles(&s, &singles, &after);
    try_pairs(&s, &singles, &after);
    mem_free(s.steps.items);
    return arena_check(work->arena, err);
}
