/* quantity.c - a number, its unit and its label → a fact: machines, cards, and the choice of who
 * reads the other units.
 *
 * Contract: what a number measures is decided by its unit, then by the label beside it (内存16G,
 * 16G内存), then by its place in the usual order of a specification.  Bounded by the clause. */
#include "base/str.h"
#include "intelligent/intent/quantity_priv.h"

#define MODEL_RANK 41 /* of the size of a language model: any named use is above it */

/* ---- machines and cards ---- */

/* Were places counted in the clauses before? */
static bool places_before(const struct intent_read *read, uint32_t clause)
{
    size_t steps = 0;
    for (size_t i = read->facts.count; i-- > 0 && steps < NEAR_FACTS; steps++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause + 3 < clause)
            return false;
        if (fact->field == FIELD_PLACES && fact->value > 1)
            return true;
    }
    return false;
}

static struct intent_fact *count(struct intent_read *read, const struct intent_measure *m,
                                 uint32_t last, bool form)
{
    struct intent_fact *fact = intent_measure_add(read, FIELD_COUNT, m, last);
    /* "2 servers, 8 cores each": each is not said of the servers; "3 per site" is */
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    if (fact->flags & FACT_EACH &&
        intent_find(read, clause->first, m->first, CLASS_MARK, MARK_EACH) == UINT32_MAX) {
        uint32_t i = last;
        while (i < clause->last && i < last + 4 && !intent_is_mark(read, i, MARK_EACH))
            i++;
        bool ends = i + 1 >= clause->last && places_before(read, fact->clause);
        if (i >= clause->last || !intent_is_mark(read, i, MARK_EACH) ||
            !(ends ||
              (i + 1 < clause->last && intent_sense_of(intent_at(read, i + 1), CLASS_USER))))
            fact->flags &= (uint16_t)~FACT_EACH;
    }
    if (form)
        fact->flags |= FACT_FORM;
    return fact;
}

/* The machine or delivery word that a counted noun phrase ends in, or UINT32_MAX. */
uint32_t intent_phrase_head(const struct intent_read *read, uint32_t i, uint32_t last)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t k = i; k < last && k < i + WINDOW; k++) {
        const struct intent_token *token = intent_at(read, k);
        if (intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_DELIVERY) ||
            intent_is(token, CLASS_UNIT, UNIT_INSTANCE)) {
            found = k;
            break;
        }
        if (token->kind == TOKEN_PUNCT && token->punct != '-' && token->punct != '/')
            break;
        if (token->masked)
            break;
        if (intent_is(token, CLASS_MARK, MARK_RUN) || intent_is(token, CLASS_MARK, MARK_USE) ||
            intent_is(token, CLASS_MARK, MARK_AT) || intent_is(token, CLASS_MARK, MARK_EACH) ||
            intent_is(token, CLASS_MARK, MARK_CONJ) || intent_is(token, CLASS_UNIT, UNIT_MACHINE) ||
            intent_is(token, CLASS_MARK, MARK_PUT))
            break;
        const struct intent_sense *small = intent_sense_of(token, CLASS_FUNC);
        if (token->kind == TOKEN_WORD && small && !str_eq(small->value, "adj") &&
            !intent_is_text(read, k, "的"))
            break;
    }
    return found;
}

/* 每站1台，共25站: was each of this noun spoken of in the sentence before? */
static bool each_of_before(const struct intent_read *read, uint32_t noun)
{
    const struct intent_token *own = intent_at(read, noun);
    uint32_t sentence = read->clauses.items[own->clause].sentence;
    unsigned steps = 0;
    for (uint32_t i = noun; i-- > 1 && steps < NEAR_FACTS; steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->clause >= read->clauses.count ||
            read->clauses.items[token->clause].sentence != sentence)
            return false;
        uint32_t len = own->end - own->begin;
        if (intent_is(token, CLASS_MARK, MARK_EACH) && token->end - token->begin > len &&
            memcmp(read->text.data + token->end - len, read->text.data + own->begin, len) == 0)
            return true; /* 每站 */
        if (intent_is_mark(read, i - 1, MARK_EACH) &&
            token->end - token->begin == own->end - own->begin &&
            memcmp(read->text.data + token->begin, read->text.data + own->begin,
                   own->end - own->begin) == 0)
            return own->kind == TOKEN_HAN || intent_sense_of(own, CLASS_MARK) ||
                   intent_is(own, CLASS_UNIT, UNIT_OTHER);
    }
    return false;
}

