/* explain.c - why a need cannot be met, and what would make it possible.
 *
 * The stated constraints are listed; deletion filtering (Chinneck and Dravnieks 1991) drops one
 * after the other and keeps those whose loss would make the need feasible: what is left cannot hold
 * together, and every part of it is needed for that.  Each trial solves the true model again.  Then
 * each of these is relaxed as little as it must be (bounds by bisection), solved for cost, and
 * listed when that succeeds.
 *
 * Contract: a trial that its allowance of work, or the caller's stop, leaves undecided counts as
 * feasible, so the set may then be larger than minimal, never wrong in naming a set that can hold;
 * it is said in `undecided`.  Relaxations are always verified. */
#include <stdlib.h>

#include "intelligent/design/design_priv.h"

#define TRIAL_WORK UINT64_C(300000) /* picks of one trial */
/* A small need is decided whatever it takes, short of the caller's stop: minimal then means
 * minimal. */
#define SMALL_OPTIONS 2000
#define SMALL_WORK UINT64_C(30000000)
#define BISECTIONS 24
#define NO_LATENCY 1e9    /* ms; a bound that never binds, yet keeps the flow */
#define LATENCY_STEP 0.01 /* ms, to which a relaxed bound is rounded up */
#define TOGETHER_MAX 6    /* constraints dropped together when no single one helps */

enum kind {
    INSTANCES,
    ARCH,
    MODEL,
    ACCELERATOR,
    TIER,
    LOCATION, /* of a component */
    FLOW_BANDWIDTH,
    FLOW_LATENCY, /* of a flow */
    REPLICAS,
    MODE,
    NETWORK_BANDWIDTH,
    AVAILABILITY,
    RESIDENCY,
    PROTECTION,
    NETWORK_LATENCY,
    BUDGET,
    EXCLUSION,
    PIN, /* of a wish */
    VCPUS,
    MEMORY,
    DISK,
    FLOW /* looked at only when the others do not explain it */
};

struct constraint {
    enum kind kind;
    size_t index; /* component, flow or wish */
    const char *name;
    bool dropped;
    bool undecided; /* the last trial without it was stopped */
};

struct explain {
    const struct evaluation_model *model;
    const struct requirement *requirement;
    const struct network *network;
    struct design_wishes *wishes; /* a copy whose marks are those of the trial at hand */
    const struct design_limits *limits;
    LIST(struct constraint) constraints;
    struct arena *arena;
};

static void constraint_add(struct explain *x, enum kind kind, size_t index, const char *name)
{
    *LIST_ADD(x->arena, &x->constraints) = (struct constraint){kind, index, name, false};
}

static void list_component(struct explain *x, size_t i)
{
    const struct requirement_component *component = &x->requirement->components.items[i];
    if (component->instances.set && component->instances.value > 1)
        constraint_add(x, INSTANCES, i, arena_printf(x->arena, "components[%zu].instances", i));
    if (component->arch)
        constraint_add(x, ARCH, i, arena_printf(x->arena, "components[%zu].arch", i));
    if (component->accelerator && component->accelerator->model)
        constraint_add(x, MODEL, i, arena_printf(x->arena, "components[%zu].accelerator.model", i));
    if (component->accelerator)
        constraint_add(x, ACCELERATOR, i, arena_printf(x->arena, "components[%zu].accelerator", i));
    if (component->tier)
        constraint_add(x, TIER, i, arena_printf(x->arena, "components[%zu].tier", i));
    if (component->location)
        constraint_add(x, LOCATION, i, arena_printf(x->arena, "components[%zu].location", i));
}

