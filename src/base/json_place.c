/* json_place.c - where an error stands and how it is told: paths, lines, shown values.
 *
 * Contract: nothing here runs unless the input is already refused, so finding the line by reading
 * the source again costs nothing on the good path. */
#include <stdio.h>
#include <string.h>

#include "base/json_priv.h"
#include "base/str.h"

static bool is_plain_key(const char *key)
{
    if (*key == '\0')
        return false;
    for (const char *c = key; *c != '\0'; c++) {
        bool word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                    (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' || (*c & 0x80) != 0;
        if (!word)
            return false;
    }
    return true;
}

const char *json_shown(const char *text, size_t len, char out[JSON_SHOWN_SIZE])
{
    const size_t room = JSON_SHOWN_SIZE - 8; /* one more code point, the ellipsis and NUL */
    size_t used = 0;
    size_t at = 0;
    while (at < len && used < room) {
        uint32_t point = str_next(text, len, &at);
        if (point < 0x20 || point == 0x7f || point == 0xfffd)
            point = '?';
        used += str_put(out + used, point);
    }
    if (at < len)
        used += str_put(out + used, 0x2026);
    out[used] = '\0';
    return out;
}

static size_t write_place(const struct json_place *place, char *out, size_t size)
{
    if (place == NULL)
        return 0;
    size_t used = write_place(place->up, out, size);
    if (used >= size)
        return used;
    char shown[JSON_SHOWN_SIZE];
    int n;
    if (place->key == NULL)
        n = snprintf(out + used, size - used, "[%zu]", place->ordinal);
    else if (is_plain_key(place->key))
        n = snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "",
                     json_shown(place->key, strlen(place->key), shown));
    else
        n = snprintf(out + used, size - used, "[\"%s\"]",
                     json_shown(place->key, strlen(place->key), shown));
    return n > 0 ? used + (size_t)n : used;
}

void json_place_path(const struct json_place *place, char *out, size_t size)
{
    char path[1024];
    path[0] = '\0';
    write_place(place, path, sizeof path);
    str_format(out, size, "%s", path);
}

const char *json_described(const struct json_value *value, char out[JSON_DESCRIBED_SIZE])
{
    char shown[JSON_SHOWN_SIZE];
    size_t len;
    const char *text;
    switch (json_tree_shape(value)) {
    case JSON_SHAPE_NULL:
        return "null";
    case JSON_SHAPE_BOOL:
        return json_tree_bool(value) ? "true" : "false";
    case JSON_SHAPE_ARRAY:
        return "a list";
    case JSON_SHAPE_OBJECT:
        return "an object";
    case JSON_SHAPE_INT:
        snprintf(out, JSON_DESCRIBED_SIZE, "the number %lld", (long long)json_tree_int(value));
        return out;
    case JSON_SHAPE_REAL:
        snprintf(out, JSON_DESCRIBED_SIZE, "the number %.15g", json_tree_double(value));
        return out;
    case JSON_SHAPE_TEXT:
        break;
    }
    text = json_tree_text(value, &len);
    snprintf(out, JSON_DESCRIBED_SIZE, "the text '%s'", json_shown(text, len, shown));
    return out;
}

static bool has_lines(const struct json_input *input)
{
    if (input->text == NULL || input->len == 0)
        return false;
    return input->yaml || memchr(input->text, '\n', input->len - 1) != NULL;
}

static size_t place_line(const struct json_input *input, const struct json_place *place)
{
    size_t ordinals[JSON_DEPTH_MAX];
    size_t count = 0;
    for (const struct json_place *p = place; p != NULL; p = p->up)
        count++;
    if (count > JSON_DEPTH_MAX)
        return 0;
    size_t i = count;
    for (const struct json_place *p = place; p != NULL; p = p->up)
        ordinals[--i] = p->ordinal;
    if (input->yaml)
        return yaml_scan_line(input->text, input->len, ordinals, count);
    return json_scan_line(input->text, input->len, ordinals, count);
}

static enum err_code fail(const struct json_input *input, const struct json_place *place,
                          size_t line, enum err_code code, const char *format, va_list args)
{
    if (input->err == NULL)
        return code;
    char text[sizeof input->err->text];
    vsnprintf(text, sizeof text, format, args);
    if (has_lines(input) && line == 0)
        line = place_line(input, place);
    if (has_lines(input) && line > 0)
        err_set(input->err, code, "line %zu: %s", line, text);
    else
        err_set(input->err, code, "%s", text);
    char path[sizeof input->err->field];
    json_place_path(place, path, sizeof path);
    err_field(input->err, "%s", path);
    return code;
}

enum err_code json_fail(const struct json_input *input, const struct json_place *place,
                        enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(input, place, 0, code, format, args);
    va_end(args);
    return code;
}

enum err_code json_fail_at(const struct json_input *input, const struct json_place *place,
                           size_t line, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(input, place, line, code, format, args);
    va_end(args);
    return code;
}
