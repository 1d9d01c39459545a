/* index.c - filling and sealing an index.
 *
 * While it is filled, passages are kept as their tokens (forward.c) with terms numbered as they
 * come.  Sealing renumbers the terms by falling number of passages, so that common ones take one
 * byte, inverts the passages into postings, and computes the length norms and the highest impact of
 * each block.
 *
 * Contract: a failed add leaves the index as it was.  A sealed index is never changed, so readers
 * need no lock.  Sealing is O(tokens + terms × log terms). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval_priv.h"

#define FORWARD_MAX ((size_t)4 << 30)
#define TERMS_MAX ((size_t)1 << 30)

enum err_code retrieval_index_new(struct retrieval_index **out, struct err *err)
{
    (void)err;
    struct retrieval_index *index = mem_zalloc(sizeof *index);
    index->model = retrieval_model_default;
    index->ids = map_new();
    index->lexicon.words = map_new();
    buf_init(&index->id_names, FORWARD_MAX);
    buf_init(&index->forward, FORWARD_MAX);
    buf_init(&index->names, FORWARD_MAX);
    buf_init(&index->postings, FORWARD_MAX);
    *out = index;
    return ERR_OK;
}

void retrieval_index_free(struct retrieval_index *index)
{
    if (!index)
        return;
    map_free(index->ids);
    retrieval_terms_done(&index->terms_by_name);
    map_free(index->lexicon.words);
    buf_done(&index->id_names);
    buf_done(&index->forward);
    buf_done(&index->names);
    buf_done(&index->postings);
    mem_free(index->id_at);
    mem_free(index->forward_at);
    mem_free(index->lengths);
    for (int f = 0; f < RETRIEVAL_FIELDS; f++)
        mem_free(index->norms[f]);
    mem_free(index->term);
    mem_free(index->by_name);
    mem_free(index->blocks);
    mem_free(index);
}

size_t retrieval_index_passages(const struct retrieval_index *index)
{
    return index->passages;
}

enum err_code retrieval_index_word(struct retrieval_index *index, const char *word, struct err *err)
{
    struct retrieval_scanner scanner;
    const struct retrieval_token *token;
    char folded[RETRIEVAL_TERM_SIZE] = "";
    size_t characters = 0, len = 0;
    if (index->sealed || index->passages)
        return err_set(err, ERR_CONFLICT, "words are taken before the first passage");
    retrieval_scan_init(&scanner, word, strlen(word), NULL);
    while ((token = retrieval_scan_next(&scanner))) {
        if (!token->moves)
            continue;
        if (token->kind != RETRIEVAL_CHARACTER)
            return ERR_OK; /* other words are found without a lexicon */
        if (characters == RETRIEVAL_RUN_AHEAD || len + token->len >= sizeof folded)
            return ERR_OK; /* its parts are found */
        memcpy(folded + len, token->term, token->len + 1);
        len += token->len;
        characters++;
    }
    if (characters < 3)
        return ERR_OK; /* characters and bigrams are terms anyway */
    map_put(index->lexicon.words, folded, index);
    if (characters > index->lexicon.longest)
        index->lexicon.longest = characters;
    return ERR_OK;
}

static void make_room(struct retrieval_index *index)
{
    if (index->passages < index->room)
        return;
    index->room = index->room ? index->room * 2 : 64;
    index->id_at = mem_resize(index->id_at, index->room, sizeof *index->id_at);
    index->forward_at = mem_resize(index->forward_at, index->room + 1, sizeof *index->forward_at);
    index->lengths =
        mem_resize(index->lengths, index->room * RETRIEVAL_FIELDS, sizeof *index->lengths);
}

/* Tokens whose terms are looked up together. */
struct window {
    struct retrieval_token tokens[RETRIEVAL_TERMS_AHEAD];
    uint64_t hashes[RETRIEVAL_TERMS_AHEAD];
    size_t count;
};

static void read_window(const struct retrieval_index *index, struct retrieval_scanner *scanner,
                        struct window *window)
{
    const struct retrieval_token *token;
    window->count = 0;
    while (window->count < RETRIEVAL_TERMS_AHEAD && (token = retrieval_scan_next(scanner))) {
        window->tokens[window->count] = *token;
        window->hashes[window->count++] =
            retrieval_terms_announce(&index->terms_by_name, token->term, token->len);
    }
    for (size_t i = 0; i < window->count; i++)
        retrieval_terms_approach(index, window->hashes[i]);
}

