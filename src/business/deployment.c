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

static enum err_code open_deployment(struct store_tx *tx, const char *plan_id,
                                     const struct plan *plan, const char *order_id,
                                     const char *run_id, const char *title,
                                     const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct order_spec order;
    struct order_status order_status;
    struct business_solution set;
    enum err_code rc;
    if ((rc = business_order_load(tx, order_id, NULL, &order, &order_status, NULL, &arena, err)) ||
        (rc = business_solution_load(tx, order.solution, NULL, &set, NULL, &arena, err)))
        return rc;
    if (order_status.state != BUSINESS_ORDER_PLANNED || !str_eq(order_status.plan, plan_id)) {
        err_set(err, ERR_CONFLICT, "order '%s' is %s with plan %s", order_id,
                order_state_names[order_status.state],
                order_status.plan ? order_status.plan : "none");
        return err_hint(err, "an order is opened once, by its latest plan");
    }
    const struct solution *chosen = &set.answer->solutions.items[order.choice];
    struct deployment_spec spec = {
        .title = title, .order = order_id, .solution = order.solution, .plan = plan_id};
    for (size_t i = 0; i < chosen->placements.count; i++)
        *LIST_ADD(&arena, &spec.placements) = chosen->placements.items[i];
    struct deployment_status status = {.state = DEPLOYMENT_OPENING,
                                       .run = run_id,
                                       .simulated = plan->simulated,
                                       .currency = plan->currency,
                                       .price_month = plan->price_month};
    char id[ID_SIZE];
    str_format(id, sizeof id, "%s", plan->deployment);
    if ((rc = business_insert(tx, "deployments", NULL, &deployment_spec_table, &spec,
                              &deployment_status_table, &status, actor, id, err)))
        return rc;
    order_status.state = BUSINESS_ORDER_OPENING;
    order_status.run = run_id;
    order_status.deployment = plan->deployment;
    order_status.price_month = plan->price_month;
    return business_order_status(tx, order_id, &order_status, "opening", actor, err);
}

static enum err_code start_removal(struct store_tx *tx, const struct plan *plan, const char *run_id,
                                   const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct deployment_spec spec;
    struct deployment_status status;
    enum err_code rc =
        business_deployment_load(tx, plan->deployment, NULL, &spec, &status, NULL, &arena, err);
    if (rc)
        return rc;
    if (status.state == DEPLOYMENT_OPENING || status.state == DEPLOYMENT_REMOVING) {
        err_set(err, ERR_CONFLICT, "deployment '%s' is %s by run %s", plan->deployment,
                deployment_state_names[status.state], status.run);
        return err_hint(err, "wait for that run, or cancel it: swan run cancel %s", status.run);
    }
    if (status.state == DEPLOYMENT_REMOVED)
        return err_set(err, ERR_CONFLICT, "deployment '%s' is removed already", plan->deployment);
    status.state = DEPLOYMENT_REMOVING;
    status.run = run_id;
    return business_deployment_status(tx, plan->deployment, &status, "removing", actor, err);
}

enum err_code business_apply(struct store_tx *tx, const char *plan_id, const struct plan *plan,
                             const char *order, const char *run_id, const char *title,
                             const struct store_actor *actor, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct business_plan_status status;
    enum err_code rc;
    if ((rc = business_get(tx, "plans", "plan", plan_id, NULL, &record, &arena, err)) ||
        (rc = json_decode_stored(record.status, &business_plan_status_table, &status, &arena, err)))
        return rc;
    if (status.state != BUSINESS_PLAN_READY)
        return err_set(err, ERR_CONFLICT, "plan '%s' was applied by run %s", plan_id, status.run);
    status.state = BUSINESS_PLAN_APPLIED;
    status.run = run_id;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&business_plan_status_table, &status, JSON_COMPACT, &text);
    if ((rc = store_update(tx, "plans", plan_id, 0, NULL, buf_str(&text), "applied", actor, NULL,
                           err)))
        return rc;
    return str_eq(plan->purpose, "open")
               ? open_deployment(tx, plan_id, plan, order, run_id, title, actor, err)
               : start_removal(tx, plan, run_id, actor, err);
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

static enum err_code end_order(struct store_tx *tx, const char *order, int state, const char *event,
                               struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct order_spec spec;
    struct order_status status;
    enum err_code rc = business_order_load(tx, order, NULL, &spec, &status, NULL, &arena, err);
    if (rc)
        return rc;
    status.state = state;
    return business_order_status(tx, order, &status, event, &system_actor, err);
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
    int settled = settle(&status);
    if (opening && state == RUN_SUCCEEDED) {
        status.state = settled;
        if ((rc = end_order(tx, spec.order, BUSINESS_ORDER_OPEN, "open", err)))
            return rc;
    } else if (opening && settled == DEPLOYMENT_REMOVED) {
        status.state = DEPLOYMENT_FAILED;
        *ret_ended = true;
        rc = end_order(tx, spec.order,
                       state == RUN_CANCELLED ? BUSINESS_ORDER_CANCELLED : BUSINESS_ORDER_FAILED,
                       state == RUN_CANCELLED ? "cancelled" : "failed", err);
        if (rc)
            return rc;
    } else {
        status.state = settled;
        *ret_ended = settled == DEPLOYMENT_REMOVED;
        if (*ret_ended && (rc = end_order(tx, spec.order, BUSINESS_ORDER_CLOSED, "closed", err)))
            return rc;
    }
    collect_urls(&status, &arena);
    return business_deployment_status(tx, run->deployment, &status,
                                      deployment_state_names[status.state], &system_actor, err);
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
    status.state = settle(&status);
    return business_deployment_status(tx, deployment, &status, changed ? "observed" : "seen",
                                      &system_actor, err);
}
