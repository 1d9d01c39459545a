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

static bool is_late(void *deadline)
{
    return clock_mono_ms() >= *(const int64_t *)deadline;
}

static const char *reason_text(struct cli_call *call, const struct scheduling_wait *wait)
{
    switch (wait->reason) {
    case SCHEDULING_FIXED:
        return _("runs or is done");
    case SCHEDULING_FOR_RELEASE:
        return _("its release");
    case SCHEDULING_FOR_TASK:
        return arena_printf(call->arena, _("task %zu"), wait->task + 1);
    case SCHEDULING_FOR_RESOURCE:
        return arena_printf(call->arena, _("resource %zu, held by task %zu"), wait->resource + 1,
                            wait->task + 1);
    case SCHEDULING_FOR_CALENDAR:
        return arena_printf(call->arena, _("resource %zu, which is not there"), wait->resource + 1);
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

static void show_tasks(struct cli_call *call, const struct scheduling_problem *problem,
                       const struct scheduling_plan *plan)
{
    const struct cli_column columns[] = {
        {_("TASK"), true, true},   {_("START"), true, true}, {_("END"), true, true},
        {_("WAITED"), true, true}, {_("SLACK"), true, true}, {_("WAITED FOR"), false, false},
    };
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t count = problem->tasks.count < TASKS_SHOWN ? problem->tasks.count : TASKS_SHOWN;
    for (size_t i = 0; i < count; i++) {
        const struct scheduling_wait *wait = &plan->waits[i];
        cli_cell(&table, count_text(call, (int64_t)i + 1));
        cli_cell(&table, count_text(call, plan->starts[i]));
        cli_cell(&table, count_text(call, plan->starts[i] + problem->tasks.items[i].duration));
        cli_cell(&table, count_text(call, wait->waited));
        cli_cell(&table, count_text(call, wait->slack));
        cli_cell(&table, reason_text(call, wait));
    }
    cli_table_print(call, &table);
    if (count < problem->tasks.count)
        cli_say(call, _("and %zu more; -o json shows all\n"), problem->tasks.count - count);
}

static void show_schedule(struct cli_call *call, const struct scheduling_problem *problem,
                          const struct scheduling_plan *plan, double seconds)
{
    bool proven = plan->lower_bound == plan->makespan;
    cli_say(call, _("makespan     %lld%s\n"), (long long)plan->makespan,
            proven ? _(", proven shortest") : "");
    cli_say(call, _("lower bound  %lld (%s)\n"), (long long)plan->lower_bound,
            proof_text(plan->proof));
    if (plan->heuristic != plan->makespan)
        cli_say(call, _("             %lld before exact search\n"), (long long)plan->heuristic);
    cli_say(call, _("schedules    %lld\n"), (long long)plan->schedules);
    cli_say(call, _("conflicts    %lld\n"), (long long)plan->conflicts);
    cli_say(call, _("took         %s\n\n"), cli_seconds(call->arena, seconds));
    show_tasks(call, problem, plan);
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

static void write_schedule(const struct scheduling_problem *problem,
                           const struct scheduling_plan *plan, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_begin(&w, '{');
    json_member_int(&w, "makespan", plan->makespan);
    json_member_int(&w, "lower_bound", plan->lower_bound);
    json_member_bool(&w, "proven", plan->lower_bound == plan->makespan);
    json_member_text(&w, "bound_by", scheduling_proof_names[plan->proof]);
    json_member_int(&w, "schedules", plan->schedules);
    json_member_int(&w, "heuristic_makespan", plan->heuristic);
    json_member_int(&w, "conflicts", plan->conflicts);
    json_member_int(&w, "windows", plan->windows);
    json_member_int(&w, "duplicates", plan->duplicates);
    json_member_bool(&w, "stopped", plan->stopped);
    json_key(&w, "starts");
    json_begin(&w, '[');
    for (size_t i = 0; i < problem->tasks.count; i++)
        json_put_int(&w, plan->starts[i]);
    json_end(&w, ']');
    write_waits(&w, problem, plan);
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

static enum err_code run_schedule(struct cli_call *call, struct err *err)
{
    const char *path = cli_option(call, "psplib"), *method = cli_option(call, "method");
    struct scheduling_problem problem;
    struct scheduling_plan plan;
    struct scheduling_input input = {
        .problem = &problem,
        .seed = (uint64_t)cli_integer(call, "seed", 1),
        .method = method && str_eq(method, "heuristic") ? SCHEDULING_HEURISTIC : SCHEDULING_BOTH};
    int64_t deadline = 0, begin = clock_mono_us();
    enum err_code rc;
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, (size_t)4 << 30);
    if (!path) {
        err_set(err, ERR_USAGE, _("--%s is missing"), "psplib");
        return err_hint(err, _("--psplib FILE.sm or FILE.rcp"));
    }
    if ((rc = read_limits(call, &input, &deadline, err)) ||
        (rc = read_instance(path, &problem, &arena, err)) ||
        (rc = scheduling_solve(&input, &plan, &arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show_schedule(call, &problem, &plan, (double)(clock_mono_us() - begin) / 1e6);
        return ERR_OK;
    }
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    write_schedule(&problem, &plan, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

/* ---- the table ---- */

static const char *const methods[] = {NULL, "both", "heuristic", NULL};
static const struct cli_option schedule_options[] = {
    {"psplib", 0, CLI_FILE, "FILE", NULL, N_("instance: PSPLIB's .sm or Patterson's .rcp")},
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
        "gives the same answer."),
     false},
};
const struct cli_command_table cli_lean_table = {commands, ARRAY_LEN(commands)};
