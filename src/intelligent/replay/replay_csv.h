/* replay_csv.h - a CSV text line by line, inside replay. */
#ifndef SWAN_INTELLIGENT_REPLAY_REPLAY_CSV_H
#define SWAN_INTELLIGENT_REPLAY_REPLAY_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define REPLAY_CSV_LINE 8192 /* bytes of one line */
#define REPLAY_CSV_CELLS 64  /* of one line */

struct replay_csv {
    const char *text;
    size_t len, at;
    size_t number; /* of the line in cells, from 1 */
    size_t count;
    const char *cells[REPLAY_CSV_CELLS];           /* into line */
    char line[REPLAY_CSV_LINE + REPLAY_CSV_CELLS]; /* cells with their ends */
};

struct replay_column {
    const char *name;
    bool optional;
};

/* Reads the header into cells. */
enum err_code replay_csv_begin(struct replay_csv *csv, const char *text, size_t len,
                               struct err *err);
/* The next line that is not empty.  False at the end, and with err set when a line is wrong; err
 * must not be NULL. */
bool replay_csv_next(struct replay_csv *csv, struct err *err);
/* Where each column stands in the header; -1 = an optional one that is not there. */
enum err_code replay_csv_columns(const struct replay_csv *csv, const struct replay_column *columns,
                                 size_t count, int *places, struct err *err);
const char *replay_csv_text(const struct replay_csv *csv, int place); /* "" at place -1 */
enum err_code replay_csv_number(const struct replay_csv *csv, const char *column, int place,
                                int64_t most, int64_t *out, struct err *err);

#endif
