/* test_twin.c - the graph is born from tasks, ends with them, and remembers how it was. */
#include "graph_tests.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

const char *const service_tables[] = {
    "SELECT id, valid_from, valid_to, state, origin, seen_at, note, attributes FROM twin_entities"
    " ORDER BY id, valid_from",
    "SELECT from_id, relation, to_id, valid_from, valid_to, deployment FROM twin_edges"
    " ORDER BY from_id, relation, to_id, valid_from",
    "SELECT id, at_ms, state, note FROM twin_states ORDER BY id, at_ms", NULL};

void service_open(struct fixture *f)
{
    assert_ok(f, store_migrate(f->store, &twin_store_module, 1, &f->err));
}

void service_close(struct fixture *f)
{
    (void)f;
}

struct call { /* one of the three hooks, in a transaction of its own */
    struct run_spec run;
    struct plan_task task;
    struct run_task state;
    const char *deployment; /* set: twin_on_deployment */
    struct deployment_status status;
    const struct twin_observation *seen; /* set: twin_observed */
    size_t count;
    const char *site; /* set: twin_site_state */
};

static enum err_code call_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct call *c = ctx;
    if (c->deployment)
        return twin_on_deployment(tx, c->deployment, "hello 网页", &c->status, err);
    if (c->site)
        return twin_site_state(tx, c->site, c->seen, err);
    if (c->seen)
        return twin_observed(tx, c->seen, c->count, &actor, err);
    return twin_on_task(tx, &c->run, &c->task, &c->state, err);
}

static enum err_code call(struct fixture *f, struct call c)
{
    return store_write(f->store, call_body, &c, &f->err);
}

static struct plan_task_result result = {
    .ref = "pid 7", .address = "127.0.0.1", .url = "http://127.0.0.1:8000/"};

static struct call task(const char *deployment, int kind, const char *name, int state)
{
    struct call c = {.run = {.plan = "p", .deployment = deployment, .purpose = "open"}};
    c.task = (struct plan_task){
        .id = name, .kind = kind, .site = "local", .provider = "host", .endpoint = "local"};
    c.task.spec.name = name;
    c.task.spec.component = "web";
    if (kind == TASK_INSTANCE) {
        c.task.spec.application = "hello@1.0.0";
        c.task.spec.artefact_digest = "sha256:00";
    }
    c.state = (struct run_task){.id = name, .state = state, .result = &result};
    return c;
}

static struct twin_view show(struct fixture *f, const char *deployment, int64_t at)
{
    struct twin_view view;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, twin_show(tx, deployment, at, &view, &f->arena, &f->err));
    store_rollback(tx);
    return view;
}

static const struct twin_entity *entity(const struct twin_view *view, const char *id)
{
    for (size_t i = 0; i < view->entities.count; i++)
        if (str_eq(view->entities.items[i].id, id))
            return &view->entities.items[i];
    return NULL;
}

static bool edge(const struct twin_view *view, const char *from, int relation, const char *to)
{
    for (size_t i = 0; i < view->edges.count; i++)
        if (str_eq(view->edges.items[i].from, from) && str_eq(view->edges.items[i].to, to) &&
            view->edges.items[i].relation == relation)
            return true;
    return false;
}

/* Lets the clock move on, so that what comes later is later. */
static int64_t later(void)
{
    int64_t now = clock_now_ms();
    while (clock_now_ms() <= now + 1)
        clock_sleep_ms(1);
    return clock_now_ms();
}

static struct call deployment(const char *id, int state)
{
    return (struct call){.deployment = id, .status = {.state = state}};
}

static void open_two(struct fixture *f)
{
    const char *const ids[] = {"dep-1", "dep-2"};
    for (size_t i = 0; i < 2; i++) {
        const char *name = arena_printf(&f->arena, "swan-%s-web-0", ids[i]);
        assert_ok(f, call(f, deployment(ids[i], DEPLOYMENT_OPENING)));
        assert_ok(f, call(f, task(ids[i], TASK_INSTANCE, name, RUN_TASK_SUCCEEDED)));
        assert_ok(f, call(f, deployment(ids[i], DEPLOYMENT_UP)));
    }
}

