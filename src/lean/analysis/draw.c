/* draw.c - SVG: one run as a Gantt chart, and the value stream of all.
 *
 * Plain shapes and system fonts, no script; readable in light and dark surroundings (a ground of
 * its own).  Names are escaped: nothing of a record becomes markup. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

#define ROWS_MOST 400 /* tasks of a chart; further ones are counted in its last line */
#define KINDS_MOST 14 /* boxes of a value stream, the longest; the rest is one box */

static void put_escaped(struct buf *out, const char *text, size_t most)
{
    size_t shown = 0;
    for (const char *at = text; *at; at++) {
        bool first = ((unsigned char)*at & 0xc0) != 0x80;
        if (first && shown++ == most) {
            buf_add_str(out, "…");
            return;
        }
        if (*at == '<')
            buf_add_str(out, "&lt;");
        else if (*at == '>')
            buf_add_str(out, "&gt;");
        else if (*at == '&')
            buf_add_str(out, "&amp;");
        else if (*at == '"')
            buf_add_str(out, "&quot;");
        else if ((unsigned char)*at >= 0x20)
            buf_add(out, at, 1);
    }
}

static void put_seconds(struct buf *out, double seconds)
{
    if (seconds <= 0)
        buf_add_str(out, "0");
    else if (seconds < 1)
        buf_printf(out, "%.0f ms", seconds * 1000);
    else if (seconds < 120)
        buf_printf(out, "%.3g s", seconds);
    else if (seconds < 7200)
        buf_printf(out, "%.3g min", seconds / 60);
    else if (seconds < 172800)
        buf_printf(out, "%.3g h", seconds / 3600);
    else
        buf_printf(out, "%.3g d", seconds / 86400);
}

static void begin_svg(struct buf *out, double width, double height)
{
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\" font-family=\"system-ui, 'Noto Sans CJK SC', "
               "'PingFang SC', sans-serif\" font-size=\"12\">\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
               width, height, width, height);
}

static void put_label(struct buf *out, double x, double y, const char *style, const char *text,
                      size_t most)
{
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
    put_escaped(out, text, most);
    buf_add_str(out, "</text>\n");
}

/* 1, 2 or 5 times a power of ten, or of sixty: about eight marks. */
static double mark_of(double seconds)
{
    static const double marks[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05,  0.1,   0.2,   0.5,
                                   1,     2,     5,     10,   15,   30,    60,    120,   300,
                                   600,   900,   1800,  3600, 7200, 14400, 21600, 43200, 86400};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (seconds / marks[i] <= 9)
            return marks[i];
    return 86400 * ceil(seconds / 86400 / 8);
}

/* ---- Gantt ---- */

struct bar {
    uint32_t record;
    int64_t ready, started;
};

static int by_start(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    if (x->started != y->started)
        return x->started < y->started ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

struct chart {
    struct buf *out;
    const struct analysis_log *log;
    int64_t begin;
    double seconds, left, width;
};

static double x_of(const struct chart *c, int64_t at)
{
    double seconds = (double)(at - c->begin) / 1000;
    return c->left + (c->seconds > 0 ? seconds / c->seconds : 0) * c->width;
}

static void put_axis(const struct chart *c, double top, double bottom)
{
    double mark = mark_of(c->seconds);
    for (double at = 0; at <= c->seconds * 1.0001; at += mark) {
        double x = c->left + (c->seconds > 0 ? at / c->seconds : 0) * c->width;
        buf_printf(c->out,
                   "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e7ee\"/>\n"
                   "<text x=\"%.1f\" y=\"%.1f\" fill=\"#6b7686\" text-anchor=\"middle\" "
                   "font-size=\"11\">",
                   x, top, x, bottom, x, top - 6);
        put_seconds(c->out, at);
        buf_add_str(c->out, "</text>\n");
    }
}

static void put_bar(const struct chart *c, const struct bar *bar, double y, bool critical)
{
    const struct analysis_record *record = &c->log->records[bar->record];
    double from = x_of(c, record->started), to = x_of(c, record->ended);
    const char *colour = record->outcome == ANALYSIS_FAILED ? "#c23b3b"
                         : critical                         ? "#d9662b"
                                                            : "#3b7dd8";
    put_label(c->out, c->left - 10, y + 13, "text-anchor=\"end\" fill=\"#1f2733\"",
              c->log->texts[record->task], 26);
    if (bar->ready != ANALYSIS_UNKNOWN && bar->ready < record->started) {
        double wait = x_of(c, bar->ready > c->begin ? bar->ready : c->begin);
        buf_printf(c->out,
                   "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"6\" rx=\"3\" "
                   "fill=\"#cfd6e1\"><title>",
                   wait, y + 6, fmax(0.5, from - wait));
        put_escaped(c->out,
                    record->reason == ANALYSIS_NONE ? "waited" : c->log->texts[record->reason], 80);
        buf_add_str(c->out, " ");
        put_seconds(c->out, analysis_seconds(bar->ready, record->started));
        buf_add_str(c->out, "</title></rect>\n");
    }
    buf_printf(c->out,
               "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"14\" rx=\"3\" fill=\"%s\">"
               "<title>",
               from, y + 2, fmax(1.5, to - from), colour);
    put_escaped(c->out, record->kind == ANALYSIS_NONE ? "" : c->log->texts[record->kind], 60);
    if (record->site != ANALYSIS_NONE) {
        buf_add_str(c->out, " · ");
        put_escaped(c->out, c->log->texts[record->site], 60);
    }
    buf_add_str(c->out, " ");
    put_seconds(c->out, analysis_seconds(record->started, record->ended));
    buf_add_str(c->out, "</title></rect>\n");
    buf_printf(c->out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#4a5463\" font-size=\"10.5\">",
               fmax(1.5, to - from) + from + 5, y + 13);
    put_seconds(c->out, analysis_seconds(record->started, record->ended));
    buf_add_str(c->out, "</text>\n");
}

static void put_legend(struct buf *out, double x, double y, bool chinese)
{
    static const struct {
        const char *colour, *english, *chinese;
    } items[] = {{"#d9662b", "on the critical path", "关键路径"},
                 {"#3b7dd8", "other work", "其他任务"},
                 {"#cfd6e1", "waited", "等待"},
                 {"#c23b3b", "failed", "失败"}};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        buf_printf(out,
                   "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"3\" "
                   "fill=\"%s\"/>\n",
                   x, y, items[i].colour);
        put_label(out, x + 17, y + 10.5, "fill=\"#4a5463\"",
                  chinese ? items[i].chinese : items[i].english, 40);
        x += chinese ? 90 : 150;
    }
}

