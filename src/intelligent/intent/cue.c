/* cue.c - facts that words alone carry: heads, places, tiers, modes, labels without a number.
 *
 * Contract: one walk over the tokens in order; numbers go to quantity.c.  Every look around is
 * bounded, so the walk is linear.  Facts stand in the order of the text. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/quantity_priv.h"

#define NAME_HAN 10        /* unknown characters that a name may take to the left of its head */
#define NAME_LATIN 3       /* unknown words */
#define NAME_WORD_BYTES 40 /* a longer one is no name */
#define NEAR 6             /* tokens between a word and what negates or qualifies it */

static const struct intent_clause *clause_of(const struct intent_read *read, uint32_t i)
{
    return &read->clauses.items[intent_at(read, i)->clause];
}

static bool mark_at(const struct intent_read *read, uint32_t i, int mark)
{
    return intent_is(intent_at(read, i), CLASS_MARK, mark);
}

bool intent_negated(const struct intent_read *read, uint32_t first, uint32_t last)
{
    const struct intent_clause *clause = clause_of(read, first);
    unsigned steps = 0;
    for (uint32_t i = first; i-- > clause->first && steps < NEAR; steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (intent_is(token, CLASS_MARK, MARK_NEGATION))
            return true;
        if (token->kind == TOKEN_NUMBER || intent_sense_of(token, CLASS_MACHINE) ||
            intent_is(token, CLASS_MARK, MARK_BOUND) || intent_is(token, CLASS_UNIT, UNIT_MACHINE))
            break;
        if (token->kind == TOKEN_PUNCT && token->punct != '&' && token->punct != '/')
            break;
    }
    steps = 0;
    for (uint32_t i = last; i < clause->last && steps < 3; i++, steps++) {
        const struct intent_token *token = intent_at(read, i);
        if (intent_is(token, CLASS_MARK, MARK_NEGATED)) {
            /* "GPU不要内存64G": a refusal before another noun refuses that one */
            const struct intent_token *next = intent_at(read, i + 1);
            if (i + 1 < clause->last &&
                (intent_sense_of(next, CLASS_LABEL) || intent_sense_of(next, CLASS_ACCELKIND) ||
                 intent_sense_of(next, CLASS_APP) || next->kind == TOKEN_NUMBER))
                return false;
            return true;
        }
        if (token->kind == TOKEN_PUNCT && token->punct == ':')
            continue; /* Backups: none */
        if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_PUNCT ||
            intent_sense_of(token, CLASS_LABEL) || intent_sense_of(token, CLASS_APP))
            break;
    }
    return false;
}

/* T4或A10都行: 或 beside it and another of its class on the other side. */
bool intent_is_either(const struct intent_read *read, uint32_t i, int class)
{
    const struct intent_clause *clause = clause_of(read, i);
    const struct intent_sense *own = intent_sense_of(intent_at(read, i), class);
    bool choice = false, other = false;
    uint32_t mark = UINT32_MAX, kind = UINT32_MAX;
    if (!own)
        return false;
    for (uint32_t k = clause->first; k < clause->last; k++) {
        if (mark_at(read, k, MARK_EITHER))
            choice = true;
        if (mark_at(read, k, MARK_EITHER))
            mark = k;
        if (class == CLASS_ACCEL && mark != UINT32_MAX && k > mark && i < mark &&
            intent_sense_of(intent_at(read, k), CLASS_ACCELKIND))
            other = true; /* RK3588或者昇腾 */
        if (class == CLASS_ACCEL && intent_sense_of(intent_at(read, k), CLASS_ACCELKIND) && k < i)
            kind = k;
        if (class == CLASS_ACCEL && mark == k && kind != UINT32_MAX && k < i)
            other = true;
        if (class == CLASS_TIER && intent_sense_of(intent_at(read, k), CLASS_CLOUD))
            other = true; /* 超算或者云都行 */
        const struct intent_sense *sense = intent_sense_of(intent_at(read, k), class);
        if (k != i && sense && !str_eq(sense->value, own->value) &&
            (k > i ? k - i : i - k) <= 2 * NEAR)
            other = true;
    }
    return choice && other;
}

bool intent_said_of_all(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    for (uint32_t k = clause->first; k < clause->last; k++)
        if (mark_at(read, k, MARK_ALL) && !intent_at(read, k)->masked)
            return true;
    return false;
}

