/* clause.c - tokens → clauses; tables; and masks over text that states no need.
 *
 * Contract: every token belongs to one clause, clauses stand in the order of the text.  Masked are
 * background (现在用的是…), what may come later (将来也许…), orders to the reader and pasted JSON:
 * later stations do not see masked tokens.  One pass for each of the three. */
#include <string.h>

#include "intelligent/intent/quantity_priv.h"

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

#define ITEMS_MAX 50 /* a greater number before a bracket is no number of an item */

/* "1." "2)" "(3)" "一、" "3.2 " at the beginning of a line or clause number it and say nothing.
 * Numbers between brackets count up, or they could be amounts. */
static bool skip_number(struct intent_read *read, uint32_t first, char before, double *expected)
{
    struct intent_token *token = &read->tokens.items[first];
    const struct intent_token *next = intent_at(read, first + 1);
    bool line = before == '\n', strong = line || before == ';' || before == 'E';
    if (token->kind != TOKEN_NUMBER || token->scaled || token->number > ITEMS_MAX)
        return false;
    bool whole = token->number >= 0 && (double)(int)token->number == token->number;
    if (!whole) { /* 3.2 计算节点: a blank follows, and no unit */
        uint32_t end = read->text.end[token->end - 1];
        if (!(strong || before == ':' || before == '(') || next->kind == TOKEN_PUNCT ||
            end >= read->text.source_len || read->text.source[end] != ' ' ||
            intent_sense_of(next, CLASS_UNIT))
            return false;
        token->masked = true;
        return true;
    }
    if (next->kind != TOKEN_PUNCT || next->space)
        return false;
    bool bracket = next->punct == ')';
    bool item = (bracket && before != '(') || (next->punct == '&' && strong) ||
                (next->punct == 'E' && line) ||
                (bracket && before == '(' && token->number == *expected);
    if (!item)
        return false;
    *expected = token->number + 1;
    token->masked = true;
    return true;
}

