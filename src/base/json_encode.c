/* json_encode.c - struct to JSON by the field table.
 *
 * Contract: bytes go straight to the buffer, nothing is allocated besides it; members come in the
 * order of the table.  What is written decodes to an equal struct, save read-only and secret
 * members.  Keys of tables are plain ASCII words and are not escaped.  A required list, map,
 * boolean or object is written even when empty, for the decoder asks for it. */
#include <string.h>

#include "base/clock.h"
#include "base/json_priv.h"

struct encoder {
    struct buf *out;
    bool secrets;
};

static void encode_object(const struct encoder *encoder, const struct json_table *table,
                          const void *object);

/* Absent in the sense of json.h: NULL, unset, 0, false, count 0. */
static bool is_empty(const struct json_field *field, const void *member)
{
    switch (field->kind) {
    case JSON_STRING:
    case JSON_RAW:
    case JSON_OBJECT_PTR:
        return *(const void *const *)member == NULL;
    case JSON_BOOL:
        return !*(const bool *)member;
    case JSON_INT:
    case JSON_DECIMAL:
    case JSON_TIME:
        return *(const int64_t *)member == 0;
    case JSON_DOUBLE:
        return *(const double *)member == 0;
    case JSON_OPT_BOOL:
        return !((const struct opt_bool *)member)->set;
    case JSON_OPT_INT:
        return !((const struct opt_int *)member)->set;
    case JSON_OPT_DOUBLE:
        return !((const struct opt_double *)member)->set;
    case JSON_ENUM:
        return json_enum_name(field->names, *(const int *)member) == NULL;
    case JSON_OBJECT:
        return json_table_is_empty(field->table, member);
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        return ((const struct json_list *)member)->count == 0;
    }
    return true;
}

bool json_table_is_empty(const struct json_table *table, const void *object)
{
    for (size_t i = 0; i < table->field_count; i++) {
        if (!is_empty(&table->fields[i], json_member_at(object, &table->fields[i])))
            return false;
    }
    return true;
}

/* An optional number is written as 0 when it is absent, unless its own bounds would refuse that. */
static bool admits_zero(const struct json_field *field)
{
    return (field->flags & JSON_REQUIRED) != 0 || json_check_number(field, 0, NULL) == ERR_OK;
}

static bool is_written(const struct encoder *encoder, const struct json_field *field,
                       const void *member)
{
    if ((field->flags & JSON_SECRET) != 0 && !encoder->secrets)
        return false;
    switch (field->kind) {
    case JSON_INT:
    case JSON_DOUBLE:
    case JSON_DECIMAL:
        return !is_empty(field, member) || admits_zero(field);
    case JSON_BOOL:
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        return (field->flags & (JSON_REQUIRED | JSON_KEEP)) != 0 || !is_empty(field, member);
    default:
        return !is_empty(field, member);
    }
}

static void encode_text(const struct encoder *encoder, const char *text)
{
    if (text == NULL)
        text = "";
    buf_add_json_str(encoder->out, text, strlen(text));
}

static void encode_enum(const struct encoder *encoder, const struct json_field *field, int value)
{
    const char *name = json_enum_name(field->names, value);
    if (name != NULL)
        encode_text(encoder, name);
    else
        buf_add(encoder->out, "null", 4);
}

static void encode_time(const struct encoder *encoder, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(ms, text);
    encode_text(encoder, text);
}

