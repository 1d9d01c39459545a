/* loop_routes.c - the loop itself: requirements → solutions → orders → plans → runs.
 *
 * Each stage reads the stored one before it, asks an engine, and stores the next.  Applying a plan
 * checks again, against the network of now, that price, tasks and capacity are those that were
 * approved; allocation, deployment, run and the kept answer are one transaction. */
#include <math.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business.h"
#include "intelligent/design/design.h"
#include "provision/plan/planner.h"

/* ---- requirements ---- */

struct need {
    const char *text;
    struct requirement *requirement;
};
static const struct json_field need_fields[] = {
    {.name = "text",
     .kind = JSON_STRING,
     .offset = offsetof(struct need, text),
     .flags = JSON_NON_EMPTY,
     .max_len = INTENT_MAX_BYTES,
     .doc = "the need in words, Chinese or English"},
    JSON_FIELD_TABLE("requirement", JSON_OBJECT_PTR, struct need, requirement, 0,
                     &requirement_table, "or the need as fields"),
};
static enum err_code check_need(const void *object, struct err *err)
{
    const struct need *need = object;
    if (!need->text == !need->requirement)
        return err_set(err, ERR_INVALID, "give either text or requirement");
    return ERR_OK;
}
static const struct json_table need_table =
    JSON_TABLE("Need", struct need, need_fields, "a need, in words or as fields", check_need);

static const char *list_json(const struct json_table *table, const void *object, const char *member,
                             struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf part = BUF_INIT;
    struct json_doc *doc = NULL;
    json_encode(table, object, JSON_COMPACT, &text);
    if (json_parse(buf_str(&text), text.len, &json_limits_large, &doc, NULL))
        return NULL;
    const struct json_value *value = json_get(json_root(doc), member);
    if (value)
        json_write(value, JSON_COMPACT, &part);
    json_doc_free(doc);
    return part.len ? arena_strdup(arena, buf_str(&part)) : NULL;
}

static enum err_code read_need(struct api_call *call, const struct need *need,
                               struct business_requirement *out, struct err *err)
{
    *out = (struct business_requirement){
        .text = need->text, .requirement = need->requirement, .reader = "fields"};
    if (!need->text)
        return ERR_OK;
    struct intent_result *result = arena_zalloc(call->arena, sizeof *result);
    enum err_code rc = intent_read(call->api->options.reader, need->text, strlen(need->text),
                                   result, call->arena, err);
    if (rc)
        return rc;
    out->requirement = &result->requirement;
    out->reader = result->reader;
    out->spans = list_json(&intent_result_table, result, "spans", call->arena);
    out->questions = list_json(&intent_result_table, result, "questions", call->arena);
    return ERR_OK;
}

/* What the body of one write needs and leaves; a body may run again, so it resets what it wrote. */
struct save {
    struct api_call *call;
    const void *spec;
    enum err_code (*save)(struct store_tx *tx, const void *spec, const struct store_actor *actor,
                          char out_id[ID_SIZE], struct err *err);
    const char *collection;
    char id[ID_SIZE];
};

static enum err_code save_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct save *save = ctx;
    struct api_call *call = save->call;
    struct store_record record;
    size_t headers = call->response->header_count;
    enum err_code rc;
    buf_clear(&call->response->body);
    if ((rc = save->save(tx, save->spec, &call->actor, save->id, err)) ||
        (rc = store_get(tx, save->collection, save->id, &record, call->arena, err)))
        return rc;
    api_answer_record(call, &record);
    rc = api_idempotency_keep(call, tx, err);
    if (rc)
        call->response->header_count = headers;
    return rc;
}

static enum err_code store_stage(struct save *save, struct err *err)
{
    enum err_code rc = store_write(save->call->api->options.store, save_body, save, err);
    if (!rc)
        save->call->idempotency_key = NULL; /* kept in the same transaction */
    return rc;
}

static enum err_code save_requirement(struct store_tx *tx, const void *spec,
                                      const struct store_actor *actor, char out_id[ID_SIZE],
                                      struct err *err)
{
    return business_requirement_save(tx, spec, actor, out_id, err);
}

