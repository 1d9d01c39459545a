/* Commands and files over a real sshd, started here by tests/testbed/sshd.sh. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "wire/ssh.h"
#include "wire_test.h"

static char dir[64], key[96], known_hosts[96];
static int port;
static const char *user;
static bool there;

static int set_up(void **state)
{
    (void)state;
    there = shell("command -v sshd >/dev/null 2>&1 || test -x /usr/sbin/sshd") == 0;
    if (!there)
        return 0;
    temp_dir_make(dir);
    snprintf(key, sizeof key, "%s/key", dir);
    snprintf(known_hosts, sizeof known_hosts, "%s/known_hosts", dir);
    struct passwd *me = getpwuid(geteuid());
    user = me ? me->pw_name : "root";
    if (shell("'%s' up %s", WIRE_TEST_SSHD, dir) != 0)
        return 1;
    char path[96];
    snprintf(path, sizeof path, "%s/port", dir);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (file_read(path, 64, &text, NULL))
        return 1;
    port = atoi(text.data);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (!there)
        return 0;
    int rc = shell("'%s' down %s", WIRE_TEST_SSHD, dir);
    temp_dir_remove(dir);
    return rc;
}

static struct ssh_options options(void)
{
    return (struct ssh_options){.host = "127.0.0.1",
                                .user = user,
                                .port = port,
                                .key_file = key,
                                .known_hosts = known_hosts};
}

static struct ssh *open_session(void)
{
    if (!there)
        skip();
    struct ssh_options with = options();
    struct ssh *ssh = NULL;
    struct err err = ERR_INIT;
    if (ssh_open(&with, &ssh, &err))
        fail_msg("%s", err.text);
    return ssh;
}

static void test_a_command_gives_output_errors_and_status(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    CLEANUP(buf_done) struct buf errors = BUF_INIT;
    int status = -1;
    struct err err = ERR_INIT;
    buf_add_str(&out, "before ");
    assert_int_equal(
        ssh_run(ssh, "cat; echo oops >&2; exit 7", "in", 2, &out, &errors, &status, 5000, &err),
        ERR_OK);
    assert_string_equal(out.data, "before in");
    assert_string_equal(errors.data, "oops\n");
    assert_int_equal(status, 7);
    assert_int_equal(ssh_run(ssh, "true", NULL, 0, NULL, NULL, &status, 0, &err), ERR_OK);
    assert_int_equal(status, 0);
    assert_int_equal(ssh_run(ssh, "kill -TERM $$", NULL, 0, NULL, NULL, &status, 5000, &err),
                     ERR_OK);
    assert_int_equal(status, 128 + 15);
    ssh_close(ssh);
}

static void test_much_output_and_much_input_at_once_do_not_lock(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    size_t size = (size_t)6 << 20;
    char *input = mem_alloc(size);
    for (size_t i = 0; i < size; i++)
        input[i] = (char)(i % 251);
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    CLEANUP(buf_done) struct buf errors = BUF_INIT;
    int status = -1;
    struct err err = ERR_INIT;
    if (ssh_run(ssh, "tee /dev/stderr", input, size, &out, &errors, &status, 30000, &err))
        fail_msg("%s", err.text);
    assert_int_equal(out.len, size);
    assert_int_equal(errors.len, size);
    assert_memory_equal(out.data, input, size);
    assert_memory_equal(errors.data, input, size);
    mem_free(input);
    ssh_close(ssh);
}

static void test_too_much_output_and_too_much_time_end_a_command(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_init(&out, 1000);
    buf_add_str(&out, "kept");
    int status = -1;
    struct err err = ERR_INIT;
    assert_int_equal(ssh_run(ssh, "yes", NULL, 0, &out, NULL, &status, 20000, &err), ERR_TOO_LARGE);
    assert_string_equal(out.data, "kept");
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(ssh_run(ssh, "sleep 4", NULL, 0, &out, NULL, &status, 500, &err), ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start_ms < 3000);
    assert_int_equal(status, -1);
    /* The session serves on. */
    assert_int_equal(ssh_run(ssh, "echo -n ' on'", NULL, 0, &out, NULL, &status, 5000, &err),
                     ERR_OK);
    assert_string_equal(out.data, "kept on");
    ssh_close(ssh);
}

