/* test_compute.c - imports, the snapshot that follows, allocations that do not take too much. */
#include "../services/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "compute/compute.h"
#include "test_reservations.h"

const char *const service_tables[] = {
    "SELECT deployment, component, instance, site, vcpus, memory_gib, disk_gib, model, cards,"
    " expires_ms FROM compute_allocations ORDER BY deployment, component, instance",
    NULL};

void service_open(struct fixture *f)
{
    struct compute *compute = NULL;
    assert_ok(f, store_migrate(f->store, &compute_store_module, 1, &f->err));
    assert_ok(f, compute_open(f->store, &compute, &f->err));
    f->service = compute;
}

void service_close(struct fixture *f)
{
    compute_close(f->service);
}

static const char *const small =
    "{'currency':'CNY','access':[{'id':'上海','lat':31.2,'lon':121.5}],"
    "'sites':[{'id':'a','tier':'edge','arch':['x86_64'],"
    "'capacity':{'vcpus':20,'memory_gib':40,'disk_gib':1000},"
    "'accelerators':[{'kind':'gpu','model':'T4','count':4,'allocated':1}]},"
    "{'id':'b','tier':'public-cloud','capacity':{'vcpus':100,'memory_gib':400,'disk_gib':1000},"
    "'allocated':{'vcpus':10}}],"
    "'links':[{'a':'上海','b':'a','latency_ms':1,'type':'optical'},"
    "{'a':'a','b':'b','latency_ms':5},{'a':'a','b':'b','latency_ms':9,'type':'5g'}]}";
static const char *const small_notes =
    "{'items':[{'site':'a','basis':'list','source':'book'},"
    "{'site':'a','item':'vcpu_hour','basis':'estimated','source':'guess'}]}";

static struct compute_import_counts import(struct fixture *f, const char *json, const char *notes)
{
    struct compute_import_counts counts;
    const struct network *network = decode(f, &network_table, json);
    assert_ok(f, compute_import(f->service, network,
                                notes ? decode(f, &price_notes_table, notes) : NULL, false, &actor,
                                &counts, &f->err));
    return counts;
}

static const struct site *shown(struct fixture *f, const struct compute_snapshot *snapshot,
                                const char *id)
{
    (void)f;
    return network_find_site(&snapshot->network, id);
}

static void test_a_second_import_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct compute_import_counts counts = import(f, small, small_notes);
    assert_int_equal(counts.sites, 2);
    assert_int_equal(counts.links, 3); /* two of them between the same ends */
    assert_int_equal(counts.access_points, 1);
    assert_int_equal(counts.price_notes, 2);
    assert_int_equal(counts.unchanged, 0);
    char *before = dump(f);
    const struct compute_snapshot *first = compute_snapshot_ref(f->service);
    counts = import(f, small, small_notes);
    assert_int_equal(counts.sites + counts.links + counts.access_points + counts.price_notes, 0);
    assert_int_equal(counts.unchanged, 8);
    assert_string_equal(before, dump(f));
    const struct compute_snapshot *second = compute_snapshot_ref(f->service);
    assert_ptr_equal(first, second);
    assert_int_equal(second->network.links.count, 3);
    assert_int_equal(second->notes.items.count, 2);
    compute_snapshot_unref(first);
    compute_snapshot_unref(second);
}

static void test_a_dry_run_counts_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct compute_import_counts counts;
    const struct network *network = decode(f, &network_table, small);
    char *before = dump(f);
    assert_ok(f, compute_import(f->service, network, NULL, true, &actor, &counts, &f->err));
    assert_int_equal(counts.sites, 2);
    assert_int_equal(counts.links, 3);
    assert_string_equal(before, dump(f));
}

static void test_an_import_adds_and_replaces_and_leaves_the_rest(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    struct compute_import_counts counts =
        import(f,
               "{'currency':'CNY','sites':[{'id':'b','tier':'edge','capacity':{'vcpus':1}},"
               "{'id':'c','tier':'edge'}]}",
               NULL);
    assert_int_equal(counts.sites, 2);
    assert_int_equal(counts.unchanged, 0);
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    assert_int_equal(snapshot->network.sites.count, 3);
    assert_int_equal(shown(f, snapshot, "b")->tier, TIER_EDGE);
    assert_false(shown(f, snapshot, "b")->capacity.memory_gib.set);
    assert_true(shown(f, snapshot, "a")->capacity.vcpus.value == 20);
    compute_snapshot_unref(snapshot);
}

