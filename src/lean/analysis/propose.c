/* propose.c - what could be done otherwise, and what the scheduler says it would gain.
 *
 * A few runs, spread over the log, become scheduling problems: their tasks, predecessors and
 * durations, and as many at once as any of them had
 * (without limit where nobody who was ready waited).  Each proposal changes the problem; the
 * gain is the difference of the makespans that the scheduler finds for both.  A proposal without
 * gain is not made.
 *
 * Contract: what a proposal rests on is counted (`cases`); nothing is applied here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"
#include "lean/scheduling/scheduling.h"

#define RUNS_MOST 24   /* runs that are tried */
#define TASKS_MOST 500 /* of a run that is tried */
#define SCHEDULES 100  /* passes for each problem */
#define FEWEST_APART 3 /* runs that did without a dependency before it counts as unneeded */
#define KINDS_MOST 64  /* of a run that is looked at for that */
#define FEWEST_FAST 10 /* tasks of a kind before its fastest tenth is one */

const char *const analysis_proposal_names[ANALYSIS_PROPOSALS] = {
    "unneeded-dependency", "pack", "early-distribution", "parallelism", "memoise", "cache"};

struct proposing {
    const struct analysis_log *log;
    double *fast;  /* of each kind (text): its fastest tenth, ms; −1 = too few tasks to say */
    bool *repeats; /* of each record: it was done before, with success */
    /* kind pairs a → b: runs in which b began before any a had ended, and nothing tied b to an a */
    struct pair {
        uint64_t kinds;
        uint32_t apart;
        uint32_t tied_in; /* number + 1 of the last run in which b followed a */
    } * pairs;
    size_t pair_slots;
    int64_t at_once; /* most tasks of one run at the same time, over the runs tried */
    struct arena *scratch;
};

/* ---- what the whole log says ---- */

static bool moves_things(const struct analysis_log *log, const struct analysis_record *record)
{
    static const char *const words[] = {"deliver",  "transfer", "copy",       "pull",  "upload",
                                        "download", "fetch",    "distribute", "stage", "push"};
    static const char *const away[] = {"remove", "undo", "rollback", "clean", "delete"};
    if (record->kind == ANALYSIS_NONE)
        return false;
    for (size_t k = 0; k < sizeof away / sizeof *away; k++)
        if (strcasestr(log->texts[record->kind], away[k]))
            return false;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strcasestr(log->texts[record->kind], words[k]))
            return true;
    return false;
}

static void find_fast(struct proposing *p)
{
    const struct analysis_log *log = p->log;
    CLEANUP(mem_free_at) uint32_t *begin = mem_array(log->text_count + 2, sizeof *begin);
    CLEANUP(mem_free_at) double *values = mem_array(log->count, sizeof *values);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < log->count; i++) {
            const struct analysis_record *record = &log->records[i];
            if (!analysis_is_whole(record) || record->kind == ANALYSIS_NONE)
                continue;
            if (pass)
                values[begin[record->kind]++] = (double)(record->ended - record->started);
            else
                begin[record->kind + 1]++;
        }
        for (size_t t = 1; !pass && t < log->text_count + 2; t++)
            begin[t] += begin[t - 1];
    }
    for (size_t t = 0, from = 0; t < log->text_count; t++) { /* begin[t] is the end of t now */
        size_t count = begin[t] - from;
        p->fast[t] = -1;
        if (count >= FEWEST_FAST) /* the value that a tenth does not exceed */
            p->fast[t] = analysis_quantile(values + from, count,
                                           (double)(count / 10 - 1) / (double)(count - 1));
        from = begin[t];
    }
}

static struct pair *pair_of(struct proposing *p, uint32_t a, uint32_t b)
{
    uint64_t kinds = ((uint64_t)a << 32 | b) + 1;
    size_t at = (size_t)(kinds * 0x9e3779b97f4a7c15u >> 40) & (p->pair_slots - 1);
    for (size_t tries = 0; tries < p->pair_slots; tries++, at = (at + 1) & (p->pair_slots - 1)) {
        if (!p->pairs[at].kinds)
            p->pairs[at].kinds = kinds;
        if (p->pairs[at].kinds == kinds)
            return &p->pairs[at];
    }
    return NULL; /* more kinds of pairs than anybody has: they are left out */
}

struct kind_in_run {
    uint32_t kind;
    int64_t first_start, first_end;
};

static size_t kinds_in(const struct analysis_log *log, uint32_t begin, uint32_t end,
                       struct kind_in_run *out)
{
    size_t count = 0;
    for (uint32_t i = begin; i < end; i++) {
        const struct analysis_record *record = &log->records[i];
        size_t k = 0;
        if (!analysis_is_whole(record) || record->outcome != ANALYSIS_SUCCEEDED)
            continue;
        while (k < count && out[k].kind != record->kind)
            k++;
        if (k == KINDS_MOST)
            return 0;
        if (k == count)
            out[count++] = (struct kind_in_run){record->kind, INT64_MAX, INT64_MAX};
        if (record->started < out[k].first_start)
            out[k].first_start = record->started;
        if (record->ended < out[k].first_end)
            out[k].first_end = record->ended;
    }
    return count;
}

