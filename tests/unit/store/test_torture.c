/* test_torture.c - every call failed in turn, and processes killed in the middle of commits. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "torture.h"

/* ---- the n-th call fails ---- */

static enum err_code several_changes(struct store_tx *tx, void *ctx, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct store_record record = {.collection = "sites", .id = ctx, .spec = "{\"n\":1}"};
    struct store_record old;
    enum err_code rc = store_insert(tx, &record, &actor, err);
    if (rc == ERR_OK) {
        rc = store_get(tx, "sites", "base", &old, &arena, err);
    }
    if (rc == ERR_OK) {
        rc = store_update(tx, "sites", "base", old.version, "{\"n\":2}", "{}", "updated", &actor,
                          NULL, err);
    }
    if (rc == ERR_OK) {
        rc = store_append(tx, "runs", "r", "decided", "{}", &actor, NULL, err);
    }
    arena_done(&arena);
    return rc;
}

/* All of a write or nothing; *made tells which. */
static void check_atomic(struct fixture *f, enum err_code rc, const char *id, int64_t events_before,
                         bool *made)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM store_record WHERE id = '%s'", id);
    int64_t records = number_of(f->store, sql);
    int64_t events = number_of(f->store, "SELECT COUNT(*) FROM store_journal") - events_before;
    if (!((records == 1 && events == 3) || (records == 0 && events == 0))) {
        fail_msg("half a change: %lld records, %lld events", (long long)records, (long long)events);
    }
    if (rc == ERR_OK && records != 1) {
        fail_msg("success without a change");
    }
    *made = records == 1;
}

struct run {
    unsigned serial;
    const char *point;
};

/* Under armed faults: by store_write and by hand, then everything that reads. */
static void exercise(struct fixture *f, struct run *run, const char *spec)
{
    char id[32];
    bool made = false;
    uint64_t fired = 0;
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        struct store_tx *tx = NULL;
        enum err_code rc;
        int64_t events = number_of(f->store, "SELECT COUNT(*) FROM store_journal");
        snprintf(id, sizeof id, "t%u", ++run->serial);
        assert_ok(f, fault_arm(spec, &f->err));
        if (!by_hand) {
            rc = store_write(f->store, several_changes, id, &f->err);
        } else if ((rc = store_begin(f->store, STORE_WRITE, &tx, &f->err)) == ERR_OK) {
            rc = several_changes(tx, id, &f->err);
            if (rc) {
                store_rollback(tx);
            } else {
                rc = store_commit(tx, &f->err);
            }
        }
        fired = fault_fired();
        fault_disarm();
        check_atomic(f, rc, id, events, &made);
        if (rc && made && !str_eq(run->point, "store.commit_done")) {
            fail_msg("%s: failed, but changed", spec);
        }
        if (rc && fired == 0) {
            fail_msg("%s: failed without a fault: %s", spec, f->err.text);
        }
    }
}

static uint64_t read_everything(struct fixture *f, const char *spec)
{
    struct store_tx *tx = NULL;
    struct store *other = NULL;
    struct store_page page;
    struct store_event *events;
    size_t count;
    int64_t number;
    char path[128];
    struct store_list_query query = {.collection = "sites", .sort = "spec.n", .limit = 2};
    static const struct store_migration steps[] = {{1, "t", "CREATE TABLE tortured (id TEXT)"}};
    const struct store_module module = {"tortured", steps, 1};
    char *before = dump(f->store, &f->arena);
    snprintf(path, sizeof path, "%s/tortured.db", f->folder);
    assert_ok(f, fault_arm(spec, &f->err));
    if (store_begin(f->store, STORE_READ, &tx, NULL) == ERR_OK) {
        store_list(tx, &query, &page, &f->arena, NULL);
        store_count(tx, &query, &number, NULL);
        store_events(tx, 0, NULL, NULL, NULL, 5, &events, &count, &f->arena, NULL);
        store_position(tx, &number, NULL);
        store_rollback(tx);
    }
    store_follow(f->store, 0, 1, NULL);
    bool copied = store_snapshot(f->store, path, NULL) == ERR_OK;
    bool migrated = store_migrate(f->store, &module, 1, NULL) == ERR_OK;
    if (store_open(f->address, &other, NULL) == ERR_OK) {
        store_close(other);
    }
    uint64_t fired = fault_fired();
    fault_disarm();
    assert_int_equal(access(path, F_OK) == 0, copied);
    unlink(path);
    strcat(path, ".part");
    assert_int_equal(access(path, F_OK), -1);
    if (migrated) {
        assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM tortured"), 0);
    }
    assert_string_equal(before, dump(f->store, &f->arena));
    return fired;
}

