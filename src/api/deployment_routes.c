/* deployment_routes.c - what is open: the twin's view, and removing. */
#include "api/api_priv.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business.h"
#include "provision/plan/planner.h"
#include "twin/model/twin.h"

static enum err_code show_twin(struct api_call *call, const char *deployment, struct err *err)
{
    const char *text = http_query(call->request, "at");
    int64_t at = 0;
    enum err_code rc;
    if (text && (rc = clock_parse(text, &at, err)))
        return err_field(err, "at");
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)))
        return rc;
    if (deployment) {
        struct deployment_spec spec;
        struct deployment_status status;
        if ((rc = business_deployment_load(tx, deployment, api_tenant(call), &spec, &status, NULL,
                                           call->arena, err)))
            return rc;
    }
    struct twin_view view;
    if ((rc = twin_show(tx, deployment, at, &view, call->arena, err)))
        return rc;
    api_answer_table(call, &twin_view_table, &view);
    return ERR_OK;
}

static enum err_code deployment_twin(struct api_call *call, struct err *err)
{
    return show_twin(call, call->params[0], err);
}

static enum err_code whole_twin(struct api_call *call, struct err *err)
{
    if (!call->who.all_tenants)
        return err_set(err, ERR_FORBIDDEN,
                       "the whole twin is for operators; ask for a "
                       "deployment's: /api/v1/deployments/ID/twin");
    return show_twin(call, NULL, err);
}

enum err_code api_plan_removal(struct api_call *call, struct store_tx *tx, const char *deployment,
                               struct plan *out, const char **ret_order, const char **ret_title,
                               struct err *err)
{
    struct deployment_spec spec;
    struct deployment_status *status = arena_zalloc(call->arena, sizeof *status);
    struct plan *opened = arena_zalloc(call->arena, sizeof *opened);
    enum err_code rc;
    if ((rc = business_deployment_load(tx, deployment, api_tenant(call), &spec, status, NULL,
                                       call->arena, err)) ||
        (rc = api_act_for(call, tx, "deployments", deployment, err)) ||
        (rc = business_plan_load(tx, spec.plan, NULL, opened, ret_order, call->arena, err)))
        return rc;
    if (ret_title)
        *ret_title = spec.title;
    if (status->state == DEPLOYMENT_REMOVED || status->state == DEPLOYMENT_FAILED)
        return err_set(err, ERR_CONFLICT, "deployment '%s' is %s: nothing of it is left",
                       deployment, deployment_state_names[status->state]);
    return planner_remove(deployment, status, opened, out, call->arena, err);
}

static enum err_code remove_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    struct api_call *call = stage->call;
    const char *order, *title;
    char plan_id[ID_SIZE];
    struct plan plan;
    enum err_code rc;
    if ((rc = api_plan_removal(call, tx, call->params[0], &plan, &order, &title, err)) ||
        (rc = business_plan_save(tx, &plan, order, &call->actor, plan_id, err)))
        return rc;
    id_new("run", stage->id);
    if ((rc = business_apply(tx, plan_id, &plan, order, stage->id, title, &call->actor, err)))
        return rc;
    return workflow_submit(tx, stage->id, plan_id, &plan, &call->actor, err);
}

static enum err_code deployment_delete(struct api_call *call, struct err *err)
{
    struct api_stage stage = {.call = call, .collection = "runs", .body = remove_body};
    enum err_code rc = api_stage_store(&stage, err);
    call->object = arena_printf(call->arena, "deployments/%s", call->params[0]);
    if (!rc && !call->dry_run)
        workflow_wake(call->api->options.workflow);
    return rc;
}

static const struct api_route routes[] = {
    {"GET", "/api/v1/deployments/{id}/twin", ACCESS_VIEWER, 0, NULL, &twin_view_table, NULL, "at",
     "the twin of a deployment; ?at= another moment", deployment_twin},
    {"GET", "/api/v1/twin", ACCESS_VIEWER, 0, NULL, &twin_view_table, NULL, "at", "the whole twin",
     whole_twin},
    {"DELETE", "/api/v1/deployments/{id}", ACCESS_CUSTOMER, API_ACCEPTED | API_DRY_RUN, NULL, NULL,
     "runs", NULL, "remove all that a deployment consists of", deployment_delete},
};
const struct api_routes api_routes_deployment = {routes, ARRAY_LEN(routes)};
