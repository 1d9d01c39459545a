/* resolve.c - one version of each package so that all needs are met: depth-first search that picks
 * the package with the fewest versions left, jumps back over decisions that a failure does not rest
 * on, and remembers every failure as a set of decisions never to be made together again.
 *
 * Method: conflict-directed backjumping (Prosser 1993) with learned conflicts, as solvers of
 * version constraints do.  Contract: exact; exponential only in what the conflicts leave, and
 * stopped after the allowed work.  Recursion is as deep as packages are chosen. */
#include <stdint.h>
#include <string.h>

#include "intelligent/evaluation/resolve_priv.h"

#define LEARNED_MAX 4096 /* conflicts remembered; later ones only steer the jump */
#define LEARNED_SIZE 8   /* decisions of a remembered conflict; larger ones seldom come again */

struct decision {
    size_t package, version;
};

struct learned {
    struct decision *items;
    size_t count;
};

struct search {
    const struct resolve_problem *problem;
    const bool *enabled;
    struct arena *arena;
    size_t *chosen; /* by package; SIZE_MAX = not yet */
    size_t *level;  /* by package, when chosen: how deep */
    bool *used;
    LIST(size_t) active; /* statements that hold now, in order; room for all of them */
    LIST(struct learned) learned;
    bool **blame; /* by depth: packages whose decisions the failure rests on */
    size_t work, work_max;
};

static const struct resolve_statement *statement_at(const struct search *s, size_t i)
{
    return &s->problem->statements[i];
}

static void activate(struct search *s, size_t statement)
{
    if (s->enabled[statement_at(s, statement)->group])
        s->active.items[s->active.count++] = statement;
}

static bool allowed(const struct search *s, size_t package, size_t version)
{
    for (size_t i = 0; i < s->active.count; i++) {
        const struct resolve_statement *statement = statement_at(s, s->active.items[i]);
        if (statement->package == package && !statement->allows[version])
            return false;
    }
    return true;
}

/* The open package with the fewest versions left; SIZE_MAX when all needs are met. */
static size_t pick(const struct search *s)
{
    size_t best = SIZE_MAX, fewest = SIZE_MAX;
    for (size_t i = 0; i < s->active.count; i++) {
        size_t package = statement_at(s, s->active.items[i])->package, left = 0;
        if (s->chosen[package] != SIZE_MAX || package == best)
            continue;
        for (size_t v = 0; v < s->problem->packages[package].versions; v++)
            left += allowed(s, package, v);
        if (left < fewest) {
            fewest = left;
            best = package;
        }
    }
    return best;
}

static void blame_owner(struct search *s, size_t depth, size_t statement)
{
    size_t owner = statement_at(s, statement)->owner;
    s->used[statement_at(s, statement)->group] = true;
    if (owner != RESOLVE_ROOT)
        s->blame[depth][owner] = true;
}

/* Of the active statements on the package that exclude the version (SIZE_MAX: of all), the one that
 * rests on the earliest decision; SIZE_MAX if none does. */
static size_t earliest(const struct search *s, size_t package, size_t version)
{
    size_t best = SIZE_MAX, best_level = SIZE_MAX;
    for (size_t i = 0; i < s->active.count; i++) {
        const struct resolve_statement *statement = statement_at(s, s->active.items[i]);
        if (statement->package != package || (version != SIZE_MAX && statement->allows[version]))
            continue;
        size_t level = statement->owner == RESOLVE_ROOT ? 0 : s->level[statement->owner] + 1;
        if (level < best_level) {
            best_level = level;
            best = s->active.items[i];
        }
    }
    return best;
}

/* Why versions are not tried at all; and why the package is needed. */
static void blame_exclusions(struct search *s, size_t depth, size_t package)
{
    bool any = false;
    for (size_t v = 0; v < s->problem->packages[package].versions; v++) {
        size_t statement = earliest(s, package, v);
        if (statement == SIZE_MAX)
            continue;
        blame_owner(s, depth, statement);
        any = true;
    }
    if (!any)
        blame_owner(s, depth, earliest(s, package, SIZE_MAX));
}

static void learn(struct search *s, size_t depth)
{
    size_t count = 0;
    struct decision items[LEARNED_SIZE];
    if (s->learned.count >= LEARNED_MAX)
        return;
    for (size_t p = 0; p < s->problem->package_count; p++) {
        if (!s->blame[depth][p])
            continue;
        if (count == LEARNED_SIZE)
            return;
        items[count++] = (struct decision){p, s->chosen[p]};
    }
    *LIST_ADD(s->arena, &s->learned) =
        (struct learned){arena_memdup(s->arena, items, count * sizeof *items), count};
}

