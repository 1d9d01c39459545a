/* show_plan.c - plans as their task graph, runs task by task, deployments. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

static const char *title_of(const struct plan *plan, const struct plan_task *task,
                            struct arena *arena)
{
    const char *kind = json_enum_name(plan_task_kind_names, task->kind);
    const char *component = task->spec.component;
    bool single = task->kind == TASK_DELIVER || task->kind == TASK_BANDWIDTH;
    if (!kind || !component)
        return task->id;
    const char *whose =
        single ? component
               : arena_printf(arena, "%s-%lld", component, (long long)task->spec.instance);
    if (str_eq(plan->purpose, "remove"))
        return arena_printf(arena, _("remove %s %s"), cli_word("part", kind), whose);
    return arena_printf(arena, "%s %s", cli_word("task", kind), whose);
}

const char *cli_task_title(const struct plan *plan, const char *id, struct arena *arena)
{
    for (size_t i = 0; plan && i < plan->tasks.count; i++)
        if (str_eq(plan->tasks.items[i].id, id))
            return title_of(plan, &plan->tasks.items[i], arena);
    return id;
}

const char *cli_task_state(const struct plan *plan, int state)
{
    bool removes = plan && str_eq(plan->purpose, "remove");
    if (removes && state == RUN_TASK_UNDOING)
        return "removing";
    if (removes && state == RUN_TASK_UNDONE)
        return "removed";
    return json_enum_name(run_task_state_names, state);
}

const struct plan *cli_load_plan(struct cli_call *call, const char *id)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct plan *plan = arena_zalloc(call->arena, sizeof *plan);
    struct err ignored = ERR_INIT;
    if (!id || cli_get(call, cli_path(call->arena, "/api/v1/plans/", id, NULL), &doc, &ignored) ||
        cli_decode(json_get(json_root(doc), "spec"), &plan_table, plan, call->arena, &ignored))
        return NULL;
    return plan;
}

/* Numbers of the tasks that come before. */
static const char *numbers_before(const struct plan *plan, const struct plan_task *task,
                                  struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < task->after.count; i++)
        for (size_t k = 0; k < plan->tasks.count; k++)
            if (str_eq(plan->tasks.items[k].id, task->after.items[i]))
                buf_printf(&text, "%s%zu", text.len ? ", " : "", k + 1);
    return arena_strdup(arena, buf_str(&text));
}

/* How many tasks stand before this one on its longest way: the indent.  Tasks come in a
 * topological order. */
static size_t *depths(const struct plan *plan, struct arena *arena)
{
    size_t *depth = arena_array(arena, plan->tasks.count, sizeof *depth);
    for (size_t i = 0; i < plan->tasks.count; i++)
        for (size_t a = 0; a < plan->tasks.items[i].after.count; a++)
            for (size_t k = 0; k < i; k++)
                if (str_eq(plan->tasks.items[k].id, plan->tasks.items[i].after.items[a]) &&
                    depth[k] + 1 > depth[i])
                    depth[i] = depth[k] + 1;
    return depth;
}

#define DEPTH_MAX 10 /* deeper tasks stand no further to the right */

