/* fuzz_scheduling.h - what is refused names why; what is accepted is planned by the rules or
 * refused by the engine. */
#ifndef SWAN_FUZZ_SCHEDULING_H
#define SWAN_FUZZ_SCHEDULING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lean/scheduling/scheduling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* `parse` is the reader of one format. */
static inline void plan_what_is_read(__typeof__(scheduling_parse_sm) *parse, const uint8_t *data,
                                     size_t size)
{
    struct arena arena = ARENA_INIT;
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct err err = ERR_INIT;
    enum err_code rc = parse((const char *)data, size, &problem, &arena, &err);
    expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
    if (rc == ERR_OK && problem.tasks.count <= 200) {
        struct scheduling_input input = {.problem = &problem, .schedules = 20, .seed = 1};
        rc = scheduling_solve(&input, &plan, &arena, &err);
        expect(rc == err.code && (rc == ERR_OK || err.text[0]), "the code is in the error");
        for (size_t i = 0; rc == ERR_OK && i < problem.tasks.count; i++) {
            const struct scheduling_task *task = &problem.tasks.items[i];
            for (size_t k = 0; task->state == SCHEDULING_WAITING && k < task->after.count; k++) {
                size_t p = task->after.items[k];
                expect(plan.starts[p] + problem.tasks.items[p].duration <= plan.starts[i],
                       "predecessors end first");
            }
            expect(plan.starts[i] >= 0, "no start before 0");
        }
        expect(rc != ERR_OK || plan.lower_bound <= plan.makespan, "a bound is a bound");
    }
    arena_done(&arena);
}

#endif
