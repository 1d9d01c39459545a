/* test_decode.c - decoding by table: every kind, every refusal with its path and line. */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char full_json[] =
    "{\"id\":\"a-1\",\"note\":\"two\\nlines \\u00e9 \\ud83d\\ude00\",\"enabled\":true,"
    "\"kept\":true,\"count\":-9223372036854775808,\"replicas\":3,\"ratio\":0.1,"
    "\"opt_flag\":false,\"opt_count\":0,\"opt_percent\":99.95,\"price\":12.345678,"
    "\"tier\":\"public-cloud\",\"made_at\":\"2026-11-23T12:00:00.500Z\","
    "\"capacity\":{\"cpus\":8,\"memory_gib\":16.5,\"disk_gib\":100},"
    "\"next\":{\"id\":\"b\",\"kept\":false,\"count\":0,\"ratio\":0,\"price\":0,\"regions\":[]},"
    "\"parts\":[{\"name\":\"p\",\"vcpus\":2},{\"name\":\"q\",\"vcpus\":0,\"memory_gib\":0,"
    "\"labels\":[\"x\",\"y\"]}],\"regions\":[\"\xe4\xb8\x8a\xe6\xb5\xb7\",\"\"],"
    "\"tiers\":[\"device\",\"edge\"],\"weights\":[1,2.5,-3e-7],"
    "\"prices\":{\"T4\":6,\"a b\":0.12},\"labels\":{\"z\":\"1\",\"a\":\"2\"},"
    "\"extra\":{\"b\":[1,null,\"x\"],\"a\":1.5},\"token\":\"s3\"}";

static void check_full(const struct sample *s)
{
    assert_string_equal(s->id, "a-1");
    assert_string_equal(s->note, "two\nlines \xc3\xa9 \xf0\x9f\x98\x80");
    assert_true(s->enabled && s->kept);
    assert_true(s->count == INT64_MIN);
    assert_int_equal(s->replicas, 3);
    assert_true(s->ratio == 0.1);
    assert_true(s->opt_flag.set && !s->opt_flag.value);
    assert_true(s->opt_count.set && s->opt_count.value == 0);
    assert_true(s->opt_percent.set && s->opt_percent.value == 99.95);
    assert_int_equal(s->price, 12345678);
    assert_int_equal(s->tier, SAMPLE_PUBLIC_CLOUD);
    assert_int_equal(s->made_at, 1795435200500);
    assert_int_equal(s->capacity.cpus, 8);
    assert_true(s->capacity.memory_gib == 16.5);
    assert_true(s->capacity.disk_gib.set && s->capacity.disk_gib.value == 100);
    assert_non_null(s->next);
    assert_string_equal(s->next->id, "b");
    assert_int_equal(s->parts.count, 2);
    assert_false(s->parts.items[0].memory_gib.set);
    assert_true(s->parts.items[1].memory_gib.set && s->parts.items[1].memory_gib.value == 0);
    assert_string_equal(s->parts.items[1].labels.items[1], "y");
    assert_int_equal(s->regions.count, 2);
    assert_string_equal(s->regions.items[1], "");
    assert_int_equal(s->tiers.count, 2);
    assert_int_equal(s->tiers.items[0], SAMPLE_DEVICE);
    assert_true(s->weights.items[2] == -3e-7);
    assert_string_equal(s->prices.items[0].name, "T4");
    assert_true(s->prices.items[1].value == 0.12);
    assert_string_equal(s->labels.items[0].name, "z"); /* order of the source */
    assert_string_equal(s->extra, "{\"b\":[1,null,\"x\"],\"a\":1.5}");
    assert_null(s->version);
    assert_string_equal(s->token, "s3");
}

static void test_every_kind_is_read_from_json(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct sample s;
    struct err err = ERR_INIT;
    assert_int_equal(
        json_decode(full_json, strlen(full_json), &sample_table, NULL, &s, &arena, &err), ERR_OK);
    check_full(&s);
    arena_done(&arena);
}

