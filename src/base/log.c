/* log.c - one line an event, written by one write(2) to a file opened for appending.
 *
 * Contract: a line is whole or absent, also among processes that share the file; whatever a value
 * holds, it stays one line of valid UTF-8.  A log that cannot be written is lost in silence: there
 * is nobody left to tell.  Values longer than LOG_VALUE_MAX are cut. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* More than any error or name has; keeps a hostile value from filling the disk by one line. */
#define LOG_VALUE_MAX ((size_t)4096)

static struct {
    pthread_mutex_t lock; /* of fd and format; level is read without it */
    int fd;
    enum log_format format;
    enum log_level level;
} log_state = {PTHREAD_MUTEX_INITIALIZER, STDERR_FILENO, LOG_TEXT, LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

enum err_code log_open(const char *path, enum log_format format, enum log_level level,
                       struct err *err)
{
    int fd = STDERR_FILENO;
    if (path) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0)
            return err_errno(err, errno, "cannot open the log '%s'", path);
    }
    pthread_mutex_lock(&log_state.lock);
    int before = log_state.fd;
    log_state.fd = fd;
    log_state.format = format;
    __atomic_store_n(&log_state.level, level, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&log_state.lock);
    if (before != STDERR_FILENO)
        close(before);
    return ERR_OK;
}

bool log_wants(enum log_level level)
{
    return level >= __atomic_load_n(&log_state.level, __ATOMIC_RELAXED);
}

static void add_quoted(struct buf *line, const char *text)
{
    size_t len = strnlen(text, LOG_VALUE_MAX + 1);
    if (len <= LOG_VALUE_MAX) {
        buf_add_json_str(line, text, len);
        return;
    }
    len = LOG_VALUE_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    buf_add_json_str(line, text, len);
    line->len--; /* the closing quote moves behind the mark of the cut */
    buf_add_str(line, "\xE2\x80\xA6\"");
}

/* A text value stands bare where no reader can take it for something else. */
static bool may_stand_bare(const char *text)
{
    size_t len = strnlen(text, LOG_VALUE_MAX + 1);
    if (len == 0 || len > LOG_VALUE_MAX || str_eq(text, "null"))
        return false;
    for (size_t at = 0; at < len;) {
        uint32_t c = str_next(text, len, &at);
        if (c <= 0x20 || c == '"' || c == '\\' || c == '=' || (c >= 0x7F && c <= 0xA0) ||
            c == 0xFFFD || c == 0x2028 || c == 0x2029)
            return false;
    }
    return true;
}

static void add_text_value(struct buf *line, const char *value)
{
    if (!value)
        buf_add_str(line, "null");
    else if (may_stand_bare(value))
        buf_add_str(line, value);
    else
        add_quoted(line, value);
}

static void add_json_value(struct buf *line, const char *value)
{
    if (value)
        add_quoted(line, value);
    else
        buf_add_str(line, "null");
}

static void add_head(struct buf *line, enum log_format format, enum log_level level,
                     const char *module, const char *text)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_now_ms(), now);
    if (format == LOG_TEXT) {
        buf_printf(line, "%s %-5s %s: ", now, level_names[level], module);
        size_t start = line->len;
        add_quoted(line, text);
        /* A message that needs no escape is plain words: its quotes are only in the way. */
        if (line->len - start == strlen(text) + 2) {
            memmove(line->data + start, line->data + start + 1, line->len - start - 2);
            line->len -= 2;
            line->data[line->len] = '\0';
        }
        return;
    }
    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"module\":", now, level_names[level]);
    add_json_value(line, module);
    buf_add_str(line, ",\"message\":");
    add_json_value(line, text);
}

static void add_pair(struct buf *line, enum log_format format, const char *key, const char *value)
{
    if (format == LOG_TEXT) {
        buf_printf(line, " %s=", key);
        add_text_value(line, value);
    } else {
        buf_add_char(line, ',');
        add_quoted(line, key);
        buf_add_char(line, ':');
        add_json_value(line, value);
    }
}

static void write_line(int fd, struct buf *line)
{
    size_t done = 0;
    while (done < line->len) {
        ssize_t n = write(fd, line->data + done, line->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

void log_event(enum log_level level, const char *module, const char *text, ...)
{
    if (!log_wants(level))
        return;
    int saved_errno = errno;
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    pthread_mutex_lock(&log_state.lock);
    enum log_format format = log_state.format;
    add_head(&line, format, level, module, text);
    va_list args;
    va_start(args, text);
    for (const char *key; (key = va_arg(args, const char *));)
        add_pair(&line, format, key, va_arg(args, const char *));
    va_end(args);
    buf_add_str(&line, format == LOG_JSON ? "}\n" : "\n");
    write_line(log_state.fd, &line);
    pthread_mutex_unlock(&log_state.lock);
    errno = saved_errno;
}

void log_error(const char *module, const char *what, const struct err *err)
{
    const char *code = err_info(err->code)->name;
    /* The list ends at the first key that is NULL, so absent parts come last. */
    const char *keys[3] = {NULL, NULL, NULL}, *values[3] = {NULL, NULL, NULL};
    size_t n = 0;
    const char *const names[] = {"field", "text", "hint"};
    const char *const parts[] = {err->field, err->text, err->hint};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i][0]) {
            keys[n] = names[i];
            values[n++] = parts[i];
        }
    }
    log_event(LOG_ERROR, module, what, "code", code, keys[0], values[0], keys[1], values[1],
              keys[2], values[2], NULL);
}
