/* simulator_capacity.c - what a simulated site still has, and the addresses it gives away.
 *
 * Contract: pure.  A thing takes what its spec says: servers and instances take vCPUs, memory, disk
 * and accelerators (an instance that names a server as target runs inside it and takes nothing
 * more), bandwidth takes bandwidth, an address one public address, a delivered artefact its bytes
 * of disk.  Things that are being removed still count.  O(things). */
#include "provision/providers/simulator/simulator_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#define BYTES_PER_GIB 1073741824.0
#define PUBLIC_HOSTS 254 /* of 203.0.113.0/24, RFC 5737 */
#define PORT_FIRST 20000 /* for a port that the spec leaves open */
#define PORT_COUNT 10000
#define TOLERANCE 1e-6

struct take {
    double vcpus, memory_gib, disk_gib, bandwidth_mbps;
    int64_t public_ips, accelerators;
};

static bool runs_inside_another(const struct simulator_thing *thing)
{
    return thing->kind == TASK_INSTANCE && thing->spec.target != NULL;
}

/* Adds what the thing takes; accelerators only those of `kind` and, where not NULL, `model`. */
static void add_take(const struct simulator_thing *thing, int kind, const char *model,
                     struct take *take)
{
    const struct plan_task_spec *spec = &thing->spec;
    switch (thing->kind) {
    case TASK_SERVER:
    case TASK_INSTANCE:
        if (runs_inside_another(thing)) {
            return;
        }
        take->vcpus += spec->vcpus.value;
        take->memory_gib += spec->memory_gib.value;
        take->disk_gib += spec->disk_gib.value;
        if (spec->accelerator != NULL && spec->accelerator->kind == kind &&
            (model == NULL || str_eq(spec->accelerator->model, model))) {
            take->accelerators += spec->accelerator->count;
        }
        return;
    case TASK_BANDWIDTH:
        take->bandwidth_mbps += spec->bandwidth_mbps.value;
        return;
    case TASK_ADDRESS:
        take->public_ips++;
        return;
    case TASK_DELIVER:
        take->disk_gib += (double)spec->artefact_bytes / BYTES_PER_GIB;
        return;
    default:
        return;
    }
}

static enum err_code check_one(const char *what, double used, double asked, bool limited,
                               double limit, struct err *err)
{
    if (!limited || asked <= 0 || used + asked <= limit + TOLERANCE) {
        return ERR_OK;
    }
    err_set(err, ERR_CAPACITY, "the simulated site has %g %s, %g are taken, %g more are asked",
            limit, what, used, asked);
    err_hint(err, "remove something there, or choose another site");
    return ERR_CAPACITY;
}

static enum err_code check_accelerators(const struct simulator_world *world,
                                        const struct simulator_thing *thing, int64_t used_kind,
                                        int64_t used_model, struct err *err)
{
    const struct requirement_accelerator *asked = thing->spec.accelerator;
    if (asked == NULL || asked->count <= 0 || runs_inside_another(thing) ||
        (thing->kind != TASK_SERVER && thing->kind != TASK_INSTANCE)) {
        return ERR_OK;
    }
    int64_t of_kind = 0, of_model = 0;
    for (size_t i = 0; i < world->accelerators.count; i++) {
        const struct site_accelerator *has = &world->accelerators.items[i];
        if (has->kind == asked->kind) {
            of_kind += has->count;
            of_model += asked->model == NULL || str_eq(has->model, asked->model) ? has->count : 0;
        }
    }
    enum err_code rc = check_one("accelerators of that model", (double)used_model,
                                 (double)asked->count, true, (double)of_model, err);
    if (rc == ERR_OK) {
        rc = check_one("accelerators of that kind", (double)used_kind, (double)asked->count, true,
                       (double)of_kind, err);
    }
    return rc;
}

