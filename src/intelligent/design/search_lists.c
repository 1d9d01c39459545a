/* search_lists.c - the lists of options that the search goes through, and the bounds read from
 * them.
 *
 * Version 0 of a component's list holds its options after arc consistency over flows; each time a
 * component that sends flows to it is placed, the next version keeps what lies within the flows'
 * bounds and adds what their paths cost.  Of each version are kept: the least value of its
 * instances (alone), the same with the components that hang below it by flows (subtree), and, when
 * availability matters, the frontier of value against loss.
 *
 * Contract: every number is a lower bound on the value of any solution that goes on from here. */
#include <stdlib.h>

#include "intelligent/design/search_priv.h"

/* Pairs of options looked at for one flow when the lists are made; beyond it the flow narrows lists
 * only once its sender is placed, and the components below are bounded by their own least value. */
#define PAIRS_MAX UINT64_C(1000000)
/* Instances up to which the frontier of one component is built exactly by availability class. */
#define CLASS_INSTANCES_MAX 6
#define CLASSES_MAX 24
#define STATES_MAX 64

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0.0;
}

static bool weighs(double weight)
{
    return weight != 0;
}

/* ---- the frontier of one list ---- */
struct state {
    double value, down;
};

struct class
{
    double down;
    size_t count;
    double first[CLASS_INSTANCES_MAX];
};

static size_t gather_classes(const struct search *s, size_t component, const struct picks *list,
                             size_t most, struct class *classes)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        double down = design_search_option(s, component, list->items[i].option)->down;
        if (isnan(down))
            down = 0; /* only where loss does not matter */
        size_t k = 0;
        while (k < count && classes[k].down != down)
            k++;
        if (k == count) {
            if (count == CLASSES_MAX) { /* share the last class, at the better availability */
                k = count - 1;
                classes[k].down = fmin(classes[k].down, down);
            } else {
                classes[count++] = (struct class){.down = down};
            }
        }
        struct class *class = &classes[k];
        double first = list->items[i].first;
        size_t at = class->count;
        if (at == most) {
            if (first >= class->first[most - 1])
                continue;
            at = most - 1;
        } else {
            class->count++;
        }
        for (; at > 0 && class->first[at - 1] > first; at--)
            class->first[at] = class->first[at - 1];
        class->first[at] = first;
    }
    return count;
}

/* Keeps a state unless one is as good in both; the list stays short because few availabilities
 * differ. */
static size_t state_add(struct state *states, size_t count, struct state state)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (states[i].value <= state.value && states[i].down <= state.down)
            return count;
    }
    for (size_t i = 0; i < count; i++)
        if (!(state.value <= states[i].value && state.down <= states[i].down))
            states[kept++] = states[i];
    if (kept == STATES_MAX) { /* merge with the last, as good as both */
        states[kept - 1].value = fmin(states[kept - 1].value, state.value);
        states[kept - 1].down = fmin(states[kept - 1].down, state.down);
        return kept;
    }
    states[kept++] = state;
    return kept;
}

static void frontier_of(const struct search *s, size_t component, struct picks *list)
{
    size_t n = (size_t)s->p->components[component].instances;
    size_t least_sites = s->p->two_sites ? 2 : 1;
    struct design_frontier *frontier = list->frontier;
    frontier->count = 0;
    if (n > CLASS_INSTANCES_MAX) {
        double down = pow(list->least_down, (double)n);
        design_frontier_add(frontier, (struct design_point){-log1p(-down), list->alone});
        return;
    }
    struct class classes[CLASSES_MAX];
    size_t class_count = gather_classes(s, component, list, n, classes);
    struct state states[CLASS_INSTANCES_MAX + 1][STATES_MAX];
    size_t counts[CLASS_INSTANCES_MAX + 1] = {1};
    states[0][0] = (struct state){0, 1};
    for (size_t k = 0; k < class_count; k++)
        for (size_t j = n + 1; j-- > 0;) /* from the fullest, so that a class is used once */
            for (size_t i = 0; i < counts[j]; i++) {
                struct state state = states[j][i];
                for (size_t t = 0; t < classes[k].count && j + t + 1 <= n; t++) {
                    state.value += classes[k].first[t];
                    state.down *= classes[k].down;
                    counts[j + t + 1] = state_add(states[j + t + 1], counts[j + t + 1], state);
                }
            }
    for (size_t j = least_sites; j <= n; j++)
        for (size_t i = 0; i < counts[j]; i++) {
            double more = j == n ? 0 : (double)(n - j) * list->again;
            if (more < INFINITY)
                design_frontier_add(frontier, (struct design_point){-log1p(-states[j][i].down),
                                                                    states[j][i].value + more});
        }
}

