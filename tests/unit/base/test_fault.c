/* test_fault.c - arming, counting and going off. */
#include "base_tests.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"

static int disarm(void **state)
{
    (void)state;
    fault_disarm();
    unsetenv("SWAN_FAULTS");
    return 0;
}

static void test_nothing_armed_costs_nothing_and_does_nothing(void **state)
{
    (void)state;
    assert_false(fault_armed_);
    assert_ok(FAULT_POINT("a.b", NULL));
    assert_int_equal(fault_fired(), 0);
}

static void test_each_failing_action_has_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        enum err_code code;
    } cases[] = {
        {"a.b=fail", ERR_TRANSIENT},
        {"a.b=io", ERR_IO},
        {"a.b=permanent", ERR_POLICY},
        {"a.b=timeout", ERR_TIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        assert_ok(fault_arm(cases[i].spec, &err));
        assert_true(fault_armed_);
        assert_int_equal(FAULT_POINT("a.b", &err), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.text, "'a.b'"));
        assert_ok(FAULT_POINT("a.bc", &err));
        assert_ok(FAULT_POINT("a", &err));
        assert_int_equal(fault_fired(), 1);
        fault_disarm();
        assert_ok(FAULT_POINT("a.b", &err));
        assert_int_equal(fault_fired(), 0);
    }
}

/* The hits of 1…8 at which a fault goes off, as a bit string. */
static void check_pattern(const char *spec, const char *wanted)
{
    fault_disarm();
    assert_ok(fault_arm(spec, NULL));
    for (; *wanted; wanted++)
        assert_int_equal(FAULT_POINT("store.commit", NULL) != ERR_OK, *wanted == 'x');
}

static void test_hits_are_counted_as_the_spec_says(void **state)
{
    (void)state;
    check_pattern("store.commit=fail", "xxxxxxxx");
    check_pattern("store.commit=fail@1", "x.......");
    check_pattern("store.commit=fail@3", "..x.....");
    check_pattern("store.commit=fail@3+", "..xxxxxx");
    check_pattern("store.commit=fail@2;store.commit=io@5", ".x..x...");
    check_pattern("store.*=fail@2", ".x......");
    check_pattern("*=fail@4+", "...xxxxx");
    check_pattern("other.*=fail;store.commi=fail;store.commit.x=fail", "........");
}

static void test_a_prefix_counts_the_hits_of_all_its_points(void **state)
{
    (void)state;
    assert_ok(fault_arm("store.*=fail@3", NULL));
    assert_ok(FAULT_POINT("store.a", NULL));
    assert_ok(FAULT_POINT("wire.a", NULL));
    assert_ok(FAULT_POINT("store.b", NULL));
    assert_int_equal(FAULT_POINT("store.a", NULL), ERR_TRANSIENT);
}

static void test_the_first_failing_fault_decides_and_all_count(void **state)
{
    (void)state;
    assert_ok(fault_arm("a=io@2;a=timeout", NULL));
    assert_int_equal(FAULT_POINT("a", NULL), ERR_TIMEOUT);
    assert_int_equal(FAULT_POINT("a", NULL), ERR_IO);
    assert_int_equal(fault_fired(), 3);
}

static void test_arming_adds_to_what_is_armed(void **state)
{
    (void)state;
    assert_ok(fault_arm("a=io", NULL));
    assert_ok(fault_arm("b=timeout", NULL));
    assert_int_equal(FAULT_POINT("a", NULL), ERR_IO);
    assert_int_equal(FAULT_POINT("b", NULL), ERR_TIMEOUT);
}

static void test_a_bad_spec_is_refused_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ";",
        "a",
        "=fail",
        "a=",
        "a=explode",
        "a=fail@",
        "a=fail@0",
        "a=fail@-1",
        "a=fail@+1",
        "a=fail@x",
        "a=fail@1x",
        "a=fail@+",
        "a=fail@1++",
        "a=delay",
        "a=delay:",
        "a=delay:x",
        "a=delay:-5",
        "a=delay:1s",
        "a=delay:99999999999",
        "A=fail",
        "a b=fail",
        "a*b=fail",
        "a**=fail",
        "a=fail;",
        ";a=fail",
        "a=fail;;b=io",
        "a=fail;b=boom",
        "a=FAIL",
        "a=fail @1",
        "a=fail@99999999999999999999",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=fail",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        if (fault_arm(bad[i], &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_true(err.text[0] != '\0');
        assert_false(fault_armed_);
        assert_ok(FAULT_POINT("a", NULL));
    }
    assert_int_equal(fault_arm(NULL, NULL), ERR_INVALID);
}

