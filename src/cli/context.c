/* context.c - where the server is and who we are, kept between calls.
 *
 * Contract: $XDG_CONFIG_HOME/swan/context.json (else ~/.config), mode 0600, written beside and
 * renamed.  The token in it belongs to the server in it and is sent to no other. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

static const struct json_field context_fields[] = {
    JSON_FIELD("server", JSON_STRING, struct cli_context, server, JSON_REQUIRED, "address"),
    JSON_FIELD("token", JSON_STRING, struct cli_context, token, 0, "bearer token"),
    JSON_FIELD("user", JSON_STRING, struct cli_context, user, 0, "whose token it is"),
};
static const struct json_table context_table = JSON_TABLE(
    "Context", struct cli_context, context_fields, "what the command line remembers", NULL);

static const char *context_path(struct arena *arena)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (config && config[0] == '/')
        return arena_printf(arena, "%s/swan/context.json", config);
    return home && home[0] == '/' ? arena_printf(arena, "%s/.config/swan/context.json", home)
                                  : NULL;
}

enum err_code cli_context_load(struct cli_context *out, struct arena *arena, struct err *err)
{
    const char *path = context_path(arena);
    *out = (struct cli_context){NULL, NULL, NULL};
    if (!path || !file_exists(path))
        return ERR_OK;
    enum err_code rc = json_decode_file(path, &context_table, NULL, out, arena, err);
    if (rc)
        err_hint(err, _("remove it, then: swan login"));
    return rc;
}

enum err_code cli_context_save(const struct cli_context *context, const char **ret_path,
                               struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *path = context_path(arena);
    if (!path)
        return err_set(err, ERR_INVALID, _("neither HOME nor XDG_CONFIG_HOME is set"));
    char *folder = arena_strndup(arena, path, (size_t)(strrchr(path, '/') - path));
    json_encode(&context_table, context, JSON_PRETTY, &text);
    buf_add_char(&text, '\n');
    enum err_code rc = file_make_dirs(folder, 0700, err);
    if (!rc)
        rc = file_write_atomic(path, buf_str(&text), text.len, 0600, err);
    if (!rc)
        *ret_path = path;
    return rc;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static const char *without_slash(const char *server, struct arena *arena)
{
    size_t len = strlen(server);
    while (len && server[len - 1] == '/')
        len--;
    return arena_strndup(arena, server, len);
}

enum err_code cli_context_apply(struct cli_call *call, struct err *err)
{
    struct cli_context context;
    const char *server = cli_option(call, "server"), *token = cli_option(call, "token");
    if (!server)
        server = from_environment("SWAN_SERVER");
    if (!token)
        token = from_environment("SWAN_TOKEN");
    if (!server || !token) {
        enum err_code rc = cli_context_load(&context, call->arena, err);
        if (rc)
            return rc;
        if (!server)
            server = context.server ? context.server : CLI_SERVER_DEFAULT;
        server = without_slash(server, call->arena);
        if (!token && context.server && str_eq(server, context.server))
            token = context.token;
    }
    server = without_slash(server, call->arena);
    if (!str_has_prefix(server, "http://") && !str_has_prefix(server, "https://")) {
        err_set(err, ERR_USAGE, _("'%s' is no address of a server"), server);
        return err_hint(err, _("an address begins with http:// or https://"));
    }
    for (const char *c = token; c && *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127)
            return err_set(err, ERR_USAGE, _("the token holds characters that no token has"));
    call->server = server;
    call->token = token;
    return ERR_OK;
}