/* ---- bounds of one list ---- */
static void bound_alone(const struct search *s, size_t component, struct picks *list)
{
    size_t n = (size_t)s->p->components[component].instances;
    double repeat = INFINITY, pair = INFINITY;
    list->least_down = 1.0;
    double first[2] = {INFINITY, INFINITY};
    for (size_t i = 0; i < list->count; i++) {
        const struct pick *pick = &list->items[i];
        if (n > 1 && design_search_repeats(s, component, pick->option)) {
            repeat = fmin(repeat, pick->repeat);
            pair = fmin(pair, pick->first + pick->repeat);
        }
        list->least_down =
            fmin(list->least_down, design_search_option(s, component, pick->option)->down);
        if (pick->first < first[0]) {
            first[1] = first[0];
            first[0] = pick->first;
        } else if (pick->first < first[1]) {
            first[1] = pick->first;
        }
    }
    /* a further instance repeats where there is room, or takes a fresh site like the first */
    list->least_first = first[0];
    list->again = repeat;
    double more = fmin(repeat, first[0]);
    list->alone = n == 1            ? first[0]
                  : s->p->two_sites ? first[0] + first[1] + (n > 2 ? (double)(n - 2) * more : 0)
                  : n == 2          ? fmin(pair, first[0] + first[1])
                                    : first[0] + (double)(n - 1) * more;
    if (s->loss_matters)
        frontier_of(s, component, list);
}

double design_search_share_out(const double group[SEARCH_GROUPS], double again, size_t instances,
                               unsigned set)
{
    if (set == 0)
        return instances > 0 ? (double)instances * again : 0;
    if (instances == 0)
        return INFINITY;
    unsigned lowest = set & -set, others = set & ~lowest;
    double least = INFINITY;
    for (unsigned sub = others;; sub = (sub - 1) & others) { /* who shares with the lowest */
        double rest = design_search_share_out(group, again, instances - 1, others & ~sub);
        least = fmin(least, group[lowest | sub] + rest);
        if (sub == 0)
            return least;
    }
}

/* What kids of a set add when an instance on that option serves them. */
static double served_by(const struct search *s, size_t component, unsigned set, uint32_t option)
{
    double sum = 0;
    for (size_t k = 0; k < s->kids[component].count; k++)
        if (set >> k & 1)
            sum += s->served[s->kids[component].items[k]][option];
    return sum;
}

static void bound_subtree(const struct search *s, size_t component, struct picks *list)
{
    size_t n = (size_t)s->p->components[component].instances;
    const double *tail = s->tail[component];
    unsigned sets = 1U << s->kids[component].count;
    double least = INFINITY;
    if (n == 1) {
        for (size_t i = 0; i < list->count; i++)
            least = fmin(least, list->items[i].first + list->items[i].loss_price +
                                    tail[list->items[i].option]);
        list->subtree = least;
        return;
    }
    list->subtree = list->alone + s->tail_floor[component] + s->loss_floor[component];
    if (sets == 1)
        return;
    for (unsigned set = 0; set < sets; set++) {
        list->group[set] = INFINITY;
        for (size_t i = 0; i < list->count; i++) {
            const struct pick *pick = &list->items[i];
            list->group[set] =
                fmin(list->group[set], pick->first + served_by(s, component, set, pick->option));
        }
    }
    least =
        design_search_share_out(list->group, fmin(list->again, list->least_first), n, sets - 1) +
        s->loss_floor[component];
    list->subtree = fmax(list->subtree, least);
}

