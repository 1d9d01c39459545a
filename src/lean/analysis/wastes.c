/* wastes.c - the seven wastes of software development, read for this platform (README.md).
 *
 * Contract: seconds of waits do not overlap: a wait is first a handoff's (another actor did what
 * came before), then a change-over's (the actor was free and came from another run), and waiting
 * only for the rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

const char *const analysis_waste_names[ANALYSIS_WASTES] = {
    "waiting", "defects", "transport", "inventory", "repeated", "motion", "overproduction"};

static void add_waste(struct analysis_measuring *m, enum analysis_waste_class class, double seconds,
                      const struct analysis_record *record)
{
    struct analysis_waste *waste = &m->report->wastes[class];
    double rate = record->cost_hour > 0 ? record->cost_hour : m->parameters->rate_hour;
    waste->count++;
    waste->seconds += seconds;
    waste->money += seconds / 3600 * rate;
}

struct turn { /* of an actor */
    int64_t from;
    uint32_t record;
};

static int by_from(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

/* Seconds before each task in which its actor was free, the task ready, and the last thing that the
 * actor did was of another run. */
static void find_changeovers(struct analysis_measuring *m, float *changeover)
{
    const struct analysis_log *log = m->log;
    CLEANUP(mem_free_at)
    uint32_t *order = analysis_group_by(m, offsetof(struct analysis_record, actor));
    const uint32_t *begin = m->begin;
    CLEANUP(mem_free_at) struct turn *turns = mem_array(log->count, sizeof *turns);
    for (size_t t = 0; t < log->text_count; t++) {
        size_t count = begin[t + 1] - begin[t];
        for (size_t k = 0; k < count; k++)
            turns[k] =
                (struct turn){log->records[order[begin[t] + k]].started, order[begin[t] + k]};
        qsort(turns, count, sizeof *turns, by_from);
        int64_t busy_until = INT64_MIN;
        uint32_t last = 0;
        for (size_t k = 0; k < count; k++) {
            const struct analysis_record *record = &log->records[turns[k].record];
            if (k && log->records[last].run != record->run && busy_until < record->started) {
                int64_t ready = m->ready[turns[k].record];
                int64_t from = ready > busy_until ? ready : busy_until;
                if (ready != ANALYSIS_UNKNOWN)
                    changeover[turns[k].record] = (float)analysis_seconds(from, record->started);
            }
            if (record->ended > busy_until)
                busy_until = record->ended;
            last = turns[k].record;
        }
    }
}

static bool is_handoff(const struct analysis_log *log, const struct analysis_record *record)
{
    int64_t latest = INT64_MIN;
    bool other = false;
    if (record->actor == ANALYSIS_NONE)
        return false;
    for (uint32_t k = 0; k < record->after_count; k++) {
        uint32_t before = log->after[record->after + k];
        if (before == ANALYSIS_NONE || log->records[before].actor == ANALYSIS_NONE ||
            log->records[before].ended < latest)
            continue;
        latest = log->records[before].ended;
        other = log->records[before].actor != record->actor;
    }
    return other;
}

/* What was done is looked at by nobody until other predecessors have ended, too. */
static void find_inventory(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    CLEANUP(mem_free_at) int64_t *used = mem_array(log->count, sizeof *used);
    for (size_t i = 0; i < log->count; i++)
        used[i] = INT64_MAX;
    for (size_t i = 0; i < log->count; i++) {
        int64_t ready = m->ready[i];
        if (m->duration[i] < 0 || ready == ANALYSIS_UNKNOWN)
            continue;
        for (uint32_t k = 0; k < log->records[i].after_count; k++) {
            uint32_t before = log->after[log->records[i].after + k];
            if (before != ANALYSIS_NONE && ready < used[before])
                used[before] = ready;
        }
    }
    for (size_t i = 0; i < log->count; i++)
        if (m->duration[i] >= 0 && used[i] != INT64_MAX &&
            analysis_seconds(log->records[i].ended, used[i]) > 0)
            add_waste(m, ANALYSIS_INVENTORY, analysis_seconds(log->records[i].ended, used[i]),
                      &log->records[i]);
}

void analysis_find_repeats(const struct analysis_log *log, bool *repeats)
{
    size_t count = 1024;
    while (count < 2 * log->count)
        count *= 2;
    CLEANUP(mem_free_at) uint64_t *keys = mem_array(count, sizeof *keys);
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        repeats[i] = false;
        if (record->key == ANALYSIS_NONE || !analysis_is_whole(record) ||
            record->outcome != ANALYSIS_SUCCEEDED)
            continue;
        uint64_t key = ((uint64_t)record->kind << 32 | record->key) + 1;
        size_t at = (key * 0x9e3779b97f4a7c15u >> 20) & (count - 1);
        while (keys[at] && keys[at] != key)
            at = (at + 1) & (count - 1);
        repeats[i] = keys[at] == key;
        keys[at] = key;
    }
}

