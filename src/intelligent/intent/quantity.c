/* quantity.c - a number, its unit and its label → a fact.
 *
 * Contract: what a number measures is decided by its unit, then by the label beside it (内存16G,
 * 16G内存), then by its place in the usual order of a specification (cores, memory, disk).  Looks
 * at a bounded window of tokens inside one clause.  A label serves one number. */
#include <stdlib.h>
#include <string.h>

#include "intelligent/intent/intent_priv.h"

#define WINDOW 12 /* tokens that one noun phrase may span; longer ones are not read as one */

struct measure {
    uint32_t first; /* the number */
    uint32_t unit;  /* token of the unit, or the token after the number */
    uint32_t next;  /* after number and unit */
    double value, upper;
    bool scaled;
};

static const struct intent_token *at(const struct intent_read *read, uint32_t i)
{
    return intent_at(read, i);
}

static bool is_punct(const struct intent_token *token, char punct)
{
    return token->kind == TOKEN_PUNCT && token->punct == punct;
}

static const struct intent_clause *clause_of(const struct intent_read *read, uint32_t i)
{
    return &read->clauses.items[at(read, i)->clause];
}

static int unit_of(const struct intent_read *read, uint32_t i, uint32_t last)
{
    if (i >= last)
        return UNIT_NONE;
    const struct intent_sense *sense = intent_sense_of(at(read, i), CLASS_UNIT);
    return sense ? sense->code : UNIT_NONE;
}

static bool is_mark(const struct intent_read *read, uint32_t i, int mark)
{
    return intent_is(at(read, i), CLASS_MARK, mark);
}

static bool is_han(const struct intent_read *read, uint32_t i, const char *text)
{
    const struct intent_token *token = at(read, i);
    size_t len = strlen(text);
    return token->end - token->begin == len &&
           memcmp(read->text.data + token->begin, text, len) == 0;
}

static bool range_sign(const struct intent_read *read, uint32_t i)
{
    return is_punct(at(read, i), '-') || is_mark(read, i, MARK_RANGE);
}

/* Number, English scale words, 多, and the other end of a range. */
static struct measure measure_at(const struct intent_read *read, uint32_t i, uint32_t last)
{
    const struct intent_token *token = at(read, i);
    struct measure m = {.first = i, .value = token->number, .scaled = token->scaled};
    m.upper = token->upper > 0 ? token->upper : token->number;
    uint32_t next = i + 1;
    while (next < last && intent_sense_of(at(read, next), CLASS_SCALE)) {
        double scale = intent_sense_of(at(read, next), CLASS_SCALE)->number;
        m.value *= scale;
        m.upper *= scale;
        m.scaled = true;
        next++;
    }
    while (next < last &&
           (is_han(read, next, "多") || is_han(read, next, "余") || is_han(read, next, "几") ||
            is_han(read, next, "来") || is_punct(at(read, next), '+')))
        next++;
    /* 16核到32核: the unit may stand at both ends */
    int unit = unit_of(read, next, last);
    uint32_t sign = unit ? next + 1 : next;
    if (sign + 1 < last && range_sign(read, sign) && at(read, sign + 1)->kind == TOKEN_NUMBER) {
        const struct intent_token *other = at(read, sign + 1);
        int other_unit = unit_of(read, sign + 2, last);
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
    if (is_punct(at(read, next), '-') && next + 1 < last && !at(read, next)->space &&
        unit_of(read, next + 1, last))
        next++; /* 8-core */
    m.unit = next;
    m.next = next < last ? next + 1 : next;
    return m;
}

/* A label that belongs to the number at `first` on its left: 内存：16G, 内存不低于16G. */
static uint32_t label_left(const struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = clause_of(read, first);
    unsigned steps = 0;
    for (uint32_t i = first; i-- > clause->first && steps < 6; steps++) {
        const struct intent_token *token = at(read, i);
        if (token->masked || token->used)
            return UINT32_MAX;
        if (intent_sense_of(token, CLASS_LABEL))
            return i;
        if (token->kind == TOKEN_NUMBER || intent_sense_of(token, CLASS_APP) ||
            intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_ACCEL))
            return UINT32_MAX;
        if (intent_is(token, CLASS_MARK, MARK_CONJ) && !is_han(read, i, "再"))
            return UINT32_MAX;
        if (token->kind == TOKEN_PUNCT && token->punct != ':' && token->punct != '=')
            return UINT32_MAX;
    }
    return UINT32_MAX;
}

