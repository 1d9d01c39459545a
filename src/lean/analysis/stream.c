/* stream.c - SVG: the value stream, kinds in the order in which they begin; before each box what it
 * waits, below the line of times that goes up for waits and down for work. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

#define KINDS_MOST 23 /* boxes, those with most time; the rest is counted */
#define ROW_BOXES 6
#define BOX 136 /* pixels */
#define GAP 60
#define ROW_HEIGHT 222
#define HEAD 96

struct box {
    const char *name;
    double work, wait, yield, order;
    int64_t count;
    enum analysis_value value;
};

struct stream {
    struct buf *out;
    bool chinese;
    double most; /* longest mean of all boxes, seconds */
};

static const char *say(const struct stream *s, const char *english, const char *chinese)
{
    return s->chinese ? chinese : english;
}

static int by_order(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Mean begin of each kind within its run, as a share of the run: the order of the boxes. */
static void order_kinds(const struct analysis_log *log, const struct analysis_report *r,
                        struct box *boxes, const uint32_t *kinds, size_t count)
{
    CLEANUP(mem_free_at) double *sums = mem_array(log->text_count + 1, sizeof *sums);
    CLEANUP(mem_free_at) double *seen = mem_array(log->text_count + 1, sizeof *seen);
    size_t flow = 0;
    for (size_t run = 0; run < log->runs && flow < r->flows.count; run++) {
        if (r->flows.items[flow].name != log->run_name[run])
            continue;
        const struct analysis_run *f = &r->flows.items[flow++];
        for (size_t i = log->run_begin[run]; i < log->run_begin[run + 1]; i++) {
            const struct analysis_record *record = &log->records[i];
            size_t kind = record->kind == ANALYSIS_NONE ? log->text_count : record->kind;
            if (record->started == ANALYSIS_UNKNOWN || !(f->lead_s > 0))
                continue;
            sums[kind] += analysis_seconds(f->begin, record->started) / f->lead_s;
            seen[kind] += 1;
        }
    }
    for (size_t k = 0; k < count; k++) {
        size_t kind = kinds[k] == ANALYSIS_NONE ? log->text_count : kinds[k];
        boxes[k].order = seen[kind] > 0 ? sums[kind] / seen[kind] : 2;
    }
}

static const char *value_colour(enum analysis_value value)
{
    return value == ANALYSIS_VALUE_WASTE       ? ANALYSIS_FAILED_COLOUR
           : value == ANALYSIS_VALUE_NECESSARY ? "#e69f00"
                                               : "#009e73";
}

static const char *value_name(const struct stream *s, enum analysis_value value)
{
    return value == ANALYSIS_VALUE_WASTE       ? say(s, "waste", "浪费")
           : value == ANALYSIS_VALUE_NECESSARY ? say(s, "necessary", "必要")
                                               : say(s, "adds value", "增值");
}

static void put_fact(const struct stream *s, double x, double y, const char *name)
{
    analysis_svg_label(s->out, x + 12, y, "fill=\"" ANALYSIS_GREY "\"", name, BOX, 11.5);
    buf_printf(s->out,
               "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"%s\" font-size=\"11.5\">",
               x + BOX - 10, y, ANALYSIS_INK);
}

static void put_box(const struct stream *s, const struct box *box, double x, double y)
{
    buf_printf(s->out,
               "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"116\" rx=\"4\" fill=\"#fbfcfd\" "
               "stroke=\"#b9c2ce\"/>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"6\" "
               "rx=\"3\" fill=\"%s\"/>\n",
               x, y, BOX, x, y, BOX, value_colour(box->value));
    analysis_svg_label(s->out, x + BOX / 2.0, y + 24,
                       "text-anchor=\"middle\" font-weight=\"600\" fill=\"" ANALYSIS_INK "\"",
                       box->name, (BOX - 14) / 1.06, 12.5);
    put_fact(s, x, y + 45, say(s, "tasks", "任务"));
    buf_printf(s->out, "%lld</text>\n", (long long)box->count);
    put_fact(s, x, y + 62, say(s, "work, mean", "平均工时"));
    analysis_svg_seconds(s->out, box->work);
    buf_add_str(s->out, "</text>\n");
    put_fact(s, x, y + 79, "%C&A");
    buf_printf(s->out, "%.1f %%</text>\n", 100 * box->yield);
    put_fact(s, x, y + 96, say(s, "value", "价值"));
    buf_printf(s->out, "%s</text>\n", value_name(s, box->value));
    if (s->most > 0)
        buf_printf(
            s->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"5\" fill=\"%s\"/>\n",
            x + 10, y + 104, fmax(1, (BOX - 20) * box->work / s->most), ANALYSIS_WORK_COLOUR);
}

/* The wait in front of a box: the triangle of a stock, its time above, an arrow through. */
static void put_wait(const struct stream *s, const struct box *box, double x, double y)
{
    double middle = x - GAP / 2.0;
    buf_printf(s->out,
               "<path d=\"M%.1f %.1fH%.1f\" stroke=\"%s\" stroke-width=\"1.5\"/>\n"
               "<path d=\"M%.1f %.1fl-7 -4.5v9z\" fill=\"%s\"/>\n",
               x - GAP + 3, y + 84, x - 5, ANALYSIS_GREY, x - 2, y + 84, ANALYSIS_GREY);
    if (!(box->wait > 0))
        return;
    buf_printf(s->out,
               "<path d=\"M%.1f %.1fl13 23h-26z\" fill=\"%s\"/>\n"
               "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\" "
               "font-size=\"11\">",
               middle, y + 42, ANALYSIS_WAIT_COLOUR, middle, y + 34, ANALYSIS_INK);
    analysis_svg_seconds(s->out, box->wait);
    buf_add_str(s->out, "</text>\n");
}

/* The line of times below a row of boxes: up over waits, down under work. */
static void put_line(const struct stream *s, const struct box *boxes, size_t count, double left,
                     double y)
{
    double x = left;
    buf_printf(s->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" d=\"M%.1f %.1f",
               ANALYSIS_INK, x, y);
    for (size_t i = 0; i < count; i++)
        buf_printf(s->out, "h%dv30h%dv-30", GAP, BOX);
    buf_add_str(s->out, "h14\"/>\n");
    for (size_t i = 0; i < count; i++, x += GAP + BOX) {
        buf_printf(s->out,
                   "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\" "
                   "font-size=\"11\">",
                   x + GAP / 2.0, y - 6, ANALYSIS_GREY);
        analysis_svg_seconds(s->out, boxes[i].wait);
        buf_printf(s->out,
                   "</text>\n<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\" "
                   "font-size=\"11.5\" font-weight=\"600\">",
                   x + GAP + BOX / 2.0, y + 23, ANALYSIS_WORK_COLOUR);
        analysis_svg_seconds(s->out, boxes[i].work);
        buf_add_str(s->out, "</text>\n");
    }
}

static void put_heading(const struct stream *s, const struct analysis_report *r, size_t left_out)
{
    analysis_svg_label(s->out, 20, 30, "font-weight=\"600\" fill=\"" ANALYSIS_INK "\"",
                       say(s, "Value stream", "价值流"), 400, 17);
    buf_printf(s->out, "<text x=\"20\" y=\"51\" fill=\"%s\">", ANALYSIS_GREY);
    buf_printf(s->out,
               say(s, "%lld run(s), %lld tasks · lead time p50 ",
                   "%lld 次运行，%lld 个任务 · 前置时间 P50 "),
               (long long)r->runs, (long long)r->duration.count);
    analysis_svg_seconds(s->out, r->lead.p50);
    buf_printf(s->out,
               say(s, " · process cycle efficiency %.1f %% · rolled yield %.1f %% · takt ",
                   " · 过程周期效率 %.1f %% · 滚动合格率 %.1f %% · 节拍 "),
               100 * r->cycle_efficiency, 100 * r->rolled_yield);
    analysis_svg_seconds(s->out, r->takt_s);
    if (left_out)
        buf_printf(s->out, say(s, " · %zu more kinds are not drawn", " · 另有 %zu 类未画出"),
                   left_out);
    buf_add_str(s->out, "</text>\n");
    static const enum analysis_value values[] = {ANALYSIS_VALUE_ADDED, ANALYSIS_VALUE_NECESSARY,
                                                 ANALYSIS_VALUE_WASTE};
    double x = 20;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *name = value_name(s, values[i]);
        buf_printf(s->out,
                   "<rect x=\"%.1f\" y=\"67\" width=\"18\" height=\"6\" rx=\"3\" fill=\"%s\"/>\n",
                   x, value_colour(values[i]));
        analysis_svg_label(s->out, x + 24, 74, "fill=\"" ANALYSIS_INK "\"", name, 200, 12);
        x += 24 + analysis_svg_width(name, 12) + 26;
    }
    const char *wait = say(s, "mean wait in front (line: up)", "前面的平均等待（折线上段）");
    buf_printf(s->out, "<path d=\"M%.1f 63l8 14h-16z\" fill=\"%s\"/>\n", x + 8,
               ANALYSIS_WAIT_COLOUR);
    analysis_svg_label(s->out, x + 24, 74, "fill=\"" ANALYSIS_INK "\"", wait, 300, 12);
    x += 24 + analysis_svg_width(wait, 12) + 26;
    buf_printf(s->out, "<rect x=\"%.1f\" y=\"67\" width=\"18\" height=\"6\" fill=\"%s\"/>\n", x,
               ANALYSIS_WORK_COLOUR);
    analysis_svg_label(s->out, x + 24, 74, "fill=\"" ANALYSIS_INK "\"",
                       say(s, "mean work (line: down)", "平均工时（折线下段）"), 300, 12);
}

