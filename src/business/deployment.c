/* deployment.c - deployments: born when a plan is applied, changed by the workflow's hooks and by
 * observation.
 *
 * Contract: the state of a deployment follows from its instances and the run that works on it; it
 * is computed in one place (settle).  What the store holds changes only when something that people
 * see has changed, or once a minute for the time of the last observation. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "business/business_priv.h"

#define SEEN_RESOLUTION_MS 60000

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

enum err_code business_deployment_status(struct store_tx *tx, const char *deployment,
                                         const struct deployment_status *status, const char *event,
                                         const struct store_actor *actor, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&deployment_status_table, status, JSON_COMPACT, &text);
    return store_update(tx, "deployments", deployment, 0, NULL, buf_str(&text), event, actor, NULL,
                        err);
}

/* The state that the instances add up to, when no run works on them. */
static int settle(const struct deployment_status *status)
{
    size_t up = 0, down = 0, unknown = 0, there = 0;
    for (size_t i = 0; i < status->instances.count; i++) {
        int state = status->instances.items[i].state;
        if (state == DEPLOYMENT_REMOVED)
            continue;
        there++;
        up += state == DEPLOYMENT_UP;
        down += state == DEPLOYMENT_DOWN;
        unknown += state == DEPLOYMENT_UNKNOWN;
    }
    if (there == 0)
        return DEPLOYMENT_REMOVED;
    if (up == there)
        return DEPLOYMENT_UP;
    if (down == there)
        return DEPLOYMENT_DOWN;
    if (unknown == there)
        return DEPLOYMENT_UNKNOWN;
    return DEPLOYMENT_DEGRADED;
}

struct application_of_plan { /* what business_apply was given */
    const char *plan_id, *order_id, *run_id, *title;
    const struct plan *plan;
    const struct store_actor *actor;
};

/* Sets everything of the new deployment; nothing is written. */
static enum err_code prepare_opening(struct store_tx *tx, const struct application_of_plan *apply,
                                     struct business_order *order, struct deployment_spec *spec,
                                     struct arena *arena, struct err *err)
{
    struct business_solution set;
    enum err_code rc;
    if ((rc = business_order_get(tx, apply->order_id, NULL, order, arena, err)))
        return rc;
    bool ready = order->status.state == BUSINESS_ORDER_PLANNED ||
                 order->status.state == BUSINESS_ORDER_LAPSED;
    if (!ready || !str_eq(order->status.plan, apply->plan_id)) {
        err_set(err, ERR_CONFLICT, "order '%s' is %s with plan %s", apply->order_id,
                order_state_names[order->status.state],
                order->status.plan ? order->status.plan : "none");
        return err_hint(err, "an order is opened once, by its latest plan");
    }
    if ((rc = business_solution_load(tx, order->spec.solution,
                                     order->spec.version ? order->spec.version : 1, NULL, &set,
                                     NULL, arena, err)))
        return rc;
    const struct solution *chosen = &set.answer->solutions.items[order->spec.choice];
    *spec = (struct deployment_spec){.title = apply->title,
                                     .order = apply->order_id,
                                     .solution = order->spec.solution,
                                     .plan = apply->plan_id};
    spec->placements.items = chosen->placements.items;
    spec->placements.count = chosen->placements.count;
    return ERR_OK;
}

static enum err_code write_opening(struct store_tx *tx, const struct application_of_plan *apply,
                                   struct business_order *order, const struct deployment_spec *spec,
                                   struct err *err)
{
    const struct plan *plan = apply->plan;
    char id[ID_SIZE];
    struct deployment_status status = {.state = DEPLOYMENT_OPENING,
                                       .run = apply->run_id,
                                       .simulated = plan->simulated,
                                       .currency = plan->currency,
                                       .price_month = plan->price_month};
    struct business_stage stage = {.collection = "deployments",
                                   .tenant = order->tenant,
                                   .spec_table = &deployment_spec_table,
                                   .spec = spec,
                                   .status_table = &deployment_status_table,
                                   .status = &status};
    str_format(id, sizeof id, "%s", plan->deployment);
    enum err_code rc = business_insert(tx, &stage, apply->actor, id, err);
    if (rc)
        return rc;
    order->status.state = BUSINESS_ORDER_OPENING;
    order->status.run = apply->run_id;
    order->status.deployment = plan->deployment;
    order->status.price_month = plan->price_month;
    if (order->status.hold.seconds)
        order->status.hold = (struct solution_hold){.state = SOLUTION_HOLD_USED,
                                                    .choice = order->spec.choice,
                                                    .seconds = order->status.hold.seconds};
    return business_order_status(tx, apply->order_id, &order->status, "opening", apply->actor, err);
}

