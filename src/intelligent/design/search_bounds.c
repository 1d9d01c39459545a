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
    struct search *s;
    struct design_bounds *out;
    size_t nodes;
    double *node; /* by node */
    double **first, **repeat, **tail, **down;
    double off;    /* multiplier × limit */
    double *floor; /* [component] sum over its children of their least messages */
    double *alone, *subtree;
    double *again;                  /* [component] least of an instance beyond the first */
    double (*group)[SEARCH_GROUPS]; /* [component][set of kids] least anywhere */
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
    const struct search *s = b->s;
    const struct design_weights *w = &s->task->weights;
    const struct design_component *item = component_of(b, c);
    double n = (double)item->instances, share = w->latency / n, least_down = 1;
    bool apart = s->p->two_sites && item->instances == 2;
    for (size_t o = 0; o < item->options.count; o++) {
        const struct design_option *option = &item->options.items[o];
        double own = w->cost * option->cost + share * option->user_latency +
                     (w->green != 0 ? w->green * option->green : 0);
        b->first[c][o] = own + w->cost * option->site_cost;
        b->repeat[c][o] = apart || !design_search_repeats(s, c, o) ? b->first[c][o] : own;
        if (s->loss_price > 0 && item->instances == 1)
            b->first[c][o] -= s->loss_price * log1p(-option->down);
        if (s->loss_price > 0 && alive(b, c, o))
            least_down = fmin(least_down, option->down);
    }
    s->loss_floor[c] =
        s->loss_price > 0 && item->instances > 1 ? -s->loss_price * log1p(-pow(least_down, n)) : 0;
}

/* ---- several instances and what hangs below them ---- */
static unsigned all_kids(const struct bounding *b, size_t c)
{
    return (1U << b->s->kids[c].count) - 1;
}

/* An instance on that option that serves these kids. */
static double serving(const struct bounding *b, size_t c, unsigned set, size_t o)
{
    double sum = b->first[c][o];
    for (size_t k = 0; k < b->s->kids[c].count; k++)
        if (set >> k & 1)
            sum += b->out->message[b->s->kids[c].items[k]][o];
    return sum;
}

static void group_kids(struct bounding *b, size_t c)
{
    for (unsigned set = 1; set <= all_kids(b, c); set++) {
        b->group[c][set] = INFINITY;
        for (size_t o = 0; o < component_of(b, c)->options.count; o++)
            if (alive(b, c, o))
                b->group[c][set] = fmin(b->group[c][set], serving(b, c, set, o));
    }
}

/* The least of all instances and kids of the set when one instance stands on that option. */
static double sharing(const struct bounding *b, size_t c, unsigned set, size_t o)
{
    size_t n = (size_t)component_of(b, c)->instances;
    double least = INFINITY;
    for (unsigned sub = set;; sub = (sub - 1) & set) {
        double rest = design_search_share_out(b->group[c], b->again[c], n - 1, set & ~sub);
        least = fmin(least, serving(b, c, sub, o) + rest);
        if (sub == 0)
            return least;
    }
}

/* The least of all instances of c, and with what hangs below it. */
static void sum_up(struct bounding *b, size_t c)
{
    double n = (double)component_of(b, c)->instances;
    double least = least_alive(b, c, b->first[c]);
    b->again[c] = least_alive(b, c, b->repeat[c]);
    b->alone[c] = least + (n - 1) * b->again[c];
    b->subtree[c] = INFINITY;
    if (n == 1)
        for (size_t o = 0; o < component_of(b, c)->options.count; o++)
            if (alive(b, c, o))
                b->subtree[c] = fmin(b->subtree[c], b->first[c][o] + b->tail[c][o]);
    if (n > 1)
        b->subtree[c] = b->alone[c] + b->floor[c] + b->s->loss_floor[c];
    if (all_kids(b, c)) {
        group_kids(b, c);
        double shared = design_search_share_out(
            b->group[c], b->again[c], (size_t)component_of(b, c)->instances, all_kids(b, c));
        b->subtree[c] = fmax(b->subtree[c], shared + b->s->loss_floor[c]);
    }
}

/* As message_up, for several instances that share kids out between them. */
static void share_up(struct bounding *b, size_t c, struct way way, const double *more,
                     double *message)
{
    size_t parents = component_of(b, (size_t)b->s->parent[c])->options.count;
    size_t count = component_of(b, c)->options.count;
    double *values = mem_array(count + 1, sizeof *values), *groups[SEARCH_GROUPS] = {NULL};
    for (unsigned set = 1; set <= all_kids(b, c); set++) {
        groups[set] = mem_array(parents + 1, sizeof **groups);
        for (size_t o = 0; o < count; o++)
            values[o] = serving(b, c, set, o);
        carry(b, c, values, (size_t)b->s->parent[c], way, groups[set]);
    }
    for (size_t o = 0; o < parents; o++) {
        double group[SEARCH_GROUPS] = {0};
        for (unsigned set = 1; set <= all_kids(b, c); set++)
            group[set] = groups[set][o];
        message[o] = fmax(message[o], design_search_share_out(group, more[o],
                                                              (size_t)component_of(b, c)->instances,
                                                              all_kids(b, c)) +
                                          b->s->loss_floor[c]);
    }
    for (unsigned set = 1; set < SEARCH_GROUPS; set++)
        mem_free(groups[set]);
    mem_free(values);
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
        struct way again = way;
        again.per_price = 0; /* a further instance on a site pays no path */
        carry(b, c, b->repeat[c], parent, again, more);
        for (size_t o = 0; o < parents; o++)
            message[o] += (n - 1) * more[o] + b->floor[c] + s->loss_floor[c];
        if (all_kids(b, c) && component_of(b, parent)->instances == 1)
            share_up(b, c, way, more, message);
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
                  least_alive(b, parent, b->down[parent]) + s->loss_floor[parent];
    unsigned siblings = all_kids(b, parent);
    for (size_t k = 0; k < s->kids[parent].count; k++)
        if (s->kids[parent].items[k] == c)
            siblings &= ~(1U << k);
    for (size_t o = 0; o < parents; o++) {
        values[o] = !alive(b, parent, o) ? INFINITY
                    : single
                        ? b->down[parent][o] + b->first[parent][o] + b->tail[parent][o] - message[o]
                        : rest;
        if (alive(b, parent, o) && s->kids[parent].count > 0)
            values[o] = fmax(values[o], b->down[parent][o] + sharing(b, parent, siblings, o) +
                                            s->loss_floor[parent]);
    }
    carry(b, parent, values, c, way, b->down[c]);
    mem_free(values);
}

