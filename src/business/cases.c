/* cases.c - what deployments were and how they went, kept small for those who design later.
 *
 * Contract: a case is derived from stages that are stored already and written in the transaction in
 * which the opening ends; a stage that is not there any more leaves a smaller case, or none, and
 * never stops the run.  Its state follows that of the deployment. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "business/business_priv.h"

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

/* name@version that the component was opened with, as the plan says. */
static const char *application_of(const struct plan *plan, const char *component)
{
    for (size_t i = 0; plan && i < plan->tasks.count; i++)
        if (plan->tasks.items[i].spec.application &&
            str_eq(plan->tasks.items[i].spec.component, component))
            return plan->tasks.items[i].spec.application;
    return NULL;
}

static void describe(const struct requirement *need, const struct plan *plan,
                     struct feasibility_case *out, struct arena *arena)
{
    out->scenario = need->scenario;
    out->demands = (struct feasibility_case_demands){
        .max_latency_ms = need->network.max_latency_ms,
        .bandwidth_mbps = need->network.bandwidth_mbps,
        .max_response_ms = need->service_level.max_response_ms,
        .availability_percent = need->service_level.availability_percent,
        .mode = need->reliability.mode};
    for (size_t i = 0; i < need->components.count; i++) {
        const struct requirement_component *own = &need->components.items[i];
        *LIST_ADD(arena, &out->components) = (struct feasibility_case_component){
            .name = own->name,
            .application = application_of(plan, own->name),
            .form = own->form,
            .tier = own->tier, /* of the site where none was asked: compute's, not ours to read */
            .instances = requirement_instances(need, own),
            .vcpus = own->vcpus,
            .memory_gib = own->memory_gib,
            .accelerator = own->accelerator ? own->accelerator->kind : ACCELERATOR_ABSENT};
    }
}

static enum err_code save(struct store_tx *tx, const struct feasibility_case *item,
                          const char *tenant, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct store_record record;
    char id[ID_SIZE];
    enum err_code rc = store_get(tx, "cases", item->id, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        struct business_stage stage = {.collection = "cases",
                                       .tenant = tenant,
                                       .spec_table = &feasibility_case_table,
                                       .spec = item};
        err_clear(err);
        str_format(id, sizeof id, "%s", item->id);
        return business_insert(tx, &stage, &system_actor, id, err);
    }
    if (rc)
        return rc;
    json_encode(&feasibility_case_table, item, JSON_COMPACT, &text);
    return store_update(tx, "cases", item->id, 0, buf_str(&text), NULL, "changed", &system_actor,
                        NULL, err);
}

enum err_code business_case_opened(struct store_tx *tx, const char *deployment,
                                   const struct deployment_spec *spec,
                                   const struct deployment_status *status,
                                   const struct run_status *run, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_order order;
    struct business_solution set;
    struct plan plan;
    enum err_code rc = business_order_get(tx, spec->order, NULL, &order, &arena, err);
    if (!rc)
        rc = business_solution_load(tx, order.spec.solution,
                                    order.spec.version ? order.spec.version : 1, NULL, &set, NULL,
                                    &arena, err);
    if (rc == ERR_NOT_FOUND) { /* a stage that is gone leaves nothing to compare with */
        err_clear(err);
        return ERR_OK;
    }
    if (rc)
        return rc;
    rc = business_plan_load(tx, spec->plan, NULL, &plan, NULL, &arena, err);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    struct feasibility_case item = {
        .id = deployment,
        .at_ms = run->ended_at ? run->ended_at : clock_now_ms(),
        .simulated = status->simulated,
        .currency = status->currency,
        .outcome = {.opened = run->state == RUN_SUCCEEDED,
                    .state = json_enum_name(deployment_state_names, status->state),
                    .cost_month = {true, (double)status->price_month / 1e6}}};
    if (run->started_at && run->ended_at >= run->started_at)
        item.outcome.opening_s =
            (struct opt_double){true, (double)(run->ended_at - run->started_at) / 1000.0};
    describe(set.requirement, rc ? NULL : &plan, &item, &arena);
    if (rc)
        err_clear(err);
    return save(tx, &item, order.tenant, err);
}

enum err_code business_case_follow(struct store_tx *tx, const char *deployment, int state,
                                   struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct store_record record;
    struct feasibility_case item;
    enum err_code rc = store_get(tx, "cases", deployment, &record, &arena, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (rc || (rc = json_decode_stored(record.spec, &feasibility_case_table, &item, &arena, err)))
        return rc;
    item.outcome.state = json_enum_name(deployment_state_names, state);
    return save(tx, &item, record.tenant, err);
}

enum err_code business_cases_load(struct store_tx *tx, int scenario, const char *tenant,
                                  size_t limit, struct feasibility_cases *out, struct arena *arena,
                                  struct err *err)
{
    struct store_condition same = {"spec.scenario", STORE_EQ,
                                   json_enum_name(requirement_scenario_names, scenario)};
    struct store_list_query query = {.collection = "cases",
                                     .tenant = tenant,
                                     .conditions = &same,
                                     .condition_count = same.value ? 1 : 0,
                                     .descending = true,
                                     .limit = limit};
    struct store_page page;
    *out = (struct feasibility_cases){0};
    enum err_code rc = store_list(tx, &query, &page, arena, err);
    for (size_t i = 0; !rc && i < page.count; i++)
        rc = json_decode_stored(page.records[i].spec, &feasibility_case_table,
                                LIST_ADD(arena, &out->items), arena, err);
    return rc;
}
