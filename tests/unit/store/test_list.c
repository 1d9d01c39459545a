/* test_list.c - lists against a naive oracle on random records, and hostile queries. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

/* ---- random records, kept twice: in the store and as plain values ---- */

#define RECORDS 160
#define QUERIES 250
#define TIME_BASE INT64_C(1790000000000)

enum kind { NUMBER, TEXT, ABSENT };
struct value {
    enum kind kind;
    double number;
    char text[1024];
};
struct model {
    char id[32], tenant[8];
    int64_t created_ms;
    struct value m, a0, state; /* spec.m, spec.a.0, status.state */
};

static const char *const texts[] = {"",     "1",   "10",   "abc",  "abd", "ABC", "éa", "算力",
                                    "true", "a'b", "a\"b", "zzzz", "-",   "\\",  "%",  "😀"};

static void random_value(struct rand *rand, struct value *out, struct buf *json)
{
    *out = (struct value){.kind = ABSENT};
    switch (rand_below(rand, 8)) {
    case 0:
    case 1:
        out->kind = NUMBER;
        out->number = (double)rand_below(rand, 7) - 3;
        buf_printf(json, "%d", (int)out->number);
        break;
    case 2:
        out->kind = NUMBER;
        out->number = ldexp((double)rand_below(rand, 1000) - 500, (int)rand_below(rand, 80) - 40);
        buf_add_json_double(json, out->number);
        break;
    case 3:
    case 4:
        out->kind = TEXT;
        snprintf(out->text, sizeof out->text, "%s", texts[rand_below(rand, ARRAY_LEN(texts))]);
        buf_add_json_str(json, out->text, strlen(out->text));
        break;
    case 5: /* differs within or beyond the part that is sorted */
        out->kind = TEXT;
        for (int i = 0; i < 199; i++) {
            strcat(out->text, "算");
        }
        strcat(out->text, rand_below(rand, 2) ? "A" : "B");
        strcat(out->text, rand_below(rand, 2) ? "1" : "2");
        buf_add_json_str(json, out->text, strlen(out->text));
        break;
    case 6:
        out->kind = TEXT;
        snprintf(out->text, sizeof out->text, "%s", rand_below(rand, 2) ? "true" : "false");
        buf_add_str(json, out->text);
        break;
    default:
        buf_add_str(json, (const char *[]){"null", "{}", "[1]", "{\"x\":1}"}[rand_below(rand, 4)]);
    }
}

static void random_record(struct rand *rand, size_t i, struct model *m, struct buf *spec,
                          struct buf *status)
{
    buf_clear(spec);
    buf_clear(status);
    snprintf(m->id, sizeof m->id, "%s%03zu", rand_below(rand, 2) ? "r" : "R", (i * 37) % RECORDS);
    snprintf(m->tenant, sizeof m->tenant, "%s",
             (const char *[]){"", "red", "blue"}[rand_below(rand, 3)]);
    m->created_ms = TIME_BASE + (int64_t)rand_below(rand, 20) * 1000;
    m->a0 = (struct value){.kind = ABSENT};
    m->state = (struct value){.kind = ABSENT};
    buf_add_str(spec, "{\"m\":");
    random_value(rand, &m->m, spec);
    if (rand_below(rand, 3)) {
        buf_add_str(spec, ",\"a\":{\"0\":");
        random_value(rand, &m->a0, spec);
        buf_add_char(spec, '}');
    } else {
        buf_add_str(spec, ",\"a\":[7]"); /* "0" is a name, never an index */
    }
    buf_add_char(spec, '}');
    if (rand_below(rand, 4)) {
        buf_add_str(status, "{\"state\":");
        random_value(rand, &m->state, status);
        buf_add_char(status, '}');
    }
}

/* ---- oracle ---- */

static struct value get(const struct model *m, const char *path)
{
    struct value value = {.kind = NUMBER};
    if (str_eq(path, "spec.m")) {
        return m->m;
    } else if (str_eq(path, "spec.a.0")) {
        return m->a0;
    } else if (str_eq(path, "status.state")) {
        return m->state;
    } else if (str_eq(path, "created_at")) {
        value.number = (double)m->created_ms;
    } else if (str_eq(path, "version")) {
        value.number = 1;
    } else {
        value.kind = TEXT;
        snprintf(value.text, sizeof value.text, "%s", str_eq(path, "id") ? m->id : m->tenant);
    }
    return value;
}

