/* main.c - conformance ROW TESTBED: the table of providers, and the plain walk from absent to
 * absent.  Exit 77 = skipped, with the reason printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "conformance.h"
#include "provision/providers/docker/docker.h"
#include "provision/providers/host/host.h"
#include "provision/providers/simulator/simulator.h"
#include "wire/http.h"

#define DOCKER_GOOD                                                          \
    {                                                                        \
        "unix:///run/docker.sock", "tcp://10.0.0.7:2375", "tcp://[::1]:2375" \
    }
#define DOCKER_BAD                                                                             \
    {                                                                                          \
        "", "docker", "unix://", "unix://run/docker.sock", "unix:///", "tcp://", "tcp://host", \
            "tcp://host:0", "tcp://host:99999", "tcp://ho st:1", "tcp://host:1/path",          \
            "simulator:a"                                                                      \
    }

#define HOST_GOOD                                                                              \
    {                                                                                          \
        "local", "ssh://root@10.0.0.7:22?key=/k&known_hosts=/h", "ssh://[::1]:2222", "ssh://h" \
    }
#define HOST_BAD                                                                                \
    {                                                                                           \
        "", "locals", "ssh://", "ssh://@h", "ssh://h:0", "ssh://h:99999", "ssh://h:2x",         \
            "ssh://-oProxyCommand=x", "ssh://h o", "ssh://h?color=red", "ssh://h?key=relative", \
            "simulator:a"                                                                       \
    }

const struct row rows[] = {
    {"simulator",
     "simulator.sh",
     &simulator_provider,
     FORM_CONTAINER,
     {"simulator:default", "simulator:a?seed=1"},
     {"", "simulator", "simulator:", "simulator:a?", "simulator:a?seed=x", "simulator:a?color=red",
      "unix:///run/docker.sock"}},
    {"docker-podman", "podman.sh", &docker_provider, FORM_CONTAINER, DOCKER_GOOD, DOCKER_BAD},
    {"docker-dockerd", "dockerd.sh", &docker_provider, FORM_CONTAINER, DOCKER_GOOD, DOCKER_BAD},
    {"host-local", "host-local.sh", &host_provider, FORM_PACKAGE, HOST_GOOD, HOST_BAD},
    {"host-ssh", "host-ssh.sh", &host_provider, FORM_PACKAGE, HOST_GOOD, HOST_BAD},
};
const size_t row_count = ARRAY_LEN(rows);

static void test_good_endpoints_match_and_bad_ones_do_not(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(bed.ops->match(bed.endpoint, &err), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bed.row->good) && bed.row->good[i] != NULL; i++) {
        if (bed.ops->match(bed.row->good[i], &err) != ERR_OK) {
            fail_msg("'%s' is refused: %s", bed.row->good[i], err.text);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bed.row->bad) && bed.row->bad[i] != NULL; i++) {
        err_clear(&err);
        if (bed.ops->match(bed.row->bad[i], &err) == ERR_OK || err.text[0] == '\0') {
            fail_msg("'%s' is not refused with a reason", bed.row->bad[i]);
        }
    }
}

static void test_discovery_is_plausible(void **state)
{
    (void)state;
    struct provider_call call = bed_call(NULL, TASK_ABSENT);
    struct provider_discovery found = {0};
    struct err err = ERR_INIT;
    if (bed.ops->discover(&call, &found, &bed.arena, &err) != ERR_OK) {
        fail_msg("discover: %s", err.text);
    }
    assert_true(found.capacity.vcpus.set && found.capacity.vcpus.value >= 1);
    assert_true(found.capacity.memory_gib.set && found.capacity.memory_gib.value > 0.1);
    assert_true(!found.used.vcpus.set || found.used.vcpus.value <= found.capacity.vcpus.value);
    assert_true(!found.used.memory_gib.set ||
                found.used.memory_gib.value <= found.capacity.memory_gib.value);
    assert_true(found.arch.count >= 1);
    assert_non_null(found.system);
    if (!bed.ops->simulated) {
        assert_true(found.latency_ms.set && found.latency_ms.value > 0 &&
                    found.latency_ms.value < 5000);
    }
    print_message("%s: %.1f vCPUs, %.1f GiB, engine %s, system %s\n", bed.row->name,
                  found.capacity.vcpus.value, found.capacity.memory_gib.value,
                  found.engine != NULL ? found.engine : "none", found.system);
}

static void test_an_artefact_is_delivered_once(void **state)
{
    (void)state;
    if (bed.artefact[0] == '\0' || !provider_does(bed.ops, TASK_DELIVER)) {
        skip();
    }
    struct plan_task_spec spec = bed_spec("swan-conf-artefact", "");
    struct plan_task_result first = {0}, second = {0};
    assert_int_equal(bed_check(&spec, TASK_DELIVER), PROVIDER_ABSENT_THING);
    assert_int_equal(bed_apply(&spec, TASK_DELIVER, &first), ERR_OK);
    assert_int_equal(bed_check(&spec, TASK_DELIVER), PROVIDER_PRESENT);
    bed_verify(&spec, TASK_DELIVER, &first);
    assert_int_equal(bed_apply(&spec, TASK_DELIVER, &second), ERR_OK);
    assert_string_equal(first.ref, second.ref);
    assert_int_equal(bed_undo(&spec, TASK_DELIVER), ERR_OK);
    assert_int_equal(bed_undo(&spec, TASK_DELIVER), ERR_OK);
}

/* What the provider tells of a real instance must be true from outside. */
static void must_answer(const struct plan_task_result *result)
{
    if (bed.ops->simulated) {
        assert_true(result->simulated);
        assert_null(result->url);
        return;
    }
    assert_false(result->simulated);
    assert_non_null(result->url);
    struct http_call call = {.url = result->url};
    struct http_reply reply = {0};
    assert_int_equal(http_call(&call, &reply, &bed.arena, NULL), ERR_OK);
    assert_int_equal(reply.status, 200);
    assert_non_null(strcasestr(reply.body, "hello"));
}

