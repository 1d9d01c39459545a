/* test_map.c - the map against a naive list. */
#include "base_tests.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

static void test_putting_again_replaces_and_gives_back_the_value_before(void **state)
{
    (void)state;
    CLEANUP(map_free_at) struct map *map = map_new();
    int a, b;
    assert_null(map_find(map, "k"));
    assert_false(map_has(map, "k"));
    assert_null(map_take(map, "k"));
    assert_null(map_put(map, "k", &a));
    assert_ptr_equal(map_put(map, "k", &b), &a);
    assert_int_equal(map_count(map), 1);
    assert_ptr_equal(map_take(map, "k"), &b);
    assert_int_equal(map_count(map), 0);
    assert_false(map_has(map, "k"));
    map_free(NULL);
}

static void test_keys_are_copied_and_null_values_are_values(void **state)
{
    (void)state;
    CLEANUP(map_free_at) struct map *map = map_new();
    char key[] = "first";
    map_put(map, key, NULL);
    key[0] = 'F';
    assert_true(map_has(map, "first"));
    assert_false(map_has(map, "First"));
    assert_null(map_find(map, "first"));
    map_put(map, "", key);
    assert_ptr_equal(map_find(map, ""), key);
}

/* The oracle: entries in order of insertion, found by walking. */
struct naive {
    char keys[400][8];
    void *values[400];
    size_t count;
};

static size_t naive_find(const struct naive *naive, const char *key)
{
    size_t i = 0;
    while (i < naive->count && strcmp(naive->keys[i], key) != 0)
        i++;
    return i;
}

static void compare(const struct map *map, const struct naive *naive)
{
    assert_int_equal(map_count(map), naive->count);
    size_t at = 0, i = 0;
    const char *key;
    void *value;
    while (map_next(map, &at, &key, &value)) {
        assert_true(i < naive->count);
        assert_string_equal(key, naive->keys[i]);
        assert_ptr_equal(value, naive->values[i]);
        i++;
    }
    assert_int_equal(i, naive->count);
}

static void test_random_puts_and_takes_equal_a_naive_list_in_content_and_order(void **state)
{
    (void)state;
    static struct naive naive;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct rand rand;
        rand_init(&rand, seed);
        CLEANUP(map_free_at) struct map *map = map_new();
        naive.count = 0;
        uint64_t keys = 5 + rand_below(&rand, 300);
        for (int step = 0; step < 3000; step++) {
            char key[8];
            snprintf(key, sizeof key, "k%d", (int)rand_below(&rand, keys));
            size_t i = naive_find(&naive, key);
            bool known = i < naive.count;
            void *value = (void *)(uintptr_t)(step + 1);
            if (rand_below(&rand, 5) < 3) {
                assert_ptr_equal(map_put(map, key, value), known ? naive.values[i] : NULL);
                if (!known)
                    memcpy(naive.keys[naive.count++], key, sizeof key);
                naive.values[i] = value;
            } else {
                assert_ptr_equal(map_take(map, key), known ? naive.values[i] : NULL);
                if (known) {
                    naive.count--;
                    memmove(naive.keys[i], naive.keys[i + 1], (naive.count - i) * sizeof key);
                    memmove(&naive.values[i], &naive.values[i + 1],
                            (naive.count - i) * sizeof naive.values[0]);
                }
            }
            assert_int_equal(map_has(map, key), naive_find(&naive, key) < naive.count);
            if (step % 100 == 0)
                compare(map, &naive);
        }
        compare(map, &naive);
    }
}

static void test_many_keys_come_and_go_without_the_map_growing(void **state)
{
    (void)state;
    CLEANUP(map_free_at) struct map *map = map_new();
    char key[32];
    for (int i = 0; i < 200000; i++) {
        snprintf(key, sizeof key, "request-%d", i);
        map_put(map, key, map);
        if (i >= 10) {
            snprintf(key, sizeof key, "request-%d", i - 10);
            assert_ptr_equal(map_take(map, key), map);
        }
    }
    assert_int_equal(map_count(map), 10);
    size_t at = 0, steps = 0;
    while (map_next(map, &at, NULL, NULL))
        steps++;
    assert_int_equal(steps, 10);
    assert_true(at < 100); /* places are reused: `at` counts the removed ones too */
}

int run_map_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_putting_again_replaces_and_gives_back_the_value_before),
        cmocka_unit_test(test_keys_are_copied_and_null_values_are_values),
        cmocka_unit_test(test_random_puts_and_takes_equal_a_naive_list_in_content_and_order),
        cmocka_unit_test(test_many_keys_come_and_go_without_the_map_growing),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
