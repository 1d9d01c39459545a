/* order.c - predecessors first, and how long each task may wait without anybody noticing. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

double analysis_seconds(int64_t from, int64_t to)
{
    if (from == ANALYSIS_UNKNOWN || to == ANALYSIS_UNKNOWN || to <= from)
        return 0;
    return (double)(to - from) / 1000;
}

int64_t analysis_ready(const struct analysis_log *log, size_t i)
{
    const struct analysis_record *record = &log->records[i];
    int64_t ready = ANALYSIS_UNKNOWN;
    if (record->eligible != ANALYSIS_UNKNOWN)
        return record->eligible;
    for (uint32_t k = 0; k < record->after_count; k++) {
        uint32_t before = log->after[record->after + k];
        if (before != ANALYSIS_NONE && log->records[before].ended > ready)
            ready = log->records[before].ended;
    }
    return ready != ANALYSIS_UNKNOWN && ready > record->queued ? ready : record->queued;
}

uint32_t *analysis_order(const struct analysis_log *log, size_t begin, size_t end)
{
    size_t count = end - begin, done = 0;
    uint32_t *order = mem_array(count, sizeof *order);
    CLEANUP(mem_free_at) uint32_t *left = mem_array(count, sizeof *left);
    CLEANUP(mem_free_at) uint32_t *first = mem_array(count + 2, sizeof *first);
    for (size_t i = 0; i < count; i++) {
        const struct analysis_record *record = &log->records[begin + i];
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t before = log->after[record->after + k];
            if (before == ANALYSIS_NONE)
                continue;
            left[i]++;
            first[before - begin + 2]++;
        }
    }
    for (size_t i = 2; i < count + 2; i++)
        first[i] += first[i - 1];
    CLEANUP(mem_free_at) uint32_t *next = mem_array(first[count + 1], sizeof *next);
    for (size_t i = 0; i < count; i++) {
        const struct analysis_record *record = &log->records[begin + i];
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t before = log->after[record->after + k];
            if (before != ANALYSIS_NONE)
                next[first[before - begin + 1]++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!left[i])
            order[done++] = (uint32_t)(begin + i);
    for (size_t o = 0; o < done; o++) {
        size_t i = order[o] - begin;
        for (uint32_t k = first[i]; k < first[i + 1]; k++)
            if (!--left[next[k]])
                order[done++] = (uint32_t)(begin + next[k]);
    }
    while (done < count)
        order[done++] = ANALYSIS_NONE;
    return order;
}

bool analysis_slack(const struct analysis_log *log, size_t run, double *earliest, double *slack,
                    bool *critical)
{
    size_t begin = log->run_begin[run], end = log->run_begin[run + 1], count = end - begin;
    CLEANUP(mem_free_at) uint32_t *order = analysis_order(log, begin, end);
    CLEANUP(mem_free_at) double *latest = mem_array(count, sizeof *latest); /* end */
    double longest = 0;
    memset(earliest, 0, count * sizeof *earliest);
    if (order[count - 1] == ANALYSIS_NONE)
        return false;
    for (size_t o = 0; o < count; o++) {
        const struct analysis_record *record = &log->records[order[o]];
        size_t i = order[o] - begin;
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t before = log->after[record->after + k];
            if (before != ANALYSIS_NONE)
                earliest[i] = fmax(earliest[i], earliest[before - begin] +
                                                    analysis_seconds(log->records[before].started,
                                                                     log->records[before].ended));
        }
        longest = fmax(longest, earliest[i] + analysis_seconds(record->started, record->ended));
    }
    for (size_t i = 0; i < count; i++)
        latest[i] = longest;
    for (size_t o = count; o-- > 0;) {
        const struct analysis_record *record = &log->records[order[o]];
        size_t i = order[o] - begin;
        double duration = analysis_seconds(record->started, record->ended);
        for (uint32_t k = 0; k < record->after_count; k++) {
            uint32_t before = log->after[record->after + k];
            if (before != ANALYSIS_NONE)
                latest[before - begin] = fmin(latest[before - begin], latest[i] - duration);
        }
        slack[i] = latest[i] - duration - earliest[i];
        if (slack[i] < 5e-4) /* times are in ms */
            slack[i] = 0;
        critical[i] = duration > 0 && slack[i] == 0;
    }
    return true;
}

double analysis_chain(const struct analysis_log *log, size_t run, const double *earliest,
                      bool *chain)
{
    size_t begin = log->run_begin[run], count = log->run_begin[run + 1] - begin, at = 0;
    double longest = -1;
    memset(chain, 0, count * sizeof *chain);
    for (size_t i = 0; i < count; i++) {
        const struct analysis_record *record = &log->records[begin + i];
        double end = earliest[i] + analysis_seconds(record->started, record->ended);
        if (end > longest) {
            longest = end;
            at = i;
        }
    }
    for (size_t next = at; next != SIZE_MAX && !chain[next];) {
        const struct analysis_record *record = &log->records[begin + (at = next)];
        chain[at] = true;
        next = SIZE_MAX;
        for (uint32_t k = 0; k < record->after_count && next == SIZE_MAX; k++) {
            uint32_t before = log->after[record->after + k];
            if (before != ANALYSIS_NONE &&
                earliest[before - begin] + analysis_seconds(log->records[before].started,
                                                            log->records[before].ended) >=
                    earliest[at] - 5e-4)
                next = before - begin;
        }
    }
    return longest;
}