/* 6个校区, 4 lines: so many places, over which machines may be counted. */
static bool site_count(struct intent_read *read, const struct intent_measure *m, uint32_t noun,
                       uint32_t last)
{
    if (noun >= last)
        return false;
    bool user = intent_sense_of(intent_at(read, noun), CLASS_USER) &&
                !intent_is(intent_at(read, noun), CLASS_UNIT, UNIT_PERSON);
    if (!user && !each_of_before(read, noun))
        return false;
    struct intent_fact *fact = intent_add(read, FIELD_PLACES, m->first, noun + 1);
    fact->value = m->value;
    return true;
}

/* 一个 of a package, an image or a function is no count of machines. */
static bool counts_as_machine(const struct intent_token *token)
{
    const struct intent_sense *delivery = intent_sense_of(token, CLASS_DELIVERY);
    return delivery ? delivery->code == FORM_CONTAINER && delivery->rank == 0
                    : token->sense_count > 0;
}

/* ---- the number alone ---- */

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

static uint32_t bare(struct intent_read *read, struct intent_measure *m, uint32_t last)
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
        count(read, m, next, false);
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
        count(read, m, next + 1, false);
        return next + 1;
    }
    if (intent_cards_each(read, m, next, last))
        return next + 1;
    if (intent_starts_card(read, next, last)) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t after = intent_card_noun(read, next, last, &kind, &model);
        if (after < last && intent_sense_of(intent_at(read, after), CLASS_MACHINE)) {
            count(read, m, next, false);
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
        count(read, m, next, false);
        return next;
    }
    if (next < last && intent_is(intent_at(read, next), CLASS_LABEL, LABEL_CPU))
        return by_label(read, m, LABEL_CPU);
    if (label != LABEL_NONE && label != LABEL_RESPONSE) {
        uint32_t end = by_label(read, m, label);
        read->tokens.items[left].used = true;
        return end;
    }
    if (site_count(read, m, next, last))
        return next + 1;
    if (next == last && m->first > clause->first &&
        intent_unit_of(read, m->first - 1, last) == UNIT_REPLICA) { /* replicas 3 */
        intent_add(read, FIELD_REPLICAS, m->first - 1, next)->value = m->value;
        return next;
    }
    if (next + 1 == last && intent_is_mark(read, next, MARK_EACH) &&
        intent_last_of(read, FIELD_LOCATION, intent_at(read, m->first)->clause) &&
        intent_unit_of(read, m->first + 1, last) == UNIT_NONE) { /* London and Dublin three each */
        count(read, m, next + 1, false)->flags |= FACT_EACH;
        return last;
    }
    bool six_with = next + 1 < last && intent_is_text(read, next, "with") &&
                    intent_at(read, next + 1)->kind == TOKEN_NUMBER &&
                    counted_before(read, clause->sentence);
    if (next < last && (intent_is_mark(read, next, MARK_PARTITION) || six_with)) { /* 3 of them */
        count(read, m, next + 1, false);
        return next + 1;
    }
    if (m->first >= clause->first + 2 && intent_is_punct(intent_at(read, m->first - 1), ':') &&
        next == last && counts_as_machine(intent_at(read, m->first - 2)) &&
        (intent_sense_of(intent_at(read, m->first - 2), CLASS_MACHINE) ||
         intent_sense_of(intent_at(read, m->first - 2), CLASS_DELIVERY))) { /* Pods: 4 */
        count(read, m, next, false);
        return next;
    }
    if (next + 1 < last &&
        (intent_is_mark(read, next, MARK_AT) || intent_is_mark(read, next, MARK_PUT)) &&
        intent_sense_of(intent_at(read, next + 1), CLASS_PLACE) &&
        counted_before(read, clause->sentence)) { /* three in Paris and two in Madrid */
        count(read, m, next, false);
        return next;
    }
    if ((clause->correction || clause_is_now(read, clause, m->first)) && next == last &&
        restate(read, m))
        return next;
    bool asked =
        m->first > clause->first && intent_is_mark(read, m->first - 1, MARK_NEED) && next == last;
    if (asked || (clause->correction && read->facts.count > 0)) /* 要俩; 不对, 12 */
        count(read, m, next, false);
    return next;
}

