/* plain.c - plain text, and what pdftotext prints → blocks.
 *
 * Contract: blank lines and lines that begin with two ideographic spaces part paragraphs, form
 * feeds pages, item signs items.  A short line that is numbered like a chapter ("第三章 …", "2.1
 * …", "一、…") is a heading.  A paragraph goes on over a page when its last line does not end a
 * sentence.  Linear in the text. */
#include <string.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define HEADING_COLUMNS 60

struct reader {
    struct knowledge_draft *draft;
    struct buf pending;
    enum knowledge_kind kind;
    bool open;
    size_t begin, end;
    int64_t page, page_begun; /* now, and where the open block began */
    bool pages;
};

static enum err_code close_block(struct reader *r, struct err *err)
{
    if (!r->open)
        return ERR_OK;
    size_t before = r->draft->blocks.count;
    enum err_code rc = knowledge_block_add(r->draft, r->kind, 0, buf_str(&r->pending),
                                           r->pending.len, r->begin, r->end, err);
    if (!rc && r->draft->blocks.count > before)
        r->draft->blocks.items[before].page = r->page_begun;
    buf_clear(&r->pending);
    r->open = false;
    return rc;
}

static bool starts(const char *line, size_t len, const char *with)
{
    size_t size = strlen(with);
    return len >= size && memcmp(line, with, size) == 0;
}

static size_t numeral(const char *line, size_t len) /* of Chinese or Arabic digits */
{
    static const char *const digits[] = {"一", "二", "三", "四", "五", "六", "七",
                                         "八", "九", "十", "百", "零", "〇"};
    size_t at = 0;
    for (bool more = true; more && at < len;) {
        more = line[at] >= '0' && line[at] <= '9';
        if (more) {
            at++;
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(digits) && !more; i++)
            if (starts(line + at, len - at, digits[i])) {
                at += strlen(digits[i]);
                more = true;
            }
    }
    return at;
}

/* 1 for 第…章, 2 for 第…节 and 一、, the count of numbers for 1.2.3; 0 = no heading. */
static int heading_level(const char *line, size_t len)
{
    static const char *const sentence_ends[] = {"。", "；", "，", "：", "！",
                                                "？", ".",  ";",  ",",  ":"};
    if (len < 4 || knowledge_columns(line, len) > HEADING_COLUMNS)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(sentence_ends); i++)
        if (str_has_suffix(line, sentence_ends[i]))
            return 0;
    if (starts(line, len, "第")) {
        size_t at = strlen("第"), digits = numeral(line + at, len - at);
        at += digits;
        if (digits > 0 && (starts(line + at, len - at, "章") || starts(line + at, len - at, "篇") ||
                           starts(line + at, len - at, "部")))
            return 1;
        return digits > 0 && starts(line + at, len - at, "节") ? 2 : 0;
    }
    if (line[0] >= '0' && line[0] <= '9') {
        int numbers = 0;
        size_t at = 0;
        while (at < len && line[at] >= '0' && line[at] <= '9' && numbers < 6) {
            numbers++;
            at += strspn(line + at, "0123456789");
            if (at < len && line[at] == '.')
                at++;
            else
                break;
        }
        bool parted = at < len && (line[at] == ' ' || line[at] == '\t');
        size_t words = at + strspn(line + at, " \t");
        bool letter = words < len && ((unsigned char)line[words] >= 0x80 ||
                                      (line[words] >= 'A' && line[words] <= 'Z'));
        /* "1. Item" may be an item as well: only with a second number it is surely a heading. */
        return parted && letter && (numbers > 1 || line[at - 1] != '.') && at < 16 ? numbers : 0;
    }
    size_t digits = numeral(line, len);
    return digits > 0 && starts(line + digits, len - digits, "、") ? 2 : 0;
}

static size_t item_at(const char *line, size_t len)
{
    static const char *const signs[] = {"- ", "* ", "• ", "●", "■", "◆", "– "};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (starts(line, len, signs[i]))
            return strlen(signs[i]);
    size_t digits = 0;
    while (digits < len && digits < 3 && line[digits] >= '0' && line[digits] <= '9')
        digits++;
    if (digits > 0 && digits + 1 < len && (line[digits] == ')' || line[digits] == '.') &&
        line[digits + 1] == ' ')
        return digits + 2;
    return 0;
}

