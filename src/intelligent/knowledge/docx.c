/* docx.c - DOCX → blocks: libarchive unpacks, libxml2 reads the parts we need.
 *
 * Contract: only word/document.xml, word/styles.xml and docProps/core.xml are unpacked, each up to
 * its limit, whatever the headers say; a document type declaration is refused, so nothing is
 * fetched or expanded; elements nest to KNOWLEDGE_DEPTH.  Text that was deleted, field
 * instructions and the fallback of alternative content are left out. */
#include <archive.h>
#include <archive_entry.h>
#include <libxml/parser.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define MAX_ENTRIES 20000
#define MAX_HEADING_STYLES 64 /* looked through for each paragraph */
#define STYLES_MAX ((size_t)8 << 20)
#define CORE_MAX ((size_t)1 << 20)
#define PIECE 65536

/* ---- any of the parts ---- */

struct part {
    void (*start)(struct part *part, const char *name, const xmlChar **attributes, int count);
    void (*end)(struct part *part, const char *name);
    void (*text)(struct part *part, const char *text, size_t len);
    struct knowledge_draft *draft;
    xmlParserCtxtPtr parser; /* NULL before and after */
    size_t len;              /* of the XML */
    struct err *err;
    enum err_code rc;
    int depth;
};

static enum err_code part_fail(struct part *part, enum err_code code, const char *text)
{
    if (!part->rc)
        part->rc = err_set(part->err, code, "%s", text);
    xmlStopParser(part->parser);
    return part->rc;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int spaces, const xmlChar **namespaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    struct part *part = ctx;
    (void)prefix, (void)uri, (void)spaces, (void)namespaces, (void)defaulted;
    if (++part->depth > KNOWLEDGE_DEPTH)
        part_fail(part, ERR_TOO_LARGE, "the document's elements are nested too deeply");
    if (!part->rc)
        part->start(part, (const char *)name, attributes, count);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct part *part = ctx;
    (void)prefix, (void)uri;
    part->depth--;
    if (!part->rc)
        part->end(part, (const char *)name);
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    struct part *part = ctx;
    if (!part->rc && len > 0)
        part->text(part, (const char *)text, (size_t)len);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    part_fail(ctx, ERR_INVALID, "the document declares a document type, which DOCX may not");
}

static void on_problem(void *ctx, const char *format, ...)
{
    (void)ctx; /* the code is asked for at the end */
    (void)format;
}

/* libxml2 gives an attribute as name, prefix, URI, begin, end. */
static const char *attribute(const xmlChar **attributes, int count, const char *name, size_t *len)
{
    for (int i = 0; i < count; i++)
        if (strcmp((const char *)attributes[i * 5], name) == 0) {
            *len = (size_t)(attributes[i * 5 + 4] - attributes[i * 5 + 3]);
            return (const char *)attributes[i * 5 + 3];
        }
    *len = 0;
    return NULL;
}

static void free_parser(xmlParserCtxtPtr *parser)
{
    if (*parser) {
        if ((*parser)->myDoc)
            xmlFreeDoc((*parser)->myDoc);
        xmlFreeParserCtxt(*parser);
    }
}

static enum err_code read_part(struct part *part, const char *xml, size_t len, const char *what)
{
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start,
                             .endElementNs = on_end,
                             .characters = on_text,
                             .cdataBlock = on_text,
                             .internalSubset = on_doctype,
                             .warning = on_problem,
                             .error = on_problem,
                             .fatalError = on_problem};
    CLEANUP(free_parser)
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, part, NULL, 0, NULL);
    if (!parser)
        return err_set(part->err, ERR_TOO_LARGE, "there is no memory for an XML parser");
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    part->parser = parser;
    part->len = len;
    int code = 0;
    for (size_t at = 0; at < len && !part->rc && !code; at += PIECE)
        code = xmlParseChunk(parser, xml + at, (int)(len - at < PIECE ? len - at : PIECE), 0);
    if (!part->rc && !code)
        code = xmlParseChunk(parser, NULL, 0, 1);
    if (!part->rc && code)
        part->rc = err_set(part->err, ERR_INVALID, "%s is no well-formed XML (line %d)", what,
                           parser->input ? parser->input->line : 0);
    part->parser = NULL;
    return part->rc;
}

/* ---- styles.xml: which styles are headings ---- */

struct style {
    const char *id;
    int level;
};

struct styles {
    struct part part; /* first: handlers get this */
    LIST(struct style) headings;
    const char *id;
};

static const char *copy(struct part *part, const char *text, size_t len)
{
    return text && str_is_utf8(text, len) ? arena_strndup(part->draft->arena, text, len) : NULL;
}

