/* json_doc.c - loose reading of JSON whose shape is not ours.
 *
 * Contract: every reader takes NULL and wrong shapes and answers with its fallback, so that a chain
 * of them needs one check at the end.  Values live as long as their document. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_priv.h"
#include "base/mem.h"
#include "base/str.h"

struct json_doc {
    struct json_value *root;
};

enum err_code json_parse(const char *text, size_t len, const struct json_limits *limits,
                         struct json_doc **out, struct err *err)
{
    struct json_value *root = NULL;
    struct json_input input = {
        .text = text,
        .len = len,
        .limits = limits != NULL ? limits : &json_limits_default,
        .err = err,
    };
    *out = NULL;
    enum err_code code = json_read_bytes(&input);
    if (code == ERR_OK)
        code = json_read_tree(&input, &root);
    if (code != ERR_OK)
        return code;
    *out = mem_zalloc(sizeof **out);
    (*out)->root = root;
    return ERR_OK;
}

enum err_code json_parse_yaml(const char *text, size_t len, const struct json_limits *limits,
                              struct json_doc **out, struct err *err)
{
    struct json_value *root = NULL;
    struct json_input input = {
        .text = text,
        .len = len,
        .yaml = true,
        .limits = limits != NULL ? limits : &json_limits_default,
        .err = err,
    };
    *out = NULL;
    enum err_code code = json_read_bytes(&input);
    if (code == ERR_OK)
        code = yaml_read_tree(&input, &root);
    if (code != ERR_OK)
        return code;
    *out = mem_zalloc(sizeof **out);
    (*out)->root = root;
    return ERR_OK;
}

void json_doc_free(struct json_doc *doc)
{
    if (doc == NULL)
        return;
    json_tree_free(doc->root);
    mem_free(doc);
}

void json_doc_free_at(struct json_doc **doc)
{
    json_doc_free(*doc);
    *doc = NULL;
}

const struct json_value *json_root(const struct json_doc *doc)
{
    return doc != NULL ? doc->root : NULL;
}

const struct json_value *json_get(const struct json_value *value, const char *key)
{
    return json_tree_member(value, key);
}

const struct json_value *json_at(const struct json_value *value, size_t index)
{
    return json_tree_item(value, index);
}

const struct json_value *json_path(const struct json_value *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);
            if (*end != ']' || end == path + 1)
                return NULL;
            value = json_at(value, index);
            path = end + 1;
        } else {
            size_t len = strcspn(path, ".[");
            char key[256];
            if (len == 0 || len >= sizeof key)
                return NULL;
            memcpy(key, path, len);
            key[len] = '\0';
            value = json_get(value, key);
            path += len;
        }
        if (*path == '.' && path[1] != '\0')
            path++;
    }
    return value;
}

size_t json_size(const struct json_value *value)
{
    return json_tree_size(value);
}

const char *json_text(const struct json_value *value, const char *fallback)
{
    if (json_tree_shape(value) != JSON_SHAPE_TEXT)
        return fallback;
    return json_tree_text(value, NULL);
}

double json_number(const struct json_value *value, double fallback)
{
    enum json_shape shape = json_tree_shape(value);
    if (shape != JSON_SHAPE_INT && shape != JSON_SHAPE_REAL)
        return fallback;
    return json_tree_double(value);
}

int64_t json_int(const struct json_value *value, int64_t fallback)
{
    enum json_shape shape = json_tree_shape(value);
    if (shape == JSON_SHAPE_INT)
        return json_tree_int(value);
    if (shape != JSON_SHAPE_REAL)
        return fallback;
    double number = json_tree_double(value);
    if (number != trunc(number) || fabs(number) > 9007199254740992.0) /* 2^53 */
        return fallback;
    return (int64_t)number;
}

bool json_boolean(const struct json_value *value, bool fallback)
{
    return json_tree_shape(value) == JSON_SHAPE_BOOL ? json_tree_bool(value) : fallback;
}

/* *at holds jansson's iterator, which is the address of the member returned last. */
bool json_each(const struct json_value *object, size_t *at, const char **key,
               const struct json_value **member)
{
    void *next =
        *at == 0 ? json_tree_first(object) : json_tree_next(object, (void *)(uintptr_t)*at);
    if (next == NULL)
        return false;
    *at = (size_t)(uintptr_t)next;
    *key = json_tree_key(next);
    *member = json_tree_value(next);
    return true;
}
