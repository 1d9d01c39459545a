/* test_file.c - whole files, crashes in the middle, and removal of awkward trees. */
#include "base_tests.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

/* Paths in the test's folder; the texts live until the next eight are asked for. */
static const char *in(void **state, const char *name)
{
    static char paths[8][4096];
    static size_t turn;
    char *path = paths[turn++ % 8];
    str_format(path, sizeof paths[0], "%s/%s", (char *)*state, name);
    return path;
}

static void put(const char *path, const char *text)
{
    assert_ok(file_write_atomic(path, text, strlen(text), 0644, NULL));
}

static void expect_content(const char *path, const char *wanted)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    assert_ok(file_read(path, 1 << 20, &text, NULL));
    assert_string_equal(buf_str(&text), wanted);
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void test_a_file_is_appended_whole(void **state)
{
    const char *path = in(state, "f");
    size_t len = 300001;
    CLEANUP(mem_free_at) char *data = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 7);
    assert_ok(file_write_atomic(path, data, len, 0644, NULL));
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_add_str(&text, "head");
    assert_ok(file_read(path, len, &text, NULL));
    assert_int_equal(text.len, len + 4);
    assert_memory_equal(text.data, "head", 4);
    assert_memory_equal(text.data + 4, data, len);
}

static void test_a_file_larger_than_allowed_is_refused_and_nothing_appended(void **state)
{
    struct err err = ERR_INIT;
    put(in(state, "f"), "12345");
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_add_str(&text, "x");
    assert_int_equal(file_read(in(state, "f"), 4, &text, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "/f'"));
    assert_string_equal(text.data, "x");
    assert_ok(file_read(in(state, "f"), 5, &text, &err));
    assert_string_equal(text.data, "x12345");
    /* /proc files claim size 0: the limit holds while reading, too. */
    assert_int_equal(file_read("/proc/self/status", 10, &text, &err), ERR_TOO_LARGE);
    assert_string_equal(text.data, "x12345");
}

static void test_a_buffer_that_is_full_is_left_as_it_was(void **state)
{
    struct err err = ERR_INIT;
    put(in(state, "f"), "123456789");
    struct buf text;
    buf_init(&text, 10);
    buf_add_str(&text, "abc");
    assert_int_equal(file_read(in(state, "f"), 100, &text, &err), ERR_TOO_LARGE);
    assert_string_equal(text.data, "abc");
    assert_ok(buf_check(&text, &err));
    buf_done(&text);
}

static void test_only_regular_files_are_read_and_the_error_names_the_path(void **state)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    assert_int_equal(mkfifo(in(state, "pipe"), 0600), 0);
    const struct {
        const char *path;
        enum err_code code;
    } cases[] = {
        {in(state, "pipe"), ERR_INVALID},
        {*state, ERR_INVALID},
        {"/dev/zero", ERR_INVALID},
        {in(state, "missing"), ERR_NOT_FOUND},
        {in(state, "missing/f"), ERR_NOT_FOUND},
        {"", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(file_read(cases[i].path, 1000, &text, &err), cases[i].code);
        assert_non_null(strstr(err.text, cases[i].path));
        assert_int_equal(text.len, 0);
    }
}

static void test_a_dash_is_standard_input_with_the_same_limit(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (size_t max = 5; max <= 6; max++) {
        int saved = dup(STDIN_FILENO), ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "abcdef", 6), 6);
        close(ends[1]);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        enum err_code code = file_read("-", max, &text, &err);
        dup2(saved, STDIN_FILENO);
        close(saved);
        assert_int_equal(code, max < 6 ? ERR_TOO_LARGE : ERR_OK);
        assert_string_equal(buf_str(&text), max < 6 ? "" : "abcdef");
    }
    assert_non_null(strstr(err.text, "standard input"));
}

static void test_the_limit_holds_over_all_reads_together(void **state)
{
    (void)state;
    enum { SIZE = 40000 }; /* less than a pipe holds, more than one read takes */
    int saved = dup(STDIN_FILENO), ends[2];
    char data[SIZE];
    memset(data, 'x', SIZE);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], data, SIZE), SIZE);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code code = file_read("-", SIZE - 1, &text, NULL);
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(code, ERR_TOO_LARGE);
    assert_int_equal(text.len, 0);
}

