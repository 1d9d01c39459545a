/* policy.c - how good a node is for a pod; lower is better.
 *
 * Contract: a score depends on the node's state and the pod's type alone (and, for swan, on how far
 * the stream is), so it holds until the node changes. */
#include <assert.h>
#include <math.h>

#include "intelligent/replay/replay_priv.h"

const char *const replay_policy_names[] = {NULL,  "random", "bestfit", "dotproduct",
                                           "fgd", "swan",   NULL};

/* The CPU and GPU left over, each as a share of the largest node's. */
static double bestfit(const struct replay_judge *judge, const struct replay_state *state,
                      const struct replay_type *type)
{
    return (double)(state->cpu_milli - type->cpu_milli) / judge->cpu_most +
           (double)(replay_free_gpu(state) - (int64_t)type->gpus * type->gpu_milli) /
               judge->gpu_most;
}

/* Alignment of need and free resources (Grandl et al., "Multi-resource packing for cluster
 * schedulers", SIGCOMM 2014): the largest dot product wins. */
static double dotproduct(const struct replay_judge *judge, const struct replay_state *state,
                         const struct replay_type *type)
{
    double cpu = (double)state->cpu_milli * (double)type->cpu_milli;
    double memory = (double)state->memory_mib * (double)type->memory_mib;
    double gpu = (double)replay_free_gpu(state) * type->gpus * type->gpu_milli;
    return -(cpu / (judge->cpu_most * judge->cpu_most) +
             memory / (judge->memory_most * judge->memory_most) +
             gpu / (judge->gpu_most * judge->gpu_most));
}

/* The authors' score: a whole number from 0 to 100 out of the sigmoid of the change in GPUs. */
static double gradient(const struct replay_judge *judge, const struct replay_state *before,
                       const struct replay_state *after)
{
    double change =
        replay_fragmentation(judge->fgd, before) - replay_fragmentation(judge->fgd, after);
    return -floor(100 / (1 + exp(-change / REPLAY_GPU_MILLI)));
}

/* Loss by this placement.  Among equal nodes a pod without GPU goes where little is left: there it
 * hinders least. */
static double loss(const struct replay_judge *judge, const struct replay_state *before,
                   const struct replay_state *after, const struct replay_type *type)
{
    double lost = replay_gap_loss(judge->gap, after) - replay_gap_loss(judge->gap, before);
    if (type->gpus == 0)
        lost += REPLAY_GPU_MILLI * (double)replay_free_gpu(after) / judge->gpu_most +
                judge->cpu_fit * (double)after->cpu_milli / judge->cpu_most;
    return lost;
}

struct replay_score replay_judge_score(const struct replay_judge *judge,
                                       const struct replay_state *state,
                                       const struct replay_type *type)
{
    struct replay_score best = {INFINITY, 0};
    uint32_t gpus;
    int at = 0;
    switch (judge->policy) {
    case REPLAY_RANDOM:
        return (struct replay_score){0, replay_tightest(state, type)};
    case REPLAY_BESTFIT:
        return (struct replay_score){bestfit(judge, state, type), replay_tightest(state, type)};
    case REPLAY_DOTPRODUCT:
        return (struct replay_score){dotproduct(judge, state, type), replay_tightest(state, type)};
    case REPLAY_FGD:
    case REPLAY_SWAN:
        break;
    }
    while (replay_next_choice(state, type, &at, &gpus)) {
        struct replay_state after = *state;
        replay_take(&after, type, gpus);
        double value = judge->policy == REPLAY_FGD ? gradient(judge, state, &after)
                                                   : loss(judge, state, &after, type);
        if (value < best.value)
            best = (struct replay_score){value, gpus};
    }
    assert(best.value < INFINITY);
    return best;
}
