/* test_encode.c - what is written: compact, pretty, YAML, canonical, schema, patches. */
#include "tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct sample small(void)
{
    return (struct sample){.id = "a", .kept = false};
}

static void check_encoded(const struct sample *sample, const char *expected)
{
    struct buf out = BUF_INIT;
    json_encode(&sample_table, sample, JSON_COMPACT, &out);
    assert_string_equal(buf_str(&out), expected);
    buf_done(&out);
}

static void test_absent_members_are_not_written(void **state)
{
    (void)state;
    struct sample s = small();
    check_encoded(&s, "{\"id\":\"a\",\"kept\":false,\"count\":0,\"ratio\":0,\"price\":0,"
                      "\"regions\":[]}");
    s.id = NULL;
    s.replicas = 1;
    s.opt_count = (struct opt_int){true, 0};
    s.opt_flag = (struct opt_bool){true, false};
    s.capacity.disk_gib.set = true;
    check_encoded(&s, "{\"kept\":false,\"count\":0,\"replicas\":1,\"ratio\":0,\"opt_flag\":false,"
                      "\"opt_count\":0,\"price\":0,\"capacity\":{\"cpus\":0,\"memory_gib\":0,"
                      "\"disk_gib\":0},\"regions\":[]}");
}

static void test_secrets_are_not_written_and_read_only_members_are(void **state)
{
    (void)state;
    struct sample s = small();
    s.token = "secret";
    s.version = "7";
    check_encoded(&s, "{\"id\":\"a\",\"kept\":false,\"count\":0,\"ratio\":0,\"price\":0,"
                      "\"regions\":[],\"version\":\"7\"}");
}

static void test_money_is_written_exactly(void **state)
{
    (void)state;
    static const struct {
        int64_t millionths;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "0.000001"},
        {-1, "-0.000001"},
        {100000, "0.1"},
        {1000000, "1"},
        {12345678, "12.345678"},
        {-1500000, "-1.5"},
        {4294967295999999, "4294967295.999999"},
        {INT64_MAX, "9223372036854.775807"},
        {INT64_MIN, "-9223372036854.775808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sample s = small();
        struct buf out = BUF_INIT;
        s.price = cases[i].millionths;
        json_encode(&sample_table, &s, JSON_COMPACT, &out);
        const char *at = strstr(buf_str(&out), "\"price\":") + 8;
        assert_int_equal(strcspn(at, ","), strlen(cases[i].text));
        assert_memory_equal(at, cases[i].text, strlen(cases[i].text));
        buf_done(&out);
    }
}

static void test_numbers_are_short_and_read_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {0.30000000000000004, "0.30000000000000004"},
        {-2.5, "-2.5"},
        {1e15, "1e15"},
        {1e-6, "0.000001"},
        {123456789.123456, "123456789.123456"},
        {-0.0, "0"},
        {1.0 / 3, "0.3333333333333333"},
        {99.95, "99.95"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = BUF_INIT;
        struct json_writer w = JSON_WRITER(&out);
        json_put_double(&w, cases[i].value);
        assert_string_equal(buf_str(&out), cases[i].text);
        assert_true(strtod(buf_str(&out), NULL) == cases[i].value);
        buf_done(&out);
    }
}

static void test_pretty_json_is_indented(void **state)
{
    (void)state;
    struct sample s = small();
    struct buf out = BUF_INIT;
    s.extra = "{\"a\":[1,{}],\"b\":\"[x, y]\"}";
    s.note = "a \"quoted\" {text}";
    json_encode(&sample_table, &s, JSON_PRETTY, &out);
    assert_string_equal(buf_str(&out), "{\n"
                                       "  \"id\": \"a\",\n"
                                       "  \"note\": \"a \\\"quoted\\\" {text}\",\n"
                                       "  \"kept\": false,\n"
                                       "  \"count\": 0,\n"
                                       "  \"ratio\": 0,\n"
                                       "  \"price\": 0,\n"
                                       "  \"regions\": [],\n"
                                       "  \"extra\": {\n"
                                       "    \"a\": [\n"
                                       "      1,\n"
                                       "      {}\n"
                                       "    ],\n"
                                       "    \"b\": \"[x, y]\"\n"
                                       "  }\n"
                                       "}");
    buf_done(&out);
}

