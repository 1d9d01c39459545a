/* gantt.c - SVG: one run over time.
 *
 * A small run has a row for each task: its wait as a thin line in front, its work as a bar, the
 * critical path in its own colour and joined.  A large one has a band for each kind, tasks packed
 * into as few lanes as they need (or how many are at once, where that is more than a band can
 * hold), the critical path alone on top, and below how many work and wait at each time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "lean/analysis/analysis_priv.h"

#define ROWS_MOST 60  /* tasks with a row each */
#define ROW 24        /* pixels */
#define KINDS_MOST 30 /* bands; what is left is one more */
#define LANES_MOST 50 /* of a band before it shows how many instead */
#define BAND_MOST 150 /* pixels that lanes of a band may take */
#define WIDTH 1200
#define RIGHT 130  /* room for what stands behind a bar */
#define TOP 104    /* of the first row */
#define PROFILE 70 /* height of what shows how many */

struct chart {
    struct buf *out;
    const struct analysis_log *log;
    const struct analysis_tasks *tasks;
    bool chinese;
    double left, width;
};

static const char *say(const struct chart *c, const char *english, const char *chinese)
{
    return c->chinese ? chinese : english;
}

static double x_of(const struct chart *c, double seconds)
{
    return c->left + (c->tasks->seconds > 0 ? seconds / c->tasks->seconds : 0) * c->width;
}

static const char *text_of(const struct chart *c, uint32_t text)
{
    return text == ANALYSIS_NONE ? say(c, "not said", "未说明") : c->log->texts[text];
}

static const struct analysis_record *record_of(const struct chart *c,
                                               const struct analysis_task *task)
{
    return &c->log->records[task->record];
}

static const char *colour_of(const struct chart *c, const struct analysis_task *task)
{
    return record_of(c, task)->outcome == ANALYSIS_FAILED ? ANALYSIS_FAILED_COLOUR
           : task->critical                               ? ANALYSIS_CRITICAL_COLOUR
                                                          : ANALYSIS_WORK_COLOUR;
}

/* What a pointer over a task shows. */
static void put_title(const struct chart *c, const struct analysis_task *task)
{
    const struct analysis_record *record = record_of(c, task);
    buf_add_str(c->out, "<title>");
    analysis_svg_text(c->out, text_of(c, record->task), 600, 12);
    if (record->kind != ANALYSIS_NONE) {
        buf_add_str(c->out, " · ");
        analysis_svg_text(c->out, c->log->texts[record->kind], 400, 12);
    }
    if (record->site != ANALYSIS_NONE) {
        buf_add_str(c->out, " · ");
        analysis_svg_text(c->out, c->log->texts[record->site], 400, 12);
    }
    buf_printf(c->out, " · %s ", say(c, "work", "工作"));
    analysis_svg_seconds(c->out, task->duration_s);
    if (task->wait_s > 0) {
        buf_printf(c->out, " · %s ", say(c, "waited", "等待"));
        analysis_svg_seconds(c->out, task->wait_s);
        buf_add_str(c->out, " (");
        if (task->cause == ANALYSIS_BUSY)
            buf_add_str(c->out, say(c, "busy: ", "忙："));
        if (task->cause == ANALYSIS_NOT_TAKEN)
            buf_add_str(c->out, say(c, "nobody took it up", "无人接手"));
        else
            analysis_svg_text(c->out, text_of(c, task->reason), 600, 12);
        buf_add_str(c->out, ")");
    }
    buf_printf(c->out, " · %s ", say(c, "slack", "松弛"));
    analysis_svg_seconds(c->out, task->slack_s);
    buf_add_str(c->out, "</title>");
}

