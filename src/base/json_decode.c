/* json_decode.c - tree to struct, by the field table.
 *
 * Contract: `out` is zeroed, then filled; on failure it may be partly filled and must not be used.
 * Every refusal carries the path and, where the source has lines, the line.  Work is linear in the
 * tree: keys are looked up from the field after the last one found, so input in the table's order
 * costs one comparison per key. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_priv.h"
#include "base/str.h"

static enum err_code decode_object(const struct json_input *input, const struct json_place *place,
                                   const struct json_value *value, const struct json_table *table,
                                   void *out);

/* ---- refusals ---- */

static enum err_code refuse_shape(const struct json_input *input, const struct json_place *place,
                                  const struct json_value *value, const char *expected)
{
    char described[JSON_DESCRIBED_SIZE];
    enum json_shape shape = json_tree_shape(value);
    json_fail(input, place, ERR_INVALID, "expected %s, found %s", expected,
              json_described(value, described));
    bool wants_text = strstr(expected, "text") != NULL;
    if (shape == JSON_SHAPE_NULL)
        err_hint(input->err, "leave the key out, or give it a value");
    else if (wants_text &&
             (shape == JSON_SHAPE_INT || shape == JSON_SHAPE_REAL || shape == JSON_SHAPE_BOOL))
        err_hint(input->err, "write it in quotes");
    else if (shape == JSON_SHAPE_TEXT && strstr(expected, "number") != NULL)
        err_hint(input->err, "write the number without quotes and without a unit");
    return ERR_INVALID;
}

static enum err_code refuse_inner(const struct json_input *input, const struct json_place *place,
                                  enum err_code code, const struct err *inner)
{
    json_fail(input, place, code, "%s", inner->text);
    if (inner->hint[0] != '\0')
        err_hint(input->err, "%s", inner->hint);
    return code;
}

/* "one of: a, b, c", as far as it fits. */
static void list_names(char *out, size_t size, const char *before, const char *const *names)
{
    size_t used = strlen(before);
    str_format(out, size, "%s", before);
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t len = strlen(names[i]);
        if (used + len + 6 > size) {
            str_format(out + used, size - used, ", …");
            return;
        }
        str_format(out + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
        used += len + (i > 0 ? 2 : 0);
    }
}

static enum err_code refuse_name(const struct json_input *input, const struct json_place *place,
                                 const char *const *names, const char *text, size_t len)
{
    char shown[JSON_SHOWN_SIZE];
    char hint[sizeof input->err->hint];
    json_fail(input, place, ERR_INVALID, "unknown value '%s'", json_shown(text, len, shown));
    list_names(hint, sizeof hint, "one of: ", names + 1);
    err_hint(input->err, "%s", hint);
    return ERR_INVALID;
}

static enum err_code refuse_key(const struct json_input *input, const struct json_place *place,
                                const struct json_table *table)
{
    char shown[JSON_SHOWN_SIZE];
    char hint[sizeof input->err->hint];
    const char *names[JSON_FIELDS_MAX + 1];
    size_t count = 0;
    json_fail(input, place, ERR_INVALID, "unknown key '%s'",
              json_shown(place->key, strlen(place->key), shown));
    for (size_t i = 0; i < table->field_count && i < JSON_FIELDS_MAX; i++) {
        if (input->trusted || (table->fields[i].flags & JSON_READ_ONLY) == 0)
            names[count++] = table->fields[i].name;
    }
    names[count] = NULL;
    list_names(hint, sizeof hint, "known keys: ", names);
    err_hint(input->err, "%s", hint);
    return ERR_INVALID;
}

/* ---- scalars ---- */

static enum err_code take_text(const struct json_input *input, const struct json_place *place,
                               const struct json_value *value, const char **out)
{
    size_t len;
    if (json_tree_shape(value) != JSON_SHAPE_TEXT)
        return refuse_shape(input, place, value, "text");
    const char *text = json_tree_text(value, &len);
    *out = arena_strndup(input->arena, text, len);
    return ERR_OK;
}

static enum err_code decode_text(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *value, const struct json_field *field,
                                 const char **out)
{
    struct err inner = ERR_INIT;
    enum err_code code = take_text(input, place, value, out);
    if (code != ERR_OK)
        return code;
    code = json_check_text(field, *out, &inner);
    return code == ERR_OK ? ERR_OK : refuse_inner(input, place, code, &inner);
}

static enum err_code decode_bool(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *value, bool *out)
{
    if (json_tree_shape(value) != JSON_SHAPE_BOOL)
        return refuse_shape(input, place, value, "true or false");
    *out = json_tree_bool(value);
    return ERR_OK;
}

