/* rank.c - findings of one failure as one danger, and the dangers in the order of what they cost.
 *
 * A site that hangs by one link of its own is a danger of thousands; those on one node are one.
 *
 * Contract: every finding is in exactly one danger; O(findings · log). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "twin/risks/risks_priv.h"

const char *const risks_layer_names[] = {NULL, "compute", "network", "application", NULL};

enum risks_layer risks_layer_of(const struct risks_finding *finding)
{
    if (finding->service || finding->kind == RISKS_ONE_SITE || finding->kind == RISKS_ONE_GROUP)
        return RISKS_APPLICATION;
    return finding->kind == RISKS_CAPACITY && !str_eq(finding->element.kind, "link")
               ? RISKS_COMPUTE
               : RISKS_NETWORK;
}

void risks_filter(struct risks_answer *answer, const struct risks_filter *filter)
{
    size_t kept = 0;
    if (!filter->kind && !filter->layer)
        return;
    memset(answer->counts, 0, sizeof answer->counts);
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if ((filter->kind && finding->kind != filter->kind) ||
            (filter->layer && (int)risks_layer_of(finding) != filter->layer))
            continue;
        answer->counts[finding->kind]++;
        answer->findings.items[kept++] = *finding;
    }
    answer->findings.count = kept;
}

/* What a finding is gathered by. */
static const char *key_of(struct arena *arena, const struct risks_finding *finding)
{
    const struct risks_element *a = &finding->element, *b = &finding->second;
    if (finding->hub)
        return arena_printf(arena, "hub/%s", finding->hub);
    if (finding->kind != RISKS_PAIR || !b->kind)
        return arena_printf(arena, "%s/%u/%d/%s", a->kind, a->position, (int)a->basis, a->id);
    return arena_printf(arena, "%s/%u/%d/%zu:%s/%s/%u/%d/%s", a->kind, a->position, (int)a->basis,
                        strlen(a->id), a->id, b->kind, b->position, (int)b->basis, b->id);
}

static double share_of(const struct risks_finding *finding)
{
    if (!finding->margin.set || !finding->required.set || finding->required.value <= 0)
        return 1;
    double share = -finding->margin.value / finding->required.value;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void begin(struct risks_danger *danger, const struct risks_finding *finding)
{
    *danger = (struct risks_danger){
        .element = finding->element, .severity = finding->severity, .worst = finding};
    if (finding->hub)
        danger->element = (struct risks_element){.kind = "node", .id = finding->hub};
    if (finding->kind == RISKS_PAIR)
        danger->second = finding->second;
}

static bool has_name(const struct risks_danger *danger, const char *name)
{
    for (size_t i = 0; i < danger->names.count; i++)
        if (str_eq(danger->names.items[i], name))
            return true;
    return false;
}

/* The findings of one danger come worst first. */
static void gather(struct risks_danger *danger, const struct risks_finding *finding, double users,
                   struct arena *arena)
{
    danger->findings++;
    danger->hanging += finding->hub != NULL;
    if (finding->kind == RISKS_SERVICE || finding->kind == RISKS_BROKEN ||
        (finding->kind == RISKS_PAIR && finding->service)) {
        danger->services++;
        danger->consequence += users * share_of(finding);
    }
    const char *name = finding->service                   ? finding->service
                       : finding->kind == RISKS_ONE_GROUP ? finding->second.id
                                                          : NULL;
    if (name && danger->names.count < RISKS_NAMES && !has_name(danger, name))
        *LIST_ADD(arena, &danger->names) = name;
    danger->dark += finding->dark;
    danger->off_sites += finding->off.sites;
    danger->off_access += finding->off.access;
    danger->slower += finding->slower;
}

static int by_double(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_consequence(const void *x, const void *y)
{
    const struct risks_danger *a = x, *b = y;
    bool guess = a->element.basis > RISKS_DECLARED, other = b->element.basis > RISKS_DECLARED;
    uint32_t sites = a->off_sites + a->off_access, others = b->off_sites + b->off_access;
    double days = a->worst->days.set ? a->worst->days.value : INFINITY;
    double later = b->worst->days.set ? b->worst->days.value : INFINITY;
    int order;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    if (guess != other)
        return guess ? 1 : -1;
    if ((order = by_double(b->consequence, a->consequence)))
        return order;
    if (a->dark != b->dark)
        return a->dark > b->dark ? -1 : 1;
    if (sites != others)
        return sites > others ? -1 : 1;
    if ((order = by_double(days, later)) ||
        (order = by_double(share_of(b->worst), share_of(a->worst))))
        return order;
    if (a->slower != b->slower)
        return a->slower > b->slower ? -1 : 1;
    return (a->worst > b->worst) - (a->worst < b->worst); /* findings are in their order */
}

void risks_rank(struct risks_answer *answer, struct opt_double users, struct arena *arena)
{
    CLEANUP(map_free_at) struct map *known = map_new();
    answer->dangers.items = NULL;
    answer->dangers.count = 0;
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        const char *key = key_of(arena, finding);
        uintptr_t at = (uintptr_t)map_find(known, key);
        if (!at) {
            begin(LIST_ADD(arena, &answer->dangers), finding);
            at = answer->dangers.count;
            map_put(known, key, (void *)at);
        }
        gather(&answer->dangers.items[at - 1], finding, users.set ? users.value : 1, arena);
    }
    for (size_t i = 0; i < answer->dangers.count; i++) {
        struct risks_danger *danger = &answer->dangers.items[i];
        if (danger->hanging == 1) {
            danger->hanging = 0;
            danger->element = danger->worst->element;
        }
    }
    if (answer->dangers.count)
        qsort(answer->dangers.items, answer->dangers.count, sizeof *answer->dangers.items,
              by_consequence);
}
