/* help.c - help texts and the reference page, all from the table of commands. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

#define NAME_COLUMN 26
#define WIDTH_MAX 100

static size_t help_width(const struct cli_call *call)
{
    return call->width > 40 && call->width < WIDTH_MAX ? (size_t)call->width : WIDTH_MAX;
}

static void entry(struct cli_call *call, struct buf *out, const char *name, const char *text)
{
    size_t width = str_width(name);
    buf_printf(out, "  %s%s%s", S_BOLD, name, S_RESET);
    if (width + 4 > NAME_COLUMN)
        buf_printf(out, "\n%*s", NAME_COLUMN, "");
    else
        buf_printf(out, "%*s", (int)(NAME_COLUMN - 2 - width), "");
    cli_wrap(out, text, NAME_COLUMN, help_width(call));
}

static const char *full_name(const struct cli_command *command, struct arena *arena)
{
    return cli_join(arena, command->noun, " ", command->verb);
}

static const char *usage_of(const struct cli_command *command, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "swan %s", full_name(command, arena));
    for (const struct cli_argument *a = command->arguments; a && a->name; a++)
        buf_printf(&text, a->optional ? " [%s]" : " %s", a->name);
    buf_add_str(&text, " [OPTIONS]");
    return arena_strdup(arena, buf_str(&text));
}

static const char *option_name(const struct cli_option *option, struct arena *arena)
{
    const char *letter = option->letter ? arena_printf(arena, "-%c, ", option->letter) : "";
    return option->value ? arena_printf(arena, "%s--%s %s", letter, option->name, option->value)
                         : arena_printf(arena, "%s--%s", letter, option->name);
}

static void finish(struct cli_call *call, struct buf *text, FILE *out)
{
    cli_emit(out, call->colour, buf_str(text));
}

void cli_help_program(struct cli_call *call, FILE *out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const struct cli_noun *noun;
    buf_printf(&text, "%sswan%s %s - %s\n\n%s\n", S_BOLD, S_RESET, call->hooks->version,
               _("runs a computing power network as one system"),
               _("Usage: swan NOUN VERB [ARGUMENTS] [OPTIONS]"));
    buf_printf(&text, "\n%s\n", _("Commands:"));
    for (size_t i = 0; (noun = cli_noun_at(call->hooks, i)); i++) {
        CLEANUP(buf_done) struct buf verbs = BUF_INIT;
        const struct cli_command *command;
        for (size_t k = 0; (command = cli_command_at(call->hooks, k)); k++)
            if (str_eq(command->noun, noun->name) && command->verb && !command->hidden)
                buf_printf(&verbs, "%s%s", verbs.len ? ", " : "", command->verb);
        const char *summary = _(noun->summary);
        entry(call, &text, noun->name,
              verbs.len ? arena_printf(call->arena, "%s (%s)", summary, buf_str(&verbs)) : summary);
    }
    buf_printf(&text, "\n%s\n", _("Options of every command:"));
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        entry(call, &text, option_name(o, call->arena), _(o->doc));
    buf_printf(&text, "\n%s\n",
               _("Exit codes: 0 done, 1 fault, 2 usage or bad input, 3 infeasible or refused, "
                 "4 partly done."));
    buf_printf(&text, "%s\n", _("swan NOUN VERB --help tells more."));
    finish(call, &text, out);
}

void cli_help_noun(struct cli_call *call, const char *noun, FILE *out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const struct cli_noun *entry_of = cli_noun_find(call->hooks, noun);
    const struct cli_command *command;
    buf_printf(&text, "%sswan %s%s - %s\n\n", S_BOLD, noun, S_RESET,
               entry_of ? _(entry_of->summary) : "");
    for (size_t i = 0; (command = cli_command_at(call->hooks, i)); i++) {
        if (!str_eq(command->noun, noun) || command->hidden)
            continue;
        CLEANUP(buf_done) struct buf name = BUF_INIT;
        buf_add_str(&name, command->verb ? command->verb : "");
        for (const struct cli_argument *a = command->arguments; a && a->name; a++)
            buf_printf(&name, a->optional ? " [%s]" : " %s", a->name);
        entry(call, &text, buf_str(&name), _(command->summary));
    }
    buf_printf(&text, "\n%s\n",
               arena_printf(call->arena, _("swan %s VERB --help tells more."), noun));
    finish(call, &text, out);
}

void cli_help_command(struct cli_call *call, const struct cli_command *command, FILE *out)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "%sswan %s%s - ", S_BOLD, full_name(command, call->arena), S_RESET);
    cli_wrap(&text, _(command->summary), 2, help_width(call));
    buf_printf(&text, "\n%s%s\n", _("Usage: "), usage_of(command, call->arena));
    if (command->arguments && command->arguments->name)
        buf_printf(&text, "\n%s\n", _("Arguments:"));
    for (const struct cli_argument *a = command->arguments; a && a->name; a++)
        entry(call, &text, a->name, _(a->doc));
    if (command->options && command->options->name)
        buf_printf(&text, "\n%s\n", _("Options:"));
    for (const struct cli_option *o = command->options; o && o->name; o++)
        entry(call, &text, option_name(o, call->arena), _(o->doc));
    buf_printf(&text, "\n%s\n", _("Options of every command:"));
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        entry(call, &text, option_name(o, call->arena), _(o->doc));
    if (command->notes) {
        buf_add_char(&text, '\n');
        cli_wrap(&text, _(command->notes), 0, help_width(call));
    }
    finish(call, &text, out);
}

/* ---- the reference page ---- */