/* Number of positions. */
static uint32_t add_field(struct retrieval_index *index, const char *text, struct buf *tokens)
{
    struct retrieval_scanner scanner;
    struct window window;
    uint32_t count = 0, positions = 0, byte = 0;
    buf_clear(tokens);
    retrieval_scan_init(&scanner, text ? text : "", text ? strlen(text) : 0, &index->lexicon);
    do {
        read_window(index, &scanner, &window);
        for (size_t i = 0; i < window.count; i++) {
            const struct retrieval_token *token = &window.tokens[i];
            uint32_t term = retrieval_terms_number(index, token, window.hashes[i]);
            retrieval_put_varint(tokens, (uint64_t)term << 1 | token->moves);
            count++;
            if (!token->moves)
                continue;
            positions++;
            retrieval_put_span(tokens, (uint32_t)token->begin - byte,
                               (uint32_t)(token->end - token->begin));
            byte = (uint32_t)token->end;
        }
    } while (window.count == RETRIEVAL_TERMS_AHEAD);
    retrieval_put_varint(&index->forward, count);
    buf_add(&index->forward, buf_str(tokens), tokens->len);
    return positions;
}

static enum err_code check(const struct retrieval_index *index,
                           const struct retrieval_passage *passage, struct err *err)
{
    const char *const parts[] = {passage->id, passage->title, passage->headings, passage->text};
    static const char *const names[] = {"id", "title", "headings", "text"};
    if (index->sealed)
        return err_set(err, ERR_CONFLICT, "the index is sealed");
    if (!passage->id || !passage->id[0])
        return err_set(err, ERR_INVALID, "a passage has no id");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t len = parts[i] ? strlen(parts[i]) : 0;
        if (len > RETRIEVAL_TEXT_MAX)
            return err_set(err, ERR_TOO_LARGE, "the %s of passage '%.80s' has more than %zu bytes",
                           names[i], passage->id, RETRIEVAL_TEXT_MAX);
        if (len && !str_is_utf8(parts[i], len))
            return err_set(err, ERR_INVALID, "the %s of passage '%.80s' is not UTF-8", names[i],
                           i ? passage->id : "?");
    }
    if (map_has(index->ids, passage->id))
        return err_set(err, ERR_CONFLICT, "two passages have the id '%.80s'", passage->id);
    if (index->passages >= RETRIEVAL_PASSAGES_MAX || index->terms >= TERMS_MAX ||
        index->forward.len > FORWARD_MAX / 2 || index->names.len > FORWARD_MAX / 2)
        return err_set(err, ERR_TOO_LARGE, "the index is full");
    return ERR_OK;
}

enum err_code retrieval_index_add(struct retrieval_index *index,
                                  const struct retrieval_passage *passage, struct err *err)
{
    enum err_code rc = check(index, passage, err);
    if (rc)
        return rc;
    const char *const fields[RETRIEVAL_FIELDS] = {passage->title, passage->headings, passage->text};
    CLEANUP(buf_done) struct buf tokens = BUF_INIT;
    make_room(index);
    size_t p = index->passages;
    index->id_at[p] = index->id_names.len;
    buf_add(&index->id_names, passage->id, strlen(passage->id) + 1);
    index->forward_at[p] = index->forward.len;
    for (int f = 0; f < RETRIEVAL_FIELDS; f++)
        index->lengths[p * RETRIEVAL_FIELDS + (size_t)f] = add_field(index, fields[f], &tokens);
    index->passages++;
    index->forward_at[index->passages] = index->forward.len;
    map_put(index->ids, passage->id, index);
    return ERR_OK;
}

/* ---- sealing ---- */
struct seal_name { /* a term by its name: the first bytes as a number decide most comparisons */
    uint64_t head;
    uint32_t term;
};

static int compare_name(const void *a, const void *b, void *ctx)
{
    const struct seal_name *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return strcmp(retrieval_term_name(ctx, x->term), retrieval_term_name(ctx, y->term));
}

/* Terms in order of their names. */
static void sort_names(struct retrieval_index *index)
{
    struct seal_name *names = mem_array(index->terms, sizeof *names);
    for (size_t t = 0; t < index->terms; t++) {
        const char *name = retrieval_term_name(index, (uint32_t)t);
        names[t].term = (uint32_t)t;
        for (size_t i = 0; i < sizeof names[t].head; i++)
            names[t].head = names[t].head << 8 | (unsigned char)(*name ? *name++ : 0);
    }
    qsort_r(names, index->terms, sizeof *names, compare_name, index);
    index->by_name = mem_array(index->terms, sizeof *index->by_name);
    for (size_t i = 0; i < index->terms; i++)
        index->by_name[i] = names[i].term;
    mem_free(names);
}

