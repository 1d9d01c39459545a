/* docker_container.c - one container a name: inspect, make, replace, remove.
 *
 * Contract: the engine admits a name once, so of callers at the same time one creates and the rest
 * find what it made; what is removed is removed by its id, so a container that another caller has
 * made since under the same name stays.  apply is a loop over "look, then one step", bounded in
 * steps: absent → create → start → up; stopped → start; other spec → remove.  Killed after create,
 * it leaves a container that check calls broken, and the next apply starts it.  A container of that
 * name without our label is left alone by every verb.
 *
 * Fault points: provider.docker.apply.half (created, not started), provider.docker.undo.half
 * (stopped, not removed). */
#include "provision/providers/docker/docker_priv.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#define STEPS_MAX 12       /* of one apply */
#define STEP_WAIT_MS 100   /* when another caller is at work on the name */
#define START_WAIT_MS 2000 /* for another caller's start to end */
#define RECREATED_MAX 3
#define STOP_TIME_S 2 /* between SIGTERM and SIGKILL */
#define GONE_TIMEOUT_MS 10000
#define CALL_TIMEOUT_MS 60000 /* an engine under load takes long to start a container */

char *docker_container_name(const char *name, struct arena *arena)
{
    size_t length = strlen(name);
    bool fits = length >= 2 && length <= 128 && isalnum((unsigned char)name[0]);
    for (const char *at = name; *at != '\0' && fits; at++) {
        fits = isalnum((unsigned char)*at) || strchr("-_.", *at) != NULL;
    }
    if (fits) {
        return arena_strdup(arena, name);
    }
    char digest[ID_DIGEST_SIZE];
    id_digest(name, length, digest);
    return arena_printf(arena, "swan-%.32s", digest + strlen("sha256:"));
}

/* "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}, …] */
static void read_ports(const struct json_value *map, struct docker_container *out,
                       struct arena *arena)
{
    size_t at = 0;
    const char *key = NULL;
    const struct json_value *bindings = NULL;
    while (json_each(map, &at, &key, &bindings)) {
        int64_t inside = 0, outside = 0;
        const char *slash = strchr(key, '/');
        const char *published = json_text(json_get(json_at(bindings, 0), "HostPort"), "");
        if (slash == NULL ||
            str_to_int64(arena_strndup(arena, key, (size_t)(slash - key)), &inside, NULL) !=
                ERR_OK ||
            str_to_int64(published, &outside, NULL) != ERR_OK || inside < 1 || inside > 65535 ||
            outside < 1 || outside > 65535) {
            continue;
        }
        *LIST_ADD(arena, &out->ports) = (struct plan_port){
            .port = inside, .host_port = outside, .protocol = arena_strdup(arena, slash + 1)};
    }
}

