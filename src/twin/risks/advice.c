/* advice.c - what removes the greatest dangers: which links, where an instance goes, how much room.
 *
 * Contract: nothing is advised that was not tried: the changed network or solution is built and
 * analysed again, the danger's failure breaks none of its services then, nothing is broken that was
 * not, and no more single failures break services than before. */
#include <math.h>

#include "base/str.h"
#include "twin/risks/advice_priv.h"

#define BUDGET 2000000 /* nodes and links over all tries: some seconds */
#define HEADROOM_DEFAULT 20

const char *const risks_action_names[] = {
    NULL, "add-link", "move-instance", "add-instance", "add-bandwidth", "add-capacity", NULL};

const char *risks_advice_name(const struct risks_advisor *a, uint32_t node)
{
    return risks_graph_element(&a->work.graph, node, a->arena).id;
}

double risks_advice_km(const struct risks_advisor *a, uint32_t x, uint32_t y)
{
    double chord = 0;
    for (size_t i = 0; i < 3; i++)
        chord += (a->place[x][i] - a->place[y][i]) * (a->place[x][i] - a->place[y][i]);
    return 2 * 6371 * asin(fmin(1, sqrt(chord) / 2));
}

static void find_places(struct risks_advisor *a)
{
    const struct risks_graph *g = &a->work.graph;
    a->place = arena_array(a->arena, g->nodes + 1, sizeof *a->place);
    for (uint32_t v = 0; v < g->nodes; v++) {
        const struct network *network = g->network;
        struct opt_double lat =
            v < g->sites ? network->sites.items[v].lat : network->access.items[v - g->sites].lat;
        struct opt_double lon =
            v < g->sites ? network->sites.items[v].lon : network->access.items[v - g->sites].lon;
        double north = lat.set && lon.set ? lat.value * acos(-1) / 180 : NAN;
        double east = lon.value * acos(-1) / 180;
        a->place[v][0] = cos(north) * cos(east);
        a->place[v][1] = cos(north) * sin(east);
        a->place[v][2] = sin(north);
    }
}

/* ---- tries ---- */

static size_t base_of(const struct risks_advisor *a, const char *name)
{
    size_t i = 0;
    while (i < a->services.services.count && !str_eq(a->services.services.items[i].name, name))
        i++;
    return i;
}

bool risks_advice_breaks(const struct risks_advisor *a, size_t service)
{
    if (a->danger->worst->kind == RISKS_BROKEN)
        return str_eq(a->services.services.items[service].name, a->danger->worst->service);
    return a->outcome[service].reason && !a->services.base[service].reason;
}

static bool holds(struct risks_advisor *a, struct risks_services *s, size_t *ret_mended)
{
    struct risks_outcome *outcome =
        arena_array(s->work->arena, s->services.count + 1, sizeof *outcome);
    risks_services_fail(s, a->gone, a->gone_count, outcome);
    *ret_mended = 0;
    for (size_t i = 0; i < s->services.count; i++) {
        size_t base = base_of(a, s->services.items[i].name);
        bool was = base < a->services.services.count;
        bool broken = was && risks_advice_breaks(a, base);
        if (s->base[i].reason && !(was && a->services.base[base].reason))
            return false;
        if (outcome[i].reason && broken && a->services.services.items[base].to == a->target)
            return false;
        *ret_mended += broken && !outcome[i].reason;
    }
    return true;
}

bool risks_advice_try(struct risks_advisor *a, const struct network *network,
                      const struct solution *solution, struct risks_advice *advice)
{
    CLEANUP(arena_done) struct arena arena;
    struct risks_services services = {.work = NULL};
    struct risks_answer answer = {.sites = 0};
    struct err err = ERR_INIT;
    struct risks_work work = {.input = a->input, .answer = &answer, .arena = &arena};
    size_t cost = network->sites.count + network->access.count + network->links.count;
    arena_init(&arena, a->arena->max);
    if (a->budget < cost) {
        a->budget = 0;
        return false;
    }
    a->budget -= cost;
    if (risks_graph_init(&work.graph, network, &arena, &err))
        return false;
    risks_groups_init(&work.graph, false, &arena);
    risks_gone_init(&work.gone, &work.graph, &arena);
    bool good = !risks_services_init(&services, &work, solution, &err) &&
                holds(a, &services, &advice->mended);
    if (good) {
        advice->breaks = risks_services_breaks(&services);
        advice->breaks_before = a->breaks;
        good = advice->breaks <= a->breaks;
    }
    risks_services_done(&services);
    risks_graph_done(&work.graph);
    return good;
}

