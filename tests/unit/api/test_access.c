/* test_access.c - who may do what: every route of the table, and tenants among each other. */
#include "house.h"

#include <string.h>

#include "api/api_priv.h"

/* The path of a route with names in its places. */
static const char *concrete(struct house *house, const char *path, const char *collection)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    for (const char *at = path; *at; at++) {
        if (*at != '{') {
            buf_add_char(&out, *at);
            continue;
        }
        buf_add_str(&out, str_has_prefix(at, "{collection}") ? collection : "x");
        at = strchr(at, '}');
    }
    return word(house, "%s", buf_str(&out));
}

static enum who holder(enum access_role role)
{
    static const enum who holders[] = {NOBODY, VIEWER, ANN, OPERATOR, ADMIN};
    return holders[role];
}

static void check_route(struct house *house, const struct api_route *route, const char *path,
                        enum access_role role)
{
    if (route->flags & API_OPEN) {
        struct answer open = ask(house, NOBODY, route->method, path, NULL, NULL);
        assert_int_not_equal(open.status, 403);
        return;
    }
    const enum who unknown[] = {NOBODY, STRANGER};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        struct answer answer = ask(house, unknown[i], route->method, path, NULL, NULL);
        assert_status(answer, 401);
        assert_string_equal(problem_code(&answer), "unauthenticated");
        assert_non_null(header_of(&answer, "WWW-Authenticate"));
    }
    if (role > ACCESS_VIEWER) {
        struct answer below =
            ask(house, holder((enum access_role)(role - 1)), route->method, path, NULL, NULL);
        if (below.status != 403)
            print_error("%s %s\n", route->method, path);
        assert_status(below, 403);
        assert_string_equal(problem_code(&below), "forbidden");
    }
    if (role >= ACCESS_OPERATOR) { /* a tenant's own admin is no admin of the house */
        struct answer chief = ask(house, CHIEF, route->method, path, NULL, NULL);
        assert_status(chief, 403);
    }
    if (str_has_prefix(path, "/api/v1/twin"))
        return; /* the whole of it is for those who see all tenants */
    struct answer enough = ask(house, holder(role), route->method, path, NULL, NULL);
    if (enough.status == 401 || enough.status == 403)
        fail_msg("%s %s: %d with the role it needs", route->method, path, enough.status);
}

static void test_each_route_asks_for_its_role(void **state)
{
    struct house *house = *state;
    int64_t before = changes(house), routes = 0;
    for (size_t p = 0; p < api_route_part_count; p++)
        for (size_t i = 0; i < api_route_parts[p]->count; i++) {
            const struct api_route *route = &api_route_parts[p]->items[i];
            if (strstr(route->path, "{collection}"))
                continue;
            check_route(house, route, concrete(house, route->path, ""), route->role);
            routes++;
        }
    for (size_t r = 0; r < api_routes_records.count; r++)
        for (size_t c = 0; c < api_collection_count; c++) {
            const struct api_route *route = &api_routes_records.items[r];
            if (!strstr(route->path, "{collection}"))
                continue;
            check_route(house, route, concrete(house, route->path, api_collections[c].name),
                        api_collections[c].role);
            routes++;
        }
    assert_true(routes > 60);
    /* An empty body asks for a token of one's own: that one write of the viewer is all. */
    assert_int_equal(changes(house), before + 1);
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM store_journal WHERE collection ="
                                     " 'tokens' AND user_name = 'vera'"),
                     1);
}