static void simple(struct intent_read *read, uint32_t i, int field,
                   const struct intent_sense *sense, int class)
{
    if (intent_negated(read, i, i + 1))
        return;
    struct intent_fact *fact = intent_add(read, field, i, i + 1);
    fact->code = sense->code;
    fact->text = sense->value;
    fact->sense = sense;
    if (intent_said_of_all(read, i))
        fact->flags |= FACT_ALL;
    if (intent_is_either(read, i, class))
        fact->flags |= FACT_EITHER;
}

/* ---- heads ---- */

bool intent_is_head(const struct intent_token *token)
{
    return intent_sense_of(token, CLASS_APP) || intent_sense_of(token, CLASS_ROLE) ||
           intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_DELIVERY);
}

static uint32_t name_start(const struct intent_read *read, uint32_t first)
{
    const struct intent_clause *clause = clause_of(read, first);
    unsigned han = 0, latin = 0;
    uint32_t i = first;
    while (i > clause->first) {
        const struct intent_token *token = intent_at(read, i - 1);
        if (token->masked || token->used)
            break;
        if (token->kind == TOKEN_HAN && han < NAME_HAN)
            han++;
        else if (token->kind == TOKEN_LATIN && latin < NAME_LATIN &&
                 token->end - token->begin <= NAME_WORD_BYTES)
            latin++;
        else if (intent_sense_of(token, CLASS_APP) || intent_sense_of(token, CLASS_STOP))
            han++;
        else
            break;
        i--;
    }
    return i;
}

static bool conj_before(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    for (uint32_t k = i; k-- > clause->first && k + 4 > i;) {
        const struct intent_token *token = intent_at(read, k);
        if (token->kind == TOKEN_PUNCT && token->punct == '&')
            return true;
        if (intent_is(token, CLASS_MARK, MARK_CONJ) ||
            (token->kind == TOKEN_PUNCT && token->punct == '+'))
            return true;
        if (token->kind == TOKEN_NUMBER)
            return false;
    }
    return false;
}

/* 一个Jenkins一个GitLab: does 一个 stand before it, and a head before that? */
static bool one_more(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    return i >= clause->first + 3 && intent_is(intent_at(read, i - 1), CLASS_UNIT, UNIT_PIECE) &&
           intent_at(read, i - 2)->kind == TOKEN_NUMBER && intent_is_head(intent_at(read, i - 3));
}

static uint16_t run_before(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    for (uint32_t k = i; k-- > clause->first && k + 3 > i;) {
        const struct intent_token *token = intent_at(read, k);
        if (mark_at(read, k, MARK_RUN))
            return FACT_RUN;
        if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_PUNCT || intent_is_head(token))
            break;
    }
    return 0;
}

static uint32_t head(struct intent_read *read, uint32_t i)
{
    uint32_t last = clause_of(read, i)->last, end = i, named = UINT32_MAX;
    const struct intent_sense *part = intent_sense_of(intent_at(read, i), CLASS_APP);
    if (part && !part->scenario && i + 1 < last &&
        (intent_is_text(read, i + 1, "里") || intent_is_text(read, i + 1, "中")))
        return i + 1; /* 丢tomcat里跑 */
    int kind = HEAD_DELIVERY + 1, form = FORM_ABSENT;
    bool machine = false, negated = false;
    const struct intent_sense *use = NULL;
    while (end < last && !intent_at(read, end)->masked && intent_is_head(intent_at(read, end))) {
        const struct intent_token *token = intent_at(read, end);
        const struct intent_sense *sense;
        if (end > i && conj_before(read, end) && intent_at(read, end - 1)->kind == TOKEN_PUNCT)
            break;
        if ((sense = intent_sense_of(token, CLASS_APP))) {
            kind = HEAD_APP;
            if (sense->scenario) {
                struct intent_fact *fact = intent_add(read, FIELD_SCENARIO, end, end + 1);
                fact->text = sense->scenario;
                fact->value = sense->rank;
                if (intent_negated(read, i, end + 1))
                    fact->dead = negated = true;
            }
            if (!use || sense->rank > use->rank)
                use = sense;
            if (named == UINT32_MAX)
                named = end;
        } else if (intent_sense_of(token, CLASS_ROLE)) {
            kind = kind > HEAD_ROLE ? HEAD_ROLE : kind;
            if (named == UINT32_MAX)
                named = end;
        }
        if ((sense = intent_sense_of(token, CLASS_DELIVERY)))
            form = sense->code;
        else if ((sense = intent_sense_of(token, CLASS_MACHINE))) {
            machine = true;
            if (sense->scenario) {
                struct intent_fact *fact = intent_add(read, FIELD_SCENARIO, end, end + 1);
                fact->text = sense->scenario;
                fact->value = sense->rank;
            }
            if (!str_eq(sense->value, "desktop") && form == FORM_ABSENT)
                form = FORM_SERVER;
        }
        if (end > i && (sense = intent_sense_of(token, CLASS_TIER)) &&
            !intent_sense_of(token, CLASS_APP))
            simple(read, end, FIELD_TIER, sense, CLASS_TIER); /* 路侧边缘服务器 */
        end++;
    }
    if (kind > HEAD_DELIVERY)
        kind = machine ? HEAD_MACHINE : HEAD_DELIVERY;
    uint32_t start = name_start(read, i);
    if (kind == HEAD_ROLE && start < i)
        kind = HEAD_APP; /* 排班系统: a role with a name of its own */
    struct intent_fact *fact = intent_add(read, FIELD_HEAD, start, end);
    fact->code = (uint8_t)kind;
    fact->value = form;
    fact->sense = use;
    fact->text = intent_words(read, start, end);
    fact->flags |= run_before(read, start);
    if (conj_before(read, start) || one_more(read, start))
        fact->flags |= FACT_CONJ;
    if (negated || (intent_negated(read, start, end) && kind != HEAD_APP))
        fact->dead = true;
    return end;
}