/* Which kinds follow each other, and in how many runs a kind did without another. */
static void find_pairs(struct proposing *p)
{
    const struct analysis_log *log = p->log;
    struct kind_in_run kinds[KINDS_MOST];
    for (size_t run = 0; run < log->runs; run++) {
        uint32_t begin = log->run_begin[run], end = log->run_begin[run + 1];
        for (uint32_t i = begin; i < end; i++)
            for (uint32_t k = 0; k < log->records[i].after_count; k++) {
                uint32_t before = log->after[log->records[i].after + k];
                struct pair *pair = NULL;
                if (before != ANALYSIS_NONE)
                    pair = pair_of(p, log->records[before].kind, log->records[i].kind);
                if (pair)
                    pair->tied_in = (uint32_t)run + 1;
            }
        size_t count = kinds_in(log, begin, end, kinds);
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b < count; b++) {
                if (a == b || kinds[b].first_start >= kinds[a].first_end)
                    continue;
                struct pair *pair = pair_of(p, kinds[a].kind, kinds[b].kind);
                if (pair && pair->tied_in != (uint32_t)run + 1)
                    pair->apart++;
            }
    }
}

/* ---- one run as a scheduling problem ---- */

struct changed {
    enum analysis_proposal_kind kind; /* ANALYSIS_PROPOSALS = as it was */
    int64_t cases;                    /* tasks or dependencies that it touched */
};

/* Nobody who was ready waited: what ran at once was limited by predecessors alone. */
static bool is_free(const struct analysis_log *log, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++)
        if (analysis_seconds(analysis_ready(log, i), log->records[i].started) > 0)
            return false;
    return true;
}

static int64_t at_once(const struct analysis_log *log, uint32_t begin, uint32_t end)
{
    int64_t most = 1;
    for (uint32_t i = begin; i < end; i++) {
        int64_t count = 0;
        const struct analysis_record *at = &log->records[i];
        for (uint32_t k = begin; analysis_is_whole(at) && k < end; k++) {
            const struct analysis_record *r = &log->records[k];
            count += analysis_is_whole(r) && r->started <= at->started && r->ended > at->started;
        }
        most = count > most ? count : most;
    }
    return most;
}

/* Duration in ms under the change. */
static int64_t duration_of(const struct proposing *p, uint32_t begin, uint32_t i,
                           struct changed *change)
{
    const struct analysis_log *log = p->log;
    const struct analysis_record *record = &log->records[i];
    int64_t duration = analysis_is_whole(record) ? record->ended - record->started : 0;
    double fast = record->kind == ANALYSIS_NONE ? -1 : p->fast[record->kind];
    bool alike = false;
    for (uint32_t k = begin; k < i && !alike; k++) {
        const struct analysis_record *other = &log->records[k];
        alike = record->kind != ANALYSIS_NONE && other->kind == record->kind &&
                other->site == record->site;
    }
    if (change->kind == ANALYSIS_MEMOISE && p->repeats[i] && duration > 0) {
        change->cases++;
        return 0;
    }
    if (change->kind == ANALYSIS_CACHE && moves_things(log, record) && fast >= 0 &&
        (double)duration > fast) {
        change->cases++;
        return (int64_t)fast;
    }
    if (change->kind == ANALYSIS_PACK && alike && fast > 0 && duration > 0) {
        change->cases++; /* what even the fastest need is setting up, and is done once */
        return (double)duration > fast ? duration - (int64_t)fast : 0;
    }
    return duration;
}

static bool drops(const struct proposing *p, uint32_t before, uint32_t i, struct changed *change)
{
    const struct analysis_log *log = p->log;
    bool drop = false;
    if (change->kind == ANALYSIS_EARLY)
        drop = moves_things(log, &log->records[i]);
    if (change->kind == ANALYSIS_UNNEEDED) {
        struct pair *pair =
            pair_of((struct proposing *)p, log->records[before].kind, log->records[i].kind);
        drop = pair && pair->apart >= FEWEST_APART;
    }
    change->cases += drop;
    return drop;
}

