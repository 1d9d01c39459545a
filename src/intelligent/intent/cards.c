/* cards.c - accelerators: kind, model, number; of each machine or in total.
 *
 * Contract: a number of cards without a kind goes to the kind named within two clauses before it; a
 * later number said of each machine overrules an earlier one.  Looks back at NEAR_FACTS facts at
 * most. */
#include "intelligent/intent/quantity_priv.h"

/* [昇腾] 910B [卡] from token i: kind and model; returns the token after it, or i if there is none.
 */
uint32_t intent_card_noun(const struct intent_read *read, uint32_t i, uint32_t last,
                          const struct intent_sense **ret_kind,
                          const struct intent_sense **ret_model)
{
    uint32_t start = i;
    for (; i < last; i++) {
        const struct intent_sense *model = intent_sense_of(intent_at(read, i), CLASS_ACCEL);
        const struct intent_sense *kind = intent_sense_of(intent_at(read, i), CLASS_ACCELKIND);
        if (model && !*ret_model)
            *ret_model = model;
        else if (kind)
            *ret_kind = *ret_kind ? *ret_kind : kind;
        else if (i > start && *ret_model && intent_at(read, i)->kind == TOKEN_NUMBER &&
                 intent_unit_of(read, i + 1, last) == UNIT_GB && i + 2 < last &&
                 intent_sense_of(intent_at(read, i + 2), CLASS_ACCELKIND))
            i++; /* H100 80GB GPUs */
        else if (!(i > start && i + 1 < last && intent_is_punct(intent_at(read, i), '-') &&
                   intent_sense_of(intent_at(read, i + 1), CLASS_ACCEL)))
            break;
    }
    return i;
}

uint32_t intent_card_fact(struct intent_read *read, uint32_t first, uint32_t noun, uint32_t last,
                          double number, bool numbered)
{
    const struct intent_sense *kind = NULL, *model = NULL;
    uint32_t next = intent_card_noun(read, noun, last, &kind, &model);
    uint32_t end = next;
    uint16_t share = 0;
    if (intent_unit_of(read, next, last) == UNIT_CARD && !numbered)
        end = ++next;
    else if (intent_unit_of(read, next, last) == UNIT_CARD)
        end = ++next;
    if (!numbered) { /* A10一张, A100 x 8, 910B一共32张, GPU 2块 */
        uint32_t i = next;
        if (model && intent_at(read, i)->kind == TOKEN_NUMBER && i + 2 < last &&
            intent_unit_of(read, i + 1, last) == UNIT_GB &&
            intent_sense_of(intent_at(read, i + 2), CLASS_MUL))
            i = next += 2; /* A100 80G x 2 */
        while (i < last && i < next + 4 && intent_at(read, i)->kind != TOKEN_NUMBER) {
            const struct intent_token *token = intent_at(read, i);
            if (intent_is_mark(read, i, MARK_TOTAL))
                share = FACT_TOTAL;
            else if (intent_is_mark(read, i, MARK_EACH))
                share = FACT_EACH;
            else if (!intent_sense_of(token, CLASS_MUL) && !intent_sense_of(token, CLASS_FUNC) &&
                     !intent_is_punct(token, ':') && !intent_is(token, CLASS_MARK, MARK_NEED) &&
                     !intent_is(token, CLASS_MARK, MARK_BOUND) &&
                     !intent_is(token, CLASS_MARK, MARK_APPROX))
                break;
            i++;
        }
        if (i < last && intent_at(read, i)->kind == TOKEN_NUMBER && !intent_at(read, i)->used) {
            bool by = i > next && intent_sense_of(intent_at(read, i - 1), CLASS_MUL);
            int unit = intent_unit_of(read, i + 1, last);
            bool machines =
                unit == UNIT_MACHINE || intent_sense_of(intent_at(read, i + 1), CLASS_MACHINE);
            bool pieces =
                unit == UNIT_PIECE &&
                (i + 2 >= last || !intent_sense_of(intent_at(read, i + 2), CLASS_MACHINE));
            if (unit == UNIT_CARD || (by && !machines && unit == UNIT_NONE) || pieces ||
                (unit == UNIT_NONE && intent_is_punct(intent_at(read, next), ':') &&
                 i == next + 1)) {
                number = intent_at(read, i)->number;
                numbered = true;
                read->tokens.items[i].used = true;
                end = i + 1 + (unit != UNIT_NONE);
            }
        }
    }
    struct intent_fact *fact = intent_add(read, FIELD_ACCEL, first, end);
    fact->code = model ? model->code : kind->code;
    fact->text = model ? model->value : NULL;
    fact->value = numbered ? number : 0;
    fact->flags |= share ? share : intent_share_flags(read, first, end);
    if (intent_negated(read, first, end))
        fact->flags |= FACT_NEGATED;
    return end;
}