static enum err_code post_requirement(struct api_call *call, struct err *err)
{
    struct need need;
    struct business_requirement spec;
    enum err_code rc;
    if ((rc = api_decode(call, &need_table, &need, err)) ||
        (rc = read_need(call, &need, &spec, err)))
        return rc;
    struct save save = {
        .call = call, .spec = &spec, .save = save_requirement, .collection = "requirements"};
    return store_stage(&save, err);
}

/* ---- solutions ---- */

struct wish {
    const char *requirement, *text;
    int objective;
    struct opt_double time_limit_s;
};
static const struct json_field wish_fields[] = {
    JSON_FIELD("requirement", JSON_STRING, struct wish, requirement, JSON_NON_EMPTY,
               "a stored requirement"),
    {.name = "text",
     .kind = JSON_STRING,
     .offset = offsetof(struct wish, text),
     .flags = JSON_NON_EMPTY,
     .max_len = INTENT_MAX_BYTES,
     .doc = "or the need in words, which is stored first"},
    JSON_FIELD_ENUM("objective", struct wish, objective, 0, requirement_objective_names,
                    "what to prefer; absent = the requirement's, else cost"),
    JSON_FIELD_RANGE("time_limit_s", JSON_OPT_DOUBLE, struct wish, time_limit_s, 0, 0.01, 600,
                     "most seconds for the search"),
};
static enum err_code check_wish(const void *object, struct err *err)
{
    const struct wish *wish = object;
    if (!wish->text == !wish->requirement)
        return err_set(err, ERR_INVALID, "give either requirement or text");
    return ERR_OK;
}
static const struct json_table wish_table =
    JSON_TABLE("Wish", struct wish, wish_fields, "what to design for", check_wish);

static bool is_late(void *deadline)
{
    return clock_mono_ms() > *(int64_t *)deadline;
}

/* What was not said but follows from where the request comes: users of a service that must run on
 * this machine, and name no place, are on this machine. */
static void assume_place(struct api_call *call, struct requirement *requirement,
                         const struct network *network, struct solution_answer *notes)
{
    const char *here = call->api->options.local_place;
    bool known = false;
    if (!here || requirement->user_location)
        return;
    for (size_t i = 0; i < requirement->components.count; i++)
        if (!str_eq(requirement->components.items[i].location, here))
            return;
    for (size_t i = 0; i < network->access.count; i++)
        known = known || str_eq(network->access.items[i].id, here);
    if (!known)
        return;
    requirement->user_location = here;
    *LIST_ADD(call->arena, &notes->conflict) =
        arena_printf(call->arena, "users are at %s too: no other place of theirs was said", here);
}

/* The network as one need sees it.  Where no place of users is said, the contract takes the
 * farthest access point; the one of this machine leads to this machine only and is no place where
 * users of anything else could be, so it is left out then. */
static const struct network *network_for(struct api_call *call,
                                         const struct requirement *requirement,
                                         const struct compute_snapshot *snapshot)
{
    const char *here = call->api->options.local_place;
    if (!here || requirement->user_location)
        return &snapshot->network;
    const struct network *all = &snapshot->network;
    struct network *some = arena_memdup(call->arena, all, sizeof *all);
    some->access.items = arena_array(call->arena, all->access.count, sizeof *all->access.items);
    some->links.items = arena_array(call->arena, all->links.count, sizeof *all->links.items);
    some->access.count = some->links.count = 0;
    for (size_t i = 0; i < all->access.count; i++)
        if (!str_eq(all->access.items[i].id, here))
            some->access.items[some->access.count++] = all->access.items[i];
    for (size_t i = 0; i < all->links.count; i++)
        if (!str_eq(all->links.items[i].a, here) && !str_eq(all->links.items[i].b, here))
            some->links.items[some->links.count++] = all->links.items[i];
    return some;
}

