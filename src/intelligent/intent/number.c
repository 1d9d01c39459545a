/* number.c - a number without a unit: what it measures by the label beside it, by the column that
 * it stands in, by what was said before, or by its place in the usual order of a specification.
 *
 * Contract: as quantity.c; bounded by the clause. */
#include "base/str.h"
#include "intelligent/intent/quantity_priv.h"

static uint32_t by_label(struct intent_read *read, struct intent_measure *m, int label)
{
    int field = 0;
    switch (label) {
    case LABEL_CPU:
        field = FIELD_CPU;
        break;
    case LABEL_MEMORY:
        field = FIELD_MEMORY;
        break;
    case LABEL_DISK:
        field = FIELD_DISK;
        break;
    case LABEL_COUNT:
        field = FIELD_COUNT;
        break;
    case LABEL_PUBLIC_IP:
        field = FIELD_PUBLIC_IPS;
        break;
    case LABEL_BANDWIDTH:
        field = FIELD_BANDWIDTH;
        break;
    case LABEL_CONCURRENT:
        field = FIELD_USERS;
        break;
    case LABEL_THROUGHPUT:
        field = FIELD_THROUGHPUT;
        break;
    case LABEL_REPLICAS:
        field = FIELD_REPLICAS;
        break;
    default:
        return m->first + 1;
    }
    struct intent_fact *fact = intent_measure_add(read, field, m, m->unit);
    fact->flags |= FACT_LABELLED;
    uint32_t at = intent_label_left(read, m->first);
    bool machines = at != UINT32_MAX && intent_sense_of(intent_at(read, at), CLASS_LABEL)->rank > 0;
    if (field == FIELD_COUNT && (machines || intent_clause_of(read, m->first)->machines))
        fact->flags |= FACT_FORM; /* 服务器数量：5 */
    return m->unit;
}

/* "…was 3 months, now 6" */
static bool clause_is_now(const struct intent_read *read, const struct intent_clause *clause,
                          uint32_t at)
{
    return at == clause->first + 1 && intent_is_text(read, clause->first, "now");
}

/* A bare number that corrects takes the meaning of the number before it. */
static bool restate(struct intent_read *read, const struct intent_measure *m)
{
    uint32_t clause = intent_at(read, m->first)->clause;
    size_t steps = 0;
    for (size_t i = read->facts.count; i-- > 0 && steps < NEAR_FACTS; steps++) {
        const struct intent_fact *old = &read->facts.items[i];
        if (old->clause + 2 < clause)
            return false;
        bool amount = old->field == FIELD_CPU || old->field == FIELD_MEMORY ||
                      old->field == FIELD_DISK || old->field == FIELD_BANDWIDTH ||
                      old->field == FIELD_DURATION || old->field == FIELD_USERS ||
                      old->field == FIELD_THROUGHPUT || old->field == FIELD_LATENCY ||
                      old->field == FIELD_RESPONSE || old->field == FIELD_BUDGET;
        if (old->field == FIELD_COUNT)
            return false;
        if (!amount || old->dead)
            continue;
        double number = intent_at(read, old->first)->number;
        double scale = number > 0 ? old->value / number : 1;
        struct intent_fact copy = *old;
        struct intent_fact *fact = intent_add(read, copy.field, m->first, m->unit);
        fact->code = copy.code;
        fact->factor = copy.factor;
        fact->flags = copy.flags | FACT_CORRECTION;
        fact->value = m->value * scale;
        fact->upper = m->upper * scale;
        return true;
    }
    return false;
}

/* Were machines counted in this sentence before? */
static bool counted_before(const struct intent_read *read, uint32_t sentence)
{
    size_t steps = 0;
    for (size_t i = read->facts.count; i-- > 0 && steps < NEAR_FACTS; steps++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (read->clauses.items[fact->clause].sentence != sentence)
            break;
        if (fact->field == FIELD_COUNT && !fact->dead)
            return true;
    }
    return false;
}

