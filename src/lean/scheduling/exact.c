/* exact.c - exact search with learning: is there a schedule that ends by a given time?
 *
 * Contract: branch and propagate over bounds of start times, clause learning from explained
 * propagation (lazy clause generation: Ohrimenko, Stuckey and Codish 2009; for this problem Schutt,
 * Feydy, Stuckey and Wallace 2011), restarts by Luby's sequence.  The makespan asked for is the
 * first decision, so all that is learned holds for later questions too.  REFUTED is a proof; FOUND
 * comes with a schedule; effort is counted in conflicts, never in time. */
#include <string.h>

#include "lean/scheduling/exact_priv.h"

#define RESTART_CONFLICTS 100
#define CLAUSES_AT_FIRST 6000
#define WORK_OF_CONFLICT 2000 /* steps of propagation that an analysis is about as long as */

static void find_pairs(struct scheduling_exact *exact)
{
    const struct scheduling_model *model = exact->model;
    int32_t n = exact->n, m = model->resources, count = 0, room = 64;
    exact->pair_at = arena_array(exact->arena, (size_t)n + 2, sizeof(int32_t));
    exact->pair = arena_array(exact->arena, (size_t)room, sizeof(int32_t));
    for (int32_t i = 0; i < n; i++) {
        exact->pair_at[i] = count;
        for (int32_t j = 0; j < n; j++) {
            bool apart = false;
            for (int32_t r = 0; r < m && i != j; r++)
                apart = apart ||
                        model->demand[i * m + r] + model->demand[j * m + r] > model->capacity[r];
            if (!apart)
                continue;
            if (count == room) {
                int32_t *bigger = arena_array(exact->arena, (size_t)room * 2, sizeof(int32_t));
                memcpy(bigger, exact->pair, (size_t)count * sizeof(int32_t));
                exact->pair = bigger;
                room *= 2;
            }
            exact->pair[count++] = j;
        }
    }
    exact->pair_at[n] = count;
}

static void fill_base(struct scheduling_exact *exact)
{
    const struct scheduling_model *model = exact->model;
    size_t words = (size_t)model->words;
    for (int32_t s = 0; s < model->base_count; s++) {
        int32_t until = s + 1 < model->base_count ? model->base[s + 1].time : exact->profile_size;
        for (int32_t t = model->base[s].time; t < until && t < exact->profile_size; t++)
            memcpy(exact->base + (size_t)t * words, model->packed_base + (size_t)s * words,
                   words * sizeof(uint64_t));
    }
}

static void *ints(struct scheduling_exact *exact, size_t count)
{
    return arena_array(exact->arena, count, sizeof(int32_t));
}

struct scheduling_exact *scheduling_exact_new(const struct scheduling_model *model, int32_t most,
                                              uint64_t seed, struct arena *arena)
{
    struct scheduling_exact *exact = arena_zalloc(arena, sizeof *exact);
    size_t n = (size_t)model->n, bounds = 2 * n + 2, words = (size_t)model->words;
    exact->model = model;
    exact->arena = arena;
    exact->n = model->n;
    rand_init(&exact->rand, seed);
    exact->value = ints(exact, bounds);
    exact->last = ints(exact, bounds);
    exact->need = ints(exact, bounds);
    exact->seen = ints(exact, bounds);
    exact->sinks = ints(exact, n + 1);
    exact->trail_room = 1024;
    exact->trail = arena_array(arena, (size_t)exact->trail_room, sizeof *exact->trail);
    exact->conflict = arena_array(arena, bounds + 8, sizeof *exact->conflict);
    exact->reason = arena_array(arena, bounds + 8, sizeof *exact->reason);
    exact->learned = arena_array(arena, bounds + 8, sizeof *exact->learned);
    exact->watch_at = ints(exact, bounds);
    exact->level_room = 1024;
    exact->level_at = ints(exact, (size_t)exact->level_room);
    exact->level_mark = ints(exact, (size_t)exact->level_room);
    exact->profile_size = most + 1;
    exact->profile = arena_array(arena, (size_t)exact->profile_size * words, sizeof(uint64_t));
    exact->base = arena_array(arena, (size_t)exact->profile_size * words, sizeof(uint64_t));
    exact->clause_most = CLAUSES_AT_FIRST;
    fill_base(exact);
    find_pairs(exact);
    exact->value[2 * n] = model->longest;
    exact->value[2 * n + 1] = -most;
    for (int32_t i = 0; i < exact->n; i++) {
        exact->value[2 * i] = model->head[i];
        exact->value[2 * i + 1] = model->fixed[i] >= 0 ? -model->fixed[i] : model->tail[i] - most;
        if (model->arc_at[1][i] == model->arc_at[1][i + 1] && model->fixed[i] < 0)
            exact->sinks[exact->sink_count++] = i;
    }
    for (size_t b = 0; b < bounds; b++) {
        exact->last[b] = -1;
        exact->need[b] = INT32_MIN;
    }
    for (size_t b = 0; b < bounds; b++) { /* one list for each value above the first */
        exact->watch_at[b] = exact->watch_count - exact->value[b] - 1;
        exact->watch_count += -exact->value[b ^ 1] - exact->value[b];
    }
    exact->watches = arena_array(arena, (size_t)exact->watch_count + 1, sizeof *exact->watches);
    scheduling_exact_choice_init(exact);
    exact->touched = true;
    exact->dead = !scheduling_exact_begin(exact);
    return exact;
}

