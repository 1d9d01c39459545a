/* batch_search.c - least total cost of several needs that share sites and links: conflict-based
 * search (Sharon, Stern, Felner, Sturtevant 2015, made for paths of robots) over the exact search
 * of one need.
 *
 * A node gives each need limits on single resources, and its least solution within them.  Where all
 * solutions together fit, the node is a joint solution.  Where they exceed a resource, one of its
 * users must take less than it does now; the children say which one is the first to do so: child k
 * limits user k to less than it uses, and everybody from k on to what the users before it leave.
 * Nodes are taken in order of the sum of their single costs, a lower bound, so the first one that
 * fits is the least.  Of needs that ask the same under the same limits only the first is tried:
 * the others are its mirror images.
 *
 * Joint solutions to prune with come from repair: needs are placed one after the other in what is
 * left, whoever finds no place goes to the front; then each is placed anew beside the others while
 * that gains.
 *
 * Contract: complete = proven; stopped, the bound is the least over open nodes. */
#include <stdlib.h>

#include "intelligent/design/batch_priv.h"

#define LESS 1e-5       /* "less than now"; beyond the tolerance of capacity */
#define REPAIR_EVERY 32 /* nodes */
#define IMPROVE_ROUNDS 4
#define ORDERS_MAX 24 /* times that a need is put to the front */
#define VALUE_TOL 1e-10

struct limit {
    const struct limit *next;
    uint32_t resource;
    double most;
};

struct place {
    const struct batch_choice *choice; /* NULL: left out */
    const struct limit *limits;
};

struct node {
    double bound;
    struct place *places;
};

struct joint {
    struct batch *batch;
    struct batch_result *out;
    struct node *heap; /* by bound, as a binary heap */
    size_t heap_count, heap_room;
    double best, floor; /* floor: bounds of what could not be looked into */
    bool stop;
    struct arena *arena;
    struct design_hold *holds; /* room for one of each resource */
};

static bool is_late(struct joint *j)
{
    const struct batch *batch = j->batch;
    if (!j->stop && batch->should_stop && batch->should_stop(batch->stop_ctx))
        j->stop = j->out->stopped = true;
    return j->stop;
}

static double ceiling(const struct joint *j)
{
    return isinf(j->best) ? INFINITY : j->best - VALUE_TOL * fmax(1.0, fabs(j->best));
}

/* ---- what is taken ---- */
void design_batch_take(struct batch *batch, const struct batch_choice *choice, double sign)
{
    for (size_t i = 0; choice && i < choice->use_count; i++)
        batch->taken[choice->uses[i].resource] += sign * choice->uses[i].amount;
}

/* To 0 exactly, not by subtraction. */
static void forget(struct batch *batch, const struct batch_choice *choice)
{
    for (size_t i = 0; choice && i < choice->use_count; i++)
        batch->taken[choice->uses[i].resource] = 0;
}

bool design_batch_exceeds(const struct batch *batch, const struct batch_choice *choice,
                          uint32_t *ret_resource)
{
    for (size_t i = 0; i < choice->use_count; i++) {
        uint32_t r = choice->uses[i].resource;
        if (batch->taken[r] + choice->uses[i].amount > batch->free[r] + BATCH_TOL) {
            *ret_resource = r;
            return true;
        }
    }
    return false;
}

static double use_of(const struct batch_choice *choice, uint32_t resource)
{
    size_t low = 0, high = choice->use_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (choice->uses[middle].resource < resource)
            low = middle + 1;
        else
            high = middle;
    }
    return low < choice->use_count && choice->uses[low].resource == resource
               ? choice->uses[low].amount
               : 0;
}

/* ---- one after the other ---- */
/* What `taken` holds of the resources that the other choices use, as holds. */
static size_t holds_of_others(struct joint *j, const struct batch_choice *const *choices)
{
    size_t count = 0;
    for (size_t i = 0; i < j->batch->count; i++)
        for (size_t k = 0; choices[i] && k < choices[i]->use_count; k++) {
            uint32_t r = choices[i]->uses[k].resource;
            double taken = j->batch->taken[r];
            if (taken <= 0)
                continue;
            j->holds[count++] = (struct design_hold){r, taken};
            j->batch->taken[r] = -taken; /* once */
        }
    for (size_t i = 0; i < count; i++)
        j->batch->taken[j->holds[i].resource] = j->holds[i].amount;
    return count;
}

