/* retrieval_priv.h - what the files of the engine share; private to it. */
#ifndef SWAN_RETRIEVAL_RETRIEVAL_PRIV_H
#define SWAN_RETRIEVAL_RETRIEVAL_PRIV_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "intelligent/retrieval/retrieval.h"

enum retrieval_field { RETRIEVAL_TITLE, RETRIEVAL_HEADINGS, RETRIEVAL_TEXT, RETRIEVAL_FIELDS };

/* ---- stem.c ---- */
/* Lower-case ASCII letters in place, with room for one more; the stem's length. */
size_t retrieval_stem(char *word, size_t len);

/* ---- scan.c, characters.c: text to terms ---- */
#define RETRIEVAL_TERM_SIZE 64 /* longer words are cut at a character */

enum retrieval_kind {
    RETRIEVAL_WORD,      /* letters and digits, stemmed when English */
    RETRIEVAL_STOP,      /* an English word that says nothing by itself */
    RETRIEVAL_CHARACTER, /* one ideograph, kana or hangul */
    RETRIEVAL_BIGRAM,    /* two of them */
    RETRIEVAL_LEXICAL    /* three or more that are a known word; two words with a hyphen */
};

struct retrieval_token {
    char term[RETRIEVAL_TERM_SIZE];
    size_t len;
    enum retrieval_kind kind;
    bool moves;        /* stands one position after the token before; else at the same one */
    size_t begin, end; /* bytes of the text that it was read from */
};

struct retrieval_lexicon { /* Chinese words of three characters and more */
    struct map *words;
    size_t longest; /* in characters */
};

#define RETRIEVAL_RUN_AHEAD 16 /* characters of a lexical word at most */

struct retrieval_scanner {
    const char *text;
    size_t len, at;
    const struct retrieval_lexicon *lexicon; /* NULL = none */
    /* tokens of one position that wait to be handed out */
    struct retrieval_token waiting[RETRIEVAL_RUN_AHEAD + 4];
    size_t waiting_count, waiting_at;
};

void retrieval_scan_init(struct retrieval_scanner *scanner, const char *text, size_t len,
                         const struct retrieval_lexicon *lexicon);
/* NULL at the end; the token lives until the next call. */
const struct retrieval_token *retrieval_scan_next(struct retrieval_scanner *scanner);

enum retrieval_class {
    RETRIEVAL_SEPARATOR,
    RETRIEVAL_LETTER,
    RETRIEVAL_DIGIT,
    RETRIEVAL_IDEOGRAPH, /* written without blanks: han, kana, hangul */
    RETRIEVAL_NOTHING    /* as if it were not there: combining marks, zero width */
};
/* Folds width, case, accents and Chinese variants; *out gets up to 3 code points, their number in
 * *count (0 for RETRIEVAL_NOTHING). */
enum retrieval_class retrieval_fold(uint32_t c, uint32_t out[3], size_t *count);
#define RETRIEVAL_LATIN_FIRST 0xc0
#define RETRIEVAL_LATIN_LAST 0x17f
extern const uint16_t retrieval_simplified[][2];
extern const size_t retrieval_simplified_count;
extern const char retrieval_latin[RETRIEVAL_LATIN_LAST - RETRIEVAL_LATIN_FIRST + 1][3];
bool retrieval_is_stop(const char *word, size_t len);
/* "alpha" for α; NULL when not a small Greek letter. */
const char *retrieval_greek_name(uint32_t c);

/* ---- ask.c ---- */
/* Marks the bytes of words that only ask. */
void retrieval_mask_asking(const char *text, size_t len, uint8_t *mask);

/* ---- the model: constants of the ranking; retrieval.c says where each comes from ---- */
struct retrieval_model {
    double k1;
    double b[RETRIEVAL_FIELDS], weight[RETRIEVAL_FIELDS];
    double kind_weight[RETRIEVAL_LEXICAL + 1];
    double feedback_weight, feedback_gate;
    size_t feedback_passages, feedback_terms;
    double near_weight;
};
extern const struct retrieval_model retrieval_model_default;

/* ---- the index ---- */
#define RETRIEVAL_BLOCK 128
#define RETRIEVAL_PASSAGES_MAX ((size_t)1 << 26)
#define RETRIEVAL_TEXT_MAX ((size_t)16 << 20)
/* Scores of the first stage are whole numbers of this unit, so that sums do not depend on their
 * order. */
#define RETRIEVAL_UNIT 65536.0

struct retrieval_term {
    uint32_t passages;    /* that hold it */
    uint32_t first_block; /* of ceil(passages / RETRIEVAL_BLOCK) */
    uint64_t count;       /* in all passages */
    uint64_t name;        /* offset in names; NUL-ended */
    uint32_t highest;     /* of its impacts */
    uint8_t kind;
};

