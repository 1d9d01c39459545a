/* test_business.c - the stages of the loop and what may follow what. */
#include "../services/fixture.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "business/business.h"

const char *const service_tables[] = {NULL};

void service_open(struct fixture *f)
{
    assert_ok(f, store_migrate(f->store, &business_store_module, 1, &f->err));
}

void service_close(struct fixture *f)
{
    (void)f;
}

static const struct store_actor customer = {.user = "li", .tenant = "acme"};

/* ---- each call in a transaction of its own ---- */

enum verb { NEED, SOLUTION, MARK, REFINE, ORDER, PLAN, APPLY, TASK, RUN, OBSERVE, END, CANCEL };
struct call {
    enum verb verb;
    const void *spec;
    const char *id, *order, *run_id;
    const struct store_actor *actor;
    struct run_spec run;
    struct plan_task task;
    struct run_task task_state;
    struct run_status run_status;
    const struct business_observation *seen;
    size_t count;
    const struct solution_hold *hold;
    const struct business_marking *marking;
    int hold_state;
    char out[32];
    bool ended;
};

static enum err_code call_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct call *c = ctx;
    const struct store_actor *who = c->actor ? c->actor : &customer;
    switch (c->verb) {
    case NEED:
        return business_requirement_save(tx, c->spec, who, c->out, err);
    case SOLUTION:
        return business_solution_save(tx, c->spec, c->hold, who, c->out, err);
    case ORDER:
        return business_order_save(tx, (struct order_spec *)(uintptr_t)c->spec, who, c->out, err);
    case MARK: {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct business_marked marked;
        return business_solution_mark(tx, c->marking, who, &marked, &arena, err);
    }
    case REFINE:
        return business_solution_refine(tx, c->id, (struct business_solution *)(uintptr_t)c->spec,
                                        c->hold, who, err);
    case END:
        return business_hold_ended(tx, c->id, c->hold_state, who, err);
    case CANCEL:
        return business_order_cancel(tx, c->id, NULL, who, err);
    case PLAN:
        return business_plan_save(tx, c->spec, c->order, who, c->out, err);
    case APPLY:
        return business_apply(tx, c->id, c->spec, c->order, c->run_id, "hello 网页", who, err);
    case TASK:
        return business_on_task(tx, c->run_id, &c->run, &c->task, &c->task_state, err);
    case RUN:
        return business_on_run(tx, c->run_id, &c->run, &c->run_status, &c->ended, err);
    case OBSERVE:
        return business_observed(tx, c->id, c->seen, c->count, err);
    }
    return ERR_BUG;
}

static enum err_code call(struct fixture *f, struct call *c)
{
    return store_write(f->store, call_body, c, &f->err);
}

static const char *saved(struct fixture *f, struct call c)
{
    assert_ok(f, call(f, &c));
    return arena_strdup(&f->arena, c.out);
}

/* ---- one walk through the stages ---- */

struct walk {
    const char *need, *solution, *order, *plan_id, *deployment, *run;
    struct plan plan;
};
static unsigned walks;

static const char *save_need(struct fixture *f, const struct store_actor *who)
{
    struct business_requirement need = {
        .text = "一个网页",
        .requirement = decode(f, &requirement_table, "{'components':[{'name':'web'}]}")};
    return saved(f, (struct call){.verb = NEED, .spec = &need, .actor = who});
}

static const char *save_solution(struct fixture *f, const char *need, const struct store_actor *who)
{
    struct business_solution set = {
        .requirement_id = arena_printf(&f->arena, "%s@1", need),
        .requirement = decode(f, &requirement_table, "{'components':[{'name':'web'}]}"),
        .answer = decode(f, &solution_answer_table,
                         "{'solutions':[{'objective':'cost','cost':12.345678,'currency':'CNY',"
                         "'placements':[{'component':'web','instance':0,'site':'local'}]},"
                         "{'objective':'latency','cost':20,'currency':'CNY'}]}")};
    return saved(f, (struct call){.verb = SOLUTION, .spec = &set, .actor = who});
}

static enum err_code mark(struct fixture *f, const char *id, enum business_solution_event event,
                          int64_t version, int64_t choice)
{
    const struct business_marking marking = {id, event, version, choice};
    struct call c = {.verb = MARK, .marking = &marking};
    return call(f, &c);
}

static struct walk walk_to_order(struct fixture *f)
{
    struct walk w = {.need = save_need(f, NULL)};
    w.solution = save_solution(f, w.need, NULL);
    assert_ok(f, mark(f, w.solution, BUSINESS_CONFIRM, 0, 0));
    struct order_spec order = {.solution = w.solution};
    w.order = saved(f, (struct call){.verb = ORDER, .spec = &order});
    return w;
}

