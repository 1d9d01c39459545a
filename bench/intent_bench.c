/* intent_bench.c - sentences a second of the embedded reader on one core.
 *
 *   meson setup build-bench -Dtests=true && ninja -C build-bench bench/intent-bench
 *   build-bench/bench/intent-bench FILE.jsonl [SECONDS]     lines {"text"}; default 2 s */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "intelligent/intent/intent.h"

#define TEXTS_MAX 10000

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: intent-bench FILE.jsonl [SECONDS]\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (!file) {
        perror(argv[1]);
        return 2;
    }
    static char *texts[TEXTS_MAX];
    size_t count = 0, bytes = 0, room = 0;
    char *line = NULL;
    ssize_t len;
    while (count < TEXTS_MAX && (len = getline(&line, &room, file)) > 0) {
        CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
        if (json_parse(line, (size_t)len, NULL, &doc, NULL) != ERR_OK)
            continue;
        texts[count] = mem_strdup(json_text(json_get(json_root(doc), "text"), ""));
        bytes += strlen(texts[count++]);
    }
    fclose(file);
    free(line);
    if (count == 0) {
        fprintf(stderr, "%s: no texts\n", argv[1]);
        return 2;
    }
    double limit = argc > 2 ? atof(argv[2]) : 2;
    struct arena arena = ARENA_INIT;
    uint64_t read = 0;
    int64_t from = clock_mono_us(), now;
    do {
        for (size_t i = 0; i < count; i++) {
            struct intent_result result;
            arena_clear(&arena);
            if (intent_read(&intent_embedded, texts[i], strlen(texts[i]), &result, &arena, NULL) !=
                ERR_OK)
                return 1;
            read++;
        }
        now = clock_mono_us();
    } while ((double)(now - from) < limit * 1e6);
    double seconds = (double)(now - from) * 1e-6;
    printf("%zu texts of %zu bytes on average: %.0f sentences/s\n", count, bytes / count,
           (double)read / seconds);
    arena_done(&arena);
    for (size_t i = 0; i < count; i++)
        mem_free(texts[i]);
    return 0;
}
