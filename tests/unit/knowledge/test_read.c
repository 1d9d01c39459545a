/* test_read.c - bytes → passages: structure, marks, sizes, positions, encodings, hostile input. */
#include "tests.h"

static void test_a_passage_keeps_its_headings_and_the_bytes_it_came_from(void **state)
{
    static const char text[] = "# 书\n\n## 章\n\n### 节\n\n第一段。\n";
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(bed, "a.md", text);
    const struct knowledge_passage *p = passage(&r, 0);
    assert_int_equal(r.passages.count, 1);
    assert_string_equal(p->title, "书");
    assert_string_equal(p->headings, "章 > 节");
    assert_string_equal(p->text, "第一段。");
    assert_string_equal(p->id, "a.md#节");
    assert_string_equal(p->language, "zh");
    assert_memory_equal(text + p->begin, "第一段。", strlen("第一段。"));
    assert_int_equal(p->end, (int64_t)strlen(text));
}

static void test_front_matter_says_what_holds_for_the_whole_document(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r =
        read_text(bed, "a.md",
                  "---\nid: cards\ntitle: 加速卡\nsource: 手册\nconfidence: B/C\n"
                  "valid_from: 2025-01-01\nvalid_to: 2026-01-01T08:00:00+08:00\n"
                  "tags: [x, y]\nlayout: post\n---\n正文。\n");
    const struct knowledge_passage *p = passage(&r, 0);
    assert_string_equal(r.document.id, "cards");
    assert_string_equal(p->title, "加速卡");
    assert_string_equal(p->source, "手册");
    assert_string_equal(p->confidence, "B/C");
    assert_int_equal(p->valid_from_ms, INT64_C(1735689600000));
    assert_int_equal(p->valid_to_ms, INT64_C(1767225600000));
    assert_string_equal(p->text, "正文。");
}

static void test_front_matter_with_a_wrong_tag_or_day_is_refused(void **state)
{
    static const char *const bad[] = {"confidence: sure", "confidence: A/", "valid_from: soon",
                                      "valid_from: 2026-02-01\nvalid_to: 2026-01-01", "id: 'a#b'"};
    struct bed *bed = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *text = arena_printf(&bed->arena, "---\n%s\n---\ntext\n", bad[i]);
        struct knowledge_reading r;
        assert_int_equal(knowledge_read_bytes("a.md", text, strlen(text), NULL, NULL, &r,
                                              &bed->arena, &bed->err),
                         ERR_INVALID);
        assert_non_null(strstr(bed->err.text, "front matter"));
    }
}

static void test_front_matter_that_is_no_yaml_is_left_out_and_that_is_said(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(bed, "a.md", "---\n{{ template }}: [\n---\ntext\n");
    assert_non_null(strstr(r.document.note, "front matter left out"));
    assert_string_equal(passage(&r, 0)->text, "text");
}

static void test_a_mark_says_source_and_confidence_of_what_is_before_it(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(
        bed, "a.md",
        "---\nconfidence: D\nsources: {S1: 标准, S2: 报告}\n---\n## 节\n"
        "一句。〔A：S1〕\n\n两句。 [B/C: S1, S2, 书]\n\n没有标记。\n\n"
        "- 甲 〔C〕\n- 乙\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n〔A：S2〕\n\n数组 a[B]\n");
    assert_int_equal(r.passages.count, 6);
    assert_string_equal(passage(&r, 0)->text, "一句。");
    assert_string_equal(passage(&r, 0)->source, "S1 标准");
    assert_string_equal(passage(&r, 0)->confidence, "A");
    assert_string_equal(passage(&r, 1)->source, "S1 标准; S2 报告; 书");
    assert_string_equal(passage(&r, 1)->confidence, "B/C");
    assert_string_equal(passage(&r, 2)->text, "没有标记。\n甲");
    assert_string_equal(passage(&r, 2)->confidence, "C");
    assert_null(passage(&r, 2)->source);
    assert_string_equal(passage(&r, 3)->text, "乙");
    assert_string_equal(passage(&r, 3)->confidence, "D");
    assert_string_equal(passage(&r, 4)->text, "a | b\n1 | 2");
    assert_string_equal(passage(&r, 4)->source, "S2 报告");
    assert_string_equal(passage(&r, 5)->confidence, "B");
}