/* In the order in which they are tried for dropping: what comes last is most likely to be named. */
static void list_constraints(struct explain *x)
{
    const struct requirement *r = x->requirement;
    for (size_t i = 0; i < r->components.count; i++)
        list_component(x, i);
    for (size_t i = 0; i < r->flows.count; i++) {
        if (r->flows.items[i].bandwidth_mbps.set)
            constraint_add(x, FLOW_BANDWIDTH, i,
                           arena_printf(x->arena, "flows[%zu].bandwidth_mbps", i));
        if (r->flows.items[i].max_latency_ms.set)
            constraint_add(x, FLOW_LATENCY, i,
                           arena_printf(x->arena, "flows[%zu].max_latency_ms", i));
    }
    if (r->reliability.replicas.set && r->reliability.replicas.value > 1)
        constraint_add(x, REPLICAS, 0, "reliability.replicas");
    if (r->reliability.mode)
        constraint_add(x, MODE, 0, "reliability.mode");
    if (r->network.bandwidth_mbps.set)
        constraint_add(x, NETWORK_BANDWIDTH, 0, "network.bandwidth_mbps");
    if (r->service_level.availability_percent.set)
        constraint_add(x, AVAILABILITY, 0, "service_level.availability_percent");
    if (r->security.data_residency)
        constraint_add(x, RESIDENCY, 0, "security.data_residency");
    if (r->security.protection_level.set)
        constraint_add(x, PROTECTION, 0, "security.protection_level");
    if (r->network.max_latency_ms.set)
        constraint_add(x, NETWORK_LATENCY, 0, "network.max_latency_ms");
    if (r->budget)
        constraint_add(x, BUDGET, 0, "budget");
    for (int pins = 0; pins < 2; pins++)
        for (size_t i = 0; i < x->wishes->items.count; i++) {
            const struct design_wish *wish = &x->wishes->items.items[i];
            if (!wish->gone && wish->exclude == !pins)
                constraint_add(x, pins ? PIN : EXCLUSION, i, wish->name);
        }
}

static void list_amounts(struct explain *x)
{
    for (size_t i = 0; i < x->requirement->flows.count; i++)
        constraint_add(x, FLOW, i, arena_printf(x->arena, "flows[%zu]", i));
    for (size_t i = 0; i < x->requirement->components.count; i++) {
        const struct requirement_component *component = &x->requirement->components.items[i];
        if (component->vcpus.set && component->vcpus.value > 0)
            constraint_add(x, VCPUS, i, arena_printf(x->arena, "components[%zu].vcpus", i));
        if (component->memory_gib.set && component->memory_gib.value > 0)
            constraint_add(x, MEMORY, i, arena_printf(x->arena, "components[%zu].memory_gib", i));
        if (component->disk_gib.set && component->disk_gib.value > 0)
            constraint_add(x, DISK, i, arena_printf(x->arena, "components[%zu].disk_gib", i));
    }
}

/* ---- the requirement with a constraint changed ---- */
static struct requirement *copy_requirement(const struct requirement *r, struct arena *arena)
{
    struct requirement *copy = arena_memdup(arena, r, sizeof *r);
    copy->components.items =
        arena_memdup(arena, r->components.items, r->components.count * sizeof *r->components.items);
    if (r->flows.count)
        copy->flows.items =
            arena_memdup(arena, r->flows.items, r->flows.count * sizeof *r->flows.items);
    return copy;
}

/* Drops it when value is NaN, else sets its bound. */
static void change(struct requirement *r, const struct constraint *constraint, double value,
                   struct arena *arena)
{
    struct opt_double number = {!isnan(value), isnan(value) ? 0 : value};
    struct opt_int whole = {!isnan(value), isnan(value) ? 0 : (int64_t)value};
    struct requirement_component *component =
        constraint->index < r->components.count ? &r->components.items[constraint->index] : NULL;
    struct requirement_flow *flow =
        constraint->index < r->flows.count ? &r->flows.items[constraint->index] : NULL;
    switch (constraint->kind) {
    case INSTANCES:
        component->instances = whole;
        break;
    case ARCH:
        component->arch = ARCH_ABSENT;
        break;
    case MODEL:
        if (component->accelerator) {
            component->accelerator =
                arena_memdup(arena, component->accelerator, sizeof *component->accelerator);
            component->accelerator->model = NULL;
        }
        break;
    case ACCELERATOR:
        component->accelerator = NULL;
        break;
    case TIER:
        component->tier = TIER_ABSENT;
        break;
    case LOCATION:
        component->location = NULL;
        break;
    case FLOW_BANDWIDTH:
        flow->bandwidth_mbps = number;
        if (!number.set && r->network.bandwidth_mbps.set)
            flow->bandwidth_mbps = (struct opt_double){true, 0}; /* or network's would step in */
        break;
    case FLOW_LATENCY:
        flow->max_latency_ms = number;
        break;
    case REPLICAS:
        r->reliability.replicas = whole;
        break;
    case MODE:
        r->reliability.mode = MODE_ABSENT;
        break;
    case NETWORK_BANDWIDTH:
        r->network.bandwidth_mbps = number;
        break;
    case AVAILABILITY:
        r->service_level.availability_percent = number;
        break;
    case RESIDENCY:
        r->security.data_residency = NULL;
        break;
    case PROTECTION:
        r->security.protection_level = whole;
        break;
    case NETWORK_LATENCY:
        r->network.max_latency_ms = number;
        break;
    case BUDGET:
        if (number.set) {
            r->budget = arena_memdup(arena, r->budget, sizeof *r->budget);
            r->budget->amount = value;
        } else {
            r->budget = NULL;
        }
        break;
    case VCPUS:
        component->vcpus = number;
        break;
    case MEMORY:
        component->memory_gib = number;
        break;
    case DISK:
        component->disk_gib = number;
        break;
    case EXCLUSION:
    case PIN: /* marked in the wishes */
        break;
    case FLOW: /* kept, so that indices stand, but asks for nothing */
        flow->from = flow->to;
        flow->max_latency_ms = flow->bandwidth_mbps = (struct opt_double){false, 0};
        break;
    }
}