static void set_marginals(struct bounding *b, size_t c)
{
    const struct design_component *item = component_of(b, c);
    double n = (double)item->instances;
    for (size_t o = 0; o < item->options.count; o++) {
        if (!alive(b, c, o))
            continue;
        double own =
            b->first[c][o] + (n == 1 ? b->tail[c][o] : (n - 1) * b->again[c] + b->floor[c]);
        if (all_kids(b, c))
            own = fmax(own, sharing(b, c, all_kids(b, c), o));
        own += b->s->loss_floor[c];
        b->out->marginal[c][o] = fmax(b->out->marginal[c][o], b->down[c][o] + own - b->off);
    }
}

static bool is_root(const struct bounding *b, size_t c)
{
    return b->s->parent[c] < 0;
}

/* Returns the least possible, at the loss price at hand. */
static double pass_up(struct bounding *b)
{
    const struct search *s = b->s;
    double roots = 0;
    for (size_t c = 0; c < s->p->count; c++) {
        own_values(b, c);
        memset(b->tail[c], 0, component_of(b, c)->options.count * sizeof **b->tail);
        b->floor[c] = 0;
    }
    for (size_t i = s->p->count; i-- > 0;) {
        size_t c = s->order[i];
        sum_up(b, c);
        if (is_root(b, c))
            roots += b->subtree[c];
        else
            message_up(b, c);
    }
    b->off = s->multiplier > 0 ? s->multiplier * s->p->loss_max : 0;
    return roots;
}

static void pass_down(struct bounding *b, double roots)
{
    const struct search *s = b->s;
    b->out->least = fmax(b->out->least, roots - b->off);
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

static void bounding_init(struct bounding *b, struct search *s, struct design_bounds *out,
                          struct arena *arena)
{
    *b = (struct bounding){.s = s, .out = out};
    b->nodes = s->p->network->sites.count + s->p->network->access.count;
    b->node = arena_array(arena, b->nodes + 1, sizeof *b->node);
    b->first = square(arena, s);
    b->repeat = square(arena, s);
    b->tail = square(arena, s);
    b->down = square(arena, s);
    b->floor = arena_array(arena, s->p->count, sizeof *b->floor);
    b->alone = arena_array(arena, s->p->count, sizeof *b->alone);
    b->subtree = arena_array(arena, s->p->count, sizeof *b->subtree);
    b->again = arena_array(arena, s->p->count, sizeof *b->again);
    b->group = arena_array(arena, s->p->count, sizeof *b->group);
}

bool design_search_bounds(struct search *s, struct design_bounds *out, struct arena *arena)
{
    CLEANUP(arena_done) struct arena own = ARENA_INIT;
    struct bounding b;
    out->least = 0;
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
    bounding_init(&b, s, out, &own);
    if (!consistent(&b))
        return false;
    s->multiplier = 0;
    s->loss_price = s->task->weights.loss;
    pass_down(&b, pass_up(&b));
    return true;
}

/* Mean of what an option costs more, and loses more, than the least: the scale of multipliers. */
static double scale_of(const struct bounding *b)
{
    double value = 0, loss = 0;
    for (size_t c = 0; c < b->s->p->count; c++) {
        const struct design_component *item = component_of(b, c);
        double least = INFINITY, sum = 0, count = 0;
        for (size_t o = 0; o < item->options.count && item->instances == 1; o++)
            if (alive(b, c, o)) {
                double own = -log1p(-item->options.items[o].down);
                least = fmin(least, own);
                sum += own;
                count++;
            }
        if (count == 0)
            continue;
        value += range_of(b, c, b->first[c]);
        loss += sum / count - least;
    }
    return loss > 0 ? value / loss : 0;
}

static double try_multiplier(struct bounding *b, double multiplier)
{
    b->s->multiplier = multiplier;
    b->s->loss_price = b->s->task->weights.loss + multiplier;
    double roots = pass_up(b);
    return roots - b->off;
}

void design_search_bounds_price(struct search *s, struct design_bounds *out)
{
    CLEANUP(arena_done) struct arena own = ARENA_INIT;
    struct bounding b;
    bounding_init(&b, s, out, &own);
    double best = 0, least = try_multiplier(&b, 0), scale = scale_of(&b);
    double step = scale / 64;
    /* the least possible is concave in the multiplier: up while it grows, then between */
    for (int i = 0; i < 6 && scale > 0; i++, step *= 4) {
        double value = try_multiplier(&b, step);
        if (value <= least)
            break;
        best = step;
        least = value;
    }
    for (int i = 0; i < 4 && best > 0; i++) {
        double factor = 1 + 1.0 / (1 << i);
        for (int side = 0; side < 2; side++) {
            double other = side ? best * factor : best / factor;
            double value = try_multiplier(&b, other);
            if (value > least) {
                best = other;
                least = value;
                break;
            }
        }
    }
    least = try_multiplier(&b, best);
    pass_down(&b, least + b.off);
}