static void test_yaml_is_readable_and_quotes_what_is_ambiguous(void **state)
{
    (void)state;
    static const char json[] =
        "{\"name\":\"sh edge\",\"empty\":\"\",\"yes\":\"yes\",\"num\":\"1.0\",\"date\":"
        "\"2026-11-23\",\"lead\":\"- x\",\"colon\":\"a: b\",\"hash\":\"a #b\",\"tab\":\"a\\tb\","
        "\"text\":\"one\\n  two\\n\\nthree\",\"ends\":\"one\\ntwo\\n\",\"zh\":\"\xe4\xb8\x8a\","
        "\"list\":[1,[2,[]],{\"a\":true,\"b\":null},\"x\"],\"map\":{},\"1\":2.5,\"url\":"
        "\"http://h:80/\"}";
    struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    assert_int_equal(yaml_from_json(json, strlen(json), &out, &err), ERR_OK);
    assert_string_equal(buf_str(&out), "name: sh edge\n"
                                       "empty: \"\"\n"
                                       "\"yes\": \"yes\"\n"
                                       "num: \"1.0\"\n"
                                       "date: \"2026-11-23\"\n"
                                       "lead: \"- x\"\n"
                                       "colon: \"a: b\"\n"
                                       "hash: \"a #b\"\n"
                                       "tab: \"a\\tb\"\n"
                                       "text: |-\n"
                                       "  one\n"
                                       "    two\n"
                                       "\n"
                                       "  three\n"
                                       "ends: |\n"
                                       "  one\n"
                                       "  two\n"
                                       "zh: \xe4\xb8\x8a\n"
                                       "list:\n"
                                       "  - 1\n"
                                       "  -\n"
                                       "    - 2\n"
                                       "    - []\n"
                                       "  - a: true\n"
                                       "    b: null\n"
                                       "  - x\n"
                                       "map: {}\n"
                                       "\"1\": 2.5\n"
                                       "url: http://h:80/\n");
    buf_done(&out);
}

