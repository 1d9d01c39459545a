/* str.c - small questions about text: UTF-8, terminal columns, numbers with units, names.
 *
 * Contract: nothing here allocates or depends on the locale.  UTF-8 is that of RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF. */
#include "base/str.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str_priv.h"

#define REPLACEMENT 0xFFFDu

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_has_prefix(const char *text, const char *prefix)
{
    return text && prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *text, const char *suffix)
{
    if (!text || !suffix)
        return false;
    size_t text_len = strlen(text), suffix_len = strlen(suffix);
    return text_len >= suffix_len && strcmp(text + text_len - suffix_len, suffix) == 0;
}

/* Length of the well-formed sequence at text, or 0. */
static size_t decode(const char *text, size_t len, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)text;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need;
    uint32_t c;
    if (len == 0)
        return 0;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    if ((p[0] & 0xE0) == 0xC0) {
        need = 2;
        c = p[0] & 0x1F;
    } else if ((p[0] & 0xF0) == 0xE0) {
        need = 3;
        c = p[0] & 0x0F;
    } else if ((p[0] & 0xF8) == 0xF0) {
        need = 4;
        c = p[0] & 0x07;
    } else {
        return 0;
    }
    if (len < need)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < smallest[need] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *out = c;
    return need;
}

bool str_is_utf8(const char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t step = decode(data + at, len - at, &c);
        if (step == 0 || c == 0)
            return false;
        at += step;
    }
    return true;
}

uint32_t str_next(const char *text, size_t len, size_t *at)
{
    if (*at >= len)
        return 0;
    uint32_t c;
    size_t step = decode(text + *at, len - *at, &c);
    if (step == 0) {
        ++*at;
        return REPLACEMENT;
    }
    *at += step;
    return c;
}

size_t str_put(char out[5], uint32_t c)
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = REPLACEMENT;
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80u | (c & 0x3Fu));
    out[0] = (char)(lead[n] | c);
    out[n] = '\0';
    return n;
}

static bool in_ranges(uint32_t c, const struct str_range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low].first;
}

size_t str_width(const char *text)
{
    size_t len = text ? strlen(text) : 0, at = 0, width = 0;
    while (at < len) {
        uint32_t c = str_next(text, len, &at);
        if (c >= 0x20 && c < 0x7F)
            width++;
        else if (in_ranges(c, str_wide_ranges, str_wide_ranges_count))
            width += 2;
        else if (!in_ranges(c, str_zero_ranges, str_zero_ranges_count))
            width++;
    }
    return width;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum err_code not_a(struct err *err, const char *text, const char *what, const char *hint)
{
    err_set(err, ERR_INVALID, "'%.100s' is not %s", text ? text : "", what);
    if (hint)
        err_hint(err, "%s", hint);
    return ERR_INVALID;
}

enum err_code str_to_int64(const char *text, int64_t *out, struct err *err)
{
    static const char what[] = "a whole number";
    if (!text)
        return not_a(err, text, what, NULL);
    const char *p = text;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return not_a(err, text, what, NULL);
    int64_t value = 0; /* kept negative on the way: the range is larger there */
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *p - '0', &value))
            return err_set(err, ERR_INVALID, "'%.100s' is out of range", text);
    }
    if (*p)
        return not_a(err, text, what, NULL);
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return err_set(err, ERR_INVALID, "'%.100s' is out of range", text);
    *out = value;
    return ERR_OK;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(c_locale); /* the C locale is part of libc */
}

