/* scheduling_bench.c - lean/scheduling on PSPLIB: deviations, rate, proofs.
 *
 *     scheduling-bench DATA [--sets j30,j60,j120] [--schedules 1000,5000,50000] [--every K]
 *         [--seed N] [--method search|both]
 *
 * DATA holds bounds.csv (set, instance, lo, hi, critical_path) and SET/NAME.sm.  First schedule
 * generation alone (genetic search, cheap bounds), then the same with exact search.  Every plan is
 * checked here, and every bound against the best known.  Time is that of the engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "lean/scheduling/scheduling.h"

struct instance {
    char set[16], name[32];
    long low, high, path;
};

struct totals {
    long count, proven, at_best, schedules, late;
    double over_best, over_path, floor, seconds, search_seconds, worst;
    long searched; /* schedules of instances that used their whole budget */
};

struct options {
    const char *data, *sets, *method; /* NULL: both ways */
    long every, seed;
};

static bool is_broken(const struct scheduling_problem *problem, const struct scheduling_plan *plan)
{
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_task *task = &problem->tasks.items[i];
        int64_t time = plan->starts[i];
        for (size_t k = 0; k < task->after.count; k++)
            if (plan->starts[task->after.items[k]] +
                    problem->tasks.items[task->after.items[k]].duration >
                time)
                return true;
        for (size_t r = 0; r < problem->resources.count; r++) {
            int64_t use = 0;
            for (size_t j = 0; j < problem->tasks.count; j++)
                if (plan->starts[j] <= time &&
                    time < plan->starts[j] + problem->tasks.items[j].duration)
                    use += problem->tasks.items[j].demands[r];
            if (use > problem->resources.items[r].capacity)
                return true;
        }
    }
    return false;
}

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "scheduling-bench: %s: %s\n", what, text);
    exit(1);
}

static void run_one(const struct options *options, const struct instance *instance,
                    enum scheduling_method method, long schedules, struct totals *totals)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct err err = ERR_INIT;
    char path[512];
    arena_init(&arena, (size_t)4 << 30);
    str_format(path, sizeof path, "%s/%s/%s.sm", options->data, instance->set, instance->name);
    if (file_read(path, (size_t)64 << 20, &text, &err) ||
        scheduling_parse_sm(buf_str(&text), text.len, &problem, &arena, &err))
        fail(path, err.text);
    struct scheduling_input input = {.problem = &problem,
                                     .schedules = schedules,
                                     .seed = (uint64_t)options->seed,
                                     .method = method};
    int64_t begin = clock_mono_us();
    if (scheduling_solve(&input, &plan, &arena, &err))
        fail(path, err.text);
    double seconds = (double)(clock_mono_us() - begin) / 1e6;
    if (is_broken(&problem, &plan) || plan.schedules > schedules)
        fail(path, "a plan breaks a rule");
    if (plan.lower_bound > instance->high || plan.makespan < instance->low)
        fail(path, "a bound or a makespan cannot be true");
    totals->count++;
    totals->proven += plan.lower_bound == plan.makespan;
    totals->late += seconds > 1;
    totals->at_best += plan.makespan <= instance->high;
    totals->over_best += 100.0 * (double)(plan.makespan - instance->high) / (double)instance->high;
    totals->over_path += 100.0 * (double)(plan.makespan - instance->path) / (double)instance->path;
    totals->floor += 100.0 * (double)(instance->high - instance->path) / (double)instance->path;
    totals->seconds += seconds;
    totals->worst = seconds > totals->worst ? seconds : totals->worst;
    totals->schedules += (long)plan.schedules;
    if (plan.schedules == schedules) {
        totals->searched += schedules;
        totals->search_seconds += seconds;
    }
}

static void run_set(const struct options *options, const char *set, enum scheduling_method method,
                    long schedules)
{
    char path[512], line[256];
    struct totals t = {0};
    long number = 0;
    str_format(path, sizeof path, "%s/bounds.csv", options->data);
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path, "cannot be read");
    while (fgets(line, sizeof line, file)) {
        struct instance instance;
        if (sscanf(line, "%15[^,],%31[^,],%ld,%ld,%ld", instance.set, instance.name, &instance.low,
                   &instance.high, &instance.path) != 5 ||
            !str_eq(instance.set, set) || number++ % options->every)
            continue;
        run_one(options, &instance, method, schedules, &t);
    }
    fclose(file);
    double n = t.count ? (double)t.count : 1;
    printf("%-5s %-9s %6ld %5ld %9.3f %9.3f %9.3f %9.3f %7ld %7ld %8ld %9.3f %9.3f\n", set,
           method == SCHEDULING_HEURISTIC ? "search" : "both", schedules, t.count, t.over_path / n,
           (t.over_path - t.floor) / n, t.over_best / n, t.floor / n, t.at_best, t.proven,
           t.search_seconds > 0 ? (long)((double)t.searched / t.search_seconds) : 0, t.seconds / n,
           t.worst);
    if (t.late)
        printf("      %ld took more than a second\n", t.late);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct options options = {.sets = "j30,j60,j120", .every = 1, .seed = 1};
    const char *budgets = "1000,5000,50000";
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (argv[i][0] != '-')
            options.data = argv[i];
        else if (str_eq(argv[i], "--sets"))
            options.sets = value;
        else if (str_eq(argv[i], "--schedules"))
            budgets = value;
        else if (str_eq(argv[i], "--every"))
            options.every = atol(value) > 0 ? atol(value) : 1;
        else if (str_eq(argv[i], "--method"))
            options.method = value;
        else if (str_eq(argv[i], "--seed"))
            options.seed = atol(value);
        i += argv[i][0] == '-';
    }
    if (!options.data)
        fail("usage", "scheduling-bench DATA [--sets …] [--schedules …] [--every K] [--seed N]");
    printf("%-5s %-9s %6s %5s %9s %9s %9s %9s %7s %7s %8s %9s %9s\n", "set", "method", "N", "inst",
           "over CP", "to floor", "over best", "floor", "at best", "proven", "sched/s", "mean s",
           "max s");
    for (int method = SCHEDULING_HEURISTIC; method >= SCHEDULING_BOTH; method--) {
        char list[256], *rest = NULL;
        if (options.method && str_eq(options.method, "search") != (method == SCHEDULING_HEURISTIC))
            continue;
        str_format(list, sizeof list, "%s", options.sets);
        for (char *set = strtok_r(list, ",", &rest); set; set = strtok_r(NULL, ",", &rest)) {
            char numbers[256], *more = NULL;
            str_format(numbers, sizeof numbers, "%s", budgets);
            for (char *n = strtok_r(numbers, ",", &more); n; n = strtok_r(NULL, ",", &more))
                run_set(&options, set, (enum scheduling_method)method, atol(n));
        }
    }
    return 0;
}
