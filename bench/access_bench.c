/* access_bench.c - microseconds of one token check, one thread and two.
 *
 *   meson setup build-bench -Dtests=true && ninja -C build-bench bench/access-bench
 *   build-bench/bench/access-bench [USERS]        default 1000 users with a token each */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "access/access.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define CHECKS 1000000
#define USERS_MAX 100000

struct worker {
    struct access *access;
    char (*headers)[80];
    size_t count;
    double us;
};

static void must(enum err_code rc, const struct err *err)
{
    if (rc) {
        fprintf(stderr, "access_bench: %s\n", err->text);
        exit(1);
    }
}

static void *check(void *arg)
{
    struct worker *me = arg;
    struct err err = ERR_INIT;
    struct access_identity who;
    int64_t from = clock_mono_us();
    for (size_t i = 0; i < CHECKS; i++)
        must(access_check(me->access, me->headers[i * 7919 % me->count], &who, &err), &err);
    me->us = (double)(clock_mono_us() - from) / CHECKS;
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct store_actor actor = {.user = "bench", .tenant = ""};
    size_t users = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    char folder[] = "/tmp/swan-bench.XXXXXX", path[64], token[64], id[ID_SIZE];
    struct err err = ERR_INIT;
    struct store *store;
    struct access *access;
    if (users == 0 || users > USERS_MAX || !mkdtemp(folder)) {
        fprintf(stderr, "usage: access-bench [USERS], at most %d\n", USERS_MAX);
        return 2;
    }
    str_format(path, sizeof path, "sqlite:%s/store.db", folder);
    must(store_open(path, &store, &err), &err);
    must(store_migrate(store, &access_store_module, 1, &err), &err);
    str_format(path, sizeof path, "%s/key", folder);
    must(access_open(store, path, &access, &err), &err);
    char(*headers)[80] = mem_zalloc(users * sizeof *headers);
    for (size_t i = 0; i < users; i++) {
        char name[32];
        str_format(name, sizeof name, "user-%zu", i);
        struct access_user_spec user = {.name = name, .role = ACCESS_VIEWER};
        struct access_token_spec spec = {.user = name};
        must(access_user_create(access, &user, &actor, &err), &err);
        must(access_token_create(access, &spec, &actor, id, token, &err), &err);
        str_format(headers[i], sizeof headers[i], "Bearer %s", token);
    }
    must(access_refresh(access, &err), &err);
    struct worker one = {.access = access, .headers = headers, .count = users};
    check(&one);
    printf("token check: %.2f us with one thread, %zu tokens\n", one.us, users);
    struct worker two[2] = {one, one};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, check, &two[i]))
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("token check: %.2f us in each of two threads at once\n", (two[0].us + two[1].us) / 2);
    mem_free(headers);
    access_close(access);
    store_close(store);
    return file_remove_tree(folder, NULL) ? 1 : 0;
}
