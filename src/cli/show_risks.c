/* show_risks.c - hidden dangers for people: the greatest first, each with evidence and what to do
 * about it; then how many of each kind there are; the findings of one kind when it is asked for. */
#include "cli/show_risks.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

static const char *const kind_titles[RISKS_KINDS] = {
    [RISKS_BROKEN] = N_("Broken with nothing failed"),
    [RISKS_SERVICE] = N_("One failure breaks a service"),
    [RISKS_ONE_SITE] = N_("All instances on one site"),
    [RISKS_ONE_GROUP] = N_("Instances in one shared-risk group"),
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
    [RISKS_SAME_GROUP] = N_("one group"),
};
static const char *const basis_words[] = {
    [RISKS_DECLARED] = N_("shared risk %s"),
    [RISKS_SAME_PLACE] = N_("all at %s (a guess)"),
    [RISKS_SAME_ENDS] = N_("all lines %s (a guess)"),
    [RISKS_SAME_OWNER] = N_("all of owner %s (a guess)"),
    [RISKS_SAME_REGION] = N_("all in %s (a guess)"),
};

static const char *severity_style(int severity)
{
    return severity <= RISKS_HIGH ? S_RED : severity == RISKS_MEDIUM ? S_YELLOW : S_DIM;
}

static const char *amount_text(struct cli_call *call, struct opt_double value, const char *unit)
{
    if (!value.set)
        return NULL;
    return arena_printf(call->arena, "%s%s%s", cli_number_text(call->arena, value.value),
                        unit && unit[0] ? " " : "", unit ? unit : "");
}

static const char *element_text(struct cli_call *call, const struct risks_element *element)
{
    if (!element->basis)
        return element->id;
    /* the formats are ours: each takes one text */
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *form = _(basis_words[element->basis]), *hole = strstr(form, "%s");
    size_t before = hole ? (size_t)(hole - form) : strlen(form);
    buf_add(&text, form, before);
    buf_add_str(&text, element->id);
    if (hole)
        buf_add_str(&text, hole + 2);
    return arena_strdup(call->arena, buf_str(&text));
}

static const char *what_text(struct cli_call *call, const struct risks_element *first,
                             const struct risks_element *second, const char *resource)
{
    const char *text = element_text(call, first);
    if (second->id)
        text = arena_printf(call->arena, "%s + %s", text, element_text(call, second));
    if (resource)
        text = arena_printf(call->arena, "%s %s", text, resource);
    return text;
}

/* Whole days; years when they are many, and no false digits of very many. */
static const char *span_text(struct cli_call *call, double days)
{
    if (days > 36500)
        return arena_printf(call->arena, "%s", _("more than 100 years"));
    unsigned long whole = (unsigned long)days;
    return arena_printf(call->arena, P_("%lu day", "%lu days", whole), whole);
}

static const char *days_text(struct cli_call *call, const struct risks_finding *finding)
{
    if (!finding->days.set)
        return NULL;
    return arena_printf(call->arena, _("%s (%s to %s)"), span_text(call, finding->days.value),
                        span_text(call, finding->days_low.value),
                        finding->days_high.set ? span_text(call, finding->days_high.value)
                                               : _("never"));
}

static void add_part(struct buf *text, const char *part)
{
    buf_printf(text, "%s%s", text->len ? _(", ") : "", part);
}

struct losses {
    size_t hanging, dark, sites, access, slower;
    double vcpus;
};

/* What is lost, in words; what is nothing is left out. */
static void add_losses(struct cli_call *call, struct buf *text, const struct losses *l)
{
    struct arena *arena = call->arena;
    if (l->hanging)
        add_part(text, arena_printf(arena,
                                    P_("%zu site hangs by one link",
                                       "%zu sites hang by one link each", l->hanging),
                                    l->hanging));
    else if (l->sites)
        add_part(text, arena_printf(arena, P_("%zu site cut off", "%zu sites cut off", l->sites),
                                    l->sites));
    if (l->access)
        add_part(text,
                 arena_printf(
                     arena, P_("%zu access point cut off", "%zu access points cut off", l->access),
                     l->access));
    if (l->dark && l->dark != l->sites)
        add_part(text, arena_printf(arena,
                                    P_("%zu site out of reach of users",
                                       "%zu sites out of reach of users", l->dark),
                                    l->dark));
    if (l->vcpus > 0)
        add_part(text, arena_printf(arena, _("%s vCPU"), cli_number_text(arena, l->vcpus)));
    if (l->slower)
        add_part(text, arena_printf(arena, P_("%zu site farther", "%zu sites farther", l->slower),
                                    l->slower));
}