static int order_of(double x, double y)
{
    return (x > y) - (x < y);
}

static bool meets(const struct model *m, const struct store_condition *c)
{
    struct value value = get(m, c->path);
    double number;
    int64_t ms;
    bool numeric = str_to_double(c->value, &number, NULL) == ERR_OK;
    int order;
    if (clock_parse(c->value, &ms, NULL) == ERR_OK) {
        numeric = true;
        number = (double)ms;
    }
    if (c->operator== STORE_LIKE) {
        return value.kind == TEXT && strstr(value.text, c->value);
    }
    if (value.kind == ABSENT) {
        return c->operator== STORE_NE;
    }
    if (value.kind == NUMBER) {
        order = numeric ? order_of(value.number, number) : -1;
    } else {
        order = strcmp(value.text, c->value);
    }
    switch (c->operator) {
    case STORE_EQ:
        return order == 0;
    case STORE_NE:
        return order != 0;
    case STORE_LT:
        return order < 0;
    case STORE_LE:
        return order <= 0;
    case STORE_GT:
        return order > 0;
    case STORE_GE:
        return order >= 0;
    case STORE_LIKE:
        break;
    }
    return false;
}

static void first_characters(char *text, size_t count)
{
    size_t at = 0, len = strlen(text);
    while (at < len && count-- > 0) {
        str_next(text, len, &at);
    }
    text[at] = '\0';
}

static const struct store_list_query *sorting; /* of compare_models */

static int compare_models(const void *a, const void *b)
{
    const struct model *x = *(const struct model *const *)a, *y = *(const struct model *const *)b;
    const char *path = sorting->sort && sorting->sort[0] ? sorting->sort : "id";
    struct value u = get(x, path), v = get(y, path);
    int sign = sorting->descending ? -1 : 1, order = 0;
    if ((u.kind == ABSENT) != (v.kind == ABSENT)) {
        return u.kind == ABSENT ? 1 : -1;
    }
    if (u.kind != v.kind) {
        return sign * (u.kind == NUMBER ? -1 : 1);
    }
    if (u.kind == NUMBER) {
        order = order_of(u.number, v.number);
    } else if (u.kind == TEXT) {
        first_characters(u.text, 200);
        first_characters(v.text, 200);
        order = strcmp(u.text, v.text);
    }
    return order ? sign * order : strcmp(x->id, y->id);
}

static size_t expect(const struct model *models, const struct store_list_query *query,
                     const struct model **out)
{
    size_t count = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        bool in = !query->tenant || !models[i].tenant[0] || str_eq(models[i].tenant, query->tenant);
        for (size_t c = 0; in && c < query->condition_count; c++) {
            in = meets(&models[i], &query->conditions[c]);
        }
        if (in) {
            out[count++] = &models[i];
        }
    }
    sorting = query;
    qsort(out, count, sizeof *out, compare_models);
    return count;
}

/* ---- the property ---- */

static void fill(struct fixture *f, struct rand *rand, struct model *models)
{
    struct buf spec = BUF_INIT, status = BUF_INIT;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    for (size_t i = 0; i < RECORDS; i++) {
        random_record(rand, i, &models[i], &spec, &status);
        struct store_record record = {.collection = "things",
                                      .id = models[i].id,
                                      .tenant = models[i].tenant,
                                      .created_ms = models[i].created_ms,
                                      .spec = spec.data,
                                      .status = status.len ? status.data : NULL};
        assert_ok(f, store_insert(tx, &record, &actor, &f->err));
    }
    assert_ok(f, store_commit(tx, &f->err));
    buf_done(&spec);
    buf_done(&status);
}

