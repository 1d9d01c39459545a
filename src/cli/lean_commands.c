/* lean_commands.c - swan lean: the engines of the lean centre, files in, answers out. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli_priv.h"
#include "lean/scheduling/scheduling.h"

#define END          \
    {                \
        .name = NULL \
    }
#define INSTANCE_MAX ((size_t)64 << 20)
#define TASKS_SHOWN 60
#define DRAWS_DEFAULT 1000
#define DRAWS_MAX 100000

/* ---- lean schedule ---- */

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

static enum err_code read_instance(const char *path, struct scheduling_problem *out,
                                   struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, INSTANCE_MAX, &text, err);
    if (rc)
        return rc;
    bool patterson = ends_in(path, ".rcp") ||
                     (str_eq(path, "-") && !strstr(buf_str(&text), "PRECEDENCE RELATIONS"));
    rc = patterson ? scheduling_parse_rcp(buf_str(&text), text.len, out, arena, err)
                   : scheduling_parse_sm(buf_str(&text), text.len, out, arena, err);
    return rc ? err_context(err, "%s", path) : ERR_OK;
}

/* What a call is about: the problem, and the plan in force where the file says one. */
struct job {
    struct scheduling_problem problem;
    int64_t *planned;
    struct scheduling_plan plan;
    struct scheduling_moves moves;
    bool replanned;
};

static enum err_code read_problem(const char *path, struct job *out, struct arena *arena,
                                  struct err *err)
{
    struct scheduling_file file;
    enum err_code rc =
        json_decode_file(path, &scheduling_file_table, &json_limits_large, &file, arena, err);
    return rc ? rc : scheduling_from_file(&file, &out->problem, &out->planned, arena, err);
}

static bool is_late(void *deadline)
{
    return clock_mono_ms() >= *(const int64_t *)deadline;
}

static const char *task_text(struct cli_call *call, const struct job *job, size_t task)
{
    const char *name = job->problem.tasks.items[task].name;
    return name ? name : arena_printf(call->arena, "%zu", task + 1);
}

static const char *resource_text(struct cli_call *call, const struct job *job, size_t resource)
{
    const char *name = job->problem.resources.items[resource].name;
    return name ? name : arena_printf(call->arena, "%zu", resource + 1);
}

static const char *reason_text(struct cli_call *call, const struct job *job,
                               const struct scheduling_wait *wait)
{
    switch (wait->reason) {
    case SCHEDULING_FIXED:
        return _("runs or is done");
    case SCHEDULING_FOR_RELEASE:
        return _("its release");
    case SCHEDULING_FOR_TASK:
        return arena_printf(call->arena, _("task %s"), task_text(call, job, wait->task));
    case SCHEDULING_FOR_RESOURCE:
        return arena_printf(call->arena, _("resource %s, held by task %s"),
                            resource_text(call, job, wait->resource),
                            task_text(call, job, wait->task));
    case SCHEDULING_FOR_CALENDAR:
        return arena_printf(call->arena, _("resource %s, which is not there"),
                            resource_text(call, job, wait->resource));
    case SCHEDULING_BY_CHOICE:
        return _("nothing");
    default:
        return NULL;
    }
}

static const char *proof_text(enum scheduling_proof proof)
{
    switch (proof) {
    case SCHEDULING_BY_PATH:
        return _("longest chain");
    case SCHEDULING_BY_CAPACITY:
        return _("work over capacity");
    case SCHEDULING_BY_ENERGY:
        return _("work inside a window");
    case SCHEDULING_BY_PAIRS:
        return _("tasks that exclude one another");
    case SCHEDULING_BY_DESTRUCTION:
        return _("shorter refuted by propagation");
    default:
        return _("shorter refuted by search");
    }
}

static const char *count_text(struct cli_call *call, int64_t count)
{
    return arena_printf(call->arena, "%lld", (long long)count);
}

