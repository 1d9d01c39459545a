/* test_folder.c - folders, the base and its versions, PDF and DOCX from files. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests.h"

static enum err_code ingest(struct bed *bed, int64_t now_ms, struct knowledge_folder *folder,
                            struct knowledge_changes *changes)
{
    *folder = (struct knowledge_folder){.refused = {NULL, 0}};
    return knowledge_ingest(in(bed, "docs"), in(bed, "kb"), now_ms, folder, changes, &bed->arena,
                            &bed->err);
}

static struct knowledge_changes must_ingest(struct bed *bed, int64_t now_ms)
{
    struct knowledge_folder folder;
    struct knowledge_changes changes;
    if (ingest(bed, now_ms, &folder, &changes))
        fail_msg("%s", bed->err.text);
    return changes;
}

static struct knowledge_base load(struct bed *bed)
{
    struct knowledge_base base;
    if (knowledge_load(in(bed, "kb"), &base, &bed->arena, &bed->err))
        fail_msg("%s", bed->err.text);
    return base;
}

static size_t count_valid(const struct knowledge_base *base, int64_t at_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < base->passages.count; i++)
        count += knowledge_is_valid(&base->passages.items[i], at_ms);
    return count;
}

static void test_ingesting_the_same_again_changes_no_byte(void **state)
{
    struct bed *bed = *state;
    CLEANUP(buf_done) struct buf before = BUF_INIT;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    put(bed, "docs/a.md", "## 一\n\n甲\n\n## 二\n\n乙\n");
    put(bed, "docs/sub/b.txt", "text");
    struct knowledge_changes first = must_ingest(bed, 1000);
    assert_int_equal(first.documents_added, 2);
    assert_int_equal(first.passages_added, 3);
    assert_int_equal(file_read(in(bed, "kb/knowledge.jsonl"), 1 << 20, &before, NULL), ERR_OK);
    struct knowledge_changes second = must_ingest(bed, 2000);
    assert_int_equal(second.documents_unchanged, 2);
    assert_int_equal(second.passages_added + second.passages_ended, 0);
    assert_int_equal(file_read(in(bed, "kb/knowledge.jsonl"), 1 << 20, &after, NULL), ERR_OK);
    assert_string_equal(buf_str(&before), buf_str(&after));
}

static void test_a_changed_document_ends_only_the_passages_that_changed(void **state)
{
    struct bed *bed = *state;
    put(bed, "docs/a.md", "## 一\n\n甲\n\n## 二\n\n乙\n\n## 三\n\n丙\n");
    must_ingest(bed, 1000);
    put(bed, "docs/a.md", "新开头。\n\n## 一\n\n甲\n\n## 二\n\n乙改\n");
    struct knowledge_changes changes = must_ingest(bed, 5000);
    assert_int_equal(changes.documents_changed, 1);
    assert_int_equal(changes.passages_kept, 1);
    assert_int_equal(changes.passages_ended, 2);
    assert_int_equal(changes.passages_added, 2);
    struct knowledge_base base = load(bed);
    assert_int_equal(base.documents.count, 1);
    assert_int_equal(base.documents.items[0].version, 2);
    assert_int_equal(base.passages.count, 5);
    assert_int_equal(count_valid(&base, 3000), 3);
    assert_int_equal(count_valid(&base, 5000), 3);
    for (size_t i = 0; i < base.passages.count; i++) {
        const struct knowledge_passage *p = &base.passages.items[i];
        if (str_eq(p->text, "甲")) {
            assert_int_equal(p->version, 1);
            assert_int_equal(p->begin, 22); /* it has moved */
        }
        if (str_eq(p->text, "乙")) {
            assert_int_equal(p->valid_to_ms, 5000);
            assert_string_equal(p->id, "a.md#二");
        }
        if (str_eq(p->text, "乙改")) {
            assert_int_equal(p->version, 2);
            assert_int_equal(p->valid_from_ms, 5000);
            assert_string_equal(p->id, "a.md#二");
        }
    }
}