static void put_heading(const struct chart *c, bool bands)
{
    const struct analysis_tasks *tasks = c->tasks;
    uint32_t name = c->log->run_name[tasks->run];
    double wait = 0;
    for (size_t i = 0; i < tasks->items.count; i++)
        wait += tasks->items.items[i].wait_s;
    analysis_svg_label(c->out, 20, 30, "font-weight=\"600\" fill=\"" ANALYSIS_INK "\"",
                       name == ANALYSIS_NONE ? say(c, "one run", "一次运行") : c->log->texts[name],
                       WIDTH - 60, 17);
    buf_printf(c->out, "<text x=\"20\" y=\"51\" fill=\"%s\">", ANALYSIS_GREY);
    buf_printf(c->out, say(c, "%zu tasks in ", "%zu 个任务，历时 "), tasks->items.count);
    analysis_svg_seconds(c->out, tasks->seconds);
    if (tasks->cyclic) {
        buf_add_str(c->out, say(c, " · predecessors form a cycle: no critical path",
                                " · 前置关系成环：没有关键路径"));
    } else {
        buf_add_str(c->out, say(c, " · work on the critical path ", " · 关键路径上的工作 "));
        analysis_svg_seconds(c->out, tasks->chain_s);
    }
    buf_add_str(c->out, say(c, " · all waits ", " · 等待合计 "));
    analysis_svg_seconds(c->out, wait);
    if (tasks->left_out)
        buf_printf(c->out, say(c, " · %zu without start or end", " · %zu 个缺开始或结束时间"),
                   tasks->left_out);
    if (c->log->derived)
        buf_add_str(c->out, say(c, " · no start times: the earliest possible are drawn",
                                " · 无开始时间：按最早可能开始绘制"));
    buf_add_str(c->out, "</text>\n");
    const struct {
        const char *colour, *english, *chinese;
        double height;
    } items[] = {{ANALYSIS_CRITICAL_COLOUR, "critical path", "关键路径", 12},
                 {ANALYSIS_WORK_COLOUR, "other work", "其他工作", 12},
                 {ANALYSIS_WAIT_COLOUR, "waiting", "等待", bands ? 12 : 5},
                 {ANALYSIS_FAILED_COLOUR, "failed", "失败", 12}};
    double x = 20;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const char *text = say(c, items[i].english, items[i].chinese);
        buf_printf(c->out,
                   "<rect x=\"%.1f\" y=\"%.1f\" width=\"18\" height=\"%.0f\" rx=\"2\" "
                   "fill=\"%s\"/>\n",
                   x, 70 - items[i].height / 2, items[i].height, items[i].colour);
        analysis_svg_label(c->out, x + 24, 74, "fill=\"" ANALYSIS_INK "\"", text, 200, 12);
        x += 24 + analysis_svg_width(text, 12) + 26;
    }
}

/* ---- a row for each task ---- */

static void put_row(const struct chart *c, const struct analysis_task *task, double y)
{
    const struct analysis_record *record = record_of(c, task);
    double from = x_of(c, task->begin_s), length = x_of(c, task->begin_s + task->duration_s) - from;
    bool failed = record->outcome == ANALYSIS_FAILED;
    length = fmax(2, length);
    analysis_svg_label(c->out, c->left - 12, y + 16,
                       task->critical
                           ? "text-anchor=\"end\" font-weight=\"600\" fill=\"" ANALYSIS_INK "\""
                           : "text-anchor=\"end\" fill=\"" ANALYSIS_INK "\"",
                       text_of(c, record->task), c->left - 30, 12);
    buf_add_str(c->out, "<g>");
    put_title(c, task);
    if (task->wait_s > 0) {
        double ready = x_of(c, fmax(0, task->begin_s - task->wait_s));
        buf_printf(c->out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"5\" fill=\"%s\"/>",
                   ready, y + 9.5, fmax(1, from - ready), ANALYSIS_WAIT_COLOUR);
    }
    buf_printf(c->out,
               "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"15\" rx=\"2\" "
               "fill=\"%s\"/></g>\n<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" font-size=\"11\" "
               "stroke=\"#ffffff\" stroke-width=\"2.5\" paint-order=\"stroke\">",
               from, y + 4.5, length, colour_of(c, task), from + length + 6, y + 16, ANALYSIS_GREY);
    if (failed)
        buf_add_str(c->out, "✕ ");
    analysis_svg_seconds(c->out, task->duration_s);
    if (record->attempts > 1)
        buf_printf(c->out, say(c, ", %u tries", "，%u 次尝试"), record->attempts);
    buf_add_str(c->out, "</text>\n");
}

