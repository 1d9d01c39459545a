/* bounds.c - keeps what was read within the contract of the Requirement.
 *
 * Contract: a number outside the bounds of the requirement's field table is not handed on; the
 * customer is asked about it instead, with the words it came from left in the spans. */
#include <math.h>

#include "intelligent/intent/intent_priv.h"

#define AMOUNT_MAX 1e12 /* as the field table: cores, GiB, Mbit/s, ms, requests */
#define COUNT_MAX 1e6   /* instances, cards, addresses, copies */
#define DAYS_MAX 1e6
#define MONEY_MAX 1e15

static void out_of_bounds(struct intent_read *read, const char *path)
{
    intent_ask(read, path, "contradiction", "the number is beyond what can be ordered");
}

static void bound_double(struct intent_read *read, struct opt_double *value, double max,
                         const char *path)
{
    if (value->set && !(isfinite(value->value) && value->value >= 0 && value->value <= max)) {
        *value = (struct opt_double){0};
        out_of_bounds(read, path);
    }
}

static void bound_int(struct intent_read *read, struct opt_int *value, double min, double max,
                      const char *path)
{
    if (value->set && !((double)value->value >= min && (double)value->value <= max)) {
        *value = (struct opt_int){0};
        out_of_bounds(read, path);
    }
}

static const char *component_path(struct intent_read *read, size_t index, const char *field)
{
    return arena_printf(read->arena, "components[%zu].%s", index, field);
}

void intent_bound(struct intent_read *read)
{
    struct requirement *r = &read->out->requirement;
    for (size_t i = 0; i < r->components.count; i++) {
        struct requirement_component *c = &r->components.items[i];
        bound_int(read, &c->instances, 1, COUNT_MAX, component_path(read, i, "instances"));
        bound_double(read, &c->vcpus, AMOUNT_MAX, component_path(read, i, "vcpus"));
        bound_double(read, &c->memory_gib, AMOUNT_MAX, component_path(read, i, "memory_gib"));
        bound_double(read, &c->disk_gib, AMOUNT_MAX, component_path(read, i, "disk_gib"));
        if (c->accelerator && !((double)c->accelerator->count <= COUNT_MAX)) {
            c->accelerator = NULL;
            out_of_bounds(read, component_path(read, i, "accelerator.count"));
        }
    }
    bound_double(read, &r->network.bandwidth_mbps, AMOUNT_MAX, "network.bandwidth_mbps");
    bound_int(read, &r->network.public_ips, 0, COUNT_MAX, "network.public_ips");
    bound_double(read, &r->network.max_latency_ms, AMOUNT_MAX, "network.max_latency_ms");
    bound_double(read, &r->service_level.max_response_ms, AMOUNT_MAX,
                 "service_level.max_response_ms");
    bound_double(read, &r->service_level.throughput_per_s, AMOUNT_MAX,
                 "service_level.throughput_per_s");
    bound_int(read, &r->service_level.concurrent_users, 0, AMOUNT_MAX,
              "service_level.concurrent_users");
    bound_int(read, &r->reliability.replicas, 1, COUNT_MAX, "reliability.replicas");
    bound_int(read, &r->security.protection_level, 1, 5, "security.protection_level");
    bound_double(read, &r->duration_days, DAYS_MAX, "duration_days");
    if (r->budget && !(r->budget->amount >= 0 && r->budget->amount <= MONEY_MAX)) {
        r->budget = NULL;
        out_of_bounds(read, "budget");
    }
}
