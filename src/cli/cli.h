/* cli.h - the command line: one table of commands, from which parsing, --help, completion and the
 * reference page come.
 *
 * Commands talk to the server through the HTTP API, or call an engine; none opens a store.  The
 * program's main hands over its arguments and the commands that only it can run. */
#ifndef SWAN_CLI_CLI_H
#define SWAN_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Text that people read goes through gettext, domain "swan"; N_ marks what a table keeps. */
#include <libintl.h>
#define CLI_DOMAIN "swan"
#define _(text) dgettext(CLI_DOMAIN, text)
#define N_(text) text
#define P_(one, many, count) dngettext(CLI_DOMAIN, one, many, (unsigned long)(count))

enum cli_kind {
    CLI_FLAG, /* takes no value */
    CLI_TEXT,
    CLI_TEXTS, /* may be given more than once */
    CLI_FILE,  /* completed as a file; "-" is stdin where the command says so */
    CLI_FILES, /* the same, more than once */
    CLI_NUMBER,
    CLI_INTEGER,
    CLI_DURATION, /* 30, 500ms, 5m */
    CLI_SPAN,     /* the same, or 0 */
    CLI_CHOICE,   /* one of `choices` */
};

struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* or 0 */
    enum cli_kind kind;
    const char *value;          /* what stands for the value in help: "FILE" */
    const char *const *choices; /* [0] = NULL as in json tables, NULL at the end */
    const char *doc;            /* N_() */
};

struct cli_argument {
    const char *name; /* "TEXT" */
    bool optional;
    bool file; /* completed as a file */
    const char *doc;
};

struct cli_call; /* one parsed command line */

struct cli_command {
    const char *noun, *verb;              /* verb NULL: the noun is the command */
    const struct cli_argument *arguments; /* ends with name NULL; NULL = none */
    const struct cli_option *options;     /* ends with name NULL; NULL = the common ones only */
    const char *summary;                  /* N_(): one line, lower case */
    /* The exit code is that of the returned error (err_info); cli prints it, once. */
    enum err_code (*run)(struct cli_call *call, struct err *err);
    const void *data;  /* for run */
    const char *notes; /* N_(): more for --help, or NULL */
    bool hidden;       /* not in help and completion */
};

struct cli_noun {
    const char *name, *summary;
};

struct cli_hooks {
    const struct cli_command *commands; /* of the program itself: serve … */
    size_t command_count;
    const struct cli_noun *nouns; /* of those commands */
    size_t noun_count;
    const char *version;
};

/* argv as main gets it; returns the exit code. */
int cli_main(int argc, char **argv, const struct cli_hooks *hooks);

/* ---- for commands ---- */
/* A name that the command's table does not hold is our own mistake (assert). */
bool cli_flag(const struct cli_call *call, const char *option);
const char *cli_option(const struct cli_call *call, const char *option); /* NULL = not given */
double cli_number(const struct cli_call *call, const char *option, double fallback);
int64_t cli_integer(const struct cli_call *call, const char *option, int64_t fallback);
int64_t cli_duration_ms(const struct cli_call *call, const char *option, int64_t fallback);
const char *cli_argument(const struct cli_call *call, size_t index); /* NULL = not given */
struct arena *cli_arena(struct cli_call *call);
const struct cli_command *cli_command_of(const struct cli_call *call);

#endif