void analysis_gantt(const struct analysis_log *log, size_t run, bool chinese, struct buf *out)
{
    size_t first = log->run_begin[run], end = log->run_begin[run + 1], count = 0;
    CLEANUP(mem_free_at) struct bar *bars = mem_array(end - first, sizeof *bars);
    CLEANUP(mem_free_at) double *numbers = mem_array(2 * (end - first), sizeof *numbers);
    CLEANUP(mem_free_at) bool *critical = mem_array(end - first, sizeof *critical);
    int64_t begin = INT64_MAX, last = INT64_MIN;
    analysis_slack(log, run, numbers, numbers + (end - first), critical);
    for (size_t i = first; i < end; i++) {
        const struct analysis_record *record = &log->records[i];
        if (record->started == ANALYSIS_UNKNOWN || record->ended == ANALYSIS_UNKNOWN ||
            record->ended < record->started)
            continue;
        int64_t ready = analysis_ready(log, i), from = record->started;
        from = ready != ANALYSIS_UNKNOWN && ready < from ? ready : from;
        begin = from < begin ? from : begin;
        last = record->ended > last ? record->ended : last;
        bars[count++] = (struct bar){(uint32_t)i, ready, record->started};
    }
    qsort(bars, count, sizeof *bars, by_start);
    size_t rows = count < ROWS_MOST ? count : ROWS_MOST;
    double height = 96 + 22 * (double)rows + (count > rows ? 22 : 0);
    struct chart c = {.out = out,
                      .log = log,
                      .begin = count ? begin : 0,
                      .seconds = count ? analysis_seconds(begin, last) : 0,
                      .left = 210,
                      .width = 760};
    begin_svg(out, 1060, height);
    buf_add_str(out,
                "<text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2733\">");
    if (log->run_name[run] != ANALYSIS_NONE)
        put_escaped(out, log->texts[log->run_name[run]], 60);
    else
        buf_add_str(out, chinese ? "一次运行" : "one run");
    buf_printf(out, chinese ? "：%zu 个任务，" : ": %zu tasks, ", count);
    put_seconds(out, c.seconds);
    buf_add_str(out, "</text>\n");
    put_legend(out, 20, 42, chinese);
    put_axis(&c, 82, height - 12);
    for (size_t i = 0; i < rows; i++)
        put_bar(&c, &bars[i], 86 + 22 * (double)i, critical[bars[i].record - first]);
    if (count > rows) {
        buf_printf(out, "<text x=\"20\" y=\"%.1f\" fill=\"#6b7686\">", height - 16);
        buf_printf(out, chinese ? "还有 %zu 个任务未画出" : "%zu more tasks are not drawn",
                   count - rows);
        buf_add_str(out, "</text>\n");
    }
    buf_add_str(out, "</svg>\n");
}

/* ---- value stream ---- */

struct box {
    const char *name;
    double work, wait, yield, order;
    int64_t count;
    int value;
};