static void test_another_currency_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct compute_import_counts counts = {.sites = -7};
    import(f, small, NULL);
    char *before = dump(f);
    const struct network *other =
        decode(f, &network_table, "{'currency':'USD','sites':[{'id':'z','tier':'edge'}]}");
    assert_fails(f, ERR_CONFLICT,
                 compute_import(f->service, other, NULL, false, &actor, &counts, &f->err));
    assert_string_equal(f->err.field, "currency");
    assert_non_null(strstr(f->err.text, "CNY"));
    assert_non_null(strstr(f->err.text, "USD"));
    assert_int_equal(counts.sites, -7);
    assert_string_equal(before, dump(f));
}

static void test_sites_and_access_points_share_one_name_space(void **state)
{
    struct fixture *f = *state;
    struct compute_import_counts counts;
    import(f, small, NULL);
    char *before = dump(f);
    const struct network *clash =
        decode(f, &network_table, "{'currency':'CNY','sites':[{'id':'上海','tier':'edge'}]}");
    assert_fails(f, ERR_CONFLICT,
                 compute_import(f->service, clash, NULL, false, &actor, &counts, &f->err));
    clash = decode(f, &network_table, "{'currency':'CNY','access':[{'id':'a'}]}");
    assert_fails(f, ERR_CONFLICT,
                 compute_import(f->service, clash, NULL, false, &actor, &counts, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 compute_access_put(f->service, decode(f, &network_access_table, "{'id':'b'}"),
                                    &actor, &f->err));
    assert_fails(f, ERR_CONFLICT,
                 compute_site_put(f->service,
                                  decode(f, &network_site_table, "{'id':'上海','tier':'edge'}"), 0,
                                  &actor, NULL, &f->err));
    assert_string_equal(before, dump(f));
}

static void test_versions_guard_the_put_of_a_site(void **state)
{
    struct fixture *f = *state;
    const struct site *site =
        decode(f, &network_site_table, "{'id':'s','tier':'edge','capacity':{'vcpus':4}}");
    int64_t version = 0;
    assert_fails(f, ERR_PRECONDITION,
                 compute_site_put(f->service, site, 3, &actor, &version, &f->err));
    assert_ok(f, compute_site_put(f->service, site, -1, &actor, &version, &f->err));
    assert_int_equal(version, 1);
    assert_fails(f, ERR_PRECONDITION,
                 compute_site_put(f->service, site, -1, &actor, &version, &f->err));
    assert_ok(f, compute_site_put(f->service, site, 1, &actor, &version, &f->err));
    assert_int_equal(version, 1); /* equal: no new version */
    site = decode(f, &network_site_table, "{'id':'s','tier':'edge','capacity':{'vcpus':5}}");
    assert_ok(f, compute_site_put(f->service, site, 1, &actor, &version, &f->err));
    assert_int_equal(version, 2);
    assert_fails(f, ERR_PRECONDITION,
                 compute_site_put(f->service, site, 1, &actor, &version, &f->err));
    /* The caller reads what he wrote. */
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    size_t len;
    const char *etag;
    const char *text = compute_snapshot_site_json(snapshot, "s", &len, &etag);
    assert_string_equal(etag, "\"2\"");
    assert_int_equal(strlen(text), len);
    assert_non_null(strstr(text, "\"vcpus\":5"));
    assert_null(compute_snapshot_site_json(snapshot, "none", &len, &etag));
    compute_snapshot_unref(snapshot);
}

static void test_links_and_connections_need_their_ends(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    char *before = dump(f);
    assert_fails(
        f, ERR_INVALID,
        compute_link_put(f->service,
                         decode(f, &network_link_table, "{'a':'a','b':'nowhere','latency_ms':1}"),
                         0, &actor, &f->err));
    assert_string_equal(f->err.field, "b");
    assert_fails(
        f, ERR_INVALID,
        compute_connection_put(f->service,
                               decode(f, &site_connection_table,
                                      "{'site':'nowhere','provider':'host','endpoint':'local'}"),
                               &actor, &f->err));
    assert_string_equal(f->err.field, "site");
    assert_string_equal(before, dump(f));
}

static void test_a_site_goes_with_its_connections_and_notes_but_not_from_under_a_link(void **state)
{
    struct fixture *f = *state;
    import(f, small, small_notes);
    assert_ok(f, compute_connection_put(f->service,
                                        decode(f, &site_connection_table,
                                               "{'site':'a','provider':'host','endpoint':'local'}"),
                                        &actor, &f->err));
    assert_fails(f, ERR_CONFLICT, compute_site_delete(f->service, "a", 0, &actor, &f->err));
    assert_non_null(strstr(f->err.text, "link"));
    const char *const links[] = {"上海~a", "a~b", "a~b~2"};
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        assert_ok(f, compute_link_delete(f->service, links[i], 0, &actor, &f->err));
    assert_fails(f, ERR_PRECONDITION, compute_site_delete(f->service, "a", 9, &actor, &f->err));
    assert_ok(f, compute_site_delete(f->service, "a", 1, &actor, &f->err));
    assert_fails(f, ERR_NOT_FOUND, compute_site_delete(f->service, "a", 0, &actor, &f->err));
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    assert_null(shown(f, snapshot, "a"));
    assert_int_equal(snapshot->connections.items.count, 0);
    assert_int_equal(snapshot->notes.items.count, 0);
    compute_snapshot_unref(snapshot);
    assert_false(has_record(f, "price-notes", "a~all"));
}

/* ---- allocations ---- */

struct wish {
    const char *deployment;
    const struct requirement *requirement;
    const struct solution *solution;
};

static enum err_code allocate_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct wish *wish = ctx;
    return compute_allocate(tx, wish->deployment, wish->requirement, wish->solution, &actor, err);
}

