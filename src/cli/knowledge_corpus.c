/* knowledge_corpus.c - a folder of lines as passages.
 *
 * Contract: a bad line is named by file and number, and nothing is kept then. */
#include "cli/knowledge.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"

#define FILE_MAX ((size_t)1 << 30)
#define LINE_MAX_BYTES ((size_t)20 << 20)
#define TITLE_MAX 300 /* bytes: a longer first line is no title */

static const struct json_limits line_limits = {LINE_MAX_BYTES, 8, LINE_MAX_BYTES, 10000, 10000};

enum err_code cli_jsonl_each(const char *path,
                             enum err_code (*fn)(const struct json_value *line, void *ctx,
                                                 struct err *err),
                             void *ctx, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, FILE_MAX, &text, err);
    if (rc)
        return rc;
    const char *at = buf_str(&text), *end = at + text.len;
    for (size_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        if (strspn(at, " \t\r") < len) {
            if ((rc = json_parse(at, len, &line_limits, &doc, err)) ||
                (rc = fn(json_root(doc), ctx, err)))
                return err_context(err, _("%s line %zu"), path, number);
        }
        at += len + 1;
    }
    return ERR_OK;
}

static const char *corpus_path(const char *dir, struct arena *arena)
{
    return arena_printf(arena, "%s/corpus.jsonl", dir);
}

bool cli_corpus_is_jsonl(const char *dir)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    return file_exists(corpus_path(dir, &arena));
}

/* The first line of a text of several, when it is short: its title; *text moves behind it. */
static const char *split_title(const char **text, struct arena *arena)
{
    const char *stop = strchr(*text, '\n');
    if (!stop || stop - *text > TITLE_MAX || stop == *text)
        return NULL;
    const char *rest = stop + strspn(stop, "\n\r\t ");
    if (!*rest)
        return NULL;
    const char *title = arena_strndup(arena, *text, (size_t)(stop - *text));
    *text = rest;
    return title;
}

static enum err_code add_line(const struct json_value *line, void *ctx, struct err *err)
{
    struct cli_corpus *corpus = ctx;
    const char *id = json_text(json_get(line, "id"), NULL);
    const char *text = json_text(json_get(line, "text"), NULL);
    const char *title = json_text(json_get(line, "title"), NULL);
    if (!id || !text)
        return err_set(err, ERR_INVALID, _("want {\"id\",\"text\"}, both texts"));
    struct retrieval_passage *passage = LIST_ADD(corpus->arena, &corpus->passages);
    passage->id = arena_strdup(corpus->arena, id);
    passage->title =
        title && *title ? arena_strdup(corpus->arena, title) : split_title(&text, corpus->arena);
    passage->text = arena_strdup(corpus->arena, text);
    return arena_check(corpus->arena, err);
}

enum err_code cli_corpus_read_jsonl(const char *dir, struct cli_corpus *out, struct err *err)
{
    return cli_jsonl_each(corpus_path(dir, out->arena), add_line, out, err);
}

const struct cli_corpus_reader cli_corpus_readers[] = {
    {"corpus.jsonl", cli_corpus_is_jsonl, cli_corpus_read_jsonl},
    {"knowledge.jsonl", cli_corpus_is_base, cli_corpus_read_base},
    {"documents (md, txt, html, pdf, docx)", cli_corpus_is_documents, cli_corpus_read_documents},
};
const size_t cli_corpus_reader_count = ARRAY_LEN(cli_corpus_readers);
