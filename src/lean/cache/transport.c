/* transport.c - who serves whom when the open facilities are given and have capacities.
 *
 * The transportation problem: each customer begins at its cheapest facility, which is optimal
 * without capacities; what is too much then moves along cheapest paths from overloaded facilities
 * to those with room (successive shortest paths with potentials, Ahuja, Magnanti, Orlin 1993,
 * chapter 9).  An arc a → b costs the least that moving one unit of some customer of a to b costs.
 *
 * Contract: exact up to 1e-9 of the demand; each path costs O(K² + K × customers of its facilities)
 * for K open ones. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

struct flows {
    const struct cache_location *problem;
    const size_t *open; /* the K open facilities */
    size_t k;
    double *unit;     /* unit[customer * k + place]: cost of one unit */
    double *flow;     /* the same shape: units */
    bool *listed;     /* the same shape: the customer stands in the list of that place … */
    uint32_t *served; /* … served[place * customers + c], c < served_count[place] */
    size_t *served_count;
    double *load, *room;
    double *arc;     /* arc[a * k + b] */
    uint32_t *mover; /* the customer that makes the arc */
    double *potential, *distance;
    size_t *before;
    bool *done;
    double least; /* what counts as nothing */
};

/* One more customer whose units may leave a. */
static void add_mover(struct flows *t, size_t a, uint32_t j)
{
    size_t k = t->k;
    const double *unit = t->unit + j * k;
    double *arc = t->arc + a * k, own = unit[a];
    for (size_t b = 0; b < k; b++)
        if (unit[b] - own < arc[b]) {
            arc[b] = unit[b] - own;
            t->mover[a * k + b] = j;
        }
}

static void find_arcs(struct flows *t, size_t a)
{
    size_t k = t->k, kept = 0;
    uint32_t *served = t->served + a * t->problem->customers;
    for (size_t b = 0; b < k; b++)
        t->arc[a * k + b] = INFINITY;
    for (size_t c = 0; c < t->served_count[a]; c++) {
        uint32_t j = served[c];
        if (t->flow[j * k + a] <= t->least) {
            t->listed[j * k + a] = false;
            continue;
        }
        served[kept++] = j;
        add_mover(t, a, j);
    }
    t->served_count[a] = kept;
}

/* a serves a part of j from now on. */
static void list(struct flows *t, size_t a, uint32_t j)
{
    if (t->listed[j * t->k + a])
        return;
    t->listed[j * t->k + a] = true;
    t->served[a * t->problem->customers + t->served_count[a]++] = j;
}

/* Cheapest path from any overloaded facility to any with room; its end, or k when there is none. */
static size_t find_path(struct flows *t)
{
    size_t k = t->k, end = k;
    for (size_t a = 0; a < k; a++) {
        t->distance[a] = t->load[a] > t->room[a] + t->least ? 0 : INFINITY;
        t->before[a] = k;
        t->done[a] = false;
    }
    for (;;) {
        size_t a = k;
        for (size_t b = 0; b < k; b++)
            if (!t->done[b] && isfinite(t->distance[b]) &&
                (a == k || t->distance[b] < t->distance[a]))
                a = b;
        if (a == k)
            break;
        t->done[a] = true;
        if (t->load[a] < t->room[a] - t->least) {
            end = a;
            break;
        }
        for (size_t b = 0; b < k; b++) {
            double arc = t->arc[a * k + b];
            if (t->done[b] || !isfinite(arc))
                continue;
            double to = t->distance[a] + fmax(0, arc + t->potential[a] - t->potential[b]);
            if (to < t->distance[b]) {
                t->distance[b] = to;
                t->before[b] = a;
            }
        }
    }
    if (end < k)
        for (size_t a = 0; a < k; a++)
            t->potential[a] += t->done[a] ? t->distance[a] : t->distance[end];
    return end;
}

static void move_along(struct flows *t, size_t end)
{
    size_t k = t->k, begin = end;
    double amount = t->room[end] - t->load[end];
    for (size_t b = end; t->before[b] < k; b = t->before[b]) {
        size_t a = t->before[b];
        amount = fmin(amount, t->flow[t->mover[a * k + b] * k + a]);
        begin = a;
    }
    amount = fmin(amount, t->load[begin] - t->room[begin]);
    t->load[begin] -= amount;
    t->load[end] += amount;
    for (size_t b = end; t->before[b] < k; b = t->before[b]) {
        size_t a = t->before[b];
        uint32_t j = t->mover[a * k + b];
        t->flow[j * k + a] -= amount;
        t->flow[j * k + b] += amount;
        list(t, b, j);
        add_mover(t, b, j);
        if (t->flow[j * k + a] <= t->least)
            find_arcs(t, a);
    }
}

