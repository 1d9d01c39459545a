/* capacity.c - where room ends: by what is free now, and by the trend of what was used (trend.c).
 *
 * Contract: of one site or link and one resource at most one finding; without a history only what
 * the network file says counts.  Links between the same two ends are one line with the sum of what
 * they carry, as a history names them by their ends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/risks/risks_priv.h"

#define HEADROOM_DEFAULT 20
#define HORIZON_DEFAULT 90
#define SOON_DAYS 30    /* a trend that ends within is high */
#define TIGHT_PERCENT 5 /* and so is less than this share free */

/* ---- sites and links ---- */

struct place { /* one resource of one site or line */
    struct risks_element element;
    const char *resource, *unit;
    struct opt_double capacity, used;
    bool wanting; /* of a line: some link's bandwidth or use is unknown */
};

struct own { /* what the solution takes of a site; its components are in the requirement */
    double vcpus, memory_gib, disk_gib;
};

struct cliffs {
    struct risks_work *work;
    struct own *own;     /* by site */
    struct map *history; /* entity NUL-free key → series */
    struct map *lines;   /* "a—b" in both orders → line + 1 */
    LIST(struct place) line_places;
    size_t matched;
    size_t boundless, brief; /* histories without a capacity; too short for a trend */
};

static const char *key_of(struct arena *arena, const char *entity, const char *resource)
{
    return arena_printf(arena, "%zu:%s/%s", strlen(entity), entity, resource);
}

static const struct risks_series *history_of(struct cliffs *c, const struct place *place)
{
    if (!map_count(c->history))
        return NULL;
    struct arena *arena = c->work->arena;
    return map_find(c->history, key_of(arena, place->element.id, place->resource));
}

static const char *season_of(const struct risks_trend *trend)
{
    static const char *const names[2][2] = {{NULL, "weekly-peaks"},
                                            {"daily-peaks", "daily-and-weekly-peaks"}};
    return names[trend->daily][trend->weekly];
}

static void tell_trend(struct risks_finding *finding, const struct risks_trend *trend,
                       double capacity, double horizon, struct arena *arena)
{
    finding->slope = (struct opt_double){true, trend->slope};
    finding->slope_low = (struct opt_double){true, trend->slope_low};
    finding->slope_high = (struct opt_double){true, trend->slope_high};
    finding->season = season_of(trend);
    if (trend->slope_low <= 0) {
        finding->unknown = "whether it grows: the interval of the slope holds 0";
        return;
    }
    risks_trend_days(trend, capacity, &finding->days, &finding->days_low, &finding->days_high);
    if (finding->days.set && !risks_trend_reaches(trend, finding->days.value)) {
        finding->unknown = arena_printf(arena,
                                        "when it ends: a history of %.1f days does not tell "
                                        "of %.0f",
                                        trend->span, finding->days.value);
        finding->days = finding->days_low = finding->days_high = (struct opt_double){false, 0};
        return;
    }
    finding->growth = (struct opt_double){true, trend->slope * horizon};
}

static void tell_cliff(struct cliffs *c, const struct place *place, double used,
                       const struct risks_trend *trend)
{
    const struct risks_input *input = c->work->input;
    double threshold = input->headroom_percent > 0 ? input->headroom_percent : HEADROOM_DEFAULT;
    double horizon = input->horizon_days > 0 ? input->horizon_days : HORIZON_DEFAULT;
    double capacity = place->capacity.value;
    double percent = capacity > 0 ? 100 * (capacity - used) / capacity : 0;
    struct opt_double days = {false, 0}, low, high;
    bool cliff = capacity > 0 && percent < threshold;
    if (trend->known)
        risks_trend_days(trend, capacity, &days, &low, &high);
    /* a slope whose interval holds 0 may be no growth at all */
    bool ends = trend->known && trend->slope_low > 0 && days.set && days.value <= horizon &&
                risks_trend_reaches(trend, days.value);
    if (!cliff && !ends)
        return;
    bool soon = (ends && days.value <= SOON_DAYS) || percent < TIGHT_PERCENT;
    struct risks_finding *finding =
        risks_add(c->work, RISKS_CAPACITY, soon ? RISKS_HIGH : RISKS_MEDIUM,
                  ends ? RISKS_EXHAUSTION : RISKS_HEADROOM);
    finding->element = place->element;
    finding->resource = place->resource;
    finding->observed = (struct opt_double){true, used};
    finding->required = (struct opt_double){true, capacity};
    finding->margin = (struct opt_double){true, capacity - used};
    finding->unit = place->unit;
    finding->unknown = trend->why;
    if (trend->known)
        tell_trend(finding, trend, capacity, horizon, c->work->arena);
}