static const char *service_text(struct cli_call *call, const struct risks_finding *finding)
{
    struct arena *arena = call->arena;
    const char *text = finding->service ? finding->service : finding->second.id;
    if (finding->of)
        text = arena_printf(arena, _("%s, %lld of %s left"), text, (long long)finding->left,
                            arena_printf(arena, P_("%lld instance", "%lld instances", finding->of),
                                         (long long)finding->of));
    return finding->at ? arena_printf(arena, "%s, %s", text, finding->at) : text;
}

static const char *loss_text(struct cli_call *call, const struct risks_finding *finding)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct losses losses = {.dark = finding->dark};
    switch (finding->kind) {
    case RISKS_CAPACITY:
        return days_text(call, finding);
    case RISKS_ONE_SITE:
        return finding->at;
    case RISKS_ONE_GROUP:
        return service_text(call, finding);
    case RISKS_CUT:
        losses = (struct losses){0, finding->dark,     finding->off.sites, finding->off.access,
                                 0, finding->off.vcpus};
        break;
    case RISKS_SLOWER:
        losses = (struct losses){.slower = finding->slower};
        break;
    default:
        if (finding->service)
            return service_text(call, finding);
    }
    add_losses(call, &text, &losses);
    if (finding->kind == RISKS_SLOWER && finding->at)
        add_part(&text, arena_printf(call->arena, _("most: %s"), finding->at));
    return arena_strdup(call->arena, buf_str(&text));
}

/* ---- the findings of one kind ---- */

