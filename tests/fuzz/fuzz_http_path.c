/* fuzz_http_path.c - any bytes as the target of a request line: no crash, and what passes keeps the
 * promises of struct http_request. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "wire/http_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

static void check_path(const char *path)
{
    expect(path[0] == '/', "a path begins with '/'", path);
    expect(str_is_utf8(path, strlen(path)), "a path is UTF-8", path);
    for (const char *c = path; *c; c++)
        expect((unsigned char)*c >= 0x20 && *c != 0x7f, "a path has no control character", path);
    expect(!strstr(path, "/../") && !str_has_suffix(path, "/.."), "a path does not climb", path);
    expect(!strstr(path, "/./") && !str_has_suffix(path, "/."), "a path has no '.' segment", path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    char *text = arena_strndup(&arena, (const char *)data, size);
    struct http_target target = {0};
    struct err err = ERR_INIT;
    enum err_code rc = http_target_decode(text, &target, &arena, &err);
    expect(rc == err.code, "the code is in the error", text);
    if (rc) {
        expect(rc == ERR_INVALID && err.text[0] != '\0', "a refusal has a text", text);
        expect(!target.path && target.parameters.count == 0, "a refusal gives nothing", text);
        return 0;
    }
    check_path(target.path);
    expect(target.parameters.count <= HTTP_PARAMETERS_MAX, "parameters are bounded", text);
    for (size_t i = 0; i < target.parameters.count; i++) {
        const struct http_parameter *p = &target.parameters.items[i];
        expect(str_is_utf8(p->name, strlen(p->name)), "a name is UTF-8", text);
        expect(str_is_utf8(p->value, strlen(p->value)), "a value is UTF-8", text);
    }
    expect(strlen(target.path) <= size, "decoding does not grow", text);
    return 0;
}
