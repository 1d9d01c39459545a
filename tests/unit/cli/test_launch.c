/* test_launch.c - the main job against a scripted server: happy path, refusals, infeasible. */
#include "cli_test.h"

#include <string.h>

#include "base/str.h"

#define RECORD(id, collection, rest)                                                \
    "{\"id\":\"" id "\",\"collection\":\"" collection                               \
    "\",\"version\":1,\"tenant\":\"\",\"created_at\":\"2026-11-23T12:00:00.000Z\"," \
    "\"updated_at\":\"2026-11-23T12:00:00.000Z\"," rest "}"

#define NEED                                                                                    \
    "{\"components\":[{\"name\":\"hello\",\"instances\":2,\"vcpus\":0.5,\"memory_gib\":0.25}]," \
    "\"budget\":{\"amount\":200,\"currency\":\"CNY\",\"period\":\"month\"}}"

static const char requirement[] = RECORD(
    "req-1", "requirements",
    "\"spec\":{\"text\":\"hello x2\",\"requirement\":" NEED
    ",\"spans\":[{\"path\":\"components[0].vcpus\",\"begin\":0,\"end\":3,\"text\":\"half\"}],"
    "\"questions\":[{\"path\":\"components[0].disk_gib\",\"code\":\"missing\",\"text\":\"how "
    "large?\"}],\"reader\":\"embedded\"}");

#define CANDIDATE(site, catalogue)                                                              \
    "{\"objective\":\"cost\",\"wins\":[\"cost\"],\"cost\":87.5,\"currency\":\"CNY\",\"gap\":0," \
    "\"latency\":0.4,\"reliability\":0.9999,\"catalogue_only\":" catalogue                      \
    ",\"placements\":[{\"component\":\"hello\",\"instance\":0,\"site\":\"" site                 \
    "\"},{\"component\":\"hello\",\"instance\":1,\"site\":\"" site "\"}],"                      \
    "\"cost_lines\":[{\"item\":\"vcpu\",\"component\":\"hello\",\"site\":\"" site               \
    "\",\"quantity\":730,\"unit\":\"vCPU·h/month\",\"unit_price\":0.12,\"amount\":87.5,"       \
    "\"basis\":\"list\",\"source\":\"price book, D\"}],\"assumptions\":[\"as said\"],"          \
    "\"evaluation\":{\"verdict\":\"unknown\",\"score\":80,\"dimensions\":["                     \
    "{\"dimension\":\"compute\",\"verdict\":\"pass\",\"checks\":[]},"                           \
    "{\"dimension\":\"network\",\"verdict\":\"pass\",\"checks\":[]},"                           \
    "{\"dimension\":\"application\",\"verdict\":\"unknown\",\"checks\":[]},"                    \
    "{\"dimension\":\"cost\",\"verdict\":\"pass\",\"checks\":[]},"                              \
    "{\"dimension\":\"business\",\"verdict\":\"fail\",\"checks\":[]}]}}"

#define SOLUTION(candidates)                                                                 \
    RECORD("sol-1", "solutions",                                                             \
           "\"spec\":{\"requirement_id\":\"req-1@1\",\"answer\":{\"solutions\":[" candidates \
           "],\"rejected\":[{\"component\":\"hello\",\"reason\":\"latency\",\"count\":23,"   \
           "\"site\":\"far-away\",\"required\":\"10\",\"observed\":\"31\",\"unit\":\"ms\","  \
           "\"margin\":-21}],\"sites_seen\":25}}")
static const char solution[] =
    SOLUTION(CANDIDATE("local", "false") "," CANDIDATE("elsewhere", "true"));
static const char order[] = RECORD("ord-1", "orders", "\"spec\":{},\"status\":{}");

#define TASK(id, kind, after, simulated)                                                         \
    "{\"id\":\"" id "\",\"kind\":\"" kind "\",\"title\":\"t\",\"site\":\"local\","               \
    "\"provider\":\"host\",\"endpoint\":\"local\",\"simulated\":" simulated ",\"after\":[" after \
    "],\"estimate_s\":2,\"spec\":{\"name\":\"n-" id "\",\"component\":\"hello\",\"instance\":0}}"
#define PLAN(simulated)                                                                            \
    RECORD("pln-1", "plans",                                                                       \
           "\"spec\":{\"deployment\":\"dep-1\",\"purpose\":\"open\",\"tasks\":[" TASK(             \
               "deliver-local", "artefact.deliver", "",                                            \
               simulated) "," TASK("start-hello-0", "instance.start", "\"deliver-local\"",         \
                                   simulated) "],\"currency\":\"CNY\",\"price_month\":87.5,\"eta_" \
                                              "s\":4,"                                             \
                                              "\"basis\":{\"network_version\":7,\"solution\":"     \
                                              "\"sol-1@1\"},\"simulated\":" simulated              \
                                              ",\"digest\":\"sha256:abc\"},\"status\":{\"state\":" \
                                              "\"ready\"}")
static const char plan[] = PLAN("false");
static const char simulated_plan[] = PLAN("true");