/* … and on its right: 16G内存, 5 M 的网络带宽, 500G高速存储. */
static uint32_t label_right(const struct intent_read *read, uint32_t next)
{
    const struct intent_clause *clause = clause_of(read, next > 0 ? next - 1 : 0);
    unsigned steps = 0;
    for (uint32_t i = next; i < clause->last && steps < 5; i++, steps++) {
        const struct intent_token *token = at(read, i);
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

static int label_code(const struct intent_read *read, uint32_t i)
{
    return i == UINT32_MAX ? LABEL_NONE : intent_sense_of(at(read, i), CLASS_LABEL)->code;
}

static bool is_storage_label(int label)
{
    return label == LABEL_MEMORY || label == LABEL_DISK || label == LABEL_VRAM ||
           label == LABEL_BANDWIDTH;
}

/* each / total said in the same clause; the nearer one to the left wins, then one after. */
static uint16_t share_flags(const struct intent_read *read, uint32_t first, uint32_t next)
{
    const struct intent_clause *clause = clause_of(read, first);
    for (uint32_t i = first; i-- > clause->first;) {
        if (is_mark(read, i, MARK_EACH))
            return FACT_EACH;
        if (is_mark(read, i, MARK_TOTAL))
            return FACT_TOTAL;
    }
    for (uint32_t i = next; i < clause->last && i < next + WINDOW; i++) {
        if (is_mark(read, i, MARK_EACH))
            return FACT_EACH;
        if (is_mark(read, i, MARK_TOTAL))
            return FACT_TOTAL;
        if (at(read, i)->kind == TOKEN_NUMBER && unit_of(read, i + 1, clause->last) == UNIT_MACHINE)
            break;
    }
    return 0;
}

static struct intent_fact *add(struct intent_read *read, int field, const struct measure *m,
                               uint32_t last)
{
    struct intent_fact *fact = intent_add(read, field, m->first, last);
    fact->value = m->value;
    fact->upper = m->upper;
    fact->flags |= share_flags(read, m->first, last);
    return fact;
}

static struct intent_fact *last_of(const struct intent_read *read, int field, uint32_t clause)
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

/* ---- memory, disk, bandwidth ---- */

static double unit_gib(int unit)
{
    switch (unit) {
    case UNIT_TB:
        return 1024;
    case UNIT_PB:
        return 1048576;
    case UNIT_MB:
        return 1.0 / 1024;
    default:
        return 1;
    }
}

static double unit_mbps(int unit)
{
    switch (unit) {
    case UNIT_GB:
    case UNIT_GBPS:
        return 1000;
    case UNIT_TB:
    case UNIT_TBPS:
        return 1e6;
    case UNIT_KBPS:
        return 0.001;
    case UNIT_MBYTEPS:
        return 8;
    case UNIT_GBYTEPS:
        return 8000;
    default:
        return 1;
    }
}

static void bandwidth(struct intent_read *read, const struct measure *m, int unit, uint32_t last)
{
    struct intent_fact *fact = add(read, FIELD_BANDWIDTH, m, last);
    fact->value *= unit_mbps(unit);
    fact->upper *= unit_mbps(unit);
}

/* What the phrase so far lacks: after cores memory, then disk. */
static int field_by_order(const struct intent_read *read, const struct measure *m, int unit)
{
    bool cpu = false, memory = false, disk = false;
    uint32_t clause = at(read, m->first)->clause;
    for (size_t i = read->facts.count; i-- > 0;) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (fact->clause + 1 < clause || fact->field == FIELD_BREAK)
            break;
        if (fact->clause != clause && read->clauses.items[clause].before != ',' &&
            read->clauses.items[clause].before != '(')
            break;
        if (fact->field == FIELD_MEMORY)
            memory = true;
        else if (fact->field == FIELD_DISK)
            disk = true;
        else if (fact->field == FIELD_CPU) {
            cpu = true;
            break;
        } else if (fact->field == FIELD_COUNT && (memory || disk))
            break;
    }
    if (unit == UNIT_MB)
        return cpu && !memory ? FIELD_MEMORY : FIELD_BANDWIDTH;
    if (memory)
        return FIELD_DISK;
    if (unit == UNIT_PB || (unit == UNIT_TB && !cpu))
        return FIELD_DISK;
    if (unit == UNIT_TB) { /* 96核 1T 10T: memory only when a disk follows */
        const struct intent_clause *c = &read->clauses.items[clause];
        for (uint32_t i = m->next; i < c->last; i++) {
            int other = unit_of(read, i, c->last);
            if (other == UNIT_TB || other == UNIT_PB)
                return FIELD_MEMORY;
        }
        return FIELD_DISK;
    }
    return FIELD_MEMORY;
}

static bool follows_card(const struct intent_read *read, const struct measure *m)
{
    if (m->first == 0)
        return false;
    uint32_t i = m->first - 1;
    const struct intent_clause *clause = clause_of(read, m->first);
    while (i > clause->first &&
           (is_punct(at(read, i), '-') || intent_is(at(read, i), CLASS_ACCELKIND, 0)))
        i--;
    const struct intent_token *token = at(read, i);
    if (is_punct(token, '(') && i > 0)
        token = at(read, i - 1);
    const struct intent_sense *card = intent_sense_of(token, CLASS_ACCEL);
    if (!card || !card->extra)
        return false;
    for (const char *p = card->extra; *p;) {
        char *end;
        double size = strtod(p, &end);
        if (size == m->value)
            return true;
        p = *end == ',' ? end + 1 : end;
        if (end == p && *p != ',' && *p)
            break;
    }
    return false;
}

/* "2块", "6 x" before a size: disks of one machine. */
static double pieces_before(const struct intent_read *read, const struct measure *m,
                            uint32_t *ret_first)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    uint32_t i = m->first;
    if (i < clause->first + 2)
        return 1;
    i--;
    bool sign = unit_of(read, i, clause->last) == UNIT_CARD ||
                intent_sense_of(at(read, i), CLASS_MUL) ||
                (unit_of(read, i, clause->last) == UNIT_PIECE);
    if (sign && at(read, i - 1)->kind == TOKEN_NUMBER && !at(read, i - 1)->used &&
        at(read, i - 1)->number >= 1) {
        *ret_first = i - 1;
        return at(read, i - 1)->number;
    }
    return 1;
}

