/* arbiter_priv.h - what the assignment of facts to components (arbiter.c, groups.c) shares and
 * hands to the writer of the requirement's components (components.c). */
#ifndef SWAN_INTENT_ARBITER_PRIV_H
#define SWAN_INTENT_ARBITER_PRIV_H

#include "intelligent/intent/phrase.h"

#define COMPONENTS_MAX 64 /* more is no sentence of a customer; the rest is left unread */

struct group {
    const char *name;
    struct intent_fact *app, *role, *machine, *delivery;
    struct intent_fact *slots[SLOTS];
    bool borrowed[SLOTS]; /* copied from another component: no span of its own */
    double value[SLOTS];
    struct intent_fact *spread[PLACES_MAX];
    unsigned spread_count;
    int same;              /* index of the component that it follows, or -1 */
    double factor[SLOTS];  /* 翻倍 */
    bool same_slot[SLOTS]; /* only these follow it */
    uint32_t clause, sentence;
    bool form_borrowed;
    bool server; /* the component that it follows was counted in 台 */
    bool paired; /* counted by 双机热备 only */
    bool idle;   /* states nothing: no component */
    bool removed[SLOTS];
};

struct arbiter {
    struct intent_read *read;
    struct group groups[COMPONENTS_MAX];
    int count, current;
    struct intent_fact *all[SLOTS];     /* said of every component */
    struct intent_fact *pending[SLOTS]; /* said before the component that it belongs to */
    struct intent_fact *pending_spread[PLACES_MAX];
    unsigned pending_count;        /* places in pending_spread */
    uint32_t qualified_clause;     /* after the last statement of one component alone */
    uint32_t pending_clause;       /* of the last statement that was put off */
    int shared_first, shared_last; /* components that one specification was laid on */
    uint32_t shared_sentence;
    struct intent_fact *form; /* 全部虚拟机 */
    int whole;                /* the component of which parts are being counted, or -1 */
    double rest;              /* machines of it that no part has taken */
    uint32_t whole_sentence;
};

static inline bool intent_is_spec(int slot)
{
    return slot == SLOT_CPU || slot == SLOT_MEMORY || slot == SLOT_DISK || slot == SLOT_ACCEL;
}

static inline const struct intent_clause *intent_arbiter_clause(const struct arbiter *a,
                                                                uint32_t clause)
{
    return &a->read->clauses.items[clause];
}

/* ---- groups.c ---- */
bool intent_clause_says(const struct arbiter *a, uint32_t clause, int mark);
bool intent_has_spec(struct intent_fact *const slots[SLOTS]);
bool intent_same_name(const char *a, const char *b);
/* Does it state more than a name? */
bool intent_group_is_scored(const struct group *g);
/* Its index, or -1. */
int intent_group_find(const struct arbiter *a, const char *name);
/* The next one, which becomes the current one; the last one when there is no room. */
struct group *intent_group_begin(struct arbiter *a, const struct intent_phrase *p);
void intent_group_give(struct group *g, int slot, struct intent_fact *fact);
/* Does the phrase contradict what it has? */
bool intent_group_differs(const struct group *g, const struct intent_phrase *p);
/* All that the phrase says becomes the group's, references followed. */
void intent_group_lay(struct arbiter *a, struct group *g, const struct intent_phrase *p);
/* 不对，改成…: the phrase replaces what was said. */
void intent_group_correct(struct arbiter *a, const struct intent_phrase *p);

/* components.c: groups → components of the requirement. */
void intent_components(struct arbiter *a);

#endif
