/* causes.c - why tasks waited.
 *
 * What a record says counts.  Where it says nothing, whoever did the task may have been at other
 * work while it was ready: if for at least half of the wait, that is the reason; if not, nobody
 * took the task up.  "Whoever" is the actor (of one site, where sites are said), else the site.
 * O(n log n). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

const char *const analysis_cause_names[ANALYSIS_CAUSES] = {"said", "busy", "not-taken",
                                                           "unexplained"};

struct turn {
    uint32_t who, site; /* texts */
    uint32_t record;
    int64_t from, to;
};

struct busy { /* stretches without overlap, in order; `before`: ms of work in all earlier ones */
    int64_t from, to, before;
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->who != y->who)
        return x->who < y->who ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

static size_t merge(const struct turn *turns, size_t count, struct busy *out)
{
    size_t merged = 0;
    for (size_t k = 0; k < count; k++) {
        struct busy *last = merged ? &out[merged - 1] : NULL;
        if (last && turns[k].from <= last->to) {
            last->to = turns[k].to > last->to ? turns[k].to : last->to;
            continue;
        }
        out[merged++] = (struct busy){turns[k].from, turns[k].to,
                                      last ? last->before + last->to - last->from : 0};
    }
    return merged;
}

/* ms of work before the moment */
static int64_t worked(const struct busy *busy, size_t count, int64_t at)
{
    size_t low = 0, high = count; /* the last that began before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (busy[middle].from < at)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return 0;
    const struct busy *last = &busy[low - 1];
    return last->before + (at < last->to ? at : last->to) - last->from;
}

static uint32_t who_of(const struct analysis_record *record)
{
    return record->actor != ANALYSIS_NONE ? record->actor : record->site;
}

static void look_at_turns(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    CLEANUP(mem_free_at) struct turn *turns = mem_array(log->count, sizeof *turns);
    CLEANUP(mem_free_at) struct busy *busy = mem_array(log->count, sizeof *busy);
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        if (m->duration[i] >= 0 && who_of(record) != ANALYSIS_NONE)
            turns[count++] = (struct turn){who_of(record), record->site, (uint32_t)i,
                                           record->started, record->ended};
    }
    qsort(turns, count, sizeof *turns, by_turn);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin; end < count && turns[end].who == turns[begin].who &&
                          turns[end].site == turns[begin].site;)
            end++;
        size_t merged = merge(turns + begin, end - begin, busy);
        for (size_t k = begin; k < end; k++) {
            size_t i = turns[k].record;
            int64_t ready = m->ready[i];
            if (m->report->cause[i] == ANALYSIS_NOT_TAKEN && m->wait[i] > 0 &&
                2 * (worked(busy, merged, turns[k].from) - worked(busy, merged, ready)) >=
                    turns[k].from - ready)
                m->report->cause[i] = ANALYSIS_BUSY;
        }
    }
}

static int by_seconds(const void *a, const void *b)
{
    const struct analysis_reason *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    if (x->cause != y->cause)
        return (int)x->cause - (int)y->cause;
    return x->reason < y->reason ? -1 : x->reason > y->reason;
}

uint32_t analysis_reason_of(const struct analysis_record *record, enum analysis_cause cause)
{
    return cause == ANALYSIS_SAID   ? record->reason
           : cause == ANALYSIS_BUSY ? who_of(record)
                                    : ANALYSIS_NONE;
}

static void sum_up(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    size_t each = log->text_count + 1;
    CLEANUP(mem_free_at) uint32_t *place = mem_array(ANALYSIS_CAUSES * each, sizeof *place);
    for (size_t i = 0; i < log->count; i++) {
        if (!(m->wait[i] > 0))
            continue;
        enum analysis_cause cause = (enum analysis_cause)m->report->cause[i];
        uint32_t text = analysis_reason_of(&log->records[i], cause);
        size_t at = cause * each + (text == ANALYSIS_NONE ? log->text_count : text);
        if (!place[at]) {
            *LIST_ADD(m->arena, &m->report->reasons) =
                (struct analysis_reason){.reason = text, .cause = cause};
            place[at] = (uint32_t)m->report->reasons.count;
        }
        struct analysis_reason *reason = &m->report->reasons.items[place[at] - 1];
        reason->count++;
        reason->seconds += m->wait[i];
    }
    if (m->report->reasons.count)
        qsort(m->report->reasons.items, m->report->reasons.count, sizeof *m->report->reasons.items,
              by_seconds);
}

void analysis_find_causes(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    bool ask = false;
    m->report->cause = arena_array(m->arena, log->count, 1);
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        m->report->cause[i] = record->reason != ANALYSIS_NONE   ? ANALYSIS_SAID
                              : who_of(record) != ANALYSIS_NONE ? ANALYSIS_NOT_TAKEN
                                                                : ANALYSIS_UNEXPLAINED;
        ask = ask || (m->report->cause[i] == ANALYSIS_NOT_TAKEN && m->wait[i] > 0);
    }
    if (ask)
        look_at_turns(m);
    sum_up(m);
}
