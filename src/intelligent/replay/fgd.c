/* fgd.c - the fragmentation measure of Weng et al., "Beware of Fragmentation: Scheduling
 * GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023: the GPU milli of a
 * node that a typical pod, drawn by its share of the pod list, cannot use.  A pod that does not fit
 * the node, or wants no GPU, can use none; one that fits cannot use the GPUs that are too full.
 *
 * Typical pods are the most frequent ones that together make 95 % of the list, as in the authors'
 * simulator; memory does not count there.  O(typical pods × GPUs) a node. */
#include <stdlib.h>

#include "intelligent/replay/replay_priv.h"

#define TYPICAL_SHARE 0.95

struct typical {
    struct replay_type type; /* memory_mib is 0 */
    double weight;
};

struct replay_fgd {
    struct typical *typical;
    size_t count;
};

static int by_need(const void *a, const void *b)
{
    const struct replay_type *x = &((const struct typical *)a)->type;
    const struct replay_type *y = &((const struct typical *)b)->type;
    if (x->cpu_milli != y->cpu_milli)
        return x->cpu_milli < y->cpu_milli ? -1 : 1;
    if (x->gpus != y->gpus)
        return x->gpus - y->gpus;
    if (x->gpu_milli != y->gpu_milli)
        return x->gpu_milli - y->gpu_milli;
    if (x->any_model != y->any_model)
        return x->any_model - y->any_model;
    return x->models < y->models ? -1 : x->models > y->models;
}

static int by_weight(const void *a, const void *b)
{
    const struct typical *x = a, *y = b;
    if (x->weight > y->weight || x->weight < y->weight)
        return x->weight > y->weight ? -1 : 1;
    return by_need(a, b);
}

struct replay_fgd *replay_fgd_new(const struct replay_stream *stream, struct arena *arena)
{
    struct replay_fgd *fgd = arena_zalloc(arena, sizeof *fgd);
    size_t merged = 0;
    double total = 0, sum = 0;
    fgd->typical = arena_array(arena, stream->types.count, sizeof *fgd->typical);
    for (size_t i = 0; i < stream->types.count; i++) {
        fgd->typical[i].type = stream->types.items[i];
        fgd->typical[i].type.memory_mib = 0;
        fgd->typical[i].weight = (double)stream->types.items[i].listed;
        total += fgd->typical[i].weight;
    }
    qsort(fgd->typical, stream->types.count, sizeof *fgd->typical, by_need);
    for (size_t i = 0; i < stream->types.count; i++)
        if (merged && by_need(&fgd->typical[merged - 1], &fgd->typical[i]) == 0)
            fgd->typical[merged - 1].weight += fgd->typical[i].weight;
        else
            fgd->typical[merged++] = fgd->typical[i];
    qsort(fgd->typical, merged, sizeof *fgd->typical, by_weight);
    for (; fgd->count < merged && sum < TYPICAL_SHARE * total; fgd->count++)
        sum += fgd->typical[fgd->count].weight;
    for (size_t i = 0; i < fgd->count; i++)
        fgd->typical[i].weight /= sum;
    return fgd;
}

double replay_fragmentation(const struct replay_fgd *fgd, const struct replay_state *state)
{
    double expected = 0;
    int64_t all = replay_free_gpu(state);
    if (all == 0)
        return 0;
    for (size_t t = 0; t < fgd->count; t++) {
        const struct replay_type *type = &fgd->typical[t].type;
        int64_t unusable = all;
        if (type->gpus > 0 && replay_fits(state, type)) {
            unusable = 0;
            for (int i = 0; i < state->gpus; i++)
                unusable += state->free[i] < type->gpu_milli ? state->free[i] : 0;
        }
        expected += fgd->typical[t].weight * (double)unusable;
    }
    return expected;
}