static int by_key(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->option < y->option ? -1 : x->option > y->option;
}

/* By value; where loss is part of the value, by that of the option alone, so that the most reliable
 * come first. */
static void sort_list(const struct search *s, size_t component, struct picks *list)
{
    double weight = s->task->weights.loss;
    for (size_t i = 0; i < list->count; i++) {
        struct pick *pick = &list->items[i];
        pick->key = pick->first;
        if (weighs(weight))
            pick->key -= weight * log1p(-design_search_option(s, component, pick->option)->down);
    }
    qsort(list->items, list->count, sizeof *list->items, by_key);
}

static void finish_list(const struct search *s, size_t component, struct picks *list)
{
    sort_list(s, component, list);
    bound_alone(s, component, list);
    bound_subtree(s, component, list);
}

/* Room for all instances, were the sites empty. */
static bool has_room(const struct search *s, size_t component, const struct picks *list)
{
    int64_t need = s->p->components[component].instances;
    size_t sites = 0;
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < list->count; i++) {
        const struct design_option *option =
            design_search_option(s, component, list->items[i].option);
        need -= option->fit < need ? option->fit : need;
        sites += option->site != last;
        last = option->site;
        if (need <= 0 && (!s->p->two_sites || sites >= 2))
            return true;
    }
    return false;
}

/* ---- version 0 ---- */
/* May be part of a solution that is still looked for; bounds are sums in another order. */
static bool within_reach(const struct search *s, size_t component, size_t option)
{
    double marginal = s->bounds->marginal[component][option];
    return marginal < INFINITY &&
           (s->reach == INFINITY || marginal < s->reach + 1e-9 * fmax(1.0, fabs(s->reach)));
}

static size_t count_within_reach(const struct search *s, size_t component)
{
    size_t count = 0;
    for (size_t i = 0; i < s->p->components[component].options.count; i++)
        count += within_reach(s, component, i);
    return count;
}

static void first_version(struct search *s, size_t component)
{
    const struct design_component *item = &s->p->components[component];
    const struct design_weights *w = &s->task->weights;
    struct picks *list = &s->versions[component][0];
    double share = w->latency / (double)item->instances; /* a largest is at least the mean */
    for (size_t i = 0; i < item->options.count; i++) {
        const struct design_option *option = &item->options.items[i];
        if (!within_reach(s, component, i))
            continue;
        struct pick *pick = &list->items[list->count++];
        pick->option = (uint32_t)i;
        pick->repeat = w->cost * option->cost + share * option->user_latency +
                       (weighs(w->green) ? w->green * option->green : 0);
        pick->first = pick->repeat + w->cost * option->site_cost;
        pick->in_cost = pick->in_latency = 0;
        pick->loss_price =
            item->instances == 1 && s->loss_price > 0 ? -s->loss_price * log1p(-option->down) : 0;
    }
}

static void keep_marked(struct picks *list, const bool *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (keep[i])
            list->items[kept++] = list->items[i];
    list->count = kept;
}

/* Receivers in ascending order of what they add, so that the first one near enough is the least. */
struct rank {
    double value;
    uint32_t site;
};
struct ranks {
    struct rank *by_subtree, *by_first, *by_repeat;
    struct rank *by_group[SEARCH_GROUPS]; /* of a receiver with kids */
};