static void test_a_passage_that_comes_back_begins_anew(void **state)
{
    struct bed *bed = *state;
    put(bed, "docs/a.md", "## 一\n\n甲\n\n## 二\n\n乙\n");
    must_ingest(bed, 1000);
    put(bed, "docs/a.md", "## 一\n\n甲\n");
    must_ingest(bed, 2000);
    put(bed, "docs/a.md", "## 一\n\n甲\n\n## 二\n\n乙\n");
    struct knowledge_changes changes = must_ingest(bed, 3000);
    assert_int_equal(changes.passages_added, 1);
    assert_int_equal(changes.passages_ended, 0);
    struct knowledge_base base = load(bed);
    assert_int_equal(count_valid(&base, 1500), 2);
    assert_int_equal(count_valid(&base, 2500), 1);
    assert_int_equal(count_valid(&base, 3500), 2);
}

static void test_a_deleted_document_ends_and_may_come_back(void **state)
{
    struct bed *bed = *state;
    put(bed, "docs/a.md", "甲");
    put(bed, "docs/b.md", "乙");
    must_ingest(bed, 1000);
    assert_int_equal(unlink(in(bed, "docs/a.md")), 0);
    struct knowledge_changes changes = must_ingest(bed, 2000);
    assert_int_equal(changes.documents_ended, 1);
    assert_int_equal(changes.passages_ended, 1);
    changes = must_ingest(bed, 2500);
    assert_int_equal(changes.documents_ended, 0);
    put(bed, "docs/a.md", "甲");
    changes = must_ingest(bed, 3000);
    assert_int_equal(changes.documents_changed, 1);
    assert_int_equal(changes.passages_added, 1);
    struct knowledge_base base = load(bed);
    assert_int_equal(count_valid(&base, 1500), 2);
    assert_int_equal(count_valid(&base, 2600), 1);
    assert_int_equal(count_valid(&base, 3000), 2);
}

static void test_a_file_that_can_no_longer_be_read_keeps_what_was_known(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    struct knowledge_changes changes;
    put(bed, "docs/a.md", "甲");
    must_ingest(bed, 1000);
    put_bytes(bed, "docs/a.md", "\0\1\2", 3);
    assert_int_equal(ingest(bed, 2000, &folder, &changes), ERR_OK);
    assert_int_equal(folder.refused.count, 1);
    assert_string_equal(folder.refused.items[0].path, "a.md");
    struct knowledge_base base = load(bed);
    assert_int_equal(count_valid(&base, 3000), 1);
}

static void test_what_a_document_does_not_say_its_sidecar_and_folder_do(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    put(bed, "docs/folder.meta.yaml", "source: 文件夹\nconfidence: D\nsources: {S9: 九}\n");
    put(bed, "docs/a.md", "---\nconfidence: A\n---\n甲\n\n乙〔B：S9〕\n");
    put(bed, "docs/a.md.meta.yaml", "source: 旁注\nconfidence: C\ntitle: 名\n");
    put(bed, "docs/b.txt", "丙");
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(folder.readings.count, 2);
    const struct knowledge_reading *a = &folder.readings.items[0], *b = a + 1;
    assert_string_equal(a->document.title, "名");
    assert_string_equal(a->document.source, "旁注");
    assert_string_equal(a->document.confidence, "A");
    assert_string_equal(passage(a, 0)->source, "S9 九");
    assert_string_equal(b->document.source, "文件夹");
    assert_string_equal(b->document.confidence, "D");
}

static void test_two_documents_of_one_id_are_told_apart_by_refusing_the_second(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    put(bed, "docs/a.md", "---\nid: x\n---\n甲\n");
    put(bed, "docs/b.md", "---\nid: x\n---\n乙\n");
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(folder.readings.count, 1);
    assert_int_equal(folder.refused.count, 1);
    assert_string_equal(folder.refused.items[0].path, "b.md");
}

static void test_links_and_hidden_files_are_not_read(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    put(bed, "secret.md", "geheim");
    put(bed, "docs/.hidden.md", "x");
    put(bed, "docs/.git/a.md", "x");
    put(bed, "docs/c.bin", "x");
    assert_int_equal(symlink(in(bed, "secret.md"), in(bed, "docs/a.md")), 0);
    assert_int_equal(symlink(in(bed, "docs"), in(bed, "docs/loop")), 0);
    assert_int_equal(symlink(in(bed, "secret.md"), in(bed, "docs/folder.meta.yaml")), 0);
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(folder.readings.count + folder.refused.count, 0);
}

