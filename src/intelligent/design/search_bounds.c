/* search_bounds.c - for each option the least value that any solution with it can have, in time
 * linear in options and links: what lets the search look at a handful of sites of a hundred
 * thousand.
 *
 * Flows make a forest of components (those with several senders are roots of their own).  Values
 * pass up it and down it once, as in dynamic programming on a tree; over a flow they travel through
 * the network by one sweep from all options at once (evaluation_spread), so pairs of options are
 * never looked at.  A sweep knows no latency bound.  The bound comes in as a Lagrange multiplier:
 * for any price of a millisecond, the least of value + price × (latency − bound) is no more than
 * the least within the bound; several prices are tried and the highest answer taken (Handler and
 * Zang 1980, for single paths).
 *
 * Contract: marginal[c][o] ≤ the value of every solution in which an instance of c takes o, and is
 * INFINITY only where there is none. */
#include "intelligent/design/search_priv.h"

#define MULTIPLIERS 5

struct bounding {
    const struct search *s;
    struct design_bounds *out;
    size_t nodes;
    double *node; /* by node */
    double **first, **repeat, **tail, **down;
    double *floor; /* [component] sum over its children of their least messages */
    double *alone, *subtree;
};

static const struct design_component *component_of(const struct bounding *b, size_t c)
{
    return &b->s->p->components[c];
}

static bool alive(const struct bounding *b, size_t c, size_t o)
{
    return b->out->marginal[c][o] != INFINITY;
}

static void clear_nodes(struct bounding *b)
{
    for (size_t i = 0; i < b->nodes; i++)
        b->node[i] = INFINITY;
}

/* The least of each node's options; values NULL = 0 each. */
static void start_from(struct bounding *b, size_t c, const double *values)
{
    clear_nodes(b);
    for (size_t o = 0; o < component_of(b, c)->options.count; o++) {
        double *node = &b->node[component_of(b, c)->options.items[o].site];
        if (alive(b, c, o))
            *node = fmin(*node, values ? values[o] : 0);
    }
}

/* ---- what no partner can reach ---- */
static bool keep_near(struct bounding *b, size_t c, double bound)
{
    bool any = false;
    for (size_t o = 0; o < component_of(b, c)->options.count; o++) {
        double latency = b->node[component_of(b, c)->options.items[o].site];
        if (!(latency <= bound + SEARCH_LATENCY_TOL) || latency == INFINITY)
            b->out->marginal[c][o] = INFINITY;
        any = any || alive(b, c, o);
    }
    return any;
}

static bool keep_receivers(struct bounding *b, size_t from)
{
    bool any = true;
    for (size_t f = 0; f < b->s->p->flow_count && any; f++) {
        const struct evaluation_flow *flow = &b->s->p->flows[f];
        if (flow->from != (int)from || flow->to == flow->from)
            continue;
        start_from(b, from, NULL);
        evaluation_spread(b->s->p->model, 1, 0, b->node);
        any = keep_near(b, (size_t)flow->to,
                        flow->max_latency_ms.set ? flow->max_latency_ms.value : INFINITY);
    }
    return any;
}

/* Only a single sender must be near: of several, another may serve. */
static bool keep_senders(struct bounding *b, size_t from)
{
    bool any = true;
    for (size_t f = 0; f < b->s->p->flow_count && any; f++) {
        const struct evaluation_flow *flow = &b->s->p->flows[f];
        if (flow->from != (int)from || flow->to == flow->from ||
            component_of(b, from)->instances != 1)
            continue;
        start_from(b, (size_t)flow->to, NULL);
        evaluation_spread(b->s->p->model, 1, 0, b->node);
        any = keep_near(b, from, flow->max_latency_ms.set ? flow->max_latency_ms.value : INFINITY);
    }
    return any;
}

static bool consistent(struct bounding *b)
{
    const struct search *s = b->s;
    bool any = true;
    for (size_t i = 0; i < s->p->count && any; i++)
        any = keep_receivers(b, s->order[i]);
    for (size_t i = s->p->count; i-- > 0 && any;)
        any = keep_senders(b, s->order[i]);
    for (size_t i = 0; i < s->p->count && any; i++)
        any = keep_receivers(b, s->order[i]);
    return any;
}

/* ---- values over a flow ---- */
static double range_of(const struct bounding *b, size_t c, const double *values)
{
    double least = INFINITY, sum = 0;
    size_t count = 0;
    for (size_t o = 0; o < component_of(b, c)->options.count; o++)
        if (alive(b, c, o) && values[o] < INFINITY) {
            least = fmin(least, values[o]);
            sum += values[o];
            count++;
        }
    return count ? sum / (double)count - least : 0;
}

