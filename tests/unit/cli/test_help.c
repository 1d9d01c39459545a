/* test_help.c - help, completion, exit codes of what goes wrong before any server is asked. */
#include "cli_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static void test_every_command_has_help_and_every_noun(void **state)
{
    (void)state;
    const struct cli_hooks none = {0};
    const struct cli_command *command;
    size_t seen = 0;
    for (; (command = cli_command_at(&none, seen)); seen++) {
        CLEANUP(ran_done)
        struct ran ran = command->verb ? run_cli(NULL, command->noun, command->verb, "--help", NULL)
                                       : run_cli(NULL, command->noun, "-h", NULL);
        assert_int_equal(ran.code, 0);
        assert_has(&ran.out, "Usage: swan ");
        assert_has(&ran.out, command->noun);
        assert_has(&ran.out, "--output FORMAT");
        bool known = command->hidden;
        for (size_t n = 0; n < cli_noun_count; n++)
            known = known || str_eq(cli_nouns[n].name, command->noun);
        assert_true(known);
    }
    assert_true(seen > 50);
}

static void test_help_of_a_command_is_as_written(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "order", "create", "--help", NULL);
    assert_string_equal(buf_str(&ran.out),
                        "swan order create - order a confirmed candidate\n"
                        "\n"
                        "Usage: swan order create SOLUTION [OPTIONS]\n"
                        "\n"
                        "Arguments:\n"
                        "  SOLUTION                id of a solution set\n"
                        "\n"
                        "Options:\n"
                        "  --choice N              number of the candidate, from 1\n"
                        "  -y, --yes               do not ask\n"
                        "\n"
                        "Options of every command:\n"
                        "  -o, --output FORMAT     table (for people), json or yaml\n"
                        "  --server URL            address of the server (SWAN_SERVER)\n"
                        "  --token TOKEN           token that says who you are (SWAN_TOKEN)\n"
                        "  --timeout TIME          how long one call may take; 60s if not said\n"
                        "  --lang LANG             language: en or zh (SWAN_LANG, LANG)\n"
                        "  --no-color              no colours (NO_COLOR)\n"
                        "  -q, --quiet             print only what a script needs\n"
                        "  -h, --help              show help\n"
                        "  -V, --version           show the version\n"
                        "\n"
                        "A candidate that is not confirmed yet is confirmed by --yes, or by saying "
                        "so when asked.\n");
}

static void test_usage_errors_exit_with_2_and_say_what_to_do(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran none = run_cli(NULL, NULL);
    assert_int_equal(none.code, 2);
    CLEANUP(ran_done) struct ran typo = run_cli(NULL, "lunch", "x", NULL);
    assert_int_equal(typo.code, 2);
    assert_has(&typo.err, "did you mean 'launch'?");
    assert_int_equal(typo.out.len, 0);
    CLEANUP(ran_done)
    struct ran no_file = run_cli(NULL, "solution", "design", "--network", "/nonexistent.yaml",
                                 "--requirement", "x", NULL);
    assert_int_equal(no_file.code, 2);
    assert_has(&no_file.err, "/nonexistent.yaml");
}

static void check_bash(const char *script, const char *tail, const char *expected)
{
    char path[] = "/tmp/swan-completion-XXXXXX";
    char command[128], line[4096] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, script, strlen(script)) == (ssize_t)strlen(script));
    assert_true(write(fd, tail, strlen(tail)) == (ssize_t)strlen(tail));
    close(fd);
    str_format(command, sizeof command, "bash -n %s && bash %s", path, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    if (!fgets(line, sizeof line, pipe))
        line[0] = '\0';
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, expected);
}

static void test_bash_completes_verbs_options_and_choices(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "completion", "bash", NULL);
    assert_int_equal(ran.code, 0);
    check_bash(buf_str(&ran.out),
               "COMP_WORDS=(swan deployment ''); COMP_CWORD=2; _swan; echo \"${COMPREPLY[*]}\"\n",
               "list show delete");
    check_bash(buf_str(&ran.out),
               "COMP_WORDS=(swan launch x --obj); COMP_CWORD=3; _swan; echo \"${COMPREPLY[*]}\"\n",
               "--objective");
    check_bash(
        buf_str(&ran.out),
        "COMP_WORDS=(swan launch --objective ''); COMP_CWORD=3; _swan; echo \"${COMPREPLY[*]}\"\n",
        "cost latency reliability green");
    check_bash(buf_str(&ran.out),
               "COMP_WORDS=(swan -o json de); COMP_CWORD=3; _swan; echo \"${COMPREPLY[*]}\"\n",
               "deployment");
}

static void test_zsh_completion_is_made_and_other_shells_are_refused(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran zsh = run_cli(NULL, "completion", "zsh", NULL);
    assert_int_equal(zsh.code, 0);
    assert_has(&zsh.out, "#compdef swan");
    assert_lacks(&zsh.out, " words='");
    CLEANUP(ran_done) struct ran fish = run_cli(NULL, "completion", "fish", NULL);
    assert_int_equal(fish.code, 2);
}

static void test_a_missing_server_is_said_with_the_way_to_start_one(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "site", "list", NULL);
    assert_int_equal(ran.code, 1);
    assert_has(&ran.err, "no server answers at http://127.0.0.1:1");
    assert_has(&ran.err, "./run");
    assert_int_equal(ran.out.len, 0);
}

int help_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_has_help_and_every_noun),
        cmocka_unit_test(test_help_of_a_command_is_as_written),
        cmocka_unit_test(test_usage_errors_exit_with_2_and_say_what_to_do),
        cmocka_unit_test(test_bash_completes_verbs_options_and_choices),
        cmocka_unit_test(test_zsh_completion_is_made_and_other_shells_are_refused),
        cmocka_unit_test(test_a_missing_server_is_said_with_the_way_to_start_one),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
