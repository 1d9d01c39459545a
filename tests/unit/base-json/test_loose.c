/* test_loose.c - reading and writing JSON without a table. */
#include "tests.h"

#include <string.h>

static const char text[] =
    "{\"State\":{\"Pid\":42,\"Running\":true,\"Load\":0.5},\"Ports\":[{\"p\":80},{\"p\":443}],"
    "\"Name\":\"/x\",\"None\":null,\"Big\":1e30,\"Whole\":7.0}";

static void test_a_chain_of_readers_needs_one_check(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &err), ERR_OK);
    const struct json_value *root = json_root(doc);
    assert_int_equal(json_int(json_path(root, "State.Pid"), -1), 42);
    assert_int_equal(json_int(json_path(root, "Ports[1].p"), -1), 443);
    assert_int_equal(json_int(json_get(root, "Whole"), -1), 7);
    assert_int_equal(json_int(json_get(root, "Big"), -1), -1);
    assert_int_equal(json_int(json_path(root, "State.Load"), -1), -1);
    assert_true(json_number(json_path(root, "State.Load"), -1) == 0.5);
    assert_true(json_number(json_path(root, "State.Pid"), -1) == 42);
    assert_true(json_boolean(json_path(root, "State.Running"), false));
    assert_false(json_boolean(json_path(root, "State.Pid"), false));
    assert_string_equal(json_text(json_get(root, "Name"), ""), "/x");
    assert_string_equal(json_text(json_get(root, "None"), "-"), "-");
    assert_int_equal(json_size(json_get(root, "Ports")), 2);
    assert_int_equal(json_size(json_get(root, "Name")), 0);
    assert_int_equal(json_size(root), 6);
    assert_null(json_at(json_get(root, "Ports"), 2));
    assert_null(json_at(root, 0));
    assert_null(json_get(json_get(root, "Ports"), "p"));
    assert_null(json_path(root, "State.Pid.x"));
    assert_null(json_path(root, "Ports[x]"));
    assert_null(json_path(root, "Ports[0"));
    assert_null(json_path(root, "..State"));
    assert_ptr_equal(json_path(root, ""), root);
    json_doc_free(doc);
}

static void test_nothing_reads_as_nothing(void **state)
{
    (void)state;
    assert_null(json_root(NULL));
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    assert_null(json_path(NULL, "a.b"));
    assert_int_equal(json_size(NULL), 0);
    assert_null(json_text(NULL, NULL));
    assert_int_equal(json_int(NULL, 3), 3);
    assert_true(json_number(NULL, 1.5) == 1.5);
    assert_true(json_boolean(NULL, true));
    size_t at = 0;
    const char *key;
    const struct json_value *member;
    assert_false(json_each(NULL, &at, &key, &member));
    json_doc_free(NULL);
}

static void test_members_come_in_the_order_of_the_source(void **state)
{
    (void)state;
    static const char *const keys[] = {"State", "Ports", "Name", "None", "Big", "Whole"};
    struct json_doc *doc = NULL;
    assert_int_equal(json_parse(text, strlen(text), NULL, &doc, NULL), ERR_OK);
    size_t at = 0, n = 0;
    const char *key;
    const struct json_value *member;
    while (json_each(json_root(doc), &at, &key, &member)) {
        assert_true(n < ARRAY_LEN(keys));
        assert_string_equal(key, keys[n++]);
        assert_ptr_equal(member, json_get(json_root(doc), key));
    }
    assert_int_equal(n, ARRAY_LEN(keys));
    assert_false(json_each(json_root(doc), &at, &key, &member));
    json_doc_free(doc);
}

static void test_a_document_is_written_as_it_was(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    struct buf out = BUF_INIT;
    static const char source[] = "{\"b\":[1,2.5,\"x\\ny\"],\"a\":{},\"c\":null}";
    assert_int_equal(json_parse(source, strlen(source), NULL, &doc, NULL), ERR_OK);
    json_write(json_root(doc), JSON_COMPACT, &out);
    assert_string_equal(buf_str(&out), source);
    buf_clear(&out);
    json_write(json_get(json_root(doc), "b"), JSON_PRETTY, &out);
    assert_string_equal(buf_str(&out), "[\n  1,\n  2.5,\n  \"x\\ny\"\n]");
    buf_done(&out);
    json_doc_free_at(&doc);
    assert_null(doc);
}

static void test_the_writer_places_commas(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct json_writer w = JSON_WRITER(&out);
    struct sample_part part = {.name = "p", .vcpus = 1};
    json_begin(&w, '{');
    json_member_text(&w, "t\"", "a\"b");
    json_member_text(&w, "none", NULL);
    json_member_double(&w, "d", 0.25);
    json_member_int(&w, "i", INT64_MIN);
    json_member_bool(&w, "b", true);
    json_member_time(&w, "at", 0);
    json_key(&w, "l");
    json_begin(&w, '[');
    json_put_int(&w, 1);
    json_begin(&w, '[');
    json_end(&w, ']');
    json_put_null(&w);
    json_put_raw(&w, "{\"x\":1}");
    json_put_object(&w, &sample_part_table, &part);
    json_begin(&w, '{');
    json_end(&w, '}');
    json_end(&w, ']');
    json_member_bool(&w, "z", false);
    json_end(&w, '}');
    assert_int_equal(w.depth, 0);
    assert_string_equal(buf_str(&out),
                        "{\"t\\\"\":\"a\\\"b\",\"none\":null,\"d\":0.25,"
                        "\"i\":-9223372036854775808,\"b\":true,"
                        "\"at\":\"1970-01-01T00:00:00.000Z\",\"l\":[1,[],null,{\"x\":1},"
                        "{\"name\":\"p\",\"vcpus\":1},{}],\"z\":false}");
    buf_done(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_chain_of_readers_needs_one_check),
    cmocka_unit_test(test_nothing_reads_as_nothing),
    cmocka_unit_test(test_members_come_in_the_order_of_the_source),
    cmocka_unit_test(test_a_document_is_written_as_it_was),
    cmocka_unit_test(test_the_writer_places_commas),
};

int run_loose_tests(void)
{
    return cmocka_run_group_tests_name("loose", tests, NULL, NULL);
}
