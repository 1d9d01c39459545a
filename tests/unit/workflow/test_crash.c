/* test_crash.c - a server is killed at each named point and at any moment; the next one ends the
 * run, with everything made once. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"

#define CHILDREN_MOST 40
#define DEATHS 100

/* child ADDRESS INSTANCE RUN: a server that works until the run has ended. */
int child_main(int argc, char **argv)
{
    struct fixture f = {0};
    if (argc != 5 || fault_arm_environment(&f.err))
        return 3;
    log_open("/dev/null", LOG_TEXT, LOG_ERROR, NULL);
    if (store_open(argv[2], &f.store, &f.err))
        return 4;
    struct workflow_options options = options_of(f.store, argv[3]);
    if (workflow_start(&options, &f.workflow, &f.err))
        return 5;
    struct run_status status = {0};
    int64_t until = clock_mono_ms() + 20000;
    while (status.state < RUN_SUCCEEDED && clock_mono_ms() < until) {
        struct store_tx *tx = NULL;
        arena_clear(&f.arena);
        if (!store_begin(f.store, STORE_READ, &tx, NULL))
            workflow_view(tx, argv[4], &status, &f.arena, NULL);
        store_rollback(tx);
        clock_sleep_ms(5);
    }
    workflow_stop(f.workflow);
    store_close(f.store);
    arena_done(&f.arena);
    return status.state >= RUN_SUCCEEDED ? 0 : 6;
}

