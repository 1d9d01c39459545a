/* json.h - one field table decodes, encodes, validates, documents and prints the schema of a value.
 *
 * A C struct is described by a static const struct json_table.  From it Swan reads JSON (jansson)
 * and YAML 1.2 (libyaml), writes both, and prints JSON Schema for OpenAPI.  Input is hostile:
 * unknown, duplicate and wrongly typed keys, NaN, numbers out of range, deep nesting, bad UTF-8 and
 * everything beyond the limits give one ERR_INVALID or ERR_TOO_LARGE whose err->field is the path
 * (components[1].vcpus) and whose text names the line where the source has lines.
 *
 * Memory of decoded values comes from the caller's arena; encoded text goes to a buf.  All
 * functions are pure and thread-safe. */
#ifndef SWAN_BASE_JSON_H
#define SWAN_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Optional scalars: all-zero is "absent". */
struct opt_double {
    bool set;
    double value;
};
struct opt_int {
    bool set;
    int64_t value;
};
struct opt_bool {
    bool set;
    bool value;
};

/* One entry of a JSON_NUMBER_MAP or JSON_STRING_MAP, in the order of the source. */
struct json_number_pair {
    const char *name;
    double value;
};
struct json_string_pair {
    const char *name;
    const char *value;
};

enum json_kind {
    /* kind            C member                          absent is                 */
    JSON_STRING,     /* const char *                     NULL                       */
    JSON_BOOL,       /* bool                             false, not written         */
    JSON_INT,        /* int64_t                          0, written                 */
    JSON_DOUBLE,     /* double                           0, written                 */
    JSON_OPT_BOOL,   /* struct opt_bool                  !set                       */
    JSON_OPT_INT,    /* struct opt_int                   !set                       */
    JSON_OPT_DOUBLE, /* struct opt_double                !set                       */
    JSON_DECIMAL,    /* int64_t, millionths (money)      0, written as a number     */
    JSON_ENUM,       /* int, index into `names`          0; names[0] is NULL        */
    JSON_TIME,       /* int64_t ms since 1970            0; RFC 3339 outside        */
    JSON_OBJECT, /* the struct itself, inline        all absent: written only if any member is */
    JSON_OBJECT_PTR, /* struct T *                       NULL                       */
    JSON_ARRAY,   /* LIST(struct T) of `table`        count 0: not written (JSON_KEEP writes []) */
    JSON_STRINGS, /* LIST(const char *)               count 0                    */
    JSON_ENUMS,   /* LIST(int), indices into `names`  count 0                    */
    JSON_DOUBLES, /* LIST(double)                     count 0                    */
    JSON_NUMBER_MAP, /* LIST(struct json_number_pair)    count 0                    */
    JSON_STRING_MAP, /* LIST(struct json_string_pair)    count 0                    */
    JSON_RAW,        /* const char *, any JSON, compact  NULL                       */
};

enum json_flag {
    JSON_REQUIRED = 1 << 0,
    JSON_READ_ONLY = 1 << 1, /* written, documented, refused on input */
    JSON_KEEP = 1 << 2,      /* write even when empty: [], {}, false */
    JSON_NAME = 1 << 3,      /* text must pass str_check_name (128 bytes) */
    JSON_SECRET = 1 << 4,    /* read, never written */
    JSON_POSITIVE = 1 << 5,  /* number > 0 */
    JSON_NON_NEGATIVE = 1 << 6,
    JSON_NON_EMPTY = 1 << 7, /* text or list must not be empty */
};

struct json_table;

struct json_field {
    const char *name;
    enum json_kind kind;
    size_t offset;
    unsigned flags;
    const char *doc;                /* one sentence; goes to OpenAPI */
    const struct json_table *table; /* of JSON_OBJECT, _PTR, JSON_ARRAY */
    const char *const *names;       /* of JSON_ENUM(S): [0] = NULL, then names, then NULL */
    double min, max;                /* inclusive bounds of a number, used when min < max */
    size_t max_len;                 /* bytes of text or items of a list; 0 = the limit's */
};

/* Cross-field rules after all fields have been read.  Sets err->field relative to this object
 * ("capacity.vcpus"); the decoder puts the outer path before it. */
typedef enum err_code (*json_check_fn)(const void *object, struct err *err);

struct json_table {
    const char *name; /* OpenAPI schema name: "Site" */
    size_t size;      /* sizeof the struct */
    const struct json_field *fields;
    size_t field_count;
    const char *doc;
    json_check_fn check; /* or NULL */
};

