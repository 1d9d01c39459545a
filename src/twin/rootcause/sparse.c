/* sparse.c - orthogonal least squares, forward, with bounds (Chen, Billings, Luo 1989; Efroymson
 * 1960 for the steps back).
 *
 * Contract: values are finite; O(parts × chosen²) a choice.  Weights are those of ordinary least
 * squares on what was chosen; a part whose weight leaves its bounds is closed, not clipped: it
 * stands on the wrong side of the sum. */
#include <math.h>
#include <string.h>

#include "twin/rootcause/sparse.h"

#define ALIKE 1e-4        /* share of a part's square that must be left for it to be another */
#define ENTER 3.5         /* certainty, rows counted whole, that a part needs to come in … */
#define LEAVE 3.0         /* … and to stay, rows counted for what they are worth */
#define ROUNDS_PER_PART 4 /* choices tried at most, times the parts that fit in */

void rootcause_parts_init(struct rootcause_parts *parts, size_t count, size_t rows,
                          struct arena *arena)
{
    *parts = (struct rootcause_parts){.count = count, .rows = rows};
    parts->values = arena_array(arena, count * rows, sizeof *parts->values);
    parts->products = arena_array(arena, count * count, sizeof *parts->products);
    parts->means = arena_array(arena, count, sizeof *parts->means);
    parts->scratch = arena_array(arena, 3 * count + 2 * rows, sizeof *parts->scratch);
    parts->closed = arena_array(arena, count, sizeof *parts->closed);
}

bool rootcause_centre(double *values, size_t rows, double *ret_mean)
{
    double sum = 0, square = 0;
    size_t last = rows;
    for (size_t i = 0; i < rows; i++) { /* straight lines over gaps */
        if (isnan(values[i]))
            continue;
        size_t from = last == rows ? 0 : last + 1;
        for (size_t k = from; k < i; k++)
            values[k] = last == rows ? values[i]
                                     : values[last] + (values[i] - values[last]) *
                                                          (double)(k - last) / (double)(i - last);
        last = i;
    }
    if (last == rows)
        return false;
    for (size_t k = last + 1; k < rows; k++)
        values[k] = values[last];
    for (size_t i = 0; i < rows; i++)
        sum += values[i];
    *ret_mean = sum / (double)rows;
    for (size_t i = 0; i < rows; i++) {
        values[i] -= sum / (double)rows;
        square += values[i] * values[i];
    }
    return square > 0 && isfinite(square);
}