static double total_of(const struct joint *j, const struct batch_choice *const *choices)
{
    double total = 0;
    for (size_t i = 0; i < j->batch->count; i++)
        total += choices[i] ? choices[i]->value : 0;
    return total;
}

static void keep(struct joint *j, const struct batch_choice *const *choices)
{
    double total = total_of(j, choices);
    if (total >= ceiling(j))
        return;
    j->best = total;
    memcpy(j->out->choices, choices, j->batch->count * sizeof *choices);
}

/* Places the needs in that order, each by its preferred choice if that fits.  Returns the position
 * of the first that finds no place, or count. */
static size_t place_in_order(struct joint *j, const size_t *order, const struct place *preferred,
                             const struct batch_choice **choices)
{
    struct batch *batch = j->batch;
    size_t at = 0;
    memset(choices, 0, batch->count * sizeof *choices);
    for (; at < batch->count; at++) {
        size_t need = order[at];
        uint32_t resource;
        bool stopped;
        const struct batch_choice *choice = preferred[need].choice;
        if (!choice)
            continue;
        if (design_batch_exceeds(batch, choice, &resource)) {
            size_t count = holds_of_others(j, choices);
            choice =
                is_late(j) ? NULL : design_batch_choose(batch, need, j->holds, count, 0, &stopped);
            if (!choice)
                break;
        }
        choices[need] = choice;
        design_batch_take(batch, choice, 1);
    }
    for (size_t i = 0; i < batch->count; i++)
        forget(batch, choices[i]);
    return at;
}

static void improve(struct joint *j, const struct batch_choice **choices)
{
    struct batch *batch = j->batch;
    bool gained = true;
    for (int round_ = 0; round_ < IMPROVE_ROUNDS && gained; round_++) {
        gained = false;
        for (size_t i = 0; i < batch->count && !is_late(j); i++) {
            if (!choices[i] || choices[i]->value <= batch->needs[i].alone->value * (1 + VALUE_TOL))
                continue;
            const struct batch_choice *own = choices[i];
            bool stopped;
            choices[i] = NULL;
            for (size_t k = 0; k < batch->count; k++)
                design_batch_take(batch, choices[k], 1);
            size_t count = holds_of_others(j, choices);
            const struct batch_choice *other = design_batch_choose(
                batch, i, j->holds, count, own->value * (1 - VALUE_TOL), &stopped);
            for (size_t k = 0; k < batch->count; k++)
                forget(batch, choices[k]);
            choices[i] = other ? other : own;
            gained = gained || other;
        }
    }
}

static void repair(struct joint *j, const struct node *node)
{
    size_t n = j->batch->count;
    size_t *order = mem_array(n, sizeof *order);
    const struct batch_choice **choices = mem_array(n, sizeof *choices);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (int tries = 0; tries < ORDERS_MAX && !is_late(j); tries++) {
        size_t stuck = place_in_order(j, order, node->places, choices);
        if (stuck == n) {
            improve(j, choices);
            keep(j, choices);
            break;
        }
        size_t need = order[stuck];
        memmove(&order[1], &order[0], stuck * sizeof *order);
        order[0] = need;
    }
    mem_free(order);
    mem_free(choices);
}

/* ---- nodes ---- */
static void heap_push(struct joint *j, struct node node)
{
    size_t at = j->heap_count++;
    if (at == j->heap_room) {
        j->heap_room = 2 * at + 16;
        j->heap = mem_resize(j->heap, j->heap_room, sizeof *j->heap);
    }
    for (; at > 0 && j->heap[(at - 1) / 2].bound > node.bound; at = (at - 1) / 2)
        j->heap[at] = j->heap[(at - 1) / 2];
    j->heap[at] = node;
}

