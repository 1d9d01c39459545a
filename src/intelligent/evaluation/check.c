/* check.c - the list of checks that measuring fills and reports read.  A passed check is kept only
 * when a report is wanted: designing measures thousands of solutions and reads violations alone. */
#include "intelligent/evaluation/evaluation_priv.h"

struct feasibility_check *evaluation_check_add(struct evaluation_checks *checks,
                                               const struct evaluation_claim *claim)
{
    if (claim->verdict == VERDICT_PASS && !checks->passes_too)
        return NULL;
    struct evaluation_check *item = LIST_ADD(checks->arena, &checks->items);
    item->dimension = claim->dimension;
    item->check = (struct feasibility_check){.code = claim->code,
                                             .subject = claim->subject,
                                             .required = claim->required,
                                             .observed = claim->observed,
                                             .unit = claim->unit,
                                             .margin = claim->margin,
                                             .verdict = claim->verdict,
                                             .confidence = claim->confidence};
    return &item->check;
}

struct feasibility_check *evaluation_claim_application(struct evaluation_checks *checks,
                                                       const char *code, const char *subject,
                                                       int verdict, const char *required,
                                                       const char *observed, double confidence)
{
    struct evaluation_claim item = {DIMENSION_APPLICATION,
                                    code,
                                    subject,
                                    required,
                                    observed,
                                    NULL,
                                    {false, 0},
                                    verdict,
                                    confidence};
    return evaluation_check_add(checks, &item);
}

void evaluation_evidence_add(struct evaluation_checks *checks, struct feasibility_check *check,
                             const char *kind, const char *ref, const char *text, int64_t at_ms)
{
    if (!check)
        return;
    *LIST_ADD(checks->arena, &check->evidence) =
        (struct feasibility_evidence){kind, ref, text, at_ms};
}
