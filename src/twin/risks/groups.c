/* groups.c - what fails together: groups that the network file declares, and groups that places,
 * ends, owners and regions suggest.
 *
 * A declared group stands in the file (`shared_risk`); an inferred one is a guess and marked so:
 * sites at one place, links between the same two ends, sites of one owner, sites of one region.
 * A group of one member, a second group of the same members, and an inferred group of all sites say
 * nothing that is not said elsewhere, and are left out.
 *
 * Contract: declared groups come first, each kind in the order of the file; members rise.
 * O(members · log). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/risks/risks_priv.h"

#define PLACE_DEGREES                                                           \
    0.01 /* sites whose coordinates agree to this, about 1 km, are at one place \
          */

const char *const risks_basis_names[] = {NULL,         "declared",    "same-place", "same-ends",
                                         "same-owner", "same-region", NULL};

struct membership {
    uint32_t group, element;
};

struct builder {
    struct risks_graph *graph;
    struct arena *arena;
    struct map *known; /* basis and id → group + 1 */
    LIST(struct risks_group) groups;
    struct {
        struct membership *items;
        size_t count, room;
    } members;
};

static void add(struct builder *b, enum risks_basis basis, const char *id, uint32_t element)
{
    const char *key = arena_printf(b->arena, "%d/%s", (int)basis, id);
    uintptr_t group = (uintptr_t)map_find(b->known, key);
    if (!group) {
        struct risks_group *made = LIST_ADD(b->arena, &b->groups);
        made->basis = basis;
        made->id = id;
        group = b->groups.count;
        map_put(b->known, key, (void *)group);
    }
    if (b->members.count == b->members.room) {
        b->members.room = b->members.room ? 2 * b->members.room : 1024;
        b->members.items = mem_resize(b->members.items, b->members.room, sizeof *b->members.items);
    }
    b->members.items[b->members.count++] = (struct membership){(uint32_t)group - 1, element};
}

static void declare(struct builder *b)
{
    const struct network *network = b->graph->network;
    for (uint32_t i = 0; i < network->sites.count; i++)
        for (size_t k = 0; k < network->sites.items[i].shared_risk.count; k++)
            add(b, RISKS_DECLARED, network->sites.items[i].shared_risk.items[k], i);
    for (uint32_t i = 0; i < network->links.count; i++)
        for (size_t k = 0; k < network->links.items[i].shared_risk.count; k++)
            add(b, RISKS_DECLARED, network->links.items[i].shared_risk.items[k],
                (uint32_t)b->graph->nodes + i);
}

static void infer(struct builder *b)
{
    const struct risks_graph *g = b->graph;
    const struct network *network = g->network;
    for (uint32_t i = 0; i < network->sites.count; i++) {
        const struct site *site = &network->sites.items[i];
        if (site->lat.set && site->lon.set)
            add(b, RISKS_SAME_PLACE,
                arena_printf(b->arena, "%.2f,%.2f",
                             round(site->lat.value / PLACE_DEGREES) * PLACE_DEGREES + 0.0,
                             round(site->lon.value / PLACE_DEGREES) * PLACE_DEGREES + 0.0),
                i);
    }
    for (uint32_t i = 0; i < g->links; i++) {
        bool turn = g->link_a[i] > g->link_b[i];
        const struct network_link *link = &network->links.items[i];
        add(b, RISKS_SAME_ENDS,
            arena_printf(b->arena, "%s—%s", turn ? link->b : link->a, turn ? link->a : link->b),
            (uint32_t)g->nodes + i);
    }
    for (uint32_t i = 0; i < network->sites.count; i++)
        if (network->sites.items[i].owner && network->sites.items[i].owner[0])
            add(b, RISKS_SAME_OWNER, network->sites.items[i].owner, i);
    for (uint32_t i = 0; i < network->sites.count; i++)
        for (size_t k = 0; k < network->sites.items[i].regions.count; k++)
            add(b, RISKS_SAME_REGION, network->sites.items[i].regions.items[k], i);
}

static int by_group(const void *a, const void *b)
{
    const struct membership *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->element > y->element) - (x->element < y->element);
}

/* Rising members without repetition. */
static void hand_out(struct builder *b)
{
    struct membership *items = b->members.items;
    size_t count = b->members.count;
    if (count)
        qsort(items, count, sizeof *items, by_group);
    for (size_t i = 0, end; i < count; i = end) {
        struct risks_group *group = &b->groups.items[items[i].group];
        for (end = i; end < count && items[end].group == items[i].group; end++)
            ;
        group->members = arena_array(b->arena, end - i, sizeof *group->members);
        for (size_t k = i; k < end; k++)
            if (k == i || items[k].element != items[k - 1].element)
                group->members[group->count++] = items[k].element;
    }
}

