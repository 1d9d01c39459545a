/* fuzz_cache.c - any bytes as an OR-Library file and as demand: no crash, what is refused names a
 * line, and what is read is solved by the rules. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lean/cache/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool after_some(void *left)
{
    return --*(int *)left < 0;
}

static void locate(const struct cache_orlib *problem, struct arena *arena)
{
    int left = 200;
    struct cache_search search = {.seed = 1, .should_stop = after_some, .stop_ctx = &left};
    struct cache_located o;
    struct err err = ERR_INIT;
    enum err_code rc = cache_locate(&problem->location, &search, &o, arena, &err);
    expect(rc == err.code, "the code is in the error");
    if (rc != ERR_OK)
        return;
    expect(isfinite(o.cost) && o.lower_bound <= o.cost * (1 + 1e-9) + 1e-9, "the bound is below");
    expect(o.open.count > 0, "something is open");
    struct buf out = BUF_INIT;
    cache_write_located(problem, &o, &out);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct cache_orlib problem;
    struct cache_wish wish = {.demand = {NULL, 0}};
    struct err err = ERR_INIT;
    char *text = malloc(size + 1); /* exactly as long as it is: over-reading shows */
    memcpy(text, data, size);
    text[size] = '\0';
    arena_init(&arena, 1 << 20);
    enum err_code rc = cache_read_orlib(text, size, 5, &problem, &arena, &err);
    expect(rc == ERR_OK || err.text[0], "what is refused says why");
    if (rc == ERR_OK && problem.location.facilities * problem.location.customers <= 2500)
        locate(&problem, &arena);
    err_clear(&err);
    rc = cache_read_demand(text, size, &wish, &arena, &err);
    expect(rc == ERR_OK || strncmp(err.text, "line ", 5) == 0 || rc == ERR_TOO_LARGE,
           "what is refused names a line");
    arena_done(&arena);
    free(text);
    return 0;
}
