/* report_cost.c - the cost dimension beyond total and budget: where the prices come from and how
 * old they are, which of them matter, and how much each may rise before the budget no longer holds.
 *
 * Contract: a price is what one item costs at one site; lines that pay it rise and fall together.
 * Everything follows from the cost lines, in O(lines log lines). */
#include <stdlib.h>

#include "intelligent/evaluation/evaluation_priv.h"

#define DAY_MS INT64_C(86400000)
#define PRICE_MAX_AGE_DAYS 365
#define PRICE_CHANGE                                                                            \
    0.1                 /* by which each price is moved: what a renewed contract usually brings \
                         */
#define LARGEST_SHOWN 3 /* prices named in the evidence of the total */

/* ---- which prices matter ---- */
struct paid_price { /* the lines of one item at one site */
    const struct solution_cost_line *line;
    double amount; /* a month */
};
struct paid_prices {
    struct paid_price *items;
    size_t count;
};

static int by_price(const void *a, const void *b)
{
    const struct solution_cost_line *x = ((const struct paid_price *)a)->line;
    const struct solution_cost_line *y = ((const struct paid_price *)b)->line;
    int order = strcmp(x->item ? x->item : "", y->item ? y->item : "");
    if (!order)
        order = strcmp(x->site ? x->site : "", y->site ? y->site : "");
    if (!order) /* flavors and models have prices of their own */
        order = strcmp(x->unit ? x->unit : "", y->unit ? y->unit : "");
    return order;
}

static int by_amount(const void *a, const void *b)
{
    const struct paid_price *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? 1 : -1;
    return by_price(a, b);
}

/* Largest first. */
static struct paid_prices gather_prices(const struct solution *solution, struct arena *arena)
{
    size_t count = solution->cost_lines.count;
    struct paid_prices all = {arena_array(arena, count + 1, sizeof *all.items), 0};
    struct paid_price *lines = arena_array(arena, count + 1, sizeof *lines);
    for (size_t i = 0; i < count; i++)
        lines[i] = (struct paid_price){&solution->cost_lines.items[i],
                                       solution->cost_lines.items[i].amount};
    qsort(lines, count, sizeof *lines, by_price);
    for (size_t i = 0; i < count; i++) {
        if (all.count && by_price(&all.items[all.count - 1], &lines[i]) == 0)
            all.items[all.count - 1].amount += lines[i].amount;
        else
            all.items[all.count++] = lines[i];
    }
    qsort(all.items, all.count, sizeof *all.items, by_amount);
    return all;
}

static const char *price_name(const struct paid_price *price, struct arena *arena)
{
    const struct solution_cost_line *line = price->line;
    return arena_printf(arena, "%s @ %s", line->item ? line->item : "?",
                        line->site ? line->site : "?");
}

static void say_largest(const struct solution *solution, struct evaluation_checks *checks,
                        struct feasibility_check *check)
{
    struct arena *arena = checks->arena;
    if (!check || !(solution->cost > 0))
        return;
    struct paid_prices all = gather_prices(solution, arena);
    for (size_t i = 0; i < all.count && i < LARGEST_SHOWN; i++)
        evaluation_evidence_add(
            checks, check, "price", price_name(&all.items[i], arena),
            arena_printf(arena, "%.1f %% of the cost; 10 %% more or less moves the total by %.2f",
                         100.0 * all.items[i].amount / solution->cost,
                         PRICE_CHANGE * all.items[i].amount),
            all.items[i].line->as_of_ms);
}

static void say_break_even(struct evaluation_checks *checks, struct feasibility_check *check,
                           const struct paid_price *largest, double room)
{
    struct arena *arena = checks->arena;
    double now = largest->line->unit_price, even = now * (1.0 + room / largest->amount);
    evaluation_evidence_add(
        checks, check, "price", price_name(largest, arena),
        even >= 0
            ? arena_printf(arena, "break-even of the largest price: %.6g, now %.6g", even, now)
            : "the budget would not hold if the largest price were nothing",
        largest->line->as_of_ms);
}

