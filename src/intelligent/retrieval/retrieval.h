/* retrieval.h - engine: passages → index → ranked hits with reasons, Chinese and English
 * (知识检索). Pure.  Method, parameters, literature, limits: README.md beside this file. */
#ifndef SWAN_RETRIEVAL_RETRIEVAL_H
#define SWAN_RETRIEVAL_RETRIEVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct retrieval_passage { /* what is indexed; borrowed until retrieval_index_add returns */
    const char *id;        /* unique in the index */
    const char *title;     /* of the document; NULL = none */
    const char *headings;  /* "chapter > section" of the passage; NULL = none */
    const char *text;      /* UTF-8; NUL-ended */
};

struct retrieval_index; /* filled by one thread, then sealed; a sealed one is read by any number of
                           threads */
#define RETRIEVAL_QUERY_MAX 65536 /* bytes */
enum err_code retrieval_index_new(struct retrieval_index **out, struct err *err);
void retrieval_index_free(struct retrieval_index *index);
/* Chinese words known beside characters and bigrams (from content/lexicon); before the first add.
 */
enum err_code retrieval_index_word(struct retrieval_index *index, const char *word,
                                   struct err *err);
/* ERR_CONFLICT: id twice; ERR_INVALID: not UTF-8. */
enum err_code retrieval_index_add(struct retrieval_index *index,
                                  const struct retrieval_passage *passage, struct err *err);
enum err_code retrieval_index_seal(struct retrieval_index *index, struct err *err);
size_t retrieval_index_passages(const struct retrieval_index *index);
/* A sealed index as bytes (appended), without the texts of its passages; and back.  Loading refuses
 * what is no index (ERR_INVALID), was saved by another version (ERR_UNSUPPORTED: build it again) or
 * is damaged (ERR_CORRUPT). */
enum err_code retrieval_index_save(const struct retrieval_index *index, struct buf *out,
                                   struct err *err);
enum err_code retrieval_index_load(struct retrieval_index **out, const void *data, size_t len,
                                   struct err *err);

struct retrieval_match { /* why: one term of the query that was found */
    const char *term;    /* as indexed */
    const char *field;   /* title, headings, text */
    int64_t count;       /* times in the passage */
    double score;        /* its share */
    bool added;          /* not in the query: typical of the best passages (feedback) */
};
struct retrieval_hit {
    size_t passage; /* position in the order of adding */
    const char *id;
    double score;
    double near; /* part of it: words of the query that stand close to each other */
    LIST(struct retrieval_match) why;
    size_t snippet_begin, snippet_end; /* bytes of the passage's text around the best matches */
};
struct retrieval_query {
    const char *text;
    size_t limit; /* 0 = 10 */
    bool explain; /* fill why and snippet */
    /* NULL, or says whether a passage may be shown (validity, source, role). */
    bool (*admits)(const void *ctx, size_t passage);
    const void *ctx;
};
struct retrieval_answer {
    LIST(struct retrieval_hit) hits;
};
enum err_code retrieval_search(const struct retrieval_index *index,
                               const struct retrieval_query *query, struct retrieval_answer *out,
                               struct arena *arena, struct err *err);

/* Reciprocal rank fusion of rankings (Cormack, Clarke, Büttcher 2009), k = 60. `lists[i]` are
 * passage numbers, best first. */
struct retrieval_ranking {
    const size_t *passages;
    size_t count;
    double weight;
};
enum err_code retrieval_fuse(const struct retrieval_ranking *rankings, size_t count, size_t limit,
                             struct retrieval_answer *out, struct arena *arena, struct err *err);

/* How good a ranking is against judgments; definitions as the public judge's. */
struct retrieval_measure {
    double ndcg_at_10; /* gain = grade, discount 1 / log2(rank + 1), ideal from all grades */
    double recall_at_1, recall_at_10; /* share of the relevant (grade above 0) */
    double mrr_at_10;
    double average_precision; /* over the whole ranking; its mean over queries is MAP */
};
/* `ranked`: the grade of each ranked passage, best first, 0 = not judged; `judged`: all grades of
 * the query.  false when nothing is relevant: the query does not count. */
bool retrieval_judge(const double *ranked, size_t ranked_count, const double *judged,
                     size_t judged_count, struct retrieval_measure *out, struct arena *arena);

#endif
