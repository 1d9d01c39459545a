/* test_retrieval.c - filling, sealing, asking, explaining, fusing and judging. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "tests.h"

struct retrieval_index *index_of(const char *const *texts)
{
    struct retrieval_index *index;
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    for (size_t i = 0; texts[i]; i++) {
        char id[24];
        snprintf(id, sizeof id, "%zu", i);
        struct retrieval_passage passage = {id, NULL, NULL, texts[i]};
        assert_int_equal(retrieval_index_add(index, &passage, NULL), ERR_OK);
    }
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    return index;
}

const char *found(const struct retrieval_index *index, const char *query, struct arena *arena)
{
    struct retrieval_query asked = {.text = query};
    struct retrieval_answer answer;
    const char *out = "";
    assert_int_equal(retrieval_search(index, &asked, &answer, arena, NULL), ERR_OK);
    for (size_t i = 0; i < answer.hits.count; i++)
        out = arena_printf(arena, "%s%s%s", out, i ? " " : "", answer.hits.items[i].id);
    return out;
}

static const char *const plants[] = {
    "Wind turbines turn the motion of air into electricity.",
    "A turbine blade is cooled by air from the compressor.",
    "算力网络把计算、存储和网络资源连在一起。",
    "东数西算工程把东部的数据送到西部计算。",
    "The cat sat on the mat.",
    NULL,
};

static void test_the_passage_with_the_words_comes_first(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_index *index = index_of(plants);
    assert_string_equal(found(index, "cooling of blades", &arena), "1");
    assert_string_equal(found(index, "cats", &arena), "4");
    assert_memory_equal(found(index, "什么是算力网络？", &arena), "2", 1);
    assert_memory_equal(found(index, "東數西算", &arena), "3", 1);
    assert_string_equal(found(index, "zebra", &arena), "");
    assert_string_equal(found(index, "", &arena), "");
    retrieval_index_free(index);
}

static void test_stop_words_count_when_nothing_else_is_asked(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_index *index = index_of(plants);
    assert_string_equal(found(index, "what is the", &arena), "1 4 0");
    assert_string_equal(found(index, "what is the mat", &arena), "4");
    retrieval_index_free(index);
}

/* Terms come in windows, and the table that finds them grows between and within them. */
static void test_a_large_vocabulary_keeps_each_word_apart(void **state)
{
    enum { PASSAGES = 400, WORDS = 25 };
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *texts[PASSAGES + 1] = {NULL};
    for (size_t p = 0; p < PASSAGES; p++) {
        const char *text = "";
        for (size_t w = 0; w < WORDS; w++) /* each word stands in its passage twice */
            text = arena_printf(&arena, "%s q%zux%zu q%zux%zu", text, p, w, p, w);
        texts[p] = text;
    }
    struct retrieval_index *index = index_of(texts);
    assert_int_equal(index->terms, PASSAGES * WORDS);
    for (size_t p = 0; p < PASSAGES; p++) {
        for (size_t w = 0; w < WORDS; w++) {
            const char *word = arena_printf(&arena, "q%zux%zu", p, w);
            uint32_t term = retrieval_term_find(index, word);
            assert_int_not_equal(term, RETRIEVAL_NONE);
            assert_int_equal(index->term[term].count, 2);
        }
        if (p % 40 == 0)
            assert_string_equal(found(index, arena_printf(&arena, "q%zux%d", p, WORDS - 1), &arena),
                                arena_printf(&arena, "%zu", p));
    }
    retrieval_index_free(index);
}

static void test_an_empty_index_answers_nothing(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static const char *const none[] = {NULL};
    struct retrieval_index *index = index_of(none);
    assert_string_equal(found(index, "anything", &arena), "");
    retrieval_index_free(index);
}

static void expect_refused(struct retrieval_index *index, struct retrieval_passage passage,
                           enum err_code code, const char *words)
{
    struct err err = ERR_INIT;
    assert_int_equal(retrieval_index_add(index, &passage, &err), code);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
}