static enum err_code prepare_removal(struct store_tx *tx, const struct application_of_plan *apply,
                                     struct deployment_status *status, struct arena *arena,
                                     struct err *err)
{
    const char *id = apply->plan->deployment;
    struct deployment_spec spec;
    enum err_code rc = business_deployment_load(tx, id, NULL, &spec, status, NULL, arena, err);
    if (rc)
        return rc;
    if (status->state == DEPLOYMENT_OPENING || status->state == DEPLOYMENT_REMOVING) {
        err_set(err, ERR_CONFLICT, "deployment '%s' is %s by run %s", id,
                deployment_state_names[status->state], status->run);
        return err_hint(err, "wait for that run, or cancel it: swan run cancel %s", status->run);
    }
    if (status->state == DEPLOYMENT_REMOVED || status->state == DEPLOYMENT_FAILED)
        return err_set(err, ERR_CONFLICT, "deployment '%s' is %s and holds nothing any more", id,
                       deployment_state_names[status->state]);
    status->state = DEPLOYMENT_REMOVING;
    status->run = apply->run_id;
    return ERR_OK;
}

static enum err_code mark_applied(struct store_tx *tx, const struct application_of_plan *apply,
                                  struct business_plan_status *status, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    status->state = BUSINESS_PLAN_APPLIED;
    status->run = apply->run_id;
    json_encode(&business_plan_status_table, status, JSON_COMPACT, &text);
    return store_update(tx, "plans", apply->plan_id, 0, NULL, buf_str(&text), "applied",
                        apply->actor, NULL, err);
}

enum err_code business_apply(struct store_tx *tx, const char *plan_id, const struct plan *plan,
                             const char *order, const char *run_id, const char *title,
                             const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    const struct application_of_plan apply = {plan_id, order, run_id, title, plan, actor};
    struct store_record record;
    struct business_plan_status status;
    struct business_order opened = {.tenant = NULL};
    struct deployment_spec spec;
    struct deployment_status removed;
    enum err_code rc;
    if ((rc = business_get(tx, "plans", "plan", plan_id, NULL, &record, &arena, err)) ||
        (rc = json_decode_stored(record.status, &business_plan_status_table, &status, &arena, err)))
        return rc;
    if (status.state != BUSINESS_PLAN_READY)
        return err_set(err, ERR_CONFLICT, "plan '%s' was applied by run %s", plan_id, status.run);
    if (str_eq(plan->purpose, "open")) {
        if ((rc = prepare_opening(tx, &apply, &opened, &spec, &arena, err)) ||
            (rc = mark_applied(tx, &apply, &status, err)))
            return rc;
        return write_opening(tx, &apply, &opened, &spec, err);
    }
    if ((rc = prepare_removal(tx, &apply, &removed, &arena, err)) ||
        (rc = mark_applied(tx, &apply, &status, err)))
        return rc;
    return business_deployment_status(tx, plan->deployment, &removed, "removing", actor, err);
}

static struct deployment_instance *find_instance(struct deployment_status *status, const char *name)
{
    for (size_t i = 0; i < status->instances.count; i++)
        if (str_eq(status->instances.items[i].name, name))
            return &status->instances.items[i];
    return NULL;
}

static void collect_urls(struct deployment_status *status, struct arena *arena)
{
    status->urls.items = NULL;
    status->urls.count = 0;
    for (size_t i = 0; i < status->instances.count; i++) {
        const struct deployment_instance *instance = &status->instances.items[i];
        if (instance->state != DEPLOYMENT_REMOVED && instance->result && instance->result->url)
            *LIST_ADD(arena, &status->urls) = instance->result->url;
    }
}

/* Deliveries and checks make nothing that a deployment consists of. */
static bool makes_a_part(int kind)
{
    return kind == TASK_SERVER || kind == TASK_BANDWIDTH || kind == TASK_ADDRESS ||
           kind == TASK_INSTANCE;
}

enum err_code business_on_task(struct store_tx *tx, const char *run_id, const struct run_spec *run,
                               const struct plan_task *task, const struct run_task *state,
                               struct err *err)
{
    (void)run_id;
    bool made = state->state == RUN_TASK_SUCCEEDED && str_eq(run->purpose, "open");
    bool gone = state->state == RUN_TASK_UNDONE ||
                (state->state == RUN_TASK_SUCCEEDED && str_eq(run->purpose, "remove"));
    if (!makes_a_part(task->kind) || (!made && !gone))
        return ERR_OK;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct deployment_spec spec;
    struct deployment_status status;
    enum err_code rc =
        business_deployment_load(tx, run->deployment, NULL, &spec, &status, NULL, &arena, err);
    if (rc)
        return rc;
    struct deployment_instance *instance = find_instance(&status, task->spec.name);
    if (!instance) {
        if (gone)
            return ERR_OK; /* undone before it was ever made */
        instance = LIST_ADD(&arena, &status.instances);
        *instance = (struct deployment_instance){.name = task->spec.name,
                                                 .component = task->spec.component,
                                                 .instance = task->spec.instance,
                                                 .site = task->site,
                                                 .provider = task->provider,
                                                 .endpoint = task->endpoint,
                                                 .kind = task->kind,
                                                 .simulated = task->simulated};
    }
    instance->state = made ? DEPLOYMENT_UP : DEPLOYMENT_REMOVED;
    instance->seen_at = clock_now_ms();
    instance->observed = made ? "opened and verified" : "removed";
    if (made)
        instance->result = state->result;
    collect_urls(&status, &arena);
    return business_deployment_status(tx, run->deployment, &status,
                                      made ? "instance-up" : "instance-removed", &system_actor,
                                      err);
}

