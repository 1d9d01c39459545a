/* arguments.c - from argv to one call of one command, by the table.
 *
 * Contract: options may stand anywhere; "--name value", "--name=value", "-o json" and "-ojson" are
 * the forms; "--" ends them; a lone "-" is an argument.  Values are checked here (numbers, choices,
 * durations), so a command never sees a bad one.  An unknown word is refused with the nearest known
 * one.  Nothing is guessed: no option may be shortened. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static const struct cli_option *find_in(const struct cli_option *options, const char *name,
                                        size_t len, char letter)
{
    for (const struct cli_option *option = options; option && option->name; option++)
        if (letter ? option->letter == letter
                   : strlen(option->name) == len && strncmp(option->name, name, len) == 0)
            return option;
    return NULL;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name,
                                            size_t len, char letter)
{
    const struct cli_option *found = command ? find_in(command->options, name, len, letter) : NULL;
    return found ? found : find_in(cli_common_options, name, len, letter);
}

const char *cli_peek(int argc, char **argv, const char *option)
{
    size_t len = strlen(option);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, option, len) != 0)
            continue;
        if (argv[i][2 + len] == '=')
            return argv[i] + 3 + len;
        if (!argv[i][2 + len] && i + 1 < argc)
            return argv[i + 1];
    }
    return NULL;
}

/* ---- which command ---- */

static enum err_code unknown_word(const char *what, struct str_suggestion *near, struct err *err)
{
    const char *best = str_suggested(near);
    err_set(err, ERR_USAGE, "%s", what);
    if (best)
        err_hint(err, _("did you mean '%s'?"), best);
    else
        err_hint(err, _("swan --help lists the commands"));
    return ERR_USAGE;
}

static enum err_code unknown_noun(const struct cli_hooks *hooks, const char *word, struct err *err)
{
    char what[300];
    struct str_suggestion near = {.word = word};
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++)
        if (!command->hidden)
            str_suggest(&near, command->noun);
    str_format(what, sizeof what, _("there is no command '%s'"), word);
    return unknown_word(what, &near, err);
}

static enum err_code unknown_verb(const struct cli_hooks *hooks, const char *noun, const char *word,
                                  struct err *err)
{
    char what[300];
    struct str_suggestion near = {.word = word ? word : ""};
    const struct cli_command *command;
    CLEANUP(buf_done) struct buf verbs = BUF_INIT;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++) {
        if (!str_eq(command->noun, noun) || command->hidden)
            continue;
        str_suggest(&near, command->verb);
        buf_printf(&verbs, "%s%s", verbs.len ? ", " : "", command->verb);
    }
    const char *best = word ? str_suggested(&near) : NULL;
    if (word)
        str_format(what, sizeof what, _("'%s' is nothing that swan does with %s"), word, noun);
    else
        str_format(what, sizeof what, _("what shall be done with %s?"), noun);
    err_set(err, ERR_USAGE, "%s", what);
    if (best)
        err_hint(err, _("did you mean 'swan %s %s'?"), noun, best);
    else
        err_hint(err, _("one of: %s"), buf_str(&verbs));
    return ERR_USAGE;
}

static const struct cli_command *find_command(const struct cli_hooks *hooks, const char *noun,
                                              const char *verb)
{
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++)
        if (str_eq(command->noun, noun) && str_eq(command->verb, verb))
            return command;
    return NULL;
}

/* The words of the command line that are not options or their values. Before the command is known,
 * whether an option takes a value is asked of every command that has it. */
static bool takes_value(const struct cli_hooks *hooks, const char *name, size_t len, char letter)
{
    const struct cli_option *common = find_in(cli_common_options, name, len, letter);
    if (common)
        return common->kind != CLI_FLAG;
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++) {
        const struct cli_option *option = find_in(command->options, name, len, letter);
        if (option)
            return option->kind != CLI_FLAG;
    }
    return false;
}

