/* test_operations.c - requests that take long: told of at once, ended by an answer, a problem or
 * their asker, never lost. */
#include "house.h"

#include <pthread.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"

#define NEED "{\"text\":\"1台 2核 4G 云主机\"}"
#define ASYNC "Prefer: respond-async"

static struct answer post(struct house *house, const char *path, const char *headers,
                          const char *body)
{
    return ask(house, ANN, "POST", path, headers, body);
}

/* Reads it until it runs no more. */
static struct answer ended(struct house *house, const struct answer *told)
{
    const char *path = header_of(told, "Location");
    for (;;) {
        struct answer answer = ask(house, ANN, "GET", path, NULL, NULL);
        assert_status(answer, 200);
        if (!str_eq(text_of(&answer, "status.state"), "running"))
            return answer;
        clock_sleep_ms(5);
    }
}

static int64_t solutions(struct house *house)
{
    return count_of(house, "SELECT COUNT(*) FROM store_record WHERE collection = 'solutions'");
}

static void test_a_design_may_be_asked_for_and_fetched_later(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    const char *headers = ASYNC "\nIdempotency-Key: k1";
    struct answer told = post(house, "/api/v1/solutions", headers, NEED);
    assert_status(told, 202);
    assert_string_equal(header_of(&told, "Preference-Applied"), "respond-async");
    assert_string_equal(text_of(&told, "collection"), "operations");
    assert_string_equal(text_of(&told, "spec.path"), "/api/v1/solutions");
    struct answer answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "succeeded");
    assert_int_equal(json_int(json_path(answer.json, "status.http_status"), 0), 201);
    struct answer made = ask(house, ANN, "GET", text_of(&answer, "status.location"), NULL, NULL);
    assert_status(made, 200);
    assert_string_equal(text_of(&made, "id"), text_of(&answer, "status.answer.id"));
    assert_int_equal(json_size(json_path(answer.json, "status.answer.spec.answer.solutions")) > 0,
                     1);
    struct answer again = post(house, "/api/v1/solutions", headers, NEED);
    assert_status(again, 202);
    assert_string_equal(header_of(&again, "Location"), header_of(&told, "Location"));
    assert_string_equal(header_of(&again, "Idempotency-Replayed"), "true");
    assert_int_equal(solutions(house), 1);
}

static void test_what_is_quick_is_answered_and_leaves_no_operation(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct answer answer = post(house, "/api/v1/solutions", "Prefer: wait=30", NEED);
    assert_status(answer, 201);
    assert_non_null(header_of(&answer, "ETag"));
    assert_int_equal(
        count_of(house, "SELECT COUNT(*) FROM store_record WHERE collection = 'operations'"), 0);
}

static void test_who_waits_too_long_is_told_of_an_operation(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    pthread_rwlock_wrlock(&house->api->designing); /* designs take as long as this is held */
    struct answer told = post(house, "/api/v1/solutions", "Prefer: wait=1", NEED);
    assert_status(told, 202);
    struct answer running = ask(house, ANN, "GET", header_of(&told, "Location"), NULL, NULL);
    assert_string_equal(text_of(&running, "status.state"), "running");
    assert_true(json_number(json_path(running.json, "status.elapsed_s"), 0) >= 1);
    pthread_rwlock_unlock(&house->api->designing);
    struct answer answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "succeeded");
}

static void test_a_cancelled_operation_stores_nothing(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    pthread_rwlock_wrlock(&house->api->designing);
    struct answer told = post(house, "/api/v1/solutions", ASYNC, NEED);
    assert_status(told, 202);
    const char *path = header_of(&told, "Location");
    struct answer answer = ask(house, BOB, "DELETE", path, NULL, NULL);
    assert_status(answer, 404);
    answer = ask(house, BOB, "GET", path, NULL, NULL);
    assert_status(answer, 404);
    answer = ask(house, VIEWER, "DELETE", path, NULL, NULL);
    assert_status(answer, 403);
    answer = ask(house, ANN, "DELETE", path, NULL, NULL);
    assert_status(answer, 202);
    assert_true(json_boolean(json_path(answer.json, "status.cancelling"), false));
    pthread_rwlock_unlock(&house->api->designing);
    answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "cancelled");
    assert_string_equal(text_of(&answer, "status.problem.code"), "cancelled");
    assert_int_equal(solutions(house), 0);
    answer = ask(house, ANN, "DELETE", path, NULL, NULL);
    assert_status(answer, 409);
}

