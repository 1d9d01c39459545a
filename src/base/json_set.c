/* json_set.c - one member of a struct by its path, from text.
 *
 * Contract: the tables that decode a struct say what a path means and what its value may be, so a
 * value that was set is one that could have been decoded.  On failure the struct may have got empty
 * objects on the way to the member: callers work on a copy. */
#include <math.h>
#include <string.h>

#include "base/json_priv.h"
#include "base/str.h"

struct target { /* a path being walked */
    const char *path;
    const struct json_table *table;
    void *object;
    struct arena *arena;
    struct err *err;
};

size_t json_field_size(const struct json_field *field)
{
    switch (field->kind) {
    case JSON_STRING:
    case JSON_RAW:
    case JSON_OBJECT_PTR:
        return sizeof(void *);
    case JSON_BOOL:
        return sizeof(bool);
    case JSON_INT:
    case JSON_DECIMAL:
    case JSON_TIME:
        return sizeof(int64_t);
    case JSON_DOUBLE:
        return sizeof(double);
    case JSON_OPT_BOOL:
        return sizeof(struct opt_bool);
    case JSON_OPT_INT:
        return sizeof(struct opt_int);
    case JSON_OPT_DOUBLE:
        return sizeof(struct opt_double);
    case JSON_ENUM:
        return sizeof(int);
    case JSON_OBJECT:
        return field->table->size;
    case JSON_ARRAY:
    case JSON_STRINGS:
    case JSON_ENUMS:
    case JSON_DOUBLES:
    case JSON_NUMBER_MAP:
    case JSON_STRING_MAP:
        return sizeof(struct json_list);
    }
    return 0;
}

static enum err_code refuse(const struct target *target, const char *hint)
{
    if (hint && hint[0])
        err_hint(target->err, "%s", hint);
    return err_field(target->err, "%s", target->path);
}

static enum err_code no_field(const struct target *target, const char *name)
{
    struct str_suggestion near = {.word = name};
    for (size_t i = 0; i < target->table->field_count; i++)
        str_suggest(&near, target->table->fields[i].name);
    const char *best = str_suggested(&near);
    err_set(target->err, ERR_INVALID, "'%s' is no field of %s", name, target->table->name);
    return refuse(target, best ? arena_printf(target->arena, "did you mean '%s'?", best) : NULL);
}

static enum err_code no_name(const struct target *target, const struct json_field *field,
                             const char *text)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    struct str_suggestion near = {.word = text};
    for (size_t i = 1; field->names[i]; i++) {
        str_suggest(&near, field->names[i]);
        buf_printf(&all, "%s%s", i > 1 ? ", " : "one of: ", field->names[i]);
    }
    const char *best = str_suggested(&near);
    err_set(target->err, ERR_INVALID, "'%s' is no %s", text, field->name);
    return refuse(target,
                  best ? arena_printf(target->arena, "did you mean '%s'?", best) : buf_str(&all));
}

static enum err_code read_bool(const struct target *target, const char *text, bool *out)
{
    *out = str_eq(text, "true");
    if (*out || str_eq(text, "false"))
        return ERR_OK;
    err_set(target->err, ERR_INVALID, "must be true or false, found '%s'", text);
    return refuse(target, NULL);
}

static enum err_code read_number(const struct target *target, const struct json_field *field,
                                 const char *text, double *out)
{
    if (str_to_double(text, out, NULL)) {
        err_set(target->err, ERR_INVALID, "must be a number, found '%s'", text);
        return refuse(target, NULL);
    }
    return json_check_number(field, *out, target->err) ? refuse(target, NULL) : ERR_OK;
}

static enum err_code read_int(const struct target *target, const struct json_field *field,
                              const char *text, int64_t *out)
{
    if (str_to_int64(text, out, NULL)) {
        err_set(target->err, ERR_INVALID, "must be a whole number, found '%s'", text);
        return refuse(target, NULL);
    }
    return json_check_number(field, (double)*out, target->err) ? refuse(target, NULL) : ERR_OK;
}

/* Words with commas between them, each a text or a name. */
static enum err_code read_list(const struct target *target, const struct json_field *field,
                               const char *text, void *member)
{
    LIST(const char *) texts = {NULL, 0};
    LIST(int) values = {NULL, 0};
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        const char *one = arena_strndup(target->arena, at, len);
        if (field->kind == JSON_STRINGS) {
            *LIST_ADD(target->arena, &texts) = one;
        } else {
            int value = json_enum_find(field->names, one);
            if (!value)
                return no_name(target, field, one);
            *LIST_ADD(target->arena, &values) = value;
        }
        at += len + (at[len] == ',');
    }
    struct json_list list = {texts.items, texts.count};
    if (field->kind == JSON_ENUMS)
        list = (struct json_list){values.items, values.count};
    memcpy(member, &list, sizeof list);
    return ERR_OK;
}