static void test_a_base_that_is_broken_is_not_written_over(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    struct knowledge_changes changes;
    put(bed, "docs/a.md", "甲");
    must_ingest(bed, 1000);
    CLEANUP(buf_done) struct buf whole = BUF_INIT;
    assert_int_equal(file_read(in(bed, "kb/knowledge.jsonl"), 1 << 20, &whole, NULL), ERR_OK);
    put_bytes(bed, "kb/knowledge.jsonl", whole.data, whole.len - 10);
    assert_int_equal(ingest(bed, 2000, &folder, &changes), ERR_CORRUPT);
    put(bed, "kb/knowledge.jsonl", "{\"format\":\"another\"}\n");
    assert_int_equal(ingest(bed, 2000, &folder, &changes), ERR_CORRUPT);
}

static void test_a_missing_folder_is_an_error(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    assert_int_equal(
        knowledge_read_folder(in(bed, "nowhere"), NULL, &folder, &bed->arena, &bed->err),
        ERR_NOT_FOUND);
}

static void copy_sample(struct bed *bed, const char *name)
{
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    const char *from = arena_printf(&bed->arena, "%s/%s", test_samples, name);
    assert_int_equal(file_read(from, 1 << 24, &bytes, &bed->err), ERR_OK);
    put_bytes(bed, arena_printf(&bed->arena, "docs/%s", name), buf_str(&bytes), bytes.len);
}

static void test_a_pdf_keeps_its_pages_and_a_broken_one_is_refused(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    copy_sample(bed, "two-pages.pdf");
    put(bed, "docs/broken.pdf", "%PDF-1.4\n1 0 obj\n<< /Type /Catalog");
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(folder.refused.count, 1);
    assert_non_null(strstr(folder.refused.items[0].reason, "pdf"));
    assert_int_equal(folder.readings.count, 1);
    const struct knowledge_reading *r = &folder.readings.items[0];
    assert_int_equal(r->passages.count, 2);
    assert_string_equal(passage(r, 0)->headings, "1.1 Emergency plan");
    assert_int_equal(passage(r, 0)->page, 1);
    assert_string_equal(passage(r, 1)->headings, "1.2 Cooling");
    assert_int_equal(passage(r, 1)->page, 2);
    assert_string_equal(passage(r, 1)->text, "The second page talks about cooling.");
}

static void test_without_pdftotext_the_error_says_what_to_install(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    copy_sample(bed, "two-pages.pdf");
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    enum err_code rc =
        knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(folder.refused.count, 1);
    assert_non_null(strstr(folder.refused.items[0].reason, "pdftotext"));
    assert_non_null(strstr(folder.refused.items[0].hint, "poppler-utils"));
}

/* A program in place of pdftotext, for what the real one seldom does. */
static void refuse_pdf_by(struct bed *bed, const char *program, const char *reason)
{
    struct knowledge_folder folder;
    char *before = strdup(getenv("PATH"));
    put(bed, "docs/a.pdf", "%PDF-1.4");
    put(bed, "bin/pdftotext", program);
    assert_int_equal(chmod(in(bed, "bin/pdftotext"), 0700), 0);
    setenv("PATH", in(bed, "bin"), 1);
    enum err_code rc =
        knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err);
    setenv("PATH", before, 1);
    free(before);
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(folder.refused.count, 1);
    if (!strstr(folder.refused.items[0].reason, reason))
        fail_msg("%s: %s", reason, folder.refused.items[0].reason);
}

static void test_pdftotext_that_crashes_or_never_ends_costs_one_file(void **state)
{
    struct bed *bed = *state;
    refuse_pdf_by(bed, "#!/bin/sh\nkill -SEGV $$\n", "ended by signal 11");
    refuse_pdf_by(bed, "#!/bin/sh\nexec yes words without end\n", "larger than");
    refuse_pdf_by(bed, "#!/bin/sh\necho no page tree >&2\nexit 1\n", "no page tree");
    refuse_pdf_by(bed, "#!/bin/sh\nexit 3\n", "does not permit");
}

