/* stage.c - how a stage of the loop is stored.
 *
 * Contract: the record, the answer and the answer kept for a repeated request commit together or
 * not at all.  A body may run several times; each time the answer begins anew. */
#include "api/api_priv.h"
#include "api/operations.h"

#include "base/str.h"

struct attempt {
    struct api_stage *stage;
    bool tried; /* dry_run: all went well up to the commit */
};

static enum err_code stage_body(struct store_tx *tx, void *ctx, struct err *err)
{
    struct attempt *attempt = ctx;
    struct api_stage *stage = attempt->stage;
    struct api_call *call = stage->call;
    struct store_record record;
    enum err_code rc;
    buf_clear(&call->response->body);
    call->response->header_count = call->headers;
    if ((rc = stage->body(tx, stage, err)))
        return rc;
    if (stage->answer) {
        stage->answer(stage);
    } else {
        const char *id = stage->existing ? stage->existing : stage->id;
        if ((rc = store_get(tx, stage->collection, id, &record, call->arena, err)))
            return rc;
        api_answer_record(call, &record);
    }
    if (!call->dry_run)
        return (rc = api_operation_keep(call, tx, err)) ? rc : api_idempotency_keep(call, tx, err);
    attempt->tried = true;
    return ERR_CANCELLED; /* rolls back */
}

enum err_code api_stage_store(struct api_stage *stage, struct err *err)
{
    struct api_call *call = stage->call;
    struct attempt attempt = {.stage = stage};
    enum err_code rc = api_operation_begin_store(call, err);
    if (rc)
        return rc;
    rc = store_write(call->api->options.store, stage_body, &attempt, err);
    if (attempt.tried && rc == ERR_CANCELLED) {
        err_clear(err);
        return ERR_OK;
    }
    if (rc)
        api_operation_store_failed(call);
    if (rc)
        call->response->status = 0; /* as a trial may have set it */
    else
        call->idempotency_key = NULL; /* kept in the same transaction */
    return rc;
}

enum err_code api_act_for(struct api_call *call, struct store_tx *tx, const char *collection,
                          const char *id, struct err *err)
{
    struct store_record record;
    if (!call->who.all_tenants)
        return ERR_OK;
    enum err_code rc = store_get(tx, collection, id, &record, call->arena, err);
    if (!rc)
        call->actor.tenant = record.tenant;
    return rc;
}
