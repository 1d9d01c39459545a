/* test_commands.c - lists, login, deletes, engines, against a scripted server or none. */
#include "cli_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static const char page_1[] =
    "{\"items\":[{\"id\":\"local\",\"collection\":\"sites\",\"version\":3,\"spec\":{\"id\":"
    "\"local\",\"name\":\"本机\\u001b[2J\",\"tier\":\"edge\",\"capacity\":{\"vcpus\":8}},"
    "\"status\":"
    "{\"state\":\"up\"}}],\"next\":\"c1\",\"position\":9}";
static const char page_2[] =
    "{\"items\":[{\"id\":\"b\",\"spec\":{\"id\":\"b\",\"tier\":\"new-tier\"}}],"
    "\"position\":9}";

static void test_lists_follow_the_cursor_and_escape_what_they_show(void **state)
{
    static const struct step steps[] = {
        {"GET", "/api/v1/sites", 0, page_1},
        {"GET", "/api/v1/sites", 0, page_2},
    };
    static struct world world;
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "site", "list", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "ID     NAME");
    assert_has(&ran.out, "本机\\x1b[2J");
    assert_has(&ran.out, "new-tier");
    world_stop(&world);
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran quiet = run_cli(NULL, "site", "list", "-q", NULL);
    assert_string_equal(buf_str(&quiet.out), "local\nb\n");
    world_stop(&world);
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran json = run_cli(NULL, "site", "list", "-o", "json", NULL);
    struct json_doc *doc = NULL;
    assert_int_equal(json_parse(buf_str(&json.out), json.out.len, NULL, &doc, NULL), ERR_OK);
    assert_int_equal(json_size(json_get(json_root(doc), "items")), 2);
    json_doc_free(doc);
    world_stop(&world);
}

static void test_login_keeps_the_token_for_its_server_alone(void **state)
{
    static const struct step steps[] = {
        {"GET", "/api/v1/whoami", 0,
         "{\"user\":\"admin\",\"tenant\":\"\",\"role\":\"admin\",\"all_tenants\":true}"},
    };
    static struct world world;
    struct stat status;
    char home[] = "/tmp/swan-cli-XXXXXX", path[128];
    (void)state;
    assert_non_null(mkdtemp(home));
    setenv("TEST_HOME", "1", 1);
    setenv("HOME", home, 1);
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran wrong = run_cli(NULL, "login", "--token", "swan_bad", NULL);
    assert_int_equal(wrong.code, 2);
    str_format(path, sizeof path, "%s/.config/swan/context.json", home);
    assert_false(file_exists(path));
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "login", "--token", "swan_right", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "as admin (admin)");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    setenv("SWAN_TOKEN", "", 1); /* the file's token from here on */
    CLEANUP(ran_done) struct ran known = run_cli(NULL, "whoami", NULL);
    assert_int_equal(known.code, 0);
    CLEANUP(ran_done)
    struct ran other = run_cli(NULL, "whoami", "--server", "http://localhost:1", NULL);
    assert_int_equal(other.code, 1);
    unsetenv("SWAN_TOKEN");
    unsetenv("TEST_HOME");
    world_stop(&world);
    assert_int_equal(file_remove_tree(home, NULL), ERR_OK);
}

static void test_deleting_needs_a_yes(void **state)
{
    static const struct step steps[] = {{"DELETE", "/api/v1/sites/local", 204, ""}};
    static struct world world;
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran asked = run_cli("y\n", "site", "delete", "local", NULL);
    assert_int_equal(asked.code, 2);
    assert_int_equal(world.requests.len, 0);
    CLEANUP(ran_done) struct ran sure = run_cli(NULL, "site", "delete", "local", "-y", NULL);
    assert_int_equal(sure.code, 0);
    assert_has(&world.requests, "DELETE /api/v1/sites/local");
    world_stop(&world);
}

static void test_the_problem_of_the_server_decides_the_exit_code(void **state)
{
    static const struct step steps[] = {
        {"GET", "/api/v1/sites/a", 403,
         "{\"code\":\"forbidden\",\"detail\":\"only for operators\",\"hint\":\"ask one\"}"},
        {"GET", "/api/v1/sites/b", 500, "<html>oops</html>"},
        {"GET", "/api/v1/sites/c", 0, "this is no JSON"},
    };
    static struct world world;
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran forbidden = run_cli(NULL, "site", "show", "a", NULL);
    assert_int_equal(forbidden.code, 3);
    assert_has(&forbidden.err, "swan: not allowed: only for operators\nhint: ask one\n");
    CLEANUP(ran_done) struct ran broken = run_cli(NULL, "site", "show", "b", NULL);
    assert_int_equal(broken.code, 1);
    CLEANUP(ran_done) struct ran strange = run_cli(NULL, "site", "show", "c", NULL);
    assert_int_equal(strange.code, 2);
    assert_has(&strange.err, "really a server of Swan?");
    CLEANUP(ran_done) struct ran missing = run_cli(NULL, "site", "show", "../x y", NULL);
    assert_int_equal(missing.code, 2);
    world_stop(&world);
}

static void test_batches_of_words_print_one_line_each_and_name_a_bad_line(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran ran = run_cli("{\"id\":\"1\",\"text\":\"2台8核16G云主机\"}\n\n"
                             "{\"id\":\"2\",\"text\":\"a web server with 4 cores\"}\n",
                             "intent", "read", "--batch", "-", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "{\"id\":\"1\",\"requirement\":{");
    assert_has(&ran.out, "\n{\"id\":\"2\",\"requirement\":{");
    CLEANUP(ran_done)
    struct ran bad = run_cli("{\"id\":\"1\",\"text\":\"x\"}\n{\"id\":2}\n", "intent", "read",
                             "--batch", "-", NULL);
    assert_int_equal(bad.code, 2);
    assert_has(&bad.err, "-:2");
}

