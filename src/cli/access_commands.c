/* access_commands.c - users, tenants, tokens, signing in, the audit. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define PASSWORD_MAX 256

static void add_text(struct json_writer *w, struct cli_call *call, const char *option)
{
    if (cli_option(call, option))
        json_member_text(w, option, cli_option(call, option));
}

static void wipe(char (*password)[PASSWORD_MAX])
{
    volatile char *at = *password;
    for (size_t i = 0; i < PASSWORD_MAX; i++)
        at[i] = 0;
}

enum err_code cli_run_user_create(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(wipe) char password[PASSWORD_MAX] = "";
    struct json_writer w = JSON_WRITER(&body);
    enum err_code rc;
    json_begin(&w, '{');
    json_member_text(&w, "name", cli_argument(call, 0));
    json_member_text(&w, "role", cli_option(call, "role") ? cli_option(call, "role") : "customer");
    add_text(&w, call, "tenant");
    add_text(&w, call, "title");
    if (cli_flag(call, "password")) {
        if ((rc = cli_ask_secret(call, _("Password: "), password, sizeof password, err)))
            return rc;
        json_member_text(&w, "password", password);
    }
    json_end(&w, '}');
    rc = cli_send_json(
        call,
        &(struct cli_request){.method = "POST", .path = "/api/v1/users", .body = buf_str(&body)},
        &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_say(call, _("user %s\n"), cli_argument(call, 0));
    return ERR_OK;
}

enum err_code cli_run_tenant_create(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_member_text(&w, "name", cli_argument(call, 0));
    add_text(&w, call, "title");
    json_end(&w, '}');
    enum err_code rc = cli_post(call, "/api/v1/tenants", buf_str(&body), &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_say(call, _("tenant %s\n"), cli_argument(call, 0));
    return ERR_OK;
}

enum err_code cli_run_token_create(struct cli_call *call, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct json_writer w = JSON_WRITER(&body);
    int64_t lives = cli_duration_ms(call, "expires", 0);
    json_begin(&w, '{');
    add_text(&w, call, "user");
    add_text(&w, call, "role");
    add_text(&w, call, "title");
    if (lives)
        json_member_time(&w, "expires_at", clock_now_ms() + lives);
    json_end(&w, '}');
    enum err_code rc = cli_send_json(
        call,
        &(struct cli_request){.method = "POST", .path = "/api/v1/tokens", .body = buf_str(&body)},
        &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    printf("%s\n", json_text(json_get(json_root(doc), "token"), ""));
    cli_warn(call, _("token %s; it is shown this once"),
             json_text(json_get(json_root(doc), "id"), ""));
    return ERR_OK;
}

/* ---- signing in ---- */

static enum err_code by_password(struct cli_call *call, const char *user, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(wipe) char password[PASSWORD_MAX] = "";
    struct json_writer w = JSON_WRITER(&body);
    const char *question = arena_printf(call->arena, _("Password of %s: "), user);
    enum err_code rc = cli_ask_secret(call, question, password, sizeof password, err);
    if (rc)
        return rc;
    json_begin(&w, '{');
    json_member_text(&w, "user", user);
    json_member_text(&w, "password", password);
    json_end(&w, '}');
    call->token = NULL;
    rc = cli_send_json(
        call,
        &(struct cli_request){.method = "POST", .path = "/api/v1/login", .body = buf_str(&body)},
        &doc, err);
    if (rc == ERR_UNAUTHENTICATED) {
        err_set(err, rc, _("user or password is wrong"));
        return rc;
    }
    if (!rc)
        call->token = arena_strdup(call->arena, json_text(json_get(json_root(doc), "token"), NULL));
    return rc;
}

enum err_code cli_run_login(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *user = cli_option(call, "user"), *path = NULL;
    enum err_code rc = cli_context_apply(call, err);
    if (rc)
        return rc;
    if (user && (rc = by_password(call, user, err)))
        return rc;
    if (!call->token) {
        err_set(err, ERR_USAGE, _("say who you are"));
        return err_hint(err, "swan login --token TOKEN, %s swan login --user NAME", _("or"));
    }
    if ((rc = cli_get(call, "/api/v1/whoami", &doc, err)))
        return rc;
    struct cli_context context = {.server = call->server,
                                  .token = call->token,
                                  .user = json_text(json_get(json_root(doc), "user"), "")};
    if ((rc = cli_context_save(&context, &path, call->arena, err)))
        return rc;
    cli_say(call, _("signed in at %s as %s (%s); kept in %s\n"), context.server, context.user,
            cli_word("role",
                     arena_strdup(call->arena, json_text(json_get(json_root(doc), "role"), ""))),
            path);
    return ERR_OK;
}

enum err_code cli_run_whoami(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    enum err_code rc = cli_get(call, "/api/v1/whoami", &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    const struct json_value *who = json_root(doc);
    const char *tenant = json_text(json_get(who, "tenant"), "");
    if (call->quiet)
        printf("%s\n", json_text(json_get(who, "user"), ""));
    cli_say(call, _("%s (%s) of %s at %s\n"), json_text(json_get(who, "user"), ""),
            cli_word("role", arena_strdup(call->arena, json_text(json_get(who, "role"), ""))),
            tenant[0] ? tenant : _("the operator"), call->server);
    return ERR_OK;
}

/* ---- audit ---- */

static const struct cli_field audit_fields[] = {
    {N_("POSITION"), "position", CLI_CELL_NUMBER, NULL},
    {N_("TIME"), "at", CLI_CELL_TIME, NULL},
    {N_("USER"), "user", CLI_CELL_TEXT, NULL},
    {N_("TENANT"), "tenant", CLI_CELL_TEXT, NULL},
    {N_("METHOD"), "audit.method", CLI_CELL_TEXT, NULL},
    {N_("PATH"), "audit.path", CLI_CELL_TEXT, NULL},
    {N_("OUTCOME"), "audit.outcome", CLI_CELL_TEXT, NULL},
    {N_("OBJECT"), "audit.object", CLI_CELL_TEXT, NULL},
    {N_("FROM"), "audit.peer", CLI_CELL_TEXT, NULL},
};

enum err_code cli_run_audit_list(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *path = arena_printf(call->arena, "/api/v1/audit?after=%lld",
                                    (long long)cli_integer(call, "after", 0));
    enum err_code rc = cli_get(call, path, &doc, err);
    if (rc || cli_answer_doc(call, doc))
        return rc;
    cli_show_items(call, json_get(json_root(doc), "items"), audit_fields, ARRAY_LEN(audit_fields));
    const struct json_value *next = json_get(json_root(doc), "next");
    if (next)
        cli_say(call, _("there is more: swan audit list --after %lld\n"),
                (long long)json_int(next, 0));
    return ERR_OK;
}
