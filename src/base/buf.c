/* buf.c - a growing byte string with a maximum.
 *
 * Contract: while data is not NULL, data[len] is NUL and len < cap.  An addition is whole or not at
 * all; after the first that does not fit, `over` is set and everything later is ignored.  Additions
 * cost O(length) amortised. */
#include "base/buf.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BUF_CAP_MIN ((size_t)64)

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf)BUF_INIT;
    buf->max = max;
}

void buf_done(struct buf *buf)
{
    mem_free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->over = false;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Room for len more bytes and the NUL; false when the maximum forbids it. */
static bool reserve(struct buf *buf, size_t len)
{
    size_t max = buf->max ? buf->max : BUF_MAX_DEFAULT;
    if (buf->over || buf->len > max || len > max - buf->len) {
        buf->over = true;
        return false;
    }
    size_t need = buf->len + len + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap ? buf->cap : BUF_CAP_MIN;
        while (cap < need)
            cap += cap / 2 + BUF_CAP_MIN;
        if (cap > max && need <= max)
            cap = max;
        buf->data = mem_resize(buf->data, cap, 1);
        buf->cap = cap;
    }
    return true;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, const char *text)
{
    if (text)
        buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t room = buf->cap - buf->len;
    int length = vsnprintf(buf->data ? buf->data + buf->len : NULL, room, format, again);
    va_end(again);
    assert(length >= 0);
    if (buf->over || (size_t)length >= room || buf->max) {
        if (buf->data)
            buf->data[buf->len] = '\0'; /* what did not fit, or may not stay */
        if (!reserve(buf, (size_t)length))
            return;
        vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
    }
    buf->len += (size_t)length;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

/* Besides what JSON demands, DEL, the C1 controls and the line separators are escaped, so that the
 * text is safe on a terminal and inside a script. */
static bool must_escape(uint32_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7F && c <= 0x9F) || c == 0x2028 ||
           c == 0x2029;
}

void buf_add_json_str(struct buf *buf, const char *text, size_t len)
{
    buf_add_char(buf, '"');
    size_t at = 0, plain = 0; /* text[plain…at) needs no change and is added in one go */
    while (at < len) {
        size_t start = at;
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x7F && byte >= 0x20 && byte != '"' && byte != '\\') {
            at++;
            continue;
        }
        uint32_t c = str_next(text, len, &at);
        bool malformed = c == 0xFFFD && at - start == 1;
        if (!malformed && !must_escape(c))
            continue;
        buf_add(buf, text + plain, start - plain);
        plain = at;
        static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
        const char *form = NULL;
        for (const char *p = short_forms; *p; p += 2) {
            if ((unsigned char)*p == c)
                form = p + 1;
        }
        if (malformed)
            buf_add_str(buf, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (form)
            buf_add(buf, (char[]){'\\', *form}, 2);
        else
            buf_printf(buf, "\\u%04x", (unsigned)c);
    }
    if (len > plain)
        buf_add(buf, text + plain, len - plain);
    buf_add_char(buf, '"');
}

/* The decimal point of the locale becomes '.', and an exponent loses its '+' and zeros. */
static void tidy_number(char *text)
{
    char *out = text;
    for (const char *in = text; *in;) {
        if ((*in >= '0' && *in <= '9') || *in == '-') {
            *out++ = *in++;
        } else if (*in == 'e') {
            *out++ = *in++;
            if (*in == '-')
                *out++ = *in++;
            else if (*in == '+')
                in++;
            while (*in == '0' && in[1])
                in++;
        } else {
            *out++ = '.';
            while (*in && !(*in >= '0' && *in <= '9'))
                in++;
        }
    }
    *out = '\0';
}

void buf_add_json_double(struct buf *buf, double value)
{
    if (!isfinite(value)) {
        buf_add_str(buf, "null");
        return;
    }
    if (fabs(value) < 1e15 && value == trunc(value)) { /* also -0, which is 0 */
        buf_printf(buf, "%lld", (long long)value);
        return;
    }
    char text[64];
    /* A normal number of up to 15 digits survives %.15g; below DBL_MIN fewer digits may do. */
    int digits = fabs(value) < DBL_MIN ? 1 : 15;
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    tidy_number(text);
    buf_add_str(buf, text);
}

const char *buf_str(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data ? buf->data : mem_zalloc(1);
    buf_init(buf, buf->max);
    return text;
}

enum err_code buf_check(const struct buf *buf, struct err *err)
{
    if (!buf->over)
        return ERR_OK;
    return err_set(err, ERR_TOO_LARGE, "the text would be longer than %zu bytes",
                   buf->max ? buf->max : BUF_MAX_DEFAULT);
}
