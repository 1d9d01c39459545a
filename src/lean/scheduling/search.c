/* search.c - genetic search over orders of tasks, in two populations.
 *
 * Contract: population d holds schedules that wait to become lists of direction d (as keys: their
 * times seen from the other end), so each child of population d is generated in direction d and
 * belongs to the other population.  Both have as many places; the child of the parent at a place
 * competes for the same place there.  Every call of a generation scheme is counted, none is
 * repeated for a list that is remembered.  Same seed, same sequence. */
#include "lean/scheduling/scheduling_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SCHEDULING_POPULATION_MAX 1000
#define CANDIDATES 8
#define PEAK_SPAN_MAX 4096           /* longer: the window lies anywhere */
#define LISTS_MAX ((int64_t)1 << 17) /* remembered */

struct one { /* an individual: a schedule of one direction, as keys for the other */
    int32_t makespan;
    int64_t lateness;
    uint64_t hash;
    int32_t *key;    /* [n]: makespan - finish */
    int32_t *energy; /* [energy_size]: load before each slice of time, in key time */
};

struct scheduling_search {
    const struct scheduling_model *model;
    const struct scheduling_input *input;
    struct scheduling_generator generator;
    struct rand rand;
    struct scheduling_best best;
    int64_t until;
    int32_t bound;
    bool stopped;
    int64_t duplicates;
    int32_t size; /* of a population */
    struct one *population[2];
    struct one spare[2];
    int32_t *list, *starts, *composite, *scratch, *order;
    int64_t *priority;
    double *chance;
    int64_t *weights;
    int32_t begun; /* places that have been filled */
    int64_t generation;
    uint64_t *lists; /* hashes of lists that were made */
    uint64_t list_mask;
    int32_t *base[2]; /* [n] order among equal keys: what has most behind it first */
    struct scheduling_tuning t;
};

/* ---- order by keys: stable counting sort ---- */

#define BUCKET_BITS 11

static void order_by(struct scheduling_search *search, const int32_t *key, int direction,
                     int32_t *list)
{
    int32_t n = search->model->n, most = 0;
    int32_t counts[(1 << BUCKET_BITS) + 1];
    int32_t *from = search->order, *to = list;
    int bits = 1, passes;
    for (int32_t i = 0; i < n; i++)
        most = key[i] > most ? key[i] : most;
    while (bits < 31 && most >> bits)
        bits++;
    passes = (bits + BUCKET_BITS - 1) / BUCKET_BITS;
    if (passes % 2 == 0) { /* the last pass ends in list */
        from = list;
        to = search->order;
    }
    for (int32_t i = 0; i < n; i++)
        from[i] = search->base[direction][i];
    int width = bits < BUCKET_BITS ? bits : BUCKET_BITS;
    int32_t mask = (1 << width) - 1;
    for (int pass = 0; pass < passes; pass++) {
        int shift = pass * BUCKET_BITS;
        memset(counts, 0, (size_t)(mask + 2) * sizeof *counts);
        for (int32_t i = 0; i < n; i++)
            counts[((key[i] >> shift) & mask) + 1]++;
        for (int32_t b = 1; b <= mask; b++)
            counts[b] += counts[b - 1];
        for (int32_t i = 0; i < n; i++)
            to[counts[(key[from[i]] >> shift) & mask]++] = from[i];
        int32_t *swap = from;
        from = to;
        to = swap;
    }
}

static bool done(struct scheduling_search *search)
{
    if (search->generator.made == 0)
        return false; /* whoever is stopped still has an answer */
    if (search->generator.made >= search->until || search->stopped)
        return true;
    if (search->best.makespan <= search->bound && search->best.lateness == 0)
        return true;
    if ((search->generator.made & 63) == 0 && search->input->should_stop &&
        search->input->should_stop(search->input->stop_ctx))
        search->stopped = true;
    return search->stopped;
}