static uint32_t storage(struct intent_read *read, struct measure *m, int unit)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    uint32_t next = m->next, left = label_left(read, m->first), right = label_right(read, next);
    int label = LABEL_NONE;
    uint32_t label_at = UINT32_MAX;
    if (left != UINT32_MAX && is_storage_label(label_code(read, left)))
        label_at = left;
    if (right != UINT32_MAX && is_storage_label(label_code(read, right)) &&
        (label_at == UINT32_MAX || m->first - left > 3))
        label_at = right;
    /* "内存16G硬盘500G": the label on the right belongs to the next number when it touches it */
    if (label_at == right && right != UINT32_MAX && left == UINT32_MAX &&
        right + 1 < clause->last && at(read, right + 1)->kind == TOKEN_NUMBER && right == next &&
        last_of(read, FIELD_MEMORY, at(read, m->first)->clause) == NULL &&
        last_of(read, FIELD_CPU, at(read, m->first)->clause) != NULL &&
        label_code(read, right) == LABEL_DISK)
        label_at = UINT32_MAX;
    if (label_at != UINT32_MAX) {
        label = label_code(read, label_at);
        read->tokens.items[label_at].used = true;
        if (label_at >= next)
            next = label_at + 1;
        /* SSD 数据盘: one noun */
        while (next < clause->last && label == LABEL_DISK &&
               intent_is(at(read, next), CLASS_LABEL, LABEL_DISK) &&
               !(next + 1 < clause->last && at(read, next + 1)->kind == TOKEN_NUMBER)) {
            read->tokens.items[next].used = true;
            next++;
        }
    } else if (clause->column) {
        label = clause->column;
    }
    if (label == LABEL_VRAM ||
        (label != LABEL_MEMORY && label != LABEL_DISK && follows_card(read, m)))
        return next;
    if (is_mark(read, m->next, MARK_PERSECOND) || label == LABEL_BANDWIDTH) {
        bandwidth(read, m, unit, next);
        return next;
    }
    int field = label == LABEL_MEMORY ? FIELD_MEMORY
                : label == LABEL_DISK ? FIELD_DISK
                                      : field_by_order(read, m, unit);
    if (field == FIELD_BANDWIDTH) {
        bandwidth(read, m, unit, next);
        return next;
    }
    uint32_t first = m->first;
    double pieces = field == FIELD_DISK ? pieces_before(read, m, &first) : 1;
    struct intent_fact *fact = add(read, field, m, next);
    if (pieces > 1) { /* the number of pieces was read as something else before its size came */
        struct intent_fact *mistaken = NULL;
        for (size_t i = read->facts.count - 1; i-- > 0 && read->facts.items[i].first >= first;)
            mistaken = &read->facts.items[i];
        if (mistaken)
            mistaken->dead = true;
        fact->first = first;
    }
    fact->value *= unit_gib(unit) * pieces;
    fact->upper = fact->value;
    if (label != LABEL_NONE)
        fact->flags |= FACT_LABELLED;
    if (field == FIELD_DISK && intent_sense_of(at(read, next), CLASS_MUL) &&
        at(read, next + 1)->kind == TOKEN_NUMBER && next + 1 < clause->last &&
        !last_of(read, FIELD_CPU, fact->clause) &&
        unit_of(read, next + 2, clause->last) != UNIT_MACHINE) {
        fact->value *= at(read, next + 1)->number;
        fact->last = next + 2;
        read->tokens.items[next + 1].used = true;
        next += 2;
    }
    return next;
}

/* ---- time ---- */