static void show_kind(struct cli_call *call, const struct risks_answer *answer, int kind,
                      const struct risks_page *page)
{
    const struct cli_column columns[] = {
        {_("SEVERITY"), false, true, false}, {_("WHAT"), false, false, false},
        {_("WHY"), false, true, false},      {_("OBSERVED"), true, true, false},
        {_("BOUND"), true, true, false},     {_("MARGIN"), true, true, false},
        {_("EFFECT"), false, false, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t seen = 0, shown = 0;
    table.drop_empty = true;
    for (size_t i = 0; i < answer->findings.count; i++) {
        const struct risks_finding *finding = &answer->findings.items[i];
        if (finding->kind != kind || seen++ < page->skip || shown >= page->most)
            continue;
        bool counted = kind == RISKS_CUT || kind == RISKS_ONE_SITE;
        struct opt_double none = {false, 0};
        const struct risks_element nobody = {.kind = NULL};
        shown++;
        cli_cell_style(&table, _(severity_words[finding->severity]),
                       severity_style(finding->severity));
        cli_cell(&table,
                 what_text(call, &finding->element, kind == RISKS_PAIR ? &finding->second : &nobody,
                           finding->resource));
        cli_cell(&table, _(reason_words[finding->reason]));
        cli_cell(&table, amount_text(call, counted ? none : finding->observed, finding->unit));
        cli_cell(&table, amount_text(call, counted ? none : finding->required, finding->unit));
        cli_cell(&table, amount_text(call, counted ? none : finding->margin, finding->unit));
        cli_cell(&table, loss_text(call, finding));
    }
    cli_say(call, "\n" S_BOLD "%s" S_RESET ": %zu\n", _(kind_titles[kind]), answer->counts[kind]);
    cli_table_print(call, &table);
    size_t left = answer->counts[kind] - shown;
    if (left)
        cli_say(
            call,
            P_("and %zu other; --most 0 shows all\n", "and %zu others; --most 0 shows all\n", left),
            left);
}

/* ---- the greatest dangers ---- */

static const char *danger_text(struct cli_call *call, const struct risks_danger *danger)
{
    if (danger->hanging)
        return arena_printf(call->arena, _("any link of a single site at %s"), danger->element.id);
    return what_text(call, &danger->element, &danger->second, NULL);
}

static const char *consequence_text(struct cli_call *call, const struct risks_danger *danger)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const struct losses losses = {danger->hanging,    danger->dark,   danger->off_sites,
                                  danger->off_access, danger->slower, 0};
    if (danger->services) {
        buf_printf(&text, P_("%zu service breaks: ", "%zu services break: ", danger->services),
                   danger->services);
        for (size_t i = 0; i < danger->names.count; i++)
            buf_printf(&text, "%s%s", i ? _(", ") : "", danger->names.items[i]);
        if (danger->names.count < danger->services)
            buf_add_str(&text, " …");
    }
    if (danger->worst->kind == RISKS_ONE_GROUP || danger->worst->kind == RISKS_ONE_SITE ||
        danger->worst->kind == RISKS_CAPACITY) {
        const char *part = loss_text(call, danger->worst);
        if (part)
            add_part(&text, part);
    }
    add_losses(call, &text, &losses);
    return text.len ? arena_strdup(call->arena, buf_str(&text)) : NULL;
}

/* Whose evidence is a count that the reason says already. */
static bool is_counted(const struct risks_finding *finding)
{
    return finding->kind == RISKS_CUT || finding->kind == RISKS_ONE_SITE ||
           finding->kind == RISKS_ONE_GROUP || finding->reason == RISKS_GONE ||
           finding->reason == RISKS_UNREACHABLE;
}

/* Observed against required, in one text. */
static const char *evidence_text(struct cli_call *call, const struct risks_finding *finding)
{
    const char *observed = amount_text(call, finding->observed, NULL), *text = NULL;
    const char *unknown = finding->unknown
                              ? arena_printf(call->arena, _("unknown: %s"),
                                             cli_sentence(finding->unknown, call->arena))
                              : NULL;
    if (observed && finding->required.set && !is_counted(finding))
        text = arena_printf(call->arena, _("%s against %s"), observed,
                            amount_text(call, finding->required, finding->unit));
    if (text && finding->resource)
        text = arena_printf(call->arena, "%s: %s", finding->resource, text);
    return text && unknown ? arena_printf(call->arena, "%s; %s", text, unknown)
           : text          ? text
                           : unknown;
}

static void show_dangers(struct cli_call *call, const struct risks_answer *answer, size_t top)
{
    const struct cli_column columns[] = {{_("SEVERITY"), false, true, false},
                                         {_("WHAT FAILS"), false, false, false},
                                         {_("WHY"), false, true, false},
                                         {_("EVIDENCE"), false, false, true},
                                         {_("CONSEQUENCE"), false, false, true}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    size_t shown = answer->dangers.count < top ? answer->dangers.count : top;
    table.drop_empty = true;
    if (!answer->dangers.count)
        return;
    for (size_t i = 0; i < shown; i++) {
        const struct risks_danger *danger = &answer->dangers.items[i];
        cli_cell_style(&table, _(severity_words[danger->severity]),
                       severity_style(danger->severity));
        cli_cell(&table, danger_text(call, danger));
        cli_cell(&table, _(reason_words[danger->worst->reason]));
        cli_cell(&table, evidence_text(call, danger->worst));
        cli_cell(&table, consequence_text(call, danger));
    }
    cli_say(call, "\n" S_BOLD "%s" S_RESET "\n", _("Greatest dangers"));
    cli_table_print(call, &table);
    if (shown < answer->dangers.count)
        cli_say(call,
                P_("and %zu other; --top N shows more\n", "and %zu others; --top N shows more\n",
                   answer->dangers.count - shown),
                answer->dangers.count - shown);
}

/* ---- what to do ---- */

static const char *link_text(struct cli_call *call, const struct risks_advice *advice)
{
    struct arena *arena = call->arena;
    const char *where = arena_printf(arena, "%s—%s", advice->a, advice->b);
    const char *length = cli_number_text(arena, round(advice->km.value * 10) / 10);
    if (advice->links > 1)
        return arena_printf(arena, _("add %zu links, %s km in all, the shortest %s"), advice->links,
                            length, where);
    const char *text =
        arena_printf(arena, _("add a link %s, %s km, at least %s ms"), where, length,
                     cli_number_text(arena, round(advice->latency_ms.value * 100) / 100));
    if (!advice->amount.set)
        return text;
    return arena_printf(arena, _("%s, for %s"), text,
                        amount_text(call, advice->amount, advice->unit));
}

static const char *instance_text(struct cli_call *call, const struct risks_advice *advice)
{
    struct arena *arena = call->arena;
    const char *text =
        advice->from
            ? arena_printf(arena, _("move instance %lld of %s from %s to %s"),
                           (long long)advice->instance, advice->component, advice->from, advice->to)
            : arena_printf(arena, _("add an instance of %s at %s"), advice->component, advice->to);
    if (!advice->cost_change.set)
        return arena_printf(arena, _("%s, cost unknown"), text);
    return arena_printf(arena, _("%s, %s%s a month"), text,
                        advice->cost_change.value >= 0 ? "+" : "",
                        cli_money(arena, advice->cost_change.value, advice->currency));
}

static const char *advice_text(struct cli_call *call, const struct risks_danger *danger,
                               const struct risks_advice *advice)
{
    struct arena *arena = call->arena;
    const char *text;
    switch (advice->action) {
    case RISKS_ADD_LINK:
        text = link_text(call, advice);
        break;
    case RISKS_MOVE_INSTANCE:
    case RISKS_ADD_INSTANCE:
        text = instance_text(call, advice);
        break;
    default:
        text = advice->links > 1
                   ? arena_printf(arena, _("add %s on %zu links, %s first"),
                                  amount_text(call, advice->amount, advice->unit), advice->links,
                                  advice->a)
                   : arena_printf(arena, _("add %s to %s"),
                                  amount_text(call, advice->amount, advice->unit), advice->a);
    }
    if (!advice->mended)
        return text;
    if (danger->services > 1)
        text =
            arena_printf(arena, _("%s: mends %zu of %zu"), text, advice->mended, danger->services);
    if (advice->breaks < advice->breaks_before)
        text = arena_printf(arena, _("%s; services broken by single failures: %zu instead of %zu"),
                            text, advice->breaks, advice->breaks_before);
    return text;
}

static void show_advice(struct cli_call *call, const struct risks_answer *answer, size_t top)
{
    bool any = false;
    for (size_t i = 0; i < answer->dangers.count && i < top; i++) {
        const struct risks_danger *danger = &answer->dangers.items[i];
        const char *lead = arena_printf(call->arena, "  %s: ", danger_text(call, danger));
        if (!danger->advised || (!danger->advice.count && !danger->no_advice))
            continue;
        if (!any)
            cli_say(call, "\n" S_BOLD "%s" S_RESET "\n", _("What to do"));
        any = true;
        for (size_t k = 0; k < danger->advice.count; k++)
            cli_say_wrapped(call, lead, NULL, advice_text(call, danger, &danger->advice.items[k]));
        if (danger->no_advice)
            cli_say_wrapped(call, lead, S_DIM, cli_sentence(danger->no_advice, call->arena));
    }
}

static void show_counts(struct cli_call *call, const struct risks_answer *answer)
{
    const struct cli_column columns[] = {{_("FINDINGS"), true, true, false},
                                         {_("OF"), false, true, false},
                                         {_("SHOWN BY"), false, true, false}};
    struct cli_table table = CLI_TABLE_INIT(columns, call->arena);
    for (int kind = 1; kind < RISKS_KINDS; kind++) {
        if (!answer->counts[kind])
            continue;
        cli_cell(&table, arena_printf(call->arena, "%zu", answer->counts[kind]));
        cli_cell(&table, _(kind_titles[kind]));
        cli_cell_style(&table, arena_printf(call->arena, "--kind %s", risks_kind_names[kind]),
                       S_DIM);
    }
    cli_say(call, "\n");
    if (table.cells.count)
        cli_table_print(call, &table);
    else
        cli_say(call, S_GREEN "%s" S_RESET "\n", _("No hidden danger was found."));
}

static void show_scope(struct cli_call *call, const struct risks_answer *answer)
{
    struct arena *arena = call->arena;
    cli_say(
        call, _("%s, %s, %s; %s\n"),
        arena_printf(arena, P_("%zu site", "%zu sites", answer->sites), answer->sites),
        arena_printf(arena, P_("%zu access point", "%zu access points", answer->access),
                     answer->access),
        arena_printf(arena, P_("%zu link", "%zu links", answer->links), answer->links),
        arena_printf(arena, P_("%zu service", "%zu services", answer->services), answer->services));
    cli_say(call, _("single failures: all %zu looked at, of consequence: %zu\n"), answer->singles,
            answer->singles_felt);
    cli_say(call, _("groups that fail together: %zu declared, %zu guessed, all looked at\n"),
            answer->groups, answer->inferred);
    cli_say(call, _("pairs: %llu, worked out %llu, left out %llu"),
            (unsigned long long)answer->pairs, (unsigned long long)answer->pairs_tried,
            (unsigned long long)answer->pairs_left);
    if (answer->pair_most.set)
        cli_say(call,
                P_(" (one of these darkens at most %llu site)",
                   " (one of these darkens at most %llu sites)", answer->pair_most.value),
                (unsigned long long)answer->pair_most.value);
    cli_say(call, "\n");
}

void cli_show_risks(struct cli_call *call, const struct risks_answer *answer, int kind,
                    const struct risks_page *page, double seconds)
{
    show_scope(call, answer);
    if (kind) {
        show_kind(call, answer, kind, page);
    } else {
        show_dangers(call, answer, page->top);
        show_advice(call, answer, page->top);
        show_counts(call, answer);
    }
    cli_say(call, "\n");
    for (size_t i = 0; i < answer->notes.count; i++)
        cli_say_wrapped(call, arena_printf(call->arena, "%s ", _("note:")), S_DIM,
                        cli_sentence(answer->notes.items[i], call->arena));
    cli_say(call, _("took %s\n"), cli_seconds(call->arena, seconds));
}
