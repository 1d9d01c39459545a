/* docker.c - the provider's verbs over images, containers and probes.
 *
 * Contract: as provider.h says; which name stands for what, and what a crash leaves, is told in
 * docker_image.c and docker_container.c.  Fault points: provider.docker.{discover,check,apply,
 * verify,undo,observe} when a verb begins, and the two halves named there. */
#include "provision/providers/docker/docker.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/docker/docker_priv.h"

#define CHECK_PATIENCE_MS 10000 /* of one attempt of instance.check */
#define CHECK_INTERVAL_S 0.5
#define CHECK_INTERVAL_MAX_S 10.0
#define NAME_MAX_BYTES 200

static const int docker_forms[] = {FORM_CONTAINER, FORM_ABSENT};
static const int docker_task_kinds[] = {TASK_DELIVER, TASK_INSTANCE, TASK_CHECK, TASK_ABSENT};

static enum err_code begin_on_thing(const struct provider_call *call, struct docker_engine *engine,
                                    struct arena *arena, struct err *err)
{
    if (call->spec == NULL || call->spec->name == NULL) {
        return err_set(err, ERR_INVALID, "a task without a name");
    }
    if (!provider_does(&docker_provider, call->kind)) {
        return err_set(err, ERR_UNSUPPORTED, "the docker provider does no task of kind %d",
                       call->kind);
    }
    enum err_code rc = str_check_name(call->spec->name, NAME_MAX_BYTES, "name of a thing", err);
    if (rc == ERR_OK && call->kind == TASK_CHECK) {
        if (call->spec->target == NULL) {
            return err_set(err, ERR_INVALID, "a check without a target");
        }
        rc = str_check_name(call->spec->target, NAME_MAX_BYTES, "target", err);
    }
    return rc == ERR_OK ? docker_engine_open(call, engine, arena, err) : rc;
}

static enum err_code docker_match(const char *endpoint, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct docker_engine engine;
    return docker_engine_parse(endpoint, &engine, &arena, err);
}

static enum err_code docker_discover(const struct provider_call *call,
                                     struct provider_discovery *out, struct arena *arena,
                                     struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.discover", err);
    if (rc == ERR_OK) {
        rc = docker_engine_open(call, &engine, arena, err);
    }
    return rc == ERR_OK ? docker_observe_site(&engine, out, arena, err) : rc;
}

static enum err_code check_instance(const struct docker_engine *engine,
                                    enum provider_presence *ret_presence,
                                    struct plan_task_result *out, struct arena *arena,
                                    struct err *err)
{
    const struct provider_call *call = engine->call;
    struct docker_container container = {0};
    enum err_code rc = docker_container_inspect(engine, call->spec->name, &container, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    if (!container.found || !container.ours) {
        *ret_presence = PROVIDER_ABSENT_THING;
        return ERR_OK;
    }
    char digest[ID_DIGEST_SIZE];
    provider_spec_digest(call->spec, call->kind, digest);
    bool same = str_eq(container.digest, digest);
    *ret_presence = same && docker_container_is_up(&container) ? PROVIDER_PRESENT : PROVIDER_BROKEN;
    docker_container_result(engine, &container, call->spec, out, arena);
    return ERR_OK;
}

static enum err_code check_probe(const struct docker_engine *engine,
                                 enum provider_presence *ret_presence, struct plan_task_result *out,
                                 struct arena *arena, struct err *err)
{
    enum err_code rc = docker_probe(engine, engine->call->spec->target, out, arena, err);
    if (rc == ERR_TRANSIENT || rc == ERR_NOT_FOUND) { /* a check makes nothing: not yet done */
        err_clear(err);
        *ret_presence = PROVIDER_ABSENT_THING;
        return ERR_OK;
    }
    if (rc == ERR_OK) {
        *ret_presence = PROVIDER_PRESENT;
    }
    return rc;
}

static enum err_code docker_check(const struct provider_call *call,
                                  enum provider_presence *ret_presence,
                                  struct plan_task_result *out, struct arena *arena,
                                  struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.check", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &engine, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    switch (call->kind) {
    case TASK_DELIVER:
        return docker_image_check(&engine, ret_presence, out, arena, err);
    case TASK_INSTANCE:
        return check_instance(&engine, ret_presence, out, arena, err);
    default:
        return check_probe(&engine, ret_presence, out, arena, err);
    }
}

