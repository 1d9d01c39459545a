/* test_read.c - hostile CSV is refused with its line; good CSV means what it says. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "replay_test.h"

#define NODES "sn,cpu_milli,memory_mib,gpu,model\n"
#define PODS "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"

static void test_good_files_mean_what_they_say(void **state)
{
    (void)state;
    struct test_case c;
    case_read(&c,
              "\xef\xbb\xbfmodel,extra,gpu,memory_mib,cpu_milli,sn\r\n"
              "T4,x,2,1024,4000,\"a, \"\"1\"\"\"\r\n\r\n,,0,5,6,b\r\n",
              PODS "1,p,10,20,2,1000,T4|none\n2,q,1,2,0,77,\n3,p,10,20,2,1000,T4\n"
                   "4,q,1,2,0,0,T4");
    assert_int_equal(c.fleet.nodes.count, 2);
    assert_string_equal(c.fleet.nodes.items[0].sn, "a, \"1\"");
    assert_int_equal(c.fleet.nodes.items[0].cpu_milli, 4000);
    assert_int_equal(c.fleet.nodes.items[0].memory_mib, 1024);
    assert_int_equal(c.fleet.nodes.items[0].gpus, 2);
    assert_int_equal(c.fleet.nodes.items[0].model, 0);
    assert_int_equal(c.fleet.nodes.items[1].model, -1);
    assert_int_equal(c.stream.pods.count, 4);
    assert_int_equal(c.stream.types.count, 2);
    const struct replay_type *first = &c.stream.types.items[c.stream.pods.items[0].type];
    const struct replay_type *second = &c.stream.types.items[c.stream.pods.items[1].type];
    assert_int_equal(c.stream.pods.items[0].type, c.stream.pods.items[2].type);
    assert_int_equal(first->models, 1);
    assert_false(first->any_model);
    assert_int_equal(first->listed, 1); /* one name */
    assert_int_equal(second->gpu_milli, 0);
    assert_true(second->any_model);
    case_done(&c);
}

static void test_a_bad_node_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: there is no header"},
        {NODES, "there is no node"},
        {"sn,cpu_milli,memory_mib,gpu\n", "line 1: column 'model' is missing"},
        {"sn,sn,cpu_milli,memory_mib,gpu,model\n", "line 1: column 'sn' is there twice"},
        {NODES "a,1,2,3\n", "line 2: 4 cells, the header has 5"},
        {NODES "a,1,2,3,m,\n", "line 2: 6 cells"},
        {NODES "\na,NaN,2,3,m\n", "line 3: cpu_milli 'NaN' is not a whole number"},
        {NODES "a,-1,2,3,m\n", "line 2: cpu_milli '-1'"},
        {NODES "a,1e3,2,3,m\n", "line 2: cpu_milli '1e3'"},
        {NODES "a,,2,3,m\n", "line 2: cpu_milli ''"},
        {NODES "a, 1,2,3,m\n", "line 2: cpu_milli ' 1'"},
        {NODES "a,99999999999999999999999,2,3,m\n", "is more than 1000000000"},
        {NODES "a,1,1000000000001,3,m\n", "line 2: memory_mib"},
        {NODES "a,1,2,17,m\n", "line 2: gpu 17 is more than 16"},
        {NODES "a,1,2,3,m\nb,1,2,3,m\na,1,2,3,m\n", "line 4: node 'a' is there twice"},
        {NODES ",1,2,3,m\n", "line 2: sn is empty"},
        {NODES "a,1,2,3,x|y\n", "line 2: model 'x|y'"},
        {NODES "\"a,1,2,3,m\n", "line 2: a quote is not closed"},
        {NODES "\"a\"b,1,2,3,m\n", "line 2: text after a closing quote"},
        {NODES "a\"b,1,2,3,m\n", "line 2: a quote inside a cell"},
        {NODES "\xff,1,2,3,m\n", "line 2: not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct err err = ERR_INIT;
        struct replay_fleet fleet = {.nodes = {NULL, 77}};
        enum err_code rc =
            replay_read_nodes(cases[i].text, strlen(cases[i].text), &fleet, &arena, &err);
        if (rc == ERR_OK || !strstr(err.text, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].says);
        assert_int_equal(rc, err.code);
        assert_int_equal(fleet.nodes.count, 77);
        assert_int_equal(
            replay_read_nodes(cases[i].text, strlen(cases[i].text), &fleet, &arena, NULL), rc);
        arena_done(&arena);
    }
}

