/* measure.c - what a log says about its flow.
 *
 * Contract: records without start or end, or that end before they start, are counted and left out;
 * a wait is never negative.  O(n log n) for n records. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/analysis/analysis_priv.h"

/* Brings the value of rank k to its place, lesser ones before it (Hoare's selection, three-way). */
static void select_rank(double *values, size_t count, size_t k)
{
    size_t low = 0, high = count;
    while (high - low > 1) {
        double pivot = values[low + (high - low) / 2];
        size_t less = low, i = low, more = high;
        while (i < more) {
            double value = values[i];
            if (value < pivot) {
                values[i++] = values[less];
                values[less++] = value;
            } else if (value > pivot) {
                values[i] = values[--more];
                values[more] = value;
            } else {
                i++;
            }
        }
        if (k >= less && k < more)
            return;
        if (k < less)
            high = less;
        else
            low = more;
    }
}

double analysis_quantile(double *values, size_t count, double share)
{
    double at = share * (double)(count - 1), below = floor(at);
    size_t k = (size_t)below;
    select_rank(values, count, k);
    if (k + 1 >= count || at <= below)
        return values[k];
    double next = values[k + 1];
    for (size_t i = k + 2; i < count; i++)
        next = values[i] < next ? values[i] : next;
    return values[k] + (at - below) * (next - values[k]);
}

void analysis_spread_of(double *values, size_t count, struct analysis_spread *out)
{
    memset(out, 0, sizeof *out);
    if (!count)
        return;
    for (size_t i = 0; i < count; i++) {
        out->sum += values[i];
        out->most = values[i] > out->most ? values[i] : out->most;
    }
    out->count = (int64_t)count;
    out->mean = out->sum / (double)count;
    out->p50 = analysis_quantile(values, count, 0.5);
    out->p90 = analysis_quantile(values, count, 0.9);
    out->p99 = analysis_quantile(values, count, 0.99);
}

/* What kinds of task do for the customer where their records do not say: by words in their names.
 */
enum analysis_value analysis_value_of(const struct analysis_log *log,
                                      const struct analysis_record *record)
{
    static const char *const needed[] = {"check", "verify", "approve", "review", "test",   "wait",
                                         "queue", "probe",  "audit",   "plan",   "reserve"};
    static const char *const wasted[] = {"undo", "rollback", "retry", "remove", "cleanup"};
    if (record->value)
        return record->value;
    if (record->outcome != ANALYSIS_SUCCEEDED)
        return ANALYSIS_VALUE_WASTE;
    if (record->kind == ANALYSIS_NONE)
        return ANALYSIS_VALUE_ADDED;
    const char *kind = log->texts[record->kind];
    for (size_t k = 0; k < sizeof wasted / sizeof *wasted; k++)
        if (strcasestr(kind, wasted[k]))
            return ANALYSIS_VALUE_WASTE;
    for (size_t k = 0; k < sizeof needed / sizeof *needed; k++)
        if (strcasestr(kind, needed[k]))
            return ANALYSIS_VALUE_NECESSARY;
    return ANALYSIS_VALUE_ADDED;
}

bool analysis_is_whole(const struct analysis_record *record)
{
    return record->started != ANALYSIS_UNKNOWN && record->ended != ANALYSIS_UNKNOWN &&
           record->ended >= record->started && record->outcome != ANALYSIS_SKIPPED;
}

static void time_records(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    /* one look at each kind's name, not at each record's */
    CLEANUP(mem_free_at) unsigned char *known = mem_array(log->text_count + 1, 1);
    for (size_t i = 0; i < log->count; i++) {
        const struct analysis_record *record = &log->records[i];
        m->duration[i] = m->wait[i] = -1;
        if (!analysis_is_whole(record)) {
            bool skewed = record->started != ANALYSIS_UNKNOWN &&
                          record->ended != ANALYSIS_UNKNOWN && record->ended < record->started;
            m->report->skewed += skewed;
            m->report->incomplete += !skewed;
            continue;
        }
        m->duration[i] = (double)(record->ended - record->started) / 1000;
        m->ready[i] = analysis_ready(log, i);
        m->wait[i] = analysis_seconds(m->ready[i], record->started);
        if (record->value || record->outcome != ANALYSIS_SUCCEEDED) {
            m->value[i] = (unsigned char)analysis_value_of(log, record);
            continue;
        }
        size_t kind = record->kind == ANALYSIS_NONE ? log->text_count : record->kind;
        if (!known[kind])
            known[kind] = (unsigned char)analysis_value_of(log, record);
        m->value[i] = known[kind];
    }
}

