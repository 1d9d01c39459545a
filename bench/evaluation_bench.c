/* evaluation_bench.c - five-dimension reports with everything that a server gives them: price notes
 * for every site, standards, 200 past cases, 500 published versions.
 *   evaluation-bench [SITES [COMPONENTS]]     10000 and 8 if not said */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "intelligent/design/design.h"

#define NEEDS 5
#define CASES 200
#define LIBRARIES 50
#define VERSIONS 10
#define ITEMS 3 /* notes of a site */

static struct arena arena;

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(1);
}

static struct price_notes notes_of(const struct network *network)
{
    static const char *const items[ITEMS] = {NULL, "bandwidth_mbps_month", "public_ip_month"};
    struct price_notes notes = {0};
    for (size_t s = 0; s < network->sites.count; s++)
        for (size_t i = 0; i < ITEMS; i++)
            *LIST_ADD(&arena, &notes.items) =
                (struct price_note){network->sites.items[s].id, items[i], BASIS_LIST, "price list",
                                    INT64_C(1790000000000)};
    return notes;
}

/* Each component an application that needs three libraries, each of whose versions needs the next
 * library. */
static struct application_spec_refs applications_of(const struct requirement *need)
{
    struct application_spec_refs refs = {0};
    for (size_t c = 0; c < need->components.count; c++) {
        struct application_spec_ref *ref = LIST_ADD(&arena, &refs.items);
        ref->component = need->components.items[c].name;
        ref->id = arena_printf(&arena, "app%zu@1.0", c);
        ref->state = "published";
        ref->spec.name = arena_printf(&arena, "app%zu", c);
        ref->spec.version = "1.0";
        ref->spec.form = FORM_CONTAINER;
        for (size_t i = 0; i < 3; i++)
            *LIST_ADD(&arena, &ref->spec.dependencies) = (struct application_spec_dependency){
                .name = arena_printf(&arena, "lib%zu", (c * 3 + i) % LIBRARIES),
                .version = ">=2 <9"};
    }
    for (size_t l = 0; l < LIBRARIES; l++)
        for (size_t v = 0; v < VERSIONS; v++) {
            struct application_spec_ref *ref = LIST_ADD(&arena, &refs.items);
            ref->spec.name = arena_printf(&arena, "lib%zu", l);
            ref->spec.version = arena_printf(&arena, "%zu.0", v);
            ref->id = arena_printf(&arena, "lib%zu@%zu.0", l, v);
            ref->state = "published";
            if (l + 1 < LIBRARIES)
                *LIST_ADD(&arena, &ref->spec.dependencies) = (struct application_spec_dependency){
                    .name = arena_printf(&arena, "lib%zu", l + 1), .version = ">=1"};
        }
    return refs;
}

static struct feasibility_cases cases_of(const struct requirement *need)
{
    struct feasibility_cases cases = {0};
    for (size_t i = 0; i < CASES; i++) {
        struct feasibility_case *item = LIST_ADD(&arena, &cases.items);
        item->id = arena_printf(&arena, "dep-%zu", i);
        item->scenario = need->scenario;
        item->outcome.opened = i % 7 != 0;
        for (size_t c = 0; c < need->components.count; c++)
            *LIST_ADD(&arena, &item->components) = (struct feasibility_case_component){
                .name = need->components.items[c].name, .instances = 1};
    }
    return cases;
}

static double time_five(const struct evaluation_input *input, const struct solution_answer *answer)
{
    struct evaluation_model *model = NULL;
    struct err err = ERR_INIT;
    if (evaluation_model_new(input, &model, &arena, &err))
        fail("model", &err);
    int64_t start = clock_mono_us();
    for (size_t i = 0; i < 5; i++) {
        struct feasibility_report report;
        if (evaluation_report_with(model, &answer->solutions.items[i % answer->solutions.count],
                                   &report, &arena, &err))
            fail("report", &err);
    }
    return (double)(clock_mono_us() - start) / 1000;
}

int main(int argc, char **argv)
{
    size_t sites = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    size_t components = argc > 2 ? strtoul(argv[2], NULL, 10) : 8;
    struct err err = ERR_INIT;
    struct network network;
    struct feasibility_standards standards;
    arena_init(&arena, (size_t)4 << 30);
    cli_bench_network(sites, 1, &network, &arena);
    struct price_notes notes = notes_of(&network);
    if (evaluation_standards_shipped(&standards, &arena, &err))
        fail("standards", &err);
    printf("need  alternatives  bare ms  full ms\n");
    for (size_t n = 0; n < NEEDS; n++) {
        struct requirement need;
        struct solution_answer answer = {0};
        if (cli_bench_requirement(&network, components, 1000 + n, &need, &arena, &err))
            fail("requirement", &err);
        need.scenario = json_enum_find(requirement_scenario_names, "video-analytics");
        need.network.access = json_enum_find(requirement_access_names, "optical");
        need.service_level.max_response_ms = (struct opt_double){true, 1000};
        struct evaluation_input bare = {.requirement = &need, .network = &network};
        struct design_input input = {.given = bare, .objective = OBJECTIVE_COST};
        if (design_solve(&input, &answer, &arena, &err))
            fail("design", &err);
        struct application_spec_refs applications = applications_of(&need);
        struct feasibility_cases cases = cases_of(&need);
        struct evaluation_input full = bare;
        full.notes = &notes;
        full.applications = &applications;
        full.standards = &standards;
        full.cases = &cases;
        full.now_ms = INT64_C(1795000000000);
        printf("%4zu  %12zu  %7.2f  %7.2f\n", n + 1, answer.solutions.count,
               time_five(&bare, &answer), time_five(&full, &answer));
    }
    arena_done(&arena);
    return 0;
}
