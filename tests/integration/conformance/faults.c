/* faults.c - failures, cancels and kills, and that what they leave can be ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "conformance.h"

#define SETTLE_TIMEOUT_MS 20000
#define SETTLE_GAP_MS 300

static void arm(const char *point, const char *action)
{
    const char *spec = arena_printf(&bed.arena, "provider.%s.%s=%s", bed.ops->name, point, action);
    fault_disarm();
    assert_int_equal(fault_arm(spec, NULL), ERR_OK);
}

void test_a_failure_at_each_point_then_a_retry_gives_exactly_one(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-fault-0", "a");
    struct plan_task_result result = {0};
    struct provider_call call = bed_call(&spec, TASK_INSTANCE);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct provider_discovery found = {0};
    struct provider_observations seen = {{0}};

    arm("discover", "fail@1");
    assert_int_equal(bed.ops->discover(&call, &found, &bed.arena, NULL), ERR_TRANSIENT);
    assert_int_equal(bed.ops->discover(&call, &found, &bed.arena, NULL), ERR_OK);
    arm("check", "fail@1");
    assert_int_equal(bed.ops->check(&call, &presence, &result, &bed.arena, NULL), ERR_TRANSIENT);
    assert_int_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_ABSENT_THING);
    arm("apply", "fail@1");
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_TRANSIENT);
    assert_int_equal(bed_count(spec.name), 0);
    arm("apply.half", "fail@1");
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_TRANSIENT);
    assert_in_range(bed_count(spec.name), 0, 1);
    assert_int_not_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
    assert_int_equal(bed_count(spec.name), 1);
    arm("verify", "fail@1");
    assert_int_equal(bed.ops->verify(&call, &result, &bed.arena, NULL), ERR_TRANSIENT);
    bed_verify(&spec, TASK_INSTANCE, &result);
    arm("observe", "fail@1");
    assert_int_equal(bed.ops->observe(&call, "swan-", &seen, &bed.arena, NULL), ERR_TRANSIENT);
    assert_int_equal(bed.ops->observe(&call, "swan-", &seen, &bed.arena, NULL), ERR_OK);
    arm("undo", "fail@1");
    assert_int_equal(bed_undo(&spec, TASK_INSTANCE), ERR_TRANSIENT);
    assert_int_equal(bed_count(spec.name), 1);
    arm("undo.half", "fail@1");
    assert_int_equal(bed_undo(&spec, TASK_INSTANCE), ERR_TRANSIENT);
    assert_int_not_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    assert_int_equal(fault_fired(), 1); /* the provider has the point at all */
    fault_disarm();
    bed_must_undo(&spec, TASK_INSTANCE);
}

struct countdown {
    int polls_left;
};

static bool cancel_at_zero(void *ctx)
{
    struct countdown *countdown = ctx;
    return countdown->polls_left-- <= 0;
}

void test_a_cancelled_apply_leaves_what_apply_and_undo_can_end(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-cancel-0", "a");
    struct plan_task_result result = {0};
    static const int polls[] = {0, 1, 2, 3, 5, 8};
    int cancelled = 0;
    for (size_t i = 0; i < ARRAY_LEN(polls); i++) {
        struct countdown countdown = {polls[i]};
        struct provider_call call = bed_call(&spec, TASK_INSTANCE);
        call.cancel = cancel_at_zero;
        call.ctx = &countdown;
        enum err_code rc = bed.ops->apply(&call, &result, &bed.arena, NULL);
        assert_true(rc == ERR_OK || rc == ERR_CANCELLED);
        cancelled += rc == ERR_CANCELLED;
        assert_in_range(bed_count(spec.name), 0, 1);
        if (i % 2 == 0) {
            assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
            assert_int_equal(bed_count(spec.name), 1);
        }
        bed_must_undo(&spec, TASK_INSTANCE);
    }
    assert_true(cancelled > 0);
}

/* A child that calls the verb and is expected to be killed on its way, by a fault point of its own
 * or by us after delay_ms. */
static void killed_child(const struct plan_task_spec *spec, bool undo, const char *point,
                         int64_t delay_ms)
{
    const char *fault =
        point != NULL ? arena_printf(&bed.arena, "provider.%s.%s=kill@1", bed.ops->name, point)
                      : NULL;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct plan_task_result result = {0};
        struct provider_call call = bed_call(spec, TASK_INSTANCE);
        if (fault != NULL && fault_arm(fault, NULL) != ERR_OK) {
            _exit(3);
        }
        enum err_code rc = undo ? bed.ops->undo(&call, &bed.arena, NULL)
                                : bed.ops->apply(&call, &result, &bed.arena, NULL);
        _exit(rc == ERR_OK ? 0 : 1);
    }
    if (fault == NULL) {
        clock_sleep_ms(delay_ms);
        kill(child, SIGKILL);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (fault != NULL) {
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    } else {
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
}

/* A server may end a request whose caller has died: waits until the count stands still. */
static int settled_count(const char *name)
{
    int64_t end = clock_mono_ms() + SETTLE_TIMEOUT_MS;
    int before = bed_count(name);
    for (int same = 0; same < 3 && clock_mono_ms() < end;) {
        clock_sleep_ms(SETTLE_GAP_MS);
        int now = bed_count(name);
        same = now == before ? same + 1 : 0;
        before = now;
    }
    return before;
}

void test_a_kill_at_the_half_of_apply_is_completed_by_apply(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-kill-0", "a");
    struct plan_task_result result = {0};
    killed_child(&spec, false, "apply.half", 0);
    assert_int_not_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
    assert_int_equal(bed_count(spec.name), 1);
    bed_verify(&spec, TASK_INSTANCE, &result);
    bed_must_undo(&spec, TASK_INSTANCE);
}

void test_a_kill_at_the_half_of_apply_is_completed_by_undo(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-kill-1", "a");
    killed_child(&spec, false, "apply.half", 0);
    bed_must_undo(&spec, TASK_INSTANCE);
}

void test_a_kill_at_the_half_of_undo_is_completed_by_undo(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-kill-2", "a");
    struct plan_task_result result = {0};
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
    killed_child(&spec, true, "undo.half", 0);
    assert_int_not_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    bed_must_undo(&spec, TASK_INSTANCE);
}

static const int64_t moments_ms[] = {1, 4, 10, 25, 50, 100, 200};

void test_a_kill_at_any_moment_of_apply_leaves_at_most_one(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-kill-3", "a");
    struct plan_task_result result = {0};
    for (size_t i = 0; i < ARRAY_LEN(moments_ms); i++) {
        killed_child(&spec, false, NULL, moments_ms[i]);
        if (i % 2 == 0) { /* the next comes at once, as another server would */
            assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
            bed_verify(&spec, TASK_INSTANCE, &result);
            assert_int_equal(settled_count(spec.name), 1);
        } else {
            assert_in_range(settled_count(spec.name), 0, 1);
        }
        bed_must_undo(&spec, TASK_INSTANCE);
    }
}

void test_a_kill_at_any_moment_of_undo_leaves_at_most_one(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-kill-4", "a");
    struct plan_task_result result = {0};
    for (size_t i = 0; i < ARRAY_LEN(moments_ms); i++) {
        assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
        killed_child(&spec, true, NULL, moments_ms[i]);
        assert_in_range(settled_count(spec.name), 0, 1);
        if (i % 2 == 0) {
            assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
            assert_int_equal(bed_count(spec.name), 1);
        }
        bed_must_undo(&spec, TASK_INSTANCE);
    }
}
