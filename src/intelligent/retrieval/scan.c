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

/* Whether a separator belongs to the word that it stands in: 1.5, 1,000, don't. */
static bool joins(const struct retrieval_scanner *s, enum retrieval_class before,
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
    return before == RETRIEVAL_LETTER && (c == '\'' || c == 0x2019);
}

struct word { /* as it was read, folded and not yet stemmed */
    struct retrieval_token token;
    bool letters;    /* nothing but a to z */
    bool possessive; /* ends in 's */
    uint32_t only;   /* its one character; 0 = several */
};

static void add_to_word(struct word *word, const struct folded *c, size_t *characters)
{
    for (size_t i = 0; i < c->count; i++)
        word->letters &= c->point[i] >= 'a' && c->point[i] <= 'z';
    append_folded(&word->token, c);
    if (c->class != RETRIEVAL_NOTHING) {
        ++*characters;
        word->only = *characters == 1 ? c->point[0] : 0;
    }
    word->token.end = c->end;
}

/* An s that ends a word. */
static bool is_last_s(const struct retrieval_scanner *s, const struct folded *c)
{
    struct folded beyond;
    return c->point[0] == 's' &&
           (!look_past(s, c->end, &beyond) || beyond.class == RETRIEVAL_SEPARATOR ||
            beyond.class == RETRIEVAL_IDEOGRAPH);
}

/* The word whose first character stands at `at`. */
static void read_word(const struct retrieval_scanner *s, size_t at, struct word *out)
{
    struct folded c, next;
    size_t characters = 0;
    memset(out, 0, sizeof *out);
    out->letters = true;
    out->token.begin = out->token.end = at;
    look(s, at, &c);
    for (;;) {
        bool keep;
        add_to_word(out, &c, &characters);
        if (!look(s, c.end, &next) || next.class == RETRIEVAL_IDEOGRAPH)
            break;
        if (next.class == RETRIEVAL_SEPARATOR) {
            if (!joins(s, c.class, &next, &keep))
                break;
            if (keep)
                append_folded(&out->token, &next);
            bool quote = c.class == RETRIEVAL_LETTER;
            look(s, next.end, &next);
            out->possessive = quote && is_last_s(s, &next);
        }
        c = next;
    }
    /* c++ and c# are words of their own */
    while (characters == 1 && look(s, out->token.end, &next) &&
           (next.point[0] == '+' || next.point[0] == '#')) {
        append_folded(&out->token, &next);
        out->letters = false;
        out->only = 0;
        out->token.end = next.end;
    }
}

static void finish_word(struct retrieval_token *token, const struct word *word)
{
    const char *greek = retrieval_greek_name(word->only);
    if (greek) {
        token->len = strlen(greek);
        memcpy(token->term, greek, token->len + 1);
        return;
    }
    if (!word->letters)
        return;
    if (word->possessive && token->len > 1)
        token->len--;
    token->term[token->len] = 0;
    if (retrieval_is_stop(token->term, token->len)) {
        token->kind = RETRIEVAL_STOP;
        return;
    }
    token->len = retrieval_stem(token->term, token->len);
    token->term[token->len] = 0;
}

/* non-linear is found by nonlinear too, H-100 by H100. */
static void join_hyphen(struct retrieval_scanner *s, const struct word *first)
{
    struct folded hyphen, after;
    struct word second;
    if (first->possessive || !look(s, first->token.end, &hyphen) ||
        (hyphen.point[0] != '-' && hyphen.point[0] != 0x2010 && hyphen.point[0] != 0x2011) ||
        !look(s, hyphen.end, &after) ||
        (after.class != RETRIEVAL_LETTER && after.class != RETRIEVAL_DIGIT))
        return;
    read_word(s, hyphen.end, &second);
    if (first->token.len + second.token.len + 2 > RETRIEVAL_TERM_SIZE ||
        retrieval_is_stop(first->token.term, first->token.len) ||
        retrieval_is_stop(second.token.term, second.token.len))
        return;
    struct retrieval_token *joined =
        wait(s, RETRIEVAL_LEXICAL, first->token.begin, second.token.end);
    joined->len = first->token.len + second.token.len;
    memcpy(joined->term, first->token.term, first->token.len);
    memcpy(joined->term + first->token.len, second.token.term, second.token.len + 1);
    second.letters &= first->letters;
    second.only = 0;
    finish_word(joined, &second);
}

static void scan_word(struct retrieval_scanner *s)
{
    struct word word;
    read_word(s, s->at, &word);
    struct retrieval_token *token = wait(s, RETRIEVAL_WORD, word.token.begin, word.token.end);
    memcpy(token->term, word.token.term, word.token.len + 1);
    token->len = word.token.len;
    s->at = token->end;
    finish_word(token, &word);
    join_hyphen(s, &word);
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
            scan_word(scanner);
        else
            scanner->at = c.end;
    }
    return scanner->waiting_count ? &scanner->waiting[scanner->waiting_at++] : NULL;
}
