/* test_refine.c - solution sets in people's hands: refined, compared, chosen, confirmed, and room
 * that is held for them while they think. */
#include "house.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"

/* Five sites, each with room for `each` needs of one core, the first the cheapest. */
static void give_sites(struct house *house, int each)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "{\"currency\":\"CNY\",\"access\":[{\"id\":\"city\"}],\"sites\":[");
    for (int i = 0; i < 5; i++)
        buf_printf(&text,
                   "%s{\"id\":\"s%d\",\"tier\":\"public-cloud\",\"regions\":[\"r%d\"],"
                   "\"provider\":\"simulator\",\"arch\":[\"x86_64\"],\"capacity\":{\"vcpus\":%d,"
                   "\"memory_gib\":1000,\"disk_gib\":10000},\"price\":{\"vcpu_hour\":0.%d,"
                   "\"memory_gib_hour\":0.01,\"disk_gib_month\":0.2},"
                   "\"availability_percent\":99.9}",
                   i ? "," : "", i, i, each, i + 1);
    buf_printf(&text, "],\"links\":[");
    for (int i = 0; i < 5; i++)
        buf_printf(&text,
                   "%s{\"a\":\"city\",\"b\":\"s%d\",\"latency_ms\":%d,\"bandwidth_mbps\":10000}",
                   i ? "," : "", i, 9 - i);
    buf_printf(&text, "]}");
    struct answer answer =
        ask(house, OPERATOR, "POST", "/api/v1/network/import", NULL, buf_str(&text));
    assert_status(answer, 200);
}

#define NEED                                                                                      \
    "{\"requirement\":{\"components\":[{\"name\":\"web\",\"form\":\"server\",\"instances\":1,"    \
    "\"vcpus\":1,\"memory_gib\":1,\"disk_gib\":1}],\"flows\":[{\"from\":\"user\",\"to\":\"web\"," \
    "\"max_latency_ms\":20}]}}"

static const char *need_of(struct house *house)
{
    struct answer need = ask(house, ANN, "POST", "/api/v1/requirements", NULL, NEED);
    assert_status(need, 201);
    return text_of(&need, "id");
}

static struct answer design(struct house *house, const char *need, const char *more)
{
    struct answer set = ask(house, ANN, "POST", "/api/v1/solutions", NULL,
                            word(house, "{\"requirement\":\"%s\"%s}", need, more));
    assert_status(set, 201);
    return set;
}

static struct answer post(struct house *house, const char *collection, const char *id,
                          const char *verb, const char *body)
{
    return ask(house, ANN, "POST", word(house, "/api/v1/%s/%s/%s", collection, id, verb), NULL,
               body);
}

static const char *first_site(const struct answer *set)
{
    return text_of(set, "spec.answer.solutions[0].placements[0].site");
}

static int64_t held_at(struct house *house, const char *site)
{
    return count_of(house, word(house,
                                "SELECT COUNT(*) FROM compute_allocations WHERE site = '%s' AND"
                                " (expires_ms = 0 OR expires_ms > %lld)",
                                site, (long long)clock_now_ms()));
}

