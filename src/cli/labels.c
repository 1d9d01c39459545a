/* labels.c - fields of a requirement as people name them: "components[0].location" is "web ·
 * location". */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static const char *unit_of(const char *leaf)
{
    static const struct {
        const char *suffix, *unit;
    } units[] = {{"_gib", "GiB"},   {"_mbps", "Mbit/s"},   {"_ms", "ms"},
                 {"_percent", "%"}, {"_days", N_("days")}, {"_per_s", "/s"}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_has_suffix(leaf, units[i].suffix))
            return _(units[i].unit);
    return "";
}

const char *cli_value_text(const char *leaf, const struct json_value *value, struct arena *arena)
{
    static const char *const groups[] = {"tier",      "form",     "mode",  "period",
                                         "objective", "scenario", "access"};
    const char *text = json_text(value, NULL);
    CLEANUP(buf_done) struct buf raw = BUF_INIT;
    if (str_eq(leaf, "budget"))
        return arena_printf(
            arena, "%s %s / %s", cli_number_text(arena, json_number(json_get(value, "amount"), 0)),
            json_text(json_get(value, "currency"), ""),
            cli_word("period", arena_strdup(arena, json_text(json_get(value, "period"), "once"))));
    if (text) {
        for (size_t i = 0; i < ARRAY_LEN(groups); i++)
            if (str_eq(groups[i], leaf))
                return cli_word(leaf, arena_strdup(arena, text));
        return str_eq(leaf, "from") && str_eq(text, "user") ? _("users")
                                                            : arena_strdup(arena, text);
    }
    json_write(value, JSON_COMPACT, &raw);
    if (str_eq(buf_str(&raw), "true"))
        return _("yes");
    if (str_eq(buf_str(&raw), "false"))
        return _("no");
    if (raw.len && (raw.data[0] == '{' || raw.data[0] == '['))
        return "";
    return cli_join(arena, cli_number_text(arena, json_number(value, 0)), " ", unit_of(leaf));
}

/* The number in "components[12]…"; SIZE_MAX when there is none. */
static size_t index_in(const char *path)
{
    const char *open = strchr(path, '[');
    size_t index = 0;
    if (!open || open[1] < '0' || open[1] > '9')
        return SIZE_MAX;
    for (const char *c = open + 1; *c >= '0' && *c <= '9' && index < 100000; c++)
        index = index * 10 + (size_t)(*c - '0');
    return index;
}

static const char *owner_of(const char *path, const struct requirement *requirement,
                            struct arena *arena)
{
    size_t index = index_in(path);
    if (index == SIZE_MAX)
        return NULL;
    if (str_has_prefix(path, "components[") && index < requirement->components.count)
        return requirement->components.items[index].name;
    if (str_has_prefix(path, "flows[") && index < requirement->flows.count) {
        const struct requirement_flow *flow = &requirement->flows.items[index];
        return arena_printf(arena, "%s→%s", str_eq(flow->from, "user") ? _("users") : flow->from,
                            flow->to);
    }
    return NULL;
}

const char *cli_label(const char *path, const struct requirement *requirement, struct arena *arena)
{
    const char *dot = strrchr(path, '.');
    const char *leaf = dot ? dot + 1 : path;
    const char *owner = owner_of(path, requirement, arena);
    if (!dot && index_in(path) != SIZE_MAX)
        leaf = str_has_prefix(path, "flows") ? "flows" : "components";
    const char *label = cli_word("field", leaf);
    return owner ? arena_printf(arena, "%s · %s", owner, label) : label;
}

const char *cli_label_value(const char *path, const struct requirement *requirement,
                            struct arena *arena)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *dot = strrchr(path, '.');
    json_encode(&requirement_table, requirement, JSON_COMPACT, &json);
    if (json_parse(buf_str(&json), json.len, &json_limits_large, &doc, NULL))
        return "";
    const struct json_value *value = json_path(json_root(doc), path);
    return value ? cli_value_text(dot ? dot + 1 : path, value, arena) : "";
}

/* Length of the field path that stands at the beginning of text; 0 = none does. */
static size_t path_length(const char *text)
{
    static const char *const roots[] = {"components[",  "flows[",         "network.",
                                        "reliability.", "service_level.", "security.",
                                        "budget",       "user_location",  "duration_days"};
    for (size_t i = 0; i < ARRAY_LEN(roots); i++)
        if (str_has_prefix(text, roots[i]))
            return strspn(text, "abcdefghijklmnopqrstuvwxyz_.[]0123456789");
    return 0;
}

/* "drop A and B", each a path. */
static const char *relabel_drop(const char *paths, const struct requirement *requirement,
                                struct arena *arena)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    for (const char *at = paths; *at;) {
        const char *and = strstr(at, " and ");
        size_t len = and? (size_t)(and-at) : strlen(at);
        buf_printf(&out, "%s%s", out.len ? _(" and ") : "",
                   cli_label(arena_strndup(arena, at, len), requirement, arena));
        at += len + (and? strlen(" and ") : 0);
    }
    return arena_printf(arena, _("leave out %s"), buf_str(&out));
}

const char *cli_relabel(const char *text, const struct requirement *requirement,
                        struct arena *arena)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    if (str_has_prefix(text, "drop "))
        return relabel_drop(text + strlen("drop "), requirement, arena);
    for (const char *at = text; *at;) {
        size_t len = at == text || at[-1] == ' ' ? path_length(at) : 0;
        while (len && at[len - 1] == '.')
            len--;
        if (len) {
            buf_add_str(&out, cli_label(arena_strndup(arena, at, len), requirement, arena));
            at += len;
        } else {
            buf_add_char(&out, *at++);
        }
    }
    return cli_sentence(arena_strdup(arena, buf_str(&out)), arena);
}
