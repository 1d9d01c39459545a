/* test_simulator.c - the simulator's endpoint, draws, capacity and half-made things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/simulator/simulator.h"

struct fixture {
    char folder[64];
    struct provider_host host;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    strcpy(fixture->folder, "/tmp/swan-simulator-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->host.state_dir = fixture->folder;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fault_disarm();
    assert_int_equal(file_remove_tree(fixture->folder, NULL), ERR_OK);
    arena_done(&fixture->arena);
    mem_free(fixture);
    return 0;
}

static struct plan_task_spec server_spec(const char *name, double vcpus)
{
    return (struct plan_task_spec){.name = name,
                                   .deployment = "dep-1",
                                   .component = "web",
                                   .vcpus = {true, vcpus},
                                   .memory_gib = {true, 2},
                                   .form = FORM_SERVER};
}

static struct provider_call call_for(struct fixture *fixture, const char *endpoint,
                                     const struct plan_task_spec *spec, int kind)
{
    return (struct provider_call){
        .endpoint = endpoint, .spec = spec, .kind = kind, .host = &fixture->host};
}

static enum err_code apply(struct fixture *fixture, const char *endpoint,
                           const struct plan_task_spec *spec, int kind,
                           struct plan_task_result *out, struct err *err)
{
    struct provider_call call = call_for(fixture, endpoint, spec, kind);
    return simulator_provider.apply(&call, out, &fixture->arena, err);
}

static enum err_code undo(struct fixture *fixture, const char *endpoint,
                          const struct plan_task_spec *spec, int kind)
{
    struct provider_call call = call_for(fixture, endpoint, spec, kind);
    return simulator_provider.undo(&call, &fixture->arena, NULL);
}

static enum provider_presence check(struct fixture *fixture, const char *endpoint,
                                    const struct plan_task_spec *spec, int kind)
{
    struct provider_call call = call_for(fixture, endpoint, spec, kind);
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct plan_task_result result = {0};
    assert_int_equal(simulator_provider.check(&call, &presence, &result, &fixture->arena, NULL),
                     ERR_OK);
    return presence;
}

static void test_a_full_endpoint_is_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(simulator_provider.match("simulator:default", &err), ERR_OK);
    assert_int_equal(simulator_provider.match("simulator:7", &err), ERR_OK);
    assert_int_equal(
        simulator_provider.match("simulator:上海?seed=7&latency_ms=200&transfer_mbps=100&failure=0."
                                 "05&refusal=0&vcpus=64&memory_gib=256&disk_gib=1000&bandwidth_"
                                 "mbps=100&public_ips=3&arch=x86_64,arm64&accelerators=gpu:T4:8",
                                 &err),
        ERR_OK);
}

static void test_a_bad_endpoint_is_refused_with_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        enum err_code code;
        const char *field;
    } cases[] = {
        {"unix:///run/docker.sock", ERR_UNSUPPORTED, ""},
        {"", ERR_UNSUPPORTED, ""},
        {"simulator", ERR_UNSUPPORTED, ""},
        {"simulator:", ERR_INVALID, ""},
        {"simulator:?seed=1", ERR_INVALID, ""},
        {"simulator:a/../b", ERR_INVALID, ""},
        {"simulator:.hidden", ERR_INVALID, ""},
        {"simulator:a\xff", ERR_INVALID, ""},
        {"simulator:a?", ERR_INVALID, ""},
        {"simulator:a?seed", ERR_INVALID, ""},
        {"simulator:a?seed=", ERR_INVALID, ""},
        {"simulator:a?=1", ERR_INVALID, ""},
        {"simulator:a?seed=1&", ERR_INVALID, ""},
        {"simulator:a?seed=-1", ERR_INVALID, "seed"},
        {"simulator:a?seed=1.5", ERR_INVALID, "seed"},
        {"simulator:a?seed=1&seed=1", ERR_INVALID, "seed"},
        {"simulator:a?sed=1", ERR_INVALID, "sed"},
        {"simulator:a?Seed=1", ERR_INVALID, "Seed"},
        {"simulator:a?failure=1.01", ERR_INVALID, "failure"},
        {"simulator:a?failure=-0.1", ERR_INVALID, "failure"},
        {"simulator:a?failure=nan", ERR_INVALID, "failure"},
        {"simulator:a?latency_ms=1e9", ERR_INVALID, "latency_ms"},
        {"simulator:a?latency_ms= 1", ERR_INVALID, "latency_ms"},
        {"simulator:a?vcpus=inf", ERR_INVALID, "vcpus"},
        {"simulator:a?vcpus=1x", ERR_INVALID, "vcpus"},
        {"simulator:a?transfer_mbps=0", ERR_INVALID, "transfer_mbps"},
        {"simulator:a?public_ips=255", ERR_INVALID, "public_ips"},
        {"simulator:a?arch=mips", ERR_INVALID, "arch"},
        {"simulator:a?arch=arm64,arm64", ERR_INVALID, "arch"},
        {"simulator:a?accelerators=gpu:T4", ERR_INVALID, "accelerators"},
        {"simulator:a?accelerators=gpu:T4:0", ERR_INVALID, "accelerators"},
        {"simulator:a?accelerators=gpu:T4:1:2", ERR_INVALID, "accelerators"},
        {"simulator:a?accelerators=tpu:v4:1", ERR_INVALID, "accelerators"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        enum err_code rc = simulator_provider.match(cases[i].endpoint, &err);
        if (rc != cases[i].code || !str_eq(err.field, cases[i].field)) {
            fail_msg("%s: code %d field '%s' text '%s'", cases[i].endpoint, rc, err.field,
                     err.text);
        }
        assert_int_not_equal(err.text[0], '\0');
    }
    char large[2000] = "simulator:a?seed=1";
    memset(large + strlen(large), '1', sizeof large - strlen(large) - 1);
    assert_int_equal(simulator_provider.match(large, NULL), ERR_TOO_LARGE);
}

static void test_discovery_tells_the_capacity_of_the_endpoint(void **state)
{
    struct fixture *fixture = *state;
    struct provider_call call = call_for(
        fixture, "simulator:a?vcpus=64&memory_gib=256&arch=arm64&accelerators=gpu:T4:8", NULL, 0);
    struct provider_discovery found = {0};
    assert_int_equal(simulator_provider.discover(&call, &found, &fixture->arena, NULL), ERR_OK);
    assert_true(found.capacity.vcpus.set);
    assert_float_equal(found.capacity.vcpus.value, 64, 0);
    assert_float_equal(found.capacity.memory_gib.value, 256, 0);
    assert_false(found.capacity.disk_gib.set);
    assert_int_equal(found.arch.count, 1);
    assert_int_equal(found.arch.items[0], ARCH_ARM64);
    assert_int_equal(found.accelerators.count, 1);
    assert_int_equal(found.accelerators.items[0].count, 8);
    assert_false(found.latency_ms.set); /* nothing was measured */
}

