/* problem.c - from requirement and network to options: for each component the sites that may take
 * an instance of it, each accelerator model apart, with what it costs there; and for the others,
 * why not.
 *
 * Contract: an option is dropped only when no solution can contain it.  O(components × sites) and
 * one latency tree, from the user. */
#include <stdlib.h>

#include "intelligent/design/design_priv.h"

#define OPTIONS_MAX \
    16 /* accelerator models of one site that suit one component; more are not looked at */
#define FIT_MAX (INT64_C(1) << 40)
#define AVAILABILITY_TOL (1e-9 - 1e-13) /* the contract's, less what logarithms round */
#define AMOUNT_TOL 1e-6
#define LATENCY_TOL 1e-6

enum { MARK_EXCLUDED = 1, MARK_PINNED = 2 };

struct builder {
    struct design_problem *problem;
    struct arena *arena;
    bool explain;
    uint8_t *marks;     /* by site, of the component at hand */
    bool only_pinned;   /* nowhere else: every instance of it is pinned */
    const char *reason; /* why the last site was left out */
    size_t *path;
    size_t path_max;
};

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0.0;
}

static void reject(struct builder *b, size_t c, size_t s, const struct evaluation_reason *reason)
{
    if (!b->explain)
        return;
    b->reason = reason->reason;
    struct design_component *component = &b->problem->components[c];
    struct solution_rejection *found = NULL;
    for (size_t i = 0; i < component->rejected.count && !found; i++)
        if (strcmp(component->rejected.items[i].reason, reason->reason) == 0)
            found = &component->rejected.items[i];
    if (!found) {
        found = LIST_ADD(b->arena, &component->rejected);
        found->component = b->problem->requirement->components.items[c].name;
        found->reason = reason->reason;
    }
    found->count++;
    const char *site = b->problem->network->sites.items[s].id;
    if (!found->site || (reason->margin.set &&
                         (!found->margin.set || reason->margin.value > found->margin.value))) {
        found->site = site;
        found->margin = reason->margin;
        found->required = reason->required;
        found->observed = reason->observed;
        found->unit = reason->unit;
    }
}

static void reject_number(struct builder *b, size_t c, size_t s, const char *code, double required,
                          double observed, const char *unit, double margin)
{
    if (!b->explain)
        return;
    struct evaluation_reason reason = {.reason = code, .unit = unit};
    if (isfinite(margin))
        reason.margin = (struct opt_double){true, margin};
    if (isfinite(required))
        reason.required = arena_printf(b->arena, "%.10g", required);
    if (!isnan(observed))
        reason.observed =
            isinf(observed) ? "unreachable" : arena_printf(b->arena, "%.10g", observed);
    reject(b, c, s, &reason);
}

static int64_t fits(double free, double need, int64_t most)
{
    if (need <= 0)
        return most;
    double times = floor((free + AMOUNT_TOL) / need + 1e-12);
    return times < 0 ? 0 : times < (double)most ? (int64_t)times : most;
}

static int64_t fit_of(const struct design_component *component, const struct site *site,
                      int accelerator)
{
    int64_t fit = FIT_MAX;
    fit = fits(amount(site->capacity.vcpus) - amount(site->allocated.vcpus), component->vcpus, fit);
    fit = fits(amount(site->capacity.memory_gib) - amount(site->allocated.memory_gib),
               component->memory_gib, fit);
    fit = fits(amount(site->capacity.disk_gib) - amount(site->allocated.disk_gib),
               component->disk_gib, fit);
    if (accelerator >= 0 && component->cards > 0) {
        const struct site_accelerator *item = &site->accelerators.items[accelerator];
        int64_t free = item->count - item->allocated;
        fit = free / component->cards < fit ? free / component->cards : fit;
    }
    return fit;
}

/* The flows from the user to the component, at that site: latency, what they cost, whether the
 * links carry them when nothing else runs. */
static bool take_user_flows(struct builder *b, size_t c, size_t s, struct design_option *option)
{
    struct design_problem *p = b->problem;
    double bandwidth = 0;
    size_t node = SIZE_MAX, links = 0;
    bool asked = false;
    for (size_t f = 0; f < p->flow_count; f++) {
        const struct evaluation_flow *flow = &p->flows[f];
        if (flow->from >= 0 || flow->to != (int)c)
            continue;
        if (!asked) {
            asked = true;
            node = evaluation_user_node(p->model, s);
        }
        if (node == SIZE_MAX) {
            if (!flow->max_latency_ms.set && flow->bandwidth_mbps <= 0)
                continue;
            reject_number(b, c, s, "unknown.access", NAN, NAN, NULL, NAN);
            return false;
        }
        double latency = evaluation_latency(p->model, node, s);
        double bound = flow->max_latency_ms.set ? flow->max_latency_ms.value : INFINITY;
        if (isinf(latency) || latency > bound + LATENCY_TOL) {
            reject_number(b, c, s, "latency", bound, latency, "ms", bound - latency);
            return false;
        }
        option->user_latency += latency;
        bandwidth += flow->bandwidth_mbps;
    }
    if (bandwidth <= 0)
        return true;
    struct opt_double price = p->network->sites.items[s].price.bandwidth_mbps_month;
    if (!price.set) {
        reject_number(b, c, s, "unknown.price.bandwidth_mbps_month", NAN, NAN, NULL, NAN);
        return false;
    }
    double path_price = evaluation_path(p->model, node, s, b->path, &links, b->path_max);
    for (size_t i = 0; i < links && i < b->path_max; i++) {
        const struct network_link *link = &p->network->links.items[b->path[i]];
        double free =
            link->bandwidth_mbps.set ? link->bandwidth_mbps.value - amount(link->used_mbps) : NAN;
        if (isnan(free) || bandwidth > free + AMOUNT_TOL) {
            reject_number(b, c, s, isnan(free) ? "unknown.bandwidth" : "bandwidth", bandwidth, free,
                          "Mbit/s", free - bandwidth);
            return false;
        }
    }
    option->site_cost += bandwidth * (price.value + path_price);
    return true;
}