static void test_bad_passages_are_refused_and_change_nothing(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_index *index;
    struct retrieval_passage good = {"a", "T", NULL, "cat"};
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_add(index, &good, NULL), ERR_OK);
    expect_refused(index, good, ERR_CONFLICT, "'a'");
    expect_refused(index, (struct retrieval_passage){"b", NULL, NULL, "\xff"}, ERR_INVALID, "text");
    expect_refused(index, (struct retrieval_passage){"b", "\xff", NULL, "x"}, ERR_INVALID, "title");
    expect_refused(index, (struct retrieval_passage){NULL, NULL, NULL, "x"}, ERR_INVALID, "no id");
    expect_refused(index, (struct retrieval_passage){"", NULL, NULL, "x"}, ERR_INVALID, "no id");
    char *huge = mem_alloc(RETRIEVAL_TEXT_MAX + 2);
    memset(huge, 'a', RETRIEVAL_TEXT_MAX + 1);
    huge[RETRIEVAL_TEXT_MAX + 1] = 0;
    expect_refused(index, (struct retrieval_passage){"b", NULL, NULL, huge}, ERR_TOO_LARGE, "'b'");
    mem_free(huge);
    struct retrieval_query query = {.text = "cat"};
    struct retrieval_answer answer;
    assert_int_equal(retrieval_search(index, &query, &answer, &arena, NULL), ERR_CONFLICT);
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_CONFLICT);
    expect_refused(index, (struct retrieval_passage){"b", NULL, NULL, "x"}, ERR_CONFLICT, "sealed");
    assert_int_equal(retrieval_index_word(index, "算力网", NULL), ERR_CONFLICT);
    assert_string_equal(found(index, "cat", &arena), "a");
    query.text = "\xff";
    assert_int_equal(retrieval_search(index, &query, &answer, &arena, NULL), ERR_INVALID);
    retrieval_index_free(index);
}

static void test_known_words_are_terms(void **state)
{
    (void)state;
    struct retrieval_index *index;
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_word(index, "算力网络", NULL), ERR_OK);
    assert_int_equal(retrieval_index_word(index, "算力", NULL), ERR_OK);
    assert_int_equal(retrieval_index_word(index, "GPU卡", NULL), ERR_OK);
    struct retrieval_passage passage = {"a", NULL, NULL, "算力網絡"};
    assert_int_equal(retrieval_index_add(index, &passage, NULL), ERR_OK);
    assert_int_equal(retrieval_index_word(index, "网络层", NULL), ERR_CONFLICT);
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    assert_int_not_equal(retrieval_term_find(index, "算力网络"), RETRIEVAL_NONE);
    assert_int_equal(retrieval_term_find(index, "算力网"), RETRIEVAL_NONE);
    retrieval_index_free(index);
}

static void test_a_hit_says_why_and_where(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_index *index;
    struct retrieval_answer answer;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (int i = 0; i < 100; i++)
        buf_add_str(&text, "填充的文字。");
    size_t before = text.len;
    buf_add_str(&text, "液冷机柜每个一百千瓦。");
    size_t after = text.len;
    for (int i = 0; i < 100; i++)
        buf_add_str(&text, "填充的文字。");
    struct retrieval_passage cold = {"cold", "液冷", "数据中心", buf_str(&text)};
    struct retrieval_passage other = {"other", NULL, NULL, "别的事情"};
    assert_int_equal(retrieval_index_new(&index, NULL), ERR_OK);
    assert_int_equal(retrieval_index_add(index, &cold, NULL), ERR_OK);
    assert_int_equal(retrieval_index_add(index, &other, NULL), ERR_OK);
    assert_int_equal(retrieval_index_seal(index, NULL), ERR_OK);
    struct retrieval_query query = {.text = "液冷机柜", .explain = true};
    assert_int_equal(retrieval_search(index, &query, &answer, &arena, NULL), ERR_OK);
    assert_int_equal(answer.hits.count, 1);
    const struct retrieval_hit *hit = answer.hits.items;
    assert_true(hit->snippet_begin <= before && hit->snippet_end >= after - strlen("。"));
    assert_true(hit->snippet_end - hit->snippet_begin <= 240);
    assert_true((text.data[hit->snippet_begin] & 0xc0) != 0x80);
    assert_true((text.data[hit->snippet_end] & 0xc0) != 0x80);
    bool title = false, in_text = false;
    for (size_t i = 0; i < hit->why.count; i++) {
        const struct retrieval_match *match = &hit->why.items[i];
        assert_true(i == 0 || hit->why.items[i - 1].score >= match->score);
        assert_int_equal(match->count, 1);
        title |= strcmp(match->field, "title") == 0 && strcmp(match->term, "液冷") == 0;
        in_text |= strcmp(match->field, "text") == 0 && strcmp(match->term, "机柜") == 0;
    }
    assert_true(title && in_text);
    retrieval_index_free(index);
}

