/* search.c - branch and bound over (component, multiset of options).
 *
 * Components are placed one after the other, senders of flows before their receivers; the instances
 * of one are alike, so only ascending sequences of its list are tried.  A branch is cut when A what
 * is placed + the least of the rest on the frontier of value against loss, B  what is placed + the
 * least subtrees of the rest under the flows' latency bounds, C  the cost of what is placed + the
 * least cost of the rest against the budget cannot beat the best solution known (or its limit).
 * Capacity and link bandwidth are kept as running sums.
 *
 * Contract: with no limit on work the result is exact up to 1e-10 of the value; a search that was
 * stopped says so and gives the bound proven at the root.  Every placement is undone on the way
 * back. */
#include "intelligent/design/search_priv.h"

#define VALUE_TOL 1e-10
#define POLL_EVERY 1024
#define FIRST_REACH 0.005 /* above the least possible; four times as far each round */
#define ROUNDS 6
#define NEAR_GAP 0.002 /* of the best; below it one more round is to prove it */

static bool descend(struct search *s, size_t level);

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0.0;
}

static bool work(struct search *s)
{
    const struct design_task *task = s->task;
    s->out->work++;
    if (task->work_max && s->out->work > task->work_max)
        s->stop = true;
    else if (s->soft_limit && s->out->work > s->soft_limit)
        s->stop = s->soft_stop = true;
    else if (task->should_stop && s->out->work % POLL_EVERY == 0 &&
             task->should_stop(task->stop_ctx))
        s->stop = s->out->stopped = true;
    return !s->stop;
}

/* Anything at or above this is not worth looking at. */
static double ceiling(const struct search *s)
{
    double below_best = isinf(s->best) ? INFINITY : s->best - VALUE_TOL * fmax(1.0, fabs(s->best));
    return fmin(below_best, s->limit);
}

/* ---- capacity ---- */
static bool seat(struct search *s, size_t component, const struct design_option *option)
{
    const struct design_component *item = &s->p->components[component];
    const struct site *site = &s->p->network->sites.items[option->site];
    uint32_t at = option->site;
    int64_t *cards = option->accelerator >= 0
                         ? &s->used_cards[s->card_base[at] + (uint32_t)option->accelerator]
                         : NULL;
    double vcpus = s->used_vcpus[at] + item->vcpus, memory = s->used_memory[at] + item->memory_gib,
           disk = s->used_disk[at] + item->disk_gib;
    if ((item->vcpus > 0 && vcpus > amount(site->capacity.vcpus) - amount(site->allocated.vcpus) +
                                        SEARCH_AMOUNT_TOL) ||
        (item->memory_gib > 0 && memory > amount(site->capacity.memory_gib) -
                                              amount(site->allocated.memory_gib) +
                                              SEARCH_AMOUNT_TOL) ||
        (item->disk_gib > 0 && disk > amount(site->capacity.disk_gib) -
                                          amount(site->allocated.disk_gib) + SEARCH_AMOUNT_TOL))
        return false;
    if (cards) {
        const struct site_accelerator *offered = &site->accelerators.items[option->accelerator];
        if (*cards + item->cards > offered->count - offered->allocated)
            return false;
        *cards += item->cards;
    }
    s->used_vcpus[at] = vcpus;
    s->used_memory[at] = memory;
    s->used_disk[at] = disk;
    return true;
}

static void unseat(struct search *s, size_t component, const struct design_option *option,
                   const double before[3])
{
    uint32_t at = option->site;
    if (option->accelerator >= 0)
        s->used_cards[s->card_base[at] + (uint32_t)option->accelerator] -=
            s->p->components[component].cards;
    s->used_vcpus[at] = before[0]; /* put back, not subtracted: no rounding is left behind */
    s->used_memory[at] = before[1];
    s->used_disk[at] = before[2];
}

/* ---- link bandwidth ---- */
struct loads { /* what a component's flows have put on links, to be taken off again */
    LIST(uint32_t) links;
    double *before;
};

