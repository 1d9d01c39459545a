/* resolve_explain.c - why no choice of versions exists: a smallest set of needs that cannot be met
 * together, found by leaving out one after the other and searching again (deletion filtering).
 *
 * Contract: begins with the needs that the failed proof rests on, and after each further proof goes
 * on with those of that one; what remains is minimal unless a search was stopped. */
#include <string.h>

#include "intelligent/evaluation/resolve_priv.h"

static void explain(const struct resolve_problem *problem, struct resolve_answer *out,
                    bool *enabled, struct arena *arena)
{
    size_t *chosen = arena_array(arena, problem->package_count + 1, sizeof *chosen);
    bool *used = arena_array(arena, problem->group_count + 1, sizeof *used);
    out->minimal = true;
    for (size_t g = 0; g < problem->group_count; g++) {
        if (!enabled[g])
            continue;
        enabled[g] = false;
        enum resolve_outcome outcome =
            evaluation_resolve_once(problem, enabled, chosen, used, &out->work, arena);
        if (outcome == RESOLVE_NONE) {
            memcpy(enabled, used, problem->group_count * sizeof *enabled);
        } else {
            enabled[g] = true;
            out->minimal = out->minimal && outcome == RESOLVE_FOUND;
        }
    }
}

void evaluation_resolve(const struct resolve_problem *problem, struct resolve_answer *out,
                        struct arena *arena)
{
    bool *enabled = arena_array(arena, problem->group_count + 1, sizeof *enabled);
    bool *used = arena_array(arena, problem->group_count + 1, sizeof *used);
    *out = (struct resolve_answer){
        .chosen = arena_array(arena, problem->package_count + 1, sizeof *out->chosen)};
    memset(enabled, true, problem->group_count * sizeof *enabled);
    out->outcome = evaluation_resolve_once(problem, enabled, out->chosen, used, &out->work, arena);
    out->blamed = used;
    if (out->outcome == RESOLVE_NONE)
        explain(problem, out, used, arena);
}
