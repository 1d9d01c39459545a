/* intent_priv.h - the stations of the embedded reader, in the order in which text passes them:
 * normalise → tokens → clauses → facts (quantities, cues) → arbiter (components) → Requirement. */
#ifndef SWAN_INTENT_PRIV_H
#define SWAN_INTENT_PRIV_H

#include "base/arena.h"
#include "intelligent/intent/intent.h"
#include "intelligent/intent/lexicon.h"

/* Normalised text and, for each of its bytes, the source bytes that it stands for. */
struct intent_text {
    const char *source;
    size_t source_len;
    char *data;
    size_t len;
    uint32_t *begin, *end; /* len items: source span of the character at this byte */
    uint32_t han, latin;   /* characters, words: which language is the frame */
    LIST(uint32_t) bars;   /* source bytes where the columns of a table without bars part */
};

enum intent_token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_LATIN, TOKEN_HAN, TOKEN_PUNCT };

struct intent_token {
    uint8_t kind;
    char punct;  /* of TOKEN_PUNCT; 'E' is a sentence end, 'D' a dash, '\n' a line end, '&' 、 */
    bool space;  /* a blank stands before it */
    bool masked; /* background, instruction or other text that states no need */
    bool used;   /* a label or number that a quantity has taken */
    bool scaled; /* a number written with 万, k … */
    uint32_t begin, end; /* bytes of the normalised text */
    uint32_t clause;
    double number, upper;
    const struct intent_sense *senses;
    uint16_t sense_count;
};

struct intent_clause {
    uint32_t first, last; /* tokens [first, last) */
    char before;          /* the separator that it follows: ',' ';' 'E' '(' ')' '|' 'D' '\n' */
    uint32_t sentence;    /* number of its sentence or line */
    uint32_t name_end;    /* the colon after the name that it begins with (主站：), or 0 */
    int column;           /* enum intent_label of the table's column, or 0 */
    bool machines;        /* the column counts machines */
    bool row;             /* first cell of a table row */
    bool header;          /* a table's heading: no facts */
    bool correction;      /* what it states replaces what was said … */
    uint32_t corrected;   /* … from this token on */
    bool masked;
};

enum intent_field {
    FIELD_HEAD, /* names a component: value of `head` */
    FIELD_COUNT,
    FIELD_CPU,
    FIELD_MEMORY,
    FIELD_DISK,
    FIELD_ACCEL,
    FIELD_ARCH,
    FIELD_TIER,
    FIELD_LOCATION,
    FIELD_SAME,
    FIELD_DOUBLE,
    FIELD_CLOUD,
    FIELD_PLACES,
    FIELD_BREAK,
    /* the rest describe the whole */
    FIELD_BANDWIDTH,
    FIELD_PUBLIC_IPS,
    FIELD_LATENCY,
    FIELD_ACCESS,
    FIELD_RESPONSE,
    FIELD_AVAILABILITY,
    FIELD_THROUGHPUT,
    FIELD_USERS,
    FIELD_REPLICAS,
    FIELD_MODE,
    FIELD_BACKUP,
    FIELD_RESIDENCY,
    FIELD_PROTECTION,
    FIELD_ENCRYPTION,
    FIELD_BUDGET,
    FIELD_DURATION,
    FIELD_USER_LOCATION,
    FIELD_OBJECTIVE,
    FIELD_SCENARIO,
    FIELD_STREAMS
};

enum intent_head { HEAD_APP, HEAD_ROLE, HEAD_MACHINE, HEAD_DELIVERY };

