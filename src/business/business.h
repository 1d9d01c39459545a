/* business.h - service: 业务中心.  The stored stages of the loop, each versioned, each naming the
 * one before: requirements → solutions → orders → plans → deployments.
 *
 * Collections: "requirements" (spec business_requirement_table), "solutions" (spec
 * business_solution_table of its newest version, status solution_status_table), "solution-versions"
 * (older versions, id "SET@N", spec as they were), "orders" (order_*_table), "plans" (spec
 * plan_table, status {state}), "deployments" (deployment_*_table), "cases" (spec
 * feasibility_case_table, id of the deployment).  All belong to a tenant: a requirement to that of
 * who made it, each other stage to that of the stage before. */
#ifndef SWAN_BUSINESS_BUSINESS_H
#define SWAN_BUSINESS_BUSINESS_H

#include "store/store.h"
#include "types/application.h"
#include "types/deployment.h"
#include "types/feasibility.h"
#include "types/plan.h"
#include "types/refinement.h"
#include "types/requirement.h"
#include "types/run.h"
#include "types/solution.h"

extern const struct store_module business_store_module;

struct business_requirement { /* spec of a stored requirement */
    const char *text;         /* the customer's words, or NULL */
    struct requirement *requirement;
    const char *spans, *questions; /* JSON_RAW: as intent gave them */
    const char *reader;
};
extern const struct json_table business_requirement_table;

struct business_solution {           /* spec of one version of a stored solution set */
    const char *requirement_id;      /* id@version */
    struct requirement *requirement; /* as designed for (with assumptions applied) */
    int64_t network_version;
    struct solution_answer *answer;
    LIST(const char *) applications; /* name@version found for components */
    int64_t number;                  /* version, from 1 (0 in sets from before there were any) */
    int objective;                   /* that was asked; ABSENT = the requirement's */
    struct requirement *asked;       /* as refined, before assumptions; NULL = as it was stored */
    LIST(struct solution_pin) pins;  /* all that hold, of this and earlier refinements */
    LIST(struct solution_exclusion) exclusions;
    struct solution_refinement *refinement; /* how it came from another version; NULL = the first */
    int64_t redesigns; /* times that it was designed again because others took the room */
};
extern const struct json_table business_solution_table;

/* Each stores one stage in the caller's transaction and gives its id. */
enum err_code business_requirement_save(struct store_tx *tx,
                                        const struct business_requirement *spec,
                                        const struct store_actor *actor, char out_id[32],
                                        struct err *err);
/* hold: what is held for its first candidate, NULL = nothing. */
enum err_code business_solution_save(struct store_tx *tx, const struct business_solution *spec,
                                     const struct solution_hold *hold,
                                     const struct store_actor *actor, char out_id[32],
                                     struct err *err);
/* Stores the next version of the set; spec->refinement says from which one, which must be the
 * newest (ERR_PRECONDITION), and gets spec->number.  What was chosen or confirmed is so no more. */
enum err_code business_solution_refine(struct store_tx *tx, const char *id,
                                       struct business_solution *spec,
                                       const struct solution_hold *hold,
                                       const struct store_actor *actor, struct err *err);
/* The candidate must be confirmed, version and all: else ERR_CONFLICT.  Fills spec->digest. */
enum err_code business_order_save(struct store_tx *tx, struct order_spec *spec,
                                  const struct store_actor *actor, char out_id[32],
                                  struct err *err);
enum err_code business_plan_save(struct store_tx *tx, const struct plan *plan, const char *order,
                                 const struct store_actor *actor, char out_id[32], struct err *err);
/* Reads them back, decoded; tenant NULL = any, else ERR_NOT_FOUND for others'. */
enum err_code business_requirement_load(struct store_tx *tx, const char *id, const char *tenant,
                                        struct business_requirement *out, int64_t *ret_version,
                                        struct arena *arena, struct err *err);
/* One version of a set; number 0 = the newest.  ret_number tells which it is. */
enum err_code business_solution_load(struct store_tx *tx, const char *id, int64_t number,
                                     const char *tenant, struct business_solution *out,
                                     int64_t *ret_number, struct arena *arena, struct err *err);
enum err_code business_solution_status(struct store_tx *tx, const char *id, const char *tenant,
                                       struct solution_status *out, struct arena *arena,
                                       struct err *err);
