/* test_replay.c - placements, refusals and the measure against an independent checker. */
#include <stdlib.h>
#include <string.h>

#include "replay_test.h"

/* ---- the checker: knows the rules, nothing of the engine ---- */

struct room {
    int64_t cpu, memory;
    int gpu[REPLAY_MAX_GPUS];
};

static bool can_hold(const struct replay_node *node, const struct room *room,
                     const struct replay_type *t)
{
    int roomy = 0;
    for (int g = 0; g < node->gpus; g++)
        roomy += room->gpu[g] >= t->gpu_milli;
    bool suits = t->gpus == 0 || t->any_model || (node->model >= 0 && t->models >> node->model & 1);
    return room->cpu >= t->cpu_milli && room->memory >= t->memory_mib && suits && roomy >= t->gpus;
}

static void check(const struct test_case *c, const struct replay_result *result)
{
    size_t nodes = c->fleet.nodes.count, failed = 0, seen = 0;
    struct room *rooms = mem_array(nodes, sizeof *rooms);
    double arrived = 0, used = 0, capacity = 0, sum = 0;
    for (size_t n = 0; n < nodes; n++) {
        rooms[n].cpu = c->fleet.nodes.items[n].cpu_milli;
        rooms[n].memory = c->fleet.nodes.items[n].memory_mib;
        for (int g = 0; g < c->fleet.nodes.items[n].gpus; g++)
            rooms[n].gpu[g] = 1000;
        capacity += c->fleet.nodes.items[n].gpus * 1000.0;
    }
    for (size_t i = 0; i < c->stream.pods.count; i++) {
        const struct replay_type *t = &c->stream.types.items[c->stream.pods.items[i].type];
        const struct replay_placement *p = &result->placements[i];
        arrived += t->gpus * t->gpu_milli;
        if (p->placed) {
            struct room *room = &rooms[p->node];
            assert_true(p->node < nodes);
            assert_true(can_hold(&c->fleet.nodes.items[p->node], room, t));
            int taken = 0;
            for (int g = 0; g < 32; g++) {
                if (!(p->gpus >> g & 1))
                    continue;
                assert_true(g < c->fleet.nodes.items[p->node].gpus);
                room->gpu[g] -= t->gpu_milli;
                assert_true(room->gpu[g] >= 0);
                taken++;
            }
            assert_int_equal(taken, t->gpus);
            room->cpu -= t->cpu_milli;
            room->memory -= t->memory_mib;
            used += t->gpus * t->gpu_milli;
        } else {
            failed++;
            for (size_t n = 0; n < nodes; n++)
                assert_false(can_hold(&c->fleet.nodes.items[n], &rooms[n], t));
        }
        if (capacity > 0 && 100 * arrived / capacity >= 129.5 && 100 * arrived / capacity < 130.5) {
            sum += 100 * used / capacity;
            seen++;
        }
    }
    assert_int_equal(result->failed, failed);
    assert_int_equal(result->has_allocation, seen > 0);
    if (seen)
        assert_near(result->allocation_percent, sum / (double)seen, 1e-6);
    mem_free(rooms);
}

static void test_every_placement_holds_and_no_refusal_is_needless(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        for (int policy = REPLAY_RANDOM; policy <= REPLAY_SWAN; policy++) {
            struct test_case c;
            struct replay_result result;
            if (policy == REPLAY_SWAN && seed > 6)
                continue; /* its tables take their time under sanitizers */
            case_random(&c, seed, 1 + seed % 12);
            assert_int_equal(replay_run(&c.fleet, &c.stream, (enum replay_policy)policy, seed,
                                        &result, &c.arena, NULL),
                             ERR_OK);
            check(&c, &result);
            case_done(&c);
        }
}

static char *answer(const struct test_case *c, enum replay_policy policy, uint64_t seed)
{
    struct arena arena = ARENA_INIT;
    struct buf out = BUF_INIT;
    struct replay_result result;
    assert_int_equal(replay_run(&c->fleet, &c->stream, policy, seed, &result, &arena, NULL),
                     ERR_OK);
    replay_write(&c->fleet, &c->stream, policy, &result, &out);
    arena_done(&arena);
    return buf_take(&out);
}

static void test_the_same_seed_gives_the_same_answer(void **state)
{
    (void)state;
    struct test_case c;
    case_random(&c, 3, 12);
    for (int policy = REPLAY_RANDOM; policy <= REPLAY_SWAN; policy++) {
        char *one = answer(&c, (enum replay_policy)policy, 5);
        char *two = answer(&c, (enum replay_policy)policy, 5);
        assert_string_equal(one, two);
        mem_free(one);
        mem_free(two);
    }
    char *one = answer(&c, REPLAY_RANDOM, 5), *two = answer(&c, REPLAY_RANDOM, 6);
    assert_string_not_equal(one, two);
    mem_free(one);
    mem_free(two);
    case_done(&c);
}

