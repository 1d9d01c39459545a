/* http_path.c - decodes the target of a request line into a path and query parameters.
 *
 * Contract: pure; the only work on a path before routes see it.  Percent signs are decoded exactly
 * once, and every check looks at the decoded text, so "..%2f", "%2e%2e/", "%00" and overlong UTF-8
 * are refused like their plain forms.  A path that passes begins with '/', is valid UTF-8, has no
 * control character and no "." or ".." segment.  Linear in the length of the target. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "wire/http_priv.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes len bytes; NULL after err was set.  `what` names the part in errors. */
static char *decode(const char *text, size_t len, bool plus_is_blank, const char *what,
                    struct arena *arena, struct err *err)
{
    char *out = arena_alloc(arena, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 1 < len ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                err_set(err, ERR_INVALID, "%s has a '%%' without two hex digits", what);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    if (!str_is_utf8(out, n)) {
        err_set(err, ERR_INVALID, "%s is not valid UTF-8 or holds a NUL", what);
        return NULL;
    }
    return out;
}

static enum err_code check_path(const char *path, struct err *err)
{
    for (const char *c = path; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return err_set(err, ERR_INVALID, "the path holds a control character");
    for (const char *segment = path; *segment == '/';) {
        segment++;
        size_t len = strcspn(segment, "/");
        if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
            return err_set(err, ERR_INVALID, "the path has a '.' or '..' segment");
        segment += len;
    }
    return ERR_OK;
}

static enum err_code decode_query(const char *query, struct http_target *out, struct arena *arena,
                                  struct err *err)
{
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > 0) {
            if (out->parameters.count == HTTP_PARAMETERS_MAX)
                return err_set(err, ERR_INVALID, "the query has more than %d parameters",
                               HTTP_PARAMETERS_MAX);
            const char *equals = memchr(query, '=', len);
            size_t name_len = equals ? (size_t)(equals - query) : len;
            size_t value_at = equals ? name_len + 1 : len;
            const char *name = decode(query, name_len, true, "a query parameter", arena, err);
            if (!name)
                return ERR_INVALID;
            const char *value =
                decode(query + value_at, len - value_at, true, "a query parameter", arena, err);
            if (!value)
                return ERR_INVALID;
            struct http_parameter *parameter = LIST_ADD(arena, &out->parameters);
            *parameter = (struct http_parameter){name, value};
        }
        query += len;
        if (*query == '&')
            query++;
    }
    return ERR_OK;
}

enum err_code http_target_decode(const char *target, struct http_target *out, struct arena *arena,
                                 struct err *err)
{
    struct http_target result = {0};
    /* RFC 9112 3.2.2: a server must accept the absolute form, too; the authority is of no use. */
    const char *text = target;
    if (strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0) {
        text = strstr(text, "://") + 3;
        text += strcspn(text, "/?");
        if (*text == '\0')
            text = "/";
    }
    if (*text != '/')
        return err_set(err, ERR_INVALID, "the path does not begin with '/'");
    if (strchr(text, '#'))
        return err_set(err, ERR_INVALID, "the request target holds a '#'");
    size_t path_len = strcspn(text, "?");
    char *path = decode(text, path_len, false, "the path", arena, err);
    if (!path || check_path(path, err))
        return ERR_INVALID;
    result.path = path;
    if (text[path_len] == '?') {
        enum err_code rc = decode_query(text + path_len + 1, &result, arena, err);
        if (rc)
            return rc;
    }
    *out = result;
    return ERR_OK;
}
