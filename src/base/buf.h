/* buf.h - a growing byte string with a maximum.  A breach is remembered, later additions are
 * ignored, and buf_check tells: writers need no check at each step. `data` is always NUL-ended. */
#ifndef SWAN_BASE_BUF_H
#define SWAN_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
    char *data; /* NULL while empty and never added to */
    size_t len;
    size_t cap;
    size_t max; /* 0 = BUF_MAX_DEFAULT */
    bool over;
};

#define BUF_INIT             \
    {                        \
        NULL, 0, 0, 0, false \
    }
#define BUF_MAX_DEFAULT ((size_t)1 << 30)

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the memory */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Text as a JSON string, quotes included. */
void buf_add_json_str(struct buf *buf, const char *text, size_t len);
/* Shortest decimal that reads back as the same double; NaN and infinities become null. */
void buf_add_json_double(struct buf *buf, double value);
/* "" when nothing was added. */
const char *buf_str(const struct buf *buf);
/* Moves the malloc'd text out; never NULL; free with mem_free. */
char *buf_take(struct buf *buf);
enum err_code buf_check(const struct buf *buf, struct err *err);

#endif
