/* test_screen.c - tables, cut texts, escaping, words. */
#include "cli_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct page {
    struct arena arena;
    struct cli_call call;
    char *text;
    size_t len;
};

static void page_open(struct page *page, int width)
{
    memset(page, 0, sizeof *page);
    page->call.arena = &page->arena;
    page->call.width = width;
    page->call.people = open_memstream(&page->text, &page->len);
}

static void page_close(struct page *page)
{
    free(page->text);
    arena_done(&page->arena);
}

static const struct cli_column columns[] = {
    {"名称", false, true}, {"NOTE", false, false}, {"N", true, true}};

static void fill(struct page *page, struct cli_table *table)
{
    *table = (struct cli_table)CLI_TABLE_INIT(columns, &page->arena);
    cli_cell(table, "上海");
    cli_cell(table, "a long note about Shanghai");
    cli_cell(table, "7");
    cli_cell(table, "bj");
    cli_cell(table, NULL);
    cli_cell(table, "1234");
    cli_table_print(&page->call, table);
    fclose(page->call.people);
}

static void test_columns_stand_straight_with_wide_characters(void **state)
{
    struct page page;
    struct cli_table table;
    (void)state;
    page_open(&page, 0);
    fill(&page, &table);
    assert_string_equal(page.text, "名称  NOTE                           N\n"
                                   "上海  a long note about Shanghai     7\n"
                                   "bj    -                           1234\n");
    page_close(&page);
}

static void test_what_a_stopped_trial_left_open_is_shown_beside_the_conflict(void **state)
{
    struct page page;
    struct err err = ERR_INIT;
    const char *conflict[] = {"budget_per_month"};
    const char *open[] = {"latency_ms", "drop budget_per_month"};
    const struct requirement requirement = {.user_location = NULL};
    struct solution_answer answer = {.conflict = {.items = conflict, .count = 1},
                                     .undecided = {.items = open, .count = 2}};
    (void)state;
    page_open(&page, 0);
    assert_int_equal(cli_show_infeasible(&page.call, &answer, &requirement, &err), ERR_INFEASIBLE);
    fclose(page.call.people);
    const char *heading = strstr(page.text, "Not decided in the time given");
    assert_non_null(heading);
    assert_non_null(strstr(heading, "latency"));
    assert_non_null(strstr(heading, "leave out"));
    page_close(&page);
}

static void test_a_narrow_terminal_cuts_what_may_be_cut(void **state)
{
    struct page page;
    struct cli_table table;
    (void)state;
    page_open(&page, 24);
    fill(&page, &table);
    assert_string_equal(page.text, "名称  NOTE             N\n"
                                   "上海  a long note…     7\n"
                                   "bj    -             1234\n");
    page_close(&page);
}

static void test_a_cut_never_splits_a_character(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    assert_string_equal(cli_fit("算力网络", 8, &arena), "算力网络");
    assert_string_equal(cli_fit("算力网络", 7, &arena), "算力网…");
    assert_string_equal(cli_fit("算力网络", 6, &arena), "算力…");
    assert_string_equal(cli_fit("算力网络", 1, &arena), "…");
    arena_done(&arena);
}

static void emit(const char *text, bool colour, const char *expected)
{
    char *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);
    cli_emit(file, colour, text);
    fclose(file);
    assert_string_equal(out, expected);
    free(out);
}

static void test_controls_from_outside_come_out_escaped(void **state)
{
    (void)state;
    emit("a\033[2Jb", true, "a\\x1b[2Jb");
    emit("a\xc2\x9b"
         "2Jb",
         false, "a\\x9b2Jb");
    emit("a\xe2\x80\xae"
         "b",
         false, "a\\u202eb");
    emit("bad \xff byte", false, "bad \xef\xbf\xbd byte");
    emit("line\nline\r", false, "line\nline\\x0d");
    emit(S_RED "red" S_RESET, false, "red");
    emit(S_RED "red" S_RESET, true, "\033[31mred\033[0m");
}

static void test_an_unknown_code_is_shown_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(cli_word("state", "transmogrified"), "transmogrified");
    assert_string_equal(cli_word("reason", "capacity.vcpus"), "free vCPUs");
    assert_null(cli_word("state", NULL));
}

static void test_amounts_read_well(void **state)
{
    struct arena arena = ARENA_INIT;
    (void)state;
    assert_string_equal(cli_seconds(&arena, 1.25), "1.2 s");
    assert_string_equal(cli_seconds(&arena, 61), "61 s");
    assert_string_equal(cli_seconds(&arena, 130), "2 min 10 s");
    assert_string_equal(cli_number_text(&arena, 0.5), "0.5");
    assert_string_equal(cli_number_text(&arena, 256), "256");
    assert_string_equal(cli_money(&arena, 12.345, "CNY"), "12.35 CNY");
    assert_string_equal(cli_path(&arena, "/x/", "a b/ü@1~c", "/d"), "/x/a%20b%2F%C3%BC@1~c/d");
    arena_done(&arena);
}

static void test_paths_of_a_requirement_have_names(void **state)
{
    struct arena arena = ARENA_INIT;
    struct requirement requirement = {.scenario = 0};
    (void)state;
    struct requirement_component *web = LIST_ADD(&arena, &requirement.components);
    web->name = "web";
    web->tier = TIER_EDGE;
    web->vcpus = (struct opt_double){true, 2};
    assert_string_equal(cli_label("components[0].tier", &requirement, &arena), "web · tier");
    assert_string_equal(cli_label_value("components[0].tier", &requirement, &arena), "edge");
    assert_string_equal(cli_label("components[7].tier", &requirement, &arena), "tier");
    assert_string_equal(cli_relabel("drop components[0].tier and budget", &requirement, &arena),
                        "leave out web · tier and budget at most");
    assert_string_equal(cli_relabel("components[0].vcpus 2 → 1 (-1)", &requirement, &arena),
                        "web · vCPUs each 2 → 1 (-1)");
    arena_done(&arena);
}

int screen_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_stand_straight_with_wide_characters),
        cmocka_unit_test(test_what_a_stopped_trial_left_open_is_shown_beside_the_conflict),
        cmocka_unit_test(test_a_narrow_terminal_cuts_what_may_be_cut),
        cmocka_unit_test(test_a_cut_never_splits_a_character),
        cmocka_unit_test(test_controls_from_outside_come_out_escaped),
        cmocka_unit_test(test_an_unknown_code_is_shown_as_it_is),
        cmocka_unit_test(test_amounts_read_well),
        cmocka_unit_test(test_paths_of_a_requirement_have_names),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
