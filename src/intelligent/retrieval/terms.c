/* terms.c - the terms of an index that is filled, by name.
 *
 * Each token of each text looks its term up, in a vocabulary that no cache of the machine holds:
 * what costs is waiting for memory.  So a look-up touches one slot, the name and the term, and
 * RETRIEVAL_TERMS_AHEAD look-ups are under way at once: a name is first announced
 * (retrieval_terms_announce asks for its slot), then approached (asks for the name that stands
 * there), then found.
 *
 * Contract: slots are a power of two and at least 4/3 of the terms; a slot that is taken holds the
 * upper half of its name's hash, which outsiders cannot foresee (base/map.h).  Terms are numbered
 * as they come, whatever the hash. */
#include <string.h>

#include "base/mem.h"
#include "intelligent/retrieval/retrieval_priv.h"

#define SLOTS_MIN ((size_t)1024)

void retrieval_terms_done(struct retrieval_terms *terms)
{
    mem_free(terms->slots);
    *terms = (struct retrieval_terms){NULL, 0};
}

static size_t slot_of(const struct retrieval_terms *terms, uint64_t hash)
{
    return (size_t)hash & terms->mask;
}

uint64_t retrieval_terms_announce(const struct retrieval_terms *terms, const char *name, size_t len)
{
    uint64_t hash = map_hash(name, len);
    if (terms->slots)
        __builtin_prefetch(&terms->slots[slot_of(terms, hash)]);
    return hash;
}

void retrieval_terms_approach(const struct retrieval_index *index, uint64_t hash)
{
    const struct retrieval_terms *terms = &index->terms_by_name;
    if (!terms->slots)
        return;
    const struct retrieval_slot *slot = &terms->slots[slot_of(terms, hash)];
    if (!slot->number)
        return;
    __builtin_prefetch(index->names.data + slot->name);
    __builtin_prefetch(&index->term[slot->number - 1]);
}

static void put(struct retrieval_terms *terms, uint64_t hash, const struct retrieval_slot *new)
{
    size_t at = slot_of(terms, hash);
    while (terms->slots[at].number)
        at = (at + 1) & terms->mask;
    terms->slots[at] = *new;
}

static void grow(struct retrieval_index *index)
{
    struct retrieval_terms *terms = &index->terms_by_name;
    size_t slots = terms->slots ? 2 * (terms->mask + 1) : SLOTS_MIN;
    mem_free(terms->slots);
    terms->slots = mem_array(slots, sizeof *terms->slots);
    terms->mask = slots - 1;
    for (size_t t = 0; t < index->terms; t++) {
        const char *name = index->names.data + index->term[t].name;
        uint64_t hash = map_hash(name, strlen(name));
        put(terms, hash,
            &(struct retrieval_slot){(uint32_t)(hash >> 32), (uint32_t)t + 1, index->term[t].name});
    }
}

uint32_t retrieval_terms_number(struct retrieval_index *index, const struct retrieval_token *token,
                                uint64_t hash)
{
    struct retrieval_terms *terms = &index->terms_by_name;
    uint32_t tag = (uint32_t)(hash >> 32);
    if (!terms->slots || index->terms >= terms->mask / 4 * 3)
        grow(index);
    for (size_t at = slot_of(terms, hash); terms->slots[at].number; at = (at + 1) & terms->mask) {
        const struct retrieval_slot *slot = &terms->slots[at];
        if (slot->tag != tag || strcmp(index->names.data + slot->name, token->term) != 0)
            continue;
        /* a term may come about in several ways: what it is does not depend on which came first */
        struct retrieval_term *term = &index->term[slot->number - 1];
        if (token->kind < term->kind)
            term->kind = (uint8_t)token->kind;
        return slot->number - 1;
    }
    if (index->terms == index->term_room) {
        index->term_room = index->term_room ? index->term_room * 2 : 1024;
        index->term = mem_resize(index->term, index->term_room, sizeof *index->term);
    }
    struct retrieval_term *term = &index->term[index->terms];
    memset(term, 0, sizeof *term);
    term->name = index->names.len;
    term->kind = (uint8_t)token->kind;
    buf_add(&index->names, token->term, token->len + 1);
    put(terms, hash, &(struct retrieval_slot){tag, (uint32_t)index->terms + 1, term->name});
    return (uint32_t)index->terms++;
}
