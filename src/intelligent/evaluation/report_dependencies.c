/* report_dependencies.c - the versions of applications and middleware that the solution's
 * applications depend on, and theirs: one version of each that all can use, or the needs that
 * contradict each other.
 *
 * What is chosen from: a name that is among the solution's applications is there in the versions
 * placed; of any other every published version.  An optional need asks for nothing.  A name of
 * which nothing is known, and a range that cannot be understood, are unknown and take no part in
 * the search. */
#include <stdlib.h>

#include "intelligent/evaluation/evaluation_priv.h"
#include "intelligent/evaluation/resolve_priv.h"

#define VERSIONS_NAMED 6 /* of one package in a text; more are counted */

struct offered { /* one version of a package */
    const struct application_spec_ref *ref;
};

struct package {
    const char *name;
    LIST(struct offered) versions; /* newest first */
};

struct need { /* what a statement says, for people */
    const struct application_spec_ref *owner;
    const struct application_spec_dependency *text;
    size_t package;
};

struct unknown { /* a need that could not be looked at */
    const struct application_spec_ref *owner;
    const struct application_spec_dependency *text;
    bool range; /* it is the range that is not understood; else the name is not known */
};

struct group {
    size_t owner, package;
    const char *owner_name, *range;
};

struct resolution {
    struct evaluation_model *model;
    const struct application_spec_refs *known;
    struct arena *arena;
    const struct application_spec_ref **by_name; /* all that are known, sorted */
    LIST(struct package) packages;
    LIST(struct need) needs;
    LIST(struct resolve_statement) statements;
    LIST(struct group) groups;
    LIST(struct unknown) unknowns;
    LIST(size_t) unknown_owner; /* package of the owner, or RESOLVE_ROOT, with its version: */
    LIST(size_t) unknown_version;
};

const struct application_spec_ref *evaluation_application(const struct evaluation_model *model,
                                                          size_t component)
{
    const char *name = model->requirement->components.items[component].name;
    return model->input.applications ? application_spec_find(model->input.applications, name)
                                     : NULL;
}

static bool is_placed(const struct resolution *r, const struct application_spec_ref *ref)
{
    return ref->component && requirement_find(r->model->requirement, ref->component);
}

static int newest_first(const void *a, const void *b)
{
    const struct application_spec_ref *x = ((const struct offered *)a)->ref;
    const struct application_spec_ref *y = ((const struct offered *)b)->ref;
    int order = evaluation_version_compare(y->spec.version, x->spec.version);
    return order ? order : strcmp(x->id ? x->id : "", y->id ? y->id : "");
}

static int by_name(const void *a, const void *b)
{
    const struct application_spec_ref *x = *(const struct application_spec_ref *const *)a;
    const struct application_spec_ref *y = *(const struct application_spec_ref *const *)b;
    int order = strcmp(x->spec.name ? x->spec.name : "", y->spec.name ? y->spec.name : "");
    return order ? order : (x > y) - (x < y); /* they lie in one array: as given */
}

static void sort_known(struct resolution *r)
{
    size_t count = r->known->items.count;
    r->by_name = arena_array(r->arena, count + 1, sizeof *r->by_name);
    for (size_t i = 0; i < count; i++)
        r->by_name[i] = &r->known->items.items[i];
    qsort(r->by_name, count, sizeof *r->by_name, by_name);
}

