/* loop_routes.c - from a choice to running things: orders → plans → runs.
 *
 * Each stage reads the stored one before it, asks an engine, and stores the next.  Applying a plan
 * checks again, against the network of now, that price, tasks and capacity are those that were
 * approved; allocation, deployment, run and the kept answer are one transaction.  Capacity is
 * checked in that transaction, prices directly before it. */
#include <math.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business.h"
#include "intelligent/evaluation/evaluation.h"
#include "provision/plan/planner.h"

/* ---- orders ---- */

struct order_wish {
    const char *solution;
    struct opt_int version, choice;
    bool confirm;
};
static const struct json_field order_wish_fields[] = {
    JSON_FIELD("solution", JSON_STRING, struct order_wish, solution, JSON_REQUIRED | JSON_NON_EMPTY,
               "a solution set"),
    JSON_FIELD_RANGE("version", JSON_OPT_INT, struct order_wish, version, 0, 1, 1e9,
                     "version of the set; absent = the confirmed one"),
    JSON_FIELD_RANGE("choice", JSON_OPT_INT, struct order_wish, choice, 0, 0, 1000,
                     "index of the candidate; absent = the confirmed one"),
    JSON_FIELD("confirm", JSON_BOOL, struct order_wish, confirm, 0,
               "confirm that candidate first, in the same step"),
};
static const struct json_table order_wish_table =
    JSON_TABLE("OrderWish", struct order_wish, order_wish_fields,
               "what to order: a candidate that was confirmed", NULL);

struct order_stage {
    struct api_stage stage;
    struct order_wish wish;
};

/* What was held for the set is held for the order from now on. */
static enum err_code move_hold(struct store_tx *tx, struct api_call *call, const char *order,
                               struct err *err)
{
    struct order_spec spec;
    struct order_status status;
    struct business_solution set;
    enum err_code rc;
    if ((rc = business_order_load(tx, order, NULL, &spec, &status, NULL, call->arena, err)) ||
        status.hold.state != SOLUTION_HOLD_HELD ||
        (rc = business_solution_load(tx, spec.solution, spec.version, NULL, &set, NULL, call->arena,
                                     err)) ||
        (rc = compute_release(tx, spec.solution, &call->actor, err)))
        return rc;
    struct compute_reservation wish = {
        order, set.requirement, &set.answer->solutions.items[spec.choice], status.hold.expires_ms};
    return compute_reserve(tx, &wish, &call->actor, err);
}

static enum err_code order_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    const struct order_wish *wish = &((struct order_stage *)stage)->wish;
    struct api_call *call = stage->call;
    struct solution_status status;
    struct order_spec spec = {.solution = wish->solution};
    enum err_code rc;
    if ((rc = business_solution_status(tx, wish->solution, api_tenant(call), &status, call->arena,
                                       err)) ||
        (rc = api_act_for(call, tx, "solutions", wish->solution, err)))
        return rc;
    if (wish->confirm) {
        struct business_marking marking = {wish->solution, BUSINESS_CONFIRM, wish->version.value,
                                           wish->choice.set ? wish->choice.value : -1};
        struct business_marked marked;
        if ((rc = business_solution_mark(tx, &marking, &call->actor, &marked, call->arena, err)))
            return rc;
        spec.version = marked.mark.version;
        spec.choice = marked.mark.choice;
    } else {
        const struct solution_mark *confirmed = status.confirmed;
        spec.version = wish->version.set ? wish->version.value : confirmed ? confirmed->version : 0;
        spec.choice = wish->choice.set ? wish->choice.value : confirmed ? confirmed->choice : 0;
    }
    rc = business_order_save(tx, &spec, &call->actor, stage->id, err);
    return rc ? rc : move_hold(tx, call, stage->id, err);
}

static enum err_code post_order(struct api_call *call, struct err *err)
{
    struct order_stage order = {
        .stage = {.call = call, .collection = "orders", .body = order_body}};
    enum err_code rc = api_decode(call, &order_wish_table, &order.wish, err);
    return rc ? rc : api_stage_store(&order.stage, err);
}

/* ---- ending an order that was not opened ---- */

static enum err_code cancel_order_body(struct store_tx *tx, struct api_stage *stage,
                                       struct err *err)
{
    struct api_call *call = stage->call;
    enum err_code rc;
    if ((rc = api_act_for(call, tx, "orders", stage->existing, err)) ||
        (rc = business_order_cancel(tx, stage->existing, api_tenant(call), &call->actor, err)))
        return rc;
    return compute_release(tx, stage->existing, &call->actor, err);
}