static bool load_path(struct search *s, size_t from, size_t to, double bandwidth,
                      struct loads *loads)
{
    size_t count = 0;
    evaluation_path(s->p->model, from, to, s->path, &count, s->path_max);
    for (size_t i = 0; i < count; i++) {
        uint32_t link = (uint32_t)s->path[i];
        const struct network_link *item = &s->p->network->links.items[link];
        double sum = s->load[link] + bandwidth;
        if (!item->bandwidth_mbps.set ||
            sum > item->bandwidth_mbps.value - amount(item->used_mbps) + SEARCH_AMOUNT_TOL)
            return false;
        if ((loads->links.count & (loads->links.count + 1)) == 0) { /* grow with the list */
            size_t room = 2 * (loads->links.count + 1);
            loads->links.items = mem_resize(loads->links.items, room, sizeof *loads->links.items);
            loads->before = mem_resize(loads->before, room, sizeof *loads->before);
        }
        loads->links.items[loads->links.count] = link;
        loads->before[loads->links.count++] = s->load[link];
        s->load[link] = sum;
    }
    return true;
}

static void unload(struct search *s, struct loads *loads)
{
    while (loads->links.count > 0) {
        loads->links.count--;
        s->load[loads->links.items[loads->links.count]] = loads->before[loads->links.count];
    }
    mem_free(loads->links.items);
    mem_free(loads->before);
    *loads = (struct loads){0};
}

/* ---- a component whose instances are all seated ---- */
struct sums {
    double cost, latency, green, down;
};

/* A flow between placed components: latency, price and load of its paths. */
static bool settle_flow(struct search *s, const struct evaluation_flow *flow, struct sums *sums,
                        struct loads *loads)
{
    if (flow->from == flow->to)
        return true; /* each instance is its own nearest */
    const struct taken *to = &s->taken[flow->to];
    double largest = 0;
    for (size_t i = 0; i < to->site_count; i++) {
        size_t from;
        double latency;
        if (flow->from < 0) {
            from = evaluation_user_node(s->p->model, to->sites[i]);
            latency = 0; /* within the option's user_latency */
        } else {
            from = s->taken[flow->from]
                       .sites[design_search_nearest(s, (size_t)flow->from, to->sites[i], &latency)];
        }
        if (isinf(latency) || (flow->from >= 0 && flow->max_latency_ms.set &&
                               latency > flow->max_latency_ms.value + SEARCH_LATENCY_TOL))
            return false;
        largest = fmax(largest, latency);
        if (flow->bandwidth_mbps <= 0 || from == SIZE_MAX)
            continue;
        if (flow->from >= 0)
            sums->cost += flow->bandwidth_mbps *
                          evaluation_path(s->p->model, from, to->sites[i], NULL, NULL, 0);
        if (!load_path(s, from, to->sites[i], flow->bandwidth_mbps, loads))
            return false;
    }
    sums->latency += largest;
    return true;
}

static bool settle_flows(struct search *s, size_t component, struct sums *sums, struct loads *loads)
{
    for (size_t f = 0; f < s->p->flow_count; f++) {
        const struct evaluation_flow *flow = &s->p->flows[f];
        bool in = flow->to == (int)component &&
                  (flow->from < 0 || s->placed[flow->from] || flow->from == (int)component);
        bool back =
            flow->from == (int)component && flow->to != (int)component && s->placed[flow->to];
        if ((in || back) && !settle_flow(s, flow, sums, loads))
            return false;
    }
    return true;
}

