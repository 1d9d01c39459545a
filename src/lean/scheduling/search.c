/* search.c - genetic search over orders of tasks, in two populations.
 *
 * Contract: population d holds schedules that wait to become lists of direction d (as keys: their
 * times seen from the other end), so each child of population d is generated in direction d and
 * belongs to the other population.  Both have as many places; the child of the parent at a place
 * competes for the same place there.  Every call of a generation scheme is counted, none is
 * repeated for a list that is remembered.  Same seed, same sequence. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lean/scheduling/search_priv.h"

#define POPULATION_LEAST 8
#define POPULATION_MOST 1000
#define POPULATION_TASKS (1 << 24) /* in one population, for the sake of memory */
#define CANDIDATES 8
#define LISTS_MAX ((int64_t)1 << 17) /* remembered */

/* ---- order by keys: stable counting sort ---- */

#define BUCKET_BITS 11

static void order_by(struct scheduling_search *search, const int32_t *key, int direction,
                     int32_t *list)
{
    int32_t n = search->model->n, most = 0;
    int32_t counts[(1 << BUCKET_BITS) + 1];
    int32_t *from = search->other, *to = list;
    int bits = 1, passes;
    for (int32_t i = 0; i < n; i++)
        most = key[i] > most ? key[i] : most;
    while (bits < 31 && most >> bits)
        bits++;
    passes = (bits + BUCKET_BITS - 1) / BUCKET_BITS;
    if (passes % 2 == 0) { /* the last pass ends in list */
        from = list;
        to = search->other;
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
                   struct scheduling_one *out)
{
    const struct scheduling_model *model = search->model;
    const int32_t *starts = search->starts;
    int32_t n = model->n;
    out->makespan = makespan;
    out->lateness = 0;
    if (!direction && !model->plain)
        out->lateness = scheduling_lateness(model, starts);
    for (int32_t i = 0; i < n; i++)
        out->key[i] = makespan - starts[i] - model->duration[i];
    out->hash = hash_of(out->key, n);
    order_by(search, out->key, 1 - direction, out->order);
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

void scheduling_search_serial(struct scheduling_search *search, int direction, const int32_t *list,
                              struct scheduling_one *out)
{
    finish(search, direction,
           scheduling_generate(&search->generator, direction, list, search->starts), out);
}

void scheduling_search_parallel(struct scheduling_search *search, int direction,
                                const int32_t *list, struct scheduling_one *out)
{
    for (int32_t k = 0; k < search->model->n; k++)
        search->rank[list[k]] = k;
    finish(search, direction,
           scheduling_generate_parallel(&search->generator, direction, search->rank, search->starts,
                                        search->scratch),
           out);
}

/* ---- crossover ---- */

/* When the task at a place of its order has its turn; behind the last: the end. */
static double turn(const struct scheduling_search *search, const struct scheduling_one *one,
                   int32_t place)
{
    return place < search->model->n ? one->key[one->order[place]] : one->makespan;
}

/* For each place: how many of the tasks before it in the father's order are not before it in the
 * mother's. */
static void compare(struct scheduling_search *search, const struct scheduling_one *father,
                    const struct scheduling_one *mother)
{
    int32_t n = search->model->n, both = 0, *seen = search->rank;
    memset(seen, 0, (size_t)n * sizeof *seen);
    search->difference[0] = 0;
    for (int32_t k = 0; k < n; k++) {
        both += seen[father->order[k]]++;
        both += seen[mother->order[k]]++;
        search->difference[k + 1] = k + 1 - both;
    }
}

/* The window is taken from the father, the order before and behind it from the mother.  Of some
 * windows the one is chosen that the father gets through sooner, with few tasks that the mother
 * has on another side. */
static void cross(struct scheduling_search *search, const struct scheduling_one *father,
                  const struct scheduling_one *mother)
{
    const struct scheduling_tuning *t = &search->t;
    int32_t n = search->model->n, from = 0, until = n;
    double most = -INFINITY;
    compare(search, father, mother);
    for (int32_t c = 0; c < t->candidates; c++) {
        double u = rand_unit(&search->rand);
        int32_t length = (int32_t)((t->window_least + u * t->window_more) * n);
        length = length < 2 ? 2 : length;
        length = length > n ? n : length;
        int32_t a = (int32_t)rand_below(&search->rand, (uint64_t)(n - length + 1)), b = a + length;
        double saved = turn(search, mother, b) - turn(search, mother, a) -
                       (turn(search, father, b) - turn(search, father, a));
        double score =
            t->gain * saved - t->difference * (search->difference[a] + search->difference[b]);
        if (score > most) {
            most = score;
            from = a;
            until = b;
        }
    }
    for (int32_t k = 0; k < n; k++)
        search->rank[father->order[k]] = k;
    memcpy(search->list + from, father->order + from,
           (size_t)(until - from) * sizeof *search->list);
    for (int32_t k = 0, before = 0, behind = until; k < n; k++) {
        int32_t task = mother->order[k];
        if (search->rank[task] < from)
            search->list[before++] = task;
        else if (search->rank[task] >= until)
            search->list[behind++] = task;
    }
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

static bool better(const struct scheduling_one *a, const struct scheduling_one *b)
{
    return a->makespan != b->makespan ? a->makespan < b->makespan : a->lateness < b->lateness;
}

static const struct scheduling_one *pick(struct scheduling_search *search, int d,
                                         const struct scheduling_one *but)
{
    const struct scheduling_one *a = NULL, *b;
    for (int k = 0; k < search->t.tournament; k++) {
        do
            b = &search->population[d][rand_below(&search->rand, (uint64_t)search->size)];
        while (b == but);
        if (!a || better(b, a))
            a = b;
    }
    return a;
}

static void swap(struct scheduling_one *a, struct scheduling_one *b)
{
    struct scheduling_one t = *a;
    *a = *b;
    *b = t;
}

static bool is_known(const struct scheduling_search *search, int d,
                     const struct scheduling_one *one)
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

/* Makes a list of the mother and another that has not been made before, if that is soon found. */
static void breed(struct scheduling_search *search, int d, const struct scheduling_one *mother)
{
    for (int attempts = 0; attempts < 10; attempts++) {
        const struct scheduling_one *father = pick(search, d, mother);
        cross(search, father, mother);
        if (mother->hash == father->hash)
            mutate(search, d, search->list, search->t.shock);
        else if (attempts > 2 || rand_unit(&search->rand) < search->t.mutated)
            mutate(search, d, search->list, search->t.mutation);
        if (is_new(search, d, search->list))
            return;
    }
}

/* A child takes its place if it is no worse than what was there. */
static void make_child(struct scheduling_search *search, int d, int32_t k)
{
    struct scheduling_one *old = &search->population[1 - d][k], *child = &search->spare;
    breed(search, d, &search->population[d][k]);
    if (rand_unit(&search->rand) < search->t.parallel)
        scheduling_search_parallel(search, d, search->list, child);
    else
        scheduling_search_serial(search, d, search->list, child);
    if (is_known(search, 1 - d, child))
        search->duplicates++;
    else if (!better(old, child))
        swap(old, child);
}

/* The place whose two schedules are worst together. */
static int32_t worst_place(const struct scheduling_search *search)
{
    int32_t worst = 0;
    int64_t most = -1, late = -1;
    for (int32_t k = 0; k < search->size; k++) {
        const struct scheduling_one *a = &search->population[0][k], *b = &search->population[1][k];
        int64_t makespans = (int64_t)a->makespan + b->makespan,
                lateness = a->lateness + b->lateness;
        if (makespans < most || (makespans == most && lateness <= late))
            continue;
        most = makespans;
        late = lateness;
        worst = k;
    }
    return worst;
}

/* The more schedules are made, the fewer places there are. */
static void shrink(struct scheduling_search *search)
{
    double over = (double)search->generator.made / (double)search->t.budget;
    over = over < 1 ? over : 1;
    double size = search->t.size * (1 - over * (1 - search->t.shrunk));
    while (search->size > size && search->size > POPULATION_LEAST) {
        int32_t worst = worst_place(search);
        search->size--;
        for (int d = 0; d < 2; d++)
            swap(&search->population[d][worst], &search->population[d][search->size]);
    }
}

static void begin(struct scheduling_search *search)
{
    for (; search->begun < search->size && !done(search); search->begun++) {
        struct scheduling_one *one = &search->population[1][search->begun];
        scheduling_search_begin_one(search, search->begun, one);
        if (search->generator.made >= search->until)
            return; /* the place is filled anew when the search goes on */
        scheduling_search_serial(search, 1, one->order, &search->population[0][search->begun]);
    }
}

void scheduling_search_run(struct scheduling_search *search, int64_t until, int32_t bound)
{
    search->until = until;
    search->bound = bound;
    begin(search);
    while (!done(search)) {
        make_child(search, search->generation % 2 ? 1 : 0, search->at++);
        if (search->at < search->size)
            continue;
        search->at = 0;
        search->generation++;
        shrink(search);
    }
}

/* ---- the whole ---- */

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

static void one_init(struct scheduling_search *search, struct scheduling_one *one,
                     struct arena *arena)
{
    one->makespan = INT32_MAX;
    one->key = arena_array(arena, (size_t)search->model->n + 1, sizeof *one->key);
    one->order = arena_array(arena, (size_t)search->model->n + 1, sizeof *one->order);
}

/* Found by trying on every second to fifth instance of J30, J60 and J120, each with its number of
 * schedules. */
struct scheduling_tuning scheduling_tuning_for(int32_t n, int64_t budget)
{
    bool small = n < 45, large = n >= 90;
    struct scheduling_tuning few = {.window_least = large ? 0.15 : 0.1,
                                    .window_more = small   ? 0.5
                                                   : large ? 0.2
                                                           : 0.3,
                                    .candidates = 6,
                                    .mutation = 0.01,
                                    .shock = 0.05,
                                    .begun_parallel = 0.8,
                                    .parallel = large ? 0.1 : 0.15,
                                    .tournament = large ? 6 : 4};
    struct scheduling_tuning some = {.window_least = 0.05,
                                     .window_more = 0.3,
                                     .candidates = 3,
                                     .mutation = 0.02,
                                     .shock = 0.05,
                                     .begun_parallel = 0.5,
                                     .parallel = 0.1,
                                     .tournament = 4};
    struct scheduling_tuning many = {.window_least = 0.02,
                                     .window_more = 0.4,
                                     .candidates = 3,
                                     .mutated = 0.1,
                                     .mutation = 0.04,
                                     .shock = 0.2,
                                     .parallel = 0.05,
                                     .tournament = large ? 3 : 2};
    struct scheduling_tuning t = budget <= 2000 ? few : budget <= 15000 ? some : many;
    double size = 40 * pow((double)budget / 1000, 0.62);
    if (small && budget <= 2000)
        size *= 1.5;
    if (!small && budget > 2000 && budget <= 15000)
        size *= 0.8;
    double most = (double)POPULATION_TASKS / (n + 1);
    most = most < POPULATION_MOST ? most : POPULATION_MOST;
    size = size < most ? size : most;
    t.size = size > POPULATION_LEAST ? (int32_t)size : POPULATION_LEAST;
    t.shrunk = 0.1;
    t.budget = budget;
    t.difference = 1;
    t.gain = 2;
    t.steps = 3;
    return t;
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
    search->other = arena_array(arena, n + 1, sizeof(int32_t));
    search->rank = arena_array(arena, n + 1, sizeof(int32_t));
    search->difference = arena_array(arena, n + 1, sizeof(int32_t));
    search->scratch = arena_array(arena, 5 * n + (size_t)model->base_count + 1, sizeof(int32_t));
    search->priority = arena_array(arena, n + 1, sizeof(int64_t));
    search->chance = arena_array(arena, n + 1, sizeof(double));
    int64_t lists = 256;
    while (lists < LISTS_MAX && lists / 4 < tuning->budget)
        lists *= 2;
    search->list_mask = (uint64_t)lists - 1;
    search->lists = arena_array(arena, (size_t)lists, sizeof *search->lists);
    for (int d = 0; d < 2; d++) {
        search->population[d] =
            arena_array(arena, (size_t)search->size, sizeof *search->population[d]);
        for (int32_t k = 0; k < search->size; k++)
            one_init(search, &search->population[d][k], arena);
    }
    one_init(search, &search->spare, arena);
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
    const struct scheduling_one *x = *(struct scheduling_one *const *)a,
                                *y = *(struct scheduling_one *const *)b;
    return (x->makespan > y->makespan) - (x->makespan < y->makespan);
}

bool scheduling_search_candidate(struct scheduling_search *search, int32_t index,
                                 int32_t *ret_starts, int32_t *ret_makespan)
{
    struct scheduling_one *sorted[POPULATION_MOST];
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