static enum err_code cancel_order(struct api_call *call, struct err *err)
{
    struct api_stage stage = {.call = call,
                              .collection = "orders",
                              .body = cancel_order_body,
                              .existing = call->params[0]};
    call->object = arena_printf(call->arena, "orders/%s", call->params[0]);
    return api_stage_store(&stage, err);
}

/* ---- plans ---- */

struct plan_wish {
    const char *order, *remove;
    bool simulate;
};
static const struct json_field plan_wish_fields[] = {
    JSON_FIELD("order", JSON_STRING, struct plan_wish, order, JSON_NON_EMPTY,
               "a confirmed order, to open it"),
    JSON_FIELD("remove", JSON_STRING, struct plan_wish, remove, JSON_NON_EMPTY,
               "or a deployment, to remove it"),
    JSON_FIELD("simulate", JSON_BOOL, struct plan_wish, simulate, 0,
               "sites that are catalogue only go to the simulator, labelled so"),
};
static enum err_code check_plan_wish(const void *object, struct err *err)
{
    const struct plan_wish *wish = object;
    if (!wish->order == !wish->remove)
        return err_set(err, ERR_INVALID, "give either order or remove");
    if (!wish->remove || !wish->simulate)
        return ERR_OK;
    err_set(err, ERR_INVALID, "what was opened for real is not removed in simulation");
    return err_field(err, "simulate");
}
static const struct json_table plan_wish_table =
    JSON_TABLE("PlanWish", struct plan_wish, plan_wish_fields, "what to plan", check_plan_wish);

/* Everything that planning of an order reads, at one moment. */
struct planning {
    struct business_solution set;
    struct application_spec_refs applications;
    const struct solution *chosen;
    const char *solution_id; /* id@version */
};

static enum err_code load_planning(struct api_call *call, struct store_tx *tx, const char *order,
                                   struct planning *out, struct err *err)
{
    struct order_spec spec;
    struct order_status status;
    int64_t version;
    enum err_code rc;
    if ((rc = business_order_load(tx, order, api_tenant(call), &spec, &status, NULL, call->arena,
                                  err)) ||
        (rc = business_solution_load(tx, spec.solution, spec.version ? spec.version : 1,
                                     api_tenant(call), &out->set, &version, call->arena, err)) ||
        (rc = application_match(call->api->options.application, tx, out->set.requirement,
                                &out->applications, call->arena, err)))
        return rc;
    out->chosen = &out->set.answer->solutions.items[spec.choice];
    out->solution_id = arena_printf(call->arena, "%s@%lld", spec.solution, (long long)version);
    return ERR_OK;
}

static bool provider_can(const void *set, const char *provider, int kind)
{
    const struct provider_ops *ops = provider_find(set, provider);
    return ops && provider_does(ops, kind);
}

static enum err_code make_plan(struct api_call *call, const struct planning *planning,
                               const char *deployment, bool simulate, int64_t network_version,
                               const struct compute_snapshot *snapshot, struct plan *out,
                               struct err *err)
{
    struct planner_input input = {.deployment = deployment,
                                  .requirement = planning->set.requirement,
                                  .solution = planning->chosen,
                                  .solution_id = planning->solution_id,
                                  .network_version = network_version,
                                  .network = &snapshot->network,
                                  .connections = &snapshot->connections,
                                  .applications = &planning->applications,
                                  .simulate = simulate,
                                  .does = provider_can,
                                  .does_ctx = call->api->options.providers};
    return planner_open(&input, out, call->arena, err);
}

struct plan_stage {
    struct api_stage stage;
    struct plan plan;
    const char *order, *remove;
    const struct planning *planning; /* of an order */
};

/* Who plans means it: the room is held for as long again. */
static enum err_code renew_hold(struct store_tx *tx, const struct plan_stage *plan, struct err *err)
{
    struct api_call *call = plan->stage.call;
    struct order_spec spec;
    struct order_status status;
    enum err_code rc =
        business_order_load(tx, plan->order, NULL, &spec, &status, NULL, call->arena, err);
    if (rc || status.hold.state != SOLUTION_HOLD_HELD)
        return rc;
    struct compute_reservation wish = {plan->order, plan->planning->set.requirement,
                                       plan->planning->chosen, status.hold.expires_ms};
    return compute_reserve(tx, &wish, &call->actor, err);
}