/* Sums over the seated instances; false when addresses have no known price. */
static bool sum_instances(struct search *s, size_t component, struct sums *sums)
{
    struct taken *taken = &s->taken[component];
    size_t n = (size_t)s->p->components[component].instances;
    *sums = (struct sums){0, 0, 0, 1};
    taken->site_count = 0;
    double address = INFINITY, user_latency = 0;
    size_t begin, end;
    design_numbered_first(&s->p->components[component], &begin, &end);
    for (size_t i = 0; i < n; i++) {
        const struct design_option *option = design_search_option(s, component, taken->options[i]);
        sums->cost += option->cost;
        sums->green += option->green;
        user_latency = fmax(user_latency, option->user_latency);
        if (i >= begin && i < end && !isnan(option->address_price))
            address = fmin(address, option->address_price);
        bool known = false;
        for (size_t k = 0; k < taken->site_count && !known; k++)
            known = taken->sites[k] == option->site;
        if (known)
            continue;
        taken->sites[taken->site_count++] = option->site;
        sums->cost += option->site_cost;
        sums->down *= option->down;
    }
    sums->latency = user_latency;
    if (component == 0 && s->p->addresses > 0 && n > 1) {
        sums->cost += s->p->addresses * address;
        return isfinite(address);
    }
    return true;
}

/* Below is narrowed one list after the other; `done` says how many to widen again. */
static bool narrow_below(struct search *s, size_t component, size_t *done)
{
    *done = 0;
    for (size_t c = 0; c < s->p->count; c++) {
        if (s->placed[c] || c == component)
            continue;
        bool receives = false;
        for (size_t f = 0; f < s->p->flow_count && !receives; f++)
            receives = s->p->flows[f].from == (int)component && s->p->flows[f].to == (int)c;
        if (!receives)
            continue;
        if (!design_search_lists_narrow(s, component, c))
            return false;
        *done = c + 1;
    }
    return true;
}

static void widen_below(struct search *s, size_t component, size_t done)
{
    for (size_t c = 0; c < done; c++) {
        if (s->placed[c] || c == component)
            continue;
        bool receives = false;
        for (size_t f = 0; f < s->p->flow_count && !receives; f++)
            receives = s->p->flows[f].from == (int)component && s->p->flows[f].to == (int)c;
        if (receives)
            s->version[c]--;
    }
}

/* What the multiplier takes off, or puts on, for the loss so far. */
static double over_limit(const struct search *s)
{
    return s->multiplier > 0 ? s->multiplier * (s->loss - s->p->loss_max) : 0;
}

/* What hangs below the instances seated, each served by the one that is best for it. */
static double least_tail(const struct search *s, size_t component)
{
    const struct kids *kids = &s->kids[component];
    const struct taken *taken = &s->taken[component];
    size_t n = (size_t)s->p->components[component].instances;
    if (n == 1)
        return s->tail[component][taken->options[0]];
    double sum = kids->count ? 0 : s->tail_floor[component];
    for (size_t k = 0; k < kids->count; k++) {
        double least = INFINITY;
        for (size_t i = 0; i < n; i++)
            least = fmin(least, s->served[kids->items[k]][taken->options[i]]);
        sum += least;
    }
    return sum;
}

/* All instances of order[level] are seated: settle what they decide together, then go on.  False:
 * they cannot be there. */
static bool complete(struct search *s, size_t level)
{
    size_t component = s->order[level];
    struct taken *taken = &s->taken[component];
    const struct design_weights *w = &s->task->weights;
    struct sums sums;
    struct loads loads = {0};
    bool addressed = sum_instances(s, component, &sums);
    if (!addressed || (s->p->two_sites && taken->site_count < 2))
        return false;
    double tail = least_tail(s, component);
    bool settled = settle_flows(s, component, &sums, &loads);
    if (settled) {
        taken->cost = sums.cost;
        taken->loss = s->loss_matters ? -log1p(-sums.down) : 0;
        taken->value = w->cost * sums.cost + w->latency * sums.latency +
                       (w->green != 0 ? w->green * sums.green : 0) +
                       (w->loss != 0 ? w->loss * taken->loss : 0);
        double value = s->value, cost = s->cost, loss = s->loss;
        s->value += taken->value;
        s->cost += taken->cost;
        s->loss += taken->loss;
        s->placed[component] = true;
        bool open = s->value + over_limit(s) + tail < ceiling(s) && s->loss <= s->p->loss_max;
        if (open) {
            size_t done;
            open = narrow_below(s, component, &done) && descend(s, level + 1);
            widen_below(s, component, done);
        }
        s->failures[component] += !open;
        s->placed[component] = false;
        s->value = value;
        s->cost = cost;
        s->loss = loss;
    }
    unload(s, &loads);
    return settled;
}