/* An amount without a unit that only money can be: 30万左右, 月付三百以内, 一年两千. */
static bool is_price(const struct intent_read *read, const struct intent_measure *m,
                     const struct intent_clause *clause)
{
    bool period = false, bound = false;
    for (uint32_t i = clause->first; i < clause->last; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->masked || (i >= m->first && i < m->unit))
            continue;
        period |= intent_is(token, CLASS_MARK, MARK_PERMONTH) ||
                  intent_is(token, CLASS_MARK, MARK_PERYEAR) ||
                  intent_is(token, CLASS_SPAN, SPAN_MONTH) ||
                  intent_is(token, CLASS_SPAN, SPAN_YEAR);
        bound |=
            intent_is(token, CLASS_MARK, MARK_BOUND) || intent_is(token, CLASS_MARK, MARK_APPROX);
        bool stated = intent_sense_of(token, CLASS_LABEL) ||
                      intent_sense_of(token, CLASS_MACHINE) ||
                      intent_sense_of(token, CLASS_MOMENT) || intent_sense_of(token, CLASS_USER) ||
                      intent_is(token, CLASS_MARK, MARK_PERSECOND);
        int unit = intent_unit_of(read, i, clause->last);
        bool machine = unit == UNIT_MACHINE && i > 0 && intent_at(read, i - 1)->number == 1;
        if (stated || (unit != UNIT_NONE && unit != UNIT_MONTH && unit != UNIT_YEAR && !machine))
            return false;
    }
    uint32_t after = m->unit;
    bool ends = after >= clause->last || intent_is_mark(read, after, MARK_BOUND) ||
                intent_is_mark(read, after, MARK_APPROX) ||
                intent_sense_of(intent_at(read, after), CLASS_FUNC) ||
                intent_is_mark(read, after, MARK_PERMONTH) ||
                intent_is_mark(read, after, MARK_PERYEAR) ||
                intent_sense_of(intent_at(read, after), CLASS_SPAN);
    if (!ends)
        return false;
    return (period && m->value >= 50) || (m->scaled && m->value >= 10000 && bound);
}