/* 主站：… */
static uint32_t named(struct intent_read *read, const struct intent_clause *clause)
{
    struct intent_fact *fact = intent_add(read, FIELD_HEAD, clause->first, clause->name_end);
    fact->code = HEAD_APP;
    fact->text = intent_words(read, clause->first, clause->name_end);
    fact->value = FORM_ABSENT;
    size_t name = read->facts.count - 1;
    for (uint32_t i = clause->first; i < clause->name_end; i++) {
        fact = &read->facts.items[name];
        const struct intent_sense *delivery = intent_sense_of(intent_at(read, i), CLASS_DELIVERY),
                                  *app = intent_sense_of(intent_at(read, i), CLASS_APP);
        if (delivery)
            fact->value = delivery->code;
        else if (intent_sense_of(intent_at(read, i), CLASS_MACHINE) && fact->value == FORM_ABSENT)
            fact->value = FORM_SERVER;
        if (app && app->scenario) {
            fact->sense = app;
            struct intent_fact *use = intent_add(read, FIELD_SCENARIO, i, i + 1);
            use->text = app->scenario;
            use->value = app->rank;
        }
    }
    return intent_is_punct(intent_at(read, clause->name_end), ':') ? clause->name_end + 1
                                                                   : clause->name_end;
}

/* The first cell of a row names it, unless a head or a number stands in it. */
static bool row_name(struct intent_read *read, const struct intent_clause *clause)
{
    if (clause->column != LABEL_NAME && clause->column != 0)
        return false;
    for (uint32_t i = clause->first; i < clause->last; i++)
        if (intent_is_head(intent_at(read, i)) || intent_at(read, i)->kind == TOKEN_NUMBER)
            return false;
    struct intent_fact *fact = intent_add(read, FIELD_HEAD, clause->first, clause->last);
    fact->code = HEAD_APP;
    fact->value = FORM_ABSENT;
    fact->text = intent_words(read, clause->first, clause->last);
    return true;
}

/* ---- labels without numbers, marks ---- */

static void flag(struct intent_read *read, uint32_t i, int field)
{
    struct intent_fact *fact = intent_add(read, field, i, i + 1);
    fact->value = intent_negated(read, i, i + 1) ? 0 : 1;
}

