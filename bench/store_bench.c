/* store_bench.c - commits per second of the store, beside the same done by bare SQLite.
 *
 *   store_bench [SECONDS] [FOLDER] [postgresql://…]
 *
 * Each commit is one record changed and one journal event, durable (fsync) when it returns.  The
 * bare loop does the same two statements, prepared, on one connection with the same settings and
 * nothing else; for several threads they share that connection behind a mutex, which is what a
 * program without the store would do.  Put FOLDER on the disk that is to be measured. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"

#define THREADS_MAX 16

static const struct store_actor actor = {.user = "bench", .tenant = "", .request = NULL};
static const char spec[] = "{\"tier\":\"edge\",\"vcpus\":8,\"memory_gib\":16,\"owner\":\"bench\"}";

struct worker {
    int number;
    int64_t commits;
    _Atomic bool *stop;
    struct store *store;
    struct bare *bare;
};

/* ---- bare SQLite ---- */

struct bare {
    sqlite3 *db;
    sqlite3_stmt *begin, *update, *append, *commit;
    pthread_mutex_t lock;
};

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "store_bench: %s\n", what);
        exit(1);
    }
}

static void bare_exec(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

static sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK,
         sqlite3_errmsg(db));
    return stmt;
}

static void bare_open(struct bare *bare, const char *path)
{
    must(sqlite3_open(path, &bare->db) == SQLITE_OK, "cannot open the bare file");
    bare_exec(bare->db,
              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST;"
              "CREATE TABLE record (collection TEXT NOT NULL, id TEXT NOT NULL, version INTEGER,"
              " updated_ms INTEGER, spec TEXT, PRIMARY KEY (collection, id));"
              "CREATE TABLE journal (position INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER,"
              " collection TEXT, object TEXT, event TEXT, version INTEGER, tenant TEXT,"
              " user_name TEXT, request TEXT, body TEXT);"
              "CREATE INDEX journal_object ON journal (object, position);");
    for (int i = 0; i < THREADS_MAX; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "INSERT INTO record VALUES ('sites', 's%d', 1, 0, '%s')", i,
                 spec);
        bare_exec(bare->db, sql);
    }
    bare->begin = bare_prepare(bare->db, "BEGIN IMMEDIATE");
    bare->update =
        bare_prepare(bare->db, "UPDATE record SET version = version + 1, updated_ms = ?1,"
                               " spec = ?2 WHERE collection = 'sites' AND id = ?3");
    bare->append =
        bare_prepare(bare->db, "INSERT INTO journal (at_ms, collection, object, event, version,"
                               " tenant, user_name, body) VALUES (?1, 'sites', ?3, 'updated', 2,"
                               " '', 'bench', ?2)");
    bare->commit = bare_prepare(bare->db, "COMMIT");
    pthread_mutex_init(&bare->lock, NULL);
}

static void bare_step(struct bare *bare, sqlite3_stmt *stmt)
{
    must(sqlite3_step(stmt) == SQLITE_DONE, sqlite3_errmsg(bare->db));
    sqlite3_reset(stmt);
}

static void bare_commit(struct bare *bare, const char *id)
{
    sqlite3_stmt *both[] = {bare->update, bare->append};
    pthread_mutex_lock(&bare->lock);
    bare_step(bare, bare->begin);
    for (size_t i = 0; i < 2; i++) {
        sqlite3_bind_int64(both[i], 1, clock_now_ms());
        sqlite3_bind_text(both[i], 2, spec, -1, SQLITE_STATIC);
        sqlite3_bind_text(both[i], 3, id, -1, SQLITE_STATIC);
        bare_step(bare, both[i]);
    }
    bare_step(bare, bare->commit);
    pthread_mutex_unlock(&bare->lock);
}

static void bare_close(struct bare *bare)
{
    sqlite3_finalize(bare->begin);
    sqlite3_finalize(bare->update);
    sqlite3_finalize(bare->append);
    sqlite3_finalize(bare->commit);
    sqlite3_close(bare->db);
    pthread_mutex_destroy(&bare->lock);
}

/* ---- the store ---- */

static enum err_code change(struct store_tx *tx, void *ctx, struct err *err)
{
    return store_update(tx, "sites", ctx, 0, spec, NULL, "updated", &actor, NULL, err);
}

static void *work(void *arg)
{
    struct worker *me = arg;
    struct err err = ERR_INIT;
    char id[16];
    snprintf(id, sizeof id, "s%d", me->number);
    while (!atomic_load(me->stop)) {
        if (me->bare) {
            bare_commit(me->bare, id);
        } else {
            must(store_write(me->store, change, id, &err) == ERR_OK, err.text);
        }
        me->commits++;
    }
    return NULL;
}

static double measure(struct store *store, struct bare *bare, int threads, int seconds)
{
    pthread_t ids[THREADS_MAX];
    struct worker workers[THREADS_MAX];
    _Atomic bool stop = false;
    int64_t start = clock_mono_us(), commits = 0;
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){.number = i, .stop = &stop, .store = store, .bare = bare};
        must(pthread_create(&ids[i], NULL, work, &workers[i]) == 0, "no thread");
    }
    clock_sleep_ms(seconds * 1000);
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        commits += workers[i].commits;
    }
    return (double)commits * 1e6 / (double)(clock_mono_us() - start);
}

static enum err_code prepare(struct store_tx *tx, void *ctx, struct err *err)
{
    enum err_code rc = ERR_OK;
    (void)ctx;
    for (int i = 0; rc == ERR_OK && i < THREADS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", i);
        struct store_record record = {.collection = "sites", .id = id, .spec = spec};
        rc = store_insert(tx, &record, &actor, err);
        rc = rc == ERR_CONFLICT ? ERR_OK : rc;
    }
    return rc;
}

static struct store *open_store(const char *address)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    must(store_open(address, &store, &err) == ERR_OK, err.text);
    must(store_write(store, prepare, NULL, &err) == ERR_OK, err.text);
    return store;
}

int main(int argc, char **argv)
{
    static const int threads[] = {1, 4, 16};
    int seconds = argc > 1 ? atoi(argv[1]) : 3;
    const char *base = argc > 2 ? argv[2] : "/tmp";
    char folder[256], path[300], address[320];
    struct bare bare;
    must(seconds > 0, "usage: store_bench [SECONDS] [FOLDER] [postgresql://…]");
    snprintf(folder, sizeof folder, "%s/swan-bench.XXXXXX", base);
    must(mkdtemp(folder) != NULL, "cannot make a folder");
    snprintf(path, sizeof path, "%s/bare.db", folder);
    snprintf(address, sizeof address, "sqlite:%s/store.db", folder);
    bare_open(&bare, path);
    struct store *store = open_store(address);
    struct store *postgres = argc > 3 ? open_store(argv[3]) : NULL;
    printf("threads  sqlite commits/s  bare sqlite3  ratio%s\n",
           postgres ? "  postgresql commits/s" : "");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        double ours = measure(store, NULL, threads[i], seconds);
        double theirs = measure(NULL, &bare, threads[i], seconds);
        printf("%7d  %16.0f  %12.0f  %5.2f", threads[i], ours, theirs, ours / theirs);
        if (postgres) {
            printf("  %20.0f", measure(postgres, NULL, threads[i], seconds));
        }
        printf("\n");
        fflush(stdout);
    }
    store_close(postgres);
    store_close(store);
    bare_close(&bare);
    must(file_remove_tree(folder, NULL) == ERR_OK, "cannot remove the folder");
    return 0;
}
