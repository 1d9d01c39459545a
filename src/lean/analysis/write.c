/* write.c - the report as JSON. */
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "lean/analysis/analysis_priv.h"

#define FLOWS_MOST 1000 /* runs that are written one by one, the longest first come as they are */

static const char *name_of(const struct analysis_log *log, uint32_t text)
{
    return text == ANALYSIS_NONE ? NULL : log->texts[text];
}

static void put_spread(struct json_writer *w, const char *key, const struct analysis_spread *s)
{
    json_key(w, key);
    json_begin(w, '{');
    json_member_int(w, "count", s->count);
    json_member_double(w, "sum_s", s->sum);
    json_member_double(w, "mean_s", s->mean);
    json_member_double(w, "p50_s", s->p50);
    json_member_double(w, "p90_s", s->p90);
    json_member_double(w, "p99_s", s->p99);
    json_member_double(w, "most_s", s->most);
    json_end(w, '}');
}

static void put_number(struct json_writer *w, const char *key, double value)
{
    if (isfinite(value)) {
        json_member_double(w, key, value);
    } else {
        json_key(w, key);
        json_put_null(w);
    }
}

static void put_kinds(struct json_writer *w, const struct analysis_log *log,
                      const struct analysis_report *r)
{
    static const char *const values[] = {NULL, "added", "necessary", "waste"};
    json_key(w, "kinds");
    json_begin(w, '[');
    for (size_t i = 0; i < r->kinds.count; i++) {
        const struct analysis_kind *kind = &r->kinds.items[i];
        json_begin(w, '{');
        json_member_text(w, "kind", name_of(log, kind->kind));
        put_spread(w, "duration", &kind->duration);
        put_spread(w, "wait", &kind->wait);
        json_member_double(w, "complete_accurate", kind->complete_accurate);
        json_member_double(w, "critical_s", kind->critical_s);
        json_member_double(w, "retried_s", kind->retried_s);
        json_member_text(w, "value", values[kind->value]);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_uses(struct json_writer *w, const struct analysis_log *log, const char *key,
                     const struct analysis_use *items, size_t count)
{
    json_key(w, key);
    json_begin(w, '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(w, '{');
        json_member_text(w, "name", name_of(log, items[i].name));
        json_member_int(w, "tasks", items[i].tasks);
        json_member_double(w, "busy_s", items[i].busy_s);
        json_member_double(w, "utilisation", items[i].utilisation);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_wastes(struct json_writer *w, const struct analysis_report *r)
{
    json_key(w, "wastes");
    json_begin(w, '[');
    for (int k = 0; k < ANALYSIS_WASTES; k++) {
        const struct analysis_waste *waste = &r->wastes[k];
        json_begin(w, '{');
        json_member_text(w, "class", analysis_waste_names[k]);
        json_member_bool(w, "known", waste->known);
        if (waste->known) {
            json_member_int(w, "count", waste->count);
            json_member_double(w, "seconds", waste->seconds);
            if (r->has_cost)
                json_member_double(w, "money", waste->money);
        }
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_flows(struct json_writer *w, const struct analysis_log *log,
                      const struct analysis_report *r)
{
    json_key(w, "flows");
    json_begin(w, '[');
    for (size_t i = 0; i < r->flows.count && i < FLOWS_MOST; i++) {
        const struct analysis_run *run = &r->flows.items[i];
        json_begin(w, '{');
        json_member_text(w, "run", name_of(log, run->name));
        json_member_time(w, "begin", run->begin);
        json_member_time(w, "end", run->end);
        json_member_int(w, "tasks", run->tasks);
        json_member_int(w, "failed", run->failed);
        json_member_double(w, "lead_s", run->lead_s);
        json_member_double(w, "serial_s", run->serial_s);
        put_number(w, "critical_s", run->cyclic ? NAN : run->critical_s);
        json_member_double(w, "waited_s", run->waited_s);
        json_member_double(w, "value_s", run->value_s);
        json_end(w, '}');
    }
    json_end(w, ']');
}

/* One task: what it is, when it was at work, what it waited for, what it could have waited. */
static void put_task(struct json_writer *w, const struct analysis_log *log,
                     const struct analysis_task *task)
{
    const struct analysis_record *record = &log->records[task->record];
    json_begin(w, '{');
    json_member_text(w, "task", name_of(log, record->task));
    json_member_text(w, "kind", name_of(log, record->kind));
    json_member_text(w, "site", name_of(log, record->site));
    json_member_text(w, "actor", name_of(log, record->actor));
    json_member_time(w, "start", record->started);
    json_member_time(w, "end", record->ended);
    json_member_double(w, "begin_s", task->begin_s);
    json_member_double(w, "duration_s", task->duration_s);
    json_member_double(w, "wait_s", task->wait_s);
    if (task->wait_s > 0) {
        json_member_text(w, "cause", analysis_cause_names[task->cause]);
        json_member_text(w, "reason", name_of(log, task->reason));
    }
    json_member_double(w, "slack_s", task->slack_s);
    json_member_bool(w, "critical", task->critical);
    json_member_bool(w, "longest_chain", task->chain);
    json_member_int(w, "attempts", record->attempts);
    json_end(w, '}');
}

static void put_tasks(struct json_writer *w, const struct analysis_log *log,
                      const struct analysis_tasks *tasks)
{
    json_key(w, "run");
    json_begin(w, '{');
    json_member_text(w, "run", name_of(log, log->run_name[tasks->run]));
    json_member_time(w, "begin", tasks->begin);
    json_member_double(w, "lead_s", tasks->seconds);
    json_member_double(w, "critical_s", tasks->chain_s);
    json_member_bool(w, "cyclic", tasks->cyclic);
    json_member_int(w, "left_out", (int64_t)tasks->left_out);
    json_key(w, "tasks");
    json_begin(w, '[');
    for (size_t i = 0; i < tasks->items.count; i++)
        put_task(w, log, &tasks->items.items[i]);
    json_end(w, ']');
    json_end(w, '}');
}

static void put_comparison(struct json_writer *w, const struct analysis_comparison *c)
{
    json_key(w, "comparison");
    json_begin(w, '[');
    for (size_t i = 0; i < c->items.count; i++) {
        const struct analysis_difference *d = &c->items.items[i];
        json_begin(w, '{');
        json_member_text(w, "what", d->what);
        json_member_int(w, "before_count", d->before_count);
        json_member_int(w, "after_count", d->after_count);
        put_number(w, "before_p50_s", d->before_p50);
        put_number(w, "after_p50_s", d->after_p50);
        put_number(w, "shift", d->shift);
        put_number(w, "p", d->p);
        json_member_bool(w, "significant", d->significant);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_proposals(struct json_writer *w, const struct analysis_proposals *p)
{
    json_key(w, "proposals");
    json_begin(w, '{');
    json_member_int(w, "runs_tried", p->runs_tried);
    json_member_double(w, "makespan_s", p->base_s);
    json_key(w, "items");
    json_begin(w, '[');
    for (size_t i = 0; i < p->items.count; i++) {
        const struct analysis_proposal *item = &p->items.items[i];
        json_begin(w, '{');
        json_member_text(w, "proposal", analysis_proposal_names[item->kind]);
        json_member_int(w, "cases", item->cases);
        json_member_int(w, "runs", item->runs);
        json_member_double(w, "gain_s", item->gain_s);
        json_member_double(w, "gain_share", item->gain_share);
        json_end(w, '}');
    }
    json_end(w, ']');
    json_end(w, '}');
}

void analysis_write(const struct analysis_document *document, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    const struct analysis_log *log = document->log;
    const struct analysis_report *r = document->report;
    json_begin(&w, '{');
    json_member_int(&w, "tasks", r->tasks);
    json_member_int(&w, "runs", r->runs);
    json_member_int(&w, "incomplete", r->incomplete);
    json_member_int(&w, "skewed", r->skewed);
    json_member_int(&w, "predecessors_unknown", (int64_t)log->after_unknown);
    json_member_bool(&w, "starts_derived", log->derived);
    json_member_double(&w, "period_s", r->period_s);
    put_spread(&w, "lead", &r->lead);
    put_spread(&w, "duration", &r->duration);
    put_spread(&w, "wait", &r->wait);
    json_member_double(&w, "serial_s", r->serial_s);
    json_member_double(&w, "critical_s", r->critical_s);
    json_member_double(&w, "parallel_rate", r->parallel_rate);
    json_member_double(&w, "speed_up", r->speed_up);
    json_member_double(&w, "serial_rate", r->serial_rate);
    json_member_double(&w, "cycle_efficiency", r->cycle_efficiency);
    json_member_double(&w, "activity", r->activity);
    json_member_double(&w, "rolled_yield", r->rolled_yield);
    json_member_double(&w, "clean_runs", r->clean_runs);
    json_member_double(&w, "throughput_h", r->throughput_h);
    json_member_double(&w, "wip_mean", r->wip_mean);
    json_member_int(&w, "wip_most", r->wip_most);
    json_member_double(&w, "wip_by_law", r->wip_law);
    json_member_double(&w, "takt_s", r->takt_s);
    if (r->has_cost)
        json_member_double(&w, "cost", r->cost);
    put_wastes(&w, r);
    put_kinds(&w, log, r);
    json_key(&w, "reasons");
    json_begin(&w, '[');
    for (size_t i = 0; i < r->reasons.count; i++) {
        json_begin(&w, '{');
        json_member_text(&w, "cause", analysis_cause_names[r->reasons.items[i].cause]);
        json_member_text(&w, "reason", name_of(log, r->reasons.items[i].reason));
        json_member_int(&w, "count", r->reasons.items[i].count);
        json_member_double(&w, "seconds", r->reasons.items[i].seconds);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    put_uses(&w, log, "actors", r->actors.items, r->actors.count);
    put_uses(&w, log, "sites", r->sites.items, r->sites.count);
    put_flows(&w, log, r);
    if (document->tasks)
        put_tasks(&w, log, document->tasks);
    if (document->comparison)
        put_comparison(&w, document->comparison);
    if (document->proposals)
        put_proposals(&w, document->proposals);
    json_end(&w, '}');
}