#define RUN_SPEC                                                                       \
    "\"spec\":{\"plan\":\"pln-1\",\"digest\":\"sha256:abc\",\"deployment\":\"dep-1\"," \
    "\"purpose\":\"open\"}"
#define RUN(state, task_state, more)                                                               \
    RECORD(                                                                                        \
        "run-1", "runs",                                                                           \
        RUN_SPEC                                                                                   \
        ",\"status\":{\"state\":\"" state "\",\"tasks_total\":1,\"tasks_done\":0,"                 \
        "\"progress\":0.5,\"eta_s\":1,\"simulated\":false" more ",\"tasks\":[{\"id\":"             \
        "\"start-hello-0\",\"kind\":\"instance.start\",\"site\":\"local\",\"state\":\"" task_state \
        "\",\"attempt\":1}]}")
static const char running[] = RUN("running", "doing", "");
static const char succeeded[] = RUN("succeeded", "succeeded", "");
static const char failed[] = RUN(
    "failed", "failed",
    ",\"error_code\":\"capacity\",\"error_text\":\"no room left\",\"error_hint\":\"free some\"");
static const char deployment[] = RECORD(
    "dep-1", "deployments",
    "\"spec\":{\"title\":\"hello x2\"},\"status\":{\"state\":\"up\",\"urls\":[\"http://127.0.0.1:"
    "9001/\",\"http://127.0.0.1:9002/\"],\"simulated\":false,\"currency\":\"CNY\","
    "\"price_month\":87.5,\"instances\":[]}");

static struct world world;

static int start_happy(void **state)
{
    static const struct step steps[] = {
        {"POST", "/api/v1/requirements", 201, requirement},
        {"POST", "/api/v1/solutions", 201, solution},
        {"POST", "/api/v1/orders", 201, order},
        {"POST", "/api/v1/plans", 201, plan},
        {"POST", "/api/v1/runs", 202, running},
        {"GET", "/api/v1/runs/run-1", 0, running},
        {"GET", "/api/v1/runs/run-1", 0, succeeded},
        {"GET", "/api/v1/deployments/dep-1", 0, deployment},
    };
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

static void test_launch_shows_every_stage_and_ends_with_the_addresses(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "launch", "hello x2", "--yes", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "hello · vCPUs each");
    assert_has(&ran.out, "“half”");
    assert_has(&ran.out, "200 CNY / month");
    assert_has(&ran.out, "how large?");
    assert_has(&ran.out, "local ×2");
    assert_has(&ran.out, "87.50 CNY");
    assert_has(&ran.out, "list price");
    assert_has(&ran.out, "price book, D");
    assert_has(&ran.out, "✔ ✔ ? ✔ ✘");
    assert_has(&ran.out, "99.99%");
    assert_has(&ran.out, "far-away");
    assert_has(&ran.out, "as said");
    assert_has(&ran.out, "└ start hello-0");
    assert_has(&ran.out, "sha256:abc");
    assert_has(&ran.out, "succeeded  start-hello-0");
    assert_has(&ran.out, "http://127.0.0.1:9001/");
    assert_has(&ran.out, "swan deployment delete dep-1");
    assert_lacks(&ran.out, "\033[");
    assert_lacks(&ran.out, "SIMULATED");
    assert_has(&world.requests, "POST /api/v1/requirements {\"text\":\"hello x2\"}");
    assert_has(&world.requests,
               "POST /api/v1/orders {\"solution\":\"sol-1\",\"choice\":0,\"confirm\":true}");
    assert_has(&world.requests, "POST /api/v1/plans {\"order\":\"ord-1\",\"simulate\":false}");
    assert_has(&world.requests, "POST /api/v1/runs {\"plan\":\"pln-1\",\"digest\":\"sha256:abc\"}");
    assert_has(&world.idempotent, "POST /api/v1/runs");
}

static void test_launch_in_json_prints_the_deployment_alone(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "launch", "hello", "-y", "-o", "json", NULL);
    struct json_doc *doc = NULL;
    assert_int_equal(ran.code, 0);
    assert_int_equal(json_parse(buf_str(&ran.out), ran.out.len, NULL, &doc, NULL), ERR_OK);
    assert_string_equal(json_text(json_get(json_root(doc), "id"), ""), "dep-1");
    json_doc_free(doc);
    CLEANUP(ran_done) struct ran quiet = run_cli(NULL, "launch", "hello", "-y", "-q", NULL);
    assert_string_equal(buf_str(&quiet.out), "http://127.0.0.1:9001/\nhttp://127.0.0.1:9002/\n");
}

static void test_launch_asks_nobody_and_opens_nothing_without_yes(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli("y\ny\n", "launch", "hello x2", NULL);
    assert_int_equal(ran.code, 2);
    assert_has(&ran.err, "stdin is no terminal");
    assert_has(&ran.err, "--yes");
    assert_lacks(&world.requests, "/api/v1/orders");
    assert_lacks(&world.requests, "/api/v1/runs");
}

static void test_a_choice_outside_of_the_candidates_is_refused(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "launch", "hello", "--yes", "--choice", "3", NULL);
    assert_int_equal(ran.code, 2);
    assert_has(&ran.err, "1 to 2");
    assert_lacks(&world.requests, "/api/v1/orders");
}