static void test_an_operation_fails_with_the_problem_of_its_request(void **state)
{
    struct house *house = *state;
    give_network(house, 1);
    struct answer told =
        post(house, "/api/v1/solutions", ASYNC, "{\"text\":\"1台 64核 4G 云主机\"}");
    assert_status(told, 202);
    struct answer answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "failed");
    assert_int_equal(json_int(json_path(answer.json, "status.http_status"), 0), 422);
    assert_string_equal(text_of(&answer, "status.problem.code"), "infeasible");
    assert_non_null(json_path(answer.json, "status.problem.rejected"));
    told = post(house, "/api/v1/solutions", ASYNC, "{\"txt\":1}");
    assert_status(told, 202);
    answer = ended(house, &told);
    assert_int_equal(json_int(json_path(answer.json, "status.http_status"), 0), 400);
}

static void test_a_refinement_holds_to_its_etag(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct answer made = post(house, "/api/v1/solutions", NULL, NEED);
    assert_status(made, 201);
    const char *path = word(house, "/api/v1/solutions/%s/refine", text_of(&made, "id"));
    struct answer told =
        post(house, path, ASYNC "\nIf-Match: \"7\"", "{\"exclude\":[{\"site\":\"b\"}]}");
    assert_status(told, 202);
    struct answer answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "failed");
    assert_true(json_int(json_path(answer.json, "status.http_status"), 0) >= 400);
    answer = ask(house, ANN, "GET", word(house, "/api/v1/solutions/%s", text_of(&made, "id")), NULL,
                 NULL);
    assert_int_equal(json_int(json_path(answer.json, "version"), 0), 1);
}

static void test_a_batch_is_an_operation_too_and_so_is_a_trial(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    const char *body = "{\"needs\":[" NEED "," NEED "]}";
    struct answer told = post(house, "/api/v1/solutions/batch?dry_run=true", ASYNC, body);
    assert_status(told, 202);
    struct answer answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "succeeded");
    assert_int_equal(solutions(house), 0);
    told = post(house, "/api/v1/solutions/batch", ASYNC, body);
    assert_status(told, 202);
    answer = ended(house, &told);
    assert_string_equal(text_of(&answer, "status.state"), "succeeded");
    assert_int_equal(json_size(json_path(answer.json, "status.answer.needs")), 2);
    assert_int_equal(solutions(house), 2);
}

/* A server that starts finds what it was doing when it died. */
static void test_an_operation_whose_server_died_says_so(void **state)
{
    struct house *house = *state;
    struct api *second = NULL;
    struct err err = ERR_INIT;
    give_network(house, 100);
    pthread_rwlock_wrlock(&house->api->designing);
    struct answer told = post(house, "/api/v1/solutions", ASYNC, NEED);
    assert_status(told, 202);
    assert_int_equal(api_new(&house->api->options, &second, &err), ERR_OK);
    struct answer answer = ask(house, ANN, "GET", header_of(&told, "Location"), NULL, NULL);
    assert_string_equal(text_of(&answer, "status.state"), "failed");
    assert_true(json_boolean(json_path(answer.json, "status.problem.retryable"), false));
    assert_int_equal(solutions(house), 0);
    api_free(second);
    pthread_rwlock_unlock(&house->api->designing);
}

static void test_a_server_that_ends_interrupts_what_it_does(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    pthread_rwlock_rdlock(&house->api->designing);
    for (int i = 0; i < 20; i++) {
        struct answer told = post(house, "/api/v1/solutions", ASYNC, NEED);
        assert_status(told, 202);
    }
    pthread_rwlock_unlock(&house->api->designing);
    /* house_close ends it with some of them under way */
}

const struct CMUnitTest operations_tests[] = {
    API_TEST(test_a_design_may_be_asked_for_and_fetched_later),
    API_TEST(test_what_is_quick_is_answered_and_leaves_no_operation),
    API_TEST(test_who_waits_too_long_is_told_of_an_operation),
    API_TEST(test_a_cancelled_operation_stores_nothing),
    API_TEST(test_an_operation_fails_with_the_problem_of_its_request),
    API_TEST(test_a_refinement_holds_to_its_etag),
    API_TEST(test_a_batch_is_an_operation_too_and_so_is_a_trial),
    API_TEST(test_an_operation_whose_server_died_says_so),
    API_TEST(test_a_server_that_ends_interrupts_what_it_does),
};
const size_t operations_test_count = ARRAY_LEN(operations_tests);