static void test_a_result_says_simulated_and_offers_no_url(void **state)
{
    struct fixture *fixture = *state;
    struct plan_task_spec spec = server_spec("swan-a-web-0", 2);
    struct plan_port ports[] = {{.name = "http", .port = 0, .protocol = "http"}};
    spec.ports.items = ports;
    spec.ports.count = 1;
    struct plan_task_result result = {0}, again = {0};
    assert_int_equal(apply(fixture, "simulator:a?seed=7", &spec, TASK_INSTANCE, &result, NULL),
                     ERR_OK);
    assert_true(result.simulated);
    assert_null(result.url);
    assert_non_null(strstr(result.note, "simulated"));
    assert_true(str_has_prefix(result.address, "2001:db8:"));
    assert_int_equal(result.ports.count, 1);
    assert_true(result.ports.items[0].host_port >= 20000);
    assert_int_equal(undo(fixture, "simulator:a?seed=7", &spec, TASK_INSTANCE), ERR_OK);
    assert_int_equal(apply(fixture, "simulator:a?seed=7", &spec, TASK_INSTANCE, &again, NULL),
                     ERR_OK);
    assert_string_equal(result.address, again.address);
    assert_string_equal(result.ref, again.ref);
    struct plan_task_result other = {0};
    assert_int_equal(apply(fixture, "simulator:a?seed=8", &spec, TASK_INSTANCE, &other, NULL),
                     ERR_OK);
    assert_string_not_equal(result.ref, other.ref);
}

