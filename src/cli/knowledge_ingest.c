/* knowledge_ingest.c - swan knowledge ingest: a folder of documents into a knowledge base. */
#include <string.h>

#include "base/clock.h"
#include "cli/cli_priv.h"
#include "cli/knowledge.h"
#include "intelligent/knowledge/knowledge.h"

static void write_changes(struct buf *out, const struct knowledge_changes *changes,
                          const struct knowledge_folder *folder, double seconds)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_int(&w, "documents_added", (int64_t)changes->documents_added);
    json_member_int(&w, "documents_changed", (int64_t)changes->documents_changed);
    json_member_int(&w, "documents_ended", (int64_t)changes->documents_ended);
    json_member_int(&w, "documents_unchanged", (int64_t)changes->documents_unchanged);
    json_member_int(&w, "passages_added", (int64_t)changes->passages_added);
    json_member_int(&w, "passages_ended", (int64_t)changes->passages_ended);
    json_member_int(&w, "passages_kept", (int64_t)changes->passages_kept);
    json_member_double(&w, "seconds", seconds);
    json_key(&w, "documents");
    json_begin(&w, '[');
    for (size_t i = 0; i < folder->readings.count; i++)
        json_put_object(&w, &knowledge_document_table, &folder->readings.items[i].document);
    json_end(&w, ']');
    json_key(&w, "refused");
    json_begin(&w, '[');
    for (size_t i = 0; i < folder->refused.count; i++) {
        json_begin(&w, '{');
        json_member_text(&w, "path", folder->refused.items[i].path);
        json_member_text(&w, "reason", folder->refused.items[i].reason);
        json_member_text(&w, "hint", folder->refused.items[i].hint);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    json_end(&w, '}');
}

static void show_changes(struct cli_call *call, const struct knowledge_changes *changes,
                         const struct knowledge_folder *folder, double seconds)
{
    cli_say(call, _("documents   %zu new, %zu changed, %zu gone, %zu as before\n"),
            changes->documents_added, changes->documents_changed, changes->documents_ended,
            changes->documents_unchanged);
    cli_say(call, _("passages    %zu new, %zu ended, %zu kept\n"), changes->passages_added,
            changes->passages_ended, changes->passages_kept);
    cli_say(call, _("took        %s\n"), cli_seconds(call->arena, seconds));
    for (size_t i = 0; i < folder->readings.count; i++) {
        const struct knowledge_document *document = &folder->readings.items[i].document;
        bool plain = !document->encoding || strcmp(document->encoding, "UTF-8") == 0;
        if (!plain)
            cli_say(call, _("%s: read as %s\n"), document->path, document->encoding);
        if (document->note)
            cli_say(call, "%s: %s\n", document->path, document->note);
    }
    for (size_t i = 0; i < folder->refused.count; i++)
        cli_warn(call, _("%s is left out: %s%s%s"), folder->refused.items[i].path,
                 folder->refused.items[i].reason, folder->refused.items[i].hint[0] ? "; " : "",
                 folder->refused.items[i].hint);
}

enum err_code cli_run_knowledge_ingest(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    const char *from = cli_argument(call, 0), *into = cli_option(call, "into");
    struct knowledge_folder folder = {.refused = {NULL, 0}};
    struct knowledge_changes changes;
    int64_t begin = clock_mono_us();
    arena_init(&arena, KNOWLEDGE_ARENA_MAX);
    if (!into)
        return err_set(err, ERR_USAGE, _("--%s is missing"), "into");
    enum err_code rc = knowledge_ingest(from, into, clock_now_ms(), &folder, &changes, &arena, err);
    if (rc)
        return rc;
    double seconds = (double)(clock_mono_us() - begin) * 1e-6;
    if (call->format == CLI_TABLE)
        show_changes(call, &changes, &folder, seconds);
    else {
        write_changes(&out, &changes, &folder, seconds);
        if ((rc = buf_check(&out, err)))
            return rc;
        cli_answer_json(call, buf_str(&out), out.len);
    }
    if (folder.refused.count > 0)
        return err_set(err, ERR_PARTIAL, _("%zu of the files could not be read"),
                       folder.refused.count);
    return ERR_OK;
}
