/* assume.c - what a solution takes for granted, in words, and how long opening it should take.
 *
 * Contract: every default that the contract fills in, every site left out for missing data and
 * every parameter of the estimate is said once.  O(components × sites of the solution +
 * rejections). */
#include "intelligent/design/design_priv.h"

/* ---- opening time ----
 * The defaults of provision/plan, which come from the project's own test sites; all that can go on
 * side by side does, so the slowest placement decides. */
#define DELIVER_S 1.0
#define DELIVER_MBPS 100.0 /* where no link of the site is slower */
#define ADDRESS_S 2.0
#define BANDWIDTH_S 2.0
#define CHECK_S 2.0

static double start_seconds(int form)
{
    switch (form) {
    case FORM_SERVER:
        return 10;
    case FORM_VM_IMAGE:
        return 7; /* with its boot */
    default:
        return 3;
    }
}

static double amount(struct opt_double value)
{
    return value.set ? value.value : 0;
}

/* What the site's best link has left, at most the default. */
static double delivery_mbps(const struct network *network, const char *site)
{
    double best = 0;
    bool known = false;
    for (size_t i = 0; i < network->links.count; i++) {
        const struct network_link *link = &network->links.items[i];
        if (!link->bandwidth_mbps.set || !(str_eq(link->a, site) || str_eq(link->b, site)))
            continue;
        known = true;
        best = fmax(best, link->bandwidth_mbps.value - amount(link->used_mbps));
    }
    return known && best > 0 ? fmin(best, DELIVER_MBPS) : DELIVER_MBPS;
}

static void estimate_opening(const struct design_problem *p, const struct evaluation_input *given,
                             struct solution *solution, struct arena *arena)
{
    double slowest = 0;
    size_t unsized = 0;
    bool flows = false;
    for (size_t f = 0; f < p->flow_count; f++)
        flows = flows || p->flows[f].bandwidth_mbps > 0;
    for (size_t i = 0; i < solution->placements.count; i++) {
        const struct solution_placement *placement = &solution->placements.items[i];
        const struct requirement_component *component =
            requirement_find(p->requirement, placement->component);
        const struct application_spec_ref *application =
            given->applications ? application_spec_find(given->applications, placement->component)
                                : NULL;
        double bytes = application ? (double)application->size_bytes : 0, deliver = DELIVER_S;
        if (bytes > 0)
            deliver += bytes * 8e-6 / delivery_mbps(p->network, placement->site);
        unsized += bytes <= 0 && placement->instance == 0 && component->form != FORM_SERVER;
        double before = component->form == FORM_SERVER ? 0 : deliver;
        if (p->addresses > 0 && i == 0)
            before = fmax(before, ADDRESS_S);
        if (flows)
            before = fmax(before, BANDWIDTH_S);
        slowest = fmax(slowest, before + start_seconds(component->form) + CHECK_S);
    }
    solution->opening_s = (struct opt_double){true, slowest};
    *LIST_ADD(arena, &solution->assumptions) =
        "opening takes what the test sites took at most, all placements side by side: delivery 1 s "
        "and its size over the site's link (at most 100 Mbit/s), start 3 s (virtual machine 7 s, "
        "server 10 s), check 2 s";
    if (unsized)
        *LIST_ADD(arena, &solution->assumptions) = arena_printf(
            arena, "applications of unknown size, whose transfer is not in the opening time: %zu",
            unsized);
}

/* ---- what the requirement leaves open ---- */
static void say(struct solution *solution, struct arena *arena, const char *text)
{
    *LIST_ADD(arena, &solution->assumptions) = text;
}

enum blank { BLANK_INSTANCES, BLANK_VCPUS, BLANK_MEMORY, BLANK_DISK, BLANK_ARCH, BLANKS };

static bool is_blank(const struct requirement_component *component, int blank)
{
    switch (blank) {
    case BLANK_INSTANCES:
        return !component->instances.set;
    case BLANK_VCPUS:
        return !component->vcpus.set;
    case BLANK_MEMORY:
        return !component->memory_gib.set;
    case BLANK_DISK:
        return !component->disk_gib.set;
    default:
        return component->arch == ARCH_ABSENT;
    }
}

