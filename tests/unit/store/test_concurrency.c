/* test_concurrency.c - threads at one store: nothing lost, nobody blocked, nothing missed. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

#define THREADS 8

/* ---- increments ---- */

struct incrementer {
    struct store *store;
    int rounds;
    enum err_code rc;
    struct err err;
};

static enum err_code increment(struct store_tx *tx, void *ctx, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct store_record record;
    char spec[32];
    (void)ctx;
    enum err_code rc = store_get(tx, "counters", "c", &record, &arena, err);
    if (rc == ERR_OK) {
        snprintf(spec, sizeof spec, "{\"n\":%d}", atoi(record.spec + 5) + 1);
        rc = store_update(tx, "counters", "c", record.version, spec, NULL, "updated", &actor, NULL,
                          err);
    }
    arena_done(&arena);
    return rc;
}

static void *incrementer(void *arg)
{
    struct incrementer *me = arg;
    for (int i = 0; i < me->rounds && me->rc == ERR_OK; i++) {
        me->rc = store_write(me->store, increment, NULL, &me->err);
    }
    return NULL;
}

static void test_no_increment_of_eight_threads_is_lost(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    struct incrementer work[THREADS];
    struct store_record record;
    struct store_tx *tx = NULL;
    const int rounds = 40;
    assert_ok(f, put(f->store, "counters", "c", "{\"n\":0}", &f->err));
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct incrementer){.store = f->store, .rounds = rounds};
        pthread_create(&threads[i], NULL, incrementer, &work[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_ok_(work[i].rc, &work[i].err, "increment", __FILE__, __LINE__);
    }
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_get(tx, "counters", "c", &record, &f->arena, &f->err));
    store_rollback(tx);
    assert_int_equal(atoi(record.spec + 5), THREADS * rounds);
    assert_int_equal(record.version, THREADS * rounds + 1);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"),
                     THREADS * rounds + 1);
}

/* ---- a check over many records must not be passed by two at once ---- */

static enum err_code take_last_place(struct store_tx *tx, void *ctx, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct store_rows rows;
    struct store_record record = {.collection = "places", .id = ctx, .spec = "{}"};
    enum err_code rc =
        store_query(tx, "SELECT COUNT(*) FROM store_record WHERE collection = 'places'", NULL, 0, 1,
                    &rows, &arena, err);
    if (rc == ERR_OK && store_cell(&rows, 0, 0)->integer >= 3) {
        rc = err_set(err, ERR_CAPACITY, "all places are taken");
    }
    if (rc == ERR_OK) {
        rc = store_insert(tx, &record, &actor, err);
    }
    arena_done(&arena);
    return rc;
}

struct taker {
    struct store *store;
    char id[16];
    enum err_code rc;
};

static void *taker(void *arg)
{
    struct taker *me = arg;
    me->rc = store_write(me->store, take_last_place, me->id, NULL);
    return NULL;
}

static void test_transactions_are_as_if_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 5; round++) {
        struct taker takers[THREADS];
        pthread_t threads[THREADS];
        int taken = 0;
        struct store_tx *tx = NULL;
        for (int i = 0; i < THREADS; i++) {
            takers[i] = (struct taker){.store = f->store};
            snprintf(takers[i].id, sizeof takers[i].id, "p%d", i);
            pthread_create(&threads[i], NULL, taker, &takers[i]);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_true(takers[i].rc == ERR_OK || takers[i].rc == ERR_CAPACITY);
            taken += takers[i].rc == ERR_OK;
        }
        assert_int_equal(taken, 3);
        assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
        assert_ok(f, store_exec(tx, "DELETE FROM store_record", NULL, 0, NULL, &f->err));
        assert_ok(f, store_commit(tx, &f->err));
    }
}

/* ---- members of one group ---- */

struct member {
    struct store *store;
    int number, written, refused;
    enum err_code rc;
};

static enum err_code insert_maybe(struct store_tx *tx, void *ctx, struct err *err)
{
    const char *id = ctx;
    struct store_record record = {.collection = "members", .id = id, .spec = "{}"};
    enum err_code rc = store_insert(tx, &record, &actor, err);
    if (rc == ERR_OK && id[strlen(id) - 1] == '7') {
        rc = err_set(err, ERR_POLICY, "no sevens");
    }
    return rc;
}

