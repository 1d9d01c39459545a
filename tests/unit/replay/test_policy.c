/* test_policy.c - each policy's choice against a plain recomputation over every node and GPU. */
#include <string.h>

#include "intelligent/replay/replay_priv.h"
#include "replay_test.h"

#define NEAR 1e-9

/* ---- plain ideas of each policy; lower is better ---- */

struct plain {
    const struct test_case *c;
    struct replay_state *nodes;
    double cpu, memory, gpu; /* of the largest node */
};

static double sum_free(const struct replay_state *n)
{
    double sum = 0;
    for (int i = 0; i < n->gpus; i++)
        sum += n->free[i];
    return sum;
}

static double plain_bestfit(const struct plain *p, const struct replay_state *n,
                            const struct replay_type *t)
{
    return ((double)n->cpu_milli - (double)t->cpu_milli) / p->cpu +
           (sum_free(n) - t->gpus * t->gpu_milli) / p->gpu;
}

static double plain_dotproduct(const struct plain *p, const struct replay_state *n,
                               const struct replay_type *t)
{
    return -((double)n->cpu_milli / p->cpu * (double)t->cpu_milli / p->cpu +
             (double)n->memory_mib / p->memory * (double)t->memory_mib / p->memory +
             sum_free(n) / p->gpu * (t->gpus * t->gpu_milli) / p->gpu);
}

/* Every type is typical here: the streams of these tests have few. */
static double plain_fragmentation(const struct test_case *c, const struct replay_state *n)
{
    double total = 0, lost = 0;
    for (size_t i = 0; i < c->stream.types.count; i++) {
        struct replay_type t = c->stream.types.items[i];
        t.memory_mib = 0;
        total += (double)t.listed;
        if (t.gpus == 0 || !replay_fits(n, &t)) {
            lost += (double)t.listed * sum_free(n);
            continue;
        }
        for (int g = 0; g < n->gpus; g++)
            lost += n->free[g] < t.gpu_milli ? (double)t.listed * n->free[g] : 0;
    }
    return lost / total;
}

static void plain_begin(struct plain *p, const struct test_case *c)
{
    *p = (struct plain){.c = c, .cpu = 1, .memory = 1, .gpu = 1};
    p->nodes = mem_array(c->fleet.nodes.count, sizeof *p->nodes);
    for (size_t i = 0; i < c->fleet.nodes.count; i++) {
        const struct replay_node *n = &c->fleet.nodes.items[i];
        p->cpu = fmax(p->cpu, (double)n->cpu_milli);
        p->memory = fmax(p->memory, (double)n->memory_mib);
        p->gpu = fmax(p->gpu, n->gpus * 1000.0);
        p->nodes[i] = (struct replay_state){.cpu_milli = n->cpu_milli,
                                            .memory_mib = n->memory_mib,
                                            .gpus = n->gpus,
                                            .model = n->model};
        for (int g = 0; g < n->gpus; g++)
            p->nodes[i].free[g] = 1000;
    }
}

static void follow(uint64_t seed, enum replay_policy policy,
                   double (*value)(const struct plain *, const struct replay_state *,
                                   const struct replay_type *))
{
    struct test_case c;
    struct plain plain;
    struct replay_result result;
    case_random(&c, seed, 6);
    plain_begin(&plain, &c);
    assert_int_equal(replay_run(&c.fleet, &c.stream, policy, seed, &result, &c.arena, NULL),
                     ERR_OK);
    for (size_t i = 0; i < c.stream.pods.count; i++) {
        const struct replay_type *t = &c.stream.types.items[c.stream.pods.items[i].type];
        double least = INFINITY;
        for (size_t n = 0; n < c.fleet.nodes.count; n++)
            if (replay_fits(&plain.nodes[n], t))
                least = fmin(least, value(&plain, &plain.nodes[n], t));
        assert_int_equal(result.placements[i].placed, least < INFINITY);
        if (!result.placements[i].placed)
            continue;
        struct replay_state *chosen = &plain.nodes[result.placements[i].node];
        assert_true(value(&plain, chosen, t) <= least + NEAR);
        replay_take(chosen, t, result.placements[i].gpus);
    }
    mem_free(plain.nodes);
    case_done(&c);
}

static void test_bestfit_leaves_least_and_dotproduct_aligns_best(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        follow(seed, REPLAY_BESTFIT, plain_bestfit);
        follow(seed, REPLAY_DOTPRODUCT, plain_dotproduct);
    }
}

static void test_fragmentation_is_what_typical_pods_cannot_use(void **state)
{
    (void)state;
    struct test_case c;
    /* One type in 25 is beyond 95 %, so all others are typical; here all four types are. */
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\na,8000,1,2,T\nb,9000,1,4,U\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n1,a,1000,9,1,300,\n"
              "2,b,2000,9,2,1000,\n3,c,500,9,0,0,\n4,d,1000,9,1,1000,T\n");
    struct replay_fgd *fgd = replay_fgd_new(&c.stream, &c.arena);
    struct rand rand;
    rand_init(&rand, 7);
    for (int i = 0; i < 2000; i++) {
        struct replay_state n = {.cpu_milli = (int64_t)rand_below(&rand, 3000),
                                 .gpus = 1 + (int)rand_below(&rand, 4),
                                 .model = (int)rand_below(&rand, 3) - 1};
        for (int g = 0; g < n.gpus; g++)
            n.free[g] = (int)rand_below(&rand, 11) * 100;
        assert_near(replay_fragmentation(fgd, &n), plain_fragmentation(&c, &n), 1e-6);
    }
    case_done(&c);
}

