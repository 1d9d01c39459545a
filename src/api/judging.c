/* judging.c - what designs and evaluations are judged by beside need and network.
 *
 * Contract: reads only, in a transaction of its own; cases are those of the asker's tenant (of all
 * for who sees all), the latest of the same scenario. */
#include "api/api_priv.h"
#include "business/business.h"

#define CASES_MAX 200 /* a few milliseconds to read */

enum err_code api_judge(struct api_call *call, const struct requirement *need,
                        struct evaluation_input *out, struct err *err)
{
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    struct feasibility_cases *cases = arena_zalloc(call->arena, sizeof *cases);
    struct application_spec_refs *applications = arena_zalloc(call->arena, sizeof *applications);
    enum err_code rc;
    if ((rc = store_begin(call->api->options.store, STORE_READ, &tx, err)) ||
        (rc = application_match_known(call->api->options.application, tx, need, applications,
                                      call->arena, err)) ||
        (rc = business_cases_load(tx, need->scenario, api_tenant(call), CASES_MAX, cases,
                                  call->arena, err)))
        return rc;
    out->applications = applications;
    out->cases = cases;
    out->standards = &call->api->standards;
    return ERR_OK;
}
