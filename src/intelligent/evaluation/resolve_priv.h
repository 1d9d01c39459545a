/* resolve_priv.h - choosing one version of everything that is depended on, or saying why none can
 * be chosen.  Names, versions and ranges are numbers here; report_dependencies.c makes them. */
#ifndef SWAN_EVALUATION_RESOLVE_PRIV_H
#define SWAN_EVALUATION_RESOLVE_PRIV_H

#include "base/arena.h"

#define RESOLVE_ROOT SIZE_MAX

/* "version `owner_version` of `owner` needs `package` in one of the versions that `allows` says".
 * Statements of one group stand or fall together in an explanation (the same need of several
 * versions of one package). */
struct resolve_statement {
    size_t owner, owner_version; /* owner RESOLVE_ROOT: holds always */
    size_t package;
    const bool *allows; /* by version of `package` */
    size_t group;
};

struct resolve_package {
    size_t versions;            /* best first: the earlier is tried first */
    const size_t *const *needs; /* by version: numbers of statements … */
    const size_t *need_count;   /* … and how many */
};

struct resolve_problem {
    const struct resolve_package *packages;
    size_t package_count;
    const struct resolve_statement *statements;
    size_t statement_count, group_count;
    size_t work_max; /* assignments tried, 0 = RESOLVE_WORK */
};
#define RESOLVE_WORK 200000

enum resolve_outcome { RESOLVE_FOUND, RESOLVE_NONE, RESOLVE_STOPPED };

struct resolve_answer {
    enum resolve_outcome outcome;
    size_t *chosen; /* by package: version, or SIZE_MAX when it is not needed (FOUND) */
    bool *blamed;   /* by group: in the explanation (NONE) */
    bool minimal;   /* no blamed group can be left out (NONE) */
    size_t work;
};

/* A closed choice: every statement of the root and of each chosen version is met, nothing else is
 * chosen.  FOUND iff one exists, within the work that is allowed. */
void evaluation_resolve(const struct resolve_problem *problem, struct resolve_answer *out,
                        struct arena *arena);

/* One search (resolve.c) with the groups that `enabled` says; fills `used` with groups that its
 * proof of NONE rests on. */
enum resolve_outcome evaluation_resolve_once(const struct resolve_problem *problem,
                                             const bool *enabled, size_t *chosen, bool *used,
                                             size_t *work, struct arena *arena);

#endif