static bool ends_with(const char *text, size_t len,
                      const char *end) /* without counting its length */
{
    size_t size = strlen(end);
    return len >= size && memcmp(text + len - size, end, size) == 0;
}

static bool ends_sentence(const struct buf *text)
{
    static const char *const ends[] = {"。", "！", "？", "；", "：", "”", "）", ".", "!", "?", ":"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_with(buf_str(text), text->len, ends[i]))
            return true;
    return text->len == 0;
}

/* "com-\nputer" was one word. */
static void join(struct buf *pending, const char *line, size_t len)
{
    size_t n = pending->len;
    bool hyphen = n > 1 && pending->data[n - 1] == '-' && pending->data[n - 2] >= 'a' &&
                  pending->data[n - 2] <= 'z' && len > 0 && line[0] >= 'a' && line[0] <= 'z';
    if (hyphen) {
        pending->data[--pending->len] = '\0';
        buf_add(pending, line, len);
    } else
        knowledge_join_line(pending, line, len);
}

static enum err_code add_line(struct reader *r, const char *line, size_t len, bool fresh,
                              size_t begin, size_t end, struct err *err)
{
    size_t item = item_at(line, len);
    int level;
    enum err_code rc = ERR_OK;
    char shown[HEADING_COLUMNS * 3 + 8];
    if (len < sizeof shown && (!r->open || fresh || ends_sentence(&r->pending))) {
        str_format(shown, sizeof shown, "%.*s", (int)len, line);
        if ((level = heading_level(shown, len)) > 0) {
            size_t before;
            if ((rc = close_block(r, err)))
                return rc;
            before = r->draft->blocks.count;
            rc =
                knowledge_block_add(r->draft, KNOWLEDGE_HEADING, level, line, len, begin, end, err);
            if (!rc && r->draft->blocks.count > before)
                r->draft->blocks.items[before].page = r->page;
            return rc;
        }
    }
    enum knowledge_kind kind = item ? KNOWLEDGE_LIST : KNOWLEDGE_TEXT;
    if (r->open && (fresh || (item && r->kind != KNOWLEDGE_LIST)))
        rc = close_block(r, err);
    if (rc)
        return rc;
    if (!r->open) {
        r->open = true;
        r->kind = kind;
        r->begin = begin;
        r->page_begun = r->page;
    }
    if (item && r->pending.len > 0)
        buf_add_char(&r->pending, '\n');
    if (item)
        buf_add(&r->pending, line + item, len - item);
    else
        join(&r->pending, line, len);
    r->end = end;
    return buf_check(&r->pending, err);
}

enum err_code knowledge_read_plain(struct knowledge_draft *draft, const char *text, size_t len,
                                   bool pages, struct err *err)
{
    static const char indent[] = "　"; /* two of them begin a Chinese paragraph */
    struct reader r = {.draft = draft, .pending = BUF_INIT, .page = pages ? 1 : 0, .pages = pages};
    enum err_code rc = ERR_OK;
    for (size_t at = 0; at < len && !rc;) {
        size_t begin = at;
        while (at < len && text[at] != '\n' && text[at] != '\f')
            at++;
        const char *line = text + begin;
        size_t size = at - begin;
        bool page_ends = at < len && text[at] == '\f', fresh;
        at += at < len;
        while (size > 0 && strchr(" \t\r\v", line[size - 1]))
            size--;
        fresh = starts(line, size, indent);
        while (size > 0 && (strchr(" \t\v", *line) || starts(line, size, indent))) {
            size_t step = *line == ' ' || *line == '\t' || *line == '\v' ? 1 : strlen(indent);
            line += step;
            size -= step;
        }
        if (size > 0)
            rc = add_line(&r, line, size, fresh, begin, at, err);
        else if (!page_ends && !(r.open && r.pages && at < len && text[at] == '\f'))
            rc = close_block(&r, err);
        if (page_ends) {
            if (!rc && r.open && ends_sentence(&r.pending))
                rc = close_block(&r, err);
            r.page += pages;
        }
    }
    if (!rc)
        rc = close_block(&r, err);
    buf_done(&r.pending);
    return rc;
}
