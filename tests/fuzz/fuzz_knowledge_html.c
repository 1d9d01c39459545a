/* fuzz_knowledge_html.c - any bytes as an HTML page: no crash; what is accepted gives
 * passages of UTF-8 within their size, with ids that differ; what is refused says why. */
#include "fuzz_knowledge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct knowledge_reading reading = {.passages = {NULL, 0}};
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    check(knowledge_read_bytes("a.html", text, size, NULL, NULL, &reading, &arena, &err), &reading,
          &err);
    arena_done(&arena);
    return 0;
}