enum err_code str_to_double(const char *text, double *out, struct err *err)
{
    static const char what[] = "a number";
    if (!text)
        return not_a(err, text, what, NULL);
    /* strtod also takes blanks, hexadecimal, inf and nan, so the form is looked at first. */
    const char *p = text;
    size_t digits = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; is_digit(*p); p++)
        digits++;
    if (*p == '.') {
        for (p++; is_digit(*p); p++)
            digits++;
    }
    if (digits && (*p == 'e' || *p == 'E')) {
        p++;
        if (*p == '-' || *p == '+')
            p++;
        if (!is_digit(*p))
            digits = 0;
        while (is_digit(*p))
            p++;
    }
    if (digits == 0 || *p)
        return not_a(err, text, what, NULL);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    double value = strtod_l(text, NULL, c_locale);
    if (!isfinite(value))
        return err_set(err, ERR_INVALID, "'%.100s' is out of range", text);
    *out = value;
    return ERR_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* DIGITS UNIT → value × factor, without overflow beyond max.  The unit "" may be among them. */
static bool read_with_unit(const char *text, const struct unit *units, size_t count, uint64_t max,
                           uint64_t *out)
{
    if (!text || !is_digit(*text))
        return false;
    uint64_t value = 0;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, units[i].name) == 0)
            return !__builtin_mul_overflow(value, units[i].factor, out) && *out <= max;
    }
    return false;
}

enum err_code str_to_duration_ms(const char *text, int64_t *out, struct err *err)
{
    static const struct unit units[] = {{"", 1000},   {"ms", 1},      {"s", 1000},
                                        {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    uint64_t value;
    if (!read_with_unit(text, units, ARRAY_LEN(units), INT64_MAX, &value))
        return not_a(err, text, "a duration", "write it as 30, 500ms, 30s, 5m, 2h or 1d");
    *out = (int64_t)value;
    return ERR_OK;
}

enum err_code str_to_bytes(const char *text, uint64_t *out, struct err *err)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"K", UINT64_C(1) << 10},
        {"KiB", UINT64_C(1) << 10},
        {"M", UINT64_C(1) << 20},
        {"MiB", UINT64_C(1) << 20},
        {"G", UINT64_C(1) << 30},
        {"GiB", UINT64_C(1) << 30},
        {"T", UINT64_C(1) << 40},
        {"TiB", UINT64_C(1) << 40},
    };
    uint64_t value;
    if (!read_with_unit(text, units, ARRAY_LEN(units), UINT64_MAX, &value))
        return not_a(err, text, "a size", "write it as 4096, 64K, 10M or 2GiB");
    *out = value;
    return ERR_OK;
}

enum err_code str_check_name(const char *text, size_t max, const char *what, struct err *err)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0)
        return err_set(err, ERR_INVALID, "%s is empty", what);
    if (len > max)
        return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", what, max);
    if (!str_is_utf8(text, len))
        return err_set(err, ERR_INVALID, "%s is not valid UTF-8", what);
    if (text[0] == '-' || text[0] == '.')
        return err_set(err, ERR_INVALID, "%s '%s' begins with '%c'", what, text, text[0]);
    for (size_t at = 0; at < len;) {
        uint32_t c = str_next(text, len, &at);
        if (c == '-' || c == '_' || c == '.' ||
            in_ranges(c, str_name_ranges, str_name_ranges_count))
            continue;
        err_set(err, ERR_INVALID, "%s '%s' holds the character U+%04X", what, text, (unsigned)c);
        err_hint(err, "use letters, digits, '-', '_' and '.'");
        return ERR_INVALID;
    }
    return ERR_OK;
}

void str_formatv(char *out, size_t size, const char *format, va_list args)
{
    assert(size > 0);
    int length = vsnprintf(out, size, format, args);
    assert(length >= 0);
    if ((size_t)length < size)
        return;
    /* Cut: step back over the last code point's bytes, and drop it unless it is whole. */
    size_t end = size - 1, start = end;
    while (start > 0 && end - start < 4 && ((unsigned char)out[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && ((unsigned char)out[start - 1] & 0xC0) == 0xC0)
        start--;
    uint32_t c;
    if (start < end && (out[start] & 0x80) && decode(out + start, end - start, &c) != end - start)
        out[start] = '\0';
}

void str_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_formatv(out, size, format, args);
    va_end(args);
}
