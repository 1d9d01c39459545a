/* system_commands.c - status and version. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

static void line(struct cli_table *table, const char *name, const char *text, const char *style)
{
    cli_cell_style(table, name, S_DIM);
    cli_cell_style(table, text, style);
}

/* Records of a collection by state: "3: 2 up, 1 down". */
static enum err_code count_states(struct cli_call *call, const char *collection, const char **ret,
                                  struct json_writer *w, struct err *err)
{
    const char *states[16];
    size_t counts[16] = {0}, kinds = 0, total = 0;
    char *cursor = NULL;
    do {
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        CLEANUP(buf_done) struct buf path = BUF_INIT;
        buf_printf(&path, "/api/v1/%s?limit=1000", collection);
        if (cursor)
            cli_query_add(&path, "cursor", cursor);
        enum err_code rc = cli_get(call, buf_str(&path), &doc, err);
        if (rc)
            return rc;
        const struct json_value *items = json_get(json_root(doc), "items");
        for (size_t i = 0; i < json_size(items); i++, total++) {
            const char *state = json_text(json_path(json_at(items, i), "status.state"), NULL);
            size_t k = 0;
            while (state && k < kinds && !str_eq(states[k], state))
                k++;
            if (!state || k == ARRAY_LEN(states))
                continue;
            if (k == kinds)
                states[kinds++] = arena_strdup(call->arena, state);
            counts[k]++;
        }
        cursor = arena_strdup(call->arena, json_text(json_get(json_root(doc), "next"), NULL));
    } while (cursor);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "%zu", total);
    json_key(w, collection);
    json_begin(w, '{');
    json_member_int(w, "total", (int64_t)total);
    for (size_t k = 0; k < kinds; k++) {
        buf_printf(&text, "%s%zu %s", k ? ", " : _(": "), counts[k], cli_word("state", states[k]));
        json_member_int(w, states[k], (int64_t)counts[k]);
    }
    json_end(w, '}');
    *ret = arena_strdup(call->arena, buf_str(&text));
    return ERR_OK;
}

enum err_code cli_run_status(struct cli_call *call, struct err *err)
{
    static const struct {
        const char *collection, *title;
    } parts[] = {{"sites", N_("sites")}, {"deployments", N_("deployments")}, {"runs", N_("runs")}};
    const struct cli_column columns[] = {{"", false, true}, {"", false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    CLEANUP(json_doc_free_at) struct json_doc *version = NULL;
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    struct json_writer w = JSON_WRITER(&json);
    enum err_code rc = cli_get(call, "/api/v1/version", &version, err);
    if (rc)
        return rc;
    const struct json_value *root = json_root(version);
    struct http_reply ready;
    bool is_ready = !cli_send(call, &(struct cli_request){.path = "/readyz"}, &ready, NULL);
    const char *number = json_text(json_get(root, "version"), "?");
    const char *store = json_text(json_get(root, "store"), "?");
    line(&table, _("server address"), call->server, NULL);
    line(&table, _("version"), number, NULL);
    line(&table, _("store"), store, NULL);
    line(&table, _("ready"), is_ready ? _("yes") : _("no"), is_ready ? S_GREEN : S_RED);
    line(&table, _("since"), cli_time(call->arena, json_text(json_get(root, "started_at"), NULL)),
         NULL);
    json_begin(&w, '{');
    json_member_text(&w, "server", call->server);
    json_member_text(&w, "version", number);
    json_member_text(&w, "store", store);
    json_member_bool(&w, "ready", is_ready);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *text = NULL;
        if ((rc = count_states(call, parts[i].collection, &text, &w, err)))
            return rc;
        line(&table, _(parts[i].title), text, NULL);
    }
    json_end(&w, '}');
    if (!cli_answer_json(call, buf_str(&json), json.len))
        cli_table_print(call, &table);
    return ERR_OK;
}

enum err_code cli_run_version(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    struct json_writer w = JSON_WRITER(&json);
    bool there = !cli_get(call, "/api/v1/version", &doc, err);
    const char *server = there ? json_text(json_get(json_root(doc), "version"), NULL) : NULL;
    err_clear(err);
    json_begin(&w, '{');
    json_member_text(&w, "program", call->hooks->version);
    if (server)
        json_member_text(&w, "server", server);
    json_end(&w, '}');
    if (cli_answer_json(call, buf_str(&json), json.len))
        return ERR_OK;
    printf("swan %s\n", call->hooks->version);
    if (server)
        cli_say(call, _("server %s at %s\n"), server, call->server);
    else
        cli_say(call, "%s\n", _("no server answers"));
    return ERR_OK;
}