static uint64_t hash_of(const int32_t *starts, int32_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (int32_t i = 0; i < n; i++) {
        h = (h ^ (uint64_t)(uint32_t)starts[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 29;
    }
    return h;
}

/* The finished schedule of a direction becomes an individual for the other. */
static void finish(struct scheduling_search *search, int direction, int32_t makespan,
                   const int32_t *starts, struct one *out)
{
    const struct scheduling_model *model = search->model;
    int32_t n = model->n;
    out->makespan = makespan;
    out->lateness = 0;
    if (!direction && !model->plain)
        out->lateness = scheduling_lateness(model, starts);
    for (int32_t i = 0; i < n; i++)
        out->key[i] = makespan - starts[i] - model->duration[i];
    out->hash = hash_of(out->key, n);
    if (direction && !model->plain)
        return; /* an order only: the mirror knows no calendars and releases */
    if (makespan < search->best.makespan ||
        (makespan == search->best.makespan && out->lateness < search->best.lateness)) {
        search->best.makespan = makespan;
        search->best.lateness = out->lateness;
        for (int32_t i = 0; i < n; i++)
            search->best.starts[i] = direction ? out->key[i] : starts[i];
    }
}

static void serial(struct scheduling_search *search, int direction, const int32_t *list,
                   struct one *out)
{
    int32_t makespan = scheduling_generate(&search->generator, direction, list, search->starts);
    finish(search, direction, makespan, search->starts, out);
}

/* ---- beginnings ---- */

static void measure_rules(struct scheduling_search *search, int rule)
{
    const struct scheduling_model *model = search->model;
    for (int32_t i = 0; i < model->n; i++) {
        int64_t v = 0;
        switch (rule) {
        case 0: /* latest finish */
            v = (int64_t)model->longest - model->tail[i] + model->duration[i];
            break;
        case 1: /* latest start */
            v = (int64_t)model->longest - model->tail[i];
            break;
        case 2: { /* rank positional weight */
            v = -model->duration[i];
            for (int32_t a = model->arc_at[1][i]; a < model->arc_at[1][i + 1]; a++)
                v -= model->duration[model->arc[1][a]];
            break;
        }
        case 3:
            v = (int64_t)model->longest - model->tail[i] - model->head[i];
            break;
        default:
            v = 0;
        }
        search->priority[i] = v;
    }
}

/* A list drawn with chances that grow with the regret of not taking a task. */
static void sample(struct scheduling_search *search, double alpha, int32_t *list)
{
    const struct scheduling_model *model = search->model;
    int32_t n = model->n, count = 0, at = 0;
    int32_t *open = search->scratch, *eligible = search->scratch + n;
    for (int32_t i = 0; i < n; i++)
        if ((open[i] = model->arc_at[0][i + 1] - model->arc_at[0][i]) == 0)
            eligible[count++] = i;
    while (count) {
        int64_t worst = INT64_MIN, least = INT64_MAX;
        int32_t k = 0;
        for (int32_t e = 0; e < count; e++) {
            int64_t v = search->priority[eligible[e]];
            worst = v > worst ? v : worst;
            if (v < least) {
                least = v;
                k = e;
            }
        }
        if (alpha > 0) {
            double sum = 0;
            for (int32_t e = 0; e < count; e++) {
                double c = (double)(worst - search->priority[eligible[e]] + 1);
                sum += alpha == 2 ? c * c : c;
                search->chance[e] = sum;
            }
            double draw = rand_unit(&search->rand) * sum;
            for (k = 0; k + 1 < count && search->chance[k] <= draw; k++)
                ;
        }
        int32_t task = eligible[k];
        eligible[k] = eligible[--count];
        list[at++] = task;
        for (int32_t a = model->arc_at[1][task]; a < model->arc_at[1][task + 1]; a++)
            if (--open[model->arc[1][a]] == 0)
                eligible[count++] = model->arc[1][a];
    }
}

static void begin_one(struct scheduling_search *search, int32_t index, struct one *out)
{
    static const int rules[] = {0, 1, 2, 0, 3, 0};
    int32_t n = search->model->n;
    measure_rules(search, index < 6 ? rules[index] : index % 4 == 3 ? 1 : 0);
    sample(search, index < 4 ? 0 : 1, search->list);
    if (index == 3 || (index > 5 && rand_unit(&search->rand) < search->t.parallel)) {
        int32_t *rank = search->composite;
        for (int32_t k = 0; k < n; k++)
            rank[search->list[k]] = k;
        int32_t makespan =
            scheduling_generate_parallel(&search->generator, rank, search->starts, search->scratch);
        finish(search, 0, makespan, search->starts, out);
    } else {
        serial(search, 0, search->list, out);
    }
}

/* ---- crossover ---- */

static void cross(struct scheduling_search *search, int direction, const struct one *father,
                  const struct one *mother)
{
    const struct scheduling_model *model = search->model;
    int32_t n = model->n, span = father->makespan, other = mother->makespan;
    int32_t from, until;
    double u = rand_unit(&search->rand);
    int32_t length = (int32_t)((double)span * (search->t.window_least + u * search->t.window_more));
    length = length > span ? span : length;
    length = length < 1 ? 1 : length;
    if (span <= PEAK_SPAN_MAX && rand_unit(&search->rand) < search->t.peak) {
        int64_t *w = search->weights, most = -1, sum = 0;
        memset(w, 0, (size_t)(span + 1) * sizeof *w);
        for (int32_t i = 0; i < n; i++) {
            w[father->key[i]] += model->load[i];
            w[father->key[i] + model->duration[i]] -= model->load[i];
        }
        for (int32_t t = 1; t <= span; t++)
            w[t] += w[t - 1];
        from = 0;
        int32_t ties = 0;
        for (int32_t t = 0; t < span; t++) {
            sum += w[t];
            if (t >= length)
                sum -= w[t - length];
            if (t >= length - 1 && sum >= most) {
                ties = sum > most ? 1 : ties + 1;
                if (sum > most || rand_below(&search->rand, (uint64_t)ties) == 0)
                    from = t - length + 1;
                most = sum;
            }
        }
    } else {
        from =
            span < length ? 0 : (int32_t)rand_below(&search->rand, (uint64_t)(span - length + 1));
    }
    until = from + length;
    for (int32_t i = 0; i < n; i++) {
        int32_t k = father->key[i];
        search->composite[i] = k < from    ? mother->key[i]
                               : k < until ? other + 1 + k - from
                                           : other + 1 + length + mother->key[i];
    }
    order_by(search, search->composite, direction, search->list);
}

static bool has_arc(const struct scheduling_model *model, int direction, int32_t before,
                    int32_t after)
{
    for (int32_t a = model->arc_at[direction][after]; a < model->arc_at[direction][after + 1]; a++)
        if (model->arc[direction][a] == before)
            return true;
    return false;
}

static void mutate(struct scheduling_search *search, int direction, int32_t *list, double chance)
{
    int32_t n = search->model->n;
    double count = chance * n;
    int32_t times = (int32_t)count;
    times += rand_unit(&search->rand) < count - times;
    for (; times > 0; times--) {
        int32_t k = (int32_t)rand_below(&search->rand, (uint64_t)n), task = list[k];
        int32_t steps = 1 + (int32_t)rand_below(&search->rand, (uint64_t)search->t.steps);
        if (rand_u64(&search->rand) & 1) {
            for (; steps && k > 0 && !has_arc(search->model, direction, list[k - 1], task);
                 steps--, k--)
                list[k] = list[k - 1];
        } else {
            for (; steps && k + 1 < n && !has_arc(search->model, direction, task, list[k + 1]);
                 steps--, k++)
                list[k] = list[k + 1];
        }
        list[k] = task;
    }
}

/* ---- generations ---- */

static bool better(const struct one *a, const struct one *b)
{
    return a->makespan != b->makespan ? a->makespan < b->makespan : a->lateness < b->lateness;
}

static const struct one *pick(struct scheduling_search *search, int d, const struct one *but)
{
    const struct one *a = NULL, *b;
    for (int k = 0; k < search->t.tournament; k++) {
        do
            b = &search->population[d][rand_below(&search->rand, (uint64_t)search->size)];
        while (b == but);
        if (!a || better(b, a))
            a = b;
    }
    return a;
}

static void swap(struct one *a, struct one *b)
{
    struct one t = *a;
    *a = *b;
    *b = t;
}

static bool is_known(struct scheduling_search *search, int d, const struct one *one)
{
    for (int32_t k = 0; k < search->size; k++)
        if (search->population[d][k].hash == one->hash)
            return true;
    return false;
}

/* Lists that were made before are not made again; now and then one is forgotten. */
static bool is_new(struct scheduling_search *search, int d, const int32_t *list)
{
    uint64_t hash = hash_of(list, search->model->n) + (uint64_t)d;
    uint64_t *place = &search->lists[(hash >> 20) & search->list_mask];
    if (*place == hash)
        return false;
    *place = hash;
    return true;
}

static int32_t best_index(struct scheduling_search *search, int d)
{
    int32_t at = 0;
    for (int32_t k = 1; k < search->size; k++)
        if (better(&search->population[d][k], &search->population[d][at]))
            at = k;
    return at;
}

/* Makes a list of two parents that has not been made before, if that is soon found. */
static void breed(struct scheduling_search *search, int d, const struct one *parent, bool major)
{
    for (int attempts = 0; attempts < 10; attempts++) {
        const struct one *other = pick(search, d, parent);
        cross(search, d, major ? other : parent, major ? parent : other);
        if (parent->hash == other->hash)
            mutate(search, d, search->list, search->t.shock);
        else if (attempts > 2 || rand_unit(&search->rand) < search->t.mutated)
            mutate(search, d, search->list, search->t.mutation);
        if (is_new(search, d, search->list))
            return;
    }
}

/* The best child of the parent at place k goes to spare[0]; false: all are in the population. */
static bool make_child(struct scheduling_search *search, int d, int32_t k)
{
    bool have = false;
    for (int c = 0; c < search->t.children && !done(search); c++) {
        breed(search, d, &search->population[d][k], c % 2 == 0);
        serial(search, d, search->list, &search->spare[1]);
        if (is_known(search, 1 - d, &search->spare[1])) {
            search->duplicates++;
            continue;
        }
        if (!have || better(&search->spare[1], &search->spare[0]))
            swap(&search->spare[0], &search->spare[1]);
        have = true;
    }
    return have;
}

static void generation(struct scheduling_search *search, int d)
{
    int to = 1 - d;
    int32_t best = best_index(search, to);
    for (int32_t k = 0; k < search->size && !done(search); k++) {
        struct one *old = &search->population[to][k];
        if (!make_child(search, d, k))
            continue;
        if ((k == best || search->t.elitist) && better(old, &search->spare[0]))
            continue;
        swap(old, &search->spare[0]);
        if (better(old, &search->population[to][best]))
            best = k;
    }
}

static void begin(struct scheduling_search *search)
{
    for (; search->begun < search->size && !done(search); search->begun++) {
        int32_t k = search->begun;
        begin_one(search, k, &search->population[1][k]);
        if (search->generator.made >= search->until)
            return; /* the place is filled anew when the search goes on */
        order_by(search, search->population[1][k].key, 1, search->list);
        serial(search, 1, search->list, &search->population[0][k]);
    }
}

void scheduling_search_run(struct scheduling_search *search, int64_t until, int32_t bound)
{
    search->until = until;
    search->bound = bound;
    begin(search);
    while (!done(search)) {
        generation(search, search->generation % 2 ? 1 : 0);
        search->generation++;
    }
}

static int by_key(const void *a, const void *b, void *key)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int32_t s = ((const int32_t *)key)[x], t = ((const int32_t *)key)[y];
    return s != t ? (s < t) - (s > t) : (x > y) - (x < y);
}

static int by_key_back(const void *a, const void *b, void *key)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int32_t s = ((const int32_t *)key)[x], t = ((const int32_t *)key)[y];
    return s != t ? (s < t) - (s > t) : (x < y) - (x > y);
}

