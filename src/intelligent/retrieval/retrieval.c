/* retrieval.c - a query answered, rankings fused and judged.
 *
 * Contract: pure functions of a sealed index; same index and query, same answer, on any number of
 * threads. */
#include "intelligent/retrieval/retrieval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/retrieval/retrieval_priv.h"

/* Chosen on halves of the queries of Cranfield and CMRC and on known-item sets made of their
 * passages; README.md has the figures.  All are flat around these values. */
const struct retrieval_model retrieval_model_default = {
    .k1 = 1.2,
    .b = {0.7, 0.7, 0.7},
    .weight = {1.5, 1.5, 1.0},
    /* a character says less than a bigram, which it is a part of; a compound has its parts */
    .kind_weight = {[RETRIEVAL_WORD] = 1.0,
                    [RETRIEVAL_STOP] = 1.0,
                    [RETRIEVAL_CHARACTER] = 0.6,
                    [RETRIEVAL_BIGRAM] = 1.0,
                    [RETRIEVAL_LEXICAL] = 0.3},
    .feedback_weight = 0.8,
    .feedback_gate = 4,
    .feedback_passages = 5,
    .feedback_terms = 20,
    .near_weight = 0.5,
};

#define LIMIT_DEFAULT 10

enum err_code retrieval_search(const struct retrieval_index *index,
                               const struct retrieval_query *query, struct retrieval_answer *out,
                               struct arena *arena, struct err *err)
{
    struct retrieval_question question;
    struct retrieval_candidates found;
    memset(out, 0, sizeof *out);
    if (!index->sealed)
        return err_set(err, ERR_CONFLICT, "the index is not sealed");
    if (!str_is_utf8(query->text, strlen(query->text)))
        return err_set(err, ERR_INVALID, "the query is not UTF-8");
    enum err_code rc = retrieval_question_read(index, query->text, &question, arena, err);
    if (rc)
        return rc;
    size_t limit = query->limit ? query->limit : LIMIT_DEFAULT;
    retrieval_rank(index, query, &question, limit, &found, arena);
    for (size_t i = 0; i < found.count; i++) {
        struct retrieval_hit *hit = LIST_ADD(arena, &out->hits);
        hit->passage = found.items[i].passage;
        hit->id = retrieval_passage_id(index, hit->passage);
        hit->score = found.items[i].score;
        hit->near = found.items[i].near;
        if (query->explain)
            retrieval_explain(index, &question, hit, arena);
    }
    return arena_check(arena, err);
}

/* ---- fusion ---- */
#define FUSE_K 60.0 /* Cormack, Clarke and Büttcher 2009 */

struct fused {
    size_t passage, order;
    double score;
};

static int compare_passage(const void *a, const void *b)
{
    const struct fused *x = a, *y = b;
    if (x->passage != y->passage)
        return x->passage < y->passage ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_fused(const void *a, const void *b)
{
    const struct fused *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->passage < y->passage ? -1 : x->passage > y->passage;
}

enum err_code retrieval_fuse(const struct retrieval_ranking *rankings, size_t count, size_t limit,
                             struct retrieval_answer *out, struct arena *arena, struct err *err)
{
    size_t total = 0, kept = 0;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(rankings[i].weight) || rankings[i].weight < 0)
            return err_set(err, ERR_INVALID, "the weight of a ranking is not a positive number");
        total += rankings[i].count;
    }
    struct fused *all = arena_array(arena, total + 1, sizeof *all);
    total = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; r < rankings[i].count; r++) {
            double share = rankings[i].weight / (FUSE_K + (double)r + 1);
            all[total] = (struct fused){rankings[i].passages[r], total, share};
            total++;
        }
    }
    qsort(all, total, sizeof *all, compare_passage);
    for (size_t i = 0; i < total; i++) {
        if (kept && all[kept - 1].passage == all[i].passage)
            all[kept - 1].score += all[i].score;
        else
            all[kept++] = all[i];
    }
    qsort(all, kept, sizeof *all, compare_fused);
    for (size_t i = 0; i < kept && i < (limit ? limit : LIMIT_DEFAULT); i++) {
        struct retrieval_hit *hit = LIST_ADD(arena, &out->hits);
        hit->passage = all[i].passage;
        hit->score = all[i].score;
    }
    return arena_check(arena, err);
}

/* ---- judging ---- */
static int compare_gain(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

static double discounted(const double *gains, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count && i < 10; i++)
        sum += gains[i] / log2((double)i + 2);
    return sum;
}

bool retrieval_judge(const double *ranked, size_t ranked_count, const double *judged,
                     size_t judged_count, struct retrieval_measure *out, struct arena *arena)
{
    size_t relevant = 0, seen = 0;
    memset(out, 0, sizeof *out);
    double *ideal = arena_array(arena, judged_count + 1, sizeof *ideal);
    for (size_t i = 0; i < judged_count; i++) {
        ideal[i] = judged[i];
        relevant += judged[i] > 0;
    }
    if (relevant == 0)
        return false;
    qsort(ideal, judged_count, sizeof *ideal, compare_gain);
    out->ndcg_at_10 = discounted(ranked, ranked_count) / discounted(ideal, judged_count);
    for (size_t i = 0; i < ranked_count; i++) {
        if (ranked[i] <= 0)
            continue;
        seen++;
        out->average_precision += (double)seen / (double)(i + 1) / (double)relevant;
        if (i < 1)
            out->recall_at_1 = 1 / (double)relevant;
        if (i < 10)
            out->recall_at_10 = (double)seen / (double)relevant;
        if (seen == 1 && i < 10)
            out->mrr_at_10 = 1 / (double)(i + 1);
    }
    return true;
}
