/* flow.c - bounds of one connection: 门户到数据库 2ms 以内, between A and B at most 5 ms, 100 Mbps.
 *
 * Contract: both ends are named in the clause of the bound, joined by a word of a way (到, 之间,
 * to, between); each end is a component of the requirement, or the users.  The bound then leaves
 * the whole need.  One pass over the facts; each clause is looked at once. */
#include <string.h>

#include "base/str.h"
#include "intelligent/intent/quantity_priv.h"

#define ENDS_MAX 4 /* more heads in one clause are a list, not a way */

struct end {
    uint32_t first, last; /* tokens */
    const char *name;
};

/* The one component that goes by this name, or NULL. */
static const char *component_named(const struct intent_read *read, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < read->out->requirement.components.count; i++) {
        const char *own = read->out->requirement.components.items[i].name;
        if (str_eq(own, name))
            return own;
        if (!strstr(own, name) && !strstr(name, own))
            continue;
        if (found)
            return NULL;
        found = own;
    }
    return found;
}

static unsigned ends_of(const struct intent_read *read, const struct intent_clause *clause,
                        size_t from, struct end *ends)
{
    unsigned count = 0;
    uint32_t c = intent_at(read, clause->first)->clause, seen = clause->first;
    for (size_t i = from; i <= read->facts.count && count < ENDS_MAX; i++) {
        const struct intent_fact *fact = i < read->facts.count ? &read->facts.items[i] : NULL;
        bool here = fact && fact->clause == c;
        if (here && fact->field != FIELD_HEAD)
            continue;
        uint32_t until = here ? fact->first : clause->last;
        for (uint32_t k = seen; k < until && count < ENDS_MAX; k++)
            if (intent_sense_of(intent_at(read, k), CLASS_USER))
                ends[count++] = (struct end){k, k + 1, "user"};
        if (!here)
            break;
        const char *name = fact->text && fact->text[0] ? component_named(read, fact->text) : NULL;
        if (name && count < ENDS_MAX)
            ends[count++] = (struct end){fact->first, fact->last, name};
        seen = fact->last;
    }
    return count;
}

static bool joined(const struct intent_read *read, const struct intent_clause *clause,
                   const struct end *a, const struct end *b)
{
    bool between =
        intent_find(read, clause->first, clause->last, CLASS_MARK, MARK_BETWEEN) != UINT32_MAX;
    for (uint32_t i = a->last; i < b->first; i++)
        if (intent_is_mark(read, i, MARK_RANGE) || intent_is_punct(intent_at(read, i), '-') ||
            (between && intent_is_mark(read, i, MARK_CONJ)))
            return b->first - a->last <= 3;
    return false;
}

static void take(struct requirement_flow *flow, struct intent_fact *fact)
{
    if (fact->field == FIELD_LATENCY && !flow->max_latency_ms.set)
        flow->max_latency_ms = (struct opt_double){true, fact->upper};
    else if (fact->field == FIELD_BANDWIDTH && !flow->bandwidth_mbps.set)
        flow->bandwidth_mbps = (struct opt_double){true, fact->value};
    fact->dead = true;
}

static bool is_bound(const struct intent_fact *fact)
{
    return (fact->field == FIELD_LATENCY || fact->field == FIELD_BANDWIDTH) && !fact->dead &&
           !(fact->flags & FACT_NEGATED);
}

/* The flow of the clause whose facts begin at `first`; returns the fact after them. */
static size_t flow_of(struct intent_read *read, size_t first)
{
    uint32_t c = read->facts.items[first].clause;
    const struct intent_clause *clause = &read->clauses.items[c];
    size_t last = first;
    bool bound = false;
    for (; last < read->facts.count && read->facts.items[last].clause == c; last++)
        bound |= is_bound(&read->facts.items[last]);
    struct end ends[ENDS_MAX];
    if (!bound || ends_of(read, clause, first, ends) != 2 ||
        !joined(read, clause, &ends[0], &ends[1]) || str_eq(ends[0].name, ends[1].name) ||
        str_eq(ends[1].name, "user"))
        return last;
    struct requirement_flow *flow = LIST_ADD(read->arena, &read->out->requirement.flows);
    *flow = (struct requirement_flow){.from = ends[0].name, .to = ends[1].name};
    for (size_t i = first; i < last; i++)
        if (is_bound(&read->facts.items[i]))
            take(flow, &read->facts.items[i]);
    /* …, 100 Mbps: the next clause goes on about it when it states nothing else */
    size_t next = last;
    while (next < read->facts.count && read->facts.items[next].clause == c + 1 &&
           is_bound(&read->facts.items[next]))
        next++;
    bool more = next > last && clause[1].sentence == clause->sentence && clause[1].before == ',' &&
                (next == read->facts.count || read->facts.items[next].clause != c + 1);
    for (size_t i = last; more && i < next; i++)
        take(flow, &read->facts.items[i]);
    intent_span_add(read, ends[0].first, ends[1].last, "flows[%zu]",
                    read->out->requirement.flows.count - 1);
    return last;
}

void intent_flows(struct intent_read *read)
{
    if (read->out->requirement.components.count < 2)
        return;
    for (size_t i = 0; i < read->facts.count;)
        i = flow_of(read, i);
}
