/* fuzz_risks_usage.c - any bytes as a usage file: no crash; what is accepted has rising times and
 * finite trends, and an analysis over it has finite figures; what is refused names why. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "twin/risks/risks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void analyse(const struct risks_usage *usage, struct arena *arena)
{
    struct site site = {.id = "s", .capacity = {.vcpus = {true, 100}}};
    struct network network = {.sites = {&site, 1}};
    struct risks_input input = {.network = &network, .usage = usage};
    struct risks_answer answer;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    expect(risks_analyse(&input, &answer, arena, &err) == ERR_OK, "a small network is analysed");
    for (size_t i = 0; i < answer.findings.count; i++) {
        const struct risks_finding *finding = &answer.findings.items[i];
        expect(isfinite(finding->margin.value) && isfinite(finding->days.value) &&
                   isfinite(finding->days_low.value) && isfinite(finding->days_high.value),
               "figures are finite");
    }
    risks_write(&answer, &(struct risks_page){.top = 9, .most = SIZE_MAX}, &out);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct risks_usage usage = {{NULL, 0}};
    struct err err = ERR_INIT;
    enum err_code rc = risks_read_usage(size ? (const char *)data : "", size, &usage, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    for (size_t i = 0; rc == ERR_OK && i < usage.series.count; i++) {
        const struct risks_series *series = &usage.series.items[i];
        struct risks_trend trend;
        for (size_t k = 1; k < series->points.count; k++)
            expect(series->points.items[k].day > series->points.items[k - 1].day, "times rise");
        risks_trend(series, &trend, &arena);
        expect(!trend.known || (trend.slope_low <= trend.slope && trend.slope <= trend.slope_high),
               "the slope is in its interval");
    }
    if (rc == ERR_OK)
        analyse(&usage, &arena);
    arena_done(&arena);
    return 0;
}
