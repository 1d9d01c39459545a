/* measure.c - recomputes everything about a solution from its placements, by contract/network.md.
 *
 * Contract: nothing that the solution claims is believed but its placements; flavors and
 * accelerator models that it leaves out are filled in with the cheapest that serve.  Placements
 * that name what does not exist are violations, never errors.  What the data cannot settle is a
 * violation of verdict unknown.  Cost is the sum of the cost lines. */
#include "intelligent/evaluation/measure_priv.h"

struct feasibility_check *evaluation_measure_claim(struct measure *m, int dimension,
                                                   const char *code, const char *subject,
                                                   int verdict, const char *required,
                                                   const char *observed, const char *unit,
                                                   double margin)
{
    struct evaluation_claim item = {dimension,
                                    code,
                                    subject,
                                    required,
                                    observed,
                                    unit,
                                    evaluation_margin(margin),
                                    verdict,
                                    verdict == VERDICT_UNKNOWN ? 0.0 : 1.0};
    return evaluation_check_add(m->checks, &item);
}

static struct feasibility_check *claim_number(struct measure *m, int dimension, const char *code,
                                              const char *subject, int verdict, double required,
                                              double observed, const char *unit, double margin)
{
    if (verdict == VERDICT_PASS && !m->checks->passes_too)
        return NULL;
    return evaluation_measure_claim(m, dimension, code, subject, verdict,
                                    evaluation_number(m->arena, required),
                                    evaluation_number(m->arena, observed), unit, margin);
}

static void unknown_price(struct measure *m, const struct site *site, const char *item,
                          const char *component)
{
    const char *code = arena_printf(m->arena, "unknown.price.%s", item);
    struct feasibility_check *check =
        evaluation_measure_claim(m, DIMENSION_COST, code, component ? component : site->id,
                                 VERDICT_UNKNOWN, NULL, NULL, NULL, NAN);
    evaluation_evidence_add(m->checks, check, "site", site->id, "the network states no such price",
                            0);
}

/* ---- placements ---- */
static void seat_placements(struct measure *m)
{
    const struct requirement *requirement = m->model->requirement;
    m->where = arena_array(m->arena, requirement->components.count, sizeof *m->where);
    for (size_t c = 0; c < requirement->components.count; c++) {
        struct where *where = &m->where[c];
        where->count = (size_t)m->model->instances[c];
        where->seats = arena_array(m->arena, where->count, sizeof *where->seats);
        where->sites = arena_array(m->arena, where->count, sizeof *where->sites);
        for (size_t i = 0; i < where->count; i++)
            where->seats[i] = (struct seat){SIZE_MAX, SIZE_MAX, -1};
    }
    for (size_t p = 0; p < m->solution->placements.count; p++) {
        const struct solution_placement *placement = &m->solution->placements.items[p];
        const char *name = placement->component ? placement->component : "";
        size_t c = 0;
        while (c < requirement->components.count && !str_eq(component_at(m, c)->name, name))
            c++;
        if (c == requirement->components.count) {
            evaluation_measure_claim(m, DIMENSION_COMPUTE, "component", name, VERDICT_FAIL,
                                     "a component of the requirement", name, NULL, NAN);
            continue;
        }
        struct where *where = &m->where[c];
        size_t site = evaluation_index_find(m->model->index, placement->site);
        if (site >= m->model->index->sites) {
            evaluation_measure_claim(m, DIMENSION_COMPUTE, "site", name, VERDICT_FAIL,
                                     "a site of the network", placement->site, NULL, NAN);
            continue;
        }
        bool in_range = placement->instance >= 0 && (size_t)placement->instance < where->count;
        if (!in_range || where->seats[placement->instance].site != SIZE_MAX) {
            evaluation_measure_claim(m, DIMENSION_COMPUTE, "instances", name, VERDICT_FAIL,
                                     arena_printf(m->arena, "each of 0…%zu once", where->count - 1),
                                     arena_printf(m->arena, "instance %lld %s",
                                                  (long long)placement->instance,
                                                  in_range ? "twice" : "out of range"),
                                     NULL, NAN);
            continue;
        }
        where->seats[placement->instance] = (struct seat){site, p, -1};
    }
}

