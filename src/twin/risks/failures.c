/* failures.c - which services break when one element or group fails, or two, and by which margin.
 *
 * Pruning, exact: an element that no route uses and that hosts nothing changes nothing.  So single
 * failures are those of the elements in use; second failures those of the elements in use after the
 * first.  All other pairs do what the first of them does alone.  A group is in use when a member
 * is; inferred groups fail alone only.
 *
 * Contract: O(elements in use · (changed part of the trees + routes · length)). */
#include <stdlib.h>

#include "base/str.h"
#include "twin/risks/services_priv.h"

#define PAIRS_DEFAULT 20000

/* ---- elements in use ---- */

struct elements {
    uint32_t *items;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void use(struct risks_services *s, uint32_t element, struct elements *out)
{
    if (s->seen[element] == s->epoch)
        return;
    s->seen[element] = s->epoch;
    out->items[out->count++] = element;
}

/* The first `groups` groups that hold what is in use. */
static void use_groups(struct risks_services *s, size_t groups, struct elements *out)
{
    const struct risks_graph *g = s->graph;
    size_t all = g->nodes + g->links, singles = out->count;
    for (size_t i = 0; i < singles; i++) {
        uint32_t element = out->items[i];
        for (uint32_t k = g->group_first[element]; k < g->group_first[element + 1]; k++)
            if (g->groups_of[k] < groups)
                use(s, (uint32_t)all + g->groups_of[k], out);
    }
}

/* In use after the last risks_services_fail; rising. */
static void list_used(struct risks_services *s, size_t groups, struct elements *out)
{
    s->epoch++;
    out->count = 0;
    for (size_t i = 0; i < s->components.count; i++)
        for (size_t k = 0; k < s->components.items[i].sites.count; k++)
            if (!risks_is_gone(&s->work->gone, s->components.items[i].sites.items[k]))
                use(s, s->components.items[i].sites.items[k], out);
    for (size_t i = 0; i < s->routes.count; i++) {
        const struct risks_route *route = &s->routes.items[i];
        if (route->way.unknown == UINT32_MAX)
            continue;
        use(s, route->to, out);
        for (size_t k = 0; k < route->steps; k++) {
            use(s, s->steps.items[route->step + k].node, out);
            use(s, (uint32_t)s->graph->nodes + s->steps.items[route->step + k].link, out);
        }
    }
    use_groups(s, groups, out);
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_number);
}

/* ---- findings ---- */

/* A guess is not as bad as what is known; one place is a better guess than one owner.
 */
static enum risks_severity severity_of(const struct risks_graph *g, const uint32_t *gone,
                                       size_t count)
{
    size_t all = g->nodes + g->links;
    if (count > 1)
        return RISKS_MEDIUM;
    if (!count || gone[0] < all)
        return RISKS_CRITICAL;
    switch (g->groups[gone[0] - all].basis) {
    case RISKS_DECLARED:
        return RISKS_CRITICAL;
    case RISKS_SAME_PLACE:
    case RISKS_SAME_ENDS:
        return RISKS_HIGH;
    default:
        return RISKS_MEDIUM;
    }
}

static const char *link_name(struct risks_services *s, uint32_t link)
{
    return risks_graph_element(s->graph, (uint32_t)s->graph->nodes + link, s->work->arena).id;
}

/* count 0: nothing has failed. */
static void tell(struct risks_services *s, size_t number, const uint32_t *gone, size_t count,
                 const struct risks_outcome *outcome)
{
    static const enum risks_kind kinds[] = {RISKS_BROKEN, RISKS_SERVICE, RISKS_PAIR};
    struct risks_work *work = s->work;
    const struct risks_service *service = &s->services.items[number];
    struct risks_finding *finding =
        risks_add(work, kinds[count], severity_of(s->graph, gone, count), outcome->reason);
    finding->element = count ? risks_graph_element(s->graph, gone[0], work->arena)
                             : (struct risks_element){.kind = "service", .id = service->name};
    if (count > 1)
        finding->second = risks_graph_element(s->graph, gone[1], work->arena);
    finding->service = service->name;
    finding->left = risks_services_left(s, service->to);
    finding->of = (int64_t)service->to->sites.count;
    if (outcome->reason == RISKS_GONE || outcome->reason == RISKS_UNREACHABLE) {
        finding->observed = (struct opt_double){true, 0};
        finding->required = (struct opt_double){true, 1};
        finding->unit = outcome->reason == RISKS_GONE ? "instances" : "ways";
    } else {
        finding->observed = outcome->observed;
        finding->required = outcome->required;
        finding->unit = outcome->unit;
    }
    if (outcome->reason == RISKS_LATENCY_UNKNOWN)
        finding->unknown = arena_printf(work->arena, "latency of %s", link_name(s, outcome->blind));
    if (outcome->link != RISKS_NONE && outcome->reason == RISKS_CONGESTED)
        finding->at = link_name(s, outcome->link);
    if (finding->observed.set && finding->required.set)
        finding->margin =
            (struct opt_double){true, outcome->reason == RISKS_LATE
                                          ? finding->required.value - finding->observed.value
                                          : finding->observed.value - finding->required.value};
}

