/* deployment.h - orders, deployments and the twin's entities, as stored and shown. */
#ifndef SWAN_TYPES_DEPLOYMENT_H
#define SWAN_TYPES_DEPLOYMENT_H

#include "base/json.h"
#include "types/plan.h"
#include "types/refinement.h"
#include "types/requirement.h"
#include "types/solution.h"

struct order_spec {
    const char *solution; /* id of the stored solution set */
    int64_t version;      /* of the set, from 1; 0 in orders from before sets had versions = 1 */
    int64_t choice;       /* index into its solutions */
    const char *digest;   /* of the candidate that was confirmed */
};
extern const struct json_table order_spec_table;
extern const char *const order_state_names[]; /* confirmed, planned, opening, open, failed, closed,
                                                 cancelled, lapsed */
struct order_status {
    int state;
    const char *plan, *run, *deployment;
    const char *currency;
    int64_t price_month; /* millionths */
    struct solution_hold hold;
};
extern const struct json_table order_status_table;

extern const char *const deployment_state_names[];
enum deployment_state {
    DEPLOYMENT_ABSENT,
    DEPLOYMENT_OPENING,
    DEPLOYMENT_UP,
    DEPLOYMENT_DEGRADED,
    DEPLOYMENT_DOWN,
    DEPLOYMENT_REMOVING,
    DEPLOYMENT_REMOVED,
    DEPLOYMENT_FAILED,
    DEPLOYMENT_UNKNOWN
};

struct deployment_instance {
    const char *name; /* idempotency key */
    const char *component;
    int64_t instance;
    const char *site, *provider, *endpoint;
    int kind; /* enum plan_task_kind: server, bandwidth, address or instance */
    bool simulated;
    struct plan_task_result *result;
    int state;            /* enum deployment_state: opening, up, down, unknown, removed */
    int64_t seen_at;      /* last observation */
    const char *observed; /* what the observation said */
};

struct deployment_spec {
    const char *title; /* the customer's words, shortened */
    const char *order, *solution, *plan;
    LIST(struct solution_placement) placements;
};
extern const struct json_table deployment_spec_table;

struct deployment_status {
    int state;
    const char *run; /* the last run that changed it */
    LIST(const char *) urls;
    bool simulated;
    const char *currency;
    int64_t price_month;
    LIST(struct deployment_instance) instances;
};
extern const struct json_table deployment_status_table;

#endif
