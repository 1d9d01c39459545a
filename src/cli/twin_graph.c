/* twin_graph.c - questions to the twin's graph: what is joined, what depends, ways, differences,
 * the past, what would be; and declaring things of it. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define FILE_MOST ((size_t)64 << 20)
#define END          \
    {                \
        .name = NULL \
    }

/* Options of the command line as parameters of the address. */
static void add_options(struct cli_call *call, struct buf *path, const char *const *names)
{
    for (; *names; names++)
        if (cli_option(call, *names))
            cli_query_add(path, *names, cli_option(call, *names));
}

static void say_more(struct cli_call *call, const struct json_value *answer)
{
    int64_t total = json_int(json_get(answer, "total"), 0);
    size_t shown = json_size(json_get(answer, "items"));
    const char *next = json_text(json_get(answer, "next"), NULL);
    if (next)
        cli_say(call, "\n%s%s%s\n", S_DIM,
                arena_printf(call->arena, _("%zu of %lld; further: --cursor %s"), shown,
                             (long long)total, next),
                S_RESET);
}

static void say_moment(struct cli_call *call, const struct json_value *answer)
{
    cli_say(call, "%s%s%s\n", S_DIM,
            arena_printf(call->arena, _("as of %s, journal position %lld"),
                         cli_time(call->arena, json_text(json_get(answer, "at"), "?")),
                         (long long)json_int(json_get(answer, "position"), 0)),
            S_RESET);
}

static const struct cli_field item_fields[] = {
    {N_("STEPS"), "depth", CLI_CELL_NUMBER, NULL},
    {N_("ENTITY"), "id", CLI_CELL_TEXT, NULL},
    {N_("LAYER"), "layer", CLI_CELL_WORD, "layer"},
    {N_("STATE"), "state", CLI_CELL_STATE, "state"},
    {N_("VIA"), "via", CLI_CELL_TEXT, NULL},
    {N_("RELATION"), "relation", CLI_CELL_WORD, "relation"},
    {N_("KNOWN BY"), "origin", CLI_CELL_WORD, "origin"},
    {N_("SURE"), "confidence", CLI_CELL_NUMBER, NULL},
    {N_("SINCE"), "valid_from", CLI_CELL_TIME, NULL},
    {N_("UNTIL"), "valid_to", CLI_CELL_TIME, NULL},
    {N_("EXPIRES"), "expires_at", CLI_CELL_TIME, NULL},
};

static enum err_code ask(struct cli_call *call, struct buf *path, struct json_doc **out,
                         struct err *err)
{
    static const char *const names[] = {"direction", "layer",  "relation", "depth",
                                        "limit",     "cursor", "at",       NULL};
    const struct cli_command *command = cli_command_of(call);
    const char *known[ARRAY_LEN(names)] = {NULL};
    size_t count = 0;
    for (const char *const *name = names; *name; name++)
        for (const struct cli_option *o = command->options; o->name; o++)
            if (str_eq(o->name, *name))
                known[count++] = *name;
    add_options(call, path, known);
    return cli_get(call, buf_str(path), out, err);
}

