/* test_once.c - a POST with an Idempotency-Key takes effect once. */
#include "house.h"

#include <pthread.h>
#include <string.h>

#include "base/fault.h"

#define MANY 8
#define NEED "{\"text\":\"1台 2核 4G 云主机\"}"

static void test_the_same_key_gives_the_first_answer_again(void **state)
{
    struct house *house = *state;
    struct answer first =
        ask(house, ANN, "POST", "/api/v1/requirements", "Idempotency-Key: k1", NEED);
    assert_status(first, 201);
    int64_t after = changes(house);
    struct answer again =
        ask(house, ANN, "POST", "/api/v1/requirements", "Idempotency-Key: k1", NEED);
    assert_status(again, 201);
    assert_string_equal(again.reply.body, first.reply.body);
    assert_string_equal(header_of(&again, "Location"), header_of(&first, "Location"));
    assert_string_equal(header_of(&again, "ETag"), header_of(&first, "ETag"));
    assert_string_equal(header_of(&again, "Idempotency-Replayed"), "true");
    assert_int_equal(changes(house), after);
    /* Another's key is another key, and so is none at all. */
    struct answer other =
        ask(house, BOB, "POST", "/api/v1/requirements", "Idempotency-Key: k1", NEED);
    assert_status(other, 201);
    assert_string_not_equal(text_of(&other, "id"), text_of(&first, "id"));
    assert_string_equal(text_of(&other, "tenant"), "beta");
}

static void test_a_key_belongs_to_one_request(void **state)
{
    struct house *house = *state;
    ask(house, ANN, "POST", "/api/v1/requirements", "Idempotency-Key: k1", NEED);
    int64_t after = changes(house);
    struct answer answer = ask(house, ANN, "POST", "/api/v1/requirements", "Idempotency-Key: k1",
                               "{\"text\":\"three servers\"}");
    assert_status(answer, 409);
    assert_string_equal(text_of(&answer, "field"), "Idempotency-Key");
    answer = ask(house, ANN, "POST", "/api/v1/solutions", "Idempotency-Key: k1", NEED);
    assert_status(answer, 409);
    char key[140];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    answer = ask(house, ANN, "POST", "/api/v1/requirements",
                 word(house, "Idempotency-Key: %s", key), NEED);
    assert_status(answer, 400);
    assert_int_equal(changes(house), after);
}

static void test_after_a_failure_the_key_is_free(void **state)
{
    struct house *house = *state;
    struct answer answer = ask(house, ADMIN, "POST", "/api/v1/users", "Idempotency-Key: u",
                               "{\"name\":\"zoe\",\"role\":\"viewer\",\"tenant\":\"gamma\"}");
    assert_status(answer, 400);
    answer = ask(house, ADMIN, "POST", "/api/v1/tenants", NULL, "{\"name\":\"gamma\"}");
    assert_status(answer, 201);
    answer = ask(house, ADMIN, "POST", "/api/v1/users", "Idempotency-Key: u",
                 "{\"name\":\"zoe\",\"role\":\"viewer\",\"tenant\":\"gamma\"}");
    assert_status(answer, 201);
    answer = ask(house, ADMIN, "POST", "/api/v1/users", "Idempotency-Key: u",
                 "{\"name\":\"zoe\",\"role\":\"viewer\",\"tenant\":\"gamma\"}");
    assert_status(answer, 201);
    assert_string_equal(header_of(&answer, "Idempotency-Replayed"), "true");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM api_idempotency WHERE status = 0"), 0);
}

static void test_a_trial_leaves_no_key(void **state)
{
    struct house *house = *state;
    int64_t before = changes(house);
    struct answer answer =
        ask(house, ANN, "POST", "/api/v1/requirements?dry_run=true", "Idempotency-Key: k1", NEED);
    assert_status(answer, 200);
    assert_int_equal(changes(house), before);
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM api_idempotency"), 0);
}

struct one {
    struct house *house;
    const char *path, *body;
    int status;
    bool replayed;
};

static void *send_one(void *ctx)
{
    struct one *one = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply;
    one->status = ask_plain(one->house, ANN, "POST", one->path, "Idempotency-Key: all", one->body,
                            &reply, &arena);
    one->replayed = http_reply_header(&reply, "Idempotency-Replayed") != NULL;
    return NULL;
}

static void send_many(struct house *house, const char *path, const char *body,
                      struct one ones[MANY])
{
    pthread_t threads[MANY];
    for (int i = 0; i < MANY; i++) {
        ones[i] = (struct one){.house = house, .path = path, .body = body};
        assert_int_equal(pthread_create(&threads[i], NULL, send_one, &ones[i]), 0);
    }
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
}

static void test_parallel_requests_with_one_key_have_one_effect(void **state)
{
    struct house *house = *state;
    struct one ones[MANY];
    give_network(house, 100);
    const char *plan = make_plan_for(house, ANN);
    const struct {
        const char *path, *body, *count;
    } cases[] = {
        {"/api/v1/requirements", NEED,
         "SELECT COUNT(*) FROM store_record WHERE collection = 'requirements'"},
        {"/api/v1/runs", plan, "SELECT COUNT(*) FROM store_record WHERE collection = 'runs'"},
    };
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        int64_t before = count_of(house, cases[c].count);
        send_many(house, cases[c].path, cases[c].body, ones);
        int made = 0;
        for (int i = 0; i < MANY; i++) {
            bool good = ones[i].status == 201 || ones[i].status == 202;
            made += good && !ones[i].replayed;
            if (!good)
                assert_int_equal(ones[i].status, 409);
        }
        assert_int_equal(made, 1);
        assert_int_equal(count_of(house, cases[c].count), before + 1);
        /* The key is used: next case has one of its own. */
        count_of(house, "SELECT 1");
        struct err err = ERR_INIT;
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        assert_int_equal(store_begin(house->store, STORE_WRITE, &tx, &err), ERR_OK);
        assert_int_equal(store_exec(tx, "DELETE FROM api_idempotency", NULL, 0, NULL, &err),
                         ERR_OK);
        assert_int_equal(store_commit(TAKE(tx), &err), ERR_OK);
    }
}

const struct CMUnitTest once_tests[] = {
    API_TEST(test_the_same_key_gives_the_first_answer_again),
    API_TEST(test_a_key_belongs_to_one_request),
    API_TEST(test_after_a_failure_the_key_is_free),
    API_TEST(test_a_trial_leaves_no_key),
    API_TEST(test_parallel_requests_with_one_key_have_one_effect),
};
const size_t once_test_count = ARRAY_LEN(once_tests);
