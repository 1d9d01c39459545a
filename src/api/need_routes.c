/* need_routes.c - from words to designs: requirements, solutions, evaluation.
 *
 * Contract: a design runs on a snapshot and outside of any transaction; what it was made from and
 * what it found are stored together. */
#include <string.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/str.h"
#include "business/business.h"
#include "intelligent/design/design.h"

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

struct requirement_stage {
    struct api_stage stage;
    const struct business_requirement *spec;
};

static enum err_code requirement_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    const struct requirement_stage *requirement = (struct requirement_stage *)stage;
    return business_requirement_save(tx, requirement->spec, &stage->call->actor, stage->id, err);
}

static enum err_code post_requirement(struct api_call *call, struct err *err)
{
    struct need need;
    struct business_requirement spec;
    enum err_code rc;
    if ((rc = api_decode(call, &need_table, &need, err)) ||
        (rc = read_need(call, &need, &spec, err)))
        return rc;
    struct requirement_stage requirement = {
        .stage = {.call = call, .collection = "requirements", .body = requirement_body},
        .spec = &spec};
    return api_stage_store(&requirement.stage, err);
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

/* Where no place of users is said, the contract takes the farthest access point; the one of this
 * machine leads to this machine only and is no place where users of anything else could be, so it
 * is left out then. */
const struct network *api_network_for(struct api_call *call, const struct requirement *requirement,
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
    const char *members =
        all.len > 2 ? arena_strndup(call->arena, buf_str(&all) + 1, all.len - 2) : NULL;
    api_problem(call->response, err, call->request->path, call->request_id, members);
}

struct solution_stage {
    struct api_stage stage;
    const struct business_requirement *said; /* words that are stored with it, or NULL */
    struct business_solution spec;
};

static enum err_code solution_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct solution_stage *solution = (struct solution_stage *)stage;
    struct api_call *call = stage->call;
    if (solution->said) {
        char id[ID_SIZE];
        enum err_code rc = business_requirement_save(tx, solution->said, &call->actor, id, err);
        if (rc)
            return rc;
        solution->spec.requirement_id = arena_printf(call->arena, "%s@1", id);
    }
    return business_solution_save(tx, &solution->spec, &call->actor, stage->id, err);
}

/* The engine's lists may have any capacity: a longer one is a new one. */
static void add_assumptions(struct solution_answer *answer, const struct solution_answer *assumed,
                            struct arena *arena)
{
    for (size_t i = 0; i < answer->solutions.count; i++) {
        struct solution *solution = &answer->solutions.items[i];
        size_t count = solution->assumptions.count + assumed->conflict.count;
        const char **all = arena_array(arena, count + 1, sizeof *all);
        size_t at = 0;
        for (size_t k = 0; k < assumed->conflict.count; k++)
            all[at++] = assumed->conflict.items[k];
        for (size_t k = 0; k < solution->assumptions.count; k++)
            all[at++] = solution->assumptions.items[k];
        solution->assumptions.items = all;
        solution->assumptions.count = count;
    }
}

/* The requirement that is designed for gets the assumptions; what was said stays as it was said. */
static enum err_code copy_requirement(const struct requirement *from, struct requirement **out,
                                      struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    *out = arena_zalloc(arena, sizeof **out);
    json_encode(&requirement_table, from, JSON_COMPACT, &text);
    return json_decode_stored(arena_strdup(arena, buf_str(&text)), &requirement_table, *out, arena,
                              err);
}

static enum err_code solve(struct api_call *call, const struct wish *wish,
                           const struct requirement *requirement,
                           const struct evaluation_input *judge,
                           const struct compute_snapshot *snapshot, struct solution_answer *answer,
                           struct err *err)
{
    double limit = call->api->options.design_time_limit_s;
    if (wish->time_limit_s.set && wish->time_limit_s.value < limit)
        limit = wish->time_limit_s.value;
    int64_t deadline = clock_mono_ms() + (int64_t)(limit * 1000);
    struct design_input input = {.given = {.requirement = requirement,
                                           .network = api_network_for(call, requirement, snapshot),
                                           .notes = &snapshot->notes,
                                           .connections = &snapshot->connections,
                                           .applications = judge->applications,
                                           .standards = judge->standards,
                                           .cases = judge->cases,
                                           .now_ms = clock_now_ms()},
                                 .objective = wish->objective,
                                 .should_stop = is_late,
                                 .stop_ctx = &deadline};
    call->api->designs++;
    enum err_code rc = design_solve(&input, answer, call->arena, err);
    if (rc == ERR_INFEASIBLE) {
        call->api->designs_infeasible++;
        infeasible_problem(call, answer, err);
    } else if (rc == ERR_CANCELLED) {
        rc = err_set(err, ERR_TIMEOUT, "nothing was found within %g s", limit);
        err_hint(err, "give it more time with time_limit_s (at most %g here), or ask for less",
                 call->api->options.design_time_limit_s);
    }
    return rc;
}

