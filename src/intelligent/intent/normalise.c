/* normalise.c - one spelling for what can be written several ways.
 *
 * Contract: full width, case, blanks, typographic punctuation and traditional characters are
 * reduced; every byte of the result knows the source bytes that it stands for.  A blank beside a
 * CJK character is dropped, so 公网 IP and 公网IP are one.  One pass, linear. */
#include "base/str.h"
#include "intelligent/intent/intent_priv.h"

static uint32_t simplify(uint32_t c)
{
    size_t low = 0, high = intent_variant_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (intent_variants[middle].from < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < intent_variant_count && intent_variants[low].from == c)
        return intent_variants[low].to;
    return c;
}

static bool is_picture(uint32_t c)
{
    return c >= 0x1f000 || (c >= 0x2600 && c <= 0x27bf) || c == 0xfe0f || c == 0x200d;
}

static bool is_cjk(uint32_t c)
{
    return c >= 0x2e80;
}

static uint32_t fold(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xfee0;
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    switch (c) {
    case 0x3000:
    case 0xa0:
    case 0x2002:
    case 0x2003:
    case 0x2009:
    case 0x200b:
    case 0xfeff:
    case '\r':
        return ' ';
    case 0x3002:
    case 0xff61:
    case 0x2026: /* 。 … */
        return 'E';
    case '!':
    case '?':
        return 'E';
    case 0x3001: /* 、 */
        return '&';
    case '&':
        return '+';
    case '\t':
        return '|';
    case 0x2014:
    case 0x2015: /* — */
        return 'D';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2212:
        return '-';
    case 0x301c:
    case 0x2248: /* 〜 ≈ */
        return '~';
    case 0x3010:
    case 0x300a:
    case 0x300c:
    case '[':
        return '(';
    case 0x3011:
    case 0x300b:
    case 0x300d:
    case ']':
        return ')';
    case 0x201c:
    case 0x201d:
    case 0x2018:
    case 0x2019:
    case '"':
    case '`':
        return '\'';
    case 0xb7:
    case 0x2022:
    case 0x25cf:
    case 0x25aa:
    case 0x25a0:
    case 0x2605:
    case 0x25e6: /* bullets */
        return ';';
    case 0xff5c:
    case 0x2502:
        return '|';
    case 0x2716:
    case 0x2715:
    case 0x2a09:
        return 0xd7;
    case 0xffe5:
        return 0xa5;
    default:
        break;
    }
    if (c >= 0x2460 && c <= 0x2473) /* ① */
        return ';';
    if (is_picture(c))
        return ',';
    if (c < 0x20 && c != '\n')
        return ' ';
    return c >= 0x4e00 && c <= 0x9fff ? simplify(c) : c;
}

static bool is_numeral(uint32_t c)
{
    static const char numerals[] = "一二三四五六七八九十两百千";
    for (size_t at = 0; at < sizeof numerals - 1;)
        if (str_next(numerals, sizeof numerals - 1, &at) == c)
            return true;
    return false;
}

/* Does a number, or a sign of money before one, stand at `at`? */
static bool digit_follows(const char *source, size_t len, size_t at)
{
    if (at >= len)
        return false;
    uint32_t c = fold(str_next(source, len, &at));
    return (c >= '0' && c <= '9') || c == ' ' || c == '$' || c == 0xa5 || is_numeral(c);
}

static void put(struct intent_text *text, uint32_t c, size_t begin, size_t end)
{
    char bytes[5];
    size_t n = str_put(bytes, c);
    for (size_t i = 0; i < n; i++) {
        text->data[text->len] = bytes[i];
        text->begin[text->len] = (uint32_t)begin;
        text->end[text->len] = (uint32_t)end;
        text->len++;
    }
}

void intent_normalise(struct intent_read *read, const char *source, size_t len)
{
    struct intent_text *text = &read->text;
    size_t room = len * 2 + 8; /* a folded character is never more than twice as long */
    text->source = source;
    text->source_len = len;
    text->data = arena_alloc(read->arena, room);
    text->begin = arena_alloc(read->arena, room * sizeof *text->begin);
    text->end = arena_alloc(read->arena, room * sizeof *text->end);
    uint32_t last = '\n';
    bool blank = false, in_word = false;
    size_t blank_at = 0, bar = 0;
    for (size_t at = 0; at < len;) {
        size_t begin = at;
        uint32_t c = str_next(source, len, &at), folded = fold(c);
        if (c == '\t' && last == '\n')
            folded = ' ';
        while (bar < text->bars.count && text->bars.items[bar] < begin)
            bar++;
        if (bar < text->bars.count && text->bars.items[bar] == begin)
            folded = '|';
        if (folded == '~' && !digit_follows(source, len, at))
            folded = ','; /* 多少钱呀～预算八千 */
        if (folded == ' ') {
            if (!blank)
                blank_at = begin;
            blank = true;
            in_word = false;
            continue;
        }
        if (blank && last != '\n' && folded != '\n' && !is_cjk(last) && !is_cjk(folded))
            put(text, ' ', blank_at, begin);
        blank = false;
        /* marks are capital letters: all real letters are small by now */
        put(text, folded, begin, at);
        if (is_cjk(folded))
            text->han++;
        if (folded >= 'a' && folded <= 'z') {
            if (!in_word)
                text->latin++;
            in_word = true;
        } else {
            in_word = false;
        }
        last = folded;
    }
    text->data[text->len] = '\0';
}
