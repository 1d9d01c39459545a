/* test_host.c - instances on this machine under the real swan-supervise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "host_tests.h"

#define THREADS 8
#define PROCESSES 2

static void *apply_in_thread(void *ctx)
{
    const struct plan_task_spec *spec = ctx;
    struct arena arena = ARENA_INIT;
    struct provider_call call = call_of(spec, TASK_INSTANCE);
    struct plan_task_result result;
    enum err_code rc = host_provider.apply(&call, &result, &arena, NULL);
    arena_done(&arena);
    return (void *)(uintptr_t)rc;
}

static bool apply_by_threads(struct plan_task_spec *spec)
{
    pthread_t threads[THREADS];
    bool ok = true;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, apply_in_thread, spec) != 0)
            return false;
    for (size_t i = 0; i < THREADS; i++) {
        void *rc = NULL;
        pthread_join(threads[i], &rc);
        ok = ok && (uintptr_t)rc == ERR_OK;
    }
    return ok;
}

static void test_sixteen_callers_at_once_start_one_child(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-many-0", "exec sleep 1000");
    for (int round = 0; round < 3; round++) {
        pid_t children[PROCESSES];
        for (size_t i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0)
                _exit(apply_by_threads(&spec) ? 0 : 1);
        }
        for (size_t i = 0; i < PROCESSES; i++) {
            int how = -1;
            assert_int_equal(waitpid(children[i], &how, 0), children[i]);
            assert_int_equal(how, 0);
        }
        assert_int_equal(count_processes(spec.name), 1);
        must_be_gone(&spec);
    }
}

/* A child dies at the point, as a server would. */
static void die_at(const char *point, const struct plan_task_spec *spec, bool undoing)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (fault_arm(arena_printf(&bench.arena, "provider.host.%s=kill@1", point), NULL) != ERR_OK)
            _exit(3);
        _exit((undoing ? undo(spec) : apply(spec, NULL)) == ERR_OK ? 0 : 1);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void test_a_death_at_each_point_is_completed_by_apply_and_by_undo(void **state)
{
    (void)state;
    static const char *const points[] = {"apply", "apply.half", "apply.started", "undo",
                                         "undo.half"};
    struct plan_task_spec spec = sh_spec("swan-death-0", "exec sleep 1000");
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        bool undoing = str_has_prefix(points[i], "undo");
        for (int then_undo = 0; then_undo < 2; then_undo++) {
            if (undoing)
                assert_int_equal(apply(&spec, NULL), ERR_OK);
            die_at(points[i], &spec, undoing);
            assert_in_range(count_processes(spec.name), 0, 1);
            if (!then_undo) {
                assert_int_equal(apply(&spec, NULL), ERR_OK);
                assert_int_equal(check(&spec), PROVIDER_PRESENT);
                assert_int_equal(count_processes(spec.name), 1);
            }
            must_be_gone(&spec);
        }
    }
}

static void test_an_instance_survives_the_one_who_started_it(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-survive-0", "exec sleep 1000");
    die_at("apply.started", &spec, false);
    clock_sleep_ms(50);
    assert_int_equal(check(&spec), PROVIDER_PRESENT);
    long pid = number_in_status(spec.name, "pid");
    struct plan_task_result result;
    assert_int_equal(apply(&spec, &result), ERR_OK); /* adopts */
    assert_string_equal(result.ref, arena_printf(&bench.arena, "pid %ld", pid));
    must_be_gone(&spec);
}

static void test_a_killed_supervisor_is_seen_and_repaired_with_one_child(void **state)
{
    (void)state;
    struct plan_task_spec spec =
        sh_spec("swan-orphan-0", "setsid sleep 1000 & sleep 1000 & sleep 1000; true");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    while (count_processes(spec.name) != 4) /* sh and three sleeps */
        clock_sleep_ms(10);
    assert_int_equal(kill((pid_t)number_in_status(spec.name, "supervisor"), SIGKILL), 0);
    const struct provider_observation *seen = wait_for_text(spec.name, "supervisor is gone");
    assert_false(seen->up);
    assert_int_equal(check(&spec), PROVIDER_BROKEN);
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    assert_int_equal(check(&spec), PROVIDER_PRESENT);
    for (int64_t end = clock_mono_ms() + 5000;
         count_processes(spec.name) != 4 && clock_mono_ms() < end;)
        clock_sleep_ms(10);
    assert_int_equal(count_processes(spec.name), 4); /* the old ones are gone */
    /* And a supervisor that is gone when undo comes. */
    assert_int_equal(kill((pid_t)number_in_status(spec.name, "supervisor"), SIGKILL), 0);
    must_be_gone(&spec);
}