static void test_unknown_paths_and_methods_are_told_apart(void **state)
{
    struct house *house = *state;
    struct answer answer = ask(house, NOBODY, "GET", "/api/v1/unicorns", NULL, NULL);
    assert_status(answer, 404);
    answer = ask(house, NOBODY, "POST", "/api/v1/unicorns/x", NULL, "{}");
    assert_status(answer, 404);
    answer = ask(house, ADMIN, "PATCH", "/api/v1/sites/x", NULL, "{}");
    assert_status(answer, 405);
    assert_string_equal(problem_code(&answer), "method");
    assert_string_equal(header_of(&answer, "Allow"), "PUT, DELETE, GET, HEAD, OPTIONS");
    answer = ask(house, NOBODY, "OPTIONS", "/api/v1/sites/x", NULL, NULL);
    assert_status(answer, 204);
    assert_string_equal(header_of(&answer, "Allow"), "PUT, DELETE, GET, HEAD, OPTIONS");
    assert_null(header_of(&answer, "Access-Control-Allow-Origin"));
}

static void test_every_answer_is_marked_and_secrets_are_not_kept(void **state)
{
    struct house *house = *state;
    struct answer answer = ask(house, ADMIN, "GET", "/api/v1/whoami", "X-Request-Id: mine-1", NULL);
    assert_string_equal(header_of(&answer, "X-Request-Id"), "mine-1");
    assert_string_equal(header_of(&answer, "X-Content-Type-Options"), "nosniff");
    answer = ask(house, ADMIN, "GET", "/api/v1/whoami", "X-Request-Id: a b", NULL);
    assert_true(str_has_prefix(header_of(&answer, "X-Request-Id"), "req-"));
    answer = ask(house, ADMIN, "POST", "/api/v1/tokens", NULL, "{}");
    assert_status(answer, 201);
    assert_string_equal(header_of(&answer, "Cache-Control"), "no-store");
    assert_true(str_has_prefix(text_of(&answer, "token"), "swan_"));
    answer = ask(house, NOBODY, "GET", "/", NULL, NULL);
    assert_status(answer, 200);
    assert_non_null(strstr(header_of(&answer, "Content-Security-Policy"), "default-src 'none'"));
}