static enum err_code load_requirement(struct api_call *call, const char *id,
                                      struct business_requirement *out, const char **ret_id,
                                      struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    int64_t version;
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_requirement_load(tx, id, api_tenant(call), out, &version, call->arena,
                                        err)) ||
        (rc = api_act_for(call, tx, "requirements", id, err)))
        return rc;
    *ret_id = arena_printf(call->arena, "%s@%lld", id, (long long)version);
    return ERR_OK;
}

static enum err_code post_solution(struct api_call *call, struct err *err)
{
    struct wish wish;
    struct business_requirement need;
    struct requirement *requirement;
    struct evaluation_input judge = {.requirement = NULL};
    struct solution_answer *answer = arena_zalloc(call->arena, sizeof *answer);
    struct solution_answer assumed = {0}; /* collects assumptions in a list of texts */
    struct solution_stage solution = {
        .stage = {.call = call, .collection = "solutions", .body = solution_body}};
    enum err_code rc = api_decode(call, &wish_table, &wish, err);
    if (rc)
        return rc;
    struct need words = {.text = wish.text};
    rc = wish.text
             ? read_need(call, &words, &need, err)
             : load_requirement(call, wish.requirement, &need, &solution.spec.requirement_id, err);
    if (rc || (rc = copy_requirement(need.requirement, &requirement, call->arena, err)) ||
        (rc = api_judge(call, requirement, &judge, err)))
        return rc;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    assume_place(call, requirement, &snapshot->network, &assumed);
    assume_sizes(call, requirement, judge.applications, &assumed);
    rc = solve(call, &wish, requirement, &judge, snapshot, answer, err);
    if (!rc) {
        add_assumptions(answer, &assumed, call->arena);
        solution.said = wish.text ? &need : NULL;
        solution.spec.requirement = requirement;
        solution.spec.network_version = snapshot->version;
        solution.spec.answer = answer;
        for (size_t i = 0; i < judge.applications->items.count; i++)
            if (judge.applications->items.items[i].component)
                *LIST_ADD(call->arena, &solution.spec.applications) =
                    judge.applications->items.items[i].id;
        rc = api_stage_store(&solution.stage, err);
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

static enum err_code evaluate_again(struct api_call *call, struct err *err)
{
    struct business_solution set;
    struct evaluation_input input = {.requirement = NULL};
    const char *choice = http_query(call->request, "choice");
    int64_t index = 0;
    enum err_code rc;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, call->params[0], api_tenant(call), &set, NULL, call->arena,
                                     err)))
        return rc;
    store_rollback_at(&tx);
    if ((rc = api_judge(call, set.requirement, &input, err)))
        return rc;
    if ((choice && str_to_int64(choice, &index, NULL)) || index < 0 ||
        (size_t)index >= set.answer->solutions.count) {
        err_set(err, ERR_INVALID, "the set holds the choices 0 to %zu",
                set.answer->solutions.count - 1);
        return err_field(err, "choice");
    }
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    input.requirement = set.requirement;
    input.network = api_network_for(call, set.requirement, snapshot);
    input.notes = &snapshot->notes;
    input.connections = &snapshot->connections;
    input.now_ms = clock_now_ms();
    struct feasibility_report report;
    rc = evaluation_report(&input, &set.answer->solutions.items[index], &report, call->arena, err);
    if (!rc)
        api_answer_table(call, &feasibility_report_table, &report);
    compute_snapshot_unref(snapshot);
    return rc;
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/requirements", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN, &need_table, NULL,
     "requirements", NULL, "read a need", post_requirement},
    {"POST", "/api/v1/solutions", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN, &wish_table, NULL,
     "solutions", NULL, "design solutions for a need", post_solution},
    {"POST", "/api/v1/solutions/{id}/evaluate", ACCESS_VIEWER, API_NO_EFFECT, NULL,
     &feasibility_report_table, NULL, "choice", "judge a solution against the network of now",
     evaluate_again},
};
const struct api_routes api_routes_need = {routes, ARRAY_LEN(routes)};