/* Sizes that were not said come from what the application needs. */
static void assume_sizes(struct api_call *call, struct requirement *requirement,
                         const struct application_spec_refs *applications,
                         struct solution_answer *notes)
{
    for (size_t i = 0; i < requirement->components.count; i++) {
        struct requirement_component *component = &requirement->components.items[i];
        const struct application_spec_ref *ref =
            application_spec_find(applications, component->name);
        if (!ref)
            continue;
        const struct application_spec_needs *needs = &ref->spec.needs;
        const struct {
            struct opt_double *have;
            const struct opt_double *need;
            const char *what;
        } sizes[] = {{&component->vcpus, &needs->vcpus, "vCPU"},
                     {&component->memory_gib, &needs->memory_gib, "GiB of memory"},
                     {&component->disk_gib, &needs->disk_gib, "GiB of disk"}};
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            if (sizes[k].have->set || !sizes[k].need->set)
                continue;
            *sizes[k].have = *sizes[k].need;
            *LIST_ADD(call->arena, &notes->conflict) =
                arena_printf(call->arena, "%s takes %g %s, the least that %s needs",
                             component->name, sizes[k].need->value, sizes[k].what, ref->id);
        }
    }
}

static void infeasible_problem(struct api_call *call, const struct solution_answer *answer,
                               const struct err *err)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    json_encode(&solution_answer_table, answer, JSON_COMPACT, &all);
    /* The members of the answer become members of the problem: strip the braces. */
    char *members = arena_strndup(call->arena, buf_str(&all) + 1, all.len - 2);
    api_problem(call->response, err, call->request->path, call->request_id, members);
}

static enum err_code match_applications(struct api_call *call, const struct requirement *need,
                                        struct application_spec_refs *out, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc = store_begin(call->api->options.store, STORE_READ, &tx, err);
    return rc ? rc
              : application_match(call->api->options.application, tx, need, out, call->arena, err);
}

static enum err_code save_solution(struct store_tx *tx, const void *spec,
                                   const struct store_actor *actor, char out_id[ID_SIZE],
                                   struct err *err)
{
    return business_solution_save(tx, spec, actor, out_id, err);
}

static enum err_code design_for(struct api_call *call, const struct wish *wish,
                                struct requirement *requirement, const char *requirement_id,
                                const struct compute_snapshot *snapshot, struct err *err)
{
    struct application_spec_refs applications = {0};
    struct solution_answer *answer = arena_zalloc(call->arena, sizeof *answer);
    struct solution_answer assumed = {0}; /* collects assumptions in a list of texts */
    enum err_code rc = match_applications(call, requirement, &applications, err);
    if (rc)
        return rc;
    assume_place(call, requirement, &snapshot->network, &assumed);
    assume_sizes(call, requirement, &applications, &assumed);
    double limit = call->api->options.design_time_limit_s;
    if (wish->time_limit_s.set && wish->time_limit_s.value < limit)
        limit = wish->time_limit_s.value;
    int64_t deadline = clock_mono_ms() + (int64_t)(limit * 1000);
    struct design_input input = {.given = {.requirement = requirement,
                                           .network = network_for(call, requirement, snapshot),
                                           .notes = &snapshot->notes,
                                           .connections = &snapshot->connections,
                                           .applications = &applications,
                                           .now_ms = clock_now_ms()},
                                 .objective = wish->objective,
                                 .should_stop = is_late,
                                 .stop_ctx = &deadline};
    call->api->designs++;
    rc = design_solve(&input, answer, call->arena, err);
    if (rc == ERR_INFEASIBLE) {
        call->api->designs_infeasible++;
        infeasible_problem(call, answer, err);
    }
    if (rc)
        return rc;
    for (size_t i = 0; i < answer->solutions.count; i++)
        for (size_t k = 0; k < assumed.conflict.count; k++)
            *LIST_ADD(call->arena, &answer->solutions.items[i].assumptions) =
                assumed.conflict.items[k];
    struct business_solution spec = {.requirement_id = requirement_id,
                                     .requirement = requirement,
                                     .network_version = snapshot->version,
                                     .answer = answer};
    for (size_t i = 0; i < applications.items.count; i++)
        *LIST_ADD(call->arena, &spec.applications) = applications.items.items[i].id;
    struct save save = {
        .call = call, .spec = &spec, .save = save_solution, .collection = "solutions"};
    return store_stage(&save, err);
}

