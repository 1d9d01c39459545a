/* json_priv.h - what the json_*.c and yaml_*.c files share; private to base. */
#ifndef SWAN_BASE_JSON_PRIV_H
#define SWAN_BASE_JSON_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_tree_priv.h"

/* No limit on nesting may exceed this: the readers keep their path on the stack. */
#define JSON_DEPTH_MAX 128
/* Fields of one table; a decoder remembers which it has seen in bits. */
#define JSON_FIELDS_MAX 256
/* Units of JSON_DECIMAL in one. */
#define JSON_MILLION INT64_C(1000000)
/* Whole units beyond this do not fit int64 millionths. */
#define JSON_DECIMAL_MAX 9e12

/* ---- places: where in the input we are, a chain on the C stack ---- */
struct json_place {
    const struct json_place *up; /* NULL above the root's children */
    const char *key;             /* NULL for an item of an array */
    size_t ordinal;              /* index of the item, or of the member in source order */
};

/* components[1].vcpus; keys that are not plain words stand as ["a b"].  Cut to fit. */
void json_place_path(const struct json_place *place, char *out, size_t size);

/* ---- input: one source being read ---- */
struct json_input {
    const char *text; /* NULL: the source has no lines (a merged document) */
    size_t len;
    bool yaml;
    bool trusted; /* read-only members are accepted */
    const struct json_limits *limits;
    struct arena *arena;
    struct err *err;
};

/* Sets the error with "line N: " before the text when the source has more than one line, and the
 * path of the place as its field.  `line` 0 asks the source. */
enum err_code json_fail(const struct json_input *input, const struct json_place *place,
                        enum err_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
enum err_code json_fail_at(const struct json_input *input, const struct json_place *place,
                           size_t line, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Text of the input for a message: cut to fit with "…", control characters and bad bytes as '?'. */
#define JSON_SHOWN_SIZE 64
const char *json_shown(const char *text, size_t len, char out[JSON_SHOWN_SIZE]);
/* "the number 4", "the text 'four'", "a list", "null" … */
#define JSON_DESCRIBED_SIZE 96
const char *json_described(const struct json_value *value, char out[JSON_DESCRIBED_SIZE]);

/* ---- json_read.c, yaml_read.c: text to tree ---- */
/* A failure is set in input->err.  The tree is the caller's. */
enum err_code json_read_tree(const struct json_input *input, struct json_value **out);
enum err_code yaml_read_tree(const struct json_input *input, struct json_value **out);
/* Skips a byte order mark; refuses too long, NUL and bad UTF-8. */
enum err_code json_read_bytes(struct json_input *input);
/* Upper bound of the memory that the tree of a text of this length may take. */
size_t json_read_budget(size_t len);

/* ---- json_scan.c, yaml_read.c: finding places and lines, only after an error ---- */
/* Limits of nesting, items and text lengths, before jansson sees the text.  Not a grammar. */
enum err_code json_scan_limits(const struct json_input *input);
/* Line (from 1) of the value that the ordinals lead to; 0 if there is none. */
size_t json_scan_line(const char *text, size_t len, const size_t *ordinals, size_t count);
size_t yaml_scan_line(const char *text, size_t len, const size_t *ordinals, size_t count);
/* Path and line of the byte at `position`. */
size_t json_scan_path(const char *text, size_t len, size_t position, char *path, size_t size);

/* ---- json_decode.c ---- */
enum err_code json_decode_tree(const struct json_input *input, const struct json_value *root,
                               const struct json_table *table, void *out);

/* ---- json_check.c: what a field's flags, bounds and names admit ---- */
/* Each sets the text of the error only; the caller adds place and line. */
enum err_code json_check_text(const struct json_field *field, const char *text, struct err *err);
enum err_code json_check_number(const struct json_field *field, double value, struct err *err);
enum err_code json_check_count(const struct json_field *field, size_t count, struct err *err);
/* Runs the table's check function; puts the outer path before its field, and finds the line with
 * `value`, the tree of the object (NULL: no lines). */
enum err_code json_run_check(const struct json_input *input, const struct json_place *place,
                             const struct json_value *value, const struct json_table *table,
                             const void *object);
size_t json_field_find(const struct json_table *table, const char *key, size_t from);
#define JSON_NO_FIELD ((size_t)-1)

/* Any LIST(): the item type is the field's. */
struct json_list {
    void *items;
    size_t count;
};

static inline const void *json_member_at(const void *object, const struct json_field *field)
{
    return (const char *)object + field->offset;
}

/* ---- json_encode.c ---- */
/* As json_encode in compact style, with secrets: what json_merge starts from. */
void json_encode_all(const struct json_table *table, const void *object, struct buf *out);
/* All members absent, so that an inline object needs not be written. */
bool json_table_is_empty(const struct json_table *table, const void *object);

/* ---- json_number.c ---- */
void json_add_int(struct buf *out, int64_t value);
void json_add_double(struct buf *out, double value);
void json_add_decimal(struct buf *out, int64_t millionths);
/* Nearest millionth; false when it does not fit. */
bool json_decimal_from_double(double value, int64_t *out);

/* ---- json_format.c ---- */
/* Indents compact or loose JSON text that is known to be well-formed. */
void json_indent(const char *text, size_t len, struct buf *out);
/* Compact, in the order of the source. */
void json_tree_write(const struct json_value *value, struct buf *out);

/* ---- yaml_write.c ---- */
void yaml_write_tree(const struct json_value *root, struct buf *out);

#endif