bool intent_starts_card(const struct intent_read *read, uint32_t i, uint32_t last)
{
    return i < last && (intent_sense_of(intent_at(read, i), CLASS_ACCEL) ||
                        intent_sense_of(intent_at(read, i), CLASS_ACCELKIND));
}

/* "video ASIC cards, 2 per server": cards whose kind stands before. */
bool intent_cards_each(struct intent_read *read, const struct intent_measure *m, uint32_t next,
                       uint32_t last)
{
    if (next >= last || !intent_is_mark(read, next, MARK_EACH))
        return false;
    for (size_t i = read->facts.count; i-- > 0;) {
        struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause + 2 < intent_at(read, m->first)->clause)
            break;
        if (fact->field == FIELD_ACCEL && !(fact->flags & FACT_NEGATED) &&
            (fact->value == 0 || (fact->value > m->value && next + 1 == last))) {
            fact->value = m->value;
            fact->flags |= FACT_EACH;
            return true;
        }
    }
    return false;
}

/* 10台服务器，一台8卡: the one machine of this clause stands for each. */
static void one_is_each(struct intent_read *read, uint32_t clause)
{
    struct intent_fact *one = intent_last_of(read, FIELD_COUNT, clause);
    if (!one || one->value != 1)
        return;
    size_t steps = 0;
    for (size_t i = read->facts.count; i-- > 0 && steps < NEAR_FACTS; steps++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause + 3 < clause)
            return;
        if (fact->field == FIELD_COUNT && fact->value > 1 && !fact->dead)
            one->dead = true;
    }
}

uint32_t intent_cards(struct intent_read *read, struct intent_measure *m, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    uint32_t next = m->next;
    if (intent_is_mark(read, next, MARK_EACH) || intent_is_text(read, next, "的"))
        next++;
    if (intent_starts_card(read, next, last))
        return intent_card_fact(read, m->first, next, last, m->value, true);
    if (intent_has_mark(read, clause, MARK_PERSECOND) ||
        intent_has_mark(read, clause, MARK_PERMINUTE)) {
        intent_load(read, m, UNIT_REQUEST, m->next); /* 每秒200张 */
        return m->next;
    }
    if (intent_is_text(read, m->unit, "块")) {
        if (next < last && (intent_at(read, next)->kind == TOKEN_NUMBER ||
                            intent_is(intent_at(read, next), CLASS_LABEL, LABEL_DISK)))
            return m->next; /* disks */
        const struct intent_token *before =
            m->first > clause->first ? intent_at(read, m->first - 1) : NULL;
        bool after_period = before && (intent_is(before, CLASS_MARK, MARK_PERMONTH) ||
                                       intent_is(before, CLASS_MARK, MARK_PERYEAR) ||
                                       intent_is(before, CLASS_SPAN, SPAN_MONTH) ||
                                       intent_is(before, CLASS_SPAN, SPAN_YEAR)); /* 每月30块 */
        if (intent_money_clause(read, clause) || m->value >= 50 || after_period) {
            intent_money(read, m, UNIT_CNY, m->first, m->next);
            return m->next;
        }
    }
    bool each = (m->first > clause->first && intent_is_mark(read, m->first - 1, MARK_EACH)) ||
                (m->next < last && intent_is_mark(read, m->next, MARK_EACH));
    /* a number of cards whose kind was or will be named */
    for (size_t i = read->facts.count; i-- > 0;) {
        struct intent_fact *fact = &read->facts.items[i];
        if (fact->field == FIELD_ACCEL && fact->value == 0 && !(fact->flags & FACT_NEGATED) &&
            fact->clause + 2 >= intent_at(read, m->first)->clause) {
            if (fact->clause != intent_at(read, m->first)->clause)
                one_is_each(read, intent_at(read, m->first)->clause);
            fact = &read->facts.items[i];
            fact->value = m->value;
            fact->last = fact->clause == intent_at(read, m->first)->clause ? m->next : fact->last;
            fact->flags |= intent_share_flags(read, m->first, m->next);
            return m->next;
        }
        if (each && fact->field == FIELD_ACCEL && fact->value > m->value &&
            !(fact->flags & FACT_EACH) && fact->clause + 6 >= intent_at(read, m->first)->clause) {
            fact->value = m->value; /* 4块卡 …，每台2块 */
            fact->flags |= FACT_EACH;
            return m->next;
        }
        if (each && fact->clause + 6 >= intent_at(read, m->first)->clause)
            continue; /* FPGA加速，2台，每台4块 */
        if (fact->clause + 2 < intent_at(read, m->first)->clause)
            break;
    }
    if (intent_is_text(read, m->unit,
                       "卡")) { /* 8卡: the kind is a GPU unless another is named nearby */
        struct intent_fact *fact = intent_add(read, FIELD_ACCEL, m->first, m->next);
        fact->code = ACCELERATOR_GPU;
        fact->value = m->value;
        fact->flags |= intent_share_flags(read, m->first, m->next);
    }
    return m->next;
}
