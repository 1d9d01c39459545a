/* designing.c - a design that is made, stored and reserved: for a new need and for a refined one.
 *
 * Contract: a design runs on a snapshot and outside of any transaction; what it was made from, what
 * it found and the room that it needs are stored together.  When others took that room meanwhile,
 * it is designed again, alone: the first try of many runs beside the others, each further one has
 * this server's designs to itself, so that it can lose only to other servers or to plans that are
 * applied.  The lock is held while the transaction commits: that is what it is for. */
#include <string.h>

#include "api/api_priv.h"
#include "api/designing.h"
#include "api/operations.h"
#include "base/clock.h"
#include "base/str.h"
#include "intelligent/design/design.h"

/* Lost races before the asker is told to try again. */
#define ATTEMPTS 8

bool api_design_is_late(void *stop)
{
    const struct api_design_stop *at = stop;
    return clock_mono_ms() > at->deadline_ms || api_operation_should_stop(at->call);
}

/* What was not said but follows from where the request comes: users of a service that must run on
 * this machine, and name no place, are on this machine. */
static void assume_place(struct api_call *call, struct requirement *requirement,
                         const struct network *network, struct solution_answer *notes)
{
    const char *here = call->api->options.local_place;
    bool known = false;
    if (!here || requirement->user_location)
        return;
    for (size_t i = 0; i < requirement->components.count; i++)
        if (!str_eq(requirement->components.items[i].location, here))
            return;
    for (size_t i = 0; i < network->access.count; i++)
        known = known || str_eq(network->access.items[i].id, here);
    if (!known)
        return;
    requirement->user_location = here;
    *LIST_ADD(call->arena, &notes->conflict) =
        arena_printf(call->arena, "users are at %s too: no other place of theirs was said", here);
}

/* Where no place of users is said, the contract takes the farthest access point; the one of this
 * machine leads to this machine only and is no place where users of anything else could be, so it
 * is left out then. */
const struct network *api_network_for(struct api_call *call, const struct requirement *requirement,
                                      const struct compute_snapshot *snapshot, const char *holder)
{
    const char *here = call->api->options.local_place;
    const struct network *all = compute_network_for(snapshot, holder, clock_now_ms(), call->arena);
    if (!here || requirement->user_location)
        return all;
    struct network *some = arena_memdup(call->arena, all, sizeof *all);
    some->access.items = arena_array(call->arena, all->access.count, sizeof *all->access.items);
    some->links.items = arena_array(call->arena, all->links.count, sizeof *all->links.items);
    some->access.count = some->links.count = 0;
    for (size_t i = 0; i < all->access.count; i++)
        if (!str_eq(all->access.items[i].id, here))
            some->access.items[some->access.count++] = all->access.items[i];
    for (size_t i = 0; i < all->links.count; i++)
        if (!str_eq(all->links.items[i].a, here) && !str_eq(all->links.items[i].b, here))
            some->links.items[some->links.count++] = all->links.items[i];
    return some;
}

/* Sizes that were not said come from what the application needs. */
static void assume_sizes(struct api_call *call, struct requirement *requirement,
                         const struct application_spec_refs *applications,
                         struct solution_answer *notes)
{
    for (size_t i = 0; i < requirement->components.count; i++) {
        struct requirement_component *component = &requirement->components.items[i];
        const struct application_spec_ref *ref =
            application_spec_find(applications, component->name);
        if (!ref)
            continue;
        const struct application_spec_needs *needs = &ref->spec.needs;
        const struct {
            struct opt_double *have;
            const struct opt_double *need;
            const char *what;
        } sizes[] = {{&component->vcpus, &needs->vcpus, "vCPU"},
                     {&component->memory_gib, &needs->memory_gib, "GiB of memory"},
                     {&component->disk_gib, &needs->disk_gib, "GiB of disk"}};
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            if (sizes[k].have->set || !sizes[k].need->set)
                continue;
            *sizes[k].have = *sizes[k].need;
            *LIST_ADD(call->arena, &notes->conflict) =
                arena_printf(call->arena, "%s takes %g %s, the least that %s needs",
                             component->name, sizes[k].need->value, sizes[k].what, ref->id);
        }
    }
}

static void infeasible_problem(struct api_call *call, const struct solution_answer *answer,
                               const struct err *err)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    json_encode(&solution_answer_table, answer, JSON_COMPACT, &all);
    /* The members of the answer become members of the problem: strip the braces. */
    const char *members =
        all.len > 2 ? arena_strndup(call->arena, buf_str(&all) + 1, all.len - 2) : NULL;
    api_problem(call->response, err, call->request->path, call->request_id, members);
}

/* What the engine takes for granted about free capacity, and what holds once room is held. */
#define NOT_HELD \
    "a month has 730 hours; free capacity is what the network states, with no reservation made"
#define HELD \
    "a month has 730 hours; room is held for the first candidate, or the one that is chosen"

