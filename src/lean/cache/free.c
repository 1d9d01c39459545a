/* free.c - facilities without capacity: p-median and uncapacitated location.
 *
 * Lagrangian relaxation of "each customer is served": with a price for each customer, a facility is
 * worth what it saves below the prices, and the best set of facilities is read off (Cornuéjols,
 * Fisher, Nemhauser 1977).  Prices rise where nobody serves and fall where several do (subgradient
 * with a deflected direction, Camerini, Fratta, Maffioli 1975); each set met on the way is a
 * solution, improved by exchanges.  A facility whose forcing in or out would lift the bound over
 * the best solution is fixed (Beasley 1993); what is still open is branched on, depth first, with
 * the prices of the parent.
 *
 * Contract: a bound is never above the optimum of its node, whatever the prices are; each step
 * costs O(entries below the prices). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lean/cache/cache_priv.h"

#define ROOT_STEPS 1500  /* of the dual at the root */
#define NODE_STEPS 120   /* at any other node */
#define PATIENCE 25      /* steps without a better bound before the step length is halved */
#define SHORTEST 1e-4    /* step length at which a node is given up */
#define IMPROVE_EVERY 40 /* steps between exchanges at the root */

struct search {
    const struct cache_location *problem;
    const struct cache_search *asked;
    struct cache_lists lists, all;
    struct cache_best best;
    bool whole, stopped;
    double pending; /* least bound of nodes that were left */
    int64_t nodes, steps;
    /* work space of one step */
    double *worth; /* of each facility: cost of opening it less what it saves; may be < 0 */
    unsigned char *chosen;
    uint32_t *order;
    double *direction;
    int *served; /* of each customer: chosen facilities below its price */
};

/* Brings the k least of order[0…count) to its front (Hoare's selection, three-way). */
static void select_least(const double *worth, uint32_t *order, size_t count, size_t k)
{
    size_t low = 0, high = count;
    while (high - low > 1) {
        double pivot = worth[order[low + (high - low) / 2]];
        size_t less = low, i = low, more = high;
        while (i < more) {
            double value = worth[order[i]];
            uint32_t swap = order[i];
            if (value < pivot) {
                order[i++] = order[less];
                order[less++] = swap;
            } else if (value > pivot) {
                order[i] = order[--more];
                order[more] = swap;
            } else {
                i++;
            }
        }
        if (k > less && k < more)
            return;
        if (k <= less)
            high = less;
        else
            low = more;
    }
}

struct choice {
    double bound;
    double last; /* worth of the worst chosen free facility; -INFINITY when none was chosen */
    double next; /* worth of the best free one left out; INFINITY when there is none */
    bool full;   /* `most` are chosen */
    bool forced; /* the only one is there because one must be */
};

/* The bound of these prices, and the set that gives it in s->chosen. */
static struct choice choose(struct search *s, const struct cache_frame *f)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, open = 0, negative = 0, rest = 0;
    struct choice c = {.last = -INFINITY, .next = INFINITY};
    if (problem->open)
        memcpy(s->worth, problem->open, m * sizeof *s->worth);
    else
        memset(s->worth, 0, m * sizeof *s->worth);
    for (size_t j = 0; j < problem->customers; j++) {
        double price = f->price[j];
        c.bound += price;
        size_t end = s->lists.begin[j + 1];
        for (size_t k = s->lists.begin[j]; k < end && s->lists.cost[k] < price; k++)
            s->worth[s->lists.site[k]] += s->lists.cost[k] - price;
    }
    memset(s->chosen, 0, m);
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < m; i++) {
        if (f->state[i] == CACHE_OPEN) {
            s->chosen[i] = 1;
            c.bound += s->worth[i];
            open++;
        } else if (f->state[i] == CACHE_FREE) {
            rest++;
            if (least == SIZE_MAX || s->worth[i] < s->worth[least])
                least = i;
            if (s->worth[i] < 0)
                s->order[negative++] = (uint32_t)i;
        }
    }
    size_t room =
        problem->most ? problem->most - (open < problem->most ? open : problem->most) : negative;
    size_t take = negative < room ? negative : room;
    if (take < negative)
        select_least(s->worth, s->order, negative, take);
    for (size_t k = 0; k < take; k++) {
        s->chosen[s->order[k]] = 1;
        c.bound += s->worth[s->order[k]];
        c.last = fmax(c.last, s->worth[s->order[k]]);
    }
    c.full = problem->most && take == room;
    if (!open && !take && least != SIZE_MAX) {
        s->chosen[least] = 1;
        c.bound += s->worth[least];
        c.last = s->worth[least];
        c.forced = true;
    }
    if (!open && !rest)
        c.bound = INFINITY; /* nobody may open */
    for (size_t i = 0; i < m; i++)
        if (f->state[i] == CACHE_FREE && !s->chosen[i])
            c.next = fmin(c.next, s->worth[i]);
    return c;
}

