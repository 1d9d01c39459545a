/* json_tree_priv.h - private to base: the tree of values that JSON and YAML are read into.
 *
 * The tree is jansson's; json_tree.c is the only file that includes jansson.h, because jansson's
 * enum constants (JSON_STRING, JSON_OBJECT) are also names of ours.  Order of members is the order
 * of the source.  A tree is immutable once it is shared; reading it needs no lock. */
#ifndef SWAN_BASE_JSON_TREE_PRIV_H
#define SWAN_BASE_JSON_TREE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_value;

enum json_shape {
    JSON_SHAPE_NULL,
    JSON_SHAPE_BOOL,
    JSON_SHAPE_INT,
    JSON_SHAPE_REAL,
    JSON_SHAPE_TEXT,
    JSON_SHAPE_ARRAY,
    JSON_SHAPE_OBJECT,
};

enum json_tree_fault {
    JSON_TREE_SYNTAX,
    JSON_TREE_DUPLICATE,
    JSON_TREE_MEMORY,
};

struct json_tree_error {
    enum json_tree_fault fault;
    size_t position; /* byte offset where reading stopped */
    char text[160];  /* jansson's words; may hold bytes of the source */
};

/* What one thread may allocate for trees between json_tree_limit and json_tree_unlimit; beyond it
 * the makers below give NULL and json_tree_load gives JSON_TREE_MEMORY. */
void json_tree_limit(size_t bytes);
void json_tree_unlimit(void);

/* The whole text must be one value; duplicate keys, NUL and lone surrogates are refused.  The
 * caller has limited the nesting (json_scan_limits).  NULL on error. */
struct json_value *json_tree_load(const char *text, size_t len, struct json_tree_error *error);
void json_tree_free(struct json_value *value); /* NULL is fine */
void json_tree_free_at(struct json_value **value);

enum json_shape json_tree_shape(const struct json_value *value); /* NULL reads as null */
bool json_tree_bool(const struct json_value *value);
int64_t json_tree_int(const struct json_value *value);
double json_tree_double(const struct json_value *value); /* of an INT or a REAL */
const char *json_tree_text(const struct json_value *value, size_t *len);
size_t json_tree_size(const struct json_value *value); /* 0 unless array or object */
struct json_value *json_tree_item(const struct json_value *array, size_t index);
struct json_value *json_tree_member(const struct json_value *object, const char *key);

/* for (at = json_tree_first(o); at != NULL; at = json_tree_next(o, at)) … */
void *json_tree_first(const struct json_value *object);
void *json_tree_next(const struct json_value *object, void *at);
const char *json_tree_key(void *at);
struct json_value *json_tree_value(void *at);

/* Makers.  NULL when the limit is reached.  Texts are well-formed UTF-8 without NUL. */
struct json_value *json_tree_new_null(void);
struct json_value *json_tree_new_bool(bool value);
struct json_value *json_tree_new_int(int64_t value);
struct json_value *json_tree_new_double(double value); /* finite */
struct json_value *json_tree_new_text(const char *text, size_t len);
struct json_value *json_tree_new_array(void);
struct json_value *json_tree_new_object(void);
/* Both take the item, also on failure (false: the limit is reached). */
bool json_tree_append(struct json_value *array, struct json_value *item);
bool json_tree_set(struct json_value *object, const char *key, struct json_value *item);
void json_tree_remove(struct json_value *object, const char *key);
struct json_value *json_tree_ref(struct json_value *value); /* one more owner */

#endif
