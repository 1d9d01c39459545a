/* token.c - normalised text → tokens: lexicon words (longest match), numbers, and what is neither.
 *
 * Contract: tokens do not overlap and stand in the order of the text.  A Latin surface matches
 * whole words only, with an English plural.  A longest match looks at most at the longest surface
 * of the lexicon, so the work is linear in the text. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/intent_priv.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static uint32_t child(uint32_t node, uint8_t byte)
{
    const struct intent_edge *edges = intent_edges + intent_nodes[node].edge;
    size_t low = 0, high = intent_nodes[node].edges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (edges[middle].byte < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low < intent_nodes[node].edges && edges[low].byte == byte ? edges[low].target : 0;
}

/* The end of a match whose surface ends at `end`, or 0: whole Latin words and whole numbers. */
static size_t word_end(const struct intent_text *text, size_t begin, size_t end)
{
    char first = text->data[begin], last = text->data[end - 1],
         next = end < text->len ? text->data[end] : ' ';
    if (is_letter(last)) {
        if (!is_letter(next))
            return is_digit(next) && end - begin > 1 && is_digit(text->data[begin]) ? 0 : end;
        if (end - begin < 2 || is_digit(text->data[begin]))
            return 0;
        if (next == 's' && !is_letter(text->data[end + 1]))
            return end + 1;
        return 0;
    }
    if (is_digit(last)) {
        if (next == 's' && is_letter(first) && !is_letter(text->data[end + 1]) &&
            !is_digit(text->data[end + 1]))
            return end + 1; /* A100s */
        if (is_digit(next) || is_letter(next))
            return 0;
        if (next == '.' && is_digit(text->data[end + 1]))
            return 0;
    }
    return end;
}

/* Does a word of a unit of machines or pieces begin at `at`? */
static bool unit_follows(const struct intent_text *text, size_t at)
{
    uint32_t node = 0;
    for (size_t i = at; i < text->len; i++) {
        node = child(node, (uint8_t)text->data[i]);
        if (node == 0)
            return false;
        const struct intent_sense *sense = &intent_senses[intent_nodes[node].sense];
        if (intent_nodes[node].senses > 0 && sense->class == CLASS_UNIT &&
            (sense->code == UNIT_MACHINE || sense->code == UNIT_PIECE ||
             sense->code == UNIT_INSTANCE || sense->code == UNIT_CORE))
            return true;
    }
    return false;
}

/* Ends of the lexicon words that begin at `begin`, shortest first; returns how many. */
struct match {
    size_t end;
    uint32_t node;
};
#define MATCHES_MAX 8 /* of words that begin alike the longest are kept */

static unsigned matches(const struct intent_text *text, size_t begin, struct match *out)
{
    char first = text->data[begin];
    if (begin > 0) {
        char before = text->data[begin - 1];
        if (is_letter(first) && is_letter(before))
            return 0;
        if (is_digit(first) && (is_digit(before) || is_letter(before) || before == '.'))
            return 0;
    }
    unsigned count = 0;
    uint32_t node = 0;
    for (size_t at = begin; at < text->len;) {
        node = child(node, (uint8_t)text->data[at]);
        if (node == 0)
            break;
        at++;
        if (intent_nodes[node].senses > 0) {
            size_t end = word_end(text, begin, at);
            if (end > 0 && is_digit(text->data[end - 1]) && is_letter(first) &&
                memchr(text->data + begin, ' ', end - begin) && unit_follows(text, end))
                end = 0; /* Redis 6台 */
            if (end > 0 && count == MATCHES_MAX)
                memmove(out, out + 1, --count * sizeof *out);
            if (end > 0)
                out[count++] = (struct match){end, node};
        }
    }
    return count;
}

static size_t longest(const struct intent_text *text, size_t begin)
{
    struct match found[MATCHES_MAX];
    unsigned count = begin < text->len ? matches(text, begin, found) : 0;
    return count > 0 ? found[count - 1].end : begin;
}

/* The longest word, unless a shorter one and the word after it reach further: 台|数据库, not
 * 台数|据库.  Only where no blanks part the words. */
static size_t match(const struct intent_text *text, size_t begin, uint32_t *ret_node)
{
    struct match found[MATCHES_MAX];
    unsigned count = matches(text, begin, found);
    if (count == 0)
        return 0;
    unsigned best = count - 1;
    if (count > 1 && (unsigned char)text->data[begin] >= 0xe0) {
        size_t reach = longest(text, found[best].end);
        for (unsigned i = count - 1; i-- > 0;) {
            size_t other = longest(text, found[i].end);
            if (other > found[i].end && other > reach && other > found[count - 1].end) {
                reach = other;
                best = i;
            }
        }
    }
    *ret_node = found[best].node;
    return found[best].end;
}

