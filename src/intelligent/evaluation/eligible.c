/* eligible.c - whether a site may take an instance, what the instance costs there, and why not.
 *
 * Contract: checks run in a fixed order (the reason given is the first that fails): tier, location,
 * arch, accelerator, protection level, residency, flavor, availability known, form, capacity.
 * Absent data where a constraint needs it is reason "unknown.FIELD". */
#include "intelligent/evaluation/evaluation_priv.h"

const char *evaluation_number(struct arena *arena, double value)
{
    if (!arena)
        return NULL;
    if (isinf(value))
        return value > 0 ? "unreachable" : "-inf";
    return arena_printf(arena, "%.10g", value);
}

struct opt_double evaluation_margin(double value)
{
    return isfinite(value) ? (struct opt_double){true, value} : (struct opt_double){false, 0};
}

static bool reject(struct evaluation_reason *ret, const char *reason, const char *required,
                   const char *observed)
{
    if (ret)
        *ret = (struct evaluation_reason){reason, required, observed, NULL, {false, 0}};
    return false;
}

static bool reject_number(struct evaluation_reason *ret, struct arena *arena, const char *reason,
                          double required, double observed, const char *unit)
{
    if (ret)
        *ret = (struct evaluation_reason){reason, evaluation_number(arena, required),
                                          evaluation_number(arena, observed), unit,
                                          evaluation_margin(observed - required)};
    return false;
}

