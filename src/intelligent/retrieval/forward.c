/* forward.c - the tokens of each passage, in order, as bytes.
 *
 * A passage is its fields one after the other; a field is the number of its tokens and the tokens;
 * a token is varint(term × 2 + moves), and when it moves, one byte gap × 32 + length of the bytes
 * that it was read from (gap from the end of the token before it; a length of 31 and a gap of 7 are
 * followed by a varint of what is beyond).
 *
 * Contract: read only after the bytes were written by this file or verified by save.c. */
#include "intelligent/retrieval/retrieval_priv.h"

void retrieval_put_varint(struct buf *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    buf_add(out, bytes, n);
}

void retrieval_put_span(struct buf *out, uint32_t gap, uint32_t length)
{
    uint32_t g = gap < RETRIEVAL_GAP_BEYOND ? gap : RETRIEVAL_GAP_BEYOND;
    uint32_t l = length < RETRIEVAL_LENGTH_BEYOND ? length : RETRIEVAL_LENGTH_BEYOND;
    buf_add_char(out, (char)(g << 5 | l));
    if (g == RETRIEVAL_GAP_BEYOND)
        retrieval_put_varint(out, gap - g);
    if (l == RETRIEVAL_LENGTH_BEYOND)
        retrieval_put_varint(out, length - l);
}

void retrieval_reader_init(struct retrieval_reader *reader, const struct retrieval_index *index,
                           size_t passage)
{
    const uint8_t *bytes = (const uint8_t *)buf_str(&index->forward);
    reader->at = bytes + index->forward_at[passage];
    reader->end = bytes + index->forward_at[passage + 1];
    reader->field = RETRIEVAL_TITLE;
    reader->left = (uint32_t)retrieval_get_varint(&reader->at);
    reader->byte = 0;
}

const struct retrieval_place *retrieval_reader_next(struct retrieval_reader *reader)
{
    while (reader->left == 0) {
        if (reader->field == RETRIEVAL_TEXT)
            return NULL;
        reader->field++;
        reader->left = (uint32_t)retrieval_get_varint(&reader->at);
        reader->byte = 0;
    }
    reader->left--;
    uint64_t head = retrieval_get_varint(&reader->at);
    reader->last.term = (uint32_t)(head >> 1);
    reader->last.moves = head & 1;
    if (reader->last.moves) {
        uint32_t gap = *reader->at >> 5, length = *reader->at & 31;
        reader->at++;
        if (gap == RETRIEVAL_GAP_BEYOND)
            gap += (uint32_t)retrieval_get_varint(&reader->at);
        if (length == RETRIEVAL_LENGTH_BEYOND)
            length += (uint32_t)retrieval_get_varint(&reader->at);
        reader->last.begin = reader->byte + gap;
        reader->last.end = reader->byte = reader->last.begin + length;
    }
    return &reader->last;
}