bool intent_names_column(const char *cell, size_t len)
{
    for (size_t begin = 0; begin < len; begin++) {
        if (((unsigned char)cell[begin] & 0xc0) == 0x80)
            continue;
        uint32_t node = 0;
        for (size_t at = begin; at < len; at++) {
            char c = cell[at];
            node = child(node, (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c));
            if (node == 0)
                break;
            for (uint16_t i = 0; i < intent_nodes[node].senses; i++) {
                const struct intent_sense *sense = &intent_senses[intent_nodes[node].sense + i];
                if (sense->class == CLASS_LABEL || sense->class == CLASS_ACCELKIND ||
                    (sense->class == CLASS_UNIT &&
                     (sense->code == UNIT_MACHINE || sense->code == UNIT_INSTANCE)))
                    return true;
            }
        }
    }
    return false;
}

static int han_digit(uint32_t c)
{
    static const char digits[] = "零一二三四五六七八九";
    size_t at = 0;
    for (int value = 0; at < sizeof digits - 1; value++)
        if (str_next(digits, sizeof digits - 1, &at) == c)
            return value;
    switch (c) {
    case 0x3007:
        return 0; /* 〇 */
    case 0x4e24:
        return 2; /* 两 */
    case 0x4fe9:
        return 2; /* 俩 */
    case 0x4ee8:
        return 3; /* 仨 */
    case 0x5169:
        return 2;
    default:
        return -1;
    }
}

static double han_scale(uint32_t c)
{
    switch (c) {
    case 0x5341:
        return 10;
    case 0x5eff:
        return 20; /* 廿 */
    case 0x767e:
        return 100;
    case 0x5343:
        return 1000;
    case 0x4e07:
        return 1e4;
    case 0x4ebf:
        return 1e8;
    default:
        return 0;
    }
}

/* 多, 来, 余, 几 */
static bool is_more(uint32_t c)
{
    return c == 0x591a || c == 0x6765 || c == 0x4f59 || c == 0x51e0;
}

static uint32_t peek(const struct intent_text *text, size_t at)
{
    return str_next(text->data, text->len, &at);
}

/* 三万六 = 36 000, 两千八 = 2800, 十六, 二零二六; 三四 gives 3 with upper 4. */
static size_t han_number(const struct intent_text *text, size_t begin, struct intent_token *token)
{
    double total = 0, section = 0, digit = -1, scale = 0;
    size_t at = begin, end = begin;
    unsigned digits = 0, run = 0;
    double first_digit = -1;
    bool zero = false;
    while (at < text->len) {
        size_t next = at;
        uint32_t c = str_next(text->data, text->len, &next);
        int value = han_digit(c);
        double power = han_scale(c);
        if (value == 0 && total + section > 0) { /* 一万零五百 */
            zero = true;
            run = 0;
            digit = -1;
        } else if (value >= 0) {
            if (run > 0 && digit >= 0) { /* digits in a row: 二零二六, or 三四 */
                if (run == 1)
                    first_digit = digit;
                digit = digit * 10 + value;
            } else {
                digit = value;
            }
            run++;
            digits++;
        } else if (c == 0x5eff) {
            section += 20;
            scale = 10;
            run = 0;
            digits++;
        } else if (power > 0 && power < 1e4) {
            if (run > 1)
                break;
            section += (digit < 0 ? 1 : digit) * power;
            digit = -1;
            scale = power;
            run = 0;
            digits++;
        } else if (digits > 0 && is_more(c) && next < text->len &&
                   han_scale(peek(text, next)) >= 1e4) { /* 两百来万 */
        } else if (power >= 1e4) {
            if (digits == 0)
                break;
            section += digit > 0 ? digit : 0;
            total = (total + section) * power;
            section = 0;
            digit = -1;
            scale = power;
            run = 0;
            token->scaled = true;
        } else {
            break;
        }
        at = next;
        end = at;
        if (digits > 18)
            break;
    }
    if (digits == 0)
        return 0;
    token->upper = 0;
    if (digit >= 0) {
        if (run == 1 && scale >= 100 && digit > 0 && !zero && total + section > 0) {
            /* the last digit counts the next scale down, unless 零 stands before it */
            section += digit * scale / 10;
        } else if (run == 2 && first_digit > 0 && scale == 0 &&
                   digit - first_digit * 10 == first_digit + 1) {
            token->upper = first_digit + 1;
            section += first_digit;
        } else {
            section += digit;
        }
    }
    token->number = total + section;
    return end;
}

