/* test_reservations.c - room that is held until a moment: it counts like an allocation, for
 * everybody but its holder, and no longer than that. */
#include "test_reservations.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "compute/compute.h"

static const char *const two_sites =
    "{'currency':'CNY','sites':[{'id':'a','tier':'edge','capacity':{'vcpus':20,'memory_gib':40,"
    "'disk_gib':1000},'accelerators':[{'kind':'gpu','model':'T4','count':4,'allocated':1}]},"
    "{'id':'b','tier':'edge','capacity':{'vcpus':8,'memory_gib':9,'disk_gib':9},'allocated':{'"
    "vcpus':1}}]}";
#define FOUR_CORES "{'components':[{'name':'web','vcpus':4,'memory_gib':0.1,'disk_gib':0.7}]}"
#define HOUR 3600000

static void import(struct fixture *f)
{
    struct compute_import_counts counts;
    assert_ok(f, compute_import(f->service, decode(f, &network_table, two_sites), NULL, false,
                                &actor, &counts, &f->err));
}

static enum err_code reserve_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return compute_reserve(tx, ctx, &actor, err);
}

static struct compute_reservation wish_of(struct fixture *f, const char *holder, const char *site,
                                          int64_t expires_ms)
{
    const char *solution = arena_printf(
        &f->arena,
        "{'cost':1,'currency':'CNY','placements':[{'component':'web','instance':0,'site':'%s'}]}",
        site);
    return (struct compute_reservation){holder, decode(f, &requirement_table, FOUR_CORES),
                                        decode(f, &solution_table, solution), expires_ms};
}

static enum err_code reserve(struct fixture *f, const char *holder, const char *site,
                             int64_t expires_ms)
{
    struct compute_reservation wish = wish_of(f, holder, site, expires_ms);
    return store_write(f->store, reserve_body, &wish, &f->err);
}

struct deployment {
    const char *id, *holder;
    const struct requirement *requirement;
    const struct solution *solution;
};

static enum err_code allocate_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct deployment *d = ctx;
    enum err_code rc = d->holder ? compute_release(tx, d->holder, &actor, err) : ERR_OK;
    return rc ? rc : compute_allocate(tx, d->id, d->requirement, d->solution, &actor, err);
}

static enum err_code allocate(struct fixture *f, const char *id, const char *holder,
                              const char *site)
{
    struct compute_reservation wish = wish_of(f, id, site, 0);
    struct deployment d = {id, holder, wish.requirement, wish.solution};
    return store_write(f->store, allocate_body, &d, &f->err);
}

static enum err_code release_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return compute_release(tx, ctx, &actor, err);
}

static void release(struct fixture *f, const char *holder)
{
    assert_ok(f, store_write(f->store, release_body, (void *)(uintptr_t)holder, &f->err));
}

/* What is taken of a site in the newest snapshot, as that holder sees it at that moment. */
static double taken(struct fixture *f, const char *site, const char *holder, int64_t at_ms)
{
    assert_ok(f, compute_refresh(f->service, &f->err));
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    const struct network *network = compute_network_for(snapshot, holder, at_ms, &f->arena);
    const struct opt_double vcpus = network_find_site(network, site)->allocated.vcpus;
    compute_snapshot_unref(snapshot);
    return vcpus.set ? vcpus.value : 0;
}

static int64_t rows_of(struct fixture *f, const char *holder)
{
    return number_of(f, arena_printf(&f->arena,
                                     "SELECT COUNT(*) FROM compute_allocations WHERE deployment ="
                                     " '%s'",
                                     holder));
}

static void test_reserved_room_counts_for_others_until_its_end(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_now_ms();
    import(f);
    assert_ok(f, reserve(f, "sol-1", "a", now + HOUR));
    assert_ok(f, reserve(f, "sol-2", "a", now + 2 * HOUR));
    assert_ok(f, reserve(f, "sol-2", "a", now + 2 * HOUR)); /* again: in place of the first */
    assert_true(taken(f, "a", NULL, now) == 8);
    assert_true(taken(f, "a", "sol-1", now) == 4);
    assert_true(taken(f, "a", "sol-1", now + HOUR) == 4);
    assert_true(taken(f, "a", NULL, now + HOUR) == 4); /* without anybody doing anything */
    assert_true(taken(f, "a", NULL, now + 2 * HOUR) == 0);
    assert_ok(f, reserve(f, "sol-2", "b", now + HOUR)); /* elsewhere now */
    assert_true(taken(f, "a", NULL, now) == 4);
    assert_true(taken(f, "b", NULL, now) == 5);
    assert_fails(f, ERR_CAPACITY, reserve(f, "sol-3", "b", now + HOUR));
    assert_string_equal(f->err.text, "site 'b' has 3 vCPU left, 4 are wanted");
    release(f, "sol-2");
    release(f, "sol-2");
    assert_ok(f, reserve(f, "sol-3", "b", now + HOUR));
    assert_int_equal(rows_of(f, "sol-2"), 0);
}

