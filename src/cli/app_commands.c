/* app_commands.c - publishing an application: a folder with app.yaml and its artefact.
 *
 * Contract: what can be checked here is checked before a byte is sent; the artefact goes first, by
 * its digest, so repeating a broken publish is harmless. */
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/str.h"
#include "cli/cli_priv.h"

struct upload {
    struct cli_call *call;
    uint64_t size;
    int shown; /* last percent */
};

static bool on_upload(void *ctx, double share)
{
    struct upload *upload = ctx;
    int percent = (int)(share * 100);
    if (!upload->call->terminal || percent == upload->shown)
        return true;
    upload->shown = percent;
    cli_say(upload->call, _("uploading %3d%% of %.1f MiB"), percent,
            (double)upload->size / (1 << 20));
    fputs("\r", stdout);
    fflush(stdout);
    return true;
}

static enum err_code check_artefact(const char *folder, const struct application_spec *spec,
                                    const char **ret_path, struct arena *arena, struct err *err)
{
    const char *name = spec->artefact;
    if (!name || !name[0]) {
        err_set(err, ERR_INVALID, _("app.yaml names no artefact"));
        return err_field(err, "artefact");
    }
    if (name[0] == '/' || strstr(name, "..")) {
        err_set(err, ERR_INVALID, _("the artefact '%s' lies outside of the folder"), name);
        return err_field(err, "artefact");
    }
    *ret_path = arena_printf(arena, "%s/%s", folder, name);
    if (!file_exists(*ret_path)) {
        err_set(err, ERR_NOT_FOUND, _("the artefact %s does not exist"), *ret_path);
        return err_field(err, "artefact");
    }
    return ERR_OK;
}

static enum err_code put_artefact(struct cli_call *call, const char *path,
                                  char digest[ID_DIGEST_SIZE], struct err *err)
{
    struct http_reply reply;
    struct upload upload = {.call = call, .shown = -1};
    enum err_code rc = id_digest_file(path, digest, &upload.size, err);
    if (rc)
        return rc;
    rc = cli_send(
        call,
        &(struct cli_request){.method = "PUT",
                              .path = cli_path(call->arena, "/api/v1/artefacts/", digest, NULL),
                              .body_file = path,
                              .content_type = "application/octet-stream",
                              .on_progress = on_upload,
                              .ctx = &upload,
                              .timeout_ms = 3600 * 1000},
        &reply, err);
    if (upload.shown >= 0 && call->people)
        cli_say(call, "\n");
    return rc;
}

static enum err_code create(struct cli_call *call, const struct application_spec *spec,
                            const char *digest, struct json_doc **out, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    json_begin(&w, '{');
    json_key(&w, "spec");
    json_put_object(&w, &application_spec_table, spec);
    json_member_text(&w, "digest", digest);
    json_end(&w, '}');
    return cli_post(call, "/api/v1/applications", buf_str(&body), out, err);
}

static enum err_code act(struct cli_call *call, const char *id, const char *action,
                         struct json_doc **out, struct err *err)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct json_writer w = JSON_WRITER(&body);
    const char *note = cli_option(call, "note");
    json_begin(&w, '{');
    if (note)
        json_member_text(&w, "note", note);
    json_end(&w, '}');
    return cli_post(call,
                    cli_path(call->arena, "/api/v1/applications/", id,
                             arena_printf(call->arena, "/%s", action)),
                    buf_str(&body), out, err);
}

static void tell(struct cli_call *call, const char *id, const struct json_doc *doc)
{
    const char *state = json_text(json_path(json_root(doc), "status.state"), "");
    if (cli_answer_doc(call, doc))
        return;
    if (call->quiet)
        printf("%s\n", id);
    const char *style = cli_state_style(state);
    cli_say(call, "%s  %s%s%s\n", id, style ? style : "",
            cli_word("state", arena_strdup(call->arena, state)), style ? S_RESET : "");
}

enum err_code cli_run_app_step(struct cli_call *call, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    const char *id = cli_argument(call, 0);
    enum err_code rc = act(call, id, cli_command_of(call)->verb, &doc, err);
    if (!rc)
        tell(call, id, doc);
    return rc;
}

/* From the state where it is towards published, as far as the role allows. */
static enum err_code advance(struct cli_call *call, const char *id, struct json_doc **doc,
                             struct err *err)
{
    static const struct {
        const char *state, *action;
    } steps[] = {{"draft", "submit"}, {"submitted", "approve"}, {"approved", "publish"}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct json_doc *next = NULL;
        const char *state = json_text(json_path(json_root(*doc), "status.state"), "");
        if (!str_eq(state, steps[i].state))
            continue;
        enum err_code rc = act(call, id, steps[i].action, &next, err);
        if (rc == ERR_FORBIDDEN) {
            cli_say(call, _("the step '%s' is for an operator: swan app %s %s\n"), steps[i].action,
                    steps[i].action, id);
            err_clear(err);
            return ERR_OK;
        }
        if (rc)
            return rc;
        json_doc_free(*doc);
        *doc = next;
    }
    return ERR_OK;
}

static enum err_code publish_folder(struct cli_call *call, const char *folder, struct err *err)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct application_spec spec;
    const char *artefact = NULL;
    char digest[ID_DIGEST_SIZE];
    enum err_code rc;
    if ((rc = json_decode_file(arena_printf(call->arena, "%s/app.yaml", folder),
                               &application_spec_table, NULL, &spec, call->arena, err)) ||
        (rc = check_artefact(folder, &spec, &artefact, call->arena, err)) ||
        (rc = put_artefact(call, artefact, digest, err)) ||
        (rc = create(call, &spec, digest, &doc, err)))
        return rc;
    const char *id = arena_printf(call->arena, "%s@%s", spec.name, spec.version);
    if (cli_flag(call, "yes") && (rc = advance(call, id, &doc, err)))
        return rc;
    const char *state = json_text(json_path(json_root(doc), "status.state"), "");
    bool draft = str_eq(state, "draft");
    tell(call, id, doc);
    if (draft && call->format == CLI_TABLE)
        cli_say(call, _("next: swan app submit %s, then an operator says approve and publish\n"),
                id);
    return ERR_OK;
}

enum err_code cli_run_app_publish(struct cli_call *call, struct err *err)
{
    const char *given = cli_argument(call, 0);
    if (file_exists(arena_printf(call->arena, "%s/app.yaml", given)))
        return publish_folder(call, given, err);
    if (strchr(given, '@') && !strchr(given, '/'))
        return cli_run_app_step(call, err);
    err_set(err, ERR_NOT_FOUND, _("there is no %s/app.yaml"), given);
    return err_hint(err, _("give a folder with app.yaml, or name@version of an approved one"));
}