static void test_a_bad_pod_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {PODS, "there is no pod"},
        {PODS "1,p,1,1,1,1001,\n", "line 2: gpu_milli 1001 is more than 1000"},
        {PODS "1,p,1,1,17,1000,\n", "line 2: num_gpu 17"},
        {PODS "1,p,1,1,1,0.5,\n", "line 2: gpu_milli '0.5'"},
        {PODS "1,p,1,1,inf,1,\n", "line 2: num_gpu 'inf'"},
        {PODS "1,p,1,-5,1,1,\n", "line 2: memory_mib '-5'"},
        {PODS ",p,1,1,1,1,\n", "line 2: id is empty"},
        {PODS "1,,1,1,1,1,\n", "line 2: name is empty"},
        {PODS "1,p,1,1,1,1,\n1,q,1,1,1,1,\n", "line 3: id '1' is there twice"},
        {PODS "1,p,1,1,1,1,\n2,p,2,1,1,1,\n", "line 3: pod 'p' asked for something else"},
    };
    struct test_case c;
    case_read(&c, NODES "a,1,2,3,m\n", PODS "1,p,1,1,1,1,\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        struct replay_stream stream = {.pods = {NULL, 77}};
        enum err_code rc = replay_read_pods(cases[i].text, strlen(cases[i].text), &c.fleet, &stream,
                                            &c.arena, &err);
        if (rc == ERR_OK || !strstr(err.text, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].says);
        assert_int_equal(stream.pods.count, 77);
    }
    case_done(&c);
}

static void test_what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT, small = {.max = 1 << 16};
    struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct replay_fleet fleet;
    struct replay_stream stream;
    buf_add_str(&text, NODES);
    for (int i = 0; i < 65; i++)
        buf_printf(&text, "n%d,1,1,1,m%d\n", i, i);
    assert_int_equal(replay_read_nodes(text.data, text.len, &fleet, &arena, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "line 66: more than 64 models"));
    buf_clear(&text);
    buf_add_str(&text, NODES);
    for (int i = 0; i < 9000; i++)
        buf_add_char(&text, 'x');
    assert_int_equal(replay_read_nodes(text.data, text.len, &fleet, &arena, &err), ERR_TOO_LARGE);
    buf_clear(&text);
    for (int i = 0; i < 100; i++)
        buf_add_char(&text, ',');
    assert_int_equal(replay_read_nodes(text.data, text.len, &fleet, &arena, &err), ERR_TOO_LARGE);
    buf_clear(&text);
    assert_int_equal(
        replay_read_nodes(NODES "a,1,1,1,m\n", strlen(NODES "a,1,1,1,m\n"), &fleet, &arena, &err),
        ERR_OK);
    buf_add_str(&text, PODS);
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "%d,p,1,1,1,1,\n", i);
    assert_int_equal(replay_read_pods(text.data, text.len, &fleet, &stream, &small, &err),
                     ERR_TOO_LARGE);
    buf_done(&text);
    arena_done(&arena);
    arena_done(&small);
}

static void test_a_nul_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = NODES "a\0b,1,2,3,m\n";
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct replay_fleet fleet;
    assert_int_equal(replay_read_nodes(text, sizeof text - 1, &fleet, &arena, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "line 2"));
    arena_done(&arena);
}

const struct CMUnitTest read_tests[] = {
    cmocka_unit_test(test_good_files_mean_what_they_say),
    cmocka_unit_test(test_a_bad_node_file_is_refused_with_its_line),
    cmocka_unit_test(test_a_bad_pod_file_is_refused_with_its_line),
    cmocka_unit_test(test_what_is_too_large_is_refused),
    cmocka_unit_test(test_a_nul_byte_is_refused),
};
const size_t read_test_count = ARRAY_LEN(read_tests);
