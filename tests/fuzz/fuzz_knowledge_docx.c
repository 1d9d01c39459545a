/* fuzz_knowledge_docx.c - any bytes as a DOCX archive, as its document.xml, and after a line "%" as
 * its styles.xml: no crash; what is accepted gives passages of UTF-8 within their size, with ids
 * that differ; what is refused says why. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "intelligent/knowledge/knowledge_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check(enum err_code rc, const struct knowledge_reading *reading, const struct err *err)
{
    CLEANUP(map_free_at) struct map *ids = map_new();
    if (rc != ERR_OK) {
        expect(rc == err->code && err->text[0], "a refusal says why");
        return;
    }
    for (size_t i = 0; i < reading->passages.count; i++) {
        const struct knowledge_passage *p = &reading->passages.items[i];
        size_t len = strlen(p->text);
        expect(len > 0 && str_is_utf8(p->text, len), "a passage is text");
        expect(str_is_utf8(p->headings, strlen(p->headings)), "headings are text");
        expect(str_is_utf8(p->id, strlen(p->id)), "an id is text");
        expect(knowledge_columns(p->text, len) <= KNOWLEDGE_PASSAGE_MAX, "a passage has its size");
        expect(p->begin <= p->end, "a place begins before it ends");
        expect(map_put(ids, p->id, ids) == NULL, "ids differ");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct knowledge_reading reading = {.passages = {NULL, 0}};
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    static const char mark[] = "\n%\n";
    const char *middle = size ? memmem(text, size, mark, strlen(mark)) : NULL;
    size_t first = middle ? (size_t)(middle - text) : size;
    const char *styles = middle ? middle + strlen(mark) : "";
    struct knowledge_draft draft = {.arena = &arena};
    check(knowledge_read_bytes("a.docx", text, size, NULL, NULL, &reading, &arena, &err), &reading,
          &err);
    reading = (struct knowledge_reading){.document = {.id = "d", .path = "d.docx"}};
    enum err_code rc = knowledge_read_docx_document(&draft, text, first, styles,
                                                    middle ? size - first - strlen(mark) : 0, &err);
    if (rc == ERR_OK)
        rc = knowledge_split(&draft, &reading, &err);
    check(rc, &reading, &err);
    rc = knowledge_read_docx_core(&draft, text, size, &err);
    expect(rc == ERR_OK || err.text[0], "a refusal says why");
    arena_done(&arena);
    return 0;
}
