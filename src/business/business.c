/* business.c - stores the stages of the loop and reads them back.
 *
 * Contract: a stage is written once and then only its status changes; it belongs to the tenant of
 * the stage before, whoever makes it.  Every function works in the caller's transaction and looks
 * before it writes: what it refuses has left nothing behind. */
#include "business/business.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business_priv.h"

const struct store_module business_store_module = {"business", NULL, 0};

enum err_code business_insert(struct store_tx *tx, const struct business_stage *stage,
                              const struct store_actor *actor, char id[ID_SIZE], struct err *err)
{
    CLEANUP(buf_done) struct buf spec_text = BUF_INIT;
    CLEANUP(buf_done) struct buf status_text = BUF_INIT;
    if (stage->prefix)
        id_new(stage->prefix, id);
    json_encode(stage->spec_table, stage->spec, JSON_COMPACT, &spec_text);
    if (stage->status)
        json_encode(stage->status_table, stage->status, JSON_COMPACT, &status_text);
    enum err_code rc;
    if ((rc = buf_check(&spec_text, err)) || (rc = buf_check(&status_text, err)))
        return rc;
    struct store_record record = {.collection = stage->collection,
                                  .id = id,
                                  .tenant = stage->tenant,
                                  .spec = buf_str(&spec_text),
                                  .status = stage->status ? buf_str(&status_text) : NULL};
    return store_insert(tx, &record, actor, err);
}

enum err_code business_get(struct store_tx *tx, const char *collection, const char *singular,
                           const char *id, const char *tenant, struct store_record *out,
                           struct arena *arena, struct err *err)
{
    enum err_code rc = store_get(tx, collection, id, out, arena, err);
    if (rc == ERR_NOT_FOUND || (!rc && tenant && !str_eq(out->tenant, tenant)))
        return err_set(err, ERR_NOT_FOUND, "no %s is named '%s'", singular, id);
    return rc;
}

enum err_code business_requirement_save(struct store_tx *tx,
                                        const struct business_requirement *spec,
                                        const struct store_actor *actor, char out_id[32],
                                        struct err *err)
{
    struct business_stage stage = {.collection = "requirements",
                                   .prefix = "need",
                                   .tenant = actor->tenant,
                                   .spec_table = &business_requirement_table,
                                   .spec = spec};
    return business_insert(tx, &stage, actor, out_id, err);
}

/* Whose requirement "id@version" is; the actor's when the solution names none. */
enum err_code business_tenant_of_need(struct store_tx *tx, const char *need,
                                      const struct store_actor *actor, const char **out,
                                      struct arena *arena, struct err *err)
{
    struct store_record record;
    *out = actor->tenant;
    if (!need)
        return ERR_OK;
    const char *id = arena_strndup(arena, need, strcspn(need, "@"));
    enum err_code rc =
        business_get(tx, "requirements", "requirement", id, NULL, &record, arena, err);
    if (!rc)
        *out = record.tenant;
    return rc;
}

enum err_code business_order_status(struct store_tx *tx, const char *order,
                                    const struct order_status *status, const char *event,
                                    const struct store_actor *actor, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&order_status_table, status, JSON_COMPACT, &text);
    return store_update(tx, "orders", order, 0, NULL, buf_str(&text), event, actor, NULL, err);
}

static bool may_be_planned(int state)
{
    return state == BUSINESS_ORDER_CONFIRMED || state == BUSINESS_ORDER_PLANNED ||
           state == BUSINESS_ORDER_FAILED || state == BUSINESS_ORDER_LAPSED;
}

enum err_code business_plan_save(struct store_tx *tx, const struct plan *plan, const char *order,
                                 const struct store_actor *actor, char out_id[32], struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_order have = {.tenant = actor->tenant};
    bool opens = str_eq(plan->purpose, "open");
    enum err_code rc = order ? business_order_get(tx, order, NULL, &have, &arena, err) : ERR_OK;
    if (rc)
        return rc;
    if (order && opens && !may_be_planned(have.status.state))
        return err_set(err, ERR_CONFLICT, "order '%s' is %s and is not planned again", order,
                       order_state_names[have.status.state]);
    struct business_plan_status status = {.state = BUSINESS_PLAN_READY, .order = order};
    struct business_stage stage = {.collection = "plans",
                                   .prefix = "pln",
                                   .tenant = have.tenant,
                                   .spec_table = &plan_table,
                                   .spec = plan,
                                   .status_table = &business_plan_status_table,
                                   .status = &status};
    if ((rc = business_insert(tx, &stage, actor, out_id, err)) || !order || !opens)
        return rc;
    have.status.state = BUSINESS_ORDER_PLANNED;
    have.status.plan = out_id;
    if (have.status.hold.seconds)
        have.status.hold = business_hold(have.status.hold.seconds, have.spec.choice);
    return business_order_status(tx, order, &have.status, "planned", actor, err);
}

enum err_code business_requirement_load(struct store_tx *tx, const char *id, const char *tenant,
                                        struct business_requirement *out, int64_t *ret_version,
                                        struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc =
        business_get(tx, "requirements", "requirement", id, tenant, &record, arena, err);
    if (rc)
        return rc;
    if (ret_version)
        *ret_version = record.version;
    return json_decode_stored(record.spec, &business_requirement_table, out, arena, err);
}

enum err_code business_order_load(struct store_tx *tx, const char *id, const char *tenant,
                                  struct order_spec *spec, struct order_status *status,
                                  int64_t *ret_version, struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = business_get(tx, "orders", "order", id, tenant, &record, arena, err);
    if (rc)
        return rc;
    if (ret_version)
        *ret_version = record.version;
    if ((rc = json_decode_stored(record.spec, &order_spec_table, spec, arena, err)))
        return rc;
    return json_decode_stored(record.status, &order_status_table, status, arena, err);
}

enum err_code business_order_get(struct store_tx *tx, const char *id, const char *tenant,
                                 struct business_order *out, struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = business_get(tx, "orders", "order", id, tenant, &record, arena, err);
    if (rc)
        return rc;
    out->tenant = record.tenant;
    if ((rc = json_decode_stored(record.spec, &order_spec_table, &out->spec, arena, err)))
        return rc;
    return json_decode_stored(record.status, &order_status_table, &out->status, arena, err);
}

enum err_code business_plan_load(struct store_tx *tx, const char *id, const char *tenant,
                                 struct plan *out, const char **ret_order, struct arena *arena,
                                 struct err *err)
{
    struct store_record record;
    struct business_plan_status status;
    enum err_code rc = business_get(tx, "plans", "plan", id, tenant, &record, arena, err);
    if (rc || (rc = json_decode_stored(record.spec, &plan_table, out, arena, err)) ||
        (rc = json_decode_stored(record.status, &business_plan_status_table, &status, arena, err)))
        return rc;
    if (ret_order)
        *ret_order = status.order;
    return ERR_OK;
}

enum err_code business_deployment_load(struct store_tx *tx, const char *id, const char *tenant,
                                       struct deployment_spec *spec,
                                       struct deployment_status *status, int64_t *ret_version,
                                       struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc =
        business_get(tx, "deployments", "deployment", id, tenant, &record, arena, err);
    if (rc)
        return rc;
    if (ret_version)
        *ret_version = record.version;
    if ((rc = json_decode_stored(record.spec, &deployment_spec_table, spec, arena, err)))
        return rc;
    return json_decode_stored(record.status, &deployment_status_table, status, arena, err);
}