void cli_show_plan(struct cli_call *call, const char *id, const struct plan *plan)
{
    const struct cli_column columns[] = {{"#", true, true},         {_("TASK"), false, false},
                                         {_("SITE"), false, false}, {_("BY"), false, false},
                                         {_("TIME"), true, true},   {_("AFTER"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    size_t *depth = depths(plan, arena);
    table.indent = "  ";
    cli_heading(call, arena_printf(arena, _("Plan %s (%s)"), id ? id : "",
                                   cli_word("purpose", plan->purpose)));
    for (size_t i = 0; i < plan->tasks.count; i++) {
        const struct plan_task *task = &plan->tasks.items[i];
        size_t indent = depth[i] < DEPTH_MAX ? depth[i] : DEPTH_MAX;
        cli_cell_style(&table, arena_printf(arena, "%zu", i + 1), S_DIM);
        cli_cell(&table, arena_printf(arena, "%*s%s%s", (int)(indent ? indent * 2 - 2 : 0), "",
                                      indent ? "└ " : "", title_of(plan, task, arena)));
        cli_cell(&table, task->site);
        cli_cell_style(&table,
                       task->simulated ? arena_printf(arena, _("%s (simulated)"), task->provider)
                                       : task->provider,
                       task->simulated ? S_YELLOW : NULL);
        cli_cell(&table, cli_seconds(arena, task->estimate_s));
        cli_cell_style(&table, numbers_before(plan, task, arena), S_DIM);
    }
    cli_table_print(call, &table);
    cli_say(call, "\n  %s%s%s\n", S_BOLD,
            str_eq(plan->purpose, "remove")
                ? arena_printf(arena, _("removed in about %s"), cli_seconds(arena, plan->eta_s))
                : arena_printf(arena, _("%s a month, open in about %s"),
                               cli_money(arena, (double)plan->price_month / 1e6, plan->currency),
                               cli_seconds(arena, plan->eta_s)),
            S_RESET);
    cli_say(call, "  %s%s%s%s\n", S_DIM, _("digest "), plan->digest ? plan->digest : "-", S_RESET);
}

enum err_code cli_show_plan_record(struct cli_call *call, const struct json_value *record,
                                   struct err *err)
{
    struct plan plan;
    enum err_code rc = cli_decode(json_get(record, "spec"), &plan_table, &plan, call->arena, err);
    if (rc)
        return rc;
    cli_show_plan(call, json_text(json_get(record, "id"), ""), &plan);
    return ERR_OK;
}

/* ---- runs ---- */

static const char *took(const struct run_task *task, struct arena *arena)
{
    if (!task->started_at)
        return "-";
    int64_t end = task->ended_at ? task->ended_at : clock_now_ms();
    return cli_seconds(arena, (double)(end - task->started_at) / 1000);
}

static const char *remark(const struct run_task *task, struct arena *arena)
{
    if (task->error_text)
        return cli_join(arena, cli_word("error", task->error_code), _(": "),
                        cli_sentence(task->error_text, arena));
    if (task->state == RUN_TASK_WAITING || task->state == RUN_TASK_ELIGIBLE)
        return cli_sentence(task->wait_reason, arena);
    if (task->result)
        return cli_join(arena, task->result->url, " · ", cli_sentence(task->result->note, arena));
    return NULL;
}

void cli_show_tasks(struct cli_call *call, const struct run_status *status, const struct plan *plan)
{
    const struct cli_column columns[] = {{_("TASK"), false, false}, {_("SITE"), false, false},
                                         {_("STATE"), false, true}, {_("TIME"), true, true},
                                         {_("TRIES"), true, true},  {_("NOTE"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    table.indent = "  ";
    table.drop_empty = true;
    for (size_t i = 0; i < status->tasks.count; i++) {
        const struct run_task *task = &status->tasks.items[i];
        const char *state = cli_task_state(plan, task->state);
        cli_cell(&table, cli_task_title(plan, task->id, arena));
        cli_cell(&table, task->site);
        cli_cell_style(&table, cli_word("state", state), cli_state_style(state));
        cli_cell(&table, took(task, arena));
        cli_cell(&table, arena_printf(arena, "%lld", (long long)task->attempt));
        cli_cell(&table, remark(task, arena));
    }
    cli_table_print(call, &table);
}

enum err_code cli_run_outcome(const struct run_status *status, struct err *err)
{
    const char *text = status->error_text ? status->error_text : "";
    enum err_code code;
    switch (status->state) {
    case RUN_SUCCEEDED:
        return ERR_OK;
    case RUN_PARTLY:
        err_set(err, ERR_PARTIAL, _("undoing was not possible everywhere: something is left (%s)"),
                text);
        break;
    case RUN_CANCELLED:
        err_set(err, ERR_CANCELLED, _("the run was cancelled, what it made is undone"));
        break;
    case RUN_FAILED:
        code = status->error_code ? err_code_by_name(status->error_code) : ERR_IO;
        if (err_info(code)->exit_code == 2) /* it was no fault of this command line */
            code = ERR_IO;
        err_set(err, code, _("the run failed, what it made is undone: %s"), text);
        break;
    default:
        return ERR_OK;
    }
    if (status->error_hint)
        err_hint(err, "%s", status->error_hint);
    return err->code;
}

enum err_code cli_show_run_record(struct cli_call *call, const struct json_value *record,
                                  struct err *err)
{
    struct run_spec spec;
    struct run_status status;
    enum err_code rc =
        cli_decode(json_get(record, "spec"), &run_spec_table, &spec, call->arena, err);
    if (!rc)
        rc = cli_decode(json_get(record, "status"), &run_status_table, &status, call->arena, err);
    if (rc)
        return rc;
    struct arena *arena = call->arena;
    const char *state = json_enum_name(run_state_names, status.state);
    const char *style = cli_state_style(state);
    cli_say(call, "%s%s%s  %s%s%s%s\n", S_BOLD, json_text(json_get(record, "id"), ""), S_RESET,
            style ? style : "", cli_word("state", state), style ? S_RESET : "",
            status.simulated ? _("  (simulated)") : "");
    cli_say(call, _("%s of %s, plan %s\n"), cli_word("purpose", spec.purpose), spec.deployment,
            spec.plan);
    cli_say(call, "%s%s\n\n", _("digest "), spec.digest);
    cli_show_tasks(call, &status, cli_load_plan(call, spec.plan));
    cli_say(call, "\n");
    if (status.state == RUN_RUNNING || status.state == RUN_QUEUED || status.state == RUN_UNDOING)
        cli_say(call, "%s\n",
                arena_printf(arena,
                             P_("%lld of %lld task done, about %s left",
                                "%lld of %lld tasks done, about %s left", status.tasks_total),
                             (long long)status.tasks_done, (long long)status.tasks_total,
                             cli_seconds(arena, status.eta_s)));
    if (status.error_text)
        cli_say(call, "%s%s%s\n", S_RED, cli_sentence(status.error_text, arena), S_RESET);
    if (status.error_hint)
        cli_say(call, "%s%s\n", _("hint: "), cli_sentence(status.error_hint, arena));
    return ERR_OK;
}

/* ---- deployments ---- */

static void show_instances(struct cli_call *call, const struct deployment_status *status)
{
    const struct cli_column columns[] = {
        {_("PART"), false, true},     {_("KIND"), false, false},    {_("SITE"), false, false},
        {_("STATE"), false, true},    {_("ADDRESS"), false, false}, {_("LAST SEEN"), false, true},
        {_("OBSERVED"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    table.indent = "  ";
    table.drop_empty = true;
    for (size_t i = 0; i < status->instances.count; i++) {
        const struct deployment_instance *part = &status->instances.items[i];
        const char *state = json_enum_name(deployment_state_names, part->state);
        const char *kind = json_enum_name(plan_task_kind_names, part->kind);
        char seen[CLOCK_TEXT_SIZE];
        clock_format(part->seen_at, seen);
        cli_cell(&table, arena_printf(arena, "%s-%lld", part->component ? part->component : "-",
                                      (long long)part->instance));
        cli_cell(&table, kind ? cli_word("part", kind) : NULL);
        cli_cell(&table, part->simulated ? arena_printf(arena, _("%s (simulated)"), part->site)
                                         : part->site);
        cli_cell_style(&table, cli_word("state", state), cli_state_style(state));
        cli_cell(&table, !part->result       ? NULL
                         : part->result->url ? part->result->url
                                             : part->result->address);
        cli_cell(&table, part->seen_at ? cli_time(arena, arena_strdup(arena, seen)) : NULL);
        cli_cell(&table, cli_sentence(part->observed, arena));
    }
    cli_table_print(call, &table);
}

enum err_code cli_show_deployment_record(struct cli_call *call, const struct json_value *record,
                                         struct err *err)
{
    struct deployment_spec spec;
    struct deployment_status status;
    struct arena *arena = call->arena;
    enum err_code rc =
        cli_decode(json_get(record, "spec"), &deployment_spec_table, &spec, arena, err);
    if (!rc)
        rc = cli_decode(json_get(record, "status"), &deployment_status_table, &status, arena, err);
    if (rc)
        return rc;
    const char *state = json_enum_name(deployment_state_names, status.state);
    const char *style = cli_state_style(state);
    cli_say(call, "%s%s%s  %s%s%s%s\n", S_BOLD, json_text(json_get(record, "id"), ""), S_RESET,
            style ? style : "", cli_word("state", state), style ? S_RESET : "",
            status.simulated ? _("  (simulated)") : "");
    if (spec.title)
        cli_say(call, "%s\n", spec.title);
    cli_say(call, "%s\n",
            arena_printf(arena, _("%s a month"),
                         cli_money(arena, (double)status.price_month / 1e6, status.currency)));
    for (size_t i = 0; i < status.urls.count; i++)
        cli_say(call, "  %s%s%s\n", S_CYAN, status.urls.items[i], S_RESET);
    cli_say(call, "\n");
    show_instances(call, &status);
    return ERR_OK;
}
