/* planner_remove.c - the plan that takes away what a deployment consists of.
 *
 * Contract: pure; on failure *out is as it was.  What was made later goes earlier: where task B of
 * the opening plan stood (directly or through a check) after A, the removal of A stands after that
 * of B. Deliveries go last; a thing that the opening plan does not know (found by observation) goes
 * at once.  Things already removed are left out, so the plan of a half-removed deployment is the
 * rest. */
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "provision/plan/planner_priv.h"

struct remover {
    const struct plan *opened; /* may be NULL */
    struct map *by_name;       /* spec.name → const struct plan_task of `opened` */
    struct map *by_id;         /* id → the same */
    struct map *removals;      /* id in `opened` → id of its removal */
    struct plan plan;
    struct arena *arena;
};

static struct plan_task *add_removal(struct remover *r, const char *what, const char *id)
{
    struct plan_task *task = LIST_ADD(r->arena, &r->plan.tasks);
    task->id = arena_printf(r->arena, "remove-%s", id);
    task->title = arena_printf(r->arena, "remove %s", what);
    task->estimate_s = planner_undo_seconds();
    return task;
}

static void remove_instance(struct remover *r, const struct deployment_instance *instance)
{
    const struct plan_task *opening = map_find(r->by_name, instance->name);
    struct plan_task *task = add_removal(
        r, instance->name,
        opening ? opening->id : planner_slug(instance->name, PLANNER_NAME_MAX, r->arena));
    task->kind = instance->kind;
    task->site = instance->site;
    task->provider = instance->provider;
    task->endpoint = instance->endpoint;
    task->simulated = instance->simulated;
    if (opening) {
        task->spec = opening->spec;
        map_put(r->removals, opening->id, (void *)task->id);
    } else {
        task->spec.name = instance->name;
        task->spec.deployment = r->plan.deployment;
        task->spec.component = instance->component;
        task->spec.instance = instance->instance;
    }
}

static void remove_delivery(struct remover *r, const struct plan_task *opening)
{
    struct plan_task *task = add_removal(r, opening->spec.name, opening->id);
    task->kind = opening->kind;
    task->site = opening->site;
    task->provider = opening->provider;
    task->endpoint = opening->endpoint;
    task->simulated = opening->simulated;
    task->spec = opening->spec;
    map_put(r->removals, opening->id, (void *)task->id);
}

/* What `task` of the opening plan stood after is removed after `removal`.  A task that is not
 * removed itself (a check) passes the wait on to what it stood after. */
static void add_reverse_edges(struct remover *r, const struct plan_task *task, const char *removal,
                              struct map *seen, struct map *index)
{
    for (size_t i = 0; i < task->after.count; i++) {
        const char *before = task->after.items[i];
        if (map_put(seen, before, r))
            continue;
        const char *id = map_find(r->removals, before);
        const struct plan_task *opening = map_find(r->by_id, before);
        if (id) {
            struct plan_task *waiting = map_find(index, id);
            *LIST_ADD(r->arena, &waiting->after) = removal;
        } else if (opening) {
            add_reverse_edges(r, opening, removal, seen, index);
        }
    }
}

static void link_removals(struct remover *r)
{
    CLEANUP(map_free_at) struct map *index = map_new();
    for (size_t i = 0; i < r->plan.tasks.count; i++)
        map_put(index, r->plan.tasks.items[i].id, &r->plan.tasks.items[i]);
    for (size_t i = 0; r->opened && i < r->opened->tasks.count; i++) {
        const struct plan_task *task = &r->opened->tasks.items[i];
        const char *removal = map_find(r->removals, task->id);
        if (!removal)
            continue;
        CLEANUP(map_free_at) struct map *seen = map_new();
        add_reverse_edges(r, task, removal, seen, index);
    }
}

static enum err_code build(struct remover *r, const struct deployment_status *status,
                           struct err *err)
{
    CLEANUP(map_free_at) struct map *named = map_new();
    for (size_t i = 0; r->opened && i < r->opened->tasks.count; i++) {
        const struct plan_task *task = &r->opened->tasks.items[i];
        map_put(r->by_id, task->id, (void *)task);
        if (task->kind != TASK_CHECK)
            map_put(r->by_name, task->spec.name, (void *)task);
    }
    for (size_t i = status->instances.count; i-- > 0;) {
        const struct deployment_instance *instance = &status->instances.items[i];
        if (instance->state == DEPLOYMENT_REMOVED)
            continue;
        if (!instance->name || !instance->site || !instance->provider || !instance->endpoint ||
            instance->kind <= TASK_ABSENT || instance->kind > TASK_CHECK) {
            err_set(err, ERR_INVALID, "the deployment does not say what and where its instance is");
            return err_field(err, "instances[%zu]", i);
        }
        if (map_put(named, instance->name, r))
            return err_set(err, ERR_INVALID, "two instances are named '%s'", instance->name);
        if (instance->kind != TASK_CHECK)
            remove_instance(r, instance);
    }
    for (size_t i = 0; r->opened && i < r->opened->tasks.count; i++) {
        const struct plan_task *task = &r->opened->tasks.items[i];
        if (task->kind == TASK_DELIVER && !map_has(r->removals, task->id))
            remove_delivery(r, task);
    }
    link_removals(r);
    r->plan.purpose = "remove";
    if (r->opened) {
        r->plan.basis = r->opened->basis;
        r->plan.currency = r->opened->currency;
    }
    return planner_finish(&r->plan, r->arena, err);
}

enum err_code planner_remove(const char *deployment, const struct deployment_status *status,
                             const struct plan *opened_by, struct plan *out, struct arena *arena,
                             struct err *err)
{
    struct remover r = {.opened = opened_by,
                        .by_name = map_new(),
                        .by_id = map_new(),
                        .removals = map_new(),
                        .arena = arena};
    r.plan.deployment = deployment;
    enum err_code rc = build(&r, status, err);
    map_free(r.by_name);
    map_free(r.by_id);
    map_free(r.removals);
    if (!rc)
        *out = r.plan;
    return rc;
}
