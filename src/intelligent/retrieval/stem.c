/* stem.c - English words to stems: the Porter2 algorithm (Porter 2001, snowballstem.org).
 *
 * Contract: the word is lower-case ASCII letters in place; the stem is never longer than the word
 * plus one letter and never empty.  Linear in the word. */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "intelligent/retrieval/retrieval_priv.h"

struct stem {
    char *s;
    size_t len;
    size_t r1, r2; /* where the regions begin; len when empty */
};

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

static bool ends(const struct stem *w, const char *suffix)
{
    size_t n = strlen(suffix);
    return w->len >= n && memcmp(w->s + w->len - n, suffix, n) == 0;
}

static void cut(struct stem *w, size_t n)
{
    w->len -= n;
}

static void put(struct stem *w, const char *text)
{
    size_t n = strlen(text);
    memcpy(w->s + w->len, text, n);
    w->len += n;
}

static bool has_vowel(const struct stem *w, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_vowel(w->s[i]))
            return true;
    }
    return false;
}

/* The word up to len ends in a short syllable. */
static bool ends_short(const struct stem *w, size_t len)
{
    if (len == 2)
        return is_vowel(w->s[0]) && !is_vowel(w->s[1]);
    if (len < 3)
        return false;
    char last = w->s[len - 1];
    return !is_vowel(w->s[len - 3]) && is_vowel(w->s[len - 2]) && !is_vowel(last) && last != 'w' &&
           last != 'x' && last != 'Y';
}

static size_t region(const struct stem *w, size_t from)
{
    for (size_t i = from + 1; i < w->len; i++) {
        if (is_vowel(w->s[i - 1]) && !is_vowel(w->s[i]))
            return i + 1;
    }
    return w->len;
}

static void find_regions(struct stem *w)
{
    static const char *const heads[] = {"gener", "commun", "arsen"};
    w->r1 = SIZE_MAX;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t n = strlen(heads[i]);
        if (w->len >= n && memcmp(w->s, heads[i], n) == 0)
            w->r1 = n;
    }
    if (w->r1 == SIZE_MAX)
        w->r1 = region(w, 0);
    w->r2 = region(w, w->r1);
}

static void step_plural(struct stem *w)
{
    if (ends(w, "sses")) {
        cut(w, 2);
    } else if (ends(w, "ied") || ends(w, "ies")) {
        cut(w, w->len > 4 ? 2 : 1);
    } else if (ends(w, "s") && !ends(w, "us") && !ends(w, "ss")) {
        if (w->len >= 2 && has_vowel(w, w->len - 2))
            cut(w, 1);
    }
}

static void step_past(struct stem *w)
{
    static const char *const endings[] = {"ingly", "edly", "ing", "ed"};
    static const char *const doubles[] = {"bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"};
    if (ends(w, "eedly") || ends(w, "eed")) {
        size_t n = ends(w, "eed") ? 3 : 5;
        if (w->len - n >= w->r1)
            cut(w, n - 2);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t n = strlen(endings[i]);
        if (!ends(w, endings[i]))
            continue;
        if (!has_vowel(w, w->len - n))
            return;
        cut(w, n);
        if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) {
            put(w, "e");
            return;
        }
        for (size_t d = 0; d < ARRAY_LEN(doubles); d++) {
            if (ends(w, doubles[d])) {
                cut(w, 1);
                return;
            }
        }
        if (w->r1 >= w->len && ends_short(w, w->len))
            put(w, "e");
        return;
    }
}

struct stem_rule {
    const char *suffix, *replacement;
};

/* The first rule whose suffix fits decides; rules stand longest first where they overlap. */
static const struct stem_rule *find_rule(const struct stem *w, const struct stem_rule *rules,
                                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ends(w, rules[i].suffix))
            return &rules[i];
    }
    return NULL;
}

static bool in_region(const struct stem *w, size_t region_begin, const char *suffix)
{
    return w->len - strlen(suffix) >= region_begin;
}

