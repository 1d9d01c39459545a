/* improve.c - adds, drops and exchanges of open facilities until nothing is gained.
 *
 * One look at all moves costs O(facilities × customers): for each facility that could come in, what
 * it saves, and for each open one what its loss would cost beside it (Whitaker 1983, as told by
 * Resende and Werneck 2004).  The best move is made; cost never rises. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

#define MAX_MOVES 10000

struct neighbours { /* of each customer: nearest open facility and the second */
    size_t *first;
    double *near, *next;
    double *loss;  /* of each facility: what dropping it alone costs */
    double *extra; /* of each facility: work space of one look */
    double never;  /* stands for INFINITY: dearer than any solution, but sums of it still tell */
};

static double cost_or(double cost, double never)
{
    return cost < never ? cost : never;
}

static void look_around(const struct cache_location *problem, const unsigned char *open,
                        struct neighbours *n)
{
    size_t m = problem->facilities;
    memset(n->loss, 0, m * sizeof *n->loss);
    for (size_t j = 0; j < problem->customers; j++) {
        const double *row = problem->serve + j * m;
        double near = n->never, next = n->never;
        size_t first = m;
        for (size_t i = 0; i < m; i++) {
            if (!open[i])
                continue;
            double cost = cost_or(row[i], n->never);
            if (cost < near || first == m) {
                next = near;
                near = cost;
                first = i;
            } else if (cost < next) {
                next = cost;
            }
        }
        n->first[j] = first;
        n->near[j] = near;
        n->next[j] = next;
        n->loss[first] += next - near;
    }
}

struct move {
    size_t in, out; /* SIZE_MAX = none */
    double gain;
};

/* Best use of facility `in`: alone, or in exchange for an open one. */
static void try_in(const struct cache_location *problem, const unsigned char *open,
                   struct neighbours *n, size_t in, bool may_add, struct move *best)
{
    size_t m = problem->facilities;
    double saved = problem->open ? -problem->open[in] : 0;
    memset(n->extra, 0, m * sizeof *n->extra);
    for (size_t j = 0; j < problem->customers; j++) {
        double cost = cost_or(problem->serve[j * m + in], n->never);
        if (cost < n->near[j]) {
            saved += n->near[j] - cost;
            n->extra[n->first[j]] += n->next[j] - n->near[j]; /* not lost: `in` serves it */
        } else if (cost < n->next[j]) {
            n->extra[n->first[j]] += n->next[j] - cost;
        }
    }
    if (may_add && saved > best->gain)
        *best = (struct move){in, SIZE_MAX, saved};
    for (size_t i = 0; i < m; i++) {
        if (!open[i])
            continue;
        double gain = saved - n->loss[i] + n->extra[i] + (problem->open ? problem->open[i] : 0);
        if (gain > best->gain)
            *best = (struct move){in, i, gain};
    }
}

static double dearer_than_all(const struct cache_location *problem)
{
    double sum = 1;
    for (size_t i = 0; i < problem->facilities && problem->open; i++)
        sum += problem->open[i];
    for (size_t j = 0; j < problem->customers; j++) {
        double most = 0;
        for (size_t i = 0; i < problem->facilities; i++) {
            double cost = problem->serve[j * problem->facilities + i];
            most = isfinite(cost) && cost > most ? cost : most;
        }
        sum += most;
    }
    return sum;
}

double cache_improve(const struct cache_location *problem, unsigned char *open,
                     const struct cache_search *search)
{
    size_t m = problem->facilities, customers = problem->customers, count = 0;
    CLEANUP(mem_free_at) size_t *first = mem_array(customers, sizeof *first);
    CLEANUP(mem_free_at) double *near = mem_array(2 * customers + 2 * m, sizeof *near);
    struct neighbours n = {.first = first,
                           .near = near,
                           .next = near + customers,
                           .loss = near + 2 * customers,
                           .extra = near + 2 * customers + m,
                           .never = dearer_than_all(problem)};
    double cost = 0;
    for (size_t i = 0; i < m; i++)
        count += open[i];
    for (int moves = 0;; moves++) {
        look_around(problem, open, &n);
        cost = 0;
        for (size_t j = 0; j < customers; j++)
            cost += n.near[j];
        for (size_t i = 0; i < m && problem->open; i++)
            cost += open[i] ? problem->open[i] : 0;
        if (moves == MAX_MOVES || cache_stopped(search))
            return cost < n.never ? cost : INFINITY;
        struct move best = {SIZE_MAX, SIZE_MAX, fmax(1e-9, 1e-12 * cost)};
        for (size_t i = 0; i < m; i++)
            if (!open[i])
                try_in(problem, open, &n, i, !problem->most || count < problem->most, &best);
        for (size_t i = 0; i < m && count > 1 && problem->open; i++)
            if (open[i] && problem->open[i] - n.loss[i] > best.gain)
                best = (struct move){SIZE_MAX, i, problem->open[i] - n.loss[i]};
        if (best.in == SIZE_MAX && best.out == SIZE_MAX)
            return cost < n.never ? cost : INFINITY;
        if (best.in != SIZE_MAX)
            open[best.in] = 1;
        if (best.out != SIZE_MAX)
            open[best.out] = 0;
        count += (size_t)(best.in != SIZE_MAX) - (size_t)(best.out != SIZE_MAX);
    }
}