/* Asks until the instance answers or this attempt's patience ends. */
static enum err_code apply_probe(const struct docker_engine *engine, struct plan_task_result *out,
                                 struct arena *arena, struct err *err)
{
    const struct plan_task_spec *spec = engine->call->spec;
    double interval_s = CHECK_INTERVAL_S;
    if (spec->health != NULL && spec->health->interval_s.set &&
        spec->health->interval_s.value > 0 &&
        spec->health->interval_s.value < CHECK_INTERVAL_MAX_S) {
        interval_s = spec->health->interval_s.value;
    }
    int64_t end = clock_mono_ms() + CHECK_PATIENCE_MS;
    for (;;) {
        enum err_code rc = docker_probe(engine, spec->target, out, arena, err);
        if (rc != ERR_TRANSIENT || clock_mono_ms() >= end) {
            return rc;
        }
        rc = docker_wait(engine, (int64_t)(interval_s * 1000), err);
        if (rc != ERR_OK) {
            return rc;
        }
    }
}

static enum err_code docker_apply(const struct provider_call *call, struct plan_task_result *out,
                                  struct arena *arena, struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.apply", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &engine, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    switch (call->kind) {
    case TASK_DELIVER:
        return docker_image_deliver(&engine, out, arena, err);
    case TASK_INSTANCE:
        return docker_container_apply(&engine, out, arena, err);
    default:
        return apply_probe(&engine, out, arena, err);
    }
}

static enum err_code verify_image(const struct docker_engine *engine, struct plan_task_result *out,
                                  struct arena *arena, struct err *err)
{
    enum provider_presence presence = PROVIDER_UNKNOWN;
    enum err_code rc = docker_image_check(engine, &presence, out, arena, err);
    if (rc == ERR_OK && presence != PROVIDER_PRESENT) {
        return err_set(err, ERR_NOT_FOUND, "the engine has no image for '%s'",
                       engine->call->spec->name);
    }
    return rc;
}

static enum err_code docker_verify(const struct provider_call *call, struct plan_task_result *out,
                                   struct arena *arena, struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.verify", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &engine, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (call->kind == TASK_DELIVER) {
        return verify_image(&engine, out, arena, err);
    }
    const char *name = call->kind == TASK_CHECK ? call->spec->target : call->spec->name;
    return docker_probe(&engine, name, out, arena, err);
}

static enum err_code docker_undo(const struct provider_call *call, struct arena *arena,
                                 struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.undo", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &engine, arena, err);
    }
    /* Images stay: other instances run from them.  A check has made nothing. */
    if (rc != ERR_OK || call->kind != TASK_INSTANCE) {
        return rc;
    }
    return docker_container_undo(&engine, arena, err);
}

static enum err_code docker_observe(const struct provider_call *call, const char *prefix,
                                    struct provider_observations *out, struct arena *arena,
                                    struct err *err)
{
    struct docker_engine engine;
    enum err_code rc = FAULT_POINT("provider.docker.observe", err);
    if (rc == ERR_OK) {
        rc = docker_engine_open(call, &engine, arena, err);
    }
    return rc == ERR_OK ? docker_observe_containers(&engine, prefix, out, arena, err) : rc;
}

const struct provider_ops docker_provider = {
    .name = "docker",
    .doc = "Containers through the Docker Engine HTTP API: dockerd or podman.",
    .simulated = false,
    .forms = docker_forms,
    .task_kinds = docker_task_kinds,
    .match = docker_match,
    .discover = docker_discover,
    .check = docker_check,
    .apply = docker_apply,
    .verify = docker_verify,
    .undo = docker_undo,
    .observe = docker_observe,
};
