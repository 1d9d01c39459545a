/* naive.c - the contract read word by word, slowly: the oracle of the design engine. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "property_design.h"

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0;
}

int naive_instances(const struct requirement *requirement, size_t component)
{
    int64_t n = 1;
    const struct requirement_component *item = &requirement->components.items[component];
    if (item->instances.set && item->instances.value > n)
        n = item->instances.value;
    if (requirement->reliability.replicas.set && requirement->reliability.replicas.value > n)
        n = requirement->reliability.replicas.value;
    if (requirement->reliability.mode && n < 2)
        n = 2;
    return (int)n;
}

/* ---- paths: every simple path, the best kept ---- */
static int node_of(const struct network *network, const char *id)
{
    for (size_t i = 0; i < network->sites.count; i++)
        if (str_eq(network->sites.items[i].id, id))
            return (int)i;
    for (size_t i = 0; i < network->access.count; i++)
        if (str_eq(network->access.items[i].id, id))
            return (int)(network->sites.count + i);
    return -1;
}

static bool shorter(const struct naive_path *a, const struct naive_path *b)
{
    if (!b->reached)
        return true;
    if (fabs(a->latency - b->latency) > 1e-9)
        return a->latency < b->latency;
    if (fabs(a->price - b->price) > 1e-9)
        return a->price < b->price;
    return a->count < b->count;
}

static void explore(struct naive *naive, int root, int at, bool *seen, struct naive_path *path)
{
    if (shorter(path, &naive->paths[root][at]))
        naive->paths[root][at] = *path;
    seen[at] = true;
    for (size_t i = 0; i < naive->network->links.count; i++) {
        const struct network_link *link = &naive->network->links.items[i];
        int a = node_of(naive->network, link->a), b = node_of(naive->network, link->b);
        int to = a == at ? b : b == at ? a : -1;
        if (to < 0 || seen[to])
            continue;
        struct naive_path longer = *path;
        longer.latency += link->latency_ms.value;
        longer.price += amount(link->price_mbps_month);
        longer.links[longer.count++] = (int)i;
        explore(naive, root, to, seen, &longer);
    }
    seen[at] = false;
}

void naive_init(struct naive *naive, const struct need *need)
{
    memset(naive, 0, sizeof *naive);
    naive->requirement = &need->requirement;
    naive->network = &need->network;
    naive->wishes = need->wishes;
    naive->wish_count = need->wish_count;
    int nodes = (int)(need->network.sites.count + need->network.access.count);
    for (int root = 0; root < nodes; root++) {
        bool seen[NAIVE_NODES] = {false};
        struct naive_path start = {.reached = true};
        explore(naive, root, root, seen, &start);
    }
}

/* ---- flows by the contract ---- */
struct naive_flow {
    int from, to; /* -1 user */
    double bound, bandwidth;
};

static int component_of(const struct requirement *requirement, const char *name)
{
    for (size_t i = 0; i < requirement->components.count; i++)
        if (str_eq(requirement->components.items[i].name, name))
            return (int)i;
    return -1;
}

static int effective(const struct requirement *r, struct naive_flow *out)
{
    int count = 0, from_user = 0;
    double whole = r->network.max_latency_ms.set ? r->network.max_latency_ms.value : INFINITY;
    for (size_t i = 0; i < r->flows.count; i++) {
        const struct requirement_flow *flow = &r->flows.items[i];
        struct naive_flow *item = &out[count++];
        item->from = str_eq(flow->from, "user") ? -1 : component_of(r, flow->from);
        item->to = component_of(r, flow->to);
        item->bound = flow->max_latency_ms.set ? flow->max_latency_ms.value : INFINITY;
        item->bandwidth = amount(flow->bandwidth_mbps);
        if (item->from >= 0)
            continue;
        from_user++;
        if (!flow->max_latency_ms.set)
            item->bound = whole;
        if (!flow->bandwidth_mbps.set)
            item->bandwidth = amount(r->network.bandwidth_mbps);
    }
    if (from_user || (!r->network.max_latency_ms.set && !r->network.bandwidth_mbps.set))
        return count;
    bool edge = false, placeless = false;
    for (size_t c = 0; c < r->components.count; c++) {
        int tier = r->components.items[c].tier;
        edge = edge || tier == TIER_EDGE || tier == TIER_DEVICE;
        placeless = placeless || !r->components.items[c].location;
    }
    for (size_t c = 0; c < r->components.count; c++) {
        int tier = r->components.items[c].tier;
        bool in = edge        ? tier == TIER_EDGE || tier == TIER_DEVICE
                  : placeless ? !r->components.items[c].location
                              : true;
        if (in)
            out[count++] =
                (struct naive_flow){-1, (int)c, whole, amount(r->network.bandwidth_mbps)};
    }
    return count;
}

