/* measure.c - the surroundings of a number: range, unit, label, each or total.
 *
 * Contract: looks at a bounded window of tokens inside one clause. */
#include "intelligent/intent/quantity_priv.h"

static bool range_sign(const struct intent_read *read, uint32_t i, uint32_t number)
{
    if (number > 0 && intent_is_mark(read, number - 1, MARK_BETWEEN) &&
        intent_is_mark(read, i, MARK_CONJ))
        return true; /* between 5 and 8 ms */
    return intent_is_punct(intent_at(read, i), '-') || intent_is_mark(read, i, MARK_RANGE);
}

/* Number, English scale words, 多, and the other end of a range. */
struct intent_measure intent_measure_at(const struct intent_read *read, uint32_t i, uint32_t last)
{
    const struct intent_token *token = intent_at(read, i);
    struct intent_measure m = {.first = i, .value = token->number, .scaled = token->scaled};
    m.upper = token->upper > 0 ? token->upper : token->number;
    uint32_t next = i + 1;
    while (next < last && intent_sense_of(intent_at(read, next), CLASS_SCALE)) {
        double scale = intent_sense_of(intent_at(read, next), CLASS_SCALE)->number;
        m.value *= scale;
        m.upper *= scale;
        m.scaled = true;
        next++;
    }
    while (next < last && (intent_is_text(read, next, "多") || intent_is_text(read, next, "余") ||
                           intent_is_text(read, next, "几") || intent_is_text(read, next, "来") ||
                           intent_is_punct(intent_at(read, next), '+')))
        next++;
    /* 16核到32核: the unit may stand at both ends */
    int unit = intent_unit_of(read, next, last);
    uint32_t sign = unit ? next + 1 : next;
    if (sign + 1 < last && range_sign(read, sign, i) &&
        intent_at(read, sign + 1)->kind == TOKEN_NUMBER) {
        const struct intent_token *other = intent_at(read, sign + 1);
        int other_unit = intent_unit_of(read, sign + 2, last);
        bool same = !unit || !other_unit || unit == other_unit;
        double low = m.value;
        if (!unit && other->scaled && !m.scaled && low < 100 && other->number >= 1000)
            low *= other->number >= 1e4 ? 1e4 : 1e3; /* 5到8万 */
        if (same && other->number > low) {
            m.value = low;
            m.upper = other->number;
            m.scaled |= other->scaled;
            next = unit && !other_unit ? sign + 2 : sign + 2;
            if (unit && !other_unit) { /* 16核~32: the unit stands before the sign */
                m.unit = sign - 1;
                m.next = next;
                return m;
            }
        }
    }
    if (intent_is_punct(intent_at(read, next), '-') && next + 1 < last &&
        !intent_at(read, next)->space && intent_unit_of(read, next + 1, last))
        next++; /* 8-core */
    m.unit = next;
    m.next = next < last ? next + 1 : next;
    return m;
}

/* A label that belongs to the number at `first` on its left: 内存：16G, 内存不低于16G. */
uint32_t intent_label_left(const struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = intent_clause_of(read, first);
    unsigned steps = 0;
    for (uint32_t i = first; i-- > clause->first && steps < 6; steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->masked || token->used)
            return UINT32_MAX;
        if (intent_sense_of(token, CLASS_LABEL))
            return i;
        bool per_unit = i > clause->first && intent_is_punct(intent_at(read, i - 1), '/');
        if (token->kind == TOKEN_NUMBER || intent_sense_of(token, CLASS_APP) ||
            (intent_sense_of(token, CLASS_MACHINE) && !per_unit) ||
            intent_sense_of(token, CLASS_ACCEL))
            return UINT32_MAX;
        if (intent_is(token, CLASS_MARK, MARK_CONJ) && !intent_is_text(read, i, "再"))
            return UINT32_MAX;
        bool per = token->kind == TOKEN_PUNCT && token->punct == '/' && i + 2 < first &&
                   !intent_sense_of(intent_at(read, i + 1), CLASS_LABEL); /* CPU/pod: 1 */
        if (token->kind == TOKEN_PUNCT && token->punct != ':' && token->punct != '=' && !per)
            return UINT32_MAX;
    }
    return UINT32_MAX;
}

