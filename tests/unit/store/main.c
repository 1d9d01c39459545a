/* main.c - runs every test of the store on one backend: test-store sqlite | postgresql [PATTERN].
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fresh_schema.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "torture.h"

bool on_postgres;
const struct store_actor actor = {.user = "tester", .tenant = "", .request = "req-1"};

static unsigned serial;

void assert_ok_(enum err_code rc, const struct err *err, const char *what, const char *file,
                int line)
{
    if (rc != ERR_OK) {
        print_error("%s: %s: %s\n", what, err_info(rc)->name, err->text);
        _fail(file, line);
    }
}

void fresh_sqlite_address(struct fixture *f, char out[512])
{
    snprintf(out, 512, "sqlite:%s/s%u/swan.db", f->folder, ++serial);
}

/* PostgreSQL: a schema of its own in the one database of the run. */
void fresh_address(struct fixture *f, char out[512])
{
    if (!on_postgres) {
        fresh_sqlite_address(f, out);
        return;
    }
    assert_ok(f, fresh_schema(out, &f->err));
}

int fixture_open(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    *state = f;
    snprintf(f->folder, sizeof f->folder, "/tmp/swan-store.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    fresh_address(f, f->address);
    assert_ok(f, store_open(f->address, &f->store, &f->err));
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    fault_disarm();
    store_close(f->store);
    arena_done(&f->arena);
    assert_ok(f, file_remove_tree(f->folder, &f->err));
    mem_free(f);
    return 0;
}

void reopen(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
    assert_ok(f, store_open(f->address, &f->store, &f->err));
}

static enum err_code put_body(struct store_tx *tx, void *ctx, struct err *err)
{
    const struct store_record *record = ctx;
    return store_insert(tx, record, &actor, err);
}

enum err_code put(struct store *store, const char *collection, const char *id, const char *spec,
                  struct err *err)
{
    struct store_record record = {
        .collection = collection, .id = id, .tenant = "", .spec = spec, .status = NULL};
    return store_write(store, put_body, &record, err);
}

int64_t number_of(struct store *store, const char *sql)
{
    struct arena arena = ARENA_INIT;
    struct store_tx *tx = NULL;
    struct store_rows rows;
    int64_t number = -1;
    if (store_begin(store, STORE_READ, &tx, NULL) == ERR_OK &&
        store_query(tx, sql, NULL, 0, 1, &rows, &arena, NULL) == ERR_OK && rows.count) {
        number = store_cell(&rows, 0, 0)->integer;
    }
    store_rollback(tx);
    arena_done(&arena);
    return number;
}

static void add_rows(struct store_tx *tx, const char *sql, struct buf *out, struct arena *arena)
{
    struct store_rows rows;
    struct err err = ERR_INIT;
    assert_ok_(store_query(tx, sql, NULL, 0, 0, &rows, arena, &err), &err, sql, __FILE__, __LINE__);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t c = 0; c < rows.columns; c++) {
            const struct store_value *cell = store_cell(&rows, r, c);
            switch (cell->type) {
            case STORE_NULL:
                buf_add_str(out, "null|");
                break;
            case STORE_INT:
                buf_printf(out, "%lld|", (long long)cell->integer);
                break;
            case STORE_REAL:
                buf_printf(out, "%.17g|", cell->real);
                break;
            case STORE_TEXT:
            case STORE_BLOB:
                buf_add_json_str(out, cell->text, cell->len);
                buf_add_char(out, '|');
            }
        }
        buf_add_char(out, '\n');
    }
}

char *dump(struct store *store, struct arena *arena)
{
    struct buf out = BUF_INIT;
    struct store_tx *tx = NULL;
    struct err err = ERR_INIT;
    assert_ok_(store_begin(store, STORE_READ, &tx, &err), &err, "begin", __FILE__, __LINE__);
    add_rows(tx,
             "SELECT collection, id, tenant, version, created_ms, updated_ms, spec, status"
             " FROM store_record ORDER BY collection, id",
             &out, arena);
    add_rows(tx,
             "SELECT position, at_ms, collection, object, event, version, tenant, user_name,"
             " request, body FROM store_journal ORDER BY position",
             &out, arena);
    store_rollback(tx);
    char *text = arena_strdup(arena, buf_str(&out));
    buf_done(&out);
    return text;
}

int main(int argc, char **argv)
{
    if (argc > 2 && str_eq(argv[1], "torture-child")) {
        return torture_child(argv[2]);
    }
    on_postgres = argc > 1 && str_eq(argv[1], "postgresql");
    if (on_postgres && !getenv("SWAN_TEST_POSTGRES")) {
        fprintf(stderr, "run it by tests/testbed/postgres.sh run\n");
        return 77;
    }
    if (argc > 2) {
        cmocka_set_test_filter(argv[2]);
    }
    int failed = 0;
#define RUN(tests, count) _cmocka_run_group_tests(#tests, tests, count, NULL, NULL)
    failed += RUN(record_tests, record_test_count);
    failed += RUN(list_tests, list_test_count);
    failed += RUN(concurrency_tests, concurrency_test_count);
    failed += RUN(migrate_tests, migrate_test_count);
    failed += RUN(snapshot_tests, snapshot_test_count);
    failed += RUN(torture_tests, torture_test_count);
    return failed ? 1 : 0;
}