static void look(struct cliffs *c, const struct place *place)
{
    const struct risks_series *series = history_of(c, place);
    struct risks_trend trend = {.why = NULL};
    c->matched += series != NULL;
    if (series && !(place->capacity.set && !place->wanting))
        c->boundless++;
    if (!place->capacity.set || place->wanting)
        return;
    if (series) {
        risks_trend(series, &trend, c->work->arena);
        c->brief += !trend.known;
    }
    if (series || place->used.set)
        tell_cliff(c, place,
                   trend.known ? trend.level
                   : series    ? series->points.items[series->points.count - 1].value
                               : place->used.value,
                   &trend);
}

static const struct requirement_component *component_of(const struct risks_input *input,
                                                        const char *name)
{
    for (size_t i = 0; input->requirement && i < input->requirement->components.count; i++)
        if (str_eq(input->requirement->components.items[i].name, name))
            return &input->requirement->components.items[i];
    return NULL;
}

static void add_own(struct cliffs *c)
{
    const struct risks_input *input = c->work->input;
    for (size_t i = 0; input->solution && i < input->solution->placements.count; i++) {
        const struct solution_placement *placement = &input->solution->placements.items[i];
        const struct requirement_component *component = component_of(input, placement->component);
        uint32_t site = risks_graph_find(&c->work->graph, placement->site);
        if (!component || site >= c->work->graph.sites)
            continue;
        c->own[site].vcpus += component->vcpus.value;
        c->own[site].memory_gib += component->memory_gib.value;
        c->own[site].disk_gib += component->disk_gib.value;
    }
}

static int64_t own_cards(const struct risks_input *input, const struct site *site,
                         const char *model)
{
    int64_t count = 0;
    for (size_t i = 0; input->solution && i < input->solution->placements.count; i++) {
        const struct solution_placement *placement = &input->solution->placements.items[i];
        if (!str_eq(placement->site, site->id) || !str_eq(placement->accelerator_model, model))
            continue;
        const struct requirement_component *component = component_of(input, placement->component);
        count += component && component->accelerator ? component->accelerator->count : 0;
    }
    return count;
}

/* Absent in the file is nothing given away. */
static struct opt_double used_of(struct opt_double allocated, double own)
{
    return (struct opt_double){allocated.set || own > 0, allocated.value + own};
}