static void test_a_crash_loop_is_told_with_its_last_words(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-loop-0", "echo no such table; exit 3");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    const struct provider_observation *seen = wait_for_text(spec.name, "ends again and again");
    assert_false(seen->up);
    assert_non_null(strstr(seen->text, "exit status 3"));
    assert_non_null(strstr(seen->text, "no such table"));
    struct provider_call call = call_of(&spec, TASK_INSTANCE);
    struct plan_task_result result;
    struct err err = ERR_INIT;
    assert_int_equal(host_provider.verify(&call, &result, &bench.arena, &err), ERR_TRANSIENT);
    must_be_gone(&spec);
}

static void test_the_pause_between_restarts_grows(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-pause-0", "exit 1");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    clock_sleep_ms(2000); /* starts at 0, 0.2, 0.6, 1.4 s */
    assert_in_range(number_in_status(spec.name, "restarts"), 2, 4);
    must_be_gone(&spec);
}

static void test_a_program_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct plan_task_spec spec = {.name = "swan-none-0", .form = FORM_PACKAGE};
    *LIST_ADD(&bench.arena, &spec.command) = "/no/such/program";
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    wait_for_text(spec.name, "cannot run '/no/such/program'");
    assert_int_equal(check(&spec), PROVIDER_BROKEN);
    must_be_gone(&spec);
}

static void test_a_child_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    struct plan_task_spec spec =
        sh_spec("swan-deaf-0", "trap '' TERM; touch ready; while :; do sleep 1; done");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    while (!file_exists(file_of(spec.name, "data/ready")))
        clock_sleep_ms(10);
    int64_t start = clock_mono_ms();
    must_be_gone(&spec);
    assert_in_range(clock_mono_ms() - start, 4500, 9000);
}

static void test_limits_are_enforced_or_said_not_to_be(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-limit-0", "exec sleep 1000");
    spec.memory_gib = (struct opt_double){true, 0.0625};
    spec.vcpus = (struct opt_double){true, 0.5};
    struct plan_task_result result;
    assert_int_equal(apply(&spec, &result), ERR_OK);
    const char *limits = "";
    for (size_t i = 0; i < result.details.count; i++)
        if (str_eq(result.details.items[i].name, "limits"))
            limits = result.details.items[i].value;
    print_message("limits: %s\n", limits);
    bool enforced = str_eq(limits, "enforced: memory, cpu") ||
                    str_eq(limits, "enforced: memory, cpu by systemd");
    if (enforced) {
        assert_null(result.note);
    } else {
        assert_non_null(strstr(limits, "not enforced: "));
        assert_non_null(strstr(result.note, "not enforced"));
    }
    must_be_gone(&spec);
}