/* ---- one component's instances ---- */
struct rest {                        /* what is still to be placed after this component */
    struct design_frontier frontier; /* one point when loss does not matter */
    double subtrees;                 /* of other components not below this one */
    double cost;                     /* least */
};

static double least_rest(const struct search *s, const struct rest *rest, double loss)
{
    if (!s->loss_matters)
        return rest->frontier.points[0].value;
    return s->task->weights.loss * loss + design_frontier_least(&rest->frontier,
                                                                s->p->loss_max - s->loss - loss,
                                                                s->task->weights.loss);
}

static bool on_site_already(const struct search *s, size_t component, size_t seated, uint32_t site)
{
    for (size_t i = 0; i < seated; i++)
        if (design_search_option(s, component, s->taken[component].options[i])->site == site)
            return true;
    return false;
}

/* again[set]: the least of the instances to be seated after the next one, when these serve that set
 * of kids; served[kid]: the least when one of those seated does.  False: there is nothing to share.
 */
static bool begin_sharing(const struct search *s, size_t component, size_t seated,
                          double again[SEARCH_GROUPS], double served[SEARCH_KIDS])
{
    const struct kids *kids = &s->kids[component];
    const struct picks *list = design_search_list(s, component);
    size_t more = (size_t)s->p->components[component].instances - seated - 1;
    if (kids->count == 0)
        return false;
    for (unsigned set = 0; set < 1U << kids->count; set++)
        again[set] =
            design_search_share_out(list->group, fmin(list->again, list->least_first), more, set);
    for (size_t k = 0; k < kids->count; k++) {
        served[k] = INFINITY;
        for (size_t i = 0; i < seated; i++)
            served[k] = fmin(served[k], s->served[kids->items[k]][s->taken[component].options[i]]);
    }
    return true;
}

static double least_sharing(const struct search *s, size_t component, uint32_t option,
                            const double again[SEARCH_GROUPS], const double served[SEARCH_KIDS])
{
    const struct kids *kids = &s->kids[component];
    double least = INFINITY, own[SEARCH_KIDS] = {0};
    for (size_t k = 0; k < kids->count; k++)
        own[k] = fmin(served[k], s->served[kids->items[k]][option]);
    for (unsigned set = 0; set < 1U << kids->count; set++) {
        double sum = again[set];
        for (size_t k = 0; k < kids->count; k++)
            sum += set >> k & 1 ? 0 : own[k];
        least = fmin(least, sum);
    }
    return least;
}

/* ---- dominance ----
 * The last instance of a component that sends nothing: an option whose site and links hold all that
 * this need could put there stands in for every later one that is no better in value and loss,
 * whatever the other components do. */
#define BEST_MAX 8

struct best { /* options looked at */
    struct {
        double value, down;
    } items[BEST_MAX];
    size_t count;
    bool possible;
};

static void best_init(struct best *best, const struct search *s, size_t component, size_t seated)
{
    const struct design_weights *w = &s->task->weights;
    size_t n = (size_t)s->p->components[component].instances;
    bool cost_alone = w->latency == 0 && w->green == 0 && w->loss == 0;
    best->count = 0;
    best->possible = seated + 1 == n && (n == 1 || w->latency == 0) &&
                     (cost_alone || isinf(s->p->cost_max)) &&
                     (component != 0 || s->p->addresses <= 0 || n == 1);
    for (size_t f = 0; f < s->p->flow_count && best->possible; f++)
        best->possible = s->p->flows[f].from != (int)component;
}

