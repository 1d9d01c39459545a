/* twin_simulate.c - swan twin simulate: network and scenario in, the engine, the answer for people
 * or programs. */
#include <math.h>

#include "base/str.h"
#include "cli/cli_priv.h"
#include "twin/simulation/simulation.h"

#define MEMORY_MOST ((size_t)2 << 30)
#define STATIONS_SHOWN 20
#define HAPPENINGS_SHOWN 20
#define TIMELINE_SHOWN 60

struct simulate_inputs {
    struct network network;
    struct simulation_scenario scenario;
};

static enum err_code fill_from_solution(struct cli_call *call, const char *path,
                                        const char *requirement_path,
                                        struct simulate_inputs *inputs, struct err *err)
{
    struct solution_answer answer;
    struct requirement requirement;
    int64_t choice = cli_integer(call, "choice", 1);
    enum err_code rc;
    if ((rc = json_decode_file(path, &solution_answer_table, &json_limits_large, &answer,
                               call->arena, err)) ||
        (rc = cli_read_requirement(call, requirement_path, &requirement, err)))
        return rc;
    if (choice < 1 || (size_t)choice > answer.solutions.count)
        return err_set(err, ERR_USAGE, _("there are %zu candidates; --choice takes one of them"),
                       answer.solutions.count);
    return simulation_fill(&inputs->scenario, &answer.solutions.items[choice - 1], &requirement,
                           call->arena, err);
}

static enum err_code read_inputs(struct cli_call *call, struct simulate_inputs *inputs,
                                 struct err *err)
{
    const char *network = cli_option(call, "network"), *faults = cli_option(call, "faults");
    const char *solution = cli_option(call, "solution");
    const char *requirement = cli_option(call, "requirement");
    enum err_code rc;
    if (!network || !faults) {
        err_set(err, ERR_USAGE, _("--%s is missing"), network ? "faults" : "network");
        return err_hint(err, _("--network FILE and --faults FILE are both needed"));
    }
    if (!solution != !requirement) {
        err_set(err, ERR_USAGE, _("--%s is missing"), solution ? "requirement" : "solution");
        return err_hint(err, _("--solution FILE and --requirement REQ go together"));
    }
    if (cli_option(call, "choice") && !solution)
        return err_set(err, ERR_USAGE, _("--choice is about --solution, which is missing"));
    call->arena->max = MEMORY_MOST;
    if ((rc = network_read_file(network, &inputs->network, call->arena, err)) ||
        (rc = json_decode_file(faults, &simulation_scenario_table, &json_limits_large,
                               &inputs->scenario, call->arena, err)))
        return rc;
    return solution ? fill_from_solution(call, solution, requirement, inputs, err) : ERR_OK;
}

static const char *ms_text(struct arena *arena, struct opt_double value)
{
    return value.set ? arena_printf(arena, value.value < 100 ? "%.3g" : "%.0f", value.value) : "-";
}

static const char *change_text(struct arena *arena, struct opt_double value)
{
    return value.set ? arena_printf(arena, fabs(value.value) < 100 ? "%+.3g" : "%+.0f", value.value)
                     : "-";
}

static void translate(const struct cli_column *columns, struct cli_column *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = columns[i];
        out[i].title = _(columns[i].title);
    }
}

static void show_assumption(struct cli_call *call, const char *text)
{
    cli_say_wrapped(call, "  ", S_DIM, text);
}

static const char *happening_text(struct arena *arena, const struct simulation_happening *one)
{
    bool begins = str_has_prefix(one->stage, "begin"),
         noticed = str_has_suffix(one->stage, "noticed");
    if (one->kind == SIMULATION_FAIL && noticed)
        return arena_printf(arena,
                            str_eq(one->stage, "noticed") ? _("the failure of %s is noticed")
                                                          : _("the return of %s is noticed"),
                            one->what);
    if (one->kind == SIMULATION_FAIL)
        return arena_printf(arena, begins ? _("%s fails") : _("%s is back"), one->what);
    if (one->kind == SIMULATION_SLOW)
        return begins ? arena_printf(arena, _("%s takes %g times as long"), one->what,
                                     one->factor.value)
                      : arena_printf(arena, _("%s is as fast as before"), one->what);
    return begins
               ? arena_printf(arena, _("%s asks %g times as often"), one->what, one->factor.value)
               : arena_printf(arena, _("%s asks as often as before"), one->what);
}

