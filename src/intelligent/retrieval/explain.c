/* explain.c - why a passage was found, and where to look in it.
 *
 * Contract: shares are those of BM25F, by term and field, largest first; with the nearness of the
 * words they add up to the score.  The snippet begins and ends at characters. */
#include <stdlib.h>
#include <string.h>

#include "intelligent/retrieval/retrieval_priv.h"

#define SNIPPET_BYTES 240u /* about 40 English words or 80 Chinese characters */

struct spot { /* a token of the text */
    uint32_t begin, end;
    uint32_t clause; /* or RETRIEVAL_NONE */
    bool moves;
};

struct trace {
    LIST(struct spot) spots;
    uint32_t *counts; /* clauses × fields */
};

static void read_passage(const struct retrieval_index *index,
                         const struct retrieval_question *question, size_t passage,
                         struct trace *out, struct arena *arena)
{
    struct retrieval_reader reader;
    const struct retrieval_place *place;
    size_t clauses = question->clauses.count;
    out->counts = arena_array(arena, clauses * RETRIEVAL_FIELDS + 1, sizeof *out->counts);
    retrieval_reader_init(&reader, index, passage);
    while ((place = retrieval_reader_next(&reader))) {
        uint32_t clause = RETRIEVAL_NONE;
        for (size_t i = 0; i < clauses; i++) {
            if (question->clauses.items[i].term == place->term) {
                clause = (uint32_t)i;
                out->counts[i * RETRIEVAL_FIELDS + reader.field]++;
                break;
            }
        }
        if (reader.field != RETRIEVAL_TEXT)
            continue;
        struct spot *spot = LIST_ADD(arena, &out->spots);
        *spot = (struct spot){place->begin, place->end, clause, place->moves};
    }
}

static int compare_share(const void *a, const void *b)
{
    const struct retrieval_match *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->term, y->term);
}

static void explain_terms(const struct retrieval_index *index,
                          const struct retrieval_question *question, const struct trace *trace,
                          struct retrieval_hit *hit, struct arena *arena)
{
    static const char *const names[RETRIEVAL_FIELDS] = {"title", "headings", "text"};
    for (size_t i = 0; i < question->clauses.count; i++) {
        const struct retrieval_clause *clause = &question->clauses.items[i];
        struct retrieval_posting posting = {.passage = (uint32_t)hit->passage};
        double sum = 0;
        for (int f = 0; f < RETRIEVAL_FIELDS; f++) {
            posting.count[f] = trace->counts[i * RETRIEVAL_FIELDS + (size_t)f];
            sum += (double)posting.count[f] * (double)index->norms[f][hit->passage];
        }
        for (int f = 0; f < RETRIEVAL_FIELDS; f++) {
            if (posting.count[f] == 0)
                continue;
            struct retrieval_match *match = LIST_ADD(arena, &hit->why);
            match->term = arena_strdup(arena, retrieval_term_name(index, clause->term));
            match->field = names[f];
            match->count = posting.count[f];
            match->added = clause->order == RETRIEVAL_NONE;
            match->score = clause->weight * retrieval_saturate(index, &posting) *
                           (double)posting.count[f] * (double)index->norms[f][hit->passage] / sum;
        }
    }
    if (hit->why.count)
        qsort(hit->why.items, hit->why.count, sizeof *hit->why.items, compare_share);
}

/* The stretch of at most SNIPPET_BYTES whose different terms weigh most; the first such. */
static void find_snippet(const struct retrieval_question *question, const struct trace *trace,
                         struct retrieval_hit *hit, struct arena *arena)
{
    const struct spot *spots = trace->spots.items;
    size_t count = trace->spots.count, first = 0, best = 0, best_last = 0;
    uint32_t *held = arena_array(arena, question->clauses.count + 1, sizeof *held);
    double weight = 0, best_weight = -1;
    for (size_t last = 0; last < count; last++) {
        uint32_t clause = spots[last].clause;
        if (clause != RETRIEVAL_NONE && held[clause]++ == 0)
            weight += question->clauses.items[clause].weight;
        while (first < last && spots[last].end - spots[first].begin > SNIPPET_BYTES) {
            clause = spots[first++].clause;
            if (clause != RETRIEVAL_NONE && --held[clause] == 0)
                weight -= question->clauses.items[clause].weight;
        }
        if (weight > best_weight + 1e-9) {
            best_weight = weight;
            best = first;
            best_last = last;
        }
    }
    if (count == 0)
        return;
    /* the matches stand in the middle, as far as there is text on both sides */
    while (best < best_last && spots[best].clause == RETRIEVAL_NONE)
        best++;
    while (best > 0 && !spots[best].moves)
        best--;
    for (bool grown = true; grown;) {
        grown = false;
        uint32_t size = spots[best_last].end - spots[best].begin;
        if (best_last + 1 < count &&
            spots[best_last + 1].end - spots[best].begin <= SNIPPET_BYTES) {
            best_last++;
            grown = true;
        }
        size_t before = best;
        while (before > 0 && !spots[--before].moves)
            ;
        if (before < best && size <= SNIPPET_BYTES &&
            spots[best_last].end - spots[before].begin <= SNIPPET_BYTES) {
            best = before;
            grown = true;
        }
    }
    hit->snippet_begin = spots[best].begin;
    hit->snippet_end = spots[best_last].end;
}

void retrieval_explain(const struct retrieval_index *index,
                       const struct retrieval_question *question, struct retrieval_hit *hit,
                       struct arena *arena)
{
    struct trace trace = {.counts = NULL};
    read_passage(index, question, hit->passage, &trace, arena);
    explain_terms(index, question, &trace, hit, arena);
    find_snippet(question, &trace, hit, arena);
}
