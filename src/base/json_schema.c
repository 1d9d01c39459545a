/* json_schema.c - the field table as JSON Schema 2020-12, for OpenAPI 3.1.
 *
 * Contract: what the schema admits and the decoder admits agree in types, required members, bounds
 * and enums.  The decoder counts bytes where the schema counts characters (maxLength), so the
 * schema is never the stricter one.  Rules of check functions are told by descriptions only. */
#include <string.h>

#include "base/json_priv.h"
#include "base/mem.h"

/* str_check_name is asked for this many bytes (json_check.c). */
#define NAME_BYTES_MAX 128

static void put_ref(struct json_writer *w, const struct json_table *table)
{
    CLEANUP(buf_done) struct buf ref = BUF_INIT;
    buf_printf(&ref, "#/components/schemas/%s", table->name);
    json_member_text(w, "$ref", buf_str(&ref));
}

static void put_bounds(struct json_writer *w, const struct json_field *field)
{
    bool positive = (field->flags & JSON_POSITIVE) != 0;
    bool bounded = field->min < field->max;
    if (positive)
        json_member_double(w, "exclusiveMinimum", 0);
    if (bounded && !(positive && field->min <= 0))
        json_member_double(w, "minimum", field->min);
    else if (!bounded && (field->flags & JSON_NON_NEGATIVE) != 0)
        json_member_double(w, "minimum", 0);
    if (bounded)
        json_member_double(w, "maximum", field->max);
}

static void put_number(struct json_writer *w, const struct json_field *field, const char *type)
{
    json_member_text(w, "type", type);
    put_bounds(w, field);
}

static void put_enum(struct json_writer *w, const struct json_field *field)
{
    json_member_text(w, "type", "string");
    json_key(w, "enum");
    json_begin(w, '[');
    for (size_t i = 1; field->names[i] != NULL; i++)
        json_put_text(w, field->names[i]);
    json_end(w, ']');
}

static void put_text(struct json_writer *w, const struct json_field *field)
{
    bool name = (field->flags & JSON_NAME) != 0;
    bool own = field->kind == JSON_STRING; /* else the flags are about the list */
    json_member_text(w, "type", "string");
    if (name || (own && (field->flags & JSON_NON_EMPTY) != 0))
        json_member_int(w, "minLength", 1);
    if (name)
        json_member_int(w, "maxLength", NAME_BYTES_MAX);
    else if (own && field->max_len > 0)
        json_member_int(w, "maxLength", (int64_t)field->max_len);
}

static void put_list(struct json_writer *w, const struct json_field *field)
{
    json_member_text(w, "type", "array");
    json_key(w, "items");
    json_begin(w, '{');
    switch (field->kind) {
    case JSON_ARRAY:
        put_ref(w, field->table);
        break;
    case JSON_STRINGS:
        put_text(w, field);
        break;
    case JSON_ENUMS:
        put_enum(w, field);
        break;
    default:
        put_number(w, field, "number");
        break;
    }
    json_end(w, '}');
    if ((field->flags & JSON_NON_EMPTY) != 0)
        json_member_int(w, "minItems", 1);
    if (field->max_len > 0)
        json_member_int(w, "maxItems", (int64_t)field->max_len);
}

static void put_map(struct json_writer *w, const struct json_field *field)
{
    json_member_text(w, "type", "object");
    json_key(w, "additionalProperties");
    json_begin(w, '{');
    if (field->kind == JSON_NUMBER_MAP)
        put_number(w, field, "number");
    else
        json_member_text(w, "type", "string");
    json_end(w, '}');
    if ((field->flags & JSON_NON_EMPTY) != 0)
        json_member_int(w, "minProperties", 1);
    if (field->max_len > 0)
        json_member_int(w, "maxProperties", (int64_t)field->max_len);
}

static void put_type(struct json_writer *w, const struct json_field *field)
{
    switch (field->kind) {
    case JSON_STRING:
        put_text(w, field);
        break;
    case JSON_BOOL:
    case JSON_OPT_BOOL:
        json_member_text(w, "type", "boolean");
        break;
    case JSON_INT:
    case JSON_OPT_INT:
        put_number(w, field, "integer");
        break;
    case JSON_DOUBLE:
    case JSON_OPT_DOUBLE:
    case JSON_DECIMAL:
        put_number(w, field, "number");
        break;
    case JSON_ENUM:
        put_enum(w, field);
        break;
    case JSON_TIME:
        json_member_text(w, "type", "string");
        json_member_text(w, "format", "date-time");
        break;
    case JSON_OBJECT:
    case JSON_OBJECT_PTR:
        put_ref(w, field->table);
        break;
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
        put_list(w, field);
        break;
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        put_map(w, field);
        break;
    case JSON_RAW: /* any value */
        break;
    }
}

static void put_field(struct json_writer *w, const struct json_field *field)
{
    json_key(w, field->name);
    json_begin(w, '{');
    put_type(w, field);
    if (field->doc != NULL)
        json_member_text(w, "description", field->doc);
    if ((field->flags & JSON_READ_ONLY) != 0)
        json_member_bool(w, "readOnly", true);
    if ((field->flags & JSON_SECRET) != 0)
        json_member_bool(w, "writeOnly", true);
    json_end(w, '}');
}

static void put_required(struct json_writer *w, const struct json_table *table)
{
    bool any = false;
    for (size_t i = 0; i < table->field_count; i++)
        any = any || (table->fields[i].flags & JSON_REQUIRED) != 0;
    if (!any)
        return;
    json_key(w, "required");
    json_begin(w, '[');
    for (size_t i = 0; i < table->field_count; i++) {
        if ((table->fields[i].flags & JSON_REQUIRED) != 0)
            json_put_text(w, table->fields[i].name);
    }
    json_end(w, ']');
}

void json_schema(const struct json_table *table, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_text(&w, "type", "object");
    json_member_text(&w, "title", table->name);
    if (table->doc != NULL)
        json_member_text(&w, "description", table->doc);
    put_required(&w, table);
    json_member_bool(&w, "additionalProperties", false);
    json_key(&w, "properties");
    json_begin(&w, '{');
    for (size_t i = 0; i < table->field_count; i++)
        put_field(&w, &table->fields[i]);
    json_end(&w, '}');
    json_end(&w, '}');
}

/* ---- json_walk_tables ---- */

struct walk {
    const struct json_table **seen;
    size_t count;
};

static bool is_new(struct walk *walk, const struct json_table *table)
{
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->seen[i] == table)
            return false;
    }
    walk->seen = mem_resize(walk->seen, walk->count + 1, sizeof *walk->seen);
    walk->seen[walk->count++] = table;
    return true;
}

static void walk_table(struct walk *walk, const struct json_table *table,
                       void (*fn)(const struct json_table *table, void *ctx), void *ctx)
{
    if (table == NULL || !is_new(walk, table))
        return;
    fn(table, ctx);
    for (size_t i = 0; i < table->field_count; i++)
        walk_table(walk, table->fields[i].table, fn, ctx);
}

void json_walk_tables(const struct json_table *table,
                      void (*fn)(const struct json_table *table, void *ctx), void *ctx)
{
    struct walk walk = {NULL, 0};
    walk_table(&walk, table, fn, ctx);
    mem_free(walk.seen);
}
