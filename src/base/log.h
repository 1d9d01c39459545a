/* log.h - one line an event, text or JSON, to stderr or a file.  The shell that ends an error logs
 * it, once.  Thread-safe.  Values are escaped; a secret is never passed in. */
#ifndef SWAN_BASE_LOG_H
#define SWAN_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* path NULL = stderr.  Before this is called the level is LOG_INFO and the format LOG_TEXT. */
enum err_code log_open(const char *path, enum log_format format, enum log_level level,
                       struct err *err);
bool log_wants(enum log_level level);

/* log_event(LOG_INFO, "workflow", "task done", "run", run_id, "task", name, NULL);
 * pairs of key and text value end with NULL; a NULL value prints as null. */
void log_event(enum log_level level, const char *module, const char *text, ...)
    __attribute__((sentinel));
/* The same with the parts of an error as pairs code, field, text, hint. */
void log_error(const char *module, const char *what, const struct err *err);

#endif
