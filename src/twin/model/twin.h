/* twin.h - service: the digital twin's layered graph, born from the journal and corrected by
 * observation.
 *
 * Layers: physical (sites, hosts), virtual (servers, addresses, bandwidth), application (instances,
 * application versions), business (deployments, services).  Own tables twin_entities and
 * twin_edges; every entity and edge says origin (declared, observed, inferred), valid from/to, seen
 * at.  Nothing is deleted: it ends. */
#ifndef SWAN_TWIN_TWIN_H
#define SWAN_TWIN_TWIN_H

#include "store/store.h"
#include "types/deployment.h"
#include "types/plan.h"
#include "types/run.h"

extern const struct store_module twin_store_module;

enum twin_layer { TWIN_LAYER_ABSENT, TWIN_PHYSICAL, TWIN_VIRTUAL, TWIN_APPLICATION, TWIN_BUSINESS };
extern const char *const twin_layer_names[];
enum twin_state {
    TWIN_STATE_ABSENT,
    TWIN_UP,
    TWIN_DEGRADED,
    TWIN_UNREACHABLE,
    TWIN_DEAD,
    TWIN_UNKNOWN
};
extern const char *const twin_state_names[];
enum twin_origin { TWIN_ORIGIN_ABSENT, TWIN_DECLARED, TWIN_OBSERVED, TWIN_INFERRED };
extern const char *const twin_origin_names[];
extern const char
    *const twin_relation_names[]; /* hosts, runs-on, connects, calls, depends-on, serves, part-of */
enum twin_relation {
    TWIN_RELATION_ABSENT,
    TWIN_HOSTS,
    TWIN_RUNS_ON,
    TWIN_CONNECTS,
    TWIN_CALLS,
    TWIN_DEPENDS_ON,
    TWIN_SERVES,
    TWIN_PART_OF
};

struct twin_entity {
    const char *id; /* "site/local", "instance/swan-dep-…-0", "application/hello@1.0.0",
                       "deployment/dep-…" */
    int layer;
    const char *kind; /* site, server, address, bandwidth, instance, application, deployment */
    const char *name;
    const char *deployment; /* or NULL */
    int state;
    int origin;
    bool simulated;
    int64_t valid_from, valid_to; /* ms; 0 = still */
    int64_t seen_at;              /* last observation; 0 = never */
    const char *text;             /* "running, pid 4711" */
    LIST(struct json_string_pair) attributes;
};
struct twin_edge {
    const char *from, *to;
    int relation, origin;
    int64_t valid_from, valid_to;
};
struct twin_view {
    const char *deployment;
    int64_t at;       /* the moment that is shown */
    int64_t position; /* of the journal */
    LIST(struct twin_entity) entities;
    LIST(struct twin_edge) edges;
};
extern const struct json_table twin_view_table;

/* From the workflow's hooks, in their transaction: a task that ended well gives entities and edges,
 * an undone one ends them. */
enum err_code twin_on_task(struct store_tx *tx, const struct run_spec *run,
                           const struct plan_task *task, const struct run_task *state,
                           struct err *err);
enum err_code twin_on_deployment(struct store_tx *tx, const char *deployment, const char *title,
                                 const struct deployment_status *status, struct err *err);
/* What was observed of one thing: state, text, measured attributes.  Journals only a change of
 * state (collection "twin", event "state-changed"); what is unknown here or has ended is left out.
 */
struct twin_observation {
    const char *name; /* idempotency key */
    int state;
    const char *text;
    struct opt_double cpu_percent, memory_mib;
    int64_t at;
};
enum err_code twin_observed(struct store_tx *tx, const struct twin_observation *observations,
                            size_t count, const struct store_actor *actor, struct err *err);
enum err_code twin_site_state(struct store_tx *tx, const char *site, int state, const char *text,
                              int64_t at, struct err *err);

/* deployment NULL = everything (at most 10 000 entities).  at 0 = now; else what was there at that
 * moment, in the state it had then. */
enum err_code twin_show(struct store_tx *tx, const char *deployment, int64_t at,
                        struct twin_view *out, struct arena *arena, struct err *err);

#endif