static struct node heap_pop(struct joint *j)
{
    struct node top = j->heap[0], last = j->heap[j->heap_count - 1];
    size_t count = --j->heap_count, at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && j->heap[child + 1].bound < j->heap[child].bound)
            child++;
        if (child >= count || j->heap[child].bound >= last.bound)
            break;
        j->heap[at] = j->heap[child];
        at = child;
    }
    j->heap[at] = last; /* of an emptied heap: beyond its end */
    return top;
}

static double bound_of(const struct joint *j, const struct place *places)
{
    double bound = 0;
    for (size_t i = 0; i < j->batch->count; i++)
        bound += places[i].choice ? places[i].choice->bound : 0;
    return bound;
}

static size_t holds_of_limits(struct joint *j, const struct limit *limits)
{
    size_t count = 0;
    for (const struct limit *limit = limits; limit; limit = limit->next) {
        double amount = j->batch->free[limit->resource] - fmax(0, limit->most);
        size_t k = 0;
        while (k < count && j->holds[k].resource != limit->resource)
            k++;
        if (k == count)
            j->holds[count++] = (struct design_hold){limit->resource, 0};
        j->holds[k].amount = fmax(j->holds[k].amount, amount);
    }
    return count;
}

/* One more limit for a need of a child; false: no solution of use is left. */
static bool restrict_place(struct joint *j, struct node *child, size_t need, uint32_t resource,
                           double most)
{
    struct place *place = &child->places[need];
    struct limit *limit = arena_alloc(j->arena, sizeof *limit);
    *limit = (struct limit){place->limits, resource, most};
    place->limits = limit;
    if (use_of(place->choice, resource) <= most + BATCH_TOL)
        return true;
    double others = bound_of(j, child->places) - place->choice->bound;
    double below = isfinite(j->best) ? fmax(ceiling(j) - others, 1e-300) : 0;
    size_t count = holds_of_limits(j, place->limits);
    bool stopped = false;
    double before = child->bound;
    place->choice = design_batch_choose(j->batch, need, j->holds, count, below, &stopped);
    if (stopped)
        j->floor = fmin(j->floor, before);
    if (!place->choice)
        return false;
    child->bound = others + place->choice->bound;
    return child->bound < ceiling(j);
}

/* ---- conflicts ---- */
struct user {
    size_t need;
    double amount;
};

static int by_amount(const void *a, const void *b, void *needs)
{
    const struct user *x = a, *y = b;
    size_t kind_x = ((const struct batch_need *)needs)[x->need].kind;
    size_t kind_y = ((const struct batch_need *)needs)[y->need].kind;
    if (x->amount != y->amount)
        return x->amount > y->amount ? -1 : 1;
    if (kind_x != kind_y)
        return kind_x < kind_y ? -1 : 1;
    return x->need < y->need ? -1 : x->need > y->need;
}

/* The exceeded resource with the fewest users; false when all fits. */
static bool find_conflict(struct joint *j, const struct node *node, uint32_t *ret_resource)
{
    struct batch *batch = j->batch;
    uint32_t best = 0;
    size_t best_users = SIZE_MAX;
    for (size_t i = 0; i < batch->count; i++)
        design_batch_take(batch, node->places[i].choice, 1);
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_choice *choice = node->places[i].choice;
        for (size_t k = 0; choice && k < choice->use_count; k++) {
            uint32_t r = choice->uses[k].resource;
            if (batch->taken[r] <= batch->free[r] + BATCH_TOL)
                continue;
            size_t users = 0;
            for (size_t o = 0; o < batch->count; o++)
                users += node->places[o].choice && use_of(node->places[o].choice, r) > 0;
            batch->taken[r] = 0; /* looked at */
            if (users < best_users || (users == best_users && r < best)) {
                best_users = users;
                best = r;
            }
        }
    }
    for (size_t i = 0; i < batch->count; i++)
        forget(batch, node->places[i].choice);
    *ret_resource = best;
    return best_users != SIZE_MAX;
}

