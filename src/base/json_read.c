/* json_read.c - JSON text to tree, with every limit checked before memory is spent.
 *
 * Contract: length, UTF-8, nesting, items and text lengths are checked on the bytes; then jansson
 * parses under a memory limit.  The order matters: jansson recurses, and reads no limits. */
#include <string.h>

#include "base/json_priv.h"
#include "base/str.h"

const struct json_limits json_limits_default = {
    .bytes = (size_t)1 << 20,
    .depth = 32,
    .text_bytes = (size_t)64 << 10,
    .list_items = 10000,
    .total_items = 100000,
};

const struct json_limits json_limits_large = {
    .bytes = (size_t)1 << 30,
    .depth = 32,
    .text_bytes = (size_t)64 << 10,
    .list_items = 10000000,
    .total_items = 100000000,
};

/* A network file takes about 10 bytes of tree for each byte of text (measured by json-bench);
 * "[{},{},…" would take 100.  The ceiling keeps a file of a gibibyte from taking all. */
size_t json_read_budget(size_t len)
{
    const size_t floor = (size_t)64 << 20;
    const size_t ceiling = (size_t)16 << 30;
    if (len > (ceiling - floor) / 40)
        return ceiling;
    return floor + len * 40;
}

static size_t count_lines(const char *text, size_t len)
{
    size_t line = 1;
    const char *end = text + len;
    for (const char *c = text; (c = memchr(c, '\n', (size_t)(end - c))) != NULL; c++)
        line++;
    return line;
}

static enum err_code refuse_encoding(const struct json_input *input)
{
    size_t at = 0;
    bool nul = false;
    while (at < input->len) {
        size_t before = at;
        uint32_t point = str_next(input->text, input->len, &at);
        nul = point == 0;
        if (nul || (point == 0xfffd && at - before == 1)) {
            at = before;
            break;
        }
    }
    size_t line = count_lines(input->text, at);
    return json_fail_at(input, NULL, line, ERR_INVALID,
                        nul ? "byte %zu is NUL" : "byte %zu is not UTF-8", at + 1);
}

enum err_code json_read_bytes(struct json_input *input)
{
    if (input->len > input->limits->bytes) {
        err_set(input->err, ERR_TOO_LARGE, "the text has %zu bytes (the limit is %zu)", input->len,
                input->limits->bytes);
        return ERR_TOO_LARGE;
    }
    if (input->len >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0) {
        input->text += 3;
        input->len -= 3;
    }
    if (!str_is_utf8(input->text, input->len))
        return refuse_encoding(input);
    return ERR_OK;
}

static enum err_code refuse_syntax(const struct json_input *input,
                                   const struct json_tree_error *error)
{
    char path[sizeof input->err->field];
    char clean[JSON_SHOWN_SIZE * 3];
    size_t line = json_scan_path(input->text, input->len, error->position, path, sizeof path);
    str_format(clean, sizeof clean, "%s", error->text);
    for (char *c = clean; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
    switch (error->fault) {
    case JSON_TREE_MEMORY:
        json_fail_at(input, NULL, line, ERR_TOO_LARGE, "the values take too much memory");
        break;
    case JSON_TREE_DUPLICATE:
        json_fail_at(input, NULL, line, ERR_INVALID, "the key is given twice");
        break;
    case JSON_TREE_SYNTAX:
        json_fail_at(input, NULL, line, ERR_INVALID, "not JSON: %s",
                     str_is_utf8(clean, strlen(clean)) ? clean : "unexpected character");
        break;
    }
    if (input->err != NULL)
        err_field(input->err, "%s", path);
    return error->fault == JSON_TREE_MEMORY ? ERR_TOO_LARGE : ERR_INVALID;
}

enum err_code json_read_tree(const struct json_input *input, struct json_value **out)
{
    struct json_tree_error error;
    enum err_code code = json_scan_limits(input);
    if (code != ERR_OK)
        return code;
    json_tree_limit(json_read_budget(input->len));
    *out = json_tree_load(input->text, input->len, &error);
    json_tree_unlimit();
    if (*out == NULL)
        return refuse_syntax(input, &error);
    return ERR_OK;
}