static void test_reformatting_keeps_the_digits(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    static const char text[] = " { \"a\" : [ 1.50 , 2e3 , \"x , y\" ] , \"b\" : { } } ";
    assert_int_equal(json_reformat(text, strlen(text), JSON_COMPACT, &out, &err), ERR_OK);
    assert_string_equal(buf_str(&out), "{\"a\":[1.50,2e3,\"x , y\"],\"b\":{}}");
    buf_clear(&out);
    assert_int_equal(json_reformat(text, strlen(text), JSON_PRETTY, &out, &err), ERR_OK);
    assert_string_equal(buf_str(&out),
                        "{\n  \"a\": [\n    1.50,\n    2e3,\n    \"x , y\"\n  ],\n  \"b\": {}\n}");
    buf_clear(&out);
    assert_int_equal(json_reformat("{]", 2, JSON_PRETTY, &out, &err), ERR_INVALID);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void check_canonical(const char *text, const char *expected)
{
    struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    assert_int_equal(json_canonical(text, strlen(text), &out, &err), ERR_OK);
    assert_string_equal(buf_str(&out), expected);
    buf_done(&out);
}

static void test_equal_values_have_equal_canonical_bytes(void **state)
{
    (void)state;
    check_canonical("{\"b\":1.0,\"a\":[true,null]}", "{\"a\":[true,null],\"b\":1}");
    check_canonical("{ \"a\":[true,null], \"b\":1e0 }", "{\"a\":[true,null],\"b\":1}");
    check_canonical("[-0.0,0,10000000000000000,1e16,0.10,1E-1,\"\\u0041\"]",
                    "[0,0,10000000000000000,10000000000000000,0.1,0.1,\"A\"]");
    struct buf out = BUF_INIT;
    assert_int_equal(json_canonical("{\"a\":1,\"a\":1}", 13, &out, NULL), ERR_INVALID);
    buf_done(&out);
}

static void test_a_full_buffer_is_told(void **state)
{
    (void)state;
    struct sample s = small();
    for (int i = 0; i < 3; i++) {
        struct buf out = {.max = 16};
        if (i == 0)
            json_encode(&sample_table, &s, JSON_COMPACT, &out);
        else if (i == 1)
            json_encode(&sample_table, &s, JSON_PRETTY, &out);
        else
            yaml_encode(&sample_table, &s, &out);
        assert_int_equal(buf_check(&out, NULL), ERR_TOO_LARGE);
        buf_done(&out);
    }
}

static void test_the_schema_says_what_the_decoder_asks(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct json_doc *doc = NULL;
    struct err err = ERR_INIT;
    json_schema(&sample_table, &out);
    assert_int_equal(json_parse(buf_str(&out), out.len, NULL, &doc, &err), ERR_OK);
    const struct json_value *root = json_root(doc);
    assert_string_equal(json_text(json_get(root, "type"), ""), "object");
    assert_false(json_boolean(json_get(root, "additionalProperties"), true));
    assert_int_equal(json_size(json_get(root, "required")), 1);
    assert_string_equal(json_text(json_path(root, "required[0]"), ""), "id");
    const struct json_value *p = json_get(root, "properties");
    assert_int_equal(json_size(p), sample_table.field_count);
    assert_int_equal(json_int(json_path(p, "id.maxLength"), 0), 128);
    assert_int_equal(json_int(json_path(p, "note.maxLength"), 0), 4096);
    assert_string_equal(json_text(json_path(p, "count.type"), ""), "integer");
    assert_int_equal(json_int(json_path(p, "replicas.exclusiveMinimum"), -1), 0);
    assert_int_equal(json_int(json_path(p, "opt_percent.minimum"), -1), 0);
    assert_int_equal(json_int(json_path(p, "opt_percent.maximum"), -1), 100);
    assert_string_equal(json_text(json_path(p, "tier.enum[1]"), ""), "public-cloud");
    assert_int_equal(json_size(json_path(p, "tier.enum")), 3);
    assert_string_equal(json_text(json_path(p, "made_at.format"), ""), "date-time");
    assert_string_equal(json_text(json_get(json_get(p, "capacity"), "$ref"), ""),
                        "#/components/schemas/SampleAmount");
    assert_string_equal(json_text(json_get(json_path(p, "parts.items"), "$ref"), ""),
                        "#/components/schemas/SamplePart");
    assert_int_equal(json_int(json_path(p, "parts.maxItems"), 0), 100);
    assert_int_equal(json_int(json_path(p, "weights.minItems"), 0), 1);
    assert_string_equal(json_text(json_path(p, "prices.additionalProperties.type"), ""), "number");
    assert_int_equal(json_int(json_path(p, "prices.additionalProperties.minimum"), -1), 0);
    assert_string_equal(json_text(json_path(p, "extra.description"), ""), "anything");
    assert_null(json_path(p, "extra.type"));
    assert_true(json_boolean(json_path(p, "version.readOnly"), false));
    assert_true(json_boolean(json_path(p, "token.writeOnly"), false));
    json_doc_free(doc);
    buf_done(&out);
}

static void count_table(const struct json_table *table, void *ctx)
{
    int *counts = ctx;
    counts[0] += table == &sample_table;
    counts[1] += table == &sample_amount_table;
    counts[2] += table == &sample_part_table;
    counts[3]++;
}

static void test_each_table_is_walked_once(void **state)
{
    (void)state;
    int counts[4] = {0};
    json_walk_tables(&sample_table, count_table, counts);
    for (int i = 0; i < 3; i++)
        assert_int_equal(counts[i], 1);
    assert_int_equal(counts[3], 3);
}

/* ---- merge patch ---- */

static void check_merge(const struct sample *from, const char *patch, enum err_code expected,
                        struct sample *out, struct arena *arena, struct err *err)
{
    enum err_code code = json_merge(&sample_table, from, patch, strlen(patch), out, arena, err);
    if (code != expected)
        fail_msg("%s gives %d: %s: %s", patch, code, err->field, err->text);
}

static void test_a_patch_changes_only_what_it_names(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct sample out;
    struct sample s = small();
    s.note = "old";
    s.version = "7";
    s.token = "secret";
    s.capacity = (struct sample_amount){.cpus = 4, .memory_gib = 8};
    s.extra = "{\"a\":{\"b\":1,\"c\":2}}";
    check_merge(&s,
                "{\"note\":null,\"count\":5,\"capacity\":{\"cpus\":6},\"regions\":[\"x\"],"
                "\"next\":{\"id\":\"n\"},\"extra\":{\"a\":{\"b\":null,\"d\":{\"e\":null}}}}",
                ERR_OK, &out, &arena, &err);
    assert_string_equal(out.id, "a");
    assert_null(out.note);
    assert_int_equal(out.count, 5);
    assert_int_equal(out.capacity.cpus, 6);
    assert_true(out.capacity.memory_gib == 8);
    assert_string_equal(out.regions.items[0], "x");
    assert_string_equal(out.next->id, "n");
    assert_string_equal(out.extra, "{\"a\":{\"c\":2,\"d\":{}}}");
    assert_string_equal(out.version, "7");
    assert_string_equal(out.token, "secret");
    check_merge(&s, "{}", ERR_OK, &out, &arena, &err);
    assert_true(sample_equal(&s, &out));
    arena_done(&arena);
}

static void test_a_patch_is_refused_with_its_path(void **state)
{
    (void)state;
    static const struct {
        const char *patch;
        const char *field;
        const char *words;
    } cases[] = {
        {"[]", "", "a merge patch is an object"},
        {"{\"version\":\"8\"}", "version", "read-only"},
        {"{\"version\":null}", "version", "read-only"},
        {"{\"next\":{\"version\":\"8\"}}", "next.version", "read-only"},
        {"{\"nope\":null}", "nope", "unknown key"},
        {"{\"parts\":[{\"name\":\"p\"},{\"nope\":1}]}", "parts[1].nope", "unknown key"},
        {"{\"id\":null}", "id", "'id' is required"},
        {"{\"capacity\":{\"cpus\":-1}}", "capacity.cpus", "must not be negative"},
        {"{\"capacity\":3}", "capacity", "expected an object"},
        {"{\"parts\":[{}]}", "parts[0].name", "'name' is required"},
        {"{\"parts\":{\"name\":\"p\"}}", "parts", "expected a list"},
        {"{\"count\":1,\"count\":2}", "count", "twice"},
        {"{", "", "not JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct err err = ERR_INIT;
        struct sample out;
        struct sample s = small();
        check_merge(&s, cases[i].patch, ERR_INVALID, &out, &arena, &err);
        assert_string_equal(err.field, cases[i].field);
        assert_non_null(strstr(err.text, cases[i].words));
        arena_done(&arena);
    }
}

/* ---- validate ---- */

static void check_valid(const struct sample *s, const char *field)
{
    struct err err = ERR_INIT;
    enum err_code code = json_validate(&sample_table, s, &err);
    assert_int_equal(code != ERR_OK, field != NULL);
    assert_int_equal(json_validate(&sample_table, s, NULL), code);
    if (field != NULL)
        assert_string_equal(err.field, field);
}

static void test_structs_of_c_code_are_validated_like_input(void **state)
{
    (void)state;
    struct sample s = small();
    check_valid(&s, NULL);
    s.id = NULL;
    check_valid(&s, "id");
    s.id = "a b";
    check_valid(&s, "id");
    s = small();
    s.replicas = -1;
    check_valid(&s, "replicas");
    s = small();
    s.ratio = NAN;
    check_valid(&s, "ratio");
    s = small();
    s.opt_percent = (struct opt_double){true, 101};
    check_valid(&s, "opt_percent");
    s = small();
    s.tier = 4;
    check_valid(&s, "tier");
    s = small();
    s.capacity = (struct sample_amount){.cpus = 1, .memory_gib = 2000};
    check_valid(&s, "capacity.memory_gib");
    s = small();
    struct sample_part parts[] = {{.name = "p"}, {.name = "q", .vcpus = 2000}};
    s.parts.items = parts;
    s.parts.count = 2;
    check_valid(&s, "parts[1].vcpus");
    parts[1] = (struct sample_part){.name = "forbidden"};
    check_valid(&s, "parts[1].name");
    struct sample next = small();
    s = small();
    s.next = &next;
    next.tier = -1;
    check_valid(&s, "next.tier");
    s = small();
    struct json_number_pair pairs[] = {{"T4", 1}, {"A100", -1}};
    s.prices.items = pairs;
    s.prices.count = 2;
    check_valid(&s, "prices.A100");
    s = small();
    s.weights.items = (double[]){1, INFINITY};
    s.weights.count = 2;
    check_valid(&s, "weights[1]");
}

static void test_enums_are_found_by_text_and_number(void **state)
{
    (void)state;
    assert_int_equal(json_enum_find(sample_tiers, "device"), SAMPLE_DEVICE);
    assert_int_equal(json_enum_find(sample_tiers, "Device"), 0);
    assert_int_equal(json_enum_find(sample_tiers, ""), 0);
    assert_int_equal(json_enum_find(sample_tiers, NULL), 0);
    assert_string_equal(json_enum_name(sample_tiers, SAMPLE_EDGE), "edge");
    assert_null(json_enum_name(sample_tiers, 0));
    assert_null(json_enum_name(sample_tiers, 4));
    assert_null(json_enum_name(sample_tiers, -1));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_absent_members_are_not_written),
    cmocka_unit_test(test_secrets_are_not_written_and_read_only_members_are),
    cmocka_unit_test(test_money_is_written_exactly),
    cmocka_unit_test(test_numbers_are_short_and_read_back),
    cmocka_unit_test(test_pretty_json_is_indented),
    cmocka_unit_test(test_yaml_is_readable_and_quotes_what_is_ambiguous),
    cmocka_unit_test(test_reformatting_keeps_the_digits),
    cmocka_unit_test(test_equal_values_have_equal_canonical_bytes),
    cmocka_unit_test(test_a_full_buffer_is_told),
    cmocka_unit_test(test_the_schema_says_what_the_decoder_asks),
    cmocka_unit_test(test_each_table_is_walked_once),
    cmocka_unit_test(test_a_patch_changes_only_what_it_names),
    cmocka_unit_test(test_a_patch_is_refused_with_its_path),
    cmocka_unit_test(test_structs_of_c_code_are_validated_like_input),
    cmocka_unit_test(test_enums_are_found_by_text_and_number),
};

int run_encode_tests(void)
{
    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
