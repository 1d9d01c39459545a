/* batch_routes.c - several needs designed jointly: the least total cost with shared capacity.
 *
 * Contract: all sets of a batch, their requirements where they came as words, and all that is held
 * for them are one transaction.  A need that is impossible whatever the others do is left out and
 * said; when the others are impossible together, nothing is stored. */
#include "api/api_priv.h"
#include "api/designing.h"
#include "base/clock.h"
#include "base/str.h"
#include "intelligent/design/design.h"
#include "types/solution_batch.h"

struct batch_item {
    const char *requirement, *text;
};
static const struct json_field item_fields[] = {
    JSON_FIELD("requirement", JSON_STRING, struct batch_item, requirement, JSON_NON_EMPTY,
               "a stored requirement"),
    {.name = "text",
     .kind = JSON_STRING,
     .offset = offsetof(struct batch_item, text),
     .flags = JSON_NON_EMPTY,
     .max_len = INTENT_MAX_BYTES,
     .doc = "or the need in words, which is stored with its solution"},
};
static enum err_code check_item(const void *object, struct err *err)
{
    const struct batch_item *item = object;
    if (!item->text == !item->requirement)
        return err_set(err, ERR_INVALID, "give either requirement or text");
    return ERR_OK;
}
static const struct json_table item_table =
    JSON_TABLE("BatchItem", struct batch_item, item_fields, "one of the needs", check_item);

struct batch_wish {
    LIST(struct batch_item) needs;
    struct opt_double time_limit_s;
    struct opt_int reserve_s;
};
static const struct json_field batch_fields[] = {
    {.name = "needs",
     .kind = JSON_ARRAY,
     .offset = offsetof(struct batch_wish, needs),
     .flags = JSON_REQUIRED | JSON_NON_EMPTY,
     .table = &item_table,
     .max_len = DESIGN_BATCH_MAX,
     .doc = "what to design for, jointly"},
    JSON_FIELD_RANGE("time_limit_s", JSON_OPT_DOUBLE, struct batch_wish, time_limit_s, 0, 0.01, 600,
                     "most seconds for the search"),
    JSON_FIELD_RANGE("reserve_s", JSON_OPT_INT, struct batch_wish, reserve_s, 0, 0,
                     API_RESERVE_MAX_S, "seconds for which their room is held; 0 = not at all"),
};
static const struct json_table batch_table = JSON_TABLE(
    "BatchWish", struct batch_wish, batch_fields, "needs to be designed for jointly", NULL);

struct batch {
    struct api_stage stage;
    struct api_design *designs;
    size_t count;
    struct opt_double time_limit_s;
    struct design_batch found;
    struct solution_answer *assumed; /* one for each */
    struct solution_batch answer;
};

/* ---- one network for all ---- */

/* Each need sees the network from where its users are.  Only this machine's access point makes
 * networks differ: needs of users here go with needs of users somewhere said, not with needs that
 * say nothing, which must not see it. */
static enum err_code network_of(struct batch *batch, const struct compute_snapshot *snapshot,
                                const struct network **out, struct err *err)
{
    struct api_call *call = batch->stage.call;
    const char *here = call->api->options.local_place;
    size_t silent = 0, at_home = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const char *users = batch->designs[i].spec.requirement->user_location;
        silent = !users ? i + 1 : silent;
        at_home = users && str_eq(users, here) ? i + 1 : at_home;
    }
    if (silent && at_home) {
        err_set(err, ERR_UNSUPPORTED,
                "the users of need %zu are on this machine, those of need "
                "%zu are not said: they cannot be designed for jointly",
                at_home, silent);
        return err_field(err, "needs[%zu]", silent - 1);
    }
    *out = api_network_for(call, batch->designs[silent ? silent - 1 : 0].spec.requirement, snapshot,
                           NULL);
    return ERR_OK;
}

/* ---- what is answered ---- */

static void tell(struct batch *batch, const struct network *network)
{
    int64_t redesigns = batch->answer.redesigns;
    design_batch_tell(&batch->found, network->currency, &batch->answer, batch->stage.call->arena);
    batch->answer.redesigns = redesigns;
    for (size_t i = 0; i < batch->answer.needs.count; i++)
        batch->answer.needs.items[i].requirement = batch->designs[i].spec.requirement_id;
}

static void write_answer(struct api_stage *stage)
{
    struct batch *batch = (struct batch *)stage;
    api_answer_table(stage->call, &solution_batch_table, &batch->answer);
    if (stage->call->dry_run)
        stage->call->response->status = 200;
}