static void make_plan(struct fixture *f, struct walk *w, const char *purpose)
{
    if (str_eq(purpose, "open"))
        w->deployment = arena_printf(&f->arena, "dep-%u", ++walks);
    w->plan = (struct plan){.deployment = w->deployment,
                            .purpose = purpose,
                            .currency = "CNY",
                            .price_month = 12345678};
    plan_seal(&w->plan, &f->arena);
    w->plan_id = saved(f, (struct call){.verb = PLAN, .spec = &w->plan, .order = w->order});
    w->run = arena_printf(&f->arena, "run-%u", ++walks);
}

static enum err_code apply(struct fixture *f, const struct walk *w)
{
    struct call c = {
        .verb = APPLY, .spec = &w->plan, .id = w->plan_id, .order = w->order, .run_id = w->run};
    return call(f, &c);
}

static void end_task(struct fixture *f, const struct walk *w, const char *name, int state)
{
    static struct plan_task_result result = {.url = "http://127.0.0.1:1/"};
    struct call c = {.verb = TASK, .run_id = w->run};
    c.run = (struct run_spec){.deployment = w->deployment, .purpose = w->plan.purpose};
    c.task =
        (struct plan_task){.id = name, .kind = TASK_INSTANCE, .site = "local", .provider = "host"};
    c.task.spec.name = arena_printf(&f->arena, "swan-%s-%s", w->deployment, name);
    c.task.spec.component = "web";
    c.task_state = (struct run_task){.id = name, .state = state, .result = &result};
    assert_ok(f, call(f, &c));
}

/* Ends the run; tells whether the deployment holds nothing any more. */
static bool end_run(struct fixture *f, const struct walk *w, int state)
{
    struct call c = {.verb = RUN, .run_id = w->run, .run_status = {.state = state}};
    c.run = (struct run_spec){.deployment = w->deployment, .purpose = w->plan.purpose};
    assert_ok(f, call(f, &c));
    return c.ended;
}

static struct walk walk_to_open(struct fixture *f, int instances)
{
    struct walk w = walk_to_order(f);
    make_plan(f, &w, "open");
    assert_ok(f, apply(f, &w));
    for (int i = 0; i < instances; i++)
        end_task(f, &w, arena_printf(&f->arena, "web-%d", i), RUN_TASK_SUCCEEDED);
    return w;
}

static struct deployment_status deployment(struct fixture *f, const struct walk *w)
{
    struct deployment_spec spec;
    struct deployment_status status;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, business_deployment_load(tx, w->deployment, "acme", &spec, &status, NULL,
                                          &f->arena, &f->err));
    store_rollback(tx);
    assert_string_equal(spec.order, w->order);
    return status;
}

static void assert_order(struct fixture *f, const struct walk *w, const char *state)
{
    struct order_status status;
    assert_ok(f, json_decode_stored(record_of(f, "orders", w->order).status, &order_status_table,
                                    &status, &f->arena, &f->err));
    assert_string_equal(order_state_names[status.state], state);
}

static void assert_state(struct fixture *f, const struct walk *w, const char *state)
{
    assert_string_equal(deployment_state_names[deployment(f, w).state], state);
}

static void test_the_loop_from_a_need_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_order(f);
    assert_order(f, &w, "confirmed");
    make_plan(f, &w, "open");
    assert_order(f, &w, "planned");
    assert_ok(f, apply(f, &w));
    assert_order(f, &w, "opening");
    assert_state(f, &w, "opening");
    for (int i = 0; i < 5; i++)
        end_task(f, &w, arena_printf(&f->arena, "web-%d", i), RUN_TASK_SUCCEEDED);
    assert_state(f, &w, "opening");
    assert_int_equal(deployment(f, &w).instances.count, 5);
    assert_int_equal(deployment(f, &w).urls.count, 5);
    assert_false(end_run(f, &w, RUN_SUCCEEDED));
    assert_order(f, &w, "open");
    assert_state(f, &w, "up");
    struct order_status order;
    assert_ok(f, json_decode_stored(record_of(f, "orders", w.order).status, &order_status_table,
                                    &order, &f->arena, &f->err));
    assert_int_equal(order.price_month, 12345678);
    assert_string_equal(order.deployment, w.deployment);
    make_plan(f, &w, "remove");
    assert_ok(f, apply(f, &w));
    assert_state(f, &w, "removing");
    for (int i = 0; i < 5; i++)
        end_task(f, &w, arena_printf(&f->arena, "web-%d", i), RUN_TASK_SUCCEEDED);
    assert_true(end_run(f, &w, RUN_SUCCEEDED));
    assert_state(f, &w, "removed");
    assert_int_equal(deployment(f, &w).urls.count, 0);
    assert_order(f, &w, "closed");
}

