/* err.h - one error value for the whole house.
 *
 * A fallible function returns an enum err_code and takes a caller-owned struct err as its last
 * parameter; the struct may be NULL when the caller wants the code alone.  On failure nothing has
 * changed.  Text is lower case, short and factual; the hint says what to do about it. */
#ifndef SWAN_BASE_ERR_H
#define SWAN_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
    ERR_OK = 0,
    ERR_INVALID,         /* input that breaks a format or a rule */
    ERR_USAGE,           /* a command line that cannot be understood */
    ERR_UNAUTHENTICATED, /* who are you */
    ERR_FORBIDDEN,       /* known, but not allowed */
    ERR_NOT_FOUND,
    ERR_METHOD,       /* the path exists, the method does not */
    ERR_CONFLICT,     /* the state does not admit it, or the name is taken */
    ERR_PRECONDITION, /* If-Match, a plan's basis or a version has moved */
    ERR_TOO_LARGE,    /* a named limit is exceeded */
    ERR_UNSUPPORTED,  /* media type, form or arch that nobody here can serve */
    ERR_INFEASIBLE,   /* the need cannot be met; reasons are with it */
    ERR_POLICY,       /* a rule of the operator forbids it */
    ERR_QUOTA,
    ERR_CAPACITY,
    ERR_CREDENTIAL, /* a provider refuses our credential */
    ERR_BALANCE,
    ERR_RATE,      /* too many requests */
    ERR_TRANSIENT, /* try again later */
    ERR_TIMEOUT,
    ERR_CANCELLED,
    ERR_PARTIAL, /* partly done */
    ERR_IO,      /* the machine below us failed */
    ERR_CORRUPT, /* stored data is not what we wrote */
    ERR_BUG,
    ERR_CODES
};

/* What a code means at each face.  `name` is the wire name ("not-found"), `class` the DESIGN class
 * (input, credential, conflict, quota, capacity, balance, policy, transient, bug). */
struct err_info {
    enum err_code code;
    const char *name;
    const char *class;
    const char *title; /* for RFC 9457 */
    int http_status;
    int exit_code; /* 0 ok, 1 fault, 2 usage or bad input, 3 infeasible or refused, 4 partly done */
    bool retryable;
};

struct err {
    enum err_code code;
    char field[160]; /* path of the bad field: components[1].vcpus; or "" */
    char text[480];
    char hint[320]; /* or "" */
};

#define ERR_INIT           \
    {                      \
        ERR_OK, "", "", "" \
    }

/* Never NULL: an unknown code reads as ERR_BUG. */
const struct err_info *err_info(enum err_code code);

/* By wire name; ERR_BUG if unknown. */
enum err_code err_code_by_name(const char *name);

/* Sets code and text, clears field and hint; returns code, so `return err_set(err, …);` reads well.
 */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum err_code err_setv(struct err *err, enum err_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* These add to an error that is already set and return its code (ERR_BUG when err is NULL). */
enum err_code err_hint(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum err_code err_field(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts "context: " before the text. */
enum err_code err_context(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From errno: maps ENOENT, EACCES, ENOSPC, ETIMEDOUT … ; the text ends in strerror. */
enum err_code err_errno(struct err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void err_clear(struct err *err);

/* What a retry loop asks. */
bool err_is_retryable(enum err_code code);

#endif
