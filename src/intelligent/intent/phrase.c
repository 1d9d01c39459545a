/* phrase.c - facts → phrases: 数据库 1台 8C32G.
 *
 * Contract: a phrase lies in one clause and holds at most one fact of a kind (disks add up, places
 * may form a list).  Each fact is read at most twice. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/phrase.h"

static const int slot_fields[SLOTS] = {FIELD_COUNT, FIELD_CPU,  FIELD_MEMORY, FIELD_DISK,
                                       FIELD_ACCEL, FIELD_ARCH, FIELD_TIER,   FIELD_LOCATION};

static int slot_of(int field)
{
    for (int s = 0; s < SLOTS; s++)
        if (slot_fields[s] == field)
            return s;
    return -1;
}

bool intent_of_component(const struct intent_fact *fact)
{
    return !fact->dead && fact->field < FIELD_BREAK && !(fact->flags & FACT_NEGATED);
}

/* ---- phrases ---- */

static bool joins_list(const struct intent_read *read, const struct intent_fact *before,
                       const struct intent_fact *fact)
{
    if (fact->first < before->last || fact->first > before->last + 2)
        return false;
    for (uint32_t i = before->last; i < fact->first; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (!(token->kind == TOKEN_PUNCT && (token->punct == '&' || token->punct == '/')) &&
            !intent_is(token, CLASS_MARK, MARK_CONJ) && !intent_is(token, CLASS_MARK, MARK_AT) &&
            !intent_is(token, CLASS_MARK, MARK_PUT))
            return false;
    }
    return true;
}

bool intent_same_cards(const struct intent_fact *have, const struct intent_fact *want)
{
    if (have->flags & want->flags & FACT_EITHER)
        return true; /* T4或A10都行 */
    if (!have->text && have->value == 0 &&
        (have->code == want->code || have->code == ACCELERATOR_GPU))
        return true; /* GPU服务器 … 8张昇腾910B: the later words are the exact ones */
    return have->code == want->code &&
           (!have->text || !want->text || str_eq(have->text, want->text)) &&
           (have->value == 0 || want->value == 0);
}

void intent_join_cards(struct intent_fact *have, const struct intent_fact *want)
{
    if (!have->text) {
        have->text = want->text;
        if (have->value == 0)
            have->code = want->code;
    }
    if (have->value == 0) {
        have->value = want->value;
        have->flags |= want->flags;
    }
}

static bool phrase_conflict(const struct intent_read *read, const struct intent_phrase *p,
                            const struct intent_fact *fact)
{
    int slot = slot_of(fact->field);
    if (slot < 0 || !p->slots[slot] || (fact->flags & FACT_CORRECTION))
        return false;
    switch (slot) {
    case SLOT_DISK:
        return false;
    case SLOT_ARCH:
        return false;
    case SLOT_LOCATION:
    case SLOT_TIER: {
        const struct intent_fact *before = slot == SLOT_LOCATION && p->spread_count
                                               ? p->spread[p->spread_count - 1]
                                               : p->slots[slot];
        if (slot == SLOT_TIER && before->code == fact->code)
            return false;
        return !joins_list(read, before, fact);
    }
    case SLOT_ACCEL:
        return !intent_same_cards(p->slots[slot], fact);
    default:
        return true;
    }
}