static bool on_one_site(const struct risks_component *component)
{
    for (size_t i = 1; i < component->sites.count; i++)
        if (component->sites.items[i] != component->sites.items[0])
            return false;
    return true;
}

static void tell_one_site(struct risks_services *s)
{
    for (size_t i = 0; i < s->components.count; i++) {
        const struct risks_component *component = &s->components.items[i];
        if (!on_one_site(component))
            continue;
        bool one = component->sites.count == 1;
        struct risks_finding *finding = risks_add(s->work, RISKS_ONE_SITE, RISKS_HIGH,
                                                  one ? RISKS_ONE_INSTANCE : RISKS_SAME_SITE);
        finding->element = (struct risks_element){.kind = "component", .id = component->name};
        finding->at = s->graph->network->sites.items[component->sites.items[0]].id;
        finding->of = (int64_t)component->sites.count;
        finding->observed = (struct opt_double){true, 1};
        finding->required = (struct opt_double){true, 2};
        finding->margin = (struct opt_double){true, -1};
        finding->unit = "sites";
    }
}

/* Instances of a component in one group: what is left when it fails. */
static void tell_one_group(struct risks_services *s)
{
    const struct risks_graph *g = s->graph;
    for (size_t i = 0; i < g->group_count; i++) {
        uint32_t group = (uint32_t)(g->nodes + g->links + i);
        bool guess = g->groups[i].basis != RISKS_DECLARED;
        risks_gone_set(&s->work->gone, &group, 1);
        for (size_t k = 0; k < s->components.count; k++) {
            const struct risks_component *component = &s->components.items[k];
            if (on_one_site(component))
                continue; /* told already */
            int64_t of = (int64_t)component->sites.count;
            int64_t left = risks_services_left(s, component);
            if (of - left < 2 || (guess && left))
                continue;
            struct risks_finding *finding = risks_add(s->work, RISKS_ONE_GROUP,
                                                      left    ? RISKS_LOW
                                                      : guess ? RISKS_MEDIUM
                                                              : RISKS_HIGH,
                                                      RISKS_SAME_GROUP);
            finding->element = risks_graph_element(g, group, s->work->arena);
            finding->second = (struct risks_element){.kind = "component", .id = component->name};
            finding->left = left;
            finding->of = of;
            finding->observed = (struct opt_double){true, (double)left};
            finding->required = (struct opt_double){true, 1};
            finding->margin = (struct opt_double){true, (double)left - 1};
            finding->unit = "instances";
        }
    }
}

struct singles {
    struct elements used;
    uint8_t *broken;   /* [element][service] */
    uint64_t *seconds; /* elements in use after each */
};

static void try_singles(struct risks_services *s, struct singles *singles, struct elements *after)
{
    struct risks_outcome *outcome =
        arena_array(s->work->arena, s->services.count + 1, sizeof *outcome);
    for (size_t i = 0; i < singles->used.count; i++) {
        risks_services_fail(s, &singles->used.items[i], 1, outcome);
        for (size_t k = 0; k < s->services.count; k++) {
            bool broken = outcome[k].reason && !s->base[k].reason;
            singles->broken[i * s->services.count + k] = broken;
            if (broken)
                tell(s, k, &singles->used.items[i], 1, &outcome[k]);
            s->work->answer->unjudged += !outcome[k].reason && outcome[k].blind != RISKS_NONE;
        }
        list_used(s, s->graph->declared, after);
        singles->seconds[i] = after->count;
    }
}

