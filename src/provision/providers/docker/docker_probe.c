/* docker_probe.c - is an instance really working?
 *
 * Contract: reads only.  A container that does not run, and a health check that is not answered as
 * the application's spec expects, are ERR_TRANSIENT: the caller asks again until its own patience
 * ends.  Nothing there at all is ERR_NOT_FOUND. */
#include "provision/providers/docker/docker_priv.h"

#include <math.h>

#include "base/str.h"
#include "wire/http.h"

#define TIMEOUT_DEFAULT_S 2.0
#define TIMEOUT_MAX_S 30.0
#define REPLY_MAX ((size_t)1 << 20) /* a health check that answers more is no health check */

/* The published port that the health check means; 0 if there is none. */
static int64_t health_port(const struct plan_task_spec *spec,
                           const struct docker_container *container)
{
    const char *wanted = spec->health != NULL ? spec->health->port : NULL;
    for (size_t i = 0; i < spec->ports.count; i++) {
        if (wanted != NULL && !str_eq(spec->ports.items[i].name, wanted)) {
            continue;
        }
        int64_t inside = docker_inner_port(spec, i);
        for (size_t k = 0; k < container->ports.count; k++) {
            if (container->ports.items[k].port == inside) {
                return container->ports.items[k].host_port;
            }
        }
        return 0;
    }
    /* A check's own spec may leave the ports out: then what the target publishes. */
    return spec->ports.count == 0 && container->ports.count > 0
               ? container->ports.items[0].host_port
               : 0;
}

static bool keep_going(void *ctx, double share)
{
    (void)share;
    return !docker_cancelled(ctx);
}

static enum err_code ask(const struct docker_engine *engine, const struct plan_task_spec *spec,
                         int64_t port, struct arena *arena, struct err *err)
{
    const struct application_spec_health *health = spec->health;
    const char *path = health->path != NULL ? health->path : "/";
    bool v6 = engine->host[0] != '\0' && !str_eq(engine->host, "127.0.0.1") &&
              str_has_prefix(engine->base, "http://[");
    double timeout_s = health->timeout_s.set ? health->timeout_s.value : TIMEOUT_DEFAULT_S;
    struct docker_engine copy = *engine;
    struct http_call call = {
        .method = "GET",
        .url = arena_printf(arena, v6 ? "http://[%s]:%lld%s%s" : "http://%s:%lld%s%s", engine->host,
                            (long long)port, path[0] == '/' ? "" : "/", path),
        .timeout_ms = (int64_t)(fmin(fmax(timeout_s, 0.1), TIMEOUT_MAX_S) * 1000),
        .max_reply_bytes = REPLY_MAX,
        .on_progress = keep_going,
        .ctx = &copy,
    };
    struct http_reply reply = {0};
    enum err_code rc = http_call(&call, &reply, arena, err);
    if (rc == ERR_CANCELLED) {
        return rc;
    }
    if (rc != ERR_OK) {
        return err_set(err, ERR_TRANSIENT, "'%s' does not answer at %s yet", spec->name, call.url);
    }
    bool good = health->expect_status != 0 ? reply.status == health->expect_status
                                           : reply.status >= 200 && reply.status < 300;
    if (!good) {
        return err_set(err, ERR_TRANSIENT, "'%s' answers %d at %s", spec->name, reply.status,
                       call.url);
    }
    return ERR_OK;
}

enum err_code docker_probe(const struct docker_engine *engine, const char *name,
                           struct plan_task_result *out, struct arena *arena, struct err *err)
{
    const struct plan_task_spec *spec = engine->call->spec;
    struct docker_container container = {0};
    enum err_code rc = docker_container_inspect(engine, name, &container, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (!container.found || !container.ours) {
        return err_set(err, ERR_NOT_FOUND, "there is no container '%s'", name);
    }
    if (!docker_container_is_up(&container)) {
        err_set(err, ERR_TRANSIENT, "container '%s' is %s", name, container.state);
        if (container.exit_code != 0) {
            err_hint(err, "its program ended with exit code %lld", (long long)container.exit_code);
        }
        return ERR_TRANSIENT;
    }
    if (spec->health != NULL) {
        int64_t port = health_port(spec, &container);
        if (port == 0) {
            return err_set(err, ERR_TRANSIENT, "container '%s' publishes no port to ask", name);
        }
        rc = ask(engine, spec, port, arena, err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
    docker_container_result(engine, &container, spec, out, arena);
    return ERR_OK;
}