static void *member(void *arg)
{
    struct member *me = arg;
    for (int i = 0; i < 40; i++) {
        char id[32];
        snprintf(id, sizeof id, "m%d-%d", me->number, i);
        enum err_code rc = store_write(me->store, insert_maybe, id, NULL);
        me->written += rc == ERR_OK;
        me->refused += rc == ERR_POLICY;
    }
    return NULL;
}

static void test_who_fails_in_a_group_takes_nobody_along(void **state)
{
    struct fixture *f = *state;
    struct member members[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct member){.store = f->store, .number = i};
        pthread_create(&threads[i], NULL, member, &members[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(members[i].written, 36);
        assert_int_equal(members[i].refused, 4);
    }
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record"), THREADS * 36);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"), THREADS * 36);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record WHERE id LIKE '%7'"),
                     0);
}

/* ---- a full disk ---- */

struct filler {
    struct store *store;
    int number;
    bool written[60];
    int failed;
};

static void *filler(void *arg)
{
    struct filler *me = arg;
    char *spec = mem_zalloc(30000);
    memset(spec, 'x', 29999);
    spec[0] = '"';
    spec[29998] = '"';
    for (int i = 0; i < 60; i++) {
        char id[32];
        snprintf(id, sizeof id, "f%d-%d", me->number, i);
        enum err_code rc = put(me->store, "fillers", id, i % 3 ? "{}" : spec, NULL);
        me->written[i] = rc == ERR_OK;
        me->failed += rc == ERR_IO;
    }
    mem_free(spec);
    return NULL;
}

