/* records.c - list, show and delete of any collection, from a table of its fields. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

#define PAGE "200" /* records a call; more are asked for by cursor */

const char *cli_state_style(const char *state)
{
    static const struct {
        const char *state, *style;
    } styles[] = {
        {"up", S_GREEN},        {"succeeded", S_GREEN},    {"open", S_GREEN},
        {"published", S_GREEN}, {"pass", S_GREEN},         {"failed", S_RED},
        {"dead", S_RED},        {"down", S_RED},           {"fail", S_RED},
        {"partly", S_RED},      {"unknown", S_YELLOW},     {"degraded", S_YELLOW},
        {"undoing", S_YELLOW},  {"unreachable", S_YELLOW}, {"removing", S_YELLOW},
        {"opening", S_CYAN},    {"running", S_CYAN},       {"doing", S_CYAN},
        {"verifying", S_CYAN},  {"removed", S_DIM},        {"retired", S_DIM},
        {"waiting", S_DIM},     {"skipped", S_DIM},
    };
    for (size_t i = 0; i < ARRAY_LEN(styles); i++)
        if (str_eq(styles[i].state, state))
            return styles[i].style;
    return NULL;
}

static const char *list_text(const struct cli_field *field, const struct json_value *value,
                             struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < json_size(value); i++) {
        const char *item = json_text(json_at(value, i), "");
        buf_printf(&text, "%s%s", i ? ", " : "",
                   field->group ? cli_word(field->group, item) : item);
    }
    return arena_strdup(arena, buf_str(&text));
}

const char *cli_field_text(const struct cli_field *field, const struct json_value *record,
                           struct arena *arena)
{
    const struct json_value *value = json_path(record, field->path);
    if (!value && field->kind != CLI_CELL_BOOL)
        return NULL;
    switch (field->kind) {
    case CLI_CELL_TEXT: /* also a number that stands where a text may */
        if (json_text(value, NULL))
            return arena_strdup(arena, json_text(value, NULL));
        return cli_number_text(arena, json_number(value, 0));
    case CLI_CELL_NUMBER:
        return cli_number_text(arena, json_number(value, 0));
    case CLI_CELL_TIME:
        return cli_time(arena, arena_strdup(arena, json_text(value, NULL)));
    case CLI_CELL_WORD:
    case CLI_CELL_STATE:
        return cli_word(field->group, arena_strdup(arena, json_text(value, NULL)));
    case CLI_CELL_LIST:
        return list_text(field, value, arena);
    case CLI_CELL_COUNT:
        return arena_printf(arena, "%zu", json_size(value));
    case CLI_CELL_MONEY:
        return cli_money(arena, json_number(value, 0),
                         field->group ? json_text(json_path(record, field->group), "") : "");
    case CLI_CELL_SENTENCE:
        return cli_sentence(arena_strdup(arena, json_text(value, NULL)), arena);
    case CLI_CELL_BOOL:
        return json_boolean(value, false) ? _("yes") : NULL;
    }
    return NULL;
}

static const struct cli_collection *collection_of(struct cli_call *call)
{
    return cli_command_of(call)->data;
}

static void add_row(struct cli_table *table, const struct cli_collection *collection,
                    const struct json_value *record)
{
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct cli_field *field = &collection->fields[i];
        const char *style = field->kind == CLI_CELL_STATE
                                ? cli_state_style(json_text(json_path(record, field->path), NULL))
                                : NULL;
        cli_cell_style(table, cli_field_text(field, record, table->arena), style);
    }
}

static const struct cli_column *columns_of(const struct cli_collection *collection,
                                           struct arena *arena)
{
    struct cli_column *columns = arena_array(arena, collection->field_count, sizeof *columns);
    for (size_t i = 0; i < collection->field_count; i++) {
        enum cli_cell_kind kind = collection->fields[i].kind;
        columns[i].title = _(collection->fields[i].title);
        columns[i].right =
            kind == CLI_CELL_NUMBER || kind == CLI_CELL_MONEY || kind == CLI_CELL_COUNT;
        columns[i].keep =
            i == 0 || columns[i].right || kind == CLI_CELL_STATE || kind == CLI_CELL_TIME;
    }
    return columns;
}

/* One page of the list; the whole answer is put in JSON form when that is asked. */
struct listing {
    struct cli_call *call;
    const struct cli_collection *collection;
    struct cli_table table;
    struct buf items; /* JSON of all items */
    size_t count;
    int64_t limit; /* 0 = all */
};

static enum err_code get_page(struct listing *listing, const char *query, char **next,
                              struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct cli_call *call = listing->call;
    enum err_code rc = cli_get(call, query, &doc, err);
    if (rc)
        return rc;
    const struct json_value *items = json_get(json_root(doc), "items");
    for (size_t i = 0; i < json_size(items); i++) {
        if (listing->limit && listing->count >= (size_t)listing->limit)
            break;
        listing->count++;
        if (call->format == CLI_TABLE && call->quiet)
            printf("%s\n", json_text(json_get(json_at(items, i), "id"), ""));
        else if (call->format == CLI_TABLE)
            add_row(&listing->table, listing->collection, json_at(items, i));
        if (call->format == CLI_TABLE)
            continue;
        if (listing->count > 1)
            buf_add_char(&listing->items, ',');
        json_write(json_at(items, i), JSON_COMPACT, &listing->items);
    }
    *next = arena_strdup(call->arena, json_text(json_get(json_root(doc), "next"), NULL));
    return ERR_OK;
}

