/* show_requirement.c - a requirement as it was read: each field with the words it came from. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

struct walk {
    struct cli_call *call;
    struct cli_table table;
    const struct json_value *spans;
};

static const char *words_of(const struct walk *walk, const char *path)
{
    struct arena *arena = walk->call->arena;
    const char *words = NULL;
    for (size_t i = 0; i < json_size(walk->spans); i++) {
        const struct json_value *span = json_at(walk->spans, i);
        const char *text = arena_strdup(arena, json_text(json_get(span, "text"), ""));
        if (str_eq(json_text(json_get(span, "path"), ""), path) && (!words || !strstr(words, text)))
            words = cli_join(arena, words, " … ", text);
    }
    return words ? arena_printf(arena, "“%s”", words) : "";
}

static void add_row(struct walk *walk, const char *owner, const char *leaf, const char *path,
                    const char *value)
{
    const char *label = cli_word("field", leaf);
    cli_cell(&walk->table,
             owner ? arena_printf(walk->call->arena, "%s · %s", owner, label) : label);
    cli_cell_style(&walk->table, value, S_BOLD);
    cli_cell_style(&walk->table, words_of(walk, path), S_DIM);
}

static void walk_value(struct walk *walk, const char *owner, const char *leaf, const char *path,
                       const struct json_value *value);

static void walk_object(struct walk *walk, const char *owner, const char *path,
                        const struct json_value *object)
{
    struct arena *arena = walk->call->arena;
    const struct json_value *member;
    const char *key;
    size_t at = 0;
    while (json_each(object, &at, &key, &member)) {
        const char *name = arena_strdup(arena, key);
        walk_value(walk, owner, name, cli_join(arena, path, ".", name), member);
    }
}

/* A budget is one line: 200 CNY a month. */
static void add_budget(struct walk *walk, const char *path, const struct json_value *budget)
{
    struct arena *arena = walk->call->arena;
    const char *amount = cli_join(arena, path, ".", "amount");
    add_row(walk, NULL, "budget", words_of(walk, amount)[0] ? amount : path,
            cli_value_text("budget", budget, arena));
}

static void walk_list(struct walk *walk, const char *leaf, const char *path,
                      const struct json_value *list)
{
    struct arena *arena = walk->call->arena;
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json_value *item = json_at(list, i);
        const char *item_path = arena_printf(arena, "%s[%zu]", path, i);
        const char *name = json_text(json_get(item, "name"), NULL);
        const char *owner = name ? arena_strdup(arena, name)
                                 : arena_printf(arena, "%s %zu", cli_word("field", leaf), i + 1);
        walk_object(walk, owner, item_path, item);
    }
}

static void walk_value(struct walk *walk, const char *owner, const char *leaf, const char *path,
                       const struct json_value *value)
{
    const struct json_value *member;
    const char *key;
    size_t at = 0;
    if (str_eq(leaf, "budget")) {
        add_budget(walk, path, value);
    } else if (str_eq(leaf, "components") || str_eq(leaf, "flows")) {
        walk_list(walk, leaf, path, value);
    } else if (json_each(value, &at, &key, &member)) {
        walk_object(walk,
                    str_eq(leaf, "accelerator")
                        ? cli_join(walk->call->arena, owner, " · ", cli_word("field", leaf))
                        : owner,
                    path, value);
    } else if (!(owner && str_eq(leaf, "name"))) {
        add_row(walk, owner, leaf, path, cli_value_text(leaf, value, walk->call->arena));
    } else {
        add_row(walk, NULL, "components", path, json_text(value, ""));
    }
}

static void show_questions(struct cli_call *call, const struct requirement *requirement,
                           const struct json_value *questions)
{
    struct arena *arena = call->arena;
    for (size_t i = 0; i < json_size(questions); i++) {
        const struct json_value *question = json_at(questions, i);
        const char *path = arena_strdup(arena, json_text(json_get(question, "path"), ""));
        const char *code = arena_strdup(arena, json_text(json_get(question, "code"), ""));
        const char *text = arena_strdup(arena, json_text(json_get(question, "text"), ""));
        if (i == 0)
            cli_heading(call, _("Open questions"));
        cli_say_wrapped(call, S_YELLOW "  ? " S_RESET, NULL,
                        arena_printf(arena, "%s (%s)%s%s", cli_label(path, requirement, arena),
                                     cli_word("question", code), _(": "),
                                     cli_sentence(text, arena)));
    }
}

void cli_show_requirement(struct cli_call *call, const struct requirement *requirement,
                          const struct json_value *spans, const struct json_value *questions)
{
    const struct cli_column columns[] = {
        {_("FIELD"), false, false}, {_("VALUE"), false, true}, {_("FROM THE WORDS"), false, false}};
    struct walk walk = {
        .call = call, .table = CLI_TABLE_INIT(columns, call->arena), .spans = spans};
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    if (!call->people)
        return;
    json_encode(&requirement_table, requirement, JSON_COMPACT, &json);
    if (json_parse(buf_str(&json), json.len, &json_limits_large, &doc, NULL))
        return;
    walk.table.indent = "  ";
    walk_object(&walk, NULL, "", json_root(doc));
    cli_table_print(call, &walk.table);
    show_questions(call, requirement, questions);
}

enum err_code cli_show_requirement_record(struct cli_call *call, const struct json_value *record,
                                          struct err *err)
{
    struct requirement requirement;
    enum err_code rc = cli_decode(json_path(record, "spec.requirement"), &requirement_table,
                                  &requirement, call->arena, err);
    if (rc)
        return rc;
    cli_say(call, "%s%s%s  %s\n", S_BOLD, json_text(json_get(record, "id"), ""), S_RESET,
            cli_time(call->arena, json_text(json_get(record, "created_at"), "")));
    const char *text = json_text(json_path(record, "spec.text"), NULL);
    if (text)
        cli_say(call, "%s\n", text);
    cli_show_requirement(call, &requirement, json_path(record, "spec.spans"),
                         json_path(record, "spec.questions"));
    return ERR_OK;
}
