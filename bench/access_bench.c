/* access_bench.c - how long checking a token takes: access-bench [SECONDS] [TOKENS]. */
#include <stdio.h>
#include <stdlib.h>

#include "access/access.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static struct err err;

static void must(enum err_code rc)
{
    if (rc) {
        fprintf(stderr, "access-bench: %s\n", err.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    int tokens = argc > 2 ? atoi(argv[2]) : 1000;
    char folder[] = "/tmp/swan-access-bench.XXXXXX", address[128], key[128], first[64];
    const struct store_actor actor = {.user = "bench", .tenant = ""};
    struct store *store = NULL;
    struct access *access = NULL;
    if (!mkdtemp(folder) || tokens < 1)
        return 1;
    str_format(address, sizeof address, "sqlite:%s/swan.db", folder);
    str_format(key, sizeof key, "%s/key", folder);
    must(store_open(address, &store, &err));
    must(store_migrate(store, &access_store_module, 1, &err));
    must(access_open(store, key, &access, &err));
    must(access_bootstrap(access, first, &err));
    char(*headers)[80] = mem_array((size_t)tokens, sizeof *headers);
    for (int i = 0; i < tokens; i++) {
        char id[ID_SIZE], token[64];
        struct access_token_spec spec = {.user = "admin"};
        must(access_token_create(access, &spec, &actor, id, token, &err));
        str_format(headers[i], sizeof headers[i], "Bearer %s", token);
    }
    struct access_identity who;
    int64_t begin = clock_mono_us(), end = begin + (int64_t)(seconds * 1e6), now = begin;
    long checks = 0;
    for (; now < end; now = clock_mono_us())
        for (int i = 0; i < 1000; i++, checks++)
            must(access_check(access, headers[checks % tokens], &who, &err));
    printf("%ld checks of %d tokens, %.2f us each\n", checks, tokens,
           (double)(now - begin) / (double)checks);
    mem_free(headers);
    access_close(access);
    store_close(store);
    must(file_remove_tree(folder, &err));
    return 0;
}