/* Fixes what cannot be otherwise in a solution below the cutoff; false when nothing can. */
static bool fix(struct search *s, struct cache_frame *f, const struct choice *c, double cutoff,
                size_t *ret_fixed)
{
    size_t m = s->problem->facilities, open = 0;
    double instead = c->full || !isfinite(c->next) ? fmin(0, c->next) : 0;
    if (c->forced)
        instead = isfinite(c->next) ? c->next : INFINITY;
    for (size_t i = 0; i < m; i++) {
        if (f->state[i] == CACHE_FREE) {
            if (s->chosen[i]) {
                if (c->bound - s->worth[i] + instead > cutoff) {
                    f->state[i] = CACHE_OPEN;
                    ++*ret_fixed;
                }
            } else {
                bool no_room = c->full && !isfinite(c->last);
                double away = (c->forced || c->full) && !no_room ? c->last : 0;
                if (no_room || c->bound + s->worth[i] - away > cutoff) {
                    f->state[i] = CACHE_CLOSED;
                    ++*ret_fixed;
                }
            }
        }
        open += f->state[i] == CACHE_OPEN;
    }
    return !s->problem->most || open <= s->problem->most;
}

/* One step of the prices; returns the squared length of the subgradient, 0 = each is served once.
 */
static double subgradient(struct search *s, const struct cache_frame *f, double bound,
                          double target, double length)
{
    size_t n = s->problem->customers;
    double square = 0, along = 0, old = 0;
    for (size_t j = 0; j < n; j++) {
        double price = f->price[j];
        int count = 0;
        size_t end = s->lists.begin[j + 1];
        for (size_t k = s->lists.begin[j]; k < end && s->lists.cost[k] < price; k++)
            count += s->chosen[s->lists.site[k]];
        s->served[j] = count;
        double g = 1 - count;
        square += g * g;
        along += g * s->direction[j];
        old += s->direction[j] * s->direction[j];
    }
    if (square == 0)
        return 0;
    /* the old direction is kept as far as the new one does not turn against it */
    double keep = along < 0 && old > 0 ? -1.0 * along / old : 0, norm = 0;
    keep = fmin(keep, 1);
    for (size_t j = 0; j < n; j++) {
        s->direction[j] = 1 - s->served[j] + keep * s->direction[j];
        norm += s->direction[j] * s->direction[j];
    }
    double step = norm > 0 ? length * (target - bound) / norm : 0;
    for (size_t j = 0; j < n; j++) {
        f->price[j] += step * s->direction[j];
        size_t k = s->lists.begin[j];
        if (k < s->lists.begin[j + 1] && f->price[j] < s->lists.cost[k])
            f->price[j] = s->lists.cost[k]; /* below its cheapest a price only lowers the bound */
    }
    return square;
}

static void offer(struct search *s, const unsigned char *chosen, bool improve)
{
    size_t m = s->problem->facilities;
    double cost = cache_cost_of(s->problem, &s->all, chosen);
    if (!improve) {
        cache_best_offer(&s->best, chosen, cost);
        return;
    }
    CLEANUP(mem_free_at) unsigned char *open = mem_array(m, 1);
    memcpy(open, chosen, m);
    cost = cache_improve(s->problem, open, s->asked);
    if (s->problem->most) /* an exchange may have added where there was room: fine; never more */
        cost = cache_cost_of(s->problem, &s->all, open);
    cache_best_offer(&s->best, open, cost);
}

/* Raises the bound of a node; false when no better solution can be in it.  The best prices met are
 * left in the frame. */