static bool is_wish(const struct constraint *constraint)
{
    return constraint->kind == PIN || constraint->kind == EXCLUSION;
}

static struct requirement *without_dropped(struct explain *x, struct arena *arena)
{
    struct requirement *r = copy_requirement(x->requirement, arena);
    for (size_t i = 0; i < x->constraints.count; i++) {
        const struct constraint *constraint = &x->constraints.items[i];
        if (is_wish(constraint))
            x->wishes->items.items[constraint->index].dropped = constraint->dropped;
        else if (constraint->dropped)
            change(r, constraint, NAN, arena);
    }
    return r;
}

/* ---- trials ---- */
static uint64_t trial_work(const struct design_problem *problem)
{
    size_t options = 0;
    for (size_t c = 0; c < problem->count; c++)
        options += problem->components[c].options.count;
    return options <= SMALL_OPTIONS ? SMALL_WORK : TRIAL_WORK;
}

static enum design_outcome try_requirement(struct explain *x, const struct requirement *r,
                                           struct design_weights weights, bool first_only,
                                           struct solution *ret_solution,
                                           struct evaluation_figures *ret_figures)
{
    struct arena arena;
    struct evaluation_model *model = NULL;
    struct design_problem *problem = NULL;
    enum design_outcome outcome = DESIGN_NONE;
    if (x->limits->should_stop && x->limits->should_stop(x->limits->stop_ctx))
        return DESIGN_UNDECIDED;
    arena_init(&arena, 0);
    if (!evaluation_model_again(x->model, r, &model, &arena, NULL) &&
        !design_problem_new(model, x->wishes, false, &problem, &arena, NULL)) {
        struct design_task task = {.problem = problem,
                                   .weights = weights,
                                   .first_only = first_only,
                                   .work_max = trial_work(problem),
                                   .should_stop = x->limits->should_stop,
                                   .stop_ctx = x->limits->stop_ctx};
        struct design_result result;
        design_search(&task, &result, &arena);
        outcome = result.outcome;
        if (ret_solution && (outcome == DESIGN_OPTIMAL || outcome == DESIGN_FOUND)) {
            memset(ret_solution, 0, sizeof *ret_solution);
            design_placements(problem, result.chosen, ret_solution, x->arena);
            if (evaluation_measure(model, ret_solution, ret_figures, x->arena, NULL))
                outcome = DESIGN_UNDECIDED;
            for (size_t i = 0; i < ret_figures->violations.count; i++)
                if (ret_figures->violations.items[i].verdict == VERDICT_FAIL)
                    outcome = DESIGN_UNDECIDED;
        }
    } else {
        outcome = DESIGN_UNDECIDED;
    }
    arena_done(&arena);
    return outcome;
}

static const struct design_weights by_cost = {1, 0, 0, 0};

static bool possible(enum design_outcome outcome)
{
    return outcome == DESIGN_OPTIMAL || outcome == DESIGN_FOUND;
}

static enum design_outcome try_without_dropped(struct explain *x)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum design_outcome outcome =
        try_requirement(x, without_dropped(x, &arena), by_cost, true, NULL, NULL);
    arena_done(&arena);
    return outcome;
}

static bool still_infeasible(struct explain *x)
{
    return try_without_dropped(x) == DESIGN_NONE;
}

/* Drops it for good when the rest cannot hold without it either. */
static bool try_dropping(struct explain *x, struct constraint *constraint)
{
    constraint->dropped = true;
    enum design_outcome outcome = try_without_dropped(x);
    constraint->undecided = outcome == DESIGN_UNDECIDED;
    constraint->dropped = outcome == DESIGN_NONE;
    return constraint->dropped;
}