/* From the end of a critical predecessor to the begin of what it held up. */
static void put_joints(const struct chart *c, const size_t *row_of)
{
    const struct analysis_tasks *tasks = c->tasks;
    size_t first = c->log->run_begin[tasks->run];
    for (size_t i = 0; i < tasks->items.count; i++) {
        const struct analysis_task *task = &tasks->items.items[i];
        const struct analysis_record *record = record_of(c, task);
        for (uint32_t k = 0; task->critical && k < record->after_count; k++) {
            uint32_t before = c->log->after[record->after + k];
            if (before == ANALYSIS_NONE || row_of[before - first] == SIZE_MAX)
                continue;
            const struct analysis_task *other = &tasks->items.items[row_of[before - first]];
            if (!other->critical)
                continue;
            double x = x_of(c, other->begin_s + other->duration_s), to = x_of(c, task->begin_s);
            double y = TOP + ROW * (double)row_of[before - first] + 19.5;
            double down = TOP + ROW * (double)i + 4.5;
            if (down > y && to >= x - 1)
                buf_printf(c->out,
                           "<path d=\"M%.1f %.1fV%.1fH%.1fV%.1f\" fill=\"none\" stroke=\"%s\" "
                           "stroke-width=\"1.3\" stroke-opacity=\"0.75\"/>\n",
                           fmax(c->left, x - 1.5), y, down - 2.5, fmax(x - 1.5, to + 1.5), down,
                           ANALYSIS_CRITICAL_COLOUR);
        }
    }
}

static void draw_rows(struct chart *c)
{
    const struct analysis_tasks *tasks = c->tasks;
    size_t first = c->log->run_begin[tasks->run], count = tasks->items.count;
    size_t records = c->log->run_begin[tasks->run + 1] - first;
    CLEANUP(mem_free_at) size_t *row_of = mem_array(records, sizeof *row_of);
    double longest = 60, height = TOP + ROW * (double)count + 16;
    memset(row_of, 0xff, records * sizeof *row_of);
    for (size_t i = 0; i < count; i++) {
        const struct analysis_task *task = &tasks->items.items[i];
        row_of[task->record - first] = i;
        longest =
            fmax(longest, analysis_svg_width(text_of(c, record_of(c, task)->task), 12) * 1.06);
    }
    c->left = 34 + fmin(longest, 300);
    c->width = WIDTH - RIGHT - c->left;
    analysis_svg_begin(c->out, WIDTH, height);
    put_heading(c, false);
    for (size_t i = 1; i < count; i += 2)
        buf_printf(c->out,
                   "<rect x=\"12\" y=\"%.0f\" width=\"%d\" height=\"%d\" fill=\"#f6f8fa\"/>\n",
                   TOP + ROW * (double)i, WIDTH - 24, ROW);
    analysis_svg_axis(c->out, c->left, c->width, tasks->seconds, TOP - 2, height - 12);
    put_joints(c, row_of);
    for (size_t i = 0; i < count; i++)
        put_row(c, &tasks->items.items[i], TOP + ROW * (double)i);
}

/* ---- a band for each kind ---- */

struct band {
    uint32_t kind;
    size_t count, lanes;
    double lane, height;
};
struct banding {
    struct band bands[KINDS_MOST + 1];
    size_t count;
    unsigned char *band_of; /* of each task */
    uint32_t *lane_of;
};