static void say_blanks(const struct design_problem *p, struct solution *solution,
                       struct arena *arena)
{
    int64_t least = 1;
    const struct requirement *r = p->requirement;
    if (r->reliability.replicas.set && r->reliability.replicas.value > least)
        least = r->reliability.replicas.value;
    if (r->reliability.mode && least < 2)
        least = 2;
    const char *const texts[BLANKS] = {
        [BLANK_INSTANCES] =
            arena_printf(arena, "instances are not stated: %lld each", (long long)least),
        [BLANK_VCPUS] = "vcpus are not stated: none are counted",
        [BLANK_MEMORY] = "memory is not stated: none is counted",
        [BLANK_DISK] = "disk is not stated: none is counted",
        [BLANK_ARCH] = "no architecture is stated: any will do",
    };
    for (int blank = 0; blank < BLANKS; blank++) {
        const char *names = NULL;
        for (size_t c = 0; c < p->count; c++) {
            const struct requirement_component *component = &r->components.items[c];
            if (is_blank(component, blank))
                names =
                    names ? arena_printf(arena, "%s, %s", names, component->name) : component->name;
        }
        if (names)
            say(solution, arena, arena_printf(arena, "%s: %s", names, texts[blank]));
    }
}

static void say_user(const struct design_problem *p, struct solution *solution, struct arena *arena)
{
    const struct requirement *r = p->requirement;
    const char *names = NULL;
    bool user = false, stated = false;
    for (size_t f = 0; f < p->flow_count; f++) {
        if (p->flows[f].from >= 0)
            continue;
        const char *name = r->components.items[p->flows[f].to].name;
        names = names ? arena_printf(arena, "%s, %s", names, name) : name;
        user = true;
    }
    for (size_t f = 0; f < r->flows.count; f++)
        stated = stated || str_eq(r->flows.items[f].from, "user");
    if (user && !r->user_location)
        say(solution, arena,
            "no user location is stated: users are taken to be at the farthest access point");
    if (user && !stated)
        say(solution, arena,
            arena_printf(arena,
                         "no flow from the user is stated: the network's latency and bandwidth are "
                         "those from the user to %s",
                         names));
}

/* ---- what the network leaves open ---- */
/* Sites that were no option because something is not known of them, by what that is. */
static void say_left_out(const struct design_problem *p, struct solution *solution,
                         struct arena *arena)
{
    for (size_t c = 0; c < p->count; c++)
        for (size_t i = 0; i < p->components[c].rejected.count; i++) {
            const struct solution_rejection *item = &p->components[c].rejected.items[i];
            if (str_has_prefix(item->reason, "unknown."))
                say(solution, arena,
                    arena_printf(arena, "sites left out for %s because %s is not known there: %lld",
                                 item->component, item->reason + strlen("unknown."),
                                 (long long)item->count));
        }
}

static void say_prices(struct solution *solution, struct arena *arena)
{
    size_t without = 0;
    for (size_t i = 0; i < solution->cost_lines.count; i++)
        without += solution->cost_lines.items[i].basis == BASIS_ABSENT;
    if (without)
        say(solution, arena,
            arena_printf(arena,
                         "prices of no stated basis, taken as the network states them: %zu of %zu",
                         without, solution->cost_lines.count));
}

void design_assume(const struct design_problem *problem, const struct design_wishes *wishes,
                   const struct evaluation_input *given, struct solution *solution,
                   struct arena *arena)
{
    const struct requirement *requirement = problem->requirement;
    say_user(problem, solution, arena);
    if (requirement->budget && isnan(evaluation_budget_months(problem->model)))
        say(solution, arena,
            "the budget was not compared: it is in another currency, or paid once for an unstated "
            "duration");
    if (solution->catalogue_only)
        say(solution, arena, "at least one site is catalogue only and cannot be opened from here");
    for (size_t i = 0; i < wishes->items.count; i++)
        say(solution, arena, arena_printf(arena, "%s, as asked", wishes->items.items[i].name));
    say_blanks(problem, solution, arena);
    say_left_out(problem, solution, arena);
    say_prices(solution, arena);
    if (requirement->service_level.availability_percent.set || problem->two_sites)
        say(solution, arena, "sites fail independently of each other");
    if (problem->flow_count > 0)
        say(solution, arena,
            "traffic takes the path of least latency, at the latency stated for an idle link; a "
            "link with no price costs nothing");
    if (problem->addresses > 0)
        say(solution, arena, "public addresses are those of the first component's instance 0");
    say(solution, arena,
        "a month has 730 hours; free capacity is what the network states, with no reservation "
        "made");
    estimate_opening(problem, given, solution, arena);
}
