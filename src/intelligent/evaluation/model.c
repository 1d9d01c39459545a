/* model.c - the index over a network and a requirement: names, effective flows, user's end, budget.
 *
 * Contract: building is O((sites + links) log sites); the network and the requirement must outlive
 * the model; everything the model allocates lives in its arena. */
#include <stdlib.h>

#include "intelligent/evaluation/evaluation_priv.h"

/* ---- names ---- */
struct named {
    const char *id;
    uint32_t node;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

size_t evaluation_index_find(const struct evaluation_network *index, const char *id)
{
    size_t low = 0, high = index->nodes;
    while (id && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(id, index->node_id[index->by_id[middle]]);
        if (order == 0)
            return index->by_id[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

static enum err_code index_new(const struct network *network, struct evaluation_network **out,
                               struct arena *arena, struct err *err)
{
    struct evaluation_network *index = arena_zalloc(arena, sizeof *index);
    index->network = network;
    index->arena = arena;
    index->sites = network->sites.count;
    index->nodes = network->sites.count + network->access.count;
    if (index->nodes >= UINT32_MAX / 4 || network->links.count >= UINT32_MAX / 4)
        return err_set(err, ERR_TOO_LARGE, "a network of %zu nodes and %zu links is too large",
                       index->nodes, network->links.count);
    index->node_id = arena_array(arena, index->nodes + 1, sizeof *index->node_id);
    for (size_t i = 0; i < index->nodes; i++)
        index->node_id[i] = i < index->sites ? network->sites.items[i].id
                                             : network->access.items[i - index->sites].id;
    struct named *sorted = mem_array(index->nodes, sizeof *sorted);
    for (size_t i = 0; i < index->nodes; i++)
        sorted[i] = (struct named){index->node_id[i], (uint32_t)i};
    qsort(sorted, index->nodes, sizeof *sorted, by_name);
    index->by_id = arena_array(arena, index->nodes + 1, sizeof *index->by_id);
    for (size_t i = 0; i < index->nodes; i++)
        index->by_id[i] = sorted[i].node;
    mem_free(sorted);
    index->link_a = arena_array(arena, network->links.count + 1, sizeof *index->link_a);
    index->link_b = arena_array(arena, network->links.count + 1, sizeof *index->link_b);
    for (size_t i = 0; i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        size_t a = evaluation_index_find(index, link->a), b = evaluation_index_find(index, link->b);
        if (a == SIZE_MAX || b == SIZE_MAX)
            return err_set(err, ERR_INVALID,
                           "links[%zu] ends at '%s', which is no site or access point", i,
                           a == SIZE_MAX ? link->a : link->b);
        index->link_a[i] = (uint32_t)a;
        index->link_b[i] = (uint32_t)b;
    }
    index->paths = evaluation_paths_new(network, index->nodes, index->link_a, index->link_b, arena);
    *out = index;
    return ERR_OK;
}

/* ---- the requirement ---- */
const char *evaluation_component_name(const struct evaluation_model *model, int component)
{
    return component < 0 ? "user" : model->requirement->components.items[component].name;
}

static int find_component(const struct requirement *requirement, const char *name)
{
    for (size_t i = 0; i < requirement->components.count; i++)
        if (str_eq(requirement->components.items[i].name, name))
            return (int)i;
    return -1;
}

static enum err_code check_components(struct evaluation_model *model, struct err *err)
{
    const struct requirement *requirement = model->requirement;
    size_t count = requirement->components.count;
    if (count == 0)
        return err_set(err, ERR_INVALID, "a requirement needs a component");
    int64_t total = 0;
    struct named *sorted = mem_array(count, sizeof *sorted);
    model->instances = arena_array(model->arena, count, sizeof *model->instances);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && !code; i++) {
        const struct requirement_component *component = &requirement->components.items[i];
        if (!component->name) {
            code = err_set(err, ERR_INVALID, "components[%zu] has no name", i);
            break;
        }
        sorted[i] = (struct named){component->name, (uint32_t)i};
        int64_t instances = requirement_instances(requirement, component);
        model->instances[i] = instances < 1 ? 1 : instances;
        if (instances > EVALUATION_MAX_INSTANCES || (total += instances) > EVALUATION_MAX_INSTANCES)
            code = err_set(err, ERR_TOO_LARGE, "more than %d instances are asked",
                           EVALUATION_MAX_INSTANCES);
    }
    if (!code) {
        qsort(sorted, count, sizeof *sorted, by_name);
        for (size_t i = 1; i < count && !code; i++)
            if (strcmp(sorted[i - 1].id, sorted[i].id) == 0) {
                code = err_set(err, ERR_INVALID, "two components are named '%s'", sorted[i].id);
                err_field(err, "components[%u].name",
                          sorted[i].node > sorted[i - 1].node ? sorted[i].node
                                                              : sorted[i - 1].node);
            }
    }
    mem_free(sorted);
    return code;
}

static void flow_add(struct evaluation_model *model, struct evaluation_flow flow, const char *name)
{
    model->flows[model->flow_count] = flow;
    model->flow_latency_name[model->flow_count++] = name;
}

/* Flows from user that network.* stands for, when the requirement names none. */
static void add_whole_need(struct evaluation_model *model)
{
    const struct requirement *requirement = model->requirement;
    const struct requirement_network *whole = &requirement->network;
    int rule = 2; /* 0: those of tier edge or device, 1: those with no location, 2: all */
    for (size_t i = 0; i < requirement->components.count; i++) {
        const struct requirement_component *component = &requirement->components.items[i];
        int own = component->tier == TIER_EDGE || component->tier == TIER_DEVICE ? 0
                  : !component->location                                         ? 1
                                                                                 : 2;
        rule = own < rule ? own : rule;
    }
    for (size_t i = 0; i < requirement->components.count; i++) {
        const struct requirement_component *component = &requirement->components.items[i];
        if ((rule == 0 && component->tier != TIER_EDGE && component->tier != TIER_DEVICE) ||
            (rule == 1 && component->location))
            continue;
        flow_add(model,
                 (struct evaluation_flow){-1, (int)i, whole->max_latency_ms,
                                          evaluation_amount(whole->bandwidth_mbps)},
                 "network.max_latency_ms");
    }
}

static enum err_code build_flows(struct evaluation_model *model, struct err *err)
{
    const struct requirement *requirement = model->requirement;
    const struct requirement_network *whole = &requirement->network;
    size_t most = requirement->flows.count + requirement->components.count;
    model->flows = arena_array(model->arena, most, sizeof *model->flows);
    model->flow_latency_name = arena_array(model->arena, most, sizeof *model->flow_latency_name);
    for (size_t i = 0; i < requirement->flows.count; i++) {
        const struct requirement_flow *flow = &requirement->flows.items[i];
        bool from_user = str_eq(flow->from, "user");
        int from = from_user ? -1 : find_component(requirement, flow->from);
        int to = find_component(requirement, flow->to);
        if (to < 0 || (!from_user && from < 0)) {
            enum err_code code =
                err_set(err, ERR_INVALID, "a flow names '%s', which is no component",
                        to < 0 ? flow->to : flow->from);
            err_field(err, "flows[%zu].%s", i, to < 0 ? "to" : "from");
            return code;
        }
        struct evaluation_flow item = {from, to, flow->max_latency_ms,
                                       evaluation_amount(flow->bandwidth_mbps)};
        const char *name = arena_printf(model->arena, "flows[%zu].max_latency_ms", i);
        if (from_user) {
            model->user_needed = true;
            if (!item.max_latency_ms.set && whole->max_latency_ms.set) {
                item.max_latency_ms = whole->max_latency_ms;
                name = "network.max_latency_ms";
            }
            if (!flow->bandwidth_mbps.set)
                item.bandwidth_mbps = evaluation_amount(whole->bandwidth_mbps);
        }
        flow_add(model, item, name);
    }
    if (!model->user_needed && (whole->max_latency_ms.set || whole->bandwidth_mbps.set)) {
        model->user_needed = true;
        add_whole_need(model);
    }
    return ERR_OK;
}

static enum err_code find_user(struct evaluation_model *model, struct err *err)
{
    model->user_node = SIZE_MAX;
    if (!model->user_needed || !model->requirement->user_location)
        return ERR_OK;
    size_t node = evaluation_index_find(model->index, model->requirement->user_location);
    if (node == SIZE_MAX || node < model->index->sites) {
        enum err_code code =
            err_set(err, ERR_INVALID, "user_location '%s' is no access point of the network",
                    model->requirement->user_location);
        err_hint(err, "name one of the network's access points, or leave it out for the farthest");
        err_field(err, "user_location");
        return code;
    }
    model->user_node = node;
    return ERR_OK;
}

static enum err_code build(struct evaluation_model *model, struct err *err)
{
    enum err_code code = check_components(model, err);
    if (!code)
        code = build_flows(model, err);
    if (!code)
        code = find_user(model, err);
    if (!code)
        model->user_of = arena_array(model->arena, model->index->sites + 1, sizeof *model->user_of);
    return code;
}

enum err_code evaluation_model_new(const struct evaluation_input *input,
                                   struct evaluation_model **out, struct arena *arena,
                                   struct err *err)
{
    struct evaluation_model *model = arena_zalloc(arena, sizeof *model);
    model->requirement = input->requirement;
    model->network = input->network;
    model->input = *input;
    model->arena = arena;
    enum err_code code = index_new(input->network, &model->index, arena, err);
    if (!code)
        code = build(model, err);
    if (!code)
        *out = model;
    return code;
}

enum err_code evaluation_model_again(const struct evaluation_model *model,
                                     const struct requirement *requirement,
                                     struct evaluation_model **out, struct arena *arena,
                                     struct err *err)
{
    struct evaluation_model *again = arena_zalloc(arena, sizeof *again);
    again->requirement = requirement;
    again->network = model->network;
    again->input = model->input;
    again->input.requirement = requirement;
    again->index = model->index;
    again->arena = arena;
    enum err_code code = build(again, err);
    if (!code)
        *out = again;
    return code;
}

void evaluation_model_subject(const struct evaluation_model *model,
                              const struct requirement **ret_requirement,
                              const struct network **ret_network)
{
    *ret_requirement = model->requirement;
    *ret_network = model->network;
}

size_t evaluation_flows(const struct evaluation_model *model, const struct evaluation_flow **out)
{
    *out = model->flows;
    return model->flow_count;
}

const char *evaluation_flow_bound_name(const struct evaluation_model *model, size_t flow)
{
    return flow < model->flow_count ? model->flow_latency_name[flow] : NULL;
}

size_t evaluation_user_node(struct evaluation_model *model, size_t site)
{
    if (model->user_node != SIZE_MAX)
        return model->user_node;
    if (site >= model->index->sites)
        return SIZE_MAX;
    if (model->user_of[site] == 0) {
        size_t farthest = SIZE_MAX;
        double most = -1.0;
        for (size_t i = model->index->sites; i < model->index->nodes; i++) {
            double latency = evaluation_paths_latency(model->index->paths, site, i);
            if (farthest == SIZE_MAX || latency > most ||
                (latency == most &&
                 strcmp(model->index->node_id[i], model->index->node_id[farthest]) > 0)) {
                farthest = i;
                most = latency;
            }
        }
        model->user_of[site] = farthest == SIZE_MAX ? -1 : (int32_t)(farthest + 1);
    }
    return model->user_of[site] < 0 ? SIZE_MAX : (size_t)model->user_of[site] - 1;
}

double evaluation_budget_months(const struct evaluation_model *model)
{
    const struct requirement_budget *budget = model->requirement->budget;
    if (!budget || !str_eq(json_enum_name(requirement_currency_names, budget->currency),
                           model->network->currency))
        return NAN;
    switch (budget->period) {
    case PERIOD_HOUR:
        return 1.0 / EVALUATION_HOURS;
    case PERIOD_MONTH:
        return 1.0;
    case PERIOD_YEAR:
        return 12.0;
    case PERIOD_ONCE:
        return model->requirement->duration_days.set
                   ? model->requirement->duration_days.value / 30.0
                   : NAN;
    default:
        return NAN;
    }
}

double evaluation_budget_limit(const struct evaluation_model *model)
{
    double months = evaluation_budget_months(model);
    if (isnan(months) || months <= 0)
        return INFINITY;
    /* half a cent: what rounding a stated cost may hide, and never more than the contract's 0.01 */
    double amount = model->requirement->budget->amount * (1 + 1e-9) + 0.005 * fmin(1.0, months);
    return amount / months;
}

double evaluation_latency(struct evaluation_model *model, size_t from_node, size_t to_node)
{
    return evaluation_paths_latency(model->index->paths, from_node, to_node);
}

double evaluation_path(struct evaluation_model *model, size_t from_node, size_t to_node,
                       size_t *ret_links, size_t *ret_count, size_t max_links)
{
    return evaluation_paths_walk(model->index->paths, from_node, to_node, ret_links, ret_count,
                                 max_links);
}

void evaluation_spread(const struct evaluation_model *model, double per_ms, double per_price,
                       double *values)
{
    evaluation_paths_spread(model->index->paths, per_ms, per_price, values);
}

/* ---- what reports look up ---- */
const struct evaluation_links_at *evaluation_links_at(struct evaluation_model *model, size_t node)
{
    for (size_t i = 0; i < model->links_at.count; i++)
        if (model->links_at.items[i].node == node)
            return &model->links_at.items[i];
    struct evaluation_links_at *at = LIST_ADD(model->arena, &model->links_at);
    at->node = node;
    for (size_t i = 0; i < model->network->links.count; i++)
        if (model->index->link_a[i] == node || model->index->link_b[i] == node)
            *LIST_ADD(model->arena, &at->links) = (uint32_t)i;
    return at;
}

/* FNV-1a; the sites that notes name come from operators, not from strangers. */
static size_t bucket_of(const struct evaluation_notes *table, const char *site)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *site; site++)
        hash = (hash ^ (unsigned char)*site) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32) & table->mask;
}