static enum err_code decode_number(const struct json_input *input, const struct json_place *place,
                                   const struct json_value *value, const struct json_field *field,
                                   double *out)
{
    struct err inner = ERR_INIT;
    enum json_shape shape = json_tree_shape(value);
    if (shape != JSON_SHAPE_INT && shape != JSON_SHAPE_REAL)
        return refuse_shape(input, place, value, "a number");
    *out = json_tree_double(value);
    enum err_code code = json_check_number(field, *out, &inner);
    return code == ERR_OK ? ERR_OK : refuse_inner(input, place, code, &inner);
}

static enum err_code decode_int(const struct json_input *input, const struct json_place *place,
                                const struct json_value *value, const struct json_field *field,
                                int64_t *out)
{
    const double exact = 9007199254740992.0; /* 2^53: above it a double is no exact integer */
    double number;
    enum json_shape shape = json_tree_shape(value);
    if (shape != JSON_SHAPE_INT && shape != JSON_SHAPE_REAL)
        return refuse_shape(input, place, value, "a whole number");
    if (shape == JSON_SHAPE_REAL) {
        number = json_tree_double(value);
        if (number != floor(number) || fabs(number) > exact)
            return refuse_shape(input, place, value, "a whole number");
    }
    enum err_code code = decode_number(input, place, value, field, &number);
    if (code == ERR_OK)
        *out = shape == JSON_SHAPE_INT ? json_tree_int(value) : (int64_t)number;
    return code;
}

static enum err_code decode_decimal(const struct json_input *input, const struct json_place *place,
                                    const struct json_value *value, const struct json_field *field,
                                    int64_t *out)
{
    double number;
    enum err_code code = decode_number(input, place, value, field, &number);
    if (code != ERR_OK)
        return code;
    if (!json_decimal_from_double(number, out))
        return json_fail(input, place, ERR_INVALID, "an amount is at most %.0f, found %.15g",
                         JSON_DECIMAL_MAX, number);
    return ERR_OK;
}

static enum err_code decode_enum(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *value, const struct json_field *field,
                                 int *out)
{
    size_t len;
    if (json_tree_shape(value) != JSON_SHAPE_TEXT)
        return refuse_shape(input, place, value, "text");
    const char *text = json_tree_text(value, &len);
    *out = json_enum_find(field->names, text);
    return *out != 0 ? ERR_OK : refuse_name(input, place, field->names, text, len);
}

static enum err_code decode_time(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *value, int64_t *out)
{
    struct err inner = ERR_INIT;
    if (json_tree_shape(value) != JSON_SHAPE_TEXT)
        return refuse_shape(input, place, value, "a time as text");
    enum err_code code = clock_parse(json_tree_text(value, NULL), out, &inner);
    if (code == ERR_OK)
        return ERR_OK;
    refuse_inner(input, place, code, &inner);
    if (inner.hint[0] == '\0')
        err_hint(input->err, "write it as 2026-11-23T12:00:00Z");
    return code;
}

static enum err_code decode_raw(const struct json_input *input, const struct json_value *value,
                                const char **out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_tree_write(value, &text);
    *out = arena_strndup(input->arena, buf_str(&text), text.len);
    return ERR_OK;
}

/* ---- lists and maps ---- */

/* Room as LIST_ADD would have made it: the next power of two, so that C code can add. */
static void *list_room(struct arena *arena, size_t count, size_t item_size)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return arena_array(arena, room, item_size);
}

static size_t item_size(const struct json_field *field)
{
    switch (field->kind) {
    case JSON_ARRAY:
        return field->table->size;
    case JSON_STRINGS:
        return sizeof(const char *);
    case JSON_ENUMS:
        return sizeof(int);
    case JSON_DOUBLES:
        return sizeof(double);
    case JSON_NUMBER_MAP:
        return sizeof(struct json_number_pair);
    default:
        return sizeof(struct json_string_pair);
    }
}

static enum err_code check_arena(const struct json_input *input, const struct json_place *place)
{
    struct err inner = ERR_INIT;
    enum err_code code = arena_check(input->arena, &inner);
    return code == ERR_OK ? ERR_OK : refuse_inner(input, place, code, &inner);
}

static enum err_code list_begin(const struct json_input *input, const struct json_place *place,
                                const struct json_value *value, const struct json_field *field,
                                struct json_list *list)
{
    struct err inner = ERR_INIT;
    size_t count = json_tree_size(value);
    enum err_code code = json_check_count(field, count, &inner);
    if (code != ERR_OK)
        return refuse_inner(input, place, code, &inner);
    if (count == 0)
        return ERR_OK;
    list->items = list_room(input->arena, count, item_size(field));
    list->count = count;
    return check_arena(input, place);
}

