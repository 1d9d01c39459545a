/* docker_observe.c - what an engine's machine has, and what runs there.
 *
 * Contract: reads only.  CPU shares are measured: two samples of each container's counters, at
 * least SAMPLE_GAP_MS apart, for at most SAMPLED_MAX containers; what could not be measured is
 * absent.  A container that goes while we look is left out. */
#include "provision/providers/docker/docker_priv.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define BYTES_PER_GIB 1073741824.0
#define BYTES_PER_MIB 1048576.0
#define SAMPLED_MAX 64
#define SAMPLE_GAP_MS 250
#define PINGS 3

struct sample {
    bool good;
    double cpu_ns, memory_bytes;
    int64_t at_us;
};

struct listed {
    const char *id, *name; /* name: of the label, or NULL */
    const char *state, *status;
    struct docker_container container;
    struct sample first, second;
};
struct listing {
    LIST(struct listed) items;
};

/* All containers, running or not; by label only those that carry ours. */
static enum err_code list(const struct docker_engine *engine, bool all, struct listing *out,
                          struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {.path = all ? "/containers/json?all=true" : "/containers/json",
                               .what = "listing containers"};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (reply.root == NULL || reply.body[0] != '[') {
        return docker_reply_nonsense("listing containers", err);
    }
    for (size_t i = 0; i < json_size(reply.root); i++) {
        const struct json_value *item = json_at(reply.root, i);
        const char *id = json_text(json_get(item, "Id"), NULL);
        if (id == NULL || *id == '\0' || strspn(id, "0123456789abcdef") != strlen(id)) {
            continue;
        }
        struct listed *one = LIST_ADD(arena, &out->items);
        one->id = arena_strdup(arena, id);
        one->name = arena_strdup(
            arena, json_text(json_get(json_get(item, "Labels"), DOCKER_LABEL_NAME), NULL));
        one->state = arena_strdup(arena, json_text(json_get(item, "State"), "unknown"));
        one->status = arena_strdup(arena, json_text(json_get(item, "Status"), ""));
        one->container.id = one->id;
        one->container.image = arena_strdup(arena, json_text(json_get(item, "Image"), ""));
        one->container.state = one->state;
        const struct json_value *ports = json_get(item, "Ports");
        for (size_t k = 0; k < json_size(ports); k++) {
            const struct json_value *port = json_at(ports, k);
            int64_t outside = json_int(json_get(port, "PublicPort"), 0);
            if (outside >= 1 && outside <= 65535) {
                *LIST_ADD(arena, &one->container.ports) = (struct plan_port){
                    .port = json_int(json_get(port, "PrivatePort"), 0),
                    .host_port = outside,
                    .protocol = arena_strdup(arena, json_text(json_get(port, "Type"), "tcp"))};
            }
        }
    }
    return arena_check(arena, err);
}