static size_t place_in(const struct elements *elements, uint32_t element)
{
    size_t low = 0, high = elements->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (elements->items[middle] < element)
            low = middle + 1;
        else
            high = middle;
    }
    return low < elements->count && elements->items[low] == element ? low : SIZE_MAX;
}

/* One pair; what one of the two breaks alone is not told again. */
static void try_pair(struct risks_services *s, const struct singles *singles, size_t first,
                     uint32_t second, struct risks_outcome *outcome)
{
    uint32_t gone[] = {singles->used.items[first], second};
    size_t other = place_in(&singles->used, second), n = s->services.count;
    risks_services_fail(s, gone, 2, outcome);
    for (size_t k = 0; k < n; k++)
        if (outcome[k].reason && !s->base[k].reason && !singles->broken[first * n + k] &&
            (other == SIZE_MAX || !singles->broken[other * n + k]))
            tell(s, k, gone, 2, &outcome[k]);
}

static void try_pairs(struct risks_services *s, const struct singles *singles,
                      struct elements *after)
{
    struct risks_answer *answer = s->work->answer;
    uint64_t most = s->work->input->pairs ? s->work->input->pairs : PAIRS_DEFAULT;
    size_t all = s->graph->nodes + s->graph->links + s->graph->declared;
    struct risks_outcome *outcome =
        arena_array(s->work->arena, s->services.count + 1, sizeof *outcome);
    answer->pairs = (uint64_t)all * (all ? all - 1 : 0) / 2;
    for (size_t i = 0; i < singles->used.count; i++) {
        uint32_t first = singles->used.items[i];
        if (first >= all)
            continue; /* guesses are looked at alone */
        if (answer->pairs_tried >= most) {
            answer->pairs_left += singles->seconds[i];
            continue;
        }
        risks_services_fail(s, &first, 1, outcome);
        list_used(s, s->graph->declared, after);
        for (size_t k = 0; k < after->count; k++) {
            uint32_t second = after->items[k];
            if (second < first && place_in(&singles->used, second) != SIZE_MAX)
                continue; /* tried from the other side, or nothing but the other alone */
            if (answer->pairs_tried >= most) {
                answer->pairs_left++;
                continue;
            }
            answer->pairs_tried++;
            try_pair(s, singles, i, second, outcome);
        }
    }
}

size_t risks_services_breaks(struct risks_services *s)
{
    struct arena *arena = s->work->arena;
    size_t all = s->graph->nodes + s->graph->links + s->graph->group_count + 1, breaks = 0;
    struct elements used = {arena_array(arena, all, sizeof *used.items), 0};
    struct risks_outcome *outcome = arena_array(arena, s->services.count + 1, sizeof *outcome);
    risks_services_fail(s, NULL, 0, outcome);
    list_used(s, s->graph->declared, &used);
    for (size_t i = 0; i < used.count; i++) {
        risks_services_fail(s, &used.items[i], 1, outcome);
        for (size_t k = 0; k < s->services.count; k++)
            breaks += outcome[k].reason && !s->base[k].reason;
    }
    return breaks;
}

enum err_code risks_find_services(struct risks_work *work, struct err *err)
{
    struct risks_services s;
    const struct risks_graph *g = &work->graph;
    struct arena *arena = work->arena;
    size_t all = g->nodes + g->links + g->group_count + 1;
    enum err_code rc = risks_services_init(&s, work, work->input->solution, err);
    if (rc)
        return rc;
    work->answer->services = s.services.count;
    for (size_t i = 0; i < s.services.count; i++) {
        if (s.base[i].reason)
            tell(&s, i, NULL, 0, &s.base[i]);
        work->answer->broken_now += s.base[i].reason != 0;
    }
    struct elements after = {arena_array(arena, all, sizeof *after.items), 0};
    struct singles singles = {.used = {arena_array(arena, all, sizeof *after.items), 0}};
    list_used(&s, g->group_count, &singles.used);
    singles.broken = arena_zalloc(arena, singles.used.count * s.services.count + 1);
    singles.seconds = arena_array(arena, singles.used.count + 1, sizeof *singles.seconds);
    for (size_t i = 0; i < singles.used.count; i++)
        work->answer->singles_felt += singles.used.items[i] < g->nodes + g->links;
    tell_one_site(&s);
    tell_one_group(&s);
    try_singles(&s, &singles, &after);
    try_pairs(&s, &singles, &after);
    risks_services_done(&s);
    return arena_check(arena, err);
}
