/* compare.c - is the later period really different?
 *
 * Mann–Whitney's rank test, two-sided, normal approximation with correction for ties and continuity
 * (Mann, Whitney 1947); Cliff's delta says how large the difference is; p is adjusted for the
 * number of questions asked (Holm 1979).  O(n log n). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

#define FEWEST 8 /* on each side, for the normal approximation */

struct ranked {
    double value;
    bool after;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static double median(const struct ranked *sorted, size_t count, bool after, size_t of)
{
    size_t seen = 0;
    double low = 0;
    for (size_t i = 0; i < count; i++) {
        if (sorted[i].after != after)
            continue;
        if (seen == (of - 1) / 2)
            low = sorted[i].value;
        if (seen == of / 2)
            return (low + sorted[i].value) / 2;
        seen++;
    }
    return low;
}

static void test_ranks(struct ranked *all, size_t before, size_t after,
                       struct analysis_difference *out)
{
    size_t count = before + after;
    double ranks = 0, ties = 0, n = (double)before, m = (double)after, total = n + m;
    qsort(all, count, sizeof *all, by_value);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && all[end].value == all[i].value)
            end++;
        double rank = (double)(i + end + 1) / 2, same = (double)(end - i);
        for (size_t k = i; k < end; k++)
            ranks += all[k].after ? rank : 0;
        ties += same * same * same - same;
        i = end;
    }
    double u = ranks - m * (m + 1) / 2; /* pairs in which the later one is longer, ties half */
    out->before_count = (int64_t)before;
    out->after_count = (int64_t)after;
    out->before_p50 = before ? median(all, count, false, before) : NAN;
    out->after_p50 = after ? median(all, count, true, after) : NAN;
    out->shift = before && after ? 2 * u / (n * m) - 1 : NAN;
    out->p = NAN;
    if (before < FEWEST || after < FEWEST)
        return;
    double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
    double distance = fmax(0, fabs(u - n * m / 2) - 0.5);
    out->p = variance > 0 ? erfc(distance / sqrt(2 * variance)) : 1;
}

struct gathering {
    const struct analysis_log *logs[2];
    struct ranked *all;
    size_t counts[2];
};

static void gather_leads(struct gathering *g)
{
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        const struct analysis_log *log = g->logs[side];
        g->counts[side] = 0;
        for (size_t run = 0; run < log->runs; run++) {
            int64_t begin = INT64_MAX, end = INT64_MIN;
            for (size_t i = log->run_begin[run]; i < log->run_begin[run + 1]; i++) {
                const struct analysis_record *r = &log->records[i];
                if (r->started == ANALYSIS_UNKNOWN || r->ended == ANALYSIS_UNKNOWN)
                    continue;
                int64_t from = r->queued != ANALYSIS_UNKNOWN && r->queued < r->started ? r->queued
                                                                                       : r->started;
                begin = from < begin ? from : begin;
                end = r->ended > end ? r->ended : end;
            }
            if (end == INT64_MIN)
                continue;
            g->all[count++] = (struct ranked){analysis_seconds(begin, end), side == 1};
            g->counts[side]++;
        }
    }
}

static void gather_kind(struct gathering *g, const char *kind)
{
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        const struct analysis_log *log = g->logs[side];
        uint32_t number = ANALYSIS_NONE;
        g->counts[side] = 0;
        for (size_t t = 0; t < log->text_count; t++)
            if (strcmp(log->texts[t], kind) == 0)
                number = (uint32_t)t;
        for (size_t i = 0; i < log->count && number != ANALYSIS_NONE; i++) {
            const struct analysis_record *r = &log->records[i];
            if (r->kind != number || r->started == ANALYSIS_UNKNOWN ||
                r->ended == ANALYSIS_UNKNOWN || r->ended < r->started)
                continue;
            g->all[count++] = (struct ranked){analysis_seconds(r->started, r->ended), side == 1};
            g->counts[side]++;
        }
    }
}

static int by_p(const void *a, const void *b)
{
    const struct analysis_difference *const *x = a, *const *y = b;
    double p = isnan((*x)->p) ? 2 : (*x)->p, q = isnan((*y)->p) ? 2 : (*y)->p;
    return p < q ? -1 : p > q;
}

static void adjust(struct analysis_comparison *c)
{
    CLEANUP(mem_free_at)
    struct analysis_difference **order = mem_array(c->items.count, sizeof *order);
    size_t asked = 0;
    double least = 0;
    for (size_t i = 0; i < c->items.count; i++) {
        order[i] = &c->items.items[i];
        asked += isnan(order[i]->p) ? 0 : 1;
    }
    qsort(order, c->items.count, sizeof *order, by_p);
    for (size_t i = 0; i < asked; i++) {
        least = fmax(least, fmin(1, order[i]->p * (double)(asked - i)));
        order[i]->p = least;
        order[i]->significant = least < 0.05;
    }
}

