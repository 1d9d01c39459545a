/* report_advice.c - checks against figures that the customer did not state: what a scenario usually
 * needs, what a share of his bound would be.
 *
 * Contract: advice that is missed is unknown, never failed, and says that nobody asked for it: a
 * solution that meets everything that was stated is not called infeasible by a usual figure. */
#include "intelligent/evaluation/evaluation_priv.h"

struct feasibility_check *evaluation_advise(struct evaluation_checks *checks,
                                            const struct evaluation_advice *advice)
{
    struct arena *arena = checks->arena;
    bool known = !isnan(advice->observed);
    bool met = known && advice->margin >= -EVALUATION_LATENCY_TOL;
    struct evaluation_claim item = {advice->dimension,
                                    advice->code,
                                    advice->subject,
                                    evaluation_number(arena, advice->required),
                                    known ? evaluation_number(arena, advice->observed) : NULL,
                                    advice->unit,
                                    evaluation_margin(known ? advice->margin : NAN),
                                    met ? VERDICT_PASS : VERDICT_UNKNOWN,
                                    met ? feasibility_tag_confidence(advice->tag) : 0.0};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    evaluation_evidence_add(checks, check, advice->kind, advice->ref, advice->source, 0);
    if (known && !met)
        evaluation_evidence_add(
            checks, check, advice->kind, advice->ref,
            "below what is usual; the customer states no bound, so it is advice", 0);
    return check;
}