static void test_the_environment_is_swans_where_it_must_be(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-env-0", "env >env.new; mv env.new env; sleep 1000");
    static const struct json_string_pair given[] = {{"PORT", "1"},
                                                    {"PORT_ADMIN", "2"},
                                                    {"SWAN_INSTANCE", "other"},
                                                    {"HOME", "/given"},
                                                    {"ODD", "a\nPORT=3\\n'\"$x"}};
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        *LIST_ADD(&bench.arena, &spec.environment) = given[i];
    *LIST_ADD(&bench.arena, &spec.ports) = (struct plan_port){.name = "http", .protocol = "http"};
    *LIST_ADD(&bench.arena, &spec.ports) = (struct plan_port){.name = "admin-2"};
    struct plan_task_result result;
    assert_int_equal(apply(&spec, &result), ERR_OK);
    assert_int_equal(result.ports.count, 2);
    int64_t http = result.ports.items[0].host_port, admin = result.ports.items[1].host_port;
    assert_true(http > 0 && admin > 0 && http != admin);
    assert_string_equal(result.url,
                        arena_printf(&bench.arena, "http://127.0.0.1:%lld", (long long)http));
    while (!file_exists(file_of(spec.name, "data/env")))
        clock_sleep_ms(10);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_add_char(&text, '\n');
    assert_int_equal(file_read(file_of(spec.name, "data/env"), 1 << 16, &text, NULL), ERR_OK);
    const char *wanted[] = {arena_printf(&bench.arena, "\nPORT=%lld\n", (long long)http),
                            arena_printf(&bench.arena, "\nPORT_HTTP=%lld\n", (long long)http),
                            arena_printf(&bench.arena, "\nPORT_ADMIN_2=%lld\n", (long long)admin),
                            "\nSWAN_INSTANCE=swan-env-0\n",
                            "\nSWAN_DEPLOYMENT=dep-1\n",
                            "\nSWAN_COMPONENT=web\n",
                            "\nHOST=127.0.0.1\n",
                            "\nHOME=/given\n",
                            "\nODD=a\nPORT=3\\n'\"$x\n"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (strstr(buf_str(&text), wanted[i]) == NULL)
            fail_msg("no %s in %s", wanted[i], buf_str(&text));
    assert_null(strstr(buf_str(&text), "PORT_ADMIN=2"));
    must_be_gone(&spec);
}

static int listen_at(int64_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static struct plan_task_spec hello_spec(const char *name)
{
    static struct application_spec_health health = {.path = "/healthz"};
    bench_artefact(getenv("SWAN_HELLO"));
    struct plan_task_spec package = {.name = "swan-hello", .artefact_digest = bench.digest};
    struct provider_call call = call_of(&package, TASK_DELIVER);
    struct plan_task_result result;
    assert_int_equal(host_provider.apply(&call, &result, &bench.arena, NULL), ERR_OK);
    struct plan_task_spec spec = {
        .name = name, .form = FORM_PACKAGE, .artefact_digest = bench.digest, .health = &health};
    *LIST_ADD(&bench.arena, &spec.command) = "bin/hello";
    *LIST_ADD(&bench.arena, &spec.ports) = (struct plan_port){.name = "http", .protocol = "http"};
    return spec;
}

static enum err_code verify_soon(const struct plan_task_spec *spec, struct plan_task_result *out)
{
    struct provider_call call = call_of(spec, TASK_INSTANCE);
    enum err_code rc = ERR_TRANSIENT;
    for (int64_t end = clock_mono_ms() + 15000; clock_mono_ms() < end && rc == ERR_TRANSIENT;) {
        rc = host_provider.verify(&call, out, &bench.arena, NULL);
        if (rc == ERR_TRANSIENT)
            clock_sleep_ms(50);
    }
    return rc;
}

static void test_a_port_taken_by_a_stranger_is_exchanged(void **state)
{
    (void)state;
    struct plan_task_spec spec = hello_spec("swan-port-0");
    struct plan_task_result first, second;
    assert_int_equal(apply(&spec, &first), ERR_OK);
    assert_int_equal(verify_soon(&spec, &first), ERR_OK);
    /* Its program dies, and a stranger is quicker than its restart. */
    int stranger = -1;
    kill((pid_t)number_in_status(spec.name, "pid"), SIGKILL);
    while (number_in_status(spec.name, "pid") != 0)
        clock_sleep_ms(1);
    stranger = listen_at(first.ports.items[0].host_port);
    assert_int_equal(verify_soon(&spec, &second), ERR_OK);
    assert_string_not_equal(first.url, second.url);
    assert_int_equal(count_processes(spec.name), 1);
    close(stranger);
    must_be_gone(&spec);
}

static void test_a_fixed_port_in_use_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    int stranger = listen_at(0);
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    assert_int_equal(getsockname(stranger, (struct sockaddr *)&at, &len), 0);
    struct plan_task_spec spec = sh_spec("swan-fixed-0", "exec sleep 1000");
    *LIST_ADD(&bench.arena, &spec.ports) =
        (struct plan_port){.name = "http", .port = ntohs(at.sin_port)};
    assert_int_equal(apply(&spec, NULL), ERR_CONFLICT);
    assert_int_equal(check(&spec), PROVIDER_ABSENT_THING);
    must_be_gone(&spec);
    close(stranger);
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    must_be_gone(&spec);
}

static void test_the_log_is_bounded(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec(
        "swan-log-0",
        "head -c 5000000 /dev/zero | tr '\\0' 'x'; echo; echo end; touch done; exec sleep 1000");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    while (!file_exists(file_of(spec.name, "data/done")))
        clock_sleep_ms(20);
    clock_sleep_ms(200);
    struct stat now, old;
    assert_int_equal(stat(file_of(spec.name, "log"), &now), 0);
    assert_int_equal(stat(file_of(spec.name, "log.1"), &old), 0);
    assert_in_range(now.st_size, 1, 1 << 20);
    assert_in_range(old.st_size, 1, 1 << 20);
    must_be_gone(&spec);
}

static void test_wrong_specs_are_refused(void **state)
{
    (void)state;
    struct plan_task_spec none = {.name = "swan-wrong-0", .form = FORM_PACKAGE};
    assert_int_equal(apply(&none, NULL), ERR_INVALID);
    struct plan_task_spec up = {.name = "swan-wrong-0", .form = FORM_PACKAGE};
    *LIST_ADD(&bench.arena, &up.command) = "../../bin/sh";
    assert_int_equal(apply(&up, NULL), ERR_POLICY);
    struct plan_task_spec form = sh_spec("swan-wrong-0", "true");
    form.form = FORM_CONTAINER;
    assert_int_equal(apply(&form, NULL), ERR_UNSUPPORTED);
    struct plan_task_spec map = sh_spec("swan-wrong-0", "true");
    *LIST_ADD(&bench.arena, &map.ports) =
        (struct plan_port){.name = "http", .port = 80, .host_port = 8080};
    assert_int_equal(apply(&map, NULL), ERR_UNSUPPORTED);
    struct plan_task_spec large = sh_spec("swan-wrong-0", "true");
    for (int i = 0; i < 600; i++)
        *LIST_ADD(&bench.arena, &large.command) = "x";
    assert_int_equal(apply(&large, NULL), ERR_INVALID);
    assert_int_equal(check(&none), PROVIDER_ABSENT_THING);
    must_be_gone(&none);
}

static void test_an_observation_measures(void **state)
{
    (void)state;
    struct plan_task_spec spec = sh_spec("swan-busy-0", "while :; do :; done");
    assert_int_equal(apply(&spec, NULL), ERR_OK);
    const struct provider_observation *seen = observe(spec.name);
    assert_non_null(seen);
    assert_true(seen->up);
    assert_true(seen->cpu_percent.set && seen->cpu_percent.value > 5);
    assert_true(seen->cpu_percent.value < 150);
    assert_true(seen->memory_mib.set && seen->memory_mib.value > 0.1);
    must_be_gone(&spec);
}

static void test_discovery_measures_loopback_quickly(void **state)
{
    (void)state;
    struct provider_call call = call_of(NULL, TASK_ABSENT);
    struct provider_discovery found = {0};
    assert_int_equal(host_provider.discover(&call, &found, &bench.arena, NULL), ERR_OK);
    assert_true(found.latency_ms.set && found.latency_ms.value < 50);
    assert_true(found.bandwidth_mbps.set && found.bandwidth_mbps.value > 10);
    assert_true(found.capacity.disk_gib.set && found.used.disk_gib.set);
    assert_true(found.used.disk_gib.value <= found.capacity.disk_gib.value);
    print_message("loopback: %.3f ms, %.0f Mbit/s\n", found.latency_ms.value,
                  found.bandwidth_mbps.value);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        TEST(test_good_endpoints_are_read),
        TEST(test_bad_endpoints_are_refused_with_a_reason),
        TEST(test_a_good_package_passes),
        TEST(test_hostile_entries_are_refused),
        TEST(test_a_zip_is_unpacked_like_a_tar),
        TEST(test_a_cut_archive_is_refused),
        TEST(test_a_refused_package_leaves_nothing_on_the_machine),
        TEST(test_an_artefact_with_other_bytes_is_refused),
        TEST(test_an_artefact_stays_until_its_last_user_has_gone),
        TEST(test_sixteen_callers_at_once_start_one_child),
        TEST(test_a_death_at_each_point_is_completed_by_apply_and_by_undo),
        TEST(test_an_instance_survives_the_one_who_started_it),
        TEST(test_a_killed_supervisor_is_seen_and_repaired_with_one_child),
        TEST(test_a_crash_loop_is_told_with_its_last_words),
        TEST(test_the_pause_between_restarts_grows),
        TEST(test_a_program_that_is_not_there_is_told),
        TEST(test_a_child_that_ignores_sigterm_is_killed),
        TEST(test_limits_are_enforced_or_said_not_to_be),
        TEST(test_the_environment_is_swans_where_it_must_be),
        TEST(test_a_port_taken_by_a_stranger_is_exchanged),
        TEST(test_a_fixed_port_in_use_is_refused_and_leaves_nothing),
        TEST(test_the_log_is_bounded),
        TEST(test_wrong_specs_are_refused),
        TEST(test_an_observation_measures),
        TEST(test_discovery_measures_loopback_quickly),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
