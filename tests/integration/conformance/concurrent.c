/* concurrent.c - many callers of one name at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "conformance.h"

#define THREADS 8
#define PROCESSES 2
#define TRIES 20
#define TRY_WAIT_MS 100

struct caller {
    const struct plan_task_spec *spec;
    int kind;
    bool undo;
    enum err_code rc;
    char text[200], ref[100];
};

/* Retryable errors are retried, as the workflow would. */
static void *call_once(void *ctx)
{
    struct caller *caller = ctx;
    struct arena arena = ARENA_INIT;
    struct provider_call call = bed_call(caller->spec, caller->kind);
    for (int i = 0; i < TRIES; i++) {
        struct plan_task_result result = {0};
        struct err err = ERR_INIT;
        caller->rc = caller->undo ? bed.ops->undo(&call, &arena, &err)
                                  : bed.ops->apply(&call, &result, &arena, &err);
        str_format(caller->text, sizeof caller->text, "%s", err.text);
        str_format(caller->ref, sizeof caller->ref, "%s", result.ref != NULL ? result.ref : "");
        if (caller->rc == ERR_OK || !err_is_retryable(caller->rc)) {
            break;
        }
        clock_sleep_ms(TRY_WAIT_MS);
    }
    arena_done(&arena);
    return NULL;
}

/* 0 when all callers of this process were answered well; every other one undoes when `mixed`. */
static int run_threads(const struct plan_task_spec *spec, int kind, bool mixed)
{
    pthread_t threads[THREADS];
    struct caller callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        callers[i] =
            (struct caller){.spec = spec, .kind = kind, .undo = mixed && i % 2 == 1, .rc = ERR_BUG};
        if (pthread_create(&threads[i], NULL, call_once, &callers[i]) != 0) {
            return 2;
        }
    }
    int failed = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        /* Where others undo, being told that one's work was undone is a good answer. */
        if (callers[i].rc != ERR_OK && !(mixed && callers[i].rc == ERR_CONFLICT)) {
            fprintf(stderr, "caller %d: %s: %s\n", i, err_info(callers[i].rc)->name,
                    callers[i].text);
            failed = 1;
        }
        if (!mixed && !str_eq(callers[i].ref, callers[0].ref)) {
            fprintf(stderr, "caller %d has '%s', caller 0 '%s'\n", i, callers[i].ref,
                    callers[0].ref);
            failed = 1;
        }
    }
    return failed;
}

static void run_processes(const struct plan_task_spec *spec, bool mixed)
{
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        fflush(stdout);
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            _exit(run_threads(spec, TASK_INSTANCE, mixed));
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

void test_apply_of_one_name_by_many_threads_and_processes_makes_one(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-many-0", "a");
    struct plan_task_result result = {0};
    run_processes(&spec, false);
    assert_int_equal(bed_count(spec.name), 1);
    assert_int_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    bed_verify(&spec, TASK_INSTANCE, &result);
    bed_must_undo(&spec, TASK_INSTANCE);
}

void test_one_artefact_delivered_by_many_is_one(void **state)
{
    (void)state;
    if (bed.artefact[0] == '\0' || !provider_does(bed.ops, TASK_DELIVER)) {
        skip();
    }
    struct plan_task_spec spec = bed_spec("swan-conf-artefact-2", "");
    spec.application = "hello-again@1.0.0"; /* so that it is not there yet */
    assert_int_equal(bed_check(&spec, TASK_DELIVER), PROVIDER_ABSENT_THING);
    assert_int_equal(run_threads(&spec, TASK_DELIVER, false), 0);
    assert_int_equal(bed_undo(&spec, TASK_DELIVER), ERR_OK);
}

void test_apply_and_undo_at_once_leave_one_or_nothing(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-mixed-0", "a");
    struct plan_task_result result = {0};
    run_processes(&spec, true);
    assert_in_range(bed_count(spec.name), 0, 1);
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_OK);
    assert_int_equal(bed_count(spec.name), 1);
    bed_must_undo(&spec, TASK_INSTANCE);
}
