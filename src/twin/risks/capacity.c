/* capacity.c - where room ends: by what is free now, and by a robust trend of what was used.
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
#define BLOCKS 600 /* points a trend is worked out from; more are thinned to medians of blocks */
#define NORMAL_95 1.959964

/* ---- trend ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* At most BLOCKS points: each the medians of a run of points. */
static struct risks_point *thin(const struct risks_series *series, size_t *ret_count,
                                struct arena *arena)
{
    size_t n = series->points.count, blocks = n < BLOCKS ? n : BLOCKS;
    struct risks_point *out = arena_array(arena, blocks + 1, sizeof *out);
    double *values = mem_array(n / (blocks ? blocks : 1) + 2, sizeof *values);
    for (size_t i = 0; i < blocks; i++) {
        size_t begin = n * i / blocks, end = n * (i + 1) / blocks;
        for (size_t k = begin; k < end; k++)
            values[k - begin] = series->points.items[k].value;
        out[i] = (struct risks_point){series->points.items[begin + (end - begin - 1) / 2].day,
                                      median(values, end - begin)};
    }
    mem_free(values);
    *ret_count = blocks;
    return out;
}

void risks_trend(const struct risks_series *series, struct risks_trend *out, struct arena *arena)
{
    *out = (struct risks_trend){0};
    if (series->points.count < RISKS_TREND_LEAST)
        return;
    size_t n, pairs = 0;
    struct risks_point *points = thin(series, &n, arena);
    double *slopes = mem_array(n * (n - 1) / 2, sizeof *slopes);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            slopes[pairs++] = (points[k].value - points[i].value) / (points[k].day - points[i].day);
    out->known = true;
    out->points = n;
    out->slope = median(slopes, pairs);
    /* Kendall's variance without ties: with ties it is smaller, so the interval is not too short */
    double count = (double)n;
    double width = NORMAL_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18);
    double low = floor(((double)pairs - width) / 2), high = ceil(((double)pairs + width) / 2);
    out->slope_low = slopes[low > 0 ? (size_t)low : 0];
    out->slope_high = slopes[high < (double)pairs - 1 ? (size_t)high : pairs - 1];
    double last = points[n - 1].day;
    for (size_t i = 0; i < n; i++)
        slopes[i] = points[i].value + out->slope * (last - points[i].day);
    out->level = median(slopes, n);
    mem_free(slopes);
}

/* ---- sites and links ---- */

struct place { /* one resource of one site or line */
    struct risks_element element;
    const char *resource, *unit;
    struct opt_double capacity, used;
    bool wanting; /* of a line: some link's bandwidth or use is unknown */
};

struct cliffs {
    struct risks_work *work;
    struct map *history; /* entity NUL-free key → series */
    struct map *lines;   /* "a—b" in both orders → line + 1 */
    LIST(struct place) line_places;
    size_t matched;
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

/* Days from the last measurement to where the line meets the capacity. */
static double days_to(const struct risks_trend *trend, double capacity, double slope)
{
    if (trend->level >= capacity)
        return 0;
    return slope > 0 ? (capacity - trend->level) / slope : INFINITY;
}

static struct opt_double finite_days(double days)
{
    return (struct opt_double){isfinite(days), isfinite(days) ? days : 0};
}

static void tell_cliff(struct cliffs *c, const struct place *place, double used,
                       const struct risks_trend *trend)
{
    const struct risks_input *input = c->work->input;
    double threshold = input->headroom_percent > 0 ? input->headroom_percent : HEADROOM_DEFAULT;
    double horizon = input->horizon_days > 0 ? input->horizon_days : HORIZON_DEFAULT;
    double capacity = place->capacity.value;
    double percent = capacity > 0 ? 100 * (capacity - used) / capacity : 0;
    double days = trend->known ? days_to(trend, capacity, trend->slope) : INFINITY;
    bool cliff = capacity > 0 && percent < threshold;
    /* a slope whose interval holds 0 may be no growth at all */
    bool ends = trend->known && trend->slope_low > 0 && days <= horizon;
    if (!cliff && !ends)
        return;
    bool soon = (ends && days <= SOON_DAYS) || percent < TIGHT_PERCENT;
    struct risks_finding *finding =
        risks_add(c->work, RISKS_CAPACITY, soon ? RISKS_HIGH : RISKS_MEDIUM,
                  ends ? RISKS_EXHAUSTION : RISKS_HEADROOM);
    finding->element = place->element;
    finding->resource = place->resource;
    finding->observed = (struct opt_double){true, used};
    finding->required = (struct opt_double){true, capacity};
    finding->margin = (struct opt_double){true, capacity - used};
    finding->unit = place->unit;
    if (!trend->known || trend->slope <= 0)
        return;
    finding->days = finite_days(days);
    finding->days_low = finite_days(days_to(trend, capacity, trend->slope_high));
    finding->days_high = finite_days(days_to(trend, capacity, trend->slope_low));
}

static void look(struct cliffs *c, const struct place *place)
{
    const struct risks_series *series = history_of(c, place);
    struct risks_trend trend = {0};
    c->matched += series != NULL;
    if (!place->capacity.set || place->wanting)
        return;
    if (series)
        risks_trend(series, &trend, c->work->arena);
    if (series || place->used.set)
        tell_cliff(c, place,
                   trend.known ? trend.level
                   : series    ? series->points.items[series->points.count - 1].value
                               : place->used.value,
                   &trend);
}

static void look_at_site(struct cliffs *c, const struct site *site)
{
    struct risks_element element = {.kind = "site", .id = site->id};
    const struct place places[] = {
        {element, "vcpus", "vCPU", site->capacity.vcpus, site->allocated.vcpus, false},
        {element, "memory_gib", "GiB", site->capacity.memory_gib, site->allocated.memory_gib,
         false},
        {element, "disk_gib", "GiB", site->capacity.disk_gib, site->allocated.disk_gib, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        look(c, &places[i]);
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *item = &site->accelerators.items[i];
        struct place place = {element,
                              item->model ? item->model : "accelerator",
                              "cards",
                              {true, (double)item->count},
                              {true, (double)item->allocated},
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
    index_history(&c, work->input->usage);
    for (size_t i = 0; i < network->sites.count; i++)
        look_at_site(&c, &network->sites.items[i]);
    for (size_t i = 0; i < c.line_places.count; i++)
        look(&c, &c.line_places.items[i]);
    if (c.matched < map_count(history))
        risks_note(work, arena_printf(work->arena,
                                      "histories of the usage file that are of nothing in the "
                                      "network: %zu",
                                      map_count(history) - c.matched));
    return arena_check(work->arena, err);
}
