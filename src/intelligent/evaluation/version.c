/* version.c - does "14.2" lie in ">=14 <17"?  A version is numbers divided by dots; what follows
 * the numbers ("-rc1", "b") is not compared.  A range is a blank-separated list of comparisons that
 * must all hold; a bare version takes everything that begins with it; "*" or nothing takes all. */
#include <ctype.h>

#include "intelligent/evaluation/evaluation_priv.h"

#define PARTS 6 /* numbers of a version that are compared; more than any scheme in use has */

struct version {
    long part[PARTS];
    size_t count;
};

static bool read_version(const char *text, size_t len, struct version *out)
{
    memset(out, 0, sizeof *out);
    size_t at = 0;
    if (at < len && (text[at] == 'v' || text[at] == 'V'))
        at++;
    while (at < len && isdigit((unsigned char)text[at])) {
        long value = 0;
        for (; at < len && isdigit((unsigned char)text[at]); at++)
            value = value < 100000000 ? value * 10 + (text[at] - '0') : value;
        if (out->count < PARTS)
            out->part[out->count++] = value;
        if (at + 1 >= len || text[at] != '.')
            break;
        at++;
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

static bool holds(const struct version *version, const char *term, size_t len, bool *ret_known)
{
    size_t op = 0;
    while (op < len && strchr("<>=!~^", term[op]))
        op++;
    struct version bound;
    if (len - op == 1 && term[op] == '*')
        return true;
    if (!read_version(term + op, len - op, &bound)) {
        *ret_known = false;
        return false;
    }
    int order = compare(version, &bound, PARTS);
    int prefix = compare(version, &bound, bound.count);
    if (op == 0 || (op == 1 && term[0] == '=') || (op == 2 && memcmp(term, "==", 2) == 0))
        return prefix == 0;
    if (op == 1 && term[0] == '<')
        return order < 0;
    if (op == 1 && term[0] == '>')
        return order > 0 && prefix != 0;
    if (op == 2 && memcmp(term, "<=", 2) == 0)
        return order <= 0 || prefix == 0;
    if (op == 2 && memcmp(term, ">=", 2) == 0)
        return order >= 0;
    if (op == 2 && memcmp(term, "!=", 2) == 0)
        return prefix != 0;
    if (op == 1 && (term[0] == '^' || term[0] == '~')) {
        size_t same = term[0] == '^' || bound.count < 2 ? 1 : bound.count - 1;
        return order >= 0 && compare(version, &bound, same) == 0;
    }
    *ret_known = false;
    return false;
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
    bool all = true;
    for (const char *at = range; *at;) {
        size_t len = strcspn(at, " ,");
        if (len > 0 && !holds(&own, at, len, ret_known))
            all = false;
        at += len;
        at += strspn(at, " ,");
    }
    return all && *ret_known;
}