static const char *unknown_price(const struct requirement_component *component,
                                 const struct site *site)
{
    if (site->flavors.count == 0) {
        if (amount(component->vcpus) != 0 && !site->price.vcpu_hour.set)
            return "unknown.price.vcpu_hour";
        if (amount(component->memory_gib) != 0 && !site->price.memory_gib_hour.set)
            return "unknown.price.memory_gib_hour";
    }
    if (amount(component->disk_gib) != 0 && !site->price.disk_gib_month.set)
        return "unknown.price.disk_gib_month";
    return "unknown.price.accelerator_hour";
}

static void consider(struct builder *b, size_t c, size_t s)
{
    struct design_problem *p = b->problem;
    struct design_component *component = &p->components[c];
    const struct site *site = &p->network->sites.items[s];
    struct evaluation_reason reason;
    if (!evaluation_eligible(p->model, c, s, b->explain ? &reason : NULL, NULL)) {
        if (b->explain)
            reject(b, c, s, &reason);
        return;
    }
    struct evaluation_option found[OPTIONS_MAX];
    size_t count = evaluation_options(p->model, c, s, found, OPTIONS_MAX);
    if (count == 0) {
        if (b->explain)
            reject_number(b, c, s, unknown_price(&p->requirement->components.items[c], site), NAN,
                          NAN, NULL, NAN);
        return;
    }
    struct design_option option = {.site = (uint32_t)s, .address_price = NAN};
    if (!take_user_flows(b, c, s, &option))
        return;
    if (b->marks[s] & MARK_EXCLUDED || (b->only_pinned && !(b->marks[s] & MARK_PINNED))) {
        reject_number(b, c, s, b->marks[s] & MARK_EXCLUDED ? "excluded" : "pin", NAN, NAN, NULL,
                      NAN);
        return;
    }
    if (c == 0 && p->addresses > 0) {
        if (site->price.public_ip_month.set)
            option.address_price = site->price.public_ip_month.value;
        if (component->instances == 1) {
            if (isnan(option.address_price)) {
                reject_number(b, c, s, "unknown.price.public_ip_month", NAN, NAN, NULL, NAN);
                return;
            }
            option.site_cost += p->addresses * option.address_price;
        }
    }
    option.green = component->vcpus == 0 ? 0
                   : site->pue.set && site->carbon_g_per_kwh.set
                       ? component->vcpus * site->pue.value * site->carbon_g_per_kwh.value
                       : NAN;
    option.down =
        site->availability_percent.set ? 1.0 - site->availability_percent.value / 100.0 : NAN;
    for (size_t i = 0; i < count && i < OPTIONS_MAX; i++) {
        option.accelerator = found[i].accelerator;
        option.cost = found[i].cost;
        option.fit = fit_of(component, site, found[i].accelerator);
        if (option.fit > 0)
            *LIST_ADD(b->arena, &component->options) = option;
    }
}

/* The texts of the nearest miss, which counting left out. */
static void word_rejections(struct builder *b, size_t c)
{
    struct design_component *component = &b->problem->components[c];
    for (size_t i = 0; i < component->rejected.count; i++) {
        struct solution_rejection *item = &component->rejected.items[i];
        if (item->observed)
            continue;
        for (size_t s = 0; s < b->problem->network->sites.count; s++) {
            struct evaluation_reason reason;
            if (!str_eq(b->problem->network->sites.items[s].id, item->site))
                continue;
            if (!evaluation_eligible(b->problem->model, c, s, &reason, b->arena) &&
                str_eq(reason.reason, item->reason)) {
                item->required = reason.required;
                item->observed = reason.observed;
                item->unit = reason.unit;
            }
            break;
        }
    }
}

/* ---- pins and exclusions ---- */
static int by_instance(const void *a, const void *b)
{
    const struct design_pinned *x = a, *y = b;
    return (x->instance > y->instance) - (x->instance < y->instance);
}

