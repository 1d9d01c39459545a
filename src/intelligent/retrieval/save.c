/* save.c - a sealed index as bytes, so that a server need not build it again.
 *
 * Layout, numbers little-endian: "SWANRIX\n", u32 format, u32 analysis, u64 length of the rest, its
 * SHA-256 as text with a NUL (72 bytes); then as varints: words of the lexicon and their texts,
 * passages, terms, length of the forward bytes, length of the postings; for each passage its id,
 * the length of its forward bytes and the positions of its fields; the forward bytes; for each term
 * its name, kind, passages and count; the terms in order of their names; the postings.  Texts end
 * in NUL.  Blocks, norms and impacts are computed again.
 *
 * Contract: a changed byte, a foreign format and other rules of analysis are ordinary errors.  The
 * digest finds accidents; whatever is read is nevertheless checked to stand inside its bounds, so
 * that bytes made by someone else cannot lead a search out of them. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval_priv.h"

static const char magic[8] = "SWANRIX\n";
#define FORMAT 1u
/* Must rise with every change of scan.c, characters.c, their tables and stem.c: a query is read by
 * the rules of the program, so the index must have been too. */
#define ANALYSIS 1u
#define HEADER (sizeof magic + 4 + 4 + 8 + ID_DIGEST_SIZE)

static void put_number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_add_char(out, (char)(value >> (8 * i) & 0xff));
}

static uint64_t get_number(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void put_text(struct buf *out, const char *text)
{
    buf_add(out, text, strlen(text) + 1);
}

static void write_body(const struct retrieval_index *index, struct buf *out)
{
    size_t at = 0;
    const char *word;
    retrieval_put_varint(out, map_count(index->lexicon.words));
    while (map_next(index->lexicon.words, &at, &word, NULL))
        put_text(out, word);
    retrieval_put_varint(out, index->passages);
    retrieval_put_varint(out, index->terms);
    retrieval_put_varint(out, index->forward.len);
    retrieval_put_varint(out, index->postings.len);
    for (size_t p = 0; p < index->passages; p++) {
        put_text(out, retrieval_passage_id(index, p));
        retrieval_put_varint(out, index->forward_at[p + 1] - index->forward_at[p]);
        for (size_t f = 0; f < RETRIEVAL_FIELDS; f++)
            retrieval_put_varint(out, index->lengths[p * RETRIEVAL_FIELDS + f]);
    }
    buf_add(out, buf_str(&index->forward), index->forward.len);
    for (size_t t = 0; t < index->terms; t++) {
        put_text(out, retrieval_term_name(index, (uint32_t)t));
        retrieval_put_varint(out, index->term[t].kind);
        retrieval_put_varint(out, index->term[t].passages);
        retrieval_put_varint(out, index->term[t].count);
    }
    for (size_t t = 0; t < index->terms; t++)
        retrieval_put_varint(out, index->by_name[t]);
    buf_add(out, buf_str(&index->postings), index->postings.len);
}

enum err_code retrieval_index_save(const struct retrieval_index *index, struct buf *out,
                                   struct err *err)
{
    char digest[ID_DIGEST_SIZE] = "";
    if (!index->sealed)
        return err_set(err, ERR_CONFLICT, "the index is not sealed");
    size_t begin = out->len;
    buf_add(out, magic, sizeof magic);
    put_number(out, FORMAT, 4);
    put_number(out, ANALYSIS, 4);
    put_number(out, 0, 8);
    buf_add(out, digest, sizeof digest);
    write_body(index, out);
    enum err_code rc = buf_check(out, err);
    if (rc)
        return rc;
    uint8_t *header = (uint8_t *)out->data + begin;
    uint64_t len = out->len - begin - HEADER;
    for (size_t i = 0; i < 8; i++)
        header[sizeof magic + 8 + i] = (uint8_t)(len >> (8 * i));
    id_digest(header + HEADER, (size_t)len, digest);
    memcpy(header + sizeof magic + 16, digest, sizeof digest);
    return ERR_OK;
}

/* ---- loading ---- */
struct source { /* bytes being read; after a fault everything reads as 0 */
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t take_number(struct source *s, uint64_t most)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 42; shift += 7) {
        if (s->at == s->end)
            break;
        uint8_t byte = *s->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if (value > most)
                break;
            return value;
        }
    }
    s->bad = true;
    s->at = s->end;
    return 0;
}

/* A text of 1 to `most` bytes, inside the source. */
static const char *take_text(struct source *s, size_t most)
{
    const uint8_t *stop = memchr(s->at, 0, (size_t)(s->end - s->at));
    size_t len = stop ? (size_t)(stop - s->at) : 0;
    const char *text = (const char *)s->at;
    if (len == 0 || len > most || !str_is_utf8(text, len)) {
        s->bad = true;
        s->at = s->end;
        return "?";
    }
    s->at = stop + 1;
    return text;
}

