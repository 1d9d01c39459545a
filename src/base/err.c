/* err.c - the table of error codes, and the one way to fill a struct err.
 *
 * Contract: every code has exactly one line in the table, at its own index.  Text that came from
 * outside is made printable (controls and malformed UTF-8 become '?'), so an error may go to a
 * terminal or a log as it is.  A message that does not fit is cut between code points.  Arguments
 * may point into the struct that is being written. */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct err_info err_table[] = {
    {ERR_OK, "ok", "ok", "OK", 200, 0, false},
    {ERR_INVALID, "invalid", "input", "Invalid input", 400, 2, false},
    {ERR_USAGE, "usage", "input", "Command not understood", 400, 2, false},
    {ERR_UNAUTHENTICATED, "unauthenticated", "credential", "Not authenticated", 401, 2, false},
    {ERR_FORBIDDEN, "forbidden", "policy", "Not allowed", 403, 3, false},
    {ERR_NOT_FOUND, "not-found", "input", "Not found", 404, 2, false},
    {ERR_METHOD, "method", "input", "Method not allowed", 405, 2, false},
    {ERR_CONFLICT, "conflict", "conflict", "Conflict", 409, 3, false},
    {ERR_PRECONDITION, "precondition", "conflict", "Precondition failed", 412, 3, false},
    {ERR_TOO_LARGE, "too-large", "input", "Too large", 413, 2, false},
    {ERR_UNSUPPORTED, "unsupported", "input", "Not supported", 415, 2, false},
    {ERR_INFEASIBLE, "infeasible", "capacity", "Infeasible", 422, 3, false},
    {ERR_POLICY, "policy", "policy", "Forbidden by policy", 403, 3, false},
    {ERR_QUOTA, "quota", "quota", "Quota exceeded", 409, 3, false},
    {ERR_CAPACITY, "capacity", "capacity", "Not enough capacity", 409, 3, false},
    {ERR_CREDENTIAL, "credential", "credential", "Provider refuses the credential", 502, 1, false},
    {ERR_BALANCE, "balance", "balance", "Balance too low", 402, 3, false},
    {ERR_RATE, "rate", "transient", "Too many requests", 429, 1, true},
    {ERR_TRANSIENT, "transient", "transient", "Temporarily unavailable", 503, 1, true},
    {ERR_TIMEOUT, "timeout", "transient", "Timed out", 504, 1, true},
    {ERR_CANCELLED, "cancelled", "conflict", "Cancelled", 409, 3, false},
    {ERR_PARTIAL, "partial", "bug", "Partly done", 500, 4, false},
    {ERR_IO, "io", "bug", "Input or output failed", 500, 1, false},
    {ERR_CORRUPT, "corrupt", "bug", "Stored data is corrupt", 500, 1, false},
    {ERR_BUG, "bug", "bug", "Internal error", 500, 1, false},
};

const struct err_info *err_info(enum err_code code)
{
    size_t index = (size_t)code;
    if ((int)code < 0 || index >= ARRAY_LEN(err_table))
        index = ERR_BUG;
    assert(err_table[index].code == (enum err_code)index);
    return &err_table[index];
}

enum err_code err_code_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(err_table); i++) {
        if (str_eq(err_table[i].name, name))
            return err_table[i].code;
    }
    return ERR_BUG;
}

bool err_is_retryable(enum err_code code)
{
    return err_info(code)->retryable;
}

/* Controls (C0, DEL, C1) and malformed bytes become '?', in place; never longer than before. */
static void make_printable(char *text)
{
    size_t len = strlen(text), at = 0, out = 0;
    while (at < len) {
        size_t start = at;
        uint32_t c = str_next(text, len, &at);
        bool malformed = c == 0xFFFD && at - start == 1;
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || malformed) {
            text[out++] = '?';
        } else {
            memmove(text + out, text + start, at - start);
            out += at - start;
        }
    }
    text[out] = '\0';
}

/* Formats beside and copies, because the arguments may be parts of the target. */
static void write_part(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void write_part(char *out, size_t size, const char *format, va_list args)
{
    char beside[sizeof((struct err *)NULL)->text];
    assert(size <= sizeof beside);
    str_formatv(beside, size, format, args);
    make_printable(beside);
    memcpy(out, beside, strlen(beside) + 1);
}

enum err_code err_setv(struct err *err, enum err_code code, const char *format, va_list args)
{
    if (!err)
        return code;
    write_part(err->text, sizeof err->text, format, args);
    err->code = code;
    err->field[0] = '\0';
    err->hint[0] = '\0';
    return code;
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(err, code, format, args);
    va_end(args);
    return code;
}

enum err_code err_hint(struct err *err, const char *format, ...)
{
    if (!err)
        return ERR_BUG;
    va_list args;
    va_start(args, format);
    write_part(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->code;
}

enum err_code err_field(struct err *err, const char *format, ...)
{
    if (!err)
        return ERR_BUG;
    va_list args;
    va_start(args, format);
    write_part(err->field, sizeof err->field, format, args);
    va_end(args);
    return err->code;
}

enum err_code err_context(struct err *err, const char *format, ...)
{
    if (!err)
        return ERR_BUG;
    char context[sizeof err->text], whole[sizeof err->text];
    va_list args;
    va_start(args, format);
    write_part(context, sizeof context, format, args);
    va_end(args);
    str_format(whole, sizeof whole, "%s: %s", context, err->text);
    memcpy(err->text, whole, sizeof whole);
    return err->code;
}

static enum err_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ESRCH:
    case ENXIO:
    case ENODEV:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_FORBIDDEN;
    case EEXIST:
    case ENOTEMPTY:
    case EBUSY:
    case ETXTBSY:
    case EADDRINUSE:
        return ERR_CONFLICT;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EILSEQ:
        return ERR_INVALID;
    case EFBIG:
    case EOVERFLOW:
    case E2BIG:
        return ERR_TOO_LARGE;
    case EDQUOT:
        return ERR_QUOTA;
    case EOPNOTSUPP:
    case ENOSYS:
    case ENOEXEC:
        return ERR_UNSUPPORTED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECANCELED:
        return ERR_CANCELLED;
    case EAGAIN:
    case EINTR:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EPIPE:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
        return ERR_TRANSIENT;
    default: /* ENOSPC, EIO and what nobody thought of: the machine below us */
        return ERR_IO;
    }
}

enum err_code err_errno(struct err *err, int errnum, const char *format, ...)
{
    enum err_code code = code_of_errno(errnum);
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    err_setv(err, code, format, args);
    va_end(args);
    const char *reason = strerrordesc_np(errnum); /* never translated, safe among threads */
    char whole[sizeof err->text];
    if (reason)
        str_format(whole, sizeof whole, "%.380s: %s", err->text, reason);
    else
        str_format(whole, sizeof whole, "%.380s: error %d", err->text, errnum);
    make_printable(whole); /* the cut at 380 may have split a code point */
    memcpy(err->text, whole, sizeof whole);
    return code;
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err)ERR_INIT;
}