static void test_a_design_is_refined_compared_confirmed_and_opened(void **state)
{
    struct house *house = *state;
    give_sites(house, 3);
    struct answer set = design(house, need_of(house), "");
    const char *id = text_of(&set, "id");
    assert_string_equal(first_site(&set), "s0");
    assert_string_equal(text_of(&set, "status.reservation.state"), "held");
    assert_int_equal(held_at(house, "s0"), 1);
    struct answer two = post(house, "solutions", id, "refine",
                             "{\"version\":1,\"set\":[{\"path\":\"web.instances\",\"value\":2},"
                             "{\"path\":\"flows[0].max_latency_ms\",\"value\":\"7.5\"}],"
                             "\"exclusions\":[{\"site\":\"s2\"}],\"note\":\"faster\"}");
    assert_status(two, 200);
    assert_string_equal(first_site(&two), "s3"); /* s0 and s1 are too far, s2 is out */
    assert_int_equal(json_int(json_path(two.json, "spec.number"), 0), 2);
    assert_string_equal(text_of(&two, "spec.refinement.by"), "ann");
    assert_string_equal(text_of(&two, "spec.refinement.set[0].was"), "1");
    assert_string_equal(text_of(&two, "spec.refinement.set[1].value"), "7.5");
    assert_int_equal(held_at(house, "s0"), 0);
    assert_int_equal(held_at(house, "s3"), 2);
    struct answer three = post(house, "solutions", id, "refine",
                               "{\"pins\":[{\"component\":\"web\",\"instance\":1,\"site\":\"s4\"}],"
                               "\"set\":[{\"path\":\"flows[0].max_latency_ms\",\"value\":null}],"
                               "\"allowed\":[{\"site\":\"s2\"}]}");
    assert_status(three, 200);
    assert_string_equal(first_site(&three), "s0");
    assert_string_equal(text_of(&three, "spec.answer.solutions[0].placements[1].site"), "s4");
    assert_int_equal(json_size(json_path(three.json, "spec.exclusions")), 0);
    assert_int_equal(json_size(json_path(three.json, "status.versions")), 3);
    struct answer old =
        ask(house, VIEWER, "GET", word(house, "/api/v1/solutions/%s/versions/1", id), NULL, NULL);
    assert_status(old, 200);
    assert_string_equal(first_site(&old), "s0");
    old = ask(house, VIEWER, "GET", word(house, "/api/v1/solutions/%s/versions/4", id), NULL, NULL);
    assert_status(old, 404);
    struct answer diff = ask(house, VIEWER, "GET",
                             word(house, "/api/v1/solutions/%s/diff?from=1&to=3", id), NULL, NULL);
    assert_status(diff, 200);
    assert_string_equal(text_of(&diff, "figures[0].figure"), "cost");
    assert_true(json_number(json_path(diff.json, "figures[0].change"), 0) > 0);
    assert_int_equal(json_size(json_get(diff.json, "placements")), 1);
    assert_string_equal(text_of(&diff, "placements[0].change"), "added");
    assert_string_equal(text_of(&diff, "requirement[0].path"), "web.instances");
    struct answer order =
        ask(house, ANN, "POST", "/api/v1/orders", NULL, word(house, "{\"solution\":\"%s\"}", id));
    assert_status(order, 409);
    struct answer sure = post(house, "solutions", id, "confirm", "{\"choice\":0}");
    assert_status(sure, 200);
    assert_string_not_equal(text_of(&sure, "status.confirmed.digest"), "");
    order =
        ask(house, ANN, "POST", "/api/v1/orders", NULL, word(house, "{\"solution\":\"%s\"}", id));
    assert_status(order, 201);
    assert_int_equal(json_int(json_path(order.json, "spec.version"), 0), 3);
    assert_int_equal(held_at(house, "s0") + held_at(house, "s4"), 2); /* once, for the order */
    /* Refining goes on; the order is of what was confirmed. */
    struct answer four = post(house, "solutions", id, "refine", "{\"reserve_s\":0}");
    assert_status(four, 200);
    struct answer plan = ask(house, ANN, "POST", "/api/v1/plans", NULL,
                             word(house, "{\"order\":\"%s\"}", text_of(&order, "id")));
    assert_status(plan, 201);
    assert_string_equal(text_of(&plan, "spec.basis.solution"), word(house, "%s@3", id));
    struct answer run = ask(house, ANN, "POST", "/api/v1/runs", NULL,
                            word(house, "{\"plan\":\"%s\",\"digest\":\"%s\"}", text_of(&plan, "id"),
                                 text_of(&plan, "spec.digest")));
    assert_status(run, 202);
    wait_run(house, ANN, text_of(&run, "id"), "succeeded");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 2);
    assert_int_equal(
        count_of(house, "SELECT COUNT(*) FROM compute_allocations WHERE expires_ms = 0"), 2);
    run = ask(house, ANN, "DELETE",
              word(house, "/api/v1/deployments/%s", text_of(&plan, "spec.deployment")), NULL, NULL);
    assert_status(run, 202);
    wait_run(house, ANN, text_of(&run, "id"), "succeeded");
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 0);
}

