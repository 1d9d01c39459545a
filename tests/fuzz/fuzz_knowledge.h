/* fuzz_knowledge.h - what every fuzzer of a document reader asks of the passages that it gets. */
#ifndef SWAN_FUZZ_KNOWLEDGE_H
#define SWAN_FUZZ_KNOWLEDGE_H

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

#endif
