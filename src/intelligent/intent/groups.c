/* groups.c - the components that arbiter.c fills: begun, found by name, given facts, corrected.
 *
 * Contract: phrases come in the order of the text; a group keeps the fact that it was given, and
 * what it copies from another component has no span of its own.  Linear in groups and slots. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/arbiter_priv.h"

bool intent_has_spec(struct intent_fact *const slots[SLOTS])
{
    return slots[SLOT_CPU] || slots[SLOT_MEMORY] || slots[SLOT_DISK] || slots[SLOT_ACCEL];
}

bool intent_group_is_scored(const struct group *g)
{
    for (int s = 0; s < SLOTS; s++)
        if (g->slots[s])
            return true;
    return g->machine || g->delivery || g->same >= 0;
}

bool intent_same_name(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t na = strlen(a), nb = strlen(b);
    if (na == 0 || nb == 0)
        return false;
    return na >= nb ? strstr(a, b) != NULL : strstr(b, a) != NULL;
}

int intent_group_find(const struct arbiter *a, const char *name)
{
    for (int i = a->count; i-- > 0;)
        if (a->groups[i].app && intent_same_name(a->groups[i].app->text, name))
            return i;
    return -1;
}

struct group *intent_group_begin(struct arbiter *a, const struct intent_phrase *p)
{
    if (a->count == COMPONENTS_MAX)
        return &a->groups[a->current];
    struct group *g = &a->groups[a->count];
    memset(g, 0, sizeof *g);
    g->same = -1;
    g->clause = p->clause;
    g->sentence = intent_arbiter_clause(a, p->clause)->sentence;
    a->current = a->count++;
    for (int s = 0; s < SLOTS; s++)
        if (s == SLOT_ARCH && a->pending[s] && a->count == 1 &&
            intent_arbiter_clause(a, a->pending_clause)->sentence != g->sentence) {
            a->all[s] = a->pending[s]; /* CPU海光，OS麒麟。应用3台…: said before all */
        } else if (a->pending[s]) {
            g->slots[s] = a->pending[s];
            g->value[s] = a->pending[s]->value;
        }
    if (a->pending_count > 1) {
        memcpy(g->spread, a->pending_spread, sizeof g->spread);
        g->spread_count = a->pending_count;
    }
    return g;
}

void intent_group_give(struct group *g, int slot, struct intent_fact *fact)
{
    g->slots[slot] = fact;
    g->value[slot] = fact->value;
    g->borrowed[slot] = false;
}

static int label_slot(const struct intent_read *read, const struct intent_fact *fact,
                      int slots[SLOTS])
{
    const struct intent_clause *clause = &read->clauses.items[fact->clause];
    uint32_t first = fact->first > clause->first + 5 ? fact->first - 5 : clause->first;
    int found = 0;
    for (uint32_t i = first; i < clause->last && i < fact->last + 4; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (i >= fact->first && i < fact->last)
            continue;
        int slot = -1;
        if (intent_is(token, CLASS_LABEL, LABEL_CPU) || intent_is(token, CLASS_UNIT, UNIT_CORE))
            slot = SLOT_CPU;
        else if (intent_is(token, CLASS_LABEL, LABEL_MEMORY))
            slot = SLOT_MEMORY;
        else if (intent_is(token, CLASS_LABEL, LABEL_DISK))
            slot = SLOT_DISK;
        else if (intent_sense_of(token, CLASS_ACCELKIND))
            slot = SLOT_ACCEL;
        if (slot >= 0 && !token->used) {
            slots[slot] = 1;
            found++;
        }
    }
    return found;
}

bool intent_clause_says(const struct arbiter *a, uint32_t clause, int mark)
{
    const struct intent_clause *c = intent_arbiter_clause(a, clause);
    return intent_find(a->read, c->first, c->last, CLASS_MARK, mark) != UINT32_MAX;
}

/* "same as A": the component whose name ends in the word after the mark. */
static int find_pointed(const struct arbiter *a, const struct intent_fact *same, int index)
{
    const struct intent_read *read = a->read;
    const struct intent_clause *clause = intent_arbiter_clause(a, same->clause);
    for (uint32_t i = same->last; i < clause->last && i < same->last + 3; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->kind != TOKEN_LATIN && token->kind != TOKEN_NUMBER && token->kind != TOKEN_WORD)
            break;
        if (token->kind == TOKEN_WORD && !intent_sense_of(token, CLASS_FUNC))
            break;
        for (int k = 0; k < a->count; k++) {
            const struct intent_fact *name = a->groups[k].app;
            if (k == index || !name || name->last <= name->first)
                continue;
            const struct intent_token *end = intent_at(read, name->last - 1);
            if (end->end - end->begin == token->end - token->begin &&
                memcmp(read->text.data + end->begin, read->text.data + token->begin,
                       token->end - token->begin) == 0)
                return k;
        }
    }
    return -1;
}

