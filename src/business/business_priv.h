/* business_priv.h - what the files of business share. */
#ifndef SWAN_BUSINESS_BUSINESS_PRIV_H
#define SWAN_BUSINESS_BUSINESS_PRIV_H

#include "base/id.h"
#include "business/business.h"

enum business_order_state { /* indices into order_state_names */
                            BUSINESS_ORDER_ABSENT,
                            BUSINESS_ORDER_CONFIRMED,
                            BUSINESS_ORDER_PLANNED,
                            BUSINESS_ORDER_OPENING,
                            BUSINESS_ORDER_OPEN,
                            BUSINESS_ORDER_FAILED,
                            BUSINESS_ORDER_CLOSED,
                            BUSINESS_ORDER_CANCELLED,
                            BUSINESS_ORDER_LAPSED
};

enum business_plan_state { BUSINESS_PLAN_ABSENT, BUSINESS_PLAN_READY, BUSINESS_PLAN_APPLIED };
struct business_plan_status {
    int state;
    const char *order, *run;
};
extern const struct json_table business_plan_status_table;

struct business_stage { /* a record to be made */
    const char *collection;
    const char *prefix; /* of the id that is made; NULL = the id is given */
    const char *tenant; /* whose: that of the stage before */
    const struct json_table *spec_table;
    const void *spec;
    const struct json_table *status_table; /* with status; may be NULL */
    const void *status;
};
enum err_code business_insert(struct store_tx *tx, const struct business_stage *stage,
                              const struct store_actor *actor, char id[ID_SIZE], struct err *err);
enum err_code business_get(struct store_tx *tx, const char *collection, const char *singular,
                           const char *id, const char *tenant, struct store_record *out,
                           struct arena *arena, struct err *err);
/* Whose requirement "id@version" is; the actor's when the solution names none. */
enum err_code business_tenant_of_need(struct store_tx *tx, const char *need,
                                      const struct store_actor *actor, const char **out,
                                      struct arena *arena, struct err *err);
/* A set with its tenant. */
struct business_set {
    struct business_solution spec; /* the newest version */
    struct solution_status status;
    const char *tenant, *spec_text;
};
enum err_code business_set_get(struct store_tx *tx, const char *id, const char *tenant,
                               struct business_set *out, struct arena *arena, struct err *err);
enum err_code business_set_status(struct store_tx *tx, const char *id,
                                  const struct solution_status *status, const char *event,
                                  const struct store_actor *actor, struct err *err);
/* The order with its tenant. */
struct business_order {
    struct order_spec spec;
    struct order_status status;
    const char *tenant;
};
enum err_code business_order_get(struct store_tx *tx, const char *id, const char *tenant,
                                 struct business_order *out, struct arena *arena, struct err *err);
enum err_code business_order_status(struct store_tx *tx, const char *order,
                                    const struct order_status *status, const char *event,
                                    const struct store_actor *actor, struct err *err);
enum err_code business_deployment_status(struct store_tx *tx, const char *deployment,
                                         const struct deployment_status *status, const char *event,
                                         const struct store_actor *actor, struct err *err);
/* cases.c: in the transaction in which the opening ends. */
enum err_code business_case_opened(struct store_tx *tx, const char *deployment,
                                   const struct deployment_spec *spec,
                                   const struct deployment_status *status,
                                   const struct run_status *run, struct err *err);
/* The state of the deployment has changed; deployments without a case are left alone. */
enum err_code business_case_follow(struct store_tx *tx, const char *deployment, int state,
                                   struct err *err);

#endif
