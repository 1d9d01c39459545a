/* clause.c - tokens → clauses; tables; and masks over text that states no need.
 *
 * Contract: every token belongs to one clause, clauses stand in the order of the text.  Masked are
 * background (现在用的是…), what may come later (将来也许…), orders to the reader and pasted JSON:
 * later stations do not see masked tokens.  One pass for each of the three. */
#include "intelligent/intent/intent_priv.h"

/* Looks around a word stop at its clause; a longer run without punctuation is cut, which keeps
 * the whole reading linear. */
#define CLAUSE_TOKENS_MAX 160

#define COLUMNS_MAX 16 /* wider tables keep their first columns */

static bool is_boundary(char punct)
{
    switch (punct) {
    case ',':
    case ';':
    case 'E':
    case '(':
    case ')':
    case '|':
    case 'D':
    case '\n':
    case '{':
    case '}':
        return true;
    default:
        return false;
    }
}

/* "1." "2)" "一、" "-" at the beginning of a line number or mark it and say nothing. */
static void skip_bullet(struct intent_read *read, uint32_t first)
{
    struct intent_token *token = &read->tokens.items[first];
    if (token->kind == TOKEN_NUMBER && first + 1 < read->tokens.count) {
        const struct intent_token *next = intent_at(read, first + 1);
        if (next->kind == TOKEN_PUNCT && !next->space &&
            (next->punct == 'E' || next->punct == ')' || next->punct == '&'))
            token->masked = true;
    }
}

static bool line_is_table(const struct intent_read *read, uint32_t first, uint32_t *ret_end)
{
    unsigned bars = 0;
    uint32_t i = first;
    for (; i < read->tokens.count; i++) {
        const struct intent_token *token = &read->tokens.items[i];
        if (token->kind == TOKEN_PUNCT && token->punct == '\n')
            break;
        bars += token->kind == TOKEN_PUNCT && token->punct == '|';
    }
    *ret_end = i;
    return bars >= 1;
}

static int cell_label(const struct intent_read *read, uint32_t first, uint32_t last,
                      bool *ret_machine)
{
    *ret_machine = false;
    for (uint32_t i = first; i < last; i++) {
        const struct intent_token *token = intent_at(read, i);
        const struct intent_sense *label = intent_sense_of(token, CLASS_LABEL);
        if (label) {
            *ret_machine = label->rank > 0;
            return label->code;
        }
        if (intent_sense_of(token, CLASS_ACCELKIND))
            return LABEL_CARDCOUNT;
        if (intent_is(token, CLASS_UNIT, UNIT_CORE))
            return LABEL_CPU;
    }
    return 0;
}

struct table {
    int columns[COLUMNS_MAX];
    bool machines[COLUMNS_MAX]; /* 台数: what the column counts are machines */
    bool open, heading;
};

static void table_line(const struct intent_read *read, uint32_t first, uint32_t last,
                       struct table *table)
{
    if (table->open) {
        table->heading = false;
        return;
    }
    int columns[COLUMNS_MAX] = {0};
    unsigned column = 0, labels = 0, numbers = 0;
    uint32_t from = first;
    for (uint32_t i = first; i <= last; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (i < last && !(token->kind == TOKEN_PUNCT && token->punct == '|')) {
            numbers += token->kind == TOKEN_NUMBER;
            continue;
        }
        bool machine;
        int label = cell_label(read, from, i, &machine);
        if (column < COLUMNS_MAX) {
            columns[column] = label;
            table->machines[column] = machine;
        }
        labels += label != 0;
        column++;
        from = i + 1;
    }
    table->open = true;
    table->heading = labels >= 2 && numbers == 0;
    for (unsigned i = 0; i < COLUMNS_MAX; i++)
        table->columns[i] = table->heading ? columns[i] : 0;
}

static void cut(struct intent_read *read)
{
    struct table table = {0};
    uint32_t sentence = 0, first = 0;
    char before = '\n';
    unsigned column = 0;
    bool in_table = false, row = false;
    size_t count = read->tokens.count;
    for (uint32_t i = 0; i <= count; i++) {
        bool line_start = i == 0 || (intent_at(read, i - 1)->kind == TOKEN_PUNCT &&
                                     intent_at(read, i - 1)->punct == '\n');
        if (line_start && i < count) {
            uint32_t end;
            in_table = line_is_table(read, i, &end);
            if (in_table)
                table_line(read, i, end, &table);
            else
                table.open = false;
            column = 0;
            row = in_table;
            skip_bullet(read, i);
        }
        const struct intent_token *token = intent_at(read, i);
        bool boundary = i == count || (token->kind == TOKEN_PUNCT && is_boundary(token->punct));
        if (!boundary && i - first < CLAUSE_TOKENS_MAX)
            continue;
        if (i > first) {
            struct intent_clause *clause = LIST_ADD(read->arena, &read->clauses);
            clause->first = first;
            clause->last = i;
            clause->before = before;
            clause->sentence = sentence;
            clause->header = in_table && table.heading;
            clause->row = row && !clause->header;
            row = false;
            if (in_table && column < COLUMNS_MAX) {
                clause->column = table.columns[column];
                clause->machines = table.columns[column] == LABEL_COUNT && table.machines[column];
            }
            for (uint32_t k = first; k < i; k++)
                read->tokens.items[k].clause = (uint32_t)(read->clauses.count - 1);
        }
        if (i == count)
            break;
        if (!boundary) { /* too long: the next clause goes on at this token */
            before = ',';
            first = i;
            continue;
        }
        read->tokens.items[i].clause = (uint32_t)read->clauses.count;
        before = token->punct;
        column += token->punct == '|';
        sentence += token->punct == 'E' || token->punct == '\n';
        first = i + 1;
    }
}

