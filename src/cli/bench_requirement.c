/* bench_requirement.c - requirements that are known to be possible: sites are drawn near a user,
 * then bounds are set a little above what these sites have.
 *
 * Contract: what is returned is feasible on the network by evaluation_measure; same seed, same
 * requirement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "cli/bench.h"
#include "intelligent/evaluation/evaluation.h"

#define TRIES 100
#define NEAR_SHARE 0.08 /* of the candidates, how far out a site is drawn on average */

struct role {
    const char *name;
    int form;
    double vcpus, memory, disk;
    int kind; /* of an accelerator */
};
static const struct role roles[] = {
    {"采集网关", FORM_CONTAINER, 2, 4, 50, ACCELERATOR_ABSENT},
    {"视频分析", FORM_CONTAINER, 8, 16, 200, ACCELERATOR_GPU},
    {"应用服务", FORM_PACKAGE, 8, 16, 100, ACCELERATOR_ABSENT},
    {"数据库", FORM_VM_IMAGE, 8, 32, 500, ACCELERATOR_ABSENT},
    {"推理服务", FORM_CONTAINER, 16, 64, 200, ACCELERATOR_GPU},
    {"缓存", FORM_CONTAINER, 4, 16, 20, ACCELERATOR_ABSENT},
    {"消息队列", FORM_PACKAGE, 4, 8, 200, ACCELERATOR_ABSENT},
    {"报表", FORM_PACKAGE, 2, 4, 50, ACCELERATOR_ABSENT},
    {"Web前端", FORM_VM_IMAGE, 4, 8, 40, ACCELERATOR_ABSENT},
    {"存储归档", FORM_SERVER, 8, 16, 5000, ACCELERATOR_ABSENT},
    {"批处理", FORM_PACKAGE, 32, 64, 1000, ACCELERATOR_ABSENT},
    {"训练任务", FORM_CONTAINER, 64, 256, 2000, ACCELERATOR_GPU},
};

struct near {
    double latency;
    uint32_t site;
};

static int by_latency(const void *a, const void *b)
{
    const struct near *x = a, *y = b;
    if (x->latency != y->latency)
        return x->latency < y->latency ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static void add_components(struct rand *rand, size_t count, struct requirement *out,
                           struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const struct role *role = &roles[i % ARRAY_LEN(roles)];
        struct requirement_component *item = LIST_ADD(arena, &out->components);
        item->name = role->name;
        item->form = role->form;
        item->vcpus = (struct opt_double){true, role->vcpus};
        item->memory_gib = (struct opt_double){true, role->memory};
        item->disk_gib = (struct opt_double){true, role->disk};
        if (rand_unit(rand) < 0.15)
            item->instances = (struct opt_int){true, 2};
        if (role->kind) {
            item->accelerator = arena_zalloc(arena, sizeof *item->accelerator);
            item->accelerator->kind = role->kind;
            item->accelerator->count = (int64_t)(1 + rand_below(rand, 2));
        }
        /* of what is before it: mostly the one before, so that chains come about */
        struct requirement_flow *flow = LIST_ADD(arena, &out->flows);
        double luck = rand_unit(rand);
        flow->to = role->name;
        flow->from = i == 0 || luck < 0.2 ? "user"
                     : luck < 0.75        ? out->components.items[i - 1].name
                                          : out->components.items[rand_below(rand, i)].name;
    }
}

