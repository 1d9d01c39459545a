/* text.c - bytes to UTF-8, and where a text may be cut.
 *
 * Contract: what leaves knowledge_decode is UTF-8 without NUL.  The charset is, in this order: what
 * a byte order mark says, UTF-8 if every byte fits, UTF-16 if every second byte is NUL, what an
 * HTML page declares, UTF-8 with a few bad bytes (replaced, and said), GB18030 if every byte fits.
 * Everything is linear in the text. */
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define LOOK_BYTES 4096 /* of a file, to tell UTF-16 and a declared charset */
/* One bad byte to so many good sequences is damage; more of them is another charset. */
#define GOOD_PER_BAD 16

static void iconv_close_at(iconv_t *cd)
{
    if (*cd != (iconv_t)-1)
        iconv_close(*cd);
}

/* The charset's name goes to iconv as it is: callers take it from a list of ours. */
static enum err_code convert(const char *charset, const char *bytes, size_t len, struct buf *out,
                             struct err *err)
{
    CLEANUP(iconv_close_at) iconv_t cd = iconv_open("UTF-8", charset);
    char *in = (char *)(uintptr_t)bytes;
    size_t left = len;
    if (cd == (iconv_t)-1)
        return err_set(err, ERR_UNSUPPORTED, "the charset %s cannot be read on this machine",
                       charset);
    while (left > 0) {
        char chunk[16384], *to = chunk;
        size_t room = sizeof chunk;
        size_t got = iconv(cd, &in, &left, &to, &room);
        buf_add(out, chunk, (size_t)(to - chunk));
        if (got == (size_t)-1 && errno != E2BIG)
            return err_set(err, ERR_INVALID, "byte %zu does not fit the charset %s", len - left,
                           charset);
        if (out->len > KNOWLEDGE_TEXT_MAX)
            return err_set(err, ERR_TOO_LARGE, "the text is larger than %zu bytes",
                           KNOWLEDGE_TEXT_MAX);
    }
    if (out->len > 0 && memchr(out->data, '\0', out->len))
        return err_set(err, ERR_INVALID, "the text holds NUL characters");
    return buf_check(out, err);
}

/* NUL at every second byte of what is mostly ASCII or digits. */
static const char *utf16_by_zeros(const char *bytes, size_t len)
{
    size_t even = 0, odd = 0, look = len < LOOK_BYTES ? len : LOOK_BYTES;
    for (size_t i = 0; i < look; i++)
        if (bytes[i] == '\0')
            *(i % 2 ? &odd : &even) += 1;
    if (odd > look / 8 && even <= odd / 16)
        return "UTF-16LE";
    if (even > look / 8 && odd <= even / 16)
        return "UTF-16BE";
    return NULL;
}

static const char *declared_charset(const char *bytes, size_t len)
{
    static const char *const known[] = {"GB18030",      "GBK",         "GB2312",    "BIG5",
                                        "ISO-8859-1",   "ISO-8859-15", "SHIFT_JIS", "EUC-JP",
                                        "WINDOWS-1252", "EUC-KR",      NULL};
    char head[LOOK_BYTES + 1];
    size_t look = len < LOOK_BYTES ? len : LOOK_BYTES;
    memcpy(head, bytes, look);
    head[look] = '\0';
    const char *at = strcasestr(head, "charset");
    if (!at)
        return NULL;
    at += strlen("charset");
    at += strspn(at, " \t=\"'");
    size_t name = strcspn(at, " \t\"'>/;");
    for (size_t i = 0; known[i]; i++)
        if (strlen(known[i]) == name && strncasecmp(at, known[i], name) == 0)
            return i <= 2 ? "GB18030" : known[i]; /* the larger of the family */
    return NULL;
}

static void count_sequences(const char *bytes, size_t len, size_t *good, size_t *bad)
{
    for (size_t at = 0; at < len;) {
        size_t begin = at;
        uint32_t c = str_next(bytes, len, &at);
        if (at - begin > 1)
            *good += 1;
        else if (c == 0xFFFD)
            *bad += 1;
    }
}

static void repair(const char *bytes, size_t len, struct buf *out)
{
    for (size_t at = 0; at < len;) {
        size_t begin = at;
        uint32_t c = str_next(bytes, len, &at);
        if (at - begin == 1 && c == 0xFFFD)
            buf_add_str(out, "\xef\xbf\xbd");
        else
            buf_add(out, bytes + begin, at - begin);
    }
}

