/* fuzz_scheduling_problem.c - any bytes as a problem by names, YAML or JSON: no crash, and what is
 * read has a new plan near the one in force too, or is refused. */
#include "fuzz_scheduling.h"

static enum err_code parse_problem(const char *text, size_t len, struct scheduling_problem *out,
                                   struct arena *arena, struct err *err)
{
    struct scheduling_file file;
    int64_t *planned;
    enum err_code rc = json_decode_yaml(text, len, &scheduling_file_table, NULL, &file, arena, err);
    if (rc || (rc = scheduling_from_file(&file, out, &planned, arena, err)))
        return rc;
    expect(out->tasks.count == file.tasks.count, "every task is there");
    if (out->tasks.count > 200)
        return ERR_OK;
    struct scheduling_change change = {.starts = planned, .seed = 1};
    struct scheduling_moves moves;
    struct scheduling_plan plan;
    rc = scheduling_replan(out, &change, &plan, &moves, arena, err);
    for (size_t i = 0; rc == ERR_OK && i < out->tasks.count; i++)
        expect(out->tasks.items[i].state == SCHEDULING_WAITING ||
                   plan.starts[i] == out->tasks.items[i].start,
               "what runs stays");
    err_clear(err);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plan_what_is_read(parse_problem, data, size);
    return 0;
}
