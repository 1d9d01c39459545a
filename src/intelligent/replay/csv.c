/* csv.c - lines and cells of a CSV text from outside (RFC 4180 but without line ends in quotes).
 *
 * Contract: whatever the bytes are, either cells or an ERR_INVALID or ERR_TOO_LARGE that names the
 * line.  Nothing beyond the text's length is read; cells are copied into a buffer of LINE_MOST. */
#include <string.h>

#include "base/str.h"
#include "intelligent/replay/replay_csv.h"

enum err_code replay_csv_begin(struct replay_csv *csv, const char *text, size_t len,
                               struct err *err)
{
    static const char bom[] = "\xef\xbb\xbf";
    *csv = (struct replay_csv){.text = text, .len = len};
    if (len >= 3 && memcmp(text, bom, 3) == 0)
        csv->at = 3;
    return replay_csv_next(csv, err) ? ERR_OK
           : err && err->code        ? err->code
                                     : err_set(err, ERR_INVALID, "line 1: there is no header");
}

/* One cell from *at of the line; the text goes to csv->line. */
static enum err_code cell(struct replay_csv *csv, const char *line, size_t len, size_t *at,
                          size_t *used, struct err *err)
{
    char *out = csv->line + *used;
    csv->cells[csv->count++] = out;
    if (*at < len && line[*at] == '"') {
        for (++*at;; ++*at) {
            if (*at >= len)
                return err_set(err, ERR_INVALID, "line %zu: a quote is not closed", csv->number);
            if (line[*at] == '"' && (*at + 1 >= len || line[*at + 1] != '"'))
                break;
            *at += line[*at] == '"';
            *out++ = line[*at];
        }
        if (++*at < len && line[*at] != ',')
            return err_set(err, ERR_INVALID, "line %zu: text after a closing quote", csv->number);
    } else {
        for (; *at < len && line[*at] != ','; ++*at) {
            if (line[*at] == '"')
                return err_set(err, ERR_INVALID, "line %zu: a quote inside a cell", csv->number);
            *out++ = line[*at];
        }
    }
    *out++ = '\0';
    *used = (size_t)(out - csv->line);
    return ERR_OK;
}

static enum err_code split(struct replay_csv *csv, const char *line, size_t len, struct err *err)
{
    size_t at = 0, used = 0;
    csv->count = 0;
    if (len >= REPLAY_CSV_LINE)
        return err_set(err, ERR_TOO_LARGE, "line %zu: longer than %d bytes", csv->number,
                       REPLAY_CSV_LINE - 1);
    if (!str_is_utf8(line, len))
        return err_set(err, ERR_INVALID, "line %zu: not UTF-8 text", csv->number);
    for (;;) {
        if (csv->count == REPLAY_CSV_CELLS)
            return err_set(err, ERR_TOO_LARGE, "line %zu: more than %d cells", csv->number,
                           REPLAY_CSV_CELLS);
        enum err_code rc = cell(csv, line, len, &at, &used, err);
        if (rc)
            return rc;
        if (at >= len)
            return ERR_OK;
        at++; /* the comma */
    }
}

bool replay_csv_next(struct replay_csv *csv, struct err *err)
{
    while (csv->at < csv->len) {
        const char *line = csv->text + csv->at;
        const char *end = memchr(line, '\n', csv->len - csv->at);
        size_t len = end ? (size_t)(end - line) : csv->len - csv->at;
        csv->at += len + (end != NULL);
        csv->number++;
        if (len > 0 && line[len - 1] == '\r')
            len--;
        if (len > 0)
            return split(csv, line, len, err) == ERR_OK;
    }
    return false;
}

/* ---- columns ---- */

enum err_code replay_csv_columns(const struct replay_csv *csv, const struct replay_column *columns,
                                 size_t count, int *places, struct err *err)
{
    for (size_t i = 0; i < csv->count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(csv->cells[i], csv->cells[j]))
                return err_set(err, ERR_INVALID, "line %zu: column '%s' is there twice",
                               csv->number, csv->cells[i]);
    for (size_t c = 0; c < count; c++) {
        places[c] = -1;
        for (size_t i = 0; i < csv->count; i++)
            if (str_eq(csv->cells[i], columns[c].name))
                places[c] = (int)i;
        if (places[c] < 0 && !columns[c].optional)
            return err_set(err, ERR_INVALID, "line %zu: column '%s' is missing", csv->number,
                           columns[c].name);
    }
    return ERR_OK;
}

const char *replay_csv_text(const struct replay_csv *csv, int place)
{
    return place < 0 ? "" : csv->cells[place];
}

enum err_code replay_csv_number(const struct replay_csv *csv, const char *column, int place,
                                int64_t most, int64_t *out, struct err *err)
{
    const char *text = csv->cells[place];
    int64_t value = 0;
    size_t len = strlen(text);
    if (len == 0 || strspn(text, "0123456789") != len)
        return err_set(err, ERR_INVALID, "line %zu: %s '%s' is not a whole number from 0",
                       csv->number, column, text);
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (text[i] - '0');
        if (value > most)
            return err_set(err, ERR_INVALID, "line %zu: %s %s is more than %lld", csv->number,
                           column, text, (long long)most);
    }
    *out = value;
    return ERR_OK;
}
