/* json.c - a strict reader that keeps nothing: is this text JSON that both databases understand?
 *
 * Contract: stricter than RFC 8259 where PostgreSQL's jsonb is: no escaped U+0000, no lone
 * surrogate, no number that overflows or vanishes as a double (jsonb to float8 would fail a whole
 * list for one record).  O(length), recursion bounded by STORE_JSON_DEPTH. */
#include "base/str.h"
#include "store/store_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *at, *end; /* *end is '\0' */
};

static bool scan_value(struct scan *s, unsigned depth);

static void scan_blank(struct scan *s)
{
    while (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r') {
        s->at++;
    }
}

static bool scan_hex4(struct scan *s, unsigned *out)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *s->at;
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = (unsigned)(c - 'A') + 10;
        } else {
            return false;
        }
        value = value * 16 + digit;
        s->at++;
    }
    *out = value;
    return true;
}

/* Stands after "\u". */
static bool scan_escape_unicode(struct scan *s)
{
    unsigned high, low;
    if (!scan_hex4(s, &high) || high == 0 || (high >= 0xDC00 && high <= 0xDFFF)) {
        return false;
    }
    if (high < 0xD800 || high > 0xDBFF) {
        return true;
    }
    if (s->at[0] != '\\' || s->at[1] != 'u') {
        return false;
    }
    s->at += 2;
    return scan_hex4(s, &low) && low >= 0xDC00 && low <= 0xDFFF;
}

static bool scan_string(struct scan *s)
{
    if (*s->at != '"') {
        return false;
    }
    s->at++;
    for (;;) {
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20) { /* the end too */
            return false;
        }
        s->at++;
        if (c != '\\') {
            continue;
        }
        c = (unsigned char)*s->at;
        if (c == '\0' || !strchr("\"\\/bfnrtu", c)) {
            return false;
        }
        s->at++;
        if (c == 'u' && !scan_escape_unicode(s)) {
            return false;
        }
    }
}

static bool scan_digits(struct scan *s)
{
    if (*s->at < '0' || *s->at > '9') {
        return false;
    }
    while (*s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return true;
}

static bool scan_number(struct scan *s)
{
    const char *start = s->at;
    bool integer = true;
    if (*s->at == '-') {
        s->at++;
    }
    if (*s->at == '0') {
        s->at++;
    } else if (!scan_digits(s)) {
        return false;
    }
    if (*s->at == '.') {
        integer = false;
        s->at++;
        if (!scan_digits(s)) {
            return false;
        }
    }
    if (*s->at == 'e' || *s->at == 'E') {
        integer = false;
        s->at++;
        if (*s->at == '+' || *s->at == '-') {
            s->at++;
        }
        if (!scan_digits(s)) {
            return false;
        }
    }
    if (integer && s->at - start < 300) {
        return true;
    }
    errno = 0;
    double value = strtod(start, NULL);
    /* A subnormal sets ERANGE too, and both databases read it; zero for a number that is none and
     * infinity are what must not come in. */
    return isfinite(value) && !(errno == ERANGE && value == 0.0) && s->at - start < 1024;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(s->at, word, len) != 0) {
        return false;
    }
    s->at += len;
    return true;
}

/* Stands at '{' or '['. */
static bool scan_container(struct scan *s, unsigned depth)
{
    bool object = *s->at == '{';
    char close = object ? '}' : ']';
    s->at++;
    scan_blank(s);
    if (*s->at == close) {
        s->at++;
        return true;
    }
    for (;;) {
        scan_blank(s);
        if (object) {
            if (!scan_string(s)) {
                return false;
            }
            scan_blank(s);
            if (*s->at != ':') {
                return false;
            }
            s->at++;
        }
        if (!scan_value(s, depth + 1)) {
            return false;
        }
        if (*s->at == close) {
            s->at++;
            return true;
        }
        if (*s->at != ',') {
            return false;
        }
        s->at++;
    }
}

static bool scan_value(struct scan *s, unsigned depth)
{
    bool fine;
    if (depth > STORE_JSON_DEPTH) {
        return false;
    }
    scan_blank(s);
    switch (*s->at) {
    case '{':
    case '[':
        fine = scan_container(s, depth);
        break;
    case '"':
        fine = scan_string(s);
        break;
    case 't':
        fine = scan_word(s, "true");
        break;
    case 'f':
        fine = scan_word(s, "false");
        break;
    case 'n':
        fine = scan_word(s, "null");
        break;
    default:
        fine = scan_number(s);
    }
    scan_blank(s);
    return fine;
}

enum err_code store_check_json(const char *what, const char *text, struct err *err)
{
    size_t len = strlen(text);
    if (len > STORE_JSON_MAX) {
        return err_set(err, ERR_TOO_LARGE, "%s is larger than %u MiB", what, STORE_JSON_MAX >> 20);
    }
    struct scan scan = {text, text + len};
    if (!str_is_utf8(text, len)) {
        return err_set(err, ERR_INVALID, "%s is not UTF-8", what);
    }
    if (!scan_value(&scan, 1) || scan.at != scan.end) {
        return err_set(err, ERR_INVALID, "%s is not JSON at byte %zu", what,
                       (size_t)(scan.at - text));
    }
    return ERR_OK;
}
