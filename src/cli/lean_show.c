/* lean_show.c - the report on task records as tables for people. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "cli/lean_report.h"

#define KINDS_SHOWN 15
#define REASONS_SHOWN 8
#define USES_SHOWN 6
#define TASKS_SHOWN 40

static const char *text_of(const struct analysis_log *log, uint32_t text)
{
    return text == ANALYSIS_NONE ? _("not said") : log->texts[text];
}

/* Runs on one machine last milliseconds. */
static const char *took(struct arena *arena, double seconds)
{
    if (seconds > 0 && seconds < 0.9995)
        return arena_printf(arena, _("%.3g ms"), seconds * 1000);
    return cli_seconds(arena, seconds);
}

static const char *share(struct arena *arena, double value)
{
    return arena_printf(arena, "%.1f %%", 100 * value);
}

static void show_figures(struct cli_call *call, const struct analysis_log *log,
                         const struct analysis_report *r)
{
    struct arena *arena = call->arena;
    cli_say(call, _("records        %s in %s, over %s\n"),
            arena_printf(arena, P_("%lld task", "%lld tasks", r->tasks), (long long)r->tasks),
            arena_printf(arena, P_("%lld run", "%lld runs", r->runs), (long long)r->runs),
            took(arena, r->period_s));
    if (r->incomplete || r->skewed)
        cli_say(call,
                _("left out       %lld without start or end, %lld that end before they start\n"),
                (long long)r->incomplete, (long long)r->skewed);
    if (log->derived)
        cli_say(call, "               %s\n",
                _("no record says when it began: the earliest possible is taken"));
    cli_say(call, _("lead time      p50 %s, p90 %s, longest %s\n"), took(arena, r->lead.p50),
            took(arena, r->lead.p90), took(arena, r->lead.most));
    cli_say(call, _("work           %s one after the other; critical paths %s\n"),
            took(arena, r->serial_s), took(arena, r->critical_s));
    cli_say(call, _("parallel       %s of the work ran beside other work (speed-up %.2f)\n"),
            share(arena, r->parallel_rate), r->speed_up);
    cli_say(call, _("serial         %s of the work lies on critical paths\n"),
            share(arena, r->serial_rate));
    cli_say(call,
            _("efficiency     %s of the lead time adds value (PCE), in %s something is at work\n"),
            share(arena, r->cycle_efficiency), share(arena, r->activity));
    cli_say(call, _("right at once  %s of the runs; rolled over kinds %s\n"),
            share(arena, r->clean_runs), share(arena, r->rolled_yield));
    cli_say(
        call,
        _("flow           %s runs an hour, %.3g at a time (most %lld; Little: %.3g), takt %s\n"),
        cli_number_text(arena, r->throughput_h < 100 ? round(r->throughput_h * 1000) / 1000
                                                     : round(r->throughput_h)),
        r->wip_mean, (long long)r->wip_most, r->wip_law, took(arena, r->takt_s));
    if (r->has_cost)
        cli_say(call, _("cost           %s for the work\n"),
                cli_number_text(arena, round(r->cost)));
}

static void show_kinds(struct cli_call *call, const struct analysis_log *log,
                       const struct analysis_report *r)
{
    struct cli_column columns[] = {{.title = _("KIND")},
                                   {.title = _("TASKS"), .right = true},
                                   {.title = _("WORK P50"), .right = true},
                                   {.title = _("P90"), .right = true},
                                   {.title = _("WAIT P50"), .right = true},
                                   {.title = _("P90"), .right = true},
                                   {.title = "%C&A", .right = true},
                                   {.title = _("CRITICAL"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < r->kinds.count && i < KINDS_SHOWN; i++) {
        const struct analysis_kind *kind = &r->kinds.items[i];
        cli_cell(&table, text_of(log, kind->kind));
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)kind->duration.count));
        cli_cell(&table, took(call->arena, kind->duration.p50));
        cli_cell(&table, took(call->arena, kind->duration.p90));
        cli_cell(&table, took(call->arena, kind->wait.p50));
        cli_cell(&table, took(call->arena, kind->wait.p90));
        cli_cell(&table, share(call->arena, kind->complete_accurate));
        cli_cell(&table,
                 share(call->arena, r->critical_s > 0 ? kind->critical_s / r->critical_s : 0));
    }
    cli_heading(call, _("Kinds of task"));
    cli_table_print(call, &table);
}