static int64_t luby(int64_t index)
{
    int64_t size = 1, level = 0;
    while (size < index + 1) {
        size = 2 * size + 1;
        level++;
    }
    while (size - 1 != index) {
        size = (size - 1) / 2;
        level--;
        index %= size;
    }
    return (int64_t)1 << level;
}

static void decide(struct scheduling_exact *exact, struct exact_literal l)
{
    if (++exact->level == exact->level_room) {
        int32_t *at = ints(exact, (size_t)exact->level_room * 2);
        memcpy(at, exact->level_at, (size_t)exact->level_room * sizeof *at);
        exact->level_at = at;
        exact->level_mark = ints(exact, (size_t)exact->level_room * 2);
        exact->level_room *= 2;
    }
    exact->level_at[exact->level] = exact->trail_count;
    scheduling_exact_enqueue(exact, l, (struct exact_why){EXACT_DECIDED, 0, 0});
}

/* After a conflict: learns, goes back, asserts.  False: nothing is left. */
static bool resolve(struct scheduling_exact *exact)
{
    exact->conflicts++;
    exact->work += WORK_OF_CONFLICT;
    int32_t level = scheduling_exact_analyse(exact);
    if (level < 0)
        return false;
    int32_t clause = scheduling_exact_keep(exact);
    scheduling_exact_back(exact, level);
    scheduling_exact_decay(exact);
    struct exact_why why = {exact->learned_count > 1 ? EXACT_CLAUSE : EXACT_DECIDED, clause, 0};
    scheduling_exact_enqueue(exact, exact->learned[0], why);
    return true;
}

void scheduling_exact_guide(struct scheduling_exact *exact, const int32_t *starts)
{
    if (!exact->guide)
        exact->guide = ints(exact, (size_t)exact->n + 1);
    memcpy(exact->guide, starts, (size_t)exact->n * sizeof *starts);
}

void scheduling_exact_shuffle(struct scheduling_exact *exact, int32_t most)
{
    exact->delay = ints(exact, (size_t)exact->n + 1);
    for (int32_t i = 0; i < exact->n; i++)
        exact->delay[i] = (int32_t)rand_below(&exact->rand, (uint64_t)most + 1);
}

enum scheduling_verdict scheduling_exact_try(struct scheduling_exact *exact, int32_t makespan,
                                             int64_t conflicts, const struct scheduling_input *stop,
                                             int32_t *ret_starts)
{
    int64_t end = exact->conflicts + conflicts, restarts = 0;
    int64_t next = exact->conflicts + RESTART_CONFLICTS;
    struct exact_literal goal = {2 * exact->n + 1, -makespan}, choice;
    scheduling_exact_back(exact, 0);
    while (!exact->dead) {
        if (!scheduling_exact_propagate(exact)) {
            if (!resolve(exact)) {
                exact->dead = true;
                break;
            }
            if ((exact->conflicts & 127) == 0 && stop->should_stop &&
                stop->should_stop(stop->stop_ctx))
                end = exact->conflicts;
            continue;
        }
        if (exact->level == 0 && exact_low(exact, exact->n) > makespan)
            return SCHEDULING_REFUTED;
        if (exact->conflicts >= end)
            return SCHEDULING_UNKNOWN;
        if (exact->conflicts >= next) {
            next = exact->conflicts + RESTART_CONFLICTS * luby(++restarts);
            scheduling_exact_back(exact, 0);
            if (exact->clause_count > exact->clause_most)
                scheduling_exact_reduce(exact);
            continue;
        }
        if (exact->level == 0) {
            decide(exact, goal);
            continue;
        }
        if (scheduling_exact_earliest_holds(exact) ||
            !scheduling_exact_choose(exact, restarts == 0, &choice)) {
            for (int32_t i = 0; i < exact->n; i++)
                ret_starts[i] = exact_low(exact, i);
            return SCHEDULING_FOUND;
        }
        decide(exact, choice);
    }
    return SCHEDULING_REFUTED;
}

int64_t scheduling_exact_conflicts(const struct scheduling_exact *exact)
{
    return exact->conflicts;
}

int64_t scheduling_exact_work(const struct scheduling_exact *exact)
{
    return exact->work;
}