static bool alike(const struct joint *j, const struct node *node, const struct user *a,
                  const struct user *b)
{
    if (j->batch->needs[a->need].kind != j->batch->needs[b->need].kind || a->amount != b->amount)
        return false;
    const struct limit *x = node->places[a->need].limits, *y = node->places[b->need].limits;
    while (x && y && x != y && x->resource == y->resource && x->most == y->most) {
        x = x->next;
        y = y->next;
    }
    return x == y;
}

static void branch(struct joint *j, const struct node *node, uint32_t resource)
{
    struct batch *batch = j->batch;
    struct user users[DESIGN_BATCH_MAX];
    bool reserved[DESIGN_BATCH_MAX] = {false};
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        double amount = node->places[i].choice ? use_of(node->places[i].choice, resource) : 0;
        if (amount > 0)
            users[count++] = (struct user){i, amount};
    }
    qsort_r(users, count, sizeof *users, by_amount, (void *)batch->needs);
    double held = 0, free_ = batch->free[resource];
    for (size_t k = 0; k < count && held <= free_ + BATCH_TOL && !is_late(j);) {
        size_t end = k + 1;
        while (end < count && alike(j, node, &users[k], &users[end]))
            end++;
        struct node child = {
            node->bound, arena_memdup(j->arena, node->places, batch->count * sizeof *node->places)};
        bool open = restrict_place(j, &child, users[k].need, resource,
                                   fmin(users[k].amount - LESS, free_ - held));
        for (size_t i = 0; i < batch->count && open && held > 0; i++)
            if (i != users[k].need && !reserved[i] && child.places[i].choice)
                open = restrict_place(j, &child, i, resource, free_ - held);
        if (open)
            heap_push(j, child);
        for (; k < end; k++) {
            reserved[users[k].need] = true;
            held += users[k].amount;
        }
    }
    if (j->stop)
        j->floor = fmin(j->floor, node->bound);
}

static void look_into(struct joint *j, const struct node *node)
{
    uint32_t resource;
    j->out->nodes++;
    if (find_conflict(j, node, &resource)) {
        if (j->out->nodes % REPAIR_EVERY == 1)
            repair(j, node);
        branch(j, node, resource);
        return;
    }
    const struct batch_choice **choices = mem_array(j->batch->count, sizeof *choices);
    for (size_t i = 0; i < j->batch->count; i++)
        choices[i] = node->places[i].choice;
    keep(j, choices);
    if (node->bound < ceiling(j)) /* some single search was stopped: its own gap remains */
        j->floor = fmin(j->floor, node->bound);
    mem_free(choices);
}

void design_batch_search(struct batch *batch, const bool *left_out, uint64_t node_max,
                         struct batch_result *out)
{
    struct arena own;
    arena_init(&own, 0);
    struct joint j = {
        .batch = batch, .out = out, .best = INFINITY, .floor = INFINITY, .arena = &own};
    *out = (struct batch_result){
        .choices = arena_array(batch->arena, batch->count + 1, sizeof *out->choices)};
    j.holds = arena_array(&own, batch->resource_count + 1, sizeof *j.holds);
    struct node root = {0, arena_array(&own, batch->count + 1, sizeof *root.places)};
    for (size_t i = 0; i < batch->count; i++)
        root.places[i].choice = left_out[i] ? NULL : batch->needs[i].alone;
    root.bound = bound_of(&j, root.places);
    heap_push(&j, root);
    while (j.heap_count > 0 && j.heap[0].bound < ceiling(&j) && out->nodes < node_max &&
           !is_late(&j)) {
        struct node node = heap_pop(&j);
        look_into(&j, &node);
    }
    bool complete = j.heap_count == 0 || j.heap[0].bound >= ceiling(&j);
    double open = complete ? INFINITY : j.heap[0].bound;
    out->total = j.best;
    out->bound = fmin(j.best, fmin(open, j.floor));
    bool proven = complete && !(j.floor < ceiling(&j));
    out->outcome = isfinite(j.best) ? (proven ? BATCH_PROVEN : BATCH_FOUND)
                                    : (proven ? BATCH_NONE : BATCH_UNDECIDED);
    mem_free(j.heap);
    arena_done(&own);
}