static bool skips_next(const struct cli_hooks *hooks, const char *word)
{
    if (word[0] != '-' || !word[1])
        return false;
    if (word[1] == '-')
        return !strchr(word, '=') && takes_value(hooks, word + 2, strlen(word + 2), 0);
    return !word[2] && takes_value(hooks, "", 0, word[1]);
}

/* Fills noun and verb positions (0 = none): the first two words. */
static void find_words(int argc, char **argv, const struct cli_hooks *hooks, int *noun, int *verb)
{
    *noun = *verb = 0;
    for (int i = 1; i < argc && !*verb; i++) {
        if (strcmp(argv[i], "--") == 0)
            return;
        if (argv[i][0] == '-' && argv[i][1]) {
            i += skips_next(hooks, argv[i]);
            continue;
        }
        if (!*noun)
            *noun = i;
        else
            *verb = i;
    }
}

static enum err_code find(int argc, char **argv, struct cli_call *call, struct cli_wish *wish,
                          int *noun_at, int *verb_at, struct err *err)
{
    const struct cli_hooks *hooks = call->hooks;
    find_words(argc, argv, hooks, noun_at, verb_at);
    if (!*noun_at)
        return ERR_OK;
    const char *noun = argv[*noun_at];
    bool verbs = cli_noun_has_verbs(hooks, noun);
    if (!verbs) {
        *verb_at = 0;
        wish->command = find_command(hooks, noun, NULL);
        wish->noun = noun;
        return wish->command ? ERR_OK : unknown_noun(hooks, noun, err);
    }
    wish->noun = noun;
    if (!*verb_at)
        return ERR_OK;
    wish->command = find_command(hooks, noun, argv[*verb_at]);
    return wish->command ? ERR_OK : unknown_verb(hooks, noun, argv[*verb_at], err);
}

/* ---- values ---- */

static enum err_code bad_value(const struct cli_option *option, const char *value, const char *why,
                               struct err *err)
{
    err_set(err, ERR_USAGE, _("--%s: '%s' %s"), option->name, value, why);
    return ERR_USAGE;
}

static enum err_code check_choice(const struct cli_option *option, const char *value,
                                  struct err *err)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    struct str_suggestion near = {.word = value};
    for (size_t i = 1; option->choices[i]; i++) {
        if (str_eq(option->choices[i], value))
            return ERR_OK;
        str_suggest(&near, option->choices[i]);
        buf_printf(&all, "%s%s", i > 1 ? ", " : "", option->choices[i]);
    }
    bad_value(option, value, _("is none of its choices"), err);
    const char *best = str_suggested(&near);
    if (best)
        err_hint(err, _("did you mean '%s'? the choices are %s"), best, buf_str(&all));
    else
        err_hint(err, _("the choices are %s"), buf_str(&all));
    return ERR_USAGE;
}

static enum err_code check_value(const struct cli_option *option, const char *value,
                                 struct err *err)
{
    double number;
    int64_t integer;
    if (!str_is_utf8(value, strlen(value)))
        return bad_value(option, "…", _("is not valid UTF-8"), err);
    switch (option->kind) {
    case CLI_NUMBER:
        return str_to_double(value, &number, NULL) || number < 0
                   ? bad_value(option, value, _("is no number of 0 or more"), err)
                   : ERR_OK;
    case CLI_INTEGER:
        return str_to_int64(value, &integer, NULL) || integer < 0
                   ? bad_value(option, value, _("is no whole number of 0 or more"), err)
                   : ERR_OK;
    case CLI_DURATION:
        return str_to_duration_ms(value, &integer, NULL) || integer <= 0
                   ? bad_value(option, value, _("is no duration such as 30s, 5m or 500ms"), err)
                   : ERR_OK;
    case CLI_SPAN:
        return str_to_duration_ms(value, &integer, NULL) || integer < 0
                   ? bad_value(option, value, _("is no duration such as 30s, 5m or 500ms"), err)
                   : ERR_OK;
    case CLI_CHOICE:
        return check_choice(option, value, err);
    case CLI_TEXT:
    case CLI_TEXTS:
    case CLI_FILE:
    case CLI_FILES:
    case CLI_FLAG:
        break;
    }
    return value[0] ? ERR_OK : bad_value(option, value, _("is empty"), err);
}

