/* fuzz_yaml.c - any bytes as YAML: no crash, and what was read survives writing and reading. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = {
    .bytes = 65536, .depth = 32, .text_bytes = 4096, .list_items = 500, .total_items = 2000};

/* Any YAML below one raw member, so that the fuzzer need not find the keys of a table first. */
struct anything {
    const char *value;
};
static const struct json_field anything_fields[] = {
    JSON_FIELD("v", JSON_RAW, struct anything, value, JSON_REQUIRED, "any value"),
};
static const struct json_table anything_table =
    JSON_TABLE("Anything", struct anything, anything_fields, "anything", NULL);

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
    struct sample one, two;
    struct err err = ERR_INIT;
    enum err_code code = json_decode_yaml(text, len, &sample_table, &limits, &one, arena, &err);
    check_error(code, &err);
    if (code != ERR_OK)
        return;
    CLEANUP(buf_done) struct buf yaml = BUF_INIT;
    yaml_encode(&sample_table, &one, &yaml);
    code = json_decode_yaml(buf_str(&yaml), yaml.len, &sample_table, NULL, &two, arena, &err);
    expect(code == ERR_OK && sample_equal(&one, &two), "YAML round trip", &err);
}

static void check_any(const char *text, size_t len, struct arena *arena)
{
    struct anything one, two;
    struct err err = ERR_INIT;
    CLEANUP(buf_done) struct buf yaml = BUF_INIT;
    buf_add_str(&yaml, "v:\n  ");
    for (size_t i = 0; i < len; i++) { /* one level deeper */
        buf_add_char(&yaml, text[i]);
        if (text[i] == '\n')
            buf_add_str(&yaml, "  ");
    }
    enum err_code code =
        json_decode_yaml(buf_str(&yaml), yaml.len, &anything_table, &limits, &one, arena, &err);
    check_error(code, &err);
    if (code != ERR_OK)
        return;
    buf_clear(&yaml);
    yaml_encode(&anything_table, &one, &yaml);
    code = json_decode_yaml(buf_str(&yaml), yaml.len, &anything_table, NULL, &two, arena, &err);
    expect(code == ERR_OK && str_eq(one.value, two.value), "round trip of anything", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    const char *text = (const char *)data;
    check_table(text, size, &arena);
    check_any(text, size, &arena);
    arena_done(&arena);
    return 0;
}