/* Terms by falling number of passages, equal ones by name: a counting sort of by_name. */
static uint32_t *sort_frequencies(const struct retrieval_index *index)
{
    uint32_t *order = mem_array(index->terms, sizeof *order);
    size_t *begin = mem_array(index->passages + 2, sizeof *begin);
    for (size_t t = 0; t < index->terms; t++)
        begin[index->passages - index->term[t].passages + 1]++;
    for (size_t n = 0; n <= index->passages; n++)
        begin[n + 1] += begin[n];
    for (size_t i = 0; i < index->terms; i++) {
        uint32_t term = index->by_name[i];
        order[begin[index->passages - index->term[term].passages]++] = term;
    }
    mem_free(begin);
    return order;
}

static void count_terms(struct retrieval_index *index)
{
    uint32_t *seen = mem_array(index->terms, sizeof *seen);
    for (size_t p = 0; p < index->passages; p++) {
        struct retrieval_reader reader;
        const struct retrieval_place *place;
        retrieval_reader_init(&reader, index, p);
        while ((place = retrieval_reader_next(&reader))) {
            struct retrieval_term *term = &index->term[place->term];
            term->count++;
            term->passages += seen[place->term] != p + 1;
            seen[place->term] = (uint32_t)p + 1;
        }
    }
    mem_free(seen);
}

/* Terms, their names and the forward bytes, by falling number of passages. */
static void renumber(struct retrieval_index *index)
{
    uint32_t *order = sort_frequencies(index);
    uint32_t *number = mem_array(index->terms, sizeof *number);
    struct retrieval_term *terms = mem_array(index->terms, sizeof *terms);
    struct buf names, forward;
    buf_init(&names, index->names.max);
    buf_init(&forward, index->forward.max);
    for (size_t i = 0; i < index->terms; i++) {
        const char *name = retrieval_term_name(index, order[i]);
        number[order[i]] = (uint32_t)i;
        terms[i] = index->term[order[i]];
        terms[i].name = names.len;
        buf_add(&names, name, strlen(name) + 1);
    }
    for (size_t p = 0; p < index->passages; p++) {
        const uint8_t *at = (const uint8_t *)index->forward.data + index->forward_at[p];
        index->forward_at[p] = forward.len;
        for (int f = 0; f < RETRIEVAL_FIELDS; f++) {
            uint64_t count = retrieval_get_varint(&at);
            retrieval_put_varint(&forward, count);
            for (; count; count--) {
                uint64_t head = retrieval_get_varint(&at);
                retrieval_put_varint(&forward, (uint64_t)number[head >> 1] << 1 | (head & 1));
                if (!(head & 1))
                    continue;
                const uint8_t *span = at++;
                if (*span >> 5 == RETRIEVAL_GAP_BEYOND)
                    retrieval_get_varint(&at);
                if ((*span & 31) == RETRIEVAL_LENGTH_BEYOND)
                    retrieval_get_varint(&at);
                buf_add(&forward, span, (size_t)(at - span));
            }
        }
    }
    if (index->passages)
        index->forward_at[index->passages] = forward.len;
    for (size_t i = 0; i < index->terms; i++)
        index->by_name[i] = number[index->by_name[i]];
    buf_done(&index->names);
    buf_done(&index->forward);
    mem_free(index->term);
    mem_free(order);
    mem_free(number);
    index->names = names;
    index->forward = forward;
    index->term = terms;
}

struct seal_count { /* of a term in the passage at hand */
    uint32_t count[RETRIEVAL_FIELDS];
};

struct seal_entry {
    uint32_t passage;
    struct seal_count counts;
};

/* Writes the collected entries of the terms [first, last). */
static void write_postings(struct retrieval_index *index, size_t first, size_t last,
                           const uint64_t *begin, const struct seal_entry *entries)
{
    for (size_t t = first; t < last; t++) {
        struct retrieval_term *term = &index->term[t];
        uint32_t before = UINT32_MAX;
        term->first_block = (uint32_t)index->block_count;
        for (uint32_t i = 0; i < term->passages; i++) {
            const struct seal_entry *entry = &entries[begin[t - first] + i];
            if (i % RETRIEVAL_BLOCK == 0)
                index->blocks[index->block_count++].at = index->postings.len;
            retrieval_put_posting(&index->postings, entry->passage - before, entry->counts.count);
            before = entry->passage;
            index->blocks[index->block_count - 1].last = before;
        }
    }
}

/* Entries that are held at once while inverting: 16 bytes each. */
#define SEAL_ENTRIES ((uint64_t)16 << 20)