static void test_stages_belong_to_the_tenant_of_the_stage_before(void **state)
{
    struct fixture *f = *state;
    struct walk w = {.need = save_need(f, &customer)};
    w.solution = save_solution(f, w.need, &actor); /* an operator goes on */
    assert_ok(f, mark(f, w.solution, BUSINESS_CONFIRM, 0, 0));
    struct order_spec order = {.solution = w.solution};
    w.order = saved(f, (struct call){.verb = ORDER, .spec = &order, .actor = &actor});
    make_plan(f, &w, "open");
    struct call c = {.verb = APPLY,
                     .spec = &w.plan,
                     .id = w.plan_id,
                     .order = w.order,
                     .run_id = w.run,
                     .actor = &actor};
    assert_ok(f, call(f, &c));
    const char *const stages[][2] = {{"requirements", w.need},
                                     {"solutions", w.solution},
                                     {"orders", w.order},
                                     {"plans", w.plan_id},
                                     {"deployments", w.deployment}};
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        assert_string_equal(record_of(f, stages[i][0], stages[i][1]).tenant, "acme");
    /* and nobody else's tenant finds them */
    struct store_tx *tx = NULL;
    struct business_requirement need;
    struct business_solution set;
    struct order_status status;
    struct plan plan;
    struct deployment_spec spec;
    struct deployment_status deployed;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_fails(f, ERR_NOT_FOUND,
                 business_requirement_load(tx, w.need, "other", &need, NULL, &f->arena, &f->err));
    assert_fails(
        f, ERR_NOT_FOUND,
        business_solution_load(tx, w.solution, 0, "other", &set, NULL, &f->arena, &f->err));
    assert_fails(
        f, ERR_NOT_FOUND,
        business_order_load(tx, w.order, "other", &order, &status, NULL, &f->arena, &f->err));
    assert_fails(f, ERR_NOT_FOUND,
                 business_plan_load(tx, w.plan_id, "", &plan, NULL, &f->arena, &f->err));
    assert_fails(f, ERR_NOT_FOUND,
                 business_deployment_load(tx, w.deployment, "other", &spec, &deployed, NULL,
                                          &f->arena, &f->err));
    store_rollback(tx);
}

static void test_an_order_is_of_a_solution_that_is_there(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_order(f);
    char *before = dump(f);
    struct order_spec bad[] = {{.solution = w.solution, .choice = 2},
                               {.solution = w.solution, .choice = -1},
                               {.solution = "none"}};
    const enum err_code codes[] = {ERR_INVALID, ERR_INVALID, ERR_NOT_FOUND};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct call c = {.verb = ORDER, .spec = &bad[i]};
        assert_fails(f, codes[i], call(f, &c));
    }
    struct business_solution orphan = {
        .requirement_id = "need-none@1",
        .requirement = decode(f, &requirement_table, "{'components':[{'name':'web'}]}"),
        .answer = decode(f, &solution_answer_table, "{}")};
    struct call c = {.verb = SOLUTION, .spec = &orphan};
    assert_fails(f, ERR_NOT_FOUND, call(f, &c));
    assert_string_equal(before, dump(f));
}

static void test_a_plan_is_applied_once_and_only_the_latest(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_order(f), old;
    make_plan(f, &w, "open");
    old = w;
    make_plan(f, &w, "open"); /* planned again */
    char *before = dump(f);
    assert_fails(f, ERR_CONFLICT, apply(f, &old));
    assert_string_equal(before, dump(f));
    assert_ok(f, apply(f, &w));
    before = dump(f);
    assert_fails(f, ERR_CONFLICT, apply(f, &w));
    struct call c = {.verb = PLAN, .spec = &w.plan, .order = w.order};
    assert_fails(f, ERR_CONFLICT, call(f, &c)); /* it is opening */
    assert_non_null(strstr(f->err.text, "opening"));
    assert_string_equal(before, dump(f));
}