static const char *reason_text(struct arena *arena, const struct analysis_log *log,
                               enum analysis_cause cause, uint32_t reason)
{
    switch (cause) {
    case ANALYSIS_BUSY:
        return arena_printf(arena, _("%s was at other work"), text_of(log, reason));
    case ANALYSIS_NOT_TAKEN:
        return _("nobody took it up");
    case ANALYSIS_SAID:
        return cli_sentence(text_of(log, reason), arena);
    default:
        return _("not said");
    }
}

static void show_reasons(struct cli_call *call, const struct analysis_log *log,
                         const struct analysis_report *r)
{
    struct cli_column columns[] = {{.title = _("WAITED FOR")},
                                   {.title = _("TIMES"), .right = true},
                                   {.title = _("TOGETHER"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < r->reasons.count && i < REASONS_SHOWN; i++) {
        const struct analysis_reason *reason = &r->reasons.items[i];
        cli_cell(&table, reason_text(call->arena, log, reason->cause, reason->reason));
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)reason->count));
        cli_cell(&table, took(call->arena, reason->seconds));
    }
    if (!r->reasons.count)
        return;
    cli_heading(call, _("Waits"));
    cli_table_print(call, &table);
}

static void add_uses(struct cli_table *table, const struct analysis_log *log, const char *what,
                     const struct analysis_use *uses, size_t count)
{
    for (size_t i = 0; i < count && i < USES_SHOWN; i++) {
        cli_cell(table, what);
        cli_cell(table, text_of(log, uses[i].name));
        cli_cell(table, arena_printf(table->arena, "%lld", (long long)uses[i].tasks));
        cli_cell(table, took(table->arena, uses[i].busy_s));
        cli_cell(table, share(table->arena, uses[i].utilisation));
    }
}

