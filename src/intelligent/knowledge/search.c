/* search.c - passages found by words, and by words and vectors together.
 *
 * Contract: only passages valid at the asked moment are answers.  Words rank by the retrieval
 * engine; with vectors, both rankings' first DEEP passages are fused by reciprocal ranks.  Vectors
 * are compared with every passage: exact, and at 100,000 passages of 1,024 dimensions about 10^8
 * multiplications. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

#define DEEP 100 /* of each ranking that is fused */
#define LIMIT_DEFAULT 10
/* An equal say: which of the two is better depends on the model that the operator brings. */
#define WEIGHT_WORDS 1.0
#define WEIGHT_VECTORS 1.0

struct knowledge_index {
    const struct knowledge_base *base;
    struct retrieval_index *words;
    struct knowledge_vectors vectors;
};

void knowledge_index_free(struct knowledge_index *index)
{
    if (!index)
        return;
    retrieval_index_free(index->words);
    knowledge_vectors_done(&index->vectors);
    mem_free(index);
}

static enum err_code fill(struct knowledge_index *index, const char *const *words, struct err *err)
{
    enum err_code rc = retrieval_index_new(&index->words, err);
    for (size_t i = 0; words && words[i] && !rc; i++)
        rc = retrieval_index_word(index->words, words[i], err);
    for (size_t i = 0; i < index->base->passages.count && !rc; i++) {
        const struct knowledge_passage *passage = &index->base->passages.items[i];
        char number[24];
        str_format(number, sizeof number, "%zu", i); /* an id comes once for each version */
        struct retrieval_passage given = {.id = number,
                                          .title = passage->title,
                                          .headings = passage->headings,
                                          .text = passage->text};
        rc = retrieval_index_add(index->words, &given, err);
    }
    return rc ? rc : retrieval_index_seal(index->words, err);
}

enum err_code knowledge_index_new(const struct knowledge_base *base, const char *const *words,
                                  struct knowledge_index **out, struct err *err)
{
    struct knowledge_index *index = mem_zalloc(sizeof *index);
    index->base = base;
    enum err_code rc = fill(index, words, err);
    if (rc) {
        knowledge_index_free(index);
        return rc;
    }
    *out = index;
    return ERR_OK;
}

enum err_code knowledge_index_embed(struct knowledge_index *index,
                                    const struct knowledge_embedding *embedding, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct knowledge_vectors vectors;
    size_t count = index->base->passages.count;
    arena_init(&arena, KNOWLEDGE_ARENA_MAX);
    const char **texts = arena_array(&arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const struct knowledge_passage *p = &index->base->passages.items[i];
        texts[i] = arena_printf(&arena, "%s\n%s\n%s", p->title ? p->title : "",
                                p->headings ? p->headings : "", p->text);
    }
    enum err_code rc = arena_check(&arena, err);
    if (!rc)
        rc = knowledge_embed_cached(embedding, texts, count, &vectors, err);
    if (rc)
        return rc;
    knowledge_vectors_done(&index->vectors);
    index->vectors = vectors;
    return ERR_OK;
}

struct moment {
    const struct knowledge_base *base;
    int64_t at_ms;
};

static bool is_shown(const void *ctx, size_t passage)
{
    const struct moment *moment = ctx;
    return knowledge_is_valid(&moment->base->passages.items[passage], moment->at_ms);
}

struct ranked {
    size_t passage;
    float similarity;
};

static int by_similarity(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity > y->similarity ? -1 : 1;
    return x->passage < y->passage ? -1 : x->passage > y->passage;
}

static float product(const float *a, const float *b, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The nearest valid passages, best first. */
static size_t rank_vectors(const struct knowledge_index *index, const struct moment *moment,
                           const float *question, struct ranked *out)
{
    const struct knowledge_vectors *v = &index->vectors;
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++)
        if (is_shown(moment, i))
            out[count++] = (struct ranked){
                .passage = i,
                .similarity = product(question, v->rows + i * v->dimensions, v->dimensions)};
    qsort(out, count, sizeof *out, by_similarity);
    return count < DEEP ? count : DEEP;
}

static void take_words(struct knowledge_hit *hit, const struct retrieval_hit *from, size_t rank)
{
    hit->word_rank = (int64_t)rank + 1;
    hit->why.items = from->why.items;
    hit->why.count = from->why.count;
    hit->snippet_begin = from->snippet_begin;
    hit->snippet_end = from->snippet_end;
}