enum err_code docker_container_inspect(const struct docker_engine *engine, const char *name,
                                       struct docker_container *out, struct arena *arena,
                                       struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_look look = {
        .path = arena_printf(arena, "/containers/%s/json", docker_container_name(name, arena)),
        .what = "looking at a container",
        .may_lack = true};
    enum err_code rc = docker_engine_look(engine, &look, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    *out = (struct docker_container){0};
    if (reply.status == 404) {
        return ERR_OK;
    }
    const struct json_value *root = reply.root;
    const char *id = json_text(json_get(root, "Id"), NULL);
    const char *status = json_text(json_path(root, "State.Status"), NULL);
    if (id == NULL || *id == '\0' || strspn(id, "0123456789abcdef") != strlen(id) ||
        status == NULL) {
        return docker_reply_nonsense("looking at a container", err);
    }
    const struct json_value *labels = json_path(root, "Config.Labels");
    struct docker_container found = {
        .found = true,
        .ours = str_eq(json_text(json_get(labels, DOCKER_LABEL_NAME), NULL), name),
        .id = arena_strdup(arena, id),
        .digest = arena_strdup(arena, json_text(json_get(labels, DOCKER_LABEL_SPEC), "")),
        .state = arena_strdup(arena, status),
        .exit_code = json_int(json_path(root, "State.ExitCode"), 0),
        .pid = json_int(json_path(root, "State.Pid"), 0),
        .restarts = json_int(json_get(root, "RestartCount"), 0),
        .memory_limited = json_number(json_path(root, "HostConfig.Memory"), 0) > 0,
        .cpu_limited = json_number(json_path(root, "HostConfig.NanoCpus"), 0) > 0 ||
                       json_number(json_path(root, "HostConfig.CpuQuota"), 0) > 0,
        .image = arena_strdup(arena, json_text(json_path(root, "Config.Image"), "")),
    };
    read_ports(json_path(root, "NetworkSettings.Ports"), &found, arena);
    *out = found;
    return ERR_OK;
}

bool docker_container_is_up(const struct docker_container *container)
{
    return container->found && str_eq(container->state, "running");
}

static const char *note_of(const struct docker_container *container,
                           const struct plan_task_spec *spec, struct arena *arena)
{
    CLEANUP(buf_done) struct buf note = BUF_INIT;
    if (spec->vcpus.set && !container->cpu_limited) {
        buf_add_str(&note, "cpu limit not enforced by the engine; ");
    }
    if (spec->memory_gib.set && !container->memory_limited) {
        buf_add_str(&note, "memory limit not enforced by the engine; ");
    }
    if (spec->disk_gib.set) {
        buf_add_str(&note, "disk size is not limited; ");
    }
    return note.len > 2 ? arena_strndup(arena, buf_str(&note), note.len - 2) : NULL;
}

static bool speaks_http(const struct plan_port *port)
{
    return port->protocol == NULL || str_eq(port->protocol, "http");
}

void docker_container_result(const struct docker_engine *engine,
                             const struct docker_container *container,
                             const struct plan_task_spec *spec, struct plan_task_result *out,
                             struct arena *arena)
{
    struct plan_task_result result = {.ref = arena_strndup(arena, container->id, 12),
                                      .address = engine->host,
                                      .note = note_of(container, spec, arena)};
    for (size_t i = 0; i < spec->ports.count; i++) {
        struct plan_port port = spec->ports.items[i];
        port.port = docker_inner_port(spec, i);
        port.host_port = 0;
        const char *transport = str_eq(port.protocol, "udp") ? "udp" : "tcp";
        for (size_t k = 0; k < container->ports.count; k++) {
            const struct plan_port *published = &container->ports.items[k];
            if (published->port == port.port && str_eq(published->protocol, transport)) {
                port.host_port = published->host_port;
            }
        }
        *LIST_ADD(arena, &result.ports) = port;
        if (result.url == NULL && port.host_port != 0 && speaks_http(&port)) {
            bool v6 = strchr(engine->host, ':') != NULL;
            result.url = arena_printf(arena, v6 ? "http://[%s]:%lld/" : "http://%s:%lld/",
                                      engine->host, (long long)port.host_port);
        }
    }
    *LIST_ADD(arena, &result.details) = (struct json_string_pair){"image", container->image};
    *LIST_ADD(arena, &result.details) = (struct json_string_pair){"state", container->state};
    if (container->pid > 0) {
        *LIST_ADD(arena, &result.details) = (struct json_string_pair){
            "pid", arena_printf(arena, "%lld", (long long)container->pid)};
    }
    *out = result;
}

/* ---- removing ---- */

static enum err_code wait_until_gone(const struct docker_engine *engine, const char *id,
                                     struct arena *arena, struct err *err)
{
    int64_t end = clock_mono_ms() + GONE_TIMEOUT_MS;
    for (;;) {
        CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
        struct docker_request request = {.method = "GET",
                                         .path = arena_printf(arena, "/containers/%s/json", id)};
        enum err_code rc = docker_engine_call(engine, &request, &reply, arena, err);
        if (rc != ERR_OK) {
            return rc;
        }
        if (reply.status == 404) {
            return ERR_OK;
        }
        if (clock_mono_ms() > end) {
            return err_set(err, ERR_TRANSIENT, "container %.12s does not go away", id);
        }
        rc = docker_wait(engine, STEP_WAIT_MS, err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
}

enum err_code docker_container_remove(const struct docker_engine *engine, const char *id,
                                      struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_request request = {
        .method = "DELETE",
        .path = arena_printf(arena, "/containers/%s?force=true&v=true", id),
        .timeout_ms = CALL_TIMEOUT_MS};
    enum err_code rc = docker_engine_call(engine, &request, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    /* 409: its removal is under way.  An engine's 5xx may come after it is gone: look. */
    if (reply.status != 200 && reply.status != 204 && reply.status != 404 && reply.status != 409 &&
        reply.status < 500) {
        return docker_reply_error(&reply, "removing a container", arena, err);
    }
    return reply.status == 404 ? ERR_OK : wait_until_gone(engine, id, arena, err);
}

static enum err_code stop(const struct docker_engine *engine, const char *id, struct arena *arena,
                          struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    struct docker_request request = {
        .method = "POST",
        .path = arena_printf(arena, "/containers/%s/stop?t=%d", id, STOP_TIME_S),
        .timeout_ms = CALL_TIMEOUT_MS};
    /* A refusal does not matter: what follows removes by force. */
    return docker_engine_call(engine, &request, &reply, arena, err);
}

enum err_code docker_container_undo(const struct docker_engine *engine, struct arena *arena,
                                    struct err *err)
{
    struct docker_container container = {0};
    enum err_code rc =
        docker_container_inspect(engine, engine->call->spec->name, &container, arena, err);
    if (rc != ERR_OK || !container.found || !container.ours) {
        return rc;
    }
    if (!str_eq(container.state, "created") && !str_eq(container.state, "removing")) {
        rc = stop(engine, container.id, arena, err);
    }
    if (rc == ERR_OK) {
        rc = FAULT_POINT("provider.docker.undo.half", err);
    }
    return rc == ERR_OK ? docker_container_remove(engine, container.id, arena, err) : rc;
}

/* ---- making ---- */

/* One apply: what has been tried until now. */
struct making {
    const struct docker_engine *engine;
    const struct plan_task_spec *spec;
    const char *image;
    char digest[ID_DIGEST_SIZE];
    bool limits;   /* asked for until the engine refuses them */
    int recreated; /* how often, because the port that the engine chose was taken */
};

/* The engine refuses limits because the machine below it has none to give; that we can do without.
 * "Range of CPUs is from …" is another matter: the machine is too small. */
static bool refuses_limits(const char *message)
{
    return strcasestr(message, "cgroup") != NULL ||
           strcasestr(message, "kernel does not support") != NULL;
}

static bool refuses_port(const char *message)
{
    return strcasestr(message, "address already in use") != NULL ||
           strcasestr(message, "port is already allocated") != NULL;
}

static bool has_fixed_port(const struct plan_task_spec *spec)
{
    for (size_t i = 0; i < spec->ports.count; i++) {
        if (spec->ports.items[i].host_port != 0) {
            return true;
        }
    }
    return false;
}

/* *ret_id stays NULL when another caller has taken the name, or when limits were refused: look
 * again. */
static enum err_code create(struct making *making, char **ret_id, struct arena *arena,
                            struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    const struct plan_task_spec *spec = making->spec;
    struct docker_request request = {.method = "POST",
                                     .path = arena_printf(arena, "/containers/create?name=%s",
                                                          docker_container_name(spec->name, arena)),
                                     .body = docker_container_body(making->engine, spec,
                                                                   making->image, making->digest,
                                                                   making->limits, arena),
                                     .timeout_ms = CALL_TIMEOUT_MS};
    *ret_id = NULL;
    enum err_code rc = docker_engine_call(making->engine, &request, &reply, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (reply.status == 201) {
        const char *id = json_text(json_get(reply.root, "Id"), NULL);
        if (id == NULL || *id == '\0' || strspn(id, "0123456789abcdef") != strlen(id)) {
            return docker_reply_nonsense("creating a container", err);
        }
        *ret_id = arena_strdup(arena, id);
        return ERR_OK;
    }
    const char *message = docker_reply_message(&reply, arena);
    if (reply.status == 409 || strcasestr(message, "already in use") != NULL) {
        return docker_wait(making->engine, STEP_WAIT_MS, err);
    }
    if (reply.status == 404) {
        err_set(err, ERR_CONFLICT, "the engine has no image '%s'", making->image);
        err_hint(err, "deliver the artefact to the site first");
        return ERR_CONFLICT;
    }
    if (making->limits && refuses_limits(message)) {
        making->limits = false;
        return ERR_OK;
    }
    return docker_reply_error(&reply, "creating a container", arena, err);
}

/* After a refused start: another caller may have started it meanwhile, be about to (podman then
 * finds the port taken by that other start), or be removing it.  *ret_look_again tells so. */
static enum err_code wait_for_others(const struct making *making, const char *id, bool patient,
                                     bool *ret_look_again, struct arena *arena, struct err *err)
{
    int64_t end = clock_mono_ms() + (patient ? START_WAIT_MS : 0);
    for (;;) {
        struct docker_container now = {0};
        enum err_code rc =
            docker_container_inspect(making->engine, making->spec->name, &now, arena, err);
        if (rc != ERR_OK) {
            return rc;
        }
        *ret_look_again =
            docker_container_is_up(&now) || !str_eq(now.id, id) || str_eq(now.state, "removing");
        if (*ret_look_again || clock_mono_ms() >= end) {
            return ERR_OK;
        }
        rc = docker_wait(making->engine, STEP_WAIT_MS, err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
}

/* ERR_OK also when it may be up by now or must be made anew: look again. */
static enum err_code start(struct making *making, const struct docker_container *container,
                           struct arena *arena, struct err *err)
{
    CLEANUP(docker_reply_done) struct docker_reply reply = DOCKER_REPLY_INIT;
    bool paused = str_eq(container->state, "paused");
    struct docker_request request = {.method = "POST",
                                     .path = arena_printf(arena, "/containers/%s/%s", container->id,
                                                          paused ? "unpause" : "start"),
                                     .timeout_ms = CALL_TIMEOUT_MS};
    enum err_code rc = docker_engine_call(making->engine, &request, &reply, arena, err);
    if (rc != ERR_OK || reply.status < 400 || reply.status == 404) {
        return rc;
    }
    const char *message = docker_reply_message(&reply, arena);
    bool port = refuses_port(message);
    bool look_again = false;
    rc = wait_for_others(making, container->id, port, &look_again, arena, err);
    if (rc != ERR_OK || look_again) {
        return rc;
    }
    if (making->limits && refuses_limits(message)) {
        making->limits = false;
        return docker_container_remove(making->engine, container->id, arena, err);
    }
    if (port && !has_fixed_port(making->spec)) {
        /* The engine chose the port at create, and chooses another for another container. */
        if (++making->recreated > RECREATED_MAX) {
            return err_set(err, ERR_TRANSIENT, "container engine: no port for '%s': %s",
                           making->spec->name, message);
        }
        return docker_container_remove(making->engine, container->id, arena, err);
    }
    return docker_reply_error(&reply, "starting a container", arena, err);
}

/* One step towards the container that the spec asks for; *ret_done when it is up. */
static enum err_code step(struct making *making, bool *ret_done, struct plan_task_result *out,
                          struct arena *arena, struct err *err)
{
    struct docker_container container = {0};
    enum err_code rc =
        docker_container_inspect(making->engine, making->spec->name, &container, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (!container.found) {
        char *id = NULL;
        rc = create(making, &id, arena, err);
        if (rc != ERR_OK || id == NULL) {
            return rc;
        }
        rc = FAULT_POINT("provider.docker.apply.half", err);
        if (rc != ERR_OK) {
            return rc;
        }
        container = (struct docker_container){.found = true, .id = id, .state = "created"};
        return start(making, &container, arena, err);
    }
    if (!container.ours) {
        err_set(err, ERR_CONFLICT, "a container '%s' that is not Swan's stands in the way",
                docker_container_name(making->spec->name, arena));
        err_hint(err, "remove or rename it; Swan does not touch what it has not made");
        return ERR_CONFLICT;
    }
    if (str_eq(container.state, "removing")) {
        return docker_wait(making->engine, STEP_WAIT_MS, err);
    }
    if (!str_eq(container.digest, making->digest) || str_eq(container.state, "dead")) {
        if (docker_container_is_up(&container)) { /* what is replaced may end in good order */
            rc = stop(making->engine, container.id, arena, err);
        }
        return rc == ERR_OK ? docker_container_remove(making->engine, container.id, arena, err)
                            : rc;
    }
    if (!docker_container_is_up(&container)) {
        return start(making, &container, arena, err);
    }
    docker_container_result(making->engine, &container, making->spec, out, arena);
    *ret_done = true;
    return ERR_OK;
}

enum err_code docker_container_apply(const struct docker_engine *engine,
                                     struct plan_task_result *out, struct arena *arena,
                                     struct err *err)
{
    const struct provider_call *call = engine->call;
    struct making making = {.engine = engine, .spec = call->spec, .limits = true};
    char *image = NULL;
    if (call->spec->accelerator != NULL) {
        return err_set(err, ERR_UNSUPPORTED, "the docker provider gives no accelerators");
    }
    enum err_code rc = docker_image_reference(call->spec, &image, arena, err);
    making.image = image;
    provider_spec_digest(call->spec, call->kind, making.digest);
    bool done = false;
    for (int i = 0; i < STEPS_MAX && rc == ERR_OK && !done; i++) {
        rc = step(&making, &done, out, arena, err);
    }
    if (rc == ERR_OK && !done) {
        return err_set(err, ERR_TRANSIENT, "container '%s' did not come up and stay up",
                       call->spec->name);
    }
    return rc;
}
