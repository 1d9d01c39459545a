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

struct intent_fact *intent_count(struct intent_read *read, const struct intent_measure *m,
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
bool intent_site_count(struct intent_read *read, const struct intent_measure *m, uint32_t noun,
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
bool intent_counts_as_machine(const struct intent_token *token)
{
    const struct intent_sense *delivery = intent_sense_of(token, CLASS_DELIVERY);
    return delivery ? delivery->code == FORM_CONTAINER && delivery->rank == 0
                    : token->sense_count > 0;
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
    if (intent_site_count(read, m, next, last))
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
        if (intent_counts_as_machine(intent_at(read, head)))
            intent_count(read, m, next, false);
        return next;
    }
    /* 容器2个, 1核2G的容器一个 */
    const struct intent_token *before = m->first > 0 ? intent_at(read, m->first - 1) : NULL;
    if (before &&
        ((intent_sense_of(before, CLASS_DELIVERY) && intent_counts_as_machine(before)) ||
         intent_sense_of(before, CLASS_MACHINE) || intent_is(before, CLASS_UNIT, UNIT_INSTANCE))) {
        intent_count(read, m, next, false);
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
        intent_count(read, m, next, false);
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
        return intent_number_alone(read, &m, last);
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
        intent_count(read, &m, m.next, true);
        return m.next;
    case UNIT_INSTANCE:
        intent_count(read, &m, m.next, false);
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
            intent_count(read, &m, m.unit, false);
            return m.unit;
        }
        intent_users(read, &m, m.next);
        return m.next;
    case UNIT_REQUEST:
        if (intent_site_count(read, &m, m.unit, last))
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
        intent_site_count(read, &m, m.unit, last);
        return m.next;
    }
}