static enum err_code decode_list(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *value, const struct json_field *field,
                                 struct json_list *list)
{
    if (json_tree_shape(value) != JSON_SHAPE_ARRAY)
        return refuse_shape(input, place, value, "a list");
    enum err_code code = list_begin(input, place, value, field, list);

    size_t size = item_size(field);
    for (size_t i = 0; i < list->count && code == ERR_OK; i++) {
        struct json_place at = {.up = place, .ordinal = i};
        const struct json_value *item = json_tree_item(value, i);
        void *slot = (char *)list->items + i * size;
        switch (field->kind) {
        case JSON_ARRAY:
            code = decode_object(input, &at, item, field->table, slot);
            break;
        case JSON_STRINGS:
            code = decode_text(input, &at, item, field, slot);
            break;
        case JSON_ENUMS:
            code = decode_enum(input, &at, item, field, slot);
            break;
        default:
            code = decode_number(input, &at, item, field, slot);
            break;
        }
        if (code == ERR_OK && arena_check(input->arena, NULL) != ERR_OK)
            code = check_arena(input, &at);
    }
    return code;
}

static enum err_code decode_map(const struct json_input *input, const struct json_place *place,
                                const struct json_value *value, const struct json_field *field,
                                struct json_list *list)
{
    if (json_tree_shape(value) != JSON_SHAPE_OBJECT)
        return refuse_shape(input, place, value, "an object");
    enum err_code code = list_begin(input, place, value, field, list);

    size_t i = 0;
    for (void *it = json_tree_first(value); it != NULL && code == ERR_OK;
         it = json_tree_next(value, it), i++) {
        struct err inner = ERR_INIT;
        struct json_place at = {.up = place, .key = json_tree_key(it), .ordinal = i};
        const char *name = arena_strdup(input->arena, at.key);
        code = json_check_text(field, name, &inner);
        if (code != ERR_OK)
            return refuse_inner(input, &at, code, &inner);
        if (field->kind == JSON_NUMBER_MAP) {
            struct json_number_pair *pair = (struct json_number_pair *)list->items + i;
            pair->name = name;
            code = decode_number(input, &at, json_tree_value(it), field, &pair->value);
        } else {
            struct json_string_pair *pair = (struct json_string_pair *)list->items + i;
            pair->name = name;
            code = take_text(input, &at, json_tree_value(it), &pair->value);
        }
        if (code == ERR_OK && arena_check(input->arena, NULL) != ERR_OK)
            code = check_arena(input, &at);
    }
    return code;
}

/* ---- objects ---- */

static enum err_code decode_member(const struct json_input *input, const struct json_place *place,
                                   const struct json_value *value, const struct json_field *field,
                                   void *out)
{
    struct opt_bool *opt_bool = out;
    struct opt_int *opt_int = out;
    struct opt_double *opt_double = out;
    switch (field->kind) {
    case JSON_STRING:
        return decode_text(input, place, value, field, out);
    case JSON_BOOL:
        return decode_bool(input, place, value, out);
    case JSON_INT:
        return decode_int(input, place, value, field, out);
    case JSON_DOUBLE:
        return decode_number(input, place, value, field, out);
    case JSON_OPT_BOOL:
        opt_bool->set = true;
        return decode_bool(input, place, value, &opt_bool->value);
    case JSON_OPT_INT:
        opt_int->set = true;
        return decode_int(input, place, value, field, &opt_int->value);
    case JSON_OPT_DOUBLE:
        opt_double->set = true;
        return decode_number(input, place, value, field, &opt_double->value);
    case JSON_DECIMAL:
        return decode_decimal(input, place, value, field, out);
    case JSON_ENUM:
        return decode_enum(input, place, value, field, out);
    case JSON_TIME:
        return decode_time(input, place, value, out);
    case JSON_OBJECT:
        return decode_object(input, place, value, field->table, out);
    case JSON_OBJECT_PTR:
        *(void **)out = arena_zalloc(input->arena, field->table->size);
        return decode_object(input, place, value, field->table, *(void **)out);
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
        return decode_list(input, place, value, field, out);
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        return decode_map(input, place, value, field, out);
    case JSON_RAW:
        return decode_raw(input, value, out);
    }
    return ERR_BUG;
}

static enum err_code refuse_missing(const struct json_input *input, const struct json_place *place,
                                    const struct json_field *field)
{
    struct json_place at = {.up = place, .key = field->name};
    json_fail(input, place, ERR_INVALID, "'%s' is required", field->name);
    if (input->err != NULL) {
        char path[sizeof input->err->field];
        json_place_path(&at, path, sizeof path);
        err_field(input->err, "%s", path);
    }
    return ERR_INVALID;
}

