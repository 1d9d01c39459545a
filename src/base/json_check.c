/* json_check.c - what a field's flags, bounds and names admit, for decoded and for C-made structs.
 *
 * Contract: the decoder and json_validate ask the same functions, so a struct that validates is one
 * whose encoded form decodes.  An optional plain number that is 0 counts as absent. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_priv.h"
#include "base/str.h"

#define NAME_BYTES_MAX 128

size_t json_field_find(const struct json_table *table, const char *key, size_t from)
{
    for (size_t i = from; i < table->field_count; i++) {
        if (strcmp(table->fields[i].name, key) == 0)
            return i;
    }
    for (size_t i = 0; i < from && i < table->field_count; i++) {
        if (strcmp(table->fields[i].name, key) == 0)
            return i;
    }
    return JSON_NO_FIELD;
}

int json_enum_find(const char *const *names, const char *text)
{
    for (int i = 1; text != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return 0;
}

const char *json_enum_name(const char *const *names, int value)
{
    for (int i = 1; value > 0 && names[i] != NULL; i++) {
        if (i == value)
            return names[i];
    }
    return NULL;
}

enum err_code json_check_text(const struct json_field *field, const char *text, struct err *err)
{
    if ((field->flags & JSON_NAME) != 0)
        return str_check_name(text, NAME_BYTES_MAX, field->name, err);
    bool text_kind = field->kind == JSON_STRING || field->kind == JSON_RAW;
    if ((field->flags & JSON_NON_EMPTY) != 0 && text_kind && text[0] == '\0')
        return err_set(err, ERR_INVALID, "must not be empty");
    if (field->max_len > 0 && text_kind && strlen(text) > field->max_len)
        return err_set(err, ERR_TOO_LARGE, "the text has %zu bytes (the limit is %zu)",
                       strlen(text), field->max_len);
    return ERR_OK;
}

enum err_code json_check_number(const struct json_field *field, double value, struct err *err)
{
    if (!isfinite(value))
        return err_set(err, ERR_INVALID, "must be a finite number");
    if ((field->flags & JSON_POSITIVE) != 0 && !(value > 0))
        return err_set(err, ERR_INVALID, "must be greater than 0, found %.15g", value);
    if ((field->flags & JSON_NON_NEGATIVE) != 0 && !(value >= 0))
        return err_set(err, ERR_INVALID, "must not be negative, found %.15g", value);
    if (field->min < field->max && value < field->min)
        return err_set(err, ERR_INVALID, "must be at least %.15g, found %.15g", field->min, value);
    if (field->min < field->max && value > field->max)
        return err_set(err, ERR_INVALID, "must be at most %.15g, found %.15g", field->max, value);
    return ERR_OK;
}

enum err_code json_check_count(const struct json_field *field, size_t count, struct err *err)
{
    if ((field->flags & JSON_NON_EMPTY) != 0 && count == 0)
        return err_set(err, ERR_INVALID, "must not be empty");
    if (field->max_len > 0 && count > field->max_len)
        return err_set(err, ERR_TOO_LARGE, "has %zu items (the limit is %zu)", count,
                       field->max_len);
    return ERR_OK;
}

/* ---- check functions ---- */

/* The place of the deepest member of `value` that the path `rest` ("capacity.vcpus", "items[2].id")
 * names, then the error set there with the whole path as its field. */
static enum err_code fail_below(const struct json_input *input, const struct json_place *place,
                                const struct json_value *value, const char *rest,
                                enum err_code code, const struct err *inner)
{
    char key[128];
    struct json_place at = {.up = place};
    const struct json_value *next = NULL;
    char *end;

    if (*rest == '.')
        rest++;
    if (*rest == '[') {
        at.ordinal = strtoul(rest + 1, &end, 10);
        if (*end == ']')
            next = json_tree_item(value, at.ordinal);
        rest = *end == ']' ? end + 1 : end;
    } else if (*rest != '\0') {
        str_format(key, sizeof key, "%.*s", (int)strcspn(rest, ".["), rest);
        at.key = key;
        for (void *it = json_tree_first(value); it != NULL; it = json_tree_next(value, it)) {
            if (strcmp(json_tree_key(it), key) == 0) {
                next = json_tree_value(it);
                break;
            }
            at.ordinal++;
        }
        rest += strcspn(rest, ".[");
    }
    if (next != NULL)
        return fail_below(input, &at, next, rest, code, inner);
    return json_fail(input, place, code, "%s", inner->text);
}

enum err_code json_run_check(const struct json_input *input, const struct json_place *place,
                             const struct json_value *value, const struct json_table *table,
                             const void *object)
{
    if (table->check == NULL)
        return ERR_OK;
    struct err inner = ERR_INIT;
    enum err_code code = table->check(object, &inner);
    if (code == ERR_OK || input->err == NULL)
        return code;
    fail_below(input, place, value, inner.field, code, &inner);
    char outer[sizeof inner.field];
    json_place_path(place, outer, sizeof outer);
    bool dot = outer[0] != '\0' && inner.field[0] != '\0' && inner.field[0] != '[';
    err_field(input->err, "%s%s%s", outer, dot ? "." : "", inner.field);
    if (inner.hint[0] != '\0')
        err_hint(input->err, "%s", inner.hint);
    return code;
}

/* ---- json_validate ---- */

static enum err_code validate_object(const struct json_input *input, const struct json_place *place,
                                     const struct json_table *table, const void *object);

static enum err_code tell(const struct json_input *input, const struct json_place *place,
                          enum err_code code, const struct err *inner)
{
    return code == ERR_OK ? ERR_OK : json_fail(input, place, code, "%s", inner->text);
}