static void build_query(struct cli_call *call, const struct listing *listing, const char *cursor,
                        struct buf *path)
{
    char limit[24];
    buf_printf(path, "/api/v1/%s", listing->collection->name);
    for (size_t i = 0; i < call->option_count; i++)
        if (str_eq(call->options[i].option->name, "filter"))
            cli_query_add(path, "filter", call->options[i].value);
    if (listing->collection->usual && !cli_option(call, "filter") && !cli_flag(call, "all"))
        cli_query_add(path, "filter", listing->collection->usual);
    if (cli_option(call, "sort"))
        cli_query_add(path, "sort", cli_option(call, "sort"));
    str_format(limit, sizeof limit, "%lld", (long long)listing->limit);
    cli_query_add(path, "limit", listing->limit && listing->limit < 200 ? limit : PAGE);
    if (cursor)
        cli_query_add(path, "cursor", cursor);
}

static void end_list(struct listing *listing)
{
    struct cli_call *call = listing->call;
    if (call->format != CLI_TABLE) {
        CLEANUP(buf_done) struct buf all = BUF_INIT;
        buf_printf(&all, "{\"items\":[%s]}", buf_str(&listing->items));
        cli_answer_json(call, buf_str(&all), all.len);
    } else if (listing->count) {
        cli_table_print(call, &listing->table);
    } else if (!call->quiet) {
        cli_say(call, "%s\n", _("nothing here yet"));
    }
}

enum err_code cli_run_list(struct cli_call *call, struct err *err)
{
    const struct cli_collection *collection = collection_of(call);
    struct listing listing = {
        .call = call,
        .collection = collection,
        .table = {.columns = columns_of(collection, call->arena),
                  .column_count = collection->field_count,
                  .arena = call->arena},
        .items = BUF_INIT,
        .limit = cli_integer(call, "limit", 0),
    };
    char *next = NULL;
    enum err_code rc;
    do {
        CLEANUP(buf_done) struct buf path = BUF_INIT;
        build_query(call, &listing, next, &path);
        rc = get_page(&listing, buf_str(&path), &next, err);
    } while (!rc && next && (!listing.limit || listing.count < (size_t)listing.limit));
    if (!rc)
        end_list(&listing);
    buf_done(&listing.items);
    return rc;
}

/* ---- show ---- */

static void show_yaml(struct cli_call *call, const char *title, const struct json_value *value)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    CLEANUP(buf_done) struct buf yaml = BUF_INIT;
    if (!value)
        return;
    json_write(value, JSON_COMPACT, &json);
    if (yaml_from_json(buf_str(&json), json.len, &yaml, NULL))
        return;
    cli_heading(call, title);
    for (const char *line = buf_str(&yaml); *line;) {
        size_t len = strcspn(line, "\n");
        if (len != 3 || strncmp(line, "---", 3) != 0)
            cli_say(call, "  %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void show_fields(struct cli_call *call, const struct cli_collection *collection,
                        const struct json_value *record)
{
    const struct cli_column columns[] = {{"", false, true}, {"", false, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct cli_field *field = &collection->fields[i];
        const char *text = cli_field_text(field, record, call->arena);
        if (!text)
            continue;
        cli_cell_style(&table, _(field->title), S_DIM);
        cli_cell_style(&table, text,
                       field->kind == CLI_CELL_STATE
                           ? cli_state_style(json_text(json_path(record, field->path), NULL))
                           : NULL);
    }
    cli_table_print(call, &table);
}

enum err_code cli_run_show(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const struct cli_collection *collection = collection_of(call);
    const char *prefix = arena_printf(call->arena, "/api/v1/%s/", collection->name);
    enum err_code rc =
        cli_get(call, cli_path(call->arena, prefix, cli_argument(call, 0), NULL), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *record = json_root(doc);
    if (collection->show)
        return collection->show(call, record, err);
    show_fields(call, collection, record);
    show_yaml(call, _("Spec"), json_get(record, "spec"));
    show_yaml(call, _("Status"), json_get(record, "status"));
    return ERR_OK;
}

/* ---- delete ---- */

enum err_code cli_run_delete(struct cli_call *call, struct err *err)
{
    struct http_reply reply;
    const struct cli_collection *collection = collection_of(call);
    const char *id = cli_argument(call, 0);
    const char *prefix = arena_printf(call->arena, "/api/v1/%s/", collection->name);
    bool sure = cli_flag(call, "yes");
    enum err_code rc = ERR_OK;
    if (!sure)
        rc = cli_confirm(call, arena_printf(call->arena, _("Delete %s?"), id), &sure, err);
    if (rc)
        return rc;
    if (!sure)
        return err_set(err, ERR_CANCELLED, _("nothing is deleted"));
    rc = cli_send(
        call,
        &(struct cli_request){.method = "DELETE", .path = cli_path(call->arena, prefix, id, NULL)},
        &reply, err);
    if (!rc && call->format == CLI_TABLE)
        cli_say(call, _("%s is deleted\n"), id);
    return rc;
}