static enum err_code decode_object(const struct json_input *input, const struct json_place *place,
                                   const struct json_value *value, const struct json_table *table,
                                   void *out)
{
    uint64_t seen[JSON_FIELDS_MAX / 64] = {0};
    size_t ordinal = 0;
    size_t next = 0;
    assert(table->field_count <= JSON_FIELDS_MAX);

    if (json_tree_shape(value) != JSON_SHAPE_OBJECT)
        return refuse_shape(input, place, value, "an object");
    for (void *it = json_tree_first(value); it != NULL; it = json_tree_next(value, it)) {
        struct json_place at = {.up = place, .key = json_tree_key(it), .ordinal = ordinal++};
        size_t i = json_field_find(table, at.key, next);
        if (i == JSON_NO_FIELD)
            return refuse_key(input, &at, table);
        const struct json_field *field = &table->fields[i];
        if ((field->flags & JSON_READ_ONLY) != 0 && !input->trusted)
            return json_fail(input, &at, ERR_INVALID, "'%s' is read-only", field->name);
        enum err_code code =
            decode_member(input, &at, json_tree_value(it), field, (char *)out + field->offset);
        if (code != ERR_OK)
            return code;
        seen[i / 64] |= UINT64_C(1) << (i % 64);
        next = i + 1;
    }
    for (size_t i = 0; i < table->field_count; i++) {
        const struct json_field *field = &table->fields[i];
        bool needed = (field->flags & JSON_REQUIRED) != 0 && (field->flags & JSON_READ_ONLY) == 0;
        if (needed && (seen[i / 64] >> (i % 64) & 1) == 0)
            return refuse_missing(input, place, field);
    }
    return json_run_check(input, place, value, table, out);
}

enum err_code json_decode_tree(const struct json_input *input, const struct json_value *root,
                               const struct json_table *table, void *out)
{
    memset(out, 0, table->size);
    enum err_code code = decode_object(input, NULL, root, table, out);
    return code == ERR_OK ? check_arena(input, NULL) : code;
}

/* ---- the doors ---- */

static enum err_code decode(struct json_input *input, const struct json_table *table, void *out)
{
    CLEANUP(json_tree_free_at) struct json_value *root = NULL;
    memset(out, 0, table->size);
    enum err_code code = json_read_bytes(input);
    if (code == ERR_OK)
        code = input->yaml ? yaml_read_tree(input, &root) : json_read_tree(input, &root);
    return code == ERR_OK ? json_decode_tree(input, root, table, out) : code;
}

enum err_code json_decode(const char *text, size_t len, const struct json_table *table,
                          const struct json_limits *limits, void *out, struct arena *arena,
                          struct err *err)
{
    struct json_input input = {
        .text = text,
        .len = len,
        .limits = limits != NULL ? limits : &json_limits_default,
        .arena = arena,
        .err = err,
    };
    return decode(&input, table, out);
}

enum err_code json_decode_stored(const char *text, const struct json_table *table, void *out,
                                 struct arena *arena, struct err *err)
{
    struct err why = ERR_INIT;
    struct json_input input = {
        .text = text != NULL ? text : "null",
        .len = strlen(text != NULL ? text : "null"),
        .limits = &json_limits_large,
        .arena = arena,
        .err = &why,
        .trusted = true,
    };
    if (decode(&input, table, out) == ERR_OK)
        return ERR_OK;
    err_set(err, ERR_CORRUPT, "a stored %s cannot be read: %s", table->name, why.text);
    return err_field(err, "%s", why.field);
}

static bool looks_like_json(const char *text, size_t len)
{
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0')
        at++;
    return at < len && (text[at] == '{' || text[at] == '[');
}

enum err_code json_decode_yaml(const char *text, size_t len, const struct json_table *table,
                               const struct json_limits *limits, void *out, struct arena *arena,
                               struct err *err)
{
    struct json_input input = {
        .text = text,
        .len = len,
        .yaml = !looks_like_json(text, len),
        .limits = limits != NULL ? limits : &json_limits_default,
        .arena = arena,
        .err = err,
    };
    return decode(&input, table, out);
}

enum err_code json_decode_file(const char *path, const struct json_table *table,
                               const struct json_limits *limits, void *out, struct arena *arena,
                               struct err *err)
{
    if (limits == NULL)
        limits = &json_limits_default;
    CLEANUP(buf_done) struct buf text = {.max = limits->bytes + 1};
    memset(out, 0, table->size);
    enum err_code code = file_read(path, limits->bytes, &text, err);
    if (code != ERR_OK)
        return code;
    if (str_has_suffix(path, ".json"))
        code = json_decode(buf_str(&text), text.len, table, limits, out, arena, err);
    else
        code = json_decode_yaml(buf_str(&text), text.len, table, limits, out, arena, err);
    if (code != ERR_OK)
        err_context(err, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
    return code;
}
