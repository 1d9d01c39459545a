/* test_case.c - the shop. */
#include "test_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"

static const char *const names[] = {"shop", "cart", "db", "news"};
static const char *const metrics[] = {"latency_avg", "requests", "cpu"};
static const double usual[SERVICES][METRICS] = {
    {0.20, 100, 30}, {0.08, 60, 20}, {0.02, 90, 40}, {0.03, 50, 10}};

void case_init(struct test_case *c, uint64_t seed)
{
    static const char topology[] =
        "{\"entities\":[{\"id\":\"shop\",\"layer\":\"application\",\"kind\":\"service\"}],"
        "\"edges\":[{\"from\":\"shop\",\"to\":\"cart\",\"relation\":\"calls\"},"
        "{\"from\":\"shop\",\"to\":\"news\",\"relation\":\"calls\"},"
        "{\"from\":\"cart\",\"to\":\"db\",\"relation\":\"calls\"}]}";
    struct rand rand;
    memset(c, 0, sizeof *c);
    struct telemetry_table *table = &c->given.metrics;
    rand_init(&rand, seed);
    *table =
        (struct telemetry_table){.rows = ROWS, .count = (size_t)SERVICES * METRICS, .step_s = STEP};
    table->times = arena_array(&c->arena, ROWS, sizeof(double));
    table->values = arena_array(&c->arena, table->count * ROWS, sizeof(double));
    table->series = arena_array(&c->arena, table->count, sizeof *table->series);
    for (size_t i = 0; i < ROWS; i++)
        table->times[i] = 1.7e9 + (double)STEP * (double)i;
    for (size_t s = 0; s < table->count; s++) {
        struct telemetry_series *series = &table->series[s];
        series->entity = names[s / METRICS];
        series->metric = metrics[s % METRICS];
        telemetry_semantics(series->metric, &series->class, &series->direction);
        for (size_t i = 0; i < ROWS; i++)
            table->values[s * ROWS + i] =
                usual[s / METRICS][s % METRICS] * (1 + 0.04 * rand_normal(&rand));
    }
    assert_int_equal(
        rootcause_read_topology(topology, strlen(topology), &c->given, &c->arena, &c->err), ERR_OK);
    c->given.has_alarm = true;
    c->given.alarm_time = table->times[ALARM];
    c->given.symptom_entity = "shop";
    c->given.symptom_metric = "latency_avg";
}

void case_done(struct test_case *c)
{
    arena_done(&c->arena);
}

double *case_series(struct test_case *c, int service, int metric)
{
    return c->given.metrics.values + (size_t)(service * METRICS + metric) * ROWS;
}

void case_add(struct test_case *c, int service, int metric, size_t from, double amount)
{
    for (size_t i = from; i < ROWS; i++)
        case_series(c, service, metric)[i] += amount;
}

void case_slow_db(struct test_case *c)
{
    case_add(c, DB, LATENCY, 148, 0.2);
    case_add(c, CART, LATENCY, 148, 0.3); /* 1.5 calls each */
    case_add(c, SHOP, LATENCY, 148, 0.2);
}

void case_diagnose(struct test_case *c)
{
    assert_int_equal(rootcause_diagnose(&c->given, &c->answer, &c->arena, &c->err), ERR_OK);
    if (c->answer.status != ROOTCAUSE_INCONCLUSIVE)
        assert_true(c->answer.causes.count > 0);
    for (size_t i = 0; i < c->answer.causes.count; i++) {
        const struct rootcause_cause *cause = &c->answer.causes.items[i];
        assert_true(cause->score > 0 && cause->score < 1e9);
        assert_true(i == 0 || cause->score <= c->answer.causes.items[i - 1].score);
        assert_true(cause->path.count > 0);
        assert_string_equal(cause->path.items[cause->path.count - 1], cause->entity);
    }
}
