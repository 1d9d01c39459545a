/* json_scan.c - reads JSON as tokens only: limits before parsing, places and lines after an error.
 *
 * Contract: json_scan_limits is one pass without memory of its own; what it lets through nests no
 * deeper than the limit, so that jansson's recursion is bounded.  It is no grammar: a text that it
 * passes may still be no JSON.  The two finders read the text once more and are called for a text
 * that is being refused. */
#include <stdio.h>
#include <string.h>

#include "base/json_priv.h"

/* Past the string that begins at the quote `at`; adds the decoded bytes. */
static size_t skip_string(const char *text, size_t len, size_t at, size_t *decoded)
{
    size_t bytes = 0;
    for (at++; at < len && text[at] != '"'; at++) {
        bytes++;
        if (text[at] != '\\')
            continue;
        at++;
        if (at + 4 < len && text[at] == 'u') {
            /* \uXXXX is 1 byte below 80, 2 below 800 and as half of a pair, else 3 */
            const char *hex = text + at + 1;
            if (hex[0] != '0')
                bytes += (hex[0] == 'd' || hex[0] == 'D') && hex[1] >= '8' ? 1 : 2;
            else if (hex[1] >= '8')
                bytes += 2;
            else if (hex[1] > '0' || hex[2] >= '8')
                bytes++;
            at += 4;
        }
    }
    *decoded = bytes;
    return at < len ? at + 1 : len;
}

static enum err_code refuse(const struct json_input *input, size_t position, const char *what,
                            size_t limit)
{
    char path[sizeof input->err->field];
    size_t line = json_scan_path(input->text, input->len, position, path, sizeof path);
    json_fail_at(input, NULL, line, ERR_TOO_LARGE, "%s (the limit is %zu)", what, limit);
    if (input->err != NULL)
        err_field(input->err, "%s", path);
    return ERR_TOO_LARGE;
}

enum err_code json_scan_limits(const struct json_input *input)
{
    const char *text = input->text;
    const size_t len = input->len;
    const struct json_limits *limits = input->limits;
    const size_t depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX;
    size_t commas[JSON_DEPTH_MAX + 1];
    size_t depth = 0;
    size_t total = 1;
    commas[0] = 0;

    for (size_t at = 0; at < len;) {
        size_t decoded;
        size_t next = at + 1;
        switch (text[at]) {
        case '"':
            next = skip_string(text, len, at, &decoded);
            if (decoded > limits->text_bytes)
                return refuse(input, at, "a text is too long", limits->text_bytes);
            break;
        case '{':
        case '[':
            if (depth == depth_max)
                return refuse(input, at, "values are nested too deeply", depth_max);
            depth++;
            total++;
            commas[depth] = 0;
            break;
        case '}':
        case ']':
            if (depth > 0)
                depth--;
            break;
        case ',':
            total++;
            commas[depth]++;
            if (commas[depth] >= limits->list_items)
                return refuse(input, at, "a list has too many items", limits->list_items);
            break;
        default:
            break;
        }
        if (total > limits->total_items)
            return refuse(input, at, "there are too many values", limits->total_items);
        at = next;
    }
    return ERR_OK;
}

/* ---- walking with a path ---- */

struct scan_frame {
    bool array;
    bool has_key; /* the next value belongs to key_at, key_len */
    size_t ordinal;
    size_t key_at;
    size_t key_len;
    size_t key_line;
};

struct scan {
    const char *text;
    size_t len;
    size_t at;
    size_t line;
    size_t depth;
    struct scan_frame frames[JSON_DEPTH_MAX];
};

/* Moves to the next value's first byte and returns true; keys and punctuation are taken in. The
 * caller then calls scan_enter_or_skip.  False at the end, at `stop`, or when nested too deeply. */
static bool scan_value(struct scan *scan, size_t stop)
{
    size_t ignored;
    while (scan->at < scan->len && scan->at < stop) {
        struct scan_frame *top = scan->depth > 0 ? &scan->frames[scan->depth - 1] : NULL;
        size_t next;
        switch (scan->text[scan->at]) {
        case '\n':
            scan->line++;
            scan->at++;
            break;
        case ' ':
        case '\t':
        case '\r':
        case ':':
            scan->at++;
            break;
        case ',':
            if (top != NULL) {
                top->ordinal++;
                top->has_key = false;
            }
            scan->at++;
            break;
        case '}':
        case ']':
            if (scan->depth > 0)
                scan->depth--;
            scan->at++;
            break;
        case '"':
            if (top == NULL || top->array || top->has_key)
                return true;
            next = skip_string(scan->text, scan->len, scan->at, &ignored);
            top->has_key = true;
            top->key_at = scan->at + 1;
            top->key_len = next > scan->at + 1 ? next - scan->at - 2 : 0;
            top->key_line = scan->line;
            scan->at = next;
            break;
        default:
            return true;
        }
    }
    return false;
}

static bool scan_enter_or_skip(struct scan *scan)
{
    size_t ignored;
    char c = scan->text[scan->at];
    if (c == '{' || c == '[') {
        if (scan->depth == JSON_DEPTH_MAX)
            return false;
        scan->frames[scan->depth++] = (struct scan_frame){.array = c == '['};
        scan->at++;
    } else if (c == '"') {
        scan->at = skip_string(scan->text, scan->len, scan->at, &ignored);
    } else {
        scan->at++;
        while (scan->at < scan->len && strchr(",]}\n \t\r", scan->text[scan->at]) == NULL)
            scan->at++;
    }
    return true;
}

size_t json_scan_line(const char *text, size_t len, const size_t *ordinals, size_t count)
{
    struct scan scan = {.text = text, .len = len, .line = 1};
    while (scan_value(&scan, len)) {
        if (scan.depth == count) {
            size_t i = 0;
            while (i < count && scan.frames[i].ordinal == ordinals[i])
                i++;
            if (i == count && count > 0 && !scan.frames[count - 1].array)
                return scan.frames[count - 1].key_line;
            if (i == count)
                return scan.line;
        }
        if (!scan_enter_or_skip(&scan))
            break;
    }
    return 0;
}

/* The frames as a chain of places, built by recursion; then the path of the last. */
static void frames_path(const struct scan *scan, size_t i, const struct json_place *up, char *path,
                        size_t size)
{
    const struct scan_frame *frame = &scan->frames[i];
    if (i == scan->depth || (!frame->array && !frame->has_key)) {
        json_place_path(up, path, size);
        return;
    }
    char key[128];
    struct json_place place = {.up = up, .ordinal = frame->ordinal};
    if (!frame->array) {
        size_t n = frame->key_len < sizeof key - 1 ? frame->key_len : sizeof key - 1;
        memcpy(key, scan->text + frame->key_at, n);
        key[n] = '\0';
        place.key = key;
    }
    frames_path(scan, i + 1, &place, path, size);
}

size_t json_scan_path(const char *text, size_t len, size_t position, char *path, size_t size)
{
    struct scan scan = {.text = text, .len = len, .line = 1};
    while (scan_value(&scan, position)) {
        if (!scan_enter_or_skip(&scan))
            break;
    }
    frames_path(&scan, 0, NULL, path, size);
    return scan.line;
}