/* Distinct sites, in order of first use; the mark array is use_of of another purpose, so it is
 * reset. */
static void distinct_sites(struct measure *m)
{
    uint32_t *mark = arena_array(m->arena, m->model->index->sites + 1, sizeof *mark);
    for (size_t c = 0; c < m->model->requirement->components.count; c++) {
        struct where *where = &m->where[c];
        size_t placed = 0;
        for (size_t i = 0; i < where->count; i++) {
            size_t site = where->seats[i].site;
            if (site == SIZE_MAX)
                continue;
            placed++;
            if (mark[site] == c + 1)
                continue;
            mark[site] = (uint32_t)(c + 1);
            where->sites[where->site_count++] = site;
        }
        claim_number(m, DIMENSION_COMPUTE, "instances", component_at(m, c)->name,
                     placed == where->count ? VERDICT_PASS : VERDICT_FAIL, (double)where->count,
                     (double)placed, "instance", (double)placed - (double)where->count);
    }
}

/* The form belongs to the application, protection and residency to the business; the rest says
 * whether the site can compute it. */
static int dimension_of(const char *reason)
{
    if (strcmp(reason, "form") == 0)
        return DIMENSION_APPLICATION;
    if (strcmp(reason, "residency") == 0 || strcmp(reason, "protection_level") == 0 ||
        strcmp(reason, "unknown.protection_level") == 0)
        return DIMENSION_BUSINESS;
    return DIMENSION_COMPUTE;
}

static void stated_word(struct measure *m, size_t c, const struct site *site, const char *code,
                        const char *required, const char *observed)
{
    struct feasibility_check *check =
        evaluation_measure_claim(m, dimension_of(code), code, component_at(m, c)->name,
                                 VERDICT_PASS, required, observed, NULL, NAN);
    evaluation_evidence_add(m->checks, check, "site", site->id, "as the network states it", 0);
}

/* Words that the requirement states and the site meets, one passed check each. */
static void stated_words(struct measure *m, size_t c, size_t s)
{
    const struct requirement_component *component = component_at(m, c);
    const struct requirement_security *security = &m->model->requirement->security;
    const struct site *site = site_at(m, s);
    if (component->tier) {
        const char *tier = json_enum_name(requirement_tier_names, component->tier);
        stated_word(m, c, site, "tier", tier, tier);
    }
    if (component->location)
        stated_word(m, c, site, "location", component->location, component->location);
    if (component->arch) {
        const char *arch = json_enum_name(requirement_arch_names, component->arch);
        stated_word(m, c, site, "arch", arch, arch);
    }
    if (component->accelerator) {
        const char *kind =
            json_enum_name(requirement_accelerator_names, component->accelerator->kind);
        const char *asked = component->accelerator->model ? component->accelerator->model : kind;
        stated_word(m, c, site, "accelerator", asked, asked);
    }
    if (security->data_residency)
        stated_word(m, c, site, "residency", security->data_residency, security->data_residency);
    if (security->protection_level.set && site->protection_level.set) {
        struct feasibility_check *check = claim_number(
            m, DIMENSION_BUSINESS, "protection_level", component->name, VERDICT_PASS,
            (double)security->protection_level.value, (double)site->protection_level.value, "level",
            (double)(site->protection_level.value - security->protection_level.value));
        evaluation_evidence_add(m->checks, check, "site", site->id, "as the network states it", 0);
    }
}

static void check_eligibility(struct measure *m)
{
    for (size_t c = 0; c < m->model->requirement->components.count; c++)
        for (size_t i = 0; i < m->where[c].site_count; i++) {
            size_t s = m->where[c].sites[i];
            struct evaluation_reason reason;
            if (evaluation_site_suits(m->model, c, s, false, &reason, m->arena)) {
                if (m->checks->passes_too)
                    stated_words(m, c, s);
                continue;
            }
            bool unknown = str_has_prefix(reason.reason, "unknown.");
            struct feasibility_check *check = evaluation_measure_claim(
                m, dimension_of(reason.reason), reason.reason, component_at(m, c)->name,
                unknown ? VERDICT_UNKNOWN : VERDICT_FAIL, reason.required, reason.observed,
                reason.unit, reason.margin.set ? reason.margin.value : NAN);
            evaluation_evidence_add(
                m->checks, check, "site", site_at(m, s)->id,
                unknown ? "the network does not state it" : "as the network states it", 0);
        }
}