static void encode_item(const struct encoder *encoder, const struct json_field *field,
                        const struct json_list *list, size_t i)
{
    const struct json_number_pair *number;
    const struct json_string_pair *string;
    switch (field->kind) {
    case JSON_ARRAY:
        encode_object(encoder, field->table, (const char *)list->items + i * field->table->size);
        break;
    case JSON_STRINGS:
        encode_text(encoder, ((const char *const *)list->items)[i]);
        break;
    case JSON_ENUMS:
        encode_enum(encoder, field, ((const int *)list->items)[i]);
        break;
    case JSON_DOUBLES:
        json_add_double(encoder->out, ((const double *)list->items)[i]);
        break;
    case JSON_NUMBER_MAP:
        number = (const struct json_number_pair *)list->items + i;
        encode_text(encoder, number->name);
        buf_add_char(encoder->out, ':');
        json_add_double(encoder->out, number->value);
        break;
    default:
        string = (const struct json_string_pair *)list->items + i;
        encode_text(encoder, string->name);
        buf_add_char(encoder->out, ':');
        encode_text(encoder, string->value);
        break;
    }
}

static void encode_list(const struct encoder *encoder, const struct json_field *field,
                        const struct json_list *list)
{
    bool map = field->kind == JSON_NUMBER_MAP || field->kind == JSON_STRING_MAP;
    buf_add_char(encoder->out, map ? '{' : '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_add_char(encoder->out, ',');
        encode_item(encoder, field, list, i);
    }
    buf_add_char(encoder->out, map ? '}' : ']');
}

static void encode_member(const struct encoder *encoder, const struct json_field *field,
                          const void *member)
{
    switch (field->kind) {
    case JSON_STRING:
        encode_text(encoder, *(const char *const *)member);
        break;
    case JSON_RAW:
        buf_add_str(encoder->out, *(const char *const *)member);
        break;
    case JSON_BOOL:
        buf_add_str(encoder->out, *(const bool *)member ? "true" : "false");
        break;
    case JSON_OPT_BOOL:
        buf_add_str(encoder->out, ((const struct opt_bool *)member)->value ? "true" : "false");
        break;
    case JSON_INT:
        json_add_int(encoder->out, *(const int64_t *)member);
        break;
    case JSON_OPT_INT:
        json_add_int(encoder->out, ((const struct opt_int *)member)->value);
        break;
    case JSON_DOUBLE:
        json_add_double(encoder->out, *(const double *)member);
        break;
    case JSON_OPT_DOUBLE:
        json_add_double(encoder->out, ((const struct opt_double *)member)->value);
        break;
    case JSON_DECIMAL:
        json_add_decimal(encoder->out, *(const int64_t *)member);
        break;
    case JSON_ENUM:
        encode_enum(encoder, field, *(const int *)member);
        break;
    case JSON_TIME:
        encode_time(encoder, *(const int64_t *)member);
        break;
    case JSON_OBJECT:
        encode_object(encoder, field->table, member);
        break;
    case JSON_OBJECT_PTR:
        encode_object(encoder, field->table, *(const void *const *)member);
        break;
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        encode_list(encoder, field, member);
        break;
    }
}

static void encode_object(const struct encoder *encoder, const struct json_table *table,
                          const void *object)
{
    bool first = true;
    buf_add_char(encoder->out, '{');
    for (size_t i = 0; i < table->field_count; i++) {
        const struct json_field *field = &table->fields[i];
        const void *member = json_member_at(object, field);
        if (!is_written(encoder, field, member))
            continue;
        if (first)
            buf_add_char(encoder->out, '"');
        else
            buf_add(encoder->out, ",\"", 2);
        buf_add_str(encoder->out, field->name);
        buf_add(encoder->out, "\":", 2);
        encode_member(encoder, field, member);
        first = false;
    }
    buf_add_char(encoder->out, '}');
}

void json_encode(const struct json_table *table, const void *object, enum json_style style,
                 struct buf *out)
{
    if (style == JSON_COMPACT) {
        encode_object(&(struct encoder){.out = out}, table, object);
        return;
    }
    CLEANUP(buf_done) struct buf compact = {.max = out->max};
    encode_object(&(struct encoder){.out = &compact}, table, object);
    json_indent(buf_str(&compact), compact.len, out);
    out->over = out->over || compact.over;
}

void json_encode_all(const struct json_table *table, const void *object, struct buf *out)
{
    encode_object(&(struct encoder){.out = out, .secrets = true}, table, object);
}