/* "a 4C8G VM": the article counts one machine. */
static void article(struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    if (!(intent_is_text(read, i, "a") || intent_is_text(read, i, "an")) ||
        intent_negated(read, i, i + 1))
        return;
    if (i > clause->first && (mark_at(read, i - 1, MARK_EACH) || intent_is_text(read, i - 1, "as")))
        return;
    uint32_t head = intent_phrase_head(read, i + 1, clause->last);
    if (head == UINT32_MAX || !intent_sense_of(intent_at(read, head), CLASS_MACHINE))
        return;
    for (uint32_t k = i + 1; k < head; k++) /* a 3-node cluster */
        if (intent_at(read, k)->kind == TOKEN_NUMBER &&
            (k + 1 == head || (k + 2 == head && intent_is_punct(intent_at(read, k + 1), '-'))))
            return;
    const struct intent_token *after = intent_at(read, head + 1);
    if (head + 1 < clause->last && intent_sense_of(after, CLASS_ROLE))
        return; /* a VM platform */
    struct intent_fact *fact = intent_add(read, FIELD_COUNT, i, i + 1);
    fact->value = fact->upper = 1;
    for (uint32_t k = head + 1; k + 1 < clause->last && k < head + 4; k++)
        if (mark_at(read, k, MARK_EACH) && intent_sense_of(intent_at(read, k + 1), CLASS_USER))
            fact->flags |= FACT_EACH; /* an edge box per line */
}

static bool number_near(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    for (uint32_t k = i + 1; k < clause->last && k <= i + 3; k++)
        if (intent_at(read, k)->kind == TOKEN_NUMBER)
            return true;
    return false;
}

/* 尽快开通，越快越好: haste of the delivery is no preference. */
static bool of_delivery(const struct intent_read *read, uint32_t i)
{
    uint32_t c = intent_at(read, i)->clause;
    for (uint32_t k = c > 0 ? c - 1 : 0; k <= c; k++) {
        const struct intent_clause *clause = &read->clauses.items[k];
        if (clause->sentence == read->clauses.items[c].sentence &&
            intent_find(read, clause->first, clause->last, CLASS_MARK, MARK_DEADLINE) != UINT32_MAX)
            return true;
    }
    return false;
}

static uint32_t label(struct intent_read *read, uint32_t i, const struct intent_sense *sense)
{
    if (intent_at(read, i)->used)
        return i + 1;
    switch (sense->code) {
    case LABEL_NAME: { /* 系统名称：智慧食堂 */
        uint32_t colon = i + 1, last = clause_of(read, i)->last;
        bool head = false;
        for (uint32_t k = i + 1; k < last; k++)
            head |= intent_is_head(intent_at(read, k)) ||
                    intent_at(read, k)->kind == TOKEN_NUMBER || mark_at(read, k, MARK_RUN) ||
                    mark_at(read, k, MARK_NEED);
        if (sense->rank == 0 || colon + 1 >= last || head ||
            !intent_is_punct(intent_at(read, colon), ':'))
            break;
        struct intent_fact *fact = intent_add(read, FIELD_HEAD, colon + 1, last);
        fact->code = HEAD_APP;
        fact->value = FORM_ABSENT;
        fact->text = intent_words(read, colon + 1, last);
        return last;
    }
    case LABEL_BACKUP:
        if (i > clause_of(read, i)->first && i + 1 < clause_of(read, i)->last &&
            intent_sense_of(intent_at(read, i + 1), CLASS_MACHINE) &&
            intent_is(intent_at(read, i - 1), CLASS_UNIT, UNIT_MACHINE))
            break; /* 一台备份服务器: what it is for */
        flag(read, i, FIELD_BACKUP);
        break;
    case LABEL_ENCRYPTION:
        flag(read, i, FIELD_ENCRYPTION);
        break;
    case LABEL_NO_PUBLIC:
        intent_add(read, FIELD_PUBLIC_IPS, i, i + 1)->value = 0;
        break;
    case LABEL_PUBLIC_IP: {
        bool negated = intent_negated(read, i, i + 1);
        if (!negated && number_near(read, i))
            break;
        struct intent_fact *fact = intent_add(read, FIELD_PUBLIC_IPS, i, i + 1);
        fact->value = negated ? 0 : 1;
        const struct intent_clause *clause = clause_of(read, i);
        for (uint32_t k = clause->first; k < clause->last; k++)
            if (mark_at(read, k, MARK_EACH) && !negated)
                fact->flags |= FACT_EACH;
        break;
    }
    default:
        break;
    }
    return i + 1;
}

