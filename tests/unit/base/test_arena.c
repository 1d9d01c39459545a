/* test_arena.c - memory of one lifetime. */
#include "base_tests.h"

#include <string.h>

#include "base/arena.h"
#include "base/rand.h"

/* Items of random sizes, each filled with its own byte, must all keep it: none overlap. */
static void test_items_are_aligned_and_never_overlap(void **state)
{
    (void)state;
    enum { ITEMS = 5000 };
    struct rand rand;
    rand_init(&rand, 1);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    static struct {
        unsigned char *p;
        size_t size;
    } items[ITEMS];
    for (int round = 0; round < 3; round++) {
        size_t total = 0;
        for (size_t i = 0; i < ITEMS; i++) {
            items[i].size =
                rand_below(&rand, 50) ? rand_below(&rand, 200) : rand_below(&rand, 100000);
            items[i].p = arena_alloc(&arena, items[i].size);
            assert_int_equal((uintptr_t)items[i].p % 16, 0);
            memset(items[i].p, (int)(i & 0xFF), items[i].size);
            total += items[i].size;
        }
        assert_true(arena.used >= total);
        for (size_t i = 0; i < ITEMS; i++) {
            for (size_t k = 0; k < items[i].size; k++)
                assert_int_equal(items[i].p[k], i & 0xFF);
        }
        arena_clear(&arena);
        assert_int_equal(arena.used, 0);
    }
}

static void test_empty_items_have_addresses_of_their_own(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    void *a = arena_alloc(&arena, 0), *b = arena_alloc(&arena, 0);
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
}

static void test_memory_is_zeroed_also_after_a_clear(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    for (int round = 0; round < 2; round++) {
        unsigned char *p = arena_zalloc(&arena, 1000);
        int *numbers = arena_array(&arena, 10, sizeof *numbers);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(p[i], 0);
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(numbers[i], 0);
        memset(p, 0xAA, 1000);
        memset(numbers, 0xAA, 10 * sizeof *numbers);
        arena_clear(&arena);
    }
}

static void test_texts_and_data_are_copied(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    assert_string_equal(arena_strdup(&arena, "算"), "算");
    assert_string_equal(arena_strndup(&arena, "abcdef", 2), "ab");
    assert_string_equal(arena_strndup(&arena, "ab", 9), "ab");
    assert_null(arena_strdup(&arena, NULL));
    assert_null(arena_strndup(&arena, NULL, 1));
    assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(arena_memdup(&arena, NULL, 0));
    assert_string_equal(arena_printf(&arena, "%s %d", "x", 5), "x 5");
    char *wide = arena_printf(&arena, "%10000d", 1);
    assert_int_equal(strlen(wide), 10000);
}

static void test_more_than_the_maximum_is_an_ordinary_error(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = ERR_INIT;
    arena_init(&arena, 1000);
    arena_alloc(&arena, 500);
    assert_ok(arena_check(&arena, &err));
    arena_alloc(&arena, 600);
    assert_int_equal(arena_check(&arena, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "1000 bytes"));
    arena_clear(&arena);
    assert_ok(arena_check(&arena, &err));
    arena_done(&arena);
}

static void test_a_list_grows_one_zeroed_item_at_a_time(void **state)
{
    (void)state;
    struct item {
        size_t number, zero;
    };
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    LIST(struct item) list = {NULL, 0};
    for (size_t i = 0; i < 3000; i++) {
        struct item *item = LIST_ADD(&arena, &list);
        assert_ptr_equal(item, &list.items[i]);
        assert_int_equal(item->number, 0);
        item->number = i;
        arena_alloc(&arena, 8); /* somebody else's items stand between */
    }
    assert_int_equal(list.count, 3000);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(list.items[i].number, i);
        assert_int_equal(list.items[i].zero, 0);
    }
}

static void test_done_twice_and_clearing_nothing_are_fine(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    arena_clear(&arena);
    arena_done(&arena);
    arena_alloc(&arena, 10);
    arena_done(&arena);
    arena_done(&arena);
}

int run_arena_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_are_aligned_and_never_overlap),
        cmocka_unit_test(test_empty_items_have_addresses_of_their_own),
        cmocka_unit_test(test_memory_is_zeroed_also_after_a_clear),
        cmocka_unit_test(test_texts_and_data_are_copied),
        cmocka_unit_test(test_more_than_the_maximum_is_an_ordinary_error),
        cmocka_unit_test(test_a_list_grows_one_zeroed_item_at_a_time),
        cmocka_unit_test(test_done_twice_and_clearing_nothing_are_fine),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