struct way {
    double per_ms, per_price; /* value */
    double bound;             /* ms; INFINITY none */
};

static struct way way_of(const struct bounding *b, const struct evaluation_flow *flow)
{
    const struct design_weights *w = &b->s->task->weights;
    double n = (double)component_of(b, (size_t)flow->to)->instances;
    return (struct way){w->latency / n, w->cost * flow->bandwidth_mbps,
                        flow->max_latency_ms.set ? flow->max_latency_ms.value + SEARCH_LATENCY_TOL
                                                 : INFINITY};
}

/* to_values[o] = the least over options of `from` of its value and the way; a lower bound. */
static void carry(struct bounding *b, size_t from, const double *values, size_t to, struct way way,
                  double *to_values)
{
    double range = range_of(b, from, values);
    size_t rounds = isfinite(way.bound) && way.bound > 0 && range > 0 ? MULTIPLIERS : 1;
    const struct design_component *component = component_of(b, to);
    for (size_t k = 0; k < rounds; k++) {
        /* from none to several times what would make the average option not worth the way */
        double price = k == 0 ? 0 : range / way.bound * (0.125 * (double)(1 << (2 * k)) / 2);
        start_from(b, from, values);
        evaluation_spread(b->s->p->model, way.per_ms + price, way.per_price, b->node);
        for (size_t o = 0; o < component->options.count; o++) {
            double value = b->node[component->options.items[o].site];
            value -= price > 0 ? price * way.bound : 0;
            to_values[o] = k == 0 ? value : fmax(to_values[o], value);
        }
    }
}

static double least_alive(const struct bounding *b, size_t c, const double *values)
{
    double least = INFINITY;
    for (size_t o = 0; o < component_of(b, c)->options.count; o++)
        if (alive(b, c, o))
            least = fmin(least, values[o]);
    return least;
}

static void own_values(struct bounding *b, size_t c)
{
    const struct design_weights *w = &b->s->task->weights;
    const struct design_component *item = component_of(b, c);
    double share = w->latency / (double)item->instances;
    for (size_t o = 0; o < item->options.count; o++) {
        const struct design_option *option = &item->options.items[o];
        b->repeat[c][o] = w->cost * option->cost + share * option->user_latency +
                          (w->green != 0 ? w->green * option->green : 0);
        b->first[c][o] = b->repeat[c][o] + w->cost * option->site_cost;
    }
}

/* The least of all instances of c, and with what hangs below it. */
static void sum_up(struct bounding *b, size_t c)
{
    double n = (double)component_of(b, c)->instances;
    double least = least_alive(b, c, b->first[c]), again = least_alive(b, c, b->repeat[c]);
    b->alone[c] = least + (n - 1) * again;
    b->subtree[c] = INFINITY;
    if (n == 1)
        for (size_t o = 0; o < component_of(b, c)->options.count; o++)
            if (alive(b, c, o))
                b->subtree[c] = fmin(b->subtree[c], b->first[c][o] + b->tail[c][o]);
    if (n > 1)
        b->subtree[c] = b->alone[c] + b->floor[c];
}

/* The message of c to each option of its parent: least value of its subtree when served from there.
 */
static void message_up(struct bounding *b, size_t c)
{
    const struct search *s = b->s;
    const struct evaluation_flow *flow = &s->p->flows[s->parent_flow[c]];
    size_t parent = (size_t)s->parent[c], count = component_of(b, c)->options.count;
    double n = (double)component_of(b, c)->instances, *message = b->out->message[c];
    double *values = mem_array(count + 1, sizeof *values);
    struct way way = way_of(b, flow);
    for (size_t o = 0; o < count; o++)
        values[o] = b->first[c][o] + (n == 1 ? b->tail[c][o] : 0);
    carry(b, c, values, parent, way, message);
    if (n > 1) {
        size_t parents = component_of(b, parent)->options.count;
        double *more = mem_array(parents + 1, sizeof *more);
        way.per_price = 0; /* a further instance on a site pays no path */
        carry(b, c, b->repeat[c], parent, way, more);
        for (size_t o = 0; o < parents; o++)
            message[o] += (n - 1) * more[o] + b->floor[c];
        mem_free(more);
    }
    mem_free(values);
    for (size_t o = 0; o < component_of(b, parent)->options.count; o++)
        b->tail[parent][o] += message[o];
    b->floor[parent] += least_alive(b, parent, message);
}