/* Kinds in the order in which they begin; from the KINDS_MOST-th on they share one. */
static void make_bands(const struct chart *c, struct banding *b)
{
    const struct analysis_tasks *tasks = c->tasks;
    CLEANUP(mem_free_at) double *until = mem_array(tasks->items.count, sizeof *until);
    for (size_t i = 0; i < tasks->items.count; i++) {
        uint32_t kind = record_of(c, &tasks->items.items[i])->kind;
        size_t k = 0;
        while (k < b->count && k < KINDS_MOST && b->bands[k].kind != kind)
            k++;
        if (k == b->count)
            b->bands[b->count++].kind = kind;
        b->band_of[i] = (unsigned char)k;
        b->bands[k].count++;
    }
    for (size_t k = 0; k < b->count; k++) {
        struct band *band = &b->bands[k];
        for (size_t i = 0; i < tasks->items.count; i++) {
            const struct analysis_task *task = &tasks->items.items[i];
            size_t lane = 0;
            if (b->band_of[i] != k)
                continue;
            while (lane < band->lanes && lane < LANES_MOST && until[lane] > task->begin_s + 1e-9)
                lane++;
            if (lane == band->lanes)
                band->lanes++;
            until[lane] = task->begin_s + task->duration_s;
            b->lane_of[i] = (uint32_t)lane;
            if (band->lanes > LANES_MOST)
                break;
        }
    }
}

/* How many are at once, on average over each pixel: tasks of the band (ANALYSIS_NONE: of all),
 * working or waiting; adds to what stands in `at`. */
static void count_at_once(const struct chart *c, const struct banding *b, size_t band, bool waiting,
                          double *at, size_t columns)
{
    const struct analysis_tasks *tasks = c->tasks;
    double scale = tasks->seconds > 0 ? (double)columns / tasks->seconds : 0;
    for (size_t i = 0; i < tasks->items.count; i++) {
        const struct analysis_task *task = &tasks->items.items[i];
        if (band != SIZE_MAX && b->band_of[i] != band)
            continue;
        double from = waiting ? fmax(0, task->begin_s - task->wait_s) : task->begin_s;
        double to = waiting ? task->begin_s : task->begin_s + task->duration_s;
        from *= scale;
        to = fmin(to * scale, (double)columns);
        for (size_t k = (size_t)fmax(0, from); k < columns && (double)k < to; k++)
            at[k] += fmin((double)k + 1, to) - fmax((double)k, from);
    }
}

static double highest(const double *at, size_t columns)
{
    double most = 0;
    for (size_t k = 0; k < columns; k++)
        most = fmax(most, at[k]);
    return most;
}

/* The area below `upper`, above `lower` (NULL: the ground), as steps. */
static void put_area(const struct chart *c, const double *lower, const double *upper,
                     size_t columns, double ground, double scale, const char *colour)
{
    buf_printf(c->out, "<path fill=\"%s\" d=\"M%.1f %.1f", colour, c->left,
               ground - (lower ? lower[0] * scale : 0));
    double last = -1;
    for (size_t k = 0; k < columns; k++) {
        double y = ground - upper[k] * scale;
        if (fabs(y - last) < 0.05 && k + 1 < columns)
            continue;
        buf_printf(c->out, "H%.1fV%.1f", c->left + (double)k, y);
        last = y;
    }
    buf_printf(c->out, "H%.1f", c->left + (double)columns);
    last = -1;
    for (size_t k = columns; lower && k-- > 0;) {
        double y = ground - lower[k] * scale;
        if (fabs(y - last) < 0.05)
            continue;
        buf_printf(c->out, "H%.1fV%.1f", c->left + (double)k + 1, y);
        last = y;
    }
    if (!lower)
        buf_printf(c->out, "V%.1f", ground);
    buf_add_str(c->out, "Z\"/>\n");
}