static enum err_code release_body(struct store_tx *tx, void *ctx, struct err *err)
{
    return compute_release(tx, ctx, &actor, err);
}

static enum err_code release(struct fixture *f, const char *deployment)
{
    return store_write(f->store, release_body, (void *)(uintptr_t)deployment, &f->err);
}

static struct wish wish_of(struct fixture *f, const char *deployment, const char *requirement,
                           const char *placements)
{
    const char *solution = arena_printf(
        &f->arena, "{'objective':'cost','cost':1,'currency':'CNY','placements':%s}", placements);
    return (struct wish){arena_strdup(&f->arena, deployment),
                         decode(f, &requirement_table, requirement),
                         decode(f, &solution_table, solution)};
}

static const char *const four_cores =
    "{'components':[{'name':'web','vcpus':4,'memory_gib':1,'disk_gib':1}]}";

struct taker {
    pthread_t thread;
    struct store *store;
    struct wish wish;
    enum err_code rc;
    struct err err;
};

static void *take(void *arg)
{
    struct taker *me = arg;
    me->rc = store_write(me->store, allocate_body, &me->wish, &me->err);
    return NULL;
}

static void test_of_sixteen_threads_exactly_five_get_the_room_for_five(void **state)
{
    struct fixture *f = *state;
    struct taker takers[16];
    int got = 0;
    import(f, small, NULL); /* a has 20 vCPU */
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        takers[i] = (struct taker){.store = f->store};
        takers[i].wish = wish_of(f, arena_printf(&f->arena, "dep-%zu", i), four_cores,
                                 "[{'component':'web','instance':0,'site':'a'}]");
    }
    for (size_t i = 0; i < ARRAY_LEN(takers); i++)
        pthread_create(&takers[i].thread, NULL, take, &takers[i]);
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        pthread_join(takers[i].thread, NULL);
        got += takers[i].rc == ERR_OK;
        if (takers[i].rc) {
            assert_int_equal(takers[i].rc, ERR_CAPACITY);
            assert_string_equal(takers[i].err.text, "site 'a' has 0 vCPU left, 4 are wanted");
        }
    }
    assert_int_equal(got, 5);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM compute_allocations"), 5);
    assert_ok(f, compute_refresh(f->service, &f->err));
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    assert_true(shown(f, snapshot, "a")->allocated.vcpus.value == 20);
    compute_snapshot_unref(snapshot);
    struct compute_site_status status;
    assert_ok(f, json_decode_stored(record_of(f, "sites", "a").status, &compute_site_status_table,
                                    &status, &f->arena, &f->err));
    assert_true(status.allocated_by_swan.vcpus.value == 20);
    assert_int_equal(status.state, COMPUTE_UNKNOWN);
}

