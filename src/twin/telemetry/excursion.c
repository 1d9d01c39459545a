/* excursion.c - when a series left its normal band, how far, with whom, in words.
 *
 * Contract: rows outside [from, to) are not looked at, except that an onset is traced back to
 * `earliest`; answers are finite. */
#include <math.h>

#include "base/clock.h"
#include "twin/telemetry/lasting.h"
#include "twin/telemetry/telemetry.h"

#define BAND 2.0        /* scales from normal where an excursion begins */
#define MOVE_MOST 60    /* beyond this a deviation weighs no more in a correlation */
#define SILENCE_LEAST 3 /* rows */
#define PRESENT 0.9     /* of the history: what comes and goes is not silent when it is gone */
#define LEAST_PAIRS 4   /* rows with both values */

void telemetry_excursion_find(const struct telemetry_scores *scores, size_t series, size_t from,
                              size_t to, struct telemetry_excursion *out)
{
    const float *row = scores->signed_score + series * scores->table->rows;
    const struct telemetry_normal *normal = &scores->normal[series];
    int direction = scores->table->series[series].direction;
    double best = 0;
    *out = (struct telemetry_excursion){.peak = from};
    if (!normal->known)
        return;
    for (int side = -1; side <= 1; side += 2) {
        if (direction == -side)
            continue;
        for (size_t i = from; i < to; i++) {
            if (isnan(row[i]))
                continue;
            double value = telemetry_lasting(row, from, i, scores->persist, side);
            if (isfinite(value) && value > best) {
                best = value;
                *out = (struct telemetry_excursion){.score = value * side, .peak = i};
            }
        }
    }
    out->severity = fmax(0, log2((best / normal->reference + 1) / 2));
}

size_t telemetry_silence(const struct telemetry_scores *scores, size_t series, size_t to)
{
    const double *values = scores->table->values + series * scores->table->rows;
    const struct telemetry_normal *normal = &scores->normal[series];
    size_t first = to;
    while (first > 0 && isnan(values[first - 1]))
        first--;
    bool long_enough = to - first >= SILENCE_LEAST && to - first > 2 * normal->gap;
    return normal->known && normal->present >= PRESENT && long_enough ? first : to;
}

/* Where [from, to] splits best into two levels: greatest likelihood with one variance. */
static size_t split_at(const float *row, size_t from, size_t to)
{
    double total = 0, sum = 0, best = 0;
    size_t count = 0, seen = 0, at = to;
    for (size_t i = from; i <= to; i++)
        if (!isnan(row[i])) {
            total += fmax(-MOVE_MOST, fmin(MOVE_MOST, (double)row[i]));
            count++;
        }
    for (size_t i = from; i <= to; i++) {
        if (isnan(row[i]))
            continue;
        if (seen > 0) {
            double before = sum / (double)seen;
            double after = (total - sum) / (double)(count - seen);
            double gain = (after - before) * (after - before) * (double)seen *
                          (double)(count - seen) / (double)count;
            if (gain > best) {
                best = gain;
                at = i;
            }
        }
        sum += fmax(-MOVE_MOST, fmin(MOVE_MOST, (double)row[i]));
        seen++;
    }
    return at;
}

size_t telemetry_onset(const struct telemetry_scores *scores, size_t series, size_t earliest,
                       const struct telemetry_excursion *excursion)
{
    const float *row = scores->signed_score + series * scores->table->rows;
    double side = excursion->score < 0 ? -1 : 1;
    double band = fmin(BAND, 0.5 * fabs(excursion->score));
    size_t run = excursion->peak;
    for (size_t i = excursion->peak, out = 0; i > earliest && out < 2; i--) {
        double score = (double)row[i - 1] * side;
        if (isnan(score))
            continue;
        if (score > band) {
            run = i - 1;
            out = 0;
        } else {
            out++;
        }
    }
    size_t before = 4 * (excursion->peak - run) + 8;
    size_t from = run > earliest + before ? run - before : earliest;
    size_t split = split_at(row, from, excursion->peak);
    return split < run ? split : run;
}

/* ---- moving together ---- */

static double move(const struct telemetry_scores *scores, size_t series, size_t row)
{
    double score = (double)scores->signed_score[series * scores->table->rows + row];
    /* fmin and fmax would turn a missing value into the bound */
    return isnan(score) ? score : fmax(-MOVE_MOST, fmin(MOVE_MOST, score));
}

static double correlation(const struct telemetry_scores *scores, size_t a, size_t b, size_t from,
                          size_t to, ptrdiff_t lag)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (size_t i = from; i < to; i++) {
        ptrdiff_t j = (ptrdiff_t)i + lag;
        if (j < (ptrdiff_t)from || j >= (ptrdiff_t)to)
            continue;
        double x = move(scores, a, i), y = move(scores, b, (size_t)j);
        if (isnan(x) || isnan(y))
            continue;
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    double vx = sxx - sx * sx / n, vy = syy - sy * sy / n;
    if (n < LEAST_PAIRS || vx <= 1e-9 * sxx || vy <= 1e-9 * syy)
        return 0;
    return (sxy - sx * sy / n) / sqrt(vx * vy);
}

double telemetry_together(const struct telemetry_scores *scores, size_t a, size_t b, size_t from,
                          size_t to, size_t lag)
{
    const struct telemetry_series *x = &scores->table->series[a], *y = &scores->table->series[b];
    double best = -1;
    for (ptrdiff_t shift = -(ptrdiff_t)lag; shift <= (ptrdiff_t)lag; shift++) {
        double r = correlation(scores, a, b, from, to, shift);
        r = x->direction && y->direction ? r * x->direction * y->direction : fabs(r);
        best = fmax(best, r - 0.05 * (double)(shift < 0 ? -shift : shift));
    }
    return best;
}

/* ---- words ---- */

const char *telemetry_words(const struct telemetry_scores *scores, size_t series,
                            const struct telemetry_excursion *excursion, size_t onset,
                            struct arena *arena)
{
    const struct telemetry_table *table = scores->table;
    const struct telemetry_normal *normal = &scores->normal[series];
    double peak = table->values[series * table->rows + excursion->peak];
    double usual =
        peak - (double)scores->signed_score[series * table->rows + excursion->peak] * normal->scale;
    char when[CLOCK_TEXT_SIZE];
    clock_format((int64_t)(table->times[onset] * 1000), when);
    const char *times = "";
    if (usual > 0 && peak > 2 * usual)
        times = arena_printf(arena, " (%.3g times)", peak / usual);
    return arena_printf(arena, "%s:%s %s from %.4g%s to %.4g%s, %.3g scales from normal, since %s",
                        table->series[series].entity, table->series[series].metric,
                        excursion->score < 0 ? "fell" : "rose", usual,
                        normal->seasonal ? " (usual at this hour)" : "", peak, times,
                        fabs(excursion->score), when);
}
