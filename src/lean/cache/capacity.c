/* capacity.c - facilities with capacity, customers may be served by several.
 *
 * Lagrangian relaxation of "each customer is served" with the capacities kept: a facility's worth
 * is a continuous knapsack over the customers, and the set chosen must have the capacity for the
 * whole demand (Cornuéjols, Sridharan, Thizy 1991).  Sets met on the way are solved as
 * transportation problems (transport.c) and improved by drops, adds and exchanges; facilities are
 * fixed by what forcing them would cost; the rest is branched on.
 *
 * Contract: bounds hold for any prices; `seen` remembers sets, so that none is solved twice. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "lean/cache/cache_priv.h"

#define ROOT_STEPS 1000
#define NODE_STEPS 100
#define PATIENCE 15
#define SHORTEST 1e-4
#define WORK_MOST 4000000000.0 /* of exchanges at the root, in elementary steps */

struct item { /* of one knapsack */
    double ratio, saved, demand;
    uint32_t customer;
};

struct search {
    const struct cache_location *problem;
    const struct cache_search *asked;
    double demand; /* of all, rounded up to whole facilities where all are alike */
    double best;
    unsigned char *best_open;
    struct map *seen;    /* sets that were solved, as text */
    bool idle_may_serve; /* customers without demand: a facility without load may serve them */
    bool stopped;
    double pending;
    int64_t nodes, steps;
    double *worth;
    unsigned char *chosen;
    double *part;  /* part[customer]: how much of it the chosen facilities would serve */
    double *taken; /* taken[facility * customers + customer] of the step */
    struct item *items;
    uint32_t *order;
    double *direction;
    char *key;
};

/* Best filling of one facility at these prices: what it saves; its parts go to `taken`. */
static double fill(struct search *s, const double *price, size_t i)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, n = problem->customers, count = 0;
    double *taken = s->taken + i * n, room = problem->capacity[i], saved = 0;
    memset(taken, 0, n * sizeof *taken);
    for (size_t j = 0; j < n; j++) {
        double gain = price[j] - problem->serve[j * m + i], demand = problem->demand[j];
        if (!(gain > 0))
            continue;
        if (!(demand > 0)) {
            taken[j] = 1;
            saved += gain;
            continue;
        }
        s->items[count++] = (struct item){gain / demand, gain, demand, (uint32_t)j};
    }
    /* what is surely in, around pivots: the order inside does not matter */
    size_t low = 0, high = count;
    while (low < high && room > 0) {
        double pivot = s->items[low + (high - low) / 2].ratio, need = 0;
        size_t more = low, k = low, less = high;
        while (k < less) {
            struct item item = s->items[k];
            if (item.ratio > pivot) {
                s->items[k++] = s->items[more];
                s->items[more++] = item;
                need += item.demand;
            } else if (item.ratio < pivot) {
                s->items[k] = s->items[--less];
                s->items[less] = item;
            } else {
                k++;
            }
        }
        if (need > room) {
            high = more;
            continue;
        }
        for (k = low; k < less; k++) { /* all dearer ones, then the equal ones while they fit */
            const struct item *item = &s->items[k];
            double part = fmin(1, room / item->demand);
            if (part <= 0)
                break;
            taken[item->customer] = part;
            saved += part * item->saved;
            room -= part * item->demand;
        }
        low = less;
    }
    return saved;
}

struct choice {
    double bound;
    double unit; /* price of a unit of capacity; 0 when there is enough */
};

static int by_ratio(const void *a, const void *b, void *context)
{
    const struct search *s = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double p = s->worth[x] / s->problem->capacity[x], q = s->worth[y] / s->problem->capacity[y];
    return p < q ? -1 : p > q;
}

