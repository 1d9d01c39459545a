/* loop.c - orders, plans, runs, deployments, the twin: one stage a command. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static const char *id_of(const struct json_doc *doc, struct arena *arena)
{
    return arena_strdup(arena, json_text(json_get(json_root(doc), "id"), ""));
}

/* Is that candidate (-1 = any) confirmed, or does somebody say now that it is to be?  *ret_choice
 * is the one that is meant. */
static enum err_code ask_confirmation(struct cli_call *call, int64_t choice, int64_t *ret_choice,
                                      bool *ret_confirm, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct solution_answer answer;
    const char *id = cli_argument(call, 0);
    enum err_code rc =
        cli_get(call, cli_path(call->arena, "/api/v1/solutions/", id, NULL), &doc, err);
    if (rc)
        return rc;
    const struct json_value *confirmed = json_path(json_root(doc), "status.confirmed");
    int64_t have = confirmed ? json_int(json_get(confirmed, "choice"), 0) : -1;
    *ret_choice = choice >= 0 ? choice : have >= 0 ? have : 0;
    *ret_confirm = have != *ret_choice && cli_flag(call, "yes");
    if (have == *ret_choice || *ret_confirm || !cli_can_ask())
        return ERR_OK; /* the server says what is missing */
    if ((rc = cli_decode(json_path(json_root(doc), "spec.answer"), &solution_answer_table, &answer,
                         call->arena, err)))
        return rc;
    if ((size_t)*ret_choice >= answer.solutions.count)
        return err_set(
            err, ERR_USAGE,
            P_("there is %zu candidate", "there are %zu candidates", answer.solutions.count),
            answer.solutions.count);
    cli_show_solution(call, &answer.solutions.items[*ret_choice]);
    cli_say(call, "\n");
    rc = cli_confirm(call, _("It is not confirmed yet. Confirm and order it?"), ret_confirm, err);
    return rc || *ret_confirm ? rc : err_set(err, ERR_CANCELLED, _("nothing is ordered"));
}

enum err_code cli_run_order_create(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    int64_t choice = cli_integer(call, "choice", 0);
    bool confirm = false;
    if (cli_option(call, "choice") && choice < 1)
        return err_set(err, ERR_USAGE, _("candidates are counted from 1"));
    enum err_code rc = ask_confirmation(call, choice - 1, &choice, &confirm, err);
    if (rc)
        return rc;
    json_begin(&w, '{');
    json_member_text(&w, "solution", cli_argument(call, 0));
    json_member_int(&w, "choice", choice);
    if (confirm)
        json_member_bool(&w, "confirm", true);
    json_end(&w, '}');
    rc = cli_post(call, "/api/v1/orders", buf_str(&body), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    if (call->quiet)
        printf("%s\n", id_of(doc, call->arena));
    cli_say(call, _("order %s\nnext: swan plan create %s\n"), id_of(doc, call->arena),
            id_of(doc, call->arena));
    return ERR_OK;
}

enum err_code cli_run_plan_create(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "order", cli_argument(call, 0));
    json_member_bool(&w, "simulate", cli_flag(call, "simulate"));
    json_end(&w, '}');
    enum err_code rc = cli_post(call, "/api/v1/plans", buf_str(&body), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const char *id = id_of(doc, call->arena);
    if (call->quiet)
        printf("%s\n", id);
    else if ((rc = cli_show_plan_record(call, json_root(doc), err)))
        return rc;
    cli_say(call, _("next: swan run start %s\n"), id);
    return ERR_OK;
}

enum err_code cli_start_run(struct cli_call *call, const char *plan_id, const char *digest,
                            const char **ret_run, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "plan", plan_id);
    json_member_text(&w, "digest", digest);
    json_end(&w, '}');
    enum err_code rc = cli_post(call, "/api/v1/runs", buf_str(&body), &doc, err);
    if (!rc)
        *ret_run = id_of(doc, call->arena);
    return rc;
}

/* ---- how a run ended ---- */