/* ---- flavors and accelerator models ---- */
static struct use *use_of(struct measure *m, size_t site)
{
    if (m->use_of[site] == 0) {
        struct use *use = LIST_ADD(m->arena, &m->uses);
        use->site = site;
        use->accelerators =
            arena_array(m->arena, site_at(m, site)->accelerators.count + 1, sizeof(int64_t));
        m->use_of[site] = (uint32_t)m->uses.count;
    }
    return &m->uses.items[m->use_of[site] - 1];
}

static void settle_flavor(struct measure *m, size_t c, const struct seat *seat)
{
    const struct requirement_component *component = component_at(m, c);
    const struct site *site = site_at(m, seat->site);
    struct solution_placement *placement = &m->solution->placements.items[seat->placement];
    if (site->flavors.count == 0) {
        if (placement->flavor)
            evaluation_measure_claim(m, DIMENSION_COMPUTE, "flavor", component->name, VERDICT_FAIL,
                                     "no flavor", placement->flavor, NULL, NAN);
        return;
    }
    const struct site_flavor *cheapest = evaluation_cheapest_flavor(site, component);
    if (!cheapest)
        return; /* said by eligibility */
    if (!placement->flavor) {
        placement->flavor = cheapest->name;
        return;
    }
    const struct site_flavor *named = NULL;
    for (size_t i = 0; i < site->flavors.count && !named; i++)
        if (str_eq(site->flavors.items[i].name, placement->flavor))
            named = &site->flavors.items[i];
    bool holds =
        named && named->vcpus >= evaluation_amount(component->vcpus) - EVALUATION_FLAVOR_TOL &&
        named->memory_gib >= evaluation_amount(component->memory_gib) - EVALUATION_FLAVOR_TOL;
    if (!holds || named->price_hour > cheapest->price_hour + EVALUATION_FLAVOR_TOL)
        evaluation_measure_claim(m, DIMENSION_COMPUTE, "flavor", component->name, VERDICT_FAIL,
                                 cheapest->name, placement->flavor, NULL, NAN);
}

/* ---- capacity ---- */
static void check_amount(struct measure *m, const struct site *site, const char *code,
                         double placed, struct opt_double capacity, struct opt_double allocated,
                         const char *unit)
{
    if (placed <= 0)
        return;
    double free = capacity.value - evaluation_amount(allocated);
    int verdict = !capacity.set                            ? VERDICT_UNKNOWN
                  : placed <= free + EVALUATION_AMOUNT_TOL ? VERDICT_PASS
                                                           : VERDICT_FAIL;
    if (verdict == VERDICT_PASS && !m->checks->passes_too)
        return;
    struct feasibility_check *check = evaluation_measure_claim(
        m, DIMENSION_COMPUTE, code, site->id, verdict, evaluation_number(m->arena, placed),
        capacity.set ? evaluation_number(m->arena, free) : NULL, unit,
        capacity.set ? free - placed : NAN);
    evaluation_evidence_add(m->checks, check, "site", site->id, "capacity less what is allocated",
                            0);
}