static void test_writing_replaces_the_file_and_sets_its_mode(void **state)
{
    const char *path = in(state, "f");
    mode_t mask = umask(077);
    assert_ok(file_write_atomic(path, "one, long", 9, 0600, NULL));
    assert_ok(file_write_atomic(path, "two", 3, 0644, NULL));
    umask(mask);
    expect_content(path, "two");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_ok(file_write_atomic(path, NULL, 0, 0644, NULL));
    expect_content(path, "");
    assert_int_equal(count_entries(*state), 1);
}

static void test_a_link_is_replaced_not_followed(void **state)
{
    put(in(state, "target"), "precious");
    assert_int_equal(symlink("target", in(state, "link")), 0);
    put(in(state, "link"), "new");
    expect_content(in(state, "target"), "precious");
    expect_content(in(state, "link"), "new");
}

static void test_a_target_that_cannot_be_written_is_an_error_and_leaves_nothing(void **state)
{
    struct err err = ERR_INIT;
    char longest[400];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    mkdir(in(state, "folder"), 0755);
    assert_int_equal(file_write_atomic(in(state, "no/f"), "x", 1, 0644, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no/f"));
    assert_int_equal(file_write_atomic(in(state, longest), "x", 1, 0644, &err), ERR_INVALID);
    assert_int_equal(file_write_atomic(in(state, ""), "x", 1, 0644, &err), ERR_INVALID);
    assert_int_equal(file_write_atomic(in(state, ".."), "x", 1, 0644, &err), ERR_INVALID);
    assert_int_equal(file_write_atomic(in(state, "folder"), "x", 1, 0644, &err), ERR_INVALID);
    assert_int_equal(count_entries(*state), 1);
    assert_int_equal(count_entries(in(state, "folder")), 0);
}

static void test_a_failure_at_each_point_keeps_the_old_file_until_the_rename(void **state)
{
    static const struct {
        const char *fault, *content;
    } cases[] = {
        {"file.before_write=io", "old"},
        {"file.before_rename=io", "old"},
        {"file.before_sync=io", "new"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put(in(state, "f"), "old");
        assert_ok(fault_arm(cases[i].fault, NULL));
        assert_int_equal(file_write_atomic(in(state, "f"), "new", 3, 0644, NULL), ERR_IO);
        assert_int_equal(fault_fired(), 1);
        fault_disarm();
        expect_content(in(state, "f"), cases[i].content);
        assert_int_equal(count_entries(*state), 1);
    }
}

struct crash {
    const char *path, *fault;
};

static void write_and_crash(void *ctx)
{
    const struct crash *crash = ctx;
    fault_arm(crash->fault, NULL);
    file_write_atomic(crash->path, "new", 3, 0644, NULL);
}

static void test_a_crash_at_each_point_leaves_old_or_new_and_parts_never_pile_up(void **state)
{
    static const struct {
        const char *fault, *content;
    } cases[] = {
        {"file.before_write=kill", "old"},
        {"file.before_rename=kill", "old"},
        {"file.before_rename=kill", "old"}, /* again, over the part that is left */
        {"file.before_sync=kill", "new"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = in(state, "f");
        if (i != 2)
            put(path, "old");
        struct crash crash = {path, cases[i].fault};
        assert_true(WIFSIGNALED(run_in_child(write_and_crash, &crash, NULL)));
        expect_content(path, cases[i].content);
        assert_true(count_entries(*state) <= 2);
    }
    put(in(state, "f"), "after the crashes");
    expect_content(in(state, "f"), "after the crashes");
    assert_int_equal(count_entries(*state), 1);
}

static void test_a_longer_part_of_a_crash_does_not_leak_into_the_next_file(void **state)
{
    FILE *part = fopen(in(state, ".f.part"), "w");
    assert_non_null(part);
    fputs("a long text that a crash has left", part);
    fclose(part);
    put(in(state, "f"), "short");
    expect_content(in(state, "f"), "short");
    assert_int_equal(count_entries(*state), 1);
}

static void test_a_planted_link_in_place_of_the_part_is_refused(void **state)
{
    struct err err = ERR_INIT;
    put(in(state, "target"), "precious");
    assert_int_equal(symlink("target", in(state, ".f.part")), 0);
    assert_int_equal(file_write_atomic(in(state, "f"), "x", 1, 0644, &err), ERR_INVALID);
    expect_content(in(state, "target"), "precious");
}

static void test_many_writers_and_a_reader_never_see_half_a_file(void **state)
{
    enum { WRITERS = 4, ROUNDS = 40, SIZE = 20000 };
    const char *path = in(state, "f");
    pid_t children[WRITERS];
    char data[SIZE];
    memset(data, 'a', SIZE);
    assert_ok(file_write_atomic(path, data, SIZE, 0644, NULL));
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        enum err_code code = ERR_OK;
        memset(data, 'b' + i, SIZE);
        for (int round = 0; round < ROUNDS && !code; round++)
            code = file_write_atomic(path, data, SIZE - (size_t)i * 1000, 0644, NULL);
        _exit(code ? 1 : 0);
    }
    int running = WRITERS, status;
    while (running > 0) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        assert_ok(file_read(path, SIZE, &text, NULL));
        assert_true(text.len > SIZE / 2);
        char first = text.data[0];
        assert_int_equal(text.len, first == 'a' ? SIZE : SIZE - (first - 'b') * 1000);
        for (size_t i = 0; i < text.len; i++)
            assert_int_equal(text.data[i], first);
        while (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            running--;
        }
    }
    assert_int_equal(count_entries(*state), 1);
}

static void test_folders_are_made_on_the_way_and_may_exist(void **state)
{
    struct err err = ERR_INIT;
    assert_ok(file_make_dirs(in(state, "a/b/c"), 0755, &err));
    assert_ok(file_make_dirs(in(state, "a/b/c"), 0755, &err));
    assert_ok(file_make_dirs(in(state, "a//b/d/"), 0755, &err));
    assert_true(file_exists(in(state, "a/b/d")));
    assert_ok(file_make_dirs(in(state, "r/s"), 0555, &err));
    struct stat st;
    assert_int_equal(stat(in(state, "r/s"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0555);
    put(in(state, "a/file"), "x");
    assert_int_equal(file_make_dirs(in(state, "a/file"), 0755, &err), ERR_INVALID);
    assert_int_equal(file_make_dirs(in(state, "a/file/b"), 0755, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "a/file"));
    assert_int_equal(file_make_dirs("", 0755, &err), ERR_NOT_FOUND);
    assert_ok(file_make_dirs("/", 0755, &err));
}

static void test_removing_takes_the_tree_and_follows_no_link(void **state)
{
    assert_ok(file_make_dirs(in(state, "keep/inner"), 0755, NULL));
    put(in(state, "keep/inner/f"), "precious");
    assert_ok(file_make_dirs(in(state, "tree/a/b"), 0755, NULL));
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/a/f%d", i);
        put(in(state, name), "x");
    }
    mkfifo(in(state, "tree/pipe"), 0600);
    assert_int_equal(symlink("../keep", in(state, "tree/link")), 0);
    assert_int_equal(symlink("nowhere", in(state, "tree/broken")), 0);
    assert_ok(file_remove_tree(in(state, "tree"), NULL));
    assert_false(file_exists(in(state, "tree")));
    expect_content(in(state, "keep/inner/f"), "precious");

    assert_int_equal(symlink("keep", in(state, "link")), 0);
    assert_ok(file_remove_tree(in(state, "link/"), NULL));
    assert_false(file_exists(in(state, "link")));
    expect_content(in(state, "keep/inner/f"), "precious");
    assert_ok(file_remove_tree(in(state, "keep/inner/f"), NULL)); /* a file is a small tree */
    assert_false(file_exists(in(state, "keep/inner/f")));
}

static void test_removing_what_is_absent_is_fine_and_what_has_no_name_is_refused(void **state)
{
    struct err err = ERR_INIT;
    assert_ok(file_remove_tree(in(state, "missing"), &err));
    assert_ok(file_remove_tree(in(state, "missing/deeper"), &err));
    const char *const bad[] = {"/", "///", "", ".", "..", in(state, "."), in(state, "..")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(file_remove_tree(bad[i], &err), ERR_INVALID);
    assert_true(file_exists(*state));
}

static void remove_as_ordinary_user(void *ctx)
{
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        _exit(2);
    struct err err = ERR_INIT;
    char path[4096];
    str_format(path, sizeof path, "%s/home/tree", (char *)ctx);
    if (mkdir(path, 0755) || chdir(path) || mkdir("shut", 0755) || mkdir("shut/in", 0755) ||
        mkdir("readonly", 0755) || close(open("readonly/f", O_CREAT | O_WRONLY, 0444)) ||
        chmod("readonly", 0555) || chmod("shut", 0) || chdir("/"))
        _exit(3);
    if (file_remove_tree(path, &err)) {
        fprintf(stderr, "%s\n", err.text);
        fflush(NULL);
        _exit(4);
    }
}

static void test_our_own_folders_without_permissions_are_removed_too(void **state)
{
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(mkdir(in(state, "home"), 0777), 0);
    assert_int_equal(chmod(in(state, "home"), 0777), 0);
    CLEANUP(mem_free_at) char *said = NULL;
    int status = run_in_child(remove_as_ordinary_user, *state, &said);
    if (status != 0)
        fail_msg("status %x: %s", (unsigned)status, said);
    assert_int_equal(count_entries(in(state, "home")), 0);
}

static void test_a_tree_deeper_than_any_path_or_descriptor_table_is_removed(void **state)
{
    enum { DEPTH = 3000 };
    int at = open(*state, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, i ? "deep" : "tree", 0755), 0);
        int next = openat(at, i ? "deep" : "tree", O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        if (i % 100 == 0) {
            assert_int_equal(mkdirat(next, "beside", 0755), 0);
            assert_int_equal(symlinkat("..", next, "up"), 0);
        }
        close(at);
        at = next;
    }
    close(at);
    /* What a removal that was killed may have left, itself too deep. */
    struct buf left = BUF_INIT;
    buf_printf(&left, "%s/tree/.removing-0", (char *)*state);
    for (int i = 0; i < 100; i++)
        buf_add_str(&left, "/x");
    assert_ok(file_make_dirs(buf_str(&left), 0755, NULL));
    buf_done(&left);
    struct rlimit before, few = {.rlim_cur = 256};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    enum err_code code = file_remove_tree(in(state, "tree"), NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, ERR_OK);
    assert_int_equal(count_entries(*state), 0);
}

static void test_the_program_knows_its_folder(void **state)
{
    (void)state;
    char folder[4096], link[4096];
    struct err err = ERR_INIT;
    assert_ok(file_program_dir(folder, sizeof folder, &err));
    ssize_t len = readlink("/proc/self/exe", link, sizeof link - 1);
    assert_true(len > 0);
    link[len] = '\0';
    *strrchr(link, '/') = '\0';
    assert_string_equal(folder, link);
    char small[4] = "abc";
    assert_int_equal(file_program_dir(small, sizeof small, &err), ERR_TOO_LARGE);
    assert_string_equal(small, "abc");
}

static void test_a_broken_link_does_not_exist(void **state)
{
    assert_int_equal(symlink("nowhere", in(state, "link")), 0);
    assert_false(file_exists(in(state, "link")));
    assert_true(file_exists(*state));
}

int run_file_tests(void)
{
#define FILE_TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_a_file_is_appended_whole),
        FILE_TEST(test_a_file_larger_than_allowed_is_refused_and_nothing_appended),
        FILE_TEST(test_a_buffer_that_is_full_is_left_as_it_was),
        FILE_TEST(test_only_regular_files_are_read_and_the_error_names_the_path),
        FILE_TEST(test_a_dash_is_standard_input_with_the_same_limit),
        FILE_TEST(test_the_limit_holds_over_all_reads_together),
        FILE_TEST(test_writing_replaces_the_file_and_sets_its_mode),
        FILE_TEST(test_a_link_is_replaced_not_followed),
        FILE_TEST(test_a_target_that_cannot_be_written_is_an_error_and_leaves_nothing),
        FILE_TEST(test_a_failure_at_each_point_keeps_the_old_file_until_the_rename),
        FILE_TEST(test_a_crash_at_each_point_leaves_old_or_new_and_parts_never_pile_up),
        FILE_TEST(test_a_longer_part_of_a_crash_does_not_leak_into_the_next_file),
        FILE_TEST(test_a_planted_link_in_place_of_the_part_is_refused),
        FILE_TEST(test_many_writers_and_a_reader_never_see_half_a_file),
        FILE_TEST(test_folders_are_made_on_the_way_and_may_exist),
        FILE_TEST(test_removing_takes_the_tree_and_follows_no_link),
        FILE_TEST(test_removing_what_is_absent_is_fine_and_what_has_no_name_is_refused),
        FILE_TEST(test_our_own_folders_without_permissions_are_removed_too),
        FILE_TEST(test_a_tree_deeper_than_any_path_or_descriptor_table_is_removed),
        FILE_TEST(test_the_program_knows_its_folder),
        FILE_TEST(test_a_broken_link_does_not_exist),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