enum intent_fact_flag {
    FACT_EACH = 1 << 0,
    FACT_TOTAL = 1 << 1,
    FACT_ALL = 1 << 2,        /* 都, 统一: of every component */
    FACT_CORRECTION = 1 << 3, /* replaces what was said */
    FACT_NEGATED = 1 << 4,
    FACT_EITHER = 1 << 5, /* one of several: says nothing */
    FACT_RUN = 1 << 6,    /* a head after 跑, 用于, for: the use of what was named */
    FACT_CONJ = 1 << 7,   /* 和, and, + before it: another thing */
    FACT_PEAK = 1 << 8,
    FACT_LABELLED = 1 << 9,
    FACT_FORM = 1 << 10, /* a count whose unit is itself a machine word */
    FACT_PER_STREAM = 1 << 11,
    FACT_PER_MACHINE = 1 << 12,
    FACT_SPREAD = 1 << 13, /* N per place of several */
    FACT_KINDS = 1 << 14,  /* either of two kinds of cards */
};

struct intent_fact {
    uint8_t field;
    uint8_t code; /* head kind, accelerator kind, arch, tier, period … */
    uint16_t flags;
    uint32_t first, last; /* tokens */
    uint32_t clause;
    double value, upper;
    double factor;    /* machines per place, disks per machine, streams */
    const char *text; /* model, place, name … */
    const struct intent_sense *sense;
    bool dead; /* taken back or overruled */
};

/* The state of one reading; everything lives in the arena. */
struct intent_read {
    struct intent_text text;
    LIST(struct intent_token) tokens;
    LIST(struct intent_clause) clauses;
    LIST(struct intent_fact) facts;
    bool other_parts;        /* a component is no database, cache or storage */
    double sockets;          /* processors of one machine, last said … */
    uint32_t sockets_clause; /* … in this clause */
    struct intent_result *out;
    struct arena *arena;
    uint64_t *work; /* looks at tokens, in all: what the tests hold to be linear */
};

/* columns.c: fills read->text.bars. */
void intent_find_columns(struct intent_read *read, const char *source, size_t len);
/* normalise.c: fills read->text; the source is valid UTF-8. */
void intent_normalise(struct intent_read *read, const char *source, size_t len);
/* token.c */
void intent_tokenise(struct intent_read *read);
/* clause.c: clauses, tables, and the masks of text that states no need. */
void intent_divide(struct intent_read *read);
/* quantity.c: a number with what it measures, from token `at`; returns the token after it. */
uint32_t intent_quantity(struct intent_read *read, uint32_t at);
/* cue.c: facts that words alone carry; walks all tokens and calls intent_quantity at numbers. */
void intent_collect(struct intent_read *read);
/* arbiter.c: facts → components of the requirement. */
void intent_arbitrate(struct intent_read *read);
/* flow.c: bounds of one connection leave the whole; after the components. */
void intent_flows(struct intent_read *read);
/* whole.c: facts → the fields of the whole requirement; after the components. */
void intent_conclude(struct intent_read *read);

/* bounds.c: what the contract does not admit becomes a question. */
void intent_bound(struct intent_read *read);

/* ---- small questions, token.c ---- */
/* Does a word of these bytes (of the source) head a column of a table? */
bool intent_names_column(const char *cell, size_t len);
const struct intent_sense *intent_sense_of(const struct intent_token *token, int class);
bool intent_is(const struct intent_token *token, int class, int code);
static inline const struct intent_token *intent_at(const struct intent_read *read, uint32_t i)
{
    static const struct intent_token none = {.kind = TOKEN_PUNCT, .punct = 'E'};
    ++*read->work;
    return i < read->tokens.count ? &read->tokens.items[i] : &none;
}
/* A token of this class and code in tokens [first, last); its index or UINT32_MAX. */
uint32_t intent_find(const struct intent_read *read, uint32_t first, uint32_t last, int class,
                     int code);
/* The source text of tokens [first, last), trimmed. */
const char *intent_words(struct intent_read *read, uint32_t first, uint32_t last);
/* 不要 X, no X, X 不用: is what stands at [first, last) refused by its own clause? */
bool intent_negated(const struct intent_read *read, uint32_t first, uint32_t last);
struct intent_fact *intent_add(struct intent_read *read, int field, uint32_t first, uint32_t last);
void intent_span_add(struct intent_read *read, uint32_t first, uint32_t last, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
void intent_ask(struct intent_read *read, const char *path, const char *code, const char *text);

#endif