static struct choice choose(struct search *s, const struct cache_frame *f)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, n = problem->customers, count = 0;
    double capacity = 0;
    struct choice c = {0, 0};
    for (size_t j = 0; j < n; j++)
        c.bound += f->price[j];
    for (size_t i = 0; i < m; i++) {
        s->chosen[i] = 0;
        if (f->state[i] == CACHE_CLOSED)
            continue;
        s->worth[i] = (problem->open ? problem->open[i] : 0) - fill(s, f->price, i);
        if (f->state[i] == CACHE_OPEN || s->worth[i] < 0) {
            s->chosen[i] = 1;
            c.bound += s->worth[i];
            capacity += problem->capacity[i];
        } else if (problem->capacity[i] > 0) {
            s->order[count++] = (uint32_t)i;
        }
    }
    if (capacity >= s->demand * (1 - 1e-12))
        return c;
    qsort_r(s->order, count, sizeof *s->order, by_ratio, s);
    for (size_t k = 0; k < count; k++) {
        size_t i = s->order[k];
        double part = fmin(1, (s->demand - capacity) / problem->capacity[i]);
        c.unit = s->worth[i] / problem->capacity[i];
        c.bound += part * s->worth[i];
        capacity += problem->capacity[i];
        s->chosen[i] = 1;
        if (capacity >= s->demand * (1 - 1e-12))
            return c;
    }
    c.bound = INFINITY; /* what is left has not the capacity */
    return c;
}

static void fix(struct search *s, struct cache_frame *f, const struct choice *c, double cutoff)
{
    for (size_t i = 0; i < s->problem->facilities; i++) {
        if (f->state[i] != CACHE_FREE)
            continue;
        double reduced = s->worth[i] - c->unit * s->problem->capacity[i];
        if (c->bound + reduced > cutoff)
            f->state[i] = CACHE_CLOSED;
        else if (c->bound - reduced > cutoff)
            f->state[i] = CACHE_OPEN;
    }
}

static void subgradient(struct search *s, const struct cache_frame *f, double bound, double target,
                        double length)
{
    size_t n = s->problem->customers, m = s->problem->facilities;
    double along = 0, old = 0, norm = 0;
    memset(s->part, 0, n * sizeof *s->part);
    for (size_t i = 0; i < m; i++)
        if (s->chosen[i])
            for (size_t j = 0; j < n; j++)
                s->part[j] += s->taken[i * n + j];
    for (size_t j = 0; j < n; j++) {
        along += (1 - s->part[j]) * s->direction[j];
        old += s->direction[j] * s->direction[j];
    }
    double keep = along < 0 && old > 0 ? fmin(1, -along / old) : 0;
    for (size_t j = 0; j < n; j++) {
        s->direction[j] = 1 - s->part[j] + keep * s->direction[j];
        norm += s->direction[j] * s->direction[j];
    }
    if (!(norm > 0))
        return;
    double step = length * (target - bound) / norm;
    for (size_t j = 0; j < n; j++)
        f->price[j] += step * s->direction[j];
}

/* Solves the set unless it was before; facilities that serve nobody are closed. */
static double solve(struct search *s, const unsigned char *open)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities;
    for (size_t i = 0; i < m; i++)
        s->key[i] = open[i] ? '1' : '0';
    s->key[m] = '\0';
    if (map_has(s->seen, s->key))
        return INFINITY;
    map_put(s->seen, s->key, s);
    CLEANUP(mem_free_at) double *load = mem_array(m, sizeof *load);
    double cost = cache_transport(problem, open, NULL, load);
    if (!isfinite(cost))
        return cost;
    double real = cost;
    for (size_t i = 0; i < m; i++)
        if (open[i] && load[i] <= 0 && problem->open && !s->idle_may_serve)
            real -= problem->open[i];
    if (real < s->best) {
        s->best = real;
        for (size_t i = 0; i < m; i++)
            s->best_open[i] = open[i] && (load[i] > 0 || s->idle_may_serve || !problem->open ||
                                          problem->open[i] <= 0);
    }
    return real;
}

/* Drops, adds and exchanges around the best set, by what the last prices say first, within `work`.
 */
