/* random_case.c - fleets and streams for the tests, made as CSV so that the reader is in it too. */
#include <string.h>

#include "base/buf.h"
#include "replay_test.h"

void case_read(struct test_case *c, const char *nodes, const char *pods)
{
    struct err err = ERR_INIT;
    arena_init(&c->arena, 0);
    if (replay_read_nodes(nodes, strlen(nodes), &c->fleet, &c->arena, &err) ||
        replay_read_pods(pods, strlen(pods), &c->fleet, &c->stream, &c->arena, &err))
        fail_msg("%s", err.text);
}

void case_done(struct test_case *c)
{
    arena_done(&c->arena);
}

static const char *const models[] = {"", "A", "B", "C"};
static const char *const specs[] = {"", "", "", "A", "B|C", "Z", "A|Z|B"};

void case_random(struct test_case *c, uint64_t seed, size_t nodes)
{
    static const int shares[] = {100, 160, 250, 330, 470, 500, 810, 990};
    struct buf fleet = BUF_INIT, pods = BUF_INIT;
    struct rand rand;
    int64_t gpu = 0, asked = 0;
    rand_init(&rand, seed);
    buf_add_str(&fleet, "sn,cpu_milli,memory_mib,gpu,model\n");
    for (size_t i = 0; i < nodes; i++) {
        int64_t gpus = (int64_t)rand_below(&rand, 5);
        gpu += gpus * 1000;
        buf_printf(&fleet, "n%zu,%d,%d,%d,%s\n", i, (int)rand_below(&rand, 60) * 1000,
                   (int)rand_below(&rand, 200) * 1024, (int)gpus,
                   models[rand_below(&rand, ARRAY_LEN(models))]);
    }
    buf_add_str(&pods, "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n");
    /* Names are drawn from a list of 40, so that there are statistics. */
    for (int id = 1; id <= 2 || (asked < gpu + gpu / 2 && id < 400); id++) {
        size_t name = rand_below(&rand, 40);
        struct rand pod;
        rand_init(&pod, seed * 1000 + name);
        uint64_t kind = rand_below(&pod, 10);
        int num = kind < 2 ? 0 : kind < 8 ? 1 : (int)rand_below(&pod, 4) + 1;
        int milli = num == 1 && kind < 6 ? shares[rand_below(&pod, ARRAY_LEN(shares))] : 1000;
        if (kind == 9)
            milli = 500; /* parts of several GPUs */
        asked += num * milli;
        buf_printf(&pods, "%d,p%zu,%d,%d,%d,%d,%s\n", id, name, (int)rand_below(&pod, 30) * 500,
                   (int)rand_below(&pod, 40) * 512, num, num ? milli : 0,
                   specs[rand_below(&pod, ARRAY_LEN(specs))]);
    }
    case_read(c, buf_str(&fleet), buf_str(&pods));
    buf_done(&fleet);
    buf_done(&pods);
}
