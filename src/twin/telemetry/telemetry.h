/* telemetry.h - engine: a table of metrics, cleaned, and what in it is not as it was.
 *
 * Pure: same table and parameters, same answer.  Method, literature, limits: README.md beside this
 * file.  All memory comes from the caller's arena. */
#ifndef SWAN_TWIN_TELEMETRY_TELEMETRY_H
#define SWAN_TWIN_TELEMETRY_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define TELEMETRY_MAX_COLUMNS 200000
#define TELEMETRY_MAX_ROWS 1000000
#define TELEMETRY_MAX_CELLS 40000000 /* 12 bytes each: 480 MB at most */
#define TELEMETRY_MAX_NAME 512       /* bytes of ENTITY:METRIC */

/* What a metric says, by its name. */
enum telemetry_class {
    TELEMETRY_OTHER = 1,
    TELEMETRY_LATENCY,
    TELEMETRY_ERRORS,
    TELEMETRY_AVAILABILITY,
    TELEMETRY_TRAFFIC,
    TELEMETRY_RESOURCE, /* cpu, memory, disk, network, queue lengths */
};
extern const char *const telemetry_class_names[]; /* [0] = NULL, then names, then NULL */

struct telemetry_series {
    const char *entity, *metric;
    enum telemetry_class class;
    int direction; /* +1: more is worse; -1: less is worse; 0: either may be */
};

/* What had to be done to the text before it was a table. */
struct telemetry_notes {
    size_t unsorted;   /* rows that stood before an earlier time */
    size_t duplicates; /* rows of a time that was there already, merged */
    size_t not_finite; /* cells with NaN or an infinity, taken as missing */
    size_t missing;    /* empty cells */
    size_t gaps;       /* steps of more than 1.5 times the usual one */
};

struct telemetry_table {
    size_t rows, count;              /* count of series */
    double *times;                   /* [rows] seconds, rising */
    double step_s;                   /* median step; 0 with fewer than two rows */
    struct telemetry_series *series; /* [count] */
    double *values;                  /* [count * rows], a series' values together; NaN = missing */
    struct telemetry_notes notes;
};

/* CSV with the header "time,ENTITY:METRIC,…" (the metric is what follows the last colon); RFC 4180
 * quotes, LF or CRLF, with or without byte order mark; rows in any order.  ERR_INVALID and
 * ERR_TOO_LARGE name line and column.  Names are copied; the text may go. */
enum err_code telemetry_read_csv(const char *text, size_t len, struct telemetry_table *out,
                                 struct arena *arena, struct err *err);

/* Class and direction of a metric by its name. */
void telemetry_semantics(const char *metric, enum telemetry_class *ret_class, int *ret_direction);

/* What is normal for one series. */
struct telemetry_normal {
    bool known;       /* false: too few values before the window */
    bool seasonal;    /* centre is that of the time of day */
    double centre;    /* median (of what is left of the season when seasonal: then of the values) */
    double scale;     /* robust deviation, floors included; > 0 */
    double reference; /* score that its own history seldom passes; >= TELEMETRY_REFERENCE_LEAST */
    double present;   /* share of the rows before the window with a value */
    size_t gap;       /* rows of the longest gap before the window */
};
#define TELEMETRY_REFERENCE_LEAST 3.0

/* Scores of a whole table against the rows [0, base). */
struct telemetry_scores {
    const struct telemetry_table *table;
    size_t base;
    size_t persist;                  /* rows that an excursion must last to count */
    struct telemetry_normal *normal; /* [count] */
    float *signed_score;             /* [count * rows]: (value - normal) / scale; NaN = missing */
};

/* base: rows that may serve as history; persist >= 1. */
enum err_code telemetry_score(const struct telemetry_table *table, size_t base, size_t persist,
                              struct telemetry_scores *out, struct arena *arena, struct err *err);

/* One series' worst lasting excursion within rows [from, to). */
struct telemetry_excursion {
    double score;    /* signed, in scales, that lasted `persist` rows; 0 = none */
    double severity; /* log2((score / reference + 1) / 2), at least 0: 0 = within its history */
    size_t peak;     /* row where it is worst */
};
void telemetry_excursion_find(const struct telemetry_scores *scores, size_t series, size_t from,
                              size_t to, struct telemetry_excursion *out);

/* First row of a silence that lasts up to row `to`: of a series that was there nearly always, for
 * three rows or more and twice as long as ever before.  `to` itself when there is none. */
size_t telemetry_silence(const struct telemetry_scores *scores, size_t series, size_t to);

/* The change point: the first row of the step or ramp that leads to the peak, found by the split
 * of greatest likelihood and traced back to where the series left its normal band; never before
 * `earliest`. */
size_t telemetry_onset(const struct telemetry_scores *scores, size_t series, size_t earliest,
                       const struct telemetry_excursion *excursion);

/* How two series move together within rows [from, to): Pearson's correlation of their harmful
 * deviations, best of lags -lag…+lag; 0 where fewer than four rows have both. */
double telemetry_together(const struct telemetry_scores *scores, size_t a, size_t b, size_t from,
                          size_t to, size_t lag);

/* "latency_avg rose from 0.0057 to 0.0415 (7.3 times), 18 scales from normal, since 16813…" */
const char *telemetry_words(const struct telemetry_scores *scores, size_t series,
                            const struct telemetry_excursion *excursion, size_t onset,
                            struct arena *arena);

#endif