static int small_number(const char *text, size_t len)
{
    return len == 1 && text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : -1;
}

/* "heading 1", "Heading1" and "标题 1"; the names are English in most files, whatever the language.
 */
static int heading_named(const char *name)
{
    static const char *const words[] = {"heading", "标题"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);
        if (strncasecmp(name, words[i], len) == 0) {
            const char *digit = name + len + strspn(name + len, " ");
            return digit[0] >= '1' && digit[0] <= '9' && digit[1] == '\0' ? digit[0] - '0' : 0;
        }
    }
    return strcasecmp(name, "title") == 0 ? 1 : 0;
}

static void style_start(struct part *part, const char *name, const xmlChar **attributes, int count)
{
    struct styles *styles = (struct styles *)part;
    size_t len;
    const char *value;
    int level = 0;
    if (strcmp(name, "style") == 0) {
        value = attribute(attributes, count, "styleId", &len);
        styles->id = copy(part, value, len);
    }
    if (!styles->id || styles->headings.count >= MAX_HEADING_STYLES)
        return;
    if (strcmp(name, "name") == 0 && (value = attribute(attributes, count, "val", &len))) {
        const char *given = copy(part, value, len);
        level = given ? heading_named(given) : 0;
    } else if (strcmp(name, "outlineLvl") == 0 &&
               (value = attribute(attributes, count, "val", &len)))
        level = small_number(value, len) < 6 ? small_number(value, len) + 1 : 0;
    if (level > 0)
        *LIST_ADD(part->draft->arena, &styles->headings) =
            (struct style){.id = styles->id, .level = level};
}

static void style_end(struct part *part, const char *name)
{
    if (strcmp(name, "style") == 0)
        ((struct styles *)part)->id = NULL;
}

static void ignore_text(struct part *part, const char *text, size_t len)
{
    (void)part, (void)text, (void)len;
}

/* ---- document.xml ---- */

struct body {
    struct part part;
    const struct styles *styles;
    struct buf text; /* the paragraph or table */
    int table;       /* tables open */
    size_t cells;
    int level; /* of a heading; 0 = none */
    bool item, in_text;
    bool list_open; /* what is gathered is a list, so that its items stay together */
    int skipping;   /* depth */
    size_t begin;
    int64_t page;
};

static void trim(struct buf *text)
{
    while (text->len > 0 && text->data[text->len - 1] == ' ')
        text->data[--text->len] = '\0';
}

/* Only of UTF-8: in another charset each question would convert the rest of the piece again. */
static size_t place(const struct body *body)
{
    const struct part *part = &body->part;
    if (!part->parser) /* after the end */
        return part->len;
    xmlParserInputPtr input = part->parser->input;
    long at = input && input->buf && !input->buf->encoder ? xmlByteConsumed(part->parser) : 0;
    return at > 0 ? (size_t)at : 0;
}

static void close_block(struct body *body, enum knowledge_kind kind)
{
    struct part *part = &body->part;
    size_t before = part->draft->blocks.count;
    if (!part->rc)
        part->rc = buf_check(&body->text, part->err);
    if (!part->rc && body->text.len > 0)
        part->rc = knowledge_block_add(part->draft, kind, body->level, buf_str(&body->text),
                                       body->text.len, body->begin, place(body), part->err);
    if (part->draft->blocks.count > before)
        part->draft->blocks.items[before].page = body->page > 1 ? body->page : 0;
    buf_clear(&body->text);
    body->level = 0;
}

static int style_level(const struct body *body, const char *id, size_t len)
{
    for (size_t i = 0; body->styles && i < body->styles->headings.count; i++) {
        const struct style *style = &body->styles->headings.items[i];
        if (strlen(style->id) == len && memcmp(style->id, id, len) == 0)
            return style->level;
    }
    char name[40];
    if (len >= sizeof name)
        return 0;
    memcpy(name, id, len);
    name[len] = '\0';
    return heading_named(name);
}

