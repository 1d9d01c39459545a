/* twin_risks.c - swan twin risks: a network file, and what is placed on it, in; hidden dangers out.
 */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/bench_risks.h"
#include "cli/risks_server.h"
#include "cli/show_risks.h"
#include "intelligent/evaluation/evaluation.h"
#include "twin/risks/risks.h"

#define USAGE_MOST ((size_t)512 << 20)
#define MEMORY_MOST ((size_t)8 << 30)
#define TOP 10 /* dangers that people see first */
#define TOP_JSON 100
#define ADVISED 10 /* dangers that advice is sought for */
#define SHOWN 50   /* findings of a kind that people see */

static const char *const group_choices[] = {NULL, "declared", "all", NULL};

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
    struct requirement requirement;
    struct opt_double users; /* of the services */
    struct risks_input input;
};

/* Routes of the requirement's flows over this network, as evaluation draws them. */
static enum err_code read_requirement(const char *path, struct given *given, struct arena *arena,
                                      struct err *err)
{
    struct requirement *requirement = &given->requirement;
    struct evaluation_input input = {.requirement = requirement, .network = &given->network};
    struct evaluation_model *model;
    struct evaluation_figures figures;
    enum err_code rc =
        json_decode_file(path, &requirement_table, &json_limits_default, requirement, arena, err);
    if (rc || (rc = requirement_check(requirement, err)) ||
        (rc = evaluation_model_new(&input, &model, arena, err)) ||
        (rc = evaluation_measure(model, &given->solution, &figures, arena, err)))
        return rc;
    given->input.requirement = requirement;
    if (requirement->service_level.concurrent_users.set)
        given->users =
            (struct opt_double){true, (double)requirement->service_level.concurrent_users.value};
    return ERR_OK;
}

/* What of the answer is looked at. */
struct wanted {
    struct risks_filter filter;
    struct risks_page page;
    size_t advise; /* dangers that advice is sought for */
};

/* Without a network file: the server's network, and what is open on it. */
static enum err_code read_server(struct cli_call *call, struct given *given, struct arena *arena,
                                 struct err *err)
{
    struct cli_risks_open open = {.deployment = cli_option(call, "deployment")};
    enum err_code rc = cli_risks_from_server(call, &open, arena, err);
    if (rc)
        return rc;
    given->network = open.network;
    given->solution = open.solution;
    given->requirement = open.requirement;
    given->users = open.users;
    given->input.solution = open.deployments ? &given->solution : NULL;
    given->input.requirement = open.deployments == 1 ? &given->requirement : NULL;
    return ERR_OK;
}

static enum err_code read_files(struct cli_call *call, struct given *given, struct arena *arena,
                                struct err *err)
{
    const char *solution = cli_option(call, "solution");
    const char *requirement = cli_option(call, "requirement");
    enum err_code rc = network_read_file(cli_option(call, "network"), &given->network, arena, err);
    if (rc || !solution)
        return rc;
    given->input.solution = &given->solution;
    rc = read_solution(call, solution, &given->solution, arena, err);
    if (rc || !requirement)
        return rc;
    return read_requirement(requirement, given, arena, err);
}

static enum err_code read_given(struct cli_call *call, struct given *given, struct arena *arena,
                                struct err *err)
{
    const char *network = cli_option(call, "network"), *solution = cli_option(call, "solution");
    const char *requirement = cli_option(call, "requirement"), *usage = cli_option(call, "usage");
    enum err_code rc;
    if (requirement && !solution)
        return err_set(err, ERR_USAGE, _("--requirement goes with --solution"));
    if (network && cli_option(call, "deployment"))
        return err_set(err, ERR_USAGE, _("--deployment asks the server, --network reads a file"));
    if (!network && solution) {
        err_set(err, ERR_USAGE, _("--%s is missing"), "network");
        return err_hint(err, _("--solution goes with the network file that it was designed on"));
    }
    given->input.network = &given->network;
    if ((rc = network ? read_files(call, given, arena, err)
                      : read_server(call, given, arena, err)) ||
        !usage)
        return rc;
    given->input.usage = &given->usage;
    return read_usage(usage, &given->usage, arena, err);
}

static int choice_of(const char *const *names, const char *name)
{
    for (int i = 1; name && names[i]; i++)
        if (str_eq(names[i], name))
            return i;
    return 0;
}

/* --most, --top, --skip: 0 is all of the first two. */
static enum err_code read_count(struct cli_call *call, const char *option, size_t usual,
                                bool zero_is_all, size_t *out, struct err *err)
{
    int64_t value = cli_integer(call, option, -1);
    if (cli_option(call, option) && value < 0)
        return err_set(err, ERR_USAGE, _("--%s must be 0 or more"), option);
    *out = value < 0 ? usual : value == 0 && zero_is_all ? SIZE_MAX : (size_t)value;
    return ERR_OK;
}

static enum err_code read_numbers(struct cli_call *call, struct risks_input *input,
                                  struct wanted *wanted, struct err *err)
{
    bool people = call->format == CLI_TABLE;
    enum err_code rc;
    size_t pairs = 0;
    input->headroom_percent = cli_number(call, "headroom", 0);
    input->horizon_days = cli_number(call, "days", 0);
    if (!(input->headroom_percent >= 0 && input->headroom_percent <= 100))
        return err_set(err, ERR_USAGE, _("--headroom is 0 to 100"));
    if (!(input->horizon_days >= 0 && input->horizon_days <= 1e6))
        return err_set(err, ERR_USAGE, _("--days is 0 to 1000000"));
    if ((rc = read_count(call, "pairs", 0, false, &pairs, err)) ||
        (rc = read_count(call, "top", people ? TOP : TOP_JSON, true, &wanted->page.top, err)) ||
        (rc = read_count(call, "most", people ? SHOWN : SIZE_MAX, true, &wanted->page.most, err)) ||
        (rc = read_count(call, "skip", 0, false, &wanted->page.skip, err)) ||
        (rc = read_count(call, "advise", ADVISED, false, &wanted->advise, err)))
        return rc;
    input->pairs = input->firsts = pairs;
    input->declared_only = str_eq(cli_option(call, "groups"), "declared");
    wanted->filter = (struct risks_filter){choice_of(risks_kind_names, cli_option(call, "kind")),
                                           choice_of(risks_layer_names, cli_option(call, "layer"))};
    return ERR_OK;
}