static uint32_t word(struct intent_read *read, uint32_t i)
{
    const struct intent_token *token = intent_at(read, i);
    const struct intent_sense *sense;
    if ((sense = intent_sense_of(token, CLASS_STOP)))
        return i + 1;
    if (intent_sense_of(token, CLASS_FUNC))
        article(read, i);
    if ((sense = intent_sense_of(token, CLASS_MARK)) && sense->code == MARK_SOCKET &&
        sense->number > 0) { /* 双路 */
        read->sockets = sense->number;
        read->sockets_clause = token->clause;
    }
    if (intent_is(token, CLASS_MARK, MARK_RESIDENCY)) {
        uint32_t end = intent_residency(read, i);
        if (end > i + 1)
            return end;
    }
    if (intent_sense_of(token, CLASS_PLACE))
        return intent_place(read, i);
    if (intent_sense_of(token, CLASS_HERE)) {
        struct intent_fact *fact = intent_add(read, FIELD_LOCATION, i, i + 1);
        fact->text = intent_sense_of(token, CLASS_HERE)->value;
        return i + 1;
    }
    if (intent_sense_of(token, CLASS_ACCEL) || intent_sense_of(token, CLASS_ACCELKIND)) {
        size_t before = read->facts.count;
        uint32_t end = intent_quantity(read, i);
        if (read->facts.count > before) {
            struct intent_fact *fact = &read->facts.items[read->facts.count - 1];
            for (uint32_t k = fact->first; k < fact->last; k++) {
                if (intent_is_either(read, k, CLASS_ACCEL) && fact->text)
                    fact->flags |= FACT_EITHER;
                if (intent_is_either(read, k, CLASS_ACCELKIND))
                    fact->flags |= FACT_EITHER | FACT_KINDS;
            }
        }
        return end > i ? end : i + 1;
    }
    if ((sense = intent_sense_of(token, CLASS_ACCESS))) {
        uint32_t before = i;
        while (before > clause_of(read, i)->first && i - before < 3 &&
               (before == i || intent_is_punct(intent_at(read, before), ':') ||
                mark_at(read, before, MARK_BOUND) || mark_at(read, before, MARK_APPROX)))
            before--;
        if (intent_is_text(read, i, "5g") && before < i &&
            intent_is(intent_at(read, before), CLASS_LABEL, LABEL_BANDWIDTH)) {
            struct intent_fact *fact = intent_add(read, FIELD_BANDWIDTH, i, i + 1);
            fact->value = fact->upper = 5000; /* 带宽5G */
            return i + 1;
        }
        simple(read, i, FIELD_ACCESS, sense, CLASS_ACCESS);
        return i + 1;
    }
    if ((sense = intent_sense_of(token, CLASS_TIER)))
        simple(read, i, FIELD_TIER, sense, CLASS_TIER);
    else if ((sense = intent_sense_of(token, CLASS_CLOUD)))
        simple(read, i, FIELD_CLOUD, sense, CLASS_CLOUD);
    else if ((sense = intent_sense_of(token, CLASS_ARCH)))
        simple(read, i, FIELD_ARCH, sense, CLASS_ARCH);
    else if ((sense = intent_sense_of(token, CLASS_MODE)))
        simple(read, i, FIELD_MODE, sense, CLASS_MODE);
    else if ((sense = intent_sense_of(token, CLASS_OBJECTIVE))) {
        if (sense->code != OBJECTIVE_LATENCY || !of_delivery(read, i))
            simple(read, i, FIELD_OBJECTIVE, sense, CLASS_OBJECTIVE);
    } else if ((sense = intent_sense_of(token, CLASS_SPEED))) {
        const struct intent_clause *clause = clause_of(read, i);
        if (intent_find(read, clause->first, clause->last, CLASS_LABEL, LABEL_CARRIER) !=
            UINT32_MAX)
            return i + 1; /* 内网万兆 */
        struct intent_fact *fact = intent_add(read, FIELD_BANDWIDTH, i, i + 1);
        fact->value = fact->upper = sense->number;
    } else if ((sense = intent_sense_of(token, CLASS_SPAN))) {
        struct intent_fact *fact = intent_add(read, FIELD_DURATION, i, i + 1);
        const struct intent_token *next = intent_at(read, i + 1);
        bool half = next->kind == TOKEN_NUMBER && next->number < 1 && next->clause == token->clause;
        fact->value = fact->upper = sense->number * (half ? 1.5 : 1); /* 一年半 */
        fact->sense = sense;
    } else if (intent_is(token, CLASS_MARK, MARK_ORDINAL)) { /* 第二台 */
        struct intent_fact *name = intent_add(read, FIELD_HEAD, i, i + 1);
        name->code = HEAD_APP;
        name->value = FORM_ABSENT;
        name->text = intent_words(read, i, i + 1);
        struct intent_fact *fact = intent_add(read, FIELD_COUNT, i, i + 1);
        fact->value = fact->upper = 1;
        fact->flags |= FACT_FORM;
        return i + 1;
    } else if (intent_is(token, CLASS_MARK, MARK_ONE)) { /* 来台 */
        struct intent_fact *fact = intent_add(read, FIELD_COUNT, i, i + 1);
        fact->value = fact->upper = 1;
        fact->flags |= FACT_FORM;
    } else if (intent_is(token, CLASS_MARK, MARK_DOUBLE)) {
        struct intent_fact *fact = intent_add(read, FIELD_DOUBLE, i, i + 1);
        fact->value = intent_sense_of(token, CLASS_MARK)->number;
    } else if (intent_is(token, CLASS_MARK, MARK_SAME)) {
        intent_add(read, FIELD_SAME, i, i + 1);
    } else if (intent_is(token, CLASS_MARK, MARK_PLACES)) {
        intent_add(read, FIELD_PLACES, i, i + 1)->factor =
            intent_sense_of(token, CLASS_MARK)->number;
    }
    if (intent_is_head(token))
        return head(read, i);
    if ((sense = intent_sense_of(token, CLASS_LABEL)))
        return label(read, i, sense);
    return i + 1;
}

