/* fuzz_json.c - any bytes as JSON: no crash, and what was read survives writing and reading. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small enough that a fuzzer reaches them. */
static const struct json_limits limits = {
    .bytes = 65536, .depth = 32, .text_bytes = 4096, .list_items = 500, .total_items = 2000};

static void expect(bool holds, const char *what, const struct err *err)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, err->field, err->text);
    abort();
}

static void check_error(enum err_code code, const struct err *err)
{
    expect(code == err->code, "the code is in the error", err);
    expect(code == ERR_OK || err->text[0] != '\0', "an error has a text", err);
    expect(str_is_utf8(err->text, strlen(err->text)) && str_is_utf8(err->field, strlen(err->field)),
           "an error is UTF-8", err);
}

static void check_table(const char *text, size_t len, struct arena *arena)
{
    struct sample one, two, three;
    struct err err = ERR_INIT;
    enum err_code code = json_decode(text, len, &sample_table, &limits, &one, arena, &err);
    check_error(code, &err);
    if (code != ERR_OK)
        return;
    expect(json_validate(&sample_table, &one, &err) == ERR_OK, "what decodes is valid", &err);
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    CLEANUP(buf_done) struct buf yaml = BUF_INIT;
    json_encode(&sample_table, &one, JSON_PRETTY, &json);
    yaml_encode(&sample_table, &one, &yaml);
    code = json_decode(buf_str(&json), json.len, &sample_table, NULL, &two, arena, &err);
    expect(code == ERR_OK && sample_equal(&one, &two), "JSON round trip", &err);
    code = json_decode_yaml(buf_str(&yaml), yaml.len, &sample_table, NULL, &three, arena, &err);
    expect(code == ERR_OK && sample_equal(&one, &three), "YAML round trip", &err);
    code = json_merge(&sample_table, &one, "{}", 2, &two, arena, &err);
    expect(code == ERR_OK && sample_equal(&one, &two), "an empty patch", &err);
}

static void check_loose(const char *text, size_t len)
{
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf one = BUF_INIT;
    CLEANUP(buf_done) struct buf two = BUF_INIT;
    CLEANUP(buf_done) struct buf pretty = BUF_INIT;
    struct err err = ERR_INIT;
    enum err_code code = json_parse(text, len, &limits, &doc, &err);
    check_error(code, &err);
    if (code != ERR_OK)
        return;
    json_write(json_root(doc), JSON_PRETTY, &pretty);
    expect(json_canonical(text, len, &one, &err) == ERR_OK, "canonical", &err);
    expect(json_canonical(buf_str(&pretty), pretty.len, &two, &err) == ERR_OK, "again", &err);
    expect(str_eq(buf_str(&one), buf_str(&two)), "canonical is canonical", &err);
    buf_clear(&pretty);
    buf_clear(&two);
    expect(json_reformat(text, len, JSON_PRETTY, &pretty, &err) == ERR_OK, "reformat", &err);
    expect(json_canonical(buf_str(&pretty), pretty.len, &two, &err) == ERR_OK, "reformatted", &err);
    expect(str_eq(buf_str(&one), buf_str(&two)), "reformatting changes blanks only", &err);
}

static void check_patch(const char *text, size_t len, struct arena *arena)
{
    static const char extra[] = "{\"a\":{\"b\":1},\"c\":[2]}";
    struct sample from = {.id = "a", .note = "n", .version = "1", .extra = extra};
    struct sample to;
    struct err err = ERR_INIT;
    enum err_code code = json_merge(&sample_table, &from, text, len, &to, arena, &err);
    check_error(code, &err);
    if (code == ERR_OK)
        expect(str_eq(to.version, "1"), "read-only members stay", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    const char *text = (const char *)data;
    check_table(text, size, &arena);
    check_loose(text, size);
    check_patch(text, size, &arena);
    arena_done(&arena);
    return 0;
}