/* ---- room ---- */

static void advise_room(struct risks_advisor *a, struct risks_danger *danger)
{
    const struct risks_finding *finding = danger->worst;
    const struct risks_input *input = a->input;
    double headroom = input->headroom_percent > 0 ? input->headroom_percent : HEADROOM_DEFAULT;
    double used = finding->observed.value, capacity = finding->required.value;
    double wanted = headroom < 100 ? used / (1 - headroom / 100) : used;
    if (finding->growth.set) /* what the line reaches within the horizon, with nothing left */
        wanted = fmax(wanted, used + finding->growth.value);
    struct risks_advice *advice = LIST_ADD(a->arena, &danger->advice);
    advice->action =
        str_eq(finding->element.kind, "link") ? RISKS_ADD_BANDWIDTH : RISKS_ADD_CAPACITY;
    advice->a = finding->element.id;
    advice->amount = (struct opt_double){true, fmax(0, wanted - capacity)};
    advice->unit = finding->unit;
    advice->component = finding->resource;
}

/* Room on the congested link, and on all others that a wider one fills: tried on a copy. */
static bool advise_bandwidth(struct risks_advisor *a, struct risks_danger *danger)
{
    const struct risks_graph *g = &a->work.graph;
    struct network network = *a->input->network;
    size_t count = network.links.count, grown = 0;
    struct risks_advice advice = {.action = RISKS_ADD_BANDWIDTH, .unit = "Mbit/s"};
    network.links.items =
        arena_memdup(a->arena, network.links.items, count * sizeof *network.links.items);
    risks_services_fail(&a->services, a->gone, a->gone_count, a->outcome);
    for (size_t i = 0; i < a->services.dirty_count; i++) {
        uint32_t at = a->services.dirty[i];
        struct network_link *link = &network.links.items[at];
        double used = link->used_mbps.set ? link->used_mbps.value : 0;
        double missing = used + a->services.load[at] - link->bandwidth_mbps.value;
        if (!link->bandwidth_mbps.set || missing <= 0)
            continue;
        link->bandwidth_mbps.value += missing;
        advice.amount = (struct opt_double){true, advice.amount.value + missing};
        if (!grown++)
            advice.a = risks_graph_element(g, (uint32_t)g->nodes + at, a->arena).id;
    }
    if (!grown || !risks_advice_try(a, &network, a->input->solution, &advice))
        return false;
    advice.links = grown;
    *LIST_ADD(a->arena, &danger->advice) = advice;
    return true;
}

/* ---- a danger ---- */

static void spread(struct risks_advisor *a, const struct risks_element *element)
{
    const struct risks_graph *g = &a->work.graph;
    uint32_t number = RISKS_NONE;
    if (!element->kind)
        return;
    if (element->position)
        number = (uint32_t)g->nodes + element->position - 1;
    else if (!element->basis)
        number = risks_graph_find(g, element->id);
    for (uint32_t i = 0; i < g->group_count && element->basis; i++)
        if (g->groups[i].basis == element->basis && str_eq(g->groups[i].id, element->id))
            number = (uint32_t)(g->nodes + g->links) + i;
    if (number == RISKS_NONE)
        return;
    risks_gone_set(&a->work.gone, &number, 1);
    for (size_t i = 0; i < a->work.gone.count; i++)
        a->gone[a->gone_count++] = a->work.gone.items[i];
}

/* The elements of the danger; of a component the site where all of it stands. */
static void take_in_hand(struct risks_advisor *a, const struct risks_danger *danger)
{
    a->gone_count = 0;
    a->danger = danger;
    a->target = NULL;
    if (danger->worst->kind == RISKS_ONE_SITE) {
        spread(a, &(struct risks_element){.kind = "site", .id = danger->worst->at});
    } else if (danger->worst->kind != RISKS_BROKEN) {
        spread(a, &danger->element);
        spread(a, &danger->second);
    }
    if (a->input->solution)
        risks_services_fail(&a->services, a->gone, a->gone_count, a->outcome);
    risks_gone_set(&a->work.gone, a->gone, a->gone_count);
}

