/* test_log.c - lines stay lines, whatever the values hold and whoever writes. */
#include "base_tests.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

static char log_path[4096];

static int start_log(void **state)
{
    if (make_folder(state))
        return -1;
    str_format(log_path, sizeof log_path, "%s/log", (char *)*state);
    return 0;
}

static int stop_log(void **state)
{
    log_open(NULL, LOG_TEXT, LOG_INFO, NULL);
    return remove_folder(state);
}

static char *read_log(void)
{
    struct buf text = BUF_INIT;
    assert_ok(file_read(log_path, 1 << 24, &text, NULL));
    return buf_take(&text);
}

/* The line without its time, which must be one. */
static const char *after_time(const char *line)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t ms;
    assert_true(strlen(line) > 25);
    memcpy(time, line, 24);
    time[24] = '\0';
    assert_ok(clock_parse(time, &ms, NULL));
    assert_int_equal(line[24], ' ');
    return line + 25;
}

static void test_a_text_line_reads_as_words_and_pairs(void **state)
{
    (void)state;
    assert_ok(log_open(log_path, LOG_TEXT, LOG_INFO, NULL));
    log_event(LOG_INFO, "workflow", "task done", "run", "run-1", "task", "start web", "none", NULL,
              "word", "null", "empty", "", "site", "算力", NULL);
    CLEANUP(mem_free_at) char *text = read_log();
    assert_string_equal(after_time(text), "info  workflow: task done run=run-1 task=\"start web\" "
                                          "none=null word=\"null\" empty=\"\" site=算力\n");
}

static void test_hostile_values_cannot_forge_a_line_or_reach_the_terminal(void **state)
{
    (void)state;
    assert_ok(log_open(log_path, LOG_TEXT, LOG_INFO, NULL));
    log_event(LOG_WARN, "api", "odd\nname", "name", "x\n2026-01-01 info  api: fine", "esc",
              "\x1b[2J", "equals", "a=b", "quote", "a\"b", "c1",
              "a\xC2\x9B"
              "b",
              "bad", "\xFF", NULL);
    CLEANUP(mem_free_at) char *text = read_log();
    assert_string_equal(after_time(text),
                        "warn  api: \"odd\\nname\" name=\"x\\n2026-01-01 info  api: fine\" "
                        "esc=\"\\u001b[2J\" equals=\"a=b\" quote=\"a\\\"b\" c1=\"a\\u009bb\" "
                        "bad=\"\xEF\xBF\xBD\"\n");
}

static void test_a_json_line_gives_every_value_back(void **state)
{
    (void)state;
    static const char *const values[] = {"plain", "a\"b\\c", "line\nline", "\x1b[31m", "算力 😀",
                                         "\x7F",  "",        "null",       "{\"a\":1}"};
    assert_ok(log_open(log_path, LOG_JSON, LOG_DEBUG, NULL));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        log_event(LOG_DEBUG, "mod", values[i], "value", values[i], "none", NULL, NULL);
    CLEANUP(mem_free_at) char *text = read_log();
    char *line = text;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        json_t *read = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(read);
        assert_string_equal(json_string_value(json_object_get(read, "value")), values[i]);
        assert_string_equal(json_string_value(json_object_get(read, "message")), values[i]);
        assert_string_equal(json_string_value(json_object_get(read, "level")), "debug");
        assert_string_equal(json_string_value(json_object_get(read, "module")), "mod");
        assert_true(json_is_null(json_object_get(read, "none")));
        int64_t ms;
        assert_ok(clock_parse(json_string_value(json_object_get(read, "time")), &ms, NULL));
        assert_true(llabs(clock_now_ms() - ms) < 60000);
        json_decref(read);
        line = end + 1;
    }
    assert_string_equal(line, "");
}

static void test_a_huge_value_is_cut_between_code_points_and_marked(void **state)
{
    (void)state;
    enum { HUGE_LEN = 100000 };
    CLEANUP(mem_free_at) char *huge = mem_zalloc(HUGE_LEN + 8);
    for (size_t shift = 0; shift < 3; shift++) {
        memset(huge, 'x', shift);
        for (size_t len = shift; len < HUGE_LEN;)
            len += str_put(huge + len, 0x7B97);
        unlink(log_path);
        assert_ok(log_open(log_path, LOG_JSON, LOG_INFO, NULL));
        log_event(LOG_INFO, "m", "t", "v", huge, NULL);
        CLEANUP(mem_free_at) char *text = read_log();
        assert_true(strlen(text) < 5000);
        json_t *read = json_loads(text, 0, NULL);
        assert_non_null(read);
        const char *value = json_string_value(json_object_get(read, "v"));
        assert_true(str_has_suffix(value, "算…"));
        assert_memory_equal(value, huge, strlen(value) - strlen("…"));
        json_decref(read);
    }
}