/* ---- runs ---- */

struct stretch {
    int64_t from, to;
    bool value;
};

static int by_begin(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Length of the union of stretches that begin in order, of those that add value, or of all. */
static double covered(const struct stretch *s, size_t count, bool value)
{
    int64_t sum = 0, until = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        if (value && !s[i].value)
            continue;
        int64_t from = s[i].from > until ? s[i].from : until;
        if (s[i].to > from)
            sum += s[i].to - from;
        until = s[i].to > until ? s[i].to : until;
    }
    return (double)sum / 1000;
}

static void measure_run(struct analysis_measuring *m, size_t run, struct stretch *stretches,
                        double *earliest, double *slack, struct analysis_run *out,
                        double *ret_active)
{
    const struct analysis_log *log = m->log;
    size_t begin = log->run_begin[run], end = log->run_begin[run + 1], count = 0;
    out->name = log->run_name[run];
    out->begin = INT64_MAX;
    out->end = INT64_MIN;
    out->cyclic = !analysis_slack(log, run, earliest, slack, m->critical + begin);
    if (!out->cyclic)
        out->critical_s = analysis_chain(log, run, earliest, m->critical + begin);
    for (size_t i = begin; i < end; i++) {
        const struct analysis_record *record = &log->records[i];
        if (m->duration[i] < 0)
            continue;
        int64_t from = record->queued != ANALYSIS_UNKNOWN && record->queued < record->started
                           ? record->queued
                           : record->started;
        out->begin = from < out->begin ? from : out->begin;
        out->end = record->ended > out->end ? record->ended : out->end;
        out->tasks++;
        out->failed += record->outcome == ANALYSIS_FAILED;
        out->serial_s += m->duration[i];
        out->waited_s += m->wait[i];
        stretches[count++] =
            (struct stretch){record->started, record->ended, m->value[i] == ANALYSIS_VALUE_ADDED};
    }
    *ret_active = 0;
    if (!count)
        return;
    qsort(stretches, count, sizeof *stretches, by_begin);
    out->lead_s = analysis_seconds(out->begin, out->end);
    out->value_s = covered(stretches, count, true);
    *ret_active = covered(stretches, count, false);
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b; /* time, change */
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return x[1] < y[1] ? -1 : x[1] > y[1];
}

static void measure_wip(struct analysis_report *r)
{
    size_t count = 2 * r->flows.count;
    CLEANUP(mem_free_at) int64_t(*events)[2] = mem_array(count, sizeof *events);
    for (size_t i = 0; i < r->flows.count; i++) {
        events[2 * i][0] = r->flows.items[i].begin;
        events[2 * i][1] = 1;
        events[2 * i + 1][0] = r->flows.items[i].end;
        events[2 * i + 1][1] = -1;
    }
    qsort(events, count, sizeof *events, by_time);
    int64_t now = 0;
    double area = 0;
    for (size_t i = 0; i < count; i++) {
        if (i)
            area += (double)now * (double)(events[i][0] - events[i - 1][0]) / 1000;
        now += events[i][1];
        r->wip_most = now > r->wip_most ? now : r->wip_most;
    }
    if (r->period_s > 0)
        r->wip_mean = area / r->period_s;
}

