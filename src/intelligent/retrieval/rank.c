/* rank.c - from the passages that hold the words of a query to those that it is about.
 *
 * Two steps after the first selection.  Feedback: what is typical of the best passages is asked for
 * too (Rocchio 1971 on BM25 vectors), as far as the scores say that the query is about a topic and
 * not about one passage.  Nearness: words of the query that stand close to each other count more
 * (Büttcher, Clarke and Lushman 2006).
 *
 * Contract: a pure function of index and query; what it returns for a smaller limit is the
 * beginning of what it returns for a larger one.  Equal scores are ordered by passage. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intelligent/retrieval/retrieval_priv.h"

static int compare_score(const void *a, const void *b)
{
    const struct retrieval_candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->passage < y->passage ? -1 : x->passage > y->passage;
}

/* ---- feedback ---- */
struct typical { /* a term of the best passages */
    uint32_t term;
    double weight;
};

static int compare_typical_term(const void *a, const void *b)
{
    const struct typical *x = a, *y = b;
    return x->term < y->term ? -1 : x->term > y->term;
}

static int compare_typical_weight(const void *a, const void *b)
{
    const struct typical *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->term < y->term ? -1 : x->term > y->term;
}

struct occurrence {
    uint32_t term;
    uint32_t field;
};

static int compare_occurrence(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;
    return x->term < y->term ? -1 : x->term > y->term;
}

struct typical_list {
    struct typical *items;
    size_t count;
};

/* The BM25 vector of a passage times its share.  A term of one passage alone tells nothing. */
static void add_passage(const struct retrieval_index *index, uint32_t passage, double share,
                        struct typical_list *out, struct arena *arena)
{
    LIST(struct occurrence) found = {NULL, 0};
    struct retrieval_reader reader;
    const struct retrieval_place *place;
    retrieval_reader_init(&reader, index, passage);
    while ((place = retrieval_reader_next(&reader)) && found.count < RETRIEVAL_FEEDBACK_TOKENS) {
        const struct retrieval_term *term = &index->term[place->term];
        if (term->kind != RETRIEVAL_STOP && term->passages > 1)
            *LIST_ADD(arena, &found) = (struct occurrence){place->term, reader.field};
    }
    if (found.count)
        qsort(found.items, found.count, sizeof *found.items, compare_occurrence);
    for (size_t i = 0; i < found.count;) {
        struct retrieval_posting posting = {.passage = passage};
        uint32_t term = found.items[i].term;
        for (; i < found.count && found.items[i].term == term; i++)
            posting.count[found.items[i].field]++;
        *LIST_ADD(arena, out) =
            (struct typical){term, share * retrieval_saturate(index, &posting) *
                                       retrieval_weight(index, term, index->term[term].kind)};
    }
}

/* Of each term one entry, the heaviest `most` first. */
static void merge_typical(struct typical_list *list, size_t most)
{
    size_t kept = 0;
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_typical_term);
    for (size_t i = 0; i < list->count; i++) {
        if (kept && list->items[kept - 1].term == list->items[i].term)
            list->items[kept - 1].weight += list->items[i].weight;
        else
            list->items[kept++] = list->items[i];
    }
    qsort(list->items, kept, sizeof *list->items, compare_typical_weight);
    list->count = kept < most ? kept : most;
}

/* How much the best passages may add to the query.  Where the tenth scores nearly as the first,
 * many speak of the topic; where the first stands alone, it is what was looked for. */
static double trust(const struct retrieval_index *index, const struct retrieval_candidates *found)
{
    const struct retrieval_model *model = &index->model;
    if (found->count < RETRIEVAL_TOPIC)
        return 0;
    double level = found->items[RETRIEVAL_TOPIC - 1].score / found->items[0].score;
    return model->feedback_weight * pow(level, model->feedback_gate);
}

static struct retrieval_clause *clause_of(struct retrieval_question *question, uint32_t term)
{
    for (size_t i = 0; i < question->clauses.count; i++) {
        if (question->clauses.items[i].term == term)
            return &question->clauses.items[i];
    }
    return NULL;
}

/* false: the query stays as it is. */
static bool widen(const struct retrieval_index *index, const struct retrieval_candidates *found,
                  struct retrieval_question *question, struct arena *arena)
{
    const struct retrieval_model *model = &index->model;
    struct typical_list typical = {NULL, 0};
    double share = trust(index, found), sum = 0, own = 0;
    if (share < RETRIEVAL_TRUST_LEAST)
        return false;
    for (size_t i = 0; i < model->feedback_passages && i < found->count; i++)
        add_passage(index, found->items[i].passage, found->items[i].score / found->items[0].score,
                    &typical, arena);
    merge_typical(&typical, model->feedback_terms);
    for (size_t i = 0; i < typical.count; i++)
        sum += typical.items[i].weight;
    for (size_t i = 0; i < question->clauses.count; i++)
        own += question->clauses.items[i].weight;
    for (size_t i = 0; i < typical.count && sum > 0; i++) {
        struct retrieval_clause *clause = clause_of(question, typical.items[i].term);
        if (!clause) {
            clause = LIST_ADD(arena, &question->clauses);
            clause->term = typical.items[i].term;
            clause->order = RETRIEVAL_NONE;
        }
        clause->weight += share * own * typical.items[i].weight / sum;
    }
    return typical.count > 0;
}

