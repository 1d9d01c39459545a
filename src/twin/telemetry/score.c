/* score.c - how far each value is from what is normal for it.
 *
 * Contract: scores are finite or NaN (missing); a series' score does not depend on the order of
 * columns, on the origin of time, nor on the unit of its metric when all entities' columns of that
 * metric change it together.  O(cells) expected. */
#include <math.h>
#include <string.h>

#include "base/map.h"
#include "twin/telemetry/lasting.h"
#include "twin/telemetry/robust.h"
#include "twin/telemetry/telemetry.h"

#define LEAST_KNOWN 8        /* values before the window; fewer say nothing of a spread */
#define FLOOR_OWN 0.05       /* of the series' own level: smaller changes are no faults */
#define FLOOR_POOL 0.01      /* of what the metric usually is over all entities: idle ones */
#define FLOOR_SHARE 0.001    /* availability: of its scale, one in a thousand requests */
#define FLOOR_NOTHING 1e-9   /* of the largest value, when all of the above are zero */
#define REFERENCE_SHARE 0.97 /* an incident shorter than the rest does not hide the next */
#define SCORE_MOST 1e6
#define DAY_S 86400.0
#define BINS_MOST 96    /* a quarter of an hour each */
#define REPEATS 0.3     /* correlation of a day with the one before */
#define OUTLIER 4.0     /* scales; more weighs no more in it */
#define SEASON_GAIN 0.7 /* the time of day must narrow the spread to this */

struct pool { /* one metric over all entities */
    double typical, largest;
    size_t count, at;
    double *levels;
};

struct work {
    double *values; /* [rows] scratch */
    double *bins;   /* [BINS_MOST] medians of the time of day of one series */
    size_t bin_count;
    size_t day;    /* rows of a day */
    size_t *bin;   /* [rows] time of day */
    size_t *order; /* rows of the history by bin; */
    size_t *start; /* [bin_count + 1] where each bin begins in it */
};

static size_t take_known(const double *values, size_t rows, double *out)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(values[i]))
            out[count++] = values[i];
    return count;
}

/* Half a spread that is one deviation of a normal law, by the wider of the quartiles and the outer
 * twentieths: the latter see series that rest most of the time. */
static double spread(double *values, size_t count)
{
    double inner =
        telemetry_quantile(values, count, 0.75) - telemetry_quantile(values, count, 0.25);
    double outer =
        telemetry_quantile(values, count, 0.95) - telemetry_quantile(values, count, 0.05);
    return fmax(inner / 1.349, outer / 3.29);
}

/* ---- the level that a metric has over all entities ---- */

static struct pool **pool_levels(const struct telemetry_table *table, size_t base,
                                 struct telemetry_normal *normal, struct work *work,
                                 struct arena *arena)
{
    CLEANUP(map_free_at) struct map *by_metric = map_new();
    struct pool **pools = arena_array(arena, table->count, sizeof(struct pool *));
    for (size_t s = 0; s < table->count; s++) {
        struct pool *pool = map_find(by_metric, table->series[s].metric);
        if (!pool)
            map_put(by_metric, table->series[s].metric, pool = arena_zalloc(arena, sizeof *pool));
        pools[s] = pool;
        pool->count++;
    }
    for (size_t s = 0; s < table->count; s++) {
        const double *values = table->values + s * table->rows;
        size_t count = take_known(values, base, work->values);
        struct pool *pool = pools[s];
        normal[s].present = base ? (double)count / (double)base : 0;
        normal[s].known = count >= LEAST_KNOWN;
        for (size_t i = 0, run = 0; i < base; i++) {
            run = isnan(values[i]) ? run + 1 : 0;
            normal[s].gap = run > normal[s].gap ? run : normal[s].gap;
        }
        if (!pool->levels)
            pool->levels = arena_array(arena, pool->count, sizeof *pool->levels);
        if (!normal[s].known)
            continue;
        normal[s].centre = telemetry_quantile(work->values, count, 0.5);
        normal[s].scale = spread(work->values, count);
        if (normal[s].centre != 0)
            pool->levels[pool->at++] = fabs(normal[s].centre);
        for (size_t i = 0; i < count; i++)
            pool->largest = fmax(pool->largest, fabs(work->values[i]));
    }
    for (size_t s = 0; s < table->count; s++)
        if (pools[s]->at) {
            pools[s]->typical = telemetry_quantile(pools[s]->levels, pools[s]->at, 0.5);
            pools[s]->at = 0; /* once per pool */
        }
    return pools;
}

