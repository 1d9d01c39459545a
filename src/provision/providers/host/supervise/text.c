/* text.c - bounded text and the key=value lines that swan-supervise reads and writes.
 *
 * Contract: a line's value may hold any byte but NUL; '\' and the line end are escaped, so that no
 * value can make a line of its own. */
#include "provision/providers/host/supervise/supervise.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void supervise_add(struct supervise_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = text->size - text->len;
    int len = vsnprintf(text->data + text->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room) {
        text->over = true;
        text->data[text->len] = '\0';
        return;
    }
    text->len += (size_t)len;
}

void supervise_add_line(struct supervise_text *text, const char *key, const char *value)
{
    if (value == NULL)
        return;
    supervise_add(text, "%s=", key);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '\n')
            supervise_add(text, "\\%c", *c == '\n' ? 'n' : '\\');
        else
            supervise_add(text, "%c", *c);
    }
    supervise_add(text, "\n");
}

bool supervise_next_line(char **at, char **key, char **value)
{
    char *line = *at;
    if (*line == '\0')
        return false;
    char *end = strchrnul(line, '\n');
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    char *equals = strchr(line, '=');
    *key = NULL;
    *value = NULL;
    if (equals == NULL)
        return true;
    *equals = '\0';
    char *to = equals + 1;
    for (const char *from = equals + 1; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
            *to++ = *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    *key = line;
    *value = equals + 1;
    return true;
}

bool supervise_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, size, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < size;
}

bool supervise_to_int(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        return false;
    *out = value;
    return true;
}

bool supervise_to_double(const char *text, double low, double high, double *out)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= low && value <= high))
        return false;
    *out = value;
    return true;
}

int supervise_fail(int code, const char *format, ...)
{
    char words[1024], line[2200];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    struct supervise_text text = {.data = line, .size = sizeof line};
    supervise_add_line(&text, "error", words);
    if (write(STDOUT_FILENO, text.data, text.len) < 0)
        return SUPERVISE_FAULT;
    return code;
}
