/* show_solution.c - candidates, costs, verdicts, and why not. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

static const char *mark_of(int verdict)
{
    return verdict == VERDICT_PASS ? "✔" : verdict == VERDICT_FAIL ? "✘" : "?";
}

static const char *style_of(int verdict)
{
    return verdict == VERDICT_PASS ? S_GREEN : verdict == VERDICT_FAIL ? S_RED : S_YELLOW;
}

static const char *verdict_word(int verdict)
{
    const char *name = json_enum_name(feasibility_verdict_names, verdict);
    return cli_word("verdict", name ? name : "unknown");
}

/* "local ×2, bj-1" */
static const char *sites_of(const struct solution *solution, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < solution->placements.count; i++) {
        const char *site = solution->placements.items[i].site;
        size_t same = 0;
        bool seen = false;
        for (size_t k = 0; k < solution->placements.count; k++) {
            bool equal = str_eq(solution->placements.items[k].site, site);
            seen = seen || (equal && k < i);
            same += equal;
        }
        if (seen)
            continue;
        buf_printf(&text, "%s%s", text.len ? ", " : "", site);
        if (same > 1)
            buf_printf(&text, " ×%zu", same);
    }
    return arena_strdup(arena, buf_str(&text));
}

static const char *wins_of(const struct solution *solution, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < solution->wins.count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", cli_word("objective", solution->wins.items[i]));
    if (!solution->wins.count && solution->objective)
        buf_add_str(&text, cli_word("objective", solution->objective));
    return arena_strdup(arena, buf_str(&text));
}

/* The weakest basis among the lines that cost something. */
static const char *basis_of(const struct solution *solution)
{
    int weakest = -1;
    static const int order[] = {[BASIS_ABSENT] = 0,
                                [BASIS_ESTIMATED] = 1,
                                [BASIS_LIST] = 2,
                                [BASIS_CONTRACT] = 3,
                                [BASIS_RECONCILED] = 4};
    for (size_t i = 0; i < solution->cost_lines.count; i++) {
        const struct solution_cost_line *line = &solution->cost_lines.items[i];
        if (line->amount > 0 && (weakest < 0 || order[line->basis] < order[weakest]))
            weakest = line->basis;
    }
    if (weakest < 0)
        return "-";
    const char *name = json_enum_name(price_basis_names, weakest);
    return cli_word("basis", name ? name : "unknown");
}

static const char *percent(struct arena *arena, struct opt_double share)
{
    return share.set ? arena_printf(arena, "%.9g%%", share.value * 100) : "-";
}

static const char *milliseconds(struct arena *arena, struct opt_double value)
{
    return value.set ? arena_printf(arena, "%s ms", cli_number_text(arena, value.value)) : "-";
}

void cli_show_candidates(struct cli_call *call, const struct solution_answer *answer, size_t chosen)
{
    const struct cli_column columns[] = {
        {"#", true, true},
        {"", false, true},
        {_("BEST IN"), false, false},
        {_("SITES"), false, false, true},
        {_("COST/MONTH"), true, true},
        {_("BASIS"), false, false},
        {_("LATENCY"), true, true},
        {_("AVAILABLE"), true, true},
        {_("VERDICTS"), false, true},
    };
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    bool catalogue = false;
    for (size_t i = 0; i < answer->solutions.count; i++) {
        const struct solution *s = &answer->solutions.items[i];
        CLEANUP(buf_done) struct buf marks = BUF_INIT;
        int verdict = s->evaluation ? s->evaluation->verdict : VERDICT_UNKNOWN;
        for (size_t d = 0; s->evaluation && d < s->evaluation->dimensions.count; d++)
            buf_printf(&marks, "%s%s", d ? " " : "",
                       mark_of(s->evaluation->dimensions.items[d].verdict));
        catalogue = catalogue || s->catalogue_only;
        cli_cell(&table, arena_printf(call->arena, "%zu", i + 1));
        cli_cell_style(&table, i == chosen ? "✔" : " ", S_GREEN);
        cli_cell(&table, wins_of(s, call->arena));
        cli_cell(&table, arena_printf(call->arena, "%s%s", sites_of(s, call->arena),
                                      s->catalogue_only ? " *" : ""));
        cli_cell_style(&table, cli_money(call->arena, s->cost, s->currency), S_BOLD);
        cli_cell(&table, basis_of(s));
        cli_cell(&table, s->routes.count ? milliseconds(call->arena, s->latency) : "-");
        cli_cell(&table, percent(call->arena, s->reliability));
        cli_cell_style(&table, marks.len ? arena_strdup(call->arena, buf_str(&marks)) : "-",
                       style_of(verdict));
    }
    cli_table_print(call, &table);
    cli_say_wrapped(
        call, "  ", S_DIM,
        _("verdicts: compute, network, application, cost, business (✔ pass, ✘ fail, ? unknown)"));
    if (catalogue)
        cli_say_wrapped(call, "  ", S_DIM,
                        _("* catalogue only: no provider can open all of these sites"));
}

