/* design.c - the objectives, one search each, and the answer made of what they find.
 *
 * Contract: every solution that leaves here was recomputed by evaluation_measure and holds every
 * hard constraint; a search that says otherwise is a bug and reported as one.  The searches for
 * objectives that were not asked first have a fixed allowance of work, so the answer does not
 * depend on speed unless should_stop says stop. */
#include "intelligent/design/design_priv.h"

#define SOLUTIONS_MAX 5
#define FIRST_WORK \
    UINT64_C(2000000000)            /* picks; minutes: a backstop where the caller has no clock */
#define OTHER_WORK UINT64_C(400000) /* picks, about a tenth of a second */
#define SAME 1e-9

enum objective { COST, LATENCY, RELIABILITY, GREEN, BALANCED, OBJECTIVES };
static const char *const objective_names[] = {"cost", "latency", "reliability", "green",
                                              "balanced"};

/* The small weight of cost decides between equals; scales keep it below a thousandth of a
 * millisecond, of 1e-9 of availability per thousand CNY, of a gram. */
static const struct design_weights pure[] = {
    [COST] = {1, 0, 0, 0},
    [LATENCY] = {1e-9, 1, 0, 0},
    [RELIABILITY] = {1e-6, 0, 0, 1e6},
    [GREEN] = {1e-6, 0, 1, 0},
};

struct found {
    bool set, optimal;
    double value, bound;
    uint64_t nodes;
    struct solution solution;
    struct evaluation_figures figures;
};

struct design {
    const struct design_input *input;
    struct design_wishes wishes;
    struct design_problem *problem;
    struct arena *arena;
    struct found found[OBJECTIVES];
    bool stopped;
};

/* ---- one search → one solution ---- */
void design_placements(const struct design_problem *problem, uint32_t *const *chosen,
                       struct solution *out, struct arena *arena)
{
    for (size_t c = 0; c < problem->count; c++) {
        const struct design_component *component = &problem->components[c];
        size_t n = (size_t)component->instances, pinned = component->pinned.count;
        size_t begin, end, next_pin = 0, next_free = pinned;
        design_numbered_first(component, &begin, &end);
        size_t first = begin;
        for (size_t i = begin + 1; c == 0 && i < end; i++) {
            double price = component->options.items[chosen[c][i]].address_price;
            double least = component->options.items[chosen[c][first]].address_price;
            if (price < least || (isnan(least) && !isnan(price)))
                first = i;
        }
        for (size_t i = 0; i < n; i++) {
            bool is_pinned =
                next_pin < pinned && component->pinned.items[next_pin].instance == (int64_t)i;
            size_t at = is_pinned ? next_pin++ : next_free++;
            at = at == begin ? first : at == first ? begin : at;
            const struct design_option *option = &component->options.items[chosen[c][at]];
            const struct site *site = &problem->network->sites.items[option->site];
            struct solution_placement *placement = LIST_ADD(arena, &out->placements);
            placement->component = problem->requirement->components.items[c].name;
            placement->instance = (int64_t)i;
            placement->site = site->id;
            if (option->accelerator >= 0)
                placement->accelerator_model = site->accelerators.items[option->accelerator].model;
        }
    }
}

/* The budget alone may be unknown: in another currency, or paid once for no stated time. */
static const struct feasibility_check *broken(const struct evaluation_figures *figures)
{
    for (size_t i = 0; i < figures->violations.count; i++) {
        const struct feasibility_check *check = &figures->violations.items[i];
        if (check->verdict == VERDICT_FAIL || strcmp(check->code, "budget") != 0)
            return check;
    }
    return NULL;
}

enum err_code design_measured(const struct design_problem *problem, uint32_t *const *chosen,
                              struct solution *out, struct evaluation_figures *ret_figures,
                              struct arena *arena, struct err *err)
{
    design_placements(problem, chosen, out, arena);
    enum err_code code = evaluation_measure(problem->model, out, ret_figures, arena, err);
    if (code)
        return code;
    const struct feasibility_check *check = broken(ret_figures);
    if (check)
        return err_set(err, ERR_BUG,
                       "a designed solution breaks %s of %s (required %s, observed %s)",
                       check->code, check->subject, check->required ? check->required : "-",
                       check->observed ? check->observed : "-");
    return ERR_OK;
}

static enum err_code seek(struct design *d, int objective, struct design_weights weights,
                          bool first, enum design_outcome *ret_outcome, struct err *err)
{
    const struct design_input *input = d->input;
    struct design_task task = {.problem = d->problem,
                               .weights = weights,
                               .work_max = first ? FIRST_WORK : OTHER_WORK,
                               .should_stop = input->should_stop,
                               .stop_ctx = input->stop_ctx};
    struct design_result result;
    design_search(&task, &result, d->arena);
    d->stopped = d->stopped || result.stopped;
    *ret_outcome = result.outcome;
    if (result.outcome != DESIGN_OPTIMAL && result.outcome != DESIGN_FOUND)
        return ERR_OK;
    struct found *found = &d->found[objective];
    *found = (struct found){.set = true,
                            .optimal = result.outcome == DESIGN_OPTIMAL,
                            .value = result.value,
                            .bound = result.bound,
                            .nodes = result.nodes};
    return design_measured(d->problem, result.chosen, &found->solution, &found->figures, d->arena,
                           err);
}

