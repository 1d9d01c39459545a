/* test_dag.c - order and critical path against brute force. */
#include "base_tests.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dag.h"
#include "base/mem.h"
#include "base/rand.h"

enum { MAX_NODES = 9, MAX_EDGES = 24 };

/* Again and again the lowest node whose predecessors are all out; false when none is left. */
static bool brute_order(size_t count, const struct dag_edge *edges, size_t edge_count,
                        size_t *order)
{
    bool out[MAX_NODES] = {false};
    for (size_t done = 0; done < count; done++) {
        size_t pick = count;
        for (size_t i = count; i-- > 0;) {
            bool free = !out[i];
            for (size_t e = 0; e < edge_count; e++)
                free &= edges[e].after != i || out[edges[e].before];
            if (free)
                pick = i;
        }
        if (pick == count)
            return false;
        out[pick] = true;
        order[done] = pick;
    }
    return true;
}

/* Longest way into a node, by trying every way. */
static double brute_start(size_t node, const struct dag_edge *edges, size_t edge_count,
                          const double *duration)
{
    double start = 0;
    for (size_t e = 0; e < edge_count; e++) {
        if (edges[e].after != node)
            continue;
        size_t before = edges[e].before;
        double end = brute_start(before, edges, edge_count, duration) + duration[before];
        if (end > start)
            start = end;
    }
    return start;
}

/* "… cycle: 2 -> 3 -> 2" must name edges that exist, and close. */
static void check_told_cycle(const char *text, const struct dag_edge *edges, size_t edge_count)
{
    const char *p = strstr(text, "cycle: ");
    assert_non_null(p);
    p += strlen("cycle: ");
    char *end;
    size_t first = strtoul(p, &end, 10), at = first, steps = 0;
    while (*end) {
        assert_memory_equal(end, " -> ", 4);
        size_t next = strtoul(end + 4, &end, 10);
        bool found = false;
        for (size_t e = 0; e < edge_count; e++)
            found |= edges[e].before == at && edges[e].after == next;
        assert_true(found);
        at = next;
        steps++;
    }
    assert_true(steps > 0);
    assert_int_equal(at, first);
}

static void test_random_graphs_agree_with_brute_force(void **state)
{
    (void)state;
    struct rand rand;
    rand_init(&rand, 3);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    size_t with_cycle = 0, without = 0;
    for (int round = 0; round < 20000; round++) {
        arena_clear(&arena);
        size_t count = rand_below(&rand, MAX_NODES + 1);
        size_t edge_count = count ? rand_below(&rand, 2 * count + 1) : 0;
        bool forward = rand_below(&rand, 2);
        struct dag_edge edges[MAX_EDGES];
        size_t names[MAX_NODES]; /* hides the forward direction behind a permutation */
        for (size_t i = 0; i < count; i++) {
            size_t k = rand_below(&rand, i + 1);
            names[i] = names[k];
            names[k] = i;
        }
        size_t kept = 0;
        for (size_t e = 0; e < edge_count; e++) {
            size_t a = rand_below(&rand, count), b = rand_below(&rand, count);
            if (forward && a >= b)
                continue;
            edges[kept++] = (struct dag_edge){names[a], names[b]};
        }
        size_t order[MAX_NODES + 1], brute[MAX_NODES + 1];
        memset(order, 0x5A, sizeof order);
        struct err err = ERR_INIT;
        enum err_code code = dag_order(count, edges, kept, order, &arena, &err);
        if (!brute_order(count, edges, kept, brute)) {
            with_cycle++;
            assert_int_equal(code, ERR_INVALID);
            check_told_cycle(err.text, edges, kept);
            for (size_t i = 0; i < sizeof order; i++) /* nothing has changed */
                assert_int_equal(((unsigned char *)order)[i], 0x5A);
            continue;
        }
        without++;
        assert_int_equal(code, ERR_OK);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(order[i], brute[i]);
        double duration[MAX_NODES], start[MAX_NODES], length, longest = 0;
        for (size_t i = 0; i < count; i++)
            duration[i] = (double)rand_below(&rand, 10);
        dag_earliest(count, edges, kept, order, duration, start, &length, &arena);
        for (size_t i = 0; i < count; i++) {
            assert_true(start[i] == brute_start(i, edges, kept, duration));
            if (start[i] + duration[i] > longest)
                longest = start[i] + duration[i];
        }
        assert_true(length == longest);
    }
    assert_true(with_cycle > 1000 && without > 1000); /* both sides were really tried */
}

static void test_an_edge_outside_the_nodes_is_refused_by_number(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    const struct dag_edge edges[] = {{0, 1}, {1, 2}};
    size_t order[2];
    assert_int_equal(dag_order(2, edges, 2, order, &arena, &err), ERR_INVALID);
    assert_string_equal(err.text, "edge 1 (1 -> 2) leaves the 2 nodes");
    assert_int_equal(dag_order(0, edges, 1, order, &arena, &err), ERR_INVALID);
}

static void test_a_node_that_waits_for_itself_is_a_cycle(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    const struct dag_edge edge = {1, 1};
    size_t order[2];
    assert_int_equal(dag_order(2, &edge, 1, order, &arena, &err), ERR_INVALID);
    assert_string_equal(err.text, "the order has a cycle: 1 -> 1");
}

static void test_a_long_cycle_is_told_shortly(void **state)
{
    (void)state;
    enum { NODES = 1000 };
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct dag_edge edges[NODES];
    size_t order[NODES];
    for (size_t i = 0; i < NODES; i++)
        edges[i] = (struct dag_edge){i, (i + 1) % NODES};
    assert_int_equal(dag_order(NODES, edges, NODES, order, &arena, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "... (1000 nodes)"));
}

static void test_a_large_graph_is_ordered_in_about_linear_time(void **state)
{
    (void)state;
    enum { NODES = 100000 };
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct dag_edge *edges = arena_array(&arena, NODES, sizeof *edges);
    size_t *order = arena_array(&arena, NODES, sizeof *order);
    for (size_t i = 0; i + 1 < NODES; i++) /* a chain backwards: the heap is always small */
        edges[i] = (struct dag_edge){i + 1, i};
    int64_t before = clock_mono_ms();
    assert_ok(dag_order(NODES, edges, NODES - 1, order, &arena, NULL));
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(order[i], NODES - 1 - i);
    for (size_t i = 0; i + 1 < NODES; i++) /* a star: the heap holds all */
        edges[i] = (struct dag_edge){NODES - 1, i};
    assert_ok(dag_order(NODES, edges, NODES - 1, order, &arena, NULL));
    assert_int_equal(order[0], NODES - 1);
    for (size_t i = 1; i < NODES; i++)
        assert_int_equal(order[i], i - 1);
    assert_true(clock_mono_ms() - before < 10000); /* quadratic would take minutes */
}

int run_dag_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs_agree_with_brute_force),
        cmocka_unit_test(test_an_edge_outside_the_nodes_is_refused_by_number),
        cmocka_unit_test(test_a_node_that_waits_for_itself_is_a_cycle),
        cmocka_unit_test(test_a_long_cycle_is_told_shortly),
        cmocka_unit_test(test_a_large_graph_is_ordered_in_about_linear_time),
    };
    return cmocka_run_group_tests_name("dag", tests, NULL, NULL);
}
