/* random_need.c - small networks and requirements in which every rule of the contract bites
 * sometimes: whole-number latencies and prices make equals, small capacities and links make
 * conflicts. */
#include <stdio.h>

#include "property_design.h"

static int64_t pick(struct rand *rand, int64_t low, int64_t high)
{
    return low + (int64_t)rand_below(rand, (uint64_t)(high - low + 1));
}

static bool chance(struct rand *rand, int percent)
{
    return (int)rand_below(rand, 100) < percent;
}

static struct opt_double some(double value)
{
    return (struct opt_double){true, value};
}

static const char *const places[] = {"north", "south", "all"};
static const char *const models[] = {"T4", "A10"};

static void random_site(struct rand *rand, struct site *site, size_t index, struct arena *arena)
{
    site->id = arena_printf(arena, "s%zu", index);
    site->tier = (int)pick(rand, TIER_PUBLIC_CLOUD, TIER_EDGE);
    *LIST_ADD(arena, &site->regions) = places[rand_below(rand, 2)];
    *LIST_ADD(arena, &site->regions) = "all";
    *LIST_ADD(arena, &site->arch) = chance(rand, 70) ? ARCH_X86_64 : ARCH_ARM64;
    site->provider = chance(rand, 80) ? "simulator" : "none";
    site->capacity =
        (struct site_amount){some((double)pick(rand, 4, 40)), some((double)pick(rand, 8, 80)),
                             some((double)pick(rand, 50, 500))};
    site->allocated.vcpus = some((double)pick(rand, 0, 4));
    site->price.vcpu_hour = some((double)pick(rand, 5, 30) / 100);
    site->price.memory_gib_hour = some((double)pick(rand, 1, 6) / 100);
    site->price.disk_gib_month = some((double)pick(rand, 2, 8) / 10);
    site->price.bandwidth_mbps_month = some((double)pick(rand, 10, 40));
    site->price.public_ip_month = some((double)pick(rand, 5, 400));
    for (int m = 0; m < 2; m++)
        if (chance(rand, 40)) {
            *LIST_ADD(arena, &site->accelerators) = (struct site_accelerator){
                ACCELERATOR_GPU, models[m], pick(rand, 1, 4), pick(rand, 0, 1)};
            *LIST_ADD(arena, &site->price.accelerator_hour) =
                (struct json_number_pair){models[m], (double)pick(rand, 10, 60) / 10};
        }
    for (int k = 0; site->tier == TIER_PUBLIC_CLOUD && chance(rand, 50) && k < 3; k++)
        *LIST_ADD(arena, &site->flavors) =
            (struct site_flavor){arena_printf(arena, "f%d", k), (double)(2 << k), (double)(4 << k),
                                 (double)pick(rand, 10, 40) * (1 << k) / 100};
    site->availability_percent = some(99 + (double)pick(rand, 0, 9) / 10);
    site->protection_level = (struct opt_int){chance(rand, 90), pick(rand, 1, 4)};
    site->pue = some(1 + (double)pick(rand, 1, 8) / 10);
    site->carbon_g_per_kwh = some((double)pick(rand, 100, 700));
}

static void random_network(struct rand *rand, struct network *network, struct arena *arena)
{
    size_t sites = (size_t)pick(rand, 1, 6), access = (size_t)pick(rand, 1, 2);
    network->currency = "CNY";
    for (size_t i = 0; i < access; i++)
        LIST_ADD(arena, &network->access)->id = arena_printf(arena, "a%zu", i);
    for (size_t i = 0; i < sites; i++)
        random_site(rand, LIST_ADD(arena, &network->sites), i, arena);
    size_t links = sites + access + (size_t)pick(rand, 0, 4);
    for (size_t i = 0; i < links; i++) {
        size_t a = rand_below(rand, sites + access), b = rand_below(rand, sites + access);
        if (i < sites + access - 1) { /* a tree first, mostly */
            a = i + 1;
            b = rand_below(rand, i + 1);
        }
        if (a == b || chance(rand, 4))
            continue;
        struct network_link *link = LIST_ADD(arena, &network->links);
        link->a = a < sites ? network->sites.items[a].id : network->access.items[a - sites].id;
        link->b = b < sites ? network->sites.items[b].id : network->access.items[b - sites].id;
        link->latency_ms = some((double)pick(rand, 1, 6));
        link->bandwidth_mbps = some((double)pick(rand, 20, 400));
        link->used_mbps = some((double)pick(rand, 0, 20));
        link->price_mbps_month = some((double)pick(rand, 0, 2000) / 1000);
    }
}

static void random_component(struct rand *rand, struct requirement_component *component,
                             size_t index, int64_t most, struct arena *arena)
{
    component->name = arena_printf(arena, "c%zu", index);
    if (chance(rand, 60))
        component->instances = (struct opt_int){true, pick(rand, 1, most)};
    component->vcpus = some((double)pick(rand, 1, 10));
    component->memory_gib = some((double)pick(rand, 1, 16));
    component->disk_gib = (struct opt_double){chance(rand, 80), (double)pick(rand, 10, 100)};
    if (chance(rand, 20))
        component->arch = ARCH_X86_64;
    if (chance(rand, 15))
        component->tier = (int)pick(rand, TIER_PUBLIC_CLOUD, TIER_EDGE);
    if (chance(rand, 15))
        component->location = places[rand_below(rand, 3)];
    if (chance(rand, 20)) {
        component->accelerator = arena_zalloc(arena, sizeof *component->accelerator);
        *component->accelerator = (struct requirement_accelerator){
            ACCELERATOR_GPU, chance(rand, 40) ? models[rand_below(rand, 2)] : NULL,
            pick(rand, 1, 2)};
    }
}