/* Whole components and flows are tried first: most have no part in the conflict. */
static bool same_owner(const struct constraint *a, const struct constraint *b)
{
    bool component_a = a->kind <= LOCATION || (a->kind >= VCPUS && a->kind <= DISK);
    bool component_b = b->kind <= LOCATION || (b->kind >= VCPUS && b->kind <= DISK);
    bool flow_a = a->kind == FLOW_BANDWIDTH || a->kind == FLOW_LATENCY || a->kind == FLOW;
    bool flow_b = b->kind == FLOW_BANDWIDTH || b->kind == FLOW_LATENCY || b->kind == FLOW;
    return a->index == b->index && ((component_a && component_b) || (flow_a && flow_b));
}

static bool filter_singly(struct explain *x)
{
    bool any = false;
    for (size_t i = 0; i < x->constraints.count; i++) {
        struct constraint *constraint = &x->constraints.items[i];
        if (!constraint->dropped && try_dropping(x, constraint))
            any = true;
    }
    return any;
}

static void filter(struct explain *x)
{
    size_t count = x->constraints.count;
    struct constraint *all = x->constraints.items;
    for (size_t begin = 0; begin < count;) {
        size_t end = begin + 1;
        while (end < count && same_owner(&all[begin], &all[end]))
            end++;
        for (size_t i = begin; i < end; i++)
            all[i].dropped = true;
        if (!still_infeasible(x)) {
            for (size_t i = begin; i < end; i++)
                all[i].dropped = false;
            for (size_t i = begin; i < end && end - begin > 1; i++)
                try_dropping(x, &all[i]);
        }
        begin = end;
    }
    /* Dropping a tier or a place can bring the whole need's bounds onto other components, so fewer
     * constraints are not always easier: look again until every part is needed. */
    while (filter_singly(x))
        continue;
}

/* ---- relaxations ---- */
static double bound_of(const struct requirement *r, const struct constraint *constraint)
{
    const struct requirement_component *component =
        constraint->index < r->components.count ? &r->components.items[constraint->index] : NULL;
    const struct requirement_flow *flow =
        constraint->index < r->flows.count ? &r->flows.items[constraint->index] : NULL;
    switch (constraint->kind) {
    case INSTANCES:
        return (double)component->instances.value;
    case FLOW_BANDWIDTH:
        return flow->bandwidth_mbps.value;
    case FLOW_LATENCY:
        return flow->max_latency_ms.value;
    case REPLICAS:
        return (double)r->reliability.replicas.value;
    case NETWORK_BANDWIDTH:
        return r->network.bandwidth_mbps.value;
    case NETWORK_LATENCY:
        return r->network.max_latency_ms.value;
    case AVAILABILITY:
        return r->service_level.availability_percent.value;
    case PROTECTION:
        return (double)r->security.protection_level.value;
    case BUDGET:
        return r->budget->amount;
    case VCPUS:
        return component->vcpus.value;
    case MEMORY:
        return component->memory_gib.value;
    case DISK:
        return component->disk_gib.value;
    default:
        return NAN;
    }
}

static const char *unit_of(const struct explain *x, const struct constraint *constraint)
{
    switch (constraint->kind) {
    case FLOW_BANDWIDTH:
    case NETWORK_BANDWIDTH:
        return " Mbit/s";
    case FLOW_LATENCY:
    case NETWORK_LATENCY:
        return " ms";
    case AVAILABILITY:
        return " %";
    case MEMORY:
    case DISK:
        return " GiB";
    case BUDGET:
        return arena_printf(
            x->arena, " %s/%s",
            json_enum_name(requirement_currency_names, x->requirement->budget->currency),
            json_enum_name(requirement_period_names, x->requirement->budget->period));
    default:
        return "";
    }
}

static enum design_outcome try_value(struct explain *x, const struct constraint *constraint,
                                     double value, bool first_only, struct solution *ret_solution,
                                     struct evaluation_figures *ret_figures)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct requirement *r = copy_requirement(x->requirement, &arena);
    change(r, constraint, value, &arena);
    for (size_t i = 0; i < x->wishes->items.count; i++)
        x->wishes->items.items[i].dropped = is_wish(constraint) && constraint->index == i;
    /* placements point into names of the requirement given, which outlive the copy */
    enum design_outcome outcome =
        try_requirement(x, r, by_cost, first_only, ret_solution, ret_figures);
    arena_done(&arena);
    return outcome;
}

static bool is_latency(const struct constraint *constraint)
{
    return constraint->kind == FLOW_LATENCY || constraint->kind == NETWORK_LATENCY;
}