static void test_ids_survive_an_insertion_and_never_meet(void **state)
{
    struct bed *bed = *state;
    const char *a = "## 节 {#s}\n\n甲〔A〕\n\n乙〔A〕\n\n丙〔A〕\n\n## 节 {#s}\n\n丁\n";
    const char *b = "## 节 {#s}\n\n甲〔A〕\n\n新〔A〕\n\n乙〔A〕\n\n丙〔A〕\n\n## 节 {#s}\n\n丁\n";
    struct knowledge_reading x = read_text(bed, "a.md", a), y = read_text(bed, "a.md", b);
    assert_int_equal(x.passages.count, 4);
    assert_int_equal(y.passages.count, 5);
    assert_string_equal(passage(&x, 0)->id, "a.md#s");
    assert_string_equal(passage(&x, 3)->id, "a.md#s.2");
    assert_string_equal(passage(&x, 1)->id, passage(&y, 2)->id);
    assert_string_equal(passage(&x, 2)->id, passage(&y, 3)->id);
    assert_string_equal(passage(&x, 2)->digest, passage(&y, 3)->digest);
    for (size_t i = 0; i < y.passages.count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(passage(&y, i)->id, passage(&y, k)->id);
}

static void test_a_long_text_is_cut_at_ends_of_sentences(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    for (int i = 0; i < 400; i++)
        buf_printf(&text, "这是第%d个句子，它说的是算力网络的一件小事。", i);
    struct knowledge_reading r = read_text(bed, "a.md", buf_str(&text));
    size_t total = 0;
    assert_true(r.passages.count > 10);
    for (size_t i = 0; i < r.passages.count; i++) {
        const char *t = passage(&r, i)->text;
        assert_true(knowledge_columns(t, strlen(t)) <= KNOWLEDGE_PASSAGE_MAX);
        assert_true(str_has_suffix(t, "。"));
        total += strlen(t);
    }
    assert_int_equal(total, text.len); /* nothing is lost */
}

static void test_english_sentences_and_words_stay_whole(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "Sentence %d speaks of v1.%d of a thing. ", i, i);
    for (int i = 0; i < 900; i++)
        buf_printf(&text, "word%d ", i);
    struct knowledge_reading r = read_text(bed, "a.txt", buf_str(&text));
    for (size_t i = 0; i < r.passages.count; i++) {
        const char *t = passage(&r, i)->text;
        assert_true(str_has_prefix(t, "Sentence ") || str_has_prefix(t, "word"));
        assert_true(knowledge_columns(t, strlen(t)) <= KNOWLEDGE_PASSAGE_MAX);
    }
}

static void test_ten_megabytes_without_an_end_are_cut_between_characters(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    struct knowledge_reading r;
    size_t total = 0;
    while (text.len < 10 << 20)
        buf_add_str(&text, "算");
    for (size_t kind = 0; kind < 3; kind++) {
        static const char *const names[] = {"a.md", "a.txt", "a.html"};
        r = read_text(bed, names[kind], buf_str(&text));
        total = 0;
        for (size_t i = 0; i < r.passages.count; i++) {
            assert_true(str_is_utf8(passage(&r, i)->text, strlen(passage(&r, i)->text)));
            total += strlen(passage(&r, i)->text);
        }
        assert_int_equal(total, text.len);
    }
}