static void random_query(struct rand *rand, struct store_list_query *query,
                         struct store_condition *conditions)
{
    static const char *const paths[] = {"spec.m",     "spec.a.0", "status.state", "id",
                                        "created_at", "version",  "tenant",       "spec.none"};
    static const char *const numbers[] = {"0", "1", "-2.5", "1e3", "10"};
    query->collection = "things";
    query->tenant = rand_below(rand, 3) ? NULL : "red";
    query->sort = rand_below(rand, 8) ? paths[rand_below(rand, 7)] : "";
    query->descending = rand_below(rand, 2);
    query->limit = 1 + rand_below(rand, 60);
    query->conditions = conditions;
    query->condition_count = rand_below(rand, 3);
    for (size_t i = 0; i < query->condition_count; i++) {
        struct store_condition *c = &conditions[i];
        c->path = paths[rand_below(rand, 7)];
        bool integer = str_eq(c->path, "created_at") || str_eq(c->path, "version");
        c->operator=(enum store_operator) rand_below(rand, integer ? 6 : 7);
        if (integer) {
            c->value = str_eq(c->path, "version")
                           ? (const char *[]){"0", "1", "2"}[rand_below(rand, 3)]
                           : (const char *[]){"2026-09-21T14:13:25Z",
                                              "1790000007000"}[rand_below(rand, 2)];
        } else {
            c->value = rand_below(rand, 2) ? numbers[rand_below(rand, ARRAY_LEN(numbers))]
                                           : texts[rand_below(rand, ARRAY_LEN(texts))];
        }
    }
}

static void describe(const struct store_list_query *query)
{
    print_error("sort '%s' descending %d limit %zu tenant %s\n", query->sort, query->descending,
                query->limit, query->tenant ? query->tenant : "-");
    for (size_t i = 0; i < query->condition_count; i++) {
        print_error("  %s op %d '%s'\n", query->conditions[i].path,
                    (int)query->conditions[i].operator, query->conditions[i].value);
    }
}

static void test_lists_are_those_of_a_naive_oracle_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct model *models = mem_array(RECORDS, sizeof *models);
    const struct model *wanted[RECORDS];
    struct rand rand;
    struct store_tx *tx = NULL;
    size_t pages = 0, found = 0;
    rand_init(&rand, 20261123);
    fill(f, &rand, models);
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    for (int q = 0; q < QUERIES; q++) {
        struct store_condition conditions[3];
        struct store_list_query query = {0};
        random_query(&rand, &query, conditions);
        size_t count = expect(models, &query, wanted), at = 0;
        int64_t counted = -1;
        do {
            struct store_page page;
            assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
            for (size_t i = 0; i < page.count; i++, at++) {
                if (at >= count || !str_eq(page.records[i].id, wanted[at]->id)) {
                    describe(&query);
                    fail_msg("record %zu is %s, not %s", at, page.records[i].id,
                             at < count ? wanted[at]->id : "none");
                }
            }
            if (page.next && page.count != query.limit) {
                fail_msg("a page with a next one has %zu of %zu", page.count, query.limit);
            }
            query.cursor = page.next;
            pages++;
        } while (query.cursor);
        if (at != count) {
            describe(&query);
            fail_msg("%zu records, not %zu", at, count);
        }
        assert_ok(f, store_count(tx, &query, &counted, &f->err));
        assert_int_equal(counted, count);
        found += count;
    }
    assert_true(pages > QUERIES && found > QUERIES); /* the queries were not all empty */
    store_rollback(tx);
    mem_free(models);
}

static void test_a_cursor_stays_true_while_records_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_page page;
    char id[16], spec[32];
    for (int i = 0; i < 20; i += 2) {
        snprintf(id, sizeof id, "r%02d", i);
        snprintf(spec, sizeof spec, "{\"n\":%d}", i);
        assert_ok(f, put(f->store, "things", id, spec, &f->err));
    }
    struct store_list_query query = {.collection = "things", .sort = "spec.n", .limit = 5};
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    store_rollback(tx);
    assert_string_equal(page.records[4].id, "r08");
    query.cursor = page.next;
    /* One before the mark, one after it, and the marked one itself goes. */
    assert_ok(f, put(f->store, "things", "r07", "{\"n\":7}", &f->err));
    assert_ok(f, put(f->store, "things", "r09", "{\"n\":9}", &f->err));
    assert_ok(f, store_begin(f->store, STORE_WRITE, &tx, &f->err));
    assert_ok(f, store_delete(tx, "things", "r08", 0, &actor, &f->err));
    assert_ok(f, store_commit(tx, &f->err));
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_string_equal(page.records[0].id, "r09");
    assert_string_equal(page.records[1].id, "r10");
    store_rollback(tx);
}