static void show_uses(struct cli_call *call, const struct analysis_log *log,
                      const struct analysis_report *r)
{
    struct cli_column columns[] = {{.title = ""},
                                   {.title = _("WHO")},
                                   {.title = _("TASKS"), .right = true},
                                   {.title = _("BUSY"), .right = true},
                                   {.title = _("UTILISATION"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    if (!r->actors.count && !r->sites.count)
        return;
    add_uses(&table, log, _("actor"), r->actors.items, r->actors.count);
    add_uses(&table, log, _("site"), r->sites.items, r->sites.count);
    cli_heading(call, _("Who was at work"));
    cli_table_print(call, &table);
}

static void show_tasks(struct cli_call *call, const struct analysis_log *log,
                       const struct analysis_tasks *tasks)
{
    struct cli_column columns[] = {{.title = _("TASK")},
                                   {.title = _("KIND")},
                                   {.title = _("BEGAN AFTER"), .right = true},
                                   {.title = _("ENDED AFTER"), .right = true},
                                   {.title = _("WORK"), .right = true},
                                   {.title = _("WAITED"), .right = true},
                                   {.title = _("SLACK"), .right = true},
                                   {.title = _("WAITED FOR")}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    uint32_t name = log->run_name[tasks->run];
    char began[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < tasks->items.count && i < TASKS_SHOWN; i++) {
        const struct analysis_task *task = &tasks->items.items[i];
        const struct analysis_record *record = &log->records[task->record];
        cli_cell(&table, text_of(log, record->task));
        cli_cell(&table, text_of(log, record->kind));
        cli_cell(&table, took(arena, task->begin_s));
        cli_cell(&table, took(arena, task->begin_s + task->duration_s));
        cli_cell(&table, took(arena, task->duration_s));
        cli_cell(&table, task->wait_s > 0 ? took(arena, task->wait_s) : "-");
        cli_cell(&table, tasks->cyclic    ? "-"
                         : task->critical ? _("0, critical")
                                          : took(arena, task->slack_s));
        cli_cell(&table,
                 task->wait_s > 0 ? reason_text(arena, log, task->cause, task->reason) : "");
    }
    clock_format(tasks->begin, began);
    cli_heading(call, arena_printf(arena, _("Run %s"), text_of(log, name)));
    cli_say(call, _("began %s, took %s\n"), cli_time(arena, began), took(arena, tasks->seconds));
    if (tasks->cyclic)
        cli_say(call, "%s\n", _("its predecessors form a cycle: there is no critical path"));
    cli_table_print(call, &table);
    if (tasks->items.count > TASKS_SHOWN)
        cli_say(call, _("and %zu more; -o json shows all\n"), tasks->items.count - TASKS_SHOWN);
}

static void show_wastes(struct cli_call *call, const struct analysis_report *r)
{
    static const char *const names[ANALYSIS_WASTES] = {N_("waiting"),
                                                       N_("defects: failed, undone, done again"),
                                                       N_("transport: handed to another actor"),
                                                       N_("inventory: done, but not yet used"),
                                                       N_("repeated work"),
                                                       N_("motion: change-overs between runs"),
                                                       N_("overproduction: more than was used")};
    struct cli_column columns[] = {{.title = _("WASTE")},
                                   {.title = _("TIMES"), .right = true},
                                   {.title = _("TIME"), .right = true},
                                   {.title = _("MONEY"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.drop_empty = true;
    for (int k = 0; k < ANALYSIS_WASTES; k++) {
        const struct analysis_waste *waste = &r->wastes[k];
        cli_cell(&table, _(names[k]));
        cli_cell(&table,
                 waste->known ? arena_printf(call->arena, "%lld", (long long)waste->count) : "");
        cli_cell(&table,
                 waste->known ? took(call->arena, waste->seconds) : _("not in the records"));
        cli_cell(&table, waste->known && r->has_cost
                             ? cli_number_text(call->arena, round(waste->money))
                             : "");
    }
    cli_heading(call, _("The seven wastes"));
    cli_table_print(call, &table);
}

static void show_comparison(struct cli_call *call, const struct analysis_comparison *c)
{
    struct cli_column columns[] = {{.title = _("WHAT")},
                                   {.title = _("BEFORE P50"), .right = true},
                                   {.title = _("AFTER P50"), .right = true},
                                   {.title = _("SHIFT"), .right = true},
                                   {.title = "P", .right = true},
                                   {.title = _("VERDICT")}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < c->items.count; i++) {
        const struct analysis_difference *d = &c->items.items[i];
        cli_cell(&table, i ? d->what : _("lead time"));
        cli_cell(&table, took(call->arena, d->before_p50));
        cli_cell(&table, took(call->arena, d->after_p50));
        cli_cell(&table, arena_printf(call->arena, "%+.2f", d->shift));
        cli_cell(&table, isnan(d->p) ? "-" : arena_printf(call->arena, "%.2g", d->p));
        cli_cell(&table, isnan(d->p)       ? _("too few to say")
                         : !d->significant ? _("no difference shown")
                         : d->shift > 0    ? _("slower")
                                           : _("faster"));
    }
    cli_heading(call, _("Before and after"));
    cli_table_print(call, &table);
}

static void show_proposals(struct cli_call *call, const struct analysis_proposals *p)
{
    static const char *const names[ANALYSIS_PROPOSALS] = {
        N_("drop dependencies that other runs did without"),
        N_("pack like tasks at one site"),
        N_("begin to move things when the flow begins"),
        N_("let one more task run at once"),
        N_("keep what repeated tasks make"),
        N_("keep things near (cache)")};
    struct cli_column columns[] = {{.title = _("PROPOSAL")},
                                   {.title = _("CASES"), .right = true},
                                   {.title = _("RUNS SHORTER"), .right = true},
                                   {.title = _("GAIN A RUN"), .right = true},
                                   {.title = _("SHARE"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < p->items.count; i++) {
        const struct analysis_proposal *item = &p->items.items[i];
        cli_cell(&table, _(names[item->kind]));
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)item->cases));
        cli_cell(&table, arena_printf(call->arena, "%lld / %lld", (long long)item->runs,
                                      (long long)p->runs_tried));
        cli_cell(&table, took(call->arena, item->gain_s));
        cli_cell(&table, share(call->arena, item->gain_share));
    }
    cli_heading(call, _("Proposals, with the gain that the scheduler predicts"));
    if (p->items.count)
        cli_table_print(call, &table);
    else
        cli_say(call, "%s\n", _("none that would gain anything"));
}

void cli_show_lean_report(struct cli_call *call, const struct analysis_document *d)
{
    show_figures(call, d->log, d->report);
    show_kinds(call, d->log, d->report);
    show_reasons(call, d->log, d->report);
    show_uses(call, d->log, d->report);
    show_wastes(call, d->report);
    if (d->tasks)
        show_tasks(call, d->log, d->tasks);
    if (d->comparison)
        show_comparison(call, d->comparison);
    show_proposals(call, d->proposals);
}