/* Last to first, so that a chain gives them as they were given. */
static void index_notes(struct evaluation_network *index, const struct price_notes *notes)
{
    struct evaluation_notes *table = arena_zalloc(index->arena, sizeof *table);
    size_t buckets = 1;
    while (buckets < notes->items.count)
        buckets *= 2;
    table->mask = buckets - 1;
    table->first = arena_array(index->arena, buckets, sizeof *table->first);
    table->next = arena_array(index->arena, notes->items.count + 1, sizeof *table->next);
    for (size_t i = notes->items.count; i-- > 0;) {
        const char *site = notes->items.items[i].site;
        size_t bucket = bucket_of(table, site ? site : "");
        table->next[i] = table->first[bucket];
        table->first[bucket] = (uint32_t)(i + 1);
    }
    index->notes = table;
}

const struct price_note *evaluation_note(struct evaluation_model *model, const char *site,
                                         const char *item)
{
    const struct price_notes *notes = model->input.notes;
    const struct price_note *general = NULL;
    if (!notes || !site || notes->items.count >= UINT32_MAX)
        return NULL;
    if (!model->index->notes)
        index_notes(model->index, notes);
    const struct evaluation_notes *table = model->index->notes;
    for (size_t i = table->first[bucket_of(table, site)]; i; i = table->next[i - 1]) {
        const struct price_note *note = &notes->items.items[i - 1];
        if (!str_eq(note->site, site))
            continue;
        if (note->item && str_eq(note->item, item))
            return note;
        if (!note->item)
            general = note;
    }
    return general;
}