/* A budget that is missed: how far a price would have to fall, as evidence of that check. */
static void say_missed(struct evaluation_checks *checks, const struct paid_prices *all, double cost,
                       double limit)
{
    size_t enough = 0;
    for (size_t i = 0; i < all->count; i++)
        enough += cost - PRICE_CHANGE * all->items[i].amount <= limit;
    for (size_t i = 0; i < checks->items.count; i++) {
        struct feasibility_check *check = &checks->items.items[i].check;
        if (!str_eq(check->code, "budget"))
            continue;
        evaluation_evidence_add(
            checks, check, "price", price_name(&all->items[0], checks->arena),
            enough
                ? arena_printf(checks->arena,
                               "the budget would hold when one of %zu prices fell by 10 %%", enough)
                : "the budget does not hold even when any one price falls by 10 %",
            all->items[0].line->as_of_ms);
        say_break_even(checks, check, &all->items[0], limit - cost);
    }
}

/* With a budget that holds: does that rest on a single price?  Passed when it does not; else
 * unknown, and the largest price is named. */
static void check_sensitivity(struct evaluation_model *model, const struct solution *solution,
                              struct evaluation_checks *checks, double confidence)
{
    struct arena *arena = checks->arena;
    const struct requirement_budget *budget = model->requirement->budget;
    double limit = evaluation_budget_limit(model), months = evaluation_budget_months(model);
    for (size_t i = 0; i < checks->items.count; i++)
        if (str_has_prefix(checks->items.items[i].check.code, "unknown.price."))
            return; /* the total itself is not known */
    if (!budget || isnan(months) || isinf(limit) || !(solution->cost > 0))
        return;
    struct paid_prices all = gather_prices(solution, arena);
    const struct paid_price *largest = &all.items[0];
    if (solution->cost > limit * (1 + 1e-12)) { /* as measuring has it */
        say_missed(checks, &all, solution->cost, limit);
        return;
    }
    double moved = solution->cost + PRICE_CHANGE * largest->amount;
    size_t decisive = 0;
    for (size_t i = 0; i < all.count; i++)
        decisive += solution->cost + PRICE_CHANGE * all.items[i].amount > limit;
    struct evaluation_claim item = {
        DIMENSION_COST,
        "cost.sensitivity",
        price_name(largest, arena),
        evaluation_number(arena, budget->amount),
        evaluation_number(arena, moved * months),
        arena_printf(arena, "%s/%s", json_enum_name(requirement_currency_names, budget->currency),
                     json_enum_name(requirement_period_names, budget->period)),
        evaluation_margin(budget->amount - moved * months),
        decisive ? VERDICT_UNKNOWN : VERDICT_PASS,
        decisive ? 0.0 : confidence};
    struct feasibility_check *check = evaluation_check_add(checks, &item);
    evaluation_evidence_add(
        checks, check, "price", price_name(largest, arena),
        decisive ? arena_printf(arena, "the budget breaks when one of %zu prices rises by 10 %%",
                                decisive)
                 : "the budget holds when any one price rises by 10 %",
        largest->line->as_of_ms);
    say_break_even(checks, check, largest, limit - solution->cost);
}

/* ---- where prices come from ---- */
static double basis_confidence(int basis)
{
    switch (basis) {
    case BASIS_RECONCILED:
        return 0.95;
    case BASIS_CONTRACT:
    case BASIS_LIST:
        return 0.9;
    case BASIS_ESTIMATED:
        return 0.7;
    default:
        return 0.6; /* a price that the network states and nobody vouches for */
    }
}

struct price_sum {
    double confidence; /* weighted by amount */
    double amount, unnoted;
    int64_t oldest_ms; /* 0 = none known */
    const char *oldest;
};

