/* characters.c - what a character is to a searcher, and which characters are the same to him.
 *
 * Contract: pure tables; every code point has a class, folding is idempotent. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intelligent/retrieval/retrieval_priv.h"

struct range {
    uint32_t first, last;
    enum retrieval_class class;
};

/* What is not here and not ASCII is a letter. */
static const struct range ranges[] = {
    {0x0080, 0x00a9, RETRIEVAL_SEPARATOR},   {0x00ab, 0x00ac, RETRIEVAL_SEPARATOR},
    {0x00ad, 0x00ad, RETRIEVAL_NOTHING},     {0x00ae, 0x00b1, RETRIEVAL_SEPARATOR},
    {0x00b4, 0x00b4, RETRIEVAL_SEPARATOR},   {0x00b6, 0x00b8, RETRIEVAL_SEPARATOR},
    {0x00bb, 0x00bf, RETRIEVAL_SEPARATOR},   {0x00d7, 0x00d7, RETRIEVAL_SEPARATOR},
    {0x00f7, 0x00f7, RETRIEVAL_SEPARATOR},   {0x02b9, 0x02ff, RETRIEVAL_SEPARATOR},
    {0x0300, 0x036f, RETRIEVAL_NOTHING},     {0x1100, 0x11ff, RETRIEVAL_IDEOGRAPH},
    {0x1dc0, 0x1dff, RETRIEVAL_NOTHING},     {0x2000, 0x200a, RETRIEVAL_SEPARATOR},
    {0x200b, 0x200f, RETRIEVAL_NOTHING},     {0x2010, 0x205f, RETRIEVAL_SEPARATOR},
    {0x2060, 0x206f, RETRIEVAL_NOTHING},     {0x2071, 0x2073, RETRIEVAL_SEPARATOR},
    {0x207a, 0x207e, RETRIEVAL_SEPARATOR},   {0x208a, 0x208f, RETRIEVAL_SEPARATOR},
    {0x20a0, 0x20cf, RETRIEVAL_SEPARATOR},   {0x20d0, 0x20ff, RETRIEVAL_NOTHING},
    {0x2100, 0x215f, RETRIEVAL_SEPARATOR},   {0x2190, 0x2bff, RETRIEVAL_SEPARATOR},
    {0x2e00, 0x2e7f, RETRIEVAL_SEPARATOR},   {0x2e80, 0x2fdf, RETRIEVAL_IDEOGRAPH},
    {0x2ff0, 0x3004, RETRIEVAL_SEPARATOR},   {0x3005, 0x3007, RETRIEVAL_IDEOGRAPH},
    {0x3008, 0x3020, RETRIEVAL_SEPARATOR},   {0x3021, 0x3029, RETRIEVAL_IDEOGRAPH},
    {0x302a, 0x303f, RETRIEVAL_SEPARATOR},   {0x3040, 0x3098, RETRIEVAL_IDEOGRAPH},
    {0x3099, 0x309c, RETRIEVAL_NOTHING},     {0x309d, 0x309f, RETRIEVAL_IDEOGRAPH},
    {0x30a0, 0x30a0, RETRIEVAL_SEPARATOR},   {0x30a1, 0x30fa, RETRIEVAL_IDEOGRAPH},
    {0x30fb, 0x30fb, RETRIEVAL_SEPARATOR},   {0x30fc, 0x318f, RETRIEVAL_IDEOGRAPH},
    {0x3190, 0x319f, RETRIEVAL_SEPARATOR},   {0x31a0, 0x31bf, RETRIEVAL_IDEOGRAPH},
    {0x31c0, 0x31ef, RETRIEVAL_SEPARATOR},   {0x31f0, 0x31ff, RETRIEVAL_IDEOGRAPH},
    {0x3200, 0x33ff, RETRIEVAL_SEPARATOR},   {0x3400, 0x4dbf, RETRIEVAL_IDEOGRAPH},
    {0x4dc0, 0x4dff, RETRIEVAL_SEPARATOR},   {0x4e00, 0x9fff, RETRIEVAL_IDEOGRAPH},
    {0xa960, 0xa97f, RETRIEVAL_IDEOGRAPH},   {0xac00, 0xd7ff, RETRIEVAL_IDEOGRAPH},
    {0xd800, 0xf8ff, RETRIEVAL_SEPARATOR},   {0xf900, 0xfaff, RETRIEVAL_IDEOGRAPH},
    {0xfe00, 0xfe0f, RETRIEVAL_NOTHING},     {0xfe10, 0xfe1f, RETRIEVAL_SEPARATOR},
    {0xfe20, 0xfe2f, RETRIEVAL_NOTHING},     {0xfe30, 0xfe6f, RETRIEVAL_SEPARATOR},
    {0xfeff, 0xfeff, RETRIEVAL_NOTHING},     {0xff00, 0xff65, RETRIEVAL_SEPARATOR},
    {0xff66, 0xffdc, RETRIEVAL_IDEOGRAPH},   {0xffdd, 0xffff, RETRIEVAL_SEPARATOR},
    {0x1d000, 0x1d3ff, RETRIEVAL_SEPARATOR}, {0x1f000, 0x1fbff, RETRIEVAL_SEPARATOR},
    {0x20000, 0x3ffff, RETRIEVAL_IDEOGRAPH}, {0xe0000, 0x10ffff, RETRIEVAL_NOTHING},
};