static enum err_code run_list(struct cli_call *call, const char *what, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_printf(&path, "/api/v1/twin/%s", what);
    cli_query_add(&path, "entity", cli_argument(call, 0));
    enum err_code rc = ask(call, &path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *answer = json_root(doc);
    const struct json_value *entity = json_get(answer, "entity");
    size_t total = (size_t)json_int(json_get(answer, "total"), 0);
    cli_say(call, "%s%s%s  %s\n", S_BOLD, json_text(json_get(entity, "id"), "?"), S_RESET,
            cli_word("state", json_text(json_get(entity, "state"), "?")));
    say_moment(call, answer);
    cli_heading(call, arena_printf(call->arena, P_("%zu entity", "%zu entities", total), total));
    cli_show_items(call, json_get(answer, "items"), item_fields, ARRAY_LEN(item_fields));
    say_more(call, answer);
    return ERR_OK;
}

static enum err_code run_neighbours(struct cli_call *call, struct err *err)
{
    return run_list(call, "neighbours", err);
}

static enum err_code run_impact(struct cli_call *call, struct err *err)
{
    return run_list(call, "impact", err);
}

static enum err_code run_path(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_add_str(&path, "/api/v1/twin/path");
    cli_query_add(&path, "entity", cli_argument(call, 0));
    cli_query_add(&path, "to", cli_argument(call, 1));
    enum err_code rc = ask(call, &path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *answer = json_root(doc);
    say_moment(call, answer);
    if (!json_size(json_get(answer, "items"))) {
        cli_say(call, "%s\n", _("there is no way from one to the other"));
        return ERR_OK;
    }
    cli_show_items(call, json_get(answer, "items"), item_fields, ARRAY_LEN(item_fields));
    return ERR_OK;
}

/* ---- differences, history ---- */

static const struct cli_field diff_fields[] = {
    {N_("CHANGE"), "change", CLI_CELL_WORD, "change"},
    {N_("ENTITY"), "entity", CLI_CELL_TEXT, NULL},
    {N_("FROM"), "from", CLI_CELL_TEXT, NULL},
    {N_("RELATION"), "relation", CLI_CELL_WORD, "relation"},
    {N_("TO"), "to", CLI_CELL_TEXT, NULL},
    {N_("STATE BEFORE"), "state_before", CLI_CELL_STATE, "state"},
    {N_("STATE AFTER"), "state_after", CLI_CELL_STATE, "state"},
};

static enum err_code run_diff(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_add_str(&path, "/api/v1/twin/diff");
    cli_query_add(&path, "from", cli_argument(call, 0));
    if (cli_argument(call, 1))
        cli_query_add(&path, "to", cli_argument(call, 1));
    enum err_code rc = ask(call, &path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *answer = json_root(doc);
    size_t total = (size_t)json_int(json_get(answer, "total"), 0);
    cli_say(call, "%s%s → %s%s\n", S_BOLD,
            cli_time(call->arena, json_text(json_get(answer, "from"), "?")),
            cli_time(call->arena, json_text(json_get(answer, "to"), "?")), S_RESET);
    cli_heading(call,
                arena_printf(call->arena, P_("%zu difference", "%zu differences", total), total));
    cli_show_items(call, json_get(answer, "items"), diff_fields, ARRAY_LEN(diff_fields));
    say_more(call, answer);
    return ERR_OK;
}

static const struct cli_field history_fields[] = {
    {N_("TIME"), "at", CLI_CELL_TIME, NULL},
    {N_("EVENT"), "what", CLI_CELL_WORD, "life"},
    {N_("STATE"), "state", CLI_CELL_STATE, "state"},
    {N_("NOTE"), "text", CLI_CELL_SENTENCE, NULL},
};

static enum err_code run_history(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_add_str(&path, "/api/v1/twin/history");
    cli_query_add(&path, "entity", cli_argument(call, 0));
    enum err_code rc = ask(call, &path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *answer = json_root(doc);
    cli_say(call, "%s%s%s\n", S_BOLD, json_text(json_get(answer, "entity"), "?"), S_RESET);
    cli_show_items(call, json_get(answer, "items"), history_fields, ARRAY_LEN(history_fields));
    say_more(call, answer);
    return ERR_OK;
}

/* ---- from afar ---- */

static const struct cli_field group_fields[] = {
    {N_("GROUP"), "name", CLI_CELL_TEXT, NULL},
    {N_("ENTITIES"), "count", CLI_CELL_NUMBER, NULL},
    {N_("UP"), "up", CLI_CELL_NUMBER, NULL},
    {N_("DEGRADED"), "degraded", CLI_CELL_NUMBER, NULL},
    {N_("UNREACHABLE"), "unreachable", CLI_CELL_NUMBER, NULL},
    {N_("DEAD"), "dead", CLI_CELL_NUMBER, NULL},
    {N_("UNKNOWN"), "unknown", CLI_CELL_NUMBER, NULL},
};

static void show_bundles(struct cli_call *call, const struct json_value *answer)
{
    const struct cli_column columns[] = {{_("FROM"), false, true},
                                         {_("RELATION"), false, true},
                                         {_("TO"), false, true},
                                         {_("EDGES"), true, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    const struct json_value *groups = json_get(answer, "groups");
    const struct json_value *bundles = json_get(answer, "bundles");
    table.indent = "  ";
    for (size_t i = 0; i < json_size(bundles); i++) {
        const struct json_value *b = json_at(bundles, i);
        size_t from = (size_t)json_int(json_get(b, "from"), 0);
        size_t to = (size_t)json_int(json_get(b, "to"), 0);
        cli_cell(&table, json_text(json_get(json_at(groups, from), "name"), "?"));
        cli_cell(&table, cli_word("relation", json_text(json_get(b, "relation"), "?")));
        cli_cell(&table, json_text(json_get(json_at(groups, to), "name"), "?"));
        cli_cell(&table,
                 arena_printf(call->arena, "%lld", (long long)json_int(json_get(b, "count"), 0)));
    }
    cli_heading(call, _("Edges"));
    cli_table_print(call, &table);
}

static enum err_code run_outline(struct cli_call *call, struct err *err)
{
    static const char *const names[] = {"by", "most", "at", NULL};
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    buf_add_str(&path, "/api/v1/twin/outline");
    add_options(call, &path, names);
    enum err_code rc = cli_get(call, buf_str(&path), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    say_moment(call, json_root(doc));
    cli_heading(call, _("Groups"));
    cli_show_items(call, json_get(json_root(doc), "groups"), group_fields, ARRAY_LEN(group_fields));
    show_bundles(call, json_root(doc));
    return ERR_OK;
}

/* ---- what would be ---- */

static enum err_code write_state(struct json_writer *w, const char *value, struct arena *arena,
                                 struct err *err)
{
    const char *equals = strrchr(value, '=');
    if (!equals || equals == value) {
        err_set(err, ERR_USAGE, _("--set takes ENTITY=STATE, not '%s'"), value);
        return err_hint(err, _("such as site/local=dead"));
    }
    json_begin(w, '{');
    json_member_text(w, "id", arena_strndup(arena, value, (size_t)(equals - value)));
    json_member_text(w, "state", equals + 1);
    json_end(w, '}');
    return ERR_OK;
}

/* A file of changes, JSON or YAML, as one JSON text. */
static enum err_code read_change(const char *path, struct buf *out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = file_read(path, FILE_MOST, &text, err);
    if (rc)
        return rc;
    const char *begin = buf_str(&text) + strspn(buf_str(&text), " \t\r\n");
    rc = *begin == '{' ? json_parse(buf_str(&text), text.len, &json_limits_large, &doc, err)
                       : json_parse_yaml(buf_str(&text), text.len, &json_limits_large, &doc, err);
    if (rc) {
        err_context(err, "%s", path);
        return rc;
    }
    json_write(json_root(doc), JSON_COMPACT, out);
    return buf_check(out, err);
}

static const struct cli_field consequence_fields[] = {
    {N_("ENTITY"), "id", CLI_CELL_TEXT, NULL},
    {N_("LAYER"), "layer", CLI_CELL_WORD, "layer"},
    {N_("STATE BEFORE"), "before", CLI_CELL_STATE, "state"},
    {N_("STATE AFTER"), "after", CLI_CELL_STATE, "state"},
    {N_("BECAUSE OF"), "because", CLI_CELL_TEXT, NULL},
};

static void show_consequences(struct cli_call *call, const struct json_value *answer)
{
    size_t total = (size_t)json_int(json_get(answer, "total"), 0);
    say_moment(call, answer);
    if (!total) {
        cli_say(call, "%s\n", _("nothing would change"));
        return;
    }
    cli_heading(call,
                arena_printf(call->arena,
                             P_("%zu entity would change", "%zu entities would change", total),
                             total));
    cli_say(call, "  %s\n",
            arena_printf(call->arena, _("%lld dead, %lld unreachable, %lld degraded"),
                         (long long)json_int(json_get(answer, "dead"), 0),
                         (long long)json_int(json_get(answer, "unreachable"), 0),
                         (long long)json_int(json_get(answer, "degraded"), 0)));
    cli_show_items(call, json_get(answer, "items"), consequence_fields,
                   ARRAY_LEN(consequence_fields));
}

static enum err_code run_what_if(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(buf_done) struct buf change = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    enum err_code rc = ERR_OK;
    json_begin(&w, '{');
    if (cli_option(call, "at"))
        json_member_text(&w, "at", cli_option(call, "at"));
    if (cli_option(call, "limit"))
        json_member_int(&w, "limit", cli_integer(call, "limit", 0));
    json_key(&w, "states");
    json_begin(&w, '[');
    for (size_t i = 0; !rc && i < call->option_count; i++)
        if (str_eq(call->options[i].option->name, "set"))
            rc = write_state(&w, call->options[i].value, call->arena, err);
    json_end(&w, ']');
    if (!rc && cli_option(call, "file") &&
        !(rc = read_change(cli_option(call, "file"), &change, err))) {
        json_key(&w, "change");
        json_put_raw(&w, buf_str(&change));
    }
    json_end(&w, '}');
    if (rc || (rc = cli_post(call, "/api/v1/twin/what-if", buf_str(&body), &doc, err)))
        return rc;
    if (cli_answer_doc(call, doc))
        return ERR_OK;
    show_consequences(call, json_root(doc));
    return ERR_OK;
}

static enum err_code run_declare(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf change = BUF_INIT;
    enum err_code rc = read_change(cli_argument(call, 0), &change, err);
    if (rc || (rc = cli_post(call, "/api/v1/twin/changes", buf_str(&change), &doc, err)) ||
        cli_answer_doc(call, doc))
        return rc;
    const struct json_value *answer = json_root(doc);
    cli_say(call, _("%lld entities, %lld edges, %lld ended\n"),
            (long long)json_int(json_get(answer, "entities"), 0),
            (long long)json_int(json_get(answer, "edges"), 0),
            (long long)json_int(json_get(answer, "ended"), 0));
    return ERR_OK;
}

/* ---- the table ---- */

static const char *const directions[] = {NULL, "up", "down", "both", NULL};
static const struct cli_argument entity_argument[] = {
    {"ENTITY", false, false, N_("an id of the twin, such as site/local")}, END};
static const struct cli_argument path_arguments[] = {
    {"FROM", false, false, N_("an id of the twin")}, {"TO", false, false, N_("another one")}, END};
static const struct cli_argument diff_arguments[] = {
    {"FROM", false, false, N_("a moment, such as 2026-11-23T12:00:00Z")},
    {"TO", true, false, N_("a later one; now if not given")},
    END};
static const struct cli_argument change_argument[] = {
    {"FILE", false, true, N_("entities, edges and what has ended, JSON or YAML; - is stdin")}, END};

#define OPTION_AT                                                                           \
    {                                                                                       \
        "at", 0, CLI_TEXT, "TIME", NULL, N_("another moment, such as 2026-11-23T12:00:00Z") \
    }
#define OPTION_LAYER                                                   \
    {                                                                  \
        "layer", 0, CLI_TEXT, "L,L…", NULL,                            \
            N_("only these: physical, virtual, application, business") \
    }
#define OPTION_RELATION                                                                          \
    {                                                                                            \
        "relation", 0, CLI_TEXT, "R,R…", NULL,                                                   \
            N_("only along these: hosts, runs-on, connects, calls, depends-on, serves, part-of") \
    }
#define OPTIONS_PAGE                                                                           \
    {"limit", 0, CLI_INTEGER, "N", NULL, N_("most items of a page (100, at most 1000)")},      \
    {                                                                                          \
        "cursor", 0, CLI_TEXT, "CURSOR", NULL, N_("the page after; said at the end of a page") \
    }

static const struct cli_option neighbours_options[] = {
    {"direction", 0, CLI_CHOICE, "HOW", directions,
     N_("up: who needs it, down: what it needs, both (both)")},
    OPTION_LAYER,
    OPTION_RELATION,
    OPTION_AT,
    OPTIONS_PAGE,
    END};
static const struct cli_option impact_options[] = {
    {"direction", 0, CLI_CHOICE, "HOW", directions,
     N_("up: who needs it, down: what it needs, both (up)")},
    OPTION_LAYER,
    OPTION_RELATION,
    {"depth", 0, CLI_INTEGER, "N", NULL, N_("most steps (any)")},
    OPTION_AT,
    OPTIONS_PAGE,
    END};
static const struct cli_option path_options[] = {
    {"direction", 0, CLI_CHOICE, "HOW", directions,
     N_("up: who needs it, down: what it needs, both (both)")},
    OPTION_RELATION,
    OPTION_AT,
    END};
static const struct cli_option page_options[] = {OPTIONS_PAGE, END};
static const struct cli_option outline_options[] = {
    {"by", 0, CLI_TEXT, "HOW", NULL,
     N_("kind, layer, or a kind that holds others, such as site or region (kind)")},
    {"most", 0, CLI_INTEGER, "N", NULL, N_("most groups; the smallest become one (500)")},
    OPTION_AT,
    END};
static const struct cli_option what_if_options[] = {
    {"set", 0, CLI_TEXTS, "ENTITY=STATE", NULL,
     N_("a state that would be: up, degraded, unreachable, dead or unknown")},
    {"file", 0, CLI_FILE, "FILE", NULL,
     N_("entities and edges that would be there, as for declare")},
    OPTION_AT,
    {"limit", 0, CLI_INTEGER, "N", NULL, N_("most items (100, at most 1000)")},
    END};

static const struct cli_command commands[] = {
    {"twin", "neighbours", entity_argument, neighbours_options,
     N_("show what is joined to an entity"), run_neighbours, NULL, NULL, false},
    {"twin", "impact", entity_argument, impact_options,
     N_("show what depends on an entity, or what it depends on"), run_impact, NULL,
     N_("Goes along dependencies, not along links of a network (connects) unless --relation names "
        "them. Nearest first."),
     false},
    {"twin", "path", path_arguments, path_options,
     N_("show the shortest way from one entity to another"), run_path, NULL, NULL, false},
    {"twin", "diff", diff_arguments, page_options, N_("show what differs between two moments"),
     run_diff, NULL, NULL, false},
    {"twin", "history", entity_argument, page_options,
     N_("show what happened to an entity: lives and states"), run_history, NULL, NULL, false},
    {"twin", "outline", NULL, outline_options,
     N_("show the twin from afar: groups and their edges"), run_outline, NULL, NULL, false},
    {"twin", "what-if", NULL, what_if_options,
     N_("show which states would follow from a change that never happens"), run_what_if, NULL,
     N_("What hosts a thing or what it runs on must be there; what it depends on or calls can "
        "degrade it; of parts and servers of one kind one is enough."),
     false},
    {"twin", "declare", change_argument, NULL,
     N_("declare entities and edges of the twin, end entities"), run_declare, NULL, NULL, false},
};
const struct cli_command_table cli_twin_graph_table = {commands, ARRAY_LEN(commands)};