static enum err_code load_requirement(struct api_call *call, const char *id,
                                      struct business_requirement *out, const char **ret_id,
                                      struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    int64_t version;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_requirement_load(tx, id, api_tenant(call), out, &version, call->arena, err)))
        return rc;
    *ret_id = arena_printf(call->arena, "%s@%lld", id, (long long)version);
    return ERR_OK;
}

struct requirement_save {
    struct api_call *call;
    const struct business_requirement *spec;
    char id[ID_SIZE];
};

static enum err_code requirement_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct requirement_save *save = ctx;
    return business_requirement_save(tx, save->spec, &save->call->actor, save->id, err);
}

static enum err_code post_solution(struct api_call *call, struct err *err)
{
    struct wish wish;
    struct business_requirement need;
    const char *requirement_id = NULL;
    enum err_code rc = api_decode(call, &wish_table, &wish, err);
    if (rc)
        return rc;
    if (wish.text) {
        struct need words = {.text = wish.text};
        struct requirement_save save = {.call = call, .spec = &need};
        if ((rc = read_need(call, &words, &need, err)) ||
            (rc = store_write(call->api->options.store, requirement_body, &save, err)))
            return rc;
        requirement_id = arena_printf(call->arena, "%s@1", save.id);
    } else if ((rc = load_requirement(call, wish.requirement, &need, &requirement_id, err))) {
        return rc;
    }
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    rc = design_for(call, &wish, need.requirement, requirement_id, snapshot, err);
    compute_snapshot_unref(snapshot);
    return rc;
}

static enum err_code evaluate_again(struct api_call *call, struct err *err)
{
    struct business_solution set;
    struct application_spec_refs applications = {0};
    const char *choice = http_query(call->request, "choice");
    int64_t index = 0;
    enum err_code rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, call->params[0], api_tenant(call), &set, NULL, call->arena,
                                     err)) ||
        (rc = application_match(call->api->options.application, tx, set.requirement, &applications,
                                call->arena, err)))
        return rc;
    store_rollback_at(&tx);
    if ((choice && str_to_int64(choice, &index, NULL)) || index < 0 ||
        (size_t)index >= set.answer->solutions.count) {
        err_set(err, ERR_INVALID, "the set holds the choices 0 to %zu",
                set.answer->solutions.count - 1);
        return err_field(err, "choice");
    }
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    struct evaluation_input input = {.requirement = set.requirement,
                                     .network = network_for(call, set.requirement, snapshot),
                                     .notes = &snapshot->notes,
                                     .connections = &snapshot->connections,
                                     .applications = &applications,
                                     .now_ms = clock_now_ms()};
    struct feasibility_report report;
    rc = evaluation_report(&input, &set.answer->solutions.items[index], &report, call->arena, err);
    if (!rc)
        api_answer_table(call, &feasibility_report_table, &report);
    compute_snapshot_unref(snapshot);
    return rc;
}

/* ---- orders ---- */

static enum err_code save_order(struct store_tx *tx, const void *spec,
                                const struct store_actor *actor, char out_id[ID_SIZE],
                                struct err *err)
{
    return business_order_save(tx, spec, actor, out_id, err);
}

static enum err_code post_order(struct api_call *call, struct err *err)
{
    struct order_spec spec;
    enum err_code rc = api_decode(call, &order_spec_table, &spec, err);
    if (rc)
        return rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct business_solution set;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, spec.solution, api_tenant(call), &set, NULL, call->arena,
                                     err)))
        return rc;
    store_rollback_at(&tx);
    struct save save = {.call = call, .spec = &spec, .save = save_order, .collection = "orders"};
    return store_stage(&save, err);
}

/* ---- plans ---- */

struct plan_wish {
    const char *order;
    bool simulate;
};
static const struct json_field plan_wish_fields[] = {
    JSON_FIELD("order", JSON_STRING, struct plan_wish, order, JSON_REQUIRED | JSON_NON_EMPTY,
               "a confirmed order"),
    JSON_FIELD("simulate", JSON_BOOL, struct plan_wish, simulate, 0,
               "sites that are catalogue only go to the simulator, labelled so"),
};
static const struct json_table plan_wish_table =
    JSON_TABLE("PlanWish", struct plan_wish, plan_wish_fields, "what to plan", NULL);

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
        (rc = business_solution_load(tx, spec.solution, api_tenant(call), &out->set, &version,
                                     call->arena, err)) ||
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

