/* fixture.c - stores, dumps and faults for the tests of the services. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fresh_schema.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

bool on_postgres;
const struct store_actor actor = {.user = "tester", .tenant = "", .request = "req-1"};

void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line)
{
    if (rc != ERR_OK) {
        print_error("%s: %s: %s [%s] (%s)\n", what, err_info(rc)->name, err->text, err->field,
                    err->hint);
        _fail(file, line);
    }
}

void assert_fails_(enum err_code rc, enum err_code code, const struct err *err, const char *what,
                   const char *file, int line)
{
    if (rc != code || !err->text[0]) {
        print_error("%s: %s instead of %s: %s\n", what, err_info(rc)->name, err_info(code)->name,
                    err->text);
        _fail(file, line);
    }
}

int fixture_open(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    *state = f;
    snprintf(f->folder, sizeof f->folder, "/tmp/swan-service.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    if (on_postgres)
        assert_ok(f, fresh_schema(f->address, &f->err));
    else
        snprintf(f->address, sizeof f->address, "sqlite:%s/swan.db", f->folder);
    assert_ok(f, store_open(f->address, &f->store, &f->err));
    service_open(f);
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    fault_disarm();
    service_close(f);
    store_close(f->store);
    arena_done(&f->arena);
    assert_ok(f, file_remove_tree(f->folder, &f->err));
    mem_free(f);
    return 0;
}

int fixture_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
                 size_t count)
{
    on_postgres = argc > 1 && str_eq(argv[1], "postgresql");
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

void *decode(struct fixture *f, const struct json_table *table, const char *json)
{
    char *text = arena_strdup(&f->arena, json);
    void *out = arena_zalloc(&f->arena, table->size);
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    assert_ok(f, json_decode(text, strlen(text), table, NULL, out, &f->arena, &f->err));
    return out;
}

static struct store_tx *reading(struct fixture *f)
{
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    return tx;
}

int64_t number_of(struct fixture *f, const char *sql)
{
    struct store_rows rows;
    struct store_tx *tx = reading(f);
    assert_ok(f, store_query(tx, sql, NULL, 0, 1, &rows, &f->arena, &f->err));
    store_rollback(tx);
    return rows.count ? store_cell(&rows, 0, 0)->integer : -1;
}

struct store_record record_of(struct fixture *f, const char *collection, const char *id)
{
    struct store_record record;
    struct store_tx *tx = reading(f);
    assert_ok(f, store_get(tx, collection, id, &record, &f->arena, &f->err));
    store_rollback(tx);
    return record;
}

bool has_record(struct fixture *f, const char *collection, const char *id)
{
    struct store_record record;
    struct store_tx *tx = reading(f);
    enum err_code rc = store_get(tx, collection, id, &record, &f->arena, &f->err);
    store_rollback(tx);
    assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);
    return rc == ERR_OK;
}

int64_t events_of(struct fixture *f, const char *collection, const char *object, const char *event)
{
    struct store_rows rows;
    struct store_tx *tx = reading(f);
    struct store_value args[] = {STORE_V_TEXT(collection ? collection : "%"),
                                 STORE_V_TEXT(object ? object : "%"),
                                 STORE_V_TEXT(event ? event : "%")};
    assert_ok(f, store_query(tx,
                             "SELECT COUNT(*) FROM store_journal WHERE collection LIKE $1 AND"
                             " object LIKE $2 AND event LIKE $3",
                             args, 3, 1, &rows, &f->arena, &f->err));
    store_rollback(tx);
    return store_cell(&rows, 0, 0)->integer;
}

static void add_rows(struct fixture *f, struct store_tx *tx, const char *sql, struct buf *out)
{
    struct store_rows rows;
    assert_ok(f, store_query(tx, sql, NULL, 0, 0, &rows, &f->arena, &f->err));
    buf_printf(out, "-- %s\n", sql);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t c = 0; c < rows.columns; c++) {
            const struct store_value *cell = store_cell(&rows, r, c);
            if (cell->type == STORE_INT)
                buf_printf(out, "%lld|", (long long)cell->integer);
            else if (cell->type == STORE_REAL)
                buf_printf(out, "%.17g|", cell->real);
            else if (cell->type == STORE_NULL)
                buf_add_str(out, "null|");
            else
                buf_printf(out, "%s|", cell->text);
        }
        buf_add_char(out, '\n');
    }
}

char *dump(struct fixture *f)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct store_tx *tx = reading(f);
    add_rows(f, tx,
             "SELECT collection, id, tenant, version, created_ms, updated_ms, spec, status"
             " FROM store_record ORDER BY collection, id",
             &out);
    add_rows(f, tx,
             "SELECT position, collection, object, event, version, tenant, user_name, body"
             " FROM store_journal ORDER BY position",
             &out);
    for (size_t i = 0; service_tables[i]; i++)
        add_rows(f, tx, service_tables[i], &out);
    store_rollback(tx);
    return arena_strdup(&f->arena, buf_str(&out));
}

#define LOOPS_MOST 300

int assert_all_or_nothing(struct fixture *f, act_fn act, void *ctx)
{
    static const char *const points[] = {"store.begin", "store.exec", "store.query",
                                         "store.commit"};
    int n = 0, failures = 0;
    for (size_t p = 0; p < ARRAY_LEN(points); p++) {
        bool fired = true;
        for (int hit = 1; fired; hit++) {
            char spec[64];
            assert_true(hit < LOOPS_MOST);
            char *before = dump(f);
            snprintf(spec, sizeof spec, "%s=io@%d", points[p], hit);
            assert_ok(f, fault_arm(spec, &f->err));
            enum err_code rc = act(f, ++n, ctx);
            fired = fault_fired() > 0;
            fault_disarm();
            bool same = str_eq(before, dump(f));
            if (rc && (!fired || !same))
                fail_msg("%s: %s %s: %s", spec, err_info(rc)->name,
                         same ? "without a fault" : "and something has changed", f->err.text);
            if (!rc && same)
                fail_msg("%s: succeeded, and nothing has changed", spec);
            failures += rc != ERR_OK;
        }
    }
    assert_true(failures > 0);
    return failures;
}
