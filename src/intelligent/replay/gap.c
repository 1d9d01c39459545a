/* gap.c - how much of what is free on a node will be used.
 *
 * V[k][r][c] is the GPU milli that a GPU with r milli free and c steps of CPU of its own takes in
 * when k further pods are offered to it one by one, drawn from the pod list's statistics, and it
 * may take or leave each: optimal stopping,
 *     V[k+1][r][c] = sum over types t of p(t) max(V[k][r][c], d(t) + V[k][r - d(t)][c - cpu(t)]),
 * one table per accelerator model.  A fleet is not made of GPUs that choose freely, but one that
 * always has another node for a pod comes near; k says how near.  With k = 1 this is close to the
 * fragmentation measure of FGD; larger k values gaps by how exactly later pods fill them.
 *
 * A node's value shares its CPU among its GPUs greedily by the steepest gain per step (the concave
 * envelope), and its loss is what is free less that value.
 *
 * Contract: values depend on CPU, GPUs and model only, so they are remembered by these; the memory
 * of values is bounded and forgotten as a whole.  Tables: O(draws × gaps × steps × types × models)
 * to make, once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intelligent/replay/replay_priv.h"

#define GAP_STEP 10 /* milli: every GPU share of the traces is a multiple */
#define GAPS (REPLAY_GPU_MILLI / GAP_STEP + 1)
#define CPU_STEPS 129                    /* 0…64 cores of half a core */
#define CPU_STEP_MILLI 500               /* on fleets of about 16 cores per GPU */
#define USUAL_CPU_MILLI 16000            /* per GPU; larger nodes, larger steps */
#define TABLE ((size_t)GAPS * CPU_STEPS) /* values of one k and model */
#define OFFERS_MOST 128                  /* types of one table, most frequent first */
#define MEMO_SLOTS ((size_t)1 << 17)     /* power of two */
#define MEMO_FULL (MEMO_SLOTS / 4 * 3)   /* then everything is forgotten */
#define KEY_WORDS                                                                   \
    ((REPLAY_MAX_GPUS * 10 + 59) / 60 + 1) /* gaps of 10 bits, six a word; the rest \
                                            */

struct offer {
    int gap;       /* steps of GPU */
    int cpu;       /* whole steps of CPU it needs at least */
    double spare;  /* the part of the last step that it leaves, 0…1 */
    int gpu_milli; /* what taking it is worth */
    double weight;
};

/* The steepest gain of a GPU that has some CPU, when CPU is plenty; found when first asked for. */
struct jump {
    bool known;
    int steps;
    float slope;
};

struct memo {
    uint64_t key[KEY_WORDS];
    double value;
    bool used;
};

struct replay_gap {
    int64_t cpu_step;
    size_t models;      /* of the fleet, and one for nodes without */
    float *tables;      /* [model][draws][gap][cpu] */
    float *mixed;       /* [model][gap][cpu] in use now */
    struct jump *jumps; /* [model][gap][cpu] of mixed */
    struct replay_tuning tuning;
    int draws; /* of mixed; 0 = none yet */
    struct memo *memo;
    size_t remembered;
};

static float *table_of(const struct replay_gap *gap, size_t model, int draws)
{
    return gap->tables + (model * (REPLAY_DRAWS + 1) + (size_t)draws) * TABLE;
}

static int by_weight(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->weight > y->weight || x->weight < y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->gpu_milli != y->gpu_milli)
        return x->gpu_milli - y->gpu_milli;
    if (x->cpu != y->cpu)
        return x->cpu - y->cpu;
    return x->spare < y->spare ? -1 : x->spare > y->spare;
}

static void add_offer(struct offer *offers, size_t *count, struct offer offer)
{
    for (size_t i = 0; i < *count; i++)
        if (offers[i].gpu_milli == offer.gpu_milli && offers[i].cpu == offer.cpu &&
            !(offers[i].spare < offer.spare) && !(offers[i].spare > offer.spare)) {
            offers[i].weight += offer.weight;
            return;
        }
    offers[(*count)++] = offer;
}

/* What GPUs of a model are offered.  The most frequent types are looked at only: a table of a list
 * with thousands of different pods would take minutes and differ by nothing that matters. */
static size_t list_offers(const struct replay_gap *gap, const struct replay_stream *stream,
                          size_t model, struct offer *offers)
{
    size_t count = 0;
    double total = 0;
    for (size_t i = 0; i < stream->types.count; i++) {
        const struct replay_type *type = &stream->types.items[i];
        total += (double)type->listed;
        if (type->gpus == 0 || type->gpu_milli == 0 ||
            (!type->any_model && (model + 1 == gap->models || !(type->models >> model & 1))))
            continue;
        double steps = (double)type->cpu_milli / type->gpus / (double)gap->cpu_step;
        if (steps > CPU_STEPS - 1)
            continue;
        int whole = (int)steps + (steps > (int)steps);
        add_offer(offers, &count,
                  (struct offer){(type->gpu_milli + GAP_STEP - 1) / GAP_STEP, whole, whole - steps,
                                 type->gpu_milli, (double)type->listed});
    }
    qsort(offers, count, sizeof *offers, by_weight);
    for (size_t i = 0; i < count; i++)
        offers[i].weight /= total;
    return count < OFFERS_MOST ? count : OFFERS_MOST;
}

