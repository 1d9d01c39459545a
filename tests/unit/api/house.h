/* house.h - what the tests of the API share: a whole server in this process (store, services,
 * workflow with the simulator, routes, HTTP) and a client that speaks to it as anybody would. */
#ifndef SWAN_TEST_API_HOUSE_H
#define SWAN_TEST_API_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/json.h"
#include "base/str.h"
#include "store/store.h"
#include "wire/http.h"

/* Whose token a call brings. */
enum who {
    NOBODY,   /* none */
    STRANGER, /* one that was never given */
    VIEWER,   /* of tenant acme */
    ANN,      /* customer of acme */
    BOB,      /* customer of beta */
    CHIEF,    /* stands in the store as an admin of acme */
    OPERATOR,
    ADMIN,
    WHO_COUNT
};

struct house {
    char folder[64];
    struct store *store;
    struct api *api;
    struct http_client *client;
    struct arena arena;
    int port;
    char tokens[WHO_COUNT][64];
    char token_ids[WHO_COUNT][ID_SIZE];
    struct rest *rest;
};
extern bool on_postgres;
/* cmocka's set-up and tear-down. */
/* Removes the folders of runs that ended before they could. */
void house_sweep(void);
int house_open(void **state);
int house_close(void **state);
#define API_TEST(fn) cmocka_unit_test_setup_teardown(fn, house_open, house_close)

struct answer {
    int status;
    struct http_reply reply;
    struct json_doc *doc; /* NULL when the body is not JSON; lives as long as the house */
    const struct json_value *json;
};
/* One call; further headers as "Name: value" lines in `headers` or NULL.  body NULL = none. */
struct answer ask(struct house *house, enum who who, const char *method, const char *path,
                  const char *headers, const char *body);
struct answer ask_bytes(struct house *house, enum who who, const char *method, const char *path,
                        const char *headers, const void *body, size_t len);
/* The same for threads: everything comes from that arena, json is not parsed. */
int ask_plain(struct house *house, enum who who, const char *method, const char *path,
              const char *headers, const char *body, struct http_reply *reply, struct arena *arena);
const char *text_of(const struct answer *answer, const char *path); /* "" if absent */
const char *header_of(const struct answer *answer, const char *name);
/* Fails the test with the answer when it has another status. */
#define assert_status(answer, expected) assert_status_(&(answer), (expected), __FILE__, __LINE__)
void assert_status_(const struct answer *answer, int expected, const char *file, int line);
/* A well-formed problem of that status; its code. */
const char *problem_code(const struct answer *answer);

/* Events of the journal but audits: equal before and after means that nothing has changed. */
int64_t changes(struct house *house);
int64_t count_of(struct house *house, const char *sql);
const char *word(struct house *house, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A network of one site "a" with room for `vcpus`, opened by the simulator, and the city "city". */
void give_network(struct house *house, int vcpus);
/* The loop up to a plan for one server of one core; gives the body for POST /runs. */
const char *make_plan_for(struct house *house, enum who who);
/* Applies it and waits until the run has ended; gives the run's id. */
const char *open_one(struct house *house, enum who who);
void wait_run(struct house *house, enum who who, const char *run, const char *state);

extern const struct CMUnitTest access_tests[], hostile_tests[], loop_tests[], records_tests[],
    once_tests[], operations_tests[], watch_tests[], refine_tests[];
extern const size_t access_test_count, hostile_test_count, loop_test_count, records_test_count,
    once_test_count, operations_test_count, watch_test_count, refine_test_count;

#endif