static void improve(struct search *s, double *work)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities;
    double each = (double)problem->customers * 40 * (double)(1 + m / 4);
    CLEANUP(mem_free_at) unsigned char *open = mem_array(m, 1);
    bool better = true;
    while (better && !cache_stopped(s->asked)) {
        better = false;
        double before = s->best;
        CLEANUP(mem_free_at) unsigned char *base = mem_array(m, 1);
        memcpy(base, s->best_open, m);
        for (size_t i = 0; i < m && !better; i++) {
            memcpy(open, base, m);
            open[i] = !open[i];
            if ((*work -= each) < 0)
                return;
            solve(s, open);
            better = s->best < before;
        }
        for (size_t out = 0; out < m && !better; out++)
            for (size_t in = 0; base[out] && in < m && !better; in++) {
                /* only facilities that the prices hold for nearly worth opening */
                if (base[in] || s->worth[in] > 0.02 * before / (double)m)
                    continue;
                memcpy(open, base, m);
                open[out] = 0;
                open[in] = 1;
                if ((*work -= each) < 0 || cache_stopped(s->asked))
                    return;
                solve(s, open);
                better = s->best < before;
            }
    }
}

static bool raise(struct search *s, struct cache_frame *f, int steps, bool root, double *ret_bound)
{
    size_t n = s->problem->customers, m = s->problem->facilities;
    CLEANUP(mem_free_at) double *kept = mem_array(n, sizeof *kept);
    double best = -INFINITY, length = root ? 1.5 : 0.8;
    int idle = 0;
    memcpy(kept, f->price, n * sizeof *kept);
    memset(s->direction, 0, n * sizeof *s->direction);
    for (int step = 0; step < steps; step++) {
        if (cache_stopped(s->asked)) {
            s->stopped = true;
            break;
        }
        s->steps++;
        struct choice c = choose(s, f);
        for (size_t i = 0; i < m; i++)
            f->often[i] += 0.1 * (s->chosen[i] - f->often[i]);
        if (c.bound > best) {
            idle = c.bound > best + 1e-4 * fabs(s->best - best) ? 0 : idle + 1;
            best = c.bound;
            memcpy(kept, f->price, n * sizeof *kept);
            if (!root || step > 20)
                solve(s, s->chosen);
        } else {
            idle++;
        }
        double cutoff = cache_cutoff(s->best, false);
        if (c.bound > cutoff)
            return *ret_bound = best, false;
        fix(s, f, &c, cutoff);
        if (idle >= PATIENCE) {
            length /= 2;
            idle = 0;
            memcpy(f->price, kept, n * sizeof *kept);
            memset(s->direction, 0, n * sizeof *s->direction);
            if (length < SHORTEST)
                break;
            continue;
        }
        double target = isfinite(s->best) ? s->best : c.bound + 0.05 * fabs(c.bound) + 1;
        subgradient(s, f, c.bound, target, length);
    }
    memcpy(f->price, kept, n * sizeof *kept);
    *ret_bound = best;
    return true;
}

static void explore(struct search *s, struct cache_frame *f, double inherited, bool root)
{
    size_t m = s->problem->facilities, pick = SIZE_MAX;
    double bound = inherited, score = -1;
    s->nodes++;
    if (s->stopped) {
        s->pending = fmin(s->pending, inherited);
        return;
    }
    if (!raise(s, f, root ? ROOT_STEPS : NODE_STEPS, root, &bound))
        return;
    bound = fmax(bound, inherited);
    if (root && !s->stopped) {
        double work = WORK_MOST;
        improve(s, &work);
    }
    if (s->stopped || bound > cache_cutoff(s->best, false)) {
        if (s->stopped)
            s->pending = fmin(s->pending, bound);
        return;
    }
    for (size_t i = 0; i < m; i++)
        if (f->state[i] == CACHE_FREE && 0.5 - fabs(f->often[i] - 0.5) > score) {
            score = 0.5 - fabs(f->often[i] - 0.5);
            pick = i;
        }
    if (pick == SIZE_MAX) { /* all is decided: the transportation problem is the node's optimum */
        for (size_t i = 0; i < m; i++)
            s->chosen[i] = f->state[i] == CACHE_OPEN;
        solve(s, s->chosen);
        return;
    }
    bool first = f->often[pick] >= 0.5;
    for (int side = 0; side < 2; side++) {
        struct cache_frame child;
        cache_frame_init(&child, s->problem, f);
        child.state[pick] = first == (side == 0) ? CACHE_OPEN : CACHE_CLOSED;
        explore(s, &child, bound, false);
        cache_frame_done(&child);
    }
}