static int time_cue(const struct intent_read *read, const struct intent_clause *clause)
{
    bool response = false, latency = false;
    for (uint32_t i = clause->first; i < clause->last; i++) {
        const struct intent_token *token = at(read, i);
        if (token->masked)
            continue;
        if (intent_is(token, CLASS_LABEL, LABEL_NETLATENCY))
            return FIELD_LATENCY;
        response |= intent_is(token, CLASS_LABEL, LABEL_RESPONSE);
        latency |= intent_is(token, CLASS_LABEL, LABEL_LATENCY);
    }
    return response ? FIELD_RESPONSE : latency ? FIELD_LATENCY : 0;
}

static bool has_mark(const struct intent_read *read, const struct intent_clause *clause, int mark)
{
    return intent_find(read, clause->first, clause->last, CLASS_MARK, mark) != UINT32_MAX;
}

static void bound_time(struct intent_read *read, const struct measure *m, double ms, int unit)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    if (has_mark(read, clause, MARK_RETENTION) ||
        (m->first > clause->first && is_mark(read, m->first - 1, MARK_EACH)))
        return;
    int field = time_cue(read, clause);
    for (const struct intent_clause *c = clause;
         !field && c > read->clauses.items && c - 1 >= clause - 2 &&
         c[-1].sentence == clause->sentence;
         c--)
        field = time_cue(read, c - 1);
    if (!field && unit == UNIT_MS)
        field = FIELD_LATENCY;
    if (!field || (unit == UNIT_MINUTE && field == FIELD_LATENCY))
        return;
    struct intent_fact *fact = intent_add(read, field, m->first, m->next);
    fact->value = m->value * ms;
    fact->upper = m->upper * ms;
}

static double unit_days(int unit)
{
    switch (unit) {
    case UNIT_WEEK:
        return 7;
    case UNIT_MONTH:
        return 30;
    case UNIT_QUARTER:
        return 90;
    case UNIT_YEAR:
        return 365;
    default:
        return 1;
    }
}

static uint32_t duration(struct intent_read *read, struct measure *m, int unit)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    uint32_t next = m->next;
    if (is_han(read, next, "半") && next < clause->last) { /* 两年半 */
        m->value += 0.5;
        next++;
    }
    bool bare_month = unit == UNIT_MONTH && is_han(read, m->unit, "月");
    if (unit == UNIT_YEAR && m->value >= 1900)
        return next;
    if (bare_month || has_mark(read, clause, MARK_RETENTION) ||
        has_mark(read, clause, MARK_DEADLINE))
        return next;
    if (m->first > clause->first && is_mark(read, m->first - 1, MARK_EACH))
        return next;
    if (m->first > clause->first && is_punct(at(read, m->first - 1), '/'))
        return next;
    struct intent_fact *fact = intent_add(read, FIELD_DURATION, m->first, next);
    fact->value = m->value * unit_days(unit);
    fact->upper = m->upper * unit_days(unit);
    return next;
}

/* ---- money ---- */

static int period_of(const struct intent_token *token)
{
    if (intent_is(token, CLASS_MARK, MARK_PERMONTH) || intent_is(token, CLASS_SPAN, SPAN_MONTH))
        return PERIOD_MONTH;
    if (intent_is(token, CLASS_MARK, MARK_PERYEAR) || intent_is(token, CLASS_SPAN, SPAN_YEAR))
        return PERIOD_YEAR;
    if (intent_is(token, CLASS_MARK, MARK_PERHOUR) || intent_is(token, CLASS_MOMENT, MOMENT_HOUR))
        return PERIOD_HOUR;
    if (intent_is(token, CLASS_MARK, MARK_ONCE))
        return PERIOD_ONCE;
    return PERIOD_ABSENT;
}

static void money(struct intent_read *read, const struct measure *m, int unit, uint32_t first,
                  uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    struct intent_fact *fact = intent_add(read, FIELD_BUDGET, first, last);
    fact->value = m->value;
    fact->upper = m->upper;
    fact->code = unit == UNIT_USD ? 2 : unit == UNIT_EUR ? 3 : 1;
    int period = PERIOD_ABSENT;
    /* the nearest word of a period: right first, then left */
    for (uint32_t i = last; i < clause->last && !period; i++)
        if (!at(read, i)->masked && at(read, i)->kind != TOKEN_NUMBER)
            period = period_of(at(read, i));
    for (uint32_t i = first; i-- > clause->first && !period;)
        if (!at(read, i)->masked)
            period = period_of(at(read, i));
    /* 年/month without a number: 元/月, 每人每年 */
    for (uint32_t i = last; i < clause->last && i < last + 4 && !period; i++) {
        int u = unit_of(read, i, clause->last);
        if (at(read, i)->kind == TOKEN_NUMBER)
            break;
        period = u == UNIT_MONTH  ? PERIOD_MONTH
                 : u == UNIT_YEAR ? PERIOD_YEAR
                 : u == UNIT_HOUR ? PERIOD_HOUR
                                  : 0;
    }
    fact->factor = period ? period : PERIOD_ONCE;
    for (uint32_t i = first; i-- > clause->first;)
        if (is_mark(read, i, MARK_EACH) && (intent_is(at(read, i + 1), CLASS_UNIT, UNIT_MACHINE) ||
                                            at(read, i)->end - at(read, i)->begin > 3))
            fact->flags |= FACT_PER_MACHINE;
    for (uint32_t i = last; i < clause->last; i++)
        if (is_mark(read, i, MARK_EACH) && at(read, i)->end - at(read, i)->begin > 3)
            fact->flags |= FACT_PER_MACHINE;
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_BUDGET) != UINT32_MAX)
        fact->flags |= FACT_LABELLED;
}

