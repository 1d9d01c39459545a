/* scan.c - text to terms: words of letters and digits, and for scripts without blanks characters,
 * bigrams and known words.
 *
 * Contract: any bytes are read (a bad one separates).  Tokens come in order of their begin; those
 * of one position follow each other, the first of them `moves`.  Linear in the text. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval_priv.h"

struct folded { /* one character of the text */
    enum retrieval_class class;
    uint32_t point[3];
    size_t count;
    size_t end;
};

static bool look(const struct retrieval_scanner *s, size_t at, struct folded *out)
{
    if (at >= s->len)
        return false;
    uint32_t c = str_next(s->text, s->len, &at);
    out->class = retrieval_fold(c, out->point, &out->count);
    out->end = at;
    return true;
}

/* As look, past characters that are nothing. */
static bool look_past(const struct retrieval_scanner *s, size_t at, struct folded *out)
{
    while (look(s, at, out)) {
        if (out->class != RETRIEVAL_NOTHING)
            return true;
        at = out->end;
    }
    return false;
}

static void append(struct retrieval_token *token, uint32_t c)
{
    char utf8[5];
    size_t n = str_put(utf8, c);
    /* room for a letter that the stemmer puts back, and the end */
    if (token->len + n + 2 > sizeof token->term)
        return;
    memcpy(token->term + token->len, utf8, n + 1);
    token->len += n;
}

static struct retrieval_token *wait(struct retrieval_scanner *s, enum retrieval_kind kind,
                                    size_t begin, size_t end)
{
    struct retrieval_token *token = &s->waiting[s->waiting_count];
    token->len = 0;
    token->term[0] = 0;
    token->kind = kind;
    token->moves = s->waiting_count == 0;
    token->begin = begin;
    token->end = end;
    s->waiting_count++;
    return token;
}

static void append_folded(struct retrieval_token *token, const struct folded *c)
{
    for (size_t i = 0; i < c->count; i++)
        append(token, c->point[i]);
}

/* Whether the separator at `at` belongs to the word that it stands in: 1.5, 1,000, don't. */
static bool joins(const struct retrieval_scanner *s, size_t at, enum retrieval_class before,
                  const struct folded *separator, bool *keep)
{
    struct folded after;
    uint32_t c = separator->point[0];
    *keep = false;
    if (!look(s, separator->end, &after) || after.class != before)
        return false;
    if (before == RETRIEVAL_DIGIT && (c == '.' || c == ',')) {
        *keep = c == '.';
        return true;
    }
    (void)at;
    return before == RETRIEVAL_LETTER && (c == '\'' || c == 0x2019);
}

static void finish_word(struct retrieval_token *token, bool letters, bool possessive, uint32_t only)
{
    const char *greek = retrieval_greek_name(only);
    if (greek) {
        token->len = strlen(greek);
        memcpy(token->term, greek, token->len + 1);
        return;
    }
    if (!letters)
        return;
    if (possessive && token->len > 1)
        token->len--;
    token->term[token->len] = 0;
    if (retrieval_is_stop(token->term, token->len)) {
        token->kind = RETRIEVAL_STOP;
        return;
    }
    token->len = retrieval_stem(token->term, token->len);
    token->term[token->len] = 0;
}

static void scan_word(struct retrieval_scanner *s, struct folded c)
{
    struct retrieval_token *token = wait(s, RETRIEVAL_WORD, s->at, s->at);
    bool letters = true, possessive = false;
    size_t characters = 0;
    uint32_t only = 0;
    for (;;) {
        for (size_t i = 0; i < c.count; i++)
            letters &= c.point[i] >= 'a' && c.point[i] <= 'z';
        append_folded(token, &c);
        if (c.class != RETRIEVAL_NOTHING) {
            characters++;
            only = characters == 1 ? c.point[0] : 0;
        }
        token->end = s->at = c.end;
        enum retrieval_class before = c.class;
        struct folded next;
        bool keep;
        if (!look(s, s->at, &next))
            break;
        if (next.class == RETRIEVAL_SEPARATOR && joins(s, s->at, before, &next, &keep)) {
            if (keep)
                append_folded(token, &next);
            else if (next.point[0] == '\'' || next.point[0] == 0x2019)
                possessive = true;
            struct folded after, beyond;
            look(s, next.end, &after);
            /* only 's at the end is cut */
            possessive =
                possessive && after.point[0] == 's' &&
                (!look_past(s, after.end, &beyond) || beyond.class == RETRIEVAL_SEPARATOR ||
                 beyond.class == RETRIEVAL_IDEOGRAPH);
            c = after;
            continue;
        }
        if (next.class == RETRIEVAL_SEPARATOR || next.class == RETRIEVAL_IDEOGRAPH)
            break;
        c = next;
    }
    /* c++ and c# are words of their own */
    for (struct folded next; characters == 1 && look(s, s->at, &next) &&
                             (next.point[0] == '+' || next.point[0] == '#');) {
        append_folded(token, &next);
        letters = false;
        only = 0;
        token->end = s->at = next.end;
    }
    finish_word(token, letters, possessive, only);
}

static void scan_ideograph(struct retrieval_scanner *s, const struct folded *c)
{
    struct retrieval_token *token = wait(s, RETRIEVAL_CHARACTER, s->at, c->end);
    append_folded(token, c);
    struct retrieval_token word = *token;
    size_t longest = s->lexicon && s->lexicon->longest > 2 ? s->lexicon->longest : 2;
    struct folded next;
    size_t at = c->end;
    for (size_t n = 2; n <= longest; n++) {
        if (!look_past(s, at, &next) || next.class != RETRIEVAL_IDEOGRAPH)
            break;
        at = next.end;
        append_folded(&word, &next);
        if (n > 2 && !map_has(s->lexicon->words, word.term))
            continue;
        token = wait(s, n == 2 ? RETRIEVAL_BIGRAM : RETRIEVAL_LEXICAL, s->at, at);
        memcpy(token->term, word.term, word.len + 1);
        token->len = word.len;
    }
    s->at = c->end;
}

void retrieval_scan_init(struct retrieval_scanner *scanner, const char *text, size_t len,
                         const struct retrieval_lexicon *lexicon)
{
    scanner->text = text;
    scanner->len = len;
    scanner->at = 0;
    scanner->lexicon = lexicon;
    scanner->waiting_count = scanner->waiting_at = 0;
}

const struct retrieval_token *retrieval_scan_next(struct retrieval_scanner *scanner)
{
    if (scanner->waiting_at < scanner->waiting_count)
        return &scanner->waiting[scanner->waiting_at++];
    scanner->waiting_count = scanner->waiting_at = 0;
    struct folded c;
    while (scanner->waiting_count == 0 && look(scanner, scanner->at, &c)) {
        if (c.class == RETRIEVAL_IDEOGRAPH)
            scan_ideograph(scanner, &c);
        else if (c.class == RETRIEVAL_LETTER || c.class == RETRIEVAL_DIGIT)
            scan_word(scanner, c);
        else
            scanner->at = c.end;
    }
    return scanner->waiting_count ? &scanner->waiting[scanner->waiting_at++] : NULL;
}