static void test_bad_refinements_name_the_field_and_change_nothing(void **state)
{
    struct house *house = *state;
    give_sites(house, 3);
    struct answer set = design(house, need_of(house), "");
    const char *id = text_of(&set, "id");
    static const struct {
        const char *body;
        int status;
        const char *field, *hint;
    } cases[] = {
        {"{\"set\":[{\"path\":\"web.vcpu\",\"value\":2}]}", 400, "web.vcpu", "vcpus"},
        {"{\"set\":[{\"path\":\"wbe.vcpus\",\"value\":2}]}", 400, "wbe.vcpus", "web.vcpus"},
        {"{\"set\":[{\"path\":\"web.vcpus\",\"value\":\"many\"}]}", 400, "web.vcpus", ""},
        {"{\"set\":[{\"path\":\"web.vcpus\",\"value\":-1}]}", 400, "web.vcpus", ""},
        {"{\"set\":[{\"path\":\"web.tier\",\"value\":\"egde\"}]}", 400, "web.tier", "edge"},
        {"{\"set\":[{\"path\":\"network\",\"value\":3}]}", 400, "network", ""},
        {"{\"set\":[{\"path\":\"flows[4].bandwidth_mbps\",\"value\":3}]}", 400,
         "flows[4].bandwidth_mbps", ""},
        {"{\"set\":[{\"path\":\"budget.amount\",\"value\":3}]}", 400, "budget.currency", ""},
        {"{\"set\":[{\"path\":\"web.name\",\"value\":\"\"}]}", 400, "components[0].name", ""},
        {"{\"pins\":[{\"component\":\"web\",\"site\":\"s9\"}]}", 400, "pins[0]", ""},
        {"{\"pins\":[{\"component\":\"wbe\",\"site\":\"s1\"}]}", 400, "pins[0]", ""},
        {"{\"choice\":9}", 400, "choice", ""},
        {"{\"version\":2}", 412, "version", ""},
        {"{\"set\":[{\"path\":\"web.vcpus\",\"value\":4}]}", 422, "", ""},
    };
    int64_t before = changes(house);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer answer = post(house, "solutions", id, "refine", cases[i].body);
        assert_status(answer, cases[i].status);
        problem_code(&answer);
        if (cases[i].field[0] && !strstr(text_of(&answer, "field"), cases[i].field))
            fail_msg("%s: field %s", cases[i].body, text_of(&answer, "field"));
        if (cases[i].hint[0])
            assert_non_null(strstr(text_of(&answer, "hint"), cases[i].hint));
    }
    struct answer stale = ask(house, ANN, "POST", word(house, "/api/v1/solutions/%s/refine", id),
                              "If-Match: \"7\"", "{}");
    assert_status(stale, 412);
    struct answer trial =
        ask(house, ANN, "POST", word(house, "/api/v1/solutions/%s/refine?dry_run=true", id), NULL,
            "{\"set\":[{\"path\":\"web.vcpus\",\"value\":2}]}");
    assert_status(trial, 200);
    assert_int_equal(changes(house), before);
}

/* ---- many at once ---- */

#define MANY 50
#define EACH 6 /* five sites: room for thirty */

struct asker {
    pthread_t thread;
    struct house *house;
    const char *body;
    int status;
};

static void *ask_one(void *ctx)
{
    struct asker *asker = ctx;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct http_reply reply;
    asker->status = ask_plain(asker->house, ANN, "POST", "/api/v1/solutions", NULL, asker->body,
                              &reply, &arena);
    return NULL;
}

static void test_fifty_designs_at_once_get_room_for_thirty_and_no_site_is_overfull(void **state)
{
    struct house *house = *state;
    struct asker askers[MANY];
    give_sites(house, EACH);
    const char *need = need_of(house);
    for (int i = 0; i < MANY; i++)
        askers[i] = (struct asker){
            .house = house, .body = word(house, "{\"requirement\":\"%s\",\"reserve_s\":60}", need)};
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_one, &askers[i]), 0);
    int got = 0;
    for (int i = 0; i < MANY; i++)
        pthread_join(askers[i].thread, NULL);
    for (int i = 0; i < MANY; i++) {
        got += askers[i].status == 201;
        if (askers[i].status != 201)
            assert_int_equal(askers[i].status, 422); /* there is no design any more */
    }
    assert_int_equal(got, 5 * EACH);
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 5 * EACH);
    for (int i = 0; i < 5; i++)
        assert_int_equal(held_at(house, word(house, "s%d", i)), EACH);
    assert_int_equal(
        count_of(house, "SELECT COUNT(*) FROM store_record WHERE collection = 'solutions'"),
        5 * EACH);
}

static void test_room_that_nobody_took_is_free_again_without_a_restart(void **state)
{
    struct house *house = *state;
    give_sites(house, 1);
    const char *need = need_of(house);
    for (int i = 0; i < 5; i++)
        design(house, need, ",\"reserve_s\":1");
    struct answer full = ask(house, ANN, "POST", "/api/v1/solutions", NULL,
                             word(house, "{\"requirement\":\"%s\"}", need));
    int64_t until = clock_mono_ms() + 20000;
    while (full.status != 201 && clock_mono_ms() < until) {
        assert_status(full, 422);
        clock_sleep_ms(50);
        full = ask(house, ANN, "POST", "/api/v1/solutions", NULL,
                   word(house, "{\"requirement\":\"%s\"}", need));
    }
    assert_status(full, 201);
    const char *id = text_of(&full, "id");
    struct answer free = post(house, "solutions", id, "release", NULL);
    assert_status(free, 200);
    assert_string_equal(text_of(&free, "status.reservation.state"), "released");
    assert_int_equal(held_at(house, first_site(&full)), 0);
    /* confirming takes it again, cancelling the order gives it back */
    struct answer sure = post(house, "solutions", id, "confirm", "{}");
    assert_status(sure, 200);
    assert_int_equal(held_at(house, first_site(&full)), 1);
    struct answer order =
        ask(house, ANN, "POST", "/api/v1/orders", NULL, word(house, "{\"solution\":\"%s\"}", id));
    assert_status(order, 201);
    assert_int_equal(held_at(house, first_site(&full)), 1);
    order = post(house, "orders", text_of(&order, "id"), "cancel", NULL);
    assert_status(order, 200);
    assert_string_equal(text_of(&order, "status.state"), "cancelled");
    assert_int_equal(held_at(house, first_site(&full)), 0);
}

