/* fuzz_solution.c - any bytes as a solution: what decodes is judged in five dimensions without a
 * crash, by rules that hold for every report. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intelligent/evaluation/evaluation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char network_text[] =
    "{\"currency\":\"CNY\",\"access\":[{\"id\":\"home\"}],\"sites\":["
    "{\"id\":\"edge\",\"tier\":\"edge\",\"regions\":[\"north\"],\"arch\":[\"x86_64\"],"
    "\"provider\":\"simulator\",\"capacity\":{\"vcpus\":8,\"memory_gib\":16,\"disk_gib\":100},"
    "\"accelerators\":[{\"kind\":\"gpu\",\"model\":\"T4\",\"count\":2,\"allocated\":0}],"
    "\"price\":{\"vcpu_hour\":0.1,\"memory_gib_hour\":0.02,\"bandwidth_mbps_month\":20,"
    "\"accelerator_hour\":{\"T4\":3}},\"availability_percent\":99,\"protection_level\":2},"
    "{\"id\":\"cloud\",\"tier\":\"public-cloud\",\"regions\":[],\"arch\":[\"arm64\"],"
    "\"capacity\":{\"vcpus\":9},\"flavors\":[{\"name\":\"s\",\"vcpus\":2,\"memory_gib\":4,"
    "\"price_hour\":1}]}],\"links\":["
    "{\"a\":\"home\",\"b\":\"edge\",\"type\":\"5g\",\"latency_ms\":1,\"bandwidth_mbps\":100,"
    "\"jitter_ms\":1},{\"a\":\"edge\",\"b\":\"cloud\",\"latency_ms\":3}]}";
static const char need_text[] =
    "{\"scenario\":\"industrial-vision\",\"components\":["
    "{\"name\":\"web\",\"vcpus\":1,\"memory_gib\":1,\"instances\":2},"
    "{\"name\":\"eye\",\"vcpus\":1,\"accelerator\":{\"kind\":\"gpu\",\"count\":1}}],"
    "\"user_location\":\"home\",\"network\":{\"max_latency_ms\":5,\"bandwidth_mbps\":5,"
    "\"access\":\"5g\"},\"flows\":[{\"from\":\"user\",\"to\":\"web\"},"
    "{\"from\":\"web\",\"to\":\"eye\"}],\"service_level\":{\"max_response_ms\":100,"
    "\"availability_percent\":90},\"budget\":{\"amount\":9000,\"currency\":\"CNY\","
    "\"period\":\"month\"}}";

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void judge(const struct solution *solution, struct arena *arena)
{
    struct network network;
    struct requirement need;
    struct feasibility_standards standards;
    struct feasibility_report report;
    struct err err = ERR_INIT;
    expect(!network_read_text(network_text, strlen(network_text), &network, arena, &err) &&
               !json_decode(need_text, strlen(need_text), &requirement_table, NULL, &need, arena,
                            &err) &&
               !evaluation_standards_shipped(&standards, arena, &err),
           "the world reads");
    struct evaluation_input input = {
        .requirement = &need, .network = &network, .standards = &standards};
    expect(!evaluation_report(&input, solution, &report, arena, &err), "any solution is judged");
    expect(report.dimensions.count == FEASIBILITY_DIMENSIONS, "in five dimensions");
    expect(report.score >= 0 && report.score <= 100, "with a score");
    for (size_t d = 0; d < report.dimensions.count; d++) {
        bool fails = false;
        for (size_t i = 0; i < report.dimensions.items[d].checks.count; i++)
            fails = fails || report.dimensions.items[d].checks.items[i].verdict == VERDICT_FAIL;
        expect((report.dimensions.items[d].verdict == VERDICT_FAIL) == fails,
               "a dimension fails by its checks");
        expect(!fails || report.verdict == VERDICT_FAIL, "and the whole by its dimensions");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct solution solution;
    if (!json_decode((const char *)data, size, &solution_table, NULL, &solution, &arena, NULL))
        judge(&solution, &arena);
    arena_done(&arena);
    return 0;
}
