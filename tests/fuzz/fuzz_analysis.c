/* fuzz_analysis.c - any bytes as task records: no crash; what is read is measured and drawn; what
 * is refused says why. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lean/analysis/analysis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void measure(const struct analysis_log *log)
{
    struct analysis_parameters parameters = {.rate_hour = 1};
    struct analysis_report report;
    struct arena arena = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    if (analysis_measure(log, &parameters, &report, &arena, &err) == ERR_OK) {
        expect(report.parallel_rate >= 0 && report.parallel_rate <= 1, "a rate is a share");
        for (int k = 0; k < ANALYSIS_WASTES; k++)
            expect(report.wastes[k].seconds >= 0, "no waste is negative");
        struct analysis_tasks tasks;
        struct analysis_document document = {.log = log, .report = &report, .tasks = &tasks};
        for (size_t run = 0; run < log->runs && run < 8; run++) {
            analysis_list(log, &report, run, &tasks, &arena);
            analysis_gantt(log, &tasks, run & 1, &out);
        }
        analysis_write(&document, &out);
        analysis_value_stream(log, &report, true, &out);
    }
    buf_done(&out);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct analysis_log log;
    struct err err = ERR_INIT;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    if (analysis_read(text, size, &log, &err) == ERR_OK) {
        measure(&log);
        analysis_log_done(&log);
    } else {
        expect(err.text[0] != '\0', "what is refused says why");
    }
    free(text);
    return 0;
}