static void test_every_kind_survives_yaml(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf yaml = BUF_INIT;
    struct sample s;
    struct err err = ERR_INIT;
    assert_int_equal(yaml_from_json(full_json, strlen(full_json), &yaml, &err), ERR_OK);
    if (json_decode_yaml(buf_str(&yaml), yaml.len, &sample_table, NULL, &s, &arena, &err) != ERR_OK)
        fail_msg("%s: %s\n%s", err.field, err.text, buf_str(&yaml));
    check_full(&s);
    buf_done(&yaml);
    arena_done(&arena);
}

static void test_a_decoded_list_may_grow(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct sample s;
    const char text[] = "{\"id\":\"a\",\"weights\":[1,2,3]}";
    assert_int_equal(json_decode(text, strlen(text), &sample_table, NULL, &s, &arena, NULL),
                     ERR_OK);
    for (int i = 0; i < 100; i++)
        *LIST_ADD(&arena, &s.weights) = i;
    assert_int_equal(s.weights.count, 103);
    assert_true(s.weights.items[2] == 3 && s.weights.items[102] == 99);
    arena_done(&arena);
}

struct refusal {
    const char *text;
    enum err_code code;
    const char *field;
    const char *words; /* stand in the text */
    const char *hint;  /* stands in the hint, or NULL */
};

static void check_refusals(const struct refusal *cases, size_t count, bool yaml)
{
    for (size_t i = 0; i < count; i++) {
        const struct refusal *c = &cases[i];
        struct arena arena = ARENA_INIT;
        struct sample s;
        struct err err = ERR_INIT;
        size_t len = strlen(c->text);
        enum err_code code =
            yaml ? json_decode_yaml(c->text, len, &sample_table, NULL, &s, &arena, &err)
                 : json_decode(c->text, len, &sample_table, NULL, &s, &arena, &err);
        if (code != c->code || strcmp(err.field, c->field) != 0 ||
            strstr(err.text, c->words) == NULL ||
            (c->hint != NULL && strstr(err.hint, c->hint) == NULL))
            fail_msg("case %zu: %s\ncode %d, field '%s', text '%s', hint '%s'", i, c->text, code,
                     err.field, err.text, err.hint);
        assert_int_equal(err.code, c->code);
        /* the same without anybody listening */
        code = yaml ? json_decode_yaml(c->text, len, &sample_table, NULL, &s, &arena, NULL)
                    : json_decode(c->text, len, &sample_table, NULL, &s, &arena, NULL);
        assert_int_equal(code, c->code);
        arena_done(&arena);
    }
}

