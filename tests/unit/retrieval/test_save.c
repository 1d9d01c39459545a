/* test_save.c - an index as bytes: the same answers, and damage is an ordinary error. */
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests.h"

#define LENGTH_AT 16
#define DIGEST_AT 24
#define BODY_AT (DIGEST_AT + ID_DIGEST_SIZE)

static struct retrieval_index *sample(size_t passages)
{
    struct retrieval_index *index;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct rand rand;
    rand_init(&rand, 5);
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_word(index, "算力网络", NULL), ERR_OK);
    for (size_t p = 0; p < passages; p++) {
        char id[24];
        snprintf(id, sizeof id, "p%zu", p);
        buf_clear(&text);
        for (size_t i = rand_below(&rand, 40); i > 0; i--)
            buf_printf(&text, "w%u ", (unsigned)rand_below(&rand, 90));
        if (p % 3 == 0)
            buf_add_str(&text, "算力网络把      网络资源连在一起");
        struct retrieval_passage passage = {id, p % 2 ? "Title w3 算力" : NULL,
                                            p % 5 ? NULL : "w1 > w2", buf_str(&text)};
        assert_int_equal(retrieval_index_add(index, &passage, NULL), ERR_OK);
    }
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    return index;
}

static void expect_same_answers(const struct retrieval_index *a, const struct retrieval_index *b)
{
    static const char *const queries[] = {"w1 w5 w7", "算力网络", "title w88", "网络资源 w2", "的"};
    for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct retrieval_query query = {.text = queries[q], .limit = 50, .explain = true};
        struct retrieval_answer x, y;
        assert_int_equal(retrieval_search(a, &query, &x, &arena, NULL), ERR_OK);
        assert_int_equal(retrieval_search(b, &query, &y, &arena, NULL), ERR_OK);
        assert_int_equal(x.hits.count, y.hits.count);
        for (size_t i = 0; i < x.hits.count; i++) {
            const struct retrieval_hit *m = &x.hits.items[i], *n = &y.hits.items[i];
            assert_string_equal(m->id, n->id);
            assert_true(m->score == n->score && m->near == n->near);
            assert_int_equal(m->snippet_begin, n->snippet_begin);
            assert_int_equal(m->snippet_end, n->snippet_end);
            assert_int_equal(m->why.count, n->why.count);
        }
    }
}

static void test_a_loaded_index_answers_as_the_saved_one(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 600};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_done) struct buf bytes = BUF_INIT, again = BUF_INIT;
        struct retrieval_index *index = sample(sizes[i]), *loaded = NULL;
        assert_int_equal(retrieval_index_save(index, &bytes, NULL), ERR_OK);
        assert_int_equal(retrieval_index_load(&loaded, bytes.data, bytes.len, NULL), ERR_OK);
        assert_int_equal(retrieval_index_passages(loaded), sizes[i]);
        expect_same_answers(index, loaded);
        assert_int_equal(retrieval_index_save(loaded, &again, NULL), ERR_OK);
        assert_int_equal(again.len, bytes.len);
        assert_memory_equal(again.data, bytes.data, bytes.len);
        retrieval_index_free(index);
        retrieval_index_free(loaded);
    }
}

static enum err_code load(const struct buf *bytes, size_t len, struct err *err)
{
    struct retrieval_index *loaded = NULL;
    enum err_code rc = retrieval_index_load(&loaded, buf_str(bytes), len, err);
    retrieval_index_free(loaded);
    return rc;
}

static void test_damage_and_foreign_versions_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    struct err err = ERR_INIT;
    struct retrieval_index *index = sample(7);
    assert_int_equal(retrieval_index_save(index, &bytes, NULL), ERR_OK);
    retrieval_index_free(index);
    for (size_t len = 0; len < bytes.len; len += 3)
        assert_int_not_equal(load(&bytes, len, &err), ERR_OK);
    assert_int_equal(load(&bytes, bytes.len - 1, &err), ERR_CORRUPT);
    assert_int_equal(load(&bytes, 0, &err), ERR_INVALID);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] ^= 4;
        enum err_code rc = load(&bytes, bytes.len, &err);
        assert_int_equal(rc, i < 8 ? ERR_INVALID : (i < 16 ? ERR_UNSUPPORTED : ERR_CORRUPT));
        bytes.data[i] ^= 4;
    }
    assert_int_equal(load(&bytes, bytes.len, &err), ERR_OK);
    CLEANUP(buf_done) struct buf none = BUF_INIT;
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_save(index, &none, &err), ERR_CONFLICT);
    retrieval_index_free(index);
}

/* Someone who can compute a digest must not be able to lead a search out of its bounds. */
static void test_changed_bytes_with_a_right_digest_do_no_harm(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    struct rand rand;
    struct retrieval_index *index = sample(60);
    size_t accepted = 0;
    rand_init(&rand, 3);
    assert_int_equal(retrieval_index_save(index, &bytes, NULL), ERR_OK);
    retrieval_index_free(index);
    for (int round = 0; round < 4000; round++) {
        size_t at = BODY_AT + rand_below(&rand, bytes.len - BODY_AT);
        char before = bytes.data[at];
        bytes.data[at] =
            (char)(round % 2 ? before ^ (1 << rand_below(&rand, 8)) : (int)rand_below(&rand, 256));
        id_digest(bytes.data + BODY_AT, bytes.len - BODY_AT, bytes.data + DIGEST_AT);
        struct retrieval_index *loaded = NULL;
        struct err err = ERR_INIT;
        if (retrieval_index_load(&loaded, bytes.data, bytes.len, &err) == ERR_OK) {
            CLEANUP(arena_done) struct arena arena = ARENA_INIT;
            struct retrieval_query query = {
                .text = "w1 w2 w3 w4 w5 算力网络 title", .limit = 30, .explain = true};
            struct retrieval_answer answer;
            assert_int_equal(retrieval_search(loaded, &query, &answer, &arena, NULL), ERR_OK);
            retrieval_index_free(loaded);
            accepted++;
        } else {
            assert_int_equal(err.code, ERR_CORRUPT);
        }
        bytes.data[at] = before;
    }
    assert_true(accepted > 0);
}

int run_save_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loaded_index_answers_as_the_saved_one),
        cmocka_unit_test(test_damage_and_foreign_versions_are_refused),
        cmocka_unit_test(test_changed_bytes_with_a_right_digest_do_no_harm),
    };
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
