/* advice_instances.c - the cheapest site where an instance, moved or added, removes a danger.
 *
 * The sites that may take it and that the users of its services still reach in time are measured
 * (contract/network.md: cost, capacity, all constraints) and tried from the cheapest on.
 *
 * Contract: what is advised meets the requirement as far as the solution did, and was analysed with
 * the instance there; it is the cheapest of the sites measured (`tried` of `of`). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/risks/advice_priv.h"

#define MEASURED_MOST 200 /* sites of least price of an instance whose whole cost is worked out */
#define TRIED_MOST 8      /* of these, analysed anew */

struct candidate {
    size_t site;
    double cost; /* of an instance first, of the whole then */
};

static int by_cost(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    if (a->cost < b->cost || a->cost > b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

struct change { /* in hand: an instance of this component goes elsewhere, or is added */
    struct risks_advisor *a;
    size_t component; /* of the requirement */
    const char *name;
    size_t placement; /* that is moved; SIZE_MAX = added */
    struct evaluation_model *model;
    LIST(struct candidate) candidates;
    size_t eligible;
};

/* From all that call the component, within their bounds, with the danger's elements gone. */
static bool is_reached(struct risks_advisor *a, const struct risks_component *component,
                       uint32_t site)
{
    for (size_t i = 0; i < a->services.services.count; i++) {
        const struct risks_service *service = &a->services.services.items[i];
        struct risks_way way;
        if (service->to != component || !service->routes)
            continue;
        const struct risks_route *route = &a->services.routes.items[service->first_route];
        risks_detour_find(&a->services.detour, &a->services.origins.items[route->origin].forest,
                          &a->work.gone, site, &way);
        if (way.unknown || (service->bound_ms.set &&
                            (double)way.latency / RISKS_UNIT > service->bound_ms.value + 1e-6))
            return false;
    }
    return true;
}

static void list_candidates(struct change *c, const struct risks_component *component)
{
    struct risks_advisor *a = c->a;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    LIST(struct candidate) all = {NULL, 0};
    for (uint32_t site = 0; site < a->work.graph.sites; site++) {
        struct evaluation_reason reason;
        const char *flavor, *card;
        if (risks_is_gone(&a->work.gone, site) ||
            !evaluation_eligible(c->model, c->component, site, &reason, NULL))
            continue;
        double cost = evaluation_instance_cost(c->model, c->component, site, &flavor, &card);
        if (isnan(cost))
            continue;
        *LIST_ADD(&arena, &all) = (struct candidate){site, cost};
    }
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, by_cost);
    for (size_t i = 0; i < all.count; i++) {
        if (!is_reached(a, component, (uint32_t)all.items[i].site))
            continue;
        if (c->candidates.count < MEASURED_MOST)
            *LIST_ADD(a->arena, &c->candidates) = all.items[i];
        c->eligible++;
    }
}

/* The solution with the instance there. */
static void lay(const struct change *c, const char *site, struct solution *out, struct arena *arena)
{
    const struct solution *given = c->a->input->solution;
    int64_t highest = -1;
    *out = (struct solution){.objective = given->objective};
    for (size_t i = 0; i < given->placements.count; i++) {
        struct solution_placement *placement = LIST_ADD(arena, &out->placements);
        *placement = given->placements.items[i];
        if (str_eq(placement->component, c->name) && placement->instance > highest)
            highest = placement->instance;
        if (i == c->placement) {
            placement->site = site;
            placement->flavor = placement->accelerator_model = NULL;
        }
    }
    if (c->placement == SIZE_MAX)
        *LIST_ADD(arena, &out->placements) =
            (struct solution_placement){c->name, highest + 1, site, NULL, NULL};
}

static bool measure(const struct change *c, size_t site, struct solution *out, double *ret_cost,
                    struct arena *arena)
{
    struct evaluation_figures figures;
    struct err err = ERR_INIT;
    lay(c, c->a->input->network->sites.items[site].id, out, arena);
    if (evaluation_measure(c->model, out, &figures, arena, &err) || isnan(figures.cost) ||
        figures.violations.count > c->a->base_violations)
        return false;
    *ret_cost = figures.cost;
    return true;
}

static bool advise_change(struct change *c, struct risks_danger *danger)
{
    struct risks_advisor *a = c->a;
    size_t kept = 0, tried = 0;
    for (size_t i = 0; i < c->candidates.count; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct solution solution;
        struct candidate *item = &c->candidates.items[i];
        if (measure(c, item->site, &solution, &item->cost, &arena))
            c->candidates.items[kept++] = *item;
    }
    if (kept)
        qsort(c->candidates.items, kept, sizeof *c->candidates.items, by_cost);
    for (size_t i = 0; i < kept && tried < TRIED_MOST; i++, tried++) {
        CLEANUP(arena_done) struct arena arena = ARENA_INIT;
        struct solution solution;
        struct risks_advice advice = {.action = RISKS_ADD_INSTANCE};
        double cost;
        if (!measure(c, c->candidates.items[i].site, &solution, &cost, &arena) ||
            !risks_advice_try(a, a->input->network, &solution, &advice))
            continue;
        const struct solution_placement *was =
            c->placement == SIZE_MAX ? NULL : &a->input->solution->placements.items[c->placement];
        advice.action = was ? RISKS_MOVE_INSTANCE : RISKS_ADD_INSTANCE;
        advice.component = c->name;
        advice.instance = was ? was->instance : 0;
        advice.from = was ? was->site : NULL;
        advice.to = a->input->network->sites.items[c->candidates.items[i].site].id;
        advice.cost_change = (struct opt_double){!isnan(a->base_cost), cost - a->base_cost};
        advice.currency = a->input->network->currency;
        advice.tried = c->candidates.count;
        advice.of = c->eligible;
        *LIST_ADD(a->arena, &danger->advice) = advice;
        return true;
    }
    return false;
}

/* The instance to move: one on what fails, else the first. */
static size_t placement_of(const struct risks_advisor *a, const char *component)
{
    const struct solution *solution = a->input->solution;
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < solution->placements.count; i++) {
        const struct solution_placement *placement = &solution->placements.items[i];
        if (!str_eq(placement->component, component))
            continue;
        first = first == SIZE_MAX ? i : first;
        uint32_t site = risks_graph_find(&a->work.graph, placement->site);
        if (site != RISKS_NONE && risks_is_gone(&a->work.gone, site))
            return i;
    }
    return first;
}

