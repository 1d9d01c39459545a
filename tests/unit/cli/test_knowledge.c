/* test_knowledge.c - swan knowledge search on folders of lines: answers, measures, bad lines. */
#include "cli_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

struct folder {
    char path[64];
    char corpus[80], eval[80];
};

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), ERR_OK);
}

static void folder_make(struct folder *folder)
{
    strcpy(folder->path, "/tmp/swan-knowledge-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->corpus, sizeof folder->corpus, "%s/corpus", folder->path);
    snprintf(folder->eval, sizeof folder->eval, "%s/eval", folder->path);
    assert_int_equal(file_make_dirs(folder->corpus, 0700, NULL), ERR_OK);
    assert_int_equal(file_make_dirs(folder->eval, 0700, NULL), ERR_OK);
    write_file(
        folder, "corpus/corpus.jsonl",
        "{\"id\":\"wing\",\"text\":\"Slipstream\\nLift of a wing in a propeller slipstream.\"}\n"
        "\n"
        "{\"id\":\"net\",\"text\":\"算力网络把计算和网络连在一起。\"}\r\n"
        "{\"id\":\"cat\",\"title\":\"Cats\",\"text\":\"They sit on mats.\"}");
    write_file(folder, "eval/queries.jsonl",
               "{\"id\":\"1\",\"text\":\"wings\"}\n{\"id\":\"2\",\"text\":\"什么是算力网络\"}\n"
               "{\"id\":\"3\",\"text\":\"zebra\"}\n");
    write_file(folder, "eval/qrels.tsv",
               "query-id\tcorpus-id\tscore\n1\twing\t1\r\n2\tcat\t1\n2\tnet\t2\n9\tnet\t1\n");
}

static void folder_remove(struct folder *folder)
{
    assert_int_equal(file_remove_tree(folder->path, NULL), ERR_OK);
}

static double number_at(const struct ran *ran, const char *path)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    assert_int_equal(json_parse(buf_str(&ran->out), ran->out.len, NULL, &doc, NULL), ERR_OK);
    return json_number(json_path(json_root(doc), path), -1);
}

static void test_a_folder_of_lines_is_searched(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "knowledge", "search", "--corpus", folder.corpus, "網絡", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "1. net");
    assert_has(&ran.out, "网络 ×2 text");
    assert_lacks(&ran.out, "2. ");
    CLEANUP(ran_done)
    struct ran json = run_cli(NULL, "knowledge", "search", "--corpus", folder.corpus, "slipstreams",
                              "-o", "json", NULL);
    assert_int_equal(json.code, 0);
    assert_has(&json.out, "\"title\": \"Slipstream\"");
    assert_has(&json.out, "\"field\": \"title\"");
    assert_true(number_at(&json, "hits[0].score") > 0);
    CLEANUP(ran_done)
    struct ran none =
        run_cli(NULL, "knowledge", "search", "--corpus", folder.corpus, "zebra", NULL);
    assert_int_equal(none.code, 0);
    assert_has(&none.out, "nothing found");
    folder_remove(&folder);
}

static void test_judged_queries_give_measures(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "knowledge", "search", "--corpus", folder.corpus, "--eval",
                             folder.eval, "-o", "json", NULL);
    assert_int_equal(ran.code, 0);
    assert_int_equal(number_at(&ran, "documents"), 3);
    assert_int_equal(number_at(&ran, "queries"), 3);
    /* 1 found; of 2 the better of two; 3 is not judged */
    assert_true(number_at(&ran, "recall_at_1") == 0.75);
    assert_true(number_at(&ran, "recall_at_10") == 0.75);
    assert_true(number_at(&ran, "mrr_at_10") == 1);
    assert_true(number_at(&ran, "map") == 0.75);
    assert_true(number_at(&ran, "ndcg_at_10") > 0.87 && number_at(&ran, "ndcg_at_10") < 0.89);
    CLEANUP(ran_done)
    struct ran table = run_cli(NULL, "knowledge", "search", "--corpus", folder.corpus, "--eval",
                               folder.eval, NULL);
    assert_int_equal(table.code, 0);
    assert_has(&table.out, "Recall@1    0.7500");
    folder_remove(&folder);
}

static void expect_bad(const struct folder *folder, const char *words)
{
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "knowledge", "search", "--corpus", folder->corpus, "--eval",
                             folder->eval, NULL);
    assert_int_equal(ran.code, 2);
    assert_has(&ran.err, words);
}

static void test_bad_lines_are_named_by_file_and_number(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    write_file(&folder, "eval/qrels.tsv", "query-id\tcorpus-id\tscore\n1\twing\n");
    expect_bad(&folder, "qrels.tsv line 2");
    write_file(&folder, "eval/qrels.tsv", "query-id\tcorpus-id\tscore\n\n1\twing\t1\n1\twing\t0\n");
    expect_bad(&folder, "qrels.tsv line 4");
    write_file(&folder, "eval/queries.jsonl", "{\"id\":\"1\",\"text\":\"a\"}\n{\"id\":\"1\"}\n");
    expect_bad(&folder, "queries.jsonl line 2");
    write_file(&folder, "corpus/corpus.jsonl", "{\"id\":\"1\",\"text\":\"a\"}\n\n{\"id\n");
    expect_bad(&folder, "corpus.jsonl line 3");
    folder_remove(&folder);
}

int knowledge_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_of_lines_is_searched),
        cmocka_unit_test(test_judged_queries_give_measures),
        cmocka_unit_test(test_bad_lines_are_named_by_file_and_number),
    };
    return cmocka_run_group_tests_name("knowledge", tests, NULL, NULL);
}
