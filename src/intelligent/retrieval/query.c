/* query.c - the words of a query as weighted terms of the index.
 *
 * Contract: terms in order of their first place; each once; at most RETRIEVAL_CLAUSES_MAX, the
 * heaviest.  Stop words count only where nothing else is asked. */
#include <stdlib.h>
#include <string.h>

#include "intelligent/retrieval/retrieval_priv.h"

static struct retrieval_clause *find_clause(const struct retrieval_question *question,
                                            uint32_t term)
{
    for (size_t i = 0; i < question->clauses.count; i++) {
        if (question->clauses.items[i].term == term)
            return &question->clauses.items[i];
    }
    return NULL;
}

static int compare_weight(const void *a, const void *b)
{
    const struct retrieval_clause *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->term < y->term ? -1 : x->term > y->term;
}

static int compare_order(const void *a, const void *b)
{
    const struct retrieval_clause *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->term < y->term ? -1 : x->term > y->term;
}

/* `stops`: the tokens that say nothing, else the others. */
static void collect(const struct retrieval_index *index, const char *text, size_t len,
                    const uint8_t *mask, bool stops, struct retrieval_question *out,
                    struct arena *arena)
{
    struct retrieval_scanner scanner;
    const struct retrieval_token *token;
    uint32_t order = 0;
    retrieval_scan_init(&scanner, text, len, &index->lexicon);
    while ((token = retrieval_scan_next(&scanner))) {
        bool stop = token->kind == RETRIEVAL_STOP || mask[token->begin] || mask[token->end - 1];
        if (stop != stops)
            continue;
        order += token->moves;
        uint32_t term = retrieval_term_find(index, token->term);
        if (term == RETRIEVAL_NONE)
            continue;
        struct retrieval_clause *clause = find_clause(out, term);
        if (!clause) {
            /* a long text asks with its most telling terms, chosen among this many */
            if (out->clauses.count == RETRIEVAL_CLAUSES_MAX * 8)
                continue;
            clause = LIST_ADD(arena, &out->clauses);
            clause->term = term;
            clause->order = order;
            clause->kind = (uint8_t)token->kind;
        }
        if (token->kind < clause->kind)
            clause->kind = (uint8_t)token->kind;
        clause->count++;
    }
}

enum err_code retrieval_question_read(const struct retrieval_index *index, const char *text,
                                      struct retrieval_question *out, struct arena *arena,
                                      struct err *err)
{
    memset(out, 0, sizeof *out);
    size_t len = strlen(text);
    if (len > RETRIEVAL_QUERY_MAX)
        return err_set(err, ERR_TOO_LARGE, "a query has at most %d bytes", RETRIEVAL_QUERY_MAX);
    uint8_t *mask = arena_alloc(arena, len + 1);
    retrieval_mask_asking(text, len, mask);
    collect(index, text, len, mask, false, out, arena);
    if (out->clauses.count == 0)
        collect(index, text, len, mask, true, out, arena);
    for (size_t i = 0; i < out->clauses.count; i++) {
        struct retrieval_clause *clause = &out->clauses.items[i];
        clause->weight = retrieval_weight(index, clause->term, clause->kind) * clause->count;
    }
    if (out->clauses.count > RETRIEVAL_CLAUSES_MAX) {
        qsort(out->clauses.items, out->clauses.count, sizeof *out->clauses.items, compare_weight);
        out->clauses.count = RETRIEVAL_CLAUSES_MAX;
        qsort(out->clauses.items, out->clauses.count, sizeof *out->clauses.items, compare_order);
    }
    return ERR_OK;
}
