/* refine_commands.c - what people do with a solution set: refine, compare, choose, confirm. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"
#include "types/solution_diff.h"

#define END          \
    {                \
        .name = NULL \
    }

/* ---- what was given ---- */

/* Calls fn for each value of an option that may be given more than once. */
typedef enum err_code (*value_fn)(struct json_writer *w, const char *value, struct arena *arena,
                                  struct err *err);

static enum err_code write_list(struct cli_call *call, const char *option, const char *member,
                                value_fn fn, struct json_writer *w, struct err *err)
{
    enum err_code rc = ERR_OK;
    json_key(w, member);
    json_begin(w, '[');
    for (size_t i = 0; !rc && i < call->option_count; i++)
        if (str_eq(call->options[i].option->name, option))
            rc = fn(w, call->options[i].value, call->arena, err);
    json_end(w, ']');
    return rc;
}

static enum err_code write_change(struct json_writer *w, const char *value, struct arena *arena,
                                  struct err *err)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value) {
        err_set(err, ERR_USAGE, _("--set takes PATH=VALUE, not '%s'"), value);
        return err_hint(err, _("such as network.max_latency_ms=8; without a value it is left out"));
    }
    json_begin(w, '{');
    json_member_text(w, "path", arena_strndup(arena, value, (size_t)(equals - value)));
    json_member_text(w, "value", equals + 1);
    json_end(w, '}');
    return ERR_OK;
}

static enum err_code write_pin(struct json_writer *w, const char *value, struct arena *arena,
                               struct err *err)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value) {
        err_set(err, ERR_USAGE, _("--pin takes COMPONENT[#INSTANCE]=SITE, not '%s'"), value);
        return err_hint(err, _("such as web#0=bj-1; without a site the pin is taken out"));
    }
    char *component = arena_strndup(arena, value, (size_t)(equals - value));
    char *hash = strrchr(component, '#');
    int64_t instance = 0;
    if (hash && !str_to_int64(hash + 1, &instance, NULL) && instance >= 0)
        *hash = '\0';
    else
        hash = NULL; /* part of the name */
    json_begin(w, '{');
    json_member_text(w, "component", component);
    if (hash)
        json_member_int(w, "instance", instance);
    if (equals[1])
        json_member_text(w, "site", equals + 1);
    json_end(w, '}');
    return ERR_OK;
}

static enum err_code write_exclusion(struct json_writer *w, const char *value, struct arena *arena,
                                     struct err *err)
{
    const char *equals = strchr(value, '=');
    const char *site = equals ? equals + 1 : value;
    if (!site[0] || equals == value)
        return err_set(err, ERR_USAGE, _("this takes [COMPONENT=]SITE, not '%s'"), value);
    json_begin(w, '{');
    if (equals)
        json_member_text(w, "component", arena_strndup(arena, value, (size_t)(equals - value)));
    json_member_text(w, "site", site);
    json_end(w, '}');
    return ERR_OK;
}

/* A candidate as people count; -1 = not given. */
static enum err_code read_choice(const char *text, int64_t *out, struct err *err)
{
    *out = -1;
    if (!text)
        return ERR_OK;
    if (str_to_int64(text, out, NULL) || *out < 1)
        return err_set(err, ERR_USAGE, _("candidates are counted from 1"));
    (*out)--;
    return ERR_OK;
}

static const char *solution_path(struct cli_call *call, const char *suffix)
{
    return cli_path(call->arena, "/api/v1/solutions/", cli_argument(call, 0), suffix);
}

/* ---- diff ---- */

static const char *verdict_text(int verdict)
{
    const char *name = json_enum_name(feasibility_verdict_names, verdict);
    return name ? cli_word("verdict", name) : "-";
}

static const char *figure_text(const struct solution_figure_diff *figure, struct opt_double value,
                               struct arena *arena)
{
    if (!value.set)
        return "-";
    if (str_eq(figure->figure, "reliability"))
        return arena_printf(arena, "%.9g%%", value.value * 100);
    return cli_join(arena,
                    str_eq(figure->figure, "cost") ? arena_printf(arena, "%.2f", value.value)
                                                   : cli_number_text(arena, value.value),
                    " ", figure->unit);
}

