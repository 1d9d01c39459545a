/* quantity_priv.h - what the files that read numbers share. */
#ifndef SWAN_INTENT_QUANTITY_PRIV_H
#define SWAN_INTENT_QUANTITY_PRIV_H

#include <string.h>

#include "intelligent/intent/intent_priv.h"

#define NEAR_FACTS 48 /* facts that a look back passes at most: keeps the reading linear */
#define WINDOW 12     /* tokens that one noun phrase may span; longer ones are not read as one */

struct intent_measure {
    uint32_t first; /* the number */
    uint32_t unit;  /* token of the unit, or the token after the number */
    uint32_t next;  /* after number and unit */
    double value, upper;
    bool scaled;
};

static inline bool intent_is_punct(const struct intent_token *token, char punct)
{
    return token->kind == TOKEN_PUNCT && token->punct == punct;
}

static inline const struct intent_clause *intent_clause_of(const struct intent_read *read,
                                                           uint32_t i)
{
    return &read->clauses.items[intent_at(read, i)->clause];
}

static inline int intent_unit_of(const struct intent_read *read, uint32_t i, uint32_t last)
{
    if (i >= last)
        return UNIT_NONE;
    const struct intent_sense *sense = intent_sense_of(intent_at(read, i), CLASS_UNIT);
    return sense ? sense->code : UNIT_NONE;
}

static inline bool intent_is_mark(const struct intent_read *read, uint32_t i, int mark)
{
    return intent_is(intent_at(read, i), CLASS_MARK, mark);
}

static inline bool intent_is_text(const struct intent_read *read, uint32_t i, const char *text)
{
    const struct intent_token *token = intent_at(read, i);
    size_t len = strlen(text);
    return token->end - token->begin == len &&
           memcmp(read->text.data + token->begin, text, len) == 0;
}

static inline bool intent_has_mark(const struct intent_read *read,
                                   const struct intent_clause *clause, int mark)
{
    return intent_find(read, clause->first, clause->last, CLASS_MARK, mark) != UINT32_MAX;
}

static inline int intent_label_code(const struct intent_read *read, uint32_t i)
{
    return i == UINT32_MAX ? LABEL_NONE : intent_sense_of(intent_at(read, i), CLASS_LABEL)->code;
}

/* ---- measure.c ---- */
/* A number with scale words, 多 and the other end of a range; tokens [i, last) of one clause. */
struct intent_measure intent_measure_at(const struct intent_read *read, uint32_t i, uint32_t last);
/* The label that belongs to the number at `first` on its left or that ends at `next` on its right;
 * UINT32_MAX if none. */
uint32_t intent_label_left(const struct intent_read *read, uint32_t first);
uint32_t intent_label_before(const struct intent_read *read, uint32_t first);
uint32_t intent_label_right(const struct intent_read *read, uint32_t next);
uint16_t intent_share_flags(const struct intent_read *read, uint32_t first, uint32_t next);
/* A fact with the measure's value and each / total. */
struct intent_fact *intent_measure_add(struct intent_read *read, int field,
                                       const struct intent_measure *m, uint32_t last);
/* The last fact of this field in this clause, or NULL. */
struct intent_fact *intent_last_of(const struct intent_read *read, int field, uint32_t clause);

/* The machine or delivery word that a counted noun phrase ends in, or UINT32_MAX. */
uint32_t intent_phrase_head(const struct intent_read *read, uint32_t i, uint32_t last);

/* ---- cue.c ---- */
bool intent_is_head(const struct intent_token *token);
/* T4或A10都行: 或 beside it and another of its class on the other side. */
bool intent_is_either(const struct intent_read *read, uint32_t i, int class);
bool intent_said_of_all(const struct intent_read *read, uint32_t i);

/* ---- place.c: from a word of staying (不出) or a place; return the token after what was read ----
 */
uint32_t intent_residency(struct intent_read *read, uint32_t i);
uint32_t intent_place(struct intent_read *read, uint32_t i);

/* ---- cards.c: accelerators ---- */
/* [昇腾] 910B [卡] from token i: kind and model; returns the token after it, or i if there is none.
 */
uint32_t intent_card_noun(const struct intent_read *read, uint32_t i, uint32_t last,
                          const struct intent_sense **ret_kind,
                          const struct intent_sense **ret_model);
bool intent_starts_card(const struct intent_read *read, uint32_t i, uint32_t last);
uint32_t intent_card_fact(struct intent_read *read, uint32_t first, uint32_t noun, uint32_t last,
                          double number, bool numbered);
/* A number with 张, 块, 卡. */
uint32_t intent_cards(struct intent_read *read, struct intent_measure *m, uint32_t last);
/* "2 per server" after the kind of a card. */
bool intent_cards_each(struct intent_read *read, const struct intent_measure *m, uint32_t next,
                       uint32_t last);

/* ---- storage.c: memory, disk, bandwidth ---- */
uint32_t intent_storage(struct intent_read *read, struct intent_measure *m, int unit);
void intent_bandwidth(struct intent_read *read, const struct intent_measure *m, int unit,
                      uint32_t last);

/* ---- load.c: time, money, load ---- */
void intent_bound_time(struct intent_read *read, const struct intent_measure *m, double ms,
                       int unit);
uint32_t intent_duration(struct intent_read *read, struct intent_measure *m, int unit);
void intent_money(struct intent_read *read, const struct intent_measure *m, int unit,
                  uint32_t first, uint32_t last);
bool intent_money_clause(const struct intent_read *read, const struct intent_clause *clause);
void intent_load(struct intent_read *read, const struct intent_measure *m, int unit, uint32_t last);
void intent_users(struct intent_read *read, const struct intent_measure *m, uint32_t last);

/* ---- quantity.c ---- */
/* The number as one of machines, or of instances when `form` is false. */
struct intent_fact *intent_count(struct intent_read *read, const struct intent_measure *m,
                                 uint32_t last, bool form);
/* Is it a number of places (noun: the token of what is counted)?  Then it is read as one. */
bool intent_site_count(struct intent_read *read, const struct intent_measure *m, uint32_t noun,
                       uint32_t last);
bool intent_counts_as_machine(const struct intent_token *token);

/* ---- number.c ---- */
/* A number without a unit; the token after what was read. */
uint32_t intent_number_alone(struct intent_read *read, struct intent_measure *m, uint32_t last);

#endif