static enum err_code validate_enum(const struct json_input *input, const struct json_place *place,
                                   const struct json_field *field, int value)
{
    if (json_enum_name(field->names, value) == NULL)
        return json_fail(input, place, ERR_INVALID, "%d is not one of the values", value);
    return ERR_OK;
}

static enum err_code validate_list(const struct json_input *input, const struct json_place *place,
                                   const struct json_field *field, const struct json_list *list)
{
    struct err inner = ERR_INIT;
    if (list->count == 0 && (field->flags & JSON_REQUIRED) == 0)
        return ERR_OK; /* absent */
    enum err_code code = json_check_count(field, list->count, &inner);
    if (code != ERR_OK)
        return tell(input, place, code, &inner);

    for (size_t i = 0; i < list->count && code == ERR_OK; i++) {
        struct json_place at = {.up = place, .ordinal = i};
        const char *text = NULL;
        const struct json_number_pair *number;
        switch (field->kind) {
        case JSON_ARRAY:
            code = validate_object(input, &at, field->table,
                                   (const char *)list->items + i * field->table->size);
            break;
        case JSON_STRINGS:
            text = ((const char *const *)list->items)[i];
            code = text == NULL ? err_set(&inner, ERR_INVALID, "has no text")
                                : json_check_text(field, text, &inner);
            code = tell(input, &at, code, &inner);
            break;
        case JSON_ENUMS:
            code = validate_enum(input, &at, field, ((const int *)list->items)[i]);
            break;
        case JSON_DOUBLES:
            code = json_check_number(field, ((const double *)list->items)[i], &inner);
            code = tell(input, &at, code, &inner);
            break;
        case JSON_NUMBER_MAP:
            number = (const struct json_number_pair *)list->items + i;
            at.key = number->name;
            code = json_check_text(field, number->name, &inner);
            if (code == ERR_OK)
                code = json_check_number(field, number->value, &inner);
            code = tell(input, &at, code, &inner);
            break;
        case JSON_STRING_MAP:
            at.key = ((const struct json_string_pair *)list->items)[i].name;
            code = tell(input, &at, json_check_text(field, at.key, &inner), &inner);
            break;
        default:
            break;
        }
    }
    return code;
}

static bool is_absent(const struct json_field *field, const void *member)
{
    switch (field->kind) {
    case JSON_STRING:
    case JSON_RAW:
    case JSON_OBJECT_PTR:
        return *(const void *const *)member == NULL;
    case JSON_OPT_BOOL:
        return !((const struct opt_bool *)member)->set;
    case JSON_OPT_INT:
        return !((const struct opt_int *)member)->set;
    case JSON_OPT_DOUBLE:
        return !((const struct opt_double *)member)->set;
    case JSON_ENUM:
        return *(const int *)member == 0;
    case JSON_TIME:
        return *(const int64_t *)member == 0;
    default:
        return false;
    }
}

/* A 0 that need not have been given. */
static bool is_default_number(const struct json_field *field, double value)
{
    return value == 0 && (field->flags & JSON_REQUIRED) == 0;
}

static enum err_code validate_number(const struct json_input *input, const struct json_place *place,
                                     const struct json_field *field, double value, bool optional)
{
    struct err inner = ERR_INIT;
    if (!optional && is_default_number(field, value))
        return ERR_OK;
    return tell(input, place, json_check_number(field, value, &inner), &inner);
}

static enum err_code validate_member(const struct json_input *input, const struct json_place *place,
                                     const struct json_field *field, const void *member)
{
    struct err inner = ERR_INIT;
    if (is_absent(field, member)) {
        if ((field->flags & JSON_REQUIRED) != 0)
            return json_fail(input, place, ERR_INVALID, "'%s' is required", field->name);
        return ERR_OK;
    }
    switch (field->kind) {
    case JSON_STRING:
    case JSON_RAW:
        return tell(input, place, json_check_text(field, *(const char *const *)member, &inner),
                    &inner);
    case JSON_INT:
        return validate_number(input, place, field, (double)*(const int64_t *)member, false);
    case JSON_DECIMAL:
        return validate_number(input, place, field,
                               (double)*(const int64_t *)member / (double)JSON_MILLION, false);
    case JSON_DOUBLE:
        return validate_number(input, place, field, *(const double *)member, false);
    case JSON_OPT_INT:
        return validate_number(input, place, field, (double)((const struct opt_int *)member)->value,
                               true);
    case JSON_OPT_DOUBLE:
        return validate_number(input, place, field, ((const struct opt_double *)member)->value,
                               true);
    case JSON_ENUM:
        return validate_enum(input, place, field, *(const int *)member);
    case JSON_OBJECT:
        if ((field->flags & JSON_REQUIRED) == 0 && json_table_is_empty(field->table, member))
            return ERR_OK;
        return validate_object(input, place, field->table, member);
    case JSON_OBJECT_PTR:
        return validate_object(input, place, field->table, *(const void *const *)member);
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        return validate_list(input, place, field, member);
    case JSON_BOOL:
    case JSON_OPT_BOOL:
    case JSON_TIME:
        break;
    }
    return ERR_OK;
}

static enum err_code validate_object(const struct json_input *input, const struct json_place *place,
                                     const struct json_table *table, const void *object)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const struct json_field *field = &table->fields[i];
        struct json_place at = {.up = place, .key = field->name, .ordinal = i};
        enum err_code code = validate_member(input, &at, field, json_member_at(object, field));
        if (code != ERR_OK)
            return code;
    }
    return json_run_check(input, place, NULL, table, object);
}

enum err_code json_validate(const struct json_table *table, const void *object, struct err *err)
{
    struct json_input input = {.limits = &json_limits_default, .err = err};
    return validate_object(&input, NULL, table, object);
}