/* Sites drawn near the user; false when some component has no site. */
static bool plant(struct rand *rand, struct evaluation_model *model, struct solution *out,
                  struct arena *arena)
{
    const struct requirement *requirement;
    const struct network *network;
    evaluation_model_subject(model, &requirement, &network);
    struct near *near = mem_array(network->sites.count + 1, sizeof *near);
    bool found = true;
    for (size_t c = 0; c < requirement->components.count && found; c++) {
        size_t count = 0;
        for (size_t s = 0; s < network->sites.count; s++)
            if (evaluation_eligible(model, c, s, NULL, NULL))
                near[count++] = (struct near){
                    evaluation_latency(model, evaluation_user_node(model, s), s), (uint32_t)s};
        qsort(near, count, sizeof *near, by_latency);
        int64_t n = requirement_instances(requirement, &requirement->components.items[c]);
        for (int64_t i = 0; i < n && count > 0; i++) {
            size_t at = (size_t)rand_exponential(rand, 1 + (double)count * NEAR_SHARE);
            struct solution_placement *placement = LIST_ADD(arena, &out->placements);
            placement->component = requirement->components.items[c].name;
            placement->instance = i;
            placement->site = network->sites.items[near[at < count ? at : count - 1].site].id;
        }
        found = count > 0;
    }
    mem_free(near);
    return found;
}

static double farthest(const struct solution *solution, const struct requirement_flow *flow)
{
    double most = 0;
    for (size_t i = 0; i < solution->routes.count; i++)
        if (str_eq(solution->routes.items[i].from, flow->from) &&
            str_eq(solution->routes.items[i].to, flow->to))
            most = fmax(most, solution->routes.items[i].latency_ms.value);
    return most;
}

/* Seven flows of ten get a bound, of which most bind; half get bandwidth. */
static void set_bounds(struct rand *rand, const struct solution *planted, struct requirement *out)
{
    for (size_t i = 0; i < out->flows.count; i++) {
        struct requirement_flow *flow = &out->flows.items[i];
        double room = rand_unit(rand) < 0.6 ? 1 + 0.12 * rand_unit(rand) : 1.3 + rand_unit(rand);
        if (i == 0 || rand_unit(rand) < 0.7)
            flow->max_latency_ms = (struct opt_double){
                true, fmax(0.5, ceil(farthest(planted, flow) * room * 10) / 10)};
        if (rand_unit(rand) < 0.5)
            flow->bandwidth_mbps =
                (struct opt_double){true, 5.0 * (double)(1 + rand_below(rand, 8))};
    }
    if (rand_unit(rand) < 0.5 && planted->reliability.set)
        out->service_level.availability_percent =
            (struct opt_double){true, floor(planted->reliability.value * 1e4) / 100};
}

static enum err_code attempt(const struct network *network, size_t components, struct rand *rand,
                             bool *ret_feasible, struct requirement *out, struct arena *arena,
                             struct err *err)
{
    CLEANUP(arena_done) struct arena own = ARENA_INIT;
    arena_init(&own, (size_t)4 << 30);
    struct evaluation_input input = {.requirement = out, .network = network};
    struct evaluation_model *model, *bound;
    struct solution planted = {0};
    struct evaluation_figures figures;
    enum err_code rc;
    *ret_feasible = false;
    memset(out, 0, sizeof *out);
    add_components(rand, components, out, arena);
    out->objective = OBJECTIVE_COST;
    out->user_location = network->access.items[rand_below(rand, network->access.count)].id;
    if ((rc = evaluation_model_new(&input, &model, &own, err)) ||
        !plant(rand, model, &planted, &own))
        return rc;
    if ((rc = evaluation_measure(model, &planted, &figures, &own, err)))
        return rc;
    set_bounds(rand, &planted, out);
    if ((rc = evaluation_model_again(model, out, &bound, &own, err)) ||
        (rc = evaluation_measure(bound, &planted, &figures, &own, err)))
        return rc;
    *ret_feasible = figures.feasible;
    return ERR_OK;
}

enum err_code cli_bench_requirement(const struct network *network, size_t components, uint64_t seed,
                                    struct requirement *out, struct arena *arena, struct err *err)
{
    struct rand rand;
    rand_init(&rand, seed);
    for (int i = 0; i < TRIES; i++) {
        bool feasible;
        enum err_code rc = attempt(network, components, &rand, &feasible, out, arena, err);
        if (rc || feasible)
            return rc;
    }
    return err_set(err, ERR_INFEASIBLE, "no placement of %zu components was found in %d tries",
                   components, TRIES);
}
