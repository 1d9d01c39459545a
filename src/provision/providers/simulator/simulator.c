/* simulator.c - the provider's verbs over simulated things.
 *
 * Contract: a thing goes absent → making → up → removing → absent, each step one atomic change of
 * one file under the folder's lock; the time that it takes passes between the steps, outside the
 * lock.  Whoever is killed between two steps leaves "making" or "removing", which check calls
 * broken and apply or undo completes.  A step is made only from what was read under the same lock,
 * so of two callers with the same spec both end with the one thing, and of two with different specs
 * the later wins and the earlier is told ERR_CONFLICT.
 *
 * Fault points: provider.simulator.{discover,check,apply,verify,undo,observe} at each verb's
 * beginning; provider.simulator.apply.half (half made) and provider.simulator.undo.half (half
 * removed). */
#include "provision/providers/simulator/simulator.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "provision/providers/simulator/simulator_priv.h"

#define SLICE_MS 50 /* cancel is polled this often; provider.h asks for 200 at most */

static const int simulator_forms[] = {FORM_CONTAINER, FORM_PACKAGE, FORM_VM_IMAGE,
                                      FORM_FUNCTION,  FORM_SERVER,  FORM_ABSENT};
static const int simulator_task_kinds[] = {TASK_DELIVER,  TASK_SERVER, TASK_BANDWIDTH, TASK_ADDRESS,
                                           TASK_INSTANCE, TASK_CHECK,  TASK_ABSENT};

/* Everything that a verb needs; made by begin. */
struct job {
    const struct provider_call *call;
    const struct plan_task_spec *spec;
    struct simulator_world world;
    struct simulator_store store;
    char digest[ID_DIGEST_SIZE];
};

static enum err_code begin(const struct provider_call *call, struct job *job, struct arena *arena,
                           struct err *err)
{
    *job = (struct job){.call = call, .spec = call->spec, .store = {.lock = -1}};
    enum err_code rc = simulator_world_parse(call->endpoint, &job->world, arena, err);
    if (rc == ERR_OK) {
        rc = simulator_store_open(call, &job->store, arena, err);
    }
    return rc;
}

static enum err_code begin_on_thing(const struct provider_call *call, struct job *job,
                                    struct arena *arena, struct err *err)
{
    if (call->spec == NULL || call->spec->name == NULL) {
        return err_set(err, ERR_INVALID, "a task without a name cannot be simulated");
    }
    if (!provider_does(&simulator_provider, call->kind)) {
        return err_set(err, ERR_UNSUPPORTED, "the simulator knows no task of kind %d", call->kind);
    }
    enum err_code rc = str_check_name(call->spec->name, 200, "name of a thing", err);
    if (rc == ERR_OK) {
        rc = begin(call, job, arena, err);
    }
    if (rc == ERR_OK) {
        provider_spec_digest(call->spec, call->kind, job->digest);
    }
    return rc;
}

static bool is_cancelled(const struct provider_call *call)
{
    return call->cancel != NULL && call->cancel(call->ctx);
}