static enum err_code run_risks(struct cli_call *call, struct err *err)
{
    CLEANUP(arena_done) struct arena arena;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct given given = {.input = {.network = NULL}};
    struct risks_answer answer;
    struct wanted wanted = {.filter = {.kind = 0}};
    enum err_code rc;
    arena_init(&arena, MEMORY_MOST);
    if ((rc = read_numbers(call, &given.input, &wanted, err)) ||
        (rc = read_given(call, &given, &arena, err)))
        return rc;
    int64_t begin = clock_mono_us();
    if ((rc = risks_analyse(&given.input, &answer, &arena, err)))
        return rc;
    risks_filter(&answer, &wanted.filter);
    risks_rank(&answer, given.users, &arena);
    if (!wanted.filter.kind || call->format != CLI_TABLE)
        rc = risks_advise(&given.input, &answer, wanted.advise, &arena, err);
    if (rc || (rc = arena_check(&arena, err)))
        return rc;
    if (call->format == CLI_TABLE) {
        cli_show_risks(call, &answer, wanted.filter.kind, &wanted.page,
                       (double)(clock_mono_us() - begin) / 1e6);
        return ERR_OK;
    }
    risks_write(&answer, &wanted.page, &text);
    if ((rc = buf_check(&text, err)))
        return rc;
    cli_answer_json(call, buf_str(&text), text.len);
    return ERR_OK;
}

static const struct cli_option options[] = {
    {"network", 0, CLI_FILE, "FILE", NULL,
     N_("network file; without it the server's network and what is open on it")},
    {"deployment", 0, CLI_TEXT, "ID", NULL, N_("of the server only this deployment")},
    {"solution", 0, CLI_FILE, "FILE", NULL, N_("what is placed: a solution, or an answer of them")},
    {"choice", 0, CLI_INTEGER, "N", NULL, N_("which solution of an answer; 1 if not said")},
    {"requirement", 0, CLI_FILE, "FILE", NULL,
     N_("the requirement that the solution is for: routes are laid anew, users are counted")},
    {"usage", 0, CLI_FILE, "FILE", NULL, N_("history: time,entity,resource,value")},
    {"headroom", 0, CLI_NUMBER, "PERCENT", NULL, N_("less room than this is told; 20 if not said")},
    {"days", 0, CLI_NUMBER, "N", NULL,
     N_("trends that end within so many days are told; 90 if not said")},
    {"pairs", 0, CLI_INTEGER, "N", NULL,
     N_("pairs worked out with a solution, first elements without; 20000 and 50 if not said")},
    {"groups", 0, CLI_CHOICE, "WHICH", group_choices,
     N_("what fails together: declared in the file, or all, guesses too; all if not said")},
    {"layer", 0, CLI_CHOICE, "LAYER", risks_layer_names, N_("only dangers of this layer")},
    {"kind", 0, CLI_CHOICE, "KIND", risks_kind_names,
     N_("only findings of this kind, one by one in the table")},
    {"top", 0, CLI_INTEGER, "N", NULL,
     N_("the greatest dangers; 0 is all; 10 in a table, 100 in JSON if not said")},
    {"advise", 0, CLI_INTEGER, "N", NULL,
     N_("the greatest dangers for which what to do is worked out; 10 if not said")},
    {"most", 0, CLI_INTEGER, "N", NULL,
     N_("findings of each kind; 0 is all; 50 in a table, all in JSON if not said")},
    {"skip", 0, CLI_INTEGER, "N", NULL, N_("findings of each kind to leave out before those")},
    {.name = NULL}};

static const struct cli_option bench_options[] = {
    {"sites", 0, CLI_INTEGER, "N", NULL, N_("sites of the network; 10000 if not said")},
    {"links", 0, CLI_INTEGER, "N", NULL,
     N_("links at least; those missing join sites at random; 50000 if not said")},
    {"groups", 0, CLI_INTEGER, "N", NULL,
     N_("declared groups of 2 to 8 links, some with a site; 0 if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the network; 1 if not said")},
    {.name = NULL}};

static const struct cli_command commands[] = {
    {"twin", "risks", NULL, options,
     N_("find hidden dangers: single points of failure, pairs, room that ends"), run_risks, NULL,
     N_("With --network it needs no server. Every site, access point, link and group that fails "
        "together (shared_risk in the network file; guesses are marked) is taken away in turn, and "
        "pairs of them; with a solution its services are judged, without one the reach from the "
        "access points. The table begins with the greatest dangers and what to do about them; "
        "--kind lists one kind. In the history the time is in Unix seconds or RFC 3339, a link is "
        "named a—b by its ends, and the value is what is in use. Severity: critical, a service "
        "breaks; high, much is cut off, one site or group holds all, or room ends within 30 days; "
        "medium, a pair, a guess, or an end within --days; low, one site."),
     false},
    {"bench", "risks", NULL, bench_options, N_("time to find the hidden dangers of a network"),
     cli_run_bench_risks, NULL,
     N_("The network comes from a seed, and so does a made-up solution of 6 components with 2 "
        "instances."),
     false},
};
const struct cli_command_table cli_twin_risks_table = {commands, ARRAY_LEN(commands)};