/* 同上, same spec as the dashboard, CPU内存翻倍 */
static void refer(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    int index = (int)(g - a->groups), target = index - 1;
    for (size_t i = p->first; i < p->last; i++) {
        const struct intent_fact *fact = &a->read->facts.items[i];
        if (fact->field == FIELD_HEAD && intent_of_component(fact)) {
            int named = intent_group_find(a, fact->text);
            if (named >= 0 && named != index)
                target = named;
        }
    }
    if (p->same && target == index - 1) {
        int named = find_pointed(a, p->same, index);
        target = named >= 0 ? named : target;
    }
    if (target < 0)
        return;
    if (p->twice) {
        int slots[SLOTS] = {0};
        if (label_slot(a->read, p->twice, slots) == 0)
            slots[SLOT_CPU] = slots[SLOT_MEMORY] = slots[SLOT_DISK] = slots[SLOT_ACCEL] = 1;
        for (int s = 0; s < SLOTS; s++)
            if (slots[s])
                g->factor[s] = p->twice->value;
        g->same = target;
        for (int s = 0; s < SLOTS && !p->same && !intent_has_spec(p->slots) && slots[SLOT_CPU] == 0;
             s++)
            g->same_slot[s] |= g->app && !slots[s] && (intent_is_spec(s) || s == SLOT_ARCH) &&
                               intent_clause_says(a, p->clause, MARK_ORDINAL); /* 第三台内存减半 */
        if (!p->same)
            return;
    }
    int slots[SLOTS] = {0};
    bool partial = !p->app && !p->machine && p->same && label_slot(a->read, p->same, slots) > 0;
    for (int s = 0; s < SLOTS; s++)
        g->same_slot[s] |= partial ? slots[s] == 1 : intent_is_spec(s) || s == SLOT_ARCH;
    g->same = target;
}

void intent_group_lay(struct arbiter *a, struct group *g, const struct intent_phrase *p)
{
    for (int s = 0; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        if (s == SLOT_DISK && g->slots[s] && !g->borrowed[s]) {
            g->value[s] += fact->value + p->more_disk; /* 系统盘 + 数据盘 in two clauses */
            continue;
        }
        if (s == SLOT_ACCEL && g->slots[s] && !g->borrowed[s]) {
            intent_join_cards(g->slots[s], fact);
            g->value[s] = g->slots[s]->value;
            continue;
        }
        intent_group_give(g, s, fact);
        if (s == SLOT_LOCATION && (fact->flags & FACT_ALL) && p->spread_count < 2)
            a->all[s] = fact;
        if (s == SLOT_DISK)
            g->value[s] += p->more_disk;
    }
    if (p->spread_count > 1 && !g->spread_count) {
        memcpy(g->spread, p->spread, sizeof g->spread);
        g->spread_count = p->spread_count;
    }
    g->app = g->app ? g->app : p->app;
    g->role = g->role ? g->role : p->role;
    g->machine = g->machine ? g->machine : p->machine;
    g->delivery = g->delivery ? g->delivery : p->delivery;
    if (p->same || p->twice)
        refer(a, g, p);
    if (p->places && p->slots[SLOT_COUNT]) {
        if (p->places->value == 0) {
            for (int i = a->count; i-- > 0;)
                if (a->groups[i].spread_count > 1 && &a->groups[i] != g) {
                    memcpy(g->spread, a->groups[i].spread, sizeof g->spread);
                    g->spread_count = a->groups[i].spread_count;
                    break;
                }
        }
    }
}

bool intent_group_differs(const struct group *g, const struct intent_phrase *p)
{
    for (int s = 0; s < SLOTS; s++) {
        const struct intent_fact *have = g->slots[s], *want = p->slots[s];
        if (!have || !want || g->borrowed[s])
            continue;
        if (s == SLOT_DISK || s == SLOT_ARCH)
            continue;
        if (s == SLOT_TIER && have->code == want->code)
            continue;
        if (s == SLOT_LOCATION && str_eq(have->text, want->text))
            continue;
        if (s == SLOT_ACCEL && intent_same_cards(have, want))
            continue;
        if (s == SLOT_COUNT && g->value[s] == want->value && !intent_has_spec(g->slots) && !p->app)
            continue; /* 平时4台，先按4台8核16G */
        if (intent_is_spec(s) && !p->slots[SLOT_COUNT] && s != SLOT_ACCEL &&
            g->value[s] == want->value)
            continue; /* 每路24核，一共48核: said twice */
        return true;
    }
    return g->slots[SLOT_DISK] && p->slots[SLOT_DISK] && p->slots[SLOT_COUNT] &&
           g->slots[SLOT_COUNT];
}

void intent_group_correct(struct arbiter *a, const struct intent_phrase *p)
{
    struct group *g = &a->groups[a->current];
    if (p->app) {
        int named = intent_group_find(a, p->app->text);
        if (named >= 0)
            g = &a->groups[named];
    }
    for (int s = 0; s < SLOTS; s++) {
        struct intent_fact *fact = p->slots[s];
        if (!fact)
            continue;
        struct group *target = g;
        for (int i = a->count; !target->slots[s] && !p->app && i-- > 0;)
            if (a->groups[i].slots[s])
                target = &a->groups[i];
        if (s == SLOT_ACCEL && target->slots[s]) { /* 换成2张A10: what is not corrected stays */
            if (!fact->text && fact->code == target->slots[s]->code)
                fact->text = target->slots[s]->text;
            if (fact->value == 0)
                fact->value = target->value[s];
        }
        intent_group_give(target, s, fact);
        if (s == SLOT_DISK)
            target->value[s] += p->more_disk;
    }
    if (p->delivery)
        g->delivery = p->delivery;
    if (!g->machine)
        g->machine = p->machine;
}
