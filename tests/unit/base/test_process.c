/* test_process.c - a program beside us: its pipes, its group, what cannot be started. */
#include "base_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"

static int start(const char *file, char *const argv[], int out[2], pid_t *pid)
{
    char *envp[] = {NULL};
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(in >= 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    int why = process_spawn(file, argv, envp, (const int[3]){in, out[1], out[1]}, pid);
    process_close_at(&in);
    process_close_at(&out[1]);
    return why;
}

static void test_a_program_speaks_through_its_pipes_in_a_group_of_its_own(void **state)
{
    char *argv[] = {"sh", "-c", "echo out; echo err >&2; kill -TERM 0; exit 3", NULL};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    int out[2], status = 0;
    pid_t pid;
    (void)state;
    assert_int_equal(start("/bin/sh", argv, out, &pid), 0);
    while (out[0] >= 0)
        process_take(&out[0], &text, 1000);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_string_equal(buf_str(&text), "out\nerr\n");
    assert_true(WIFSIGNALED(status)); /* its whole group, and we are still here */
}

static void test_no_more_is_taken_than_wanted(void **state)
{
    char *argv[] = {"sh", "-c", "printf 123; sleep 0; printf 456", NULL};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    int out[2];
    pid_t pid;
    (void)state;
    assert_int_equal(start("/bin/sh", argv, out, &pid), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (out[0] >= 0)
        process_take(&out[0], &text, 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(out[0], -1);
}

static void test_a_program_that_is_not_there_is_an_errno(void **state)
{
    char *argv[] = {"none", NULL};
    int out[2];
    pid_t pid;
    (void)state;
    assert_int_equal(start("/nowhere/none", argv, out, &pid), ENOENT);
    process_close_at(&out[0]);
}

int run_process_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_speaks_through_its_pipes_in_a_group_of_its_own),
        cmocka_unit_test(test_no_more_is_taken_than_wanted),
        cmocka_unit_test(test_a_program_that_is_not_there_is_an_errno),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