/* Marks the sites of the component's wishes and lists its pinned instances. */
static void mark(struct builder *b, size_t c, const struct design_wishes *wishes)
{
    struct design_component *component = &b->problem->components[c];
    int64_t n = component->instances;
    bool every = false;
    b->only_pinned = false;
    for (size_t i = 0; i < wishes->items.count; i++) {
        const struct design_wish *wish = &wishes->items.items[i];
        if (wish->dropped || wish->gone || wish->instance >= n ||
            (wish->component != c && wish->component != SIZE_MAX))
            continue;
        b->marks[wish->site] |= wish->exclude ? MARK_EXCLUDED : MARK_PINNED;
        every = every || (!wish->exclude && wish->instance < 0);
        if (!wish->exclude && wish->instance >= 0)
            *LIST_ADD(b->arena, &component->pinned) =
                (struct design_pinned){wish->instance, wish->site};
    }
    if (component->pinned.count > 1)
        qsort(component->pinned.items, component->pinned.count, sizeof *component->pinned.items,
              by_instance);
    bool same = true;
    for (size_t i = 1; i < component->pinned.count; i++)
        same = same && component->pinned.items[i].site == component->pinned.items[0].site;
    b->only_pinned = every || (int64_t)component->pinned.count == n;
    if (every || (b->only_pinned && same))
        component->pinned.count = 0;
}

static void unmark(struct builder *b, const struct design_wishes *wishes)
{
    for (size_t i = 0; i < wishes->items.count; i++)
        b->marks[wishes->items.items[i].site] = 0;
}

/* The sites, each into options or into the rejected. */
static void consider_sites(struct builder *b, size_t c, const struct design_wishes *wishes)
{
    struct design_component *component = &b->problem->components[c];
    const struct site *sites = b->problem->network->sites.items;
    mark(b, c, wishes);
    for (size_t s = 0; s < b->problem->network->sites.count; s++) {
        size_t before = component->options.count;
        consider(b, c, s);
        if (!(b->marks[s] & MARK_PINNED) || component->options.count > before)
            continue;
        b->problem->dead = true;
        struct evaluation_reason reason = {
            .reason = "pin", .required = sites[s].id, .observed = b->reason};
        reject(b, c, s, &reason);
        for (size_t i = 0; i < component->rejected.count;
             i++) /* rather than one that it shuts out */
            if (strcmp(component->rejected.items[i].reason, "pin") == 0) {
                component->rejected.items[i].site = sites[s].id;
                component->rejected.items[i].required = reason.required;
                component->rejected.items[i].observed = reason.observed;
            }
    }
    unmark(b, wishes);
}

enum err_code design_problem_new(struct evaluation_model *model, const struct design_wishes *wishes,
                                 bool explain, struct design_problem **out, struct arena *arena,
                                 struct err *err)
{
    static const struct design_wishes none;
    struct design_problem *p = arena_zalloc(arena, sizeof *p);
    struct builder b = {.problem = p, .arena = arena, .explain = explain};
    p->model = model;
    evaluation_model_subject(model, &p->requirement, &p->network);
    p->count = p->requirement->components.count;
    p->flow_count = evaluation_flows(model, &p->flows);
    if (p->count > DESIGN_MAX_COMPONENTS)
        return err_set(err, ERR_TOO_LARGE, "more than %d components are asked",
                       DESIGN_MAX_COMPONENTS);
    p->two_sites = p->requirement->reliability.mode != MODE_ABSENT;
    p->cost_max = evaluation_budget_limit(model);
    struct opt_double up = p->requirement->service_level.availability_percent;
    /* the contract's tolerance is on the availability itself */
    p->loss_max = !up.set ? INFINITY
                  : up.value / 100.0 - AVAILABILITY_TOL <= 0
                      ? INFINITY
                      : -log(up.value / 100.0 - AVAILABILITY_TOL);
    if (p->requirement->network.public_ips.set)
        p->addresses = (double)p->requirement->network.public_ips.value;
    b.path_max = p->network->sites.count + p->network->access.count;
    b.path = arena_array(arena, b.path_max + 1, sizeof *b.path);
    b.marks = arena_array(arena, p->network->sites.count + 1, sizeof *b.marks);
    p->card_base = arena_array(arena, p->network->sites.count + 1, sizeof *p->card_base);
    for (size_t i = 0; i < p->network->sites.count; i++)
        p->card_base[i + 1] =
            p->card_base[i] + (uint32_t)p->network->sites.items[i].accelerators.count;
    p->components = arena_array(arena, p->count, sizeof *p->components);
    int64_t total = 0;
    for (size_t c = 0; c < p->count; c++) {
        const struct requirement_component *item = &p->requirement->components.items[c];
        struct design_component *component = &p->components[c];
        component->instances = requirement_instances(p->requirement, item);
        component->vcpus = amount(item->vcpus);
        component->memory_gib = amount(item->memory_gib);
        component->disk_gib = amount(item->disk_gib);
        component->cards = item->accelerator ? item->accelerator->count : 0;
        if ((total += component->instances) > DESIGN_MAX_INSTANCES)
            return err_set(err, ERR_TOO_LARGE, "more than %d instances are asked",
                           DESIGN_MAX_INSTANCES);
    }
    for (size_t c = 0; c < p->count; c++) {
        consider_sites(&b, c, wishes ? wishes : &none);
        if (explain)
            word_rejections(&b, c);
    }
    *out = p;
    return arena_check(arena, err);
}
