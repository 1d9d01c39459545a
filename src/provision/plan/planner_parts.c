/* planner_parts.c - what opening and removing share: names, estimates, order and seal of a plan.
 *
 * Contract: pure.  The same input gives the same bytes, so the same digest.  O(tasks log tasks +
 * edges). */
#include <stdio.h>
#include <string.h>

#include "base/dag.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "provision/plan/planner_priv.h"

#define DIGEST_CHARS 8 /* 32 bits: a deployment has tens of components, not tens of thousands */

static bool is_fit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *planner_slug(const char *text, size_t max, struct arena *arena)
{
    size_t length = strlen(text);
    bool fit = length > 0 && length <= max && is_fit(text[0]) && is_fit(text[length - 1]);
    for (size_t i = 0; fit && i < length; i++)
        fit = is_fit(text[i]) || text[i] == '-';
    if (fit)
        return text;

    char digest[ID_DIGEST_SIZE];
    id_digest(text, length, digest);
    char *out = arena_alloc(arena, max + 1);
    size_t used = 0, room = max - DIGEST_CHARS - 1;
    for (size_t i = 0; i < length && used < room; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (is_fit(c))
            out[used++] = c;
        else if (used > 0 && out[used - 1] != '-')
            out[used++] = '-';
    }
    while (used > 0 && out[used - 1] == '-')
        used--;
    /* A name may have to begin with a letter, and a digest may begin with a digit. */
    if (used == 0)
        out[used++] = 'c';
    snprintf(out + used, max + 1 - used, "-%.*s", DIGEST_CHARS, digest + strlen("sha256:"));
    return out;
}

/* Defaults for a first run, before anything has been measured.  They are the upper ends of what
 * the project's own test sites took (a package or container 0.3 s to 3 s, a virtual machine with
 * its boot 2.5 s to 7 s), with room for a slower machine; learned estimates replace them. */
static const double default_seconds[] = {
    [TASK_DELIVER] = 1, [TASK_SERVER] = 10,  [TASK_BANDWIDTH] = 2,
    [TASK_ADDRESS] = 2, [TASK_INSTANCE] = 3, [TASK_CHECK] = 2,
};
#define DELIVER_BYTES_PER_S 12500000.0 /* 100 Mbit/s, when the path's rate is not known */
#define UNDO_SECONDS 2.0

double planner_seconds(const struct planner_estimate *estimates, size_t count, const char *provider,
                       int kind, int64_t artefact_bytes)
{
    const struct planner_estimate *any = NULL;
    for (size_t i = 0; i < count; i++) {
        if (estimates[i].kind != kind)
            continue;
        if (estimates[i].provider && str_eq(estimates[i].provider, provider))
            return estimates[i].seconds;
        if (!estimates[i].provider && !any)
            any = &estimates[i];
    }
    if (any)
        return any->seconds;
    double seconds = default_seconds[kind];
    if (kind == TASK_DELIVER)
        seconds += (double)artefact_bytes / DELIVER_BYTES_PER_S;
    return seconds;
}

double planner_undo_seconds(void)
{
    return UNDO_SECONDS;
}

enum err_code planner_finish(struct plan *plan, struct arena *arena, struct err *err)
{
    size_t count = plan->tasks.count;
    CLEANUP(map_free_at) struct map *index = map_new();
    for (size_t i = 0; i < count; i++)
        map_put(index, plan->tasks.items[i].id, &plan->tasks.items[i]);

    LIST(struct dag_edge) edges = {NULL, 0};
    double *seconds = arena_array(arena, count, sizeof *seconds);
    for (size_t i = 0; i < count; i++) {
        const struct plan_task *task = &plan->tasks.items[i];
        seconds[i] = task->estimate_s;
        plan->simulated = plan->simulated || task->simulated;
        for (size_t j = 0; j < task->after.count; j++) {
            const struct plan_task *before = map_find(index, task->after.items[j]);
            struct dag_edge *edge = LIST_ADD(arena, &edges);
            edge->before = (size_t)(before - plan->tasks.items);
            edge->after = i;
        }
    }
    size_t *order = arena_array(arena, count, sizeof *order);
    if (dag_order(count, edges.items, edges.count, order, arena, err)) {
        err_set(err, ERR_INFEASIBLE, "the applications depend on each other in a circle");
        return err_hint(err, "take one of the dependencies out of the applications' app.yaml");
    }
    double *start = arena_array(arena, count, sizeof *start);
    dag_earliest(count, edges.items, edges.count, order, seconds, start, &plan->eta_s, arena);

    struct plan_task *sorted = arena_array(arena, count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = plan->tasks.items[order[i]];
    plan->tasks.items = sorted;
    plan_seal(plan, arena);
    return ERR_OK;
}