static const char *change_text(const struct solution_figure_diff *figure, struct arena *arena)
{
    const double value = figure->change.value;
    if (!figure->change.set)
        return "-";
    if (!(value < 0) && !(value > 0))
        return "=";
    if (str_eq(figure->figure, "reliability"))
        return arena_printf(arena, "%+.9g%%", value * 100);
    const char *text = str_eq(figure->figure, "cost") ? arena_printf(arena, "%+.2f", value)
                                                      : arena_printf(arena, "%+.6g", value);
    return figure->percent.set ? arena_printf(arena, "%s (%+.1f%%)", text, figure->percent.value)
                               : text;
}

static void show_figures(struct cli_call *call, const struct solution_diff *diff)
{
    const struct cli_column columns[] = {{"", false, true},
                                         {_("FROM"), true, true},
                                         {_("TO"), true, true},
                                         {_("CHANGE"), true, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    for (size_t i = 0; i < diff->figures.count; i++) {
        const struct solution_figure_diff *figure = &diff->figures.items[i];
        if (!figure->from.set && !figure->to.set)
            continue;
        cli_cell(&table, cli_word("figure", figure->figure));
        cli_cell(&table, figure_text(figure, figure->from, call->arena));
        cli_cell(&table, figure_text(figure, figure->to, call->arena));
        cli_cell_style(&table, change_text(figure, call->arena), S_BOLD);
    }
    cli_table_print(call, &table);
}

static void show_need(struct cli_call *call, const struct solution_diff *diff)
{
    const struct cli_column columns[] = {
        {_("FIELD"), false, true}, {_("FROM"), false, false}, {_("TO"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    if (!diff->requirement.count)
        return;
    cli_heading(call, _("Asked differently"));
    for (size_t i = 0; i < diff->requirement.count; i++) {
        cli_cell(&table, diff->requirement.items[i].path);
        cli_cell(&table, diff->requirement.items[i].from);
        cli_cell(&table, diff->requirement.items[i].to);
    }
    cli_table_print(call, &table);
}

static void show_moves(struct cli_call *call, const struct solution_diff *diff)
{
    const struct cli_column columns[] = {{_("COMPONENT"), false, true},
                                         {"#", true, true},
                                         {"", false, true},
                                         {_("FROM"), false, false},
                                         {_("TO"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    if (!diff->placements.count)
        return;
    cli_heading(call, _("Runs elsewhere"));
    for (size_t i = 0; i < diff->placements.count; i++) {
        const struct solution_placement_diff *p = &diff->placements.items[i];
        cli_cell(&table, p->component);
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)p->instance));
        cli_cell(&table, cli_word("change", p->change));
        cli_cell(&table, cli_join(call->arena, p->from_site, " ", p->from_flavor));
        cli_cell(&table, cli_join(call->arena, p->to_site, " ", p->to_flavor));
    }
    cli_table_print(call, &table);
}

static void show_costs(struct cli_call *call, const struct solution_diff *diff)
{
    const struct cli_column columns[] = {{_("ITEM"), false, true},  {_("FOR"), false, false},
                                         {_("SITE"), false, false}, {_("FROM"), true, true},
                                         {_("TO"), true, true},     {_("CHANGE"), true, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    if (!diff->costs.count)
        return;
    cli_heading(call, _("Cost per month"));
    for (size_t i = 0; i < diff->costs.count; i++) {
        const struct solution_cost_diff *line = &diff->costs.items[i];
        cli_cell(&table, cli_word("item", line->item));
        cli_cell(&table, line->component);
        cli_cell(&table, line->site);
        cli_cell(&table, arena_printf(call->arena, "%.2f", line->from));
        cli_cell(&table, arena_printf(call->arena, "%.2f", line->to));
        cli_cell(&table, arena_printf(call->arena, "%+.2f", line->change));
    }
    cli_table_print(call, &table);
}

static void show_verdicts(struct cli_call *call, const struct solution_diff *diff)
{
    const struct cli_column columns[] = {{_("CHECK"), false, true},
                                         {_("OF"), false, false},
                                         {_("FROM"), false, true},
                                         {_("TO"), false, true},
                                         {_("FOUND"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    if (!diff->verdicts.count)
        return;
    cli_heading(call, _("Judged differently"));
    for (size_t i = 0; i < diff->verdicts.count; i++) {
        const struct solution_check_diff *v = &diff->verdicts.items[i];
        const char *dimension = json_enum_name(feasibility_dimension_names, v->dimension);
        cli_cell(&table, v->code     ? cli_word("reason", v->code)
                         : dimension ? cli_word("dimension", dimension)
                                     : _("the whole"));
        cli_cell(&table, v->subject);
        cli_cell(&table, verdict_text(v->from));
        cli_cell(&table, verdict_text(v->to));
        cli_cell(&table,
                 v->observed_from && v->observed_to
                     ? arena_printf(call->arena, "%s → %s", v->observed_from, v->observed_to)
                     : NULL);
    }
    cli_table_print(call, &table);
}

static void show_diff(struct cli_call *call, const struct solution_diff *diff)
{
    cli_say(call, "%s\n\n",
            arena_printf(call->arena,
                         _("version %lld, candidate %lld → version %lld, candidate %lld"),
                         (long long)diff->from.version, (long long)diff->from.choice + 1,
                         (long long)diff->to.version, (long long)diff->to.choice + 1));
    show_figures(call, diff);
    show_need(call, diff);
    show_moves(call, diff);
    show_costs(call, diff);
    show_verdicts(call, diff);
    if (!diff->requirement.count && !diff->placements.count && !diff->costs.count &&
        !diff->verdicts.count)
        cli_say(call, "\n%s\n", _("nothing else differs"));
}

static enum err_code get_diff(struct cli_call *call, const char *path, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct solution_diff diff;
    enum err_code rc = cli_get(call, path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    rc = cli_decode(json_root(doc), &solution_diff_table, &diff, call->arena, err);
    if (!rc)
        show_diff(call, &diff);
    return rc;
}

static enum err_code run_diff(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    int64_t choices[2] = {-1, -1};
    size_t given = 0;
    for (size_t i = 0; i < call->option_count; i++) {
        if (!str_eq(call->options[i].option->name, "choice"))
            continue;
        if (given == 2)
            return err_set(err, ERR_USAGE, _("--choice is given once, or twice to compare two"));
        enum err_code rc = read_choice(call->options[i].value, &choices[given++], err);
        if (rc)
            return rc;
    }
    if (given == 1)
        choices[1] = choices[0];
    buf_add_str(&path, solution_path(call, "/diff"));
    if (cli_option(call, "from"))
        cli_query_add(&path, "from", cli_option(call, "from"));
    if (cli_option(call, "to"))
        cli_query_add(&path, "to", cli_option(call, "to"));
    static const char *const names[] = {"from_choice", "to_choice"};
    for (size_t i = 0; given && i < ARRAY_LEN(names); i++)
        cli_query_add(&path, names[i], arena_printf(call->arena, "%lld", (long long)choices[i]));
    return get_diff(call, buf_str(&path), err);
}

/* ---- refine ---- */

static enum err_code refine_body(struct cli_call *call, struct buf *body, struct err *err)
{
    struct json_writer w = JSON_WRITER(body);
    int64_t choice;
    enum err_code rc = read_choice(cli_option(call, "choice"), &choice, err);
    json_begin(&w, '{');
    if (choice >= 0)
        json_member_int(&w, "choice", choice);
    if (cli_option(call, "version"))
        json_member_int(&w, "version", cli_integer(call, "version", 0));
    if (rc || (rc = write_list(call, "set", "set", write_change, &w, err)) ||
        (rc = write_list(call, "pin", "pins", write_pin, &w, err)) ||
        (rc = write_list(call, "exclude", "exclusions", write_exclusion, &w, err)) ||
        (rc = write_list(call, "allow", "allowed", write_exclusion, &w, err)))
        return rc;
    if (cli_option(call, "objective"))
        json_member_text(&w, "objective", cli_option(call, "objective"));
    if (cli_option(call, "time-limit"))
        json_member_double(&w, "time_limit_s", cli_number(call, "time-limit", 0));
    if (cli_option(call, "reserve"))
        json_member_int(&w, "reserve_s", (cli_duration_ms(call, "reserve", 0) + 999) / 1000);
    if (cli_option(call, "note"))
        json_member_text(&w, "note", cli_option(call, "note"));
    json_end(&w, '}');
    return ERR_OK;
}

/* The need as it was asked for this time: the answer speaks of it. */
static void change_need(struct cli_call *call, struct requirement *need)
{
    for (size_t i = 0; i < call->option_count; i++) {
        const char *value = call->options[i].value, *equals = strchr(value, '=');
        if (!str_eq(call->options[i].option->name, "set") || !equals)
            continue;
        /* the server has taken it, so it is well written */
        requirement_set(need, arena_strndup(call->arena, value, (size_t)(equals - value)),
                        equals + 1, call->arena, NULL);
    }
}

static enum err_code tell_infeasible(struct cli_call *call, const struct http_reply *reply,
                                     struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct requirement need;
    struct err why = *err;
    if (cli_get(call, solution_path(call, NULL), &doc, err) ||
        cli_decode(json_path(json_root(doc), "spec.requirement"), &requirement_table, &need,
                   call->arena, err)) {
        *err = why;
        return why.code;
    }
    *err = why;
    change_need(call, &need);
    return cli_tell_infeasible(call, reply, &need, err);
}

static enum err_code run_refine(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct http_reply reply = {.status = 0};
    enum err_code rc = refine_body(call, &body, err);
    if (rc)
        return rc;
    rc = cli_send(call,
                  &(struct cli_request){.method = "POST",
                                        .path = solution_path(call, "/refine"),
                                        .body = buf_str(&body)},
                  &reply, err);
    if (rc == ERR_INFEASIBLE)
        return tell_infeasible(call, &reply, err);
    if (rc || (rc = json_parse(reply.body, reply.body_len, &json_limits_large, &doc, err)) ||
        cli_answer_doc(call, doc))
        return rc;
    const struct json_value *record = json_root(doc);
    struct solution_answer answer;
    if ((rc = cli_decode(json_path(record, "spec.answer"), &solution_answer_table, &answer,
                         call->arena, err)))
        return rc;
    long long number = json_int(json_path(record, "spec.number"), 0);
    if (call->quiet) {
        printf("%lld\n", number);
        return ERR_OK;
    }
    cli_say(call, "%s%s%s\n", S_BOLD,
            arena_printf(call->arena, _("version %lld of %s"), number, cli_argument(call, 0)),
            S_RESET);
    cli_show_candidates(call, &answer, SIZE_MAX);
    cli_heading(call, _("Against the version before"));
    if ((rc = get_diff(call, solution_path(call, "/diff"), err)))
        return rc;
    cli_say(call, _("\nnext: swan solution confirm %s --choice N\n"), cli_argument(call, 0));
    return ERR_OK;
}

/* ---- choose, confirm, release ---- */

static enum err_code post_and_tell(struct cli_call *call, const char *path, const char *body,
                                   const char *done, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = cli_post(call, path, body, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    if (!call->quiet && done)
        cli_say(call, "%s\n", done);
    const char *until = json_text(json_path(json_root(doc), "status.reservation.expires_at"), NULL);
    if (!call->quiet && until)
        cli_say(call, "%s\n",
                arena_printf(call->arena, _("its room is held until %s"),
                             cli_time(call->arena, arena_strdup(call->arena, until))));
    return ERR_OK;
}

static enum err_code mark(struct cli_call *call, const char *suffix, const char *done,
                          struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    int64_t choice;
    enum err_code rc = read_choice(cli_option(call, "choice"), &choice, err);
    if (rc)
        return rc;
    json_begin(&w, '{');
    if (choice >= 0)
        json_member_int(&w, "choice", choice);
    if (cli_option(call, "version"))
        json_member_int(&w, "version", cli_integer(call, "version", 0));
    json_end(&w, '}');
    return post_and_tell(call, solution_path(call, suffix), buf_str(&body), done, err);
}

static enum err_code run_choose(struct cli_call *call, struct err *err)
{
    return mark(call, "/choose",
                arena_printf(call->arena, _("chosen\nnext: swan solution confirm %s"),
                             cli_argument(call, 0)),
                err);
}

static enum err_code run_confirm(struct cli_call *call, struct err *err)
{
    return mark(call, "/confirm",
                arena_printf(call->arena, _("confirmed\nnext: swan order create %s"),
                             cli_argument(call, 0)),
                err);
}

static enum err_code run_release(struct cli_call *call, struct err *err)
{
    const char *prefix =
        str_eq(cli_command_of(call)->noun, "order") ? "/api/v1/orders/" : "/api/v1/solutions/";
    return post_and_tell(call, cli_path(call->arena, prefix, cli_argument(call, 0), "/release"),
                         NULL, _("nothing is held for it any more"), err);
}

static enum err_code run_order_cancel(struct cli_call *call, struct err *err)
{
    bool sure = cli_flag(call, "yes");
    enum err_code rc = ERR_OK;
    if (!sure)
        rc = cli_confirm(call, arena_printf(call->arena, _("Cancel %s?"), cli_argument(call, 0)),
                         &sure, err);
    if (rc)
        return rc;
    if (!sure)
        return err_set(err, ERR_CANCELLED, _("nothing is cancelled"));
    return post_and_tell(call,
                         cli_path(call->arena, "/api/v1/orders/", cli_argument(call, 0), "/cancel"),
                         NULL, _("cancelled"), err);
}

/* ---- versions ---- */

static const struct cli_field version_fields[] = {
    {N_("VERSION"), "number", CLI_CELL_NUMBER, NULL},
    {N_("BY"), "by", CLI_CELL_TEXT, NULL},
    {N_("AT"), "at", CLI_CELL_TIME, NULL},
    {N_("CANDIDATES"), "candidates", CLI_CELL_NUMBER, NULL},
    {N_("FIRST COST/MONTH"), "cost", CLI_CELL_MONEY, "currency"},
    {N_("WHY"), "note", CLI_CELL_TEXT, NULL},
};

static enum err_code run_versions(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = cli_get(call, solution_path(call, NULL), &doc, err);
    if (rc)
        return rc;
    const struct json_value *versions = json_path(json_root(doc), "status.versions");
    if (versions)
        json_write(versions, JSON_COMPACT, &text);
    else
        buf_add_str(&text, "[]");
    if (call->format != CLI_TABLE) {
        cli_answer_json(call, buf_str(&text), text.len);
        return ERR_OK;
    }
    if (json_size(versions))
        cli_show_items(call, versions, version_fields, ARRAY_LEN(version_fields));
    else
        cli_say(call, "%s\n", _("it has one version"));
    return ERR_OK;
}

enum err_code cli_run_solution_show(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *version = cli_option(call, "version");
    if (!version)
        return cli_run_show(call, err);
    enum err_code rc = cli_get(
        call, solution_path(call, arena_printf(call->arena, "/versions/%s", version)), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    return cli_show_solution_record(call, json_root(doc), err);
}

/* Versions, what was decided, what is held. */
void cli_show_solution_status(struct cli_call *call, const struct json_value *record)
{
    struct arena *arena = call->arena;
    const struct json_value *status = json_get(record, "status");
    const struct json_value *refinement = json_path(record, "spec.refinement");
    const char *state = json_text(json_get(status, "state"), NULL);
    const struct json_value *mark = json_get(status, "confirmed");
    if (!mark)
        mark = json_get(status, "chosen");
    if (refinement)
        cli_say(call, "%s\n",
                arena_printf(arena, _("version %lld, refined by %s from version %lld: %s"),
                             (long long)json_int(json_path(record, "spec.number"), 1),
                             json_text(json_get(refinement, "by"), "-"),
                             (long long)json_int(json_get(refinement, "from"), 0),
                             json_text(json_get(refinement, "note"), "-")));
    for (size_t i = 0; i < json_size(json_path(record, "spec.pins")); i++) {
        const struct json_value *pin = json_at(json_path(record, "spec.pins"), i);
        const struct json_value *instance = json_get(pin, "instance");
        cli_say(call, "  %s\n",
                arena_printf(
                    arena, _("%s%s must run at %s"), json_text(json_get(pin, "component"), ""),
                    instance ? arena_printf(arena, "#%lld", (long long)json_int(instance, 0)) : "",
                    json_text(json_get(pin, "site"), "")));
    }
    for (size_t i = 0; i < json_size(json_path(record, "spec.exclusions")); i++) {
        const struct json_value *exclusion = json_at(json_path(record, "spec.exclusions"), i);
        const char *component = json_text(json_get(exclusion, "component"), NULL);
        const char *site = json_text(json_get(exclusion, "site"), "");
        cli_say(call, "  %s\n",
                component ? arena_printf(arena, _("%s must not run at %s"), component, site)
                          : arena_printf(arena, _("nothing may run at %s"), site));
    }
    if (state && mark)
        cli_say(call, "%s\n",
                arena_printf(arena, _("%s: candidate %lld of version %lld, by %s"),
                             cli_word("state", arena_strdup(arena, state)),
                             (long long)json_int(json_get(mark, "choice"), 0) + 1,
                             (long long)json_int(json_get(mark, "version"), 0),
                             json_text(json_get(mark, "by"), "-")));
    const char *until = json_text(json_path(status, "reservation.expires_at"), NULL);
    if (until)
        cli_say(call, "%s\n",
                arena_printf(arena, _("its room is held until %s"),
                             cli_time(arena, arena_strdup(arena, until))));
    if (json_size(json_get(status, "versions")) > 1)
        cli_show_items(call, json_get(status, "versions"), version_fields,
                       ARRAY_LEN(version_fields));
    if (state || refinement)
        cli_say(call, "\n");
}

/* ---- the table ---- */

static const char *const objectives[] = {NULL, "cost", "latency", "reliability", "green", NULL};
#define OPTION_CHOICE                                                           \
    {                                                                           \
        "choice", 0, CLI_TEXT, "N", NULL, N_("number of the candidate, from 1") \
    }
#define OPTION_VERSION                                                                         \
    {                                                                                          \
        "version", 0, CLI_INTEGER, "N", NULL, N_("version of the set; the newest if not said") \
    }
static const struct cli_option refine_options[] = {
    {"set", 0, CLI_TEXTS, "PATH=VALUE", NULL,
     N_("change a field: web.location=Suzhou; without a value it is left out")},
    {"pin", 0, CLI_TEXTS, "COMPONENT[#N]=SITE", NULL,
     N_("it runs there; without a site: wherever is best")},
    {"exclude", 0, CLI_TEXTS, "[COMPONENT=]SITE", NULL, N_("it does not run there")},
    {"allow", 0, CLI_TEXTS, "[COMPONENT=]SITE", NULL, N_("take an exclusion back")},
    OPTION_CHOICE,
    OPTION_VERSION,
    {"objective", 0, CLI_CHOICE, "WHAT", objectives,
     N_("what to prefer: cost, latency, reliability or green")},
    {"time-limit", 0, CLI_NUMBER, "SECONDS", NULL, N_("most seconds for the search")},
    {"reserve", 0, CLI_SPAN, "TIME", NULL, N_("how long its room is held; 0 = not at all")},
    {"note", 0, CLI_TEXT, "TEXT", NULL, N_("why; kept with the version")},
    END};
static const struct cli_option diff_options[] = {
    {"from", 0, CLI_INTEGER, "N", NULL, N_("older version; the one before if not said")},
    {"to", 0, CLI_INTEGER, "N", NULL, N_("newer version; the newest if not said")},
    {"choice", 0, CLI_TEXTS, "N", NULL,
     N_("candidate, from 1; twice: compare these two candidates")},
    END};
static const struct cli_option mark_options[] = {OPTION_CHOICE, OPTION_VERSION, END};
static const struct cli_option yes_options[] = {
    {"yes", 'y', CLI_FLAG, NULL, NULL, N_("do not ask")}, END};
static const struct cli_argument solution_argument[] = {
    {"SOLUTION", false, false, N_("id of a solution set")}, END};
static const struct cli_argument order_argument[] = {{"ORDER", false, false, N_("id of an order")},
                                                     END};

static const struct cli_command commands[] = {
    {"solution", "refine", solution_argument, refine_options,
     N_("design again over a changed need, as the next version"), run_refine, NULL,
     N_("Example:\n"
        "  swan solution refine SOLUTION --set inference.location=Suzhou --set "
        "network.max_latency_ms=8 \\\n"
        "      --pin web#0=bj-1 --exclude db=edge-3 --note \"the data stays in Suzhou\"\n"
        "Paths are those of the requirement; components go by name. Older versions stay: swan "
        "solution show SOLUTION --version N."),
     false},
    {"solution", "versions", solution_argument, NULL, N_("list the versions of a design"),
     run_versions, NULL, NULL, false},
    {"solution", "diff", solution_argument, diff_options,
     N_("what differs between two versions, or two candidates"), run_diff, NULL, NULL, false},
    {"solution", "choose", solution_argument, mark_options, N_("say which candidate is wanted"),
     run_choose, NULL, NULL, false},
    {"solution", "confirm", solution_argument, mark_options,
     N_("say which candidate may be ordered"), run_confirm, NULL, NULL, false},
    {"solution", "release", solution_argument, NULL, N_("give back the room that is held for it"),
     run_release, NULL, NULL, false},
    {"order", "cancel", order_argument, yes_options, N_("cancel an order that was not opened"),
     run_order_cancel, NULL, NULL, false},
    {"order", "release", order_argument, NULL, N_("give back the room that is held for it"),
     run_release, NULL, NULL, false},
};
const struct cli_command_table cli_refine_table = {commands, ARRAY_LEN(commands)};