static void measure_runs(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    struct analysis_report *r = m->report;
    size_t most = 0;
    for (size_t k = 0; k < log->runs; k++) {
        size_t count = log->run_begin[k + 1] - log->run_begin[k];
        most = count > most ? count : most;
    }
    CLEANUP(mem_free_at) struct stretch *stretches = mem_array(most, sizeof *stretches);
    CLEANUP(mem_free_at) double *numbers = mem_array(2 * most, sizeof *numbers);
    CLEANUP(mem_free_at) double *leads = mem_array(log->runs, sizeof *leads);
    double value = 0, active = 0;
    int64_t clean = 0;
    r->begin = INT64_MAX;
    r->end = INT64_MIN;
    r->flows.items = arena_array(m->arena, log->runs, sizeof *r->flows.items);
    for (size_t k = 0; k < log->runs; k++) {
        struct analysis_run *run = &r->flows.items[r->flows.count];
        double busy;
        memset(run, 0, sizeof *run);
        measure_run(m, k, stretches, numbers, numbers + most, run, &busy);
        if (!run->tasks)
            continue;
        bool is_clean = true;
        for (size_t i = log->run_begin[k]; i < log->run_begin[k + 1]; i++)
            is_clean = is_clean && log->records[i].attempts <= 1 &&
                       (log->records[i].outcome == ANALYSIS_SUCCEEDED ||
                        log->records[i].outcome == ANALYSIS_SKIPPED);
        clean += is_clean;
        leads[r->flows.count++] = run->lead_s;
        r->serial_s += run->serial_s;
        r->critical_s += run->cyclic ? 0 : run->critical_s;
        r->lead_sum_s += run->lead_s;
        value += run->value_s;
        active += busy;
        r->begin = run->begin < r->begin ? run->begin : r->begin;
        r->end = run->end > r->end ? run->end : r->end;
    }
    r->runs = (int64_t)r->flows.count;
    if (!r->runs)
        return;
    analysis_spread_of(leads, r->flows.count, &r->lead);
    r->period_s = analysis_seconds(r->begin, r->end);
    r->clean_runs = (double)clean / (double)r->runs;
    if (r->lead_sum_s > 0) {
        r->speed_up = r->serial_s / r->lead_sum_s;
        r->cycle_efficiency = value / r->lead_sum_s;
        r->activity = active / r->lead_sum_s;
    }
    if (r->serial_s > 0) {
        r->parallel_rate = fmax(0, 1 - r->lead_sum_s / r->serial_s);
        r->serial_rate = r->critical_s / r->serial_s;
    }
    measure_wip(r);
    if (r->period_s > 0) {
        r->throughput_h = (double)r->runs * 3600 / r->period_s;
        r->wip_law = (double)r->runs / r->period_s * r->lead.mean;
        double available =
            m->parameters->available_s > 0 ? m->parameters->available_s : r->period_s;
        int64_t demand = m->parameters->demand > 0 ? m->parameters->demand : r->runs;
        r->takt_s = available / (double)demand;
    }
}

/* ---- kinds, reasons, actors, sites ---- */

uint32_t *analysis_group_by(const struct analysis_measuring *m, size_t offset)
{
    const struct analysis_log *log = m->log;
    uint32_t *order = mem_array(log->count, sizeof *order), *begin = m->begin;
    memset(begin, 0, (log->text_count + 3) * sizeof *begin);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < log->count; i++) {
            uint32_t text;
            if (m->duration[i] < 0)
                continue;
            memcpy(&text, (const char *)&log->records[i] + offset, sizeof text);
            size_t at = text == ANALYSIS_NONE ? log->text_count : text;
            if (pass)
                order[begin[at + 1]++] = (uint32_t)i;
            else
                begin[at + 2]++;
        }
        for (size_t k = 2; !pass && k < log->text_count + 3; k++)
            begin[k] += begin[k - 1];
    }
    return order;
}

static int by_sum(const void *a, const void *b)
{
    const struct analysis_kind *x = a, *y = b;
    if (x->duration.sum != y->duration.sum)
        return x->duration.sum > y->duration.sum ? -1 : 1;
    return x->kind < y->kind ? -1 : x->kind > y->kind;
}

static void measure_kinds(struct analysis_measuring *m)
{
    const struct analysis_log *log = m->log;
    CLEANUP(mem_free_at)
    uint32_t *order = analysis_group_by(m, offsetof(struct analysis_record, kind));
    const uint32_t *begin = m->begin;
    CLEANUP(mem_free_at) double *values = mem_array(log->count, sizeof *values);
    m->report->rolled_yield = 1;
    for (size_t t = 0; t <= log->text_count; t++) {
        size_t count = begin[t + 1] - begin[t];
        if (!count)
            continue;
        struct analysis_kind *kind = LIST_ADD(m->arena, &m->report->kinds);
        kind->kind = t == log->text_count ? ANALYSIS_NONE : (uint32_t)t;
        int64_t values_of[4] = {0};
        for (size_t k = 0; k < count; k++) {
            size_t i = order[begin[t] + k];
            const struct analysis_record *record = &log->records[i];
            values[k] = m->duration[i];
            kind->first_pass += record->attempts <= 1 && record->outcome == ANALYSIS_SUCCEEDED;
            kind->critical_s += m->critical[i] ? m->duration[i] : 0;
            kind->retried_s += m->duration[i] * (record->attempts - 1) / record->attempts;
            values_of[m->value[i]]++;
        }
        analysis_spread_of(values, count, &kind->duration);
        for (size_t k = 0; k < count; k++)
            values[k] = m->wait[order[begin[t] + k]];
        analysis_spread_of(values, count, &kind->wait);
        kind->complete_accurate = (double)kind->first_pass / (double)count;
        m->report->rolled_yield *= kind->complete_accurate;
        for (int v = 0; v < 4; v++)
            if (values_of[v] > values_of[kind->value])
                kind->value = (enum analysis_value)v;
    }
    qsort(m->report->kinds.items, m->report->kinds.count, sizeof *m->report->kinds.items, by_sum);
}