/* ---- nearness ---- */
struct asked_word {
    uint32_t term;
    uint32_t order; /* in the query */
    double weight;
    uint32_t last; /* position where it was seen last; 0 = not yet */
    double near;   /* what stands around it */
};

struct nearness {
    const struct retrieval_index *index;
    struct asked_word *words;
    size_t count;
    double mean_weight;
    double mean_length;
    uint16_t slots[1024]; /* term to word + 1, open addressing */
};

static uint16_t *slot_of(struct nearness *n, uint32_t term)
{
    size_t at = (term * 2654435761u) >> 22;
    while (n->slots[at] && n->words[n->slots[at] - 1].term != term)
        at = (at + 1) % ARRAY_LEN(n->slots);
    return &n->slots[at];
}

/* Words of the query as asked, not those that feedback added; in scripts without blanks bigrams
 * have counted what is adjacent, and nearness has not paid. */
static void nearness_init(struct nearness *n, const struct retrieval_index *index,
                          const struct retrieval_question *asked, struct arena *arena)
{
    memset(n, 0, sizeof *n);
    n->index = index;
    n->words = arena_array(arena, asked->clauses.count + 1, sizeof *n->words);
    for (size_t i = 0; i < asked->clauses.count; i++) {
        const struct retrieval_clause *clause = &asked->clauses.items[i];
        if (clause->kind != RETRIEVAL_WORD)
            continue;
        n->words[n->count] = (struct asked_word){
            .term = clause->term, .order = clause->order, .weight = clause->weight};
        *slot_of(n, clause->term) = (uint16_t)++n->count;
        n->mean_weight += clause->weight;
    }
    n->mean_weight /= n->count ? (double)n->count : 1;
    for (int f = 0; f < RETRIEVAL_FIELDS; f++)
        n->mean_length += (double)index->total[f] / (double)index->passages;
}

static void meet(struct nearness *n, struct asked_word *word, uint32_t position)
{
    for (size_t i = 0; i < n->count; i++) {
        struct asked_word *other = &n->words[i];
        uint32_t distance = position - other->last;
        if (other == word || !other->last || distance == 0 || distance > RETRIEVAL_NEAR)
            continue;
        /* as in the query, one after the other: a phrase */
        double closeness = word->order == other->order + 1 ? 2.0 : 1.0;
        closeness /= (double)distance;
        word->near += closeness * other->weight;
        other->near += closeness * word->weight;
    }
    word->last = position;
}

static double nearness_of(struct nearness *n, uint32_t passage)
{
    const struct retrieval_model *model = &n->index->model;
    struct retrieval_reader reader;
    const struct retrieval_place *place;
    enum retrieval_field field = RETRIEVAL_TITLE;
    uint32_t position = 1;
    double length = 0, score = 0;
    for (size_t i = 0; i < n->count; i++)
        n->words[i].last = 0, n->words[i].near = 0;
    retrieval_reader_init(&reader, n->index, passage);
    while ((place = retrieval_reader_next(&reader))) {
        if (reader.field != field) {
            field = reader.field;
            position += RETRIEVAL_NEAR + 1;
        }
        position += place->moves;
        uint16_t word = *slot_of(n, place->term);
        if (word)
            meet(n, &n->words[word - 1], position);
    }
    for (int f = 0; f < RETRIEVAL_FIELDS; f++)
        length += n->index->lengths[passage * RETRIEVAL_FIELDS + (size_t)f];
    double b = model->b[RETRIEVAL_TEXT];
    double k = model->k1 * (1 - b + b * length / n->mean_length);
    for (size_t i = 0; i < n->count; i++) {
        double near = n->words[i].near / n->mean_weight;
        score += fmin(1, n->words[i].weight) * n->words[i].weight * near / (near + k);
    }
    return model->near_weight * score;
}

static void add_nearness(const struct retrieval_index *index,
                         const struct retrieval_question *asked, struct retrieval_candidates *found,
                         struct arena *arena)
{
    struct nearness *n = arena_alloc(arena, sizeof *n);
    size_t depth = found->count < RETRIEVAL_DEPTH ? found->count : RETRIEVAL_DEPTH;
    nearness_init(n, index, asked, arena);
    if (n->count < 2)
        return;
    for (size_t i = 0; i < depth; i++) {
        found->items[i].near = nearness_of(n, found->items[i].passage);
        found->items[i].score += found->items[i].near;
    }
    qsort(found->items, depth, sizeof *found->items, compare_score);
}

void retrieval_rank(const struct retrieval_index *index, const struct retrieval_query *query,
                    struct retrieval_question *question, size_t limit,
                    struct retrieval_candidates *out, struct arena *arena)
{
    struct retrieval_question asked = {.clauses = {NULL, 0}};
    size_t pool = limit > RETRIEVAL_DEPTH ? limit : RETRIEVAL_DEPTH;
    for (size_t i = 0; i < question->clauses.count; i++)
        *LIST_ADD(arena, &asked.clauses) = question->clauses.items[i];
    retrieval_select(index, query, question, pool, 0, out, arena);
    if (out->count == 0)
        return;
    /* feedback only adds weight, so that none of the `pool` best can fall below what they have */
    uint64_t floor = out->count == pool ? out->items[pool - 1].units : 0;
    if (widen(index, out, question, arena))
        retrieval_select(index, query, question, pool, floor, out, arena);
    add_nearness(index, &asked, out, arena);
    if (out->count > limit)
        out->count = limit;
}