static void check_capacity(struct measure *m)
{
    for (size_t c = 0; c < m->model->requirement->components.count; c++)
        for (size_t i = 0; i < m->where[c].count; i++) {
            const struct seat *seat = &m->where[c].seats[i];
            if (seat->site == SIZE_MAX)
                continue;
            struct use *use = use_of(m, seat->site);
            use->vcpus += evaluation_amount(component_at(m, c)->vcpus);
            use->memory_gib += evaluation_amount(component_at(m, c)->memory_gib);
            use->disk_gib += evaluation_amount(component_at(m, c)->disk_gib);
            settle_flavor(m, c, seat);
        }
    for (size_t u = 0; u < m->uses.count; u++) {
        struct use *use = &m->uses.items[u];
        const struct site *site = site_at(m, use->site);
        evaluation_settle_models(m, use);
        check_amount(m, site, "capacity.vcpus", use->vcpus, site->capacity.vcpus,
                     site->allocated.vcpus, "vCPU");
        check_amount(m, site, "capacity.memory_gib", use->memory_gib, site->capacity.memory_gib,
                     site->allocated.memory_gib, "GiB");
        check_amount(m, site, "capacity.disk_gib", use->disk_gib, site->capacity.disk_gib,
                     site->allocated.disk_gib, "GiB");
        for (size_t k = 0; k < site->accelerators.count; k++) {
            const struct site_accelerator *offered = &site->accelerators.items[k];
            check_amount(m, site, "capacity.accelerators", (double)use->accelerators[k],
                         (struct opt_double){true, (double)offered->count},
                         (struct opt_double){true, (double)offered->allocated}, "card");
        }
    }
}

/* ---- cost lines ---- */
static void line_add(struct measure *m, const char *item, const char *component, const char *site,
                     double quantity, const char *unit, double unit_price, double amount,
                     const char *note_item)
{
    struct solution_cost_line *line = LIST_ADD(m->arena, &m->solution->cost_lines);
    *line = (struct solution_cost_line){.item = item,
                                        .component = component,
                                        .site = site,
                                        .quantity = quantity,
                                        .unit = unit,
                                        .unit_price = unit_price,
                                        .amount = amount};
    const struct price_note *note = evaluation_note(m->model, site, note_item);
    if (note) {
        line->basis = note->basis;
        line->source = note->source;
        line->as_of_ms = note->as_of_ms;
    }
    m->solution->cost += amount;
}

static void priced_line(struct measure *m, const char *item, size_t c, const struct site *site,
                        double quantity, const char *unit, struct opt_double price, double hours,
                        const char *note_item)
{
    if (quantity == 0)
        return;
    if (!price.set) {
        unknown_price(m, site, note_item, component_at(m, c)->name);
        return;
    }
    line_add(m, item, component_at(m, c)->name, site->id, quantity, unit, price.value,
             quantity * price.value * hours, note_item);
}

/* Lines of one component on one site; n instances, of which by_model[k] take accelerator k. */
static void cost_of_site(struct measure *m, size_t c, const struct site *site, int64_t n,
                         const int64_t *by_model)
{
    const struct requirement_component *component = component_at(m, c);
    if (site->flavors.count) {
        const struct site_flavor *flavor = evaluation_cheapest_flavor(site, component);
        if (flavor)
            line_add(m, "flavor", component->name, site->id, (double)n,
                     arena_printf(m->arena, "%s", flavor->name), flavor->price_hour,
                     (double)n * flavor->price_hour * EVALUATION_HOURS,
                     arena_printf(m->arena, "flavor.%s", flavor->name));
        else
            unknown_price(m, site, "flavor", component->name);
    } else {
        priced_line(m, "vcpu", c, site, (double)n * evaluation_amount(component->vcpus), "vCPU",
                    site->price.vcpu_hour, EVALUATION_HOURS, "vcpu_hour");
        priced_line(m, "memory", c, site, (double)n * evaluation_amount(component->memory_gib),
                    "GiB", site->price.memory_gib_hour, EVALUATION_HOURS, "memory_gib_hour");
    }
    for (size_t k = 0; k < site->accelerators.count; k++) {
        if (by_model[k] == 0)
            continue;
        const char *name = site->accelerators.items[k].model;
        double price = evaluation_accelerator_price(site, name);
        priced_line(m, "accelerator", c, site,
                    (double)by_model[k] * (double)component->accelerator->count, name,
                    (struct opt_double){!isnan(price), price}, EVALUATION_HOURS,
                    arena_printf(m->arena, "accelerator_hour.%s", name));
    }
    priced_line(m, "disk", c, site, (double)n * evaluation_amount(component->disk_gib), "GiB",
                site->price.disk_gib_month, 1.0, "disk_gib_month");
}

