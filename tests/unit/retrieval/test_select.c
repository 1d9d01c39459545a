/* test_select.c - the first stage against an oracle that scores every passage, on random corpora.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests.h"

struct scored {
    uint32_t passage;
    uint64_t units;
};

static int compare_scored(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->units != y->units)
        return x->units > y->units ? -1 : 1;
    return x->passage < y->passage ? -1 : 1;
}

/* Every posting of every clause, added up. */
static size_t score_all(const struct retrieval_index *index,
                        const struct retrieval_question *question, struct scored *out)
{
    size_t count = 0;
    uint64_t *sums = mem_array(index->passages, sizeof *sums);
    for (size_t c = 0; c < question->clauses.count; c++) {
        const struct retrieval_clause *clause = &question->clauses.items[c];
        struct retrieval_cursor cursor;
        const struct retrieval_posting *posting;
        uint32_t seen = 0;
        retrieval_cursor_init(&cursor, index, clause->term);
        for (; (posting = retrieval_cursor_get(&cursor)); retrieval_cursor_next(&cursor), seen++)
            sums[posting->passage] += retrieval_units(clause, retrieval_saturate(index, posting));
        assert_int_equal(seen, index->term[clause->term].passages);
    }
    for (size_t p = 0; p < index->passages; p++) {
        if (sums[p])
            out[count++] = (struct scored){(uint32_t)p, sums[p]};
    }
    mem_free(sums);
    qsort(out, count, sizeof *out, compare_scored);
    return count;
}

static void random_text(struct rand *rand, struct buf *out, size_t words, unsigned vocabulary)
{
    buf_clear(out);
    for (size_t i = 0; i < words; i++) {
        /* word n is drawn with a chance that falls with n, as in language */
        double u = rand_unit(rand);
        unsigned word = (unsigned)((double)vocabulary * u * u * u);
        buf_printf(out, "w%u ", word);
    }
}

static bool admits_odd(const void *ctx, size_t passage)
{
    (void)ctx;
    return passage % 2 == 1;
}

static void compare_on(struct rand *rand, size_t passages, unsigned vocabulary)
{
    struct retrieval_index *index;
    CLEANUP(buf_done) struct buf text = BUF_INIT, title = BUF_INIT;
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    for (size_t p = 0; p < passages; p++) {
        char id[24];
        snprintf(id, sizeof id, "%zu", p);
        random_text(rand, &text, rand_below(rand, 30), vocabulary);
        random_text(rand, &title, rand_below(rand, 4), vocabulary);
        struct retrieval_passage passage = {id, buf_str(&title), NULL, buf_str(&text)};
        assert_int_equal(retrieval_index_add(index, &passage, NULL), ERR_OK);
    }
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    struct scored *all = mem_array(passages + 1, sizeof *all);
    for (int q = 0; q < 20; q++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct retrieval_question question;
        struct retrieval_candidates found;
        random_text(rand, &text, 1 + rand_below(rand, 12), vocabulary);
        struct retrieval_query query = {.text = buf_str(&text)};
        if (q % 4 == 0)
            query.admits = admits_odd;
        size_t limit = 1 + rand_below(rand, 40);
        assert_int_equal(retrieval_question_read(index, query.text, &question, &arena, NULL),
                         ERR_OK);
        retrieval_select(index, &query, &question, limit, 0, &found, &arena);
        size_t count = score_all(index, &question, all), rank = 0;
        for (size_t i = 0; i < count && rank < limit; i++) {
            if (query.admits && !query.admits(NULL, all[i].passage))
                continue;
            assert_true(rank < found.count);
            assert_int_equal(found.items[rank].passage, all[i].passage);
            assert_int_equal(found.items[rank].units, all[i].units);
            rank++;
        }
        assert_int_equal(found.count, rank);
    }
    mem_free(all);
    retrieval_index_free(index);
}

static void test_the_best_are_those_of_scoring_every_passage(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 4);
    compare_on(&rand, 0, 5);
    compare_on(&rand, 1, 5);
    for (int i = 0; i < 20; i++)
        compare_on(&rand, 1 + rand_below(&rand, 400), 2 + (unsigned)rand_below(&rand, 200));
    compare_on(&rand, 20000, 40); /* several windows, long lists */
    compare_on(&rand, 20000, 4000);
}

int run_select_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_are_those_of_scoring_every_passage),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
