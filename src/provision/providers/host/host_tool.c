/* host_tool.c - one call of swan-supervise on the machine, and its answer as records.
 *
 * Contract: the answer comes from another machine and is believed only as text: it is bounded,
 * checked for UTF-8 where it goes on into results, and a line that is none is left out. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define REPLY_MAX ((size_t)8 << 20)
#define WORDS_MAX ((size_t)16 << 10)

void host_add_line(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "%s=", key);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '\n')
            buf_add_str(out, *c == '\n' ? "\\n" : "\\\\");
        else
            buf_add_char(out, *c);
    }
    buf_add_char(out, '\n');
}

static char *unescape(struct arena *arena, const char *text, size_t len)
{
    char *out = arena_strndup(arena, text, len), *to = out;
    for (const char *from = out; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
            *to++ = *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return out;
}

static void parse(const char *text, struct host_reply *out, struct arena *arena)
{
    struct host_record *record = NULL;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchrnul(line, '\n'), *equals = memchr(line, '=', (size_t)(end - line));
        if (end == line)
            record = NULL;
        if (equals != NULL && str_is_utf8(line, (size_t)(end - line))) {
            if (record == NULL)
                record = LIST_ADD(arena, &out->records);
            *LIST_ADD(arena, &record->lines) = (struct json_string_pair){
                .name = arena_strndup(arena, line, (size_t)(equals - line)),
                .value = unescape(arena, equals + 1, (size_t)(end - equals - 1))};
        }
        line = *end == '\0' ? end : end + 1;
    }
}

const char *host_record_text(const struct host_record *record, const char *key)
{
    for (size_t i = 0; record != NULL && i < record->lines.count; i++)
        if (str_eq(record->lines.items[i].name, key))
            return record->lines.items[i].value;
    return "";
}

bool host_record_number(const struct host_record *record, const char *key, double *out)
{
    double value;
    if (str_to_double(host_record_text(record, key), &value, NULL) != ERR_OK || !isfinite(value))
        return false;
    *out = value;
    return true;
}

/* The exit statuses of supervise.h. */
static enum err_code code_of(int status)
{
    static const enum err_code codes[] = {ERR_OK,       ERR_IO,        ERR_INVALID,
                                          ERR_CONFLICT, ERR_TRANSIENT, ERR_PRECONDITION};
    if (status >= 0 && (size_t)status < ARRAY_LEN(codes))
        return codes[status];
    return status == 126 || status == 127 ? ERR_UNSUPPORTED : ERR_TRANSIENT;
}

enum err_code host_tool(struct host_machine *machine, const char *const *args, const char *input,
                        struct host_reply *out, int64_t timeout_ms, struct err *err)
{
    CLEANUP(buf_done) struct buf command = BUF_INIT;
    CLEANUP(buf_done) struct buf text = {.max = REPLY_MAX};
    CLEANUP(buf_done) struct buf words = {.max = WORDS_MAX};
    buf_add_str(&command, "exec ");
    ssh_quote(&command, machine->tool);
    for (size_t i = 0; args[i] != NULL; i++) {
        buf_add_char(&command, ' ');
        ssh_quote(&command, args[i]);
    }
    int status = 0;
    *out = (struct host_reply){0};
    enum err_code rc =
        machine->run(machine, buf_str(&command), input, &text, &words, &status, timeout_ms, err);
    if (rc != ERR_OK)
        return rc;
    parse(buf_str(&text), out, machine->arena);
    if (status == 0)
        return ERR_OK;
    const char *why = out->records.count > 0
                          ? host_record_text(&out->records.items[out->records.count - 1], "error")
                          : "";
    if (why[0] != '\0')
        return err_set(err, code_of(status), "%s", why);
    return err_set(err, code_of(status), "swan-supervise %s ended with status %d: %s", args[0],
                   status, buf_str(&words));
}