static void test_a_reservation_past_its_end_is_room_for_others(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_now_ms();
    import(f);
    assert_ok(f, reserve(f, "sol-1", "b", now - 1));
    assert_ok(f, reserve(f, "sol-2", "b", now + HOUR)); /* nobody has swept */
    struct store_tx *tx = NULL;
    const char **holders;
    size_t count;
    bool holds;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, compute_lapsed(tx, now, &holders, &count, &f->arena, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(holders[0], "sol-1");
    assert_ok(f, compute_holds(tx, "sol-1", &holds, &f->err));
    assert_false(holds);
    assert_ok(f, compute_holds(tx, "sol-2", &holds, &f->err));
    assert_true(holds);
    store_rollback(tx);
    release(f, "sol-1");
    assert_int_equal(rows_of(f, "sol-1"), 0);
    assert_int_equal(rows_of(f, "sol-2"), 1);
}

static void test_a_reservation_becomes_the_allocation(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_now_ms();
    import(f);
    assert_ok(f, reserve(f, "ord-1", "b", now + HOUR));
    assert_fails(f, ERR_CAPACITY, allocate(f, "dep-2", NULL, "b"));
    assert_ok(f, allocate(f, "dep-1", "ord-1", "b"));
    assert_int_equal(rows_of(f, "ord-1"), 0);
    assert_true(taken(f, "b", NULL, now + 9 * HOUR) == 5); /* it has no end */
    struct compute_site_status status;
    assert_ok(f, json_decode_stored(record_of(f, "sites", "b").status, &compute_site_status_table,
                                    &status, &f->arena, &f->err));
    assert_true(status.allocated_by_swan.vcpus.value == 4);
    assert_fails(f, ERR_CONFLICT,
                 compute_site_delete(f->service, "b", 0, &actor, &f->err)); /* dep-1 runs there */
    assert_ok(f, reserve(f, "sol-1", "a", now + HOUR));
    assert_fails(f, ERR_CONFLICT, compute_site_delete(f->service, "a", 0, &actor, &f->err));
    assert_non_null(strstr(f->err.text, "held"));
    assert_ok(f, reserve(f, "sol-1", "a", now - 1));
    assert_ok(f, compute_site_delete(f->service, "a", 0, &actor, &f->err));
    release(f, "sol-1"); /* its site is gone: that is no fault */
}

static void test_what_was_taken_off_leaves_no_crumbs(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_now_ms();
    import(f);
    for (int i = 0; i < 5; i++)
        assert_ok(f, reserve(f, arena_printf(&f->arena, "sol-%d", i), "a", now + i * HOUR + 1000));
    assert_ok(f, compute_refresh(f->service, &f->err));
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    const struct site *site =
        network_find_site(compute_network_for(snapshot, NULL, now + 9 * HOUR, &f->arena), "a");
    assert_true(site->allocated.disk_gib.value == 0 && site->allocated.memory_gib.value == 0);
    const struct site *declared =
        network_find_site(compute_network_declared(snapshot, &f->arena), "a");
    assert_false(declared->allocated.vcpus.set);
    assert_int_equal(declared->accelerators.items[0].allocated, 1);
    compute_snapshot_unref(snapshot);
}

static void test_what_is_exported_and_imported_again_counts_once(void **state)
{
    struct fixture *f = *state;
    struct compute_import_counts counts;
    import(f);
    assert_ok(f, allocate(f, "dep-1", NULL, "b"));
    assert_true(taken(f, "b", NULL, clock_now_ms()) == 5);
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    assert_ok(f, compute_import(f->service, compute_network_declared(snapshot, &f->arena), NULL,
                                false, &actor, &counts, &f->err));
    compute_snapshot_unref(snapshot);
    assert_int_equal(counts.sites, 0); /* as it was imported */
    assert_true(taken(f, "b", NULL, clock_now_ms()) == 5);
}

struct taker {
    pthread_t thread;
    struct store *store;
    struct compute_reservation wish;
    enum err_code rc;
    struct err err;
};

static void *take(void *arg)
{
    struct taker *me = arg;
    me->rc = store_write(me->store, reserve_body, &me->wish, &me->err);
    return NULL;
}

static void test_of_sixteen_threads_exactly_five_reserve_the_room_for_five(void **state)
{
    struct fixture *f = *state;
    struct taker takers[16];
    int64_t now = clock_now_ms();
    int got = 0;
    import(f);
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        takers[i] = (struct taker){.store = f->store};
        takers[i].wish = wish_of(f, arena_printf(&f->arena, "sol-%zu", i), "a", now + HOUR);
    }
    for (size_t i = 0; i < ARRAY_LEN(takers); i++)
        pthread_create(&takers[i].thread, NULL, take, &takers[i]);
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        pthread_join(takers[i].thread, NULL);
        got += takers[i].rc == ERR_OK;
        if (takers[i].rc)
            assert_int_equal(takers[i].rc, ERR_CAPACITY);
    }
    assert_int_equal(got, 5);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM compute_allocations"), 5);
    assert_ok(f, compute_reload(f->service, &f->err));
    assert_true(taken(f, "a", NULL, now) == 20);
}

static enum err_code fault_reserve(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    return reserve(f, "sol-1", n % 2 ? "a" : "b", clock_now_ms() + HOUR + n);
}

static enum err_code fault_move(struct fixture *f, int n, void *ctx)
{
    bool *there = ctx; /* and back again */
    (void)n;
    enum err_code rc =
        *there ? allocate(f, "sol-1", "dep-1", "a") : allocate(f, "dep-1", "sol-1", "a");
    *there = rc ? *there : !*there;
    return rc;
}

static void test_a_reservation_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    import(f);
    assert_all_or_nothing(f, fault_reserve, NULL);
    bool there = false;
    assert_all_or_nothing(f, fault_move, &there);
}

const struct CMUnitTest reservation_tests[] = {
    SERVICE_TEST(test_reserved_room_counts_for_others_until_its_end),
    SERVICE_TEST(test_a_reservation_past_its_end_is_room_for_others),
    SERVICE_TEST(test_a_reservation_becomes_the_allocation),
    SERVICE_TEST(test_what_was_taken_off_leaves_no_crumbs),
    SERVICE_TEST(test_what_is_exported_and_imported_again_counts_once),
    SERVICE_TEST(test_of_sixteen_threads_exactly_five_reserve_the_room_for_five),
    SERVICE_TEST(test_a_reservation_that_the_store_fails_has_changed_nothing),
};
const size_t reservation_test_count = ARRAY_LEN(reservation_tests);
