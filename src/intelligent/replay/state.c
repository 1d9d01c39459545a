/* state.c - a node's free resources and what fits in them.
 *
 * Contract: replay_take keeps every amount ≥ 0 because only what fits is taken (asserted). */
#include <assert.h>

#include "intelligent/replay/replay_priv.h"

bool replay_fits(const struct replay_state *state, const struct replay_type *type)
{
    int roomy = 0;
    if (state->cpu_milli < type->cpu_milli || state->memory_mib < type->memory_mib)
        return false;
    if (type->gpus == 0)
        return true;
    if (!type->any_model && (state->model < 0 || !(type->models >> state->model & 1)))
        return false;
    for (int i = 0; i < state->gpus; i++)
        roomy += state->free[i] >= type->gpu_milli;
    return roomy >= type->gpus;
}

void replay_take(struct replay_state *state, const struct replay_type *type, uint32_t gpus)
{
    state->cpu_milli -= type->cpu_milli;
    state->memory_mib -= type->memory_mib;
    assert(state->cpu_milli >= 0 && state->memory_mib >= 0);
    for (int i = 0; i < state->gpus; i++)
        if (gpus >> i & 1) {
            state->free[i] -= type->gpu_milli;
            assert(state->free[i] >= 0);
        }
}

uint32_t replay_tightest(const struct replay_state *state, const struct replay_type *type)
{
    uint32_t chosen = 0;
    for (int n = 0; n < type->gpus; n++) {
        int best = -1;
        for (int i = 0; i < state->gpus; i++)
            if (!(chosen >> i & 1) && state->free[i] >= type->gpu_milli &&
                (best < 0 || state->free[i] < state->free[best]))
                best = i;
        assert(best >= 0);
        chosen |= UINT32_C(1) << best;
    }
    return chosen;
}

int64_t replay_free_gpu(const struct replay_state *state)
{
    int64_t sum = 0;
    for (int i = 0; i < state->gpus; i++)
        sum += state->free[i];
    return sum;
}

bool replay_next_choice(const struct replay_state *state, const struct replay_type *type, int *at,
                        uint32_t *gpus)
{
    if (type->gpus != 1 || type->gpu_milli == REPLAY_GPU_MILLI) {
        if (*at > 0)
            return false;
        *at = 1;
        *gpus = replay_tightest(state, type);
        return true;
    }
    for (; *at < state->gpus; ++*at) {
        bool seen = false;
        for (int i = 0; i < *at; i++)
            seen = seen || state->free[i] == state->free[*at];
        if (seen || state->free[*at] < type->gpu_milli)
            continue;
        *gpus = UINT32_C(1) << (*at)++;
        return true;
    }
    return false;
}
