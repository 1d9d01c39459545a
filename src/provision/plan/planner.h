/* planner.h - engine: chosen Solution → task DAG (方案解析: resource, application and business
 * demands). Pure.  Artefacts are delivered from the start of the flow, in parallel with opening
 * resources. */
#ifndef SWAN_PLANNER_PLANNER_H
#define SWAN_PLANNER_PLANNER_H

#include "base/arena.h"
#include "types/application.h"
#include "types/deployment.h"
#include "types/network.h"
#include "types/plan.h"
#include "types/requirement.h"
#include "types/solution.h"

struct planner_estimate { /* learned or default seconds by task kind and provider; NULL provider =
                             any */
    const char *provider;
    int kind;
    double seconds;
};

struct planner_input {
    const char *deployment; /* id; becomes part of each idempotency key */
    const struct requirement *requirement;
    const struct solution *solution;
    const char *solution_id; /* id@version, for the basis */
    int64_t network_version;
    const struct network *network;
    const struct site_connections *connections;
    const struct application_spec_refs *applications;
    bool simulate; /* catalogue-only sites go to the simulator provider, labelled; else they are
                      ERR_INFEASIBLE */
    const struct planner_estimate *estimates;
    size_t estimate_count;
    /* Can that provider do tasks of that kind?  NULL = taken for granted; the workflow then finds
     * out. */
    bool (*does)(const void *ctx, const char *provider, int kind);
    const void *does_ctx;
};

/* ERR_INFEASIBLE with reason: a site cannot be opened, no connection can open the form, an
 * application is missing or lacks its artefact (the hint names `swan app publish`), applications
 * depend on each other in a circle.  ERR_INVALID: the solution is none of this requirement.  The
 * plan is sealed; `out` points into the input too, so that must live as long. */
enum err_code planner_open(const struct planner_input *input, struct plan *out, struct arena *arena,
                           struct err *err);

/* The plan that removes what a deployment consists of (undo of each instance, last made first). */
enum err_code planner_remove(const char *deployment, const struct deployment_status *status,
                             const struct plan *opened_by, struct plan *out, struct arena *arena,
                             struct err *err);

#endif