/* Lets simulated time pass; reports its share as progress. */
static enum err_code pass_time(const struct provider_call *call, int64_t duration_ms,
                               struct err *err)
{
    int64_t start = clock_mono_ms();
    for (;;) {
        if (is_cancelled(call)) {
            return err_set(err, ERR_CANCELLED, "cancelled");
        }
        int64_t passed = clock_mono_ms() - start;
        if (call->progress != NULL && duration_ms > 0) {
            call->progress(call->ctx, fmin((double)passed / (double)duration_ms, 1.0));
        }
        if (passed >= duration_ms) {
            return ERR_OK;
        }
        int64_t left = duration_ms - passed;
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
}

enum mishap { MISHAP_NONE, MISHAP_BEFORE, MISHAP_HALFWAY };

/* Does this attempt fail, and before anything was done or when half was?  Locked. */
static enum err_code draw_mishap(struct job *job, const char *verb, enum mishap *ret_mishap,
                                 struct arena *arena, struct err *err)
{
    *ret_mishap = MISHAP_NONE;
    if (job->world.failure <= 0) {
        return ERR_OK;
    }
    int64_t attempt = 0;
    enum err_code rc =
        simulator_store_attempt(&job->store, job->spec->name, verb, &attempt, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    double draw = simulator_unit(&job->world, job->spec->name, verb, attempt);
    if (draw < job->world.failure) {
        *ret_mishap = draw < job->world.failure / 2 ? MISHAP_BEFORE : MISHAP_HALFWAY;
    }
    return ERR_OK;
}

static enum err_code mishap_error(const struct job *job, const char *verb, struct err *err)
{
    return err_set(err, ERR_TRANSIENT, "simulated failure of %s '%s'", verb, job->spec->name);
}

/* Where the thing of the job stands.  A record that cannot be read counts as there and broken. */
static enum err_code look(const struct job *job, struct simulator_thing *ret_thing,
                          enum provider_presence *ret_presence, struct arena *arena,
                          struct err *err)
{
    struct simulator_thing thing = {0};
    enum err_code rc = simulator_store_read(&job->store, job->spec->name, &thing, arena, err);
    if (rc == ERR_NOT_FOUND) {
        *ret_presence = PROVIDER_ABSENT_THING;
    } else if (rc == ERR_CORRUPT) {
        *ret_presence = PROVIDER_BROKEN;
    } else if (rc != ERR_OK) {
        return rc;
    } else {
        bool same = thing.kind == job->call->kind && str_eq(thing.digest, job->digest);
        *ret_presence = same && thing.state == SIMULATOR_UP ? PROVIDER_PRESENT : PROVIDER_BROKEN;
    }
    err_clear(err);
    *ret_thing = thing;
    return ERR_OK;
}

/* A check of another thing: is its target up?  Makes nothing. */
static enum err_code look_at_target(const struct job *job, struct plan_task_result *out,
                                    struct arena *arena, struct err *err)
{
    if (job->spec->target == NULL) {
        return err_set(err, ERR_INVALID, "a check without a target");
    }
    struct simulator_thing thing = {0};
    enum err_code rc = simulator_store_read(&job->store, job->spec->target, &thing, arena, err);
    if (rc != ERR_OK && rc != ERR_CORRUPT) {
        return rc;
    }
    if (rc == ERR_CORRUPT || thing.state != SIMULATOR_UP) {
        return err_set(err, ERR_TRANSIENT, "'%s' is not up yet", job->spec->target);
    }
    *out = (struct plan_task_result){
        .ref = thing.result.ref,
        .address = thing.result.address,
        .note = "simulated: nothing was asked over a network",
        .simulated = true,
    };
    return ERR_OK;
}

static enum err_code simulator_match(const char *endpoint, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct simulator_world world;
    return simulator_world_parse(endpoint, &world, &arena, err);
}

static enum err_code simulator_discover(const struct provider_call *call,
                                        struct provider_discovery *out, struct arena *arena,
                                        struct err *err)
{
    enum err_code rc = FAULT_POINT("provider.simulator.discover", err);
    struct simulator_world world = {0};
    if (rc == ERR_OK) {
        rc = simulator_world_parse(call->endpoint, &world, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    struct provider_discovery found = {.capacity = world.capacity, .system = "simulator"};
    /* Nobody but Swan is in a simulated site. */
    found.used.vcpus.set = world.capacity.vcpus.set;
    found.used.memory_gib.set = world.capacity.memory_gib.set;
    found.used.disk_gib.set = world.capacity.disk_gib.set;
    found.arch.items = world.arch.items;
    found.arch.count = world.arch.count;
    found.accelerators.items = world.accelerators.items;
    found.accelerators.count = world.accelerators.count;
    *LIST_ADD(arena, &found.details) = (struct json_string_pair){"simulated", "true"};
    *LIST_ADD(arena, &found.details) = (struct json_string_pair){"world", world.name};
    *LIST_ADD(arena, &found.details) = (struct json_string_pair){
        "seed", arena_printf(arena, "%llu", (unsigned long long)world.seed)};
    *out = found;
    return ERR_OK;
}

static enum err_code simulator_check(const struct provider_call *call,
                                     enum provider_presence *ret_presence,
                                     struct plan_task_result *out, struct arena *arena,
                                     struct err *err)
{
    struct job job;
    enum err_code rc = FAULT_POINT("provider.simulator.check", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &job, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (call->kind == TASK_CHECK) {
        struct plan_task_result result = {0};
        rc = look_at_target(&job, &result, arena, err);
        if (rc == ERR_OK) {
            *out = result;
            *ret_presence = PROVIDER_PRESENT;
        } else if (rc == ERR_TRANSIENT || rc == ERR_NOT_FOUND) {
            *ret_presence = PROVIDER_ABSENT_THING;
            err_clear(err);
            rc = ERR_OK;
        }
        return rc;
    }
    struct simulator_thing thing = {0};
    rc = look(&job, &thing, ret_presence, arena, err);
    if (rc == ERR_OK) {
        *out = thing.result;
    }
    return rc;
}

/* Begins the thing: writes it as "making" unless it stands already.  Locked. */
static enum err_code make_first_half(struct job *job, enum provider_presence presence,
                                     struct simulator_thing *thing, struct arena *arena,
                                     struct err *err)
{
    if (presence == PROVIDER_BROKEN && str_eq(thing->digest, job->digest) &&
        thing->state == SIMULATOR_MAKING) {
        return ERR_OK; /* begun by one who was killed, or by one at the same time */
    }
    if (job->call->kind == TASK_ADDRESS && job->spec->target != NULL) {
        struct simulator_thing target = {0};
        enum err_code rc =
            simulator_store_read(&job->store, job->spec->target, &target, arena, err);
        if (rc != ERR_OK) {
            err_context(err, "address for '%s'", job->spec->target);
            return rc;
        }
    }
    struct simulator_things things = {{0}};
    enum err_code rc = simulator_store_list(&job->store, "", &things, arena, err);
    if (rc != ERR_OK) {
        return rc;
    }
    struct simulator_thing made = {
        .name = job->spec->name,
        .kind = job->call->kind,
        .digest = job->digest,
        .state = SIMULATOR_MAKING,
        .made_at = clock_now_ms(),
        .spec = *job->spec,
        .result = {.ref = arena_printf(
                       arena, "sim-%016llx",
                       (unsigned long long)simulator_draw(&job->world, job->spec->name, "ref", 0)),
                   .note = presence == PROVIDER_BROKEN
                               ? "simulated: nothing real runs; replaced what stood there"
                               : "simulated: nothing real runs",
                   .simulated = true},
    };
    *LIST_ADD(arena, &made.result.details) = (struct json_string_pair){"world", job->world.name};
    rc = simulator_capacity_check(&job->world, &things, &made, err);
    if (rc == ERR_OK) {
        rc = simulator_capacity_address(&job->world, job->call->endpoint, &things, &made, arena,
                                        err);
    }
    if (rc == ERR_OK) {
        rc = simulator_store_write(&job->store, &made, err);
    }
    return rc;
}

/* Ends what make_first_half began; somebody else may have changed it since. */
static enum err_code make_second_half(struct job *job, struct plan_task_result *out,
                                      struct arena *arena, struct err *err)
{
    CLEANUP(simulator_store_unlock) struct simulator_store lock = job->store;
    struct simulator_thing thing = {0};
    enum err_code rc = simulator_store_lock(&lock, job->call, err);
    if (rc == ERR_OK) {
        rc = simulator_store_read(&job->store, job->spec->name, &thing, arena, err);
    }
    if (rc == ERR_NOT_FOUND) {
        return err_set(err, ERR_CONFLICT, "'%s' was removed while it was made", job->spec->name);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (!str_eq(thing.digest, job->digest) || thing.state == SIMULATOR_REMOVING) {
        return err_set(err, ERR_CONFLICT, "'%s' was changed by another while it was made",
                       job->spec->name);
    }
    if (thing.state != SIMULATOR_UP) {
        thing.state = SIMULATOR_UP;
        rc = simulator_store_write(&job->store, &thing, err);
    }
    if (rc == ERR_OK) {
        *out = thing.result;
    }
    return rc;
}

/* The first half of apply under the lock: adopts (done, *out is set), or begins. */
static enum err_code apply_first_half(struct job *job, bool *ret_done, enum mishap *ret_mishap,
                                      struct plan_task_result *out, struct arena *arena,
                                      struct err *err)
{
    CLEANUP(simulator_store_unlock) struct simulator_store lock = job->store;
    enum err_code rc = simulator_store_lock(&lock, job->call, err);
    if (rc == ERR_OK) {
        rc = draw_mishap(job, "apply", ret_mishap, arena, err);
    }
    if (rc == ERR_OK && *ret_mishap == MISHAP_BEFORE) {
        rc = mishap_error(job, "apply", err);
    }
    if (rc == ERR_OK &&
        simulator_unit(&job->world, job->spec->name, "refusal", 0) < job->world.refusal) {
        rc = err_set(err, ERR_QUOTA, "the simulated site refuses '%s' for good", job->spec->name);
    }
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct simulator_thing thing = {0};
    if (rc == ERR_OK) {
        rc = look(job, &thing, &presence, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (presence == PROVIDER_PRESENT) {
        *ret_done = true;
        *out = thing.result;
        return ERR_OK;
    }
    return make_first_half(job, presence, &thing, arena, err);
}

static enum err_code simulator_apply(const struct provider_call *call, struct plan_task_result *out,
                                     struct arena *arena, struct err *err)
{
    struct job job;
    enum err_code rc = FAULT_POINT("provider.simulator.apply", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &job, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    int64_t duration_ms = simulator_duration_ms(&job.world, job.spec, call->kind, "apply");
    if (call->kind == TASK_CHECK) {
        rc = pass_time(call, duration_ms, err);
        return rc == ERR_OK ? look_at_target(&job, out, arena, err) : rc;
    }
    bool done = false;
    enum mishap mishap = MISHAP_NONE;
    rc = apply_first_half(&job, &done, &mishap, out, arena, err);
    if (rc != ERR_OK || done) {
        return rc;
    }
    rc = FAULT_POINT("provider.simulator.apply.half", err);
    if (rc == ERR_OK && mishap == MISHAP_HALFWAY) {
        rc = mishap_error(&job, "apply", err);
    }
    if (rc == ERR_OK) {
        rc = pass_time(call, duration_ms, err);
    }
    return rc == ERR_OK ? make_second_half(&job, out, arena, err) : rc;
}

static enum err_code simulator_verify(const struct provider_call *call,
                                      struct plan_task_result *out, struct arena *arena,
                                      struct err *err)
{
    struct job job;
    enum err_code rc = FAULT_POINT("provider.simulator.verify", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &job, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (call->kind == TASK_CHECK) {
        return look_at_target(&job, out, arena, err);
    }
    CLEANUP(simulator_store_unlock) struct simulator_store lock = job.store;
    enum mishap mishap = MISHAP_NONE;
    rc = simulator_store_lock(&lock, call, err);
    if (rc == ERR_OK) {
        rc = draw_mishap(&job, "verify", &mishap, arena, err);
    }
    if (rc == ERR_OK && mishap != MISHAP_NONE) {
        rc = mishap_error(&job, "verify", err);
    }
    enum provider_presence presence = PROVIDER_UNKNOWN;
    struct simulator_thing thing = {0};
    if (rc == ERR_OK) {
        rc = look(&job, &thing, &presence, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (presence == PROVIDER_ABSENT_THING) {
        return err_set(err, ERR_NOT_FOUND, "nothing named '%s' is simulated here", job.spec->name);
    }
    if (presence == PROVIDER_BROKEN && thing.state == SIMULATOR_MAKING &&
        str_eq(thing.digest, job.digest)) {
        return err_set(err, ERR_TRANSIENT, "'%s' is still being made", job.spec->name);
    }
    if (presence != PROVIDER_PRESENT) {
        return err_set(err, ERR_CONFLICT, "what is named '%s' was not made from this spec",
                       job.spec->name);
    }
    *out = thing.result;
    return ERR_OK;
}

/* Marks the thing as going; done when there is none.  A record that cannot be read goes at once. */
static enum err_code undo_first_half(struct job *job, bool *ret_done, enum mishap *ret_mishap,
                                     struct arena *arena, struct err *err)
{
    CLEANUP(simulator_store_unlock) struct simulator_store lock = job->store;
    enum err_code rc = simulator_store_lock(&lock, job->call, err);
    if (rc == ERR_OK) {
        rc = draw_mishap(job, "undo", ret_mishap, arena, err);
    }
    if (rc == ERR_OK && *ret_mishap == MISHAP_BEFORE) {
        rc = mishap_error(job, "undo", err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    struct simulator_thing thing = {0};
    rc = simulator_store_read(&job->store, job->spec->name, &thing, arena, err);
    if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT) {
        err_clear(err);
        *ret_done = true;
        return simulator_store_remove(&job->store, job->spec->name, arena, err);
    }
    if (rc == ERR_OK && thing.state != SIMULATOR_REMOVING) {
        thing.state = SIMULATOR_REMOVING;
        rc = simulator_store_write(&job->store, &thing, err);
    }
    return rc;
}

static enum err_code undo_second_half(struct job *job, struct arena *arena, struct err *err)
{
    CLEANUP(simulator_store_unlock) struct simulator_store lock = job->store;
    struct simulator_thing thing = {0};
    enum err_code rc = simulator_store_lock(&lock, job->call, err);
    if (rc == ERR_OK) {
        rc = simulator_store_read(&job->store, job->spec->name, &thing, arena, err);
    }
    if (rc == ERR_NOT_FOUND) { /* another undo was quicker */
        err_clear(err);
        return ERR_OK;
    }
    if (rc == ERR_OK && thing.state != SIMULATOR_REMOVING) {
        return err_set(err, ERR_TRANSIENT, "'%s' is being made again", job->spec->name);
    }
    return rc == ERR_OK ? simulator_store_remove(&job->store, job->spec->name, arena, err) : rc;
}

static enum err_code simulator_undo(const struct provider_call *call, struct arena *arena,
                                    struct err *err)
{
    struct job job;
    enum err_code rc = FAULT_POINT("provider.simulator.undo", err);
    if (rc == ERR_OK) {
        rc = begin_on_thing(call, &job, arena, err);
    }
    if (rc != ERR_OK || call->kind == TASK_CHECK) {
        return rc;
    }
    bool done = false;
    enum mishap mishap = MISHAP_NONE;
    rc = undo_first_half(&job, &done, &mishap, arena, err);
    if (rc != ERR_OK || done) {
        return rc;
    }
    rc = FAULT_POINT("provider.simulator.undo.half", err);
    if (rc == ERR_OK && mishap == MISHAP_HALFWAY) {
        rc = mishap_error(&job, "undo", err);
    }
    if (rc == ERR_OK) {
        rc = pass_time(call, simulator_duration_ms(&job.world, job.spec, TASK_ABSENT, "undo") / 2,
                       err);
    }
    return rc == ERR_OK ? undo_second_half(&job, arena, err) : rc;
}

static const char *state_text(const struct simulator_thing *thing)
{
    switch (thing->state) {
    case SIMULATOR_MAKING:
        return "simulated, half made";
    case SIMULATOR_UP:
        return "simulated, up";
    case SIMULATOR_REMOVING:
        return "simulated, half removed";
    default:
        return "simulated, its record cannot be read";
    }
}

static enum err_code simulator_observe(const struct provider_call *call, const char *prefix,
                                       struct provider_observations *out, struct arena *arena,
                                       struct err *err)
{
    struct job job;
    enum err_code rc = FAULT_POINT("provider.simulator.observe", err);
    if (rc == ERR_OK) {
        rc = begin(call, &job, arena, err);
    }
    struct simulator_things things = {{0}};
    if (rc == ERR_OK) {
        rc = simulator_store_list(&job.store, prefix != NULL ? prefix : "", &things, arena, err);
    }
    if (rc != ERR_OK) {
        return rc;
    }
    struct provider_observations seen = {{0}};
    for (size_t i = 0; i < things.items.count; i++) {
        const struct simulator_thing *thing = &things.items.items[i];
        struct provider_observation *one = LIST_ADD(arena, &seen.items);
        one->name = thing->name;
        one->up = thing->state == SIMULATOR_UP;
        one->text = state_text(thing);
        one->result = thing->result;
        one->result.simulated = true;
    }
    *out = seen;
    return ERR_OK;
}

const struct provider_ops simulator_provider = {
    .name = "simulator",
    .doc = "Simulated sites for drills and what-if: nothing real is opened.",
    .simulated = true,
    .forms = simulator_forms,
    .task_kinds = simulator_task_kinds,
    .match = simulator_match,
    .discover = simulator_discover,
    .check = simulator_check,
    .apply = simulator_apply,
    .verify = simulator_verify,
    .undo = simulator_undo,
    .observe = simulator_observe,
};
