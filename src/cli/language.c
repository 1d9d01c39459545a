/* language.c - which language people are spoken to in.
 *
 * Contract: English is in the sources, Chinese in swan.mo, looked for beside the program
 * (build/po, then ../share/locale).  gettext asks LANGUAGE only under a locale that is not "C":
 * C.UTF-8 is always there, so no zh_CN locale need be generated.  Numbers keep the C form. */
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

static bool chinese;

static bool is_chinese(const char *name)
{
    return str_has_prefix(name, "zh");
}

static const char *first_set(const char *const *variables, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(variables[i]);
        if (value && value[0])
            return value;
    }
    return NULL;
}

/* As gettext does it: LANGUAGE counts under a locale that is not C. */
static const char *wanted(const char *lang)
{
    static const char *const own[] = {"SWAN_LANG"}, *const more[] = {"LANGUAGE"},
                             *const locales[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = first_set(locales, ARRAY_LEN(locales));
    const char *language = first_set(more, ARRAY_LEN(more));
    if (!lang)
        lang = first_set(own, ARRAY_LEN(own));
    if (lang)
        return lang;
    if (locale && language && !str_eq(locale, "C") && !str_eq(locale, "POSIX"))
        return language;
    return locale ? locale : "en";
}

void cli_language_init(const char *lang)
{
    static const char *const places[] = {"po", "../share/locale"};
    char folder[4096], path[4200], file[4300];
    chinese = is_chinese(wanted(lang));
    setenv("LANGUAGE", chinese ? "zh_CN" : "en", 1);
    setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_MESSAGES, "C.UTF-8");
    if (file_program_dir(folder, sizeof folder, NULL))
        return;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        str_format(path, sizeof path, "%s/%s", folder, places[i]);
        str_format(file, sizeof file, "%s/zh_CN/LC_MESSAGES/%s.mo", path, CLI_DOMAIN);
        if (!file_exists(file))
            continue;
        bindtextdomain(CLI_DOMAIN, path);
        bind_textdomain_codeset(CLI_DOMAIN, "UTF-8");
        return;
    }
}

bool cli_language_is_chinese(void)
{
    return chinese;
}