static void test_real_only_refuses_a_candidate_that_is_catalogue_only(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran ran =
        run_cli(NULL, "launch", "hello", "--yes", "--choice", "2", "--real-only", NULL);
    assert_int_equal(ran.code, 3);
    assert_lacks(&world.requests, "/api/v1/plans");
}

static void test_a_wrong_token_is_told_with_what_to_do(void **state)
{
    (void)state;
    CLEANUP(ran_done)
    struct ran ran = run_cli(NULL, "launch", "hello", "--yes", "--token", "swan_wrong", NULL);
    assert_int_equal(ran.code, 2);
    assert_has(&ran.err, "not signed in");
    assert_has(&ran.err, "swan login");
}

static void test_launch_speaks_chinese_only_where_its_catalogue_is(void **state)
{
    (void)state;
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "launch", "hello", "-y", "--lang", "zh", NULL);
    assert_int_equal(ran.code, 0); /* the test program has no catalogue beside it: English */
}

static void test_a_simulated_plan_is_said_loudly(void **state)
{
    static const struct step steps[] = {
        {"POST", "/api/v1/requirements", 201, requirement},
        {"POST", "/api/v1/solutions", 201, SOLUTION(CANDIDATE("elsewhere", "true"))},
        {"POST", "/api/v1/orders", 201, order},
        {"POST", "/api/v1/plans", 201, simulated_plan},
        {"POST", "/api/v1/runs", 202, running},
    };
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "launch", "hello", "-y", "--no-wait", NULL);
    assert_int_equal(ran.code, 0);
    assert_has(&ran.out, "! SIMULATED");
    assert_has(&ran.out, "Nothing real is opened");
    assert_has(&ran.out, "host (simulated)");
    assert_has(&ran.out, "swan run watch run-1");
    assert_has(&world.requests, "\"simulate\":true");
    world_stop(&world);
}

static const char infeasible[] =
    "{\"type\":\"urn:swan:problem:infeasible\",\"title\":\"Infeasible\",\"status\":422,\"detail\":"
    "\"no placement meets the requirement\",\"code\":\"infeasible\",\"class\":\"capacity\","
    "\"retryable\":false,\"solutions\":[],\"rejected\":[{\"reason\":\"tier\",\"count\":9}],"
    "\"conflict\":[\"budget\",\"components[0].vcpus\"],\"relaxations\":[{\"change\":\"drop "
    "budget\",\"cost\":900}],\"sites_seen\":9}";

static void test_an_infeasible_need_ends_with_3_and_the_conflict(void **state)
{
    static const struct step steps[] = {
        {"POST", "/api/v1/requirements", 201, requirement},
        {"POST", "/api/v1/solutions", 422, infeasible},
    };
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "launch", "hello", "--yes", NULL);
    assert_int_equal(ran.code, 3);
    assert_has(&ran.out, "budget at most: 200 CNY / month");
    assert_has(&ran.out, "hello · vCPUs each: 0.5");
    assert_has(&ran.out, "leave out budget at most → then 900.00 a month");
    CLEANUP(ran_done) struct ran json = run_cli(NULL, "launch", "hello", "-y", "-o", "json", NULL);
    assert_int_equal(json.code, 3);
    assert_has(&json.out, "\"conflict\"");
    world_stop(&world);
}

static void test_a_failed_run_gives_its_reason_and_its_exit_code(void **state)
{
    static const struct step steps[] = {
        {"GET", "/api/v1/runs/run-1", 0, running},
        {"GET", "/api/v1/runs/run-1", 0, failed},
    };
    (void)state;
    world_start(&world, steps, ARRAY_LEN(steps));
    CLEANUP(ran_done) struct ran ran = run_cli(NULL, "run", "watch", "run-1", NULL);
    assert_int_equal(ran.code, 3);
    assert_has(&ran.err, "no room left");
    assert_has(&ran.err, "hint: free some");
    world_stop(&world);
}

int launch_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_launch_shows_every_stage_and_ends_with_the_addresses,
                                        start_happy, stop),
        cmocka_unit_test_setup_teardown(test_launch_in_json_prints_the_deployment_alone,
                                        start_happy, stop),
        cmocka_unit_test_setup_teardown(test_launch_asks_nobody_and_opens_nothing_without_yes,
                                        start_happy, stop),
        cmocka_unit_test_setup_teardown(test_a_choice_outside_of_the_candidates_is_refused,
                                        start_happy, stop),
        cmocka_unit_test_setup_teardown(test_real_only_refuses_a_candidate_that_is_catalogue_only,
                                        start_happy, stop),
        cmocka_unit_test_setup_teardown(test_a_wrong_token_is_told_with_what_to_do, start_happy,
                                        stop),
        cmocka_unit_test_setup_teardown(test_launch_speaks_chinese_only_where_its_catalogue_is,
                                        start_happy, stop),
        cmocka_unit_test(test_a_simulated_plan_is_said_loudly),
        cmocka_unit_test(test_an_infeasible_need_ends_with_3_and_the_conflict),
        cmocka_unit_test(test_a_failed_run_gives_its_reason_and_its_exit_code),
    };
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