static void test_public_addresses_differ_and_run_out(void **state)
{
    struct fixture *fixture = *state;
    const char *endpoint = "simulator:a?public_ips=20";
    bool seen[256] = {false};
    struct err err = ERR_INIT;
    for (int i = 0; i < 20; i++) {
        struct plan_task_spec spec = {.name = arena_printf(&fixture->arena, "swan-ip-%d", i)};
        struct plan_task_result result = {0};
        int host = 0;
        assert_int_equal(apply(fixture, endpoint, &spec, TASK_ADDRESS, &result, &err), ERR_OK);
        assert_int_equal(sscanf(result.address, "203.0.113.%d", &host), 1);
        assert_true(host >= 1 && host <= 254 && !seen[host]);
        seen[host] = true;
    }
    struct plan_task_spec one_more = {.name = "swan-ip-x"};
    struct plan_task_result result = {0};
    assert_int_equal(apply(fixture, endpoint, &one_more, TASK_ADDRESS, &result, &err),
                     ERR_CAPACITY);
    assert_int_equal(check(fixture, endpoint, &one_more, TASK_ADDRESS), PROVIDER_ABSENT_THING);
}

static void test_what_does_not_fit_is_refused_with_figures(void **state)
{
    struct fixture *fixture = *state;
    const char *endpoint = "simulator:a?vcpus=10&accelerators=gpu:T4:2,gpu:A10:1";
    struct plan_task_spec first = server_spec("swan-a-0", 8), second = server_spec("swan-a-1", 4);
    struct plan_task_result result = {0};
    struct err err = ERR_INIT;
    assert_int_equal(apply(fixture, endpoint, &first, TASK_SERVER, &result, &err), ERR_OK);
    assert_int_equal(apply(fixture, endpoint, &second, TASK_SERVER, &result, &err), ERR_CAPACITY);
    assert_non_null(strstr(err.text, "10 vCPUs, 8 are taken, 4 more"));
    first.vcpus.value = 6; /* replacing frees what the old one took */
    assert_int_equal(apply(fixture, endpoint, &first, TASK_SERVER, &result, &err), ERR_OK);
    assert_int_equal(apply(fixture, endpoint, &second, TASK_SERVER, &result, &err), ERR_OK);
    struct plan_task_spec inside = server_spec("swan-a-2", 4); /* runs in a server: takes nothing */
    inside.target = "swan-a-0";
    assert_int_equal(apply(fixture, endpoint, &inside, TASK_INSTANCE, &result, &err), ERR_OK);
    struct requirement_accelerator two = {ACCELERATOR_GPU, "T4", 2},
                                   any = {ACCELERATOR_GPU, NULL, 2};
    struct plan_task_spec gpu = {.name = "swan-a-3", .accelerator = &two};
    assert_int_equal(apply(fixture, endpoint, &gpu, TASK_SERVER, &result, &err), ERR_OK);
    gpu.name = "swan-a-4";
    assert_int_equal(apply(fixture, endpoint, &gpu, TASK_SERVER, &result, &err), ERR_CAPACITY);
    gpu.accelerator = &any; /* one A10 is left */
    assert_int_equal(apply(fixture, endpoint, &gpu, TASK_SERVER, &result, &err), ERR_CAPACITY);
    any.count = 1;
    assert_int_equal(apply(fixture, endpoint, &gpu, TASK_SERVER, &result, &err), ERR_OK);
}

