/* json_writer.c - JSON written member by member, for answers that have no table.
 *
 * Contract: commas and quotes are the writer's business, balance is the caller's; a mistake there
 * is ours and ends in an assert. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_priv.h"

/* Before a value: a comma unless it is the first, or follows its key. */
static void before_value(struct json_writer *writer)
{
    if (writer->need_comma && !writer->after_key)
        buf_add_char(writer->out, ',');
    writer->need_comma = true;
    writer->after_key = false;
}

void json_begin(struct json_writer *writer, char open)
{
    assert(open == '{' || open == '[');
    before_value(writer);
    buf_add_char(writer->out, open);
    writer->depth++;
    writer->need_comma = false;
}

void json_end(struct json_writer *writer, char close)
{
    assert(close == '}' || close == ']');
    assert(writer->depth > 0 && !writer->after_key);
    buf_add_char(writer->out, close);
    writer->depth--;
    writer->need_comma = true;
}

void json_key(struct json_writer *writer, const char *key)
{
    assert(!writer->after_key);
    before_value(writer);
    buf_add_json_str(writer->out, key, strlen(key));
    buf_add_char(writer->out, ':');
    writer->after_key = true;
}

void json_put_text(struct json_writer *writer, const char *text)
{
    before_value(writer);
    if (text != NULL)
        buf_add_json_str(writer->out, text, strlen(text));
    else
        buf_add_str(writer->out, "null");
}

void json_put_double(struct json_writer *writer, double value)
{
    before_value(writer);
    json_add_double(writer->out, value);
}

void json_put_int(struct json_writer *writer, int64_t value)
{
    before_value(writer);
    json_add_int(writer->out, value);
}

void json_put_bool(struct json_writer *writer, bool value)
{
    json_put_raw(writer, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer)
{
    json_put_raw(writer, "null");
}

void json_put_raw(struct json_writer *writer, const char *json)
{
    before_value(writer);
    buf_add_str(writer->out, json);
}

void json_put_object(struct json_writer *writer, const struct json_table *table, const void *object)
{
    before_value(writer);
    json_encode(table, object, JSON_COMPACT, writer->out);
}

void json_member_text(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_put_text(writer, text);
}

void json_member_double(struct json_writer *writer, const char *key, double value)
{
    json_key(writer, key);
    json_put_double(writer, value);
}

void json_member_int(struct json_writer *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_put_int(writer, value);
}

void json_member_bool(struct json_writer *writer, const char *key, bool value)
{
    json_key(writer, key);
    json_put_bool(writer, value);
}

void json_member_time(struct json_writer *writer, const char *key, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(ms, text);
    json_member_text(writer, key, text);
}
