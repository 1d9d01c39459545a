/* twin_commands.c - swan twin diagnose: a case folder in, the engine, the answer for people or
 * programs. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/bench_faults.h"
#include "cli/cli_priv.h"
#include "twin/rootcause/rootcause.h"

#define METRICS_MOST ((size_t)512 << 20)
#define JSON_MOST ((size_t)256 << 20)
#define MEMORY_MOST ((size_t)2 << 30) /* beside the text of metrics.csv */
#define SHOWN 5                       /* causes that people see */

typedef enum err_code (*read_fn)(const char *text, size_t len, struct rootcause_case *out,
                                 struct arena *arena, struct err *err);

static enum err_code read_metrics(const char *text, size_t len, struct rootcause_case *out,
                                  struct arena *arena, struct err *err)
{
    return telemetry_read_csv(text, len, &out->metrics, arena, err);
}

static enum err_code read_part(const char *folder, const char *name, size_t most, bool may_miss,
                               read_fn read, struct rootcause_case *out, struct arena *arena,
                               struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    if (may_miss && !file_exists(path))
        return ERR_OK;
    enum err_code rc = file_read(path, most, &text, err);
    if (!rc && (rc = read(buf_str(&text), text.len, out, arena, err)))
        err_context(err, "%s", path);
    return rc;
}

static enum err_code read_case(const char *folder, struct rootcause_case *out, struct arena *arena,
                               struct err *err)
{
    enum err_code rc;
    *out = (struct rootcause_case){0};
    if ((rc = read_part(folder, "question.json", JSON_MOST, false, rootcause_read_question, out,
                        arena, err)) ||
        (rc = read_part(folder, "topology.json", JSON_MOST, true, rootcause_read_topology, out,
                        arena, err)) ||
        (rc = read_part(folder, "changes.json", JSON_MOST, true, rootcause_read_changes, out, arena,
                        err)))
        return rc;
    return read_part(folder, "metrics.csv", METRICS_MOST, false, read_metrics, out, arena, err);
}

static const char *time_text(struct arena *arena, double seconds)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format((int64_t)(seconds * 1000), text);
    return cli_time(arena, arena_strdup(arena, text));
}

static void say_list(struct cli_call *call, const char *title, const char *style,
                     const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cli_say_wrapped(call, arena_printf(call->arena, "    %s ", title), style,
                        cli_sentence(items[i], call->arena));
}

static void show_cause(struct cli_call *call, size_t number, const struct rootcause_cause *cause)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    for (size_t i = 0; i < cause->path.count; i++)
        buf_printf(&path, "%s%s", i ? " → " : "", cause->path.items[i]);
    cli_say(call, "\n%zu. " S_BOLD "%s" S_RESET "  %s   ", number, cause->entity,
            cause->metric ? cause->metric : "");
    cli_say(call, _("score %.2f, since %s\n"), cause->score, time_text(call->arena, cause->onset));
    if (cause->path.count > 1)
        cli_say_wrapped(call, arena_printf(call->arena, "    %s ", _("path")), S_DIM,
                        buf_str(&path));
    say_list(call, "+", S_GREEN, cause->supporting.items, cause->supporting.count);
    say_list(call, "-", S_RED, cause->contradicting.items, cause->contradicting.count);
    say_list(call, "?", S_YELLOW, cause->unverified.items, cause->unverified.count);
}

static void show(struct cli_call *call, const struct rootcause_answer *answer, double seconds)
{
    const char *status = rootcause_status_names[answer->status];
    const char *style = answer->status == ROOTCAUSE_CONFIRMED ? S_GREEN
                        : answer->status == ROOTCAUSE_LIKELY  ? S_YELLOW
                                                              : S_DIM;
    cli_say(call, "%s%s" S_RESET "\n", style, cli_word("diagnosis", status));
    for (size_t i = 0; i < answer->reasons.count; i++)
        cli_say_wrapped(call, "  ", S_DIM, cli_sentence(answer->reasons.items[i], call->arena));
    for (size_t i = 0; i < answer->causes.count && i < SHOWN; i++)
        show_cause(call, i + 1, &answer->causes.items[i]);
    cli_say(call, "\n");
    for (size_t i = 0; i < answer->notes.count; i++)
        cli_say_wrapped(call, arena_printf(call->arena, "%s ", _("note:")), S_DIM,
                        cli_sentence(answer->notes.items[i], call->arena));
    cli_say(call, _("took %s\n"), cli_seconds(call->arena, seconds));
}

static enum err_code run_diagnose(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *folder = cli_option(call, "case");
    struct rootcause_case given;
    struct rootcause_answer answer;
    if (!folder) {
        err_set(err, ERR_USAGE, _("--%s is missing"), "case");
        return err_hint(err, _("--case DIR: a folder with metrics.csv and question.json"));
    }
    arena_init(&arena, MEMORY_MOST);
    int64_t begin = clock_mono_us();
    enum err_code rc = read_case(folder, &given, &arena, err);
    if (rc || (rc = rootcause_diagnose(&given, &answer, &arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show(call, &answer, (double)(clock_mono_us() - begin) / 1e6);
        return ERR_OK;
    }
    rootcause_write(&answer, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

static const struct cli_option diagnose_options[] = {
    {"case", 0, CLI_FILE, "DIR", NULL,
     N_("folder with metrics.csv, question.json, topology.json, changes.json")},
    {.name = NULL}};

static const struct cli_option bench_options[] = {
    {"services", 0, CLI_TEXT, "N,N…", NULL,
     N_("sizes of the worlds, 20 to 2000 services; 20,60,200 if not said")},
    {"cases", 0, CLI_INTEGER, "N", NULL, N_("cases of each kind and size; 10 if not said")},
    {"topology", 0, CLI_CHOICE, "HOW", cli_fault_topologies,
     N_("given, none, or wrong: a third of the calls forgotten or elsewhere; given if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the worlds; 1 if not said")},
    {.name = NULL}};

static const struct cli_command commands[] = {
    {"twin", "diagnose", NULL, diagnose_options, N_("find the root cause of a fault case"),
     run_diagnose, NULL,
     N_("Needs no server. metrics.csv: time,ENTITY:METRIC,… with Unix seconds; question.json: "
        "alarm_time and, if known, the symptom; topology.json and changes.json may be missing. "
        "The answer is confirmed, likely or inconclusive, each with what was verified and what was "
        "not."),
     false},
    {"bench", "diagnose", NULL, bench_options,
     N_("root causes found in faults that spread, beside the z-score"), cli_run_bench_diagnose,
     NULL,
     N_("Worlds of services that call each other on shared hosts come from a seed; a queueing "
        "model "
        "lets faults spread. Made-up cases: they tell methods apart, not how often faults are "
        "found "
        "in life."),
     false},
};
const struct cli_command_table cli_twin_table = {commands, ARRAY_LEN(commands)};