static bool is_covered(const struct best *best, const struct search *s, double value, double down)
{
    for (size_t i = 0; i < best->count; i++)
        if (best->items[i].value <= value && (!s->loss_matters || best->items[i].down <= down))
            return true;
    return false;
}

static bool links_ample(struct search *s, size_t from, size_t to)
{
    size_t count = 0;
    evaluation_path(s->p->model, from, to, s->path, &count, s->path_max);
    for (size_t i = 0; i < count; i++) {
        const struct network_link *link = &s->p->network->links.items[s->path[i]];
        if (!link->bandwidth_mbps.set || s->load[s->path[i]] + s->flow_total >
                                             link->bandwidth_mbps.value - amount(link->used_mbps))
            return false;
    }
    return true;
}

static void best_add(struct best *best, struct search *s, size_t component,
                     const struct design_option *option, double value, double down)
{
    if (best->count == BEST_MAX || !s->ample[option->site] ||
        (option->accelerator >= 0 && !s->ample_cards[design_search_card(s, option)]))
        return;
    for (size_t f = 0; f < s->p->flow_count; f++) {
        const struct evaluation_flow *flow = &s->p->flows[f];
        if (flow->to != (int)component || flow->bandwidth_mbps <= 0)
            continue;
        size_t from = flow->from < 0 ? evaluation_user_node(s->p->model, option->site) : 0;
        double latency;
        if (flow->from >= 0)
            from = s->taken[flow->from]
                       .sites[design_search_nearest(s, (size_t)flow->from, option->site, &latency)];
        if (from != SIZE_MAX && !links_ample(s, from, option->site))
            return;
    }
    best->items[best->count].value = value;
    best->items[best->count++].down = down;
}

/* True when all were seated and can be there. */
static bool seat_instances(struct search *s, size_t level, size_t seated, size_t from, double value,
                           double cost, double down, const struct rest *rest)
{
    size_t component = s->order[level];
    const struct picks *list = design_search_list(s, component);
    size_t n = (size_t)s->p->components[component].instances;
    if (seated == n)
        return complete(s, level);
    struct best best;
    best_init(&best, s, component, seated);
    double again[SEARCH_GROUPS], served[SEARCH_KIDS]; /* of what is seated after this one */
    size_t more = n - seated - 1;
    bool shared = begin_sharing(s, component, seated, again, served);
    double least = rest->frontier.count ? rest->frontier.points[rest->frontier.count - 1].value : 0;
    const struct design_pinned *pins = s->p->components[component].pinned.items;
    size_t pinned = s->p->components[component].pinned.count;
    /* with several accelerator models on a site, or a pinned one, a later item may stand on a site
     * taken already */
    bool several = n > 1 && (s->p->components[component].cards > 0 || pinned > 0);
    bool ascends = seated >= pinned && s->task->weights.loss == 0; /* by first */
    if (seated > 0 && seated <= pinned &&
        (seated == pinned || pins[seated].site != pins[seated - 1].site))
        from = 0; /* the order of instances that are alike begins anew */
    for (size_t i = from; i < list->count; i++) {
        if (!work(s))
            return false;
        const struct pick *pick = &list->items[i];
        const struct design_option *option = design_search_option(s, component, pick->option);
        if (seated < pinned && option->site != pins[seated].site)
            continue;
        bool known = on_site_already(s, component, seated, option->site);
        double after =
            more == 0 ? 0
                      : (double)more * fmin(list->again, ascends ? pick->first : list->least_first);
        double own = value + (known ? pick->repeat : pick->first) + after;
        double top = ceiling(s);
        if (s->value + own + least >= top) {
            if (!known && i > from && !several && s->task->weights.loss == 0)
                break; /* the list ascends by first, and what is left stands on fresh sites */
            continue;
        }
        double own_cost = cost + option->cost;
        if (s->cost + own_cost + rest->cost > s->p->cost_max)
            continue;
        double own_down = known ? down : down * option->down, best_down = own_down, loss = 0;
        for (size_t k = 0; k < more && s->loss_matters; k++)
            best_down *= list->least_down;
        if (s->loss_matters)
            loss = -log1p(-best_down);
        double over_flows = s->value + over_limit(s) + s->loss_price * loss + rest->subtrees;
        if (n == 1 && over_flows + pick->first + s->tail[component][pick->option] >= top)
            continue;
        if (n > 1 && over_flows + own + s->tail_floor[component] >= top)
            continue;
        if (shared &&
            over_flows + own - after + least_sharing(s, component, pick->option, again, served) >=
                top)
            continue;
        double own_value = own - after;
        if (best.possible && is_covered(&best, s, own_value, own_down))
            continue;
        if (s->loss_matters && s->value + own + least_rest(s, rest, loss) >= top)
            continue;
        double before[3] = {s->used_vcpus[option->site], s->used_memory[option->site],
                            s->used_disk[option->site]};
        if (!seat(s, component, option))
            continue;
        s->taken[component].options[seated] = pick->option;
        bool settled = seat_instances(s, level, seated + 1, i, own_value, own_cost, own_down, rest);
        unseat(s, component, option, before);
        if (s->stop)
            return false;
        if (best.possible && settled)
            best_add(&best, s, component, option, own_value, own_down);
    }
    return false;
}