static struct price_sum sum_prices(const struct solution *solution)
{
    struct price_sum sum = {0, 0, 0, 0, NULL};
    for (size_t i = 0; i < solution->cost_lines.count; i++) {
        const struct solution_cost_line *line = &solution->cost_lines.items[i];
        double weight = fabs(line->amount);
        sum.amount += weight;
        sum.confidence += weight * basis_confidence(line->basis);
        if (!line->basis)
            sum.unnoted += weight;
        if (line->as_of_ms && (!sum.oldest_ms || line->as_of_ms < sum.oldest_ms)) {
            sum.oldest_ms = line->as_of_ms;
            sum.oldest = line->source;
        }
    }
    sum.confidence = sum.amount > 0 ? sum.confidence / sum.amount : 1.0;
    return sum;
}

static double check_prices(struct evaluation_model *model, const struct solution *solution,
                           struct evaluation_checks *checks)
{
    struct arena *arena = checks->arena;
    struct price_sum sum = sum_prices(solution);
    int64_t limit =
        model->input.price_max_age_days > 0 ? model->input.price_max_age_days : PRICE_MAX_AGE_DAYS;
    bool aged = sum.oldest_ms && model->input.now_ms;
    int64_t age = aged ? (model->input.now_ms - sum.oldest_ms) / DAY_MS : 0;
    bool stale = aged && age > limit;
    double confidence = sum.confidence * (stale ? 0.5 : 1.0);
    bool known = true;
    for (size_t i = 0; i < checks->items.count; i++) {
        struct feasibility_check *check = &checks->items.items[i].check;
        if (str_has_prefix(check->code, "unknown.price."))
            known = false;
        if (checks->items.items[i].dimension == DIMENSION_COST && check->verdict == VERDICT_PASS)
            check->confidence = confidence;
    }
    bool placed = solution->placements.count > 0;
    struct evaluation_claim total = {
        DIMENSION_COST,
        "cost",
        "service",
        NULL,
        evaluation_number(arena, solution->cost),
        arena_printf(arena, "%s/month", solution->currency ? solution->currency : "?"),
        {false, 0},
        known && placed ? VERDICT_PASS : VERDICT_UNKNOWN,
        known && placed ? confidence : 0.0};
    struct feasibility_check *check = evaluation_check_add(checks, &total);
    evaluation_evidence_add(checks, check, "price", "cost_lines",
                            known ? "sum of the cost lines"
                                  : "what is known of it: some prices are unknown",
                            sum.oldest_ms);
    say_largest(solution, checks, check);
    if (!model->input.notes)
        return confidence;
    if (sum.unnoted > 0) {
        struct evaluation_claim basis = {
            DIMENSION_COST,
            "price.basis",
            "service",
            "a basis for each price",
            arena_printf(arena, "%.0f %% without", 100 * sum.unnoted / sum.amount),
            NULL,
            {false, 0},
            VERDICT_UNKNOWN,
            0.0};
        evaluation_evidence_add(checks, evaluation_check_add(checks, &basis), "price", "notes",
                                "share of the cost whose prices have no source", 0);
    }
    if (!aged)
        return confidence;
    struct evaluation_claim price_age = {DIMENSION_COST,
                                         "price.age",
                                         "service",
                                         evaluation_number(arena, (double)limit),
                                         evaluation_number(arena, (double)age),
                                         "day",
                                         evaluation_margin((double)(limit - age)),
                                         stale ? VERDICT_UNKNOWN : VERDICT_PASS,
                                         stale ? 0.0 : 1.0};
    evaluation_evidence_add(checks, evaluation_check_add(checks, &price_age), "price",
                            sum.oldest ? sum.oldest : "notes",
                            stale ? "older than the limit: confidence in the cost is halved"
                                  : "the oldest price used",
                            sum.oldest_ms);
    return confidence;
}

void evaluation_report_cost(struct evaluation_model *model, const struct solution *solution,
                            struct evaluation_checks *checks)
{
    double confidence = check_prices(model, solution, checks);
    check_sensitivity(model, solution, checks, confidence);
}
