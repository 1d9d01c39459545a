/* lean_report.c - swan lean report: task records from a file or the server; a table, JSON and
 * drawings out. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/lean_report.h"

#define LOG_MAX ((size_t)4 << 30)
#define RUNS_USUAL 200

static const struct cli_option report_options[] = {
    {"against", 0, CLI_FILE, "FILE", NULL, N_("records of a later period, to compare with")},
    {"split", 0, CLI_TEXT, "TIME", NULL, N_("compare runs that began before it with the others")},
    {"rate", 0, CLI_NUMBER, "MONEY", NULL, N_("what an hour of work or waiting costs")},
    {"available", 0, CLI_NUMBER, "SECONDS", NULL,
     N_("working time of the period, for the takt; the whole period if not said")},
    {"demand", 0, CLI_INTEGER, "N", NULL, N_("runs asked for in it; those seen if not said")},
    {"gantt", 0, CLI_FILE, "FILE", NULL, N_("draw a run over time into this SVG file")},
    {"run", 0, CLI_TEXT, "RUN", NULL,
     N_("list and draw this run; without FILE, ask the server for it alone")},
    {"limit", 0, CLI_INTEGER, "N", NULL,
     N_("without FILE: so many runs of the server, newest first; 200 if not said")},
    {"filter", 0, CLI_TEXTS, "COND", NULL,
     N_("without FILE: only runs with, such as status.state==succeeded")},
    {"value-stream", 0, CLI_FILE, "FILE", NULL, N_("draw the value stream into this SVG file")},
    {.name = NULL}};
static const struct cli_argument file_argument[] = {
    {"FILE", true, true,
     N_("task records: JSON lines, Run records, or a WfCommons instance; - for stdin; the runs of "
        "the server if not said")},
    {.name = NULL}};

/* ---- records: from a file, or from the server ---- */

static enum err_code fetch_run(struct cli_call *call, const char *id, struct buf *out,
                               struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = cli_get(call, cli_path(call->arena, "/api/v1/runs/", id, NULL), &doc, err);
    if (rc)
        return rc;
    buf_add_char(out, '\n');
    json_write(json_root(doc), JSON_COMPACT, out);
    return buf_check(out, err);
}

/* The newest runs, as `swan run show` gives them, one after the other. */
static enum err_code fetch_runs(struct cli_call *call, struct buf *out, struct err *err)
{
    int64_t left = cli_integer(call, "limit", RUNS_USUAL);
    const char *cursor = NULL;
    do {
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        CLEANUP(buf_done) struct buf path = BUF_INIT;
        buf_add_str(&path, "/api/v1/runs");
        for (size_t i = 0; i < call->option_count; i++)
            if (str_eq(call->options[i].option->name, "filter"))
                cli_query_add(&path, "filter", call->options[i].value);
        cli_query_add(&path, "sort", "-created_at");
        cli_query_add(&path, "limit",
                      arena_printf(call->arena, "%lld", (long long)(left < 200 ? left : 200)));
        if (cursor)
            cli_query_add(&path, "cursor", cursor);
        enum err_code rc = cli_get(call, buf_str(&path), &doc, err);
        const struct json_value *items = json_get(json_root(doc), "items");
        for (size_t i = 0; i < json_size(items) && left > 0 && !rc; i++, left--)
            rc = fetch_run(call, json_text(json_get(json_at(items, i), "id"), ""), out, err);
        if (rc)
            return rc;
        cursor = json_text(json_get(json_root(doc), "next"), NULL);
        cursor = cursor ? arena_strdup(call->arena, cursor) : NULL;
    } while (cursor && left > 0);
    if (out->len)
        return ERR_OK;
    err_set(err, ERR_NOT_FOUND, _("the server has no run yet"));
    return err_hint(err, _("launch something first, or name a FILE of task records"));
}

