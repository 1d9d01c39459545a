/* test_records.c - records, versions, plain SQL and bad input. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static void test_a_record_is_inserted_read_changed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_record record;
    int64_t version = 0;
    assert_ok(f, put(f->store, "sites", "a", "{\"tier\":\"edge\"}", &f->err));
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_get(tx, "sites", "a", &record, &f->arena, &f->err));
    assert_int_equal(record.version, 1);
    assert_string_equal(record.spec, "{\"tier\":\"edge\"}");
    assert_null(record.status);
    assert_true(record.created_ms > 0 && record.created_ms == record.updated_ms);
    assert_ok(f, store_update(tx, "sites", "a", 1, NULL, "{\"state\":\"up\"}", "seen", &actor,
                              &version, &f->err));
    assert_int_equal(version, 2);
    assert_ok(f, store_get(tx, "sites", "a", &record, &f->arena, &f->err));
    assert_string_equal(record.spec, "{\"tier\":\"edge\"}");
    assert_string_equal(record.status, "{\"state\":\"up\"}");
    assert_ok(f, store_delete(tx, "sites", "a", 2, &actor, &f->err));
    assert_int_equal(store_get(tx, "sites", "a", &record, &f->arena, &f->err), ERR_NOT_FOUND);
    assert_string_equal(f->err.text, "no site is named 'a'");
    assert_ok(f, store_commit(tx, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record"), 0);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"), 3);
}

static void test_a_taken_id_is_a_conflict_and_the_transaction_goes_on(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_record record = {
        .collection = "sites", .id = "a", .tenant = "", .spec = "{\"n\":2}"};
    assert_ok(f, put(f->store, "sites", "a", "{\"n\":1}", &f->err));
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(store_insert(tx, &record, &actor, &f->err), ERR_CONFLICT);
    assert_string_equal(f->err.text, "there is a site named 'a' already");
    record.id = "b";
    assert_ok(f, store_insert(tx, &record, &actor, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_record"), 2);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM store_journal"), 2);
}

static void test_a_moved_version_is_refused_and_nothing_changes(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    assert_ok(f, put(f->store, "policies", "a", "{}", &f->err));
    const char *before = dump(f->store, &f->arena);
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(
        store_update(tx, "policies", "a", 7, "{\"x\":1}", NULL, "updated", &actor, NULL, &f->err),
        ERR_PRECONDITION);
    assert_int_equal(store_delete(tx, "policies", "a", 2, &actor, &f->err), ERR_PRECONDITION);
    assert_int_equal(
        store_update(tx, "policies", "z", 0, "{}", NULL, "updated", &actor, NULL, &f->err),
        ERR_NOT_FOUND);
    assert_string_equal(f->err.text, "no policy is named 'z'");
    assert_ok(f, store_commit(tx, &f->err));
    assert_string_equal(before, dump(f->store, &f->arena));
}

static void test_a_rolled_back_transaction_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const char *before = dump(f->store, &f->arena);
    {
        struct store_record record = {.collection = "sites", .id = "a", .spec = "{}"};
        CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
        assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
        assert_ok(f, store_insert(tx, &record, &actor, &f->err));
    }
    assert_string_equal(before, dump(f->store, &f->arena));
    struct store_figures figures;
    store_figures(f->store, &figures);
    assert_true(figures.rollbacks >= 1);
}

static void test_a_read_transaction_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_int_equal(store_exec(tx, "DELETE FROM store_record", NULL, 0, NULL, &f->err), ERR_BUG);
    store_rollback(tx);
}

static void test_a_second_write_transaction_of_a_thread_is_refused_not_a_deadlock(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL, *second = NULL;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(store_begin(f->store, STORE_WRITE, &second, &f->err), ERR_BUG);
    store_rollback(tx);
}

static void test_plain_sql_keeps_every_type_and_a_unique_rule_dooms_the_transaction(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_rows rows;
    int64_t changed = 0;
    static const struct store_migration steps[] = {
        {1, "things",
         "CREATE TABLE things (id BIGINT PRIMARY KEY, r DOUBLE PRECISION, t TEXT, b BYTEA);"
         "CREATE UNIQUE INDEX things_t ON things (t)"}};
    const struct store_module module = {"test", steps, 1};
    assert_ok(f, store_migrate(f->store, &module, 1, &f->err));
    const char bytes[] = {0, 1, (char)0xff, '\'', '\\', 0};
    const struct store_value first[] = {STORE_V_INT(INT64_MIN), STORE_V_REAL(0.1),
                                        STORE_V_TEXT("算力'\\%"),
                                        STORE_V_BLOB(bytes, sizeof bytes)};
    const struct store_value second[] = {STORE_V_INT(INT64_MAX), STORE_V_TEXT(NULL),
                                         STORE_V_TEXT(NULL), STORE_V_BLOB("", 0)};
    const char *insert = "INSERT INTO things (b, t, r, id) VALUES ($4, $3, $2, $1)";
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_exec(tx, insert, first, 4, &changed, &f->err));
    assert_int_equal(changed, 1);
    assert_ok(f, store_exec(tx, insert, second, 4, NULL, &f->err));
    assert_ok(f, store_exec(tx, "UPDATE things SET r = r WHERE id > $1", &second[1], 1, &changed,
                            &f->err));
    assert_int_equal(changed, 0);
    assert_ok(f, store_query(tx, "SELECT id, r, t, b FROM things ORDER BY id", NULL, 0, 0, &rows,
                             &f->arena, &f->err));
    assert_int_equal(rows.count, 2);
    assert_true(store_cell(&rows, 0, 0)->integer == INT64_MIN);
    assert_true(store_cell(&rows, 0, 1)->type == STORE_REAL &&
                store_cell(&rows, 0, 1)->real == 0.1);
    assert_string_equal(store_cell(&rows, 0, 2)->text, "算力'\\%");
    assert_int_equal(store_cell(&rows, 0, 3)->len, sizeof bytes);
    assert_memory_equal(store_cell(&rows, 0, 3)->text, bytes, sizeof bytes);
    assert_int_equal(store_cell(&rows, 1, 1)->type, STORE_NULL);
    assert_int_equal(store_cell(&rows, 1, 3)->type, STORE_BLOB);
    assert_int_equal(store_cell(&rows, 1, 3)->len, 0);
    assert_int_equal(
        store_query(tx, "SELECT id FROM things", NULL, 0, 1, &rows, &f->arena, &f->err),
        ERR_TOO_LARGE);
    store_rollback(tx);

    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_exec(tx, insert, first, 4, NULL, &f->err));
    assert_int_equal(store_exec(tx, insert, first, 4, NULL, &f->err), ERR_CONFLICT);
    assert_int_equal(store_exec(tx, insert, second, 4, NULL, &f->err), ERR_CONFLICT);
    assert_int_equal(store_commit(tx, &f->err), ERR_CONFLICT);
    assert_int_equal(number_of(f->store, "SELECT COUNT(*) FROM things"), 0);

    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(store_exec(tx, "SELEKT 1", NULL, 0, NULL, &f->err), ERR_BUG);
    store_rollback(tx);
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_int_equal(store_exec(tx, insert, first, 3, NULL, &f->err), ERR_BUG);
    store_rollback(tx);
}

static void test_ten_megabytes_of_text_come_back_whole(void **state)
{
    struct fixture *f = *state;
    const size_t size = 10u << 20;
    char *spec = mem_alloc(size + 16);
    struct store_record record;
    struct store_tx *tx = NULL;
    strcpy(spec, "{\"t\":\"");
    memset(spec + 6, 'x', size);
    strcpy(spec + 6 + size, "\"}");
    assert_ok(f, put(f->store, "documents", "big", spec, &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_get(tx, "documents", "big", &record, &f->arena, &f->err));
    assert_string_equal(record.spec, spec);
    struct store_condition longer = {"spec.t", STORE_GT, "xxx"};
    struct store_list_query query = {
        .collection = "documents", .conditions = &longer, .condition_count = 1, .sort = "spec.t"};
    struct store_page page;
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.count, 1);
    store_rollback(tx);
    mem_free(spec);
}

static void test_text_that_a_database_would_refuse_is_refused_before(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    char deep[400];
    static const char *const bad_specs[] = {"",
                                            "{",
                                            "{\"a\":}",
                                            "{\"a\":1,}",
                                            "[1,2",
                                            "{\"a\":\"\xff\"}",
                                            "{\"a\":\"\xed\xa0\x80\"}",
                                            "{\"a\":\"\\u0000\"}",
                                            "{\"a\":\"\\ud800\"}",
                                            "{\"a\":\"\\udc00\"}",
                                            "{\"a\":1e999}",
                                            "{\"a\":1e-999}",
                                            "{\"a\":01}",
                                            "{\"a\":NaN}",
                                            "{\"a\":+1}",
                                            "{\"a\":1.}",
                                            "{'a':1}",
                                            "{\"a\":\"\n\"}",
                                            "{} {}",
                                            "{\"a\":\"\\x\"}",
                                            "nul"};
    const char *before = dump(f->store, &f->arena);
    for (size_t i = 0; i < ARRAY_LEN(bad_specs); i++) {
        if (put(f->store, "sites", "a", bad_specs[i], &f->err) != ERR_INVALID) {
            fail_msg("accepted: %s", bad_specs[i]);
        }
    }
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[399] = '\0';
    assert_int_equal(put(f->store, "sites", "a", deep, &f->err), ERR_INVALID);
    assert_int_equal(put(f->store, "sites", "bad\xff", "{}", &f->err), ERR_INVALID);
    assert_int_equal(put(f->store, "", "a", "{}", &f->err), ERR_INVALID);
    assert_int_equal(put(f->store, "sites", "", "{}", &f->err), ERR_INVALID);
    assert_int_equal(put(f->store, "sites", NULL, "{}", &f->err), ERR_INVALID);
    char long_id[600];
    memset(long_id, 'x', sizeof long_id);
    long_id[599] = '\0';
    assert_int_equal(put(f->store, "sites", long_id, "{}", &f->err), ERR_INVALID);
    assert_string_equal(before, dump(f->store, &f->arena));

    const struct store_value nul = {.type = STORE_TEXT, .text = "a\0b", .len = 3};
    struct store_rows rows;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_int_equal(store_query(tx, "SELECT 1 FROM store_record WHERE id = $1", &nul, 1, 0, &rows,
                                 &f->arena, &f->err),
                     ERR_INVALID);
    store_rollback(tx);

    static const char *const good_specs[] = {
        "{\"a\":\"\\ud83d\\ude00\"}", "[-0.0,1e308,5e-324,1E+2,true,false,null]", " \"x\" ",
        "{\"a\":{\"b\":[{}]},\"\":\"\\b\\/\"}", "12345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_LEN(good_specs); i++) {
        char id[8];
        snprintf(id, sizeof id, "g%zu", i);
        assert_ok(f, put(f->store, "sites", id, good_specs[i], &f->err));
    }
    struct store_list_query query = {.collection = "sites", .sort = "spec.a.b"};
    struct store_page page;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.count, ARRAY_LEN(good_specs));
    store_rollback(tx);
}

static void test_a_bad_address_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    assert_int_equal(store_open("mysql://x", &store, &f->err), ERR_INVALID);
    assert_int_equal(store_open(NULL, &store, &f->err), ERR_INVALID);
    assert_int_equal(store_open("sqlite:", &store, &f->err), ERR_INVALID);
    assert_int_equal(store_open("sqlite::memory:", &store, &f->err), ERR_INVALID);
    assert_int_equal(store_open("postgresql://nobody@127.0.0.1:1/x", &store, &f->err),
                     ERR_TRANSIENT);
    assert_null(store);
}

static void write_file(struct fixture *f, const char *path, const char *data, size_t len)
{
    assert_ok(f, file_write_atomic(path, data, len, 0600, &f->err));
}

static void test_a_file_of_someone_else_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    char path[128], address[160];
    snprintf(path, sizeof path, "%s/foreign", f->folder);
    snprintf(address, sizeof address, "sqlite:%s", path);
    write_file(f, path, "this is no database, but a letter to my aunt, and rather long", 61);
    assert_int_equal(store_open(address, &store, &f->err), ERR_CORRUPT);
    unlink(path);

    CLEANUP(buf_done) struct buf before = BUF_INIT;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    char own[160];
    struct store *made = NULL;
    struct store_tx *tx = NULL;
    snprintf(own, sizeof own, "sqlite:%s", path);
    assert_ok(f, store_open(own, &made, &f->err));
    assert_ok(f, store_begin(made, STORE_WRITE, &tx, &f->err));
    store_rollback(tx);
    store_close(made);
    assert_ok(f, file_read(path, 1u << 24, &before, &f->err));
    /* application_id stands at 68, user_version at 60: another program's, then a newer format. */
    before.data[68] ^= 1;
    write_file(f, path, before.data, before.len);
    assert_int_equal(store_open(address, &store, &f->err), ERR_CORRUPT);
    assert_ok(f, file_read(path, 1u << 24, &after, &f->err));
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, after.len);
    before.data[68] ^= 1;
    before.data[63] = 99;
    write_file(f, path, before.data, before.len);
    assert_int_equal(store_open(address, &store, &f->err), ERR_CORRUPT);
    assert_non_null(strstr(f->err.hint, "newer"));
}