static enum err_code plan_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct plan_stage *plan = (struct plan_stage *)stage;
    struct api_call *call = stage->call;
    enum err_code rc = ERR_OK;
    if (plan->remove)
        rc = api_plan_removal(call, tx, plan->remove, &plan->plan, &plan->order, NULL, err);
    else
        rc = api_act_for(call, tx, "orders", plan->order, err);
    if (!rc)
        rc = business_plan_save(tx, &plan->plan, plan->order, &call->actor, stage->id, err);
    return rc || plan->remove ? rc : renew_hold(tx, plan, err);
}

static enum err_code post_plan(struct api_call *call, struct err *err)
{
    struct plan_wish wish;
    struct planning planning = {0};
    struct plan_stage plan = {.stage = {.call = call, .collection = "plans", .body = plan_body}};
    enum err_code rc = api_decode(call, &plan_wish_table, &wish, err);
    if (rc)
        return rc;
    plan.order = wish.order;
    plan.remove = wish.remove;
    plan.planning = &planning;
    if (wish.remove)
        return api_stage_store(&plan.stage, err);
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = load_planning(call, tx, wish.order, &planning, err)))
        return rc;
    store_rollback_at(&tx);
    char deployment[ID_SIZE];
    id_new("dep", deployment);
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    rc = make_plan(call, &planning, deployment, wish.simulate, snapshot->version, snapshot,
                   &plan.plan, err);
    if (!rc)
        rc = api_stage_store(&plan.stage, err);
    compute_snapshot_unref(snapshot);
    return rc;
}

/* ---- runs ---- */

struct apply_wish {
    const char *plan, *digest;
};
static const struct json_field apply_wish_fields[] = {
    JSON_FIELD("plan", JSON_STRING, struct apply_wish, plan, JSON_REQUIRED | JSON_NON_EMPTY,
               "a plan"),
    JSON_FIELD("digest", JSON_STRING, struct apply_wish, digest, JSON_REQUIRED | JSON_NON_EMPTY,
               "the digest that was approved"),
};
static const struct json_table apply_wish_table =
    JSON_TABLE("ApplyWish", struct apply_wish, apply_wish_fields, "which plan to apply", NULL);

struct apply {
    struct api_stage stage;
    const char *plan_id, *order, *title;
    struct plan plan;
    struct planning planning;
};

/* What differs between what was approved and what is now, as member of the problem. */
struct change {
    const char *code, *subject, *approved, *now, *unit;
};
static const struct json_field change_fields[] = {
    JSON_FIELD("code", JSON_STRING, struct change, code, 0, "price, plan, or the code of a check"),
    JSON_FIELD("subject", JSON_STRING, struct change, subject, 0, "of what"),
    JSON_FIELD("approved", JSON_STRING, struct change, approved, 0, "as it was"),
    JSON_FIELD("now", JSON_STRING, struct change, now, 0, "as it is; absent = not known"),
    JSON_FIELD("unit", JSON_STRING, struct change, unit, 0, "of both"),
};
static const struct json_table change_table =
    JSON_TABLE("Change", struct change, change_fields, "what differs from what was approved", NULL);
struct changes {
    LIST(struct change) items;
};
static const struct json_field changes_fields[] = {
    JSON_FIELD_TABLE("difference", JSON_ARRAY, struct changes, items, 0, &change_table,
                     "what differs"),
};
static const struct json_table changes_table =
    JSON_TABLE("Changes", struct changes, changes_fields, "what differs", NULL);

static void moved_problem(struct api_call *call, const struct changes *changes,
                          const struct err *err)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    json_encode(&changes_table, changes, JSON_COMPACT, &all);
    const char *members =
        all.len > 2 ? arena_strndup(call->arena, buf_str(&all) + 1, all.len - 2) : NULL;
    api_problem(call->response, err, call->request->path, call->request_id, members);
}

static enum err_code no_longer_feasible(const struct evaluation_figures *now,
                                        struct changes *changes, struct arena *arena,
                                        struct err *err)
{
    bool capacity = now->violations.count > 0;
    for (size_t i = 0; i < now->violations.count; i++) {
        const struct feasibility_check *check = &now->violations.items[i];
        capacity = capacity && str_has_prefix(check->code, "capacity.");
        *LIST_ADD(arena, &changes->items) = (struct change){
            check->code, check->subject, check->required, check->observed, check->unit};
    }
    if (now->violations.count == 0)
        return err_set(err, ERR_PRECONDITION,
                       "the network has changed since: the design no longer "
                       "holds");
    const struct change *first = &changes->items.items[0];
    if (capacity)
        return err_set(err, ERR_CAPACITY, "%s has %s of %s %s left, %s are wanted",
                       first->subject ? first->subject : "a site",
                       first->now ? first->now : "an unknown amount", first->code,
                       first->unit ? first->unit : "", first->approved ? first->approved : "more");
    return err_set(err, ERR_PRECONDITION,
                   "the network has changed since: %s of %s no longer holds (asked %s, now %s %s)",
                   first->code, first->subject ? first->subject : "the design",
                   first->approved ? first->approved : "-", first->now ? first->now : "unknown",
                   first->unit ? first->unit : "");
}

