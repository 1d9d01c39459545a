/* lean_report.c - swan lean report: task records in; a table, JSON and drawings out. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "lean/analysis/analysis.h"

#define LOG_MAX ((size_t)4 << 30)
#define KINDS_SHOWN 15
#define REASONS_SHOWN 8

static const struct cli_option report_options[] = {
    {"against", 0, CLI_FILE, "FILE", NULL, N_("records of a later period, to compare with")},
    {"split", 0, CLI_TEXT, "TIME", NULL, N_("compare runs that began before it with the others")},
    {"rate", 0, CLI_NUMBER, "MONEY", NULL, N_("what an hour of work or waiting costs")},
    {"available", 0, CLI_NUMBER, "SECONDS", NULL,
     N_("working time of the period, for the takt; the whole period if not said")},
    {"demand", 0, CLI_INTEGER, "N", NULL, N_("runs asked for in it; those seen if not said")},
    {"gantt", 0, CLI_FILE, "FILE", NULL, N_("draw a run over time into this SVG file")},
    {"run", 0, CLI_TEXT, "RUN", NULL, N_("which run is drawn; the longest if not said")},
    {"value-stream", 0, CLI_FILE, "FILE", NULL, N_("draw the value stream into this SVG file")},
    {.name = NULL}};
static const struct cli_argument file_argument[] = {
    {"FILE", false, true, N_("task records: JSON lines, a Run record, or a WfCommons instance")},
    {.name = NULL}};

static const char *text_of(const struct analysis_log *log, uint32_t text)
{
    return text == ANALYSIS_NONE ? _("not said") : log->texts[text];
}

static const char *share(struct arena *arena, double value)
{
    return arena_printf(arena, "%.1f %%", 100 * value);
}

static enum err_code read_log(const char *path, struct analysis_log *out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, LOG_MAX, &text, err);
    if (!rc && (rc = analysis_read(buf_str(&text), text.len, out, err)))
        err_context(err, "%s", path);
    return rc;
}

static void show_figures(struct cli_call *call, const struct analysis_log *log,
                         const struct analysis_report *r)
{
    struct arena *arena = call->arena;
    cli_say(call, _("records        %lld tasks in %lld runs, over %s\n"), (long long)r->tasks,
            (long long)r->runs, cli_seconds(arena, r->period_s));
    if (r->incomplete || r->skewed)
        cli_say(call,
                _("left out       %lld without start or end, %lld that end before they start\n"),
                (long long)r->incomplete, (long long)r->skewed);
    if (log->derived)
        cli_say(call, "               %s\n",
                _("no record says when it began: the earliest possible is taken"));
    cli_say(call, _("lead time      p50 %s, p90 %s, longest %s\n"), cli_seconds(arena, r->lead.p50),
            cli_seconds(arena, r->lead.p90), cli_seconds(arena, r->lead.most));
    cli_say(call, _("work           %s one after the other; critical paths %s\n"),
            cli_seconds(arena, r->serial_s), cli_seconds(arena, r->critical_s));
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
        _("flow           %.4g runs an hour, %.3g at a time (most %lld; Little: %.3g), takt %s\n"),
        r->throughput_h, r->wip_mean, (long long)r->wip_most, r->wip_law,
        cli_seconds(arena, r->takt_s));
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
        cli_cell(&table, cli_seconds(call->arena, kind->duration.p50));
        cli_cell(&table, cli_seconds(call->arena, kind->duration.p90));
        cli_cell(&table, cli_seconds(call->arena, kind->wait.p50));
        cli_cell(&table, cli_seconds(call->arena, kind->wait.p90));
        cli_cell(&table, share(call->arena, kind->complete_accurate));
        cli_cell(&table,
                 share(call->arena, r->critical_s > 0 ? kind->critical_s / r->critical_s : 0));
    }
    cli_heading(call, _("Kinds of task"));
    cli_table_print(call, &table);
}

static void show_reasons(struct cli_call *call, const struct analysis_log *log,
                         const struct analysis_report *r)
{
    struct cli_column columns[] = {{.title = _("WAITED FOR")},
                                   {.title = _("TIMES"), .right = true},
                                   {.title = _("TOGETHER"), .right = true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < r->reasons.count && i < REASONS_SHOWN; i++) {
        cli_cell(&table, text_of(log, r->reasons.items[i].reason));
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)r->reasons.items[i].count));
        cli_cell(&table, cli_seconds(call->arena, r->reasons.items[i].seconds));
    }
    if (!r->reasons.count)
        return;
    cli_heading(call, _("Waits"));
    cli_table_print(call, &table);
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
                 waste->known ? cli_seconds(call->arena, waste->seconds) : _("not in the records"));
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
        cli_cell(&table, cli_seconds(call->arena, d->before_p50));
        cli_cell(&table, cli_seconds(call->arena, d->after_p50));
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
        cli_cell(&table, cli_seconds(call->arena, item->gain_s));
        cli_cell(&table, share(call->arena, item->gain_share));
    }
    cli_heading(call, _("Proposals, with the gain that the scheduler predicts"));
    if (p->items.count)
        cli_table_print(call, &table);
    else
        cli_say(call, "%s\n", _("none that would gain anything"));
}

static enum err_code longest_run(const struct analysis_log *log, const struct analysis_report *r,
                                 const char *name, size_t *out, struct err *err)
{
    uint32_t wanted = ANALYSIS_NONE;
    double most = -1;
    for (size_t i = 0; i < r->flows.count && !name; i++)
        if (r->flows.items[i].lead_s > most) {
            most = r->flows.items[i].lead_s;
            wanted = r->flows.items[i].name;
        }
    for (size_t k = 0; k < log->runs; k++) {
        const char *text = log->run_name[k] == ANALYSIS_NONE ? "" : log->texts[log->run_name[k]];
        if (name ? str_eq(text, name) : log->run_name[k] == wanted) {
            *out = k;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_NOT_FOUND, _("no run is named '%s'"), name ? name : "");
}

static enum err_code draw(struct cli_call *call, const struct analysis_log *log,
                          const struct analysis_report *r, struct err *err)
{
    const char *gantt = cli_option(call, "gantt"), *stream = cli_option(call, "value-stream");
    bool chinese = cli_language_is_chinese();
    enum err_code rc = ERR_OK;
    if (gantt) {
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        size_t run = 0;
        if ((rc = longest_run(log, r, cli_option(call, "run"), &run, err)))
            return rc;
        analysis_gantt(log, run, chinese, &out);
        rc = file_write_atomic(gantt, buf_str(&out), out.len, 0644, err);
    }
    if (stream && !rc) {
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        analysis_value_stream(log, r, chinese, &out);
        rc = file_write_atomic(stream, buf_str(&out), out.len, 0644, err);
    }
    return rc;
}

static enum err_code compare(struct cli_call *call, const struct analysis_log *log,
                             struct analysis_comparison *out, bool *ret_done, struct err *err)
{
    struct analysis_log before = {.count = 0}, after = {.count = 0};
    const char *against = cli_option(call, "against"), *split = cli_option(call, "split");
    int64_t at;
    enum err_code rc = ERR_OK;
    *ret_done = against || split;
    if (against && split)
        return err_set(err, ERR_USAGE, _("give either --against or --split"));
    if (against && !(rc = read_log(against, &after, err)))
        rc = analysis_compare(log, &after, out, call->arena, err);
    if (split && !(rc = clock_parse(split, &at, err)) &&
        !(rc = analysis_split(log, at, &before, &after, err)))
        rc = analysis_compare(&before, &after, out, call->arena, err);
    analysis_log_done(&before);
    analysis_log_done(&after);
    return rc;
}

static enum err_code report_on(struct cli_call *call, const struct analysis_log *log,
                               struct err *err)
{
    struct analysis_parameters parameters = {.rate_hour = cli_number(call, "rate", 0),
                                             .available_s = cli_number(call, "available", 0),
                                             .demand = cli_integer(call, "demand", 0)};
    struct analysis_report report;
    struct analysis_comparison comparison;
    struct analysis_proposals proposals;
    bool compared;
    enum err_code rc;
    if ((rc = analysis_measure(log, &parameters, &report, call->arena, err)) ||
        (rc = analysis_propose(log, &proposals, call->arena, err)) ||
        (rc = compare(call, log, &comparison, &compared, err)) ||
        (rc = draw(call, log, &report, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show_figures(call, log, &report);
        show_kinds(call, log, &report);
        show_reasons(call, log, &report);
        show_wastes(call, &report);
        if (compared)
            show_comparison(call, &comparison);
        show_proposals(call, &proposals);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    analysis_write(log, &report, compared ? &comparison : NULL, &proposals, &out);
    if (!(rc = buf_check(&out, err)))
        cli_answer_json(call, buf_str(&out), out.len);
    return rc;
}

static enum err_code run_lean_report(struct cli_call *call, struct err *err)
{
    struct analysis_log log;
    enum err_code rc = read_log(call->arguments[0], &log, err);
    if (rc)
        return rc;
    rc = report_on(call, &log, err);
    analysis_log_done(&log);
    return rc;
}

static const struct cli_command commands[] = {
    {"lean", "report", file_argument, report_options,
     N_("what a flow costs and where: waits, critical path, wastes, two periods"), run_lean_report,
     NULL,
     N_("Needs no server. A task record is a JSON object a line: task, and as far as known run, "
        "kind, "
        "site, actor, after [names], queued_at, eligible_at, started_at, ended_at (RFC 3339 or "
        "milliseconds), wait_reason, attempt, state, error_class, value (added, necessary, waste), "
        "key, bytes_gib, cost_hour."),
     false},
};
const struct cli_command_table cli_lean_report_table = {commands, ARRAY_LEN(commands)};