static void look_at_site(struct cliffs *c, size_t number)
{
    const struct site *site = &c->work->graph.network->sites.items[number];
    const struct own *own = &c->own[number];
    struct risks_element element = {.kind = "site", .id = site->id};
    const struct place places[] = {
        {element, "vcpus", "vCPU", site->capacity.vcpus, used_of(site->allocated.vcpus, own->vcpus),
         false},
        {element, "memory_gib", "GiB", site->capacity.memory_gib,
         used_of(site->allocated.memory_gib, own->memory_gib), false},
        {element, "disk_gib", "GiB", site->capacity.disk_gib,
         used_of(site->allocated.disk_gib, own->disk_gib), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        look(c, &places[i]);
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *item = &site->accelerators.items[i];
        struct place place = {
            element,
            item->model ? item->model : "accelerator",
            "cards",
            {true, (double)item->count},
            {true, (double)(item->allocated + own_cards(c->work->input, site, item->model))},
            false};
        look(c, &place);
    }
}

static void add_link(struct cliffs *c, const struct network_link *link)
{
    struct arena *arena = c->work->arena;
    const char *there = arena_printf(arena, "%s—%s", link->a, link->b);
    const char *back = arena_printf(arena, "%s—%s", link->b, link->a);
    uintptr_t at = (uintptr_t)map_find(c->lines, there);
    struct place *place = at ? &c->line_places.items[at - 1] : NULL;
    if (!place) {
        place = LIST_ADD(arena, &c->line_places);
        *place = (struct place){
            {.kind = "link", .id = there}, "bandwidth_mbps", "Mbit/s", {true, 0}, {true, 0}, false};
        map_put(c->lines, there, (void *)c->line_places.count);
        map_put(c->lines, back, (void *)c->line_places.count);
    }
    place->wanting = place->wanting || !link->bandwidth_mbps.set;
    place->capacity.value += link->bandwidth_mbps.set ? link->bandwidth_mbps.value : 0;
    place->used.value += link->used_mbps.set ? link->used_mbps.value : 0;
}

/* What the solution's routes carry. */
static void add_traffic(struct cliffs *c)
{
    const struct solution *solution = c->work->input->solution;
    struct arena *arena = c->work->arena;
    for (size_t i = 0; solution && i < solution->routes.count; i++) {
        const struct solution_route *route = &solution->routes.items[i];
        for (size_t k = 1; route->bandwidth_mbps.set && k < route->path.count; k++) {
            const char *hop =
                arena_printf(arena, "%s—%s", route->path.items[k - 1], route->path.items[k]);
            uintptr_t at = (uintptr_t)map_find(c->lines, hop);
            if (at)
                c->line_places.items[at - 1].used.value += route->bandwidth_mbps.value;
        }
    }
}

/* A history may name a line from either end: it is kept under the name of the network file. */
static void index_history(struct cliffs *c, const struct risks_usage *usage)
{
    struct arena *arena = c->work->arena;
    for (size_t i = 0; usage && i < usage->series.count; i++) {
        struct risks_series *series = &usage->series.items[i];
        uintptr_t at = (uintptr_t)map_find(c->lines, series->entity);
        const char *entity = at ? c->line_places.items[at - 1].element.id : series->entity;
        map_put(c->history, key_of(arena, entity, series->resource), series);
    }
}

enum err_code risks_find_capacity(struct risks_work *work, struct err *err)
{
    CLEANUP(map_free_at) struct map *history = map_new();
    CLEANUP(map_free_at) struct map *lines = map_new();
    struct cliffs c = {.work = work, .history = history, .lines = lines};
    const struct network *network = work->graph.network;
    for (size_t i = 0; i < network->links.count; i++)
        add_link(&c, &network->links.items[i]);
    add_traffic(&c);
    c.own = arena_array(work->arena, network->sites.count + 1, sizeof *c.own);
    add_own(&c);
    index_history(&c, work->input->usage);
    for (size_t i = 0; i < network->sites.count; i++)
        look_at_site(&c, i);
    for (size_t i = 0; i < c.line_places.count; i++)
        look(&c, &c.line_places.items[i]);
    if (c.brief)
        risks_note(work,
                   arena_printf(work->arena,
                                "histories too short for a trend, of fewer than %d times: %zu",
                                RISKS_TREND_LEAST, c.brief));
    if (c.boundless)
        risks_note(work, arena_printf(work->arena, "histories of what has no known capacity: %zu",
                                      c.boundless));
    if (c.matched < map_count(history))
        risks_note(work, arena_printf(work->arena,
                                      "histories of the usage file that are of nothing in the "
                                      "network: %zu",
                                      map_count(history) - c.matched));
    return arena_check(work->arena, err);
}
