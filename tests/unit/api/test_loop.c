/* test_loop.c - from words to a running deployment and back, and what refuses on the way. */
#include "house.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"

static void test_words_become_a_deployment_and_it_is_removed_again(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct answer need = ask(house, ANN, "POST", "/api/v1/requirements", NULL,
                             "{\"text\":\"两台 2 核 4 G 40 G 云主机, 5 M 带宽, 一个弹性公网 IP\"}");
    assert_status(need, 201);
    assert_int_equal(json_int(json_path(need.json, "spec.requirement.components[0].instances"), 0),
                     2);
    assert_string_equal(header_of(&need, "Location"),
                        word(house, "/api/v1/requirements/%s", text_of(&need, "id")));
    struct answer set = ask(house, ANN, "POST", "/api/v1/solutions", NULL,
                            word(house, "{\"requirement\":\"%s\"}", text_of(&need, "id")));
    assert_status(set, 201);
    assert_string_equal(text_of(&set, "spec.answer.solutions[0].placements[1].site"), "a");
    struct answer report =
        ask(house, VIEWER, "POST",
            word(house, "/api/v1/solutions/%s/evaluate?choice=0", text_of(&set, "id")), NULL, NULL);
    assert_status(report, 200);
    assert_int_equal(json_size(json_get(report.json, "dimensions")), 5);
    const char *wish = word(house, "{\"solution\":\"%s\",\"choice\":0}", text_of(&set, "id"));
    struct answer order = ask(house, ANN, "POST", "/api/v1/orders", NULL, wish);
    assert_status(order, 409); /* nobody has confirmed it */
    assert_non_null(strstr(text_of(&order, "hint"), "confirm"));
    order = ask(house, ANN, "POST",
                word(house, "/api/v1/solutions/%s/confirm", text_of(&set, "id")), NULL, "{}");
    assert_status(order, 200);
    assert_string_equal(text_of(&order, "status.state"), "confirmed");
    order = ask(house, ANN, "POST", "/api/v1/orders", NULL, wish);
    assert_status(order, 201);
    assert_string_equal(text_of(&order, "status.state"), "confirmed");
    struct answer plan = ask(house, ANN, "POST", "/api/v1/plans", NULL,
                             word(house, "{\"order\":\"%s\"}", text_of(&order, "id")));
    assert_status(plan, 201);
    struct answer run = ask(house, ANN, "POST", "/api/v1/runs", NULL,
                            word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}", text_of(&plan, "id"),
                                 text_of(&plan, "spec.digest")));
    assert_status(run, 202);
    wait_run(house, ANN, text_of(&run, "id"), "succeeded");
    const char *dep = text_of(&plan, "spec.deployment");
    const char *path = word(house, "/api/v1/deployments/%s", dep);
    struct answer up = ask(house, ANN, "GET", path, NULL, NULL);
    assert_string_equal(text_of(&up, "status.state"), "up");
    assert_true(json_boolean(json_path(up.json, "status.simulated"), false));
    /* What was opened is a case for the next need of its kind. */
    struct answer judged =
        ask(house, ANN, "POST",
            word(house, "/api/v1/solutions/%s/evaluate?choice=0", text_of(&set, "id")), NULL, NULL);
    assert_status(judged, 200);
    assert_true(strstr(judged.reply.body, dep) != NULL);
    assert_true(strstr(judged.reply.body, "simulated: opened") != NULL);
    struct answer cases = ask(house, ANN, "GET", "/api/v1/cases", NULL, NULL);
    assert_string_equal(text_of(&cases, "items[0].id"), dep);
    struct answer twin = ask(house, ANN, "GET", word(house, "%s/twin", path), NULL, NULL);
    assert_status(twin, 200);
    assert_true(json_size(json_get(twin.json, "entities")) >= 3);
    /* A run is applied once. */
    struct answer again = ask(house, ANN, "POST", "/api/v1/runs", NULL,
                              word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}",
                                   text_of(&plan, "id"), text_of(&plan, "spec.digest")));
    assert_status(again, 409);
    struct answer site = ask(house, OPERATOR, "DELETE", "/api/v1/sites/a", NULL, NULL);
    assert_status(site, 409);
    struct answer gone = ask(house, ANN, "DELETE", path, NULL, NULL);
    assert_status(gone, 202);
    wait_run(house, ANN, text_of(&gone, "id"), "succeeded");
    up = ask(house, ANN, "GET", path, NULL, NULL);
    assert_string_equal(text_of(&up, "status.state"), "removed");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 0);
    gone = ask(house, ANN, "DELETE", path, NULL, NULL);
    assert_status(gone, 409);
    struct answer ended = ask(
        house, ANN, "POST", word(house, "/api/v1/runs/%s/cancel", text_of(&run, "id")), NULL, NULL);
    assert_status(ended, 409);
}