/* static const struct json_field site_fields[] = {
 *     JSON_FIELD("id", JSON_STRING, struct site, id, JSON_REQUIRED | JSON_NAME, "unique name"),
 *     JSON_FIELD_TABLE("capacity", JSON_OBJECT, struct site, capacity, JSON_REQUIRED,
 * &amount_table, "…"), JSON_FIELD_ENUM("tier", struct site, tier, JSON_REQUIRED, tier_names, "…"),
 *     JSON_FIELD_RANGE("availability_percent", JSON_OPT_DOUBLE, struct site, availability_percent,
 * 0, 0, 100, "…"),
 * };
 * const struct json_table site_table = JSON_TABLE("Site", struct site, site_fields, "…", NULL); */
#define JSON_FIELD(name_, kind_, type_, member_, flags_, doc_)                             \
    {                                                                                      \
        .name = name_, .kind = kind_, .offset = offsetof(type_, member_), .flags = flags_, \
        .doc = doc_                                                                        \
    }
#define JSON_FIELD_TABLE(name_, kind_, type_, member_, flags_, table_, doc_)               \
    {                                                                                      \
        .name = name_, .kind = kind_, .offset = offsetof(type_, member_), .flags = flags_, \
        .doc = doc_, .table = table_                                                       \
    }
#define JSON_FIELD_ENUM(name_, type_, member_, flags_, names_, doc_)                           \
    {                                                                                          \
        .name = name_, .kind = JSON_ENUM, .offset = offsetof(type_, member_), .flags = flags_, \
        .doc = doc_, .names = names_                                                           \
    }
#define JSON_FIELD_RANGE(name_, kind_, type_, member_, flags_, min_, max_, doc_)           \
    {                                                                                      \
        .name = name_, .kind = kind_, .offset = offsetof(type_, member_), .flags = flags_, \
        .doc = doc_, .min = min_, .max = max_                                              \
    }
#define JSON_TABLE(name_, type_, fields_, doc_, check_)                                     \
    {                                                                                       \
        .name = name_, .size = sizeof(type_), .fields = fields_,                            \
        .field_count = sizeof(fields_) / sizeof((fields_)[0]), .doc = doc_, .check = check_ \
    }

/* What one input may hold.  NULL stands for JSON_LIMITS_DEFAULT. */
struct json_limits {
    size_t bytes;       /* length of the source */
    size_t depth;       /* nesting */
    size_t text_bytes;  /* one string */
    size_t list_items;  /* one list or object */
    size_t total_items; /* all values together */
};
extern const struct json_limits json_limits_default; /* 1 MiB, 32, 64 KiB, 10 000, 100 000 */
extern const struct json_limits
    json_limits_large; /* network files: 1 GiB, 32, 64 KiB, 10 M, 100 M */

/* `out` (table->size bytes) is zeroed first.  Strings point into the arena. */
enum err_code json_decode(const char *text, size_t len, const struct json_table *table,
                          const struct json_limits *limits, void *out, struct arena *arena,
                          struct err *err);
/* Text that our own encoder wrote and the store kept: read-only members are accepted, limits are
 * the large ones.  An error means that what is stored is not what we wrote: ERR_CORRUPT. */
enum err_code json_decode_stored(const char *text, const struct json_table *table, void *out,
                                 struct arena *arena, struct err *err);
/* The same from YAML 1.2 core schema (anchors, aliases, tags, merge keys and several documents are
 * refused by name and line).  JSON is accepted too: a text whose first character is '{' or '['
 * goes to the JSON reader. */
enum err_code json_decode_yaml(const char *text, size_t len, const struct json_table *table,
                               const struct json_limits *limits, void *out, struct arena *arena,
                               struct err *err);
/* A file, "-" for stdin; the error's text begins with the file's name (and line). */
enum err_code json_decode_file(const char *path, const struct json_table *table,
                               const struct json_limits *limits, void *out, struct arena *arena,
                               struct err *err);
/* RFC 7386 merge patch of a JSON text on the JSON form of `object`, decoded into `out`: what PATCH
 * does.  Read-only members of the patch are refused. */
enum err_code json_merge(const struct json_table *table, const void *object, const char *patch,
                         size_t patch_len, void *out, struct arena *arena, struct err *err);

/* Bytes that a member of that kind takes in its struct. */
size_t json_field_size(const struct json_field *field);
/* Sets one member of a struct by its path ("network.max_latency_ms", "components[1].vcpus") from
 * text, typed by the field: a number, true or false, one of the names, or the text itself; texts of
 * a list stand with commas between.  Optional objects on the way are made.  "" or NULL makes it
 * absent, as does the path of a whole object or list.  ERR_INVALID with err->field = path, and the
 * nearest name as the hint.  What is required or must hold between fields is json_validate's. */