static void show_tasks(struct cli_call *call, const struct job *job)
{
    const struct scheduling_problem *problem = &job->problem;
    const struct scheduling_plan *plan = &job->plan;
    bool named = problem->tasks.count && problem->tasks.items[0].name;
    const struct cli_column columns[] = {
        {_("TASK"), !named, true}, {_("START"), true, true}, {_("END"), true, true},
        {_("WAITED"), true, true}, {_("SLACK"), true, true}, {_("WAITED FOR"), false, false},
    };
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t count = problem->tasks.count < TASKS_SHOWN ? problem->tasks.count : TASKS_SHOWN;
    for (size_t i = 0; i < count; i++) {
        const struct scheduling_wait *wait = &plan->waits[i];
        cli_cell(&table, task_text(call, job, i));
        cli_cell(&table, count_text(call, plan->starts[i]));
        cli_cell(&table, count_text(call, plan->starts[i] + problem->tasks.items[i].duration));
        cli_cell(&table, count_text(call, wait->waited));
        cli_cell(&table, count_text(call, wait->slack));
        cli_cell(&table, reason_text(call, job, wait));
    }
    cli_table_print(call, &table);
    if (count < problem->tasks.count)
        cli_say(call, _("and %zu more; -o json shows all\n"), problem->tasks.count - count);
}

static void show_spread(struct cli_call *call, const struct job *job)
{
    const struct scheduling_spread *spread = &job->plan.spread;
    if (!spread->draws)
        return;
    cli_say(call, _("spread       mean %.1f, p50 %lld, p90 %lld, p99 %lld over %lld draws\n"),
            spread->mean, (long long)spread->p50, (long long)spread->p90, (long long)spread->p99,
            (long long)spread->draws);
}

static void show_schedule(struct cli_call *call, const struct job *job, double seconds)
{
    const struct scheduling_plan *plan = &job->plan;
    bool proven = plan->lower_bound == plan->makespan;
    cli_say(call, _("makespan     %lld%s\n"), (long long)plan->makespan,
            proven ? _(", proven shortest") : "");
    cli_say(call, _("lower bound  %lld (%s)\n"), (long long)plan->lower_bound,
            proof_text(plan->proof));
    if (plan->heuristic != plan->makespan)
        cli_say(call, _("             %lld before exact search\n"), (long long)plan->heuristic);
    if (plan->lateness)
        cli_say(call, _("lateness     %lld\n"), (long long)plan->lateness);
    show_spread(call, job);
    if (job->replanned)
        cli_say(call, _("moved        %lld tasks by %lld in all, at most by %lld\n"),
                (long long)job->moves.moved, (long long)job->moves.disturbance,
                (long long)job->moves.largest);
    cli_say(call, _("schedules    %lld\n"), (long long)plan->schedules);
    cli_say(call, _("conflicts    %lld\n"), (long long)plan->conflicts);
    cli_say(call, _("took         %s\n\n"), cli_seconds(call->arena, seconds));
    show_tasks(call, job);
}

