/* fuzz_replay_csv.c - any bytes as nodes, and after a line "%" as pods: no crash; what is accepted
 * is placed by the rules; what is refused names why. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intelligent/replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void place(const struct replay_fleet *fleet, const struct replay_stream *stream,
                  struct arena *arena)
{
    struct replay_result result;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    size_t placed = 0;
    if (replay_run(fleet, stream, REPLAY_FGD, 1, &result, arena, &err) != ERR_OK)
        return;
    for (size_t i = 0; i < stream->pods.count; i++) {
        const struct replay_placement *p = &result.placements[i];
        placed += p->placed;
        expect(!p->placed || p->node < fleet->nodes.count, "a placement is on a node");
        expect(!p->placed || p->gpus >> fleet->nodes.items[p->node].gpus == 0, "and on its GPUs");
    }
    expect(placed + result.failed == stream->pods.count, "every pod is placed or refused");
    replay_write(fleet, stream, REPLAY_FGD, &result, &out);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n%\n";
    const char *text = (const char *)data;
    const char *middle = size ? memmem(text, size, mark, strlen(mark)) : NULL;
    size_t first = middle ? (size_t)(middle - text) : size;
    struct arena arena = ARENA_INIT;
    struct replay_fleet fleet;
    struct replay_stream stream;
    struct err err = ERR_INIT;
    enum err_code rc = replay_read_nodes(text, first, &fleet, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK && middle) {
        const char *pods = middle + strlen(mark);
        rc = replay_read_pods(pods, size - first - strlen(mark), &fleet, &stream, &arena, &err);
        expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
        if (rc == ERR_OK)
            place(&fleet, &stream, &arena);
    }
    arena_done(&arena);
    return 0;
}
