/* host_discover.c - the machine as a site: what swan-supervise measures there, the container
 * engine, and how far it is from here. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define ASK_MS 30000
#define GIB ((double)(1 << 30))

static const char engine_command[] =
    "for e in podman docker; do command -v $e >/dev/null 2>&1 && echo \"$e=$($e --version 2>&1 "
    "</dev/null | head -n 1)\"; done; for s in /run/docker.sock /run/podman/podman.sock "
    "\"/run/user/$(id -u)/podman/podman.sock\"; do [ -S \"$s\" ] && echo \"socket=$s\"; done; true";

/* "docker version 20.10.24+dfsg1, build …" → "docker 20.10.24+dfsg1" */
static const char *engine_name(struct arena *arena, const char *name, const char *line)
{
    const char *version = strstr(line, "version ");
    if (version == NULL)
        return name;
    version += strlen("version ");
    return arena_printf(arena, "%s %.*s", name, (int)strcspn(version, ", \n"), version);
}

/* Has a socket to speak to, better than a program that may start one. */
static void find_engine(struct host_machine *machine, struct provider_discovery *out)
{
    CLEANUP(buf_done) struct buf text = {.max = 64 << 10};
    int status = 0;
    if (machine->run(machine, engine_command, NULL, &text, NULL, &status, ASK_MS, NULL) != ERR_OK)
        return;
    char *copy = arena_strdup(machine->arena, buf_str(&text));
    const char *podman = NULL, *docker = NULL, *socket = NULL;
    for (char *save = NULL, *line = strtok_r(copy, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (!str_is_utf8(line, strlen(line)))
            continue;
        if (str_has_prefix(line, "podman="))
            podman = engine_name(machine->arena, "podman", line);
        else if (str_has_prefix(line, "docker="))
            docker = engine_name(machine->arena, "docker", line);
        else if (str_has_prefix(line, "socket=") && socket == NULL)
            socket = line + strlen("socket=");
    }
    bool docker_socket = socket != NULL && strstr(socket, "docker") != NULL;
    out->engine = docker_socket && docker != NULL ? docker : podman != NULL ? podman : docker;
    if (out->engine == NULL && socket != NULL)
        out->engine = docker_socket ? "docker" : "podman";
    if (socket != NULL)
        *LIST_ADD(machine->arena, &out->details) =
            (struct json_string_pair){"engine_socket", socket};
}

static void add_accelerator(struct arena *arena, const char *line, struct provider_discovery *out)
{
    int kind = str_has_prefix(line, "gpu:")   ? ACCELERATOR_GPU
               : str_has_prefix(line, "npu:") ? ACCELERATOR_NPU
                                              : ACCELERATOR_ABSENT;
    const char *model = line + strlen("gpu:");
    if (kind == ACCELERATOR_ABSENT || model[0] == '\0')
        return;
    for (size_t i = 0; i < out->accelerators.count; i++)
        if (out->accelerators.items[i].kind == kind &&
            str_eq(out->accelerators.items[i].model, model)) {
            out->accelerators.items[i].count++;
            return;
        }
    *LIST_ADD(arena, &out->accelerators) =
        (struct site_accelerator){.kind = kind, .model = model, .count = 1};
}

static void take_amount(const struct host_record *record, const char *key, double unit,
                        struct opt_double *out)
{
    double value;
    if (host_record_number(record, key, &value) && value >= 0)
        *out = (struct opt_double){true, value / unit};
}

/* What is used is at most what there is, whatever two files say that are read one after another. */
static void cap(struct opt_double *used, const struct opt_double *capacity)
{
    if (used->set && capacity->set && used->value > capacity->value)
        used->value = capacity->value;
}

static void take_record(struct arena *arena, const struct host_record *record,
                        struct provider_discovery *out)
{
    const char *arch = host_record_text(record, "arch");
    int known = str_eq(arch, "x86_64")                             ? ARCH_X86_64
                : str_eq(arch, "aarch64") || str_eq(arch, "arm64") ? ARCH_ARM64
                                                                   : ARCH_ABSENT;
    if (known != ARCH_ABSENT)
        *LIST_ADD(arena, &out->arch) = known;
    take_amount(record, "vcpus", 1, &out->capacity.vcpus);
    take_amount(record, "memory_bytes", GIB, &out->capacity.memory_gib);
    take_amount(record, "disk_bytes", GIB, &out->capacity.disk_gib);
    take_amount(record, "vcpus_used", 1, &out->used.vcpus);
    take_amount(record, "memory_used", GIB, &out->used.memory_gib);
    struct opt_double free = {0};
    take_amount(record, "disk_free", GIB, &free);
    if (free.set && out->capacity.disk_gib.set)
        out->used.disk_gib = (struct opt_double){true, out->capacity.disk_gib.value - free.value};
    cap(&out->used.vcpus, &out->capacity.vcpus);
    cap(&out->used.memory_gib, &out->capacity.memory_gib);
    for (size_t i = 0; i < record->lines.count; i++)
        if (str_eq(record->lines.items[i].name, "accelerator"))
            add_accelerator(arena, record->lines.items[i].value, out);
    bool systemd = str_eq(host_record_text(record, "systemd"), "yes");
    out->system = arena_printf(arena, "Linux %s, %s", host_record_text(record, "kernel"),
                               systemd ? "systemd" : "no systemd");
    static const char *const kept[] = {"hostname", "root"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        *LIST_ADD(arena, &out->details) =
            (struct json_string_pair){kept[i], host_record_text(record, kept[i])};
}

enum err_code host_discover_machine(struct host_machine *machine, struct provider_discovery *out,
                                    struct err *err)
{
    struct host_reply reply;
    struct provider_discovery found = {0};
    enum err_code rc = host_tool(machine, (const char *const[]){"discover", machine->base, NULL},
                                 NULL, &reply, ASK_MS, err);
    if (rc != ERR_OK)
        return rc;
    if (reply.records.count == 0)
        return err_set(err, ERR_TRANSIENT, "the machine tells nothing of itself");
    take_record(machine->arena, reply.records.items, &found);
    find_engine(machine, &found);
    if (machine->endpoint.remote)
        host_measure_ssh(machine, &found.latency_ms, &found.bandwidth_mbps);
    else
        host_measure_loopback(&found.latency_ms, &found.bandwidth_mbps);
    *LIST_ADD(machine->arena, &found.details) = (struct json_string_pair){
        "measured_by",
        machine->endpoint.remote ? "TCP connection, transfer through SSH" : "TCP on loopback"};
    *out = found;
    return ERR_OK;
}