static void test_a_deployment_is_removed_when_no_run_works_on_it(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 1), removal = w;
    make_plan(f, &removal, "remove");
    assert_fails(f, ERR_CONFLICT, apply(f, &removal)); /* opening */
    assert_true(f->err.hint[0]);
    end_run(f, &w, RUN_SUCCEEDED);
    assert_ok(f, apply(f, &removal));
    struct walk second = w;
    make_plan(f, &second, "remove");
    assert_fails(f, ERR_CONFLICT, apply(f, &second)); /* removing */
    end_task(f, &removal, "web-0", RUN_TASK_SUCCEEDED);
    assert_true(end_run(f, &removal, RUN_SUCCEEDED));
    assert_fails(f, ERR_CONFLICT, apply(f, &second)); /* removed */
}

static void test_a_failed_opening_that_left_nothing_ends_deployment_and_order(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 2);
    end_task(f, &w, "web-0", RUN_TASK_UNDONE);
    end_task(f, &w, "web-1", RUN_TASK_UNDONE);
    end_task(f, &w, "web-2", RUN_TASK_UNDONE); /* never made */
    assert_int_equal(deployment(f, &w).instances.count, 2);
    assert_true(end_run(f, &w, RUN_FAILED));
    assert_state(f, &w, "failed");
    assert_order(f, &w, "failed");
    struct walk removal = w;
    make_plan(f, &removal, "remove");
    assert_fails(f, ERR_CONFLICT, apply(f, &removal));
    make_plan(f, &w, "open"); /* the order may be tried again */
    assert_ok(f, apply(f, &w));
    assert_order(f, &w, "opening");
    struct walk cancelled = walk_to_open(f, 0);
    assert_true(end_run(f, &cancelled, RUN_CANCELLED));
    assert_order(f, &cancelled, "cancelled");
}

static void test_a_partly_failed_opening_keeps_what_is_left_until_it_is_removed(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 2), again;
    end_task(f, &w, "web-0", RUN_TASK_UNDONE);
    assert_false(end_run(f, &w, RUN_PARTLY));
    assert_state(f, &w, "up"); /* what is there is up */
    assert_order(f, &w, "failed");
    again = w;
    make_plan(f, &again, "open");
    assert_ok(f, apply(f, &again));
    make_plan(f, &w, "remove");
    assert_ok(f, apply(f, &w));
    end_task(f, &w, "web-1", RUN_TASK_SUCCEEDED);
    assert_true(end_run(f, &w, RUN_SUCCEEDED));
    assert_state(f, &w, "removed");
    assert_order(f, &again, "opening"); /* the second opening's, not closed by the first's end */
}

/* The cases that a tenant sees. */
static struct feasibility_cases cases_of(struct fixture *f, const char *tenant, int scenario)
{
    struct feasibility_cases cases;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, business_cases_load(tx, scenario, tenant, 10, &cases, &f->arena, &f->err));
    store_rollback(tx);
    return cases;
}

static void test_an_opening_becomes_a_case_that_follows_its_deployment(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 1);
    assert_int_equal(cases_of(f, "acme", 0).items.count, 0);
    end_run(f, &w, RUN_SUCCEEDED);
    struct feasibility_cases cases = cases_of(f, "acme", 0);
    assert_int_equal(cases.items.count, 1);
    const struct feasibility_case *item = &cases.items.items[0];
    assert_string_equal(item->id, w.deployment);
    assert_true(item->outcome.opened);
    assert_string_equal(item->outcome.state, "up");
    assert_true(item->outcome.cost_month.value > 12.3 && item->outcome.cost_month.value < 12.4);
    assert_int_equal(item->components.count, 1);
    assert_string_equal(item->components.items[0].name, "web");
    make_plan(f, &w, "remove");
    assert_ok(f, apply(f, &w));
    end_task(f, &w, "web-0", RUN_TASK_SUCCEEDED);
    end_run(f, &w, RUN_SUCCEEDED);
    cases = cases_of(f, "acme", 0);
    assert_int_equal(cases.items.count, 1);
    assert_true(cases.items.items[0].outcome.opened);
    assert_string_equal(cases.items.items[0].outcome.state, "removed");
}

static void test_a_failed_opening_is_a_case_and_a_cancelled_one_is_none(void **state)
{
    struct fixture *f = *state;
    struct walk failed = walk_to_open(f, 0), cancelled = walk_to_open(f, 0);
    end_run(f, &failed, RUN_FAILED);
    end_run(f, &cancelled, RUN_CANCELLED);
    struct feasibility_cases cases = cases_of(f, "acme", 0);
    assert_int_equal(cases.items.count, 1);
    assert_false(cases.items.items[0].outcome.opened);
    assert_int_equal(cases_of(f, "other", 0).items.count, 0);
    assert_int_equal(cases_of(f, NULL, 0).items.count, 1);
    assert_int_equal(cases_of(f, NULL, 1).items.count, 0); /* of another scenario */
}