static void test_json_is_refused_with_path_and_line(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{}", ERR_INVALID, "id", "'id' is required", NULL},
        {"[]", ERR_INVALID, "", "expected an object, found a list", NULL},
        {"3", ERR_INVALID, "", "expected an object, found the number 3", NULL},
        {"", ERR_INVALID, "", "not JSON", NULL},
        {"{\"id\":\"a\",\"nope\":1}", ERR_INVALID, "nope", "unknown key 'nope'", "known keys: id"},
        {"{\"id\":\"a\",\"x y\":1}", ERR_INVALID, "[\"x y\"]", "unknown key 'x y'", NULL},
        {"{\"id\":\"a\",\n\"id\":\"b\"}", ERR_INVALID, "id", "line 2: the key is given twice",
         NULL},
        {"{\"id\":\"a\",\n\"parts\":[{\"name\":\"p\"},\n{\"name\":\"q\",\"name\":\"r\"}]}",
         ERR_INVALID, "parts[1].name", "line 3: the key is given twice", NULL},
        {"{\"id\":\"a\",\"next\":{\"id\":\"b\",\n\n\"next\":{}}}", ERR_INVALID, "next.next.id",
         "line 3: 'id' is required", NULL},
        {"{\"id\":null}", ERR_INVALID, "id", "expected text, found null", "leave the key out"},
        {"{\"id\":4}", ERR_INVALID, "id", "expected text, found the number 4", "in quotes"},
        {"{\"id\":true}", ERR_INVALID, "id", "expected text, found true", "in quotes"},
        {"{\"id\":[]}", ERR_INVALID, "id", "expected text, found a list", NULL},
        {"{\"id\":\"\"}", ERR_INVALID, "id", "", NULL},
        {"{\"id\":\"a/b\"}", ERR_INVALID, "id", "", NULL},
        {"{\"id\":\"a\",\"enabled\":1}", ERR_INVALID, "enabled", "expected true or false", NULL},
        {"{\"id\":\"a\",\"opt_flag\":\"true\"}", ERR_INVALID, "opt_flag", "expected true or false",
         NULL},
        {"{\"id\":\"a\",\"count\":1.5}", ERR_INVALID, "count",
         "a whole number, found the number 1.5", NULL},
        {"{\"id\":\"a\",\"count\":1e300}", ERR_INVALID, "count", "a whole number", NULL},
        {"{\"id\":\"a\",\"count\":\"1\"}", ERR_INVALID, "count", "found the text '1'",
         "without quotes"},
        {"{\"id\":\"a\",\"count\":9223372036854775808}", ERR_INVALID, "count", "not JSON", NULL},
        {"{\"id\":\"a\",\"replicas\":0}", ERR_INVALID, "replicas", "must be greater than 0", NULL},
        {"{\"id\":\"a\",\"ratio\":1e999}", ERR_INVALID, "ratio", "not JSON", NULL},
        {"{\"id\":\"a\",\"ratio\":NaN}", ERR_INVALID, "ratio", "not JSON", NULL},
        {"{\"id\":\"a\",\"ratio\":Infinity}", ERR_INVALID, "ratio", "not JSON", NULL},
        {"{\"id\":\"a\",\"ratio\":01}", ERR_INVALID, "ratio", "not JSON", NULL},
        {"{\"id\":\"a\",\"ratio\":.5}", ERR_INVALID, "ratio", "not JSON", NULL},
        {"{\"id\":\"a\",\"opt_percent\":100.1}", ERR_INVALID, "opt_percent",
         "must be at most 100, found 100.1", NULL},
        {"{\"id\":\"a\",\"opt_percent\":-1}", ERR_INVALID, "opt_percent", "must be at least 0",
         NULL},
        {"{\"id\":\"a\",\"opt_percent\":null}", ERR_INVALID, "opt_percent", "found null",
         "leave the key out"},
        {"{\"id\":\"a\",\"price\":9000000000001}", ERR_INVALID, "price", "an amount is at most",
         NULL},
        {"{\"id\":\"a\",\"price\":\"1\"}", ERR_INVALID, "price", "expected a number", NULL},
        {"{\"id\":\"a\",\"tier\":\"core\"}", ERR_INVALID, "tier", "unknown value 'core'",
         "one of: edge, public-cloud, device"},
        {"{\"id\":\"a\",\"tier\":1}", ERR_INVALID, "tier", "expected text", NULL},
        {"{\"id\":\"a\",\"made_at\":\"yesterday\"}", ERR_INVALID, "made_at", "", ""},
        {"{\"id\":\"a\",\"made_at\":12}", ERR_INVALID, "made_at", "expected a time as text", NULL},
        {"{\"id\":\"a\",\"capacity\":[]}", ERR_INVALID, "capacity", "expected an object", NULL},
        {"{\"id\":\"a\",\"capacity\":{\"cpus\":-1}}", ERR_INVALID, "capacity.cpus",
         "must not be negative", NULL},
        {"{\"id\":\"a\",\n\"capacity\":{\"cpus\":1,\n\"memory_gib\":2000}}", ERR_INVALID,
         "capacity.memory_gib", "line 3: more than 1000 GiB per core", "add cores"},
        {"{\"id\":\"a\",\"next\":\n{\"id\":\"b\",\"parts\":[{\"name\":\"p\"},\n"
         "{\"name\":\"forbidden\"}]}}",
         ERR_POLICY, "next.parts[1].name", "line 3: no part may be called so", NULL},
        {"{\"id\":\"a\",\"next\":{\"id\":\"b\",\"note\":\"bad\"}}", ERR_INVALID, "next",
         "the whole is bad", NULL},
        {"{\"id\":\"a\",\"parts\":{}}", ERR_INVALID, "parts", "expected a list", NULL},
        {"{\"id\":\"a\",\"parts\":[1]}", ERR_INVALID, "parts[0]", "expected an object", NULL},
        {"{\"id\":\"a\",\"parts\":[{\"name\":\"\"}]}", ERR_INVALID, "parts[0].name",
         "must not be empty", NULL},
        {"{\"id\":\"a\",\n\"parts\":[\n{\"name\":\"p\"},\n{\"name\":\"q\",\"vcpus\":1025}]}",
         ERR_INVALID, "parts[1].vcpus", "line 4: must be at most 1024, found 1025", NULL},
        {"{\"id\":\"a\",\"parts\":[{\"name\":\"p\",\"labels\":[\"x\",\"y z\"]}]}", ERR_INVALID,
         "parts[0].labels[1]", "", NULL},
        {"{\"id\":\"a\",\"regions\":[\"x\",null]}", ERR_INVALID, "regions[1]", "expected text",
         NULL},
        {"{\"id\":\"a\",\"tiers\":[\"edge\",\"x\"]}", ERR_INVALID, "tiers[1]", "unknown value",
         "one of"},
        {"{\"id\":\"a\",\"weights\":[]}", ERR_INVALID, "weights", "must not be empty", NULL},
        {"{\"id\":\"a\",\"weights\":[\"1\"]}", ERR_INVALID, "weights[0]", "expected a number",
         NULL},
        {"{\"id\":\"a\",\"prices\":{\"T4\":\"x\"}}", ERR_INVALID, "prices.T4", "expected a number",
         NULL},
        {"{\"id\":\"a\",\"prices\":{\"a b\":-1}}", ERR_INVALID, "prices[\"a b\"]",
         "must not be negative", NULL},
        {"{\"id\":\"a\",\"labels\":{\"k\":1}}", ERR_INVALID, "labels.k", "expected text", NULL},
        {"{\"id\":\"a\",\"labels\":[]}", ERR_INVALID, "labels", "expected an object", NULL},
        {"{\"id\":\"a\",\"version\":\"1\"}", ERR_INVALID, "version", "read-only", NULL},
        {"{\"id\":\"a\"} x", ERR_INVALID, "", "not JSON", NULL},
        {"{\"id\":\"a\"", ERR_INVALID, "id", "not JSON", NULL},
        {"{\"id\":\"\\u0000\"}", ERR_INVALID, "id", "not JSON", NULL},
        {"{\"id\":\"\\ud800\"}", ERR_INVALID, "id", "not JSON", NULL},
        {"{\"id\":\"\\udc00\\ud800\"}", ERR_INVALID, "id", "not JSON", NULL},
        {"{\"id\":\"a\nb\"}", ERR_INVALID, "id", "not JSON", NULL},
        {"{\"id\":\"\xff\"}", ERR_INVALID, "", "byte 8 is not UTF-8", NULL},
        {"{\"id\":\n\"\xed\xa0\x80\"}", ERR_INVALID, "", "line 2: byte 9 is not UTF-8", NULL},
    };
    check_refusals(cases, ARRAY_LEN(cases), false);
}