/* 内存大一点，64吧; "Size? 8 cores": the label ends the clause before, which has no number. */
uint32_t intent_label_before(const struct intent_read *read, uint32_t first)
{
    uint32_t c = intent_at(read, first)->clause;
    const struct intent_clause *clause = &read->clauses.items[c];
    uint32_t start = clause->first;
    while (start < first && (intent_at(read, start)->masked ||
                             intent_is(intent_at(read, start), CLASS_MARK, MARK_NEED) ||
                             intent_is(intent_at(read, start), CLASS_MARK, MARK_BOUND) ||
                             intent_is(intent_at(read, start), CLASS_MARK, MARK_APPROX)))
        start++;
    if (start != first || c == 0 || clause->row || clause->column || clause->before == '|')
        return UINT32_MAX;
    const struct intent_clause *before = &read->clauses.items[c - 1];
    for (unsigned steps = 0;
         steps < 3 && before > read->clauses.items && intent_at(read, before->first)->masked &&
         intent_at(read, before->last - 1)->masked;
         steps++)
        before--; /* [09:15] */
    uint32_t found = UINT32_MAX;
    for (uint32_t i = before->first; i < before->last; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->kind == TOKEN_NUMBER && !token->masked)
            return UINT32_MAX;
        if (intent_sense_of(token, CLASS_LABEL) && !token->masked && !token->used)
            found = i;
    }
    return found != UINT32_MAX && found + 5 >= before->last ? found : UINT32_MAX;
}

/* … and on its right: 16G内存, 5 M 的网络带宽, 500G高速存储. */
uint32_t intent_label_right(const struct intent_read *read, uint32_t next)
{
    const struct intent_clause *clause = intent_clause_of(read, next > 0 ? next - 1 : 0);
    unsigned steps = 0;
    for (uint32_t i = next; i < clause->last && steps < 5; i++, steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->masked || token->used || token->kind == TOKEN_NUMBER)
            return UINT32_MAX;
        if (intent_sense_of(token, CLASS_LABEL))
            return i;
        if (token->kind == TOKEN_PUNCT && token->punct != '-')
            return UINT32_MAX;
        if (intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_APP) ||
            intent_sense_of(token, CLASS_ACCEL) || intent_sense_of(token, CLASS_ACCELKIND) ||
            intent_sense_of(token, CLASS_UNIT) || intent_sense_of(token, CLASS_MUL) ||
            intent_is(token, CLASS_MARK, MARK_CONJ) || intent_is(token, CLASS_MARK, MARK_EACH) ||
            intent_is(token, CLASS_MARK, MARK_AT) || intent_is(token, CLASS_MARK, MARK_RUN))
            return UINT32_MAX;
    }
    return UINT32_MAX;
}

/* each / total said in the same clause; the nearer one to the left wins, then one after. */
uint16_t intent_share_flags(const struct intent_read *read, uint32_t first, uint32_t next)
{
    const struct intent_clause *clause = intent_clause_of(read, first);
    for (uint32_t i = first; i-- > clause->first;) {
        if (intent_is_mark(read, i, MARK_EACH))
            return FACT_EACH;
        if (intent_is_mark(read, i, MARK_TOTAL)) /* 每节点2颗共128核: of each */
            return intent_find(read, clause->first, i, CLASS_MARK, MARK_EACH) != UINT32_MAX
                       ? FACT_EACH
                       : FACT_TOTAL;
        if (intent_at(read, i)->kind == TOKEN_NUMBER &&
            intent_unit_of(read, i + 1, clause->last) == UNIT_MACHINE)
            break; /* 一共3台8核: the total is of the machines */
    }
    for (uint32_t i = next; i < clause->last && i < next + WINDOW; i++) {
        if (intent_is_mark(read, i, MARK_EACH))
            return FACT_EACH;
        if (intent_is_mark(read, i, MARK_TOTAL) || intent_is_mark(read, i, MARK_SPLIT))
            return FACT_TOTAL;
        if (intent_at(read, i)->kind == TOKEN_NUMBER &&
            intent_unit_of(read, i + 1, clause->last) == UNIT_MACHINE)
            break;
    }
    return 0;
}

struct intent_fact *intent_measure_add(struct intent_read *read, int field,
                                       const struct intent_measure *m, uint32_t last)
{
    struct intent_fact *fact = intent_add(read, field, m->first, last);
    fact->value = m->value;
    fact->upper = m->upper;
    fact->flags |= intent_share_flags(read, m->first, last);
    const struct intent_fact *before =
        read->facts.count > 1 ? &read->facts.items[read->facts.count - 2] : NULL;
    bool spec = field == FIELD_CPU || field == FIELD_MEMORY;
    if (spec && before && before->clause + 1 == fact->clause && (before->flags & FACT_TOTAL) &&
        (before->field == FIELD_CPU || before->field == FIELD_MEMORY) &&
        !(fact->flags & FACT_EACH) && m->first == intent_clause_of(read, m->first)->first)
        fact->flags |= FACT_TOTAL; /* 一共512核，2T内存 */
    return fact;
}

struct intent_fact *intent_last_of(const struct intent_read *read, int field, uint32_t clause)
{
    for (size_t i = read->facts.count; i-- > 0;) {
        struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause != clause)
            break;
        if (fact->field == field)
            return fact;
    }
    return NULL;
}