static void test_hostile_queries_are_refused_and_harm_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_page page = {0};
    static const char *const bad_paths[] = {
        "spec",      "spec.",  "spec..a",  "spec.a.",
        ".spec.a",   "spec.A", "spec.a'b", "spec.a\"); DROP TABLE store_record; --",
        "other.a",   "status", "spec.算",  "spec.a b",
        "collection"};
    static const char *const bad_cursors[] = {
        "",         "x",    "!!!!",
        "AAAA",     "null", "../../etc/passwd",
        "\xff\xfe", "%00",  "YWJjZGVmZ2hpamtsbW5vcDBuMDAwMDAwMDAwMDAwMDAwMDAwMDAwMHg"};
    char long_path[300];
    for (int i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof id, "r%d", i);
        assert_ok(f, put(f->store, "things", id, "{\"a\":1}", &f->err));
    }
    struct store_condition condition = {"spec.a", STORE_EQ, "1"};
    struct store_list_query query = {.collection = "things", .limit = 2};
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    for (size_t i = 0; i < ARRAY_LEN(bad_paths); i++) {
        query.sort = bad_paths[i];
        assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
        query.sort = NULL;
        query.conditions = &condition;
        query.condition_count = 1;
        condition.path = bad_paths[i];
        assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
        query.condition_count = 0;
    }
    memset(long_path, 'a', sizeof long_path);
    memcpy(long_path, "spec.", 5);
    long_path[299] = '\0';
    query.sort = long_path;
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    query.sort = NULL;
    condition = (struct store_condition){"spec.a", STORE_EQ, "\xff"};
    query.condition_count = 1;
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    condition = (struct store_condition){"created_at", STORE_GT, "yesterday"};
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    condition = (struct store_condition){"version", STORE_LIKE, "1"};
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    condition = (struct store_condition){"spec.a", STORE_EQ, "'; DROP TABLE store_record; --"};
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.count, 0);
    query.condition_count = 0;
    query.limit = 1001;
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    query.limit = 2;
    for (size_t i = 0; i < ARRAY_LEN(bad_cursors); i++) {
        query.cursor = bad_cursors[i];
        assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    }
    query.cursor = NULL;
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_int_equal(page.count, 2);
    /* A good cursor on another query, and every single changed letter. */
    char *cursor = arena_strdup(&f->arena, page.next);
    query.cursor = cursor;
    query.descending = true;
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    query.descending = false;
    query.sort = "spec.a";
    assert_int_equal(store_list(tx, &query, &page, &f->arena, &f->err), ERR_INVALID);
    query.sort = NULL;
    for (size_t i = 0; cursor[i]; i++) {
        for (int bit = 0; bit < 8; bit++) {
            cursor[i] = (char)(cursor[i] ^ (1 << bit));
            enum err_code rc = store_list(tx, &query, &page, &f->arena, &f->err);
            assert_true(rc == ERR_OK || rc == ERR_INVALID);
            cursor[i] = (char)(cursor[i] ^ (1 << bit));
        }
    }
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_string_equal(page.records[0].id, "r2");
    assert_null(page.next);
    store_rollback(tx);
}

static void test_a_page_tells_where_to_begin_a_watch(void **state)
{
    struct fixture *f = *state;
    struct store_tx *tx = NULL;
    struct store_page page;
    struct store_event *events;
    size_t count;
    assert_ok(f, put(f->store, "things", "a", "{}", &f->err));
    struct store_list_query query = {.collection = "things"};
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_list(tx, &query, &page, &f->arena, &f->err));
    assert_ok(f, put(f->store, "things", "b", "{}", &f->err)); /* after the snapshot */
    struct store_page again;
    assert_ok(f, store_list(tx, &query, &again, &f->arena, &f->err));
    assert_int_equal(again.count, 1);
    assert_true(again.position == page.position);
    store_rollback(tx);
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, store_events(tx, page.position, NULL, NULL, NULL, 10, &events, &count, &f->arena,
                              &f->err));
    assert_true(count >= 1);
    assert_string_equal(events[count - 1].object, "b");
    store_rollback(tx);
}

const struct CMUnitTest list_tests[] = {
    STORE_TEST(test_lists_are_those_of_a_naive_oracle_page_by_page),
    STORE_TEST(test_a_cursor_stays_true_while_records_come_and_go),
    STORE_TEST(test_hostile_queries_are_refused_and_harm_nothing),
    STORE_TEST(test_a_page_tells_where_to_begin_a_watch),
};
const size_t list_test_count = ARRAY_LEN(list_tests);
