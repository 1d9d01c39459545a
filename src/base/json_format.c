/* json_format.c - JSON text to JSON text: indented, canonical; and trees to text.
 *
 * Contract: indenting changes blanks only, so numbers keep their digits.  The canonical form sorts
 * keys by their bytes, writes no blanks, and writes numbers so that equal values have equal bytes:
 * whole numbers within int64 by their digits, others by the shortest decimal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_priv.h"
#include "base/mem.h"

static void add_line(struct buf *out, size_t depth)
{
    static const char blanks[] = "                                                                ";
    size_t n = depth * 2;
    buf_add_char(out, '\n');
    while (n > 0) {
        size_t part = n < sizeof blanks - 1 ? n : sizeof blanks - 1;
        buf_add(out, blanks, part);
        n -= part;
    }
}

static size_t string_end(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++) {
        if (text[at] == '\\')
            at++;
    }
    return at < len ? at + 1 : len;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len &&
           (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
        at++;
    return at;
}

void json_indent(const char *text, size_t len, struct buf *out)
{
    size_t depth = 0;
    size_t next;
    for (size_t at = skip_blanks(text, len, 0); at < len; at = skip_blanks(text, len, next)) {
        next = at + 1;
        switch (text[at]) {
        case '"':
            next = string_end(text, len, at);
            buf_add(out, text + at, next - at);
            break;
        case '{':
        case '[':
            buf_add_char(out, text[at]);
            next = skip_blanks(text, len, next);
            if (next < len && (text[next] == '}' || text[next] == ']')) {
                buf_add_char(out, text[next]);
                next++;
            } else {
                depth++;
                add_line(out, depth);
            }
            break;
        case '}':
        case ']':
            if (depth > 0)
                depth--;
            add_line(out, depth);
            buf_add_char(out, text[at]);
            break;
        case ',':
            buf_add_char(out, ',');
            add_line(out, depth);
            break;
        case ':':
            buf_add(out, ": ", 2);
            break;
        default:
            while (next < len && strchr(",:{}[]\" \n\t\r", text[next]) == NULL)
                next++;
            buf_add(out, text + at, next - at);
            break;
        }
    }
}

/* The same without any blanks. */
static void compact(const char *text, size_t len, struct buf *out)
{
    size_t next;
    for (size_t at = skip_blanks(text, len, 0); at < len; at = skip_blanks(text, len, next)) {
        next = at + 1;
        if (text[at] == '"') {
            next = string_end(text, len, at);
        } else {
            while (next < len && strchr("\" \n\t\r", text[next]) == NULL)
                next++;
        }
        buf_add(out, text + at, next - at);
    }
}

/* ---- trees ---- */

static void add_number(const struct json_value *value, struct buf *out)
{
    if (json_tree_shape(value) == JSON_SHAPE_INT) {
        json_add_int(out, json_tree_int(value));
        return;
    }
    double number = json_tree_double(value);
    if (number == trunc(number) && fabs(number) < 9.2e18)
        json_add_int(out, (int64_t)number);
    else
        json_add_double(out, number);
}

struct member {
    const char *key;
    const struct json_value *value;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    return strcmp(left->key, right->key);
}

static void write_tree(const struct json_value *value, bool sorted, struct buf *out);

static void write_object(const struct json_value *object, bool sorted, struct buf *out)
{
    size_t count = json_tree_size(object);
    CLEANUP(mem_free_at) struct member *members = mem_array(count, sizeof *members);
    size_t n = 0;
    for (void *at = json_tree_first(object); at != NULL; at = json_tree_next(object, at))
        members[n++] = (struct member){json_tree_key(at), json_tree_value(at)};
    if (sorted && count > 1)
        qsort(members, count, sizeof *members, compare_members);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json_str(out, members[i].key, strlen(members[i].key));
        buf_add_char(out, ':');
        write_tree(members[i].value, sorted, out);
    }
    buf_add_char(out, '}');
}

static void write_tree(const struct json_value *value, bool sorted, struct buf *out)
{
    size_t len;
    const char *text;
    switch (json_tree_shape(value)) {
    case JSON_SHAPE_NULL:
        buf_add_str(out, "null");
        break;
    case JSON_SHAPE_BOOL:
        buf_add_str(out, json_tree_bool(value) ? "true" : "false");
        break;
    case JSON_SHAPE_INT:
    case JSON_SHAPE_REAL:
        add_number(value, out);
        break;
    case JSON_SHAPE_TEXT:
        text = json_tree_text(value, &len);
        buf_add_json_str(out, text, len);
        break;
    case JSON_SHAPE_ARRAY:
        buf_add_char(out, '[');
        for (size_t i = 0; i < json_tree_size(value); i++) {
            if (i > 0)
                buf_add_char(out, ',');
            write_tree(json_tree_item(value, i), sorted, out);
        }
        buf_add_char(out, ']');
        break;
    case JSON_SHAPE_OBJECT:
        write_object(value, sorted, out);
        break;
    }
}

void json_tree_write(const struct json_value *value, struct buf *out)
{
    write_tree(value, false, out);
}

/* ---- the doors ---- */

static enum err_code read_text(struct json_input *input, struct json_value **out)
{
    enum err_code code = json_read_bytes(input);
    return code == ERR_OK ? json_read_tree(input, out) : code;
}

enum err_code json_reformat(const char *text, size_t len, enum json_style style, struct buf *out,
                            struct err *err)
{
    CLEANUP(json_tree_free_at) struct json_value *root = NULL;
    struct json_input input = {.text = text, .len = len, .limits = &json_limits_large, .err = err};
    enum err_code code = read_text(&input, &root);
    if (code != ERR_OK)
        return code;
    if (style == JSON_PRETTY)
        json_indent(input.text, input.len, out);
    else
        compact(input.text, input.len, out);
    return buf_check(out, err);
}

enum err_code json_canonical(const char *text, size_t len, struct buf *out, struct err *err)
{
    CLEANUP(json_tree_free_at) struct json_value *root = NULL;
    struct json_input input = {.text = text, .len = len, .limits = &json_limits_large, .err = err};
    enum err_code code = read_text(&input, &root);
    if (code != ERR_OK)
        return code;
    write_tree(root, true, out);
    return buf_check(out, err);
}

enum err_code yaml_from_json(const char *text, size_t len, struct buf *out, struct err *err)
{
    CLEANUP(json_tree_free_at) struct json_value *root = NULL;
    struct json_input input = {.text = text, .len = len, .limits = &json_limits_large, .err = err};
    enum err_code code = read_text(&input, &root);
    if (code != ERR_OK)
        return code;
    yaml_write_tree(root, out);
    return buf_check(out, err);
}

void json_write(const struct json_value *value, enum json_style style, struct buf *out)
{
    if (style == JSON_COMPACT) {
        write_tree(value, false, out);
        return;
    }
    CLEANUP(buf_done) struct buf text = {.max = out->max};
    write_tree(value, false, &text);
    json_indent(buf_str(&text), text.len, out);
    out->over = out->over || text.over;
}
