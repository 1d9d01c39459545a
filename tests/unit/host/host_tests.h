/* host_tests.h - what the tests of the provider host share. */
#ifndef SWAN_TESTS_HOST_TESTS_H
#define SWAN_TESTS_HOST_TESTS_H

#include <stddef.h>

#include "base/arena.h"
#include "provision/providers/host/host.h"

struct bench { /* a provider on this machine, below a folder of its own */
    char folder[64], digest[72];
    const char *artefact; /* path */
    struct provider_host host;
    struct arena arena;
};
extern struct bench bench;

int bench_up(void **state);
int bench_down(void **state);
/* Makes `path` the artefact that the store gives. */
void bench_artefact(const char *path);

struct plan_task_spec sh_spec(const char *name, const char *script);
struct provider_call call_of(const struct plan_task_spec *spec, int kind);
enum err_code apply(const struct plan_task_spec *spec, struct plan_task_result *out);
enum err_code undo(const struct plan_task_spec *spec);
enum provider_presence check(const struct plan_task_spec *spec);
const struct provider_observation *observe(const char *name);
/* Polls until the text of the observation holds `word`, ten seconds at most. */
const struct provider_observation *wait_for_text(const char *name, const char *word);
/* Processes whose environment carries the folder of the instance. */
int count_processes(const char *name);
const char *file_of(const char *name, const char *file); /* path in the instance's folder */
long number_in_status(const char *name, const char *key);
void must_be_gone(const struct plan_task_spec *spec);

void test_good_endpoints_are_read(void **state);
void test_bad_endpoints_are_refused_with_a_reason(void **state);
void test_a_good_package_passes(void **state);
void test_hostile_entries_are_refused(void **state);
void test_a_zip_is_unpacked_like_a_tar(void **state);
void test_a_cut_archive_is_refused(void **state);
void test_a_refused_package_leaves_nothing_on_the_machine(void **state);
void test_an_artefact_with_other_bytes_is_refused(void **state);
void test_an_artefact_stays_until_its_last_user_has_gone(void **state);

#endif