static void relaxation_add(struct explain *x, struct solution_answer *out, const char *text,
                           double cost)
{
    *LIST_ADD(x->arena, &out->relaxations) = (struct solution_relaxation){text, cost};
}

/* The latency that the relaxed solution shows on the flows under this bound. */
static double shown_latency(const struct solution *solution, double bound)
{
    double most = 0;
    for (size_t i = 0; i < solution->routes.count; i++)
        if (solution->routes.items[i].latency_ms.set)
            most = fmax(most, solution->routes.items[i].latency_ms.value);
    return fmax(most, bound);
}

static double round_relaxed(const struct constraint *constraint, double value, bool upwards)
{
    switch (constraint->kind) {
    case FLOW_LATENCY:
    case NETWORK_LATENCY:
        return ceil(value / LATENCY_STEP - 1e-9) * LATENCY_STEP;
    case AVAILABILITY:
        return floor(value * 1e6 + 1e-4) / 1e6;
    default:
        return upwards ? ceil(value - 1e-9) : floor(value + 1e-9);
    }
}

/* The bound that changes least: bisection between what fails and what is known to serve. */
static void relax_bound(struct explain *x, const struct constraint *constraint,
                        const struct solution *free_solution, double free_cost,
                        struct solution_answer *out)
{
    double fails = bound_of(x->requirement, constraint);
    bool upwards = is_latency(constraint);
    bool amount = constraint->kind == VCPUS || constraint->kind == MEMORY ||
                  constraint->kind == DISK || constraint->kind == FLOW_BANDWIDTH ||
                  constraint->kind == NETWORK_BANDWIDTH;
    bool counted = constraint->kind == INSTANCES || constraint->kind == REPLICAS ||
                   constraint->kind == PROTECTION;
    bool whole = amount || counted;
    struct solution loose;
    struct evaluation_figures loose_figures;
    /* dropping a bound may drop the flow that it stands for; how far it must go, a loose one tells
     */
    if (upwards && possible(try_value(x, constraint, NO_LATENCY, false, &loose, &loose_figures)))
        free_solution = &loose;
    double serves = upwards ? shown_latency(free_solution, fails)
                    : constraint->kind == AVAILABILITY && free_solution->reliability.set
                        ? fmin(fails, free_solution->reliability.value * 100)
                    : counted ? 1
                              : 0;
    double near_enough = whole                              ? 0
                         : constraint->kind == AVAILABILITY ? 1e-6 /* of a per cent */
                                                            : LATENCY_STEP / 4;
    bool open = false; /* a trial was stopped: less might do */
    for (int i = 0; i < BISECTIONS && fabs(serves - fails) > near_enough; i++) {
        double middle = (serves + fails) / 2;
        if (whole) {
            middle = floor(middle);
            if (middle <= serves)
                break;
        }
        enum design_outcome outcome = try_value(x, constraint, middle, true, NULL, NULL);
        open = open || outcome == DESIGN_UNDECIDED;
        if (possible(outcome))
            serves = middle;
        else
            fails = middle;
    }
    double stated = bound_of(x->requirement, constraint);
    double relaxed = round_relaxed(constraint, serves, upwards);
    struct solution solution;
    struct evaluation_figures figures;
    const char *unit = unit_of(x, constraint);
    if (relaxed != stated &&
        possible(try_value(x, constraint, relaxed, false, &solution, &figures))) {
        const char *text = arena_printf(x->arena, "%s %.10g → %.10g%s (%+.10g%s)", constraint->name,
                                        stated, relaxed, unit, relaxed - stated, unit);
        relaxation_add(x, out, text, figures.cost);
        if (open)
            *LIST_ADD(x->arena, &out->undecided) = arena_printf(x->arena, "less than %s", text);
        if (amount || counted || free_cost >= figures.cost * 0.99)
            return; /* dropping it altogether would gain nothing, or ask for nothing */
    }
    relaxation_add(x, out, arena_printf(x->arena, "drop %s", constraint->name), free_cost);
}