static void test_a_removal_that_fails_leaves_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 2);
    end_run(f, &w, RUN_SUCCEEDED);
    make_plan(f, &w, "remove");
    assert_ok(f, apply(f, &w));
    end_task(f, &w, "web-0", RUN_TASK_SUCCEEDED);
    assert_false(end_run(f, &w, RUN_PARTLY));
    assert_state(f, &w, "up");
    assert_order(f, &w, "open");
    assert_int_equal(deployment(f, &w).urls.count, 1);
}

static void observe(struct fixture *f, const struct walk *w, int first, int second, int64_t at)
{
    const struct business_observation seen[] = {
        {arena_printf(&f->arena, "swan-%s-web-0", w->deployment), first, "seen", at},
        {arena_printf(&f->arena, "swan-%s-web-1", w->deployment), second, "seen", at},
        {"swan-stranger", DEPLOYMENT_DOWN, "seen", at}};
    struct call c = {.verb = OBSERVE, .id = w->deployment, .seen = seen, .count = ARRAY_LEN(seen)};
    assert_ok(f, call(f, &c));
}

static void test_observed_states_settle_the_deployment(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int first, second;
        const char *state;
    } cases[] = {{DEPLOYMENT_DOWN, DEPLOYMENT_UP, "degraded"},
                 {DEPLOYMENT_DOWN, DEPLOYMENT_DOWN, "down"},
                 {DEPLOYMENT_UNKNOWN, DEPLOYMENT_UNKNOWN, "unknown"},
                 {DEPLOYMENT_UNKNOWN, DEPLOYMENT_UP, "degraded"},
                 {DEPLOYMENT_UP, DEPLOYMENT_UP, "up"}};
    struct walk w = walk_to_open(f, 2);
    observe(f, &w, DEPLOYMENT_DOWN, DEPLOYMENT_DOWN, clock_now_ms());
    assert_state(f, &w, "opening"); /* a run works on it: nothing is settled */
    end_run(f, &w, RUN_SUCCEEDED);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        observe(f, &w, cases[i].first, cases[i].second, clock_now_ms());
        assert_state(f, &w, cases[i].state);
    }
}

static void test_an_observation_is_written_on_change_or_once_a_minute(void **state)
{
    struct fixture *f = *state;
    struct walk w = walk_to_open(f, 2);
    end_run(f, &w, RUN_SUCCEEDED);
    int64_t now = clock_now_ms();
    char *before = dump(f);
    for (int i = 0; i < 5; i++)
        observe(f, &w, DEPLOYMENT_UP, DEPLOYMENT_UP, now + i * 1000);
    assert_string_equal(before, dump(f));
    for (int i = 0; i < 5; i++)
        observe(f, &w, DEPLOYMENT_DOWN, DEPLOYMENT_UP, now + i);
    assert_int_equal(events_of(f, "deployments", w.deployment, "observed"), 1);
    observe(f, &w, DEPLOYMENT_DOWN, DEPLOYMENT_UP, now + 60010);
    observe(f, &w, DEPLOYMENT_DOWN, DEPLOYMENT_UP, now + 60020);
    assert_int_equal(events_of(f, "deployments", w.deployment, "seen"), 1);
    assert_int_equal(events_of(f, "deployments", w.deployment, "observed"), 1);
}

/* ---- versions, choosing, confirming, holding ---- */

static struct business_solution version_of(struct fixture *f, int64_t from, double cost)
{
    struct business_solution set = {
        .requirement = decode(f, &requirement_table, "{'components':[{'name':'web'}]}"),
        .answer =
            decode(f, &solution_answer_table,
                   arena_printf(&f->arena,
                                "{'solutions':[{'objective':'cost','cost':%g,'currency':'CNY',"
                                "'placements':[{'component':'web','instance':0,"
                                "'site':'other'}]}]}",
                                cost))};
    set.refinement = arena_zalloc(&f->arena, sizeof *set.refinement);
    set.refinement->from = from;
    set.refinement->by = "li";
    set.refinement->note = "cheaper";
    return set;
}

static enum err_code refine(struct fixture *f, const char *id, int64_t from, double cost)
{
    struct business_solution set = version_of(f, from, cost);
    const struct solution_hold hold = business_hold(60, 0);
    struct call c = {.verb = REFINE, .id = id, .spec = &set, .hold = &hold};
    return call(f, &c);
}

static struct solution_status status_of(struct fixture *f, const char *id)
{
    struct solution_status status;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, business_solution_status(tx, id, "acme", &status, &f->arena, &f->err));
    store_rollback(tx);
    return status;
}

