/* design_driver.c - the design engine alone, with the arguments of `swan solution design`, for
 * judges and measurements before or beside the command line.
 *
 *   design_driver solution design --network N --requirement R [--objective NAME] [-o json]
 *                 [--time-limit SECONDS] [--only-objective]
 *
 * Exit: 0 designed, 1 fault, 2 bad input, 3 infeasible. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "intelligent/design/design.h"

struct arguments {
    const char *network, *requirement, *objective;
    double limit_s;
    bool only;
};

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments){.limit_s = 15};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (str_eq(argv[i], "solution") || str_eq(argv[i], "design"))
            continue;
        if (str_eq(argv[i], "--only-objective")) {
            out->only = true;
            continue;
        }
        if (!value)
            return false;
        i++;
        if (str_eq(argv[i - 1], "--network"))
            out->network = value;
        else if (str_eq(argv[i - 1], "--requirement"))
            out->requirement = value;
        else if (str_eq(argv[i - 1], "--objective"))
            out->objective = value;
        else if (str_eq(argv[i - 1], "--time-limit"))
            out->limit_s = atof(value);
        else if (!str_eq(argv[i - 1], "-o"))
            return false;
    }
    return out->network && out->requirement;
}

static bool past(void *ctx)
{
    return clock_mono_ms() > *(int64_t *)ctx;
}

static int report_error(const struct err *err)
{
    fprintf(stderr, "%s%s%s\n", err->field, err->field[0] ? ": " : "", err->text);
    if (err->hint[0])
        fprintf(stderr, "hint: %s\n", err->hint);
    return err_info(err->code)->exit_code;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct arena arena;
    struct err err = ERR_INIT;
    struct network network;
    struct requirement requirement;
    if (!read_arguments(argc, argv, &arguments)) {
        fputs("usage: design_driver solution design --network N --requirement R\n", stderr);
        return 2;
    }
    arena_init(&arena, (size_t)4 << 30);
    int64_t begin = clock_mono_ms();
    int64_t deadline = begin + (int64_t)(arguments.limit_s * 1000);
    enum err_code code = network_read_file(arguments.network, &network, &arena, &err);
    if (!code)
        code = json_decode_file(arguments.requirement, &requirement_table, NULL, &requirement,
                                &arena, &err);
    if (code) {
        int status = report_error(&err);
        arena_done(&arena);
        return status;
    }
    int64_t read = clock_mono_ms();
    struct design_input input = {
        .given = {.requirement = &requirement, .network = &network},
        .objective = json_enum_find(requirement_objective_names, arguments.objective),
        .only_objective = arguments.only,
        .should_stop = past,
        .stop_ctx = &deadline};
    struct solution_answer answer = {0};
    code = design_solve(&input, &answer, &arena, &err);
    fprintf(stderr, "read %lld ms, design %lld ms, %zu bytes\n", (long long)(read - begin),
            (long long)(clock_mono_ms() - read), arena.used);
    int status = code ? report_error(&err) : 0;
    if (!code || code == ERR_INFEASIBLE) {
        struct buf out = BUF_INIT;
        json_encode(&solution_answer_table, &answer, JSON_PRETTY, &out);
        puts(buf_str(&out));
        buf_done(&out);
    }
    arena_done(&arena);
    return status;
}