/* The engine's lists may have any capacity: a longer one is a new one. */
static void add_assumptions(struct solution_answer *answer, const struct solution_answer *assumed,
                            bool held, struct arena *arena)
{
    for (size_t i = 0; i < answer->solutions.count; i++) {
        struct solution *solution = &answer->solutions.items[i];
        size_t count = solution->assumptions.count + assumed->conflict.count;
        const char **all = arena_array(arena, count + 1, sizeof *all);
        size_t at = 0;
        for (size_t k = 0; k < assumed->conflict.count; k++)
            all[at++] = assumed->conflict.items[k];
        for (size_t k = 0; k < solution->assumptions.count; k++) {
            const char *text = solution->assumptions.items[k];
            all[at++] = held && str_eq(text, NOT_HELD) ? HELD : text;
        }
        solution->assumptions.items = all;
        solution->assumptions.count = count;
    }
}

/* ---- finding ---- */

static void give_decisions(const struct business_solution *spec, struct design_input *input,
                           struct arena *arena)
{
    for (size_t i = 0; i < spec->pins.count; i++) {
        const struct solution_pin *pin = &spec->pins.items[i];
        *LIST_ADD(arena, &input->pins) = (struct design_pin){
            pin->component, pin->instance.set ? pin->instance.value : -1, pin->site};
    }
    for (size_t i = 0; i < spec->exclusions.count; i++) {
        const struct solution_exclusion *exclusion = &spec->exclusions.items[i];
        *LIST_ADD(arena, &input->exclusions) =
            (struct design_exclusion){exclusion->component, exclusion->site};
    }
}

static double time_limit(const struct api_call *call, struct opt_double wished)
{
    double most = call->api->options.design_time_limit_s;
    return wished.set && wished.value < most ? wished.value : most;
}

struct api_design_stop api_design_stop(struct api_call *call, struct opt_double limit_s)
{
    int64_t limit_ms = (int64_t)(time_limit(call, limit_s) * 1000);
    api_operation_limit(call, limit_ms);
    return (struct api_design_stop){call, clock_mono_ms() + limit_ms};
}

static enum err_code solve(struct api_design *design, const struct compute_snapshot *snapshot,
                           struct solution_answer *answer, struct err *err)
{
    struct api_call *call = design->stage.call;
    struct api_design_stop stop = api_design_stop(call, design->time_limit_s);
    const struct requirement *requirement = design->spec.requirement;
    struct design_input input = {
        .given = {.requirement = requirement,
                  .network = api_network_for(call, requirement, snapshot, design->stage.existing),
                  .notes = &snapshot->notes,
                  .connections = &snapshot->connections,
                  .applications = design->judge.applications,
                  .standards = design->judge.standards,
                  .cases = design->judge.cases,
                  .now_ms = clock_now_ms()},
        .objective = design->spec.objective,
        .should_stop = api_design_is_late,
        .stop_ctx = &stop};
    give_decisions(&design->spec, &input, call->arena);
    call->api->designs++;
    enum err_code rc = design_solve(&input, answer, call->arena, err);
    if (rc == ERR_INFEASIBLE) {
        call->api->designs_infeasible++;
        infeasible_problem(call, answer, err);
    } else if (rc == ERR_CANCELLED) {
        rc = err_set(err, ERR_TIMEOUT, "nothing was found within %g s",
                     time_limit(call, design->time_limit_s));
        err_hint(err, "give it more time with time_limit_s (at most %g here), or ask for less",
                 call->api->options.design_time_limit_s);
    }
    return rc;
}

/* ---- storing ---- */

static enum err_code is_as_expected(struct store_tx *tx, const struct api_design *design,
                                    struct err *err)
{
    struct store_record record;
    struct api_call *call = design->stage.call;
    if (!design->expected)
        return ERR_OK;
    enum err_code rc =
        store_get(tx, "solutions", design->stage.existing, &record, call->arena, err);
    if (rc || record.version == design->expected)
        return rc;
    return err_set(err, ERR_PRECONDITION, "'%s' has version %lld, not %lld", record.id,
                   (long long)record.version, (long long)design->expected);
}

static enum err_code save(struct store_tx *tx, struct api_design *design,
                          const struct solution_hold *hold, struct err *err)
{
    struct api_stage *stage = &design->stage;
    struct api_call *call = stage->call;
    enum err_code rc;
    if (!stage->existing)
        return business_solution_save(tx, &design->spec, hold, &call->actor, stage->id, err);
    if ((rc = is_as_expected(tx, design, err)) ||
        (rc = api_act_for(call, tx, "solutions", stage->existing, err)))
        return rc;
    return business_solution_refine(tx, stage->existing, &design->spec, hold, &call->actor, err);
}