static void test_a_task_that_ends_well_gives_entities_in_four_layers_and_edges(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    struct call server = task("dep-1", TASK_SERVER, "swan-dep-1-db-0", RUN_TASK_SUCCEEDED);
    struct call address = task("dep-1", TASK_ADDRESS, "swan-dep-1-ip", RUN_TASK_SUCCEEDED);
    address.task.spec.target = "swan-dep-1-db-0";
    assert_ok(f, call(f, server));
    assert_ok(f, call(f, address));
    struct twin_view view = show(f, "dep-1", 0);
    const struct {
        const char *id;
        int layer;
    } expected[] = {{"deployment/dep-1", TWIN_BUSINESS},
                    {"instance/swan-dep-1-web-0", TWIN_APPLICATION},
                    {"application/hello@1.0.0", TWIN_APPLICATION},
                    {"server/swan-dep-1-db-0", TWIN_VIRTUAL},
                    {"address/swan-dep-1-ip", TWIN_VIRTUAL},
                    {"site/local", TWIN_PHYSICAL}};
    assert_int_equal(view.entities.count, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct twin_entity *e = entity(&view, expected[i].id);
        assert_non_null(e);
        assert_int_equal(e->layer, expected[i].layer);
        assert_int_equal(e->origin, TWIN_DECLARED);
        assert_int_equal(e->state, TWIN_UP);
        assert_true(e->valid_from > 0 && e->valid_to == 0);
    }
    assert_string_equal(entity(&view, "deployment/dep-1")->name, "hello 网页");
    bool has_url = false;
    const struct twin_entity *instance = entity(&view, "instance/swan-dep-1-web-0");
    for (size_t i = 0; i < instance->attributes.count; i++)
        has_url = has_url || (str_eq(instance->attributes.items[i].name, "url") &&
                              str_eq(instance->attributes.items[i].value, result.url));
    assert_true(has_url);
    assert_true(edge(&view, "instance/swan-dep-1-web-0", TWIN_RUNS_ON, "site/local"));
    assert_true(edge(&view, "instance/swan-dep-1-web-0", TWIN_PART_OF, "deployment/dep-1"));
    assert_true(
        edge(&view, "instance/swan-dep-1-web-0", TWIN_DEPENDS_ON, "application/hello@1.0.0"));
    assert_true(edge(&view, "address/swan-dep-1-ip", TWIN_CONNECTS, "server/swan-dep-1-db-0"));
    for (size_t i = 0; i < view.edges.count; i++)
        assert_null(strstr(view.edges.items[i].from, "dep-2"));
    struct twin_view all = show(f, NULL, 0);
    assert_int_equal(all.entities.count, ARRAY_LEN(expected) + 2);
    assert_non_null(entity(&all, "instance/swan-dep-2-web-0"));
}

static void test_tasks_that_make_nothing_leave_the_twin_alone(void **state)
{
    struct fixture *f = *state;
    char *before = dump(f);
    assert_ok(f, call(f, task("dep-1", TASK_DELIVER, "d", RUN_TASK_SUCCEEDED)));
    assert_ok(f, call(f, task("dep-1", TASK_CHECK, "c", RUN_TASK_SUCCEEDED)));
    assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, "i", RUN_TASK_FAILED)));
    assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, "i", RUN_TASK_SKIPPED)));
    assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, "i", RUN_TASK_UNDONE)));
    assert_string_equal(before, dump(f));
}

static void test_a_hook_that_comes_twice_makes_nothing_twice(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    int64_t entities = number_of(f, "SELECT COUNT(*) FROM twin_entities");
    int64_t edges = number_of(f, "SELECT COUNT(*) FROM twin_edges");
    later();
    open_two(f);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM twin_entities"), entities);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM twin_edges"), edges);
}

static void test_what_is_removed_ends_and_stays_visible_in_its_time(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    int64_t then = later();
    later();
    struct call removal = task("dep-1", TASK_INSTANCE, "swan-dep-1-web-0", RUN_TASK_SUCCEEDED);
    removal.run.purpose = "remove";
    assert_ok(f, call(f, removal));
    assert_ok(f, call(f, deployment("dep-1", DEPLOYMENT_REMOVED)));
    struct twin_view now = show(f, NULL, 0);
    assert_null(entity(&now, "instance/swan-dep-1-web-0"));
    assert_null(entity(&now, "deployment/dep-1"));
    assert_non_null(entity(&now, "application/hello@1.0.0")); /* of dep-2 */
    for (size_t i = 0; i < now.edges.count; i++)
        assert_null(strstr(now.edges.items[i].from, "dep-1"));
    struct twin_view past = show(f, "dep-1", then);
    assert_int_equal(past.at, then);
    assert_int_equal(past.entities.count, 4);
    assert_int_equal(past.edges.count, 3);
    assert_true(entity(&past, "instance/swan-dep-1-web-0")->valid_to > then);
    assert_int_equal(show(f, "dep-1", 1).entities.count, 0);
    assert_int_equal(show(f, "dep-1", 0).entities.count, 0);
    assert_ok(f, call(f, task("dep-2", TASK_INSTANCE, "swan-dep-2-web-0", RUN_TASK_UNDONE)));
    now = show(f, NULL, 0);
    assert_null(entity(&now, "application/hello@1.0.0")); /* nothing depends on it any more */
    assert_non_null(entity(&now, "site/local"));
    later();
    open_two(f);
    assert_int_equal(
        number_of(f, "SELECT COUNT(*) FROM twin_entities WHERE id = 'application/hello@1.0.0'"), 2);
}