static void test_the_file_is_private(void **state)
{
    struct fixture *f = *state;
    if (on_postgres) {
        skip();
    }
    struct stat st;
    char folder[512];
    snprintf(folder, sizeof folder, "%s", f->address + strlen("sqlite:"));
    assert_ok(f, put(f->store, "sites", "a", "{}", &f->err));
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    strcat(folder, "-wal");
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_records_outlive_closing(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, put(f->store, "sites", "a", "{\"n\":1}", &f->err));
    const char *before = dump(f->store, &f->arena);
    reopen(f);
    assert_string_equal(before, dump(f->store, &f->arena));
    assert_ok(f, put(f->store, "sites", "b", "{\"n\":1}", &f->err));
}

static enum err_code many_events(struct store_tx *tx, void *ctx, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; rc == ERR_OK && i < *(int *)ctx; i++) {
        rc = store_append(tx, "runs", "r", "tick", NULL, &actor, NULL, err);
    }
    return rc;
}

static void test_events_tell_every_change_in_order(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_event *events;
    size_t count;
    struct store_record record = {.collection = "sites", .id = "a", .tenant = "red", .spec = "{}"};
    int64_t position = 0;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_insert(tx, &record, &actor, &f->err));
    assert_ok(f,
              store_update(tx, "sites", "a", 0, NULL, "{\"s\":1}", "seen", &actor, NULL, &f->err));
    assert_ok(f,
              store_append(tx, "runs", "r1", "decided", "{\"d\":1}", &actor, &position, &f->err));
    assert_int_equal(store_append(tx, "runs", "r1", "decided", "{", &actor, NULL, &f->err),
                     ERR_INVALID);
    assert_ok(f, store_delete(tx, "sites", "a", 0, &actor, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_events(tx, 0, NULL, NULL, NULL, 100, &events, &count, &f->arena, &f->err));
    assert_int_equal(count, 4);
    assert_string_equal(events[0].event, "created");
    assert_string_equal(events[0].tenant, "red");
    assert_string_equal(events[0].user, "tester");
    assert_string_equal(events[0].request, "req-1");
    assert_string_equal(events[1].body, "{\"spec\":{},\"status\":{\"s\":1}}");
    assert_int_equal(events[1].version, 2);
    assert_true(events[2].position == position && events[1].position < position);
    assert_string_equal(events[3].event, "deleted");
    assert_ok(f, store_events(tx, 0, "runs", "r1", NULL, 100, &events, &count, &f->arena, &f->err));
    assert_int_equal(count, 1);
    assert_ok(f,
              store_events(tx, 0, "sites", NULL, "blue", 9, &events, &count, &f->arena, &f->err));
    assert_int_equal(count, 0);
    assert_ok(
        f, store_events(tx, position, NULL, NULL, "red", 9, &events, &count, &f->arena, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(store_events(tx, 0, NULL, NULL, NULL, 0, &events, &count, &f->arena, &f->err),
                     ERR_INVALID);
    int64_t now = 0;
    assert_ok(f, store_position(tx, &now, &f->err));
    assert_true(now >= events[0].position);
    store_rollback(tx);
    int ticks = 200;
    assert_ok(f, store_write(f->store, many_events, &ticks, &f->err));
    assert_int_equal(number_of(f->store, "SELECT COUNT(DISTINCT position) FROM store_journal"),
                     204);
}

const struct CMUnitTest record_tests[] = {
    STORE_TEST(test_a_record_is_inserted_read_changed_and_deleted),
    STORE_TEST(test_a_taken_id_is_a_conflict_and_the_transaction_goes_on),
    STORE_TEST(test_a_moved_version_is_refused_and_nothing_changes),
    STORE_TEST(test_a_rolled_back_transaction_leaves_nothing),
    STORE_TEST(test_a_read_transaction_cannot_write),
    STORE_TEST(test_a_second_write_transaction_of_a_thread_is_refused_not_a_deadlock),
    STORE_TEST(test_plain_sql_keeps_every_type_and_a_unique_rule_dooms_the_transaction),
    STORE_TEST(test_ten_megabytes_of_text_come_back_whole),
    STORE_TEST(test_text_that_a_database_would_refuse_is_refused_before),
    STORE_TEST(test_a_bad_address_is_refused),
    STORE_TEST(test_a_file_of_someone_else_is_refused_untouched),
    STORE_TEST(test_the_file_is_private),
    STORE_TEST(test_records_outlive_closing),
    STORE_TEST(test_events_tell_every_change_in_order),
};
const size_t record_test_count = ARRAY_LEN(record_tests);