static struct source take_bytes(struct source *s, uint64_t len)
{
    struct source part = {s->at, s->at, false};
    if (len > (uint64_t)(s->end - s->at)) {
        s->bad = true;
        s->at = s->end;
        return part;
    }
    part.end = s->at += len;
    return part;
}

static void read_lexicon(struct retrieval_index *index, struct source *s)
{
    uint64_t words = take_number(s, UINT32_MAX);
    for (uint64_t i = 0; i < words && !s->bad; i++) {
        const char *word = take_text(s, RETRIEVAL_TERM_SIZE - 1);
        size_t len = strlen(word), characters = 0;
        for (size_t at = 0; at < len; characters++)
            str_next(word, len, &at);
        s->bad |= characters < 3 || characters > RETRIEVAL_RUN_AHEAD;
        map_put(index->lexicon.words, word, index);
        if (characters > index->lexicon.longest)
            index->lexicon.longest = characters;
    }
}

struct sizes {
    uint64_t passages, terms, forward, postings;
};

/* Each passage and each term takes some bytes, so that lengths which are not there are refused
 * before memory is taken for them. */
static bool read_sizes(struct source *s, struct sizes *out)
{
    out->passages = take_number(s, RETRIEVAL_PASSAGES_MAX);
    out->terms = take_number(s, UINT32_MAX);
    out->forward = take_number(s, UINT64_MAX);
    out->postings = take_number(s, UINT64_MAX);
    uint64_t left = (uint64_t)(s->end - s->at);
    return !s->bad && out->forward <= left && out->postings <= left - out->forward &&
           out->passages * 5 <= left && out->terms * 6 <= left;
}

static void read_passages(struct retrieval_index *index, struct source *s,
                          const struct sizes *sizes)
{
    size_t n = index->room = index->passages = (size_t)sizes->passages;
    index->id_at = mem_array(n, sizeof *index->id_at);
    index->forward_at = mem_array(n + 1, sizeof *index->forward_at);
    index->lengths = mem_array(n * RETRIEVAL_FIELDS, sizeof *index->lengths);
    for (size_t p = 0; p < n && !s->bad; p++) {
        const char *id = take_text(s, RETRIEVAL_TEXT_MAX);
        index->id_at[p] = index->id_names.len;
        buf_add(&index->id_names, id, strlen(id) + 1);
        index->forward_at[p + 1] = index->forward_at[p] + take_number(s, sizes->forward);
        for (size_t f = 0; f < RETRIEVAL_FIELDS; f++)
            index->lengths[p * RETRIEVAL_FIELDS + f] = (uint32_t)take_number(s, RETRIEVAL_TEXT_MAX);
    }
    s->bad |= index->forward_at[n] != sizes->forward;
}

static bool is_forward_sound(const struct retrieval_index *index)
{
    for (size_t p = 0; p < index->passages; p++) {
        const uint8_t *bytes = (const uint8_t *)buf_str(&index->forward);
        struct source s = {bytes + index->forward_at[p], bytes + index->forward_at[p + 1], false};
        for (int f = 0; f < RETRIEVAL_FIELDS; f++) {
            uint64_t tokens = take_number(&s, UINT32_MAX), byte = 0;
            for (; tokens && !s.bad; tokens--) {
                uint64_t head = take_number(&s, UINT64_MAX);
                if (head >> 1 >= index->terms)
                    return false;
                if (!(head & 1))
                    continue;
                if (s.at == s.end)
                    return false;
                uint64_t gap = *s.at >> 5, length = *s.at & 31;
                s.at++;
                if (gap == RETRIEVAL_GAP_BEYOND)
                    gap += take_number(&s, RETRIEVAL_TEXT_MAX);
                if (length == RETRIEVAL_LENGTH_BEYOND)
                    length += take_number(&s, RETRIEVAL_TEXT_MAX);
                byte += gap + length;
                if (byte > RETRIEVAL_TEXT_MAX)
                    return false;
            }
        }
        if (s.bad || s.at != s.end)
            return false;
    }
    return true;
}