static double floor_of(const struct telemetry_series *series, double centre,
                       const struct pool *pool)
{
    double least = FLOOR_NOTHING * pool->largest;
    if (series->class == TELEMETRY_AVAILABILITY)
        return fmax(FLOOR_SHARE * pool->largest, least);
    return fmax(hypot(FLOOR_OWN * centre, FLOOR_POOL * pool->typical), least);
}

/* ---- time of day ---- */

/* Rows of the history by their time of day; once for a table.  No bins: history is shorter than two
 * days, or its steps are too wide to see one. */
static void plan_season(const struct telemetry_table *table, size_t base, struct work *work,
                        struct arena *arena)
{
    if (base < 2 || table->step_s <= 0 || table->step_s > DAY_S / 12 ||
        table->times[base - 1] - table->times[0] < 2 * DAY_S - 2 * table->step_s)
        return;
    double steps = DAY_S / table->step_s;
    work->bin_count = steps > BINS_MOST ? BINS_MOST : (size_t)steps;
    work->day = (size_t)(steps + 0.5);
    work->bin = arena_array(arena, table->rows, sizeof *work->bin);
    work->start = arena_array(arena, work->bin_count + 1, sizeof *work->start);
    work->order = arena_array(arena, base, sizeof *work->order);
    for (size_t i = 0; i < table->rows; i++) {
        double day = fmod(table->times[i] - table->times[0], DAY_S) / DAY_S;
        size_t bin = (size_t)(day * (double)work->bin_count);
        work->bin[i] = bin < work->bin_count ? bin : work->bin_count - 1;
        if (i < base)
            work->start[work->bin[i] + 1]++;
    }
    for (size_t b = 0; b < work->bin_count; b++)
        work->start[b + 1] += work->start[b];
    size_t *next = arena_memdup(arena, work->start, work->bin_count * sizeof *next);
    for (size_t i = 0; i < base; i++)
        work->order[next[work->bin[i]]++] = i;
}

/* Is a day at all like the day before?  A look before the work: correlation at a day's distance. */
static bool repeats(const double *values, const struct telemetry_normal *normal,
                    const struct work *work, size_t base)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (size_t i = 0; i + work->day < base; i++) {
        if (isnan(values[i]) || isnan(values[i + work->day]))
            continue;
        double x = (values[i] - normal->centre) / normal->scale;
        double y = (values[i + work->day] - normal->centre) / normal->scale;
        x = fmax(-OUTLIER, fmin(OUTLIER, x));
        y = fmax(-OUTLIER, fmin(OUTLIER, y));
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    double vx = sxx - sx * sx / n, vy = syy - sy * sy / n;
    return n >= LEAST_KNOWN && vx > 0 && vy > 0 && sxy - sx * sy / n > REPEATS * sqrt(vx * vy);
}

/* Medians by time of day, each over its bin and the two beside it; false when the time of day does
 * not tell. */