static void mask(struct intent_read *read, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i < last; i++)
        read->tokens.items[i].masked = true;
}

static void mask_json(struct intent_read *read)
{
    unsigned depth = 0;
    for (uint32_t i = 0; i < read->tokens.count; i++) {
        struct intent_token *token = &read->tokens.items[i];
        if (token->kind == TOKEN_PUNCT && token->punct == '{')
            depth++;
        if (depth > 0)
            token->masked = true;
        if (token->kind == TOKEN_PUNCT && token->punct == '}' && depth > 0)
            depth--;
    }
}

/* What a mask runs to: the first word of need or correction in the rest of the clause. */
static uint32_t need_in(const struct intent_read *read, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i < last; i++) {
        const struct intent_token *token = &read->tokens.items[i];
        if (intent_is(token, CLASS_MARK, MARK_NEED) ||
            intent_is(token, CLASS_MARK, MARK_CORRECTION))
            return i;
    }
    return UINT32_MAX;
}

enum mask_kind { MASK_NONE, MASK_BACKGROUND, MASK_FUTURE, MASK_INJECT };

static enum mask_kind mark_kind(const struct intent_token *token)
{
    if (token->masked)
        return MASK_NONE;
    if (intent_is(token, CLASS_MARK, MARK_INJECT))
        return MASK_INJECT;
    if (intent_is(token, CLASS_MARK, MARK_FUTURE))
        return MASK_FUTURE;
    if (intent_is(token, CLASS_MARK, MARK_BACKGROUND))
        return MASK_BACKGROUND;
    return MASK_NONE;
}

static void mask_clauses(struct intent_read *read)
{
    enum mask_kind running = MASK_NONE;
    uint32_t sentence = 0;
    for (size_t c = 0; c < read->clauses.count; c++) {
        struct intent_clause *clause = &read->clauses.items[c];
        if (clause->sentence != sentence || (clause->before == ';' && running == MASK_FUTURE))
            running = MASK_NONE;
        sentence = clause->sentence;
        uint32_t first = clause->first, need = need_in(read, clause->first, clause->last);
        if (running == MASK_BACKGROUND && need != UINT32_MAX) {
            mask(read, first, need);
            running = MASK_NONE;
            first = need;
        } else if (running != MASK_NONE) {
            mask(read, first, clause->last);
            clause->masked = true;
            continue;
        }
        for (uint32_t i = first; i < clause->last; i++) {
            enum mask_kind kind = mark_kind(&read->tokens.items[i]);
            if (kind == MASK_NONE)
                continue;
            if (kind == MASK_BACKGROUND) {
                uint32_t end = need_in(read, i + 1, clause->last);
                if (end != UINT32_MAX) {
                    mask(read, i, end);
                    i = end;
                    continue;
                }
            }
            bool at_end = i + 1 == clause->last;
            mask(read, kind == MASK_INJECT || at_end ? first : i, clause->last);
            clause->masked = i == first || kind == MASK_INJECT || at_end;
            running = kind;
            break;
        }
    }
}

static void find_corrections(struct intent_read *read)
{
    for (size_t c = 0; c < read->clauses.count; c++) {
        struct intent_clause *clause = &read->clauses.items[c];
        uint32_t mark = UINT32_MAX;
        bool number = false;
        for (uint32_t i = clause->first; i < clause->last; i++) {
            const struct intent_token *token = &read->tokens.items[i];
            if (token->masked)
                continue;
            if (mark == UINT32_MAX && intent_is(token, CLASS_MARK, MARK_CORRECTION))
                mark = i;
            number |= token->kind == TOKEN_NUMBER;
        }
        if (mark == UINT32_MAX)
            continue;
        clause->correction = true;
        if (!number && c + 1 < read->clauses.count)
            clause[1].correction = true;
    }
}

void intent_divide(struct intent_read *read)
{
    cut(read);
    mask_json(read);
    mask_clauses(read);
    find_corrections(read);
}