static void body_start(struct part *part, const char *name, const xmlChar **attributes, int count)
{
    struct body *body = (struct body *)part;
    size_t len;
    const char *value;
    if (body->skipping)
        return;
    if (strcmp(name, "Fallback") == 0 || strcmp(name, "del") == 0 || strcmp(name, "moveFrom") == 0)
        body->skipping = part->depth;
    else if (strcmp(name, "p") == 0) {
        if (body->table == 0 && !body->list_open)
            body->begin = place(body);
        body->item = false;
    } else if (strcmp(name, "t") == 0)
        body->in_text = true;
    else if (strcmp(name, "tab") == 0 && body->table == 0 && body->text.len > 0)
        buf_add_char(&body->text, ' ');
    else if (strcmp(name, "br") == 0) {
        value = attribute(attributes, count, "type", &len);
        if (value && len == 4 && memcmp(value, "page", 4) == 0)
            body->page++;
        else if (body->text.len > 0)
            buf_add_char(&body->text, body->table || body->list_open ? ' ' : '\n');
    } else if (strcmp(name, "lastRenderedPageBreak") == 0)
        body->page++;
    else if (strcmp(name, "pStyle") == 0 && body->table == 0 &&
             (value = attribute(attributes, count, "val", &len)))
        body->level = style_level(body, value, len);
    else if (strcmp(name, "outlineLvl") == 0 && body->table == 0 &&
             (value = attribute(attributes, count, "val", &len)))
        body->level = small_number(value, len) >= 0 && small_number(value, len) < 6
                          ? small_number(value, len) + 1
                          : body->level;
    else if (strcmp(name, "numPr") == 0)
        body->item = true;
    else if (strcmp(name, "tbl") == 0 && body->table++ == 0) {
        close_block(body, body->list_open ? KNOWLEDGE_LIST : KNOWLEDGE_TEXT);
        body->list_open = false;
        body->begin = place(body);
    } else if (strcmp(name, "tr") == 0 && body->table == 1) {
        trim(&body->text);
        if (body->text.len > 0)
            buf_add_char(&body->text, '\n');
        body->cells = 0;
    } else if (strcmp(name, "tc") == 0 && body->table == 1 && body->cells++ > 0) {
        trim(&body->text);
        buf_add_str(&body->text, " | ");
    }
}

/* A paragraph that is an item stays with the items before it; where it is known to be one only
 * after its properties, the list's text is closed first otherwise. */
static void end_paragraph(struct body *body)
{
    if (body->table > 0) {
        if (body->text.len > 0 && !strchr(" \n", body->text.data[body->text.len - 1]))
            buf_add_char(&body->text, ' ');
        return;
    }
    if (body->item && body->level == 0) {
        if (body->text.len > 0 && body->text.data[body->text.len - 1] != '\n')
            buf_add_char(&body->text, '\n');
        body->list_open = true;
        return;
    }
    close_block(body, body->level ? KNOWLEDGE_HEADING : KNOWLEDGE_TEXT);
}

static void body_end(struct part *part, const char *name)
{
    struct body *body = (struct body *)part;
    if (body->skipping) {
        if (part->depth < body->skipping)
            body->skipping = 0;
        return;
    }
    if (strcmp(name, "t") == 0)
        body->in_text = false;
    else if (strcmp(name, "pPr") == 0 && body->list_open && !body->item && body->table == 0) {
        int level = body->level;
        body->level = 0;
        close_block(body, KNOWLEDGE_LIST);
        body->level = level;
        body->list_open = false;
        body->begin = place(body);
    } else if (strcmp(name, "p") == 0)
        end_paragraph(body);
    else if (strcmp(name, "tbl") == 0 && body->table > 0 && --body->table == 0)
        close_block(body, KNOWLEDGE_TABLE);
}

static void body_text(struct part *part, const char *text, size_t len)
{
    struct body *body = (struct body *)part;
    if (!body->in_text || body->skipping)
        return;
    if (body->list_open && !body->item && body->table == 0) { /* a plain paragraph has no pPr */
        close_block(body, KNOWLEDGE_LIST);
        body->list_open = false;
        body->begin = place(body);
    }
    buf_add(&body->text, text, len);
    if (body->text.len > KNOWLEDGE_TEXT_MAX)
        part_fail(part, ERR_TOO_LARGE, "the document's text is too large");
}

enum err_code knowledge_read_docx_document(struct knowledge_draft *draft, const char *xml,
                                           size_t len, const char *styles_xml, size_t styles_len,
                                           struct err *err)
{
    struct styles styles = {.part = {.start = style_start,
                                     .end = style_end,
                                     .text = ignore_text,
                                     .draft = draft,
                                     .err = err}};
    struct body body = {.part = {.start = body_start,
                                 .end = body_end,
                                 .text = body_text,
                                 .draft = draft,
                                 .err = err},
                        .styles = &styles,
                        .text = BUF_INIT,
                        .page = 1};
    struct err why = ERR_INIT;
    styles.part.err = &why;
    if (styles_len > 0 && read_part(&styles.part, styles_xml, styles_len, "styles.xml"))
        knowledge_note(draft, "styles left out: %s", why.text);
    enum err_code rc = read_part(&body.part, xml, len, "document.xml");
    if (!rc) {
        close_block(&body, body.list_open ? KNOWLEDGE_LIST : KNOWLEDGE_TEXT);
        rc = body.part.rc;
    }
    buf_done(&body.text);
    return rc;
}