static bool raise(struct search *s, struct cache_frame *f, int steps, bool root, double *ret_bound)
{
    size_t n = s->problem->customers, m = s->problem->facilities;
    CLEANUP(mem_free_at) double *kept = mem_array(n, sizeof *kept);
    double best = -INFINITY, length = root ? 1.5 : 0.8, last_offered = INFINITY;
    int idle = 0;
    memset(s->direction, 0, n * sizeof *s->direction);
    for (int step = 0; step < steps; step++) {
        if (cache_stopped(s->asked)) {
            s->stopped = true;
            break;
        }
        s->steps++;
        struct choice c = choose(s, f);
        double cutoff = cache_cutoff(s->best.cost, s->whole);
        size_t fixed = 0;
        for (size_t i = 0; i < m; i++)
            f->often[i] += 0.1 * (s->chosen[i] - f->often[i]);
        if (c.bound > best) {
            idle = c.bound > best + 1e-4 * fabs(s->best.cost - best) ? 0 : idle + 1;
            best = c.bound;
            memcpy(kept, f->price, n * sizeof *kept);
            double cost = cache_cost_of(s->problem, &s->all, s->chosen);
            cache_best_offer(&s->best, s->chosen, cost);
        } else {
            idle++;
        }
        if (c.bound > cutoff)
            return *ret_bound = best, false;
        if (!fix(s, f, &c, cutoff, &fixed))
            return *ret_bound = INFINITY, false;
        if (root && step % IMPROVE_EVERY == IMPROVE_EVERY - 1 && length > 0.02) {
            double before = s->best.cost;
            offer(s, s->chosen, true);
            last_offered = fmin(last_offered, before);
        }
        if (idle >= PATIENCE) {
            length /= 2;
            idle = 0;
            memcpy(f->price, kept, n * sizeof *kept);
            memset(s->direction, 0, n * sizeof *s->direction);
            if (length < SHORTEST)
                break;
            continue;
        }
        double target = isfinite(s->best.cost) ? s->best.cost : c.bound + fabs(c.bound) * 0.05 + 1;
        if (target - c.bound < 1e-9 * fabs(target))
            target = c.bound + 1e-6 * fabs(target) + 1e-9;
        if (subgradient(s, f, c.bound, target, length) == 0 && s->problem->most == 0)
            break; /* each is served once: the set is the optimum of the node */
    }
    memcpy(f->price, kept, n * sizeof *kept);
    *ret_bound = best;
    return true;
}

static size_t branch_on(const struct search *s, const struct cache_frame *f)
{
    size_t best = SIZE_MAX;
    double score = -1;
    for (size_t i = 0; i < s->problem->facilities; i++) {
        if (f->state[i] != CACHE_FREE)
            continue;
        double half = 0.5 - fabs(f->often[i] - 0.5);
        if (half > score) {
            score = half;
            best = i;
        }
    }
    return best;
}

/* Looks into the node; what it leaves when stopped is in s->pending. */
static void explore(struct search *s, struct cache_frame *f, double inherited)
{
    double bound = inherited;
    s->nodes++;
    if (s->stopped) {
        s->pending = fmin(s->pending, inherited);
        return;
    }
    if (!raise(s, f, NODE_STEPS, false, &bound))
        return;
    bound = fmax(bound, inherited);
    if (s->stopped) {
        s->pending = fmin(s->pending, bound);
        return;
    }
    size_t pick = branch_on(s, f);
    if (pick == SIZE_MAX) { /* all is decided */
        for (size_t i = 0; i < s->problem->facilities; i++)
            s->chosen[i] = f->state[i] == CACHE_OPEN;
        offer(s, s->chosen, false);
        return;
    }
    bool first = f->often[pick] >= 0.5;
    for (int side = 0; side < 2; side++) {
        struct cache_frame child;
        cache_frame_init(&child, s->problem, f);
        child.state[pick] = first == (side == 0) ? CACHE_OPEN : CACHE_CLOSED;
        size_t open = 0;
        for (size_t i = 0; i < s->problem->facilities; i++)
            open += child.state[i] == CACHE_OPEN;
        if (!s->problem->most || open <= s->problem->most)
            explore(s, &child, bound);
        cache_frame_done(&child);
    }
}

/* Greedy: opens what saves most until nothing does. */
static void first_solution(struct search *s)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, n = problem->customers;
    CLEANUP(mem_free_at) unsigned char *open = mem_array(m, 1);
    CLEANUP(mem_free_at) double *near = mem_array(n, sizeof *near);
    double never = 1;
    for (size_t j = 0; j < n; j++) {
        double most = 0;
        for (size_t k = s->all.begin[j]; k < s->all.begin[j + 1]; k++)
            most = fmax(most, s->all.cost[k]);
        never += most;
    }
    for (size_t j = 0; j < n; j++)
        near[j] = never;
    for (size_t count = 0; !problem->most || count < problem->most; count++) {
        size_t best = SIZE_MAX;
        double most = 0;
        CLEANUP(mem_free_at) double *saved = mem_array(m, sizeof *saved);
        for (size_t j = 0; j < n; j++)
            for (size_t k = s->all.begin[j]; k < s->all.begin[j + 1] && s->all.cost[k] < near[j];
                 k++)
                saved[s->all.site[k]] += near[j] - s->all.cost[k];
        for (size_t i = 0; i < m; i++) {
            double gain = saved[i] - (problem->open && count ? problem->open[i] : 0);
            if (!open[i] && gain > most) {
                most = gain;
                best = i;
            }
        }
        if (best == SIZE_MAX)
            break;
        open[best] = 1;
        for (size_t j = 0; j < n; j++)
            near[j] = fmin(near[j], problem->serve[j * m + best]);
        if (cache_stopped(s->asked) && count)
            break;
    }
    offer(s, open, true);
}