/* Is the comma at `at` one within a number: a plain one, after one to three digits? */
static bool groups_thousands(const struct intent_text *text, size_t begin, size_t at)
{
    if (text->end[at] - text->begin[at] != 1)
        return false;
    size_t digits = 0;
    while (at > begin && is_digit(text->data[at - 1])) {
        at--;
        digits++;
    }
    return digits <= 3;
}

/* 12, 1,000, 1.5, 15万, 40k, 2w, 3万5 */
static size_t digit_number(const struct intent_text *text, size_t begin, struct intent_token *token)
{
    size_t at = begin;
    double value = 0;
    while (at < text->len) {
        if (is_digit(text->data[at])) {
            value = value * 10 + (text->data[at] - '0');
            at++;
        } else if (text->data[at] == ',' && value < 1e15 && groups_thousands(text, begin, at) &&
                   at + 3 < text->len && is_digit(text->data[at + 1]) &&
                   is_digit(text->data[at + 2]) && is_digit(text->data[at + 3]) &&
                   !(at + 4 < text->len && is_digit(text->data[at + 4])) && at - begin <= 3 * 5) {
            at++;
        } else {
            break;
        }
    }
    if (at + 1 < text->len && text->data[at] == '.' && is_digit(text->data[at + 1])) {
        size_t from = ++at;
        long long fraction = 0;
        double power = 1;
        for (; at < text->len && is_digit(text->data[at]); at++) {
            if (at - from < 15) {
                fraction = fraction * 10 + (text->data[at] - '0');
                power *= 10;
            }
        }
        value += (double)fraction / power;
    }
    for (;;) {
        size_t next = at;
        if (next >= text->len)
            break;
        uint32_t c = str_next(text->data, text->len, &next);
        if (is_more(c) && next < text->len && han_scale(peek(text, next)) >= 1e4)
            c = str_next(text->data, text->len, &next); /* 200多万 */
        double power = han_scale(c);
        bool letter_after =
            next < text->len && (is_letter(text->data[next]) || is_digit(text->data[next]));
        if (power == 10)
            break;
        if (power > 0) {
            value *= power;
            token->scaled = true;
            at = next;
            if (power >= 1e4 && at < text->len && is_digit(text->data[at]) &&
                !(at + 1 < text->len &&
                  (is_digit(text->data[at + 1]) || is_letter(text->data[at + 1]) ||
                   text->data[at + 1] == '.'))) {
                value += (text->data[at] - '0') * power / 10; /* 3万5 */
                at++;
            }
            continue;
        }
        if ((c == 'k' || c == 'w') && !letter_after) {
            value *= c == 'k' ? 1e3 : 1e4;
            token->scaled = true;
            at = next;
        }
        break;
    }
    token->number = value < 1e15 ? value : 1e15;
    return at;
}

/* Typographic punctuation is folded; what has no meaning between words is left out. */
static bool is_noise(char c)
{
    return c == '\'' || c == '#' || c == '>' || c == '_' || c == '^' || c == '\\';
}

static bool all_digits(const struct intent_text *text, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (!is_digit(text->data[i]))
            return false;
    return true;
}

/* 4090元, 310台: a number that is also a model counts when a unit follows it. */
static bool number_after_all(const struct intent_text *text, size_t begin, size_t end)
{
    if (!all_digits(text, begin, end))
        return false;
    size_t next = end < text->len && text->data[end] == ' ' ? end + 1 : end;
    uint32_t node = 0;
    if (next >= text->len || match(text, next, &node) == 0)
        return false;
    const struct intent_sense *sense = intent_senses + intent_nodes[node].sense;
    return sense->class == CLASS_UNIT && sense->code != UNIT_CARD;
}

static struct intent_token *token_add(struct intent_read *read, int kind, size_t begin, size_t end,
                                      bool space)
{
    struct intent_token *token = LIST_ADD(read->arena, &read->tokens);
    token->kind = (uint8_t)kind;
    token->begin = (uint32_t)begin;
    token->end = (uint32_t)end;
    token->space = space;
    return token;
}