static void test_yaml_is_refused_with_path_and_line(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"", ERR_INVALID, "", "expected an object, found null", NULL},
        {"# nothing\n", ERR_INVALID, "", "expected an object, found null", NULL},
        {"- a\n", ERR_INVALID, "", "line 1: expected an object, found a list", NULL},
        {"id: a\nnope: 1\n", ERR_INVALID, "nope", "line 2: unknown key 'nope'", "known keys"},
        {"id: a\n\nid: b\n", ERR_INVALID, "id", "line 3: the key is given twice", NULL},
        {"id: a\nparts:\n  - name: p\n  - vcpus: 1\n    vcpus: 2\n", ERR_INVALID, "parts[1].vcpus",
         "line 5: the key is given twice", NULL},
        {"id: a\nparts:\n  - name: p\n  - vcpus: 1\n", ERR_INVALID, "parts[1].name",
         "line 4: 'name' is required", NULL},
        {"id: 1.0\n", ERR_INVALID, "id", "line 1: expected text, found the number 1", "in quotes"},
        {"id: true\n", ERR_INVALID, "id", "line 1: expected text, found true", "in quotes"},
        {"note: x\nid: ~\n", ERR_INVALID, "id", "line 2: expected text, found null", "leave"},
        {"note: x\nid:\n", ERR_INVALID, "id", "line 2: expected text, found null", "leave"},
        {"id: a\nenabled: yes\n", ERR_INVALID, "enabled", "line 2: expected true or false", NULL},
        {"id: a\ncount: '1'\n", ERR_INVALID, "count", "line 2: expected a whole number",
         "without quotes"},
        {"id: a\ncount: 8 GiB\n", ERR_INVALID, "count", "found the text '8 GiB'", "without a unit"},
        {"id: a\nratio: .nan\n", ERR_INVALID, "ratio", "line 2: NaN and infinity", "finite"},
        {"id: a\nratio: -.Inf\n", ERR_INVALID, "ratio", "line 2: NaN and infinity", NULL},
        {"id: a\nratio: 1e999\n", ERR_INVALID, "ratio", "line 2: the number is out of range", NULL},
        {"id: a\ncount: 9223372036854775808\n", ERR_INVALID, "count",
         "line 2: the number is out of range", NULL},
        {"id: a\ncapacity:\n  cpus: 1\n  memory_gib: 2000\n", ERR_INVALID, "capacity.memory_gib",
         "line 4: more than 1000", "add cores"},
        {"id: a\ncapacity:\n  cpus: -1\n", ERR_INVALID, "capacity.cpus",
         "line 3: must not be negative", NULL},
        {"id: &x a\n", ERR_INVALID, "id", "line 1: anchors", NULL},
        {"id: a\nnote: *x\n", ERR_INVALID, "note", "line 2: aliases", NULL},
        {"id: !!str a\n", ERR_INVALID, "id", "line 1: tags", NULL},
        {"id: !x a\n", ERR_INVALID, "id", "line 1: tags", NULL},
        {"id: ! a\n", ERR_INVALID, "id", "line 1: tags", NULL},
        {"id: a\n<<: {note: x}\n", ERR_INVALID, "", "line 2: merge keys", NULL},
        {"id: a\n---\nid: b\n", ERR_INVALID, "", "line 2: several documents", NULL},
        {"id: a\n? [x]\n: 1\n", ERR_INVALID, "", "line 2: a key must be text", NULL},
        {"id: a\n*x : 1\n", ERR_INVALID, "", "line 2: aliases", NULL},
        {"id: a\n?\n: 1\n", ERR_INVALID, "", "line 2: a key is missing", NULL},
        {"id: a\n\tnote: x\n", ERR_INVALID, "id", "line 2: not YAML", NULL},
        {"id: 'a\n", ERR_INVALID, "id", "not YAML", NULL},
        {"id: a\nnote: [x\n", ERR_INVALID, "note[1]", "not YAML", NULL},
        {"id: a\nnote: \"\\0\"\n", ERR_INVALID, "note", "line 2: the text holds NUL", NULL},
        {"id: a\nnote: \"\\ud800\"\n", ERR_INVALID, "note", "line 2: not YAML", NULL},
        {"id: a\nnote: \xff\n", ERR_INVALID, "", "line 2: byte 13 is not UTF-8", NULL},
        {"? ? ? ? x", ERR_INVALID, "", "line 1: a key must be text", NULL},
        {"{id: a}", ERR_INVALID, "", "not JSON", NULL},
    };
    check_refusals(cases, ARRAY_LEN(cases), true);
}