/* One reading of the counters; not good when the engine does not give them. */
static enum err_code take_sample(const struct docker_engine *engine, const char *id,
                                 struct sample *out, struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_request request = {
        .method = "GET",
        .path = arena_printf(arena, "/containers/%s/stats?stream=false&one-shot=true", id)};
    enum err_code rc = docker_engine_call(engine, &request, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    double cpu = json_number(json_path(reply.root, "cpu_stats.cpu_usage.total_usage"), -1);
    double memory = json_number(json_path(reply.root, "memory_stats.usage"), -1);
    *out = (struct sample){.good = reply.status == 200 && cpu >= 0 && memory > 0,
                           .cpu_ns = cpu,
                           .memory_bytes = memory,
                           .at_us = clock_mono_us()};
    return ERR_OK;
}

/* Fills both samples of the running items that `ours` asks for. */
static enum err_code measure(const struct docker_engine *engine, struct listing *listing, bool ours,
                             struct arena *arena, struct err *err)
{
    for (int round = 0; round < 2; round++) {
        size_t sampled = 0;
        for (size_t i = 0; i < listing->items.count && sampled < SAMPLED_MAX; i++) {
            struct listed *one = &listing->items.items[i];
            if ((one->name != NULL) != ours || !str_eq(one->state, "running")) {
                continue;
            }
            sampled++;
            enum err_code rc =
                take_sample(engine, one->id, round == 0 ? &one->first : &one->second, arena, err);
            if (rc != ERR_OK) {
                return rc;
            }
        }
        if (round == 0 && sampled > 0) {
            enum err_code rc = docker_wait(engine, SAMPLE_GAP_MS, err);
            if (rc != ERR_OK) {
                return rc;
            }
        }
        if (sampled == 0) {
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* Of one core = 1; negative when not measured. */
static double cores_of(const struct listed *one)
{
    double passed_us = (double)(one->second.at_us - one->first.at_us);
    if (!one->first.good || !one->second.good || passed_us <= 0 ||
        one->second.cpu_ns < one->first.cpu_ns) {
        return -1;
    }
    return (one->second.cpu_ns - one->first.cpu_ns) / (passed_us * 1000.0);
}

enum err_code docker_observe_containers(const struct docker_engine *engine, const char *prefix,
                                        struct provider_observations *out, struct arena *arena,
                                        struct err *err)
{
    struct listing listing = {{0}}, wanted = {{0}};
    enum err_code rc = list(engine, true, &listing, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    for (size_t i = 0; i < listing.items.count; i++) {
        const struct listed *one = &listing.items.items[i];
        if (one->name != NULL && str_has_prefix(one->name, prefix != NULL ? prefix : "")) {
            *LIST_ADD(arena, &wanted.items) = *one;
        }
    }
    rc = measure(engine, &wanted, true, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    struct provider_observations seen = {{0}};
    const struct plan_task_spec none = {0};
    for (size_t i = 0; i < wanted.items.count; i++) {
        const struct listed *one = &wanted.items.items[i];
        struct provider_observation *item = LIST_ADD(arena, &seen.items);
        item->name = one->name;
        item->up = str_eq(one->state, "running");
        item->text = arena_printf(arena, "%s, %s", one->state, one->status);
        docker_container_result(engine, &one->container, &none, &item->result, arena);
        item->result.ports.items = one->container.ports.items;
        item->result.ports.count = one->container.ports.count;
        double cores = cores_of(one);
        if (cores >= 0) {
            item->cpu_percent = (struct opt_double){true, cores * 100.0};
        }
        if (one->second.good) {
            item->memory_mib = (struct opt_double){true, one->second.memory_bytes / BYTES_PER_MIB};
        }
    }
    *out = seen;
    return ERR_OK;
}

/* ---- the site ---- */

static int arch_of(const char *name)
{
    if (str_eq(name, "x86_64") || str_eq(name, "amd64")) {
        return ARCH_X86_64;
    }
    return str_eq(name, "aarch64") || str_eq(name, "arm64") ? ARCH_ARM64 : ARCH_ABSENT;
}

static enum err_code read_info(const struct docker_engine *engine, struct provider_discovery *out,
                               struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {.path = "/info", .what = "asking for its figures"};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    double cores = json_number(json_get(reply.root, "NCPU"), 0);
    double memory = json_number(json_get(reply.root, "MemTotal"), 0);
    if (!(cores >= 1 && cores <= 1e6) || !(memory > 0 && memory < 1e18)) {
        return docker_reply_nonsense("asking for its figures", err);
    }
    out->capacity.vcpus = (struct opt_double){true, cores};
    out->capacity.memory_gib = (struct opt_double){true, memory / BYTES_PER_GIB};
    int arch = arch_of(json_text(json_get(reply.root, "Architecture"), ""));
    if (arch != ARCH_ABSENT) {
        *LIST_ADD(arena, &out->arch) = arch;
    }
    out->system = arena_printf(arena, "%s, Linux %s",
                               json_text(json_get(reply.root, "OperatingSystem"), "unknown"),
                               json_text(json_get(reply.root, "KernelVersion"), "unknown"));
    struct statvfs disk;
    const char *root = json_text(json_get(reply.root, "DockerRootDir"), NULL);
    if (engine->unix_socket != NULL && root != NULL && root[0] == '/' &&
        statvfs(root, &disk) == 0) {
        double block = (double)disk.f_frsize;
        out->capacity.disk_gib =
            (struct opt_double){true, (double)disk.f_blocks * block / BYTES_PER_GIB};
        out->used.disk_gib = (struct opt_double){true, (double)(disk.f_blocks - disk.f_bavail) *
                                                           block / BYTES_PER_GIB};
    }
    const char *cgroup = json_text(json_get(reply.root, "CgroupVersion"), NULL);
    if (cgroup != NULL) {
        *LIST_ADD(arena, &out->details) =
            (struct json_string_pair){"cgroup_version", arena_strdup(arena, cgroup)};
    }
    return ERR_OK;
}

static enum err_code read_version(const struct docker_engine *engine,
                                  struct provider_discovery *out, struct arena *arena,
                                  struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {.path = "/version", .what = "asking for its version"};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    const char *component = json_text(json_path(reply.root, "Components[0].Name"), "");
    out->engine =
        arena_printf(arena, "%s %s", str_has_prefix(component, "Podman") ? "podman" : "docker",
                     json_text(json_get(reply.root, "Version"), "unknown"));
    const char *api = json_text(json_get(reply.root, "ApiVersion"), NULL);
    if (api != NULL) {
        *LIST_ADD(arena, &out->details) =
            (struct json_string_pair){"api_version", arena_strdup(arena, api)};
    }
    return ERR_OK;
}

/* The shortest of a few round trips. */
static enum err_code measure_latency(const struct docker_engine *engine,
                                     struct provider_discovery *out, struct arena *arena,
                                     struct err *err)
{
    double best = INFINITY;
    for (int i = 0; i < PINGS; i++) {
        CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
        struct docker_request request = {.method = "GET", .path = "/_ping"};
        int64_t start = clock_mono_us();
        enum err_code rc = docker_engine_call(engine, &request, &reply, arena, err);
        if (rc != ERR_OK) {
            return rc;
        }
        best = fmin(best, (double)(clock_mono_us() - start) / 1000.0);
    }
    out->latency_ms = (struct opt_double){true, best};
    return ERR_OK;
}

enum err_code docker_observe_site(const struct docker_engine *engine,
                                  struct provider_discovery *out, struct arena *arena,
                                  struct err *err)
{
    struct provider_discovery found = {0};
    struct listing listing = {{0}};
    enum err_code rc = read_info(engine, &found, arena, err);
    if (rc == ERR_OK) {
        rc = read_version(engine, &found, arena, err);
    }
    if (rc == ERR_OK) {
        rc = measure_latency(engine, &found, arena, err);
    }
    if (rc == ERR_OK) {
        rc = list(engine, false, &listing, arena, err);
    }
    if (rc == ERR_OK) {
        rc = measure(engine, &listing, false, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    /* The engine knows of containers only; other programs of the machine are not in this figure. */
    double cores = 0, memory = 0;
    int64_t others = 0;
    for (size_t i = 0; i < listing.items.count; i++) {
        const struct listed *one = &listing.items.items[i];
        if (one->name != NULL) {
            continue;
        }
        others++;
        cores += fmax(cores_of(one), 0);
        memory += one->second.good ? one->second.memory_bytes : 0;
    }
    found.used.vcpus = (struct opt_double){true, cores};
    found.used.memory_gib = (struct opt_double){true, memory / BYTES_PER_GIB};
    *LIST_ADD(arena, &found.details) = (struct json_string_pair){
        "used_by",
        arena_printf(arena, "%lld running containers that are not Swan's", (long long)others)};
    *out = found;
    return ERR_OK;
}
