/* select.c - the best passages by BM25F, without looking at all of them: MaxScore (Turtle and Flood
 * 1995) with bounds by block (Ding and Suel 2011), over windows of passages as bulk scorers do.
 *
 * In a window, terms are ordered by the highest score that they can still give there.  Those at the
 * low end which together cannot lift a passage above the worst of the best so far are not walked:
 * they are looked up for passages that the others found, from the strongest down, and only while
 * the passage can still win.
 *
 * Contract: the answer equals that of scoring every passage.  Scores are whole units, so it does
 * not depend on the order of adding up; of equal passages the earlier is better. */
#include <string.h>

#include "intelligent/retrieval/retrieval_priv.h"

#define WINDOW 4096u

struct lane { /* a term on its way through the passages */
    const struct retrieval_clause *clause;
    struct retrieval_cursor cursor;
    uint64_t bound; /* in this window */
};

struct selection {
    const struct retrieval_index *index;
    const struct retrieval_query *query;
    struct lane **lanes; /* by rising bound */
    uint64_t *below;     /* sum of the bounds up to and with this lane */
    size_t lane_count;
    struct retrieval_candidate *heap; /* the worst on top */
    size_t count, limit;
    uint64_t below_floor; /* what a passage must have more than before there are `limit` */
    uint64_t scores[WINDOW];
    uint64_t touched[WINDOW / 64];
};

static bool is_worse(const struct retrieval_candidate *a, const struct retrieval_candidate *b)
{
    return a->units != b->units ? a->units < b->units : a->passage > b->passage;
}

static void sift_down(struct retrieval_candidate *heap, size_t count, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && is_worse(&heap[child + 1], &heap[child]))
            child++;
        if (!is_worse(&heap[child], &heap[at]))
            return;
        struct retrieval_candidate moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static void sift_up(struct retrieval_candidate *heap, size_t at)
{
    while (at > 0) {
        size_t up = (at - 1) / 2;
        if (!is_worse(&heap[at], &heap[up]))
            return;
        struct retrieval_candidate moved = heap[at];
        heap[at] = heap[up];
        heap[up] = moved;
        at = up;
    }
}

/* A passage must have more than this. */
static uint64_t threshold(const struct selection *s)
{
    uint64_t worst = s->count < s->limit ? 0 : s->heap[0].units;
    return worst > s->below_floor ? worst : s->below_floor;
}

static void offer(struct selection *s, uint32_t passage, uint64_t units)
{
    if (units <= threshold(s))
        return;
    if (s->query->admits && !s->query->admits(s->query->ctx, passage))
        return;
    struct retrieval_candidate candidate = {passage, units, 0};
    if (s->count < s->limit) {
        s->heap[s->count] = candidate;
        sift_up(s->heap, s->count++);
    } else {
        s->heap[0] = candidate;
        sift_down(s->heap, s->count, 0);
    }
}

/* Orders the lanes for the window; the number of lanes that need not be walked. */
static size_t prepare(struct selection *s, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        struct lane *lane = s->lanes[i];
        uint32_t highest = retrieval_cursor_bound(&lane->cursor, first, last);
        lane->bound = highest ? retrieval_units(lane->clause, highest / RETRIEVAL_IMPACT) + 1 : 0;
        size_t at = i;
        while (at > 0 && s->lanes[at - 1]->bound > lane->bound) {
            s->lanes[at] = s->lanes[at - 1];
            at--;
        }
        s->lanes[at] = lane;
    }
    uint64_t sum = 0;
    size_t idle = 0;
    for (size_t i = 0; i < s->lane_count; i++) {
        s->below[i] = sum += s->lanes[i]->bound;
        if (sum <= threshold(s))
            idle = i + 1;
    }
    return idle;
}

static uint64_t score(const struct selection *s, const struct lane *lane,
                      const struct retrieval_posting *posting)
{
    return retrieval_units(lane->clause, retrieval_saturate(s->index, posting));
}

static void walk(struct selection *s, struct lane *lane, uint32_t first, uint32_t last)
{
    struct retrieval_cursor *cursor = &lane->cursor;
    retrieval_cursor_seek(cursor, first);
    for (const struct retrieval_posting *posting;
         (posting = retrieval_cursor_get(cursor)) && posting->passage <= last;
         retrieval_cursor_next(cursor)) {
        uint32_t slot = posting->passage - first;
        s->scores[slot] += score(s, lane, posting);
        s->touched[slot / 64] |= UINT64_C(1) << (slot % 64);
    }
}

static void finish(struct selection *s, uint32_t passage, uint64_t units, size_t idle)
{
    for (size_t i = idle; i-- > 0;) {
        if (units + s->below[i] <= threshold(s))
            return;
        struct lane *lane = s->lanes[i];
        retrieval_cursor_seek(&lane->cursor, passage);
        const struct retrieval_posting *posting = retrieval_cursor_get(&lane->cursor);
        if (posting && posting->passage == passage)
            units += score(s, lane, posting);
    }
    offer(s, passage, units);
}

static void run_window(struct selection *s, uint32_t first, uint32_t last)
{
    size_t idle = prepare(s, first, last);
    if (idle == s->lane_count)
        return;
    for (size_t i = idle; i < s->lane_count; i++)
        walk(s, s->lanes[i], first, last);
    for (size_t word = 0; word < WINDOW / 64; word++) {
        for (uint64_t bits = s->touched[word]; bits; bits &= bits - 1) {
            uint32_t slot = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            finish(s, first + slot, s->scores[slot], idle);
            s->scores[slot] = 0;
        }
        s->touched[word] = 0;
    }
}

void retrieval_select(const struct retrieval_index *index, const struct retrieval_query *query,
                      const struct retrieval_question *question, size_t limit, uint64_t floor,
                      struct retrieval_candidates *out, struct arena *arena)
{
    memset(out, 0, sizeof *out);
    size_t lanes = question->clauses.count;
    if (limit > index->passages)
        limit = index->passages;
    if (lanes == 0 || limit == 0)
        return;
    struct selection *s = arena_zalloc(arena, sizeof *s);
    s->index = index;
    s->query = query;
    s->limit = limit;
    s->below_floor = floor ? floor - 1 : 0;
    s->heap = arena_array(arena, limit, sizeof *s->heap);
    s->lanes = arena_array(arena, lanes, sizeof *s->lanes);
    s->below = arena_array(arena, lanes, sizeof *s->below);
    for (size_t i = 0; i < lanes; i++) {
        s->lanes[i] = arena_alloc(arena, sizeof *s->lanes[i]);
        s->lanes[i]->clause = &question->clauses.items[i];
        retrieval_cursor_init(&s->lanes[i]->cursor, index, question->clauses.items[i].term);
    }
    s->lane_count = lanes;
    for (size_t first = 0; first < index->passages; first += WINDOW) {
        size_t last = first + WINDOW - 1;
        if (last >= index->passages)
            last = index->passages - 1;
        run_window(s, (uint32_t)first, (uint32_t)last);
    }
    out->items = s->heap;
    out->count = s->count;
    for (size_t left = s->count; left > 1; left--) { /* heap sort: the worst to the end */
        struct retrieval_candidate worst = s->heap[0];
        s->heap[0] = s->heap[left - 1];
        s->heap[left - 1] = worst;
        sift_down(s->heap, left - 1, 0);
    }
    for (size_t i = 0; i < out->count; i++)
        out->items[i].score = (double)out->items[i].units / RETRIEVAL_UNIT;
}