/* ---- one site's accelerators: every assignment of models ---- */
static void assign(const struct site *site, const struct requirement_accelerator *const *asked,
                   int count, int at, int64_t *used, double cost, double *best)
{
    if (at == count) {
        *best = fmin(*best, cost);
        return;
    }
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *own = &site->accelerators.items[i];
        if (own->kind != asked[at]->kind ||
            (asked[at]->model && !str_eq(asked[at]->model, own->model)) ||
            used[i] + asked[at]->count > own->count - own->allocated)
            continue;
        for (size_t k = 0; k < site->price.accelerator_hour.count; k++)
            if (str_eq(site->price.accelerator_hour.items[k].name, own->model)) {
                used[i] += asked[at]->count;
                assign(site, asked, count, at + 1, used,
                       cost + (double)asked[at]->count *
                                  site->price.accelerator_hour.items[k].value * 730,
                       best);
                used[i] -= asked[at]->count;
            }
    }
}

double naive_accelerators(const struct site *site,
                          const struct requirement_accelerator *const *asked, int count)
{
    int64_t used[8] = {0};
    double best = INFINITY;
    assign(site, asked, count, 0, used, 0, &best);
    return best;
}

static bool in_list(const char *const *items, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(items[i], text))
            return true;
    return false;
}

static bool words_hold(const struct requirement *r, const struct requirement_component *c,
                       const struct site *site)
{
    bool arch = c->arch == ARCH_ABSENT;
    for (size_t i = 0; i < site->arch.count; i++)
        arch = arch || site->arch.items[i] == c->arch;
    bool place = !c->location || in_list(site->regions.items, site->regions.count, c->location);
    bool level = !r->security.protection_level.set ||
                 (site->protection_level.set &&
                  site->protection_level.value >= r->security.protection_level.value);
    bool home =
        !r->security.data_residency ||
        (str_eq(r->security.data_residency, "on-premises")
             ? site->tier == TIER_PRIVATE_CLOUD || site->tier == TIER_EDGE ||
                   site->tier == TIER_DEVICE
             : in_list(site->regions.items, site->regions.count, r->security.data_residency));
    return (!c->tier || c->tier == site->tier) && arch && place && level && home;
}

struct place { /* the placement under judgement */
    const struct naive *naive;
    const int *sites;
    int begin[NAIVE_INSTANCES], count[NAIVE_INSTANCES]; /* by component */
    struct naive_figures *out;
    struct naive_usage *usage; /* or NULL */
};

static bool hosts(const struct place *p, size_t c, int site)
{
    for (int i = 0; i < p->count[c]; i++)
        if (p->sites[p->begin[c] + i] == site)
            return true;
    return false;
}