static const char *join_regions(const struct site *site, struct arena *arena)
{
    if (!arena)
        return NULL;
    const char *text = "";
    for (size_t i = 0; i < site->regions.count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", site->regions.items[i]);
    return text;
}

static const char *join_arch(const struct site *site, struct arena *arena)
{
    if (!arena)
        return NULL;
    const char *text = "";
    for (size_t i = 0; i < site->arch.count; i++) {
        const char *name = json_enum_name(requirement_arch_names, site->arch.items[i]);
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", name ? name : "?");
    }
    return text;
}

static const char *join_accelerators(const struct site *site, struct arena *arena)
{
    if (!arena)
        return NULL;
    const char *text = site->accelerators.count ? "" : "none";
    for (size_t i = 0; i < site->accelerators.count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", site->accelerators.items[i].model);
    return text;
}

bool evaluation_accelerator_suits(const struct site_accelerator *offered,
                                  const struct requirement_accelerator *asked)
{
    return offered->kind == asked->kind && (!asked->model || str_eq(asked->model, offered->model));
}

static bool offers_arch(const struct site *site, int arch)
{
    for (size_t i = 0; i < site->arch.count; i++)
        if (site->arch.items[i] == arch)
            return true;
    return false;
}

const struct site_flavor *evaluation_cheapest_flavor(const struct site *site,
                                                     const struct requirement_component *component)
{
    double vcpus = evaluation_amount(component->vcpus);
    double memory = evaluation_amount(component->memory_gib);
    const struct site_flavor *best = NULL;
    for (size_t i = 0; i < site->flavors.count; i++) {
        const struct site_flavor *flavor = &site->flavors.items[i];
        if (flavor->vcpus >= vcpus - EVALUATION_FLAVOR_TOL &&
            flavor->memory_gib >= memory - EVALUATION_FLAVOR_TOL &&
            (!best || flavor->price_hour < best->price_hour))
            best = flavor;
    }
    return best;
}

static bool connected(const struct site_connections *connections, const char *site)
{
    return site_connection_find(connections, site, FORM_ABSENT) != NULL;
}

static bool suits_words(struct evaluation_model *model,
                        const struct requirement_component *component, const struct site *site,
                        struct evaluation_reason *ret, struct arena *arena)
{
    if (component->tier && site->tier != component->tier)
        return reject(ret, "tier", json_enum_name(requirement_tier_names, component->tier),
                      json_enum_name(requirement_tier_names, site->tier));
    if (component->location && !site_lies_in(site, component->location))
        return reject(ret, "location", component->location, join_regions(site, arena));
    if (component->arch && !offers_arch(site, component->arch))
        return reject(ret, site->arch.count ? "arch" : "unknown.arch",
                      json_enum_name(requirement_arch_names, component->arch),
                      site->arch.count ? join_arch(site, arena) : NULL);
    if (component->accelerator) {
        bool offered = false;
        for (size_t i = 0; i < site->accelerators.count && !offered; i++)
            offered =
                evaluation_accelerator_suits(&site->accelerators.items[i], component->accelerator);
        if (!offered)
            return reject(
                ret, "accelerator",
                component->accelerator->model
                    ? component->accelerator->model
                    : json_enum_name(requirement_accelerator_names, component->accelerator->kind),
                join_accelerators(site, arena));
    }
    const struct requirement_security *security = &model->requirement->security;
    if (security->protection_level.set) {
        if (!site->protection_level.set)
            return reject(ret, "unknown.protection_level",
                          evaluation_number(arena, (double)security->protection_level.value), NULL);
        if (site->protection_level.value < security->protection_level.value)
            return reject_number(ret, arena, "protection_level",
                                 (double)security->protection_level.value,
                                 (double)site->protection_level.value, "level");
    }
    if (security->data_residency) {
        bool inside = str_eq(security->data_residency, "on-premises")
                          ? site->tier == TIER_PRIVATE_CLOUD || site->tier == TIER_EDGE ||
                                site->tier == TIER_DEVICE
                          : site_lies_in(site, security->data_residency);
        if (!inside)
            return reject(ret, "residency", security->data_residency, join_regions(site, arena));
    }
    return true;
}

/* The flavor of the site that comes nearest in vcpus and memory, for the reason. */
static bool reject_flavor(const struct requirement_component *component, const struct site *site,
                          struct evaluation_reason *ret, struct arena *arena)
{
    if (!ret)
        return false;
    const struct site_flavor *largest = &site->flavors.items[0];
    for (size_t i = 1; i < site->flavors.count; i++)
        if (site->flavors.items[i].vcpus * 4 + site->flavors.items[i].memory_gib >
            largest->vcpus * 4 + largest->memory_gib)
            largest = &site->flavors.items[i];
    reject(ret, "flavor", NULL, NULL);
    if (arena) {
        ret->required =
            arena_printf(arena, "%.10g vCPU, %.10g GiB", evaluation_amount(component->vcpus),
                         evaluation_amount(component->memory_gib));
        ret->observed = arena_printf(arena, "%s: %.10g vCPU, %.10g GiB", largest->name,
                                     largest->vcpus, largest->memory_gib);
    }
    return false;
}

static bool suits_amount(struct opt_double needed, struct opt_double capacity,
                         struct opt_double allocated, const char *reason, const char *unknown,
                         const char *unit, struct evaluation_reason *ret, struct arena *arena)
{
    double need = evaluation_amount(needed);
    if (need <= 0)
        return true;
    if (!capacity.set)
        return reject(ret, unknown, evaluation_number(arena, need), NULL);
    double free = capacity.value - evaluation_amount(allocated);
    if (need > free + EVALUATION_AMOUNT_TOL)
        return reject_number(ret, arena, reason, need, free, unit);
    return true;
}

static bool suits_capacity(const struct requirement_component *component, const struct site *site,
                           struct evaluation_reason *ret, struct arena *arena)
{
    if (!suits_amount(component->vcpus, site->capacity.vcpus, site->allocated.vcpus,
                      "capacity.vcpus", "unknown.capacity.vcpus", "vCPU", ret, arena) ||
        !suits_amount(component->memory_gib, site->capacity.memory_gib, site->allocated.memory_gib,
                      "capacity.memory_gib", "unknown.capacity.memory_gib", "GiB", ret, arena) ||
        !suits_amount(component->disk_gib, site->capacity.disk_gib, site->allocated.disk_gib,
                      "capacity.disk_gib", "unknown.capacity.disk_gib", "GiB", ret, arena))
        return false;
    if (!component->accelerator)
        return true;
    int64_t most = 0;
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *offered = &site->accelerators.items[i];
        if (evaluation_accelerator_suits(offered, component->accelerator) &&
            offered->count - offered->allocated > most)
            most = offered->count - offered->allocated;
    }
    if (most < component->accelerator->count)
        return reject_number(ret, arena, "capacity.accelerators",
                             (double)component->accelerator->count, (double)most, "card");
    return true;
}

bool evaluation_site_suits(struct evaluation_model *model, size_t component_index,
                           size_t site_index, bool with_capacity,
                           struct evaluation_reason *ret_reason, struct arena *arena)
{
    const struct requirement_component *component =
        &model->requirement->components.items[component_index];
    const struct site *site = &model->network->sites.items[site_index];
    if (!suits_words(model, component, site, ret_reason, arena))
        return false;
    if (site->flavors.count && !evaluation_cheapest_flavor(site, component))
        return reject_flavor(component, site, ret_reason, arena);
    if (model->requirement->service_level.availability_percent.set &&
        !site->availability_percent.set)
        return reject(
            ret_reason, "unknown.availability_percent",
            evaluation_number(arena, model->requirement->service_level.availability_percent.value),
            NULL);
    const struct site_connections *connections = model->input.connections;
    if (component->form && connections && connected(connections, site->id) &&
        !site_connection_find(connections, site->id, component->form))
        return reject(ret_reason, "form", json_enum_name(requirement_form_names, component->form),
                      NULL);
    if (with_capacity && !suits_capacity(component, site, ret_reason, arena))
        return false;
    if (ret_reason)
        *ret_reason = (struct evaluation_reason){NULL, NULL, NULL, NULL, {false, 0}};
    return true;
}

bool evaluation_eligible(struct evaluation_model *model, size_t component, size_t site,
                         struct evaluation_reason *ret_reason, struct arena *arena)
{
    return evaluation_site_suits(model, component, site, true, ret_reason, arena);
}

double evaluation_accelerator_price(const struct site *site, const char *model_name)
{
    for (size_t i = 0; i < site->price.accelerator_hour.count; i++)
        if (str_eq(site->price.accelerator_hour.items[i].name, model_name))
            return site->price.accelerator_hour.items[i].value;
    return NAN;
}

static double priced(double quantity, struct opt_double price)
{
    return quantity == 0 ? 0 : price.set ? quantity * price.value : NAN;
}

/* Compute and disk a month, accelerators apart. */
static double plain_cost(const struct requirement_component *component, const struct site *site,
                         const char **ret_flavor)
{
    double cost;
    if (ret_flavor)
        *ret_flavor = NULL;
    if (site->flavors.count) {
        const struct site_flavor *flavor = evaluation_cheapest_flavor(site, component);
        if (!flavor)
            return NAN;
        if (ret_flavor)
            *ret_flavor = flavor->name;
        cost = flavor->price_hour * EVALUATION_HOURS;
    } else {
        cost = (priced(evaluation_amount(component->vcpus), site->price.vcpu_hour) +
                priced(evaluation_amount(component->memory_gib), site->price.memory_gib_hour)) *
               EVALUATION_HOURS;
    }
    return cost + priced(evaluation_amount(component->disk_gib), site->price.disk_gib_month);
}

size_t evaluation_options(struct evaluation_model *model, size_t component_index, size_t site_index,
                          struct evaluation_option *out, size_t max)
{
    const struct requirement_component *component =
        &model->requirement->components.items[component_index];
    const struct site *site = &model->network->sites.items[site_index];
    double plain = plain_cost(component, site, NULL);
    if (isnan(plain))
        return 0;
    if (!component->accelerator) {
        if (max > 0)
            out[0] = (struct evaluation_option){-1, plain};
        return 1;
    }
    size_t count = 0;
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *offered = &site->accelerators.items[i];
        double price = evaluation_accelerator_price(site, offered->model);
        if (!evaluation_accelerator_suits(offered, component->accelerator) || isnan(price) ||
            offered->count - offered->allocated < component->accelerator->count)
            continue;
        if (count < max)
            out[count] = (struct evaluation_option){
                (int)i, plain + (double)component->accelerator->count * price * EVALUATION_HOURS};
        count++;
    }
    return count;
}

double evaluation_instance_cost(struct evaluation_model *model, size_t component_index,
                                size_t site_index, const char **ret_flavor,
                                const char **ret_accelerator_model)
{
    const struct requirement_component *component =
        &model->requirement->components.items[component_index];
    const struct site *site = &model->network->sites.items[site_index];
    double cost = plain_cost(component, site, ret_flavor);
    if (ret_accelerator_model)
        *ret_accelerator_model = NULL;
    if (!component->accelerator || isnan(cost))
        return cost;
    double best = NAN;
    for (size_t i = 0; i < site->accelerators.count; i++) {
        const struct site_accelerator *offered = &site->accelerators.items[i];
        double price = evaluation_accelerator_price(site, offered->model);
        if (!evaluation_accelerator_suits(offered, component->accelerator) || isnan(price) ||
            offered->count - offered->allocated < component->accelerator->count)
            continue;
        if (isnan(best) || price < best) {
            best = price;
            if (ret_accelerator_model)
                *ret_accelerator_model = offered->model;
        }
    }
    return cost + (double)component->accelerator->count * best * EVALUATION_HOURS;
}
