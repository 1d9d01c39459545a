/* hooks.c - what the workflow tells its owners, in the transaction that makes it so: the deployment
 * changes with the task, the twin is born with it, the allocation ends with the last part. */
#include "daemon/daemon_priv.h"

#include "base/str.h"

static const struct store_actor system_actor = {.user = "system", .tenant = ""};

enum err_code daemon_show_deployment(struct store_tx *tx, const char *deployment, struct err *err)
{
    CLEANUP(arena_done) struct arena arena = ARENA_INIT;
    struct deployment_spec spec;
    struct deployment_status status;
    enum err_code rc =
        business_deployment_load(tx, deployment, NULL, &spec, &status, NULL, &arena, err);
    return rc ? rc : twin_on_deployment(tx, deployment, spec.title, &status, err);
}

enum err_code daemon_on_task(void *daemon, struct store_tx *tx, const char *run_id,
                             const struct run_spec *spec, const struct plan_task *task,
                             const struct run_task *state, struct err *err)
{
    (void)daemon;
    enum err_code rc = business_on_task(tx, run_id, spec, task, state, err);
    if (!rc && str_eq(spec->purpose, "open") && state->state == RUN_TASK_SUCCEEDED)
        rc = daemon_show_deployment(tx, spec->deployment, err);
    return rc ? rc : twin_on_task(tx, spec, task, state, err);
}

enum err_code daemon_on_run(void *daemon, struct store_tx *tx, const char *run_id,
                            const struct run_spec *spec, const struct run_status *status,
                            struct err *err)
{
    (void)daemon;
    bool ended = false;
    enum err_code rc = business_on_run(tx, run_id, spec, status, &ended, err);
    if (!rc && ended)
        rc = compute_release(tx, spec->deployment, &system_actor, err);
    return rc ? rc : daemon_show_deployment(tx, spec->deployment, err);
}