static void test_what_lacks_is_named_with_its_numbers(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    import(f, "{'currency':'CNY','sites':[{'id':'blank','tier':'edge'}]}", NULL);
    const struct {
        const char *requirement, *site, *text;
    } cases[] = {
        {"{'components':[{'name':'web','vcpus':95}]}", "b",
         "site 'b' has 90 vCPU left, 95 are wanted"}, /* others use 10 */
        {"{'components':[{'name':'web','memory_gib':40.5}]}", "a",
         "site 'a' has 40 GiB of memory left, 40.5 are wanted"},
        {"{'components':[{'name':'web','disk_gib':2000}]}", "a",
         "site 'a' has 1000 GiB of disk left, 2000 are wanted"},
        {"{'components':[{'name':'web','accelerator':{'kind':'gpu','count':4}}]}", "a",
         "site 'a' has 3 T4 left, 4 are wanted"},
        {"{'components':[{'name':'web','accelerator':{'kind':'npu','count':1}}]}", "a",
         "site 'a' has 0 accelerators of the kind left, 1 are wanted"},
        {"{'components':[{'name':'web','vcpus':1}]}", "blank",
         "how much vCPU site 'blank' has is unknown"},
    };
    char *before = dump(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wish wish =
            wish_of(f, "dep-1", cases[i].requirement,
                    arena_printf(&f->arena, "[{'component':'web','instance':0,'site':'%s'}]",
                                 cases[i].site));
        assert_fails(f, ERR_CAPACITY, store_write(f->store, allocate_body, &wish, &f->err));
        assert_string_equal(f->err.text, cases[i].text);
    }
    struct wish wish =
        wish_of(f, "dep-1", four_cores, "[{'component':'other','instance':0,'site':'a'}]");
    assert_fails(f, ERR_INVALID, store_write(f->store, allocate_body, &wish, &f->err));
    wish = wish_of(f, "dep-1", four_cores, "[{'component':'web','instance':0,'site':'none'}]");
    assert_fails(f, ERR_NOT_FOUND, store_write(f->store, allocate_body, &wish, &f->err));
    assert_string_equal(before, dump(f));
}

static void test_what_is_taken_twice_counts_once_and_what_is_released_is_free(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    struct wish wish =
        wish_of(f, "dep-1",
                "{'components':[{'name':'web','vcpus':10,'accelerator':{'kind':'gpu','count':3}},"
                "{'name':'db','vcpus':10}]}",
                "[{'component':'web','instance':0,'site':'a'},"
                "{'component':'db','instance':0,'site':'a'},"
                "{'component':'db','instance':1,'site':'b'}]");
    assert_ok(f, store_write(f->store, allocate_body, &wish, &f->err));
    char *before = dump(f);
    assert_ok(f, store_write(f->store, allocate_body, &wish, &f->err));
    assert_string_equal(before, dump(f));
    assert_ok(f, compute_refresh(f->service, &f->err));
    const struct compute_snapshot *snapshot = compute_snapshot_ref(f->service);
    assert_true(shown(f, snapshot, "a")->allocated.vcpus.value == 20);
    assert_true(shown(f, snapshot, "b")->allocated.vcpus.value == 20); /* 10 are others' */
    assert_int_equal(shown(f, snapshot, "a")->accelerators.items[0].allocated, 4);
    assert_fails(f, ERR_CONFLICT, compute_site_delete(f->service, "b", 0, &actor, &f->err));
    assert_non_null(strstr(f->err.text, "dep-1"));
    assert_ok(f, release(f, "dep-1"));
    assert_ok(f, compute_refresh(f->service, &f->err));
    /* Who holds the old snapshot still sees what it showed. */
    assert_int_equal(shown(f, snapshot, "a")->accelerators.items[0].allocated, 4);
    compute_snapshot_unref(snapshot);
    snapshot = compute_snapshot_ref(f->service);
    assert_true(shown(f, snapshot, "b")->allocated.vcpus.value == 10);
    assert_int_equal(shown(f, snapshot, "a")->accelerators.items[0].allocated, 1);
    compute_snapshot_unref(snapshot);
    before = dump(f);
    assert_ok(f, release(f, "dep-1"));
    assert_string_equal(before, dump(f));
}