/* ---- reading ---- */

struct reader {
    int argc, at;
    char **argv;
    struct cli_call *call;
    struct cli_wish *wish;
};

static enum err_code unknown_option(struct reader *reader, const char *word, size_t len,
                                    struct err *err)
{
    char name[80], what[300];
    const struct cli_command *command = reader->wish->command;
    str_format(name, sizeof name, "%.*s", (int)(len < 70 ? len : 70), word);
    struct str_suggestion near = {.word = name};
    for (const struct cli_option *o = command ? command->options : NULL; o && o->name; o++)
        str_suggest(&near, o->name);
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        str_suggest(&near, o->name);
    const char *best = str_suggested(&near);
    str_format(what, sizeof what, _("there is no option '%s%s'"), len > 1 ? "--" : "-", name);
    err_set(err, ERR_USAGE, "%s", what);
    if (best && len > 1)
        err_hint(err, _("did you mean '--%s'?"), best);
    else if (command)
        err_hint(err, _("swan %s%s%s --help lists its options"), command->noun,
                 command->verb ? " " : "", command->verb ? command->verb : "");
    else
        err_hint(err, _("swan --help lists the commands"));
    return ERR_USAGE;
}

static enum err_code keep_option(struct reader *reader, const struct cli_option *option,
                                 const char *value, struct err *err)
{
    struct cli_call *call = reader->call;
    enum err_code rc = option->kind == CLI_FLAG ? ERR_OK : check_value(option, value, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < call->option_count; i++)
        if (call->options[i].option == option && option->kind != CLI_FLAG &&
            option->kind != CLI_TEXTS && option->kind != CLI_FILES)
            return err_set(err, ERR_USAGE, _("--%s is given twice"), option->name);
    if (call->option_count == CLI_MAX_OPTIONS)
        return err_set(err, ERR_USAGE, _("too many options"));
    call->options[call->option_count].option = option;
    call->options[call->option_count++].value = value;
    reader->wish->help = reader->wish->help || str_eq(option->name, "help");
    reader->wish->version =
        reader->wish->version || (option->kind == CLI_FLAG && str_eq(option->name, "version"));
    return ERR_OK;
}

static enum err_code read_option(struct reader *reader, struct err *err)
{
    const char *word = reader->argv[reader->at];
    bool is_long = word[1] == '-';
    const char *name = word + 1 + is_long;
    const char *equals = is_long ? strchr(name, '=') : NULL;
    size_t len = is_long ? (equals ? (size_t)(equals - name) : strlen(name)) : 1;
    const struct cli_option *option =
        find_option(reader->wish->command, name, len, is_long ? 0 : word[1]);
    if (!option)
        return unknown_option(reader, name, len, err);
    if (option->kind == CLI_FLAG) {
        if (equals)
            return err_set(err, ERR_USAGE, _("--%s takes no value"), option->name);
        if (!is_long && word[2])
            return err_set(err, ERR_USAGE, _("write '%s' as separate options"), word);
        return keep_option(reader, option, "", err);
    }
    const char *value = equals ? equals + 1 : !is_long && word[2] ? word + 2 : NULL;
    if (!value) {
        if (reader->at + 1 >= reader->argc)
            return err_set(err, ERR_USAGE, _("--%s needs a value"), option->name);
        value = reader->argv[++reader->at];
    }
    return keep_option(reader, option, value, err);
}

static size_t argument_max(const struct cli_command *command)
{
    size_t count = 0;
    while (command && command->arguments && command->arguments[count].name)
        count++;
    return count;
}