struct plan_save {
    struct plan plan;
    const char *order;
};

static enum err_code save_plan(struct store_tx *tx, const void *spec,
                               const struct store_actor *actor, char out_id[ID_SIZE],
                               struct err *err)
{
    const struct plan_save *save = spec;
    return business_plan_save(tx, &save->plan, save->order, actor, out_id, err);
}

static enum err_code post_plan(struct api_call *call, struct err *err)
{
    struct plan_wish wish;
    struct planning planning = {0};
    enum err_code rc = api_decode(call, &plan_wish_table, &wish, err);
    if (rc)
        return rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = load_planning(call, tx, wish.order, &planning, err)))
        return rc;
    store_rollback_at(&tx);
    char deployment[ID_SIZE];
    id_new("dep", deployment);
    struct plan_save plan = {.order = wish.order};
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    rc = make_plan(call, &planning, deployment, wish.simulate, snapshot->version, snapshot,
                   &plan.plan, err);
    if (!rc) {
        struct save save = {.call = call, .spec = &plan, .save = save_plan, .collection = "plans"};
        rc = store_stage(&save, err);
    }
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
    struct api_call *call;
    const char *plan_id, *order, *title;
    struct plan plan;
    struct planning planning;
    char run_id[ID_SIZE];
};

/* Has what the plan was made from moved in a way that matters?  The plan is made again from the
 * network of now: same price and same tasks, or refuse and say what differs. */
static enum err_code check_basis(struct apply *apply, struct err *err)
{
    struct api_call *call = apply->call;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    enum err_code rc = ERR_OK;
    if (snapshot->version != apply->plan.basis.network_version) {
        struct evaluation_input input = {
            .requirement = apply->planning.set.requirement,
            .network = network_for(call, apply->planning.set.requirement, snapshot),
            .notes = &snapshot->notes,
            .connections = &snapshot->connections,
            .applications = &apply->planning.applications};
        struct evaluation_model *model;
        struct evaluation_figures now;
        struct solution solution = *apply->planning.chosen;
        struct plan again;
        if ((rc = evaluation_model_new(&input, &model, call->arena, err)) ||
            (rc = evaluation_measure(model, &solution, &now, call->arena, err))) {
            err_context(err, "the plan's basis has moved");
        } else if (!now.feasible) {
            const struct feasibility_check *first =
                now.violations.count ? &now.violations.items[0] : NULL;
            rc = err_set(err, ERR_PRECONDITION,
                         "the network has changed since: %s of %s no longer holds (asked %s, now "
                         "%s %s)",
                         first ? first->code : "the design",
                         first && first->subject ? first->subject : "it",
                         first && first->required ? first->required : "-",
                         first && first->observed ? first->observed : "unknown",
                         first && first->unit ? first->unit : "");
        } else if (fabs(now.cost - apply->planning.chosen->cost) > 0.005) {
            rc = err_set(err, ERR_PRECONDITION,
                         "prices have changed since: %.2f a month was approved, it is %.2f now",
                         apply->planning.chosen->cost, now.cost);
        } else if (!(rc = make_plan(call, &apply->planning, apply->plan.deployment,
                                    apply->plan.simulated, apply->plan.basis.network_version,
                                    snapshot, &again, err)) &&
                   !str_eq(again.digest, apply->plan.digest)) {
            rc = err_set(err, ERR_PRECONDITION,
                         "applications or connections have changed since: the plan made now "
                         "differs (%s)",
                         again.digest);
        }
        if (rc == ERR_PRECONDITION)
            err_hint(err, "look at the change, then make a new plan (or a new design)");
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

static enum err_code apply_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct apply *apply = ctx;
    struct api_call *call = apply->call;
    size_t headers = call->response->header_count;
    struct store_record record;
    enum err_code rc;
    buf_clear(&call->response->body);
    id_new("run", apply->run_id);
    if ((rc = compute_allocate(tx, apply->plan.deployment, apply->planning.set.requirement,
                               apply->planning.chosen, &call->actor, err)) ||
        (rc = business_apply(tx, apply->plan_id, &apply->plan, apply->order, apply->run_id,
                             apply->title, &call->actor, err)) ||
        (rc =
             workflow_submit(tx, apply->run_id, apply->plan_id, &apply->plan, &call->actor, err)) ||
        (rc = store_get(tx, "runs", apply->run_id, &record, call->arena, err)))
        return rc;
    api_answer_record(call, &record);
    if ((rc = api_idempotency_keep(call, tx, err)))
        call->response->header_count = headers;
    return rc;
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

static enum err_code post_run(struct api_call *call, struct err *err)
{
    struct apply_wish wish;
    struct apply apply = {.call = call};
    enum err_code rc = api_decode(call, &apply_wish_table, &wish, err);
    if (rc)
        return rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_plan_load(tx, wish.plan, api_tenant(call), &apply.plan, &apply.order,
                                 call->arena, err)))
        return rc;
    if (!str_eq(wish.digest, apply.plan.digest)) {
        err_set(err, ERR_PRECONDITION, "the plan's digest is %s", apply.plan.digest);
        err_hint(err, "what is applied is the plan that was looked at: show it again");
        return err_field(err, "digest");
    }
    if ((rc = plan_check_seal(&apply.plan, err)))
        return rc;
    if (!str_eq(apply.plan.purpose, "open"))
        return err_set(err, ERR_CONFLICT,
                       "a plan to remove is applied by DELETE of its "
                       "deployment");
    if ((rc = load_planning(call, tx, apply.order, &apply.planning, err)) ||
        (rc = title_of(call, tx, &apply, err)))
        return rc;
    store_rollback_at(&tx);
    apply.plan_id = wish.plan;
    if ((rc = check_basis(&apply, err)) ||
        (rc = store_write(call->api->options.store, apply_body, &apply, err)))
        return rc;
    call->idempotency_key = NULL;
    workflow_wake(call->api->options.workflow);
    return ERR_OK;
}

