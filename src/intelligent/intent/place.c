/* place.c - places: where it runs, where the users are, and what data must not leave.
 *
 * Contract: the most specific of several names wins; the place of a company in an introduction, of
 * a way (A到B) and of the other site (异地灾备) is none.  Each look around stays in its clause and
 * the one before it. */
#include "base/str.h"
#include "intelligent/intent/quantity_priv.h"

#define NEAR 6 /* tokens between a word and what qualifies it */

static const struct intent_clause *clause_of(const struct intent_read *read, uint32_t i)
{
    return &read->clauses.items[intent_at(read, i)->clause];
}

static bool mark_at(const struct intent_read *read, uint32_t i, int mark)
{
    return intent_is(intent_at(read, i), CLASS_MARK, mark);
}

uint32_t intent_residency(struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    for (uint32_t k = i + 1; k < clause->last && k < i + NEAR; k++) {
        const struct intent_token *token = intent_at(read, k);
        const struct intent_sense *place = intent_sense_of(token, CLASS_PLACE);
        const char *value = NULL;
        if (place)
            value = place->value;
        else if (mark_at(read, k, MARK_COUNTRY))
            value = "中国";
        else if (mark_at(read, k, MARK_PREMISES) || intent_sense_of(token, CLASS_USER))
            value = "on-premises";
        else if (mark_at(read, k, MARK_PROVINCE))
            value = "省";
        else if (mark_at(read, k, MARK_TOWNWORD))
            value = "市";
        if (!value) {
            if (token->kind == TOKEN_NUMBER)
                break;
            continue;
        }
        /* 江苏苏州 → the most specific */
        const struct intent_sense *more = intent_sense_of(intent_at(read, k + 1), CLASS_PLACE);
        if (place && more && k + 1 < clause->last && more->extra && str_eq(more->extra, value)) {
            value = more->value;
            k++;
        }
        struct intent_fact *fact = intent_add(read, FIELD_RESIDENCY, i, k + 1);
        fact->text = value;
        fact->value = str_eq(value, "on-premises") ? 4 /* how narrow */
                      : str_eq(value, "中国")      ? 0
                      : !place                     ? 2
                      : place->code == LEVEL_CITY  ? 3
                                                   : 1;
        return k + 1;
    }
    return i + 1;
}

/* 光伏在格尔木, 主会场在拉萨: an unknown noun that is no part of the system stands there. */
static bool noun_stands(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    if (i < clause->first + 2 || !mark_at(read, i - 1, MARK_AT))
        return false;
    bool noun = false;
    for (uint32_t k = i + 1; k < clause->last; k++)
        if (intent_at(read, k)->kind == TOKEN_NUMBER || intent_is_head(intent_at(read, k)))
            return false;
    for (uint32_t k = clause->first; k + 1 < i; k++) {
        const struct intent_token *token = intent_at(read, k);
        if (token->kind == TOKEN_HAN || intent_sense_of(token, CLASS_UNIT) ||
            (noun && mark_at(read, k, MARK_ALL)) || mark_at(read, k, MARK_SPLIT) ||
            mark_at(read, k, MARK_PREMISES) || mark_at(read, k, MARK_INSTITUTION))
            noun = true;
        else if (!intent_sense_of(token, CLASS_FUNC))
            return false;
    }
    return noun;
}

/* 6家店，都在绵阳; "the plant (Tangshan)": the clause before spoke of the users. */
static bool of_users(const struct intent_read *read, uint32_t i)
{
    uint32_t c = intent_at(read, i)->clause;
    const struct intent_clause *clause = &read->clauses.items[c];
    if (c == 0 || clause[-1].sentence != clause->sentence || clause[-1].masked)
        return false;
    for (uint32_t k = clause->first; k < i; k++)
        if (!mark_at(read, k, MARK_ALL) && !mark_at(read, k, MARK_AT) &&
            !intent_sense_of(intent_at(read, k), CLASS_FUNC))
            return false;
    const struct intent_clause *before = clause - 1;
    if (clause->before == '(' && clause->last == i + 1)
        return intent_sense_of(intent_at(read, before->last - 1), CLASS_USER) != NULL;
    if (clause->before != ',' || i == clause->first || clause->last != i + 1)
        return false;
    bool user = false;
    for (uint32_t k = before->first; k < before->last; k++) {
        const struct intent_token *token = intent_at(read, k);
        user |= intent_sense_of(token, CLASS_USER) != NULL;
        if (intent_is_head(token) || intent_is(token, CLASS_UNIT, UNIT_MACHINE) ||
            intent_is(token, CLASS_UNIT, UNIT_CORE))
            return false;
    }
    return user;
}