static uint32_t protection(struct intent_read *read, const struct intent_measure *m, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_PROTECTION) == UINT32_MAX)
        return last;
    if (m->value < 1 || m->value > 5)
        return last;
    struct intent_fact *fact = intent_add(read, FIELD_PROTECTION, m->first, last);
    fact->value = m->value;
    return last;
}

/* Is something that can be counted named in the clauses before, in the same sentence? */
static bool runs_before(const struct intent_read *read, const struct intent_clause *clause)
{
    uint32_t c = (uint32_t)(clause - read->clauses.items);
    for (size_t i = read->facts.count; i-- > 0;) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause + 2 < c ||
            read->clauses.items[fact->clause].sentence != clause->sentence ||
            fact->field == FIELD_COUNT)
            return false;
        if (fact->field == FIELD_HEAD && fact->clause < c)
            return true;
    }
    return false;
}

/* 个: of what? */
static uint32_t pieces(struct intent_read *read, struct intent_measure *m, uint32_t last)
{
    uint32_t next = m->next;
    if (site_count(read, m, next, last))
        return next + 1;
    for (uint32_t i = next; i < last && i < next + 4; i++) {
        if (intent_is(intent_at(read, i), CLASS_LABEL, LABEL_PUBLIC_IP)) {
            read->tokens.items[i].used = true;
            intent_measure_add(read, FIELD_PUBLIC_IPS, m, i + 1);
            return i + 1;
        }
        if (intent_at(read, i)->kind == TOKEN_NUMBER || intent_at(read, i)->kind == TOKEN_PUNCT)
            break;
    }
    const struct intent_sense *span = intent_sense_of(intent_at(read, next), CLASS_SPAN);
    if (span && next < last && span->number == 15) { /* 两个|半月 */
        struct intent_fact *fact = intent_add(read, FIELD_DURATION, m->first, next + 1);
        fact->value = fact->upper = m->value * 30 + 15;
        return next + 1;
    }
    if (next < last && intent_unit_of(read, next, last) == UNIT_PERSON) { /* 20个坐席 */
        m->unit = next;
        m->next = next + 1;
        intent_users(read, m, next + 1);
        return next + 1;
    }
    if (intent_is(intent_at(read, next), CLASS_LABEL, LABEL_CONCURRENT) && next < last) {
        struct intent_fact *fact = intent_add(read, FIELD_USERS, m->first, next + 1);
        fact->value = m->upper; /* 90个并发 */
        return next + 1;
    }
    if (intent_is_text(read, next, "月") || intent_is_text(read, next, "半")) {
        if (intent_is_text(read, next, "半")) { /* 一个半月 */
            m->value += 0.5;
            next++;
        }
        if (intent_is_text(read, next, "月")) {
            m->next = next + 1;
            struct intent_fact *fact = intent_add(read, FIELD_DURATION, m->first, next + 1);
            fact->value = fact->upper = m->value * 30;
            return next + 1;
        }
    }
    if (intent_starts_card(read, next, last)) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t after = intent_card_noun(read, next, last, &kind, &model);
        if (after >= last || !intent_sense_of(intent_at(read, after), CLASS_MACHINE))
            return intent_card_fact(read, m->first, next, last, m->value, true);
    }
    uint32_t head = intent_phrase_head(read, next, last);
    if (head != UINT32_MAX) {
        if (counts_as_machine(intent_at(read, head)))
            count(read, m, next, false);
        return next;
    }
    /* 容器2个, 1核2G的容器一个 */
    const struct intent_token *before = m->first > 0 ? intent_at(read, m->first - 1) : NULL;
    if (before &&
        ((intent_sense_of(before, CLASS_DELIVERY) && counts_as_machine(before)) ||
         intent_sense_of(before, CLASS_MACHINE) || intent_is(before, CLASS_UNIT, UNIT_INSTANCE))) {
        count(read, m, next, false);
        return next;
    }
    uint32_t left = intent_label_left(read, m->first);
    if (left == UINT32_MAX)
        left = intent_label_before(read, m->first);
    if (intent_label_code(read, left) == LABEL_PUBLIC_IP) {
        read->tokens.items[left].used = true;
        intent_measure_add(read, FIELD_PUBLIC_IPS, m, next);
        return next;
    }
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    bool alone = m->first == clause->first && next == last && clause->before == ',';
    bool each = m->first > clause->first && next == last &&
                (intent_is_mark(read, m->first - 1, MARK_EACH) || /* 北京上海各15个 */
                 (clause->correction &&
                  intent_last_of(read, FIELD_HEAD, intent_at(read, m->first)->clause)));
    if (each || clause->column == LABEL_COUNT || intent_label_code(read, left) == LABEL_COUNT ||
        (alone && runs_before(read, clause))) {
        count(read, m, next, false);
        return next;
    }
    /* 60个粮仓: so many places if machines are counted for each */
    if (next < last && m->value > 1 &&
        (intent_at(read, next)->kind == TOKEN_HAN || intent_is_mark(read, next, MARK_PREMISES))) {
        struct intent_fact *fact = intent_add(read, FIELD_PLACES, m->first, next);
        fact->value = m->value;
    }
    return next;
}