struct cancel {
    struct api_call *call;
};

static enum err_code cancel_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct cancel *cancel = ctx;
    struct api_call *call = cancel->call;
    struct store_record record;
    enum err_code rc = store_get(tx, "runs", call->params[0], &record, call->arena, err);
    if (rc)
        return rc;
    if (api_tenant(call) && !str_eq(record.tenant, api_tenant(call)))
        return err_set(err, ERR_NOT_FOUND, "no run is named '%s'", call->params[0]);
    return workflow_cancel(tx, call->params[0], &call->actor, err);
}

static enum err_code cancel_run(struct api_call *call, struct err *err)
{
    struct cancel cancel = {call};
    enum err_code rc = store_write(call->api->options.store, cancel_body, &cancel, err);
    if (rc)
        return rc;
    workflow_wake(call->api->options.workflow);
    return api_answer_stored(call, "runs", call->params[0], err);
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/requirements", ACCESS_CUSTOMER, API_CREATED, &need_table,
     &business_requirement_table, "read a need", post_requirement},
    {"POST", "/api/v1/solutions", ACCESS_CUSTOMER, API_CREATED, &wish_table,
     &business_solution_table, "design solutions for a need", post_solution},
    {"POST", "/api/v1/solutions/{id}/evaluate", ACCESS_VIEWER, API_NO_AUDIT, NULL,
     &feasibility_report_table, "judge a solution against the network of now", evaluate_again},
    {"POST", "/api/v1/orders", ACCESS_CUSTOMER, API_CREATED, &order_spec_table, &order_spec_table,
     "order a solution", post_order},
    {"POST", "/api/v1/plans", ACCESS_CUSTOMER, API_CREATED, &plan_wish_table, &plan_table,
     "plan an order", post_plan},
    {"POST", "/api/v1/runs", ACCESS_CUSTOMER, API_ACCEPTED, &apply_wish_table, &run_spec_table,
     "apply a plan", post_run},
    {"POST", "/api/v1/runs/{id}/cancel", ACCESS_CUSTOMER, API_ACCEPTED, NULL, &run_spec_table,
     "stop a run and undo what it made", cancel_run},
};
const struct api_routes api_routes_loop = {routes, ARRAY_LEN(routes)};