static void test_fgd_takes_the_steepest_descent(void **state)
{
    (void)state;
    struct test_case c;
    struct replay_result result;
    /* The half GPU is left for the half pod; a fresh node would be broken up for nothing. */
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\na,64000,99999,2,T\nb,64000,99999,2,T\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
              "1,a,1000,9,1,500,\n2,b,1000,9,1,500,\n3,c,1000,9,2,1000,\n");
    assert_int_equal(replay_run(&c.fleet, &c.stream, REPLAY_FGD, 1, &result, &c.arena, NULL),
                     ERR_OK);
    assert_int_equal(result.failed, 0);
    assert_int_equal(result.placements[0].node, result.placements[1].node);
    assert_int_equal(result.placements[0].gpus, result.placements[1].gpus);
    case_done(&c);
}

/* ---- the tables of swan ---- */

/* What one GPU with its own CPU takes in of k pods offered one by one: straight recursion. */
static double plain_value(const struct replay_stream *stream, int model, int k, int gpu,
                          int64_t cpu)
{
    double total = 0, value = 0;
    if (k == 0)
        return 0;
    double stay = plain_value(stream, model, k - 1, gpu, cpu);
    for (size_t i = 0; i < stream->types.count; i++) {
        const struct replay_type *t = &stream->types.items[i];
        double best = stay;
        bool suits = t->any_model || (model >= 0 && t->models >> model & 1);
        if (t->gpus && suits && t->gpu_milli <= gpu && t->cpu_milli / t->gpus <= cpu)
            best = fmax(best, t->gpu_milli + plain_value(stream, model, k - 1, gpu - t->gpu_milli,
                                                         cpu - t->cpu_milli / t->gpus));
        value += (double)t->listed * best;
        total += (double)t->listed;
    }
    return value / total;
}

static void test_expected_use_is_that_of_optimal_stopping(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\na,16000,99999,1,T\nb,16000,9,1,\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
              "1,a,1000,9,1,470,\n2,b,4000,9,1,810,\n3,c,9000,9,0,0,\n4,d,3000,9,2,1000,\n"
              "5,e,500,9,1,160,T\n6,f,1000,9,1,470,\n");
    struct replay_gap *gap = replay_gap_new(&c.fleet, &c.stream);
    static const int frees[] = {1000, 840, 530, 470, 190, 160, 100};
    for (int k = 1; k <= 5; k++) {
        replay_gap_tune(gap, &(struct replay_tuning){k, k, 1, 0, 0});
        for (size_t f = 0; f < ARRAY_LEN(frees); f++)
            for (int64_t cpu = 0; cpu <= 9000; cpu += 500)
                for (int model = -1; model < 1; model++) {
                    struct replay_state n = {
                        .cpu_milli = cpu, .gpus = 1, .model = model, .free = {frees[f]}};
                    double used = frees[f] - replay_gap_loss(gap, &n);
                    assert_near(used, plain_value(&c.stream, model, k, frees[f], cpu), 0.01);
                }
    }
    replay_gap_free(gap);
    case_done(&c);
}

static void test_cpu_goes_to_the_gpus_that_gain_most(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\na,16000,99999,2,T\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
              "1,a,4000,9,1,1000,\n2,b,1000,9,1,200,\n");
    struct replay_gap *gap = replay_gap_new(&c.fleet, &c.stream);
    replay_gap_tune(gap, &(struct replay_tuning){1, 1, 1, 0, 0});
    /* One offer, half of them whole GPUs: 4 cores serve one whole GPU, 1 core a part of it. */
    struct replay_state n = {.cpu_milli = 4000, .gpus = 2, .model = 0, .free = {1000, 200}};
    assert_near(1200 - replay_gap_loss(gap, &n), 600, 1.0);
    n.cpu_milli = 5000;
    assert_near(1200 - replay_gap_loss(gap, &n), 700, 1.0);
    n.cpu_milli = 2000;
    assert_near(1200 - replay_gap_loss(gap, &n), 200, 1.0);
    replay_gap_free(gap);
    case_done(&c);
}

const struct CMUnitTest policy_tests[] = {
    cmocka_unit_test(test_bestfit_leaves_least_and_dotproduct_aligns_best),
    cmocka_unit_test(test_fragmentation_is_what_typical_pods_cannot_use),
    cmocka_unit_test(test_fgd_takes_the_steepest_descent),
    cmocka_unit_test(test_expected_use_is_that_of_optimal_stopping),
    cmocka_unit_test(test_cpu_goes_to_the_gpus_that_gain_most),
};
const size_t policy_test_count = ARRAY_LEN(policy_tests);