static void test_a_full_disk_fails_whole_groups_and_loses_nothing_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct filler fillers[THREADS];
    pthread_t threads[THREADS];
    struct store_tx *tx = NULL;
    int written = 0, failed = 0;
    if (on_postgres) {
        skip();
    }
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_exec(tx, "PRAGMA max_page_count = 700", NULL, 0, NULL, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
    for (int i = 0; i < THREADS; i++) {
        fillers[i] = (struct filler){.store = f->store, .number = i};
        pthread_create(&threads[i], NULL, filler, &fillers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failed += fillers[i].failed;
        for (int j = 0; j < 60; j++) {
            char sql[96];
            snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM store_record WHERE id = 'f%d-%d'", i,
                     j);
            assert_int_equal(number_of(f->store, sql), fillers[i].written[j] ? 1 : 0);
            written += fillers[i].written[j];
        }
    }
    assert_true(written > 0 && failed > 0);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"), written);
    reopen(f); /* without the limit the store goes on */
    assert_ok(f, put(f->store, "fillers", "after", "{}", &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record"), written + 1);
}

/* ---- readers ---- */

static void test_a_reader_has_its_snapshot_and_does_not_wait_for_the_writer(void **state)
{
    struct fixture *f = *state;
    struct store_tx *early = NULL, *writer = NULL, *late = NULL;
    struct store_record record = {.collection = "sites", .id = "b", .spec = "{}"};
    struct store_list_query query = {.collection = "sites"};
    int64_t count = -1;
    assert_ok(f, put(f->store, "sites", "a", "{}", &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &early, &f->err));
    assert_ok(f, store_begin(f->store, STORE_WRITE, &writer, &f->err));
    assert_ok(f, store_insert(writer, &record, &actor, &f->err));
    int64_t start = clock_mono_ms();
    assert_ok(f, store_begin(f->store, STORE_READ, &late, &f->err));
    assert_ok(f, store_count(late, &query, &count, &f->err));
    assert_int_equal(count, 1);
    store_rollback(late);
    assert_true(clock_mono_ms() - start < 2000);
    assert_ok(f, store_commit(writer, &f->err));
    assert_ok(f, store_count(early, &query, &count, &f->err));
    assert_int_equal(count, 1);
    store_rollback(early);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record"), 2);
}

static void *reader(void *arg)
{
    struct incrementer *me = arg;
    for (int i = 0; i < me->rounds; i++) {
        if (number_of(me->store, "SELECT COUNT(*) FROM store_record") != 1) {
            me->rc = ERR_BUG;
        }
    }
    return NULL;
}

static void test_more_readers_than_connections_share_them(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[24];
    struct incrementer work[24];
    assert_ok(f, put(f->store, "sites", "a", "{}", &f->err));
    for (int i = 0; i < 24; i++) {
        work[i] = (struct incrementer){.store = f->store, .rounds = 20};
        pthread_create(&threads[i], NULL, reader, &work[i]);
    }
    for (int i = 0; i < 24; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(work[i].rc, ERR_OK);
    }
}

/* ---- following ---- */

struct delayed {
    struct store *store;
    int after_ms;
    bool only_wake;
};

static void *delayed(void *arg)
{
    const struct delayed *me = arg;
    clock_sleep_ms(me->after_ms);
    if (me->only_wake) {
        store_wake(me->store);
    } else {
        put(me->store, "sites", "late", "{}", NULL);
    }
    return NULL;
}

static int64_t position_of(struct fixture *f, struct store *store)
{
    struct store_tx *tx = NULL;
    int64_t position = -1;
    assert_ok(f, store_begin(store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_position(tx, &position, &f->err));
    store_rollback(tx);
    return position;
}

static int64_t time_follow(struct fixture *f, struct delayed *what, struct store *follower,
                           int64_t timeout_ms)
{
    pthread_t thread;
    int64_t after = position_of(f, follower), start = clock_mono_ms();
    if (what) {
        pthread_create(&thread, NULL, delayed, what);
    }
    assert_ok(f, store_follow(follower, after, timeout_ms, &f->err));
    int64_t took = clock_mono_ms() - start;
    if (what) {
        pthread_join(thread, NULL);
    }
    return took;
}

static void test_a_follower_wakes_by_a_commit_a_wake_and_the_time(void **state)
{
    struct fixture *f = *state;
    struct delayed commit = {f->store, 60, false}, wake = {f->store, 60, true};
    int64_t took = time_follow(f, NULL, f->store, 80);
    assert_true(took >= 75 && took < 3000);
    took = time_follow(f, &wake, f->store, 20000);
    assert_true(took >= 50 && took < 5000);
    took = time_follow(f, &commit, f->store, 20000);
    assert_true(took >= 50 && took < 5000);
    int64_t start = clock_mono_ms();
    assert_ok(f, store_follow(f->store, 0, 20000, &f->err)); /* there is news already */
    assert_true(clock_mono_ms() - start < 5000);
}

static void test_a_follower_hears_of_commits_of_another_process(void **state)
{
    struct fixture *f = *state;
    struct store *other = NULL;
    if (!on_postgres) {
        skip();
    }
    assert_ok(f, store_open(f->address, &other, &f->err));
    struct delayed commit = {other, 60, false};
    int64_t took = time_follow(f, &commit, f->store, 20000);
    assert_true(took >= 50 && took < 900); /* NOTIFY, not the look each second */
    store_close(other);
}

/* Writers hold their transactions open for random times after the event has its position. */
#define STREAM_WRITERS 6
#define STREAM_ROUNDS 40

struct stream {
    struct store *store;
    int number;
    _Atomic int *running;
    bool committed[STREAM_ROUNDS];
};

static void *stream_writer(void *arg)
{
    struct stream *me = arg;
    struct rand rand;
    rand_init(&rand, (uint64_t)me->number + 7);
    for (int i = 0; i < STREAM_ROUNDS; i++) {
        struct store_tx *tx = NULL;
        char object[32];
        snprintf(object, sizeof object, "%d", me->number * STREAM_ROUNDS + i);
        if (store_begin(me->store, STORE_WRITE, &tx, NULL) != ERR_OK) {
            continue;
        }
        enum err_code rc = store_append(tx, "stream", object, "tick", NULL, &actor, NULL, NULL);
        clock_sleep_ms((int64_t)rand_below(&rand, on_postgres ? 12 : 2));
        if (rc != ERR_OK || rand_below(&rand, 5) == 0) {
            store_rollback(tx);
        } else {
            me->committed[i] = store_commit(tx, NULL) == ERR_OK;
        }
    }
    atomic_fetch_sub(me->running, 1);
    return NULL;
}

static void test_a_follower_misses_no_event_of_concurrent_committers(void **state)
{
    struct fixture *f = *state;
    struct stream *streams = mem_array(STREAM_WRITERS, sizeof *streams);
    pthread_t threads[STREAM_WRITERS];
    int seen[STREAM_WRITERS * STREAM_ROUNDS] = {0};
    _Atomic int running = STREAM_WRITERS;
    int64_t after = 0;
    size_t total = 0, committed = 0;
    for (int i = 0; i < STREAM_WRITERS; i++) {
        streams[i] = (struct stream){.store = f->store, .number = i, .running = &running};
        pthread_create(&threads[i], NULL, stream_writer, &streams[i]);
    }
    for (bool last = false;;) {
        struct store_tx *tx = NULL;
        struct store_event *events;
        size_t count;
        arena_clear(&f->arena);
        assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
        assert_ok(f, store_events(tx, after, "stream", NULL, NULL, 7, &events, &count, &f->arena,
                                  &f->err));
        store_rollback(tx);
        for (size_t i = 0; i < count; i++) {
            assert_true(events[i].position > after);
            after = events[i].position;
            seen[atoi(events[i].object)]++;
            total++;
        }
        if (count == 0 && last) {
            break;
        }
        last = atomic_load(&running) == 0;
        if (count == 0) {
            assert_ok(f, store_follow(f->store, after, 100, &f->err));
        }
    }
    for (int i = 0; i < STREAM_WRITERS; i++) {
        pthread_join(threads[i], NULL);
        for (int j = 0; j < STREAM_ROUNDS; j++) {
            assert_int_equal(seen[i * STREAM_ROUNDS + j], streams[i].committed[j] ? 1 : 0);
            committed += streams[i].committed[j];
        }
    }
    assert_int_equal(total, committed);
    assert_true(committed > STREAM_WRITERS * STREAM_ROUNDS / 2);
    mem_free(streams);
}

/* The connections of one store are known to the server by a name; the listener makes its own some
 * time after store_open has returned. */
#define DOOMED "application_name = 'swan-doomed'"

static void test_broken_connections_are_replaced(void **state)
{
    struct fixture *f = *state;
    if (!on_postgres) {
        skip();
    }
    struct store *doomed = NULL;
    struct store_tx *tx = NULL, *victim = NULL;
    struct store_rows rows;
    char address[600];
    snprintf(address, sizeof address, "%s&application_name=swan-doomed", f->address);
    assert_ok(f, store_open(address, &doomed, &f->err));
    assert_ok(f, put(doomed, "sites", "a", "{}", &f->err));
    while (number_of(f->store, "SELECT COUNT(*) FROM pg_stat_activity WHERE " DOOMED) < 2) {
        clock_sleep_ms(1);
    }
    assert_ok(f, store_begin(doomed, STORE_WRITE, &victim, &f->err));
    assert_ok(f, store_exec(victim, "UPDATE store_record SET spec = '[]'", NULL, 0, NULL, &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_query(tx,
                             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " DOOMED,
                             NULL, 0, 0, &rows, &f->arena, &f->err));
    assert_int_equal(rows.count, 2); /* the victim and the listener */
    store_rollback(tx);
    assert_int_equal(store_commit(victim, &f->err), ERR_TRANSIENT);
    assert_ok(f, put(doomed, "sites", "b", "{}", &f->err));
    assert_int_equal(number_of(doomed, "SELECT COUNT(*) FROM store_record WHERE spec = '{}'"), 2);
    assert_ok(f, store_follow(doomed, 0, 5000, &f->err));
    store_close(doomed);
}

const struct CMUnitTest concurrency_tests[] = {
    STORE_TEST(test_no_increment_of_eight_threads_is_lost),
    STORE_TEST(test_transactions_are_as_if_one_after_the_other),
    STORE_TEST(test_who_fails_in_a_group_takes_nobody_along),
    STORE_TEST(test_a_full_disk_fails_whole_groups_and_loses_nothing_acknowledged),
    STORE_TEST(test_a_reader_has_its_snapshot_and_does_not_wait_for_the_writer),
    STORE_TEST(test_more_readers_than_connections_share_them),
    STORE_TEST(test_a_follower_wakes_by_a_commit_a_wake_and_the_time),
    STORE_TEST(test_a_follower_hears_of_commits_of_another_process),
    STORE_TEST(test_a_follower_misses_no_event_of_concurrent_committers),
    STORE_TEST(test_broken_connections_are_replaced),
};
const size_t concurrency_test_count = ARRAY_LEN(concurrency_tests);
