/* main.c - the unit tests of base's core, a group for each header. */
#include "base_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *path = mem_printf("%s/swan-test-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(path)) {
        perror(path);
        mem_free(path);
        return -1;
    }
    *state = path;
    return 0;
}

int remove_folder(void **state)
{
    struct err err = ERR_INIT;
    enum err_code code = file_remove_tree(*state, &err);
    if (code)
        fprintf(stderr, "%s\n", err.text);
    mem_free(*state);
    return code ? -1 : 0;
}

int run_in_child(void (*fn)(void *ctx), void *ctx, char **ret_stderr)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn(ctx);
        _exit(0);
    }
    close(ends[1]);
    struct buf text = BUF_INIT;
    char chunk[4096];
    ssize_t got;
    while ((got = read(ends[0], chunk, sizeof chunk)) > 0)
        buf_add(&text, chunk, (size_t)got);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (ret_stderr)
        *ret_stderr = buf_take(&text);
    buf_done(&text);
    return status;
}

int main(void)
{
    int failed = 0;
    failed += run_err_tests();
    failed += run_mem_tests();
    failed += run_arena_tests();
    failed += run_buf_tests();
    failed += run_str_tests();
    failed += run_map_tests();
    failed += run_dag_tests();
    failed += run_clock_tests();
    failed += run_rand_tests();
    failed += run_id_tests();
    failed += run_log_tests();
    failed += run_fault_tests();
    failed += run_file_tests();
    failed += run_process_tests();
    return failed ? 1 : 0;
}