/* Would the decision complete a remembered conflict?  Its other decisions are blamed. */
static bool is_known_conflict(struct search *s, size_t depth, size_t package)
{
    for (size_t i = 0; i < s->learned.count; i++) {
        const struct learned *learned = &s->learned.items[i];
        bool has = false, all = true;
        for (size_t k = 0; k < learned->count && all; k++) {
            has = has || learned->items[k].package == package;
            all = s->chosen[learned->items[k].package] == learned->items[k].version;
        }
        if (!has || !all)
            continue;
        for (size_t k = 0; k < learned->count; k++)
            if (learned->items[k].package != package)
                s->blame[depth][learned->items[k].package] = true;
        return true;
    }
    return false;
}

/* Activates what the version needs; false when that contradicts an earlier decision. */
static bool take(struct search *s, size_t depth, size_t package, size_t version)
{
    const struct resolve_package *own = &s->problem->packages[package];
    s->chosen[package] = version;
    s->level[package] = depth;
    if (is_known_conflict(s, depth, package))
        return false;
    for (size_t i = 0; i < own->need_count[version]; i++) {
        size_t number = own->needs[version][i];
        const struct resolve_statement *statement = statement_at(s, number);
        if (!s->enabled[statement->group])
            continue;
        size_t other = s->chosen[statement->package];
        if (other != SIZE_MAX && !statement->allows[other]) {
            s->used[statement->group] = true;
            if (statement->package != package)
                s->blame[depth][statement->package] = true;
            return false;
        }
        activate(s, number);
    }
    return true;
}

static bool *blame_of(struct search *s, size_t depth)
{
    size_t count = s->problem->package_count;
    if (!s->blame[depth])
        s->blame[depth] = arena_array(s->arena, count + 1, sizeof **s->blame);
    memset(s->blame[depth], 0, count * sizeof **s->blame);
    return s->blame[depth];
}

static enum resolve_outcome search(struct search *s, size_t depth)
{
    bool *own = blame_of(s, depth);
    size_t package = pick(s);
    if (package == SIZE_MAX)
        return RESOLVE_FOUND;
    blame_exclusions(s, depth, package);
    for (size_t v = 0; v < s->problem->packages[package].versions; v++) {
        if (!allowed(s, package, v))
            continue;
        if (s->work++ >= s->work_max)
            return RESOLVE_STOPPED;
        size_t active = s->active.count;
        enum resolve_outcome outcome = RESOLVE_NONE;
        bool taken = take(s, depth, package, v);
        if (taken)
            outcome = search(s, depth + 1);
        if (outcome != RESOLVE_NONE)
            return outcome;
        s->chosen[package] = SIZE_MAX;
        s->active.count = active;
        if (!taken)
            continue;
        const bool *child = s->blame[depth + 1];
        if (!child[package]) { /* the failure does not rest on this decision: nor does it help to
                                  make another */
            memcpy(own, child, s->problem->package_count * sizeof *own);
            return RESOLVE_NONE;
        }
        for (size_t p = 0; p < s->problem->package_count; p++)
            own[p] = own[p] || (child[p] && p != package);
    }
    learn(s, depth);
    return RESOLVE_NONE;
}

enum resolve_outcome evaluation_resolve_once(const struct resolve_problem *problem,
                                             const bool *enabled, size_t *chosen, bool *used,
                                             size_t *work, struct arena *arena)
{
    size_t count = problem->package_count;
    struct search s = {.problem = problem,
                       .enabled = enabled,
                       .arena = arena,
                       .chosen = chosen,
                       .level = arena_array(arena, count + 1, sizeof *s.level),
                       .used = used,
                       .blame = arena_array(arena, count + 2, sizeof *s.blame),
                       .work_max = problem->work_max ? problem->work_max : RESOLVE_WORK};
    s.active.items = arena_array(arena, problem->statement_count + 1, sizeof *s.active.items);
    for (size_t p = 0; p < count; p++)
        chosen[p] = SIZE_MAX;
    memset(used, 0, problem->group_count * sizeof *used);
    for (size_t i = 0; i < problem->statement_count; i++)
        if (problem->statements[i].owner == RESOLVE_ROOT)
            activate(&s, i);
    enum resolve_outcome outcome = search(&s, 0);
    *work += s.work;
    return outcome;
}