static void record(struct search *s)
{
    if (s->value >= ceiling(s) || s->cost > s->p->cost_max || s->loss > s->p->loss_max)
        return;
    s->best = s->value;
    for (size_t c = 0; c < s->p->count; c++)
        memcpy(s->best_options[c], s->taken[c].options,
               (size_t)s->p->components[c].instances * sizeof **s->best_options);
    if (s->task->first_only)
        s->stop = true;
}

/* False: nothing below is good enough, seen at once. */
static bool descend(struct search *s, size_t level)
{
    s->out->nodes++;
    if (level == s->p->count) {
        record(s);
        return true;
    }
    size_t component = s->order[level];
    struct rest rest = {.frontier = {.count = 1}};
    rest.frontier.points[0] = (struct design_point){0, 0};
    for (size_t c = 0; c < s->p->count; c++) {
        if (s->placed[c] || c == component)
            continue;
        const struct picks *list = design_search_list(s, c);
        rest.cost += s->cost_floor[c];
        if (s->loss_matters)
            design_frontier_join(&rest.frontier, list->frontier);
        else
            rest.frontier.points[0].value += list->alone;
        if (s->parent[c] < 0 || s->placed[s->parent[c]])
            rest.subtrees += list->subtree;
    }
    const struct picks *own = design_search_list(s, component);
    double bound = s->value + over_limit(s) + rest.subtrees + own->subtree;
    if (s->loss_matters) {
        struct design_frontier all = rest.frontier;
        design_frontier_join(&all, own->frontier);
        bound = fmax(bound, s->value + design_frontier_least(&all, s->p->loss_max - s->loss,
                                                             s->task->weights.loss));
    } else {
        bound = fmax(bound, s->value + rest.frontier.points[0].value + own->alone);
    }
    if (level == 0)
        s->out->bound = fmax(s->out->bound, bound);
    if (bound >= ceiling(s))
        return false;
    seat_instances(s, level, 0, 0, 0, 0, 1.0, &rest);
    return true;
}