/* ---- balanced: the four figures, each scaled by its range over the extreme solutions ---- */
static double loss_of(const struct found *found)
{
    return found->figures.reliability.set ? -log(found->figures.reliability.value) : NAN;
}

static double scale(const struct design *d, int figure)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < BALANCED; i++) {
        const struct found *found = &d->found[i];
        if (!found->set)
            continue;
        double value =
            figure == COST      ? found->figures.cost
            : figure == LATENCY ? (found->figures.latency.set ? found->figures.latency.value : NAN)
            : figure == RELIABILITY ? loss_of(found)
                                    : (found->figures.green.set ? found->figures.green.value : NAN);
        if (!isfinite(value))
            return 0;
        low = fmin(low, value);
        high = fmax(high, value);
    }
    return high > low ? 1.0 / (high - low) : 0;
}

static bool balanced_weights(const struct design *d, struct design_weights *out)
{
    *out = (struct design_weights){scale(d, COST), scale(d, LATENCY), scale(d, GREEN),
                                   scale(d, RELIABILITY)};
    return out->cost > 0 && (out->latency > 0 || out->green > 0 || out->loss > 0);
}

/* ---- which to keep ---- */
static int better(struct opt_double a, struct opt_double b, double sign)
{
    if (!a.set || !b.set)
        return a.set == b.set ? 0 : (a.set ? 1 : -1); /* a known figure beats an unknown one */
    double tolerance = SAME * fmax(1.0, fabs(b.value));
    double gain = sign * (b.value - a.value);
    return gain > tolerance ? 1 : gain < -tolerance ? -1 : 0;
}

/* a is at least as good as b in all; *ret_equal when in none better. */
static bool covers(const struct found *a, const struct found *b, bool *ret_equal)
{
    int sides[] = {
        better((struct opt_double){true, a->figures.cost},
               (struct opt_double){true, b->figures.cost}, 1),
        better(a->figures.latency, b->figures.latency, 1),
        better(a->figures.reliability, b->figures.reliability, -1),
        better(a->figures.green, b->figures.green, 1),
    };
    *ret_equal = true;
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        if (sides[i] < 0)
            return false;
        *ret_equal = *ret_equal && sides[i] == 0;
    }
    return true;
}

static void order_of(int asked, int order[OBJECTIVES])
{
    size_t count = 0;
    order[count++] = asked;
    for (int i = 0; i < OBJECTIVES; i++)
        if (i != asked)
            order[count++] = i;
}

/* keeper[i] = the objective whose solution stands for objective i; dominated ones hand over. */
static void choose_keepers(const struct design *d, const int order[OBJECTIVES],
                           int keeper[OBJECTIVES])
{
    for (int i = 0; i < OBJECTIVES; i++)
        keeper[i] = d->found[i].set ? i : -1;
    for (int i = 0; i < OBJECTIVES; i++)
        for (int k = 0; k < OBJECTIVES; k++) {
            int own = order[i], other = order[k];
            bool equal;
            if (own == other || keeper[own] < 0 || keeper[other] != other ||
                !covers(&d->found[other], &d->found[own], &equal))
                continue;
            if (equal && k > i)
                continue; /* of equals the earlier objective's stays */
            keeper[own] = other;
            break;
        }
    for (int i = 0; i < OBJECTIVES; i++) /* a keeper may have handed over in its turn */
        for (int steps = 0; keeper[i] >= 0 && keeper[keeper[i]] != keeper[i] && steps < OBJECTIVES;
             steps++)
            keeper[i] = keeper[keeper[i]];
}

static double gap_of(const struct found *found)
{
    if (found->optimal || found->value <= 0)
        return 0;
    double gap = (found->value - fmax(0, found->bound)) / found->value;
    return gap < 0 ? 0 : gap > 1 ? 1 : gap;
}

static enum err_code emit(struct design *d, const int order[OBJECTIVES],
                          struct solution_answer *out, struct err *err)
{
    int keeper[OBJECTIVES];
    size_t most = d->input->max_solutions ? d->input->max_solutions : SOLUTIONS_MAX;
    choose_keepers(d, order, keeper);
    bool done[OBJECTIVES] = {false};
    for (int i = 0; i < OBJECTIVES && out->solutions.count < most; i++) {
        int kept = keeper[order[i]];
        if (kept < 0 || done[kept])
            continue;
        done[kept] = true;
        struct found *found = &d->found[kept];
        struct solution *solution = LIST_ADD(d->arena, &out->solutions);
        *solution = found->solution;
        for (int k = 0; k < OBJECTIVES; k++)
            if (keeper[order[k]] == kept)
                *LIST_ADD(d->arena, &solution->wins) = objective_names[order[k]];
        solution->objective = solution->wins.items[0];
        const struct found *named = &d->found[order[i]];
        solution->gap = gap_of(named);
        solution->proved_by = named->optimal
                                  ? arena_printf(d->arena, "branch and bound, complete, %llu nodes",
                                                 (unsigned long long)named->nodes)
                                  : arena_printf(d->arena,
                                                 "branch and bound, stopped after %llu nodes; "
                                                 "bound of the last complete round",
                                                 (unsigned long long)named->nodes);
        design_assume(d->problem, &d->wishes, &d->input->given, solution, d->arena);
        struct feasibility_report *report = arena_zalloc(d->arena, sizeof *report);
        enum err_code code =
            evaluation_report_with(d->problem->model, solution, report, d->arena, err);
        if (code)
            return code;
        solution->evaluation = report;
    }
    return ERR_OK;
}

