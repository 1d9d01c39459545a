/* fuzz_graph_pack.c - any bytes as parts of a packed graph: no crash; what is accepted is a graph
 * whose edges join its entities, and packing it again gives one with the same counts.  Parts follow
 * each other, each behind two bytes of length; their check sums are made right, so that the bytes
 * behind them are read too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* As graph/pack.c has it. */
static uint64_t check_sum(const unsigned char *data, size_t len)
{
    uint64_t sum = UINT64_C(0x9E3779B97F4A7C15) ^ len;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, data + i, len - i < 8 ? len - i : 8);
        sum = (sum ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
        sum ^= sum >> 29;
    }
    return sum;
}

static enum err_code take_part(struct graph_unpacking *unpacking, const uint8_t *data, size_t len)
{
    struct buf part = BUF_INIT;
    struct err err = ERR_INIT;
    uint64_t sum = check_sum(data, len);
    buf_add(&part, data, len);
    buf_add(&part, &sum, sizeof sum);
    enum err_code rc = graph_unpack(unpacking, part.data, part.len, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    buf_done(&part);
    return rc;
}

static void check_graph(const struct graph_snapshot *snapshot)
{
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct graph_outline outline;
    struct graph_consequences follows;
    struct graph_outline_query query = {.at_ms = 1, .by = GRAPH_BY_HOLDER, .holder = "host"};
    for (uint32_t i = 0; i < graph_entity_count(snapshot); i++)
        expect(graph_find(snapshot, graph_entity(snapshot, i)->id) == i, "ids are found");
    for (uint32_t i = 0; i < graph_edge_count(snapshot); i++)
        expect(graph_edge(snapshot, i)->from < graph_entity_count(snapshot) &&
                   graph_edge(snapshot, i)->to < graph_entity_count(snapshot),
               "edges join entities");
    expect(graph_outline(snapshot, &query, &outline, &arena, &err) == ERR_OK, "it can be drawn");
    expect(graph_consequences(snapshot, 1, &follows, &arena, &err) == ERR_OK, "states follow");
    arena_done(&arena);
}

static void pack_again(const struct graph_snapshot *snapshot)
{
    struct graph_unpacking *unpacking = graph_unpack_new(9);
    struct graph_packing at = {0, 0};
    struct graph_snapshot *back;
    struct buf part = BUF_INIT;
    while (graph_pack(snapshot, &at, 64, &part)) {
        expect(graph_unpack(unpacking, part.data, part.len, NULL) == ERR_OK, "our own is accepted");
        buf_clear(&part);
    }
    expect(graph_unpack_end(unpacking, 0, 0, &back, NULL) == ERR_OK, "our own is whole");
    expect(graph_entity_count(back) == graph_entity_count(snapshot) &&
               graph_edge_count(back) == graph_edge_count(snapshot),
           "nothing is lost");
    graph_unref(back);
    buf_done(&part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct graph_unpacking *unpacking = graph_unpack_new(7);
    struct graph_snapshot *snapshot;
    enum err_code rc = ERR_OK;
    graph_unpack(unpacking, data, size, NULL); /* as it comes: mostly a wrong sum */
    graph_unpack_free(unpacking);
    unpacking = graph_unpack_new(7);
    while (rc == ERR_OK && size > 2) {
        size_t len = (size_t)data[0] | (size_t)data[1] << 8;
        len = len < size - 2 ? len : size - 2;
        rc = take_part(unpacking, data + 2, len);
        data += 2 + len;
        size -= 2 + len;
    }
    if (rc || graph_unpack_end(unpacking, 0, 0, &snapshot, NULL)) {
        graph_unpack_free(unpacking);
        return 0;
    }
    check_graph(snapshot);
    pack_again(snapshot);
    graph_unref(snapshot);
    return 0;
}