/* With the rest of the arrivals turned round, everything before is placed as it was. */
static void test_no_policy_knows_the_order_to_come(void **state)
{
    (void)state;
    struct test_case c;
    struct replay_result before, after;
    case_random(&c, 11, 10);
    for (int policy = REPLAY_RANDOM; policy <= REPLAY_SWAN; policy++) {
        size_t count = c.stream.pods.count, half = count / 2;
        assert_int_equal(
            replay_run(&c.fleet, &c.stream, (enum replay_policy)policy, 1, &before, &c.arena, NULL),
            ERR_OK);
        for (size_t i = half, j = count - 1; i < j; i++, j--) {
            struct replay_pod pod = c.stream.pods.items[i];
            c.stream.pods.items[i] = c.stream.pods.items[j];
            c.stream.pods.items[j] = pod;
        }
        assert_int_equal(
            replay_run(&c.fleet, &c.stream, (enum replay_policy)policy, 1, &after, &c.arena, NULL),
            ERR_OK);
        for (size_t i = 0; i < half; i++) {
            assert_int_equal(before.placements[i].placed, after.placements[i].placed);
            assert_int_equal(before.placements[i].node, after.placements[i].node);
            assert_int_equal(before.placements[i].gpus, after.placements[i].gpus);
        }
    }
    case_done(&c);
}

static void test_the_reader_orders_types_by_need_not_by_arrival(void **state)
{
    (void)state;
    static const char nodes[] = "sn,cpu_milli,memory_mib,gpu,model\na,9,9,1,\n";
    static const char head[] = "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli\n";
    struct test_case one, two;
    char text[200];
    strcpy(text, head);
    case_read(&one, nodes, strcat(text, "1,a,1,1,1,500\n2,b,1,1,0,0\n3,c,2,1,1,500\n"));
    strcpy(text, head);
    case_read(&two, nodes, strcat(text, "3,c,2,1,1,500\n2,b,1,1,0,0\n1,a,1,1,1,500\n"));
    assert_int_equal(one.stream.types.count, 3);
    assert_memory_equal(one.stream.types.items, two.stream.types.items,
                        3 * sizeof *one.stream.types.items);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(one.stream.pods.items[i].type, two.stream.pods.items[2 - i].type);
    case_done(&one);
    case_done(&two);
}

static void test_the_answer_is_written_as_the_judge_reads_it(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\n\"x\"\"1\",9,9,2,m\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli\n"
              "1,a,1,1,2,500\n007,b,1,1,0,0\nc,c,1,1,1,1000\n4,d,1,1,2,800\n");
    char *text = answer(&c, REPLAY_BESTFIT, 0);
    assert_string_equal(text, "{\"policy\":\"bestfit\",\"arrivals\":4,\"failed\":2,"
                              "\"allocation_percent\":null,\"placed\":[[1,\"x\\\"1\",[0,1]],"
                              "[\"007\",\"x\\\"1\",[]]]}");
    mem_free(text);
    case_done(&c);
}

static void test_a_fleet_without_gpu_is_no_trouble(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c, "sn,cpu_milli,memory_mib,gpu,model\na,9,9,0,\n",
              "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli\n1,a,5,1,0,0\n2,b,5,1,0,0\n"
              "3,c,1,1,1,0\n");
    for (int policy = REPLAY_RANDOM; policy <= REPLAY_SWAN; policy++) {
        struct replay_result result;
        assert_int_equal(
            replay_run(&c.fleet, &c.stream, (enum replay_policy)policy, 0, &result, &c.arena, NULL),
            ERR_OK);
        assert_int_equal(result.failed, 2);
        assert_false(result.has_allocation);
    }
    case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_placement_holds_and_no_refusal_is_needless),
        cmocka_unit_test(test_the_same_seed_gives_the_same_answer),
        cmocka_unit_test(test_no_policy_knows_the_order_to_come),
        cmocka_unit_test(test_the_reader_orders_types_by_need_not_by_arrival),
        cmocka_unit_test(test_the_answer_is_written_as_the_judge_reads_it),
        cmocka_unit_test(test_a_fleet_without_gpu_is_no_trouble),
    };
    int failed = cmocka_run_group_tests_name("replay", tests, NULL, NULL);
    failed += _cmocka_run_group_tests("read", read_tests, read_test_count, NULL, NULL);
    failed += _cmocka_run_group_tests("policy", policy_tests, policy_test_count, NULL, NULL);
    return failed;
}
