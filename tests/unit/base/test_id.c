/* test_id.c - ids, digests and random bytes. */
#include "base_tests.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

static void test_an_id_is_prefix_time_and_random_digits(void **state)
{
    (void)state;
    char id[ID_SIZE];
    id_new("run", id);
    assert_int_equal(strlen(id), 4 + 18);
    assert_memory_equal(id, "run-", 4);
    assert_int_equal(strspn(id + 4, "0123456789abcdefghjkmnpqrstvwxyz"), 18);
    id_new("provider", id); /* the longest prefix */
    assert_int_equal(strlen(id), 9 + 18);
    assert_ok(str_check_name(id, ID_SIZE - 1, "id", NULL));
}

static void test_ids_sort_by_the_time_of_their_making(void **state)
{
    (void)state;
    char before[ID_SIZE], after[ID_SIZE];
    for (int i = 0; i < 20; i++) {
        int64_t start = clock_now_ms();
        id_new("x", before);
        while (clock_now_ms() <= start)
            clock_sleep_ms(1);
        clock_sleep_ms(1);
        id_new("x", after);
        assert_true(strcmp(before, after) < 0);
    }
}

static void test_many_ids_are_all_different(void **state)
{
    (void)state;
    CLEANUP(map_free_at) struct map *seen = map_new();
    for (int i = 0; i < 50000; i++) {
        char id[ID_SIZE];
        id_new("x", id);
        assert_null(map_put(seen, id, seen));
    }
}

static void test_digests_are_sha256(void **state)
{
    (void)state;
    char digest[ID_DIGEST_SIZE];
    id_digest("", 0, digest);
    assert_string_equal(digest, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
                                "7852b855");
    id_digest("abc", 3, digest);
    assert_string_equal(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
                                "f20015ad");
    assert_int_equal(strlen(digest), ID_DIGEST_SIZE - 1);
}

static void test_a_file_has_the_digest_of_its_content(void **state)
{
    CLEANUP(mem_free_at) char *path = mem_printf("%s/f", (char *)*state);
    size_t len = 1000003; /* several reads, the last one short */
    CLEANUP(mem_free_at) char *data = mem_alloc(len);
    id_random(data, len);
    assert_ok(file_write_atomic(path, data, len, 0600, NULL));
    char of_file[ID_DIGEST_SIZE], of_data[ID_DIGEST_SIZE];
    uint64_t size = 0;
    assert_ok(id_digest_file(path, of_file, &size, NULL));
    id_digest(data, len, of_data);
    assert_string_equal(of_file, of_data);
    assert_int_equal(size, len);
    assert_ok(id_digest_file(path, of_file, NULL, NULL));
}

static void test_only_regular_files_are_digested(void **state)
{
    struct err err = ERR_INIT;
    char digest[ID_DIGEST_SIZE] = "unchanged";
    CLEANUP(mem_free_at) char *pipe_path = mem_printf("%s/pipe", (char *)*state);
    CLEANUP(mem_free_at) char *missing = mem_printf("%s/missing", (char *)*state);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(id_digest_file(pipe_path, digest, NULL, &err), ERR_INVALID);
    assert_int_equal(id_digest_file(*state, digest, NULL, &err), ERR_INVALID);
    assert_int_equal(id_digest_file(missing, digest, NULL, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, missing));
    assert_string_equal(digest, "unchanged");
}

static void test_random_bytes_differ_and_fill_the_whole_length(void **state)
{
    (void)state;
    unsigned char a[1000] = {0}, b[1000] = {0};
    id_random(a, sizeof a);
    id_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof a; i++)
        zeros += a[i] == 0;
    assert_true(zeros < 40); /* about 4 are expected */
    id_random(NULL, 0);
}

static void test_the_keyed_hash_is_blake2b(void **state)
{
    (void)state;
    unsigned char key[32];
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    char hex[65];
    id_keyed_hash(key, "swan", 4, hex); /* hashlib.blake2b(b"swan", key=key, digest_size=32) */
    assert_string_equal(hex, "3c7738d8b091dd6b78b35388df2d4155b12bb30288615e397645b9c3d32f0527");
    id_keyed_hash(key, "", 0, hex);
    assert_string_equal(hex, "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d");
    key[31] ^= 1;
    char other[65];
    id_keyed_hash(key, "", 0, other);
    assert_string_not_equal(hex, other);
}

int run_id_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_id_is_prefix_time_and_random_digits),
        cmocka_unit_test(test_ids_sort_by_the_time_of_their_making),
        cmocka_unit_test(test_many_ids_are_all_different),
        cmocka_unit_test(test_digests_are_sha256),
        cmocka_unit_test_setup_teardown(test_a_file_has_the_digest_of_its_content, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_only_regular_files_are_digested, make_folder,
                                        remove_folder),
        cmocka_unit_test(test_random_bytes_differ_and_fill_the_whole_length),
        cmocka_unit_test(test_the_keyed_hash_is_blake2b),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
