/* faults.c - what happens by number and by time: changes, phases, and the stretches between them.
 *
 * Contract: changes are sorted by time, then what is before what is known, then by the order of the
 * file.  Phases are whole stretches. */
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "twin/simulation/simulation_priv.h"

#define STRETCHES_MOST 256
#define TALLIES_MOST 2000000.0 /* flows × stretches */

static int by_time(const void *a, const void *b)
{
    const struct sim_change *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->notice != y->notice)
        return x->notice ? 1 : -1;
    return (x->fault > y->fault) - (x->fault < y->fault);
}

struct changes {
    struct sim_change *items;
    size_t count;
};

static void add_change(struct sim_world *world, struct changes *changes, struct sim_change change)
{
    const struct simulation_fault *fault = change.fault;
    double delay = change.node >= 0 ? world->scenario->failover_s : world->scenario->reroute_s;
    for (int notice = 0; notice <= (fault->kind == SIMULATION_FAIL); notice++) {
        change.notice = notice;
        change.begins = true;
        change.at = fault->at_s + (notice ? delay : 0);
        *LIST_ADD(world->arena, changes) = change;
        change.begins = false;
        change.at = fault->until_s.value + (notice ? delay : 0);
        if (fault->until_s.set)
            *LIST_ADD(world->arena, changes) = change;
    }
}

/* All links between the two ends. */
static bool add_links(struct sim_world *world, struct changes *changes,
                      const struct simulation_fault *fault, int32_t a, int32_t b)
{
    bool found = false;
    for (int32_t i = world->first[a]; i < world->first[a + 1]; i++)
        if (world->edge[world->out[i]].to == b) {
            found = true;
            add_change(world, changes,
                       (struct sim_change){
                           .fault = fault, .node = -1, .link = world->out[i] / 2, .flow = -1});
        }
    return found;
}

static enum err_code read_fault(struct sim_world *world, size_t number, const struct map *nodes,
                                const struct map *flows, struct changes *changes, struct err *err)
{
    const struct simulation_fault *fault = &world->scenario->faults.items[number];
    const char *path = arena_printf(world->arena, "faults[%zu]", number);
    struct sim_change change = {.fault = fault, .node = -1, .link = -1, .flow = -1};
    int32_t a, b;
    enum err_code rc;
    if (fault->at_s >= world->scenario->duration_s) {
        err_set(err, ERR_INVALID, "it begins after the end of the simulation");
        return err_field(err, "%s.at_s", path);
    }
    if (fault->a) {
        if ((rc = simulation_look_up(nodes, fault->a, "place",
                                     arena_printf(world->arena, "%s.a", path), &a, err)) ||
            (rc = simulation_look_up(nodes, fault->b, "place",
                                     arena_printf(world->arena, "%s.b", path), &b, err)))
            return rc;
        if (add_links(world, changes, fault, a, b))
            return ERR_OK;
        err_set(err, ERR_INVALID, "no link joins '%s' and '%s'", fault->a, fault->b);
        return err_field(err, "%s.b", path);
    }
    rc = fault->site
             ? simulation_look_up(nodes, fault->site, "place",
                                  arena_printf(world->arena, "%s.site", path), &change.node, err)
             : simulation_look_up(flows, fault->flow, "flow",
                                  arena_printf(world->arena, "%s.flow", path), &change.flow, err);
    if (!rc && change.flow >= 0 && world->flow_tasks[change.flow]) {
        err_set(err, ERR_INVALID, "requests that are listed do not grow");
        return err_field(err, "%s.flow", path);
    }
    if (!rc)
        add_change(world, changes, change);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void cut_stretches(struct sim_world *world)
{
    size_t most = world->change_count + SIMULATION_PHASES + 1, count = 0;
    double *at = world->stretches = arena_array(world->arena, most, sizeof *at);
    double end = world->bounds[SIMULATION_PHASES], flows = (double)world->scenario->flows.count;
    for (int i = 0; i <= SIMULATION_PHASES; i++)
        at[count++] = world->bounds[i];
    for (size_t i = 0; i < world->change_count; i++)
        if (world->changes[i].at > world->bounds[0] && world->changes[i].at < end)
            at[count++] = world->changes[i].at;
    qsort(at, count, sizeof *at, by_size);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (at[i] > at[kept - 1])
            at[kept++] = at[i];
    world->stretch_count = (int32_t)kept - 1;
    world->timeline = kept - 1 <= STRETCHES_MOST && (double)(kept - 1) * flows <= TALLIES_MOST;
    if (world->timeline)
        return;
    world->stretch_count = 0;
    for (int i = 1; i <= SIMULATION_PHASES; i++)
        if (world->bounds[i] > world->bounds[i - 1]) {
            at[world->stretch_count++] = world->bounds[i - 1];
            at[world->stretch_count] = world->bounds[i];
        }
}

enum err_code simulation_read_faults(struct sim_world *world, const struct map *nodes,
                                     const struct map *flows, struct err *err)
{
    const struct simulation_scenario *scenario = world->scenario;
    double end = scenario->duration_s, first = end, last = 0;
    struct changes changes = {0};
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < scenario->faults.count && !rc; i++) {
        const struct simulation_fault *fault = &scenario->faults.items[i];
        first = fmin(first, fault->at_s);
        last = fmax(last, fault->until_s.set ? fmin(fault->until_s.value, end) : end);
        rc = read_fault(world, i, nodes, flows, &changes, err);
    }
    if (changes.count)
        qsort(changes.items, changes.count, sizeof *changes.items, by_time);
    world->changes = changes.items;
    world->change_count = changes.count;
    first = fmax(first, scenario->warmup_s);
    world->bounds[0] = scenario->warmup_s;
    world->bounds[1] = first;
    world->bounds[2] = scenario->faults.count ? fmax(first, last) : end;
    world->bounds[3] = end;
    cut_stretches(world);
    return rc;
}