void analysis_value_stream(const struct analysis_log *log, const struct analysis_report *report,
                           bool chinese, struct buf *out)
{
    struct stream s = {.out = out, .chinese = chinese};
    struct box boxes[KINDS_MOST];
    uint32_t kinds[KINDS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < report->kinds.count && count < KINDS_MOST; i++) {
        const struct analysis_kind *kind = &report->kinds.items[i];
        kinds[count] = kind->kind;
        boxes[count++] =
            (struct box){.name = kind->kind == ANALYSIS_NONE ? say(&s, "not said", "未说明")
                                                             : log->texts[kind->kind],
                         .work = kind->duration.mean,
                         .wait = kind->wait.mean,
                         .yield = kind->complete_accurate,
                         .count = kind->duration.count,
                         .value = kind->value};
        s.most = fmax(s.most, kind->duration.mean);
    }
    order_kinds(log, report, boxes, kinds, count);
    qsort(boxes, count, sizeof *boxes, by_order);
    size_t rows = (count + ROW_BOXES - 1) / ROW_BOXES;
    size_t across = count < ROW_BOXES ? count : ROW_BOXES;
    double width = fmax(900, 40 + (double)across * (BOX + GAP) + 20);
    analysis_svg_begin(out, width, HEAD + ROW_HEIGHT * (double)rows - 24);
    put_heading(&s, report, report->kinds.count - count);
    for (size_t row = 0; row < rows; row++) {
        double y = HEAD + ROW_HEIGHT * (double)row;
        size_t from = row * ROW_BOXES;
        size_t here = count - from < ROW_BOXES ? count - from : ROW_BOXES;
        for (size_t i = 0; i < here; i++) {
            double x = 20 + GAP + (double)i * (BOX + GAP);
            put_wait(&s, &boxes[from + i], x, y);
            put_box(&s, &boxes[from + i], x, y);
        }
        put_line(&s, boxes + from, here, 20, y + 146);
    }
    buf_add_str(out, "</svg>\n");
}
