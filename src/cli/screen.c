/* screen.c - text for people on its way to a terminal or a file.
 *
 * Contract: everything that people read goes through cli_emit.  Styles are single bytes inside the
 * text; they become escape sequences when colour is on and vanish when it is not.  Every other
 * control character, and the characters that turn the direction of writing, come out escaped, so
 * text of a server or a file cannot move the cursor or fake a line's meaning. */
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static const char *escape_of(char c)
{
    switch (c) {
    case '\x01':
        return "\033[0m";
    case '\x02':
        return "\033[1m";
    case '\x03':
        return "\033[2m";
    case '\x04':
        return "\033[31m";
    case '\x05':
        return "\033[32m";
    case '\x06':
        return "\033[33m";
    case '\x0e':
        return "\033[36m";
    default:
        return NULL;
    }
}

static bool is_hostile(uint32_t c)
{
    return (c < 0x20 && c != '\n') || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c;
}

void cli_emit(FILE *out, bool colour, const char *text)
{
    size_t len = strlen(text), at = 0;
    CLEANUP(buf_done) struct buf clean = BUF_INIT;
    if (!out)
        return;
    while (at < len) {
        const char *style = escape_of(text[at]);
        if (style) {
            if (colour)
                buf_add_str(&clean, style);
            at++;
            continue;
        }
        size_t begin = at;
        uint32_t c = str_next(text, len, &at);
        if (c == '\t')
            buf_add_str(&clean, "    ");
        else if (is_hostile(c))
            buf_printf(&clean, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        else if (c == 0xfffd && at - begin == 1)
            buf_add_str(&clean, "\xef\xbf\xbd");
        else
            buf_add(&clean, text + begin, at - begin);
    }
    fwrite(buf_str(&clean), 1, clean.len, out);
}

void cli_say(struct cli_call *call, const char *format, ...)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    va_list args;
    if (!call->people)
        return;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    cli_emit(call->people, call->colour, buf_str(&text));
}

void cli_warn(struct cli_call *call, const char *format, ...)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_add_char(&text, '\n');
    fflush(stdout);
    cli_emit(stderr, call->colour, buf_str(&text));
}

void cli_wrap(struct buf *out, const char *text, size_t indent, size_t width)
{
    size_t len = strlen(text), at = 0, column = indent;
    while (at < len) {
        size_t begin = at, word = 0;
        while (at < len && text[at] != ' ' && text[at] != '\n') {
            size_t before = at;
            char one[5];
            str_put(one, str_next(text, len, &at));
            size_t columns = str_width(one);
            word += columns;
            if (columns == 2 || (at < len && before == begin && (unsigned char)text[at] >= 0xe3))
                break;
        }
        if (column + word > width && column > indent) {
            while (out->len && out->data[out->len - 1] == ' ')
                out->data[--out->len] = '\0';
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        buf_add(out, text + begin, at - begin);
        column += word;
        if (at < len && text[at] == ' ') {
            buf_add_char(out, ' ');
            column++;
            at++;
        } else if (at < len && text[at] == '\n') {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
            at++;
        }
    }
    buf_add_char(out, '\n');
}

#define WIDTH_FILE 1000000 /* into a file nothing is broken */

void cli_say_wrapped(struct cli_call *call, const char *lead, const char *style, const char *text)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    size_t width = call->width > 0 ? (size_t)call->width : WIDTH_FILE;
    buf_add_str(&out, lead);
    buf_add_str(&out, style ? style : "");
    cli_wrap(&out, text, str_width(lead), width);
    if (style && out.len) {
        out.data[--out.len] = '\0';
        buf_printf(&out, "%s\n", S_RESET);
    }
    cli_say(call, "%s", buf_str(&out));
}

void cli_heading(struct cli_call *call, const char *text)
{
    cli_say(call, "\n%s%s%s\n", S_BOLD, text, S_RESET);
}

void cli_print_error(struct cli_call *call, const struct err *err)
{
    const struct err_info *info = err_info(err->code);
    const char *title = cli_word("error", info->name);
    const char *text = cli_sentence(err->text, call->arena);
    const char *hint = cli_sentence(err->hint, call->arena);
    CLEANUP(buf_done) struct buf line = BUF_INIT;
    buf_printf(&line, "%sswan:%s ", S_RED, S_RESET);
    if (err->code != ERR_USAGE)
        buf_printf(&line, "%s%s", title, _(": "));
    if (err->field[0])
        buf_printf(&line, "%s%s", err->field, _(": "));
    buf_add_str(&line, text);
    cli_warn(call, "%s", buf_str(&line));
    if (err->hint[0])
        cli_warn(call, "%s%s%s%s", S_DIM, _("hint: "), S_RESET, hint);
}

const char *cli_fit(const char *text, size_t columns, struct arena *arena)
{
    if (str_width(text) <= columns)
        return text;
    if (columns == 0)
        return "";
    size_t len = strlen(text), at = 0, width = 0, end = 0;
    while (at < len) {
        char one[5];
        size_t begin = at;
        uint32_t c = str_next(text, len, &at);
        str_put(one, c);
        width += at - begin == 1 && c == 0xfffd ? 1 : str_width(one);
        if (width > columns - 1)
            break;
        end = at;
    }
    return arena_printf(arena, "%.*s…", (int)end, text);
}

const char *cli_pad(const char *text, size_t columns, bool right, struct arena *arena)
{
    size_t width = str_width(text);
    int blanks = width < columns ? (int)(columns - width) : 0;
    return right ? arena_printf(arena, "%*s%s", blanks, "", text)
                 : arena_printf(arena, "%s%*s", text, blanks, "");
}