static bool begin_at_cheapest(struct flows *t)
{
    size_t k = t->k, m = t->problem->facilities;
    for (size_t j = 0; j < t->problem->customers; j++) {
        double demand = t->problem->demand[j];
        size_t best = k;
        for (size_t a = 0; a < k; a++) {
            double cost = t->problem->serve[j * m + t->open[a]];
            t->unit[j * k + a] = demand > 0 ? cost / demand : cost;
            if (isfinite(cost) && (best == k || t->unit[j * k + a] < t->unit[j * k + best]))
                best = a;
        }
        if (best == k)
            return false;
        t->flow[j * k + best] = demand;
        list(t, best, (uint32_t)j);
        t->load[best] += demand;
    }
    return true;
}

static double total_cost(const struct flows *t)
{
    size_t k = t->k;
    double cost = 0;
    for (size_t j = 0; j < t->problem->customers; j++) {
        if (t->problem->demand[j] > 0) {
            for (size_t a = 0; a < k; a++)
                if (t->flow[j * k + a] > 0)
                    cost += t->flow[j * k + a] * t->unit[j * k + a];
        } else {
            double least = INFINITY;
            for (size_t a = 0; a < k; a++)
                least = fmin(least, t->unit[j * k + a]);
            cost += least;
        }
    }
    return cost;
}

/* Rounds away dust and writes who gets what; a customer without demand goes to its cheapest. */
static void share_out(const struct flows *t, double *share)
{
    size_t k = t->k, m = t->problem->facilities;
    memset(share, 0, t->problem->customers * m * sizeof *share);
    for (size_t j = 0; j < t->problem->customers; j++) {
        double demand = t->problem->demand[j];
        size_t cheapest = 0;
        for (size_t a = 0; a < k; a++) {
            if (t->unit[j * k + a] < t->unit[j * k + cheapest])
                cheapest = a;
            if (demand > 0 && t->flow[j * k + a] > t->least)
                share[j * m + t->open[a]] = t->flow[j * k + a] / demand;
        }
        if (!(demand > 0))
            share[j * m + t->open[cheapest]] = 1;
    }
}

double cache_transport(const struct cache_location *problem, const unsigned char *open,
                       double *share, double *load)
{
    size_t m = problem->facilities, n = problem->customers, k = 0;
    double capacity = 0, demand = 0, cost = INFINITY;
    CLEANUP(mem_free_at) size_t *places = mem_array(m, sizeof *places);
    for (size_t i = 0; i < m; i++)
        if (open[i]) {
            places[k++] = i;
            capacity += problem->capacity[i];
        }
    for (size_t j = 0; j < n; j++)
        demand += problem->demand[j];
    if (!k || capacity < demand * (1 - 1e-12))
        return INFINITY;
    CLEANUP(mem_free_at) double *numbers = mem_array(2 * n * k + k * k + 4 * k, sizeof *numbers);
    CLEANUP(mem_free_at) uint32_t *mover = mem_array(k * k, sizeof *mover);
    CLEANUP(mem_free_at) size_t *before = mem_array(k, sizeof *before);
    CLEANUP(mem_free_at) bool *done = mem_array(k + n * k, sizeof *done);
    CLEANUP(mem_free_at) uint32_t *served = mem_array(n * k, sizeof *served);
    CLEANUP(mem_free_at) size_t *served_count = mem_array(k, sizeof *served_count);
    double *rest = numbers + 2 * n * k + k * k;
    struct flows t = {.problem = problem,
                      .open = places,
                      .k = k,
                      .unit = numbers,
                      .flow = numbers + n * k,
                      .listed = done + k,
                      .served = served,
                      .served_count = served_count,
                      .arc = numbers + 2 * n * k,
                      .load = rest,
                      .room = rest + k,
                      .potential = rest + 2 * k,
                      .distance = rest + 3 * k,
                      .mover = mover,
                      .before = before,
                      .done = done,
                      .least = 1e-9 * fmax(1, demand)};
    for (size_t a = 0; a < k; a++)
        t.room[a] = problem->capacity[places[a]];
    if (!begin_at_cheapest(&t))
        return INFINITY;
    for (size_t a = 0; a < k; a++)
        find_arcs(&t, a);
    for (;;) {
        bool over = false;
        for (size_t a = 0; a < k && !over; a++)
            over = t.load[a] > t.room[a] + t.least;
        if (!over)
            break;
        size_t end = find_path(&t);
        if (end == k)
            return INFINITY;
        move_along(&t, end);
    }
    cost = total_cost(&t);
    if (share)
        share_out(&t, share);
    for (size_t a = 0; a < k; a++)
        cost += problem->open ? problem->open[places[a]] : 0;
    if (load) {
        memset(load, 0, m * sizeof *load);
        for (size_t a = 0; a < k; a++)
            load[places[a]] = t.load[a];
    }
    return cost;
}
