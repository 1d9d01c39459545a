/* fuzz_knowledge_docx.c - any bytes as a DOCX archive, as its document.xml, and after a line "%" as
 * its styles.xml: no crash; what is accepted gives passages of UTF-8 within their size, with ids
 * that differ; what is refused says why. */
#include "fuzz_knowledge.h"

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