/* ---- the snapshot against a naive reading of the store ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted(struct fixture *f, char **lines, size_t count)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    qsort(lines, count, sizeof *lines, by_name);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s\n", lines[i]);
    return arena_strdup(&f->arena, buf_str(&out));
}

static char *line_of(struct fixture *f, const struct json_table *table, const void *value)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    json_encode(table, value, JSON_COMPACT, &out);
    return arena_strdup(&f->arena, buf_str(&out));
}

/* What records and allocations say, each read and added in the plainest way. */
static char *naive(struct fixture *f, char **lines)
{
    static const struct {
        const char *collection;
        const struct json_table *table;
    } kinds[] = {{"links", &network_link_table},
                 {"access-points", &network_access_table},
                 {"connections", &site_connection_table},
                 {"price-notes", &price_note_table}};
    struct store_tx *tx = NULL;
    struct store_rows rows;
    size_t count = 0;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct store_value args[] = {STORE_V_TEXT(kinds[k].collection)};
        assert_ok(f, store_query(tx, "SELECT spec FROM store_record WHERE collection = $1", args, 1,
                                 0, &rows, &f->arena, &f->err));
        for (size_t i = 0; i < rows.count; i++)
            lines[count++] = (char *)(uintptr_t)store_cell(&rows, i, 0)->text;
    }
    assert_ok(f, store_query(tx, "SELECT spec FROM store_record WHERE collection = 'sites'", NULL,
                             0, 0, &rows, &f->arena, &f->err));
    struct store_rows taken;
    assert_ok(f, store_query(tx,
                             "SELECT site, vcpus, memory_gib, disk_gib, model, cards"
                             " FROM compute_allocations",
                             NULL, 0, 0, &taken, &f->arena, &f->err));
    for (size_t i = 0; i < rows.count; i++) {
        struct site site;
        assert_ok(f, json_decode_stored(store_cell(&rows, i, 0)->text, &network_site_table, &site,
                                        &f->arena, &f->err));
        for (size_t t = 0; t < taken.count; t++) {
            if (!str_eq(store_cell(&taken, t, 0)->text, site.id))
                continue;
            struct opt_double *const amounts[] = {&site.allocated.vcpus, &site.allocated.memory_gib,
                                                  &site.allocated.disk_gib};
            for (size_t a = 0; a < 3; a++) {
                amounts[a]->set = true;
                amounts[a]->value += store_cell(&taken, t, a + 1)->real;
            }
            for (size_t c = 0; c < site.accelerators.count; c++)
                if (str_eq(site.accelerators.items[c].model, store_cell(&taken, t, 4)->text))
                    site.accelerators.items[c].allocated += (int64_t)store_cell(&taken, t, 5)->real;
        }
        lines[count++] = line_of(f, &network_site_table, &site);
    }
    store_rollback(tx);
    return sorted(f, lines, count);
}

static char *seen(struct fixture *f, char **lines)
{
    const struct compute_snapshot *s = compute_snapshot_ref(f->service);
    size_t count = 0;
    for (size_t i = 0; i < s->network.sites.count; i++)
        lines[count++] = line_of(f, &network_site_table, &s->network.sites.items[i]);
    for (size_t i = 0; i < s->network.links.count; i++)
        lines[count++] = line_of(f, &network_link_table, &s->network.links.items[i]);
    for (size_t i = 0; i < s->network.access.count; i++)
        lines[count++] = line_of(f, &network_access_table, &s->network.access.items[i]);
    for (size_t i = 0; i < s->connections.items.count; i++)
        lines[count++] = line_of(f, &site_connection_table, &s->connections.items.items[i]);
    for (size_t i = 0; i < s->notes.items.count; i++)
        lines[count++] = line_of(f, &price_note_table, &s->notes.items.items[i]);
    compute_snapshot_unref(s);
    return sorted(f, lines, count);
}

/* One random change; most succeed, some are refused. */
static void change(struct fixture *f, struct rand *rand, int step)
{
    struct compute_import_counts counts;
    int s = (int)rand_below(rand, 6), t = (int)rand_below(rand, 6), v = (int)rand_below(rand, 50);
    char *json, id[16];
    snprintf(id, sizeof id, "s%d", s);
    switch (rand_below(rand, 8)) {
    case 0:
    case 1:
        json =
            arena_printf(&f->arena,
                         "{'id':'%s','tier':'edge','capacity':{'vcpus':%d,'memory_gib':100,"
                         "'disk_gib':9},'accelerators':[{'kind':'gpu','model':'T4','count':%d}]}",
                         id, 10 + v, v);
        assert_ok(f, compute_site_put(f->service, decode(f, &network_site_table, json), 0, &actor,
                                      NULL, &f->err));
        break;
    case 2:
        compute_site_delete(f->service, id, 0, &actor, &f->err);
        break;
    case 3:
        if (s == t)
            break;
        json = arena_printf(&f->arena, "{'a':'s%d','b':'s%d','latency_ms':%d}", s, t, v);
        compute_link_put(f->service, decode(f, &network_link_table, json), 0, &actor, &f->err);
        break;
    case 4:
        compute_link_delete(f->service, arena_printf(&f->arena, "s%d~s%d", s, t), 0, &actor,
                            &f->err);
        break;
    case 5:
        json = arena_printf(&f->arena, "{'site':'%s','provider':'p%d','endpoint':'e%d'}", id, t % 2,
                            v);
        compute_connection_put(f->service, decode(f, &site_connection_table, json), &actor,
                               &f->err);
        break;
    case 6: {
        struct wish wish = wish_of(
            f, arena_printf(&f->arena, "dep-%d", step),
            "{'components':[{'name':'w','vcpus':2.5,'accelerator':{'kind':'gpu','count':1}}]}",
            arena_printf(&f->arena,
                         "[{'component':'w','instance':0,'site':'s%d'},"
                         "{'component':'w','instance':1,'site':'s%d'}]",
                         s, t));
        store_write(f->store, allocate_body, &wish, &f->err);
        break;
    }
    default:
        if (step % 3) {
            release(f,
                    arena_printf(&f->arena, "dep-%d", (int)rand_below(rand, (uint64_t)step + 1)));
            break;
        }
        json = arena_printf(&f->arena,
                            "{'currency':'CNY','access':[{'id':'x%d','lat':%d}],"
                            "'sites':[{'id':'%s','tier':'edge','capacity':{'vcpus':%d}}],"
                            "'links':[{'a':'x%d','b':'%s','latency_ms':1}]}",
                            t, v, id, 20 + v, t, id);
        assert_ok(f, compute_import(f->service, decode(f, &network_table, json), NULL, false,
                                    &actor, &counts, &f->err));
    }
}

