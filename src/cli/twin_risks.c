/* twin_risks.c - swan twin risks: a network file, and what is placed on it, in; hidden dangers out.
 */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/bench_risks.h"
#include "cli/cli_priv.h"
#include "intelligent/evaluation/evaluation.h"
#include "twin/risks/risks.h"

#define USAGE_MOST ((size_t)512 << 20)
#define MEMORY_MOST ((size_t)8 << 30)
#define SHOWN 10

static const char *const kind_titles[RISKS_KINDS] = {
    [RISKS_SERVICE] = N_("One failure breaks a service"),
    [RISKS_ONE_SITE] = N_("All instances on one site"),
    [RISKS_CUT] = N_("One failure parts the network"),
    [RISKS_CAPACITY] = N_("Room that ends"),
    [RISKS_PAIR] = N_("Two failures together"),
    [RISKS_SLOWER] = N_("One failure makes ways longer"),
};
static const char *const severity_words[] = {NULL, N_("critical"), N_("high"), N_("medium"),
                                             N_("low")};
static const char *const reason_words[] = {
    [RISKS_GONE] = N_("no instance is left"),
    [RISKS_UNREACHABLE] = N_("no way is left"),
    [RISKS_LATENCY_UNKNOWN] = N_("the latency left is unknown"),
    [RISKS_LATE] = N_("too slow"),
    [RISKS_CONGESTED] = N_("links too full"),
    [RISKS_CUT_OFF] = N_("cut off"),
    [RISKS_FARTHER] = N_("farther"),
    [RISKS_HEADROOM] = N_("little room"),
    [RISKS_EXHAUSTION] = N_("grows to its end"),
    [RISKS_ONE_INSTANCE] = N_("one instance"),
    [RISKS_SAME_SITE] = N_("one site"),
};

/* ---- reading ---- */

/* A solution as it is, or one of the solutions of an answer. */
static enum err_code read_solution(struct cli_call *call, const char *path, struct solution *out,
                                   struct arena *arena, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    struct solution_answer answer;
    int64_t choice = cli_integer(call, "choice", 1);
    enum err_code rc = file_read(path, json_limits_large.bytes, &text, err);
    if (rc)
        return rc;
    bool is_answer = !json_parse(buf_str(&text), text.len, &json_limits_large, &doc, NULL) &&
                     json_get(json_root(doc), "solutions");
    rc = is_answer ? json_decode(buf_str(&text), text.len, &solution_answer_table,
                                 &json_limits_large, &answer, arena, err)
                   : json_decode_yaml(buf_str(&text), text.len, &solution_table, &json_limits_large,
                                      out, arena, err);
    if (rc)
        return err_context(err, "%s", path), rc;
    if (!is_answer)
        return ERR_OK;
    if (choice < 1 || (size_t)choice > answer.solutions.count)
        return err_set(err, ERR_INVALID, _("%s holds %zu solutions, there is no number %lld"), path,
                       answer.solutions.count, (long long)choice);
    *out = answer.solutions.items[choice - 1];
    return ERR_OK;
}

/* Routes of the requirement's flows over this network, as evaluation draws them. */
static enum err_code route(const char *path, const struct network *network,
                           struct solution *solution, struct arena *arena, struct err *err)
{
    struct requirement *requirement = arena_zalloc(arena, sizeof *requirement);
    struct evaluation_input given = {.requirement = requirement, .network = network};
    struct evaluation_model *model;
    struct evaluation_figures figures;
    enum err_code rc =
        json_decode_file(path, &requirement_table, &json_limits_default, requirement, arena, err);
    if (rc || (rc = requirement_check(requirement, err)) ||
        (rc = evaluation_model_new(&given, &model, arena, err)))
        return rc;
    return evaluation_measure(model, solution, &figures, arena, err);
}

static enum err_code read_usage(const char *path, struct risks_usage *out, struct arena *arena,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err_code rc = file_read(path, USAGE_MOST, &text, err);
    if (!rc && (rc = risks_read_usage(buf_str(&text), text.len, out, arena, err)))
        err_context(err, "%s", path);
    return rc;
}

struct given {
    struct network network;
    struct solution solution;
    struct risks_usage usage;
    struct risks_input input;
};

static enum err_code read_given(struct cli_call *call, struct given *given, struct arena *arena,
                                struct err *err)
{
    const char *network = cli_option(call, "network"), *solution = cli_option(call, "solution");
    const char *requirement = cli_option(call, "requirement"), *usage = cli_option(call, "usage");
    enum err_code rc;
    if (!network)
        return err_set(err, ERR_USAGE, _("--%s is missing"), "network");
    if (!solution != !requirement)
        return err_set(err, ERR_USAGE, _("--solution and --requirement go together"));
    if ((rc = network_read_file(network, &given->network, arena, err)))
        return rc;
    given->input.network = &given->network;
    if (solution) {
        if ((rc = read_solution(call, solution, &given->solution, arena, err)) ||
            (rc = route(requirement, &given->network, &given->solution, arena, err)))
            return rc;
        given->input.solution = &given->solution;
    }
    if (usage) {
        if ((rc = read_usage(usage, &given->usage, arena, err)))
            return rc;
        given->input.usage = &given->usage;
    }
    return ERR_OK;
}