static void test_each_part_of_a_long_table_begins_with_its_header(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    buf_add_str(&text, "| 卡 | 算力 |\n|---|---|\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "| card-%d | %d |\n", i, i);
    struct knowledge_reading r = read_text(bed, "a.md", buf_str(&text));
    assert_true(r.passages.count > 3);
    for (size_t i = 0; i < r.passages.count; i++) {
        assert_true(str_has_prefix(passage(&r, i)->text, "卡 | 算力\ncard-"));
        assert_string_equal(passage(&r, i)->kind, "table");
    }
}

static void test_markdown_gives_words_without_its_signs(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(
        bed, "a.md",
        "标题\n====\n\n**粗**和*斜*与`a*b`，[文字](http://x/y)<br>2*3*4 &lt;x&gt; \\*星\\* a_b_c\n"
        "<!-- 注释\n不见 -->\n> 引文\n\n~~~\n# 不是标题\n~~~\n");
    assert_string_equal(r.document.title, "标题");
    assert_string_equal(passage(&r, 0)->text,
                        "粗和斜与a*b，文字 2*3*4 <x> *星* a_b_c\n引文\n# 不是标题");
    assert_string_equal(passage(&r, 0)->kind, "code");
}

static void test_html_gives_structure_and_no_scripts(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(
        bed, "a.html",
        "<html lang=zh-CN><head><title>页 &amp; 面</title><meta name=confidence content=B>"
        "<style>p{}</style></head><body><nav>菜单</nav><h2 id=x>表</h2><table><tr><th>a<th>b"
        "<tr><td>1<td>2</table><h2>清单</h2><ul><li>甲<li>乙<b>丙</b></ul><script>bad()</script>"
        "<p>末&nbsp;段&#x4E2D;");
    assert_int_equal(r.passages.count, 2);
    assert_string_equal(passage(&r, 0)->title, "页 & 面");
    assert_string_equal(passage(&r, 0)->id, "a.html#x");
    assert_string_equal(passage(&r, 0)->text, "a | b\n1 | 2");
    assert_string_equal(passage(&r, 0)->confidence, "B");
    assert_string_equal(passage(&r, 1)->text, "甲\n乙丙\n末\302\240段中");
    assert_string_equal(passage(&r, 1)->headings, "清单");
}

static void test_html_nested_without_end_is_refused_soon(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    struct knowledge_reading r;
    for (int i = 0; i < 1000000; i++)
        buf_add_str(&text, "<div>");
    for (int i = 0; i < 1000000; i++)
        buf_add_str(&text, "</b>");
    assert_int_equal(knowledge_read_bytes("a.html", buf_str(&text), text.len, NULL, NULL, &r,
                                          &bed->arena, &bed->err),
                     ERR_TOO_LARGE);
    assert_non_null(strstr(bed->err.text, "nested"));
}

static void test_html_with_attributes_without_end_is_refused_soon(void **state)
{
    CLEANUP(buf_done) struct buf one = BUF_INIT;
    CLEANUP(buf_done) struct buf many = BUF_INIT;
    struct bed *bed = *state;
    struct knowledge_reading r;
    buf_add_str(&one, "<p ");
    for (int i = 0; i < 500000; i++)
        buf_printf(&one, "a%d=\"x\"", i);
    buf_add_str(&one, ">text");
    for (int i = 0; i < 20000; i++) {
        buf_add_str(&many, "<p");
        for (int k = 0; k < 300; k++)
            buf_printf(&many, " a%x", k);
        buf_add_str(&many, ">text");
    }
    assert_int_equal(knowledge_read_bytes("a.html", buf_str(&one), one.len, NULL, NULL, &r,
                                          &bed->arena, &bed->err),
                     ERR_TOO_LARGE);
    assert_int_equal(knowledge_read_bytes("a.html", buf_str(&many), many.len, NULL, NULL, &r,
                                          &bed->arena, &bed->err),
                     ERR_TOO_LARGE);
    assert_non_null(strstr(bed->err.text, "attributes"));
}

static void test_a_picture_inside_a_page_is_no_harm(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    buf_add_str(&text, "<p>before<img alt=\"a b c\" src=\"data:image/png;base64,");
    for (int i = 0; i < 300000; i++)
        buf_add_str(&text, "iVBORw0KGgo=");
    buf_add_str(&text, "\">after<script>if (a<b) { ");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "f (%d) ; ", i);
    buf_add_str(&text, "}</script>");
    struct knowledge_reading r = read_text(bed, "a.html", buf_str(&text));
    assert_string_equal(passage(&r, 0)->text, "beforeafter");
}