static void invert_range(struct retrieval_index *index, size_t first, size_t last)
{
    size_t terms = last - first;
    uint64_t *begin = mem_array(terms + 1, sizeof *begin), *at = mem_array(terms, sizeof *at);
    for (size_t t = 0; t < terms; t++) {
        at[t] = begin[t];
        begin[t + 1] = begin[t] + index->term[first + t].passages;
    }
    struct seal_entry *entries = mem_alloc((size_t)begin[terms] * sizeof *entries + 1);
    for (size_t p = 0; p < index->passages; p++) {
        struct retrieval_reader reader;
        const struct retrieval_place *place;
        retrieval_reader_init(&reader, index, p);
        while ((place = retrieval_reader_next(&reader))) {
            if (place->term < first || place->term >= last)
                continue;
            size_t t = place->term - first;
            /* the entry of this passage is the last one written, if there is one */
            if (at[t] == begin[t] || entries[at[t] - 1].passage != p)
                entries[at[t]++] = (struct seal_entry){(uint32_t)p, {{0}}};
            entries[at[t] - 1].counts.count[reader.field]++;
        }
    }
    write_postings(index, first, last, begin, entries);
    mem_free(entries);
    mem_free(begin);
    mem_free(at);
}

static void invert(struct retrieval_index *index)
{
    size_t blocks = 0;
    for (size_t t = 0; t < index->terms; t++)
        blocks += (index->term[t].passages + RETRIEVAL_BLOCK - 1) / RETRIEVAL_BLOCK;
    index->blocks = mem_array(blocks, sizeof *index->blocks);
    for (size_t first = 0, last; first < index->terms; first = last) {
        uint64_t entries = index->term[first].passages;
        for (last = first + 1; last < index->terms; last++) {
            entries += index->term[last].passages;
            if (entries > SEAL_ENTRIES)
                break;
        }
        invert_range(index, first, last);
    }
}

enum err_code retrieval_index_seal(struct retrieval_index *index, struct err *err)
{
    if (index->sealed)
        return err_set(err, ERR_CONFLICT, "the index is sealed already");
    retrieval_terms_done(&index->terms_by_name);
    map_free(index->ids);
    index->ids = NULL;
    count_terms(index);
    sort_names(index);
    renumber(index);
    invert(index);
    retrieval_index_weigh(index);
    index->sealed = true;
    return ERR_OK;
}

/* ---- what both sealing and loading compute ---- */
double retrieval_weight(const struct retrieval_index *index, uint32_t term, uint8_t kind)
{
    double n = index->term[term].passages;
    return index->model.kind_weight[kind] * log1p(((double)index->passages - n + 0.5) / (n + 0.5));
}

static void weigh_lengths(struct retrieval_index *index)
{
    memset(index->total, 0, sizeof index->total);
    for (size_t i = 0; i < index->passages * RETRIEVAL_FIELDS; i++)
        index->total[i % RETRIEVAL_FIELDS] += index->lengths[i];
    for (size_t f = 0; f < RETRIEVAL_FIELDS; f++) {
        double b = index->model.b[f];
        double mean = index->passages ? (double)index->total[f] / (double)index->passages : 0;
        mem_free(index->norms[f]);
        index->norms[f] = mem_array(index->passages, sizeof *index->norms[f]);
        for (size_t p = 0; p < index->passages; p++) {
            double length = index->lengths[p * RETRIEVAL_FIELDS + f];
            double relative = mean > 0 ? length / mean : 1;
            index->norms[f][p] = (float)(index->model.weight[f] / (1 - b + b * relative));
        }
    }
}

void retrieval_index_weigh(struct retrieval_index *index)
{
    struct retrieval_posting postings[RETRIEVAL_BLOCK];
    weigh_lengths(index);
    for (size_t t = 0; t < index->terms; t++) {
        struct retrieval_term *term = &index->term[t];
        struct retrieval_block *block = index->blocks + term->first_block;
        uint32_t before = UINT32_MAX;
        term->highest = 0;
        for (uint32_t done = 0; done < term->passages; done += RETRIEVAL_BLOCK, block++) {
            uint32_t count = term->passages - done;
            if (count > RETRIEVAL_BLOCK)
                count = RETRIEVAL_BLOCK;
            retrieval_block_decode(index, block, before, count, postings);
            double highest = 0;
            for (uint32_t i = 0; i < count; i++)
                highest = fmax(highest, retrieval_saturate(index, &postings[i]));
            block->highest = retrieval_impact(highest);
            if (block->highest > term->highest)
                term->highest = block->highest;
            before = block->last;
        }
    }
}

uint32_t retrieval_term_find(const struct retrieval_index *index, const char *name)
{
    size_t low = 0, high = index->terms;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, retrieval_term_name(index, index->by_name[middle]));
        if (order == 0)
            return index->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return RETRIEVAL_NONE;
}
