/* yaml_write.c - tree to YAML that reads back as the same tree, here and in YAML 1.1 readers.
 *
 * Contract: block style, two blanks per level.  A text stands plain only when no reader of YAML 1.1
 * or 1.2 could take it for anything else; otherwise in double quotes, whose escapes are JSON's.
 * Texts of several lines stand as literal blocks when every line allows it. */
#include <string.h>

#include "base/json_priv.h"
#include "base/mem.h"

/* YAML admits "key:" only for keys of up to 1024 characters, and an escape takes 6. */
#define LONG_KEY 128

/* What YAML 1.1 readers take for booleans, in lower case; numbers and dates begin with a digit, a
 * sign or a dot and are quoted by that. */
static const char *const old_words[] = {"y",   "n",    "yes",   "no",   "on",
                                        "off", "true", "false", "null", NULL};

static bool is_old_word(const char *text)
{
    for (size_t i = 0; old_words[i] != NULL; i++) {
        if (strcasecmp(text, old_words[i]) == 0)
            return true;
    }
    return false;
}

/* The three characters that JSON text may hold and YAML text may not: the byte order mark, U+FFFE
 * and U+FFFF.  `at` points to at least one byte before a NUL. */
static const char *forbidden_escape(const char *at)
{
    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        return "\\ufeff";
    if (strncmp(at, "\xef\xbf\xbe", 3) == 0)
        return "\\ufffe";
    if (strncmp(at, "\xef\xbf\xbf", 3) == 0)
        return "\\uffff";
    return NULL;
}

/* Needs an escape: controls, DEL and C1, line and paragraph separators, and the three above. */
static bool has_special(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0))
            return true;
        if (c == 0xe2 && (strncmp(text + i, "\xe2\x80\xa8", 3) == 0 ||
                          strncmp(text + i, "\xe2\x80\xa9", 3) == 0))
            return true;
        if (c == 0xef && forbidden_escape(text + i) != NULL)
            return true;
    }
    return false;
}

static void write_quoted(struct buf *out, const char *text, size_t len)
{
    CLEANUP(buf_done) struct buf quoted = {.max = out->max};
    buf_add_json_str(&quoted, text, len);
    size_t plain = 0;
    for (size_t i = 0; i < quoted.len; i++) {
        const char *escape = quoted.data[i] == '\xef' ? forbidden_escape(quoted.data + i) : NULL;
        if (escape == NULL)
            continue;
        buf_add(out, quoted.data + plain, i - plain);
        buf_add_str(out, escape);
        plain = i + 3;
    }
    buf_add(out, buf_str(&quoted) + plain, quoted.len - plain);
    out->over = out->over || quoted.over;
}

static bool is_plain(const char *text, size_t len)
{
    if (len == 0 || strchr("-?:,[]{}#&*!|>'\"%@`=<~+.0123456789 ", text[0]) != NULL)
        return false;
    if (text[len - 1] == ' ' || text[len - 1] == ':' || is_old_word(text))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (strchr(",[]{}", text[i]) != NULL || (text[i] == ':' && text[i + 1] == ' ') ||
            (text[i] == '#' && text[i - 1] == ' '))
            return false;
    }
    return !has_special(text, len);
}

/* Several lines, none beginning or ending in a blank, and none empty at either end but one last
 * line break: then a literal block says exactly this. */
static bool is_block(const char *text, size_t len)
{
    if (memchr(text, '\n', len) == NULL || text[0] == '\n' || text[0] == ' ')
        return false;
    if (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')
        return false;
    for (const char *line = text; line < text + len;) {
        size_t n = strcspn(line, "\n");
        if (has_special(line, n) || (n > 0 && (line[n - 1] == ' ' || line[0] == '\t')))
            return false;
        line += n + 1;
    }
    return true;
}

static void add_indent(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buf_add(out, "  ", 2);
}

static void write_block(struct buf *out, const char *text, size_t len, size_t depth)
{
    buf_add_str(out, text[len - 1] == '\n' ? "|" : "|-");
    for (const char *line = text; line < text + len;) {
        size_t n = strcspn(line, "\n");
        buf_add_char(out, '\n');
        if (n > 0) {
            add_indent(out, depth);
            buf_add(out, line, n);
        }
        line += n + 1;
    }
}

static void write_text(struct buf *out, const char *text, size_t len, size_t depth)
{
    if (is_plain(text, len))
        buf_add(out, text, len);
    else if (depth > 0 && is_block(text, len))
        write_block(out, text, len, depth);
    else
        write_quoted(out, text, len);
}

static void write_node(struct buf *out, const struct json_value *value, size_t depth, bool in_list);

static void write_mapping(struct buf *out, const struct json_value *object, size_t depth,
                          bool in_list)
{
    bool first = true;
    for (void *at = json_tree_first(object); at != NULL; at = json_tree_next(object, at)) {
        const char *key = json_tree_key(at);
        size_t len = strlen(key);
        if (!first || !in_list) {
            if (out->len > 0)
                buf_add_char(out, '\n');
            add_indent(out, depth);
        }
        first = false;
        bool explicit = len > LONG_KEY;
        if (explicit)
            buf_add(out, "? ", 2);
        if (is_plain(key, len))
            buf_add(out, key, len);
        else
            write_quoted(out, key, len);
        if (explicit) {
            buf_add_char(out, '\n');
            add_indent(out, depth);
        }
        buf_add_char(out, ':');
        write_node(out, json_tree_value(at), depth + 1, false);
    }
}

static void write_sequence(struct buf *out, const struct json_value *array, size_t depth)
{
    for (size_t i = 0; i < json_tree_size(array); i++) {
        if (out->len > 0)
            buf_add_char(out, '\n');
        add_indent(out, depth);
        buf_add_char(out, '-');
        write_node(out, json_tree_item(array, i), depth + 1, true);
    }
}

/* After "key:" or "-", or at the start; brings its own blank or line break. */
static void write_node(struct buf *out, const struct json_value *value, size_t depth, bool in_list)
{
    size_t len;
    const char *text;
    enum json_shape shape = json_tree_shape(value);
    bool filled = json_tree_size(value) > 0;
    bool root = depth == 0;

    if (shape == JSON_SHAPE_OBJECT && filled) {
        if (in_list)
            buf_add_char(out, ' ');
        write_mapping(out, value, depth, in_list);
        return;
    }
    if (shape == JSON_SHAPE_ARRAY && filled) {
        write_sequence(out, value, depth);
        return;
    }
    if (!root)
        buf_add_char(out, ' ');
    if (shape == JSON_SHAPE_TEXT) {
        text = json_tree_text(value, &len);
        write_text(out, text, len, depth);
    } else {
        json_tree_write(value, out);
    }
}

void yaml_write_tree(const struct json_value *root, struct buf *out)
{
    CLEANUP(buf_done) struct buf text = {.max = out->max};
    write_node(&text, root, 0, false);
    buf_add_char(&text, '\n');
    buf_add(out, buf_str(&text), text.len);
    out->over = out->over || text.over;
}

void yaml_encode(const struct json_table *table, const void *object, struct buf *out)
{
    CLEANUP(buf_done) struct buf text = {.max = out->max};
    json_encode(table, object, JSON_COMPACT, &text);
    if (text.over || yaml_from_json(buf_str(&text), text.len, out, NULL) != ERR_OK)
        out->over = true;
}
