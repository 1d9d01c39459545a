/* need_routes.c - from words to designs: requirements, solutions, evaluation.
 * Designs are made in designing.c. */
#include <string.h>

#include "api/api_priv.h"
#include "api/designing.h"
#include "base/clock.h"
#include "base/str.h"
#include "business/business.h"
#include "intelligent/evaluation/evaluation.h"

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
    struct opt_int reserve_s;
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
    JSON_FIELD_RANGE("reserve_s", JSON_OPT_INT, struct wish, reserve_s, 0, 0, API_RESERVE_MAX_S,
                     "seconds for which the room of the first candidate is held; 0 = not at all; "
                     "absent = as the server does"),
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

enum err_code api_design_need(struct api_call *call, const char *requirement, const char *text,
                              struct api_design *design, struct err *err)
{
    struct business_requirement *stored = arena_zalloc(call->arena, sizeof *stored);
    struct need words = {.text = text};
    enum err_code rc =
        text ? read_need(call, &words, stored, err)
             : load_requirement(call, requirement, stored, &design->spec.requirement_id, err);
    if (rc)
        return rc;
    design->said = text ? stored : NULL;
    design->asked = stored->requirement;
    return ERR_OK;
}

static enum err_code post_solution(struct api_call *call, struct err *err)
{
    struct wish wish;
    struct api_design design = {.stage = {.call = call}};
    enum err_code rc;
    if ((rc = api_decode(call, &wish_table, &wish, err)) ||
        (rc = api_design_need(call, wish.requirement, wish.text, &design, err)))
        return rc;
    design.spec.objective = wish.objective;
    design.time_limit_s = wish.time_limit_s;
    design.reserve_s = api_reserve_s(call, wish.reserve_s);
    return api_design_and_store(&design, err);
}

static enum err_code evaluate_again(struct api_call *call, struct err *err)
{
    struct business_solution set;
    struct evaluation_input input = {.requirement = NULL};
    const char *choice = http_query(call->request, "choice");
    const char *version = http_query(call->request, "version");
    int64_t index = 0, number = 0;
    enum err_code rc;
    if (version && (str_to_int64(version, &number, NULL) || number < 1)) {
        err_set(err, ERR_INVALID, "a version is a number from 1");
        return err_field(err, "version");
    }
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = business_solution_load(tx, call->params[0], number, api_tenant(call), &set, NULL,
                                     call->arena, err)))
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
    input.network = api_network_for(call, set.requirement, snapshot, call->params[0]);
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
    {"POST", "/api/v1/solutions", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN | API_LONG,
     &wish_table, NULL, "solutions", NULL, "design solutions for a need", post_solution},
    {"POST", "/api/v1/solutions/{id}/evaluate", ACCESS_VIEWER, API_NO_EFFECT, NULL,
     &feasibility_report_table, NULL, "choice version",
     "judge a solution against the network of now", evaluate_again},
};
const struct api_routes api_routes_need = {routes, ARRAY_LEN(routes)};