static void show_happenings(struct cli_call *call, const struct simulation_result *result)
{
    static const struct cli_column columns[] = {
        {N_("SECOND"), true, true},
        {N_("WHAT HAPPENS"), false, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    if (!result->happenings.count)
        return;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, call->arena);
    for (size_t i = 0; i < result->happenings.count && i < HAPPENINGS_SHOWN; i++) {
        const struct simulation_happening *one = &result->happenings.items[i];
        cli_cell(&table, arena_printf(call->arena, "%g", one->at_s));
        cli_cell(&table, happening_text(call->arena, one));
    }
    cli_table_print(call, &table);
    if (result->happenings.count > HAPPENINGS_SHOWN)
        cli_say(call, _("%zu more in -o json\n"), result->happenings.count - HAPPENINGS_SHOWN);
    cli_say(call, "\n");
}

static const char *state_style(const char *state)
{
    return str_eq(state, "down") ? S_RED : str_eq(state, "same") ? S_GREEN : S_YELLOW;
}

struct outcomes { /* the list's own type has no name */
    const struct simulation_outcome *items;
    size_t count;
};

static void show_outcomes(struct cli_call *call, struct outcomes outcomes)
{
    static const struct cli_column columns[] = {
        {N_("FLOW"), false, true},  {N_("PHASE"), false, true}, {N_("SECONDS"), true, true},
        {N_("STATE"), false, true}, {N_("PER s"), true, true},  {N_("MEAN ms"), true, true},
        {N_("P99"), true, true},    {N_("LOSS %"), true, true}, {N_("AVAILABLE %"), true, true},
        {N_("Δ MEAN"), true, true}, {N_("Δ P99"), true, true},  {N_("Δ LOSS"), true, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    struct arena *arena = call->arena;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, arena);
    for (size_t i = 0; i < outcomes.count; i++) {
        const struct simulation_outcome *one = &outcomes.items[i];
        cli_cell(&table, one->flow);
        cli_cell(&table, cli_word("phase", one->phase));
        cli_cell(&table, arena_printf(arena, "%g–%g", one->from_s, one->to_s));
        cli_cell_style(&table, cli_word("simulation", one->state), state_style(one->state));
        cli_cell(&table, arena_printf(arena, "%.4g", one->with.throughput_per_s));
        cli_cell(&table, ms_text(arena, one->with.mean_ms));
        cli_cell(&table, ms_text(arena, one->with.p99_ms));
        cli_cell(&table, arena_printf(arena, "%.3g", one->with.loss * 100));
        cli_cell(&table, arena_printf(arena, "%.4g", one->with.availability * 100));
        cli_cell(&table, change_text(arena, one->mean_change_ms));
        cli_cell(&table, change_text(arena, one->p99_change_ms));
        cli_cell(&table, arena_printf(arena, "%+.3g", one->loss_change * 100));
    }
    cli_table_print(call, &table);
}

static void show_result(struct cli_call *call, const struct simulation_result *result)
{
    struct outcomes phases = {result->outcomes.items, result->outcomes.count};
    struct outcomes timeline = {result->timeline.items, result->timeline.count};
    show_happenings(call, result);
    show_outcomes(call, phases);
    if (timeline.count > phases.count && timeline.count <= TIMELINE_SHOWN) {
        cli_say(call, "\n%s\n", _("From one happening to the next:"));
        show_outcomes(call, timeline);
    } else if (timeline.count > phases.count) {
        cli_say(call, _("from one happening to the next: %zu lines in -o json\n"), timeline.count);
    }
    cli_say(call, "%s\n", _("Δ: what differs from the same requests without the faults"));
}

static void show_stations(struct cli_call *call, const struct simulation_result *result)
{
    static const struct cli_column columns[] = {
        {N_("SERVICE"), false, true}, {N_("SITE"), false, true},   {N_("VISITS"), true, true},
        {N_("Δ VISITS"), true, true}, {N_("BUSY %"), true, true},  {N_("Δ BUSY"), true, true},
        {N_("VISIT ms"), true, true}, {N_("Δ VISIT"), true, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    struct arena *arena = call->arena;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, arena);
    for (size_t i = 0; i < result->stations.count && i < STATIONS_SHOWN; i++) {
        const struct simulation_station *one = &result->stations.items[i];
        bool both = one->visits && one->base_visits;
        cli_cell(&table, one->service);
        cli_cell(&table, one->site);
        cli_cell(&table, arena_printf(arena, "%lld", (long long)one->visits));
        cli_cell(&table, arena_printf(arena, "%+lld", (long long)(one->visits - one->base_visits)));
        cli_cell(&table, arena_printf(arena, "%.3g", one->utilisation * 100));
        cli_cell(&table,
                 arena_printf(arena, "%+.2g", (one->utilisation - one->base_utilisation) * 100));
        cli_cell(&table, ms_text(arena, (struct opt_double){one->visits, one->mean_response_ms}));
        cli_cell(&table,
                 change_text(arena, (struct opt_double){both, one->mean_response_ms -
                                                                  one->base_mean_response_ms}));
    }
    cli_say(call, "\n");
    cli_table_print(call, &table);
    if (result->stations.count > STATIONS_SHOWN)
        cli_say(call, _("%zu more in -o json\n"), result->stations.count - STATIONS_SHOWN);
}

static void show_analysis(struct cli_call *call, const struct simulation_analysis *analysis)
{
    static const struct cli_column columns[] = {
        {N_("FLOW"), false, true},
        {N_("SECONDS"), true, true},
        {N_("MEAN ms"), true, true},
        {N_("STATE"), false, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    struct arena *arena = call->arena;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, arena);
    for (size_t i = 0; i < analysis->flows.count; i++) {
        const struct simulation_steady *one = &analysis->flows.items[i];
        cli_cell(&table, one->flow);
        cli_cell(&table, arena_printf(arena, "%g–%g", one->from_s, one->to_s));
        cli_cell(&table, ms_text(arena, one->mean_ms));
        if (!one->available)
            cli_cell_style(&table, _("not available"), S_RED);
        else if (one->saturated)
            cli_cell_style(&table, _("saturated"), S_YELLOW);
        else
            cli_cell_style(&table, _("steady"), S_GREEN);
    }
    cli_table_print(call, &table);
    for (size_t i = 0; i < analysis->assumptions.count; i++)
        show_assumption(call, analysis->assumptions.items[i]);
}

static void show_availability(struct cli_call *call, const struct simulation_availabilities *answer)
{
    static const struct cli_column columns[] = {
        {N_("FLOW"), false, true},
        {N_("AVAILABLE %"), true, true},
        {N_("95 % INTERVAL"), true, true},
        {N_("EXACT %"), true, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    struct arena *arena = call->arena;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, arena);
    for (size_t i = 0; i < answer->flows.count; i++) {
        const struct simulation_availability *one = &answer->flows.items[i];
        cli_cell(&table, one->flow);
        cli_cell(&table, arena_printf(arena, "%.6g", one->share * 100));
        cli_cell(&table, arena_printf(arena, "%.6g–%.6g", one->low * 100, one->high * 100));
        cli_cell(&table,
                 one->exact.set ? arena_printf(arena, "%.8g", one->exact.value * 100) : NULL);
    }
    cli_table_print(call, &table);
    for (size_t i = 0; i < answer->assumptions.count; i++)
        show_assumption(call, answer->assumptions.items[i]);
}

static const char *interval_text(struct arena *arena, struct opt_double mean,
                                 struct opt_double half, double scale)
{
    if (!mean.set)
        return "-";
    return half.set ? arena_printf(arena, "%.4g ± %.2g", mean.value * scale, half.value * scale)
                    : arena_printf(arena, "%.4g", mean.value * scale);
}

static void show_repetition(struct cli_call *call, const struct simulation_repetition *answer)
{
    static const struct cli_column columns[] = {
        {N_("FLOW"), false, true},   {N_("PHASE"), false, true}, {N_("SECONDS"), true, true},
        {N_("MEAN ms"), true, true}, {N_("P99"), true, true},    {N_("LOSS %"), true, true},
        {N_("Δ MEAN"), true, true},
    };
    struct cli_column translated[ARRAY_LEN(columns)];
    struct arena *arena = call->arena;
    translate(columns, translated, ARRAY_LEN(columns));
    struct cli_table table = CLI_TABLE_INIT(translated, arena);
    for (size_t i = 0; i < answer->outcomes.count; i++) {
        const struct simulation_repeated *one = &answer->outcomes.items[i];
        cli_cell(&table, one->flow);
        cli_cell(&table, cli_word("phase", one->phase));
        cli_cell(&table, arena_printf(arena, "%g–%g", one->from_s, one->to_s));
        cli_cell(&table, interval_text(arena, one->mean_ms, one->mean_half_ms, 1));
        cli_cell(&table, interval_text(arena, one->p99_ms, one->p99_half_ms, 1));
        cli_cell(&table, interval_text(arena, one->loss, one->loss_half, 100));
        cli_cell(&table, interval_text(arena, one->mean_change_ms, one->mean_change_half_ms, 1));
    }
    cli_table_print(call, &table);
    cli_say(call, _("over %lld runs with other seeds; ±: the 95 %% interval of their mean\n"),
            (long long)answer->runs);
    for (size_t i = 0; i < answer->assumptions.count; i++)
        show_assumption(call, answer->assumptions.items[i]);
}

static enum err_code run_simulate(struct cli_call *call, struct err *err)
{
    struct simulate_inputs inputs = {0};
    enum err_code rc = read_inputs(call, &inputs, err);
    if (rc)
        return rc;
    if (cli_flag(call, "analytic")) {
        struct simulation_analysis analysis;
        if ((rc = simulation_analyse(&inputs.network, &inputs.scenario, &analysis, call->arena,
                                     err)))
            return rc;
        if (!cli_answer_table(call, &simulation_analysis_table, &analysis))
            show_analysis(call, &analysis);
        return ERR_OK;
    }
    if (cli_option(call, "availability")) {
        struct simulation_availabilities answer;
        if ((rc = simulation_availability(
                 &inputs.network, &inputs.scenario, (uint64_t)cli_integer(call, "seed", 1),
                 cli_integer(call, "availability", 0), &answer, call->arena, err)))
            return rc;
        if (!cli_answer_table(call, &simulation_availabilities_table, &answer))
            show_availability(call, &answer);
        return ERR_OK;
    }
    if (cli_option(call, "runs")) {
        struct simulation_repetition answer;
        if ((rc = simulation_repeat(&inputs.network, &inputs.scenario,
                                    (uint64_t)cli_integer(call, "seed", 1),
                                    cli_integer(call, "runs", 0), &answer, call->arena, err)))
            return rc;
        if (!cli_answer_table(call, &simulation_repetition_table, &answer))
            show_repetition(call, &answer);
        return ERR_OK;
    }
    struct simulation_result result;
    if ((rc = simulation_run(&inputs.network, &inputs.scenario,
                             (uint64_t)cli_integer(call, "seed", 1), &result, call->arena, err)))
        return rc;
    if (cli_answer_table(call, &simulation_result_table, &result))
        return ERR_OK;
    show_result(call, &result);
    show_stations(call, &result);
    for (size_t i = 0; i < result.assumptions.count; i++)
        show_assumption(call, result.assumptions.items[i]);
    return ERR_OK;
}

static const struct cli_option simulate_options[] = {
    {"network", 0, CLI_FILE, "FILE", NULL, N_("network file (YAML or JSON)")},
    {"faults", 0, CLI_FILE, "FILE", NULL,
     N_("services, who asks them, and what fails, slows or grows (YAML or JSON)")},
    {"solution", 0, CLI_FILE, "FILE", NULL,
     N_("answer of `swan solution design -o json`: where services run")},
    {"requirement", 0, CLI_FILE, "REQ", NULL,
     N_("requirement: a JSON file, - for stdin, or the need in words")},
    {"choice", 0, CLI_INTEGER, "N", NULL, N_("number of the candidate, from 1")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the simulation; 1 if not said")},
    {"runs", 0, CLI_INTEGER, "N", NULL,
     N_("simulate N times, with seeds from --seed on, and give intervals of the means")},
    {"analytic", 0, CLI_FLAG, NULL, NULL,
     N_("steady states by queueing theory, in milliseconds, instead of a simulation")},
    {"availability", 0, CLI_INTEGER, "N", NULL,
     N_("instead: how often flows can be served, from N random states of the sites")},
    {.name = NULL}};

static const struct cli_command commands[] = {
    {"twin", "simulate", NULL, simulate_options,
     N_("what services do while sites and links fail, slow down or are asked for more"),
     run_simulate, NULL,
     N_("Needs no server. The faults file has duration_s, services (name, sites, slots, "
        "service_ms, calls), flows (from, to, rate_per_s or tasks, timeout_ms, retries) and faults "
        "(kind fail, slow or grow; at_s, until_s; site, link a and b, or flow; factor). With a "
        "solution, "
        "sites, slots, calls and flows that it leaves out come from there."),
     false},
};
const struct cli_command_table cli_twin_simulate_table = {commands, ARRAY_LEN(commands)};