static double cost_of(struct fixture *f, const char *id, int64_t number)
{
    struct business_solution set;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_ok(f, business_solution_load(tx, id, number, "acme", &set, &number, &f->arena, &f->err));
    store_rollback(tx);
    assert_int_equal(set.number, number);
    return set.answer->solutions.items[0].cost;
}

static void test_every_state_of_a_solution_can_be_reached_and_left(void **state)
{
    (void)state;
    static const enum business_solution_event events[] = {BUSINESS_CHOOSE, BUSINESS_CONFIRM,
                                                          BUSINESS_REFINE, BUSINESS_ORDER};
    bool reached[SOLUTION_ORDERED + 1] = {[SOLUTION_DESIGNED] = true};
    for (int round = 0; round <= SOLUTION_ORDERED; round++)
        for (int from = SOLUTION_DESIGNED; from <= SOLUTION_ORDERED; from++)
            for (size_t i = 0; reached[from] && i < ARRAY_LEN(events); i++)
                reached[business_solution_next(from, events[i])] = true;
    for (int at = SOLUTION_DESIGNED; at <= SOLUTION_ORDERED; at++) {
        assert_true(reached[at]);
        assert_int_equal(business_solution_next(at, BUSINESS_REFINE), SOLUTION_DESIGNED);
        assert_non_null(solution_state_names[at]);
        /* only what is confirmed is ordered */
        bool confirmed = at == SOLUTION_CONFIRMED || at == SOLUTION_ORDERED;
        assert_int_equal(business_solution_next(at, BUSINESS_ORDER) != 0, confirmed);
    }
}

static void test_a_refinement_makes_a_version_and_keeps_the_one_before(void **state)
{
    struct fixture *f = *state;
    const char *id = save_solution(f, save_need(f, NULL), NULL);
    assert_ok(f, mark(f, id, BUSINESS_CONFIRM, 0, 1));
    assert_int_equal(status_of(f, id).state, SOLUTION_CONFIRMED);
    assert_int_equal(status_of(f, id).confirmed->choice, 1);
    assert_ok(f, refine(f, id, 1, 7));
    assert_ok(f, refine(f, id, 2, 5));
    char *before = dump(f);
    assert_fails(f, ERR_PRECONDITION, refine(f, id, 2, 4)); /* somebody was faster */
    assert_string_equal(before, dump(f));
    struct solution_status status = status_of(f, id);
    assert_int_equal(status.state, SOLUTION_DESIGNED); /* to be confirmed anew */
    assert_null(status.confirmed);
    assert_int_equal(status.versions.count, 3);
    assert_string_equal(status.versions.items[2].note, "cheaper");
    assert_int_equal(status.hold.state, SOLUTION_HOLD_HELD);
    assert_true(cost_of(f, id, 0) == 5 && cost_of(f, id, 3) == 5);
    assert_true(cost_of(f, id, 2) == 7);
    assert_true(cost_of(f, id, 1) > 12.34 && cost_of(f, id, 1) < 12.35);
    struct business_solution set;
    struct store_tx *tx = NULL;
    assert_ok(f, store_begin(f->store, STORE_READ, &tx, &f->err));
    assert_fails(f, ERR_NOT_FOUND,
                 business_solution_load(tx, id, 4, "acme", &set, NULL, &f->arena, &f->err));
    store_rollback(tx);
}

static void test_only_the_confirmed_candidate_is_ordered_and_stays_so(void **state)
{
    struct fixture *f = *state;
    const char *id = save_solution(f, save_need(f, NULL), NULL);
    struct order_spec order = {.solution = id};
    struct call c = {.verb = ORDER, .spec = &order};
    assert_fails(f, ERR_CONFLICT, call(f, &c));
    assert_non_null(strstr(f->err.hint, "solution confirm"));
    assert_ok(f, mark(f, id, BUSINESS_CHOOSE, 0, 1));
    assert_fails(f, ERR_CONFLICT, call(f, &c));
    assert_ok(f, mark(f, id, BUSINESS_CONFIRM, 0, -1)); /* the chosen one */
    assert_fails(f, ERR_CONFLICT, call(f, &c));         /* another one than that */
    order.choice = 1;
    assert_ok(f, call(f, &c));
    const char *first = arena_strdup(&f->arena, c.out);
    assert_int_equal(status_of(f, id).state, SOLUTION_ORDERED);
    struct order_spec stored;
    assert_ok(f, json_decode_stored(record_of(f, "orders", first).spec, &order_spec_table, &stored,
                                    &f->arena, &f->err));
    assert_int_equal(stored.version, 1);
    assert_int_equal(stored.choice, 1);
    assert_string_equal(stored.digest, status_of(f, id).confirmed->digest);
    char *before = dump(f);
    assert_ok(f, mark(f, id, BUSINESS_CONFIRM, 1, 1)); /* said once more */
    assert_string_equal(before, dump(f));
    assert_ok(f, refine(f, id, 1, 3));
    order = (struct order_spec){.solution = id};
    assert_fails(f, ERR_CONFLICT, call(f, &c)); /* the new version is not confirmed */
    struct walk w = {.solution = id, .order = first};
    make_plan(f, &w, "open"); /* but the order of the old one stands */
    assert_ok(f, apply(f, &w));
    assert_order(f, &w, "opening");
    order = (struct order_spec){.solution = id, .version = 1, .choice = 1};
    assert_ok(f, mark(f, id, BUSINESS_CONFIRM, 1, 1)); /* an old version can be confirmed again */
    assert_ok(f, call(f, &c));
}