/* QPS 大概200 */
static bool rate_before(const struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = intent_clause_of(read, first);
    unsigned steps = 0;
    for (uint32_t i = first; i-- > clause->first && steps < 4; steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (intent_is(token, CLASS_UNIT, UNIT_RATE))
            return i == clause->first || intent_at(read, i - 1)->kind != TOKEN_NUMBER;
        if (token->kind == TOKEN_NUMBER || (token->kind == TOKEN_PUNCT && token->punct != ':') ||
            intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_LABEL))
            return false;
    }
    return false;
}

/* 每颗16核, 16 cores per socket: of one processor of several. */
static bool per_socket(const struct intent_read *read, const struct intent_measure *m,
                       uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    if (m->first >= clause->first + 2 && intent_is_mark(read, m->first - 2, MARK_EACH) &&
        (intent_is_mark(read, m->first - 1, MARK_SOCKET) ||
         intent_unit_of(read, m->first - 1, last) == UNIT_STREAM ||
         intent_is(intent_at(read, m->first - 1), CLASS_LABEL, LABEL_CPU)))
        return true;
    if (m->first >= clause->first + 2 && intent_is_mark(read, m->first - 1, MARK_SOCKET) &&
        intent_at(read, m->first - 2)->kind == TOKEN_NUMBER)
        return true; /* 2颗64核 */
    return m->next + 1 < last && intent_is_mark(read, m->next, MARK_EACH) &&
           (intent_is_mark(read, m->next + 1, MARK_SOCKET) ||
            intent_is(intent_at(read, m->next + 1), CLASS_LABEL, LABEL_CPU));
}