static void test_the_snapshot_is_what_a_naive_reading_of_the_store_gives(void **state)
{
    struct fixture *f = *state;
    struct rand rand;
    rand_init(&rand, 20261123);
    char **lines = mem_array(4096, sizeof *lines);
    struct compute *late = NULL;
    for (int step = 0; step < 250; step++) {
        change(f, &rand, step);
        if (step % 5)
            continue;
        assert_ok(f, compute_refresh(f->service, &f->err));
        char *expected = naive(f, lines);
        assert_string_equal(seen(f, lines), expected);
    }
    /* One that opens now sees the same. */
    char *expected = naive(f, lines);
    void *first = f->service;
    assert_ok(f, compute_open(f->store, &late, &f->err));
    f->service = late;
    assert_string_equal(seen(f, lines), expected);
    f->service = first;
    compute_close(late);
    mem_free(lines);
}

static void test_the_version_moves_with_designs_and_not_with_observations(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    const struct compute_snapshot *s = compute_snapshot_ref(f->service);
    int64_t version = s->version;
    compute_snapshot_unref(s);
    struct compute_site_status up = {.state = COMPUTE_UP, .checked_at = clock_now_ms()};
    assert_ok(f, compute_site_observed(f->service, "a", &up, &f->err));
    assert_ok(f, compute_refresh(f->service, &f->err));
    s = compute_snapshot_ref(f->service);
    assert_int_equal(s->version, version);
    size_t len;
    const char *etag;
    assert_non_null(strstr(compute_snapshot_site_json(s, "a", &len, &etag), "\"state\":\"up\""));
    compute_snapshot_unref(s);
    struct wish wish =
        wish_of(f, "dep-1", four_cores, "[{'component':'web','instance':0,'site':'a'}]");
    assert_ok(f, store_write(f->store, allocate_body, &wish, &f->err));
    assert_ok(f, compute_refresh(f->service, &f->err));
    s = compute_snapshot_ref(f->service);
    assert_true(s->version > version);
    compute_snapshot_unref(s);
}

static void test_an_observation_is_written_on_change_and_each_five_minutes(void **state)
{
    struct fixture *f = *state;
    import(f, small, NULL);
    int64_t now = clock_now_ms();
    struct compute_site_status status = {.state = COMPUTE_UP, .checked_at = now, .seen_at = now};
    for (int i = 0; i < 5; i++) {
        status.checked_at = now + i * 50000;
        status.used.vcpus = (struct opt_double){true, i};
        assert_ok(f, compute_site_observed(f->service, "a", &status, &f->err));
    }
    assert_int_equal(events_of(f, "sites", "a", "observed"), 1);
    status.checked_at = now + 300000;
    assert_ok(f, compute_site_observed(f->service, "a", &status, &f->err));
    assert_int_equal(events_of(f, "sites", "a", "observed"), 2);
    status = (struct compute_site_status){
        .state = COMPUTE_UNREACHABLE, .checked_at = now + 300001, .error = "no route"};
    assert_ok(f, compute_site_observed(f->service, "a", &status, &f->err));
    assert_ok(f, compute_site_observed(f->service, "a", &status, &f->err));
    assert_int_equal(events_of(f, "sites", "a", "observed"), 3);
    struct compute_site_status kept;
    assert_ok(f, json_decode_stored(record_of(f, "sites", "a").status, &compute_site_status_table,
                                    &kept, &f->arena, &f->err));
    assert_int_equal(kept.seen_at, now); /* the last time it answered */
    assert_fails(f, ERR_NOT_FOUND, compute_site_observed(f->service, "none", &status, &f->err));
}

/* ---- readers ---- */

struct reader {
    pthread_t thread;
    struct compute *compute;
    bool *stop;
    long reads;
    int torn;
};

