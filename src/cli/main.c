/* main.c - one command line from its words to its exit code.
 *
 * Contract: language first, so that even a usage error speaks it; then parse, then run one command.
 * An error is printed here, once, to stderr; the exit code is that of its code.  Output that cannot
 * be written (a full disk, a closed pipe) is an error too. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli_priv.h"

#define TIMEOUT_DEFAULT_MS 60000

static void set_screen(struct cli_call *call)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    bool dumb = !term || !term[0] || str_eq(term, "dumb");
    call->terminal = isatty(STDOUT_FILENO) && !dumb;
    call->colour = call->terminal && !(no_colour && no_colour[0]) && !cli_flag(call, "no-color");
    call->width = isatty(STDOUT_FILENO) ? cli_terminal_width() : 0;
}

static void set_output(struct cli_call *call)
{
    const char *format = cli_option(call, "output");
    call->format = str_eq(format, "json")   ? CLI_JSON
                   : str_eq(format, "yaml") ? CLI_YAML
                                            : CLI_TABLE;
    call->quiet = cli_flag(call, "quiet");
    call->people = call->quiet ? NULL : call->format == CLI_TABLE ? stdout : stderr;
    call->timeout_ms = cli_duration_ms(call, "timeout", TIMEOUT_DEFAULT_MS);
    if (call->people == stderr) { /* beside JSON: no cursor, no colours of another stream */
        call->terminal = false;
        call->colour = call->colour && isatty(STDERR_FILENO);
    }
}

static int end(struct cli_call *call, enum err_code rc, struct err *err)
{
    if (!rc && (fflush(stdout) || ferror(stdout))) {
        if (errno == EPIPE) /* whoever read has seen enough */
            return err_info(ERR_IO)->exit_code;
        rc = err_errno(err, errno, "%s", _("the output cannot be written"));
    }
    if (!rc)
        return 0;
    fflush(stdout);
    cli_print_error(call, err);
    return err_info(rc)->exit_code;
}

static enum err_code run(struct cli_call *call, const struct cli_wish *wish, struct err *err)
{
    if (wish->version) {
        printf("swan %s\n", call->hooks->version);
        return ERR_OK;
    }
    if (wish->help && wish->command)
        cli_help_command(call, wish->command, stdout);
    else if (wish->help && wish->noun)
        cli_help_noun(call, wish->noun, stdout);
    else if (wish->help)
        cli_help_program(call, stdout);
    if (wish->help)
        return ERR_OK;
    if (!wish->command) {
        cli_help_program(call, stderr);
        return err_set(err, ERR_USAGE, "%s", _("no command is given"));
    }
    set_output(call);
    return wish->command->run(call, err);
}

int cli_main(int argc, char **argv, const struct cli_hooks *hooks)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cli_call call = {.hooks = hooks, .arena = &arena};
    struct cli_wish wish = {.help = false};
    struct err err = ERR_INIT;
    signal(SIGPIPE, SIG_IGN);
    arena_init(&arena, (size_t)4 << 30); /* a network file of the largest kind */
    cli_language_init(cli_peek(argc, argv, "lang"));
    enum err_code rc = cli_parse(argc, argv, &call, &wish, &err);
    set_screen(&call);
    if (!rc)
        rc = run(&call, &wish, &err);
    return end(&call, rc, &err);
}
