/* conformance.h - what every provider must do, asked of one provider behind one real endpoint.
 *
 * A provider is a row of the table in main.c and a script in tests/testbed:
 *   SCRIPT up DIR          starts what is needed below DIR and prints lines "key=value":
 *                          endpoint (must), artefact (path of what is delivered), command (words),
 *                          supervisor (path of swan-supervise)
 *                          exit 77 with a line "SKIP: reason" where the environment cannot
 *   SCRIPT count DIR NAME  prints how many real things of that name exist, asked past the provider
 *   SCRIPT down DIR        ends everything that up started, by id */
#ifndef SWAN_TESTS_CONFORMANCE_H
#define SWAN_TESTS_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "provision/providers/provider.h"

struct row {
    const char *name;   /* of the row: "docker-podman" */
    const char *script; /* in the testbed folder */
    const struct provider_ops *ops;
    int form;
    const char *good[4]; /* endpoints that match, beside the one of the script */
    const char *bad[12]; /* endpoints that do not */
};
extern const struct row rows[];
extern const size_t row_count;

struct bed {
    const struct row *row;
    const struct provider_ops *ops;
    char folder[64];
    char script[512];
    char endpoint[512], artefact[512], supervisor[512];
    char digest[72];
    int64_t artefact_bytes;
    struct provider_host host;
    char state_dir[96];
    struct arena arena; /* of one test */
    const char *command[16];
    size_t command_count;
};
extern struct bed bed;

/* ---- bed.c ---- */
/* 0, or 77 after printing why, or 1. */
int bed_up(const struct row *row, const char *testbed);
void bed_down(void);
/* How many things of that name there are, by the script. */
int bed_count(const char *name);
/* A small instance of the hello application; `mark` goes into its environment, so another mark is
 * another spec. */
struct plan_task_spec bed_spec(const char *name, const char *mark);
struct provider_call bed_call(const struct plan_task_spec *spec, int kind);
/* Brings the artefact where the provider delivers at all. */
void bed_deliver(void);

enum err_code bed_apply(const struct plan_task_spec *spec, int kind, struct plan_task_result *out);
enum provider_presence bed_check(const struct plan_task_spec *spec, int kind);
/* Polls until it is well, half a minute at most. */
void bed_verify(const struct plan_task_spec *spec, int kind, struct plan_task_result *out);
enum err_code bed_undo(const struct plan_task_spec *spec, int kind);
/* Undo must succeed and nothing be left, by check and by the script. */
void bed_must_undo(const struct plan_task_spec *spec, int kind);

/* ---- concurrent.c ---- */
void test_apply_of_one_name_by_many_threads_and_processes_makes_one(void **state);
void test_one_artefact_delivered_by_many_is_one(void **state);
void test_apply_and_undo_at_once_leave_one_or_nothing(void **state);

/* ---- faults.c ---- */
void test_a_failure_at_each_point_then_a_retry_gives_exactly_one(void **state);
void test_a_cancelled_apply_leaves_what_apply_and_undo_can_end(void **state);
void test_a_kill_at_the_half_of_apply_is_completed_by_apply(void **state);
void test_a_kill_at_the_half_of_apply_is_completed_by_undo(void **state);
void test_a_kill_at_the_half_of_undo_is_completed_by_undo(void **state);
void test_a_kill_at_any_moment_of_apply_leaves_at_most_one(void **state);
void test_a_kill_at_any_moment_of_undo_leaves_at_most_one(void **state);

#endif