static void test_too_many_faults_are_refused_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 31; i++)
        assert_ok(fault_arm("a=io@1000", NULL));
    assert_int_equal(fault_arm("b=io;b=io", NULL), ERR_TOO_LARGE);
    assert_ok(FAULT_POINT("b", NULL));
    assert_ok(fault_arm("b=io", NULL));
    assert_int_equal(FAULT_POINT("b", NULL), ERR_IO);
}

static void test_a_delay_takes_its_time_and_succeeds(void **state)
{
    (void)state;
    assert_ok(fault_arm("a=delay:30@2", NULL));
    assert_ok(FAULT_POINT("a", NULL));
    int64_t before = clock_mono_ms();
    assert_ok(FAULT_POINT("a", NULL));
    assert_true(clock_mono_ms() - before >= 29);
    assert_int_equal(fault_fired(), 1);
}

static void hit_twice(void *ctx)
{
    fault_arm(ctx, NULL);
    (void)FAULT_POINT("a", NULL);
    (void)FAULT_POINT("a", NULL);
}

static void test_kill_ends_the_process_by_sigkill_at_its_hit(void **state)
{
    (void)state;
    int status = run_in_child(hit_twice, "a=kill@2", NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    status = run_in_child(hit_twice, "a=kill@3", NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_the_environment_arms_and_its_errors_say_so(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(fault_arm_environment(&err));
    assert_false(fault_armed_);
    setenv("SWAN_FAULTS", "", 1);
    assert_ok(fault_arm_environment(&err));
    assert_false(fault_armed_);
    setenv("SWAN_FAULTS", "a=boom", 1);
    assert_int_equal(fault_arm_environment(&err), ERR_INVALID);
    assert_memory_equal(err.text, "SWAN_FAULTS: ", 13);
    setenv("SWAN_FAULTS", "a=io", 1);
    assert_ok(fault_arm_environment(&err));
    assert_int_equal(FAULT_POINT("a", NULL), ERR_IO);
}

static void *hit_often(void *unused)
{
    (void)unused;
    size_t failed = 0;
    for (int i = 0; i < 10000; i++)
        failed += FAULT_POINT("a", NULL) != ERR_OK;
    return (void *)failed;
}

static void test_threads_share_one_count(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    assert_ok(fault_arm("a=io@20001+", NULL));
    pthread_t threads[THREADS];
    size_t failed = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_often, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *count;
        pthread_join(threads[i], &count);
        failed += (size_t)count;
    }
    assert_int_equal(failed, 20000);
    assert_int_equal(fault_fired(), 20000);
}

int run_fault_tests(void)
{
#define FAULT_TEST(fn) cmocka_unit_test_setup_teardown(fn, disarm, disarm)
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_nothing_armed_costs_nothing_and_does_nothing),
        FAULT_TEST(test_each_failing_action_has_its_code),
        FAULT_TEST(test_hits_are_counted_as_the_spec_says),
        FAULT_TEST(test_a_prefix_counts_the_hits_of_all_its_points),
        FAULT_TEST(test_the_first_failing_fault_decides_and_all_count),
        FAULT_TEST(test_arming_adds_to_what_is_armed),
        FAULT_TEST(test_a_bad_spec_is_refused_whole),
        FAULT_TEST(test_too_many_faults_are_refused_whole),
        FAULT_TEST(test_a_delay_takes_its_time_and_succeeds),
        FAULT_TEST(test_kill_ends_the_process_by_sigkill_at_its_hit),
        FAULT_TEST(test_the_environment_arms_and_its_errors_say_so),
        FAULT_TEST(test_threads_share_one_count),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
