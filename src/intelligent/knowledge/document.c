/* document.c - one document: which reader, what is said about it, its passages.
 *
 * To add a kind of document: a reader that fills a draft with blocks, a line in `kinds`, a seed in
 * tests/fuzz/corpus. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/id.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

enum media { MEDIA_NONE, MEDIA_MARKDOWN, MEDIA_TEXT, MEDIA_HTML, MEDIA_PDF, MEDIA_DOCX };
static const char *const media_names[] = {NULL, "markdown", "text", "html", "pdf", "docx"};

static const struct {
    const char *ending;
    enum media media;
} kinds[] = {
    {".md", MEDIA_MARKDOWN}, {".markdown", MEDIA_MARKDOWN}, {".txt", MEDIA_TEXT},
    {".text", MEDIA_TEXT},   {".html", MEDIA_HTML},         {".htm", MEDIA_HTML},
    {".xhtml", MEDIA_HTML},  {".pdf", MEDIA_PDF},           {".docx", MEDIA_DOCX},
};

static enum media media_of(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t size = strlen(kinds[i].ending);
        if (len > size && strcasecmp(path + len - size, kinds[i].ending) == 0)
            return kinds[i].media;
    }
    return MEDIA_NONE;
}

bool knowledge_is_document(const char *path)
{
    return media_of(path) != MEDIA_NONE;
}

/* ---- the draft ---- */

void knowledge_note(struct knowledge_draft *draft, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *note = arena_vprintf(draft->arena, format, args);
    va_end(args);
    if (!draft->note)
        draft->note = note;
    else if (strlen(draft->note) < 1000) /* one page may give thousands */
        draft->note = arena_printf(draft->arena, "%s; %s", draft->note, note);
}

/* Controls become blanks; line breaks stay where lines mean something. */
static size_t tidy(char *text, size_t len, bool lines)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n' && !lines)
            c = ' ';
        if ((c < 0x20 && c != '\n') || c == 0x7F)
            c = ' ';
        text[to++] = (char)c;
    }
    while (to > 0 && (text[to - 1] == ' ' || text[to - 1] == '\n'))
        to--;
    return to;
}

enum err_code knowledge_block_add(struct knowledge_draft *draft, enum knowledge_kind kind,
                                  int level, const char *text, size_t len, size_t begin, size_t end,
                                  struct err *err)
{
    while (len > 0 && (*text == ' ' || *text == '\n' || *text == '\t')) {
        text++;
        len--;
    }
    char *copy = arena_strndup(draft->arena, text, len);
    len = tidy(copy, len, kind != KNOWLEDGE_HEADING);
    copy[len] = '\0';
    if (len == 0)
        return ERR_OK;
    draft->text_bytes += len;
    if (draft->text_bytes > KNOWLEDGE_TEXT_MAX)
        return err_set(err, ERR_TOO_LARGE, "the text is larger than %zu bytes", KNOWLEDGE_TEXT_MAX);
    if (kind == KNOWLEDGE_HEADING && len > 400) { /* nobody heads a section with a page */
        kind = KNOWLEDGE_TEXT;
        level = 0;
    }
    *LIST_ADD(draft->arena, &draft->blocks) =
        (struct knowledge_block){.kind = kind,
                                 .level = level,
                                 .text = copy,
                                 .begin = begin,
                                 .end = end > begin ? end : begin};
    return arena_check(draft->arena, err);
}

/* ---- a document ---- */

void knowledge_file_digest(const char *bytes, size_t len, const char *defaults, const char *sidecar,
                           char out[ID_DIGEST_SIZE])
{
    char content[ID_DIGEST_SIZE];
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    id_digest(bytes, len, content);
    buf_printf(&all, "%s\x1f%s\x1f%s\x1f%s", KNOWLEDGE_READER, content,
               defaults ? defaults : "\x1e", sidecar ? sidecar : "\x1e");
    id_digest(buf_str(&all), all.len, out);
}