static int by_rank(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static void ranks_init(struct ranks *ranks, const struct search *s, size_t to,
                       const struct picks *receivers)
{
    size_t count = receivers->count;
    *ranks = (struct ranks){0};
    ranks->by_subtree = mem_array(count + 1, sizeof *ranks->by_subtree);
    ranks->by_first = mem_array(count + 1, sizeof *ranks->by_first);
    ranks->by_repeat = mem_array(count + 1, sizeof *ranks->by_repeat);
    for (size_t k = 0; k < count; k++) {
        const struct pick *pick = &receivers->items[k];
        uint32_t site = design_search_option(s, to, pick->option)->site;
        ranks->by_subtree[k] =
            (struct rank){pick->first + pick->loss_price + s->tail[to][pick->option], site};
        ranks->by_first[k] = (struct rank){pick->first, site};
        bool repeats = design_search_repeats(s, to, pick->option);
        ranks->by_repeat[k] = (struct rank){repeats ? pick->repeat : pick->first, site};
    }
    for (unsigned set = 1; set < 1U << s->kids[to].count; set++) {
        ranks->by_group[set] = mem_array(count + 1, sizeof **ranks->by_group);
        for (size_t k = 0; k < count; k++) {
            const struct pick *pick = &receivers->items[k];
            double value = pick->first + served_by(s, to, set, pick->option);
            ranks->by_group[set][k] =
                (struct rank){value, design_search_option(s, to, pick->option)->site};
        }
        qsort(ranks->by_group[set], count, sizeof **ranks->by_group, by_rank);
    }
    qsort(ranks->by_subtree, count, sizeof *ranks->by_subtree, by_rank);
    qsort(ranks->by_first, count, sizeof *ranks->by_first, by_rank);
    qsort(ranks->by_repeat, count, sizeof *ranks->by_repeat, by_rank);
}

static void ranks_done(struct ranks *ranks)
{
    mem_free(ranks->by_subtree);
    mem_free(ranks->by_first);
    mem_free(ranks->by_repeat);
    for (unsigned set = 1; set < SEARCH_GROUPS; set++)
        mem_free(ranks->by_group[set]);
}

struct reach { /* what a flow asks and adds */
    double bound;
    double latency_share; /* value per ms of one instance */
    double price_share;   /* value per unit of path price of a new site */
};

/* The least value within reach of a site, its latency and path included; INFINITY if none. */
static double least_within(const struct search *s, uint32_t site, struct reach reach,
                           const struct rank *ranks, size_t count)
{
    double least = INFINITY;
    for (size_t k = 0; k < count && ranks[k].value < least; k++) {
        double latency = evaluation_latency(s->p->model, site, ranks[k].site);
        if (latency > reach.bound || isinf(latency))
            continue;
        double value = ranks[k].value + reach.latency_share * latency;
        if (reach.price_share > 0 && value < least)
            value += reach.price_share *
                     evaluation_path(s->p->model, site, ranks[k].site, NULL, NULL, 0);
        least = fmin(least, value);
    }
    return least;
}

/* The receiver's instances and kids when all are served from one site. */
static double least_shared_out(const struct search *s, size_t to, uint32_t site, struct reach reach,
                               const struct ranks *ranks, size_t count, double again)
{
    double group[SEARCH_GROUPS] = {0};
    unsigned sets = 1U << s->kids[to].count;
    for (unsigned set = 1; set < sets; set++)
        group[set] = least_within(s, site, reach, ranks->by_group[set], count);
    return design_search_share_out(group, again, (size_t)s->p->components[to].instances, sets - 1) +
           s->loss_floor[to];
}

/* What hangs below one option of `from` by the flow to `to`: the least value of the instances of
 * `to` that lie within the bound.  Drops options of a single-instance sender with none. */
static bool add_tails(struct search *s, size_t flow_index)
{
    const struct evaluation_flow *flow = &s->p->flows[flow_index];
    size_t from = (size_t)flow->from, to = (size_t)flow->to;
    struct picks *senders = &s->versions[from][0], *receivers = &s->versions[to][0];
    bool below = s->parent_flow[to] == (int)flow_index; /* its value hangs here, and nowhere else */
    double n = (double)s->p->components[to].instances;
    struct reach reach = {
        flow->max_latency_ms.set ? flow->max_latency_ms.value + SEARCH_LATENCY_TOL : INFINITY,
        s->task->weights.latency / n, s->task->weights.cost * flow->bandwidth_mbps};
    bool adds = below && (reach.latency_share > 0 || reach.price_share > 0);
    double *tail = s->tail[from];
    if ((!flow->max_latency_ms.set && !adds) ||
        (uint64_t)senders->count * receivers->count > PAIRS_MAX) {
        double floor = INFINITY;
        for (size_t i = 0; below && i < senders->count; i++) {
            uint32_t option = senders->items[i].option;
            double least = fmax(receivers->subtree, s->bounds->message[to][option]);
            tail[option] += least;
            if (below)
                s->served[to][option] = least;
            floor = fmin(floor, least);
        }
        s->tail_floor[from] += below ? floor : 0;
        s->below[from] += below;
        return true;
    }
    double floor = INFINITY;
    bool all_apart = s->p->two_sites && n == 2;
    bool *keep = mem_array(senders->count + 1, sizeof *keep);
    struct ranks ranks;
    ranks_init(&ranks, s, to, receivers);
    for (size_t i = 0; i < senders->count; i++) {
        uint32_t site = design_search_option(s, from, senders->items[i].option)->site;
        struct reach again = reach; /* a further instance on a site pays no path */
        again.price_share = 0;
        double least_sub = least_within(s, site, reach, ranks.by_subtree, receivers->count);
        double least_first =
            n == 1 ? least_sub : least_within(s, site, reach, ranks.by_first, receivers->count);
        double least_repeat =
            n == 1 ? 0 : least_within(s, site, again, ranks.by_repeat, receivers->count);
        double more = all_apart ? least_first : least_repeat;
        keep[i] = isfinite(least_first);
        double least = !keep[i] ? INFINITY
                       : n == 1
                           ? least_sub
                           : least_first + (n - 1) * more + s->tail_floor[to] + s->loss_floor[to];
        if (keep[i] && n > 1 && s->kids[to].count > 0 && s->p->components[from].instances == 1)
            least =
                fmax(least, least_shared_out(s, to, site, reach, &ranks, receivers->count, more));
        if (below) {
            tail[senders->items[i].option] += least;
            s->served[to][senders->items[i].option] = least;
        }
        floor = fmin(floor, least);
    }
    s->tail_floor[from] += below ? floor : 0;
    s->below[from] += below;
    if (s->p->components[from].instances == 1)
        keep_marked(senders, keep);
    ranks_done(&ranks);
    mem_free(keep);
    return senders->count > 0;
}

/* Receivers that no sender's option can reach. */
static bool drop_unreached(struct search *s, size_t flow_index)
{
    const struct evaluation_flow *flow = &s->p->flows[flow_index];
    size_t from = (size_t)flow->from, to = (size_t)flow->to;
    struct picks *senders = &s->versions[from][0], *receivers = &s->versions[to][0];
    if (!flow->max_latency_ms.set || (uint64_t)senders->count * receivers->count > PAIRS_MAX)
        return true;
    bool *keep = mem_array(receivers->count + 1, sizeof *keep);
    for (size_t k = 0; k < receivers->count; k++) {
        uint32_t site = design_search_option(s, to, receivers->items[k].option)->site;
        for (size_t i = 0; i < senders->count && !keep[k]; i++)
            keep[k] =
                evaluation_latency(s->p->model,
                                   design_search_option(s, from, senders->items[i].option)->site,
                                   site) <= flow->max_latency_ms.value + SEARCH_LATENCY_TOL;
    }
    keep_marked(receivers, keep);
    mem_free(keep);
    return receivers->count > 0;
}

/* Versions of a list: one more for each component that sends it a flow. */
static size_t senders_of(const struct search *s, size_t component)
{
    size_t count = 0;
    for (size_t c = 0; c < s->p->count; c++) {
        bool sends = false;
        for (size_t f = 0; f < s->p->flow_count; f++)
            sends = sends || (s->p->flows[f].from == (int)c && s->p->flows[f].to == (int)component);
        count += sends && c != component;
    }
    return count;
}

/* Sites and accelerators that can never be short, whatever this need puts there. */
static void mark_ample(struct search *s)
{
    const struct design_problem *p = s->p;
    const struct site *sites = p->network->sites.items;
    struct demand {
        double amounts[DESIGN_AMOUNTS];
        size_t last; /* component counted + 1 */
    } *demands = mem_array(p->network->sites.count + 1, sizeof *demands);
    size_t cards = p->card_base[p->network->sites.count];
    int64_t *asked = mem_array(cards + 1, sizeof *asked);
    s->ample = arena_array(s->arena, p->network->sites.count + 1, sizeof *s->ample);
    s->ample_cards = arena_array(s->arena, cards + 1, sizeof *s->ample_cards);
    for (size_t c = 0; c < p->count; c++) {
        const struct design_component *item = &p->components[c];
        double n = (double)item->instances;
        for (size_t i = 0; i < s->versions[c][0].count; i++) {
            const struct design_option *option =
                design_search_option(s, c, s->versions[c][0].items[i].option);
            struct demand *demand = &demands[option->site];
            if (option->accelerator >= 0)
                asked[design_search_card(s, option)] += item->instances * item->cards;
            if (demand->last == c + 1)
                continue;
            demand->last = c + 1;
            demand->amounts[DESIGN_VCPUS] += n * item->vcpus;
            demand->amounts[DESIGN_MEMORY] += n * item->memory_gib;
            demand->amounts[DESIGN_DISK] += n * item->disk_gib;
        }
    }
    for (size_t i = 0; i < p->network->sites.count; i++) {
        const struct site_amount *all = &sites[i].capacity, *used = &sites[i].allocated;
        const double *amounts = demands[i].amounts;
        if (demands[i].last == 0)
            continue;
        s->ample[i] = s->used_vcpus[i] + amounts[DESIGN_VCPUS] <=
                          amount(all->vcpus) - amount(used->vcpus) + SEARCH_AMOUNT_TOL &&
                      s->used_memory[i] + amounts[DESIGN_MEMORY] <=
                          amount(all->memory_gib) - amount(used->memory_gib) + SEARCH_AMOUNT_TOL &&
                      s->used_disk[i] + amounts[DESIGN_DISK] <=
                          amount(all->disk_gib) - amount(used->disk_gib) + SEARCH_AMOUNT_TOL;
        for (size_t k = 0; k < sites[i].accelerators.count; k++) {
            const struct site_accelerator *offered = &sites[i].accelerators.items[k];
            size_t card = p->card_base[i] + k;
            s->ample_cards[card] =
                s->used_cards[card] + asked[card] <= offered->count - offered->allocated;
        }
    }
    mem_free(demands);
    mem_free(asked);
    s->flow_total = 0;
    for (size_t f = 0; f < p->flow_count; f++)
        s->flow_total +=
            p->flows[f].bandwidth_mbps * (double)p->components[p->flows[f].to].instances;
}

bool design_search_lists_new(struct search *s)
{
    const struct design_problem *p = s->p;
    s->versions = arena_array(s->arena, p->count, sizeof *s->versions);
    s->version = arena_array(s->arena, p->count, sizeof *s->version);
    s->tail = arena_array(s->arena, p->count, sizeof *s->tail);
    s->tail_floor = arena_array(s->arena, p->count, sizeof *s->tail_floor);
    s->below = arena_array(s->arena, p->count, sizeof *s->below);
    s->served = arena_array(s->arena, p->count, sizeof *s->served);
    for (size_t c = 0; c < p->count; c++)
        if (s->parent[c] >= 0)
            s->served[c] = arena_array(s->arena, p->components[s->parent[c]].options.count + 1,
                                       sizeof **s->served);
    for (size_t c = 0; c < p->count; c++) {
        size_t count = senders_of(s, c) + 1, options = p->components[c].options.count;
        size_t kept = count_within_reach(s, c);
        s->versions[c] = arena_array(s->arena, count, sizeof **s->versions);
        s->tail[c] = arena_array(s->arena, options + 1, sizeof **s->tail);
        for (size_t v = 0; v < count; v++) {
            s->versions[c][v].items = arena_array(s->arena, kept + 1, sizeof(struct pick));
            if (s->loss_matters)
                s->versions[c][v].frontier =
                    arena_zalloc(s->arena, sizeof *s->versions[c][v].frontier);
        }
        first_version(s, c);
        if (!has_room(s, c, &s->versions[c][0]))
            return false;
    }
    /* from the last placed to the first, so that a tail holds what hangs below it already */
    for (size_t i = p->count; i-- > 0;) {
        size_t c = s->order[i];
        for (size_t f = 0; f < p->flow_count; f++)
            if (p->flows[f].from == (int)c && p->flows[f].to != (int)c && !add_tails(s, f))
                return false;
        finish_list(s, c, &s->versions[c][0]);
    }
    for (size_t i = 0; i < p->count; i++)
        for (size_t f = 0; f < p->flow_count; f++)
            if (p->flows[f].from == (int)s->order[i] && p->flows[f].to != p->flows[f].from &&
                !drop_unreached(s, f))
                return false;
    for (size_t c = 0; c < p->count; c++) {
        if (!has_room(s, c, &s->versions[c][0]))
            return false;
        finish_list(s, c, &s->versions[c][0]);
    }
    mark_ample(s);
    return true;
}

/* ---- later versions ---- */
size_t design_nearest(const struct design_problem *problem, const uint32_t *sites, size_t count,
                      uint32_t site, double *ret_latency)
{
    const struct site *items = problem->network->sites.items;
    size_t best = 0;
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double latency = evaluation_latency(problem->model, sites[i], site);
        if (i == 0 || latency < least ||
            (latency == least && strcmp(items[sites[i]].id, items[sites[best]].id) < 0)) {
            best = i;
            least = latency;
        }
    }
    *ret_latency = least;
    return best;
}