static void judge_site(struct place *p, int s)
{
    const struct requirement *r = p->naive->requirement;
    const struct site *site = &p->naive->network->sites.items[s];
    const struct requirement_accelerator *asked[NAIVE_INSTANCES] = {0};
    double vcpus = 0, memory = 0, disk = 0;
    int accelerators = 0;
    for (size_t c = 0; c < r->components.count; c++) {
        const struct requirement_component *item = &r->components.items[c];
        for (int i = 0; i < p->count[c]; i++) {
            if (p->sites[p->begin[c] + i] != s)
                continue;
            vcpus += amount(item->vcpus);
            memory += amount(item->memory_gib);
            disk += amount(item->disk_gib);
            if (!words_hold(r, item, site))
                p->out->feasible = false;
            if (site->flavors.count) {
                double least = INFINITY;
                for (size_t k = 0; k < site->flavors.count; k++)
                    if (site->flavors.items[k].vcpus >= amount(item->vcpus) &&
                        site->flavors.items[k].memory_gib >= amount(item->memory_gib))
                        least = fmin(least, site->flavors.items[k].price_hour);
                p->out->cost += least * 730;
                p->out->feasible = p->out->feasible && isfinite(least);
            } else {
                p->out->cost +=
                    730 * (amount(item->vcpus) * amount(site->price.vcpu_hour) +
                           amount(item->memory_gib) * amount(site->price.memory_gib_hour));
            }
            p->out->cost += amount(item->disk_gib) * amount(site->price.disk_gib_month);
            p->out->green +=
                amount(item->vcpus) * amount(site->pue) * amount(site->carbon_g_per_kwh);
            if (item->accelerator)
                asked[accelerators++] = item->accelerator;
        }
    }
    if (vcpus > amount(site->capacity.vcpus) - amount(site->allocated.vcpus) + 1e-6 ||
        memory > amount(site->capacity.memory_gib) - amount(site->allocated.memory_gib) + 1e-6 ||
        disk > amount(site->capacity.disk_gib) - amount(site->allocated.disk_gib) + 1e-6)
        p->out->feasible = false;
    if (p->usage) {
        p->usage->vcpus[s] = vcpus;
        p->usage->memory[s] = memory;
        p->usage->disk[s] = disk;
        p->usage->asked_count[s] = accelerators;
        memcpy(p->usage->asked[s], asked, sizeof asked);
    } else if (accelerators) {
        double best = naive_accelerators(site, asked, accelerators);
        p->out->feasible = p->out->feasible && isfinite(best);
        p->out->cost += best;
    }
}

static int user_at(const struct naive *naive, int site)
{
    int sites = (int)naive->network->sites.count, best = -1;
    if (naive->requirement->user_location)
        return node_of(naive->network, naive->requirement->user_location);
    for (int a = sites; a < sites + (int)naive->network->access.count; a++) {
        double own = naive->paths[site][a].reached ? naive->paths[site][a].latency : INFINITY;
        double most = best < 0                           ? -1
                      : naive->paths[site][best].reached ? naive->paths[site][best].latency
                                                         : INFINITY;
        if (own > most ||
            (own == most && strcmp(naive->network->access.items[a - sites].id,
                                   naive->network->access.items[best - sites].id) > 0))
            best = a;
    }
    return best;
}

static void judge_flow(struct place *p, const struct naive_flow *flow, double *load)
{
    const struct network *network = p->naive->network;
    double worst = 0;
    for (int s = 0; s < (int)network->sites.count; s++) {
        if (!hosts(p, (size_t)flow->to, s))
            continue;
        int from = -1;
        if (flow->from < 0)
            from = user_at(p->naive, s);
        for (int o = 0; flow->from >= 0 && o < (int)network->sites.count; o++) {
            if (!hosts(p, (size_t)flow->from, o) || !p->naive->paths[o][s].reached)
                continue;
            double gain =
                from < 0 ? -1 : p->naive->paths[o][s].latency - p->naive->paths[from][s].latency;
            if (from < 0 || gain < 0 ||
                (gain == 0 &&
                 strcmp(network->sites.items[o].id, network->sites.items[from].id) < 0))
                from = o;
        }
        if (flow->from < 0)
            p->out->cost +=
                flow->bandwidth * amount(network->sites.items[s].price.bandwidth_mbps_month);
        if (from < 0 || !p->naive->paths[from][s].reached) {
            p->out->feasible = false;
            continue;
        }
        const struct naive_path *path = &p->naive->paths[from][s];
        worst = fmax(worst, path->latency);
        if (path->latency > flow->bound + 1e-6)
            p->out->feasible = false;
        p->out->cost += flow->bandwidth * path->price;
        for (int i = 0; i < path->count; i++)
            load[path->links[i]] += flow->bandwidth;
    }
    p->out->latency += worst;
}

