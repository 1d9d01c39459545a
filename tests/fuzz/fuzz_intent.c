/* fuzz_intent.c - any bytes as the words of a customer: no crash, a valid Requirement or an
 * ordinary error, spans that lie in the text, and the same answer twice. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intelligent/intent/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static enum err_code once(const char *text, size_t len, struct buf *out, struct arena *arena)
{
    struct intent_result result;
    struct err err = ERR_INIT;
    enum err_code code = intent_read(&intent_embedded, text, len, &result, arena, &err);
    expect(code == err.code, "the code is in the error");
    if (code != ERR_OK)
        return code;
    if (json_validate(&requirement_table, &result.requirement, &err) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", err.field, err.text);
        abort();
    }
    expect(result.requirement.components.count > 0, "there is a component");
    for (size_t i = 0; i < result.spans.count; i++) {
        const struct intent_span *span = &result.spans.items[i];
        expect(span->begin >= 0 && span->begin < span->end && span->end <= (int64_t)len,
               "a span lies in the text");
        expect(memcmp(text + span->begin, span->text, (size_t)(span->end - span->begin)) == 0,
               "a span's words are those of the text");
    }
    json_encode(&intent_result_table, &result, JSON_COMPACT, out);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena first = ARENA_INIT, second = ARENA_INIT;
    struct buf one = BUF_INIT, two = BUF_INIT;
    enum err_code code = once((const char *)data, size, &one, &first);
    expect(once((const char *)data, size, &two, &second) == code, "the same code twice");
    expect(strcmp(buf_str(&one), buf_str(&two)) == 0, "the same answer twice");
    buf_done(&one);
    buf_done(&two);
    arena_done(&first);
    arena_done(&second);
    return 0;
}