/* Cells of a Markdown table: no bars. */
static void add_cell(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
}

static void markdown_options(struct buf *out, const struct cli_option *options, struct arena *arena)
{
    buf_printf(out, "\n| %s | |\n|---|---|\n", _("option"));
    for (const struct cli_option *o = options; o->name; o++) {
        buf_printf(out, "| `%s` | ", option_name(o, arena));
        add_cell(out, _(o->doc));
        buf_add_str(out, " |\n");
    }
}

static void markdown_command(struct buf *out, const struct cli_command *command,
                             struct arena *arena)
{
    buf_printf(out, "\n### swan %s\n\n", full_name(command, arena));
    add_cell(out, _(command->summary));
    buf_printf(out, "\n\n    %s\n", usage_of(command, arena));
    if (command->arguments && command->arguments->name) {
        buf_printf(out, "\n| %s | |\n|---|---|\n", _("argument"));
        for (const struct cli_argument *a = command->arguments; a->name; a++) {
            buf_printf(out, "| `%s` | ", a->name);
            add_cell(out, _(a->doc));
            buf_add_str(out, " |\n");
        }
    }
    if (command->options && command->options->name)
        markdown_options(out, command->options, arena);
    if (!command->notes)
        return;
    buf_add_char(out, '\n');
    for (const char *line = _(command->notes); *line;) {
        size_t len = strcspn(line, "\n");
        buf_printf(out, "%.*s%s\n", (int)len, line, line[len] ? "  " : "");
        line += len + (line[len] == '\n');
    }
}

static void markdown(struct cli_call *call)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const struct cli_noun *noun;
    const struct cli_command *command;
    buf_printf(&text, "# %s\n\n%s\n", _("The command line"),
               _("Made by `swan help --markdown` from the table of commands; a test holds it to "
                 "that. `swan NOUN VERB --help` shows the same."));
    buf_printf(&text, "\n## %s\n", _("Options of every command"));
    markdown_options(&text, cli_common_options, call->arena);
    buf_printf(&text, "\n%s\n",
               _("Exit codes: 0 done, 1 fault, 2 usage or bad input, 3 infeasible or refused, "
                 "4 partly done."));
    for (size_t i = 0; (noun = cli_noun_at(call->hooks, i)); i++) {
        buf_printf(&text, "\n## %s\n\n%s\n", noun->name, _(noun->summary));
        for (size_t k = 0; (command = cli_command_at(call->hooks, k)); k++)
            if (str_eq(command->noun, noun->name) && !command->hidden)
                markdown_command(&text, command, call->arena);
    }
    fwrite(buf_str(&text), 1, text.len, stdout);
}

enum err_code cli_run_help(struct cli_call *call, struct err *err)
{
    const char *noun = cli_argument(call, 0), *verb = cli_argument(call, 1);
    const struct cli_command *command;
    if (cli_flag(call, "markdown")) {
        markdown(call);
        return ERR_OK;
    }
    if (!noun) {
        cli_help_program(call, stdout);
        return ERR_OK;
    }
    if (!verb && cli_noun_has_verbs(call->hooks, noun)) {
        cli_help_noun(call, noun, stdout);
        return ERR_OK;
    }
    for (size_t i = 0; (command = cli_command_at(call->hooks, i)); i++) {
        if (!str_eq(command->noun, noun) || !str_eq(command->verb, verb))
            continue;
        cli_help_command(call, command, stdout);
        return ERR_OK;
    }
    err_set(err, ERR_USAGE, _("there is no command '%s'"), cli_join(call->arena, noun, " ", verb));
    return err_hint(err, _("swan --help lists the commands"));
}
