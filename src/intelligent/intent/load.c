/* load.c - times, durations, money, requests and users.
 *
 * Contract: a time is bound to network or response by the cues of its clause, then of the clauses
 * before it in the sentence; without a cue it says nothing unless it is in milliseconds. */
#include "intelligent/intent/quantity_priv.h"

/* ---- time ---- */

static int intent_time_cue(const struct intent_read *read, const struct intent_clause *clause)
{
    bool response = false, latency = false;
    for (uint32_t i = clause->first; i < clause->last; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->masked)
            continue;
        if (intent_is(token, CLASS_LABEL, LABEL_NETLATENCY))
            return FIELD_LATENCY;
        response |= intent_is(token, CLASS_LABEL, LABEL_RESPONSE);
        latency |= intent_is(token, CLASS_LABEL, LABEL_LATENCY);
    }
    return response ? FIELD_RESPONSE : latency ? FIELD_LATENCY : 0;
}

void intent_bound_time(struct intent_read *read, const struct intent_measure *m, double ms,
                       int unit)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    if (intent_has_mark(read, clause, MARK_RETENTION) ||
        (m->first > clause->first && intent_is_mark(read, m->first - 1, MARK_EACH)))
        return;
    int field = intent_time_cue(read, clause);
    for (const struct intent_clause *c = clause;
         !field && c > read->clauses.items && c - 1 >= clause - 2 &&
         c[-1].sentence == clause->sentence;
         c--)
        field = intent_time_cue(read, c - 1);
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
    case UNIT_HOUR:
        return 1.0 / 24;
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

uint32_t intent_duration(struct intent_read *read, struct intent_measure *m, int unit)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    uint32_t next = m->next;
    if (intent_is_text(read, next, "半") && next < clause->last) { /* 两年半 */
        m->value += 0.5;
        next++;
    }
    bool bare_month = unit == UNIT_MONTH && intent_is_text(read, m->unit, "月");
    if (unit == UNIT_YEAR && m->value >= 1900)
        return next;
    if (bare_month || intent_has_mark(read, clause, MARK_RETENTION) ||
        intent_has_mark(read, clause, MARK_DEADLINE))
        return next;
    if (m->first > clause->first && intent_is_mark(read, m->first - 1, MARK_EACH))
        return next;
    if (m->first > clause->first &&
        (intent_is_punct(intent_at(read, m->first - 1), '/') ||
         intent_is(intent_at(read, m->first - 1), CLASS_LABEL, LABEL_DISK)))
        return next; /* 存储30天 */
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

/* 一台一年6000: the clause states nothing but one machine and its price. */
static void price_of_one(struct intent_read *read, size_t budget)
{
    struct intent_fact *price = &read->facts.items[budget], *one = NULL;
    for (size_t i = budget; i-- > 0 && read->facts.items[i].clause == price->clause;) {
        struct intent_fact *fact = &read->facts.items[i];
        if (fact->field == FIELD_COUNT && fact->value == 1 && (fact->flags & FACT_FORM))
            one = fact;
        else if (fact->field < FIELD_BREAK)
            return;
    }
    if (one) {
        one->dead = true;
        price->flags |= FACT_PER_MACHINE;
    }
}

void intent_money(struct intent_read *read, const struct intent_measure *m, int unit,
                  uint32_t first, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    struct intent_fact *fact = intent_add(read, FIELD_BUDGET, first, last);
    fact->value = m->value;
    fact->upper = m->upper;
    fact->code = unit == UNIT_USD ? 2 : unit == UNIT_EUR ? 3 : 1;
    int period = PERIOD_ABSENT;
    /* the nearest word of a period: right first, then left */
    for (uint32_t i = last; i < clause->last && !period; i++)
        if (!intent_at(read, i)->masked && intent_at(read, i)->kind != TOKEN_NUMBER)
            period = period_of(intent_at(read, i));
    for (uint32_t i = first; i-- > clause->first && !period;)
        if (!intent_at(read, i)->masked)
            period = period_of(intent_at(read, i));
    /* 年/month without a number: 元/月, 每人每年 */
    for (uint32_t i = last; i < clause->last && i < last + 4 && !period; i++) {
        int u = intent_unit_of(read, i, clause->last);
        if (intent_at(read, i)->kind == TOKEN_NUMBER)
            break;
        period = u == UNIT_MONTH  ? PERIOD_MONTH
                 : u == UNIT_YEAR ? PERIOD_YEAR
                 : u == UNIT_HOUR ? PERIOD_HOUR
                                  : 0;
    }
    fact->factor = period ? period : PERIOD_ONCE;
    for (uint32_t i = first; i-- > clause->first;)
        if (intent_is_mark(read, i, MARK_EACH) &&
            (intent_is(intent_at(read, i + 1), CLASS_UNIT, UNIT_MACHINE) ||
             intent_at(read, i)->end - intent_at(read, i)->begin > 3))
            fact->flags |= FACT_PER_MACHINE;
    for (uint32_t i = last; i < clause->last; i++)
        if (intent_is_mark(read, i, MARK_EACH) &&
            intent_at(read, i)->end - intent_at(read, i)->begin > 3)
            fact->flags |= FACT_PER_MACHINE;
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_BUDGET) != UINT32_MAX)
        fact->flags |= FACT_LABELLED;
    price_of_one(read, read->facts.count - 1);
}

