/* network_commands.c - sites, the network file, connections. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define FILE_MAX ((size_t)256 << 20) /* as the server takes */

enum err_code cli_run_site_put(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct site site;
    const char *path = cli_argument(call, 0);
    enum err_code rc;
    if ((rc = file_read(path, FILE_MAX, &text, err)))
        return rc;
    if ((rc = json_decode_yaml(buf_str(&text), text.len, &network_site_table, NULL, &site,
                               call->arena, err)))
        return err_context(err, "%s", path), rc;
    json_encode(&network_site_table, &site, JSON_COMPACT, &body);
    rc = cli_send_json(
        call,
        &(struct cli_request){.method = "PUT",
                              .path = cli_path(call->arena, "/api/v1/sites/", site.id, NULL),
                              .body = buf_str(&body)},
        &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_say(call, _("site %s, version %lld\n"), site.id,
            (long long)json_int(json_get(json_root(doc), "version"), 0));
    return ERR_OK;
}

static const struct cli_field discovered_fields[] = {
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("SYSTEM"), "status.system", CLI_CELL_TEXT, NULL},
    {N_("CONTAINER ENGINE"), "status.engine", CLI_CELL_TEXT, NULL},
    {N_("VCPUS"), "status.measured.vcpus", CLI_CELL_NUMBER, NULL},
    {N_("MEMORY GIB"), "status.measured.memory_gib", CLI_CELL_NUMBER, NULL},
    {N_("DISK GIB"), "status.measured.disk_gib", CLI_CELL_NUMBER, NULL},
    {N_("ERROR"), "status.error", CLI_CELL_TEXT, NULL},
};

enum err_code cli_run_site_discover(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const struct cli_column columns[] = {{"", false, true}, {"", false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    const char *site = cli_argument(call, 0);
    enum err_code rc = cli_send_json(
        call,
        &(struct cli_request){.method = "POST",
                              .path = cli_path(call->arena, "/api/v1/sites/", site, "/discover"),
                              .body = "{}"},
        &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(discovered_fields); i++) {
        const char *text = cli_field_text(&discovered_fields[i], json_root(doc), call->arena);
        if (!text)
            continue;
        cli_cell_style(&table, _(discovered_fields[i].title), S_DIM);
        cli_cell(&table, text);
    }
    cli_table_print(call, &table);
    return ERR_OK;
}

/* ---- the network file ---- */

static enum err_code import(struct cli_call *call, const char *file, const char *path,
                            struct json_doc **out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(file, FILE_MAX, &text, err);
    if (rc)
        return rc;
    if (!str_is_utf8(buf_str(&text), text.len))
        return err_set(err, ERR_INVALID, _("%s is not valid UTF-8"), file);
    rc = cli_send_json(call,
                       &(struct cli_request){.method = "POST",
                                             .path = path,
                                             .body = buf_str(&text),
                                             .body_len = text.len,
                                             .content_type = "application/yaml"},
                       out, err);
    return rc ? (err_context(err, "%s", file), rc) : ERR_OK;
}

/* Adds up what several imports counted. */
struct counts {
    int64_t sites, links, access_points, price_notes, prices, unchanged;
};

static void add_counts(struct counts *counts, const struct json_doc *doc)
{
    const struct json_value *root = json_root(doc);
    counts->sites += json_int(json_get(root, "sites"), 0);
    counts->links += json_int(json_get(root, "links"), 0);
    counts->access_points += json_int(json_get(root, "access_points"), 0);
    counts->price_notes += json_int(json_get(root, "price_notes"), 0);
    counts->prices += json_int(json_get(root, "prices"), 0);
    counts->unchanged += json_int(json_get(root, "unchanged"), 0);
}

static void tell_counts(struct cli_call *call, const struct counts *counts, bool dry_run)
{
    const struct {
        const char *name, *title;
        int64_t count;
    } lines[] = {{"sites", _("sites"), counts->sites},
                 {"links", _("links"), counts->links},
                 {"access_points", _("access points"), counts->access_points},
                 {"price_notes", _("price notes"), counts->price_notes},
                 {"prices", _("prices"), counts->prices},
                 {"unchanged", _("unchanged"), counts->unchanged}};
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    struct json_writer w = JSON_WRITER(&json);
    json_begin(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        json_member_int(&w, lines[i].name, lines[i].count);
    json_end(&w, '}');
    if (cli_answer_json(call, buf_str(&json), json.len))
        return;
    cli_say(call, "%s\n", dry_run ? _("would be added or changed:") : _("added or changed:"));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (lines[i].count)
            cli_say(call, "  %6lld %s\n", (long long)lines[i].count, lines[i].title);
}

enum err_code cli_run_network_import(struct cli_call *call, struct err *err)
{
    struct counts counts = {0};
    bool dry_run = cli_flag(call, "dry-run");
    const struct {
        const char *file, *path;
    } parts[] = {
        {cli_argument(call, 0), "/api/v1/network/import"},
        {cli_option(call, "price-notes"), "/api/v1/price-notes/import"},
        {cli_option(call, "prices"), "/api/v1/prices/import"},
    };
    if (dry_run && cli_option(call, "prices"))
        return err_set(err, ERR_USAGE, _("--dry-run does not know --prices"));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        if (!parts[i].file)
            continue;
        const char *path =
            dry_run ? arena_printf(call->arena, "%s?dry_run=true", parts[i].path) : parts[i].path;
        enum err_code rc = import(call, parts[i].file, path, &doc, err);
        if (rc)
            return rc;
        add_counts(&counts, doc);
    }
    tell_counts(call, &counts, dry_run);
    return ERR_OK;
}

enum err_code cli_run_network_export(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = cli_get(call, "/api/v1/network", &doc, err);
    if (rc)
        return rc;
    if (call->format == CLI_TABLE) /* a network file is YAML */
        call->format = CLI_YAML;
    cli_answer_doc(call, doc);
    return ERR_OK;
}

/* ---- connections ---- */

enum err_code cli_run_connection_add(struct cli_call *call, struct err *err)
{
    static const char *const needed[] = {"site", "provider", "endpoint"};
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!cli_option(call, needed[i]))
            return err_set(err, ERR_USAGE, _("--%s is missing"), needed[i]);
        json_member_text(&w, needed[i], cli_option(call, needed[i]));
    }
    json_end(&w, '}');
    const char *id =
        arena_printf(call->arena, "%s~%s", cli_option(call, "site"), cli_option(call, "provider"));
    enum err_code rc = cli_send_json(
        call,
        &(struct cli_request){.method = "PUT",
                              .path = cli_path(call->arena, "/api/v1/connections/", id, NULL),
                              .body = buf_str(&body)},
        &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_say(call, _("connection %s\nnext: swan site discover %s\n"), id, cli_option(call, "site"));
    return ERR_OK;
}
