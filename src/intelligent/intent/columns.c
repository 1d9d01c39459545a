/* columns.c - tables without bars: comma-separated lines, and cells that blanks hold apart.
 *
 * Contract: a heading is a line without a digit of which two cells or more are labels, followed by
 * a line of as many cells with a digit in it.  The separators of the heading and of the lines of
 * as many cells below it are handed to normalise.c as bars.  Each line is looked at once for each
 * kind of separator, so the work is linear. */
#include "base/str.h"
#include "intelligent/intent/intent_priv.h"

#define CELL_BYTES 48 /* a longer cell is prose */

enum separator { BY_COMMA, BY_GAP, BY_BLANK, SEPARATORS };

struct line {
    size_t begin, end; /* without blanks at either end */
    unsigned count[SEPARATORS];
    bool digit, plain;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The length of the separator at `at`, or 0. */
static size_t separator_at(const char *s, const struct line *line, size_t at, enum separator kind)
{
    if (kind == BY_COMMA) {
        if (s[at] == ',')
            return 1;
        bool wide = at + 3 <= line->end && (unsigned char)s[at] == 0xef &&
                    (unsigned char)s[at + 1] == 0xbc && (unsigned char)s[at + 2] == 0x8c;
        return wide ? 3 : 0; /* ， */
    }
    size_t n = 0;
    while (at + n < line->end && is_blank(s[at + n]))
        n++;
    return n >= (kind == BY_GAP ? 2u : 1u) ? n : 0;
}

static struct line line_at(const char *s, size_t len, size_t begin, size_t *ret_next)
{
    struct line line = {.begin = begin, .plain = true};
    size_t end = begin;
    while (end < len && s[end] != '\n')
        end++;
    *ret_next = end < len ? end + 1 : end;
    while (line.begin < end && is_blank(s[line.begin]))
        line.begin++;
    while (end > line.begin && is_blank(s[end - 1]))
        end--;
    line.end = end;
    for (size_t i = line.begin; i < end; i++) {
        line.digit |= s[i] >= '0' && s[i] <= '9';
        if (s[i] == '|' || s[i] == ':' || s[i] == ';')
            line.plain = false;
    }
    for (int k = 0; k < SEPARATORS; k++)
        for (size_t i = line.begin; i < end;) {
            size_t n = separator_at(s, &line, i, (enum separator)k);
            line.count[k] += n > 0;
            i += n > 0 ? n : 1;
        }
    return line;
}

static unsigned labels_of(const char *s, const struct line *line, enum separator kind)
{
    unsigned labels = 0;
    size_t from = line->begin;
    for (size_t i = line->begin; i <= line->end;) {
        size_t n = i < line->end ? separator_at(s, line, i, kind) : 1;
        if (n == 0) {
            i++;
            continue;
        }
        if (i - from > CELL_BYTES)
            return 0;
        labels += intent_names_column(s + from, i - from);
        i += n;
        from = i;
    }
    return labels;
}

static void mark_line(struct intent_read *read, const char *s, const struct line *line,
                      enum separator kind)
{
    for (size_t i = line->begin; i < line->end;) {
        size_t n = separator_at(s, line, i, kind);
        if (n > 0)
            *LIST_ADD(read->arena, &read->text.bars) = (uint32_t)i;
        i += n > 0 ? n : 1;
    }
}

void intent_find_columns(struct intent_read *read, const char *s, size_t len)
{
    struct line heading = {.plain = false};
    int kind = SEPARATORS; /* of the table that is open */
    for (size_t at = 0; at < len;) {
        size_t next;
        struct line line = line_at(s, len, at, &next);
        if (kind != SEPARATORS && line.count[kind] == heading.count[kind] &&
            line.end > line.begin) {
            mark_line(read, s, &line, (enum separator)kind);
            at = next;
            continue;
        }
        kind = SEPARATORS;
        for (int k = 0; k < SEPARATORS && heading.plain && !heading.digit && line.digit; k++) {
            unsigned least = k == BY_GAP ? 1 : 2;
            if (heading.count[k] < least || line.count[k] != heading.count[k] ||
                labels_of(s, &heading, (enum separator)k) < 2)
                continue;
            kind = k;
            mark_line(read, s, &heading, (enum separator)k);
            mark_line(read, s, &line, (enum separator)k);
            break;
        }
        if (kind == SEPARATORS)
            heading = line;
        at = next;
    }
}