static void test_whatever_call_fails_nothing_is_half_done(void **state)
{
    struct fixture *f = *state;
    static const char *const points[] = {"store.open",   "store.begin",  "store.exec",
                                         "store.query",  "store.commit", "store.commit_done",
                                         "store.follow", "store.*"};
    static const struct {
        const char *action, *persistent;
    } forms[] = {{"fail", ""}, {"io", ""}, {"io", "+"}, {"fail", "+"}};
    struct run run = {0};
    uint64_t total = 0;
    assert_ok(f, put(f->store, "sites", "base", "{\"n\":1}", &f->err));
    for (size_t p = 0; p < ARRAY_LEN(points); p++) {
        for (size_t a = 0; a < ARRAY_LEN(forms); a++) {
            for (int n = 1;; n++) {
                char spec[64];
                snprintf(spec, sizeof spec, "%s=%s@%d%s", points[p], forms[a].action, n,
                         forms[a].persistent);
                run.point = str_eq(points[p], "store.*") ? "store.commit_done" : points[p];
                exercise(f, &run, spec);
                arena_clear(&f->arena);
                uint64_t fired = read_everything(f, spec);
                total += fired;
                /* Retries with a persistent failure are slow: the first few calls tell it all. */
                if (fired == 0 || (a == 3 && n >= 4)) {
                    break;
                }
            }
        }
    }
    assert_true(total > 50);
}

/* ---- killed in the middle ---- */

#define KILL_ROUNDS 30

struct acknowledged {
    int thread;
    int number;
};

struct kill_writer {
    struct store *store;
    int thread, fd;
};

static enum err_code count_up(struct store_tx *tx, void *ctx, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct store_record record;
    struct acknowledged *ack = ctx;
    char id[16], spec[32];
    snprintf(id, sizeof id, "k%d", ack->thread);
    enum err_code rc = store_get(tx, "counters", id, &record, &arena, err);
    if (rc == ERR_OK) {
        ack->number = atoi(record.spec + 5) + 1;
        snprintf(spec, sizeof spec, "{\"n\":%d}", ack->number);
        rc = store_update(tx, "counters", id, 0, spec, NULL, "updated", &actor, NULL, err);
    }
    arena_done(&arena);
    return rc;
}

static void *kill_writer(void *arg)
{
    const struct kill_writer *me = arg;
    for (;;) {
        struct acknowledged ack = {.thread = me->thread};
        if (store_write(me->store, count_up, &ack, NULL) == ERR_OK &&
            write(me->fd, &ack, sizeof ack) != (ssize_t)sizeof ack) {
            return NULL;
        }
    }
}

