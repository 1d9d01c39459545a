/* robust.h - order statistics, inside telemetry. */
#ifndef SWAN_TWIN_TELEMETRY_ROBUST_H
#define SWAN_TWIN_TELEMETRY_ROBUST_H

#include <stddef.h>

/* The value that the share of the count is below; reorders values; NAN of none.  O(count). */
double telemetry_quantile(double *values, size_t count, double share);

#endif
