/* search_order.c - in which order components are placed, and what hangs below which.
 *
 * Contract: whoever sends is placed before his receivers, cycles aside; a new order keeps that, so
 * bounds made under the old one hold.  O(components³). */
#include "intelligent/design/search_priv.h"

/* by (sender, receiver), in a square */
static bool *sends_table(struct search *s)
{
    size_t n = s->p->count;
    bool *table = arena_array(s->arena, n * n, sizeof *table);
    for (size_t f = 0; f < s->p->flow_count; f++)
        if (s->p->flows[f].from >= 0)
            table[(size_t)s->p->flows[f].from * n + (size_t)s->p->flows[f].to] = true;
    return table;
}

/* Senders first; of those ready one below a placed component, then the one with fewest options.
 * Cycles are broken at the component with fewest open senders. */
void design_search_order(struct search *s)
{
    const struct design_problem *p = s->p;
    bool *done = arena_array(s->arena, p->count, sizeof *done);
    const bool *sends = s->sends = sends_table(s);
    for (size_t level = 0; level < p->count; level++) {
        size_t best = SIZE_MAX, best_open = 0;
        bool best_below = false;
        for (size_t c = 0; c < p->count; c++) {
            if (done[c])
                continue;
            size_t open = 0;
            bool below = false;
            for (size_t o = 0; o < p->count; o++) {
                bool flow = o != c && sends[o * p->count + c];
                open += flow && !done[o];
                below = below || (flow && done[o]);
            }
            bool better = best == SIZE_MAX || open < best_open ||
                          (open == best_open &&
                           (below > best_below ||
                            (below == best_below &&
                             p->components[c].options.count < p->components[best].options.count)));
            if (better) {
                best = c;
                best_open = open;
                best_below = below;
            }
        }
        done[best] = true;
        s->order[level] = best;
    }
    size_t *rank = arena_array(s->arena, p->count, sizeof *rank);
    for (size_t level = 0; level < p->count; level++)
        rank[s->order[level]] = level;
    for (size_t c = 0; c < p->count; c++) {
        s->parent[c] = s->parent_flow[c] = -1;
        size_t senders = 0;
        for (size_t o = 0; o < p->count; o++)
            if (o != c && rank[o] < rank[c] && sends[o * p->count + c]) {
                senders++;
                s->parent[c] = (int)o;
            }
        if (senders != 1)
            s->parent[c] = -1;
        for (size_t f = 0; f < p->flow_count && s->parent[c] >= 0; f++) {
            const struct evaluation_flow *flow = &p->flows[f];
            if (flow->to != (int)c || flow->from != s->parent[c])
                continue;
            bool tighter =
                s->parent_flow[c] < 0 ||
                (flow->max_latency_ms.set && !p->flows[s->parent_flow[c]].max_latency_ms.set);
            if (tighter)
                s->parent_flow[c] = (int)f;
        }
    }
}

/* What hangs below a component of several instances, if it is not too much. */
void design_search_list_kids(struct search *s)
{
    const struct design_problem *p = s->p;
    s->kids = arena_array(s->arena, p->count, sizeof *s->kids);
    for (size_t c = 0; c < p->count; c++) {
        if (s->parent[c] < 0 || p->components[s->parent[c]].instances == 1)
            continue;
        struct kids *kids = &s->kids[s->parent[c]];
        size_t siblings = 0;
        for (size_t k = 0; k < p->count; k++)
            siblings += s->parent[k] == s->parent[c];
        if (siblings <= SEARCH_KIDS)
            kids->items[kids->count++] = c;
    }
}

/* Again, those first whose tree failed most often: what cannot be met is then seen before what has
 * nothing to do with it is gone through (after the weighted degrees of Boussemart, Hemery, Lecoutre
 * and Sais 2004).  Whoever sends stays before his receivers, so bounds stay as they are. */
void design_search_reorder(struct search *s)
{
    const struct design_problem *p = s->p;
    size_t *order = mem_array(p->count, sizeof *order), *rank = mem_array(p->count, sizeof *rank);
    uint64_t *tree = mem_array(p->count, sizeof *tree); /* failures, at the root */
    size_t *root = mem_array(p->count, sizeof *root);
    bool *done = mem_array(p->count, sizeof *done);
    const bool *sends = s->sends;
    for (size_t i = 0; i < p->count; i++) { /* parents come before */
        size_t c = s->order[i];
        rank[c] = i;
        root[c] = s->parent[c] < 0 ? c : root[s->parent[c]];
        tree[root[c]] += s->failures[c];
    }
    for (size_t level = 0; level < p->count; level++) {
        size_t best = SIZE_MAX;
        for (size_t c = 0; c < p->count; c++) {
            bool ready = !done[c];
            for (size_t o = 0; o < p->count && ready; o++)
                ready = !(sends[o * p->count + c] && rank[o] < rank[c] && !done[o]);
            if (ready && (best == SIZE_MAX || tree[root[c]] > tree[root[best]] ||
                          (tree[root[c]] == tree[root[best]] && rank[c] < rank[best])))
                best = c;
        }
        done[best] = true;
        order[level] = best;
    }
    memcpy(s->order, order, p->count * sizeof *order);
    mem_free(order);
    mem_free(rank);
    mem_free(tree);
    mem_free(root);
    mem_free(done);
}