static bool money_clause(const struct intent_read *read, const struct intent_clause *clause)
{
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_BUDGET) != UINT32_MAX)
        return true;
    return clause > read->clauses.items && clause[-1].sentence == clause->sentence &&
           !clause[-1].masked &&
           intent_find(read, clause[-1].first, clause[-1].last, CLASS_LABEL, LABEL_BUDGET) !=
               UINT32_MAX &&
           last_of(read, FIELD_BUDGET, (uint32_t)(clause - 1 - read->clauses.items)) == NULL;
}

/* ---- load ---- */

static double per_second(const struct intent_read *read, const struct intent_clause *clause,
                         uint32_t number, bool *ret_rate)
{
    double divide = 0;
    for (uint32_t i = clause->first; i < clause->last; i++) {
        const struct intent_token *token = at(read, i);
        if (i == number || token->masked)
            continue;
        if (is_mark(read, i, MARK_PERSECOND) ||
            (i > number && intent_is(token, CLASS_MOMENT, MOMENT_SECOND)))
            divide = 1;
        else if (is_mark(read, i, MARK_PERMINUTE) ||
                 (intent_is(token, CLASS_MOMENT, MOMENT_MINUTE)))
            divide = 60;
        else if (is_mark(read, i, MARK_PERHOUR) || (intent_is(token, CLASS_MOMENT, MOMENT_HOUR)))
            divide = 3600;
        else
            continue;
        break;
    }
    *ret_rate = divide > 0;
    return divide > 0 ? divide : 1;
}

static void load(struct intent_read *read, const struct measure *m, int unit, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    bool rate = false;
    double divide = per_second(read, clause, m->first, &rate);
    bool fps = unit == UNIT_FRAME || unit == UNIT_RATE;
    if (!rate && !fps)
        return;
    if (unit == UNIT_FRAME && !rate && !is_mark(read, m->unit, MARK_PERSECOND) &&
        time_cue(read, clause) && m->value <= 1)
        return;
    struct intent_fact *fact = intent_add(read, FIELD_THROUGHPUT, m->first, last);
    fact->value = m->upper / divide;
    fact->upper = fact->value;
    if (has_mark(read, clause, MARK_PEAK))
        fact->flags |= FACT_PEAK;
    if (unit == UNIT_FRAME)
        fact->flags |= FACT_PER_STREAM;
}

static void users(struct intent_read *read, const struct measure *m, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_CONCURRENT) == UINT32_MAX)
        return;
    struct intent_fact *fact = intent_add(read, FIELD_USERS, m->first, last);
    fact->value = m->upper;
    if (has_mark(read, clause, MARK_PEAK))
        fact->flags |= FACT_PEAK;
}

/* ---- machines and cards ---- */

static struct intent_fact *count(struct intent_read *read, const struct measure *m, uint32_t last,
                                 bool form)
{
    struct intent_fact *fact = add(read, FIELD_COUNT, m, last);
    if (form)
        fact->flags |= FACT_FORM;
    return fact;
}

/* [昇腾] 910B [卡] from token i: kind and model; returns the token after it, or i if there is none.
 */
static uint32_t card_noun(const struct intent_read *read, uint32_t i, uint32_t last,
                          const struct intent_sense **ret_kind,
                          const struct intent_sense **ret_model)
{
    uint32_t start = i;
    for (; i < last; i++) {
        const struct intent_sense *model = intent_sense_of(at(read, i), CLASS_ACCEL);
        const struct intent_sense *kind = intent_sense_of(at(read, i), CLASS_ACCELKIND);
        if (model && !*ret_model)
            *ret_model = model;
        else if (kind)
            *ret_kind = *ret_kind ? *ret_kind : kind;
        else if (!(i > start && i + 1 < last && is_punct(at(read, i), '-') &&
                   intent_sense_of(at(read, i + 1), CLASS_ACCEL)))
            break;
    }
    return i;
}