/* What all but the subtree of c comes to, by option of c. */
static void message_down(struct bounding *b, size_t c)
{
    const struct search *s = b->s;
    size_t parent = (size_t)s->parent[c], parents = component_of(b, parent)->options.count;
    struct way way = way_of(b, &s->p->flows[s->parent_flow[c]]);
    double *values = mem_array(parents + 1, sizeof *values), *message = b->out->message[c];
    bool single = component_of(b, parent)->instances == 1;
    double rest = b->alone[parent] + b->floor[parent] - least_alive(b, parent, message) +
                  least_alive(b, parent, b->down[parent]);
    for (size_t o = 0; o < parents; o++)
        values[o] = !alive(b, parent, o) ? INFINITY
                    : single
                        ? b->down[parent][o] + b->first[parent][o] + b->tail[parent][o] - message[o]
                        : rest;
    carry(b, parent, values, c, way, b->down[c]);
    mem_free(values);
}

static void set_marginals(struct bounding *b, size_t c)
{
    const struct design_component *item = component_of(b, c);
    double n = (double)item->instances, again = least_alive(b, c, b->repeat[c]);
    for (size_t o = 0; o < item->options.count; o++) {
        if (!alive(b, c, o))
            continue;
        double own = b->first[c][o] + (n == 1 ? b->tail[c][o] : (n - 1) * again + b->floor[c]);
        b->out->marginal[c][o] = b->down[c][o] + own;
    }
}

static bool is_root(const struct bounding *b, size_t c)
{
    return b->s->parent[c] < 0;
}

static void pass_values(struct bounding *b)
{
    const struct search *s = b->s;
    double roots = 0;
    for (size_t c = 0; c < s->p->count; c++)
        own_values(b, c);
    for (size_t i = s->p->count; i-- > 0;) {
        size_t c = s->order[i];
        sum_up(b, c);
        if (is_root(b, c))
            roots += b->subtree[c];
        else
            message_up(b, c);
    }
    b->out->least = roots;
    for (size_t i = 0; i < s->p->count; i++) {
        size_t c = s->order[i];
        if (is_root(b, c))
            for (size_t o = 0; o < component_of(b, c)->options.count; o++)
                b->down[c][o] = roots - b->subtree[c];
        else
            message_down(b, c);
    }
    for (size_t c = 0; c < s->p->count; c++)
        set_marginals(b, c);
}

static double **square(struct arena *arena, const struct search *s)
{
    double **rows = arena_array(arena, s->p->count, sizeof *rows);
    for (size_t c = 0; c < s->p->count; c++)
        rows[c] = arena_array(arena, s->p->components[c].options.count + 1, sizeof **rows);
    return rows;
}

bool design_search_bounds(const struct search *s, struct design_bounds *out, struct arena *arena)
{
    CLEANUP(arena_done) struct arena own = ARENA_INIT;
    struct bounding b = {.s = s, .out = out};
    b.nodes = s->p->network->sites.count + s->p->network->access.count;
    out->marginal = square(arena, s);
    out->message = arena_array(arena, s->p->count, sizeof *out->message);
    for (size_t c = 0; c < s->p->count; c++) {
        if (s->parent[c] >= 0)
            out->message[c] = arena_array(arena, s->p->components[s->parent[c]].options.count + 1,
                                          sizeof **out->message);
        bool any = false;
        for (size_t o = 0; o < s->p->components[c].options.count; o++) {
            const struct design_option *option = &s->p->components[c].options.items[o];
            bool usable = design_search_usable(s, option) &&
                          (s->task->hold_count == 0 || design_search_fits_beside(s, c, option));
            out->marginal[c][o] = usable ? 0 : INFINITY;
            any = any || usable;
        }
        if (!any)
            return false;
    }
    b.node = arena_array(&own, b.nodes + 1, sizeof *b.node);
    if (!consistent(&b))
        return false;
    b.first = square(&own, s);
    b.repeat = square(&own, s);
    b.tail = square(&own, s);
    b.down = square(&own, s);
    b.floor = arena_array(&own, s->p->count, sizeof *b.floor);
    b.alone = arena_array(&own, s->p->count, sizeof *b.alone);
    b.subtree = arena_array(&own, s->p->count, sizeof *b.subtree);
    pass_values(&b);
    return true;
}
