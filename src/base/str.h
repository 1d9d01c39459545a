/* str.h - small questions about text.  Everything is UTF-8; lengths are bytes unless said. */
#ifndef SWAN_BASE_STR_H
#define SWAN_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *text, const char *prefix);
bool str_has_suffix(const char *text, const char *suffix);
bool str_is_utf8(const char *data, size_t len); /* well-formed, no NUL, no surrogates */
/* Decodes one code point at *at (which moves on); a bad byte gives U+FFFD and moves one byte. */
uint32_t str_next(const char *text, size_t len, size_t *at);
/* Appends a code point as UTF-8 to out (at least 5 bytes); returns its length; NUL-ends it. */
size_t str_put(char out[5], uint32_t code_point);
/* Columns on a terminal: CJK and full-width forms count 2, combining marks 0, controls 0. */
size_t str_width(const char *text);

/* The whole text must be the number; no blanks, no trailing characters, finite; ERR_INVALID. */
enum err_code str_to_int64(const char *text, int64_t *out, struct err *err);
enum err_code str_to_double(const char *text, double *out, struct err *err);
/* 30, 30s, 500ms, 5m, 2h, 1d → milliseconds; a bare number is seconds. */
enum err_code str_to_duration_ms(const char *text, int64_t *out, struct err *err);
/* 4096, 64K, 64KiB, 10M, 2G → bytes (powers of 1024). */
enum err_code str_to_bytes(const char *text, uint64_t *out, struct err *err);

/* A name that users may give to a thing: letters of any script, digits, '-', '_', '.', 1 to max
 * bytes, not beginning with '-' or '.'; no control characters, no blanks, no slash.  ERR_INVALID
 * names `what`. */
enum err_code str_check_name(const char *text, size_t max, const char *what, struct err *err);

/* ---- the nearest known word to one that is not known ---- */
/* Optimal string alignment distance, in code points; texts longer than 63 are never near. */
size_t str_distance(const char *a, const char *b);
struct str_suggestion { /* begin with word, the rest NULL and 0 */
    const char *word, *best;
    size_t distance;
};
void str_suggest(struct str_suggestion *suggestion, const char *candidate);
/* NULL when nothing is near enough. */
const char *str_suggested(const struct str_suggestion *suggestion);

/* snprintf into a fixed array that never overflows and never splits a code point. */
void str_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void str_formatv(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