static uint32_t card_fact(struct intent_read *read, uint32_t first, uint32_t noun, uint32_t last,
                          double number, bool numbered)
{
    const struct intent_sense *kind = NULL, *model = NULL;
    uint32_t next = card_noun(read, noun, last, &kind, &model);
    uint32_t end = next;
    uint16_t share = 0;
    if (unit_of(read, next, last) == UNIT_CARD && !numbered)
        end = ++next;
    else if (unit_of(read, next, last) == UNIT_CARD)
        end = ++next;
    if (!numbered) { /* A10一张, A100 x 8, 910B一共32张, GPU 2块 */
        uint32_t i = next;
        while (i < last && i < next + 4 && at(read, i)->kind != TOKEN_NUMBER) {
            const struct intent_token *token = at(read, i);
            if (is_mark(read, i, MARK_TOTAL))
                share = FACT_TOTAL;
            else if (is_mark(read, i, MARK_EACH))
                share = FACT_EACH;
            else if (!intent_sense_of(token, CLASS_MUL) && !intent_sense_of(token, CLASS_FUNC) &&
                     !is_punct(token, ':') && !intent_is(token, CLASS_MARK, MARK_NEED) &&
                     !intent_is(token, CLASS_MARK, MARK_BOUND) &&
                     !intent_is(token, CLASS_MARK, MARK_APPROX))
                break;
            i++;
        }
        if (i < last && at(read, i)->kind == TOKEN_NUMBER && !at(read, i)->used) {
            bool by = i > next && intent_sense_of(at(read, i - 1), CLASS_MUL);
            int unit = unit_of(read, i + 1, last);
            bool machines = unit == UNIT_MACHINE || intent_sense_of(at(read, i + 1), CLASS_MACHINE);
            bool pieces = unit == UNIT_PIECE &&
                          (i + 2 >= last || !intent_sense_of(at(read, i + 2), CLASS_MACHINE));
            if (unit == UNIT_CARD || (by && !machines && unit == UNIT_NONE) || pieces ||
                (unit == UNIT_NONE && is_punct(at(read, next), ':') && i == next + 1)) {
                number = at(read, i)->number;
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
    fact->flags |= share ? share : share_flags(read, first, end);
    if (intent_negated(read, first, end))
        fact->flags |= FACT_NEGATED;
    return end;
}

static bool starts_card(const struct intent_read *read, uint32_t i, uint32_t last)
{
    return i < last && (intent_sense_of(at(read, i), CLASS_ACCEL) ||
                        intent_sense_of(at(read, i), CLASS_ACCELKIND));
}

/* The machine or delivery word that a counted noun phrase ends in, or UINT32_MAX. */
static uint32_t phrase_head(const struct intent_read *read, uint32_t i, uint32_t last)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t k = i; k < last && k < i + WINDOW; k++) {
        const struct intent_token *token = at(read, k);
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
        if (token->kind == TOKEN_WORD && intent_sense_of(token, CLASS_FUNC) &&
            !is_han(read, k, "的"))
            break;
    }
    return found;
}

/* ---- the number alone ---- */

static uint32_t by_label(struct intent_read *read, struct measure *m, int label)
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
    default:
        return m->first + 1;
    }
    add(read, field, m, m->unit)->flags |= FACT_LABELLED;
    return m->unit;
}

static uint32_t bare(struct intent_read *read, struct measure *m, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    uint32_t next = m->unit;
    bool times_after = next < last && intent_sense_of(at(read, next), CLASS_MUL);
    bool times_before =
        m->first > clause->first && intent_sense_of(at(read, m->first - 1), CLASS_MUL);
    if (times_before && (m->first + 1 == last || !times_after)) {
        struct intent_fact *previous =
            read->facts.count ? &read->facts.items[read->facts.count - 1] : NULL;
        if (previous && previous->field == FIELD_STREAMS &&
            previous->clause == at(read, m->first)->clause)
            return next;
        count(read, m, next, false);
        return next;
    }
    if (times_after) {
        if (starts_card(read, next + 1, last))
            return card_fact(read, m->first, next + 1, last, m->value, true);
        if (next + 1 < last && at(read, next + 1)->kind == TOKEN_NUMBER) {
            int unit = unit_of(read, next + 2, last);
            if (unit == UNIT_GB || unit == UNIT_TB) {
                uint32_t c = intent_find(read, clause->first, last, CLASS_UNIT, UNIT_CORE);
                if (c == UINT32_MAX || c < m->first)
                    return next + 1; /* disks: the size takes the number of pieces */
            }
        }
        count(read, m, next + 1, false);
        return next + 1;
    }
    if (starts_card(read, next, last)) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t after = card_noun(read, next, last, &kind, &model);
        if (after < last && intent_sense_of(at(read, after), CLASS_MACHINE)) {
            count(read, m, next, false);
            return next;
        }
        return card_fact(read, m->first, next, last, m->value, true);
    }
    int column = clause->column;
    if (column && next == last)
        return column == LABEL_CARDCOUNT ? next : by_label(read, m, column);
    uint32_t left = label_left(read, m->first);
    int label = label_code(read, left);
    if (label == LABEL_BUDGET ||
        (money_clause(read, clause) && (m->scaled || m->value >= 100) && label == LABEL_NONE &&
         phrase_head(read, next, last) == UINT32_MAX)) {
        money(read, m, UNIT_CNY, m->first, next);
        return next;
    }
    if (next < last && intent_is(at(read, next), CLASS_LABEL, LABEL_PUBLIC_IP)) {
        read->tokens.items[next].used = true;
        add(read, FIELD_PUBLIC_IPS, m, next + 1);
        return next + 1;
    }
    if (next < last && intent_is(at(read, next), CLASS_LABEL, LABEL_CONCURRENT) && m->value >= 2) {
        struct intent_fact *fact = intent_add(read, FIELD_USERS, m->first, next + 1);
        fact->value = m->upper;
        return next + 1;
    }
    uint32_t head = phrase_head(read, next, last);
    if (head != UINT32_MAX) {
        count(read, m, next, false);
        return next;
    }
    if (next < last && intent_is(at(read, next), CLASS_LABEL, LABEL_CPU))
        return by_label(read, m, LABEL_CPU);
    if (label != LABEL_NONE && label != LABEL_RESPONSE) {
        read->tokens.items[left].used = true;
        return by_label(read, m, label);
    }
    if (clause->correction && read->facts.count > 0)
        count(read, m, next, false);
    return next;
}