static void relax(struct explain *x, const struct constraint *constraint,
                  struct solution_answer *out)
{
    struct solution solution;
    struct evaluation_figures figures;
    enum design_outcome outcome = try_value(x, constraint, NAN, false, &solution, &figures);
    if (outcome == DESIGN_UNDECIDED)
        *LIST_ADD(x->arena, &out->undecided) = arena_printf(x->arena, "drop %s", constraint->name);
    if (!possible(outcome))
        return;
    if (constraint->kind == BUDGET) {
        double months = evaluation_budget_months(x->model), stated = x->requirement->budget->amount;
        double needed = ceil(figures.cost * months * 100 - 1e-6) / 100;
        const char *unit = unit_of(x, constraint);
        struct evaluation_figures again;
        if (possible(try_value(x, constraint, needed, true, &solution, &again)))
            relaxation_add(x, out,
                           arena_printf(x->arena, "budget %.10g → %.10g%s (%+.10g%s)", stated,
                                        needed, unit, needed - stated, unit),
                           figures.cost);
        return;
    }
    if (isnan(bound_of(x->requirement, constraint)))
        relaxation_add(x, out, arena_printf(x->arena, "drop %s", constraint->name), figures.cost);
    else
        relax_bound(x, constraint, &solution, figures.cost, out);
}

static void drop_for_good(struct explain *x, const struct constraint *constraint,
                          struct requirement *r, struct arena *arena)
{
    change(r, constraint, NAN, arena);
    if (is_wish(constraint))
        x->wishes->items.items[constraint->index].gone = true;
}

/* No single constraint helps: more than one conflict.  Drop one of each until the rest can be met.
 */
static void relax_together(struct explain *x, const struct constraint *first,
                           struct solution_answer *out)
{
    struct explain rest = *x;
    struct arena arena;
    const char *text = arena_printf(x->arena, "drop %s", first->name);
    arena_init(&arena, 0);
    struct requirement *r = copy_requirement(x->requirement, &arena);
    rest.wishes = design_wishes_copy(x->wishes, &arena);
    drop_for_good(&rest, first, r, &arena);
    for (int i = 0; i < TOGETHER_MAX; i++) {
        struct solution solution;
        struct evaluation_figures figures;
        rest.requirement = r;
        for (size_t k = 0; k < rest.wishes->items.count; k++)
            rest.wishes->items.items[k].dropped = false;
        if (possible(try_requirement(&rest, r, by_cost, false, &solution, &figures))) {
            relaxation_add(x, out, text, figures.cost);
            break;
        }
        rest.constraints.items = NULL;
        rest.constraints.count = 0;
        list_constraints(&rest);
        list_amounts(&rest);
        filter(&rest);
        const struct constraint *next = NULL;
        for (size_t k = 0; k < rest.constraints.count; k++)
            if (!rest.constraints.items[k].dropped)
                next = &rest.constraints.items[k];
        if (!next)
            break;
        text = arena_printf(x->arena, "%s and %s", text, next->name);
        r = copy_requirement(r, &arena);
        drop_for_good(&rest, next, r, &arena);
    }
    arena_done(&arena);
}

static int by_relaxed_cost(const void *a, const void *b)
{
    const struct solution_relaxation *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return strcmp(x->change, y->change);
}

enum err_code design_explain(const struct evaluation_model *model,
                             const struct design_wishes *wishes, const struct design_limits *limits,
                             struct solution_answer *out, struct arena *arena, struct err *err)
{
    struct explain x = {.model = model,
                        .wishes = design_wishes_copy(wishes, arena),
                        .limits = limits,
                        .arena = arena};
    evaluation_model_subject(model, &x.requirement, &x.network);
    list_constraints(&x);
    for (size_t i = 0; i < x.constraints.count; i++)
        x.constraints.items[i].dropped = true;
    bool words_explain = !still_infeasible(&x);
    for (size_t i = 0; i < x.constraints.count; i++)
        x.constraints.items[i].dropped = false;
    if (!words_explain)
        list_amounts(&x);
    filter(&x);
    size_t named = 0;
    const struct constraint *first = NULL;
    for (size_t i = 0; i < x.constraints.count; i++) {
        if (x.constraints.items[i].dropped)
            continue;
        *LIST_ADD(arena, &out->conflict) = x.constraints.items[i].name;
        if (x.constraints.items[i].undecided)
            *LIST_ADD(arena, &out->undecided) = x.constraints.items[i].name;
        first = first ? first : &x.constraints.items[i];
        named++;
    }
    for (size_t i = 0; i < x.constraints.count; i++)
        if (!x.constraints.items[i].dropped)
            relax(&x, &x.constraints.items[i], out);
    if (named > 0 && out->relaxations.count == 0)
        relax_together(&x, first, out);
    if (out->relaxations.count)
        qsort(out->relaxations.items, out->relaxations.count, sizeof *out->relaxations.items,
              by_relaxed_cost);
    return arena_check(arena, err);
}