static void phrase_take(struct intent_phrase *p, struct intent_fact *fact)
{
    int slot = slot_of(fact->field);
    p->correction |= (fact->flags & FACT_CORRECTION) != 0;
    if (slot == SLOT_LOCATION) {
        if (p->slots[slot] && (fact->flags & FACT_CORRECTION)) { /* 放上海的改放杭州 */
            p->slots[slot] = NULL;
            p->spread_count = 0;
        }
        if (!p->slots[slot])
            p->slots[slot] = fact;
        for (unsigned i = 0; i < p->spread_count; i++)
            if (str_eq(p->spread[i]->text, fact->text))
                return; /* 北京亦庄 */
        if (p->spread_count < PLACES_MAX)
            p->spread[p->spread_count++] = fact;
        return;
    }
    if (slot == SLOT_DISK && p->slots[slot]) {
        p->more_disk += fact->value;
        return;
    }
    if (slot == SLOT_ACCEL && p->slots[slot]) {
        intent_join_cards(p->slots[slot], fact);
        return;
    }
    if (slot == SLOT_ARCH && p->slots[slot]) {
        if (p->slots[slot]->code != fact->code)
            p->slots[slot]->flags |= FACT_EITHER; /* x86、ARM均可 */
        return;
    }
    if (slot >= 0) {
        p->slots[slot] = fact;
        return;
    }
    switch (fact->field) {
    case FIELD_HEAD: {
        struct intent_fact **place = fact->code == HEAD_APP       ? &p->app
                                     : fact->code == HEAD_ROLE    ? &p->role
                                     : fact->code == HEAD_MACHINE ? &p->machine
                                                                  : &p->delivery;
        if (fact->code == HEAD_APP && p->app && p->more_count < APPS_MAX &&
            (fact->flags & FACT_CONJ))
            p->more[p->more_count++] = fact;
        if (!*place)
            *place = fact;
        if ((int)fact->value == FORM_SERVER && !p->machine)
            p->machine = fact;
        if ((int)fact->value != FORM_SERVER && (int)fact->value != FORM_ABSENT && !p->delivery)
            p->delivery = fact;
        break;
    }
    case FIELD_SAME:
        p->same = p->same ? p->same : fact;
        break;
    case FIELD_DOUBLE:
        p->twice = fact;
        break;
    case FIELD_PLACES:
        p->places = fact;
        break;
    case FIELD_CLOUD:
        p->cloud = fact;
        break;
    default:
        break;
    }
}

static bool after_conj(const struct intent_read *read, const struct intent_fact *fact)
{
    if (fact->flags & FACT_CONJ)
        return true;
    if (fact->first == 0)
        return false;
    const struct intent_token *token = intent_at(read, fact->first - 1);
    return intent_is(token, CLASS_MARK, MARK_CONJ) ||
           (token->kind == TOKEN_PUNCT && (token->punct == '&' || token->punct == '+'));
}

/* Where the next phrase begins when `at` contradicts [first, at): heads and places that stand
 * before their numbers go with the number that follows. */
static size_t phrase_border(const struct intent_read *read, const struct intent_fact *facts,
                            size_t first, size_t at)
{
    bool leads = false;
    for (size_t i = first; i < at; i++) {
        if (!intent_of_component(&facts[i]))
            continue;
        int field = facts[i].field;
        leads = field == FIELD_HEAD || field == FIELD_LOCATION || field == FIELD_TIER;
        break;
    }
    size_t border = at;
    for (size_t i = at; i-- > first + 1;) {
        if (!intent_of_component(&facts[i]))
            continue;
        int field = facts[i].field;
        if (field != FIELD_HEAD && field != FIELD_LOCATION && field != FIELD_TIER &&
            field != FIELD_ARCH && field != FIELD_CLOUD)
            break;
        bool conj = after_conj(read, &facts[i]);
        if (leads || conj)
            border = i;
        if (conj)
            break;
    }
    return border;
}

size_t intent_phrase_read(struct intent_read *read, size_t first, struct intent_phrase *p)
{
    struct intent_fact *facts = read->facts.items;
    size_t count = read->facts.count, i = first;
    memset(p, 0, sizeof *p);
    p->first = first;
    p->clause = facts[first].clause;
    size_t border = 0;
    for (; i < count && facts[i].clause == p->clause; i++) {
        if (!intent_of_component(&facts[i]))
            continue;
        if (phrase_conflict(read, p, &facts[i])) {
            border = phrase_border(read, facts, first, i);
            break;
        }
        phrase_take(p, &facts[i]);
    }
    if (border > first && border < i) { /* read again, only to the border */
        uint32_t clause = p->clause;
        memset(p, 0, sizeof *p);
        p->first = first;
        p->clause = clause;
        for (size_t k = first; k < border; k++)
            if (intent_of_component(&facts[k]))
                phrase_take(p, &facts[k]);
        i = border;
    }
    p->last = i;
    return i > first ? i : first + 1;
}