static void write_waits(struct json_writer *w, const struct scheduling_problem *problem,
                        const struct scheduling_plan *plan)
{
    json_key(w, "waits");
    json_begin(w, '[');
    for (size_t i = 0; i < problem->tasks.count; i++) {
        const struct scheduling_wait *wait = &plan->waits[i];
        json_begin(w, '{');
        json_member_text(w, "reason", scheduling_reason_names[wait->reason]);
        if (wait->reason == SCHEDULING_FOR_TASK || wait->reason == SCHEDULING_FOR_RESOURCE)
            json_member_int(w, "task", (int64_t)wait->task + 1);
        if (wait->reason == SCHEDULING_FOR_CALENDAR || wait->reason == SCHEDULING_FOR_RESOURCE)
            json_member_int(w, "resource", (int64_t)wait->resource + 1);
        json_member_int(w, "ready", wait->ready);
        json_member_int(w, "waited", wait->waited);
        json_member_int(w, "slack", wait->slack);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void write_tasks(struct json_writer *w, const struct job *job)
{
    json_key(w, "starts");
    json_begin(w, '[');
    for (size_t i = 0; i < job->problem.tasks.count; i++)
        json_put_int(w, job->plan.starts[i]);
    json_end(w, ']');
    if (!job->problem.tasks.count || !job->problem.tasks.items[0].name)
        return;
    json_key(w, "tasks");
    json_begin(w, '[');
    for (size_t i = 0; i < job->problem.tasks.count; i++) {
        const struct scheduling_task *task = &job->problem.tasks.items[i];
        json_begin(w, '{');
        json_member_text(w, "name", task->name);
        json_member_int(w, "start", job->plan.starts[i]);
        json_member_int(w, "end", job->plan.starts[i] + task->duration);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void write_spread(struct json_writer *w, const struct job *job)
{
    const struct scheduling_spread *spread = &job->plan.spread;
    if (!spread->draws)
        return;
    json_key(w, "spread");
    json_begin(w, '{');
    json_member_int(w, "draws", spread->draws);
    json_member_double(w, "mean", spread->mean);
    json_member_int(w, "p50", spread->p50);
    json_member_int(w, "p90", spread->p90);
    json_member_int(w, "p99", spread->p99);
    json_end(w, '}');
}

static void write_moves(struct json_writer *w, const struct job *job)
{
    if (!job->replanned)
        return;
    json_key(w, "moves");
    json_begin(w, '{');
    json_member_int(w, "moved", job->moves.moved);
    json_member_int(w, "disturbance", job->moves.disturbance);
    json_member_int(w, "largest", job->moves.largest);
    json_end(w, '}');
}

static void write_schedule(const struct job *job, struct buf *out)
{
    const struct scheduling_plan *plan = &job->plan;
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_int(&w, "makespan", plan->makespan);
    json_member_int(&w, "lower_bound", plan->lower_bound);
    json_member_bool(&w, "proven", plan->lower_bound == plan->makespan);
    json_member_text(&w, "bound_by", scheduling_proof_names[plan->proof]);
    json_member_int(&w, "lateness", plan->lateness);
    json_member_int(&w, "schedules", plan->schedules);
    json_member_int(&w, "heuristic_makespan", plan->heuristic);
    json_member_int(&w, "conflicts", plan->conflicts);
    json_member_int(&w, "windows", plan->windows);
    json_member_int(&w, "duplicates", plan->duplicates);
    json_member_bool(&w, "stopped", plan->stopped);
    write_spread(&w, job);
    write_moves(&w, job);
    write_tasks(&w, job);
    write_waits(&w, &job->problem, plan);
    json_end(&w, '}');
}

static enum err_code read_limits(struct cli_call *call, struct scheduling_input *input,
                                 int64_t *ret_deadline, struct err *err)
{
    double seconds = cli_number(call, "time-limit", 0);
    input->schedules = cli_integer(call, "schedules", 0);
    if (cli_option(call, "schedules") && input->schedules < 1)
        return err_set(err, ERR_USAGE, _("--%s must be at least 1"), "schedules");
    if (!cli_option(call, "time-limit"))
        return ERR_OK;
    if (!(seconds > 0 && seconds <= 1e6))
        return err_set(err, ERR_USAGE, _("--%s must be more than 0"), "time-limit");
    *ret_deadline = clock_mono_ms() + (int64_t)ceil(seconds * 1000);
    input->should_stop = is_late;
    input->stop_ctx = ret_deadline;
    if (!input->schedules)
        input->schedules = INT64_MAX;
    return ERR_OK;
}

static enum err_code read_spread(struct cli_call *call, struct scheduling_input *input,
                                 struct err *err)
{
    input->draws = cli_integer(call, "draws", 0);
    input->robust_share = cli_number(call, "robust", 0);
    if (cli_option(call, "draws") && (input->draws < 1 || input->draws > DRAWS_MAX))
        return err_set(err, ERR_USAGE, _("--draws must lie between 1 and %d"), DRAWS_MAX);
    if (!cli_option(call, "robust"))
        return ERR_OK;
    if (!(input->robust_share > 0 && input->robust_share < 1))
        return err_set(err, ERR_USAGE, _("--robust must lie between 0 and 1"));
    if (!input->draws)
        input->draws = DRAWS_DEFAULT;
    return ERR_OK;
}

static enum err_code make_plan(struct cli_call *call, const struct scheduling_input *input,
                               struct job *job, struct arena *arena, struct err *err)
{
    job->replanned = cli_flag(call, "replan");
    if (!job->replanned)
        return scheduling_solve(input, &job->plan, arena, err);
    if (!job->planned)
        return err_set(err, ERR_USAGE, _("--replan wants --problem"));
    if (input->draws || cli_option(call, "time-limit"))
        return err_set(err, ERR_USAGE, _("--replan knows no --draws, --robust and --time-limit"));
    struct scheduling_change change = {.starts = job->planned,
                                       .disturbance = cli_integer(call, "disturbance", 0),
                                       .schedules = input->schedules,
                                       .seed = input->seed};
    if (cli_option(call, "disturbance") && change.disturbance < 1)
        return err_set(err, ERR_USAGE, _("--%s must be at least 1"), "disturbance");
    return scheduling_replan(&job->problem, &change, &job->plan, &job->moves, arena, err);
}

static enum err_code run_schedule(struct cli_call *call, struct err *err)
{
    const char *path = cli_option(call, "psplib"), *method = cli_option(call, "method");
    const char *problem = cli_option(call, "problem");
    struct job job = {.planned = NULL};
    struct scheduling_input input = {
        .problem = &job.problem,
        .seed = (uint64_t)cli_integer(call, "seed", 1),
        .method = method && str_eq(method, "heuristic") ? SCHEDULING_HEURISTIC : SCHEDULING_BOTH};
    int64_t deadline = 0, begin = clock_mono_us();
    enum err_code rc;
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, (size_t)4 << 30);
    if (!path == !problem) {
        err_set(err, ERR_USAGE, _("one of --psplib and --problem is wanted"));
        return err_hint(err, _("--psplib FILE.sm or FILE.rcp, or --problem FILE"));
    }
    if ((rc = read_limits(call, &input, &deadline, err)) || (rc = read_spread(call, &input, err)) ||
        (rc = problem ? read_problem(problem, &job, &arena, err)
                      : read_instance(path, &job.problem, &arena, err)) ||
        (rc = make_plan(call, &input, &job, &arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show_schedule(call, &job, (double)(clock_mono_us() - begin) / 1e6);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    write_schedule(&job, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

/* ---- the table ---- */

static const char *const methods[] = {NULL, "both", "heuristic", NULL};
static const struct cli_option schedule_options[] = {
    {"psplib", 0, CLI_FILE, "FILE", NULL, N_("instance: PSPLIB's .sm or Patterson's .rcp")},
    {"problem", 0, CLI_FILE, "FILE", NULL,
     N_("tasks, resources, calendars and quantiles by name (YAML or JSON)")},
    {"replan", 0, CLI_FLAG, NULL, NULL,
     N_("a new plan near the one in force, which the tasks' planned says")},
    {"disturbance", 0, CLI_INTEGER, "PRICE", NULL,
     N_("of moving a start by one, in thousandths of the makespan's unit; 10 if not said")},
    {"draws", 0, CLI_INTEGER, "N", NULL,
     N_("draw durations from their quantiles so often and say how the makespan spreads")},
    {"robust", 0, CLI_NUMBER, "SHARE", NULL,
     N_("of the best plans take the one that ends first with this chance, such as 0.9")},
    {"schedules", 0, CLI_INTEGER, "N", NULL,
     N_("most schedules to generate; 20000 if neither this nor a time is said")},
    {"time-limit", 0, CLI_NUMBER, "SECONDS", NULL, N_("most seconds for the search")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the search; same seed, same answer")},
    {"method", 0, CLI_CHOICE, "NAME", methods,
     N_("both, or heuristic: without exact search; both if not said")},
    END};

static const struct cli_command commands[] = {
    {"lean", "schedule", NULL, schedule_options,
     N_("order tasks under precedence and resources, with a proven bound"), run_schedule, NULL,
     N_("Each pass of a schedule generation scheme counts as one schedule, improvement passes too. "
        "What ends by --time-limit depends on the machine; with --schedules alone the same seed "
        "gives the same answer. A problem: now, resources [{name, capacity, calendar [{from, to, "
        "capacity}]}], tasks [{name, duration, quantiles [{share, duration}], release, deadline, "
        "weight, after [name], needs {resource: amount}, state, start, planned}]; times are whole "
        "numbers of any one unit."),
     false},
};
const struct cli_command_table cli_lean_table = {commands, ARRAY_LEN(commands)};
