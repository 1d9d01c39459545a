/* test_shared.c - hosts and links: several ill services and what they share. */
#include "test_shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "twin/rootcause/rootcause.h"

enum { PAIRS = 6, HOSTS = 3, LENGTH = 170, FAULT = 158 };

/* A gate calls six services; these call one leaf each.  Leaves 0, 1 stand on host 0, the others on
 * host 1, all that call on host 2.  Each host has a link. */
struct yard {
    struct arena arena;
    struct rootcause_case given;
    struct rootcause_answer answer;
    double *latency[1 + 2 * PAIRS], *cpu[1 + 2 * PAIRS], *host[HOSTS], *link[HOSTS];
};

static const char *name_of(struct yard *y, size_t i)
{
    return i == 0
               ? "gate"
               : arena_printf(&y->arena, "%s-%zu", i <= PAIRS ? "shop" : "leaf", (i - 1) % PAIRS);
}

static double *add_series(struct yard *y, const char *entity, const char *metric, double usual,
                          struct rand *rand)
{
    struct telemetry_table *t = &y->given.metrics;
    struct telemetry_series *series = &t->series[t->count];
    double *values = t->values + t->count++ * LENGTH;
    series->entity = entity;
    series->metric = metric;
    telemetry_semantics(metric, &series->class, &series->direction);
    for (size_t r = 0; r < LENGTH; r++)
        values[r] = usual * (1 + 0.05 * rand_normal(rand));
    return values;
}

static size_t entity(struct yard *y, const char *id)
{
    *LIST_ADD(&y->arena, &y->given.entities) = (struct rootcause_entity){id, NULL};
    return y->given.entities.count - 1;
}

static void edge(struct yard *y, size_t from, size_t to, enum rootcause_relation relation)
{
    *LIST_ADD(&y->arena, &y->given.edges) = (struct rootcause_edge){from, to, relation};
}

static void yard_init(struct yard *y, uint64_t seed)
{
    struct rand rand;
    size_t services = 1 + 2 * PAIRS, most = 2 * services + 2 * HOSTS;
    memset(y, 0, sizeof *y);
    rand_init(&rand, seed);
    struct telemetry_table *t = &y->given.metrics;
    *t = (struct telemetry_table){.rows = LENGTH, .step_s = 60};
    t->times = arena_array(&y->arena, LENGTH, sizeof(double));
    t->series = arena_array(&y->arena, most, sizeof *t->series);
    t->values = arena_array(&y->arena, most * LENGTH, sizeof(double));
    for (size_t r = 0; r < LENGTH; r++)
        t->times[r] = 1.7e9 + 60.0 * (double)r;
    for (size_t i = 0; i < services; i++) {
        const char *id = name_of(y, i);
        entity(y, id);
        y->latency[i] = add_series(y, id, "latency_avg",
                                   i == 0       ? 0.4
                                   : i <= PAIRS ? 0.1
                                                : 0.03,
                                   &rand);
        y->cpu[i] = add_series(y, id, "cpu", 40, &rand);
    }
    for (size_t h = 0; h < HOSTS; h++) {
        const char *host = arena_printf(&y->arena, "host-%zu", h);
        const char *link = arena_printf(&y->arena, "link-%zu", h);
        y->host[h] = add_series(y, host, "cpu", 50, &rand);
        y->link[h] = add_series(y, link, "network", 40, &rand);
        size_t a = entity(y, host), b = entity(y, link);
        edge(y, a, b, ROOTCAUSE_CONNECTS);
    }
    for (size_t i = 0; i < services; i++) {
        size_t host = i <= PAIRS ? 2 : i - 1 - PAIRS < 2 ? 0 : 1;
        edge(y, i, services + 2 * host, ROOTCAUSE_RUNS_ON);
        if (i >= 1 && i <= PAIRS) {
            edge(y, 0, i, ROOTCAUSE_CALLS);
            edge(y, i, i + PAIRS, ROOTCAUSE_CALLS);
        }
    }
    y->given.has_alarm = true;
    y->given.alarm_time = t->times[FAULT + 3];
    y->given.symptom_entity = "gate";
    y->given.symptom_metric = "latency_avg";
}

static void from_fault(double *values, double amount)
{
    for (size_t r = FAULT; r < LENGTH; r++)
        values[r] += amount;
}

static void yard_diagnose(struct yard *y)
{
    struct err err = ERR_INIT;
    assert_int_equal(rootcause_diagnose(&y->given, &y->answer, &y->arena, &err), ERR_OK);
    assert_true(y->answer.causes.count > 0);
}

/* Calls to what stands behind link 0 take longer; nobody there is slow itself. */
static void test_callers_of_one_host_that_are_slow_blame_its_link(void **state)
{
    struct yard y;
    (void)state;
    yard_init(&y, 1);
    from_fault(y.latency[1], 0.2);
    from_fault(y.latency[2], 0.2);
    from_fault(y.latency[0], 0.4);
    from_fault(y.link[0], 55);
    yard_diagnose(&y);
    assert_string_equal(y.answer.causes.items[0].entity, "link-0");
    assert_int_not_equal(y.answer.status, ROOTCAUSE_INCONCLUSIVE);
    const struct rootcause_cause *cause = &y.answer.causes.items[0];
    assert_string_equal(cause->path.items[0], "gate");
    assert_string_equal(cause->path.items[cause->path.count - 1], "link-0");
    arena_done(&y.arena);
}

/* One slow service is no matter of what it shares with others that are well. */
static void test_one_slow_service_does_not_blame_its_host(void **state)
{
    struct yard y;
    (void)state;
    yard_init(&y, 2);
    from_fault(y.latency[3], 0.3);
    from_fault(y.latency[0], 0.3);
    yard_diagnose(&y);
    assert_string_equal(y.answer.causes.items[0].entity, "shop-2");
    arena_done(&y.arena);
}

/* leaf-2 works for nothing; host 1 is full, the other leaves there and who calls them wait. */
static void test_a_tenant_that_fills_its_host_is_blamed_for_its_neighbours(void **state)
{
    struct yard y;
    (void)state;
    yard_init(&y, 3);
    from_fault(y.cpu[1 + PAIRS + 2], 160);
    from_fault(y.host[1], 48);
    for (size_t i = 3; i < PAIRS; i++) {
        from_fault(y.latency[1 + PAIRS + i], 0.15);
        from_fault(y.latency[1 + i], 0.15);
    }
    from_fault(y.latency[0], 0.45);
    yard_diagnose(&y);
    assert_string_equal(y.answer.causes.items[0].entity, "leaf-2");
    assert_string_equal(y.answer.causes.items[0].metric, "cpu");
    arena_done(&y.arena);
}

/* A leaf that works for nothing while its host and its callers feel nothing is a stranger. */
static void test_a_busy_stranger_is_not_blamed(void **state)
{
    struct yard y;
    (void)state;
    yard_init(&y, 4);
    from_fault(y.cpu[1 + PAIRS + 5], 300);
    from_fault(y.latency[1 + PAIRS], 0.2);
    from_fault(y.latency[1], 0.2);
    from_fault(y.latency[0], 0.2);
    yard_diagnose(&y);
    assert_string_equal(y.answer.causes.items[0].entity, "leaf-0");
    arena_done(&y.arena);
}

int test_shared_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_of_one_host_that_are_slow_blame_its_link),
        cmocka_unit_test(test_one_slow_service_does_not_blame_its_host),
        cmocka_unit_test(test_a_tenant_that_fills_its_host_is_blamed_for_its_neighbours),
        cmocka_unit_test(test_a_busy_stranger_is_not_blamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