static void show_cost(struct cli_call *call, const struct solution *solution)
{
    const struct cli_column columns[] = {
        {_("ITEM"), false, true},    {_("FOR"), false, false},      {_("SITE"), false, false, true},
        {_("QUANTITY"), true, true}, {_("UNIT PRICE"), true, true}, {_("AMOUNT"), true, true},
        {_("BASIS"), false, false},  {_("SOURCE"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    table.indent = "  ";
    table.drop_empty = true;
    if (!solution->cost_lines.count)
        return;
    cli_heading(call, _("Cost per month"));
    for (size_t i = 0; i < solution->cost_lines.count; i++) {
        const struct solution_cost_line *line = &solution->cost_lines.items[i];
        const char *basis = json_enum_name(price_basis_names, line->basis);
        cli_cell(&table, cli_word("item", line->item));
        cli_cell(&table, line->component);
        cli_cell(&table, line->site);
        cli_cell(&table, cli_join(arena, cli_number_text(arena, line->quantity), " ",
                                  line->unit ? cli_word("unit", line->unit) : NULL));
        cli_cell(&table, arena_printf(arena, "%.6g", line->unit_price));
        cli_cell(&table, arena_printf(arena, "%.2f", line->amount));
        cli_cell(&table, cli_word("basis", basis ? basis : "unknown"));
        cli_cell_style(&table, cli_sentence(line->source, arena), S_DIM);
    }
    cli_table_print(call, &table);
    cli_say(call, "  %s%s%s\n", S_BOLD,
            arena_printf(arena, _("total %s a month"),
                         cli_money(arena, solution->cost, solution->currency)),
            S_RESET);
    if (solution->gap > 1e-9)
        cli_say(call, "  %s\n",
                arena_printf(arena, _("at most %.2f%% above the cheapest that can exist"),
                             solution->gap * 100));
}

/* "unknown.capacity.vcpus", "unknown.price.vcpu_hour" … */
static const char *unknown_text(const char *code, struct arena *arena)
{
    const char *what = code + strlen("unknown.");
    if (str_has_prefix(what, "price."))
        return arena_printf(arena, _("price not known: %s"), cli_word("price", what + 6));
    const char *word = cli_word("reason", what);
    return arena_printf(arena, _("not known: %s"),
                        str_eq(word, what) ? cli_word("field", what) : word);
}

#define EVIDENCE_SHOWN 3 /* of a check that is not passed; of a passed one the first */

/* What it rests on; where the text alone does not say of whom, with its reference. */
static const char *evidence_text(const struct feasibility_check *check, struct arena *arena)
{
    static const char *const named[] = {"link", "application", "case", "measurement"};
    const char *all = "";
    size_t most = check->verdict == VERDICT_PASS ? 1 : EVIDENCE_SHOWN;
    for (size_t i = 0; i < check->evidence.count && i < most; i++) {
        const struct feasibility_evidence *evidence = &check->evidence.items[i];
        const char *text = evidence->text ? cli_sentence(evidence->text, arena) : NULL;
        if (!text)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(named); k++)
            if (str_eq(evidence->kind, named[k]) && evidence->ref &&
                !str_eq(evidence->ref, check->subject)) {
                text = arena_printf(arena, "%s: %s", evidence->ref, text);
                break;
            }
        all = *all ? arena_printf(arena, "%s; %s", all, text) : text;
    }
    return all;
}

/* "edge, device": codes are words too, one by one. */
static const char *value_text(const char *value, struct arena *arena)
{
    static const char *const groups[] = {"form", "tier", "state", "access"};
    const char *all = "", *sentence = cli_sentence(value, arena);
    if (sentence != value)
        return sentence;
    for (const char *at = value; *at;) {
        size_t len = strcspn(at, ",");
        const char *code = arena_strndup(arena, at, len), *word = code;
        for (size_t i = 0; i < ARRAY_LEN(groups) && word == code; i++)
            word = cli_word(groups[i], code);
        all = arena_printf(arena, "%s%s%s", all, *all ? ", " : "", word);
        at += len + (at[len] == ',');
        at += strspn(at, " ");
    }
    return all;
}

/* "user→web", "vcpu @ edge" */
static const char *subject_text(const char *subject, struct arena *arena)
{
    const char *at = strstr(subject, " @ ");
    if (str_has_prefix(subject, "user→"))
        return arena_printf(arena, "%s→%s", _("users"), subject + strlen("user→"));
    if (at)
        return arena_printf(arena, "%s%s",
                            cli_word("item", arena_strndup(arena, subject, (size_t)(at - subject))),
                            at);
    const char *word = cli_word("scenario", cli_word("subject", subject));
    return cli_word("access", word);
}

static void show_check(struct cli_call *call, struct cli_table *table,
                       const struct feasibility_check *check)
{
    struct arena *arena = call->arena;
    const char *code = check->code;
    const char *name =
        str_has_prefix(code, "unknown.")
            ? arena_printf(arena, _("not known: %s"), cli_word("field", code + strlen("unknown.")))
            : cli_word("reason", code);
    const char *unit = check->unit ? cli_word("unit", check->unit) : "";
    cli_cell_style(table, mark_of(check->verdict), style_of(check->verdict));
    cli_cell(table, name);
    cli_cell(table, check->subject ? subject_text(check->subject, arena) : NULL);
    cli_cell(table, check->required ? cli_join(arena, value_text(check->required, arena), " ", unit)
                                    : "-");
    cli_cell(table, check->observed ? cli_join(arena, value_text(check->observed, arena), " ", unit)
                                    : "?");
    cli_cell_style(table, evidence_text(check, arena), S_DIM);
}

static void show_dimension(struct cli_call *call, const struct feasibility_dimension *dimension,
                           bool all)
{
    const struct cli_column columns[] = {{"", false, true},          {_("CHECK"), false, false},
                                         {_("OF"), false, false},    {_("ASKED"), false, false},
                                         {_("FOUND"), false, false}, {_("EVIDENCE"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "    ";
    cli_say(
        call, "  %s%s%s %s\n", style_of(dimension->verdict), mark_of(dimension->verdict), S_RESET,
        arena_printf(
            call->arena, P_("%s: %s (%zu check)", "%s: %s (%zu checks)", dimension->checks.count),
            cli_word("dimension", json_enum_name(feasibility_dimension_names, dimension->kind)),
            verdict_word(dimension->verdict), dimension->checks.count));
    for (size_t i = 0; i < dimension->checks.count; i++)
        if (all || dimension->checks.items[i].verdict != VERDICT_PASS)
            show_check(call, &table, &dimension->checks.items[i]);
    if (table.cells.count)
        cli_table_print(call, &table);
}

void cli_show_report(struct cli_call *call, const struct feasibility_report *report, bool all)
{
    cli_heading(call, arena_printf(call->arena, _("Feasibility: %s, %.0f of 100"),
                                   verdict_word(report->verdict), report->score));
    for (size_t d = 0; d < report->dimensions.count; d++)
        show_dimension(call, &report->dimensions.items[d], all);
}

static void show_placements(struct cli_call *call, const struct solution *solution)
{
    const struct cli_column columns[] = {{_("COMPONENT"), false, true},
                                         {"#", true, true},
                                         {_("SITE"), false, false, true},
                                         {_("FLAVOR"), false, false},
                                         {_("ACCELERATOR"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    table.indent = "  ";
    table.drop_empty = true;
    cli_heading(call, _("Placements"));
    for (size_t i = 0; i < solution->placements.count; i++) {
        const struct solution_placement *p = &solution->placements.items[i];
        cli_cell(&table, p->component);
        cli_cell(&table, arena_printf(call->arena, "%lld", (long long)p->instance));
        cli_cell(&table, p->site);
        cli_cell(&table, p->flavor);
        cli_cell(&table, p->accelerator_model);
    }
    cli_table_print(call, &table);
}

void cli_show_solution(struct cli_call *call, const struct solution *solution)
{
    show_placements(call, solution);
    show_cost(call, solution);
    if (solution->evaluation)
        cli_show_report(call, solution->evaluation, false);
    for (size_t i = 0; i < solution->assumptions.count; i++) {
        if (i == 0)
            cli_heading(call, _("Assumptions"));
        cli_say_wrapped(call, "  - ", NULL,
                        cli_sentence(solution->assumptions.items[i], call->arena));
    }
}

static const char *reason_text(const char *reason, struct arena *arena)
{
    if (str_has_prefix(reason, "unknown."))
        return unknown_text(reason, arena);
    return cli_word("reason", reason);
}

void cli_show_rejected(struct cli_call *call, const struct solution_answer *answer)
{
    const struct cli_column columns[] = {
        {_("SITES"), true, true},   {_("REASON"), false, true},
        {_("FOR"), false, false},   {_("NEAREST MISS"), false, false},
        {_("ASKED"), false, false}, {_("OFFERED"), false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    struct arena *arena = call->arena;
    table.indent = "  ";
    if (!answer->rejected.count)
        return;
    cli_heading(call, _("Rejected"));
    for (size_t i = 0; i < answer->rejected.count; i++) {
        const struct solution_rejection *r = &answer->rejected.items[i];
        const char *unit = r->unit ? cli_word("unit", r->unit) : "";
        cli_cell(&table, arena_printf(arena, "%lld", (long long)r->count));
        cli_cell(&table, reason_text(r->reason, arena));
        cli_cell(&table, r->component);
        cli_cell(&table, r->site);
        cli_cell(&table,
                 r->required ? cli_join(arena, cli_word("tier", r->required), " ", unit) : NULL);
        cli_cell(&table,
                 r->observed ? cli_join(arena, cli_word("tier", r->observed), " ", unit) : NULL);
    }
    cli_table_print(call, &table);
}

static void show_conflict(struct cli_call *call, const char *path,
                          const struct requirement *requirement)
{
    const char *value = cli_label_value(path, requirement, call->arena);
    cli_say(call, "  - %s%s%s\n", cli_label(path, requirement, call->arena),
            value[0] ? _(": ") : "", value);
}

/* What stands for a constraint, a looser value of one ("less than …") or one given up ("drop …").
 */
static void show_undecided(struct cli_call *call, const struct solution_answer *answer,
                           const struct requirement *requirement)
{
    if (!answer->undecided.count)
        return;
    cli_heading(call, _("Not decided in the time given"));
    for (size_t i = 0; i < answer->undecided.count; i++) {
        const char *what = answer->undecided.items[i];
        if (strchr(what, ' '))
            cli_say(call, "  - %s\n", cli_relabel(what, requirement, call->arena));
        else
            show_conflict(call, what, requirement);
    }
}

enum err_code cli_show_infeasible(struct cli_call *call, const struct solution_answer *answer,
                                  const struct requirement *requirement, struct err *err)
{
    struct arena *arena = call->arena;
    cli_say(call, "\n%s%s✘ %s%s\n", S_BOLD, S_RED, _("The need cannot be met as it stands."),
            S_RESET);
    for (size_t i = 0; i < answer->conflict.count; i++) {
        if (i == 0)
            cli_heading(call, P_("This cannot be met", "These cannot hold together",
                                 answer->conflict.count));
        show_conflict(call, answer->conflict.items[i], requirement);
    }
    for (size_t i = 0; i < answer->relaxations.count; i++) {
        const struct solution_relaxation *r = &answer->relaxations.items[i];
        if (i == 0)
            cli_heading(call,
                        P_("This would make it possible", "Any one of these would make it possible",
                           answer->relaxations.count));
        cli_say(call, "  %zu. %s", i + 1, cli_relabel(r->change, requirement, arena));
        if (r->cost > 0)
            cli_say(call, " → %s",
                    arena_printf(arena, _("then %s a month"), cli_money(arena, r->cost, NULL)));
        cli_say(call, "\n");
    }
    show_undecided(call, answer, requirement);
    cli_show_rejected(call, answer);
    cli_say(call, "\n");
    err_set(err, ERR_INFEASIBLE, "%s", _("no design meets this need"));
    if (answer->relaxations.count)
        err_hint(err, _("this would make it possible: %s"),
                 cli_relabel(answer->relaxations.items[0].change, requirement, arena));
    return ERR_INFEASIBLE;
}

/* The problem of an infeasible need holds an answer without solutions. */
enum err_code cli_tell_infeasible(struct cli_call *call, const struct http_reply *reply,
                                  const struct requirement *requirement, struct err *err)
{
    static const char *const members[] = {"solutions",   "rejected",  "conflict",
                                          "relaxations", "undecided", "sites_seen"};
    CLEANUP(json_doc_free_at) struct json_doc *doc = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct json_writer w = JSON_WRITER(&text);
    struct solution_answer answer;
    struct err ignored = ERR_INIT;
    if (json_parse(reply->body, reply->body_len, &json_limits_large, &doc, NULL))
        return err->code;
    json_begin(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        CLEANUP(buf_done) struct buf part = BUF_INIT;
        const struct json_value *member = json_get(json_root(doc), members[i]);
        if (!member)
            continue;
        json_write(member, JSON_COMPACT, &part);
        json_key(&w, members[i]);
        json_put_raw(&w, buf_str(&part));
    }
    json_end(&w, '}');
    if (json_decode_stored(buf_str(&text), &solution_answer_table, &answer, call->arena, &ignored))
        return err->code;
    cli_answer_table(call, &solution_answer_table, &answer);
    return cli_show_infeasible(call, &answer, requirement, err);
}

enum err_code cli_show_solution_record(struct cli_call *call, const struct json_value *record,
                                       struct err *err)
{
    struct solution_answer answer;
    enum err_code rc = cli_decode(json_path(record, "spec.answer"), &solution_answer_table, &answer,
                                  call->arena, err);
    if (rc)
        return rc;
    cli_say(call, "%s%s%s  %s\n\n", S_BOLD, json_text(json_get(record, "id"), ""), S_RESET,
            cli_time(call->arena, json_text(json_get(record, "created_at"), "")));
    cli_show_solution_status(call, record);
    cli_show_candidates(call, &answer, SIZE_MAX);
    cli_show_rejected(call, &answer);
    for (size_t i = 0; i < answer.solutions.count; i++) {
        cli_heading(call, arena_printf(call->arena, _("Candidate %zu"), i + 1));
        cli_show_solution(call, &answer.solutions.items[i]);
    }
    return ERR_OK;
}
