/* sparse.h - few non-negative parts that make up a series, inside rootcause. */
#ifndef SWAN_TWIN_ROOTCAUSE_SPARSE_H
#define SWAN_TWIN_ROOTCAUSE_SPARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define ROOTCAUSE_PARTS 8 /* at most so many are chosen */

/* Series that may be parts, rows together, each with mean 0, and their inner products. */
struct rootcause_parts {
    size_t count, rows;
    double *values;   /* [count * rows] */
    double *products; /* [count * count] */
    double *means;    /* [count] as they were, where the parts make up the whole; all 0 otherwise */
    double *scratch;  /* [3 * count + 2 * rows] */
    bool *closed;     /* [count] not (any more) to be chosen */
};

struct rootcause_fit {
    size_t count;
    size_t part[ROOTCAUSE_PARTS]; /* in order of choice */
    double weight[ROOTCAUSE_PARTS];
    double certain[ROOTCAUSE_PARTS]; /* weight over its standard error */
    double error;                    /* of one row: standard deviation of what is left */
    double rows;                     /* that are worth one each: what is left may follow itself */
};

void rootcause_parts_init(struct rootcause_parts *parts, size_t count, size_t rows,
                          struct arena *arena);
/* Subtracts means, fills gaps (NaN) between their ends, and multiplies out. */
void rootcause_parts_ready(struct rootcause_parts *parts);
bool rootcause_centre(double *values, size_t rows, double *ret_mean);

/* Chooses parts of `target` (mean 0, `mean` before that was taken off) one by one, each the one
 * that leaves least, as long as one is worth it; weights stay within 0 … most[part]; gains of parts
 * with favour[part] > 1 count so many times.  Weights are those that make up the whole where means
 * are known.  Those that are `closed` at the call are not chosen. */
void rootcause_fit_parts(const struct rootcause_parts *parts, const double *target, double mean,
                         const double *most, const double *favour, struct rootcause_fit *out);

/* How large the weight of one more part might be besides those of the fit: estimate and standard
 * error; false when it cannot be told from them. */
bool rootcause_fit_more(const struct rootcause_parts *parts, const double *target,
                        const struct rootcause_fit *fit, size_t part, double *ret_weight,
                        double *ret_error);

#endif