static enum err_code read_numbers(struct cli_call *call, struct risks_input *input,
                                  size_t *ret_most, struct err *err)
{
    int64_t pairs = cli_integer(call, "pairs", 0), most = cli_integer(call, "most", -1);
    input->headroom_percent = cli_number(call, "headroom", 0);
    input->horizon_days = cli_number(call, "days", 0);
    if (pairs < 0 || (cli_option(call, "most") && most < 0))
        return err_set(err, ERR_USAGE, _("--%s must be 0 or more"), pairs < 0 ? "pairs" : "most");
    if (!(input->headroom_percent >= 0 && input->headroom_percent <= 100))
        return err_set(err, ERR_USAGE, _("--headroom is 0 to 100"));
    if (!(input->horizon_days >= 0 && input->horizon_days <= 1e6))
        return err_set(err, ERR_USAGE, _("--days is 0 to 1000000"));
    input->pairs = input->firsts = (size_t)pairs;
    *ret_most = most >= 0 ? (size_t)most : call->format == CLI_TABLE ? SHOWN : 0;
    return ERR_OK;
}

/* ---- for people ---- */

static const char *amount_text(struct cli_call *call, struct opt_double value, const char *unit)
{
    if (!value.set)
        return NULL;
    return arena_printf(call->arena, "%s%s%s", cli_number_text(call->arena, value.value),
                        unit && unit[0] ? " " : "", unit ? unit : "");
}

static const char *what_text(struct cli_call *call, const struct risks_finding *finding)
{
    const char *id = finding->element.id;
    if (finding->second.id)
        id = arena_printf(call->arena, "%s + %s", id, finding->second.id);
    if (finding->resource)
        id = arena_printf(call->arena, "%s %s", id, finding->resource);
    return id;
}

static const char *days_text(struct cli_call *call, const struct risks_finding *finding)
{
    if (!finding->days.set)
        return NULL;
    const char *low = cli_number_text(call->arena, (double)(int64_t)finding->days_low.value);
    const char *middle = cli_number_text(call->arena, (double)(int64_t)finding->days.value);
    if (!finding->days_high.set)
        return arena_printf(call->arena, _("%s days (%s to never)"), middle, low);
    return arena_printf(call->arena, _("%s days (%s to %s)"), middle, low,
                        cli_number_text(call->arena, (double)(int64_t)finding->days_high.value));
}

/* What is lost, in words. */
static const char *loss_text(struct cli_call *call, const struct risks_finding *finding)
{
    switch (finding->kind) {
    case RISKS_CUT:
        return arena_printf(call->arena, _("%u sites, %u access points, %s vCPU; %u sites dark"),
                            finding->off.sites, finding->off.access,
                            cli_number_text(call->arena, finding->off.vcpus), finding->dark);
    case RISKS_SLOWER:
        return arena_printf(call->arena, _("%u sites farther, most: %s"), finding->slower,
                            finding->at ? finding->at : "-");
    case RISKS_CAPACITY:
        return days_text(call, finding);
    case RISKS_ONE_SITE:
        return finding->at;
    default:
        break;
    }
    if (!finding->service)
        return arena_printf(call->arena, _("%u sites dark"), finding->dark);
    return arena_printf(call->arena, _("%s, %lld of %lld instances left%s%s"), finding->service,
                        (long long)finding->left, (long long)finding->of, finding->at ? ", " : "",
                        finding->at ? finding->at : "");
}