enum err_code simulator_capacity_check(const struct simulator_world *world,
                                       const struct simulator_things *things,
                                       const struct simulator_thing *thing, struct err *err)
{
    const struct requirement_accelerator *accelerator = thing->spec.accelerator;
    int kind = accelerator != NULL ? accelerator->kind : ACCELERATOR_ABSENT;
    const char *model = accelerator != NULL ? accelerator->model : NULL;
    struct take used = {0}, used_model = {0}, asked = {0};
    for (size_t i = 0; i < things->items.count; i++) {
        const struct simulator_thing *other = &things->items.items[i];
        if (!str_eq(other->name, thing->name)) {
            add_take(other, kind, NULL, &used);
            add_take(other, kind, model, &used_model);
        }
    }
    add_take(thing, kind, model, &asked);
    const struct {
        const char *what;
        double used, asked;
        bool limited;
        double limit;
    } rows[] = {
        {"vCPUs", used.vcpus, asked.vcpus, world->capacity.vcpus.set, world->capacity.vcpus.value},
        {"GiB of memory", used.memory_gib, asked.memory_gib, world->capacity.memory_gib.set,
         world->capacity.memory_gib.value},
        {"GiB of disk", used.disk_gib, asked.disk_gib, world->capacity.disk_gib.set,
         world->capacity.disk_gib.value},
        {"Mbit/s of bandwidth", used.bandwidth_mbps, asked.bandwidth_mbps,
         world->bandwidth_mbps.set, world->bandwidth_mbps.value},
        {"public addresses", (double)used.public_ips, (double)asked.public_ips, true,
         world->public_ips.set ? (double)world->public_ips.value : PUBLIC_HOSTS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err_code rc = check_one(rows[i].what, rows[i].used, rows[i].asked, rows[i].limited,
                                     rows[i].limit, err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
    return check_accelerators(world, thing, used.accelerators, used_model.accelerators, err);
}

/* A public address: where the draw points, or the next free one after it. */
static enum err_code public_address(const struct simulator_world *world,
                                    const struct simulator_things *things,
                                    struct simulator_thing *thing, struct arena *arena,
                                    struct err *err)
{
    bool taken[PUBLIC_HOSTS] = {false};
    for (size_t i = 0; i < things->items.count; i++) {
        const struct simulator_thing *other = &things->items.items[i];
        int host = 0;
        if (!str_eq(other->name, thing->name) && other->kind == TASK_ADDRESS &&
            other->result.address != NULL &&
            sscanf(other->result.address, "203.0.113.%3d", &host) == 1 && host >= 1 &&
            host <= PUBLIC_HOSTS) {
            taken[host - 1] = true;
        }
    }
    size_t first = (size_t)(simulator_draw(world, thing->name, "address", 0) % PUBLIC_HOSTS);
    for (size_t i = 0; i < PUBLIC_HOSTS; i++) {
        size_t host = (first + i) % PUBLIC_HOSTS;
        if (!taken[host]) {
            thing->result.address = arena_printf(arena, "203.0.113.%zu", host + 1);
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CAPACITY, "no simulated address is left in 203.0.113.0/24");
}

enum err_code simulator_capacity_address(const struct simulator_world *world, const char *endpoint,
                                         const struct simulator_things *things,
                                         struct simulator_thing *thing, struct arena *arena,
                                         struct err *err)
{
    if (thing->kind == TASK_ADDRESS) {
        return public_address(world, things, thing, arena, err);
    }
    if (thing->kind != TASK_SERVER && thing->kind != TASK_INSTANCE) {
        return ERR_OK;
    }
    /* The site is the network half of the address, the name the host half. */
    uint64_t site = simulator_draw(world, endpoint, "network", 0);
    uint64_t host = simulator_draw(world, thing->name, "address", 0);
    thing->result.address = arena_printf(
        arena, "2001:db8:%x:%x:%x:%x:%x:%x", (unsigned)(site >> 16 & 0xffff),
        (unsigned)(site & 0xffff), (unsigned)(host >> 48), (unsigned)(host >> 32 & 0xffff),
        (unsigned)(host >> 16 & 0xffff), (unsigned)(host & 0xffff));
    thing->result.ports.items = NULL;
    thing->result.ports.count = 0;
    for (size_t i = 0; i < thing->spec.ports.count; i++) {
        struct plan_port port = thing->spec.ports.items[i];
        if (port.port == 0) {
            port.port = port.host_port != 0 ? port.host_port
                                            : PORT_FIRST + (int64_t)((host + i) % PORT_COUNT);
        }
        if (port.host_port == 0) {
            port.host_port = port.port;
        }
        *LIST_ADD(arena, &thing->result.ports) = port;
    }
    return ERR_OK;
}