/* terms.c: numbers of terms by name, while filling. */
struct retrieval_slot {
    uint32_t tag, number; /* of the name's hash; 1 + that of the term, 0 = empty */
    uint64_t name;        /* as in the term */
};
struct retrieval_terms {
    struct retrieval_slot *slots; /* NULL while there is no term */
    size_t mask;
};
#define RETRIEVAL_TERMS_AHEAD 32

struct retrieval_block {
    uint64_t at;      /* offset in postings */
    uint32_t last;    /* passage */
    uint32_t highest; /* impact */
};

struct retrieval_index {
    struct retrieval_model model;
    bool sealed;
    size_t passages;
    /* while filling */
    struct map *ids; /* that are taken */
    struct retrieval_terms terms_by_name;
    struct retrieval_lexicon lexicon;
    /* passages */
    struct buf id_names;  /* NUL-ended, in order */
    uint64_t *id_at;      /* passages */
    struct buf forward;   /* tokens in order, forward.c */
    uint64_t *forward_at; /* passages + 1 */
    uint32_t *lengths;    /* passages × fields: positions */
    size_t room;          /* of the three arrays above */
    uint64_t total[RETRIEVAL_FIELDS];
    float *norms[RETRIEVAL_FIELDS]; /* of passages: weight / length normalisation */
    /* terms */
    size_t terms;
    size_t term_room;
    struct retrieval_term *term; /* sealed: by falling number of passages */
    struct buf names;
    uint32_t *by_name; /* term numbers in order of their names */
    /* postings */
    struct buf postings;
    struct retrieval_block *blocks;
    size_t block_count;
};

/* ---- terms.c ---- */
void retrieval_terms_done(struct retrieval_terms *terms);
/* The hash that stands for a name below. */
uint64_t retrieval_terms_announce(const struct retrieval_terms *terms, const char *name,
                                  size_t len);
void retrieval_terms_approach(const struct retrieval_index *index, uint64_t hash);
/* Number of the token's term, which becomes one when it is new. */
uint32_t retrieval_terms_number(struct retrieval_index *index, const struct retrieval_token *token,
                                uint64_t hash);

/* ---- forward.c: the tokens of a passage as bytes ---- */
struct retrieval_place { /* one token of a passage */
    uint32_t term;
    bool moves;
    uint32_t begin, end; /* bytes of the field's text */
};
struct retrieval_reader {
    const uint8_t *at, *end;
    enum retrieval_field field;
    uint32_t left; /* tokens of the field not yet read */
    uint32_t byte; /* end of the last token that moved */
    struct retrieval_place last;
};
void retrieval_reader_init(struct retrieval_reader *reader, const struct retrieval_index *index,
                           size_t passage);
/* Next token with its field; NULL at the end. */
const struct retrieval_place *retrieval_reader_next(struct retrieval_reader *reader);
#define RETRIEVAL_GAP_BEYOND 7
#define RETRIEVAL_LENGTH_BEYOND 31
void retrieval_put_span(struct buf *out, uint32_t gap, uint32_t length);
void retrieval_put_varint(struct buf *out, uint64_t value);
static inline uint64_t retrieval_get_varint(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint64_t value = *p & 0x7f;
    unsigned shift = 7;
    while (*p++ & 0x80) {
        value |= (uint64_t)(*p & 0x7f) << shift;
        shift += 7;
    }
    *at = p;
    return value;
}

/* ---- index.c ---- */
/* RETRIEVAL_NONE if the index does not know it. */
#define RETRIEVAL_NONE UINT32_MAX
uint32_t retrieval_term_find(const struct retrieval_index *index, const char *name);
static inline const char *retrieval_term_name(const struct retrieval_index *index, uint32_t term)
{
    return index->names.data + index->term[term].name;
}
static inline const char *retrieval_passage_id(const struct retrieval_index *index, size_t passage)
{
    return index->id_names.data + index->id_at[passage];
}
/* Norms, impacts of blocks and terms from lengths and postings. */
void retrieval_index_weigh(struct retrieval_index *index);
/* Robertson–Spärck Jones idf × weight of the kind that the term came about as. */
double retrieval_weight(const struct retrieval_index *index, uint32_t term, uint8_t kind);

/* ---- postings.c ---- */
struct retrieval_posting {
    uint32_t passage;
    uint32_t count[RETRIEVAL_FIELDS];
};
void retrieval_put_posting(struct buf *out, uint32_t gap, const uint32_t count[RETRIEVAL_FIELDS]);
/* `count` postings of a block; `before` is the last passage of the block before, or UINT32_MAX. */
void retrieval_block_decode(const struct retrieval_index *index,
                            const struct retrieval_block *block, uint32_t before, uint32_t count,
                            struct retrieval_posting *out);

