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
#define TREE_MOST ((size_t)1 << 30) /* bytes of nodes that wait; the search stops there */
#define WORK_MOST 4000000000.0      /* of exchanges at the root, in elementary steps */

struct item { /* of one knapsack */
    double ratio, saved, demand;
    uint32_t customer;
};

struct search {
    const struct cache_location *problem;
    const struct cache_search *asked;
    double demand; /* of all */
    double best;
    unsigned char *best_open;
    struct map *seen;    /* sets that were solved, as text */
    bool alike;          /* all have one capacity: then the number that is open is kept, too … */
    size_t least, most;  /* … of the node at hand */
    bool idle_may_serve; /* customers without demand: a facility without load may serve them */
    bool stopped;
    double pending;
    int64_t nodes, steps;
    double *worth;
    unsigned char *chosen;
    double *part;  /* part[customer]: how much of it the chosen facilities would serve */
    double *serve; /* serve[facility * customers + customer]: the problem's, turned */
    /* what the fillings of the step took: taken[facility * customers + k], k < taken_count */
    struct taken {
        uint32_t customer;
        float part;
    } * taken;
    size_t *taken_count;
    struct item *items;
    uint32_t *order;
    double *direction;
    char *key;
};

static void take(struct search *s, size_t i, uint32_t customer, double part)
{
    s->taken[i * s->problem->customers + s->taken_count[i]++] =
        (struct taken){customer, (float)part};
}

