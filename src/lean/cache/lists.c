/* lists.c - facilities in the order of cost for each customer.
 *
 * Everything that is done with a problem reads them from the front and stops early: a customer
 * looks at few facilities when many are open. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

struct entry {
    double cost;
    uint32_t site;
};

static int by_cost(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

void cache_lists_make(const struct cache_location *problem, const unsigned char *state,
                      struct cache_lists *out)
{
    size_t m = problem->facilities, n = problem->customers, total = 0, at = 0;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++)
            total += (!state || state[i] != CACHE_CLOSED) && isfinite(problem->serve[j * m + i]);
    CLEANUP(mem_free_at) struct entry *row = mem_array(m, sizeof *row);
    out->begin = mem_array(n + 1, sizeof *out->begin);
    out->site = mem_array(total, sizeof *out->site);
    out->cost = mem_array(total, sizeof *out->cost);
    for (size_t j = 0; j < n; j++) {
        size_t count = 0;
        out->begin[j] = at;
        for (size_t i = 0; i < m; i++)
            if ((!state || state[i] != CACHE_CLOSED) && isfinite(problem->serve[j * m + i]))
                row[count++] = (struct entry){problem->serve[j * m + i], (uint32_t)i};
        qsort(row, count, sizeof *row, by_cost);
        for (size_t k = 0; k < count; k++, at++) {
            out->site[at] = row[k].site;
            out->cost[at] = row[k].cost;
        }
    }
    out->begin[n] = at;
}

void cache_lists_done(struct cache_lists *lists)
{
    mem_free(lists->begin);
    mem_free(lists->site);
    mem_free(lists->cost);
}

double cache_cost_of(const struct cache_location *problem, const struct cache_lists *lists,
                     const unsigned char *open)
{
    double cost = 0;
    size_t count = 0;
    for (size_t i = 0; i < problem->facilities; i++) {
        count += open[i];
        if (open[i] && problem->open)
            cost += problem->open[i];
    }
    if (problem->most && count > problem->most)
        return INFINITY;
    for (size_t j = 0; j < problem->customers; j++) {
        size_t k = lists->begin[j], end = lists->begin[j + 1];
        while (k < end && !open[lists->site[k]])
            k++;
        if (k == end)
            return INFINITY;
        cost += lists->cost[k];
    }
    return cost;
}