size_t design_search_nearest(const struct search *s, size_t from, uint32_t site,
                             double *ret_latency)
{
    return design_nearest(s->p, s->taken[from].sites, s->taken[from].site_count, site, ret_latency);
}

static bool narrow_pick(struct search *s, size_t from, size_t to, struct pick *pick,
                        bool *ret_moved)
{
    const struct design_weights *w = &s->task->weights;
    uint32_t site = design_search_option(s, to, pick->option)->site;
    double latency;
    size_t nearest = design_search_nearest(s, from, site, &latency);
    if (isinf(latency))
        return false;
    double cost = 0, in_latency = 0;
    for (size_t f = 0; f < s->p->flow_count; f++) {
        const struct evaluation_flow *flow = &s->p->flows[f];
        if (flow->from != (int)from || flow->to != (int)to)
            continue;
        if (flow->max_latency_ms.set && latency > flow->max_latency_ms.value + SEARCH_LATENCY_TOL)
            return false;
        in_latency += latency;
        if (flow->bandwidth_mbps > 0)
            cost +=
                flow->bandwidth_mbps *
                evaluation_path(s->p->model, s->taken[from].sites[nearest], site, NULL, NULL, 0);
    }
    double share = w->latency * in_latency / (double)s->p->components[to].instances;
    pick->in_cost += cost;
    pick->in_latency += in_latency;
    pick->repeat += share;
    pick->first += share + w->cost * cost;
    *ret_moved = *ret_moved || share != 0 || w->cost * cost != 0;
    return true;
}

bool design_search_lists_narrow(struct search *s, size_t from, size_t to)
{
    const struct picks *old = design_search_list(s, to);
    struct picks *list = &s->versions[to][s->version[to] + 1];
    bool moved = false;
    list->count = 0;
    for (size_t i = 0; i < old->count; i++) {
        struct pick pick = old->items[i];
        if (narrow_pick(s, from, to, &pick, &moved))
            list->items[list->count++] = pick;
    }
    if (list->count == 0 || !has_room(s, to, list))
        return false;
    s->out->work += old->count;
    if (moved)
        sort_list(s, to, list);
    bound_alone(s, to, list);
    bound_subtree(s, to, list);
    s->version[to]++;
    return true;
}