static void show_kind(struct cli_call *call, const struct risks_answer *answer, int kind,
                      size_t most)
{
    const struct cli_column columns[] = {{_("SEVERITY"), false, true}, {_("WHAT"), false, false},
                                         {_("WHY"), false, true},      {_("OBSERVED"), true, true},
                                         {_("BOUND"), true, true},     {_("MARGIN"), true, true},
                                         {_("EFFECT"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t shown = 0;
    table.drop_empty = true;
    for (size_t i = 0; i < answer->findings.count && (!most || shown < most); i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if (finding->kind != kind)
            continue;
        bool counted = kind == RISKS_CUT || kind == RISKS_ONE_SITE;
        struct opt_double none = {false, 0};
        shown++;
        cli_cell_style(&table, _(severity_words[finding->severity]),
                       finding->severity <= RISKS_HIGH     ? S_RED
                       : finding->severity == RISKS_MEDIUM ? S_YELLOW
                                                           : S_DIM);
        cli_cell(&table, what_text(call, finding));
        cli_cell(&table, _(reason_words[finding->reason]));
        cli_cell(&table, amount_text(call, counted ? none : finding->observed, finding->unit));
        cli_cell(&table, amount_text(call, counted ? none : finding->required, finding->unit));
        cli_cell(&table, amount_text(call, counted ? none : finding->margin, finding->unit));
        cli_cell(&table, loss_text(call, finding));
    }
    cli_say(call, "\n" S_BOLD "%s" S_RESET ": %zu\n", _(kind_titles[kind]), answer->counts[kind]);
    cli_table_print(call, &table);
    if (shown < answer->counts[kind])
        cli_say(call, _("and %zu more; --most 0 shows all\n"), answer->counts[kind] - shown);
}

static void show(struct cli_call *call, const struct risks_answer *answer, size_t most,
                 double seconds)
{
    cli_say(call, _("%zu sites, %zu access points, %zu links; %zu services\n"), answer->sites,
            answer->access, answer->links, answer->services);
    cli_say(call, _("single failures: all %zu looked at, %zu are felt\n"), answer->singles,
            answer->singles_felt);
    cli_say(call, _("pairs: %llu, worked out %llu, left out %llu"),
            (unsigned long long)answer->pairs, (unsigned long long)answer->pairs_tried,
            (unsigned long long)answer->pairs_left);
    if (answer->pair_most.set)
        cli_say(call, _(" (one of these darkens at most %s sites)"),
                cli_number_text(call->arena, answer->pair_most.value));
    cli_say(call, "\n");
    for (int kind = 1; kind < RISKS_KINDS; kind++)
        if (answer->counts[kind])
            show_kind(call, answer, kind, most);
    cli_say(call, "\n");
    for (size_t i = 0; i < answer->notes.count; i++)
        cli_say_wrapped(call, arena_printf(call->arena, "%s ", _("note:")), S_DIM,
                        cli_sentence(answer->notes.items[i], call->arena));
    cli_say(call, _("took %s\n"), cli_seconds(call->arena, seconds));
}

static enum err_code run_risks(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct given given = {.input = {.network = NULL}};
    struct risks_answer answer;
    size_t most = 0;
    enum err_code rc;
    arena_init(&arena, MEMORY_MOST);
    if ((rc = read_numbers(call, &given.input, &most, err)) ||
        (rc = read_given(call, &given, &arena, err)))
        return rc;
    int64_t begin = clock_mono_us();
    if ((rc = risks_analyse(&given.input, &answer, &arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        show(call, &answer, most, (double)(clock_mono_us() - begin) / 1e6);
        return ERR_OK;
    }
    risks_write(&answer, most, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

static const struct cli_option options[] = {
    {"network", 0, CLI_FILE, "FILE", NULL, N_("network file")},
    {"solution", 0, CLI_FILE, "FILE", NULL, N_("what is placed: a solution, or an answer of them")},
    {"choice", 0, CLI_INTEGER, "N", NULL, N_("which solution of an answer; 1 if not said")},
    {"requirement", 0, CLI_FILE, "FILE", NULL, N_("the requirement that the solution is for")},
    {"usage", 0, CLI_FILE, "FILE", NULL, N_("history: time,entity,resource,value")},
    {"headroom", 0, CLI_NUMBER, "PERCENT", NULL, N_("less room than this is told; 20 if not said")},
    {"days", 0, CLI_NUMBER, "N", NULL,
     N_("trends that end within so many days are told; 90 if not said")},
    {"pairs", 0, CLI_INTEGER, "N", NULL,
     N_("pairs worked out with a solution, first elements without; 20000 and 50 if not said")},
    {"most", 0, CLI_INTEGER, "N", NULL,
     N_("findings of each kind; 0 is all; 10 in a table, all in JSON if not said")},
    {.name = NULL}};

static const struct cli_option bench_options[] = {
    {"sites", 0, CLI_INTEGER, "N", NULL, N_("sites of the network; 10000 if not said")},
    {"links", 0, CLI_INTEGER, "N", NULL,
     N_("links at least; those missing join sites at random; 50000 if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the network; 1 if not said")},
    {.name = NULL}};

static const struct cli_command commands[] = {
    {"twin", "risks", NULL, options,
     N_("find hidden dangers: single points of failure, pairs, room that ends"), run_risks, NULL,
     N_("Needs no server. Every site, access point and link is taken away in turn; with a solution "
        "its services are judged, without one the reach from the access points. In the history the "
        "time is in Unix seconds or RFC 3339, a link is named a—b by its ends, and the value is "
        "what is in use. Severity: critical, a service breaks; high, much is cut off, one site "
        "holds all, or room ends within 30 days; medium, a pair or an end within --days; low, one "
        "site."),
     false},
    {"bench", "risks", NULL, bench_options, N_("time to find the hidden dangers of a network"),
     cli_run_bench_risks, NULL,
     N_("The network comes from a seed, and so does a made-up solution of 6 components with 2 "
        "instances."),
     false},
};
const struct cli_command_table cli_twin_risks_table = {commands, ARRAY_LEN(commands)};
