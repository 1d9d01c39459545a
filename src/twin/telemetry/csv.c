/* csv.c - metrics.csv from outside into a table.
 *
 * Contract: whatever the bytes are, either a table with rising times, or an ERR_INVALID or
 * ERR_TOO_LARGE that names line and column.  Nothing beyond the text's length is read.  Two passes:
 * the header and the number of lines give the size, then each cell goes to its place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "twin/telemetry/telemetry.h"

#define CELL_MOST 64   /* bytes of a number */
#define TIME_MOST 1e11 /* seconds; more are milliseconds by mistake */

struct reader {
    const char *text;
    size_t len, at;
    size_t line; /* of what is at `at`, from 1 */
};

struct raw_row {
    double time;
    size_t at, end; /* its cells after the time in the text */
    size_t line;
};

/* ---- header ---- */

/* One header cell; quotes are taken off.  Ends at a comma or the end of the line. */
static enum err_code header_cell(struct reader *r, char *out, size_t *ret_len, struct err *err)
{
    size_t used = 0;
    bool quoted = r->at < r->len && r->text[r->at] == '"';
    if (quoted)
        r->at++;
    for (;; r->at++) {
        char c = r->at < r->len ? r->text[r->at] : '\n';
        if (quoted && c == '"') {
            if (r->at + 1 < r->len && r->text[r->at + 1] == '"') {
                r->at++;
            } else {
                r->at++;
                break;
            }
        } else if (c == '\n') {
            if (quoted)
                return err_set(err, ERR_INVALID, "line 1: a quote is not closed");
            break;
        } else if (!quoted && c == ',') {
            break;
        }
        if (used + 1 >= TELEMETRY_MAX_NAME)
            return err_set(err, ERR_TOO_LARGE, "line 1: a column name is longer than %d bytes",
                           TELEMETRY_MAX_NAME - 1);
        out[used++] = c;
    }
    if (!quoted && used > 0 && out[used - 1] == '\r' && (r->at >= r->len || r->text[r->at] == '\n'))
        used--;
    if (quoted && r->at < r->len && r->text[r->at] == '\r')
        r->at++;
    if (r->at < r->len && r->text[r->at] != ',' && r->text[r->at] != '\n')
        return err_set(err, ERR_INVALID, "line 1: text after a closing quote");
    out[used] = '\0';
    *ret_len = used;
    if (!str_is_utf8(out, used))
        return err_set(err, ERR_INVALID, "line 1: a column name is not UTF-8 text");
    return ERR_OK;
}

static enum err_code add_column(const char *name, size_t number, struct telemetry_table *table,
                                struct map *seen, struct map *entities, struct arena *arena,
                                struct err *err)
{
    const char *colon = strrchr(name, ':');
    if (!colon || colon == name || !colon[1])
        return err_set(err, ERR_INVALID, "line 1: column %zu '%.80s' is not ENTITY:METRIC", number,
                       name);
    if (map_has(seen, name))
        return err_set(err, ERR_INVALID, "line 1: column '%.80s' is there twice", name);
    if (table->count == TELEMETRY_MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "line 1: more than %d columns", TELEMETRY_MAX_COLUMNS);
    struct {
        struct telemetry_series *items;
        size_t count;
    } list = {table->series, table->count};
    struct telemetry_series *series = LIST_ADD(arena, &list);
    table->series = list.items;
    table->count = list.count;
    char *entity = arena_strndup(arena, name, (size_t)(colon - name));
    char *known = map_find(entities, entity);
    if (!known)
        map_put(entities, entity, known = entity);
    series->entity = known;
    series->metric = arena_strdup(arena, colon + 1);
    telemetry_semantics(series->metric, &series->class, &series->direction);
    map_put(seen, name, table);
    return arena_check(arena, err);
}

