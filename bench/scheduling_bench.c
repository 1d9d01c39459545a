/* scheduling_bench.c - lean/scheduling on PSPLIB: deviations, rate, proofs.
 *
 *     scheduling-bench DATA [--sets j30,j60,j120] [--schedules 1000,5000,50000] [--every K]
 *         [--seed N] [--method search|both]
 *     scheduling-bench --large
 *
 * DATA holds bounds.csv (set, instance, lo, hi, critical_path) and SET/NAME.sm.  First schedule
 * generation alone (genetic search, cheap bounds), then the same with exact search.  Every plan is
 * checked here, and every bound against the best known.  Time is the processor's, of the engine.
 * --large needs no data: 10,000 generated tasks, and a new plan for 1,000 of which a third is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
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

/* Microseconds that this thread has had the processor: other work on the machine does not count. */
static int64_t processor_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

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
    int64_t begin = processor_us();
    if (scheduling_solve(&input, &plan, &arena, &err))
        fail(path, err.text);
    double seconds = (double)(processor_us() - begin) / 1e6;
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

/* Each task follows one or two of the sixty before it; four resources of which it needs up to ten.
 */
static void generate(size_t tasks, struct scheduling_problem *out, struct rand *rand,
                     struct arena *arena)
{
    memset(out, 0, sizeof *out);
    for (int r = 0; r < 4; r++)
        LIST_ADD(arena, &out->resources)->capacity = 15 + (int64_t)rand_below(rand, 26);
    for (size_t i = 0; i < tasks; i++) {
        struct scheduling_task *task = LIST_ADD(arena, &out->tasks);
        int64_t *demands = arena_array(arena, 4, sizeof *demands);
        for (int r = 0; r < 4; r++)
            demands[r] = (int64_t)rand_below(rand, 11);
        task->demands = demands;
        task->duration = 1 + (int64_t)rand_below(rand, 10);
        for (uint64_t k = 1 + rand_below(rand, 2); k > 0 && i > 0; k--)
            *LIST_ADD(arena, &task->after) = i - 1 - rand_below(rand, i < 60 ? i : 60);
    }
}

static void solve_large(const struct scheduling_problem *problem, int64_t schedules,
                        struct scheduling_plan *plan, struct arena *arena)
{
    struct scheduling_input input = {.problem = problem, .schedules = schedules, .seed = 1};
    struct err err = ERR_INIT;
    int64_t begin = clock_mono_us();
    if (scheduling_solve(&input, plan, arena, &err))
        fail("large", err.text);
    printf("%zu tasks, %lld schedules: makespan %lld, bound %lld, %.2f s\n", problem->tasks.count,
           (long long)plan->schedules, (long long)plan->makespan, (long long)plan->lower_bound,
           (double)(clock_mono_us() - begin) / 1e6);
    if (is_broken(problem, plan))
        fail("large", "a plan breaks a rule");
}

/* A third of the plan is over; what runs takes 3 longer, and one in twenty of the rest 2. */
static void replan(struct scheduling_problem *problem, const struct scheduling_plan *plan,
                   struct rand *rand, struct arena *arena)
{
    struct scheduling_plan next;
    struct scheduling_moves moves;
    struct err err = ERR_INIT;
    problem->now = plan->makespan / 3;
    for (size_t i = 0; i < problem->tasks.count; i++) {
        struct scheduling_task *task = &problem->tasks.items[i];
        task->start = plan->starts[i];
        if (task->start > problem->now) {
            task->duration += rand_below(rand, 20) ? 0 : 2;
            continue;
        }
        bool over = task->start + task->duration <= problem->now;
        task->state = over ? SCHEDULING_DONE : SCHEDULING_RUNNING;
        task->duration += over ? 0 : 3;
    }
    struct scheduling_change change = {.starts = plan->starts, .seed = 1};
    int64_t begin = clock_mono_us();
    if (scheduling_replan(problem, &change, &next, &moves, arena, &err))
        fail("replan", err.text);
    printf("re-planned in %.1f ms: makespan %lld, bound %lld, moved %lld by %lld in all, at most "
           "%lld\n",
           (double)(clock_mono_us() - begin) / 1e3, (long long)next.makespan,
           (long long)next.lower_bound, (long long)moves.moved, (long long)moves.disturbance,
           (long long)moves.largest);
    struct scheduling_input input = {.problem = problem, .schedules = 2000, .seed = 1};
    int64_t moved = 0;
    if (scheduling_solve(&input, &next, arena, &err))
        fail("replan", err.text);
    for (size_t i = 0; i < problem->tasks.count; i++)
        moved += llabs(next.starts[i] - plan->starts[i]);
    printf("from nothing: makespan %lld, moved by %lld in all\n", (long long)next.makespan,
           (long long)moved);
}

static int run_large(void)
{
    CLEANUP(arena_done) struct arena arena;
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct rand rand;
    arena_init(&arena, (size_t)4 << 30);
    rand_init(&rand, 1);
    generate(10000, &problem, &rand, &arena);
    solve_large(&problem, 100, &plan, &arena);
    generate(1000, &problem, &rand, &arena);
    solve_large(&problem, 2000, &plan, &arena);
    replan(&problem, &plan, &rand, &arena);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.sets = "j30,j60,j120", .every = 1, .seed = 1};
    const char *budgets = "1000,5000,50000";
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (str_eq(argv[i], "--large"))
            return run_large();
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
