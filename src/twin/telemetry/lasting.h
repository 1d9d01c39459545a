/* lasting.h - the persistence rule, inside telemetry. */
#ifndef SWAN_TWIN_TELEMETRY_LASTING_H
#define SWAN_TWIN_TELEMETRY_LASTING_H

#include <stddef.h>

/* What the score times direction kept up for `persist` known values that end at row and do not
 * begin before `from`; -INFINITY when there are fewer. */
double telemetry_lasting(const float *scores, size_t from, size_t row, size_t persist,
                         double direction);

#endif