static void test_a_change_of_state_is_journalled_once(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    struct twin_observation seen = {
        .name = "swan-dep-1-web-0", .state = TWIN_UP, .text = "running", .at = later()};
    struct call observed = {.seen = &seen, .count = 1};
    assert_ok(f, call(f, observed));
    assert_int_equal(events_of(f, "twin", "instance/%", "state-changed"), 0);
    seen.state = TWIN_DEAD;
    seen.text = "exit 1";
    for (int i = 0; i < 3; i++) {
        seen.at = later();
        assert_ok(f, call(f, observed));
    }
    assert_int_equal(events_of(f, "twin", "instance/swan-dep-1-web-0", "state-changed"), 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM store_journal WHERE collection = 'twin'"
                                  " AND body LIKE '%\"before\":\"up\",\"after\":\"dead\"%'"),
                     1);
    struct twin_view view = show(f, "dep-1", 0);
    const struct twin_entity *e = entity(&view, "instance/swan-dep-1-web-0");
    assert_int_equal(e->state, TWIN_DEAD);
    assert_int_equal(e->origin, TWIN_OBSERVED);
    assert_string_equal(e->text, "exit 1");
    assert_int_equal(e->seen_at, seen.at);
    /* The deployment's own changes, too. */
    assert_ok(f, call(f, deployment("dep-1", DEPLOYMENT_DOWN)));
    assert_ok(f, call(f, deployment("dep-1", DEPLOYMENT_DOWN)));
    assert_int_equal(events_of(f, "twin", "deployment/dep-1", "state-changed"), 2);
    struct twin_observation stranger = {.name = "nobody", .state = TWIN_DEAD, .at = later()};
    char *before = dump(f);
    assert_ok(f, call(f, (struct call){.seen = &stranger, .count = 1}));
    assert_string_equal(before, dump(f));
}

static void test_the_past_is_shown_in_the_state_it_had(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    const int states[] = {TWIN_DEAD, TWIN_UP, TWIN_UNREACHABLE};
    const char *const texts[] = {"exit 1", "running again", "no answer"};
    int64_t times[ARRAY_LEN(states) + 1] = {later()};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct twin_observation seen = {
            .name = "swan-dep-1-web-0", .state = states[i], .text = texts[i], .at = later()};
        assert_ok(f, call(f, (struct call){.seen = &seen, .count = 1}));
        times[i + 1] = later();
    }
    struct twin_view view = show(f, "dep-1", times[0]);
    assert_int_equal(entity(&view, "instance/swan-dep-1-web-0")->state, TWIN_UP);
    assert_string_equal(entity(&view, "instance/swan-dep-1-web-0")->text, "opened and verified");
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        view = show(f, "dep-1", times[i + 1]);
        assert_int_equal(entity(&view, "instance/swan-dep-1-web-0")->state, states[i]);
        assert_string_equal(entity(&view, "instance/swan-dep-1-web-0")->text, texts[i]);
    }
}

static void test_a_site_keeps_what_was_observed_of_it(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    struct twin_observation seen = {.state = TWIN_UNREACHABLE, .text = "no route", .at = later()};
    struct call site = {.seen = &seen, .site = "local"};
    assert_ok(f, call(f, site));
    struct twin_view view = show(f, NULL, 0);
    assert_int_equal(entity(&view, "site/local")->state, TWIN_UNREACHABLE);
    later();
    /* A task that ends there is an answer: a change of state, and told as one. */
    assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, "swan-dep-1-web-1", RUN_TASK_SUCCEEDED)));
    assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, "swan-dep-1-web-2", RUN_TASK_SUCCEEDED)));
    view = show(f, NULL, 0);
    assert_int_equal(entity(&view, "site/local")->state, TWIN_UP);
    assert_int_equal(entity(&view, "site/local")->origin, TWIN_OBSERVED);
    assert_int_equal(events_of(f, "twin", "site/local", "state-changed"), 2);
}

