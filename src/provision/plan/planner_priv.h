/* planner_priv.h - the parts of the planner: names, estimates, and the DAG under construction. */
#ifndef SWAN_PLANNER_PRIV_H
#define SWAN_PLANNER_PRIV_H

#include "provision/plan/planner.h"

/* Names are at most 63 bytes of [a-z0-9-], the least of what systems below admit (a DNS label). */
#define PLANNER_NAME_MAX 63
#define PLANNER_DEPLOYMENT_MAX 24
#define PLANNER_COMPONENT_MAX 20

/* A part of a name: text itself when it is fit ([a-z0-9-], begins and ends with a letter or digit,
 * at most max bytes), else what of it is fit, shortened, and eight hex digits of its digest.  So
 * two texts have one slug only if they are equal, save for a clash of digests. */
const char *planner_slug(const char *text, size_t max, struct arena *arena);

/* Seconds that a task is expected to take: the caller's figure for that provider, the caller's for
 * any, else the default of docs/modules/planner.md. */
double planner_seconds(const struct planner_estimate *estimates, size_t count, const char *provider,
                       int kind, int64_t artefact_bytes);
/* The same for taking it away again; there is nothing to learn from yet, so it is a default. */
double planner_undo_seconds(void);

/* Puts the tasks into a topological order, fills eta_s, price of nothing else, simulated, and
 * seals. ERR_INFEASIBLE when the tasks wait for each other in a circle. */
enum err_code planner_finish(struct plan *plan, struct arena *arena, struct err *err);

#endif