/* Makespan in ms that the scheduler finds; −1 when it cannot say. */
static int64_t makespan_of(struct proposing *p, size_t run, struct changed *change)
{
    const struct analysis_log *log = p->log;
    uint32_t begin = log->run_begin[run], end = log->run_begin[run + 1];
    struct scheduling_problem problem = {.now = 0};
    struct scheduling_plan plan;
    struct err err = ERR_INIT;
    static const int64_t one[] = {1};
    arena_clear(p->scratch);
    struct scheduling_resource *resource = LIST_ADD(p->scratch, &problem.resources);
    resource->name = "at once";
    resource->capacity = is_free(log, begin, end) ? (int64_t)(end - begin) : p->at_once;
    if (change->kind == ANALYSIS_PARALLEL) {
        resource->capacity++;
        change->cases++;
    }
    for (uint32_t i = begin; i < end; i++) {
        struct scheduling_task *task = LIST_ADD(p->scratch, &problem.tasks);
        task->duration = duration_of(p, begin, i, change);
        task->demands = one;
        for (uint32_t k = 0; k < log->records[i].after_count; k++) {
            uint32_t before = log->after[log->records[i].after + k];
            if (before != ANALYSIS_NONE && !drops(p, before, i, change))
                *LIST_ADD(p->scratch, &task->after) = before - begin;
        }
    }
    struct scheduling_input input = {
        .problem = &problem, .seed = 1, .schedules = SCHEDULES, .method = SCHEDULING_HEURISTIC};
    if (scheduling_solve(&input, &plan, p->scratch, &err))
        return -1;
    return plan.makespan;
}

static int by_gain(const void *a, const void *b)
{
    const struct analysis_proposal *x = a, *y = b;
    if (x->gain_s != y->gain_s)
        return x->gain_s > y->gain_s ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

static void try_runs(struct proposing *p, const size_t *runs, size_t count,
                     struct analysis_proposals *out, struct arena *arena)
{
    CLEANUP(mem_free_at) int64_t *base = mem_array(count + 1, sizeof *base);
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        struct changed nothing = {.kind = ANALYSIS_PROPOSALS};
        base[k] = makespan_of(p, runs[k], &nothing);
        if (base[k] >= 0) {
            out->runs_tried++;
            sum += (double)base[k] / 1000;
        }
    }
    for (int kind = 0; kind < ANALYSIS_PROPOSALS; kind++) {
        struct analysis_proposal proposal = {.kind = (enum analysis_proposal_kind)kind};
        double gain = 0;
        for (size_t k = 0; k < count; k++) {
            struct changed change = {.kind = proposal.kind};
            int64_t then = base[k] < 0 ? -1 : makespan_of(p, runs[k], &change);
            if (then < 0 || !change.cases)
                continue;
            proposal.cases += change.cases;
            proposal.runs += then < base[k];
            gain += fmax(0, (double)(base[k] - then) / 1000);
        }
        if (!(gain > 0))
            continue;
        proposal.gain_s = gain / (double)out->runs_tried;
        proposal.gain_share = gain / sum;
        *LIST_ADD(arena, &out->items) = proposal;
    }
    if (out->runs_tried)
        out->base_s = sum / (double)out->runs_tried;
    if (out->items.count)
        qsort(out->items.items, out->items.count, sizeof *out->items.items, by_gain);
}

enum err_code analysis_propose(const struct analysis_log *log, struct analysis_proposals *out,
                               struct arena *arena, struct err *err)
{
    CLEANUP(arena_done) struct arena scratch = ARENA_INIT;
    CLEANUP(mem_free_at) double *fast = mem_array(log->text_count + 1, sizeof *fast);
    struct proposing p = {.log = log, .fast = fast, .pair_slots = 1 << 14, .scratch = &scratch};
    struct analysis_proposals proposals = {.items = {NULL, 0}};
    size_t fitting = 0, count = 0, runs[RUNS_MOST];
    (void)err;
    CLEANUP(mem_free_at) struct pair *pairs = mem_array(p.pair_slots, sizeof *pairs);
    p.pairs = pairs;
    CLEANUP(mem_free_at) bool *repeats = mem_array(log->count, sizeof *repeats);
    p.repeats = repeats;
    analysis_find_repeats(log, repeats);
    find_fast(&p);
    find_pairs(&p);
    for (size_t run = 0; run < log->runs; run++)
        fitting += log->run_begin[run + 1] - log->run_begin[run] <= TASKS_MOST;
    for (size_t run = 0, seen = 0; run < log->runs && count < RUNS_MOST; run++) {
        if (log->run_begin[run + 1] - log->run_begin[run] > TASKS_MOST)
            continue;
        if (seen * RUNS_MOST >= count * fitting) /* spread evenly over those that fit */
            runs[count++] = run;
        seen++;
    }
    for (size_t k = 0; k < count; k++) {
        int64_t seen = at_once(log, log->run_begin[runs[k]], log->run_begin[runs[k] + 1]);
        p.at_once = seen > p.at_once ? seen : p.at_once;
    }
    try_runs(&p, runs, count, &proposals, arena);
    *out = proposals;
    return ERR_OK;
}