static void test_tenants_do_not_see_each_other(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    open_one(house, OPERATOR); /* what is the operator's is nobody else's either */
    const char *run = open_one(house, ANN);
    struct answer mine = ask(house, ANN, "GET", "/api/v1/deployments", NULL, NULL);
    const char *dep = text_of(&mine, "items[0].id");
    assert_string_equal(text_of(&mine, "items[0].tenant"), "acme");
    static const char *const collections[] = {"requirements", "solutions", "orders",
                                              "plans",        "runs",      "deployments"};
    for (size_t i = 0; i < ARRAY_LEN(collections); i++) {
        struct answer list =
            ask(house, ANN, "GET", word(house, "/api/v1/%s", collections[i]), NULL, NULL);
        assert_int_equal(json_size(json_get(list.json, "items")), 1);
        const char *path =
            word(house, "/api/v1/%s/%s", collections[i], text_of(&list, "items[0].id"));
        list =
            ask(house, BOB, "GET", word(house, "/api/v1/%s?limit=1", collections[i]), NULL, NULL);
        assert_status(list, 200);
        assert_int_equal(json_size(json_get(list.json, "items")), 0);
        assert_null(json_get(list.json, "next")); /* a cursor would name what is hidden */
        list = ask(house, BOB, "GET", word(house, "/api/v1/%s?filter=tenant==acme", collections[i]),
                   NULL, NULL);
        assert_int_equal(json_size(json_get(list.json, "items")), 0);
        struct answer one = ask(house, BOB, "GET", path, NULL, NULL);
        assert_status(one, 404);
        one = ask(house, BOB, "GET", word(house, "%s?watch=true", path), NULL, NULL);
        assert_status(one, 404);
        one = ask(house, VIEWER, "GET", path, NULL, NULL);
        assert_status(one, 200);
        one = ask(house, OPERATOR, "GET", path, NULL, NULL);
        assert_status(one, 200);
        one = ask(house, CHIEF, "GET", path, NULL, NULL);
        assert_status(one, 200);
    }
    int64_t before = changes(house);
    struct answer plans = ask(house, ANN, "GET", "/api/v1/plans", NULL, NULL);
    struct answer orders = ask(house, ANN, "GET", "/api/v1/orders", NULL, NULL);
    struct answer solutions = ask(house, ANN, "GET", "/api/v1/solutions", NULL, NULL);
    struct answer needs = ask(house, ANN, "GET", "/api/v1/requirements", NULL, NULL);
    const struct {
        const char *method, *path, *body;
    } tries[] = {
        {"DELETE", word(house, "/api/v1/deployments/%s", dep), NULL},
        {"GET", word(house, "/api/v1/deployments/%s/twin", dep), NULL},
        {"POST", word(house, "/api/v1/runs/%s/cancel", run), NULL},
        {"POST", "/api/v1/plans", word(house, "{\"remove\":\"%s\"}", dep)},
        {"POST", "/api/v1/plans",
         word(house, "{\"order\":\"%s\"}", text_of(&orders, "items[0].id"))},
        {"POST", "/api/v1/runs",
         word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}", text_of(&plans, "items[0].id"),
              text_of(&plans, "items[0].spec.digest"))},
        {"POST", "/api/v1/orders",
         word(house, "{\"solution\":\"%s\",\"choice\":0}", text_of(&solutions, "items[0].id"))},
        {"POST", "/api/v1/solutions",
         word(house, "{\"requirement\":\"%s\"}", text_of(&needs, "items[0].id"))},
        {"POST", word(house, "/api/v1/solutions/%s/evaluate", text_of(&solutions, "items[0].id")),
         NULL},
        {"POST", word(house, "/api/v1/solutions/%s/refine", text_of(&solutions, "items[0].id")),
         "{}"},
        {"POST", word(house, "/api/v1/solutions/%s/choose", text_of(&solutions, "items[0].id")),
         "{}"},
        {"POST", word(house, "/api/v1/solutions/%s/confirm", text_of(&solutions, "items[0].id")),
         "{}"},
        {"POST", word(house, "/api/v1/solutions/%s/release", text_of(&solutions, "items[0].id")),
         NULL},
        {"GET", word(house, "/api/v1/solutions/%s/versions/1", text_of(&solutions, "items[0].id")),
         NULL},
        {"GET", word(house, "/api/v1/solutions/%s/diff", text_of(&solutions, "items[0].id")), NULL},
        {"POST", word(house, "/api/v1/orders/%s/cancel", text_of(&orders, "items[0].id")), NULL},
        {"POST", word(house, "/api/v1/orders/%s/release", text_of(&orders, "items[0].id")), NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct answer answer = ask(house, BOB, tries[i].method, tries[i].path, NULL, tries[i].body);
        assert_status(answer, 404);
        assert_string_equal(problem_code(&answer), "not-found");
    }
    assert_int_equal(changes(house), before);
}

static void test_what_an_operator_makes_for_a_tenant_is_the_tenants(void **state)
{
    struct house *house = *state;
    give_network(house, 100);
    struct answer answer =
        ask(house, OPERATOR, "POST", "/api/v1/runs", NULL, make_plan_for(house, ANN));
    assert_status(answer, 202);
    assert_string_equal(text_of(&answer, "tenant"), "acme");
    wait_run(house, ANN, text_of(&answer, "id"), "succeeded");
    answer = ask(house, ANN, "GET", "/api/v1/deployments", NULL, NULL);
    assert_string_equal(text_of(&answer, "items[0].tenant"), "acme");
    answer =
        ask(house, OPERATOR, "DELETE",
            word(house, "/api/v1/deployments/%s", text_of(&answer, "items[0].id")), NULL, NULL);
    assert_status(answer, 202);
    assert_string_equal(text_of(&answer, "tenant"), "acme");
    /* And what belongs to the operator is not everybody's. */
    open_one(house, OPERATOR);
    answer = ask(house, BOB, "GET", "/api/v1/deployments", NULL, NULL);
    assert_int_equal(json_size(json_get(answer.json, "items")), 0);
}

