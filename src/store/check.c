/* check.c - what may enter the store: names, text and JSON.
 *
 * Contract: everything let through here is read alike by SQLite and PostgreSQL, so that a value
 * accepted by one backend can be listed, compared and restored on the other.  Pure functions. */
#include "base/str.h"
#include "store/store_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum err_code store_check_text(const char *what, const char *text, size_t max, bool may_be_empty,
                               struct err *err)
{
    if (!text || (text[0] == '\0' && !may_be_empty)) {
        return err_set(err, ERR_INVALID, "%s is missing", what);
    }
    size_t len = strlen(text);
    if (len > max) {
        return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", what, max);
    }
    if (!str_is_utf8(text, len)) {
        return err_set(err, ERR_INVALID, "%s is not UTF-8", what);
    }
    return ERR_OK;
}

void store_singular(const char *collection, char *out, size_t size)
{
    size_t len = strlen(collection);
    if (str_has_suffix(collection, "ies") && len > 4) {
        str_format(out, size, "%.*sy", (int)(len - 3), collection);
    } else if (str_has_suffix(collection, "sses") || str_has_suffix(collection, "xes") ||
               str_has_suffix(collection, "ches")) {
        str_format(out, size, "%.*s", (int)(len - 2), collection);
    } else if (str_has_suffix(collection, "s") && !str_has_suffix(collection, "ss") && len > 1) {
        str_format(out, size, "%.*s", (int)(len - 1), collection);
    } else {
        str_format(out, size, "%s", collection);
    }
}

struct timespec store_timespec(int64_t mono_ms)
{
    return (struct timespec){.tv_sec = (time_t)(mono_ms / 1000),
                             .tv_nsec = (long)(mono_ms % 1000) * 1000000L};
}

void store_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}
