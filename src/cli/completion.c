/* completion.c - completion scripts for bash and zsh, written from the table of commands.
 *
 * Contract: a script is self-contained and starts no program while completing.  Both shells share
 * the way: find noun and verb among the words so far, then offer verbs, options, choices or files.
 * Names of the table hold no character that a shell treats specially. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static void add_option(struct buf *out, const struct cli_option *option)
{
    buf_printf(out, " --%s", option->name);
    if (option->letter)
        buf_printf(out, " -%c", option->letter);
}

static void add_options(struct buf *out, const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++)
        add_option(out, o);
}

/* Calls fn for every option of every command, the common ones first. */
static void each_option(const struct cli_hooks *hooks,
                        void (*fn)(void *ctx, const struct cli_option *option), void *ctx)
{
    const struct cli_command *command;
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        fn(ctx, o);
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++)
        for (const struct cli_option *o = command->options; o && o->name; o++)
            fn(ctx, o);
}

struct gather {
    struct buf names; /* "|--a|-b" of options of one sort */
    int sort;         /* 0 = takes a value, 1 = takes a file */
};

static void add_pattern(struct buf *out, const struct cli_option *option)
{
    char word[80];
    str_format(word, sizeof word, "|--%s|", option->name);
    CLEANUP(buf_done) struct buf have = BUF_INIT;
    buf_printf(&have, "|%s|", buf_str(out));
    if (strstr(buf_str(&have), word))
        return;
    buf_printf(out, "%s--%s", out->len ? "|" : "", option->name);
    if (option->letter)
        buf_printf(out, "|-%c", option->letter);
}

static void gather_option(void *ctx, const struct cli_option *option)
{
    struct gather *gather = ctx;
    bool file = option->kind == CLI_FILE || option->kind == CLI_FILES;
    if (gather->sort == 0 ? option->kind != CLI_FLAG : file)
        add_pattern(&gather->names, option);
}

/* "case $prev in" lines of options with choices; an option of the same name has the same choices
 * or the first ones. */
struct choices {
    struct buf seen, lines;
    const char *offer; /* "…%s…" before and after the words */
    const char *end;
};

static void gather_choices(void *ctx, const struct cli_option *option)
{
    struct choices *choices = ctx;
    size_t before = choices->seen.len;
    if (option->kind != CLI_CHOICE)
        return;
    add_pattern(&choices->seen, option);
    if (choices->seen.len == before)
        return;
    buf_printf(&choices->lines, "    --%s", option->name);
    if (option->letter)
        buf_printf(&choices->lines, "|-%c", option->letter);
    buf_printf(&choices->lines, ") %s", choices->offer);
    for (size_t i = 1; option->choices[i]; i++)
        buf_printf(&choices->lines, "%s%s", i > 1 ? " " : "", option->choices[i]);
    buf_printf(&choices->lines, "%s\n", choices->end);
}

/* Distinct nouns, in order. */
static void add_nouns(struct buf *out, const struct cli_hooks *hooks)
{
    const struct cli_noun *noun;
    for (size_t i = 0; (noun = cli_noun_at(hooks, i)); i++)
        buf_printf(out, "%s%s", i ? " " : "", noun->name);
}

static void add_verbs(struct buf *out, const struct cli_hooks *hooks, const char *noun)
{
    const struct cli_command *command;
    bool first = true;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++) {
        if (!str_eq(command->noun, noun) || !command->verb || command->hidden)
            continue;
        buf_printf(out, "%s%s", first ? "" : " ", command->verb);
        first = false;
    }
}

static void add_cases(struct buf *out, struct cli_call *call)
{
    const struct cli_hooks *hooks = call->hooks;
    const struct cli_command *command;
    const struct cli_noun *noun;
    buf_add_str(out, "    case \"$noun $verb\" in\n    ' ') words='");
    add_nouns(out, hooks);
    buf_add_str(out, "' ;;\n");
    for (size_t i = 0; (noun = cli_noun_at(hooks, i)); i++) {
        if (!cli_noun_has_verbs(hooks, noun->name))
            continue;
        buf_printf(out, "    '%s ') words='", noun->name);
        add_verbs(out, hooks, noun->name);
        buf_add_str(out, "' ;;\n");
    }
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++) {
        if (command->hidden)
            continue;
        /* of a command without verb the first argument stands where a verb would */
        buf_printf(out, "    '%s '%s) options='", command->noun,
                   command->verb ? command->verb : "*");
        add_options(out, command->options);
        buf_add_char(out, '\'');
        if (command->arguments && command->arguments->file)
            buf_printf(out, "; files=1");
        if (command->data && str_eq(command->noun, "completion")) {
            const char *const *shells = command->data;
            buf_add_str(out, "; words='");
            for (size_t k = 1; shells[k]; k++)
                buf_printf(out, "%s%s", k > 1 ? " " : "", shells[k]);
            buf_add_char(out, '\'');
        }
        buf_add_str(out, " ;;\n");
    }
    buf_add_str(out, "    esac\n");
}

