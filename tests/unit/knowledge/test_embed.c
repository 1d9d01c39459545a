/* test_embed.c - vectors from an endpoint that answers by script; what goes wrong is said, and
 * words rank alone. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests.h"

struct endpoint {
    pid_t pid;
    FILE *out;
    char url[64];
};

static void start(struct endpoint *endpoint, const char *script)
{
    int out[2], port = 0;
    assert_int_equal(pipe(out), 0);
    endpoint->pid = fork();
    assert_true(endpoint->pid >= 0);
    if (endpoint->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(test_python, test_python, "-B", test_endpoint, script, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    endpoint->out = fdopen(out[0], "r");
    char line[32] = "";
    assert_non_null(fgets(line, sizeof line, endpoint->out));
    port = atoi(line);
    snprintf(endpoint->url, sizeof endpoint->url, "http://127.0.0.1:%d/v1", port);
}

static void stop(struct endpoint *endpoint)
{
    kill(endpoint->pid, SIGKILL);
    waitpid(endpoint->pid, NULL, 0);
    fclose(endpoint->out);
}

static const char *call_line(struct endpoint *endpoint, struct arena *arena)
{
    char line[256] = "";
    if (!fgets(line, sizeof line, endpoint->out))
        return "";
    line[strcspn(line, "\n")] = '\0';
    return arena_strdup(arena, line);
}

/* Three passages: what has 电 in its heart is not the one that has most words of the question. */
static void make_base(struct bed *bed, struct knowledge_base *base)
{
    struct knowledge_folder folder;
    struct knowledge_changes changes;
    put(bed, "docs/a.md", "## 供给\n\n电 电 电\n\n## 网\n\n网 络 说 明\n\n## 光\n\n光 纤\n");
    *base = (struct knowledge_base){.documents = {NULL, 0}};
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(knowledge_update(base, &folder, 1000, &changes, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(base->passages.count, 3);
}

static enum err_code embed(struct bed *bed, const char *script, struct knowledge_embedding *given,
                           struct knowledge_answer *answer)
{
    struct endpoint endpoint;
    struct knowledge_base base;
    struct knowledge_index *index;
    make_base(bed, &base);
    start(&endpoint, script);
    given->url = endpoint.url;
    given->model = "m";
    assert_int_equal(knowledge_index_new(&base, NULL, &index, &bed->err), ERR_OK);
    enum err_code rc = knowledge_index_embed(index, given, &bed->err);
    struct knowledge_query query = {
        .text = "网 供电", .at_ms = 2000, .explain = true, .embedding = given};
    assert_int_equal(knowledge_search(index, &query, answer, &bed->arena, NULL), ERR_OK);
    stop(&endpoint);
    knowledge_index_free(index);
    return rc;
}

static void test_both_rankings_are_fused(void **state)
{
    struct bed *bed = *state;
    struct knowledge_embedding given = {.cache = in(bed, "cache")};
    struct knowledge_answer answer;
    assert_int_equal(embed(bed, "good", &given, &answer), ERR_OK);
    assert_true(answer.with_vectors);
    assert_null(answer.note);
    assert_int_equal(answer.hits.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct knowledge_hit *hit = &answer.hits.items[i];
        assert_true(hit->vector_rank >= 1 && hit->vector_rank <= 3);
        double score = 1.0 / (60 + (double)hit->vector_rank);
        if (hit->word_rank)
            score += 1.0 / (60 + (double)hit->word_rank);
        assert_float_equal(hit->score, score, 1e-9);
    }
    assert_int_equal(answer.hits.items[2].word_rank, 0); /* 光 is found by vectors alone */
}

static void test_batches_carry_the_key_and_kept_vectors_are_not_asked_for_again(void **state)
{
    struct bed *bed = *state;
    struct endpoint endpoint;
    const char *texts[] = {"电", "网", "光"};
    struct knowledge_vectors first, second;
    start(&endpoint, "good");
    struct knowledge_embedding given = {
        .url = endpoint.url, .model = "m", .key = "secret", .cache = in(bed, "cache"), .batch = 2};
    assert_int_equal(knowledge_embed_cached(&given, texts, 2, &first, &bed->err), ERR_OK);
    assert_string_equal(call_line(&endpoint, &bed->arena), "2 Bearer secret /v1/embeddings m");
    knowledge_vectors_done(&first);
    assert_int_equal(knowledge_embed_cached(&given, texts, 3, &first, &bed->err), ERR_OK);
    assert_string_equal(call_line(&endpoint, &bed->arena), "1 Bearer secret /v1/embeddings m");
    stop(&endpoint);
    assert_int_equal(knowledge_embed_cached(&given, texts, 3, &second, &bed->err), ERR_OK);
    assert_memory_equal(first.rows, second.rows, 3 * 8 * sizeof(float));
    assert_true(first.rows[0] > 0.9F && first.rows[8 + 1] > 0.9F && first.rows[16 + 2] > 0.9F);
    knowledge_vectors_done(&first);
    knowledge_vectors_done(&second);
}

static void test_a_cache_that_was_cut_off_is_used_as_far_as_it_is_whole(void **state)
{
    struct bed *bed = *state;
    struct endpoint endpoint;
    const char *texts[] = {"电", "网"};
    struct knowledge_vectors vectors;
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    start(&endpoint, "good");
    struct knowledge_embedding given = {
        .url = endpoint.url, .model = "m", .cache = in(bed, "cache")};
    assert_int_equal(knowledge_embed_cached(&given, texts, 2, &vectors, &bed->err), ERR_OK);
    knowledge_vectors_done(&vectors);
    call_line(&endpoint, &bed->arena);
    char *find = arena_printf(&bed->arena, "ls %s/cache/*.vectors", bed->folder);
    FILE *list = popen(find, "r");
    char path[300] = "";
    assert_non_null(fgets(path, sizeof path, list));
    pclose(list);
    path[strcspn(path, "\n")] = '\0';
    assert_int_equal(file_read(path, 1 << 20, &bytes, NULL), ERR_OK);
    assert_int_equal(truncate(path, (off_t)bytes.len - 5), 0);
    assert_int_equal(knowledge_embed_cached(&given, texts, 2, &vectors, &bed->err), ERR_OK);
    assert_true(str_has_prefix(call_line(&endpoint, &bed->arena), "1 "));
    knowledge_vectors_done(&vectors);
    size_t len = bytes.len;
    buf_clear(&bytes);
    assert_int_equal(file_read(path, 1 << 20, &bytes, NULL), ERR_OK);
    assert_int_equal(bytes.len, len);
    stop(&endpoint);
}

static void check_failure(struct bed *bed, const char *script, enum err_code code,
                          const char *reason)
{
    struct knowledge_embedding given = {.retries = -1, .timeout_ms = 500};
    struct knowledge_answer answer;
    assert_int_equal(embed(bed, script, &given, &answer), code);
    if (!strstr(bed->err.text, reason))
        fail_msg("%s: %s", script, bed->err.text);
    assert_false(answer.with_vectors);
    assert_non_null(strstr(answer.note, "words alone"));
    assert_true(answer.hits.count > 0);
    assert_int_equal(answer.hits.items[0].word_rank, 1);
}

static void test_an_endpoint_that_fails_leaves_the_words_and_a_reason(void **state)
{
    struct bed *bed = *state;
    check_failure(bed, "500", ERR_TRANSIENT, "status 500: as the script says");
    check_failure(bed, "401", ERR_CREDENTIAL, "status 401");
    check_failure(bed, "404", ERR_INVALID, "status 404");
    check_failure(bed, "junk", ERR_INVALID, "the embeddings endpoint: the answer");
    check_failure(bed, "mixed", ERR_INVALID, "dimensions");
    check_failure(bed, "few", ERR_INVALID, "2 vectors for 3 texts");
    check_failure(bed, "late", ERR_TIMEOUT, "the embeddings endpoint");
}

static void test_a_question_of_other_dimensions_is_ranked_by_words(void **state)
{
    struct bed *bed = *state;
    struct knowledge_embedding given = {.retries = -1};
    struct knowledge_answer answer;
    assert_int_equal(embed(bed, "good,wide", &given, &answer), ERR_OK);
    assert_false(answer.with_vectors);
    assert_string_equal(answer.note,
                        "ranked by words alone: a question of 12 dimensions, passages of 8");
}

static void test_what_fails_for_now_is_tried_again(void **state)
{
    struct bed *bed = *state;
    struct knowledge_embedding given = {.retries = 3};
    struct knowledge_answer answer;
    assert_int_equal(embed(bed, "503,429,good", &given, &answer), ERR_OK);
    assert_true(answer.with_vectors);
}

int run_embed_tests(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(test_both_rankings_are_fused),
        BED_TEST(test_batches_carry_the_key_and_kept_vectors_are_not_asked_for_again),
        BED_TEST(test_a_cache_that_was_cut_off_is_used_as_far_as_it_is_whole),
        BED_TEST(test_an_endpoint_that_fails_leaves_the_words_and_a_reason),
        BED_TEST(test_a_question_of_other_dimensions_is_ranked_by_words),
        BED_TEST(test_what_fails_for_now_is_tried_again),
    };
    return cmocka_run_group_tests_name("embeddings", tests, NULL, NULL);
}
