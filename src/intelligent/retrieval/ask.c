/* ask.c - the words of a Chinese question that ask and do not tell: 什么, 多少, 哪, 吗 …
 *
 * They are rare in passages, so that they would weigh much, and stand where the answer stands in
 * the passage.  What is masked here is looked up only in a query that has nothing else.
 *
 * Contract: patterns are compared after folding, so traditional forms are known too.  Linear in
 * the text. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval_priv.h"

struct pattern {
    const char *words;
    const char *not_before; /* 哪 asks, but not in 哪吒 */
    bool last;              /* only at the end of a sentence: 吗 asks, but not in 吗啡 */
};

static const struct pattern patterns[] = {
    {"为什么", NULL, false}, {"什么", NULL, false},   {"甚么", NULL, false}, {"哪些", NULL, false},
    {"哪个", NULL, false},   {"哪里", NULL, false},   {"哪", "吒", false},   {"多少", NULL, false},
    {"多大", NULL, false},   {"多长", NULL, false},   {"多久", NULL, false}, {"多远", NULL, false},
    {"多高", NULL, false},   {"怎么样", NULL, false}, {"怎么", NULL, false}, {"怎样", NULL, false},
    {"如何", NULL, false},   {"为何", NULL, false},   {"何时", NULL, false}, {"何地", NULL, false},
    {"何人", NULL, false},   {"何种", NULL, false},   {"何处", NULL, false}, {"何年", NULL, false},
    {"何事", NULL, false},   {"谁", NULL, false},     {"几个", NULL, false}, {"几年", NULL, false},
    {"几月", NULL, false},   {"几次", NULL, false},   {"几种", NULL, false}, {"几位", NULL, false},
    {"几点", NULL, false},   {"几天", NULL, false},   {"几岁", NULL, false}, {"几名", NULL, false},
    {"几层", NULL, false},   {"几部", NULL, false},   {"几本", NULL, false}, {"几场", NULL, false},
    {"几届", NULL, false},   {"几号", NULL, false},   {"几日", NULL, false}, {"几座", NULL, false},
    {"几条", NULL, false},   {"几类", NULL, false},   {"几级", NULL, false}, {"几项", NULL, false},
    {"是否", NULL, false},   {"能否", NULL, false},   {"可否", NULL, false}, {"请问", NULL, false},
    {"有没有", NULL, false}, {"是不是", NULL, false}, {"吗", NULL, true},    {"呢", NULL, true},
};

/* One folded character; 0 at the end or where there is none. */
static uint32_t next_folded(const char *text, size_t len, size_t *at,
                            enum retrieval_class *ret_class)
{
    uint32_t points[3];
    size_t count = 0;
    *ret_class = RETRIEVAL_SEPARATOR;
    while (*at < len) {
        *ret_class = retrieval_fold(str_next(text, len, at), points, &count);
        if (count)
            return points[0];
    }
    return 0;
}

/* Byte behind the words if they stand at `at`; 0 if not. */
static size_t match(const char *text, size_t len, size_t at, const char *words)
{
    size_t w = 0, words_len = strlen(words);
    enum retrieval_class class;
    while (w < words_len) {
        uint32_t want = str_next(words, words_len, &w);
        if (at >= len || next_folded(text, len, &at, &class) != want)
            return 0;
    }
    return at;
}

static size_t match_pattern(const char *text, size_t len, size_t at, const struct pattern *pattern)
{
    size_t end = match(text, len, at, pattern->words);
    if (!end || (pattern->not_before && match(text, len, end, pattern->not_before)))
        return 0;
    if (pattern->last) {
        enum retrieval_class class;
        size_t beyond = end;
        next_folded(text, len, &beyond, &class);
        if (class != RETRIEVAL_SEPARATOR)
            return 0;
    }
    return end;
}

void retrieval_mask_asking(const char *text, size_t len, uint8_t *mask)
{
    memset(mask, 0, len);
    for (size_t at = 0; at < len;) {
        size_t begin = at;
        enum retrieval_class class;
        next_folded(text, len, &at, &class);
        if (class != RETRIEVAL_IDEOGRAPH)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
            size_t end = match_pattern(text, len, begin, &patterns[i]);
            if (!end)
                continue;
            memset(mask + begin, 1, end - begin);
            at = end;
            break;
        }
    }
}