static void *read_on(void *arg)
{
    struct reader *me = arg;
    while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED)) {
        const struct compute_snapshot *s = compute_snapshot_ref(me->compute);
        double first = s->network.sites.count ? s->network.sites.items[0].capacity.vcpus.value : 0;
        size_t len;
        const char *etag;
        /* Each import sets all sites to one value. */
        for (size_t i = 0; i < s->network.sites.count; i++)
            me->torn += s->network.sites.items[i].capacity.vcpus.value != first ||
                        !compute_snapshot_site_json(s, s->network.sites.items[i].id, &len, &etag);
        compute_snapshot_unref(s);
        me->reads++;
    }
    return NULL;
}

static void *refresh_on(void *arg)
{
    struct reader *me = arg;
    while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED))
        me->torn += compute_refresh(me->compute, NULL) != ERR_OK;
    return NULL;
}

static void test_readers_see_whole_states_while_the_network_changes(void **state)
{
    struct fixture *f = *state;
    struct reader readers[4];
    bool stop = false;
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        readers[i] = (struct reader){.compute = f->service, .stop = &stop};
        pthread_create(&readers[i].thread, NULL, i < 3 ? read_on : refresh_on, &readers[i]);
    }
    for (int round = 1; round <= 15; round++) {
        CLEANUP(buf_done) struct buf json = BUF_INIT;
        buf_add_str(&json, "{'currency':'CNY','sites':[");
        for (int i = 0; i < 30; i++)
            buf_printf(&json, "%s{'id':'s%d','tier':'edge','capacity':{'vcpus':%d}}", i ? "," : "",
                       i, round);
        buf_add_str(&json, "]}");
        import(f, buf_str(&json), NULL);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].torn, 0);
    }
}

/* ---- faults ---- */

static enum err_code fault_import(struct fixture *f, int n, void *ctx)
{
    struct compute_import_counts counts;
    (void)ctx;
    const char *json = arena_printf(&f->arena,
                                    "{'currency':'CNY','access':[{'id':'p%d'}],"
                                    "'sites':[{'id':'n%d','tier':'edge'}],"
                                    "'links':[{'a':'p%d','b':'n%d','latency_ms':1}]}",
                                    n, n, n, n);
    return compute_import(f->service, decode(f, &network_table, json), NULL, false, &actor, &counts,
                          &f->err);
}

static enum err_code fault_put(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    const char *json = arena_printf(&f->arena, "{'id':'a','tier':'edge','lat':%d}", n % 90);
    return compute_site_put(f->service, decode(f, &network_site_table, json), 0, &actor, NULL,
                            &f->err);
}

static enum err_code fault_observe(struct fixture *f, int n, void *ctx)
{
    struct compute_site_status status = {.state = COMPUTE_UP, .checked_at = n * 1000000};
    (void)ctx;
    return compute_site_observed(f->service, "a", &status, &f->err);
}

static enum err_code fault_delete(struct fixture *f, int n, void *ctx)
{
    (void)n;
    int *next = ctx;
    enum err_code rc =
        compute_site_delete(f->service, arena_printf(&f->arena, "d%d", *next), 0, &actor, &f->err);
    *next += rc == ERR_OK;
    return rc;
}

static enum err_code fault_allocate(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    struct wish wish =
        wish_of(f, arena_printf(&f->arena, "dep-%d", n),
                "{'components':[{'name':'web','vcpus':0.0625},{'name':'db','vcpus':0.0625}]}",
                "[{'component':'web','instance':0,'site':'b'},"
                "{'component':'db','instance':0,'site':'c'}]");
    enum err_code rc = store_write(f->store, allocate_body, &wish, &f->err);
    return rc;
}

static enum err_code fault_release(struct fixture *f, int n, void *ctx)
{
    (void)n;
    int *next = ctx;
    enum err_code rc = release(f, arena_printf(&f->arena, "rel-%d", *next));
    *next += rc == ERR_OK;
    return rc;
}

static void test_a_write_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    int next = 0;
    import(f, small, NULL);
    import(f, "{'currency':'CNY','sites':[{'id':'c','tier':'edge','capacity':{'vcpus':100}}]}",
           NULL);
    for (int i = 0; i < 60; i++) {
        import(
            f,
            arena_printf(&f->arena, "{'currency':'CNY','sites':[{'id':'d%d','tier':'edge'}]}", i),
            arena_printf(&f->arena, "{'items':[{'site':'d%d','basis':'list','source':'x'}]}", i));
        struct wish wish = wish_of(f, arena_printf(&f->arena, "rel-%d", i),
                                   "{'components':[{'name':'web','vcpus':0.0625}]}",
                                   "[{'component':'web','instance':0,'site':'b'}]");
        assert_ok(f, store_write(f->store, allocate_body, &wish, &f->err));
    }
    assert_all_or_nothing(f, fault_import, NULL);
    assert_all_or_nothing(f, fault_put, NULL);
    assert_all_or_nothing(f, fault_observe, NULL);
    assert_all_or_nothing(f, fault_delete, &next);
    assert_all_or_nothing(f, fault_allocate, NULL);
    next = 0;
    assert_all_or_nothing(f, fault_release, &next);
    /* Whatever refreshes failed meanwhile: the next one makes it good. */
    char **lines = mem_array(4096, sizeof *lines);
    assert_ok(f, compute_refresh(f->service, &f->err));
    char *expected = naive(f, lines);
    assert_string_equal(seen(f, lines), expected);
    mem_free(lines);
}