static void read_terms(struct retrieval_index *index, struct source *s, const struct sizes *sizes)
{
    size_t n = index->terms = (size_t)sizes->terms;
    const char *before = NULL;
    index->term = mem_array(n, sizeof *index->term);
    index->by_name = mem_array(n, sizeof *index->by_name);
    for (size_t t = 0; t < n && !s->bad; t++) {
        struct retrieval_term *term = &index->term[t];
        const char *name = take_text(s, RETRIEVAL_TERM_SIZE - 1);
        term->name = index->names.len;
        buf_add(&index->names, name, strlen(name) + 1);
        term->kind = (uint8_t)take_number(s, RETRIEVAL_LEXICAL);
        term->passages = (uint32_t)take_number(s, index->passages);
        term->count = take_number(s, UINT64_MAX);
        s->bad |= term->passages == 0;
        index->block_count += (term->passages + RETRIEVAL_BLOCK - 1) / RETRIEVAL_BLOCK;
    }
    /* strictly rising, so each term once */
    for (size_t t = 0; t < n && !s->bad; t++) {
        index->by_name[t] = (uint32_t)take_number(s, n - 1);
        const char *name = retrieval_term_name(index, index->by_name[t]);
        s->bad |= before && strcmp(before, name) >= 0;
        before = name;
    }
}

/* Finds the blocks again, and that every posting is of a passage that is there. */
static bool find_blocks(struct retrieval_index *index)
{
    const uint8_t *bytes = (const uint8_t *)buf_str(&index->postings);
    struct source s = {bytes, bytes + index->postings.len, false};
    size_t block = 0;
    if (index->block_count > UINT32_MAX || index->block_count > index->postings.len)
        return false;
    index->blocks = mem_array(index->block_count, sizeof *index->blocks);
    for (size_t t = 0; t < index->terms; t++) {
        uint64_t passage = UINT64_MAX; /* one before the first */
        index->term[t].first_block = (uint32_t)block;
        for (uint32_t i = 0; i < index->term[t].passages; i++) {
            if (i % RETRIEVAL_BLOCK == 0)
                index->blocks[block++].at = (uint64_t)(s.at - bytes);
            uint64_t gap = take_number(&s, index->passages);
            uint64_t text = take_number(&s, UINT32_MAX);
            if (text & 1) {
                take_number(&s, UINT32_MAX);
                take_number(&s, UINT32_MAX);
            }
            passage += gap;
            if (s.bad || gap == 0 || passage >= index->passages)
                return false;
            index->blocks[block - 1].last = (uint32_t)passage;
        }
    }
    return s.at == s.end;
}

static enum err_code read_body(struct retrieval_index *index, struct source s, struct err *err)
{
    struct sizes sizes;
    struct source part;
    read_lexicon(index, &s);
    if (s.bad || !read_sizes(&s, &sizes))
        return err_set(err, ERR_CORRUPT, "the index is damaged: its sizes do not fit");
    read_passages(index, &s, &sizes);
    part = take_bytes(&s, sizes.forward);
    buf_add(&index->forward, part.at, (size_t)(part.end - part.at));
    if (s.bad)
        return err_set(err, ERR_CORRUPT, "the index is damaged: its passages do not fit");
    read_terms(index, &s, &sizes);
    part = take_bytes(&s, sizes.postings);
    buf_add(&index->postings, part.at, (size_t)(part.end - part.at));
    if (s.bad || s.at != s.end)
        return err_set(err, ERR_CORRUPT, "the index is damaged: its terms do not fit");
    if (!is_forward_sound(index) || !find_blocks(index))
        return err_set(err, ERR_CORRUPT, "the index is damaged: its tokens do not fit");
    return ERR_OK;
}

static enum err_code check_header(const uint8_t *bytes, size_t len, struct err *err)
{
    char digest[ID_DIGEST_SIZE];
    if (len < HEADER || memcmp(bytes, magic, sizeof magic) != 0)
        return err_set(err, ERR_INVALID, "these bytes are no index");
    if (get_number(bytes + sizeof magic, 4) != FORMAT ||
        get_number(bytes + sizeof magic + 4, 4) != ANALYSIS) {
        err_set(err, ERR_UNSUPPORTED, "the index was saved by another version");
        return err_hint(err, "build it again from its passages");
    }
    if (get_number(bytes + sizeof magic + 8, 8) != len - HEADER)
        return err_set(err, ERR_CORRUPT, "the index is cut short or too long");
    id_digest(bytes + HEADER, len - HEADER, digest);
    if (memcmp(digest, bytes + sizeof magic + 16, sizeof digest) != 0)
        return err_set(err, ERR_CORRUPT, "the index is damaged: its digest does not fit");
    return ERR_OK;
}

enum err_code retrieval_index_load(struct retrieval_index **out, const void *data, size_t len,
                                   struct err *err)
{
    const uint8_t *bytes = data;
    struct retrieval_index *index;
    enum err_code rc = check_header(bytes, len, err);
    if (rc || (rc = retrieval_index_new(&index, err)))
        return rc;
    map_free(index->ids);
    index->ids = NULL;
    rc = read_body(index, (struct source){bytes + HEADER, bytes + len, false}, err);
    if (rc) {
        retrieval_index_free(index);
        return rc;
    }
    retrieval_index_weigh(index);
    index->sealed = true;
    *out = index;
    return ERR_OK;
}
