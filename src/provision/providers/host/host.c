/* host.c - the provider's verbs: each opens the machine, passes its fault point, and hands over.
 *
 * Fault points: provider.host.{discover,check,apply,verify,undo,observe} at each verb's beginning
 * and provider.host.deliver at a delivery's; provider.host.apply.half (an instance is written down,
 * not started), provider.host.apply.started (started, not answered), provider.host.deliver.half
 * (checked and copied, not unpacked), provider.host.undo.half (stopped, not removed). */
#include "provision/providers/host/host.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define NAME_MAX_BYTES 200 /* SUPERVISE_NAME_MAX */

static const int host_forms[] = {FORM_PACKAGE, FORM_ABSENT};
static const int host_task_kinds[] = {TASK_DELIVER, TASK_INSTANCE, TASK_CHECK, TASK_ABSENT};

static enum err_code begin(const struct provider_call *call, const char *point,
                           struct host_machine *machine, struct arena *arena, struct err *err)
{
    enum err_code rc = FAULT_POINT(point, err);
    return rc == ERR_OK ? host_machine_open(call, machine, arena, err) : rc;
}

static enum err_code check_spec(const struct provider_call *call, struct err *err)
{
    const struct plan_task_spec *spec = call->spec;
    if (spec == NULL || spec->name == NULL)
        return err_set(err, ERR_INVALID, "a task without a name cannot be done");
    if (!provider_does(&host_provider, call->kind))
        return err_set(err, ERR_UNSUPPORTED, "a host knows no task of kind %d", call->kind);
    enum err_code rc = str_check_name(spec->name, NAME_MAX_BYTES, "name of a thing", err);
    if (rc == ERR_OK && call->kind == TASK_CHECK) {
        if (spec->target == NULL)
            return err_set(err, ERR_INVALID, "a check without a target");
        rc = str_check_name(spec->target, NAME_MAX_BYTES, "target of a check", err);
    }
    return rc;
}

static enum err_code begin_on_thing(const struct provider_call *call, const char *point,
                                    struct host_machine *machine, struct arena *arena,
                                    struct err *err)
{
    *machine = (struct host_machine){0};
    enum err_code rc = check_spec(call, err);
    return rc == ERR_OK ? begin(call, point, machine, arena, err) : rc;
}

static enum err_code host_match(const char *endpoint, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct host_endpoint ignored;
    return host_endpoint_parse(endpoint, &ignored, &arena, err);
}

static enum err_code host_discover(const struct provider_call *call, struct provider_discovery *out,
                                   struct arena *arena, struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    enum err_code rc = begin(call, "provider.host.discover", &machine, arena, err);
    return rc == ERR_OK ? host_discover_machine(&machine, out, err) : rc;
}

static enum err_code check_target(struct host_machine *machine,
                                  enum provider_presence *ret_presence,
                                  struct plan_task_result *out, struct err *err)
{
    enum err_code rc = host_verify_instance(machine, machine->call->spec->target, out, err);
    *ret_presence = rc == ERR_OK ? PROVIDER_PRESENT : PROVIDER_ABSENT_THING;
    if (rc == ERR_TRANSIENT || rc == ERR_NOT_FOUND) {
        err_clear(err);
        rc = ERR_OK;
    }
    return rc;
}

static enum err_code host_check(const struct provider_call *call,
                                enum provider_presence *ret_presence, struct plan_task_result *out,
                                struct arena *arena, struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    enum err_code rc = begin_on_thing(call, "provider.host.check", &machine, arena, err);
    if (rc != ERR_OK)
        return rc;
    switch (call->kind) {
    case TASK_DELIVER:
        return host_deliver_check(&machine, ret_presence, out, err);
    case TASK_INSTANCE:
        return host_instance_check(&machine, ret_presence, out, err);
    default:
        return check_target(&machine, ret_presence, out, err);
    }
}

static enum err_code host_apply(const struct provider_call *call, struct plan_task_result *out,
                                struct arena *arena, struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    const char *point =
        call->kind == TASK_DELIVER ? "provider.host.deliver" : "provider.host.apply";
    enum err_code rc = begin_on_thing(call, point, &machine, arena, err);
    if (rc != ERR_OK)
        return rc;
    switch (call->kind) {
    case TASK_DELIVER:
        return host_deliver_apply(&machine, out, err);
    case TASK_INSTANCE:
        return host_instance_apply(&machine, out, err);
    default:
        return host_verify_instance(&machine, call->spec->target, out, err);
    }
}

static enum err_code verify_delivery(struct host_machine *machine, struct plan_task_result *out,
                                     struct err *err)
{
    enum provider_presence presence = PROVIDER_UNKNOWN;
    enum err_code rc = host_deliver_check(machine, &presence, out, err);
    if (rc == ERR_OK && presence != PROVIDER_PRESENT)
        return err_set(err, ERR_NOT_FOUND, "the artefact of '%s' is not on the machine",
                       machine->call->spec->name);
    return rc;
}

static enum err_code host_verify(const struct provider_call *call, struct plan_task_result *out,
                                 struct arena *arena, struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    enum err_code rc = begin_on_thing(call, "provider.host.verify", &machine, arena, err);
    if (rc != ERR_OK)
        return rc;
    if (call->kind == TASK_DELIVER)
        return verify_delivery(&machine, out, err);
    const char *name = call->kind == TASK_CHECK ? call->spec->target : call->spec->name;
    return host_verify_instance(&machine, name, out, err);
}

static enum err_code host_undo(const struct provider_call *call, struct arena *arena,
                               struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    enum err_code rc = begin_on_thing(call, "provider.host.undo", &machine, arena, err);
    if (rc != ERR_OK || call->kind == TASK_CHECK)
        return rc;
    return call->kind == TASK_DELIVER ? host_deliver_undo(&machine, err)
                                      : host_instance_undo(&machine, err);
}

static enum err_code host_observe(const struct provider_call *call, const char *prefix,
                                  struct provider_observations *out, struct arena *arena,
                                  struct err *err)
{
    CLEANUP(host_machine_done) struct host_machine machine = {0};
    enum err_code rc = begin(call, "provider.host.observe", &machine, arena, err);
    return rc == ERR_OK ? host_instance_observe(&machine, prefix, out, err) : rc;
}

const struct provider_ops host_provider = {
    .name = "host",
    .doc = "A Linux machine, this one or another over SSH: packages run supervised.",
    .simulated = false,
    .forms = host_forms,
    .task_kinds = host_task_kinds,
    .match = host_match,
    .discover = host_discover,
    .check = host_check,
    .apply = host_apply,
    .verify = host_verify,
    .undo = host_undo,
    .observe = host_observe,
};