static enum err_code read_header(struct reader *r, struct telemetry_table *table,
                                 struct arena *arena, struct err *err)
{
    CLEANUP(map_free_at) struct map *seen = map_new();
    CLEANUP(map_free_at) struct map *entities = map_new();
    char name[TELEMETRY_MAX_NAME];
    size_t len = 0;
    enum err_code rc = header_cell(r, name, &len, err);
    if (rc)
        return rc;
    if (len == 0 && r->at >= r->len)
        return err_set(err, ERR_INVALID, "line 1: there is no header");
    if (!str_eq(name, "time"))
        return err_set(err, ERR_INVALID, "line 1: the first column is '%.80s', not time", name);
    for (size_t number = 2; r->at < r->len && r->text[r->at] == ','; number++) {
        r->at++;
        if ((rc = header_cell(r, name, &len, err)) ||
            (rc = add_column(name, number, table, seen, entities, arena, err)))
            return rc;
    }
    if (table->count == 0)
        return err_set(err, ERR_INVALID, "line 1: there is no column besides time");
    r->at += r->at < r->len;
    r->line = 2;
    return ERR_OK;
}

/* ---- numbers ---- */

/* Up to 18 digits and a power of ten that doubles hold exactly; else strtod on a copy. */
static bool read_number(const char *text, size_t len, double *out)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t at = 0, digits = 0;
    bool negative = len > 0 && text[0] == '-';
    uint64_t value = 0;
    int power = 0;
    at += negative || (len > 0 && text[0] == '+');
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++, digits++)
        if (digits < 18)
            value = value * 10 + (uint64_t)(text[at] - '0');
    if (at < len && text[at] == '.')
        for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++, digits++, power++)
            if (digits < 18)
                value = value * 10 + (uint64_t)(text[at] - '0');
    if (digits > 0 && digits <= 15 && at == len && power <= 22) {
        double magnitude = (double)value / tens[power];
        *out = negative ? -magnitude : magnitude;
        return true;
    }
    char copy[CELL_MOST], *end;
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strchr(copy, 'x') || strchr(copy, 'X') || copy[0] == ' ' || copy[0] == '\t')
        return false;
    *out = strtod(copy, &end);
    return end == copy + len;
}

/* A cell's bytes without quotes and blanks around them. */
static void trim(const char **text, size_t *len)
{
    while (*len > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
        ++*text;
        --*len;
    }
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
        --*len;
    if (*len >= 2 && (*text)[0] == '"' && (*text)[*len - 1] == '"') {
        ++*text;
        *len -= 2;
    }
}

/* ---- rows ---- */

