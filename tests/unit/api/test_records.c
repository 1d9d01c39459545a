/* test_records.c - lists against a naive reading of the same rules; ETags and conditions. */
#include "house.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_priv.h"

#define SITES 60

struct row {
    char id[16];
    const char *tier;
    int vcpus;
};

static struct row rows[SITES];

static void give_sites(struct house *house)
{
    static const char *const tiers[] = {"edge", "public-cloud", "device"};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_add_str(&text, "{\"currency\":\"CNY\",\"sites\":[");
    for (int i = 0; i < SITES; i++) {
        str_format(rows[i].id, sizeof rows[i].id, "s%02d", (i * 37) % SITES);
        rows[i].tier = tiers[i % 3];
        rows[i].vcpus = (i * 7) % 10;
        buf_printf(&text,
                   "%s{\"id\":\"%s\",\"name\":\"N%d\",\"tier\":\"%s\",\"arch\":[\"x86_64\"],"
                   "\"capacity\":{\"vcpus\":%d,\"memory_gib\":%d}}",
                   i ? "," : "", rows[i].id, i, rows[i].tier, rows[i].vcpus, i + 1);
    }
    buf_add_str(&text, "]}");
    struct answer answer =
        ask(house, OPERATOR, "POST", "/api/v1/network/import", NULL, buf_str(&text));
    assert_status(answer, 200);
}

static int by_vcpus_down(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->vcpus != y->vcpus ? y->vcpus - x->vcpus : strcmp(x->id, y->id);
}

static void test_pages_with_filter_and_sort_are_what_a_naive_reader_finds(void **state)
{
    struct house *house = *state;
    give_sites(house);
    struct row wanted[SITES];
    for (int limit = 1; limit <= 8; limit += 7) {
        size_t expected = 0, seen = 0;
        for (int i = 0; i < SITES; i++)
            if (str_eq(rows[i].tier, "edge") && rows[i].vcpus >= 3)
                wanted[expected++] = rows[i];
        qsort(wanted, expected, sizeof *wanted, by_vcpus_down);
        const char *cursor = "";
        do {
            struct answer page = ask(
                house, VIEWER, "GET",
                word(house,
                     "/api/v1/sites?filter=spec.tier==edge&filter=spec.capacity.vcpus%%3E=3&sort="
                     "-spec.capacity.vcpus&limit=%d%s%s",
                     limit, *cursor ? "&cursor=" : "", cursor),
                NULL, NULL);
            assert_status(page, 200);
            const struct json_value *items = json_get(page.json, "items");
            assert_true(json_size(items) <= (size_t)limit);
            for (size_t i = 0; i < json_size(items); i++)
                assert_string_equal(json_text(json_get(json_at(items, i), "id"), ""),
                                    wanted[seen++].id);
            cursor = text_of(&page, "next");
        } while (*cursor);
        assert_int_equal(seen, expected);
        assert_true(expected > 8);
    }
    struct answer other =
        ask(house, VIEWER, "GET", "/api/v1/sites?filter=spec.name~=N1&limit=1000", NULL, NULL);
    assert_int_equal(json_size(json_get(other.json, "items")), 11); /* N1, N10 … N19 */
}

static void test_a_known_version_is_not_sent_again(void **state)
{
    struct house *house = *state;
    give_network(house, 10);
    static const char *const paths[] = {"/api/v1/sites/a", "/api/v1/links/city~a"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct answer answer = ask(house, VIEWER, "GET", paths[i], NULL, NULL);
        assert_status(answer, 200);
        const char *etag = header_of(&answer, "ETag");
        assert_string_equal(etag, "\"1\"");
        answer = ask(house, VIEWER, "GET", paths[i], "If-None-Match: \"1\"", NULL);
        assert_status(answer, 304);
        assert_int_equal(answer.reply.body_len, 0);
        answer = ask(house, VIEWER, "GET", paths[i], "If-None-Match: \"0\", W/\"1\"", NULL);
        assert_status(answer, 304);
        answer = ask(house, VIEWER, "GET", paths[i], "If-None-Match: \"2\"", NULL);
        assert_status(answer, 200);
        answer = ask(house, VIEWER, "HEAD", paths[i], NULL, NULL);
        assert_status(answer, 200);
        assert_int_equal(answer.reply.body_len, 0);
        assert_string_equal(header_of(&answer, "ETag"), "\"1\"");
    }
    struct answer watch = ask(house, VIEWER, "HEAD", "/api/v1/sites?watch=true", NULL, NULL);
    assert_status(watch, 200);
    assert_string_equal(watch.reply.content_type, "text/event-stream");
}

static const char *site_text(struct house *house, int vcpus)
{
    return word(house,
                "{\"id\":\"b\",\"name\":\"B\",\"tier\":\"edge\",\"arch\":[\"x86_64\"],"
                "\"capacity\":{\"vcpus\":%d,\"memory_gib\":1}}",
                vcpus);
}