static bool find_season(size_t base, const double *values, struct telemetry_normal *normal,
                        struct work *work)
{
    size_t bins = work->bin_count, kept = 0;
    if (bins == 0 || normal->scale <= 0 || !repeats(values, normal, work, base))
        return false;
    for (size_t b = 0; b < bins; b++) {
        size_t count = 0;
        for (size_t k = bins - 1; k <= bins + 1; k++) {
            size_t near = (b + k) % bins;
            for (size_t i = work->start[near]; i < work->start[near + 1]; i++)
                if (!isnan(values[work->order[i]]))
                    work->values[count++] = values[work->order[i]];
        }
        work->bins[b] = count >= 4 ? telemetry_quantile(work->values, count, 0.5) : normal->centre;
    }
    for (size_t i = 0; i < base; i++)
        if (!isnan(values[i]))
            work->values[kept++] = values[i] - work->bins[work->bin[i]];
    double left = spread(work->values, kept);
    if (left > SEASON_GAIN * normal->scale)
        return false;
    normal->scale = left;
    return true;
}

/* ---- scores ---- */

/* What lasts `persist` known values that end at the row: the least of them up to three, the mean
 * beyond, where one spike among many weighs little. */
double telemetry_lasting(const float *scores, size_t from, size_t row, size_t persist,
                         double direction)
{
    size_t known = 0;
    double least = INFINITY, sum = 0;
    for (size_t i = row + 1; i > from && known < persist; i--) {
        double score = (double)scores[i - 1] * direction;
        if (isnan(score))
            continue;
        least = fmin(least, score);
        sum += fmin(score, 100);
        known++;
    }
    if (known < persist)
        return -INFINITY;
    return persist <= 3 ? least : sum / (double)known;
}

static double reference_of(const float *scores, size_t base, size_t persist, int direction,
                           double *scratch)
{
    double most = TELEMETRY_REFERENCE_LEAST;
    for (int side = -1; side <= 1; side += 2) {
        size_t count = 0;
        if (direction == -side)
            continue;
        for (size_t i = 0; i < base; i++) {
            double value =
                isnan(scores[i]) ? -INFINITY : telemetry_lasting(scores, 0, i, persist, side);
            if (isfinite(value))
                scratch[count++] = value;
        }
        if (count)
            most = fmax(most, telemetry_quantile(scratch, count, REFERENCE_SHARE));
    }
    return most;
}

enum err_code telemetry_score(const struct telemetry_table *table, size_t base, size_t persist,
                              struct telemetry_scores *out, struct arena *arena, struct err *err)
{
    double bins[BINS_MOST];
    size_t rows = table->rows;
    *out = (struct telemetry_scores){.table = table, .base = base, .persist = persist};
    out->normal = arena_array(arena, table->count, sizeof *out->normal);
    out->signed_score = arena_alloc(arena, table->count * rows * sizeof *out->signed_score);
    struct work work = {.values = arena_array(arena, rows, sizeof(double)), .bins = bins};
    enum err_code rc = arena_check(arena, err);
    if (rc)
        return rc;
    plan_season(table, base, &work, arena);
    struct pool **pools = pool_levels(table, base, out->normal, &work, arena);
    for (size_t s = 0; s < table->count; s++) {
        struct telemetry_normal *normal = &out->normal[s];
        const double *values = table->values + s * rows;
        float *scores = out->signed_score + s * rows;
        normal->reference = TELEMETRY_REFERENCE_LEAST;
        if (normal->known)
            normal->seasonal = find_season(base, values, normal, &work);
        double least = floor_of(&table->series[s], normal->centre, pools[s]);
        normal->scale = hypot(normal->scale, least);
        if (!(normal->scale > 0) || !isfinite(normal->scale))
            normal->scale = 1;
        for (size_t i = 0; i < rows; i++) {
            double centre = normal->seasonal ? bins[work.bin[i]] : normal->centre;
            double score = (values[i] - centre) / normal->scale;
            scores[i] = normal->known && !isnan(score)
                            ? (float)fmax(-SCORE_MOST, fmin(SCORE_MOST, score))
                            : NAN;
        }
        if (normal->known)
            normal->reference =
                reference_of(scores, base, persist, table->series[s].direction, work.values);
    }
    return arena_check(arena, err);
}