static void cost_of_instances(struct measure *m)
{
    for (size_t c = 0; c < m->model->requirement->components.count; c++)
        for (size_t i = 0; i < m->where[c].site_count; i++) {
            const struct site *site = site_at(m, m->where[c].sites[i]);
            int64_t *by_model =
                arena_array(m->arena, site->accelerators.count + 1, sizeof *by_model);
            int64_t n = 0;
            for (size_t k = 0; k < m->where[c].count; k++) {
                const struct seat *seat = &m->where[c].seats[k];
                if (seat->site != m->where[c].sites[i])
                    continue;
                n++;
                if (seat->accelerator >= 0)
                    by_model[seat->accelerator]++;
            }
            cost_of_site(m, c, site, n, by_model);
        }
}

static void cost_of_addresses(struct measure *m)
{
    struct opt_int ips = m->model->requirement->network.public_ips;
    if (!ips.set || ips.value <= 0)
        return;
    size_t s = m->where[0].seats[0].site;
    if (s == SIZE_MAX)
        return;
    priced_line(m, "public_ip", 0, site_at(m, s), (double)ips.value, "address",
                site_at(m, s)->price.public_ip_month, 1.0, "public_ip_month");
}

/* ---- flows ---- */
static const char *flow_name(struct measure *m, const struct evaluation_flow *flow)
{
    return arena_printf(m->arena, "%s→%s", evaluation_component_name(m->model, flow->from),
                        evaluation_component_name(m->model, flow->to));
}

/* The node that serves the site `to` of the flow; SIZE_MAX when there is none. */
static size_t serving_node(struct measure *m, const struct evaluation_flow *flow, size_t to)
{
    if (flow->from < 0)
        return evaluation_user_node(m->model, to);
    const struct where *where = &m->where[flow->from];
    size_t best = SIZE_MAX;
    double least = INFINITY;
    for (size_t i = 0; i < where->site_count; i++) {
        double latency = evaluation_latency(m->model, where->sites[i], to);
        if (best == SIZE_MAX || latency < least ||
            (latency == least && strcmp(m->model->index->node_id[where->sites[i]],
                                        m->model->index->node_id[best]) < 0)) {
            best = where->sites[i];
            least = latency;
        }
    }
    return best;
}

static void cost_of_flow(struct measure *m, const struct evaluation_flow *flow, size_t to,
                         size_t link_count)
{
    if (flow->bandwidth_mbps <= 0)
        return;
    const char *component = evaluation_component_name(m->model, flow->to);
    const struct site *site = site_at(m, to);
    if (flow->from < 0)
        priced_line(m, "bandwidth", (size_t)flow->to, site, flow->bandwidth_mbps, "Mbit/s",
                    site->price.bandwidth_mbps_month, 1.0, "bandwidth_mbps_month");
    for (size_t i = 0; i < link_count; i++) {
        const struct network_link *link = &m->model->network->links.items[m->links[i]];
        m->load[m->links[i]] += flow->bandwidth_mbps;
        if (evaluation_amount(link->price_mbps_month) != 0)
            line_add(m, "link", component, arena_printf(m->arena, "%s—%s", link->a, link->b),
                     flow->bandwidth_mbps, "Mbit/s", link->price_mbps_month.value,
                     flow->bandwidth_mbps * link->price_mbps_month.value, "price_mbps_month");
    }
}