/* ---- infeasible ---- */
enum err_code design_say_infeasible(const struct design_problem *p,
                                    const struct solution_answer *out, struct arena *arena,
                                    struct err *err)
{
    const char *stopped = out->undecided.count
                              ? " (not decided in the time given: whether less would explain it)"
                              : "";
    for (size_t c = 0; c < p->count; c++) {
        if (p->components[c].options.count > 0)
            continue;
        const struct solution_rejection *most = NULL;
        for (size_t i = 0; i < p->components[c].rejected.count; i++)
            if (!most || p->components[c].rejected.items[i].count > most->count)
                most = &p->components[c].rejected.items[i];
        err_set(err, ERR_INFEASIBLE, "none of %zu sites can take '%s'%s%s%s",
                p->network->sites.count, p->requirement->components.items[c].name,
                most ? ", mostly for " : "", most ? most->reason : "", stopped);
        if (out->relaxations.count)
            err_hint(err, "possible with: %s", out->relaxations.items[0].change);
        return ERR_INFEASIBLE;
    }
    const char *names = "";
    for (size_t i = 0; i < out->conflict.count; i++)
        names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", out->conflict.items[i]);
    err_set(err, ERR_INFEASIBLE, "no placement meets the requirement%s%s%s",
            out->conflict.count ? "; these cannot hold together: " : "", names, stopped);
    if (out->relaxations.count)
        err_hint(err, "possible with: %s", out->relaxations.items[0].change);
    return ERR_INFEASIBLE;
}

void design_list_rejections(const struct design_problem *problem, struct solution_answer *out,
                            struct arena *arena)
{
    for (size_t c = 0; c < problem->count; c++)
        for (size_t i = 0; i < problem->components[c].rejected.count; i++)
            *LIST_ADD(arena, &out->rejected) = problem->components[c].rejected.items[i];
}

static int asked_objective(const struct design_input *input)
{
    int asked = input->objective ? input->objective : input->given.requirement->objective;
    switch (asked) {
    case OBJECTIVE_LATENCY:
        return LATENCY;
    case OBJECTIVE_RELIABILITY:
        return RELIABILITY;
    case OBJECTIVE_GREEN:
        return GREEN;
    default:
        return COST;
    }
}

enum err_code design_solve(const struct design_input *input, struct solution_answer *out,
                           struct arena *arena, struct err *err)
{
    struct design d = {.input = input, .arena = arena};
    struct evaluation_model *model = NULL;
    enum err_code code = evaluation_model_new(&input->given, &model, arena, err);
    if (!code)
        code = design_wishes_read(input, &d.wishes, arena, err);
    if (!code)
        code = design_problem_new(model, &d.wishes, true, &d.problem, arena, err);
    if (code)
        return code;
    struct solution_answer answer = {.sites_seen = (int64_t)d.problem->network->sites.count};
    design_list_rejections(d.problem, &answer, arena);
    int asked = asked_objective(input), order[OBJECTIVES];
    order_of(asked, order);
    enum design_outcome outcome;
    code = seek(&d, asked, pure[asked], true, &outcome, err);
    if (!code && asked != COST && !d.found[asked].set)
        /* the objective may want figures that the data lacks; whether anything exists, cost tells
         */
        code = seek(&d, COST, pure[COST], true, &outcome, err);
    if (code)
        return code;
    if (outcome == DESIGN_UNDECIDED)
        return err_set(err, ERR_CANCELLED, "stopped before a solution was found");
    if (outcome == DESIGN_NONE) {
        struct design_limits limits = {input->should_stop, input->stop_ctx};
        code = design_explain(model, &d.wishes, &limits, &answer, arena, err);
        if (code)
            return code;
        *out = answer;
        return design_say_infeasible(d.problem, out, arena, err);
    }
    for (int i = 0; i < BALANCED && !input->only_objective && !d.stopped && !code; i++)
        if (!d.found[i].set)
            code = seek(&d, i, pure[i], false, &outcome, err);
    struct design_weights weights;
    if (!code && !input->only_objective && !d.stopped && balanced_weights(&d, &weights))
        code = seek(&d, BALANCED, weights, false, &outcome, err);
    if (!code)
        code = emit(&d, order, &answer, err);
    if (!code)
        *out = answer;
    return code;
}