/* The same kind with the same key was done before, and had succeeded. */
static void find_repeats(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    CLEANUP(mem_free_at) bool *repeats = mem_array(log->count, sizeof *repeats);
    analysis_find_repeats(log, repeats);
    for (size_t i = 0; i < log->count; i++) {
        m->report->wastes[ANALYSIS_REPEATED].known |= log->records[i].key != ANALYSIS_NONE;
        if (repeats[i])
            add_waste(m, ANALYSIS_REPEATED, m->duration[i], &log->records[i]);
    }
}

/* More was asked for than twice of what was used: the share that was not used, for as long. */
static void find_overproduction(struct analysis_measuring *m)
{
    for (size_t i = 0; i < m->log->count; i++) {
        const struct analysis_record *record = &m->log->records[i];
        if (m->duration[i] < 0 || !(record->asked > 0) || record->used < 0)
            continue;
        m->report->wastes[ANALYSIS_OVERPRODUCTION].known = true;
        if (record->asked > 2 * record->used)
            add_waste(m, ANALYSIS_OVERPRODUCTION,
                      m->duration[i] * (1 - (double)record->used / (double)record->asked), record);
    }
}

void analysis_find_wastes(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    struct analysis_waste *wastes = m->report->wastes;
    CLEANUP(mem_free_at) float *changeover = mem_array(log->count, sizeof *changeover);
    bool any_after = false, any_actor = false, any_ready = false;
    find_changeovers(m, changeover);
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        if (m->duration[i] < 0)
            continue;
        any_after = any_after || record->after_count;
        any_actor = any_actor || record->actor != ANALYSIS_NONE;
        any_ready = any_ready || m->ready[i] != ANALYSIS_UNKNOWN;
        double wait = m->wait[i], turned = fmin(wait, (double)changeover[i]);
        if (is_handoff(log, record)) {
            add_waste(m, ANALYSIS_TRANSPORT, wait, record);
        } else {
            if (turned > 0)
                add_waste(m, ANALYSIS_MOTION, turned, record);
            if (wait - turned > 0)
                add_waste(m, ANALYSIS_WAITING, wait - turned, record);
        }
        double spoilt = m->value[i] == ANALYSIS_VALUE_WASTE
                            ? m->duration[i]
                            : m->duration[i] * (record->attempts - 1) / record->attempts;
        if (spoilt > 0)
            add_waste(m, ANALYSIS_DEFECTS, spoilt, record);
    }
    find_inventory(m);
    find_repeats(m);
    find_overproduction(m);
    wastes[ANALYSIS_WAITING].known = any_ready;
    wastes[ANALYSIS_DEFECTS].known = true;
    wastes[ANALYSIS_TRANSPORT].known = any_actor && any_after;
    wastes[ANALYSIS_MOTION].known = any_actor && log->runs > 1;
    wastes[ANALYSIS_INVENTORY].known = any_after;
}
