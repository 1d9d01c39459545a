/* fixture.h - what the tests of the workflow share: a store, a scripted provider whose things are
 * files, plans by a few words, and questions about what happened. */
#ifndef SWAN_TEST_WORKFLOW_FIXTURE_H
#define SWAN_TEST_WORKFLOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "provision/workflow/workflow.h"
#include "store/store.h"

/* ---- the scripted provider ----
 * Endpoint: a folder.  A thing of name N made for the k-th time is the file N.gK while it exists
 * and N.xK after it was removed, so what was ever made can be counted after any death.  How it
 * behaves stands in the spec's environment: apply=CODE[*COUNT][/half]  apply fails, always or the
 * first COUNT times; with /half after having begun undo=CODE[*COUNT]          likewise
 *   verify=CODE[*COUNT]        likewise
 *   check=CODE[*COUNT]         likewise
 *   slow=MS                    apply takes that long, telling progress
 *   hang=1                     apply waits until it is cancelled */
extern const struct provider_ops scripted_provider;
int scripted_made(const char *folder, const char *name);  /* times */
int scripted_there(const char *folder, const char *name); /* now: 0, 1 or – a fault – more */
int scripted_all_there(const char *folder);
int scripted_calls(const char *folder, const char *name, const char *verb);

/* ---- a store and a workflow ---- */
struct fixture {
    char folder[64], things[80];
    char address[512];
    struct store *store;
    struct workflow *workflow; /* NULL until started */
    struct arena arena;
    struct err err;
    struct plan plan;
    int64_t retry_ms;
};
extern bool on_postgres;
extern const struct store_actor actor;
int fixture_open(void **state);
int fixture_close(void **state);
#define WORKFLOW_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_open, fixture_close)

struct workflow_options options_of(struct store *store, const char *instance);
void start(struct fixture *f, const char *instance);
void stop(struct fixture *f);

#define assert_ok(f, call) assert_ok_((call), &(f)->err, #call, __FILE__, __LINE__)
void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line);

/* ---- plans ---- */
/* after: ids separated by blanks; script: "apply=capacity slow=5". */
struct plan_task *add_task(struct fixture *f, const char *id, const char *after,
                           const char *script);
void submit(struct fixture *f, const char *run_id);
void cancel(struct fixture *f, const char *run_id);

/* ---- what happened ---- */
void view(struct fixture *f, const char *run_id, struct run_status *out);
const struct run_task *task_of(const struct run_status *status, const char *id);
/* Waits until the run has ended, at most 30 s, and shows it. */
struct run_status wait_end(struct fixture *f, const char *run_id);
/* Waits until the task is in that state. */
void wait_task(struct fixture *f, const char *run_id, const char *task, int state);
/* Place of the n-th (0…) event of that name about the task (NULL = any) in the run's journal; -1 if
 * there is none. */
int64_t find_event(struct fixture *f, const char *run_id, const char *event, const char *task,
                   int n);
int count_events(struct fixture *f, const char *run_id, const char *event, const char *task);
/* Precedence was kept, each thing was made at most once at a time, nothing is left unless the run
 * says so, and every record agrees. */
void assert_invariants(struct fixture *f, const char *run_id, int most_made);

int child_main(int argc, char **argv); /* of test_crash.c */

extern const struct CMUnitTest state_tests[], run_tests[], share_tests[], crash_tests[],
    property_tests[], torture_tests[];
extern const size_t state_test_count, run_test_count, share_test_count, crash_test_count,
    property_test_count, torture_test_count;

#endif