static void bash(struct cli_call *call, struct buf *out)
{
    struct gather values = {BUF_INIT, 0}, files = {BUF_INIT, 1};
    struct choices choices = {BUF_INIT, BUF_INIT, "COMPREPLY=($(compgen -W '",
                              "' -- \"$cur\")); return ;;"};
    each_option(call->hooks, gather_option, &values);
    each_option(call->hooks, gather_option, &files);
    each_option(call->hooks, gather_choices, &choices);
    buf_printf(out,
               "# bash completion for swan; made by: swan completion bash\n"
               "_swan() {\n"
               "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    local noun= verb= words= options= files= word i\n"
               "    COMPREPLY=()\n"
               "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
               "        word=${COMP_WORDS[i]}\n"
               "        case $word in\n"
               "        %s) ((i++)) ;;\n"
               "        -*) ;;\n"
               "        *) if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then "
               "verb=$word; fi ;;\n"
               "        esac\n"
               "    done\n"
               "    case $prev in\n%s",
               buf_str(&values.names), buf_str(&choices.lines));
    buf_printf(out,
               "    %s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
               "    %s) return ;;\n"
               "    esac\n",
               buf_str(&files.names), buf_str(&values.names));
    add_cases(out, call);
    buf_add_str(out, "    if [[ $cur == -* ]]; then\n"
                     "        COMPREPLY=($(compgen -W \"$options");
    add_options(out, cli_common_options);
    buf_add_str(out, "\" -- \"$cur\"))\n"
                     "    elif [[ -n $words ]]; then\n"
                     "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "    elif [[ -n $files ]]; then\n"
                     "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                     "    fi\n"
                     "}\n"
                     "complete -o filenames -F _swan swan\n");
    buf_done(&values.names);
    buf_done(&files.names);
    buf_done(&choices.seen);
    buf_done(&choices.lines);
}

static void zsh(struct cli_call *call, struct buf *out)
{
    struct gather values = {BUF_INIT, 0}, files = {BUF_INIT, 1};
    struct choices choices = {BUF_INIT, BUF_INIT, "compadd -- ", "; return ;;"};
    each_option(call->hooks, gather_option, &values);
    each_option(call->hooks, gather_option, &files);
    each_option(call->hooks, gather_choices, &choices);
    buf_printf(out,
               "#compdef swan\n"
               "# zsh completion for swan; made by: swan completion zsh\n"
               "_swan() {\n"
               "    local cur=${words[CURRENT]} prev=${words[CURRENT-1]}\n"
               "    local noun= verb= candidates= options= files= word i\n"
               "    for ((i = 2; i < CURRENT; i++)); do\n"
               "        word=${words[i]}\n"
               "        case $word in\n"
               "        %s) ((i++)) ;;\n"
               "        -*) ;;\n"
               "        *) if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then "
               "verb=$word; fi ;;\n"
               "        esac\n"
               "    done\n"
               "    case $prev in\n%s",
               buf_str(&values.names), buf_str(&choices.lines));
    buf_printf(out,
               "    %s) _files; return ;;\n"
               "    %s) return ;;\n"
               "    esac\n",
               buf_str(&files.names), buf_str(&values.names));
    CLEANUP(buf_done) struct buf cases = BUF_INIT;
    add_cases(&cases, call);
    for (const char *at = buf_str(&cases); *at;) { /* zsh keeps its own array named words */
        if (str_has_prefix(at, "words='")) {
            buf_add_str(out, "candidates='");
            at += strlen("words='");
        } else {
            buf_add_char(out, *at++);
        }
    }
    buf_add_str(out, "    if [[ $cur == -* ]]; then\n"
                     "        compadd -- ${=options}");
    add_options(out, cli_common_options);
    buf_add_str(out, "\n"
                     "    elif [[ -n $candidates ]]; then\n"
                     "        compadd -- ${=candidates}\n"
                     "    elif [[ -n $files ]]; then\n"
                     "        _files\n"
                     "    fi\n"
                     "}\n"
                     "if [[ $funcstack[1] == _swan ]]; then _swan \"$@\"; else compdef _swan swan; "
                     "fi\n");
    buf_done(&values.names);
    buf_done(&files.names);
    buf_done(&choices.seen);
    buf_done(&choices.lines);
}

enum err_code cli_run_completion(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf script = BUF_INIT;
    const char *shell = cli_argument(call, 0);
    if (str_eq(shell, "bash"))
        bash(call, &script);
    else if (str_eq(shell, "zsh"))
        zsh(call, &script);
    else
        return err_set(err, ERR_USAGE, _("completion is made for bash and zsh, not for '%s'"),
                       shell);
    fwrite(buf_str(&script), 1, script.len, stdout);
    return ERR_OK;
}
