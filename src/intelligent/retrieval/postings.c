/* postings.c - which passages hold a term and how often, in blocks of RETRIEVAL_BLOCK.
 *
 * A posting is varint(gap to the passage before) and varint(count in the text × 2 + more); `more`
 * is followed by the counts in title and headings.  The first gap of a block counts from the last
 * passage of the block before it (from -1 in a term's first block, so that no gap is 0).
 *
 * Contract: read only after the bytes were written by index.c or verified by save.c. */
#include "intelligent/retrieval/retrieval_priv.h"

void retrieval_put_posting(struct buf *out, uint32_t gap, const uint32_t count[RETRIEVAL_FIELDS])
{
    bool more = count[RETRIEVAL_TITLE] || count[RETRIEVAL_HEADINGS];
    retrieval_put_varint(out, gap);
    retrieval_put_varint(out, (uint64_t)count[RETRIEVAL_TEXT] << 1 | more);
    if (more) {
        retrieval_put_varint(out, count[RETRIEVAL_TITLE]);
        retrieval_put_varint(out, count[RETRIEVAL_HEADINGS]);
    }
}

void retrieval_block_decode(const struct retrieval_index *index,
                            const struct retrieval_block *block, uint32_t before, uint32_t count,
                            struct retrieval_posting *out)
{
    const uint8_t *at = (const uint8_t *)buf_str(&index->postings) + block->at;
    uint32_t passage = before;
    for (uint32_t i = 0; i < count; i++) {
        passage += (uint32_t)retrieval_get_varint(&at);
        uint64_t text = retrieval_get_varint(&at);
        out[i].passage = passage;
        out[i].count[RETRIEVAL_TEXT] = (uint32_t)(text >> 1);
        out[i].count[RETRIEVAL_TITLE] = out[i].count[RETRIEVAL_HEADINGS] = 0;
        if (text & 1) {
            out[i].count[RETRIEVAL_TITLE] = (uint32_t)retrieval_get_varint(&at);
            out[i].count[RETRIEVAL_HEADINGS] = (uint32_t)retrieval_get_varint(&at);
        }
    }
}

static void fill(struct retrieval_cursor *cursor, uint32_t before)
{
    cursor->count = cursor->left < RETRIEVAL_BLOCK ? cursor->left : RETRIEVAL_BLOCK;
    cursor->at = 0;
    if (cursor->count)
        retrieval_block_decode(cursor->index, cursor->block, before, cursor->count, cursor->items);
}

void retrieval_cursor_init(struct retrieval_cursor *cursor, const struct retrieval_index *index,
                           uint32_t term)
{
    cursor->index = index;
    cursor->block = index->blocks + index->term[term].first_block;
    cursor->left = index->term[term].passages;
    fill(cursor, UINT32_MAX);
}

static void next_block(struct retrieval_cursor *cursor)
{
    uint32_t before = cursor->block->last;
    cursor->left -= cursor->left < RETRIEVAL_BLOCK ? cursor->left : RETRIEVAL_BLOCK;
    cursor->block++;
    fill(cursor, before);
}

const struct retrieval_posting *retrieval_cursor_get(struct retrieval_cursor *cursor)
{
    return cursor->at < cursor->count ? &cursor->items[cursor->at] : NULL;
}

void retrieval_cursor_next(struct retrieval_cursor *cursor)
{
    cursor->at++;
    if (cursor->at == cursor->count && cursor->count)
        next_block(cursor);
}

void retrieval_cursor_seek(struct retrieval_cursor *cursor, uint32_t passage)
{
    if (cursor->count == 0 || cursor->items[cursor->at].passage >= passage)
        return;
    if (cursor->block->last < passage) {
        uint32_t before = 0;
        while (cursor->left && cursor->block->last < passage) {
            before = cursor->block->last;
            cursor->left -= cursor->left < RETRIEVAL_BLOCK ? cursor->left : RETRIEVAL_BLOCK;
            cursor->block++;
        }
        fill(cursor, before);
        if (cursor->count == 0)
            return;
    }
    while (cursor->items[cursor->at].passage < passage)
        cursor->at++;
}

uint32_t retrieval_cursor_bound(const struct retrieval_cursor *cursor, uint32_t first,
                                uint32_t last)
{
    const struct retrieval_block *block = cursor->block;
    uint32_t left = cursor->left, highest = 0;
    while (left && block->last < first) {
        left -= left < RETRIEVAL_BLOCK ? left : RETRIEVAL_BLOCK;
        block++;
    }
    while (left) {
        if (block->highest > highest)
            highest = block->highest;
        if (block->last >= last)
            break;
        left -= left < RETRIEVAL_BLOCK ? left : RETRIEVAL_BLOCK;
        block++;
    }
    return highest;
}