static void report(const struct search *s, double bound, struct cache_located *out,
                   struct arena *arena)
{
    size_t m = s->problem->facilities, n = s->problem->customers;
    CLEANUP(mem_free_at) double *share = mem_array(n * m, sizeof *share);
    out->cost = cache_transport(s->problem, s->best_open, share, NULL);
    out->proven = !(bound < cache_cutoff(out->cost, false));
    out->lower_bound = out->proven ? out->cost : bound;
    out->nodes = s->nodes;
    out->steps = s->steps;
    out->proved_by = s->nodes > 1 ? "Lagrangian bound with capacities, branch and bound"
                                  : "Lagrangian bound with capacities";
    out->assign = arena_array(arena, n, sizeof *out->assign);
    for (size_t j = 0; j < n; j++) {
        double most = 0;
        for (size_t i = 0; i < m; i++) {
            double part = share[j * m + i];
            if (part <= 0)
                continue;
            *LIST_ADD(arena, &out->shares) = (struct cache_share){j, i, part};
            if (part > most) {
                most = part;
                out->assign[j] = i;
            }
        }
    }
    for (size_t i = 0; i < m; i++)
        if (s->best_open[i])
            *LIST_ADD(arena, &out->open) = i;
}

static enum err_code run(struct search *s, struct cache_located *out, struct arena *arena,
                         struct err *err)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, n = problem->customers;
    struct cache_frame root;
    cache_frame_init(&root, problem, NULL);
    memset(s->chosen, 1, m);
    solve(s, s->chosen); /* all open: feasible if anything is */
    bool possible = isfinite(s->best);
    for (size_t j = 0; j < n; j++) {
        double least = INFINITY, second = INFINITY;
        for (size_t i = 0; i < m; i++) {
            double cost = problem->serve[j * m + i];
            if (cost < least) {
                second = least;
                least = cost;
            } else {
                second = fmin(second, cost);
            }
        }
        root.price[j] = isfinite(second) ? second * 1.5 : least * 1.5 + 1;
    }
    for (size_t i = 0; i < m; i++)
        root.often[i] = 0.5;
    s->pending = INFINITY;
    if (possible)
        explore(s, &root, 0, true);
    cache_frame_done(&root);
    if (!possible)
        return err_set(err, ERR_INFEASIBLE, "the capacities are less than the demand");
    report(s, s->pending > cache_cutoff(s->best, false) ? s->best : fmax(0, s->pending), out,
           arena);
    return ERR_OK;
}

enum err_code cache_locate_capacity(const struct cache_location *problem,
                                    const struct cache_search *search, struct cache_located *out,
                                    struct arena *arena, struct err *err)
{
    size_t m = problem->facilities, n = problem->customers;
    struct search s = {.problem = problem,
                       .asked = search,
                       .best = INFINITY,
                       .best_open = mem_array(m, 1),
                       .seen = map_new(),
                       .worth = mem_array(m, sizeof *s.worth),
                       .chosen = mem_array(m, 1),
                       .part = mem_array(n, sizeof *s.part),
                       .taken = mem_array(n * m, sizeof *s.taken),
                       .items = mem_array(n, sizeof *s.items),
                       .order = mem_array(m, sizeof *s.order),
                       .direction = mem_array(n, sizeof *s.direction),
                       .key = mem_alloc(m + 1)};
    bool alike = true;
    for (size_t i = 0; i < m; i++)
        alike = alike && problem->capacity[i] == problem->capacity[0];
    for (size_t j = 0; j < n; j++) {
        s.demand += problem->demand[j];
        s.idle_may_serve = s.idle_may_serve || !(problem->demand[j] > 0);
    }
    if (alike && problem->capacity[0] > 0)
        s.demand = problem->capacity[0] * ceil(s.demand / problem->capacity[0] * (1 - 1e-12));
    enum err_code rc = run(&s, out, arena, err);
    map_free(s.seen);
    mem_free(s.best_open);
    mem_free(s.worth);
    mem_free(s.chosen);
    mem_free(s.part);
    mem_free(s.taken);
    mem_free(s.items);
    mem_free(s.order);
    mem_free(s.direction);
    mem_free(s.key);
    return rc;
}