static void add_route(struct measure *m, const struct evaluation_flow *flow, size_t from, size_t to,
                      double latency, size_t link_count)
{
    if (m->checks->passes_too)
        *LIST_ADD(m->arena, &m->checks->routes) = (struct evaluation_route){
            (size_t)(flow - m->model->flows), from, to,
            arena_memdup(m->arena, m->links, link_count * sizeof *m->links), link_count};
    struct solution_route *route = LIST_ADD(m->arena, &m->solution->routes);
    route->from = evaluation_component_name(m->model, flow->from);
    route->to = evaluation_component_name(m->model, flow->to);
    route->from_node = m->model->index->node_id[from];
    route->to_node = m->model->index->node_id[to];
    route->latency_ms = (struct opt_double){true, latency};
    route->bandwidth_mbps = (struct opt_double){flow->bandwidth_mbps > 0, flow->bandwidth_mbps};
    route->bound_ms = flow->max_latency_ms;
    size_t node = from;
    *LIST_ADD(m->arena, &route->path) = m->model->index->node_id[node];
    for (size_t i = 0; i < link_count; i++) {
        size_t a = m->model->index->link_a[m->links[i]], b = m->model->index->link_b[m->links[i]];
        node = node == a ? b : a;
        *LIST_ADD(m->arena, &route->path) = m->model->index->node_id[node];
    }
}

static void check_flow(struct measure *m, const struct evaluation_flow *flow, size_t to,
                       double *worst)
{
    const char *name = flow_name(m, flow);
    size_t from = serving_node(m, flow, to);
    const char *site_id = m->model->index->node_id[to];
    if (from == SIZE_MAX) {
        /* no access point, or the other end is not placed at all: nothing to measure from */
        m->latency_known = false;
        if (flow->from < 0) {
            if (flow->max_latency_ms.set || flow->bandwidth_mbps > 0)
                evaluation_measure_claim(m, DIMENSION_NETWORK, "unknown.access", name,
                                         VERDICT_UNKNOWN, "an access point", NULL, NULL, NAN);
            cost_of_flow(m, flow, to, 0);
        }
        return;
    }
    double latency = evaluation_latency(m->model, from, to);
    size_t links = 0;
    evaluation_path(m->model, from, to, m->links, &links, m->model->index->nodes);
    if (isinf(latency)) {
        struct feasibility_check *check = evaluation_measure_claim(
            m, DIMENSION_NETWORK, "connectivity", name, VERDICT_FAIL, "a path", "none", NULL, NAN);
        evaluation_evidence_add(
            m->checks, check, "path",
            arena_printf(m->arena, "%s…%s", m->model->index->node_id[from], site_id),
            "no chain of links joins them", 0);
        m->latency_known = false;
        cost_of_flow(m, flow, to, 0);
        return;
    }
    *worst = fmax(*worst, latency);
    add_route(m, flow, from, to, latency, links);
    cost_of_flow(m, flow, to, links);
    const struct solution_route *route = &m->solution->routes.items[m->solution->routes.count - 1];
    const char *ref = arena_printf(m->arena, "%s…%s", route->from_node, route->to_node);
    if (m->checks->passes_too) {
        struct feasibility_check *check = evaluation_measure_claim(
            m, DIMENSION_NETWORK, "connectivity", name, VERDICT_PASS, "a path",
            arena_printf(m->arena, "%zu links", links), NULL, NAN);
        evaluation_evidence_add(m->checks, check, "path", ref, "least-latency path over links", 0);
    }
    if (!flow->max_latency_ms.set)
        return;
    double bound = flow->max_latency_ms.value;
    bool holds = latency <= bound + EVALUATION_LATENCY_TOL;
    struct feasibility_check *check =
        claim_number(m, DIMENSION_NETWORK, "latency", name, holds ? VERDICT_PASS : VERDICT_FAIL,
                     bound, latency, "ms", bound - latency);
    evaluation_evidence_add(m->checks, check, "path", ref,
                            "sum of the stated latencies of its links, one way", 0);
}