/* One more offer of one type: adds its part of the expectation to a row of the next table. */
static void offer_row(const float *restrict now, float *restrict next, int gap,
                      const struct offer *offer)
{
    const float *stay = now + (size_t)gap * CPU_STEPS;
    const float *rest = now + (size_t)(gap - offer->gap) * CPU_STEPS;
    float weight = (float)offer->weight, spare = (float)offer->spare;
    float worth = (float)offer->gpu_milli;
    int above = offer->cpu > 0; /* an offer without CPU leaves no part of a step */
    for (int c = offer->cpu; c < CPU_STEPS; c++) {
        float low = rest[c - offer->cpu], high = rest[c - offer->cpu + above];
        float gain = worth + low * (1 - spare) + high * spare - stay[c];
        next[c] += weight * (gain > 0 ? gain : 0);
    }
}

static void make_tables(struct replay_gap *gap, size_t model, const struct offer *offers,
                        size_t count)
{
    for (int k = 0; k < REPLAY_DRAWS; k++) {
        const float *now = table_of(gap, model, k);
        float *next = table_of(gap, model, k + 1);
        memcpy(next, now, TABLE * sizeof *next);
        for (int r = 1; r < GAPS; r++)
            for (size_t i = 0; i < count; i++)
                if (offers[i].gap <= r)
                    offer_row(now, next + (size_t)r * CPU_STEPS, r, &offers[i]);
    }
}

struct replay_gap *replay_gap_new(const struct replay_fleet *fleet,
                                  const struct replay_stream *stream)
{
    struct replay_gap *gap = mem_zalloc(sizeof *gap);
    struct offer *offers = mem_array(stream->types.count + 1, sizeof *offers);
    int64_t cpu = 0, gpus = 0;
    for (size_t i = 0; i < fleet->nodes.count; i++) {
        gpus += fleet->nodes.items[i].gpus;
        cpu += fleet->nodes.items[i].gpus ? fleet->nodes.items[i].cpu_milli : 0;
    }
    int64_t scale = gpus ? (cpu / gpus + USUAL_CPU_MILLI / 2) / USUAL_CPU_MILLI : 1;
    gap->cpu_step = CPU_STEP_MILLI * (scale > 1 ? scale : 1);
    gap->models = fleet->models.count + 1;
    gap->tables = mem_array(gap->models * (REPLAY_DRAWS + 1), TABLE * sizeof *gap->tables);
    gap->mixed = mem_array(gap->models, TABLE * sizeof *gap->mixed);
    gap->jumps = mem_array(gap->models, TABLE * sizeof *gap->jumps);
    gap->memo = mem_array(MEMO_SLOTS, sizeof *gap->memo);
    for (size_t m = 0; m < gap->models; m++)
        make_tables(gap, m, offers, list_offers(gap, stream, m, offers));
    mem_free(offers);
    return gap;
}

void replay_gap_free(struct replay_gap *gap)
{
    if (!gap)
        return;
    mem_free(gap->tables);
    mem_free(gap->mixed);
    mem_free(gap->jumps);
    mem_free(gap->memo);
    mem_free(gap);
}

void replay_gap_tune(struct replay_gap *gap, const struct replay_tuning *tuning)
{
    assert(tuning->first_draws >= 1 && tuning->first_draws <= REPLAY_DRAWS);
    assert(tuning->last_draws >= 1 && tuning->last_draws <= REPLAY_DRAWS);
    assert(tuning->hasty_draws >= 1 && tuning->hasty_draws <= REPLAY_DRAWS);
    gap->tuning = *tuning;
    gap->draws = 0;
    replay_gap_progress(gap, 0);
}

bool replay_gap_progress(struct replay_gap *gap, double share)
{
    const struct replay_tuning *t = &gap->tuning;
    double at = share < 1 ? share : 1;
    int draws = (int)(t->first_draws + (t->last_draws - t->first_draws) * at + 0.5);
    float hasty = (float)t->hasty_share;
    if (draws == gap->draws)
        return false;
    gap->draws = draws;
    for (size_t m = 0; m < gap->models; m++) {
        const float *patient = table_of(gap, m, draws), *short_ = table_of(gap, m, t->hasty_draws);
        for (size_t i = 0; i < TABLE; i++)
            gap->mixed[m * TABLE + i] = (1 - hasty) * patient[i] + hasty * short_[i];
    }
    memset(gap->memo, 0, MEMO_SLOTS * sizeof *gap->memo);
    memset(gap->jumps, 0, gap->models * TABLE * sizeof *gap->jumps);
    gap->remembered = 0;
    return true;
}