static void end_hold(struct fixture *f, const char *id, int hold_state)
{
    struct call c = {.verb = END, .id = id, .hold_state = hold_state};
    assert_ok(f, call(f, &c));
}

static void test_an_order_that_waits_too_long_lapses_and_may_still_be_opened(void **state)
{
    struct fixture *f = *state;
    const struct solution_hold hold = business_hold(60, 0);
    struct business_solution set = version_of(f, 0, 9);
    const char *id = saved(f, (struct call){.verb = SOLUTION, .spec = &set, .hold = &hold});
    end_hold(f, id, SOLUTION_HOLD_LAPSED);
    assert_int_equal(status_of(f, id).hold.state, SOLUTION_HOLD_LAPSED);
    char *before = dump(f);
    end_hold(f, id, SOLUTION_HOLD_RELEASED); /* nothing is held any more */
    assert_string_equal(before, dump(f));
    assert_ok(f, mark(f, id, BUSINESS_CONFIRM, 0, 0));
    assert_int_equal(status_of(f, id).hold.state, SOLUTION_HOLD_HELD); /* held again */
    struct order_spec order = {.solution = id};
    struct walk w = {.solution = id};
    w.order = saved(f, (struct call){.verb = ORDER, .spec = &order});
    assert_int_equal(status_of(f, id).hold.state, SOLUTION_HOLD_ORDERED);
    end_hold(f, w.order, SOLUTION_HOLD_LAPSED);
    assert_order(f, &w, "lapsed");
    make_plan(f, &w, "open");
    assert_order(f, &w, "planned");
    end_hold(f, w.order, SOLUTION_HOLD_LAPSED);
    assert_order(f, &w, "lapsed");
    assert_ok(f, apply(f, &w));
    assert_order(f, &w, "opening");
    end_hold(f, w.order, SOLUTION_HOLD_LAPSED); /* the deployment has it now */
    assert_order(f, &w, "opening");
    struct call cancel = {.verb = CANCEL, .id = w.order};
    assert_fails(f, ERR_CONFLICT, call(f, &cancel));
    struct walk other = walk_to_order(f);
    cancel.id = other.order;
    assert_ok(f, call(f, &cancel));
    assert_order(f, &other, "cancelled");
    struct plan plan = {.deployment = "dep-never", .purpose = "open", .currency = "CNY"};
    plan_seal(&plan, &f->arena);
    struct call planned = {.verb = PLAN, .spec = &plan, .order = other.order};
    assert_fails(f, ERR_CONFLICT, call(f, &planned));
}

/* ---- faults ---- */

static enum err_code fault_need(struct fixture *f, int n, void *ctx)
{
    struct business_requirement need = {
        .requirement = decode(f, &requirement_table, "{'components':[{'name':'web'}]}")};
    struct call c = {.verb = NEED, .spec = &need};
    (void)n;
    (void)ctx;
    return call(f, &c);
}

static enum err_code fault_mark(struct fixture *f, int n, void *ctx)
{
    return mark(f, ctx, n % 2 ? BUSINESS_CONFIRM : BUSINESS_CHOOSE, 0, n % 2);
}

struct refining {
    const char *id;
    int64_t newest;
};

static enum err_code fault_refine(struct fixture *f, int n, void *ctx)
{
    struct refining *refining = ctx;
    enum err_code rc = refine(f, refining->id, refining->newest, 1 + n);
    refining->newest += rc == ERR_OK;
    return rc;
}