static double product(const double *a, const double *b, size_t rows)
{
    double sum[4] = {0}; /* apart, so that they can be added side by side */
    size_t i = 0;
    for (; i + 4 <= rows; i += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < rows; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void rootcause_parts_ready(struct rootcause_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        parts->closed[i] =
            !rootcause_centre(parts->values + i * parts->rows, parts->rows, &parts->means[i]);
    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k <= i; k++) {
            double value = parts->closed[i] || parts->closed[k]
                               ? 0
                               : product(parts->values + i * parts->rows,
                                         parts->values + k * parts->rows, parts->rows);
            parts->products[i * parts->count + k] = parts->products[k * parts->count + i] = value;
        }
}

/* ---- a few chosen ones ---- */

struct chosen { /* Cholesky's factor of their products: lower, row by row */
    size_t count, part[ROOTCAUSE_PARTS];
    double factor[ROOTCAUSE_PARTS][ROOTCAUSE_PARTS];
};

static double product_of(const struct rootcause_parts *parts, size_t a, size_t b)
{
    return parts->products[a * parts->count + b];
}

/* The new one's row of the factor; what is left of its square goes to ret_left. */
static void row_of(const struct rootcause_parts *parts, const struct chosen *set, size_t part,
                   double *row, double *ret_left)
{
    double left = product_of(parts, part, part);
    for (size_t m = 0; m < set->count; m++) {
        double value = product_of(parts, part, set->part[m]);
        for (size_t n = 0; n < m; n++)
            value -= row[n] * set->factor[m][n];
        row[m] = value / set->factor[m][m];
        left -= row[m] * row[m];
    }
    *ret_left = left;
}

static bool add_part(const struct rootcause_parts *parts, struct chosen *set, size_t part)
{
    double left, *row = set->factor[set->count];
    row_of(parts, set, part, row, &left);
    if (left <= ALIKE * product_of(parts, part, part))
        return false;
    row[set->count] = sqrt(left);
    set->part[set->count++] = part;
    return true;
}

/* Solves products × out = with. */
static void back(const struct chosen *set, const double *with, double *out)
{
    double half[ROOTCAUSE_PARTS];
    for (size_t m = 0; m < set->count; m++) {
        half[m] = with[m];
        for (size_t n = 0; n < m; n++)
            half[m] -= set->factor[m][n] * half[n];
        half[m] /= set->factor[m][m];
    }
    for (size_t m = set->count; m > 0; m--) {
        out[m - 1] = half[m - 1];
        for (size_t n = m; n < set->count; n++)
            out[m - 1] -= set->factor[n][m - 1] * out[n];
        out[m - 1] /= set->factor[m - 1][m - 1];
    }
}

/* Weights when the means must add up as well: least squares through the origin, which is the same
 * with the means' products added (Sherman and Morrison 1950). */
static void make_whole(const struct rootcause_parts *parts, const struct chosen *set, double mean,
                       const double *weight, double *out)
{
    double toward[ROOTCAUSE_PARTS] = {0}, with[ROOTCAUSE_PARTS] = {0}, rows = (double)parts->rows,
           along = 0;
    double missing = mean;
    for (size_t m = 0; m < set->count; m++) {
        with[m] = parts->means[set->part[m]];
        missing -= weight[m] * with[m];
    }
    back(set, with, toward);
    for (size_t m = 0; m < set->count; m++)
        along += with[m] * toward[m];
    for (size_t m = 0; m < set->count; m++)
        out[m] = weight[m] + rows * missing * toward[m] / (1 + rows * along);
}

/* Weights and the diagonal of the inverse of the products. */
static void solve(const struct chosen *set, const double *with_target, double *weight,
                  double *inverse)
{
    double with[ROOTCAUSE_PARTS];
    for (size_t m = 0; m < set->count; m++)
        with[m] = with_target[set->part[m]];
    back(set, with, weight);
    for (size_t k = 0; k < set->count; k++) { /* a column of the factor's inverse, squared */
        double column[ROOTCAUSE_PARTS] = {0};
        inverse[k] = 0;
        for (size_t m = k; m < set->count; m++) {
            column[m] = m == k;
            for (size_t n = k; n < m; n++)
                column[m] -= set->factor[m][n] * column[n];
            column[m] /= set->factor[m][m];
            inverse[k] += column[m] * column[m];
        }
    }
}

/* What is left of the target, its square, and how many rows it is worth. */
static double left_over(const struct rootcause_parts *parts, const double *target,
                        const struct chosen *set, const double *weight, double *left,
                        double *ret_rows)
{
    double square = 0, next = 0;
    memcpy(left, target, parts->rows * sizeof *left);
    for (size_t m = 0; m < set->count; m++) {
        const double *values = parts->values + set->part[m] * parts->rows;
        for (size_t i = 0; i < parts->rows; i++)
            left[i] -= weight[m] * values[i];
    }
    for (size_t i = 0; i < parts->rows; i++) {
        square += left[i] * left[i];
        next += i ? left[i] * left[i - 1] : 0;
    }
    double memory = square > 0 ? fmax(0, fmin(0.99, next / square)) : 0;
    *ret_rows = (double)parts->rows * (1 - memory) / (1 + memory);
    return square;
}

static bool drop_part(const struct rootcause_parts *parts, struct chosen *set, size_t which)
{
    struct chosen rest = {0};
    for (size_t m = 0; m < set->count; m++)
        if (m != which && !add_part(parts, &rest, set->part[m]))
            return false;
    *set = rest;
    return true;
}

/* ---- choosing ---- */

static size_t next_part(const struct rootcause_parts *parts, const struct chosen *set,
                        const double *with_target, const double *favour, const bool *closed,
                        double *ret_gain)
{
    size_t best = parts->count;
    double most = 0, half[ROOTCAUSE_PARTS];
    for (size_t m = 0; m < set->count; m++) {
        half[m] = with_target[set->part[m]];
        for (size_t n = 0; n < m; n++)
            half[m] -= set->factor[m][n] * half[n];
        half[m] /= set->factor[m][m];
    }
    for (size_t i = 0; i < parts->count; i++) {
        double row[ROOTCAUSE_PARTS], left, with = with_target[i];
        if (closed[i])
            continue;
        row_of(parts, set, i, row, &left);
        for (size_t m = 0; m < set->count; m++)
            with -= row[m] * half[m];
        if (left <= ALIKE * product_of(parts, i, i) || with <= 0)
            continue;
        double gain = with * with / left;
        if (gain * favour[i] > most) {
            most = gain * favour[i];
            *ret_gain = gain;
            best = i;
        }
    }
    return best;
}

/* Which of the chosen has a weight that cannot be; the set's count when none has. */
static size_t out_of_bounds(const struct chosen *set, const double *weight, const double *most)
{
    for (size_t m = set->count; m > 0; m--)
        if (weight[m - 1] <= 0 || weight[m - 1] > most[set->part[m - 1]])
            return m - 1;
    return set->count;
}

static void weigh(const struct rootcause_parts *parts, const double *target,
                  const struct chosen *set, const double *with_target, double *left,
                  struct rootcause_fit *out)
{
    double inverse[ROOTCAUSE_PARTS];
    solve(set, with_target, out->weight, inverse);
    double square = left_over(parts, target, set, out->weight, left, &out->rows);
    double free = fmax(1, out->rows - (double)set->count - 1);
    /* of a row; an error of nothing would make everything certain */
    out->error = sqrt(square / (double)parts->rows * out->rows / free);
    out->count = set->count;
    for (size_t m = 0; m < set->count; m++) {
        double error = out->error * sqrt(inverse[m] * (double)parts->rows / out->rows);
        out->part[m] = set->part[m];
        out->certain[m] = error > 0 ? fmin(1e3, out->weight[m] / error) : 1e3;
    }
}

void rootcause_fit_parts(const struct rootcause_parts *parts, const double *target, double mean,
                         const double *most, const double *favour, struct rootcause_fit *out)
{
    struct chosen set = {0};
    double *with_target = parts->scratch, *left = parts->scratch + parts->count;
    bool *closed = parts->closed;
    double square = product(target, target, parts->rows), rest = square;
    *out = (struct rootcause_fit){.error = sqrt(square / (double)parts->rows)};
    for (size_t i = 0; i < parts->count; i++)
        with_target[i] =
            closed[i] ? 0 : product(target, parts->values + i * parts->rows, parts->rows);
    for (size_t round = 0; round < ROUNDS_PER_PART * ROOTCAUSE_PARTS + parts->count; round++) {
        double gain = 0, rows;
        if (set.count == ROOTCAUSE_PARTS)
            break;
        size_t part = next_part(parts, &set, with_target, favour, closed, &gain);
        double free = (double)parts->rows - (double)set.count - 2;
        if (part == parts->count || gain < ENTER * ENTER * fmax(0, rest - gain) / free)
            break;
        closed[part] = true;
        if (!add_part(parts, &set, part))
            continue;
        double inverse[ROOTCAUSE_PARTS], whole[ROOTCAUSE_PARTS];
        solve(&set, with_target, out->weight, inverse);
        make_whole(parts, &set, mean, out->weight, whole);
        for (size_t bad; (bad = out_of_bounds(&set, whole, most)) < set.count;) {
            /* the newcomer's place when it cannot be; an older one goes when it proves wrong */
            if (!drop_part(parts, &set, bad))
                break;
            solve(&set, with_target, out->weight, inverse);
            make_whole(parts, &set, mean, out->weight, whole);
        }
        rest = left_over(parts, target, &set, out->weight, left, &rows);
    }
    for (;;) {
        weigh(parts, target, &set, with_target, left, out);
        size_t weakest = 0;
        for (size_t m = 1; m < set.count; m++)
            if (out->certain[m] < out->certain[weakest])
                weakest = m;
        if (set.count == 0 || out->certain[weakest] >= LEAVE || !drop_part(parts, &set, weakest))
            return;
    }
}

bool rootcause_fit_more(const struct rootcause_parts *parts, const double *target,
                        const struct rootcause_fit *fit, size_t part, double *ret_weight,
                        double *ret_error)
{
    struct chosen set = {0};
    struct rootcause_fit more;
    for (size_t m = 0; m < fit->count; m++)
        if (fit->part[m] == part || !add_part(parts, &set, fit->part[m]))
            return false;
    if (set.count == ROOTCAUSE_PARTS || !add_part(parts, &set, part))
        return false;
    double *with_target = parts->scratch, *left = parts->scratch + parts->count;
    for (size_t m = 0; m < set.count; m++)
        with_target[set.part[m]] =
            product(target, parts->values + set.part[m] * parts->rows, parts->rows);
    weigh(parts, target, &set, with_target, left, &more);
    *ret_weight = more.weight[set.count - 1];
    *ret_error = fabs(*ret_weight) / fmax(1e-12, fabs(more.certain[set.count - 1]));
    return true;
}
