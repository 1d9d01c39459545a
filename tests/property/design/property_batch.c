/* property_batch.c - the joint design of small batches against all combinations of placements. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "property_design.h"

#define CASES_DEFAULT 250 /* SWAN_PROPERTY_CASES asks for more */
#define NEEDS 3
#define PLACEMENTS_MAX 1300
#define TRIES 60

static int cases(void)
{
    const char *asked = getenv("SWAN_PROPERTY_CASES");
    return asked ? atoi(asked) : CASES_DEFAULT;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(a));
}

struct entry { /* one placement of one need that its own rules allow */
    double cost;
    struct naive_usage usage;
};

struct world {
    struct arena arena;
    struct need needs[NEEDS];
    struct naive naive[NEEDS];
    struct entry *entries[NEEDS];
    int counts[NEEDS];
    int count;
};

static int instances_of(const struct need *need)
{
    int total = 0;
    for (size_t c = 0; c < need->requirement.components.count; c++)
        total += naive_instances(&need->requirement, c);
    return total;
}

/* All placements of a need that are feasible alone but for its accelerators. */
static void list_entries(struct world *w, int i)
{
    int total = instances_of(&w->needs[i]), sites[NAIVE_INSTANCES] = {0};
    int most = (int)w->needs[0].network.sites.count;
    w->entries[i] = arena_array(&w->arena, PLACEMENTS_MAX, sizeof **w->entries);
    w->counts[i] = 0;
    for (;;) {
        struct naive_figures figures;
        struct entry *entry = &w->entries[i][w->counts[i]];
        naive_measure(&w->naive[i], sites, &figures, &entry->usage);
        entry->cost = figures.cost;
        if (figures.feasible) {
            w->counts[i]++;
            assert_true(w->counts[i] < PLACEMENTS_MAX);
        }
        int k = 0;
        while (k < total && ++sites[k] == most)
            sites[k++] = 0;
        if (k == total)
            return;
    }
}

static double joint_cost(const struct world *w, const int *picks, unsigned who)
{
    const struct network *network = &w->needs[0].network;
    double cost = 0;
    for (int i = 0; i < w->count; i++)
        cost += who >> i & 1 ? w->entries[i][picks[i]].cost : 0;
    for (size_t s = 0; s < network->sites.count; s++) {
        const struct site *site = &network->sites.items[s];
        double vcpus = site->allocated.vcpus.value, memory = 0, disk = 0;
        const struct requirement_accelerator *asked[NEEDS * NAIVE_INSTANCES];
        int count = 0;
        for (int i = 0; i < w->count; i++) {
            if (!(who >> i & 1))
                continue;
            const struct naive_usage *usage = &w->entries[i][picks[i]].usage;
            vcpus += usage->vcpus[s];
            memory += usage->memory[s];
            disk += usage->disk[s];
            for (int k = 0; k < usage->asked_count[s]; k++)
                asked[count++] = usage->asked[s][k];
        }
        if (vcpus > site->capacity.vcpus.value + 1e-6 ||
            memory > site->capacity.memory_gib.value + 1e-6 ||
            disk > site->capacity.disk_gib.value + 1e-6)
            return INFINITY;
        cost += naive_accelerators(site, asked, count);
    }
    for (size_t l = 0; l < network->links.count; l++) {
        double load = 0;
        for (int i = 0; i < w->count; i++)
            load += who >> i & 1 ? w->entries[i][picks[i]].usage.load[l] : 0;
        const struct network_link *link = &network->links.items[l];
        if (load > 0 && load > link->bandwidth_mbps.value - link->used_mbps.value + 1e-6)
            return INFINITY;
    }
    return cost;
}

/* Least over all combinations of the needs in `who`; INFINITY when they cannot hold together. */
static double least_together(const struct world *w, unsigned who)
{
    int picks[NEEDS] = {0};
    double best = INFINITY;
    for (int i = 0; i < w->count; i++)
        if (who >> i & 1 && w->counts[i] == 0)
            return INFINITY;
    for (;;) {
        best = fmin(best, joint_cost(w, picks, who));
        int i = 0;
        while (i < w->count && (!(who >> i & 1) || ++picks[i] >= w->counts[i]))
            picks[i++] = 0;
        if (i == w->count)
            return best;
    }
}