static void put_lanes(const struct chart *c, const struct banding *b, size_t k, double y)
{
    double lane = b->bands[k].lane;
    for (size_t i = 0; i < c->tasks->items.count; i++) {
        const struct analysis_task *task = &c->tasks->items.items[i];
        if (b->band_of[i] != k)
            continue;
        double from = x_of(c, task->begin_s);
        double to = x_of(c, task->begin_s + task->duration_s);
        buf_printf(c->out,
                   "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\">", from,
                   y + lane * b->lane_of[i], fmax(1, to - from - (to - from > 3 ? 0.5 : 0)),
                   lane > 3 ? lane - 1 : lane * 0.85, colour_of(c, task));
        put_title(c, task);
        buf_add_str(c->out, "</rect>\n");
    }
}

/* How many tasks of the band are at once; at its foot those of the critical path. */
static void put_counts(const struct chart *c, const struct banding *b, size_t k, double y)
{
    size_t columns = (size_t)c->width;
    double foot = y + b->bands[k].height;
    CLEANUP(mem_free_at) double *at = mem_array(columns, sizeof *at);
    count_at_once(c, b, k, false, at, columns);
    double most = highest(at, columns);
    put_area(c, NULL, at, columns, foot, most > 0 ? b->bands[k].height / most : 0,
             ANALYSIS_WORK_COLOUR);
    for (size_t i = 0; i < c->tasks->items.count; i++) {
        const struct analysis_task *task = &c->tasks->items.items[i];
        if (b->band_of[i] != k || !task->chain)
            continue;
        double from = x_of(c, task->begin_s);
        buf_printf(c->out,
                   "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"7\" fill=\"%s\" "
                   "stroke=\"#ffffff\" stroke-width=\"0.8\">",
                   from, foot - 9, fmax(2, x_of(c, task->begin_s + task->duration_s) - from),
                   ANALYSIS_CRITICAL_COLOUR);
        put_title(c, task);
        buf_add_str(c->out, "</rect>\n");
    }
    buf_printf(c->out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" font-size=\"11\">%s %.0f</text>\n",
               c->left + c->width + 8, y + 10, ANALYSIS_GREY, say(c, "most", "最多"), most);
}

static void put_band_label(const struct chart *c, const struct banding *b, size_t k, double y)
{
    const struct band *band = &b->bands[k];
    char count[64];
    double middle = y + band->height / 2;
    str_format(count, sizeof count, "× %zu", band->count);
    double tail = analysis_svg_width(count, 11) + 14;
    analysis_svg_label(c->out, c->left - 12 - tail, middle + 4,
                       "text-anchor=\"end\" fill=\"" ANALYSIS_INK "\"",
                       k == KINDS_MOST ? say(c, "other kinds", "其他类别") : text_of(c, band->kind),
                       c->left - tail - 34, 12);
    analysis_svg_label(c->out, c->left - 12, middle + 4,
                       "text-anchor=\"end\" fill=\"" ANALYSIS_GREY "\"", count, 100, 11);
}

/* The critical path alone: one task after the other. */
static void put_critical(const struct chart *c, double y)
{
    analysis_svg_label(c->out, c->left - 12, y + 17,
                       "text-anchor=\"end\" font-weight=\"600\" fill=\"" ANALYSIS_INK "\"",
                       say(c, "critical path", "关键路径"), 200, 12);
    for (size_t i = 0; i < c->tasks->items.count; i++) {
        const struct analysis_task *task = &c->tasks->items.items[i];
        if (!task->chain)
            continue;
        double from = x_of(c, task->begin_s), to = x_of(c, task->begin_s + task->duration_s);
        const char *kind = text_of(c, record_of(c, task)->kind);
        buf_printf(c->out,
                   "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"18\" rx=\"1.5\" "
                   "fill=\"%s\">",
                   from, y + 4, fmax(1, to - from - 0.7), ANALYSIS_CRITICAL_COLOUR);
        put_title(c, task);
        buf_add_str(c->out, "</rect>\n");
        if (to - from > 44)
            analysis_svg_label(c->out, from + 6, y + 17, "fill=\"#ffffff\" font-weight=\"600\"",
                               kind, to - from - 12, 11);
    }
}