static uint32_t protection(struct intent_read *read, const struct measure *m, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_PROTECTION) == UINT32_MAX)
        return last;
    if (m->value < 1 || m->value > 5)
        return last;
    struct intent_fact *fact = intent_add(read, FIELD_PROTECTION, m->first, last);
    fact->value = m->value;
    return last;
}

/* 个: of what? */
static uint32_t pieces(struct intent_read *read, struct measure *m, uint32_t last)
{
    uint32_t next = m->next;
    for (uint32_t i = next; i < last && i < next + 4; i++) {
        if (intent_is(at(read, i), CLASS_LABEL, LABEL_PUBLIC_IP)) {
            read->tokens.items[i].used = true;
            add(read, FIELD_PUBLIC_IPS, m, i + 1);
            return i + 1;
        }
        if (at(read, i)->kind == TOKEN_NUMBER || at(read, i)->kind == TOKEN_PUNCT)
            break;
    }
    if (is_han(read, next, "月") || is_han(read, next, "半")) {
        if (is_han(read, next, "半")) { /* 一个半月 */
            m->value += 0.5;
            next++;
        }
        if (is_han(read, next, "月")) {
            m->next = next + 1;
            struct intent_fact *fact = intent_add(read, FIELD_DURATION, m->first, next + 1);
            fact->value = fact->upper = m->value * 30;
            return next + 1;
        }
    }
    if (starts_card(read, next, last)) {
        const struct intent_sense *kind = NULL, *model = NULL;
        uint32_t after = card_noun(read, next, last, &kind, &model);
        if (after >= last || !intent_sense_of(at(read, after), CLASS_MACHINE))
            return card_fact(read, m->first, next, last, m->value, true);
    }
    if (phrase_head(read, next, last) != UINT32_MAX) {
        count(read, m, next, false);
        return next;
    }
    /* 容器2个, 1核2G的容器一个 */
    const struct intent_token *before = m->first > 0 ? at(read, m->first - 1) : NULL;
    if (before &&
        (intent_sense_of(before, CLASS_DELIVERY) || intent_sense_of(before, CLASS_MACHINE) ||
         intent_is(before, CLASS_UNIT, UNIT_INSTANCE))) {
        count(read, m, next, false);
        return next;
    }
    if (before && intent_is(before, CLASS_LABEL, LABEL_PUBLIC_IP)) {
        read->tokens.items[m->first - 1].used = true;
        add(read, FIELD_PUBLIC_IPS, m, next);
        return next;
    }
    if (clause_of(read, m->first)->column == LABEL_COUNT) {
        count(read, m, next, false);
        return next;
    }
    return next;
}

static uint32_t cards(struct intent_read *read, struct measure *m, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, m->first);
    uint32_t next = m->next;
    if (is_mark(read, next, MARK_EACH) || is_han(read, next, "的"))
        next++;
    if (starts_card(read, next, last))
        return card_fact(read, m->first, next, last, m->value, true);
    if (is_han(read, m->unit, "块")) {
        if (next < last && (at(read, next)->kind == TOKEN_NUMBER ||
                            intent_is(at(read, next), CLASS_LABEL, LABEL_DISK)))
            return m->next; /* disks */
        if (money_clause(read, clause) || m->value >= 50) {
            money(read, m, UNIT_CNY, m->first, m->next);
            return m->next;
        }
    }
    /* a number of cards whose kind was or will be named */
    for (size_t i = read->facts.count; i-- > 0;) {
        struct intent_fact *fact = &read->facts.items[i];
        if (fact->field == FIELD_ACCEL && fact->value == 0 && !(fact->flags & FACT_NEGATED) &&
            fact->clause + 2 >= at(read, m->first)->clause) {
            fact->value = m->value;
            fact->last = fact->clause == at(read, m->first)->clause ? m->next : fact->last;
            fact->flags |= share_flags(read, m->first, m->next);
            return m->next;
        }
        if (fact->field == FIELD_COUNT || fact->clause + 2 < at(read, m->first)->clause)
            break;
    }
    if (is_han(read, m->unit, "卡")) { /* 8卡: the kind is a GPU unless another is named nearby */
        struct intent_fact *fact = intent_add(read, FIELD_ACCEL, m->first, m->next);
        fact->code = ACCELERATOR_GPU;
        fact->value = m->value;
        fact->flags |= share_flags(read, m->first, m->next);
    }
    return m->next;
}

