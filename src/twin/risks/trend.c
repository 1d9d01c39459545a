/* trend.c - a robust line through a history of use, and when it meets a capacity.
 *
 * The line is that of Theil and Sen (Sen 1968), its interval from Kendall's variance.  Room ends at
 * peaks, not on average: a history with several values a day is taken by its daily maxima, and
 * where weekdays differ clearly, all of them are raised to the one that is highest.
 *
 * Contract: O(n²) on at most BLOCKS points; what history is too short for is said, not guessed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/risks/risks_priv.h"

#define BLOCKS 600 /* points a trend is worked out from; more are thinned to medians of blocks */
#define NORMAL_95 1.959964
#define DENSE_DAYS 0.25  /* between points, on average: then days are taken by their maxima */
#define WEEKLY_LEAST 4   /* of each weekday, below which no week is seen */
#define WEEKLY_SHARE 0.5 /* of the mean deviation must go when weekdays are taken out */
#define REACH 10         /* times its span that a history tells of */

struct points {
    struct risks_point *items;
    size_t count;
};

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

/* ---- daily maxima ---- */

static size_t end_of_day(const struct points *given, size_t begin)
{
    size_t end = begin;
    while (end < given->count && floor(given->items[end].day) <= floor(given->items[begin].day))
        end++;
    return end;
}

/* Days with less than half of the usual number of points are left out: the first and the last are
 * seldom whole. */
static bool take_daily_peaks(const struct points *given, struct points *out, struct arena *arena)
{
    size_t days = 0, n = given->count;
    double span = given->items[n - 1].day - given->items[0].day;
    if (span / (double)(n - 1) > DENSE_DAYS || span < RISKS_TREND_LEAST)
        return false;
    double *counts = mem_array(n, sizeof *counts);
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of_day(given, i);
        counts[days++] = (double)(end - i);
    }
    double usual = median(counts, days);
    mem_free(counts);
    *out = (struct points){arena_array(arena, days, sizeof *out->items), 0};
    for (size_t i = 0, end; i < n; i = end) {
        struct risks_point peak = {floor(given->items[i].day) + 0.5, given->items[i].value};
        end = end_of_day(given, i);
        for (size_t k = i; k < end; k++)
            peak.value = fmax(peak.value, given->items[k].value);
        if ((double)(end - i) >= usual / 2)
            out->items[out->count++] = peak;
    }
    return out->count >= RISKS_TREND_LEAST;
}

/* At most BLOCKS points: each the medians of a run of points. */
static struct points thin(const struct points *given, struct arena *arena)
{
    size_t n = given->count, blocks = n < BLOCKS ? n : BLOCKS;
    struct points out = {arena_array(arena, blocks + 1, sizeof *out.items), blocks};
    double *values = mem_array(n / (blocks ? blocks : 1) + 2, sizeof *values);
    for (size_t i = 0; i < blocks; i++) {
        size_t begin = n * i / blocks, end = n * (i + 1) / blocks;
        for (size_t k = begin; k < end; k++)
            values[k - begin] = given->items[k].value;
        out.items[i] = (struct risks_point){given->items[begin + (end - begin - 1) / 2].day,
                                            median(values, end - begin)};
    }
    mem_free(values);
    return out;
}

/* ---- the line ---- */

/* Rising slopes of all pairs; how many. */
static size_t list_slopes(const struct points *points, double *slopes)
{
    size_t pairs = 0;
    for (size_t i = 0; i < points->count; i++)
        for (size_t k = i + 1; k < points->count; k++)
            slopes[pairs++] = (points->items[k].value - points->items[i].value) /
                              (points->items[k].day - points->items[i].day);
    qsort(slopes, pairs, sizeof *slopes, by_value);
    return pairs;
}