static const char network[] =
    "currency: CNY\n"
    "access: [{id: here}]\n"
    "sites:\n"
    "  - {id: s1, tier: edge, regions: [here], provider: none, arch: [x86_64],\n"
    "     capacity: {vcpus: 8, memory_gib: 16, disk_gib: 100}, availability_percent: 99.9,\n"
    "     price: {vcpu_hour: 0.1, memory_gib_hour: 0.01, disk_gib_month: 0.1,\n"
    "             bandwidth_mbps_month: 1, public_ip_month: 1}}\n"
    "links: [{a: here, b: s1, latency_ms: 1, bandwidth_mbps: 100}]\n";

static void test_design_and_evaluate_need_no_server(void **state)
{
    char path[] = "/tmp/swan-net-XXXXXX", answer[] = "/tmp/swan-sol-XXXXXX";
    (void)state;
    int fd = mkstemp(path), out = mkstemp(answer);
    assert_true(write(fd, network, strlen(network)) == (ssize_t)strlen(network));
    close(fd);
    CLEANUP(ran_done)
    struct ran ran =
        run_cli("{\"components\":[{\"name\":\"web\",\"vcpus\":2,\"memory_gib\":4}]}", "solution",
                "design", "--network", path, "--requirement", "-", "-o", "json", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "\"site\": \"s1\"");
    assert_true(write(out, buf_str(&ran.out), ran.out.len) == (ssize_t)ran.out.len);
    close(out);
    CLEANUP(ran_done)
    struct ran judged =
        run_cli(NULL, "solution", "evaluate", answer, "--network", path, "--requirement",
                "{\"components\":[{\"name\":\"web\",\"vcpus\":2}]}", "-o", "json", NULL);
    assert_int_equal(judged.code, 0);
    assert_has(&judged.out, "\"dimensions\"");
    CLEANUP(ran_done)
    struct ran none =
        run_cli(NULL, "solution", "design", "--network", path, "--requirement",
                "{\"components\":[{\"name\":\"web\",\"vcpus\":200}]}", "-o", "json", NULL);
    assert_int_equal(none.code, 3);
    assert_has(&none.out, "\"solutions\": []");
    assert_has(&none.out, "\"conflict\"");
    unlink(path);
    unlink(answer);
}

static void put_text(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void test_replay_places_a_stream_and_needs_no_server(void **state)
{
    char nodes[] = "/tmp/swan-nodes-XXXXXX", pods[] = "/tmp/swan-pods-XXXXXX";
    (void)state;
    put_text(nodes, "sn,cpu_milli,memory_mib,gpu,model\na,8000,1000,1,T4\n");
    put_text(pods, "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
                   "1,p,1000,10,1,800,\n2,q,1000,10,1,500,T4\n");
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "solution", "replay", "--nodes", nodes, "--pods", pods,
                             "--policy", "fgd", "-o", "json", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "\"failed\": 1");
    assert_has(&ran.out, "\"allocation_percent\": 80");
    CLEANUP(ran_done)
    struct ran told =
        run_cli(NULL, "solution", "replay", "--nodes", nodes, "--pods", pods, "--lang", "zh", NULL);
    assert_int_equal(told.code, 0);
    assert_has(&told.out, "80.00");
    CLEANUP(ran_done)
    struct ran bad = run_cli(NULL, "solution", "replay", "--nodes", pods, "--pods", pods, NULL);
    assert_int_equal(bad.code, 2);
    assert_has(&bad.err, "line 1: column 'sn' is missing");
    CLEANUP(ran_done)
    struct ran half = run_cli(NULL, "solution", "replay", "--nodes", nodes, NULL);
    assert_int_equal(half.code, 2);
    assert_has(&half.err, "--pods");
    unlink(nodes);
    unlink(pods);
}

static void test_bench_design_proves_what_it_measures(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "bench", "design", "--sites", "40,120", "--needs", "3", "--seed",
                             "2", "-o", "json", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "\"sites\": 40,");
    assert_has(&ran.out, "\"sites\": 120,");
    assert_has(&ran.out, "\"proven\": 3,");
    assert_has(&ran.out, "\"gap_worst\": 0,");
    CLEANUP(ran_done) struct ran bad = run_cli(NULL, "bench", "design", "--sites", "40,x", NULL);
    assert_int_equal(bad.code, 2);
    assert_has(&bad.err, "--sites takes sizes");
}

static void test_hostile_files_are_refused_with_their_place(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran unknown =
        run_cli("{\"components\":[{\"name\":\"web\",\"colour\":\"red\"}]}", "solution", "design",
                "--network", "/dev/null", "--requirement", "-", NULL);
    assert_int_equal(unknown.code, 2);
    CLEANUP(ran_done)
    struct ran site = run_cli("{\"id\":\"x\",\"colour\":1}", "site", "put", "-", NULL);
    assert_int_equal(site.code, 2);
    assert_has(&site.err, "colour");
}

int command_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_follow_the_cursor_and_escape_what_they_show),
        cmocka_unit_test(test_login_keeps_the_token_for_its_server_alone),
        cmocka_unit_test(test_deleting_needs_a_yes),
        cmocka_unit_test(test_the_problem_of_the_server_decides_the_exit_code),
        cmocka_unit_test(test_batches_of_words_print_one_line_each_and_name_a_bad_line),
        cmocka_unit_test(test_design_and_evaluate_need_no_server),
        cmocka_unit_test(test_replay_places_a_stream_and_needs_no_server),
        cmocka_unit_test(test_bench_design_proves_what_it_measures),
        cmocka_unit_test(test_hostile_files_are_refused_with_their_place),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