/* A requirement with one instance more of the component. */
static struct evaluation_model *model_with_one_more(struct risks_advisor *a, size_t component)
{
    struct requirement *requirement =
        arena_memdup(a->arena, a->input->requirement, sizeof *requirement);
    struct evaluation_model *model;
    struct err err = ERR_INIT;
    requirement->components.items =
        arena_memdup(a->arena, requirement->components.items,
                     requirement->components.count * sizeof *requirement->components.items);
    struct requirement_component *more = &requirement->components.items[component];
    more->instances =
        (struct opt_int){true, requirement_instances(a->input->requirement, more) + 1};
    return evaluation_model_again(a->model, requirement, &model, a->arena, &err) ? NULL : model;
}

static void advise_component(struct risks_advisor *a, const struct risks_component *component,
                             size_t number, struct risks_danger *danger)
{
    struct change change = {
        .a = a, .name = component->name, .component = number, .model = a->model};
    a->target = component;
    risks_gone_set(&a->work.gone, a->gone, a->gone_count);
    if (component->sites.count > 1 || danger->worst->kind == RISKS_BROKEN) {
        change.placement = placement_of(a, component->name);
        list_candidates(&change, component);
        advise_change(&change, danger);
    }
    struct change more = {.a = a,
                          .name = component->name,
                          .component = number,
                          .placement = SIZE_MAX,
                          .model = model_with_one_more(a, number)};
    if (!more.model)
        return;
    list_candidates(&more, component);
    advise_change(&more, danger);
}

/* The danger takes all of it at once, or its services. */
static bool is_hit(const struct risks_advisor *a, const struct risks_component *component)
{
    bool all = true;
    for (size_t i = 0; i < component->sites.count; i++)
        all = all && risks_is_gone(&a->work.gone, component->sites.items[i]);
    for (size_t i = 0; i < a->services.services.count; i++)
        if (a->services.services.items[i].to == component && risks_advice_breaks(a, i))
            return true;
    return all && a->danger->worst->kind != RISKS_BROKEN;
}

void risks_advise_instances(struct risks_advisor *a, struct risks_danger *danger)
{
    const struct requirement *requirement = a->input->requirement;
    size_t hit = 0;
    if (!a->model) {
        danger->no_advice = "where an instance may go is unknown without the requirement";
        return;
    }
    for (size_t i = 0; i < a->services.components.count && hit < RISKS_NAMES; i++) {
        const struct risks_component *component = &a->services.components.items[i];
        size_t number = 0;
        risks_gone_set(&a->work.gone, a->gone, a->gone_count);
        while (number < requirement->components.count &&
               !str_eq(requirement->components.items[number].name, component->name))
            number++;
        if (number == requirement->components.count || !is_hit(a, component))
            continue;
        advise_component(a, component, number, danger);
        hit++;
    }
}