/* A network with little room, and needs of which most are possible on it alone. */
static void random_world(struct rand *rand, struct world *w)
{
    arena_init(&w->arena, 0);
    do
        random_need(rand, &w->needs[0], &w->arena);
    while (w->needs[0].network.sites.count < 2 || w->needs[0].network.sites.count > 4);
    struct network network = w->needs[0].network;
    for (size_t s = 0; s < network.sites.count; s++)
        network.sites.items[s].allocated.vcpus.value =
            floor(network.sites.items[s].capacity.vcpus.value * (double)rand_below(rand, 60) / 100);
    w->count = 2 + (int)rand_below(rand, 2);
    for (int i = 0; i < w->count; i++) {
        bool twin = i > 0 && rand_below(rand, 4) == 0; /* asks the same as the one before */
        for (int tries = 0; tries < TRIES; tries++) {
            struct need need;
            if (twin)
                need = w->needs[i - 1];
            else
                random_need(rand, &need, &w->arena);
            need.network = network;
            need.requirement.budget = NULL; /* would need the price of shared accelerators */
            bool fits = instances_of(&need) <= (w->count == 3 ? 3 : 4);
            for (int k = 0; k < need.wish_count; k++)
                fits = fits && need.wishes[k].site < (int)network.sites.count;
            if (!fits)
                continue;
            w->needs[i] = need;
            naive_init(&w->naive[i], &w->needs[i]);
            list_entries(w, i);
            if (isfinite(least_together(w, 1U << i)) || twin)
                break;
        }
        if (!w->entries[i]) { /* no small one came up */
            w->count = i;
            break;
        }
    }
}

struct tally {
    int feasible, contended, together, alone;
};

static void check_solutions(int seed, const struct world *w, const struct design_batch *batch,
                            unsigned who, double best, struct tally *tally)
{
    double singles = 0;
    if (!close_to(batch->total, best) || batch->gap != 0)
        fail_msg("seed %d: total %.6f gap %g, by brute force %.6f", seed, batch->total, batch->gap,
                 best);
    double sum = 0;
    for (int i = 0; i < w->count; i++) {
        if (!(who >> i & 1))
            continue;
        const struct design_batch_need *need = &batch->needs[i];
        assert_int_equal(need->code, ERR_OK);
        assert_int_equal(need->answer.solutions.count, 1);
        assert_true(close_to(need->alone, least_together(w, 1U << i)));
        sum += need->answer.solutions.items[0].cost;
        singles += need->alone;
    }
    assert_true(close_to(sum, best));
    tally->feasible++;
    if (best > singles * (1 + 1e-9)) {
        tally->contended++;
        if (batch->moves.count == 0)
            fail_msg("seed %d: costs %.4f instead of %.4f and nobody was moved", seed, best,
                     singles);
        for (size_t m = 0; m < batch->moves.count; m++)
            assert_true(batch->moves.items[m].by.count > 0);
    }
}

static void check_conflict(int seed, const struct world *w, const struct design_batch *batch)
{
    unsigned named = 0;
    assert_true(batch->together.count >= 2 && batch->together_minimal);
    for (size_t k = 0; k < batch->together.count; k++)
        named |= 1U << batch->together.items[k];
    if (isfinite(least_together(w, named)))
        fail_msg("seed %d: the needs named (%x) can hold together", seed, named);
    for (int i = 0; i < w->count; i++)
        if (named >> i & 1 && isinf(least_together(w, named & ~(1U << i))))
            fail_msg("seed %d: need %d has no part in the conflict", seed, i);
}

static void test_a_batch_costs_the_least_of_all_joint_placements(void **state)
{
    (void)state;
    struct tally tally = {0};
    static struct world w;
    for (int seed = 0; seed < cases(); seed++) {
        struct rand rand;
        struct err err = ERR_INIT;
        struct design_input inputs[NEEDS];
        struct design_batch batch = {0};
        memset(&w, 0, sizeof w);
        rand_init(&rand, (uint64_t)seed + 7000000);
        random_world(&rand, &w);
        unsigned who = 0;
        for (int i = 0; i < w.count; i++) {
            inputs[i] = design_input_of(&w.needs[i], &w.arena);
            inputs[i].given.network = &w.needs[0].network;
            if (isfinite(least_together(&w, 1U << i)))
                who |= 1U << i;
        }
        double best = who ? least_together(&w, who) : 0;
        struct design_batch_input input = {.needs = inputs, .count = (size_t)w.count};
        enum err_code code = design_solve_batch(&input, &batch, &w.arena, &err);
        if (code && code != ERR_INFEASIBLE)
            fail_msg("seed %d: %s %s", seed, err.field, err.text);
        if (isinf(best) != (code == ERR_INFEASIBLE))
            fail_msg("seed %d: %s, by brute force %.4f", seed, code ? err.text : "designed", best);
        for (int i = 0; i < w.count; i++)
            if (!(who >> i & 1)) {
                assert_int_equal(batch.needs[i].code, ERR_INFEASIBLE);
                tally.alone++;
            }
        if (code) {
            tally.together++;
            check_conflict(seed, &w, &batch);
        } else if (who) {
            check_solutions(seed, &w, &batch, who, best, &tally);
        }
        arena_done(&w.arena);
    }
    print_message("%d possible together (%d cost more than alone), %d not, %d needs not alone\n",
                  tally.feasible, tally.contended, tally.together, tally.alone);
    assert_true(tally.contended > 5 && tally.together > 5 && tally.alone > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_costs_the_least_of_all_joint_placements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
