/* fixture.h - what the tests of the services share: a fresh store on the backend under test, texts
 * of all that it holds, and a loop that makes each call of the store fail in turn. */
#ifndef SWAN_TEST_SERVICES_FIXTURE_H
#define SWAN_TEST_SERVICES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "store/store.h"

struct fixture {
    char folder[64], address[512];
    struct store *store;
    void *service; /* what service_open made */
    struct arena arena;
    struct err err;
};

extern bool on_postgres;
extern const struct store_actor actor; /* user "tester" of the operator's own tenant */

/* Each program says what its service is: migrations and opening; closing. */
void service_open(struct fixture *f);
void service_close(struct fixture *f);
/* and which of its own tables a dump shows (SELECT … ORDER BY …), ended by NULL */
extern const char *const service_tables[];

int fixture_open(void **state);
int fixture_close(void **state);
#define SERVICE_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_open, fixture_close)
/* main of each program: PROGRAM sqlite | postgresql [PATTERN] */
int fixture_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
                 size_t count);

/* Fails the test with the error's text. */
#define assert_ok(f, call) assert_ok_((call), &(f)->err, #call, __FILE__, __LINE__)
void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line);
#define assert_fails(f, code, call) \
    assert_fails_((call), (code), &(f)->err, #call, __FILE__, __LINE__)
void assert_fails_(enum err_code rc, enum err_code code, const struct err *err, const char *what,
                   const char *file, int line);

/* Decodes JSON (quotes may be written as ') by a table into the fixture's arena. */
void *decode(struct fixture *f, const struct json_table *table, const char *json);

/* One read transaction each. */
int64_t number_of(struct fixture *f, const char *sql);
struct store_record record_of(struct fixture *f, const char *collection, const char *id);
bool has_record(struct fixture *f, const char *collection, const char *id);
/* How many events there are; NULL stands for any. */
int64_t events_of(struct fixture *f, const char *collection, const char *object, const char *event);
/* All records, events and rows of service_tables: equal stores have equal texts. */
char *dump(struct fixture *f);

/* Calls act(f, n, ctx) with n = 1, 2, … while the n-th call of each of the store's points fails.
 * An act that fails must leave the store as it was; one that succeeds must have changed it.  Ends a
 * point when an act has met no fault; `n` differs from call to call, so an act can make new things.
 * Returns how many acts failed. */
typedef enum err_code (*act_fn)(struct fixture *f, int n, void *ctx);
int assert_all_or_nothing(struct fixture *f, act_fn act, void *ctx);

#endif
