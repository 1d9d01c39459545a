/* table.c - tables whose columns stand straight, whatever the script.
 *
 * Contract: widths are columns of a terminal (CJK counts two).  Where the table is wider than the
 * terminal the widest columns that may be cut give way, one column at a time, down to eight, then
 * to four; what is cut ends in "…".  Into a file nothing is cut.  A line break in a cell becomes a
 * blank. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

#define GAP 2
#define LEAST_CUT 8 /* as long as it helps … */
#define LEAST 4     /* … and after that */

static const char *one_line(const char *text, struct arena *arena)
{
    if (!text || !text[0])
        return "-";
    if (!strpbrk(text, "\n\t\r"))
        return text;
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; *c; c++)
        if (*c == '\n' || *c == '\t' || *c == '\r')
            *c = ' ';
    return copy;
}

void cli_cell_style(struct cli_table *table, const char *text, const char *style)
{
    struct cli_cell *cell = LIST_ADD(table->arena, &table->cells);
    cell->text = one_line(text, table->arena);
    cell->style = style;
}

void cli_cell(struct cli_table *table, const char *text)
{
    cli_cell_style(table, text, NULL);
}

static size_t *measure(const struct cli_table *table)
{
    size_t *widths = arena_array(table->arena, table->column_count, sizeof *widths);
    for (size_t c = 0; c < table->column_count; c++)
        widths[c] = str_width(table->columns[c].title);
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = str_width(table->cells.items[i].text);
        if (width > widths[i % table->column_count])
            widths[i % table->column_count] = width;
    }
    return widths;
}

/* The widest column that may be cut further; column_count when none may. */
static size_t widest(const struct cli_table *table, const size_t *widths, bool late, size_t least)
{
    size_t found = table->column_count;
    for (size_t c = 0; c < table->column_count; c++)
        if (!table->columns[c].keep && (late || !table->columns[c].late) && widths[c] > least &&
            (found == table->column_count || widths[c] > widths[found]))
            found = c;
    return found;
}

static void shrink(const struct cli_table *table, size_t *widths, size_t room)
{
    size_t total = 0;
    for (size_t c = 0; c < table->column_count; c++)
        total += widths[c] + (c ? GAP : 0);
    while (total > room) {
        size_t c = widest(table, widths, false, LEAST_CUT);
        if (c == table->column_count)
            c = widest(table, widths, true, LEAST_CUT);
        if (c == table->column_count)
            c = widest(table, widths, true, LEAST);
        if (c == table->column_count)
            return;
        widths[c]--;
        total--;
    }
}

static void print_row(struct cli_call *call, const struct cli_table *table, const size_t *widths,
                      const struct cli_cell *cells)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    buf_add_str(&line, table->indent ? table->indent : "");
    for (size_t c = 0; c < table->column_count; c++) {
        const char *text = cli_fit(cells[c].text, widths[c], table->arena);
        bool last = c + 1 == table->column_count;
        if (!last || table->columns[c].right)
            text = cli_pad(text, widths[c], table->columns[c].right, table->arena);
        if (cells[c].style)
            buf_printf(&line, "%s%s%s", cells[c].style, text, S_RESET);
        else
            buf_add_str(&line, text);
        if (!last)
            buf_printf(&line, "%*s", GAP, "");
    }
    while (line.len && line.data[line.len - 1] == ' ')
        line.data[--line.len] = '\0';
    cli_say(call, "%s\n", buf_str(&line));
}

/* The same table without the columns in which every cell is "-". */
static struct cli_table without_empty(const struct cli_table *table)
{
    struct cli_column *columns = arena_array(table->arena, table->column_count, sizeof *columns);
    struct cli_table out = {.columns = columns, .arena = table->arena, .indent = table->indent};
    bool *filled = arena_array(table->arena, table->column_count, sizeof *filled);
    for (size_t i = 0; i < table->cells.count; i++)
        if (!str_eq(table->cells.items[i].text, "-"))
            filled[i % table->column_count] = true;
    for (size_t c = 0; c < table->column_count; c++)
        if (filled[c])
            columns[out.column_count++] = table->columns[c];
    for (size_t i = 0; i < table->cells.count; i++)
        if (filled[i % table->column_count])
            *LIST_ADD(table->arena, &out.cells) = table->cells.items[i];
    return out;
}

void cli_table_print(struct cli_call *call, const struct cli_table *whole)
{
    if (!call->people)
        return;
    struct cli_table shown = whole->drop_empty ? without_empty(whole) : *whole;
    const struct cli_table *table = &shown;
    if (!table->column_count)
        return;
    size_t *widths = measure(table);
    size_t indent = str_width(table->indent ? table->indent : "");
    if (call->width > 0)
        shrink(table, widths, (size_t)call->width > indent ? (size_t)call->width - indent : 1);
    bool titled = false;
    struct cli_cell *titles = arena_array(table->arena, table->column_count, sizeof *titles);
    for (size_t c = 0; c < table->column_count; c++) {
        titles[c] = (struct cli_cell){table->columns[c].title, S_DIM};
        titled = titled || table->columns[c].title[0];
    }
    if (titled)
        print_row(call, table, widths, titles);
    for (size_t i = 0; i + table->column_count <= table->cells.count; i += table->column_count)
        print_row(call, table, widths, table->cells.items + i);
}