/* What comes before a task has more behind it, or as much and a smaller number. */
static void set_base(struct scheduling_search *search, struct arena *arena)
{
    const struct scheduling_model *model = search->model;
    int32_t n = model->n, *key = arena_array(arena, (size_t)n + 1, sizeof *key);
    for (int d = 0; d < 2; d++) {
        search->base[d] = arena_array(arena, (size_t)n + 1, sizeof(int32_t));
        for (int32_t i = 0; i < n; i++) {
            int32_t longest = 0; /* way that ends before i: the tail in the mirror */
            for (int32_t a = model->arc_at[0][i]; a < model->arc_at[0][i + 1]; a++)
                if (d && key[model->arc[0][a]] > longest)
                    longest = key[model->arc[0][a]];
            key[i] = d ? longest + model->duration[i] : model->tail[i];
            search->base[d][i] = d ? n - 1 - i : i;
        }
        qsort_r(search->base[d], (size_t)n, sizeof(int32_t), d ? by_key_back : by_key, key);
    }
}

static void one_init(struct scheduling_search *search, struct one *one, struct arena *arena)
{
    one->makespan = INT32_MAX;
    one->key = arena_array(arena, (size_t)search->model->n + 1, sizeof *one->key);
}

/* Found by trying on every third to tenth instance of J60 and J120, each with its number of
 * schedules. */
