/* compute_bench.c - importing a network and following one change: compute-bench [SITES]. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "compute/compute.h"

static struct err err;

static void must(enum err_code rc)
{
    if (rc) {
        fprintf(stderr, "compute-bench: %s\n", err.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    int sites = argc > 1 ? atoi(argv[1]) : 20000;
    char folder[] = "/tmp/swan-compute-bench.XXXXXX", address[128];
    const struct store_actor actor = {.user = "bench", .tenant = ""};
    struct store *store = NULL;
    struct compute *compute = NULL;
    struct arena arena = ARENA_INIT;
    struct network network = {.currency = "CNY"};
    struct compute_import_counts counts;
    if (!mkdtemp(folder) || sites < 1)
        return 1;
    str_format(address, sizeof address, "sqlite:%s/swan.db", folder);
    must(store_open(address, &store, &err));
    must(store_migrate(store, &compute_store_module, 1, &err));
    must(compute_open(store, &compute, &err));
    for (int i = 0; i < sites; i++) {
        struct site *site = LIST_ADD(&arena, &network.sites);
        *site = (struct site){.id = arena_printf(&arena, "site-%06d", i), .tier = TIER_EDGE};
        site->capacity.vcpus = (struct opt_double){true, 64};
    }
    int64_t begin = clock_mono_us();
    must(compute_import(compute, &network, NULL, false, &actor, &counts, &err));
    printf("import of %d sites: %.0f ms\n", sites, (double)(clock_mono_us() - begin) / 1e3);
    begin = clock_mono_us();
    must(compute_import(compute, &network, NULL, false, &actor, &counts, &err));
    printf("the same again: %.0f ms\n", (double)(clock_mono_us() - begin) / 1e3);
    begin = clock_mono_us();
    for (int i = 1; i <= 20; i++) {
        network.sites.items[0].capacity.vcpus.value = 64 + i;
        must(compute_site_put(compute, &network.sites.items[0], 0, &actor, NULL, &err));
    }
    printf("one site changed and shown: %.1f ms\n", (double)(clock_mono_us() - begin) / 20e3);
    compute_close(compute);
    begin = clock_mono_us();
    must(compute_open(store, &compute, &err));
    printf("opening: %.0f ms\n", (double)(clock_mono_us() - begin) / 1e3);
    compute_close(compute);
    arena_done(&arena);
    store_close(store);
    must(file_remove_tree(folder, &err));
    return 0;
}