static void test_a_million_pages_in_one_paragraph_are_read(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct bed *bed = *state;
    for (int i = 0; i < 1000000; i++)
        buf_add_str(&text, "a\f");
    struct knowledge_reading r = read_text(bed, "a.txt", buf_str(&text));
    assert_true(r.passages.count > 1000);
}

static void check_charset(struct bed *bed, const char *name, const char *bytes, size_t len,
                          const char *encoding, const char *text)
{
    struct knowledge_reading r;
    if (knowledge_read_bytes(name, bytes, len, NULL, NULL, &r, &bed->arena, &bed->err))
        fail_msg("%s: %s", encoding, bed->err.text);
    assert_string_equal(r.document.encoding, encoding);
    assert_string_equal(passage(&r, 0)->text, text);
}

static void test_charsets_are_told_by_mark_zeros_declaration_or_fit(void **state)
{
    struct bed *bed = *state;
#define CHARSET(name, bytes, encoding, text) \
    check_charset(bed, name, bytes, sizeof bytes - 1, encoding, text)
    CHARSET("a.txt", "\xef\xbb\xbf算力", "UTF-8", "算力");
    CHARSET("a.txt", "\xff\xfe\x97\x7b\x9b\x52", "UTF-16LE", "算力");
    CHARSET("a.txt", "\xfe\xff\x7b\x97\x52\x9b", "UTF-16BE", "算力");
    CHARSET("a.txt", "h\0e\0l\0l\0o\0 \0y\0o\0u\0", "UTF-16LE", "hello you");
    CHARSET("a.txt", "\xcb\xe3\xc1\xa6\xcd\xf8\xc2\xe7", "GB18030", "算力网络");
    CHARSET("a.html", "<meta charset=big5><p>\xba\xe2\xa4\x4f", "BIG5", "算力");
    CHARSET("a.txt", "算力网络算力网络算力网络算力网络算力网络\xff", "UTF-8, bad bytes replaced",
            "算力网络算力网络算力网络算力网络算力网络\xef\xbf\xbd");
#undef CHARSET
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
    static const char binary[] = "\x7f"
                                 "ELF\0\1\2\3\0\0\0\0\x80\x81\x82";
    struct bed *bed = *state;
    struct knowledge_reading r;
    assert_int_equal(knowledge_read_bytes("a.txt", binary, sizeof binary, NULL, NULL, &r,
                                          &bed->arena, &bed->err),
                     ERR_INVALID);
    assert_int_equal(knowledge_read_bytes("a.txt", "\xff\xc0\x80\xfe", 4, NULL, NULL, &r,
                                          &bed->arena, &bed->err),
                     ERR_INVALID);
    assert_int_equal(knowledge_read_bytes("a.exe", "x", 1, NULL, NULL, &r, &bed->arena, &bed->err),
                     ERR_UNSUPPORTED);
}

static void test_plain_text_has_chapters_paragraphs_and_items(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(bed, "a.txt",
                                           "第一章 总则\n\n　　一段话，\n接着说。\n　　又一段。\n\n"
                                           "1.2 Power supply\nIt is com-\nmon to use\ntwo.\n\n"
                                           "- one\n- two\n3 kW is what it needs.\n");
    assert_string_equal(passage(&r, 0)->text, "一段话，接着说。\n又一段。");
    assert_string_equal(passage(&r, 1)->headings, "1.2 Power supply");
    assert_string_equal(passage(&r, 1)->text,
                        "It is common to use two.\none\ntwo 3 kW is what it needs.");
}

static struct knowledge_reading read_docx_body(struct bed *bed, const char *body)
{
    struct knowledge_reading out = {.document = {.id = "d", .path = "d.docx"}};
    struct knowledge_draft draft = {.arena = &bed->arena};
    const char *xml = arena_printf(&bed->arena, "<w:document xmlns:w='w'><w:body>%s", body);
    const char *whole = arena_printf(&bed->arena, "%s</w:body></w:document>", xml);
    if (knowledge_read_docx_document(&draft, whole, strlen(whole), "", 0, &bed->err) ||
        knowledge_split(&draft, &out, &bed->err))
        fail_msg("%s", bed->err.text);
    return out;
}