enum err_code json_set(const struct json_table *table, void *object, const char *path,
                       const char *text, struct arena *arena, struct err *err);
/* Runs flags, bounds, enums and check functions over a struct that C code filled. */
enum err_code json_validate(const struct json_table *table, const void *object, struct err *err);

enum json_style { JSON_COMPACT, JSON_PRETTY };
void json_encode(const struct json_table *table, const void *object, enum json_style style,
                 struct buf *out);
void yaml_encode(const struct json_table *table, const void *object, struct buf *out);
/* Any JSON text reformatted as pretty JSON, or as YAML.  ERR_INVALID if it is not JSON. */
enum err_code json_reformat(const char *text, size_t len, enum json_style style, struct buf *out,
                            struct err *err);
enum err_code yaml_from_json(const char *text, size_t len, struct buf *out, struct err *err);
/* Keys sorted, no blanks, shortest numbers: equal values have equal bytes.  For digests. */
enum err_code json_canonical(const char *text, size_t len, struct buf *out, struct err *err);

/* JSON Schema 2020-12 of the table; other tables are referred to as
 * "#/components/schemas/NAME".  Writes the schema object only. */
void json_schema(const struct json_table *table, struct buf *out);
/* Calls fn once for the table and for every table it refers to. */
void json_walk_tables(const struct json_table *table,
                      void (*fn)(const struct json_table *table, void *ctx), void *ctx);

/* Index of an enum's text in names ([0] = NULL); 0 when unknown. */
int json_enum_find(const char *const *names, const char *text);
const char *json_enum_name(const char *const *names,
                           int value); /* NULL if absent or out of range */

/* ---- reading loose JSON, for answers of foreign servers whose shape we do not own ---- */
struct json_value; /* opaque, immutable; lives in its document */
struct json_doc;
enum err_code json_parse(const char *text, size_t len, const struct json_limits *limits,
                         struct json_doc **out, struct err *err);
/* The same from YAML, as json_decode_yaml reads it: headers of documents that others wrote. */
enum err_code json_parse_yaml(const char *text, size_t len, const struct json_limits *limits,
                              struct json_doc **out, struct err *err);
void json_doc_free(struct json_doc *doc);
void json_doc_free_at(struct json_doc **doc);
const struct json_value *json_root(const struct json_doc *doc);
/* NULL-safe and type-safe: a missing or wrongly typed member gives NULL / fallback. */
const struct json_value *json_get(const struct json_value *value, const char *key);
const struct json_value *json_at(const struct json_value *value, size_t index);
/* Dotted path with indices: "NetworkSettings.Ports", "items[0].name". */
const struct json_value *json_path(const struct json_value *value, const char *path);
size_t json_size(const struct json_value *value); /* items of an array or object */
const char *json_text(const struct json_value *value, const char *fallback);
double json_number(const struct json_value *value, double fallback);
/* Not json_integer: jansson exports a function of that name. */
int64_t json_int(const struct json_value *value, int64_t fallback);
bool json_boolean(const struct json_value *value, bool fallback);
/* size_t at = 0; while (json_each(object, &at, &key, &member)) … */
bool json_each(const struct json_value *object, size_t *at, const char **key,
               const struct json_value **member);
void json_write(const struct json_value *value, enum json_style style, struct buf *out);

/* ---- writing loose JSON ---- */
/* struct json_writer w = JSON_WRITER(&buf); json_begin(&w, '{'); json_key(&w, "id"); … */
struct json_writer {
    struct buf *out;
    unsigned depth;
    bool need_comma;
    bool after_key;
};
#define JSON_WRITER(buf_) \
    {                     \
        .out = (buf_)     \
    }
void json_begin(struct json_writer *writer, char open); /* '{' or '[' */
void json_end(struct json_writer *writer, char close);  /* '}' or ']' */
void json_key(struct json_writer *writer, const char *key);
void json_put_text(struct json_writer *writer, const char *text); /* NULL writes null */
void json_put_double(struct json_writer *writer, double value);
void json_put_int(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
void json_put_raw(struct json_writer *writer, const char *json); /* trusted JSON text */
void json_put_object(struct json_writer *writer, const struct json_table *table,
                     const void *object);
/* key + value in one */
void json_member_text(struct json_writer *writer, const char *key, const char *text);
void json_member_double(struct json_writer *writer, const char *key, double value);
void json_member_int(struct json_writer *writer, const char *key, int64_t value);
void json_member_bool(struct json_writer *writer, const char *key, bool value);
void json_member_time(struct json_writer *writer, const char *key, int64_t ms);

#endif