static void test_tokens_are_made_within_ones_own_rights(void **state)
{
    struct house *house = *state;
    struct answer answer =
        ask(house, ANN, "POST", "/api/v1/tokens", NULL, "{\"role\":\"operator\"}");
    assert_status(answer, 403);
    answer = ask(house, ANN, "POST", "/api/v1/tokens", NULL, "{\"user\":\"bob\"}");
    assert_status(answer, 403);
    answer = ask(house, CHIEF, "POST", "/api/v1/tokens", NULL, "{\"user\":\"admin\"}");
    assert_status(answer, 403);
    answer = ask(house, ANN, "DELETE", word(house, "/api/v1/tokens/%s", house->token_ids[BOB]),
                 NULL, NULL);
    assert_status(answer, 404);
    answer = ask(house, ANN, "POST", "/api/v1/tokens", NULL, "{\"role\":\"viewer\"}");
    assert_status(answer, 201);
    str_format(house->tokens[STRANGER], 64, "%s", text_of(&answer, "token"));
    const char *id = text_of(&answer, "id");
    answer = ask(house, STRANGER, "GET", "/api/v1/whoami", NULL, NULL);
    assert_string_equal(text_of(&answer, "role"), "viewer");
    answer = ask(house, ANN, "DELETE", word(house, "/api/v1/tokens/%s", id), NULL, NULL);
    assert_status(answer, 204);
    answer = ask(house, STRANGER, "GET", "/api/v1/whoami", NULL, NULL);
    assert_status(answer, 401);
}

static void test_a_password_gives_a_token(void **state)
{
    struct house *house = *state;
    struct answer answer = ask(house, ADMIN, "POST", "/api/v1/users", NULL,
                               "{\"name\":\"eve\",\"tenant\":\"beta\",\"role\":\"customer\","
                               "\"password\":\"correct horse\"}");
    assert_status(answer, 201);
    assert_null(strstr(answer.reply.body, "horse"));
    answer = ask(house, NOBODY, "POST", "/api/v1/login", NULL,
                 "{\"user\":\"eve\",\"password\":\"wrong horse\"}");
    assert_status(answer, 401);
    answer = ask(house, NOBODY, "POST", "/api/v1/login", NULL,
                 "{\"user\":\"eve\",\"password\":\"correct horse\"}");
    assert_status(answer, 200);
    assert_string_equal(header_of(&answer, "Cache-Control"), "no-store");
    str_format(house->tokens[STRANGER], 64, "%s", text_of(&answer, "token"));
    answer = ask(house, STRANGER, "GET", "/api/v1/whoami", NULL, NULL);
    assert_string_equal(text_of(&answer, "tenant"), "beta");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM store_journal WHERE body LIKE"
                                     " '%horse%'"),
                     0);
}

