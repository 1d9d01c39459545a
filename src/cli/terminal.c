/* terminal.c - asking people, and how wide their terminal is.
 *
 * Contract: nothing is asked unless stdin is a terminal (secrets may be piped: one line).  Echo is
 * switched back on whatever happens: while it is off the terminal sends no signals, Ctrl-C arrives
 * as a byte. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli_priv.h"

bool cli_can_ask(void)
{
    return isatty(STDIN_FILENO);
}

static int dimension(bool columns, const char *variable, int fallback)
{
    struct winsize size;
    const char *text = getenv(variable);
    int64_t number = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        int value = columns ? size.ws_col : size.ws_row;
        if (value > 0)
            return value;
    }
    if (text && !str_to_int64(text, &number, NULL) && number > 0 && number < 10000)
        return (int)number;
    return fallback;
}

int cli_terminal_width(void)
{
    return dimension(true, "COLUMNS", 80);
}

int cli_terminal_height(void)
{
    return dimension(false, "LINES", 24);
}

static enum err_code end_of_input(struct err *err)
{
    return err_set(err, ERR_CANCELLED, _("no answer: nothing is done"));
}

static enum err_code read_line(char *out, size_t size, struct err *err)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if ((got <= 0 && len == 0) || c == 3 || c == 4)
            return end_of_input(err);
        if (got <= 0 || c == '\n' || c == '\r')
            break;
        if (c == 127 || c == 8) {
            len -= len > 0;
            continue;
        }
        if (len + 1 >= size)
            return err_set(err, ERR_TOO_LARGE, _("the answer is too long"));
        out[len++] = c;
    }
    out[len] = '\0';
    return ERR_OK;
}

enum err_code cli_ask(struct cli_call *call, const char *question, char *out, size_t size,
                      struct err *err)
{
    if (!cli_can_ask()) {
        err_set(err, ERR_USAGE, _("there is nobody to ask: stdin is no terminal"));
        return err_hint(err, _("look at what is shown, then say --yes"));
    }
    if (call->people)
        fflush(call->people);
    cli_emit(stderr, call->colour, question);
    fflush(stderr);
    return read_line(out, size, err);
}

enum err_code cli_confirm(struct cli_call *call, const char *question, bool *out, struct err *err)
{
    char answer[64];
    const char *text =
        arena_printf(call->arena, "%s%s%s %s ", S_BOLD, question, S_RESET, _("[y/N]"));
    enum err_code rc = cli_ask(call, text, answer, sizeof answer, err);
    if (rc)
        return rc;
    *out = str_eq(answer, "y") || str_eq(answer, "Y") || str_eq(answer, "yes") ||
           str_eq(answer, "是") || str_eq(answer, "好") || str_eq(answer, "确认");
    return ERR_OK;
}

enum err_code cli_ask_secret(struct cli_call *call, const char *question, char *out, size_t size,
                             struct err *err)
{
    struct termios before, silent;
    if (!cli_can_ask())
        return read_line(out, size, err);
    cli_emit(stderr, call->colour, question);
    fflush(stderr);
    if (tcgetattr(STDIN_FILENO, &before))
        return err_errno(err, errno, "%s", _("the terminal cannot be asked"));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG | ICANON);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent))
        return err_errno(err, errno, "%s", _("the terminal cannot be asked"));
    enum err_code rc = read_line(out, size, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return rc;
}