/* A flow begins at one of the danger's elements. */
static bool users_are_at(const struct risks_advisor *a)
{
    for (size_t i = 0; i < a->services.origins.count; i++)
        for (size_t k = 0; k < a->gone_count; k++)
            if (a->services.origins.items[i].component < 0 &&
                a->services.origins.items[i].node == a->gone[k])
                return true;
    return false;
}

static void advise_one(struct risks_advisor *a, struct risks_danger *danger)
{
    take_in_hand(a, danger);
    danger->advised = true;
    switch (danger->worst->kind) {
    case RISKS_CAPACITY:
        advise_room(a, danger);
        return;
    case RISKS_SLOWER:
        danger->no_advice = "longer ways are told, not mended";
        return;
    case RISKS_CUT:
        risks_advise_links(a, danger);
        break;
    default:
        if (!a->input->solution) {
            risks_advise_links(a, danger); /* a pair of the network alone */
            break;
        }
        risks_advise_instances(a, danger);
        if (danger->worst->reason != RISKS_CONGESTED || !advise_bandwidth(a, danger))
            risks_advise_way(a, danger);
    }
    if (!danger->advice.count && users_are_at(a))
        danger->no_advice = "users are at it: no link and no site removes it";
    else if (!danger->advice.count && !danger->no_advice)
        danger->no_advice = a->budget ? "nothing that was tried removes it"
                                      : "not worked out: the tries were too many";
}

static enum err_code begin(struct risks_advisor *a, struct err *err)
{
    const struct risks_input *input = a->input;
    struct risks_graph *g = &a->work.graph;
    enum err_code rc;
    risks_groups_init(g, !input->declared_only, a->arena);
    risks_gone_init(&a->work.gone, g, a->arena);
    risks_rest_init(&a->rest, g, a->arena);
    risks_rest_init(&a->back, g, a->arena);
    a->label = arena_array(a->arena, g->nodes + 1, sizeof *a->label);
    a->queue = arena_array(a->arena, g->nodes + 1, sizeof *a->queue);
    a->gone = arena_array(a->arena, 2 * (g->nodes + g->links) + 1, sizeof *a->gone);
    find_places(a);
    if (!input->solution)
        return ERR_OK;
    if ((rc = risks_services_init(&a->services, &a->work, input->solution, err)))
        return rc;
    a->outcome = arena_array(a->arena, a->services.services.count + 1, sizeof *a->outcome);
    a->breaks = risks_services_breaks(&a->services);
    if (!input->requirement)
        return ERR_OK;
    struct evaluation_input given = {.requirement = input->requirement, .network = input->network};
    struct evaluation_figures figures;
    struct solution copy = *input->solution;
    if ((rc = evaluation_model_new(&given, &a->model, a->arena, err)) ||
        (rc = evaluation_measure(a->model, &copy, &figures, a->arena, err)))
        return rc;
    a->base_violations = figures.violations.count;
    a->base_cost = figures.cost;
    return ERR_OK;
}

enum err_code risks_advise(const struct risks_input *input, struct risks_answer *answer,
                           size_t most, struct arena *arena, struct err *err)
{
    struct risks_advisor a = {.input = input,
                              .answer = answer,
                              .arena = arena,
                              .budget = BUDGET,
                              .work = {.input = input, .arena = arena}};
    a.work.answer = &a.scratch;
    if (!answer->dangers.count || !most)
        return ERR_OK;
    enum err_code rc = risks_graph_init(&a.work.graph, input->network, arena, err);
    if (rc)
        return rc;
    rc = begin(&a, err);
    for (size_t i = 0; i < answer->dangers.count && i < most && !rc; i++) {
        advise_one(&a, &answer->dangers.items[i]);
        rc = arena_check(arena, err);
    }
    risks_services_done(&a.services);
    risks_graph_done(&a.work.graph);
    return rc;
}