/* Where is it said to be: of the users, of a company, or where the thing is to run? */
static int place_field(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    bool user = false;
    if (intent_find(read, clause->first, i, CLASS_MODE, MODE_MULTI_SITE) != UINT32_MAX &&
        intent_find(read, i, clause->last, CLASS_UNIT, UNIT_MACHINE) == UINT32_MAX)
        return 0; /* 异地灾备放洛阳: the other site */
    if (intent_find(read, clause->first, i, CLASS_MARK, MARK_BETWEEN) != UINT32_MAX)
        return 0; /* between our Leeds office and Manchester */
    for (uint32_t k = i + 1; k < clause->last && k <= i + 3; k++) {
        const struct intent_token *token = intent_at(read, k);
        if (mark_at(read, k, MARK_INSTITUTION))
            return 0;
        if (intent_is(token, CLASS_LABEL, LABEL_PLACE) || intent_sense_of(token, CLASS_TIER) ||
            intent_sense_of(token, CLASS_MACHINE))
            return FIELD_LOCATION;
        if (intent_sense_of(token, CLASS_USER)) {
            user = true;
            break;
        }
        if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_PUNCT ||
            intent_is_text(read, k, "but") || mark_at(read, k, MARK_PUT) ||
            mark_at(read, k, MARK_RUN))
            break;
    }
    for (uint32_t k = i; k-- > clause->first;) {
        const struct intent_token *token = intent_at(read, k);
        if (token->masked)
            continue;
        if (intent_is(token, CLASS_LABEL, LABEL_PLACE) || mark_at(read, k, MARK_PUT))
            return FIELD_LOCATION;
        if (intent_sense_of(token, CLASS_TIER) || intent_sense_of(token, CLASS_MACHINE) ||
            intent_sense_of(token, CLASS_DELIVERY) || intent_is(token, CLASS_UNIT, UNIT_MACHINE) ||
            (intent_sense_of(token, CLASS_APP) && !intent_sense_of(token, CLASS_USER)))
            return user ? FIELD_USER_LOCATION : FIELD_LOCATION;
        if (intent_sense_of(token, CLASS_USER) || intent_is(token, CLASS_UNIT, UNIT_PERSON))
            return FIELD_USER_LOCATION;
        if (mark_at(read, k, MARK_INSTITUTION) && k + 2 == i && mark_at(read, k + 1, MARK_AT) &&
            intent_find(read, clause->first, k, CLASS_MARK, MARK_RUN) == UINT32_MAX)
            return 0; /* a genomics startup in Wuhan */
        if (mark_at(read, k, MARK_INSTITUTION) && k > clause->first && k + 2 == i &&
            mark_at(read, k + 1, MARK_AT) &&
            intent_find(read, clause->first, k, CLASS_MARK, MARK_RUN) != UINT32_MAX &&
            intent_find(read, clause->first, k, CLASS_MARK, MARK_INTRO) == UINT32_MAX)
            return FIELD_USER_LOCATION; /* our Moodle for a university in Nairobi */
        if (mark_at(read, k, MARK_INTRO))
            return user ? FIELD_USER_LOCATION : 0;
    }
    if (!user && (noun_stands(read, i) || of_users(read, i)))
        return FIELD_USER_LOCATION;
    return user ? FIELD_USER_LOCATION : FIELD_LOCATION;
}

uint32_t intent_place(struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    const struct intent_sense *sense = intent_sense_of(intent_at(read, i), CLASS_PLACE);
    uint32_t end = i + 1;
    /* 江苏苏州, 山东省济南市 → the city; Tokyo, Japan and Suzhou, Jiangsu → the city */
    const struct intent_sense *next = intent_sense_of(intent_at(read, end), CLASS_PLACE);
    if (next && end < clause->last &&
        ((next->extra && str_eq(next->extra, sense->value)) ||
         (sense->code == LEVEL_COUNTRY && next->code == LEVEL_CITY && !next->extra))) {
        sense = next;
        end++;
    }
    const struct intent_fact *before =
        read->facts.count ? &read->facts.items[read->facts.count - 1] : NULL;
    if (before && (before->field == FIELD_LOCATION || before->field == FIELD_USER_LOCATION) &&
        before->last + 2 > i && before->sense &&
        ((before->sense->extra && str_eq(before->sense->extra, sense->value)) ||
         (sense->code == LEVEL_COUNTRY && before->sense->code == LEVEL_CITY)))
        return end;
    int field = place_field(read, i);
    const struct intent_token *sign = intent_at(read, end);
    if (end + 1 < clause->last && intent_sense_of(intent_at(read, end + 1), CLASS_PLACE) &&
        (mark_at(read, end, MARK_RANGE) ||
         (sign->kind == TOKEN_PUNCT && sign->punct == '-'))) /* 成都到绵阳: a way, not a place */
        return end + 2;
    if (!field || intent_negated(read, i, end))
        return end;
    struct intent_fact *fact = intent_add(read, field, i, end);
    fact->text = sense->value;
    fact->sense = sense;
    bool heads = false; /* "A booking site in Bangkok: 3 web servers, …" */
    for (uint32_t k = end; k < clause->last && k < end + 3; k++)
        heads |= intent_is_punct(intent_at(read, k), ':') && k > clause->first + 2;
    if (intent_said_of_all(read, i) || heads)
        fact->flags |= FACT_ALL;
    if (intent_is_either(read, i, CLASS_PLACE))
        fact->flags |= FACT_EITHER;
    return end;
}