bool intent_money_clause(const struct intent_read *read, const struct intent_clause *clause)
{
    if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_BUDGET) != UINT32_MAX)
        return true;
    return clause > read->clauses.items && clause[-1].sentence == clause->sentence &&
           !clause[-1].masked &&
           intent_find(read, clause[-1].first, clause[-1].last, CLASS_LABEL, LABEL_BUDGET) !=
               UINT32_MAX &&
           intent_last_of(read, FIELD_BUDGET, (uint32_t)(clause - 1 - read->clauses.items)) == NULL;
}

/* ---- load ---- */

static double per_second(const struct intent_read *read, const struct intent_clause *clause,
                         uint32_t number, bool *ret_rate)
{
    double divide = 0;
    for (uint32_t i = clause->first; i < clause->last; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (i == number || token->masked)
            continue;
        if (intent_is_mark(read, i, MARK_PERSECOND) ||
            (i > number && intent_is(token, CLASS_MOMENT, MOMENT_SECOND)))
            divide = 1;
        else if (intent_is_mark(read, i, MARK_PERMINUTE) ||
                 (intent_is(token, CLASS_MOMENT, MOMENT_MINUTE)))
            divide = 60;
        else if (intent_is_mark(read, i, MARK_PERHOUR) ||
                 (intent_is(token, CLASS_MOMENT, MOMENT_HOUR)))
            divide = 3600;
        else
            continue;
        break;
    }
    *ret_rate = divide > 0;
    return divide > 0 ? divide : 1;
}

void intent_load(struct intent_read *read, const struct intent_measure *m, int unit, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    bool rate = false;
    double divide = per_second(read, clause, m->first, &rate);
    bool fps = unit == UNIT_FRAME || unit == UNIT_RATE;
    if (!rate && !fps)
        return;
    if (unit == UNIT_FRAME && !rate && !intent_is_mark(read, m->unit, MARK_PERSECOND) &&
        intent_time_cue(read, clause) && m->value <= 1)
        return;
    struct intent_fact *fact = intent_add(read, FIELD_THROUGHPUT, m->first, last);
    fact->value = m->upper / divide;
    fact->upper = fact->value;
    if (intent_has_mark(read, clause, MARK_PEAK))
        fact->flags |= FACT_PEAK;
    if (unit == UNIT_FRAME)
        fact->flags |= FACT_PER_STREAM;
}

static bool contains(const struct intent_read *read, uint32_t i, const char *word)
{
    const struct intent_token *token = intent_at(read, i);
    size_t len = strlen(word);
    for (size_t at = token->begin; at + len <= token->end; at++)
        if (memcmp(read->text.data + at, word, len) == 0)
            return true;
    return false;
}

void intent_users(struct intent_read *read, const struct intent_measure *m, uint32_t last)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    bool named = intent_unit_of(read, m->unit, clause->last) == UNIT_PERSON &&
                 strstr(intent_sense_of(intent_at(read, m->unit), CLASS_UNIT)->value, "person") &&
                 (contains(read, m->unit, "并发") || contains(read, m->unit, "concurrent"));
    if (!named &&
        intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_CONCURRENT) == UINT32_MAX)
        return;
    struct intent_fact *fact = intent_add(read, FIELD_USERS, m->first, last);
    fact->value = m->upper;
    if (intent_has_mark(read, clause, MARK_PEAK))
        fact->flags |= FACT_PEAK;
}