void intent_tokenise(struct intent_read *read)
{
    const struct intent_text *text = &read->text;
    bool space = false;
    for (size_t at = 0; at < text->len;) {
        char c = text->data[at];
        if (c == ' ') {
            space = true;
            at++;
            continue;
        }
        size_t begin = at;
        uint32_t node = 0;
        struct intent_token number = {0};
        bool more = read->tokens.count > 0 && (unsigned char)c >= 0xe0 &&
                    read->tokens.items[read->tokens.count - 1].kind == TOKEN_NUMBER &&
                    read->tokens.items[read->tokens.count - 1].end == at && is_more(peek(text, at));
        size_t end = more ? 0 : match(text, at, &node); /* 十来|台, not 十|来台 */
        size_t number_end = 0;
        if (is_digit(c) && (at == 0 || !is_letter(text->data[at - 1]) || end == 0))
            number_end = digit_number(text, at, &number);
        else if ((unsigned char)c >= 0xe0)
            number_end = han_number(text, at, &number);
        if (end > 0 && is_digit(c) && number_after_all(text, at, end))
            end = 0;
        if (end > 0 && end >= number_end) {
            struct intent_token *token = token_add(read, TOKEN_WORD, begin, end, space);
            token->senses = intent_senses + intent_nodes[node].sense;
            token->sense_count = intent_nodes[node].senses;
            if (token->senses->class == CLASS_NUMBER) {
                token->kind = TOKEN_NUMBER;
                token->number = token->senses->number;
            }
            at = end;
        } else if (number_end > 0) {
            struct intent_token *token = token_add(read, TOKEN_NUMBER, begin, number_end, space);
            token->number = number.number;
            token->upper = number.upper;
            token->scaled = number.scaled;
            at = number_end;
        } else if (strncmp(text->data + at, "半", 3) == 0) {
            struct intent_token *token = token_add(read, TOKEN_NUMBER, begin, at + 3, space);
            token->number = 0.5;
            at += 3;
        } else if (is_letter(c)) {
            while (at < text->len && (is_letter(text->data[at]) || is_digit(text->data[at])))
                at++;
            token_add(read, TOKEN_LATIN, begin, at, space);
        } else if ((unsigned char)c >= 0x80) {
            str_next(text->data, text->len, &at);
            token_add(read, TOKEN_HAN, begin, at, space);
        } else {
            at++;
            if (c == '.') {
                char next = at < text->len ? text->data[at] : ' ';
                if (is_letter(next) || is_digit(next)) {
                    space = false;
                    continue;
                }
                c = 'E';
            }
            if (is_noise(c))
                continue;
            token_add(read, TOKEN_PUNCT, begin, at, space)->punct = c;
        }
        space = false;
    }
}

const struct intent_sense *intent_sense_of(const struct intent_token *token, int class)
{
    for (uint16_t i = 0; i < token->sense_count; i++)
        if (token->senses[i].class == class)
            return &token->senses[i];
    return NULL;
}

bool intent_is(const struct intent_token *token, int class, int code)
{
    for (uint16_t i = 0; i < token->sense_count; i++)
        if (token->senses[i].class == class && token->senses[i].code == code)
            return true;
    return false;
}

uint32_t intent_find(const struct intent_read *read, uint32_t first, uint32_t last, int class,
                     int code)
{
    *read->work += last > first ? last - first : 0;
    for (uint32_t i = first; i < last && i < read->tokens.count; i++)
        if (!read->tokens.items[i].masked && intent_is(&read->tokens.items[i], class, code))
            return i;
    return UINT32_MAX;
}

static void source_span(const struct intent_read *read, uint32_t first, uint32_t last,
                        uint32_t *begin, uint32_t *end)
{
    if (first >= last || last > read->tokens.count) {
        *begin = *end = 0;
        return;
    }
    *begin = read->text.begin[read->tokens.items[first].begin];
    *end = read->text.end[read->tokens.items[last - 1].end - 1];
}

const char *intent_words(struct intent_read *read, uint32_t first, uint32_t last)
{
    uint32_t begin, end;
    source_span(read, first, last, &begin, &end);
    return arena_strndup(read->arena, read->text.source + begin, end - begin);
}

void intent_span_add(struct intent_read *read, uint32_t first, uint32_t last, const char *format,
                     ...)
{
    uint32_t begin, end;
    if (first >= last)
        return;
    source_span(read, first, last, &begin, &end);
    struct intent_span *span = LIST_ADD(read->arena, &read->out->spans);
    va_list args;
    va_start(args, format);
    span->path = arena_vprintf(read->arena, format, args);
    va_end(args);
    span->begin = begin;
    span->end = end;
    span->text = arena_strndup(read->arena, read->text.source + begin, end - begin);
}

void intent_ask(struct intent_read *read, const char *path, const char *code, const char *text)
{
    struct intent_question *question = LIST_ADD(read->arena, &read->out->questions);
    question->path = path;
    question->code = code;
    question->text = text;
}

struct intent_fact *intent_add(struct intent_read *read, int field, uint32_t first, uint32_t last)
{
    struct intent_fact *fact = LIST_ADD(read->arena, &read->facts);
    fact->field = (uint8_t)field;
    fact->first = first;
    fact->last = last;
    fact->clause = intent_at(read, first)->clause;
    fact->factor = 1;
    if (fact->clause < read->clauses.count && read->clauses.items[fact->clause].correction &&
        first >= read->clauses.items[fact->clause].corrected)
        fact->flags |= FACT_CORRECTION;
    return fact;
}
