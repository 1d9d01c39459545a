/* fixture.h - what the tests of the store share: a fresh store on the backend under test. */
#ifndef SWAN_TEST_STORE_FIXTURE_H
#define SWAN_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

#define FOLDER_SIZE 64

struct fixture {
    char folder[FOLDER_SIZE]; /* temporary, of this test */
    char address[512];        /* of a store that is this test's own */
    struct store *store;      /* open at that address */
    struct arena arena;
    struct err err;
};

extern bool on_postgres;
extern const struct store_actor actor;

/* cmocka set-up and tear-down */
int fixture_open(void **state);
int fixture_close(void **state);

/* Another fresh address of this backend, or of SQLite. */
void fresh_address(struct fixture *f, char out[512]);
void fresh_sqlite_address(struct fixture *f, char out[512]);
void reopen(struct fixture *f);

/* Fails the test with the error's text. */
#define assert_ok(f, call) assert_ok_((call), &(f)->err, #call, __FILE__, __LINE__)
void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line);

/* One write transaction each. */
enum err_code put(struct store *store, const char *collection, const char *id, const char *spec,
                  struct err *err);
int64_t number_of(struct store *store, const char *sql);
/* A text that stands for all records and events: equal stores have equal texts. */
char *dump(struct store *store, struct arena *arena);

extern const struct CMUnitTest record_tests[], list_tests[], concurrency_tests[], migrate_tests[],
    snapshot_tests[], torture_tests[];
extern const size_t record_test_count, list_test_count, concurrency_test_count, migrate_test_count,
    snapshot_test_count, torture_test_count;

#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_open, fixture_close)

#endif