static void judge_whole(struct place *p)
{
    const struct requirement *r = p->naive->requirement;
    const struct network *network = p->naive->network;
    struct naive_flow flows[32];
    double load[NAIVE_LINKS] = {0};
    int count = effective(r, flows);
    for (int f = 0; f < count; f++)
        judge_flow(p, &flows[f], load);
    if (p->usage)
        memcpy(p->usage->load, load, sizeof load);
    for (size_t i = 0; i < network->links.count; i++)
        if (load[i] > 0 && load[i] > network->links.items[i].bandwidth_mbps.value -
                                         amount(network->links.items[i].used_mbps) + 1e-6)
            p->out->feasible = false;
    p->out->reliability = 1;
    for (size_t c = 0; c < r->components.count; c++) {
        double down = 1;
        int distinct = 0;
        for (int s = 0; s < (int)network->sites.count; s++)
            if (hosts(p, c, s)) {
                distinct++;
                down *= 1 - network->sites.items[s].availability_percent.value / 100;
            }
        p->out->reliability *= 1 - down;
        if (r->reliability.mode && distinct < 2)
            p->out->feasible = false;
    }
    if (r->service_level.availability_percent.set &&
        p->out->reliability < r->service_level.availability_percent.value / 100 - 1e-9)
        p->out->feasible = false;
    if (r->network.public_ips.set)
        p->out->cost += (double)r->network.public_ips.value *
                        amount(network->sites.items[p->sites[0]].price.public_ip_month);
    if (r->budget && r->budget->currency == 1) { /* CNY, the currency of all random networks */
        double months = r->budget->period == PERIOD_HOUR    ? 1 / 730.0
                        : r->budget->period == PERIOD_MONTH ? 1
                        : r->budget->period == PERIOD_YEAR  ? 12
                        : r->duration_days.set              ? r->duration_days.value / 30
                                                            : NAN;
        if (!isnan(months) && p->out->cost * months > r->budget->amount + 0.005 * fmin(1, months))
            p->out->feasible = false;
    }
}

static void judge_wishes(struct place *p)
{
    for (int w = 0; w < p->naive->wish_count; w++) {
        const struct wish *wish = &p->naive->wishes[w];
        for (int c = 0; c < (int)p->naive->requirement->components.count; c++) {
            if (wish->component >= 0 && wish->component != c)
                continue;
            for (int i = 0; i < p->count[c]; i++) {
                bool there = p->sites[p->begin[c] + i] == wish->site;
                bool asked = wish->instance < 0 || wish->instance == i;
                if (asked && there == wish->exclude)
                    p->out->feasible = false;
            }
        }
    }
}

void naive_figures(const struct naive *naive, const int *sites, struct naive_figures *out)
{
    naive_measure(naive, sites, out, NULL);
}

void naive_measure(const struct naive *naive, const int *sites, struct naive_figures *out,
                   struct naive_usage *usage)
{
    struct place p = {.naive = naive, .sites = sites, .out = out, .usage = usage};
    *out = (struct naive_figures){.feasible = true};
    int at = 0;
    for (size_t c = 0; c < naive->requirement->components.count; c++) {
        p.begin[c] = at;
        p.count[c] = naive_instances(naive->requirement, c);
        at += p.count[c];
    }
    for (int s = 0; s < (int)naive->network->sites.count; s++)
        judge_site(&p, s);
    judge_whole(&p);
    judge_wishes(&p);
}

bool naive_cheapest(const struct naive *naive, struct naive_figures *out)
{
    int total = 0, sites[NAIVE_INSTANCES] = {0};
    for (size_t c = 0; c < naive->requirement->components.count; c++)
        total += naive_instances(naive->requirement, c);
    bool found = false;
    for (;;) {
        struct naive_figures figures;
        naive_figures(naive, sites, &figures);
        if (figures.feasible && (!found || figures.cost < out->cost)) {
            *out = figures;
            found = true;
        }
        int i = 0;
        while (i < total && ++sites[i] == (int)naive->network->sites.count)
            sites[i++] = 0;
        if (i == total)
            return found;
    }
}