enum err_code business_order_load(struct store_tx *tx, const char *id, const char *tenant,
                                  struct order_spec *spec, struct order_status *status,
                                  int64_t *ret_version, struct arena *arena, struct err *err);
enum err_code business_plan_load(struct store_tx *tx, const char *id, const char *tenant,
                                 struct plan *out, const char **ret_order, struct arena *arena,
                                 struct err *err);
enum err_code business_deployment_load(struct store_tx *tx, const char *id, const char *tenant,
                                       struct deployment_spec *spec,
                                       struct deployment_status *status, int64_t *ret_version,
                                       struct arena *arena, struct err *err);

/* Past cases, newest first: what deployments were and how their opening went, at most `limit`
 * (1…1000); of one scenario (0 = any) and one tenant (NULL = all).  A case is written when the run
 * that opens a deployment ends (unless it was cancelled), and follows the deployment's state. */
enum err_code business_cases_load(struct store_tx *tx, int scenario, const char *tenant,
                                  size_t limit, struct feasibility_cases *out, struct arena *arena,
                                  struct err *err);

/* ---- choosing and confirming (docs/modules/business.md has the table) ---- */
enum business_solution_event {
    BUSINESS_CHOOSE,  /* this one is wanted */
    BUSINESS_CONFIRM, /* this one may be ordered */
    BUSINESS_REFINE,
    BUSINESS_ORDER
};
/* The state after it; SOLUTION_STATE_ABSENT = not possible in that state. */
int business_solution_next(int state, enum business_solution_event event);

struct business_marking {
    const char *id;
    enum business_solution_event event; /* choose or confirm */
    int64_t version;                    /* 0 = the newest */
    int64_t choice;                     /* -1 = the chosen one, else the first */
};
struct business_marked { /* what was marked, and how it is to be held from now on */
    struct requirement *requirement;
    const struct solution *candidate;
    struct solution_mark mark;
    struct solution_hold hold;
    bool unchanged; /* it was so already, and ordered: nothing was written */
};
enum err_code business_solution_mark(struct store_tx *tx, const struct business_marking *marking,
                                     const struct store_actor *actor, struct business_marked *out,
                                     struct arena *arena, struct err *err);
/* sha256 of which candidate it is and of all that it says. */
void business_candidate_digest(const struct business_marking *which,
                               const struct solution *candidate, char out[72]);

/* ---- what is held for a set or an order (the rows are compute's) ---- */
/* How long from now; seconds 0 = not at all. */
struct solution_hold business_hold(int64_t seconds, int64_t choice);
/* The reservation of that set or order is over: past its end (LAPSED) or given back (RELEASED).  An
 * order that was not applied is lapsed then.  Nothing happens when nothing is held. */
enum err_code business_hold_ended(struct store_tx *tx, const char *holder, int hold_state,
                                  const struct store_actor *actor, struct err *err);
/* ERR_CONFLICT when something of it is open or being opened. */
enum err_code business_order_cancel(struct store_tx *tx, const char *id, const char *tenant,
                                    const struct store_actor *actor, struct err *err);

/* When a plan is applied: makes the deployment (state opening) or marks it removing, ties order,
 * plan and run together. ERR_CONFLICT when the plan was applied before or the deployment's state
 * does not admit it. */
enum err_code business_apply(struct store_tx *tx, const char *plan_id, const struct plan *plan,
                             const char *order, const char *run_id, const char *title,
                             const struct store_actor *actor, struct err *err);
/* From the workflow's hooks, in their transaction.  ret_ended tells that the deployment holds
 * nothing any more (release its allocation). */
enum err_code business_on_task(struct store_tx *tx, const char *run_id, const struct run_spec *run,
                               const struct plan_task *task, const struct run_task *state,
                               struct err *err);
enum err_code business_on_run(struct store_tx *tx, const char *run_id, const struct run_spec *run,
                              const struct run_status *status, bool *ret_ended, struct err *err);
/* What the observer saw of a deployment's instances: states, texts; writes only on change (or each
 * minute). */
struct business_observation {
    const char *name;
    int state; /* enum deployment_state: up, down, unknown */
    const char *text;
    int64_t at;
};
enum err_code business_observed(struct store_tx *tx, const char *deployment,
                                const struct business_observation *observations, size_t count,
                                struct err *err);

#endif
