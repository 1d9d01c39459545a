/* fuzz_retrieval.c - any bytes as a query, and its further lines as passages: no crash, answers are
 * sound, snippets stand on characters; and as a saved index, with its digest made right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "intelligent/retrieval/retrieval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool on_character(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xc0) != 0x80;
}

static void ask(const struct retrieval_index *index, const char *words, char *const *passages)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct retrieval_query query = {.text = words, .limit = 20, .explain = true};
    struct retrieval_answer answer;
    struct err err = ERR_INIT;
    enum err_code rc = retrieval_search(index, &query, &answer, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc != ERR_OK)
        return;
    size_t count = retrieval_index_passages(index);
    for (size_t i = 0; i < answer.hits.count; i++) {
        const struct retrieval_hit *hit = &answer.hits.items[i];
        expect(hit->passage < count, "a hit is a passage");
        expect(hit->score >= 0 && (i == 0 || hit->score <= hit[-1].score), "best first");
        if (!passages)
            continue;
        const char *text = passages[hit->passage];
        expect(hit->snippet_begin <= hit->snippet_end && hit->snippet_end <= strlen(text),
               "a snippet is in its text");
        expect(on_character(text, hit->snippet_begin) && on_character(text, hit->snippet_end),
               "and stands on characters");
    }
}

static void save_and_load(const struct retrieval_index *index, const char *words)
{
    CLEANUP(buf_done) struct buf bytes = BUF_INIT;
    struct retrieval_index *loaded = NULL;
    expect(retrieval_index_save(index, &bytes, NULL) == ERR_OK, "a sealed index is saved");
    expect(retrieval_index_load(&loaded, bytes.data, bytes.len, NULL) == ERR_OK, "and loaded");
    ask(loaded, words, NULL);
    retrieval_index_free(loaded);
}

/* "SWANRIX\n", two versions, then anything. */
static void load_bytes(const uint8_t *data, size_t size)
{
    enum { length_at = 16, digest_at = 24, body_at = digest_at + ID_DIGEST_SIZE };
    if (size < body_at || memcmp(data, "SWANRIX\n", 8) != 0)
        return;
    struct retrieval_index *loaded = NULL;
    char *bytes = mem_alloc(size);
    memcpy(bytes, data, size);
    for (size_t i = 0; i < 8; i++)
        bytes[length_at + i] = (char)((uint64_t)(size - body_at) >> (8 * i));
    id_digest(bytes + body_at, size - body_at, bytes + digest_at);
    struct err err = ERR_INIT;
    enum err_code rc = retrieval_index_load(&loaded, bytes, size, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK) {
        ask(loaded, "layer 算力网络", NULL);
        retrieval_index_free(loaded);
    }
    mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load_bytes(data, size);
    char *text = mem_strndup((const char *)data, size), *rest = text;
    char *words = strsep(&rest, "\n"), *passages[64];
    size_t count = 0;
    struct retrieval_index *index = NULL;
    expect(retrieval_index_new(&index, NULL) == ERR_OK, "an index is made");
    expect(retrieval_index_word(index, words, NULL) == ERR_OK, "any bytes may be a known word");
    for (char *line; count < ARRAY_LEN(passages) && (line = strsep(&rest, "\n"));) {
        char id[24];
        snprintf(id, sizeof id, "%zu", count);
        struct retrieval_passage passage = {id, count % 2 ? line : NULL, NULL, line};
        enum err_code rc = retrieval_index_add(index, &passage, NULL);
        expect((rc == ERR_OK) == (!*line || str_is_utf8(line, strlen(line))), "text is taken");
        if (rc == ERR_OK)
            passages[count++] = line;
    }
    expect(retrieval_index_seal(index, NULL) == ERR_OK, "an index is sealed");
    ask(index, words, passages);
    save_and_load(index, words);
    retrieval_index_free(index);
    mem_free(text);
    return 0;
}