static void test_a_folder_that_lost_everything_ends_nothing(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    struct knowledge_changes changes;
    put(bed, "docs/a.md", "甲");
    must_ingest(bed, 1000);
    assert_int_equal(unlink(in(bed, "docs/a.md")), 0);
    assert_int_equal(ingest(bed, 2000, &folder, &changes), ERR_CONFLICT);
    struct knowledge_base base = load(bed);
    assert_int_equal(count_valid(&base, 3000), 1);
}

static void test_a_docx_file_is_read_and_a_bomb_is_refused(void **state)
{
    struct bed *bed = *state;
    struct knowledge_folder folder;
    copy_sample(bed, "small.docx");
    copy_sample(bed, "bomb.docx");
    put(bed, "docs/none.docx", "PK nothing");
    assert_int_equal(knowledge_read_folder(in(bed, "docs"), NULL, &folder, &bed->arena, &bed->err),
                     ERR_OK);
    assert_int_equal(folder.readings.count, 1);
    const struct knowledge_reading *r = &folder.readings.items[0];
    assert_string_equal(r->document.title, "核心标题");
    assert_string_equal(r->document.source, "张三");
    assert_string_equal(passage(r, 0)->headings, "文档标题");
    assert_int_equal(folder.refused.count, 2);
    assert_string_equal(folder.refused.items[0].path, "bomb.docx");
    assert_non_null(strstr(folder.refused.items[0].reason, "unpacks to more than"));
}

static void test_expired_passages_are_found_only_at_their_time(void **state)
{
    struct bed *bed = *state;
    struct knowledge_index *index;
    struct knowledge_answer answer;
    put(bed, "docs/a.md", "---\nvalid_to: 2025-01-01\n---\n旧价格是五元。\n");
    put(bed, "docs/b.md", "---\nvalid_from: 2025-01-01\n---\n新价格是六元。\n");
    must_ingest(bed, 1000);
    struct knowledge_base base = load(bed);
    assert_int_equal(knowledge_index_new(&base, NULL, &index, &bed->err), ERR_OK);
    struct knowledge_query query = {.text = "价格", .at_ms = INT64_C(1735689600000)};
    assert_int_equal(knowledge_search(index, &query, &answer, &bed->arena, &bed->err), ERR_OK);
    assert_int_equal(answer.hits.count, 1);
    assert_string_equal(answer.hits.items[0].passage->document, "b.md");
    query.at_ms--;
    assert_int_equal(knowledge_search(index, &query, &answer, &bed->arena, &bed->err), ERR_OK);
    assert_int_equal(answer.hits.count, 1);
    assert_string_equal(answer.hits.items[0].passage->document, "a.md");
    knowledge_index_free(index);
}

int run_folder_tests(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(test_ingesting_the_same_again_changes_no_byte),
        BED_TEST(test_a_changed_document_ends_only_the_passages_that_changed),
        BED_TEST(test_a_passage_that_comes_back_begins_anew),
        BED_TEST(test_a_deleted_document_ends_and_may_come_back),
        BED_TEST(test_a_file_that_can_no_longer_be_read_keeps_what_was_known),
        BED_TEST(test_what_a_document_does_not_say_its_sidecar_and_folder_do),
        BED_TEST(test_two_documents_of_one_id_are_told_apart_by_refusing_the_second),
        BED_TEST(test_links_and_hidden_files_are_not_read),
        BED_TEST(test_a_base_that_is_broken_is_not_written_over),
        BED_TEST(test_a_missing_folder_is_an_error),
        BED_TEST(test_a_pdf_keeps_its_pages_and_a_broken_one_is_refused),
        BED_TEST(test_without_pdftotext_the_error_says_what_to_install),
        BED_TEST(test_pdftotext_that_crashes_or_never_ends_costs_one_file),
        BED_TEST(test_a_folder_that_lost_everything_ends_nothing),
        BED_TEST(test_a_docx_file_is_read_and_a_bomb_is_refused),
        BED_TEST(test_expired_passages_are_found_only_at_their_time),
    };
    return cmocka_run_group_tests_name("folders", tests, NULL, NULL);
}