/* ---- core.xml: title, language, author ---- */

struct core {
    struct part part;
    struct buf text;
    const char *creator;
};

static void core_start(struct part *part, const char *name, const xmlChar **attributes, int count)
{
    (void)name, (void)attributes, (void)count;
    buf_clear(&((struct core *)part)->text);
}

static void core_end(struct part *part, const char *name)
{
    struct core *core = (struct core *)part;
    struct knowledge_meta *meta = &part->draft->meta;
    const char *text = buf_str(&core->text);
    if (core->text.len == 0 || core->text.len > 1000)
        return;
    if (strcmp(name, "title") == 0 || strcmp(name, "language") == 0 || strcmp(name, "source") == 0)
        part->rc = knowledge_meta_set(meta, name, text, part->draft->arena, part->err);
    else if (strcmp(name, "creator") == 0)
        core->creator = arena_strdup(part->draft->arena, text);
    buf_clear(&core->text);
}

static void core_text(struct part *part, const char *text, size_t len)
{
    struct core *core = (struct core *)part;
    if (core->text.len <= CORE_MAX)
        buf_add(&core->text, text, len);
}

enum err_code knowledge_read_docx_core(struct knowledge_draft *draft, const char *xml, size_t len,
                                       struct err *err)
{
    struct core core = {.part = {.start = core_start,
                                 .end = core_end,
                                 .text = core_text,
                                 .draft = draft,
                                 .err = err},
                        .text = BUF_INIT};
    enum err_code rc = read_part(&core.part, xml, len, "core.xml");
    if (!rc && !draft->meta.source)
        draft->meta.source = core.creator;
    buf_done(&core.text);
    return rc;
}

/* ---- the archive ---- */

static void free_archive(struct archive **a)
{
    archive_read_free(*a);
}

static enum err_code unpack(struct archive *a, const char *name, size_t max, struct buf *out,
                            struct err *err)
{
    char data[16384];
    la_ssize_t got;
    buf_add(out, "", 0); /* taken, even when empty */
    while ((got = archive_read_data(a, data, sizeof data)) > 0) {
        buf_add(out, data, (size_t)got);
        if (out->len > max)
            return err_set(err, ERR_TOO_LARGE, "%s unpacks to more than %zu bytes", name, max);
    }
    if (got < 0)
        return err_set(err, ERR_INVALID, "%s cannot be unpacked", name);
    return buf_check(out, err);
}

enum err_code knowledge_read_docx(struct knowledge_draft *draft, const char *bytes, size_t len,
                                  struct err *err)
{
    CLEANUP(free_archive) struct archive *a = archive_read_new();
    CLEANUP(buf_done) struct buf document = BUF_INIT, styles = BUF_INIT, core = BUF_INIT;
    const struct {
        const char *name;
        struct buf *to;
        size_t max;
    } parts[] = {{"word/document.xml", &document, KNOWLEDGE_TEXT_MAX},
                 {"word/styles.xml", &styles, STYLES_MAX},
                 {"docProps/core.xml", &core, CORE_MAX}};
    struct archive_entry *entry;
    struct err why = ERR_INIT;
    enum err_code rc = ERR_OK;
    int got = ARCHIVE_FATAL, entries = 0;
    archive_read_support_format_zip(a);
    if (archive_read_open_memory(a, bytes, len) != ARCHIVE_OK)
        return err_set(err, ERR_INVALID, "the file is no DOCX: not a zip archive");
    while (!rc && (got = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);
        if (!name)
            name = archive_entry_pathname_utf8(entry);
        if (++entries > MAX_ENTRIES)
            return err_set(err, ERR_TOO_LARGE, "the archive holds more than %d files", MAX_ENTRIES);
        for (size_t i = 0; name && i < ARRAY_LEN(parts) && !rc; i++)
            if (strcmp(name, parts[i].name) == 0)
                rc = parts[i].to->data
                         ? err_set(err, ERR_INVALID, "the archive holds %s twice", name)
                         : unpack(a, name, parts[i].max, parts[i].to, err);
    }
    if (rc)
        return rc;
    if (document.len == 0) {
        err_set(err, ERR_INVALID, "the file is no DOCX: it holds no word/document.xml%s",
                got == ARCHIVE_EOF ? "" : ", or is broken");
        return ERR_INVALID;
    }
    if (core.len > 0 && knowledge_read_docx_core(draft, core.data, core.len, &why))
        knowledge_note(draft, "properties left out: %s", why.text);
    return knowledge_read_docx_document(draft, document.data, document.len, buf_str(&styles),
                                        styles.len, err);
}