static void test_writes_are_audited_also_when_refused(void **state)
{
    struct house *house = *state;
    ask(house, ANN, "PUT", "/api/v1/sites/a", NULL, "{}");       /* 403 */
    ask(house, OPERATOR, "PUT", "/api/v1/sites/a", NULL, "{}");  /* 400 */
    ask(house, NOBODY, "DELETE", "/api/v1/sites/a", NULL, NULL); /* 401 */
    ask(house, ANN, "GET", "/api/v1/sites/a", NULL, NULL);       /* no write */
    struct answer answer = ask(house, ADMIN, "GET", "/api/v1/audit", NULL, NULL);
    assert_status(answer, 200);
    assert_int_equal(json_size(json_get(answer.json, "items")), 3);
    assert_string_equal(text_of(&answer, "items[0].audit.outcome"), "403 forbidden");
    assert_string_equal(text_of(&answer, "items[0].user"), "ann");
    assert_string_equal(text_of(&answer, "items[1].audit.outcome"), "400 invalid");
    assert_string_equal(text_of(&answer, "items[2].audit.outcome"), "401 unauthenticated");
    char longest[3000];
    memset(longest, 'y', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    ask(house, OPERATOR, "DELETE", word(house, "/api/v1/sites/%s", longest), NULL, NULL);
    assert_int_equal(
        count_of(house, "SELECT COUNT(*) FROM store_journal WHERE collection = 'audit'"), 4);
}

static void test_a_stranger_cannot_fill_the_journal(void **state)
{
    struct house *house = *state;
    for (int i = 0; i < 3 * API_ANONYMOUS_AUDITS; i++) {
        struct answer answer = ask(house, NOBODY, "DELETE", "/api/v1/sites/a", NULL, NULL);
        assert_status(answer, 401);
    }
    /* A minute may end while it runs. */
    assert_in_range(count_of(house, "SELECT COUNT(*) FROM store_journal"
                                    " WHERE collection = 'audit'"),
                    API_ANONYMOUS_AUDITS, 2 * API_ANONYMOUS_AUDITS);
}

static void test_drafts_are_seen_by_their_tenant_only(void **state)
{
    struct house *house = *state;
    struct err err = ERR_INIT;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct store_record record = {.collection = "applications",
                                  .id = "shop@1",
                                  .tenant = "acme",
                                  .spec =
                                      "{\"name\":\"shop\",\"version\":\"1\",\"form\":\"package\"}",
                                  .status = "{\"state\":\"draft\",\"digest\":\"sha256:0\"}"};
    static const struct store_actor actor = {.user = "ann", .tenant = "acme"};
    assert_int_equal(store_begin(house->store, STORE_WRITE, &tx, &err), ERR_OK);
    assert_int_equal(store_insert(tx, &record, &actor, &err), ERR_OK);
    assert_int_equal(store_commit(TAKE(tx), &err), ERR_OK);
    struct answer answer = ask(house, ANN, "GET", "/api/v1/applications/shop@1", NULL, NULL);
    assert_status(answer, 200);
    answer = ask(house, BOB, "GET", "/api/v1/applications/shop@1", NULL, NULL);
    assert_status(answer, 404);
    answer = ask(house, BOB, "GET", "/api/v1/applications", NULL, NULL);
    assert_int_equal(json_size(json_get(answer.json, "items")), 0);
    answer = ask(house, BOB, "POST", "/api/v1/applications/shop@1/submit", NULL, "{}");
    assert_status(answer, 404);
    static const char *const steps[] = {"submit", "approve", "publish"};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        answer = ask(house, i ? OPERATOR : ANN, "POST",
                     word(house, "/api/v1/applications/shop@1/%s", steps[i]), NULL, "{}");
        assert_status(answer, 200);
    }
    answer = ask(house, BOB, "GET", "/api/v1/applications", NULL, NULL);
    assert_int_equal(json_size(json_get(answer.json, "items")), 1);
    answer = ask(house, BOB, "POST", "/api/v1/applications/shop@1/submit", NULL, "{}");
    assert_status(answer, 403);
}

const struct CMUnitTest access_tests[] = {
    API_TEST(test_each_route_asks_for_its_role),
    API_TEST(test_unknown_paths_and_methods_are_told_apart),
    API_TEST(test_every_answer_is_marked_and_secrets_are_not_kept),
    API_TEST(test_tenants_do_not_see_each_other),
    API_TEST(test_what_an_operator_makes_for_a_tenant_is_the_tenants),
    API_TEST(test_tokens_are_made_within_ones_own_rights),
    API_TEST(test_a_password_gives_a_token),
    API_TEST(test_writes_are_audited_also_when_refused),
    API_TEST(test_a_stranger_cannot_fill_the_journal),
    API_TEST(test_drafts_are_seen_by_their_tenant_only),
};
const size_t access_test_count = ARRAY_LEN(access_tests);
