/* log.c - records while they are read, and the log they become.
 *
 * Texts are kept once, in an open hash table (FNV-1a; the input is the operator's own file, and a
 * crowded table is still correct).  At the end records are ordered by run, names of predecessors
 * become numbers of records.  O(records + predecessors). */
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

#define SLOTS_FIRST 4096

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static uint64_t mix(uint64_t value)
{
    value ^= value >> 31;
    value *= 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

void analysis_reader_init(struct analysis_reader *r)
{
    memset(r, 0, sizeof *r);
    r->log.memory = mem_zalloc(sizeof *r->log.memory);
    arena_init(&r->log.memory->texts, (size_t)8 << 30);
    r->slot_count = SLOTS_FIRST;
    r->slots = mem_array(r->slot_count, sizeof *r->slots);
    memset(r->slots, 0xff, r->slot_count * sizeof *r->slots);
}

static void grow_slots(struct analysis_reader *r)
{
    size_t count = 2 * r->slot_count;
    uint32_t *slots = mem_array(count, sizeof *slots);
    memset(slots, 0xff, count * sizeof *slots);
    for (size_t t = 0; t < r->log.text_count; t++) {
        size_t at = hash_of(r->log.texts[t], r->lengths[t]) & (count - 1);
        while (slots[at] != ANALYSIS_NONE)
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)t;
    }
    mem_free(r->slots);
    r->slots = slots;
    r->slot_count = count;
}

uint32_t analysis_text(struct analysis_reader *r, const char *text, size_t len)
{
    size_t at = hash_of(text, len) & (r->slot_count - 1);
    for (uint32_t t; (t = r->slots[at]) != ANALYSIS_NONE; at = (at + 1) & (r->slot_count - 1))
        if (r->lengths[t] == len && memcmp(r->log.texts[t], text, len) == 0)
            return t;
    if (r->log.text_count == r->text_room) {
        r->text_room = r->text_room ? 2 * r->text_room : 1024;
        r->log.texts = mem_resize(r->log.texts, r->text_room, sizeof *r->log.texts);
        r->lengths = mem_resize(r->lengths, r->text_room, sizeof *r->lengths);
    }
    uint32_t number = (uint32_t)r->log.text_count++;
    r->log.texts[number] = arena_strndup(&r->log.memory->texts, text, len);
    r->lengths[number] = (uint32_t)len;
    r->slots[at] = number;
    if (2 * r->log.text_count > r->slot_count)
        grow_slots(r);
    return number;
}

struct analysis_record *analysis_add(struct analysis_reader *r)
{
    if (r->log.count == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->log.records = mem_resize(r->log.records, r->room, sizeof *r->log.records);
    }
    struct analysis_record *record = &r->log.records[r->log.count++];
    *record = (struct analysis_record){.run = ANALYSIS_NONE,
                                       .task = ANALYSIS_NONE,
                                       .kind = ANALYSIS_NONE,
                                       .site = ANALYSIS_NONE,
                                       .actor = ANALYSIS_NONE,
                                       .reason = ANALYSIS_NONE,
                                       .error = ANALYSIS_NONE,
                                       .key = ANALYSIS_NONE,
                                       .after = (uint32_t)r->log.after_count,
                                       .attempts = 1,
                                       .used = -1,
                                       .queued = ANALYSIS_UNKNOWN,
                                       .eligible = ANALYSIS_UNKNOWN,
                                       .started = ANALYSIS_UNKNOWN,
                                       .ended = ANALYSIS_UNKNOWN};
    return record;
}

void analysis_add_after(struct analysis_reader *r, struct analysis_record *record, uint32_t name)
{
    if (r->log.after_count == r->after_room) {
        r->after_room = r->after_room ? 2 * r->after_room : 1024;
        r->after_names = mem_resize(r->after_names, r->after_room, sizeof *r->after_names);
    }
    r->after_names[r->log.after_count++] = name;
    record->after_count++;
}