static pid_t spawn(struct fixture *f, const char *instance, const char *run, const char *faults)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (faults)
            setenv("SWAN_FAULTS", faults, 1);
        else
            unsetenv("SWAN_FAULTS");
        execl("/proc/self/exe", "test-workflow", "child", f->address, instance, run, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* Was it killed? */
static bool wait_child(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void make_plan(struct fixture *f, bool fails)
{
    add_task(f, "deliver", NULL, NULL);
    add_task(f, "start-0", "deliver", "verify=transient*1");
    add_task(f, "start-1", "deliver", "slow=5");
    add_task(f, "check-0", "start-0", NULL)->kind = TASK_CHECK;
    add_task(f, "check-1", "start-1", NULL)->kind = TASK_CHECK;
    add_task(f, "address", "check-0 check-1", fails ? "apply=capacity/half" : NULL);
}

/* Servers are started until one is not killed any more. */
static int run_until_end(struct fixture *f, const char *faults, bool same_name)
{
    int deaths = 0;
    char instance[32];
    for (;;) {
        snprintf(instance, sizeof instance, "server-%d", same_name ? 0 : deaths);
        if (!wait_child(spawn(f, instance, "run-1", deaths < CHILDREN_MOST ? faults : NULL)))
            return deaths;
        deaths++;
        assert_true(deaths <= CHILDREN_MOST);
    }
}

static void crash_at(struct fixture *f, const char *point, int hit, bool fails)
{
    char faults[96];
    struct run_status status;
    snprintf(faults, sizeof faults, "workflow.%s=kill@%d", point, hit);
    make_plan(f, fails);
    submit(f, "run-1");
    int64_t begin = clock_mono_ms();
    int deaths = run_until_end(f, faults, true);
    if (deaths < 1)
        fail_msg("%s was never passed", faults);
    view(f, "run-1", &status);
    assert_int_equal(status.state, fails ? RUN_FAILED : RUN_SUCCEEDED);
    assert_invariants(f, "run-1", 1);
    assert_int_equal(scripted_all_there(f->things), fails ? 0 : 4);
    assert_int_equal(scripted_made(f->things, "swan-deliver"), 1);
    assert_int_equal(scripted_made(f->things, "swan-start-1"), 1);
    /* What was made before a death is found by check, not made again. */
    assert_int_equal(scripted_calls(f->things, "swan-deliver", "apply"), 1);
    /* The same name takes its own back at once: no lease of 1.5 s is waited for at each death. */
    assert_true(clock_mono_ms() - begin < 1400 + 700 * (deaths + 1));
}

/* Each test has a store of its own, so each point is a test. */
#define CRASH_TEST(point, hit, fails)                                                            \
    static void test_killed_at_##point##_##hit##_it_ends_with_everything_made_once(void **state) \
    {                                                                                            \
        crash_at(*state, #point, hit, fails);                                                    \
    }
CRASH_TEST(before_do, 1, false)
CRASH_TEST(after_do, 1, false)
CRASH_TEST(after_done, 1, false)
CRASH_TEST(before_verify, 1, false)
CRASH_TEST(before_do, 2, false)
CRASH_TEST(after_do, 2, false)
CRASH_TEST(before_undo, 1, true)
CRASH_TEST(during_undo, 1, true)
CRASH_TEST(after_undo, 1, true)
CRASH_TEST(during_undo, 2, true)

static void test_killed_before_and_after_each_commit_it_ends_with_everything_made_once(void **state)
{
    struct fixture *f = *state;
    struct run_status status;
    make_plan(f, true);
    submit(f, "run-1");
    int deaths = 0;
    char faults[64];
    for (int hit = 1; hit < CHILDREN_MOST; hit++) {
        snprintf(faults, sizeof faults, "store.commit%s=kill@%d", hit % 2 ? "" : "_done",
                 1 + hit / 4);
        if (!wait_child(spawn(f, "server-0", "run-1", faults)))
            break;
        deaths++;
    }
    run_until_end(f, NULL, true);
    assert_true(deaths > 3);
    view(f, "run-1", &status);
    assert_int_equal(status.state, RUN_FAILED);
    assert_invariants(f, "run-1", 1);
}

/* One run, two servers at a time, killed at random until it has ended; returns the deaths. */
static int kill_through_a_run(struct fixture *f, struct rand *rand, const char *run)
{
    int deaths = 0;
    struct run_status status = {0};
    for (int i = 0; i < CHILDREN_MOST; i++) {
        pid_t a = spawn(f, "server-a", run, NULL), b = spawn(f, "server-b", run, NULL);
        clock_sleep_ms(20 + (int64_t)rand_below(rand, 60));
        kill(a, SIGKILL);
        clock_sleep_ms((int64_t)rand_below(rand, 40));
        kill(b, SIGKILL);
        deaths += wait_child(a);
        deaths += wait_child(b);
        view(f, run, &status);
        if (status.state >= RUN_SUCCEEDED)
            return deaths;
    }
    wait_child(spawn(f, "server-a", run, NULL));
    return deaths;
}

static void test_killed_a_hundred_times_nothing_is_lost_and_nothing_doubled(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    rand_init(&rand, 20240611);
    int deaths = 0;
    for (int round = 0; deaths < DEATHS; round++) {
        char run[32];
        bool fails = round % 3 == 2;
        int there = scripted_all_there(f->things);
        struct run_status status;
        snprintf(run, sizeof run, "run-%d", round);
        f->plan = (struct plan){0};
        for (int i = 0; i < 12; i++)
            add_task(f, arena_printf(&f->arena, "r%d-t%d", round, i),
                     i > 2 ? f->plan.tasks.items[i - 3].id : NULL,
                     fails && i == 11 ? "apply=quota/half" : "slow=20 verify=transient*1");
        submit(f, run);
        deaths += kill_through_a_run(f, &rand, run);
        view(f, run, &status);
        assert_int_equal(status.state, fails ? RUN_FAILED : RUN_SUCCEEDED);
        assert_invariants(f, run, 1);
        assert_int_equal(scripted_all_there(f->things) - there, fails ? 0 : 12);
    }
}

const struct CMUnitTest crash_tests[] = {
    WORKFLOW_TEST(test_killed_at_before_do_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_after_do_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_after_done_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_before_verify_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_before_do_2_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_after_do_2_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_before_undo_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_during_undo_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_after_undo_1_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_at_during_undo_2_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_before_and_after_each_commit_it_ends_with_everything_made_once),
    WORKFLOW_TEST(test_killed_a_hundred_times_nothing_is_lost_and_nothing_doubled),
};
const size_t crash_test_count = ARRAY_LEN(crash_tests);