static enum retrieval_class class_of(uint32_t c)
{
    size_t low = 0, high = ARRAY_LEN(ranges);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < ARRAY_LEN(ranges) && c >= ranges[low].first)
        return ranges[low].class;
    return RETRIEVAL_LETTER;
}

static uint32_t simplify(uint32_t c)
{
    size_t low = 0, high = retrieval_simplified_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > retrieval_simplified[middle][0])
            low = middle + 1;
        else
            high = middle;
    }
    if (low < retrieval_simplified_count && retrieval_simplified[low][0] == c)
        return retrieval_simplified[low][1];
    return c;
}

static enum retrieval_class fold_ascii(uint32_t c, uint32_t out[3])
{
    out[0] = c;
    if (c >= '0' && c <= '9')
        return RETRIEVAL_DIGIT;
    if (c >= 'A' && c <= 'Z')
        out[0] = c + ('a' - 'A');
    return out[0] >= 'a' && out[0] <= 'z' ? RETRIEVAL_LETTER : RETRIEVAL_SEPARATOR;
}

/* Superscript and subscript digits; 10 if it is none. */
static uint32_t small_digit(uint32_t c)
{
    switch (c) {
    case 0xb9:
        return 1;
    case 0xb2:
    case 0xb3:
        return c - 0xb0;
    default:
        if (c == 0x2070 || (c >= 0x2074 && c <= 0x2079))
            return c - 0x2070;
        return c >= 0x2080 && c <= 0x2089 ? c - 0x2080 : 10;
    }
}

static uint32_t lower(uint32_t c)
{
    if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2)
        return c + 0x20;
    if (c == 0x3c2) /* final sigma */
        return 0x3c3;
    if (c == 0xb5) /* the micro sign is a mu */
        return 0x3bc;
    if (c >= 0x410 && c <= 0x42f)
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40f)
        return c + 0x50;
    return c;
}

enum retrieval_class retrieval_fold(uint32_t c, uint32_t out[3], size_t *count)
{
    *count = 1;
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xff01 - '!';
    if (c < 0x80)
        return fold_ascii(c, out);
    if (small_digit(c) < 10) {
        out[0] = '0' + small_digit(c);
        return RETRIEVAL_DIGIT;
    }
    enum retrieval_class class = class_of(c);
    if (class == RETRIEVAL_NOTHING) {
        *count = 0;
        return class;
    }
    out[0] = c;
    if (class == RETRIEVAL_IDEOGRAPH) {
        out[0] = simplify(c);
    } else if (c >= RETRIEVAL_LATIN_FIRST && c <= RETRIEVAL_LATIN_LAST) {
        const char *latin = retrieval_latin[c - RETRIEVAL_LATIN_FIRST];
        for (*count = 0; latin[*count]; (*count)++)
            out[*count] = (unsigned char)latin[*count];
        if (*count == 0) {
            out[0] = c;
            *count = 1;
        }
    } else if (class == RETRIEVAL_LETTER) {
        out[0] = lower(c);
    }
    return class;
}

const char *retrieval_greek_name(uint32_t c)
{
    static const char *const names[] = {
        "alpha", "beta",   "gamma",   "delta", "epsilon", "zeta",    "eta",  "theta", "iota",
        "kappa", "lambda", "mu",      "nu",    "xi",      "omicron", "pi",   "rho",   "sigma",
        "sigma", "tau",    "upsilon", "phi",   "chi",     "psi",     "omega"};
    return c >= 0x3b1 && c <= 0x3c9 ? names[c - 0x3b1] : NULL;
}

/* Articles, pronouns, prepositions, auxiliaries and question words; sorted.  Words of a query that
 * stand in this list are looked up only when it has no others. */
static const char *const stops[] = {
    "a",       "about", "after",  "all",  "also",  "am",      "an",     "and",   "any",
    "are",     "as",    "at",     "be",   "been",  "being",   "both",   "but",   "by",
    "can",     "could", "did",    "do",   "does",  "doing",   "during", "each",  "etc",
    "for",     "from",  "had",    "has",  "have",  "having",  "he",     "her",   "here",
    "hers",    "him",   "his",    "how",  "i",     "if",      "in",     "into",  "is",
    "it",      "its",   "itself", "just", "may",   "me",      "might",  "more",  "most",
    "must",    "my",    "no",     "nor",  "not",   "of",      "off",    "on",    "only",
    "or",      "other", "our",    "out",  "own",   "same",    "shall",  "she",   "should",
    "so",      "some",  "such",   "than", "that",  "the",     "their",  "them",  "then",
    "there",   "these", "they",   "this", "those", "through", "to",     "too",   "upon",
    "us",      "very",  "was",    "we",   "were",  "what",    "when",   "where", "whether",
    "which",   "while", "who",    "whom", "whose", "why",     "will",   "with",  "within",
    "without", "would", "you",    "your",
};

static int compare_stop(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

bool retrieval_is_stop(const char *word, size_t len)
{
    char key[12];
    if (len >= sizeof key)
        return false;
    memcpy(key, word, len);
    key[len] = 0;
    return bsearch(key, stops, ARRAY_LEN(stops), sizeof *stops, compare_stop) != NULL;
}
