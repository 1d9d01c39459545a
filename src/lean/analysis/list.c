/* list.c - one run, task by task. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

size_t analysis_find_run(const struct analysis_log *log, const struct analysis_report *report,
                         const char *name)
{
    uint32_t wanted = ANALYSIS_NONE;
    double most = -1;
    for (size_t i = 0; i < report->flows.count && !name; i++)
        if (report->flows.items[i].lead_s > most) {
            most = report->flows.items[i].lead_s;
            wanted = report->flows.items[i].name;
        }
    for (size_t k = 0; k < log->runs; k++) {
        const char *text = log->run_name[k] == ANALYSIS_NONE ? "" : log->texts[log->run_name[k]];
        if (name ? strcmp(text, name) == 0 : log->run_name[k] == wanted)
            return k;
    }
    return SIZE_MAX;
}

static int by_begin(const void *a, const void *b)
{
    const struct analysis_task *x = a, *y = b;
    if (x->begin_s != y->begin_s)
        return x->begin_s < y->begin_s ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

void analysis_list(const struct analysis_log *log, const struct analysis_report *report, size_t run,
                   struct analysis_tasks *out, struct arena *arena)
{
    size_t first = log->run_begin[run], end = log->run_begin[run + 1], count = end - first;
    CLEANUP(mem_free_at) double *earliest = mem_array(2 * count, sizeof *earliest);
    CLEANUP(mem_free_at) bool *critical = mem_array(2 * count, sizeof *critical);
    bool *chain = critical + count;
    double *slack = earliest + count;
    struct analysis_tasks tasks = {.run = run, .begin = INT64_MAX};
    int64_t last = INT64_MIN;
    tasks.cyclic = !analysis_slack(log, run, earliest, slack, critical);
    if (!tasks.cyclic)
        tasks.chain_s = analysis_chain(log, run, earliest, chain);
    for (size_t i = first; i < end; i++) {
        const struct analysis_record *record = &log->records[i];
        if (!analysis_is_whole(record))
            continue;
        int64_t ready = analysis_ready(log, i), from = record->started;
        from = record->queued != ANALYSIS_UNKNOWN && record->queued < from ? record->queued : from;
        from = ready != ANALYSIS_UNKNOWN && ready < from ? ready : from;
        tasks.begin = from < tasks.begin ? from : tasks.begin;
        last = record->ended > last ? record->ended : last;
    }
    tasks.items.items = arena_array(arena, count, sizeof *tasks.items.items);
    for (size_t i = first; i < end; i++) {
        const struct analysis_record *record = &log->records[i];
        if (!analysis_is_whole(record)) {
            tasks.left_out++;
            continue;
        }
        enum analysis_cause cause = (enum analysis_cause)report->cause[i];
        tasks.items.items[tasks.items.count++] = (struct analysis_task){
            .record = (uint32_t)i,
            .begin_s = analysis_seconds(tasks.begin, record->started),
            .duration_s = analysis_seconds(record->started, record->ended),
            .wait_s = analysis_seconds(analysis_ready(log, i), record->started),
            .cause = cause,
            .reason = analysis_reason_of(record, cause),
            .slack_s = tasks.cyclic ? 0 : slack[i - first],
            .critical = !tasks.cyclic && critical[i - first],
            .chain = !tasks.cyclic && chain[i - first]};
    }
    if (tasks.items.count) {
        qsort(tasks.items.items, tasks.items.count, sizeof *tasks.items.items, by_begin);
        tasks.seconds = analysis_seconds(tasks.begin, last);
    } else {
        tasks.begin = 0;
    }
    *out = tasks;
}
