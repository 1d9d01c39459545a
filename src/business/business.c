/* business.c - stores the stages of the loop and reads them back.
 *
 * Contract: a stage is written once and then only its status changes; every function works in the
 * caller's transaction and leaves nothing behind when it fails. */
#include "business/business.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "business/business_priv.h"

const struct store_module business_store_module = {"business", NULL, 0};

enum err_code business_insert(struct store_tx *tx, const char *collection, const char *prefix,
                              const struct json_table *spec_table, const void *spec,
                              const struct json_table *status_table, const void *status,
                              const struct store_actor *actor, char out_id[ID_SIZE],
                              struct err *err)
{
    CLEANUP(buf_done) struct buf spec_text = BUF_INIT;
    CLEANUP(buf_done) struct buf status_text = BUF_INIT;
    if (prefix)
        id_new(prefix, out_id);
    json_encode(spec_table, spec, JSON_COMPACT, &spec_text);
    if (status)
        json_encode(status_table, status, JSON_COMPACT, &status_text);
    enum err_code rc;
    if ((rc = buf_check(&spec_text, err)) || (rc = buf_check(&status_text, err)))
        return rc;
    struct store_record record = {.collection = collection,
                                  .id = out_id,
                                  .tenant = actor->tenant,
                                  .spec = buf_str(&spec_text),
                                  .status = status ? buf_str(&status_text) : NULL};
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
    return business_insert(tx, "requirements", "need", &business_requirement_table, spec, NULL,
                           NULL, actor, out_id, err);
}

enum err_code business_solution_save(struct store_tx *tx, const struct business_solution *spec,
                                     const struct store_actor *actor, char out_id[32],
                                     struct err *err)
{
    return business_insert(tx, "solutions", "sol", &business_solution_table, spec, NULL, NULL,
                           actor, out_id, err);
}

enum err_code business_order_save(struct store_tx *tx, const struct order_spec *spec,
                                  const struct store_actor *actor, char out_id[32], struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct business_solution set;
    enum err_code rc = business_solution_load(tx, spec->solution, NULL, &set, NULL, &arena, err);
    if (rc)
        return rc;
    if ((size_t)spec->choice >= set.answer->solutions.count) {
        err_set(err, ERR_INVALID, "the set holds %zu solutions", set.answer->solutions.count);
        return err_field(err, "choice");
    }
    const struct solution *chosen = &set.answer->solutions.items[spec->choice];
    struct order_status status = {.state = BUSINESS_ORDER_CONFIRMED,
                                  .currency = chosen->currency,
                                  .price_month = (int64_t)(chosen->cost * 1e6 + 0.5)};
    return business_insert(tx, "orders", "ord", &order_spec_table, spec, &order_status_table,
                           &status, actor, out_id, err);
}

enum err_code business_order_status(struct store_tx *tx, const char *order,
                                    const struct order_status *status, const char *event,
                                    const struct store_actor *actor, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    json_encode(&order_status_table, status, JSON_COMPACT, &text);
    return store_update(tx, "orders", order, 0, NULL, buf_str(&text), event, actor, NULL, err);
}

enum err_code business_plan_save(struct store_tx *tx, const struct plan *plan, const char *order,
                                 const struct store_actor *actor, char out_id[32], struct err *err)
{
    struct business_plan_status status = {.state = BUSINESS_PLAN_READY, .order = order};
    enum err_code rc = business_insert(tx, "plans", "pln", &plan_table, plan,
                                       &business_plan_status_table, &status, actor, out_id, err);
    if (rc || !order || !str_eq(plan->purpose, "open"))
        return rc;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct order_spec spec;
    struct order_status order_status;
    if ((rc = business_order_load(tx, order, NULL, &spec, &order_status, NULL, &arena, err)))
        return rc;
    if (order_status.state != BUSINESS_ORDER_CONFIRMED &&
        order_status.state != BUSINESS_ORDER_PLANNED && order_status.state != BUSINESS_ORDER_FAILED)
        return err_set(err, ERR_CONFLICT, "order '%s' is %s and is not planned again", order,
                       order_state_names[order_status.state]);
    order_status.state = BUSINESS_ORDER_PLANNED;
    order_status.plan = out_id;
    return business_order_status(tx, order, &order_status, "planned", actor, err);
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

enum err_code business_solution_load(struct store_tx *tx, const char *id, const char *tenant,
                                     struct business_solution *out, int64_t *ret_version,
                                     struct arena *arena, struct err *err)
{
    struct store_record record;
    enum err_code rc = business_get(tx, "solutions", "solution", id, tenant, &record, arena, err);
    if (rc)
        return rc;
    if (ret_version)
        *ret_version = record.version;
    return json_decode_stored(record.spec, &business_solution_table, out, arena, err);
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