/* ---- set-up ---- */
static void make_room(struct search *s)
{
    const struct design_problem *p = s->p;
    size_t sites = p->network->sites.count;
    s->order = arena_array(s->arena, p->count, sizeof *s->order);
    s->parent = arena_array(s->arena, p->count, sizeof *s->parent);
    s->parent_flow = arena_array(s->arena, p->count, sizeof *s->parent_flow);
    s->placed = arena_array(s->arena, p->count, sizeof *s->placed);
    s->taken = arena_array(s->arena, p->count, sizeof *s->taken);
    s->cost_floor = arena_array(s->arena, p->count, sizeof *s->cost_floor);
    s->failures = arena_array(s->arena, p->count, sizeof *s->failures);
    s->loss_floor = arena_array(s->arena, p->count, sizeof *s->loss_floor);
    s->best_options = s->out->chosen;
    s->used_vcpus = arena_array(s->arena, sites + 1, sizeof *s->used_vcpus);
    s->used_memory = arena_array(s->arena, sites + 1, sizeof *s->used_memory);
    s->used_disk = arena_array(s->arena, sites + 1, sizeof *s->used_disk);
    s->card_base = p->card_base;
    s->used_cards = arena_array(s->arena, (size_t)s->card_base[sites] + 1, sizeof *s->used_cards);
    s->load = arena_array(s->arena, p->network->links.count + 1, sizeof *s->load);
    s->path_max = sites + p->network->access.count;
    s->path = arena_array(s->arena, s->path_max + 1, sizeof *s->path);
    for (size_t c = 0; c < p->count; c++) {
        size_t n = (size_t)p->components[c].instances;
        s->taken[c].options = arena_array(s->arena, n, sizeof *s->taken[c].options);
        s->taken[c].sites = arena_array(s->arena, n, sizeof *s->taken[c].sites);
        double least = INFINITY;
        for (size_t i = 0; i < p->components[c].options.count; i++)
            least = fmin(least, p->components[c].options.items[i].cost);
        s->cost_floor[c] = (double)n * least;
    }
}

/* What others hold counts as used before the search begins. */
static void take_holds(struct search *s)
{
    size_t amounts = s->p->network->sites.count * DESIGN_AMOUNTS;
    size_t cards = s->card_base[s->p->network->sites.count];
    for (size_t i = 0; i < s->task->hold_count; i++) {
        const struct design_hold *hold = &s->task->holds[i];
        double *used[] = {[DESIGN_VCPUS] = s->used_vcpus,
                          [DESIGN_MEMORY] = s->used_memory,
                          [DESIGN_DISK] = s->used_disk};
        if (hold->resource < amounts)
            used[hold->resource % DESIGN_AMOUNTS][hold->resource / DESIGN_AMOUNTS] += hold->amount;
        else if (hold->resource < amounts + cards)
            s->used_cards[hold->resource - amounts] += (int64_t)ceil(hold->amount - 1e-9);
        else
            s->load[hold->resource - amounts - cards] += hold->amount;
    }
}

bool design_search_fits_beside(const struct search *s, size_t component,
                               const struct design_option *option)
{
    struct search copy = *s; /* seats are numbers behind pointers: taken, then put back */
    double before[3] = {s->used_vcpus[option->site], s->used_memory[option->site],
                        s->used_disk[option->site]};
    if (!seat(&copy, component, option))
        return false;
    unseat(&copy, component, option, before);
    for (size_t f = 0; f < s->p->flow_count; f++) {
        const struct evaluation_flow *flow = &s->p->flows[f];
        if (flow->from >= 0 || flow->to != (int)component || flow->bandwidth_mbps <= 0)
            continue;
        size_t from = evaluation_user_node(s->p->model, option->site);
        if (from == SIZE_MAX)
            continue;
        struct loads loads = {0};
        bool carried = load_path(&copy, from, option->site, flow->bandwidth_mbps, &loads);
        unload(&copy, &loads);
        if (!carried)
            return false;
    }
    return true;
}

static uint64_t option_count(const struct design_problem *problem)
{
    uint64_t count = 0;
    for (size_t c = 0; c < problem->count; c++)
        count += problem->components[c].options.count;
    return count;
}

/* One round: all that is below the reach.  What was left out is no less. */
static void look_within(struct search *s, double limit)
{
    struct arena *outer = s->arena, lists;
    arena_init(&lists, outer->max);
    s->arena = &lists;
    s->limit = fmin(limit, s->reach);
    if (design_search_lists_new(s))
        descend(s, 0);
    arena_done(&lists);
    s->arena = outer;
    s->limit = limit;
}