static void test_yaml_scalars_follow_the_core_schema(void **state)
{
    (void)state;
    static const char text[] = "%YAML 1.2\n"
                               "---\n"
                               "id: \"1.0\"\n"
                               "note: |\n"
                               "  first\n"
                               "    second\n"
                               "enabled: TRUE\n"
                               "kept: False\n"
                               "count: 0x1F # comment\n"
                               "replicas: +007\n"
                               "ratio: .5\n"
                               "opt_count: 0o17\n"
                               "opt_percent: 1e1\n"
                               "price: 3.\n"
                               "regions: [yes, No, 1:30, 2026-11-23, 0b1, 0x, 1_000, 1e, '', ~a]\n"
                               "labels: {1: a, true: b}\n"
                               "...\n";
    static const char *const regions[] = {"yes", "No",    "1:30", "2026-11-23", "0b1",
                                          "0x",  "1_000", "1e",   "",           "~a"};
    struct arena arena = ARENA_INIT;
    struct sample s;
    struct err err = ERR_INIT;
    if (json_decode_yaml(text, strlen(text), &sample_table, NULL, &s, &arena, &err) != ERR_OK)
        fail_msg("%s: %s", err.field, err.text);
    assert_string_equal(s.id, "1.0");
    assert_string_equal(s.note, "first\n  second\n");
    assert_true(s.enabled && !s.kept);
    assert_int_equal(s.count, 31);
    assert_int_equal(s.replicas, 7);
    assert_true(s.ratio == 0.5);
    assert_int_equal(s.opt_count.value, 15);
    assert_true(s.opt_percent.value == 10);
    assert_int_equal(s.price, 3000000);
    assert_int_equal(s.regions.count, ARRAY_LEN(regions));
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        assert_string_equal(s.regions.items[i], regions[i]);
    assert_string_equal(s.labels.items[0].name, "1");
    assert_string_equal(s.labels.items[1].name, "true");
    arena_done(&arena);
}