/* The program that is killed: `test-store torture-child ADDRESS`, acknowledgements on stdout. */
int torture_child(const char *address)
{
    pthread_t threads[TORTURE_THREADS];
    struct kill_writer work[TORTURE_THREADS];
    struct store *store = NULL;
    if (fault_arm_environment(NULL) != ERR_OK || store_open(address, &store, NULL) != ERR_OK) {
        return 1;
    }
    for (int i = 0; i < TORTURE_THREADS; i++) {
        work[i] = (struct kill_writer){.store = store, .thread = i, .fd = STDOUT_FILENO};
        pthread_create(&threads[i], NULL, kill_writer, &work[i]);
    }
    for (int i = 0; i < TORTURE_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

static pid_t start_child(struct fixture *f, const char *faults, int *out_fd)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        if (faults) {
            setenv("SWAN_FAULTS", faults, 1);
        }
        execl("/proc/self/exe", "test-store", "torture-child", f->address, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    close(fds[1]);
    *out_fd = fds[0];
    return pid;
}

static void check_integrity(struct fixture *f)
{
    if (on_postgres) {
        return;
    }
    struct store_tx *tx = NULL;
    struct store_rows rows;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_query(tx, "SELECT integrity_check FROM pragma_integrity_check", NULL, 0, 0,
                             &rows, &f->arena, &f->err));
    assert_string_equal(store_cell(&rows, 0, 0)->text, "ok");
    store_rollback(tx);
}

static void test_no_acknowledged_commit_is_lost_by_thirty_kills(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    int last[TORTURE_THREADS] = {0}, total = 0;
    rand_init(&rand, (uint64_t)getpid());
    for (int i = 0; i < TORTURE_THREADS; i++) {
        char id[16];
        snprintf(id, sizeof id, "k%d", i);
        assert_ok(f, put(f->store, "counters", id, "{\"n\":0}", &f->err));
    }
    for (int round = 0; round < KILL_ROUNDS; round++) {
        char faults[64];
        int fd, status;
        struct acknowledged ack;
        store_close(TAKE(f->store));
        /* A third of the rounds dies before a commit, a third after it, the rest at any
         * instruction. */
        snprintf(faults, sizeof faults, "store.commit%s=kill@%d", round % 3 == 1 ? "_done" : "",
                 (int)rand_below(&rand, 60) + 1);
        pid_t pid = start_child(f, round % 3 == 2 ? NULL : faults, &fd);
        int acks = 0;
        bool killed = round % 3 != 2; /* by its fault point */
        for (;;) {
            if (!killed && acks > 0) {
                clock_sleep_ms((int64_t)rand_below(&rand, 40));
                kill(pid, SIGKILL);
                killed = true;
            }
            ssize_t got = read(fd, &ack, sizeof ack);
            if (got != (ssize_t)sizeof ack) {
                break;
            }
            assert_true(ack.thread >= 0 && ack.thread < TORTURE_THREADS);
            assert_true(ack.number > last[ack.thread]);
            last[ack.thread] = ack.number;
            acks++;
        }
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        total += acks;

        assert_ok(f, store_open(f->address, &f->store, &f->err));
        arena_clear(&f->arena);
        check_integrity(f);
        if (on_postgres) {
            /* The server notices a dead client when it next speaks to it: wait for its sessions. */
            while (number_of(f->store, "SELECT COUNT(*) FROM pg_locks WHERE locktype ="
                                       " 'transactionid' AND pid <> pg_backend_pid()") > 0) {
                clock_sleep_ms(5);
            }
        }
        int64_t sum = 0;
        for (int i = 0; i < TORTURE_THREADS; i++) {
            struct store_tx *tx = NULL;
            struct store_record record;
            char id[16];
            snprintf(id, sizeof id, "k%d", i);
            assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
            assert_ok(f, store_get(tx, "counters", id, &record, &f->arena, &f->err));
            store_rollback(tx);
            int stored = atoi(record.spec + 5);
            if (stored < last[i] || stored > last[i] + 1) {
                fail_msg("thread %d: acknowledged %d, stored %d", i, last[i], stored);
            }
            assert_int_equal(record.version, stored + 1);
            last[i] = stored;
            sum += stored + 1;
        }
        assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"), sum);
    }
    assert_true(total > KILL_ROUNDS);
}

const struct CMUnitTest torture_tests[] = {
    STORE_TEST(test_whatever_call_fails_nothing_is_half_done),
    STORE_TEST(test_no_acknowledged_commit_is_lost_by_thirty_kills),
};
const size_t torture_test_count = ARRAY_LEN(torture_tests);