static void test_a_failing_world_fails_the_same_way_twice_and_a_retry_ends_it(void **state)
{
    struct fixture *fixture = *state;
    int attempts[2][20];
    for (int world = 0; world < 2; world++) {
        /* Two folders of state, one endpoint: the same draws. */
        fixture->host.state_dir = arena_printf(&fixture->arena, "%s/%d", fixture->folder, world);
        for (int i = 0; i < 20; i++) {
            struct plan_task_spec spec =
                server_spec(arena_printf(&fixture->arena, "swan-f-%d", i), 1);
            attempts[world][i] = 0;
            struct plan_task_result result = {0};
            struct err err = ERR_INIT;
            enum err_code rc = ERR_TRANSIENT;
            while (rc == ERR_TRANSIENT && attempts[world][i] < 100) {
                attempts[world][i]++;
                rc = apply(fixture, "simulator:a?seed=3&failure=0.5", &spec, TASK_SERVER, &result,
                           &err);
            }
            assert_int_equal(rc, ERR_OK);
        }
    }
    assert_memory_equal(attempts[0], attempts[1], sizeof attempts[0]);
    int total = 0;
    for (int i = 0; i < 20; i++) {
        total += attempts[0][i];
    }
    assert_in_range(total, 25, 70); /* 40 expected of 20 names at one half */
}

static void test_a_refused_name_is_refused_for_good(void **state)
{
    struct fixture *fixture = *state;
    struct plan_task_spec spec = server_spec("swan-r-0", 1);
    struct plan_task_result result = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(apply(fixture, "simulator:a?refusal=1", &spec, TASK_SERVER, &result, NULL),
                         ERR_QUOTA);
    }
    assert_false(err_is_retryable(ERR_QUOTA));
}

static void test_a_half_made_thing_is_broken_until_apply_or_undo_ends_it(void **state)
{
    struct fixture *fixture = *state;
    const char *endpoint = "simulator:a";
    struct plan_task_spec spec = server_spec("swan-h-0", 1);
    struct plan_task_result result = {0};
    assert_int_equal(fault_arm("provider.simulator.apply.half=fail@1", NULL), ERR_OK);
    assert_int_equal(apply(fixture, endpoint, &spec, TASK_SERVER, &result, NULL), ERR_TRANSIENT);
    assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_BROKEN);
    struct provider_call call = call_for(fixture, endpoint, &spec, TASK_SERVER);
    assert_int_equal(simulator_provider.verify(&call, &result, &fixture->arena, NULL),
                     ERR_TRANSIENT);
    assert_int_equal(apply(fixture, endpoint, &spec, TASK_SERVER, &result, NULL), ERR_OK);
    assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_PRESENT);
    fault_disarm();
    assert_int_equal(fault_arm("provider.simulator.undo.half=fail@1", NULL), ERR_OK);
    assert_int_equal(undo(fixture, endpoint, &spec, TASK_SERVER), ERR_TRANSIENT);
    assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_BROKEN);
    assert_int_equal(undo(fixture, endpoint, &spec, TASK_SERVER), ERR_OK);
    assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_ABSENT_THING);
}

static void test_a_record_that_is_no_record_is_broken_and_replaced(void **state)
{
    struct fixture *fixture = *state;
    const char *endpoint = "simulator:a";
    static const char *const records[] = {"", "{", "[]", "{\"name\":\"other\"}", "\xff\xfe"};
    struct plan_task_spec spec = server_spec("swan-c-0", 1);
    struct plan_task_result result = {0};
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        assert_int_equal(apply(fixture, endpoint, &spec, TASK_SERVER, &result, NULL), ERR_OK);
        char *path = arena_printf(&fixture->arena, "%s/swan-c-0.json",
                                  simulator_folder(fixture->folder, endpoint, &fixture->arena));
        assert_int_equal(file_write_atomic(path, records[i], strlen(records[i]), 0600, NULL),
                         ERR_OK);
        assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_BROKEN);
        struct provider_call call = call_for(fixture, endpoint, NULL, 0);
        struct provider_observations seen = {{0}};
        assert_int_equal(simulator_provider.observe(&call, "swan-", &seen, &fixture->arena, NULL),
                         ERR_OK);
        assert_int_equal(seen.items.count, 1);
        assert_false(seen.items.items[0].up);
        if (i % 2 == 0) {
            assert_int_equal(undo(fixture, endpoint, &spec, TASK_SERVER), ERR_OK);
            assert_int_equal(check(fixture, endpoint, &spec, TASK_SERVER), PROVIDER_ABSENT_THING);
        }
    }
}