static void test_a_removal_is_planned_looked_at_and_applied(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    open_one(house, ANN);
    struct answer list = ask(house, ANN, "GET", "/api/v1/deployments", NULL, NULL);
    const char *dep = text_of(&list, "items[0].id");
    struct answer plan =
        ask(house, ANN, "POST", "/api/v1/plans", NULL, word(house, "{\"remove\":\"%s\"}", dep));
    assert_status(plan, 201);
    assert_string_equal(text_of(&plan, "spec.purpose"), "remove");
    struct answer run = ask(house, ANN, "POST", "/api/v1/runs", NULL,
                            word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}", text_of(&plan, "id"),
                                 text_of(&plan, "spec.digest")));
    assert_status(run, 202);
    wait_run(house, ANN, text_of(&run, "id"), "succeeded");
    list = ask(house, ANN, "GET", word(house, "/api/v1/deployments/%s", dep), NULL, NULL);
    assert_string_equal(text_of(&list, "status.state"), "removed");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 0);
}

static void test_trials_change_nothing_and_say_what_would_be(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    const char *plan = make_plan_for(house, ANN);
    int64_t before = changes(house);
    struct answer answer = ask(house, ANN, "POST", "/api/v1/solutions?dry_run=true", NULL,
                               "{\"text\":\"1台 2核 4G 云主机\"}");
    assert_status(answer, 200);
    assert_null(header_of(&answer, "Location"));
    assert_string_equal(text_of(&answer, "spec.answer.solutions[0].placements[0].site"), "a");
    answer = ask(house, ANN, "POST", "/api/v1/runs?dry_run=true", NULL, plan);
    assert_status(answer, 200);
    assert_string_equal(text_of(&answer, "status.state"), "queued");
    answer = ask(house, OPERATOR, "POST", "/api/v1/network/import?dry_run=true", NULL,
                 "{\"currency\":\"CNY\",\"sites\":[{\"id\":\"z\",\"name\":\"Z\",\"tier\":\"edge\","
                 "\"capacity\":{}}]}");
    if (answer.status == 200)
        assert_int_equal(json_int(json_get(answer.json, "sites"), 0), 1);
    assert_int_equal(changes(house), before);
    answer = ask(house, ANN, "POST", "/api/v1/runs", NULL, plan);
    assert_status(answer, 202);
    wait_run(house, ANN, text_of(&answer, "id"), "succeeded");
}

static void test_changed_prices_refuse_what_was_approved(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    const char *plan = make_plan_for(house, ANN);
    const char *unpriced = make_plan_for(house, ANN);
    struct answer site = ask(house, VIEWER, "GET", "/api/v1/sites/a", NULL, NULL);
    CLEANUP(buf_done) struct buf spec = BUF_INIT;
    json_write(json_get(site.json, "spec"), JSON_COMPACT, &spec);
    char *price = strstr(spec.data, "\"vcpu_hour\":0.1");
    assert_non_null(price);
    price[strlen("\"vcpu_hour\":0.")] = '3';
    site = ask(house, OPERATOR, "PUT", "/api/v1/sites/a", NULL, buf_str(&spec));
    assert_status(site, 200);
    int64_t before = changes(house);
    struct answer run = ask(house, ANN, "POST", "/api/v1/runs", NULL, plan);
    assert_status(run, 412);
    assert_string_equal(problem_code(&run), "precondition");
    assert_string_equal(text_of(&run, "difference[0].code"), "price");
    assert_string_not_equal(text_of(&run, "difference[0].approved"), "");
    assert_string_not_equal(text_of(&run, "difference[0].approved"),
                            text_of(&run, "difference[0].now"));
    run = ask(house, ANN, "POST", "/api/v1/runs", NULL,
              word(house, "{\"plan\":\"%.*s\",\"digest\":\"sha256:0\"}", 20, unpriced + 9));
    assert_true(run.status == 404 || run.status == 412);
    assert_int_equal(changes(house), before);
    /* Something that does not matter for it does not refuse it. */
    const char *fresh = make_plan_for(house, ANN);
    site = ask(house, OPERATOR, "PUT", "/api/v1/access-points/elsewhere", NULL,
               "{\"id\":\"elsewhere\"}");
    assert_status(site, 200);
    site = ask(house, OPERATOR, "PUT", "/api/v1/links/elsewhere~a", NULL,
               "{\"a\":\"elsewhere\",\"b\":\"a\",\"type\":\"optical\",\"latency_ms\":1,"
               "\"bandwidth_mbps\":10}");
    assert_status(site, 200);
    run = ask(house, ANN, "POST", "/api/v1/runs", NULL, fresh);
    assert_status(run, 202);
    wait_run(house, ANN, text_of(&run, "id"), "succeeded");
}