static void test_docx_gives_headings_lists_and_tables(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_docx_body(
        bed, "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr><w:r><w:t>节</w:t></w:r></w:p>"
             "<w:p><w:r><w:t>一</w:t></w:r><w:r><w:delText>删</w:delText><w:t>段</w:t></w:r></w:p>"
             "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>甲</w:t></w:r></w:p>"
             "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>乙</w:t></w:r></w:p>"
             "<w:p><w:r><w:t>后</w:t></w:r></w:p>"
             "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b"
             "</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc>"
             "<w:tc><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>");
    assert_string_equal(passage(&r, 0)->headings, "节");
    assert_string_equal(passage(&r, 0)->text, "一段\n甲\n乙\n后");
    assert_string_equal(passage(&r, 1)->text, "a | b\n1 | 2");
}

static enum err_code read_bad_docx(struct bed *bed, const char *xml)
{
    struct knowledge_draft draft = {.arena = &bed->arena};
    return knowledge_read_docx_document(&draft, xml, strlen(xml), "", 0, &bed->err);
}

static void test_docx_with_entities_depth_or_broken_xml_is_refused(void **state)
{
    CLEANUP(buf_done) struct buf deep = BUF_INIT;
    struct bed *bed = *state;
    for (int i = 0; i < 100000; i++)
        buf_add_str(&deep, "<a>");
    assert_int_equal(read_bad_docx(bed, buf_str(&deep)), ERR_TOO_LARGE);
    assert_int_equal(read_bad_docx(bed, "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>"),
                     ERR_INVALID);
    assert_non_null(strstr(bed->err.text, "document type"));
    assert_int_equal(read_bad_docx(bed, "<a><b></a>"), ERR_INVALID);
    assert_int_equal(read_bad_docx(bed, ""), ERR_INVALID);
}

static void test_an_empty_document_says_so(void **state)
{
    struct bed *bed = *state;
    struct knowledge_reading r = read_text(bed, "a.md", "\n\n");
    assert_int_equal(r.passages.count, 0);
    assert_non_null(strstr(r.document.note, "no text"));
}

int run_read_tests(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(test_a_passage_keeps_its_headings_and_the_bytes_it_came_from),
        BED_TEST(test_front_matter_says_what_holds_for_the_whole_document),
        BED_TEST(test_front_matter_with_a_wrong_tag_or_day_is_refused),
        BED_TEST(test_front_matter_that_is_no_yaml_is_left_out_and_that_is_said),
        BED_TEST(test_a_mark_says_source_and_confidence_of_what_is_before_it),
        BED_TEST(test_ids_survive_an_insertion_and_never_meet),
        BED_TEST(test_a_long_text_is_cut_at_ends_of_sentences),
        BED_TEST(test_english_sentences_and_words_stay_whole),
        BED_TEST(test_ten_megabytes_without_an_end_are_cut_between_characters),
        BED_TEST(test_each_part_of_a_long_table_begins_with_its_header),
        BED_TEST(test_markdown_gives_words_without_its_signs),
        BED_TEST(test_html_gives_structure_and_no_scripts),
        BED_TEST(test_html_nested_without_end_is_refused_soon),
        BED_TEST(test_html_with_attributes_without_end_is_refused_soon),
        BED_TEST(test_a_picture_inside_a_page_is_no_harm),
        BED_TEST(test_a_million_pages_in_one_paragraph_are_read),
        BED_TEST(test_charsets_are_told_by_mark_zeros_declaration_or_fit),
        BED_TEST(test_bytes_that_are_no_text_are_refused),
        BED_TEST(test_plain_text_has_chapters_paragraphs_and_items),
        BED_TEST(test_docx_gives_headings_lists_and_tables),
        BED_TEST(test_docx_with_entities_depth_or_broken_xml_is_refused),
        BED_TEST(test_an_empty_document_says_so),
    };
    return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