static void random_flows(struct rand *rand, struct requirement *r, struct arena *arena)
{
    size_t count = (size_t)pick(rand, 0, 4);
    for (size_t i = 0; i < count; i++) {
        size_t to = rand_below(rand, r->components.count);
        size_t from = rand_below(rand, r->components.count);
        struct requirement_flow *flow = LIST_ADD(arena, &r->flows);
        flow->to = r->components.items[to].name;
        flow->from = chance(rand, 40) ? "user" : r->components.items[from].name;
        flow->max_latency_ms = (struct opt_double){chance(rand, 60), (double)pick(rand, 1, 14)};
        flow->bandwidth_mbps = (struct opt_double){chance(rand, 50), (double)pick(rand, 1, 120)};
    }
    if (chance(rand, 40))
        r->network.max_latency_ms = some((double)pick(rand, 2, 16));
    if (chance(rand, 40))
        r->network.bandwidth_mbps = some((double)pick(rand, 1, 60));
}

static void random_wishes(struct rand *rand, struct need *out)
{
    const struct requirement *r = &out->requirement;
    int count = chance(rand, 35) ? (int)pick(rand, 1, NAIVE_WISHES) : 0;
    for (int i = 0; i < count; i++) {
        struct wish wish = {.exclude = chance(rand, 50)};
        bool any = wish.exclude && chance(rand, 50);
        wish.component = any ? -1 : (int)rand_below(rand, r->components.count);
        wish.site = (int)rand_below(rand, out->network.sites.count);
        wish.instance = -1;
        if (!wish.exclude && chance(rand, 60))
            wish.instance = (int)rand_below(
                rand, (uint64_t)requirement_instances(r, &r->components.items[wish.component]));
        bool clash = false; /* of one instance pinned twice, or one wish said twice */
        for (int k = 0; k < out->wish_count; k++) {
            const struct wish *other = &out->wishes[k];
            clash =
                clash || (other->exclude == wish.exclude && other->component == wish.component &&
                          (wish.exclude ? other->site == wish.site
                                        : other->instance == wish.instance || other->instance < 0 ||
                                              wish.instance < 0));
        }
        if (clash)
            continue;
        const char *site = out->network.sites.items[wish.site].id;
        const char *component = any ? "" : r->components.items[wish.component].name;
        if (wish.instance >= 0)
            snprintf(wish.name, sizeof wish.name, "pin %s[%d]@%s", component, wish.instance, site);
        else
            snprintf(wish.name, sizeof wish.name, "%s %s%s%s", wish.exclude ? "exclude" : "pin",
                     component, any ? "" : "@", site);
        out->wishes[out->wish_count++] = wish;
    }
}

struct design_input design_input_of(const struct need *need, struct arena *arena)
{
    struct design_input input = {
        .given = {.requirement = &need->requirement, .network = &need->network},
        .objective = OBJECTIVE_COST};
    for (int i = 0; i < need->wish_count; i++) {
        const struct wish *wish = &need->wishes[i];
        const char *site = need->network.sites.items[wish->site].id;
        const char *component =
            wish->component < 0 ? NULL : need->requirement.components.items[wish->component].name;
        if (wish->exclude)
            *LIST_ADD(arena, &input.exclusions) = (struct design_exclusion){component, site};
        else
            *LIST_ADD(arena, &input.pins) = (struct design_pin){component, wish->instance, site};
    }
    return input;
}

void random_need(struct rand *rand, struct need *out, struct arena *arena)
{
    *out = (struct need){0};
    random_network(rand, &out->network, arena);
    struct requirement *r = &out->requirement;
    size_t components = (size_t)pick(rand, 1, 3);
    for (size_t c = 0; c < components; c++)
        random_component(rand, LIST_ADD(arena, &r->components), c, components == 3 ? 2 : 3, arena);
    random_flows(rand, r, arena);
    if (chance(rand, 70))
        r->user_location = out->network.access.items[0].id;
    if (chance(rand, 30))
        r->network.public_ips = (struct opt_int){true, pick(rand, 0, 3)};
    if (components < 3 && chance(rand, 20))
        r->reliability.replicas = (struct opt_int){true, 2};
    if (chance(rand, 25))
        r->reliability.mode = MODE_ACTIVE_ACTIVE;
    if (chance(rand, 20))
        r->security.protection_level = (struct opt_int){true, pick(rand, 1, 3)};
    if (chance(rand, 10))
        r->security.data_residency = chance(rand, 50) ? "on-premises" : places[rand_below(rand, 3)];
    if (chance(rand, 40))
        r->service_level.availability_percent = some(97 + (double)pick(rand, 0, 2999) / 1000);
    if (chance(rand, 30)) {
        r->budget = arena_zalloc(arena, sizeof *r->budget);
        r->budget->currency = chance(rand, 90) ? 1 : 2;
        r->budget->period = (int)pick(rand, PERIOD_HOUR, PERIOD_ONCE);
        double month = (double)pick(rand, 200, 12000);
        r->budget->amount = r->budget->period == PERIOD_HOUR   ? month / 730
                            : r->budget->period == PERIOD_YEAR ? month * 12
                                                               : month;
        r->duration_days = (struct opt_double){chance(rand, 50), (double)pick(rand, 10, 90)};
    }
    random_wishes(rand, out);
}
