/* json_merge.c - RFC 7386 merge patch of a value that has a table: what PATCH does.
 *
 * Contract: the object is written whole (read-only and secret members too), the patch is merged
 * into that tree, and the result is decoded as any input, so a patch can bring about nothing that a
 * full input could not.  Unknown and read-only members may not stand in the patch, not even as
 * null. */
#include <string.h>

#include "base/json_priv.h"

static enum err_code check_patch(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *patch, const struct json_table *table);

static enum err_code check_member(const struct json_input *input, const struct json_place *place,
                                  const struct json_value *value, const struct json_table *table)
{
    char shown[JSON_SHOWN_SIZE];
    size_t i = json_field_find(table, place->key, 0);
    if (i == JSON_NO_FIELD)
        return json_fail(input, place, ERR_INVALID, "unknown key '%s'",
                         json_shown(place->key, strlen(place->key), shown));
    const struct json_field *field = &table->fields[i];
    if ((field->flags & JSON_READ_ONLY) != 0)
        return json_fail(input, place, ERR_INVALID, "'%s' is read-only", field->name);
    if (field->kind == JSON_OBJECT || field->kind == JSON_OBJECT_PTR)
        return check_patch(input, place, value, field->table);
    if (field->kind != JSON_ARRAY || json_tree_shape(value) != JSON_SHAPE_ARRAY)
        return ERR_OK;
    for (size_t item = 0; item < json_tree_size(value); item++) {
        struct json_place at = {.up = place, .ordinal = item};
        enum err_code code = check_patch(input, &at, json_tree_item(value, item), field->table);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* Wrong shapes pass here; the decoder refuses them after the merge. */
static enum err_code check_patch(const struct json_input *input, const struct json_place *place,
                                 const struct json_value *patch, const struct json_table *table)
{
    size_t ordinal = 0;
    if (json_tree_shape(patch) != JSON_SHAPE_OBJECT)
        return ERR_OK;
    for (void *it = json_tree_first(patch); it != NULL; it = json_tree_next(patch, it)) {
        struct json_place at = {.up = place, .key = json_tree_key(it), .ordinal = ordinal++};
        enum err_code code = check_member(input, &at, json_tree_value(it), table);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* Arrays and scalars of the patch are shared with the result, objects never: what is changed here
 * belongs to `target` alone. */
static void merge_into(struct json_value *target, const struct json_value *patch)
{
    for (void *it = json_tree_first(patch); it != NULL; it = json_tree_next(patch, it)) {
        const char *key = json_tree_key(it);
        struct json_value *value = json_tree_value(it);
        struct json_value *old = json_tree_member(target, key);
        switch (json_tree_shape(value)) {
        case JSON_SHAPE_NULL:
            json_tree_remove(target, key);
            break;
        case JSON_SHAPE_OBJECT:
            if (json_tree_shape(old) != JSON_SHAPE_OBJECT) {
                old = json_tree_new_object();
                json_tree_set(target, key, old);
            }
            merge_into(old, value);
            break;
        default:
            json_tree_set(target, key, json_tree_ref(value));
            break;
        }
    }
}

static enum err_code read_object(const struct json_table *table, const void *object,
                                 struct json_value **out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode_all(table, object, &text);
    struct json_input input = {.limits = &json_limits_large, .err = err};
    input.text = buf_str(&text);
    input.len = text.len;
    enum err_code code = buf_check(&text, err);
    return code == ERR_OK ? json_read_tree(&input, out) : code;
}

enum err_code json_merge(const struct json_table *table, const void *object, const char *patch,
                         size_t patch_len, void *out, struct arena *arena, struct err *err)
{
    CLEANUP(json_tree_free_at) struct json_value *target = NULL;
    CLEANUP(json_tree_free_at) struct json_value *change = NULL;
    struct json_input input = {
        .text = patch,
        .len = patch_len,
        .limits = &json_limits_default,
        .arena = arena,
        .err = err,
    };
    memset(out, 0, table->size);
    enum err_code code = json_read_bytes(&input);
    if (code == ERR_OK)
        code = json_read_tree(&input, &change);
    if (code != ERR_OK)
        return code;
    if (json_tree_shape(change) != JSON_SHAPE_OBJECT)
        return json_fail(&input, NULL, ERR_INVALID, "a merge patch is an object");
    code = check_patch(&input, NULL, change, table);
    if (code == ERR_OK)
        code = read_object(table, object, &target, err);
    if (code != ERR_OK)
        return code;
    merge_into(target, change);
    input.text = NULL; /* places of the merged tree are not places of the patch */
    input.trusted = true;
    return json_decode_tree(&input, target, table, out);
}
