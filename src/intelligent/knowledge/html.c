/* html.c - HTML → blocks, by libxml2's HTML parser in push form with our own handler: no tree is
 * built, nothing is fetched, no entity is expanded but HTML's own.
 *
 * Contract: the text is fed in small pieces, so that a page which nests deeper than KNOWLEDGE_DEPTH
 * is refused before the parser's stack of open elements costs quadratic time.  Scripts, styles and
 * navigation are no text.  Broken HTML is read as browsers would. */
#include <libxml/HTMLparser.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define PIECE 1024 /* bytes fed at once */
/* The parser compares each attribute of an element with those before it. */
#define ATTRIBUTES_MAX 512        /* of an element larger than a piece */
#define COMPARISONS_MAX 200000000 /* of a page: about a second */

/* An element that is not read yet. */
struct pending {
    long begin;         /* its place */
    size_t seen;        /* bytes looked at */
    size_t parts;       /* blanks and quotes that may end attributes */
    char quote, before; /* the open quote; the last character that is no blank */
    bool after_blank, ended;
};

struct reader {
    struct knowledge_draft *draft;
    htmlParserCtxtPtr parser;
    struct pending pending;
    struct err *err;
    enum err_code rc;
    int depth;
    size_t comparisons;
    int skipping; /* depth of the element whose text is left out; 0 = none */
    int pre;      /* depth of <pre>, 0 = none */
    int table;    /* tables open */
    size_t cells; /* of the row so far */
    bool in_title;
    int heading; /* level, 0 = none */
    enum knowledge_kind kind;
    struct buf text, title;
    const char *anchor;
    size_t begin, at;
};

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void trim(struct buf *text)
{
    while (text->len > 0 && strchr(" \n\t", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
}

static void close_block(struct reader *r)
{
    size_t before = r->draft->blocks.count;
    trim(&r->text);
    if (!r->rc && r->text.len > 0) {
        enum knowledge_kind kind = r->heading ? KNOWLEDGE_HEADING : r->kind;
        r->rc = buf_check(&r->text, r->err);
        if (!r->rc)
            r->rc = knowledge_block_add(r->draft, kind, r->heading, buf_str(&r->text), r->text.len,
                                        r->begin, r->at, r->err);
        if (r->draft->blocks.count > before && r->heading)
            r->draft->blocks.items[before].anchor = r->anchor;
    }
    buf_clear(&r->text);
    r->begin = r->at;
    r->cells = 0;
}

static const char *attribute(const xmlChar **attributes, const char *name)
{
    for (size_t i = 0; attributes && attributes[i]; i += 2)
        if (strcasecmp((const char *)attributes[i], name) == 0)
            return attributes[i + 1] ? (const char *)attributes[i + 1] : "";
    return NULL;
}

static void refuse_attributes(struct reader *r)
{
    if (!r->rc)
        r->rc = err_set(r->err, ERR_TOO_LARGE, "elements have too many attributes");
    xmlStopParser(r->parser);
}

static void count_comparisons(struct reader *r, const xmlChar **attributes)
{
    size_t count = 0;
    while (attributes && attributes[count * 2]) /* a value may be NULL */
        count++;
    r->comparisons += count * count / 2;
    if (r->comparisons > COMPARISONS_MAX)
        refuse_attributes(r);
}

/* The element that the parser waits for the end of, before it reads it: each attribute has a blank
 * before it or the quote of another.  Goes on where it stopped, for an element may be a picture of
 * megabytes. */
static void look_at_pending(struct reader *r)
{
    const htmlParserInputPtr input = r->parser->input;
    size_t len = input ? (size_t)(input->end - input->cur) : 0, i;
    long begin = xmlByteConsumed(r->parser);
    struct pending *p = &r->pending;
    if (len < PIECE || input->cur[0] != '<')
        return;
    if (p->begin != begin || p->seen == 0)
        *p = (struct pending){.begin = begin, .seen = 1};
    for (i = p->seen; i < len && !p->ended; i++) {
        char c = (char)input->cur[i];
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (p->quote) {
            p->parts += c == p->quote;
            p->quote = c == p->quote ? '\0' : p->quote;
        } else if (p->before == '=' && (c == '"' || c == '\''))
            p->quote = c;
        else if (c == '>')
            p->ended = true;
        else if (blank && !p->after_blank)
            p->parts++;
        p->after_blank = blank;
        p->before = blank ? p->before : c;
    }
    p->seen = i;
    if (p->parts > ATTRIBUTES_MAX)
        refuse_attributes(r);
}

static void read_meta(struct reader *r, const xmlChar **attributes)
{
    struct err why = ERR_INIT;
    const char *name = attribute(attributes, "name"), *content = attribute(attributes, "content");
    if (name && content && str_is_utf8(content, strlen(content)) &&
        knowledge_meta_set(&r->draft->meta, name, content, r->draft->arena, &why))
        knowledge_note(r->draft, "meta tag left out: %s", why.text);
}

static const char *const skipped[] = {"script", "style", "noscript", "template", "nav",
                                      "svg",    "math",  "iframe",   "object",   "select",
                                      "button", "form",  NULL};
static const char *const blocks[] = {
    "p",       "div",     "section", "article", "main", "header",     "footer", "aside",
    "ul",      "ol",      "dl",      "table",   "pre",  "blockquote", "figure", "figcaption",
    "hr",      "h1",      "h2",      "h3",      "h4",   "h5",         "h6",     "body",
    "address", "details", "summary", "caption", NULL};

static int heading_of(const char *name)
{
    return name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && name[2] == '\0' ? name[1] - '0'
                                                                                 : 0;
}

static void on_start(void *ctx, const xmlChar *element, const xmlChar **attributes)
{
    struct reader *r = ctx;
    const char *name = (const char *)element, *lang;
    r->at = (size_t)xmlByteConsumed(r->parser);
    if (++r->depth > KNOWLEDGE_DEPTH && !r->rc) {
        r->rc =
            err_set(r->err, ERR_TOO_LARGE, "elements are nested deeper than %d", KNOWLEDGE_DEPTH);
        xmlStopParser(r->parser);
    }
    count_comparisons(r, attributes);
    if (r->rc || r->skipping)
        return;
    if (is_one_of(name, skipped)) {
        r->skipping = r->depth;
        return;
    }
    if (strcmp(name, "title") == 0)
        r->in_title = true;
    else if (strcmp(name, "meta") == 0)
        read_meta(r, attributes);
    else if (strcmp(name, "html") == 0 && (lang = attribute(attributes, "lang")) &&
             str_is_utf8(lang, strlen(lang)))
        knowledge_meta_set(&r->draft->meta, "language", lang, r->draft->arena, NULL);
    else if (strcmp(name, "br") == 0)
        buf_add_char(&r->text, r->pre || (r->kind != KNOWLEDGE_TABLE) ? '\n' : ' ');
    else if (strcmp(name, "tr") == 0) {
        trim(&r->text);
        if (r->text.len > 0)
            buf_add_char(&r->text, '\n');
        r->cells = 0;
    } else if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0) {
        if (r->cells++ > 0) {
            trim(&r->text);
            buf_add_str(&r->text, " | ");
        }
    } else if (strcmp(name, "li") == 0 || strcmp(name, "dt") == 0) {
        if (r->kind != KNOWLEDGE_LIST && r->kind != KNOWLEDGE_TABLE) {
            close_block(r);
            r->kind = KNOWLEDGE_LIST;
        }
        trim(&r->text);
        if (r->text.len > 0)
            buf_add_char(&r->text, r->kind == KNOWLEDGE_LIST ? '\n' : ' ');
    } else if (is_one_of(name, blocks)) {
        /* Inside a cell or an item a block is part of it. */
        bool inside = r->table > 0 && strcmp(name, "table") != 0;
        if (inside) {
            buf_add_char(&r->text, ' ');
            return;
        }
        if (r->kind == KNOWLEDGE_LIST && (strcmp(name, "p") == 0 || strcmp(name, "div") == 0)) {
            buf_add_char(&r->text, ' ');
            return;
        }
        close_block(r);
        r->kind = KNOWLEDGE_TEXT;
        r->heading = heading_of(name);
        if (r->heading) {
            const char *id = attribute(attributes, "id");
            r->anchor =
                id && str_is_utf8(id, strlen(id)) ? arena_strdup(r->draft->arena, id) : NULL;
        }
        if (strcmp(name, "ul") == 0 || strcmp(name, "ol") == 0 || strcmp(name, "dl") == 0)
            r->kind = KNOWLEDGE_LIST;
        if (strcmp(name, "table") == 0) {
            r->table++;
            r->kind = KNOWLEDGE_TABLE;
        }
        if (strcmp(name, "pre") == 0) {
            r->pre = r->depth;
            r->kind = KNOWLEDGE_CODE;
        }
    }
}

static void on_end(void *ctx, const xmlChar *element)
{
    struct reader *r = ctx;
    const char *name = (const char *)element;
    r->at = (size_t)xmlByteConsumed(r->parser);
    int depth = r->depth--;
    if (r->rc)
        return;
    if (r->skipping) {
        if (depth <= r->skipping)
            r->skipping = 0;
        return;
    }
    if (strcmp(name, "title") == 0)
        r->in_title = false;
    if (strcmp(name, "table") == 0 && r->table > 0) {
        if (--r->table == 0) {
            close_block(r);
            r->kind = KNOWLEDGE_TEXT;
        }
        return;
    }
    if (r->table > 0 || !is_one_of(name, blocks))
        return;
    if (r->kind == KNOWLEDGE_LIST && (strcmp(name, "p") == 0 || strcmp(name, "div") == 0))
        return;
    close_block(r);
    r->kind = KNOWLEDGE_TEXT;
    r->heading = 0;
    if (depth <= r->pre)
        r->pre = 0;
}

static void on_text(void *ctx, const xmlChar *data, int size)
{
    struct reader *r = ctx;
    const char *text = (const char *)data;
    struct buf *to = r->in_title ? &r->title : &r->text;
    if (r->rc || r->skipping || size <= 0)
        return;
    r->at = (size_t)xmlByteConsumed(r->parser);
    for (int i = 0; i < size; i++) {
        char c = text[i];
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
        if (blank && !r->pre) {
            if (to->len > 0 && !strchr(" \n", to->data[to->len - 1]))
                buf_add_char(to, ' ');
        } else if (c != '\0')
            buf_add_char(to, c);
    }
    if (to->len > KNOWLEDGE_TEXT_MAX)
        r->rc =
            err_set(r->err, ERR_TOO_LARGE, "the text is larger than %zu bytes", KNOWLEDGE_TEXT_MAX);
}

static void on_problem(void *ctx, const char *format, ...)
{
    (void)ctx; /* browsers do not complain either */
    (void)format;
}

static void free_parser(htmlParserCtxtPtr *parser)
{
    if (*parser) {
        if ((*parser)->myDoc)
            xmlFreeDoc((*parser)->myDoc);
        htmlFreeParserCtxt(*parser);
    }
}

enum err_code knowledge_read_html(struct knowledge_draft *draft, const char *text, size_t len,
                                  struct err *err)
{
    struct reader r = {.draft = draft, .err = err, .text = BUF_INIT, .title = BUF_INIT};
    htmlSAXHandler handler = {.startElement = on_start,
                              .endElement = on_end,
                              .characters = on_text,
                              .cdataBlock = NULL,
                              .ignorableWhitespace = on_text,
                              .warning = on_problem,
                              .error = on_problem,
                              .fatalError = on_problem};
    CLEANUP(free_parser)
    htmlParserCtxtPtr parser =
        htmlCreatePushParserCtxt(&handler, &r, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!parser)
        return err_set(err, ERR_TOO_LARGE, "there is no memory for an HTML parser");
    htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                                   HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
    r.parser = parser;
    for (size_t at = 0; at < len && !r.rc; at += PIECE) {
        htmlParseChunk(parser, text + at, (int)(len - at < PIECE ? len - at : PIECE), 0);
        look_at_pending(&r);
    }
    if (!r.rc)
        htmlParseChunk(parser, NULL, 0, 1);
    close_block(&r);
    trim(&r.title);
    if (!r.rc && r.title.len > 0 && !draft->meta.title && str_is_utf8(r.title.data, r.title.len))
        draft->meta.title = arena_strdup(draft->arena, buf_str(&r.title));
    buf_done(&r.text);
    buf_done(&r.title);
    return r.rc;
}
