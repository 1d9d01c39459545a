/* usage.c - the history of use from outside into series.
 *
 * Contract: whatever the bytes are, either series with rising times and finite values, or an
 * ERR_INVALID or ERR_TOO_LARGE that names the line.  Nothing beyond the text's length is read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "twin/risks/risks_priv.h"

#define DAY_S 86400.0
#define TIME_MOST 1e11 /* seconds; more are milliseconds by mistake */
#define COLUMNS 4

static const char *const header[COLUMNS] = {"time", "entity", "resource", "value"};

struct row {
    size_t series, line;
    struct risks_point point;
};

struct reader {
    const char *text;
    size_t len, at, line;
    char cell[COLUMNS][RISKS_MAX_NAME];
    struct arena *arena;
    struct map *known; /* entity and resource → series + 1 */
    struct {
        struct row *items;
        size_t count, room;
    } rows;
};

/* One cell; quotes are taken off.  Ends before a comma or the end of the line. */
static enum err_code read_cell(struct reader *r, char *out, struct err *err)
{
    size_t used = 0;
    bool quoted = r->at < r->len && r->text[r->at] == '"';
    for (r->at += quoted; r->at < r->len; r->at++) {
        char c = r->text[r->at];
        if (quoted && c == '"') {
            if (r->at + 1 >= r->len || r->text[r->at + 1] != '"')
                break;
            r->at++;
        } else if (!quoted && (c == ',' || c == '\n')) {
            break;
        } else if (c == '\n') {
            return err_set(err, ERR_INVALID, "line %zu: a quote is not closed", r->line);
        }
        if (used + 1 >= RISKS_MAX_NAME)
            return err_set(err, ERR_TOO_LARGE, "line %zu: a cell is longer than %d bytes", r->line,
                           RISKS_MAX_NAME - 1);
        out[used++] = c;
    }
    if (quoted && r->at >= r->len)
        return err_set(err, ERR_INVALID, "line %zu: a quote is not closed", r->line);
    r->at += quoted;
    if (!quoted && used && out[used - 1] == '\r' && (r->at >= r->len || r->text[r->at] == '\n'))
        used--;
    if (quoted && r->at < r->len && r->text[r->at] == '\r')
        r->at++;
    if (r->at < r->len && r->text[r->at] != ',' && r->text[r->at] != '\n')
        return err_set(err, ERR_INVALID, "line %zu: text after a closing quote", r->line);
    out[used] = '\0';
    if (!str_is_utf8(out, used))
        return err_set(err, ERR_INVALID, "line %zu: a cell is not UTF-8 text", r->line);
    return ERR_OK;
}

static enum err_code read_line(struct reader *r, struct err *err)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        enum err_code rc = read_cell(r, r->cell[i], err);
        if (rc)
            return rc;
        bool comma = r->at < r->len && r->text[r->at] == ',';
        if (comma != (i + 1 < COLUMNS))
            return err_set(err, ERR_INVALID, "line %zu: %s than the four cells %s", r->line,
                           comma ? "more" : "fewer", "time,entity,resource,value");
        r->at += comma;
    }
    r->at += r->at < r->len;
    return ERR_OK;
}

static enum err_code read_time(const struct reader *r, double *ret_day, struct err *err)
{
    double seconds;
    int64_t ms;
    if (!str_to_double(r->cell[0], &seconds, err)) {
        if (!(fabs(seconds) < TIME_MOST))
            return err_set(err, ERR_INVALID, "line %zu: time is not in seconds", r->line);
        *ret_day = round(seconds * 1000) / 1000 / DAY_S; /* so near times give no endless slope */
        return ERR_OK;
    }
    if (clock_parse(r->cell[0], &ms, err))
        return err_set(err, ERR_INVALID, "line %zu: '%.40s' is no time", r->line, r->cell[0]);
    *ret_day = (double)ms / 1000 / DAY_S;
    return ERR_OK;
}