/* The next line that is not empty: its time, and where its other cells are. */
static enum err_code next_row(struct reader *r, struct raw_row *out, bool *ret_more,
                              struct err *err)
{
    *ret_more = false;
    while (r->at < r->len) {
        size_t from = r->at, line = r->line;
        const char *end = memchr(r->text + from, '\n', r->len - from);
        size_t to = end ? (size_t)(end - r->text) : r->len;
        r->at = to + (end != NULL);
        r->line++;
        if (to > from && r->text[to - 1] == '\r')
            to--;
        if (to == from)
            continue;
        const char *comma = memchr(r->text + from, ',', to - from);
        size_t cell = comma ? (size_t)(comma - r->text) : to;
        const char *text = r->text + from;
        size_t len = cell - from;
        trim(&text, &len);
        if (!read_number(text, len, &out->time) || !isfinite(out->time))
            return err_set(err, ERR_INVALID, "line %zu: time '%.*s' is not a number of seconds",
                           line, (int)(len < 40 ? len : 40), text);
        if (fabs(out->time) >= TIME_MOST)
            return err_set(err, ERR_INVALID, "line %zu: time %.0f is not in Unix seconds", line,
                           out->time);
        out->at = cell;
        out->end = to;
        out->line = line;
        *ret_more = true;
        return ERR_OK;
    }
    return ERR_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct raw_row *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Cells of one line into column order; a missing cell leaves what an earlier row of the same time
 * said. */
static enum err_code read_cells(const char *text, const struct raw_row *row, size_t place,
                                struct telemetry_table *table, struct err *err)
{
    size_t at = row->at, column = 0;
    for (; at < row->end; column++) {
        const char *cell = text + at + 1; /* after the comma */
        const char *comma = memchr(cell, ',', (size_t)(text + row->end - cell));
        size_t len = comma ? (size_t)(comma - cell) : (size_t)(text + row->end - cell);
        double value;
        at += 1 + len;
        if (column >= table->count)
            return err_set(err, ERR_INVALID, "line %zu: more cells than the %zu of the header",
                           row->line, table->count + 1);
        trim(&cell, &len);
        if (len == 0) {
            table->notes.missing++;
            continue;
        }
        if (!read_number(cell, len, &value))
            return err_set(err, ERR_INVALID, "line %zu: column '%.80s:%.40s': '%.*s' is no number",
                           row->line, table->series[column].entity, table->series[column].metric,
                           (int)(len < 40 ? len : 40), cell);
        if (isfinite(value))
            table->values[column * table->rows + place] = value;
        else
            table->notes.not_finite++;
    }
    if (column != table->count)
        return err_set(err, ERR_INVALID, "line %zu: fewer cells than the %zu of the header",
                       row->line, table->count + 1);
    return ERR_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_steps(struct telemetry_table *table, struct arena *arena)
{
    if (table->rows < 2)
        return;
    size_t count = table->rows - 1;
    double *steps = arena_array(arena, count, sizeof *steps);
    for (size_t i = 0; i < count; i++)
        steps[i] = table->times[i + 1] - table->times[i];
    qsort(steps, count, sizeof *steps, by_value);
    table->step_s = steps[count / 2];
    for (size_t i = 0; i < count; i++)
        table->notes.gaps += steps[i] > 1.5 * table->step_s;
}

/* Times in order; rows of one time share a place. */
static void place_rows(struct raw_row *rows, size_t count, size_t *places,
                       struct telemetry_table *table, struct arena *arena)
{
    for (size_t i = 1; i < count; i++)
        table->notes.unsorted += rows[i].time < rows[i - 1].time;
    if (table->notes.unsorted)
        qsort(rows, count, sizeof *rows, by_time);
    table->times = arena_array(arena, count, sizeof *table->times);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && rows[i].time == rows[i - 1].time;
        table->notes.duplicates += again;
        table->rows += !again;
        places[i] = table->rows - 1;
        table->times[table->rows - 1] = rows[i].time;
    }
}

enum err_code telemetry_read_csv(const char *text, size_t len, struct telemetry_table *out,
                                 struct arena *arena, struct err *err)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct reader reader = {.text = text, .len = len, .line = 1};
    LIST(struct raw_row) rows = {NULL, 0};
    *out = (struct telemetry_table){0};
    if (len >= 3 && memcmp(text, bom, 3) == 0)
        reader.at = 3;
    enum err_code rc = read_header(&reader, out, arena, err);
    for (bool more = true; !rc;) {
        struct raw_row row;
        if ((rc = next_row(&reader, &row, &more, err)) || !more)
            break;
        if (rows.count == TELEMETRY_MAX_ROWS)
            return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d rows", row.line,
                           TELEMETRY_MAX_ROWS);
        if ((rows.count + 1) * out->count > TELEMETRY_MAX_CELLS)
            return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d cells", row.line,
                           TELEMETRY_MAX_CELLS);
        *LIST_ADD(arena, &rows) = row;
        rc = arena_check(arena, err);
    }
    if (rc)
        return rc;
    if (rows.count == 0)
        return err_set(err, ERR_INVALID, "line %zu: there is no row of values", reader.line);
    size_t *places = arena_array(arena, rows.count, sizeof *places);
    place_rows(rows.items, rows.count, places, out, arena);
    out->values = arena_alloc(arena, out->count * out->rows * sizeof *out->values);
    if ((rc = arena_check(arena, err)))
        return rc;
    for (size_t i = 0; i < out->count * out->rows; i++)
        out->values[i] = (double)NAN;
    for (size_t i = 0; i < rows.count && !rc; i++)
        rc = read_cells(text, &rows.items[i], places[i], out, err);
    measure_steps(out, arena);
    return rc;
}