static void test_a_file_is_named_in_its_errors(void **state)
{
    (void)state;
    char path[] = "/tmp/swan-json-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "id: a\ncount: x\n";
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);

    struct arena arena = ARENA_INIT;
    struct sample s;
    struct err err = ERR_INIT;
    char words[128];
    assert_int_equal(json_decode_file(path, &sample_table, NULL, &s, &arena, &err), ERR_INVALID);
    snprintf(words, sizeof words, "%s: line 2: expected a whole number", path);
    assert_non_null(strstr(err.text, words));
    assert_string_equal(err.field, "count");
    struct json_limits small = json_limits_default;
    small.bytes = 4;
    assert_int_equal(json_decode_file(path, &sample_table, &small, &s, &arena, &err),
                     ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, path));
    unlink(path);
    assert_int_equal(json_decode_file(path, &sample_table, NULL, &s, &arena, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    arena_done(&arena);
}

static void test_a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct sample s;
    static const char json[] = "\xef\xbb\xbf{\"id\":\"a\"}";
    static const char yaml[] = "\xef\xbb\xbfid: a\n";
    assert_int_equal(json_decode(json, strlen(json), &sample_table, NULL, &s, &arena, NULL),
                     ERR_OK);
    assert_int_equal(json_decode_yaml(json, strlen(json), &sample_table, NULL, &s, &arena, NULL),
                     ERR_OK);
    assert_int_equal(json_decode_yaml(yaml, strlen(yaml), &sample_table, NULL, &s, &arena, NULL),
                     ERR_OK);
    arena_done(&arena);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_kind_is_read_from_json),
    cmocka_unit_test(test_every_kind_survives_yaml),
    cmocka_unit_test(test_a_decoded_list_may_grow),
    cmocka_unit_test(test_json_is_refused_with_path_and_line),
    cmocka_unit_test(test_yaml_is_refused_with_path_and_line),
    cmocka_unit_test(test_yaml_scalars_follow_the_core_schema),
    cmocka_unit_test(test_a_file_is_named_in_its_errors),
    cmocka_unit_test(test_a_byte_order_mark_is_skipped),
};

int run_decode_tests(void)
{
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