static void test_measurements_stand_beside_what_the_opening_said(void **state)
{
    struct fixture *f = *state;
    open_two(f);
    for (int i = 1; i <= 2; i++) {
        struct twin_observation seen = {.name = "swan-dep-1-web-0",
                                        .state = TWIN_UP,
                                        .at = later(),
                                        .cpu_percent = {true, 12.5 * i},
                                        .memory_mib = {true, 30}};
        assert_ok(f, call(f, (struct call){.seen = &seen, .count = 1}));
    }
    struct twin_view view = show(f, "dep-1", 0);
    const struct twin_entity *e = entity(&view, "instance/swan-dep-1-web-0");
    int url = 0, cpu = 0;
    for (size_t i = 0; i < e->attributes.count; i++) {
        url += str_eq(e->attributes.items[i].name, "url");
        cpu += str_eq(e->attributes.items[i].name, "cpu_percent") &&
               str_eq(e->attributes.items[i].value, "25.0");
    }
    assert_int_equal(url, 1);
    assert_int_equal(cpu, 1);
}

/* ---- faults ---- */

static enum err_code fault_task(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    return call(
        f, task("dep-9", TASK_INSTANCE, arena_printf(&f->arena, "i%d", n), RUN_TASK_SUCCEEDED));
}

static enum err_code fault_end(struct fixture *f, int n, void *ctx)
{
    int *next = ctx;
    (void)n;
    enum err_code rc = call(
        f, task("dep-1", TASK_INSTANCE, arena_printf(&f->arena, "x%d", *next), RUN_TASK_UNDONE));
    *next += rc == ERR_OK;
    return rc;
}

static enum err_code fault_deployment(struct fixture *f, int n, void *ctx)
{
    (void)ctx;
    return call(f, deployment("dep-1", n % 2 ? DEPLOYMENT_UP : DEPLOYMENT_DOWN));
}

static enum err_code fault_observe(struct fixture *f, int n, void *ctx)
{
    struct twin_observation seen[] = {
        {.name = "swan-dep-1-web-0", .state = n % 2 ? TWIN_UP : TWIN_DEAD, .at = 1000 + n},
        {.name = "swan-dep-2-web-0", .state = n % 2 ? TWIN_UP : TWIN_DEAD, .at = 1000 + n}};
    (void)ctx;
    return call(f, (struct call){.seen = seen, .count = 2});
}

static void test_a_write_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    int next = 0;
    open_two(f);
    for (int i = 0; i < 40; i++)
        assert_ok(f, call(f, task("dep-1", TASK_INSTANCE, arena_printf(&f->arena, "x%d", i),
                                  RUN_TASK_SUCCEEDED)));
    assert_all_or_nothing(f, fault_task, NULL);
    assert_all_or_nothing(f, fault_end, &next);
    assert_all_or_nothing(f, fault_deployment, NULL);
    assert_all_or_nothing(f, fault_observe, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(test_a_task_that_ends_well_gives_entities_in_four_layers_and_edges),
        SERVICE_TEST(test_tasks_that_make_nothing_leave_the_twin_alone),
        SERVICE_TEST(test_a_hook_that_comes_twice_makes_nothing_twice),
        SERVICE_TEST(test_what_is_removed_ends_and_stays_visible_in_its_time),
        SERVICE_TEST(test_a_change_of_state_is_journalled_once),
        SERVICE_TEST(test_the_past_is_shown_in_the_state_it_had),
        SERVICE_TEST(test_a_site_keeps_what_was_observed_of_it),
        SERVICE_TEST(test_measurements_stand_beside_what_the_opening_said),
        SERVICE_TEST(test_the_graph_says_what_the_rows_say),
        SERVICE_TEST(test_a_moment_is_the_same_from_memory_from_the_journal_and_from_a_pack),
        SERVICE_TEST(test_half_a_pack_is_no_pack_and_a_damaged_one_is_only_slow),
        SERVICE_TEST(test_a_store_from_before_the_journal_told_the_graph_is_told),
        SERVICE_TEST(test_what_is_declared_stands_in_rows_and_graph_or_nowhere),
        SERVICE_TEST(test_an_observation_that_has_expired_is_unknown),
        SERVICE_TEST(test_questions_are_answered_page_by_page_of_one_moment),
        SERVICE_TEST(test_a_difference_shows_what_time_alone_has_done),
        SERVICE_TEST(test_what_if_changes_nothing),
        SERVICE_TEST(test_old_packs_go_and_parts_of_dead_writers_too),
        SERVICE_TEST(test_readers_and_refreshers_get_whole_moments_while_others_write),
        SERVICE_TEST(test_a_write_that_the_store_fails_has_changed_nothing),
    };
    return fixture_main(argc, argv, "twin-model", tests, ARRAY_LEN(tests));
}