uint32_t intent_number_alone(struct intent_read *read, struct intent_measure *m, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    uint32_t next = m->unit;
    bool times_after = next < last && intent_sense_of(intent_at(read, next), CLASS_MUL);
    bool times_before =
        m->first > clause->first && intent_sense_of(intent_at(read, m->first - 1), CLASS_MUL);
    if (next + 1 < last && intent_is_punct(intent_at(read, next), '-') &&
        intent_starts_card(read, next + 1, last)) /* 8-GPU node */
        return intent_card_fact(read, m->first, next + 1, last, m->value, true);
    if (times_before && !intent_starts_card(read, next, last) &&
        (m->first + 1 == last || !times_after)) {
        struct intent_fact *previous =
            read->facts.count ? &read->facts.items[read->facts.count - 1] : NULL;
        if (previous && (previous->field == FIELD_STREAMS || previous->field == FIELD_BANDWIDTH) &&
            previous->clause == intent_at(read, m->first)->clause)
            return next;
        intent_count(read, m, next, false);
        return next;
    }
    if (times_after) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t noun = intent_card_noun(read, next + 1, last, &kind, &model);
        bool machine = noun < last && intent_sense_of(intent_at(read, noun), CLASS_MACHINE);
        if (intent_starts_card(read, next + 1, last) && !machine) /* but 2 x GPU server */
            return intent_card_fact(read, m->first, next + 1, last, m->value, true);
        if (next + 1 < last && intent_at(read, next + 1)->kind == TOKEN_NUMBER) {
            int unit = intent_unit_of(read, next + 2, last);
            bool counted = counted_before(read, clause->sentence) || clause->before == '(';
            bool compact = intent_at(read, next + 3)->kind == TOKEN_NUMBER &&
                           intent_unit_of(read, next + 4, last) == UNIT_GB; /* 2 x 8C16G */
            if (unit == UNIT_CORE && counted && !compact) {
                read->tokens.items[m->first].used = true; /* sockets of one machine */
                return next + 1;
            }
            if (unit == UNIT_GB || unit == UNIT_TB) {
                uint32_t c = intent_find(read, clause->first, last, CLASS_UNIT, UNIT_CORE);
                if (c == UINT32_MAX || c < m->first)
                    return next + 1; /* disks: the size takes the number of pieces */
            }
        }
        intent_count(read, m, next + 1, false);
        return next + 1;
    }
    if (intent_cards_each(read, m, next, last))
        return next + 1;
    if (intent_starts_card(read, next, last)) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t after = intent_card_noun(read, next, last, &kind, &model);
        if (after < last && intent_sense_of(intent_at(read, after), CLASS_MACHINE)) {
            intent_count(read, m, next, false);
            return next;
        }
        return intent_card_fact(read, m->first, next, last, m->value, true);
    }
    int column = clause->column;
    if (column && next == last)
        return column == LABEL_CARDCOUNT ? next : by_label(read, m, column);
    uint32_t left = intent_label_left(read, m->first);
    if (left == UINT32_MAX)
        left = intent_label_before(read, m->first);
    int label = intent_label_code(read, left);
    if (label == LABEL_NETLATENCY || label == LABEL_LATENCY) {
        intent_bound_time(read, m, 1, UNIT_MS); /* ping 30 */
        return next;
    }
    bool share = label == LABEL_NONE && next < last &&
                 intent_is(intent_at(read, next), CLASS_LABEL, LABEL_AVAILABILITY);
    if ((share || label == LABEL_AVAILABILITY) && m->value >= 90 && m->value < 100) {
        struct intent_fact *fact = intent_add(read, FIELD_AVAILABILITY, m->first, next + share);
        fact->value = m->value; /* 99.9 SLA */
        return next + share;
    }
    if (label == LABEL_NONE && m->first >= clause->first + 2 && next == last &&
        intent_is_punct(intent_at(read, m->first - 1), ':') &&
        intent_is(intent_at(read, m->first - 2), CLASS_UNIT, UNIT_CORE))
        return by_label(read, m, LABEL_CPU); /* vCPU: 4 */
    if (label == LABEL_NONE && is_price(read, m, clause)) {
        intent_money(read, m, UNIT_CNY, m->first, next);
        return next;
    }
    if (label == LABEL_BUDGET ||
        (intent_money_clause(read, clause) && (m->scaled || m->value >= 100) &&
         label == LABEL_NONE && intent_phrase_head(read, next, last) == UINT32_MAX)) {
        intent_money(read, m, UNIT_CNY, m->first, next);
        return next;
    }
    if (next < last && intent_is(intent_at(read, next), CLASS_LABEL, LABEL_PUBLIC_IP)) {
        read->tokens.items[next].used = true;
        intent_measure_add(read, FIELD_PUBLIC_IPS, m, next + 1);
        return next + 1;
    }
    if (next < last && intent_is(intent_at(read, next), CLASS_LABEL, LABEL_CONCURRENT) &&
        m->value >= 2) {
        struct intent_fact *fact = intent_add(read, FIELD_USERS, m->first, next + 1);
        fact->value = m->upper;
        return next + 1;
    }
    uint32_t head = intent_phrase_head(read, next, last);
    if (head != UINT32_MAX) {
        intent_count(read, m, next, false);
        return next;
    }
    if (next < last && intent_is(intent_at(read, next), CLASS_LABEL, LABEL_CPU))
        return by_label(read, m, LABEL_CPU);
    if (label != LABEL_NONE && label != LABEL_RESPONSE) {
        uint32_t end = by_label(read, m, label);
        read->tokens.items[left].used = true;
        return end;
    }
    if (intent_site_count(read, m, next, last))
        return next + 1;
    if (next == last && m->first > clause->first &&
        intent_unit_of(read, m->first - 1, last) == UNIT_REPLICA) { /* replicas 3 */
        intent_add(read, FIELD_REPLICAS, m->first - 1, next)->value = m->value;
        return next;
    }
    if (next + 1 == last && intent_is_mark(read, next, MARK_EACH) &&
        intent_last_of(read, FIELD_LOCATION, intent_at(read, m->first)->clause) &&
        intent_unit_of(read, m->first + 1, last) == UNIT_NONE) { /* London and Dublin three each */
        intent_count(read, m, next + 1, false)->flags |= FACT_EACH;
        return last;
    }
    bool six_with = next + 1 < last && intent_is_text(read, next, "with") &&
                    intent_at(read, next + 1)->kind == TOKEN_NUMBER &&
                    counted_before(read, clause->sentence);
    if (next < last && (intent_is_mark(read, next, MARK_PARTITION) || six_with)) { /* 3 of them */
        intent_count(read, m, next + 1, false);
        return next + 1;
    }
    if (m->first >= clause->first + 2 && intent_is_punct(intent_at(read, m->first - 1), ':') &&
        next == last && intent_counts_as_machine(intent_at(read, m->first - 2)) &&
        (intent_sense_of(intent_at(read, m->first - 2), CLASS_MACHINE) ||
         intent_sense_of(intent_at(read, m->first - 2), CLASS_DELIVERY))) { /* Pods: 4 */
        intent_count(read, m, next, false);
        return next;
    }
    if (next + 1 < last &&
        (intent_is_mark(read, next, MARK_AT) || intent_is_mark(read, next, MARK_PUT)) &&
        intent_sense_of(intent_at(read, next + 1), CLASS_PLACE) &&
        counted_before(read, clause->sentence)) { /* three in Paris and two in Madrid */
        intent_count(read, m, next, false);
        return next;
    }
    if ((clause->correction || clause_is_now(read, clause, m->first)) && next == last &&
        restate(read, m))
        return next;
    bool asked =
        m->first > clause->first && intent_is_mark(read, m->first - 1, MARK_NEED) && next == last;
    if (asked || (clause->correction && read->facts.count > 0)) /* 要俩; 不对, 12 */
        intent_count(read, m, next, false);
    return next;
}