struct scheduling_tuning scheduling_tuning_for(int32_t n, int64_t budget)
{
    bool large = n >= 90;
    struct scheduling_tuning few = {.window_least = 0.15,
                                    .window_more = 0.2,
                                    .peak = large ? 0.8 : 0.3,
                                    .mutation = 0.01,
                                    .parallel = 0.8,
                                    .shock = 0.05,
                                    .steps = 3,
                                    .children = 2,
                                    .size = 30,
                                    .tournament = large ? 6 : 4,
                                    .elitist = !large};
    struct scheduling_tuning some = {.window_least = 0.05,
                                     .window_more = 0.3,
                                     .peak = 0.3,
                                     .mutation = 0.02,
                                     .parallel = 0.5,
                                     .shock = 0.05,
                                     .steps = 3,
                                     .children = 1,
                                     .size = large ? 60 : 80,
                                     .tournament = 4,
                                     .elitist = true};
    struct scheduling_tuning many = {.window_least = 0.02,
                                     .window_more = 0.4,
                                     .peak = large ? 1 : 0.3,
                                     .mutation = 0.04,
                                     .mutated = 0.3,
                                     .shock = 0.2,
                                     .steps = 3,
                                     .children = 3,
                                     .size = budget < 40000 ? 150 : 250,
                                     .tournament = large ? 2 : 3,
                                     .elitist = true};
    return budget <= 2000 ? few : budget <= 15000 ? some : many;
}

