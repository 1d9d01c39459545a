/* test_migrate.c - steps are applied once, whole, in order, and never change. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

static const char first_sql[] = "CREATE TABLE leases (id TEXT PRIMARY KEY, until_ms BIGINT);"
                                "INSERT INTO leases VALUES ('a;b', 1)";
static const char second_sql[] = "ALTER TABLE leases ADD COLUMN owner TEXT";

static void test_steps_are_applied_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    const struct store_migration steps[] = {{1, "leases", first_sql}, {2, "owner", second_sql}};
    struct store_module module = {"workflow", steps, 1};
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM leases"), 1);
    module.count = 2;
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    reopen(f);
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(owner) FROM leases"), 0);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM leases"), 1);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_migration"), 2);
}

static void test_a_changed_step_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct store_migration steps[] = {{1, "leases", first_sql}};
    const struct store_migration changed[] = {{1, "leases", "CREATE TABLE leases (id TEXT)"},
                                              {2, "other", "CREATE TABLE other (id TEXT)"}};
    struct store_module module = {"workflow", steps, 1};
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    module = (struct store_module){"workflow", changed, 2};
    assert_int_equal(store_migrate(f->store, &module, 1, &f->err), ERR_CONFLICT);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_migration"), 1);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM other"), -1);
}

static void test_a_step_that_fails_half_way_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const struct store_migration bad[] = {
        {1, "leases", first_sql},
        {2, "half",
         "CREATE TABLE half (id TEXT); INSERT INTO half VALUES ('x');"
         " INSERT INTO nowhere VALUES (1)"}};
    const struct store_migration good[] = {{1, "leases", first_sql},
                                           {2, "half", "CREATE TABLE half (id TEXT)"}};
    struct store_module module = {"workflow", bad, 2};
    assert_int_equal(store_migrate(f->store, &module, 1, &f->err), ERR_BUG);
    assert_non_null(strstr(f->err.text, "migration 2 of workflow (half)"));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM leases"), 1);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM half"), -1);
    module.migrations = good;
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM half"), 0);
}

static void test_a_store_of_a_newer_program_and_bad_numbers_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct store_migration steps[] = {{1, "leases", first_sql}, {2, "owner", second_sql}};
    const struct store_migration gap[] = {{1, "leases", first_sql}, {3, "owner", second_sql}};
    struct store_module module = {"workflow", steps, 2};
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    module.count = 1;
    assert_int_equal(store_migrate(f->store, &module, 1, &f->err), ERR_CORRUPT);
    module = (struct store_module){"workflow", gap, 2};
    assert_int_equal(store_migrate(f->store, &module, 1, &f->err), ERR_BUG);
}

struct migrator {
    const char *address;
    enum err_code rc;
    struct err err;
};

static void *migrator(void *arg)
{
    struct migrator *me = arg;
    const struct store_migration steps[] = {{1, "leases", first_sql}, {2, "owner", second_sql}};
    const struct store_module module = {"workflow", steps, 2};
    struct store *store = NULL;
    me->rc = store_open(me->address, &store, &me->err);
    if (me->rc == ERR_OK) {
        me->rc = store_migrate(store, &module, 1, &me->err);
    }
    store_close(store);
    return NULL;
}

static void test_several_programs_may_open_and_migrate_a_new_store_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    struct migrator work[4];
    char address[512];
    fresh_address(f, address);
    for (int i = 0; i < 4; i++) {
        work[i] = (struct migrator){.address = address};
        pthread_create(&threads[i], NULL, migrator, &work[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 4; i++) {
        assert_ok_(work[i].rc, &work[i].err, "migrate", __FILE__, __LINE__);
    }
    struct store *store = NULL;
    assert_ok(f, store_open(address, &store, &f->err));
    assert_int_equal(number_of(store, "SELECT COUNT(*) FROM store_migration"), 2);
    assert_int_equal(number_of(store, "SELECT COUNT(*) FROM leases"), 1);
    store_close(store);
}

const struct CMUnitTest migrate_tests[] = {
    STORE_TEST(test_steps_are_applied_once_and_in_order),
    STORE_TEST(test_a_changed_step_is_refused),
    STORE_TEST(test_a_step_that_fails_half_way_leaves_nothing),
    STORE_TEST(test_a_store_of_a_newer_program_and_bad_numbers_are_refused),
    STORE_TEST(test_several_programs_may_open_and_migrate_a_new_store_at_once),
};
const size_t migrate_test_count = ARRAY_LEN(migrate_tests);
