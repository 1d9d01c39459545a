/* version.c - does "14.2" lie in ">=14 <17"?
 *
 * A version is numbers divided by dots, then what comes before a release ("-rc.1", "-beta2",
 * "-SNAPSHOT") or says more about it ("-alpine", "+build"), which is not compared.  A range is
 * alternatives divided by "||", each a blank- or comma-separated list of comparisons that must all
 * hold: < <= > >= = !=, ≥ ≤, ^ (no change of the first number that is not 0), ~ (no change of the
 * last but one number that is given); a bare version takes everything that begins with it, also as
 * "1.x"; "A - B" is from A through B; "*" or nothing takes all.  A version before a release is
 * below it, and lies in >=1.0-rc1 but not in >=1.0. */
#include <ctype.h>
#include <strings.h>

#include "intelligent/evaluation/evaluation_priv.h"

#define PARTS 6 /* numbers of a version that are compared; more than any scheme in use has */
#define NUMBER_MAX 100000000

struct version {
    long part[PARTS];
    size_t count;
    const char *before; /* of a release: "rc.1"; NULL = it is one */
    size_t before_len;
};

/* Words that say "not yet released"; others after a hyphen only describe. */
static bool is_before_release(const char *text, size_t len)
{
    static const char *const words[] = {"alpha", "beta",     "rc",      "pre",
                                        "dev",   "snapshot", "preview", "canary"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (len >= strlen(words[i]) && strncasecmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static bool is_wild(char c)
{
    return c == 'x' || c == 'X' || c == '*';
}

static bool read_version(const char *text, size_t len, struct version *out)
{
    memset(out, 0, sizeof *out);
    size_t at = 0;
    if (at < len && (text[at] == 'v' || text[at] == 'V'))
        at++;
    while (at < len && isdigit((unsigned char)text[at])) {
        long value = 0;
        for (; at < len && isdigit((unsigned char)text[at]); at++)
            value = value < NUMBER_MAX ? value * 10 + (text[at] - '0') : value;
        if (out->count < PARTS)
            out->part[out->count++] = value;
        if (at + 1 >= len || text[at] != '.' || is_wild(text[at + 1]))
            break;
        at++;
    }
    if (out->count > 0 && at < len &&
        (text[at] == '-' || text[at] == '.' || isalpha((unsigned char)text[at]))) {
        at += text[at] == '-' || text[at] == '.';
        if (is_before_release(text + at, len - at)) {
            out->before = text + at;
            out->before_len = strcspn(text + at, "+ ,|");
            if (out->before_len > len - at)
                out->before_len = len - at;
        }
    }
    return out->count > 0;
}

static int compare(const struct version *a, const struct version *b, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i] ? -1 : 1;
    return 0;
}

/* Digits as numbers, the rest byte by byte: rc.2 < rc.10. */
static int compare_before(const struct version *a, const struct version *b)
{
    if (!a->before || !b->before)
        return a->before ? -1 : b->before ? 1 : 0;
    size_t i = 0, k = 0;
    while (i < a->before_len && k < b->before_len) {
        if (isdigit((unsigned char)a->before[i]) && isdigit((unsigned char)b->before[k])) {
            long x = 0, y = 0;
            for (; i < a->before_len && isdigit((unsigned char)a->before[i]); i++)
                x = x < NUMBER_MAX ? x * 10 + (a->before[i] - '0') : x;
            for (; k < b->before_len && isdigit((unsigned char)b->before[k]); k++)
                y = y < NUMBER_MAX ? y * 10 + (b->before[k] - '0') : y;
            if (x != y)
                return x < y ? -1 : 1;
            continue;
        }
        int x = tolower((unsigned char)a->before[i++]), y = tolower((unsigned char)b->before[k++]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (i < a->before_len) - (k < b->before_len);
}

static int compare_all(const struct version *a, const struct version *b)
{
    int order = compare(a, b, PARTS);
    return order ? order : compare_before(a, b);
}

int evaluation_version_compare(const char *a, const char *b)
{
    struct version x, y;
    bool has_x = a && read_version(a, strlen(a), &x), has_y = b && read_version(b, strlen(b), &y);
    if (has_x != has_y)
        return has_x ? 1 : -1;
    return has_x ? compare_all(&x, &y) : strcmp(a ? a : "", b ? b : "");
}

/* The first number that is not 0 stays, and those before it; of ^0.0 the last that is given. */
static size_t caret_parts(const struct version *bound)
{
    size_t same = 0;
    while (same + 1 < bound->count && bound->part[same] == 0)
        same++;
    return same + 1;
}

enum comparison { EQUAL, UNEQUAL, LESS, AT_MOST, GREATER, AT_LEAST, CARET, TILDE, BAD };

static enum comparison read_operator(const char *term, size_t *at)
{
    static const struct {
        const char *text;
        enum comparison how;
    } all[] = {{"<=", AT_MOST}, {">=", AT_LEAST}, {"==", EQUAL}, {"!=", UNEQUAL},
               {"≤", AT_MOST},  {"≥", AT_LEAST},  {"<", LESS},   {">", GREATER},
               {"=", EQUAL},    {"^", CARET},     {"~", TILDE}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_has_prefix(term, all[i].text)) {
            *at = strlen(all[i].text);
            return term[*at] && strchr("<>=!~^", term[*at]) ? BAD : all[i].how;
        }
    *at = 0;
    return *term == '!' ? BAD : EQUAL;
}

static bool holds(const struct version *version, enum comparison how, const struct version *bound)
{
    int order = compare_all(version, bound);
    int prefix = compare(version, bound, bound->count);
    bool same = prefix == 0 && (bound->before ? order == 0 : !version->before);
    switch (how) {
    case EQUAL:
        return same;
    case UNEQUAL:
        return !same;
    case LESS:
        return order < 0;
    case AT_MOST:
        return order <= 0 || (prefix == 0 && !bound->before);
    case GREATER:
        return order > 0 && (prefix != 0 || bound->before);
    case AT_LEAST:
        return order >= 0;
    case CARET:
        return order >= 0 && compare(version, bound, caret_parts(bound)) == 0;
    default: /* TILDE */
        return order >= 0 && compare(version, bound, bound->count < 2 ? 1 : bound->count - 1) == 0;
    }
}

/* "A - B"; the text begins at A. */
static bool read_span(const char *text, size_t len, struct version *from, struct version *to,
                      size_t *ret_used)
{
    size_t first = strcspn(text, " ");
    if (first + 3 >= len || strncmp(text + first, " - ", 3) != 0)
        return false;
    size_t second = first + 3, rest = strcspn(text + second, " ,|");
    *ret_used = second + rest;
    return *ret_used <= len && read_version(text, first, from) &&
           read_version(text + second, rest, to);
}

/* One alternative: all its comparisons. */
static bool all_hold(const struct version *version, const char *text, size_t len, bool *ret_known)
{
    bool all = true;
    for (size_t at = 0; at < len;) {
        size_t skip = strspn(text + at, " ,"), op, term;
        struct version bound, to;
        at += skip;
        if (at >= len)
            break;
        if (read_span(text + at, len - at, &bound, &to, &term)) {
            all = all && holds(version, AT_LEAST, &bound) && holds(version, AT_MOST, &to);
            at += term;
            continue;
        }
        enum comparison how = read_operator(text + at, &op);
        at += op;
        at += strspn(text + at, " ");
        term = at < len ? strcspn(text + at, " ,|") : 0;
        if (term > len - at)
            term = len - at;
        if (how == EQUAL && term == 1 && is_wild(text[at])) {
            at += term;
            continue;
        }
        if (how == BAD || !read_version(text + at, term, &bound)) {
            *ret_known = false;
            return false;
        }
        all = all && holds(version, how, &bound);
        at += term;
    }
    return all;
}

bool evaluation_version_suits(const char *version, const char *range, bool *ret_known)
{
    *ret_known = true;
    if (!range || !*range)
        return true;
    struct version own;
    if (!version || !read_version(version, strlen(version), &own)) {
        *ret_known = str_eq(range, "*") || str_eq(range, version);
        return *ret_known;
    }
    bool any = false;
    for (const char *at = range;;) {
        const char *end = strstr(at, "||");
        size_t len = end ? (size_t)(end - at) : strlen(at);
        any = all_hold(&own, at, len, ret_known) || any;
        if (!end)
            break;
        at = end + 2;
    }
    return any && *ret_known;
}
