/* test_mem.c - the only door to malloc. */
#include "base_tests.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"

static void test_size_zero_gives_pointers_of_their_own(void **state)
{
    (void)state;
    CLEANUP(mem_free_at) void *a = mem_alloc(0);
    CLEANUP(mem_free_at) void *b = mem_zalloc(0);
    CLEANUP(mem_free_at) void *c = mem_array(0, 8);
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
    assert_ptr_not_equal(b, c);
    c = mem_resize(c, 0, 8);
    assert_non_null(c);
}

static void test_arrays_are_zeroed_and_resizing_keeps_the_content(void **state)
{
    (void)state;
    int *numbers = mem_array(100, sizeof *numbers);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(numbers[i], 0);
        numbers[i] = i;
    }
    numbers = mem_resize(numbers, 1000, sizeof *numbers);
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], i);
    mem_free(numbers);
    mem_free(NULL);
}

static void test_texts_are_copied_to_their_end_and_null_stays_null(void **state)
{
    (void)state;
    CLEANUP(mem_free_at) char *a = mem_strdup("算力");
    CLEANUP(mem_free_at) char *b = mem_strndup("abcdef", 3);
    CLEANUP(mem_free_at) char *c = mem_strndup("ab", 100);
    CLEANUP(mem_free_at) char *d = mem_printf("%s-%d", "x", 7);
    assert_string_equal(a, "算力");
    assert_string_equal(b, "abc");
    assert_string_equal(c, "ab");
    assert_string_equal(d, "x-7");
    assert_null(mem_strdup(NULL));
    assert_null(mem_strndup(NULL, 3));
}

static void test_take_leaves_null_behind(void **state)
{
    (void)state;
    CLEANUP(mem_free_at) char *from = mem_strdup("x");
    CLEANUP(mem_free_at) char *to = TAKE(from);
    assert_null(from);
    assert_string_equal(to, "x");
}

static void overflow_array(void *ctx)
{
    (void)ctx;
    mem_free(mem_array(SIZE_MAX / 2, 3));
}

static void overflow_resize(void *ctx)
{
    (void)ctx;
    mem_free(mem_resize(NULL, SIZE_MAX, 2));
}

static void test_a_size_that_overflows_ends_the_process_with_a_message(void **state)
{
    (void)state;
    void (*const cases[])(void *) = {overflow_array, overflow_resize};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(mem_free_at) char *said = NULL;
        int status = run_in_child(cases[i], NULL, &said);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_string_equal(said, "swan: a memory size overflows\n");
    }
}

int run_mem_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_zero_gives_pointers_of_their_own),
        cmocka_unit_test(test_arrays_are_zeroed_and_resizing_keeps_the_content),
        cmocka_unit_test(test_texts_are_copied_to_their_end_and_null_stays_null),
        cmocka_unit_test(test_take_leaves_null_behind),
        cmocka_unit_test(test_a_size_that_overflows_ends_the_process_with_a_message),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