static void test_twenty_thousand_sites_are_imported_in_seconds(void **state)
{
    struct fixture *f = *state;
    struct network network = {.currency = "CNY"};
    struct compute_import_counts counts;
    for (int i = 0; i < 20000; i++) {
        struct site *site = LIST_ADD(&f->arena, &network.sites);
        *site = (struct site){.id = arena_printf(&f->arena, "site-%05d", i), .tier = TIER_EDGE};
        site->capacity.vcpus = (struct opt_double){true, 64};
    }
    int64_t begin = clock_mono_ms();
    assert_ok(f, compute_import(f->service, &network, NULL, false, &actor, &counts, &f->err));
    int64_t first = clock_mono_ms() - begin;
    assert_int_equal(counts.sites, 20000);
    begin = clock_mono_ms();
    assert_ok(f, compute_import(f->service, &network, NULL, false, &actor, &counts, &f->err));
    int64_t again = clock_mono_ms() - begin;
    assert_int_equal(counts.unchanged, 20000);
    print_message("20 000 sites: import %lld ms, again %lld ms\n", (long long)first,
                  (long long)again);
    assert_true(first <
                120000); /* under sanitizers, on a busy machine; quadratic would take hours */
    const struct compute_snapshot *s = compute_snapshot_ref(f->service);
    assert_int_equal(s->network.sites.count, 20000);
    compute_snapshot_unref(s);
}

static void test_the_price_book_is_kept_by_sku(void **state)
{
    struct fixture *f = *state;
    int64_t changed = -1;
    const struct price_book *book =
        decode(f, &price_book_table,
               "{'items':[{'sku':'E','spec':'x','unit':'month','month':2,'basis':'estimated',"
               "'source':'D'},{'sku':'F','spec':'y','unit':'hour','hour':1,'basis':'list',"
               "'source':'A'}]}");
    assert_ok(f, compute_price_book_import(f->service, book, &actor, &changed, &f->err));
    assert_int_equal(changed, 2);
    assert_ok(f, compute_price_book_import(f->service, book, &actor, &changed, &f->err));
    assert_int_equal(changed, 0);
    assert_true(has_record(f, "prices", "E"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(test_a_second_import_changes_nothing),
        SERVICE_TEST(test_a_dry_run_counts_and_changes_nothing),
        SERVICE_TEST(test_an_import_adds_and_replaces_and_leaves_the_rest),
        SERVICE_TEST(test_another_currency_is_refused_and_changes_nothing),
        SERVICE_TEST(test_sites_and_access_points_share_one_name_space),
        SERVICE_TEST(test_versions_guard_the_put_of_a_site),
        SERVICE_TEST(test_links_and_connections_need_their_ends),
        SERVICE_TEST(test_a_site_goes_with_its_connections_and_notes_but_not_from_under_a_link),
        SERVICE_TEST(test_of_sixteen_threads_exactly_five_get_the_room_for_five),
        SERVICE_TEST(test_what_lacks_is_named_with_its_numbers),
        SERVICE_TEST(test_what_is_taken_twice_counts_once_and_what_is_released_is_free),
        SERVICE_TEST(test_the_snapshot_is_what_a_naive_reading_of_the_store_gives),
        SERVICE_TEST(test_the_version_moves_with_designs_and_not_with_observations),
        SERVICE_TEST(test_an_observation_is_written_on_change_and_each_five_minutes),
        SERVICE_TEST(test_readers_see_whole_states_while_the_network_changes),
        SERVICE_TEST(test_a_write_that_the_store_fails_has_changed_nothing),
        SERVICE_TEST(test_twenty_thousand_sites_are_imported_in_seconds),
        SERVICE_TEST(test_the_price_book_is_kept_by_sku),
    };
    int failed = fixture_main(argc, argv, "compute", tests, ARRAY_LEN(tests));
    int held = fixture_main(argc, argv, "reservations", reservation_tests, reservation_test_count);
    return failed ? failed : held;
}
