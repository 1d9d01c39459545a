/* report.c - the five-dimension report (方案评估): what measuring checked, and what only a report
 * asks.
 *
 * The one rule of verdict and score (docs/modules/evaluation.md): a dimension fails if any of its
 * checks fails, else is unknown if any is unknown or none was made, else passes; the whole by the
 * same rule over dimensions.  A check scores its confidence when passed, 0 when failed, 0.5 when
 * unknown; a dimension the mean of its checks (0.5 with none); the whole 100 × the mean of
 * dimensions, and never more than 49 when something fails. */
#include "intelligent/evaluation/evaluation_priv.h"

#define FAILED_SCORE_MAX 49.0

/* ---- verdict and score ---- */
static int verdict_of(size_t fails, size_t unknowns, size_t made)
{
    return fails ? VERDICT_FAIL : unknowns || made == 0 ? VERDICT_UNKNOWN : VERDICT_PASS;
}

static void gather(const struct evaluation_checks *checks, struct feasibility_report *out,
                   struct arena *arena)
{
    size_t failed = 0, unknown = 0;
    double score = 0;
    for (int kind = DIMENSION_COMPUTE; kind <= DIMENSION_BUSINESS; kind++) {
        struct feasibility_dimension *dimension = LIST_ADD(arena, &out->dimensions);
        dimension->kind = kind;
        size_t fails = 0, unknowns = 0;
        double sum = 0;
        for (size_t i = 0; i < checks->items.count; i++) {
            if (checks->items.items[i].dimension != kind)
                continue;
            const struct feasibility_check *check = &checks->items.items[i].check;
            *LIST_ADD(arena, &dimension->checks) = *check;
            fails += check->verdict == VERDICT_FAIL;
            unknowns += check->verdict == VERDICT_UNKNOWN;
            sum += check->verdict == VERDICT_PASS      ? check->confidence
                   : check->verdict == VERDICT_UNKNOWN ? 0.5
                                                       : 0.0;
        }
        dimension->verdict = verdict_of(fails, unknowns, dimension->checks.count);
        failed += dimension->verdict == VERDICT_FAIL;
        unknown += dimension->verdict == VERDICT_UNKNOWN;
        score += dimension->checks.count ? sum / (double)dimension->checks.count : 0.5;
    }
    out->verdict = verdict_of(failed, unknown, FEASIBILITY_DIMENSIONS);
    out->score = 100.0 * score / FEASIBILITY_DIMENSIONS;
    if (out->verdict == VERDICT_FAIL)
        out->score = fmin(out->score, FAILED_SCORE_MAX);
}

enum err_code evaluation_report_with(struct evaluation_model *model,
                                     const struct solution *solution,
                                     struct feasibility_report *out, struct arena *arena,
                                     struct err *err)
{
    struct evaluation_checks checks = {.passes_too = true, .arena = arena};
    struct evaluation_figures figures;
    struct solution measured = *solution;
    measured.placements.items =
        arena_memdup(arena, solution->placements.items,
                     solution->placements.count * sizeof *solution->placements.items);
    enum err_code code = evaluation_measure_into(model, &measured, &figures, &checks, arena, err);
    if (code)
        return code;
    evaluation_report_network(model, &measured, &checks);
    evaluation_report_application(model, &measured, &checks);
    evaluation_report_cost(model, &measured, &checks);
    evaluation_report_business(model, &measured, &figures, &checks);
    memset(out, 0, sizeof *out);
    gather(&checks, out, arena);
    return arena_check(arena, err);
}

enum err_code evaluation_report(const struct evaluation_input *input,
                                const struct solution *solution, struct feasibility_report *out,
                                struct arena *arena, struct err *err)
{
    struct evaluation_model *model = NULL;
    enum err_code code = evaluation_model_new(input, &model, arena, err);
    return code ? code : evaluation_report_with(model, solution, out, arena, err);
}