uint32_t intent_quantity(struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = clause_of(read, first);
    uint32_t last = clause->last;
    if (starts_card(read, first, last)) {
        return card_fact(read, first, first, last, 0, false);
    }
    if (at(read, first)->used)
        return first + 1;
    struct measure m = measure_at(read, first, last);
    int unit = unit_of(read, m.unit, last);
    if (unit == UNIT_NONE) {
        if (intent_sense_of(at(read, m.unit), CLASS_SPEED) &&
            m.unit < last) { /* 2个千兆 has no meaning; 1千兆 */
            bandwidth(read,
                      &(struct measure){
                          .first = first,
                          .value = m.value * intent_sense_of(at(read, m.unit), CLASS_SPEED)->number,
                          .upper = m.value},
                      UNIT_MBPS, m.next);
            return m.next;
        }
        /* $120, ¥200, RMB 40k */
        int before = first > clause->first ? unit_of(read, first - 1, last) : UNIT_NONE;
        if (before == UNIT_USD || before == UNIT_CNY || before == UNIT_EUR) {
            money(read, &m, before, first - 1, m.unit);
            return m.unit;
        }
        if (first > clause->first && intent_is(at(read, first - 1), CLASS_LABEL, LABEL_LEVEL))
            return protection(read, &m, m.unit);
        if (first > clause->first && intent_is(at(read, first - 1), CLASS_LABEL, LABEL_PROTECTION))
            return protection(read, &m, m.unit);
        return bare(read, &m, last);
    }
    switch (unit) {
    case UNIT_CORE: {
        add(read, FIELD_CPU, &m, m.next);
        uint32_t next = m.next;
        while (next < last && intent_is(at(read, next), CLASS_LABEL, LABEL_CPU)) {
            read->tokens.items[next].used = true;
            next++;
        }
        return next;
    }
    case UNIT_GB:
    case UNIT_TB:
    case UNIT_PB:
    case UNIT_MB:
        return storage(read, &m, unit);
    case UNIT_MBPS:
    case UNIT_GBPS:
    case UNIT_TBPS:
    case UNIT_KBPS:
    case UNIT_MBYTEPS:
    case UNIT_GBYTEPS:
        bandwidth(read, &m, unit, m.next);
        return m.next;
    case UNIT_US:
        bound_time(read, &m, 0.001, unit);
        return m.next;
    case UNIT_MS:
        bound_time(read, &m, 1, unit);
        return m.next;
    case UNIT_S:
        bound_time(read, &m, 1000, unit);
        return m.next;
    case UNIT_MINUTE:
        bound_time(read, &m, 60000, unit);
        return m.next;
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
        return duration(read, &m, unit);
    case UNIT_MACHINE:
        count(read, &m, m.next, true);
        return m.next;
    case UNIT_INSTANCE:
        count(read, &m, m.next, false);
        return m.next;
    case UNIT_PIECE:
        return pieces(read, &m, last);
    case UNIT_CARD:
        return cards(read, &m, last);
    case UNIT_STREAM: {
        struct intent_fact *fact = intent_add(read, FIELD_STREAMS, first, m.next);
        fact->value = m.value;
        return m.next;
    }
    case UNIT_PERSON:
        users(read, &m, m.next);
        return m.next;
    case UNIT_FRAME:
    case UNIT_REQUEST:
    case UNIT_RATE:
        load(read, &m, unit, m.next);
        return m.next;
    case UNIT_CNY:
    case UNIT_USD:
    case UNIT_EUR: {
        /* "¥200元", "US$500 USD": the sign before belongs to the number */
        uint32_t from =
            first > clause->first && unit_of(read, first - 1, last) == unit ? first - 1 : first;
        money(read, &m, unit, from, m.next);
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
    case UNIT_LEVEL:
        return protection(read, &m, m.next);
    case UNIT_REPLICA: {
        struct intent_fact *fact = intent_add(read, FIELD_REPLICAS, first, m.next);
        fact->value = m.value;
        return m.next;
    }
    default:
        return m.next;
    }
}