static void test_writes_on_another_version_are_refused(void **state)
{
    struct house *house = *state;
    const char *path = "/api/v1/sites/b";
    struct answer answer = ask(house, OPERATOR, "PUT", path, "If-Match: *", site_text(house, 1));
    assert_status(answer, 412);
    answer = ask(house, OPERATOR, "PUT", path, "If-None-Match: *", site_text(house, 1));
    assert_status(answer, 200);
    answer = ask(house, OPERATOR, "PUT", path, "If-None-Match: *", site_text(house, 2));
    assert_status(answer, 412);
    answer = ask(house, OPERATOR, "PUT", path, "If-Match: \"7\"", site_text(house, 2));
    assert_status(answer, 412);
    assert_string_equal(problem_code(&answer), "precondition");
    answer = ask(house, OPERATOR, "PUT", path, "If-Match: \"1\"", site_text(house, 2));
    assert_status(answer, 200);
    assert_string_equal(header_of(&answer, "ETag"), "\"2\"");
    answer = ask(house, OPERATOR, "PUT", path, "If-Match: *", site_text(house, 3));
    assert_status(answer, 200);
    answer = ask(house, OPERATOR, "PUT", path, "If-Match: 3", site_text(house, 4));
    assert_status(answer, 400);
    answer = ask(house, OPERATOR, "DELETE", path, "If-Match: \"1\"", NULL);
    assert_status(answer, 412);
    answer =
        ask(house, OPERATOR, "PUT", "/api/v1/access-points/p", "If-Match: \"1\"", "{\"id\":\"p\"}");
    assert_status(answer, 415); /* what cannot be promised is not taken */
    answer = ask(house, OPERATOR, "DELETE", path, "If-Match: \"3\"", NULL);
    assert_status(answer, 204);
    answer = ask(house, VIEWER, "GET", path, NULL, NULL);
    assert_status(answer, 404);
}

static void test_a_write_is_read_back_at_once(void **state)
{
    struct house *house = *state;
    for (int i = 1; i <= 20; i++) {
        struct answer answer =
            ask(house, OPERATOR, "PUT", "/api/v1/sites/b", NULL, site_text(house, i));
        assert_status(answer, 200);
        answer = ask(house, VIEWER, "GET", "/api/v1/sites/b", NULL, NULL);
        assert_int_equal(json_int(json_path(answer.json, "spec.capacity.vcpus"), 0), i);
    }
}

/* The path that is asked most takes nothing from the store. */
static void test_one_site_is_answered_without_the_store(void **state)
{
    struct house *house = *state;
    give_network(house, 10);
    ask(house, VIEWER, "GET", "/api/v1/sites/a", NULL, NULL);
    struct store_figures before, after;
    /* Others in this process ask now and then: 300 requests would show beside them. */
    store_figures(house->store, &before);
    for (int i = 0; i < 300; i++) {
        struct answer answer = ask(house, VIEWER, "GET", "/api/v1/sites/a", NULL, NULL);
        assert_status(answer, 200);
    }
    store_figures(house->store, &after);
    assert_true(after.queries - before.queries < 200);
    assert_int_equal(after.commits, before.commits);
}

static void test_the_document_and_the_health_pages_answer(void **state)
{
    struct house *house = *state;
    static const char *const paths[] = {"/healthz", "/readyz", "/metrics", "/api/v1/version",
                                        "/api/v1/openapi.json"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct answer answer = ask(house, NOBODY, "GET", paths[i], NULL, NULL);
        assert_status(answer, 200);
    }
    struct answer document = ask(house, NOBODY, "GET", "/api/v1/openapi.json", NULL, NULL);
    assert_string_equal(text_of(&document, "openapi"), "3.1.0");
    api_set_ready(house->api, false);
    struct answer answer = ask(house, NOBODY, "GET", "/readyz", NULL, NULL);
    assert_status(answer, 503);
    assert_non_null(header_of(&answer, "Retry-After"));
}

/* One name of a schema is one table. */
static void take_table(const struct json_table *table, void *ctx)
{
    const struct json_table **all = ctx;
    size_t i = 0;
    for (; all[i]; i++) {
        if (all[i] == table)
            return;
        assert_string_not_equal(all[i]->name, table->name);
    }
    assert_true(i < 400);
    all[i] = table;
}

static void test_no_two_tables_share_a_schema_name(void **state)
{
    (void)state;
    const struct json_table *all[500] = {NULL};
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            if (api_route_parts[p]->items[i].body)
                json_walk_tables(api_route_parts[p]->items[i].body, take_table, all);
            if (api_route_parts[p]->items[i].answer)
                json_walk_tables(api_route_parts[p]->items[i].answer, take_table, all);
        }
    for (size_t c = 0; c < api_collection_count; c++) {
        json_walk_tables(api_collections[c].spec, take_table, all);
        if (api_collections[c].status)
            json_walk_tables(api_collections[c].status, take_table, all);
    }
    assert_non_null(all[50]);
}

const struct CMUnitTest records_tests[] = {
    API_TEST(test_pages_with_filter_and_sort_are_what_a_naive_reader_finds),
    API_TEST(test_a_known_version_is_not_sent_again),
    API_TEST(test_writes_on_another_version_are_refused),
    API_TEST(test_a_write_is_read_back_at_once),
    API_TEST(test_one_site_is_answered_without_the_store),
    API_TEST(test_the_document_and_the_health_pages_answer),
    cmocka_unit_test(test_no_two_tables_share_a_schema_name),
};
const size_t records_test_count = ARRAY_LEN(records_tests);