/* Runs get numbers in the order in which they are first named. */
static size_t number_runs(struct analysis_reader *r, uint32_t *run_of)
{
    CLEANUP(mem_free_at) uint32_t *number = mem_array(r->log.text_count + 1, sizeof *number);
    size_t runs = 0;
    for (size_t i = 0; i < r->log.count; i++) {
        uint32_t name = r->log.records[i].run;
        size_t at = name == ANALYSIS_NONE ? r->log.text_count : name;
        if (!number[at])
            number[at] = (uint32_t)++runs;
        run_of[i] = number[at] - 1;
    }
    return runs;
}

struct names { /* (run, task) → record + 1 */
    uint64_t *keys;
    uint32_t *records;
    size_t count; /* a power of two */
};

static size_t slot_of(const struct names *n, uint64_t key)
{
    size_t at = mix(key) & (n->count - 1);
    while (n->records[at] && n->keys[at] != key)
        at = (at + 1) & (n->count - 1);
    return at;
}

/* Finds predecessors by name; of tasks that stand several times in a run the last counts. */
static void find_after(struct analysis_reader *r, const struct analysis_record *sorted,
                       const uint32_t *run_of)
{
    struct names n = {.count = 1024};
    while (n.count < 2 * r->log.count)
        n.count *= 2;
    n.keys = mem_array(n.count, sizeof *n.keys);
    n.records = mem_array(n.count, sizeof *n.records);
    for (size_t i = 0; i < r->log.count; i++) {
        if (sorted[i].task == ANALYSIS_NONE)
            continue;
        uint64_t key = (uint64_t)run_of[i] << 32 | sorted[i].task;
        size_t at = slot_of(&n, key);
        n.keys[at] = key;
        n.records[at] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < r->log.count; i++)
        for (uint32_t k = 0; k < sorted[i].after_count; k++) {
            size_t place = sorted[i].after + k;
            size_t at = slot_of(&n, (uint64_t)run_of[i] << 32 | r->after_names[place]);
            uint32_t found = n.records[at];
            r->log.after[place] = found && found - 1 != i ? found - 1 : ANALYSIS_NONE;
            r->log.after_unknown += r->log.after[place] == ANALYSIS_NONE;
        }
    mem_free(n.keys);
    mem_free(n.records);
}

enum err_code analysis_reader_end(struct analysis_reader *r, struct analysis_log *out,
                                  struct err *err)
{
    struct analysis_log *log = &r->log;
    if (!log->count && !log->bare_count)
        return err_set(err, ERR_INVALID, "there is no task record");
    CLEANUP(mem_free_at) uint32_t *run_of = mem_array(log->count, sizeof *run_of);
    CLEANUP(mem_free_at) uint32_t *sorted_run = mem_array(log->count, sizeof *sorted_run);
    log->runs = number_runs(r, run_of);
    uint32_t *begin = mem_array(log->runs + 2, sizeof *begin);
    for (size_t i = 0; i < log->count; i++)
        begin[run_of[i] + 2]++;
    for (size_t k = 2; k < log->runs + 2; k++)
        begin[k] += begin[k - 1];
    struct analysis_record *sorted = mem_array(log->count, sizeof *sorted);
    log->run_name = mem_array(log->runs, sizeof *log->run_name);
    for (size_t i = 0; i < log->count; i++) {
        uint32_t at = begin[run_of[i] + 1]++;
        sorted[at] = log->records[i];
        sorted_run[at] = run_of[i];
        log->run_name[run_of[i]] = log->records[i].run;
    }
    log->after = mem_array(log->after_count, sizeof *log->after);
    find_after(r, sorted, sorted_run);
    mem_free(log->records);
    log->records = sorted;
    log->run_begin = log->memory->run_begin = begin;
    *out = *log;
    memset(log, 0, sizeof *log);
    return ERR_OK;
}

void analysis_reader_done(struct analysis_reader *r)
{
    analysis_log_done(&r->log);
    mem_free(r->slots);
    mem_free(r->lengths);
    mem_free(r->after_names);
    mem_free(r->run_seen);
}

void analysis_log_done(struct analysis_log *log)
{
    if (log->memory) { /* else it borrows */
        arena_done(&log->memory->texts);
        mem_free(log->memory->run_begin);
        mem_free(log->memory);
        mem_free(log->records);
        mem_free(log->after);
        mem_free(log->texts);
        mem_free(log->run_name);
        mem_free(log->bare);
    }
    memset(log, 0, sizeof *log);
}