static bool line_is_table(const struct intent_read *read, uint32_t first, uint32_t *ret_end)
{
    unsigned bars = 0, colons = 0;
    uint32_t i = first;
    for (; i < read->tokens.count; i++) {
        const struct intent_token *token = &read->tokens.items[i];
        if (token->kind == TOKEN_PUNCT && token->punct == '\n')
            break;
        bars += token->kind == TOKEN_PUNCT && token->punct == '|';
        colons += token->kind == TOKEN_PUNCT && token->punct == ':';
    }
    *ret_end = i;
    return bars >= 1 && colons < bars; /* "CPU: 4 | RAM: 8" is a list */
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
        if (intent_is(token, CLASS_UNIT, UNIT_MACHINE) ||
            intent_is(token, CLASS_UNIT, UNIT_INSTANCE)) {
            *ret_machine = intent_is(token, CLASS_UNIT, UNIT_MACHINE);
            return LABEL_COUNT;
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
    bool in_table = false, row = false, item = false;
    double expected = 1;
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
        }
        const struct intent_token *token = intent_at(read, i);
        if (i == first && i < count)
            item |= skip_number(read, i, before, &expected);
        else if (i < count && i > 0 && intent_at(read, i - 1)->kind == TOKEN_PUNCT &&
                 intent_at(read, i - 1)->punct == ':')
            skip_number(read, i, ':', &expected);
        bool boundary = i == count || (token->kind == TOKEN_PUNCT && is_boundary(token->punct));
        if (!boundary && i - first < CLAUSE_TOKENS_MAX)
            continue;
        if (i > first) {
            struct intent_clause *clause = LIST_ADD(read->arena, &read->clauses);
            clause->first = first;
            clause->last = i;
            clause->before = before == ')' && item ? ';' : before;
            item &= intent_at(read, first)->masked;
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
        before = token->punct == '|' && !in_table ? ',' : token->punct;
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

/* 09:12, 14:30:05 */
static void mask_times(struct intent_read *read)
{
    for (uint32_t i = 0; i + 2 < read->tokens.count; i++) {
        struct intent_token *token = &read->tokens.items[i];
        const struct intent_token *colon = token + 1, *other = token + 2;
        if (token->kind == TOKEN_NUMBER && other->kind == TOKEN_NUMBER &&
            colon->kind == TOKEN_PUNCT && colon->punct == ':' && colon->begin == token->end &&
            other->begin == colon->end && other->end - other->begin == 2 && token->number < 60 &&
            other->number < 60 && token->end - token->begin <= 2)
            mask(read, i, i + 3);
    }
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
        uint32_t present = intent_find(read, first, clause->last, CLASS_MARK, MARK_PRESENT);
        if (running != MASK_NONE && running != MASK_INJECT &&
            present != UINT32_MAX) { /* 将来50台，这次先要6台 */
            mask(read, first, present);
            running = MASK_NONE;
            first = present + 1;
        } else if (running == MASK_BACKGROUND && need != UINT32_MAX) {
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
            if (kind == MASK_BACKGROUND && i > first && need_in(read, first, i) != UINT32_MAX) {
                uint32_t end = i; /* "we want to move it off the old NAS: 30 TB" */
                while (end < clause->last && !intent_is_punct(&read->tokens.items[end], ':'))
                    end++;
                mask(read, i, end);
                i = end;
                continue;
            }
            bool at_end = i + 1 == clause->last;
            mask(read, kind == MASK_INJECT || at_end ? first : i, clause->last);
            clause->masked = i == first || kind == MASK_INJECT || at_end;
            running = kind;
            break;
        }
    }
}

/* GPU服务器4台不要了: all that this clause says is taken back. */
static void mask_dropped(struct intent_read *read)
{
    for (size_t c = 0; c < read->clauses.count; c++) {
        struct intent_clause *clause = &read->clauses.items[c];
        const struct intent_token *last = intent_at(read, clause->last - 1);
        bool number = false;
        for (uint32_t i = clause->first; i < clause->last; i++)
            number |= intent_at(read, i)->kind == TOKEN_NUMBER;
        if (number && intent_is(last, CLASS_MARK, MARK_NEGATED) && last->end - last->begin >= 9 &&
            memcmp(read->text.data + last->end - 3, "了", 3) == 0)
            mask(read, clause->first, clause->last);
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
        if (mark == UINT32_MAX) {
            if (clause->last == clause->first + 1 && c > 0 && c + 1 < read->clauses.count &&
                intent_is(intent_at(read, clause->first), CLASS_MARK, MARK_NEGATION) &&
                clause[1].sentence == clause->sentence) { /* 8核，不，16核 */
                clause[1].correction = true;
                clause[1].corrected = clause[1].first;
            }
            continue;
        }
        clause->correction = true;
        bool after = false;
        for (uint32_t i = mark + 1; i < clause->last; i++)
            after |= intent_at(read, i)->kind == TOKEN_NUMBER ||
                     intent_sense_of(intent_at(read, i), CLASS_PLACE);
        clause->corrected = after ? mark : clause->first; /* 改成5台, but 5台就够了 */
        if (!number && c + 1 < read->clauses.count) {
            clause[1].correction = true;
            clause[1].corrected = clause[1].first;
        }
    }
}

#define PREFIXES_MAX 64 /* further lines keep their prefixes as plain words */
#define PREFIX_TOKENS 6

struct prefix {
    uint32_t clause, colon;
    bool repeated, head, named;
};

/* Marks that make of the words before a colon a statement or an address, not a name. */
static bool says_more(const struct intent_token *token)
{
    const struct intent_sense *mark = intent_sense_of(token, CLASS_MARK);
    return mark && mark->code != MARK_PREMISES && mark->code != MARK_TOWNWORD &&
           mark->code != MARK_PROVINCE && mark->code != MARK_CONJ && mark->code != MARK_RUN;
}

/* What the words before a colon are: a name for what follows, a speaker, or neither. */
static bool prefix_at(const struct intent_read *read, uint32_t c, struct prefix *ret)
{
    const struct intent_clause *clause = &read->clauses.items[c];
    *ret = (struct prefix){.clause = c};
    bool free = false, roles = true;
    for (uint32_t i = clause->first; i < clause->last && i <= clause->first + PREFIX_TOKENS; i++) {
        const struct intent_token *token = intent_at(read, i);
        if (token->kind == TOKEN_PUNCT && token->punct == ':') {
            ret->colon = i;
            ret->named = free || (ret->head && roles);
            return i > clause->first;
        }
        if (intent_sense_of(token, CLASS_APP) || intent_sense_of(token, CLASS_ROLE) ||
            intent_sense_of(token, CLASS_MACHINE) || intent_sense_of(token, CLASS_DELIVERY)) {
            ret->head = true;
            roles &= intent_sense_of(token, CLASS_ROLE) && !intent_sense_of(token, CLASS_APP);
            continue;
        }
        if (token->kind == TOKEN_PUNCT || intent_sense_of(token, CLASS_LABEL) ||
            (intent_sense_of(token, CLASS_UNIT) && i > clause->first &&
             intent_at(read, i - 1)->kind == TOKEN_NUMBER) ||
            intent_sense_of(token, CLASS_PLACE) || says_more(token) ||
            intent_sense_of(token, CLASS_TIER) || intent_sense_of(token, CLASS_ACCELKIND) ||
            intent_sense_of(token, CLASS_ACCEL))
            return false;
        free |= !intent_sense_of(token, CLASS_FUNC) && !intent_sense_of(token, CLASS_USER);
    }
    return false;
}

static bool same_words(const struct intent_read *read, const struct prefix *a,
                       const struct prefix *b)
{
    uint32_t first_a = read->clauses.items[a->clause].first,
             first_b = read->clauses.items[b->clause].first;
    if (a->colon - first_a != b->colon - first_b)
        return false;
    for (uint32_t i = 0; i < a->colon - first_a; i++) {
        const struct intent_token *x = intent_at(read, first_a + i),
                                  *y = intent_at(read, first_b + i);
        if (x->end - x->begin != y->end - y->begin ||
            memcmp(read->text.data + x->begin, read->text.data + y->begin, x->end - x->begin) != 0)
            return false;
    }
    return true;
}

static bool has_amount(const struct intent_read *read, const struct intent_clause *clause,
                       uint32_t from)
{
    size_t c = (size_t)(clause - read->clauses.items);
    uint32_t last = clause->last;
    for (size_t k = c + 1; k < read->clauses.count && k < c + 3 &&
                           read->clauses.items[k].sentence == clause->sentence;
         k++)
        last = read->clauses.items[k].last;
    for (uint32_t i = from; i < last; i++)
        if (intent_at(read, i)->kind == TOKEN_NUMBER ||
            intent_is(intent_at(read, i), CLASS_MARK, MARK_SAME))
            return true;
    return false;
}

/* Node A, 服务器1: a machine word that is told apart */
static bool numbered(const struct intent_read *read, const struct prefix *prefix)
{
    uint32_t first = read->clauses.items[prefix->clause].first;
    const struct intent_token *last = intent_at(read, prefix->colon - 1);
    return prefix->head && prefix->colon == first + 2 &&
           (last->kind == TOKEN_LATIN || last->kind == TOKEN_NUMBER ||
            intent_is_text(read, prefix->colon - 1, "a")) &&
           (intent_sense_of(intent_at(read, first), CLASS_MACHINE) ||
            intent_sense_of(intent_at(read, first), CLASS_DELIVERY));
}

/* 主站放北京: a clause that begins with a name known from before a colon. */
static void find_known(struct intent_read *read, uint32_t c, const struct prefix *named,
                       unsigned known)
{
    struct intent_clause *clause = &read->clauses.items[c];
    for (unsigned k = 0; k < known && clause->name_end == 0; k++) {
        uint32_t len = named[k].colon - read->clauses.items[named[k].clause].first;
        const struct prefix here = {.clause = c, .colon = clause->first + len};
        const struct intent_token *next = intent_at(read, here.colon);
        if (here.colon < clause->last && intent_is(next, CLASS_MARK, MARK_PUT) &&
            same_words(read, &named[k], &here))
            clause->name_end = here.colon;
    }
}

/* 主站：4台…  备站：同上: names; 甲：几台？ 乙：三台: who speaks, which says nothing. */
static void find_prefixes(struct intent_read *read)
{
    struct prefix prefixes[PREFIXES_MAX], named[PREFIXES_MAX];
    unsigned count = 0, names = 0, known = 0;
    for (uint32_t c = 0; c < read->clauses.count && count < PREFIXES_MAX; c++) {
        char before = read->clauses.items[c].before;
        if (before == ',' || before == '|' || before == '(' || before == 'D')
            continue;
        if (!prefix_at(read, c, &prefixes[count]))
            continue;
        for (unsigned k = 0; k < count; k++)
            if (same_words(read, &prefixes[k], &prefixes[count]))
                prefixes[k].repeated = prefixes[count].repeated = true;
        count++;
    }
    for (unsigned k = 0; k < count; k++) {
        const struct intent_clause *clause = &read->clauses.items[prefixes[k].clause];
        prefixes[k].named &= has_amount(read, clause, prefixes[k].colon);
        names += !prefixes[k].repeated && (prefixes[k].named || prefixes[k].head);
    }
    for (unsigned k = 0; k < count; k++) {
        struct intent_clause *clause = &read->clauses.items[prefixes[k].clause];
        if (prefixes[k].repeated && !prefixes[k].head)
            mask(read, clause->first, prefixes[k].colon + 1);
        else if ((prefixes[k].named || numbered(read, &prefixes[k])) && names >= 2) {
            clause->name_end = prefixes[k].colon;
            named[known++] = prefixes[k];
        }
    }
    for (uint32_t c = 0; c < read->clauses.count && known > 0; c++)
        find_known(read, c, named, known);
}

/* twelve (12) servers: the same number twice is one. */
static void join_repeated(struct intent_read *read)
{
    struct intent_token *items = read->tokens.items;
    size_t kept = 0, count = read->tokens.count;
    for (size_t i = 0; i < count; i++) {
        bool twice = i + 3 < count && items[i].kind == TOKEN_NUMBER &&
                     intent_is_punct(&items[i + 1], '(') && items[i + 2].kind == TOKEN_NUMBER &&
                     intent_is_punct(&items[i + 3], ')') && items[i + 2].number == items[i].number;
        items[kept++] = items[i];
        if (twice)
            i += 3;
    }
    read->tokens.count = kept;
}

void intent_divide(struct intent_read *read)
{
    join_repeated(read);
    cut(read);
    mask_times(read);
    find_prefixes(read);
    mask_json(read);
    mask_clauses(read);
    mask_dropped(read);
    find_corrections(read);
}