static const char *money(struct arena *arena, double amount)
{
    return arena_printf(arena, "%.2f", amount);
}

/* The plan made again from the network of now: same design, same price, same tasks? */
static enum err_code compare(struct apply *apply, const struct compute_snapshot *snapshot,
                             struct changes *changes, struct err *err)
{
    struct api_call *call = apply->stage.call;
    struct evaluation_input input = {
        .requirement = apply->planning.set.requirement,
        .network = api_network_for(call, apply->planning.set.requirement, snapshot, apply->order),
        .notes = &snapshot->notes,
        .connections = &snapshot->connections,
        .applications = &apply->planning.applications,
        .now_ms = clock_now_ms()};
    struct evaluation_model *model;
    struct evaluation_figures now;
    struct solution solution = *apply->planning.chosen;
    double approved = solution.cost;
    struct plan again;
    enum err_code rc;
    if ((rc = evaluation_model_new(&input, &model, call->arena, err)) ||
        (rc = evaluation_measure(model, &solution, &now, call->arena, err))) {
        err_context(err, "the plan's basis has moved");
        return rc;
    }
    if (!now.feasible)
        return no_longer_feasible(&now, changes, call->arena, err);
    if (!(fabs(now.cost - approved) <= 0.005)) { /* also when it is no number any more */
        *LIST_ADD(call->arena, &changes->items) = (struct change){
            "price", "a month", money(call->arena, approved),
            isfinite(now.cost) ? money(call->arena, now.cost) : NULL, apply->plan.currency};
        return err_set(err, ERR_PRECONDITION,
                       "prices have changed since: %.2f a month was approved, it is %.2f now",
                       approved, now.cost);
    }
    if ((rc = make_plan(call, &apply->planning, apply->plan.deployment, apply->plan.simulated,
                        apply->plan.basis.network_version, snapshot, &again, err)) ||
        str_eq(again.digest, apply->plan.digest))
        return rc;
    *LIST_ADD(call->arena, &changes->items) =
        (struct change){"plan", apply->plan_id, apply->plan.digest, again.digest, NULL};
    return err_set(err, ERR_PRECONDITION,
                   "applications or connections have changed since: the "
                   "plan made now differs");
}

/* Has what the plan was made from moved in a way that matters? */
static enum err_code check_basis(struct apply *apply, struct err *err)
{
    struct api_call *call = apply->stage.call;
    struct changes changes = {0};
    enum err_code rc = compute_refresh(call->api->options.compute, err);
    if (rc)
        return rc;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    if (snapshot->version != apply->plan.basis.network_version)
        rc = compare(apply, snapshot, &changes, err);
    compute_snapshot_unref(snapshot);
    if (rc == ERR_PRECONDITION || rc == ERR_CAPACITY) {
        err_hint(err, "look at the change, then make a new plan, or a new design");
        moved_problem(call, &changes, err);
    }
    return rc;
}

static enum err_code open_body(struct store_tx *tx, struct apply *apply, struct err *err)
{
    struct api_call *call = apply->stage.call;
    enum err_code rc = compute_release(tx, apply->order, &call->actor, err);
    return rc ? rc
              : compute_allocate(tx, apply->plan.deployment, apply->planning.set.requirement,
                                 apply->planning.chosen, &call->actor, err);
}

/* A removal is planned from the state of the deployment: it must still be that. */
static enum err_code removal_body(struct store_tx *tx, struct apply *apply, struct err *err)
{
    struct plan again;
    const char *order;
    enum err_code rc = api_plan_removal(apply->stage.call, tx, apply->plan.deployment, &again,
                                        &order, &apply->title, err);
    if (rc || str_eq(again.digest, apply->plan.digest))
        return rc;
    err_set(err, ERR_PRECONDITION, "deployment '%s' has changed since", apply->plan.deployment);
    return err_hint(err, "make a new plan to remove it");
}

static enum err_code apply_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct apply *apply = (struct apply *)stage;
    struct api_call *call = stage->call;
    bool opens = str_eq(apply->plan.purpose, "open");
    enum err_code rc;
    id_new("run", stage->id);
    if ((rc = api_act_for(call, tx, "plans", apply->plan_id, err)) ||
        (rc = opens ? open_body(tx, apply, err) : removal_body(tx, apply, err)) ||
        (rc = business_apply(tx, apply->plan_id, &apply->plan, apply->order, stage->id,
                             apply->title, &call->actor, err)))
        return rc;
    return workflow_submit(tx, stage->id, apply->plan_id, &apply->plan, &call->actor, err);
}

