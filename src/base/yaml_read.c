/* yaml_read.c - YAML 1.2 core schema to tree, from libyaml's events.
 *
 * Contract: a document is one block of plain data.  Anchors, aliases, tags, merge keys and further
 * documents are refused by name and line: they make a small text mean something large or something
 * else.  Plain scalars become null, booleans and numbers by the core schema (so yes, no and 1:30
 * are text); quoted and block scalars are text.  Every limit is checked as events arrive, so
 * nothing is built that would be refused. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/json_priv.h"
#include "base/str.h"

struct reader {
    const struct json_input *input;
    yaml_parser_t *parser;
    size_t depth;
    size_t total;
};

static size_t event_line(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

static void event_done(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static enum err_code next_event(struct reader *reader, const struct json_place *place,
                                yaml_event_t *event)
{
    if (yaml_parser_parse(reader->parser, event))
        return ERR_OK;
    const yaml_parser_t *p = reader->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return json_fail_at(reader->input, place, p->mark.line + 1, ERR_TOO_LARGE,
                            "the values take too much memory");
    const char *problem = p->problem != NULL ? p->problem : "cannot be read";
    size_t line = p->problem_mark.line > 0 ? p->problem_mark.line : p->mark.line;
    return json_fail_at(reader->input, place, line + 1, ERR_INVALID, "not YAML: %s", problem);
}

static enum err_code refuse(const struct reader *reader, const struct json_place *place,
                            const yaml_event_t *event, const char *what, const char *hint)
{
    json_fail_at(reader->input, place, event_line(event), ERR_INVALID, "%s", what);
    err_hint(reader->input->err, "%s", hint);
    return ERR_INVALID;
}

static enum err_code refuse_size(const struct reader *reader, const struct json_place *place,
                                 const yaml_event_t *event, const char *what, size_t limit)
{
    return json_fail_at(reader->input, place, event_line(event), ERR_TOO_LARGE,
                        "%s (the limit is %zu)", what, limit);
}

static enum err_code refuse_memory(const struct reader *reader, const struct json_place *place,
                                   const yaml_event_t *event)
{
    return json_fail_at(reader->input, place, event_line(event), ERR_TOO_LARGE,
                        "the values take too much memory");
}

/* ---- scalars ---- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

static const char *const null_words[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const true_words[] = {"true", "True", "TRUE", NULL};
static const char *const false_words[] = {"false", "False", "FALSE", NULL};
static const char *const special_words[] = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
                                            ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf",
                                            "-.Inf", "-.INF", NULL};

/* 0o17 and 0x1F; true when the whole text is one and fits. */
static bool read_based(const char *text, int64_t *out)
{
    if (text[0] != '0' || (text[1] != 'o' && text[1] != 'x') || text[2] == '\0')
        return false;
    unsigned base = text[1] == 'x' ? 16 : 8;
    int64_t value = 0;
    for (const char *c = text + 2; *c != '\0'; c++) {
        unsigned digit = 99;
        if (*c >= '0' && *c <= '9')
            digit = (unsigned)(*c - '0');
        else if ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'f')
            digit = (unsigned)((*c | 0x20) - 'a') + 10;
        if (digit >= base)
            return false;
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

/* Only digits after an optional sign. */
static bool is_whole(const char *text)
{
    if (*text == '-' || *text == '+')
        text++;
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* The form of a core schema float. */
static bool is_float(const char *c)
{
    if (*c == '-' || *c == '+')
        c++;
    size_t before = strspn(c, "0123456789");
    c += before;
    size_t after = 0;
    if (*c == '.') {
        after = strspn(c + 1, "0123456789");
        c += 1 + after;
    }
    if (before + after == 0)
        return false;
    if (*c == 'e' || *c == 'E') {
        c += c[1] == '-' || c[1] == '+' ? 2 : 1;
        size_t digits = strspn(c, "0123456789");
        if (digits == 0)
            return false;
        c += digits;
    }
    return *c == '\0';
}

static enum err_code plain_value(struct reader *reader, const struct json_place *place,
                                 const yaml_event_t *event, struct json_value **out)
{
    const char *text = (const char *)event->data.scalar.value;
    int64_t integer;
    double number;
    if (is_one_of(text, null_words))
        *out = json_tree_new_null();
    else if (is_one_of(text, true_words) || is_one_of(text, false_words))
        *out = json_tree_new_bool((text[0] | 0x20) == 't');
    else if (is_one_of(text, special_words))
        return refuse(reader, place, event, "NaN and infinity are not numbers here",
                      "give a finite number, or leave the key out");
    else if (read_based(text, &integer) ||
             (is_whole(text) && str_to_int64(text, &integer, NULL) == ERR_OK))
        *out = json_tree_new_int(integer);
    else if (is_whole(text) || (is_float(text) && str_to_double(text, &number, NULL) != ERR_OK))
        return refuse(reader, place, event, "the number is out of range",
                      "write it in quotes if it is text");
    else if (is_float(text))
        *out = json_tree_new_double(number);
    else
        *out = json_tree_new_text(text, event->data.scalar.length);
    return *out != NULL ? ERR_OK : refuse_memory(reader, place, event);
}

static enum err_code scalar_value(struct reader *reader, const struct json_place *place,
                                  const yaml_event_t *event, struct json_value **out)
{
    size_t len = event->data.scalar.length;
    const char *text = (const char *)event->data.scalar.value;
    if (len > reader->input->limits->text_bytes)
        return refuse_size(reader, place, event, "a text is too long",
                           reader->input->limits->text_bytes);
    if (!str_is_utf8(text, len)) /* an escape made NUL or a surrogate */
        return refuse(reader, place, event, "the text holds NUL or is not UTF-8",
                      "escapes may not stand for NUL or surrogates");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_value(reader, place, event, out);
    *out = json_tree_new_text(text, len);
    return *out != NULL ? ERR_OK : refuse_memory(reader, place, event);
}

/* ---- nodes ---- */

static enum err_code check_node(const struct reader *reader, const struct json_place *place,
                                const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(reader, place, event, "aliases (*name) are not supported",
                      "repeat the value, or quote the text");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL)
        return refuse(reader, place, event, "anchors (&name) are not supported",
                      "remove it, or quote the text");
    if (tag != NULL)
        return refuse(reader, place, event, "tags (!name) are not supported",
                      "remove it, or quote the text");
    return ERR_OK;
}

static enum err_code read_node(struct reader *reader, const struct json_place *place,
                               const yaml_event_t *event, struct json_value **out);

static enum err_code read_sequence(struct reader *reader, const struct json_place *place,
                                   struct json_value *array)
{
    for (size_t i = 0;; i++) {
        struct json_place at = {.up = place, .ordinal = i};
        CLEANUP(event_done) yaml_event_t event = {0};
        struct json_value *item = NULL;
        enum err_code code = next_event(reader, &at, &event);
        if (code != ERR_OK)
            return code;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return ERR_OK;
        if (i >= reader->input->limits->list_items)
            return refuse_size(reader, place, &event, "a list has too many items",
                               reader->input->limits->list_items);
        code = read_node(reader, &at, &event, &item);
        if (code != ERR_OK)
            return code;
        if (!json_tree_append(array, item))
            return refuse_memory(reader, &at, &event);
    }
}

/* Keys are text, whatever they look like; the empty key and null are refused. */
static enum err_code check_key(struct reader *reader, const struct json_place *place,
                               const struct json_value *object, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT)
        return refuse(reader, place->up, event, "a key must be text",
                      "lists and objects cannot be keys");
    enum err_code code = check_node(reader, place->up, event);
    if (code != ERR_OK)
        return code;
    const char *key = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.length > reader->input->limits->text_bytes)
        return refuse_size(reader, place->up, event, "a key is too long",
                           reader->input->limits->text_bytes);
    if (!str_is_utf8(key, event->data.scalar.length))
        return refuse(reader, place->up, event, "the key holds NUL or is not UTF-8",
                      "escapes may not stand for NUL or surrogates");
    if (plain && strcmp(key, "<<") == 0)
        return refuse(reader, place->up, event, "merge keys (<<) are not supported",
                      "write the members out");
    if (plain && key[0] == '\0')
        return refuse(reader, place->up, event, "a key is missing before ':'", "give it a name");
    if (json_tree_member(object, key) != NULL)
        return json_fail_at(reader->input, place, event_line(event), ERR_INVALID,
                            "the key is given twice");
    return ERR_OK;
}