struct scheduling_search *scheduling_search_new(const struct scheduling_model *model,
                                                const struct scheduling_input *input,
                                                const struct scheduling_tuning *tuning,
                                                struct arena *arena)
{
    struct scheduling_search *search = arena_zalloc(arena, sizeof *search);
    size_t n = (size_t)model->n;
    search->model = model;
    search->input = input;
    search->t = *tuning;
    rand_init(&search->rand, input->seed);
    scheduling_generator_init(&search->generator, model, model->horizon, arena);
    search->size = search->t.size;
    set_base(search, arena);
    search->best.makespan = INT32_MAX;
    search->best.starts = arena_array(arena, n + 1, sizeof(int32_t));
    search->list = arena_array(arena, n + 1, sizeof(int32_t));
    search->starts = arena_array(arena, n + 1, sizeof(int32_t));
    search->composite = arena_array(arena, n + 1, sizeof(int32_t));
    search->order = arena_array(arena, n + 1, sizeof(int32_t));
    search->scratch = arena_array(arena, 5 * n + (size_t)model->base_count + 1, sizeof(int32_t));
    search->priority = arena_array(arena, n + 1, sizeof(int64_t));
    search->chance = arena_array(arena, n + 1, sizeof(double));
    int64_t lists = 256;
    while (lists < LISTS_MAX && lists / 4 < input->schedules)
        lists *= 2;
    search->list_mask = (uint64_t)lists - 1;
    search->lists = arena_array(arena, (size_t)lists, sizeof *search->lists);
    search->weights = arena_array(arena, PEAK_SPAN_MAX + 1, sizeof(int64_t));
    for (int d = 0; d < 2; d++) {
        search->population[d] = arena_array(arena, (size_t)search->size, sizeof(struct one));
        for (int32_t k = 0; k < search->size; k++)
            one_init(search, &search->population[d][k], arena);
        one_init(search, &search->spare[d], arena);
    }
    return search;
}

const struct scheduling_best *scheduling_search_best(const struct scheduling_search *search)
{
    return &search->best;
}

int64_t scheduling_search_made(const struct scheduling_search *search)
{
    return search->generator.made;
}

int64_t scheduling_search_duplicates(const struct scheduling_search *search)
{
    return search->duplicates;
}

bool scheduling_search_stopped(const struct scheduling_search *search)
{
    return search->stopped;
}

static int by_makespan(const void *a, const void *b)
{
    const struct one *x = *(struct one *const *)a, *y = *(struct one *const *)b;
    return (x->makespan > y->makespan) - (x->makespan < y->makespan);
}

bool scheduling_search_candidate(struct scheduling_search *search, int32_t index,
                                 int32_t *ret_starts, int32_t *ret_makespan)
{
    struct one *sorted[SCHEDULING_POPULATION_MAX];
    int32_t count = 0;
    for (int32_t k = 0; k < search->size; k++)
        if (search->population[1][k].makespan != INT32_MAX)
            sorted[count++] = &search->population[1][k];
    if (index >= count || index >= CANDIDATES)
        return false;
    qsort(sorted, (size_t)count, sizeof *sorted, by_makespan);
    *ret_makespan = sorted[index]->makespan;
    for (int32_t i = 0; i < search->model->n; i++)
        ret_starts[i] = *ret_makespan - sorted[index]->key[i] - search->model->duration[i];
    return true;
}