static void check_links(struct measure *m)
{
    for (size_t i = 0; i < m->model->network->links.count; i++) {
        if (m->load[i] <= 0)
            continue;
        const struct network_link *link = &m->model->network->links.items[i];
        double free = link->bandwidth_mbps.value - evaluation_amount(link->used_mbps);
        int verdict = !link->bandwidth_mbps.set                    ? VERDICT_UNKNOWN
                      : m->load[i] <= free + EVALUATION_AMOUNT_TOL ? VERDICT_PASS
                                                                   : VERDICT_FAIL;
        if (verdict == VERDICT_PASS && !m->checks->passes_too)
            continue;
        const char *name = arena_printf(m->arena, "%s—%s", link->a, link->b);
        struct feasibility_check *check = evaluation_measure_claim(
            m, DIMENSION_NETWORK, "bandwidth", name, verdict,
            evaluation_number(m->arena, m->load[i]),
            verdict == VERDICT_UNKNOWN ? NULL : evaluation_number(m->arena, free), "Mbit/s",
            verdict == VERDICT_UNKNOWN ? NAN : free - m->load[i]);
        evaluation_evidence_add(m->checks, check, "link", name, "bandwidth less what is used", 0);
    }
}

static void check_flows(struct measure *m)
{
    const struct evaluation_flow *flows;
    size_t count = evaluation_flows(m->model, &flows);
    m->latency_known = true;
    for (size_t f = 0; f < count; f++) {
        double worst = 0;
        const struct where *to = &m->where[flows[f].to];
        for (size_t i = 0; i < to->site_count; i++)
            check_flow(m, &flows[f], to->sites[i], &worst);
        m->latency += worst;
    }
    check_links(m);
}

/* ---- the whole ---- */
static void check_mode(struct measure *m)
{
    int mode = m->model->requirement->reliability.mode;
    if (!mode)
        return;
    for (size_t c = 0; c < m->model->requirement->components.count; c++)
        claim_number(m, DIMENSION_BUSINESS, "mode", component_at(m, c)->name,
                     m->where[c].site_count >= 2 ? VERDICT_PASS : VERDICT_FAIL, 2,
                     (double)m->where[c].site_count, "site", (double)m->where[c].site_count - 2);
}

static void check_availability(struct measure *m, struct evaluation_figures *out)
{
    double up = 1.0;
    bool known = true;
    for (size_t c = 0; c < m->model->requirement->components.count; c++) {
        double down = 1.0;
        for (size_t i = 0; i < m->where[c].site_count; i++) {
            struct opt_double own = site_at(m, m->where[c].sites[i])->availability_percent;
            known = known && own.set;
            down *= 1.0 - own.value / 100.0;
        }
        up *= 1.0 - down;
    }
    out->reliability = (struct opt_double){known, known ? up : 0};
    struct opt_double asked = m->model->requirement->service_level.availability_percent;
    if (!asked.set)
        return;
    int verdict = !known                                             ? VERDICT_UNKNOWN
                  : up >= asked.value / 100.0 - EVALUATION_AVAIL_TOL ? VERDICT_PASS
                                                                     : VERDICT_FAIL;
    if (verdict == VERDICT_PASS && !m->checks->passes_too)
        return;
    struct feasibility_check *check =
        evaluation_measure_claim(m, DIMENSION_BUSINESS, "availability", "service", verdict,
                                 evaluation_number(m->arena, asked.value),
                                 known ? evaluation_number(m->arena, up * 100) : NULL, "%",
                                 known ? up * 100 - asked.value : NAN);
    evaluation_evidence_add(m->checks, check, "network", "availability_percent",
                            "product over components of what their distinct sites leave up", 0);
}

static void check_budget(struct measure *m, bool cost_known)
{
    const struct requirement_budget *budget = m->model->requirement->budget;
    if (!budget)
        return;
    const char *unit = arena_printf(m->arena, "%s/%s",
                                    json_enum_name(requirement_currency_names, budget->currency),
                                    json_enum_name(requirement_period_names, budget->period));
    double months = evaluation_budget_months(m->model);
    double limit = evaluation_budget_limit(m->model) * (1 + 1e-12); /* sums in another order */
    int verdict = isnan(months) || !cost_known ? VERDICT_UNKNOWN
                  : m->solution->cost <= limit ? VERDICT_PASS
                                               : VERDICT_FAIL;
    if (!cost_known && !isnan(months) && m->solution->cost > limit)
        verdict = VERDICT_FAIL; /* what is known is too much already */
    if (verdict == VERDICT_PASS && !m->checks->passes_too)
        return;
    double observed = m->solution->cost * months;
    struct feasibility_check *check =
        evaluation_measure_claim(m, DIMENSION_COST, "budget", "service", verdict,
                                 evaluation_number(m->arena, budget->amount),
                                 isnan(months) ? NULL : evaluation_number(m->arena, observed), unit,
                                 verdict == VERDICT_UNKNOWN ? NAN : budget->amount - observed);
    const char *why = !isnan(months) ? "sum of the cost lines"
                      : budget->period == PERIOD_ONCE && !m->model->requirement->duration_days.set
                          ? "a budget paid once needs a duration"
                          : "the network's prices are in another currency";
    evaluation_evidence_add(m->checks, check, "price", "cost_lines", why, 0);
}