static void write_problem(struct batch *batch, const struct err *err)
{
    struct api_call *call = batch->stage.call;
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    json_encode(&solution_batch_table, &batch->answer, JSON_COMPACT, &all);
    /* The members of the answer become members of the problem: strip the braces. */
    const char *members =
        all.len > 2 ? arena_strndup(call->arena, buf_str(&all) + 1, all.len - 2) : NULL;
    api_problem(call->response, err, call->request->path, call->request_id, members);
}

/* ---- design ---- */

static enum err_code find(struct batch *batch, const struct compute_snapshot *snapshot,
                          const struct network *network, struct err *err)
{
    struct api_call *call = batch->stage.call;
    struct api_design_stop stop = api_design_stop(call, batch->time_limit_s);
    struct design_input *needs = arena_array(call->arena, batch->count, sizeof *needs);
    for (size_t i = 0; i < batch->count; i++) {
        struct evaluation_input *given = &needs[i].given;
        *given = batch->designs[i].judge;
        given->requirement = batch->designs[i].spec.requirement;
        given->network = network;
        given->notes = &snapshot->notes;
        given->connections = &snapshot->connections;
        given->now_ms = clock_now_ms();
    }
    struct design_batch_input input = {needs, batch->count, api_design_is_late, &stop};
    batch->found = (struct design_batch){.count = 0};
    call->api->designs++;
    enum err_code rc = design_solve_batch(&input, &batch->found, call->arena, err);
    if (rc == ERR_CANCELLED) {
        err_set(err, ERR_TIMEOUT, "no joint design was found in time");
        return err_hint(err, "give it more time with time_limit_s, or fewer needs");
    }
    if (rc && rc != ERR_INFEASIBLE)
        return rc;
    tell(batch, network);
    size_t met = 0;
    for (size_t i = 0; i < batch->found.count; i++)
        met += batch->found.needs[i].code == ERR_OK;
    if (!rc && !met)
        rc = err_set(err, ERR_INFEASIBLE, "none of the needs can be met");
    if (rc) {
        call->api->designs_infeasible++;
        write_problem(batch, err);
    }
    return rc;
}

static enum err_code batch_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct batch *batch = (struct batch *)stage;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < batch->count; i++) {
        struct api_design *design = &batch->designs[i];
        if (batch->found.needs[i].code)
            continue;
        rc = api_design_save(tx, design, err);
        struct solution_batch_need *need = &batch->answer.needs.items[i];
        need->requirement = design->spec.requirement_id;
        need->solution = arena_strdup(stage->call->arena, design->stage.id);
    }
    return rc;
}

static enum err_code batch_once(void *ctx, struct err *err)
{
    struct batch *batch = ctx;
    struct api_call *call = batch->stage.call;
    const struct network *network = NULL;
    enum err_code rc = ERR_OK;
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    batch->assumed = arena_array(call->arena, batch->count, sizeof *batch->assumed);
    for (size_t i = 0; !rc && i < batch->count; i++) {
        rc = api_design_prepare(&batch->designs[i], &snapshot->network, &batch->assumed[i], err);
        batch->designs[i].spec.network_version = snapshot->version;
    }
    if (!rc && !(rc = network_of(batch, snapshot, &network, err)) &&
        !(rc = find(batch, snapshot, network, err))) {
        for (size_t i = 0; i < batch->count; i++)
            if (!batch->found.needs[i].code)
                api_design_finish(&batch->designs[i], batch->answer.needs.items[i].answer,
                                  &batch->assumed[i]);
        rc = api_stage_store(&batch->stage, err);
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

static enum err_code post_batch(struct api_call *call, struct err *err)
{
    struct batch_wish wish;
    struct batch batch = {.stage = {.call = call, .body = batch_body, .answer = write_answer}};
    enum err_code rc = api_decode(call, &batch_table, &wish, err);
    if (rc)
        return rc;
    batch.count = wish.needs.count;
    batch.time_limit_s = wish.time_limit_s;
    batch.designs = arena_array(call->arena, batch.count, sizeof *batch.designs);
    for (size_t i = 0; i < batch.count; i++) {
        struct api_design *design = &batch.designs[i];
        const struct batch_item *item = &wish.needs.items[i];
        design->stage.call = call;
        design->reserve_s = api_reserve_s(call, wish.reserve_s);
        design->spec.objective = OBJECTIVE_COST;
        if ((rc = api_design_need(call, item->requirement, item->text, design, err)))
            return err_field(err, "needs[%zu]", i);
    }
    return api_design_attempts(call, batch_once, &batch, &batch.answer.redesigns, err);
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/solutions/batch", ACCESS_CUSTOMER, API_CREATED | API_DRY_RUN | API_LONG,
     &batch_table, &solution_batch_table, NULL, NULL, "design solutions for several needs jointly",
     post_batch},
};
const struct api_routes api_routes_batch = {routes, ARRAY_LEN(routes)};