static enum err_code set_text(const struct target *target, const struct json_field *field,
                              const char *text, void *member)
{
    if (!str_is_utf8(text, strlen(text))) {
        err_set(target->err, ERR_INVALID, "the text is not UTF-8");
        return refuse(target, NULL);
    }
    if (json_check_text(field, text, target->err))
        return refuse(target, NULL);
    const char *copy = arena_strdup(target->arena, text);
    memcpy(member, &copy, sizeof copy);
    return ERR_OK;
}

static enum err_code set_scalar(const struct target *target, const struct json_field *field,
                                const char *text, void *member)
{
    struct opt_double number = {true, 0};
    struct opt_int whole = {true, 0};
    struct opt_bool truth = {true, false};
    enum err_code rc;
    int value;
    switch (field->kind) {
    case JSON_STRING:
        return set_text(target, field, text, member);
    case JSON_BOOL:
    case JSON_OPT_BOOL:
        if ((rc = read_bool(target, text, &truth.value)))
            return rc;
        if (field->kind == JSON_BOOL)
            memcpy(member, &truth.value, sizeof truth.value);
        else
            memcpy(member, &truth, sizeof truth);
        return ERR_OK;
    case JSON_INT:
    case JSON_OPT_INT:
        if ((rc = read_int(target, field, text, &whole.value)))
            return rc;
        if (field->kind == JSON_INT)
            memcpy(member, &whole.value, sizeof whole.value);
        else
            memcpy(member, &whole, sizeof whole);
        return ERR_OK;
    case JSON_DOUBLE:
    case JSON_OPT_DOUBLE:
        if ((rc = read_number(target, field, text, &number.value)))
            return rc;
        if (field->kind == JSON_DOUBLE)
            memcpy(member, &number.value, sizeof number.value);
        else
            memcpy(member, &number, sizeof number);
        return ERR_OK;
    case JSON_ENUM:
        if (!(value = json_enum_find(field->names, text)))
            return no_name(target, field, text);
        memcpy(member, &value, sizeof value);
        return ERR_OK;
    case JSON_STRINGS:
    case JSON_ENUMS:
        return read_list(target, field, text, member);
    default:
        err_set(target->err, ERR_INVALID, "'%s' is not set as a whole", target->path);
        return refuse(target, "name one of its fields, or give no value to leave it out");
    }
}

/* One step down: into an object, or an item of a list.  *rest is behind what was read. */
static enum err_code step(struct target *target, const struct json_field *field, void *member,
                          const char **rest)
{
    if (field->kind == JSON_OBJECT) {
        target->object = member;
    } else if (field->kind == JSON_OBJECT_PTR) {
        void *object;
        memcpy(&object, member, sizeof object);
        if (!object) {
            object = arena_zalloc(target->arena, field->table->size);
            memcpy(member, &object, sizeof object);
        }
        target->object = object;
    } else if (field->kind == JSON_ARRAY && **rest == '[') {
        struct json_list list;
        int64_t index;
        size_t len = strcspn(*rest, "]");
        const char *digits = arena_strndup(target->arena, *rest + 1, len ? len - 1 : 0);
        memcpy(&list, member, sizeof list);
        if ((*rest)[len] != ']' || str_to_int64(digits, &index, NULL) || index < 0 ||
            (size_t)index >= list.count) {
            err_set(target->err, ERR_INVALID, "'%s' has %zu items, counted from 0", field->name,
                    list.count);
            return refuse(target, NULL);
        }
        target->object = (char *)list.items + (size_t)index * field->table->size;
        *rest += len + 1;
    } else {
        err_set(target->err, ERR_INVALID, "'%s' has no fields of its own", field->name);
        return refuse(target, NULL);
    }
    target->table = field->table;
    return ERR_OK;
}

enum err_code json_set(const struct json_table *table, void *object, const char *path,
                       const char *text, struct arena *arena, struct err *err)
{
    struct err spare = ERR_INIT;
    struct target target = {path, table, object, arena, err ? err : &spare};
    const char *rest = path;
    for (;;) {
        size_t len = strcspn(rest, ".[");
        const char *name = arena_strndup(arena, rest, len);
        size_t index = json_field_find(target.table, name, 0);
        if (index == JSON_NO_FIELD || (target.table->fields[index].flags & JSON_READ_ONLY))
            return no_field(&target, name);
        const struct json_field *field = &target.table->fields[index];
        void *member = (char *)target.object + field->offset;
        rest += len;
        if (!*rest) {
            if (text && *text)
                return set_scalar(&target, field, text, member);
            memset(member, 0, json_field_size(field));
            return ERR_OK;
        }
        enum err_code rc = step(&target, field, member, &rest);
        if (rc)
            return rc;
        if (*rest != '.' || !rest[1]) {
            err_set(target.err, ERR_INVALID, "'%s' names no field", path);
            return refuse(&target, NULL);
        }
        rest++;
    }
}