static void test_events_below_the_level_are_not_written(void **state)
{
    (void)state;
    assert_ok(log_open(log_path, LOG_TEXT, LOG_WARN, NULL));
    assert_false(log_wants(LOG_DEBUG));
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_WARN));
    assert_true(log_wants(LOG_ERROR));
    log_event(LOG_INFO, "m", "quiet", NULL);
    log_event(LOG_WARN, "m", "loud", NULL);
    CLEANUP(mem_free_at) char *text = read_log();
    assert_string_equal(after_time(text), "warn  m: loud\n");
}

static void test_an_error_is_logged_with_those_parts_that_it_has(void **state)
{
    (void)state;
    assert_ok(log_open(log_path, LOG_TEXT, LOG_INFO, NULL));
    struct err err = ERR_INIT;
    err_set(&err, ERR_QUOTA, "too many");
    log_error("api", "request failed", &err);
    err_hint(&err, "delete one");
    log_error("api", "request failed", &err);
    err_field(&err, "items[3]");
    log_error("api", "request failed", &err);
    CLEANUP(mem_free_at) char *text = read_log();
    char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    second[-1] = third[-1] = '\0';
    assert_string_equal(after_time(text), "error api: request failed code=quota text=\"too many\"");
    assert_string_equal(after_time(second), "error api: request failed code=quota "
                                            "text=\"too many\" hint=\"delete one\"");
    assert_string_equal(after_time(third), "error api: request failed code=quota field=items[3] "
                                           "text=\"too many\" hint=\"delete one\"\n");
}

static void test_a_log_that_cannot_be_opened_leaves_the_old_one(void **state)
{
    struct err err = ERR_INIT;
    CLEANUP(mem_free_at) char *missing = mem_printf("%s/no/log", (char *)*state);
    assert_ok(log_open(log_path, LOG_TEXT, LOG_INFO, NULL));
    assert_int_equal(log_open(missing, LOG_JSON, LOG_ERROR, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, missing));
    log_event(LOG_INFO, "m", "still here", NULL);
    CLEANUP(mem_free_at) char *text = read_log();
    assert_string_equal(after_time(text), "info  m: still here\n");
}

enum { WRITERS = 4, LINES = 500 };

static void *write_lines(void *name)
{
    char number[16], padding[300];
    memset(padding, 'p', sizeof padding);
    padding[sizeof padding - 1] = '\0';
    for (int i = 0; i < LINES; i++) {
        snprintf(number, sizeof number, "%d", i);
        log_event(LOG_INFO, name, "line", "n", number, "padding", padding, NULL);
    }
    return NULL;
}

static void test_lines_of_many_threads_and_processes_stay_whole(void **state)
{
    (void)state;
    static char names[2 * WRITERS][8];
    assert_ok(log_open(log_path, LOG_JSON, LOG_INFO, NULL));
    for (int i = 0; i < 2 * WRITERS; i++)
        snprintf(names[i], sizeof names[i], "w%d", i);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_lines, names[i + (child ? WRITERS : 0)]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    if (child == 0)
        _exit(0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    CLEANUP(mem_free_at) char *text = read_log();
    int next[2 * WRITERS] = {0}; /* each writer's lines are all there and in order */
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *read = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(read);
        int writer = atoi(json_string_value(json_object_get(read, "module")) + 1);
        assert_int_equal(atoi(json_string_value(json_object_get(read, "n"))), next[writer]++);
        json_decref(read);
    }
    for (int i = 0; i < 2 * WRITERS; i++)
        assert_int_equal(next[i], LINES);
}

int run_log_tests(void)
{
#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, start_log, stop_log)
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_a_text_line_reads_as_words_and_pairs),
        LOG_TEST(test_hostile_values_cannot_forge_a_line_or_reach_the_terminal),
        LOG_TEST(test_a_json_line_gives_every_value_back),
        LOG_TEST(test_a_huge_value_is_cut_between_code_points_and_marked),
        LOG_TEST(test_events_below_the_level_are_not_written),
        LOG_TEST(test_an_error_is_logged_with_those_parts_that_it_has),
        LOG_TEST(test_a_log_that_cannot_be_opened_leaves_the_old_one),
        LOG_TEST(test_lines_of_many_threads_and_processes_stay_whole),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
