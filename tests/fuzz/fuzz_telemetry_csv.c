/* fuzz_telemetry_csv.c - any bytes as metrics.csv: no crash; what is accepted has rising times,
 * finite scores and a diagnosis; what is refused names why. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "twin/rootcause/rootcause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void diagnose(struct rootcause_case *given, struct arena *arena)
{
    const struct telemetry_table *table = &given->metrics;
    struct rootcause_answer answer;
    struct err err = ERR_INIT;
    given->has_alarm = true;
    given->alarm_time = table->times[table->rows - table->rows / 5 - 1];
    given->symptom_entity = table->series[0].entity;
    given->symptom_metric = table->series[0].metric;
    if (rootcause_diagnose(given, &answer, arena, &err) != ERR_OK) {
        expect(err.text[0] != '\0', "a refusal says why");
        return;
    }
    expect(answer.status == ROOTCAUSE_INCONCLUSIVE || answer.causes.count > 0,
           "a claim has a cause");
    for (size_t i = 0; i < answer.causes.count; i++)
        expect(isfinite(answer.causes.items[i].score), "scores are finite");
    struct buf out = BUF_INIT;
    rootcause_write(&answer, &out);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct rootcause_case given = {0};
    struct err err = ERR_INIT;
    enum err_code rc =
        telemetry_read_csv(size ? (const char *)data : "", size, &given.metrics, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK) {
        for (size_t i = 1; i < given.metrics.rows; i++)
            expect(given.metrics.times[i] > given.metrics.times[i - 1], "times rise");
        diagnose(&given, &arena);
    }
    arena_done(&arena);
    return 0;
}