static void put_profile(const struct chart *c, const struct banding *b, double y)
{
    size_t columns = (size_t)c->width;
    CLEANUP(mem_free_at) double *work = mem_array(2 * columns, sizeof *work);
    double *all = work + columns;
    count_at_once(c, b, SIZE_MAX, false, work, columns);
    memcpy(all, work, columns * sizeof *all);
    count_at_once(c, b, SIZE_MAX, true, all, columns);
    double most = highest(all, columns), ground = y + PROFILE;
    double scale = most > 0 ? PROFILE / most : 0;
    put_area(c, NULL, work, columns, ground, scale, ANALYSIS_WORK_COLOUR);
    put_area(c, work, all, columns, ground, scale, ANALYSIS_WAIT_COLOUR);
    buf_printf(c->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
               c->left, ground, c->left + c->width, ground, ANALYSIS_GREY);
    analysis_svg_label(c->out, c->left - 12, y + PROFILE / 2.0 + 4,
                       "text-anchor=\"end\" fill=\"" ANALYSIS_INK "\"",
                       say(c, "tasks at once", "同时进行的任务数"), 200, 12);
    buf_printf(c->out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" font-size=\"11\">%s %.0f</text>\n",
               c->left + c->width + 8, y + 9, ANALYSIS_GREY, say(c, "most", "最多"), most);
}

static void draw_bands(struct chart *c)
{
    const struct analysis_tasks *tasks = c->tasks;
    CLEANUP(mem_free_at) unsigned char *band_of = mem_array(tasks->items.count, 1);
    CLEANUP(mem_free_at) uint32_t *lane_of = mem_array(tasks->items.count, sizeof *lane_of);
    struct banding b = {.band_of = band_of, .lane_of = lane_of};
    double lanes = 0, longest = 100, height = TOP + 30;
    make_bands(c, &b);
    for (size_t k = 0; k < b.count; k++) {
        char count[64];
        str_format(count, sizeof count, "× %zu", b.bands[k].count);
        lanes += b.bands[k].lanes <= LANES_MOST ? (double)b.bands[k].lanes : 0;
        longest = fmax(longest, analysis_svg_width(text_of(c, b.bands[k].kind), 12) * 1.06 +
                                    analysis_svg_width(count, 11) + 14);
    }
    double lane = fmax(3, fmin(14, 560 / fmax(1, lanes)));
    for (size_t k = 0; k < b.count; k++) {
        struct band *band = &b.bands[k];
        band->lane = fmin(lane, BAND_MOST / fmax(1, (double)band->lanes));
        band->height =
            band->lanes > LANES_MOST ? PROFILE : fmax(18, band->lane * (double)band->lanes);
        height += band->height + 9;
    }
    c->left = 34 + fmin(longest, 320);
    c->width = floor(WIDTH - RIGHT - c->left);
    double profile = height + 16;
    height = profile + PROFILE + 24;
    analysis_svg_begin(c->out, WIDTH, height);
    put_heading(c, true);
    analysis_svg_axis(c->out, c->left, c->width, tasks->seconds, TOP - 2, height - 14);
    put_critical(c, TOP);
    double y = TOP + 34;
    for (size_t k = 0; k < b.count; k++) {
        struct band *band = &b.bands[k];
        buf_printf(c->out, "<line x1=\"12\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n",
                   y - 4.5, WIDTH - 12, y - 4.5, ANALYSIS_LINE);
        put_band_label(c, &b, k, y);
        if (band->lanes > LANES_MOST) {
            put_counts(c, &b, k, y);
        } else {
            put_lanes(c, &b, k, y);
        }
        y += band->height + 9;
    }
    put_profile(c, &b, profile);
}

void analysis_gantt(const struct analysis_log *log, const struct analysis_tasks *tasks,
                    bool chinese, struct buf *out)
{
    struct chart c = {.out = out, .log = log, .tasks = tasks, .chinese = chinese};
    if (tasks->items.count <= ROWS_MOST)
        draw_rows(&c);
    else
        draw_bands(&c);
    buf_add_str(out, "</svg>\n");
}
