/* docker_create.c - the JSON that asks an engine for a container.
 *
 * Contract: pure; the same spec gives the same text. */
#include "provision/providers/docker/docker_priv.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define NANO 1e9
#define BYTES_PER_GIB 1073741824.0
#define FIRST_CHOSEN_PORT 8080 /* inside, for a port that is told by $PORT */
/* What any engine grants: more than its own hard limit cannot be set without CAP_SYS_RESOURCE, and
 * the limits of an engine cannot be asked for. */
#define NOFILE_SOFT 1024
#define NOFILE_HARD 4096
#define NPROC 4096

static bool is_taken(const struct plan_task_spec *spec, int64_t port)
{
    for (size_t i = 0; i < spec->ports.count; i++) {
        if (spec->ports.items[i].port == port) {
            return true;
        }
    }
    return false;
}

int64_t docker_inner_port(const struct plan_task_spec *spec, size_t index)
{
    if (spec->ports.items[index].port != 0) {
        return spec->ports.items[index].port;
    }
    int64_t port = FIRST_CHOSEN_PORT - 1;
    for (size_t i = 0; i <= index; i++) {
        if (spec->ports.items[i].port == 0) {
            do {
                port++;
            } while (is_taken(spec, port));
        }
    }
    return port;
}

static const char *transport_of(const struct plan_port *port)
{
    return str_eq(port->protocol, "udp") ? "udp" : "tcp";
}

static void put_ulimit(struct json_writer *w, const char *name, int64_t soft, int64_t hard)
{
    json_begin(w, '{');
    json_member_text(w, "Name", name);
    json_member_int(w, "Soft", soft);
    json_member_int(w, "Hard", hard);
    json_end(w, '}');
}

static void put_ports(struct json_writer *w, const struct docker_engine *engine,
                      const struct plan_task_spec *spec, bool bindings, struct arena *arena)
{
    json_begin(w, '{');
    for (size_t i = 0; i < spec->ports.count; i++) {
        const struct plan_port *port = &spec->ports.items[i];
        json_key(w, arena_printf(arena, "%lld/%s", (long long)docker_inner_port(spec, i),
                                 transport_of(port)));
        if (!bindings) {
            json_begin(w, '{');
            json_end(w, '}');
            continue;
        }
        json_begin(w, '[');
        json_begin(w, '{');
        json_member_text(w, "HostIp", engine->local ? "127.0.0.1" : "0.0.0.0");
        json_member_text(
            w, "HostPort",
            port->host_port != 0 ? arena_printf(arena, "%lld", (long long)port->host_port) : "");
        json_end(w, '}');
        json_end(w, ']');
    }
    json_end(w, '}');
}

static void put_host_config(struct json_writer *w, const struct docker_engine *engine,
                            const struct plan_task_spec *spec, bool limits, struct arena *arena)
{
    json_begin(w, '{');
    if (limits && spec->vcpus.set) {
        json_member_int(w, "NanoCpus", (int64_t)(spec->vcpus.value * NANO));
    }
    if (limits && spec->memory_gib.set) {
        json_member_int(w, "Memory", (int64_t)(spec->memory_gib.value * BYTES_PER_GIB));
    }
    json_key(w, "PortBindings");
    put_ports(w, engine, spec, true, arena);
    json_key(w, "RestartPolicy");
    json_begin(w, '{');
    json_member_text(w, "Name", "unless-stopped");
    json_end(w, '}');
    /* Both are always said: podman 4.3.1 asks for more than it may set where they are not. */
    json_key(w, "Ulimits");
    json_begin(w, '[');
    put_ulimit(w, "nofile", NOFILE_SOFT, NOFILE_HARD);
    put_ulimit(w, "nproc", NPROC, NPROC);
    json_end(w, ']');
    json_end(w, '}');
}

static void put_environment(struct json_writer *w, const struct plan_task_spec *spec,
                            struct arena *arena)
{
    bool has_port = false;
    json_begin(w, '[');
    for (size_t i = 0; i < spec->environment.count; i++) {
        const struct json_string_pair *pair = &spec->environment.items[i];
        has_port = has_port || str_eq(pair->name, "PORT");
        json_put_text(w, arena_printf(arena, "%s=%s", pair->name, pair->value));
    }
    if (!has_port && spec->ports.count > 0) {
        json_put_text(w, arena_printf(arena, "PORT=%lld", (long long)docker_inner_port(spec, 0)));
    }
    json_end(w, ']');
}

static void put_label(struct json_writer *w, const char *key, const char *value)
{
    if (value != NULL) {
        json_member_text(w, key, value);
    }
}

char *docker_container_body(const struct docker_engine *engine, const struct plan_task_spec *spec,
                            const char *image, const char *digest, bool limits, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct json_writer writer = JSON_WRITER(&text), *w = &writer;
    json_begin(w, '{');
    json_member_text(w, "Image", image);
    if (spec->command.count > 0) {
        json_key(w, "Cmd");
        json_begin(w, '[');
        for (size_t i = 0; i < spec->command.count; i++) {
            json_put_text(w, spec->command.items[i]);
        }
        json_end(w, ']');
    }
    json_key(w, "Env");
    put_environment(w, spec, arena);
    json_key(w, "Labels");
    json_begin(w, '{');
    put_label(w, DOCKER_LABEL_NAME, spec->name);
    put_label(w, DOCKER_LABEL_SPEC, digest);
    put_label(w, "swan.deployment", spec->deployment);
    put_label(w, "swan.component", spec->component);
    put_label(w, "swan.application", spec->application);
    json_end(w, '}');
    json_key(w, "ExposedPorts");
    put_ports(w, engine, spec, false, arena);
    json_key(w, "HostConfig");
    put_host_config(w, engine, spec, limits, arena);
    json_end(w, '}');
    return arena_strdup(arena, buf_str(&text));
}