static enum err_code title_of(struct api_call *call, struct store_tx *tx, struct apply *apply,
                              struct err *err)
{
    struct business_requirement need;
    const char *id = apply->planning.set.requirement_id;
    const char *at = strchr(id, '@');
    char *bare =
        at ? arena_strndup(call->arena, id, (size_t)(at - id)) : arena_strdup(call->arena, id);
    enum err_code rc =
        business_requirement_load(tx, bare, api_tenant(call), &need, NULL, call->arena, err);
    if (rc)
        return rc;
    char title[200];
    str_format(title, sizeof title, "%s",
               need.text ? need.text : need.requirement->components.items[0].name);
    apply->title = arena_strdup(call->arena, title);
    return ERR_OK;
}

/* Reads the plan and what it stands on; the digest must be the one that was approved. */
static enum err_code load_apply(struct api_call *call, const struct apply_wish *wish,
                                struct apply *apply, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc;
    apply->plan_id = wish->plan;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_plan_load(tx, wish->plan, api_tenant(call), &apply->plan, &apply->order,
                                 call->arena, err)))
        return rc;
    if (!str_eq(wish->digest, apply->plan.digest)) {
        err_set(err, ERR_PRECONDITION, "the plan's digest is %s", apply->plan.digest);
        err_hint(err, "what is applied is the plan that was looked at: show it again");
        return err_field(err, "digest");
    }
    if ((rc = plan_check_seal(&apply->plan, err)) || !str_eq(apply->plan.purpose, "open"))
        return rc;
    if ((rc = load_planning(call, tx, apply->order, &apply->planning, err)))
        return rc;
    return title_of(call, tx, apply, err);
}

static enum err_code post_run(struct api_call *call, struct err *err)
{
    struct apply_wish wish;
    struct apply apply = {.stage = {.call = call, .collection = "runs", .body = apply_body}};
    enum err_code rc;
    if ((rc = api_decode(call, &apply_wish_table, &wish, err)) ||
        (rc = load_apply(call, &wish, &apply, err)) ||
        (str_eq(apply.plan.purpose, "open") && (rc = check_basis(&apply, err))) ||
        (rc = api_stage_store(&apply.stage, err)))
        return rc;
    if (!call->dry_run)
        workflow_wake(call->api->options.workflow);
    return ERR_OK;
}

static enum err_code cancel_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct api_call *call = stage->call;
    struct store_record record;
    enum err_code rc = store_get(tx, "runs", stage->existing, &record, call->arena, err);
    if (rc)
        return rc;
    if (!api_may_see(call, api_collection_find("runs"), &record))
        return err_set(err, ERR_NOT_FOUND, "no run is named '%s'", stage->existing);
    call->actor.tenant = record.tenant;
    return workflow_cancel(tx, stage->existing, &call->actor, err);
}

static enum err_code cancel_run(struct api_call *call, struct err *err)
{
    struct api_stage stage = {
        .call = call, .collection = "runs", .body = cancel_body, .existing = call->params[0]};
    call->object = arena_printf(call->arena, "runs/%s", call->params[0]);
    enum err_code rc = api_stage_store(&stage, err);
    if (!rc && !call->dry_run)
        workflow_wake(call->api->options.workflow);
    return rc;
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/orders", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN, &order_wish_table, NULL,
     "orders", NULL, "order a confirmed candidate", post_order},
    {"POST", "/api/v1/orders/{id}/cancel", ACCESS_CUSTOMER, API_DRY_RUN, NULL, NULL, "orders", NULL,
     "cancel an order that was not opened", cancel_order},
    {"POST", "/api/v1/plans", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN, &plan_wish_table, NULL,
     "plans", NULL, "plan an order, or a removal", post_plan},
    {"POST", "/api/v1/runs", ACCESS_CUSTOMER, API_ACCEPTED | API_DRY_RUN, &apply_wish_table, NULL,
     "runs", NULL, "apply a plan", post_run},
    {"POST", "/api/v1/runs/{id}/cancel", ACCESS_CUSTOMER, API_ACCEPTED | API_DRY_RUN, NULL, NULL,
     "runs", NULL, "stop a run and undo what it made", cancel_run},
};
const struct api_routes api_routes_loop = {routes, ARRAY_LEN(routes)};