/* Runs that came without their tasks, as a list gives them: the server knows the tasks. */
static enum err_code complete(struct cli_call *call, struct buf *text, struct analysis_log *log,
                              struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t k = 0; k < log->bare_count && !rc; k++)
        if ((rc = fetch_run(call, log->texts[log->bare[k]], text, err)))
            err_context(err,
                        _("%zu run(s) stand there without their tasks, as a list gives them; "
                          "asking the server for '%s'"),
                        log->bare_count, log->texts[log->bare[k]]);
    analysis_log_done(log);
    return rc ? rc : analysis_read(buf_str(text), text->len, log, err);
}

static enum err_code read_log(struct cli_call *call, const char *path, struct analysis_log *out,
                              struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *run = cli_option(call, "run");
    enum err_code rc = path  ? file_read(path, LOG_MAX, &text, err)
                       : run ? fetch_run(call, run, &text, err)
                             : fetch_runs(call, &text, err);
    if (rc)
        return rc;
    rc = analysis_read(buf_str(&text), text.len, out, err);
    if (!rc && out->bare_count && path)
        rc = complete(call, &text, out, err);
    if (rc && path)
        err_context(err, "%s", path);
    return rc;
}

static enum err_code draw(struct cli_call *call, const struct analysis_document *d, struct err *err)
{
    const char *gantt = cli_option(call, "gantt"), *stream = cli_option(call, "value-stream");
    bool chinese = cli_language_is_chinese();
    enum err_code rc = ERR_OK;
    if (gantt) {
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        analysis_gantt(d->log, d->tasks, chinese, &out);
        rc = file_write_atomic(gantt, buf_str(&out), out.len, 0644, err);
    }
    if (stream && !rc) {
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        analysis_value_stream(d->log, d->report, chinese, &out);
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
    if (against && !(rc = read_log(call, against, &after, err)))
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
    struct analysis_tasks tasks;
    struct analysis_document document = {.log = log, .report = &report, .proposals = &proposals};
    const char *run = cli_option(call, "run");
    bool compared;
    enum err_code rc;
    if ((rc = analysis_measure(log, &parameters, &report, call->arena, err)) ||
        (rc = analysis_propose(log, &proposals, call->arena, err)) ||
        (rc = compare(call, log, &comparison, &compared, err)))
        return rc;
    size_t shown = analysis_find_run(log, &report, run);
    if (shown == SIZE_MAX)
        return err_set(err, ERR_NOT_FOUND, _("no run is named '%s'"), run ? run : "");
    analysis_list(log, &report, shown, &tasks, call->arena);
    document.tasks = &tasks;
    if (compared)
        document.comparison = &comparison;
    if ((rc = draw(call, &document, err)))
        return rc;
    if (!run && log->runs > 1) /* of many runs, tasks are listed when one is named */
        document.tasks = NULL;
    if (call->format == CLI_TABLE) {
        cli_show_lean_report(call, &document);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    analysis_write(&document, &out);
    if (!(rc = buf_check(&out, err)))
        cli_answer_json(call, buf_str(&out), out.len);
    return rc;
}

static enum err_code run_lean_report(struct cli_call *call, struct err *err)
{
    struct analysis_log log;
    enum err_code rc = read_log(call, cli_argument(call, 0), &log, err);
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
     N_("Examples:\n"
        "  swan lean report --gantt run.svg\n"
        "  swan run show RUN -o json | swan lean report -\n"
        "  swan lean report records.jsonl --split 2026-11-01 --rate 80\n"
        "A file needs no server. A task record is a JSON object a line: task, and as far as known "
        "run, kind, site, actor, after [names], queued_at, eligible_at, started_at, ended_at (RFC "
        "3339 or milliseconds), wait_reason, attempt, state, error_class, value (added, necessary, "
        "waste), key, bytes_gib, cost_hour, asked, used (of vCPUs, say)."),
     false},
};
const struct cli_command_table cli_lean_report_table = {commands, ARRAY_LEN(commands)};
