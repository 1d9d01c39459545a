/* exact_learn.c - conflict analysis to the first unique implication point, and the clauses learned.
 *
 * Contract: of each bound at most one literal is needed at a time, the strongest; the entry that
 * made it true is the oldest one of its bound that reaches the value.  Entries are resolved from
 * the newest down, each by an explanation of older literals, until one literal of the current level
 * is left. Literals known at level 0 are dropped, so a clause holds for every makespan. */
#include <assert.h>
#include <string.h>

#include "lean/scheduling/exact_priv.h"

/* The entry that made the literal true. */
static int32_t entry_of(const struct scheduling_exact *exact, struct exact_literal l)
{
    int32_t e = exact->last[l.bound];
    while (e >= 0 && exact->trail[e].old >= l.value)
        e = exact->trail[e].before;
    return e;
}

static int32_t level_of(const struct scheduling_exact *exact, int32_t entry)
{
    int32_t low = 0, high = exact->level;
    while (low < high) {
        int32_t middle = (low + high + 1) / 2;
        if (exact->level_at[middle] <= entry)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static bool is_root(const struct scheduling_exact *exact, struct exact_literal l)
{
    int32_t e = entry_of(exact, l);
    return e < 0 || (exact->level > 0 && e < exact->level_at[1]) || exact->level == 0;
}

/* Notes the literal as needed; returns by how much the number of those of this level grew. */
static int32_t want(struct scheduling_exact *exact, struct exact_literal l)
{
    int32_t before = exact->need[l.bound], start = exact->level_at[exact->level];
    if (before >= l.value || is_root(exact, l))
        return 0;
    if (before == INT32_MIN) {
        exact->seen[exact->seen_count++] = l.bound;
        scheduling_exact_bump(exact, l);
    }
    bool was_here =
        before != INT32_MIN && entry_of(exact, (struct exact_literal){l.bound, before}) >= start;
    exact->need[l.bound] = l.value;
    return (entry_of(exact, l) >= start) - was_here;
}

/* True when what made the literal true is among what is needed anyway. */
static bool is_implied(struct scheduling_exact *exact, struct exact_literal l)
{
    int32_t e = entry_of(exact, l);
    const struct exact_entry *entry = &exact->trail[e];
    if (entry->why.kind == EXACT_DECIDED)
        return false;
    int32_t count = scheduling_exact_explain(exact, l, entry->why, e);
    for (int32_t k = 0; k < count; k++) {
        struct exact_literal r = exact->reason[k];
        struct exact_literal needed = {r.bound, exact->need[r.bound]};
        if (is_root(exact, r))
            continue;
        if (r.bound == l.bound || needed.value < r.value || entry_of(exact, needed) >= e)
            return false; /* what comes later may itself be left out because of this one */
    }
    return true;
}

/* What is needed becomes the clause; `first` is the one literal of this level. */
static void collect(struct scheduling_exact *exact, int32_t first)
{
    exact->learned_count = 1;
    exact->learned[0] = exact_not((struct exact_literal){first, exact->need[first]});
    for (int32_t k = 0; k < exact->seen_count; k++) {
        struct exact_literal l = {exact->seen[k], exact->need[exact->seen[k]]};
        if (l.bound != first && l.value != INT32_MIN && !is_implied(exact, l))
            exact->learned[exact->learned_count++] = exact_not(l);
    }
}

/* Puts the literal of the highest level second; returns that level. */
static int32_t back_level(struct scheduling_exact *exact)
{
    int32_t best = 0, newest = -1;
    for (int32_t k = 1; k < exact->learned_count; k++) {
        int32_t e = entry_of(exact, exact_not(exact->learned[k]));
        if (e > newest) {
            newest = e;
            best = k;
        }
    }
    if (!best)
        return 0;
    struct exact_literal l = exact->learned[best];
    exact->learned[best] = exact->learned[1];
    exact->learned[1] = l;
    return level_of(exact, newest);
}

int32_t scheduling_exact_analyse(struct scheduling_exact *exact)
{
    int32_t here = 0, at = exact->trail_count, first = -1;
    if (exact->level == 0)
        return -1;
    exact->seen_count = 0;
    for (int32_t k = 0; k < exact->conflict_count; k++)
        here += want(exact, exact->conflict[k]);
    assert(here > 0);
    for (;;) {
        const struct exact_entry *entry;
        int32_t needed;
        do {
            entry = &exact->trail[--at];
            needed = exact->need[entry->bound];
        } while (needed == INT32_MIN || needed <= entry->old || needed > entry->value);
        first = entry->bound;
        if (here == 1)
            break;
        struct exact_literal l = {first, needed};
        int32_t count = scheduling_exact_explain(exact, l, entry->why, at);
        exact->need[first] = INT32_MIN + 1; /* still in seen, no longer needed */
        here--;
        for (int32_t k = 0; k < count; k++)
            here += want(exact, exact->reason[k]);
    }
    for (int32_t k = 0; k < exact->seen_count; k++)
        if (exact->need[exact->seen[k]] == INT32_MIN + 1)
            exact->need[exact->seen[k]] = INT32_MIN;
    collect(exact, first);
    int32_t level = back_level(exact);
    for (int32_t k = 0; k < exact->seen_count; k++)
        exact->need[exact->seen[k]] = INT32_MIN;
    return level;
}

/* ---- clauses ---- */

static int32_t count_levels(struct scheduling_exact *exact)
{
    int32_t count = 0;
    exact->mark++;
    for (int32_t k = 0; k < exact->learned_count; k++) {
        int32_t level = level_of(exact, entry_of(exact, exact_not(exact->learned[k])));
        count += exact->level_mark[level] != exact->mark;
        exact->level_mark[level] = exact->mark;
    }
    return count;
}

int32_t scheduling_exact_keep(struct scheduling_exact *exact)
{
    int32_t size = EXACT_HEAD + 2 * exact->learned_count, clause = exact->pool_count;
    if (exact->pool_count + size > exact->pool_room) {
        int32_t room = exact->pool_room ? exact->pool_room * 2 : 1 << 16;
        while (room < exact->pool_count + size)
            room *= 2;
        int32_t *bigger = arena_array(exact->arena, (size_t)room, sizeof *bigger);
        if (exact->pool_count)
            memcpy(bigger, exact->pool, (size_t)exact->pool_count * sizeof *bigger);
        exact->pool = bigger;
        exact->pool_room = room;
    }
    exact->pool_count += size;
    exact->pool[clause] = exact->learned_count;
    exact->pool[clause + 1] = count_levels(exact);
    exact->pool[clause + 2] = (int32_t)(exact->conflicts & INT32_MAX);
    for (int32_t k = 0; k < exact->learned_count; k++) {
        exact->pool[clause + EXACT_HEAD + 2 * k] = exact->learned[k].bound;
        exact->pool[clause + EXACT_HEAD + 2 * k + 1] = exact->learned[k].value;
    }
    exact->clause_count++;
    if (exact->learned_count > 1) {
        scheduling_exact_watch(exact, exact->learned[0], exact->learned[1], clause);
        scheduling_exact_watch(exact, exact->learned[1], exact->learned[0], clause);
    }
    return clause;
}

/* The number of levels that at least half of the clauses stay below. */
static int32_t middle_levels(const struct scheduling_exact *exact)
{
    int32_t counts[64] = {0}, sum = 0, levels = 0;
    for (int32_t c = 0; c < exact->pool_count; c += EXACT_HEAD + 2 * exact->pool[c])
        counts[exact->pool[c + 1] < 63 ? exact->pool[c + 1] : 63]++;
    while (levels < 63 && (sum += counts[levels]) < exact->clause_count / 2)
        levels++;
    return levels;
}

void scheduling_exact_reduce(struct scheduling_exact *exact)
{
    int32_t to = 0, next, most = middle_levels(exact);
    assert(exact->level == 0);
    for (int32_t w = 0; w < exact->watch_count; w++)
        exact->watches[w].count = 0;
    exact->clause_count = 0;
    for (int32_t c = 0; c < exact->pool_count; c = next) {
        int32_t *clause = exact->pool + c, size = EXACT_HEAD + 2 * clause[0];
        bool young = exact->conflicts - clause[2] < exact->clause_most / 4;
        next = c + size;
        if (clause[0] < 2 || (clause[1] > 2 && clause[1] >= most && !young))
            continue;
        /* Of what is known at level 0, true clauses go; false literals may stay unless watched. */
        struct exact_literal *l = (struct exact_literal *)(void *)(clause + EXACT_HEAD);
        bool satisfied = false;
        int32_t open = 0;
        for (int32_t k = 0; k < clause[0]; k++) {
            satisfied = satisfied || exact_is_true(exact, l[k]);
            if (!exact_is_true(exact, exact_not(l[k])) && open < 2) {
                struct exact_literal other = l[open];
                l[open++] = l[k];
                l[k] = other;
            }
        }
        if (satisfied || open < 2)
            continue;
        memmove(exact->pool + to, clause, (size_t)size * sizeof *clause);
        l = (struct exact_literal *)(void *)(exact->pool + to + EXACT_HEAD);
        scheduling_exact_watch(exact, l[0], l[1], to);
        scheduling_exact_watch(exact, l[1], l[0], to);
        exact->clause_count++;
        to += size;
    }
    exact->pool_count = to;
    exact->clause_most += exact->clause_most / 10;
}

void scheduling_exact_back(struct scheduling_exact *exact, int32_t level)
{
    if (level >= exact->level)
        return;
    int32_t until = exact->level_at[level + 1];
    while (exact->trail_count > until) {
        const struct exact_entry *entry = &exact->trail[--exact->trail_count];
        exact->value[entry->bound] = entry->old;
        exact->last[entry->bound] = entry->before;
        scheduling_exact_reopen(exact, entry->bound, entry->value, entry->old);
    }
    exact->level = level;
    exact->done = exact->trail_count;
}