static void test_a_refinement_does_not_stand_in_its_own_way(void **state)
{
    struct house *house = *state;
    give_sites(house, 2);
    const char *need = need_of(house);
    struct answer set = design(house, need, "");
    for (int i = 0; i < 4; i++)
        design(house, need, ""); /* s0 is full now, and s1 */
    struct answer more = post(house, "solutions", text_of(&set, "id"), "refine", "{}");
    assert_status(more, 200);
    assert_string_equal(first_site(&more), "s0"); /* what it holds itself is free for it */
    assert_int_equal(held_at(house, "s0"), 2);
}

static void test_a_batch_is_stored_whole_or_not_at_all(void **state)
{
    struct house *house = *state;
    give_sites(house, 2); /* ten cores in all, two at each site */
    const char *need = need_of(house);
    const char *item = word(house, "{\"requirement\":\"%s\"}", need);
    const char *eight = word(house, "{\"needs\":[%s,%s,%s,%s,%s,%s,%s,%s]}", item, item, item, item,
                             item, item, item, item);
    struct answer trial =
        ask(house, ANN, "POST", "/api/v1/solutions/batch?dry_run=true", NULL, eight);
    assert_status(trial, 200);
    int64_t before = changes(house);
    struct answer batch = ask(house, ANN, "POST", "/api/v1/solutions/batch", NULL, eight);
    assert_status(batch, 201);
    assert_int_equal(json_size(json_get(batch.json, "needs")), 8);
    assert_true(json_number(json_get(batch.json, "gap"), 1) < 1e-9);
    double total = 0;
    for (size_t i = 0; i < 8; i++)
        total += json_number(json_path(batch.json, word(house, "needs[%zu].cost", i)), 0);
    assert_true(total - json_number(json_get(batch.json, "total"), 0) < 1e-6);
    assert_int_equal(count_of(house, "SELECT COUNT(*) FROM compute_allocations"), 8);
    assert_int_equal(held_at(house, "s0") + held_at(house, "s1") + held_at(house, "s2") +
                         held_at(house, "s3"),
                     8);
    struct answer set =
        ask(house, ANN, "GET",
            word(house, "/api/v1/solutions/%s", text_of(&batch, "needs[7].solution")), NULL, NULL);
    assert_status(set, 200);
    assert_string_equal(text_of(&set, "status.reservation.state"), "held");
    assert_true(changes(house) > before);
    before = changes(house);
    struct answer full = ask(house, ANN, "POST", "/api/v1/solutions/batch", NULL, eight);
    assert_status(full, 422); /* two cores are left */
    assert_string_equal(problem_code(&full), "infeasible");
    assert_true(json_size(json_get(full.json, "together")) >= 3);
    assert_int_equal(changes(house), before);
    struct answer bad = ask(house, ANN, "POST", "/api/v1/solutions/batch", NULL,
                            word(house, "{\"needs\":[%s,{\"requirement\":\"need-none\"}]}", item));
    assert_status(bad, 404);
    assert_string_equal(text_of(&bad, "field"), "needs[1]");
    bad = ask(house, BOB, "POST", "/api/v1/solutions/batch", NULL,
              word(house, "{\"needs\":[%s]}", item));
    assert_status(bad, 404);
    bad = ask(house, ANN, "POST", "/api/v1/solutions/batch", NULL, "{\"needs\":[]}");
    assert_status(bad, 400);
    assert_int_equal(changes(house), before);
}

const struct CMUnitTest refine_tests[] = {
    API_TEST(test_a_design_is_refined_compared_confirmed_and_opened),
    API_TEST(test_bad_refinements_name_the_field_and_change_nothing),
    API_TEST(test_fifty_designs_at_once_get_room_for_thirty_and_no_site_is_overfull),
    API_TEST(test_room_that_nobody_took_is_free_again_without_a_restart),
    API_TEST(test_a_refinement_does_not_stand_in_its_own_way),
    API_TEST(test_a_batch_is_stored_whole_or_not_at_all),
};
const size_t refine_test_count = ARRAY_LEN(refine_tests);