static enum err_code fault_end(struct fixture *f, int n, void *ctx)
{
    const char **held = ctx;
    while (!*held) /* each success takes the next */
        held++;
    struct call c = {.verb = END, .id = *held, .hold_state = SOLUTION_HOLD_LAPSED};
    (void)n;
    enum err_code rc = call(f, &c);
    if (!rc)
        *held = NULL;
    return rc;
}

static enum err_code fault_order(struct fixture *f, int n, void *ctx)
{
    struct order_spec order = {.solution = ctx};
    (void)n;
    struct call c = {.verb = ORDER, .spec = &order};
    return call(f, &c);
}

static enum err_code fault_plan(struct fixture *f, int n, void *ctx)
{
    struct walk *w = ctx;
    struct plan plan = {
        .deployment = arena_printf(&f->arena, "dep-x%d", n), .purpose = "open", .currency = "CNY"};
    plan_seal(&plan, &f->arena);
    struct call c = {.verb = PLAN, .spec = &plan, .order = w->order};
    return call(f, &c);
}

static enum err_code fault_apply(struct fixture *f, int n, void *ctx)
{
    struct walk *w = ctx;
    while (!w->plan_id) /* walks are made before; each success takes the next */
        w++;
    (void)n;
    enum err_code rc = apply(f, w);
    if (!rc)
        w->plan_id = NULL;
    return rc;
}

static enum err_code fault_run(struct fixture *f, int n, void *ctx)
{
    const struct walk *w = ctx;
    struct call c = {.verb = RUN, .run_id = w->run};
    c.run_status.state = n % 2 ? RUN_SUCCEEDED : RUN_FAILED;
    c.run = (struct run_spec){.deployment = w->deployment, .purpose = "open"};
    return call(f, &c);
}

static void test_a_write_that_the_store_fails_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    struct walk opening[24] = {{NULL}};
    struct walk w = walk_to_order(f);
    assert_all_or_nothing(f, fault_need, NULL);
    assert_all_or_nothing(f, fault_order, (void *)(uintptr_t)w.solution);
    assert_all_or_nothing(f, fault_plan, &w);
    assert_all_or_nothing(f, fault_mark, (void *)(uintptr_t)w.solution);
    struct refining refining = {w.solution, 1};
    assert_all_or_nothing(f, fault_refine, &refining);
    const char *held[24];
    for (size_t i = 0; i < ARRAY_LEN(held); i++) {
        held[i] = walk_to_order(f).solution;
        assert_ok(f, refine(f, held[i], 1, 2));
    }
    assert_all_or_nothing(f, fault_end, held);
    for (size_t i = 0; i < ARRAY_LEN(opening); i++) {
        opening[i] = walk_to_order(f);
        make_plan(f, &opening[i], "open");
    }
    assert_all_or_nothing(f, fault_apply, opening);
    w = walk_to_open(f, 2);
    assert_all_or_nothing(f, fault_run, &w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(test_the_loop_from_a_need_to_its_end),
        SERVICE_TEST(test_stages_belong_to_the_tenant_of_the_stage_before),
        SERVICE_TEST(test_an_order_is_of_a_solution_that_is_there),
        SERVICE_TEST(test_a_plan_is_applied_once_and_only_the_latest),
        SERVICE_TEST(test_a_deployment_is_removed_when_no_run_works_on_it),
        SERVICE_TEST(test_a_failed_opening_that_left_nothing_ends_deployment_and_order),
        SERVICE_TEST(test_a_partly_failed_opening_keeps_what_is_left_until_it_is_removed),
        SERVICE_TEST(test_an_opening_becomes_a_case_that_follows_its_deployment),
        SERVICE_TEST(test_a_failed_opening_is_a_case_and_a_cancelled_one_is_none),
        SERVICE_TEST(test_a_removal_that_fails_leaves_what_is_there),
        SERVICE_TEST(test_observed_states_settle_the_deployment),
        SERVICE_TEST(test_an_observation_is_written_on_change_or_once_a_minute),
        SERVICE_TEST(test_every_state_of_a_solution_can_be_reached_and_left),
        SERVICE_TEST(test_a_refinement_makes_a_version_and_keeps_the_one_before),
        SERVICE_TEST(test_only_the_confirmed_candidate_is_ordered_and_stays_so),
        SERVICE_TEST(test_an_order_that_waits_too_long_lapses_and_may_still_be_opened),
        SERVICE_TEST(test_a_write_that_the_store_fails_has_changed_nothing),
    };
    return fixture_main(argc, argv, "business", tests, ARRAY_LEN(tests));
}
