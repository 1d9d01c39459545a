/* str_suggest.c - the nearest known word to one that is not known.
 *
 * Contract: optimal string alignment (Levenshtein with swaps of neighbours, Boytsov 2011) over code
 * points, O(n·m) with n, m ≤ 63.  A word is near when at most a third of it differs, or when one
 * begins with the other. */
#include <string.h>

#include "base/str.h"

#define LONGEST 63
#define FAR ((size_t)1000)

static size_t decode(const char *text, uint32_t out[LONGEST])
{
    size_t len = strlen(text), count = 0;
    for (size_t at = 0; at < len;) {
        if (count == LONGEST)
            return FAR;
        out[count++] = str_next(text, len, &at);
    }
    return count;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t str_distance(const char *a, const char *b)
{
    uint32_t s[LONGEST], t[LONGEST];
    size_t rows[3][LONGEST + 1];
    size_t n = decode(a, s), m = decode(b, t);
    if (n == FAR || m == FAR)
        return FAR;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] =
                least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (s[i - 1] != t[j - 1]));
            if (i > 1 && j > 1 && s[i - 1] == t[j - 2] && s[i - 2] == t[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

void str_suggest(struct str_suggestion *suggestion, const char *candidate)
{
    size_t distance = str_distance(suggestion->word, candidate);
    if (strlen(suggestion->word) >= 2 && (str_has_prefix(candidate, suggestion->word) ||
                                          str_has_prefix(suggestion->word, candidate)))
        distance = least(distance, 1);
    if (!suggestion->best || distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

const char *str_suggested(const struct str_suggestion *suggestion)
{
    size_t len = strlen(suggestion->word);
    size_t allowed = len / 3 > 1 ? len / 3 : 1;
    if (len > 3 && allowed < 2)
        allowed = 2;
    return suggestion->best && suggestion->distance <= allowed ? suggestion->best : NULL;
}