static enum err_code tell_deployment(struct cli_call *call, const char *id, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct deployment_status status;
    enum err_code rc =
        cli_get(call, cli_path(call->arena, "/api/v1/deployments/", id, NULL), &doc, err);
    if (!rc)
        rc = cli_decode(json_get(json_root(doc), "status"), &deployment_status_table, &status,
                        call->arena, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    if (call->quiet) {
        for (size_t i = 0; i < status.urls.count; i++)
            printf("%s\n", status.urls.items[i]);
        return ERR_OK;
    }
    if (status.simulated)
        cli_say(call, "\n%s%s%s%s\n", S_BOLD, S_YELLOW,
                _("! parts of it are simulated: nothing real was opened there"), S_RESET);
    cli_say(call, "\n%s%s%s\n", S_GREEN, arena_printf(call->arena, _("✔ open: %s"), id), S_RESET);
    for (size_t i = 0; i < status.urls.count; i++)
        cli_say(call, "    %s%s%s%s\n", S_BOLD, S_CYAN, status.urls.items[i], S_RESET);
    if (!status.urls.count)
        cli_say(call, "    %s\n", _("it has no address that answers HTTP"));
    cli_say(call, "  %s%s\n", _("look:   swan deployment show "), id);
    cli_say(call, "  %s%s\n", _("remove: swan deployment delete "), id);
    return ERR_OK;
}

enum err_code cli_watch_run(struct cli_call *call, const char *run, struct err *err)
{
    struct run_status status;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = cli_follow(call, run, &status, err);
    if (rc)
        return rc;
    if ((rc = cli_get(call, cli_path(call->arena, "/api/v1/runs/", run, NULL), &doc, err)))
        return rc;
    struct run_spec spec;
    if ((rc = cli_decode(json_get(json_root(doc), "spec"), &run_spec_table, &spec, call->arena,
                         err)))
        return rc;
    if (status.state == RUN_SUCCEEDED && str_eq(spec.purpose, "open"))
        return tell_deployment(call, spec.deployment, err);
    cli_answer_doc(call, doc);
    if (status.state == RUN_SUCCEEDED)
        cli_say(call, "%s%s%s\n", S_GREEN,
                arena_printf(call->arena, _("✔ %s is removed"), spec.deployment), S_RESET);
    else if (call->format == CLI_TABLE)
        cli_show_tasks(call, &status, cli_load_plan(call, spec.plan));
    return cli_run_outcome(&status, err);
}

enum err_code cli_run_run_start(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *plan_id = cli_argument(call, 0), *given = cli_option(call, "digest"), *run = NULL;
    struct plan plan;
    bool sure = cli_flag(call, "yes");
    enum err_code rc =
        cli_get(call, cli_path(call->arena, "/api/v1/plans/", plan_id, NULL), &doc, err);
    if (!rc)
        rc = cli_decode(json_get(json_root(doc), "spec"), &plan_table, &plan, call->arena, err);
    if (rc)
        return rc;
    if (call->format == CLI_TABLE)
        cli_show_plan(call, plan_id, &plan);
    if (!sure && !given && (rc = cli_confirm(call, _("Carry it out?"), &sure, err)))
        return rc;
    if (!sure && !given)
        return err_set(err, ERR_CANCELLED, _("nothing is done"));
    if ((rc = cli_start_run(call, plan_id, given ? given : plan.digest, &run, err)))
        return rc;
    cli_say(call, _("run %s\n"), run);
    if (!cli_flag(call, "no-wait"))
        return cli_watch_run(call, run, err);
    if (call->quiet)
        printf("%s\n", run);
    return ERR_OK;
}

enum err_code cli_run_run_watch(struct cli_call *call, struct err *err)
{
    return cli_watch_run(call, cli_argument(call, 0), err);
}

enum err_code cli_run_run_cancel(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *run = cli_argument(call, 0);
    bool sure = cli_flag(call, "yes");
    enum err_code rc = ERR_OK;
    if (!sure)
        rc = cli_confirm(call, arena_printf(call->arena, _("Stop %s and undo what it made?"), run),
                         &sure, err);
    if (rc)
        return rc;
    if (!sure)
        return err_set(err, ERR_CANCELLED, _("nothing is done"));
    rc = cli_post(call, cli_path(call->arena, "/api/v1/runs/", run, "/cancel"), "{}", &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_say(call, _("%s is asked to stop; follow it: swan run watch %s\n"), run, run);
    return ERR_OK;
}

enum err_code cli_run_deployment_delete(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *id = cli_argument(call, 0);
    bool sure = cli_flag(call, "yes");
    enum err_code rc = ERR_OK;
    if (!sure)
        rc = cli_confirm(call, arena_printf(call->arena, _("Remove %s with all its parts?"), id),
                         &sure, err);
    if (rc)
        return rc;
    if (!sure)
        return err_set(err, ERR_CANCELLED, _("nothing is removed"));
    rc = cli_send_json(
        call,
        &(struct cli_request){.method = "DELETE",
                              .path = cli_path(call->arena, "/api/v1/deployments/", id, NULL)},
        &doc, err);
    if (rc)
        return rc;
    const char *run = id_of(doc, call->arena);
    cli_say(call, _("run %s\n"), run);
    if (!cli_flag(call, "no-wait"))
        return cli_watch_run(call, run, err);
    if (!cli_answer_doc(call, doc) && call->quiet)
        printf("%s\n", run);
    return ERR_OK;
}

/* ---- the twin ---- */

static const struct cli_field entity_fields[] = {
    {N_("LAYER"), "layer", CLI_CELL_WORD, "layer"},
    {N_("KIND"), "kind", CLI_CELL_WORD, "kind"},
    {N_("ENTITY"), "id", CLI_CELL_TEXT, NULL},
    {N_("STATE"), "state", CLI_CELL_STATE, "state"},
    {N_("KNOWN BY"), "origin", CLI_CELL_WORD, "origin"},
    {N_("SURE"), "confidence", CLI_CELL_NUMBER, NULL},
    {N_("SIMULATED"), "simulated", CLI_CELL_BOOL, NULL},
    {N_("SINCE"), "valid_from", CLI_CELL_TIME, NULL},
    {N_("UNTIL"), "valid_to", CLI_CELL_TIME, NULL},
    {N_("EXPIRES"), "expires_at", CLI_CELL_TIME, NULL},
    {N_("LAST SEEN"), "seen_at", CLI_CELL_TIME, NULL},
    {N_("NOTE"), "text", CLI_CELL_SENTENCE, NULL},
};
static const struct cli_field edge_fields[] = {
    {N_("FROM"), "from", CLI_CELL_TEXT, NULL},
    {N_("RELATION"), "relation", CLI_CELL_WORD, "relation"},
    {N_("TO"), "to", CLI_CELL_TEXT, NULL},
    {N_("KNOWN BY"), "origin", CLI_CELL_WORD, "origin"},
};

void cli_show_items(struct cli_call *call, const struct json_value *items,
                    const struct cli_field *fields, size_t field_count)
{
    struct cli_column *columns = arena_array(call->arena, field_count, sizeof *columns);
    for (size_t i = 0; i < field_count; i++)
        columns[i] = (struct cli_column){_(fields[i].title), fields[i].kind == CLI_CELL_NUMBER,
                                         fields[i].kind == CLI_CELL_STATE ||
                                             fields[i].kind == CLI_CELL_TIME ||
                                             str_eq(fields[i].path, "id")};
    struct cli_table table = {.columns = columns,
                              .column_count = field_count,
                              .arena = call->arena,
                              .indent = "  ",
                              .drop_empty = true};
    for (size_t i = 0; i < json_size(items); i++) {
        const struct json_value *item = json_at(items, i);
        for (size_t f = 0; f < field_count; f++)
            cli_cell_style(&table, cli_field_text(&fields[f], item, call->arena),
                           fields[f].kind == CLI_CELL_STATE
                               ? cli_state_style(json_text(json_path(item, fields[f].path), NULL))
                               : NULL);
    }
    cli_table_print(call, &table);
}

enum err_code cli_run_twin_show(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    const char *deployment = cli_argument(call, 0), *at = cli_option(call, "at");
    buf_add_str(&path, deployment
                           ? cli_path(call->arena, "/api/v1/deployments/", deployment, "/twin")
                           : "/api/v1/twin");
    if (at)
        cli_query_add(&path, "at", at);
    enum err_code rc = cli_get(call, buf_str(&path), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *view = json_root(doc);
    size_t entities = json_size(json_get(view, "entities"));
    size_t edges = json_size(json_get(view, "edges"));
    cli_say(call, "%s%s%s\n", S_BOLD,
            arena_printf(call->arena, _("The twin at %s"),
                         cli_time(call->arena, json_text(json_get(view, "at"), "?"))),
            S_RESET);
    cli_heading(call,
                arena_printf(call->arena, P_("%zu entity", "%zu entities", entities), entities));
    cli_show_items(call, json_get(view, "entities"), entity_fields, ARRAY_LEN(entity_fields));
    cli_heading(call, arena_printf(call->arena, P_("%zu edge", "%zu edges", edges), edges));
    cli_show_items(call, json_get(view, "edges"), edge_fields, ARRAY_LEN(edge_fields));
    return ERR_OK;
}