static enum err_code read_blocks(struct knowledge_draft *draft, enum media media, const char *bytes,
                                 size_t len, const char **encoding, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc;
    *encoding = NULL;
    if (media == MEDIA_DOCX)
        return knowledge_read_docx(draft, bytes, len, err);
    if ((rc = knowledge_decode(bytes, len, media == MEDIA_HTML, &text, encoding, err)))
        return rc;
    if (media == MEDIA_MARKDOWN)
        return knowledge_read_markdown(draft, buf_str(&text), text.len, err);
    if (media == MEDIA_HTML)
        return knowledge_read_html(draft, buf_str(&text), text.len, err);
    return knowledge_read_plain(draft, buf_str(&text), text.len, media == MEDIA_PDF, err);
}

/* What the document says itself comes first, then its sidecar, then its folder. */
static enum err_code complete_meta(struct knowledge_draft *draft, const char *defaults,
                                   const char *sidecar, struct err *err)
{
    const struct {
        const char *yaml, *name;
    } others[] = {{sidecar, "sidecar"}, {defaults, "folder.meta.yaml"}};
    enum err_code rc;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct knowledge_meta meta = {.id = NULL};
        if (!others[i].yaml)
            continue;
        if ((rc = knowledge_meta_read(&meta, others[i].yaml, strlen(others[i].yaml), draft->arena,
                                      err)))
            return err_context(err, "%s", others[i].name), rc;
        if (i == 1)
            meta.id = meta.title = NULL; /* are one document's own */
        knowledge_meta_default(&draft->meta, &meta, draft->arena);
    }
    return ERR_OK;
}

static enum err_code read_as(const char *path, enum media media, const char *bytes, size_t len,
                             const char *digest, const char *defaults, const char *sidecar,
                             struct knowledge_reading *out, struct arena *arena, struct err *err)
{
    struct knowledge_draft draft = {.arena = arena};
    struct knowledge_reading reading = {.document = {.path = arena_strdup(arena, path),
                                                     .media = media_names[media],
                                                     .digest = arena_strdup(arena, digest),
                                                     .version = 1}};
    enum err_code rc;
    if ((rc = read_blocks(&draft, media, bytes, len, &reading.document.encoding, err)) ||
        (rc = complete_meta(&draft, defaults, sidecar, err)))
        return rc;
    reading.document.id = draft.meta.id ? draft.meta.id : reading.document.path;
    if ((rc = knowledge_split(&draft, &reading, err)))
        return rc;
    reading.document.source = draft.meta.source;
    reading.document.confidence = draft.meta.confidence;
    reading.document.valid_from_ms = draft.meta.valid_from_ms;
    reading.document.valid_to_ms = draft.meta.valid_to_ms;
    reading.document.language = draft.meta.language;
    if (!reading.document.language && reading.passages.count > 0)
        reading.document.language = reading.passages.items[0].language;
    if (reading.passages.count == 0)
        knowledge_note(&draft, "the document holds no text");
    reading.document.note = draft.note;
    *out = reading;
    return ERR_OK;
}

enum err_code knowledge_read_bytes(const char *path, const char *bytes, size_t len,
                                   const char *defaults, const char *sidecar,
                                   struct knowledge_reading *out, struct arena *arena,
                                   struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    enum media media = media_of(path);
    if (media == MEDIA_NONE || media == MEDIA_PDF)
        return err_set(err, ERR_UNSUPPORTED, "no reader for the bytes of '%s'", path);
    knowledge_file_digest(bytes, len, defaults, sidecar, digest);
    return read_as(path, media, bytes, len, digest, defaults, sidecar, out, arena, err);
}

enum err_code knowledge_read_file(const char *folder, const char *path, const char *bytes,
                                  size_t len, const char *defaults, const char *sidecar,
                                  struct knowledge_reading *out, struct arena *arena,
                                  struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(mem_free_at) char *whole = NULL;
    char digest[ID_DIGEST_SIZE];
    enum err_code rc;
    if (media_of(path) != MEDIA_PDF)
        return knowledge_read_bytes(path, bytes, len, defaults, sidecar, out, arena, err);
    whole = mem_printf("%s/%s", folder, path);
    knowledge_file_digest(bytes, len, defaults, sidecar, digest);
    if ((rc = knowledge_pdf_text(whole, &text, err)))
        return rc;
    if ((rc = read_as(path, MEDIA_PDF, buf_str(&text), text.len, digest, defaults, sidecar, out,
                      arena, err)))
        return rc;
    if (out->passages.count == 0)
        out->document.note = "the PDF holds no text: a scan needs a reader of pictures first";
    return ERR_OK;
}
