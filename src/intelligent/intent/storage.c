/* storage.c - sizes in bytes: memory, disk, video memory (which has no field), bandwidth.
 *
 * Contract: the label beside the number decides; without one the usual order of a specification
 * (cores, memory, disk).  A label serves one number. */
#include <stdlib.h>

#include "intelligent/intent/phrase.h"
#include "intelligent/intent/quantity_priv.h"

/* ---- memory, disk, bandwidth ---- */

static bool is_storage_label(int label)
{
    return label == LABEL_MEMORY || label == LABEL_DISK || label == LABEL_VRAM ||
           label == LABEL_BANDWIDTH || label == LABEL_CARRIER;
}

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

void intent_bandwidth(struct intent_read *read, const struct intent_measure *m, int unit,
                      uint32_t last)
{
    struct intent_fact *fact = intent_measure_add(read, FIELD_BANDWIDTH, m, last);
    fact->value *= unit_mbps(unit);
    fact->upper *= unit_mbps(unit);
    for (uint32_t i = m->first; i-- > intent_clause_of(read, m->first)->first;)
        if (intent_is_mark(read, i, MARK_EACH) &&
            intent_unit_of(read, i + 1, m->first) == UNIT_STREAM)
            fact->flags |= FACT_PER_STREAM;
}

/* What the phrase so far lacks: after cores memory, then disk. */
/* Was a function named in this sentence; or a line and nothing that runs? */
static void said_before(const struct intent_read *read, uint32_t sentence, bool *ret_function,
                        bool *ret_line)
{
    bool runs = false;
    size_t steps = 0;
    for (size_t i = read->facts.count; i-- > 0 && steps < NEAR_FACTS; steps++) {
        const struct intent_fact *fact = &read->facts.items[i];
        if (read->clauses.items[fact->clause].sentence != sentence)
            break;
        *ret_function |= fact->field == FIELD_HEAD && (int)fact->value == FORM_FUNCTION;
        *ret_line |= fact->field == FIELD_ACCESS;
        runs |= fact->field == FIELD_COUNT || fact->field == FIELD_CPU ||
                fact->field == FIELD_HEAD || fact->field == FIELD_ACCEL;
    }
    *ret_line &= !runs;
}

/* 512M的函数: is a function named in the rest of the clause? */
static bool function_after(const struct intent_read *read, const struct intent_measure *m)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    return intent_find(read, m->next, clause->last, CLASS_DELIVERY, FORM_FUNCTION) != UINT32_MAX;
}

static int field_by_order(const struct intent_read *read, const struct intent_measure *m, int unit)
{
    bool cpu = false, memory = false, disk = false, called = false, line = false;
    double cores = 0;
    said_before(read, read->clauses.items[intent_at(read, m->first)->clause].sentence, &called,
                &line);
    called |= function_after(read, m);
    uint32_t clause = intent_at(read, m->first)->clause;
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
            cores = fact->value;
            break;
        } else if (fact->field == FIELD_COUNT && (memory || disk))
            break;
    }
    if (unit == UNIT_MB) {
        return (cpu || called) && !memory ? FIELD_MEMORY : FIELD_BANDWIDTH;
    }
    if (line && unit == UNIT_GB)
        return FIELD_BANDWIDTH; /* dark fibre, 10G */
    if (memory)
        return FIELD_DISK;
    if (unit == UNIT_PB || (unit == UNIT_TB && !cpu))
        return FIELD_DISK;
    if (unit == UNIT_TB && cores >= 64)
        return FIELD_MEMORY; /* 128核1T */
    if (unit == UNIT_TB) {   /* 96核 1T 10T: memory only when a disk follows */
        const struct intent_clause *c = &read->clauses.items[clause];
        for (uint32_t i = m->next; i < c->last; i++) {
            int other = intent_unit_of(read, i, c->last);
            if (other == UNIT_TB || other == UNIT_PB)
                return FIELD_MEMORY;
        }
        return FIELD_DISK;
    }
    return FIELD_MEMORY;
}

static bool follows_card(const struct intent_read *read, const struct intent_measure *m)
{
    if (m->first == 0)
        return false;
    uint32_t i = m->first - 1;
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    while (i > clause->first && (intent_is_punct(intent_at(read, i), '-') ||
                                 intent_is(intent_at(read, i), CLASS_ACCELKIND, 0)))
        i--;
    const struct intent_token *token = intent_at(read, i);
    if (intent_is_punct(token, '(') && i > 0)
        token = intent_at(read, i - 1);
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
static double pieces_before(const struct intent_read *read, const struct intent_measure *m,
                            uint32_t *ret_first)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    uint32_t i = m->first;
    if (i < clause->first + 2)
        return 1;
    i--;
    bool sign = intent_unit_of(read, i, clause->last) == UNIT_CARD ||
                intent_sense_of(intent_at(read, i), CLASS_MUL) ||
                (intent_unit_of(read, i, clause->last) == UNIT_PIECE);
    if (sign && intent_at(read, i - 1)->kind == TOKEN_NUMBER && !intent_at(read, i - 1)->used &&
        intent_at(read, i - 1)->number >= 1) {
        *ret_first = i - 1;
        return intent_at(read, i - 1)->number;
    }
    return 1;
}