static enum err_code read_mapping(struct reader *reader, const struct json_place *place,
                                  struct json_value *object)
{
    for (size_t i = 0;; i++) {
        struct json_place at = {.up = place, .ordinal = i};
        CLEANUP(event_done) yaml_event_t key = {0};
        CLEANUP(event_done) yaml_event_t event = {0};
        struct json_value *item = NULL;
        enum err_code code = next_event(reader, place, &key);
        if (code != ERR_OK)
            return code;
        if (key.type == YAML_MAPPING_END_EVENT)
            return ERR_OK;
        if (i >= reader->input->limits->list_items)
            return refuse_size(reader, place, &key, "an object has too many members",
                               reader->input->limits->list_items);
        if (key.type == YAML_SCALAR_EVENT)
            at.key = (const char *)key.data.scalar.value;
        code = check_key(reader, &at, object, &key);
        if (code == ERR_OK)
            code = next_event(reader, &at, &event);
        if (code == ERR_OK)
            code = read_node(reader, &at, &event, &item);
        if (code != ERR_OK)
            return code;
        if (!json_tree_set(object, at.key, item))
            return refuse_memory(reader, &at, &event);
    }
}

static enum err_code read_node(struct reader *reader, const struct json_place *place,
                               const yaml_event_t *event, struct json_value **out)
{
    const struct json_limits *limits = reader->input->limits;
    size_t depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX;
    enum err_code code = check_node(reader, place, event);
    if (code != ERR_OK)
        return code;
    if (++reader->total > limits->total_items)
        return refuse_size(reader, place, event, "there are too many values", limits->total_items);
    if (event->type == YAML_SCALAR_EVENT)
        return scalar_value(reader, place, event, out);

    if (reader->depth == depth_max)
        return refuse_size(reader, place, event, "values are nested too deeply", depth_max);
    CLEANUP(json_tree_free_at) struct json_value *node = NULL;
    bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
    node = sequence ? json_tree_new_array() : json_tree_new_object();
    if (node == NULL)
        return refuse_memory(reader, place, event);
    reader->depth++;
    code = sequence ? read_sequence(reader, place, node) : read_mapping(reader, place, node);
    reader->depth--;
    if (code == ERR_OK)
        *out = TAKE(node);
    return code;
}

