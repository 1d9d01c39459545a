/* test_hostile.c - every route under bodies and queries that were made to hurt: one clear problem,
 * nothing changed. */
#include "house.h"

#include <string.h>

#include "api/api_priv.h"

#define DEEP 200000
#define BIG (2u << 20)

struct bytes {
    const char *what, *data;
    size_t len;
};

static size_t make_bodies(struct house *house, struct bytes *out)
{
    char *deep = arena_alloc(&house->arena, DEEP), *big = arena_alloc(&house->arena, BIG);
    size_t n = 0;
    memset(deep, '[', DEEP);
    memset(big, ' ', BIG);
    memcpy(big, "{\"x\":\"", 6);
#define BODY(what, text) out[n++] = (struct bytes){what, text, sizeof text - 1}
    BODY("truncated", "{\"text\":\"half");
    BODY("truncated after a line", "{\n \"text\": \"x\",\n \"requirement\":");
    BODY("a list", "[]");
    BODY("null", "null");
    BODY("a number", "17");
    BODY("an unknown key", "{\"no_such_member\":1}");
    BODY("a key twice", "{\"no_such_member\":1,\"no_such_member\":1}");
    BODY("not a number", "{\"choice\":NaN}");
    BODY("a huge number", "{\"choice\":1e99999}");
    BODY("invalid UTF-8", "{\"text\":\"\xff\xfe\"}");
    BODY("a NUL", "{\"text\":\"a\0b\"}");
    BODY("an escaped NUL", "{\"no\\u0000pe\":1}");
    BODY("something after the end", "{} {}");
    BODY("wrong types",
         "{\"id\":[],\"name\":{},\"text\":7,\"plan\":[1],\"items\":\"x\",\"user\":1}");
#undef BODY
    out[n++] = (struct bytes){"deep nesting", deep, DEEP};
    out[n++] = (struct bytes){"two megabytes", big, BIG};
    return n;
}

static const char *path_of(struct house *house, const char *path)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    for (const char *at = path; *at; at++) {
        if (*at != '{') {
            buf_add_char(&out, *at);
            continue;
        }
        buf_add_str(&out, str_has_prefix(at, "{collection}") ? "orders" : "x");
        at = strchr(at, '}');
    }
    return word(house, "%s", buf_str(&out));
}

static void test_every_route_refuses_every_hostile_body(void **state)
{
    struct house *house = *state;
    struct bytes bodies[32];
    size_t count = make_bodies(house, bodies);
    int64_t before = changes(house), tries = 0;
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            const struct api_route *route = &api_route_parts[p]->items[i];
            const char *path = path_of(house, route->path);
            for (size_t b = 0; b < count; b++, tries++) {
                struct answer answer = ask_bytes(house, ADMIN, route->method, path, NULL,
                                                 bodies[b].data, bodies[b].len);
                if (answer.status < 400 || answer.status > 499)
                    fail_msg("%s %s with %s: %d %.200s", route->method, path, bodies[b].what,
                             answer.status, answer.reply.body);
                problem_code(&answer);
            }
        }
    assert_true(tries > 600);
    assert_int_equal(changes(house), before);
    struct answer alive = ask(house, NOBODY, "GET", "/healthz", NULL, NULL);
    assert_status(alive, 200);
}

static void test_an_error_in_a_body_names_its_place(void **state)
{
    struct house *house = *state;
    struct answer answer = ask(house, ANN, "POST", "/api/v1/requirements", NULL,
                               "{\"requirement\":{\"components\":[{\"name\":\"web\"},{\"name\":"
                               "\"db\",\"vcpus\":\"many\"}]}}");
    assert_status(answer, 400);
    assert_string_equal(text_of(&answer, "field"), "requirement.components[1].vcpus");
    answer = ask(house, OPERATOR, "POST", "/api/v1/network/import", NULL,
                 "currency: CNY\nsites:\n  - {id: a, tier: nowhere}\n");
    assert_status(answer, 400);
    assert_non_null(strstr(text_of(&answer, "detail"), "line 3"));
    assert_string_equal(text_of(&answer, "field"), "sites[0].tier");
    answer = ask(house, ANN, "POST", "/api/v1/requirements", NULL, "{}");
    assert_status(answer, 400);
    assert_non_null(strstr(text_of(&answer, "detail"), "text or requirement"));
}

