/* random_problem.h - problems from a seed, and a checker that shares no code with the engine. */
#ifndef SWAN_TESTS_RANDOM_PROBLEM_H
#define SWAN_TESTS_RANDOM_PROBLEM_H

#include "base/rand.h"
#include "lean/scheduling/scheduling.h"

struct random_shape {
    size_t tasks, resources;
    int64_t longest; /* duration */
    double arcs;     /* chance that an earlier task comes before a later one */
    bool plain;      /* else with releases, deadlines, calendars, running and done tasks */
};

void random_problem(const struct random_shape *shape, struct rand *rand,
                    struct scheduling_problem *out, struct arena *arena);

/* NULL when every rule is kept, else what is broken. */
const char *broken_rule(const struct scheduling_problem *problem, const int64_t *starts);
int64_t makespan_of(const struct scheduling_problem *problem, const int64_t *starts);
int64_t lateness_of(const struct scheduling_problem *problem, const int64_t *starts);
/* The shortest makespan, by trying every order of tasks (few tasks only). */
int64_t shortest_by_force(const struct scheduling_problem *problem);

#endif
