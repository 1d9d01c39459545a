/* workflow_plan.c - the plan of a run: read back from its row, linked, and shared by all who work
 * on it.
 *
 * Contract: a plan never changes once stored, so a decoded one is immutable and may be used without
 * a lock between get and put.  Up to PLANS_KEPT plans that nobody uses stay, oldest use first out.
 */
#include <string.h>

#include "base/dag.h"
#include "base/map.h"
#include "base/str.h"
#include "provision/workflow/workflow_priv.h"

#define PLANS_KEPT 32 /* some megabytes at worst; a run is rarely left and come back to */

/* ---- links ---- */

static struct workflow_links group(size_t count, const struct dag_edge *edges, size_t edge_count,
                                   bool by_after, struct arena *arena)
{
    struct workflow_links links = {arena_array(arena, count + 1, sizeof(size_t)),
                                   arena_array(arena, edge_count + 1, sizeof(size_t))};
    for (size_t e = 0; e < edge_count; e++)
        links.first[(by_after ? edges[e].after : edges[e].before) + 1]++;
    for (size_t i = 0; i < count; i++)
        links.first[i + 1] += links.first[i];
    size_t *fill = arena_memdup(arena, links.first, (count + 1) * sizeof(size_t));
    for (size_t e = 0; e < edge_count; e++) {
        size_t owner = by_after ? edges[e].after : edges[e].before;
        links.next[fill[owner]++] = by_after ? edges[e].before : edges[e].after;
    }
    return links;
}

enum err_code workflow_plan_link(struct workflow_plan *plan, struct arena *arena, struct err *err)
{
    size_t count = plan->plan.tasks.count;
    CLEANUP(map_free_at) struct map *index = map_new();
    for (size_t i = 0; i < count; i++) {
        struct plan_task *task = &plan->plan.tasks.items[i];
        if (map_put(index, task->id, task))
            return err_set(err, ERR_INVALID, "the plan has two tasks '%s'", task->id);
    }
    LIST(struct dag_edge) edges = {NULL, 0};
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < plan->plan.tasks.items[i].after.count; j++) {
            const char *id = plan->plan.tasks.items[i].after.items[j];
            const struct plan_task *before = map_find(index, id);
            if (!before)
                return err_set(err, ERR_INVALID, "task '%s' stands after '%s', which is no task",
                               plan->plan.tasks.items[i].id, id);
            size_t at = (size_t)(before - plan->plan.tasks.items);
            if (at >= i)
                return err_set(err, ERR_INVALID, "task '%s' stands before '%s', which it is after",
                               plan->plan.tasks.items[i].id, id);
            *LIST_ADD(arena, &edges) = (struct dag_edge){at, i};
        }
    plan->before = group(count, edges.items, edges.count, true, arena);
    plan->after = group(count, edges.items, edges.count, false, arena);
    plan->remove = str_eq(plan->plan.purpose, "remove");
    return ERR_OK;
}

enum err_code workflow_plan_read(struct store_tx *tx, const char *run_id, struct workflow_plan *out,
                                 struct arena *arena, struct err *err)
{
    struct store_rows rows;
    const struct store_value args[] = {STORE_V_TEXT(run_id)};
    enum err_code rc = store_query(tx, "SELECT plan FROM workflow_runs WHERE run_id = $1", args, 1,
                                   1, &rows, arena, err);
    if (rc)
        return rc;
    if (rows.count == 0)
        return err_set(err, ERR_NOT_FOUND, "no run is named '%s'", run_id);
    const struct store_value *text = store_cell(&rows, 0, 0);
    struct workflow_plan plan = {0};
    rc =
        json_decode(text->text, text->len, &plan_table, &json_limits_large, &plan.plan, arena, err);
    if (rc) {
        err_context(err, "plan of run '%s'", run_id);
        return rc;
    }
    if ((rc = workflow_plan_link(&plan, arena, err)))
        return rc;
    *out = plan;
    return ERR_OK;
}

/* ---- sharing ---- */

struct entry {
    struct workflow_plan plan; /* first, so that a plan is its entry */
    struct entry *next;        /* newest use first */
    char *run_id;
    struct arena arena;
    size_t users;
};

struct workflow_plans {
    pthread_mutex_t lock;
    struct entry *entries;
};

struct workflow_plans *workflow_plans_new(void)
{
    struct workflow_plans *plans = mem_zalloc(sizeof *plans);
    pthread_mutex_init(&plans->lock, NULL);
    return plans;
}

static void entry_free(struct entry *entry)
{
    arena_done(&entry->arena);
    mem_free(entry->run_id);
    mem_free(entry);
}

void workflow_plans_free(struct workflow_plans *plans)
{
    while (plans->entries) {
        struct entry *entry = plans->entries;
        plans->entries = entry->next;
        entry_free(entry);
    }
    pthread_mutex_destroy(&plans->lock);
    mem_free(plans);
}

/* Takes the entry to the front and counts its user; NULL if it is not there.  Under the lock. */
static struct entry *use(struct workflow_plans *plans, const char *run_id)
{
    for (struct entry **at = &plans->entries; *at; at = &(*at)->next)
        if (str_eq((*at)->run_id, run_id)) {
            struct entry *entry = *at;
            *at = entry->next;
            entry->next = plans->entries;
            plans->entries = entry;
            entry->users++;
            return entry;
        }
    return NULL;
}

/* Under the lock. */
static void shrink(struct workflow_plans *plans)
{
    size_t seen = 0;
    for (struct entry **at = &plans->entries; *at;) {
        struct entry *entry = *at;
        if (seen++ < PLANS_KEPT || entry->users > 0) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        entry_free(entry);
    }
}

enum err_code workflow_plans_get(struct workflow_plans *plans, struct store *store,
                                 const char *run_id, const struct workflow_plan **out,
                                 struct err *err)
{
    pthread_mutex_lock(&plans->lock);
    struct entry *entry = use(plans, run_id);
    pthread_mutex_unlock(&plans->lock);
    if (entry) {
        *out = &entry->plan;
        return ERR_OK;
    }
    entry = mem_zalloc(sizeof *entry);
    entry->run_id = mem_strdup(run_id);
    entry->users = 1;
    CLEANUP(store_rollback_at) struct store_tx *tx = NULL;
    enum err_code rc = store_begin(store, STORE_READ, &tx, err);
    if (!rc)
        rc = workflow_plan_read(tx, run_id, &entry->plan, &entry->arena, err);
    if (rc) {
        entry_free(entry);
        return rc;
    }
    pthread_mutex_lock(&plans->lock);
    struct entry *other = use(plans, run_id); /* somebody may have been faster */
    if (!other) {
        entry->next = plans->entries;
        plans->entries = entry;
        shrink(plans);
    }
    pthread_mutex_unlock(&plans->lock);
    if (other)
        entry_free(entry);
    *out = other ? &other->plan : &entry->plan;
    return ERR_OK;
}

void workflow_plans_put(struct workflow_plans *plans, const struct workflow_plan *plan)
{
    if (!plan)
        return;
    struct entry *entry = (struct entry *)(uintptr_t)plan;
    pthread_mutex_lock(&plans->lock);
    entry->users--;
    shrink(plans);
    pthread_mutex_unlock(&plans->lock);
}