static const struct provider_observation *observed(const char *name)
{
    struct provider_call call = bed_call(NULL, TASK_ABSENT);
    struct provider_observations seen = {{0}};
    struct err err = ERR_INIT;
    if (bed.ops->observe(&call, "swan-conf-", &seen, &bed.arena, &err) != ERR_OK) {
        fail_msg("observe: %s", err.text);
    }
    const struct provider_observation *found = NULL;
    for (size_t i = 0; i < seen.items.count; i++) {
        if (str_eq(seen.items.items[i].name, name)) {
            assert_null(found); /* listed once */
            found = &seen.items.items[i];
        }
    }
    return found;
}

static void test_an_instance_goes_from_absent_to_absent(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec spec = bed_spec("swan-conf-web-0", "a");
    struct plan_task_spec probe = bed_spec("swan-conf-web-0-check", "a");
    probe.target = spec.name;
    struct plan_task_result first = {0}, second = {0}, result = {0};
    assert_int_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_ABSENT_THING);
    assert_int_equal(bed_check(&probe, TASK_CHECK), PROVIDER_ABSENT_THING);
    assert_null(observed(spec.name));
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &first), ERR_OK);
    assert_int_equal(bed_check(&spec, TASK_INSTANCE), PROVIDER_PRESENT);
    bed_verify(&spec, TASK_INSTANCE, &result);
    must_answer(&result);
    assert_int_equal(bed_apply(&probe, TASK_CHECK, &result), ERR_OK);
    assert_int_equal(bed_check(&probe, TASK_CHECK), PROVIDER_PRESENT);
    const struct provider_observation *seen = observed(spec.name);
    assert_non_null(seen);
    assert_true(seen->up);
    assert_non_null(seen->text);
    print_message("%s: %s; note: %s; cpu %.2f %%, memory %.1f MiB\n", seen->name, seen->text,
                  first.note != NULL ? first.note : "none", seen->cpu_percent.value,
                  seen->memory_mib.value);
    assert_int_equal(bed_count(spec.name), 1);
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &second), ERR_OK); /* adopts */
    assert_string_equal(first.ref, second.ref);
    assert_int_equal(bed_count(spec.name), 1);
    assert_int_equal(bed_undo(&probe, TASK_CHECK), ERR_OK); /* a check made nothing */
    assert_int_equal(bed_count(spec.name), 1);
    bed_must_undo(&spec, TASK_INSTANCE);
    bed_must_undo(&spec, TASK_INSTANCE);
    assert_null(observed(spec.name));
    struct provider_call call = bed_call(&spec, TASK_INSTANCE);
    assert_int_not_equal(bed.ops->verify(&call, &result, &bed.arena, NULL), ERR_OK);
    assert_int_equal(bed_check(&probe, TASK_CHECK), PROVIDER_ABSENT_THING);
}