static int by_busy(const void *a, const void *b)
{
    const struct analysis_use *x = a, *y = b;
    if (x->busy_s != y->busy_s)
        return x->busy_s > y->busy_s ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

static void add_use(struct analysis_measuring *m, size_t offset, bool actors)
{
    CLEANUP(mem_free_at) uint32_t *order = analysis_group_by(m, offset);
    const uint32_t *begin = m->begin;
    __typeof__(m->report->actors) list = {NULL, 0};
    for (size_t t = 0; t < m->log->text_count; t++) {
        struct analysis_use use = {.name = (uint32_t)t};
        for (size_t k = begin[t]; k < begin[t + 1]; k++) {
            use.tasks++;
            use.busy_s += m->duration[order[k]];
        }
        if (!use.tasks)
            continue;
        use.utilisation = m->report->period_s > 0 ? use.busy_s / m->report->period_s : 0;
        *LIST_ADD(m->arena, &list) = use;
    }
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, by_busy);
    if (actors) {
        m->report->actors.items = list.items;
        m->report->actors.count = list.count;
    } else {
        m->report->sites.items = list.items;
        m->report->sites.count = list.count;
    }
}

static void measure_cost(struct analysis_measuring *m)
{
    for (size_t i = 0; i < m->log->count; i++) {
        const struct analysis_record *record = &m->log->records[i];
        double rate = record->cost_hour > 0 ? record->cost_hour : m->parameters->rate_hour;
        if (m->duration[i] < 0 || !(rate > 0))
            continue;
        m->report->has_cost = true;
        m->report->cost += m->duration[i] / 3600 * rate;
    }
}

enum err_code analysis_measure(const struct analysis_log *log,
                               const struct analysis_parameters *parameters,
                               struct analysis_report *out, struct arena *arena, struct err *err)
{
    struct analysis_report report = {.tasks = (int64_t)log->count};
    CLEANUP(mem_free_at) double *numbers = mem_array(2 * log->count, sizeof *numbers);
    CLEANUP(mem_free_at) int64_t *ready = mem_array(log->count, sizeof *ready);
    CLEANUP(mem_free_at) bool *critical = mem_array(log->count, sizeof *critical);
    CLEANUP(mem_free_at) unsigned char *value = mem_array(log->count, 1);
    CLEANUP(mem_free_at) uint32_t *begin = mem_array(log->text_count + 3, sizeof *begin);
    CLEANUP(mem_free_at) double *spread = mem_array(log->count, sizeof *spread);
    struct analysis_measuring m = {.log = log,
                                   .parameters = parameters,
                                   .report = &report,
                                   .arena = arena,
                                   .duration = numbers,
                                   .wait = numbers + log->count,
                                   .ready = ready,
                                   .critical = critical,
                                   .value = value,
                                   .begin = begin};
    size_t whole = 0;
    time_records(&m);
    for (size_t i = 0; i < log->count; i++)
        if (m.duration[i] >= 0)
            spread[whole++] = m.duration[i];
    if (!whole)
        return err_set(err, ERR_INVALID,
                       "no record has both a start and an end: %lld lack one, %lld end before they "
                       "start",
                       (long long)report.incomplete, (long long)report.skewed);
    analysis_spread_of(spread, whole, &report.duration);
    whole = 0;
    for (size_t i = 0; i < log->count; i++)
        if (m.duration[i] >= 0)
            spread[whole++] = m.wait[i];
    analysis_spread_of(spread, whole, &report.wait);
    measure_runs(&m);
    measure_kinds(&m);
    analysis_find_causes(&m);
    add_use(&m, offsetof(struct analysis_record, actor), true);
    add_use(&m, offsetof(struct analysis_record, site), false);
    analysis_find_wastes(&m);
    measure_cost(&m);
    *out = report;
    return ERR_OK;
}
