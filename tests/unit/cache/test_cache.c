/* test_cache.c - files of the OR-Library and of demand: what is read, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "lean/cache/cache.h"

static const struct cache_search no_limit = {.seed = 1};

static enum err_code read(const char *text, struct cache_orlib *out, struct arena *arena,
                          struct err *err)
{
    err_clear(err);
    return cache_read_orlib(text, strlen(text), 0, out, arena, err);
}

static void test_an_edge_listed_twice_costs_its_last_listing(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cache_orlib problem;
    struct cache_located located;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read("3 3 1\n1 2 1\n2 3 4\n2 1 6\n", &problem, &arena, &err), ERR_OK);
    assert_true(problem.median);
    assert_true(problem.location.serve[0 * 3 + 1] == 6);
    assert_true(problem.location.serve[0 * 3 + 2] == 10);
    assert_int_equal(cache_locate(&problem.location, &no_limit, &located, &arena, &err), ERR_OK);
    assert_true(located.proven && located.cost == 10 && located.open.items[0] == 1);
}

static void test_capacities_split_a_customer(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cache_orlib problem;
    struct cache_located located;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read(" 2 1\n 6 10.\n 6 20.\n 8\n 80 160\n", &problem, &arena, &err), ERR_OK);
    assert_int_equal(cache_locate(&problem.location, &no_limit, &located, &arena, &err), ERR_OK);
    assert_true(located.proven && located.cost == 30 + 60 + 40);
    assert_int_equal(located.shares.count, 2);
    assert_int_equal(located.assign[0], 0);
    assert_true(located.shares.items[0].part == 0.75);
}

static void test_bad_files_name_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: the first line has 0 words"},
        {"1 2 3 4\n", "line 1: the first line has 4 words"},
        {"3 2 1\n1 2 5\n2 4 5\n", "line 3: an end of an edge is 4, allowed is 1 to 3"},
        {"3 2 1\n1 2 5\n2 3 x\n", "line 3: the cost of an edge is 'x', no number"},
        {"3 2 1\n1 2 -5\n2 3 1\n", "line 2: the cost of an edge is -5, allowed is 0"},
        {"3 2 1\n1 2 nan\n2 3 1\n", "line 2: the cost of an edge is 'nan', no number"},
        {"3 9 1\n1 2 5\n", "line 1: 9 edges are announced, the file is too short"},
        {"3 2 1\n1 2 5\n2 3 5\n7\n", "line 4: the file goes on after its last number"},
        {"3 2 4\n1 2 5\n2 3 5\n", "line 1: the number of medians is 4, allowed is 1 to 3"},
        {"2 1\n5 1\n5 1\n3\n1\n", "line 6: the file ends where a cost of serving should be"},
        {"2 1\ncapacity 1\n5 1\n3\n1 1\n", "line 2: the file leaves the capacity open"},
        {"2.5 1 \n", "line 1: the number of warehouses is 2.5, no whole number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct cache_orlib problem = {.median = true};
        struct err err = ERR_INIT;
        assert_int_equal(read(cases[i].text, &problem, &arena, &err), ERR_INVALID);
        assert_ptr_equal(strstr(err.text, cases[i].says), err.text);
        assert_true(problem.median); /* untouched */
    }
}

static void test_a_customer_whom_nobody_reaches_is_named(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cache_orlib problem;
    struct cache_located located;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read("4 2 1\n1 2 5\n3 4 5\n", &problem, &arena, &err), ERR_OK);
    assert_int_equal(cache_locate(&problem.location, &no_limit, &located, &arena, &err),
                     ERR_INFEASIBLE);
    assert_non_null(strstr(err.text, "no set of 1 facilities serves all customers"));
    problem.location.most = 2;
    assert_int_equal(cache_locate(&problem.location, &no_limit, &located, &arena, &err), ERR_OK);
    assert_true(located.cost == 10);
}

static void test_demand_is_read_in_any_order_of_columns(void **state)
{
    static const char text[] = "fetches,site,artefact\r\n3,上海,app\r\n\r\n0.5,b,db\n";
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct cache_wish wish = {.demand = {NULL, 0}};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(cache_read_demand(text, strlen(text), &wish, &arena, &err), ERR_OK);
    assert_int_equal(wish.demand.count, 2);
    assert_string_equal(wish.demand.items[0].site, "上海");
    assert_string_equal(wish.demand.items[1].artefact, "db");
    assert_true(wish.demand.items[1].fetches == 0.5);
}

static void test_bad_demand_names_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: wanted is site,artefact,fetches"},
        {"site,artefact\n", "line 1: 2 cells"},
        {"site,artefact,times\n", "line 1: no column is named 'fetches'"},
        {"site,artefact,fetches\na,b,-1\n", "line 2: fetches is '-1'"},
        {"site,artefact,fetches\na,b,1\na,b\n", "line 3: 2 cells"},
        {"site,artefact,fetches\na,b,1,2\n", "line 2: more than 3 cells"},
        {"site,artefact,fetches\n,b,1\n", "line 2: a cell is empty"},
        {"site,artefact,fetches\na,b,0x1\n", "line 2: fetches is '0x1'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct cache_wish wish = {.demand = {NULL, 0}};
        struct err err = ERR_INIT;
        assert_int_equal(
            cache_read_demand(cases[i].text, strlen(cases[i].text), &wish, &arena, &err),
            ERR_INVALID);
        assert_ptr_equal(strstr(err.text, cases[i].says), err.text);
        assert_int_equal(wish.demand.count, 0);
    }
}

static void test_a_wish_that_does_not_fit_the_network_names_the_field(void **state)
{
    struct site sites[] = {{.id = "a"}, {.id = "b"}};
    struct network network = {.sites = {sites, 2}};
    const char *origins[] = {"a"};
    struct cache_artefact artefacts[] = {{.id = "x", .size_gib = 1, .origins = {origins, 1}},
                                         {.id = "x", .size_gib = 1, .origins = {origins, 1}}};
    struct cache_demand demand[] = {{"b", "x", 2}};
    struct cache_wish wish = {.artefacts = {artefacts, 2}, .demand = {demand, 1}};
    struct cache_placement placement;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(cache_place(&network, &wish, &no_limit, &placement, &arena, &err),
                     ERR_INVALID);
    assert_string_equal(err.field, "artefacts[1].id");
    wish.artefacts.count = 1;
    demand[0].site = "c";
    assert_int_equal(cache_place(&network, &wish, &no_limit, &placement, &arena, &err),
                     ERR_INVALID);
    assert_string_equal(err.field, "demand[0].site");
    demand[0].site = "b"; /* no link: the demand cannot be met, and that is said */
    assert_int_equal(cache_place(&network, &wish, &no_limit, &placement, &arena, &err), ERR_OK);
    assert_int_equal(placement.unmet, 1);
    assert_int_equal(placement.fetches.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edge_listed_twice_costs_its_last_listing),
        cmocka_unit_test(test_capacities_split_a_customer),
        cmocka_unit_test(test_bad_files_name_their_line),
        cmocka_unit_test(test_a_customer_whom_nobody_reaches_is_named),
        cmocka_unit_test(test_demand_is_read_in_any_order_of_columns),
        cmocka_unit_test(test_bad_demand_names_its_line),
        cmocka_unit_test(test_a_wish_that_does_not_fit_the_network_names_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