static double middle(const double *sorted, size_t count)
{
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static size_t weekday(double day)
{
    return (size_t)(fmod(fmod(floor(day), 7) + 7, 7));
}

/* Of weekdays that cannot be told from the highest one the mean: the largest of several alike is
 * too high.  `error` is that of one. */
static double highest_of(const double days[7], double error)
{
    double most = -INFINITY, sum = 0;
    size_t count = 0;
    for (size_t w = 0; w < 7; w++)
        most = fmax(most, days[w]);
    for (size_t w = 0; w < 7; w++)
        if (days[w] >= most - 2 * error) {
            sum += days[w];
            count++;
        }
    return sum / (double)count;
}

/* Raises each point by what its weekday is below the highest one; false: no week is to be seen. */
static bool take_out_week(struct points *points, double slope)
{
    double *rests = mem_array(points->count, sizeof *rests);
    double days[7] = {0}, before = 0, after = 0;
    bool seen = true;
    for (size_t w = 0; w < 7 && seen; w++) {
        size_t count = 0;
        for (size_t i = 0; i < points->count; i++)
            if (weekday(points->items[i].day) == w)
                rests[count++] = points->items[i].value - slope * points->items[i].day;
        seen = count >= WEEKLY_LEAST;
        days[w] = seen ? median(rests, count) : 0;
    }
    for (size_t i = 0; i < points->count; i++)
        rests[i] = points->items[i].value - slope * points->items[i].day;
    double centre = median(rests, points->count);
    for (size_t i = 0; i < points->count; i++) {
        double rest = points->items[i].value - slope * points->items[i].day;
        before += fabs(rest - centre);
        after += fabs(rest - days[weekday(points->items[i].day)]);
    }
    seen = seen && before > 0 && after <= WEEKLY_SHARE * before;
    /* of the median of a weekday, from the mean deviation of normal rests: (π/2) / √count of it */
    double error = 1.57 * after / (double)points->count / sqrt((double)points->count / 7);
    double highest = highest_of(days, error);
    for (size_t i = 0; i < points->count && seen; i++)
        points->items[i].value += highest - days[weekday(points->items[i].day)];
    mem_free(rests);
    return seen;
}

/* Where the line of that slope stands at the last time: its median, and the order statistics that
 * hold it with 95 %. */
struct level {
    double low, middle, high;
};

static struct level level_of(const struct points *points, double slope, double last,
                             double *scratch)
{
    double n = (double)points->count, width = NORMAL_95 * sqrt(n) / 2;
    double low = floor(n / 2 - width), high = ceil(n / 2 + width);
    for (size_t i = 0; i < points->count; i++)
        scratch[i] = points->items[i].value + slope * (last - points->items[i].day);
    double centre = median(scratch, points->count);
    return (struct level){scratch[low > 0 ? (size_t)low : 0], centre,
                          scratch[high < n - 1 ? (size_t)high : points->count - 1]};
}

void risks_trend(const struct risks_series *series, struct risks_trend *out, struct arena *arena)
{
    struct points points = {series->points.items, series->points.count}, peaks;
    *out = (struct risks_trend){.points = points.count};
    if (points.count < RISKS_TREND_LEAST) {
        out->why = arena_printf(arena, "the history has too few times: %zu of %d", points.count,
                                RISKS_TREND_LEAST);
        return;
    }
    double last = points.items[points.count - 1].day;
    out->span = last - points.items[0].day;
    out->daily = take_daily_peaks(&points, &peaks, arena);
    points = thin(out->daily ? &peaks : &points, arena);
    size_t n = points.count;
    double *slopes = mem_array(n * (n - 1) / 2, sizeof *slopes);
    double *scratch = mem_array(n, sizeof *scratch);
    size_t pairs = list_slopes(&points, slopes);
    out->weekly = take_out_week(&points, middle(slopes, pairs));
    if (out->weekly)
        pairs = list_slopes(&points, slopes);
    out->known = true;
    out->points = n;
    out->slope = middle(slopes, pairs);
    /* Kendall's variance without ties: with ties it is smaller, so the interval is not too short */
    double count = (double)n, width = NORMAL_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18);
    double low = floor(((double)pairs - width) / 2), high = ceil(((double)pairs + width) / 2);
    out->slope_low = slopes[low > 0 ? (size_t)low : 0];
    out->slope_high = slopes[high < (double)pairs - 1 ? (size_t)high : pairs - 1];
    out->level = level_of(&points, out->slope, last, scratch).middle;
    out->level_low = level_of(&points, out->slope_low, last, scratch).low;
    out->level_high = level_of(&points, out->slope_high, last, scratch).high;
    mem_free(slopes);
    mem_free(scratch);
}

static struct opt_double days_to(double level, double slope, double capacity)
{
    if (level >= capacity)
        return (struct opt_double){true, 0};
    double days = slope > 0 ? (capacity - level) / slope : INFINITY;
    return (struct opt_double){isfinite(days), isfinite(days) ? days : 0};
}

void risks_trend_days(const struct risks_trend *trend, double capacity, struct opt_double *ret_days,
                      struct opt_double *ret_low, struct opt_double *ret_high)
{
    *ret_days = days_to(trend->level, trend->slope, capacity);
    *ret_low = days_to(trend->level_high, trend->slope_high, capacity);
    *ret_high = days_to(trend->level_low, trend->slope_low, capacity);
}

bool risks_trend_reaches(const struct risks_trend *trend, double days)
{
    return days <= REACH * trend->span;
}