enum err_code api_design_save(struct store_tx *tx, struct api_design *design, struct err *err)
{
    struct api_stage *stage = &design->stage;
    struct api_call *call = stage->call;
    enum err_code rc;
    if (design->said) {
        char id[ID_SIZE];
        if ((rc = business_requirement_save(tx, design->said, &call->actor, id, err)))
            return rc;
        design->spec.requirement_id = arena_printf(call->arena, "%s@1", id);
    }
    const struct solution_answer *answer = design->spec.answer;
    struct solution_hold hold = business_hold(answer->solutions.count ? design->reserve_s : 0, 0);
    if ((rc = save(tx, design, &hold, err)))
        return rc;
    const char *holder = stage->existing ? stage->existing : stage->id;
    if (hold.state != SOLUTION_HOLD_HELD)
        return stage->existing ? compute_release(tx, holder, &call->actor, err) : ERR_OK;
    struct compute_reservation wish = {holder, design->spec.requirement,
                                       &answer->solutions.items[0], hold.expires_ms};
    return compute_reserve(tx, &wish, &call->actor, err);
}

static enum err_code design_body(struct store_tx *tx, struct api_stage *stage, struct err *err)
{
    return api_design_save(tx, (struct api_design *)stage, err);
}

/* ---- from a need to a stored design ---- */

enum err_code api_design_prepare(struct api_design *design, const struct network *network,
                                 struct solution_answer *assumed, struct err *err)
{
    struct api_call *call = design->stage.call;
    enum err_code rc;
    if ((rc = api_judge(call, design->asked, &design->judge, err)) ||
        (rc = requirement_copy(design->asked, &design->spec.requirement, call->arena, err)))
        return rc;
    design->spec.applications.items = NULL;
    design->spec.applications.count = 0;
    const struct application_spec_refs *known = design->judge.applications;
    for (size_t i = 0; i < known->items.count; i++)
        if (known->items.items[i].component)
            *LIST_ADD(call->arena, &design->spec.applications) = known->items.items[i].id;
    assume_place(call, design->spec.requirement, network, assumed);
    assume_sizes(call, design->spec.requirement, known, assumed);
    return ERR_OK;
}

void api_design_finish(struct api_design *design, struct solution_answer *answer,
                       const struct solution_answer *assumed)
{
    add_assumptions(answer, assumed, design->reserve_s > 0, design->stage.call->arena);
    design->spec.answer = answer;
}

static enum err_code design_once(void *ctx, struct err *err)
{
    struct api_design *design = ctx;
    struct api_call *call = design->stage.call;
    struct solution_answer *answer = arena_zalloc(call->arena, sizeof *answer);
    struct solution_answer assumed = {0}; /* collects assumptions in a list of texts */
    const struct compute_snapshot *snapshot = compute_snapshot_ref(call->api->options.compute);
    enum err_code rc = api_design_prepare(design, &snapshot->network, &assumed, err);
    if (!rc)
        rc = solve(design, snapshot, answer, err);
    design->spec.network_version = snapshot->version;
    if (!rc) {
        api_design_finish(design, answer, &assumed);
        rc = api_stage_store(&design->stage, err);
    }
    compute_snapshot_unref(snapshot);
    return rc;
}

/* ---- once more, when others were faster ---- */

static enum err_code try_once(struct api *api, bool alone, api_design_fn once, void *ctx,
                              struct err *err)
{
    if (alone)
        pthread_rwlock_wrlock(&api->designing);
    else
        pthread_rwlock_rdlock(&api->designing);
    enum err_code rc = alone ? compute_reload(api->options.compute, err)
                             : compute_refresh(api->options.compute, err);
    if (!rc)
        rc = once(ctx, err);
    pthread_rwlock_unlock(&api->designing);
    return rc;
}

enum err_code api_design_attempts(struct api_call *call, api_design_fn once, void *ctx,
                                  int64_t *ret_redesigns, struct err *err)
{
    for (*ret_redesigns = 0;; (*ret_redesigns)++) {
        enum err_code rc = try_once(call->api, *ret_redesigns > 0, once, ctx, err);
        if (rc == ERR_TIMEOUT || rc == ERR_CAPACITY) { /* perhaps because it was told to stop */
            struct err stopped = ERR_INIT;
            if (api_operation_check(call, &stopped)) {
                *err = stopped;
                return stopped.code;
            }
        }
        if (rc != ERR_CAPACITY)
            return rc;
        if (*ret_redesigns + 1 == ATTEMPTS)
            break;
        err_clear(err);
    }
    err_set(err, ERR_CAPACITY, "designed %d times, and each time others took the room first",
            ATTEMPTS);
    return err_hint(err, "try again; or design without a reservation (reserve_s 0)");
}

enum err_code api_design_and_store(struct api_design *design, struct err *err)
{
    design->stage.body = design_body;
    design->stage.collection = "solutions";
    return api_design_attempts(design->stage.call, design_once, design, &design->spec.redesigns,
                               err);
}

int64_t api_reserve_s(const struct api_call *call, struct opt_int wished)
{
    if (wished.set)
        return wished.value;
    int64_t usual_ms = call->api->options.reserve_ms;
    return usual_ms > 0 ? (usual_ms + 999) / 1000 : 0;
}