/* Best filling of one facility at these prices: what it saves; its parts go to `taken`. */
static double fill(struct search *s, const double *price, size_t i)
{
    const struct cache_location *problem = s->problem;
    size_t n = problem->customers, count = 0;
    const double *serve = s->serve + i * n;
    double room = problem->capacity[i], saved = 0;
    s->taken_count[i] = 0;
    for (size_t j = 0; j < n; j++) {
        double gain = price[j] - serve[j], demand = problem->demand[j];
        if (!(gain > 0))
            continue;
        if (!(demand > 0)) {
            take(s, i, (uint32_t)j, 1);
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
            take(s, i, item->customer, part);
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
    /* facilities alike: what opening one more besides saves elsewhere, and what closing one costs
     */
    double instead_in, instead_out;
};

static int by_ratio(const void *a, const void *b, void *context)
{
    const struct search *s = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double p = s->worth[x] / s->problem->capacity[x], q = s->worth[y] / s->problem->capacity[y];
    return p < q ? -1 : p > q;
}

/* Facilities alike: those of least worth, at least s->least and at most s->most. */
static void choose_number(struct search *s, size_t open, size_t count, struct choice *c)
{
    size_t take = 0;
    double last = -INFINITY, next = INFINITY;
    qsort_r(s->order, count, sizeof *s->order, by_ratio, s);
    while (take < count && open + take < s->most &&
           (open + take < s->least || s->worth[s->order[take]] < 0)) {
        s->chosen[s->order[take]] = 1;
        last = s->worth[s->order[take++]];
        c->bound += last;
    }
    if (take < count)
        next = s->worth[s->order[take]];
    if (open + take < s->least || open > s->most)
        c->bound = INFINITY;
    c->instead_in = open + take == s->most || last > 0 ? last : 0;
    c->instead_out = open + take == s->least || next < 0 ? next : 0;
}

/* The whole demand must be met: by what is worth opening anyway, then by the best for its capacity,
 * the last one in part. */
static void choose_capacity(struct search *s, size_t count, double capacity, struct choice *c)
{
    const struct cache_location *problem = s->problem;
    size_t rest = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t i = s->order[k];
        if (s->worth[i] < 0) {
            s->chosen[i] = 1;
            c->bound += s->worth[i];
            capacity += problem->capacity[i];
        } else if (problem->capacity[i] > 0) {
            s->order[rest++] = i;
        }
    }
    if (capacity >= s->demand * (1 - 1e-12))
        return;
    qsort_r(s->order, rest, sizeof *s->order, by_ratio, s);
    for (size_t k = 0; k < rest; k++) {
        size_t i = s->order[k];
        double part = fmin(1, (s->demand - capacity) / problem->capacity[i]);
        c->unit = s->worth[i] / problem->capacity[i];
        c->bound += part * s->worth[i];
        capacity += problem->capacity[i];
        s->chosen[i] = 1;
        if (capacity >= s->demand * (1 - 1e-12))
            return;
    }
    c->bound = INFINITY; /* what is left has not the capacity */
}

static struct choice choose(struct search *s, const struct cache_frame *f)
{
    const struct cache_location *problem = s->problem;
    size_t m = problem->facilities, n = problem->customers, count = 0, open = 0;
    double capacity = 0;
    struct choice c = {.bound = 0};
    for (size_t j = 0; j < n; j++)
        c.bound += f->price[j];
    for (size_t i = 0; i < m; i++) {
        s->chosen[i] = 0;
        if (f->state[i] == CACHE_CLOSED)
            continue;
        s->worth[i] = (problem->open ? problem->open[i] : 0) - fill(s, f->price, i);
        if (f->state[i] != CACHE_OPEN) {
            s->order[count++] = (uint32_t)i;
            continue;
        }
        s->chosen[i] = 1;
        c.bound += s->worth[i];
        capacity += problem->capacity[i];
        open++;
    }
    if (s->alike)
        choose_number(s, open, count, &c);
    else
        choose_capacity(s, count, capacity, &c);
    return c;
}

static void fix(struct search *s, struct cache_frame *f, const struct choice *c, double cutoff)
{
    for (size_t i = 0; i < s->problem->facilities; i++) {
        if (f->state[i] != CACHE_FREE)
            continue;
        double reduced = s->worth[i] - c->unit * s->problem->capacity[i];
        double in = s->alike ? s->worth[i] - c->instead_in : reduced;
        double out = s->alike ? c->instead_out - s->worth[i] : -reduced;
        if (!s->chosen[i] && c->bound + in > cutoff)
            f->state[i] = CACHE_CLOSED;
        else if (s->chosen[i] && c->bound + out > cutoff)
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
        for (size_t k = 0; s->chosen[i] && k < s->taken_count[i]; k++)
            s->part[s->taken[i * n + k].customer] += (double)s->taken[i * n + k].part;
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
    int idle = 0, next = root ? 21 : 0;
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
            if (step >= next) { /* a transportation problem takes as long as a few steps */
                solve(s, s->chosen);
                next = step + (root ? 1 : NODE_STEPS / 8);
            }
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

/* ---- the tree: best bound first ---- */

struct node {
    double bound;
    size_t least, most; /* facilities that may be open; used where all are alike */
    struct cache_frame frame;
};
struct tree {
    struct node *nodes; /* a heap by bound */
    size_t count, room;
};

static void tree_push(struct tree *t, const struct node *node)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->nodes = mem_resize(t->nodes, t->room, sizeof *t->nodes);
    }
    size_t i = t->count++;
    for (; i && t->nodes[(i - 1) / 2].bound > node->bound; i = (i - 1) / 2)
        t->nodes[i] = t->nodes[(i - 1) / 2];
    t->nodes[i] = *node;
}

static struct node tree_pop(struct tree *t)
{
    struct node top = t->nodes[0], last = t->nodes[--t->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < t->count; i = child) {
        if (child + 1 < t->count && t->nodes[child + 1].bound < t->nodes[child].bound)
            child++;
        if (t->nodes[child].bound >= last.bound)
            break;
        t->nodes[i] = t->nodes[child];
    }
    t->nodes[i] = last;
    return top;
}

/* The facility that the prices are least sure of; SIZE_MAX: all is decided. */
static size_t branch_on(const struct search *s, const struct cache_frame *f)
{
    size_t pick = SIZE_MAX;
    double score = -1;
    for (size_t i = 0; i < s->problem->facilities; i++)
        if (f->state[i] == CACHE_FREE && 0.5 - fabs(f->often[i] - 0.5) > score) {
            score = 0.5 - fabs(f->often[i] - 0.5);
            pick = i;
        }
    return pick;
}

/* Raises the bound of the node and keeps it when something better may be in it; takes the frame. */
static void look_into(struct search *s, struct tree *tree, struct node *node, bool root)
{
    double bound = node->bound;
    s->least = node->least;
    s->most = node->most;
    bool alive = raise(s, &node->frame, root ? ROOT_STEPS : NODE_STEPS, root, &bound);
    node->bound = fmax(node->bound, bound);
    s->nodes++;
    if (root && alive && !s->stopped) {
        double work = WORK_MOST;
        improve(s, &work);
    }
    if (alive && branch_on(s, &node->frame) == SIZE_MAX) {
        /* all is decided: the transportation problem is the node's optimum */
        for (size_t i = 0; i < s->problem->facilities; i++)
            s->chosen[i] = node->frame.state[i] == CACHE_OPEN;
        solve(s, s->chosen);
        alive = false;
    }
    if (alive && node->bound <= cache_cutoff(s->best, false))
        tree_push(tree, node);
    else
        cache_frame_done(&node->frame);
}

/* Both sides of the node; takes the frame.  Facilities alike: first how many, then which. */
static void branch(struct search *s, struct tree *tree, struct node *node)
{
    size_t pick = branch_on(s, &node->frame);
    double number = 0;
    for (size_t i = 0; i < s->problem->facilities; i++)
        number += node->frame.state[i] == CACHE_OPEN   ? 1
                  : node->frame.state[i] == CACHE_FREE ? node->frame.often[i]
                                                       : 0;
    double below = floor(number);
    bool by_number = s->alike && number - below > 0.1 && number - below < 0.9 &&
                     below >= (double)node->least && below + 1 <= (double)node->most;
    for (int side = 0; side < 2; side++) {
        struct node child = {.bound = node->bound, .least = node->least, .most = node->most};
        cache_frame_init(&child.frame, s->problem, &node->frame);
        if (!by_number)
            child.frame.state[pick] = side ? CACHE_CLOSED : CACHE_OPEN;
        else if (side)
            child.least = (size_t)below + 1;
        else
            child.most = (size_t)below;
        look_into(s, tree, &child, false);
    }
    cache_frame_done(&node->frame);
}

static void explore(struct search *s, struct node *root)
{
    struct tree tree = {NULL, 0, 0};
    size_t each = s->problem->customers * sizeof(double) + s->problem->facilities * 10;
    look_into(s, &tree, root, true);
    while (tree.count && !s->stopped) {
        if (tree.nodes[0].bound > cache_cutoff(s->best, false))
            break; /* nor is anything better in the others */
        if (tree.count > TREE_MOST / each) {
            s->stopped = true;
            break;
        }
        struct node node = tree_pop(&tree);
        double inherited = node.bound;
        branch(s, &tree, &node);
        if (s->stopped)
            s->pending = fmin(s->pending, inherited);
    }
    for (size_t i = 0; i < tree.count; i++) {
        s->pending = fmin(s->pending, tree.nodes[i].bound);
        cache_frame_done(&tree.nodes[i].frame);
    }
    mem_free(tree.nodes);
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
    struct node root = {.bound = 0, .most = problem->facilities};
    if (s->alike) /* a share of a facility more than the demand is no facility */
        root.least = (size_t)ceil(s->demand / problem->capacity[0] * (1 - 1e-12));
    cache_frame_init(&root.frame, problem, NULL);
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
        root.frame.price[j] = isfinite(second) ? second * 1.5 : least * 1.5 + 1;
    }
    for (size_t i = 0; i < m; i++)
        root.frame.often[i] = 0.5;
    s->pending = INFINITY;
    if (possible)
        explore(s, &root);
    else
        cache_frame_done(&root.frame);
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
                       .serve = mem_array(n * m, sizeof *s.serve),
                       .taken = mem_array(n * m, sizeof *s.taken),
                       .taken_count = mem_array(m, sizeof *s.taken_count),
                       .items = mem_array(n, sizeof *s.items),
                       .order = mem_array(m, sizeof *s.order),
                       .direction = mem_array(n, sizeof *s.direction),
                       .key = mem_alloc(m + 1)};
    s.alike = true;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++)
            s.serve[i * n + j] = problem->serve[j * m + i];
    for (size_t i = 0; i < m; i++)
        s.alike = s.alike && problem->capacity[i] == problem->capacity[0];
    for (size_t j = 0; j < n; j++) {
        s.demand += problem->demand[j];
        s.idle_may_serve = s.idle_may_serve || !(problem->demand[j] > 0);
    }
    s.alike = s.alike && problem->capacity[0] > 0;
    enum err_code rc = run(&s, out, arena, err);
    map_free(s.seen);
    mem_free(s.best_open);
    mem_free(s.worth);
    mem_free(s.chosen);
    mem_free(s.part);
    mem_free(s.serve);
    mem_free(s.taken);
    mem_free(s.taken_count);
    mem_free(s.items);
    mem_free(s.order);
    mem_free(s.direction);
    mem_free(s.key);
    return rc;
}