uint32_t intent_quantity(struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = intent_clause_of(read, first);
    uint32_t last = clause->last;
    if (intent_starts_card(read, first, last)) {
        return intent_card_fact(read, first, first, last, 0, false);
    }
    if (intent_at(read, first)->used)
        return first + 1;
    struct intent_measure m = intent_measure_at(read, first, last);
    int unit = intent_unit_of(read, m.unit, last);
    if (m.unit < last && intent_is_mark(read, m.unit, MARK_SOCKET)) { /* 2颗鲲鹏920 */
        read->sockets = m.value;
        read->sockets_clause = intent_at(read, first)->clause;
        return m.next;
    }
    if (unit == UNIT_NONE) {
        if (rate_before(read, first)) {
            intent_load(read, &m, UNIT_RATE, m.unit);
            return m.unit;
        }
        if (intent_sense_of(intent_at(read, m.unit), CLASS_SPEED) &&
            m.unit < last) { /* 2个千兆 has no meaning; 1千兆 */
            intent_bandwidth(
                read,
                &(struct intent_measure){
                    .first = first,
                    .value =
                        m.value * intent_sense_of(intent_at(read, m.unit), CLASS_SPEED)->number,
                    .upper = m.value},
                UNIT_MBPS, m.next);
            return m.next;
        }
        /* $120, ¥200, RMB 40k */
        int before = first > clause->first ? intent_unit_of(read, first - 1, last) : UNIT_NONE;
        if (before == UNIT_USD || before == UNIT_CNY || before == UNIT_EUR) {
            intent_money(read, &m, before, first - 1, m.unit);
            return m.unit;
        }
        if (first > clause->first &&
            intent_is(intent_at(read, first - 1), CLASS_LABEL, LABEL_LEVEL))
            return protection(read, &m, m.unit);
        if (first > clause->first &&
            intent_is(intent_at(read, first - 1), CLASS_LABEL, LABEL_PROTECTION))
            return protection(read, &m, m.unit);
        return bare(read, &m, last);
    }
    switch (unit) {
    case UNIT_CORE: {
        struct intent_fact *fact = intent_measure_add(read, FIELD_CPU, &m, m.next);
        double sockets = first > clause->first + 1 &&
                                 intent_sense_of(intent_at(read, first - 1), CLASS_MUL) &&
                                 intent_at(read, first - 2)->kind == TOKEN_NUMBER &&
                                 intent_at(read, first - 2)->used
                             ? intent_at(read, first - 2)->number
                             : 1;
        const struct intent_token *dual = first > clause->first ? intent_at(read, first - 1) : NULL;
        if (dual && dual->kind == TOKEN_NUMBER && dual->number == 2 && !dual->used &&
            intent_is(intent_at(read, m.next), CLASS_LABEL, LABEL_CPU)) /* dual 32-core CPUs */
            sockets = 2;
        if (sockets > 1) /* 2 x 24 cores */
            fact->value *= sockets;
        if (read->sockets > 0 &&
            read->clauses.items[read->sockets_clause].sentence == clause->sentence) {
            if (per_socket(read, &m, last))
                fact->value *= read->sockets;
            fact->flags &= (uint16_t)~FACT_TOTAL; /* of all processors of one machine */
        }
        uint32_t next = m.next;
        while (next < last && intent_is(intent_at(read, next), CLASS_LABEL, LABEL_CPU)) {
            read->tokens.items[next].used = true;
            next++;
        }
        return next;
    }
    case UNIT_GB:
    case UNIT_TB:
    case UNIT_PB:
    case UNIT_MB:
        return intent_storage(read, &m, unit);
    case UNIT_MBPS:
    case UNIT_GBPS:
    case UNIT_TBPS:
    case UNIT_KBPS:
    case UNIT_MBYTEPS:
    case UNIT_GBYTEPS:
        intent_bandwidth(read, &m, unit, m.next);
        return m.next;
    case UNIT_US:
        intent_bound_time(read, &m, 0.001, unit);
        return m.next;
    case UNIT_MS:
        intent_bound_time(read, &m, 1, unit);
        return m.next;
    case UNIT_S:
        intent_bound_time(read, &m, 1000, unit);
        return m.next;
    case UNIT_MINUTE:
        intent_bound_time(read, &m, 60000, unit);
        return m.next;
    case UNIT_HOUR:
        if (!intent_is_mark(read, m.next, MARK_BOUND) &&
            !intent_is_mark(read, m.next, MARK_DEADLINE) &&
            (intent_has_mark(read, clause, MARK_RUN) || intent_has_mark(read, clause, MARK_USE)))
            return intent_duration(read, &m, unit); /* 跑72小时 */
        return m.next;
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
        return intent_duration(read, &m, unit);
    case UNIT_MACHINE:
        if (m.next < last && (intent_is_text(read, m.next, "接入") ||
                              (intent_sense_of(intent_at(read, m.next), CLASS_USER) &&
                               intent_phrase_head(read, m.next, last) == UINT32_MAX)))
            return m.next; /* 20万台接入, 150台设备: what is served, not what is ordered */
        count(read, &m, m.next, true);
        return m.next;
    case UNIT_INSTANCE:
        count(read, &m, m.next, false);
        return m.next;
    case UNIT_PIECE:
        return pieces(read, &m, last);
    case UNIT_CARD:
        return intent_cards(read, &m, last);
    case UNIT_STREAM: {
        if (intent_find(read, m.next, last, CLASS_LABEL, LABEL_CONCURRENT) != UINT32_MAX) {
            intent_users(read, &m, m.next); /* 500路同时在线 */
            return m.next;
        }
        struct intent_fact *fact = intent_add(read, FIELD_STREAMS, first, m.next);
        fact->value = m.value;
        return m.next;
    }
    case UNIT_PERSON:
        if (intent_sense_of(intent_at(read, m.unit), CLASS_MACHINE)) { /* 12 workers */
            count(read, &m, m.unit, false);
            return m.unit;
        }
        intent_users(read, &m, m.next);
        return m.next;
    case UNIT_REQUEST:
        if (site_count(read, &m, m.unit, last))
            return m.next;
        intent_load(read, &m, unit, m.next);
        return m.next;
    case UNIT_FRAME:
    case UNIT_RATE:
        intent_load(read, &m, unit, m.next);
        return m.next;
    case UNIT_CNY:
    case UNIT_USD:
    case UNIT_EUR: {
        /* "¥200元", "US$500 USD": the sign before belongs to the number */
        uint32_t from = first > clause->first && intent_unit_of(read, first - 1, last) == unit
                            ? first - 1
                            : first;
        intent_money(read, &m, unit, from, m.next);
        return m.next;
    }
    case UNIT_PERCENT:
        if (m.value >= 90 && m.value < 100) {
            struct intent_fact *fact = intent_add(read, FIELD_AVAILABILITY, first, m.next);
            fact->value = m.value;
        }
        return m.next;
    case UNIT_NINE:
        if (m.value >= 2 && m.value <= 7) {
            static const double nines[] = {99, 99.9, 99.99, 99.999, 99.9999, 99.99999};
            struct intent_fact *fact = intent_add(read, FIELD_AVAILABILITY, first, m.next);
            fact->value = nines[(int)m.value - 2];
        }
        return m.next;
    case UNIT_PARAMS: { /* a 7B model */
        struct intent_fact *fact = intent_add(read, FIELD_SCENARIO, first, m.next);
        fact->text = "llm-inference";
        fact->value = MODEL_RANK;
        return m.next;
    }
    case UNIT_LEVEL:
        return protection(read, &m, m.next);
    case UNIT_REPLICA: {
        struct intent_fact *fact = intent_add(read, FIELD_REPLICAS, first, m.next);
        fact->value = m.value;
        return m.next;
    }
    default:
        site_count(read, &m, m.unit, last);
        return m.next;
    }
}