enum err_code analysis_compare(const struct analysis_log *before, const struct analysis_log *after,
                               struct analysis_comparison *out, struct arena *arena,
                               struct err *err)
{
    struct analysis_comparison c = {.items = {NULL, 0}};
    size_t room = before->count + after->count;
    CLEANUP(mem_free_at) struct ranked *all = mem_array(room, sizeof *all);
    struct gathering g = {.logs = {before, after}, .all = all};
    if (!before->count || !after->count)
        return err_set(err, ERR_INVALID, "one of the two periods has no record");
    gather_leads(&g);
    struct analysis_difference *lead = LIST_ADD(arena, &c.items);
    lead->what = "lead time";
    test_ranks(all, g.counts[0], g.counts[1], lead);
    CLEANUP(mem_free_at) bool *seen = mem_array(before->text_count + 1, sizeof *seen);
    for (size_t i = 0; i < before->count; i++) {
        uint32_t kind = before->records[i].kind;
        if (kind == ANALYSIS_NONE || seen[kind])
            continue;
        seen[kind] = true;
        gather_kind(&g, before->texts[kind]);
        if (!g.counts[0] || !g.counts[1])
            continue;
        struct analysis_difference *difference = LIST_ADD(arena, &c.items);
        difference->what = arena_strdup(arena, before->texts[kind]);
        test_ranks(all, g.counts[0], g.counts[1], difference);
    }
    adjust(&c);
    *out = c;
    return ERR_OK;
}

/* ---- one log in two ---- */

static int64_t begin_of(const struct analysis_log *log, size_t run)
{
    int64_t begin = INT64_MAX;
    for (size_t i = log->run_begin[run]; i < log->run_begin[run + 1]; i++) {
        const struct analysis_record *r = &log->records[i];
        int64_t from = r->queued != ANALYSIS_UNKNOWN ? r->queued : r->started;
        if (from != ANALYSIS_UNKNOWN && from < begin)
            begin = from;
    }
    return begin;
}

/* Runs keep their order, so predecessors only move by what was left out before them. */
static void take_runs(const struct analysis_log *log, const bool *late, bool side,
                      struct analysis_log *out)
{
    memset(out, 0, sizeof *out);
    out->memory = mem_zalloc(sizeof *out->memory);
    out->records = mem_array(log->count, sizeof *out->records);
    out->run_name = mem_array(log->runs, sizeof *out->run_name);
    out->memory->run_begin = mem_array(log->runs + 1, sizeof *out->memory->run_begin);
    out->after = mem_array(log->after_count, sizeof *out->after);
    out->after_count = log->after_count;
    out->texts = mem_array(log->text_count, sizeof *out->texts);
    out->text_count = log->text_count;
    memcpy(out->texts, log->texts, log->text_count * sizeof *out->texts);
    memcpy(out->after, log->after, log->after_count * sizeof *out->after);
    for (size_t run = 0; run < log->runs; run++) {
        uint32_t begin = log->run_begin[run], count = log->run_begin[run + 1] - begin;
        if (late[run] != side)
            continue;
        uint32_t moved = begin - (uint32_t)out->count;
        memcpy(out->records + out->count, log->records + begin, count * sizeof *out->records);
        for (uint32_t i = begin; i < begin + count; i++)
            for (uint32_t k = 0; k < log->records[i].after_count; k++)
                if (log->after[log->records[i].after + k] != ANALYSIS_NONE)
                    out->after[log->records[i].after + k] -= moved;
        out->run_name[out->runs] = log->run_name[run];
        out->memory->run_begin[out->runs++] = (uint32_t)out->count;
        out->count += count;
    }
    out->memory->run_begin[out->runs] = (uint32_t)out->count;
    out->run_begin = out->memory->run_begin;
}

enum err_code analysis_split(const struct analysis_log *log, int64_t at,
                             struct analysis_log *before, struct analysis_log *after,
                             struct err *err)
{
    CLEANUP(mem_free_at) bool *late = mem_array(log->runs, sizeof *late);
    size_t count = 0;
    for (size_t run = 0; run < log->runs; run++) {
        late[run] = begin_of(log, run) >= at;
        count += late[run];
    }
    if (!count || count == log->runs)
        return err_set(err, ERR_INVALID, "all runs began %s that moment",
                       count ? "at or after" : "before");
    take_runs(log, late, false, before);
    take_runs(log, late, true, after);
    return ERR_OK;
}