static enum err_code read_stream(struct reader *reader, struct json_value **out)
{
    bool found = false;
    for (;;) {
        CLEANUP(event_done) yaml_event_t event = {0};
        enum err_code code = next_event(reader, NULL, &event);
        if (code != ERR_OK)
            return code;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            if (!found)
                *out = json_tree_new_null(); /* an empty text */
            return ERR_OK;
        case YAML_DOCUMENT_START_EVENT:
            if (found)
                return refuse(reader, NULL, &event, "several documents (---) are not supported",
                              "keep one document in a file");
            break;
        default:
            found = true;
            code = read_node(reader, NULL, &event, out);
            if (code != ERR_OK)
                return code;
            break;
        }
    }
}

static enum err_code start_parser(yaml_parser_t *parser, const struct json_input *input)
{
    if (!yaml_parser_initialize(parser)) {
        err_set(input->err, ERR_TOO_LARGE, "the values take too much memory");
        return ERR_TOO_LARGE;
    }
    yaml_parser_set_input_string(parser, (const unsigned char *)input->text, input->len);
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    return ERR_OK;
}

enum err_code yaml_read_tree(const struct json_input *input, struct json_value **out)
{
    yaml_parser_t parser;
    CLEANUP(json_tree_free_at) struct json_value *root = NULL;
    struct reader reader = {.input = input, .parser = &parser};
    enum err_code code = start_parser(&parser, input);
    if (code != ERR_OK)
        return code;
    json_tree_limit(json_read_budget(input->len));
    code = read_stream(&reader, &root);
    json_tree_unlimit();
    yaml_parser_delete(&parser);
    if (code == ERR_OK)
        *out = TAKE(root);
    return code;
}

/* ---- finding a line ---- */

struct line_frame {
    bool mapping;
    bool in_value; /* the key has been read */
    size_t ordinal;
    size_t key_line;
};

/* Whether the node that begins now is the one that the ordinals lead to. */
static bool is_place(const struct line_frame *frames, size_t depth, const size_t *ordinals,
                     size_t count)
{
    if (depth != count || (depth > 0 && frames[depth - 1].mapping && !frames[depth - 1].in_value))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].ordinal != ordinals[i])
            return false;
    }
    return true;
}

/* A node has ended or was a scalar: its parent moves on. */
static void node_over(struct line_frame *frame, size_t line)
{
    if (frame->mapping && !frame->in_value) {
        frame->in_value = true;
        frame->key_line = line;
        return;
    }
    frame->in_value = false;
    frame->ordinal++;
}

size_t yaml_scan_line(const char *text, size_t len, const size_t *ordinals, size_t count)
{
    yaml_parser_t parser;
    struct line_frame frames[JSON_DEPTH_MAX];
    struct json_input input = {.text = text, .len = len};
    size_t depth = 0;
    size_t line = 0;
    if (start_parser(&parser, &input) != ERR_OK)
        return 0;
    for (bool more = true; more && line == 0;) {
        CLEANUP(event_done) yaml_event_t event = {0};
        more = yaml_parser_parse(&parser, &event) != 0;
        bool begins = event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
                      event.type == YAML_SEQUENCE_START_EVENT ||
                      event.type == YAML_MAPPING_START_EVENT;
        if (!more || event.type == YAML_STREAM_END_EVENT) {
            more = false;
        } else if (begins && is_place(frames, depth, ordinals, count)) {
            bool member = depth > 0 && frames[depth - 1].mapping;
            line = member ? frames[depth - 1].key_line : event_line(&event);
        } else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT) {
            if (depth > 0)
                node_over(&frames[depth - 1], event_line(&event));
        } else if (begins) {
            more = depth < JSON_DEPTH_MAX;
            if (more)
                frames[depth++] =
                    (struct line_frame){.mapping = event.type == YAML_MAPPING_START_EVENT};
        } else if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            depth--;
            if (depth > 0)
                node_over(&frames[depth - 1], event_line(&event));
        }
    }
    yaml_parser_delete(&parser);
    return line;
}