static void test_quoted_text_reaches_the_command_unchanged(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    const char *texts[] = {"",         "plain", "a b", "it's", "$(id) `id` \\ \" ; & | > <",
                           "-n\n\t*?", "算网",  "''"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(buf_done) struct buf command = BUF_INIT;
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        int status = -1;
        buf_add_str(&command, "printf %s ");
        ssh_quote(&command, texts[i]);
        assert_int_equal(ssh_run(ssh, command.data, NULL, 0, &out, NULL, &status, 5000, NULL),
                         ERR_OK);
        assert_string_equal(buf_str(&out), texts[i]);
    }
    ssh_close(ssh);
}

struct progress {
    double last;
    int calls, cancel_after;
};

static bool on_progress(void *ctx, double share)
{
    struct progress *progress = ctx;
    assert_true(share >= progress->last && share <= 1);
    progress->last = share;
    return ++progress->calls != progress->cancel_after;
}

static void test_an_upload_replaces_the_file_whole_or_not_at_all(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    char local[96], remote[96];
    snprintf(local, sizeof local, "%s/local", dir);
    snprintf(remote, sizeof remote, "%s/target/it's here", dir);
    assert_int_equal(shell("mkdir %s/target && head -c 5000001 /dev/urandom >%s", dir, local), 0);
    struct progress progress = {0};
    struct err err = ERR_INIT;
    if (ssh_upload(ssh, local, remote, 0750, on_progress, &progress, &err))
        fail_msg("%s", err.text);
    assert_true(progress.calls > 10 && progress.last == 1);
    assert_int_equal(shell("cmp -s %s \"%s\"", local, remote), 0);
    struct stat status;
    assert_int_equal(stat(remote, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
    /* Cancelled: the old file stays, nothing else is left. */
    assert_int_equal(shell("cp %s %s/old && echo new >%s && head -c 3000000 /dev/zero >>%s", local,
                           dir, local, local),
                     0);
    progress = (struct progress){.cancel_after = 5};
    assert_int_equal(ssh_upload(ssh, local, remote, 0644, on_progress, &progress, &err),
                     ERR_CANCELLED);
    assert_int_equal(shell("cmp -s %s/old \"%s\"", dir, remote), 0);
    assert_int_equal(shell("test $(ls %s/target | wc -l) -eq 1", dir), 0);
    /* Over an existing file. */
    assert_int_equal(ssh_upload(ssh, local, remote, 0644, NULL, NULL, &err), ERR_OK);
    assert_int_equal(shell("cmp -s %s \"%s\"", local, remote), 0);
    assert_int_equal(shell("test $(ls %s/target | wc -l) -eq 1", dir), 0);
    char folder[96];
    snprintf(folder, sizeof folder, "%s/target", dir);
    assert_int_equal(ssh_upload(ssh, local, folder, 0644, NULL, NULL, &err), ERR_CONFLICT);
    assert_int_equal(shell("test $(ls %s/target | wc -l) -eq 1", dir), 0);
    /* An empty file, and places that do not exist. */
    assert_int_equal(shell(": >%s", local), 0);
    assert_int_equal(ssh_upload(ssh, local, remote, 0644, NULL, NULL, &err), ERR_OK);
    assert_int_equal(stat(remote, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_int_equal(ssh_upload(ssh, local, "/nonexistent/x", 0644, NULL, NULL, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(ssh_upload(ssh, "/nonexistent/x", remote, 0644, NULL, NULL, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(ssh_upload(ssh, dir, remote, 0644, NULL, NULL, &err), ERR_INVALID);
    /* The session still serves commands. */
    int code = -1;
    assert_int_equal(ssh_run(ssh, "true", NULL, 0, NULL, NULL, &code, 5000, &err), ERR_OK);
    ssh_close(ssh);
}

static void test_unknown_hosts_changed_keys_and_wrong_keys_are_refused(void **state)
{
    (void)state;
    if (!there)
        skip();
    struct ssh *ssh = NULL;
    struct err err = ERR_INIT;
    char path[96];
    struct ssh_options with = options();
    with.known_hosts = path;
    snprintf(path, sizeof path, "%s/none", dir);
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_CREDENTIAL);
    assert_non_null(strstr(err.text, "SHA256:"));
    assert_true(err.hint[0] != '\0');
    assert_false(file_exists(path));
    snprintf(path, sizeof path, "%s/changed", dir);
    assert_int_equal(shell("ssh-keygen -q -t ed25519 -N '' -f %s/wrong && "
                           "printf '[127.0.0.1]:%d %%s\\n' \"$(cut -d' ' -f1,2 %s/wrong.pub)\" >%s",
                           dir, port, dir, path),
                     0);
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_CREDENTIAL);
    assert_non_null(strstr(err.text, "not the known one"));
    with = options();
    snprintf(path, sizeof path, "%s/wrong", dir);
    with.key_file = path;
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_CREDENTIAL);
    assert_non_null(strstr(err.text, "does not let"));
    with.key_file = "/nonexistent/key";
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_CREDENTIAL);
    with.host = "";
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_INVALID);
    assert_null(ssh);
}

static void test_no_server_and_a_silent_server_are_told_apart(void **state)
{
    (void)state;
    if (!there)
        skip();
    struct ssh *ssh = NULL;
    struct err err = ERR_INIT;
    struct ssh_options with = options();
    /* A server that accepts and says nothing. */
    struct test_server *silent = test_server_start(NULL);
    with.port = test_server_port(silent);
    with.timeout_ms = 700;
    int64_t start_ms = clock_mono_ms();
    enum err_code rc = ssh_open(&with, &ssh, &err);
    assert_true(rc == ERR_TIMEOUT || rc == ERR_TRANSIENT);
    assert_true(clock_mono_ms() - start_ms < 5000);
    test_server_stop(silent);
    assert_int_equal(ssh_open(&with, &ssh, &err), ERR_TRANSIENT);
    assert_null(ssh);
}

static void test_fault_points_fail_what_they_name(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    struct ssh *second = NULL;
    struct ssh_options with = options();
    int status = -1;
    assert_int_equal(fault_arm("wire.ssh_*=io", NULL), ERR_OK);
    assert_int_equal(ssh_open(&with, &second, NULL), ERR_IO);
    assert_int_equal(ssh_run(ssh, "true", NULL, 0, NULL, NULL, &status, 0, NULL), ERR_IO);
    assert_int_equal(ssh_upload(ssh, key, "/tmp/never", 0600, NULL, NULL, NULL), ERR_IO);
    fault_disarm();
    assert_false(file_exists("/tmp/never"));
    ssh_close(ssh);
}

static void test_a_session_whose_server_died_says_so(void **state)
{
    (void)state;
    struct ssh *ssh = open_session();
    int status = -1;
    struct err err = ERR_INIT;
    /* The command ends the sshd process that serves this session. */
    enum err_code rc =
        ssh_run(ssh, "kill -KILL $PPID; sleep 5", NULL, 0, NULL, NULL, &status, 10000, &err);
    assert_int_equal(rc, ERR_TRANSIENT);
    assert_int_equal(ssh_run(ssh, "true", NULL, 0, NULL, NULL, &status, 3000, &err), ERR_TRANSIENT);
    assert_int_equal(ssh_upload(ssh, key, "/tmp/never", 0600, NULL, NULL, &err), ERR_TRANSIENT);
    ssh_close(ssh);
}

int wire_ssh_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_gives_output_errors_and_status),
        cmocka_unit_test(test_much_output_and_much_input_at_once_do_not_lock),
        cmocka_unit_test(test_too_much_output_and_too_much_time_end_a_command),
        cmocka_unit_test(test_quoted_text_reaches_the_command_unchanged),
        cmocka_unit_test(test_an_upload_replaces_the_file_whole_or_not_at_all),
        cmocka_unit_test(test_unknown_hosts_changed_keys_and_wrong_keys_are_refused),
        cmocka_unit_test(test_no_server_and_a_silent_server_are_told_apart),
        cmocka_unit_test(test_fault_points_fail_what_they_name),
        cmocka_unit_test(test_a_session_whose_server_died_says_so),
    };
    return cmocka_run_group_tests_name("ssh", tests, set_up, tear_down);
}