/* ---- a node ---- */

/* Free GPUs by gap, small first. */
static size_t list_lanes(const struct replay_state *state, int lanes[REPLAY_MAX_GPUS])
{
    size_t count = 0;
    for (int i = 0; i < state->gpus; i++) {
        int gap = state->free[i] / GAP_STEP;
        size_t at = count;
        if (gap == 0)
            continue;
        for (; at > 0 && lanes[at - 1] > gap; at--)
            lanes[at] = lanes[at - 1];
        lanes[at] = gap;
        count++;
    }
    return count;
}

/* The steps of CPU with the steepest gain for one GPU; 0 when more CPU gains nothing. */
static int steepest(const float *row, int have, int most, float *slope)
{
    int best = 0;
    *slope = 0;
    for (int s = 1; s <= most; s++) {
        float gain = row[have + s] - row[have];
        if (gain > *slope * (float)s) {
            *slope = gain / (float)s;
            best = s;
        }
    }
    return best;
}

/* The same with at most the steps that are left. */
static struct jump find_jump(const float *table, struct jump *jumps, int lane, int have,
                             int64_t steps)
{
    size_t at = (size_t)lane * CPU_STEPS + (size_t)have;
    const float *row = table + (size_t)lane * CPU_STEPS;
    int room = CPU_STEPS - 1 - have;
    if (!jumps[at].known) {
        jumps[at].steps = steepest(row, have, room, &jumps[at].slope);
        jumps[at].known = true;
    }
    struct jump jump = jumps[at];
    if (jump.steps > steps)
        jump.steps = steepest(row, have, (int)steps, &jump.slope);
    return jump;
}

static double share_cpu(const float *table, struct jump *jumps, const int *lanes, size_t count,
                        int64_t steps)
{
    int have[REPLAY_MAX_GPUS] = {0};
    double value = 0;
    while (steps > 0) {
        size_t best = count;
        struct jump most = {.slope = 0};
        for (size_t i = 0; i < count; i++) {
            if (i > 0 && lanes[i] == lanes[i - 1] && have[i] == have[i - 1])
                continue; /* the same as the one before */
            struct jump jump = find_jump(table, jumps, lanes[i], have[i], steps);
            if (jump.steps && jump.slope > most.slope) {
                best = i;
                most = jump;
            }
        }
        if (best == count)
            break;
        have[best] += most.steps;
        steps -= most.steps;
    }
    for (size_t i = 0; i < count; i++)
        value += (double)table[(size_t)lanes[i] * CPU_STEPS + (size_t)have[i]];
    return value;
}

static size_t slot_of(const uint64_t key[KEY_WORDS])
{
    uint64_t h = 0;
    for (size_t i = 0; i < KEY_WORDS; i++) {
        h = (h ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (size_t)(h & (MEMO_SLOTS - 1));
}

double replay_gap_loss(struct replay_gap *gap, const struct replay_state *state)
{
    int lanes[REPLAY_MAX_GPUS];
    uint64_t key[KEY_WORDS] = {0};
    size_t model = state->model < 0 ? gap->models - 1 : (size_t)state->model;
    size_t count = list_lanes(state, lanes);
    int64_t steps = state->cpu_milli / gap->cpu_step;
    int64_t most = (int64_t)(CPU_STEPS - 1) * REPLAY_MAX_GPUS;
    if (count == 0)
        return (double)replay_free_gpu(state);
    if (steps > most)
        steps = most;
    for (size_t i = 0; i < count; i++)
        key[i / 6] |= (uint64_t)(unsigned)lanes[i] << (i % 6 * 10);
    key[KEY_WORDS - 1] = (uint64_t)steps << 8 | model;
    size_t slot = slot_of(key);
    while (gap->memo[slot].used && memcmp(gap->memo[slot].key, key, sizeof key) != 0)
        slot = (slot + 1) & (MEMO_SLOTS - 1);
    struct memo *memo = &gap->memo[slot];
    if (!memo->used) {
        if (gap->remembered >= MEMO_FULL) {
            memset(gap->memo, 0, MEMO_SLOTS * sizeof *gap->memo);
            gap->remembered = 0;
            memo = &gap->memo[slot_of(key)];
        }
        memcpy(memo->key, key, sizeof key);
        memo->value =
            share_cpu(gap->mixed + model * TABLE, gap->jumps + model * TABLE, lanes, count, steps);
        memo->used = true;
        gap->remembered++;
    }
    return (double)replay_free_gpu(state) - memo->value;
}