static void sum_green(struct measure *m, struct evaluation_figures *out)
{
    double green = 0;
    bool known = true;
    for (size_t c = 0; c < m->model->requirement->components.count; c++)
        for (size_t i = 0; i < m->where[c].count; i++) {
            if (m->where[c].seats[i].site == SIZE_MAX) {
                known = false;
                continue;
            }
            const struct site *site = site_at(m, m->where[c].seats[i].site);
            double vcpus = evaluation_amount(component_at(m, c)->vcpus);
            known = known && ((site->pue.set && site->carbon_g_per_kwh.set) || vcpus == 0);
            green +=
                vcpus * evaluation_amount(site->pue) * evaluation_amount(site->carbon_g_per_kwh);
        }
    out->green = (struct opt_double){known, known ? green : 0};
}

enum err_code evaluation_measure_into(struct evaluation_model *model, struct solution *solution,
                                      struct evaluation_figures *out,
                                      struct evaluation_checks *checks, struct arena *arena,
                                      struct err *err)
{
    struct measure m = {.model = model, .solution = solution, .checks = checks, .arena = arena};
    memset(out, 0, sizeof *out);
    solution->cost = 0;
    solution->currency = model->network->currency;
    solution->routes.count = 0;
    solution->routes.items = NULL;
    solution->cost_lines.count = 0;
    solution->cost_lines.items = NULL;
    m.use_of = arena_array(arena, model->index->sites + 1, sizeof *m.use_of);
    m.load = arena_array(arena, model->network->links.count + 1, sizeof *m.load);
    m.links = arena_array(arena, model->index->nodes + 1, sizeof *m.links);
    seat_placements(&m);
    distinct_sites(&m);
    check_eligibility(&m);
    check_capacity(&m);
    cost_of_instances(&m);
    check_flows(&m);
    cost_of_addresses(&m);
    bool cost_known = true;
    for (size_t i = 0; i < checks->items.count && cost_known; i++)
        cost_known = !str_has_prefix(checks->items.items[i].check.code, "unknown.price.");
    check_mode(&m);
    check_availability(&m, out);
    check_budget(&m, cost_known);
    sum_green(&m, out);
    out->cost = solution->cost;
    out->latency = (struct opt_double){m.latency_known, m.latency_known ? m.latency : 0};
    solution->latency = out->latency;
    solution->reliability = out->reliability;
    solution->green = out->green;
    solution->catalogue_only = false;
    for (size_t u = 0; u < m.uses.count; u++) {
        const struct site *site = site_at(&m, m.uses.items[u].site);
        if (site_is_catalogue_only(site) &&
            !(model->input.connections &&
              site_connection_find(model->input.connections, site->id, FORM_ABSENT)))
            solution->catalogue_only = true;
    }
    out->feasible = true;
    for (size_t i = 0; i < checks->items.count; i++) {
        if (checks->items.items[i].check.verdict == VERDICT_PASS)
            continue;
        out->feasible = false;
        *LIST_ADD(arena, &out->violations) = checks->items.items[i].check;
    }
    return arena_check(arena, err);
}

enum err_code evaluation_measure(struct evaluation_model *model, struct solution *solution,
                                 struct evaluation_figures *out, struct arena *arena,
                                 struct err *err)
{
    struct evaluation_checks checks = {.arena = arena};
    return evaluation_measure_into(model, solution, out, &checks, arena, err);
}