static void test_words_that_only_ask_do_not_count(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static const char *const texts[] = {
        "长江全长六千三百公里。", "什么是什么，什么不是什么？", "哪吒闹海。",
        "吗啡是一种镇痛药。",     "請問什麼是算力？",           NULL};
    struct retrieval_index *index = index_of(texts);
    assert_string_equal(found(index, "长江有多长？", &arena), "0");
    assert_string_equal(found(index, "長江是什麼", &arena), "0 1 4 3");
    assert_memory_equal(found(index, "哪吒", &arena), "2", 1);
    assert_memory_equal(found(index, "吗啡", &arena), "3", 1);
    assert_string_equal(found(index, "哪吒吗？", &arena), "2");
    assert_memory_equal(found(index, "什么", &arena), "1", 1); /* nothing else is asked */
    retrieval_index_free(index);
}

static double asked_weight(const struct retrieval_index *index, const char *query, const char *term)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_question question;
    uint32_t wanted = retrieval_term_find(index, term);
    assert_int_equal(retrieval_question_read(index, query, &question, &arena, NULL), ERR_OK);
    for (size_t i = 0; i < question.clauses.count; i++) {
        if (question.clauses.items[i].term == wanted)
            return question.clauses.items[i].weight;
    }
    return 0;
}

static void test_a_compound_weighs_less_than_the_word_that_it_also_is(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static const char *const texts[] = {"a nonlinear wave", "a non-linear beam", "a wave", NULL};
    struct retrieval_index *index = index_of(texts);
    double word = asked_weight(index, "nonlinear", "nonlinear");
    double compound = asked_weight(index, "non-linear", "nonlinear");
    assert_true(compound > 0 && compound < word);
    assert_true(asked_weight(index, "non-linear, nonlinear", "nonlinear") > word);
    assert_memory_equal(found(index, "nonlinear", &arena), "0 1", 4);
    assert_memory_equal(found(index, "non-linear", &arena), "1 0", 4);
    retrieval_index_free(index);
}

static void test_words_that_stand_close_count_more(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static const char *const texts[] = {
        "layer upon layer of snow and, when spring came, the boundary between the fields",
        "snow and when spring came between the fields the boundary layer upon the layer of",
        "something else altogether", "and another thing", NULL};
    struct retrieval_index *index = index_of(texts);
    assert_string_equal(found(index, "boundary layer", &arena), "1 0");
    retrieval_index_free(index);
}

/* Ten passages of a topic; one more has none of the words asked for but those of the topic. */
static void test_what_is_typical_of_the_best_is_looked_for_too(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *texts[60] = {NULL};
    size_t n = 0;
    for (; n < 12; n++)
        texts[n] = "rocket engine thrust nozzle propellant";
    texts[n++] = "nozzle propellant thrust";
    for (; n < 59; n++)
        texts[n] = arena_printf(&arena, "passage %zu speaks of garden flowers", n);
    struct retrieval_index *index = index_of(texts);
    struct retrieval_query query = {.text = "rocket engine", .limit = 20, .explain = true};
    struct retrieval_answer answer;
    assert_int_equal(retrieval_search(index, &query, &answer, &arena, NULL), ERR_OK);
    assert_int_equal(answer.hits.count, 13);
    assert_int_equal(answer.hits.items[12].passage, 12);
    for (size_t i = 0; i < answer.hits.count; i++) {
        const struct retrieval_hit *hit = &answer.hits.items[i];
        double sum = hit->near;
        for (size_t k = 0; k < hit->why.count; k++) {
            const struct retrieval_match *match = &hit->why.items[k];
            sum += match->score;
            assert_true(match->added ==
                        (strcmp(match->term, "rocket") && strcmp(match->term, "engin")));
        }
        assert_true(fabs(sum - hit->score) < 1e-3);
    }
    retrieval_index_free(index);
}

static void test_a_smaller_limit_gives_the_beginning_of_a_larger(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const char *texts[501] = {NULL};
    for (size_t i = 0; i < 500; i++)
        texts[i] = arena_printf(&arena, "wing %s%s number %zu", i % 3 ? "slipstream " : "",
                                i % 7 ? "lift " : "drag lift wing", i);
    struct retrieval_index *index = index_of(texts);
    struct retrieval_answer all, few;
    struct retrieval_query query = {.text = "lift of a wing in the slipstream", .limit = 1000};
    assert_int_equal(retrieval_search(index, &query, &all, &arena, NULL), ERR_OK);
    assert_int_equal(all.hits.count, 500);
    for (size_t limit = 1; limit < 400; limit += 57) {
        query.limit = limit;
        assert_int_equal(retrieval_search(index, &query, &few, &arena, NULL), ERR_OK);
        assert_int_equal(few.hits.count, limit);
        for (size_t i = 0; i < limit; i++)
            assert_int_equal(few.hits.items[i].passage, all.hits.items[i].passage);
    }
    for (size_t i = 1; i < all.hits.count; i++)
        assert_true(all.hits.items[i - 1].score >= all.hits.items[i].score);
    retrieval_index_free(index);
}

