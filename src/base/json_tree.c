/* json_tree.c - the only file that knows jansson.
 *
 * Contract: jansson's memory comes from mem.c, and while a thread has a limit set, allocations
 * beyond it fail, which jansson reports in order; so a small hostile text cannot become a huge
 * tree. The limit counts what is asked for and does not subtract what is freed: it is a bound, not
 * a meter. */
#include "base/json_tree_priv.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* SIZE_MAX: no limit. */
static _Thread_local size_t budget = SIZE_MAX;

static void *tree_malloc(size_t size)
{
    if (budget != SIZE_MAX) {
        if (size > budget)
            return NULL;
        budget -= size;
    }
    return mem_alloc(size);
}

static void install_memory(void)
{
    json_set_alloc_funcs(tree_malloc, mem_free);
    json_object_seed(0); /* a random hash key, taken before any thread needs it */
}

static void start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_memory);
}

static const json_t *inner(const struct json_value *value)
{
    return (const json_t *)(const void *)value;
}

static json_t *inner_mut(struct json_value *value)
{
    return (json_t *)(void *)value;
}

/* jansson's readers take json_t * although they change nothing. */
static json_t *inner_read(const struct json_value *value)
{
    return (json_t *)(uintptr_t)(const void *)value;
}

static struct json_value *outer(json_t *value)
{
    return (struct json_value *)(void *)value;
}

void json_tree_limit(size_t bytes)
{
    start();
    budget = bytes;
}

void json_tree_unlimit(void)
{
    budget = SIZE_MAX;
}

struct json_value *json_tree_load(const char *text, size_t len, struct json_tree_error *error)
{
    start();
    json_error_t inner_error;
    memset(&inner_error, 0, sizeof inner_error);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &inner_error);
    if (root != NULL)
        return outer(root);

    enum json_error_code code = json_error_code(&inner_error);
    error->fault = JSON_TREE_SYNTAX;
    if (code == json_error_duplicate_key)
        error->fault = JSON_TREE_DUPLICATE;
    else if (code == json_error_out_of_memory || inner_error.text[0] == '\0')
        error->fault = JSON_TREE_MEMORY;
    error->position = inner_error.position > 0 ? (size_t)inner_error.position : 0;
    memcpy(error->text, inner_error.text, sizeof error->text);
    error->text[sizeof error->text - 1] = '\0';
    return NULL;
}

void json_tree_free(struct json_value *value)
{
    json_decref(inner_mut(value));
}

void json_tree_free_at(struct json_value **value)
{
    json_tree_free(*value);
    *value = NULL;
}

enum json_shape json_tree_shape(const struct json_value *value)
{
    if (value == NULL)
        return JSON_SHAPE_NULL;
    switch (json_typeof(inner(value))) {
    case JSON_OBJECT:
        return JSON_SHAPE_OBJECT;
    case JSON_ARRAY:
        return JSON_SHAPE_ARRAY;
    case JSON_STRING:
        return JSON_SHAPE_TEXT;
    case JSON_INTEGER:
        return JSON_SHAPE_INT;
    case JSON_REAL:
        return JSON_SHAPE_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_SHAPE_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_SHAPE_NULL;
}

bool json_tree_bool(const struct json_value *value)
{
    return json_is_true(inner(value));
}

int64_t json_tree_int(const struct json_value *value)
{
    return json_integer_value(inner(value));
}

double json_tree_double(const struct json_value *value)
{
    return json_number_value(inner(value));
}

const char *json_tree_text(const struct json_value *value, size_t *len)
{
    if (len != NULL)
        *len = json_string_length(inner(value));
    return json_string_value(inner(value));
}

size_t json_tree_size(const struct json_value *value)
{
    if (json_is_array(inner(value)))
        return json_array_size(inner(value));
    return json_object_size(inner(value)); /* 0 for any other shape */
}

struct json_value *json_tree_item(const struct json_value *array, size_t index)
{
    return outer(json_array_get(inner(array), index));
}

struct json_value *json_tree_member(const struct json_value *object, const char *key)
{
    return outer(json_object_get(inner(object), key));
}

void *json_tree_first(const struct json_value *object)
{
    return json_object_iter(inner_read(object));
}

void *json_tree_next(const struct json_value *object, void *at)
{
    return json_object_iter_next(inner_read(object), at);
}

const char *json_tree_key(void *at)
{
    return json_object_iter_key(at);
}

struct json_value *json_tree_value(void *at)
{
    return outer(json_object_iter_value(at));
}

struct json_value *json_tree_new_null(void)
{
    return outer(json_null());
}

struct json_value *json_tree_new_bool(bool value)
{
    return outer(value ? json_true() : json_false());
}

struct json_value *json_tree_new_int(int64_t value)
{
    start();
    return outer(json_integer(value));
}

struct json_value *json_tree_new_double(double value)
{
    start();
    return outer(json_real(value));
}

struct json_value *json_tree_new_text(const char *text, size_t len)
{
    start();
    return outer(json_stringn_nocheck(text, len));
}

struct json_value *json_tree_new_array(void)
{
    start();
    return outer(json_array());
}

struct json_value *json_tree_new_object(void)
{
    start();
    return outer(json_object());
}

bool json_tree_append(struct json_value *array, struct json_value *item)
{
    return json_array_append_new(inner_mut(array), inner_mut(item)) == 0;
}

bool json_tree_set(struct json_value *object, const char *key, struct json_value *item)
{
    return json_object_set_new_nocheck(inner_mut(object), key, inner_mut(item)) == 0;
}

void json_tree_remove(struct json_value *object, const char *key)
{
    json_object_del(inner_mut(object), key);
}

struct json_value *json_tree_ref(struct json_value *value)
{
    return outer(json_incref(inner_mut(value)));
}