static void test_the_other_kinds_of_task_are_made_and_removed(void **state)
{
    (void)state;
    static const int kinds[] = {TASK_SERVER, TASK_BANDWIDTH, TASK_ADDRESS};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!provider_does(bed.ops, kinds[i])) {
            continue;
        }
        struct plan_task_spec spec = {.name = "swan-conf-other-0",
                                      .vcpus = {true, 1},
                                      .memory_gib = {true, 1},
                                      .bandwidth_mbps = {true, 5},
                                      .form = FORM_SERVER};
        struct plan_task_result result = {0};
        assert_int_equal(bed_check(&spec, kinds[i]), PROVIDER_ABSENT_THING);
        assert_int_equal(bed_apply(&spec, kinds[i], &result), ERR_OK);
        assert_int_equal(bed_apply(&spec, kinds[i], &result), ERR_OK);
        bed_verify(&spec, kinds[i], &result);
        assert_int_equal(bed_count(spec.name), 1);
        bed_must_undo(&spec, kinds[i]);
    }
}

static void test_another_spec_of_the_same_name_replaces(void **state)
{
    (void)state;
    bed_deliver();
    struct plan_task_spec old = bed_spec("swan-conf-change-0", "a");
    struct plan_task_spec new = bed_spec("swan-conf-change-0", "b");
    struct plan_task_result result = {0};
    assert_int_equal(bed_apply(&old, TASK_INSTANCE, &result), ERR_OK);
    assert_int_equal(bed_check(&new, TASK_INSTANCE), PROVIDER_BROKEN);
    assert_int_equal(bed_apply(&new, TASK_INSTANCE, &result), ERR_OK);
    assert_int_equal(bed_count(new.name), 1);
    assert_int_equal(bed_check(&new, TASK_INSTANCE), PROVIDER_PRESENT);
    assert_int_equal(bed_check(&old, TASK_INSTANCE), PROVIDER_BROKEN);
    bed_verify(&new, TASK_INSTANCE, &result);
    must_answer(&result);
    bed_must_undo(&old, TASK_INSTANCE); /* undo goes by the name alone */
}

static void test_a_spec_that_cannot_be_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct plan_task_spec spec = bed_spec("../swan-conf-bad", "a");
    struct plan_task_result result = {0};
    assert_int_equal(bed_apply(&spec, TASK_INSTANCE, &result), ERR_INVALID);
    spec = bed_spec("swan-conf-bad", "a");
    spec.name = NULL;
    struct provider_call call = bed_call(&spec, TASK_INSTANCE);
    assert_int_equal(bed.ops->apply(&call, &result, &bed.arena, NULL), ERR_INVALID);
}

static int before_each(void **state)
{
    (void)state;
    arena_init(&bed.arena, 0);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    fault_disarm();
    arena_done(&bed.arena);
    return 0;
}

int main(int argc, char **argv)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < row_count && argc == 3; i++) {
        row = str_eq(rows[i].name, argv[1]) ? &rows[i] : row;
    }
    if (row == NULL) {
        fprintf(stderr, "usage: %s ROW TESTBED\n", argv[0]);
        return 2;
    }
    int status = bed_up(row, argv[2]);
    if (status == 0) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)
            TEST(test_good_endpoints_match_and_bad_ones_do_not),
            TEST(test_discovery_is_plausible),
            TEST(test_an_artefact_is_delivered_once),
            TEST(test_an_instance_goes_from_absent_to_absent),
            TEST(test_the_other_kinds_of_task_are_made_and_removed),
            TEST(test_another_spec_of_the_same_name_replaces),
            TEST(test_a_spec_that_cannot_be_is_refused_and_leaves_nothing),
            TEST(test_apply_of_one_name_by_many_threads_and_processes_makes_one),
            TEST(test_one_artefact_delivered_by_many_is_one),
            TEST(test_apply_and_undo_at_once_leave_one_or_nothing),
            TEST(test_a_failure_at_each_point_then_a_retry_gives_exactly_one),
            TEST(test_a_cancelled_apply_leaves_what_apply_and_undo_can_end),
            TEST(test_a_kill_at_the_half_of_apply_is_completed_by_apply),
            TEST(test_a_kill_at_the_half_of_apply_is_completed_by_undo),
            TEST(test_a_kill_at_the_half_of_undo_is_completed_by_undo),
            TEST(test_a_kill_at_any_moment_of_apply_leaves_at_most_one),
            TEST(test_a_kill_at_any_moment_of_undo_leaves_at_most_one),
        };
        status = cmocka_run_group_tests_name(row->name, tests, NULL, NULL);
    }
    bed_down();
    return status;
}