/* Unless the order has been opened again by another plan meanwhile: then it follows that one. */
static enum err_code end_order(struct store_tx *tx, const char *order, const char *deployment,
                               int state, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_order have;
    enum err_code rc = business_order_get(tx, order, NULL, &have, &arena, err);
    if (rc || !str_eq(have.status.deployment, deployment) || have.status.state == state ||
        have.status.state == BUSINESS_ORDER_PLANNED || have.status.state == BUSINESS_ORDER_LAPSED)
        return rc;
    have.status.state = state;
    return business_order_status(tx, order, &have.status, order_state_names[state], &system_actor,
                                 err);
}

/* How a run ends: by what it was for, how it went, and whether anything is left. */
static int order_after(bool opening, int run_state, bool left)
{
    if (!opening)
        return left ? BUSINESS_ORDER_ABSENT : BUSINESS_ORDER_CLOSED; /* absent = as it was */
    if (run_state == RUN_SUCCEEDED && left)
        return BUSINESS_ORDER_OPEN;
    return run_state == RUN_CANCELLED && !left ? BUSINESS_ORDER_CANCELLED : BUSINESS_ORDER_FAILED;
}

enum err_code business_on_run(struct store_tx *tx, const char *run_id, const struct run_spec *run,
                              const struct run_status *run_status, bool *ret_ended, struct err *err)
{
    (void)run_id;
    *ret_ended = false;
    int state = run_status->state;
    if (state != RUN_SUCCEEDED && state != RUN_FAILED && state != RUN_PARTLY &&
        state != RUN_CANCELLED)
        return ERR_OK;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct deployment_spec spec;
    struct deployment_status status;
    enum err_code rc =
        business_deployment_load(tx, run->deployment, NULL, &spec, &status, NULL, &arena, err);
    if (rc)
        return rc;
    bool opening = str_eq(run->purpose, "open");
    status.state = settle(&status);
    bool left = status.state != DEPLOYMENT_REMOVED;
    int order = order_after(opening, state, left);
    if (order && (rc = end_order(tx, spec.order, run->deployment, order, err)))
        return rc;
    if (opening && !left)
        status.state = DEPLOYMENT_FAILED;
    *ret_ended = !left;
    collect_urls(&status, &arena);
    rc = business_deployment_status(tx, run->deployment, &status,
                                    deployment_state_names[status.state], &system_actor, err);
    if (rc || state == RUN_CANCELLED)
        return rc;
    return opening ? business_case_opened(tx, run->deployment, &spec, &status, run_status, err)
                   : business_case_follow(tx, run->deployment, status.state, err);
}

enum err_code business_observed(struct store_tx *tx, const char *deployment,
                                const struct business_observation *observations, size_t count,
                                struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct deployment_spec spec;
    struct deployment_status status;
    enum err_code rc =
        business_deployment_load(tx, deployment, NULL, &spec, &status, NULL, &arena, err);
    if (rc)
        return rc;
    bool changed = false, aged = false;
    for (size_t i = 0; i < count; i++) {
        struct deployment_instance *instance = find_instance(&status, observations[i].name);
        if (!instance || instance->state == DEPLOYMENT_REMOVED)
            continue;
        changed = changed || instance->state != observations[i].state;
        aged = aged || observations[i].at - instance->seen_at >= SEEN_RESOLUTION_MS;
        instance->state = observations[i].state;
        instance->seen_at = observations[i].at;
        instance->observed = observations[i].text;
    }
    bool busy = status.state == DEPLOYMENT_OPENING || status.state == DEPLOYMENT_REMOVING;
    if (busy || (!changed && !aged))
        return ERR_OK;
    int before = status.state;
    status.state = settle(&status);
    rc = business_deployment_status(tx, deployment, &status, changed ? "observed" : "seen",
                                    &system_actor, err);
    return rc || status.state == before ? rc
                                        : business_case_follow(tx, deployment, status.state, err);
}