/* Does the label at `at` stand before a number that no label follows? */
static bool owned_by_next(const struct intent_read *read, uint32_t at, uint32_t last)
{
    uint32_t i = at + 1;
    while (i < last && i < at + 4 &&
           (intent_is_punct(intent_at(read, i), ':') || intent_is_mark(read, i, MARK_BOUND) ||
            intent_is_mark(read, i, MARK_APPROX) || intent_is_mark(read, i, MARK_NEED)))
        i++;
    if (i >= last || intent_at(read, i)->kind != TOKEN_NUMBER || i + 1 >= last)
        return false;
    int unit = intent_unit_of(read, i + 1, last);
    if (unit != UNIT_GB && unit != UNIT_TB && unit != UNIT_MB && unit != UNIT_PB &&
        unit != UNIT_MBPS && unit != UNIT_GBPS)
        return false;
    return i + 2 >= last || !intent_sense_of(intent_at(read, i + 2), CLASS_LABEL);
}

uint32_t intent_storage(struct intent_read *read, struct intent_measure *m, int unit)
{
    const struct intent_clause *clause = intent_clause_of(read, m->first);
    uint32_t next = m->next, left = intent_label_left(read, m->first),
             right = intent_label_right(read, next);
    int label = LABEL_NONE;
    uint32_t label_at = UINT32_MAX;
    if (left != UINT32_MAX && is_storage_label(intent_label_code(read, left)))
        label_at = left;
    if (right != UINT32_MAX && is_storage_label(intent_label_code(read, right)) &&
        (label_at == UINT32_MAX || m->first - left > 3))
        label_at = right;
    /* "内存16G硬盘500G": the label on the right belongs to the next number when it touches it */
    if (label_at == right && right != UINT32_MAX && left == UINT32_MAX &&
        right + 1 < clause->last && intent_at(read, right + 1)->kind == TOKEN_NUMBER &&
        right == next &&
        intent_last_of(read, FIELD_MEMORY, intent_at(read, m->first)->clause) == NULL &&
        intent_last_of(read, FIELD_CPU, intent_at(read, m->first)->clause) != NULL &&
        intent_label_code(read, right) == LABEL_DISK)
        label_at = UINT32_MAX;
    /* "8G 带宽10M": a label before another number that has none of its own is that number's */
    if (label_at == right && right != UINT32_MAX && label_at != left &&
        owned_by_next(read, right, clause->last))
        label_at = UINT32_MAX;
    if (label_at == UINT32_MAX && !clause->column) {
        uint32_t before = intent_label_before(read, m->first);
        if (before != UINT32_MAX && is_storage_label(intent_label_code(read, before)))
            label_at = before;
    }
    if (label_at != UINT32_MAX) {
        label = intent_label_code(read, label_at);
        read->tokens.items[label_at].used = true;
        if (label_at >= next)
            next = label_at + 1;
        /* SSD 数据盘: one noun */
        while (next < clause->last && label == LABEL_DISK &&
               intent_is(intent_at(read, next), CLASS_LABEL, LABEL_DISK) &&
               !(next + 1 < clause->last && intent_at(read, next + 1)->kind == TOKEN_NUMBER)) {
            read->tokens.items[next].used = true;
            next++;
        }
    } else if (clause->column) {
        label = clause->column;
    }
    if (label == LABEL_VRAM || label == LABEL_CARRIER || /* 25G网卡 */
        (label != LABEL_MEMORY && label != LABEL_DISK && follows_card(read, m)))
        return next;
    if (intent_is_mark(read, m->next, MARK_PERSECOND) || label == LABEL_BANDWIDTH) {
        intent_bandwidth(read, m, unit, next);
        return next;
    }
    if (label == LABEL_NONE && clause->correction && read->facts.count > 0) { /* 从32G调到64G */
        const struct intent_fact *last = &read->facts.items[read->facts.count - 1];
        if (last->clause + 1 >= intent_at(read, m->first)->clause && (last->flags & FACT_LABELLED))
            label = last->field == FIELD_MEMORY ? LABEL_MEMORY
                    : last->field == FIELD_DISK ? LABEL_DISK
                                                : LABEL_NONE;
    }
    int field = label == LABEL_MEMORY ? FIELD_MEMORY
                : label == LABEL_DISK ? FIELD_DISK
                                      : field_by_order(read, m, unit);
    if (field == FIELD_BANDWIDTH) {
        intent_bandwidth(read, m, unit, next);
        return next;
    }
    bool daily = intent_find(read, clause->first, m->first, CLASS_SPAN, SPAN_DAY) != UINT32_MAX;
    bool per_day =
        intent_find(read, clause->first, m->first, CLASS_MARK, MARK_PERDAY) != UINT32_MAX ||
        (m->next < clause->last && intent_is_mark(read, m->next, MARK_PERDAY));
    if (daily || per_day || (label == LABEL_NONE && intent_has_mark(read, clause, MARK_NORMAL)))
        return next; /* 每天新增200G; 平时50G */
    if (label == LABEL_NONE && unit == UNIT_GB && intent_has_mark(read, clause, MARK_PEAK) &&
        !intent_last_of(read, FIELD_CPU, intent_at(read, m->first)->clause)) {
        intent_bandwidth(read, m, unit, next); /* CDN峰值80G */
        return next;
    }
    uint32_t first = m->first;
    double pieces = field == FIELD_DISK ? pieces_before(read, m, &first) : 1;
    struct intent_fact *fact = intent_measure_add(read, field, m, next);
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
    if (field == FIELD_DISK && intent_sense_of(intent_at(read, next), CLASS_MUL) &&
        intent_at(read, next + 1)->kind == TOKEN_NUMBER && next + 1 < clause->last &&
        !intent_last_of(read, FIELD_CPU, fact->clause) &&
        intent_unit_of(read, next + 2, clause->last) != UNIT_MACHINE) {
        fact->value *= intent_at(read, next + 1)->number;
        fact->last = next + 2;
        read->tokens.items[next + 1].used = true;
        next += 2;
    }
    return next;
}
