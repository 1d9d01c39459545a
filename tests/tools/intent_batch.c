/* intent_batch.c - reads lines {"id","text"} from standard input, writes lines
 * {"id","requirement"}: what tests/data/intents/score.py compares.  With --full the whole result of
 * the reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intelligent/intent/intent.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

static int line_read(const char *line, size_t len, bool full)
{
    struct err err = ERR_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    if (json_parse(line, len, NULL, &doc, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const char *id = json_text(json_get(json_root(doc), "id"), "");
    const char *text = json_text(json_get(json_root(doc), "text"), "");
    struct arena arena = ARENA_INIT;
    struct intent_result result;
    if (intent_read(&intent_embedded, text, strlen(text), &result, &arena, &err) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", id, err.text);
        arena_done(&arena);
        return 1;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_add_str(&out, "{\"id\":");
    buf_add_json_str(&out, id, strlen(id));
    buf_add_str(&out, full ? ",\"result\":" : ",\"requirement\":");
    if (full)
        json_encode(&intent_result_table, &result, JSON_COMPACT, &out);
    else
        json_encode(&requirement_table, &result.requirement, JSON_COMPACT, &out);
    buf_add_str(&out, "}");
    puts(buf_str(&out));
    arena_done(&arena);
    return 0;
}

int main(int argc, char **argv)
{
    bool full = argc > 1 && strcmp(argv[1], "--full") == 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int failed = 0;
    while ((len = getline(&line, &size, stdin)) > 0) {
        if ((size_t)len > LINE_MAX_BYTES) {
            fprintf(stderr, "a line is longer than %zu bytes\n", LINE_MAX_BYTES);
            failed = 1;
            break;
        }
        failed |= line_read(line, (size_t)len, full);
    }
    free(line);
    return failed;
}