static void test_rankings_are_fused_by_reciprocal_ranks(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_answer answer;
    const size_t words[] = {7, 3, 5}, vectors[] = {3, 9};
    struct retrieval_ranking rankings[] = {{words, 3, 1}, {vectors, 2, 1}};
    assert_int_equal(retrieval_fuse(rankings, 2, 3, &answer, &arena, NULL), ERR_OK);
    assert_int_equal(answer.hits.count, 3);
    assert_int_equal(answer.hits.items[0].passage, 3);
    assert_true(fabs(answer.hits.items[0].score - (1.0 / 62 + 1.0 / 61)) < 1e-12);
    assert_int_equal(answer.hits.items[1].passage, 7);
    assert_int_equal(answer.hits.items[2].passage, 9);
    rankings[1].weight = 0;
    assert_int_equal(retrieval_fuse(rankings, 2, 1, &answer, &arena, NULL), ERR_OK);
    assert_int_equal(answer.hits.items[0].passage, 7);
    rankings[1].weight = (double)NAN;
    assert_int_equal(retrieval_fuse(rankings, 2, 1, &answer, &arena, NULL), ERR_INVALID);
    assert_int_equal(retrieval_fuse(NULL, 0, 0, &answer, &arena, NULL), ERR_OK);
    assert_int_equal(answer.hits.count, 0);
}

static void test_measures_are_those_of_the_definitions(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_measure m;
    const double ranked[] = {0, 2, 0, 1}, judged[] = {1, 2, 1, 0};
    assert_true(retrieval_judge(ranked, 4, judged, 4, &m, &arena));
    double ideal = 2 + 1 / log2(3) + 1 / log2(4);
    assert_true(fabs(m.ndcg_at_10 - (2 / log2(3) + 1 / log2(5)) / ideal) < 1e-12);
    assert_true(fabs(m.recall_at_10 - 2.0 / 3) < 1e-12 && m.recall_at_1 == 0);
    assert_true(fabs(m.mrr_at_10 - 0.5) < 1e-12);
    assert_true(fabs(m.average_precision - (0.5 + 0.5) / 3) < 1e-12);
    assert_false(retrieval_judge(ranked, 4, judged + 3, 1, &m, &arena));
    assert_true(retrieval_judge(ranked, 0, judged, 4, &m, &arena));
    assert_true(m.ndcg_at_10 == 0 && m.average_precision == 0);
}

/* ---- several readers ---- */
static struct retrieval_index *shared;

static void *ask(void *ctx)
{
    static const char *const queries[] = {"turbine air", "东部的数据", "cat", "计算网络资源"};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *out = ctx;
    for (int i = 0; i < 400; i++) {
        const char *ids = found(shared, queries[i % 4], &arena);
        if (i < 4)
            strcat(strcat(out, ids), ";");
        arena_clear(&arena);
    }
    return NULL;
}

static void test_several_readers_get_the_same_answers(void **state)
{
    (void)state;
    pthread_t threads[4];
    char answers[4][256] = {{0}};
    shared = index_of(plants);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, answers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < 4; i++)
        assert_string_equal(answers[i], answers[0]);
    assert_true(strlen(answers[0]) > 4);
    retrieval_index_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_passage_with_the_words_comes_first),
        cmocka_unit_test(test_stop_words_count_when_nothing_else_is_asked),
        cmocka_unit_test(test_a_large_vocabulary_keeps_each_word_apart),
        cmocka_unit_test(test_an_empty_index_answers_nothing),
        cmocka_unit_test(test_bad_passages_are_refused_and_change_nothing),
        cmocka_unit_test(test_known_words_are_terms),
        cmocka_unit_test(test_a_hit_says_why_and_where),
        cmocka_unit_test(test_words_that_only_ask_do_not_count),
        cmocka_unit_test(test_a_compound_weighs_less_than_the_word_that_it_also_is),
        cmocka_unit_test(test_words_that_stand_close_count_more),
        cmocka_unit_test(test_what_is_typical_of_the_best_is_looked_for_too),
        cmocka_unit_test(test_a_smaller_limit_gives_the_beginning_of_a_larger),
        cmocka_unit_test(test_rankings_are_fused_by_reciprocal_ranks),
        cmocka_unit_test(test_measures_are_those_of_the_definitions),
        cmocka_unit_test(test_several_readers_get_the_same_answers),
    };
    return run_save_tests() + run_scan_tests() + run_select_tests() +
           cmocka_run_group_tests_name("retrieval", tests, NULL, NULL);
}