static enum err_code fuse(const struct knowledge_index *index, const struct knowledge_query *query,
                          const struct retrieval_answer *words, const float *question,
                          struct knowledge_answer *out, struct arena *arena, struct err *err)
{
    struct moment moment = {index->base, query->at_ms};
    size_t count = index->base->passages.count;
    CLEANUP(mem_free_at) struct ranked *near = mem_array(count + 1, sizeof *near);
    size_t near_count = rank_vectors(index, &moment, question, near);
    size_t *by_words = arena_array(arena, words->hits.count + 1, sizeof *by_words);
    size_t *by_vectors = arena_array(arena, near_count + 1, sizeof *by_vectors);
    for (size_t i = 0; i < words->hits.count; i++)
        by_words[i] = words->hits.items[i].passage;
    for (size_t i = 0; i < near_count; i++)
        by_vectors[i] = near[i].passage;
    struct retrieval_ranking rankings[] = {{by_words, words->hits.count, WEIGHT_WORDS},
                                           {by_vectors, near_count, WEIGHT_VECTORS}};
    struct retrieval_answer fused;
    enum err_code rc =
        retrieval_fuse(rankings, ARRAY_LEN(rankings), query->limit ? query->limit : LIMIT_DEFAULT,
                       &fused, arena, err);
    for (size_t i = 0; !rc && i < fused.hits.count; i++) {
        size_t passage = fused.hits.items[i].passage;
        struct knowledge_hit *hit = LIST_ADD(arena, &out->hits);
        hit->passage = &index->base->passages.items[passage];
        hit->score = fused.hits.items[i].score;
        for (size_t k = 0; k < words->hits.count; k++)
            if (by_words[k] == passage)
                take_words(hit, &words->hits.items[k], k);
        for (size_t k = 0; k < near_count; k++)
            if (by_vectors[k] == passage) {
                hit->vector_rank = (int64_t)k + 1;
                hit->similarity = (double)near[k].similarity;
            }
    }
    out->with_vectors = !rc;
    return rc;
}

/* The question's vector, or a note why there is none. */
static bool embed_question(const struct knowledge_index *index, const struct knowledge_query *query,
                           struct knowledge_vectors *out, struct knowledge_answer *answer,
                           struct arena *arena)
{
    struct err why = ERR_INIT;
    const char *text = query->text;
    if (!query->embedding)
        return false;
    if (!index->vectors.rows)
        answer->note = "ranked by words alone: the passages have no vectors";
    else if (knowledge_embed(query->embedding, &text, 1, out, &why))
        answer->note = arena_printf(arena, "ranked by words alone: %s", why.text);
    else if (out->dimensions != index->vectors.dimensions)
        answer->note = arena_printf(
            arena, "ranked by words alone: a question of %zu dimensions, passages of %zu",
            out->dimensions, index->vectors.dimensions);
    else
        return true;
    return false;
}

enum err_code knowledge_search(const struct knowledge_index *index,
                               const struct knowledge_query *query, struct knowledge_answer *out,
                               struct arena *arena, struct err *err)
{
    CLEANUP(knowledge_vectors_done) struct knowledge_vectors question = {0, 0, NULL};
    struct moment moment = {index->base, query->at_ms};
    struct retrieval_answer words = {.hits = {NULL, 0}};
    struct knowledge_answer answer = {.hits = {NULL, 0}};
    bool with_vectors = embed_question(index, query, &question, &answer, arena);
    struct retrieval_query asked = {.text = query->text,
                                    .limit = with_vectors ? DEEP : query->limit,
                                    .explain = query->explain,
                                    .admits = is_shown,
                                    .ctx = &moment};
    enum err_code rc = retrieval_search(index->words, &asked, &words, arena, err);
    if (!rc && with_vectors)
        rc = fuse(index, query, &words, question.rows, &answer, arena, err);
    for (size_t i = 0; !rc && !with_vectors && i < words.hits.count; i++) {
        struct knowledge_hit *hit = LIST_ADD(arena, &answer.hits);
        hit->passage = &index->base->passages.items[words.hits.items[i].passage];
        hit->score = words.hits.items[i].score;
        take_words(hit, &words.hits.items[i], i);
    }
    if (!rc)
        *out = answer;
    return rc;
}