/* 跑地震波反演: what is run has a name of its own, to the end of the clause. */
static bool runs_unknown(const struct intent_read *read, uint32_t i)
{
    const struct intent_token *token = intent_at(read, i);
    const struct intent_clause *clause = clause_of(read, i);
    if ((token->kind != TOKEN_HAN && token->kind != TOKEN_LATIN) || i == clause->first ||
        !mark_at(read, i - 1, MARK_RUN) ||
        intent_at(read, i - 1)->end - intent_at(read, i - 1)->begin < 3)
        return false;
    unsigned words = 0;
    for (uint32_t k = i; k < clause->last; k++, words++)
        if (intent_at(read, k)->kind != TOKEN_HAN && intent_at(read, k)->kind != TOKEN_LATIN)
            return false;
    return words >= 2 && words <= NAME_HAN;
}

static uint32_t unknown(struct intent_read *read, uint32_t i)
{
    uint32_t last = clause_of(read, i)->last;
    struct intent_fact *fact = intent_add(read, FIELD_HEAD, i, last);
    fact->code = HEAD_APP;
    fact->value = FORM_ABSENT;
    fact->text = intent_words(read, i, last);
    fact->flags |= FACT_RUN;
    return last;
}

/* DNS和RADIUS各两台: an unknown word beside a head, before their count. */
static bool joins_head(const struct intent_read *read, uint32_t i)
{
    const struct intent_clause *clause = clause_of(read, i);
    if (i < clause->first + 2 || i + 1 >= clause->last || !conj_before(read, i) ||
        !intent_is_head(intent_at(read, i - 2)) ||
        intent_at(read, i)->end - intent_at(read, i)->begin < 2)
        return false;
    return mark_at(read, i + 1, MARK_EACH);
}

static uint32_t joined(struct intent_read *read, uint32_t i)
{
    struct intent_fact *fact = intent_add(read, FIELD_HEAD, i, i + 1);
    fact->code = HEAD_APP;
    fact->value = FORM_ABSENT;
    fact->text = intent_words(read, i, i + 1);
    fact->flags |= FACT_CONJ;
    return i + 1;
}

void intent_collect(struct intent_read *read)
{
    for (uint32_t i = 0; i < read->tokens.count;) {
        const struct intent_token *token = &read->tokens.items[i];
        if (token->masked || token->kind == TOKEN_PUNCT || token->clause >= read->clauses.count ||
            read->clauses.items[token->clause].header) {
            i++;
            continue;
        }
        uint32_t next = i + 1;
        const struct intent_clause *clause = &read->clauses.items[token->clause];
        if (clause->name_end > 0 && i < clause->name_end)
            next = named(read, clause);
        else if (clause->row && i == clause->first && row_name(read, clause))
            next = clause->last;
        else if (token->kind == TOKEN_NUMBER)
            next = intent_quantity(read, i);
        else if (token->kind == TOKEN_WORD)
            next = word(read, i);
        else if (runs_unknown(read, i))
            next = unknown(read, i);
        else if (token->kind == TOKEN_LATIN && joins_head(read, i))
            next = joined(read, i);
        i = next > i ? next : i + 1;
    }
}
