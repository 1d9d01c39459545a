/* risks.c - the parts of an analysis in their order, and the order of what they found.
 *
 * Contract: findings are sorted by severity, then kind, then how much is at stake, then name; the
 * same input gives the same bytes. */
#include "base/str.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "twin/risks/risks_priv.h"

const char *const risks_kind_names[] = {NULL,        "broken-now", "service-breaks", "one-site",
                                        "one-group", "cut-off",    "capacity",       "pair",
                                        "farther",   NULL};
static_assert(ARRAY_LEN(risks_kind_names) == RISKS_KINDS + 1, "a name for each kind");
const char *const risks_severity_names[] = {NULL, "critical", "high", "medium", "low", NULL};
const char *const risks_reason_names[] = {
    NULL,      "gone",     "unreachable", "latency-unknown", "late",      "congested",  "cut-off",
    "farther", "headroom", "exhaustion",  "one-instance",    "same-site", "same-group", NULL};
static_assert(ARRAY_LEN(risks_reason_names) == RISKS_SAME_GROUP + 2, "a name for each reason");

struct risks_finding *risks_add(struct risks_work *work, enum risks_kind kind,
                                enum risks_severity severity, enum risks_reason reason)
{
    struct risks_finding *finding = LIST_ADD(work->arena, &work->answer->findings);
    finding->kind = (int)kind;
    finding->severity = (int)severity;
    finding->reason = (int)reason;
    work->answer->counts[kind]++;
    return finding;
}

void risks_note(struct risks_work *work, const char *text)
{
    *LIST_ADD(work->arena, &work->answer->notes) = text;
}

static int by_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int by_double(double a, double b)
{
    return (a > b) - (a < b);
}

/* Days left before what has no trend, then the smaller share of room, or the smaller margin. */
static int by_stake(const struct risks_finding *a, const struct risks_finding *b)
{
    int order;
    bool guess = a->element.basis > RISKS_DECLARED, other = b->element.basis > RISKS_DECLARED;
    if (guess != other)
        return guess ? 1 : -1;
    if (a->off.sites != b->off.sites)
        return a->off.sites > b->off.sites ? -1 : 1;
    if (a->off.access != b->off.access)
        return a->off.access > b->off.access ? -1 : 1;
    if (a->dark != b->dark)
        return a->dark > b->dark ? -1 : 1;
    if (a->days.set != b->days.set)
        return a->days.set ? -1 : 1;
    if ((order = by_double(a->days.value, b->days.value)))
        return order;
    if (a->kind == RISKS_CAPACITY)
        return by_double(a->margin.value * b->required.value, b->margin.value * a->required.value);
    return by_double(a->margin.value, b->margin.value);
}

static int by_rank(const void *x, const void *y)
{
    const struct risks_finding *a = x, *b = y;
    int order;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if ((order = by_stake(a, b)) || (order = by_text(a->service, b->service)) ||
        (order = by_text(a->element.id, b->element.id)) ||
        (order = by_text(a->second.id, b->second.id)))
        return order;
    if (a->element.position != b->element.position)
        return a->element.position < b->element.position ? -1 : 1;
    if (a->second.position != b->second.position)
        return a->second.position < b->second.position ? -1 : 1;
    return by_text(a->resource, b->resource);
}

static void write_notes(struct risks_work *work)
{
    const struct risks_answer *answer = work->answer;
    if (!answer->groups)
        risks_note(work, "the network file declares no shared risk: what fails together is guessed "
                         "or unknown");
    if (answer->inferred)
        risks_note(work, "groups of one place, ends, owner or region are guesses: the network file "
                         "does not say that they fail together");
    if (answer->unjudged)
        risks_note(work, arena_printf(work->arena,
                                      "services that hold after a failure only if links of unknown "
                                      "bandwidth have room: %zu",
                                      answer->unjudged));
    if (!answer->access)
        risks_note(work, "there is no access point: what users reach is unknown");
    if (answer->unreached && answer->access)
        risks_note(work, arena_printf(work->arena, "sites that no access point reaches now: %zu",
                                      answer->unreached));
    if (answer->broken_now)
        risks_note(work, arena_printf(work->arena,
                                      "services that do not hold even with nothing failed, and are "
                                      "blamed on no failure: %zu",
                                      answer->broken_now));
    if (answer->counts[RISKS_PAIR] && !work->input->solution)
        risks_note(work, "pairs: only sites that neither failure darkens alone are counted");
}

enum err_code risks_analyse(const struct risks_input *input, struct risks_answer *out,
                            struct arena *arena, struct err *err)
{
    struct risks_answer answer = {.sites = input->network->sites.count,
                                  .access = input->network->access.count,
                                  .links = input->network->links.count};
    struct risks_work work = {.input = input, .answer = &answer, .arena = arena};
    enum err_code rc = risks_graph_init(&work.graph, input->network, arena, err);
    if (rc)
        return rc;
    risks_groups_init(&work.graph, !input->declared_only, arena);
    risks_gone_init(&work.gone, &work.graph, arena);
    risks_cutter_init(&work.cutter, &work.graph, arena);
    answer.groups = work.graph.declared;
    answer.inferred = work.graph.group_count - work.graph.declared;
    risks_find_cuts(&work);
    risks_find_group_cuts(&work);
    risks_find_slower(&work);
    if (input->solution)
        rc = risks_find_services(&work, err);
    if (!rc && !(rc = risks_find_capacity(&work, err))) {
        write_notes(&work);
        if (answer.findings.count)
            qsort(answer.findings.items, answer.findings.count, sizeof *answer.findings.items,
                  by_rank);
        *out = answer;
    }
    risks_graph_done(&work.graph);
    return rc;
}