static void step_double_suffix(struct stem *w)
{
    static const struct stem_rule rules[] = {
        {"ational", "ate"}, {"ization", "ize"}, {"fulness", "ful"}, {"ousness", "ous"},
        {"iveness", "ive"}, {"tional", "tion"}, {"biliti", "ble"},  {"lessli", "less"},
        {"entli", "ent"},   {"ation", "ate"},   {"alism", "al"},    {"aliti", "al"},
        {"ousli", "ous"},   {"iviti", "ive"},   {"fulli", "ful"},   {"enci", "ence"},
        {"anci", "ance"},   {"abli", "able"},   {"izer", "ize"},    {"ator", "ate"},
        {"alli", "al"},     {"bli", "ble"},     {"ogi", "og"},      {"li", ""},
    };
    const struct stem_rule *rule = find_rule(w, rules, ARRAY_LEN(rules));
    if (!rule || !in_region(w, w->r1, rule->suffix))
        return;
    if (strcmp(rule->suffix, "ogi") == 0 && (w->len < 4 || w->s[w->len - 4] != 'l'))
        return;
    if (strcmp(rule->suffix, "li") == 0 && (w->len < 3 || !strchr("cdeghkmnrt", w->s[w->len - 3])))
        return;
    cut(w, strlen(rule->suffix));
    put(w, rule->replacement);
}

static void step_ending(struct stem *w)
{
    static const struct stem_rule rules[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"alize", "al"}, {"icate", "ic"}, {"iciti", "ic"},
        {"ative", NULL},    {"ical", "ic"},     {"ness", ""},    {"ful", ""},
    };
    const struct stem_rule *rule = find_rule(w, rules, ARRAY_LEN(rules));
    if (!rule || !in_region(w, w->r1, rule->suffix))
        return;
    if (!rule->replacement && !in_region(w, w->r2, rule->suffix))
        return;
    cut(w, strlen(rule->suffix));
    put(w, rule->replacement ? rule->replacement : "");
}

static void step_delete(struct stem *w)
{
    static const struct stem_rule rules[] = {
        {"ement", ""}, {"ance", ""}, {"ence", ""}, {"able", ""}, {"ible", ""}, {"ment", ""},
        {"ant", ""},   {"ent", ""},  {"ism", ""},  {"ate", ""},  {"iti", ""},  {"ous", ""},
        {"ive", ""},   {"ize", ""},  {"ion", ""},  {"al", ""},   {"er", ""},   {"ic", ""},
    };
    const struct stem_rule *rule = find_rule(w, rules, ARRAY_LEN(rules));
    if (!rule || !in_region(w, w->r2, rule->suffix))
        return;
    if (strcmp(rule->suffix, "ion") == 0 &&
        (w->len < 4 || (w->s[w->len - 4] != 's' && w->s[w->len - 4] != 't')))
        return;
    cut(w, strlen(rule->suffix));
}

static void step_last(struct stem *w)
{
    if (ends(w, "e")) {
        if (w->len - 1 >= w->r2 || (w->len - 1 >= w->r1 && !ends_short(w, w->len - 1)))
            cut(w, 1);
    } else if (ends(w, "ll") && w->len - 1 >= w->r2) {
        cut(w, 1);
    }
}

/* Words that the rules would spoil. */
static bool is_exception(struct stem *w)
{
    static const struct stem_rule words[] = {
        {"skis", "ski"},    {"skies", "sky"},   {"dying", "die"},    {"lying", "lie"},
        {"tying", "tie"},   {"idly", "idl"},    {"gently", "gentl"}, {"ugly", "ugli"},
        {"early", "earli"}, {"only", "onli"},   {"singly", "singl"}, {"sky", "sky"},
        {"news", "news"},   {"howe", "howe"},   {"atlas", "atlas"},  {"cosmos", "cosmos"},
        {"bias", "bias"},   {"andes", "andes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (w->len == strlen(words[i].suffix) && ends(w, words[i].suffix)) {
            w->len = 0;
            put(w, words[i].replacement);
            return true;
        }
    }
    return false;
}

static bool is_kept_after_plural(const struct stem *w)
{
    static const char *const words[] = {"inning",  "outing",  "canning", "herring",
                                        "earring", "proceed", "exceed",  "succeed"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (w->len == strlen(words[i]) && ends(w, words[i]))
            return true;
    }
    return false;
}

size_t retrieval_stem(char *word, size_t len)
{
    struct stem w = {word, len, 0, 0};
    if (len < 3 || is_exception(&w))
        return w.len;
    for (size_t i = 0; i < len; i++) {
        if (word[i] == 'y' && (i == 0 || is_vowel(word[i - 1])))
            word[i] = 'Y';
    }
    find_regions(&w);
    step_plural(&w);
    if (!is_kept_after_plural(&w)) {
        step_past(&w);
        if (w.len > 2 && (ends(&w, "y") || ends(&w, "Y")) && !is_vowel(w.s[w.len - 2]))
            w.s[w.len - 1] = 'i';
        step_double_suffix(&w);
        step_ending(&w);
        step_delete(&w);
        step_last(&w);
    }
    for (size_t i = 0; i < w.len; i++) {
        if (word[i] == 'Y')
            word[i] = 'y';
    }
    return w.len;
}