static void test_a_name_cannot_leave_the_folder(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"../x", "a/b", "", ".x", "a\nb"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct plan_task_spec spec = server_spec(names[i], 1);
        struct plan_task_result result = {0};
        assert_int_equal(apply(fixture, "simulator:a", &spec, TASK_SERVER, &result, NULL),
                         ERR_INVALID);
        assert_int_equal(undo(fixture, "simulator:a", &spec, TASK_SERVER), ERR_INVALID);
    }
}

static void test_an_address_needs_its_target_and_a_check_asks_it(void **state)
{
    struct fixture *fixture = *state;
    const char *endpoint = "simulator:a";
    struct plan_task_spec server = server_spec("swan-t-0", 1);
    struct plan_task_spec address = {.name = "swan-t-ip", .target = "swan-t-0"};
    struct plan_task_spec probe = {.name = "swan-t-check", .target = "swan-t-0"};
    struct plan_task_result result = {0};
    assert_int_equal(apply(fixture, endpoint, &address, TASK_ADDRESS, &result, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(check(fixture, endpoint, &probe, TASK_CHECK), PROVIDER_ABSENT_THING);
    assert_int_equal(apply(fixture, endpoint, &probe, TASK_CHECK, &result, NULL), ERR_NOT_FOUND);
    assert_int_equal(apply(fixture, endpoint, &server, TASK_SERVER, &result, NULL), ERR_OK);
    assert_int_equal(apply(fixture, endpoint, &address, TASK_ADDRESS, &result, NULL), ERR_OK);
    assert_int_equal(apply(fixture, endpoint, &probe, TASK_CHECK, &result, NULL), ERR_OK);
    assert_true(result.simulated);
    assert_int_equal(check(fixture, endpoint, &probe, TASK_CHECK), PROVIDER_PRESENT);
    assert_int_equal(undo(fixture, endpoint, &probe, TASK_CHECK), ERR_OK);
    assert_int_equal(check(fixture, endpoint, &server, TASK_SERVER), PROVIDER_PRESENT);
}

static bool cancel_after_two_polls(void *ctx)
{
    return ++*(int *)ctx > 2;
}

static void test_time_passes_as_the_endpoint_says_and_can_be_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct plan_task_spec spec = server_spec("swan-l-0", 1);
    struct plan_task_result result = {0};
    int64_t start = clock_mono_ms();
    assert_int_equal(
        apply(fixture, "simulator:a?latency_ms=100", &spec, TASK_SERVER, &result, NULL), ERR_OK);
    assert_true(clock_mono_ms() - start >= 50); /* half of the mean is the floor */
    int polls = 0;
    struct provider_call call =
        call_for(fixture, "simulator:b?latency_ms=60000", &spec, TASK_SERVER);
    call.cancel = cancel_after_two_polls;
    call.ctx = &polls;
    start = clock_mono_ms();
    assert_int_equal(simulator_provider.apply(&call, &result, &fixture->arena, NULL),
                     ERR_CANCELLED);
    assert_true(clock_mono_ms() - start < 5000);
    assert_int_equal(check(fixture, "simulator:b?latency_ms=60000", &spec, TASK_SERVER),
                     PROVIDER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_full_endpoint_is_read),
        TEST(test_a_bad_endpoint_is_refused_with_its_key),
        TEST(test_discovery_tells_the_capacity_of_the_endpoint),
        TEST(test_a_result_says_simulated_and_offers_no_url),
        TEST(test_public_addresses_differ_and_run_out),
        TEST(test_what_does_not_fit_is_refused_with_figures),
        TEST(test_a_failing_world_fails_the_same_way_twice_and_a_retry_ends_it),
        TEST(test_a_refused_name_is_refused_for_good),
        TEST(test_a_half_made_thing_is_broken_until_apply_or_undo_ends_it),
        TEST(test_a_record_that_is_no_record_is_broken_and_replaced),
        TEST(test_a_name_cannot_leave_the_folder),
        TEST(test_an_address_needs_its_target_and_a_check_asks_it),
        TEST(test_time_passes_as_the_endpoint_says_and_can_be_cancelled),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
