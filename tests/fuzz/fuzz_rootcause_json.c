/* fuzz_rootcause_json.c - any bytes as topology, changes and question: no crash; edges point at
 * entities; what is refused names why. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "twin/rootcause/rootcause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enum err_code (*const readers[])(const char *, size_t, struct rootcause_case *,
                                            struct arena *, struct err *) = {
        rootcause_read_topology, rootcause_read_changes, rootcause_read_question};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        struct arena arena = ARENA_INIT;
        struct rootcause_case given = {0};
        struct err err = ERR_INIT;
        enum err_code rc = readers[i](size ? (const char *)data : "", size, &given, &arena, &err);
        expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
        for (size_t k = 0; rc == ERR_OK && k < given.edges.count; k++)
            expect(given.edges.items[k].from < given.entities.count &&
                       given.edges.items[k].to < given.entities.count,
                   "edges point at entities");
        expect(rc || !given.has_alarm || isfinite(given.alarm_time), "the alarm is a time");
        arena_done(&arena);
    }
    return 0;
}