static size_t series_of(struct reader *r, struct risks_usage *usage)
{
    char key[2 * RISKS_MAX_NAME + 32];
    str_format(key, sizeof key, "%zu:%s/%s", strlen(r->cell[1]), r->cell[1], r->cell[2]);
    uintptr_t known = (uintptr_t)map_find(r->known, key);
    if (known)
        return known - 1;
    struct risks_series *series = LIST_ADD(r->arena, &usage->series);
    series->entity = arena_strdup(r->arena, r->cell[1]);
    series->resource = arena_strdup(r->arena, r->cell[2]);
    map_put(r->known, key, (void *)usage->series.count);
    return usage->series.count - 1;
}

static enum err_code add_row(struct reader *r, struct risks_usage *usage, struct err *err)
{
    struct row row = {.line = r->line};
    enum err_code rc = read_time(r, &row.point.day, err);
    if (rc)
        return rc;
    if (!r->cell[1][0] || !r->cell[2][0])
        return err_set(err, ERR_INVALID, "line %zu: %s is empty", r->line,
                       r->cell[1][0] ? "resource" : "entity");
    if (str_to_double(r->cell[3], &row.point.value, err) || row.point.value < 0 ||
        row.point.value > 1e15)
        return err_set(err, ERR_INVALID, "line %zu: '%.40s' is no amount", r->line, r->cell[3]);
    if (r->rows.count == RISKS_MAX_ROWS)
        return err_set(err, ERR_TOO_LARGE, "more than %d rows", RISKS_MAX_ROWS);
    if (r->rows.count == r->rows.room) {
        r->rows.room = r->rows.room ? 2 * r->rows.room : 1024;
        r->rows.items = mem_resize(r->rows.items, r->rows.room, sizeof row);
    }
    row.series = series_of(r, usage);
    r->rows.items[r->rows.count++] = row;
    return arena_check(r->arena, err);
}

static enum err_code read_rows(struct reader *r, struct risks_usage *usage, struct err *err)
{
    enum err_code rc = read_line(r, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < COLUMNS; i++)
        if (!str_eq(r->cell[i], header[i]))
            return err_set(err, ERR_INVALID, "line 1: column %zu is '%.40s', not %s", i + 1,
                           r->cell[i], header[i]);
    for (r->line = 2; r->at < r->len; r->line++) {
        if (r->text[r->at] == '\n') {
            r->at++;
            continue;
        }
        if ((rc = read_line(r, err)) || (rc = add_row(r, usage, err)))
            return rc;
    }
    return ERR_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->point.day < y->point.day || x->point.day > y->point.day)
        return x->point.day < y->point.day ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Of two values of one time the later line counts. */
static void hand_out(struct reader *r, struct risks_usage *usage)
{
    if (r->rows.count)
        qsort(r->rows.items, r->rows.count, sizeof *r->rows.items, by_time);
    for (size_t i = 0; i < r->rows.count; i++) {
        const struct row *row = &r->rows.items[i], *next = row + 1;
        if (i + 1 < r->rows.count && next->series == row->series &&
            next->point.day <= row->point.day)
            continue;
        struct risks_series *series = &usage->series.items[row->series];
        *LIST_ADD(r->arena, &series->points) = row->point;
    }
}

enum err_code risks_read_usage(const char *text, size_t len, struct risks_usage *out,
                               struct arena *arena, struct err *err)
{
    struct reader *r = mem_zalloc(sizeof *r);
    struct risks_usage usage = {{NULL, 0}};
    struct err inner = ERR_INIT;
    *r = (struct reader){.text = text, .len = len, .line = 1, .arena = arena, .known = map_new()};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r->at = 3;
    enum err_code rc = read_rows(r, &usage, &inner);
    if (!rc)
        hand_out(r, &usage);
    if (!rc && !(rc = arena_check(arena, &inner)))
        *out = usage;
    if (rc && err)
        *err = inner;
    map_free(r->known);
    mem_free(r->rows.items);
    mem_free(r);
    return rc;
}
