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

struct removal {
    struct api_call *call;
    char plan_id[ID_SIZE], run_id[ID_SIZE];
};

static enum err_code remove_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct removal *removal = ctx;
    struct api_call *call = removal->call;
    const char *id = call->params[0];
    struct deployment_spec spec;
    struct deployment_status status;
    struct plan opened, plan;
    const char *order = NULL;
    enum err_code rc;
    if ((rc = business_deployment_load(tx, id, api_tenant(call), &spec, &status, NULL, call->arena,
                                       err)) ||
        (rc = business_plan_load(tx, spec.plan, NULL, &opened, &order, call->arena, err)) ||
        (rc = planner_remove(id, &status, &opened, &plan, call->arena, err)) ||
        (rc = business_plan_save(tx, &plan, order, &call->actor, removal->plan_id, err)))
        return rc;
    id_new("run", removal->run_id);
    if ((rc = business_apply(tx, removal->plan_id, &plan, order, removal->run_id, spec.title,
                             &call->actor, err)))
        return rc;
    return workflow_submit(tx, removal->run_id, removal->plan_id, &plan, &call->actor, err);
}

static enum err_code deployment_delete(struct api_call *call, struct err *err)
{
    struct removal removal = {.call = call};
    call->object = arena_printf(call->arena, "deployments/%s", call->params[0]);
    enum err_code rc = store_write(call->api->options.store, remove_body, &removal, err);
    if (rc)
        return rc;
    workflow_wake(call->api->options.workflow);
    return api_answer_stored(call, "runs", removal.run_id, err);
}

static const struct api_route routes[] = {
    {"GET", "/api/v1/deployments/{id}/twin", ACCESS_VIEWER, 0, NULL, &twin_view_table,
     "the twin of a deployment; ?at= another moment", deployment_twin},
    {"GET", "/api/v1/twin", ACCESS_VIEWER, 0, NULL, &twin_view_table, "the whole twin", whole_twin},
    {"DELETE", "/api/v1/deployments/{id}", ACCESS_CUSTOMER, API_ACCEPTED, NULL, &run_spec_table,
     "remove all that a deployment consists of", deployment_delete},
};
const struct api_routes api_routes_deployment = {routes, ARRAY_LEN(routes)};