static void report(const struct search *s, double bound, struct cache_located *out,
                   struct arena *arena)
{
    size_t m = s->problem->facilities, n = s->problem->customers;
    out->cost = s->best.cost;
    out->proven = !(bound < out->cost);
    out->lower_bound = out->proven ? out->cost : bound;
    out->nodes = s->nodes;
    out->steps = s->steps;
    out->proved_by = s->nodes > 1 ? "Lagrangian bound, branch and bound" : "Lagrangian bound";
    out->assign = arena_array(arena, n, sizeof *out->assign);
    for (size_t j = 0; j < n; j++) {
        size_t k = s->all.begin[j];
        while (!s->best.open[s->all.site[k]])
            k++;
        out->assign[j] = s->all.site[k];
    }
    for (size_t i = 0; i < m; i++)
        if (s->best.open[i])
            *LIST_ADD(arena, &out->open) = i;
}

static enum err_code run(struct search *s, struct cache_located *out, struct arena *arena,
                         struct err *err)
{
    size_t n = s->problem->customers, m = s->problem->facilities, closed = 0;
    struct cache_frame root;
    cache_frame_init(&root, s->problem, NULL);
    first_solution(s);
    for (size_t j = 0; j < n; j++) { /* between the nearest and the second: a good start */
        size_t k = s->all.begin[j], end = s->all.begin[j + 1];
        size_t at = k + (end - k) / (s->problem->most ? s->problem->most + 1 : 4);
        root.price[j] = s->all.cost[at < end ? at : end - 1];
    }
    for (size_t i = 0; i < m; i++)
        root.often[i] = s->best.open[i] ? 0.5 : 0;
    double bound = 0;
    bool left = raise(s, &root, ROOT_STEPS, true, &bound);
    s->nodes = 1;
    s->pending = INFINITY;
    if (left && s->stopped) {
        s->pending = bound;
    } else if (left) {
        for (size_t i = 0; i < m; i++)
            closed += root.state[i] == CACHE_CLOSED;
        if (closed) { /* closed for good: they leave the lists */
            cache_lists_done(&s->lists);
            cache_lists_make(s->problem, root.state, &s->lists);
        }
        explore(s, &root, bound);
        s->nodes--;
    }
    cache_frame_done(&root);
    if (!isfinite(s->best.cost))
        return err_set(err, s->stopped ? ERR_CANCELLED : ERR_INFEASIBLE,
                       s->stopped ? "stopped before a solution was found"
                                  : "no set of %zu facilities serves all customers",
                       s->problem->most);
    double limit = cache_cutoff(s->best.cost, s->whole);
    if (s->whole && isfinite(s->pending))
        s->pending = ceil(s->pending - 1e-6);
    report(s, s->pending > limit ? s->best.cost : fmax(0, s->pending), out, arena);
    return ERR_OK;
}

enum err_code cache_locate_free(const struct cache_location *problem,
                                const struct cache_search *search, struct cache_located *out,
                                struct arena *arena, struct err *err)
{
    size_t m = problem->facilities, n = problem->customers;
    struct search s = {.problem = problem,
                       .asked = search,
                       .whole = cache_is_whole(problem),
                       .best = {problem, INFINITY, mem_array(m, 1)},
                       .worth = mem_array(m, sizeof *s.worth),
                       .chosen = mem_array(m, 1),
                       .order = mem_array(m, sizeof *s.order),
                       .direction = mem_array(n, sizeof *s.direction),
                       .served = mem_array(n, sizeof *s.served)};
    cache_lists_make(problem, NULL, &s.all);
    cache_lists_make(problem, NULL, &s.lists);
    enum err_code rc = run(&s, out, arena, err);
    cache_lists_done(&s.all);
    cache_lists_done(&s.lists);
    mem_free(s.best.open);
    mem_free(s.worth);
    mem_free(s.chosen);
    mem_free(s.order);
    mem_free(s.direction);
    mem_free(s.served);
    return rc;
}