static void test_every_hostile_query_is_refused(void **state)
{
    struct house *house = *state;
    static const char *const queries[] = {
        "filter=",
        "filter=spec",
        "filter===3",
        "filter=spec.a%3Db",
        "filter=spec.%27%3B--==1",
        "filter=nothing==1",
        "filter=version~=1",
        "filter=created_at%3E=yesterday",
        "sort=spec.%22",
        "sort=-",
        "sort=password",
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=1e3",
        "limit=9999999999999999999999",
        "cursor=x",
        "cursor=AAAA",
        "cursor=%00",
        "watch=maybe",
        "watch=true&filter=spec.a==1",
        "watch=true&position=-1",
        "watch=true&position=abc",
        "watch=true&position=999999999999",
        "limit=1&limit=2",
        "dryrun=true",
        "unknown=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct answer answer =
            ask(house, ADMIN, "GET", word(house, "/api/v1/sites?%s", queries[i]), NULL, NULL);
        if (answer.status < 400 || answer.status > 499)
            fail_msg("?%s: %d %.200s", queries[i], answer.status, answer.reply.body);
        problem_code(&answer);
    }
    CLEANUP(buf_done) struct buf many = BUF_INIT;
    for (int i = 0; i <= API_MAX_CONDITIONS; i++)
        buf_printf(&many, "%cfilter=id==1", i ? '&' : '?');
    struct answer full =
        ask(house, ADMIN, "GET", word(house, "/api/v1/sites%s", buf_str(&many)), NULL, NULL);
    assert_status(full, 413);
    int64_t before = changes(house);
    static const char *const writes[] = {"dry_run=maybe", "dry_run=true&dry_run=false", "dryRun=1",
                                         "watch=true"};
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct answer answer =
            ask(house, ANN, "POST", word(house, "/api/v1/requirements?%s", writes[i]), NULL,
                "{\"text\":\"one server\"}");
        assert_status(answer, 400);
    }
    struct answer answer =
        ask(house, ADMIN, "POST", "/api/v1/tenants?dry_run=true", NULL, "{\"name\":\"gamma\"}");
    assert_status(answer, 415);
    assert_string_equal(text_of(&answer, "field"), "dry_run");
    assert_int_equal(changes(house), before);
}

static void test_large_bodies_are_for_those_who_may_send_them(void **state)
{
    struct house *house = *state;
    size_t len = 3u << 20;
    char *text = arena_alloc(&house->arena, len + 1);
    memset(text, ' ', len);
    text[len] = '\0';
    memcpy(text + len - 12, "{\"sites\":[]}", 12);
    const enum who small[] = {NOBODY, STRANGER, VIEWER, ANN, CHIEF};
    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        struct answer answer = ask(house, small[i], "POST", "/api/v1/network/import", NULL, text);
        assert_status(answer, 413);
    }
    struct answer answer = ask(house, OPERATOR, "POST", "/api/v1/network/import", NULL, text);
    assert_int_not_equal(answer.status, 413);
    answer = ask(house, VIEWER, "PUT", "/api/v1/artefacts/sha256:00", NULL, text);
    assert_status(answer, 413);
    answer = ask(house, ANN, "PUT", "/api/v1/artefacts/sha256:00", NULL, text);
    assert_status(answer, 400);
}

const struct CMUnitTest hostile_tests[] = {
    API_TEST(test_every_route_refuses_every_hostile_body),
    API_TEST(test_an_error_in_a_body_names_its_place),
    API_TEST(test_every_hostile_query_is_refused),
    API_TEST(test_large_bodies_are_for_those_who_may_send_them),
};
const size_t hostile_test_count = ARRAY_LEN(hostile_tests);
