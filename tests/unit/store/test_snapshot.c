/* test_snapshot.c - copies are whole, can be restored on either backend, and never overwrite. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static const struct store_migration steps[] = {
    {1, "owners", "CREATE TABLE owners (id TEXT PRIMARY KEY, share DOUBLE PRECISION);"},
    {2, "leases",
     "CREATE TABLE leases (owner TEXT REFERENCES owners (id), n BIGINT, token BYTEA)"}};
static const struct store_module module = {"workflow", steps, 2};

static void fill(struct fixture *f, struct store *store)
{
    struct store_tx *tx = NULL;
    const char token[] = {0, 1, 2, (char)255};
    char id[16];
    assert_ok(f, store_migrate(store, &module, 1, &f->err));
    assert_ok(f, store_begin(store, STORE_WRITE, &tx, &f->err));
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "s%03d", i);
        struct store_record record = {.collection = i % 2 ? "sites" : "links",
                                      .id = id,
                                      .tenant = i % 3 ? "" : "red",
                                      .spec = "{\"t\":\"算力 '\\\\\\\"\"}",
                                      .status = i % 5 ? NULL : "{\"s\":1}"};
        assert_ok(f, store_insert(tx, &record, &actor, &f->err));
    }
    assert_ok(f,
              store_update(tx, "sites", "s001", 1, "{}", NULL, "updated", &actor, NULL, &f->err));
    for (int i = 0; i < 70; i++) {
        snprintf(id, sizeof id, "o%d", i);
        const struct store_value owner[] = {STORE_V_TEXT(id), STORE_V_REAL(i / 7.0)};
        assert_ok(f, store_exec(tx, "INSERT INTO owners VALUES ($1, $2)", owner, 2, NULL, &f->err));
        const struct store_value lease[] = {STORE_V_TEXT(i % 2 ? id : NULL), STORE_V_INT(i),
                                            STORE_V_BLOB(token, sizeof token)};
        assert_ok(
            f, store_exec(tx, "INSERT INTO leases VALUES ($1, $2, $3)", lease, 3, NULL, &f->err));
    }
    assert_ok(f, store_commit(tx, &f->err));
}

static void check_same(struct fixture *f, struct store *a, struct store *b)
{
    assert_string_equal(dump(a, &f->arena), dump(b, &f->arena));
    static const char *const sums[] = {"SELECT COUNT(*) FROM owners", "SELECT SUM(n) FROM leases",
                                       "SELECT COUNT(owner) FROM leases",
                                       "SELECT COUNT(*) FROM leases WHERE length(token) = 4",
                                       "SELECT COUNT(*) FROM owners WHERE share = 10.0 / 7.0"};
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        assert_true(number_of(a, sums[i]) >= 0);
        assert_int_equal(number_of(a, sums[i]), number_of(b, sums[i]));
    }
}

static void restore_and_compare(struct fixture *f, const char *address, const char *path,
                                const char *again)
{
    struct store *copy = NULL;
    struct store_tx *tx = NULL;
    int64_t last = number_of(f->store, "SELECT MAX(position) FROM store_journal"), position = 0;
    assert_ok(f, store_open(address, &copy, &f->err));
    assert_ok(f, store_restore(copy, path, &f->err));
    check_same(f, f->store, copy);
    assert_ok(f, store_migrate(copy, &module, 1, &f->err));
    assert_ok(f, store_snapshot(copy, again, &f->err));
    /* Time goes on after what was restored, and a follower sees it. */
    assert_ok(f, store_begin(copy, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_append(tx, "runs", "r", "tick", NULL, &actor, &position, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
    assert_true(position > last);
    assert_ok(f, store_follow(copy, last, 5000, &f->err));
    struct store_event *events;
    size_t count;
    assert_ok(f, store_begin(copy, STORE_READ, &tx, &f->err));
    assert_ok(f, store_events(tx, last, NULL, NULL, NULL, 10, &events, &count, &f->arena, &f->err));
    assert_int_equal(count, 1);
    store_rollback(tx);
    /* A second restore meets rows. */
    const char *before = dump(copy, &f->arena);
    assert_int_equal(store_restore(copy, path, &f->err), ERR_CONFLICT);
    assert_string_equal(before, dump(copy, &f->arena));
    store_close(copy);
}

static void test_a_snapshot_is_restored_on_both_backends_and_back(void **state)
{
    struct fixture *f = *state;
    char path[128], back[128], again[128], address[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/one.db", f->folder);
    snprintf(back, sizeof back, "%s/two.db", f->folder);
    snprintf(again, sizeof again, "%s/three.db", f->folder);
    fill(f, f->store);
    assert_ok(f, store_snapshot(f->store, path, &f->err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    fresh_sqlite_address(f, address);
    restore_and_compare(f, address, path, back);
    fresh_address(f, address);
    restore_and_compare(f, address, back, again);
}

static void test_a_snapshot_never_overwrites_and_leaves_no_rest(void **state)
{
    struct fixture *f = *state;
    char path[128], rest[160];
    struct store *store = NULL;
    snprintf(path, sizeof path, "%s/one.db", f->folder);
    assert_ok(f, store_snapshot(f->store, path, &f->err));
    assert_int_equal(store_snapshot(f->store, path, &f->err), ERR_CONFLICT);
    snprintf(rest, sizeof rest, "%s/no-such-folder/x.db", f->folder);
    assert_true(store_snapshot(f->store, rest, &f->err) != ERR_OK);
    assert_int_equal(store_snapshot(f->store, "", &f->err), ERR_INVALID);
    for (size_t i = 0; i < 4; i++) {
        snprintf(rest, sizeof rest, "%s%s", path,
                 (const char *[]){".part", "-wal", "-shm", "-journal"}[i]);
        assert_false(file_exists(rest));
    }
    /* A snapshot is a store too. */
    snprintf(rest, sizeof rest, "sqlite:%s", path);
    assert_ok(f, store_open(rest, &store, &f->err));
    store_close(store);
}

struct writer {
    struct store *store;
    _Atomic bool stop;
    int written;
};

static void *writer(void *arg)
{
    struct writer *me = arg;
    while (!atomic_load(&me->stop)) {
        char id[16];
        snprintf(id, sizeof id, "w%d", me->written);
        if (put(me->store, "sites", id, "{}", NULL) == ERR_OK) {
            me->written++;
        }
    }
    return NULL;
}

static void test_a_snapshot_while_others_write_is_of_one_moment(void **state)
{
    struct fixture *f = *state;
    struct writer work = {.store = f->store};
    pthread_t thread;
    fill(f, f->store);
    pthread_create(&thread, NULL, writer, &work);
    for (int i = 0; i < 3; i++) {
        char path[128], address[160];
        struct store *copy = NULL;
        snprintf(path, sizeof path, "%s/copy%d.db", f->folder, i);
        snprintf(address, sizeof address, "sqlite:%s", path);
        assert_ok(f, store_snapshot(f->store, path, &f->err));
        assert_ok(f, store_open(address, &copy, &f->err));
        /* 300 records, one of them updated: an event more than records, at any moment. */
        assert_int_equal(number_of(copy, "SELECT (SELECT COUNT(*) FROM store_journal) -"
                                         " (SELECT COUNT(*) FROM store_record)"),
                         1);
        store_close(copy);
    }
    atomic_store(&work.stop, true);
    pthread_join(thread, NULL);
    assert_true(work.written > 0);
}

static void test_what_is_no_snapshot_is_refused_and_the_store_stays_empty(void **state)
{
    struct fixture *f = *state;
    char path[128], bad[128], address[512];
    struct store *copy = NULL;
    CLEANUP(buf_done) struct buf whole = BUF_INIT;
    snprintf(path, sizeof path, "%s/one.db", f->folder);
    snprintf(bad, sizeof bad, "%s/bad.db", f->folder);
    fill(f, f->store);
    assert_ok(f, store_snapshot(f->store, path, &f->err));
    assert_ok(f, file_read(path, 1u << 26, &whole, &f->err));
    fresh_address(f, address);
    assert_ok(f, store_open(address, &copy, &f->err));
    const char *before = dump(copy, &f->arena);
    assert_true(store_restore(copy, "/no/such/file", &f->err) != ERR_OK);
    assert_true(store_restore(copy, f->folder, &f->err) != ERR_OK);
    assert_ok(f, file_write_atomic(bad, "hello", 5, 0600, &f->err));
    assert_int_equal(store_restore(copy, bad, &f->err), ERR_CORRUPT);
    assert_ok(f, file_write_atomic(bad, "", 0, 0600, &f->err));
    assert_int_equal(store_restore(copy, bad, &f->err), ERR_CORRUPT);
    assert_ok(f, file_write_atomic(bad, whole.data, whole.len / 2, 0600, &f->err));
    assert_int_equal(store_restore(copy, bad, &f->err), ERR_CORRUPT);
    memset(whole.data + whole.len / 2, 0x5a, 5000);
    assert_ok(f, file_write_atomic(bad, whole.data, whole.len, 0600, &f->err));
    assert_int_equal(store_restore(copy, bad, &f->err), ERR_CORRUPT);
    assert_string_equal(before, dump(copy, &f->arena));
    assert_int_equal(number_of(copy, "SELECT COUNT(*) FROM store_migration"), 0);
    /* A store that is ahead of the file. */
    const struct store_migration own[] = {{1, "x", "CREATE TABLE x (id TEXT)"}};
    const struct store_module ahead = {"ahead", own, 1};
    assert_ok(f, store_migrate(copy, &ahead, 1, &f->err));
    assert_int_equal(store_restore(copy, path, &f->err), ERR_CONFLICT);
    assert_string_equal(before, dump(copy, &f->arena));
    store_close(copy);
}

const struct CMUnitTest snapshot_tests[] = {
    STORE_TEST(test_a_snapshot_is_restored_on_both_backends_and_back),
    STORE_TEST(test_a_snapshot_never_overwrites_and_leaves_no_rest),
    STORE_TEST(test_a_snapshot_while_others_write_is_of_one_moment),
    STORE_TEST(test_what_is_no_snapshot_is_refused_and_the_store_stays_empty),
};
const size_t snapshot_test_count = ARRAY_LEN(snapshot_tests);