struct retrieval_cursor { /* walks the postings of a term, one decoded block at a time */
    const struct retrieval_index *index;
    const struct retrieval_block *block; /* that is decoded */
    uint32_t left;                       /* postings from the beginning of this block on */
    uint32_t count, at;                  /* decoded ones, and where we stand */
    struct retrieval_posting items[RETRIEVAL_BLOCK];
};
void retrieval_cursor_init(struct retrieval_cursor *cursor, const struct retrieval_index *index,
                           uint32_t term);
/* NULL behind the last. */
const struct retrieval_posting *retrieval_cursor_get(struct retrieval_cursor *cursor);
void retrieval_cursor_next(struct retrieval_cursor *cursor);
/* To the first posting of `passage` or later. */
void retrieval_cursor_seek(struct retrieval_cursor *cursor, uint32_t passage);
/* No posting from here on within [first, last] has a higher impact. */
uint32_t retrieval_cursor_bound(const struct retrieval_cursor *cursor, uint32_t first,
                                uint32_t last);

/* BM25F share of a posting before its weight: below 1. */
static inline double retrieval_saturate(const struct retrieval_index *index,
                                        const struct retrieval_posting *posting)
{
    double tf = (double)posting->count[RETRIEVAL_TEXT] *
                (double)index->norms[RETRIEVAL_TEXT][posting->passage];
    if (posting->count[RETRIEVAL_TITLE] | posting->count[RETRIEVAL_HEADINGS]) {
        for (int f = RETRIEVAL_TITLE; f < RETRIEVAL_TEXT; f++)
            tf += (double)posting->count[f] * (double)index->norms[f][posting->passage];
    }
    return tf / (index->model.k1 + tf);
}

/* A share in [0, 1] as a whole number that is not below it. */
#define RETRIEVAL_IMPACT 16777216.0
static inline uint32_t retrieval_impact(double share)
{
    return (uint32_t)ceil(share * RETRIEVAL_IMPACT);
}

/* ---- query.c: what is asked ---- */
#define RETRIEVAL_CLAUSES_MAX 256 /* different terms of a query; the rarest are kept */

struct retrieval_clause {
    uint32_t term;
    uint32_t count; /* times in the query */
    uint32_t order; /* of its first place in the query */
    uint8_t kind;   /* as the query has it: a compound, though others write it as a word */
    double weight;  /* idf × times × weight of its kind, and what feedback adds */
};
struct retrieval_question {
    LIST(struct retrieval_clause) clauses;
};
enum err_code retrieval_question_read(const struct retrieval_index *index, const char *text,
                                      struct retrieval_question *out, struct arena *arena,
                                      struct err *err);

/* ---- select.c: the best passages by BM25F ---- */
struct retrieval_candidate {
    uint32_t passage;
    uint64_t units; /* BM25F in RETRIEVAL_UNITs */
    double score;   /* units and nearness */
    double near;    /* part of the score */
};
struct retrieval_candidates {
    struct retrieval_candidate *items;
    size_t count;
};
/* The `limit` best of all passages that the query admits, best first; equal ones by number.  Those
 * of less than `floor` units may be left out. */
void retrieval_select(const struct retrieval_index *index, const struct retrieval_query *query,
                      const struct retrieval_question *question, size_t limit, uint64_t floor,
                      struct retrieval_candidates *out, struct arena *arena);
static inline uint64_t retrieval_units(const struct retrieval_clause *clause, double share)
{
    return (uint64_t)(clause->weight * share * RETRIEVAL_UNIT + 0.5);
}

/* ---- rank.c: selection, feedback, nearness ---- */
#define RETRIEVAL_DEPTH 200        /* best passages whose words are looked at in their order */
#define RETRIEVAL_TOPIC 10         /* a passage of this rank says whether the first stands alone */
#define RETRIEVAL_TRUST_LEAST 0.01 /* feedback of less weight is not worth a second selection */
#define RETRIEVAL_FEEDBACK_TOKENS 2000 /* of one passage */
#define RETRIEVAL_NEAR 12u             /* positions */
/* The answer, best first.  Feedback may add clauses to the question (order RETRIEVAL_NONE). */
void retrieval_rank(const struct retrieval_index *index, const struct retrieval_query *query,
                    struct retrieval_question *question, size_t limit,
                    struct retrieval_candidates *out, struct arena *arena);

/* ---- explain.c ---- */
void retrieval_explain(const struct retrieval_index *index,
                       const struct retrieval_question *question, struct retrieval_hit *hit,
                       struct arena *arena);

#endif