enum err_code knowledge_decode(const char *bytes, size_t len, bool html, struct buf *out,
                               const char **encoding, struct err *err)
{
    const char *charset = NULL;
    size_t good = 0, bad = 0;
    *encoding = "UTF-8";
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        len -= 3;
    } else if (len >= 2 &&
               (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
        charset = bytes[0] == '\xff' ? "UTF-16LE" : "UTF-16BE";
        *encoding = charset;
        return convert(charset, bytes + 2, len - 2, out, err);
    }
    if (str_is_utf8(bytes, len)) {
        buf_add(out, bytes, len);
        return buf_check(out, err);
    }
    if ((charset = utf16_by_zeros(bytes, len))) {
        *encoding = charset;
        return convert(charset, bytes, len, out, err);
    }
    if (memchr(bytes, '\0', len)) {
        err_set(err, ERR_INVALID, "the file holds NUL bytes: it is no text");
        return err_hint(err, "a binary file under the name of a text cannot be read");
    }
    if (html && (charset = declared_charset(bytes, len))) {
        *encoding = charset;
        return convert(charset, bytes, len, out, err);
    }
    count_sequences(bytes, len, &good, &bad);
    if (good >= bad * GOOD_PER_BAD) {
        *encoding = "UTF-8, bad bytes replaced";
        repair(bytes, len, out);
        return buf_check(out, err);
    }
    *encoding = "GB18030";
    if (convert("GB18030", bytes, len, out, NULL) == ERR_OK)
        return ERR_OK;
    buf_clear(out);
    err_set(err, ERR_INVALID, "the text is neither UTF-8, UTF-16 nor GB18030");
    return err_hint(err, "save it as UTF-8");
}

size_t knowledge_columns(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        columns += c < 0x80 ? 1 : c >= 0xC0 ? 2 : 0;
    }
    return columns;
}

bool knowledge_is_wide(const char *text, size_t len, size_t at)
{
    size_t next = at;
    if (at >= len)
        return false;
    uint32_t c = str_next(text, len, &next);
    return (c >= 0x2E80 && c < 0xE000) || (c >= 0xF900 && c < 0xFB00) ||
           (c >= 0xFE30 && c < 0xFE50) || (c >= 0xFF00 && c < 0xFFEF) || c >= 0x20000 ||
           c == 0x2014 || c == 0x2026 || (c >= 0x2018 && c <= 0x201D);
}

/* How well a text may end after the character c that is followed by `next`: 3 a sentence, 2 a
 * clause, 1 a word, 0 not. */
static int end_quality(uint32_t c, char next)
{
    bool blank = next == ' ' || next == '\n' || next == '\t' || next == '\0';
    switch (c) {
    case 0x3002: /* 。 */
    case 0xFF01: /* ！ */
    case 0xFF1F: /* ？ */
    case 0xFF1B: /* ； */
    case '\n':
        return 3;
    case '.':
    case '!':
    case '?':
    case ';':
        return blank ? 3 : 0;
    case 0xFF0C: /* ， */
    case 0x3001: /* 、 */
    case 0xFF1A: /* ： */
    case 0x201D: /* ” */
    case 0xFF09: /* ） */
        return 2;
    case ',':
    case ':':
        return blank ? 2 : 0;
    case ' ':
    case '\t':
        return 1;
    default:
        return 0;
    }
}

static bool closes(uint32_t c) /* belongs to the sentence that has just ended */
{
    return c == 0x201D || c == 0x2019 || c == 0xFF09 || c == 0x300D || c == 0x300F || c == '"' ||
           c == '\'' || c == ')';
}

size_t knowledge_cut(const char *text, size_t len, size_t columns)
{
    size_t best[4] = {0, 0, 0, 0}, used = 0, at = 0, last = 0;
    while (at < len) {
        size_t begin = at;
        uint32_t c = str_next(text, len, &at);
        used += at - begin > 1 ? 2 : 1;
        if (used > columns) {
            last = begin;
            break;
        }
        int quality = end_quality(c, at < len ? text[at] : '\0');
        if (closes(c) && best[3] == begin && begin > 0)
            quality = 3;
        best[quality] = at;
    }
    if (used <= columns)
        return len;
    /* An end too near to the beginning would leave crumbs. */
    for (int quality = 3; quality > 0; quality--)
        if (best[quality] > last / 4)
            return best[quality];
    return last > 0 ? last : at;
}

void knowledge_join_line(struct buf *paragraph, const char *line, size_t len)
{
    if (len == 0)
        return;
    if (paragraph->len > 0) {
        size_t last = paragraph->len - 1;
        while (last > 0 && ((unsigned char)paragraph->data[last] & 0xC0) == 0x80)
            last--;
        if (!knowledge_is_wide(paragraph->data, paragraph->len, last) ||
            !knowledge_is_wide(line, len, 0))
            buf_add_char(paragraph, ' ');
    }
    buf_add(paragraph, line, len);
}

const char *knowledge_language(const char *text, size_t len)
{
    size_t chinese = 0, letters = 0, kana = 0, hangul = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = str_next(text, len, &at);
        chinese += c >= 0x4E00 && c <= 0x9FFF;
        kana += c >= 0x3040 && c <= 0x30FF;
        hangul += c >= 0xAC00 && c <= 0xD7A3;
        letters += c < 0x80 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    }
    if (kana * 4 > chinese && kana > 4)
        return "ja";
    if (hangul > chinese && hangul > 4)
        return "ko";
    return chinese * 4 >= letters && chinese > 0 ? "zh" : "en"; /* a character is about a word */
}