static int by_order(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
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

static void put_box(struct buf *out, const struct box *box, double x, bool chinese)
{
    const char *colour = box->value == ANALYSIS_VALUE_WASTE       ? "#f6dada"
                         : box->value == ANALYSIS_VALUE_NECESSARY ? "#f3ead6"
                                                                  : "#dbeee5";
    buf_printf(out,
               "<rect x=\"%.1f\" y=\"96\" width=\"118\" height=\"112\" rx=\"8\" fill=\"%s\" "
               "stroke=\"#c3cad6\"/>\n",
               x, colour);
    put_label(out, x + 59, 116, "text-anchor=\"middle\" font-weight=\"600\" fill=\"#1f2733\"",
              box->name, 14);
    buf_printf(out, "<text x=\"%.1f\" y=\"140\" fill=\"#4a5463\">%s ", x + 10,
               chinese ? "平均工时" : "work, mean");
    put_seconds(out, box->work);
    buf_printf(out, "</text>\n<text x=\"%.1f\" y=\"160\" fill=\"#4a5463\">%s ", x + 10,
               chinese ? "平均等待" : "wait, mean");
    put_seconds(out, box->wait);
    buf_printf(out,
               "</text>\n<text x=\"%.1f\" y=\"180\" fill=\"#4a5463\">%%C&amp;A %.1f %%</text>\n",
               x + 10, 100 * box->yield);
    buf_printf(out, "<text x=\"%.1f\" y=\"199\" fill=\"#4a5463\">× %lld</text>\n", x + 10,
               (long long)box->count);
}

/* The castle line below the boxes: wait up, work down, to scale by height. */
static void put_ladder(struct buf *out, const struct box *box, double x, double most)
{
    double wait = 44 * (most > 0 ? box->wait / most : 0),
           work = 44 * (most > 0 ? box->work / most : 0);
    buf_printf(out,
               "<rect x=\"%.1f\" y=\"%.1f\" width=\"28\" height=\"%.1f\" fill=\"#cfd6e1\"/>\n"
               "<rect x=\"%.1f\" y=\"290\" width=\"118\" height=\"%.1f\" fill=\"#2f9e77\"/>\n",
               x - 28, 290 - fmax(1, wait), fmax(1, wait), x, fmax(1, work));
}

void analysis_value_stream(const struct analysis_log *log, const struct analysis_report *report,
                           bool chinese, struct buf *out)
{
    struct box boxes[KINDS_MOST + 1];
    uint32_t kinds[KINDS_MOST + 1];
    size_t count = 0;
    double most = 0;
    for (size_t i = 0; i < report->kinds.count && count < KINDS_MOST; i++) {
        const struct analysis_kind *kind = &report->kinds.items[i];
        kinds[count] = kind->kind;
        boxes[count++] =
            (struct box){.name = kind->kind == ANALYSIS_NONE ? (chinese ? "未说明" : "not said")
                                                             : log->texts[kind->kind],
                         .work = kind->duration.mean,
                         .wait = kind->wait.mean,
                         .yield = kind->complete_accurate,
                         .count = kind->duration.count,
                         .value = (int)kind->value};
        most = fmax(most, fmax(kind->duration.mean, kind->wait.mean));
    }
    order_kinds(log, report, boxes, kinds, count);
    qsort(boxes, count, sizeof *boxes, by_order);
    double width = fmax(760, 60 + 152 * (double)count);
    begin_svg(out, width, 372);
    buf_printf(out,
               "<text x=\"20\" y=\"30\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2733\">%s"
               "</text>\n<text x=\"20\" y=\"54\" fill=\"#4a5463\">",
               chinese ? "价值流" : "Value stream");
    buf_printf(out, chinese ? "%lld 次运行，前置时间 P50 " : "%lld runs, lead time p50 ",
               (long long)report->runs);
    put_seconds(out, report->lead.p50);
    buf_printf(out,
               chinese ? "，过程周期效率 %.1f %%，滚动合格率 %.1f %%，节拍 "
                       : ", process cycle efficiency %.1f %%, rolled yield %.1f %%, takt ",
               100 * report->cycle_efficiency, 100 * report->rolled_yield);
    put_seconds(out, report->takt_s);
    buf_add_str(out, "</text>\n");
    for (size_t i = 0; i < count; i++) {
        double x = 48 + 152 * (double)i;
        if (i)
            buf_printf(out,
                       "<path d=\"M%.1f 152h24m-7 -5l7 5l-7 5\" fill=\"none\" stroke=\"#8a94a5\" "
                       "stroke-width=\"1.6\"/>\n",
                       x - 30);
        put_box(out, &boxes[i], x, chinese);
        put_ladder(out, &boxes[i], x, most);
    }
    buf_printf(out,
               "<line x1=\"20\" y1=\"290\" x2=\"%.1f\" y2=\"290\" stroke=\"#8a94a5\"/>\n"
               "<text x=\"20\" y=\"234\" fill=\"#6b7686\" font-size=\"11\">%s</text>\n"
               "<text x=\"20\" y=\"356\" fill=\"#6b7686\" font-size=\"11\">%s</text>\n",
               width - 20, chinese ? "等待（上）" : "wait (above)",
               chinese ? "工作（下）；绿：增值，黄：必要，红：浪费"
                       : "work (below); green adds value, sand is necessary, red is waste");
    buf_add_str(out, "</svg>\n");
}