static enum err_code keep_argument(struct reader *reader, const char *word, struct err *err)
{
    struct cli_call *call = reader->call;
    size_t max = argument_max(reader->wish->command);
    if (!str_is_utf8(word, strlen(word)))
        return err_set(err, ERR_INVALID, _("an argument is not valid UTF-8"));
    if (call->argument_count >= max) {
        err_set(err, ERR_USAGE, _("'%s' is one argument too many"), word);
        if (max == 1)
            err_hint(err, _("put quotes around words that belong together"));
        return ERR_USAGE;
    }
    call->arguments[call->argument_count++] = word;
    return ERR_OK;
}

static enum err_code check_arguments(const struct cli_call *call, const struct cli_wish *wish,
                                     struct err *err)
{
    const struct cli_command *command = wish->command;
    for (size_t i = call->argument_count; i < argument_max(command); i++) {
        const struct cli_argument *argument = &command->arguments[i];
        if (argument->optional)
            continue;
        err_set(err, ERR_USAGE, _("%s is missing: %s"), argument->name, _(argument->doc));
        return err_hint(err, _("swan %s%s%s --help tells more"), command->noun,
                        command->verb ? " " : "", command->verb ? command->verb : "");
    }
    return ERR_OK;
}

enum err_code cli_parse(int argc, char **argv, struct cli_call *call, struct cli_wish *wish,
                        struct err *err)
{
    struct reader reader = {.argc = argc, .argv = argv, .call = call, .wish = wish};
    int noun_at, verb_at;
    bool open = true;
    enum err_code rc = find(argc, argv, call, wish, &noun_at, &verb_at, err);
    if (rc)
        return rc;
    call->command = wish->command;
    for (reader.at = 1; reader.at < argc; reader.at++) {
        const char *word = argv[reader.at];
        if (reader.at == noun_at || reader.at == verb_at)
            continue;
        if (open && strcmp(word, "--") == 0)
            open = false;
        else if (open && word[0] == '-' && word[1])
            rc = read_option(&reader, err);
        else
            rc = keep_argument(&reader, word, err);
        if (rc)
            return rc;
    }
    if (wish->help || wish->version)
        return ERR_OK;
    if (!wish->command)
        return wish->noun ? unknown_verb(call->hooks, wish->noun, NULL, err) : ERR_OK;
    return check_arguments(call, wish, err);
}

/* ---- what commands ask ---- */

const char *cli_option(const struct cli_call *call, const char *option)
{
    assert(find_option(call->command, option, strlen(option), 0));
    for (size_t i = 0; i < call->option_count; i++)
        if (str_eq(call->options[i].option->name, option))
            return call->options[i].value;
    return NULL;
}

bool cli_flag(const struct cli_call *call, const char *option)
{
    return cli_option(call, option) != NULL;
}

double cli_number(const struct cli_call *call, const char *option, double fallback)
{
    const char *text = cli_option(call, option);
    double value = fallback;
    if (text)
        str_to_double(text, &value, NULL);
    return value;
}

int64_t cli_integer(const struct cli_call *call, const char *option, int64_t fallback)
{
    const char *text = cli_option(call, option);
    int64_t value = fallback;
    if (text)
        str_to_int64(text, &value, NULL);
    return value;
}

int64_t cli_duration_ms(const struct cli_call *call, const char *option, int64_t fallback)
{
    const char *text = cli_option(call, option);
    int64_t value = fallback;
    if (text)
        str_to_duration_ms(text, &value, NULL);
    return value;
}

const char *cli_argument(const struct cli_call *call, size_t index)
{
    return index < call->argument_count ? call->arguments[index] : NULL;
}

struct arena *cli_arena(struct cli_call *call)
{
    return call->arena;
}

const struct cli_command *cli_command_of(const struct cli_call *call)
{
    return call->command;
}