/* The first of that name and how many there are. */
static size_t find_known(const struct resolution *r, const char *name, size_t *ret_count)
{
    size_t low = 0, high = r->known->items.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *own = r->by_name[middle]->spec.name;
        if (strcmp(own ? own : "", name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_count = 0;
    while (low + *ret_count < r->known->items.count &&
           str_eq(r->by_name[low + *ret_count]->spec.name, name))
        ++*ret_count;
    return low;
}

static void gather_versions(struct resolution *r, struct package *package, size_t first,
                            size_t count)
{
    bool placed = false;
    for (size_t i = first; i < first + count; i++)
        placed = placed || is_placed(r, r->by_name[i]);
    for (size_t i = first; i < first + count; i++) {
        const struct application_spec_ref *ref = r->by_name[i];
        bool there = false;
        if (placed ? !is_placed(r, ref) : !str_eq(ref->state, "published"))
            continue;
        for (size_t k = 0; k < package->versions.count && !there; k++)
            there = str_eq(package->versions.items[k].ref->spec.version, ref->spec.version);
        if (!there)
            LIST_ADD(r->arena, &package->versions)->ref = ref;
    }
    if (package->versions.count)
        qsort(package->versions.items, package->versions.count, sizeof *package->versions.items,
              newest_first);
}

/* SIZE_MAX when nothing is known of it. */
static size_t package_of(struct resolution *r, const char *name)
{
    for (size_t i = 0; i < r->packages.count; i++)
        if (str_eq(r->packages.items[i].name, name))
            return i;
    size_t count, first = find_known(r, name, &count);
    if (count == 0)
        return SIZE_MAX;
    struct package *package = LIST_ADD(r->arena, &r->packages);
    package->name = name;
    gather_versions(r, package, first, count);
    return r->packages.count - 1;
}

static size_t group_of(struct resolution *r, const struct group *wanted)
{
    for (size_t i = 0; i < r->groups.count; i++) {
        const struct group *have = &r->groups.items[i];
        if (have->owner == wanted->owner && have->package == wanted->package &&
            str_eq(have->owner_name, wanted->owner_name) && str_eq(have->range, wanted->range))
            return i;
    }
    *LIST_ADD(r->arena, &r->groups) = *wanted;
    return r->groups.count - 1;
}

static void add_unknown(struct resolution *r, const struct unknown *unknown, size_t owner,
                        size_t version)
{
    *LIST_ADD(r->arena, &r->unknowns) = *unknown;
    *LIST_ADD(r->arena, &r->unknown_owner) = owner;
    *LIST_ADD(r->arena, &r->unknown_version) = version;
}

/* What one version needs becomes statements. */
static void add_needs(struct resolution *r, const struct application_spec_ref *ref, size_t owner,
                      size_t version)
{
    for (size_t i = 0; i < ref->spec.dependencies.count; i++) {
        const struct application_spec_dependency *need = &ref->spec.dependencies.items[i];
        bool understood = true;
        if (!need->name || (need->optional.set && need->optional.value))
            continue;
        size_t number = package_of(r, need->name);
        if (number == SIZE_MAX) {
            add_unknown(r, &(struct unknown){ref, need, false}, owner, version);
            continue;
        }
        const struct package *package = &r->packages.items[number];
        bool *allows = arena_array(r->arena, package->versions.count + 1, sizeof *allows);
        for (size_t v = 0; v < package->versions.count; v++) {
            bool own;
            allows[v] = evaluation_version_suits(package->versions.items[v].ref->spec.version,
                                                 need->version, &own);
            understood = understood && own;
        }
        if (!understood) {
            add_unknown(r, &(struct unknown){ref, need, true}, owner, version);
            continue;
        }
        struct group group = {owner, number,
                              owner == RESOLVE_ROOT ? ref->id : r->packages.items[owner].name,
                              need->version ? need->version : "*"};
        *LIST_ADD(r->arena, &r->needs) = (struct need){ref, need, number};
        *LIST_ADD(r->arena, &r->statements) =
            (struct resolve_statement){owner, version, number, allows, group_of(r, &group)};
    }
}

static struct resolve_problem problem_of(struct resolution *r)
{
    struct arena *arena = r->arena;
    struct resolve_package *packages = arena_array(arena, r->packages.count + 1, sizeof *packages);
    size_t ***needs = arena_array(arena, r->packages.count + 1, sizeof *needs);
    size_t **counts = arena_array(arena, r->packages.count + 1, sizeof *counts);
    for (size_t p = 0; p < r->packages.count; p++) {
        size_t versions = r->packages.items[p].versions.count;
        needs[p] = arena_array(arena, versions + 1, sizeof **needs);
        counts[p] = arena_array(arena, versions + 1, sizeof **counts);
        packages[p] =
            (struct resolve_package){versions, (const size_t *const *)needs[p], counts[p]};
    }
    for (size_t i = 0; i < r->statements.count; i++)
        if (r->statements.items[i].owner != RESOLVE_ROOT)
            counts[r->statements.items[i].owner][r->statements.items[i].owner_version]++;
    for (size_t i = 0; i < r->statements.count; i++) {
        size_t p = r->statements.items[i].owner, v = r->statements.items[i].owner_version;
        if (p == RESOLVE_ROOT)
            continue;
        if (!needs[p][v]) {
            needs[p][v] = arena_array(arena, counts[p][v], sizeof ***needs);
            counts[p][v] = 0;
        }
        needs[p][v][counts[p][v]++] = i;
    }
    return (struct resolve_problem){.packages = packages,
                                    .package_count = r->packages.count,
                                    .statements = r->statements.items,
                                    .statement_count = r->statements.count,
                                    .group_count = r->groups.count};
}

/* ---- texts ---- */
static const char *need_text(const struct application_spec_dependency *need, struct arena *arena)
{
    return arena_printf(arena, "%s %s", need->name, need->version ? need->version : "*");
}

static const char *versions_text(const struct resolution *r, const struct package *package)
{
    const char *text = "";
    if (package->versions.count == 0)
        return "no published version";
    for (size_t v = 0; v < package->versions.count && v < VERSIONS_NAMED; v++)
        text = arena_printf(r->arena, "%s%s%s", text, v ? ", " : "",
                            package->versions.items[v].ref->spec.version
                                ? package->versions.items[v].ref->spec.version
                                : "?");
    if (package->versions.count > VERSIONS_NAMED)
        text = arena_printf(r->arena, "%s, +%zu", text, package->versions.count - VERSIONS_NAMED);
    return text;
}

/* "shop 1.2"; of a package, all versions that say it: "postgresql 13.4, 14.1". */
static const char *owners_text(const struct resolution *r, size_t group)
{
    const char *text = NULL;
    size_t count = 0;
    for (size_t i = 0; i < r->statements.count; i++) {
        const struct application_spec_ref *owner = r->needs.items[i].owner;
        const char *version = owner->spec.version ? owner->spec.version : "?";
        if (r->statements.items[i].group != group || count++ >= VERSIONS_NAMED)
            continue;
        text = text ? arena_printf(r->arena, "%s, %s", text, version)
                    : arena_printf(r->arena, "%s %s", owner->spec.name ? owner->spec.name : "?",
                                   version);
    }
    return count > VERSIONS_NAMED ? arena_printf(r->arena, "%s, +%zu", text, count - VERSIONS_NAMED)
                                  : text;
}

static const char *conflict_text(const struct resolution *r, const struct resolve_answer *answer)
{
    const char *text = NULL;
    for (size_t g = 0; g < r->groups.count; g++) {
        if (!answer->blamed[g])
            continue;
        const struct group *group = &r->groups.items[g];
        const char *one = arena_printf(r->arena, "%s needs %s %s", owners_text(r, g),
                                       r->packages.items[group->package].name, group->range);
        text = text ? arena_printf(r->arena, "%s; %s", text, one) : one;
    }
    return text ? text : "?";
}

static const char *chosen_text(const struct resolution *r, const struct resolve_answer *answer)
{
    const char *text = NULL;
    for (size_t p = 0; p < r->packages.count; p++) {
        if (answer->chosen[p] == SIZE_MAX)
            continue;
        const struct package *package = &r->packages.items[p];
        const char *version = package->versions.items[answer->chosen[p]].ref->spec.version;
        text = arena_printf(r->arena, "%s%s%s %s", text ? text : "", text ? ", " : "",
                            package->name, version ? version : "?");
    }
    return text;
}

/* ---- checks ---- */
static void say_ref(struct evaluation_checks *checks, struct feasibility_check *check,
                    const struct application_spec_ref *ref, const char *text)
{
    evaluation_evidence_add(checks, check, "application", ref->id, text, 0);
}

static struct feasibility_check *claim(struct evaluation_checks *checks, const char *code,
                                       const char *subject, int verdict, const char *required,
                                       const char *observed)
{
    return evaluation_claim_application(checks, code, subject, verdict, required, observed,
                                        verdict == VERDICT_UNKNOWN ? 0.0 : 1.0);
}

/* Each need of each application of the solution by itself. */
static void check_direct(struct resolution *r, struct evaluation_checks *checks,
                         const struct resolve_answer *answer)
{
    for (size_t i = 0; i < r->statements.count; i++) {
        const struct resolve_statement *statement = &r->statements.items[i];
        const struct package *package = &r->packages.items[statement->package];
        const struct need *need = &r->needs.items[i];
        size_t met = SIZE_MAX;
        if (statement->owner != RESOLVE_ROOT)
            continue;
        for (size_t v = 0; v < package->versions.count && met == SIZE_MAX; v++)
            if (statement->allows[v])
                met = v;
        if (met != SIZE_MAX && answer->outcome == RESOLVE_FOUND)
            met = answer->chosen[statement->package];
        const struct application_spec_ref *ref =
            met == SIZE_MAX ? need->owner : package->versions.items[met].ref;
        struct feasibility_check *check =
            claim(checks, "dependency", need->owner->component,
                  met == SIZE_MAX ? VERDICT_FAIL : VERDICT_PASS, need_text(need->text, r->arena),
                  met == SIZE_MAX ? versions_text(r, package) : ref->id);
        say_ref(checks, check, ref, ref->digest);
    }
    for (size_t i = 0; i < r->unknowns.count; i++) {
        const struct unknown *unknown = &r->unknowns.items[i];
        if (r->unknown_owner.items[i] != RESOLVE_ROOT)
            continue;
        say_ref(checks,
                claim(checks, "dependency", unknown->owner->component, VERDICT_UNKNOWN,
                      need_text(unknown->text, r->arena), NULL),
                unknown->owner,
                unknown->range ? "the range of versions cannot be understood"
                               : "nothing of that name is known");
    }
}

static void say_conflict(struct resolution *r, struct evaluation_checks *checks,
                         struct feasibility_check *check, const struct resolve_answer *answer)
{
    bool *said = arena_array(r->arena, r->packages.count + 1, sizeof *said);
    for (size_t i = 0; i < r->statements.count; i++)
        if (answer->blamed[r->statements.items[i].group])
            say_ref(
                checks, check, r->needs.items[i].owner,
                arena_printf(r->arena, "needs %s", need_text(r->needs.items[i].text, r->arena)));
    for (size_t g = 0; g < r->groups.count; g++) {
        size_t package = r->groups.items[g].package;
        if (!answer->blamed[g] || said[package])
            continue;
        said[package] = true;
        evaluation_evidence_add(
            checks, check, "application", r->packages.items[package].name,
            arena_printf(r->arena, "there is: %s", versions_text(r, &r->packages.items[package])),
            0);
    }
}

/* All of them together, with what they need in turn. */
static void check_together(struct resolution *r, struct evaluation_checks *checks,
                           const struct resolve_answer *answer)
{
    static const char required[] = "one version of each that all can use";
    if (r->statements.count == 0)
        return;
    if (answer->outcome == RESOLVE_NONE) {
        struct feasibility_check *check = claim(checks, "dependency.versions", "service",
                                                VERDICT_FAIL, required, conflict_text(r, answer));
        say_conflict(r, checks, check, answer);
        return;
    }
    bool open = answer->outcome == RESOLVE_STOPPED;
    struct feasibility_check *check = NULL;
    size_t missing = SIZE_MAX;
    for (size_t i = 0; i < r->unknowns.count && !open && missing == SIZE_MAX; i++) {
        size_t owner = r->unknown_owner.items[i];
        if (owner == RESOLVE_ROOT || answer->chosen[owner] == r->unknown_version.items[i])
            missing = i;
    }
    check = claim(checks, "dependency.versions", "service",
                  open || missing != SIZE_MAX ? VERDICT_UNKNOWN : VERDICT_PASS, required,
                  open ? NULL : chosen_text(r, answer));
    if (open)
        evaluation_evidence_add(checks, check, "application", NULL,
                                "too many combinations of versions: not settled", 0);
    else if (missing != SIZE_MAX)
        say_ref(checks, check, r->unknowns.items[missing].owner,
                arena_printf(r->arena, "needs %s, of which too little is known",
                             need_text(r->unknowns.items[missing].text, r->arena)));
    for (size_t p = 0; p < r->packages.count && !open; p++)
        if (answer->chosen[p] != SIZE_MAX) {
            const struct application_spec_ref *ref =
                r->packages.items[p].versions.items[answer->chosen[p]].ref;
            say_ref(checks, check, ref, ref->digest);
        }
}

void evaluation_report_dependencies(struct evaluation_model *model,
                                    struct evaluation_checks *checks)
{
    struct resolution r = {
        .model = model, .known = model->input.applications, .arena = checks->arena};
    struct resolve_answer answer;
    if (!r.known)
        return;
    sort_known(&r);
    for (size_t c = 0; c < model->requirement->components.count; c++) {
        const struct application_spec_ref *ref = evaluation_application(model, c);
        if (ref && model->requirement->components.items[c].form != FORM_SERVER)
            add_needs(&r, ref, RESOLVE_ROOT, 0);
    }
    for (size_t p = 0; p < r.packages.count; p++) /* grows: theirs, and theirs … */
        for (size_t v = 0; v < r.packages.items[p].versions.count; v++)
            add_needs(&r, r.packages.items[p].versions.items[v].ref, p, v);
    struct resolve_problem problem = problem_of(&r);
    evaluation_resolve(&problem, &answer, r.arena);
    check_direct(&r, checks, &answer);
    check_together(&r, checks, &answer);
}