static uint64_t fingerprint(const struct risks_group *group)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < group->count; i++)
        hash = (hash ^ group->members[i]) * 1099511628211u;
    return hash;
}

struct print {
    uint64_t hash;
    size_t group;
};

static int by_print(const void *a, const void *b)
{
    const struct print *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static bool same_members(const struct risks_group *a, const struct risks_group *b)
{
    return a->count == b->count &&
           memcmp(a->members, b->members, a->count * sizeof *a->members) == 0;
}

/* Empties groups that say what an earlier one says. */
static void drop_repeated(struct builder *b)
{
    size_t count = b->groups.count;
    struct print *prints = mem_array(count + 1, sizeof *prints);
    for (size_t i = 0; i < count; i++)
        prints[i] = (struct print){fingerprint(&b->groups.items[i]), i};
    qsort(prints, count, sizeof *prints, by_print);
    for (size_t i = 1, first = 0; i < count; i++) {
        struct risks_group *group = &b->groups.items[prints[i].group];
        if (prints[i].hash != prints[first].hash)
            first = i;
        else if (same_members(&b->groups.items[prints[first].group], group))
            group->count = 0;
    }
    mem_free(prints);
}

static void keep(struct builder *b)
{
    struct risks_graph *g = b->graph;
    g->groups = arena_array(b->arena, b->groups.count + 1, sizeof *g->groups);
    for (size_t i = 0; i < b->groups.count; i++) {
        struct risks_group *group = &b->groups.items[i];
        if (group->count < 2 || (group->basis != RISKS_DECLARED && group->members[0] < g->sites &&
                                 group->count == g->sites))
            continue;
        g->declared += group->basis == RISKS_DECLARED;
        g->groups[g->group_count++] = *group;
    }
}

/* Which groups each element is in. */
static void index_members(struct builder *b)
{
    struct risks_graph *g = b->graph;
    size_t all = g->nodes + g->links;
    g->group_first = arena_array(b->arena, all + 2, sizeof *g->group_first);
    for (size_t i = 0; i < g->group_count; i++)
        for (size_t k = 0; k < g->groups[i].count; k++)
            g->group_first[g->groups[i].members[k] + 1]++;
    for (size_t i = 0; i < all; i++)
        g->group_first[i + 1] += g->group_first[i];
    g->groups_of = arena_array(b->arena, g->group_first[all] + 1, sizeof *g->groups_of);
    uint32_t *at = mem_array(all + 1, sizeof *at);
    memcpy(at, g->group_first, all * sizeof *at);
    for (uint32_t i = 0; i < g->group_count; i++)
        for (size_t k = 0; k < g->groups[i].count; k++)
            g->groups_of[at[g->groups[i].members[k]]++] = i;
    mem_free(at);
}

void risks_groups_init(struct risks_graph *graph, bool inferred, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *known = map_new();
    struct builder b = {.graph = graph, .arena = arena, .known = known};
    declare(&b);
    if (inferred)
        infer(&b);
    hand_out(&b);
    if (b.groups.count)
        drop_repeated(&b);
    keep(&b);
    index_members(&b);
    mem_free(b.members.items);
}

/* ---- what has failed ---- */

void risks_gone_init(struct risks_gone *gone, const struct risks_graph *graph, struct arena *arena)
{
    size_t all = graph->nodes + graph->links + 1;
    *gone = (struct risks_gone){.graph = graph,
                                .epoch = 1,
                                .stamp = arena_array(arena, all, sizeof *gone->stamp),
                                .items = arena_array(arena, all, sizeof *gone->items)};
}

static void mark(struct risks_gone *gone, uint32_t element)
{
    if (gone->stamp[element] == gone->epoch)
        return;
    gone->stamp[element] = gone->epoch;
    gone->items[gone->count++] = element;
}

void risks_gone_set(struct risks_gone *gone, const uint32_t *elements, size_t count)
{
    const struct risks_graph *g = gone->graph;
    size_t all = g->nodes + g->links;
    gone->epoch++;
    gone->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (elements[i] < all) {
            mark(gone, elements[i]);
            continue;
        }
        const struct risks_group *group = &g->groups[elements[i] - all];
        for (size_t k = 0; k < group->count; k++)
            mark(gone, group->members[k]);
    }
}