#define APPLIES 20
#define ROOM 7

struct apply {
    struct house *house;
    const char *plan;
    int status;
    char code[32];
};

static void *apply_one(void *ctx)
{
    struct apply *apply = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply;
    struct json_doc *doc = NULL;
    apply->status =
        ask_plain(apply->house, ANN, "POST", "/api/v1/runs", NULL, apply->plan, &reply, &arena);
    if (apply->status && !json_parse(reply.body, reply.body_len, NULL, &doc, NULL))
        str_format(apply->code, sizeof apply->code, "%s",
                   json_text(json_get(json_root(doc), "code"), ""));
    json_doc_free(doc);
    return NULL;
}

static void test_a_site_with_room_for_seven_takes_seven_of_twenty(void **state)
{
    struct house *house = *state;
    struct apply applies[APPLIES];
    pthread_t threads[APPLIES];
    give_network(house, ROOM);
    for (int i = 0; i < APPLIES; i++)
        applies[i] = (struct apply){.house = house, .plan = make_plan_for(house, ANN)};
    for (int i = 0; i < APPLIES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, apply_one, &applies[i]), 0);
    int opened = 0;
    for (int i = 0; i < APPLIES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < APPLIES; i++) {
        opened += applies[i].status == 202;
        if (applies[i].status != 202) {
            assert_int_equal(applies[i].status, 409);
            assert_string_equal(applies[i].code, "capacity");
        }
    }
    assert_int_equal(opened, ROOM);
    assert_int_equal(
        count_of(house, "SELECT COUNT(*) FROM store_record WHERE collection = 'deployments'"),
        ROOM);
    assert_int_equal(count_of(house, "SELECT CAST(SUM(vcpus) AS BIGINT) FROM compute_allocations"),
                     ROOM);
}

static void test_an_impossible_need_says_why_and_leaves_nothing(void **state)
{
    struct house *house = *state;
    give_network(house, 4);
    int64_t before = changes(house);
    struct answer answer =
        ask(house, ANN, "POST", "/api/v1/solutions", NULL, "{\"text\":\"10台 64核 256G 云主机\"}");
    assert_status(answer, 422);
    assert_string_equal(problem_code(&answer), "infeasible");
    assert_true(json_size(json_get(answer.json, "rejected")) > 0);
    assert_null(header_of(&answer, "Location"));
    assert_int_equal(changes(house), before);
    answer = ask(house, ANN, "POST", "/api/v1/solutions", NULL, "{\"requirement\":\"need-none\"}");
    assert_status(answer, 404);
    answer =
        ask(house, ANN, "POST", "/api/v1/orders", NULL, "{\"solution\":\"sol-none\",\"choice\":0}");
    assert_status(answer, 404);
    assert_int_equal(changes(house), before);
}

const struct CMUnitTest loop_tests[] = {
    API_TEST(test_words_become_a_deployment_and_it_is_removed_again),
    API_TEST(test_a_removal_is_planned_looked_at_and_applied),
    API_TEST(test_trials_change_nothing_and_say_what_would_be),
    API_TEST(test_changed_prices_refuse_what_was_approved),
    API_TEST(test_a_site_with_room_for_seven_takes_seven_of_twenty),
    API_TEST(test_an_impossible_need_says_why_and_leaves_nothing),
};
const size_t loop_test_count = ARRAY_LEN(loop_tests);