/* Looks for what is at most a little above the least possible, among the few options that can be
 * part of it; then a little farther, until something is found or nothing was left out.  A round
 * that ends without a solution proves its reach as a lower bound. */
static void widen_until_found(struct search *s, struct design_bounds *bounds)
{
    double limit = s->limit, proven = bounds->least;
    s->bounds = bounds;
    bool priced = !isfinite(s->p->loss_max); /* nothing to be priced */
    s->soft_step = option_count(s->p);       /* better bounds cost about as much as so many picks */
    s->soft_limit = s->out->work + s->soft_step;
    for (int round_ = 0; !s->stop && proven < limit && proven < s->best;) {
        int rounds = s->task->first_only ? 1 : ROUNDS; /* then anything will do */
        s->reach = round_ < rounds && proven > 0
                       ? bounds->least + proven * FIRST_REACH * (double)(1 << (2 * round_))
                       : INFINITY;
        s->reach = s->reach < proven * (1 + FIRST_REACH) ? proven * (1 + FIRST_REACH) : s->reach;
        /* a round begun again: half way to the best known, so that the bound follows */
        if (isfinite(s->best))
            s->reach = s->best - proven > NEAR_GAP * s->best ? (proven + s->best) / 2 : s->best;
        s->out->bound = proven;
        look_within(s, limit);
        proven = fmax(proven, fmin(s->out->bound, s->reach));
        if (s->soft_stop) { /* a hard one: again with better bounds, in a better order */
            s->stop = s->soft_stop = false;
            if (!priced)
                design_search_bounds_price(s, bounds);
            priced = true;
            proven = fmax(proven, bounds->least);
            s->soft_step *= 2;
            s->soft_limit = s->out->work + s->soft_step;
            design_search_reorder(s);
            continue;
        }
        if (!s->stop)
            proven = s->reach >= limit ? INFINITY : s->reach;
        round_++;
    }
    s->out->bound = fmin(proven, s->best);
}

void design_search(const struct design_task *task, struct design_result *out, struct arena *arena)
{
    struct arena own;
    arena_init(&own, 0);
    struct search s = {
        .task = task, .p = task->problem, .arena = &own, .out = out, .best = INFINITY};
    memset(out, 0, sizeof *out);
    out->chosen = arena_array(arena, task->problem->count, sizeof *out->chosen);
    for (size_t c = 0; c < task->problem->count; c++)
        out->chosen[c] = arena_array(arena, (size_t)task->problem->components[c].instances,
                                     sizeof **out->chosen);
    /* where cost alone is sought, the budget is a bound on the value itself */
    bool cost_alone =
        task->weights.latency == 0 && task->weights.green == 0 && task->weights.loss == 0;
    s.limit = cost_alone && isfinite(task->problem->cost_max)
                  ? nextafter(task->weights.cost * task->problem->cost_max, INFINITY)
                  : INFINITY;
    if (task->value_below > 0)
        s.limit = fmin(s.limit, task->value_below);
    s.loss_matters = isfinite(task->problem->loss_max) || task->weights.loss != 0;
    make_room(&s);
    take_holds(&s);
    design_search_order(&s);
    design_search_list_kids(&s);
    struct design_bounds bounds;
    if (task->should_stop && task->should_stop(task->stop_ctx))
        s.stop = out->stopped = true;
    else if (!task->problem->dead && design_search_bounds(&s, &bounds, &own))
        widen_until_found(&s, &bounds);
    bool found = isfinite(s.best);
    out->value = s.best;
    bool proven = !s.stop || (found && task->first_only);
    out->outcome = proven  ? (found ? DESIGN_OPTIMAL : DESIGN_NONE)
                   : found ? DESIGN_FOUND
                           : DESIGN_UNDECIDED;
    if (proven)
        out->bound = out->value;
    else
        out->bound = fmin(out->bound, out->value);
    arena_done(&own);
}
